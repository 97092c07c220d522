"""The targets tables: every row of evidence has its place, no validation row is fitted to, and what does not fit is refused."""

from __future__ import annotations

from collections import Counter

import pytest

from refra.data.errors import RecordError
from refra.data.loading import evidence
from refra.data.tables import Row, read_csv
from refra.inference.calibration import reading
from refra.inference.calibration.reading import (
    TARGET_COLUMNS,
    between_study,
    build_gap,
    build_target,
    calibration_targets,
    gaps,
    nuisance,
    unexpressed,
    validation_targets,
)
from refra.inference.calibration.targets import COMPARED, MEASURES, SCALES

GOOD = {
    "evidence": "ada_adalimumab_12m_jani2015", "event": "ada_test: low_positive|high_positive", "population": "current_drug: adalimumab",
    "given": "", "versus": "", "versus_event": "", "scores": "", "setting": "routine", "weeks": "52", "n": "", "spread": "", "gap": "same",
    "note": "Usual assay.",
}  # fmt: skip
RATIO = {**GOOD, "evidence": "ada_or_mtx_low_krieckaert2012", "versus": "methotrexate: none"}
MEDIAN = {**GOOD, "evidence": "adalimumab_level_mtx_pouw2015", "event": "exposure", "scores": "1|4"}
MEAN = {**GOOD, "evidence": "fm_tjc28_gao2022", "event": "tjc28", "scores": "0.5|3.5|8|16"}


def row(base: dict[str, str], **fields: str) -> Row:
    return "data/targets/some.csv", 7, {**base, **fields}


def test_every_row_to_be_predicted_has_exactly_one_place() -> None:
    placed = Counter([*calibration_targets(), *validation_targets(), *unexpressed()])
    wanted = {identifier for identifier, source in evidence().items() if source.use in ("calibration", "validation")}
    assert set(placed) == wanted
    assert max(placed.values()) == 1


def test_no_validation_row_is_among_the_targets_or_behind_the_nuisance() -> None:
    assert {evidence()[identifier].use for identifier in calibration_targets()} == {"calibration"}
    assert {evidence()[identifier].use for identifier in validation_targets()} == {"validation"}
    quoted = [i for record in nuisance().values() for i in (*record.evidence_for, *record.evidence_against)]
    # What speaks of a nuisance parameter is among the targets; its prior may not use it a second time.
    assert not set(quoted) & set(calibration_targets())
    assert {evidence()[identifier].use for identifier in quoted} <= {"calibration"}


def test_there_are_enough_targets_of_every_kind() -> None:
    targets = calibration_targets().values()
    assert len(targets) >= 150
    assert {target.measure for target in targets} >= {
        "proportion",
        "odds_ratio",
        "risk_ratio",
        "hazard_ratio",
        "mean_difference",
        "sensitivity",
        "auc",
    }
    assert {target.setting for target in targets} == {"trial", "routine"}


def test_targets_carry_what_the_registry_prints() -> None:
    for identifier, target in {**calibration_targets(), **validation_targets()}.items():
        source = evidence()[identifier]
        assert (target.value, target.low, target.high, target.topic) == (source.value, source.ci_low, source.ci_high, source.topic)
        assert target.sd > 0
        assert target.gap_sd == gaps()[target.gap].sd
        assert target.tau == between_study()[source.design].sd
        assert len(target.groups) == (2 if target.measure in COMPARED else 1)


def test_a_comparator_differs_from_its_group() -> None:
    for target in (*calibration_targets().values(), *validation_targets().values()):
        if len(target.groups) == 2:
            assert target.groups[0] != target.groups[1], target.evidence


def test_a_row_becomes_a_question_in_its_population() -> None:
    target = build_target(row(GOOD))
    (asked,) = target.questions
    assert (asked.variable, asked.population, asked.setting) == ("ada_test", (("current_drug", (("adalimumab", 1.0),)),), "routine")
    assert target.groups[0].terms[0].weights == (0.0, 1.0, 1.0)
    assert (target.events, target.n) == (31, 125)


def test_the_comparator_has_the_parts_that_differ() -> None:
    own, other = build_target(row(RATIO, population="current_drug: adalimumab; methotrexate: low")).questions
    assert dict(own.population)["methotrexate"] == (("low", 1.0),)
    assert dict(other.population) == {**dict(own.population), "methotrexate": (("none", 1.0),)}


