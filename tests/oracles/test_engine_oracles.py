"""The engine against two independent exact engines, pgmpy's variable elimination and pyAgrum's lazy propagation."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pytest

from refra.inference.engine import compile_plan

# Both warn of their own bindings' and dependencies' deprecations while they are imported.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyagrum
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.inference import VariableElimination
    from pgmpy.models import DiscreteBayesianNetwork

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Case:
    """One random network with random findings; each table has one draw."""

    cards: dict[str, int]
    parents: dict[str, tuple[str, ...]]
    tables: dict[str, np.ndarray]
    hard: dict[str, int]
    soft: dict[str, np.ndarray]
    targets: tuple[str, ...]
    pair: tuple[str, str]


def random_case(seed: int) -> Case:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(10, 26))
    names = [f"n{place}" for place in range(size)]
    cards = {name: int(rng.integers(2, 5)) for name in names}
    parents: dict[str, tuple[str, ...]] = {}
    tables = {}
    for place, name in enumerate(names):
        near = names[max(0, place - 6) : place]
        count = int(rng.integers(0, min(len(near), 3) + 1))
        parents[name] = tuple(str(parent) for parent in rng.choice(near, count, replace=False)) if count else ()
        shape = (*(cards[parent] for parent in parents[name]), cards[name])
        tables[name] = rng.dirichlet(np.full(cards[name], 0.5), shape[:-1]).reshape(1, *shape)
    kinds = dict(zip(names, rng.choice(["hard", "soft", "missing"], size, p=[0.25, 0.2, 0.55]), strict=True))
    # Hard states are sampled from the network itself, so that the findings are possible.
    sampled: dict[str, int] = {}
    for name in names:
        chances = tables[name][0][tuple(sampled[parent] for parent in parents[name])]
        sampled[name] = int(rng.choice(cards[name], p=chances))
    hidden = [name for name in names if kinds[name] != "hard"] or names[:2]
    hard = {name: sampled[name] for name in names if kinds[name] == "hard" and name not in hidden}
    soft = {name: rng.random(cards[name]) + 1e-3 for name in hidden if kinds[name] == "soft"}
    pair = rng.choice(hidden, 2, replace=False)
    return Case(cards, parents, tables, hard, soft, tuple(hidden), (str(pair[0]), str(pair[1])))


def as_pgmpy(case: Case) -> DiscreteBayesianNetwork:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = DiscreteBayesianNetwork()
        network.add_nodes_from(case.cards)
        network.add_edges_from((parent, name) for name, above in case.parents.items() for parent in above)
        for name, above in case.parents.items():
            values = case.tables[name][0].reshape(-1, case.cards[name]).T
            sizes = [case.cards[parent] for parent in above]
            network.add_cpds(TabularCPD(name, case.cards[name], values, list(above) or None, sizes or None))
    return network


def as_pyagrum(case: Case) -> pyagrum.BayesNet:
    network = pyagrum.BayesNet()
    for name, card in case.cards.items():
        network.add(pyagrum.LabelizedVariable(name, name, card))
    for name, above in case.parents.items():
        for parent in above:
            network.addArc(parent, name)
    for name, above in case.parents.items():
        table = network.cpt(name)
        # pyAgrum keeps its own order of axes and names them from the last to the first.
        order = [*above, name]
        axes = [order.index(axis) for axis in reversed(table.names)]
        table[:] = np.ascontiguousarray(np.transpose(case.tables[name][0], axes))
    return network


def run(case: Case, do: dict[str, int] | None = None):  # type: ignore[no-untyped-def]
    targets = [*case.targets, case.pair]
    plan = compile_plan(case.cards, case.parents, targets=targets, hard=case.hard, soft=case.soft, do=do or {})
    return plan.run(case.tables, hard=case.hard, soft=case.soft, do=do or {})


@pytest.mark.parametrize("seed", range(40))
def test_equal_to_pyagrum(seed: int) -> None:
    case = random_case(seed)
    network = as_pyagrum(case)
    oracle, joint_oracle = pyagrum.LazyPropagation(network), pyagrum.LazyPropagation(network)
    joint_oracle.addJointTarget(set(case.pair))
    for engine in (oracle, joint_oracle):
        engine.setEvidence({**case.hard, **{name: list(likelihood) for name, likelihood in case.soft.items()}})
        engine.makeInference()
    result = run(case)
    for name in case.targets:
        np.testing.assert_allclose(result.marginals[name][0], oracle.posterior(name).toarray(), atol=TOLERANCE)
    joint = joint_oracle.jointPosterior(set(case.pair))
    axes = [list(reversed(joint.names)).index(name) for name in case.pair]
    np.testing.assert_allclose(result.marginals[case.pair][0], joint.toarray().transpose(axes), atol=TOLERANCE)
    assert result.log_evidence[0] == pytest.approx(np.log(oracle.evidenceProbability()), abs=TOLERANCE)


@pytest.mark.parametrize("seed", range(40, 60))
def test_equal_to_pgmpy(seed: int) -> None:
    case = random_case(seed)
    result = run(case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = VariableElimination(as_pgmpy(case))
        virtual = [TabularCPD(name, case.cards[name], (likelihood / likelihood.sum())[:, None]) for name, likelihood in case.soft.items()]
        known = {"evidence": case.hard or None, "virtual_evidence": virtual or None, "show_progress": False}
        for name in case.targets[:5]:
            np.testing.assert_allclose(result.marginals[name][0], oracle.query([name], **known).values, atol=TOLERANCE)
        joint = oracle.query(list(case.pair), **known)
        axes = [joint.variables.index(name) for name in case.pair]
        np.testing.assert_allclose(result.marginals[case.pair][0], joint.values.transpose(axes), atol=TOLERANCE)


@pytest.mark.parametrize("seed", range(60, 72))
def test_intervention_equals_pyagrum_on_the_cut_network(seed: int) -> None:
    case = random_case(seed)
    chosen = next(name for name in reversed(case.targets) if case.parents[name] and name not in case.soft)
    cut = as_pyagrum(case)
    for parent in case.parents[chosen]:
        cut.eraseArc(parent, chosen)
    cut.cpt(chosen)[:] = np.eye(case.cards[chosen])[1]
    oracle = pyagrum.LazyPropagation(cut)
    oracle.setEvidence({**case.hard, **{name: list(likelihood) for name, likelihood in case.soft.items()}})
    result = run(case, do={chosen: 1})
    try:
        oracle.makeInference()
    except pyagrum.IncompatibleEvidence:
        assert not result.possible[0]
        return
    for name in case.targets:
        np.testing.assert_allclose(result.marginals[name][0], oracle.posterior(name).toarray(), atol=TOLERANCE)
    assert result.log_evidence[0] == pytest.approx(np.log(oracle.evidenceProbability()), abs=TOLERANCE)
