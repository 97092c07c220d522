"""The loaders refuse what does not fit, and say where, what was given and what would do."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from types import MappingProxyType
from typing import Any

import pytest

from refra.data import loading
from refra.data.errors import RecordError
from refra.data.loading import (
    EVIDENCE_COLUMNS,
    PARAMETER_COLUMNS,
    STUDY_COLUMNS,
    UNUSED_COLUMNS,
    build_evidence,
    build_parameter,
    build_study,
    build_variable,
    parse_arguments,
)
from refra.data.records import Evidence, Study, Variable
from refra.data.tables import Row, parse_csv, read_csv, read_text

STUDY = {
    "study_id": "doe2020", "citation": "Doe 2020", "title": "A trial", "year": "2020", "doi": "10.1000/x", "pmid": "1",
    "identifier_status": "as_given", "identifier_verified": "read", "identifier_note": "",
}  # fmt: skip
EVIDENCE = {
    "id": "share_doe2020", "topic": "adherence", "quantity": "P(yes)", "population": "RA", "condition": "",
    "comparator": "", "measure": "proportion", "value": "0.4", "ci_low": "0.3", "ci_high": "0.5", "events": "40",
    "n": "100", "unit": "", "timepoint": "", "study_id": "doe2020", "design": "cohort", "source_url": "",
    "verified": "read", "note": "", "use": "calibration",
}  # fmt: skip
PARAMETER = {
    "id": "adherence.full", "node": "adherence", "state": "full", "given": "", "kind": "probability", "unit": "",
    "distribution": "logit_normal", "centre": "0.4", "spread": "0.3", "evidence_for": "share_doe2020",
    "evidence_against": "", "derivation": "pooled_proportion", "arguments": "heterogeneity=0.3", "rationale": "",
    "gap": "", "status": "measured", "range_low": "0.27", "range_high": "0.55",
}  # fmt: skip
JUDGEMENT = {**PARAMETER, "status": "judgement", "derivation": "", "arguments": "", "rationale": "Seen in practice."}
VARIABLE: dict[str, Any] = {
    "id": "adherence", "label": {"en": "Adherence", "zh": "依从性"}, "role": "latent", "stage": "exposure",
    "sentence": "Whether doses were taken.",
    "states": [
        {"id": "full", "en": "full", "zh": "完全"}, {"id": "poor", "en": "poor", "zh": "差", "low": 0, "high": 1},
    ],
}  # fmt: skip


def row(base: dict[str, str], **fields: str) -> Row:
    return "data/some.csv", 7, {**base, **fields}


def known_studies() -> dict[str, Study]:
    return {"doe2020": build_study(row(STUDY))}


def known_variables() -> dict[str, Variable]:
    return {"adherence": build_variable(VARIABLE)}


def known_evidence() -> dict[str, Evidence]:
    kinds = {
        "share_doe2020": {},
        "remembered": {"verified": "recalled"},
        "kept": {"use": "validation"},
        "definition": {"use": "context"},
    }
    return {name: build_evidence(row(EVIDENCE, id=name, **fields), known_studies()) for name, fields in kinds.items()}


def refused(build: Callable[[], object], *words: str) -> None:
    with pytest.raises(RecordError) as caught:
        build()
    for word in words:
        assert word in str(caught.value), str(caught.value)


# --- what is accepted -----------------------------------------------------------------------------------------------


def test_a_good_row_of_evidence() -> None:
    found = build_evidence(row(EVIDENCE), known_studies())
    assert (found.id, found.value, found.ci_low, found.ci_high) == ("share_doe2020", 0.4, 0.3, 0.5)
    assert (found.events, found.n, found.study_id, found.use) == (40.0, 100.0, "doe2020", "calibration")
    with pytest.raises(FrozenInstanceError):
        found.value = 0.5  # type: ignore[misc]


def test_empty_cells_are_not_given() -> None:
    found = build_evidence(row(EVIDENCE, ci_low="", ci_high="", events="", n=""), known_studies())
    assert (found.ci_low, found.ci_high, found.events, found.n) == (None, None, None, None)


def test_a_mean_may_lie_anywhere() -> None:
    fields = {"measure": "mean_difference", "value": "-1.5", "ci_low": "-2", "ci_high": "-1", "events": "", "n": ""}
    assert build_evidence(row(EVIDENCE, **fields), known_studies()).value == -1.5


def test_a_good_parameter() -> None:
    found = build_parameter(row(PARAMETER), known_evidence(), known_variables())
    assert (found.centre, found.spread, found.range_low, found.range_high) == (0.4, 0.3, 0.27, 0.55)
    assert found.evidence_for == ("share_doe2020",)
    assert found.evidence_against == ()
    assert dict(found.arguments) == {"heterogeneity": "0.3"}


def test_a_judgement_may_cite_what_it_was_not_computed_from() -> None:
    found = build_parameter(row(JUDGEMENT, evidence_for="remembered definition"), known_evidence(), known_variables())
    assert found.evidence_for == ("remembered", "definition")


def test_a_contrary_row_may_be_recalled() -> None:
    found = build_parameter(row(PARAMETER, evidence_against="remembered"), known_evidence(), known_variables())
    assert found.evidence_against == ("remembered",)


def test_a_utility_has_no_variable() -> None:
    fields = {"id": "utility.mace", "node": "utility", "state": "", "kind": "utility", "distribution": "lognormal"}
    assert build_parameter(row(JUDGEMENT, **fields), known_evidence(), known_variables()).node == "utility"


def test_several_states_are_separated_by_bars() -> None:
    assert build_parameter(row(PARAMETER, state="full|poor"), known_evidence(), known_variables()).state == "full|poor"


def test_a_good_variable() -> None:
    found = build_variable(VARIABLE)
    assert found.state_ids == ("full", "poor")
    assert found.label["zh"] == "依从性"
    assert (found.states[0].low, found.states[1].low, found.states[1].high) == (None, 0, 1)
    assert (found.unit, found.loinc) == (None, None)


def test_arguments_are_names_and_values() -> None:
    found = parse_arguments(row(PARAMETER, arguments=" factor = -1 ; complement=a b; "))
    assert dict(found) == {"factor": "-1", "complement": "a b"}
    refused(lambda: parse_arguments(row(PARAMETER, arguments="factor")), "arguments", "'factor'", "name=value")


# --- evidence that is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"topic": "cost"}, ["topic", "'cost'", "adherence", "background"]),
        ({"measure": "share"}, ["measure", "'share'", "proportion", "odds_ratio"]),
        ({"verified": "heard"}, ["verified", "'heard'", "read", "abstract", "recalled"]),
        ({"use": "training"}, ["use", "'training'", "calibration", "validation", "context"]),
        ({"study_id": "roe2021"}, ["study_id", "'roe2021'", "studies.csv"]),
        ({"value": ""}, ["value", "nothing given", "number"]),
        ({"value": "most"}, ["value", "'most'", "number"]),
        ({"value": "nan"}, ["value", "'nan'", "finite"]),
        ({"value": "inf"}, ["value", "'inf'", "finite"]),
        ({"ci_low": "-inf"}, ["ci_low", "'-inf'", "finite"]),
        ({"n": "many"}, ["n:", "'many'"]),
        ({"value": "1.2"}, ["value", "1.2", "proportion", "0 to 1"]),
        ({"value": "-0.1"}, ["value", "-0.1", "0 to 1"]),
        ({"measure": "sensitivity", "value": "40"}, ["value", "40.0", "sensitivity", "0 to 1"]),
        ({"measure": "specificity", "value": "1.01"}, ["value", "specificity", "0 to 1"]),
        ({"measure": "auc", "value": "70"}, ["value", "auc", "0 to 1"]),
        ({"ci_low": "0.41"}, ["ci_low", "ci_high", "0.41", "0.5", "does not hold", "0.4"]),
        ({"ci_high": "0.39"}, ["0.3", "0.39", "does not hold"]),
        ({"ci_low": "0.5", "ci_high": "0.3"}, ["0.5 to 0.3", "does not hold"]),
        ({"events": "101"}, ["events", "101", "100", "at most n"]),
    ],
)
def test_bad_evidence_is_refused(fields: dict[str, str], words: list[str]) -> None:
    where = ["data/some.csv", "line 7", "share_doe2020"]
    refused(lambda: build_evidence(row(EVIDENCE, **fields), known_studies()), *where, *words)


# --- parameters that are refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"node": "adherance"}, ["node", "'adherance'", "adherence", "utility"]),
        ({"state": "often"}, ["state", "'often'", "adherence", "full, poor"]),
        ({"state": "full|often"}, ["state", "'often'"]),
        ({"kind": "chance"}, ["kind", "'chance'", "probability", "log_odds_ratio"]),
        ({"distribution": "beta"}, ["distribution", "'beta'", "logit_normal"]),
        ({"distribution": "normal"}, ["distribution", "'normal'", "logit_normal"]),
        ({"kind": "log_odds_ratio"}, ["distribution", "'logit_normal'", "normal"]),
        ({"status": "guess"}, ["status", "'guess'", "measured, pooled, derived, judgement"]),
        ({"centre": ""}, ["centre", "nothing given"]),
        ({"centre": "nan"}, ["centre", "'nan'", "finite"]),
        ({"spread": "inf"}, ["spread", "'inf'", "finite"]),
        ({"range_low": "-inf"}, ["range_low", "'-inf'", "finite"]),
        ({"range_high": "wide"}, ["range_high", "'wide'", "number"]),
        ({"centre": "0"}, ["centre", "0.0", "probability", "between 0 and 1"]),
        ({"centre": "1"}, ["centre", "1.0", "between 0 and 1"]),
        ({"kind": "ratio", "distribution": "lognormal", "centre": "0"}, ["centre", "ratio", "above 0"]),
        ({"kind": "weight", "distribution": "lognormal", "centre": "-1"}, ["centre", "weight", "above 0"]),
        ({"spread": "0"}, ["spread", "0.0", "above 0"]),
        ({"spread": "-0.2"}, ["spread", "-0.2", "above 0"]),
        ({"range_low": "0.45"}, ["range_low, range_high", "0.45 to 0.55", "0.4"]),
        ({"range_high": "0.3"}, ["range_low, range_high", "does not hold", "0.4"]),
        ({"arguments": "heterogeneity"}, ["arguments", "'heterogeneity'", "name=value"]),
        ({"evidence_for": "roe2021"}, ["evidence_for", "'roe2021'", "evidence.csv"]),
        ({"evidence_against": "roe2021"}, ["evidence_against", "'roe2021'", "evidence.csv"]),
        ({"evidence_for": "share_doe2020 kept"}, ["evidence_for", "'kept'", "validation"]),
        ({"evidence_against": "kept"}, ["evidence_against", "'kept'", "validation"]),
        ({"evidence_for": "remembered"}, ["evidence_for", "'remembered'", "recalled", "measured", "read rows"]),
        ({"evidence_for": "definition"}, ["evidence_for", "'definition'", "context", "calibration"]),
        ({"evidence_for": ""}, ["evidence_for", "empty", "measured", "needs evidence"]),
        ({"derivation": ""}, ["derivation", "empty", "measured", "function"]),
    ],
)
def test_a_bad_parameter_is_refused(fields: dict[str, str], words: list[str]) -> None:
    where = ["data/some.csv", "line 7", "adherence.full"]
    refused(lambda: build_parameter(row(PARAMETER, **fields), known_evidence(), known_variables()), *where, *words)


@pytest.mark.parametrize("status", ["measured", "pooled", "derived"])
def test_no_derived_number_rests_on_memory(status: str) -> None:
    fields = {"status": status, "evidence_for": "share_doe2020 remembered"}
    refused(lambda: build_parameter(row(PARAMETER, **fields), known_evidence(), known_variables()), status, "'remembered'")


def test_a_judgement_gives_its_reason() -> None:
    refused(
        lambda: build_parameter(row(JUDGEMENT, rationale=""), known_evidence(), known_variables()),
        "line 7", "adherence.full", "rationale", "empty", "reason",
    )  # fmt: skip


def test_a_judgement_rests_on_no_validation_row_either() -> None:
    refused(
        lambda: build_parameter(row(JUDGEMENT, evidence_for="kept"), known_evidence(), known_variables()),
        "evidence_for", "'kept'", "validation",
    )  # fmt: skip


# --- variables that are refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"role": "cause"}, ["role", "'cause'", "latent", "finding"]),
        ({"stage": "drug"}, ["stage", "'drug'", "exposure", "mechanism", "pain"]),
        ({"role": None}, ["role", "None", "latent"]),
        ({"states": VARIABLE["states"][:1]}, ["states", "['full']", "two"]),
        ({"states": [VARIABLE["states"][0]] * 2}, ["states", "['full', 'full']", "different"]),
        ({"label": {"en": "Adherence"}}, ["label", "Chinese", "zh"]),
        ({"label": {"en": "", "zh": "依从性"}}, ["label", "English", "en"]),
        ({"label": None}, ["label", "wanted"]),
    ],
)
def test_a_bad_variable_is_refused(fields: dict[str, Any], words: list[str]) -> None:
    record = {**copy.deepcopy(VARIABLE), **fields}
    refused(lambda: build_variable(record), "variables.yaml", "adherence", *words)


# --- tables that are refused ----------------------------------------------------------------------------------------


def test_the_columns_are_fixed() -> None:
    assert parse_csv("some.csv", "id,reason\na,b\n", UNUSED_COLUMNS) == [("some.csv", 2, {"id": "a", "reason": "b"})]
    for header in ("id", "reason,id", "id,reason,more", "id,Reason", ""):
        refused(lambda header=header: parse_csv("some.csv", header + "\n", UNUSED_COLUMNS), "some.csv", "id, reason")  # type: ignore[misc]


@pytest.mark.parametrize("line", ["a", "a,b,c"])
def test_a_row_has_one_field_for_each_column(line: str) -> None:
    text = f"id,reason\nx,y\n{line}\n"
    refused(lambda: parse_csv("some.csv", text, UNUSED_COLUMNS), "some.csv", "line 3", "2 fields")


def test_a_quoted_field_may_hold_a_comma() -> None:
    assert parse_csv("some.csv", 'id,reason\na,"b, c"\n', UNUSED_COLUMNS)[0][2]["reason"] == "b, c"


def test_a_file_that_is_not_there_is_named() -> None:
    refused(lambda: read_text("evidence", "nowhere.csv"), "data/evidence/nowhere.csv", "cannot be read")


def csv_text(columns: tuple[str, ...], *records: dict[str, str]) -> str:
    quoted = [",".join(f'"{record[column]}"' for column in columns) for record in records]
    return "\n".join([",".join(columns), *quoted, ""])


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Files that the loaders read in place of the shipped ones."""
    texts = {
        "studies.csv": csv_text(STUDY_COLUMNS, STUDY),
        "evidence.csv": csv_text(EVIDENCE_COLUMNS, EVIDENCE),
        "parameters.csv": csv_text(PARAMETER_COLUMNS, PARAMETER),
        "unused.csv": csv_text(UNUSED_COLUMNS),
    }

    def read(folder: str, name: str, columns: tuple[str, ...]) -> list[Row]:
        return parse_csv(f"data/{folder}/{name}", texts[name], columns)

    monkeypatch.setattr(loading, "read_csv", read)
    monkeypatch.setattr(loading, "read_yaml", lambda *path: [VARIABLE])
    for name in ("variables", "studies", "evidence", "parameters"):
        monkeypatch.setattr(loading, name, getattr(loading, name).__wrapped__)
    return texts


