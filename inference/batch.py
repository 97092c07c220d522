"""Many records at once: rows of state numbers in which any finding may be missing, times parameter sets.

Findings that nothing else depends on get one more state, "not observed", of probability 1 whatever their parents' states: then one plan
serves every pattern of missing findings, and what is left of their tables in a row is gathered, not multiplied. Roots, such as background
and drug, are sliced away row by row; rows in which one is missing get a plan of their own with that root left in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..data.errors import RefraError, unknown_name
from .answers import Target
from .elimination import Structure
from .engine import cached_plan
from .inputs import Floats
from .plan import Plan, names_of

Codes = NDArray[np.integer]

NOT_OBSERVED = -1

# With at least so many parameter sets they make the long axis and rows are taken one by one.
MANY_DRAWS = 64
ROWS_AT_A_TIME = 8192


@dataclass(frozen=True)
class BatchResult:
    """Answers for a batch.

    Attributes:
        marginals: for each target its posterior, shape (rows, draws, *states of its members in the target's order). All NaN where the
            findings are impossible.
        log_evidence: natural logarithm of P(findings | do), shape (rows, draws); minus infinity where impossible.
    """

    marginals: Mapping[Target, Floats]
    log_evidence: Floats

    @property
    def possible(self) -> NDArray[np.bool_]:
        """Whether the findings can hold, shape (rows, draws)."""
        return np.asarray(self.log_evidence > -np.inf)


@dataclass(frozen=True, eq=False)
class BatchPlan:
    """What `plan_batch` makes; `run` puts the numbers in.

    Attributes:
        targets: what is asked.
        columns: the variables of the columns of state numbers, in order.
        soft: the variables that are given a likelihood in every row.
        do: the variables set by intervention, to the same state in every row.
    """

    cards: Mapping[str, int]
    parents: Mapping[str, tuple[str, ...]]
    targets: tuple[Target, ...]
    columns: tuple[str, ...]
    soft: tuple[str, ...]
    do: tuple[str, ...]
    _leaves: frozenset[str] = field(repr=False)
    _roots: frozenset[str] = field(repr=False)
    _structure: Structure = field(repr=False)

    def plan(self, missing: Iterable[str] = ()) -> Plan:
        """Return the plan for the rows in which these roots are not observed."""
        roots = self._roots - set(missing)
        others = [name for name in self.columns if name not in self._leaves and name not in self._roots]
        return cached_plan(self._structure, targets=self.targets, hard=self._leaves | roots, soft=(*others, *self.soft), do=self.do)

    def __str__(self) -> str:
        """Print what the plan for rows with all roots observed costs."""
        return (
            f"{self.plan()}\n"
            f"  columns          {len(self.columns):,}: {len(self._leaves):,} gathered, {len(self._roots):,} sliced, "
            f"{len(self.columns) - len(self._leaves) - len(self._roots):,} as likelihoods"
        )

    def run(
        self,
        tables: Mapping[str, Floats],
        codes: ArrayLike,
        *,
        soft: Mapping[str, ArrayLike] | None = None,
        do: Mapping[str, int] | None = None,
        draws: slice | None = None,
        paired: bool = False,
    ) -> BatchResult:
        """Compute every target's posterior and the log evidence of every row in every parameter set.

        The working memory is that of one chunk whatever the number of rows; the answers themselves take
        8 bytes * rows * draws * states.

        Args:
            tables: for each variable P(variable | parents), shape (draws or 1, *states of the parents, states).
            codes: state numbers, shape (rows, columns); -1 where not observed.
            soft: likelihoods, shape (states,) or (rows, states), of the variables planned for.
            do: state of each variable set by intervention.
            draws: which parameter sets to use; by default all.
            paired: whether row i is answered in parameter set i alone, so that the answers have one draw; there are as many sets as rows.

        Raises:
            RefraError: an array has the wrong shape, or a state number that does not exist (the row and the column are named).
        """
        numbers = self._codes(codes)
        given = {name: np.asarray(value, dtype=np.float64) for name, value in (soft or {}).items()}
        if given.keys() != set(self.soft):
            raise RefraError(f"soft: planned and given variables differ in {', '.join(sorted(given.keys() ^ set(self.soft)))}")
        for name, value in given.items():
            if value.shape not in ((self.cards[name],), (len(numbers), self.cards[name])):
                raise RefraError(f"likelihood of {name}: shape {value.shape} should be ({self.cards[name]},) or (rows, {self.cards[name]})")
        chosen = {name: table if draws is None or len(table) == 1 else table[draws] for name, table in tables.items()}
        count = max((len(table) for table in chosen.values()), default=1)
        if paired and count != len(numbers):
            raise RefraError(f"paired: {len(numbers)} rows and {count} parameter sets; as many sets as rows are accepted")
        wide = {name: self._with_unseen(table) if name in self._leaves else table for name, table in chosen.items()}
        count = 1 if paired else count
        result = BatchResult(
            {target: np.empty((len(numbers), count, *(self.cards[name] for name in names_of(target)))) for target in self.targets},
            np.empty((len(numbers), count)),
        )
        roots = [place for place, name in enumerate(self.columns) if name in self._roots]
        seen = numbers[:, roots] != NOT_OBSERVED
        patterns, which = np.unique(seen, axis=0, return_inverse=True) if len(numbers) else (seen, np.empty(0, dtype=np.intp))
        for number, pattern in enumerate(patterns):
            plan = self.plan(self.columns[place] for place, there in zip(roots, pattern, strict=True) if not there)
            rows = np.flatnonzero(which.reshape(-1) == number)
            if paired:
                for start in range(0, len(rows), ROWS_AT_A_TIME):
                    some = rows[start : start + ROWS_AT_A_TIME]
                    self._fill(result, plan, wide, numbers, given, do or {}, some, some)
            elif count >= MANY_DRAWS:
                for row in rows:
                    self._fill(result, plan, wide, numbers, given, do or {}, rows=np.array([row]), draw=slice(None))
            else:
                for start in range(0, len(rows), ROWS_AT_A_TIME):
                    some = rows[start : start + ROWS_AT_A_TIME]
                    for draw in range(count):
                        self._fill(result, plan, wide, numbers, given, do or {}, some, slice(draw, draw + 1))
        return result

    def _fill(
        self,
        result: BatchResult,
        plan: Plan,
        tables: Mapping[str, Floats],
        numbers: Codes,
        soft: Mapping[str, Floats],
        do: Mapping[str, int],
        rows: NDArray[np.intp],
        draw: slice | NDArray[np.intp],
    ) -> None:
        """Run a plan for some rows and one parameter set, for one row and all of them, or for rows with a set each; store the answers."""
        hard: dict[str, NDArray[np.integer]] = {}
        likely: dict[str, Floats] = {}
        for column, name in enumerate(self.columns):
            states = numbers[rows, column]
            if name in self._leaves:
                hard[name] = np.where(states == NOT_OBSERVED, self.cards[name], states)
            elif name in plan.hard:
                hard[name] = states
            elif name in plan.soft:
                likely[name] = np.vstack([np.eye(self.cards[name]), np.ones(self.cards[name])])[states]
        likely |= {name: value if value.ndim == 1 else value[rows] for name, value in soft.items()}
        chosen = {name: table if len(table) == 1 else table[draw] for name, table in tables.items()}
        answer = plan.run(chosen, hard=hard, soft=likely, do=do)
        place: Any = (rows, 0)
        if isinstance(draw, slice):
            place = (rows[0], draw) if draw == slice(None) else (rows, draw.start)
        result.log_evidence[place] = answer.log_evidence
        for target, table in answer.marginals.items():
            result.marginals[target][place] = table

    def _codes(self, codes: ArrayLike) -> Codes:
        """Check the state numbers."""
        numbers = np.asarray(codes)
        if numbers.ndim != 2 or numbers.shape[1] != len(self.columns) or (numbers.dtype.kind not in "iu" and numbers.size):
            raise RefraError(f"codes: shape {numbers.shape} of {numbers.dtype} should be whole numbers, (rows, {len(self.columns)})")
        numbers = numbers.astype(np.intp, copy=False)
        limits = np.array([self.cards[name] for name in self.columns], dtype=np.intp)
        wrong = np.argwhere((numbers < NOT_OBSERVED) | (numbers >= limits))
        if len(wrong):
            row, place = wrong[0]
            name = self.columns[place]
            accepted = f"a state number from 0 to {limits[place] - 1} or -1 is accepted"
            raise RefraError(f"codes, row {row}, {name}: {numbers[row, place]}; {accepted}")
        return numbers

    def _with_unseen(self, table: Floats) -> Floats:
        """Add the state "not observed" to a finding's table, keeping the parameter sets together in memory."""
        moved = np.moveaxis(table, 0, -1)
        return np.moveaxis(np.concatenate([moved, np.ones((*moved.shape[:-2], 1, moved.shape[-1]))], axis=-2), -1, 0)


def plan_batch(
    cards: Mapping[str, int],
    parents: Mapping[str, Sequence[str]],
    *,
    targets: Sequence[Target],
    columns: Sequence[str],
    soft: Iterable[str] = (),
    do: Iterable[str] = (),
) -> BatchPlan:
    """Plan exact inference for rows of findings of which any may be missing in any row.

    Args:
        cards: number of states of each variable.
        parents: parents of each variable in the order of its table's axes.
        targets: variables, or tuples of variables whose joint posterior is wanted.
        columns: variables whose state numbers will be given, -1 for "not observed".
        soft: variables that will be given a likelihood (all ones for "nothing known").
        do: variables that will be set by intervention.

    Raises:
        UnknownNameError: a name that is not in `cards`.
        RefraError: a variable that is given twice.
    """
    soft, do = tuple(soft), tuple(do)
    every = [*columns, *soft, *do]
    for name in every:
        if name not in cards:
            raise unknown_name("variable", name, cards)
        if every.count(name) > 1:
            raise RefraError(f"{name}: stands twice among the columns, the likelihoods and the interventions")
    asked = {name for target in targets for name in names_of(target)}
    with_children = {parent for name, above in parents.items() if name not in do for parent in above}
    leaves = {name for name in columns if name not in with_children and name not in asked and parents.get(name)}
    roots = {name for name in columns if not parents.get(name)}
    wide = {name: card + (name in leaves) for name, card in cards.items()}
    above = {name: tuple(parents.get(name, ())) for name in cards}
    structure = Structure.of(wide, above)
    return BatchPlan(dict(cards), above, tuple(targets), tuple(columns), soft, do, frozenset(leaves), frozenset(roots), structure)
