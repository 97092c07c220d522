"""The distance of Chan and Darwiche against enumeration of the joint distribution, and its laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refra.inference.asking import Known, ask
from refra.inference.sensitivity import distance as module
from refra.inference.sensitivity.covariation import covaried
from refra.inference.sensitivity.distance import EXACT, UPPER_BOUND, distance, odds_bounds, possible_rows, rows_distance
from refra.model.network import Model, Node, build_model

SEEDS = st.integers(0, 2**32 - 1)


def random_model(seed: int, zeros: float = 0.0, size: int = 5) -> Model:
    rng = np.random.default_rng(seed)
    names = [f"v{place}" for place in range(size)]
    states = {name: tuple("abc"[: rng.integers(2, 4)]) for name in names}
    nodes = {}
    for place, name in enumerate(names):
        parents = tuple(str(p) for p in rng.choice(names[:place], rng.integers(0, min(place, 2) + 1), replace=False))
        shape = (1, *(len(states[p]) for p in parents), len(states[name]))
        table = np.where(rng.random(shape) < zeros, 0.0, rng.random(shape) + 0.02)
        table[..., 0] += 0.01
        nodes[name] = Node(parents, table / table.sum(axis=-1, keepdims=True))
    return build_model(states, nodes)


def joint(model: Model, changed: dict[str, np.ndarray] | None = None) -> np.ndarray:
    letters = dict(zip(model.states, "abcdefgh", strict=False))
    tables = {name: (changed or {}).get(name, model.tables[name][0]) for name in model.states}
    scopes = ["".join(letters[p] for p in (*model.parents[name], name)) for name in model.states]
    return np.einsum(",".join(scopes) + "->" + "".join(letters.values()), *tables.values())


def enumerated(model: Model, changed: dict[str, np.ndarray]) -> float:
    old, new = joint(model).ravel(), joint(model, changed).ravel()
    seen = (old > 0) | (new > 0)
    with np.errstate(divide="ignore"):
        ratio = np.log(new[seen]) - np.log(old[seen])
    return float(ratio.max() - ratio.min())


def other_table(rng: np.random.Generator, old: np.ndarray, zeros_too: bool) -> np.ndarray:
    new = np.where(old > 0, rng.random(old.shape) + 0.02, 0.0)
    if zeros_too and rng.random() < 0.3:
        new[..., -1] = 0.0
        new[..., 0] += 0.1
    return new / new.sum(axis=-1, keepdims=True)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(SEEDS, st.sampled_from([0.0, 0.4]), st.integers(1, 3))
def test_any_change_against_enumeration(seed: int, zeros: float, tables: int) -> None:
    model, rng = random_model(seed, zeros), np.random.default_rng(seed + 1)
    names = [str(name) for name in rng.choice(list(model.states), tables, replace=False)]
    changed = {name: other_table(rng, model.tables[name][0], zeros > 0) for name in names}
    found, kind = distance(model, {name: np.stack([model.tables[name][0], table]) for name, table in changed.items()})
    assert kind == EXACT
    assert found[0] == pytest.approx(0, abs=1e-12)
    assert found[1] == pytest.approx(enumerated(model, changed), abs=1e-9)


def test_too_large_a_change_has_an_upper_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ENTRIES", 0)
    for seed in range(20):
        model, rng = random_model(seed), np.random.default_rng(seed)
        changed = {name: other_table(rng, model.tables[name][0], False) for name in ("v0", "v3", "v4")}
        found, kind = distance(model, {name: table[None] for name, table in changed.items()})
        assert kind == UPPER_BOUND
        assert found[0] >= enumerated(model, changed) - 1e-12


def test_rows_that_cannot_be_met_do_not_count() -> None:
    states = {"a": ("x", "y"), "b": ("x", "y")}
    model = build_model(states, {"a": Node((), np.array([[1.0, 0.0]])), "b": Node(("a",), np.array([[[0.5, 0.5], [0.5, 0.5]]]))})
    assert possible_rows(model, "b").tolist() == [True, False]
    new = np.array([[[0.5, 0.5], [0.9, 0.1]], [[0.8, 0.2], [0.5, 0.5]], [[1.0, 0.0], [0.5, 0.5]]])
    found, _ = distance(model, {"b": new})
    assert found[:2] == pytest.approx([0, math.log(4)])
    assert found[2] == math.inf


DISTRIBUTIONS = st.lists(st.floats(0.01, 1), min_size=4, max_size=4).map(lambda found: np.array(found) / sum(found))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(DISTRIBUTIONS, DISTRIBUTIONS, DISTRIBUTIONS)
def test_it_is_a_metric(one: np.ndarray, two: np.ndarray, three: np.ndarray) -> None:
    assert rows_distance(one, two) == pytest.approx(float(rows_distance(two, one)), abs=1e-12)
    assert rows_distance(one, one) == 0
    assert (rows_distance(one, two) < 1e-12) == np.allclose(one, two, atol=1e-13, rtol=1e-12)
    assert rows_distance(one, three) <= rows_distance(one, two) + rows_distance(two, three) + 1e-12


@settings(max_examples=60, deadline=None, derandomize=True)
@given(DISTRIBUTIONS, st.floats(0.01, 0.99))
def test_proportional_covariation_moves_as_far_as_the_log_odds_and_least_of_all(row: np.ndarray, value: float) -> None:
    wanted = abs(math.log(value / (1 - value)) - math.log(row[1] / (1 - row[1])))
    assert rows_distance(row, covaried(row, 1, value)) == pytest.approx(wanted, abs=1e-9)
    assert rows_distance(row, covaried(row, 1, value, "uniform")) >= wanted - 1e-9


@settings(max_examples=40, deadline=None, derandomize=True)
@given(SEEDS)
def test_no_posterior_leaves_its_bounds(seed: int) -> None:
    model, rng = random_model(seed), np.random.default_rng(seed)
    new = other_table(rng, model.tables["v1"][0], False)
    far, _ = distance(model, {"v1": new[None]})
    moved = Model(model.states, model.parents, {**model.tables, "v1": new[None]}, model.parameters, 1)
    known = Known({"v4": int(rng.integers(model.card("v4")))})
    before, after = (float(ask(one, known, ["v0"])["v0"][0, 0]) for one in (model, moved))
    low, high = odds_bounds(before, float(far[0]))
    assert low - 1e-12 <= after <= high + 1e-12


def test_bounds_of_odds() -> None:
    # Odds of 1 to 3 and a factor of 2: 1 to 6 and 2 to 3.
    assert odds_bounds(0.25, math.log(2)) == pytest.approx((1 / 7, 2 / 5))
    assert odds_bounds(0.25, math.inf) == (0.0, 1.0)
    assert odds_bounds(1.0, math.inf) == (1.0, 1.0)
