"""Assembling the shipped network from the records."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..data.fitted import fitted
from ..data.loading import parameters, variables
from . import background, harms, outcomes, stage1_exposure, stage2_mechanism, stage3_pain, summaries
from .building import NodeSpec
from .draws import DEFAULT_DRAWS, DEFAULT_SEED, FITTED, Draws, shifts_of, shipped_draws
from .network import Model, build_on_demand, draws_last
from .on_demand import OnDemand

Array = NDArray[np.float64]

SPECS: dict[str, NodeSpec] = {
    **background.NODES,
    **stage1_exposure.NODES,
    **stage2_mechanism.NODES,
    **stage3_pain.NODES,
    **summaries.NODES,
    **outcomes.NODES,
    **harms.NODES,
}


def assemble(draws: Draws) -> Model:
    """Return the network for a set of parameter values; its tables are built when they are first read."""
    states = {name: variable.state_ids for name, variable in variables().items()}
    parents = {name: SPECS[name].parents for name in states}
    return build_on_demand(states, parents, lambda name: SPECS[name].build(name, draws), draws.count)


@cache
def shipped_model(draws: int = DEFAULT_DRAWS, seed: int = DEFAULT_SEED, basis: str = FITTED) -> Model:
    """Return the shipped network: the centre first, then `draws` parameter sets."""
    return assemble(shipped_draws(draws, seed, basis))


@cache
def central_model(basis: str = FITTED) -> Model:
    """Return the shipped network at the centres of its parameters alone."""
    return assemble(shipped_draws(0, DEFAULT_SEED, basis))


@cache
def folded_shifts(basis: str = FITTED) -> Model:
    """Return the one-at-a-time network with every table in those sets alone in which it may differ from the centre.

    Row 0 of a table is the centre, row i + 1 has the i-th parameter of its node shifted. Such a model can be cut down to what is asked for;
    before questions are put to it, `unfolded` gives every table its rows in all sets.
    """
    central = central_model(basis)
    posterior = fitted() if basis == FITTED else None

    def folded(name: str) -> Array:
        records = {identifier: parameters()[identifier] for identifier in central.parameters[name]}
        return draws_last(SPECS[name].build(name, shifts_of(records, posterior)).table)

    return Model(central.states, central.parents, OnDemand(central.states, folded), central.parameters, len(parameters()) + 1)


def unfolded(folded: Model) -> Model:
    """Return a folded network with every table in all sets: set 0 is the centre, set i + 1 shifts the i-th record."""
    set_of = {identifier: number for number, identifier in enumerate(parameters(), start=1)}

    def spread(name: str) -> Array:
        table = folded.tables[name]
        if len(table) == 1:
            return table
        rows = np.zeros(len(set_of) + 1, dtype=np.intp)
        rows[[set_of[identifier] for identifier in folded.parameters[name]]] = np.arange(1, len(table))
        spread_table: Array = np.moveaxis(np.moveaxis(table, 0, -1).take(rows, axis=-1), -1, 0)
        spread_table.setflags(write=False)
        return spread_table

    return Model(folded.states, folded.parents, OnDemand(folded.states, spread), folded.parameters, len(set_of) + 1)


@cache
def shifted_model(basis: str = FITTED) -> Model:
    """Return the network with one parameter at a time shifted by one standard deviation (set 0: none)."""
    return unfolded(folded_shifts(basis))
