"""The engine on 300 small random networks, zeros and interventions included, against pyAgrum, pgmpy and enumeration."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

import numpy as np
import pytest

from refra.inference.engine import Result, compile_plan

# Both warn of their own bindings' and dependencies' deprecations while they are imported.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyagrum
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.inference import VariableElimination
    from pgmpy.models import DiscreteBayesianNetwork

TOLERANCE = 1e-9
NETWORKS = 300
BLOCK = 20
ENUMERABLE = 30_000


@dataclass(frozen=True)
class Case:
    """One random network (parents before children) with random findings and interventions; each table has one draw."""

    cards: dict[str, int]
    parents: dict[str, tuple[str, ...]]
    tables: dict[str, np.ndarray]
    hard: dict[str, int]
    soft: dict[str, np.ndarray]
    do: dict[str, int]

    @property
    def free(self) -> tuple[str, ...]:
        return tuple(name for name in self.cards if name not in self.hard and name not in self.do)

    @property
    def pair(self) -> tuple[str, str]:
        unknown = [name for name in self.free if name not in self.soft]
        return unknown[-1], unknown[0]


def random_table(rng: np.random.Generator, shape: tuple[int, ...], certain: float, zeros: float) -> np.ndarray:
    """Random rows, a share of them with one state of probability 1 and a share of the other cells zero."""
    rows = rng.dirichlet(np.full(shape[-1], 0.6), shape[:-1]).reshape(-1, shape[-1])
    rows[rng.random(rows.shape) < zeros] = 0.0
    rows[np.arange(len(rows)), rng.integers(0, shape[-1], len(rows))] += 1e-3
    sure = np.eye(shape[-1])[rng.integers(0, shape[-1], len(rows))]
    rows = np.where(rng.random((len(rows), 1)) < certain, sure, rows)
    return (rows / rows.sum(axis=-1, keepdims=True)).reshape(1, *shape)


@cache
def random_case(seed: int) -> Case:
    rng = np.random.default_rng([300, seed])
    size = int(rng.integers(3, 15))
    names = [f"n{place}" for place in range(size)]
    cards = {name: int(rng.integers(2, 6)) for name in names}
    # Few near parents make chains, many from anywhere make wide cliques.
    most, reach = int(rng.integers(1, 5)), int(rng.integers(1, size + 1))
    certain, zeros = (float(rng.uniform(0.0, 0.5)), float(rng.uniform(0.0, 0.3))) if rng.random() < 0.6 else (0.0, 0.0)
    parents: dict[str, tuple[str, ...]] = {}
    tables = {}
    for place, name in enumerate(names):
        near = names[max(0, place - reach) : place]
        count = int(rng.integers(0, min(len(near), most) + 1))
        parents[name] = tuple(str(parent) for parent in rng.choice(near, count, replace=False)) if count else ()
        tables[name] = random_table(rng, (*(cards[parent] for parent in parents[name]), cards[name]), certain, zeros)
    kinds = rng.choice(["hard", "soft", "do", "missing"], size, p=[0.25, 0.2, 0.2, 0.35] if seed % 3 == 0 else [0.25, 0.2, 0.0, 0.55])
    # At least two variables stay unknown, for a joint.
    kinds[rng.choice(size, 2, replace=False)] = "missing"
    do = {name: int(rng.integers(cards[name])) for name, kind in zip(names, kinds, strict=True) if kind == "do"}
    drawn: dict[str, int] = {}
    for name in names:
        row = tables[name][(0, *(drawn[parent] for parent in parents[name]))]
        drawn[name] = do[name] if name in do else int(rng.choice(cards[name], p=row))
    # In some cases the findings are any, be they possible or not.
    anything = seed % 4 == 3
    hard = {
        name: int(rng.integers(cards[name])) if anything else drawn[name] for name, kind in zip(names, kinds, strict=True) if kind == "hard"
    }
    soft = {}
    for name, kind in zip(names, kinds, strict=True):
        if kind == "soft":
            soft[name] = np.where(rng.random(cards[name]) < zeros, 0.0, rng.random(cards[name]))
            soft[name][drawn[name]] += 1e-3
    return Case(cards, parents, tables, hard, soft, do)


def run(case: Case) -> Result:
    plan = compile_plan(case.cards, case.parents, targets=[*case.free, case.pair], hard=case.hard, soft=case.soft, do=case.do)
    return plan.run(case.tables, hard=case.hard, soft=case.soft, do=case.do)


def cut(case: Case) -> tuple[dict[str, tuple[str, ...]], dict[str, np.ndarray]]:
    """Return parents and tables of the network in which what is set has no parents."""
    parents = {name: () if name in case.do else above for name, above in case.parents.items()}
    tables = {name: np.eye(case.cards[name])[case.do[name]] if name in case.do else table[0] for name, table in case.tables.items()}
    return parents, tables


def with_pyagrum(case: Case) -> tuple[dict[Any, np.ndarray], float] | None:
    """Return posteriors and the log evidence, or None where the findings are impossible."""
    parents, tables = cut(case)
    network = pyagrum.BayesNet()
    for name, card in case.cards.items():
        network.add(pyagrum.LabelizedVariable(name, name, card))
    for name, above in parents.items():
        for parent in above:
            network.addArc(parent, name)
    for name, above in parents.items():
        table = network.cpt(name)
        # pyAgrum keeps its own order of axes and names them from the last to the first.
        order = [*above, name]
        table[:] = np.ascontiguousarray(tables[name].transpose([order.index(axis) for axis in reversed(table.names)]))
    oracle, joint_oracle = pyagrum.LazyPropagation(network), pyagrum.LazyPropagation(network)
    joint_oracle.addJointTarget(set(case.pair))
    # pyAgrum does not normalise under a likelihood that leaves one state, so that it is told the state instead.
    sure = {name: int(likelihood.argmax()) for name, likelihood in case.soft.items() if np.count_nonzero(likelihood) == 1}
    weight = sum(float(np.log(case.soft[name].max())) for name in sure)
    try:
        for engine in (oracle, joint_oracle):
            engine.setEvidence({**{name: list(likelihood) for name, likelihood in case.soft.items()}, **sure, **case.hard})
            engine.makeInference()
        found: dict[Any, np.ndarray] = {name: oracle.posterior(name).toarray() for name in case.free}
        joint = joint_oracle.jointPosterior(set(case.pair))
        evidence = oracle.evidenceProbability()
    except pyagrum.IncompatibleEvidence:
        return None
    if evidence == 0.0:
        return None
    found[case.pair] = joint.toarray().transpose([list(reversed(joint.names)).index(name) for name in case.pair])
    return found, float(np.log(evidence)) + weight


def with_pgmpy(case: Case, targets: list[Any]) -> dict[Any, np.ndarray]:
    parents, tables = cut(case)
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = DiscreteBayesianNetwork()
        network.add_nodes_from(case.cards)
        network.add_edges_from((parent, name) for name, above in parents.items() for parent in above)
        for name, above in parents.items():
            sizes = [case.cards[parent] for parent in above]
            network.add_cpds(TabularCPD(name, case.cards[name], tables[name].reshape(-1, case.cards[name]).T, above or None, sizes or None))
        oracle = VariableElimination(network)
        virtual = [TabularCPD(name, case.cards[name], (likelihood / likelihood.sum())[:, None]) for name, likelihood in case.soft.items()]
        for target in targets:
            variables = [target] if isinstance(target, str) else list(target)
            factor = oracle.query(variables, evidence=case.hard or None, virtual_evidence=virtual or None, show_progress=False)
            found[target] = factor.values.transpose([factor.variables.index(name) for name in variables])
    return found


def by_enumeration(case: Case) -> tuple[dict[Any, np.ndarray], float]:
    """Multiply everything out and sum."""
    names = list(case.cards)
    parents, tables = cut(case)
    joint = np.ones([case.cards[name] for name in names])
    for name in names:
        scope = [*parents[name], name]
        order = sorted(scope, key=names.index)
        table = tables[name].transpose([scope.index(axis) for axis in order])
        joint = joint * table.reshape([case.cards[other] if other in scope else 1 for other in names])
    weights = {**{name: np.eye(case.cards[name])[state] for name, state in case.hard.items()}, **case.soft}
    for name, weight in weights.items():
        joint = joint * weight.reshape([case.cards[name] if other == name else 1 for other in names])
    total = joint.sum()
    found: dict[Any, np.ndarray] = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for target in (*case.free, case.pair):
            asked = [target] if isinstance(target, str) else list(target)
            table = joint.sum(axis=tuple(axis for axis, name in enumerate(names) if name not in asked)) / total
            kept = sorted(asked, key=names.index)
            found[target] = table.transpose([kept.index(name) for name in asked])
        return found, float(np.log(total))


def assert_equal(result: Result, expected: dict[Any, np.ndarray], seed: int) -> None:
    for target, table in expected.items():
        np.testing.assert_allclose(result.marginals[target][0], table, rtol=0, atol=TOLERANCE, err_msg=f"seed {seed}, {target}")


@pytest.mark.parametrize("start", range(0, NETWORKS, BLOCK))
def test_equal_to_pyagrum(start: int) -> None:
    for seed in range(start, start + BLOCK):
        case = random_case(seed)
        result, expected = run(case), with_pyagrum(case)
        if expected is None:
            assert not result.possible[0], seed
            assert all(np.isnan(table).all() for table in result.marginals.values()), seed
            continue
        assert_equal(result, expected[0], seed)
        assert result.log_evidence[0] == pytest.approx(expected[1], abs=TOLERANCE), seed


@pytest.mark.parametrize("start", range(0, NETWORKS, BLOCK))
def test_equal_to_pgmpy(start: int) -> None:
    for seed in range(start, start + BLOCK):
        case, result = random_case(seed), run(random_case(seed))
        if result.possible[0]:
            assert_equal(result, with_pgmpy(case, [case.free[0], case.pair]), seed)


@pytest.mark.parametrize("start", range(0, NETWORKS, BLOCK))
def test_equal_to_enumeration(start: int) -> None:
    cases = {seed: random_case(seed) for seed in range(start, start + BLOCK)}
    small = {seed: case for seed, case in cases.items() if prod(case.cards.values()) <= ENUMERABLE}
    assert small
    for seed, case in small.items():
        result, (expected, log_evidence) = run(case), by_enumeration(case)
        assert result.possible[0] == (log_evidence > -np.inf), seed
        assert result.log_evidence[0] == pytest.approx(log_evidence, abs=TOLERANCE), seed
        assert_equal(result, expected, seed)


def test_the_networks_hold_what_they_should() -> None:
    cases = [random_case(seed) for seed in range(NETWORKS)]
    assert {len(case.cards) for case in cases} == set(range(3, 15))
    assert {card for case in cases for card in case.cards.values()} == {2, 3, 4, 5}
    assert sum(any((table == 1.0).any() for table in case.tables.values()) for case in cases) > 120
    assert sum(bool(case.do) for case in cases) > 60
    assert sum(bool(case.soft) for case in cases) > 180
    assert sum(bool(case.hard) for case in cases) > 180
    possible = sum(bool(run(case).possible[0]) for case in cases)
    assert 5 <= NETWORKS - possible <= 60
    widest = [compile_plan(case.cards, case.parents, targets=case.free[:1], soft=case.cards).cliques for case in cases]
    assert {max(len(clique) for clique in cliques) for cliques in widest} >= {2, 3, 4, 5, 6, 7}


def log_sum(table: np.ndarray) -> np.ndarray:
    """Return the logarithm of the sum of exponentials over the last axis."""
    return np.asarray(np.logaddexp.reduce(table, axis=-1))


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("seed", range(16))
def test_dozens_of_tiny_likelihoods_equal_logarithmic_arithmetic(seed: int, frozen: bool) -> None:
    """A random tree of 90 variables with 66 findings whose probability lies thousands of orders below the smallest float.

    On a frozen tree most children are equal to their parents and the likelihoods speak for different states by hundreds of orders, so
    that a state may vanish in floating point on the way and yet be the one that is left.
    """
    rng = np.random.default_rng([400, seed])
    names = [f"n{place}" for place in range(90)]
    cards = {name: 3 if frozen else int(rng.integers(2, 5)) for name in names}
    above = {name: names[int(rng.integers(max(0, place - 8), place))] for place, name in enumerate(names) if place}
    shapes = {name: (cards[above[name]], cards[name]) if name in above else (cards[name],) for name in names}
    tables = {name: rng.dirichlet(np.full(cards[name], 0.5), shapes[name][:-1]).reshape(1, *shapes[name]) for name in names}
    if frozen:
        tables |= {name: np.eye(3)[None] for name in names[1:] if rng.random() < 0.9}
    seen = [str(name) for name in rng.choice(names[1:], 66, replace=False)]
    leaves = [name for name in names if name not in above.values()]
    hard = {name: int(tables[name][0].max(axis=0).argmin()) for name in seen if name in leaves and not frozen}
    soft = {name: 10.0 ** rng.uniform(-300.0, 0.0 if frozen else -30.0, cards[name]) for name in seen if name not in hard}
    likelihoods = {name: np.log(soft[name]) if name in soft else np.zeros(cards[name]) for name in names}
    for name, state in hard.items():
        likelihoods[name][np.arange(cards[name]) != state] = -np.inf
    below: dict[str, list[str]] = {name: [] for name in names}
    for child, parent in above.items():
        below[parent].append(child)

    # Upward, then downward, as Pearl (1988) does it on a tree, in logarithms.
    with np.errstate(divide="ignore"):
        logs = {name: np.log(tables[name][0]) for name in names}
    up: dict[str, np.ndarray] = {}
    for name in reversed(names):
        up[name] = log_sum(logs[name] + sum((up[child] for child in below[name]), likelihoods[name]))
    down = {"n0": logs["n0"]}
    for name in names[1:]:
        parent = above[name]
        others = down[parent] + sum((up[child] for child in below[parent] if child != name), likelihoods[parent])
        down[name] = log_sum((others[:, None] + logs[name]).T)

    targets = [name for name in names if name not in hard]
    plan = compile_plan(cards, {name: (parent,) for name, parent in above.items()}, targets=targets, hard=hard, soft=soft)
    result = plan.run(tables, hard=hard, soft=soft)
    assert len(hard) + len(soft) == 66
    assert up["n0"] < -2000.0
    assert result.log_evidence[0] == pytest.approx(float(up["n0"]), rel=1e-12)
    for name in targets:
        whole = down[name] + sum((up[child] for child in below[name]), likelihoods[name])
        np.testing.assert_allclose(result.marginals[name][0], np.exp(whole - log_sum(whole)), rtol=0, atol=TOLERANCE, err_msg=name)
