"""The engine on published networks, as pgmpy ships them, against pgmpy's variable elimination and pyAgrum's lazy propagation."""

from __future__ import annotations

import gzip
import warnings
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any

import networkx as nx
import numpy as np
import pytest

from refra.inference.batch import plan_batch
from refra.inference.engine import compile_plan
from refra.model.pgmpy_bridge import NetworkArrays, from_pgmpy

# Both warn of their own bindings' and dependencies' deprecations while they are imported.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyagrum
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.inference import VariableElimination
    from pgmpy.readwrite import BIFReader

TOLERANCE = 1e-9

# Number of variables and arcs as the bnlearn repository, from which pgmpy has the files, states them.
SIZES = {
    "alarm": (37, 46),
    "andes": (223, 338),
    "asia": (8, 8),
    "child": (20, 25),
    "hailfinder": (56, 66),
    "hepar2": (70, 123),
    "insurance": (27, 52),
    "sachs": (11, 17),
    "water": (32, 66),
    "win95pts": (76, 112),
}
NAMES = tuple(SIZES)
SETS = 12


@cache
def pgmpy_network(name: str) -> Any:
    """Read a network; its rounded columns are divided by their sums, which all three programs then start from."""
    source = files("pgmpy.utils") / "example_models" / f"{name}.bif.gz"
    if not source.is_file():
        pytest.fail(f"pgmpy's example network {name}.bif.gz is not in {source.parent}; this test needs a pgmpy that carries it")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = BIFReader(string=gzip.decompress(source.read_bytes()).decode()).get_model()
        for cpd in network.get_cpds():
            cpd.normalize()
    return network


@cache
def arrays(name: str) -> NetworkArrays:
    return from_pgmpy(pgmpy_network(name))


def pyagrum_network(name: str) -> Any:
    """Build the network from pgmpy's tables, not from the arrays under test."""
    source = pgmpy_network(name)
    network = pyagrum.BayesNet()
    for cpd in source.get_cpds():
        network.add(pyagrum.LabelizedVariable(cpd.variable, cpd.variable, int(cpd.cardinality[0])))
    for parent, child in source.edges():
        network.addArc(parent, child)
    for cpd in source.get_cpds():
        table = network.cpt(cpd.variable)
        # pyAgrum names the axes of a table from the last to the first.
        table[:] = np.ascontiguousarray(cpd.values.transpose([cpd.variables.index(axis) for axis in reversed(table.names)]))
    return network


@dataclass(frozen=True)
class Case:
    """Findings of a sampled case, so that they are possible, and families of variables whose joint is asked for."""

    hard: dict[str, int]
    soft: dict[str, np.ndarray]
    free: tuple[str, ...]
    joints: tuple[tuple[str, ...], ...] = field(default=())

    @property
    def for_pyagrum(self) -> dict[str, Any]:
        return {**self.hard, **{name: list(likelihood) for name, likelihood in self.soft.items()}}


def sample(name: str, rng: np.random.Generator) -> dict[str, int]:
    net = arrays(name)
    drawn: dict[str, int] = {}
    for variable in nx.topological_sort(pgmpy_network(name)):
        row = net.tables[variable][(0, *(drawn[parent] for parent in net.parents[variable]))]
        drawn[variable] = int(rng.choice(len(row), p=row))
    return drawn


def random_case(name: str, seed: int, share: float | None = None) -> Case:
    rng = np.random.default_rng([seed, NAMES.index(name)])
    net = arrays(name)
    drawn = sample(name, rng)
    hard_share = float(rng.uniform(0.0, 0.5)) if share is None else share
    kinds = rng.choice(["hard", "soft", "missing"], len(drawn), p=[hard_share, 0.15, 0.85 - hard_share])
    hard = {variable: drawn[variable] for variable, kind in zip(drawn, kinds, strict=True) if kind == "hard"}
    soft = {}
    for variable, kind in zip(drawn, kinds, strict=True):
        if kind == "soft":
            soft[variable] = rng.uniform(0.01, 1.0, net.cards[variable])
    free = tuple(variable for variable in drawn if variable not in hard)
    families = [tuple(v for v in (*net.parents[child], child) if v in free) for child in drawn]
    families = [family for family in dict.fromkeys(families) if 2 <= len(family) <= 4]
    chosen = rng.choice(len(families), min(3, len(families)), replace=False)
    return Case(hard, soft, free, tuple(families[place] for place in chosen))


