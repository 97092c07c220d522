"""Preferences: weights by name, unavailable options, refusals with the nearest names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from refra.data.errors import FindingError, UnknownNameError
from refra.data.loading import parameters
from refra.inference.preferences import Preferences, weight_names
from refra.model.draws import shipped_draws
from refra.model.harms import HARMS


def test_the_weights_are_the_utility_records() -> None:
    assert {f"utility.{name}" for name in weight_names()} == {name for name in parameters() if name.startswith("utility.")}
    assert set(HARMS) < set(weight_names())


def test_settled_defaults() -> None:
    settled = {
        "low_disease_activity": 0.15, "mace": 0.6, "malignancy": 1.0, "vte": 0.15, "gi_perforation": 0.3, "serious_infection": 0.06,
        "change_of_drug": 0.005, "noninflammatory_care": 0.002,
    }  # fmt: skip
    draws = shipped_draws(0)
    for name, value in settled.items():
        assert Preferences().weight(name, draws)[0] == pytest.approx(value, rel=1e-6)


def test_a_given_weight_replaces_every_draw_and_the_others_keep_theirs() -> None:
    draws = shipped_draws(6, 3)
    chosen = Preferences(weights={"mace": 2})
    assert chosen.weight("mace", draws).tolist() == [2.0] * 7
    np.testing.assert_array_equal(chosen.weight("vte", draws), draws["utility.vte"])
    assert Preferences(weights={"mace": 0}).weight("mace", draws).tolist() == [0.0] * 7


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"weights": {"mcae": 1.0}}, "'mace'"),
        ({"weights": {"low_disease_activty": 1.0}}, "'low_disease_activity'"),
        ({"unavailable": ["rituxmab"]}, "'rituximab'"),
        ({"wieghts": {}}, "'weights'"),
    ],
)
def test_unknown_names_come_with_the_nearest(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UnknownNameError, match=words):
        Preferences(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"weights": {"mace": -0.1}},
        {"weights": {"mace": 10.1}},
        {"weights": {"mace": float("nan")}},
        {"weights": {"mace": "much"}},
        {"weights": 3},
        {"unavailable": 3},
    ],
)
def test_values_that_cannot_be_used_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(FindingError):
        Preferences(**given)


def test_preferences_do_not_change() -> None:
    chosen = Preferences(weights={"mace": 1.0}, unavailable=["abatacept"])
    assert chosen.unavailable == ("abatacept",)
    with pytest.raises(ValidationError):
        chosen.unavailable = ()
    given = {"mace": 1.0}
    kept = Preferences(weights=given)
    given["mace"] = 5.0
    assert kept.weights["mace"] == 1.0
