"""The exclusive primary reason, in its settled order, over every combination of states."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from refra.data.loading import variables
from refra.inference.asking import Known, ask
from refra.model.assembly import central_model
from refra.model.summaries import missing_drug_shares, primary_reason_of

REASONS = variables()["primary_reason"].state_ids
SYNOVITIS = variables()["synovitis"].state_ids
MISSING = variables()["missing_drug_reason"].state_ids
MECHANISM = variables()["mechanism_reason"].state_ids


def settled_reason(other: str, synovitis: str, pain: str, missing: str, mechanism: str) -> str:
    """The order of the design: other disease; not inflammation; drug missing; mechanism."""
    if other == "yes":
        return "other_disease"
    if synovitis == "none" or (synovitis == "low" and pain == "yes"):
        return "non_inflammatory"
    return mechanism if missing == "none" else missing


def test_primary_reason_keeps_the_settled_order() -> None:
    table = central_model().tables["primary_reason"][0]
    for position in product(range(2), range(4), range(2), range(4), range(2)):
        o, s, p, d, m = position
        expected = settled_reason(("no", "yes")[o], SYNOVITIS[s], ("no", "yes")[p], MISSING[d], MECHANISM[m])
        assert REASONS[primary_reason_of(*position)] == expected
        np.testing.assert_array_equal(table[position], [float(name == expected) for name in REASONS])


@pytest.mark.parametrize(
    ("exposure", "adherence", "ada", "clearance", "shares"),
    [
        # Drug on board: nothing is missing, whatever the rest.
        ("in_range", "poor", "high_titre", "fast", {"none": 1.0}),
        # Poor adherence explains first, then a high titre.
        ("undetectable", "poor", "high_titre", "fast", {"non_adherence": 1.0}),
        ("low", "poor", "none", "normal", {"non_adherence": 1.0}),
        ("low", "partial", "high_titre", "normal", {"immunogenicity": 1.0}),
        ("undetectable", "full", "high_titre", "fast", {"immunogenicity": 1.0}),
        # Partial adherence with a low titre: half each.
        ("low", "partial", "low_titre", "normal", {"non_adherence": 0.5, "immunogenicity": 0.5}),
        ("low", "partial", "low_titre", "fast", {"non_adherence": 0.5, "immunogenicity": 0.5}),
        # One half explanation alone, or beside fast clearance.
        ("low", "partial", "none", "normal", {"non_adherence": 1.0}),
        ("low", "partial", "none", "fast", {"non_adherence": 0.5, "low_exposure_other": 0.5}),
        ("low", "full", "low_titre", "normal", {"immunogenicity": 1.0}),
        ("low", "full", "low_titre", "fast", {"immunogenicity": 0.5, "low_exposure_other": 0.5}),
        # Otherwise it is of another kind.
        ("low", "full", "none", "fast", {"low_exposure_other": 1.0}),
        ("undetectable", "full", "none", "normal", {"low_exposure_other": 1.0}),
    ],
)
def test_why_the_drug_is_missing(exposure: str, adherence: str, ada: str, clearance: str, shares: dict[str, float]) -> None:
    states = (("exposure", exposure), ("adherence", adherence), ("ada", ada), ("clearance", clearance))
    position = tuple(variables()[name].state_ids.index(state) for name, state in states)
    expected = [shares.get(name, 0.0) for name in MISSING]
    assert list(missing_drug_shares(*position)) == expected
    np.testing.assert_array_equal(central_model().tables["missing_drug_reason"][0][position], expected)


def test_shares_always_sum_to_1() -> None:
    for position in product(range(3), range(3), range(3), range(2)):
        assert sum(missing_drug_shares(*position)) == 1.0


def test_mechanism_reason_is_escape_if_it_was_lost_or_left() -> None:
    table = central_model().tables["mechanism_reason"][0]
    for c, course in enumerate(variables()["true_course"].state_ids):
        for e, escape in enumerate(("no", "yes")):
            expected = "pathway_escape" if course == "lost" or escape == "yes" else "wrong_pathway"
            assert MECHANISM[int(table[c, e].argmax())] == expected
            assert table[c, e].max() == 1.0


def test_a_mechanism_cause_needs_a_disease_that_is_not_covered() -> None:
    table = central_model().tables["mechanism_cause"][0]
    states = variables()["mechanism_cause"].state_ids
    for covered, kind in product(range(2), range(2)):
        assert states[int(table[covered, kind].argmax())] == ("none" if covered else MECHANISM[kind])


def test_a_source_of_pain_is_any_of_three() -> None:
    table = central_model().tables["pain_source"][0]
    for present in product(range(2), repeat=3):
        assert table[(*present, 1)] == float(any(present))


def test_summaries_hold_definitions_alone() -> None:
    model = central_model()
    for name in ("pain_source", "missing_drug_reason", "mechanism_reason", "mechanism_cause", "primary_reason"):
        assert model.parameters[name] == ()
        assert variables()[name].role == "summary"


def test_the_reason_of_a_known_world_is_certain() -> None:
    model = central_model()
    world = {
        "current_drug": "adalimumab", "other_disease": "none", "synovitis": "high", "exposure": "undetectable", "adherence": "full",
        "ada": "high_titre",
    }  # fmt: skip
    hard = {name: model.position(name, state) for name, state in world.items()}
    found = ask(model, Known(hard), ["primary_reason"])["primary_reason"][0]
    assert found[REASONS.index("immunogenicity")] == pytest.approx(1.0)
