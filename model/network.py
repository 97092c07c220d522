"""The network as an object: variables, parents and tables with a leading axis of parameter sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ..data.errors import RecordError, unknown_name

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Node:
    """One variable's place in the network: its parents, its table and the parameters that the table is built from.

    `table` has shape (S or 1, states of each parent in order, states of the variable).
    """

    parents: tuple[str, ...]
    table: Array
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Model:
    """A frozen network: `states`, `parents` and `tables` by variable; draw 0 is the central network."""

    states: Mapping[str, tuple[str, ...]]
    parents: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, Array]
    parameters: Mapping[str, tuple[str, ...]]
    draws: int

    def card(self, variable: str) -> int:
        """Return the number of states of a variable."""
        return len(self.states[variable])

    def position(self, variable: str, state: str) -> int:
        """Return the position of a state, or raise `UnknownNameError` with the nearest names."""
        if variable not in self.states:
            raise unknown_name("variable", variable, self.states)
        if state not in self.states[variable]:
            raise unknown_name("state", state, self.states[variable], where=variable)
        return self.states[variable].index(state)

    def ancestors(self, variables: set[str]) -> set[str]:
        """Return the variables and everything upstream of them."""
        found: set[str] = set()
        waiting = list(variables)
        while waiting:
            variable = waiting.pop()
            if variable not in found:
                found.add(variable)
                waiting.extend(self.parents[variable])
        return found

    def extended(self, nodes: Mapping[str, Node], states: Mapping[str, tuple[str, ...]], *, checked: bool = True) -> Model:
        """Return a model with further nodes below the present ones; `checked` tells whether their tables are to be checked."""
        for name in nodes:
            if name in self.states:
                raise RecordError(f"{name}: the network has this node already")
        own = {name: Node(self.parents[name], self.tables[name], self.parameters[name]) for name in self.states}
        return _assembled({**self.states, **states}, {**own, **nodes}, unchecked=own if checked else {**own, **nodes})

    def restricted(self, nodes: Mapping[str, Node]) -> Model:
        """Return the network of these nodes, in this order; their tables are taken to be parts of this network's and are not checked."""
        return _assembled({name: self.states[name] for name in nodes}, nodes, unchecked=nodes)

    def central(self) -> Model:
        """Return the central network alone (one parameter set)."""
        return self.drawn([0])

    def drawn(self, sets: Sequence[int]) -> Model:
        """Return the network with some of its parameter sets."""
        chosen = slice(0, 1) if list(sets) == [0] else list(sets)
        tables = {name: table if len(table) == 1 else table[chosen] for name, table in self.tables.items()}
        return Model(self.states, self.parents, MappingProxyType(tables), self.parameters, len(sets))


def draws_last(table: Array) -> Array:
    """Return the same table with each cell's parameter sets next to one another in memory, as inference reads them."""
    moved = np.moveaxis(table, 0, -1)
    return np.moveaxis(np.ascontiguousarray(moved), -1, 0)


def build_model(states: Mapping[str, tuple[str, ...]], nodes: Mapping[str, Node]) -> Model:
    """Assemble nodes into a model; shapes, sums and the order of ancestors are checked.

    Raises `RecordError` where a table does not fit its parents, does not sum to 1 or a cycle is met.
    """
    laid = {name: Node(node.parents, draws_last(node.table), node.parameters) for name, node in nodes.items()}
    return _assembled(states, laid, unchecked={})


def _assembled(states: Mapping[str, tuple[str, ...]], nodes: Mapping[str, Node], unchecked: Mapping[str, Node]) -> Model:
    """Put nodes into the order of their ancestry and check those that are new."""
    ordered: dict[str, Node] = {}
    placing: set[str] = set()

    def place(name: str) -> None:
        if name in ordered:
            return
        if name in placing:
            raise RecordError(f"the network has a cycle through {name}")
        placing.add(name)
        for parent in nodes[name].parents:
            if parent not in nodes:
                raise RecordError(f"{name}: the parent {parent} is not a node")
            place(parent)
        placing.discard(name)
        ordered[name] = nodes[name]

    for name in nodes:
        place(name)
    draws = max(node.table.shape[0] for node in ordered.values())
    for name, node in ordered.items():
        if name in unchecked:
            continue
        wanted = (*(len(states[parent]) for parent in node.parents), len(states[name]))
        if node.table.shape[1:] != wanted or node.table.shape[0] not in (1, draws):
            raise RecordError(f"{name}: the table has shape {node.table.shape}; wanted ({draws} or 1, {wanted})")
        if node.table.min() < 0 or np.abs(node.table.sum(axis=-1) - 1).max() > 1e-9:
            raise RecordError(f"{name}: a row of the table does not sum to 1 or holds a negative number")
        node.table.setflags(write=False)
    return Model(
        MappingProxyType({name: states[name] for name in ordered}),
        MappingProxyType({name: node.parents for name, node in ordered.items()}),
        MappingProxyType({name: node.table for name, node in ordered.items()}),
        MappingProxyType({name: node.parameters for name, node in ordered.items()}),
        draws,
    )
