"""Small builders that turn parameter values into conditional probability tables.

Every array has a leading axis of parameter sets (length S, or 1 where nothing varies); then come the parents' axes; the last axis is
the variable's own states and sums to 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .arrays import Array, contiguous, xp

LOGISTIC_SD = math.pi / math.sqrt(3)
"""Standard deviation of the standard logistic distribution."""


def logit(p: Array) -> Array:
    """Return log(p / (1 - p)), elementwise."""
    return xp.asarray(xp.log(p) - xp.log1p(-p))


def expit(x: Array) -> Array:
    """Return 1 / (1 + exp(-x)), elementwise, without overflow."""
    return xp.asarray(0.5 * (1 + xp.tanh(0.5 * x)))


def along(axis: int, axes: int, values: Sequence[Array | float]) -> Array:
    """Lay one value (S,) per state of a parent along that parent's axis, for `axes` parents; result (S, 1.., k, ..1)."""
    columns = [xp.atleast_1d(xp.asarray(value, dtype=float)) for value in values]
    sets = max(len(column) for column in columns)
    stacked = xp.stack([xp.broadcast_to(column, (sets,)) for column in columns], axis=1)
    shape = [1] * axes
    shape[axis] = len(columns)
    return stacked.reshape((sets, *shape))


def lift(values: Array, axes: int) -> Array:
    """Give a scalar parameter (S,) the shape (S, 1, .., 1) over `axes` parents."""
    return xp.asarray(values, dtype=float).reshape((-1, *([1] * axes)))


def spread_out(table: Array, shape: Sequence[int]) -> Array:
    """Broadcast the parents' axes of a score or table to their full size."""
    tail = table.shape[1 + len(shape) :]
    return contiguous(xp.broadcast_to(table, (table.shape[0], *shape, *tail)))


def binary(p_yes: Array) -> Array:
    """Return the table of a two-state variable from the probability of its second state."""
    return xp.stack([1 - p_yes, p_yes], axis=-1)


def log_odds(base: Array, *shifts: Array) -> Array:
    """Return the table of a two-state variable: logit(base) plus log odds ratios; `base` is P(second state)."""
    return binary(expit(sum(shifts, logit(base))))


def weights(*values: Array) -> Array:
    """Normalise positive weights, one array per state, into probabilities on a new last axis."""
    stacked = xp.stack(xp.broadcast_arrays(*values), axis=-1)
    return xp.asarray(stacked / stacked.sum(axis=-1, keepdims=True))


def ordered_logit(score: Array, cumulative: Sequence[Array]) -> Array:
    """Return an ordered logit table; `cumulative` holds P(state <= k) at score 0, and the score lowers the state.

    P(state <= k) = expit(logit(cumulative_k) + score): a positive score moves mass to the first states.
    """
    below = [expit(logit(xp.sort(xp.stack(xp.broadcast_arrays(*cumulative)), axis=0)[k]) + score) for k in range(len(cumulative))]
    return differences(below)


def on_scale(location: Array, scatter: Array, cuts: Sequence[Array | float]) -> Array:
    """Return the states' probabilities of a measured quantity, logistic around `location` with standard deviation `scatter`.

    The cut-offs between the states are those of the variable itself, on the same (possibly transformed) scale: an ordered logit whose
    parameters are medians and differences that can be read in a paper.
    """
    width = scatter / LOGISTIC_SD
    return differences([expit((xp.asarray(cut) - location) / width) for cut in cuts])


def differences(below: Sequence[Array]) -> Array:
    """Turn P(state <= k) for all but the last state into probabilities of the states."""
    arrays = xp.broadcast_arrays(*below)
    stacked = xp.stack([xp.zeros_like(arrays[0]), *arrays, xp.ones_like(arrays[0])], axis=-1)
    return xp.diff(stacked, axis=-1)


def noisy_max(leak: Array, effects: Sequence[Array]) -> Array:
    """Return a leaky noisy-MAX table: the child takes the largest of independent contributions (10.1016/S0004-3702(96)00014-0).

    `leak` (S, k) and each effect (S, parent's states, k) are distributions over the child's ordered states; an absent cause has all its
    mass in the first state. The result has one axis per effect, in order, then the child's.
    """
    axes = len(effects)
    below = xp.cumsum(leak, axis=-1).reshape((leak.shape[0], *([1] * axes), leak.shape[-1]))
    for axis, effect in enumerate(effects):
        shape = [1] * axes
        shape[axis] = effect.shape[1]
        below = below * xp.cumsum(effect, axis=-1).reshape((effect.shape[0], *shape, effect.shape[-1]))
    return xp.diff(below, axis=-1, prepend=0.0)


def response_mixture(contextual: Array, gain: Array) -> Array:
    """Return P(response) = c + (1 - c) g as a two-state table: contextual response c and drug effect g add on the probability scale."""
    return binary(contextual + (1 - contextual) * gain)


def multiplexer(selector_states: Sequence[str], chosen: Mapping[str, int], inputs: int, default: int = 0) -> Array:
    """Return the table of a two-state copy of one of `inputs` two-state parents, chosen by the first parent's state.

    `chosen` maps a selector's state to the position of the input it selects; other states give the `default` state.
    """
    shape = (len(selector_states), *([2] * inputs))

    def pick(selector: int, *values: int) -> int:
        position = chosen.get(selector_states[selector])
        return default if position is None else values[position]

    return deterministic(shape, 2, pick)


def deterministic(shape: Sequence[int], states: int, rule: Callable[..., int]) -> Array:
    """Return a table with all mass on the state that `rule` gives for each configuration of parents' state positions."""
    table = xp.zeros((1, *shape, states))
    for position in np.ndindex(*shape):
        table[(0, *position, rule(*position))] = 1.0
    return table


def shared(shape: Sequence[int], states: int, rule: Callable[..., Sequence[float]]) -> Array:
    """Return a table whose rows are the fixed shares that `rule` gives for each configuration (definitions, no parameters)."""
    table = xp.zeros((1, *shape, states))
    for position in np.ndindex(*shape):
        table[(0, *position)] = rule(*position)
    return table
