from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import refra
from refra.data.errors import FindingError, UnknownNameError
from refra.data.loading import variables
from refra.inference.drugs import DRUG_CLASSES
from refra.inference.fields import FIELD_VARIABLES
from refra.inference.patient import Patient

CLAIMS = yaml.safe_load((Path(__file__).parents[1] / "claims" / "claims.yaml").read_text(encoding="utf-8"))
EXAMPLES = sorted((Path(refra.data.__path__[0]) / "examples").glob("*.yaml"))

# The fields of the agreed table, written out here so that none can be renamed unnoticed.
FIELDS = [
    "age", "sex", "bmi", "smoking", "disease_duration", "glucocorticoid", "methotrexate", "current_drug",
    "months_on_drug", "response", "earlier", "refill_adherence", "reported_adherence", "drug_level", "ada_test",
    "sjc28", "tjc28", "crp", "esr", "patient_global", "physician_global", "power_doppler", "rf", "acpa",
    "eta_14_3_3", "il6_level", "gm_csf_level", "synovial_b_cells", "pathotype", "msrc", "ifn_signature",
    "fibromyalgia", "depression", "osteoarthritis", "widespread_pain", "hand_xray_oa", "first_questionnaire",
    "phq9", "sleep_questionnaire", "red_flags", "cardiovascular_risk", "prior_serious_infection",
]  # fmt: skip


def refused(*words: str, kind: type[Exception] = FindingError, **fields: Any) -> str:
    with pytest.raises(kind) as caught:
        Patient(**fields)
    assert type(caught.value) is kind
    for word in words:
        assert word in str(caught.value)
    return str(caught.value)


def test_the_fields_are_the_agreed_ones() -> None:
    assert set(Patient.model_fields) == set(FIELDS) == set(FIELD_VARIABLES)
    assert list(Patient.model_fields) == list(FIELD_VARIABLES)


def test_every_field_informs_a_variable_that_can_be_seen() -> None:
    for field, variable in FIELD_VARIABLES.items():
        names = [f"earlier_{name}" for name in DRUG_CLASSES] if field == "earlier" else [variable]
        assert all(variables()[name].role in ("finding", "background") for name in names)


def test_every_variable_that_can_be_seen_has_a_field() -> None:
    seen = {name for name, variable in variables().items() if variable.role in ("finding", "background")}
    assert seen == {*FIELD_VARIABLES.values(), *(f"earlier_{name}" for name in DRUG_CLASSES)} - {"earlier"}


@pytest.mark.parametrize("case", CLAIMS, ids=lambda case: case["id"])
def test_the_patients_of_the_claims_are_read(case: dict[str, Any]) -> None:
    patient = Patient.from_dict(case["patient"])
    assert set(patient.observed) == set(case["patient"])
    assert {finding.field for finding in patient.findings()} == set(case["patient"])
    assert Patient.from_dict(patient.to_dict()) == patient
    for expectation in case["expect"]:
        if "versus" in expectation:
            changed = patient.with_changes(**expectation["versus"]["change"])
            assert changed != patient


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_patients_are_read(path: Path) -> None:
    assert Patient.from_file(path).findings()


def test_there_are_examples_and_claims() -> None:
    assert len(CLAIMS) >= 15
    assert EXAMPLES


@pytest.mark.parametrize("field", [field for field in FIELDS if field not in ("earlier", "current_drug")])
def test_every_state_of_every_field_is_accepted(field: str) -> None:
    variable = variables()[FIELD_VARIABLES[field]]
    for state in variable.state_ids:
        finding = next(finding for finding in Patient(**{field: state}).findings())
        assert (finding.variable, finding.state) == (variable.id, state)


@pytest.mark.parametrize("field", [field for field in FIELDS if field != "earlier"])
def test_a_likelihood_is_accepted_everywhere(field: str) -> None:
    ids = variables()[FIELD_VARIABLES[field]].state_ids
    weights = {state: 1 / (1 + index) for index, state in enumerate(ids)}
    finding = Patient(**{field: weights}).findings()[0]
    assert finding.likelihood == pytest.approx(tuple(weights.values()))


