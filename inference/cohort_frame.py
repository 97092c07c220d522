"""The numbers of a cohort as a tidy frame: one line a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..data.loading import variables
from ..model.draws import shipped_draws
from ..model.harms import HARMS
from ..model.outcomes import OPTIONS
from .causes import CAUSES
from .classification import d2t
from .cohort_numbers import Key, Numbers
from .intervals import interval
from .options import Outlook, ranking_scores, utilities
from .preferences import Preferences
from .situation import Situation

if TYPE_CHECKING:
    from .cohort import Problem

Array = NDArray[np.float64]

COLUMNS = ("row", "part", "id", "measure", "value", "low", "high", "note")
PARTS = ("score", "status", "warning", "cause", "reason", "driver", "option", "rejected")
SCORES = ("das28_esr", "das28_crp", "cdai", "sdai", "cdai_lower_bound")


def _lines(rows: Any, part: Any, identifier: Any, measure: Any, value: Any, low: Any, high: Any, note: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "row": np.asarray(rows, dtype=np.intp),
            "part": pd.Categorical(part, categories=PARTS) if not isinstance(part, pd.Categorical) else part,
            "id": pd.array(identifier, dtype="str"),
            "measure": pd.array(measure, dtype="str"),
            "value": np.asarray(value, dtype=np.float64),
            "low": np.asarray(low, dtype=np.float64),
            "high": np.asarray(high, dtype=np.float64),
            "note": pd.array(note, dtype="str"),
        }
    )


def record_lines(places: Sequence[Situation], positions: NDArray[np.intp]) -> pd.DataFrame:
    """Return what the records themselves settle: scores, the target, D2T and warnings."""
    found: list[tuple[int, str, str, str, float, str]] = []
    for row, place in zip(positions.tolist(), places, strict=True):
        for name in SCORES:
            value = getattr(place.scores, name)
            if value is not None:
                found.append((row, "score", name, "points", value, ""))
        found.append((row, "status", "target", "state", np.nan, place.target))
        found.append((row, "status", "d2t", "verdict", np.nan, d2t(place)[0]))
        found += [(row, "warning", "", "", np.nan, warning) for warning in place.warnings]
    rows, part, identifier, measure, value, note = zip(*found, strict=True) if found else ((),) * 6
    return _lines(rows, list(part), list(identifier), list(measure), value, [np.nan] * len(value), [np.nan] * len(value), list(note))


def rejected_lines(problems: Sequence[Sequence[Problem]]) -> pd.DataFrame:
    """Return a line for each problem of each rejected row."""
    found = [(row, each.column, each.message) for row, some in enumerate(problems) for each in some]
    rows, columns, messages = zip(*found, strict=True) if found else ((),) * 3
    empty = [np.nan] * len(found)
    return _lines(rows, ["rejected"] * len(found), list(columns), [""] * len(found), empty, empty, empty, list(messages))


def _ranks(scores: Array) -> Array:
    """Return the place of each line's score within its record, 1 for the largest; `scores` has shape (ids, records)."""
    order = np.argsort(-scores, axis=0, kind="stable")
    ranks = np.empty_like(scores)
    np.put_along_axis(ranks, order, np.arange(1.0, len(scores) + 1)[:, None], axis=0)
    return np.where(np.isnan(scores), np.nan, ranks)


def _first(scores: Array) -> Array:
    """Return the share of draws in which each id comes first; `scores` has shape (ids, records, sets), the result (ids, records)."""
    drawn = scores[..., 1:]
    usable = ~np.isnan(drawn).any(axis=0)
    with np.errstate(invalid="ignore"):
        best = np.where(np.isnan(drawn), -np.inf, drawn).argmax(axis=0)
        share: Array = np.stack([((best == i) & usable).sum(axis=1) for i in range(len(scores))]) / usable.sum(axis=1)
    return share


