"""What `refra.show` says of a record, as parts for a terminal and for HTML."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..data.loading import NOT_A_NODE, PROPORTION_MEASURES, parameters, variables
from ..data.records import State
from .display_layout import share, span
from .influence import UNTOUCHED
from .parts import Cell, Grid, Link, Measured, Meter, Pairs, Part, Section, Sentence, Space, study_link


def _fitted_text(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "was no part of it"
    said = "the published numbers say nothing of it" if found["contraction"] <= UNTOUCHED else f"contraction {found['contraction']:.2f}"
    return f"{_with_range(found)}; {said}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}" if abs(value) >= 1000 else f"{value:.4g}"


def _with_range(record: Mapping[str, Any]) -> str:
    ends = [_number(record[end]) for end in ("low", "high")]
    unit = f" {record['unit']}" if record.get("unit") else ""
    return f"{_number(record['value'])}{unit}" + (f" ({ends[0]} to {ends[1]})" if all(ends) else "")


def cutoff_words(state: State, whole: bool = False) -> str:
    """Return the values of a state in words: the low limit belongs to it, the high one does not.

    Limits of a `whole` number lie half-way between two numbers. A limit that is a hair above a round number gives that number to the state
    below.
    """
    low, high = (end if end is not None and math.isfinite(end) else None for end in (state.low, state.high))
    if low is None and high is None:
        return ""
    if whole:
        least, most = math.ceil(low or 0), None if high is None else math.floor(high)
        return f"{least} or more" if most is None else f"{least}" if least == most else f"{least} to {most}"
    first, last = (None if end is None else round(end, 3) for end in (low, high))
    if first is not None and first == last:
        return _number(first)
    end = "" if high is None or last is None else f"up to {_number(last)}" if last < high else f"below {_number(last)}"
    if not low or first is None:
        return end
    start = f"above {_number(first)}" if first < low else _number(first)
    if not end:
        return start if first < low else f"{start} or more"
    return f"{start} to {end.removeprefix('up to ')}"


def cut_between_whole_numbers(states: Sequence[State]) -> bool:
    """Return whether the limits of a variable's states lie between whole numbers, as those of counts and scores do."""
    limits = [limit for state in states for limit in (state.low, state.high) if limit is not None and math.isfinite(limit)]
    return bool(limits) and all(limit % 1 == 0.5 for limit in limits)


def _filled(*rows: tuple[str, Cell | None]) -> Pairs:
    return Pairs([(name, cell) for name, cell in rows if cell])


def _section(title: str, *content: Part) -> list[Part]:
    return [Section(title), *content]


def _drawn(record: Mapping[str, Any], whole: bool) -> Cell:
    """Return a value with its interval, which HTML draws from 0 to 1 where the number is a share of a `whole`."""
    text = _with_range(record)
    return Measured(text, record["value"], record["low"], record["high"], 0.0, 1.0) if whole else text


def _parameter_value(record: Mapping[str, Any]) -> Cell:
    return _drawn(record, parameters()[record["id"]].kind == "probability")


def _evidence_value(record: Mapping[str, Any]) -> Cell:
    return _drawn(record, record["measure"] in PROPORTION_MEASURES and 0 <= record["value"] <= 1)


def _downstream(names: Sequence[str]) -> str:
    outcomes = sum(variables()[name].role == "outcome" for name in names)
    rest = [name for name in names if variables()[name].role != "outcome"]
    counted = f"{outcomes} outcome{'s' if outcomes > 1 else ''} of the options"
    return ", ".join(rest) + (f"{', and ' if rest else ''}{counted}" if outcomes else "")


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _parameter_table(records: Sequence[Mapping[str, Any]]) -> Grid:
    heads = ("Parameter", "Record (95 % interval)", "Status")
    return Grid(heads, [(record["id"], _parameter_value(record), record["status"]) for record in records], wrap=())


def _evidence_table(records: Sequence[Mapping[str, Any]], citation: bool = True) -> Grid:
    heads = ("Evidence", *(("Study",) if citation else ()), "Quantity", "Value (95 % interval)")
    rows = [(r["id"], *((r["citation"],) if citation else ()), r["quantity"], _evidence_value(r)) for r in records]
    return Grid(heads, rows, wrap=range(1, len(heads) - 1))


