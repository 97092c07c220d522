"""Exact inference by a junction tree that is planned once and then run on arrays, draws of parameters included.

A plan knows the structure, which variables are observed, likely, set or asked for, and nothing else. Running it takes
the tables and the values and returns every posterior and the evidence's probability from one upward and one downward
pass (Lauritzen & Spiegelhalter 1988, doi 10.1111/j.2517-6161.1988.tb01721.x; Jensen, Lauritzen & Olesen 1990).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..data.errors import RefraError, unknown_name
from .elimination import RootedTree, Structure, entries, mask_of, members, plan_tree
from .execution import WORKERS, execute
from .inputs import Factor, Floats, Index, common_size, likelihood, load_factor, make_factor, state_numbers
from .junction_tree import Schedule, build_schedule

Target = str | tuple[str, ...]

# Fewer draws at a time leave the innermost loops too short, more leave the processor's caches.
WORKING_BYTES = 32 * 2**20
CHUNK_RANGE = (16, 512)

# Below this much work the threads' start costs more than they save.
THREADED_ENTRIES = 2_000_000


@dataclass(frozen=True)
class Result:
    """Answers of one run.

    Attributes:
        marginals: for each target its posterior, shape (draws, *states of its members in the target's order); a joint
            table for a tuple. All NaN in the draws in which the findings are impossible.
        log_evidence: natural logarithm of P(findings | do), shape (draws,); minus infinity where impossible.
    """

    marginals: Mapping[Target, Floats]
    log_evidence: Floats

    @property
    def possible(self) -> NDArray[np.bool_]:
        """Whether the findings can hold, shape (draws,)."""
        return np.asarray(self.log_evidence > -np.inf)


@dataclass(frozen=True, eq=False)
class _Ready:
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


def _parts(draws: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, draws)) for start in range(0, draws, size)]


@dataclass(frozen=True, eq=False)
class Plan:
    """A junction tree for one pattern of findings and questions; `run` puts the numbers in.

    Attributes:
        cards: number of states of every variable of the network.
        targets: what is asked, a variable or a tuple of variables (their joint).
        hard, soft, do: variables observed, given a likelihood, and set by intervention.
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
        return self._schedule((False,) * len(self._factors)).operations

    @property
    def bytes_per_draw(self) -> int:
        """Most bytes that live at once for each draw."""
        return self._bytes((False,) * len(self._factors))

    def _bytes(self, static: tuple[bool, ...]) -> int:
        cards = [self.cards[name] for name in self._names]
        inputs = sum(entries(factor.scope, cards) for factor, fixed in zip(self._factors, static, strict=True) if not fixed)
        return 8 * (self._schedule(static).arena + inputs)

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
        ready = self._prepare(tables, hard or {}, soft or {}, do or {})
        draws, static = ready.draws, ready.static
        size = self._chunk(static) if chunk is None else chunk
        if size < 1:
            raise RefraError(f"chunk: {chunk!r} should be at least 1")
        if chunk is None and draws * self.total_entries > THREADED_ENTRIES:
            size = min(size, math.ceil(draws / (WORKERS * math.ceil(draws / (WORKERS * size)))))
        answers, log_evidence = execute(self._schedule(static), ready.load, static, _parts(draws, size), draws)
        log_evidence += ready.offset
        return Result(self._marginals(answers, ready.fixed, np.isneginf(log_evidence)), log_evidence)

    def _prepare(
        self, tables: Mapping[str, Floats], hard: Mapping[str, Index], soft: Mapping[str, ArrayLike], do: Mapping[str, Index]
    ) -> _Ready:
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
        return _Ready(self._factors, arrays, fixed, offset, draws, static)

    @property
    def chunk(self) -> int:
        """Draws worked on at a time unless `run` is told otherwise."""
        return self._chunk((False,) * len(self._factors))

    def _chunk(self, static: tuple[bool, ...]) -> int:
        return int(np.clip(WORKING_BYTES // max(self._bytes(static), 1), *CHUNK_RANGE))

    def _schedule(self, static: tuple[bool, ...]) -> Schedule:
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
            raise RefraError(
                f"table of {factor.variable}: shape {table.shape} should be (draws or 1, "
                f"{', '.join(map(str, factor.shape))})"
            )
        return table

    def _marginals(
        self, answers: Sequence[Floats], fixed: Mapping[str, Index], impossible: NDArray[np.bool_]
    ) -> dict[Target, Floats]:
        """Give the answers their targets' shapes and put the variables with a known state back in."""
        place_of = {name: place for place, name in enumerate(self._names)}
        tables = dict(zip(self._masks, answers, strict=True))
        marginals: dict[Target, Floats] = {}
        for target in self.targets:
            names = _names_of(target)
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


def _names_of(target: Target) -> tuple[str, ...]:
    return (target,) if isinstance(target, str) else target


def compile_plan(
    cards: Mapping[str, int],
    parents: Mapping[str, Sequence[str]],
    *,
    targets: Sequence[Target],
    hard: Iterable[str] = (),
    soft: Iterable[str] = (),
    do: Iterable[str] = (),
) -> Plan:
    """Plan exact inference for one structure, one pattern of findings and a list of questions.

    Arcs into the variables of `do` are cut, variables that bear neither on a finding nor on a target are left out,
    known variables are sliced away, and the rest is put into a junction tree with a clique for every target.

    Args:
        cards: number of states of each variable.
        parents: parents of each variable in the order of its table's axes.
        targets: variables, or tuples of variables whose joint posterior is wanted.
        hard: variables that will be observed in one state.
        soft: variables that will be given a likelihood.
        do: variables that will be set by intervention.

    Raises:
        UnknownNameError: a name that is not in `cards`.
        RefraError: a variable both observed and set, an empty or repeating target, a cycle.
    """
    return _plan(Structure.of(cards, parents), tuple(targets), frozenset(hard), frozenset(soft), frozenset(do))


def cached_plan(
    structure: Structure,
    *,
    targets: Sequence[Target],
    hard: Iterable[str] = (),
    soft: Iterable[str] = (),
    do: Iterable[str] = (),
) -> Plan:
    """Return the plan as `compile_plan` does, made once for each structure, pattern of findings and list of targets."""
    return _cached(structure, tuple(targets), frozenset(hard), frozenset(soft), frozenset(do))


def _plan(
    structure: Structure, targets: tuple[Target, ...], hard: frozenset[str], soft: frozenset[str], do: frozenset[str]
) -> Plan:
    cards, parents = dict(structure.cards), dict(structure.parents)
    asked = {name for target in targets for name in _names_of(target)}
    for name in sorted(asked | hard | soft | do):
        if name not in cards:
            raise unknown_name("variable", name, cards)
    if both := hard & do:
        raise RefraError(f"{sorted(both)[0]}: a variable is either observed or set by intervention, not both")
    for target in targets:
        names = _names_of(target)
        if not names or len(set(names)) != len(names):
            raise RefraError(f"target {target!r}: a joint target names one or more different variables")
    families = {name: () if name in do else parents[name] for name in cards}
    needed = _ancestors(asked | hard | soft, families)
    fixed = hard | do
    free = [name for name in cards if name in needed and name not in fixed]
    number = {name: place for place, name in enumerate(free)}
    scopes = [(name, (*families[name], name)) for name in cards if name in needed and name not in do]
    scopes += [(name, (name,)) for name in cards if name in soft]
    masks = [mask_of(number[name] for name in scope if name in number) for _, scope in scopes]
    wanted = [mask_of(number[name] for name in _names_of(target) if name in number) for target in targets]
    wanted = [mask for mask in dict.fromkeys(wanted) if mask]
    tree, order = plan_tree(masks, [cards[name] for name in free], wanted)
    names = tuple(free[vertex] for vertex in order)
    number = {name: place for place, name in enumerate(names)}
    tables = len(scopes) - len(soft)
    factors = tuple(make_factor(name, scope, place >= tables, number, cards) for place, (name, scope) in enumerate(scopes))
    answers = tuple(mask_of(number[free[vertex]] for vertex in members(mask)) for mask in wanted)
    sizes = [cards[name] for name in names]
    weights = [entries(clique, sizes) for clique in tree.cliques]
    return Plan(
        cards=cards,
        targets=targets,
        hard=hard,
        soft=soft,
        do=do,
        cliques=tuple(tuple(names[vertex] for vertex in members(clique)) for clique in tree.cliques),
        total_entries=sum(weights),
        largest_entries=max(weights, default=0),
        _tree=tree,
        _names=names,
        _factors=factors,
        _masks=answers,
        _schedules={},
    )


_cached = lru_cache(maxsize=512)(_plan)


def _ancestors(start: Iterable[str], parents: Mapping[str, Sequence[str]]) -> set[str]:
    found: set[str] = set()
    queue = list(start)
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue.extend(parents[name])
    return found
