"""Cut-offs of drug levels, by state of `current_drug`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from .errors import RecordError
from .tables import read_csv

LEVEL_COLUMNS = (
    "state", "undetectable_below", "in_range_from", "unit", "undetectable_evidence", "in_range_evidence", "note",
)  # fmt: skip


@dataclass(frozen=True)
class LevelCutoffs:
    """Cut-offs of a trough level in mg/L: undetectable below the first, in range from the second on, else low."""

    undetectable_below: float
    in_range_from: float


@cache
def level_cutoffs() -> Mapping[str, LevelCutoffs]:
    """Return the cut-offs of every drug with a useful level, by its state of `current_drug`.

    Raises `RecordError` where a cut-off is not a number above 0 or the two stand in the wrong order.
    """
    found: dict[str, LevelCutoffs] = {}
    for name, line, record in read_csv("drugs", "levels.csv", columns=LEVEL_COLUMNS):
        where = f"{name}, line {line} ({record['state']})"
        if record["state"] in found:
            raise RecordError(f"{where}, state: stands twice; every drug is accepted once")
        try:
            low, high = float(record["undetectable_below"]), float(record["in_range_from"])
        except ValueError:
            raise RecordError(f"{where}: a cut-off is not a number; numbers in mg/L are accepted") from None
        if not 0 < low < high:
            raise RecordError(f"{where}: {low} and {high}; 0 < undetectable_below < in_range_from is accepted")
        found[record["state"]] = LevelCutoffs(low, high)
    return MappingProxyType(found)
