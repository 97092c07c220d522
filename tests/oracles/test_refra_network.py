"""The whole network against pgmpy's variable elimination and pyAgrum's lazy propagation on random evidence."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import networkx as nx
import numpy as np
import pytest

import refra
from refra.data.loading import variables
from refra.inference.asking import Known, ask, log_probability
from refra.model.assembly import central_model

# Both warn of their own bindings' and dependencies' deprecations while they are imported.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyagrum
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.inference import VariableElimination
    from pgmpy.models import DiscreteBayesianNetwork

TOLERANCE = 1e-9
PGMPY_SETS = 210
PYAGRUM_SETS = 40
BACKGROUND = tuple(name for name, variable in variables().items() if variable.role == "background")
FINDINGS = tuple(name for name, variable in variables().items() if variable.role == "finding")
INNER = tuple(name for name, variable in variables().items() if variable.role in ("latent", "summary"))


@dataclass(frozen=True)
class Case:
    """Random evidence: observed states, likelihoods and interventions, as positions of states, and three questions."""

    hard: dict[str, int]
    soft: dict[str, np.ndarray]
    do: dict[str, int]
    targets: tuple[str, ...]
    seed: int = field(compare=False)

    @property
    def known(self) -> Known:
        return Known(self.hard, self.soft, self.do)


@cache
def pgmpy_network() -> Any:
    return refra.network()


def sample(rng: np.random.Generator, do: dict[str, int]) -> dict[str, int]:
    """Draw one patient from the central network, forward, with some variables set."""
    model = central_model()
    drawn: dict[str, int] = {}
    for name in model.states:
        row = model.tables[name][(0, *(drawn[parent] for parent in model.parents[name]))]
        drawn[name] = do[name] if name in do else int(rng.choice(len(row), p=row / row.sum()))
    return drawn


def random_case(seed: int) -> Case:
    """Findings of a sampled patient, so that they are possible: background, some findings and now and then a latent."""
    rng = np.random.default_rng([20261122, seed])
    model = central_model()
    do: dict[str, int] = {}
    if seed % 4 == 3:
        for name in rng.choice([*INNER, *FINDINGS], int(rng.integers(1, 3)), replace=False):
            do[str(name)] = int(rng.integers(model.card(str(name))))
    # Background is observed but for a few variables, as in a clinic; that also keeps the oracles quick.
    drawn = sample(rng, do)
    hidden = set(rng.choice(BACKGROUND, int(rng.integers(0, 3)), replace=False)) - {"current_drug"}
    hard = {name: drawn[name] for name in BACKGROUND if name not in hidden}
    for name in rng.choice(FINDINGS, int(rng.integers(0, 11)), replace=False):
        hard[str(name)] = drawn[name]
    for name in rng.choice(INNER, int(rng.integers(0, 3)), replace=False):
        hard[str(name)] = drawn[name]
    hard = {name: state for name, state in hard.items() if name not in do}
    free = [name for name in model.states if name not in hard and name not in do]
    soft = {}
    if seed % 3:
        seen = [name for name in free if name in FINDINGS or name in BACKGROUND]
        for name in rng.choice(seen, int(rng.integers(1, 4)), replace=False):
            soft[str(name)] = rng.uniform(0.02, 1.0, model.card(str(name)))
    targets = tuple(str(name) for name in rng.choice(free, 3, replace=False))
    return Case(hard, soft, do, targets, seed)


def cut_and_pruned(case: Case) -> Any:
    """Return a copy of the pgmpy network without the arcs into what is set and without barren variables."""
    whole = pgmpy_network()
    graph = nx.DiGraph(whole.edges())
    graph.add_nodes_from(whole.nodes())
    graph.remove_edges_from([arc for arc in list(graph.edges()) if arc[1] in case.do])
    bearing = {*case.targets, *case.hard, *case.soft, *case.do}
    kept = bearing.union(*(nx.ancestors(graph, name) for name in bearing))
    small = graph.subgraph(kept)
    network = DiscreteBayesianNetwork()
    network.add_nodes_from(small.nodes())
    network.add_edges_from(small.edges())
    for name in small.nodes():
        cpd = whole.get_cpds(name)
        if name in case.do:
            # What a variable that is set would have been does not matter: any prior that allows the state will do.
            card = whole.get_cardinality(name)
            cpd = TabularCPD(name, card, np.full((card, 1), 1 / card), state_names={name: cpd.state_names[name]})
        network.add_cpds(cpd)
    return network


def pgmpy_posteriors(case: Case) -> dict[str, np.ndarray]:
    states = central_model().states
    virtual = [
        TabularCPD(name, len(weights), (weights / weights.sum())[:, None], state_names={name: list(states[name])})
        for name, weights in case.soft.items()
    ]
    evidence = {name: states[name][state] for name, state in {**case.hard, **case.do}.items()}
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = VariableElimination(cut_and_pruned(case))
        joint = oracle.query(list(case.targets), evidence=evidence, virtual_evidence=virtual or None, show_progress=False)
        for name in case.targets:
            alone = joint.marginalize([other for other in case.targets if other != name], inplace=False)
            assert alone.state_names[name] == list(states[name])
            found[name] = alone.values / alone.values.sum()
    return found


@pytest.mark.parametrize("block", range(7))
def test_equal_to_pgmpy_on_random_evidence(block: int) -> None:
    per_block = PGMPY_SETS // 7
    kinds = {"hard": 0, "soft": 0, "do": 0}
    for seed in range(block * per_block, (block + 1) * per_block):
        case = random_case(seed)
        expected = pgmpy_posteriors(case)
        answer = ask(central_model(), case.known, case.targets)
        for name in case.targets:
            np.testing.assert_allclose(answer[name][0], expected[name], rtol=0, atol=TOLERANCE, err_msg=f"seed {seed}, {name}")
        kinds["hard"] += 1
        kinds["soft"] += bool(case.soft)
        kinds["do"] += bool(case.do)
    assert kinds["soft"] >= per_block // 2
    assert kinds["do"] >= per_block // 5


@pytest.mark.parametrize("block", range(3))
def test_query_equals_pgmpy(block: int) -> None:
    states = central_model().states
    for seed in range(500 + 12 * block, 512 + 12 * block):
        case = random_case(seed)
        given: dict[str, Any] = {name: states[name][state] for name, state in case.hard.items()}
        given |= {name: dict(zip(states[name], weights.tolist(), strict=True)) for name, weights in case.soft.items()}
        do = {name: states[name][state] for name, state in case.do.items()}
        table = refra.query(case.targets, given=given, do=do, draws=0)
        expected = pgmpy_posteriors(case)
        for name in case.targets:
            rows = table[table["variable"] == name]
            assert tuple(rows["state"]) == states[name]
            np.testing.assert_allclose(rows["probability"], expected[name], rtol=0, atol=TOLERANCE, err_msg=f"seed {seed}, {name}")


@cache
def pyagrum_network() -> Any:
    model = central_model()
    network = pyagrum.BayesNet()
    for name, states in model.states.items():
        network.add(pyagrum.LabelizedVariable(name, name, len(states)))
    for name, parents in model.parents.items():
        for parent in parents:
            network.addArc(parent, name)
    for name, parents in model.parents.items():
        table = network.cpt(name)
        # pyAgrum names the axes of a table from the last to the first.
        order = [*parents, name]
        axes = [order.index(axis) for axis in reversed(table.names)]
        table[:] = np.ascontiguousarray(np.transpose(model.tables[name][0], axes))
    return network


def test_equal_to_pyagrum_on_random_evidence_with_its_probability() -> None:
    model = central_model()
    checked = 0
    for seed in range(1000, 1000 + 2 * PYAGRUM_SETS):
        case = random_case(seed)
        if case.do:
            continue
        oracle = pyagrum.LazyPropagation(pyagrum_network())
        oracle.setEvidence({**case.hard, **{name: list(weights) for name, weights in case.soft.items()}})
        oracle.setTargets(set(case.targets))
        oracle.makeInference()
        answer = ask(model, case.known, case.targets)
        for name in case.targets:
            np.testing.assert_allclose(
                answer[name][0], oracle.posterior(name).toarray(), rtol=0, atol=TOLERANCE, err_msg=f"seed {seed}, {name}"
            )
        evidence = np.log(oracle.evidenceProbability())
        assert answer.log_evidence[0] == pytest.approx(evidence, abs=1e-8), seed
        assert log_probability(model, case.known)[0] == pytest.approx(evidence, abs=1e-8), seed
        checked += 1
    assert checked >= PYAGRUM_SETS


def test_random_evidence_holds_what_it_should() -> None:
    cases = [random_case(seed) for seed in range(PGMPY_SETS)]
    assert sum(bool(case.soft) for case in cases) > 100
    assert sum(bool(case.do) for case in cases) > 40
    asked = {name for case in cases for name in case.targets}
    assert asked & set(BACKGROUND)
    assert len(asked) > 120
    assert any(set(case.hard) & set(INNER) for case in cases)


def test_pgmpy_network_holds_the_tables_under_their_names() -> None:
    model, network = central_model(), pgmpy_network()
    assert network.check_model()
    assert set(network.nodes()) == set(model.states) == set(variables())
    assert {(parent, name) for name in model.states for parent in model.parents[name]} == set(network.edges())
    for name in model.states:
        cpd = network.get_cpds(name)
        assert cpd.variables[0] == name
        factor = cpd.to_factor()
        order = [*model.parents[name], name]
        values = factor.values.transpose([factor.variables.index(axis) for axis in order])
        np.testing.assert_array_equal(values, model.tables[name][0])
        assert {axis: tuple(cpd.state_names[axis]) for axis in order} == {axis: variables()[axis].state_ids for axis in order}


def test_each_network_is_a_copy_of_its_own() -> None:
    first, second = refra.network(), refra.network()
    first.get_cpds("ada").values[...] = 0.5
    first.remove_node("driver")
    assert "driver" in second.nodes()
    assert second.check_model()
    np.testing.assert_array_equal(refra.network().get_cpds("ada").values, second.get_cpds("ada").values)
    assert central_model().tables["ada"].max() > 0.5
