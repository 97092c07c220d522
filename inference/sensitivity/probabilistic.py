"""Probabilistic analysis: the utility of every option in every parameter set, computed once for all that follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...data.errors import FindingError
from ...data.fitted import Fitted, fitted
from ...data.labels import label
from ...data.loading import parameters
from ...model.draws import DEFAULT_SEED, FITTED, Draws, rows_picked, shifts_of, standard
from ..figures import COLOURS, QUIET, caption, new_figure
from ..knowledge import SHIFTED
from ..options import EXCLUDE_FIRST, Outlook, outlook, ranking_scores
from ..patient import Patient
from ..preferences import Preferences
from .case import Case, case_of
from .regression import Gain, gain_of
from .result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .accepting import ExpectedLoss

Array = NDArray[np.float64]

PSA_DRAWS = 1000
QUANTILES = (0.025, 0.5, 0.975)


@dataclass(frozen=True, eq=False)
class Psa(Result):
    """The utilities of one patient's options in every parameter set.

    Attributes:
        case: the patient with what the user weighs.
        seed: of the parameter sets.
        values: the parameters; set 0 is the centre.
        look: what every option brings in the same sets.
        sets: the sets that count, without the centre and without those in which the findings are impossible.
        inflation: number of sets that are worth as much as one independent set (`inflation_of`); 1 on the prior basis.
        allowed: the options among which the decision is taken. Where the probability of another disease exceeds `EXCLUDE_FIRST` at the
            centre, the drug classes are not among them, as in the assessment, in any set: what may be chosen must not depend on
            numbers that are not known when the choice is made, or information could seem to do harm.
    """

    case: Case
    seed: int
    values: Draws
    look: Outlook
    sets: NDArray[np.intp]
    inflation: float
    allowed: tuple[str, ...]

    name: ClassVar[str] = "psa"
    title: ClassVar[str] = "Probabilistic analysis"
    how_to_read: ClassVar[str] = (
        "Left: each option's expected utility over one year (dot: mean over the parameter sets; line: 95 % of them). Right: the share of "
        "parameter sets in which the option is ranked first. Overlapping lines do not mean equal options: the sets are shared."
    )

    @property
    def options(self) -> tuple[str, ...]:
        """The ids of the options that apply."""
        return self.look.options

    @cached_property
    def utility(self) -> Array:
        """The utility of every option in the sets that count, shape (S, options), in QALYs."""
        return _columns(self.look)[self.sets]

    @cached_property
    def choices(self) -> Array:
        """The same for the options among which the decision is taken, shape (S, allowed)."""
        return self.utility[:, [self.options.index(option) for option in self.allowed]]

    @property
    def effective(self) -> int:
        """The number of independent sets that the sets are worth where dependences between parameters are concerned."""
        return round(len(self.sets) / self.inflation)

    @property
    def first(self) -> str:
        """The option with the highest expected utility among those allowed."""
        return self.allowed[int(np.argmax(self.choices.mean(axis=0)))]

    @cached_property
    def deviates(self) -> Array:
        """Every parameter record in the sets that count as a deviate of mean 0 and variance 1, shape (S, parameters)."""
        columns = [standard(record, np.asarray(self.values[name])[self.sets]) for name, record in parameters().items()]
        found = np.stack(columns, axis=1)
        found -= found.mean(axis=0)
        return np.asarray(found / found.std(axis=0))

    @cached_property
    def slopes(self) -> Array:
        """The exact change of every allowed option's utility when one record alone rises by one standard deviation, (parameters, allowed).

        From the centre, without the draws, so that it carries none of their noise.
        """
        case = self.case
        posterior = fitted() if case.basis == FITTED else None
        moved = outlook(case.place, case.place.model(SHIFTED, 0, self.seed), shifts_of(parameters(), posterior), case.preferences)
        found = _columns(moved)[:, [self.options.index(option) for option in self.allowed]]
        return np.asarray(np.nan_to_num(found[1:] - found[0]))

    @cached_property
    def _alone(self) -> NDArray[np.bool_]:
        """Whether each parameter is independent of all others: any record on the prior basis, on the fitted one those not asked about."""
        if self.case.basis != FITTED:
            return np.ones(len(parameters()), dtype=np.bool_)
        posterior = fitted()
        asked = {name for name, asked in zip(posterior.ids, posterior.asked, strict=True) if asked}
        return np.array([name not in asked for name in parameters()])

    def gain(self, names: Sequence[str]) -> Gain:
        """Return the expected gain of learning parameters before the choice.

        What the other parameters add to the utilities along their exact slopes is taken away first where they are independent of all
        else: its mean is known to be 0, so that only noise goes with it.
        """
        place_of = {name: place for place, name in enumerate(parameters())}
        places = [place_of[name] for name in names]
        others = self._alone.copy()
        others[places] = False
        clear = self.choices - self.deviates[:, others] @ self.slopes[others]
        return gain_of(self.deviates[:, places], self.slopes[places], clear, self.seed, self.inflation)

    @property
    def data(self) -> pd.DataFrame:
        """One row an option, the highest expected utility first.

        `p_best` is the assessment's: the share of sets in which the option is ranked first, the rule on another disease applied set by
        set. `p_optimal` is the share in which it has the highest utility among the options allowed; it and `expected_loss` (QALYs lost
        on average by choosing it instead of the best in each set) are missing for an option that is not allowed.
        """
        scores = ranking_scores(self.look)[self.sets]
        best = np.bincount(np.argmax(scores, axis=1), minlength=len(self.options)) / len(scores)
        optimal = np.bincount(np.argmax(self.choices, axis=1), minlength=len(self.allowed)) / len(self.choices)
        loss = (self.choices.max(axis=1)[:, None] - self.choices).mean(axis=0)
        rows = []
        for place, option in enumerate(self.options):
            values = self.utility[:, place]
            low, median, high = np.quantile(values, QUANTILES)
            inside = self.allowed.index(option) if option in self.allowed else None
            rows.append(
                (
                    option, label("options", option, "en"), inside is not None, float(values.mean()), float(values.std(ddof=1)),
                    low, median, high, float(best[place]),
                    np.nan if inside is None else float(optimal[inside]), np.nan if inside is None else float(loss[inside]),
                )
            )  # fmt: skip
        names = ["option", "label", "allowed", "mean", "sd", "low", "median", "high", "p_best", "p_optimal", "expected_loss"]
        return pd.DataFrame(rows, columns=names).sort_values("mean", ascending=False, kind="stable").reset_index(drop=True)

    def expected_loss(self) -> ExpectedLoss:
        """Return the expected loss of every option as the value of low disease activity changes."""
        from .accepting import expected_loss

        return expected_loss(self)

    def summary(self) -> str:
        """Return the first option, how often it is best, and what choosing now costs."""
        table = self.data.set_index("option")
        row = table.loc[self.first]
        said = (
            f"{row['label']} has the highest expected utility, {row['mean']:.4f} QALYs ({row['low']:.4f} to {row['high']:.4f}); it is the "
            f"best in {row['p_optimal']:.0%} of {len(self.sets)} parameter sets and loses {row['expected_loss']:.4f} QALYs on average "
            "against the best in each."
        )
        central = ranking_scores(self.look)[0]
        shown = self.options[int(np.argmax(central))]
        if shown != self.first:
            said += f" At the parameters' centre, as the assessment ranks, {label('options', shown, 'en')} comes first."
        if len(self.allowed) < len(self.options):
            said += (
                f" The drug classes are not among the choices: another disease is to be excluded first (probability "
                f"{self.look.other_disease[0]:.2f}, above {EXCLUDE_FIRST})."
            )
        left_out = self.values.count - 1 - len(self.sets)
        if left_out:
            said += f" {left_out} sets in which the findings are impossible are left out."
        return said

    def plot(self) -> Figure:
        """Draw the utilities with their intervals, and the shares of sets in which each option is best."""
        table = self.data.iloc[::-1]
        figure = new_figure(0.9 + 0.36 * len(table))
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(2, 1))
        places = np.arange(len(table))
        colours = [COLOURS[0] if allowed else QUIET for allowed in table["allowed"]]
        left.hlines(places, table["low"], table["high"], color=colours, lw=1.5)
        left.scatter(table["mean"], places, color=colours, zorder=3, s=22)
        left.set_yticks(places, table["label"])
        left.set_xlabel("expected utility, QALYs")
        left.grid(axis="x", alpha=0.3)
        shares = table["p_best"].to_numpy()
        right.barh(places, shares, color=colours, height=0.6)
        for place, share in zip(places, shares, strict=True):
            right.text(share + 0.02, place, f"{share:.2f}", va="center", fontsize=8)
        right.set_xlim(0, 1.15)
        right.set_xticks([0, 0.5, 1])
        right.set_xlabel("ranked first")
        right.tick_params(axis="y", length=0)
        right.spines[["top", "right"]].set_visible(False)
        caption(figure, self.how_to_read)
        return figure


def _columns(look: Outlook) -> Array:
    """Return the utility of every option in every set, shape (sets, options)."""
    return np.stack(np.broadcast_arrays(*(look.utility[option] for option in look.options)), axis=-1)


def inflation_of(posterior: Fitted, rows: NDArray[np.intp]) -> float:
    """Return how many of the posterior's draws are worth one independent draw where dependences are concerned, at least 1.

    A parameter that no published row asks about is independent of all others. How far its correlations with them scatter in the draws,
    against the scatter in as many independent ones, is what the sampler's chains have lost. (A chain whose successive draws lie on
    opposite sides of the mean has precise means and imprecise correlations.)

    Args:
        posterior: the draws.
        rows: which of them are used.
    """
    alone = np.flatnonzero(~posterior.asked)
    if not len(alone):
        return 1.0
    columns = posterior.deviates[rows]
    columns = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    squared = (columns[:, alone].T @ columns / len(rows)) ** 2
    # A column's correlation with itself is 1 and says nothing.
    return float(max(1.0, (squared.sum() - len(alone)) / (squared.size - len(alone)) * len(rows)))


def psa(
    patient: Patient | Mapping[str, Any] | Case,
    preferences: Preferences | None = None,
    *,
    draws: int = PSA_DRAWS,
    seed: int = DEFAULT_SEED,
    basis: str = FITTED,
) -> Psa:
    """Work out every option's utility in every parameter set.

    Args:
        patient: the record.
        preferences: weights and unavailable options.
        draws: number of parameter sets, at least 20. On the fitted basis at most as many as the posterior has draws, since more would
            repeat them without adding information.
        seed: of the parameter sets.
        basis: `fitted`, the joint posterior, or `prior`, every record by itself.

    Raises:
        FindingError: `draws` outside these bounds, or the findings are impossible in nearly all sets.
        RefraError: the errors of `Patient` and of `Preferences`.
    """
    case = case_of(patient, preferences, basis)
    most = len(fitted().deviates) if case.basis == FITTED else None
    if draws < 20 or (most is not None and draws > most):
        upto = "" if most is None else f" to {most}, the draws that the joint posterior has"
        raise FindingError(f"draws: {draws}; accepted: 20{upto or ' or more'}")
    values = case.values(draws, seed)
    look = outlook(case.place, case.model(draws, seed), values, case.preferences)
    columns = _columns(look)
    sets = 1 + np.flatnonzero(~np.isnan(columns[1:]).any(axis=1))
    if len(sets) < 20:
        raise FindingError(f"the findings are possible in {len(sets)} of {draws} parameter sets; at least 20 are needed")
    kept = ranking_scores(look)[0] == columns[0]
    allowed = tuple(option for option, keep in zip(look.options, kept, strict=True) if keep)
    inflation = 1.0 if most is None else inflation_of(fitted(), rows_picked(most, draws, seed)[sets - 1])
    return Psa(case, seed, values, look, sets, inflation, allowed)
