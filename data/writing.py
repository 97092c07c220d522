"""Writing a text to a file that the user names."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path

from .errors import FindingError

GENERATOR = '<meta name="generator" content="refra">'
"""What marks a page as one that refra wrote."""

PAGES = (".html", ".htm")
"""How the names of pages end."""

HEAD = 2_000
"""Signs at the start of a file in which the mark is looked for."""


def write_text(path: str | PathLike[str], text: str) -> Path:
    """Write a text as UTF-8, the same bytes on every system, and return the file's path; raises `FindingError` where that fails."""
    name = fspath(path)
    try:
        Path(name).write_text(text, encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        raise FindingError(f"{name!r}: the file cannot be written ({getattr(error, 'strerror', None) or error})") from None
    return Path(name)


def write_page(path: str | PathLike[str], text: str, overwrite: bool = False) -> Path:
    """Write a page and return its path, in place of an earlier page that refra wrote, or of any file with `overwrite`.

    Raises `FindingError` for a name that does not end as pages do, for another file of that name, and where it cannot be written.
    """
    target = Path(fspath(path))
    if target.suffix.lower() not in PAGES:
        raise FindingError(f"{fspath(path)!r}: the ending is not known; accepted: {', '.join(PAGES)}")
    if not overwrite and target.is_file():
        with target.open(encoding="utf-8", errors="replace") as stream:
            if GENERATOR not in stream.read(HEAD):
                raise FindingError(f"{fspath(path)!r}: exists already and refra did not write it; accepted: a new name, or --overwrite")
    return write_text(path, text)
