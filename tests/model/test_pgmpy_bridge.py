"""Any pgmpy network as arrays for the engine."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import refra
from refra.data.errors import RefraError, UnknownNameError
from refra.inference.batch import plan_batch
from refra.inference.engine import compile_plan
from refra.model.assembly import central_model
from refra.model.pgmpy_bridge import from_pgmpy

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.inference import VariableElimination
    from pgmpy.models import DiscreteBayesianNetwork

STATES: dict[str, list[Any]] = {"a": [0, 1], "b": [True, False, None], "c": [(1, 2), 2.5], "d": ["low", 3, frozenset({"x"})]}


def mixed_network() -> Any:
    """A network whose states are not strings, and whose tables' parents come in another order than its arcs."""
    rng = np.random.default_rng(4)
    network = DiscreteBayesianNetwork()
    network.add_nodes_from(["d", "c", "b", "a"])
    network.add_edges_from([("a", "d"), ("b", "d"), ("c", "d"), ("a", "c")])
    evidence: dict[str, list[str]] = {"a": [], "b": [], "c": ["a"], "d": ["c", "a", "b"]}
    for name, parents in evidence.items():
        sizes = [len(STATES[parent]) for parent in parents]
        network.add_cpds(
            TabularCPD(
                name,
                len(STATES[name]),
                rng.dirichlet(np.ones(len(STATES[name])), int(np.prod(sizes))).T,
                parents or None,
                sizes or None,
                state_names={variable: STATES[variable] for variable in (name, *parents)},
            )
        )
    assert network.check_model()
    return network


def test_states_of_any_kind_and_parents_in_the_tables_order() -> None:
    network = mixed_network()
    assert list(network.get_parents("d")) != ["c", "a", "b"]
    net = from_pgmpy(network)
    assert net.states == {name: tuple(STATES[name]) for name in ("d", "c", "b", "a")}
    assert net.parents["d"] == ("c", "a", "b")
    assert net.cards == {"a": 2, "b": 3, "c": 2, "d": 3}
    cpd = network.get_cpds("d")
    for position in np.ndindex(2, 2, 3, 3):
        states = {name: STATES[name][place] for name, place in zip(("c", "a", "b", "d"), position, strict=True)}
        assert net.tables["d"][(0, *position)] == pytest.approx(cpd.get_value(**states), abs=1e-15)


def test_the_engine_answers_as_pgmpy_does() -> None:
    network = mixed_network()
    net = from_pgmpy(network)
    plan = compile_plan(net.cards, net.parents, targets=["a", ("b", "c")], hard=["d"])
    oracle = VariableElimination(network)
    for state in STATES["d"]:
        found = plan.run(net.tables, hard={"d": net.position("d", state)})
        expected = oracle.query(["a"], evidence={"d": state}, show_progress=False)
        np.testing.assert_allclose(found.marginals["a"][0], expected.values, atol=1e-12)
        joint = oracle.query(["b", "c"], evidence={"d": state}, show_progress=False)
        axes = [joint.variables.index(name) for name in ("b", "c")]
        np.testing.assert_allclose(found.marginals["b", "c"][0], joint.values.transpose(axes), atol=1e-12)


def test_a_batch_of_a_pgmpy_network_answers_as_pgmpy_does() -> None:
    network = mixed_network()
    net = from_pgmpy(network)
    codes = np.array([[0, -1], [-1, 2], [1, 1], [-1, -1]])
    found = plan_batch(net.cards, net.parents, targets=["c"], columns=["a", "d"]).run(net.tables, codes)
    oracle = VariableElimination(network)
    for row, (a, d) in enumerate(codes):
        evidence = {name: STATES[name][state] for name, state in (("a", a), ("d", d)) if state >= 0}
        expected = oracle.query(["c"], evidence=evidence or None, show_progress=False)
        np.testing.assert_allclose(found.marginals["c"][row, 0], expected.values, atol=1e-12)


def test_the_networks_own_export_comes_back_unchanged() -> None:
    model, net = central_model(), from_pgmpy(refra.network())
    assert net.states == dict(model.states)
    assert net.parents == dict(model.parents)
    for name, table in net.tables.items():
        np.testing.assert_allclose(table[0], model.tables[name][0], rtol=1e-12)


