"""Likelihoods made cheap before planning.

A finding that nothing else depends on says of its parents' states no more than P(what was seen | parents): its table times the likelihood,
summed over its own states. A plan then holds that one factor over the parents, and the finding's own states cost nothing. States of a root
that its likelihood rules out are cut off at both ends, from its table and from those of its children.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .elimination import Structure

Array = NDArray[np.float64]
Folds = dict[tuple[int, int], tuple[Array, Array, Array]]
Cuts = dict[int, tuple[Array, Array]]


def absorbable(parents: Mapping[str, tuple[str, ...]], soft: Collection[str], kept: Collection[str]) -> tuple[str, ...]:
    """Return the variables of `soft` that have parents and no children and are not to be `kept`, in order."""
    above = {parent for name in parents for parent in parents[name]}
    return tuple(name for name in soft if name not in above and name not in kept and parents[name])


@lru_cache(maxsize=512)
def narrowed(structure: Structure, cards: tuple[tuple[str, int], ...]) -> Structure:
    """Return a structure in which some variables have other numbers of states, one where only "what was seen" is left of a finding."""
    fewer = dict(cards)
    return Structure(tuple((name, fewer.get(name, card)) for name, card in structure.cards), structure.parents)


def open_states(parents: Mapping[str, tuple[str, ...]], soft: Mapping[str, Array], kept: Collection[str]) -> dict[str, slice]:
    """Return for each root whose likelihood rules out its first or last states which ones are left, from the first to the last."""
    found = {}
    for name, likelihood in soft.items():
        if parents[name] or name in kept:
            continue
        possible = np.flatnonzero((likelihood.reshape(-1, likelihood.shape[-1]) > 0.0).any(axis=0))
        if len(possible) and possible[-1] - possible[0] + 1 < likelihood.shape[-1]:
            found[name] = slice(int(possible[0]), int(possible[-1]) + 1)
    return found


def cut(table: Array, axes: tuple[str, ...], states: Mapping[str, slice], known: Cuts) -> Array:
    """Return the part of a table in which some variables have the states left to them; its last axes are `axes`.

    `known` holds what was cut before, by the array, and is filled here, so that plans run together can tell that it is the same.
    """
    if id(table) not in known:
        index: tuple[Any, ...] = (..., *(states.get(name, slice(None)) for name in axes))
        known[id(table)] = (table, table[index])
    return known[id(table)][1]


@dataclass(frozen=True)
class Memo:
    """What was folded and cut for questions that are asked together."""

    folds: Folds = field(default_factory=dict)
    cuts: dict[tuple[tuple[str, int, int], ...], Cuts] = field(default_factory=dict)


def folded(table: Array, likelihood: Array, known: Folds) -> Array:
    """Return P(what was seen | parents), shape (S, *states of the parents, 1).

    Args:
        table: P(finding | parents), shape (S or 1, *states of the parents, states).
        likelihood: P(what was seen | state), shape (states,) or (S, states).
        known: what was folded before, by the two arrays; filled here, so that plans run together can tell that it is the same.
    """
    key = (id(table), id(likelihood))
    if key not in known:
        moved = np.moveaxis(table, 0, -1)
        weights = likelihood[:, None] if likelihood.ndim == 1 else likelihood.T
        seen = moved[..., 0, :] * weights[0]
        for state in range(1, len(weights)):
            seen = seen + moved[..., state, :] * weights[state]
        # The arrays are kept with the answer: an id is unique only while its object lives.
        known[key] = (table, likelihood, np.moveaxis(seen[..., None, :], -1, 0))
    return known[key][2]
