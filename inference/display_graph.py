"""The network as a picture: boxes in the three stages of the argument, arcs between them, and a patient's posteriors in the boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.errors import FindingError
from ..data.labels import check_language
from ..data.writing import write_text
from ..model.assembly import central_model
from .display_layout import share
from .graph_content import NOBODY, Content, Graph, Row, graph_content, seen_in
from .html import Html, element, escape, fragment
from .layered_layout import Box, Drawing, lay_out
from .svg_text import FONT, text_width, wrapped

if TYPE_CHECKING:
    from .assessment import Assessment

WIDTH, MARGIN, PAD = 1600.0, 16.0, 8.0
COLUMNS = ((28.0, 368.0), (404.0, 978.0), (1014.0, 1572.0))
"""Left and right end of each stage's column, in pixels."""
CARD, WIDE_CARD, MANY_ROWS = 154.0, 228.0, 9
OPTION_CARDS, BACKGROUND_CARDS = 3, 5
TITLE, TEXT, MARK = 11.5, 10.5, 8.5
LINE = 14.0
GAP, BETWEEN = 14.0, 34.0
SHARE_ROOM = 38.0

HUES = ("#2b7bba", "#d0661f", "#1b9e77", "#b8579a", "#8a6d1d", "#6f63b8", "#5f7f8a", "#c2384a")
"""Colours of arcs, by the box that they leave; each stands out from white and from black."""

STYLE = f"""
.net{{--page:#fff;--ink:#1c2430;--quiet:#5a6675;--stage:#f2f5f8;--card:#fff;--edge:#9aa6b4;--fill:#cfe0f0;--seen:#ffe2b8;--rim:#c77700}}
@media (prefers-color-scheme:dark){{.net{{--page:#12161c;--ink:#e8edf3;--quiet:#a3aebb;--stage:#1a2029;--card:#232b36;--edge:#5d6a79;
--fill:#2f557a;--seen:#5d4216;--rim:#e0a040}}}}
.net text{{font-family:{FONT};font-size:{TEXT}px;fill:var(--ink)}}
.net .t{{font-weight:bold;font-size:{TITLE}px}}.net .h{{font-weight:bold;font-size:15px}}.net .p{{font-weight:bold;font-size:19px}}
.net .q{{fill:var(--quiet)}}.net .m{{font-size:{MARK}px;fill:var(--quiet);text-anchor:middle}}.net .e{{text-anchor:end}}
.net .b{{fill:var(--card);stroke:var(--edge)}}.net .s{{fill:var(--stage)}}.net .o{{fill:var(--card);stroke:var(--rim);stroke-width:1.5}}
.net .f{{fill:var(--fill)}}.net .v{{fill:var(--seen)}}.net .k{{fill:none;stroke:var(--edge);stroke-width:.8}}.net .d{{stroke-dasharray:4 3}}
.net .a path{{fill:none;stroke-width:1.4;opacity:.85}}.net .a path+path{{stroke:none;opacity:1}}
.net .a:hover path{{stroke-width:3.5;opacity:1}}
""".strip()

