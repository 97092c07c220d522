"""The parts that refra's answers in HTML are made of: one design, no JavaScript, for white and for dark pages.

A page is a list of parts, joined by `document`:

>>> text = document("Ada", [heading("States"), table(("State", "Probability"), [("none", number("62 %"))]), interval_bar(0.62, 0.5, 0.7)])

All functions take plain text and escape it. What is markup already is of the type `Html`, which they leave as it is; so parts can stand in
the cells of a table. Colours are mixed from the page's own text colour (`currentColor`), so that a fragment is readable on any page;
`STYLE` holds them as custom properties, which a page may set otherwise: `--refra-accent`, `--refra-quiet`, `--refra-line`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape as _escape

from ..data.writing import GENERATOR


class Html(str):
    """Text that is markup already and is not escaped again."""

    __slots__ = ()


# Jupyter floats dt and dd, sets tables to the right and stripes them, with rules that count as more specific than one class.
STYLE = """
.refra{--refra-accent:#3b82b8;--refra-quiet:color-mix(in srgb,currentColor 68%,transparent);
--refra-line:color-mix(in srgb,currentColor 22%,transparent);font:14px/1.45 system-ui,-apple-system,"Segoe UI","Noto Sans","DejaVu Sans",
"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;color:inherit;max-width:72rem;overflow-wrap:break-word}
.refra h1{font-size:1.35em;margin:.2em 0 .5em}.refra h2{font-size:1.08em;margin:1.3em 0 .4em;border-bottom:1px solid var(--refra-line)}
.refra p{margin:.4em 0}.refra .quiet{color:var(--refra-quiet)}.refra a{color:inherit}
.refra .strong{font-weight:600}.refra .closing{font-style:italic}.refra ul,.refra ol{margin:.4em 0;padding-left:1.5em}
.refra .wide{overflow-x:auto}.refra table{border-collapse:collapse;background:none;margin:0;font-size:inherit;color:inherit}
.refra th,.refra td{text-align:left;vertical-align:top;padding:.22em .9em .22em 0;background:none;border:0;
border-bottom:1px solid var(--refra-line);white-space:normal}
.refra th{font-weight:600}.refra .number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.refra th .number{white-space:normal;min-width:3.3em}.refra .whole{white-space:nowrap}
.refra .estimate{white-space:nowrap;font-variant-numeric:tabular-nums}.refra .estimate svg{display:block}
.refra dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.18em 1.1em;margin:.4em 0}
.refra dt{font-weight:600}.refra dd{margin:0}.refra svg{vertical-align:middle}.refra td svg{max-width:none}
.refra svg.picture{max-width:100%;height:auto}
.refra .value{display:inline-block;min-width:14.5em;padding-right:.6em}
.refra dt,.refra dd{float:none;width:auto}.refra.refra .wide tbody tr{background:none}
.refra .wide th,.refra .wide td{text-align:left;vertical-align:top}
@media (max-width:36rem){.refra dl{grid-template-columns:minmax(0,1fr)}.refra dd{margin-bottom:.35em}}
@media print{.refra .wide{overflow:visible}}
""".strip()

PAGE = "html{color-scheme:light dark}body{margin:1.5rem;background:Canvas;color:CanvasText}"


def escape(text: object) -> str:
    """Return a text with the signs that HTML and SVG read as their own (<, >, &, quotes) written otherwise; `Html` stays as it is."""
    return text if isinstance(text, Html) else _escape(str(text))


def element(name: str, *content: object, **attributes: str) -> Html:
    """Return an element; a trailing underscore of an attribute's name falls away (`class_`), and an underscore inside becomes a hyphen."""
    named = "".join(f' {key.rstrip("_").replace("_", "-")}="{_escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{named}>{''.join(map(escape, content))}</{name}>")


def code_marked(text: str) -> Html:
    """Return a text with what stands between backticks set as code."""
    return Html("".join(element("code", part) if n % 2 else escape(part) for n, part in enumerate(text.split("`"))))


def heading(text: object, level: int = 2) -> Html:
    """Return a heading; a level of 1 is the title."""
    return element(f"h{level}", text)


def paragraph(text: object, quiet: bool = False) -> Html:
    """Return a paragraph, `quiet` ones in a weaker colour."""
    return element("p", text, class_="quiet") if quiet else element("p", text)


def listing(items: Iterable[object], ordered: bool = False) -> Html:
    """Return texts one below the other, numbered where they are ordered."""
    return element("ol" if ordered else "ul", *(element("li", item) for item in items))


def number(text: object) -> Html:
    """Return a cell's text to be set right, with figures of one width."""
    return element("div", text, class_="number")


def table(heads: Sequence[object], rows: Iterable[Sequence[object]], caption: str = "") -> Html:
    """Return a table with a row of heads; it scrolls by itself where the page is narrow.

    `caption` says what it holds to those who hear it.
    """
    head = element("tr", *(element("th", text, scope="col") for text in heads))
    body = "".join(element("tr", *(element("td", cell) for cell in row)) for row in rows)
    named = {"aria_label": caption} if caption else {}
    return element("div", element("table", element("thead", head), element("tbody", Html(body)), **named), class_="wide")


def pairs(rows: Iterable[tuple[object, object]]) -> Html:
    """Return names with their texts beside them."""
    return element("dl", *(Html(element("dt", name) + element("dd", text)) for name, text in rows))


def interval_bar(
    value: float, low: float | None = None, high: float | None = None, *, least: float = 0.0, most: float = 1.0, width: int = 140
) -> Html:
    """Return a number as a bar with whiskers, as inline SVG.

    Args:
        value: the number; nothing is drawn where it is NaN.
        low: lower end of its interval; None or NaN leaves the whiskers out.
        high: upper end of its interval.
        least: what the left end stands for. A bar begins at 0 if that lies on the scale, else here.
        most: what the right end stands for.
        width: in pixels.
    """
    if math.isnan(value):
        return Html("")

    def place(x: float) -> float:
        return 1 + (width - 2) * min(1.0, max(0.0, (x - least) / (most - least)))

    zero = place(0.0)
    left, right = sorted((zero, place(value)))
    parts = [
        f'<rect x="1" y="2" width="{width - 2}" height="12" rx="2" fill="currentColor" opacity=".09"/>',
        f'<rect x="{left:.1f}" y="2" width="{max(right - left, 0.8):.1f}" height="12" rx="2" fill="var(--refra-accent,#3b82b8)"/>',
    ]
    if low is not None and high is not None and not math.isnan(low + high):
        a, b = place(low), place(high)
        parts.append(f'<path d="M{a:.1f} 8H{b:.1f}M{a:.1f} 4v8M{b:.1f} 4v8" fill="none" stroke="currentColor" stroke-width="1.3"/>')
    # The number stands beside a bar as text, so that the bar need not be read aloud.
    return Html(f'<svg width="{width}" height="16" viewBox="0 0 {width} 16" aria-hidden="true">{"".join(parts)}</svg>')


def interval_dot(
    value: float, low: float | None = None, high: float | None = None, *, least: float = 0.0, most: float = 1.0, width: int = 84
) -> Html:
    """Return a number as a dot with whiskers on the scale from `least` to `most`, as inline SVG; the arguments are those of `interval_bar`.

    A thin line stands at 0 where that lies inside the scale.
    """
    if math.isnan(value):
        return Html("")

    def place(x: float) -> float:
        return 4 + (width - 8) * min(1.0, max(0.0, (x - least) / (most - least)))

    parts = [f'<path d="M4 7H{width - 4}" stroke="currentColor" opacity=".16"/>']
    if least < 0 < most:
        parts.append(f'<path d="M{place(0.0):.1f} 1v12" stroke="currentColor" opacity=".4"/>')
    if low is not None and high is not None and not math.isnan(low + high):
        parts.append(f'<path d="M{place(low):.1f} 7H{place(high):.1f}" stroke="currentColor" stroke-width="1.6"/>')
    parts.append(f'<circle cx="{place(value):.1f}" cy="7" r="3.6" fill="var(--refra-accent,#3b82b8)"/>')
    return Html(f'<svg width="{width}" height="14" viewBox="0 0 {width} 14" aria-hidden="true">{"".join(parts)}</svg>')


def fragment(parts: Iterable[object]) -> Html:
    """Return parts as one block with its style, as a notebook shows it."""
    return element("div", element("style", Html(STYLE)), *parts, class_="refra")


def document(title: str, parts: Iterable[object], language: str = "en", style: str = "") -> Html:
    """Return parts as a page of its own, which follows the reader's choice of a light or a dark page; `style` adds to its style."""
    meta = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">{GENERATOR}'
    heads = f"{meta}{element('title', title)}{element('style', Html(PAGE + style))}"
    body = element("main", fragment(parts))
    return Html(f'<!DOCTYPE html>\n<html lang="{escape(language)}"><head>{heads}</head><body>{body}</body></html>\n')
