"""Outcomes and harms of the next steps, worked out from the parameter records."""

from __future__ import annotations

from itertools import product
from math import exp, log
from typing import Any

import numpy as np
import pytest

import refra
from refra.data.loading import variables
from refra.inference.asking import Known, ask
from refra.model.assembly import central_model, shipped_model
from refra.model.draws import shipped_draws
from refra.model.drug_classes import CLASS_OF, CLASSES
from refra.model.harms import HARMS
from refra.model.outcomes import OPTIONS

DRUGS = variables()["current_drug"].state_ids
AGES, SMOKING = variables()["age_group"].state_ids, variables()["smoking"].state_ids
GLUCOCORTICOID, BMI = variables()["glucocorticoid"].state_ids, variables()["bmi_class"].state_ids


def centre(name: str) -> float:
    return float(shipped_draws(0)[name][0])


def one_year(rate: float) -> float:
    """Probability of a first event within a year, from a rate per 100 patient-years."""
    return 1 - exp(-rate / 100)


def p(node: str, **given: str) -> float:
    return float(refra.query(node, given=given, draws=0)["probability"].iloc[1])


# Harms


@pytest.mark.parametrize("drug_class", CLASSES)
def test_mace_by_hand(drug_class: str) -> None:
    for age, smoking, risk in product(AGES, SMOKING, ("no", "yes")):
        rate = centre("mace.base") * (centre("mace.age") if age == ">=65" else 1)
        rate *= centre("mace.smoking") if smoking != "never" else 1
        rate *= centre("mace.cardiovascular_risk") if risk == "yes" else 1
        if drug_class == "jak_inhibitor":
            at_risk = age == ">=65" or smoking != "never" or risk == "yes"
            rate *= centre("mace.jak_high_risk" if at_risk else "mace.jak_low_risk")
        found = p(f"mace_{drug_class}", age_group=age, smoking=smoking, cardiovascular_risk=risk)
        assert found == pytest.approx(one_year(rate), abs=1e-12)


@pytest.mark.parametrize("drug_class", CLASSES)
def test_malignancy_by_hand(drug_class: str) -> None:
    for age, smoking in product(AGES, SMOKING):
        rate = centre("malignancy.base") * (centre("malignancy.age") if age == ">=65" else 1)
        rate *= centre("malignancy.smoking") if smoking != "never" else 1
        if drug_class == "jak_inhibitor":
            rate *= centre("malignancy.jak_high_risk" if age == ">=65" or smoking != "never" else "malignancy.jak_low_risk")
        assert p(f"malignancy_{drug_class}", age_group=age, smoking=smoking) == pytest.approx(one_year(rate), abs=1e-12)


@pytest.mark.parametrize("drug_class", CLASSES)
def test_serious_infection_by_hand(drug_class: str) -> None:
    for age, prior, dose in product(AGES, ("no", "yes"), GLUCOCORTICOID):
        rate = centre("serious_infection.base") * centre(f"serious_infection.{drug_class}")
        rate *= centre("serious_infection.age") if age == ">=65" else 1
        rate *= centre("serious_infection.prior") if prior == "yes" else 1
        rate *= centre("serious_infection.glucocorticoid") if dose == ">=7.5" else 1
        found = p(f"serious_infection_{drug_class}", age_group=age, prior_serious_infection=prior, glucocorticoid=dose)
        assert found == pytest.approx(one_year(rate), abs=1e-12)


@pytest.mark.parametrize("drug_class", CLASSES)
def test_the_other_harms_by_hand(drug_class: str) -> None:
    for age, bmi in product(AGES, BMI):
        rate = centre("vte.base") * (centre("vte.age") if age == ">=65" else 1) * (centre("vte.obese") if bmi == ">=30" else 1)
        rate *= centre("vte.jak_inhibitor") if drug_class == "jak_inhibitor" else 1
        assert p(f"vte_{drug_class}", age_group=age, bmi_class=bmi) == pytest.approx(one_year(rate), abs=1e-12)
    for age, dose in product(AGES, GLUCOCORTICOID):
        rate = centre(f"zoster.rate_{drug_class}") * (centre("zoster.age") if age == ">=65" else 1)
        rate *= centre("zoster.glucocorticoid") if dose == ">=7.5" else 1
        assert p(f"zoster_{drug_class}", age_group=age, glucocorticoid=dose) == pytest.approx(one_year(rate), abs=1e-12)
    for dose in GLUCOCORTICOID:
        rate = centre("gi_perforation.tnf_inhibitor") * (centre("gi_perforation.glucocorticoid") if dose == ">=7.5" else 1)
        rate *= 1 if drug_class == "tnf_inhibitor" else centre(f"gi_perforation.{drug_class}")
        assert p(f"gi_perforation_{drug_class}", glucocorticoid=dose) == pytest.approx(one_year(rate), abs=1e-12)


