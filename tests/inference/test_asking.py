"""Asking the network: enumeration on small networks, properties on the shipped one, and the smallest clash."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refra.data.errors import ImpossibleFindingsError, RefraError
from refra.data.loading import variables
from refra.inference.asking import Known, ask, log_probability, one_hot, structure
from refra.inference.engine import compile_plan
from refra.model.assembly import central_model
from refra.model.network import Model, Node, build_model

FINDINGS = tuple(name for name, variable in variables().items() if variable.role == "finding")


def small_model(seed: int = 3) -> Model:
    """Five random variables in two parameter sets; `c` can never be in its last state where `a` is in its first."""
    rng = np.random.default_rng(seed)
    c = rng.dirichlet(np.ones(3), (2, 2, 3))
    c[:, 0, :, 2] = 0
    c /= c.sum(axis=-1, keepdims=True)
    nodes = {
        "a": Node((), rng.dirichlet(np.ones(2), 2)),
        "b": Node((), rng.dirichlet(np.ones(3), 2)),
        "c": Node(("a", "b"), c),
        "d": Node(("c",), rng.dirichlet(np.ones(2), (2, 3))),
        "e": Node(("c", "a"), rng.dirichlet(np.ones(4), (1, 3, 2))),
    }
    return build_model({name: tuple(f"s{i}" for i in range(node.table.shape[-1])) for name, node in nodes.items()}, nodes)


def joint(model: Model, known: Known, draw: int) -> tuple[np.ndarray, list[str]]:
    """Every world's probability with the findings, by brute force; variables that are set lose their own factor."""
    names = list(model.states)
    worlds = np.zeros([model.card(name) for name in names])
    for position in product(*(range(model.card(name)) for name in names)):
        world = dict(zip(names, position, strict=True))
        p = 1.0
        for name in names:
            table = model.tables[name]
            row = table[(draw if len(table) > 1 else 0, *(world[parent] for parent in model.parents[name]))]
            p *= float(world[name] == known.do[name]) if name in known.do else row[world[name]]
            p *= float(world[name] == known.hard[name]) if name in known.hard else 1.0
            if name in known.soft:
                likelihood = np.atleast_2d(known.soft[name])
                p *= likelihood[draw if len(likelihood) > 1 else 0, world[name]]
        worlds[position] = p
    return worlds, names


CASES = {
    "nothing": Known(),
    "a root": Known({"a": 1}),
    "both roots": Known({"a": 0, "b": 2}),
    "leaves": Known({"d": 1, "e": 2}),
    "a root and a likelihood": Known({"b": 0}, {"e": np.array([0.1, 1.0, 0.4, 0.0])}),
    "a likelihood on a root": Known({"d": 0}, {"a": np.array([0.3, 1.0])}),
    "a likelihood a set": Known({"d": 0}, {"e": np.array([[0.1, 1.0, 0.4, 0.2], [1.0, 0.2, 0.3, 0.9]])}),
    "set inside": Known({"e": 1}, {}, {"c": 0}),
    "a set root": Known({"d": 1}, {}, {"a": 1}),
    "a set root beside an observed one": Known({"d": 1, "b": 1}, {}, {"a": 1}),
}


@pytest.mark.parametrize("case", CASES)
def test_answers_equal_enumeration_in_every_parameter_set(case: str) -> None:
    model, known = small_model(), CASES[case]
    pair = tuple(name for name in ("c", "e") if name not in known.do)
    answer = ask(model, known, [*model.states, pair])
    for draw in range(2):
        worlds, names = joint(model, known, draw)
        total = worlds.sum()
        assert of_set(answer.log_evidence, draw) == pytest.approx(np.log(total), abs=1e-10)
        assert of_set(log_probability(model, known), draw) == pytest.approx(np.log(total), abs=1e-10)
        for target in (*names, pair):
            members = (target,) if isinstance(target, str) else target
            others = tuple(i for i, name in enumerate(names) if name not in members)
            expected = worlds.sum(axis=others) / total
            np.testing.assert_allclose(of_set(answer[target], draw), expected, atol=1e-12, err_msg=str(target))


def of_set(values: np.ndarray, draw: int) -> Any:
    """Return one parameter set's value; where nothing differs between the sets one value stands for all of them."""
    return values[draw if len(values) > 1 else 0]


def test_a_joint_with_an_observed_root_is_refused() -> None:
    with pytest.raises(ValueError, match="observed root"):
        ask(small_model(), Known({"a": 0}), [("a", "c")])


