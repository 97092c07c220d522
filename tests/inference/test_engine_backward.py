"""Derivatives and most probable explanations against enumeration, central differences, laws and another program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refra.data.errors import RefraError
from refra.inference import plan as plan_module
from refra.inference.engine import compile_plan

SEEDS = st.integers(0, 2**32 - 1)


@dataclass(frozen=True)
class Case:
    cards: dict[str, int]
    parents: dict[str, tuple[str, ...]]
    tables: dict[str, np.ndarray]
    known: dict[str, dict]
    target: str


def random_case(seed: int, zeros: float = 0.0, size: int = 7, least: int = 0) -> Case:
    rng = np.random.default_rng(seed)
    names = [f"v{place}" for place in range(size)]
    cards = {name: int(rng.integers(1 + least, 4)) for name in names}
    parents, tables = {}, {}
    draws = int(rng.integers(1, 4))
    for place, name in enumerate(names):
        count = int(rng.integers(min(place, least), min(place, 3) + 1))
        parents[name] = tuple(str(p) for p in rng.choice(names[:place], count, replace=False)) if count else ()
        shape = (draws if rng.random() < 0.6 else 1, *(cards[p] for p in parents[name]), cards[name])
        table = np.where(rng.random(shape) < zeros, 0.0, rng.random(shape))
        table[..., 0] += 1e-3
        tables[name] = table / table.sum(axis=-1, keepdims=True)
    kinds = dict(zip(names, rng.integers(0, 5, size), strict=True))
    target = str(rng.choice(names))

    def state(name: str) -> int | np.ndarray:
        return rng.integers(0, cards[name], draws) if rng.random() < 0.4 else int(rng.integers(cards[name]))

    known = {
        "hard": {n: state(n) for n in names if kinds[n] == 0 and n != target},
        "do": {n: state(n) for n in names if kinds[n] == 1 and n != target},
        "soft": {n: rng.random((draws, cards[n]) if rng.random() < 0.5 else cards[n]) for n in names if kinds[n] == 2},
    }
    return Case(cards, parents, tables, known, target)


def joint_weight(case: Case, tables: Mapping[str, np.ndarray]) -> np.ndarray:
    """Multiply everything out: shape (draws, *cards)."""
    names = list(case.cards)
    letters = dict(zip(names, "abcdefghijklmnop", strict=False))
    parts, scopes = [], []
    for name in names:
        if name not in case.known["do"]:
            parts.append(tables[name])
            scopes.append("z" + "".join(letters[p] for p in (*case.parents[name], name)))
    for name, state in {**case.known["hard"], **case.known["do"]}.items():
        parts.append(np.eye(case.cards[name])[np.atleast_1d(state)])
        scopes.append("z" + letters[name])
    for name, likelihood in case.known["soft"].items():
        parts.append(np.atleast_2d(likelihood))
        scopes.append("z" + letters[name])
    draws = max(len(part) for part in parts)
    parts += [np.ones((draws, case.cards[name])) for name in names]
    scopes += ["z" + letters[name] for name in names]
    wide = [np.broadcast_to(part, (draws, *part.shape[1:])) for part in parts]
    return np.einsum(",".join(scopes) + "->z" + "".join(letters[name] for name in names), *wide)


def mean_of(case: Case, tables: Mapping[str, np.ndarray], weights: np.ndarray) -> np.ndarray:
    joint = joint_weight(case, tables)
    axis = 1 + list(case.cards).index(case.target)
    alone = joint.sum(axis=tuple(a for a in range(1, joint.ndim) if a != axis))
    return (alone * weights).sum(axis=1) / alone.sum(axis=1)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(SEEDS, st.sampled_from([0.0, 0.3]), st.sampled_from([None, 1]))
def test_derivatives_equal_central_differences(seed: int, zeros: float, chunk: int | None) -> None:
    case = random_case(seed, zeros)
    rng = np.random.default_rng(seed)
    weights = rng.random(case.cards[case.target])
    plan = compile_plan(case.cards, case.parents, targets=[case.target], **case.known)
    draws = max(len(joint_weight(case, case.tables)), 1)
    with np.errstate(invalid="ignore"):
        if not np.isfinite(mean_of(case, case.tables, weights)).all():
            return
    found = plan.derivatives(case.tables, weights, **case.known, chunk=chunk)
    assert set(found) == set(plan.tables_needed)
    for name, derivative in found.items():
        table = case.tables[name]
        assert derivative.shape == (draws, *table.shape[1:])
        for _ in range(3):
            cell = tuple(int(rng.integers(size)) for size in table.shape[1:])
            step = 1e-6
            sides = []
            for sign in (1, -1):
                moved = table.copy()
                moved[(slice(None), *cell)] += sign * step
                sides.append(mean_of(case, {**case.tables, name: moved}, weights))
            difference = (sides[0] - sides[1]) / (2 * step)
            np.testing.assert_allclose(derivative[(slice(None), *cell)], difference, rtol=2e-4, atol=2e-5)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(SEEDS, st.sampled_from([0.0, 0.3]))
def test_coefficients_give_the_answer_in_a_network_with_another_table(seed: int, zeros: float) -> None:
    case = random_case(seed, zeros)
    weights = np.eye(case.cards[case.target])[0]
    plan = compile_plan(case.cards, case.parents, targets=[case.target], **case.known)
    with np.errstate(invalid="ignore"):
        if not np.isfinite(mean_of(case, case.tables, weights)).all():
            return
    top = plan.coefficients(case.tables, weights, **case.known)
    bottom = plan.coefficients(case.tables, np.ones(len(weights)), **case.known)
    np.testing.assert_allclose(top.mean, mean_of(case, case.tables, weights), atol=1e-12)
    rng = np.random.default_rng(seed)
    for name, cells in top.cells.items():
        table = case.tables[name]
        axes = tuple(range(1, table.ndim))
        np.testing.assert_allclose((cells * table).sum(axis=axes), top.mean, atol=1e-12)
        np.testing.assert_allclose((bottom.cells[name] * table).sum(axis=axes), 1.0, atol=1e-12)
        other = rng.dirichlet(np.ones(table.shape[-1]), table.shape[:-1])
        moved = mean_of(case, {**case.tables, name: other}, weights)
        again = (cells * other).sum(axis=axes) / (bottom.cells[name] * other).sum(axis=axes)
        np.testing.assert_allclose(again, moved, rtol=1e-9)


def test_coefficients_of_the_evidence_alone_are_its_logarithmic_derivative() -> None:
    # P(child = 1) = 0.3 * 0.1 + 0.7 * 0.6 = 0.45
    tables = {"a": np.array([[0.3, 0.7]]), "b": np.array([[[0.9, 0.1], [0.4, 0.6]]])}
    plan = compile_plan({"a": 2, "b": 2}, {"b": ("a",)}, targets=[], hard=["b"])
    found = plan.coefficients(tables, hard={"b": 1})
    np.testing.assert_allclose(found.cells["a"], [[0.1 / 0.45, 0.6 / 0.45]], atol=1e-15)
    np.testing.assert_allclose(found.cells["b"], [[[0.0, 0.3 / 0.45], [0.0, 0.7 / 0.45]]], atol=1e-15)
    np.testing.assert_array_equal(found.mean, [1.0])


def test_a_cell_of_zero_has_its_derivative() -> None:
    # P(a = 1 | b = 1) with P(b = 1 | a) = (0, 0.5): raising the zero by d gives 0.25 / (0.25 + 0.5 d), slope -2 at d = 0.
    tables = {"a": np.array([[0.5, 0.5]]), "b": np.array([[[1.0, 0.0], [0.5, 0.5]]])}
    plan = compile_plan({"a": 2, "b": 2}, {"b": ("a",)}, targets=["a"], hard=["b"])
    found = plan.derivatives(tables, [0.0, 1.0], hard={"b": 1})
    assert found["b"][0, 0, 1] == pytest.approx(-2.0, abs=1e-12)
    assert found["b"][0, 1, 1] == pytest.approx(0.0, abs=1e-12)


def test_impossible_findings_have_no_derivatives_and_improbable_ones_are_refused() -> None:
    tables = {"a": np.array([[0.5, 0.5]]), "b": np.array([[[1.0, 0.0], [1.0, 0.0]]])}
    plan = compile_plan({"a": 2, "b": 2}, {"b": ("a",)}, targets=["a"], hard=["b"])
    assert np.isnan(plan.derivatives(tables, [0.0, 1.0], hard={"b": 1})["a"]).all()
    names = [f"x{place}" for place in range(60)]
    chain = {name: np.array([[[1.0, 0.0], [0.0, 1.0]]]) if place else np.array([[0.5, 0.5]]) for place, name in enumerate(names)}
    above = {name: (names[place - 1],) for place, name in enumerate(names) if place}
    soft = {name: [1.0, 1e-300] if place % 2 else [1e-300, 1.0] for place, name in enumerate(names)}
    plan = compile_plan(dict.fromkeys(names, 2), above, targets=["x0"], soft=soft)
    with pytest.raises(RefraError, match="too improbable"):
        plan.derivatives(chain, [0.0, 1.0], soft=soft)


def test_derivatives_are_those_of_the_normalised_coefficients_for_several_questions_at_once() -> None:
    for seed in range(20):
        case = random_case(seed)
        tables = {name: table[:1] for name, table in case.tables.items()}
        known = {
            kind: {name: np.atleast_2d(value)[0] if kind == "soft" else int(np.atleast_1d(value)[0]) for name, value in given_now.items()}
            for kind, given_now in case.known.items()
        }
        weights = np.random.default_rng(seed).random((3, case.cards[case.target]))
        plan = compile_plan(case.cards, case.parents, targets=[case.target], **known)
        top, bottom = plan.coefficients(tables, weights, **known), plan.coefficients(tables, np.ones_like(weights), **known)
        for name, found in plan.derivatives(tables, weights, **known).items():
            # The quotient rule: d(N / D) = dN / D - N / D * dD / D.
            mean = top.mean.reshape(-1, *(1 for _ in found.shape[1:]))
            np.testing.assert_allclose(found, top.cells[name] - mean * bottom.cells[name], atol=1e-12)


def test_derivatives_take_one_pass_forward_and_one_back(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []
    once = plan_module.contributions

    def counted(*arguments: Any, **words: Any) -> Any:
        passes.append(1)
        return once(*arguments, **words)

    monkeypatch.setattr(plan_module, "contributions", counted)
    tables = {"a": np.array([[0.5, 0.5]]), "b": np.array([[[0.9, 0.1], [0.5, 0.5]]])}
    plan = compile_plan({"a": 2, "b": 2}, {"b": ("a",)}, targets=["a"], hard=["b"])
    plan.derivatives(tables, [0.0, 1.0], hard={"b": 1})
    assert len(passes) == 1


def test_findings_that_vanish_in_floating_point_are_not_taken_for_impossible_ones() -> None:
    # P(findings) = 0.5 * 1e-900: a frozen chain whose first three findings speak against the only state that the last one allows.
    frozen = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    tables = {"x0": np.array([[0.5, 0.5]]), **dict.fromkeys(["x1", "x2", "x3", "x4"], frozen)}
    above = {f"x{place}": (f"x{place - 1}",) for place in range(1, 5)}
    soft = {name: [1.0, 1e-300] for name in ("x0", "x1", "x2")}
    plan = compile_plan(dict.fromkeys(tables, 2), above, targets=["x3"], soft=soft, hard=["x4"])
    with pytest.raises(RefraError, match="too improbable"):
        plan.derivatives(tables, [0.0, 1.0], soft=soft, hard={"x4": 1})


def test_findings_impossible_apart_from_the_target_leave_no_derivatives() -> None:
    tables = {"a": np.array([[0.5, 0.5], [0.5, 0.5]]), "b": np.array([[1.0, 0.0], [0.4, 0.6]])}
    plan = compile_plan({"a": 2, "b": 2}, {}, targets=["a"], hard=["b"])
    found = plan.derivatives(tables, [0.0, 1.0], hard={"b": 1})
    assert all(np.isnan(cells[0]).all() for cells in found.values())
    # In the other draw P(a = 1) = a1 / (a0 + a1) and b does not bear on it.
    np.testing.assert_allclose(found["a"][1], [-0.5, 0.5], atol=1e-15)
    np.testing.assert_array_equal(found["b"][1], [0.0, 0.0])


def test_questions_that_have_no_derivative_are_refused() -> None:
    cards, tables = {"a": 2, "b": 2}, {"a": np.array([[0.5, 0.5]]), "b": np.array([[0.5, 0.5]])}
    with pytest.raises(RefraError, match="one target"):
        compile_plan(cards, {}, targets=["a", "b"]).derivatives(tables, [0.0, 1.0])
    with pytest.raises(RefraError, match="known"):
        compile_plan(cards, {}, targets=["a"], hard=["a"]).derivatives(tables, [0.0, 1.0], hard={"a": 1})
    with pytest.raises(RefraError, match="weights"):
        compile_plan(cards, {}, targets=["a"]).derivatives(tables, [0.0, 1.0, 0.0])
    with pytest.raises(RefraError, match="weights"):
        compile_plan(cards, {}, targets=["a"]).coefficients(tables)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(SEEDS, st.sampled_from([0.0, 0.3]), st.sampled_from([None, 1]))
def test_the_most_probable_explanation_equals_enumeration(seed: int, zeros: float, chunk: int | None) -> None:
    case = random_case(seed, zeros)
    plan = compile_plan(case.cards, case.parents, targets=list(case.cards), **case.known)
    found = plan.most_probable(case.tables, **case.known, chunk=chunk)
    joint = joint_weight(case, case.tables)
    best = joint.reshape(len(joint), -1).max(axis=1)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(found.log_joint, np.log(best), rtol=1e-10, atol=1e-12)
    fixed = {**case.known["hard"], **case.known["do"]}
    for draw in range(len(joint)):
        if best[draw] == 0.0:
            assert all(states[draw] == -1 for states in found.states.values())
            continue
        every = {**{name: np.broadcast_to(state, len(joint)) for name, state in fixed.items()}, **found.states}
        cell = tuple(int(every[name][draw]) for name in case.cards)
        assert joint[(draw, *cell)] == pytest.approx(best[draw], rel=1e-10)


def test_the_most_probable_explanation_survives_dozens_of_rare_findings() -> None:
    children = [f"f{place}" for place in range(400)]
    table = np.array([[[1 - 1e-6, 1e-6], [1 - 2e-6, 2e-6]]])
    tables = {"cause": np.array([[0.9, 0.1]]), **dict.fromkeys(children, table)}
    plan = compile_plan(dict.fromkeys(["cause", *children], 2), dict.fromkeys(children, ("cause",)), targets=["cause"], hard=children)
    found = plan.most_probable(tables, hard=dict.fromkeys(children, 1))
    assert found.states["cause"][0] == 1
    assert found.log_joint[0] == pytest.approx(np.log(0.1) + 400 * np.log(2e-6), rel=1e-12)


def test_the_explanation_is_that_of_another_program() -> None:
    gum = pytest.importorskip("pyagrum")
    for seed in range(10):
        case = random_case(seed, size=9, least=1)
        tables = {name: table[:1] for name, table in case.tables.items()}
        # It fails now and then where a known variable cuts the network in parts, so that only variables without children are known.
        childless = [name for name in case.cards if not any(name in above for above in case.parents.values())]
        hard = dict.fromkeys(childless, 0)
        net = gum.BayesNet()
        for name, card in case.cards.items():
            net.add(gum.LabelizedVariable(name, name, card))
        for name, above in case.parents.items():
            for parent in above:
                net.addArc(parent, name)
            # pyAgrum names a table's axes; the last parent added is the first of them.
            order = [*reversed(range(len(above))), len(above)]
            net.cpt(name)[:] = np.ascontiguousarray(np.transpose(tables[name][0], order))
        engine = gum.LazyPropagation(net)
        engine.setEvidence(hard)
        engine.makeInference()
        plan = compile_plan(case.cards, case.parents, targets=list(case.cards), hard=hard)
        expected = engine.mpeLog2Posterior()[1] * np.log(2) + np.log(engine.evidenceProbability())
        assert plan.most_probable(tables, hard=hard).log_joint[0] == pytest.approx(expected, abs=1e-9)
