"""Many questions to the network as one differentiable function of its tables.

Questions whose reduced factors have the same variables and sizes are one plan, run on a leading axis of questions; its upward pass is the
engine's own schedule. What several plans work out from the same arrays is worked out once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...data.errors import RefraError
from ...model.arrays import xp
from ...model.network import Model
from ..junction_tree import LOG, MULTIPLY, SCALE, SUM, Step
from .grouping import Group, group, laid_out
from .jax_tables import Prior, TableName, build_tables
from .questions import Question, base_variable
from .reducing import Source, reduce_question

MOST_UNSCALED = 6
"""Findings that a product may gather before it is divided by its largest entry: far from what floating point holds, and most questions
have fewer, so that nothing is spent on it."""


@dataclass(frozen=True, eq=False)
class Questionnaire:
    """Distinct questions, planned; `predict` answers them all.

    Attributes:
        questions: the questions, each once.
        places: where each question's distribution lies in the answer.
        size: length of the answer.
        tables: the (setting, variable) pairs whose tables are read.
        operations: multiplications and additions of one run.
        steps: array operations of one run before equal ones are merged.
    """

    questions: tuple[Question, ...]
    places: Mapping[Question, slice]
    size: int
    tables: tuple[TableName, ...]
    operations: int
    steps: int
    _groups: tuple[Group, ...]
    _order: tuple[int, ...]

    def distributions(self, tables: Mapping[TableName, Any]) -> jax.Array:
        """Return all distributions one after another, shape (size,), from the tables of one parameter set."""
        work = _Work(tables)
        pieces = [piece for asked in self._groups for piece in work.answers(asked)]
        return jnp.concatenate([pieces[place] for place in self._order])

    def predict(self, prior: Prior, z: jax.Array) -> jax.Array:
        """Return all distributions one after another, shape (size,), from standard normal deviates of the parameters."""
        return self.distributions(build_tables(prior.values(z), self.tables))


class _Work:
    """One run: arrays made so far, by what they are made from."""

    def __init__(self, tables: Mapping[TableName, Any]) -> None:
        self.tables = tables
        self.pieces: dict[Source, Any] = {}
        self.made: dict[tuple[Any, ...], Any] = {}
        # Arrays are told apart by their identity, so every one of them is kept until the end.
        self.kept: list[Any] = []

    def once(self, key: tuple[Any, ...], make: Any) -> Any:
        """Return what was made under this key, or make it."""
        if key not in self.made:
            self.made[key] = make()
            self.kept.append(self.made[key])
        return self.made[key]

    def piece(self, source: Source) -> Any:
        """Return the numbers of a factor, axes as in its table."""
        if source not in self.pieces:
            table = np.array(source.prior) if source.prior else self.tables[source.setting, base_variable(source.variable)]
            for axis in reversed(range(table.ndim)):
                table = _pick(table, axis, source.picks[axis])
            if source.weights:
                table = table * np.array(source.weights)
            self.pieces[source] = table.sum(axis=-1) if source.absorbed else table
        return self.pieces[source]

    def stacked(self, asked: Group, factor: int) -> Any:
        """Return one factor of all questions of a group, questions first; only one row where it is the same in all."""
        rows = [
            (member.sources[factor], laid_out(member, factor, asked.layouts[factor], asked.sizes))
            for member in (asked.members[:1] if len({member.sources[factor] for member in asked.members}) == 1 else asked.members)
        ]

        def make() -> Any:
            pieces = [xp.broadcast_to(self.piece(source).transpose(order).reshape(ones), full) for source, (order, ones, full) in rows]
            return xp.stack(pieces)

        return self.once(tuple(rows), make)

    def answers(self, asked: Group) -> list[Any]:
        """Return the normalised distributions of a group's questions, each over all states of its variable."""
        first = asked.members[0]
        kept = np.array(first.kept)
        if asked.schedule is None:
            return [np.eye(first.card)[kept[0]]] * len(asked.members)
        slots: dict[int, Any] = {}
        for place in range(len(asked.layouts)):
            slots[place] = self.stacked(asked, place)
        counts = {place: int(any(found)) for place, found in enumerate(zip(*(member.findings for member in asked.members), strict=True))}
        for step in (*asked.schedule.once, *asked.schedule.chunk):
            if step.kind != LOG:
                self._apply(step, slots, counts)
        table = slots[asked.schedule.answers[0]]
        table = table.reshape(table.shape[0], -1)
        shares = table / table.sum(axis=-1, keepdims=True)
        if len(kept) < first.card:
            shares = shares @ np.eye(first.card)[kept]
        return [shares[place if len(shares) > 1 else 0] for place in range(len(asked.members))]

    def _apply(self, step: Step, slots: dict[int, Any], counts: dict[int, int]) -> None:
        left = slots[step.left]
        count = counts[step.left]
        if step.kind == SUM:
            axes = tuple(axis + 1 for axis in step.axes)
            made = self.once((SUM, id(left), step.left_shape, axes), lambda: left.reshape(-1, *step.left_shape).sum(axis=axes))
        elif step.kind == MULTIPLY:
            right = slots[step.right]
            count += counts[step.right]
            made = self.once(
                (MULTIPLY, id(left), id(right), step.left_shape, step.right_shape),
                lambda: left.reshape(-1, *step.left_shape) * right.reshape(-1, *step.right_shape),
            )
        elif step.kind == SCALE:
            made = left
        else:
            raise ValueError(f"step of kind {step.kind}: a plan with one target sends nothing down")
        if count > MOST_UNSCALED:
            made, count = self.once((SCALE, id(made)), lambda: _scaled(made)), 0
        slots[step.out], counts[step.out] = made, count


