"""The parts of an answer without a look of their own; each is shown as text in a terminal and as HTML, with the same numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.text import Text

from . import html
from .display_layout import Columns, Prose, bar, heading, pairs

METER = 10
"""Signs of the bar that a `Meter` is as text."""


@dataclass(frozen=True)
class Meter:
    """A probability with its interval, to be seen and not read."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Measured:
    """A number with its interval, in words, and the scale from `least` to `most` on which HTML draws it."""

    text: str
    value: float
    low: float | None
    high: float | None
    least: float
    most: float


@dataclass(frozen=True)
class Link:
    """Words that lead to an address."""

    text: str
    address: str


Cell = str | Meter | Measured | Link


@dataclass(frozen=True)
class Section:
    """The heading of what follows; `level` 1 is the title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Sentence:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Pairs:
    """Names with what belongs to them."""

    rows: Sequence[tuple[str, Cell]]


@dataclass(frozen=True)
class Grid:
    """A table; `right` are the columns set right, `wrap` those that give way where it is narrow."""

    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    right: Sequence[int] = ()
    wrap: Sequence[int] = (0,)


Part = Section | Sentence | Pairs | Grid


def as_renderables(parts: Iterable[Part]) -> list[RenderableType]:
    """Return parts for a terminal."""
    found: list[RenderableType] = []
    for part in parts:
        if isinstance(part, Section):
            found += [Prose(part.text, style="bold")] if part.level == 1 else [Text(), heading(part.text)]
        elif isinstance(part, Sentence):
            found.append(Prose(part.text))
        elif isinstance(part, Pairs):
            found.append(pairs((name, _words(cell)) for name, cell in part.rows))
        else:
            found.append(Columns(part.heads, [[_words(cell) for cell in row] for row in part.rows], part.right, part.wrap))
    return found


def as_html(parts: Iterable[Part]) -> list[html.Html]:
    """Return parts as HTML."""
    found: list[html.Html] = []
    for part in parts:
        if isinstance(part, Section):
            found.append(html.heading(part.text, part.level))
        elif isinstance(part, Sentence):
            found.append(html.paragraph(part.text))
        elif isinstance(part, Pairs):
            found.append(html.pairs((name, _markup(cell)) for name, cell in part.rows))
        else:
            rows = [[html.number(_markup(cell)) if n in part.right else _markup(cell) for n, cell in enumerate(row)] for row in part.rows]
            heads = [html.number(head) if n in part.right else head for n, head in enumerate(part.heads)]
            found.append(html.table(heads, rows))
    return found


def _words(cell: Cell) -> str:
    if isinstance(cell, Meter):
        return bar(cell.value, METER)
    return cell if isinstance(cell, str) else cell.text


def _markup(cell: Cell) -> str:
    if isinstance(cell, Meter):
        return html.interval_bar(cell.value, cell.low, cell.high)
    if isinstance(cell, Link):
        return html.element("a", cell.text, href=cell.address, rel="noopener")
    if isinstance(cell, Measured):
        drawn = html.interval_bar(cell.value, cell.low, cell.high, least=cell.least, most=cell.most, width=110)
        return html.Html(html.element("span", cell.text, class_="value") + drawn)
    return cell
