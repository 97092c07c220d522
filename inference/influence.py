"""On which numbers, and so on which studies, an answer rests; and how much of it is judgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..data.errors import RefraError
from ..data.fitted import fitted
from ..data.loading import evidence, parameters, studies
from ..model.draws import FITTED
from ..model.network import Model
from .asking import Known, ask, structure
from .engine import cached_plan
from .situation import Situation

Array = NDArray[np.float64]

INFLUENCE_COLUMNS = ("parameter", "node", "status", "effect", "share", "contraction", "evidence_for", "evidence_against")
CITATION_COLUMNS = ("study", "citation", "doi", "pmid", "share", "evidence", "parameters")


UNTOUCHED = 0.05
"""Contraction up to which a parameter counts as one that the evidence together does not touch."""

ROUNDING = 1e-24
"""Shares up to this (squares of rounding errors) are none."""


@dataclass(frozen=True)
class Influence:
    """What an answer rests on.

    `parameters` lists every record that moves the answer: `effect` is the change of the leading probability when the
    record alone rises by one standard deviation, `share` its part of the answer's variance to first order (over all
    reasons, or all options' low disease activity where no reasons are given), `contraction` the part of its own variance
    that the joint fit took away. `judgement_share` is the part of the records whose status is judgement,
    `untouched_share` that of the records that the published numbers together say nothing of.
    """

    parameters: pd.DataFrame
    judgement_share: float
    untouched_share: float

    def citations(self) -> pd.DataFrame:
        """Return the studies behind the records, those that carry most of the answer first; a record's share is split over its evidence."""
        shares: dict[str, float] = {}
        rows: dict[str, set[str]] = {}
        used: dict[str, set[str]] = {}
        for name, share in zip(self.parameters["parameter"], self.parameters["share"], strict=True):
            record = parameters()[name]
            ids = (*record.evidence_for, *record.evidence_against)
            for identifier in ids:
                study = evidence()[identifier].study_id
                shares[study] = shares.get(study, 0.0) + float(share) / len(ids)
                rows.setdefault(study, set()).add(identifier)
                used.setdefault(study, set()).add(name)
        table = pd.DataFrame(
            [
                (s, studies()[s].citation, studies()[s].doi, studies()[s].pmid, share, tuple(sorted(rows[s])), tuple(sorted(used[s])))
                for s, share in shares.items()
            ],
            columns=list(CITATION_COLUMNS),
        )
        return table.sort_values(["share", "study"], ascending=[False, True]).reset_index(drop=True)


def influenced(place: Situation, options: tuple[str, ...]) -> tuple[str, ...]:
    """Return the variables whose probabilities the records are weighed by: the reason, or what each option brings."""
    return ("primary_reason",) if place.explains else tuple(f"lda_{option}" for option in options)


@cache
def contractions() -> Mapping[str, float]:
    """Return for each parameter the part of its prior variance that the joint fit took away; 0 for one that was no part of the fit."""
    return MappingProxyType({name: fitted().contraction(name) for name in parameters()})


def influence(place: Situation, shifted: Model, options: tuple[str, ...]) -> Influence:
    """Return what the answer rests on; `shifted` is the one-at-a-time network specialised to the record's roots."""
    if place.explains:
        values = _one_at_a_time(shifted, place.inside(shifted), "primary_reason")
    else:
        known = place.inside(shifted, place.with_target_set)
        values = np.stack([_one_at_a_time(shifted, known, f"lda_{option}")[:, 1] for option in options], axis=1)
    change = np.nan_to_num(values[1:] - values[0])
    variance = (change**2).sum(axis=1)
    total = variance.sum()
    share = variance / total if total > 0 else variance
    leading = int(np.argmax(values[0]))
    contraction = contractions() if place.basis == FITTED else dict.fromkeys(parameters(), 0.0)
    table = pd.DataFrame(
        [
            (p.id, p.node, p.status, float(change[i, leading]), float(share[i]), contraction[p.id], p.evidence_for, p.evidence_against)
            for i, p in enumerate(parameters().values())
        ],
        columns=list(INFLUENCE_COLUMNS),
    )
    judged = float(table.loc[table["status"] == "judgement", "share"].sum())
    untouched = float(table.loc[table["contraction"] <= UNTOUCHED, "share"].sum())
    table = table[table["share"] > ROUNDING].sort_values("share", ascending=False, kind="stable").reset_index(drop=True)
    return Influence(table, judged, untouched)


def _one_at_a_time(shifted: Model, known: Known, target: str) -> Array:
    """Return the posterior of a target in every set of the one-at-a-time network, shape (1 + records, states).

    P(findings, target) is linear in each table, so a record that a single table is built from needs no network of its own: the new table is
    put in place of the central one by its coefficients. The others are asked for one by one.
    """
    central = shifted.central()
    base = ask(central, known, [target])[target][0]
    plan = cached_plan(structure(central), targets=[target], hard=known.hard, soft=known.soft, do=known.do)
    try:
        found = plan.coefficients(central.tables, np.eye(len(base)), hard=known.hard, soft=known.soft, do=known.do)
    except RefraError:
        return ask(shifted, known, [target])[target]
    readers: dict[str, list[str]] = {}
    for name in plan.tables_needed:
        for record in shifted.parameters[name]:
            readers.setdefault(record, []).append(name)
    place_of = {record: place for place, record in enumerate(parameters(), start=1)}
    values = np.tile(base, (shifted.draws, 1))
    for name in plan.tables_needed:
        alone = [place_of[record] for record in shifted.parameters[name] if len(readers[record]) == 1]
        if alone and len(shifted.tables[name]) > 1:
            cells = found.cells[name].reshape(len(base), -1)
            values[alone] = shifted.tables[name][alone].reshape(len(alone), -1) @ cells.T
    several = [0, *sorted(place_of[record] for record, names in readers.items() if len(names) > 1)]
    if len(several) > 1:
        values[several] = ask(shifted.drawn(several), known, [target])[target]
    return np.asarray(values / values.sum(axis=1, keepdims=True))
