"""The likelihood's scales by arithmetic: what is predicted from given distributions, and what a published row amounts to."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest

from refra.data.errors import RefraError
from refra.inference.calibration.observing import observe
from refra.inference.calibration.questions import Question, question
from refra.inference.calibration.statements import Circumstances, group_of, read_statement, read_weights, span_of
from refra.inference.calibration.targets import Target, predicted, published

UNSTATED = {"logit": 0.5, "log": 0.4, "difference": 0.3, "median_spread": 1.0}
OWN = Circumstances({"current_drug": {"adalimumab": 1.0}}, {}, "trial")
OTHER = Circumstances({"current_drug": {"etanercept": 1.0}}, {}, "trial")


def target(measure: str, event: str, scores: str = "", *, compared: bool = False, versus_event: str = "", **fields: object) -> Target:
    around = (OWN, OTHER) if compared else (OWN,)
    events = (event, versus_event or event)
    groups = tuple(group_of(measure, text, scores, where) for text, where in zip(events, around, strict=False))
    span = span_of(groups[0]) if measure in ("mean", "mean_difference") else 1.0
    numbers = {"value": 0.5, "low": None, "high": None, "observed": 0.0, "sd": 0.3, "gap": "same", "gap_sd": 0.4, "tau": 1.2, "span": span}
    return Target(evidence="row", topic="t", measure=measure, design="rct", study="s", groups=groups, **{**numbers, **fields})  # type: ignore[arg-type]


def told(wanted: Target, *distributions: list[float]) -> float:
    answers: Mapping[Question, np.ndarray] = dict(zip(wanted.questions, map(np.array, distributions), strict=True))
    return float(predicted(wanted, answers, np))


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_a_share_is_a_logit_of_the_states_that_count() -> None:
    assert told(target("proportion", "rf: positive|high"), [0.3, 0.5, 0.2]) == pytest.approx(logit(0.7))


def test_a_state_may_count_in_part() -> None:
    assert told(target("sensitivity", "acr50_abatacept: yes|no=0.3"), [0.8, 0.2]) == pytest.approx(logit(0.2 + 0.3 * 0.8))


def test_findings_that_hold_together_multiply_and_the_second_is_asked_given_the_first() -> None:
    both = target("proportion", "rf: negative; acpa: negative")
    first, second = both.questions
    assert first == question("rf", OWN.population)
    assert second == question("acpa", OWN.population, {"rf": {"negative": 1.0}})
    assert told(both, [0.4, 0.4, 0.2], [0.6, 0.3, 0.1]) == pytest.approx(logit(0.24))


def test_alternatives_are_mixed() -> None:
    mixed = target("proportion", "0.25*lda_abatacept: yes + 0.75*lda_rituximab: yes")
    assert told(mixed, [0.8, 0.2], [0.6, 0.4]) == pytest.approx(logit(0.25 * 0.2 + 0.75 * 0.4))


def test_ratios_are_logarithms() -> None:
    a, b = 0.2, 0.1
    for measure, expected in (
        ("odds_ratio", logit(a) - logit(b)),
        ("risk_ratio", math.log(2)),
        ("hazard_ratio", math.log(math.log(1 - a) / math.log(1 - b))),
    ):
        assert told(target(measure, "ada_test: high_positive", compared=True), [0.5, 0.3, a], [0.4, 0.5, b]) == pytest.approx(expected)


def test_the_comparator_may_have_another_event() -> None:
    drugs = target("risk_ratio", "lda_abatacept: yes", compared=True, versus_event="lda_rituximab: yes")
    assert [asked.variable for asked in drugs.questions] == ["lda_abatacept", "lda_rituximab"]
    assert told(drugs, [0.7, 0.3], [0.9, 0.1]) == pytest.approx(math.log(3))


def test_differences_are_scaled_by_the_range_of_the_scores_and_by_four() -> None:
    assert told(target("risk_difference", "ada_test: high_positive", compared=True), [0, 0.7, 0.3], [0, 0.8, 0.2]) == pytest.approx(0.4)
    one = target("mean_difference", "rf", "1|3|6", compared=True)
    assert told(one, [0.5, 0.5, 0], [1, 0, 0]) == pytest.approx(4 * 1 / 5)
    two = target("mean", "rf; msrc", "rf: 1|3|6; msrc: 0|10")
    assert two.span == 15
    assert told(two, [0.5, 0.5, 0], [0.9, 0.1]) == pytest.approx(4 * (2 + 1) / 15)
    assert float(published(two, np.array(told(two, [0.5, 0.5, 0], [0.9, 0.1])), np)) == pytest.approx(3)


def test_a_yearly_rate_and_a_share_over_years_come_from_a_yearly_probability() -> None:
    rate = told(target("rate_per_100py", "vte_continue: yes"), [math.exp(-0.02), 1 - math.exp(-0.02)])
    assert rate == pytest.approx(math.log(2))
    share = told(target("proportion", "vte_continue: yes", period=4.0), [0.9, 0.1])
    assert share == pytest.approx(logit(1 - 0.9**4))


def test_the_area_under_the_curve_counts_pairs() -> None:
    # Higher in the first group: pairs (1,0) and half of the ties.
    area = target("auc", "msrc", compared=True)
    assert told(area, [0.4, 0.6], [0.7, 0.3]) == pytest.approx(logit(0.6 * 0.7 + 0.5 * (0.4 * 0.7 + 0.6 * 0.3)))
    turned = target("auc", "msrc", "1|0", compared=True)
    assert told(turned, [0.4, 0.6], [0.7, 0.3]) == pytest.approx(-told(area, [0.4, 0.6], [0.7, 0.3]))


@pytest.mark.parametrize("median", [0.7, 2.0, 8.0, 30.0, 200.0])
def test_the_median_of_a_log_logistic_quantity_is_found_from_its_states(median: float) -> None:
    cuts = (1.0, 5.0, 10.0, 30.0)
    below = [1 / (1 + (median / cut) ** 1.7) for cut in cuts]
    states = np.diff([0.0, *below, 1.0])
    wanted = target("median", "crp", "1|5|10|30", cuts=cuts)
    assert told(wanted, list(states)) == pytest.approx(math.log(median), abs=1e-6)


def test_parameter_sets_come_first() -> None:
    wanted = target("proportion", "msrc: positive")
    answers = {wanted.questions[0]: np.array([[0.5, 0.5], [0.8, 0.2]])}
    np.testing.assert_allclose(predicted(wanted, answers, np), [0.0, math.log(0.25)], atol=1e-12)


def test_counts_make_an_empirical_logit() -> None:
    seen = observe("proportion", 0.2, (0.1, 0.3), (20, 100), None, 1.0, UNSTATED)
    assert seen.value == pytest.approx(math.log(20.5 / 80.5))
    assert seen.sd == pytest.approx(math.sqrt(1 / 20.5 + 1 / 80.5))
    assert (seen.events, seen.n) == (20, 100)
    assert observe("specificity", 0.25, (None, None), (None, 40), None, 1.0, UNSTATED).events == pytest.approx(10)
    none = observe("proportion", 0.0, (None, None), (0, 20), None, 1.0, UNSTATED)
    assert none.value == pytest.approx(math.log(0.5 / 20.5))


def test_without_counts_the_interval_gives_the_error() -> None:
    seen = observe("proportion", 0.5, (0.2, 0.8), (None, 50), None, 1.0, UNSTATED)
    assert (seen.value, seen.n) == (0, None)
    assert seen.sd == pytest.approx(2 * math.log(4) / 3.919928)
    ratio = observe("hazard_ratio", 2.0, (1.0, 4.0), (None, 900), None, 1.0, UNSTATED)
    assert ratio.value == pytest.approx(math.log(2))
    assert ratio.sd == pytest.approx(math.log(4) / 3.919928)
    gap = observe("mean_difference", -0.4, (-0.8, 0.0), (None, None), None, 5.0, UNSTATED)
    assert gap.value == pytest.approx(4 * -0.4 / 5)
    assert gap.sd == pytest.approx(4 * 0.8 / 5 / 3.919928)


def test_other_rows_use_what_they_print_or_the_stated_default() -> None:
    assert observe("rate_per_100py", 2.0, (None, None), (25, 400), None, 1.0, UNSTATED).sd == pytest.approx(0.2)
    assert observe("median", 7.0, (None, None), (None, 100), 0.8, 1.0, UNSTATED).sd == pytest.approx(0.8 * math.sqrt(math.pi / 2) / 10)
    assert observe("median", 7.0, (None, None), (None, 100), None, 1.0, UNSTATED).sd == pytest.approx(math.sqrt(math.pi / 2) / 10)
    assert observe("mean", 16.0, (None, None), (None, 49), 7.0, 8.0, UNSTATED).sd == pytest.approx(4 * 1 / 8)
    assert observe("mean_difference", 1.0, (None, None), (None, 100), 1.5, 6.0, UNSTATED).sd == pytest.approx(4 * 0.3 / 6)
    for measure, scale in (("proportion", "logit"), ("odds_ratio", "log"), ("mean", "difference"), ("auc", "logit"), ("median", "log")):
        assert observe(measure, 0.5, (None, None), (None, None), None, 1.0, UNSTATED).sd == UNSTATED[scale]


def test_a_value_off_its_scale_is_refused() -> None:
    with pytest.raises(RefraError, match="no logit"):
        observe("proportion", 0.0, (None, None), (None, None), None, 1.0, UNSTATED)
    with pytest.raises(RefraError, match="no log"):
        observe("median", 0.0, (None, None), (None, 10), None, 1.0, UNSTATED)


def test_states_whose_names_hold_the_sign_are_read() -> None:
    assert read_weights("refill_adherence", ">=0.8") == {">=0.8": 1.0}
    assert read_weights("refill_adherence", ">=0.8=0.25|<0.5") == {">=0.8": 0.25, "<0.5": 1.0}


@pytest.mark.parametrize(
    ("text", "said"),
    [("rf positive", "variable: state"), ("rf: positive; rf: high", "twice"), ("rf: positiv", "'positive'"), ("rff: positive", "'rf'"),
     ("rf: positive=many", "positive=many"), ("rf: positive=2", "0 to 1")],
)  # fmt: skip
def test_a_statement_that_cannot_be_read_is_refused(text: str, said: str) -> None:
    with pytest.raises(RefraError, match=said):
        read_statement(text)


def test_shares_of_alternatives_and_scores_are_checked() -> None:
    with pytest.raises(RefraError, match=r"sum to 0\.9"):
        group_of("proportion", "0.5*msrc: positive + 0.4*rf: high", "", OWN)
    with pytest.raises(RefraError, match="2 numbers"):
        group_of("mean", "rf", "0|1", OWN)