def test_staying_on_a_drug_has_the_harms_of_its_class() -> None:
    model = central_model()
    for harm in HARMS:
        stay = model.tables[f"{harm}_continue"][0]
        for position, drug in enumerate(DRUGS):
            if drug in CLASS_OF:
                np.testing.assert_allclose(stay[position], model.tables[f"{harm}_{CLASS_OF[drug]}"][0], atol=1e-15)
    none = {"current_drug": "none", "age_group": "<50", "prior_serious_infection": "no", "glucocorticoid": "none"}
    assert p("serious_infection_continue", **none) == pytest.approx(one_year(centre("serious_infection.base")), abs=1e-12)
    assert p("zoster_continue", **{k: v for k, v in none.items() if k != "prior_serious_infection"}) == pytest.approx(
        one_year(centre("zoster.base")), abs=1e-12
    )


def test_harms_rise_with_age_and_age_groups_differ_by_their_ratio() -> None:
    for harm, name, others in (
        ("mace", "mace.age", {"smoking": "never", "cardiovascular_risk": "yes"}),
        ("malignancy", "malignancy.age", {"smoking": "past"}),
        ("zoster", "zoster.age", {"glucocorticoid": "none"}),
        ("vte", "vte.age", {"bmi_class": "<25"}),
        ("serious_infection", "serious_infection.age", {"prior_serious_infection": "no", "glucocorticoid": "none"}),
    ):
        for drug_class in ("tnf_inhibitor", "jak_inhibitor"):
            young, middle, old = (p(f"{harm}_{drug_class}", age_group=age, **others) for age in AGES)
            assert young == middle < old
            # Ratio of rates, not of probabilities.
            assert log(1 - old) / log(1 - young) == pytest.approx(centre(name), rel=1e-9)


def test_a_jak_inhibitor_adds_risk_in_risk_groups_alone() -> None:
    at_risk = {"age_group": ">=65", "smoking": "current", "cardiovascular_risk": "yes"}
    spared = {"age_group": "<50", "smoking": "never", "cardiovascular_risk": "no"}
    assert p("mace_jak_inhibitor", **at_risk) > 1.1 * p("mace_tnf_inhibitor", **at_risk)
    ratio = p("mace_jak_inhibitor", **spared) / p("mace_tnf_inhibitor", **spared)
    assert ratio == pytest.approx(centre("mace.jak_low_risk"), rel=0.01)


# Response and low disease activity


def table(name: str) -> np.ndarray:
    return np.asarray(central_model().tables[name][0])


@pytest.mark.parametrize("drug_class", CLASSES)
def test_contextual_response_and_drug_effect_add_on_the_probability_scale(drug_class: str) -> None:
    c, g = centre("response.contextual"), centre(f"response_{drug_class}.gain_covered")
    # Covered, next exposure adequate, never smoked, BMI below 25.
    assert table(f"response_{drug_class}")[1, 1, 0, 0, 1] == pytest.approx(c + (1 - c) * g, abs=1e-12)
    u = centre("response.gain_uncovered")
    assert table(f"response_{drug_class}")[0, 1, 0, 0, 1] == pytest.approx(c + (1 - c) * u, abs=1e-12)
    least = centre("response.inadequate_share")
    assert table(f"response_{drug_class}")[1, 0, 0, 0, 1] == pytest.approx(c + (1 - c) * g * least, abs=1e-12)


@pytest.mark.parametrize("name", [*CLASSES, "support_adherence", "optimise_exposure"])
def test_a_response_never_lowers_the_chance_of_low_disease_activity(name: str) -> None:
    model = shipped_model(20, 5)
    lda = model.tables[f"lda_{name}"][..., 1]
    assert (lda[:, 1] >= lda[:, 0] - 1e-12).all()
    acr50 = model.tables[f"acr50_{name}"][..., 1]
    assert (acr50[:, 1] >= acr50[:, 0] - 1e-12).all()


