"""A variable or a parameter on record as a matplotlib figure for a paper."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..data.errors import FindingError
from ..data.fitted import fitted
from ..data.loading import PROPORTION_MEASURES, parameters
from ..model.draws import natural
from .figures import COLOURS, QUIET, caption, new_figure
from .influence import UNTOUCHED
from .plots import plot_query
from .querying import query

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .showing import Shown

Array = NDArray[np.float64]

ROW, DENSITY, EDGES = 0.34, 1.7, 1.5
"""Inches of a line of the chart, of the densities above it, and of what surrounds both."""

REACH = 3.0
"""Standard deviations to either side for which the record's density is drawn."""

NAME = 46
"""Signs of a published number's name."""

BINS = 24
FOR, AGAINST = COLOURS[2], COLOURS[1]


def plot_record(shown: Shown) -> Figure:
    """Return the figure of what is on record: a variable's states, or a parameter's density before and after the fit.

    Raises `FindingError` for a study or a row of evidence, whose numbers have no scale in common.
    """
    if shown.kind == "variable":
        return plot_query(query(shown.name))
    if shown.kind == "parameter":
        return _parameter(shown.name, shown.data)
    raise FindingError(f"plot: {shown.name} is of the kind {shown.kind}, which has no figure; accepted: a variable or a parameter")


def comparable(data: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the rows of evidence for and against a parameter that are printed on its own scale: proportions beside a probability."""
    if data["kind_of_number"] != "probability":
        return []
    rows = [(side, row) for side, key in (("for", "evidence_for"), ("against", "evidence_against")) for row in data[key]]
    return [(side, row) for side, row in rows if row["measure"] in PROPORTION_MEASURES and 0 <= row["value"] <= 1]


def _parameter(name: str, data: Mapping[str, Any]) -> Figure:
    from matplotlib.ticker import LogLocator, NullFormatter

    record, deviates = parameters()[name], fitted().column(name)
    rows: list[tuple[str, Mapping[str, Any], str]] = [("Record", data, QUIET)]
    if data["fitted"]:
        rows.append(("After the joint fit", data["fitted"], COLOURS[0]))
    rows += [(_named(row), row, FOR if side == "for" else AGAINST) for side, row in comparable(data)]
    figure = new_figure(DENSITY + EDGES + ROW * len(rows))
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(DENSITY, ROW * len(rows) + 0.3))
    logarithmic = record.distribution == "lognormal"
    z = np.linspace(-REACH, REACH, 400)
    _density(top, natural(record, z), z, logarithmic)
    if deviates is not None:
        _histogram(top, natural(record, deviates), logarithmic)
    _forest(bottom, rows)
    if logarithmic:
        bottom.set_xscale("log")
        bottom.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        bottom.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        bottom.xaxis.set_minor_formatter(NullFormatter())
    top.set_title(name, fontsize=10, loc="left", fontweight="bold")
    kind = data["kind_of_number"].replace("_", " ")
    bottom.set_xlabel(f"{kind}, {data['unit']}" if data["unit"] and data["unit"] != kind else kind, fontsize=9)
    caption(figure, _told(data))
    return figure


def _named(row: Mapping[str, Any]) -> str:
    """Return what a published number is of, in at most two lines, and who published it."""
    return f"{textwrap.shorten(row['quantity'], NAME, placeholder=' …')}\n{row['citation']}"


def _told(data: Mapping[str, Any]) -> str:
    fit = data["fitted"]
    said = "Grey: the record's distribution. Dots: centre; lines: 95 % interval."
    if fit:
        found = "the published numbers say nothing of it" if fit["contraction"] <= UNTOUCHED else f"contraction {fit['contraction']:.2f}"
        said += f" Blue: draws from the joint fit ({found})."
    if comparable(data):
        said += " Published proportions stand as printed, for (green dots) and against (orange squares); beside each stands what it is of."
    return said


def _density(axes: Axes, values: Array, z: Array, logarithmic: bool) -> None:
    """Draw the record's density over the scale that the axis has."""
    scale = np.log(values) if logarithmic else values
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) / np.gradient(scale, z)
    axes.fill_between(values, density, color=QUIET, alpha=0.3, linewidth=0, label="record")
    axes.set_yticks([])
    axes.spines[["top", "right", "left"]].set_visible(False)


def _histogram(axes: Axes, values: Array, logarithmic: bool) -> None:
    scale = np.log(values) if logarithmic else values
    density, edges = np.histogram(scale, bins=BINS, density=True)
    axes.stairs(density, np.exp(edges) if logarithmic else edges, color=COLOURS[0], linewidth=1.4, label="after the joint fit")
    axes.legend(fontsize=7.5, frameon=False, loc="best")


def _forest(axes: Axes, rows: Sequence[tuple[str, Mapping[str, Any], str]]) -> None:
    for place, (_, row, colour) in enumerate(rows):
        value, low, high = row["value"], row["low"], row["high"]
        axes.plot([value], [place], "s" if colour == AGAINST else "o", color=colour, markersize=5)
        if low is not None and high is not None:
            axes.plot([low, high], [place, place], color=colour, linewidth=1.4)
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
