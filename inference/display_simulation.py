"""The checks on simulated patients and on simulated fits as text and as one table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd
from rich.console import RenderableType

from ..data.loading import variables
from .display_layout import Columns, Prose, heading, pairs, share, signed, to_text
from .display_validation import BASES

if TYPE_CHECKING:
    from .calibration.covering import Coverage
    from .calibration.ranking import Ranking
    from .calibration.recovering import Recovery

METHOD_NAMES = {
    "network": "Network",
    "prior_only": "Without findings",
    "naive_bayes": "Naive Bayes",
    "decision_path": "Decision path",
    "true_parameters": "True parameters",
}
ABOUT_METHODS = (
    ("Network", "the network at the centre of its parameters."),
    ("Without findings", "the network, told the background, the drug and that the target is missed."),
    ("Naive Bayes", "frequencies in other simulated patients, findings taken as independent given the reason."),
    ("Decision path", "the rules of the source text, each right as often as in other simulated patients."),
    ("True parameters", "the network with each patient's own parameters: the best that can be done with these findings."),
)
ABOUT_RECOVERY = (
    "{patients:,} patients on a drug that misses the target, each drawn from the network with a parameter set of its own; what is scored "
    "is the probability of the primary reason after some findings. The network is right by construction here, so this says how much "
    "findings tell, what not knowing the parameters costs, and what simpler ways lose. It says nothing of how well the network describes "
    "patients."
)
KEY = (
    "±: half the width of the 95 % bootstrap interval. Log score: mean of -log P(true reason); Brier score: summed over the reasons; for "
    "both lower is better. AUC: each reason against the others, weighted by its share. Slope and intercept of the calibration line: 1 and "
    "0 where right, a slope below 1 where too sure. First: the true reason is the most probable one."
)
MEASURE_HEADS = {
    "log_score": "Log score", "brier": "Brier", "auc": "AUC", "slope": "Slope", "intercept": "Intercept", "accuracy": "First",
}  # fmt: skip
DIFFERENCES = ("log_score", "brier", "auc", "accuracy")
ABOUT_COVERAGE = (
    "How often the interval over the parameter sets holds the probability under the set that the patient was drawn with "
    "(± two standard errors)."
)
ABOUT_RANKING = (
    "Parameters were drawn from their priors, published values from the parameters, and the joint fit was made to those. Where sampler and "
    "likelihood are right, the true value ranks anywhere among the posterior draws equally often; both p values are then even. The counts "
    "are those of ranks from low to high."
)


def _within(row: pd.Series, name: str = "value") -> str:
    """Return a value, or a signed difference, with half the width of its interval."""
    low, high = ("low", "high") if name == "value" else (f"{name}_low", f"{name}_high")
    value, half = float(row[name]), float(row[high] - row[low]) / 2
    if math.isnan(value):
        return "–"
    told = f"{value:z.2f}" if name == "value" else signed(value, 3)
    return told if math.isnan(half) else f"{told} ± {half:.{2 if name == 'value' else 3}f}"


def _reason(name: str) -> str:
    return next((state.label["en"] for state in variables()["primary_reason"].states if state.id == name), "all")


def simulation_text(found: Recovery, coverage: Coverage, basis: str, width: int, colour: bool) -> str:
    """Return what simulated patients say of the network, as text."""
    parts: list[RenderableType] = [heading("Reasons of simulated patients"), Prose(ABOUT_RECOVERY.format(patients=found.patients))]
    parts += [Prose(BASES[basis]), pairs(ABOUT_METHODS), Prose(KEY, style="dim")]
    for count, table in found.scores.groupby("findings", sort=False):
        parts.append(heading(f"{count} findings"))
        by_measure = {key: row for key, (_, row) in zip(zip(table["method"], table["measure"], strict=True), table.iterrows(), strict=True)}
        methods = list(dict.fromkeys(table["method"]))
        lines = [(METHOD_NAMES[method], *(_within(by_measure[method, one]) for one in MEASURE_HEADS)) for method in methods]
        parts.append(Columns(("Method", *MEASURE_HEADS.values()), lines))
        parts.append(Prose("Network less the other:", style="dim"))
        lines = [(METHOD_NAMES[method], *(_within(by_measure[method, one], "difference") for one in DIFFERENCES)) for method in methods[1:]]
        parts.append(Columns(("Method", *(MEASURE_HEADS[one] for one in DIFFERENCES)), lines))
    parts += [heading("Area under the curve of each reason, the network"), _areas(found)]
    parts += [heading("Intervals"), Prose(ABOUT_COVERAGE), _coverage(coverage)]
    return to_text(parts, width, colour)


def _areas(found: Recovery) -> Columns:
    own = found.areas[found.areas["method"] == "network"]
    wide = own.pivot_table(index="reason", columns="findings", values="auc", sort=False, dropna=False)
    shares = dict(zip(own["reason"], own["share"], strict=True))
    lines = [
        (_reason(str(reason)), share(float(shares[reason])), *("–" if pd.isna(area) else f"{area:.2f}" for area in areas))
        for reason, areas in zip(wide.index, wide.to_numpy(), strict=True)
    ]
    heads = ("Reason", "Share", *(f"{count} findings" for count in wide.columns))
    return Columns(heads, lines, right=tuple(range(1, len(heads))))


def _coverage(coverage: Coverage) -> Columns:
    table = coverage.table
    kinds = list(dict.fromkeys(zip(table["findings"], table["level"], strict=True)))
    cells = {
        (row["reason"], row["findings"], row["level"]): "–"
        if pd.isna(row["covered"])
        else f"{share(float(row['covered']))} ± {2 * row['error']:.0%}".replace("%", " %").replace("  ", " ")
        for _, row in table.iterrows()
    }
    heads = ("Reason", *(f"{count}: {level:.0%}".replace("%", " %") for count, level in kinds))
    lines = [(_reason(reason), *(cells[reason, *kind] for kind in kinds)) for reason in dict.fromkeys(table["reason"])]
    return Columns(heads, lines, right=tuple(range(1, len(heads))))


def simulation_table(found: Recovery, coverage: Coverage) -> pd.DataFrame:
    """Return the same as one table: `part` is `recovery` (a line for each method and measure), `areas`, `rules` or `coverage`."""
    areas = found.areas.rename(columns={"auc": "value"}).assign(measure="auc")
    rules = found.rules.rename(columns={"right": "value"}).assign(method="decision_path", measure="right")
    intervals = coverage.table.rename(columns={"covered": "value"}).assign(measure="covered")
    named = {"recovery": found.scores, "areas": areas, "rules": rules, "coverage": intervals}
    whole = pd.concat([table.assign(part=part) for part, table in named.items()], ignore_index=True)
    first = ["part", "findings", "method", "reason", "rule", "level", "measure", "value"]
    return whole[[*first, *(name for name in whole.columns if name not in first)]]


def ranking_text(found: Ranking, width: int, colour: bool) -> str:
    """Return what simulated fits say of the joint fit, as text."""
    table = found.table
    bins = [name for name in table.columns if name.startswith("bin_")]
    lines = [
        (
            str(row["quantity"]), f"{row['mean_rank']:.2f}", f"{row['p_chi_square']:.2f}", f"{row['p_ecdf']:.2f}",
            " ".join(str(row[name]) for name in bins),
        )
        for _, row in table.iterrows()
    ]  # fmt: skip
    least = found.least_p
    said = (
        f"{len(found.ranks)} fits, each value ranked among {found.draws} draws ({found.sampled} before thinning), "
        f"{found.divergences} divergent transitions. Least p of all {len(table)} quantities, times "
        f"their number: {least['p_chi_square']:.2f} (histogram), {least['p_ecdf']:.2f} (distribution function)."
    )
    heads = ("Quantity", "Mean rank", "p histogram", "p ECDF", "Counts")
    parts: list[RenderableType] = [heading("Simulated fits"), Prose(ABOUT_RANKING), Prose(said), Columns(heads, lines, right=(1, 2, 3))]
    return to_text(parts, width, colour)
