"""`refra.show`: everything on record about a variable, a parameter, a study or a row of evidence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.text import Text

from ..data.errors import unknown_name
from ..data.fitted import fitted
from ..data.loading import evidence, parameters, studies, unused_evidence, variables
from ..data.records import Parameter
from ..data.writing import write_page
from ..model.assembly import central_model
from ..model.draws import natural
from ..model.network import Model
from . import html
from .display_layout import lines, to_text
from .parts import Part, Section, Sentence, as_html, as_renderables
from .querying import query
from .showing_parts import PARTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Record = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """What is on record about one name.

    `kind` is variable, parameter, study or evidence, `name` the id, `also` the other kinds that the name stands for, `data` the record and
    what is linked to it, as plain values that JSON can hold. `str()` gives it as text; a notebook shows it as HTML.
    """

    kind: str
    name: str
    data: Mapping[str, Any] = field(repr=False)
    also: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return kind, name and record as plain values."""
        return {"kind": self.kind, "name": self.name, "also": list(self.also), **deepcopy(dict(self.data))}

    def text(self, width: int = 100, color: bool = False) -> str:
        """Return the record as text of at most `width` columns; `color` adds terminal colours."""
        return to_text([*as_renderables(self._head()), Text(), *as_renderables(PARTS[self.kind](self.data))], width, color)

    def to_html(self) -> str:
        """Return the record as an HTML page of its own, without scripts and with nothing to load."""
        return html.document(f"{self.name} ({self.kind})", self._html_parts())

    def save_html(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the record to an HTML file and return its path.

        A file that exists is replaced if it is a page that refra wrote, any other only with `overwrite`. Raises `FindingError` where it
        cannot be written.
        """
        return write_page(path, self.to_html(), overwrite)

    def plot(self) -> Figure:
        """Return a variable's states, or a parameter before and after the fit beside its evidence, as a matplotlib figure.

        Raises `FindingError` for a study or a row of evidence.
        """
        from .plots_records import plot_record

        return plot_record(self)

    def _head(self) -> list[Part]:
        title = Section(f"{self.name} ({self.kind})", level=1)
        others = f"The name also stands for: {', '.join(self.also)}. This is the {self.kind}."
        return [title, Sentence(others)] if self.also else [title]

    def _html_parts(self) -> list[html.Html]:
        return as_html([*self._head(), *PARTS[self.kind](self.data)])

    def _repr_html_(self) -> str:
        return html.fragment(self._html_parts())

    def __str__(self) -> str:
        """Show the record as a terminal does."""
        return self.text()


def show(name: str) -> Shown:
    """Return what is on record about a variable, a parameter, a study or a row of evidence, by its id.

    A name of several kinds means the first of these; `also` names the others. Raises `UnknownNameError`, with the nearest ids of all kinds,
    for any other name.
    """
    kinds = [kind for kind, (ids, _) in RECORDS.items() if name in ids()]
    if not kinds:
        raise unknown_name("name", name, [known for ids, _ in RECORDS.values() for known in ids()])
    return Shown(kinds[0], name, RECORDS[kinds[0]][1](name), tuple(kinds[1:]))


def below(model: Model, names: Iterable[str]) -> list[str]:
    """Return the variables of a network that depend on these, in the network's order, without these themselves."""
    own = set(names)
    found = set(own)
    # A model lists parents before their children.
    for variable, parents in model.parents.items():
        if found.intersection(parents):
            found.add(variable)
    return [variable for variable in model.parents if variable in found - own]


def _variable(name: str) -> Record:
    variable, model = variables()[name], central_model()
    states = [
        {
            "id": state.id, "label": dict(state.label), "low": _finite(state.low), "high": _finite(state.high),
            "probability": row.probability, "probability_low": row.low, "probability_high": row.high,
        }
        for state, row in zip(variable.states, lines(query(name)), strict=True)
    ]  # fmt: skip
    return {
        "label": dict(variable.label), "sentence": variable.sentence, "role": variable.role, "stage": variable.stage,
        "unit": variable.unit, "loinc": variable.loinc, "states": states, "parents": list(model.parents[name]),
        "children": [child for child, parents in model.parents.items() if name in parents],
        "parameters": [_parameter_line(parameters()[identity]) for identity in model.parameters[name]],
        "studies": _studies_behind(model.parameters[name]), "downstream": below(model, [name]),
    }  # fmt: skip


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _parameter_line(record: Parameter) -> Record:
    ends = {"low": record.range_low, "high": record.range_high}
    return {"id": record.id, "value": record.centre, **ends, "unit": record.unit, "status": record.status}


def _parameter(name: str) -> Record:
    record, model = parameters()[name], central_model()
    tables = [variable for variable, used in model.parameters.items() if name in used]
    return {
        "node": record.node, "state": record.state, "given": record.given, "kind_of_number": record.kind, "unit": record.unit,
        "value": record.centre, "low": record.range_low, "high": record.range_high, "distribution": record.distribution,
        "spread": record.spread, "status": record.status, "derivation": record.derivation, "arguments": dict(record.arguments),
        "rationale": record.rationale, "gap": record.gap,
        "fitted": _after_the_fit(record),
        "evidence_for": [_evidence_line(identity) for identity in record.evidence_for],
        "evidence_against": [_evidence_line(identity) for identity in record.evidence_against],
        "tables": tables, "downstream": below(model, tables),
    }  # fmt: skip


def _after_the_fit(record: Parameter) -> Record | None:
    """Return a parameter's value after the joint fit, its 95 % interval and how much of its variance the fit took away."""
    deviates = fitted().column(record.id)
    if deviates is None:
        return None
    value, low, high = natural(record, np.array([fitted().centre(record.id), *np.quantile(deviates, [0.025, 0.975])])).tolist()
    return {"value": value, "low": low, "high": high, "unit": record.unit, "contraction": fitted().contraction(record.id)}


def _evidence_line(name: str) -> Record:
    row = evidence()[name]
    return {
        "id": row.id, "study": row.study_id, "citation": studies()[row.study_id].citation, "quantity": row.quantity, "measure": row.measure,
        "value": row.value, "low": row.ci_low, "high": row.ci_high, "unit": row.unit, "use": row.use, "verified": row.verified,
    }  # fmt: skip


def _studies_behind(names: Iterable[str]) -> list[Record]:
    """Return the studies that parameters cite, with the numbers of their rows for and against."""
    counts: dict[str, Record] = {}
    for record in (parameters()[name] for name in names):
        for side, ids in (("rows_for", record.evidence_for), ("rows_against", record.evidence_against)):
            for identity in ids:
                study = evidence()[identity].study_id
                found = counts.setdefault(
                    study, {"study": study, "citation": studies()[study].citation, "rows_for": [], "rows_against": []}
                )
                if identity not in found[side]:
                    found[side].append(identity)
    return sorted(counts.values(), key=lambda found: found["citation"])


def _reached_by(names: Iterable[str]) -> list[str]:
    """Return the variables whose tables are built from parameters, and all that depend on these, in the network's order."""
    model, wanted = central_model(), set(names)
    tables = [variable for variable, used in model.parameters.items() if wanted.intersection(used)]
    reached = {*tables, *below(model, tables)}
    return [variable for variable in model.parents if variable in reached]


def _resting_on(ids: Iterable[str]) -> list[Record]:
    wanted = set(ids)
    found = []
    for record in parameters().values():
        support, against = ([i for i in side if i in wanted] for side in (record.evidence_for, record.evidence_against))
        if support or against:
            found.append({**_parameter_line(record), "evidence_for": support, "evidence_against": against})
    return found


def _study(name: str) -> Record:
    rows = [row.id for row in evidence().values() if row.study_id == name]
    record = asdict(studies()[name])
    record.pop("id")
    resting = _resting_on(rows)
    reached = _reached_by(line["id"] for line in resting)
    return {**record, "evidence": [_evidence_line(row) for row in rows], "parameters": resting, "downstream": reached}


def _evidence(name: str) -> Record:
    record = asdict(evidence()[name])
    record.pop("id")
    study = studies()[record["study_id"]]
    linked = {"citation": study.citation, "doi": study.doi, "pmid": study.pmid, "unused_because": unused_evidence().get(name, "")}
    resting = _resting_on([name])
    return {**record, **linked, "parameters": resting, "downstream": _reached_by(line["id"] for line in resting)}


RECORDS: Mapping[str, tuple[Callable[[], Mapping[str, Any]], Callable[[str], Record]]] = {
    "variable": (variables, _variable),
    "parameter": (parameters, _parameter),
    "study": (studies, _study),
    "evidence": (evidence, _evidence),
}
