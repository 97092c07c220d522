"""Tables that are built when they are first read, and the one-at-a-time network in its folded form."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from refra.data.errors import RecordError
from refra.data.fitted import fitted
from refra.data.loading import parameters
from refra.model.assembly import SPECS, assemble, central_model, folded_shifts, shifted_model, unfolded
from refra.model.draws import Draws, independent_draws, shifts_of
from refra.model.network import Model, Node, build_on_demand
from refra.model.on_demand import OnDemand
from refra.model.specialise import specialise

STATES = {"rain": ("no", "yes"), "grass": ("dry", "wet"), "slip": ("no", "yes")}
PARENTS = {"slip": ("grass",), "grass": ("rain",), "rain": ()}
TABLES = {
    "rain": np.array([[0.8, 0.2], [0.7, 0.3]]),
    "grass": np.array([[[0.9, 0.1], [0.2, 0.8]]]),
    "slip": np.array([[[1.0, 0.0], [0.6, 0.4]]]),
}


def noting(built: list[str], changed: dict[str, np.ndarray] | None = None) -> Model:
    def build(name: str) -> Node:
        built.append(name)
        return Node(PARENTS[name], {**TABLES, **(changed or {})}[name], (f"{name}.p",))

    return build_on_demand(STATES, PARENTS, build, 2)


@cache
def all_shifts() -> Model:
    """The one-at-a-time network as its definition gives it: every table built in all sets."""
    return assemble(shifts_of(parameters(), fitted()))


# --- on demand ------------------------------------------------------------------------------------------------------


def test_a_value_is_worked_out_once_and_only_when_it_is_read() -> None:
    asked: list[str] = []

    def find(name: str) -> int:
        asked.append(name)
        return len(name)

    found = OnDemand(["ab", "c"], find)
    assert (list(found), len(found), "c" in found, "d" in found, asked) == (["ab", "c"], 2, True, False, [])
    assert (found["ab"], found["ab"], found.get("d"), asked) == (2, 2, None, ["ab"])
    with pytest.raises(KeyError):
        found["d"]
    assert (dict(found), asked) == ({"ab": 2, "c": 1}, ["ab", "c"])


def test_a_table_is_built_once_and_only_when_it_is_read() -> None:
    built: list[str] = []
    model = noting(built)
    assert list(model.states) == list(model.tables) == ["rain", "grass", "slip"]
    assert (model.draws, built) == (2, [])
    np.testing.assert_array_equal(model.tables["grass"], TABLES["grass"])
    assert (model.parameters["grass"], built) == (("grass.p",), ["grass"])
    with pytest.raises(ValueError, match="read-only"):
        model.tables["grass"][...] = 0.5


def test_what_lies_upstream_is_all_that_is_built() -> None:
    built: list[str] = []
    part = noting(built).upstream(["grass"])
    assert list(part.states) == ["rain", "grass"]
    assert set(built) == {"rain", "grass"}
    np.testing.assert_array_equal(part.tables["rain"], TABLES["rain"])


@pytest.mark.parametrize(
    ("table", "words"),
    [(np.array([[0.8, 0.3]]), "sum to 1"), (np.array([[1.2, -0.2]]), "negative"), (np.full((3, 2), 0.5), "shape")],
)
def test_a_table_that_does_not_fit_is_refused_when_it_is_read(table: np.ndarray, words: str) -> None:
    model = noting([], {"rain": table})
    with pytest.raises(RecordError, match=rf"rain: .*{words}"):
        model.tables["rain"]


def test_a_cycle_is_refused_at_once() -> None:
    with pytest.raises(RecordError, match="cycle through"):
        build_on_demand(STATES, {**PARENTS, "rain": ("slip",)}, lambda name: Node(PARENTS[name], TABLES[name]), 2)


def test_a_copy_shares_the_table_of_its_original() -> None:
    built: list[str] = []
    model = noting(built).copied({"grass_2": "grass"})
    assert built == []
    assert model.states["grass_2"] == STATES["grass"]
    assert model.parents["grass_2"] == ("rain",)
    assert model.tables["grass_2"] is model.tables["grass"]
    assert built == ["grass"]


def test_a_parameter_is_drawn_alike_alone_and_among_others() -> None:
    whole = independent_draws(parameters(), 3, 7)
    names = list(parameters())
    alone = {name: independent_draws({name: parameters()[name]}, 3, 7)[name] for name in names[:3] + names[-3:]}
    for name, values in alone.items():
        np.testing.assert_array_equal(whole[name], values)
    assert list(whole.values) == names


# --- one parameter at a time ----------------------------------------------------------------------------------------


def test_unfolding_gives_every_table_in_all_sets() -> None:
    shifted, expected = shifted_model(), all_shifts()
    assert list(shifted.states) == list(expected.states)
    assert shifted.draws == expected.draws == len(parameters()) + 1
    for name, table in expected.tables.items():
        np.testing.assert_allclose(shifted.tables[name], table, rtol=0, atol=1e-15, err_msg=name)
        assert shifted.parameters[name] == expected.parameters[name]


def test_a_folded_table_has_a_row_for_each_parameter_of_its_node() -> None:
    folded = folded_shifts()
    for name in ("crp", "synovitis", "pain_source"):
        read = central_model().parameters[name]
        assert len(folded.tables[name]) == len(read) + 1
        for row, shifted in enumerate(read, start=1):
            values = {i: shifts_of({i: parameters()[i]}, fitted())[i][[0, int(i == shifted)]] for i in read}
            expected = SPECS[name].build(name, Draws(values, 2)).table[1]
            np.testing.assert_allclose(folded.tables[name][row], expected, rtol=0, atol=1e-15)


def test_folding_and_specialising_may_change_places() -> None:
    known = {"current_drug": 2, "smoking": 1, "bmi_class": 2, "methotrexate": 0}
    one, other = unfolded(specialise(folded_shifts(), known)), specialise(all_shifts(), known)
    assert dict(one.parents) == dict(other.parents)
    for name, table in other.tables.items():
        np.testing.assert_allclose(one.tables[name], table, rtol=0, atol=1e-15, err_msg=name)
