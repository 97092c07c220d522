"""The one loader of the targets tables of `data/targets`; it refuses what does not fit and says what would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from ...data.errors import RecordError, RefraError
from ...data.loading import PARAMETER_COLUMNS, build_parameter, evidence, variables
from ...data.records import Evidence, Parameter
from ...data.tables import Row, number, read_csv, refuse
from .observing import observe
from .questions import SETTINGS
from .statements import Circumstances, group_of, read_numbers, read_statement, span_of
from .targets import COMPARED, MEASURES, SCORED, Target

FOLDER = "targets"
TARGET_COLUMNS = (
    "evidence", "event", "population", "given", "versus", "versus_event", "scores", "setting", "weeks", "n", "spread", "gap", "note",
)  # fmt: skip
UNEXPRESSED_COLUMNS = ("evidence", "reason")
GAP_COLUMNS = ("id", "sd", "rationale")
BETWEEN_STUDY_COLUMNS = ("design", "scale", "rationale")
GAPS = ("same", "near", "far")
UNSTATED = ("logit", "log", "difference", "median_spread")
WEEKS_A_YEAR = 52.0


@dataclass(frozen=True)
class Gap:
    """A standard deviation on the likelihood's scale and the reason for it."""

    sd: float
    rationale: str


def _number(row: Row, field: str) -> float | None:
    value = number(row, field)
    if value is not None and value <= 0:
        raise refuse(row, field, f"{row[2][field]}; a number above 0 or nothing is accepted")
    return value


def _once(rows: Iterable[Row], accepted: Iterable[str] | None = None) -> Mapping[str, Row]:
    """Return rows by their first field, each once and, where given, among the accepted names."""
    names = None if accepted is None else tuple(accepted)
    found: dict[str, Row] = {}
    for row in rows:
        field, key = next(iter(row[2].items()))
        if key in found:
            raise refuse(row, field, f"{key!r} stands twice; accepted once")
        if names is not None and key not in names:
            raise refuse(row, field, f"{key!r}; accepted: {', '.join(names)}")
        found[key] = row
    return found


def build_gap(row: Row) -> Gap:
    """Turn a row of a table of standard deviations into a record, or refuse it."""
    sd = _number(row, "sd" if "sd" in row[2] else "scale")
    if sd is None:
        raise refuse(row, "sd", "nothing given; a number above 0 is accepted")
    if not row[2]["rationale"]:
        raise refuse(row, "rationale", "empty; a reason is wanted")
    return Gap(sd, row[2]["rationale"])


@cache
def gaps() -> Mapping[str, Gap]:
    """Return the extra standard deviation by gap (`same`, `near`, `far`) and, where a row prints no error, `unstated_<scale>`."""
    wanted = (*GAPS, *(f"unstated_{scale}" for scale in UNSTATED))
    rows = _once(read_csv(FOLDER, "gaps.csv", columns=GAP_COLUMNS), wanted)
    missing = [name for name in wanted if name not in rows]
    if missing:
        raise RecordError(f"data/{FOLDER}/gaps.csv: {missing[0]} is missing; wanted: {', '.join(wanted)}")
    return MappingProxyType({name: build_gap(row) for name, row in rows.items()})


@cache
def between_study() -> Mapping[str, Gap]:
    """Return the prior scale of the standard deviation between studies by design."""
    rows = _once(read_csv(FOLDER, "between_study.csv", columns=BETWEEN_STUDY_COLUMNS))
    return MappingProxyType({name: build_gap(row) for name, row in rows.items()})


@cache
def nuisance() -> Mapping[str, Parameter]:
    """Return the parameters that concern the fit and the validation alone, by id."""
    rows = _once(read_csv(FOLDER, "nuisance.csv", columns=PARAMETER_COLUMNS))
    return MappingProxyType({name: build_parameter(row, evidence(), variables()) for name, row in rows.items()})


def _source(row: Row, use: str) -> Evidence:
    identifier = row[2]["evidence"]
    if identifier not in evidence():
        raise refuse(row, "evidence", f"{identifier!r} is not in data/evidence/evidence.csv")
    source = evidence()[identifier]
    if source.use != use:
        raise refuse(row, "evidence", f"{identifier!r} is kept for {source.use}; {use} is accepted")
    if source.measure not in MEASURES:
        raise refuse(row, "evidence", f"{identifier!r} is a {source.measure}; accepted: {', '.join(MEASURES)}")
    return source


def _among(row: Row, field: str, accepted: tuple[str, ...]) -> str:
    if row[2][field] not in accepted:
        raise refuse(row, field, f"{row[2][field]!r}; accepted: {', '.join(accepted)}")
    return row[2][field]


