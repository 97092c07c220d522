"""Distributions from JAX beside the engine's, and their derivatives beside central differences."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from refra.data.errors import RefraError
from refra.data.loading import parameters, variables
from refra.data.records import Parameter
from refra.inference.asking import Known, ask
from refra.inference.calibration.jax_plan import Questionnaire, compile_questions
from refra.inference.calibration.jax_tables import Prior
from refra.inference.calibration.questions import Question, question
from refra.inference.calibration.reading import nuisance
from refra.inference.calibration.reducing import reduce_question
from refra.inference.calibration.settings import ROUTINE
from refra.inference.knowledge import with_copies
from refra.model.assembly import SPECS, assemble, shipped_model
from refra.model.draws import Draws, natural
from refra.model.drug_classes import CLASSES
from refra.model.network import Model, Node, build_model

NONE_TRIED = {f"earlier_{drug_class}": {"not_tried": 1.0} for drug_class in CLASSES}
ACTIVE = {"synovitis": {"moderate": 1.0, "high": 1.0}}
TWO_TNF_INHIBITORS = {
    "earlier_tnf_inhibitor": {"never_worked": 1.0},
    "earlier_tnf_inhibitor_2": {"lost_response": 0.5, "intolerant": 1.0},
}
NO_DRUG = {"current_drug": {"none": 1.0}}
MONOCLONAL = {"current_drug": {"infliximab": 0.25, "adalimumab": 0.75}}
SHARES = {"methotrexate": {"none": 0.3, "low": 0.2, "full": 0.5}}

QUESTIONS = (
    question("rf"),
    question("methotrexate"),
    question("methotrexate", SHARES),
    question("current_drug", {"current_drug": {"none": 1.0}}),
    question("ada", {"current_drug": {"adalimumab": 1.0}, "methotrexate": {"none": 1.0}}),
    question("ada", {"current_drug": {"infliximab": 1.0}, "methotrexate": {"none": 1.0}}),
    question("ada", {"current_drug": {"infliximab": 1.0}, **SHARES}),
    question("ada", {"current_drug": {"jak_inhibitor": 1.0}}),
    question("drug_level", MONOCLONAL, {"target_met": {"no": 1.0}}),
    question("fibromyalgia", MONOCLONAL, {"target_met": {"no": 1.0}}),
    question("fibromyalgia", {"depression": {"yes": 0.4, "no": 0.6}}, {"first_questionnaire": {">=5": 0.9, "<5": 0.2}}),
    question("primary_reason", {"current_drug": {"etanercept": 1.0}}, {"target_met": {"no": 1.0}}),
    question("acr50_tnf_inhibitor", NO_DRUG, {**NONE_TRIED, **ACTIVE}),
    question("acr50_tnf_inhibitor", NO_DRUG, {**NONE_TRIED, **ACTIVE}, setting=ROUTINE),
    question("acr50_tnf_inhibitor", NO_DRUG, {**NONE_TRIED, "earlier_tnf_inhibitor": {"lost_response": 1.0}, **ACTIVE}),
    question("lda_rituximab", {**NO_DRUG, **SHARES}, {**NONE_TRIED, "earlier_tnf_inhibitor": {"never_worked": 1.0}, **ACTIVE}),
    question("lda_jak_inhibitor", {}, {"true_course": {"never": 0.5, "lost": 0.5, "partial": 0.1}}, setting=ROUTINE),
    question("response_abatacept", {}, {"true_course": {"never": 1.0, "lost": 1.0}}, {"smoking": "current"}),
    question("acr50_abatacept", NO_DRUG, {**TWO_TNF_INHIBITORS, **ACTIVE}),
    question("synovitis", {"current_drug": {"adalimumab": 1.0}}, {}, {"exposure": "in_range"}),
    question("exposure", {"current_drug": {"adalimumab": 1.0}}, {}, {"exposure": "in_range"}),
    question("driver", {"current_drug": {"il6r_inhibitor": 1.0}}, {"pathotype": {"pauci_immune": 1.0}, "crp": {"<=1": 1.0}}),
    question("serious_infection_continue", {"current_drug": {"etanercept": 1.0}, "age_group": {"<50": 0.2, "50-64": 0.5, ">=65": 0.3}}),
)  # fmt: skip

DIFFERENTIATED = ("ada", "fibromyalgia", "response_abatacept", "acr50_tnf_inhibitor")


@cache
def records() -> Mapping[str, Parameter]:
    return MappingProxyType({**parameters(), **nuisance()})


@cache
def prior() -> Prior:
    return Prior.of(records())


@cache
def planned() -> Questionnaire:
    return compile_questions(shipped_model(12), QUESTIONS)


@cache
def predict() -> Any:
    return jax.jit(lambda z: planned().predict(prior(), z))


def deviates() -> np.ndarray:
    return np.random.default_rng(4).standard_normal((3, len(records())))


def engine_model(z: np.ndarray, question: Question) -> Model:
    """Return the network at these deviates in the question's setting, with the population's mix in place of the roots' tables."""
    values = {name: natural(record, z[place : place + 1]) for place, (name, record) in enumerate(records().items())}
    if question.setting == ROUTINE:
        odds = values["response.contextual"] / (1 - values["response.contextual"]) * np.exp(values["setting.routine_contextual"])
        values["response.contextual"] = odds / (1 + odds)
    model = assemble(Draws(values, 1))
    nodes = {name: Node(model.parents[name], model.tables[name]) for name in model.states}
    for name, mix in question.population:
        nodes[name] = Node((), np.array([[dict(mix).get(state, 0.0) for state in model.states[name]]]))
    return build_model(model.states, nodes)


