"""Writing a text to a file that the user names."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path

from .errors import FindingError


def write_text(path: str | PathLike[str], text: str) -> Path:
    """Write a text as UTF-8, the same bytes on every system, and return the file's path; raises `FindingError` where that fails."""
    name = fspath(path)
    try:
        Path(name).write_text(text, encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        raise FindingError(f"{name!r}: the file cannot be written ({getattr(error, 'strerror', None) or error})") from None
    return Path(name)