def test_the_loaders_read_their_tables(tables: dict[str, str]) -> None:
    assert list(loading.parameters()) == ["adherence.full"]
    assert list(loading.evidence()) == ["share_doe2020"]
    assert dict(loading.unused_evidence.__wrapped__()) == {}
    assert isinstance(loading.parameters(), MappingProxyType)


def test_an_id_stands_once(tables: dict[str, str]) -> None:
    tables["evidence.csv"] = csv_text(EVIDENCE_COLUMNS, EVIDENCE, EVIDENCE)
    refused(loading.evidence, "data/evidence/evidence.csv", "line 3", "id", "'share_doe2020'", "twice", "once")
    tables["evidence.csv"] = csv_text(EVIDENCE_COLUMNS, EVIDENCE)
    tables["parameters.csv"] = csv_text(PARAMETER_COLUMNS, PARAMETER, PARAMETER)
    refused(loading.parameters, "parameters.csv", "line 3", "'adherence.full'", "twice")
    tables["studies.csv"] = csv_text(STUDY_COLUMNS, STUDY, STUDY)
    refused(loading.studies, "studies.csv", "line 3", "study_id", "'doe2020'", "twice")


def test_an_id_is_never_empty(tables: dict[str, str]) -> None:
    tables["evidence.csv"] = csv_text(EVIDENCE_COLUMNS, {**EVIDENCE, "id": ""})
    refused(loading.evidence, "evidence.csv", "line 2", "id", "empty")


