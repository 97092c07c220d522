"""Why: the posterior of each cause, what its absence would have averted, the exclusive reasons, the dominant pathway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..data.labels import label
from ..data.loading import variables
from ..model.network import Model
from .asking import Answer, Known, ask, ask_together
from .intervals import interval, share_first
from .situation import Situation
from .twins import ABSENCES, TARGET, Twins

Array = NDArray[np.float64]

PRESENT: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "non_adherence": ("adherence", ("partial", "poor")),
    "anti_drug_antibodies": ("ada", ("low_titre", "high_titre")),
    "low_exposure_other": ("clearance", ("fast",)),
    "wrong_pathway": ("mechanism_cause", ("wrong_pathway",)),
    "pathway_escape": ("mechanism_cause", ("pathway_escape",)),
    "fibromyalgia": ("fibromyalgia", ("yes",)),
    "osteoarthritis": ("osteoarthritis", ("yes",)),
    "depression": ("depression", ("yes",)),
    "other_disease": ("other_disease_active", ("yes",)),
}
"""For each cause the variable and the states that mean it is present."""

CAUSES = tuple(PRESENT)
MAIN_TARGETS = ("primary_reason", "driver", *dict.fromkeys(variable for variable, _ in PRESENT.values()))
CAUSE_COLUMNS = (
    "id", "label", "probability", "low", "high", "averted", "averted_low", "averted_high", "averted_independent", "p_first",
)  # fmt: skip
REASON_COLUMNS = ("id", "label", "probability", "low", "high", "p_first")


def presence(model: Model, answer: Answer, cause: str) -> Array:
    """Return P(cause present) in every parameter set, shape (S,)."""
    variable, states = PRESENT[cause]
    return np.asarray(answer[variable][:, [model.position(variable, state) for state in states]].sum(axis=1))


def averted(model: Model, known: Known, cause: str, twins: Twins) -> Array:
    """Return P(target met had this cause alone been absent | findings) in every parameter set, shape (S,)."""
    twin = twins.without(cause)
    if twin is None:
        return np.zeros(model.draws)
    return np.broadcast_to(ask(twin, known, [TARGET])[TARGET][:, 1], (model.draws,))


def all_averted(model: Model, known: Known, twins: Twins) -> Array:
    """Return what `averted` returns for each cause, shape (S, causes)."""
    built = {cause: twins.without(cause) for cause in CAUSES}
    asked = {cause: twin for cause, twin in built.items() if twin is not None}
    answers = dict(zip(asked, ask_together((twin, known, [TARGET]) for twin in asked.values()), strict=True))
    columns = [answers[cause][TARGET][:, 1] if cause in answers else np.zeros(1) for cause in CAUSES]
    return np.stack([np.broadcast_to(column, (model.draws,)) for column in columns], axis=1)


@dataclass(frozen=True)
class Averted:
    """What the absence of each cause would have averted: `monotone` (S, causes), and `independent` in the centre (causes,)."""

    monotone: Array
    independent: Array


def averted_by_absence(place: Situation, model: Model, central: Model) -> Averted | None:
    """Return P(target met had each cause alone been absent | findings); None where the target is met or no reasons are asked for."""
    if not place.explains or place.target == "met":
        return None
    known = place.inside(model, place.known if place.target == "undecided" else place.with_target_set)
    twins, loose = Twins(model, known={**known.hard, **known.do}), Twins(central, monotone=False)
    return Averted(all_averted(model, known, twins), all_averted(central, known, loose)[0])


def cause_table(place: Situation, model: Model, answer: Answer, saved: Averted | None, level: float, language: str) -> pd.DataFrame:
    """Return the causes, ranked by what their absence would have averted (by probability where the target is met)."""
    if not place.explains:
        return pd.DataFrame(columns=list(CAUSE_COLUMNS))
    probability = np.stack([presence(model, answer, cause) for cause in CAUSES], axis=1)
    low, high = interval(probability, level)
    table = pd.DataFrame(
        {"id": CAUSES, "label": [label("causes", c, language) for c in CAUSES], "probability": probability[0], "low": low, "high": high}
    )
    if saved is None:
        table[["averted", "averted_low", "averted_high", "averted_independent"]] = np.nan
    else:
        table["averted"] = saved.monotone[0]
        table["averted_low"], table["averted_high"] = interval(saved.monotone, level)
        table["averted_independent"] = saved.independent
    ranked = probability if saved is None else saved.monotone
    table["p_first"] = share_first(ranked)
    order = np.argsort(-ranked[0], kind="stable")
    return table.iloc[order].reset_index(drop=True)[list(CAUSE_COLUMNS)]


def reason_table(place: Situation, answer: Answer, level: float, language: str) -> pd.DataFrame:
    """Return the exclusive primary reasons, whose probabilities sum to 1, most probable first."""
    if not place.explains:
        return pd.DataFrame(columns=list(REASON_COLUMNS))
    values = answer["primary_reason"]
    return _state_table("primary_reason", values, level, language, p_first=share_first(values))


def _state_table(variable: str, values: Array, level: float, language: str, **columns: Array | float) -> pd.DataFrame:
    """Return a variable's states with probability, interval and further columns, most probable first."""
    low, high = interval(values, level)
    states = variables()[variable].states
    table = pd.DataFrame(
        {
            "id": [state.id for state in states],
            "label": [state.label[language] for state in states],
            "probability": values[0],
            "low": low,
            "high": high,
            **columns,
        }
    )
    return table.sort_values("probability", ascending=False, kind="stable").reset_index(drop=True)


