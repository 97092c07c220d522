"""Every number of every record of a group of patients, in every parameter set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data.loading import variables
from ..model.network import Model
from ..model.outcomes import OPTIONS
from .asking import Answer, Known, ask_together
from .causes import CAUSES, MAIN_TARGETS, presence
from .cohort_groups import Asked, Group, Places, asked, groups
from .engine import Target
from .options import GATES, NEEDS_DRUG, harm_nodes
from .situation import Situation
from .twins import TARGET, Twins

Array = NDArray[np.float64]
Key = tuple[str, str, str]
"""Part of the answer (`cause`, `reason`, `driver`, `option`), id and measure."""

PAIN: Target = ("pain_source", "other_disease_active")


@dataclass(frozen=True)
class Numbers:
    """The answers of a cohort: each array has shape (records, 1 + draws), the centre first, NaN where there is no answer.

    Attributes:
        values: the numbers by part of the answer, id and measure.
        painful: P(a source of pain or another disease).
        other_disease: P(another disease).
        gated: P(a regulator's reason to keep a JAK inhibitor back).
        log_evidence: natural logarithm of P(findings), the lesser of those for the present and the future (target set): minus infinity
            where they cannot all hold.
    """

    values: Mapping[Key, Array]
    painful: Array
    other_disease: Array
    gated: Array
    log_evidence: Array

    @property
    def possible(self) -> NDArray[np.bool_]:
        """Whether each record's findings can hold in the central network, shape (records,)."""
        return np.asarray(self.log_evidence[:, 0] > -np.inf)

    def only(self, records: Places) -> Numbers:
        """Return the answers of some records."""
        values = {key: table[records] for key, table in self.values.items()}
        return Numbers(values, *(table[records] for table in (self.painful, self.other_disease, self.gated, self.log_evidence)))


@dataclass(frozen=True)
class _Part:
    """Answers of some rows: the owner of each, the log weight by question about the present and the future, and the columns."""

    owners: Places
    log_now: Array
    log_future: Array
    now: Mapping[Key, Array]
    future: Mapping[Key, Array]


def numbers(places: Sequence[Situation], draws: int, seed: int) -> Numbers:
    """Return every cause, reason, pathway and option of every record.

    Args:
        places: the records.
        draws: number of parameter sets beside the centre.
        seed: their seed.
    """
    sets = draws + 1
    parts = [_part(part, asked(part, draws, seed), sets) for group in groups(places, range(len(places))) for part in group.parts(sets)]
    now, log_now = _mixed(parts, "now", len(places), sets)
    future, log_future = _mixed(parts, "future", len(places), sets)
    painful, other, gated = (future.pop(("", "", measure)) for measure in ("painful", "other_disease", "gated"))
    return Numbers({**now, **future}, painful, other, gated, np.minimum(log_now, log_future))


def _part(group: Group, question: Asked, sets: int) -> _Part:
    """Ask the network everything about some rows."""
    rows = len(group.rows) * sets
    model, future = question.model, question.with_target_set
    options = {option: (f"lda_{option}", f"acr50_{option}") for option in OPTIONS if f"lda_{option}" in model.states}
    if not group.kind.treated:
        options = {option: targets for option, targets in options.items() if option not in NEEDS_DRUG}
    nodes = harm_nodes(tuple(options))
    gate = tuple(name for name in GATES if name in model.states)
    twins = _twins(group, model, future)
    targets: list[tuple[Model, Known, Sequence[Target]]] = [(model, future, wanted) for wanted in options.values()]
    targets += [(model, future, tuple(dict.fromkeys(nodes.values()))), (model, future, (PAIN, *gate))]
    targets += [(twin, future, (TARGET,)) for twin in twins.values()]
    answers = ask_together(targets, refuse=False)
    outcomes, (harmed, painful), absent = answers[: len(options)], answers[len(options) :][:2], answers[len(options) + 2 :]

    def whole(values: Array) -> Array:
        return np.broadcast_to(values, (rows,))

    later: dict[Key, Array] = {}
    for (option, (lda, acr50)), answer in zip(options.items(), outcomes, strict=True):
        later["option", option, "lda"] = whole(answer[lda][:, 1])
        later["option", option, "acr50"] = whole(answer[acr50][:, 1])
    for (harm, option), node in nodes.items():
        later["option", option, harm] = whole(harmed[node][:, 1])
    joint = painful[PAIN]
    later["", "", "painful"] = whole(1 - joint[:, 0, 0])
    later["", "", "other_disease"] = whole(joint[:, :, 1].sum(axis=1))
    later["", "", "gated"] = 1 - _safe(group, model, painful, gate, sets)
    for cause, answer in zip(twins, absent, strict=True):
        later["cause", cause, "averted"] = whole(answer[TARGET][:, 1])
    if twins:
        later |= {("cause", cause, "averted"): np.zeros(rows) for cause in CAUSES if cause not in twins}
    log_future = whole(answers[0].log_evidence) + question.log_prior
    now: dict[Key, Array] = {}
    log_now = log_future
    if group.kind.explains:
        (answer,) = ask_together([(model, question.known, [t for t in MAIN_TARGETS if t in model.states])], refuse=False)
        log_now = whole(answer.log_evidence) + question.log_prior
        now |= {("cause", cause, "probability"): whole(presence(model, answer, cause)) for cause in CAUSES}
        for part, variable in (("reason", "primary_reason"), ("driver", "driver")):
            now |= {(part, state, "probability"): whole(answer[variable][:, i]) for i, state in enumerate(model.states[variable])}
    return _Part(group.owners, log_now, log_future, now, later)


def _twins(group: Group, model: Model, known: Known) -> dict[str, Model]:
    """Return the twin network for each cause whose absence could have changed whether the target is met."""
    if not group.kind.explains or group.kind.target == "met":
        return {}
    twins = Twins(model, known={**known.hard, **known.do})
    built = {cause: twins.without(cause) for cause in CAUSES}
    return {cause: twin for cause, twin in built.items() if twin is not None}


def _safe(group: Group, model: Model, answer: Answer, gate: Sequence[str], sets: int) -> Array:
    """Return P(no regulator's reason to keep a JAK inhibitor back) of each row."""
    safe = np.ones(len(group.rows) * sets)
    for name, unsafe in GATES.items():
        if name in gate:
            open_states = [place for place, state in enumerate(model.states[name]) if state not in unsafe]
            safe = safe * answer[name][:, open_states].sum(axis=1)
        else:
            names = variables()[name].state_ids
            safe = safe * np.repeat([float(names[row.states[name]] not in unsafe) for row in group.rows], sets)
    return safe


def _mixed(parts: Sequence[_Part], when: str, records: int, sets: int) -> tuple[dict[Key, Array], Array]:
    """Average the rows of each record by their posterior weights; returns the columns and the log evidence, shape (records, sets)."""
    owners = np.concatenate([part.owners for part in parts])
    logs = np.concatenate([(part.log_now if when == "now" else part.log_future).reshape(-1, sets) for part in parts])
    highest = np.full((records, sets), -np.inf)
    np.maximum.at(highest, owners, logs)
    with np.errstate(invalid="ignore", divide="ignore"):
        weights = np.where(np.isneginf(logs), 0.0, np.exp(logs - highest[owners]))
        total = np.zeros((records, sets))
        np.add.at(total, owners, weights)
        weights = weights / total[owners]
        evidence = np.log(total) + highest
    tables = [part.now if when == "now" else part.future for part in parts]
    keys = list(dict.fromkeys(key for table in tables for key in table))
    sums = np.zeros((len(keys), records, sets))
    answered = np.zeros((len(keys), records), dtype=np.bool_)
    start = 0
    for part, table in zip(parts, tables, strict=True):
        share = weights[start : start + len(part.owners)]
        start += len(part.owners)
        if not table:
            continue
        mine = np.array([keys.index(key) for key in table], dtype=np.intp)
        # A record's rows lie together, so that each part adds to it once.
        firsts = np.flatnonzero(np.diff(part.owners, prepend=-1))
        stacked = np.stack([values.reshape(-1, sets) for values in table.values()])
        added = np.add.reduceat(np.where(share > 0, share * stacked, 0.0), firsts, axis=1)
        place = np.ix_(mine, part.owners[firsts])
        sums[place] += added
        answered[place] = True
    sums[~answered] = np.nan
    sums[:, total == 0] = np.nan
    return dict(zip(keys, sums, strict=True)), evidence
