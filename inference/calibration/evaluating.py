"""What the network answers to the questions of the calibration, for every parameter set at once (numpy)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ...data.fitted import fitted
from ...data.loading import parameters
from ...model.assembly import assemble, central_model
from ...model.draws import DEFAULT_DRAWS, DEFAULT_SEED, FITTED, PRIOR, Draws, check_basis, fitted_draws, independent_draws
from ...model.network import Model
from ...model.on_demand import OnDemand
from ..asking import Known, ask
from ..knowledge import with_copies
from .questions import SETTINGS, Parts, Question, base_variable, copies_of
from .reading import nuisance
from .settings import MOVED, ROUTINE, TRIAL, in_setting, variables_moved
from .targets import Target

Array = NDArray[np.float64]


def distinct(targets: Iterable[Target]) -> tuple[Question, ...]:
    """Return the distinct questions that targets need, in order."""
    return tuple(dict.fromkeys(question for target in targets for question in target.questions))


def asked_about(questions: Iterable[Question]) -> frozenset[str]:
    """Return the parameters on which the answers to questions depend, by the network's structure."""
    model = central_model(PRIOR)
    found: set[str] = set()
    for question in questions:
        concerned = {base_variable(name) for name in (question.variable, *(name for name, _ in question.given))}
        mixed = {name for name, _ in question.population} | {name for name, _ in question.do}
        for name in model.ancestors(concerned) - mixed:
            found.update(model.parameters[name])
        if question.setting == ROUTINE:
            found.update(MOVED.values())
    return frozenset(found)


def settled(question: Question) -> Question:
    """Return the same question asked of a trial where the setting cannot change the answer."""
    concerned = {question.variable, *(base_variable(name) for name, _ in question.given)}
    if variables_moved() & central_model(PRIOR).ancestors(concerned):
        return question
    return replace(question, setting=TRIAL)


def models_of(draws: Draws) -> Mapping[str, Model]:
    """Return the network of each setting for parameter values; the shifts to routine care are among them."""
    return MappingProxyType({setting: assemble(Draws(in_setting(draws.values, setting), draws.count)) for setting in SETTINGS})


@cache
def shipped_models(draws: int = DEFAULT_DRAWS, seed: int = DEFAULT_SEED, basis: str = FITTED) -> Mapping[str, Model]:
    """Return the network of each setting: the centre first, then `draws` parameter sets of a basis (`fitted` or `prior`)."""
    records = {**parameters(), **nuisance()}
    values = fitted_draws(records, fitted(), draws, seed) if check_basis(basis) == FITTED else independent_draws(records, draws, seed)
    return models_of(values)


def in_population(model: Model, population: Parts) -> Model:
    """Return the network with the priors of some variables without parents replaced by a study's mix."""
    if not population:
        return model
    mixed: dict[str, Array] = {}
    for name, weights in population:
        table = np.zeros((1, model.card(name)))
        for state, share in weights:
            table[0, model.position(name, state)] = share
        mixed[name] = table
    tables = OnDemand(model.states, lambda name: mixed[name] if name in mixed else model.tables[name])
    return Model(model.states, model.parents, tables, model.parameters, model.draws)


def known_of(model: Model, given: Parts, do: Iterable[tuple[str, str]] = ()) -> Known:
    """Return what a question's findings tell the network: one state with all the weight is observed, other weights are a likelihood."""
    hard: dict[str, int] = {}
    soft: dict[str, Array] = {}
    for name, weights in given:
        if len(weights) == 1:
            hard[name] = model.position(name, weights[0][0])
        else:
            soft[name] = np.zeros(model.card(name))
            for state, weight in weights:
                soft[name][model.position(name, state)] = weight
    return Known(hard, soft, {name: model.position(name, state) for name, state in do})


def _copies(given: Parts) -> tuple[tuple[str, int], ...]:
    """Return how many drugs of each class the findings count, where it is more than one."""
    most: dict[str, int] = {}
    for name, _ in given:
        base = base_variable(name)
        most[base] = max(most.get(base, 1), copies_of(name))
    return tuple(sorted((name, count) for name, count in most.items() if count > 1))


def evaluate(questions: Iterable[Question], models: Mapping[str, Model]) -> Mapping[Question, Array]:
    """Return the distribution asked for by each question, shape (S or 1, states); equal questions are asked once.

    `models` maps a setting (`trial`, `routine`) to its network. Raises `ImpossibleFindingsError` where findings cannot hold.
    """
    wanted = tuple(dict.fromkeys(questions))
    asked = {question: settled(question) for question in wanted}
    mixed: dict[tuple[str, Parts, tuple[tuple[str, int], ...]], dict[tuple[Parts, tuple[tuple[str, str], ...]], list[str]]] = {}
    for question in dict.fromkeys(asked.values()):
        around = mixed.setdefault((question.setting, question.population, _copies(question.given)), {})
        around.setdefault((question.given, question.do), []).append(question.variable)
    found: dict[Question, Array] = {}
    for (setting, population, copies), around in mixed.items():
        spread = tuple((name, weights) for name, weights in population if len(weights) > 1)
        certain = tuple((name, weights) for name, weights in population if len(weights) == 1)
        model = in_population(with_copies(models[setting], copies), spread)
        for (given, do), variables in around.items():
            answer = ask(model, known_of(model, (*given, *certain), do), variables)
            for variable in variables:
                found[Question(variable, population, given, do, setting)] = answer[variable]
    return MappingProxyType({question: found[asked[question]] for question in wanted})
