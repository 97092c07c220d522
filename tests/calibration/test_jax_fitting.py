"""The density beside the numpy evaluator and central differences, and the sampler beside a posterior known in closed form."""

from __future__ import annotations

import dataclasses
import math

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from refra.data.errors import RefraError
from refra.data.loading import parameters
from refra.inference.calibration.evaluating import evaluate, models_of, settled
from refra.inference.calibration.jax_density import Density
from refra.inference.calibration.jax_fitting import fit
from refra.inference.calibration.jax_likelihood import errors_of, log_density, shared_out
from refra.inference.calibration.jax_tables import Prior
from refra.inference.calibration.questions import question
from refra.inference.calibration.reading import calibration_targets, nuisance
from refra.inference.calibration.targets import Group, Target, Term, predicted
from refra.model.draws import Draws, natural

RECORDS = {**parameters(), **nuisance()}


def target(observed: float, sd: float, tau: float = 1e-6, evidence: str = "made_for_the_test") -> Target:
    """The share with depression, known on the log odds scale."""
    group = Group(((1.0, (Term(question("depression"), (0.0, 1.0)),)),))
    return Target(evidence, "", "proportion", "cohort", "", (group,), 0.5, None, None, observed, sd, "same", 0.0, tau)


@pytest.fixture(scope="module")
def one_of_each() -> list[Target]:
    by_measure: dict[str, Target] = {}
    for one in calibration_targets().values():
        by_measure.setdefault(one.measure, one)
    assert len(by_measure) > 5
    return list(by_measure.values())


def test_predictions_and_gradients_are_the_numpy_evaluators(one_of_each: list[Target]) -> None:
    prior = Prior.of(RECORDS)
    errors = errors_of(one_of_each)
    random = np.random.default_rng(2)
    z = 0.5 * random.standard_normal(len(RECORDS))
    tau = np.abs(random.standard_normal(len(errors.designs)))
    step = 1e-4

    def told(rows: np.ndarray) -> np.ndarray:
        values = {name: natural(record, rows[:, place]) for place, (name, record) in enumerate(RECORDS.items())}
        models = models_of(Draws(values, len(rows)))
        found = evaluate([each for one in one_of_each for each in one.questions], models)
        return np.stack([np.broadcast_to(predicted(one, found, np), (len(rows),)) for one in one_of_each], axis=1)

    with Density(one_of_each, errors, shared_out(one_of_each, 2), prior) as density:
        found = density.at(z, tau)
        predictions, slopes = density.slopes(z)
    wanted = told(z[None])[0]
    np.testing.assert_allclose(found.predictions, wanted, rtol=0, atol=1e-8)
    np.testing.assert_allclose(predictions, wanted, rtol=0, atol=1e-8)
    scale = np.hypot(errors.error, tau[errors.design_of])
    assert found.value == pytest.approx(stats.t.logpdf(errors.observed, errors.freedom, wanted, scale).sum(), abs=1e-7)
    moved = np.flatnonzero(np.abs(slopes).sum(axis=0) > 1e-3)
    chosen = random.choice(moved, 6, replace=False)
    rows = np.concatenate([z + step * np.eye(len(z))[chosen], z - step * np.eye(len(z))[chosen]])
    up, down = np.split(told(rows), 2)
    np.testing.assert_allclose(slopes[:, chosen].T, (up - down) / (2 * step), rtol=1e-5, atol=1e-6)
    by_prediction = np.array([stats.t.logpdf(errors.observed, errors.freedom, row, scale).sum() for row in np.concatenate([up, down])])
    above, below = np.split(by_prediction, 2)
    np.testing.assert_allclose(found.by_deviate[chosen], (above - below) / (2 * step), rtol=1e-4, atol=1e-5)
    nudged = [stats.t.logpdf(errors.observed, errors.freedom, wanted, np.hypot(errors.error, t[errors.design_of])).sum()
              for t in np.concatenate([tau + 1e-6 * np.eye(len(tau)), tau - 1e-6 * np.eye(len(tau))])]  # fmt: skip
    above, below = np.split(np.array(nudged), 2)
    np.testing.assert_allclose(found.by_tau, (above - below) / 2e-6, rtol=1e-4, atol=1e-5)