def answer(name: str, case: Case) -> Any:
    net = arrays(name)
    plan = compile_plan(net.cards, net.parents, targets=[*case.free, *case.joints], hard=case.hard, soft=case.soft)
    return plan.run(net.tables, hard=case.hard, soft=case.soft)


@pytest.mark.parametrize("name", NAMES)
def test_the_network_read_is_the_published_one(name: str) -> None:
    net = arrays(name)
    assert (len(net.states), sum(len(above) for above in net.parents.values())) == SIZES[name]


def test_hepar_ii_is_read_with_all_its_numbers() -> None:
    # The bnlearn repository counts 1453 free parameters.
    net = arrays("hepar2")
    assert sum(table[..., 1:].size for table in net.tables.values()) == 1453


@pytest.mark.parametrize("name", NAMES)
def test_all_marginals_family_joints_and_the_evidence_equal_pyagrum(name: str) -> None:
    network = pyagrum_network(name)
    for seed in range(SETS):
        case = random_case(name, seed)
        found = answer(name, case)
        oracle = pyagrum.LazyPropagation(network)
        oracle.setEvidence(case.for_pyagrum)
        oracle.makeInference()
        for variable in case.free:
            expected = oracle.posterior(variable).toarray()
            np.testing.assert_allclose(found.marginals[variable][0], expected, rtol=0, atol=TOLERANCE, err_msg=f"{seed}, {variable}")
        assert found.log_evidence[0] == pytest.approx(np.log(oracle.evidenceProbability()), abs=TOLERANCE), seed
        joint_oracle = pyagrum.LazyPropagation(network)
        joint_oracle.setEvidence(case.for_pyagrum)
        for family in case.joints:
            joint_oracle.addJointTarget(set(family))
        joint_oracle.makeInference()
        assert case.joints
        for family in case.joints:
            joint = joint_oracle.jointPosterior(set(family))
            axes = [list(reversed(joint.names)).index(variable) for variable in family]
            expected = joint.toarray().transpose(axes)
            np.testing.assert_allclose(found.marginals[family][0], expected, rtol=0, atol=TOLERANCE, err_msg=f"{seed}, {family}")