def test_observed_and_set_at_once_is_refused() -> None:
    for name in ("a", "c"):
        with pytest.raises(RefraError, match=name):
            ask(small_model(), Known({name: 0}, {}, {name: 0}), ["d"])


def test_what_is_known_grows_and_likelihoods_multiply() -> None:
    known = Known({"a": 1}, {"e": np.array([0.5, 1.0, 0.2, 0.0])})
    more = known.also(hard={"b": 0}, soft={"e": np.array([0.5, 0.5, 1.0, 1.0]), "d": np.array([0.1, 1.0])}, do={"c": 2})
    assert dict(more.hard) == {"a": 1, "b": 0}
    assert dict(more.do) == {"c": 2}
    assert more.soft["e"].tolist() == [0.25, 0.5, 0.2, 0.0]
    assert more.soft["d"].tolist() == [0.1, 1.0]
    assert known.soft["e"].tolist() == [0.5, 1.0, 0.2, 0.0]
    assert dict(known.do) == {}


def test_a_finding_written_as_a_likelihood_says_the_same() -> None:
    model = small_model()
    known = Known({"a": 1, "d": 0})
    turned = known.all_soft(model, ["d", "e"])
    assert dict(turned.hard) == {"a": 1}
    assert turned.soft["d"].tolist() == [1.0, 0.0]
    first, second = ask(model, known, ["c"]), ask(model, turned, ["c"])
    np.testing.assert_allclose(first["c"], second["c"], atol=1e-12)
    np.testing.assert_allclose(first.log_evidence, second.log_evidence, atol=1e-12)
    assert one_hot(model, "e", 2).tolist() == [0, 0, 1, 0]


# Findings that cannot all hold


def test_the_smallest_clash_is_named() -> None:
    model = small_model()
    with pytest.raises(ImpossibleFindingsError) as caught:
        ask(model, Known({"a": 0, "b": 1, "c": 2, "d": 0, "e": 3}), ["d"])
    assert set(caught.value.clash) == {("a", "s0"), ("c", "s2")}
    assert "a = s0" in str(caught.value)
    assert "b" not in dict(caught.value.clash)
    assert log_probability(model, Known({"a": 0, "c": 2}))[0] == -np.inf


def test_a_clash_with_a_likelihood_or_with_what_is_set_says_so() -> None:
    model = small_model()
    with pytest.raises(ImpossibleFindingsError) as caught:
        ask(model, Known({"a": 0}, {"c": np.array([0.0, 0.0, 0.4]), "d": np.array([0.5, 1.0])}), ["e"])
    assert set(caught.value.clash) == {("a", "s0"), ("c", "s2")}
    with pytest.raises(ImpossibleFindingsError, match=r"with a = s0 set.*c = s2") as caught:
        ask(model, Known({"c": 2, "d": 1}, {}, {"a": 0}), ["e"])
    assert caught.value.clash == (("c", "s2"),)
    three = build_model(
        {"x": ("s0", "s1", "s2"), "y": ("s0", "s1", "s2")},
        {"x": Node((), np.array([[0.2, 0.3, 0.5]])), "y": Node(("x",), np.eye(3)[None])},
    )
    with pytest.raises(ImpossibleFindingsError, match="s1 or s2"):
        ask(three, Known({"x": 0}, {"y": np.array([0.0, 0.4, 1.0])}), ["x"])


@pytest.mark.parametrize(
    ("given", "clash"),
    [
        ({"current_drug": "jak_inhibitor", "ada": "high_titre", "sjc28": "6+", "methotrexate": "none"}, {"current_drug", "ada"}),
        ({"other_disease": "none", "other_disease_active": "yes", "crp": ">30"}, {"other_disease", "other_disease_active"}),
        (
            {"fibromyalgia": "no", "osteoarthritis": "no", "depression": "no", "pain_source": "yes", "tjc28": "11+"},
            {"fibromyalgia", "osteoarthritis", "depression", "pain_source"},
        ),
        ({"current_drug": "rituximab", "escape": "yes", "covered_rituximab": "yes"}, {"current_drug", "escape", "covered_rituximab"}),
    ],
)
def test_the_shipped_network_names_a_smallest_clash(given: dict[str, str], clash: set[str]) -> None:
    model = central_model()
    hard = {name: model.position(name, state) for name, state in given.items()}
    with pytest.raises(ImpossibleFindingsError) as caught:
        ask(model, Known(hard), ["driver"])
    assert dict(caught.value.clash) == {name: given[name] for name in clash}
    # Smallest: without any one of them the others can hold.
    for name in clash:
        rest = {other: hard[other] for other in clash if other != name}
        assert log_probability(model, Known(rest))[0] > -np.inf