PICTURE_STYLE = ".refra .wide>svg.net{width:100%;min-width:66rem;max-width:none;height:auto}"
"""As wide as the page; on a narrow one still as wide as its texts need."""

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "refra: the network behind the answer",
        "patient": "refra: the network and this patient",
        "0": "1  Did the drug get there?",
        "1": "2  Did hitting it matter?",
        "2": "3  Is it synovitis that hurts?",
        "background": "Background",
        "options": "Next steps: response, low disease activity and ACR50 at 24 weeks, and harms within a year",
        "arc": "arcs run down, from cause to effect, in the colour of the box that they leave",
        "mark": "further causes, by the letter or number of their box",
        "finding": "small print in a box: findings that show its state",
        "summary": "dashed: sums up other boxes",
        "bar": "probability given the findings",
        "seen": "seen in this patient",
        "outcomes": "{n} outcomes, from",
        "desc": "Three stages of {n} variables. Arcs: {arcs}.",
        "desc_seen": "Given the findings: {seen}.",
    },
    "zh": {
        "title": "refra：答案背后的网络",
        "patient": "refra：网络与这位患者",
        "0": "1  药物是否到达靶点？",
        "1": "2  击中靶点是否有用？",
        "2": "3  疼痛是否来自滑膜炎？",
        "background": "背景",
        "options": "下一步：24周时的应答、低疾病活动度与ACR50，以及一年内的危害",
        "arc": "箭头自上而下，由因到果，颜色与其起点相同",
        "mark": "其他原因，以其方框的字母或数字表示",
        "finding": "框内小字：反映其状态的所见",
        "summary": "虚线：汇总其他方框",
        "bar": "给定所见后的概率",
        "seen": "此患者的所见",
        "outcomes": "{n}项结局，来自",
        "desc": "{n}个变量，分三个阶段。箭头：{arcs}。",
        "desc_seen": "给定所见：{seen}。",
    },
}


class Picture(str):
    """An SVG text that a notebook shows as the picture that it is."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        """Return the SVG text, as notebooks ask for it."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the picture at a width at which it can be read, to be scrolled where the page is narrower."""
        return fragment([element("style", Html(PICTURE_STYLE)), element("div", Html(self), class_="wide")])


def network_svg(assessment: Assessment | None = None, *, language: str | None = None) -> Picture:
    """Return the picture of the network as SVG text, 1600 pixels wide and under 100 kB; a notebook shows it as a picture.

    Args:
        assessment: a patient's answer; its findings are tinted in the picture, and the boxes show the posteriors of the central network
            given them (and given the missed target, where the answer assumes it). Without one the network alone is drawn.
        language: `en` or `zh`; by default that of the assessment, else `en`.

    Raises:
        UnknownNameError: a language that there are no labels in.
    """
    spoken = check_language(language or (assessment.language if assessment else "en"))
    seen = seen_in(assessment, spoken) if assessment else NOBODY
    graph = graph_content(central_model(), spoken, seen)
    return Picture(_picture(graph, WORDS[spoken], bool(assessment)))


def save_network_svg(path: str | PathLike[str], assessment: Assessment | None = None, *, language: str | None = None) -> Path:
    """Write the picture of the network to a file and return its path; raises `FindingError` where it cannot be written."""
    name = fspath(path)
    if not name.lower().endswith(".svg"):
        raise FindingError(f"{name}: the ending is not known; accepted: .svg")
    return write_text(name, network_svg(assessment, language=language))


def _picture(graph: Graph, words: Mapping[str, str], patient: bool) -> str:
    parts: list[str] = []
    y = MARGIN + 18
    parts.append(_text(MARGIN, y, words["patient" if patient else "title"], "p"))
    legend, y = _legend(y + 24, words, patient)
    parts += legend
    cards = _grid(list(graph.background.values()), y + 32, BACKGROUND_CARDS, words)
    parts.append(_text(MARGIN, y + 22, words["background"], "h"))
    parts += cards[0]
    top = cards[1] + 40
    inner = {parent for parent, _ in graph.arcs}
    sizes = {}
    for name, box in graph.boxes.items():
        width = WIDE_CARD if len(box.rows) >= MANY_ROWS else CARD
        sizes[name] = Box(width, _height(box, width), box.column, last=name not in inner and box.kind != "finding")
    drawing = lay_out(sizes, graph.arcs, COLUMNS, top + 12, GAP, BETWEEN)
    hue = _hues(drawing)
    for number, (left, right) in enumerate(COLUMNS):
        parts.append(_rect(left - 12, top - 26, right - left + 24, drawing.bottom - top + 40, "s", 8))
        parts.append(_text(left, top - 8, words[str(number)], "h"))
    parts += _arcs(graph, drawing, hue)
    for name, box in graph.boxes.items():
        parts.append(_card(box, *drawing.places[name], sizes[name].width, sizes[name].height, hue.get(name)))
    y = drawing.bottom + 44
    parts.append(_text(MARGIN, y, words["options"], "h"))
    cards = _grid(list(graph.options.values()), y + 12, OPTION_CARDS, words)
    parts += cards[0]
    height = cards[1] + MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="net" width="{WIDTH:g}" height="{_n(height)}" '
        f'viewBox="0 0 {WIDTH:g} {_n(height)}" role="img" '
        f'aria-labelledby="refra-title refra-desc"><title id="refra-title">{escape(words["patient" if patient else "title"])}</title>'
        f'<desc id="refra-desc">{escape(_description(graph, words))}</desc><style>{STYLE}</style>'
    )
    return "\n".join([head, _rect(0, 0, WIDTH, height, "", 0, 'style="fill:var(--page)"'), *parts, "</svg>", ""])


