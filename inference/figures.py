"""What all pictures share: colours that the colour-blind can tell apart, sizes, and files that come out the same each time."""

from __future__ import annotations

import textwrap
from os import PathLike, fspath
from typing import TYPE_CHECKING

from ..data.errors import FindingError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933", "#882255", "#7F5539", "#6A4C93", "#2F4858",
)  # fmt: skip
"""The palette of Okabe and Ito (2008) without its yellow, which is lost on white, and a few more."""

QUIET = "#777777"
FORMATS = (".pdf", ".png", ".svg")
WIDTH = 7.2
"""Inches; two columns of a journal."""


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """Return an empty figure of a size in inches, laid out so that nothing overlaps; it belongs to no window."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def caption(figure: Figure, text: str) -> None:
    """Put a sentence that says how to read it below a figure."""
    columns = int(figure.get_figwidth() * 15)
    figure.supxlabel("\n".join(textwrap.wrap(text, columns)), fontsize=8, color="#444444", x=0.01, ha="left")


def check_ending(path: str | PathLike[str]) -> str:
    """Return a picture's path as text, or raise `FindingError` for an ending that is not known."""
    name = fspath(path)
    if not name.lower().endswith(FORMATS):
        raise FindingError(f"{name}: the ending is not known; accepted: {', '.join(FORMATS)}")
    return name


def save(figure: Figure, path: str | PathLike[str]) -> None:
    """Write a figure as PDF, PNG or SVG by its ending, without the date, so that the same figure gives the same bytes.

    Raises `FindingError` for an ending that is not known.
    """
    name = check_ending(path)
    import matplotlib as mpl

    dated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    # A fixed salt keeps the ids inside an SVG file the same from one run to the next.
    with mpl.rc_context({"svg.hashsalt": "refra", "svg.fonttype": "path", "pdf.fonttype": 42}):
        figure.savefig(name, dpi=150, metadata=dated.get(name.lower()[-4:]))
