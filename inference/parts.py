"""The parts of an answer without a look of their own; each is shown as text in a terminal and as HTML, with the same numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.text import Text

from . import html
from .display_layout import SPEAKS, Columns, Prose, bar, heading, identifier, numbered, pairs, signed

METER = 10
"""Signs of the bar that a `Meter` is as text."""


@dataclass(frozen=True)
class Meter:
    """A probability with its interval, to be seen and not read; `signs` is the length of its bar as text."""

    value: float
    low: float
    high: float
    signs: int = METER


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
class Estimate(Measured):
    """A number with its interval, in words, drawn as a dot with whiskers below them."""


@dataclass(frozen=True)
class Signed:
    """A number whose sign matters."""

    value: float

    @property
    def text(self) -> str:
        """The number with its sign."""
        return signed(self.value)


@dataclass(frozen=True)
class Link:
    """Words that lead to an address."""

    text: str
    address: str


Cell = str | Meter | Measured | Signed | Link


@dataclass(frozen=True)
class Section:
    """The heading of what follows; `level` 1 is the title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Sentence:
    """A paragraph, with a look of its own where it is `quiet`, `strong` or `closing`."""

    text: str
    look: str = ""


@dataclass(frozen=True)
class Listing:
    """Texts one below the other, numbered or with a mark before each."""

    items: Sequence[str]
    mark: str | None = None


@dataclass(frozen=True)
class Space:
    """A blank line of a terminal's text."""


@dataclass(frozen=True)
class Picture:
    """A picture of numbers that stand in the text too; it is not part of a terminal's text."""

    markup: html.Html


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


Part = Section | Sentence | Listing | Space | Pairs | Grid | Picture

LOOKS = {"": "", "quiet": "dim", "strong": "bold", "closing": "italic"}
"""Looks of a sentence, as a terminal has them."""


def as_renderables(parts: Iterable[Part]) -> list[RenderableType]:
    """Return parts for a terminal."""
    found: list[RenderableType] = []
    for part in parts:
        if isinstance(part, Section):
            found += [Prose(part.text, style="bold")] if part.level == 1 else [Text(), heading(part.text)]
        elif isinstance(part, Sentence):
            found.append(Prose(part.text, style=LOOKS[part.look]))
        elif isinstance(part, Listing):
            found.append(numbered(part.items, part.mark))
        elif isinstance(part, Space):
            found.append(Text())
        elif isinstance(part, Picture):
            continue
        elif isinstance(part, Pairs):
            found.append(pairs((name, str(_words(cell))) for name, cell in part.rows))
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
            found.append(html.element("p", _prose(part.text), **({"class_": part.look} if part.look else {})))
        elif isinstance(part, Listing):
            found.append(html.listing(map(_prose, part.items), ordered=part.mark is None))
        elif isinstance(part, Picture):
            found.append(part.markup)
        elif isinstance(part, Space):
            continue
        elif isinstance(part, Pairs):
            found.append(html.pairs((name, cell_html(cell)) for name, cell in part.rows))
        else:
            rows = [[_placed(cell, n, part) for n, cell in enumerate(row)] for row in part.rows]
            heads = [html.number(head) if n in part.right else head for n, head in enumerate(part.heads)]
            found.append(html.table(heads, rows))
    return found


def _prose(text: str) -> html.Html:
    """Return a text in which no line begins with a percent sign, and what stands between backticks is set as code."""
    return html.code_marked(text.replace(" %", "\u00a0%"))


def _placed(cell: Cell, column: int, grid: Grid) -> str:
    """Return a cell of a table; only those of columns that give way are broken into lines."""
    if column in grid.right:
        return html.number(cell_html(cell))
    return (
        cell_html(cell)
        if column in grid.wrap or isinstance(cell, Meter | Measured)
        else html.element("div", cell_html(cell), class_="whole")
    )


def study_link(doi: str, pmid: str) -> Cell:
    """Return a study's identifier as a link; empty where it has none."""
    text = identifier(doi, pmid)
    home = "pmc.ncbi.nlm.nih.gov/articles" if pmid.startswith("PMC") else "pubmed.ncbi.nlm.nih.gov"
    return Link(text, f"https://doi.org/{doi}" if doi else f"https://{home}/{pmid}/") if text else ""


def _words(cell: Cell) -> str | Text:
    if isinstance(cell, Meter):
        return bar(cell.value, cell.signs)
    if isinstance(cell, Signed):
        return Prose(cell.text, style="green" if cell.value >= SPEAKS else "red" if cell.value <= -SPEAKS else "dim")
    return cell if isinstance(cell, str) else cell.text


def cell_html(cell: Cell) -> str:
    """Return a cell as HTML."""
    if isinstance(cell, Meter):
        return html.interval_bar(cell.value, cell.low, cell.high)
    if isinstance(cell, Link):
        return html.element("a", cell.text, href=cell.address, rel="noopener")
    if isinstance(cell, Signed):
        return html.element("span", cell.text, class_="quiet") if abs(cell.value) < SPEAKS else cell.text
    if isinstance(cell, Estimate):
        drawn = html.interval_dot(cell.value, cell.low, cell.high, least=cell.least, most=cell.most)
        return html.element("div", cell.text, drawn, class_="estimate")
    if isinstance(cell, Measured):
        drawn = html.interval_bar(cell.value, cell.low, cell.high, least=cell.least, most=cell.most, width=110)
        return html.Html(html.element("span", cell.text, class_="value") + drawn)
    return cell
