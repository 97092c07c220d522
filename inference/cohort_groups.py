"""Many patients in one network: records that differ only in their findings' values become the rows of one question.

A row's observed roots (background, drug) are cut out of the tables row by row, and its findings enter as likelihoods, so that the rows
stand where the parameter sets stand for one patient. A root that is missing is tried in each of its states, and the answers are averaged
with the states' posterior weights (conditioning on a loop cutset: Pearl 1986, doi 10.1016/0004-3702(86)90072-X), which is exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ..model.network import Model, Node
from ..model.specialise import specialise
from .asking import Known
from .knowledge import CENTRAL, SHIPPED, copies_in, working_model
from .situation import Situation

Array = NDArray[np.float64]
Places = NDArray[np.intp]

DRUG = "current_drug"
CUT = ("age_group", "bmi_class", "smoking", "methotrexate")
"""Roots that are cut out of the tables of every row: left in, each would double or triple the junction tree."""

CUT_IF_OBSERVED = ("sex", "disease_duration")
"""Roots that are cut out where both are observed: left in, they cost a tenth to a fifth more, less than trying every state."""

ROWS_AT_A_TIME = 2048


@dataclass(frozen=True)
class Kind:
    """What the rows of one group have in common."""

    drug: int
    target: str
    explains: bool
    treated: bool
    cut: tuple[str, ...]
    copies: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Row:
    """One record with every root that is cut out in one state: `log_weight` is the logarithm of those states' likelihood."""

    owner: int
    states: Mapping[str, int]
    log_weight: float