@pytest.mark.parametrize(
    ("given", "state"), [("Negative", "negative"), ("HIGH POSITIVE", "high_positive"), ("low-positive", "low_positive")]
)
def test_names_of_states_are_read_kindly(given: str, state: str) -> None:
    assert Patient(ada_test=given).ada_test == state


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, np.float32("nan"), pd.NA, pd.NaT])
def test_missing_means_not_observed(missing: Any) -> None:
    for field in FIELDS:
        assert Patient(**{field: missing}) == Patient()


def test_none_is_a_state_where_the_field_has_it() -> None:
    patient = Patient(methotrexate="none", red_flags="none", current_drug="none")
    assert [finding.state for finding in patient.findings()] == ["none", "none", "none"]
    refused("smoking", "'none'", "never", kind=UnknownNameError, smoking="none")


# --- names that do not exist


def test_an_unknown_field_is_refused_with_the_nearest() -> None:
    refused("'crpp'", "'crp'", kind=UnknownNameError, crpp=22)
    refused("'self'", kind=UnknownNameError, self=1)


def test_an_unknown_state_is_refused_with_the_nearest() -> None:
    refused("ada_test", "'high_positve'", "'high_positive'", "AU/mL", kind=UnknownNameError, ada_test="high_positve")
    refused("response", "'losst'", "'lost'", kind=UnknownNameError, response="losst")
    refused("depression", "'ja'", "no, yes", kind=UnknownNameError, depression="ja")


@pytest.mark.parametrize("field", ["sex", "smoking", "power_doppler", "response", "fibromyalgia", "current_drug", "msrc"])
@pytest.mark.parametrize("index", [0, 1, 1.0, np.int64(1)])
def test_a_bare_number_is_never_the_index_of_a_state(field: str, index: Any) -> None:
    refused(field, "never the index", **{field: index})


@pytest.mark.parametrize("field", ["crp", "age", "sjc28", "methotrexate", "drug_level"])
def test_a_truth_value_is_no_number(field: str) -> None:
    refused(field, "True", "YAML", **{field: True})
    refused(field, "False", "YAML", **{field: np.False_})


def test_a_truth_value_is_no_other_state() -> None:
    refused("power_doppler", "False", "negative, positive", power_doppler=False)


@pytest.mark.parametrize("value", [[22], (22,), {22}, object(), b"22", 2 + 1j, pd.Timestamp("2020-01-01"), pd.Series([1])])
def test_other_objects_are_refused(value: Any) -> None:
    refused("crp", "accepted", crp=value)


# --- likelihoods


@pytest.mark.parametrize(
    ("weights", "word"),
    [
        ({"negative": 0.2, "high_positive": 1.0}, "'low_positive'"),
        ({}, "'negative', 'low_positive', 'high_positive'"),
        ({"negative": 0, "low_positive": 0, "high_positive": 0}, "0 for every state"),
        ({"negative": -0.1, "low_positive": 0, "high_positive": 1}, "-0.1"),
        ({"negative": 1.1, "low_positive": 0, "high_positive": 1}, "1.1"),
        ({"negative": float("nan"), "low_positive": 0, "high_positive": 1}, "nan"),
        ({"negative": float("inf"), "low_positive": 0, "high_positive": 1}, "inf"),
        ({"negative": True, "low_positive": 0, "high_positive": 1}, "True"),
        ({"negative": None, "low_positive": 0, "high_positive": 1}, "None"),
        ({"negative": "1", "low_positive": 0, "high_positive": 1}, "'1'"),
        ({"negative": 1, "Negative": 1, "low_positive": 0, "high_positive": 1}, "twice"),
    ],
)
def test_a_likelihood_that_cannot_be_used_is_refused(weights: dict[str, Any], word: str) -> None:
    refused("ada_test", word, ada_test=weights)


def test_a_likelihood_of_an_unknown_state_is_refused() -> None:
    refused("ada_test", "'positive'", kind=UnknownNameError, ada_test={"negative": 1, "positive": 1})
    refused("sex", "'0'", kind=UnknownNameError, sex={0: 1.0, 1: 0.0})


def test_a_likelihood_of_yes_and_no_may_come_from_yaml() -> None:
    assert Patient(fibromyalgia=yaml.safe_load("{yes: 1, no: 0.2}")).to_dict() == {"fibromyalgia": {"no": 0.2, "yes": 1.0}}


# --- earlier drugs


