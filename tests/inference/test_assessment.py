"""`refra.assess`: one answer, whole, the same each time, and fit for JSON."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import refra
from refra.data.errors import FindingError, UnknownNameError
from refra.inference.asking import ask
from refra.inference.assessment import Assessment
from refra.inference.situation import situation
from refra.model.assembly import central_model

RECORD: dict[str, Any] = {"current_drug": "adalimumab", "response": "lost", "crp": "22 mg/L", "sjc28": 7, "drug_level": "0.4 mg/L"}
TABLES = ("causes", "reasons", "drivers", "options", "tests", "findings", "influences")


@cache
def answered(draws: int = 20, level: float = 0.95, language: str = "en", seed: int = 3) -> Assessment:
    return refra.assess(refra.Patient(**RECORD), draws=draws, level=level, language=language, seed=seed)


def test_columns_of_the_public_face() -> None:
    answer = answered()
    wanted = {
        "causes": ["id", "label", "probability", "low", "high", "averted", "averted_low", "averted_high", "p_first"],
        "reasons": ["id", "probability", "low", "high"],
        "drivers": ["id", "probability", "low", "high", "prior", "identified"],
        "options": ["id", "label", "lda", "low", "high", "acr50", "serious_infection", "mace", "vte", "zoster", "gi_perforation",
                    "malignancy", "utility", "utility_low", "utility_high", "p_best", "cautions"],
        "tests": ["id", "label", "expected_gain"],
        "findings": ["finding", "cause", "weight", "conflict"],
    }  # fmt: skip
    for name, columns in wanted.items():
        assert set(columns) <= set(getattr(answer, name).columns), name
    assert 0 <= answer.judgement_share <= 1
    assert len(answer.citations()) > 5


def test_low_centre_and_high_stand_in_order() -> None:
    answer = answered(draws=60)
    for table, prefixes in ((answer.causes, ("", "averted_")), (answer.reasons, ("",)), (answer.drivers, ("",)), (answer.options, ("",))):
        for prefix in prefixes:
            assert (table[f"{prefix}low"] <= table[f"{prefix}high"]).all()
            assert table[f"{prefix}low"].between(0, 1).all()
            assert table[f"{prefix}high"].between(0, 1).all()


def test_the_same_question_has_the_same_answer_and_the_seed_moves_bounds_alone() -> None:
    first, other = answered(), answered(seed=4)
    again = refra.assess(RECORD, draws=20, seed=3)
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(first, name), getattr(again, name))
    assert first.to_json() == again.to_json()
    pd.testing.assert_series_equal(first.causes["averted"], other.causes["averted"])
    assert not np.allclose(first.causes["averted_high"], other.causes["averted_high"])


def test_centres_do_not_depend_on_the_draws_or_the_level() -> None:
    none, some, narrow = answered(draws=0), answered(), answered(level=0.5)
    for other in (some, narrow):
        pd.testing.assert_series_equal(none.causes["probability"], other.causes["probability"])
        pd.testing.assert_series_equal(none.options["utility"], other.options["utility"])
    pd.testing.assert_series_equal(none.causes["low"], none.causes["probability"], check_names=False)
    assert (narrow.reasons["high"] - narrow.reasons["low"]).sum() < (some.reasons["high"] - some.reasons["low"]).sum()


def test_the_record_is_told_as_it_is_and_the_target_as_missed() -> None:
    known = situation(refra.Patient(**RECORD)).known
    assert known.hard["target_met"] == 0
    expected = ask(central_model(), known, ["primary_reason"])["primary_reason"][0]
    states = central_model().states["primary_reason"]
    found = answered().reasons.set_index("id")["probability"]
    assert [found[state] for state in states] == pytest.approx(list(expected), abs=1e-9)


def test_the_three_questions_in_numbers() -> None:
    known, model = situation(refra.Patient(**RECORD)).known, central_model()
    stages = answered().stages
    assert stages["exposure_in_range"] == pytest.approx(ask(model, known, ["exposure"])["exposure"][0, 2], abs=1e-9)
    assert stages["doses_missed"] == pytest.approx(ask(model, known, ["adherence"])["adherence"][0, 1:].sum(), abs=1e-9)
    assert stages["antibodies"] == pytest.approx(ask(model, known, ["ada"])["ada"][0, 1:].sum(), abs=1e-9)
    assert stages["synovitis"] == pytest.approx(ask(model, known, ["synovitis"])["synovitis"][0, 2:].sum(), abs=1e-9)
    assert stages["covered"] == pytest.approx(ask(model, known, ["covered_current"])["covered_current"][0, 1], abs=1e-9)


def test_a_mapping_is_as_good_as_a_patient_and_missing_as_absent() -> None:
    first = answered(draws=0)
    padded = refra.assess({**RECORD, "esr": None, "phq9": float("nan"), "earlier": None}, draws=0)
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(first, name), getattr(padded, name))


def test_the_order_of_fields_does_not_matter() -> None:
    turned = refra.assess(dict(reversed(RECORD.items())), draws=0)
    pd.testing.assert_frame_equal(answered(draws=0).causes, turned.causes)
    pd.testing.assert_frame_equal(answered(draws=0).options, turned.options)


@pytest.mark.parametrize(
    ("language", "record"),
    [
        ("en", RECORD),
        ("zh", {"current_drug": "none", "sjc28": 8}),
        ("en", {"current_drug": "adalimumab", "sjc28": 0, "tjc28": 1, "patient_global": 10, "physician_global": 10}),
        ("zh", {"current_drug": "etanercept", "response": "intolerant"}),
        ("en", {"current_drug": "rituximab", "earlier": {"tnf_inhibitor": ["never_worked", "lost_response"], "abatacept": "intolerant"}}),
        ("zh", {"current_drug": "infliximab", "ada_test": {"negative": 0.2, "low_positive": 0.3, "high_positive": 1.0}}),
    ],
)
def test_any_answer_is_json_without_holes(language: str, record: dict[str, Any]) -> None:
    answer = refra.assess(record, draws=3, language=language)
    content = json.loads(answer.to_json())
    assert content["patient"] == refra.Patient(**record).to_dict()
    if content["reasons"]:
        assert sum(line["probability"] for line in content["reasons"]) == pytest.approx(1.0)
    assert content["research_use"]
    assert content["explanation"]
    assert len(content["options"]) in (7, 9)
    for line in content["options"]:
        assert all(line[name] is not None for name in ("lda", "low", "high", "acr50", "utility", "p_best"))
    if answer.target == "met":
        assert all(line["averted"] is None for line in content["causes"])


def test_an_empty_record_is_answered_too() -> None:
    answer = refra.assess({}, draws=1)
    assert answer.reasons["probability"].sum() == pytest.approx(1.0)
    assert any("current drug is not recorded" in warning for warning in answer.warnings)
    assert len(answer.options) == 9
    assert answer.findings.empty
    json.loads(answer.to_json())


def test_labels_follow_the_language() -> None:
    english, chinese = answered(), answered(language="zh")
    for name in ("causes", "reasons", "drivers", "options", "tests"):
        one, two = getattr(english, name), getattr(chinese, name)
        assert list(one["id"]) == list(two["id"])
        assert (one["label"] != two["label"]).any()
    assert english.explanation("zh") == chinese.explanation()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"level": 1.0}, FindingError),
        ({"level": -0.5}, FindingError),
        ({"language": "fr"}, UnknownNameError),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        refra.assess(RECORD, draws=0, **arguments)


def test_bad_records_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="current_drug"):
        refra.assess({"curent_drug": "adalimumab"}, draws=0)
    with pytest.raises(FindingError):
        refra.assess([1, 2], draws=0)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError):
        answered().explanation("fr")


def test_an_answer_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        answered().target = "met"  # type: ignore[misc]
