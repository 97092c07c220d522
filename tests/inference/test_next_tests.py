"""The value of an unobserved finding against a loop over its states."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from refra.inference.asking import ask
from refra.inference.assessment import assess
from refra.inference.knowledge import CENTRAL
from refra.inference.next_tests import candidates, test_table
from refra.inference.options import outlook, ranking_scores
from refra.inference.patient import Patient
from refra.inference.preferences import Preferences
from refra.inference.situation import Situation, situation
from refra.model.draws import shipped_draws

# The name would make pytest collect the function itself.
test_table.__test__ = False  # type: ignore[attr-defined]

UNDECIDED: dict[str, Any] = {"current_drug": "adalimumab", "response": "lost", "crp": 22, "sjc28": 5}
MISSED: dict[str, Any] = {"current_drug": "tocilizumab", "sjc28": 1, "tjc28": 14, "smoking": "never", "age": 50}
MET: dict[str, Any] = {"current_drug": "adalimumab", "sjc28": 0, "tjc28": 1, "patient_global": 10, "physician_global": 10}


def place(**fields: Any) -> Situation:
    return situation(Patient(**fields))


def bits(p: np.ndarray) -> float:
    return float(-sum(x * np.log2(x) for x in p if x > 0))


@pytest.mark.parametrize("record", [UNDECIDED, MISSED, MET], ids=["undecided", "missed", "met"])
@pytest.mark.parametrize("name", ["red_flags", "widespread_pain", "msrc"])
def test_gain_equals_a_loop_over_results(record: dict[str, Any], name: str) -> None:
    found, preferences, draws = place(**record), Preferences(), shipped_draws(0)
    model = found.model(CENTRAL, 0, 0)
    table = test_table(found, model, draws, preferences, "en").set_index("id")

    def scores(spot: Situation) -> np.ndarray:
        return ranking_scores(outlook(spot, model, draws, preferences))[0]

    def reasons(spot: Situation) -> np.ndarray:
        return ask(model, spot.inside(model), ["primary_reason"])["primary_reason"][0]

    before = scores(found)
    chance = ask(model, found.inside(model), [name])[name][0]
    gain = change = left = 0.0
    for state, p in enumerate(chance):
        seen = replace(found, known=found.known.also(hard={name: state}))
        after = scores(seen)
        gain += p * after.max()
        change += p * (after.argmax() != before.argmax())
        left += p * bits(reasons(seen))
    line = table.loc[name] if name in table.index else {"expected_gain": 0.0, "p_change": change, "entropy_drop": 0.0}
    assert line["expected_gain"] == pytest.approx(gain - before.max(), abs=1e-9)
    assert line["p_change"] == pytest.approx(change, abs=1e-9)
    assert line["entropy_drop"] == pytest.approx(bits(reasons(found)) - left, abs=1e-6)
    if name in table.index:
        assert line["p_likeliest"] == pytest.approx(chance.max(), abs=1e-9)


@pytest.mark.parametrize("record", [UNDECIDED, MISSED, {"current_drug": "none", "crp": 20}])
def test_information_never_hurts_and_the_best_comes_first(record: dict[str, Any]) -> None:
    table = assess(record, draws=0).tests
    assert (table["expected_gain"] >= 0).all()
    assert (table["entropy_drop"] >= 0).all()
    assert table["expected_gain"].is_monotonic_decreasing
    assert table["p_change"].between(0, 1).all()


def test_only_what_is_not_observed_is_proposed() -> None:
    record = {**UNDECIDED, "earlier": {"abatacept": "never_worked"}, "phq9": 4}
    found = place(**record)
    names = candidates(found, found.model(CENTRAL, 0, 0))
    assert not {"crp", "sjc28", "response_pattern", "phq9"} & set(names)
    # A map of earlier drugs is complete.
    assert not any(name.startswith("earlier_") for name in names)
    assert {"red_flags", "drug_level", "ada_test", "esr"} <= set(names)
    other = place(**UNDECIDED)
    assert "earlier_abatacept" in candidates(other, other.model(CENTRAL, 0, 0))


def test_findings_about_a_drug_are_not_proposed_without_one() -> None:
    table = assess({"current_drug": "none", "crp": 20, "sjc28": 7}, draws=0).tests
    about_the_drug = {"drug_level", "ada_test", "response_pattern", "months_on_drug", "refill_adherence", "reported_adherence"}
    assert not about_the_drug & set(table["id"])


def test_a_level_that_says_nothing_is_not_proposed() -> None:
    assert "drug_level" in set(assess(UNDECIDED, draws=0).tests["id"])
    assert "drug_level" not in set(assess({**UNDECIDED, "current_drug": "abatacept"}, draws=0).tests["id"])


def test_a_finding_given_as_flat_likelihood_is_still_unobserved() -> None:
    flat = {"red_flags": dict.fromkeys(("none", "crystals", "fever_weight_loss", "new_autoantibodies", "single_joint"), 0.5)}
    found = place(**UNDECIDED, **flat)
    assert "red_flags" in candidates(found, found.model(CENTRAL, 0, 0))
