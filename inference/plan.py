"""A plan for one pattern of findings and questions, and what it can be run for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..data.errors import RefraError, unknown_name
from .answers import Coefficients, Explanation, Result, Target
from .backward import contributions, most_probable_states
from .elimination import RootedTree, entries, mask_of
from .execution import WORKERS, execute
from .inputs import Factor, Floats, Index, common_size, likelihood, load_factor, spread_cells, state_numbers
from .junction_tree import Schedule, build_schedule

# Fewer draws at a time leave the innermost loops too short, more leave the processor's caches.
WORKING_BYTES = 32 * 2**20
CHUNK_RANGE = (16, 512)

# Below this much work the threads' start costs more than they save.
THREADED_ENTRIES = 2_000_000


@dataclass(frozen=True, eq=False)
class Ready:
    """The checked inputs of one run."""

    factors: tuple[Factor, ...]
    arrays: Sequence[Floats]
    fixed: Mapping[str, Index]
    offset: Floats
    draws: int
    static: tuple[bool, ...]

    def load(self, place: int, part: slice) -> Floats:
        """Return one input in the order of the plan's axes, for a part of the draws."""
        return load_factor(self.factors[place], self.arrays[place], self.fixed, part)

    def parts(self, size: int) -> Iterator[tuple[list[Floats], int]]:
        """Yield the inputs for at most `size` draws at a time, with their number of draws."""
        for part in _parts(self.draws, size):
            yield [self.load(place, slice(0, 1) if fixed else part) for place, fixed in enumerate(self.static)], part.stop - part.start


def parts_of(draws: int, bytes_per_draw: int, entries_per_draw: int) -> list[slice]:
    """Cut the draws into parts that fit the working memory, as many as there are threads where the work is worth it."""
    size = chunk_size(bytes_per_draw)
    if draws * entries_per_draw > THREADED_ENTRIES:
        size = min(size, math.ceil(draws / (WORKERS * math.ceil(draws / (WORKERS * size)))))
    return _parts(draws, size)


def chunk_size(bytes_per_draw: int) -> int:
    """Return how many draws to work on at a time."""
    return int(np.clip(WORKING_BYTES // max(bytes_per_draw, 1), *CHUNK_RANGE))


def _parts(draws: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, draws)) for start in range(0, draws, size)]


