"""The model object: order, checks, copies and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from refra.data.errors import RecordError, UnknownNameError
from refra.model.assembly import SPECS, central_model, shipped_model
from refra.model.network import Model, Node, build_model

STATES = {"rain": ("no", "yes"), "sprinkler": ("off", "on"), "grass": ("dry", "damp", "wet")}


def nodes() -> dict[str, Node]:
    rng = np.random.default_rng(1)
    return {
        # The child stands before its parents: the order is found.
        "grass": Node(("rain", "sprinkler"), rng.dirichlet(np.ones(3), (4, 2, 2)), ("a", "b")),
        "rain": Node((), np.array([[0.8, 0.2]])),
        "sprinkler": Node(("rain",), rng.dirichlet(np.ones(2), (4, 2))),
    }


def small() -> Model:
    return build_model(STATES, nodes())


def test_ancestors_come_first_and_sets_are_counted() -> None:
    model = small()
    order = list(model.states)
    assert order.index("rain") < order.index("sprinkler") < order.index("grass")
    assert list(model.parents) == list(model.tables) == list(model.parameters) == order
    assert model.draws == 4
    assert model.card("grass") == 3
    assert model.parameters["grass"] == ("a", "b")
    assert model.ancestors({"sprinkler"}) == {"rain", "sprinkler"}
    assert model.ancestors({"grass"}) == set(STATES)
    assert model.ancestors(set()) == set()


def test_the_central_network_is_the_first_set() -> None:
    model = small()
    central = model.central()
    assert central.draws == 1
    for name, table in central.tables.items():
        assert len(table) == 1
        np.testing.assert_array_equal(table[0], model.tables[name][0])


def test_tables_and_mappings_cannot_change() -> None:
    model = small()
    with pytest.raises(ValueError, match="read-only"):
        model.tables["rain"][0, 0] = 1.0
    with pytest.raises(TypeError):
        model.states["rain"] = ("a", "b")  # type: ignore[index]
    with pytest.raises(AttributeError):
        model.draws = 3  # type: ignore[misc]


def test_positions_and_their_refusals() -> None:
    model = small()
    assert model.position("grass", "wet") == 2
    with pytest.raises(UnknownNameError, match="'grass'"):
        model.position("gras", "wet")
    with pytest.raises(UnknownNameError, match=r"grass: unknown state 'weet'.*'wet'"):
        model.position("grass", "weet")


def test_an_extended_model_keeps_the_old_one() -> None:
    model = small()
    more = model.extended({"slip": Node(("grass",), np.full((1, 3, 2), 0.5))}, {"slip": ("no", "yes")})
    assert set(more.states) == {*STATES, "slip"}
    assert more.draws == 4
    assert "slip" not in model.states
    assert more.parameters["grass"] == ("a", "b")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rain": Node(("grass",), np.full((1, 3, 2), 0.5))}, "cycle"),
        ({"rain": Node(("clouds",), np.full((1, 2, 2), 0.5))}, "clouds is not a node"),
        ({"rain": Node((), np.array([[0.8, 0.3]]))}, "sum to 1"),
        ({"rain": Node((), np.array([[1.2, -0.2]]))}, "negative"),
        ({"rain": Node((), np.array([[0.5, 0.3, 0.2]]))}, "shape"),
        ({"rain": Node((), np.array([0.8, 0.2]))}, "shape"),
        ({"rain": Node((), np.full((3, 2), 0.5))}, "shape"),
        ({"sprinkler": Node(("rain",), np.full((1, 3, 2), 0.5))}, "shape"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(change: dict[str, Node], words: str) -> None:
    with pytest.raises(RecordError, match=words) as caught:
        build_model(STATES, {**nodes(), **change})
    assert next(iter(change)) in str(caught.value) or "cycle" in words


def test_the_shipped_network_starts_with_the_central_one_and_sums_to_1() -> None:
    shipped, central = shipped_model(5, 9), central_model()
    assert shipped.draws == 6
    assert list(shipped.states) == list(central.states)
    varies = 0
    for name, table in shipped.tables.items():
        assert np.isfinite(table).all()
        np.testing.assert_allclose(table.sum(axis=-1), 1.0, atol=1e-9)
        np.testing.assert_allclose(table[0], central.tables[name][0], atol=1e-12)
        varies += len(table) > 1 and np.abs(table[1] - table[0]).max() > 1e-6
    # All but definitions differ from set to set.
    definitions = {name for name, table in shipped.tables.items() if not shipped.parameters[name]}
    assert varies == len(shipped.tables) - len(definitions)


def test_a_network_shows_its_size_and_not_its_tables() -> None:
    shown = repr(central_model())
    assert shown == f"<Model: {len(SPECS)} variables, {sum(len(spec.parents) for spec in SPECS.values())} arcs, parameter sets: 1>"
