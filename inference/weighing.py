"""How much each finding says for and against the leading causes, and whether the findings fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..data.labels import label
from ..data.messages import Message
from ..model.network import Model
from .asking import Answer, Known, ask, log_probability
from .causes import PRESENT, presence
from .situation import Situation, finding_nodes, only

Array = NDArray[np.float64]

CONFLICT_WARNING = 1.0
"""Log10 of how many times less likely the findings are together than one by one, or one of them with the rest than without, before a
warning is given: findings that agree among themselves would hide one that does not."""

FINDING_COLUMNS = ("field", "variable", "finding", "cause", "label", "weight", "conflict", "before", "after")


@dataclass(frozen=True)
class Conflict:
    """How the findings fit together: log10 of [product of P(finding)] / P(findings), given background and drug.

    Above 0 the findings are less likely together than one by one (Jensen et al. 1991, 10.1007/3-540-54659-6_70).
    `by_node` is the same for each finding against all others together; `worst` the pair that disagrees most.
    """

    score: float
    by_node: Mapping[str, float]
    worst: tuple[str, str] | None


def _as_rows(model: Model, known: Known, nodes: Sequence[str], rows: Sequence[set[str]]) -> Known:
    """Return what is known with one row of likelihoods for each set of findings kept; the others are flat in that row."""
    soft = dict(known.soft)
    for name in nodes:
        own = only(model, known, name)
        flat = np.ones_like(own)
        soft[name] = np.stack([own if name in row else flat for row in rows])
    return Known({n: s for n, s in known.hard.items() if n not in nodes}, soft, known.do)


def conflict(place: Situation, model: Model) -> Conflict:
    """Return how the patient's findings fit together in the central network, given background and drug."""
    nodes = [name for name in finding_nodes(place.findings) if name in model.states and model.parents[name]]
    if len(nodes) < 2:
        return Conflict(0.0, {}, None)
    every = set(nodes)
    pairs = list(combinations(nodes, 2))
    rows = [every, set(), *({n} for n in nodes), *(every - {n} for n in nodes), *({a, b} for a, b in pairs)]
    logs = log_probability(model, _as_rows(model, place.inside(model, place.record), nodes, rows)) / np.log(10)
    total, base = logs[0] - logs[1], logs[1]
    alone = dict(zip(nodes, logs[2 : 2 + len(nodes)] - base, strict=True))
    without = dict(zip(nodes, logs[2 + len(nodes) : 2 + 2 * len(nodes)] - base, strict=True))
    by_pair = dict(zip(pairs, logs[2 + 2 * len(nodes) :] - base, strict=True))
    by_node = {n: float(alone[n] + without[n] - total) for n in nodes}
    worst = max(pairs, key=lambda pair: alone[pair[0]] + alone[pair[1]] - by_pair[pair])
    return Conflict(float(sum(alone.values()) - total), by_node, worst)


def _logit10(p: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray((np.log(p) - np.log1p(-p)) / np.log(10))


def finding_table(place: Situation, model: Model, full: Model, causes: Sequence[str], clash: Conflict, language: str) -> pd.DataFrame:
    """Return for each finding and leading cause its weight of evidence, as a tidy frame.

    `weight` is log10 of the cause's odds with all findings over its odds without this one (Good 1950): 1 means ten times for, -1 ten times
    against. `before` and `after` are log10 of the odds as the findings are added one by one in the record's order, background and drug
    being given from the start (NaN for these): their differences add up, unlike the weights, and depend on the order. `model` is the
    central network given the record's roots, `full` the central network; `conflict` is how badly the finding fits the others (log10;
    above 0: less likely with them than alone).
    """
    nodes = finding_nodes(place.findings)
    inner = [name for name in nodes if name in model.states]
    targets = list(dict.fromkeys(PRESENT[cause][0] for cause in causes))
    weights: dict[str, dict[str, float]] = {}
    steps: dict[str, dict[str, tuple[float, float]]] = {}
    known = place.inside(model)
    every, count = set(inner), len(inner)
    rows = [every, *(every - {n} for n in inner), *(set(inner[:n]) for n in range(count))]
    answer = ask(model, _as_rows(model, known, inner, rows), targets) if inner else ask(model, known, targets)
    for cause in causes:
        logits = _logit10(presence(model, answer, cause))
        weights[cause] = {name: float(logits[0] - logits[1 + i]) for i, name in enumerate(inner)}
        along = [*logits[1 + count : 1 + 2 * count], logits[0]]
        steps[cause] = {name: (float(along[i]), float(along[i + 1])) for i, name in enumerate(inner)}
    for name in nodes:
        if name in inner:
            continue
        reduced = _without(place.known, name)
        other = ask(full, reduced, targets)
        for cause in causes:
            both = [_logit10(_present(full, a, cause)) for a in (answer, other)]
            weights[cause][name] = float(both[0] - both[1])
    table = [
        (
            finding.field,
            finding.variable,
            finding.text.said(language),
            cause,
            label("causes", cause, language),
            weights[cause][name],
            clash.by_node.get(name, 0.0),
            *steps[cause].get(name, (np.nan, np.nan)),
        )
        for name, finding in nodes.items()
        for cause in causes
    ]
    return pd.DataFrame(table, columns=list(FINDING_COLUMNS))


def _present(model: Model, answer: Answer, cause: str) -> Array:
    return np.asarray(presence(model, answer, cause)[0])


def _without(known: Known, name: str) -> Known:
    return Known({n: s for n, s in known.hard.items() if n != name}, {n: v for n, v in known.soft.items() if n != name}, known.do)


def conflict_warning(place: Situation, clash: Conflict) -> Message | None:
    """Return a warning that names the findings that disagree, or None."""
    size = max([clash.score, *clash.by_node.values()])
    if size < CONFLICT_WARNING or clash.worst is None:
        return None
    nodes = finding_nodes(place.findings)
    first, second = (nodes[name].text for name in clash.worst)
    return Message(
        f"The findings fit together badly: they are {10**size:.0f} times less likely together than apart. "
        f"“{first}” and “{second}” disagree most: check them.",
        f"各项所见彼此不合：同时出现的可能性只有各自独立出现时的{10**size:.0f}分之一。"
        f"“{first.chinese}”与“{second.chinese}”最为矛盾：请核对。",
    )
