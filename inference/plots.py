"""An assessment, and a comparison of two, as matplotlib figures for a paper, with the level of their intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..data.errors import FindingError, unknown_name
from ..data.labels import label
from ..data.loading import variables
from ..model.harms import HARMS
from .display_comparison import interval_note, rows_of
from .display_layout import breaks, share, signed
from .display_pictures import FURTHEST, TICKS, waterfall_steps
from .display_query import title as query_title
from .display_words import WORDS
from .figures import COLOURS, QUIET, caption, fonts, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .assessment import Assessment
    from .comparison import Comparison
    from .query_result import QueryResult, Question

Array = NDArray[np.float64]

ROW = 0.27
"""Inches of a line of a chart."""

HEAD = 1.6
"""Inches of a chart's title, axis and caption."""

NAME = 26
"""Columns of a line of a name beside an axis."""

MARKERS = "osD^vP"
TESTS_SHOWN = 8


def plot_answer(answer: Assessment, kind: str) -> Figure:
    """Return the figure of a kind (see `Assessment.plot`)."""
    if kind not in KINDS:
        raise unknown_name("kind of plot", kind, KINDS)
    frame = {"answer": "options"}.get(kind, kind)
    if not len(getattr(answer, frame)):
        raise FindingError(
            f"plot: this answer has no {kind}; accepted: {', '.join(k for k in KINDS if len(getattr(answer, k, ())))}, answer"
        )
    with fonts(answer.language):
        return KINDS[kind](answer)


def _caption(figure: Figure, answer: Assessment) -> None:
    caption(figure, _bars_words(answer))


def _bars_words(asked: Assessment | Question) -> str:
    words = WORDS[asked.language]
    return words["bars"].format(level=f"{100 * asked.level:g} %", draws=asked.draws) if asked.draws else words["bars_alone"]


def _height(rows: int) -> float:
    return HEAD + ROW * rows


