"""The recovery of simulated reasons: what must hold whatever the network's numbers are."""

from __future__ import annotations

import pandas as pd
import pytest

from refra.data.errors import UnknownNameError
from refra.data.loading import variables
from refra.inference.calibration.recovering import BASELINES, METHODS, NETWORK, TRUE_PARAMETERS, Recovery, recover
from refra.inference.calibration.scoring import MEASURES
from refra.model.draws import PRIOR


@pytest.fixture(scope="module")
def found() -> Recovery:
    return recover(800, PRIOR, seed=3, findings=(2, 12), replicates=40)


def of(found: Recovery, findings: int, method: str, measure: str) -> pd.Series:
    table = found.scores.set_index(["findings", "method", "measure"])
    return table.loc[(findings, method, measure)]


def test_every_method_is_scored_by_every_measure(found: Recovery) -> None:
    lines = {(f, method, measure) for f in (2, 12) for method in METHODS for measure in MEASURES}
    assert set(zip(found.scores["findings"], found.scores["method"], found.scores["measure"], strict=True)) == lines
    assert len(found.scores) == len(lines)
    assert found.scores.notna().all(axis=None)
    assert (found.scores["low"] <= found.scores["high"]).all()
    own = found.scores[found.scores["method"] == NETWORK]
    assert (own[["difference", "difference_low", "difference_high"]] == 0).all(axis=None)


def test_predictions_with_the_true_parameters_are_calibrated(found: Recovery) -> None:
    for count in (2, 12):
        slope = of(found, count, TRUE_PARAMETERS, "slope")
        half = (slope["high"] - slope["low"]) / 2
        assert slope["value"] == pytest.approx(1.0, abs=2 * half)


def test_findings_are_worth_something_and_nothing_beats_the_truth(found: Recovery) -> None:
    # Differences in the mean of -log P: the network less the other.
    assert of(found, 12, "prior_only", "log_score")["difference_high"] < 0
    assert of(found, 12, TRUE_PARAMETERS, "log_score")["difference_low"] > 0
    assert of(found, 12, NETWORK, "auc")["value"] > of(found, 2, NETWORK, "auc")["value"]
    assert of(found, 2, "prior_only", "log_score")["value"] == of(found, 12, "prior_only", "log_score")["value"]


def test_areas_and_rules(found: Recovery) -> None:
    own = found.areas[(found.areas["findings"] == 12) & (found.areas["method"] == NETWORK)]
    assert tuple(own["reason"]) == variables()["primary_reason"].state_ids
    assert own["share"].sum() == pytest.approx(1.0)
    mean = (own["share"] * own["auc"]).sum()
    assert of(found, 12, NETWORK, "auc")["value"] == pytest.approx(mean)
    assert found.rules["right"].between(0, 1, inclusive="neither").all()
    assert set(BASELINES) < set(METHODS)


def test_the_same_seed_gives_the_same_scores_and_another_basis_is_refused() -> None:
    first, second, third = (recover(60, PRIOR, seed=seed, findings=(3,), replicates=2) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first.scores, second.scores)
    assert not first.scores.equals(third.scores)
    with pytest.raises(UnknownNameError, match="prior"):
        recover(60, "priors")