def test_a_number_given_replaces_the_study_size() -> None:
    target = build_target(row(GOOD, n="50"))
    assert (target.events, target.n) == (pytest.approx(0.248 * 50), 50)


def test_harms_over_years_know_their_period() -> None:
    assert calibration_targets()["sie_tofa5_oralsurv"].period == 4
    assert calibration_targets()["si_base_rate_rabbit"].period == 1


@pytest.mark.parametrize(
    ("base", "fields", "said"),
    [
        (GOOD, {"evidence": "no_such_row"}, "not in data/evidence/evidence.csv"),
        (GOOD, {"evidence": "ada_adalimumab_28wk_bartelds2007"}, "kept for validation; calibration is accepted"),
        (GOOD, {"evidence": "crp_histology_rho_orr2018"}, "is a correlation; accepted: proportion"),
        (GOOD, {"event": "ada_tests: negative"}, "event: unknown variable 'ada_tests'; did you mean 'ada_test'"),
        (GOOD, {"event": "ada_test: positive"}, "event: ada_test: unknown state 'positive'"),
        (GOOD, {"event": "ada_test"}, "event: 'ada_test'; accepted: variable: state"),
        (GOOD, {"population": "current_drug: adalimumab=0.5"}, "sum to 0.5; 1 is accepted"),
        (GOOD, {"population": "rf: negative"}, "rf has parents"),
        (GOOD, {"given": "sex: male"}, "belongs to the population"),
        (GOOD, {"given": "rf positive"}, "given: 'rf positive'"),
        (GOOD, {"versus": "methotrexate: none"}, "a proportion has none"),
        (RATIO, {"versus": ""}, "a odds_ratio needs a comparator"),
        (GOOD, {"setting": "register"}, "setting: 'register'; accepted: trial, routine"),
        (GOOD, {"gap": "wide"}, "gap: 'wide'; accepted: same, near, far"),
        (GOOD, {"weeks": "half a year"}, "weeks: 'half a year' is not a number"),
        (GOOD, {"n": "-3"}, "n: -3; a number above 0"),
        (GOOD, {"note": ""}, "note: empty"),
        (MEDIAN, {"scores": "4|1"}, "2 rising cut-offs above 0"),
        (MEDIAN, {"scores": "1"}, "2 rising cut-offs above 0"),
        (MEDIAN, {"scores": "one|two"}, "numbers with | between them"),
        (MEAN, {"scores": ""}, "needs a score for each state"),
        (MEAN, {"scores": "1|2"}, "one for each of its 4 states"),
    ],
)
def test_what_does_not_fit_is_refused_by_file_row_and_field(base: dict[str, str], fields: dict[str, str], said: str) -> None:
    with pytest.raises(RecordError) as refused:
        build_target(row(base, **fields))
    assert "data/targets/some.csv, line 7" in str(refused.value)
    assert said in str(refused.value)


def test_a_value_that_the_scale_does_not_hold_is_refused() -> None:
    with pytest.raises(RecordError, match="0 has no log"):
        build_target(row(MEDIAN, evidence="level_adahigh_bartelds2011"))


def test_good_examples_are_accepted() -> None:
    for base in (GOOD, RATIO, MEDIAN, MEAN):
        assert build_target(row(base, population="current_drug: adalimumab; methotrexate: full")).observed


def test_standard_deviations_need_a_number_and_a_reason() -> None:
    assert build_gap(("f.csv", 2, {"id": "same", "sd": "0.2", "rationale": "so"})).sd == 0.2
    for fields in ({"sd": "", "rationale": "so"}, {"sd": "0.2", "rationale": ""}, {"sd": "0", "rationale": "so"}):
        with pytest.raises(RecordError, match=r"f\.csv, line 2 \(same\)"):
            build_gap(("f.csv", 2, {"id": "same", **fields}))


def test_a_farther_gap_is_wider_and_every_design_has_a_scale() -> None:
    assert gaps()["same"].sd < gaps()["near"].sd < gaps()["far"].sd
    assert set(between_study()) >= {source.design for source in evidence().values() if source.use != "context"}


def test_a_row_that_stands_twice_is_refused() -> None:
    first = read_csv("targets", "targets.csv", columns=TARGET_COLUMNS)[0]
    with pytest.raises(RecordError, match="stands twice"):
        reading._once([first, first])


def test_the_measures_are_those_of_the_likelihoods() -> None:
    assert set(SCALES) == set(MEASURES)
    assert set(SCALES.values()) == {"logit", "log", "difference"}
