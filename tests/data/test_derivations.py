"""The derivations against arithmetic written out in the test."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from refra.data.records import Evidence
from refra.model.derivations import DERIVATIONS, NO_SAMPLE_SIZE, derive, expit, logit, random_effects

ROW = Evidence(
    id="row", topic="adherence", quantity="", population="", condition="", comparator="", measure="proportion",
    value=0.5, ci_low=None, ci_high=None, events=None, n=None, unit="", timepoint="", study_id="study",
    design="cohort", source_url="", verified="read", note="", use="calibration",
)  # fmt: skip


def row(value: float, **fields: object) -> Evidence:
    return replace(ROW, value=value, **fields)  # type: ignore[arg-type]


def test_logit_and_expit_are_inverse() -> None:
    assert logit(0.8) == pytest.approx(math.log(4))
    assert expit(math.log(4)) == pytest.approx(0.8)


def test_a_single_proportion_keeps_its_value_and_widens_twice() -> None:
    # once for the study's distance from the mean, once for that of a new setting
    centre, spread = derive("pooled_proportion", [row(0.2, n=100)], {"heterogeneity": "0.3"})
    assert centre == pytest.approx(0.2)
    assert spread == pytest.approx(math.sqrt(1 / (100 * 0.2 * 0.8) + 2 * 0.3**2))


def test_an_interval_is_trusted_before_the_sample_size() -> None:
    interval = row(0.2, n=10_000, ci_low=0.1, ci_high=0.36)
    _, spread = derive("pooled_proportion", [interval], {"heterogeneity": "0.1"})
    # 0.1 and 0.36: odds 1/9 and 9/16, so the logits are ln(81/16) apart
    se = math.log(81 / 16) / (2 * 1.959964)
    assert spread == pytest.approx(math.sqrt(se**2 + 2 * 0.1**2))


def test_an_interval_that_touches_zero_is_not_used() -> None:
    _, spread = derive("pooled_proportion", [row(0.1, n=50, ci_low=0.0, ci_high=0.3)], {"heterogeneity": "0"})
    assert spread == pytest.approx(1 / math.sqrt(50 * 0.1 * 0.9))


@pytest.mark.parametrize(("value", "kept"), [(0.0, 0.5 / 20), (1.0, 1 - 0.5 / 20)])
def test_none_or_all_of_a_sample_count_as_half_an_event(value: float, kept: float) -> None:
    centre, spread = derive("pooled_proportion", [row(value, n=20)], {"heterogeneity": "0"})
    assert centre == pytest.approx(kept)
    assert spread == pytest.approx(1 / math.sqrt(20 * 0.025 * 0.975))


def test_a_row_without_interval_and_sample_size_gets_a_wide_error() -> None:
    _, spread = derive("pooled_proportion", [row(0.3)], {"heterogeneity": "0"})
    assert spread == NO_SAMPLE_SIZE
    assert derive("pooled_ratio", [row(2.0)], {"heterogeneity": "0"}) == pytest.approx((2.0, NO_SAMPLE_SIZE))


def test_a_complement_is_turned_round() -> None:
    rows = [row(0.7, n=50, id="yes"), row(0.3, n=50, id="no")]
    centre, _ = derive("pooled_proportion", rows, {"complement": "no"})
    assert centre == pytest.approx(0.7)


def test_random_effects_equal_dersimonian_and_laird_by_hand() -> None:
    # three studies far enough apart for a between-study variance above zero
    y1, y2, y3 = 0.1, 0.9, 0.5
    v1, v2, v3 = 0.01, 0.04, 0.02
    w1, w2, w3 = 100.0, 25.0, 50.0
    fixed = (100 * 0.1 + 25 * 0.9 + 50 * 0.5) / 175
    q = w1 * (y1 - fixed) ** 2 + w2 * (y2 - fixed) ** 2 + w3 * (y3 - fixed) ** 2
    tau2 = (q - 2) / (175 - (100**2 + 25**2 + 50**2) / 175)
    assert tau2 > 0.1
    r1, r2, r3 = 1 / (v1 + tau2), 1 / (v2 + tau2), 1 / (v3 + tau2)
    mean = (r1 * y1 + r2 * y2 + r3 * y3) / (r1 + r2 + r3)
    spread = math.sqrt(1 / (r1 + r2 + r3) + tau2)
    found = random_effects([(y1, 0.1), (y2, 0.2), (y3, math.sqrt(0.02))], floor=0.0)
    assert found == pytest.approx((mean, spread))


def test_agreeing_studies_keep_the_floor() -> None:
    # two equal studies: Q is 0, so the floor is the between-study deviation
    mean, spread = random_effects([(0.4, 0.2), (0.4, 0.2)], floor=0.25)
    assert mean == pytest.approx(0.4)
    assert spread == pytest.approx(math.sqrt((0.2**2 + 0.25**2) / 2 + 0.25**2))


def test_a_larger_floor_pulls_the_weights_together() -> None:
    estimates = [(0.0, 0.05), (0.1, 0.5)]
    near, _ = random_effects(estimates, floor=0.0)
    even, _ = random_effects(estimates, floor=100.0)
    assert near == pytest.approx(0.1 / 0.25 / (1 / 0.0025 + 1 / 0.25))
    assert even == pytest.approx(0.05, abs=1e-3)


def test_a_log_ratio_reads_its_error_from_the_interval_and_shrinks_only_the_centre() -> None:
    odds = row(2.0, measure="odds_ratio", ci_low=1.0, ci_high=4.0)
    se = math.log(4) / (2 * 1.959964)
    wide = math.sqrt(se**2 + 2 * 0.2**2)
    assert derive("pooled_log_ratio", [odds], {"heterogeneity": "0.2"}) == pytest.approx((math.log(2), wide))
    shrunk = derive("pooled_log_ratio", [odds], {"heterogeneity": "0.2", "factor": "-0.5"})
    assert shrunk == pytest.approx((-0.5 * math.log(2), wide))
    assert derive("pooled_ratio", [odds], {"heterogeneity": "0.2"}) == pytest.approx((2.0, wide))


def test_a_rate_is_pooled_on_the_log_scale() -> None:
    rates = [row(1.0, measure="rate_per_100py"), row(4.0, measure="rate_per_100py")]
    centre, spread = derive("pooled_rate", rates, {"heterogeneity": "2", "factor": "3"})
    # equal weights: the geometric mean, times three; Q is far below what a floor of 2 would need
    assert centre == pytest.approx(3 * 2.0)
    assert spread == pytest.approx(math.sqrt((NO_SAMPLE_SIZE**2 + 4) / 2 + 4))


def test_ratio_of_values() -> None:
    assert derive("ratio_of_values", [row(5.0), row(12.0)], {"spread": "0.35"}) == (5 / 12, 0.35)
    with pytest.raises(ValueError, match="unpack"):
        derive("ratio_of_values", [row(5.0)], {})


def test_log_odds_between() -> None:
    centre, spread = derive("log_odds_between", [row(0.5, n=100), row(0.2, n=100)], {"heterogeneity": "0.2"})
    assert centre == pytest.approx(math.log(4))
    assert spread == pytest.approx(math.sqrt(1 / 25 + 1 / 16 + 0.04))
    half, same = derive("log_odds_between", [row(0.5, n=100), row(0.2, n=100)], {"heterogeneity": "0.2", "factor": "0.5"})
    assert half == pytest.approx(math.log(2))
    assert same == spread


def test_square_root_difference() -> None:
    assert derive("square_root_difference", [row(16.0)], {"against": "4", "spread": "0.3"}) == (2.0, 0.3)


def test_mean_difference() -> None:
    one = row(-0.42, measure="mean_difference", ci_low=-0.42 - 1.959964 * 0.1, ci_high=-0.42 + 1.959964 * 0.1)
    centre, spread = derive("mean_difference", [one], {"heterogeneity": "0.2", "factor": "2"})
    assert centre == pytest.approx(-0.84)
    assert spread == pytest.approx(math.sqrt(0.01 + 2 * 0.04))


def test_every_derivation_is_known_by_its_own_name() -> None:
    assert all(name == function.__name__ for name, function in DERIVATIONS.items())
    with pytest.raises(KeyError):
        derive("average", [row(0.5)], {})