def test_a_switch_that_fails_keeps_part_of_quiet_joints() -> None:
    stay = centre("lda_continue.none")
    for drug_class in CLASSES:
        # No response, target missed, no synovitis, no source of pain, no other disease.
        assert table(f"lda_{drug_class}")[0, 0, 0, 0, 0, 0, 0, 1] == pytest.approx(stay * centre("lda.keep_quiet"), abs=1e-12)
    assert table("lda_optimise_exposure")[0, 0, 0, 0, 0, 0, 0, 1] == pytest.approx(stay, abs=1e-12)


def test_treating_the_source_of_pain_helps_where_there_is_one_and_harms_nowhere() -> None:
    treat, stay = table("lda_treat_noninflammatory")[..., 1], table("lda_continue")[..., 1]
    assert (treat >= stay - 1e-12).all()
    # Axes: target_met, synovitis, fibromyalgia, osteoarthritis, depression, other_disease_active.
    np.testing.assert_allclose(treat[:, :, 0, 0, 0, 0], stay[:, :, 0, 0, 0, 0], atol=1e-12)
    missed = np.s_[0, 0]
    for cause in ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)):
        assert treat[missed][cause] > stay[missed][cause] + 0.01


def lda(option: str, drug: str, **given: Any) -> float:
    model = central_model()
    hard = {name: model.position(name, state) for name, state in {"current_drug": drug, **given}.items()}
    return float(ask(model, Known({**hard, "target_met": 0}), [f"lda_{option}"])[f"lda_{option}"][0, 1])


@pytest.mark.parametrize("drug", ["adalimumab", "il6r_inhibitor"])
def test_add_ons_gain_nothing_where_they_have_nothing_to_mend(drug: str) -> None:
    for given in ({"exposure": "in_range"}, {"covered_current": "no", "exposure": "low"}):
        for option in ("support_adherence", "optimise_exposure"):
            assert lda(option, drug, **given) == pytest.approx(lda("continue", drug, **given), abs=1e-12)
    full = {"adherence": "full", "exposure": "undetectable", "covered_current": "yes"}
    assert lda("support_adherence", drug, **full) == pytest.approx(lda("continue", drug, **full), abs=1e-12)
    poor = {**full, "adherence": "poor", "ada": "none"}
    assert lda("support_adherence", drug, **poor) > lda("continue", drug, **poor) + 0.02


@pytest.mark.parametrize("option", ["support_adherence", "optimise_exposure"])
def test_a_step_never_lowers_exposure(option: str) -> None:
    raised = table(f"exposure_{option}")
    for now in range(3):
        assert raised[now][..., :now].max(initial=0.0) == 0.0
    np.testing.assert_allclose(raised[2][..., 2], 1.0)


def test_every_option_has_both_outcomes() -> None:
    for option in OPTIONS:
        assert {f"lda_{option}", f"acr50_{option}"} <= set(central_model().states)


@pytest.mark.parametrize("drug_class", CLASSES)
def test_benefit_follows_coverage(drug_class: str) -> None:
    active = {"synovitis": "high", f"covered_{drug_class}": "yes"}
    other = "abatacept" if drug_class != "abatacept" else "rituximab"
    covered = lda(drug_class, other, **active)
    assert covered > lda(drug_class, other, **{**active, f"covered_{drug_class}": "no"}) + 0.05


@pytest.mark.parametrize("pain", ["fibromyalgia", "osteoarthritis", "depression"])
def test_every_class_loses_benefit_to_pain_and_keeps_its_harm(pain: str) -> None:
    for drug_class in CLASSES:
        active = {"synovitis": "moderate", "smoking": "never", "age_group": "50-64", "bmi_class": "25-30", "methotrexate": "full"}
        assert lda(drug_class, "adalimumab", **active, **{pain: "yes"}) < lda(drug_class, "adalimumab", **active, **{pain: "no"})
        same = [p(f"mace_{drug_class}", **{pain: state}) for state in ("no", "yes")]
        if pain != "osteoarthritis":
            # Osteoarthritis alone speaks of age, on which harms depend.
            assert same[0] == pytest.approx(same[1], abs=1e-9)


def test_smoking_lowers_the_benefit_of_a_tnf_inhibitor() -> None:
    never, current = (lda("tnf_inhibitor", "abatacept", smoking=state, synovitis="high") for state in ("never", "current"))
    assert current < never
