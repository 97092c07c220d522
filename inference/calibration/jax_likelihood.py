"""How probable the published values are, as one differentiable function of the parameters' standard normal deviates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ...data.errors import RefraError
from ...model.network import Model
from .evaluating import distinct, settled
from .jax_plan import Questionnaire, compile_questions
from .jax_tables import Prior
from .questions import Question
from .targets import Target, predicted


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Targets, the plan of their questions, and their errors.

    A published value lies around the prediction, on the likelihood's scale, with the variance sampling^2 + gap^2 + tau^2: what studies of
    one kind of design differ by is integrated out, so that only one tau for each design is left to be estimated.

    Attributes:
        targets: what is fitted to, in order.
        plan: the questions that they need.
        settled: each question as it is asked (of a trial where the setting makes no difference).
        observed: published values, shape (targets,).
        error: standard deviation of sampling and gap together, shape (targets,).
        designs: the kinds of design; `design_of` holds each target's, shape (targets,).
        tau_scales: prior scale of the standard deviation between studies of each design, shape (designs,).
    """

    targets: tuple[Target, ...]
    plan: Questionnaire
    settled: Mapping[Question, Question]
    observed: NDArray[np.float64]
    error: NDArray[np.float64]
    designs: tuple[str, ...]
    design_of: NDArray[np.intp]
    tau_scales: NDArray[np.float64]

    def predictions(self, prior: Prior, z: jax.Array) -> jax.Array:
        """Return what the network predicts for every target on its likelihood's scale, shape (targets,)."""
        answer = self.plan.predict(prior, z)
        found = {question: answer[self.plan.places[asked]] for question, asked in self.settled.items()}
        return jnp.stack([predicted(target, found, jnp) for target in self.targets])

    def spread(self, tau: jax.Array) -> jax.Array:
        """Return the standard deviation of every published value around its prediction from that between studies of each design."""
        return jnp.sqrt(self.error**2 + tau[self.design_of] ** 2)


def likelihood_of(model: Model, targets: Sequence[Target]) -> Likelihood:
    """Plan the questions of targets and lay out their errors.

    Args:
        model: the network in several parameter sets, for its structure.
        targets: what to fit to.

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
    asked = {question: settled(question) for question in distinct(targets)}
    designs = tuple(sorted(scales))
    return Likelihood(
        tuple(targets),
        compile_questions(model, asked.values()),
        asked,
        np.array([target.observed for target in targets]),
        np.array([np.hypot(target.sd, target.gap_sd) for target in targets]),
        designs,
        np.array([designs.index(target.design) for target in targets]),
        np.array([scales[design] for design in designs]),
    )
