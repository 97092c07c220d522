"""Cohorts in files: read in pieces, answered piece by piece, so that memory stays bounded and a stopped run can go on."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from ..data.errors import FindingError
from .cohort import Problem, Read, Settings, assess_block, blocks, check_columns, read_row
from .cohort_frame import COLUMNS
from .patient_files import one_line

SUFFIXES = (".csv", ".parquet")
ROWS_A_PIECE = 1000

Record = Mapping[str, Any]


@dataclass(frozen=True)
class CohortRun:
    """What a run over a file came to: rows read and rejected, and the files written (`rejected_file` only if rows were rejected)."""

    rows: int
    rejected: int
    file: Path
    rejected_file: Path | None


@dataclass(frozen=True)
class _Input:
    """A table in a file: its columns, and a way to go through its rows from a given one, telling how much was read."""

    columns: tuple[str, ...]
    pieces: Callable[[int], Iterator[tuple[list[Record], float]]]


def _suffix(path: Path, word: str) -> str:
    suffix = path.suffix.casefold()
    if suffix not in SUFFIXES:
        raise FindingError(f"{word} {path}: the ending {path.suffix!r} is not known; accepted: {', '.join(SUFFIXES)}")
    return suffix


def _parquet() -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        raise FindingError("Parquet files need the package pyarrow: pip install 'refra[parquet]'; or use a .csv file") from None
    return parquet


def _rows_of(path: Path, reader: Any, columns: list[str]) -> Iterator[Record]:
    """Return the cells of every line behind the first; a blank line is a line, and a short one lacks the cells that it ended before."""
    try:
        next(reader)
        for cells in reader:
            if len(cells) > len(columns):
                raise FindingError(f"{path}, line {reader.line_num}: {len(cells)} cells; every line wants {len(columns)} cells")
            yield dict(zip(columns, cells, strict=False))
    except csv.Error as error:
        raise FindingError(f"{path}, line {reader.line_num}: not readable as CSV: {one_line(error)}") from None
    except UnicodeDecodeError:
        raise FindingError(f"{path}, after line {reader.line_num}: not a text in UTF-8; save it in that encoding") from None


def _open_csv(path: Path) -> _Input:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        columns = next(csv.reader(stream), [])
    if not columns:
        raise FindingError(f"{path}: empty; a first line with the names of the columns is wanted")
    size = max(path.stat().st_size, 1)

    def pieces(skip: int) -> Iterator[tuple[list[Record], float]]:
        # Everything stays text: "none" is a state, and what a number means is for the record to say.
        with path.open("rb") as raw, TextIOWrapper(raw, encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            rows = islice(_rows_of(path, reader, columns), skip, None)
            while piece := list(islice(rows, ROWS_A_PIECE)):
                yield piece, raw.tell() / size

    return _Input(tuple(columns), pieces)


def _open_parquet(path: Path) -> _Input:
    parquet = _parquet()
    try:
        with parquet.ParquetFile(path) as opened:
            columns, total = tuple(opened.schema_arrow.names), max(opened.metadata.num_rows, 1)
    except (OSError, ValueError) as error:
        raise FindingError(f"{path}: not readable as Parquet: {one_line(error)}") from None

    def pieces(skip: int) -> Iterator[tuple[list[Record], float]]:
        done = 0
        with parquet.ParquetFile(path) as opened:
            for batch in opened.iter_batches(batch_size=ROWS_A_PIECE):
                done += batch.num_rows
                if done > skip:
                    yield [{name: _without_empty(cell) for name, cell in row.items()} for row in batch.to_pylist()], done / total

    return _Input(columns, pieces)


def _read(row: Record, fields: Collection[str], columns: Collection[str]) -> Read:
    """Read a row; one that ended before all of its columns is refused, since nobody knows which cell was left out."""
    if len(row) < len(columns):
        return (Problem("", f"the line has {len(row)} of {len(columns)} cells; all are wanted, empty where nothing was observed"),)
    return read_row({name: row[name] for name in fields})


def _without_empty(cell: Any) -> Any:
    """A Parquet structure holds every key in every row; what has no value there was not given."""
    return {key: value for key, value in cell.items() if value is not None} if isinstance(cell, dict) else cell


def _open(path: Path) -> _Input:
    suffix = _suffix(path, "input")
    try:
        if path.is_dir():
            raise FindingError(f"{path}: a folder; accepted: one file")
        return _open_csv(path) if suffix == ".csv" else _open_parquet(path)
    except FileNotFoundError:
        raise FindingError(f"{path}: there is no such file") from None
    except UnicodeDecodeError:
        raise FindingError(f"{path}: not a text in UTF-8; save it in that encoding") from None
    except OSError as error:
        raise FindingError(f"{path}: cannot be read: {one_line(error)}") from None


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True)
class _Store:
    """The folder beside the output that holds the finished pieces of a run until all are there."""

    folder: Path
    suffix: str

    def piece(self, number: int) -> Path:
        return self.folder / f"{number:06d}{self.suffix}"

    def rejected(self, number: int) -> Path:
        return self.folder / f"{number:06d}.rejected.csv"

    def tally(self, number: int) -> Path:
        return self.folder / f"{number:06d}.done"

    def finished(self) -> int:
        """Return how many pieces are there."""
        number = 0
        while self.tally(number).exists():
            number += 1
        return number

    def keep(self, number: int, lines: pd.DataFrame, rejected: pd.DataFrame, rows: int) -> None:
        """Write a piece; its tally comes last, so that a piece that was cut short does not count."""
        if self.suffix == ".csv":
            lines.to_csv(self.piece(number), index=False, header=False, lineterminator="\n")
        else:
            lines.to_parquet(self.piece(number), index=False)
        rejected.to_csv(self.rejected(number), index=False, header=False, lineterminator="\n")
        self.tally(number).write_text(json.dumps({"rows": rows, "rejected": int(rejected["row"].nunique())}), encoding="utf-8")

    def tallies(self) -> Iterator[dict[str, int]]:
        """Return the tallies of the finished pieces."""
        for number in range(self.finished()):
            yield json.loads(self.tally(number).read_text(encoding="utf-8"))


def _started(store: _Store, manifest: Mapping[str, Any], restart: bool) -> None:
    """Make the folder of pieces, or check that the one that is there belongs to the same run."""
    note = store.folder / "run.json"
    if restart and store.folder.exists():
        shutil.rmtree(store.folder)
    if note.exists():
        before = json.loads(note.read_text(encoding="utf-8"))
        differing = sorted(key for key in {*before, *manifest} if before.get(key) != manifest.get(key))
        if differing:
            raise FindingError(
                f"{store.folder}: holds an unfinished run that differs in {', '.join(differing)}; "
                "run it with the same input and settings to go on, or with --restart to begin anew"
            )
        return
    store.folder.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(manifest, indent=2), encoding="utf-8")


def _rejected_frame(rows: list[Record], labels: list[Any], problems: list[tuple[Any, ...]], columns: tuple[str, ...]) -> pd.DataFrame:
    found = [
        {"row": label, "column": each.column, "problem": each.message, **{f"given_{name}": row.get(name) for name in columns}}
        for row, label, some in zip(rows, labels, problems, strict=True)
        for each in some
    ]
    return pd.DataFrame(found, columns=["row", "column", "problem", *(f"given_{name}" for name in columns)])


def _piece(
    rows: list[Record], start: int, fields: Collection[str], identifier: str | None, columns: tuple[str, ...], settings: Settings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Assess the rows of a piece; returns the tidy lines and the rejected rows."""
    labels = [row.get(identifier, "") for row in rows] if identifier is not None else list(range(start, start + len(rows)))
    frames = []
    problems: list[tuple[Any, ...]] = []
    reads = (_read(row, fields, columns) for row in rows)
    for block in blocks(reads, settings.draws):
        lines, wrong = assess_block(block, settings)
        lines["row"] = pd.Index(labels).take(lines["row"].to_numpy() + len(problems))
        frames.append(lines)
        problems += wrong
    return pd.concat(frames, ignore_index=True), _rejected_frame(rows, labels, problems, columns)