@dataclass(frozen=True, eq=False)
class Group:
    """Rows for which one question is asked; `places` holds the situations of all owners of the cohort."""

    kind: Kind
    rows: tuple[Row, ...]
    places: Sequence[Situation]

    @property
    def owners(self) -> Places:
        """The record of each row."""
        return np.array([row.owner for row in self.rows], dtype=np.intp)

    def parts(self, sets: int) -> Iterator[Group]:
        """Cut the group so that no part has more rows times parameter sets than are worked on at a time."""
        size = max(1, ROWS_AT_A_TIME // sets)
        for start in range(0, len(self.rows), size):
            yield Group(self.kind, self.rows[start : start + size], self.places)


def _alternatives(place: Situation, root: str, states: int) -> list[tuple[int, float]]:
    """Return the states of a root that a record leaves open, each with the logarithm of its likelihood."""
    if root in place.record.hard:
        return [(place.record.hard[root], 0.0)]
    likelihood = np.asarray(place.record.soft.get(root, np.ones(states)))
    return [(state, math.log(weight)) for state, weight in enumerate(likelihood) if weight > 0]


def _cut(place: Situation) -> tuple[str, ...]:
    return (*CUT, *(CUT_IF_OBSERVED if place.record.hard.keys() >= set(CUT_IF_OBSERVED) else ()))


def alternatives(place: Situation) -> int:
    """Return how many rows a record becomes."""
    model = working_model(CENTRAL, 0, 0)
    return math.prod(len(_alternatives(place, root, model.card(root))) for root in (DRUG, *_cut(place)))


def groups(places: Sequence[Situation], owners: Iterable[int]) -> list[Group]:
    """Return the records' rows, put together where one question does for all."""
    model = working_model(CENTRAL, 0, 0)
    found: dict[Kind, list[Row]] = {}
    for owner in owners:
        place = places[owner]
        cut = _cut(place)
        copies = copies_in(place.findings)
        for choice in product(*(_alternatives(place, root, model.card(root)) for root in (DRUG, *cut))):
            (drug, _), *_ = choice
            states = {root: state for root, (state, _) in zip((DRUG, *cut), choice, strict=True)}
            kind = Kind(drug, place.target, place.explains, place.current_drug != "none", cut, copies)
            found.setdefault(kind, []).append(Row(owner, states, sum(log for _, log in choice)))
    return [Group(kind, tuple(rows), places) for kind, rows in found.items()]


def gathered(table: Array, parents: tuple[str, ...], states: Mapping[str, Places], sets: Places | None) -> tuple[tuple[str, ...], Array]:
    """Cut each row's parameter set and states of known parents out of a table; returns the other parents and (rows, ..., states).

    Args:
        table: P(variable | parents), shape (S or 1, *states of the parents, states).
        parents: the parents, in order.
        states: for each known parent its state in every row, shape (rows,).
        sets: the parameter set of every row, shape (rows,); None where there is one for all.
    """
    known = [place for place, parent in enumerate(parents, start=1) if parent in states]
    varies = sets is not None and len(table) > 1
    if not known and not varies:
        return parents, table
    left = [place for place in range(1, table.ndim) if place not in known]
    first = table.transpose((*left, *known, 0))
    sizes = [table.shape[place] for place in known] + [len(table)]
    picks = [states[parents[place - 1]] for place in known]
    which = sets if sets is not None and varies else np.zeros(len(picks[0]), dtype=np.intp)
    column = np.ravel_multi_index((*picks, which), tuple(sizes))
    shape = [table.shape[place] for place in left]
    picked = first.reshape(math.prod(shape), math.prod(sizes)).take(column, axis=1)
    kept = tuple(parents[place - 1] for place in left if place < table.ndim - 1)
    return kept, np.moveaxis(picked.reshape(*shape, -1), -1, 0)


def _working(draws: int, seed: int, copies: tuple[tuple[str, int], ...]) -> Model:
    return working_model(SHIPPED, draws, seed, copies) if draws else working_model(CENTRAL, 0, 0, copies)


@lru_cache(maxsize=16)
def _of_drug(draws: int, seed: int, copies: tuple[tuple[str, int], ...], drug: int) -> Model:
    return specialise(_working(draws, seed, copies), {DRUG: drug})


@dataclass(frozen=True)
class Asked:
    """A part of a group as the network is asked it: rows (row by row, all parameter sets of one row together) on the first axis.

    `known` is what is known for questions about the present, `with_target_set` for those about the future; `log_prior` is the log
    probability of the roots that were cut out, with their likelihood, shape (rows,).
    """

    model: Model
    known: Known
    with_target_set: Known
    log_prior: Array


def asked(group: Group, draws: int, seed: int) -> Asked:
    """Build the network of a group's rows in all of `draws` parameter sets beside the centre (0: the centre alone)."""
    kind = group.kind
    base = _working(draws, seed, kind.copies)
    sets = draws + 1
    of_drug = _of_drug(draws, seed, kind.copies, kind.drug)
    rows, repeats = len(group.rows), np.arange(len(group.rows)).repeat(sets)
    set_of = np.tile(np.arange(sets), rows) if sets > 1 else None
    states = {root: np.array([row.states[root] for row in group.rows], dtype=np.intp)[repeats] for root in kind.cut}
    nodes = {}
    for name in of_drug.states:
        if name not in states:
            parents, table = gathered(of_drug.tables[name], of_drug.parents[name], states, set_of)
            nodes[name] = Node(parents, table, of_drug.parameters[name])
    log_prior = np.array([row.log_weight for row in group.rows])[repeats]
    for root, state in [(DRUG, np.full(rows * sets, kind.drug)), *states.items()]:
        table = base.tables[root]
        log_prior = log_prior + np.log(table[set_of if set_of is not None and len(table) > 1 else 0, state])
    known = _known(group, base, repeats)
    assumed = kind.target == "undecided" and (kind.explains or not kind.treated)
    present = known.also(hard={"target_met": 0}) if assumed else known
    future = present if kind.target == "undecided" else present.also(do={"target_met": 1 if kind.target == "met" else 0})
    return Asked(of_drug.restricted(nodes), present, future, log_prior)


def _known(group: Group, model: Model, repeats: Places) -> Known:
    """Write all findings but the roots that are cut out as rows of likelihoods; what nobody knows is left out."""
    cut = {DRUG, *group.kind.cut}
    codes: dict[str, Places] = {}
    weighted: dict[str, list[tuple[int, Array]]] = {}
    for number, row in enumerate(group.rows):
        record = group.places[row.owner].record
        for name, state in record.hard.items():
            if name not in codes:
                codes[name] = np.full(len(group.rows), -1, dtype=np.intp)
            codes[name][number] = state
        for name, likelihood in record.soft.items():
            weighted.setdefault(name, []).append((number, likelihood))
    likelihoods: dict[str, Array] = {}
    for name in dict.fromkeys((*codes, *weighted)):
        if name in cut:
            continue
        card = model.card(name)
        # The last row is that of "not observed".
        one_hot_or_open = np.vstack([np.eye(card), np.ones(card)])
        table = one_hot_or_open[codes.get(name, np.full(len(group.rows), -1))]
        for number, likelihood in weighted.get(name, ()):
            table[number] = table[number] * likelihood
        likelihoods[name] = table
    return Known({}, {name: table[repeats] for name, table in likelihoods.items()}, {})