def _variable_parts(data: Mapping[str, Any]) -> list[Part]:
    rows = []
    states = [State(entry["id"], entry["label"], entry["low"], entry["high"]) for entry in data["states"]]
    whole = cut_between_whole_numbers(states)
    for entry, state in zip(data["states"], states, strict=True):
        cuts = cutoff_words(state, whole)
        p, ends = entry["probability"], (entry["probability_low"], entry["probability_high"])
        rows.append((entry["id"], f"{entry['label']['en']} / {entry['label']['zh']}", cuts, Meter(p, *ends), share(p), span(*ends)))
    parts: list[Part] = [
        _filled(
            ("Label", f"{data['label']['en']} / {data['label']['zh']}"), ("Meaning", data["sentence"]), ("Role", data["role"]),
            ("Stage", data["stage"]), ("Unit", data["unit"]), ("LOINC", data["loinc"]), ("Parents", _names(data["parents"])),
            ("Children", _names(data["children"])), ("Downstream", _downstream(data["downstream"])),
        ),
        *_section(
            "States, and their probability in a patient of whom nothing is known",
            Grid(("State", "Label", "Cut-offs", "", "Probability", "95 % interval"), rows, right=(4, 5), wrap=(0, 1, 2)),
        ),
    ]  # fmt: skip
    if data["parameters"]:
        parts += _section("Parameters of its table", _parameter_table(data["parameters"]))
    if data["studies"]:
        cited = [(s["study"], s["citation"], _count(s["rows_for"]), _count(s["rows_against"])) for s in data["studies"]]
        heads = ("Study", "Citation", "Rows for", "Rows against")
        parts += _section("Studies behind these parameters", Grid(heads, cited, right=(2, 3), wrap=(1,)))
    return parts


def _count(rows: Sequence[str]) -> str:
    return str(len(rows)) if rows else ""


def _distribution(data: Mapping[str, Any]) -> str:
    scale = {"logit_normal": "log odds", "lognormal": "natural logarithm"}.get(data["distribution"], "number itself")
    return f"{data['distribution']}, standard deviation {_number(data['spread'])} of the {scale}"


def _before_and_after(data: Mapping[str, Any]) -> tuple[Cell, Cell]:
    """Return a parameter's value on record and after the fit, which HTML draws on one scale."""
    own, after = _with_range(data), data["fitted"]
    ends = [data["low"], data["high"], *((after["low"], after["high"]) if after else ())]
    least, most = (0.0, 1.0) if data["kind_of_number"] == "probability" else (min(0.0, *ends), max(0.0, *ends))
    record = Measured(own, data["value"], data["low"], data["high"], least, most)
    said = _fitted_text(after)
    return record, Measured(said, after["value"], after["low"], after["high"], least, most) if after else said


def _parameter_parts(data: Mapping[str, Any]) -> list[Part]:
    node = data["node"]
    meaning = "no variable: a weight in the utility of the options" if node in NOT_A_NODE else f"{node}: {variables()[node].sentence}"
    arguments = ", ".join(f"{name}={value}" for name, value in data["arguments"].items())
    derivation = data["derivation"] + (f" ({arguments})" if data["derivation"] and arguments else "")
    parts: list[Part] = [
        _filled(
            ("Value", _before_and_after(data)[0]),
            ("After the joint fit", _before_and_after(data)[1]),
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


def _study_parts(data: Mapping[str, Any]) -> list[Part]:
    parts: list[Part] = [
        _filled(
            ("Citation", data["citation"]), ("Title", data["title"]), ("Year", data["year"]),
            ("Identifier", study_link(data["doi"], data["pmid"]) or "none on record"),
            ("PubMed", data["pmid"] if data["doi"] else ""), ("Origin", data["identifier_status"].replace("_", " ")),
            ("Note", data["identifier_note"]),
        )
    ]  # fmt: skip
    if data["evidence"]:
        parts += _section("Its rows of evidence", _evidence_table(data["evidence"], citation=False))
    return parts + _resting_parts(data["parameters"], data["downstream"])


def _resting_parts(records: Sequence[Mapping[str, Any]], downstream: Sequence[str]) -> list[Part]:
    if not records:
        return _section("Parameters that rest on it", Sentence("none"))
    rows = [(r["id"], _parameter_value(r), r["status"], "for" if r["evidence_for"] else "against") for r in records]
    table = Grid(("Parameter", "Record (95 % interval)", "Status", "Speaks"), rows, wrap=())
    reached = _downstream(downstream) or "none: they are weights of the utility"
    return _section("Parameters that rest on it", table, Space(), Pairs([("Downstream", reached)]))


def _evidence_parts(data: Mapping[str, Any]) -> list[Part]:
    value = _evidence_value({**data, "low": data["ci_low"], "high": data["ci_high"]})
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
            ("Study", f"{data['study_id']}: {data['citation']}"),
            ("Identifier", study_link(data["doi"], data["pmid"])),
            ("Read at", Link(data["source_url"], data["source_url"]) if data["source_url"].startswith("https://") else data["source_url"]),
            ("Verified", data["verified"]),
            ("Use", data["use"]),
            ("Unused because", data["unused_because"]),
            ("Note", data["note"]),
        ),
        *_resting_parts(data["parameters"], data["downstream"]),
    ]


PARTS: Mapping[str, Callable[[Mapping[str, Any]], list[Part]]] = {
    "variable": _variable_parts,
    "parameter": _parameter_parts,
    "study": _study_parts,
    "evidence": _evidence_parts,
}
