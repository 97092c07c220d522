"""From a record to what the network is told: what is conditioned on, what is asked, and copies of earlier drugs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refra.data.loading import parameters, variables
from refra.inference.asking import Known, ask
from refra.inference.knowledge import CENTRAL, SHIFTED, SHIPPED, copies_in, known_from, node_of, working_model
from refra.inference.patient import Patient
from refra.inference.situation import Situation, finding_nodes, only, situation

DRUGS = variables()["current_drug"].state_ids
MISSED = {"sjc28": 8, "tjc28": 9}
MET = {"sjc28": 1, "tjc28": 1, "patient_global": 10, "physician_global": 10}


def place(**fields: Any) -> Situation:
    return situation(Patient(**fields))


# How the target stands


def test_a_missed_target_that_the_record_shows_is_not_conditioned_on_again() -> None:
    found = place(current_drug="adalimumab", **MISSED)
    assert found.target == "missed"
    assert "target_met" not in found.known.hard
    assert dict(found.with_target_set.do) == {"target_met": 0}
    assert found.explains


def test_an_undecided_target_is_conditioned_on_as_missed() -> None:
    found = place(current_drug="adalimumab", crp=22)
    assert found.target == "undecided"
    assert found.known.hard["target_met"] == 0
    assert "target_met" not in found.record.hard
    assert found.with_target_set == found.known
    assert found.explains


def test_a_target_that_is_met_is_neither_conditioned_on_nor_hidden() -> None:
    found = place(current_drug="adalimumab", **MET)
    # 1 + 1 + 10/10 + 10/10.
    assert found.scores.cdai == pytest.approx(4.0)
    assert found.target == "met"
    assert "target_met" not in found.known.hard
    assert dict(found.with_target_set.do) == {"target_met": 1}
    assert any("target is met (CDAI 4.0" in warning for warning in found.warnings)


def test_cdai_of_exactly_10_is_met_and_a_bound_above_10_is_missed() -> None:
    assert place(current_drug="adalimumab", sjc28=3, tjc28=3, patient_global=20, physician_global=20).target == "met"
    assert place(current_drug="adalimumab", sjc28=3, tjc28=3, patient_global=20, physician_global=21).target == "missed"
    assert place(current_drug="adalimumab", sjc28=5, tjc28=5).target == "undecided"


def test_without_a_drug_there_is_no_failure_to_explain() -> None:
    found = place(current_drug="none", crp=22)
    assert not found.explains
    assert found.current_class is None
    # The disease is active all the same: that is why a first drug is asked about.
    assert found.known.hard["target_met"] == 0
    assert any("no failure to explain" in warning for warning in found.warnings)


def test_a_stop_for_intolerance_is_explained_only_if_the_disease_is_active() -> None:
    quiet = place(current_drug="etanercept", response="intolerant")
    assert not quiet.explains
    assert "target_met" not in quiet.known.hard
    assert quiet.known == quiet.record
    assert any("options are given, reasons are not" in warning for warning in quiet.warnings)
    active = place(current_drug="etanercept", response="intolerant", crp=30)
    assert active.explains
    assert active.known.hard["target_met"] == 0
    assert not any("reasons are not" in warning for warning in active.warnings)
    of_now = "why disease is active now, not why the drug was stopped"
    assert any(of_now in warning for warning in active.warnings)
    lost = place(current_drug="etanercept", response="lost", crp=30)
    assert not any(of_now in warning for warning in (*quiet.warnings, *lost.warnings))


@pytest.mark.parametrize(
    "field",
    [{"sjc28": 3}, {"tjc28": 3}, {"crp": 3}, {"esr": 30}, {"patient_global": 40}, {"physician_global": 40}, {"power_doppler": "negative"}],
)
def test_any_measure_of_activity_counts_as_recorded(field: dict[str, Any]) -> None:
    assert place(current_drug="etanercept", response="intolerant", **field).activity_recorded
    assert not place(current_drug="etanercept", response="intolerant", rf="positive", phq9=12).activity_recorded


# The current drug


def test_a_drug_that_is_not_recorded_is_averaged_over_those_in_use() -> None:
    found = place(crp=22)
    assert found.current_drug is None
    assert found.record.soft["current_drug"].tolist() == [0.0 if drug == "none" else 1.0 for drug in DRUGS]
    assert any("current drug is not recorded" in warning for warning in found.warnings)
    assert found.current_class is None
    model = found.model(CENTRAL, 0, 0)
    drugs = ask(model, found.inside(model), ["current_drug"])["current_drug"][0]
    assert drugs[DRUGS.index("none")] == pytest.approx(0.0, abs=1e-12)
    assert drugs.sum() == pytest.approx(1.0)


def test_a_class_leaves_its_drugs_open_but_is_known() -> None:
    found = place(current_drug="tnf_inhibitor", crp=22)
    assert found.current_drug is None
    assert found.current_class == "tnf_inhibitor"
    assert not any("not recorded" in warning for warning in found.warnings)
    two = place(current_drug={drug: float(drug in ("etanercept", "abatacept")) for drug in DRUGS}, crp=22)
    assert two.current_class is None
    assert not any("not recorded" in warning for warning in two.warnings)


@pytest.mark.parametrize(
    ("name", "state", "its_class"),
    [
        ("tocilizumab", "il6r_inhibitor", "il6r_inhibitor"),
        ("Humira", "adalimumab", "tnf_inhibitor"),
        ("upadacitinib", "jak_inhibitor", "jak_inhibitor"),
    ],
)
def test_a_molecule_is_its_state_and_class(name: str, state: str, its_class: str) -> None:
    found = place(current_drug=name)
    assert (found.current_drug, found.current_class) == (state, its_class)
    assert found.record.hard["current_drug"] == DRUGS.index(state)


# What the network is told


def test_missing_values_are_absent_ones() -> None:
    full = place(current_drug="adalimumab", crp=22, age=61)
    for nothing in (None, float("nan"), np.nan):
        padded = place(current_drug="adalimumab", crp=22, age=61, esr=nothing, sex=nothing, drug_level=nothing, earlier=None)
        assert padded.known.hard == full.known.hard
        assert set(padded.known.soft) == set(full.known.soft)
        assert padded.warnings == full.warnings


def test_states_are_hard_values_soft_and_flat_findings_left_out() -> None:
    patient = Patient(current_drug="adalimumab", crp=22, power_doppler="positive", sjc28={"0": 0.5, "1-2": 0.5, "3-5": 0.5, "6+": 0.5})
    known = known_from(patient.findings())
    assert known.hard["power_doppler"] == 1
    assert "sjc28" not in known.hard
    assert "sjc28" not in known.soft
    crp = known.soft["crp"]
    assert int(np.argmax(crp)) == variables()["crp"].state_ids.index("10-30")
    assert set(finding_nodes(patient.findings())) == {"current_drug", "power_doppler", "crp"}


def test_observed_roots_are_taken_into_the_model() -> None:
    found = place(current_drug="adalimumab", smoking="current", sex="female", crp=22, depression="yes")
    model = found.model(CENTRAL, 0, 0)
    assert not {"current_drug", "smoking", "sex"} & set(model.states)
    # A diagnosis is a finding; the disease behind it stays open.
    assert {"depression", "depression_diagnosis", "crp"} <= set(model.states)
    inside = found.inside(model)
    assert set(inside.hard) == {"depression_diagnosis", "target_met"}
    assert only(model, inside, "depression_diagnosis").tolist() == [0.0, 1.0]
    np.testing.assert_allclose(only(model, inside, "crp"), found.known.soft["crp"])


# Several earlier drugs of a class


def test_the_second_earlier_drug_of_a_class_has_a_node_of_its_own() -> None:
    patient = Patient(current_drug="abatacept", earlier={"tnf_inhibitor": ["lost_response", "never_worked", "intolerant"]})
    findings = patient.findings()
    assert copies_in(findings) == (("earlier_tnf_inhibitor", 3),)
    nodes = [node_of(finding) for finding in findings if finding.variable == "earlier_tnf_inhibitor"]
    assert nodes == ["earlier_tnf_inhibitor", "earlier_tnf_inhibitor_2", "earlier_tnf_inhibitor_3"]
    model = working_model(CENTRAL, 0, 0, copies_in(findings))
    assert model.parents["earlier_tnf_inhibitor_3"] == ("covered_tnf_inhibitor",)
    np.testing.assert_array_equal(model.tables["earlier_tnf_inhibitor_2"], model.tables["earlier_tnf_inhibitor"])
    known = known_from(findings)
    states = variables()["earlier_tnf_inhibitor"].state_ids
    assert [states[known.hard[node]] for node in nodes] == ["lost_response", "never_worked", "intolerant"]
    assert copies_in(Patient(current_drug="abatacept", earlier={"tnf_inhibitor": "never_worked"}).findings()) == ()


def test_each_further_failure_moves_coverage_further_by_the_same_odds() -> None:
    def odds(*outcomes: str) -> float:
        found = place(current_drug="abatacept", earlier={"tnf_inhibitor": list(outcomes)} if outcomes else None)
        model = found.model(CENTRAL, 0, 0)
        p = ask(model, found.inside(model, found.record), ["covered_tnf_inhibitor"])["covered_tnf_inhibitor"][0]
        return float(p[1] / p[0])

    # One, two and three drugs differ in nothing but the class: what is known of the other classes stays the same.
    one, two, three = (odds(*["never_worked"] * count) for count in (1, 2, 3))
    assert odds() > one > two > three
    table = working_model(CENTRAL, 0, 0).tables["earlier_tnf_inhibitor"][0]
    never = variables()["earlier_tnf_inhibitor"].state_ids.index("never_worked")
    factor = table[1, never] / table[0, never]
    assert two / one == pytest.approx(factor, rel=1e-9)
    assert three / two == pytest.approx(factor, rel=1e-9)


def test_the_three_working_models_have_the_sets_that_they_should() -> None:
    assert working_model(SHIPPED, 3, 1).draws == 4
    assert working_model(CENTRAL, 0, 0).draws == 1
    assert working_model(SHIFTED, 0, 0).draws == len(parameters()) + 1
    for kind in (SHIPPED, SHIFTED):
        np.testing.assert_allclose(working_model(kind, 3, 1).tables["crp"][0], working_model(CENTRAL, 0, 0).tables["crp"][0])


def test_known_of_nothing_is_nothing() -> None:
    assert known_from(()) == Known()


def test_a_network_cut_to_its_targets_answers_as_the_whole_one() -> None:
    found = situation(Patient(current_drug="adalimumab", crp=22, sjc28=7, earlier={"il6r_inhibitor": ["never_worked", "lost_response"]}))
    targets = ["primary_reason", "lda_abatacept"]
    whole, small = found.model(SHIPPED, 3, 1), found.model(SHIPPED, 3, 1, targets)
    assert set(small.states) < set(whole.states)
    assert {"earlier_il6r_inhibitor", "earlier_il6r_inhibitor_2", "crp", *targets} <= set(small.states)
    assert not {"patient_global", "lda_rituximab"} & set(small.states)
    one, other = (ask(model, found.inside(model), targets) for model in (whole, small))
    for target in targets:
        np.testing.assert_allclose(other[target], one[target], rtol=0, atol=1e-13)
