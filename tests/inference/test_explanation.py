"""The answer in words says what its numbers say, in both languages."""

from __future__ import annotations

import string
from dataclasses import replace
from functools import cache
from typing import Any

import pandas as pd
import pytest

from refra.data.labels import labels
from refra.data.loading import variables
from refra.inference.assessment import Assessment, assess
from refra.inference.explanation import LIKELY, POSSIBLE, RESEARCH_USE, SURE, WORDS, explain, percent

RECORD: dict[str, Any] = {"current_drug": "adalimumab", "response": "lost", "crp": 22, "sjc28": 7, "drug_level": "0.4 mg/L"}
MET: dict[str, Any] = {"current_drug": "adalimumab", "sjc28": 0, "tjc28": 1, "patient_global": 10, "physician_global": 10}


@cache
def answered() -> Assessment:
    return assess(RECORD, draws=5)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "50 %"), (0.123, "12 %"), (0.0123, "1 %"), (0.00543, "0.5 %"), (0.0004, "<0.1 %"), (0.0, "<0.1 %"), (1.0, "100 %"),
     (0.0096, "1 %"), (0.0094, "0.9 %"), (0.9903, "99 %"), (0.994, "99.4 %"), (0.9994, "99.9 %"), (0.9997, ">99.9 %"), (float("nan"), "-")],
)  # fmt: skip
def test_percentages(value: float, text: str) -> None:
    assert percent(value) == text


def test_both_languages_have_the_same_sentences_and_blanks() -> None:
    assert set(WORDS["en"]) == set(WORDS["zh"])
    for name, text in WORDS["en"].items():
        blanks = {part[1] for part in string.Formatter().parse(text) if part[1]}
        assert blanks == {part[1] for part in string.Formatter().parse(WORDS["zh"][name]) if part[1]}, name
    assert set(RESEARCH_USE) == {"en", "zh"}


def reasons(answer: Assessment, *probabilities: float) -> Assessment:
    table = answer.reasons.head(len(probabilities)).copy()
    table["probability"] = probabilities
    return replace(answer, reasons=table)


@pytest.mark.parametrize(
    ("p", "words"),
    [(SURE, "almost certainly"), (SURE - 0.01, "probably"), (LIKELY, "probably"), (LIKELY - 0.01, "possibly"), (POSSIBLE, "possibly"),
     (POSSIBLE - 0.01, "No reason stands out")],
)  # fmt: skip
def test_certainty_in_words_follows_the_probability(p: float, words: str) -> None:
    sentence = explain(reasons(answered(), p, 0.05))[0]
    assert words in sentence
    assert percent(p) in sentence
    assert percent(0.05) in sentence


def test_sentences_keep_the_sources_order_and_hold_the_numbers() -> None:
    answer = answered()
    said = answer.explanation()
    first, second = answer.reasons["label"].iloc[0], answer.reasons["label"].iloc[1]
    assert first in said[0]
    assert second in said[0]
    starts = ["Did the drug get there?", "Did hitting the target matter?", "Is it synovitis that hurts?"]
    assert [sentence.startswith(start) for sentence, start in zip(said[1:4], starts, strict=True)] == [True] * 3
    assert percent(answer.stages["exposure_in_range"]) in said[1]
    assert percent(answer.stages["covered"]) in said[2]
    assert answer.drivers["label"].iloc[0] in said[2]
    assert percent(answer.stages["fibromyalgia"]) in said[3]
    cause, option = answer.causes.iloc[0], answer.options.iloc[0]
    assert cause["label"] in said[4]
    assert percent(cause["averted"]) in said[4]
    assert option["label"] in said[5]
    assert percent(option["lda"]) in said[5]
    assert percent(answer.judgement_share) in said[-1]


def test_a_weakly_identified_pathway_is_said_to_be_so() -> None:
    answer = answered()
    assert answer.drivers["identified"].iloc[0] < 0.5
    assert "weakly identified" in answer.explanation()[2]
    drivers = answer.drivers.copy()
    drivers["identified"] = 2.0
    drivers.loc[0, "probability"] = 0.8
    assert "weakly" not in explain(replace(answer, drivers=drivers))[2]


def test_a_close_call_names_the_rivals_and_a_clear_one_its_certainty() -> None:
    answer = answered()
    close = explain(replace(answer, too_close_to_call=("abatacept", "rituximab")))[5]
    assert "too close to call" in close
    assert "“Abatacept” and “Rituximab”" in close
    options = answer.options.copy()
    options.loc[0, "p_best"] = 0.77
    clear = explain(replace(answer, too_close_to_call=(), options=options))[5]
    assert "comes first in 77 % of the parameter draws" in clear
    assert "close" not in clear


def test_a_met_target_is_said_and_nothing_is_averted() -> None:
    said = assess(MET, draws=0).explanation()
    assert said[0] == "The treatment target is met."
    assert not any("Had " in sentence for sentence in said)


def test_before_a_first_drug_only_options_are_spoken_of() -> None:
    answer = assess({"current_drug": "none", "sjc28": 8, "crp": 20}, draws=0)
    said = " ".join(answer.explanation())
    assert "primary reason" not in said
    assert "Did the drug" not in said
    assert str(answer.options["label"].iloc[0]) in said


def test_the_best_test_is_named_only_if_it_gains_something() -> None:
    answer = answered()
    best = answer.tests.iloc[0]
    assert any(variables()[best["id"]].label["en"] in sentence and "worth most" in sentence for sentence in answer.explanation())
    nothing = replace(answer, tests=answer.tests.assign(expected_gain=0.0))
    assert not any("worth most" in sentence for sentence in explain(nothing))
    assert not any("worth most" in sentence for sentence in explain(replace(answer, tests=pd.DataFrame(columns=answer.tests.columns))))


def test_chinese_uses_chinese_labels() -> None:
    answer = answered()
    said = "".join(explain(answer, "zh"))
    assert labels()["options"][answer.options["id"].iloc[0]]["zh"] in said
    assert labels()["causes"][answer.causes["id"].iloc[0]]["zh"] in said
    assert "{" not in said
    assert not any(word in said for word in ("None", "nan"))
