"""Causes, reasons and pathways: what the tables hold and how they are ranked."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from refra.data.labels import labels
from refra.data.loading import variables
from refra.inference.asking import Known, ask
from refra.inference.assessment import Assessment, assess
from refra.inference.causes import CAUSES, averted, divergence, entropy, leading_causes
from refra.inference.knowledge import CENTRAL, SHIPPED
from refra.inference.patient import Patient
from refra.inference.situation import situation
from refra.inference.twins import Twins
from refra.model.assembly import central_model

RECORD: dict[str, Any] = {"current_drug": "infliximab", "response": "lost", "crp": 22, "sjc28": 7, "drug_level": "low", "bmi": 33}
MET: dict[str, Any] = {"current_drug": "adalimumab", "sjc28": 0, "tjc28": 1, "patient_global": 10, "physician_global": 10}


@cache
def answered(met: bool = False) -> Assessment:
    return assess(MET if met else RECORD, draws=12, seed=4)


def test_every_cause_stands_once_and_is_ranked_by_what_it_would_avert() -> None:
    table = answered().causes
    assert sorted(table["id"]) == sorted(CAUSES)
    assert table["averted"].is_monotonic_decreasing
    assert dict(zip(table["id"], table["label"], strict=True)) == {name: labels()["causes"][name]["en"] for name in CAUSES}
    assert table["p_first"].sum() == pytest.approx(1.0)


def test_a_cause_is_the_presence_of_its_state() -> None:
    known, model = situation(Patient(**RECORD)).known, central_model()
    expected = {
        "non_adherence": 1 - ask(model, known, ["adherence"])["adherence"][0, 0],
        "anti_drug_antibodies": 1 - ask(model, known, ["ada"])["ada"][0, 0],
        "low_exposure_other": ask(model, known, ["clearance"])["clearance"][0, 1],
        "other_disease": 1 - ask(model, known, ["other_disease"])["other_disease"][0, 0],
        **{name: ask(model, known, [name])[name][0, 1] for name in ("fibromyalgia", "osteoarthritis", "depression")},
    }
    joint = ask(model, known, [("covered_current", "mechanism_reason")])[("covered_current", "mechanism_reason")][0]
    expected |= {"wrong_pathway": joint[0, 0], "pathway_escape": joint[0, 1]}
    table = answered().causes.set_index("id")["probability"]
    for name, p in expected.items():
        assert table[name] == pytest.approx(p, abs=1e-9), name


def test_averted_columns_are_the_twins_values() -> None:
    place = situation(Patient(**RECORD))
    model, central = place.model(SHIPPED, 12, 4), place.model(CENTRAL, 0, 0)
    table = answered().causes.set_index("id")
    for name in ("low_exposure_other", "pathway_escape"):
        values = averted(model, place.inside(model), name, Twins(model))
        assert table.loc[name, "averted"] == pytest.approx(values[0])
        low, high = np.quantile(values[1:], [0.025, 0.975])
        assert (table.loc[name, "averted_low"], table.loc[name, "averted_high"]) == pytest.approx((low, high))
        loose = averted(central, place.inside(central), name, Twins(central, monotone=False))[0]
        assert table.loc[name, "averted_independent"] == pytest.approx(loose)


def test_where_the_target_is_met_nothing_is_averted_and_probability_ranks() -> None:
    table = answered(met=True).causes
    assert table[["averted", "averted_low", "averted_high", "averted_independent"]].isna().all(axis=None)
    assert table["probability"].is_monotonic_decreasing


def test_reasons_exclude_one_another() -> None:
    table = answered().reasons
    assert set(table["id"]) == set(variables()["primary_reason"].state_ids)
    assert table["probability"].sum() == pytest.approx(1.0)
    assert table["probability"].is_monotonic_decreasing
    assert (table["low"] <= table["high"]).all()
    assert table["p_first"].sum() == pytest.approx(1.0)


@pytest.mark.parametrize("record", [{"current_drug": "none", "crp": 20}, {"current_drug": "adalimumab", "response": "intolerant"}])
def test_without_a_failure_there_are_no_reasons(record: dict[str, Any]) -> None:
    answer = assess(record, draws=0)
    assert len(answer.causes) == len(answer.reasons) == 0
    assert list(answer.causes.columns) == list(answered().causes.columns)
    assert len(answer.options) > 0
    assert len(answer.drivers) == 8


def test_pathways_beside_their_prior() -> None:
    table = answered().drivers.set_index("id")
    known, model = situation(Patient(**RECORD)).known, central_model()
    states = variables()["driver"].state_ids
    posterior = ask(model, known, ["driver"])["driver"][0]
    # Body mass does not bear on the pathway, so that the drug is all the background that counts.
    prior = ask(model, Known({"current_drug": known.hard["current_drug"]}), ["driver"])["driver"][0]
    for position, name in enumerate(states):
        assert table.loc[name, "probability"] == pytest.approx(posterior[position], abs=1e-9)
        assert table.loc[name, "prior"] == pytest.approx(prior[position], abs=1e-9)
    bits = sum(p * np.log2(p / q) for p, q in zip(posterior, prior, strict=True))
    assert table["identified"].tolist() == pytest.approx([bits] * 8, abs=1e-9)
    # Without tissue no pathway is known.
    assert table["probability"].max() < 0.7


def test_entropy_and_divergence_by_hand() -> None:
    assert entropy(np.full(8, 1 / 8)) == pytest.approx(3.0)
    assert entropy(np.array([1.0, 0.0])) == 0.0
    assert entropy(np.array([0.25, 0.75])) == pytest.approx(0.25 * 2 + 0.75 * np.log2(4 / 3))
    assert divergence(np.array([1.0, 0.0]), np.array([0.125, 0.875])) == pytest.approx(3.0)
    assert divergence(np.array([0.3, 0.7]), np.array([0.3, 0.7])) == pytest.approx(0.0)


def test_the_cause_behind_the_first_reason_leads() -> None:
    causes = pd.DataFrame({"id": ["depression", "non_adherence", "fibromyalgia", "wrong_pathway", "osteoarthritis"]})

    def leading(reason: str, most: int = 3) -> tuple[str, ...]:
        return leading_causes(causes, pd.DataFrame({"id": [reason]}), most)

    assert leading("wrong_pathway") == ("wrong_pathway", "depression", "non_adherence")
    assert leading("non_adherence") == ("non_adherence", "depression", "fibromyalgia")
    # Of the sources of pain the one that ranks first stands for them.
    assert leading("non_inflammatory") == ("depression", "non_adherence", "fibromyalgia")
    assert leading_causes(causes.head(0), pd.DataFrame({"id": []}), 3) == ()


def test_more_adherence_trouble_ranks_non_adherence_higher() -> None:
    def line(**fields: Any) -> pd.Series:
        return assess({**RECORD, **fields}, draws=0).causes.set_index("id").loc["non_adherence"]

    poor, full = line(refill_adherence=0.3), line(refill_adherence=0.97)
    assert poor["probability"] > full["probability"]
    assert poor["averted"] > full["averted"]
