"""Cut-offs of drug levels, by state of `current_drug`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from .errors import RecordError
from .loading import variables
from .tables import read_csv

LEVEL_COLUMNS = (
    "state", "undetectable_below", "in_range_from", "unit", "undetectable_evidence", "in_range_evidence", "note",
)  # fmt: skip


@dataclass(frozen=True)
class LevelCutoffs:
    """Cut-offs of a trough level in mg/L: undetectable below the first, in range from the second on, else low."""

    undetectable_below: float
    in_range_from: float
    evidence: tuple[str, ...]
    note: str


@cache
def level_cutoffs() -> Mapping[str, LevelCutoffs]:
    """Return the cut-offs of the drug level by state of `current_drug`; a drug without a validated level is absent."""
    states = variables()["current_drug"].state_ids
    found: dict[str, LevelCutoffs] = {}
    for name, line, record in read_csv("drugs", "levels.csv", columns=LEVEL_COLUMNS):
        where = f"{name}, line {line} ({record['state']})"
        if record["state"] not in states or record["state"] in found:
            raise RecordError(f"{where}, state: accepted once each: {', '.join(states)}")
        if record["unit"] != "mg/L":
            raise RecordError(f"{where}, unit: {record['unit']!r}; accepted: mg/L")
        try:
            low, high = float(record["undetectable_below"]), float(record["in_range_from"])
        except ValueError:
            raise RecordError(f"{where}, undetectable_below, in_range_from: two numbers are accepted") from None
        if not 0 < low < high:
            raise RecordError(f"{where}: 0 < undetectable_below < in_range_from is accepted, not {low:g} and {high:g}")
        rows = (*record["undetectable_evidence"].split(), *record["in_range_evidence"].split())
        found[record["state"]] = LevelCutoffs(low, high, rows, record["note"])
    return MappingProxyType(found)
