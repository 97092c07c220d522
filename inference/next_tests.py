"""Which unobserved finding would change the decision most."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..data.loading import variables
from ..model.draws import Draws
from ..model.network import Model
from .asking import Known, ask, log_probability
from .causes import entropy
from .options import outlook, ranking_scores
from .preferences import Preferences
from .situation import Situation, finding_nodes

Array = NDArray[np.float64]

TEST_COLUMNS = ("id", "label", "expected_gain", "p_change", "entropy_drop", "likeliest", "p_likeliest")
LEAST = 1e-9


def candidates(place: Situation, model: Model) -> tuple[str, ...]:
    """Return the findings that are not observed and that could be: the record's gaps and tests not done."""
    observed = set(finding_nodes(place.findings))
    fields = set(place.patient.observed)
    found = []
    for name, variable in variables().items():
        if variable.role != "finding" or name in observed or name not in model.states:
            continue
        if name.startswith("earlier_") and "earlier" in fields:
            continue
        found.append(name)
    return tuple(found)


def test_table(place: Situation, central: Model, draws: Draws, preferences: Preferences, language: str) -> pd.DataFrame:
    """Return for each unobserved finding what knowing it is worth, in the central network.

    `expected_gain` is the expected utility gained by choosing after seeing it (QALY; expected value of the
    information), `p_change` the probability that the first option changes, `entropy_drop` the expected fall of the
    primary reason's entropy (bits), `likeliest` the result to expect. Findings that change nothing are left out; the
    most useful comes first.
    """
    names = candidates(place, central)
    rows = [(name, state) for name in names for state in range(central.card(name))]
    known = place.inside(central)
    soft: dict[str, Array] = dict(known.soft)
    for name in names:
        seen_as = np.ones((len(rows) + 1, central.card(name)))
        for number, (own, state) in enumerate(rows, start=1):
            if own == name:
                seen_as[number] = np.eye(central.card(name))[state]
        soft[name] = seen_as
    seen = Known(known.hard, soft, known.do)
    logs = log_probability(central, seen)
    probability = np.exp(logs[1:] - logs[0])
    future = Known(known.hard, soft, place.with_target_set.do)
    look = outlook(place, central, draws, preferences, rows=future)
    scores = _full(ranking_scores(look), len(rows) + 1)
    reasons = ask(central, seen, ["primary_reason"])["primary_reason"] if place.explains else None
    found = []
    for name in names:
        mine = [number for number, row in enumerate(rows, start=1) if row[0] == name]
        p = probability[np.array(mine) - 1]
        p = p / p.sum()
        gain = float(p @ scores[mine].max(axis=1) - scores[0].max())
        change = float(p @ (scores[mine].argmax(axis=1) != scores[0].argmax()))
        drop = 0.0 if reasons is None else entropy(reasons[0]) - float(sum(w * entropy(reasons[n]) for w, n in zip(p, mine, strict=True)))
        likeliest = int(np.argmax(p))
        result = variables()[name].states[likeliest].label[language]
        found.append((name, variables()[name].label[language], max(gain, 0.0), change, max(drop, 0.0), result, float(p[likeliest])))
    table = pd.DataFrame(found, columns=list(TEST_COLUMNS))
    table = table[(table["expected_gain"] > LEAST) | (table["entropy_drop"] > 1e-6)]
    return table.sort_values(["expected_gain", "entropy_drop"], ascending=False, kind="stable").reset_index(drop=True)


def _full(scores: Array, rows: int) -> Array:
    return np.broadcast_to(scores, (rows, scores.shape[1])) if len(scores) == 1 else scores
