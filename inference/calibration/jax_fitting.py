"""The joint posterior of all parameters given the published values, by NumPyro's no-U-turn sampler (Hoffman & Gelman 2014, JMLR 15:1593).

Every parameter has its record's own distribution as its prior, so that what no target speaks of stays as it was. The sampler moves in
coordinates in which the posterior near its mode has unit covariance (the mode and the curvature there: Laplace's approximation).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
from numpyro.infer import MCMC, NUTS
from scipy.optimize import minimize
from scipy.special import ndtr, ndtri

from .jax_density import Density
from .jax_likelihood import FREEDOM, Errors, errors_of, shared_out
from .jax_tables import Prior
from .observing import MEDIAN_OF_HALF_NORMAL
from .targets import Target

Floats = NDArray[np.float64]

MOST_STEPS = 400


@dataclass(frozen=True, eq=False)
class Mode:
    """The most probable deviates with the standard deviations between studies held at their prior medians, and the curvature there.

    Attributes:
        z: shape (parameters,).
        spread: lower triangular; `z + spread @ u` has the curvature's covariance for standard normal u.
        predictions: of the targets, shape (targets,).
        slopes: their derivatives with respect to the deviates, shape (targets, parameters).
    """

    z: Floats
    spread: Floats
    predictions: Floats
    slopes: Floats


@dataclass(frozen=True, eq=False)
class Posterior:
    """Draws from the joint posterior, with what tells whether the chains agree.

    Attributes:
        prior: which parameter each deviate belongs to.
        z: standard normal deviates of the parameters, shape (chains, draws, parameters).
        tau: standard deviation between studies by design, shape (chains, draws, designs).
        designs: names of the designs.
        divergences: number of divergent transitions after warm-up.
        steps: mean number of gradients for each draw.
        r_hat: split R-hat of every deviate, then of every tau.
        effective: effective sample size of the same.
    """

    prior: Prior
    z: Floats
    tau: Floats
    designs: tuple[str, ...]
    divergences: int
    steps: float
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


def find_mode(density: Density, errors: Errors) -> Mode:
    """Find the mode and the curvature there; the curvature is that of least squares (Gauss and Newton's), which is never indefinite."""
    tau = MEDIAN_OF_HALF_NORMAL * errors.tau_scales

    def loss(z: Floats) -> tuple[float, Floats]:
        found = density.at(z, tau, errors.observed)
        return 0.5 * float(z @ z) - found.value, z - found.by_deviate

    start = np.zeros(density.parameters)
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS, "ftol": 1e-9})
    told, slopes = density.slopes(best.x)
    scaled = slopes / np.hypot(errors.error, tau[errors.design_of])[:, None]
    curvature = np.eye(density.parameters) + scaled.T @ scaled
    # curvature = R' R, so that R^-1 times a standard normal vector has the covariance wanted.
    spread = np.linalg.inv(np.linalg.cholesky(curvature)).T
    return Mode(best.x, spread, told, slopes)


def spread_of(scores: Floats, scales: Floats) -> tuple[Floats, Floats]:
    """Return half-normal standard deviations between studies from standard normal scores, and their derivatives.

    The scores are standard normal before the evidence, so that the sampler meets no long tail towards a tau of zero.
    """
    quantile = -ndtri(0.5 * ndtr(-scores))
    return scales * quantile, scales * 0.5 * np.exp(0.5 * (quantile**2 - scores**2))


