"""An exact shortcut: a network in which observed roots are taken as given and arcs that no longer matter are dropped."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .network import Model, Node

Array = NDArray[np.float64]


def without_idle_parents(parents: tuple[str, ...], table: Array) -> tuple[tuple[str, ...], Array]:
    """Drop the parents along whose axis the table does not change in any parameter set."""
    kept = list(parents)
    for parent in parents:
        axis = 1 + kept.index(parent)
        # A view at one state keeps the layout of the whole.
        first = table[(slice(None),) * axis + (slice(0, 1),)]
        if bool((first == table).all()):
            table = first.squeeze(axis)
            kept.remove(parent)
    return tuple(kept), table


def sliced(parents: tuple[str, ...], table: Array, known: Mapping[str, int]) -> tuple[tuple[str, ...], Array]:
    """Take the known parents' states out of a table; parents that then no longer matter are dropped too."""
    if not any(parent in known for parent in parents):
        return parents, table
    index = tuple(known.get(parent, slice(None)) for parent in parents)
    left = tuple(parent for parent in parents if parent not in known)
    return without_idle_parents(left, table[(slice(None), *index)])


def specialise(model: Model, known: Mapping[str, int]) -> Model:
    """Return the model given the states of some of its roots, which are removed.

    Every posterior given those states is the same as in the full model; the evidence's probability lacks that of the roots. Arguments:
    `known` maps roots to state positions. Raises `ValueError` for a variable with parents.
    """
    for name in known:
        if model.parents[name]:
            raise ValueError(f"{name} is not a root")
    nodes = {}
    for name in model.states:
        if name not in known:
            parents, table = sliced(model.parents[name], model.tables[name], known)
            nodes[name] = Node(parents, table, model.parameters[name])
    return model.restricted(nodes)
