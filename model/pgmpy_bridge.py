"""The one place that touches pgmpy: a model as a pgmpy network, any pgmpy network as arrays, and pgmpy's file formats."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from ..data.errors import RefraError, unknown_name
from .network import Array, Model

# pgmpy accepts a table whose columns sum to 1 within this.
SUM_TOLERANCE = 0.01

GENIE_BOX = (116, 48)
"""Width and height, in pixels, of a variable's box in GeNIe."""
GENIE_SAMPLES = "10000"
"""Samples that GeNIe's approximate algorithms draw; pgmpy would write 0."""


@cache
def class_shown_as(view: type) -> Any:
    """Return pgmpy's `DiscreteBayesianNetwork` with the methods of another class before its own."""
    return type("DiscreteBayesianNetwork", (view, _network_class()), {})


def _network_class() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pgmpy.models import DiscreteBayesianNetwork
    return DiscreteBayesianNetwork


def to_pgmpy(model: Model, view: type | None = None) -> Any:
    """Return a model's first parameter set as a pgmpy `DiscreteBayesianNetwork`; `view` holds methods that show it."""
    result = (class_shown_as(view) if view else _network_class())()
    from pgmpy.factors.discrete import TabularCPD

    result.add_nodes_from(list(model.states))
    result.add_edges_from([(parent, name) for name in model.states for parent in model.parents[name]])
    for name in model.states:
        parents = model.parents[name]
        table = np.moveaxis(model.tables[name][0], -1, 0).reshape(model.card(name), -1)
        result.add_cpds(
            TabularCPD(
                name,
                model.card(name),
                table,
                evidence=list(parents) or None,
                evidence_card=[model.card(parent) for parent in parents] or None,
                state_names={variable: list(model.states[variable]) for variable in (name, *parents)},
            )
        )
    result.check_model()
    return result


@dataclass(frozen=True, eq=False)
class NetworkArrays:
    """A discrete network as the engine takes it.

    Attributes:
        states: the states of each variable, in the order of its table's last axis.
        parents: the parents of each variable in the order of its table's axes.
        tables: P(variable | parents), shape (1, *states of each parent, states of the variable).
    """

    states: Mapping[str, tuple[Hashable, ...]]
    parents: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, Array]

    @property
    def cards(self) -> dict[str, int]:
        """Number of states of each variable."""
        return {name: len(states) for name, states in self.states.items()}

    def position(self, variable: str, state: Hashable) -> int:
        """Return the number of a state, or raise `UnknownNameError` with the nearest names."""
        if variable not in self.states:
            raise unknown_name("variable", variable, self.states)
        # True is no state of a variable whose states are 0 and 1, although it equals one.
        for place, known in enumerate(self.states[variable]):
            if known == state and isinstance(known, bool) == isinstance(state, bool):
                return place
        raise unknown_name("state", str(state), [str(known) for known in self.states[variable]], where=variable)


def from_pgmpy(network: Any) -> NetworkArrays:
    """Return a pgmpy `DiscreteBayesianNetwork` as arrays for `compile_plan` and `plan_batch`.

    pgmpy allows a column of a table to sum to anything within 0.01 of 1, and published files make use of it by rounding; each is divided by
    its sum here. The network is read and not changed.

    Args:
        network: any network with pgmpy's `nodes()`, `get_parents(name)` and `get_cpds(name)`; states may be numbers, strings or any
            other hashable objects, names of variables are strings.

    Raises:
        RefraError: a variable without a table, a table that does not fit its parents' states or does not sum to 1, a name that is not a
            string.
    """
    cpds: dict[str, Any] = {}
    for name in network.nodes():
        if not isinstance(name, str):
            raise RefraError(f"variable {name!r}: the name of a variable should be a string")
        cpds[name] = network.get_cpds(name)
        if not all(hasattr(cpds[name], attribute) for attribute in ("variables", "values", "state_names")):
            raise RefraError(f"{name}: the network has no table of this variable; add a TabularCPD")
    states = {name: tuple(cpd.state_names[name]) for name, cpd in cpds.items()}
    parents = {name: tuple(cpd.variables[1:]) for name, cpd in cpds.items()}
    for name, cpd in cpds.items():
        if set(parents[name]) != set(network.get_parents(name)) or cpd.variables[0] != name:
            known = ", ".join(sorted(network.get_parents(name))) or "none"
            raise RefraError(f"{name}: its table is given {', '.join(parents[name]) or 'nothing'}; its parents in the network are {known}")
        for parent in parents[name]:
            if tuple(cpd.state_names[parent]) != states[parent]:
                said, own = list(cpd.state_names[parent]), list(states[parent])
                raise RefraError(f"{name}: its table has {said} as the states of {parent}, whose own table has {own}")
    tables = {name: _normalised(name, np.moveaxis(np.asarray(cpd.values, dtype=np.float64), 0, -1)) for name, cpd in cpds.items()}
    return NetworkArrays(MappingProxyType(states), MappingProxyType(parents), MappingProxyType(tables))


