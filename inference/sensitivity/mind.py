"""What would change my mind: the smallest changes of the findings that change the first reason, or the first option."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...data.errors import FindingError
from ...data.labels import check_language, label
from ...data.loading import variables
from ...model.draws import FITTED
from ..figures import COLOURS, caption, new_figure
from ..patient import Patient
from ..preferences import Preferences
from .case import Case, case_of
from .result import Result
from .versions import Change, Changes, Versions, chances, first_of, reason_ids, subjects, versions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

AIMS: Mapping[str, str] = {"first_reason": "first reason", "first_option": "first option"}
AND: Mapping[str, str] = {"en": " and ", "zh": "，且"}
EXHAUSTIVE, GREEDY = "exhaustive", "greedy"
BEAM = 30
"""Pairs that come nearest to a change, from which the greedy search goes on to three findings."""

SHOWN = 7
COLUMNS = ("aim", "size", "words", "findings", "kinds", "probability", "now", "then", "margin", "search")


@dataclass(frozen=True)
class ChangeOfMind(Result):
    """The smallest changes of findings that change the first reason or the first option.

    `table` has a row for each change: `aim` says what changes, `size` how many findings, `words` how, `findings` the same by id and state
    (`sjc28=0`, `crp=?` for "not observed"), `kinds` what is done to each (`change`, `drop`, `add`), `probability` that of the new states
    given the rest of the record (1 where findings are only dropped), `now` and `then` the ids that come first, `margin` by how much the
    new one then leads the old one (probability or QALY). `search` is `exhaustive` for one and two findings and `greedy` for three. Every
    change is minimal: no part of it alone would do. `found` holds how many there are in all by aim and size.
    """

    name: ClassVar[str] = "change_of_mind"
    title: ClassVar[str] = "What would change the answer: the smallest changes of the findings"
    how_to_read: ClassVar[str] = (
        "Each line is a smallest change of the findings after which another reason, or another option, comes first; nothing less than the "
        "whole line would do it. The further right, the more plausible: the probability of the changed findings given the rest of the "
        "record (1 where a finding is only left out)."
    )

    table: pd.DataFrame
    found: Mapping[tuple[str, int], int]
    now: Mapping[str, str]

    @property
    def data(self) -> pd.DataFrame:
        """The changes, for each aim the smallest first and then the most plausible."""
        return self.table

    def summary(self) -> str:
        """Return for each aim the most plausible of the smallest changes, and how many there are."""
        parts = []
        for aim, words in AIMS.items():
            if aim not in self.now:
                parts.append(f"No reasons are asked for in this patient, so that no {words} can change.")
                continue
            mine = self.table[self.table["aim"] == aim]
            name = f"The {words}, {name_of(aim, self.now[aim])},"
            if mine.empty:
                parts.append(f"{name} stands against every change of one or two findings, and none of three was found (greedy search).")
                continue
            top = mine.iloc[0]
            count = self.found[aim, top["size"]]
            unit = "finding" if top["size"] == 1 else "findings"
            parts.append(
                f"{name} gives way to {name_of(aim, top['then'])} if {top['size']} {unit} changed: {top['words']} "
                f"(probability {top['probability']:.2g}); {count} such {'change' if count == 1 else 'changes'} of {top['size']}"
                f"{', by greedy search' if top['search'] == GREEDY else ''}."
            )
        return " ".join(parts)

    def plot(self) -> Figure:
        """Return the most plausible changes of each aim."""
        shown = pd.concat([self.table[self.table["aim"] == aim].head(SHOWN) for aim in AIMS]).iloc[::-1]
        words = [textwrap.fill(f"{row.words} → {name_of(str(row.aim), str(row.then))}", 62) for row in shown.itertuples()]
        lines = sum(1 + text.count("\n") for text in words)
        figure = new_figure(2.0 + 0.19 * lines + 0.1 * len(words))
        axes = figure.add_subplot()
        for place, aim in enumerate(AIMS):
            mine = np.flatnonzero(shown["aim"] == aim)
            axes.scatter(shown["probability"].iloc[mine], mine, color=COLOURS[place], label=f"changes the {AIMS[aim]}", zorder=3)
        axes.hlines(range(len(shown)), shown["probability"].min() / 3 if len(shown) else 0.01, shown["probability"], color="#cccccc")
        axes.set_xscale("log")
        axes.set_xlim(right=2.0)
        axes.set_yticks(range(len(shown)), words, fontsize=7.5)
        axes.set_xlabel("probability of the changed findings given the rest")
        figure.suptitle(self.title, fontsize=11)
        if len(shown):
            axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), fontsize=8, frameon=False, ncols=2)
        axes.spines[["top", "right"]].set_visible(False)
        caption(figure, self.how_to_read)
        return figure


def name_of(aim: str, identifier: str, language: str = "en") -> str:
    """Return an option or a reason in words."""
    if aim == "first_option":
        return label("options", identifier, language)
    return variables()["primary_reason"].state_label(identifier, language)


def change_of_mind(
    patient: Patient | Mapping[str, Any] | Case,
    *,
    most: int = 25,
    added: bool = True,
    preferences: Preferences | None = None,
    basis: str = FITTED,
    language: str = "en",
) -> ChangeOfMind:
    """Return the smallest changes of findings that change the first reason, and those that change the first option.

    A finding is changed to another of its states, left out, or added where it was not made; a measured value counts as the state that it
    lies in. All changes of one and of two findings are tried; only if none of these does it, three findings are searched greedily, from
    the pairs that come nearest. The changed record is answered as the assessment would, in the central network. Arguments: `patient` is a
    record or a prepared `Case`; `most` is how many changes to list for each aim and size, the most plausible ones;
    `added` tells whether findings that were not made may be added (without them a sparse record is searched much faster); `language` is
    that of the changes in words (`en` or `zh`).

    Raises the errors of `Patient` and of `Preferences`, and `FindingError` for `most` below 1.
    """
    if most < 1:
        raise FindingError(f"most: {most!r}; at least 1 is accepted")
    check_language(language)
    case = case_of(patient, preferences, basis)
    single = [change for subject in subjects(case) if added or subject.observed for change in subject.changes()]
    ones: list[Changes] = [(change,) for change in single]
    first = versions(case, [(), *ones])
    now: dict[str, str] = {}
    found: dict[tuple[str, int], int] = {}
    tables = []
    for aim in AIMS:
        values, ids = _ranked(aim, first, case)
        base = int(first_of(values[:1])[0])
        if base < 0:
            continue
        now[aim] = ids[base]
        hits = _searched(case, aim, single, values[1:], base)
        for size, search, sets, answers in hits:
            found[aim, size] = len(sets)
            tables.append(_table(case, aim, size, search, sets, answers, ids, base, language).head(most))
    table = pd.concat([pd.DataFrame([], columns=list(COLUMNS)), *tables]) if not tables else pd.concat(tables)
    return ChangeOfMind(table.reset_index(drop=True), found, now)


Hits = tuple[int, str, Sequence[Changes], Array]


def _ranked(aim: str, answers: Versions, case: Case) -> tuple[Array, tuple[str, ...]]:
    """Return what an aim is ranked by and the ids in that order."""
    return (answers.reasons, reason_ids()) if aim == "first_reason" else (answers.scores, case.options)


def _answered(case: Case, aim: str, sets: Sequence[Changes]) -> Array:
    why = aim == "first_reason"
    return _ranked(aim, versions(case, sets, reasons=why, options=not why), case)[0]


def _searched(case: Case, aim: str, single: Sequence[Change], values: Array, base: int) -> list[Hits]:
    """Return the minimal changes of one and two findings, or where there are none those of three that the greedy search meets."""
    hit = _hits(values, base)
    found: list[Hits] = []
    if hit.any():
        found.append((1, EXHAUSTIVE, [(change,) for change, does in zip(single, hit, strict=True) if does], values[hit]))
    quiet = [change for change, does in zip(single, hit, strict=True) if not does]
    pairs = [pair for pair in combinations(quiet, 2) if pair[0].subject != pair[1].subject]
    answers = _answered(case, aim, pairs)
    hit = _hits(answers, base)
    if hit.any():
        found.append((2, EXHAUSTIVE, [pairs[place] for place in np.flatnonzero(hit)], answers[hit]))
    if found or not pairs or values.shape[1] == 1:
        return found
    rivals = np.delete(answers, base, axis=1).max(axis=1)
    nearest = np.argsort(np.nan_to_num(answers[:, base] - rivals, nan=np.inf), kind="stable")[:BEAM]
    place_of = {change: place for place, change in enumerate(quiet)}
    triples = {
        frozenset((*pairs[pair], change)): None
        for pair in nearest
        for change in quiet
        if change.subject not in {c.subject for c in pairs[pair]}
    }
    sets = [tuple(sorted(triple, key=place_of.__getitem__)) for triple in triples]
    answers = _answered(case, aim, sets)
    hit = _hits(answers, base)
    return [(3, GREEDY, [sets[place] for place in np.flatnonzero(hit)], answers[hit])] if hit.any() else []


def _hits(values: Array, base: int) -> NDArray[np.bool_]:
    """Return in which rows something else comes first."""
    first = first_of(values)
    return np.asarray((first != base) & (first >= 0))


def _table(
    case: Case, aim: str, size: int, search: str, sets: Sequence[Changes], values: Array, ids: tuple[str, ...], base: int, language: str
) -> pd.DataFrame:
    """Return the changes of one size, the most plausible first."""
    first = first_of(values)
    rows = [
        (
            aim,
            size,
            AND[language].join(change.words.said(language) for change in changes),
            " ".join(_identified(change) for change in changes),
            " ".join(change.kind for change in changes),
            probability,
            ids[base],
            ids[then],
            row[then] - row[base],
            search,
        )
        for changes, probability, then, row in zip(sets, chances(case, sets), first, values, strict=True)
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values("probability", ascending=False, kind="stable")


def _identified(change: Change) -> str:
    state = "?" if change.state is None else variables()[change.subject.variable].state_ids[change.state]
    return f"{change.subject.node}={state}"
