"""Leaving studies out by weights, against exact posteriors and against the integral done anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from refra import Patient
from refra.data.errors import FindingError, RecordError
from refra.data.fitted import fitted
from refra.inference.calibration.leaving_out import log_weights, shipped_freedom
from refra.inference.calibration.pointwise import checked, digest, pointwise, predictions_at
from refra.inference.calibration.reading import calibration_targets
from refra.inference.calibration.targets import Target
from refra.inference.patient_files import as_record, example_texts, parse_yaml
from refra.inference.sensitivity.case import case_of
from refra.inference.sensitivity.pareto import pareto_fit, smoothed
from refra.inference.sensitivity.probabilistic import psa
from refra.inference.sensitivity.studies import FEWEST, leave_out_studies


def example(name: str) -> Patient:
    return Patient.from_dict(as_record(parse_yaml(example_texts()[name], name), name))


def row(name: str, observed: float, sd: float, design: str = "rct", tau: float = 1e-6) -> Target:
    any_row = next(iter(calibration_targets().values()))
    return replace(any_row, evidence=name, study=name, design=design, observed=observed, sd=sd, gap_sd=0.0, tau=tau)


def test_weights_against_the_exact_posterior_of_a_normal_mean() -> None:
    rows = [row("a", 0.3, 0.5), row("b", 0.9, 0.8), row("c", -0.1, 0.6), row("d", 1.2, 1.0)]
    precision = np.array([1 / one.sd**2 for one in rows])
    observed = np.array([one.observed for one in rows])
    variance = 1 / (1 + precision.sum())
    random = np.random.default_rng(1)
    theta = variance * (precision @ observed) + np.sqrt(variance) * random.standard_normal(20_000)
    left_out = {"a": ("a",), "b": ("b",), "c and d": ("c", "d")}
    found = log_weights(np.tile(theta[:, None], (1, 4)), rows, left_out, np.inf)
    for ids, line in zip(left_out.values(), found, strict=True):
        kept = np.array([one.evidence not in ids for one in rows])
        exact = 1 / (1 + precision[kept].sum())
        weights = smoothed(line)
        mean = float(weights.values @ theta)
        error = np.sqrt(weights.values**2 @ (theta - mean) ** 2)
        assert mean == pytest.approx(exact * (precision[kept] @ observed[kept]), abs=4 * error)
        assert float(weights.values @ (theta - mean) ** 2) == pytest.approx(exact, rel=0.1)
        assert weights.k <= weights.most


def test_the_spread_between_studies_is_integrated_out() -> None:
    rows = [row("a", 0.3, 0.2, tau=0.3), row("b", 0.9, 0.3, tau=0.3), row("c", -0.4, 0.2, tau=0.3), row("d", 0.5, 0.4, "cohort", 0.5)]
    predictions = np.array([[0.2, 0.5, 0.1, 0.4], [1.0, 0.2, 0.3, 1.5], [0.0, 0.0, -0.3, 0.0]])
    found = log_weights(predictions, rows, {"a": ("a",), "b and d": ("b", "d")}, 5.0)

    def evidence(told: np.ndarray, kept: str) -> float:
        total = 1.0
        for design in ("rct", "cohort"):
            chosen = [i for i, one in enumerate(rows) if one.design == design and one.evidence in kept]
            scale = rows[0].tau if design == "rct" else rows[3].tau

            def density(tau: float, chosen: list[int] = chosen, scale: float = scale) -> float:
                each = [stats.t.pdf(rows[i].observed, 5, told[i], np.hypot(rows[i].sd, tau)) for i in chosen]
                return float(stats.halfnorm.pdf(tau, scale=scale) * np.prod(each))

            total *= integrate.quad(density, 0, 10 * scale)[0]
        return total

    for line, kept in zip(found, ("bcd", "ac"), strict=True):
        expected = np.array([np.log(evidence(told, kept) / evidence(told, "abcd")) for told in predictions])
        np.testing.assert_allclose(line - line[0], expected - expected[0], atol=1e-4)


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.9])
def test_the_shape_of_the_tail(shape: float) -> None:
    values = np.sort(stats.genpareto(shape, scale=2.0).rvs(5000, random_state=7))
    k, scale = pareto_fit(values)
    assert k == pytest.approx(shape, abs=0.06)
    assert scale == pytest.approx(2.0, rel=0.1)


def test_weights_that_cannot_be_trusted_say_so() -> None:
    random = np.random.default_rng(2)
    z = random.standard_normal(1000)
    # The ratio of a normal density with twice the spread to the standard one has a tail without variance.
    bad, good = smoothed(1.0 * z**2), smoothed(0.1 * z**2)
    assert bad.k > bad.most
    assert good.k < good.most
    assert good.effective > 900
    assert bad.effective < good.effective
    assert smoothed(np.zeros(1000)).effective == pytest.approx(1000)
    for weights in (bad, good):
        assert weights.values.sum() == pytest.approx(1)
        assert (np.diff(weights.values[np.argsort(z**2)]) >= 0).all()


def test_shipped_predictions_are_those_of_the_network() -> None:
    found = pointwise()
    chosen = list(calibration_targets().values())[::60]
    here = predictions_at(fitted(), chosen)
    places = [found.rows.index(one.evidence) for one in chosen]
    np.testing.assert_allclose(found.predictions[:, places], here, atol=1e-5)


def test_predictions_of_other_draws_or_rows_are_refused() -> None:
    found = pointwise()
    shape = found.predictions.shape
    with pytest.raises(RecordError, match=r"other draws.*pointwise"):
        checked(found, b"other", found.rows, len(fitted().deviates))
    own = replace(found, draws=digest(b"own"))
    assert checked(own, b"own", found.rows, shape[0]) is own
    with pytest.raises(RecordError, match="other rows"):
        checked(own, b"own", found.rows[::-1], shape[0])
    with pytest.raises(RecordError, match="shape"):
        checked(own, b"own", found.rows, shape[0] + 1)


@pytest.mark.parametrize("name", ["first_patient", "intolerant"])
def test_every_study_of_the_fit_is_left_out(name: str) -> None:
    patient = Patient.from_dict({"current_drug": "adalimumab", "response": "intolerant"}) if name == "intolerant" else example(name)
    found = leave_out_studies(patient)
    table = found.data
    assert set(table["study"]) == {"", *(one.study for one in calibration_targets().values())}
    assert table["rows"].sum() == len(calibration_targets())
    whole = psa(patient, draws=len(fitted().deviates)).data.set_index("option")
    first = table.iloc[0]
    assert first["option"] == whole["mean"].idxmax()
    assert first["p_best"] == pytest.approx(whole.loc[first["option"], "p_optimal"], abs=1e-12)
    means = whole["mean"].sort_values()
    assert first["lead"] == pytest.approx(means.iloc[-1] - means.iloc[-2], abs=1e-12)
    assert (table["option_changes"] == (table["option"] != first["option"])).all()
    assert (table.loc[table["trusted"], "effective_draws"] >= FEWEST).all()
    if name == "intolerant":
        assert (table["reason"] == "").all()
        assert not table["reason_changes"].any()
    else:
        assert table["p_reason"].between(0, 1).all()


def test_parameters_that_nobody_asks_about_stay_where_they_were() -> None:
    posterior = fitted()
    targets = tuple(calibration_targets().values())
    found = log_weights(pointwise().predictions, targets, {one.study: (one.evidence,) for one in targets[:20]}, shipped_freedom())
    alone = posterior.deviates[:, ~posterior.asked]
    for line in found:
        weights = smoothed(line)
        if weights.effective < FEWEST:
            continue
        moved = weights.values @ alone - alone.mean(axis=0)
        # Chance alone moves each by about sqrt(sum of squared differences of the weights) prior standard deviations.
        chance = np.sqrt(((weights.values - 1 / len(alone)) ** 2).sum())
        assert np.sqrt((moved**2).mean()) < 2.5 * chance


def test_only_the_fit_has_studies() -> None:
    case = case_of(example("first_patient"), basis="prior")
    with pytest.raises(FindingError, match="fitted"):
        leave_out_studies(case)