def _finish(axes: Axes, names: Sequence[str], title: str, xlabel: str) -> None:
    axes.set_yticks(range(len(names)), [_lines(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_title(title, fontsize=10, loc="left", fontweight="bold")
    axes.set_xlabel(xlabel, fontsize=9)
    axes.tick_params(labelsize=8.5)
    axes.spines[["top", "right"]].set_visible(False)


def _lines(name: str) -> str:
    """Return a name in lines of at most `NAME` columns."""
    at = [0, *breaks(name, NAME), len(name)]
    return "\n".join(name[start:end].strip() for start, end in pairwise(at))


def _whiskers(values: Array, low: Array, high: Array) -> Array:
    """Return the lengths of whiskers; a centre outside its own interval has one of length 0 on that side."""
    return np.maximum(np.stack([values - low, high - values]), 0.0)


def _numbers(table: pd.DataFrame, value: str, low: str, high: str, factor: float = 100.0) -> tuple[Array, Array]:
    found = [table[name].to_numpy(dtype=np.float64) * factor for name in (value, low, high)]
    return found[0], _whiskers(*found)


def _bars(axes: Axes, table: pd.DataFrame, title: str, xlabel: str) -> None:
    values, ends = _numbers(table, "probability", "low", "high")
    axes.barh(range(len(table)), values, height=0.6, color=COLOURS[0], alpha=0.75, xerr=ends, error_kw={"elinewidth": 1.2, "capsize": 2.5})
    axes.set_xlim(0, 100)
    _finish(axes, list(table["label"]), title, xlabel)


def _dots(axes: Axes, values: Array, ends: Array, shift: float, colour: str, marker: str, name: str, hollow: bool = False) -> None:
    places = np.arange(len(values)) + shift
    face = "white" if hollow else colour
    axes.errorbar(
        values, places, xerr=ends, fmt=marker, color=colour, markerfacecolor=face, markersize=4.5, elinewidth=1.2, capsize=0, label=name
    )


def _legend(axes: Axes, columns: int = 2) -> None:
    # The pad, in sizes of the font, leaves room for the axis's own words whatever the height of the chart.
    axes.legend(
        fontsize=7, frameon=False, loc="upper center", bbox_to_anchor=(0.5, 0.0), borderaxespad=5.0, ncols=columns, handletextpad=0.2,
        columnspacing=0.9,
    )  # fmt: skip


def _draw_reasons(axes: Axes, answer: Assessment) -> None:
    words = WORDS[answer.language]
    _bars(axes, answer.reasons, words["reasons"], f"{words['probability']}, %")


def _draw_drivers(axes: Axes, answer: Assessment) -> None:
    words = WORDS[answer.language]
    _bars(axes, answer.drivers, words["drivers"], f"{words['probability']}, %")
    axes.scatter(100 * answer.drivers["prior"], range(len(answer.drivers)), marker="|", s=90, color="black", zorder=3, label=words["prior"])
    _legend(axes)


def _draw_causes(axes: Axes, answer: Assessment) -> None:
    words, table = WORDS[answer.language], answer.causes
    _dots(axes, *_numbers(table, "probability", "low", "high"), -0.13, COLOURS[0], "o", words["present"], hollow=True)
    if table["averted"].notna().any():
        _dots(axes, *_numbers(table, "averted", "averted_low", "averted_high"), 0.13, COLOURS[1], "s", words["averted"])
    axes.set_xlim(-2, 102)
    _finish(axes, list(table["label"]), words["causes"], f"{words['probability']}, %")
    _legend(axes)


def _draw_benefit(axes: Axes, answer: Assessment) -> None:
    words, table = WORDS[answer.language], answer.options
    _dots(axes, *_numbers(table, "lda", "low", "high"), -0.13, COLOURS[0], "o", words["lda"])
    _dots(axes, *_numbers(table, "acr50", "acr50_low", "acr50_high"), 0.13, COLOURS[4], "s", words["acr50"])
    axes.set_xlim(left=0)
    _finish(axes, [f"{rank} {name}" for rank, name in enumerate(table["label"], start=1)], words["benefit"], words["percent"])
    _legend(axes)


def _draw_harm(axes: Axes, answer: Assessment) -> None:
    words, table = WORDS[answer.language], answer.options
    for place, harm in enumerate(HARMS):
        name = words.get(harm) or label("harms", harm, answer.language)
        values, ends = _numbers(table, harm, f"{harm}_low", f"{harm}_high")
        _dots(axes, values, ends, 0.12 * (place - 2.5), COLOURS[place], MARKERS[place], name)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    _finish(axes, [""] * len(table), words["harm"], words["percent_year"])
    _legend(axes)


def _draw_utility(axes: Axes, answer: Assessment) -> None:
    words, table = WORDS[answer.language], answer.options
    _dots(axes, *_numbers(table, "utility", "utility_low", "utility_high", 1000.0), 0.0, COLOURS[2], "D", words["utility"])
    axes.axvline(0, color=QUIET, linewidth=0.8)
    _finish(axes, [""] * len(table), words["utility"], "QALY × 1000")


def _options_row(figure: Any, answer: Assessment) -> list[Axes]:
    axes = list(figure.subplots(1, 3, width_ratios=(1.15, 1, 1.15)))
    for one, draw in zip(axes, (_draw_benefit, _draw_utility, _draw_harm), strict=True):
        draw(one, answer)
    return axes


def _draw_steps(axes: Axes, answer: Assessment, cause: str) -> None:
    words = WORDS[answer.language]
    table = answer.findings[answer.findings["cause"] == cause]
    steps = waterfall_steps(table, words)
    start = words["start_missed" if answer.target == "undecided" else "start"]
    names = [start, *(step.text for step in steps), words["all_findings"]]
    first, last = (steps[0].before, steps[-1].after) if steps else (0.0, 0.0)
    for place, step in enumerate(steps, start=1):
        colour = COLOURS[0] if step.weight > 0 else COLOURS[1]
        axes.barh(place, step.after - step.before, left=step.before, height=0.62, color=colour)
        axes.plot([step.before, step.before], [place - 1, place], color=QUIET, linewidth=0.8)
        side = 1 if step.after >= step.before else -1
        axes.annotate(
            signed(step.weight), (step.after, place), (3 * side, 0), textcoords="offset points", va="center",
            ha="left" if side > 0 else "right", fontsize=7.5,
        )  # fmt: skip
    axes.scatter([first, last], [0, len(names) - 1], color="black", s=22, zorder=3)
    reached = [first, last, *(step.after for step in steps)]
    low, high = max(min(reached) - 0.7, -FURTHEST - 1), min(max(reached) + 0.7, FURTHEST + 1)
    axes.set_xlim(low, high)
    marked: list[float] = []
    for tick in TICKS:
        odds = float(np.log10(tick / (1 - tick)))
        if low <= odds <= high and all(abs(odds - other) > 0.16 * (high - low) for other in marked):
            marked.append(odds)
    _finish(axes, names, label("causes", cause, answer.language), words["odds_axis"])
    axes.set_xticks(marked, [f"{100 / (1 + 10**-odds):.4g} %" for odds in marked])


def _single(draw: Callable[[Any, Assessment], None], frame: str) -> Callable[[Assessment], Figure]:
    def figure(answer: Assessment) -> Figure:
        made = new_figure(_height(len(getattr(answer, frame))))
        draw(made.add_subplot(), answer)
        _caption(made, answer)
        return made

    return figure


def _options(answer: Assessment) -> Figure:
    made = new_figure(_height(len(answer.options)) + 0.9)
    _options_row(made, answer)
    _caption(made, answer)
    return made


def _findings(answer: Assessment) -> Figure:
    causes = list(dict.fromkeys(answer.findings["cause"]))
    rows = [len(waterfall_steps(answer.findings[answer.findings["cause"] == cause], WORDS[answer.language])) + 2 for cause in causes]
    made = new_figure(sum(0.85 + ROW * n for n in rows) + 0.6)
    for axes, cause in zip(np.atleast_1d(made.subplots(len(causes), 1, height_ratios=rows)), causes, strict=True):
        _draw_steps(axes, answer, cause)
    caption(made, WORDS[answer.language]["steps_note"])
    return made


def _draw_tests(axes: Axes, answer: Assessment) -> None:
    words, table = WORDS[answer.language], answer.tests.head(TESTS_SHOWN)
    axes.barh(range(len(table)), 1000 * table["expected_gain"], height=0.6, color=COLOURS[2], alpha=0.75)
    for place, (gain, change) in enumerate(zip(table["expected_gain"], table["p_change"], strict=True)):
        axes.annotate(
            f"{words['change']} {share(change)}", (1000 * gain, place), (4, 0), textcoords="offset points", va="center", fontsize=7.5
        )
    axes.set_xlim(0, max(1000 * float(table["expected_gain"].max()) * 1.35, 0.1))
    _finish(axes, list(table["label"]), words["tests"], words["gain_axis"])


def _tests(answer: Assessment) -> Figure:
    made = new_figure(_height(min(len(answer.tests), TESTS_SHOWN)))
    _draw_tests(made.add_subplot(), answer)
    caption(made, WORDS[answer.language]["tests_plot"])
    return made


def _answer(answer: Assessment) -> Figure:
    """Return reasons and causes above the options; the options alone where no reasons are asked for."""
    if not len(answer.reasons):
        return _options(answer)
    top, bottom = ROW * len(answer.causes) + 1.2, ROW * len(answer.options) + 1.6
    made = new_figure(top + bottom + 0.5)
    halves: Any = made.subfigures(2, 1, height_ratios=(top, bottom))
    upper, lower = halves
    left, right = upper.subplots(1, 2)
    _draw_reasons(left, answer)
    _draw_causes(right, answer)
    _options_row(lower, answer)
    _caption(made, answer)
    return made


def plot_comparison(found: Comparison) -> Figure:
    """Return both answers' reasons and low disease activity by option, each with the differences beside them."""
    words = WORDS[found.language]
    tables = [
        (title, table)
        for title, part, number in ((words["reasons"], "reason", "probability"), (words["lda_long"], "option", "lda"))
        # Without a number in both answers there is no difference to be drawn.
        if (table := rows_of(found, part, number))["difference"].notna().any()
    ]
    with fonts(found.language):
        rows = [len(table) for _, table in tables]
        made = new_figure(sum(1.2 + ROW * n for n in rows) + 0.5)
        grid = made.subplots(len(tables), 2, squeeze=False, width_ratios=(1.3, 1), height_ratios=rows)
        for (left, right), (title, table) in zip(grid, tables, strict=True):
            for place, name in enumerate(found.names):
                which = ("first", "second")[place]
                values, ends = _numbers(table, which, f"{which}_low", f"{which}_high")
                _dots(left, values, ends, 0.26 * place - 0.13, COLOURS[place], MARKERS[place], name)
            _finish(left, list(table["label"]), title, words["percent"])
            left.set_xlim(left=0)
            _legend(left)
            values, ends = _numbers(table, "difference", "low", "high")
            _dots(right, values, ends, 0.0, "black", "D", words["difference"])
            right.axvline(0, color=QUIET, linewidth=0.8)
            _finish(right, [""] * len(table), words["difference"], words["points_axis"].format(first=found.names[0], second=found.names[1]))
        caption(made, interval_note(found))
        return made


def plot_query(found: QueryResult) -> Figure:
    """Return the posteriors of a query, one chart below the other."""
    asked = found.question
    words = WORDS[asked.language]
    tables = [(name, found[found["variable"] == name]) for name in dict.fromkeys(found["variable"])]
    with fonts(asked.language):
        rows = [len(table) for _, table in tables]
        made = new_figure(sum(0.9 + ROW * n for n in rows) + 0.7)
        charts = made.subplots(len(tables), 1, squeeze=False, height_ratios=[n + 2.5 for n in rows])[:, 0]
        for axes, (name, table) in zip(charts, tables, strict=True):
            record = variables()[name]
            labels = {state.id: state.label[asked.language] for state in record.states}
            title = record.label[asked.language] + (f", {record.unit}" if record.unit else "")
            _bars(axes, table.assign(label=table["state"].map(labels)), title, f"{words['probability']}, %")
        caption(made, f"{query_title(found)}{words['stop']}{_bars_words(asked)}")
        return made


KINDS: Mapping[str, Callable[[Assessment], Figure]] = {
    "answer": _answer,
    "reasons": _single(_draw_reasons, "reasons"),
    "causes": _single(_draw_causes, "causes"),
    "drivers": _single(_draw_drivers, "drivers"),
    "options": _options,
    "findings": _findings,
    "tests": _tests,
}
"""The kinds of figure."""
