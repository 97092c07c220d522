"""The engine against brute force, arithmetic by hand and laws that any exact engine obeys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refra.data.errors import RefraError, UnknownNameError
from refra.inference import execution
from refra.inference.elimination import RULES, Structure, clique_tree, eliminate, entries, interaction_graph, members
from refra.inference.engine import Plan, Result, Target, cached_plan, compile_plan
from refra.inference.junction_tree import Arena

SEEDS = st.integers(0, 2**32 - 1)


@dataclass(frozen=True)
class Network:
    cards: dict[str, int]
    parents: dict[str, tuple[str, ...]]
    tables: dict[str, np.ndarray]


def random_network(rng: np.random.Generator, size: int, draws: int, zeros: float = 0.0, most: int = 3) -> Network:
    names = [f"v{place}" for place in range(size)]
    cards = {name: int(rng.integers(1, 4)) if rng.random() < 0.9 else 5 for name in names}
    parents: dict[str, tuple[str, ...]] = {}
    tables = {}
    for place, name in enumerate(names):
        count = int(rng.integers(0, min(place, most) + 1))
        parents[name] = tuple(str(p) for p in rng.choice(names[:place], count, replace=False)) if count else ()
        shape = (draws if rng.random() < 0.7 else 1, *(cards[p] for p in parents[name]), cards[name])
        table = np.where(rng.random(shape) < zeros, 0.0, rng.random(shape))
        table[..., 0] += 1e-3
        tables[name] = table / table.sum(axis=-1, keepdims=True)
    order = [names[place] for place in rng.permutation(size)]
    return Network({name: cards[name] for name in order}, parents, tables)


def enumerate_joint(
    net: Network,
    hard: Mapping[str, int | np.ndarray],
    soft: Mapping[str, np.ndarray],
    do: Mapping[str, int | np.ndarray],
) -> np.ndarray:
    """Multiply everything out: shape (draws, *cards), unnormalised."""
    names = list(net.cards)
    draws = max([len(t) for t in net.tables.values()] + [np.size(h) for h in (*hard.values(), *do.values())])
    joint = np.ones((draws, *net.cards.values()))

    def multiply(table: np.ndarray, scope: Sequence[str]) -> None:
        nonlocal joint
        order = sorted(range(len(scope)), key=lambda axis: names.index(scope[axis]))
        table = np.transpose(table, (0, *(axis + 1 for axis in order)))
        joint = joint * table.reshape(len(table), *(net.cards[n] if n in scope else 1 for n in names))

    for name in names:
        if name not in do:
            multiply(net.tables[name], (*net.parents[name], name))
    for name, state in {**hard, **do}.items():
        multiply(np.eye(net.cards[name])[np.atleast_1d(state)], (name,))
    for name, likelihood in soft.items():
        multiply(np.atleast_2d(likelihood), (name,))
    return joint


def brute_force(net: Network, joint: np.ndarray, target: Target) -> np.ndarray:
    names = list(net.cards)
    asked = (target,) if isinstance(target, str) else target
    table = joint.sum(axis=tuple(axis for axis, name in enumerate(names, start=1) if name not in asked))
    kept = [name for name in names if name in asked]
    table = np.transpose(table, (0, *(kept.index(name) + 1 for name in asked)))
    return table / table.sum(axis=tuple(range(1, table.ndim)), keepdims=True)


def compile_and_run(net: Network, targets: Sequence[Target], chunk: int | None = None, **known: Mapping) -> Result:
    plan = compile_plan(net.cards, net.parents, targets=targets, **known)
    return plan.run(net.tables, chunk=chunk, **known)


def random_case(seed: int, zeros: float = 0.0) -> tuple[Network, list[Target], dict[str, dict]]:
    rng = np.random.default_rng(seed)
    draws = int(rng.integers(1, 5))
    net = random_network(rng, int(rng.integers(1, 9)), draws, zeros)
    kinds = dict(zip(net.cards, rng.integers(0, 6, len(net.cards)), strict=True))

    def state(name: str) -> int | np.ndarray:
        by_draw = rng.random() < 0.3
        return rng.integers(0, net.cards[name], draws) if by_draw else int(rng.integers(net.cards[name]))

    hard = {name: state(name) for name, kind in kinds.items() if kind == 0}
    do = {name: state(name) for name, kind in kinds.items() if kind == 1}
    soft = {
        name: rng.random((draws, card) if rng.random() < 0.5 else card)
        for name, card in net.cards.items()
        if kinds[name] == 2 or (kinds[name] == 0 and rng.random() < 0.2)
    }
    names = list(net.cards)
    targets: list[Target] = [str(name) for name in rng.choice(names, min(3, len(names)), replace=False)]
    for _ in range(2):
        members_of = rng.choice(names, int(rng.integers(1, min(3, len(names)) + 1)), replace=False)
        targets.append(tuple(str(name) for name in members_of))
    return net, targets, {"hard": hard, "soft": soft, "do": do}


def check_against_brute_force(seed: int, zeros: float, chunk: int) -> None:
    net, targets, known = random_case(seed, zeros)
    result = compile_and_run(net, targets, chunk, **known)
    joint = enumerate_joint(net, **known)
    total = joint.reshape(len(joint), -1).sum(axis=1)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(result.log_evidence, np.log(total), rtol=1e-10, atol=1e-12)
        for target in targets:
            expected = brute_force(net, joint, target)
            assert result.marginals[target].shape == expected.shape
            np.testing.assert_allclose(result.marginals[target], expected, atol=1e-12)
    np.testing.assert_array_equal(result.possible, total > 0.0)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(SEEDS, st.sampled_from([0.0, 0.3]), st.integers(1, 4))
def test_posteriors_and_evidence_equal_brute_force(seed: int, zeros: float, chunk: int) -> None:
    check_against_brute_force(seed, zeros, chunk)


@pytest.mark.parametrize("seed", range(40))
def test_logarithms_equal_brute_force(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "CERTAIN", np.inf)
    check_against_brute_force(seed, zeros=0.2 * (seed % 2), chunk=2)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(SEEDS)
def test_order_of_evidence_is_irrelevant(seed: int) -> None:
    net, targets, known = random_case(seed)
    turned = {word: dict(reversed(values.items())) for word, values in known.items()}
    assert_same(compile_and_run(net, targets, **known), compile_and_run(net, targets, **turned), exact=True)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(SEEDS, st.floats(1e-300, 1.0))
def test_flat_likelihood_changes_only_the_evidence(seed: int, level: float) -> None:
    net, targets, known = random_case(seed)
    extra = next((name for name in net.cards if all(name not in values for values in known.values())), None)
    if extra is None:
        return
    flat = {**known, "soft": {**known["soft"], extra: np.full(net.cards[extra], level)}}
    before, after = compile_and_run(net, targets, **known), compile_and_run(net, targets, **flat)
    np.testing.assert_allclose(after.log_evidence, before.log_evidence + np.log(level), rtol=1e-10, atol=1e-12)
    for target in targets:
        np.testing.assert_allclose(after.marginals[target], before.marginals[target], atol=1e-12)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(SEEDS)
def test_one_hot_likelihood_is_a_hard_finding(seed: int) -> None:
    net, targets, known = random_case(seed)
    known["soft"] = {name: value for name, value in known["soft"].items() if name not in known["hard"]}
    one_hot = {name: np.eye(net.cards[name])[state] for name, state in known["hard"].items()}
    softened = {"hard": {}, "soft": {**known["soft"], **one_hot}, "do": known["do"]}
    assert_same(compile_and_run(net, targets, **known), compile_and_run(net, targets, **softened))


def assert_same(one: Result, other: Result, exact: bool = False) -> None:
    tolerance = 0.0 if exact else 1e-12
    np.testing.assert_allclose(one.log_evidence, other.log_evidence, rtol=tolerance, atol=tolerance)
    assert one.marginals.keys() == other.marginals.keys()
    for target, table in one.marginals.items():
        np.testing.assert_allclose(table, other.marginals[target], rtol=0.0, atol=tolerance)


@pytest.mark.parametrize("chunk", [2, 3, 16, 50, 1000])
def test_chunks_of_draws_give_identical_results(chunk: int) -> None:
    rng = np.random.default_rng(5)
    net = random_network(rng, 14, draws=50)
    known = {"hard": {"v3": 0}, "soft": {"v8": rng.random((50, net.cards["v8"]))}}
    whole = compile_and_run(net, ["v0", "v12", ("v2", "v9")], 50, **known)
    assert_same(whole, compile_and_run(net, ["v0", "v12", ("v2", "v9")], chunk, **known), exact=True)


def test_each_draw_is_its_own_network() -> None:
    rng = np.random.default_rng(6)
    net = random_network(rng, 10, draws=7)
    hard = {"v9": 0}
    together = compile_and_run(net, ["v1", "v5"], hard=hard)
    for draw in range(7):
        tables = {name: table[[draw if len(table) > 1 else 0]] for name, table in net.tables.items()}
        alone = compile_and_run(Network(net.cards, net.parents, tables), ["v1", "v5"], hard=hard)
        for target, table in alone.marginals.items():
            np.testing.assert_allclose(together.marginals[target][draw], table[0], atol=1e-13)
        assert together.log_evidence[draw] == pytest.approx(alone.log_evidence[0], abs=1e-12)


def test_a_row_of_findings_for_each_draw_equals_one_run_a_row() -> None:
    rng = np.random.default_rng(7)
    net = random_network(rng, 12, draws=1)
    rows = {name: rng.integers(0, net.cards[name], 20) for name in ("v2", "v7", "v11")}
    plan = compile_plan(net.cards, net.parents, targets=["v0", ("v7", "v4")], hard=rows)
    together = plan.run(net.tables, hard=rows)
    for row in range(20):
        alone = plan.run(net.tables, hard={name: int(states[row]) for name, states in rows.items()})
        for target in plan.targets:
            np.testing.assert_allclose(together.marginals[target][row], alone.marginals[target][0], atol=1e-13)


SPRINKLER = Network(
    {"cloudy": 2, "sprinkler": 2, "rain": 2, "wet": 2},
    {"cloudy": (), "sprinkler": ("cloudy",), "rain": ("cloudy",), "wet": ("sprinkler", "rain")},
    {
        "cloudy": np.array([[0.5, 0.5]]),
        "sprinkler": np.array([[[0.5, 0.5], [0.9, 0.1]]]),
        "rain": np.array([[[0.8, 0.2], [0.2, 0.8]]]),
        "wet": np.array([[[[1.0, 0.0], [0.1, 0.9]], [[0.1, 0.9], [0.01, 0.99]]]]),
    },
)


def test_setting_differs_from_seeing_by_the_truncated_factorisation() -> None:
    # P(wet | do sprinkler on) = sum over rain of P(rain) P(wet | on, rain), P(rain) = 0.5 * 0.2 + 0.5 * 0.8 = 0.5
    set_on = compile_and_run(SPRINKLER, ["wet", "cloudy"], do={"sprinkler": 1})
    assert set_on.marginals["wet"][0, 1] == pytest.approx(0.5 * 0.9 + 0.5 * 0.99, abs=1e-14)
    assert set_on.marginals["cloudy"][0, 1] == pytest.approx(0.5, abs=1e-14)
    assert set_on.log_evidence[0] == pytest.approx(0.0, abs=1e-14)
    # Seen on: P(cloudy | on) = 0.1 / 0.6, so P(rain | on) = (5 * 0.2 + 1 * 0.8) / 6 = 0.3
    seen_on = compile_and_run(SPRINKLER, ["wet", "cloudy"], hard={"sprinkler": 1})
    assert seen_on.marginals["cloudy"][0, 1] == pytest.approx(1 / 6, abs=1e-14)
    assert seen_on.marginals["wet"][0, 1] == pytest.approx(0.7 * 0.9 + 0.3 * 0.99, abs=1e-14)
    assert seen_on.log_evidence[0] == pytest.approx(np.log(0.3), abs=1e-14)


def test_findings_below_an_intervention_and_a_likelihood_weigh_as_by_hand() -> None:
    # do sprinkler on, wet seen, rain's report twice as likely if it rains: rain 0.5 * 0.99 * 2 against 0.5 * 0.9 * 1
    result = compile_and_run(SPRINKLER, ["rain", "wet", ("sprinkler", "rain")], do={"sprinkler": 1}, hard={"wet": 1}, soft={"rain": [1, 2]})
    rain = 0.99 * 2 / (0.99 * 2 + 0.9)
    assert result.marginals["rain"][0, 1] == pytest.approx(rain, abs=1e-14)
    np.testing.assert_array_equal(result.marginals["wet"], [[0.0, 1.0]])
    np.testing.assert_allclose(result.marginals["sprinkler", "rain"], [[[0, 0], [1 - rain, rain]]], atol=1e-14)
    assert result.log_evidence[0] == pytest.approx(np.log(0.5 * 0.99 * 2 + 0.5 * 0.9), abs=1e-14)


def test_impossible_findings_are_marked_draw_by_draw() -> None:
    tables = {**SPRINKLER.tables, "wet": np.repeat(SPRINKLER.tables["wet"], 3, axis=0)}
    tables["wet"][1, 0, 0] = [0.4, 0.6]
    net = Network(SPRINKLER.cards, SPRINKLER.parents, tables)
    hard = {"sprinkler": 0, "rain": 0, "wet": 1}
    result = compile_and_run(net, ["cloudy", "wet", ("wet", "cloudy")], hard=hard)
    assert list(result.possible) == [False, True, False]
    assert list(np.isneginf(result.log_evidence)) == [True, False, True]
    for table in result.marginals.values():
        assert np.all(np.isnan(table[[0, 2]]))
        assert np.all(np.isfinite(table[1]))


def test_impossible_findings_apart_from_the_target_are_marked_too() -> None:
    net = Network({"a": 2, "b": 2}, {}, {"a": np.array([[0.3, 0.7]]), "b": np.array([[1.0, 0.0]])})
    result = compile_and_run(net, ["a"], hard={"b": 1})
    assert np.isneginf(result.log_evidence[0])
    assert np.all(np.isnan(result.marginals["a"]))
    nothing = compile_and_run(net, ["a"], soft={"a": [0.0, 0.0]})
    assert np.isneginf(nothing.log_evidence[0])


def chain(length: int, stay: float) -> Network:
    names = [f"x{place}" for place in range(length)]
    step = np.array([[[stay, 1 - stay], [1 - stay, stay]]])
    parents = {name: (names[place - 1],) if place else () for place, name in enumerate(names)}
    tables = {name: step if place else np.array([[0.5, 0.5]]) for place, name in enumerate(names)}
    return Network(dict.fromkeys(names, 2), parents, tables)


@pytest.mark.parametrize("small", [1e-12, 1e-300])
def test_a_long_chain_of_tiny_likelihoods_does_not_underflow(small: float) -> None:
    # Each likelihood is small * (1, 2): by symmetry of scale the posterior is that of the likelihoods (1, 2).
    net = chain(60, 0.8)
    tiny = compile_and_run(net, ["x0", "x59"], soft={name: [small, 2 * small] for name in net.cards})
    plain = compile_and_run(net, ["x0", "x59"], soft={name: [1.0, 2.0] for name in net.cards})
    assert tiny.log_evidence[0] == pytest.approx(plain.log_evidence[0] + 60 * np.log(small), rel=1e-12)
    for target in ("x0", "x59"):
        np.testing.assert_allclose(tiny.marginals[target], plain.marginals[target], atol=1e-12)


@pytest.mark.parametrize("length", [4, 60])
@pytest.mark.parametrize("alternating", [True, False])
@pytest.mark.parametrize("small", [1e-300, 1e-200])
def test_opposite_overwhelming_findings_leave_the_right_odds(length: int, alternating: bool, small: float) -> None:
    # Half the findings say small : 1, the other half 1 : small, the last 3 : 1. On a frozen chain, odds are 3 : 1.
    net = chain(length + 1, 1.0)
    first = [place % 2 == 0 if alternating else place < length / 2 for place in range(length)]
    soft = {f"x{place}": [1.0, small] if early else [small, 1.0] for place, early in enumerate(first)}
    soft[f"x{length}"] = [3.0, 1.0]
    for target in net.cards:
        result = compile_and_run(net, [target, "x0"], soft=soft)
        assert result.log_evidence[0] == pytest.approx(np.log(2.0) + length / 2 * np.log(small), rel=1e-12)
        for table in result.marginals.values():
            np.testing.assert_allclose(table, [[0.75, 0.25]], atol=1e-9)


def test_the_last_state_to_survive_may_have_any_tiny_probability() -> None:
    # A thousand nats below the most likely state, and the only one that the last finding allows.
    net = chain(5, 1.0)
    soft = {"x0": [1.0, 1e-300], "x1": [1.0, 1e-300], "x2": [1.0, 1e-300]}
    result = compile_and_run(net, ["x3"], soft=soft, hard={"x4": 1})
    np.testing.assert_allclose(result.marginals["x3"], [[0.0, 1.0]])
    assert result.log_evidence[0] == pytest.approx(np.log(0.5) + 3 * np.log(1e-300), rel=1e-12)


def test_dozens_of_rare_hard_findings_do_not_underflow() -> None:
    # 80 findings, each 1e-6 if the cause is absent and 2e-6 if present: odds 2 ** 80 on a prior of one half.
    children = [f"f{place}" for place in range(80)]
    table = np.array([[[1 - 1e-6, 1e-6], [1 - 2e-6, 2e-6]]])
    net = Network(
        dict.fromkeys(["cause", *children], 2),
        dict.fromkeys(children, ("cause",)),
        {"cause": np.array([[0.5, 0.5]]), **dict.fromkeys(children, table)},
    )
    result = compile_and_run(net, ["cause"], hard=dict.fromkeys(children, 1))
    assert result.log_evidence[0] == pytest.approx(80 * np.log(1e-6) + np.log(0.5) + 80 * np.log(2), rel=1e-9)
    assert result.marginals["cause"][0, 0] == pytest.approx(2.0**-80, rel=1e-9)


def test_a_joint_target_of_far_apart_variables_is_married() -> None:
    net = chain(6, 0.9)
    result = compile_and_run(net, [("x5", "x0")])
    same = 0.5 * (1 + 0.8**5)
    np.testing.assert_allclose(result.marginals["x5", "x0"], [[[same / 2, (1 - same) / 2], [(1 - same) / 2, same / 2]]], atol=1e-14)


def test_barren_variables_are_left_out_and_the_plan_prints_its_cost() -> None:
    net = chain(30, 0.9)
    plan = compile_plan(net.cards, net.parents, targets=["x2"], hard=["x4"])
    assert set(plan.tables_needed) == {"x0", "x1", "x2", "x3", "x4"}
    assert len(plan.cliques) == 3
    assert plan.total_entries == 12
    assert plan.largest_entries == 4
    text = str(plan)
    for word in ("cliques", "largest clique", "operations", "bytes a draw", "12 entries"):
        assert word in text
    assert plan.operations > 0
    assert plan.bytes_per_draw > 0


def test_what_an_intervention_cuts_off_is_left_out() -> None:
    net = chain(30, 0.9)
    plan = compile_plan(net.cards, net.parents, targets=["x6"], do=["x4"])
    assert set(plan.tables_needed) == {"x5", "x6"}


def test_scales_above_one_lower_the_bound_below_which_nothing_is_certified() -> None:
    scales = [np.array([np.exp(3.0), np.exp(-1.0)]), np.array([np.exp(-5.0)])]
    total, growth = execution.sum_of_logarithms(scales, 2)
    np.testing.assert_allclose(total, [-2.0, -6.0])
    np.testing.assert_allclose(growth, [3.0, 0.0])


def test_observed_variables_enter_no_clique() -> None:
    cards = {"background": 9, "a": 2, "b": 2}
    parents = {"a": ("background",), "b": ("background", "a")}
    observed = compile_plan(cards, parents, targets=["b"], hard=["background"])
    assert observed.cliques == (("a", "b"),) or observed.cliques == (("b", "a"),)
    assert compile_plan(cards, parents, targets=["b"]).total_entries == 36


def test_plans_are_made_once() -> None:
    net = chain(8, 0.9)
    structure = Structure.of(net.cards, net.parents)
    same = Structure.of(dict(net.cards), dict(net.parents))
    assert structure == same
    assert hash(structure) == hash(same)
    first = cached_plan(structure, targets=["x0"], hard=["x5", "x7"])
    assert cached_plan(same, targets=("x0",), hard=iter(["x7", "x5"])) is first
    assert cached_plan(structure, targets=["x0"], hard=["x5"]) is not first
    assert isinstance(first, Plan)


def test_running_changes_no_input() -> None:
    rng = np.random.default_rng(8)
    net = random_network(rng, 9, draws=3)
    soft = {"v4": np.full(net.cards["v4"], 0.3)}
    for array in (*net.tables.values(), *soft.values()):
        array.flags.writeable = False
    plan = compile_plan(net.cards, net.parents, targets=["v0"], soft=soft)
    assert_same(plan.run(net.tables, soft=soft), plan.run(net.tables, soft=soft), exact=True)


def test_without_free_variables_the_evidence_is_still_right() -> None:
    result = compile_and_run(SPRINKLER, ["rain"], hard={"cloudy": 1, "rain": 0})
    np.testing.assert_array_equal(result.marginals["rain"], [[1.0, 0.0]])
    assert result.log_evidence[0] == pytest.approx(np.log(0.5 * 0.2), abs=1e-14)
    assert compile_and_run(SPRINKLER, []).log_evidence[0] == 0.0


def test_the_number_of_draws_is_that_of_the_tables_even_if_the_answer_needs_none() -> None:
    tables = {**SPRINKLER.tables, "wet": np.repeat(SPRINKLER.tables["wet"], 4, axis=0)}
    result = compile_and_run(Network(SPRINKLER.cards, SPRINKLER.parents, tables), ["rain"])
    np.testing.assert_allclose(result.marginals["rain"], np.full((4, 2), 0.5))
    assert result.log_evidence.shape == (4,)


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"targets": ["rian"]}, "rain"),
        ({"targets": ["rain"], "hard": ["clowdy"]}, "cloudy"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(known: dict, words: str) -> None:
    with pytest.raises(UnknownNameError, match=words):
        compile_plan(SPRINKLER.cards, SPRINKLER.parents, **known)


def test_plans_that_make_no_sense_are_refused() -> None:
    cards, parents = SPRINKLER.cards, SPRINKLER.parents
    with pytest.raises(RefraError, match="not both"):
        compile_plan(cards, parents, targets=["rain"], hard=["cloudy"], do=["cloudy"])
    with pytest.raises(RefraError, match="different"):
        compile_plan(cards, parents, targets=[("rain", "rain")])
    with pytest.raises(RefraError, match="different"):
        compile_plan(cards, parents, targets=[()])
    with pytest.raises(RefraError, match="cycle"):
        compile_plan({"a": 2, "b": 2}, {"a": ("b",), "b": ("a",)}, targets=["a"])
    with pytest.raises(UnknownNameError):
        compile_plan({"a": 2}, {"a": ("b",)}, targets=["a"])


@pytest.mark.parametrize(
    ("given_now", "words"),
    [
        ({"hard": {}}, "differ in wet"),
        ({"hard": {"wet": 1, "rain": 0}}, "differ in rain"),
        ({"hard": {"wet": 2}}, "from 0 to 1"),
        ({"hard": {"wet": -1}}, "from 0 to 1"),
        ({"hard": {"wet": 1.0}}, "whole number"),
        ({"hard": {"wet": True}}, "whole number"),
        ({"soft": {"rain": [1.0]}}, "shape"),
        ({"soft": {"rain": [1.0, -0.1]}}, "at least 0"),
        ({"soft": {"rain": [1.0, np.nan]}}, "finite"),
        ({"hard": {"wet": np.array([0, 1])}, "soft": {"rain": np.ones((3, 2))}}, "do not go together"),
        ({"chunk": 0}, "at least 1"),
    ],
)
def test_values_that_do_not_fit_the_plan_are_refused(given_now: dict, words: str) -> None:
    plan = compile_plan(SPRINKLER.cards, SPRINKLER.parents, targets=["cloudy"], hard=["wet"], soft=["rain"])
    with pytest.raises(RefraError, match=words):
        plan.run(SPRINKLER.tables, **({"hard": {"wet": 1}, "soft": {"rain": [1.0, 1.0]}} | given_now))


def test_tables_that_do_not_fit_are_refused() -> None:
    plan = compile_plan(SPRINKLER.cards, SPRINKLER.parents, targets=["wet"])
    with pytest.raises(RefraError, match="table of cloudy"):
        plan.run({**SPRINKLER.tables, "cloudy": np.array([0.5, 0.5])})
    with pytest.raises(UnknownNameError, match="wet"):
        plan.run({name: table for name, table in SPRINKLER.tables.items() if name != "wet"})


@settings(max_examples=40, deadline=None, derandomize=True)
@given(SEEDS, st.sampled_from(RULES))
def test_clique_trees_cover_every_scope_and_keep_each_vertex_connected(seed: int, rule) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 15))
    scopes = [int(rng.integers(1, 2**size)) & int(rng.integers(1, 2**size)) for _ in range(int(rng.integers(1, 12)))]
    cards = [int(card) for card in rng.integers(2, 5, size)]
    tree = clique_tree(eliminate(interaction_graph(scopes, size), cards, rule))
    assert all(any(not scope & ~clique for clique in tree.cliques) for scope in scopes)
    for one, clique in enumerate(tree.cliques):
        assert all(one == other or clique & ~second for other, second in enumerate(tree.cliques))
    for vertex in range(size):
        holders = {place for place, clique in enumerate(tree.cliques) if clique >> vertex & 1}
        joined = [edge for edge in tree.edges if set(edge) <= holders]
        # A forest whose part over the holders has one edge less than it has cliques is connected there.
        assert len(joined) == len(holders) - 1
    assert list(members(0b10110)) == [1, 2, 4]
    assert entries(0b101, [2, 7, 3]) == 6


@settings(max_examples=40, deadline=None, derandomize=True)
@given(SEEDS)
def test_the_arena_never_gives_a_place_twice(seed: int) -> None:
    rng = np.random.default_rng(seed)
    arena = Arena()
    taken: list[tuple[int, int]] = []
    for _ in range(60):
        if taken and rng.random() < 0.45:
            arena.give(*taken.pop(int(rng.integers(len(taken)))))
        else:
            count = int(rng.integers(1, 20))
            taken.append((arena.take(count), count))
        cells = [cell for start, count in taken for cell in range(start, start + count)]
        assert len(cells) == len(set(cells))
        assert all(cell < arena.size for cell in cells)
