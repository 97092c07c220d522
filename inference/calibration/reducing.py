"""Exact reduction of a question to the few factors that bear on it, before any array operation is planned.

States that cannot occur are left out, known variables are sliced away, parents along whose axis a factor does not change are dropped,
findings that then say nothing are forgotten, and so is whatever is no longer connected to the variable asked for. What is zero and what
does not change is read from the network's tables in all parameter sets at once, so it belongs to the structure, not to one set's numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...data.errors import RefraError, unknown_name
from ...model.network import Model
from ..knowledge import with_copies
from .questions import Parts, Question, base_variable, copies_of
from .settings import TRIAL, variables_moved

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Source:
    """Where a factor's numbers come from: states picked from a variable's table, times weights on the variable's own states.

    Attributes:
        variable: whose table is read.
        setting: the setting that the table is built for; "trial" where the table is the same in all.
        axes: names of the table's axes, the variable itself last.
        prior: shares of a population in place of the table, () for the table itself.
        picks: the states kept on each axis of the table; a state number instead takes the axis away.
        weights: weights of the kept states of the variable itself, () for none.
        absorbed: whether the variable's own axis is summed out under the weights.
    """

    variable: str
    setting: str
    axes: tuple[str, ...]
    prior: tuple[float, ...]
    picks: tuple[tuple[int, ...] | int, ...]
    weights: tuple[float, ...]
    absorbed: bool


@dataclass(frozen=True)
class Reduced:
    """A question as factors: `scopes` names the axes of each, `support` the states kept of every variable left.

    `kept` holds the states of the variable asked for that can occur, among its `card` states; there are no factors where only one can.
    `findings` tells which factors hold a finding, which can make them small.
    """

    variable: str
    card: int
    kept: tuple[int, ...]
    scopes: tuple[tuple[str, ...], ...]
    sources: tuple[Source, ...]
    support: tuple[tuple[str, tuple[int, ...]], ...]
    findings: tuple[bool, ...]


class _Reduction:
    """The working state of one question's reduction."""

    def __init__(self, model: Model, question: Question) -> None:
        self.model = model
        self.variable = question.variable
        self.setting = question.setting
        if question.variable not in model.states:
            raise unknown_name("variable", question.variable, model.states)
        self.do = {name: model.position(name, state) for name, state in question.do}
        self.population = {name: _vector(model, name, dict(mix)) for name, mix in question.population}
        self.given = {name: _vector(model, name, dict(mix)) for name, mix in question.given}
        for name in self.population:
            if model.parents[name]:
                raise RefraError(f"population, {name}: only variables without parents have a mix; put it under `given`")
        self.parents = {name: () if name in self.do else above for name, above in model.parents.items()}
        self.support = self._supports()

    def _ancestors(self, parents: Mapping[str, tuple[str, ...]], start: set[str]) -> list[str]:
        found: set[str] = set()
        waiting = list(start)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(parents[name])
        return [name for name in self.model.states if name in found]

    def _supports(self) -> dict[str, tuple[int, ...]]:
        """Return the states of each variable above the question that can occur."""
        support: dict[str, tuple[int, ...]] = {}
        for name in self._ancestors(self.parents, {self.variable, *self.given}):
            if name in self.do:
                possible = np.arange(self.model.card(name)) == self.do[name]
            elif name in self.population:
                possible = self.population[name] > 0
            else:
                part = self.model.tables[name][np.ix_(*self._axes(name, support))]
                possible = (part > 0).any(axis=tuple(range(part.ndim - 1)))
            if name in self.given:
                possible = possible & (self.given[name] > 0)
            if not possible.any():
                raise RefraError(f"{self.variable}: the findings cannot all hold; no state of {name} is left")
            support[name] = tuple(int(state) for state in np.flatnonzero(possible))
        return support

    def _axes(self, name: str, support: Mapping[str, tuple[int, ...]]) -> list[list[int]]:
        own = list(support[name]) if name in support else list(range(self.model.card(name)))
        return [list(range(len(self.model.tables[name]))), *(list(support[parent]) for parent in self.model.parents[name]), own]

    def factor(self, name: str, own: bool) -> tuple[tuple[str, ...], Source]:
        """Return the axes and the source of a variable's factor; `own` tells whether others read the variable."""
        support = self.support[name]
        prior = tuple(float(self.population[name][state]) for state in support) if name in self.population else ()
        table = np.array([prior]) if prior else self.model.tables[name][np.ix_(*self._axes(name, self.support))]
        weights = tuple(float(self.given[name][state]) for state in support) if name in self.given else ()
        if len(set(weights)) == 1:
            weights = ()
        if weights:
            table = table * np.array(weights)
        names = (*self.model.parents[name], name)
        absorbed = not own and len(support) > 1
        if absorbed:
            table = table.sum(axis=-1, keepdims=True)
        picks: list[tuple[int, ...] | int] = [self.support[axis] for axis in names]
        scope = []
        for place, axis in enumerate(names):
            if axis == name and absorbed:
                continue
            if table.shape[place + 1] == 1 or (axis != name and _idle(table, place + 1)):
                picks[place] = self.support[axis][0]
            else:
                scope.append(axis)
        if prior:
            picks = [tuple(range(len(support)))]
            names = (name,)
        setting = self.setting if base_variable(name) in variables_moved() else TRIAL
        return tuple(scope), Source(name, setting, names, prior, tuple(picks), weights, absorbed)

    def run(self) -> Reduced:
        """Drop what does not bear on the question until nothing more can be dropped."""
        card, kept = self.model.card(self.variable), self.support[self.variable]
        if len(kept) == 1:
            return Reduced(self.variable, card, kept, (), (), (), ())
        findings = set(self.given)
        factors: dict[str, tuple[tuple[str, ...], Source]] = {}
        parents = {name: self._free(self.parents[name]) for name in self.support}
        while True:
            relevant = self._ancestors(parents, {self.variable, *findings})
            read = {self.variable, *(above for name in relevant for above in parents[name])}
            factors = {name: self.factor(name, name in read) for name in relevant if name not in self.do}
            silent = {name for name in findings if name not in factors or not factors[name][0]}
            found = {**parents, **{name: tuple(axis for axis in scope if axis != name) for name, (scope, _) in factors.items()}}
            if found == parents and not silent:
                break
            parents, findings = found, findings - silent
        chosen = self._connected({name: scope for name, (scope, _) in factors.items()})
        scopes = tuple(factors[name][0] for name in chosen)
        left = dict.fromkeys(axis for scope in scopes for axis in scope)
        return Reduced(
            self.variable,
            card,
            kept,
            scopes,
            tuple(factors[name][1] for name in chosen),
            tuple((axis, self.support[axis]) for axis in self.model.states if axis in left),
            tuple(name in findings for name in chosen),
        )

    def _free(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if len(self.support[name]) > 1)

    def _connected(self, scopes: Mapping[str, tuple[str, ...]]) -> list[str]:
        reached, grown = {self.variable}, True
        while grown:
            more = {axis for scope in scopes.values() if reached & set(scope) for axis in scope}
            grown = not more <= reached
            reached |= more
        return [name for name, scope in scopes.items() if reached & set(scope)]


