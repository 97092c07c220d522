"""Choices of structure made otherwise, against networks built by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refra import Patient
from refra.inference.asking import Known, ask
from refra.inference.causes import CAUSES, averted
from refra.inference.knowledge import CENTRAL
from refra.inference.options import outlook
from refra.inference.preferences import Preferences
from refra.inference.sensitivity.case import case_of
from refra.inference.sensitivity.choices import BY_ID, CHOICES
from refra.inference.sensitivity.structure import RULES, LeaveOutStructure, altered_model, leave_out_structure
from refra.inference.sensitivity.versions import reason_ids
from refra.inference.situation import situation
from refra.inference.twins import Twins
from refra.model.assembly import assemble, central_model
from refra.model.draws import Draws, shipped_draws
from refra.model.network import Model, Node, build_model

RECORD: dict[str, Any] = {
    "current_drug": "infliximab", "response": "lost", "crp": 22, "sjc28": 5, "age": 60, "smoking": "current", "methotrexate": 15, "bmi": 33,
    "glucocorticoid": 0, "disease_duration": 4, "sex": "female", "earlier": {"tnf_inhibitor": ["never_worked", "lost_response"]},
    "rf": "high", "months_on_drug": 20, "synovial_b_cells": "rich", "phq9": 12, "drug_level": "low", "il6_level": "high",
}  # fmt: skip


@pytest.fixture(scope="module")
def result() -> LeaveOutStructure:
    return leave_out_structure(RECORD)


def answered(model: Model) -> tuple[np.ndarray, dict[str, float]]:
    """Return the reasons and each option's utility in a network specialised to the record."""
    place = situation(Patient(**RECORD))
    look = outlook(place, model, shipped_draws(0), Preferences())
    reasons = ask(model, place.inside(model), ["primary_reason"])["primary_reason"][0]
    return reasons, {option: float(values[0]) for option, values in look.utility.items()}


def specialised(model: Model) -> Model:
    place = situation(Patient(**RECORD))
    return place.specialised(model.copied({"earlier_tnf_inhibitor_2": "earlier_tnf_inhibitor"}))


def compare(result: LeaveOutStructure, identifier: str, model: Model) -> None:
    reasons, utility = answered(specialised(model))
    shown = result.details[result.details["id"] == identifier].set_index("quantity")
    for name, value in zip(reason_ids(), reasons, strict=True):
        assert shown.loc[f"reason:{name}", "alternative"] == pytest.approx(value, abs=1e-12)
    for option, value in utility.items():
        assert shown.loc[f"utility:{option}", "alternative"] == pytest.approx(value, abs=1e-12)
    assert np.abs(shown["change"]).max() > 1e-6


def without_arcs(*arcs: tuple[str, str]) -> Model:
    """Return the central network with arcs taken out, by sums over the parent's prior."""
    model = central_model()
    nodes = {name: Node(model.parents[name], model.tables[name]) for name in model.states}
    for child, parent in arcs:
        prior = model.tables[parent][0]
        if parent == "severity":
            prior = model.tables["autoantibody"][0] @ prior
        axis = 1 + nodes[child].parents.index(parent)
        table = np.tensordot(nodes[child].table, prior, axes=([axis], [0]))
        nodes[child] = Node(tuple(name for name in nodes[child].parents if name != parent), table)
    return build_model(model.states, nodes)


CLASSES = ("tnf_inhibitor", "il6r_inhibitor", "abatacept", "rituximab", "jak_inhibitor")


@pytest.mark.parametrize(
    ("identifier", "arcs"),
    [
        ("smoking_coverage", [("covered_tnf_inhibitor", "smoking")]),
        ("smoking_antibodies", [("ada", "smoking")]),
        ("multi_refractory", [(f"covered_{name}", "multi_refractory") for name in CLASSES]),
        ("smoking_response", [(f"response_{name}", "smoking") for name in CLASSES]),
        ("severity_markers", [("il6_axis", "severity"), ("gm_csf_level", "severity"), ("msrc", "severity")]),
    ],
)
def test_a_cut_arc_is_a_sum_over_the_parents_prior(result: LeaveOutStructure, identifier: str, arcs: list[tuple[str, str]]) -> None:
    compare(result, identifier, without_arcs(*arcs))


def test_records_are_set_throughout_the_network(result: LeaveOutStructure) -> None:
    centre = shipped_draws(0)
    for identifier, changes in (
        ("contextual_response", {"response.contextual": np.array([1e-9])}),
        (
            "infliximab_spread",
            {f"exposure.{name}_infliximab": centre[f"exposure.{name}"] for name in ("scatter", "fast_clearance")},
        ),
    ):
        compare(result, identifier, assemble(Draws({**dict(centre.values), **changes}, 1)))


def test_edited_tables(result: LeaveOutStructure) -> None:
    model = central_model()
    for identifier, name in (("low_level_none", "engagement"), ("escape", "escape"), ("response_label_exact", "response_pattern")):
        table = np.array(model.tables[name])
        if identifier == "low_level_none":
            table[0, 1, 1] = table[0, 1, 0]
        elif identifier == "escape":
            table[0] = [1.0, 0.0]
        else:
            table[0] = np.eye(5)
        nodes = {other: Node(model.parents[other], model.tables[other]) for other in model.states}
        compare(result, identifier, build_model(model.states, {**nodes, name: Node(model.parents[name], table)}))


def test_other_structures_are_sound_and_what_the_table_shows(result: LeaveOutStructure) -> None:
    case = case_of(RECORD)
    for identifier in ("coverage_persists", "antibodies_through_level", "depression_adherence"):
        model = altered_model(case, BY_ID[identifier])
        for name, table in model.tables.items():
            assert np.abs(table.sum(axis=-1) - 1).max() < 1e-9, name
            assert table.min() >= 0
        compare(result, identifier, model)