def asked_of_engine(z: np.ndarray, question: Question) -> np.ndarray:
    model = with_copies(engine_model(z, question), [("earlier_tnf_inhibitor", 2)])
    soft = {name: np.array([dict(mix).get(state, 0.0) for state in model.states[name]]) for name, mix in question.given}
    do = {name: model.position(name, state) for name, state in question.do}
    return ask(model, Known({}, soft, do), [question.variable])[question.variable][0]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda asked: asked.variable)
def test_distributions_equal_the_engines(question: Question) -> None:
    for z in deviates():
        found = predict()(jnp.asarray(z))[planned().places[question]]
        np.testing.assert_allclose(found, asked_of_engine(z, question), rtol=0, atol=1e-9)


def test_the_answer_holds_every_question_once() -> None:
    again = compile_questions(shipped_model(12), [*QUESTIONS[:3], QUESTIONS[0]])
    assert again.questions == QUESTIONS[:3]
    assert again.size == 3 + 3 + 3
    assert sorted((place.start, place.stop) for place in again.places.values()) == [(0, 3), (3, 6), (6, 9)]


def test_equal_questions_are_equal_however_they_are_written() -> None:
    one = question("ada", {"methotrexate": {"none": 0.5, "full": 0.5}, "current_drug": {"adalimumab": 1}})
    other = question("ada", {"current_drug": {"adalimumab": 1.0}, "methotrexate": {"full": 0.5, "none": 0.5}})
    assert one == other
    assert len({one, other}) == 1


def test_derivatives_equal_central_differences() -> None:
    plan = compile_questions(shipped_model(12), [asked for asked in QUESTIONS if asked.variable in DIFFERENTIATED])
    weights = jnp.asarray(np.random.default_rng(8).standard_normal(plan.size))
    answer = jax.jit(jax.value_and_grad(lambda z: jnp.sum(weights * plan.predict(prior(), z))))
    z = deviates()[0]
    slope = np.asarray(answer(jnp.asarray(z))[1])
    assert np.isfinite(slope).all()
    largest = np.argsort(-np.abs(slope))[:30]
    for place in {*largest.tolist(), *np.random.default_rng(9).choice(len(z), 10, replace=False).tolist()}:
        step = np.zeros_like(z)
        step[place] = 1e-4
        difference = (float(answer(jnp.asarray(z + step))[0]) - float(answer(jnp.asarray(z - step))[0])) / 2e-4
        assert slope[place] == pytest.approx(difference, rel=1e-5, abs=1e-8)


def test_findings_too_improbable_for_floating_point_are_rescaled() -> None:
    # Every two-state variable of the network as a finding of one cause: likelihood ratio 2, and absolutely as rare as 1e-9.
    findings = [name for name, variable in variables().items() if len(variable.states) == 2 and SPECS[name].parents]
    assert len(findings) * 9 > 320  # far below the smallest number that floating point holds
    states = {"depression": ("no", "yes"), **{name: variables()[name].state_ids for name in findings}}
    table = np.array([[[1 - 1e-9, 1e-9], [1 - 2e-9, 2e-9]]])
    rare = 0.5 ** len(findings)
    nodes = {"depression": Node((), np.array([[1 - rare, rare]])), **{name: Node(("depression",), table) for name in findings}}
    tables = {("trial", name): jnp.asarray(node.table[0]) for name, node in nodes.items()}
    asked = [question("depression", given={name: {states[name][1]: 1.0} for name in some}) for some in (findings, findings[:9])]
    plan = compile_questions(build_model(states, nodes), asked)
    found = plan.distributions(tables)
    np.testing.assert_allclose(found[plan.places[asked[0]]], [(1 - rare) / (2 - rare), 1 / (2 - rare)], rtol=1e-10)
    np.testing.assert_allclose(found[plan.places[asked[1]]][1], rare * 2**9, rtol=1e-6)


def test_a_finding_that_says_nothing_costs_nothing() -> None:
    # No class was tried: P(not tried) is the same whether or not the class covers the disease.
    model = shipped_model(12)
    asked = {"variable": "acr50_tnf_inhibitor", "population": NO_DRUG}
    with_them = reduce_question(model, question(**asked, given={**NONE_TRIED, **ACTIVE}))  # type: ignore[arg-type]
    without = reduce_question(model, question(**asked, given=ACTIVE))  # type: ignore[arg-type]
    assert with_them == without
    assert not {"driver_prior", "earlier_abatacept", "covered_abatacept"} & {name for scope in with_them.scopes for name in scope}


def test_what_is_refused() -> None:
    model = shipped_model(12)
    with pytest.raises(RefraError, match="no state of ada is left"):
        reduce_question(model, question("exposure", {"current_drug": {"jak_inhibitor": 1.0}}, {"ada": {"high_titre": 1.0}}))
    with pytest.raises(RefraError, match="at least one is accepted"):
        compile_questions(model, [])