@pytest.mark.parametrize(
    ("earlier", "word"),
    [
        ({"abatacept": ["never_worked", "lost_response"]}, "2 drugs of the class abatacept, which has 1"),
        ({"tnf_inhibitor": ["never_worked"] * 7}, "7 drugs of the class tnf_inhibitor"),
        ({"adalimumab": ["never_worked", "lost_response"]}, "one molecule"),
        ({"adalimumab": "never_worked", "Humira": "intolerant"}, "adalimumab is named twice"),
        ({"tnf_inhibitor": ["never_worked", "not_tried"]}, "not_tried"),
        ({"tnf_inhibitor": None}, "no outcome"),
        ({"tnf_inhibitor": 1}, "no outcome"),
        ({"tnf_inhibitor": True}, "no outcome"),
        ({"tnf_inhibitor": [["never_worked"]]}, "no outcome"),
        ({"none": "never_worked"}, "earlier: {}"),
        (["adalimumab"], "a map"),
        ("adalimumab", "a map"),
        (2, "a map"),
    ],
)
def test_earlier_drugs_that_cannot_be_used_are_refused(earlier: Any, word: str) -> None:
    refused("earlier", word, earlier=earlier)


@pytest.mark.parametrize(
    ("earlier", "word"),
    [
        ({"tnf_inhibitor": "lost"}, "'lost_response'"),
        ({"adalimumap": "lost_response"}, "'adalimumab'"),
        ({"anakinra": "lost_response"}, "interleukin-1"),
        ({3: "lost_response"}, "tnf_inhibitor"),
    ],
)
def test_unknown_names_among_earlier_drugs_are_refused(earlier: Any, word: str) -> None:
    refused("earlier", word, kind=UnknownNameError, earlier=earlier)


def test_an_earlier_drug_may_be_uncertain() -> None:
    weights = {"not_tried": 0, "never_worked": 1, "lost_response": 0.5, "intolerant": 0, "stopped_other": 0}
    finding = Patient(earlier={"tnf_inhibitor": weights}).findings()[0]
    assert finding.likelihood == (0.0, 1.0, 0.5, 0.0, 0.0)


def test_not_tried_and_an_empty_list_say_the_same() -> None:
    nothing = [finding.state for finding in Patient(earlier={}).findings()]
    assert [finding.state for finding in Patient(earlier={"tnf_inhibitor": "not_tried"}).findings()] == nothing
    assert [finding.state for finding in Patient(earlier={"tnf_inhibitor": []}).findings()] == nothing


# --- contradictions


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("response", "lost"),
        ("months_on_drug", 6),
        ("refill_adherence", 0.9),
        ("reported_adherence", True),
        ("drug_level", "low"),
        ("ada_test", 20),
    ],
)
def test_nothing_can_be_said_of_a_drug_that_is_not_given(field: str, value: Any) -> None:
    refused(field, "current_drug", "contradict", current_drug="none", **{field: value})


@pytest.mark.parametrize(
    ("first", "second", "fields"),
    [
        ("months_on_drug", "disease_duration", {"months_on_drug": 60, "disease_duration": 2}),
        ("months_on_drug", "disease_duration", {"months_on_drug": ">=24", "disease_duration": 0.5}),
        ("months_on_drug", "disease_duration", {"months_on_drug": 30, "disease_duration": "<2"}),
        ("months_on_drug", "age", {"months_on_drug": 480, "age": 35}),
        ("disease_duration", "age", {"disease_duration": 40, "age": 38}),
    ],
)
def test_a_part_cannot_last_longer_than_the_whole(first: str, second: str, fields: dict[str, Any]) -> None:
    refused(first, second, "contradict", **fields)


def test_years_may_have_been_cut_to_whole_ones() -> None:
    assert Patient(months_on_drug=30, disease_duration=2)
    refused("disease_duration", months_on_drug=30, disease_duration="2.0 years")


@pytest.mark.parametrize("now", ["adalimumab", "Humira", "adalimumab-atto"])
def test_a_drug_that_once_worked_did_not_never_work(now: str) -> None:
    earlier = {"Amgevita": "lost_response"}
    refused("response", "earlier", "adalimumab", current_drug=now, response="never", earlier=earlier)
    assert Patient(current_drug=now, response="lost", earlier=earlier)
    assert Patient(current_drug="etanercept", response="never", earlier=earlier)
    assert Patient(current_drug="adalimumab", response="never", earlier={"tnf_inhibitor": "lost_response"})


