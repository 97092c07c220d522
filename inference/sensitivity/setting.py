"""A question put to a patient's network, ready for every number in it to be varied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ...data.labels import label
from ...data.loading import parameters, variables
from ...model.assembly import SPECS, central_model
from ...model.draws import DEFAULT_SEED, Draws
from ...model.drug_classes import CLASSES
from ...model.network import Model, draws_last
from ...model.on_demand import OnDemand
from ..asking import Known
from ..knowledge import CENTRAL, copies_in, with_copies, working_model
from .case import Case
from .contest import Contest
from .linear import Linear, Question, linear
from .quantities import Quantity, Term, ids_of, posteriors, quantity, terms
from .spans import spans

Array = NDArray[np.float64]

AT_ONCE = 500
"""Parameter sets that are asked together."""

NO_EFFECT = 1e-13
"""Table rows that move no answer by more than this, whatever their cells, have no bearing."""

Change = Mapping[str, float]
"""Records with values of their own, on the natural scale; all others stay at the centre."""


@dataclass(frozen=True, eq=False)
class Setting:
    """A quantity, who could come first, and what they are made of in the patient's whole central network.

    The rows of every answer are the wanted quantity, the contenders (options by utility, or reasons by probability) and, where the ranking
    of options has a rule on it, P(other disease). `parts` says of each row which question each of its terms is the mean of (None: of none),
    `readers` of each record through which tables it moves an answer.
    """

    case: Case
    wanted: Quantity
    model: Model
    known: Known
    contest: Contest
    questions: tuple[Question, ...]
    parts: tuple[tuple[tuple[int | None, Term], ...], ...]
    centre: Draws
    linear: Linear
    readers: Mapping[str, tuple[str, ...]]

    @property
    def weighing(self) -> tuple[str, ...]:
        """The records that rows multiply their means by: values, harms and costs that the preferences leave at their defaults."""
        return tuple(dict.fromkeys(record for parts in self.parts for _, term in parts for record in term.records))

    def weights(self, values: Mapping[str, Array], sets: int) -> tuple[Array, Array]:
        """Return what every row multiplies the questions' means by, (rows, questions, sets), and adds to them, (rows, sets)."""
        draws = Draws({record: values.get(record, self.centre[record]) for record in self.weighing}, sets)
        matrix, constants = np.zeros((len(self.parts), len(self.questions), sets)), np.zeros((len(self.parts), sets))
        for row, parts in enumerate(self.parts):
            for place, term in parts:
                if place is None:
                    constants[row] += term.coefficient(draws)
                else:
                    matrix[row, place] += term.coefficient(draws)
        return matrix, constants

    def rows(self, means: Array, values: Mapping[str, Array]) -> Array:
        """Turn the questions' means, (questions, sets), into the rows, (rows, sets)."""
        matrix, constants = self.weights(values, means.shape[1])
        return np.asarray(np.einsum("rqs,qs->rs", matrix, means) + constants)

    @property
    def curves(self) -> Linear:
        """The rows as functions of every table, the weights at their centres."""
        matrix, constants = self.weights({}, 1)
        return self.linear.combined(matrix[:, :, 0], constants[:, 0])

    @property
    def base(self) -> Array:
        """The rows at the centre of every record, shape (rows,)."""
        return self.rows(self.linear.means[:, None], {})[:, 0]

    def first(self, rows: Array) -> NDArray[np.intp]:
        """Return who comes first, as a place in the contest's ids; `rows` has the rows on its first axis."""
        return self.contest.first(rows[1:])

    def name_of(self, contender: str) -> str:
        """Return a contender in words."""
        if self.wanted.future:
            return label("options", contender, "en")
        return variables()["primary_reason"].state_label(contender)

    def tables(self, name: str, changes: Sequence[Change]) -> Array:
        """Return a variable's table under each change, shape (changes, *shape)."""
        values = {}
        for record in self.model.parameters[name]:
            centre = float(self.centre[record][0])
            values[record] = np.array([change.get(record, centre) for change in changes])
        origin = _origins(self.case).get(name, name)
        table = SPECS[origin].build(origin, Draws(values, len(changes))).table
        return np.broadcast_to(table, (len(changes), *table.shape[1:]))

    def answers(self, changes: Sequence[Change]) -> Array:
        """Return every row under each change, shape (rows, changes); exact.

        Changes that reach one table go by its coefficients, the others by inference, many at a time.
        """
        means = np.repeat(self.linear.means[:, None], len(changes), axis=1)
        alone: dict[str, list[int]] = {}
        several: list[int] = []
        for place, change in enumerate(changes):
            reached = {name for record in change for name in self.readers.get(record, ())}
            if len(reached) == 1:
                alone.setdefault(reached.pop(), []).append(place)
            elif reached:
                several.append(place)
        for name, places in alone.items():
            tables = self.tables(name, [changes[place] for place in places])
            means[:, places] = self.linear.with_table(name, self.model.tables[name][0], tables)
        for start in range(0, len(several), AT_ONCE):
            places = several[start : start + AT_ONCE]
            means[:, places] = self._inferred([changes[place] for place in places])
        values = {record: np.array([change.get(record, self.centre[record][0]) for change in changes]) for record in self.weighing}
        return self.rows(means, values)

    def _inferred(self, changes: Sequence[Change]) -> Array:
        model = varied_model(self, changes)
        targets = dict.fromkeys((self.wanted.future, target) for target, _ in self.questions)
        found = posteriors(self.case, model, list(targets))
        return np.stack(
            [
                np.broadcast_to(np.tensordot(found[self.wanted.future, target], scores, scores.ndim), (len(changes),))
                for target, scores in self.questions
            ]
        )


