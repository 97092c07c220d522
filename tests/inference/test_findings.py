from __future__ import annotations

import math
from itertools import pairwise
from statistics import NormalDist

import pytest

from refra.data import measurements
from refra.data.errors import RecordError
from refra.data.loading import variables
from refra.data.measurements import MEASURED_VARIABLES, MEASUREMENT_COLUMNS, MeasurementError, measurement_error
from refra.data.tables import parse_csv
from refra.inference import findings as findings_module
from refra.inference.findings import FLOOR, Finding, measured_likelihood
from refra.inference.patient import Patient


def normal_likelihood(value: float, sd: float, cutoffs: list[float], log: bool) -> list[float]:
    """The same likelihood by the standard library: the true value's distribution cut into intervals."""
    scale = math.log if log else float
    true = NormalDist(scale(value), sd)
    below = [0.0, *(true.cdf(scale(cutoff)) for cutoff in cutoffs), 1.0]
    weights = [high - low for low, high in pairwise(below)]
    return [weight / max(weights) for weight in weights]


def only(patient: Patient) -> Finding:
    (finding,) = [finding for finding in patient.findings() if finding.field != "current_drug"]
    return finding


@pytest.fixture
def errors(monkeypatch: pytest.MonkeyPatch) -> dict[str, MeasurementError]:
    fixed = {name: MeasurementError("absolute", 1.0) for name in MEASURED_VARIABLES}
    fixed |= {name: MeasurementError("log", 0.3) for name in ("crp", "esr", "drug_level", "ada_test", "rf", "il6_level")}
    fixed["refill_adherence"] = MeasurementError("proportion", 0.1)
    monkeypatch.setattr(findings_module, "measurement_error", lambda: fixed)
    return fixed


@pytest.mark.parametrize(
    ("field", "value", "sd", "cutoffs", "log"),
    [
        ("crp", 9.9, 0.3, [1, 5, 10, 30], True),
        ("esr", 30, 0.3, [20, 28, 50], True),
        ("sjc28", 5, 1.0, [0.5, 2.5, 5.5], False),
        ("tjc28", 6, 1.0, [1.5, 5.5, 10.5], False),
        ("bmi", 29.5, 1.0, [25, 30], False),
        ("ada_test", 60, 0.3, [12, 100], True),
        ("phq9", 9, 1.0, [4.5, 9.5, 14.5], False),
    ],
)
@pytest.mark.usefixtures("errors")
def test_a_measured_value_speaks_for_both_sides_of_a_cutoff(field: str, value: float, sd: float, cutoffs: list[float], log: bool) -> None:
    expected = [max(weight, FLOOR) for weight in normal_likelihood(value, sd, cutoffs, log)]
    assert only(Patient(**{field: value})).likelihood == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.usefixtures("errors")
def test_states_that_run_downwards_keep_their_order() -> None:
    # the states of refill adherence: 0.8 or more, 0.5 to 0.8, under 0.5
    rising = normal_likelihood(0.75, 0.1, [0.5, 0.8], log=False)
    assert only(Patient(refill_adherence=0.75)).likelihood == pytest.approx(rising[::-1])


def test_values_on_both_sides_of_a_cutoff_give_nearly_the_same_answer() -> None:
    below, above = only(Patient(crp=9.9)).likelihood, only(Patient(crp=10.1)).likelihood
    # 2 % of the value is 0.05 of the error's standard deviation, so that no state may gain or lose a fifth
    for first, second in zip(below[1:], above[1:], strict=True):
        assert abs(math.log(first / second)) < 0.2
    assert max(abs(first - second) for first, second in zip(below, above, strict=True)) < 0.1


@pytest.mark.parametrize("value", [0, 1e-9, 0.01, 1, 500, 1000])
def test_no_reading_makes_a_state_impossible(value: float) -> None:
    likelihood = only(Patient(crp=value)).likelihood
    assert max(likelihood) == 1
    assert min(likelihood) >= FLOOR


def test_a_crp_of_zero_lies_in_the_lowest_state() -> None:
    assert only(Patient(crp=0)).likelihood == (1.0, FLOOR, FLOOR, FLOOR, FLOOR)


def test_both_tails_are_exact() -> None:
    # P(Z > 7) as tables of the normal distribution print it; 1 - P(Z < 7) would be off in the fourth digit
    error = MeasurementError("absolute", 1.0)
    assert measured_likelihood(7.0, error, [0.0])[0] == pytest.approx(1.279812544e-12, rel=1e-8, abs=0)
    assert measured_likelihood(-7.0, error, [0.0])[1] == pytest.approx(1.279812544e-12, rel=1e-8, abs=0)


