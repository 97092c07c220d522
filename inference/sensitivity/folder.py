"""The folder that a sensitivity analysis leaves behind: a page, tables, pictures and a manifest."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ...data.errors import FindingError
from ..figures import save
from .analysis import Analysis, Part
from .page import page
from .result import write_csv

PICTURES = (".svg", ".png")
"""Endings of the pictures; a quick analysis makes the first alone."""

PAGE = "index.html"
MANIFEST = "manifest.json"
LIBRARIES = ("refra", "numpy", "pandas", "matplotlib", "scipy")


def check_folder(out: str | Path, overwrite: bool) -> Path:
    """Return the folder to write into, or raise `FindingError` where it is a file, or holds something and may not be overwritten."""
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise FindingError(f"--out: {folder} is a file; a folder is wanted")
    if folder.is_dir() and any(folder.iterdir()):
        if not overwrite:
            raise FindingError(f"--out: {folder} is not empty; name another folder, or give --overwrite to replace an earlier analysis")
        if not (folder / MANIFEST).is_file():
            raise FindingError(f"--out: {folder} holds no {MANIFEST}, so it is no earlier analysis; only such a folder is overwritten")
    return folder


def write_folder(analysis: Analysis, folder: Path, made: datetime, command: Iterable[str]) -> tuple[Path, ...]:
    """Write the page, a table and two pictures for each analysis, and the manifest; files of an earlier analysis are removed.

    Args:
        analysis: what was found.
        folder: where to, as `check_folder` returned it.
        made: the time to print.
        command: the words after `refra` of the command that made it, for the manifest.

    Returns:
        The files written, the page first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / MANIFEST).is_file():
        for name in json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]:
            (folder / Path(name).name).unlink(missing_ok=True)
    written = [file for part in analysis.parts for file in _write(part, folder, PICTURES[:1] if analysis.quick else PICTURES)]
    (folder / PAGE).write_text(page(analysis, folder, made), encoding="utf-8")
    files = [folder / PAGE, *written]
    manifest = json.dumps(_manifest(analysis, files, made, command), ensure_ascii=False, indent=2, allow_nan=False)
    (folder / MANIFEST).write_text(manifest + "\n", encoding="utf-8")
    return (*files, folder / MANIFEST)


def _write(part: Part, folder: Path, endings: Iterable[str]) -> list[Path]:
    tables = {folder / f"{part.stem}.csv": part.result.data}
    tables |= {folder / f"{part.stem}_{name}.csv": frame for name, frame in part.result.beside.items()}
    for table, frame in tables.items():
        write_csv(frame, table)
    pictures = [folder / f"{part.stem}{ending}" for ending in endings]
    figure = part.result.plot()
    for picture in pictures:
        save(figure, picture)
    return [*tables, *pictures]


def _manifest(analysis: Analysis, files: list[Path], made: datetime, command: Iterable[str]) -> dict[str, Any]:
    return {
        "made": made.isoformat(timespec="seconds"),
        "command": list(command),
        "seed": analysis.seed,
        "draws": analysis.draws,
        "basis": analysis.basis,
        "quick": analysis.quick,
        "patient": analysis.answer.patient.to_dict(),
        "preferences": analysis.preferences.model_dump(),
        "seconds": {part.stem: round(part.seconds, 3) for part in analysis.parts},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        "files": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files},
    }