def _hues(drawing: Drawing) -> dict[str, str]:
    """Return a colour for each box that arcs leave, so that arcs side by side differ as far as the colours go."""
    spans: dict[str, tuple[float, float]] = {}
    found: dict[str, str] = {}
    for name, polylines in drawing.lines.items():
        if polylines:
            ys = [y for line in polylines for _, y in line]
            spans[name] = min(ys), max(ys)
            shared = dict.fromkeys(HUES, 0.0)
            for other, hue in found.items():
                shared[hue] += max(0.0, min(spans[name][1], spans[other][1]) - max(spans[name][0], spans[other][0]))
            found[name] = min(HUES, key=lambda hue: (shared[hue], HUES.index(hue)))
    return found


def _description(graph: Graph, words: Mapping[str, str]) -> str:
    """Return the picture in words, for those who cannot see it."""
    below: dict[str, list[str]] = {}
    for parent, child in graph.arcs:
        below.setdefault(graph.boxes[parent].title, []).append(graph.boxes[child].title)
    said = "; ".join(f"{parent} → {', '.join(children)}" for parent, children in below.items())
    everything = [*graph.background.values(), *graph.boxes.values(), *graph.options.values()]
    text = words["desc"].format(n=sum(len(box.members) for box in everything), arcs=said)
    seen = [f"{row.text or box.title} {row.value}" for box in everything for row in box.rows if row.value is not None]
    return f"{text} {words['desc_seen'].format(seen=', '.join(seen))}" if seen else text


def _legend(y: float, words: Mapping[str, str], patient: bool) -> tuple[list[str], float]:
    """Return the signs with their meanings, and where they end."""
    x, parts = MARGIN, []
    for name in ("arc", "mark", "finding", "summary", *(("bar", "seen") if patient else ())):
        width = 40 + text_width(words[name], TEXT)
        if x + width > WIDTH - MARGIN:
            x, y = MARGIN, y + 22
        if name == "arc":
            parts.append(f'<g class="a"><path d="M{x + 12} {y - 12}V{y - 2}" stroke="{HUES[0]}"/>{_head(x + 12, y + 3, HUES[0])}</g>')
        elif name == "mark":
            parts += [_mark(x + 6, y - 4, "A"), _mark(x + 21, y - 4, "7")]
        elif name == "finding":
            parts.append(f'<text x="{_n(x + 4)}" y="{_n(y)}" class="q">CRP</text>')
        else:
            parts.append(_rect(x + 2, y - 11, 26, 14, {"summary": "b d", "bar": "f", "seen": "v"}[name], 3))
        parts.append(_text(x + 34, y, words[name], "q"))
        x += width + 18
    return parts, y + 8


def _grid(boxes: Sequence[Content], top: float, across: int, words: Mapping[str, str]) -> tuple[list[str], float]:
    """Return boxes of one size side by side, and where they end."""
    width = (WIDTH - 2 * MARGIN - (across - 1) * GAP) / across
    parts, y = [], top
    for start in range(0, len(boxes), across):
        row = boxes[start : start + across]
        height = max(_wide_height(box, width, words) for box in row)
        for number, box in enumerate(row):
            parts.append(_wide_card(box, MARGIN + number * (width + GAP), y, width, height, words))
        y += height + 8
    return parts, y - 8


