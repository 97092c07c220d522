"""What all pictures share: colours that the colour-blind can tell apart, sizes, and files that come out the same each time."""

from __future__ import annotations

import textwrap
from contextlib import AbstractContextManager
from itertools import pairwise
from os import PathLike, fspath
from typing import TYPE_CHECKING, cast

from rich.cells import cell_len

from ..data.errors import FindingError
from .display_layout import breaks

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
    from .paper_figure import PaperFigure

    return PaperFigure(figsize=(width, height), layout="constrained")


CHINESE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Noto Sans CJK JP", "Source Han Sans SC", "Source Han Sans CN", "PingFang SC", "Hiragino Sans GB",
    "Heiti SC", "Microsoft YaHei", "SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Arial Unicode MS",
)  # fmt: skip


def fonts(language: str) -> AbstractContextManager[None]:
    """Return a context in which texts of figures are made with fonts that have the signs of a language.

    Raises `FindingError` for Chinese where no such font is installed.
    """
    import matplotlib as mpl

    family = ["DejaVu Sans"]
    if language == "zh":
        chinese = _chinese_fonts() or _chinese_fonts(again=True)
        if not chinese:
            raise FindingError(f"a picture in Chinese: no font that matplotlib knows has the signs; accepted: {', '.join(CHINESE_FONTS)}")
        family += chinese[:1]
    return cast("AbstractContextManager[None]", mpl.rc_context({"font.family": family}))


def _chinese_fonts(again: bool = False) -> list[str]:
    """Return the known fonts that are installed; `again` looks for those that were installed after matplotlib made its list."""
    from matplotlib.font_manager import findSystemFonts, fontManager, get_font

    if again:
        known = {entry.fname for entry in fontManager.ttflist}
        for path in findSystemFonts():
            if path not in known and get_font(path).family_name in CHINESE_FONTS:
                fontManager.addfont(path)
    installed = set(fontManager.get_font_names())
    return [name for name in CHINESE_FONTS if name in installed]


def caption(figure: Figure, text: str) -> None:
    """Put a sentence that says how to read it below a figure."""
    columns = int(figure.get_figwidth() * 15)
    # Chinese text has no blanks to be broken at.
    at = [0, *breaks(text, columns), len(text)]
    lines = [text[start:end].strip() for start, end in pairwise(at)] if _wide(text) else textwrap.wrap(text, columns)
    figure.supxlabel("\n".join(lines), fontsize=8, color="#444444", x=0.01, ha="left")


def _wide(text: str) -> bool:
    return cell_len(text) > len(text)


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
    with mpl.rc_context({"svg.hashsalt": "refra"}):
        figure.savefig(name, dpi=150, metadata=dated.get(name.lower()[-4:]))
