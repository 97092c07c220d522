"""Going back through a schedule: what every input cell contributes to the answer, and the most probable states.

An upward pass multiplies and adds, so the evidence is a polynomial that is linear in each input table (Darwiche 2003, doi
10.1145/765568.765570). Going through the steps once more from the last to the first gives its derivative with respect to every cell
without a division by the cell, so that cells that are zero need no care.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .elimination import members
from .execution import CERTAIN, Floats, finite_logarithms
from .junction_tree import LOG, MULTIPLY, SCALE, SUM, Schedule, Step

Slots = list[Floats]


@dataclass(frozen=True)
class Contributions:
    """The coefficients of one part of the draws.

    Attributes:
        cells: for each input table an array of its shape as loaded, with the draws last: the derivative of
            sum(weights * P(findings, target)) with respect to each cell, over P(findings); of the posterior mean if it was asked for.
        expected: the posterior mean of the weights, shape (draws,).
        uncertain: whether numbers may have underflowed on the way, shape (draws,).
    """

    cells: list[Floats]
    expected: Floats
    uncertain: NDArray[np.bool_]


def contributions(
    schedule: Schedule, inputs: Sequence[Floats], weights: Floats | None, draws: int, *, normalised: bool = False
) -> Contributions:
    """Return each input cell's coefficient; every array has the draws, or a single entry for all, on its last axis.

    Args:
        schedule: an upward pass with one answer, or with none.
        inputs: the input tables.
        weights: a number for each entry of the answer, shape (entries, draws or 1); None where there is no answer (then all of
            P(findings) counts).
        draws: number of draws.
        normalised: whether to differentiate the posterior mean of the weights itself, P(findings) in its denominator included.
    """
    with np.errstate(all="ignore"):
        slots, scales, logs = _forward(schedule, inputs)
        back: list[Floats | None] = [None] * schedule.slots
        expected: Floats = np.ones(draws)
        inner = -1
        if weights is not None:
            answer = slots[schedule.answers[0]]
            table = answer.reshape(-1, answer.shape[-1])
            total = table.sum(axis=0)
            expected = np.broadcast_to((weights * table).sum(axis=0) / total, (draws,))
            # d(N / D) = (dN - N / D * dD) / D, and both N and D are linear in the answer.
            seed = np.broadcast_to((weights - expected if normalised else weights) / total, (len(weights), draws))
            back[schedule.answers[0]] = seed.reshape((*answer.shape[:-1], draws))
            inner = _total_of_answer(schedule)
        for step in (step for step in logs if step.left != inner and not normalised):
            left = slots[step.left]
            seed = np.broadcast_to(expected / left.reshape(-1, left.shape[-1])[0], (draws,))
            _add(back, step.left, seed.reshape((*(1,) * (left.ndim - 1), draws)))
        for step in reversed((*schedule.once, *schedule.chunk)):
            if step.kind != LOG and (adjoint := back[step.out]) is not None:
                _pull(step, adjoint, slots, scales, back, draws)
        cells = []
        for table, found in zip(inputs, back, strict=False):
            shape = (*table.shape[:-1], draws)
            cells.append(np.zeros(shape) if found is None else np.broadcast_to(found.reshape((*table.shape[:-1], -1)), shape))
        evidence, growth = np.zeros(draws), np.zeros(draws)
        for scale in [*scales.values(), *(slots[step.left].reshape(-1) for step in logs)]:
            evidence = evidence + np.log(scale)
            growth = growth + np.maximum(np.log(scale), 0.0)
    return Contributions(cells, expected, np.asarray(~(evidence - growth > CERTAIN)))


def _total_of_answer(schedule: Schedule) -> int:
    """Return the slot in which the answer is summed up for the evidence."""
    answer = schedule.answers[0]
    sums = [step.out for step in (*schedule.once, *schedule.chunk) if step.kind == SUM and step.left == answer]
    return sums[-1] if sums else answer


def _forward(schedule: Schedule, inputs: Sequence[Floats]) -> tuple[Slots, dict[int, Floats], list[Step]]:
    """Execute every step and keep every slot; returns also the scales by slot and the steps whose logarithms make the evidence."""
    slots: Slots = [*inputs, *(np.empty(0) for _ in range(schedule.slots - len(inputs)))]
    scales: dict[int, Floats] = {}
    logs: list[Step] = []
    for step in (*schedule.once, *schedule.chunk):
        left = slots[step.left]
        if step.kind == LOG:
            logs.append(step)
            continue
        one = left.reshape((*step.left_shape, -1))
        if step.kind == SUM:
            slots[step.out] = one.sum(axis=step.axes)
        elif step.kind == MULTIPLY:
            slots[step.out] = one * slots[step.right].reshape((*step.right_shape, -1))
        elif step.kind == SCALE:
            scale = one.max(axis=0)
            slots[step.out] = one / np.where(scale > 0.0, scale, 1.0)
            scales[step.out] = scale
        else:
            raise ValueError("a downward pass cannot be gone through backwards")
    return slots, scales, logs


def _pull(step: Step, adjoint: Floats, slots: Slots, scales: dict[int, Floats], back: list[Floats | None], draws: int) -> None:
    """Hand what is known of a step's output on to what it was made of."""
    given = adjoint.reshape((*step.out_shape, -1))
    if step.kind == SUM:
        _add(back, step.left, np.broadcast_to(np.expand_dims(given, step.axes), (*step.left_shape, draws)))
    elif step.kind == SCALE:
        # The scales cancel, so they count as constants.
        scale = scales[step.out]
        _add(back, step.left, given / np.where(scale > 0.0, scale, 1.0))
    else:
        left, right = slots[step.left].reshape((*step.left_shape, -1)), slots[step.right].reshape((*step.right_shape, -1))
        for slot, shape, other in ((step.left, step.left_shape, right), (step.right, step.right_shape, left)):
            summed = tuple(axis for axis, (size, out) in enumerate(zip(shape, step.out_shape, strict=True)) if size < out)
            product = given * other
            _add(back, slot, product.sum(axis=summed, keepdims=True) if summed else product)


