"""One distribution that the network is asked for, in the population of a study."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ...data.errors import RefraError, unknown_name
from ...data.loading import variables
from ...model.assembly import SPECS

SETTINGS = ("trial", "routine")

Weights = tuple[tuple[str, float], ...]
"""Pairs of state and weight, in the order of the variable's states; states of weight 0 are left out."""

Parts = tuple[tuple[str, Weights], ...]
"""Pairs of variable and weights of its states, in the order of the variables' names."""


@cache
def roots() -> tuple[str, ...]:
    """Return the variables without parents, whose prior a population replaces."""
    return tuple(name for name, spec in SPECS.items() if not spec.parents)


def base_variable(name: str) -> str:
    """Return the variable that `name` stands for: `earlier_tnf_inhibitor_2`, a second drug of the class, for `earlier_tnf_inhibitor`.

    Raises `UnknownNameError` with the nearest names for one that does not exist.
    """
    if name in variables():
        return name
    found = re.fullmatch(r"(earlier_\w+)_([2-9])", name)
    if found and found[1] in variables():
        return found[1]
    raise unknown_name("variable", name, variables())


def copies_of(name: str) -> int:
    """Return how many drugs of a class a name counts: 2 for `earlier_tnf_inhibitor_2`, 1 for a variable's own name."""
    return 1 if name in variables() else int(name.rpartition("_")[2])


def ordered(variable: str, weights: Mapping[str, float]) -> Weights:
    """Return the weights above 0 in the order of the variable's states; raises `RefraError` where they do not fit."""
    states = variables()[base_variable(variable)].state_ids
    for state, weight in weights.items():
        if state not in states:
            raise unknown_name("state", state, states, where=variable)
        if not 0 <= weight <= 1:
            raise RefraError(f"{variable}, {state}: {weight:g}; a weight from 0 to 1 is accepted")
    kept = tuple((state, float(weights[state])) for state in states if weights.get(state, 0.0) > 0)
    if not kept:
        raise RefraError(f"{variable}: every state has the weight 0; at least one above 0 is accepted")
    return kept


def parts(given: Mapping[str, Mapping[str, float]]) -> Parts:
    """Return variables with their weights in one order, so that equal statements are equal objects."""
    return tuple((name, ordered(name, given[name])) for name in sorted(given))


@dataclass(frozen=True)
class Question:
    """One distribution that the network is asked for; equal questions are equal objects.

    `variable`: whose distribution over states is wanted. `population`: for variables without parents the study's mix, state -> share,
    sums to 1; it replaces the variable's prior. `given`: for other variables state -> likelihood (1 for states that hold, 0 for those left
    out; `earlier_<class>_2` is a second drug of the class). `do`: variable -> the one state set by intervention. `setting`: `trial` or
    `routine`, in which the contextual response is that of a trial or of routine care.

    Raises `RefraError` where a part does not fit the network.
    """

    variable: str
    population: Parts = ()
    given: Parts = ()
    do: tuple[tuple[str, str], ...] = ()
    setting: str = "trial"

    def __post_init__(self) -> None:
        if self.variable not in variables():
            raise unknown_name("variable", self.variable, variables())
        if self.setting not in SETTINGS:
            raise RefraError(f"setting: {self.setting!r}; accepted: {', '.join(SETTINGS)}")
        for name, weights in self.population:
            if name not in roots():
                raise RefraError(f"population: {name} has parents; accepted: {', '.join(roots())}")
            total = sum(share for _, share in weights)
            if abs(total - 1) > 1e-6:
                raise RefraError(f"population, {name}: the shares sum to {total:g}; 1 is accepted")
        for name, _ in self.given:
            if name in roots():
                raise RefraError(f"given: {name} has no parents; its mix belongs to the population")


def question(
    variable: str,
    population: Mapping[str, Mapping[str, float]] | None = None,
    given: Mapping[str, Mapping[str, float]] | None = None,
    do: Mapping[str, str] | None = None,
    setting: str = "trial",
) -> Question:
    """Return the question for mappings of variable -> state -> weight, as `Question` holds it."""
    return Question(variable, parts(population or {}), parts(given or {}), tuple(sorted((do or {}).items())), setting)
