from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from refra.data.errors import FindingError
from refra.inference.units import QUANTITIES, read_quantity


@pytest.mark.parametrize(
    ("field", "given", "value"),
    [
        ("crp", 22, 22),
        ("crp", "22", 22),
        ("crp", " 22 mg/L ", 22),
        ("crp", "22MG/L", 22),
        ("crp", "2.2 mg/dL", 22),
        ("crp", "22 ug/mL", 22),
        ("crp", "1e1 mg/L", 10),
        ("crp", Decimal("2.5"), 2.5),
        ("crp", Fraction(5, 2), 2.5),
        ("crp", np.float32(2.5), 2.5),
        ("drug_level", "0.4 ug/mL", 0.4),
        ("drug_level", "0.4 \N{MICRO SIGN}g/mL", 0.4),
        ("drug_level", "0.4 \N{GREEK SMALL LETTER MU}g/ml", 0.4),
        ("drug_level", "0.4 mcg/mL", 0.4),
        ("drug_level", "350 ng/mL", 0.35),
        ("methotrexate", "15 mg", 15),
        ("methotrexate", "15 mg per week", 15),
        ("methotrexate", "15 mg a week", 15),
        ("glucocorticoid", "5 mg/day", 5),
        ("patient_global", 80, 80),
        ("patient_global", "80 mm", 80),
        ("patient_global", "8 cm", 80),
        ("disease_duration", "3 years", 3),
        ("disease_duration", "30 months", 2.5),
        ("months_on_drug", "30 months", 30),
        ("months_on_drug", "3 years", 36),
        ("refill_adherence", 0.85, 0.85),
        ("refill_adherence", "85 %", 0.85),
        ("refill_adherence", "85%", 0.85),
        ("refill_adherence", "85 percent", 0.85),
        ("bmi", "31 kg/m²", 31),
        ("esr", "41 mm/h", 41),
        ("il6_level", "40 ng/L", 40),
        ("eta_14_3_3", "190 pg/mL", 0.19),
        ("rf", "204 IU/mL", 204),
        ("sjc28", "7 joints", 7),
    ],
)
def test_numbers_and_units(field: str, given: object, value: float) -> None:
    assert read_quantity(field, given).value == pytest.approx(value)


@pytest.mark.parametrize("text", ["<0.5 mg/L", "< 0.5", "<=0.5 mg/L", "≤0.5 mg/L", "<0.05 mg/dL"])
def test_below_detection_counts_as_half_the_limit(text: str) -> None:
    reading = read_quantity("crp", text)
    assert reading.value == pytest.approx(0.25)
    assert reading.bound == "<"
    assert reading.limit == pytest.approx(0.5)


def test_above_the_upper_limit_counts_as_the_limit() -> None:
    reading = read_quantity("acpa", ">340 U/mL")
    assert (reading.value, reading.bound) == (340, ">")


def test_only_laboratory_values_may_be_open_ended() -> None:
    with pytest.raises(FindingError, match=r"age: '<50.5' is open-ended"):
        read_quantity("age", "<50.5")


def test_a_whole_number_remembers_its_step() -> None:
    assert read_quantity("disease_duration", "2 years").step == 1
    assert read_quantity("disease_duration", "24 months").step == pytest.approx(1 / 12)
    assert read_quantity("disease_duration", 2.5).step == 0


@pytest.mark.parametrize(
    ("field", "given", "words"),
    [
        ("crp", "2,2 mg/dL", ["crp", "'2,2 mg/dL'", "'2.2 mg/dL'", "mg/L", "1000"]),
        ("crp", "22 mmol/L", ["crp", "'22 mmol/L'", "mg/L", "mg/dL"]),
        ("crp", -1, ["crp", "-1", "from 0 to 1000 mg/L"]),
        ("crp", "1200 mg/L", ["crp", "from 0 to 1000"]),
        ("crp", float("inf"), ["crp", "inf", "not finite"]),
        ("crp", "9" * 400, ["crp", "not finite"]),
        ("crp", 10**400, ["crp", "not a usable number"]),
        ("crp", True, ["crp", "True", "not a number"]),
        ("crp", "22 mg/L or so", ["crp", "unit"]),
        ("crp", "high", ["crp", "'high'", "not a number"]),
        ("crp", "", ["crp", "not a number"]),
        ("crp", [22], ["crp", "[22]"]),
        ("crp", 2 + 1j, ["crp", "not a number"]),
        ("age", 130, ["age", "from 0 to 120 years"]),
        ("bmi", 5, ["bmi", "from 8 to 150 kg/m2"]),
        ("refill_adherence", 85, ["refill_adherence", "from 0 to 1", "85 %"]),
        ("sjc28", 29, ["sjc28", "whole number from 0 to 28"]),
        ("sjc28", 2.5, ["sjc28", "whole number"]),
        ("tjc28", -1, ["tjc28", "0 to 28"]),
        ("phq9", 28, ["phq9", "0 to 27"]),
        ("sleep_questionnaire", 22, ["sleep_questionnaire", "0 to 21"]),
        ("first_questionnaire", 7, ["first_questionnaire", "0 to 6"]),
        ("patient_global", 101, ["patient_global", "0 to 100"]),
        ("ada_test", "20 ng/mL", ["ada_test", "AU/mL", "state"]),
    ],
)
def test_errors_name_the_field_what_was_given_and_what_is_accepted(field: str, given: object, words: list[str]) -> None:
    with pytest.raises(FindingError) as caught:
        read_quantity(field, given)
    for word in [*words, "accepted"]:
        assert word in str(caught.value)


def test_a_very_long_text_is_read_quickly_and_quoted_short() -> None:
    with pytest.raises(FindingError) as caught:
        read_quantity("crp", "9" * 200_000 + "\n")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("field", QUANTITIES)
def test_the_limits_themselves_are_accepted(field: str) -> None:
    quantity = QUANTITIES[field]
    assert read_quantity(field, quantity.low).value == quantity.low
    assert read_quantity(field, f"{quantity.high:.0f}").value == quantity.high