@pytest.mark.parametrize("field", ["crp", "esr", "il6_level", "rf", "acpa", "patient_global", "tjc28"])
def test_a_rising_value_never_favours_a_lower_state(field: str) -> None:
    values = [1, 2, 5, 9, 11, 20, 28]
    ratios = []
    for value in values:
        likelihood = only(Patient(**{field: value})).likelihood
        ratios.append(math.log(likelihood[-1] / likelihood[0]))
    assert ratios == sorted(ratios)


@pytest.mark.parametrize(
    ("field", "value", "state"),
    [
        ("age", 49.9, "<50"),
        ("age", 50, "50-64"),
        ("age", 65, ">=65"),
        ("disease_duration", "23 months", "<2"),
        ("disease_duration", 2, "2-10"),
        ("glucocorticoid", 0, "none"),
        ("glucocorticoid", 5, "<7.5"),
        ("glucocorticoid", 7.5, ">=7.5"),
        ("methotrexate", 0, "none"),
        ("methotrexate", "none", "none"),
        ("methotrexate", 10, "low"),
        ("methotrexate", "12.5 mg", "full"),
        ("months_on_drug", 5, "<6"),
        ("months_on_drug", "2 years", ">=24"),
    ],
)
def test_exact_quantities_are_hard(field: str, value: object, state: str) -> None:
    finding = only(Patient(**{field: value}))
    assert finding.state == state
    assert sorted(finding.likelihood)[-1] == sum(finding.likelihood) == 1


@pytest.mark.parametrize(
    ("drug", "level", "likeliest"),
    [
        ("adalimumab", "0.4 mg/L", "undetectable"),
        ("adalimumab", 2, "low"),
        ("adalimumab", 8.5, "in_range"),
        ("infliximab", "0.1", "undetectable"),
        ("infliximab", 2, "in_range"),
        ("certolizumab", 2, "undetectable"),
        ("certolizumab", "15 ug/mL", "low"),
        ("etanercept", 3, "in_range"),
        ("golimumab", "2000 ng/mL", "in_range"),
        ("tocilizumab", "<0.2 mg/L", "undetectable"),
    ],
)
def test_a_level_is_read_by_the_cutoffs_of_its_drug(drug: str, level: object, likeliest: str) -> None:
    finding = only(Patient(current_drug=drug, drug_level=level))
    states = variables()["drug_level"].state_ids
    assert states[finding.likelihood.index(1.0)] == likeliest


@pytest.mark.usefixtures("errors")
def test_the_likelihood_of_a_level() -> None:
    expected = normal_likelihood(3.0, 0.3, [1, 4], log=True)
    assert only(Patient(current_drug="Humira", drug_level=3)).likelihood == pytest.approx(expected)


@pytest.mark.parametrize("drug", ["abatacept", "rituximab", "upadacitinib"])
def test_a_number_says_nothing_where_no_level_is_validated(drug: str) -> None:
    finding = only(Patient(current_drug=drug, drug_level=5))
    assert finding.likelihood == (1.0, 1.0, 1.0)
    assert not finding.informative
    assert finding.state is None


def test_a_likelihood_is_scaled_to_one() -> None:
    finding = only(Patient(ada_test={"negative": 0.1, "low_positive": 0.15, "high_positive": 0.5}))
    assert finding.likelihood == pytest.approx((0.2, 0.3, 1.0))
    assert finding.state is None


def test_a_likelihood_with_one_possible_state_is_hard() -> None:
    assert only(Patient(power_doppler={"negative": 0, "positive": 0.4})).state == "positive"


def test_current_drug() -> None:
    states = variables()["current_drug"].state_ids
    by_name = dict(zip(states, Patient(current_drug="tnf_inhibitor").findings()[0].likelihood, strict=True))
    tnf = {"infliximab", "adalimumab", "golimumab", "certolizumab", "etanercept"}
    assert by_name == {state: float(state in tnf) for state in states}
    assert Patient(current_drug="tocilizumab").findings()[0].state == "il6r_inhibitor"
    assert Patient(current_drug="none").findings()[0].state == "none"


@pytest.mark.parametrize(
    ("field", "variable"),
    [
        ("fibromyalgia", "fibromyalgia_diagnosis"),
        ("depression", "depression_diagnosis"),
        ("osteoarthritis", "osteoarthritis_diagnosis"),
        ("hand_xray_oa", "hand_xray_oa"),
    ],
)
def test_yes_and_no(field: str, variable: str) -> None:
    for given, state in [(True, "yes"), (False, "no"), ("Yes", "yes"), ("no", "no"), ("true", "yes"), ("FALSE", "no")]:
        finding = only(Patient(**{field: given}))
        assert (finding.field, finding.variable, finding.state) == (field, variable, state)