def _below_title(box: Content, words: Mapping[str, str]) -> str:
    return words["outcomes"].format(n=len(box.members)) if box.kind == "option" else ""


def _wide_height(box: Content, width: float, words: Mapping[str, str]) -> float:
    marks = 18.0 if box.marks else 0.0
    return 22 + marks + sum(_row_height(row, width) for row in box.rows if box.kind == "option")


def _wide_card(box: Content, x: float, y: float, width: float, height: float, words: Mapping[str, str]) -> str:
    """Return a box of the background or of an option."""
    seen = box.rows[0].value if box.rows else None
    parts = [f"<g>{_tip(box)}", _rect(x, y, width, height, "b" if seen is None else "o", 4)]
    left = x + PAD
    if box.mark:
        parts.append(_mark(x + 13, y + height / 2, box.mark))
        left += 18
    parts.append(_text(left, y + 15, box.title, "" if box.mark else "t"))
    if seen is not None:
        parts.append(_text(x + width - PAD, y + 15, _fitting(seen, width - 40 - text_width(box.title, TEXT)), "t e"))
    if box.marks:
        said = _below_title(box, words)
        parts.append(_text(left, y + 33, said, "q"))
        start = left + text_width(said, TEXT) + 10
        parts += [_mark(start + 14.5 * number, y + 29, mark) for number, mark in enumerate(box.marks)]
    if box.kind == "option":
        parts += _rows(box.rows, x, y + 40, width)
    return "".join([*parts, "</g>"])


def _fitting(text: str, width: float) -> str:
    """Return a text, cut where it does not fit into a width; the whole stands in the box's tip."""
    if text_width(text, TITLE, bold=True) <= width:
        return text
    return wrapped(text, width - 12, TITLE, bold=True)[0] + "…"


def _title_lines(box: Content, width: float) -> list[str]:
    return wrapped(box.title, width - 2 * PAD - 16, TITLE, bold=True)


def _height(box: Content, width: float) -> float:
    marks = 16.0 if box.marks else 0.0
    return (
        7
        + LINE * len(_title_lines(box, width))
        + marks
        + sum(_row_height(row, width) for row in box.rows)
        + (5 if box.rows or box.marks else 3)
    )


def _card(box: Content, x: float, y: float, width: float, height: float, hue: str | None) -> str:
    """Return a box of a stage; `hue` is the colour of its arcs, if it has any."""
    seen = any(row.value is not None for row in box.rows)
    kind = "o" if seen else "b d" if box.kind == "summary" else "b"
    parts = [f"<g>{_tip(box)}", _rect(x, y, width, height, kind, 5)]
    if hue:
        parts.append(_rect(x, y + 4, 4, height - 8, "", 2, f'fill="{hue}"'))
    parts.append(_mark(x + width - 12, y + 13, box.mark))
    at = y + 3
    for line in _title_lines(box, width):
        at += LINE
        parts.append(_text(x + PAD + 2, at, line, "t"))
    if box.marks:
        parts += [_mark(x + PAD + 8 + 15 * number, at + 12, mark) for number, mark in enumerate(box.marks)]
        at += 16
    parts += _rows(box.rows, x, at + 4, width)
    return "".join([*parts, "</g>"])


def _row_lines(row: Row, width: float) -> tuple[list[str], list[str]]:
    """Return a row's text and what was seen, in lines that leave room for marks or a number at the end."""
    right = (SHARE_ROOM if row.probability is not None else 0.0) + 15.0 * len(row.marks)
    room = width - 2 * PAD - 4
    return wrapped(row.text, room - right, TEXT), wrapped(row.value or "", room - 10, TITLE, bold=True)


def _beside(row: Row, width: float) -> bool:
    """Whether what was seen fits beside the row's text."""
    text, value = _row_lines(row, width)
    needed = text_width(row.text, TEXT) + text_width(row.value or "", TITLE, bold=True) + 15 * len(row.marks)
    return len(text) == len(value) == 1 and needed + 12 <= width - 2 * PAD - 4