def bif_text(model: Model) -> str:
    """Return a model as a BIF file's text; every name in it has to be an identifier, which pgmpy's writer does not see to."""
    return str(_readwrite().BIFWriter(_named(model)))


def xmlbif_text(model: Model, descriptions: Mapping[str, str]) -> str:
    """Return a model as an XMLBIF file's text; `descriptions` holds a word for each variable."""

    class Writer(_readwrite().XMLBIFWriter):  # type: ignore[misc]
        def _make_valid_state_name(self, state_name: Hashable) -> str:
            # pgmpy's own turns <5 and >5 both into _5; the format takes any text here.
            return str(state_name)

    return str(Writer(_named(model, {name: {"description": text} for name, text in descriptions.items()})))


def net_text(model: Model, labels: Mapping[str, str]) -> str:
    """Return a model as a Hugin NET file's text; `labels` holds a label for each variable."""

    class Writer(_readwrite().NETWriter):  # type: ignore[misc]
        def net_cpd(self, var_name: str) -> str:
            # pgmpy's own rounds to eight decimals, by which small probabilities become 0.
            return _nested(np.moveaxis(np.asarray(self.tables[var_name], dtype=np.float64), 0, -1).tolist())

    quoted = {name: {"label": '"' + text.replace('"', "'") + '"'} for name, text in labels.items()}
    return str(Writer(_named(model, quoted))).replace(" |)", ")")


def xdsl_text(model: Model, shown: Mapping[str, tuple[str, str, tuple[int, int]]]) -> str:
    """Return a model as a GeNIe XDSL file's text; every name in it has to be an identifier.

    `shown` holds for each variable what GeNIe shows: its name, a comment, and its place in pixels.
    """
    from xml.etree import ElementTree

    class Writer(_readwrite().XDSLWriter):  # type: ignore[misc]
        def _create_extensions(self) -> None:
            # pgmpy's own places the nodes by chance, one on the other, and names GeNIe as the file's author.
            genie = ElementTree.SubElement(ElementTree.SubElement(self.root, "extensions"), "genie")
            genie.attrib.update({"version": "1.0", "app": "refra", "name": self.network_id})
            for identifier, (name, comment, (x, y)) in shown.items():
                node = ElementTree.SubElement(genie, "node", {"id": identifier})
                ElementTree.SubElement(node, "name").text = name
                ElementTree.SubElement(node, "interior", {"color": "e5f6f7"})
                ElementTree.SubElement(node, "outline", {"color": "000080"})
                ElementTree.SubElement(node, "font", {"color": "000000", "name": "Arial", "size": "8"})
                ElementTree.SubElement(node, "position").text = f"{x} {y} {x + GENIE_BOX[0]} {y + GENIE_BOX[1]}"
                ElementTree.SubElement(node, "comment").text = comment

    root = Writer(_named(model), network_id="refra", num_samples=GENIE_SAMPLES, disc_samples=GENIE_SAMPLES).root
    for table in root.iter("cpt"):
        # pgmpy's own writes sixteen decimals, which is seven digits of a probability of one in a billion.
        values = np.asarray(model.tables[table.attrib["id"]][0]).ravel().tolist()
        table.find("probabilities").text = " ".join(map(repr, values))
    ElementTree.indent(root)
    return str(ElementTree.tostring(root, encoding="unicode")) + "\n"


def _readwrite() -> Any:
    """Return pgmpy's module of file formats; it warns of its dependencies' deprecations while it is imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pgmpy.readwrite
    return pgmpy.readwrite


def _named(model: Model, properties: Mapping[str, Mapping[str, str]] = MappingProxyType({})) -> Any:
    """Return a model as a pgmpy network with a name, and with properties of its variables, for pgmpy's writers."""
    result = to_pgmpy(model)
    result.name = "refra"
    for name, values in properties.items():
        result.nodes[name].update(values)
    return result


def _nested(values: Any) -> str:
    """Return nested lists of numbers as NET writes them, every number with all its digits."""
    return f"({' '.join(map(_nested, values))})" if isinstance(values, list) else repr(values)


def _normalised(name: str, table: Array) -> Array:
    """Divide each row by its sum, add the axis of parameter sets and protect the result."""
    sums = table.sum(axis=-1, keepdims=True)
    if not (np.isfinite(table).all() and (table >= 0.0).all() and (np.abs(sums - 1.0) <= SUM_TOLERANCE).all()):
        raise RefraError(f"{name}: each column of its table should hold probabilities that sum to 1 (within {SUM_TOLERANCE})")
    result: Array = np.ascontiguousarray(table / sums)[None]
    result.setflags(write=False)
    return result
