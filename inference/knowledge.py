"""From findings to what the network is told: hard states, likelihoods, and copies for several earlier drugs of one class."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from ..model.assembly import central_model, folded_shifts, shipped_model, unfolded
from ..model.draws import FITTED
from ..model.network import Model
from .asking import Known
from .findings import Finding

SHIPPED, CENTRAL, SHIFTED, FOLDED = "shipped", "central", "shifted", "folded"


def node_of(finding: Finding) -> str:
    """Return the node that a finding is evidence on; the second earlier drug of a class has a node of its own."""
    return finding.variable if finding.copy == 1 else f"{finding.variable}_{finding.copy}"


def copies_in(findings: Iterable[Finding]) -> tuple[tuple[str, int], ...]:
    """Return (variable, copies) for each variable of which a record holds more than one."""
    most: dict[str, int] = {}
    for finding in findings:
        if finding.copy > 1:
            most[finding.variable] = max(most.get(finding.variable, 1), finding.copy)
    return tuple(sorted(most.items()))


@lru_cache(maxsize=8)
def working_model(kind: str, draws: int, seed: int, copies: tuple[tuple[str, int], ...] = (), basis: str = FITTED) -> Model:
    """Return the shipped, central or one-at-a-time shifted (folded or not) network with copies of nodes seen more than once."""
    if kind == SHIFTED:
        return unfolded(working_model(FOLDED, draws, seed, copies, basis))
    if kind == SHIPPED:
        base = shipped_model(draws, seed, basis)
    elif kind == CENTRAL:
        base = central_model(basis)
    else:
        base = folded_shifts(basis)
    return with_copies(base, copies)


def with_copies(base: Model, copies: Iterable[tuple[str, int]]) -> Model:
    """Return a network with `variable_2`, `variable_3` .. up to the number given beside each variable, for findings seen more than once."""
    names = {f"{variable}_{copy}": variable for variable, most in copies for copy in range(2, most + 1)}
    return base.copied(names) if names else base


def known_from(findings: Iterable[Finding]) -> Known:
    """Return what findings say to the network; findings that favour no state are left out."""
    known = Known()
    for finding in findings:
        if not finding.informative:
            continue
        likelihood = np.asarray(finding.likelihood)
        if finding.state is not None:
            known = known.also(hard={node_of(finding): int(np.argmax(likelihood))})
        else:
            known = known.also(soft={node_of(finding): likelihood})
    return known
