"""`refra.show`: everything on record about a variable, a parameter, a study or a row of evidence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from ..data.errors import unknown_name
from ..data.fitted import fitted
from ..data.loading import NOT_A_NODE, evidence, parameters, studies, unused_evidence, variables
from ..data.records import Parameter, State
from ..model.assembly import central_model
from ..model.draws import natural
from ..model.network import Model
from .display_layout import Columns, Prose, bar, heading, identifier, lines, pairs, share, span, to_text
from .influence import UNTOUCHED
from .querying import query

Record = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """What is on record about one name.

    `kind` is variable, parameter, study or evidence, `name` the id, `also` the other kinds that the name stands for, `data` the record and
    what is linked to it, as plain values that JSON can hold. `str()` gives it as text.
    """

    kind: str
    name: str
    data: Mapping[str, Any]
    also: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return kind, name and record as plain values."""
        return {"kind": self.kind, "name": self.name, "also": list(self.also), **deepcopy(dict(self.data))}

    def text(self, width: int = 100, color: bool = False) -> str:
        """Return the record as text of at most `width` columns; `color` adds terminal colours."""
        parts: list[RenderableType] = [Prose(f"{self.name} ({self.kind})", style="bold")]
        if self.also:
            parts.append(Prose(f"The name also stands for: {', '.join(self.also)}. This is the {self.kind}."))
        return to_text([*parts, Text(), *PARTS[self.kind](self.data)], width, color)

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
    }  # fmt: skip


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _parameter_line(record: Parameter) -> Record:
    return {"id": record.id, "value": record.centre, "low": record.range_low, "high": record.range_high, "status": record.status}


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
    return {"value": value, "low": low, "high": high, "unit": record.unit, "contraction": float(1 - deviates.var())}


def _fitted_text(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "was no part of it"
    said = "the published numbers say nothing of it" if found["contraction"] <= UNTOUCHED else f"contraction {found['contraction']:.2f}"
    return f"{_with_range(found)}; {said}"


def _evidence_line(name: str) -> Record:
    row = evidence()[name]
    return {
        "id": row.id, "study": row.study_id, "citation": studies()[row.study_id].citation, "quantity": row.quantity, "measure": row.measure,
        "value": row.value, "low": row.ci_low, "high": row.ci_high, "unit": row.unit, "use": row.use, "verified": row.verified,
    }  # fmt: skip


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
    return {**record, "evidence": [_evidence_line(row) for row in rows], "parameters": _resting_on(rows)}


def _evidence(name: str) -> Record:
    record = asdict(evidence()[name])
    record.pop("id")
    study = studies()[record["study_id"]]
    linked = {"citation": study.citation, "doi": study.doi, "pmid": study.pmid, "unused_because": unused_evidence().get(name, "")}
    return {**record, **linked, "parameters": _resting_on([name])}


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}" if abs(value) >= 1000 else f"{value:.4g}"


def _with_range(record: Mapping[str, Any]) -> str:
    ends = [_number(record[end]) for end in ("low", "high")]
    unit = f" {record['unit']}" if record.get("unit") else ""
    return f"{_number(record['value'])}{unit}" + (f" ({ends[0]} to {ends[1]})" if all(ends) else "")


def _cutoffs(state: State) -> str:
    if state.low is None and state.high is None:
        return ""
    if state.low is None:
        return f"below {_number(state.high)}"
    return f"{_number(state.low)} or more" if state.high is None else f"{_number(state.low)} to below {_number(state.high)}"


def _filled(*rows: tuple[str, str | None]) -> RenderableType:
    return pairs((name, text) for name, text in rows if text)


def _section(title: str, *content: RenderableType) -> list[RenderableType]:
    return [Text(), heading(title), *content]


def _downstream(names: Sequence[str]) -> str:
    outcomes = sum(variables()[name].role == "outcome" for name in names)
    rest = [name for name in names if variables()[name].role != "outcome"]
    return ", ".join([*rest, *([f"and {outcomes} outcomes of the options"] if outcomes else [])])


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _parameter_table(records: Sequence[Mapping[str, Any]]) -> Columns:
    heads = ("Parameter", "Value (95 % interval)", "Status")
    return Columns(heads, [(record["id"], _with_range(record), record["status"]) for record in records], wrap=())


def _evidence_table(records: Sequence[Mapping[str, Any]], citation: bool = True) -> Columns:
    heads = ("Evidence", *(("Study",) if citation else ()), "Quantity", "Value (95 % interval)")
    rows = [(r["id"], *((r["citation"],) if citation else ()), r["quantity"], _with_range(r)) for r in records]
    return Columns(heads, rows, wrap=range(1, len(heads) - 1))


