"""Difficult-to-treat disease on recorded data, and true refractory disease against its definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import refra
from refra.inference.asking import Known, ask
from refra.inference.classification import Classification, classes_failed, classify, criterion_1, criterion_2, d2t
from refra.inference.knowledge import CENTRAL, copies_in, working_model
from refra.inference.patient import Patient
from refra.inference.situation import Situation, situation
from refra.model.assembly import central_model

ACTIVE = {"sjc28": 6, "tjc28": 7, "crp": 30}
QUIET = {"sjc28": 0, "tjc28": 1, "patient_global": 10, "physician_global": 5}


def place(**fields: Any) -> Situation:
    return situation(Patient(**fields))


def classified(**fields: Any) -> Classification:
    found = place(**fields)
    return classify(found, found.model(CENTRAL, 0, 0), 0.95)


# Criterion 1: two classes


@pytest.mark.parametrize(
    ("fields", "failed", "verdict"),
    [
        # The current drug counts; `earlier` absent is unknown, {} is none, a map is complete.
        ({"current_drug": "adalimumab"}, ("tnf_inhibitor",), "undetermined"),
        ({"current_drug": "adalimumab", "earlier": {}}, ("tnf_inhibitor",), "no"),
        ({"current_drug": "adalimumab", "earlier": {"abatacept": "never_worked"}}, ("tnf_inhibitor", "abatacept"), "yes"),
        # Several drugs of one class count once.
        ({"current_drug": "adalimumab", "earlier": {"tnf_inhibitor": ["never_worked", "lost_response"]}}, ("tnf_inhibitor",), "no"),
        ({"current_drug": "adalimumab", "earlier": {"etanercept": "lost_response"}}, ("tnf_inhibitor",), "no"),
        ({"current_drug": "adalimumab", "earlier": {"tnf_inhibitor": "never_worked", "rituximab": "lost_response"}},
         ("tnf_inhibitor", "rituximab"), "yes"),
        # A drug stopped for another reason has not failed; one not tolerated has.
        ({"current_drug": "adalimumab", "earlier": {"abatacept": "stopped_other"}}, ("tnf_inhibitor",), "no"),
        ({"current_drug": "adalimumab", "earlier": {"abatacept": "intolerant"}}, ("tnf_inhibitor", "abatacept"), "yes"),
        ({"current_drug": "adalimumab", "earlier": {"abatacept": "not_tried"}}, ("tnf_inhibitor",), "no"),
        # The current drug stopped for intolerance counts only with recorded activity.
        ({"current_drug": "adalimumab", "response": "intolerant", "earlier": {"abatacept": "never_worked"}}, ("abatacept",), "no"),
        ({"current_drug": "adalimumab", "response": "intolerant", "earlier": {"abatacept": "never_worked"}, **ACTIVE},
         ("tnf_inhibitor", "abatacept"), "yes"),
        # No current drug, and a current drug that works, do not count.
        ({"current_drug": "none", "earlier": {"abatacept": "never_worked"}}, ("abatacept",), "no"),
        ({"current_drug": "none", "earlier": {"abatacept": "never_worked", "rituximab": "lost_response"}},
         ("abatacept", "rituximab"), "yes"),
        ({"current_drug": "adalimumab", "earlier": {"abatacept": "never_worked"}, **QUIET}, ("abatacept",), "no"),
        # A current drug that is not recorded may be of a second class.
        ({"earlier": {"abatacept": "never_worked"}}, ("abatacept",), "undetermined"),
        ({"earlier": {}}, (), "no"),
        ({"earlier": {"abatacept": "never_worked", "rituximab": "lost_response"}}, ("abatacept", "rituximab"), "yes"),
        ({"current_drug": "tnf_inhibitor", "earlier": {"abatacept": "never_worked"}}, ("tnf_inhibitor", "abatacept"), "yes"),
        ({"current_drug": "tnf_inhibitor", "earlier": {"etanercept": "never_worked"}}, ("tnf_inhibitor",), "no"),
    ],
)  # fmt: skip
def test_classes_that_failed(fields: dict[str, Any], failed: tuple[str, ...], verdict: str) -> None:
    found = place(**fields)
    assert classes_failed(found) == failed
    assert criterion_1(found) == verdict


# Criterion 2: active or problematic


@pytest.mark.parametrize(
    ("fields", "verdict", "words"),
    [
        ({"sjc28": 5, "tjc28": 6}, "yes", "CDAI is at least 11.0"),
        ({"tjc28": 11}, "yes", "CDAI is at least 11.0"),
        # DAS28-CRP = 0.56 sqrt(4) + 0.28 sqrt(0) + 0.36 ln(9 + 1) + 0.014 * 50 + 0.96 = 3.61; CDAI is at least 4 + 5 = 9.
        ({"sjc28": 0, "tjc28": 4, "crp": "9.0 mg/L", "patient_global": 50}, "yes", "DAS28-CRP is 3.6"),
        # DAS28-ESR = 0.56 sqrt(4) + 0.70 ln(40) + 0.014 * 50 = 4.40.
        ({"sjc28": 0, "tjc28": 4, "esr": 40, "patient_global": 50}, "yes", "DAS28-ESR is 4.4"),
        ({"sjc28": 1}, "yes", "swollen joints"),
        ({"sjc28": "1-2"}, "yes", "swollen joints"),
        ({"crp": 10}, "yes", "CRP"),
        ({"glucocorticoid": 7.5}, "yes", "glucocorticoid"),
        ({"power_doppler": "positive"}, "yes", "power Doppler"),
        ({"sjc28": 0, "crp": "9.9 mg/L", "glucocorticoid": 5, "power_doppler": "negative"}, "undetermined", "not recorded"),
        ({}, "undetermined", "not recorded"),
        (QUIET, "no", "target is met"),
        # The target is met, but a sign of active disease stands beside it.
        ({**QUIET, "power_doppler": "positive"}, "yes", "power Doppler"),
        ({**QUIET, "glucocorticoid": 10}, "yes", "glucocorticoid"),
    ],
)
def test_signs_of_active_disease(fields: dict[str, Any], verdict: str, words: str) -> None:
    found, why = criterion_2(place(current_drug="adalimumab", **fields))
    assert found == verdict
    assert words in why


@pytest.mark.parametrize(
    ("earlier", "activity", "verdict"),
    [
        ({"abatacept": "never_worked"}, ACTIVE, "yes"),
        ({"abatacept": "never_worked"}, {}, "undetermined"),
        ({"abatacept": "never_worked", "rituximab": "never_worked"}, QUIET, "no"),
        ({}, ACTIVE, "no"),
        ({}, {}, "no"),
        (None, ACTIVE, "undetermined"),
        (None, {}, "undetermined"),
        (None, QUIET, "no"),
    ],
)
def test_the_verdict_needs_both_criteria(earlier: dict[str, str] | None, activity: dict[str, Any], verdict: str) -> None:
    assert d2t(place(current_drug="adalimumab", earlier=earlier, **activity))[0] == verdict


def test_what_decides_is_named() -> None:
    assert "earlier drugs are not recorded" in classified(current_drug="adalimumab", **ACTIVE).decided_by
    assert "current drug's class" in classified(earlier={"abatacept": "never_worked"}, **ACTIVE).decided_by
    assert "1 drug class failed (TNF inhibitor)" in classified(current_drug="adalimumab", earlier={}, **ACTIVE).decided_by
    both = classified(current_drug="adalimumab", earlier={"abatacept": "never_worked"}, **ACTIVE)
    assert both.decided_by.startswith("criteria 1 and 2: 2 drug classes failed (TNF inhibitor, Abatacept)")
    assert both.to_dict()["classes_failed"] == ["tnf_inhibitor", "abatacept"]


# True refractory disease


def clinical(found: Situation) -> float:
    """P(exposure in range, adherence full, synovitis at least moderate, no other disease | record) from joint posteriors."""
    model = working_model(CENTRAL, 0, 0, copies_in(found.findings))
    names = ("exposure", "adherence", "synovitis", "other_disease_active")
    joint = ask(model, found.known, [names])[names][0]
    return float(joint[model.position("exposure", "in_range"), 0, 2:, 0].sum())


INFLAMED = {"sjc28": 8, "tjc28": 9, "crp": 35, "power_doppler": "positive", "drug_level": "in_range", "refill_adherence": 0.95}


def test_with_two_inefficacies_recorded_it_is_the_clinical_part() -> None:
    fields: dict[str, Any] = {"current_drug": "adalimumab", "response": "never", "earlier": {"abatacept": "never_worked"}, **INFLAMED}
    assert classified(**fields).true_refractory == pytest.approx(clinical(place(**fields)), abs=1e-10)


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({"current_drug": "adalimumab", "response": "never", "earlier": {"abatacept": "intolerant"}}, False),
        ({"current_drug": "adalimumab", "response": "never", "earlier": {"abatacept": "intolerant", "rituximab": "stopped_other"}}, False),
        ({"current_drug": "adalimumab", "response": "lost", "earlier": {"abatacept": "lost_response"}}, True),
        ({"current_drug": "adalimumab", "response": "lost", "earlier": {"tnf_inhibitor": ["never_worked", "lost_response"]}}, False),
        # The second drug of a class that the first was not tolerated of.
        ({"current_drug": "abatacept", "response": "lost", "earlier": {"tnf_inhibitor": ["intolerant", "never_worked"]}}, True),
        ({"current_drug": "abatacept", "response": "lost", "earlier": {"tnf_inhibitor": ["intolerant", "intolerant"]}}, False),
        # The current drug itself was stopped for intolerance: no inefficacy, although the disease is active.
        ({"current_drug": "abatacept", "response": "intolerant", "earlier": {"tnf_inhibitor": "never_worked"}}, False),
        ({"current_drug": "abatacept", "response": "intolerant", "earlier": {"etanercept": "never_worked", "rituximab": "lost_response"}},
         True),
        # Intolerance of the present drug does not hide an earlier inefficacy of its class.
        ({"current_drug": "adalimumab", "response": "intolerant", "earlier": {"etanercept": "never_worked", "rituximab": "lost_response"}},
         True),
        ({"current_drug": "adalimumab", "response": "never", "earlier": {}}, False),
    ],
)  # fmt: skip
def test_it_needs_two_classes_without_effect_and_intolerance_is_no_inefficacy(fields: dict[str, Any], counts: bool) -> None:
    found = classified(**fields, **INFLAMED).true_refractory
    if counts:
        assert found == pytest.approx(clinical(place(**fields, **INFLAMED)), abs=1e-10)
        assert found > 0.3
    else:
        assert found == pytest.approx(0.0, abs=1e-12)


def test_unrecorded_earlier_drugs_count_with_their_probability() -> None:
    known: dict[str, Any] = {"current_drug": "adalimumab", "response": "never", **INFLAMED}
    least = classified(**known, earlier={}).true_refractory
    most = classified(**known, earlier={"abatacept": "never_worked"}).true_refractory
    assert least < classified(**known).true_refractory < most


@pytest.mark.parametrize(
    "confounder",
    [
        {"refill_adherence": 0.3},
        {"drug_level": "undetectable"},
        {"red_flags": "crystals"},
        {"sjc28": 0, "crp": 1, "power_doppler": "negative"},
    ],
)
def test_each_confounder_lowers_it(confounder: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"current_drug": "adalimumab", "response": "never", "earlier": {"abatacept": "never_worked"}, **INFLAMED}
    assert classified(**{**fields, **confounder}).true_refractory < 0.6 * classified(**fields).true_refractory


def test_without_a_failing_drug_it_is_0() -> None:
    two = {"abatacept": "never_worked", "rituximab": "never_worked"}
    assert classified(current_drug="none", earlier=two, sjc28=8, crp=30).true_refractory == 0.0
    assert classified(current_drug="adalimumab", earlier=two, **QUIET).true_refractory == 0.0


# Inflammatory and non-inflammatory refractory disease


def test_the_two_kinds_of_refractory_disease_share_one() -> None:
    fields: dict[str, Any] = {"current_drug": "adalimumab", "earlier": {"abatacept": "never_worked"}, "tjc28": 15, "sjc28": 0, "crp": 2}
    found = classified(**fields)
    model, spot = central_model(), place(**fields)
    joint = ask(model, Known(spot.known.hard, spot.known.soft), [("synovitis", "pain_source")])[("synovitis", "pain_source")][0]
    # No synovitis, or low synovitis with a source of pain.
    assert found.nirra == pytest.approx(joint[0].sum() + joint[1, 1], abs=1e-10)
    assert found.pirra == pytest.approx(1 - found.nirra, abs=1e-12)
    assert found.nirra > 0.5
    inflamed = classified(current_drug="adalimumab", earlier={"abatacept": "never_worked"}, **INFLAMED)
    assert inflamed.pirra > 0.95


def test_no_refractory_kind_where_the_verdict_is_no() -> None:
    found = classified(current_drug="adalimumab", earlier={}, **ACTIVE)
    assert (found.d2t, found.pirra, found.nirra) == ("no", 0.0, 0.0)


def test_bounds_hold_the_centre_in_order() -> None:
    found = place(current_drug="adalimumab", earlier={"abatacept": "never_worked"}, **ACTIVE)
    answer = classify(found, found.model("shipped", 60, 7), 0.9)
    for name in ("true_refractory", "pirra", "nirra"):
        low, centre, high = (getattr(answer, name + end) for end in ("_low", "", "_high"))
        assert 0 <= low <= high <= 1
        assert np.isfinite(centre)


def test_before_the_first_drug_nothing_is_refractory() -> None:
    naive = refra.assess({"current_drug": "none", "sjc28": 6, "tjc28": 8, "crp": 15, "age": 60}, draws=5)
    assert (naive.classification.pirra, naive.classification.nirra) == (0.0, 0.0)
    assert "PIRRA" not in str(naive)
    failed = refra.assess(
        {"current_drug": "none", "sjc28": 6, "earlier": {"tnf_inhibitor": "never_worked", "abatacept": "never_worked"}}, draws=5
    )
    assert failed.classification.pirra + failed.classification.nirra == pytest.approx(1.0)
