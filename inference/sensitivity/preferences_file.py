"""The user's weights from a file, and the same weights beside their defaults for a report."""

from __future__ import annotations

from os import PathLike

import pandas as pd

from ...data.errors import FindingError
from ...data.loading import parameters
from ..patient_files import as_record, parse_json, parse_yaml, read_text
from ..preferences import PREFIX, Preferences, weight_names


def read_preferences(path: str | PathLike[str]) -> Preferences:
    """Return the preferences in a YAML or (by its ending) JSON file: `weights:` (name to QALYs) and `unavailable:` (option ids).

    Raises:
        FindingError: the file cannot be read, is no map, or a value is outside what is accepted.
        UnknownNameError: a field, weight or option that does not exist.
    """
    name, text = read_text(path)
    parse = parse_json if name.lower().endswith(".json") else parse_yaml
    given = as_record(parse(text, name), name)
    odd = [key for key in given if not isinstance(key, str)]
    if odd:
        raise FindingError(f"{name}: the key {odd[0]!r} is no text; accepted: weights, unavailable")
    return Preferences(**given)


def preferences_table(preferences: Preferences | None = None) -> pd.DataFrame:
    """Return every weight with unit, default, the value given (missing where none is), and its record's range, status and source.

    A weight that is given is taken as known; one that is not keeps the uncertainty of its record.
    """
    given = (preferences or Preferences()).weights
    rows = []
    for name in weight_names():
        record = parameters()[PREFIX + name]
        source = " ".join(record.evidence_for) or record.rationale
        rows.append((name, record.unit, record.centre, given.get(name), record.range_low, record.range_high, record.status, source))
    columns = ["weight", "unit", "default", "given", "range_low", "range_high", "status", "source"]
    return pd.DataFrame(rows, columns=columns).astype({"given": float})
