"""The joint posterior of all parameters given the published values, by NumPyro's no-U-turn sampler (Hoffman & Gelman 2014, JMLR 15:1593).

Every parameter has its record's own distribution as its prior, so that what no target speaks of stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from numpy.typing import NDArray
from numpyro import distributions as dist
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
from numpyro.infer import MCMC, NUTS, init_to_value

from .jax_likelihood import Likelihood
from .jax_tables import Prior

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Posterior:
    """Draws from the joint posterior, with what tells whether the chains agree.

    Attributes:
        prior: which parameter each deviate belongs to.
        z: standard normal deviates of the parameters, shape (chains, draws, parameters).
        tau: standard deviation between studies by design, shape (chains, draws, designs).
        designs: names of the designs.
        divergences: number of divergent transitions after warm-up.
        r_hat, effective: split R-hat and effective sample size of every deviate, then of every tau; NaN where no chain moved.
    """

    prior: Prior
    z: Floats
    tau: Floats
    designs: tuple[str, ...]
    divergences: int
    r_hat: Floats
    effective: Floats

    def values(self) -> Mapping[str, Floats]:
        """Return the parameters on their natural scale by id, each of shape (chains * draws,)."""
        flat = self.z.reshape(-1, self.z.shape[-1])
        table = np.asarray(jax.vmap(self.prior.vector)(jnp.asarray(flat)))
        return MappingProxyType({name: table[:, place] for place, name in enumerate(self.prior.ids)})

    def summary(self) -> dict[str, float]:
        """Return the worst R-hat, the least effective sample size and the number of divergences."""
        return {
            "largest R-hat": float(np.max(self.r_hat)),
            "least effective sample size": float(np.min(self.effective)),
            "divergences": float(self.divergences),
        }


def joint_model(likelihood: Likelihood, parameters: int, predict: Callable[[jax.Array], jax.Array]) -> None:
    """Declare the joint distribution to NumPyro: deviates, standard deviations between studies, published values.

    `predict` gives what the network tells for every target from the `parameters` deviates.
    """
    z = numpyro.sample("z", dist.Normal(jnp.zeros(parameters), 1.0).to_event(1))
    tau = numpyro.sample("tau", dist.HalfNormal(jnp.asarray(likelihood.tau_scales)).to_event(1))
    told = predict(z)
    numpyro.sample("published", dist.Normal(told, likelihood.spread(tau)).to_event(1), obs=jnp.asarray(likelihood.observed))


def fit(
    likelihood: Likelihood,
    prior: Prior,
    *,
    seed: int,
    chains: int = 4,
    warmup: int = 500,
    draws: int = 500,
    max_tree_depth: int = 8,
    target_accept: float = 0.8,
    progress: bool = False,
) -> Posterior:
    """Draw from the joint posterior; the same seed gives the same draws on one machine.

    Args:
        likelihood: targets and their plan.
        prior: the parameters, nuisance parameters included.
        seed: of the random numbers.
        chains: number of chains, run one after another.
        warmup, draws: steps of each chain before and after adaptation ends.
        max_tree_depth: at most 2 ** this many steps of the integrator for each draw.
        target_accept: acceptance probability that the step size is adapted to.
        progress: whether to show a progress bar.
    """
    start = {"z": jnp.zeros(len(prior.ids)), "tau": jnp.asarray(likelihood.tau_scales)}
    # Compiled once here, or NumPyro's first steps would run it one array operation at a time.
    predict = jax.jit(lambda z: likelihood.predictions(prior, z))
    kernel = NUTS(
        lambda: joint_model(likelihood, len(prior.ids), predict),
        max_tree_depth=max_tree_depth,
        target_accept_prob=target_accept,
        init_strategy=init_to_value(values=start),
    )
    sampler = MCMC(kernel, num_warmup=warmup, num_samples=draws, num_chains=chains, chain_method="sequential", progress_bar=progress)
    sampler.run(jax.random.PRNGKey(seed), extra_fields=("diverging",))
    found = {name: np.asarray(table) for name, table in sampler.get_samples(group_by_chain=True).items()}
    together = np.concatenate([found["z"], found["tau"]], axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        agreement = np.asarray(split_gelman_rubin(together)), np.asarray(effective_sample_size(together))
    return Posterior(
        prior,
        found["z"],
        found["tau"],
        likelihood.designs,
        int(np.asarray(sampler.get_extra_fields()["diverging"]).sum()),
        *agreement,
    )