@dataclass(frozen=True, eq=False)
class Plan:
    """A junction tree for one pattern of findings and questions; `run` puts the numbers in.

    Attributes:
        cards: number of states of every variable of the network.
        targets: what is asked, a variable or a tuple of variables (their joint).
        hard: variables observed.
        soft: variables given a likelihood.
        do: variables set by intervention.
        cliques: names of the free variables of each clique, in the order of the axes; a clique comes after its parent.
        total_entries: sum of the cliques' table entries, observed and set variables taken out.
        largest_entries: entries of the largest clique.
    """

    cards: Mapping[str, int]
    targets: tuple[Target, ...]
    hard: frozenset[str]
    soft: frozenset[str]
    do: frozenset[str]
    cliques: tuple[tuple[str, ...], ...]
    total_entries: int
    largest_entries: int
    _tree: RootedTree = field(repr=False)
    _names: tuple[str, ...] = field(repr=False)
    _factors: tuple[Factor, ...] = field(repr=False)
    _masks: tuple[int, ...] = field(repr=False)
    _schedules: dict[tuple[bool, ...], Schedule] = field(repr=False)

    def __str__(self) -> str:
        """Print what the plan costs."""
        known = ", ".join(f"{len(s)} {n}" for n, s in (("hard", self.hard), ("soft", self.soft), ("do", self.do)) if s)
        return (
            f"Plan: {len(self.targets)} targets, {known or 'no findings'}\n"
            f"  free variables   {len(self._names):,}\n"
            f"  cliques          {len(self.cliques):,}\n"
            f"  largest clique   {self.largest_entries:,} entries\n"
            f"  all cliques      {self.total_entries:,} entries\n"
            f"  operations       {self.operations:,} a draw\n"
            f"  memory           {self.bytes_per_draw:,} bytes a draw"
        )

    @property
    def operations(self) -> int:
        """Multiplications, divisions and additions for each draw."""
        return self.schedule((False,) * len(self._factors)).operations

    @property
    def bytes_per_draw(self) -> int:
        """Most bytes that live at once for each draw."""
        return self.bytes_for((False,) * len(self._factors))

    def bytes_for(self, static: tuple[bool, ...]) -> int:
        """Return the most bytes that live at once for each draw where some inputs are the same in all draws."""
        cards = [self.cards[name] for name in self._names]
        inputs = sum(entries(factor.scope, cards) for factor, fixed in zip(self._factors, static, strict=True) if not fixed)
        return 8 * (self.schedule(static).arena + inputs)

    @property
    def tables_needed(self) -> tuple[str, ...]:
        """Variables whose tables `run` reads; the others are barren or cut."""
        return tuple(factor.variable for factor in self._factors if not factor.soft)

    def run(
        self,
        tables: Mapping[str, Floats],
        *,
        hard: Mapping[str, Index] | None = None,
        soft: Mapping[str, ArrayLike] | None = None,
        do: Mapping[str, Index] | None = None,
        chunk: int | None = None,
    ) -> Result:
        """Compute every target's posterior and the log evidence.

        Args:
            tables: for each variable P(variable | parents), shape (draws or 1, *states of the parents, states); those
                of variables not in `tables_needed` only tell the number of draws.
            hard: state number of each observed variable, one for all draws or an array (draws,).
            soft: likelihood of what was seen of each variable, shape (states,) or (draws, states).
            do: state number of each variable set by intervention, as in `hard`.
            chunk: draws to work on at a time; by default `self.chunk`. Does not change results.

        Raises:
            RefraError: the findings are not those that were planned, or an array has the wrong shape.
        """
        ready = self.prepare(tables, hard or {}, soft or {}, do or {})
        draws, static = ready.draws, ready.static
        if chunk is not None and chunk < 1:
            raise RefraError(f"chunk: {chunk!r} should be at least 1")
        parts = parts_of(draws, self.bytes_for(static), self.total_entries) if chunk is None else _parts(draws, chunk)
        answers, log_evidence = execute(self.schedule(static), ready.load, static, parts, draws)
        return self.result(ready, answers, log_evidence)

    def result(self, ready: Ready, answers: Sequence[Floats], log_evidence: Floats) -> Result:
        """Turn the normalised answers of the steps into those of the targets."""
        whole = log_evidence + ready.offset
        return Result(self._marginals(answers, ready.fixed, np.isneginf(whole)), whole)

    def coefficients(
        self,
        tables: Mapping[str, Floats],
        weights: ArrayLike | None = None,
        *,
        hard: Mapping[str, Index] | None = None,
        soft: Mapping[str, ArrayLike] | None = None,
        do: Mapping[str, Index] | None = None,
        chunk: int | None = None,
    ) -> Coefficients:
        """Compute how much every table cell contributes to the posterior mean of weights on the target's states.

        P(findings, target) is linear in each table. The coefficient of a cell is the derivative of sum(weights * P(findings, target))
        with respect to it, divided by P(findings): a table's coefficients times its cells add up to the posterior mean of the weights,
        and replacing the table by another gives the mean (not yet normalised) in the other network. One pass forward and one back.

        Args:
            tables: as in `run`.
            hard: as in `run`.
            soft: as in `run`.
            do: as in `run`.
            chunk: as in `run`.
            weights: a number for each state of the plan's one target, shape (*states); with tables of one parameter set also several
                vectors of weights, (questions, *states), which then take the place of the draws in what is returned. By default all
                of P(findings) counts, the weights being 1, and the plan has no target.

        Raises:
            RefraError: the plan has more than one target, the weights do not fit it, or P(findings) is too small for floating point.
        """
        ready = self.prepare(tables, hard or {}, soft or {}, do or {})
        return self._differentiate(ready, self._weights(weights, ready.fixed), chunk, normalised=False)

    def derivatives(
        self,
        tables: Mapping[str, Floats],
        weights: ArrayLike,
        *,
        hard: Mapping[str, Index] | None = None,
        soft: Mapping[str, ArrayLike] | None = None,
        do: Mapping[str, Index] | None = None,
        chunk: int | None = None,
    ) -> dict[str, Floats]:
        """Compute the derivative of the posterior mean of `weights` with respect to every table cell.

        With weights 1 for one state of the target and 0 for the others this is d P(state | findings) / d cell. Each cell is free: rows
        are not held to a sum of 1. Returns a table's derivatives by variable, shape (draws, *shape of the table); those of variables
        not in `tables_needed` are zero and left out. All NaN in draws in which the findings are impossible. Arguments, errors and the
        number of passes, one forward and one back, are those of `coefficients`.
        """
        ready = self.prepare(tables, hard or {}, soft or {}, do or {})
        return dict(self._differentiate(ready, self._weights(weights, ready.fixed), chunk, normalised=True).cells)

    def most_probable(
        self,
        tables: Mapping[str, Floats],
        *,
        hard: Mapping[str, Index] | None = None,
        soft: Mapping[str, ArrayLike] | None = None,
        do: Mapping[str, Index] | None = None,
        chunk: int | None = None,
    ) -> Explanation:
        """Find the most probable joint state of all variables in the plan that are not known (the most probable explanation).

        All free variables are maximised together: the targets, the findings' and the targets' ancestors and the variables with a
        likelihood. The most probable state of a few of them with the others summed out (marginal MAP) is another and harder question
        that this does not answer. Arguments and errors are those of `run`.
        """
        ready = self.prepare(tables, hard or {}, soft or {}, do or {})
        states, log_joint = self._maximise(ready, chunk)
        states[:, np.isneginf(log_joint)] = -1
        return Explanation(dict(zip(self._names, states, strict=True)), log_joint)

    def _maximise(self, ready: Ready, chunk: int | None) -> tuple[NDArray[np.intp], Floats]:
        """Return the most probable states of the free variables, (variables, draws), and the log of their weight, (draws,)."""
        schedule = self._upward_schedule(ready.static)
        cards = [self.cards[name] for name in self._names]
        size = chunk_size(self.bytes_for(ready.static)) if chunk is None else chunk
        found = [most_probable_states(schedule, cards, inputs, count) for inputs, count in ready.parts(size)]
        states = np.concatenate([part for part, _ in found], axis=1)
        return states, np.concatenate([part for _, part in found]) + ready.offset

    def _differentiate(self, ready: Ready, weights: Floats | None, chunk: int | None, *, normalised: bool) -> Coefficients:
        """Return the coefficients of every cell, or the derivatives of the mean if it is to be `normalised`."""
        questions = 1 if weights is None else weights.shape[1]
        if questions > 1 and ready.draws > 1:
            raise RefraError("several vectors of weights go with one parameter set only")
        schedule = self._upward_schedule(ready.static) if weights is None else self.schedule(ready.static)
        size = chunk_size(self.bytes_for(ready.static)) if chunk is None else chunk
        found = [
            contributions(schedule, inputs, weights, max(questions, count), normalised=normalised) for inputs, count in ready.parts(size)
        ]
        expected = np.concatenate([part.expected for part in found])
        uncertain = np.concatenate([part.uncertain for part in found])
        if uncertain.any():
            # Only logarithms can tell what is impossible from what is too small.
            impossible = np.isneginf(self._maximise(ready, chunk)[1])
            if (uncertain & ~impossible).any():
                draw = int(np.argmax(uncertain & ~impossible))
                raise RefraError(f"draw {draw}: the findings are too improbable for derivatives in floating point")
            expected = np.where(impossible, np.nan, expected)
        cells = {}
        for place, factor in enumerate(self._factors):
            if not factor.soft:
                table = spread_cells(factor, np.concatenate([part.cells[place] for part in found], axis=-1), ready.fixed)
                table[np.isnan(expected)] = np.nan
                cells[factor.variable] = table
        return Coefficients(expected, cells)

    def _weights(self, weights: ArrayLike | None, fixed: Mapping[str, Index]) -> Floats | None:
        """Bring weights on the one target into the order of its answer: shape (entries, questions)."""
        if weights is None:
            if self.targets:
                raise RefraError("weights on the target's states are wanted")
            return None
        if len(self.targets) != 1:
            raise RefraError(f"derivatives are those of one target; the plan has {len(self.targets)}")
        names = names_of(self.targets[0])
        if known := [name for name in names if name in fixed]:
            raise RefraError(f"{known[0]}: the state of a target is known, so there is nothing to differentiate")
        table = np.asarray(weights, dtype=np.float64)
        wanted = tuple(self.cards[name] for name in names)
        if table.shape[-len(names) :] != wanted or table.ndim > len(names) + 1 or not np.isfinite(table).all():
            raise RefraError(f"weights: shape {table.shape} should be that of the states of {', '.join(names)}, and all finite")
        inner = sorted(names, key=self._names.index)
        table = table.reshape(-1, *table.shape[-len(names) :])
        return table.transpose([*(1 + names.index(name) for name in inner), 0]).reshape(-1, len(table))

    def _upward_schedule(self, static: tuple[bool, ...]) -> Schedule:
        """Return the steps of an upward pass alone."""
        cards = [self.cards[name] for name in self._names]
        tree = RootedTree(self._tree.cliques, self._tree.above, (), frozenset())
        return build_schedule(tree, cards, [factor.scope for factor in self._factors], (), static)

    def prepare(
        self, tables: Mapping[str, Floats], hard: Mapping[str, Index], soft: Mapping[str, ArrayLike], do: Mapping[str, Index]
    ) -> Ready:
        """Check everything that a run is given."""
        for word, planned, got in (("hard", self.hard, hard), ("soft", self.soft, soft), ("do", self.do, do)):
            if planned != got.keys():
                differing = ", ".join(sorted(planned ^ got.keys()))
                raise RefraError(f"{word}: planned and given variables differ in {differing}")
        fixed = {name: state_numbers(name, value, self.cards[name]) for name, value in {**hard, **do}.items()}
        arrays: list[Floats] = []
        offset: Floats = np.zeros(1)
        for factor in self._factors:
            if factor.soft:
                array, scale = likelihood(factor.variable, soft[factor.variable], self.cards[factor.variable])
                offset = offset + scale
            else:
                array = self._table(factor, tables)
            arrays.append(array)
        rows = [value for value in fixed.values() if not isinstance(value, int)]
        draws = common_size([*tables.values(), *arrays, *rows])
        static = tuple(
            draws == 1 or (len(array) == 1 and all(isinstance(fixed[name], int) for name in factor.fixed))
            for factor, array in zip(self._factors, arrays, strict=True)
        )
        return Ready(self._factors, arrays, fixed, offset, draws, static)

    @property
    def chunk(self) -> int:
        """Draws worked on at a time unless `run` is told otherwise."""
        return chunk_size(self.bytes_per_draw)

    def schedule(self, static: tuple[bool, ...]) -> Schedule:
        """Return the steps where some inputs are the same in all draws."""
        if static not in self._schedules:
            cards = tuple(self.cards[name] for name in self._names)
            scopes = [factor.scope for factor in self._factors]
            self._schedules[static] = build_schedule(self._tree, cards, scopes, self._masks, static)
        return self._schedules[static]

    def _table(self, factor: Factor, tables: Mapping[str, Floats]) -> Floats:
        if factor.variable not in tables:
            raise unknown_name("table", factor.variable, tables)
        table = np.asarray(tables[factor.variable], dtype=np.float64)
        if table.shape[1:] != factor.shape or table.ndim != len(factor.shape) + 1:
            raise RefraError(f"table of {factor.variable}: shape {table.shape} should be (draws or 1, {', '.join(map(str, factor.shape))})")
        return table

    def _marginals(self, answers: Sequence[Floats], fixed: Mapping[str, Index], impossible: NDArray[np.bool_]) -> dict[Target, Floats]:
        """Give the answers their targets' shapes and put the variables with a known state back in."""
        place_of = {name: place for place, name in enumerate(self._names)}
        tables = dict(zip(self._masks, answers, strict=True))
        marginals: dict[Target, Floats] = {}
        for target in self.targets:
            names = names_of(target)
            free = [name for name in names if name in place_of]
            known = np.where(impossible, np.nan, 1.0)
            if free:
                inner = sorted(free, key=place_of.__getitem__)
                table = tables[mask_of(place_of[name] for name in free)]
                table = table.reshape(*(self.cards[name] for name in inner), -1)
                table = np.transpose(table, (len(inner), *(inner.index(name) for name in free)))
                known = known.reshape(-1, *(1 for _ in free)) * table
            known = known.reshape(-1, *(self.cards[name] if name in place_of else 1 for name in names))
            for axis, name in enumerate(names, start=1):
                if name not in place_of:
                    sure = np.eye(self.cards[name])[np.atleast_1d(fixed[name])]
                    known = known * np.expand_dims(sure, tuple(a for a in range(1, known.ndim) if a != axis))
            marginals[target] = known
        return marginals


def names_of(target: Target) -> tuple[str, ...]:
    """Return the variables of a target."""
    return (target,) if isinstance(target, str) else target
