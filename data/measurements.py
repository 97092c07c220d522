"""The measurement error of every test that a patient record may hold as a number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from .errors import RecordError
from .tables import Row, read_csv

MEASUREMENT_COLUMNS = (
    "id", "variable", "scale", "value", "unit", "source", "doi", "pmid", "verified", "note",
)  # fmt: skip
SCALES = ("log", "square_root", "absolute", "proportion")
MEASURED_VARIABLES = (
    "crp", "esr", "sjc28", "tjc28", "patient_global", "physician_global", "bmi_class", "refill_adherence",
    "drug_level", "ada_test", "rf", "acpa", "eta_14_3_3", "il6_level", "phq9", "sleep_questionnaire",
    "first_questionnaire",
)  # fmt: skip


@dataclass(frozen=True)
class MeasurementError:
    """How far a measured value strays from the true one.

    `value` is a standard deviation: of the natural logarithm (scale `log`), of the square root (`square_root`, for
    counts), of the value in the unit of its variable
    (`absolute`), or of a proportion between 0 and 1 (`proportion`).
    """

    scale: str
    value: float


def build_measurement_error(row: Row) -> MeasurementError:
    """Turn one row of `measurement.csv` into a record, or refuse it with a RecordError."""
    name, line, record = row
    where = f"{name}, line {line} ({record['id']})"
    if record["scale"] not in SCALES:
        raise RecordError(f"{where}, scale: {record['scale']!r}; accepted: {', '.join(SCALES)}")
    try:
        value = float(record["value"])
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise RecordError(f"{where}, value: {record['value']!r}; a finite number above 0 is accepted")
    return MeasurementError(record["scale"], value)


def build_measurement_errors(rows: Iterable[Row]) -> Mapping[str, MeasurementError]:
    """Return the errors by variable; a variable that is unknown, doubled or missing raises a RecordError."""
    found: dict[str, MeasurementError] = {}
    for row in rows:
        name, line, record = row
        where = f"{name}, line {line} ({record['id']})"
        variable = record["variable"]
        if variable not in MEASURED_VARIABLES:
            raise RecordError(f"{where}, variable: {variable!r}; accepted: {', '.join(MEASURED_VARIABLES)}")
        if variable in found:
            raise RecordError(f"{where}, variable: {variable!r} stands twice; one row a variable is accepted")
        found[variable] = build_measurement_error(row)
    missing = [variable for variable in MEASURED_VARIABLES if variable not in found]
    if missing:
        raise RecordError(f"data/measurement/measurement.csv: no row for {', '.join(missing)}; one each is wanted")
    return MappingProxyType(found)


@cache
def measurement_error() -> Mapping[str, MeasurementError]:
    """Return the measurement error of every measured variable, by the variable's id."""
    return build_measurement_errors(read_csv("measurement", "measurement.csv", columns=MEASUREMENT_COLUMNS))
