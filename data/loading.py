"""The one loader of evidence, studies, parameters and variables; it refuses what does not fit and says what would."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar

from .errors import RecordError
from .records import Evidence, Parameter, State, Study, Variable
from .tables import Row, number, read_csv, read_yaml, refuse

EVIDENCE_COLUMNS = (
    "id", "topic", "quantity", "population", "condition", "comparator", "measure", "value", "ci_low", "ci_high",
    "events", "n", "unit", "timepoint", "study_id", "design", "source_url", "verified", "note", "use",
)  # fmt: skip
STUDY_COLUMNS = (
    "study_id", "citation", "title", "year", "doi", "pmid", "identifier_status", "identifier_verified",
    "identifier_note",
)  # fmt: skip
PARAMETER_COLUMNS = (
    "id", "node", "state", "given", "kind", "unit", "distribution", "centre", "spread", "evidence_for",
    "evidence_against", "derivation", "arguments", "rationale", "gap", "status", "range_low", "range_high",
)  # fmt: skip
UNUSED_COLUMNS = ("id", "reason")

MEASURES = (
    "proportion", "odds_ratio", "risk_ratio", "hazard_ratio", "mean", "mean_difference", "median", "sensitivity",
    "specificity", "auc", "correlation", "rate_per_100py", "cutoff", "risk_difference", "ratio",
    "ratio_of_risk_ratios", "regression_slope", "relative_change", "kappa",
)  # fmt: skip
PROPORTION_MEASURES = ("proportion", "sensitivity", "specificity", "auc")
TOPICS = (
    "adherence", "immunogenicity", "exposure", "pathway", "biomarker", "next_line", "harm", "noninflammatory",
    "definition", "measurement", "d2t_cohort", "temporal", "background",
)  # fmt: skip
USES = ("calibration", "validation", "context")
VERIFIED = ("read", "abstract", "recalled")
ROLES = ("background", "latent", "finding", "summary", "outcome")
STAGES = ("background", "exposure", "mechanism", "pain", "summary", "outcome", "harm")
KINDS = {
    "probability": ("logit_normal",),
    "weight": ("lognormal",),
    "median": ("lognormal",),
    "rate": ("lognormal",),
    "ratio": ("lognormal",),
    "log_odds_ratio": ("normal",),
    "difference": ("normal",),
    "utility": ("lognormal",),
}
STATUSES = ("measured", "pooled", "derived", "judgement")
NOT_A_NODE = ("utility",)

T = TypeVar("T")


def _needed(row: Row, field: str) -> float:
    value = number(row, field)
    if value is None:
        raise refuse(row, field, "nothing given; a number is accepted")
    return value


def _among(row: Row, field: str, accepted: Iterable[str]) -> str:
    text = row[2][field]
    names = tuple(accepted)
    if text not in names:
        raise refuse(row, field, f"{text!r}; accepted: {', '.join(names)}")
    return text


def _by_id(rows: Iterable[Row], build: Callable[[Row], T], key: str = "id") -> Mapping[str, T]:
    found: dict[str, T] = {}
    for row in rows:
        identifier = row[2][key]
        if not identifier:
            raise refuse(row, key, "empty; every record needs an id of its own")
        if identifier in found:
            raise refuse(row, key, f"{identifier!r} stands twice; every id is accepted once")
        found[identifier] = build(row)
    return MappingProxyType(found)


def build_evidence(row: Row, studies: Mapping[str, Study]) -> Evidence:
    """Turn one row of `evidence.csv` into a record, or refuse it."""
    record = row[2]
    measure = _among(row, "measure", MEASURES)
    value = _needed(row, "value")
    low, high = number(row, "ci_low"), number(row, "ci_high")
    if measure in PROPORTION_MEASURES and not 0 <= value <= 1:
        raise refuse(row, "value", f"{value} for a {measure}; 0 to 1 is accepted")
    if low is not None and high is not None and not low <= value <= high:
        raise refuse(row, "ci_low, ci_high", f"{low} to {high} does not hold the value {value}")
    events, n = number(row, "events"), number(row, "n")
    if events is not None and n is not None and events > n:
        raise refuse(row, "events", f"{events} events among {n}; at most n is accepted")
    if record["study_id"] not in studies:
        raise refuse(row, "study_id", f"{record['study_id']!r} is not in data/evidence/studies.csv")
    return Evidence(
        id=record["id"], topic=_among(row, "topic", TOPICS), quantity=record["quantity"],
        population=record["population"], condition=record["condition"], comparator=record["comparator"],
        measure=measure, value=value, ci_low=low, ci_high=high, events=events, n=n, unit=record["unit"],
        timepoint=record["timepoint"], study_id=record["study_id"], design=record["design"],
        source_url=record["source_url"], verified=_among(row, "verified", VERIFIED), note=record["note"],
        use=_among(row, "use", USES),
    )  # fmt: skip


def build_study(row: Row) -> Study:
    """Turn one row of `studies.csv` into a record."""
    return Study(**{("id" if key == "study_id" else key): value for key, value in row[2].items()})


def parse_arguments(row: Row) -> Mapping[str, str]:
    """Read `name=value; name=value` of a derivation's arguments."""
    found: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in row[2]["arguments"].split(";"))):
        name, sign, value = part.partition("=")
        if not sign:
            raise refuse(row, "arguments", f"{part!r}; accepted: name=value; name=value")
        found[name.strip()] = value.strip()
    return MappingProxyType(found)


