"""Posteriors as ratios of linear functions on any network, and who comes first along them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refra.inference.asking import Known, ask
from refra.inference.sensitivity.cells import nearest_changes, proportional_slopes
from refra.inference.sensitivity.contest import Bracket, Contest, closed_form_changes, narrowed
from refra.inference.sensitivity.covariation import SCHEMES, pieces
from refra.inference.sensitivity.linear import linear
from refra.model.network import Model, Node, build_model
from refra.model.pgmpy_bridge import to_pgmpy

SEEDS = st.integers(0, 2**32 - 1)


def small_model(seed: int) -> Model:
    rng = np.random.default_rng(seed)
    states = {name: tuple("abc"[: rng.integers(2, 4)]) for name in "uvwxyz"}
    nodes = {}
    for place, name in enumerate(states):
        parents = tuple(str(p) for p in rng.choice(list("uvwxyz")[:place], rng.integers(0, min(place, 2) + 1), replace=False))
        table = rng.random((1, *(len(states[p]) for p in parents), len(states[name]))) + 0.05
        nodes[name] = Node(parents, table / table.sum(axis=-1, keepdims=True))
    return build_model(states, nodes)


def with_row(model: Model, name: str, index: tuple[int, ...], row: np.ndarray) -> Model:
    table = model.tables[name].copy()
    table[(0, *index)] = row
    return Model(model.states, model.parents, {**model.tables, name: table}, model.parameters, 1)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(SEEDS, st.sampled_from(SCHEMES), st.booleans())
def test_every_cell_against_a_rebuilt_network(seed: int, scheme: str, informed: bool) -> None:
    model, rng = small_model(seed), np.random.default_rng(seed)
    known = Known({"z": 0}, {"w": rng.random(model.card("w")) + 0.1}, {"v": 1}) if informed else Known()
    questions = [
        ("y", rng.random(model.card("y"))),
        (("u", "x"), rng.random((model.card("u"), model.card("x")))),
        ("v", np.arange(model.card("v"))),
    ]
    if not informed:
        questions = questions[:2]
    found = linear(model, known, questions)
    name = str(rng.choice(list(model.states)))
    index = tuple(int(rng.integers(size)) for size in model.tables[name].shape[1:-1])
    row = model.tables[name][(0, *index)]
    part = pieces(row, int(np.argmin(row)), scheme)[-1]
    new = part.row(part.low + 0.6 * (part.high - part.low))
    altered = with_row(model, name, index, new)
    wanted = []
    for target, scores in questions:
        answer = np.eye(model.card("v"))[1] if target == "v" else ask(altered, known, [target])[target][0]
        wanted.append(float((answer * scores).sum()))
    if name in found.cells:
        np.testing.assert_allclose(found.with_table(name, model.tables[name][0], altered.tables[name])[:, 0], wanted, atol=1e-10)
    else:
        np.testing.assert_allclose(found.means, wanted, atol=1e-10)


@pytest.mark.parametrize("seed", [1, 2])
def test_against_variable_elimination(seed: int) -> None:
    inference = pytest.importorskip("pgmpy.inference")
    model, rng = small_model(seed), np.random.default_rng(seed)
    questions = [("y", one) for one in np.eye(model.card("y"))]
    found = linear(model, Known({"z": 1, "x": 0}), questions)
    for name, cells in found.cells.items():
        index = tuple(int(rng.integers(size)) for size in cells.shape[1:-1])
        row = model.tables[name][(0, *index)]
        new = pieces(row, 0)[0].row(0.35)
        altered = with_row(model, name, index, new)
        answer = inference.VariableElimination(to_pgmpy(altered)).query(["y"], {"z": "b", "x": "a"}, show_progress=False)
        ours = found.with_table(name, model.tables[name][0], altered.tables[name])[:, 0]
        np.testing.assert_allclose(ours, [answer.get_value(y=state) for state in model.states["y"]], atol=1e-10)


def two_nodes() -> Model:
    """A disease with prior 0.1 and a test with sensitivity 0.8 and false positives in 0.2."""
    return build_model(
        {"disease": ("no", "yes"), "test": ("negative", "positive")},
        {
            "disease": Node((), np.array([[0.9, 0.1]])),
            "test": Node(("disease",), np.array([[[0.8, 0.2], [0.2, 0.8]]])),
        },
    )


def test_two_nodes_by_arithmetic() -> None:
    found = linear(two_nodes(), Known({"test": 1}), [("disease", np.array([0.0, 1.0])), ("disease", np.array([1.0, 0.0]))])
    evidence = 0.9 * 0.2 + 0.1 * 0.8
    np.testing.assert_allclose(found.means, [0.08 / evidence, 0.18 / evidence])
    # P(yes, positive) = 0.8 p and P(positive) = 0.2 + 0.6 p along the prior p.
    slopes = proportional_slopes(np.array([[0.9, 0.1]]), found.cells["disease"].reshape(2, 1, 2))[:, 0, 1]
    np.testing.assert_allclose(slopes, [0.8 / evidence, -0.2 / evidence])
    lower = proportional_slopes(np.array([[0.9, 0.1]]), found.evidence["disease"].reshape(1, 2))[0, 1]
    assert lower == pytest.approx(0.6 / evidence)
    # yes overtakes no where 0.8 p = 0.2 (1 - p): p = 0.2.
    contest = Contest(("yes", "no"), np.zeros(2, dtype=bool))
    starts = found.means - slopes * 0.1
    changes = closed_form_changes(contest, starts, slopes, 1 - lower * 0.1, lower, 0.0, 1.0)
    assert [(one.before, one.after) for one in changes] == [("no", "yes")]
    assert changes[0].value == pytest.approx(0.2)


def fire() -> Model:
    """The fire network as Chan & Darwiche 2002 (doi 10.1613/jair.967) print it."""
    states = dict.fromkeys(("fire", "tampering", "smoke", "alarm", "leaving", "report"), ("yes", "no"))

    def binary(*yes: float) -> np.ndarray:
        return np.stack([np.array(yes), 1 - np.array(yes)], axis=-1)

    return build_model(
        states,
        {
            "fire": Node((), binary(0.01)),
            "tampering": Node((), binary(0.02)),
            "smoke": Node(("fire",), binary(0.9, 0.01)[None]),
            "alarm": Node(("fire", "tampering"), binary(0.5, 0.99, 0.85, 0.0001).reshape(1, 2, 2, 2)),
            "leaving": Node(("alarm",), binary(0.88, 0.001)[None]),
            "report": Node(("leaving",), binary(0.75, 0.01)[None]),
        },
    )


def test_published_suggestions_for_the_fire_network() -> None:
    """P(tampering | report, no smoke) is 0.50; to make it 0.65, P(tampering) goes from 0.02 to 0.036 or P(report | staying) to 0.005."""
    model = fire()
    found = linear(model, Known({"report": 0, "smoke": 1}), [("tampering", np.array([1.0, 0.0]))])
    assert found.means[0] == pytest.approx(0.50, abs=0.005)
    for name, row, wanted in (("tampering", 0, 0.036), ("report", 1, 0.005)):
        table = model.tables[name].reshape(-1, 2)
        b = proportional_slopes(table, found.cells[name].reshape(-1, 2))[row, 0]
        d = proportional_slopes(table, found.evidence[name].reshape(-1, 2))[row, 0]
        present = table[row, 0]
        # (mean + b t) / (1 + d t) = 0.65 for a step t from the present value.
        assert present + (0.65 - found.means[0]) / (b - 0.65 * d) == pytest.approx(wanted, abs=0.0005)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(SEEDS, st.booleans())
def test_the_first_place_along_curves_against_a_fine_grid(seed: int, ruled: bool) -> None:
    rng = np.random.default_rng(seed)
    contest = Contest(tuple("abcd"), np.array([ruled, ruled, False, False]))
    rows = 4 + ruled
    a, b = rng.normal(size=rows), rng.normal(size=rows) * 3
    c, d = 1.0, float(rng.uniform(-0.9, 3))
    if ruled:
        a[-1], b[-1] = rng.uniform(0, 0.4), rng.uniform(-0.4, 0.4)
    changes = closed_form_changes(contest, a, b, c, d, 0.0, 1.0)
    grid = np.linspace(0, 1, 20001)[1:-1]
    places = contest.first((a[:, None] + b[:, None] * grid) / (c + d * grid))
    steps = np.flatnonzero(np.diff(places))
    seen = [(contest.ids[places[k]], contest.ids[places[k + 1]]) for k in steps]
    # A change that is given back within one step of the grid is not to be seen on it.
    if len(changes) != len(steps):
        assert min(np.diff([0.0, *(one.value for one in changes), 1.0])) < 1e-4
        return
    assert [(one.before, one.after) for one in changes] == seen
    np.testing.assert_allclose([one.value for one in changes], grid[steps], atol=6e-5)
    x = 0.37
    base = int(contest.first((a + b * x) / (c + d * x)))
    below, who_below, above, who_above = nearest_changes(
        contest, a[:, None], b[:, None], np.array([c]), np.array([d]), np.array([x]), base
    )  # fmt: skip
    lower, upper = [one for one in changes if one.value < x], [one for one in changes if one.value > x]
    assert (below[0] == pytest.approx(lower[-1].value)) if lower else np.isnan(below[0])
    assert (above[0] == pytest.approx(upper[0].value)) if upper else np.isnan(above[0])
    assert [who_below[0], who_above[0]] == [
        contest.ids.index(lower[-1].before) if lower else -1,
        contest.ids.index(upper[0].after) if upper else -1,
    ]


def test_narrowing_finds_who_comes_in_between() -> None:
    limits = np.array([0.3, 0.30001])

    def first(keys: np.ndarray, at: np.ndarray) -> np.ndarray:
        assert (keys == 7).all()
        return (at[:, None] > limits).sum(axis=1)

    found = narrowed(first, [Bracket(7, 0.0, 1.0, 0, 2)], 1.0)[0]
    assert [(one.before, one.after) for one in found] == [(0, 1), (1, 2)]
    np.testing.assert_allclose([(one.low + one.high) / 2 for one in found], limits, atol=1e-10)