def test_a_numeric_level_needs_its_drug() -> None:
    refused("drug_level", "current_drug", drug_level="0.4 mg/L")
    refused("drug_level", "'tnf_inhibitor'", drug_level=0.4, current_drug="tnf_inhibitor")
    assert Patient(drug_level="low").findings()[0].state == "low"
    assert Patient(ada_test=20).findings()


def test_an_unreadable_drug_is_not_reported_twice() -> None:
    message = refused("adalimumap", kind=UnknownNameError, drug_level=2, current_drug="adalimumap")
    assert "drug_level" not in message


def test_all_problems_are_reported_together() -> None:
    message = refused("4 problems", "crpp", "sjc28", "'femal'", "months_on_drug",
                      crpp=1, sjc28=40, sex="femal", months_on_drug=99, disease_duration=1)  # fmt: skip
    assert message.count("\n- ") == 4
    refused("2 problems", kind=UnknownNameError, crpp=1, sex="femal")


# --- warnings


@pytest.mark.parametrize("drug", ["abatacept", "rituximab", "jak_inhibitor", "baricitinib"])
@pytest.mark.parametrize("level", [5, "low"])
def test_a_level_without_a_validated_range_is_warned_of(drug: str, level: Any) -> None:
    (warning,) = Patient(current_drug=drug, drug_level=level).warnings()
    assert "drug_level" in warning
    assert "uninformative" in warning


def test_other_warnings() -> None:
    assert "sarilumab" in Patient(current_drug="sarilumab", drug_level=5).warnings()[0]
    assert "tnf" not in "".join(Patient(current_drug="tocilizumab", drug_level=5).warnings())
    assert "ozoralizumab" in Patient(current_drug="ozoralizumab").warnings()[0]
    assert "ada_test" in Patient(current_drug="tofacitinib", ada_test="negative").warnings()[0]
    assert "crp" in Patient(current_drug="tocilizumab", crp=0.5).warnings()[0]
    assert "il6_level" in Patient(current_drug="tocilizumab", il6_level="high").warnings()[0]
    assert "adults" in Patient(age=15).warnings()[0]


def test_an_ordinary_record_has_no_warning() -> None:
    assert Patient(age=50, current_drug="adalimumab", drug_level=5, ada_test="negative", crp=2, il6_level=3).warnings() == ()


# --- the object


FULL: dict[str, Any] = {
    "age": 52, "crp": "2.2 mg/dL", "fibromyalgia": False, "current_drug": "Humira",
    "earlier": {"tnf_inhibitor": ["lost_response", "intolerant"], "rituximab": "never_worked"},
    "ada_test": {"negative": 0.2, "low_positive": 0.3, "high_positive": 1.0},
}  # fmt: skip


def test_round_trip() -> None:
    patient = Patient(**FULL)
    assert patient.to_dict() == {**FULL, "fibromyalgia": "no"}
    assert Patient.from_dict(patient.to_dict()) == patient
    assert Patient.from_dict(json.loads(json.dumps(patient.to_dict()))) == patient
    assert Patient.from_dict(yaml.safe_load(yaml.safe_dump(patient.to_dict()))) == patient
    assert Patient.model_validate_json(patient.model_dump_json()) == patient
    assert Patient.model_validate(patient.model_dump()) == patient
    assert pickle.loads(pickle.dumps(patient)) == patient
    assert copy.deepcopy(patient) == copy.copy(patient) == patient
    assert hash(Patient.from_dict(patient.to_dict())) == hash(patient)


def test_a_patient_does_not_change() -> None:
    patient = Patient(**FULL)
    with pytest.raises(ValueError, match="frozen"):
        patient.age = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        patient.ada_test["negative"] = 1  # type: ignore[index]
    patient.to_dict()["earlier"].clear()
    assert patient == Patient(**FULL)


