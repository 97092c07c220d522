"""What the picture of the network says: its boxes, their rows and the arcs between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..data.labels import label, labels
from ..data.loading import variables
from ..model.drug_classes import CLASSES
from ..model.network import Model
from .asking import ask
from .display_layout import lines
from .knowledge import CENTRAL
from .situation import situation

if TYPE_CHECKING:
    from .assessment import Assessment

COVERAGE = "coverage"
"""The box that the five variables `covered_<class>` share."""

COLUMN_OF_STAGE = {"exposure": 0, "mechanism": 1, "pain": 2}
COLUMN_OF_SUMMARY = {"missing_drug_reason": 0, "mechanism_reason": 1, "mechanism_cause": 1, "primary_reason": 1, "target_met": 2}
MOST_ATTACHED = 2
"""A finding that hangs on more unobserved variables than these has a box of its own."""

COVERAGE_LABEL = {"en": "Disease covered, by drug class", "zh": "各类药物能否覆盖疾病"}
LDA_LABEL = {"en": "Low disease activity", "zh": "低疾病活动度"}
ASSUMED = {"en": "no (assumed)", "zh": "否（假定）"}
"""Said of the treatment target where the record does not settle it."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """A line of a box: a finding or a state, its further parents' marks, and what is known of it.

    `value` is what was seen in the patient, `probability` the posterior of a state.
    """

    text: str
    marks: tuple[str, ...] = ()
    value: str | None = None
    probability: float | None = None


@dataclass(frozen=True)
class Content:
    """A box: its title, its mark (a letter for background, else a number), its rows, and the marks of parents to which no arc is drawn."""

    title: str
    mark: str
    kind: str
    column: int
    rows: tuple[Row, ...]
    marks: tuple[str, ...]
    members: tuple[str, ...]


@dataclass(frozen=True)
class Graph:
    """The picture's content: background, boxes with arcs between them, and one box for each option."""

    background: Mapping[str, Content]
    boxes: Mapping[str, Content]
    arcs: tuple[tuple[str, str], ...]
    options: Mapping[str, Content]


@dataclass(frozen=True)
class Seen:
    """What a patient adds: texts of the findings and posteriors by variable, and P(low disease activity) by option."""

    texts: Mapping[str, str]
    posteriors: Mapping[str, Array]
    lda: Mapping[str, float]


NOBODY = Seen({}, {}, {})


def seen_in(answer: Assessment, language: str) -> Seen:
    """Return what the picture shows of a patient: the central network's posteriors, given what the assessment is given."""
    place = situation(answer.patient, answer.basis)
    central = place.model(CENTRAL, 0, 0)
    known = place.inside(central)
    names = [name for name in central.states if name in variables() and variables()[name].role in ("latent", "summary")]
    found = ask(central, known, [name for name in names if name not in known.hard])
    posteriors = {name: np.asarray(table[0]) for name, table in found.marginals.items() if isinstance(name, str)}
    texts = {"target_met": ASSUMED[language]} if "target_met" in known.hard else {}
    for finding in place.findings:
        said = finding.text.said(language)
        value = said.removeprefix(variables()[finding.variable].label[language]).lstrip(":： ")
        texts[finding.variable] = f"{texts[finding.variable]}; {value}" if finding.variable in texts else value
    return Seen(texts, posteriors, {row.id: row.lda for row in lines(answer.options)})


def graph_content(model: Model, language: str, seen: Seen = NOBODY) -> Graph:
    """Return what is drawn of a network, with what is known of a patient."""
    roles = {name: variables()[name].role for name in model.states}
    background = [name for name in model.states if roles[name] == "background"]
    letters = dict(zip(background, ascii_uppercase, strict=False))
    owner = _owners(model, roles)
    numbers = {name: str(number) for number, name in enumerate(dict.fromkeys(owner.values()), start=1)}
    marks = {**letters, **{name: numbers[box] for name, box in owner.items()}}
    members = {box: [name for name in owner if owner[name] == box] for box in numbers}
    own = {box: [name for name in members[box] if roles[name] != "finding" or box == name] for box in numbers}
    boxes = {}
    for box in numbers:
        rows = [row for name in own[box] for row in _state_rows(name, language, seen, letters, model)]
        attached = [name for name in members[box] if name not in own[box]]
        rows += [_finding_row(name, [marks[p] for p in model.parents[name] if owner.get(p) != box], language, seen) for name in attached]
        given = [letters[p] for name in own[box] for p in model.parents[name] if p in letters]
        shared = [mark for mark in dict.fromkeys(given) if box != COVERAGE or given.count(mark) == len(own[box])]
        title = COVERAGE_LABEL[language] if box == COVERAGE else variables()[box].label[language]
        kind = "coverage" if box == COVERAGE else roles[box]
        boxes[box] = Content(title, numbers[box], kind, _column(box), tuple(rows), _sorted(shared), tuple(members[box]))
    arcs = {(owner[p], box): None for box in numbers for name in own[box] for p in model.parents[name] if p in owner and owner[p] != box}
    return Graph(
        {name: _background(name, letters[name], language, seen) for name in background},
        {box: boxes[box] for box in _in_order(list(boxes), list(arcs))},
        tuple(arcs),
        {option: _option(option, model, marks, language, seen) for option in labels()["options"]},
    )


