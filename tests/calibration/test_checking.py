"""The back-test: rows kept back, and what is counted of them."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from refra.data.errors import UnknownNameError
from refra.data.loading import evidence
from refra.inference.calibration.checking import check
from refra.inference.calibration.evaluating import evaluate, shipped_models
from refra.inference.calibration.questions import question
from refra.inference.calibration.reading import calibration_targets, validation_targets
from refra.inference.calibration.targets import Group, Target, Term
from refra.inference.calibration.validating import between_studies, validation
from refra.inference.cli import app
from refra.inference.querying import query


def share(weights: tuple[float, ...]) -> Group:
    return Group(((1.0, (Term(question("depression"), weights),)),))


def made(groups: tuple[Group, ...], measure: str, value: float, observed: float) -> Target:
    return Target("made", "topic", measure, "cohort", "", groups, value, None, None, observed, 0.1, "same", 0.0, 0.2)


@pytest.fixture(scope="module")
def depressed() -> float:
    return float(query("depression", draws=0).set_index("state").loc["yes", "probability"])


def test_what_is_counted_by_arithmetic(depressed: float) -> None:
    near, far = depressed + 0.05, depressed + 0.3
    yes, no = share((0.0, 1.0)), share((1.0, 0.0))
    ratio = math.log(depressed / (1 - depressed))
    targets = [
        made((yes,), "proportion", near, math.log(near / (1 - near))),
        made((yes,), "proportion", far, math.log(far / (1 - far))),
        dataclasses.replace(made((yes, no), "risk_ratio", math.exp(ratio), ratio), low=math.exp(ratio - 0.1), high=math.exp(ratio + 0.1)),
        dataclasses.replace(
            made((yes, no), "risk_ratio", math.exp(-ratio), -ratio), low=math.exp(-ratio - 0.1), high=math.exp(-ratio + 0.1)
        ),
    ]
    found = check(targets, shipped_models(0), {"cohort": 0.0})
    rows = found.rows
    assert rows["prediction"].to_numpy() == pytest.approx([depressed, depressed, math.exp(ratio), math.exp(ratio)])
    assert rows["error"].to_numpy() == pytest.approx([-0.05, -0.3, 0.0, 2 * ratio])
    assert list(rows["sign_right"]) == [None, None, True, False]
    assert list(rows["within_published"][2:]) == [True, False]
    # Without parameter uncertainty the expected interval is that of a normal error of 0.1 on the log odds.
    half = 1.6449 * 0.1
    told = math.log(depressed / (1 - depressed))
    assert rows.loc[0, "expected_high"] == pytest.approx(1 / (1 + math.exp(-(told + half))), abs=0.08)
    total = found.summary.set_index("topic").loc["all"]
    assert total["rows"] == 4
    assert total["close"] == pytest.approx(0.5)
    assert total["mean_absolute_error"] == pytest.approx(0.175)
    assert total["ratios_within"] == total["signs_right"] == 0.5


def test_a_published_difference_of_zero_points_nowhere() -> None:
    level = made((share((0.0, 1.0)), share((0.0, 1.0))), "risk_difference", 0.0, 0.0)
    found = check([level, dataclasses.replace(level, value=0.1, observed=0.4)], shipped_models(0), {"cohort": 0.0})
    assert list(found.rows["sign_right"]) == [None, False]
    assert found.summary.set_index("topic").loc["all", "comparisons"] == 1


def test_expected_intervals_cover_what_the_network_itself_produces() -> None:
    random = np.random.default_rng(5)
    base = made((share((0.0, 1.0)),), "proportion", 0.2, 0.0)
    models = shipped_models(200)
    asked = question("depression")
    shares = evaluate([asked], models)[asked][1:, 1]
    truths = random.choice(np.log(shares / (1 - shares)), 400)
    noise = math.hypot(0.1, 0.3) * random.standard_normal(400)
    targets = [dataclasses.replace(base, observed=float(value)) for value in truths + noise]
    summary = check(targets, models, {"cohort": 0.3}).summary.set_index("topic").loc["all"]
    # Four standard errors of a share of 400.
    assert summary["covered_90"] == pytest.approx(0.9, abs=0.06)
    assert summary["covered_50"] == pytest.approx(0.5, abs=0.1)


def test_no_validation_row_is_among_the_targets_of_the_fit() -> None:
    fitted_to = set(calibration_targets())
    kept_back = set(validation_targets())
    assert fitted_to.isdisjoint(kept_back)
    assert {evidence()[name].use for name in fitted_to} == {"calibration"}
    assert {evidence()[name].use for name in kept_back} == {"validation"}


def test_the_command_prints_every_row_kept_back() -> None:
    result = CliRunner().invoke(app, ["validate", "--draws", "20", "--width", "240"])
    assert result.exit_code == 0, result.output
    for name in validation_targets():
        assert name in result.output
    assert "By topic" in result.output


def test_the_command_writes_csv_and_a_plot(tmp_path) -> None:  # type: ignore[no-untyped-def]
    target = tmp_path / "check.svg"
    result = CliRunner().invoke(app, ["validate", "--draws", "20", "--csv", "--plot", str(target)])
    assert result.exit_code == 0, result.output
    (tmp_path / "rows.csv").write_text(result.output, encoding="utf-8")
    assert len(pd.read_csv(tmp_path / "rows.csv")) == len(validation_targets())
    assert "<svg" in target.read_text(encoding="utf-8")
    refused = CliRunner().invoke(app, ["validate", "--draws", "20", "--plot", str(tmp_path / "check.doc")])
    assert refused.exit_code == 2
    assert ".svg" in refused.output


def test_bases_and_sets_of_rows_are_checked() -> None:
    with pytest.raises(UnknownNameError, match="'validation'"):
        validation("validatoin")
    with pytest.raises(UnknownNameError, match="'fitted'"):
        validation(basis="fited")
    assert set(between_studies("prior")) == set(between_studies("fitted"))
