"""How a node is declared: its parents and a function from parameter values to its table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..data.errors import RecordError
from ..data.loading import variables
from .arrays import Array, xp
from .draws import Draws
from .families import along, binary, spread_out, weights
from .network import Node


class Values:
    """Parameter values of one node; notes which records the node reads, so that every table cell can be traced."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self._read: dict[str, None] = {}

    def __getitem__(self, parameter: str) -> Array:
        self._read[parameter] = None
        return self._draws[parameter]

    @property
    def zero(self) -> Array:
        """A parameter that is zero by definition (the reference of a contrast)."""
        return xp.zeros(1)

    @property
    def one(self) -> Array:
        """A ratio that is one by definition (the reference of a contrast)."""
        return xp.ones(1)

    @property
    def read(self) -> tuple[str, ...]:
        """The ids of the records read so far, in order."""
        return tuple(self._read)


@dataclass(frozen=True)
class NodeSpec:
    """A node's parents, in order, and the builder of its table."""

    parents: tuple[str, ...]
    builder: Callable[[Values], Array]

    def build(self, name: str, draws: Draws) -> Node:
        """Return the node with its table for these parameter values."""
        values = Values(draws)
        table = spread_out(self.builder(values), [cards(parent) for parent in self.parents])
        if table.shape[-1] != cards(name):
            raise ValueError(f"{name}: {table.shape[-1]} states built, {cards(name)} declared")
        return Node(self.parents, table, values.read)


def states(variable: str) -> tuple[str, ...]:
    """Return the state ids of a variable."""
    return variables()[variable].state_ids


def cards(variable: str) -> int:
    """Return the number of states of a variable."""
    return len(variables()[variable].states)


def cutoffs(variable: str) -> tuple[float, ...]:
    """Return the cut-offs between the states of a measured variable, rising, in its unit."""
    highs = [state.high for state in variables()[variable].states[:-1]]
    lows = [state.low for state in variables()[variable].states[1:]]
    if highs != lows or None in highs:
        raise RecordError(f"data/variables/variables.yaml, {variable}: its states do not meet at cut-offs: {highs} and {lows}")
    return tuple(float(high) for high in highs if high is not None)


def prior_weights(variable: str) -> Callable[[Values], Array]:
    """Return the builder of a root whose states have the weights `variable.prior.state`."""

    def build(v: Values) -> Array:
        return weights(*(v[f"{variable}.prior.{state}"] for state in states(variable)))

    return build


def row_weights(v: Values, prefix: str, variable: str) -> Array:
    """Return one row (S, k) from the weights `prefix.state`."""
    return weights(*(v[f"{prefix}.{state}"] for state in states(variable)))


def rows_by(variable: str, parent_rows: Sequence[str]) -> Callable[[Values], Array]:
    """Return the builder of a node with one parent, whose rows are weights under the given prefixes."""

    def build(v: Values) -> Array:
        rows = [row_weights(v, prefix, variable) for prefix in parent_rows]
        return xp.stack(xp.broadcast_arrays(*rows), axis=1)

    return build


def binary_by(*parameters: str) -> Callable[[Values], Array]:
    """Return the builder of a two-state node with one parent: P(second state) for each state of the parent."""

    def build(v: Values) -> Array:
        return binary(along(0, 1, [v[parameter] for parameter in parameters]))

    return build
