"""The registry of evidence is whole, and every calibration row is used or says why not."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from math import inf

import pytest

from refra.data.loading import evidence, parameters, studies, unused_evidence, variables

BACKGROUND = "bg_"
DOI = re.compile(r"10\.\d{4,9}/\S+")
PMID = re.compile(r"(?:PMC)?\d{4,9}(?:; (?:PMC)?\d{4,9})*")

CITED = {
    identifier
    for record in parameters().values()
    for identifier in (*record.evidence_for, *record.evidence_against)
}  # fmt: skip
CALIBRATION = {row.id for row in evidence().values() if row.use == "calibration"}


def test_the_number_of_rows_by_use() -> None:
    uses = Counter((row.id.startswith(BACKGROUND), row.use) for row in evidence().values())
    assert uses == {
        (False, "calibration"): 462,
        (False, "validation"): 46,
        (False, "context"): 66,
        (True, "calibration"): 57,
        (True, "context"): 4,
    }
    assert len(evidence()) == uses.total() == 574 + 61


def test_background_rows_are_those_of_the_topic() -> None:
    assert all((row.topic == "background") == row.id.startswith(BACKGROUND) for row in evidence().values())


def test_every_calibration_row_is_cited_or_says_why_not() -> None:
    assert sorted(CALIBRATION - CITED - set(unused_evidence())) == []


def test_no_row_is_both_cited_and_unused() -> None:
    assert sorted(CITED & set(unused_evidence())) == []


def test_only_calibration_rows_are_listed_as_unused() -> None:
    assert sorted(set(unused_evidence()) - CALIBRATION) == []


def test_reasons_are_sentences() -> None:
    for identifier, reason in unused_evidence().items():
        assert reason.endswith("."), identifier
        assert len(reason.split()) >= 4, identifier
        mentioned = [word for word in re.findall(r"\w+_\w+", reason) if word != "evidence_for"]
        assert all(word in evidence() for word in mentioned), identifier


def test_rows_kept_for_validation_are_cited_nowhere() -> None:
    assert sorted(identifier for identifier in CITED if evidence()[identifier].use == "validation") == []


def test_recalled_rows_are_context() -> None:
    recalled = [row for row in evidence().values() if row.verified == "recalled"]
    assert recalled
    assert all(row.use == "context" for row in recalled)


def test_every_study_is_used_and_every_row_has_its_study() -> None:
    assert {row.study_id for row in evidence().values()} == set(studies())


def test_identifiers_are_well_formed() -> None:
    for study in studies().values():
        assert not study.doi or DOI.fullmatch(study.doi), study.id
        assert not study.pmid or PMID.fullmatch(study.pmid), study.id
        assert not study.year or re.fullmatch(r"(?:19|20)\d\d", study.year), study.id


def test_an_identifier_stands_once_but_for_quoting_papers() -> None:
    own = [study for study in studies().values() if study.identifier_status != "quoting_paper"]
    dois = Counter(study.doi.lower() for study in own if study.doi)
    pmids = Counter(study.pmid for study in own if study.pmid)
    assert [doi for doi, count in dois.items() if count > 1] == []
    assert [pmid for pmid, count in pmids.items() if count > 1] == []


def test_a_study_without_identifier_says_so() -> None:
    for study in studies().values():
        assert study.identifier_status in ("as_given", "found", "quoting_paper", "not_found"), study.id
        assert study.identifier_verified in ("read", "abstract", "recalled", ""), study.id
        if study.identifier_status == "not_found":
            assert not study.doi, study.id
            assert not study.pmid, study.id
        else:
            assert study.doi or study.pmid, study.id


def test_read_numbers_have_an_address() -> None:
    addressed = [row for row in evidence().values() if row.verified == "read"]
    assert all(row.source_url for row in addressed)


def test_ids_are_slugs() -> None:
    for identifier in (*evidence(), *studies()):
        assert re.fullmatch(r"[A-Za-z0-9_]+", identifier), identifier


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_variable_and_state_has_a_label(language: str) -> None:
    for variable in variables().values():
        assert variable.label[language].strip(), variable.id
        for state in variable.states:
            assert state.label[language].strip(), (variable.id, state.id)


def test_chinese_labels_are_chinese_or_figures() -> None:
    for variable in variables().values():
        assert re.search(r"[\u4e00-\u9fff]", variable.label["zh"]), variable.id


def test_labels_tell_variables_and_states_apart() -> None:
    for language in ("en", "zh"):
        names = Counter(variable.label[language] for variable in variables().values())
        assert [name for name, count in names.items() if count > 1] == []
        for variable in variables().values():
            states = [state.label[language] for state in variable.states]
            assert len(set(states)) == len(states), variable.id


def test_every_variable_is_described() -> None:
    for variable in variables().values():
        assert re.fullmatch(r"[a-z0-9_]+", variable.id), variable.id
        assert variable.sentence.endswith("."), variable.id
        assert variable.loinc is None or re.fullmatch(r"\d{1,5}-\d", variable.loinc), variable.id


def test_cutoffs_leave_no_gap_and_no_overlap() -> None:
    measured = [variable for variable in variables().values() if variable.states[0].low is not None]
    assert len(measured) > 10
    for variable in measured:
        assert variable.unit, variable.id
        limits = sorted((state.low, state.high) for state in variable.states)
        assert all(low is not None and high is not None and low < high for low, high in limits), variable.id
        assert all(below[1] == above[0] for below, above in pairwise(limits)), variable.id
        assert limits[-1][1] == inf, variable.id
        assert limits[0][0] in (-inf, 0), variable.id
    others = [variable for variable in variables().values() if variable not in measured]
    assert all(state.low is None and state.high is None for variable in others for state in variable.states)


def test_loinc_codes_have_a_right_check_digit() -> None:
    for variable in variables().values():
        if variable.loinc:
            digits, check = variable.loinc.split("-")
            # mod 10 of Luhn, from the right, every other digit doubled
            doubled = [int(d) * 2 if i % 2 == 0 else int(d) for i, d in enumerate(reversed(digits))]
            assert (sum(sum(divmod(d, 10)) for d in doubled) + int(check)) % 10 == 0, variable.id
