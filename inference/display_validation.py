"""The back-test as text and as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .display_layout import Columns, Prose, heading, share, signed, to_text
from .figures import COLOURS, check_ending, new_figure, save

if TYPE_CHECKING:
    from .calibration.checking import Check

ABOUT = {
    "validation": "Published numbers that were never fitted to.",
    "calibration": "Published numbers that the network was fitted to: a check of the fit, no proof of its predictions.",
}
BASES = {"fitted": "Parameters: the joint posterior.", "prior": "Parameters: every record by itself, before the joint fit."}
KEY = (
    "Predicted: the network's centre and its 90 % interval. Expected: where a study of that kind and size should come out (90 %). "
    "Sign: whether a comparison points the published way. In: whether the published number lies where it is expected."
)


def number(value: float) -> str:
    """Return a number with three digits, a dash where there is none."""
    return "–" if pd.isna(value) else f"{value:.3g}"


def with_bounds(row: pd.Series, name: str) -> str:
    """Return a number of a line with the bounds of its interval."""
    return f"{number(row[name])} ({number(row[f'{name}_low'])} to {number(row[f'{name}_high'])})"


def _mark(value: Any) -> str:
    return "–" if value is None or pd.isna(value) else "yes" if value else "NO"


def validation_text(found: Check, rows: str, basis: str, width: int, colour: bool) -> str:
    """Return the back-test as text: every row by topic, then the summary."""
    parts: list[Any] = [heading("Published and predicted"), Prose(f"{ABOUT[rows]} {BASES[basis]}"), Prose(KEY, style="dim")]
    lines = [
        (
            row["evidence"], row["measure"], with_bounds(row, "published"), with_bounds(row, "prediction"),
            f"{number(row['expected_low'])} to {number(row['expected_high'])}", signed(float(row["error"]), 2), _mark(row["sign_right"]),
            _mark(row["covered_90"]),
        )
        for _, row in found.rows.sort_values(["topic", "evidence"], kind="stable").iterrows()
    ]  # fmt: skip
    parts.append(Columns(("Row", "Measure", "Published", "Predicted", "Expected", "Error", "Sign", "In"), lines, right=(5,)))
    parts.append(heading("By topic"))
    topics = [
        (
            str(row["topic"]), f"{row['rows']}", f"{share(row['close'])} of {row['proportions']}", number(row["mean_absolute_error"]),
            f"{share(row['ratios_within'])} of {row['ratios']}", f"{share(row['signs_right'])} of {row['comparisons']}",
            share(row["covered_90"]), share(row["covered_50"]),
        )
        for _, row in found.summary.iterrows()
    ]  # fmt: skip
    heads = ("Topic", "Rows", "Within 0.08", "Mean error", "Ratios in", "Signs right", "In 90 %", "In 50 %")
    parts.append(Columns(heads, topics, right=(1, 2, 3, 4, 5, 6, 7)))
    return to_text(parts, width, colour)


def plot_check(found: Check, path: str) -> None:
    """Write a picture of the published values against the predicted ones: proportions on the left, ratios on the right.

    Bars are the published 95 % interval and the 90 % interval in which a study should come out. Raises `FindingError` for an ending of
    the file's name that is not known.
    """
    check_ending(path)
    figure = new_figure(5, 10)
    panels = figure.subplots(1, 2)
    shares = found.rows[found.rows["measure"].isin(("proportion", "sensitivity", "specificity", "auc"))]
    ratios = found.rows[found.rows["measure"].isin(("odds_ratio", "risk_ratio", "hazard_ratio"))]
    topics = sorted(set(found.rows["topic"]))
    for panel, table, title in ((panels[0], shares, "Proportions and AUC"), (panels[1], ratios, "Ratios")):
        for place, topic in enumerate(topics):
            own = table[table["topic"] == topic]
            if own.empty:
                continue
            x, y = own["prediction"].to_numpy(float), own["published"].to_numpy(float)
            ends = [own[name].to_numpy(float) for name in ("expected_low", "expected_high", "published_low", "published_high")]
            panel.errorbar(
                x, y, xerr=np.abs([x - ends[0], ends[1] - x]), yerr=np.abs([y - ends[2], ends[3] - y]), fmt="o", markersize=4,
                linewidth=0.7, color=COLOURS[place % len(COLOURS)], label=topic, alpha=0.8,
            )  # fmt: skip
        limits = (0.1, 40.0) if title == "Ratios" else (0.0, 1.0)
        if title == "Ratios":
            panel.set_xscale("log")
            panel.set_yscale("log")
        panel.plot(limits, limits, color="#555555", linewidth=0.8)
        panel.set(xlim=limits, ylim=limits, xlabel="predicted", ylabel="published", title=title)
        panel.set_aspect("equal")
    figure.legend(*_once(panels), loc="outside right upper", frameon=False, fontsize=8)
    save(figure, path)


def _once(panels: Any) -> tuple[list[Any], list[str]]:
    found: dict[str, Any] = {}
    for panel in panels:
        for handle, name in zip(*panel.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    return list(found.values()), list(found)
