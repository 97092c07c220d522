from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refra.data.errors import RefraError
from refra.data.loading import variables
from refra.inference.fields import FIELD_VARIABLES
from refra.inference.patient import Patient
from refra.inference.scores import scores

FIELDS = sorted(FIELD_VARIABLES)
WORDS = sorted(
    {state for variable in variables().values() if variable.role in ("finding", "background") for state in variable.state_ids}
    | {
        "yes",
        "no",
        "true",
        "22 mg/L",
        "2,2",
        "<0.5 mg/L",
        "85 %",
        "3 years",
        "-1",
        "nan",
        "adalimumab",
        "Humira-atto",
        "",
    }
)
KEYS = ["tnf_inhibitor", "adalimumab", "rituximab", "jak_inhibitor", "none", *WORDS]

numbers = st.one_of(st.integers(), st.floats(), st.integers(-1, 30), st.floats(-1, 120))
scalars = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=12), st.sampled_from(WORDS))
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=5),
    max_leaves=8,
)
names = st.sampled_from(FIELDS)
records = st.dictionaries(names, values, max_size=8)
loose = st.dictionaries(names | st.text(max_size=8), values, max_size=4)


def likelihoods(field: str) -> st.SearchStrategy[dict[str, float]]:
    ids = variables()[FIELD_VARIABLES[field]].state_ids
    weights = st.lists(st.floats(0, 1), min_size=len(ids), max_size=len(ids)).filter(any)
    return weights.map(lambda chosen: dict(zip(ids, chosen, strict=True)))


def check(patient: Patient) -> None:
    """Whatever was accepted must be usable, survive a round trip and leave no state of a reading impossible."""
    assert Patient.from_dict(patient.to_dict()) == patient
    assert Patient.from_dict(json.loads(json.dumps(patient.to_dict()))) == patient
    assert hash(patient) == hash(Patient.from_dict(patient.to_dict()))
    for finding in patient.findings():
        assert len(finding.likelihood) == len(variables()[finding.variable].states)
        assert all(math.isfinite(weight) and 0 <= weight <= 1 for weight in finding.likelihood)
        assert max(finding.likelihood) == 1
        assert finding.text
    assert all(isinstance(text, str) for text in patient.warnings())
    assert scores(patient).target_state in ("missed", "met", "undecided")


def attempt(read: Callable[..., Patient], *given: Any, **fields: Any) -> Patient | str:
    """Return the patient, checked, or the message of our error; any other error fails the test."""
    try:
        patient = read(*given, **fields)
    except RefraError as error:
        return str(error)
    check(patient)
    return patient


@settings(max_examples=300, deadline=None, derandomize=True)
@given(records | loose)
def test_any_input_gives_a_patient_or_one_of_our_errors(record: dict[str, Any]) -> None:
    found = attempt(Patient.from_dict, record)
    assert isinstance(found, Patient) or 0 < len(found) < 20_000


@settings(max_examples=300, deadline=None, derandomize=True)
@given(names, values)
def test_any_value_of_any_field(field: str, value: Any) -> None:
    found = attempt(Patient, **{field: value})
    assert isinstance(found, Patient) or field in found


@settings(max_examples=100, deadline=None, derandomize=True)
@given(values)
def test_any_record_at_all(record: Any) -> None:
    for read in (Patient.from_dict, Patient.from_row, Patient.model_validate):
        assert attempt(read, record)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.text(max_size=60) | st.binary(max_size=60) | records.map(lambda record: json.dumps(record)),
    st.sampled_from([".yaml", ".json"]),
)
def test_any_file(content: str | bytes, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"patient{suffix}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        assert attempt(Patient.from_file, path)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(names.filter(lambda name: name != "earlier").flatmap(lambda name: st.tuples(st.just(name), likelihoods(name))))
def test_every_likelihood_is_accepted(pair: tuple[str, dict[str, float]]) -> None:
    field, weights = pair
    patient = Patient(**{field: weights})
    check(patient)
    largest = max(weights.values())
    expected = [weight / largest for weight in weights.values()]
    assert patient.findings()[0].likelihood == pytest.approx(expected)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.dictionaries(names, st.sampled_from([None, math.nan, pd.NA, pd.NaT]), max_size=8))
def test_missing_values_of_any_kind_are_not_observed(record: dict[str, Any]) -> None:
    assert Patient.from_dict(record) == Patient.from_row(pd.Series(record, dtype=object)) == Patient()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(records, names)
def test_leaving_a_field_out_removes_it(record: dict[str, Any], field: str) -> None:
    try:
        patient = Patient.from_dict(record)
        shorter = patient.without(field)
    except RefraError:
        return
    assert dict(shorter.observed) == {name: value for name, value in patient.observed.items() if name != field}
