from __future__ import annotations

import math

import pytest

from refra.data.loading import evidence
from refra.inference.patient import Patient
from refra.inference.scores import cdai_category, das28_category, scores, sdai_category

PARTS = {"tjc28": 9, "sjc28": 4, "patient_global": 50, "physician_global": 30, "esr": 20, "crp": 19}


def test_das28_esr() -> None:
    # 0.56 * 3 + 0.28 * 2 + 0.70 * 2.995732 + 0.014 * 50
    assert scores(Patient(**PARTS)).das28_esr == pytest.approx(1.68 + 0.56 + 2.0970126 + 0.70)


def test_das28_crp() -> None:
    # 0.36 * ln(19 + 1) = 0.36 * 2.995732
    assert scores(Patient(**PARTS)).das28_crp == pytest.approx(1.68 + 0.56 + 1.0784636 + 0.70 + 0.96)


def test_cdai_and_sdai() -> None:
    found = scores(Patient(**PARTS))
    assert found.cdai == pytest.approx(9 + 4 + 5 + 3)
    assert found.sdai == pytest.approx(9 + 4 + 5 + 3 + 1.9)


def test_categories_of_one_patient() -> None:
    found = scores(Patient(**PARTS))
    assert found.das28_esr_category == "moderate"
    assert found.das28_crp_category == "moderate"
    assert found.cdai_category == "moderate"
    assert found.sdai_category == "moderate"


@pytest.mark.parametrize("esr", [0, 0.4, 1])
def test_an_esr_below_one_counts_as_one(esr: float) -> None:
    assert scores(Patient(**{**PARTS, "esr": esr})).das28_esr == pytest.approx(1.68 + 0.56 + 0.70)


def test_units_do_not_matter() -> None:
    other = {**PARTS, "crp": "1.9 mg/dL", "patient_global": "5 cm", "physician_global": "3 cm"}
    first, second = scores(Patient(**PARTS)), scores(Patient(**other))
    assert first.das28_crp == pytest.approx(second.das28_crp)
    assert first.sdai == pytest.approx(second.sdai)


@pytest.mark.parametrize(
    ("missing", "gone"),
    [
        ("esr", {"das28_esr"}),
        ("crp", {"das28_crp", "sdai"}),
        ("physician_global", {"cdai", "sdai"}),
        ("patient_global", {"das28_esr", "das28_crp", "cdai", "sdai"}),
        ("tjc28", {"das28_esr", "das28_crp", "cdai", "sdai"}),
        ("sjc28", {"das28_esr", "das28_crp", "cdai", "sdai"}),
    ],
)
def test_a_missing_part_takes_only_its_scores(missing: str, gone: set[str]) -> None:
    found = scores(Patient(**PARTS).without(missing))
    names = ("das28_esr", "das28_crp", "cdai", "sdai")
    assert {name for name in names if getattr(found, name) is None} == gone
    assert all((getattr(found, name) is None) == (getattr(found, f"{name}_category") is None) for name in names)


def test_categories_at_their_cutoffs() -> None:
    below_or_at = [2.8, 10, 22]
    assert [cdai_category(score) for score in below_or_at] == ["remission", "low", "moderate"]
    assert [cdai_category(score + 0.1) for score in below_or_at] == ["low", "moderate", "high"]
    assert [sdai_category(score) for score in (3.3, 11, 26, 26.1)] == ["remission", "low", "moderate", "high"]
    assert [das28_category(score) for score in (2.59, 2.6, 3.2, 3.21, 5.1, 5.11)] == [
        "remission", "low", "low", "moderate", "moderate", "high",
    ]  # fmt: skip


def test_cutoffs_are_those_of_the_evidence() -> None:
    rows = evidence()
    assert cdai_category(rows["cdai_cutoffs"].value) == "remission"
    assert cdai_category(rows["cdai_cutoffs"].value + 0.01) == "low"
    assert sdai_category(rows["sdai_cutoffs"].value) == "remission"
    assert sdai_category(rows["sdai_cutoffs"].value + 0.01) == "low"
    assert das28_category(rows["das28_esr_formula"].value) == "low"
    assert das28_category(rows["das28_esr_formula"].value - 0.01) == "remission"
    assert das28_category(rows["das28_crp_formula"].value + 0.01) == "high"
    assert cdai_category(rows["d2t_def_crit2a_cdai"].value) == "low"
    assert das28_category(rows["d2t_def_crit2a_das28"].value) == "low"


def test_tenths_do_not_miss_a_cutoff() -> None:
    # 1 + 0.9 + 0.9 = 2.8, which binary fractions may miss by a hair
    found = scores(Patient(tjc28=1, sjc28=0, patient_global=9, physician_global=9))
    assert found.cdai == 2.8
    assert found.cdai_category == "remission"


@pytest.mark.parametrize(
    ("record", "bound", "target"),
    [
        ({}, 0, "undecided"),
        ({"sjc28": 6, "tjc28": 5}, 11, "missed"),
        ({"sjc28": 6, "tjc28": 4}, 10, "undecided"),
        ({"sjc28": 0, "tjc28": 1, "patient_global": 10, "physician_global": 10}, 3, "met"),
        ({"sjc28": 4, "tjc28": 4, "patient_global": 10, "physician_global": 10}, 10, "met"),
        ({"sjc28": 4, "tjc28": 4, "patient_global": 10, "physician_global": 11}, 10.1, "missed"),
        ({"sjc28": 2, "tjc28": 3, "patient_global": 10}, 6, "undecided"),
        ({"patient_global": "8 cm", "sjc28": 3}, 11, "missed"),
        ({"crp": 90, "esr": 90}, 0, "undecided"),
    ],
)
def test_the_target(record: dict[str, object], bound: float, target: str) -> None:
    found = scores(Patient(**record))
    assert found.cdai_lower_bound == pytest.approx(bound)
    assert found.target_state == target


@pytest.mark.parametrize(
    ("record", "bound", "target"),
    [
        # six joints at least, eleven at least
        ({"sjc28": "6+", "tjc28": "11+"}, 17, "missed"),
        ({"sjc28": "3-5", "tjc28": "6-10"}, 9, "undecided"),
        # the state above 60 mm begins at 60.5
        ({"patient_global": ">60", "sjc28": 4}, 10.05, "missed"),
        ({"sjc28": {"0": 0, "1-2": 0.2, "3-5": 1, "6+": 0.5}}, 1, "undecided"),
    ],
)
def test_states_enter_the_bound_alone(record: dict[str, object], bound: float, target: str) -> None:
    found = scores(Patient(**record, physician_global=None))
    assert found.cdai_lower_bound == pytest.approx(bound)
    assert found.target_state == target
    assert found.cdai is None


def test_no_joint_at_all_is_a_number_however_it_is_given() -> None:
    record = {"tjc28": 0, "patient_global": 10, "physician_global": 10}
    assert scores(Patient(sjc28="0", **record)) == scores(Patient(sjc28=0, **record))


def test_a_crp_below_detection_counts_as_half_the_limit() -> None:
    found = scores(Patient(**{**PARTS, "crp": "<2 mg/L"}))
    assert found.das28_crp == pytest.approx(1.68 + 0.56 + 0.36 * math.log(2) + 0.70 + 0.96)