def build_parameter(row: Row, evidence: Mapping[str, Evidence], variables: Mapping[str, Variable]) -> Parameter:
    """Turn one row of `parameters.csv` into a record, or refuse it."""
    record = row[2]
    node = _among(row, "node", (*variables, *NOT_A_NODE))
    kind = _among(row, "kind", KINDS)
    distribution = _among(row, "distribution", KINDS[kind])
    centre, spread = _needed(row, "centre"), _needed(row, "spread")
    if kind == "probability" and not 0 < centre < 1:
        raise refuse(row, "centre", f"{centre} for a probability; a number between 0 and 1 is accepted")
    if distribution == "lognormal" and centre <= 0:
        raise refuse(row, "centre", f"{centre} for a {kind}; a number above 0 is accepted")
    if spread <= 0:
        raise refuse(row, "spread", f"{spread}; a number above 0 is accepted")
    if record["state"] and node in variables:
        known = variables[node].state_ids
        unknown = [state for state in record["state"].split("|") if state not in known]
        if unknown:
            raise refuse(row, "state", f"{unknown[0]!r} is no state of {node}; accepted: {', '.join(known)}")
    status = _among(row, "status", STATUSES)
    support = tuple(record["evidence_for"].split())
    against = tuple(record["evidence_against"].split())
    for field, ids in (("evidence_for", support), ("evidence_against", against)):
        for identifier in ids:
            if identifier not in evidence:
                raise refuse(row, field, f"{identifier!r} is not in data/evidence/evidence.csv")
            if evidence[identifier].use == "validation":
                raise refuse(row, field, f"{identifier!r} is kept for validation; only other rows are accepted")
    if status == "judgement":
        if not record["rationale"]:
            raise refuse(row, "rationale", "empty; a judgement needs its reason")
    else:
        if not support:
            raise refuse(row, "evidence_for", f"empty; a {status} parameter needs evidence")
        if not record["derivation"]:
            raise refuse(row, "derivation", f"empty; a {status} parameter names the function that computes it")
        for identifier in support:
            if evidence[identifier].verified == "recalled":
                raise refuse(row, "evidence_for", f"{identifier!r} is recalled; a {status} parameter rests on read rows")
            if evidence[identifier].use != "calibration":
                raise refuse(row, "evidence_for", f"{identifier!r} is {evidence[identifier].use}; calibration is accepted")
    low, high = _needed(row, "range_low"), _needed(row, "range_high")
    if not low <= centre <= high:
        raise refuse(row, "range_low, range_high", f"{low} to {high} does not hold the centre {centre}")
    return Parameter(
        id=record["id"], node=node, state=record["state"], given=record["given"], kind=kind, unit=record["unit"],
        distribution=distribution, centre=centre, spread=spread, evidence_for=support, evidence_against=against,
        derivation=record["derivation"], arguments=parse_arguments(row), rationale=record["rationale"],
        gap=record["gap"], status=status, range_low=low, range_high=high,
    )  # fmt: skip


def build_variable(record: Mapping[str, Any]) -> Variable:
    """Turn one entry of `variables.yaml` into a record, or refuse it."""
    name = f"data/variables/variables.yaml, {record.get('id')}"
    if record.get("role") not in ROLES:
        raise RecordError(f"{name}, role: {record.get('role')!r}; accepted: {', '.join(ROLES)}")
    if record.get("stage") not in STAGES:
        raise RecordError(f"{name}, stage: {record.get('stage')!r}; accepted: {', '.join(STAGES)}")
    states = tuple(
        State(str(s["id"]), MappingProxyType({"en": s["en"], "zh": s["zh"]}), s.get("low"), s.get("high")) for s in record["states"]
    )
    ids = [state.id for state in states]
    if len(states) < 2 or len(set(ids)) != len(ids):
        raise RecordError(f"{name}, states: {ids}; at least two different states are accepted")
    label = record.get("label") or {}
    if not label.get("en") or not label.get("zh"):
        raise RecordError(f"{name}, label: {label}; an English (en) and a Chinese (zh) label are wanted")
    return Variable(
        id=record["id"], label=MappingProxyType(dict(label)), role=record["role"], stage=record["stage"],
        sentence=record["sentence"], states=states, unit=record.get("unit"), loinc=record.get("loinc"),
    )  # fmt: skip


@cache
def variables() -> Mapping[str, Variable]:
    """Return every variable of the network by id, in the order of the file."""
    found: dict[str, Variable] = {}
    for record in read_yaml("variables", "variables.yaml"):
        variable = build_variable(record)
        if variable.id in found:
            raise RecordError(f"data/variables/variables.yaml, {variable.id}: the id stands twice")
        found[variable.id] = variable
    return MappingProxyType(found)


@cache
def studies() -> Mapping[str, Study]:
    """Return every study by id."""
    rows = read_csv("evidence", "studies.csv", columns=STUDY_COLUMNS)
    return _by_id(rows, build_study, "study_id")


@cache
def evidence() -> Mapping[str, Evidence]:
    """Return every row of the evidence registry by id."""
    rows = read_csv("evidence", "evidence.csv", columns=EVIDENCE_COLUMNS)
    return _by_id(rows, lambda row: build_evidence(row, studies()))


@cache
def parameters() -> Mapping[str, Parameter]:
    """Return every parameter record by id, in the order of the file."""
    rows = read_csv("parameters", "parameters.csv", columns=PARAMETER_COLUMNS)
    return _by_id(rows, lambda row: build_parameter(row, evidence(), variables()))


@cache
def unused_evidence() -> Mapping[str, str]:
    """Return the reason why a calibration row stands behind no parameter, by the row's id."""

    def reason(row: Row) -> str:
        if row[2]["id"] not in evidence():
            raise refuse(row, "id", "not in data/evidence/evidence.csv")
        if not row[2]["reason"]:
            raise refuse(row, "reason", "empty; a reason is wanted")
        return row[2]["reason"]

    return _by_id(read_csv("evidence", "unused.csv", columns=UNUSED_COLUMNS), reason)
