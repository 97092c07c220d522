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
from .execution import Floats, execute
from .junction_tree import Schedule, build_schedule

Target = str | tuple[str, ...]
Index = int | NDArray[np.integer]

# Fewer draws at a time leave the innermost loops too short, more leave the processor's caches.
WORKING_BYTES = 64 * 2**20
CHUNK_RANGE = (16, 512)


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


@dataclass(frozen=True)
class Factor:
    """One input table: the conditional table of `variable`, or the likelihood of what was seen of it (`soft`).

    `shape` is that of the table without its draws; `fixed` names the variables whose axes are sliced away; `axes` is
    the permutation that puts those first, then the free variables in their order, then the draws; `scope` is the mask
    of the free ones.
    """

    variable: str
    soft: bool
    shape: tuple[int, ...]
    fixed: tuple[str, ...]
    axes: tuple[int, ...]
    scope: int


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
        hard, soft, do = hard or {}, soft or {}, do or {}
        for word, planned, got in (("hard", self.hard, hard), ("soft", self.soft, soft), ("do", self.do, do)):
            if planned != got.keys():
                differing = ", ".join(sorted(planned ^ got.keys()))
                raise RefraError(f"{word}: planned and given variables differ in {differing}")
        fixed = {name: _index(name, value, self.cards[name]) for name, value in {**hard, **do}.items()}
        arrays: list[Floats] = []
        offset: Floats = np.zeros(1)
        for factor in self._factors:
            if factor.soft:
                array, scale = _likelihood(factor.variable, soft[factor.variable], self.cards[factor.variable])
                offset = offset + scale
            else:
                array = self._table(factor, tables)
            arrays.append(array)
        rows = [value for value in fixed.values() if not isinstance(value, int)]
        draws = _common_size([*tables.values(), *arrays, *rows])
        static = tuple(
            draws == 1 or (len(array) == 1 and all(isinstance(fixed[name], int) for name in factor.fixed))
            for factor, array in zip(self._factors, arrays, strict=True)
        )
        size = self._chunk(static) if chunk is None else chunk
        if size < 1:
            raise RefraError(f"chunk: {chunk!r} should be at least 1")
        parts = [slice(start, min(start + size, draws)) for start in range(0, draws, size)]

        def load(place: int, part: slice) -> Floats:
            return _load(self._factors[place], arrays[place], fixed, part)

        answers, log_evidence = execute(self._schedule(static), load, static, parts, draws)
        log_evidence += offset
        return Result(self._marginals(answers, fixed, np.isneginf(log_evidence)), log_evidence)

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


def _index(name: str, value: Index, card: int) -> Index:
    """Check a state number, or an array of them with one for each draw."""
    index = np.asarray(value)
    if index.dtype.kind not in "iu" or index.ndim > 1 or np.any(index < 0) or np.any(index >= card):
        raise RefraError(f"{name}: state number {value!r} should be a whole number from 0 to {card - 1}")
    return index if index.size != 1 else int(index.item())


def _likelihood(name: str, value: ArrayLike, card: int) -> tuple[Floats, Floats]:
    """Return a likelihood scaled to a largest entry of 1, shape (draws or 1, states), and the log of the scale."""
    table = np.atleast_2d(np.asarray(value, dtype=np.float64))
    if table.ndim != 2 or table.shape[1] != card:
        raise RefraError(f"likelihood of {name}: shape {np.shape(value)} should be ({card},) or (draws, {card})")
    if not np.all(np.isfinite(table) & (table >= 0.0)):
        raise RefraError(f"likelihood of {name}: every entry should be a finite number of at least 0")
    scale = table.max(axis=1)
    safe = np.where(scale > 0.0, scale, 1.0)
    return table / safe[:, None], np.log(safe)


def _common_size(arrays: Iterable[NDArray[np.generic]]) -> int:
    sizes = {len(array) for array in arrays} - {1}
    if len(sizes) > 1 or 0 in sizes:
        raise RefraError(f"leading axes of {', '.join(map(str, sorted(sizes)))} draws do not go together")
    return sizes.pop() if sizes else 1


def _load(factor: Factor, array: Floats, fixed: Mapping[str, Index], part: slice) -> Floats:
    """Cut the known variables' states and a part of the draws out of a table, and put the draws last."""
    table = (array[part] if len(array) > 1 else array).transpose(factor.axes)
    chosen = [fixed[name] for name in factor.fixed]
    rows = [value if isinstance(value, int) else value[part] for value in chosen]
    if all(isinstance(value, int) for value in rows):
        table = table[tuple(rows)]
    elif table.shape[-1] == 1:
        # One small table, many rows: number the fixed states' combinations and pick columns.
        sizes = table.shape[: len(rows)]
        picked = np.ravel_multi_index(tuple(np.broadcast_arrays(*rows)), sizes)
        free = table.shape[len(rows) : -1]
        table = table.reshape(math.prod(sizes), math.prod(free)).T.take(picked, axis=1).reshape(*free, -1)
    else:
        whole = (slice(None),) * (table.ndim - 1 - len(rows))
        # Index arrays apart from one another put their common axis first.
        table = np.moveaxis(table[(*rows, *whole, np.arange(table.shape[-1]))], 0, -1)
    return table if table.strides[-1] == table.itemsize else np.ascontiguousarray(table)


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
    factors = tuple(_factor(name, scope, place >= tables, number, cards) for place, (name, scope) in enumerate(scopes))
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


def _factor(
    variable: str, scope: Sequence[str], soft: bool, number: Mapping[str, int], cards: Mapping[str, int]
) -> Factor:
    fixed = [place for place, name in enumerate(scope, start=1) if name not in number]
    free = [place for place, name in enumerate(scope, start=1) if name in number]
    free.sort(key=lambda place: number[scope[place - 1]])
    return Factor(
        variable,
        soft,
        tuple(cards[name] for name in scope),
        tuple(scope[place - 1] for place in fixed),
        (*fixed, *free, 0),
        mask_of(number[scope[place - 1]] for place in free),
    )
