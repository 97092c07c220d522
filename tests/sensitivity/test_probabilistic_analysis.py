"""Probabilistic analysis and the user's weights, against the assessment and against analyses made anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from refra import Patient, Preferences, assess
from refra.data.errors import FindingError, UnknownNameError
from refra.data.fitted import Fitted, fitted
from refra.data.loading import parameters
from refra.inference.patient_files import as_record, example_texts, parse_yaml
from refra.inference.preferences import weight_names
from refra.inference.sensitivity.accepting import Weighed, acceptability, expected_loss
from refra.inference.sensitivity.information import evpi
from refra.inference.sensitivity.preferences_file import preferences_table, read_preferences
from refra.inference.sensitivity.probabilistic import Psa, inflation_of, psa
from refra.model.drug_classes import CLASSES

SEED = 5


def example(name: str) -> Patient:
    return Patient.from_dict(as_record(parse_yaml(example_texts()[name], name), name))


@pytest.fixture(scope="module")
def analysis() -> Psa:
    return psa(example("first_patient"), draws=200, seed=SEED)


@pytest.mark.parametrize("name", ["first_patient", "lupus_on_infliximab"])
def test_it_agrees_with_the_assessment(name: str) -> None:
    given = Preferences(weights={"mace": 0.3}, unavailable=("abatacept",))
    found = psa(example(name), given, draws=60, seed=SEED)
    shown = assess(example(name), given, draws=60, seed=SEED).options.set_index("id")
    table = found.data.set_index("option")
    assert set(table.index) == set(shown.index)
    for option, row in table.iterrows():
        assert row["p_best"] == pytest.approx(shown.loc[option, "p_best"], abs=1e-12)
        assert (row["low"], row["high"]) == pytest.approx(tuple(shown.loc[option, ["utility_low", "utility_high"]]), abs=1e-12)
    assert table["p_best"].sum() == pytest.approx(1)
    assert table["p_optimal"].sum() == pytest.approx(1)


def test_drug_classes_are_no_choice_where_another_disease_comes_first() -> None:
    found = psa(example("lupus_on_infliximab"), draws=60, seed=SEED)
    table = found.data.set_index("option")
    assert found.look.other_disease[0] > 0.2
    for option, row in table.iterrows():
        assert row["allowed"] == (option not in CLASSES)
        assert np.isnan(row["expected_loss"]) == (option in CLASSES)
    assert evpi(found).value == pytest.approx(table["expected_loss"].min(), abs=1e-15)
    assert "excluded first" in found.summary()


def test_expected_loss_of_the_first_option_is_the_evpi(analysis: Psa) -> None:
    table = analysis.data.set_index("option")
    assert table["expected_loss"].idxmin() == analysis.first == table["mean"].idxmax()
    assert evpi(analysis).value == pytest.approx(table["expected_loss"].min(), abs=1e-15)


@pytest.mark.parametrize("weight", ["low_disease_activity", "mace", "regulator_gate"])
def test_curves_equal_analyses_with_that_weight(analysis: Psa, weight: str) -> None:
    values = [0.05, 0.2, 0.7]
    curves = acceptability(analysis, weight, values).data.merge(expected_loss(analysis, weight, values).data)
    for value in values:
        anew = psa(example("first_patient"), Preferences(weights={weight: value}), draws=200, seed=SEED)
        table = anew.data.set_index("option")
        here = curves[curves["value"] == value].set_index("option")
        for option in table.index:
            assert here.loc[option, "mean_utility"] == pytest.approx(table.loc[option, "mean"], abs=1e-12)
            assert here.loc[option, "p_best"] == pytest.approx(table.loc[option, "p_optimal"], abs=1e-12)
            assert here.loc[option, "expected_loss"] == pytest.approx(table.loc[option, "expected_loss"], abs=1e-12)
        assert list(here.index[here["chosen"]]) == [anew.first]


def test_all_harms_at_once(analysis: Psa) -> None:
    curves = expected_loss(analysis, "harms", [0, 1, 2]).data
    harmless = Preferences(weights=dict.fromkeys(("serious_infection", "mace", "malignancy", "vte", "gi_perforation", "zoster"), 0.0))
    without = psa(example("first_patient"), harmless, draws=200, seed=SEED).data.set_index("option")["mean"]
    once = analysis.data.set_index("option")["mean"]
    for option, mean in once.items():
        at = curves[curves["option"] == option].set_index("value")["mean_utility"]
        assert at[1.0] == pytest.approx(mean, abs=1e-12)
        assert at[0.0] == pytest.approx(without[option], abs=1e-12)
        assert at[2.0] == pytest.approx(2 * mean - without[option], abs=1e-12)


def test_where_the_choice_changes() -> None:
    random = np.random.default_rng(3)
    values = np.linspace(0, 2, 2001)
    for _ in range(20):
        base, slope = random.standard_normal((40, 6)), random.standard_normal((40, 6))
        utility = base + values[:, None, None] * slope
        found = Weighed("mace", values, tuple("abcdef"), utility)
        best = (base.mean(axis=0) + values[:, None] * slope.mean(axis=0)).argmax(axis=1)
        changes = np.flatnonzero(np.diff(best))
        turns = found.turns()
        assert [(before, after) for _, before, after in turns] == [("abcdef"[best[i]], "abcdef"[best[i + 1]]) for i in changes]
        for (value, _, _), place in zip(turns, changes, strict=True):
            assert values[place] <= value <= values[place + 1]


def test_weights_that_cannot_be_are_refused(analysis: Psa) -> None:
    with pytest.raises(UnknownNameError, match="mace"):
        acceptability(analysis, "mcae")
    with pytest.raises(FindingError, match="0 and 10"):
        acceptability(analysis, "mace", [0.1, 11])
    with pytest.raises(FindingError, match="at least two"):
        expected_loss(analysis, "mace", [0.1])


def test_no_more_draws_than_the_posterior_has() -> None:
    available = len(fitted().deviates)
    with pytest.raises(FindingError, match=str(available)):
        psa(example("first_patient"), draws=available + 1)
    with pytest.raises(FindingError, match="20 or more"):
        psa(example("first_patient"), draws=5, basis="prior")


def test_slopes_are_finite_differences_of_the_utilities(analysis: Psa) -> None:
    # Of these weights the utility is linear, and the centre is the record's: a lognormal weight rises by the factor exp(spread).
    record = parameters()["utility.low_disease_activity"]
    spread = record.spread * float(fitted().deviates[:, fitted().ids.index(record.id)].std())
    for place, option in enumerate(analysis.allowed):
        expected = record.centre * (np.exp(spread) - 1) * analysis.look.lda[option][0]
        assert analysis.slopes[list(parameters()).index(record.id), place] == pytest.approx(expected, rel=1e-9)


def test_how_many_draws_an_independent_one_is_worth() -> None:
    random = np.random.default_rng(4)
    deviates = random.standard_normal((400, 60))
    asked = np.arange(60) >= 30

    def of(columns: np.ndarray) -> float:
        return inflation_of(Fitted(tuple(f"p{i}" for i in range(60)), columns, asked, ()), np.arange(len(columns)))

    assert of(deviates) == pytest.approx(1.0, abs=0.15)
    assert of(np.repeat(deviates, 3, axis=0)) == pytest.approx(3.0, abs=0.45)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("wanted.yaml", "weights:\n  mace: 0.2\n  low_disease_activity: 0.1\nunavailable: [rituximab]\n"),
        ("wanted.json", '{"weights": {"mace": 0.2, "low_disease_activity": 0.1}, "unavailable": ["rituximab"]}'),
    ],
)
def test_preferences_from_a_file(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_preferences(tmp_path / name) == Preferences(weights={"mace": 0.2, "low_disease_activity": 0.1}, unavailable=("rituximab",))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", "weights: {mcae: 0.2}\n", "mace"),
        ("a.yaml", "weight: {mace: 0.2}\n", "weights"),
        ("a.yaml", "weights: {mace: 0.2, mace: 0.3}\n", "twice"),
        ("a.yaml", "1: {mace: 0.2}\n", "no text"),
        ("a.json", '{"weights": {"mace": -1}}', "0 to 10"),
        ("a.json", '{"weights": ', "JSON"),
        ("a.yaml", "", "empty"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises((FindingError, UnknownNameError), match=said):
        read_preferences(tmp_path / name)


def test_every_weight_is_echoed() -> None:
    table = preferences_table(Preferences(weights={"mace": 0.2})).set_index("weight")
    assert tuple(table.index) == weight_names()
    assert table.loc["mace", "given"] == 0.2
    assert table["given"].notna().sum() == 1
    for name, row in table.iterrows():
        record = parameters()[f"utility.{name}"]
        assert (row["default"], row["range_low"], row["range_high"]) == (record.centre, record.range_low, record.range_high)
        assert row["source"]
