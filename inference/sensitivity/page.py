"""The page that a sensitivity analysis leaves behind: everything on it, nothing fetched."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ... import __version__
from ..explanation import RESEARCH_USE
from ..html import Html, document, element, heading, number, pairs, paragraph, table
from .analysis import Analysis, Part
from .preferences_file import preferences_table

TITLE = "Sensitivity of one patient’s answer"
MOST_ROWS = 12
"""Lines of a table that stand on the page; the file has them all."""

STUDIES_SHOWN = 20
REASON_COLUMNS = ("label", "probability", "low", "high", "p_first")
OPTION_COLUMNS = ("label", "lda", "low", "high", "utility", "utility_low", "utility_high", "p_best", "p_above_first")


def cell(value: Any) -> Html | str:
    """Return a cell of a frame: numbers with four digits and set right, a dash where there is none."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return "–"
    if isinstance(value, float | np.floating):
        return number(f"{value:.4g}")
    if isinstance(value, int | np.integer):
        return number(value)
    return "; ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def frame_table(frame: pd.DataFrame, columns: Sequence[str] | None = None, caption: str = "") -> Html:
    """Return a frame, or some of its columns, as a table; underscores in the heads become spaces."""
    shown = frame if columns is None else frame[list(columns)]
    heads = [str(name).replace("_", " ") for name in shown.columns]
    return table(heads, ([cell(value) for value in row] for row in shown.itertuples(index=False, name=None)), caption)


def page(analysis: Analysis, folder: Path, made: datetime) -> str:
    """Return the page of an analysis whose tables and pictures stand in a folder already."""
    answer = analysis.answer
    how = f"{analysis.draws:,} parameter sets, {analysis.basis} parameters, seed {analysis.seed}" + (", quick" if analysis.quick else "")
    parts = [
        heading(TITLE, 1),
        paragraph(f"refra {__version__}, {made.isoformat(sep=' ', timespec='minutes')}; {how}.", quiet=True),
        paragraph(RESEARCH_USE["en"]),
        heading("The answer that is analysed"),
        *(paragraph(sentence) for sentence in (*answer.explanation("en"), *answer.warnings)),
    ]
    if len(answer.reasons):
        parts += [
            paragraph(f"Reasons, with {answer.level:.0%} credible intervals:"),
            frame_table(answer.reasons, REASON_COLUMNS, "Reasons"),
        ]
    parts += [
        paragraph("Options by expected utility in QALYs over a year; lda is P(low disease activity) at about 24 weeks:"),
        frame_table(answer.options, OPTION_COLUMNS, "Options"),
        heading("Analyses"),
        element("ol", *(element("li", element("a", _title(part), href=f"#{part.stem}")) for part in analysis.parts)),
        *(element("section", *_part(part, folder), id=part.stem) for part in analysis.parts),
        heading("What was weighed"),
        paragraph("Weights in QALYs; `given` replaces the default where the user set it." + _unavailable(analysis.preferences.unavailable)),
        frame_table(preferences_table(analysis.preferences), caption="Weights"),
        heading("Studies behind the answer"),
        paragraph("By their share of the answer’s uncertainty."),
        frame_table(answer.citations().head(STUDIES_SHOWN), ("citation", "doi", "pmid", "share"), "Studies"),
        heading("The record"),
        pairs((name, str(value)) for name, value in answer.patient.to_dict().items()),
    ]
    return document(TITLE, parts)


def _unavailable(options: Iterable[str]) -> str:
    named = ", ".join(options)
    return f" Not available: {named}." if named else " Every option is available."


def _title(part: Part) -> str:
    return part.result.title + (f": {part.about}" if part.about else "")


def _part(part: Part, folder: Path) -> list[Html]:
    result, data = part.result, part.result.data
    drawn = base64.b64encode((folder / f"{part.stem}.svg").read_bytes()).decode("ascii")
    # The picture carries how to read it; those who cannot see it hear the same.
    told = f"{_title(part)}. {result.summary()} {result.how_to_read}"
    picture = element("img", src=f"data:image/svg+xml;base64,{drawn}", alt=told, style=PICTURE)
    files = f"All numbers: {part.stem}.csv; picture: {part.stem}.svg.{_cut(data)}"
    parts = [heading(_title(part)), paragraph(result.summary()), picture, frame_table(data.head(MOST_ROWS), caption=_title(part))]
    parts.append(paragraph(files, quiet=True))
    for name, frame in result.beside.items():
        parts.append(heading(f"{BESIDE[name]}", 3))
        if frame.empty:
            parts.append(paragraph("Nowhere."))
        else:
            parts += [frame_table(frame.head(MOST_ROWS)), paragraph(f"All numbers: {part.stem}_{name}.csv.{_cut(frame)}", quiet=True)]
    return parts


def _cut(frame: pd.DataFrame) -> str:
    return "" if len(frame) <= MOST_ROWS else f" Here the first {MOST_ROWS} of {len(frame):,} lines."


BESIDE = {"changes": "Where the first place changes", "details": "Every number, as it is and otherwise"}


PICTURE = "width:100%;max-width:46rem;height:auto;background:#fff;border-radius:4px"
"""Pictures are drawn on white, for paper; a dark page frames them."""
