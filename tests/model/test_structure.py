"""What the arcs of the network claim, read off by d-separation, and the size of the plans that they lead to."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import refra
from refra.data.loading import variables
from refra.inference.engine import compile_plan
from refra.inference.twins import ABSENCES, TARGET, Twins
from refra.model.assembly import central_model
from refra.model.drug_classes import CLASSES
from refra.model.harms import HARMS
from refra.model.network import Model
from refra.model.outcomes import OPTIONS
from refra.model.specialise import specialise

BACKGROUND = tuple(name for name, variable in variables().items() if variable.role == "background")
FINDINGS = tuple(name for name, variable in variables().items() if variable.role == "finding")
DRUGS = variables()["current_drug"].state_ids
FINDINGS_BUDGET, QUESTION_BUDGET = 10_000, 15_000


@cache
def network() -> Any:
    return refra.network()


def connected(start: str, end: str, *observed: str) -> bool:
    return bool(network().is_dconnected(start, end, observed=list(observed)))


# The drug and methotrexate and smoking act on antibodies and on the joints alike. Once exposure is observed, its other causes
# become dependent on the antibodies: clearance, which severe disease and body mass raise, must be observed with it.
WHAT_ADA_SHARES = ("exposure", "current_drug", "methotrexate", "smoking", "clearance")


@pytest.mark.parametrize("response", ["engagement", "synovitis", "true_course", "sjc28", "crp", "response_pattern", "power_doppler"])
def test_antibodies_act_on_the_response_through_exposure_alone(response: str) -> None:
    assert not connected("ada", response, *WHAT_ADA_SHARES)
    # Each of these is needed: without exposure the arrow reaches the target, without clearance exposure joins its causes.
    assert connected("ada", response, *(name for name in WHAT_ADA_SHARES if name != "exposure"))
    assert connected("ada", response, *(name for name in WHAT_ADA_SHARES if name != "clearance"))


def test_staying_on_the_drug_depends_on_antibodies_through_exposure_and_adherence_alone() -> None:
    # Age bears on adherence and, through osteoarthritis, on the target; depression may: what lies between is observed as well.
    for outcome in ("target_met", "lda_continue", "acr50_continue"):
        assert not connected("ada", outcome, *WHAT_ADA_SHARES, "adherence")
        assert not connected("ada", outcome, *WHAT_ADA_SHARES, "depression", "age_group", "bmi_class")
    assert connected("ada", "lda_continue", *WHAT_ADA_SHARES)


def test_no_arc_leads_from_antibodies_to_engagement_or_synovitis() -> None:
    children = {child for child, parents in central_model().parents.items() if "ada" in parents}
    assert "exposure" in children
    assert not children & {"engagement", "synovitis", "true_course", "target_met", "covered_current"}


@pytest.mark.parametrize("sign", ["synovitis", "sjc28", "crp", "power_doppler", "acute_phase_block", "exposure", "true_course"])
def test_fibromyalgia_does_not_touch_swelling_or_crp(sign: str) -> None:
    # Depression and adherence are observed, so that the claim holds whether or not the one lowers the other.
    assert not connected("fibromyalgia", sign, "depression", "adherence", "current_drug", "age_group")
    assert not connected("fibromyalgia", sign, "depression")
    # What both act on opens a path between them: a high global makes the one stand in for the other.
    assert connected("fibromyalgia", sign, "depression", "patient_global")


def test_esr_shares_sex_with_fibromyalgia() -> None:
    assert connected("fibromyalgia", "esr", "depression")
    assert not connected("fibromyalgia", "esr", "depression", "sex")


@pytest.mark.parametrize("cause", ["osteoarthritis", "depression"])
def test_other_pain_reaches_swelling_through_background_or_missed_doses_alone(cause: str) -> None:
    for sign in ("sjc28", "crp", "power_doppler"):
        assert not connected(cause, sign, "age_group", "bmi_class", "adherence", "current_drug")


@pytest.mark.parametrize("pain", ["tjc28", "patient_global", "physician_global"])
def test_pain_findings_depend_on_pain_and_on_synovitis(pain: str) -> None:
    assert connected("fibromyalgia", pain, "depression", "synovitis")
    assert connected("synovitis", pain, "depression", "fibromyalgia")


def test_a_drug_level_says_nothing_of_the_joints_beside_exposure_and_drug() -> None:
    for name in ("synovitis", "engagement", "sjc28", "ada", "ada_test", "adherence", "clearance", "true_course"):
        assert not connected("drug_level", name, "exposure", "current_drug")
        assert connected("drug_level", name, "current_drug")


def test_serology_and_tissue_b_cells_are_separate_children() -> None:
    for marker in ("rf", "acpa", "eta_14_3_3"):
        assert not connected(marker, "synovial_b_cells", "autoantibody")
        assert not connected(marker, "synovial_b_cells", "driver", "covered_rituximab")
        assert connected(marker, "synovial_b_cells", "driver")
        assert connected(marker, "synovial_b_cells", "covered_rituximab")
        assert connected(marker, "severity")
    assert not connected("autoantibody", "synovial_b_cells", "driver", "covered_rituximab")
    assert connected("covered_rituximab", "synovial_b_cells", "driver", "autoantibody")


def test_severity_keeps_the_blood_markers_from_counting_twice() -> None:
    # Given driver, severity and what else they share, IL-6 and GM-CSF and the molecular signature are independent.
    shared = ("driver", "severity", "synovitis", "current_drug", "covered_tnf_inhibitor")
    for first, second in (("il6_level", "gm_csf_level"), ("gm_csf_level", "msrc"), ("il6_level", "msrc")):
        assert not connected(first, second, *shared)
        assert connected(first, second, *(name for name in shared if name != "severity"))


@pytest.mark.parametrize("harm", HARMS)
def test_harms_depend_on_background_alone(harm: str) -> None:
    model = central_model()
    for option in ("continue", *CLASSES):
        name = f"{harm}_{option}"
        assert model.ancestors({name}) - {name} <= set(BACKGROUND)
        assert ("current_drug" in model.parents[name]) == (option == "continue")
        assert not connected(name, "synovitis", *BACKGROUND)


def test_background_is_at_the_roots_and_findings_at_the_leaves() -> None:
    model = central_model()
    for name in BACKGROUND:
        assert model.parents[name] == ()
    for name, parents in model.parents.items():
        assert not set(parents) & set(FINDINGS), name
    for option in OPTIONS:
        assert not any({f"lda_{option}", f"acr50_{option}"} & set(parents) for parents in model.parents.values())
    assert not connected("tjc28", "crp", *model.parents["tjc28"], *BACKGROUND)
    assert not connected("tjc28", "sjc28", *model.parents["tjc28"])


def test_all_causes_of_low_exposure_act_by_the_same_path() -> None:
    # Once exposure and the drug are known, why the level is low does not matter for engagement.
    for cause in ("adherence", "ada", "clearance"):
        given = ("exposure", "current_drug", "covered_current")
        assert not connected(cause, "engagement", *given)
        assert connected(cause, "engagement", "current_drug", "covered_current")


def test_driver_acts_on_the_joints_through_coverage_by_the_current_drug() -> None:
    assert not connected("driver", "synovitis", "covered_current", "current_drug", "smoking", "autoantibody", "escape")
    assert connected("driver", "synovitis", "current_drug")


MEASURED = {
    "refill_adherence": {"adherence"}, "reported_adherence": {"adherence"}, "drug_level": {"current_drug", "exposure"},
    "ada_test": {"ada", "exposure"}, "sjc28": {"synovitis"}, "power_doppler": {"synovitis"}, "response_pattern": {"true_course"},
    "months_on_drug": {"true_course"}, "rf": {"autoantibody"}, "acpa": {"autoantibody"}, "eta_14_3_3": {"autoantibody"},
    "pathotype": {"driver"}, "synovial_b_cells": {"driver", "covered_rituximab"}, "red_flags": {"other_disease"},
    "first_questionnaire": {"fibromyalgia"}, "phq9": {"depression"}, "sleep_questionnaire": {"poor_sleep"},
    "hand_xray_oa": {"osteoarthritis"}, **{f"earlier_{name}": {f"covered_{name}"} for name in CLASSES},
    **{f"{name}_diagnosis": {name} for name in ("fibromyalgia", "depression", "osteoarthritis")},
}  # fmt: skip


def test_a_measurement_hangs_on_what_it_measures_alone() -> None:
    for finding, parents in MEASURED.items():
        assert set(central_model().parents[finding]) == parents, finding
    # A drug that blocks IL-6 reaches CRP and ESR through what it blocks, and swollen joints not at all.
    for marker in ("crp", "esr"):
        assert "acute_phase_block" in central_model().parents[marker]
        assert connected("acute_phase_block", marker, "synovitis", "current_drug", "exposure")
    assert not connected("acute_phase_block", "sjc28", "synovitis")


@cache
def given_background(drug: str, level: int) -> Model:
    """The network with all background observed: every root in its first, middle or last state."""
    model = central_model()
    states = {name: round(level * (model.card(name) - 1) / 2) for name in BACKGROUND}
    return specialise(model, {**states, "current_drug": DRUGS.index(drug)})


def entries(model: Model, *targets: str, hard: tuple[str, ...] = ()) -> int:
    cards = {name: len(states) for name, states in model.states.items()}
    return compile_plan(cards, model.parents, targets=targets, hard=hard, soft=FINDINGS).total_entries


QUESTIONS = (
    "primary_reason", "driver", "adherence", "ada", "clearance", "mechanism_cause", "fibromyalgia", "osteoarthritis", "depression",
    "other_disease_active", *(f"{kind}_{option}" for option in OPTIONS for kind in ("lda", "acr50")),
)  # fmt: skip


@pytest.mark.parametrize("drug", DRUGS)
def test_the_tree_of_findings_keeps_its_budget(drug: str) -> None:
    sums = [entries(given_background(drug, level)) for level in range(3)]
    print(f"{drug}: findings {sums}")
    assert max(sums) <= FINDINGS_BUDGET


@pytest.mark.parametrize("drug", DRUGS)
def test_one_question_more_keeps_its_budget(drug: str) -> None:
    model = given_background(drug, 1)
    sums = {name: entries(model, name) for name in QUESTIONS}
    # What a cause's absence would have averted is asked only where the target is missed, and known to be.
    for monotone, words in ((True, ""), (False, ", noise of its own")):
        for cause, twin in twins(model, monotone).items():
            sums[f"without {cause}{words}"] = entries(twin, TARGET, hard=("target_met",))
    largest = sorted(sums, key=lambda name: -sums[name])[:3]
    print(f"{drug}: {', '.join(f'{name} {sums[name]}' for name in largest)}")
    assert sums[largest[0]] <= QUESTION_BUDGET


def twins(model: Model, monotone: bool) -> dict[str, Model]:
    builder = Twins(model, monotone=monotone)
    return {cause: twin for cause in ABSENCES if (twin := builder.without(cause)) is not None}


def test_every_cause_has_a_twin_on_the_whole_network() -> None:
    assert set(twins(given_background("adalimumab", 1), monotone=True)) == set(ABSENCES)
