"""How probable the published values are given what the network predicts, as a differentiable function."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from numpy.typing import NDArray

from ...data.errors import RefraError
from .evaluating import settled
from .questions import Question
from .targets import Target, predicted

FREEDOM = 5.0
"""Degrees of freedom of the published values' distribution around the predictions: tails in which one odd study cannot drag the fit far."""


@dataclass(frozen=True, eq=False)
class Errors:
    """Published values and how far they may lie from the truth.

    A published value lies around the prediction, on the likelihood's scale, with a Student distribution (Lange 1989, doi
    10.2307/2290063) of scale squared sampling^2 + gap^2 + tau^2: what studies of one kind of design differ by is integrated out, so that
    only one tau for each design is left to be estimated.

    Attributes:
        observed: published values, shape (targets,).
        error: standard deviation of sampling and gap together, shape (targets,).
        designs: the kinds of design; `design_of` holds each target's, shape (targets,).
        tau_scales: prior scale of the standard deviation between studies of each design, shape (designs,).
        freedom: degrees of freedom; infinite for a normal distribution.
    """

    observed: NDArray[np.float64]
    error: NDArray[np.float64]
    designs: tuple[str, ...]
    design_of: NDArray[np.intp]
    tau_scales: NDArray[np.float64]
    freedom: float = FREEDOM

    def scale(self, tau: jax.Array) -> jax.Array:
        """Return the scale of every published value around its prediction from that between studies of each design."""
        return jnp.sqrt(self.error**2 + tau[self.design_of] ** 2)


def errors_of(targets: Sequence[Target], freedom: float = FREEDOM) -> Errors:
    """Lay out the errors of targets.

    Raises:
        RefraError: no targets, or two prior scales for one design.
    """
    if not targets:
        raise RefraError("no targets; at least one is accepted")
    scales: dict[str, float] = {}
    for target in targets:
        if scales.setdefault(target.design, target.tau) != target.tau:
            raise RefraError(
                f"{target.evidence}: {target.design} has the scales {scales[target.design]:g} and {target.tau:g}; one is accepted"
            )
    designs = tuple(sorted(scales))
    return Errors(
        np.array([target.observed for target in targets]),
        np.array([np.hypot(target.sd, target.gap_sd) for target in targets]),
        designs,
        np.array([designs.index(target.design) for target in targets]),
        np.array([scales[design] for design in designs]),
        freedom,
    )


def predictions(targets: Sequence[Target], places: Mapping[Question, slice], answer: jax.Array) -> jax.Array:
    """Return what the network predicts for every target on its likelihood's scale, shape (targets,).

    `answer` holds the distributions of all questions one after another; `places` tells where each question's lies. A question that the
    setting makes no difference to lies where that of a trial does.
    """
    return jnp.stack([predicted(one, {each: answer[places[settled(each)]] for each in one.questions}, jnp) for one in targets])


def log_density(errors: Errors, told: jax.Array, tau: jax.Array, observed: jax.Array | None = None) -> jax.Array:
    """Return the log density of the published values, or of others in their place (targets,), shape ()."""
    scale = errors.scale(tau)
    squared = (((errors.observed if observed is None else observed) - told) / scale) ** 2
    if math.isinf(errors.freedom):
        each = -0.5 * squared - jnp.log(scale) - 0.5 * math.log(2 * math.pi)
    else:
        nu = errors.freedom
        constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * math.log(nu * math.pi)
        each = constant - jnp.log(scale) - (nu + 1) / 2 * jnp.log1p(squared / nu)
    return each.sum()


def shared_out(targets: Sequence[Target], shares: int) -> tuple[tuple[Question, ...], ...]:
    """Deal the targets' distinct questions out into shares, those about one variable together; the largest lots are dealt first."""
    asked = dict.fromkeys(settled(each) for one in targets for each in one.questions)
    lots: dict[str, list[Question]] = {}
    for question in asked:
        lots.setdefault(question.variable, []).append(question)
    dealt: list[list[Question]] = [[] for _ in range(max(1, min(shares, len(lots))))]
    for lot in sorted(lots.values(), key=len, reverse=True):
        min(dealt, key=len).extend(lot)
    return tuple(tuple(share) for share in dealt)
