"""Many versions of one record, each with a few findings otherwise, answered together and exactly in the central network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ...data.loading import variables
from ...data.messages import Message
from ...model.draws import DEFAULT_SEED
from ..asking import Known, log_probability, one_hot
from ..checks import NEEDS_A_DRUG
from ..fields import FIELD_VARIABLES, Observation, StateSeen
from ..knowledge import copies_in
from ..next_tests import candidates
from ..options import with_exclusion
from ..scores import CDAI_PARTS
from ..situation import ACTIVITY_FIELDS, Footing, finding_nodes, footing
from .case import Case
from .quantities import Quantity, evaluate

Array = NDArray[np.float64]

FIELD_OF = MappingProxyType({variable: field for field, variable in FIELD_VARIABLES.items()})
DECIDES_FOOTING = frozenset({*CDAI_PARTS, *ACTIVITY_FIELDS, "response"})
"""Fields that decide how the treatment target stands and whether reasons are asked for."""

OTHER_DISEASE = Quantity("cause", "other_disease")


@dataclass(frozen=True)
class Subject:
    """A finding of the record, or one that could be added to it.

    `node` is where the network has it, `said` what the record says in words (empty where it is not observed) and `seen` the position of
    the state that the record favours, None where it is not observed. `states` are the positions it could take.
    """

    node: str
    variable: str
    said: Message
    seen: int | None
    states: tuple[int, ...]

    @property
    def observed(self) -> bool:
        """Whether the record holds it."""
        return self.seen is not None

    @property
    def label(self) -> Message:
        """The finding's name; that of a second drug of a class says so."""
        name = variables()[self.variable].label
        copy = "" if self.node == self.variable else self.node.rpartition("_")[2]
        return Message(f"{name['en']} ({copy})", f"{name['zh']}（{copy}）") if copy else Message(name["en"], name["zh"])

    def state_label(self, state: int) -> Message:
        """Return a state in words."""
        label = variables()[self.variable].states[state].label
        return Message(label["en"], label["zh"])

    def changes(self) -> tuple[Change, ...]:
        """Return every way in which it could be otherwise: each other state, and for an observed one also "not observed"."""
        other = tuple(Change(self, state) for state in self.states if state != self.seen)
        return (*other, Change(self, None)) if self.observed else other


@dataclass(frozen=True)
class Change:
    """A finding otherwise than in the record: in a state (its position), or not observed (None)."""

    subject: Subject
    state: int | None

    @property
    def kind(self) -> str:
        """`drop`, `change` or `add`."""
        if self.state is None:
            return "drop"
        return "change" if self.subject.observed else "add"

    @property
    def words(self) -> Message:
        """The change in words."""
        name, said = self.subject.label, self.subject.said
        if self.state is None:
            return Message(f"{name} not observed instead of {said}", f"{name.chinese}未记录（原为{said.chinese}）")
        state = self.subject.state_label(self.state)
        english, chinese = f"{name}: {state}", f"{name.chinese}：{state.chinese}"
        if self.subject.observed:
            return Message(f"{english} instead of {said}", f"{chinese}（原为{said.chinese}）")
        return Message(f"{english}, not observed so far", f"{chinese}（此前未记录）")


Changes = tuple[Change, ...]


def subjects(case: Case) -> tuple[Subject, ...]:
    """Return the findings of a record, then those that could be added, background that is not recorded included.

    Recorded background (age, smoking, the drug) describes the patient and stays as it is.
    """
    place = case.place
    several = {variable for variable, _ in copies_in(place.findings)}
    found = []
    for node, finding in finding_nodes(place.findings).items():
        variable = variables()[finding.variable]
        if variable.role != "finding":
            continue
        possible = tuple(n for n, state in enumerate(variable.state_ids) if not (state == "not_tried" and finding.variable in several))
        said = Message(_said(finding.text, variable.label["en"]), _said(finding.text.chinese, variable.label["zh"]))
        found.append(Subject(node, finding.variable, said, int(np.argmax(finding.likelihood)), possible))
    without_drug = {FIELD_VARIABLES[field] for field in NEEDS_A_DRUG} if place.current_drug == "none" else set()
    background = [
        name
        for name, variable in variables().items()
        if variable.role == "background" and name != "current_drug" and name in case.central.states and name not in place.record.soft
    ]
    for name in (*candidates(place, case.central), *background):
        if name not in without_drug:
            found.append(Subject(name, name, Message("", ""), None, tuple(range(case.central.card(name)))))
    return tuple(found)


def _said(text: str, label: str) -> str:
    """Return what a finding says without the name that it begins with."""
    short = text.removeprefix(label).lstrip(":： ")
    return short or text


def footing_with(observations: Mapping[str, Observation], changes: Changes) -> Footing:
    """Return how the treatment target stands in a record with some findings otherwise; `observations` are the record's, by field."""
    seen = dict(observations)
    for change in changes:
        field = FIELD_OF.get(change.subject.variable)
        if field is not None:
            seen.pop(field, None)
            if change.state is not None:
                seen[field] = StateSeen(variables()[change.subject.variable].state_ids[change.state])
    return footing(seen)


class Footings:
    """How the treatment target stands in each version of a record, worked out once for each set of findings that decides it."""

    def __init__(self, case: Case) -> None:
        self._seen = case.place.patient.observations
        self._found: dict[Changes, Footing] = {}

    def of(self, changes: Changes) -> Footing:
        """Return that of the record with some findings otherwise."""
        deciding = tuple(change for change in changes if FIELD_OF.get(change.subject.variable) in DECIDES_FOOTING)
        if deciding not in self._found:
            self._found[deciding] = footing_with(self._seen, deciding)
        return self._found[deciding]


