"""Counterfactual twins against enumeration of the noise itself, interval by interval."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refra.data.loading import variables
from refra.inference.asking import Known, ask
from refra.inference.causes import CAUSES, PRESENT, averted
from refra.inference.twins import ABSENCES, PATH, TARGET, Twins, shared_noise, twin_node
from refra.model.assembly import central_model
from refra.model.network import Model, Node, build_model
from refra.model.specialise import specialise

BACKGROUND = tuple(name for name, variable in variables().items() if variable.role == "background")
PLAIN_CAUSES = tuple(cause for cause in CAUSES if ABSENCES[cause].kind is None)
MECHANISM_CAUSES = tuple(cause for cause in CAUSES if ABSENCES[cause].kind is not None)


# One noise term for two distributions


def test_shared_noise_by_hand() -> None:
    # Noise below 0.3 gives the original's first state, below 0.5 the copy's.
    np.testing.assert_allclose(shared_noise(np.array([0.3, 0.7]), np.array([0.5, 0.5])), [[1, 0], [0.2 / 0.7, 0.5 / 0.7]])
    np.testing.assert_allclose(
        shared_noise(np.array([0.2, 0.3, 0.5]), np.array([0.4, 0.4, 0.2])),
        # 0-0.2 -> first; 0.2-0.4 first, 0.4-0.5 second; 0.5-0.8 second, 0.8-1 third.
        [[1, 0, 0], [2 / 3, 1 / 3, 0], [0, 0.6, 0.4]],
        atol=1e-12,
    )


def test_shared_noise_of_a_state_that_cannot_be_is_the_copys_own() -> None:
    np.testing.assert_allclose(shared_noise(np.array([0.0, 1.0]), np.array([0.25, 0.75])), [[0.25, 0.75], [0.25, 0.75]])


def distribution(size: int) -> st.SearchStrategy[list[float]]:
    weights = st.lists(st.floats(0.0, 1.0), min_size=size, max_size=size)
    return weights.filter(lambda values: sum(values) > 0.01)


@given(st.integers(2, 5).flatmap(lambda size: st.tuples(distribution(size), distribution(size))))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_shared_noise_equals_a_fine_grid_and_gives_back_the_copy(pair: tuple[list[float], list[float]]) -> None:
    original, copy = (np.array(values) / sum(values) for values in pair)
    table = shared_noise(original, copy)
    np.testing.assert_allclose(table.sum(axis=-1), 1.0, atol=1e-9)
    np.testing.assert_allclose(original @ table, copy, atol=1e-9)
    size, points = len(original), 20_000
    noise = (np.arange(points) + 0.5) / points
    state = np.minimum(np.searchsorted(np.cumsum(original), noise, side="right"), size - 1)
    other = np.minimum(np.searchsorted(np.cumsum(copy), noise, side="right"), size - 1)
    joint = np.zeros((size, size))
    np.add.at(joint, (state, other), 1 / points)
    np.testing.assert_allclose(original[:, None] * table, joint, atol=4 / points)


@given(distribution(4))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_shared_noise_of_equal_distributions_is_the_identity(values: list[float]) -> None:
    row = np.array(values) / sum(values)
    table = shared_noise(row, row)
    for state in range(4):
        if row[state] > 1e-9:
            np.testing.assert_allclose(table[state], np.eye(4)[state], atol=1e-6)


def test_a_better_copy_never_falls_behind_its_original() -> None:
    # Where the copy's distribution lies higher throughout, its state is never the lower one.
    table = shared_noise(np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.4, 0.5]))
    np.testing.assert_allclose(np.tril(table, -1), 0.0)


# The copy of one node


def test_twin_node_sets_parents_and_couples_the_copies() -> None:
    rng = np.random.default_rng(5)
    table = rng.dirichlet(np.ones(3), (2, 2, 3, 4))
    parents, copy = twin_node("y", ("a", "b", "c"), table, {"a": 1}, {"b": "b2"}, True)
    assert set(parents) == {"y", "a", "b", "c", "b2"}
    for draw in range(2):
        for position in np.ndindex(2, 3, 4, 3, 3):
            state = dict(zip(("a", "b", "c", "b2", "y"), position, strict=True))
            factual = table[draw, state["a"], state["b"], state["c"]]
            other = table[draw, 1, state["b2"], state["c"]]
            row = copy[(draw, *(state[parent] for parent in parents))]
            np.testing.assert_allclose(row, shared_noise(factual, other)[state["y"]], atol=1e-12)


def test_twin_node_with_noise_of_its_own_forgets_what_was() -> None:
    table = np.random.default_rng(6).dirichlet(np.ones(3), (1, 2, 3, 4))
    parents, copy = twin_node("y", ("a", "b", "c"), table, {"a": 1}, {"b": "b2"}, False)
    assert set(parents) == {"c", "b2"}
    for c, b in np.ndindex(4, 3):
        position = {"c": c, "b2": b}
        np.testing.assert_allclose(copy[(0, *(position[parent] for parent in parents))], table[0, 1, b, c])


# Whole twins against enumeration


def averted_by_enumeration(model: Model, hard: Mapping[str, int], soft: Mapping[str, np.ndarray], cause: str, draw: int = 0) -> float:
    """P(target met had the cause been absent | findings), by abduction over every world and every interval of noise.

    Worlds are rows: each variable multiplies them by its states, each variable of the path by intervals of its noise, within
    which no row of its table that could matter changes its state.
    """
    absence = ABSENCES[cause]
    ends = {*PATH, *hard, *soft} | ({"mechanism_reason"} if absence.kind else set())
    order = [name for name in model.states if name in model.ancestors(ends)]
    tables = {name: model.tables[name][draw if len(model.tables[name]) > 1 else 0] for name in order}
    worlds: dict[str, np.ndarray] = {}
    noise: dict[str, np.ndarray] = {}
    weight = np.ones(1)

    def rows(name: str, seen: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.broadcast_to(tables[name][tuple(seen[parent] for parent in model.parents[name])], (len(weight), model.card(name)))

    def taken(name: str, seen: Mapping[str, np.ndarray]) -> np.ndarray:
        return (noise[name][:, None] >= np.cumsum(rows(name, seen), axis=-1)[:, :-1]).sum(axis=-1)

    def middles(name: str) -> tuple[np.ndarray, np.ndarray]:
        parents = model.parents[name]
        free = [p for p in parents if p in (*PATH, absence.variable)]
        known = [p for p in parents if p not in free]
        combinations = {tuple(int(worlds[p][w]) for p in known) for w in range(len(weight))} if known else {()}
        cuts = [np.array([0.0, 1.0])]
        for combination in combinations:
            index = tuple(slice(None) if p in free else combination[known.index(p)] for p in parents)
            cuts.append(np.cumsum(tables[name][index], axis=-1).clip(0, 1).ravel())
        edges = np.unique(np.concatenate(cuts))
        return np.diff(edges), (edges[1:] + edges[:-1]) / 2

    for name in order:
        if name in PATH:
            widths, places = middles(name)
            branches = len(widths)
        else:
            branches = model.card(name)
        before = len(weight)
        worlds = {other: np.repeat(states, branches) for other, states in worlds.items()}
        noise = {other: np.repeat(values, branches) for other, values in noise.items()}
        weight = np.repeat(weight, branches)
        if name in PATH:
            noise[name] = np.tile(places, before)
            weight = weight * np.tile(widths, before)
            worlds[name] = taken(name, worlds)
        else:
            worlds[name] = np.tile(np.arange(branches), before)
            weight = weight * np.take_along_axis(rows(name, worlds), worlds[name][:, None], axis=-1)[:, 0]
        if name in hard:
            weight = weight * (worlds[name] == hard[name])
        if name in soft:
            weight = weight * soft[name][worlds[name]]
        kept = weight > 0
        worlds = {other: states[kept] for other, states in worlds.items()}
        noise = {other: values[kept] for other, values in noise.items()}
        weight = weight[kept]

    other = dict(worlds)
    if absence.kind is None:
        other[absence.variable] = np.full(len(weight), model.position(absence.variable, absence.state))
    else:
        failed = worlds["mechanism_reason"] == model.position("mechanism_reason", absence.kind)
        other[absence.variable] = np.where(failed, 1, worlds[absence.variable])
    for name in PATH:
        other[name] = taken(name, other)
    return float(weight @ other["target_met"] / weight.sum())


def small_model(seed: int) -> Model:
    """A random network with the same path, small enough to enumerate; two parameter sets."""
    rng = np.random.default_rng(seed)
    states = {
        "adherence": ("full", "partial", "poor"), "covered_current": ("no", "yes"), "exposure": ("low", "in_range"),
        "engagement": ("none", "full"), "synovitis": ("none", "low", "high"), "true_course": ("never", "lost"),
        "mechanism_reason": ("wrong_pathway", "pathway_escape"), "fibromyalgia": ("no", "yes"), "target_met": ("no", "yes"),
        "sjc28": ("0", "1-2", "3+"),
    }  # fmt: skip
    parents = {
        "adherence": (), "covered_current": (), "fibromyalgia": (), "exposure": ("adherence",),
        "engagement": ("covered_current", "exposure"), "synovitis": ("engagement",),
        "true_course": ("synovitis", "covered_current"), "mechanism_reason": ("true_course",),
        "target_met": ("synovitis", "fibromyalgia"), "sjc28": ("synovitis",),
    }  # fmt: skip
    nodes = {
        name: Node(above, rng.dirichlet(np.ones(len(states[name])), (2, *(len(states[p]) for p in above))))
        for name, above in parents.items()
    }
    return build_model({name: states[name] for name in parents}, nodes)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("cause", ["non_adherence", "wrong_pathway", "pathway_escape", "fibromyalgia"])
def test_twins_of_a_small_network_equal_enumeration(cause: str, seed: int) -> None:
    model = small_model(seed)
    hard, soft = {"target_met": 0}, {"sjc28": np.array([0.2, 0.5, 1.0])}
    if seed % 2:
        soft["true_course"] = np.array([0.3, 1.0])
    found = averted(model, Known(hard, soft), cause, Twins(model))
    for draw in range(2):
        assert found[draw] == pytest.approx(averted_by_enumeration(model, hard, soft, cause, draw), abs=1e-10)


OTHERS = (
    "adherence", "ada", "clearance", "autoantibody", "severity", "other_disease", "fibromyalgia", "osteoarthritis", "depression",
    "joint_damage", "escape", "driver", "multi_refractory", "covered_tnf_inhibitor", "covered_il6r_inhibitor", "covered_abatacept",
    "covered_rituximab", "covered_jak_inhibitor", "covered_current",
)  # fmt: skip


def sampled_world(seed: int) -> dict[str, int]:
    """One patient drawn from the network whose target is missed, with a drug whose exposure can fail."""
    rng = np.random.default_rng(seed)
    model = central_model()
    while True:
        world: dict[str, int] = {}
        for name in model.states:
            row = model.tables[name][(0, *(world[parent] for parent in model.parents[name]))]
            world[name] = int(rng.choice(len(row), p=row / row.sum()))
        if world["target_met"] == 0 and world["current_drug"] != 0:
            return world


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("cause", CAUSES)
def test_twins_of_the_network_equal_enumeration_given_all_but_the_path(cause: str, seed: int) -> None:
    world = sampled_world(seed)
    model = specialise(central_model(), {name: world[name] for name in BACKGROUND})
    hard = {name: world[name] for name in OTHERS}
    # The state of the cause itself stays open, so that its absence is no certainty: one of the two nodes that tell it.
    open_node = ABSENCES[cause].variable if ABSENCES[cause].kind is None else "escape"
    for name in {open_node, *(("other_disease",) if cause == "other_disease" else ())}:
        hard.pop(name, None)
    hard["target_met"] = 0
    soft = {
        **({"other_disease": np.array([1.0, 0.0, 0.7, 0.0, 0.0, 0.0])} if cause == "other_disease" else {}),
        "sjc28": np.array([0.1, 0.6, 1.0, 0.4]),
        "drug_level": np.array([0.7, 1.0, 0.5]),
        "response_pattern": np.array([0.1, 1.0, 0.8, 0.6, 0.1]),
    }
    found = averted(model, Known(hard, soft), cause, Twins(model))[0]
    assert found == pytest.approx(averted_by_enumeration(model, hard, soft, cause), abs=1e-9)


# What must hold whatever the numbers


def given_patient(drug: str, **states: str) -> tuple[Model, Known]:
    whole = central_model()
    model = specialise(whole, {"current_drug": whole.position("current_drug", drug)})
    hard = {name: whole.position(name, state) for name, state in states.items()}
    return model, Known({"target_met": 0, **hard}, {"sjc28": np.array([0.05, 0.3, 1.0, 1.0])})


ABSENT = {
    "non_adherence": {"adherence": "full"},
    "anti_drug_antibodies": {"ada": "none"},
    "low_exposure_other": {"clearance": "normal"},
    "wrong_pathway": {"covered_current": "yes"},
    "pathway_escape": {"covered_current": "yes"},
    "fibromyalgia": {"fibromyalgia": "no"},
    "osteoarthritis": {"osteoarthritis": "no"},
    "depression": {"depression": "no"},
    "other_disease": {"other_disease": "none"},
}


@pytest.mark.parametrize("cause", CAUSES)
def test_the_absence_of_an_absent_cause_changes_nothing(cause: str) -> None:
    model, known = given_patient("adalimumab", **ABSENT[cause])
    assert averted(model, known, cause, Twins(model))[0] == pytest.approx(0.0, abs=1e-9)
    # With noise of its own the copy is another patient, who may meet the target by luck.
    assert averted(model, known, cause, Twins(model, monotone=False))[0] > 1e-4


def test_a_mechanism_failure_of_the_other_kind_stays() -> None:
    model, known = given_patient("infliximab", covered_current="no", escape="yes")
    assert averted(model, known, "wrong_pathway", Twins(model))[0] == pytest.approx(0.0, abs=1e-9)
    assert averted(model, known, "pathway_escape", Twins(model))[0] > 0.001


@given(
    drug=st.sampled_from(["infliximab", "etanercept", "il6r_inhibitor", "jak_inhibitor", "rituximab"]),
    level=st.sampled_from(["undetectable", "low", "in_range"]),
    course=st.sampled_from(["never", "lost", "partial"]),
    pain=st.sampled_from(["no", "yes"]),
)
@settings(max_examples=8, deadline=None, derandomize=True)
def test_averted_lies_between_0_and_the_probability_of_the_cause(drug: str, level: str, course: str, pain: str) -> None:
    model, known = given_patient(drug, drug_level=level, response_pattern=course, widespread_pain=pain)
    twins = Twins(model)
    answer = ask(model, known, dict.fromkeys(variable for variable, _ in PRESENT.values()))
    for cause in CAUSES:
        variable, states = PRESENT[cause]
        present = sum(answer[variable][0, model.position(variable, state)] for state in states)
        assert -1e-12 <= averted(model, known, cause, twins)[0] <= present + 1e-9, cause


@pytest.mark.parametrize("cause", PLAIN_CAUSES)
def test_without_findings_a_twin_is_an_intervention(cause: str) -> None:
    """Nothing known, nothing abducted: both couplings give the target's probability with the arcs of the cause cut."""
    model, _ = given_patient("adalimumab")
    absence = ABSENCES[cause]
    state = model.position(absence.variable, absence.state)
    nodes = {}
    for name in model.states:
        parents, table = model.parents[name], model.tables[name]
        if name in PATH and absence.variable in parents:
            axis = 1 + parents.index(absence.variable)
            table = np.broadcast_to(table.take([state], axis=axis), table.shape).copy()
        nodes[name] = Node(parents, table, ())
    expected = ask(build_model(model.states, nodes), Known(), ["target_met"])["target_met"][0, 1]
    for monotone in (True, False):
        found = averted(model, Known(), cause, Twins(model, monotone=monotone))[0]
        assert found == pytest.approx(expected, abs=1e-12)
    if cause in ("anti_drug_antibodies", "low_exposure_other", "fibromyalgia", "osteoarthritis", "other_disease"):
        # These act on the target along the path alone, so that setting the variable itself is the same.
        do = ask(model, Known(do={absence.variable: state}), ["target_met"])["target_met"][0, 1]
        assert found == pytest.approx(do, abs=1e-12)


