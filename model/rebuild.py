"""Recompute the derived numbers of `data/parameters/parameters.csv` from the evidence: `python -m refra.model.rebuild`.

Centre and spread of a record with a derivation come from the evidence again; those of a judgement stay as written. The
range is recomputed for every record, so that a changed judgement needs no second edit.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from io import StringIO
from pathlib import Path

from ..data import loading
from ..data.errors import RecordError
from ..data.loading import EVIDENCE_COLUMNS, PARAMETER_COLUMNS, STUDY_COLUMNS, parse_arguments
from ..data.records import Evidence
from ..data.tables import Row, parse_csv
from .derivations import DERIVATIONS, Z95, derive, expit, logit


def interval(distribution: str, centre: float, spread: float) -> tuple[float, float]:
    """Return the ends of the 95 % interval of a parameter.

    `centre` is on the natural scale, `spread` a standard deviation on the scale of `distribution` (`logit_normal`,
    `lognormal` or `normal`); the ends are on the natural scale. Raises `ValueError` where a probability is not between
    0 and 1.
    """
    half = Z95 * spread
    if distribution == "logit_normal":
        middle = logit(centre)
        return expit(middle - half), expit(middle + half)
    if distribution == "lognormal":
        return centre * math.exp(-half), centre * math.exp(half)
    return centre - half, centre + half


def _problem(row: Row, field: str, problem: str) -> RecordError:
    name, line, record = row
    return RecordError(f"{name}, line {line} ({record['id']}), {field}: {problem}")


def _derived(row: Row, evidence: Mapping[str, Evidence]) -> tuple[float, float]:
    record = row[2]
    if record["derivation"] not in DERIVATIONS:
        raise _problem(row, "derivation", f"{record['derivation']!r}; accepted: {', '.join(DERIVATIONS)}")
    ids = record["evidence_for"].split()
    if not ids:
        raise _problem(row, "evidence_for", "empty; a derivation needs evidence")
    unknown = [identifier for identifier in ids if identifier not in evidence]
    if unknown:
        raise _problem(row, "evidence_for", f"{unknown[0]!r} is not in data/evidence/evidence.csv")
    try:
        return derive(record["derivation"], [evidence[identifier] for identifier in ids], dict(parse_arguments(row)))
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise _problem(row, "derivation", f"{record['derivation']} cannot be run on these rows: {error}") from error


def _rebuilt(row: Row, evidence: Mapping[str, Evidence]) -> Row:
    name, line, record = row
    changed = dict(record)
    if record["derivation"]:
        for field, value in zip(("centre", "spread"), _derived(row, evidence), strict=True):
            changed[field] = repr(float(f"{value:.6g}"))
    try:
        ends = interval(record["distribution"], float(changed["centre"]), float(changed["spread"]))
    except (ValueError, ZeroDivisionError):
        given = f"{changed['centre']!r}, {changed['spread']!r}"
        raise _problem(row, "centre, spread", f"{given}; two numbers that fit {record['distribution']}") from None
    changed["range_low"], changed["range_high"] = (f"{end:.6g}" for end in ends)
    return name, line, changed


def rebuilt(records: Iterable[Row], evidence: Mapping[str, Evidence]) -> list[Row]:
    """Return the rows of `parameters.csv` with centre, spread and range computed afresh.

    `records` are rows as `parse_csv` gives them; the numbers of a derived record may be empty in them. Raises
    `RecordError` where a derivation is unknown or cannot be run on its evidence, or a judgement's numbers are none.
    """
    return [_rebuilt(row, evidence) for row in records]


def as_csv(rows: Iterable[Row]) -> str:
    """Return rows of `parameters.csv` as the text of the file, header first."""
    text = StringIO()
    writer = csv.DictWriter(text, PARAMETER_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(record for _, _, record in rows)
    return text.getvalue()


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error}") from error


def evidence_beside(parameters: Path) -> Mapping[str, Evidence]:
    """Return the evidence of the tree that a `parameters.csv` stands in, or the installed one where there is none."""
    folder = parameters.resolve().parent.parent / "evidence"
    if not (folder / "evidence.csv").exists():
        return loading.evidence()
    rows = parse_csv(str(folder / "studies.csv"), _text(folder / "studies.csv"), STUDY_COLUMNS)
    studies = {row[2]["study_id"]: loading.build_study(row) for row in rows}
    found: dict[str, Evidence] = {}
    for row in parse_csv(str(folder / "evidence.csv"), _text(folder / "evidence.csv"), EVIDENCE_COLUMNS):
        if row[2]["id"] in found:
            raise _problem(row, "id", "stands twice; every id is accepted once")
        found[row[2]["id"]] = loading.build_evidence(row, studies)
    return found


def installed_file() -> Path:
    """Return the place of the `parameters.csv` that refra reads."""
    return Path(str(files("refra.data").joinpath("parameters", "parameters.csv")))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m refra.model.rebuild", description="Recompute parameters.csv.")
    parser.add_argument("path", nargs="?", type=Path, help="a parameters.csv; default: the one that refra reads")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where the file differs")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Rebuild a `parameters.csv` in place and name what changed.

    Returns 0, or 1 where `--check` found a difference, or 2 where a record was refused.
    """
    options = _arguments(argv)
    path = options.path or installed_file()
    try:
        before = _text(path)
        old = parse_csv(str(path), before, PARAMETER_COLUMNS)
        new = rebuilt(old, evidence_beside(path))
    except RecordError as error:
        print(error, file=sys.stderr)
        return 2
    after = as_csv(new)
    for (_, _, was), (_, _, now) in zip(old, new, strict=True):
        fields = [field for field in PARAMETER_COLUMNS if was[field] != now[field]]
        if fields:
            print(f"{now['id']}: " + ", ".join(f"{field} {was[field] or 'empty'} -> {now[field]}" for field in fields))
    if after == before:
        print(f"{path}: as the evidence says, nothing to change")
        return 0
    if options.check:
        print(f"{path}: differs from what the evidence gives")
        return 1
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(after)
    print(f"{path}: rewritten")
    if path.resolve() != installed_file().resolve():
        print(f"refra reads {installed_file()}: install it anew, or once with `pip install -e .`, for the change to count")
    return 0


if __name__ == "__main__":
    sys.exit(main())
