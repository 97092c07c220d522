"""Which unobserved finding would change the decision most."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..data.loading import variables
from ..model.draws import Draws
from ..model.network import Model
from .asking import Answer, Known, ask
from .causes import entropy
from .options import Outlook, applicable_options, harm_nodes, open_gates, ranking_scores, utilities
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
    if not names:
        return pd.DataFrame([], columns=list(TEST_COLUMNS))
    look, now = _outlooks(place, central, draws, preferences, names)
    scores, before = ranking_scores(look), ranking_scores(now)[0]
    base, by_reason = _reasons(place, central, names)
    found = []
    start = 0
    for name in names:
        mine = slice(start, start + central.card(name))
        start = mine.stop
        p = base.marginals[name][0]
        possible = p > 0
        gain = float(p[possible] @ scores[mine][possible].max(axis=1) - before.max())
        change = float(p[possible] @ (scores[mine][possible].argmax(axis=1) != before.argmax()))
        drop = 0.0
        if by_reason is not None:
            reasons = by_reason[mine]
            drop = entropy(base["primary_reason"][0]) - float(sum(w * entropy(row) for w, row in zip(p, reasons, strict=True) if w > 0))
        likeliest = int(np.argmax(p))
        result = variables()[name].states[likeliest].label[language]
        # Rounding must not decide the order of tests that gain nothing.
        gain = gain if gain > LEAST else 0.0
        found.append((name, variables()[name].label[language], gain, change, max(drop, 0.0), result, float(p[likeliest])))
    table = pd.DataFrame(found, columns=list(TEST_COLUMNS))
    table = table[(table["expected_gain"] > 0) | (table["entropy_drop"] > 1e-6)]
    return table.sort_values(["expected_gain", "entropy_drop"], ascending=False, kind="stable").reset_index(drop=True)


def _outlooks(place: Situation, model: Model, draws: Draws, preferences: Preferences, names: tuple[str, ...]) -> tuple[Outlook, Outlook]:
    """Return the options' numbers after each result of each test (one entry a result, test by test) and as they are now."""
    known = place.inside(model, place.with_target_set)
    options = applicable_options(place, preferences)
    lda: dict[str, Array] = {}
    lda_now: dict[str, Array] = {}
    for option in options:
        after, now = _turned(model, known, [{f"lda_{option}": np.array([0.0, 1.0])}], names)
        lda[option], lda_now[option] = after[0], now[0]
    nodes = harm_nodes(options)
    distinct = tuple(dict.fromkeys(nodes.values()))
    safe = open_gates(place, model)
    no, yes = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    events = [{"pain_source": no, "other_disease_active": no}, {"other_disease_active": yes}, safe or {}]
    after, now = _turned(model, known, [*events, *({node: yes} for node in distinct)], names)

    def build(values: Array, low_activity: dict[str, Array]) -> Outlook:
        relief = (1 - values[0]) * draws["treat_noninflammatory.relief"]
        gated = np.ones(1) if safe is None else 1 - values[2]
        harms = {key: values[len(events) + distinct.index(node)] for key, node in nodes.items()}
        look = Outlook(options, low_activity, {}, harms, relief, values[1], gated, {})
        return replace(look, utility=utilities(look, draws, preferences))

    return build(after, lda), build(now, lda_now)


def _reasons(place: Situation, model: Model, names: tuple[str, ...]) -> tuple[Answer, Array | None]:
    """Return the posteriors now, of the tests and of the reason, and the reason's after each result (results, reasons)."""
    known = place.inside(model)
    if not place.explains:
        return ask(model, known, names), None
    base = ask(model, known, [*names, "primary_reason"])
    events = [{"primary_reason": row} for row in np.eye(model.card("primary_reason"))]
    return base, _turned(model, known, events, names)[0].T


def _turned(model: Model, known: Known, events: list[dict[str, Array]], names: tuple[str, ...]) -> tuple[Array, Array]:
    """Return P(event | result) for each event and each result of each test, and P(event).

    By Bayes' theorem from P(result | event): one row of likelihoods for each event instead of one for each result, and every test's
    results from the same pass. Results that cannot come give NaN.
    """
    variables_in = tuple(dict.fromkeys(name for event in events for name in event))
    soft = {n: np.stack([np.ones(model.card(n)), *(event.get(n, np.ones(model.card(n))) for event in events)]) for n in variables_in}
    if not soft:
        soft = {names[0]: np.ones((len(events) + 1, model.card(names[0])))}
    answer = ask(model, known.also(soft=soft), names)
    logs = np.broadcast_to(answer.log_evidence, (len(events) + 1,))
    share = np.exp(logs[1:] - logs[0])
    results = np.concatenate([np.broadcast_to(answer[name], (len(events) + 1, model.card(name))) for name in names], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nan_to_num(results[1:]) * share[:, None] / results[0], share[:, None]
