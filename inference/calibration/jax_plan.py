"""Many questions to the network as one differentiable function of its tables.

Questions whose reduced factors have the same variables and sizes are one plan, run on a leading axis of questions; its upward pass is the
engine's own schedule. What several plans work out from the same arrays is worked out once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...model.network import Model
from ..elimination import mask_of, plan_tree
from ..junction_tree import LOG, MULTIPLY, SCALE, SUM, Schedule, Step, build_schedule
from .jax_tables import Prior, TableName, build_tables
from .questions import Question
from .reducing import Reduced, Source, reduce_question

MOST_UNSCALED = 6
"""Findings that a product may gather before it is divided by its largest entry: far from what floating point holds, and most questions
have fewer, so that nothing is spent on it."""


@dataclass(frozen=True, eq=False)
class Group:
    """Questions that run together: their reduced forms, the shared steps and the order of each factor's axes.

    `counts` holds for every factor the number of findings in it.
    """

    members: tuple[Reduced, ...]
    schedule: Schedule | None
    orders: tuple[tuple[int, ...], ...]
    counts: tuple[int, ...]


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
        pieces = [piece for group in self._groups for piece in work.answers(group)]
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
            table = np.array(source.prior) if source.prior else self.tables[source.setting, source.variable]
            for axis in reversed(range(table.ndim)):
                table = _pick(table, axis, source.picks[axis])
            if source.weights:
                table = table * np.array(source.weights)
            self.pieces[source] = table.sum(axis=-1) if source.absorbed else table
        return self.pieces[source]

    def stacked(self, sources: Sequence[Source], order: tuple[int, ...]) -> Any:
        """Return one factor of all questions of a group, questions first; only one row where it is the same in all."""

        def make() -> Any:
            pieces = [self.piece(source).transpose(order) for source in ((sources[0],) if len(set(sources)) == 1 else sources)]
            return np.stack(pieces) if all(isinstance(piece, np.ndarray) for piece in pieces) else jnp.stack(pieces)

        return self.once((tuple(dict.fromkeys(sources)) if len(set(sources)) == 1 else tuple(sources), order), make)

    def answers(self, group: Group) -> list[Any]:
        """Return the normalised distributions of a group's questions, each over all states of its variable."""
        first = group.members[0]
        kept = np.array(first.kept)
        if group.schedule is None:
            return [np.eye(first.card)[kept[0]]] * len(group.members)
        slots: dict[int, Any] = {}
        for place, order in enumerate(group.orders):
            slots[place] = self.stacked([member.sources[place] for member in group.members], order)
        counts = dict(enumerate(group.counts))
        for step in (*group.schedule.once, *group.schedule.chunk):
            if step.kind != LOG:
                self._apply(step, slots, counts)
        table = slots[group.schedule.answers[0]]
        table = table.reshape(table.shape[0], -1)
        shares = table / table.sum(axis=-1, keepdims=True)
        if len(kept) < first.card:
            shares = shares @ np.eye(first.card)[kept]
        return [shares[place if len(shares) > 1 else 0] for place in range(len(group.members))]

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
    return np.concatenate(parts, axis) if isinstance(table, np.ndarray) else jnp.concatenate(parts, axis)


def _scaled(table: Any) -> Any:
    """Divide each question's table by its largest entry, which cancels in the distribution and so has no derivative of its own."""
    highest = table.max(axis=tuple(range(1, table.ndim)), keepdims=True)
    if not isinstance(table, np.ndarray):
        highest = jax.lax.stop_gradient(highest)
    return table / highest


def _group(members: Sequence[Reduced]) -> Group:
    """Plan the upward pass that questions of one shape share."""
    first = members[0]
    if not first.scopes:
        return Group(tuple(members), None, (), ())
    names, cards = [name for name, _ in first.sizes], [size for _, size in first.sizes]
    number = {name: place for place, name in enumerate(names)}
    target = 1 << number[first.variable]
    tree, order = plan_tree([mask_of(number[name] for name in scope) for scope in first.scopes], cards, [target])
    place_of = {names[vertex]: place for place, vertex in enumerate(order)}
    scopes = [mask_of(place_of[name] for name in scope) for scope in first.scopes]
    static = [len(set(sources)) == 1 for sources in zip(*(member.sources for member in members), strict=True)]
    schedule = build_schedule(tree, [cards[vertex] for vertex in order], scopes, [1 << place_of[first.variable]], static)
    orders = tuple(tuple(int(axis) for axis in np.argsort([place_of[name] for name in scope])) for scope in first.scopes)
    return Group(tuple(members), schedule, orders, tuple(int(found) for found in first.findings))


def compile_questions(model: Model, questions: Iterable[Question]) -> Questionnaire:
    """Plan all distinct questions.

    Args:
        model: the network in several parameter sets, which show what is structure (see `reducing`); its numbers are not used.
        questions: what is asked; equal questions are asked once.

    Raises:
        RefraError: as `reduce_question`.
    """
    distinct = tuple(dict.fromkeys(questions))
    reduced = [reduce_question(model, question) for question in distinct]
    shapes: dict[Any, list[int]] = {}
    for place, one in enumerate(reduced):
        picked = tuple((source.variable, source.absorbed, bool(source.weights)) for source in one.sources)
        shapes.setdefault((one.variable, one.kept, one.scopes, one.sizes, one.findings, picked), []).append(place)
    groups = tuple(_group([reduced[place] for place in places]) for places in shapes.values())
    ran = [place for places in shapes.values() for place in places]
    ends = np.cumsum([one.card for one in reduced])
    return Questionnaire(
        distinct,
        {question: slice(int(end) - one.card, int(end)) for question, one, end in zip(distinct, reduced, ends, strict=True)},
        int(ends[-1]) if len(ends) else 0,
        tuple(dict.fromkeys((source.setting, source.variable) for one in reduced for source in one.sources if not source.prior)),
        sum(group.schedule.operations * len(group.members) for group in groups if group.schedule),
        sum(len(group.schedule.once) + len(group.schedule.chunk) for group in groups if group.schedule),
        groups,
        tuple(int(place) for place in np.argsort(ran)),
    )
