"""Posterior means as ratios of linear functions of every table of a network, from one backward pass for each target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...model.network import Model
from ..asking import Known, structure
from ..engine import Coefficients, Target, cached_plan

Array = NDArray[np.float64]

Question = tuple[Target, Array]
"""A target and a score for each of its states; its answer is the posterior mean of the scores."""


@dataclass(frozen=True, eq=False)
class Linear:
    """Posterior means N / D around the present tables, where D is P(findings) and both are divided by its present value.

    N and D are linear in each table T while the others stay:
    N(T') = means + sum(cells[T] * (T' - T)) and D(T') = 1 + sum(evidence[T] * (T' - T)).

    Attributes:
        means: present posterior means, shape (questions,).
        cells: by variable, shape (questions, *shape of its table); variables that bear on no question and no finding are left out.
        evidence: by variable, shape of its table, for the same variables.
    """

    means: Array
    cells: Mapping[str, Array]
    evidence: Mapping[str, Array]

    def combined(self, weights: Array, constants: Array) -> Linear:
        """Return weighted sums: `weights` has the shape (sums, questions), `constants` (sums,) are added to each."""
        cells = {
            name: np.tensordot(weights, cells, 1) + np.multiply.outer(constants, self.evidence[name]) for name, cells in self.cells.items()
        }
        return Linear(weights @ self.means + constants, cells, self.evidence)

    def with_table(self, name: str, present: Array, tables: Array) -> Array:
        """Return the means with other tables of one variable, `tables` of shape (S, *shape); the result has the shape (questions, S)."""
        change = (tables - present).reshape(len(tables), -1).T
        above = self.means[:, None] + self.cells[name].reshape(len(self.means), -1) @ change
        return np.asarray(above / (1.0 + self.evidence[name].ravel() @ change))


def linear(model: Model, known: Known, questions: Sequence[Question]) -> Linear:
    """Return the questions' answers as functions of every table of a model with one parameter set.

    A target that is known has the mean of its known state's score. Raises `RefraError` where P(findings) is too small for floating point.

    Source: Kjaerulff & van der Gaag 2000, arXiv 1301.3868, for posteriors as ratios of linear functions; Darwiche 2003,
    doi 10.1145/765568.765570, for the derivatives of one pass back.
    """

    def coefficients(targets: Sequence[Target], weights: Array | None = None) -> Coefficients:
        plan = cached_plan(structure(model), targets=targets, hard=known.hard, soft=known.soft, do=known.do)
        return plan.coefficients(model.tables, weights, hard=known.hard, soft=known.soft, do=known.do)

    evidence = {name: cells[0] for name, cells in coefficients(()).cells.items()}
    means = np.zeros(len(questions))
    asked: dict[Target, list[tuple[int, Array]]] = {}
    certain: list[int] = []
    for place, (target, scores) in enumerate(questions):
        left, rest = _unknown_part(known, target, scores)
        if left:
            asked.setdefault(left[0] if len(left) == 1 else left, []).append((place, rest))
        else:
            means[place] = float(rest)
            certain.append(place)
    found = {}
    for target, mine in asked.items():
        one = coefficients([target], np.stack([scores for _, scores in mine]))
        places = [place for place, _ in mine]
        means[places] = one.mean
        found[target] = (places, one.cells)
    needed = dict.fromkeys([*evidence, *(name for _, cells in found.values() for name in cells)])
    cells = {name: np.zeros((len(questions), *model.tables[name].shape[1:])) for name in needed}
    for places, mine_cells in found.values():
        for name, table in mine_cells.items():
            cells[name][places] = table
    for name, table in evidence.items():
        cells[name][certain] = means[certain].reshape(-1, *(1,) * table.ndim) * table
    return Linear(means, cells, {name: evidence.get(name, np.zeros(cells[name].shape[1:])) for name in needed})


def _unknown_part(known: Known, target: Target, scores: Array) -> tuple[tuple[str, ...], Array]:
    """Return the variables of a target whose states are not known, and the scores on them."""
    names = (target,) if isinstance(target, str) else target
    fixed = {**known.hard, **known.do}
    index = tuple(fixed.get(name, slice(None)) for name in names)
    return tuple(name for name in names if name not in fixed), np.asarray(scores[index])