# Properties on the shipped network


@st.composite
def evidence(draw: st.DrawFn) -> dict[str, int]:
    names = draw(st.lists(st.sampled_from([*FINDINGS, "current_drug", "methotrexate", "smoking", "sex"]), unique=True, max_size=7))
    return {name: draw(st.integers(0, central_model().card(name) - 1)) for name in names}


TARGETS = ("primary_reason", "driver", "ada", "fibromyalgia", "lda_jak_inhibitor", "crp")


@given(evidence(), st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_probabilities_sum_to_1_and_the_order_of_findings_does_not_matter(hard: dict[str, int], shuffler: Any) -> None:
    model = central_model()
    answer = ask(model, Known(hard), TARGETS)
    order = list(hard)
    shuffler.shuffle(order)
    other = ask(model, Known({name: hard[name] for name in order}), tuple(reversed(TARGETS)))
    for target in TARGETS:
        assert answer[target].min() >= 0
        assert answer[target].sum() == pytest.approx(1.0, abs=1e-12)
        np.testing.assert_allclose(answer[target], other[target], atol=1e-12)
        if target in hard:
            assert answer[target][0, hard[target]] == pytest.approx(1.0, abs=1e-12)


@given(evidence(), st.sampled_from(FINDINGS), st.floats(0.1, 1.0))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_a_flat_likelihood_changes_nothing(hard: dict[str, int], name: str, height: float) -> None:
    model = central_model()
    plain = ask(model, Known(hard), TARGETS)
    flat = ask(model, Known(hard).also(soft={name: np.full(model.card(name), height)}), TARGETS)
    for target in TARGETS:
        np.testing.assert_allclose(plain[target], flat[target], atol=1e-11)
    assert flat.log_evidence[0] == pytest.approx(plain.log_evidence[0] + np.log(height), abs=1e-9)


@given(evidence(), st.sampled_from(FINDINGS))
@settings(max_examples=10, deadline=None, derandomize=True)
def test_the_states_of_a_finding_average_to_what_was_known_before(hard: dict[str, int], name: str) -> None:
    model = central_model()
    hard = {other: state for other, state in hard.items() if other != name}
    before = ask(model, Known(hard), ["primary_reason", name])
    mixed = np.zeros(model.card("primary_reason"))
    for state, p in enumerate(before[name][0]):
        if p > 0:
            mixed += p * ask(model, Known({**hard, name: state}), ["primary_reason"])["primary_reason"][0]
    np.testing.assert_allclose(mixed, before["primary_reason"][0], atol=1e-10)


def test_roots_taken_in_give_what_the_whole_network_gives() -> None:
    model = central_model()
    hard = dict.fromkeys(("current_drug", "methotrexate", "smoking", "depression", "multi_refractory", "autoantibody"), 1)
    hard |= {"sjc28": 2, "drug_level": 0}
    shape = structure(model)
    targets = ("driver", "exposure", "lda_tnf_inhibitor")
    plan = compile_plan(dict(shape.cards), dict(shape.parents), targets=targets, hard=tuple(hard))
    whole = plan.run(model.tables, hard=hard)
    answer = ask(model, Known(hard), targets)
    for target in targets:
        np.testing.assert_allclose(answer[target][0], whole.marginals[target][0], atol=1e-12)
    assert answer.log_evidence[0] == pytest.approx(whole.log_evidence[0], abs=1e-10)


@pytest.mark.parametrize(
    ("finding", "worse", "better", "target", "state"),
    [
        ("drug_level", "undetectable", "in_range", "exposure", "in_range"),
        ("sjc28", "6+", "0", "synovitis", "none"),
        ("refill_adherence", "<0.5", ">=0.8", "adherence", "full"),
        ("ada_test", "high_positive", "negative", "ada", "none"),
        ("widespread_pain", "yes", "no", "fibromyalgia", "no"),
        ("phq9", ">=15", "<5", "depression", "no"),
        ("hand_xray_oa", "yes", "no", "osteoarthritis", "no"),
        ("earlier_tnf_inhibitor", "never_worked", "stopped_other", "covered_tnf_inhibitor", "yes"),
    ],
)
def test_findings_point_the_right_way(finding: str, worse: str, better: str, target: str, state: str) -> None:
    model = central_model()
    drug = {"current_drug": model.position("current_drug", "adalimumab")}

    def p(seen: str | None) -> float:
        extra = {} if seen is None else {finding: model.position(finding, seen)}
        return float(ask(model, Known({**drug, **extra}), [target])[target][0, model.position(target, state)])

    assert p(worse) < p(None) < p(better)