def _variable_parts(data: Mapping[str, Any]) -> list[RenderableType]:
    rows = []
    for entry in data["states"]:
        cuts = _cutoffs(State(entry["id"], entry["label"], entry["low"], entry["high"]))
        p, ends = entry["probability"], (entry["probability_low"], entry["probability_high"])
        rows.append((entry["id"], f"{entry['label']['en']} / {entry['label']['zh']}", cuts, bar(p, 10), share(p), span(*ends)))
    parts: list[RenderableType] = [
        _filled(
            ("Label", f"{data['label']['en']} / {data['label']['zh']}"), ("Meaning", data["sentence"]), ("Role", data["role"]),
            ("Stage", data["stage"]), ("Unit", data["unit"]), ("LOINC", data["loinc"]), ("Parents", _names(data["parents"])),
            ("Children", _names(data["children"])),
        ),
        *_section(
            "States, and their probability in a patient of whom nothing is known",
            Columns(("State", "Label", "Cut-offs", "", "Probability", "Interval"), rows, right=(4, 5), wrap=(0, 1, 2)),
        ),
    ]  # fmt: skip
    if data["parameters"]:
        parts += _section("Parameters of its table", _parameter_table(data["parameters"]))
    return parts


def _distribution(data: Mapping[str, Any]) -> str:
    scale = {"logit_normal": "log odds", "lognormal": "natural logarithm"}.get(data["distribution"], "number itself")
    return f"{data['distribution']}, standard deviation {_number(data['spread'])} of the {scale}"


def _parameter_parts(data: Mapping[str, Any]) -> list[RenderableType]:
    node = data["node"]
    meaning = "no variable: a weight in the utility of the options" if node in NOT_A_NODE else f"{node}: {variables()[node].sentence}"
    arguments = ", ".join(f"{name}={value}" for name, value in data["arguments"].items())
    derivation = data["derivation"] + (f" ({arguments})" if data["derivation"] and arguments else "")
    parts: list[RenderableType] = [
        _filled(
            ("Value", _with_range(data)),
            ("After the joint fit", _fitted_text(data["fitted"])),
            ("Kind", data["kind_of_number"].replace("_", " ")),
            ("Distribution", _distribution(data)),
            ("Status", data["status"]),
            ("Belongs to", meaning),
            ("State", data["state"]),
            ("Given", data["given"]),
            ("Derivation", derivation),
            ("Rationale", data["rationale"]),
            ("Gap", data["gap"]),
            ("Tables", ", ".join(data["tables"])),
            ("Downstream", _downstream(data["downstream"])),
        )
    ]
    for key, title in (("evidence_for", "Evidence for it"), ("evidence_against", "Evidence against it")):
        if data[key]:
            parts += _section(title, _evidence_table(data[key]))
    return parts


def _study_parts(data: Mapping[str, Any]) -> list[RenderableType]:
    parts: list[RenderableType] = [
        _filled(
            ("Citation", data["citation"]), ("Title", data["title"]), ("Year", data["year"]),
            ("Identifier", identifier(data["doi"], "") or identifier("", data["pmid"]) or "none on record"),
            ("PubMed", data["pmid"] if data["doi"] else ""), ("Origin", data["identifier_status"].replace("_", " ")),
            ("Note", data["identifier_note"]),
        )
    ]  # fmt: skip
    if data["evidence"]:
        parts += _section("Its rows of evidence", _evidence_table(data["evidence"], citation=False))
    return parts + _resting_parts(data["parameters"])


def _resting_parts(records: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    if not records:
        return _section("Parameters that rest on it", Prose("none"))
    rows = [(r["id"], _with_range(r), r["status"], "for" if r["evidence_for"] else "against") for r in records]
    return _section("Parameters that rest on it", Columns(("Parameter", "Value (95 % interval)", "Status", "Speaks"), rows, wrap=()))


def _evidence_parts(data: Mapping[str, Any]) -> list[RenderableType]:
    value = _with_range({**data, "low": data["ci_low"], "high": data["ci_high"]})
    found = identifier(data["doi"], data["pmid"])
    return [
        _filled(
            ("Quantity", data["quantity"]),
            ("Value", value),
            ("Measure", data["measure"].replace("_", " ")),
            ("Events", _number(data["events"])),
            ("n", _number(data["n"])),
            ("Population", data["population"]),
            ("Condition", data["condition"]),
            ("Comparator", data["comparator"]),
            ("Time", data["timepoint"]),
            ("Design", data["design"].replace("_", " ")),
            ("Study", f"{data['study_id']}: {data['citation']}" + (f", {found}" if found else "")),
            ("Read at", data["source_url"]),
            ("Verified", data["verified"]),
            ("Use", data["use"]),
            ("Unused because", data["unused_because"]),
            ("Note", data["note"]),
        ),
        *_resting_parts(data["parameters"]),
    ]


RECORDS: Mapping[str, tuple[Callable[[], Mapping[str, Any]], Callable[[str], Record]]] = {
    "variable": (variables, _variable),
    "parameter": (parameters, _parameter),
    "study": (studies, _study),
    "evidence": (evidence, _evidence),
}
PARTS: Mapping[str, Callable[[Mapping[str, Any]], list[RenderableType]]] = {
    "variable": _variable_parts,
    "parameter": _parameter_parts,
    "study": _study_parts,
    "evidence": _evidence_parts,
}
