"""Plans run together against the same plans run alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refra.inference import together
from refra.inference.asking import Known, ask, ask_together
from refra.inference.causes import CAUSES, all_averted, averted
from refra.inference.engine import Result, compile_plan
from refra.inference.together import Request, run_together
from refra.inference.twins import Twins
from refra.model.assembly import shipped_model
from refra.model.specialise import specialise


def assert_same(one: Result, other: Result) -> None:
    np.testing.assert_allclose(one.log_evidence, other.log_evidence, rtol=1e-12, atol=1e-12)
    assert one.marginals.keys() == other.marginals.keys()
    for target, table in one.marginals.items():
        np.testing.assert_allclose(table, other.marginals[target], atol=1e-12)


def random_requests(seed: int, zeros: float) -> list[Request]:
    rng = np.random.default_rng(seed)
    names = [f"v{place}" for place in range(9)]
    cards = {name: int(rng.integers(1, 4)) for name in names}
    draws = int(rng.integers(1, 6))
    parents, tables = {}, {}
    for place, name in enumerate(names):
        count = int(rng.integers(0, min(place, 3) + 1))
        parents[name] = tuple(str(p) for p in rng.choice(names[:place], count, replace=False)) if count else ()
        shape = (draws if rng.random() < 0.7 else 1, *(cards[p] for p in parents[name]), cards[name])
        table = np.where(rng.random(shape) < zeros, 0.0, rng.random(shape))
        table[..., 0] += 1e-3
        tables[name] = table / table.sum(axis=-1, keepdims=True)
    kinds = dict(zip(names, rng.integers(0, 5, len(names)), strict=True))
    hard = {n: rng.integers(0, cards[n], draws) if rng.random() < 0.3 else int(rng.integers(cards[n])) for n in names if kinds[n] == 0}
    do = {n: int(rng.integers(cards[n])) for n in names if kinds[n] == 1}
    soft = {n: rng.random((draws, cards[n]) if rng.random() < 0.5 else cards[n]) for n in names if kinds[n] == 2}
    requests = []
    for _ in range(4):
        targets = [str(name) for name in rng.choice(names, int(rng.integers(0, 3)), replace=False)]
        if rng.random() < 0.3:
            targets.append(tuple(str(name) for name in rng.choice(names, 2, replace=False)))
        left = {name: state for name, state in hard.items() if rng.random() < 0.9}
        # A table of its own must not be taken for that of the others.
        own = {name: table[:, ::-1] if table.ndim > 2 and rng.random() < 0.1 else table for name, table in tables.items()}
        plan = compile_plan(cards, parents, targets=targets, hard=left, soft=soft, do=do)
        requests.append(Request(plan, own, left, soft, do))
    return requests


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.4]))
def test_together_and_alone_give_the_same(seed: int, zeros: float) -> None:
    requests = random_requests(seed, zeros)
    for one, result in zip(requests, run_together(requests), strict=True):
        assert_same(one.alone(), result)


def test_parts_of_the_draws_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "parts_of", lambda draws, *_: [slice(start, min(start + 2, draws)) for start in range(0, draws, 2)])
    for seed in range(30):
        requests = random_requests(seed, 0.0)
        for one, result in zip(requests, run_together(requests), strict=True):
            assert_same(one.alone(), result)


def test_what_may_underflow_is_done_alone() -> None:
    names = [f"x{place}" for place in range(40)]
    stay = np.repeat(np.array([[[1.0, 0.0], [0.0, 1.0]]]), 3, axis=0)
    tables = {name: stay if place else np.array([[0.5, 0.5]]) for place, name in enumerate(names)}
    parents = {name: (names[place - 1],) for place, name in enumerate(names) if place}
    soft = {name: np.array([1.0, 1e-300] if place % 2 else [1e-300, 1.0]) for place, name in enumerate(names)}
    soft["x39"] = np.array([3.0, 1e-300])
    cards = dict.fromkeys(names, 2)
    requests = [Request(compile_plan(cards, parents, targets=[name], soft=soft), tables, {}, soft, {}) for name in ("x0", "x39", "x20")]
    for one, result in zip(requests, run_together(requests), strict=True):
        assert_same(one.alone(), result)
        assert np.isfinite(next(iter(result.marginals.values()))).all()


def test_common_work_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"x{place}" for place in range(30)]
    rng = np.random.default_rng(3)
    parents = {name: (names[place - 1],) for place, name in enumerate(names) if place}
    tables = {name: rng.dirichlet([1.0, 1.0], (4, 2) if place else 4) for place, name in enumerate(names)}
    plans = [compile_plan(dict.fromkeys(names, 2), parents, targets=[name], hard=["x29"]) for name in ("x0", "x1", "x2")]
    requests = [Request(plan, tables, {"x29": 1}, {}, {}) for plan in plans]
    done = []
    apply = together.apply_step

    def counted(*arguments: object) -> object:
        done.append(1)
        return apply(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(together, "apply_step", counted)
    results = run_together(requests)
    first = len(done)
    run_together(requests[:1])
    assert first < 1.6 * (len(done) - first)
    for one, result in zip(requests, results, strict=True):
        assert_same(one.alone(), result)


def test_questions_about_the_shipped_network_and_its_twins() -> None:
    model = specialise(shipped_model(5, 1), {"current_drug": 2, "methotrexate": 1, "smoking": 0, "age_group": 1, "sex": 0, "bmi_class": 1})
    known = Known({"target_met": 0, "sjc28": 2}, {"crp": np.array([0.1, 0.2, 0.5, 1.0, 0.4])})
    questions = [(f"lda_{option}",) for option in ("continue", "rituximab", "abatacept", "jak_inhibitor")]
    for targets, answer in zip(questions, ask_together((model, known, targets) for targets in questions), strict=True):
        alone = ask(model, known, targets)
        np.testing.assert_allclose(answer[targets[0]], alone[targets[0]], atol=1e-13)
        np.testing.assert_allclose(answer.log_evidence, alone.log_evidence, rtol=1e-12)
    saved = all_averted(model, known, Twins(model, known=known.hard))
    for column, cause in enumerate(CAUSES):
        # Twins for all states of the target must say the same as those for its known state.
        np.testing.assert_allclose(saved[:, column], averted(model, known, cause, Twins(model)), atol=1e-12)
