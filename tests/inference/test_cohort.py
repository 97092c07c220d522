"""`refra.assess_many` gives, row by row, what `refra.assess` gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import refra
from refra.inference.cohort import assess_block, settings_of
from refra.inference.cohort_groups import alternatives, gathered
from refra.inference.cohort_numbers import numbers
from refra.inference.fields import FIELD_VARIABLES
from refra.inference.situation import situation
from refra.model.assembly import central_model
from refra.model.harms import HARMS
from refra.model.outcomes import OPTIONS

FULL: dict[str, Any] = {
    "age": 52, "sex": "female", "bmi": 27.3, "smoking": "past", "disease_duration": 6, "cardiovascular_risk": "no",
    "prior_serious_infection": "no", "glucocorticoid": 5, "methotrexate": 15, "current_drug": "adalimumab", "response": "lost",
    "earlier": {"il6r_inhibitor": ["never_worked", "intolerant"], "tnf_inhibitor": "lost_response"}, "drug_level": "0.6 mg/L",
    "ada_test": "high_positive", "sjc28": 7, "tjc28": 9, "crp": "22 mg/L", "patient_global": 60, "physician_global": 50, "phq9": 4,
}  # fmt: skip
RECORDS: dict[str, dict[str, Any]] = {
    "full": FULL,
    "no background": {k: v for k, v in FULL.items() if k not in ("age", "sex", "bmi", "smoking", "methotrexate")},
    "drug by class": {"current_drug": "tnf_inhibitor", "age": 70, "sjc28": 3, "response": "never"},
    "drug not recorded": {"age": 40, "sex": "male", "smoking": "never", "methotrexate": "full", "crp": 30},
    "first biologic": {"current_drug": "none", "age": 30, "smoking": "current", "sjc28": 8, "tjc28": 8},
    "intolerant": {"current_drug": "etanercept", "response": "intolerant", "age": 66},
    "target met": {"current_drug": "abatacept", "sjc28": 0, "tjc28": 1, "patient_global": 10, "physician_global": 5, "sex": "female"},
    "target missed": {"current_drug": "rituximab", "sjc28": 9, "tjc28": 11, "rf": "high", "acpa": "high"},
    "other disease": {"current_drug": "infliximab", "red_flags": "crystals", "power_doppler": "positive", "age": 60},
    "likelihoods": {
        "current_drug": {s: float(s in ("adalimumab", "jak_inhibitor")) for s in central_model().states["current_drug"]},
        "sex": {"female": 0.9, "male": 0.2}, "fibromyalgia": {"no": 0.3, "yes": 1.0}, "bmi": 30.1,
    },
}  # fmt: skip


def frame_of(records: dict[str, dict[str, Any]]) -> pd.DataFrame:
    columns = dict.fromkeys(name for record in records.values() for name in record)
    return pd.DataFrame({c: pd.Series([r.get(c) for r in records.values()], index=list(records), dtype=object) for c in columns})


def lines_of(table: pd.DataFrame, row: Any, part: str, measure: str) -> pd.DataFrame:
    chosen = table[(table["row"] == row) & (table["part"] == part) & (table["measure"] == measure)]
    return chosen.set_index("id")


@pytest.fixture(scope="module")
def many() -> pd.DataFrame:
    return refra.assess_many(frame_of(RECORDS), draws=6, seed=3, level=0.8)


@pytest.mark.parametrize("name", list(RECORDS))
def test_every_number_is_that_of_assess(many: pd.DataFrame, name: str) -> None:
    one = refra.assess(RECORDS[name], draws=6, seed=3, level=0.8)
    compared = 0
    for part, table, columns in (
        ("cause", one.causes, {"probability": ("probability", "low", "high"), "averted": ("averted", "averted_low", "averted_high")}),
        ("reason", one.reasons, {"probability": ("probability", "low", "high")}),
        ("driver", one.drivers, {"probability": ("probability", "low", "high")}),
        ("option", one.options, {
            "lda": ("lda", "low", "high"), "acr50": ("acr50", "acr50_low", "acr50_high"),
            "utility": ("utility", "utility_low", "utility_high"),
            **{harm: (harm, f"{harm}_low", f"{harm}_high") for harm in HARMS},
        }),
    ):  # fmt: skip
        for measure, (value, low, high) in columns.items():
            mine = lines_of(many, name, part, measure)
            wanted = table.set_index("id") if len(table) else table
            if part == "driver" and not one.causes.shape[0]:
                assert mine.empty
                continue
            if not len(wanted) or wanted[value].isna().all():
                assert mine.empty
                continue
            assert set(mine.index) == set(wanted.index)
            for got, column in (("value", value), ("low", low), ("high", high)):
                np.testing.assert_allclose(mine[got], wanted.loc[mine.index, column].astype(float), rtol=0, atol=1e-9)
                compared += len(mine)
    assert compared > 100


@pytest.mark.parametrize("name", list(RECORDS))
def test_the_order_and_its_certainty_are_those_of_assess(many: pd.DataFrame, name: str) -> None:
    one = refra.assess(RECORDS[name], draws=6, seed=3, level=0.8)
    for part, table, share in (("cause", one.causes, "p_first"), ("reason", one.reasons, "p_first"), ("option", one.options, "p_best")):
        ranks = lines_of(many, name, part, "rank")["value"].sort_values()
        assert list(ranks) == list(range(1, len(table) + 1))
        values = table.set_index("id")
        first = lines_of(many, name, part, share)["value"]
        for identifier, value in first.items():
            assert value == pytest.approx(values.loc[identifier, share], abs=1e-12)
        # Options or causes with the same number may change places.
        for place, identifier in enumerate(ranks.index):
            key = {"cause": "averted", "reason": "probability", "option": "utility"}[part]
            mine, theirs = values.loc[identifier, key], table[key].iloc[place]
            assert identifier == table["id"].iloc[place] or mine == pytest.approx(theirs, abs=1e-9) or np.isnan(mine)


def test_scores_target_and_warnings_are_those_of_assess(many: pd.DataFrame) -> None:
    for name, record in RECORDS.items():
        one = refra.assess(record, draws=0)
        rows = many[many["row"] == name]
        # How well the findings fit together is asked one patient at a time.
        wanted = [warning for warning in one.warnings if not warning.startswith("The findings fit together badly")]
        assert list(rows.loc[rows["part"] == "warning", "note"]) == wanted
        assert rows.loc[rows["id"] == "target", "note"].item() == one.target
        assert rows.loc[rows["id"] == "d2t", "note"].item() == one.classification.d2t
        for score in ("cdai", "das28_crp"):
            value = getattr(one.scores, score)
            mine = rows.loc[(rows["part"] == "score") & (rows["id"] == score), "value"]
            assert mine.empty if value is None else mine.item() == pytest.approx(value)


def test_rows_in_any_order_and_company_give_the_same_numbers(many: pd.DataFrame) -> None:
    reverse = refra.assess_many(frame_of(dict(reversed(RECORDS.items()))), draws=6, seed=3, level=0.8)
    assert list(dict.fromkeys(reverse["row"])) == list(reversed(RECORDS))
    keys = ["row", "part", "id", "measure", "note"]
    left, right = (t.astype({"part": str}).sort_values(keys, ignore_index=True) for t in (many, reverse))
    pd.testing.assert_frame_equal(left, right, check_exact=False, rtol=0, atol=1e-11)


def test_without_draws_there_are_central_numbers_and_no_bounds() -> None:
    table = refra.assess_many(frame_of({"full": FULL}), draws=0)
    assert table.loc[table["part"].isin(["cause", "option"]), ["low", "high"]].isna().all(axis=None)
    assert not table["measure"].isin(["p_first", "p_best"]).any()
    one = refra.assess(FULL, draws=0)
    assert lines_of(table, "full", "option", "lda")["value"].to_dict() == pytest.approx(one.options.set_index("id")["lda"].to_dict())


def test_preferences_count() -> None:
    wanted = refra.Preferences(weights={"change_of_drug": 0.5}, unavailable=("rituximab",))
    table = refra.assess_many(frame_of({"full": FULL}), wanted, draws=0)
    one = refra.assess(FULL, wanted, draws=0)
    utility = lines_of(table, "full", "option", "utility")["value"]
    assert "rituximab" not in utility.index
    assert utility.to_dict() == pytest.approx(one.options.set_index("id")["utility"].to_dict())


def test_a_row_that_the_preferences_leave_no_option_is_reported() -> None:
    kept = ("support_adherence", "optimise_exposure")
    wanted = refra.Preferences(unavailable=tuple(option for option in OPTIONS if option not in kept))
    table = refra.assess_many(frame_of({"treated": FULL, "first": RECORDS["first biologic"]}), wanted, draws=0)
    assert list(table.loc[table["part"] == "rejected", "row"]) == ["first"]
    assert "no option is left" in table.loc[table["part"] == "rejected", "note"].item()
    assert set(table.loc[table["part"] == "option", "id"]) == set(kept)


def test_bad_rows_are_reported_by_index_and_column_and_the_others_are_answered() -> None:
    frame = frame_of({"good": FULL, "two": {"crp": "banana", "age": 500}, "clash": {"current_drug": "none", "drug_level": "low"}})
    table = refra.assess_many(frame, draws=0)
    rejected = table[table["part"] == "rejected"]
    assert list(rejected["row"]) == ["two", "two", "clash"]
    assert set(rejected.loc[rejected["row"] == "two", "id"]) == {"crp", "age"}
    assert rejected.loc[rejected["id"] == "age", "note"].item().startswith("age: 500 ")
    assert rejected.loc[rejected["row"] == "clash", "id"].item() in FIELD_VARIABLES
    assert set(table.loc[table["part"] == "option", "row"]) == {"good"}


def test_findings_that_cannot_all_hold_are_reported_with_the_clash() -> None:
    good = situation(refra.Patient.from_dict({"current_drug": "adalimumab", "sjc28": 4}))
    place = situation(refra.Patient.from_dict({"current_drug": "jak_inhibitor", "sjc28": 4}))
    # No field says that antibodies to a small molecule are there; put the impossible into the evidence itself.
    more = {"ada": central_model().position("ada", "high_titre")}
    bad = replace(place, record=place.record.also(hard=more), known=place.known.also(hard=more))
    assert list(numbers([good, bad, good], 2, 0).possible) == [True, False, True]
    table, problems = assess_block([good, bad, good], settings_of(None, 0.9, 2, 0))
    assert [len(some) for some in problems] == [0, 1, 0]
    assert "ada = high_titre" in problems[1][0].message
    assert set(table.loc[table["row"] == 1, "part"]) == {"rejected"}
    values = table.loc[table["part"] == "option"].set_index(["row", "id", "measure"])["value"]
    pd.testing.assert_series_equal(values.loc[0], values.loc[2])


def test_columns_are_checked_before_anything_else() -> None:
    with pytest.raises(refra.UnknownNameError, match=r"'crpp'.*'crp'"):
        refra.assess_many(pd.DataFrame({"crpp": [3]}))
    with pytest.raises(refra.UnknownNameError, match="identifier or among those to ignore"):
        refra.assess_many(pd.DataFrame({"hospital": ["a"], "crp": [3]}))
    with pytest.raises(refra.FindingError, match="'crp' stands 2 times"):
        refra.assess_many(pd.DataFrame([[1, 2]], columns=["crp", "crp"]))
    with pytest.raises(refra.UnknownNameError, match=r"'pit'.*'pid'"):
        refra.assess_many(pd.DataFrame({"pid": ["a"], "crp": [3]}), identifier="pit")
    with pytest.raises(refra.FindingError, match="DataFrame"):
        refra.assess_many([{"crp": 3}])  # type: ignore[arg-type]
    everything = tuple(refra.assess({"age": 50}, draws=0).options["id"])
    with pytest.raises(refra.FindingError, match="no option is left"):
        refra.assess_many(pd.DataFrame({"crp": [3]}), refra.Preferences(unavailable=everything))


def test_identifier_and_ignored_columns_and_empty_frames() -> None:
    frame = pd.DataFrame({"pid": ["b", "a"], "site": [1, 2], "crp": [30.0, np.nan], "current_drug": ["etanercept", "NA"]})
    done: list[int] = []
    table = refra.assess_many(frame, draws=0, identifier="pid", ignore=["site"], progress=done.append)
    assert list(dict.fromkeys(table["row"])) == ["b", "a"]
    assert done[-1] == 2
    nothing = refra.assess_many(frame.iloc[:0], draws=0, identifier="pid", ignore=["site"])
    assert nothing.empty
    assert list(nothing.columns) == list(table.columns)


def test_a_row_is_tried_in_every_state_of_the_roots_that_it_leaves_open() -> None:
    place = situation(refra.Patient.from_dict({"current_drug": "etanercept", "age": 50, "smoking": "never"}))
    # Three states each of bmi_class and methotrexate; sex and duration stay in the tree.
    assert alternatives(place) == 9


def test_gathered_tables_are_the_rows_of_the_table() -> None:
    random = np.random.default_rng(5)
    table = random.dirichlet(np.ones(3), size=(4, 2, 3, 2))
    states = {"a": np.array([1, 0, 1, 1, 0]), "c": np.array([0, 1, 1, 0, 0])}
    sets = np.array([3, 0, 2, 1, 3])
    parents, cut = gathered(table, ("a", "b", "c"), states, sets)
    assert parents == ("b",)
    for row in range(5):
        np.testing.assert_array_equal(cut[row], table[sets[row], states["a"][row], :, states["c"][row]])
    parents, cut = gathered(table, ("x", "b", "y"), {"a": states["a"]}, None)
    assert parents == ("x", "b", "y")
    assert cut is table
