"""The joint density and its gradient, worked out by processes that share the questions among them.

All questions in one compiled function take XLA many minutes, and a sampler would compile them several times. So every process compiles its
share once, and what the sampler itself compiles calls them for the numbers.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...data.errors import RefraError
from ...data.loading import parameters
from .jax_likelihood import Errors, log_density, predictions
from .jax_tables import Prior
from .questions import Question
from .targets import Target

Floats = NDArray[np.float64]

STRUCTURE_SETS = 12
"""Parameter sets in which a zero or an idle parent is looked for before it counts as structure."""


@dataclass(frozen=True)
class Answered:
    """The density at one point: log density of the published values, its gradients, and what is predicted for every target."""

    value: float
    by_deviate: Floats
    by_tau: Floats
    predictions: Floats


def _questions(connection: Connection, questions: Sequence[Question], prior: Prior) -> None:
    """Answer questions and pull gradients back until told to stop; runs in a process of its own."""
    import jax

    from ...model.assembly import assemble
    from ...model.draws import independent_draws
    from .jax_plan import compile_questions

    plan = compile_questions(assemble(independent_draws(parameters(), STRUCTURE_SETS, 0)), questions)
    forward = jax.jit(lambda z: jax.vjp(lambda inner: plan.predict(prior, inner), z))
    backward = jax.jit(lambda pull, weights: pull(weights)[0])
    connection.send(dict(plan.places))
    pull: Any = None
    while (message := connection.recv()) is not None:
        kind, numbers = message
        if kind == "forward":
            answer, pull = forward(numbers)
            connection.send(np.asarray(answer))
        else:
            connection.send(np.asarray(backward(pull, numbers)))


def _head(connection: Connection, targets: Sequence[Target], errors: Errors, places: Mapping[Question, slice]) -> None:
    """Compare distributions with published values until told to stop; runs in a process of its own."""
    import jax

    def density(answer: jax.Array, tau: jax.Array, observed: jax.Array) -> tuple[jax.Array, jax.Array]:
        told = predictions(targets, places, answer)
        return log_density(errors, told, tau, observed), told

    both = jax.jit(jax.value_and_grad(density, argnums=(0, 1), has_aux=True))
    slopes = jax.jit(jax.jacrev(lambda answer: predictions(targets, places, answer)))
    connection.send(None)
    while (message := connection.recv()) is not None:
        kind, *numbers = message
        if kind == "density":
            (value, told), (by_answer, by_tau) = both(*numbers)
            connection.send((float(value), np.asarray(by_answer), np.asarray(by_tau), np.asarray(told)))
        else:
            connection.send(np.asarray(slopes(*numbers)))


class Density:
    """The log density of the published values given the parameters' deviates; a context manager, since processes stand behind it.

    Args:
        targets: what is fitted to.
        errors: the published values with their errors.
        questions: the questions of the targets, by shares: one process each.
        prior: the parameters.
    """

    def __init__(self, targets: Sequence[Target], errors: Errors, shares: Sequence[Sequence[Question]], prior: Prior) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._processes: list[Any] = []
        self.parameters = len(prior.ids)
        self.designs = len(errors.designs)
        self._observed = errors.observed
        self._workers = [self._start(_questions, tuple(share), prior) for share in shares]
        places: dict[Question, slice] = {}
        self._parts: list[slice] = []
        end = 0
        for worker in self._workers:
            own = self._receive(worker)
            size = max(part.stop for part in own.values())
            places |= {question: slice(end + part.start, end + part.stop) for question, part in own.items()}
            self._parts.append(slice(end, end + size))
            end += size
        self._judge = self._start(_head, tuple(targets), errors, places)
        self._receive(self._judge)

    def _start(self, work: Any, *arguments: Any) -> Connection:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=work, args=(theirs, *arguments), daemon=True)
        process.start()
        theirs.close()
        self._processes.append(process)
        return ours

    @staticmethod
    def _receive(connection: Connection) -> Any:
        try:
            return connection.recv()
        except (EOFError, ConnectionError):
            raise RefraError("a process that answers questions of the joint fit has stopped; its own message stands above") from None

    def _answer(self, z: Floats) -> Floats:
        for worker in self._workers:
            worker.send(("forward", z))
        return np.concatenate([self._receive(worker) for worker in self._workers])

    def _pull(self, weights: Floats) -> Floats:
        """Return the derivative of `weights` times the answer last given with respect to the deviates."""
        busy = []
        for worker, part in zip(self._workers, self._parts, strict=True):
            if weights[part].any():
                worker.send(("backward", weights[part]))
                busy.append(worker)
        return np.asarray(sum((self._receive(worker) for worker in busy), np.zeros(self.parameters)))

    def at(self, z: Floats, tau: Floats, observed: Floats | None = None) -> Answered:
        """Return the density and its gradients at deviates (parameters,) and standard deviations between studies (designs,).

        `observed` (targets,) takes the place of the published values.
        """
        self._judge.send(("density", self._answer(z), tau, self._observed if observed is None else observed))
        value, by_answer, by_tau, told = self._receive(self._judge)
        return Answered(value, self._pull(by_answer), by_tau, told)

    def slopes(self, z: Floats) -> tuple[Floats, Floats]:
        """Return the predictions, shape (targets,), and their derivatives with respect to the deviates, (targets, parameters)."""
        answer = self._answer(z)
        self._judge.send(("slopes", answer))
        by_answer = self._receive(self._judge)
        told = self.at(z, np.ones(self.designs)).predictions
        return told, np.stack([self._pull(row) for row in by_answer])

    def __enter__(self) -> Self:
        """Return the density itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop the processes."""
        for connection in (*self._workers, self._judge):
            # A process that has stopped has been told of already.
            with suppress(ConnectionError):
                connection.send(None)
        for process in self._processes:
            process.join(timeout=10)
            if process.is_alive():
                process.terminate()
