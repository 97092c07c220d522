"""`refra.query`: what it accepts, what it refuses and with which words, and its frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import refra
from refra.data.errors import FindingError, ImpossibleFindingsError, UnknownNameError
from refra.data.loading import variables
from refra.inference.asking import Known, ask
from refra.inference.patient import Patient
from refra.model.assembly import central_model


def probabilities(target: str, given: dict[str, Any] | None = None, do: dict[str, Any] | None = None) -> np.ndarray:
    table = refra.query(target, given=given, do=do, draws=0)
    assert tuple(table["state"]) == variables()[target].state_ids
    return np.asarray(table["probability"])


def test_the_frame_is_tidy() -> None:
    table = refra.query(["ada", "exposure"], given={"current_drug": "adalimumab"}, draws=0)
    assert list(table.columns) == ["variable", "state", "probability", "low", "high"]
    assert list(table["variable"]) == ["ada"] * 3 + ["exposure"] * 3
    assert table.groupby("variable")["probability"].sum().tolist() == pytest.approx([1.0, 1.0])
    # Without draws beside the centre the bounds are the centre.
    pd.testing.assert_series_equal(table["low"], table["probability"], check_names=False)
    pd.testing.assert_series_equal(table["high"], table["probability"], check_names=False)


def test_nothing_is_assumed() -> None:
    model = central_model()
    for given in ({}, {"current_drug": "adalimumab"}):
        hard = {name: model.position(name, state) for name, state in given.items()}
        expected = ask(model, Known(hard), ["target_met"])["target_met"][0]
        np.testing.assert_allclose(probabilities("target_met", given), expected, atol=1e-12)


@pytest.mark.parametrize("nothing", [None, float("nan"), np.nan, pd.NA])
def test_what_is_missing_is_not_observed(nothing: Any) -> None:
    given = {"current_drug": "adalimumab", "drug_level": "low"}
    padded = {**given, "crp": nothing, "synovitis": nothing, "ada_test": nothing}
    np.testing.assert_array_equal(probabilities("ada", padded), probabilities("ada", given))


def test_what_is_observed_is_certain() -> None:
    assert probabilities("driver", {"driver": "il6"})[1] == pytest.approx(1.0)
    assert probabilities("ada_test", {"ada_test": "negative"}).tolist() == [1.0, 0.0, 0.0]
    assert probabilities("sex", {"sex": "male"}).tolist() == [0.0, 1.0]


def test_raw_values_read_as_in_a_patient_record() -> None:
    model = central_model()
    finding = next(f for f in Patient(crp="2.2 mg/dL").findings() if f.field == "crp")
    expected = ask(model, Known({}, {"crp": np.array(finding.likelihood)}), ["synovitis"])["synovitis"][0]
    for value in ("22 mg/L", "2.2 mg/dL"):
        np.testing.assert_allclose(probabilities("synovitis", {"crp": value}), expected, atol=1e-3)
    np.testing.assert_allclose(probabilities("synovitis", {"crp": "2.2 mg/dL"}), expected, atol=1e-12)


def test_a_raw_drug_level_uses_the_drugs_cutoffs() -> None:
    low = probabilities("exposure", {"drug_level": "0.4 mg/L", "current_drug": "adalimumab"})
    high = probabilities("exposure", {"drug_level": "30 mg/L", "current_drug": "adalimumab"})
    assert low[2] < 0.2
    assert high[2] > 0.8
    with pytest.raises(FindingError, match="current_drug"):
        refra.query("exposure", given={"drug_level": "0.4 mg/L"}, draws=0)


def test_an_integer_is_a_raw_value_and_never_an_index() -> None:
    # No swollen joint, through the error of counting; as an index it would be the first state exactly.
    raw = probabilities("synovitis", {"sjc28": 0})
    finding = next(f for f in Patient(sjc28=0).findings() if f.field == "sjc28")
    expected = ask(central_model(), Known({}, {"sjc28": np.array(finding.likelihood)}), ["synovitis"])["synovitis"][0]
    np.testing.assert_allclose(raw, expected, atol=1e-12)
    # Nine joints lie beyond the four states.
    assert probabilities("synovitis", {"sjc28": 9})[0] < raw[0]
    for name in ("synovitis", "driver", "true_course"):
        with pytest.raises(FindingError, match="2 is not a state"):
            refra.query("ada", given={name: 2}, draws=0)
    with pytest.raises(FindingError):
        refra.query("ada", given={"power_doppler": 1}, draws=0)
    with pytest.raises(UnknownNameError):
        refra.query("ada", do={"synovitis": 2}, draws=0)


def test_yes_and_no_take_truth_values() -> None:
    np.testing.assert_array_equal(probabilities("crp", {"fibromyalgia": True}), probabilities("crp", {"fibromyalgia": "yes"}))
    np.testing.assert_array_equal(probabilities("crp", None, {"depression": False}), probabilities("crp", None, {"depression": "no"}))
    with pytest.raises(FindingError):
        refra.query("ada", given={"synovitis": True}, draws=0)


def test_a_one_hot_likelihood_is_the_state_and_a_flat_one_nothing() -> None:
    states = variables()["ada_test"].state_ids
    hot = dict(zip(states, (0.0, 0.0, 0.3), strict=True))
    np.testing.assert_allclose(probabilities("ada", {"ada_test": hot}), probabilities("ada", {"ada_test": states[2]}), atol=1e-12)
    np.testing.assert_allclose(probabilities("ada", {"ada_test": dict.fromkeys(states, 0.4)}), probabilities("ada"), atol=1e-12)


def test_order_of_findings_does_not_matter() -> None:
    given: dict[str, Any] = {"crp": 22, "current_drug": "etanercept", "sjc28": "6+", "ifn_signature": "positive"}
    turned = dict(reversed(given.items()))
    np.testing.assert_allclose(probabilities("driver", given), probabilities("driver", turned), atol=1e-12)


# Interventions


def test_setting_a_root_is_observing_it() -> None:
    for target in ("exposure", "driver", "lda_tnf_inhibitor"):
        expected = probabilities(target, {"current_drug": "adalimumab", "crp": ">30"})
        np.testing.assert_allclose(probabilities(target, {"crp": ">30"}, {"current_drug": "adalimumab"}), expected, atol=1e-12)


def test_setting_a_child_says_nothing_of_its_causes() -> None:
    np.testing.assert_allclose(probabilities("synovitis", None, {"crp": ">30"}), probabilities("synovitis"), atol=1e-12)
    assert abs(probabilities("synovitis", {"crp": ">30"}) - probabilities("synovitis")).max() > 0.05
    assert probabilities("crp", None, {"crp": ">30"}).tolist() == [0.0, 0.0, 0.0, 0.0, 1.0]


# Refusals


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"targets": "synovits"}, ["unknown variable 'synovits'", "'synovitis'"]),
        ({"targets": "ada", "given": {"drug_lvel": "low"}}, ["given", "'drug_lvel'", "'drug_level'"]),
        ({"targets": "ada", "given": {"age": 70}}, ["age_group"]),
        ({"targets": "ada", "given": {"synovitis": "hgh"}}, ["synovitis", "'hgh'", "high"]),
        ({"targets": "ada", "given": {"ada_test": "low_positiv"}}, ["ada_test", "low_positive"]),
        ({"targets": "ada", "do": {"drver": "il6"}}, ["'drver'", "'driver'"]),
        ({"targets": "ada", "do": {"driver": "il7"}}, ["driver", "'il7'", "'il6'"]),
        ({"targets": "ada", "given": {"ada_test": {"negativ": 1.0}}}, ["ada_test", "'negativ'", "'negative'"]),
        ({"targets": "ada", "given": {"current_drug": "adalimumap"}}, ["current_drug", "'adalimumab'"]),
    ],
)
def test_unknown_names_come_with_the_nearest(arguments: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(UnknownNameError) as caught:
        refra.query(**arguments, draws=0)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"targets": []}, "no variable asked for"),
        ({"targets": "ada", "given": {"ada_test": {"negative": 1.0, "low_positive": 0.3}}}, "lacks high_positive"),
        ({"targets": "ada", "given": {"ada_test": {"negative": 1.5, "low_positive": 0.3, "high_positive": 0.1}}}, "0 to 1"),
        ({"targets": "ada", "given": {"ada_test": {"negative": -0.1, "low_positive": 0.3, "high_positive": 0.1}}}, "0 to 1"),
        ({"targets": "ada", "given": {"ada_test": {"negative": float("nan"), "low_positive": 0.3, "high_positive": 0.1}}}, "0 to 1"),
        ({"targets": "ada", "given": {"ada_test": {"negative": 0, "low_positive": 0, "high_positive": 0}}}, "at least one above 0"),
        ({"targets": "ada", "given": {"ada_test": {"negative": "much", "low_positive": 0.3, "high_positive": 0.1}}}, "numbers"),
        ({"targets": "ada", "given": {"exposure": "low"}, "do": {"exposure": "low"}}, "both given and set"),
        ({"targets": "ada", "given": {"crp": 22}, "do": {"crp": ">30"}}, "both given and set"),
        ({"targets": "ada", "given": {"current_drug": "abatacept"}, "do": {"current_drug": "rituximab"}}, "both given and set"),
        ({"targets": "ada", "level": 0}, "between 0 and 1"),
        ({"targets": "ada", "level": 1}, "between 0 and 1"),
        ({"targets": "ada", "level": 95}, "between 0 and 1"),
        ({"targets": "ada", "level": float("nan")}, "between 0 and 1"),
        ({"targets": "ada", "level": "0.9"}, "between 0 and 1"),
        ({"targets": "ada", "given": {"crp": "-3 mg/L"}}, "crp"),
    ],
)
def test_values_that_cannot_be_used_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(FindingError, match=words):
        refra.query(**arguments, draws=0)


def test_impossible_findings_name_a_smallest_set() -> None:
    given = {"current_drug": "jak_inhibitor", "sjc28": "6+", "ada": "high_titre", "crp": 22, "rf": "high"}
    with pytest.raises(ImpossibleFindingsError) as caught:
        refra.query("driver", given=given, draws=0)
    assert set(caught.value.clash) == {("ada", "high_titre"), ("current_drug", "jak_inhibitor")}
    assert "sjc28" not in str(caught.value)
    with pytest.raises(ImpossibleFindingsError, match="with current_drug = jak_inhibitor set") as caught:
        refra.query("driver", given={"ada": "high_titre", "crp": 22}, do={"current_drug": "jak_inhibitor"}, draws=0)
    assert caught.value.clash == (("ada", "high_titre"),)


def test_what_is_given_is_left_as_it_was() -> None:
    given: dict[str, Any] = {"ada_test": {"negative": 0.2, "low_positive": 0.3, "high_positive": 1.0}, "crp": 22}
    before = {name: dict(value) if isinstance(value, dict) else value for name, value in given.items()}
    refra.query("ada", given=given, draws=0)
    assert given == before


@pytest.mark.parametrize("wrong", [{"draws": -1}, {"draws": 2.5}, {"seed": -3}, {"draws": True}])
def test_draws_and_seed_are_whole_numbers_from_0_up(wrong: dict[str, Any]) -> None:
    with pytest.raises(FindingError, match=rf"{next(iter(wrong))}: .*a whole number from 0 up is accepted"):
        refra.query("ada", **wrong)


def test_a_drug_level_is_read_by_the_cut_offs_of_a_drug_that_is_set() -> None:
    raw = refra.query("exposure", {"drug_level": "0.4 mg/L"}, {"current_drug": "adalimumab"}, draws=0)
    low = refra.query("exposure", {"drug_level": "undetectable"}, {"current_drug": "adalimumab"}, draws=0)
    # 0.4 mg/L lies three standard deviations of the assay below the cut-off of 1 mg/L.
    np.testing.assert_allclose(raw["probability"], low["probability"], atol=0.01)
