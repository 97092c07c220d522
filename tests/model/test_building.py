"""Every cell of every table comes from the records, and from nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from refra.data import loading
from refra.data.errors import RecordError
from refra.data.levels import level_cutoffs
from refra.data.loading import PARAMETER_COLUMNS, build_parameter, evidence, parameters, variables
from refra.data.records import Parameter
from refra.data.tables import read_csv
from refra.model.assembly import SPECS, assemble, central_model, shifted_model, shipped_model
from refra.model.building import NodeSpec, Values, binary_by, cutoffs, prior_weights, rows_by, states
from refra.model.draws import DEFAULT_SEED, Draws, independent_draws, shipped_draws
from refra.model.network import Model, Node, build_model
from refra.model.rebuild import rebuilt

DEFINITIONS = {
    "covered_current": "coverage by the class of the current drug",
    "other_disease_active": "any other disease",
    "pain_source": "any of fibromyalgia, osteoarthritis, depression",
    "missing_drug_reason": "why the drug is missing",
    "mechanism_reason": "wrong pathway or escape",
    "mechanism_cause": "the same, where the class does not cover",
    "primary_reason": "the exclusive summary",
}
"""Nodes without parameters, each a definition over its parents."""

READ_FOR_OTHER_CELLS = {
    "escape": {"driver.seronegative_b_or_t", "driver.very_high_b_or_t"},
    "driver": {f"covered_{name}.multi_refractory" for name in ("il6r_inhibitor", "abatacept", "rituximab", "jak_inhibitor")},
    "acr50_support_adherence": {"acr50.no_response"},
    "acr50_optimise_exposure": {"acr50.no_response"},
}
"""Parameters that a node reads through a shared function whose cells for them it then leaves out."""

READ_BY = {identifier: {node for node, read in shifted_model().parameters.items() if identifier in read} for identifier in parameters()}


def moving(node: str) -> set[str]:
    """The parameters whose shift by one standard deviation changes the table of a node."""
    table = shifted_model().tables[node]
    moved = np.abs(table - table[:1]).reshape((len(table), -1)).max(axis=1) > 0
    return {identifier for identifier, changes in zip(parameters(), moved[1:], strict=False) if changes}


def same_tables(one: Model, other: Model) -> bool:
    return (
        dict(one.states) == dict(other.states)
        and dict(one.parents) == dict(other.parents)
        and dict(one.parameters) == dict(other.parameters)
        and all(np.array_equal(one.tables[name], other.tables[name]) for name in one.tables)
    )


# --- tables and parameters ------------------------------------------------------------------------------------------


def test_nodes_without_parameters_are_the_definitions() -> None:
    without = {name for name, read in central_model().parameters.items() if not read}
    assert without == set(DEFINITIONS)


@pytest.mark.parametrize("node", sorted(DEFINITIONS))
def test_definitions_hold_certainties_or_halves_and_do_not_vary(node: str) -> None:
    table = shipped_model(5).tables[node]
    assert table.shape[0] == 1
    assert set(np.unique(table)) <= {0.0, 0.5, 1.0}


@pytest.mark.parametrize("node", sorted(set(SPECS) - set(DEFINITIONS)))
def test_every_parameter_of_a_node_changes_its_table(node: str) -> None:
    read = set(shifted_model().parameters[node])
    moved = moving(node)
    assert moved <= read
    assert read - moved <= READ_FOR_OTHER_CELLS.get(node, set())


@pytest.mark.parametrize("node", sorted(set(SPECS) - set(DEFINITIONS)))
def test_every_uncertain_cell_traces_to_a_parameter(node: str) -> None:
    table = shifted_model().tables[node]
    moved = (table != table[:1]).any(axis=0)
    uncertain = (table[0] > 1e-9) & (table[0] < 1 - 1e-9)
    untraced = uncertain & ~moved
    if node == "drug_level":
        # without a validated level the reading is uninformative by definition
        for position, drug in enumerate(states("current_drug")):
            if drug not in level_cutoffs():
                assert table[0, position] == pytest.approx(1 / 3)
                untraced[position] = False
    assert not untraced.any()


def test_every_parameter_is_read_by_a_node_or_is_a_utility() -> None:
    unread = {identifier for identifier, nodes in READ_BY.items() if not nodes}
    assert unread == {identifier for identifier in parameters() if identifier.startswith("utility.")}


def test_every_parameter_names_a_node_that_reads_it() -> None:
    wrong = {
        identifier: record.node
        for identifier, record in parameters().items()
        if record.node != "utility" and record.node not in READ_BY[identifier]
    }
    assert wrong == {}


def test_every_parameter_changes_the_network() -> None:
    everywhere = set().union(*(moving(node) for node in SPECS))
    assert everywhere == {identifier for identifier in parameters() if not identifier.startswith("utility.")}


def test_a_node_cannot_read_what_is_not_recorded() -> None:
    with pytest.raises(KeyError):
        Values(shipped_draws(0))["adherence.guessed"]


# --- the network from the records -----------------------------------------------------------------------------------


def test_the_shipped_network_is_built_from_the_records_alone() -> None:
    rows = rebuilt(read_csv("parameters", "parameters.csv", columns=PARAMETER_COLUMNS), evidence())
    fresh: dict[str, Parameter] = {row[2]["id"]: build_parameter(row, evidence(), variables()) for row in rows}
    assert same_tables(assemble(independent_draws(fresh, 5, DEFAULT_SEED)), shipped_model(5, DEFAULT_SEED, "prior"))


def test_reading_the_files_again_gives_the_same_network() -> None:
    fresh = loading.parameters.__wrapped__()
    assert same_tables(assemble(independent_draws(fresh, 0, 1)), central_model("prior"))


def test_every_variable_is_a_node_with_its_states() -> None:
    model = central_model()
    assert set(model.states) == set(variables()) == set(SPECS)
    assert all(model.states[name] == variables()[name].state_ids for name in model.states)


def test_parents_come_before_their_children() -> None:
    seen: set[str] = set()
    for name, parents in central_model().parents.items():
        assert set(parents) <= seen, name
        seen.add(name)


def test_the_centre_is_the_first_set() -> None:
    centre, drawn, shifted = central_model(), shipped_model(5), shifted_model()
    assert (centre.draws, drawn.draws, shifted.draws) == (1, 6, len(parameters()) + 1)
    for name, table in centre.tables.items():
        assert drawn.tables[name][0] == pytest.approx(table[0], abs=1e-12), name
        assert shifted.tables[name][0] == pytest.approx(table[0], abs=1e-12), name
    assert same_tables(drawn.central(), centre)


def test_rows_sum_to_one_in_every_set() -> None:
    for model in (shipped_model(5), shifted_model()):
        for name, table in model.tables.items():
            assert table.min() >= 0, name
            assert np.abs(table.sum(axis=-1) - 1).max() < 1e-12, name


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        central_model().tables["adherence"][...] = 0.5


# --- small builders -------------------------------------------------------------------------------------------------


def fixed(**numbers: float) -> Draws:
    return Draws({name.replace("__", "."): np.array([number]) for name, number in numbers.items()}, 1)


def test_values_note_what_is_read_in_order_and_once() -> None:
    values = Values(fixed(b=0.2, a=0.1))
    assert values["b"][0] + values["a"][0] + values["b"][0] == pytest.approx(0.5)
    assert values.read == ("b", "a")
    assert (values.zero[0], values.one[0]) == (0.0, 1.0)


def test_a_root_has_the_shares_of_its_weights() -> None:
    spec = NodeSpec((), prior_weights("sex"))
    node = spec.build("sex", fixed(sex__prior__female=3.0, sex__prior__male=1.0))
    assert node.table[0] == pytest.approx([0.75, 0.25])
    assert node.parameters == ("sex.prior.female", "sex.prior.male")


def test_rows_by_makes_a_row_for_each_prefix() -> None:
    numbers = fixed(x__female=1.0, x__male=1.0, y__female=1.0, y__male=3.0)
    table = rows_by("sex", ("x", "y"))(Values(numbers))
    assert table[0] == pytest.approx(np.array([[0.5, 0.5], [0.25, 0.75]]))


def test_binary_by_makes_a_row_for_each_state_of_the_parent() -> None:
    table = binary_by("no", "yes")(Values(fixed(no=0.1, yes=0.8)))
    assert table[0] == pytest.approx(np.array([[0.9, 0.1], [0.2, 0.8]]))


def test_a_builder_with_another_number_of_states_is_refused() -> None:
    with pytest.raises(ValueError, match="adherence: 2 states built, 3 declared"):
        NodeSpec(("sex",), binary_by("no", "yes")).build("adherence", fixed(no=0.1, yes=0.8))


COIN = {"a": ("no", "yes"), "b": ("no", "yes")}
FLAT = np.full((1, 2), 0.5)


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ({"a": Node(("b",), np.full((1, 2, 2), 0.5)), "b": Node(("a",), np.full((1, 2, 2), 0.5))}, "cycle through"),
        ({"a": Node(("c",), np.full((1, 2, 2), 0.5)), "b": Node((), FLAT)}, "parent c is not a node"),
        ({"a": Node(("b",), FLAT), "b": Node((), FLAT)}, "a: the table has shape"),
        ({"a": Node((), FLAT), "b": Node((), np.array([[0.5, 0.6]]))}, "b: a row of the table does not sum"),
        ({"a": Node((), FLAT), "b": Node((), np.array([[-0.5, 1.5]]))}, "b: a row of the table .* negative"),
        ({"a": Node((), np.full((3, 2), 0.5)), "b": Node((), np.full((2, 2), 0.5))}, "b: the table has shape"),
    ],
)
def test_nodes_that_do_not_fit_are_refused(nodes: dict[str, Node], words: str) -> None:
    with pytest.raises(RecordError, match=words):
        build_model(COIN, nodes)


def test_unknown_names_are_refused_with_the_nearest() -> None:
    model = central_model()
    assert model.position("adherence", "full") == 0
    with pytest.raises(ValueError, match="adherence"):
        model.position("adherance", "full")
    with pytest.raises(ValueError, match="'full'"):
        model.position("adherence", "ful")


def test_ancestors_and_extension() -> None:
    model = build_model(COIN, {"a": Node((), FLAT), "b": Node(("a",), np.full((1, 2, 2), 0.5), ("p",))})
    assert model.ancestors({"b"}) == {"a", "b"}
    larger = model.extended({"c": Node(("b",), np.full((1, 2, 2), 0.5))}, {"c": ("no", "yes")})
    assert larger.ancestors({"c"}) == {"a", "b", "c"}
    assert larger.parameters["b"] == ("p",)
    assert list(model.states) == ["a", "b"]


@pytest.mark.parametrize(
    ("variable", "expected"),
    [("crp", (1, 5, 10, 30)), ("esr", (20, 28, 50)), ("sjc28", (0.5, 2.5, 5.5)), ("physician_global", (10.5, 20.5, 40.5))],
)
def test_tables_are_cut_where_the_variables_are(variable: str, expected: tuple[float, ...]) -> None:
    assert cutoffs(variable) == expected


def test_states_without_cut_offs_are_refused() -> None:
    with pytest.raises(RecordError, match="pathotype: its states do not meet at cut-offs"):
        cutoffs("pathotype")
