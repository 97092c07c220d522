"""Findings that nothing else depends on, taken into their parents before planning.

A finding with a likelihood says of its parents' states no more than P(what was seen | parents): its table times the likelihood, summed
over its own states. A plan then holds that one factor over the parents, and the finding's own states cost nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .elimination import Structure

Array = NDArray[np.float64]
Folds = dict[tuple[int, int], tuple[Array, Array, Array]]


def absorbable(parents: Mapping[str, tuple[str, ...]], soft: Collection[str], kept: Collection[str]) -> tuple[str, ...]:
    """Return the variables of `soft` that have parents and no children and are not to be `kept`, in order."""
    above = {parent for name in parents for parent in parents[name]}
    return tuple(name for name in soft if name not in above and name not in kept and parents[name])


@lru_cache(maxsize=512)
def narrowed(structure: Structure, absorbed: tuple[str, ...]) -> Structure:
    """Return a structure in which the absorbed findings have one state, "what was seen"."""
    return Structure(tuple((name, 1 if name in absorbed else card) for name, card in structure.cards), structure.parents)


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
