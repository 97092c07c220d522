"""Counterfactual twins: would the target have been met had one cause alone been absent?

Abduction, action, prediction (Pearl 2009, 10.1017/CBO9780511803161; Richens 2020, 10.1038/s41467-020-17419-7). The twin copies the path
exposure -> engagement -> synovitis -> target; every other latent is shared. Ordered tables are read as monotone functions of one noise
term, which the copy shares with the original; with `monotone=False` the copy has noise of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.families import deterministic
from ..model.network import Model, Node, draws_last
from ..model.specialise import without_idle_parents

Array = NDArray[np.float64]

PATH = ("exposure", "engagement", "synovitis", "target_met")

SUFFIX = "__absent"
TARGET = f"target_met{SUFFIX}"


@dataclass(frozen=True)
class Absence:
    """What it means that a cause is absent: a variable set to a state, for `kind` only where the mechanism failed that way."""

    variable: str
    state: str
    kind: str | None = None


ABSENCES: Mapping[str, Absence] = {
    "non_adherence": Absence("adherence", "full"),
    "anti_drug_antibodies": Absence("ada", "none"),
    "low_exposure_other": Absence("clearance", "normal"),
    "wrong_pathway": Absence("covered_current", "yes", "wrong_pathway"),
    "pathway_escape": Absence("covered_current", "yes", "pathway_escape"),
    "fibromyalgia": Absence("fibromyalgia", "no"),
    "osteoarthritis": Absence("osteoarthritis", "no"),
    "depression": Absence("depression", "no"),
    "other_disease": Absence("other_disease_active", "no"),
}


def shared_noise(original: Array, copy: Array, state: int | None = None) -> Array:
    """Return P(copy's state | original's state) for two distributions driven by one uniform noise term.

    `original` and `copy` have shapes (..., k) that go together; the result (..., k, k): the overlap of the two states' intervals of the
    noise over the original's. With `state` only that state of the original is worked out, shape (..., 1, k). Rows of states that the
    original cannot take are the copy's own distribution.
    """
    high, high_copy = _cumulated(original), _cumulated(copy)
    low, low_copy = high - original, high_copy - copy
    if state is not None:
        high, low = high[..., state : state + 1], low[..., state : state + 1]
    overlap = np.minimum(high[..., :, None], high_copy[..., None, :])
    overlap = overlap - np.maximum(low[..., :, None], low_copy[..., None, :])
    np.maximum(overlap, 0.0, out=overlap)
    total = overlap.sum(axis=-1, keepdims=True)
    possible = total > 1e-300
    if possible.all():
        overlap /= total
        return overlap
    return np.where(possible, overlap / np.where(possible, total, 1.0), copy[..., None, :])


def _cumulated(table: Array) -> Array:
    """Return running sums along the last axis in the memory layout of the table."""
    return np.cumsum(table, axis=-1, out=np.empty_like(table))


def twin_node(
    name: str,
    parents: tuple[str, ...],
    table: Array,
    fixed: Mapping[str, int],
    copied: Mapping[str, str],
    monotone: bool,
    state: int | None = None,
) -> tuple[tuple[str, ...], Array]:
    """Return parents and table of a node's copy whose `fixed` parents are set and whose `copied` parents are copies themselves.

    Where the node's own `state` is known the copy is worked out for that state alone, and the node is not among its parents.
    """
    kept = [parent for parent in parents if parent in copied]
    axes = len(parents)
    factual = table.reshape((*table.shape[:-1], *([1] * len(kept)), table.shape[-1]))
    other = table
    for position, parent in enumerate(parents):
        if parent in fixed:
            other = other.take([fixed[parent]], axis=1 + position)
    # A copied parent's own axis moves behind the factual ones; a singleton stays in its place.
    other = other.reshape((*other.shape[:-1], *([1] * len(kept)), other.shape[-1]))
    for number, parent in enumerate(kept):
        other = np.swapaxes(other, 1 + parents.index(parent), 1 + axes + number)
    if monotone:
        joint = shared_noise(factual, other, state)
        joint = joint[..., 0, :] if state is not None else np.moveaxis(joint, -2, 1)
        every = (*(() if state is not None else (name,)), *parents, *(copied[parent] for parent in kept))
    else:
        shape = np.broadcast_shapes(factual.shape, other.shape)
        joint = np.broadcast_to(other, shape)
        every = (*parents, *(copied[parent] for parent in kept))
    return without_idle_parents(every, draws_last(joint))


class Twins:
    """Builds the twin of one model for each cause; copies shared by several causes are built once.

    `known` gives the states of variables that are observed or set, for which alone the copies are then worked out: such a twin answers
    only where those variables have those states.
    """

    def __init__(self, model: Model, monotone: bool = True, known: Mapping[str, int] | None = None) -> None:
        self._model = model
        self._monotone = monotone
        self._known = known or {}
        self._built: dict[tuple[str, tuple[tuple[str, int], ...], tuple[tuple[str, str], ...]], Node] = {}

    def _copy(self, name: str, fixed: Mapping[str, int], copied: Mapping[str, str]) -> Node:
        key = (name, tuple(sorted(fixed.items())), tuple(sorted(copied.items())))
        if key not in self._built:
            model = self._model
            parents, table = twin_node(name, model.parents[name], model.tables[name], fixed, copied, self._monotone, self._known.get(name))
            self._built[key] = Node(parents, table, model.parameters[name])
        return self._built[key]

    def without(self, cause: str) -> Model | None:
        """Return the model with the twin in which `cause` is absent; None where the target does not depend on it."""
        absence = ABSENCES[cause]
        model = self._model
        nodes: dict[str, Node] = {}
        fixed: dict[str, int] = {}
        copied: dict[str, str] = {}
        if absence.kind is None:
            fixed[absence.variable] = model.position(absence.variable, absence.state)
        else:
            copied[absence.variable] = f"{absence.variable}{SUFFIX}"
            nodes[copied[absence.variable]] = self._mended(absence)
        for name in PATH:
            touched = {p: s for p, s in fixed.items() if p in model.parents[name]}
            behind = {p: c for p, c in copied.items() if p in model.parents[name]}
            if touched or behind:
                nodes[f"{name}{SUFFIX}"] = self._copy(name, touched, behind)
                copied[name] = f"{name}{SUFFIX}"
        if TARGET not in nodes:
            return None
        states = {name: model.states[name.removesuffix(SUFFIX)] for name in nodes}
        return model.extended(nodes, states, checked=False)

    def _mended(self, absence: Absence) -> Node:
        """Return coverage as it would be without this kind of mechanism failure."""
        kind = self._model.position("mechanism_reason", absence.kind or "")
        table = deterministic((2, 2), 2, lambda covered, reason: 1 if covered or reason == kind else 0)
        return Node((absence.variable, "mechanism_reason"), table)