@dataclass(frozen=True)
class Versions:
    """The answers for several versions of a record, one a row; NaN where a version's findings cannot hold.

    `wanted` holds the quantities asked for, shape (versions, quantities), `reasons` the primary reason's probabilities, (versions,
    reasons), NaN also where a version asks for none, `utility` and `scores` each option's utility and what it is ranked by, (versions,
    options).
    """

    wanted: Array
    reasons: Array
    utility: Array
    scores: Array

    @property
    def first_reason(self) -> NDArray[np.intp]:
        """Position of the first reason; -1 where there is none."""
        return first_of(self.reasons)

    @property
    def first_option(self) -> NDArray[np.intp]:
        """Position of the first option; -1 where there is none."""
        return first_of(self.scores)


def first_of(values: Array) -> NDArray[np.intp]:
    """Return the position of the largest value of each row, -1 for a row of NaN."""
    missing = np.asarray(np.isnan(values).any(axis=1))
    return np.where(missing, -1, np.argmax(np.nan_to_num(values), axis=1))


def reason_ids() -> tuple[str, ...]:
    """Return the exclusive reasons in the order of `Versions.reasons`."""
    return variables()["primary_reason"].state_ids


def versions(
    case: Case,
    sets: Sequence[Changes],
    wanted: Sequence[Quantity] = (),
    *,
    reasons: bool = True,
    options: bool = True,
    stand: Footing | None = None,
) -> Versions:
    """Answer versions of a record.

    Each version is answered as the assessment would answer the changed record: what it says of the treatment target is read anew. With
    `stand` the target stands so in every version, as it must where versions are averaged over the results of a test. `reasons` and
    `options` tell whether these are asked for at all.
    """
    footings = Footings(case)
    groups: dict[Footing, list[int]] = {}
    for row, changes in enumerate(sets):
        groups.setdefault(stand or footings.of(changes), []).append(row)
    ids = reason_ids()
    result = Versions(
        np.full((len(sets), len(wanted)), np.nan),
        np.full((len(sets), len(ids)), np.nan),
        np.full((len(sets), len(case.options)), np.nan),
        np.full((len(sets), len(case.options)), np.nan),
    )
    for stands, rows in groups.items():
        asked = list(wanted)
        why = reasons and stands.explains
        asked += [Quantity("reason", name) for name in ids] if why else []
        asked += [*(Quantity("utility", option) for option in case.options), OTHER_DISEASE] if options else []
        answers = _evaluated(case, [sets[row] for row in rows], stands, asked)
        result.wanted[rows] = answers[:, : len(wanted)]
        if not stands.explains:
            result.wanted[np.ix_(rows, [n for n, one in enumerate(wanted) if not one.future])] = np.nan
        start = len(wanted)
        if why:
            result.reasons[rows] = answers[:, start : start + len(ids)]
            start += len(ids)
        if options:
            result.utility[rows] = answers[:, start:-1]
            result.scores[rows] = with_exclusion(case.options, answers[:, start:-1], answers[:, -1])
    return result


def chances(case: Case, sets: Sequence[Changes], stand: Footing | None = None) -> Array:
    """Return for each set of changes P(its states | the rest of the record), shape (sets,); 1 for findings that are only dropped.

    The rest of the record is what is left when the changed findings are not observed, and the target stands as that says (or as `stand`).
    """
    footings = Footings(case)
    bare = [tuple(replace(change, state=None) for change in changes) for changes in sets]
    groups: dict[Footing, list[int]] = {}
    for row, changes in enumerate(bare):
        groups.setdefault(stand or footings.of(changes), []).append(row)
    found = np.empty(len(sets))
    for stands, rows in groups.items():
        every = [*(sets[row] for row in rows), *(bare[row] for row in rows)]
        logs = np.broadcast_to(log_probability(case.central, _known(case, every, stands)), (len(every) + 1,))[1:]
        found[rows] = np.exp(logs[: len(rows)] - logs[len(rows) :])
    return found


def _evaluated(case: Case, sets: Sequence[Changes], stands: Footing, asked: Sequence[Quantity]) -> Array:
    """Return the quantities of versions whose target stands alike, shape (versions, quantities)."""
    if not asked:
        return np.empty((len(sets), 0))
    known = _known(case, sets, stands)
    place = replace(case.place, known=known, target=stands.target if not stands.assumed_missed else "undecided", explains=stands.explains)
    found = evaluate(replace(case, place=place), case.central, case.values(0, DEFAULT_SEED), asked)
    return np.broadcast_to(found, (len(asked), len(sets) + 1))[:, 1:].T


def _known(case: Case, sets: Iterable[Changes], stands: Footing) -> Known:
    """Return what is known in each version, as rows of likelihoods; row 0 leaves out every finding that any version changes."""
    model, base = case.central, case.place.inside(case.central, case.place.record)
    rows = [(), *sets]
    touched = {change.subject.node: change.subject for changes in rows for change in changes}
    soft = {name: value for name, value in base.soft.items() if name not in touched}
    for node, subject in touched.items():
        flat = np.ones(model.card(node))
        said = flat if not subject.observed else one_hot(model, node, base.hard[node]) if node in base.hard else base.soft[node]
        soft[node] = np.tile(said, (len(rows), 1))
        soft[node][0] = flat
    for row, changes in enumerate(rows):
        for change in changes:
            node = change.subject.node
            soft[node][row] = 1.0 if change.state is None else one_hot(model, node, change.state)
    hard = {name: state for name, state in base.hard.items() if name not in touched}
    if stands.assumed_missed:
        hard["target_met"] = 0
    return Known(hard, soft, base.do)