def _idle(table: Array, axis: int) -> bool:
    """Tell whether a table is the same all along an axis, up to rounding, in every parameter set."""
    first = table.take([0], axis=axis)
    return bool(np.allclose(table, first, rtol=1e-13, atol=0.0))


def _vector(model: Model, variable: str, mix: Mapping[str, float]) -> Array:
    """Return the weights of all states of a variable, scaled to a largest of 1; those left out are 0."""
    if variable not in model.states:
        raise unknown_name("variable", variable, model.states)
    vector = np.zeros(model.card(variable))
    for state, weight in mix.items():
        vector[model.position(variable, state)] = weight
    if not np.isfinite(vector).all() or (vector < 0).any() or not (vector > 0).any():
        raise RefraError(f"{variable}: weights {dict(mix)}; finite numbers of at least 0 are accepted, one of them above 0")
    return np.asarray(vector / vector.max())


def reduce_question(model: Model, question: Question) -> Reduced:
    """Return a question as the factors that bear on it.

    Args:
        model: the network in several parameter sets, from which structural zeros and idle parents are read.
        question: what is asked.

    Raises:
        RefraError: a name that the network does not have, a mix for a variable with parents, or findings that cannot all hold.
    """
    return _Reduction(with_copies(model, _copies(question.given)), question).run()


def _copies(given: Parts) -> list[tuple[str, int]]:
    """Return how many nodes of a variable the findings need, where it is more than one."""
    most: dict[str, int] = {}
    for name, _ in given:
        most[base_variable(name)] = max(most.get(base_variable(name), 1), copies_of(name))
    return sorted((name, count) for name, count in most.items() if count > 1)