def test_every_parameter_set_has_its_own_twin() -> None:
    model = small_model(9)
    known = Known({"target_met": 0})
    both = averted(model, known, "non_adherence", Twins(model))
    assert both.shape == (2,)
    assert abs(both[0] - both[1]) > 1e-6
    single = averted(model.central(), known, "non_adherence", Twins(model.central()))
    assert single[0] == pytest.approx(both[0], abs=1e-12)


def test_a_cause_that_the_target_does_not_depend_on_has_no_twin() -> None:
    whole = small_model(1)
    nodes = {name: Node(whole.parents[name], whole.tables[name]) for name in whole.states}
    nodes["target_met"] = Node(("synovitis",), whole.tables["target_met"][:, :, 0])
    model = build_model(whole.states, nodes)
    assert Twins(model).without("fibromyalgia") is None
    assert averted(model, Known({"target_met": 0}), "fibromyalgia", Twins(model)).tolist() == [0.0, 0.0]


def test_the_twin_leaves_the_model_as_it_was() -> None:
    model, known = given_patient("adalimumab")
    before = ask(model, known, ["driver"])["driver"]
    twin = Twins(model).without("wrong_pathway")
    assert twin is not None
    assert TARGET in twin.states
    assert TARGET not in model.states
    np.testing.assert_allclose(ask(twin, known, ["driver"])["driver"], before, atol=1e-12)
