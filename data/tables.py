"""Reading the CSV and YAML tables of `data/` from wherever the package is installed."""

from __future__ import annotations

import csv
import math
from importlib.resources import files
from io import StringIO
from typing import Any

import yaml

from .errors import RecordError

Row = tuple[str, int, dict[str, str]]
"""A file's name, a line's number and the line's fields."""


def read_text(*path: str) -> str:
    """Return the text of the file at `path` below `refra.data`."""
    place = files("refra.data").joinpath(*path)
    try:
        return place.read_text(encoding="utf-8")
    except OSError as error:
        raise RecordError(f"data/{'/'.join(path)}: cannot be read: {error}") from error


def read_csv(*path: str, columns: tuple[str, ...]) -> list[Row]:
    """Return the rows of a CSV file below `refra.data`; a header that differs from `columns` is refused."""
    name = "data/" + "/".join(path)
    return parse_csv(name, read_text(*path), columns)


def parse_csv(name: str, text: str, columns: tuple[str, ...]) -> list[Row]:
    """Return the rows of CSV `text`, `name` standing for the file in errors."""
    reader = csv.DictReader(StringIO(text), strict=True)
    if tuple(reader.fieldnames or ()) != columns:
        raise RecordError(f"{name}: the columns are {reader.fieldnames}; accepted: {', '.join(columns)}")
    rows: list[Row] = []
    for record in reader:
        if None in record or None in record.values():
            raise RecordError(f"{name}, line {reader.line_num}: {len(columns)} fields wanted, one for each column")
        rows.append((name, reader.line_num, record))
    return rows


def read_yaml(*path: str) -> Any:
    """Return the content of a YAML file below `refra.data`."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(read_text(*path), Loader=loader)


def refuse(row: Row, field: str, problem: str) -> RecordError:
    """Build the error for a field of a row: file, line, the row's first field, the field and what is wrong."""
    name, line, record = row
    return RecordError(f"{name}, line {line} ({next(iter(record.values()))}), {field}: {problem}")


def number(row: Row, field: str) -> float | None:
    """Return the finite number in a field of a row, None where nothing stands in it."""
    text = row[2][field]
    if text == "":
        return None
    try:
        value = float(text)
    except ValueError:
        raise refuse(row, field, f"{text!r} is not a number; a number or nothing is accepted") from None
    if not math.isfinite(value):
        raise refuse(row, field, f"{text!r} is not finite; a finite number or nothing is accepted")
    return value