def test_a_variable_stands_once(tables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "read_yaml", lambda *path: [VARIABLE, VARIABLE])
    refused(loading.variables, "variables.yaml", "adherence", "twice")


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"id": "nowhere", "reason": "Another disease."}, ["line 2", "nowhere", "id", "evidence.csv"]),
        ({"id": "share_doe2020", "reason": ""}, ["line 2", "share_doe2020", "reason", "empty"]),
    ],
)
def test_a_reason_for_not_using_a_row(tables: dict[str, str], record: dict[str, str], words: list[str]) -> None:
    tables["unused.csv"] = csv_text(UNUSED_COLUMNS, record)
    refused(loading.unused_evidence.__wrapped__, "unused.csv", *words)


# --- the shipped tables ---------------------------------------------------------------------------------------------


def test_the_shipped_tables_load_in_the_order_of_their_files() -> None:
    for load, name, columns, key in (
        (loading.evidence, ("evidence", "evidence.csv"), EVIDENCE_COLUMNS, "id"),
        (loading.studies, ("evidence", "studies.csv"), STUDY_COLUMNS, "study_id"),
        (loading.parameters, ("parameters", "parameters.csv"), PARAMETER_COLUMNS, "id"),
    ):
        assert list(load()) == [record[key] for _, _, record in read_csv(*name, columns=columns)]


def test_the_shipped_tables_cannot_be_changed() -> None:
    for load in (loading.variables, loading.evidence, loading.studies, loading.parameters, loading.unused_evidence):
        with pytest.raises(TypeError):
            load()["new"] = None  # type: ignore[index]


def test_every_number_of_the_shipped_tables_is_finite() -> None:
    for record in loading.parameters().values():
        assert all(map(math.isfinite, (record.centre, record.spread, record.range_low, record.range_high)))
    for found in loading.evidence().values():
        given = (found.value, found.ci_low, found.ci_high, found.events, found.n)
        assert all(math.isfinite(number) for number in given if number is not None)