def driver_table(answer: Answer, prior: Array, level: float, language: str) -> pd.DataFrame:
    """Return the posterior of the dominant pathway beside its prior, and how weakly it is identified.

    `prior` is that of the patient before any finding but the background and the drug. `identified` is how far the
    findings moved it, in bits (the Kullback-Leibler divergence from prior to posterior): 0 where they say nothing,
    about 3 where one of eight is known. It is the same on every line.
    """
    values = answer["driver"]
    return _state_table("driver", values, level, language, prior=prior, identified=divergence(values[0], prior))


def divergence(posterior: Array, prior: Array) -> float:
    """Return the Kullback-Leibler divergence in bits of a posterior from its prior (10.1214/aoms/1177729694)."""
    seen = posterior > 0
    return float((posterior[seen] * np.log2(posterior[seen] / prior[seen])).sum())


def entropy(probabilities: Array) -> float:
    """Return the entropy in bits of a distribution."""
    positive = probabilities[probabilities > 0]
    return float(-(positive * np.log2(positive)).sum())


CAUSE_OF_REASON: Mapping[str, tuple[str, ...]] = {
    "non_adherence": ("non_adherence",),
    "immunogenicity": ("anti_drug_antibodies",),
    "low_exposure_other": ("low_exposure_other",),
    "wrong_pathway": ("wrong_pathway",),
    "pathway_escape": ("pathway_escape",),
    "non_inflammatory": ("fibromyalgia", "osteoarthritis", "depression"),
    "other_disease": ("other_disease",),
}
"""The causes that a primary reason may stand for."""


def leading_causes(causes: pd.DataFrame, reasons: pd.DataFrame, most: int) -> tuple[str, ...]:
    """Return the causes that matter: the one behind the first reason, then the ranking."""
    if not len(causes) or not len(reasons):
        return ()
    ranked = list(causes["id"])
    behind = CAUSE_OF_REASON[reasons["id"].iloc[0]]
    first = min(behind, key=ranked.index)
    return tuple(dict.fromkeys([first, *ranked]))[:most]


__all__ = [
    "ABSENCES",
    "CAUSES",
    "averted",
    "cause_table",
    "divergence",
    "driver_table",
    "entropy",
    "leading_causes",
    "presence",
    "reason_table",
]
