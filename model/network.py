"""The network as an object: variables, parents and tables with a leading axis of parameter sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ..data.errors import RecordError, unknown_name
from .on_demand import OnDemand

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Node:
    """One variable's place in the network: its parents, its table and the parameters that the table is built from.

    `table` has shape (S or 1, states of each parent in order, states of the variable).
    """

    parents: tuple[str, ...]
    table: Array
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A frozen network: `states`, `parents` and `tables` by variable; draw 0 is the central network."""

    states: Mapping[str, tuple[str, ...]]
    parents: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, Array]
    parameters: Mapping[str, tuple[str, ...]]
    draws: int

    def __repr__(self) -> str:
        """Tell the size; the tables would fill pages."""
        return f"<Model: {len(self.states)} variables, {sum(map(len, self.parents.values()))} arcs, parameter sets: {self.draws}>"

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

    def upstream(self, variables: Iterable[str]) -> Model:
        """Return the network of some variables and their ancestors; the others are barren and have no say in these."""
        kept = self.ancestors(set(variables))
        return self.restricted({n: Node(self.parents[n], self.tables[n], self.parameters[n]) for n in self.states if n in kept})

    def copied(self, copies: Mapping[str, str]) -> Model:
        """Return a model with further nodes that are as others are: `copies` maps each new name to the variable whose copy it is."""
        origin = {**{name: name for name in self.states}, **copies}
        order = _in_order({name: self.parents[source] for name, source in origin.items()})
        return Model(
            MappingProxyType({name: self.states[origin[name]] for name in order}),
            MappingProxyType({name: self.parents[origin[name]] for name in order}),
            OnDemand(order, lambda name: self.tables[origin[name]]),
            OnDemand(order, lambda name: self.parameters[origin[name]]),
            self.draws,
        )

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


def build_on_demand(
    states: Mapping[str, tuple[str, ...]], parents: Mapping[str, tuple[str, ...]], build: Callable[[str], Node], draws: int
) -> Model:
    """Return a model whose nodes are built, by `build`, and checked when their tables or parameters are first read.

    Raises `RecordError` for a cycle at once, and where a table does not fit when it is read.
    """
    order = _in_order(parents)

    def find(name: str) -> Node:
        built = build(name)
        node = Node(built.parents, draws_last(built.table), built.parameters)
        _check(name, node, states, draws)
        return node

    nodes = OnDemand(order, find)
    return Model(
        MappingProxyType({name: states[name] for name in order}),
        MappingProxyType({name: parents[name] for name in order}),
        OnDemand(order, lambda name: nodes[name].table),
        OnDemand(order, lambda name: nodes[name].parameters),
        draws,
    )


def _in_order(parents: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the variables with every parent before its children."""
    ordered: dict[str, None] = {}
    placing: set[str] = set()

    def place(name: str) -> None:
        if name in ordered:
            return
        if name in placing:
            raise RecordError(f"the network has a cycle through {name}")
        placing.add(name)
        for parent in parents[name]:
            if parent not in parents:
                raise RecordError(f"{name}: the parent {parent} is not a node")
            place(parent)
        placing.discard(name)
        ordered[name] = None

    for name in parents:
        place(name)
    return list(ordered)


def _check(name: str, node: Node, states: Mapping[str, tuple[str, ...]], draws: int) -> None:
    """Refuse a table that does not fit its parents or whose rows are no distributions; lock the others."""
    wanted = (*(len(states[parent]) for parent in node.parents), len(states[name]))
    if node.table.shape[1:] != wanted or node.table.shape[0] not in (1, draws):
        raise RecordError(f"{name}: the table has shape {node.table.shape}; wanted ({draws} or 1, {wanted})")
    if node.table.min() < 0 or np.abs(node.table.sum(axis=-1) - 1).max() > 1e-9:
        raise RecordError(f"{name}: a row of the table does not sum to 1 or holds a negative number")
    node.table.setflags(write=False)


def _assembled(states: Mapping[str, tuple[str, ...]], nodes: Mapping[str, Node], unchecked: Mapping[str, Node]) -> Model:
    """Put nodes into the order of their ancestry and check those that are new."""
    ordered = {name: nodes[name] for name in _in_order({name: node.parents for name, node in nodes.items()})}
    draws = max((node.table.shape[0] for node in ordered.values()), default=1)
    for name, node in ordered.items():
        if name not in unchecked:
            _check(name, node, states, draws)
    return Model(
        MappingProxyType({name: states[name] for name in ordered}),
        MappingProxyType({name: node.parents for name, node in ordered.items()}),
        MappingProxyType({name: node.table for name, node in ordered.items()}),
        MappingProxyType({name: node.parameters for name, node in ordered.items()}),
        draws,
    )
