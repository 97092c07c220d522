"""Assembling the shipped network from the records."""

from __future__ import annotations

from functools import cache

from ..data.loading import variables
from . import background, harms, outcomes, stage1_exposure, stage2_mechanism, stage3_pain, summaries
from .building import NodeSpec
from .draws import DEFAULT_DRAWS, DEFAULT_SEED, Draws, shifted_draws, shipped_draws
from .network import Model, build_model

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
    """Return the network for a set of parameter values."""
    states = {name: variable.state_ids for name, variable in variables().items()}
    return build_model(states, {name: SPECS[name].build(name, draws) for name in states})


@cache
def shipped_model(draws: int = DEFAULT_DRAWS, seed: int = DEFAULT_SEED) -> Model:
    """Return the shipped network: the centre first, then `draws` parameter sets."""
    return assemble(shipped_draws(draws, seed))


@cache
def central_model() -> Model:
    """Return the shipped network at the centres of its parameters alone."""
    return assemble(shipped_draws(0))


@cache
def shifted_model() -> Model:
    """Return the network with one parameter at a time shifted by one standard deviation (set 0: none)."""
    return assemble(shifted_draws())
