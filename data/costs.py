"""What each finding that could still be obtained costs, how long it takes and what it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from .errors import RecordError, unknown_name
from .loading import variables
from .tables import Row, number, read_csv, refuse

COST_COLUMNS = (
    "variable", "cost", "cost_low", "cost_high", "currency", "year", "turnaround_days", "turnaround_low", "turnaround_high", "needs",
    "cost_status", "cost_source", "turnaround_status", "turnaround_source", "note",
)  # fmt: skip
NEEDS = ("blood", "tissue", "imaging", "visit", "questionnaire", "record")
STATUSES = ("fetched", "recalled", "judgement")


@dataclass(frozen=True)
class Cost:
    """What one finding costs (in `currency`), its turnaround in days, and what it needs; `needs` is empty where a user does not say."""

    variable: str
    cost: float
    currency: str
    turnaround_days: float
    needs: str = ""


def obtainable() -> tuple[str, ...]:
    """Return the variables that could still be observed in a patient: findings and background, the current drug apart."""
    return tuple(name for name, variable in variables().items() if variable.role in ("finding", "background") and name != "current_drug")


def build_cost(row: Row) -> Cost:
    """Turn one row of `tests.csv` into a record, or refuse it with a RecordError."""
    record = row[2]
    for kind in ("cost", "turnaround"):
        middle = "cost" if kind == "cost" else "turnaround_days"
        low, value, high = (_at_least_zero(row, name) for name in (f"{kind}_low", middle, f"{kind}_high"))
        if not low <= value <= high:
            raise refuse(row, middle, f"{value:g} does not lie between {low:g} and {high:g}")
        status = record[f"{kind}_status"]
        if status not in STATUSES:
            raise refuse(row, f"{kind}_status", f"{status!r}; accepted: {', '.join(STATUSES)}")
        if status != "judgement" and not record[f"{kind}_source"]:
            raise refuse(row, f"{kind}_source", f"empty, and the status is {status}")
        if status == "judgement" and not record["note"]:
            raise refuse(row, "note", "empty; a judgement needs its reason")
    if record["needs"] not in NEEDS:
        raise refuse(row, "needs", f"{record['needs']!r}; accepted: {', '.join(NEEDS)}")
    return Cost(
        record["variable"], _at_least_zero(row, "cost"), record["currency"], _at_least_zero(row, "turnaround_days"), record["needs"]
    )


def _at_least_zero(row: Row, field: str) -> float:
    value = number(row, field)
    if value is None or value < 0:
        raise refuse(row, field, f"{row[2][field]!r}; a number of at least 0 is accepted")
    return value


def build_costs(rows: Iterable[Row]) -> Mapping[str, Cost]:
    """Return the costs by variable; a variable that is unknown, doubled or missing raises an error of the RefraError family."""
    found: dict[str, Cost] = {}
    for row in rows:
        name, line, record = row
        variable = record["variable"]
        if variable not in obtainable():
            raise unknown_name("variable", variable, obtainable(), f"{name}, line {line}")
        if variable in found:
            raise refuse(row, "variable", "stands twice; one row a variable is accepted")
        found[variable] = build_cost(row)
    if missing := [variable for variable in obtainable() if variable not in found]:
        raise RecordError(f"data/tests/tests.csv: no row for {', '.join(missing)}; one each is wanted")
    if len(currencies := {cost.currency for cost in found.values()}) > 1:
        raise RecordError(f"data/tests/tests.csv, currency: {', '.join(sorted(currencies))}; one currency is wanted")
    return MappingProxyType(found)


@cache
def shipped_costs() -> Mapping[str, Cost]:
    """Return the shipped costs by variable."""
    return build_costs(read_csv("tests", "tests.csv", columns=COST_COLUMNS))
