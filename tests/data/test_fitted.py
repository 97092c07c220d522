"""The shipped posterior draws fit the tables that they were made from."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files

import numpy as np
import pytest

from refra.data.errors import RecordError
from refra.data.fitted import Fitted, fitted
from refra.data.loading import parameters
from refra.data.tables import read_csv, read_text


def test_every_parameter_has_its_draws() -> None:
    posterior = fitted()
    assert set(parameters()) <= set(posterior.ids)
    assert len(posterior.deviates) >= 1000
    assert np.abs(posterior.deviates).max() < 8
    for name in parameters():
        column = posterior.column(name)
        assert column is not None
        assert column.std() > 0.05
    assert posterior.column("no_such_parameter") is None


def test_the_tables_that_went_in_are_those_that_are_shipped() -> None:
    # After a change of these tables the joint posterior has to be rebuilt (data/posterior/README.md).
    folder = files("refra.data")
    for name, digest in fitted().inputs:
        assert hashlib.sha256(folder.joinpath(*name.split("/")).read_bytes()).hexdigest() == digest, name


def test_the_summary_is_that_of_the_draws() -> None:
    posterior = fitted()
    columns = ("parameter", "mean", "sd", "contraction", "conflict", "r_hat", "effective")
    for _, _, row in read_csv("posterior", "parameters.csv", columns=columns):
        column = posterior.column(row["parameter"])
        assert column is not None
        # The draws are shipped in half precision.
        assert float(row["mean"]) == pytest.approx(column.mean(), abs=2e-3)
        assert float(row["sd"]) == pytest.approx(column.std(), abs=2e-3)
        assert float(row["contraction"]) == pytest.approx(1 - column.std() ** 2, abs=5e-3)


def test_the_chains_agree() -> None:
    note = json.loads(read_text("posterior", "fit.json"))
    assert note["largest R-hat"] < 1.05
    assert note["least effective sample size"] > 200
    assert note["divergences"] <= 0.01 * note["chains"] * note["draws"]
    assert note["targets"] >= 150


def test_deviates_that_do_not_fit_their_names_are_refused() -> None:
    with pytest.raises(RecordError, match=r"shape \(draws, 2\)"):
        Fitted(("a", "b"), np.zeros((3, 1)), np.ones(2, dtype=bool), ())
    with pytest.raises(RecordError, match="finite"):
        Fitted(("a",), np.full((3, 1), np.nan), np.ones(1, dtype=bool), ())