def _bounds(values: Array, level: float) -> tuple[Array, Array]:
    """Return the bounds of the interval over the sets; `values` has shape (..., sets). Without draws there are none."""
    if values.shape[-1] == 1:
        return (np.full(values.shape[:-1], np.nan),) * 2
    drawn = values[..., 1:]
    tail = (1 - level) / 2
    with np.errstate(invalid="ignore"):
        low, high = np.quantile(drawn, [tail, 1 - tail], axis=-1)
    partly = np.isnan(drawn).any(axis=-1) & ~np.isnan(values[..., 0])
    if partly.any():
        # Some parameter sets make these findings impossible; they do not count.
        low[partly], high[partly] = interval(values[partly].T, level)
    return low, high


def answer_lines(
    found: Numbers, positions: NDArray[np.intp], preferences: Preferences, level: float, draws: int, seed: int
) -> pd.DataFrame:
    """Return a line for each number of each record, with ranks and, where there are draws, the share of draws in which it comes first."""
    values = {key: value for key, value in found.values.items() if not (key[0] == "option" and key[1] in preferences.unavailable)}
    shape = (len(positions), draws + 1)
    nothing = np.full(shape, np.nan)

    def stacked(part: str, ids: Sequence[str], measure: str) -> Array:
        return np.stack([values.get((part, name, measure), nothing) for name in ids])

    options = tuple(option for option in OPTIONS if option not in preferences.unavailable)
    causes = stacked("cause", CAUSES, "averted")
    present = stacked("cause", CAUSES, "probability")
    ranked = np.where(np.isnan(causes), present, causes)
    reasons = tuple(key[1] for key in values if key[0] == "reason")
    look = Outlook(
        options,
        {option: values.get(("option", option, "lda"), nothing) for option in options},
        {},
        {(harm, option): values.get(("option", option, harm), nothing) for harm in HARMS for option in options},
        found.painful * shipped_draws(draws, seed)["treat_noninflammatory.relief"],
        found.other_disease,
        found.gated,
        {},
    )
    utility = utilities(look, shipped_draws(draws, seed), preferences)
    scores = np.moveaxis(ranking_scores(replace(look, utility=utility)), -1, 0)
    values |= {("option", option, "utility"): utility[option] for option in options}
    without_interval: dict[Key, Array] = {}
    for part, ids, each in (("cause", CAUSES, ranked), ("reason", reasons, stacked("reason", reasons, "probability"))):
        if ids:
            without_interval |= {(part, name, "rank"): row for name, row in zip(ids, _ranks(each[..., 0]), strict=True)}
            if draws:
                without_interval |= {(part, name, "p_first"): row for name, row in zip(ids, _first(each), strict=True)}
    without_interval |= {("option", name, "rank"): row for name, row in zip(options, _ranks(scores[..., 0]), strict=True)}
    if draws:
        without_interval |= {("option", name, "p_best"): row for name, row in zip(options, _first(scores), strict=True)}
    table = np.stack(list(values.values())) if values else np.empty((0, *shape))
    low, high = _bounds(table, level)
    more = np.stack(list(without_interval.values())) if without_interval else np.empty((0, len(positions)))
    gap = np.full(more.shape, np.nan)
    central, low, high = (np.concatenate(pair) for pair in ((table[..., 0], more), (low, gap), (high, gap)))
    keys = [*values, *without_interval]
    order = sorted(range(len(keys)), key=lambda i: _place(keys[i]))
    central, low, high = (each[order].T for each in (central, low, high))
    shown = ~np.isnan(central)
    row, column = np.nonzero(shown)
    names, measures = (np.array([keys[i][at] for i in order], dtype=object) for at in (1, 2))
    codes = np.array([PARTS.index(keys[i][0]) for i in order], dtype=np.intp)
    return _lines(
        positions[row], pd.Categorical.from_codes(codes[column], categories=pd.Index(PARTS)), names[column], measures[column],
        central[shown], low[shown], high[shown], np.full(len(row), "", dtype=object),
    )  # fmt: skip


_MEASURES = ("probability", "averted", "lda", "acr50", *HARMS, "utility", "p_first", "p_best", "rank")
_IDS = (*CAUSES, *OPTIONS, *variables()["primary_reason"].state_ids, *variables()["driver"].state_ids)


def _place(key: Key) -> tuple[int, int, int]:
    part, name, measure = key
    return PARTS.index(part), _IDS.index(name), _MEASURES.index(measure)
