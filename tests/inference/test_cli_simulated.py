"""`refra validate --simulated` and `--simulated-fit`."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from refra.inference.calibration.ranking import Ranking, rank_table
from refra.inference.calibration.recovering import METHODS
from refra.inference.calibration.scoring import MEASURES
from refra.inference.cli import app
from refra.inference.display_simulation import METHOD_NAMES, ranking_text

SIMULATED = ("validate", "--simulated", "--basis", "prior", "--patients", "60", "--draws", "15", "--seed", "2")


def test_the_table_holds_recovery_areas_rules_and_coverage() -> None:
    result = CliRunner().invoke(app, [*SIMULATED, "--csv"])
    assert result.exit_code == 0, result.stderr
    table = pd.read_csv(io.StringIO(result.stdout))
    assert list(dict.fromkeys(table["part"])) == ["recovery", "areas", "rules", "coverage"]
    recovery = table[table["part"] == "recovery"]
    assert len(recovery) == 3 * len(METHODS) * len(MEASURES)
    assert sorted(set(table["findings"])) == [3, 6, 12]
    assert table["value"].notna().sum() > 200


def test_the_text_names_every_method_at_every_number_of_findings() -> None:
    result = CliRunner().invoke(app, [*SIMULATED, "--width", "100"])
    assert result.exit_code == 0, result.stderr
    assert "60 patients on a drug that misses the target" in " ".join(result.stdout.split())
    for name in METHOD_NAMES.values():
        # Once in the list of methods, once a number of findings in the scores, and once in the differences except for the network.
        lines = [line for line in result.stdout.splitlines() if line.startswith(f"{name}  ")]
        assert len(lines) == 1 + 3 * (1 if name == "Network" else 2)
    assert all(len(line) <= 100 for line in result.stdout.splitlines())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--simulated", "--simulated-fit"), "one of them at a time"),
        (("--simulated", "--plot", "there.png"), "only published numbers are plotted"),
        (("--simulated-fit", "--plot", "there.png"), "only published numbers are plotted"),
    ],
)
def test_what_does_not_go_together_is_refused(options: tuple[str, ...], words: str) -> None:
    result = CliRunner().invoke(app, ["validate", *options])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert words in result.stderr


@pytest.mark.parametrize("missing", ["jax", "numpyro"])
def test_what_simulated_fits_need_is_named_where_it_is_missing(missing: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv = ['refra', 'validate', '--simulated-fit']\n"
        "from refra.inference.cli import app; app()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert 'pip install "refra[calibrate]"' in done.stderr
    assert missing in done.stderr
    assert "Traceback" not in done.stderr


def test_simulated_fits_as_text() -> None:
    ranks = np.random.default_rng(0).integers(0, 20, (50, 2))
    table = rank_table(("adherence.oral", "between studies, cohort"), ranks, 19)
    told = ranking_text(Ranking(table, ranks, 19, 81.0, 95, 3), 100, False)
    assert "50 fits" in told
    assert "3 divergent" in told
    (line,) = [line for line in told.splitlines() if line.startswith("adherence.oral")]
    counts = [int(word) for word in line.split()[-10:]]
    assert counts == np.bincount(ranks[:, 0] // 2, minlength=10).tolist()
    assert f"{ranks[:, 0].mean() / 19:.2f}" in line
