"""The smallest changes of findings against a search through records written out one by one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from refra import Patient
from refra.data.errors import FindingError
from refra.data.loading import variables
from refra.inference.asking import ask
from refra.inference.knowledge import CENTRAL
from refra.inference.options import applicable_options, outlook, ranking_scores
from refra.inference.preferences import Preferences
from refra.inference.sensitivity import mind
from refra.inference.sensitivity.case import Case
from refra.inference.sensitivity.mind import change_of_mind
from refra.inference.sensitivity.versions import Subject, subjects
from refra.inference.situation import situation
from refra.model.draws import shipped_draws

RECORD: dict[str, Any] = {
    "current_drug": "adalimumab", "response": "lost", "crp": 22, "sjc28": 7, "tjc28": 10, "patient_global": 60, "drug_level": "0.4 mg/L",
    "ada_test": "high_positive", "refill_adherence": 0.93, "age": 60, "smoking": "never", "earlier": {}, "red_flags": "none",
    "widespread_pain": False, "methotrexate": 15,
}  # fmt: skip
NODES = ("sjc28", "drug_level", "ada_test", "power_doppler", "refill_adherence")


def some(*nodes: str) -> Any:
    def chosen(case: Case) -> tuple[Subject, ...]:
        return tuple(subject for subject in subjects(case) if subject.node in nodes)

    return chosen


def firsts(record: dict[str, Any]) -> tuple[str, str, np.ndarray, np.ndarray]:
    place = situation(Patient(**record))
    model = place.model(CENTRAL, 0, 0)
    reasons = ask(model, place.inside(model), ["primary_reason"])["primary_reason"][0]
    look = outlook(place, model, shipped_draws(0), Preferences())
    scores = ranking_scores(look)[0]
    return variables()["primary_reason"].state_ids[int(reasons.argmax())], look.options[int(scores.argmax())], reasons, scores


def written(changes: Sequence[tuple[str, str | None]]) -> str:
    return " ".join(f"{node}={'?' if state is None else state}" for node, state in changes)


def probability(changes: Sequence[tuple[str, str | None]]) -> float:
    """Return P(new states | the rest of the record) from the joint of the changed findings."""
    rest = situation(Patient(**{**RECORD, **{node: None for node, _ in changes}}))
    model = rest.model(CENTRAL, 0, 0)
    named = {node: state for node, state in changes if state is not None}
    if not named:
        return 1.0
    target = tuple(named) if len(named) > 1 else next(iter(named))
    joint = ask(model, rest.inside(model), [target])[target][0]
    return float(joint[tuple(model.position(node, state) for node, state in named.items())])


def test_all_changes_of_one_and_two_findings_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mind, "subjects", some(*NODES))
    result = change_of_mind(RECORD, most=1000)
    base = firsts(RECORD)[:2]
    seen = {"sjc28": "6+", "drug_level": "undetectable", "ada_test": "high_positive", "refill_adherence": ">=0.8"}
    single: list[tuple[str, str | None]] = []
    for node in NODES:
        single += [(node, state) for state in variables()[node].state_ids if state != seen.get(node)]
        single += [(node, None)] if node in seen else []
    expected: dict[tuple[str, int], set[frozenset[str]]] = {}
    hits: dict[str, set[tuple[str, str | None]]] = {"first_reason": set(), "first_option": set()}
    for changes in [*((one,) for one in single), *combinations(single, 2)]:
        if len({node for node, _ in changes}) < len(changes):
            continue
        after = firsts({**RECORD, **dict(changes)})[:2]
        for aim, now, then in zip(mind.AIMS, base, after, strict=True):
            if now != then and not any(change in hits[aim] for change in changes):
                expected.setdefault((aim, len(changes)), set()).add(frozenset(written([change]) for change in changes))
                if len(changes) == 1:
                    hits[aim].add(changes[0])
    found: dict[tuple[str, int], set[frozenset[str]]] = {}
    for row in result.data.itertuples():
        found.setdefault((str(row.aim), int(row.size)), set()).add(frozenset(str(row.findings).split(" ")))
    assert found == expected
    assert {key: len(sets) for key, sets in expected.items()} == dict(result.found)
    assert any(size == 2 for _, size in expected)
    assert (result.data["search"] == "exhaustive").all()
    ids = {
        "first_reason": variables()["primary_reason"].state_ids,
        "first_option": applicable_options(situation(Patient(**RECORD)), Preferences()),
    }
    bases = {aim: ids[aim].index(now) for aim, now in result.now.items()}
    for _, row in result.data.groupby(["aim", "size"]).head(3).iterrows():
        changes = [(node, None if state == "?" else state) for node, state in (part.split("=", 1) for part in row["findings"].split(" "))]
        assert row["probability"] == pytest.approx(probability(changes), abs=1e-12)
        reason, option, reasons, scores = firsts({**RECORD, **dict(changes)})
        assert row["then"] == (reason if row["aim"] == "first_reason" else option)
        values = reasons if row["aim"] == "first_reason" else scores
        assert row["margin"] > 0
        assert values.max() - row["margin"] == pytest.approx(values[bases[row["aim"]]], abs=1e-12)


def test_three_findings_are_searched_only_where_two_do_not_do(monkeypatch: pytest.MonkeyPatch) -> None:
    patient = {
        "current_drug": "abatacept", "response": "partial", "months_on_drug": 9, "refill_adherence": 0.91, "sjc28": 0, "tjc28": 16,
        "crp": 2.4, "esr": 14, "patient_global": 78, "physician_global": 20, "power_doppler": "negative", "rf": "negative",
        "earlier": {"tnf_inhibitor": "lost_response", "il6r_inhibitor": "never_worked"}, "age": 47, "sex": "female", "bmi": 29,
        "smoking": "never", "disease_duration": 9, "methotrexate": 10, "glucocorticoid": 0, "acpa": "negative", "widespread_pain": True,
        "first_questionnaire": 6, "phq9": 16, "sleep_questionnaire": 14, "hand_xray_oa": False, "red_flags": "none",
    }  # fmt: skip
    nodes = ("tjc28", "crp", "power_doppler", "esr", "patient_global")
    monkeypatch.setattr(mind, "subjects", some(*nodes))
    result = change_of_mind(patient)
    assert set(result.data["search"]) == {"greedy"}
    assert set(result.data["size"]) == {3}
    assert "greedy" in result.summary()
    base = firsts(patient)
    for row in result.data.itertuples():
        changes = {node: None if state == "?" else state for node, state in (part.split("=", 1) for part in str(row.findings).split(" "))}
        place = 0 if row.aim == "first_reason" else 1
        assert row.then == firsts({**patient, **changes})[place] != base[place]
        for left_out in changes:
            fewer = {node: state for node, state in changes.items() if node != left_out}
            assert firsts({**patient, **fewer})[place] == base[place]


def test_words_and_most() -> None:
    result = change_of_mind(RECORD, most=2)
    assert result.data.groupby(["aim", "size"]).size().max() <= 2
    words = " ".join(result.data["words"])
    assert "instead of" in words or "not observed so far" in words
    assert "first reason" in result.summary()
    assert result.plot().axes
    with pytest.raises(FindingError, match="most"):
        change_of_mind(RECORD, most=0)


def test_without_additions_only_the_record_is_changed() -> None:
    result = change_of_mind(RECORD, added=False)
    assert len(result.data)
    assert not result.data["kinds"].str.contains("add").any()


def test_without_reasons_only_the_option_can_change() -> None:
    result = change_of_mind({"current_drug": "none", "crp": 20, "sjc28": 7, "age": 50, "sex": "female"}, most=3)
    assert set(result.now) == {"first_option"}
    assert "No reasons are asked for" in result.summary()


def test_a_measured_value_is_named_by_what_was_given() -> None:
    result = change_of_mind(RECORD, most=50)
    dropped = [words for words in result.data["words"] if "0.4 mg/L" in words]
    assert dropped
    assert all("Drug level" in words for words in dropped)
