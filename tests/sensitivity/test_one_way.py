"""One-way curves, cells, records and maps of the shipped network against networks that are built anew."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import pandas as pd
import pytest

from refra import Patient, Preferences
from refra.data.errors import FindingError, UnknownNameError
from refra.data.loading import parameters
from refra.inference.options import outlook, ranking_scores
from refra.inference.patient_files import as_record, example_texts, parse_yaml
from refra.inference.sensitivity.along import ratio_along
from refra.inference.sensitivity.case import Case, case_of
from refra.inference.sensitivity.cells import all_cells
from refra.inference.sensitivity.covariation import covaried
from refra.inference.sensitivity.one_way_curve import one_way
from refra.inference.sensitivity.quantities import Quantity, evaluate, ids_of, quantity
from refra.inference.sensitivity.setting import setting
from refra.inference.sensitivity.spans import spans
from refra.inference.sensitivity.tornado import all_parameters, parameter_tornado
from refra.inference.sensitivity.two_way_map import two_way
from refra.model.assembly import assemble, central_model
from refra.model.draws import DEFAULT_SEED, Draws, shipped_draws
from refra.model.network import Model

DIFFERENCE = "utility:il6r_inhibitor - utility:treat_noninflammatory"
QUANTITIES = {"first_patient": DIFFERENCE, "missed_injections": "lda:tnf_inhibitor", "lupus_on_infliximab": "reason:other_disease"}


@cache
def case(name: str) -> Case:
    text = example_texts()[name]
    return case_of(Patient.from_dict(as_record(parse_yaml(text, name), name)))


def centre() -> Draws:
    return shipped_draws(0, DEFAULT_SEED, "fitted")


def rebuilt(changes: Mapping[str, float]) -> tuple[Model, Draws]:
    """Build the whole network anew with some records at other values."""
    values = {name: np.array([changes.get(name, float(centre()[name][0]))]) for name in parameters()}
    return assemble(Draws(values, 1)), Draws(values, 1)


def with_cell(row: pd.Series, value: float) -> Model:
    """Return the central network with one cell at another value and the others of its row in proportion."""
    model = central_model()
    variable, given = row["variable"], [part.split("=", 1) for part in row["given"].split(", ") if part]
    index = tuple(model.position(parent, state) for parent, state in given)
    assert [parent for parent, _ in given] == list(model.parents[variable])
    state = model.position(variable, row["state"])
    table = model.tables[variable].copy()
    old = table[(0, *index)].copy()
    assert old[state] == pytest.approx(row["value"], abs=1e-12)
    table[(0, *index)] = old * (1 - value) / (1 - old[state])
    table[(0, *index, state)] = value
    return Model(model.states, model.parents, {**model.tables, variable: table}, model.parameters, 1)


def answer(mine: Case, model: Model, values: Draws, text: str) -> float:
    return float(evaluate(mine, model, values, [quantity(mine, text)])[0, 0])


def first(mine: Case, model: Model, values: Draws, text: str) -> str:
    """Return who comes first as the assessment ranks them."""
    if quantity(mine, text).future:
        look = outlook(mine.place, model, values, mine.preferences)
        return look.options[int(np.argmax(ranking_scores(look)[0]))]
    ids = ids_of(mine, "reason")
    return ids[int(np.argmax(evaluate(mine, model, values, [Quantity("reason", one) for one in ids])[:, 0]))]


@pytest.mark.parametrize("name", QUANTITIES)
def test_all_cells_against_rebuilt_networks(name: str) -> None:
    mine, text = case(name), QUANTITIES[name]
    found = all_cells(mine, text)
    base = answer(mine, central_model(), centre(), text)
    assert found.first_place == first(mine, central_model(), centre(), text)
    rng = np.random.default_rng(1)
    picked = [*range(3), *rng.choice(len(found.data), 4, replace=False)]
    for _, row in found.data.iloc[picked].iterrows():
        for value in (0.03, 0.55):
            wanted = answer(mine, with_cell(row, value), centre(), text)
            assert (row["a"] + row["b"] * value) / (row["c"] + row["d"] * value) == pytest.approx(wanted, abs=1e-9)
        assert (row["a"] + row["b"] * row["value"]) / (row["c"] + row["d"] * row["value"]) == pytest.approx(base, abs=1e-9)
        # A ratio of linear functions is known from any three of its values.
        step = 1e-4 * row["value"] * (1 - row["value"])
        sides = [answer(mine, with_cell(row, row["value"] + sign * step), centre(), text) for sign in (1, -1)]
        assert row["derivative"] == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-4, abs=1e-6)
        assert row["per_log_odds"] == pytest.approx(row["derivative"] * row["value"] * (1 - row["value"]), rel=1e-12)
    changes = found.changes
    assert (np.diff(changes["log_odds_change"]) >= 0).all()
    for _, row in changes.iloc[np.unique(np.linspace(0, len(changes) - 1, 6).astype(int))].iterrows():
        at, up = row["smallest_change"], row["smallest_change"] > row["value"]
        gap = 1e-7 * at * (1 - at)
        sides = [first(mine, with_cell(row, at + sign * gap), centre(), text) for sign in (-1, 1)]
        assert sides == ([found.first_place, row["first_place_then"]] if up else [row["first_place_then"], found.first_place])
        odds = at / (1 - at) / (row["value"] / (1 - row["value"]))
        assert row["log_odds_change"] == pytest.approx(abs(np.log(odds)), rel=1e-9)


@pytest.mark.parametrize(
    ("name", "cell", "up"),
    [
        ("escape_with_level_in_range", ("other_disease", {"current_drug": "adalimumab"}, "fracture"), True),
        ("lupus_on_infliximab", ("red_flags", {"other_disease": "none"}, "new_autoantibodies"), False),
    ],
)
def test_the_rule_on_another_disease_changes_the_first_place(name: str, cell: tuple[str, dict[str, str], str], up: bool) -> None:
    """With P(other disease) above 0.2 every drug class goes last, though the IL-6R inhibitor has the greatest utility at that point."""
    mine = case(name)
    found = one_way(mine, "utility:il6r_inhibitor", cell=cell)
    (change,) = [row for _, row in found.changes.iterrows() if {row["before"], row["after"]} == {"il6r_inhibitor", "treat_noninflammatory"}]
    assert change["before" if up else "after"] == "il6r_inhibitor"
    row = all_cells(mine, "utility:il6r_inhibitor").data.query(f"variable == '{cell[0]}' and state == '{cell[2]}'")
    row = row[row["given"] == ", ".join(f"{parent}={state}" for parent, state in cell[1].items())].iloc[0]
    look = outlook(mine.place, with_cell(row, change["value"]), centre(), mine.preferences)
    assert look.other_disease[0] == pytest.approx(0.2, abs=1e-9)
    assert max(look.options, key=lambda one: float(look.utility[one][0])) == "il6r_inhibitor"
    assert change["value"] == pytest.approx(row["change_above"], rel=1e-9)
    assert change["distance"] == pytest.approx(row["log_odds_change"], rel=1e-9)


@pytest.mark.parametrize("scheme", ["proportional", "uniform", "order_preserving"])
def test_one_cell_along_each_scheme(scheme: str) -> None:
    mine = case("first_patient")
    model = central_model()
    variable = "other_disease"
    cell = (variable, {"current_drug": "adalimumab"}, "crystal_arthritis")
    found = one_way(mine, DIFFERENCE, cell=cell, scheme=scheme)
    index = (0, model.position("current_drug", "adalimumab"))
    state = model.position(variable, "crystal_arthritis")
    old = model.tables[variable][index]
    assert found.present == old[state]
    picked = found.data.iloc[[1, len(found.data) // 2, len(found.data) - 2]]
    for _, row in picked.iterrows():
        table = model.tables[variable].copy()
        table[index] = covaried(old, state, row["value"], scheme)
        altered = Model(model.states, model.parents, {**model.tables, variable: table}, model.parameters, 1)
        assert row["answer"] == pytest.approx(answer(mine, altered, centre(), DIFFERENCE), abs=1e-10)
        assert row["first_place"] == first(mine, altered, centre(), DIFFERENCE)
        with np.errstate(divide="ignore"):
            ratio = np.log(table[index] / old)
        assert row["distance"] == pytest.approx(np.ptp(ratio), rel=1e-9)
        assert row["odds_factor"] == pytest.approx(np.exp(np.ptp(ratio)), rel=1e-9)
    assert len(found.form) == (2 if scheme == "order_preserving" else 1)
    form = found.form.iloc[-1]
    assert found.derivative == form["derivative"]
    assert form["asymptote_value"] == pytest.approx(-form["c"] / form["d"])


RECORDS = ["response.contextual", "utility.low_disease_activity", "treat_noninflammatory.relief", "fibromyalgia.prevalence"]


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_against_rebuilt_networks(record: str) -> None:
    mine = case("first_patient")
    found = one_way(mine, DIFFERENCE, parameter=record)
    span = parameters()[record]
    assert found.data["value"].iloc[0] <= span.range_low * (1 + 1e-4)
    assert found.data["value"].iloc[-1] >= span.range_high * (1 - 1e-4)
    for _, row in found.data.iloc[[0, 20, -1]].iterrows():
        model, values = rebuilt({record: row["value"]})
        assert row["answer"] == pytest.approx(answer(mine, model, values, DIFFERENCE), abs=1e-11)
        assert row["first_place"] == first(mine, model, values, DIFFERENCE)
    step = 1e-4 * found.present
    sides = [answer(mine, *rebuilt({record: found.present + sign * step}), DIFFERENCE) for sign in (1, -1)]
    assert found.derivative == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-6, abs=1e-9)
    assert len(found.changes) == 1
    change = found.changes.iloc[0]
    assert change["how"] == ("closed form" if record.startswith("utility") else "root to 1e-10")
    for sign, who in ((-1, change["before"]), (1, change["after"])):
        model, values = rebuilt({record: change["value"] * (1 + sign * 1e-7)})
        assert first(mine, model, values, DIFFERENCE) == who


def test_a_record_that_one_table_is_affine_in_has_a_closed_form() -> None:
    """The weight of low disease activity: the answer is a straight line, and where it is 0 is plain arithmetic."""
    found = one_way(case("first_patient"), DIFFERENCE, parameter="utility.low_disease_activity")
    form = found.form.iloc[0]
    assert (form["c"], form["d"]) == (1, 0)
    assert found.changes["value"].iloc[0] == pytest.approx(-form["a"] / form["b"], rel=1e-9)
    mine = case("first_patient")
    question = setting(mine, "cause:osteoarthritis")
    affine = [one for one, tables in question.readers.items() if len(tables) == 1]
    closed = [one for one in affine if ratio_along(question, one, spans("fitted")[one].natural(np.array([-2.0, 0.0, 2.0])))]
    assert 0 < len(closed) < len(affine)
    for record in closed[:2]:
        form = one_way(mine, "cause:osteoarthritis", parameter=record).form.iloc[0]
        for value in (form["low"], form["high"]):
            wanted = answer(mine, *rebuilt({record: value}), "cause:osteoarthritis")
            assert (form["a"] + form["b"] * value) / (form["c"] + form["d"] * value) == pytest.approx(wanted, abs=1e-10)


def test_the_tornado_against_rebuilt_networks() -> None:
    mine = case("first_patient")
    found = parameter_tornado(mine, DIFFERENCE)
    slopes = all_parameters(mine, DIFFERENCE).data.set_index("parameter")
    assert set(found.data["parameter"]) == set(slopes.index)
    rng = np.random.default_rng(2)
    for _, row in found.data.iloc[[*range(4), *rng.choice(len(found.data), 4, replace=False)]].iterrows():
        for end in ("low", "high"):
            model, values = rebuilt({row["parameter"]: row[end]})
            assert row[f"answer_{end}"] == pytest.approx(answer(mine, model, values, DIFFERENCE), abs=1e-11)
            assert row[f"first_{end}"] == first(mine, model, values, DIFFERENCE)
        step = 1e-4 * row["value"]
        sides = [answer(mine, *rebuilt({row["parameter"]: row["value"] + sign * step}), DIFFERENCE) for sign in (1, -1)]
        derivative = (sides[0] - sides[1]) / (2 * step)
        assert slopes["derivative"][row["parameter"]] == pytest.approx(derivative, rel=1e-5, abs=1e-9)
    for _, row in found.changes.iloc[:4].iterrows():
        for sign, who in ((-1, row["before"]), (1, row["after"])):
            model, values = rebuilt({row["parameter"]: row["value"] * (1 + sign * 1e-7)})
            assert first(mine, model, values, DIFFERENCE) == who
    changed = found.data[(found.data["first_low"] != found.first_place) | (found.data["first_high"] != found.first_place)]
    assert set(changed["parameter"]) <= set(found.changes["parameter"])


def test_a_record_that_is_not_listed_moves_nothing() -> None:
    mine = case("first_patient")
    listed = set(all_parameters(mine, DIFFERENCE).data["parameter"])
    left = [name for name in parameters() if name not in listed]
    assert left
    base = answer(mine, central_model(), centre(), DIFFERENCE)
    ends = {name: float(spans("fitted")[name].natural(spans("fitted")[name].high)) for name in left}
    model, values = rebuilt(ends)
    assert answer(mine, model, values, DIFFERENCE) == pytest.approx(base, abs=1e-12)


def test_a_map_against_rebuilt_networks() -> None:
    mine, pair = case("first_patient"), ("response.contextual", "utility.low_disease_activity")
    found = two_way(mine, DIFFERENCE, *pair, grid=7)
    assert len(found.data) == 49
    for _, row in found.data.iloc[[0, 17, 30, 48]].iterrows():
        model, values = rebuilt({name: row[name] for name in pair})
        assert row["answer"] == pytest.approx(answer(mine, model, values, DIFFERENCE), abs=1e-11)
        assert row["first_place"] == first(mine, model, values, DIFFERENCE)
    assert set(found.changes["rising"]) == set(pair)
    for _, row in found.changes.iloc[::4].iterrows():
        for sign, who in ((-1, row["before"]), (1, row["after"])):
            moved = {name: row[name] * (1 + sign * 1e-4 * (name == row["rising"])) for name in pair}
            assert first(mine, *rebuilt(moved), DIFFERENCE) == who


def test_two_earlier_drugs_of_a_class() -> None:
    """A record then reaches the table of the copy too."""
    patient = {
        "current_drug": "abatacept",
        "response": "never",
        "earlier": {"tnf_inhibitor": ["never_worked", "lost_response"]},
        "sjc28": 9,
    }
    mine, text = case_of(patient), "reason:wrong_pathway"
    slopes = all_parameters(mine, text).data
    record = next(one for one in slopes["parameter"] if parameters()[one].node.startswith("earlier"))
    value = float(centre()[record][0])
    step = 1e-4 * value
    sides = []
    for sign in (1, -1):
        model, values = rebuilt({record: value + sign * step})
        with_copy = model.copied({"earlier_tnf_inhibitor_2": "earlier_tnf_inhibitor"})
        sides.append(answer(mine, with_copy, values, text))
    found = slopes.set_index("parameter")["derivative"][record]
    assert found == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-5)
    curve = one_way(mine, text, parameter=record).data
    model, values = rebuilt({record: curve["value"].iloc[0]})
    wanted = answer(mine, model.copied({"earlier_tnf_inhibitor_2": "earlier_tnf_inhibitor"}), values, text)
    assert curve["answer"].iloc[0] == pytest.approx(wanted, abs=1e-11)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({}, FindingError, "one of parameter and cell"),
        ({"parameter": "response.contextul"}, UnknownNameError, "response.contextual"),
        ({"parameter": "utility.mace"}, FindingError, "preferences set this weight to 0.2"),
        ({"parameter": "ada.infliximab"}, FindingError, "no bearing"),
        ({"cell": ("other_disease", {"curent_drug": "adalimumab"}, "none")}, UnknownNameError, "current_drug"),
        ({"cell": ("other_disease", {"current_drug": "infliximab"}, "none")}, FindingError, "is adalimumab in this patient"),
        ({"cell": ("fibromyalgia", {}, "yes")}, FindingError, "the state of depression is wanted"),
        ({"cell": ("pathotype", {}, "lympho_myeloid")}, FindingError, "no bearing"),
        ({"cell": ("other_disease", {}, "none"), "scheme": "order_preserving"}, FindingError, "greatest"),
        ({"cell": ("other_disease", {}, "none"), "scheme": "ordered"}, UnknownNameError, "order_preserving"),
    ],
)
def test_what_cannot_be_varied_is_refused(given: dict, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        one_way(case("first_patient").place.patient, DIFFERENCE, **given, preferences=Preferences(weights={"mace": 0.2}))


@pytest.mark.parametrize(("second", "grid", "said"), [("response.contextual", 5, "given twice"), ("utility.vte", 2, "3 to 101")])
def test_maps_that_cannot_be_drawn_are_refused(second: str, grid: int, said: str) -> None:
    with pytest.raises(FindingError, match=said):
        two_way(case("first_patient"), DIFFERENCE, "response.contextual", second, grid=grid)


def test_results_show_themselves(tmp_path) -> None:
    mine = case("first_patient")
    results = [
        one_way(mine, DIFFERENCE, parameter="response.contextual"),
        one_way(mine, "lda:rituximab", cell=("other_disease", {}, "crystal_arthritis"), scheme="order_preserving"),
        all_cells(mine, "reason:immunogenicity"),
        all_parameters(mine, "cause:depression"),
        parameter_tornado(mine, "lda:rituximab"),
        two_way(mine, DIFFERENCE, "response.contextual", "utility.pain_relief", grid=5),
    ]
    for number, result in enumerate(results):
        paths = [tmp_path / f"{number}_{copy}.csv" for copy in range(2)]
        for path in paths:
            result.to_csv(path)
        assert paths[0].read_bytes() == paths[1].read_bytes()
        assert len(pd.read_csv(paths[0])) == len(result.data) > 0
        assert result.quantity.label() in result.summary()
        figure = result.plot()
        assert " ".join(figure.get_supxlabel().split()) == result.how_to_read
