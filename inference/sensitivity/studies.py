"""Leave each study out: what the answer would be had it not been published, by importance weights on the shipped draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from ...data.errors import FindingError
from ...data.fitted import fitted
from ...data.labels import label
from ...data.loading import studies
from ...model.draws import DEFAULT_SEED, FITTED, rows_picked
from ..calibration.leaving_out import log_weights, shipped_freedom
from ..calibration.pointwise import pointwise
from ..calibration.reading import calibration_targets
from ..figures import COLOURS, QUIET, caption, new_figure
from ..patient import Patient
from ..preferences import Preferences
from .case import Case, case_of
from .pareto import Weights, smoothed
from .probabilistic import psa
from .quantities import Quantity, evaluate, ids_of
from .result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray[tuple[Any, ...], np.dtype[np.float64]]

FEWEST = 100
"""Effective draws below which a refit by weights is not trusted."""

MOST_SHOWN, MOST_NAMED = 20, 3


@dataclass(frozen=True, eq=False)
class LeftOut(Result):
    """What happens to the first reason and the first option without each study.

    Attributes:
        rows: ids of the rows of the fit by study.
        weights: of the draws without the study, by study.
        options: ids of the options among which is chosen.
        utility: their utilities at the draws, shape (draws, options).
        inflation: number of draws that are worth one independent draw.
        reasons: ids of the reasons, none where none are asked for.
        reason: their probabilities at the draws, shape (draws, reasons).
    """

    rows: Mapping[str, tuple[str, ...]]
    weights: Mapping[str, Weights]
    options: tuple[str, ...]
    utility: Array
    inflation: float
    reasons: tuple[str, ...]
    reason: Array

    name: ClassVar[str] = "leave_out_studies"
    title: ClassVar[str] = "Leave one study out"
    how_to_read: ClassVar[str] = (
        "How the probability of the first reason, and the lead of the first option over the best other one, move when one study is left "
        "out of the joint fit (the twenty that move them most); dashed: with all studies. A lead below 0 means another first option. Open "
        "marks: too few draws carry the posterior without the study, so the move is not to be trusted."
    )

    def _first(self, weight: Array) -> tuple[int, int]:
        """Return the places of the first reason (-1: none asked for) and the first option."""
        reason = int(np.argmax(weight @ self.reason)) if self.reasons else -1
        return reason, int(np.argmax(weight @ self.utility))

    @property
    def data(self) -> pd.DataFrame:
        """One row a study, after one (`study` empty) with none left out; those that move the answer most first.

        `reason` (empty where none are asked for), `option`: the first ones without the study. `p_reason`, `p_best`, `lead`: of those that
        are first with all studies: the reason's probability, the share of draws in which the option is best, its expected utility less
        that of the best other one; `lead_error` is the Monte Carlo standard error of the change of the lead.
        `effective_draws`, `pareto_k`: diagnostics of the weights; `trusted`: enough effective draws and a small enough k.
        """
        count = len(self.utility)
        everything = np.full(count, 1 / count)
        reason, option = self._first(everything)
        best = np.argmax(self.utility, axis=1) == option
        others = np.delete(self.utility, option, axis=1)

        def line(weight: Array) -> tuple[Any, ...]:
            now, chosen = self._first(weight)
            said = (self.reasons[now], float(weight @ self.reason[:, reason])) if self.reasons else ("", np.nan)
            lead = self.utility[:, option] - others[:, int(np.argmax(weight @ others))] if others.shape[1] else np.full(count, np.nan)
            mean = float(weight @ lead)
            error = float(np.sqrt(self.inflation * ((weight - everything) ** 2 @ (lead - mean) ** 2)))
            return (*said, self.options[chosen], float(weight @ best), mean, error)

        lines = [("", "none left out", "", 0, *line(everything), float(count), np.nan, True)]
        for study, weights in self.weights.items():
            trusted = bool(weights.k <= weights.most and weights.effective >= FEWEST)
            record = studies()[study]
            known = (study, record.citation, record.doi, len(self.rows[study]))
            lines.append((*known, *line(weights.values), weights.effective, weights.k, trusted))
        columns = ["study", "citation", "doi", "rows", "reason", "p_reason", "option", "p_best", "lead", "lead_error",
                   "effective_draws", "pareto_k", "trusted"]  # fmt: skip
        table = pd.DataFrame(lines, columns=columns)
        table.insert(10, "reason_changes", table["reason"] != table["reason"].iloc[0])
        table.insert(11, "option_changes", table["option"] != table["option"].iloc[0])
        # A study moves the answer by the larger move of the two probabilities.
        moved = np.fmax(*(np.abs(table[name].to_numpy() - table[name].iloc[0])[1:] for name in ("p_best", "p_reason")))
        return table.iloc[[0, *(1 + np.argsort(-moved, kind="stable")).tolist()]].reset_index(drop=True)

    def summary(self) -> str:
        """Return which studies change the first reason or option, and for how many the refit by weights is not enough."""
        table = self.data
        whole, single = table.iloc[0], table.iloc[1:]
        sure = single[single["trusted"]]
        said = []
        if whole["reason"]:
            changing = sure[sure["reason_changes"]]
            said.append(f"First reason, {whole['reason']}: {_changed([f'{row.citation}: {row.reason}' for row in changing.itertuples()])}.")
        if len(self.options) == 1:
            said.append("There is one option only.")
        else:
            names = [
                f"{row['citation']}: {row['option']}, by {-row['lead']:.5f} ± {row['lead_error']:.5f}"
                for _, row in sure[sure["option_changes"]].iterrows()
            ]
            said.append(
                f"First option, {whole['option']}, ahead by {whole['lead']:.5f} QALYs: {_changed(names)}"
                + (" (± Monte Carlo standard error)." if names else ".")
            )
        beyond = len(single) - len(sure)
        said.append(
            f"{beyond} of {len(single)} studies are beyond this cheap refit and not judged: too few draws carry the posterior without them."
            if beyond
            else f"The weights are sound for all {len(single)} studies."
        )
        return " ".join(said)

    def plot(self) -> Figure:
        """Draw the studies that move the answer most."""
        table = self.data
        whole, shown = table.iloc[0], table.iloc[1 : MOST_SHOWN + 1].iloc[::-1]
        panels = []
        if whole["reason"]:
            panels.append(("p_reason", f"probability of\n{whole['reason']}"))
        if len(self.options) > 1 or not panels:
            panels.append(("lead", f"lead in QALYs of\n{label('options', whole['option'], 'en')}"))
        figure = new_figure(1.3 + 0.27 * len(shown))
        axes = np.atleast_1d(figure.subplots(1, len(panels), sharey=True))
        for panel, (column, words) in zip(axes, panels, strict=True):
            _points(panel, shown, column, float(whole[column]), words)
        axes[0].set_yticks(range(len(shown)), [name if len(name) < 40 else f"{name[:38]}…" for name in shown["citation"]], fontsize=7)
        caption(figure, self.how_to_read)
        return figure


def _changed(names: list[str]) -> str:
    """Return in words without which studies, each named with what then comes first, another one comes first."""
    if not names:
        return "the same without any one study"
    many = f"{len(names)} studies, among them " if len(names) > MOST_NAMED else ""
    return f"another without {many}{'; '.join(names[:MOST_NAMED])}"


def _points(axes: Axes, shown: pd.DataFrame, column: str, whole: float, words: str) -> None:
    places = np.arange(len(shown))
    trusted = shown["trusted"].to_numpy(dtype=bool)
    axes.axvline(whole, ls="--", color="black", lw=1)
    if column == "lead":
        axes.axvline(0, color=QUIET, lw=0.8)
    axes.hlines(places, whole, shown[column], color=QUIET, lw=1)
    for keep, face in ((trusted, COLOURS[0]), (~trusted, "white")):
        axes.scatter(shown[column][keep], places[keep], color=face, edgecolor=COLOURS[0], s=22, zorder=3)
    axes.set_xlabel(words, fontsize=7)
    axes.set_ylim(-0.7, len(shown) - 0.3)
    axes.tick_params(axis="x", labelsize=7)
    axes.locator_params(axis="x", nbins=5)
    axes.grid(axis="x", alpha=0.3)


def leave_out_studies(patient: Patient | Mapping[str, Any] | Case, preferences: Preferences | None = None) -> LeftOut:
    """Leave out each study that the joint fit rests on and weigh the shipped draws as they would be without it.

    All draws of the joint posterior are used, so that there is no seed. The weights are exact in expectation; where too few draws carry
    them (`trusted` is False) only a new fit tells.

    Raises:
        FindingError: the patient was prepared with parameters from the prior, in which no study has been fitted to, or the findings are
            impossible at some draws.
        RecordError: the shipped predictions belong to other draws.
    """
    case = case_of(patient, preferences)
    if case.basis != FITTED:
        raise FindingError(f"basis: {case.basis!r}; only {FITTED!r} is accepted, since no study was fitted to otherwise")
    count = len(fitted().deviates)
    analysis = psa(case, draws=count, seed=DEFAULT_SEED)
    if len(analysis.sets) < count:
        raise FindingError(f"the findings are impossible at {count - len(analysis.sets)} of {count} draws; weights need all of them")
    reasons = ids_of(case, "reason")
    asked = [Quantity("reason", name) for name in reasons]
    reason = evaluate(case, case.model(count, DEFAULT_SEED), analysis.values, asked)[:, 1:].T if asked else np.empty((count, 0))
    targets = tuple(calibration_targets().values())
    rows: dict[str, tuple[str, ...]] = {}
    for target in targets:
        rows[target.study] = (*rows.get(target.study, ()), target.evidence)
    weights = log_weights(pointwise().predictions, targets, rows, shipped_freedom())[:, rows_picked(count, count, DEFAULT_SEED)]
    found = {study: smoothed(line) for study, line in zip(rows, weights, strict=True)}
    return LeftOut(rows, found, analysis.allowed, analysis.choices, analysis.inflation, reasons, reason)