def _joined(store: _Store, out: Path, header: str, pieces: Callable[[int], Path]) -> None:
    """Put the pieces into one file, which appears only when it is whole."""
    unfinished = out.with_name(out.name + ".unfinished")
    if out.suffix.casefold() == ".parquet":
        parquet = _parquet()
        first = parquet.read_schema(pieces(0))
        with parquet.ParquetWriter(unfinished, first) as writer:
            for number in range(store.finished()):
                writer.write_table(parquet.read_table(pieces(number)).cast(first))
    else:
        with unfinished.open("wb") as whole:
            whole.write(header.encode())
            for number in range(store.finished()):
                with pieces(number).open("rb") as piece:
                    shutil.copyfileobj(piece, whole)
    unfinished.replace(out)


def assess_file(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    settings: Settings,
    *,
    identifier: str | None = None,
    ignore: Collection[str] = (),
    restart: bool = False,
    overwrite: bool = False,
    progress: Callable[[int, float], None] | None = None,
) -> CohortRun:
    """Assess every row of a CSV or Parquet file and write the tidy lines of `assess_many` to another.

    The file is read a thousand rows at a time. Finished pieces lie in a folder beside the output, named OUT.parts, until all are there; a
    run that was stopped goes on behind the last of them. Rejected rows are lines of the output and, with what was given, of a file of
    their own, named after the output and ending in .rejected.csv.

    Args:
        source: a file whose name ends in .csv or .parquet (the latter needs pyarrow).
        out: another one, to be written.
        settings: how to assess, from `settings_of`.
        identifier: a column that names the patients and is no field.
        ignore: columns that are no fields.
        restart: begin anew although an unfinished run is there.
        overwrite: replace `out` if it exists.
        progress: called after each piece with the rows done and the share of the file read (0 to 1).

    Raises:
        FindingError: a file that cannot be read or written, an unfinished run with other settings.
        UnknownNameError: a column that is no patient field.
    """
    from .. import __version__

    path, target = Path(source), Path(out)
    suffix = _suffix(target, "output")
    if suffix == ".parquet":
        _parquet()
    given = _open(path)
    fields = check_columns(given.columns, identifier, ignore, str(path))
    if target.exists() and not overwrite:
        raise FindingError(f"{target}: exists already; accepted: a new name, or --overwrite")
    if not target.parent.is_dir():
        raise FindingError(f"{target}: there is no folder {target.parent}")
    store = _Store(target.with_name(target.name + ".parts"), suffix)
    manifest = {
        "refra": __version__, "input": _digest(path), "identifier": identifier, "ignore": sorted(ignore), "level": settings.level,
        "draws": settings.draws, "seed": settings.seed, "preferences": json.loads(settings.preferences.model_dump_json()),
    }  # fmt: skip
    _started(store, manifest, restart)
    number = store.finished()
    done = number * ROWS_A_PIECE
    if progress is not None and number:
        progress(done, 0.0)
    for rows, share in given.pieces(done):
        lines, rejected = _piece(rows, done, fields, identifier, given.columns, settings)
        store.keep(number, lines, rejected, len(rows))
        number += 1
        done += len(rows)
        if progress is not None:
            progress(done, share)
    tallies = list(store.tallies())
    if not tallies:
        shutil.rmtree(store.folder)
        raise FindingError(f"{path}: no rows beneath the names of the columns")
    _joined(store, target, ",".join(COLUMNS) + "\n", store.piece)
    refused = sum(tally["rejected"] for tally in tallies)
    rejected_file = target.with_name(target.stem + ".rejected.csv")
    if refused:
        header = _rejected_frame([], [], [], given.columns).to_csv(index=False, lineterminator="\n")
        _joined(store, rejected_file, header, store.rejected)
    elif rejected_file.exists():
        rejected_file.unlink()
    shutil.rmtree(store.folder)
    return CohortRun(sum(tally["rows"] for tally in tallies), refused, target, rejected_file if refused else None)
