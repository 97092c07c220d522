"""Every quantity is the number that the assessment shows."""

from __future__ import annotations

import numpy as np
import pytest

from refra import Patient, Preferences, assess
from refra.data.errors import FindingError, UnknownNameError
from refra.inference.causes import CAUSES
from refra.inference.patient_files import as_record, example_texts, parse_yaml
from refra.inference.sensitivity.case import case_of
from refra.inference.sensitivity.quantities import evaluate, ids_of, quantity

GIVEN = Preferences(weights={"mace": 0.2, "regulator_gate": 0.05}, unavailable=("abatacept",))
INTOLERANT = {"current_drug": "adalimumab", "response": "intolerant", "age": 50}


def examples() -> dict[str, Patient]:
    return {name: Patient.from_dict(as_record(parse_yaml(text, name), name)) for name, text in example_texts().items()}


@pytest.mark.parametrize("name", ["first_patient", "lupus_on_infliximab", "intolerant"])
@pytest.mark.parametrize("preferences", [None, GIVEN], ids=["default", "given"])
def test_quantities_equal_the_assessment(name: str, preferences: Preferences | None) -> None:
    patient = Patient.from_dict(INTOLERANT) if name == "intolerant" else examples()[name]
    answer = assess(patient, preferences, draws=5, seed=3)
    case = case_of(patient, preferences)
    wanted = [quantity(case, f"{kind}:{one}") for kind in ("cause", "reason", "lda", "acr50", "utility") for one in ids_of(case, kind)]
    found = dict(zip([one.text for one in wanted], evaluate(case, case.model(5, 3), case.values(5, 3), wanted), strict=True))
    shown = {f"cause:{row.id}": row.probability for row in answer.causes.itertuples()}
    shown |= {f"reason:{row.id}": row.probability for row in answer.reasons.itertuples()}
    for kind in ("lda", "acr50", "utility"):
        shown |= {f"{kind}:{row['id']}": row[kind] for _, row in answer.options.iterrows()}
    assert found.keys() == shown.keys()
    for text, value in shown.items():
        assert found[text][0] == pytest.approx(value, abs=1e-12), text
    for _, row in answer.options.iterrows():
        low, high = np.quantile(found[f"utility:{row['id']}"][1:], [0.025, 0.975])
        assert (low, high) == pytest.approx((row["utility_low"], row["utility_high"]), abs=1e-12)


def test_a_difference_is_a_difference() -> None:
    case = case_of(examples()["first_patient"])
    texts = ["utility:rituximab", "utility:abatacept", "utility:rituximab - utility:abatacept", "cause:non_adherence - cause:depression"]
    values = evaluate(case, case.central, case.values(0, 1), [quantity(case, text) for text in texts])
    assert values[2, 0] == pytest.approx(values[0, 0] - values[1, 0], abs=1e-12)
    assert quantity(case, texts[2]).label() == "Utility (QALYs): Rituximab minus Abatacept"
    assert quantity(case, quantity(case, texts[3])).text == texts[3]


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("cuase:non_adherence", UnknownNameError, "cause"),
        ("cause:non_adherance", UnknownNameError, "non_adherence"),
        ("rituximab", FindingError, "kind:id"),
        ("utility:rituximab - lda:abatacept", FindingError, "one kind"),
        ("utility:rituximab - utility:abatacept - utility:continue", FindingError, "kind:id"),
    ],
)
def test_what_is_no_quantity_is_refused(text: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        quantity(case_of(examples()["first_patient"]), text)


def test_no_reasons_where_none_are_asked_for() -> None:
    case = case_of(INTOLERANT)
    assert ids_of(case, "cause") == ids_of(case, "reason") == ()
    with pytest.raises(FindingError, match="options alone"):
        quantity(case, f"cause:{CAUSES[0]}")