def test_changes_make_another_patient() -> None:
    patient = Patient(**FULL)
    assert "crp" not in patient.without("crp").observed
    assert patient.without("crp").with_changes(crp="2.2 mg/dL") == patient
    assert patient.with_changes(crp=None) == patient.without("crp")
    assert patient.model_copy(update={"crp": 5}).crp == 5
    assert patient.without("crp", "age", "earlier", "ada_test", "fibromyalgia").to_dict() == {"current_drug": "Humira"}
    with pytest.raises(UnknownNameError, match="crpp"):
        patient.without("crpp")
    with pytest.raises(FindingError, match="crp"):
        patient.with_changes(crp=-1)
    with pytest.raises(FindingError, match="crp"):
        patient.model_copy(update={"crp": -1})


def test_observed_is_in_the_order_of_the_fields() -> None:
    assert list(Patient(**FULL).observed) == ["age", "current_drug", "earlier", "ada_test", "crp", "fibromyalgia"]


def test_repr_shows_what_was_observed() -> None:
    assert repr(Patient(age=52, crp="22 mg/L")) == "Patient(age=52, crp='22 mg/L')"


def test_pydantic_ways_raise_our_errors() -> None:
    with pytest.raises(FindingError):
        Patient.model_validate({"crp": -1})
    with pytest.raises(UnknownNameError):
        Patient.model_validate({"crpp": 1})
    with pytest.raises(FindingError):
        Patient.model_validate_json("[1]")


@pytest.mark.parametrize("record", [None, 3, "age: 3", [("age", 3)]])
def test_from_dict_wants_a_mapping(record: Any) -> None:
    with pytest.raises(FindingError, match="a map"):
        Patient.from_dict(record)


def test_from_dict_refuses_odd_field_names() -> None:
    with pytest.raises(UnknownNameError, match="3"):
        Patient.from_dict({3: 1})  # type: ignore[dict-item]


# --- files


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_yaml(tmp_path: Path) -> None:
    path = write(tmp_path, "patient.yaml", """
age: 52
methotrexate: none
reported_adherence: yes
fibromyalgia: No
red_flags: none
smoking:
crp: 2.2e1
sjc28: 07
tjc28: 012
drug_level: "<0.3 mg/L"
current_drug: infliximab
earlier: {tnf_inhibitor: [lost_response]}
ada_test: {negative: 0.2, low_positive: 0.3, high_positive: 1}
""")  # fmt: skip
    expected = Patient(
        age=52, methotrexate="none", reported_adherence="yes", fibromyalgia="no", red_flags="none", crp=22.0, sjc28=7,
        tjc28=12, drug_level="<0.3 mg/L", current_drug="infliximab", earlier={"tnf_inhibitor": ["lost_response"]},
        ada_test={"negative": 0.2, "low_positive": 0.3, "high_positive": 1},
    )  # fmt: skip
    assert Patient.from_yaml(path) == Patient.from_yaml(str(path)) == Patient.from_file(path) == expected


def test_json(tmp_path: Path) -> None:
    path = write(tmp_path, "patient.json", '\ufeff{"age": 52, "crp": NaN, "fibromyalgia": false, "esr": null}')
    assert Patient.from_json(path) == Patient.from_file(path) == Patient(age=52, fibromyalgia="no")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("# nothing\n", "empty"),
        ("- age\n- 52\n", "a map"),
        ("52", "a map"),
        ("age: [1\n", "YAML"),
        ("age: 52\nage: 53\n", "twice"),
        ("earlier: {rituximab: intolerant, rituximab: never_worked}\n", "twice"),
        ("? [age]\n: 52\n", "YAML"),
        ("age: 52\n---\nage: 53\n", "YAML"),
        ("age: !!python/object/apply:os.getcwd []\n", "YAML"),
        ("age: \x00\n", "YAML"),
        ("phq9: >=15\n", "quote"),
        ("<<: {age: 52}\n", "<<"),
        ("age: 2020-01-01\n", "age"),
        ("age: 12:30\n", "age"),
        ("crp: yes\n", "YAML"),
        ("crp: .inf\n", "finite"),
        ("earlier: &a {tnf_inhibitor: *a}\n", "earlier"),
        ("[" * 5000, "YAML"),
    ],
)
def test_yaml_that_cannot_be_used(tmp_path: Path, text: str, word: str) -> None:
    path = write(tmp_path, "patient.yml", text)
    with pytest.raises((FindingError, UnknownNameError), match=word) as caught:
        Patient.from_file(path)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "JSON"),
        ("null", "empty"),
        ("[]", "a map"),
        ('{"age": 52', "JSON"),
        ('{"age": 52, "age": 53}', "twice"),
        ('{"crp": Infinity}', "finite"),
        ('{"crp": ' + "9" * 5000 + "}", "JSON"),
        ("[" * 100_000, "JSON"),
        ('{"sex": "\\ud800"}', "sex"),
    ],
)
def test_json_that_cannot_be_used(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises((FindingError, UnknownNameError), match=word) as caught:
        Patient.from_file(write(tmp_path, "patient.json", text))
    assert len(str(caught.value)) < 1000


def test_aliases_cannot_make_a_message_explode(tmp_path: Path) -> None:
    lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 8)}]" for old, new in zip("abcdefghi", "bcdefghij", strict=True)]
    path = write(tmp_path, "patient.yaml", "\n".join([*lines, "crp: *j"]))
    with pytest.raises(FindingError) as caught:
        Patient.from_yaml(path)
    assert len(str(caught.value)) < 5000


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for read in (Patient.from_yaml, Patient.from_json, Patient.from_file):
        with pytest.raises(FindingError, match="no such file"):
            read(tmp_path / "nobody.yaml")
        with pytest.raises(FindingError, match="a folder"):
            read(tmp_path)
        with pytest.raises(FindingError):
            read("a\x00b")
        with pytest.raises(FindingError, match="not a path"):
            read(3)  # type: ignore[arg-type]


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "patient.yaml"
    path.write_bytes("sex: weiblich für".encode("latin-1"))
    with pytest.raises(FindingError, match="UTF-8"):
        Patient.from_yaml(path)


