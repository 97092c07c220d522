"""Planning: the shortcuts must lead to trees no larger than those of the plain greedy rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refra.inference import engine
from refra.inference.asking import structure
from refra.inference.elimination import RULES, cheapest_tree, clique_tree, entries, interaction_graph, members
from refra.inference.engine import cached_plan
from refra.model.assembly import central_model
from refra.model.specialise import specialise

Score = Callable[[Sequence[set[int]], Sequence[int], int], tuple[float, float]]


def absent_pairs(graph: Sequence[set[int]], vertex: int) -> list[tuple[int, int]]:
    around = sorted(graph[vertex])
    return [(a, b) for place, a in enumerate(around) for b in around[:place] if b not in graph[a]]


def table(graph: Sequence[set[int]], cards: Sequence[int], vertex: int) -> int:
    return int(np.prod([cards[v] for v in (vertex, *graph[vertex])]))


PLAIN: tuple[Score, ...] = (
    lambda graph, cards, v: (len(absent_pairs(graph, v)), table(graph, cards, v)),
    lambda graph, cards, v: (table(graph, cards, v), len(absent_pairs(graph, v))),
    lambda graph, cards, v: (sum(cards[a] * cards[b] for a, b in absent_pairs(graph, v)), table(graph, cards, v)),
)


def plain_cost(scopes: Sequence[int], cards: Sequence[int], score: Score) -> int:
    """Eliminate one vertex after another, each time scoring all, and add up the maximal cliques' entries."""
    graph = [set(members(mask)) for mask in interaction_graph(scopes, len(cards))]
    left = set(range(len(cards)))
    cliques: list[set[int]] = []
    while left:
        vertex = min(left, key=lambda v: (*score(graph, cards, v), v))
        around = graph[vertex]
        cliques.append({vertex, *around})
        for other in around:
            graph[other] = (graph[other] | around) - {other, vertex}
        left.discard(vertex)
        graph[vertex] = set()
    maximal = [c for place, c in enumerate(cliques) if not any(c <= d for d in (*cliques[:place], *cliques[place + 1 :]))]
    return sum(int(np.prod([cards[v] for v in clique])) for clique in maximal)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_trees_are_as_small_as_those_of_the_plain_rules(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 16))
    scopes = [sum(1 << int(v) for v in rng.choice(size, min(size, 3), replace=False)) for _ in range(int(rng.integers(1, 20)))]
    cards = [int(card) for card in rng.integers(2, 5, size)]
    tree = cheapest_tree(scopes, cards)
    assert sum(entries(clique, cards) for clique in tree.cliques) <= min(plain_cost(scopes, cards, score) for score in PLAIN)


FINDINGS = ("crp", "esr", "sjc28", "tjc28", "patient_global", "drug_level", "ada_test", "response_pattern", "rf", "phq9")


@pytest.mark.parametrize("target", ["primary_reason", "lda_rituximab", "exposure"])
@pytest.mark.parametrize("known", [("current_drug", "methotrexate", "smoking", "age_group", "sex", "bmi_class"), ("current_drug",)])
def test_shipped_patterns_are_planned_no_worse_than_by_the_plain_rules(
    target: str, known: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Sequence[int], Sequence[int]]] = []

    def watched(scopes: Sequence[int], cards: Sequence[int], targets: Sequence[int]) -> object:
        seen.append(([*scopes, *targets], cards))
        return plan_tree(scopes, cards, targets)

    plan_tree = engine.plan_tree
    monkeypatch.setattr(engine, "plan_tree", watched)
    model = specialise(central_model(), dict.fromkeys(known, 1))
    plan = engine._plan(structure(model), (target,), frozenset(FINDINGS), frozenset(), frozenset())
    assert plan.total_entries <= min(plain_cost(*seen[0], score) for score in PLAIN)


def test_equal_models_share_their_plans() -> None:
    one, other = (specialise(central_model(), {"current_drug": drug}) for drug in (1, 1))
    assert cached_plan(structure(one), targets=("ada",), hard=("crp",)) is cached_plan(structure(other), targets=("ada",), hard=("crp",))


def test_every_rule_gives_a_tree_that_holds_the_scopes() -> None:
    scopes, cards = [0b0011, 0b0110, 0b1100, 0b1001], [2, 3, 4, 5]
    for rule in RULES:
        tree = cheapest_tree(scopes, cards, (rule,))
        assert all(any(not scope & ~clique for clique in tree.cliques) for scope in scopes)
    # A cycle of four needs one chord: between the first and the third vertex (2, 4) or between the second and fourth (3, 5).
    assert sum(entries(clique, cards) for clique in cheapest_tree(scopes, cards).cliques) == 2 * 4 * 3 + 2 * 4 * 5
    assert clique_tree([]).cliques == ()