def _origins(case: Case) -> Mapping[str, str]:
    """Return the variable whose builder makes the table of each copy."""
    return {f"{variable}_{copy}": variable for variable, most in copies_in(case.place.findings) for copy in range(2, most + 1)}


def varied_model(setting: Setting, changes: Sequence[Change]) -> Model:
    """Return the whole network with a parameter set for each change; a table is built in those sets alone in which it differs."""
    base = central_model(setting.case.basis)

    def build(name: str) -> Array:
        records = set(base.parameters[name])
        mine = [place for place, change in enumerate(changes) if not records.isdisjoint(change)]
        if not mine:
            return base.tables[name]
        rows = np.zeros(len(changes), dtype=np.intp)
        rows[mine] = np.arange(1, len(mine) + 1)
        return draws_last(setting.tables(name, [{}, *(changes[place] for place in mine)])[rows])

    model = Model(base.states, base.parents, OnDemand(base.states, build), base.parameters, len(changes))
    return with_copies(model, copies_in(setting.case.place.findings))


def _contenders(case: Case, wanted: Quantity) -> Iterator[Quantity]:
    kind = "utility" if wanted.future else "reason"
    return (Quantity(kind, name) for name in ids_of(case, kind))


def setting(case: Case, text: str | Quantity) -> Setting:
    """Prepare a quantity of a case; raises the errors of `quantity`."""
    wanted = quantity(case, text)
    if wanted.text not in case.kept:
        case.kept[wanted.text] = _setting(case, wanted)
    found: Setting = case.kept[wanted.text]
    return found


def _setting(case: Case, wanted: Quantity) -> Setting:
    model = working_model(CENTRAL, 0, 0, copies_in(case.place.findings), case.basis)
    contenders = tuple(_contenders(case, wanted))
    rows = [terms(case, model, one) for one in (wanted, *contenders)]
    ids = tuple(one.id for one in contenders)
    ruled = wanted.future and "treat_noninflammatory" in ids
    if ruled:
        rows.append((Term("other_disease_active", np.array([0.0, 1.0]), 1.0),))
    questions: dict[tuple[object, bytes], Question] = {}
    parts = []
    for row in rows:
        found: list[tuple[int | None, Term]] = []
        for term in row:
            if term.target is None or term.scores is None:
                found.append((None, term))
                continue
            key = (term.target, term.scores.tobytes())
            questions.setdefault(key, (term.target, term.scores))
            found.append((list(questions).index(key), term))
        parts.append(tuple(found))
    known = case.known(model, wanted.future)
    functions = linear(model, known, list(questions.values()))
    question = Setting(
        case,
        wanted,
        model,
        known,
        Contest(ids, np.array([ruled and name in CLASSES for name in ids])),
        tuple(questions.values()),
        tuple(parts),
        case.values(0, DEFAULT_SEED),
        functions,
        MappingProxyType({}),
    )
    return replace(question, readers=_readers(question))


def _readers(question: Setting) -> Mapping[str, tuple[str, ...]]:
    """Return for each record the tables through which it moves an answer: those in which rows that bear on an answer change with it."""
    functions, reach = question.linear, spans(question.case.basis)
    found: dict[str, list[str]] = {}
    for name, cells in functions.cells.items():
        means = functions.means.reshape(-1, *(1,) * (cells.ndim - 1))
        # A row's cells always add up to 1, so a part that is the same for all of them has no say.
        bears = np.ptp(cells - means * functions.evidence[name], axis=-1).max(axis=0) > NO_EFFECT
        records = question.model.parameters[name]
        ends = [{record: float(end)} for record in records for end in reach[record].natural([reach[record].least, reach[record].most])]
        if not ends or not bears.any():
            continue
        tables = question.tables(name, ends)[:, bears].reshape(len(records), -1)
        present = np.tile(question.model.tables[name][0][bears].ravel(), 2)
        for record, moved in zip(records, (tables != present).any(axis=1), strict=True):
            if moved:
                found.setdefault(record, []).append(name)
    return MappingProxyType({record: tuple(found[record]) for record in parameters() if record in found})
