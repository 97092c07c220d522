"""Costs of tests as a user may give them: a file or a frame whose rows replace the shipped ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from os import PathLike, fspath
from types import MappingProxyType

import pandas as pd

from ...data.costs import Cost, obtainable, shipped_costs
from ...data.errors import FindingError, unknown_name

WANTED = ("variable", "cost", "currency", "turnaround_days")


def read_costs(given: pd.DataFrame | str | PathLike[str] | None) -> Mapping[str, Cost]:
    """Return the costs by variable: the shipped ones, or those with the rows of a CSV file or frame in their place.

    Wanted are the columns `variable`, `cost` (at least 0), `currency` and `turnaround_days` (at least 0); others are left alone. A table
    in another currency than the shipped one must have every variable, since costs are added up.

    Raises `FindingError` for a file that cannot be read, a column that is missing, a cost or time that is no number of at least 0, a
    variable that stands twice, or several currencies; `UnknownNameError` for a variable that is no test.
    """
    shipped = shipped_costs()
    if given is None:
        return shipped
    name = "costs" if isinstance(given, pd.DataFrame) else fspath(given)
    table = given if isinstance(given, pd.DataFrame) else _read(name)
    if missing := [column for column in WANTED if column not in table.columns]:
        raise FindingError(f"{name}: no column {', '.join(missing)}; wanted: {', '.join(WANTED)}")
    own: dict[str, Cost] = {}
    for line, row in enumerate(table[list(WANTED)].to_dict(orient="records"), start=1):
        where = f"{name}, row {line}"
        variable = str(row["variable"])
        if variable not in obtainable():
            raise unknown_name("variable", variable, obtainable(), where)
        if variable in own:
            raise FindingError(f"{where} ({variable}): stands twice; one row a variable is accepted")
        cost, days = (_number(where, variable, column, row[column]) for column in ("cost", "turnaround_days"))
        own[variable] = Cost(variable, cost, str(row["currency"]), days, shipped[variable].needs)
    merged = {variable: own.get(variable, cost) for variable, cost in shipped.items()}
    currencies = sorted({cost.currency for cost in merged.values()})
    if len(currencies) > 1:
        short = [variable for variable in merged if variable not in own]
        raise FindingError(
            f"{name}, currency: {' and '.join(currencies)}; costs are added up, so that one currency is wanted"
            + (f"; give rows also for {', '.join(short)}" if short else "")
        )
    return MappingProxyType(merged)


def _read(name: str) -> pd.DataFrame:
    try:
        return pd.read_csv(name, dtype={"variable": str, "currency": str})
    except (OSError, ValueError) as error:
        raise FindingError(f"{name}: cannot be read as a table of costs: {error}") from None


def _number(where: str, variable: str, column: str, given: object) -> float:
    try:
        value = float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise FindingError(f"{where} ({variable}), {column}: {given!r}; a number of at least 0 is accepted")
    return value