def _row_height(row: Row, width: float) -> float:
    text, value = _row_lines(row, width)
    return LINE * (1 if _beside(row, width) else len(text) + len(value)) + 1


def _rows(rows: Sequence[Row], x: float, y: float, width: float) -> list[str]:
    """Return the lines of a box, with bars behind states and a tint behind what was seen."""
    parts: list[str] = []
    left, right = x + PAD + 2, x + width - PAD
    for row in rows:
        height, (text, value) = _row_height(row, width), _row_lines(row, width)
        if row.value is not None:
            parts.append(_rect(left - 3, y, width - 2 * PAD + 4, height - 1, "v", 2))
        end = right - 4
        if row.probability is not None:
            parts.append(_rect(left - 3, y, max(0.6, (width - 2 * PAD - SHARE_ROOM - 4) * row.probability), height - 1, "f", 2))
            parts.append(_text(right, y + 10.5, share(row.probability), "e"))
            end -= SHARE_ROOM
        parts += [_mark(end - 15 * number, y + 7, mark) for number, mark in enumerate(reversed(row.marks))]
        quiet = "q" if row.probability is None and row.value is None else ""
        parts += [_text(left, y + 10.5 + LINE * number, line, quiet) for number, line in enumerate(text)]
        if _beside(row, width):
            parts.append(_text(right - 15 * len(row.marks), y + 10.5, value[0], "t e"))
        else:
            indent = 10 if text else 0
            parts += [_text(left + indent, y + 10.5 + LINE * number, line, "t") for number, line in enumerate(value, start=len(text))]
        y += height
    return parts


def _arcs(graph: Graph, drawing: Drawing, hue: Mapping[str, str]) -> list[str]:
    parts = []
    for name, polylines in drawing.lines.items():
        if not polylines:
            continue
        children = ", ".join(graph.boxes[child].title for parent, child in graph.arcs if parent == name)
        path = "".join(_bent(*line) for line in polylines)
        heads = "".join(_head(x, y, hue[name]) for x, y in drawing.heads[name])
        tip = f"<title>{escape(graph.boxes[name].title)} → {escape(children)}</title>"
        parts.append(f'<g class="a">{tip}<path d="{path}" stroke="{hue[name]}"/>{heads}</g>')
    return parts


def _bent(start: tuple[float, float], row_end: tuple[float, float], end: tuple[float, float]) -> str:
    """Return a straight piece past the layer's boxes and a bend to the next layer."""
    (x, y), (_, bottom), (to, top) = start, row_end, end
    half = (bottom + top) / 2
    return f"M{_n(x)} {_n(y)}V{_n(bottom)}C{_n(x)} {_n(half)} {_n(to)} {_n(half)} {_n(to)} {_n(top)}"


def _head(x: float, y: float, hue: str) -> str:
    return f'<path d="M{_n(x - 4)} {_n(y - 7)}h8l-4 7z" style="fill:{hue}"/>'


def _tip(box: Content) -> str:
    """Return what is shown of a box under the pointer and read aloud: its variables and what was seen of them."""
    seen = "; ".join(f"{row.text} {row.value}".strip() for row in box.rows if row.value is not None)
    return f"<title>{escape(box.title)}: {', '.join(box.members)}{escape('; ' + seen) if seen else ''}</title>"


def _mark(x: float, y: float, mark: str) -> str:
    return f'<circle class="k" cx="{_n(x)}" cy="{_n(y)}" r="6.6"/><text class="m" x="{_n(x)}" y="{_n(y + 3)}">{mark}</text>'


def _rect(x: float, y: float, width: float, height: float, kind: str, radius: float, more: str = "") -> str:
    named = f'class="{kind}" ' if kind else ""
    return f'<rect {named}x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" rx="{radius:g}" {more}/>'


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{_n(x)}" y="{_n(y)}"{named}>{escape(text)}</text>'


def _n(value: float) -> str:
    """Return a number with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")
