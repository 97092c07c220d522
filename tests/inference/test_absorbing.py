"""Findings absorbed into their parents say what they said before."""

from __future__ import annotations

import numpy as np

from refra.inference.absorbing import Folds, absorbable, cut, folded, narrowed, open_states
from refra.inference.asking import Known, ask, log_probability
from refra.inference.elimination import Structure
from refra.inference.engine import compile_plan
from refra.model.assembly import central_model, shipped_model


def test_only_likely_findings_without_children_that_are_not_kept_are_absorbed() -> None:
    parents = {"a": (), "b": ("a",), "c": ("b",), "d": ("b",), "e": ("b",)}
    assert absorbable(parents, ["a", "b", "c", "d"], {"d"}) == ("c",)


def test_a_folded_table_is_the_table_times_the_likelihood() -> None:
    random = np.random.default_rng(3)
    table = random.dirichlet(np.ones(3), size=(5, 2, 4))
    for likelihood in (random.random(3), random.random((5, 3))):
        known: Folds = {}
        seen = folded(table, likelihood, known)
        wanted = np.einsum("spqk,sk->spq", table, np.broadcast_to(likelihood, (5, 3)))
        np.testing.assert_allclose(seen[..., 0], wanted, rtol=1e-14)
        assert folded(table, likelihood, known) is seen


def test_one_table_and_many_rows_of_likelihoods_give_many_rows() -> None:
    random = np.random.default_rng(4)
    table, likelihood = random.dirichlet(np.ones(2), size=(1, 3)), random.random((6, 2))
    np.testing.assert_allclose(folded(table, likelihood, {})[..., 0], likelihood @ table[0].T, rtol=1e-14)


def test_narrowed_structures_have_one_state_for_what_was_absorbed() -> None:
    structure = narrowed(Structure.of({"a": 2, "b": 3}, {"b": ("a",)}), (("b", 1),))
    assert dict(structure.cards) == {"a": 2, "b": 1}


def test_answers_equal_those_of_a_plan_that_keeps_the_findings() -> None:
    model = shipped_model(3, 1)
    random = np.random.default_rng(5)
    names = ("crp", "sjc28", "drug_level", "phq9", "tjc28")
    soft = {name: random.random(model.card(name)) for name in names}
    hard = {"current_drug": model.position("current_drug", "adalimumab"), "target_met": 0}
    targets = ("primary_reason", "crp", ("ada", "exposure"))
    answer = ask(model, Known(hard, soft), targets)
    cards = {name: len(states) for name, states in model.states.items()}
    plan = compile_plan(cards, model.parents, targets=targets, hard=hard, soft=soft)
    wanted = plan.run(model.tables, hard=hard, soft=soft)
    for target in targets:
        np.testing.assert_allclose(answer[target], wanted.marginals[target], rtol=0, atol=1e-12)
    np.testing.assert_allclose(answer.log_evidence, wanted.log_evidence, rtol=0, atol=1e-10)


def test_a_finding_that_is_hard_and_likely_counts_twice_and_once_each() -> None:
    model = central_model()
    both = Known({"crp": 2}, {"crp": np.array([0.5] * model.card("crp"))})
    change = log_probability(model, both)[0] - log_probability(model, Known({"crp": 2}))[0]
    assert abs(change - np.log(0.5)) < 1e-12


def test_roots_lose_the_states_that_every_row_rules_out_at_either_end() -> None:
    parents: dict[str, tuple[str, ...]] = {"a": (), "b": (), "c": ("a",), "d": ()}
    soft = {
        "a": np.array([[0.0, 0.5, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]),
        "b": np.array([0.5, 0.0, 1.0]),
        "c": np.array([0.0, 1.0]),
        "d": np.array([0.0, 1.0]),
    }
    assert open_states(parents, soft, {"d"}) == {"a": slice(1, 3)}


def test_cut_tables_are_views_made_once() -> None:
    table = np.arange(24.0).reshape(2, 3, 4)
    known: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    part = cut(table, ("p", "x"), {"p": slice(1, 3)}, known)
    np.testing.assert_array_equal(part, table[:, 1:])
    assert part.base is not None
    assert cut(table, ("p", "x"), {"p": slice(1, 3)}, known) is part


def test_answers_with_a_background_near_a_cut_off_equal_those_of_a_whole_plan() -> None:
    model = shipped_model(2, 1)
    soft = {"bmi_class": np.array([0.0, 0.3, 1.0]), "age_group": np.array([0.0, 0.0, 1.0]), "crp": np.array([0.1, 0.2, 0.3, 0.9, 0.5])}
    hard = {"current_drug": model.position("current_drug", "infliximab"), "target_met": 0}
    targets = ("primary_reason", "fibromyalgia", "bmi_class")
    cards = {name: len(states) for name, states in model.states.items()}
    wanted = compile_plan(cards, model.parents, targets=targets, hard=hard, soft=soft).run(model.tables, hard=hard, soft=soft)
    for some in (targets, targets[:2]):
        answer = ask(model, Known(hard, soft), some)
        for target in some:
            np.testing.assert_allclose(answer[target], wanted.marginals[target], rtol=0, atol=1e-12)
        np.testing.assert_allclose(answer.log_evidence, wanted.log_evidence, rtol=0, atol=1e-10)
