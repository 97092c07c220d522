"""The named cases: every expectation of claims.yaml, one test each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from refra.inference.assessment import Assessment, assess
from refra.inference.patient import Patient

CASES = yaml.safe_load((Path(__file__).parent / "claims.yaml").read_text(encoding="utf-8"))
YES_NO = {True: "yes", False: "no"}


@cache
def answered(patient: Patient) -> Assessment:
    return assess(patient, draws=5)


def number(table: Any, row: str, column: str) -> float:
    return float(table.set_index("id").loc[row, column])


def reason(answer: Assessment, name: str) -> float:
    return number(answer.reasons, name, "probability")


def cause(answer: Assessment, name: str) -> float:
    return number(answer.causes, name, "probability")


def lda(answer: Assessment, name: str) -> float:
    return number(answer.options, name, "lda")


def utility(answer: Assessment, name: str) -> float:
    return number(answer.options, name, "utility")


def ratio(answer: Assessment, pair: list[str]) -> float:
    return lda(answer, pair[0]) / lda(answer, pair[1])


def check_alone(answer: Assessment, key: str, value: Any) -> None:
    if key == "first_reason":
        assert answer.reasons["id"].iloc[0] == value
    elif key in ("reason_at_least", "cause_at_least"):
        read = reason if key.startswith("reason") else cause
        assert all(read(answer, name) >= least for name, least in value.items())
    elif key in ("reason_at_most", "cause_at_most"):
        read = reason if key.startswith("reason") else cause
        assert all(read(answer, name) <= most for name, most in value.items())
    elif key == "first_cause_in":
        assert answer.causes["id"].iloc[0] in value
    elif key == "option_above":
        assert utility(answer, value[0]) > utility(answer, value[1])
    elif key == "lda_above":
        assert lda(answer, value[0]) > lda(answer, value[1])
    elif key == "first_option_in":
        assert answer.options["id"].iloc[0] in value
    elif key == "true_refractory_at_least":
        assert answer.classification.true_refractory >= value
    elif key == "true_refractory_at_most":
        assert answer.classification.true_refractory <= value
    elif key == "d2t":
        assert answer.classification.d2t == YES_NO.get(value, value)
    else:
        raise AssertionError(f"unknown expectation {key}")


def check_change(before: Assessment, after: Assessment, key: str, value: Any) -> None:
    readers = {"reason": reason, "cause": cause, "lda": lda}
    what, _, direction = key.rpartition("_")
    if what == "lda_ratio":
        assert ratio(after, value) > ratio(before, value)
    elif what == "true_refractory":
        rises = after.classification.true_refractory > before.classification.true_refractory
        assert rises == (YES_NO.get(value, value) == "yes")
    elif direction == "rises":
        assert readers[what](after, value) > readers[what](before, value)
    elif direction == "falls":
        assert readers[what](after, value) < readers[what](before, value)
    else:
        raise AssertionError(f"unknown expectation {key}")


def expectations() -> list[Any]:
    return [
        pytest.param(case["patient"], expectation, id=f"{case['id']}-{number}-{next(iter(expectation))}")
        for case in CASES
        for number, expectation in enumerate(case["expect"])
    ]


@pytest.mark.parametrize(("patient", "expectation"), expectations())
def test_named_case(patient: Mapping[str, Any], expectation: Mapping[str, Any]) -> None:
    answer = answered(Patient.from_dict(patient))
    ((key, value),) = expectation.items()
    if key != "versus":
        check_alone(answer, key, value)
        return
    other = answered(Patient.from_dict({**patient, **value["change"]}))
    changes = {name: wanted for name, wanted in value.items() if name != "change"}
    assert changes
    for name, wanted in changes.items():
        check_change(answer, other, name, wanted)


def test_there_are_as_many_cases_as_the_file_lists() -> None:
    assert len({case["id"] for case in CASES}) == len(CASES) == 15
