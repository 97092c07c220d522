"""The parts that texts for a terminal are made of: numbers, bars, paragraphs and tables that fit a width."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pandas as pd
from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, JustifyMethod, OverflowMethod, RenderableType, RenderResult
from rich.containers import Lines
from rich.measure import Measurement
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from .explanation import percent

EIGHTHS = " ▏▎▍▌▋▊▉"
ROOMS = ((14, 36), (14, 22), (8, 22), (8, 0), (0, 0))
"""Widths that heads and wrapped columns are given if there is room, the most generous first."""

SPEAKS = 0.05
"""Least number with a sign that shows at one decimal."""

CLOSING = "，。；：、）？！”’》%,.;:)"
OPENING = "（“‘《("


def share(value: float) -> str:
    """Return a probability as a percentage, a dash where there is none."""
    return "–" if math.isnan(value) else percent(value)


def span(low: float, high: float) -> str:
    """Return the bounds of an interval of a probability as percentages."""
    ends = [share(end).removesuffix(" %") for end in (low, high)]
    return f"{ends[0]} %" if ends[0] == ends[1] else f"{ends[0]}–{ends[1]} %"


def with_span(value: float, low: float, high: float) -> str:
    """Return a probability with its interval."""
    bounds = span(low, high)
    return share(value) if math.isnan(low) or math.isnan(high) or bounds == share(value) else f"{share(value)} ({bounds})"


def signed(value: float, digits: int = 1) -> str:
    """Return a number with its sign, 0 without one, a dash where there is none."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "+∞" if value > 0 else "-∞"
    return f"{value:+z.{digits}f}" if abs(round(value, digits)) > 0 else f"{0:.{digits}f}"


def bar(value: float, width: int = 14) -> str:
    """Return a bar of at most `width` signs for a probability, in steps of an eighth of a sign."""
    eighths = 0 if math.isnan(value) else round(value * width * 8)
    return "█" * (eighths // 8) + (EIGHTHS[eighths % 8] if eighths % 8 else "")


def _breakable(before: str, after: str) -> bool:
    if after.isspace() or after in CLOSING or before in OPENING:
        return False
    # Chinese text has no blanks and is broken between any two of its signs.
    return before.isspace() or cell_len(before) > 1 or cell_len(after) > 1


def pieces(text: str) -> list[str]:
    """Return a line of text cut wherever it may be broken: at blanks, though not before a percent sign, and between Chinese signs."""
    found = [""]
    for before, after in zip(" " + text, text, strict=False):
        if found[-1] and _breakable(before, after):
            found.append("")
        found[-1] += after
    return found


def breaks(text: str, width: int) -> list[int]:
    """Return where a line of text is broken so that it fits into `width` columns."""
    found: list[int] = []
    at = used = 0
    for piece in pieces(text):
        if used and used + cell_len(piece.rstrip()) > width:
            found.append(at)
            used = 0
        for sign in piece:
            if used and used + cell_len(sign) > width and not sign.isspace():
                found.append(at)
                used = 0
            at, used = at + 1, used + cell_len(sign)
    return found


class Prose(Text):
    """Text that is wrapped as prose in English and Chinese is; nothing of it is cut off."""

    def wrap(
        self,
        console: Console,
        width: int,
        *,
        justify: JustifyMethod | None = None,
        overflow: OverflowMethod | None = None,
        tab_size: int = 8,
        no_wrap: bool | None = None,
    ) -> Lines:
        """Return the lines of the text at a width."""
        found = Lines()
        for line in self.split(allow_blank=True):
            for part in line.divide(breaks(line.plain, width)):
                part.rstrip()
                found.append(part)
        if justify:
            found.justify(console, width, justify=justify, overflow="fold")
        return found

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Return the least width without a broken word, and the width of the whole."""
        rows = self.plain.split("\n")
        longest = max((cell_len(piece.rstrip()) for row in rows for piece in pieces(row)), default=0)
        return Measurement(min(longest, options.max_width), min(max(map(cell_len, rows)), options.max_width))


@dataclass(frozen=True)
class Columns:
    """A table of texts that fits the width it is given.

    The columns in `wrap` take up what is lacking in width, those in `right` are set right; those without a head are left out where it is
    narrow.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str | Text]]
    right: Sequence[int] = ()
    wrap: Sequence[int] = (0,)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay the table out."""
        every = range(len(self.heads))
        headed = [number for number in every if self.heads[number]]
        for shown, (head, cell) in (*((every, room) for room in ROOMS), (headed, ROOMS[-1])):
            widths = {number: self._least(number, cell if number in self.wrap else head) for number in shown}
            if sum(width + 2 for width in widths.values()) - 2 <= options.max_width:
                yield self._table({n: None if n in self.wrap else width for n, width in widths.items()})
                return
        yield self._table(dict.fromkeys(headed))

    def _least(self, number: int, room: int) -> int:
        """Return the least width at which no number of a column is broken; `room` is what its head, or its text, gets if it needs it."""
        head, cells = self.heads[number], [str(row[number]) for row in self.rows]
        wrapped = [head, *cells] if number in self.wrap else [head]
        words = [cell_len(piece.rstrip()) for text in wrapped for piece in pieces(text)]
        spread = [min(room, cell_len(text)) for text in wrapped]
        return max(0, 0, *words, *spread, *([] if number in self.wrap else map(cell_len, cells)))

    def _table(self, widths: dict[int, int | None]) -> Table:
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
        for number, width in widths.items():
            table.add_column(Prose(self.heads[number]), justify="right" if number in self.right else "left", width=width, overflow="fold")
        for row in self.rows:
            table.add_row(*(Prose(cell) if isinstance(cell, str) else cell for cell in (row[number] for number in widths)))
        return table


def lines(frame: pd.DataFrame) -> Iterator[Any]:
    """Return the rows of a frame, their values as attributes of any type."""
    return iter(frame.itertuples())


def heading(title: str) -> Rule:
    """Return the line that begins a section."""
    return Rule(Text(title, style="bold"), align="left", characters="─", style="dim")


def pairs(rows: Iterable[tuple[str, str]]) -> Table:
    """Return names with their texts beside them."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    for name, text in rows:
        table.add_row(Text(name, style="bold"), Prose(text))
    return table


def numbered(items: Sequence[str], mark: str | None = None) -> Table:
    """Return texts with numbers, or with one mark, before them."""
    table = Table.grid(padding=(0, 1, 0, 0))
    for number, item in enumerate(items, start=1):
        table.add_row(Text(mark or f"{number}."), Prose(item))
    return table


def to_text(parts: Iterable[RenderableType], width: int, color: bool) -> str:
    """Return what rich renders of these parts, without blanks at the end of lines unless there is colour."""
    stream = StringIO()
    console = Console(
        file=stream,
        width=width,
        force_terminal=color,
        force_jupyter=False,
        color_system="standard" if color else None,
        legacy_windows=False,
        highlight=False,
    )
    console.print(Group(*parts))
    text = stream.getvalue()
    return text if color else "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def identifier(doi: str, pmid: str) -> str:
    """Return the identifier by which a study is found: its doi, else its PubMed (or PubMed Central) number; empty where it has none."""
    if doi or not pmid:
        return f"doi {doi}" if doi else ""
    return f"PMCID {pmid}" if pmid.startswith("PMC") else f"PMID {pmid}"
