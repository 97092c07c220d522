"""Batches of rows with missing findings against one run a row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refra.data.errors import RefraError, UnknownNameError
from refra.inference import batch
from refra.inference.batch import plan_batch
from refra.inference.engine import compile_plan
from refra.model.assembly import central_model, shipped_model

SEEDS = st.integers(0, 2**32 - 1)


def random_network(rng: np.random.Generator, size: int, draws: int, zeros: float) -> tuple[dict, dict, dict]:
    names = [f"v{place}" for place in range(size)]
    cards = {name: int(rng.integers(1, 4)) for name in names}
    parents, tables = {}, {}
    for place, name in enumerate(names):
        count = int(rng.integers(0, min(place, 3) + 1))
        parents[name] = tuple(str(p) for p in rng.choice(names[:place], count, replace=False)) if count else ()
        shape = (draws if rng.random() < 0.6 else 1, *(cards[p] for p in parents[name]), cards[name])
        table = np.where(rng.random(shape) < zeros, 0.0, rng.random(shape))
        table[..., 0] += 1e-3
        tables[name] = table / table.sum(axis=-1, keepdims=True)
    return cards, parents, tables


@settings(max_examples=60, deadline=None, derandomize=True)
@given(SEEDS, st.sampled_from([0.0, 0.4]), st.sampled_from([1, 3]), st.booleans())
def test_a_batch_equals_one_run_a_row(seed: int, zeros: float, draws: int, long: bool) -> None:
    rng = np.random.default_rng(seed)
    cards, parents, tables = random_network(rng, int(rng.integers(3, 9)), draws, zeros)
    names = [str(name) for name in rng.permutation(list(cards))]
    columns = names[: int(rng.integers(0, len(names)))]
    left = [name for name in names if name not in columns]
    soft = {left[0]: rng.random((5, cards[left[0]]))} if rng.random() < 0.5 else {}
    do = {left[-1]: 0} if rng.random() < 0.3 and left[-1] not in soft else {}
    targets = [names[0], names[-1], tuple(names[:2])]
    codes = np.array([[int(rng.integers(-1, cards[name])) for name in columns] for _ in range(5)], dtype=int).reshape(5, len(columns))
    plan = plan_batch(cards, parents, targets=targets, columns=columns, soft=soft, do=do)
    with pytest.MonkeyPatch.context() as patch:
        if long:
            patch.setattr(batch, "MANY_DRAWS", 1)
        patch.setattr(batch, "ROWS_AT_A_TIME", 2)
        found = plan.run(tables, codes, soft=soft, do=do)
    most = max(len(table) for table in tables.values())
    assert found.log_evidence.shape == (5, most)
    for row in range(5):
        hard = {name: int(state) for name, state in zip(columns, codes[row], strict=True) if state >= 0}
        mine = {name: value[row] for name, value in soft.items()}
        alone = compile_plan(cards, parents, targets=targets, hard=hard, soft=mine, do=do).run(tables, hard=hard, soft=mine, do=do)
        np.testing.assert_allclose(found.log_evidence[row], np.broadcast_to(alone.log_evidence, most), rtol=1e-10, atol=1e-12)
        np.testing.assert_array_equal(found.possible[row], np.broadcast_to(alone.possible, most))
        for target, table in alone.marginals.items():
            np.testing.assert_allclose(found.marginals[target][row], np.broadcast_to(table, (most, *table.shape[1:])), atol=1e-12)


ROOTS = ("current_drug", "methotrexate", "smoking", "age_group", "bmi_class")
COLUMNS = (*ROOTS, "sjc28", "crp", "drug_level", "ada_test", "response_pattern")
TARGETS = ("primary_reason", "ada", "fibromyalgia")


def random_rows(rng: np.random.Generator, rows: int, missing: float) -> np.ndarray:
    model = central_model()
    codes = np.stack([rng.integers(0, model.card(name), rows) for name in COLUMNS], axis=1)
    return np.where(rng.random(codes.shape) < missing, -1, codes)


@pytest.mark.parametrize("draws", [0, 3])
def test_rows_of_the_shipped_network_equal_one_run_a_row(draws: int) -> None:
    model = shipped_model(draws, 1) if draws else central_model()
    codes = random_rows(np.random.default_rng(2), 12, 0.25)
    # Most roots observed, so that few patterns need a plan.
    codes[:, :5] = np.maximum(codes[:, :5], 0)
    codes[3, 1] = -1
    cards = {name: len(states) for name, states in model.states.items()}
    plan = plan_batch(cards, model.parents, targets=TARGETS, columns=COLUMNS)
    found = plan.run(model.tables, codes)
    for row in (0, 3, 7):
        hard = {name: int(state) for name, state in zip(COLUMNS, codes[row], strict=True) if state >= 0}
        alone = compile_plan(cards, model.parents, targets=TARGETS, hard=hard).run(model.tables, hard=hard)
        np.testing.assert_allclose(found.log_evidence[row], alone.log_evidence, rtol=1e-11, atol=1e-12)
        for target, table in alone.marginals.items():
            np.testing.assert_allclose(found.marginals[target][row], table, atol=1e-12)
    if draws:
        some = plan.run(model.tables, codes, draws=slice(1, 3))
        np.testing.assert_allclose(some.log_evidence, found.log_evidence[:, 1:3], rtol=1e-12)


def test_the_plan_of_a_batch_prints_what_it_does() -> None:
    model = central_model()
    cards = {name: len(states) for name, states in model.states.items()}
    plan = plan_batch(cards, model.parents, targets=["ada"], columns=["current_drug", "crp", "synovitis"])
    assert "1 gathered, 1 sliced, 1 as likelihoods" in str(plan)


def test_no_rows_give_no_answers() -> None:
    plan = plan_batch({"a": 2, "b": 2}, {"b": ("a",)}, targets=["a"], columns=["b"])
    tables = {"a": np.array([[0.5, 0.5]]), "b": np.array([[[0.5, 0.5], [0.1, 0.9]]])}
    found = plan.run(tables, np.empty((0, 1), dtype=int))
    assert found.marginals["a"].shape == (0, 1, 2)


def test_what_does_not_fit_is_refused_with_row_and_column() -> None:
    cards, parents = {"a": 2, "b": 2}, {"b": ("a",)}
    tables = {"a": np.array([[0.5, 0.5]]), "b": np.array([[[0.5, 0.5], [0.1, 0.9]]])}
    plan = plan_batch(cards, parents, targets=["a"], columns=["b"])
    with pytest.raises(RefraError, match="row 1, b: 2"):
        plan.run(tables, [[0], [2]])
    with pytest.raises(RefraError, match="whole numbers"):
        plan.run(tables, [[0.5]])
    with pytest.raises(RefraError, match="whole numbers"):
        plan.run(tables, [[0, 1]])
    with pytest.raises(RefraError, match="differ in a"):
        plan.run(tables, [[0]], soft={"a": [1.0, 1.0]})
    likely = plan_batch(cards, parents, targets=["a"], columns=[], soft=["b"])
    with pytest.raises(RefraError, match="shape"):
        likely.run(tables, np.empty((2, 0), dtype=int), soft={"b": np.ones((3, 2))})
    with pytest.raises(RefraError, match="twice"):
        plan_batch(cards, parents, targets=["a"], columns=["b"], soft=["b"])
    with pytest.raises(UnknownNameError, match="a"):
        plan_batch(cards, parents, targets=["a"], columns=["c"])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(SEEDS, st.sampled_from([0.0, 0.4]))
def test_paired_rows_are_the_diagonal_of_all_rows_in_all_sets(seed: int, zeros: float) -> None:
    rng = np.random.default_rng(seed)
    cards, parents, tables = random_network(rng, int(rng.integers(3, 9)), 5, zeros)
    tables[next(iter(cards))] = tables[next(iter(cards))][:1].repeat(5, axis=0)
    names = [str(name) for name in rng.permutation(list(cards))]
    columns, left = names[:-1], names[-1]
    soft = {left: rng.random((5, cards[left]))} if rng.random() < 0.5 else {}
    codes = np.array([[int(rng.integers(-1, cards[name])) for name in columns] for _ in range(5)], dtype=int)
    targets = [names[0], left]
    plan = plan_batch(cards, parents, targets=targets, columns=columns, soft=soft)
    whole = plan.run(tables, codes, soft=soft)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "ROWS_AT_A_TIME", 2)
        found = plan.run(tables, codes, soft=soft, paired=True)
    own = np.arange(5)
    np.testing.assert_allclose(found.log_evidence[:, 0], whole.log_evidence[own, own], rtol=1e-10, atol=1e-12)
    for target in targets:
        np.testing.assert_allclose(found.marginals[target][:, 0], whole.marginals[target][own, own], atol=1e-12)


def test_paired_rows_want_as_many_sets() -> None:
    cards, parents, tables = random_network(np.random.default_rng(0), 4, 3, 0.0)
    tables["v0"] = tables["v0"][:1].repeat(3, axis=0)
    plan = plan_batch(cards, parents, targets=["v0"], columns=["v1"])
    with pytest.raises(RefraError, match="2 rows and 3 parameter sets"):
        plan.run(tables, np.zeros((2, 1), dtype=int), paired=True)
