"""Simulated patients beside the exact distribution, and the findings that are let be known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from refra.data.errors import RefraError
from refra.data.loading import parameters, variables
from refra.inference.asking import Known, ask
from refra.inference.calibration import simulating
from refra.inference.calibration.simulating import (
    blocks,
    columns,
    finding_fields,
    finding_variables,
    missing_the_target,
    reasons_given,
    reasons_in_own_sets,
    relevant,
    simulate,
)
from refra.model.assembly import central_model
from refra.model.draws import PRIOR, Draws, independent_draws
from refra.model.network import Model, Node


def test_every_finding_of_the_network_has_a_field() -> None:
    findings = {name for name, variable in variables().items() if variable.role == "finding"}
    assert set(finding_variables()) == findings
    assert len(finding_fields()["earlier"]) == 5
    assert sum(len(own) for own in finding_fields().values()) == len(findings)


def test_patients_are_distributed_as_the_network_says() -> None:
    count = 6_000
    centre = independent_draws(parameters(), 0, 0)
    same = Draws({name: np.repeat(centre[name], count + 1) for name in parameters()}, count + 1)
    patients = simulate(same, np.random.default_rng(1))
    model = central_model(PRIOR)
    on_drug = np.array([float(state != "none") for state in model.states["current_drug"]])
    asked = ("primary_reason", "crp", "earlier_tnf_inhibitor", "current_drug")
    exact = ask(model, Known({"target_met": 0}, {"current_drug": on_drug}), asked)
    assert (patients.records[:, columns().index("target_met")] == 0).all()
    drawn = {name: patients.records[:, columns().index(name)] for name in asked[1:]} | {"primary_reason": patients.reason}
    for name in asked:
        share = np.bincount(drawn[name], minlength=model.card(name)) / count
        # Given the drug drawn before the target is looked at: the drug's share is its prior among patients on a drug.
        np.testing.assert_allclose(share, exact[name][0], atol=5 * np.sqrt(0.25 / count))


def test_what_is_known_grows_with_the_number_of_findings() -> None:
    patients = simulate(independent_draws(parameters(), 40, 3), np.random.default_rng(2), 2)
    assert len(patients) == 80
    assert np.bincount(patients.sets).tolist() == [0, *[2] * 40]
    always = len(columns()) - len(finding_variables())
    before = patients.known(0)
    assert (before[:, :always] >= 0).all()
    assert (before[:, always:] == -1).all()
    for count in (3, 12, len(finding_fields())):
        known = patients.known(count)
        seen = known >= 0
        assert ((known == patients.records) | ~seen).all()
        assert (seen | (before < 0)).all()
        by_field = np.stack([seen[:, [columns().index(name) for name in own]].all(axis=1) for own in finding_fields().values()])
        assert (by_field.sum(axis=0) == count).all()
        assert (seen[:, always:].sum(axis=1) == count + 4 * by_field[list(finding_fields()).index("earlier")]).all()
        before = known


def test_each_patient_is_answered_with_its_own_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = independent_draws(parameters(), 7, 4)
    patients = simulate(draws, np.random.default_rng(5), 2)
    known = patients.known(6)
    ((_, whole),) = blocks(draws)
    wanted = [reasons_given(whole.drawn([s - 1]), known[i : i + 1])[0, 0] for i, s in enumerate(patients.sets)]
    np.testing.assert_allclose(reasons_in_own_sets(draws, patients, known), wanted, rtol=1e-9, atol=1e-14)
    several = [(sets.tolist(), model.draws) for sets, model in blocks(draws, 3)]
    assert several == [([1, 2, 3], 3), ([4, 5, 6], 3), ([7], 1)]
    shuffled = np.random.default_rng(6).permutation(len(patients))
    other = replace(patients, sets=patients.sets[shuffled])
    np.testing.assert_allclose(reasons_in_own_sets(draws, other, known[shuffled]), np.array(wanted)[shuffled], rtol=1e-9, atol=1e-14)


def test_a_network_in_which_all_meet_the_target_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulating, "MOST_ROUNDS", 5)
    part = relevant(central_model(PRIOR))
    met = np.zeros_like(part.tables["target_met"])
    met[..., 1] = 1.0
    nodes = {name: Node(part.parents[name], met if name == "target_met" else part.tables[name]) for name in part.states}
    model: Model = part.restricted(nodes)
    with pytest.raises(RefraError, match="no patient in 5 misses the target"):
        missing_the_target(model, np.zeros(3, dtype=np.intp), np.random.default_rng(0))
