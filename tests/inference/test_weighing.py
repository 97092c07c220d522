"""Weights of evidence and the conflict score against separate questions to the network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refra.inference.asking import Known, ask, log_probability
from refra.inference.assessment import assess
from refra.inference.causes import CAUSES, PRESENT
from refra.inference.knowledge import CENTRAL
from refra.inference.patient import Patient
from refra.inference.situation import Situation, finding_nodes, situation
from refra.inference.weighing import CONFLICT_WARNING, Conflict, conflict, conflict_warning, finding_table
from refra.model.assembly import central_model

RECORD: dict[str, Any] = {
    "current_drug": "adalimumab", "smoking": "current", "response": "lost", "crp": 22, "sjc28": 7, "drug_level": "0.4 mg/L",
    "ada_test": {"negative": 0.2, "low_positive": 0.3, "high_positive": 1.0}, "widespread_pain": "no",
}  # fmt: skip
CLASHING: dict[str, Any] = {
    "current_drug": "adalimumab", "drug_level": "in_range", "ada_test": "high_positive", "sjc28": 14, "physician_global": 2,
}  # fmt: skip


def place(**fields: Any) -> Situation:
    return situation(Patient(**fields))


def without(known: Known, name: str) -> Known:
    return Known({n: s for n, s in known.hard.items() if n != name}, {n: v for n, v in known.soft.items() if n != name}, known.do)


def log_odds(known: Known, cause: str) -> float:
    variable, states = PRESENT[cause]
    model = central_model()
    p = ask(model, known, [variable])[variable][0]
    present = sum(p[model.position(variable, state)] for state in states)
    return float(np.log10(present / (1 - present)))


def test_the_weight_of_a_finding_is_the_difference_of_two_log_odds() -> None:
    found = place(**RECORD)
    model = found.model(CENTRAL, 0, 0)
    table = finding_table(found, model, central_model(), CAUSES, conflict(found, model), "en")
    assert len(table) == len(RECORD) * len(CAUSES)
    for _, line in table.iterrows():
        expected = log_odds(found.known, line["cause"]) - log_odds(without(found.known, line["variable"]), line["cause"])
        assert line["weight"] == pytest.approx(expected, abs=1e-8), (line["variable"], line["cause"])


def test_weights_point_the_right_way() -> None:
    answer = assess(RECORD, draws=0)
    weights = answer.findings.set_index(["variable", "cause"])["weight"]
    assert weights["drug_level", "anti_drug_antibodies"] > 0.3
    assert weights["ada_test", "anti_drug_antibodies"] > 0.1
    assert abs(weights["widespread_pain", "anti_drug_antibodies"]) < 0.05
    assert set(answer.findings["field"]) == set(RECORD)


def test_the_leading_causes_are_weighed() -> None:
    answer = assess(RECORD, draws=0)
    weighed = list(dict.fromkeys(answer.findings["cause"]))
    assert len(weighed) == 3
    # The cause behind the first reason is among them, and so is the first in rank.
    assert answer.reasons["id"].iloc[0] == "immunogenicity"
    assert weighed[0] == "anti_drug_antibodies"
    assert answer.causes["id"].iloc[0] in weighed


def log10_p(**findings: Any) -> float:
    """Log10 of P(findings, drug) by a call of its own."""
    found = place(current_drug=RECORD["current_drug"], smoking=RECORD["smoking"], **findings)
    return float(log_probability(central_model(), found.record)[0] / np.log(10))


def test_the_conflict_score_is_its_definition() -> None:
    found = place(**RECORD)
    clash = conflict(found, found.model(CENTRAL, 0, 0))
    seen = {name: value for name, value in RECORD.items() if name not in ("current_drug", "smoking")}
    base = log10_p()
    alone = {name: log10_p(**{name: value}) - base for name, value in seen.items()}
    total = log10_p(**seen) - base
    assert clash.score == pytest.approx(sum(alone.values()) - total, abs=1e-8)
    nodes = {finding.field: node for node, finding in finding_nodes(found.findings).items()}
    assert set(clash.by_node) == {nodes[name] for name in seen}
    pairs = {}
    for name, value in seen.items():
        rest = {other: v for other, v in seen.items() if other != name}
        expected = alone[name] + log10_p(**rest) - base - total
        assert clash.by_node[nodes[name]] == pytest.approx(expected, abs=1e-8)
        for other in rest:
            both = log10_p(**{name: value, other: seen[other]}) - base
            pairs[frozenset((nodes[name], nodes[other]))] = alone[name] + alone[other] - both
    assert clash.worst is not None
    assert pairs[frozenset(clash.worst)] == pytest.approx(max(pairs.values()), abs=1e-9)


def test_what_is_assumed_of_the_target_is_no_finding() -> None:
    # The score is of the record alone, so that it does not depend on how the target stands.
    found = place(**RECORD)
    assert "target_met" in found.known.hard
    assert "target_met" not in conflict(found, found.model(CENTRAL, 0, 0)).by_node


def test_a_single_finding_cannot_disagree() -> None:
    found = place(current_drug="adalimumab", crp=22, smoking="never")
    assert conflict(found, found.model(CENTRAL, 0, 0)) == Conflict(0.0, {}, None)


def test_findings_that_disagree_are_named() -> None:
    answer = assess(CLASHING, draws=0)
    assert answer.conflict.score > CONFLICT_WARNING
    warning = next(text for text in answer.warnings if "fit together badly" in text)
    assert answer.conflict.worst is not None
    assert set(answer.conflict.worst) in ({"drug_level", "ada_test"}, {"sjc28", "physician_global"})
    texts = {finding.variable: finding.text for finding in Patient(**CLASHING).findings()}
    for name in answer.conflict.worst:
        assert texts[name] in warning
    assert f"{10**answer.conflict.score:.0f} times less likely" in warning
    # With one of each pair left out nothing is left to warn of.
    calm = assess({name: value for name, value in CLASHING.items() if name not in ("ada_test", "physician_global")}, draws=0)
    assert not any("fit together badly" in text for text in calm.warnings)
    assert calm.conflict.score < CONFLICT_WARNING


def test_a_raised_crp_without_swelling_on_an_il6_receptor_inhibitor_in_range_is_the_odd_one_out() -> None:
    found = place(current_drug="tocilizumab", drug_level="in_range", crp=80, sjc28=0, power_doppler="negative")
    clash = conflict(found, found.model(CENTRAL, 0, 0))
    assert max(clash.by_node, key=lambda name: clash.by_node[name]) == "crp"
    assert set(clash.worst or ()) == {"crp", "sjc28"}
    assert clash.by_node["crp"] > np.log10(2)


def test_the_warning_starts_at_ten_times() -> None:
    found = place(**RECORD)
    assert conflict_warning(found, Conflict(0.99, {}, ("crp", "sjc28"))) is None
    assert "10 times less likely" in (conflict_warning(found, Conflict(1.0, {}, ("crp", "sjc28"))) or "")
    assert conflict_warning(found, Conflict(2.0, {}, None)) is None


def test_agreeing_findings_score_below_0() -> None:
    found = place(current_drug="adalimumab", sjc28=12, tjc28=14, crp=60, power_doppler="positive", physician_global=80)
    assert conflict(found, found.model(CENTRAL, 0, 0)).score < 0