def _owners(model: Model, roles: Mapping[str, str]) -> dict[str, str]:
    """Return for every variable that is neither background nor outcome the box that it is drawn in."""
    owner: dict[str, str] = {}
    for name in model.states:
        if roles[name] in ("latent", "summary"):
            owner[name] = COVERAGE if name.removeprefix("covered_") in CLASSES else name
        elif roles[name] == "finding":
            unobserved = [parent for parent in model.parents[name] if roles[parent] != "background"]
            owner[name] = owner[unobserved[0]] if len(unobserved) <= MOST_ATTACHED else name
    return owner


def _in_order(names: Sequence[str], arcs: Sequence[tuple[str, str]]) -> list[str]:
    """Return the boxes with parents before their children."""
    left, ordered = list(names), list[str]()
    while left:
        name = next(n for n in left if not any(child == n and parent in left for parent, child in arcs))
        ordered.append(name)
        left.remove(name)
    return ordered


def _column(box: str) -> int:
    if box == COVERAGE:
        return COLUMN_OF_STAGE["mechanism"]
    return COLUMN_OF_SUMMARY[box] if box in COLUMN_OF_SUMMARY else COLUMN_OF_STAGE[variables()[box].stage]


def _sorted(marks: Sequence[str]) -> tuple[str, ...]:
    """Return each mark once, letters first, numbers by size."""
    return tuple(sorted(set(marks), key=lambda mark: (mark.isdigit(), int(mark) if mark.isdigit() else 0, mark)))


def _state_rows(name: str, language: str, seen: Seen, letters: Mapping[str, str], model: Model) -> list[Row]:
    """Return the rows of a variable's states with their posteriors; without a patient only the classes have rows."""
    record, posterior = variables()[name], seen.posteriors.get(name)
    if name.removeprefix("covered_") in CLASSES:
        # What only some of the classes depend on is marked in the row of each.
        common = set.intersection(*(set(model.parents[f"covered_{drug_class}"]) for drug_class in CLASSES))
        marks = [letters[p] for p in model.parents[name] if p in letters and p not in common]
        chance = None if posterior is None else float(posterior[record.state_ids.index("yes")])
        return [Row(label("options", name.removeprefix("covered_"), language), _sorted(marks), None, chance)]
    if name in seen.texts:
        return [Row("", (), seen.texts[name])]
    if posterior is None:
        return []
    pairs = [(state, float(p)) for state, p in zip(record.states, posterior, strict=True)]
    shown = [pair for pair in pairs if pair[0].id == "yes"] if record.state_ids == ("no", "yes") else pairs
    return [Row(state.label[language], (), None, p) for state, p in shown]


def _finding_row(name: str, marks: Sequence[str], language: str, seen: Seen) -> Row:
    return Row(variables()[name].label[language], _sorted(marks), seen.texts.get(name))


def _background(name: str, letter: str, language: str, seen: Seen) -> Content:
    text = seen.texts.get(name)
    rows = (Row("", (), text),) if text is not None else ()
    return Content(variables()[name].label[language], letter, "background", 0, rows, (), (name,))


def _option(option: str, model: Model, marks: Mapping[str, str], language: str, seen: Seen) -> Content:
    members = [name for name in model.states if variables()[name].role == "outcome" and name.endswith(f"_{option}")]
    parents = {p for name in members for p in model.parents[name]} - set(members)
    rows = (Row(LDA_LABEL[language], (), None, seen.lda[option]),) if option in seen.lda else ()
    return Content(
        label("options", option, language), "", "option", 0, rows, _sorted([marks[p] for p in parents if p in marks]), tuple(members)
    )