@pytest.mark.parametrize("name", NAMES)
def test_marginals_and_a_family_joint_equal_pgmpy(name: str) -> None:
    net = arrays(name)
    oracle = VariableElimination(pgmpy_network(name))
    for seed in range(100, 103):
        case = random_case(name, seed, 0.3)
        found = answer(name, case)
        evidence = {variable: net.states[variable][state] for variable, state in case.hard.items()}
        targets = np.random.default_rng(seed).choice(case.free, min(3, len(case.free)), replace=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            virtual = [
                TabularCPD(variable, len(weights), (weights / weights.sum())[:, None], state_names={variable: list(net.states[variable])})
                for variable, weights in case.soft.items()
            ]
            known = {"evidence": evidence or None, "virtual_evidence": virtual or None, "show_progress": False}
            for target in [*map(str, targets), *case.joints[:1]]:
                variables = [target] if isinstance(target, str) else list(target)
                factor = oracle.query(variables, **known)
                expected = factor.values.transpose([factor.variables.index(variable) for variable in variables])
                np.testing.assert_allclose(found.marginals[target][0], expected, rtol=0, atol=TOLERANCE, err_msg=str(target))


@pytest.mark.parametrize("name", NAMES)
def test_rows_with_missing_findings_equal_pyagrum_row_by_row(name: str) -> None:
    net, network = arrays(name), pyagrum_network(name)
    rng = np.random.default_rng([7, NAMES.index(name)])
    variables = list(net.states)
    count = min(12, len(variables) // 2)
    columns = [str(variable) for variable in rng.choice(variables, count, replace=False)]
    targets = [
        str(variable) for variable in rng.choice([v for v in variables if v not in columns], min(6, len(variables) - count), replace=False)
    ]
    rows = [sample(name, rng) for _ in range(6)]
    codes = np.array([[row[column] for column in columns] for row in rows])
    codes[rng.random(codes.shape) < 0.4] = -1
    found = plan_batch(net.cards, net.parents, targets=targets, columns=columns).run(net.tables, codes)
    for place, row in enumerate(codes):
        oracle = pyagrum.LazyPropagation(network)
        oracle.setEvidence({column: int(state) for column, state in zip(columns, row, strict=True) if state >= 0})
        oracle.makeInference()
        for target in targets:
            expected = oracle.posterior(target).toarray()
            np.testing.assert_allclose(found.marginals[target][place, 0], expected, rtol=0, atol=TOLERANCE, err_msg=f"{place}, {target}")
        assert found.log_evidence[place, 0] == pytest.approx(np.log(oracle.evidenceProbability()), abs=TOLERANCE)


@pytest.mark.parametrize("name", ["alarm", "insurance"])
def test_derivatives_equal_central_differences_of_pyagrum(name: str) -> None:
    net = arrays(name)
    case = random_case(name, 200, 0.25)
    rng = np.random.default_rng(NAMES.index(name))
    target = str(rng.choice(case.free))
    weights = rng.normal(size=net.cards[target])
    plan = compile_plan(net.cards, net.parents, targets=[target], hard=case.hard, soft=case.soft)
    found = plan.derivatives(net.tables, weights, hard=case.hard, soft=case.soft)
    network = pyagrum_network(name)

    def mean(variable: str, table: np.ndarray) -> float:
        cpt = network.cpt(variable)
        order = [*net.parents[variable], variable]
        cpt[:] = np.ascontiguousarray(table.transpose([order.index(axis) for axis in reversed(cpt.names)]))
        oracle = pyagrum.LazyPropagation(network)
        oracle.setEvidence(case.for_pyagrum)
        oracle.setTargets({target})
        oracle.makeInference()
        return float(weights @ oracle.posterior(target).toarray())

    step, moving = 1e-5, 0
    for variable in plan.tables_needed:
        table = net.tables[variable][0]
        # Cells that bear on the answer are worth more than one of the many that do not.
        largest = np.unravel_index(int(np.abs(found[variable][0]).argmax()), table.shape)
        for cell in {tuple(map(int, largest)), tuple(int(rng.integers(size)) for size in table.shape)}:
            up, down = table.copy(), table.copy()
            up[cell] += step
            down[cell] -= step
            difference = (mean(variable, up) - mean(variable, down)) / (2 * step)
            assert found[variable][(0, *cell)] == pytest.approx(difference, rel=1e-5, abs=1e-6), (variable, cell)
            moving += abs(difference) > 1e-3
        mean(variable, table)
    assert moving > 5


@pytest.mark.parametrize(("name", "seeds"), [("asia", 6), ("sachs", 3)])
def test_the_most_probable_explanation_equals_pgmpy(name: str, seeds: int) -> None:
    net = arrays(name)
    for seed in range(300, 300 + seeds):
        case = random_case(name, seed, 0.35)
        plan = compile_plan(net.cards, net.parents, targets=list(net.states), hard=case.hard)
        found = plan.most_probable(net.tables, hard=case.hard)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            oracle = VariableElimination(pgmpy_network(name))
            evidence = {variable: net.states[variable][state] for variable, state in case.hard.items()}
            best = oracle.map_query(list(case.free), evidence=evidence or None, show_progress=False)
        expected = {**case.hard, **{variable: net.position(variable, state) for variable, state in best.items()}}
        assert found.log_joint[0] == pytest.approx(log_joint(net, expected), abs=TOLERANCE)
        chosen = {**case.hard, **{variable: int(states[0]) for variable, states in found.states.items()}}
        assert log_joint(net, chosen) == pytest.approx(log_joint(net, expected), abs=TOLERANCE)


def log_joint(net: NetworkArrays, states: dict[str, int]) -> float:
    cells = [net.tables[v][(0, *(states[parent] for parent in net.parents[v]), states[v])] for v in net.states]
    with np.errstate(divide="ignore"):
        return float(np.log(cells).sum())


def test_the_most_probable_explanation_of_asia_equals_enumeration() -> None:
    net = arrays("asia")
    likelihood = {"xray": np.array([0.2, 0.9]), "smoke": np.array([1.0, 0.4])}
    plan = compile_plan(net.cards, net.parents, targets=list(net.states), hard=["dysp"], soft=likelihood)
    for state in range(2):
        found = plan.most_probable(net.tables, hard={"dysp": state}, soft=likelihood)
        best = max(
            log_joint(net, world) + sum(float(np.log(likelihood[v][world[v]])) for v in likelihood)
            for world in (dict(zip(net.states, states, strict=True)) for states in product(range(2), repeat=8))
            if world["dysp"] == state
        )
        assert found.log_joint[0] == pytest.approx(best, abs=1e-12)