def _circumstances(row: Row) -> tuple[Circumstances, ...]:
    """Return the circumstances of the row's group and, where they differ, of its comparator."""
    record, stated = row[2], {}
    for field in ("population", "given", "versus"):
        try:
            stated[field] = read_statement(record[field])
        except RefraError as error:
            raise refuse(row, field, str(error)) from error
    own = Circumstances(stated["population"], stated["given"], _among(row, "setting", SETTINGS))
    compared = record["versus"] or record["versus_event"]
    return (own, own.but(stated["versus"])) if compared else (own,)


def _period(row: Row, source: Evidence, variable: str) -> float:
    """Return the years over which a yearly probability of a harm is turned into the row's share."""
    weeks = _number(row, "weeks")
    of_harm = variable in variables() and variables()[variable].stage == "harm"
    if not of_harm or weeks is None or source.measure not in ("proportion", "risk_ratio", "risk_difference", "odds_ratio"):
        return 1.0
    return weeks / WEEKS_A_YEAR


def build_target(row: Row, use: str = "calibration") -> Target:
    """Turn one row of `targets.csv` or `validation.csv` into a target, or refuse it."""
    record = row[2]
    source = _source(row, use)
    gap = _among(row, "gap", GAPS)
    if source.design not in between_study():
        raise refuse(row, "evidence", f"its design {source.design!r} is not in data/{FOLDER}/between_study.csv")
    if not record["note"]:
        raise refuse(row, "note", "empty; what was mapped to what and why is wanted")
    circumstances = _circumstances(row)
    if (len(circumstances) == 2) != (source.measure in COMPARED):
        raise refuse(row, "versus", f"a {source.measure} {'needs a comparator' if source.measure in COMPARED else 'has none'}")
    events = (record["event"], record["versus_event"] or record["event"])
    try:
        pairs = zip(events, circumstances, strict=False)
        groups = tuple(group_of(source.measure, event, record["scores"], around) for event, around in pairs)
        cuts = read_numbers(record["scores"]) if source.measure == "median" else ()
    except RefraError as error:
        raise refuse(row, "event", str(error)) from error
    states = len(groups[0].terms[0].weights)
    if source.measure == "median" and (len(cuts) != states - 1 or list(cuts) != sorted(cuts) or cuts[0] <= 0):
        raise refuse(row, "scores", f"{record['scores']!r}; {states - 1} rising cut-offs above 0 are accepted for a median")
    if source.measure in SCORED and not record["scores"]:
        raise refuse(row, "scores", f"empty; a {source.measure} needs a score for each state")
    span = span_of(groups[0]) if source.measure in SCORED else 1.0
    n = _number(row, "n")
    counts = (source.events, source.n) if n is None else (None, n)
    unstated = {scale: gaps()[f"unstated_{scale}"].sd for scale in UNSTATED}
    try:
        seen = observe(source.measure, source.value, (source.ci_low, source.ci_high), counts, _number(row, "spread"), span, unstated)
    except RefraError as error:
        raise refuse(row, "evidence", str(error)) from error
    return Target(
        evidence=source.id, topic=source.topic, measure=source.measure, design=source.design, study=source.study_id, groups=groups,
        value=source.value, low=source.ci_low, high=source.ci_high, observed=seen.value, sd=seen.sd, gap=gap, gap_sd=gaps()[gap].sd,
        tau=between_study()[source.design].sd, events=seen.events, n=seen.n, cuts=cuts, span=span,
        period=_period(row, source, groups[0].terms[0].question.variable), setting=record["setting"], note=record["note"],
    )  # fmt: skip


@cache
def calibration_targets() -> Mapping[str, Target]:
    """Return the targets that may be fitted to, by evidence id."""
    rows = _once(read_csv(FOLDER, "targets.csv", columns=TARGET_COLUMNS))
    return MappingProxyType({name: build_target(row) for name, row in rows.items()})


@cache
def validation_targets() -> Mapping[str, Target]:
    """Return the targets that are never fitted to, by evidence id."""
    rows = _once(read_csv(FOLDER, "validation.csv", columns=TARGET_COLUMNS))
    return MappingProxyType({name: build_target(row, "validation") for name, row in rows.items()})


@cache
def unexpressed() -> Mapping[str, str]:
    """Return the reason why a row of evidence is no target, by evidence id."""

    def reason(row: Row) -> str:
        if row[2]["evidence"] not in evidence():
            raise refuse(row, "evidence", "not in data/evidence/evidence.csv")
        if not row[2]["reason"]:
            raise refuse(row, "reason", "empty; a reason is wanted")
        return row[2]["reason"]

    rows = _once(read_csv(FOLDER, "unexpressed.csv", columns=UNEXPRESSED_COLUMNS))
    return MappingProxyType({name: reason(row) for name, row in rows.items()})