class Sampler:
    """The sampler of one density; what is compiled serves any published values, since those are read while it runs.

    Args:
        density: of the published values.
        prior: the parameters.
        chains: number of chains, run one after another.
        warmup: steps of each chain before adaptation ends.
        draws: its steps afterwards.
        max_tree_depth: at most 2 ** this many steps of the integrator for each draw.
        target_accept: acceptance probability that the step size is adapted to.
        progress: whether to show a progress bar.
    """

    def __init__(
        self,
        density: Density,
        prior: Prior,
        *,
        chains: int = 4,
        warmup: int = 200,
        draws: int = 500,
        max_tree_depth: int = 8,
        target_accept: float = 0.8,
        progress: bool = False,
    ) -> None:
        self._density = density
        self._prior = prior
        self._chains = chains
        self._held: tuple[Errors, Mode] | None = None
        kernel = NUTS(potential_fn=self._potential(), max_tree_depth=max_tree_depth, target_accept_prob=target_accept)
        self._run = MCMC(kernel, num_warmup=warmup, num_samples=draws, num_chains=chains, chain_method="sequential", progress_bar=progress)

    def _ask(self, u: Any, v: Any) -> tuple[Floats, Floats, Floats]:
        """Return minus the log posterior density of u (deviates in the mode's coordinates) and v (normal scores of tau), with gradients."""
        assert self._held is not None
        errors, mode = self._held
        scores = np.asarray(v)
        tau, by_score = spread_of(scores, errors.tau_scales)
        z = mode.z + mode.spread @ np.asarray(u)
        found = self._density.at(z, tau, errors.observed)
        value = 0.5 * z @ z + 0.5 * scores @ scores - found.value
        return np.asarray(value), mode.spread.T @ (z - found.by_deviate), scores - found.by_tau * by_score

    def _potential(self) -> Callable[[dict[str, jax.Array]], jax.Array]:
        """Return `_ask` as a differentiable function for NumPyro."""
        shape: Any = jax.ShapeDtypeStruct
        shapes = (
            shape((), jnp.float64),
            shape((self._density.parameters,), jnp.float64),
            shape((self._density.designs,), jnp.float64),
        )

        @jax.custom_vjp
        def potential(u: jax.Array, v: jax.Array) -> Any:
            return jax.pure_callback(self._ask, shapes, u, v)[0]

        def forward(u: jax.Array, v: jax.Array) -> tuple[Any, tuple[Any, Any]]:
            value, by_u, by_v = jax.pure_callback(self._ask, shapes, u, v)
            return value, (by_u, by_v)

        def backward(kept: tuple[Any, Any], weight: jax.Array) -> tuple[Any, Any]:
            return weight * kept[0], weight * kept[1]

        potential.defvjp(forward, backward)
        return lambda place: potential(place["u"], place["v"])

    def sample(self, errors: Errors, seed: int) -> tuple[Posterior, Mode]:
        """Draw from the joint posterior given the published values in `errors`, laid out as those of the density.

        The same seed gives the same draws on one machine. Raises `RefraError` where a process has stopped.
        """
        mode = find_mode(self._density, errors)
        self._held = (errors, mode)
        random = np.random.default_rng(seed)
        begin = {
            "u": jnp.asarray(0.5 * random.standard_normal((self._chains, self._density.parameters))),
            "v": jnp.asarray(0.5 * random.standard_normal((self._chains, self._density.designs))),
        }
        if self._chains == 1:
            begin = {name: table[0] for name, table in begin.items()}
        self._run.run(jax.random.PRNGKey(seed), init_params=begin, extra_fields=("diverging", "num_steps"))
        found = {name: np.asarray(table) for name, table in self._run.get_samples(group_by_chain=True).items()}
        extra = {name: np.asarray(table) for name, table in self._run.get_extra_fields().items()}
        z = mode.z + found["u"] @ mode.spread.T
        tau, _ = spread_of(found["v"], errors.tau_scales)
        together = np.concatenate([z, tau], axis=-1)
        posterior = Posterior(
            self._prior,
            z,
            tau,
            errors.designs,
            int(extra["diverging"].sum()),
            float(extra["num_steps"].mean()),
            np.asarray(split_gelman_rubin(together)),
            np.asarray(effective_sample_size(together)),
        )
        return posterior, mode


def fit(
    targets: Sequence[Target],
    prior: Prior,
    *,
    seed: int,
    chains: int = 4,
    warmup: int = 200,
    draws: int = 500,
    processes: int = 2,
    max_tree_depth: int = 8,
    target_accept: float = 0.8,
    freedom: float = FREEDOM,
    progress: bool = False,
) -> tuple[Posterior, Mode]:
    """Draw from the joint posterior; the same seed gives the same draws on one machine.

    Args:
        targets: what is fitted to.
        prior: the parameters, nuisance parameters included.
        seed: of the random numbers.
        chains, warmup, draws, max_tree_depth, target_accept, progress: as for `Sampler`.
        processes: among how many processes the questions are shared.
        freedom: degrees of freedom of the published values around the predictions.

    Raises:
        RefraError: as `errors_of`, or a process has stopped.
    """
    errors = errors_of(targets, freedom)
    with Density(targets, errors, shared_out(targets, processes), prior) as density:
        sampler = Sampler(
            density,
            prior,
            chains=chains,
            warmup=warmup,
            draws=draws,
            max_tree_depth=max_tree_depth,
            target_accept=target_accept,
            progress=progress,
        )
        return sampler.sample(errors, seed)