def _pick(table: Any, axis: int, states: tuple[int, ...] | int) -> Any:
    """Return a table with only some states of an axis, or with the axis taken away at one state."""
    before = (slice(None),) * axis
    if isinstance(states, int):
        return table[(*before, states)]
    first, last = states[0], states[-1]
    if last - first + 1 == len(states):
        return table if len(states) == table.shape[axis] else table[(*before, slice(first, last + 1))]
    parts = [table[(*before, slice(state, state + 1))] for state in states]
    return xp.concatenate(parts, axis)


def _scaled(table: Any) -> Any:
    """Divide each question's table by its largest entry, which cancels in the distribution and so has no derivative of its own."""
    highest = table.max(axis=tuple(range(1, table.ndim)), keepdims=True)
    if not isinstance(table, np.ndarray):
        highest = jax.lax.stop_gradient(highest)
    return table / highest


def compile_questions(model: Model, questions: Iterable[Question]) -> Questionnaire:
    """Plan all distinct questions.

    Args:
        model: the network in several parameter sets, which show what is structure (see `reducing`); its numbers are not used.
        questions: what is asked; equal questions are asked once.

    Raises:
        RefraError: as `reduce_question`.
    """
    distinct = tuple(dict.fromkeys(questions))
    if not distinct:
        raise RefraError("no questions; at least one is accepted")
    reduced = [reduce_question(model, question) for question in distinct]
    groups = tuple(group(reduced))
    ran = [place for one in groups for place in one.places]
    ends = np.cumsum([one.card for one in reduced])
    read = (source for one in reduced for source in one.sources if not source.prior)
    return Questionnaire(
        distinct,
        {question: slice(int(end) - one.card, int(end)) for question, one, end in zip(distinct, reduced, ends, strict=True)},
        int(ends[-1]),
        tuple(dict.fromkeys((source.setting, base_variable(source.variable)) for source in read)),
        sum(one.schedule.operations * len(one.places) for one in groups if one.schedule),
        sum(len(one.schedule.once) + len(one.schedule.chunk) for one in groups if one.schedule),
        groups,
        tuple(int(place) for place in np.argsort(ran)),
    )
