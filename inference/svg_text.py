"""Widths of text in pictures that are written without a font at hand."""

from __future__ import annotations

import re

from rich.cells import cell_len

from .display_layout import pieces

FONT = "'DejaVu Sans', Verdana, 'Noto Sans', Arial, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', 'WenQuanYi Zen Hei', sans-serif"
"""DejaVu Sans and Verdana are the widest of these, so that text measured for them fits in the others too."""

NARROW, OTHER, CAPITAL, SYMBOL, WIDE = 0.42, 0.65, 0.79, 0.84, 1.0
"""Widths of signs in DejaVu Sans, in parts of the font's size, each the largest of its kind."""
BOLD = 1.15

HYPHEN = re.compile(r"(?<=[a-z]-)(?=[a-z]{3})")
"""Where a word may be broken."""


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return a width in pixels in which a text of a font size fits."""
    return sum(map(_sign, text)) * size * (BOLD if bold else 1.0)


def _sign(sign: str) -> float:
    if cell_len(sign) > 1 or sign in "mwMW%@—":
        return WIDE
    if sign in "ijl.,:;'|()[]-!/ ft·I":
        return NARROW
    if sign in "<>=+#&^~":
        return SYMBOL
    return CAPITAL if sign.isupper() else OTHER


def wrapped(text: str, width: float, size: float, bold: bool = False) -> list[str]:
    """Return the lines of a text in a width in pixels; a word that is too long for a line is cut."""
    found = [""]
    for piece in (part for whole in pieces(text) for part in HYPHEN.split(whole)):
        if found[-1] and text_width((found[-1] + piece).rstrip(), size, bold) > width:
            found.append("")
        for sign in piece:
            if found[-1] and text_width((found[-1] + sign).rstrip(), size, bold) > width:
                found.append("")
            found[-1] += sign
    return [line.strip() for line in found if line.strip()]