def _add(back: list[Floats | None], slot: int, more: Floats) -> None:
    found = back[slot]
    back[slot] = more if found is None else found + more.reshape(found.shape)


def most_probable_states(schedule: Schedule, cards: Sequence[int], inputs: Sequence[Floats], draws: int) -> tuple[NDArray[np.intp], Floats]:
    """Return the jointly most probable states of all vertices, shape (vertices, draws), and the logarithm of their weight, (draws,).

    Args:
        schedule: an upward pass without answers.
        cards: number of states of each vertex.
        inputs: the input tables, draws last.
        draws: number of draws.
    """
    with np.errstate(divide="ignore"):
        slots: Slots = [*(np.log(table) for table in inputs), *(np.empty(0) for _ in range(schedule.slots - len(inputs)))]
    weight = np.zeros(draws)
    steps = (*schedule.once, *schedule.chunk)
    for step in steps:
        left = slots[step.left]
        one = left if step.kind == LOG else left.reshape((*step.left_shape, -1))
        if step.kind == LOG:
            weight = weight + left.reshape(-1)
        elif step.kind == SUM:
            slots[step.out] = one.max(axis=step.axes)
        elif step.kind == MULTIPLY:
            slots[step.out] = one + slots[step.right].reshape((*step.right_shape, -1))
        elif step.kind == SCALE:
            scale = one.max(axis=0)
            slots[step.out] = one - finite_logarithms(scale)
            weight = weight + scale
        else:
            raise ValueError("a downward pass has no most probable states")
    states = np.zeros((len(cards), draws), dtype=np.intp)
    for step in reversed([step for step in steps if step.kind == SUM]):
        _choose(slots[step.left], members(schedule.scopes[step.left]), schedule.scopes[step.out], cards, states)
    return states, weight


def _choose(table: Floats, vertices: Sequence[int], kept: int, cards: Sequence[int], states: NDArray[np.intp]) -> None:
    """Set the best states of the vertices that a step has maximised over, given those of the vertices that it kept."""
    draws = states.shape[1]
    table = table.reshape((*(cards[v] for v in vertices), -1))
    table = np.broadcast_to(table, (*table.shape[:-1], draws))
    gone = [axis for axis, v in enumerate(vertices) if not kept >> v & 1]
    stay = [axis for axis, v in enumerate(vertices) if kept >> v & 1]
    table = table.transpose((*stay, len(vertices), *gone))
    chosen = table[(*(states[vertices[axis]] for axis in stay), np.arange(draws))].reshape(draws, -1)
    best = np.unravel_index(chosen.argmax(axis=1), [cards[vertices[axis]] for axis in gone])
    for axis, state in zip(gone, best, strict=True):
        states[vertices[axis]] = state