def test_an_unknown_ending(tmp_path: Path) -> None:
    with pytest.raises(FindingError, match=r"'\.txt'.*\.yaml, \.yml, \.json"):
        Patient.from_file(write(tmp_path, "patient.txt", "age: 52"))


# --- rows of a table


def test_a_row_of_a_frame() -> None:
    frame = pd.DataFrame(
        {
            "age": [52, np.nan], "sex": ["female", None], "crp": ["22 mg/L", ""], "methotrexate": ["none", "NA"],
            "red_flags": ["None", "n/a"], "fibromyalgia": [True, pd.NA], "sjc28": [7.0, 0.0],
            "earlier": ["{tnf_inhibitor: [lost_response]}", "{}"],
            "ada_test": ['{"negative": 0.2, "low_positive": 0.3, "high_positive": 1.0}', " "],
        }
    )  # fmt: skip
    first, second = (Patient.from_row(row) for _, row in frame.iterrows())
    assert first == Patient(
        age=52, sex="female", crp="22 mg/L", methotrexate="none", red_flags="none", fibromyalgia=True, sjc28=7,
        earlier={"tnf_inhibitor": ["lost_response"]},
        ada_test={"negative": 0.2, "low_positive": 0.3, "high_positive": 1.0},
    )  # fmt: skip
    assert second == Patient(sjc28=0, earlier={})


def test_a_row_of_a_csv_file(tmp_path: Path) -> None:
    path = write(tmp_path, "cohort.csv", "age,sex,methotrexate,current_drug,crp\n52,female,none,none,NA\n")
    row = pd.read_csv(path, keep_default_na=False, dtype=str).iloc[0]
    assert Patient.from_row(row) == Patient(age="52", sex="female", methotrexate="none", current_drug="none")


@pytest.mark.parametrize("cell", ["", " ", "NA", "na", "N/A", "NaN", "nan", "<NA>", "null"])
def test_empty_cells(cell: str) -> None:
    assert Patient.from_row(dict.fromkeys(FIELDS, cell)) == Patient()


def test_rows_that_cannot_be_used() -> None:
    with pytest.raises(FindingError, match="not a row"):
        Patient.from_row([1, 2])
    with pytest.raises(UnknownNameError, match="'crpp'"):
        Patient.from_row(pd.Series({"crpp": 3}))
    with pytest.raises(FindingError, match="twice"):
        Patient.from_row(pd.Series([1, 2], index=["crp", "crp"]))
    with pytest.raises(FindingError, match="earlier"):
        Patient.from_row({"earlier": "{tnf_inhibitor: "})
    with pytest.raises(UnknownNameError, match="smoking"):
        Patient.from_row({"smoking": "none"})