def test_states_are_looked_up_by_value_and_kind() -> None:
    net = from_pgmpy(mixed_network())
    assert [net.position("b", state) for state in (True, False, None)] == [0, 1, 2]
    assert net.position("c", (1, 2)) == 0
    assert net.position("a", 1) == 1
    with pytest.raises(UnknownNameError, match="unknown state 'True'"):
        net.position("a", True)
    with pytest.raises(UnknownNameError, match="did you mean 'low'"):
        net.position("d", "lo")
    with pytest.raises(UnknownNameError, match="unknown variable 'e'"):
        net.position("e", 1)


def test_rounded_columns_are_divided_by_their_sums_and_the_network_stays_as_it_was() -> None:
    network = DiscreteBayesianNetwork()
    network.add_node("a")
    network.add_cpds(TabularCPD("a", 3, [[0.333], [0.333], [0.333]]))
    net = from_pgmpy(network)
    np.testing.assert_allclose(net.tables["a"], [[1 / 3, 1 / 3, 1 / 3]], rtol=1e-15)
    np.testing.assert_array_equal(network.get_cpds("a").values, [0.333, 0.333, 0.333])
    with pytest.raises(ValueError, match="read-only"):
        net.tables["a"][0, 0] = 1.0


def test_networks_that_are_not_complete_are_refused() -> None:
    network = DiscreteBayesianNetwork([("a", "b")])
    network.add_cpds(TabularCPD("a", 2, [[0.5], [0.5]]))
    with pytest.raises(RefraError, match="b: the network has no table"):
        from_pgmpy(network)
    network.add_cpds(TabularCPD("b", 2, [[0.5], [0.5]]))
    with pytest.raises(RefraError, match="b: its table is given nothing; its parents in the network are a"):
        from_pgmpy(network)


def test_tables_whose_states_or_sums_do_not_fit_are_refused() -> None:
    network = DiscreteBayesianNetwork([("a", "b")])
    network.add_cpds(TabularCPD("a", 2, [[0.5], [0.5]], state_names={"a": ["no", "yes"]}))
    swapped = {"a": ["yes", "no"], "b": [0, 1]}
    network.add_cpds(TabularCPD("b", 2, [[0.5, 0.1], [0.5, 0.9]], ["a"], [2], state_names=swapped))
    with pytest.raises(RefraError, match=re.escape("b: its table has ['yes', 'no'] as the states of a, whose own table has ['no', 'yes']")):
        from_pgmpy(network)
    for wrong in ([0.5, 0.4], [1.5, -0.5], [np.nan, 1.0]):
        alone = DiscreteBayesianNetwork()
        alone.add_node("a")
        alone.add_cpds(TabularCPD("a", 2, [[0.5], [0.5]]))
        alone.get_cpds("a").values[:] = wrong
        with pytest.raises(RefraError, match="a: each column"):
            from_pgmpy(alone)


def test_a_name_that_is_not_a_string_is_refused() -> None:
    network = DiscreteBayesianNetwork()
    network.add_node(7)
    network.add_cpds(TabularCPD(7, 2, [[0.5], [0.5]]))
    with pytest.raises(RefraError, match="variable 7"):
        from_pgmpy(network)


def test_reading_a_network_imports_no_pgmpy() -> None:
    code = """
import sys
import numpy as np
from refra.model.pgmpy_bridge import from_pgmpy
class Table:
    variables, values, state_names = ["a"], np.array([0.25, 0.75]), {"a": ["no", "yes"]}
class Network:
    def nodes(self): return ["a"]
    def get_parents(self, name): return []
    def get_cpds(self, name): return Table
assert from_pgmpy(Network()).tables["a"][0, 1] == 0.75
assert "pgmpy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_example_in_the_reference_runs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "reference.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    *lines, last = example.strip().splitlines()
    names: dict[str, Any] = {}
    exec("\n".join(lines), names)
    # Bayes: 0.2 * 0.9 against 0.8 * 0.1
    assert eval(last, names) == pytest.approx({"no": 0.08 / 0.26, "yes": 0.18 / 0.26}, abs=1e-12)
