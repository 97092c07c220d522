"""Simulation-based calibration of the joint fit on a part of the network: fits to published values drawn from known parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ...data.loading import parameters
from ...model.assembly import assemble
from ...model.draws import DEFAULT_SEED, independent_draws
from .evaluating import settled
from .jax_density import STRUCTURE_SETS, Density
from .jax_fitting import Sampler
from .jax_likelihood import FREEDOM, Errors, errors_of, shared_out
from .jax_tables import Prior
from .ranking import Ranking, rank_of, rank_table
from .reading import calibration_targets, nuisance
from .reducing import reduce_question
from .settings import MOVED, ROUTINE
from .targets import Target

Floats = NDArray[np.float64]

TOPIC, MOST_PARAMETERS = "adherence", 18
"""The reduced set: the rows on adherence whose predictions rest on few parameters."""

REPLICATES = 60
WARMUP, DRAWS, THINNING = 75, 95, 5


def parameters_read(targets: Sequence[Target]) -> tuple[str, ...]:
    """Return the ids of the parameters that the predictions of targets rest on, in the order of the records."""
    model = assemble(independent_draws(parameters(), STRUCTURE_SETS, 0))
    read: set[str] = set()
    for question in dict.fromkeys(settled(each) for one in targets for each in one.questions):
        for source in reduce_question(model, question).sources:
            if not source.prior:
                read |= set(model.parameters[source.variable])
        if question.setting == ROUTINE:
            read |= {*MOVED, *MOVED.values()}
    return tuple(name for name in (*parameters(), *nuisance()) if name in read)


def reduced_targets() -> tuple[Target, ...]:
    """Return the targets of the reduced set."""
    about = [one for one in calibration_targets().values() if one.topic == TOPIC]
    return tuple(one for one in about if len(parameters_read([one])) <= MOST_PARAMETERS)


def drawn_values(errors: Errors, told: Floats, tau: Floats, random: np.random.Generator) -> Floats:
    """Return published values drawn around predictions `told` as the likelihood has it, shape (targets,)."""
    scale = np.asarray(errors.scale(jnp.asarray(tau)))
    noise = random.standard_normal(len(told)) if np.isinf(errors.freedom) else random.standard_t(errors.freedom, len(told))
    return np.asarray(told + scale * noise)


def rank(
    replicates: int = REPLICATES,
    *,
    targets: Sequence[Target] | None = None,
    seed: int = DEFAULT_SEED,
    warmup: int = WARMUP,
    draws: int = DRAWS,
    thinning: int = THINNING,
    freedom: float = FREEDOM,
) -> Ranking:
    """Draw parameters from their priors and published values from those, fit, and rank the parameters among the posterior draws.

    Where sampler, likelihood and prior fit together, all ranks are equally frequent. Nothing is compiled anew between replicates.

    Args:
        replicates: how many times.
        targets: whose values are drawn; by default the reduced set.
        seed: of the parameters, the values and the sampler.
        warmup: steps of the one chain of each replicate before adaptation ends.
        draws: its steps afterwards.
        thinning: each how many draws one is kept, so that those that are ranked among are nearly independent.
        freedom: degrees of freedom of the published values around the predictions.

    Raises:
        RefraError: as `errors_of`, or a process has stopped.
    """
    chosen = reduced_targets() if targets is None else tuple(targets)
    records = {**parameters(), **nuisance()}
    prior = Prior.of({name: records[name] for name in parameters_read(chosen)})
    errors = errors_of(chosen, freedom)
    ranks: list[NDArray[np.intp]] = []
    effective, divergences = np.inf, 0
    with Density(chosen, errors, shared_out(chosen, 1), prior) as density:
        sampler = Sampler(density, prior, chains=1, warmup=warmup, draws=draws)
        for replicate in range(replicates):
            random = np.random.default_rng([seed, replicate])
            z = random.standard_normal(density.parameters)
            tau = errors.tau_scales * np.abs(random.standard_normal(density.designs))
            observed = drawn_values(errors, density.at(z, tau).predictions, tau, random)
            found, _ = sampler.sample(replace(errors, observed=observed), int(random.integers(2**31)))
            kept = np.concatenate([found.z[0], found.tau[0]], axis=1)[thinning - 1 :: thinning]
            ranks.append(rank_of(np.concatenate([z, tau]), kept))
            effective = min(effective, float(found.effective.min()))
            divergences += found.divergences
    names = (*prior.ids, *(f"between studies, {design}" for design in errors.designs))
    table = rank_table(names, np.stack(ranks), draws // thinning)
    return Ranking(table, np.stack(ranks), draws // thinning, effective, draws, divergences)