def test_earlier_drugs() -> None:
    patient = Patient(earlier={"tnf_inhibitor": ["never_worked", "lost_response"], "tofacitinib": "intolerant"})
    seen = {(finding.variable, finding.copy): finding.state for finding in patient.findings()}
    assert seen == {
        ("earlier_tnf_inhibitor", 1): "never_worked",
        ("earlier_tnf_inhibitor", 2): "lost_response",
        ("earlier_il6r_inhibitor", 1): "not_tried",
        ("earlier_abatacept", 1): "not_tried",
        ("earlier_rituximab", 1): "not_tried",
        ("earlier_jak_inhibitor", 1): "intolerant",
    }
    assert {finding.field for finding in patient.findings()} == {"earlier"}


def test_molecules_of_one_class_are_copies_in_the_order_given() -> None:
    patient = Patient(earlier={"Enbrel": "intolerant", "adalimumab": "lost_response", "tnf_inhibitor": ["never_worked"]})
    copies = [finding for finding in patient.findings() if finding.variable == "earlier_tnf_inhibitor"]
    assert [(finding.copy, finding.state) for finding in copies] == [
        (1, "intolerant"),
        (2, "lost_response"),
        (3, "never_worked"),
    ]


def test_no_earlier_drug_differs_from_not_known() -> None:
    assert Patient().findings() == ()
    assert {finding.state for finding in Patient(earlier={}).findings()} == {"not_tried"}
    assert len(Patient(earlier={}).findings()) == 5


def test_texts() -> None:
    assert only(Patient(crp="22 mg/L")).text == "CRP 22 mg/L"
    assert only(Patient(crp="2.2 mg/dL")).text == "CRP 22 mg/L"
    assert only(Patient(crp="<0.5 mg/L")).text == "CRP <0.5 mg/L"
    assert only(Patient(sjc28=7)).text == "Swollen joints (28) 7"
    assert only(Patient(sex="female")).text == "Sex: female"
    assert Patient(current_drug="Humira").findings()[0].text == "Current drug: adalimumab"
    assert Patient(current_drug="tnf_inhibitor").findings()[0].text == "Current drug: TNF inhibitor"


def test_findings_keep_what_was_given() -> None:
    assert only(Patient(crp="2.2 mg/dL")).raw == "2.2 mg/dL"


def test_every_likelihood_fits_its_variable() -> None:
    patient = Patient(
        age=50, bmi=31, crp=22, esr=30, sjc28=3, tjc28=4, patient_global=50, physician_global=40, rf=100, acpa=30,
        eta_14_3_3=0.2, il6_level=20, phq9=8, sleep_questionnaire=6, first_questionnaire=4, refill_adherence="70 %",
        current_drug="etanercept", drug_level=1.5, ada_test=20, earlier={},
    )  # fmt: skip
    for finding in patient.findings():
        assert len(finding.likelihood) == len(variables()[finding.variable].states)
        assert max(finding.likelihood) == 1


def test_every_measured_variable_has_its_error() -> None:
    assert set(measurement_error()) == set(MEASURED_VARIABLES)
    assert all(error.value > 0 for error in measurement_error().values())


def table(*changes: tuple[str, str, str]) -> str:
    lines = {name: {"id": f"meas_{name}", "variable": name, "scale": "log", "value": "0.3"} for name in MEASURED_VARIABLES}
    for name, column, text in changes:
        lines[name][column] = text
    rows = [",".join(line.get(column, "") for column in MEASUREMENT_COLUMNS) for line in lines.values()]
    return "\n".join([",".join(MEASUREMENT_COLUMNS), *rows])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("crp", "scale", "ln"), ["line 2", "meas_crp", "scale", "'ln'", "absolute"]),
        (("crp", "value", "0"), ["meas_crp", "value", "above 0"]),
        (("crp", "value", "-1"), ["meas_crp", "value", "above 0"]),
        (("crp", "value", "nan"), ["meas_crp", "value"]),
        (("crp", "value", "some"), ["meas_crp", "'some'"]),
        (("crp", "variable", "crpp"), ["meas_crp", "variable", "'crpp'"]),
        (("crp", "variable", "esr"), ["'esr'", "twice"]),
    ],
)
def test_a_bad_row_of_the_measurement_errors_is_refused(change: tuple[str, str, str], words: list[str]) -> None:
    rows = parse_csv("measurement.csv", table(change), MEASUREMENT_COLUMNS)
    with pytest.raises(RecordError) as caught:
        measurements.build_measurement_errors(rows)
    for word in words:
        assert word in str(caught.value)


def test_a_missing_row_of_the_measurement_errors_is_refused() -> None:
    rows = parse_csv("measurement.csv", table(), MEASUREMENT_COLUMNS)
    assert measurements.build_measurement_errors(rows)["esr"] == MeasurementError("log", 0.3)
    with pytest.raises(RecordError, match="no row for esr"):
        measurements.build_measurement_errors([row for row in rows if row[2]["variable"] != "esr"])