def test_own_coverage_forgets_failures_of_the_class() -> None:
    case = case_of(RECORD)
    base, own = central_model(), altered_model(case, BY_ID["coverage_persists"])
    failed = Known({"current_drug": 2, "earlier_tnf_inhibitor": 1})
    drug = Known({"current_drug": 2})
    # Without findings the two networks agree: each coverage has the same distribution.
    for name in ("covered_tnf_inhibitor", "covered_current", "earlier_tnf_inhibitor"):
        assert ask(own, drug, [name])[name][0] == pytest.approx(ask(base, drug, [name])[name][0], abs=1e-12)

    def fall(model: Model) -> float:
        before, after = (ask(model, known, ["covered_tnf_inhibitor"])["covered_tnf_inhibitor"][0, 1] for known in (drug, failed))
        return float(before - after)

    assert fall(base) > 2 * fall(own) > 0
    # Given driver and trait a failure says nothing of the next drug, and one failed drug nothing of another.
    given = Known({"current_drug": 2, "driver": 0, "multi_refractory": 0, "escape": 0, "smoking": 0})
    after = Known({**given.hard, "earlier_tnf_inhibitor": 1, "earlier_tnf_inhibitor_2": 1})
    for model, told in ((own, False), (base, True)):
        two = model.copied({"earlier_tnf_inhibitor_2": "earlier_tnf_inhibitor"})
        p = [ask(two, known, ["covered_tnf_inhibitor"])["covered_tnf_inhibitor"][0, 1] for known in (given, after)]
        assert (abs(p[0] - p[1]) > 0.01) == told
        joint = ask(two, given, [("earlier_tnf_inhibitor", "earlier_tnf_inhibitor_2")])["earlier_tnf_inhibitor", "earlier_tnf_inhibitor_2"][
            0
        ]
        product = np.outer(joint.sum(axis=1), joint.sum(axis=0))
        assert bool(np.abs(joint - product).max() > 1e-6) == told


def test_depression_keeps_the_average_and_the_published_odds_ratio() -> None:
    case = case_of(RECORD)
    model, base = altered_model(case, BY_ID["depression_adherence"]), central_model()
    full = model.tables["adherence"][0, ..., 0]
    odds = full / (1 - full)
    assert (odds[..., 0] / odds[..., 1]) == pytest.approx(np.full(odds.shape[:-1], 1.14), abs=1e-9)
    average = full @ base.tables["depression"][0]
    assert average == pytest.approx(base.tables["adherence"][0, ..., 0], abs=2e-3)


def test_larger_response_never_exceeds_the_sum() -> None:
    case = case_of(RECORD)
    model, base = altered_model(case, BY_ID["additive_response"]), central_model()
    contextual = float(shipped_draws(0)["response.contextual"][0])
    for name in CLASSES:
        new, old = model.tables[f"response_{name}"][0, ..., 1], base.tables[f"response_{name}"][0, ..., 1]
        assert (new <= old + 1e-12).all()
        # c + (1 - c) g = P, so that g = (P - c) / (1 - c) for a patient who never smoked.
        gain = (old[..., 0, :] - contextual) / (1 - contextual)
        assert new[..., 0, :] == pytest.approx(np.maximum(gain, contextual), abs=1e-12)


def test_rules_of_the_assessment(result: LeaveOutStructure) -> None:
    place = situation(Patient(**RECORD))
    model = place.model(CENTRAL, 0, 0)
    assert place.target == "undecided"
    shown = result.details.set_index(["id", "quantity"])["alternative"]
    free = ask(model, place.inside(model, place.record), ["primary_reason"])["primary_reason"][0]
    for name, value in zip(reason_ids(), free, strict=True):
        assert shown["target_missed", f"reason:{name}"] == pytest.approx(value, abs=1e-12)
    known = place.inside(model, place.known)
    for cause in CAUSES:
        loose = averted(model, known, cause, Twins(model, monotone=False))[0]
        assert shown["twin_coupling", f"averted:{cause}"] == pytest.approx(loose, abs=1e-12)


def test_without_the_rule_of_exclusion_the_best_utility_comes_first() -> None:
    patient = {"current_drug": "infliximab", "response": "lost", "red_flags": "new_autoantibodies", "age": 45}
    found = leave_out_structure(patient, preferences=Preferences(unavailable=("continue", "support_adherence", "optimise_exposure")))
    shown = found.details[found.details["id"] == "exclude_first"].set_index("quantity")["alternative"]
    utility = {name.partition(":")[2]: value for name, value in shown.items() if name.startswith("utility:")}
    row = found.data.set_index("id").loc["exclude_first"]
    assert row["first_option"] == max(utility, key=lambda option: utility[option])


def test_every_choice_has_a_line_and_the_biggest_change_comes_first(result: LeaveOutStructure) -> None:
    assert set(result.data["id"]) == {choice.id for choice in CHOICES} | set(RULES)
    assert result.data["distance"].is_monotonic_decreasing
    assert result.data["doubt"].str.endswith(".").all()
    probabilities = result.details[result.details["quantity"].str.startswith(("reason:", "lda:"))]
    largest = probabilities.groupby("id")["change"].agg(lambda change: change.abs().max())
    shown = result.data.set_index("id")["distance"]
    for identifier, value in largest.items():
        assert shown[identifier] == pytest.approx(value, abs=1e-11)
    assert len(result.plot().axes) == 2
    assert "choices made otherwise" in result.summary()


def test_without_reasons_options_alone_are_compared() -> None:
    found = leave_out_structure({"current_drug": "none", "crp": 20, "sjc28": 7, "age": 50})
    assert found.first_reason is None
    assert found.data["p_first_reason"].isna().all()
    assert not found.data["reason_changes"].any()