def test_the_scale_adds_variances_and_the_density_may_be_normal() -> None:
    first = dataclasses.replace(target(0.0, 0.3), gap_sd=0.4, tau=0.2)
    errors = errors_of([first, dataclasses.replace(first, design="rct", tau=0.1)], math.inf)
    assert errors.designs == ("cohort", "rct")
    assert errors.tau_scales.tolist() == [0.2, 0.1]
    tau = jnp.asarray([1.2, 0.0])
    assert errors.scale(tau).tolist() == pytest.approx([1.3, 0.5])
    told = np.array([0.7, -0.4])
    assert float(log_density(errors, jnp.asarray(told), tau)) == pytest.approx(stats.norm.logpdf(0.0, told, [1.3, 0.5]).sum())


def test_what_is_refused() -> None:
    with pytest.raises(RefraError, match="no targets"):
        errors_of([])
    with pytest.raises(RefraError, match=r"cohort has the scales 0\.2 and 0\.3"):
        errors_of([target(0.0, 0.3, 0.2), target(0.0, 0.3, 0.3)])


def test_every_question_is_dealt_out_once(one_of_each: list[Target]) -> None:
    shares = shared_out(one_of_each, 3)
    assert len(shares) == 3
    dealt = [each for share in shares for each in share]
    assert len(dealt) == len(set(dealt))
    assert set(dealt) == {settled(each) for one in one_of_each for each in one.questions}


def test_draws_are_those_of_the_posterior_in_closed_form() -> None:
    # log odds ~ N(m, s^2) and an observation with standard deviation e: normal with weights s^2 and e^2.
    record = RECORDS["depression.prevalence"]
    m, s, e = math.log(record.centre / (1 - record.centre)), record.spread, 0.25
    observed = m + 0.6
    names = ("depression.prevalence", "sex.prior.female", "fibromyalgia.depression")
    prior = Prior.of({name: RECORDS[name] for name in names})
    posterior, mode = fit([target(observed, e)], prior, seed=1, chains=2, warmup=200, draws=1000, processes=1, freedom=math.inf)
    assert posterior.z.shape == (2, 1000, 3)
    mean, sd = s * (observed - m) / (s**2 + e**2), e / math.sqrt(s**2 + e**2)
    assert mode.z == pytest.approx([mean, 0, 0], abs=1e-3)
    np.testing.assert_allclose(mode.spread @ mode.spread.T, np.diag([sd**2, 1, 1]), rtol=1e-3)
    z = posterior.z.reshape(-1, 3)
    # Monte Carlo errors: five standard errors at the effective sample size that is asserted.
    assert posterior.effective.min() > 400
    assert z[:, 0].mean() == pytest.approx(mean, abs=5 * sd / math.sqrt(400))
    assert z[:, 0].std() == pytest.approx(sd, rel=5 / math.sqrt(2 * 400))
    for untouched in (1, 2):
        assert z[:, untouched].mean() == pytest.approx(0.0, abs=5 / math.sqrt(400))
        assert z[:, untouched].std() == pytest.approx(1.0, rel=5 / math.sqrt(2 * 400))
    assert posterior.r_hat.max() < 1.05
    assert posterior.summary()["divergences"] == posterior.divergences
    values = posterior.values()
    assert set(values) == set(names)
    np.testing.assert_allclose(np.log(values["depression.prevalence"] / (1 - values["depression.prevalence"])), m + s * z[:, 0], rtol=1e-9)


def test_the_same_seed_gives_the_same_draws() -> None:
    prior = Prior.of({"depression.prevalence": RECORDS["depression.prevalence"]})
    made = [fit([target(0.0, 0.3, 0.2)], prior, seed=seed, chains=1, warmup=50, draws=20, processes=1)[0] for seed in (3, 3, 4)]
    np.testing.assert_array_equal(made[0].z, made[1].z)
    np.testing.assert_array_equal(made[0].tau, made[1].tau)
    assert not np.array_equal(made[0].z, made[2].z)
