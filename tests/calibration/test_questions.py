"""Questions of the calibration: equal statements are equal objects, and what does not fit is refused."""

from __future__ import annotations

import pytest

from refra.data.errors import RefraError
from refra.inference.calibration.questions import Question, base_variable, copies_of, parts, question, roots


def test_equal_statements_are_equal_objects() -> None:
    one = question("ada", {"sex": {"male": 0.4, "female": 0.6}, "current_drug": {"adalimumab": 1}}, {"rf": {"high": 1, "positive": 1}})
    other = question("ada", {"current_drug": {"adalimumab": 1}, "sex": {"female": 0.6, "male": 0.4}}, {"rf": {"positive": 1, "high": 1}})
    assert one == other
    assert hash(one) == hash(other)
    assert one != question("ada", {"current_drug": {"adalimumab": 1}})


def test_states_without_weight_are_left_out() -> None:
    assert parts({"rf": {"negative": 0, "high": 1}}) == (("rf", (("high", 1.0),)),)


def test_roots_are_the_variables_without_parents() -> None:
    assert set(roots()) == {
        "age_group", "sex", "bmi_class", "smoking", "disease_duration", "cardiovascular_risk", "prior_serious_infection",
        "glucocorticoid", "methotrexate", "current_drug", "autoantibody", "multi_refractory", "depression",
    }  # fmt: skip


def test_a_second_drug_of_a_class_has_a_name_of_its_own() -> None:
    assert base_variable("earlier_tnf_inhibitor_2") == "earlier_tnf_inhibitor"
    assert (copies_of("earlier_tnf_inhibitor"), copies_of("earlier_tnf_inhibitor_3")) == (1, 3)
    assert base_variable("eta_14_3_3") == "eta_14_3_3"
    assert copies_of("eta_14_3_3") == 1


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: question("adda"), "'ada'"),
        (lambda: question("ada", setting="register"), "trial, routine"),
        (lambda: question("ada", {"sex": {"female": 0.5, "male": 0.4}}), "sum to 0.9"),
        (lambda: question("ada", {"rf": {"negative": 1}}), "rf has parents"),
        (lambda: question("ada", given={"sex": {"male": 1}}), "belongs to the population"),
        (lambda: question("ada", given={"rf": {"positiv": 1}}), "'positive'"),
        (lambda: question("ada", given={"rf": {"positive": 1.5}}), "0 to 1"),
        (lambda: question("ada", given={"rf": {"positive": 0}}), "at least one above 0"),
        (lambda: base_variable("crp_2"), "unknown variable"),
    ],
)
def test_what_does_not_fit_is_refused(build: object, said: str) -> None:
    with pytest.raises(RefraError, match=said):
        build()  # type: ignore[operator]


def test_a_question_can_be_written_plainly() -> None:
    assert Question("ada") == question("ada")
