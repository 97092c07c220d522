"""The likelihood beside the numpy evaluator, and the sampler beside a posterior known in closed form."""

from __future__ import annotations

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from refra.data.errors import RefraError
from refra.data.loading import parameters
from refra.inference.calibration.evaluating import evaluate, models_of
from refra.inference.calibration.jax_fitting import fit
from refra.inference.calibration.jax_likelihood import likelihood_of
from refra.inference.calibration.jax_tables import Prior
from refra.inference.calibration.questions import question
from refra.inference.calibration.reading import calibration_targets, nuisance
from refra.inference.calibration.targets import Group, Target, Term, predicted
from refra.model.assembly import shipped_model
from refra.model.draws import Draws, natural

RECORDS = {**parameters(), **nuisance()}


def target(observed: float, sd: float, tau: float = 1e-6, evidence: str = "made_for_the_test") -> Target:
    """The share with depression, known on the log odds scale."""
    group = Group(((1.0, (Term(question("depression"), (0.0, 1.0)),)),))
    return Target(evidence, "", "proportion", "cohort", "", (group,), 0.5, None, None, observed, sd, "same", 0.0, tau)


def test_predictions_equal_the_numpy_evaluators() -> None:
    by_measure: dict[str, Target] = {}
    for one in calibration_targets().values():
        by_measure.setdefault(one.measure, one)
    chosen = list(by_measure.values())
    assert len(chosen) > 5
    likelihood = likelihood_of(shipped_model(12), chosen)
    prior = Prior.of(RECORDS)
    z = np.random.default_rng(2).standard_normal((2, len(RECORDS)))
    values = {name: natural(record, z[:, place]) for place, (name, record) in enumerate(RECORDS.items())}
    asked = [each for one in chosen for each in one.questions]
    models = models_of(Draws({name: values[name] for name in parameters()}, 2), values["setting.routine_contextual"])
    told = evaluate(asked, models)
    predict = jax.jit(lambda row: likelihood.predictions(prior, row))
    for row in range(2):
        found = np.asarray(predict(jnp.asarray(z[row])))
        for place, one in enumerate(chosen):
            wanted = np.broadcast_to(predicted(one, told, np), (2,))[row]
            assert found[place] == pytest.approx(wanted, abs=1e-8), one.evidence


def test_spread_adds_variances() -> None:
    first = dataclasses.replace(target(0.0, 0.3), gap_sd=0.4, tau=0.2)
    likelihood = likelihood_of(shipped_model(3), [first, dataclasses.replace(first, design="rct", tau=0.1)])
    assert likelihood.designs == ("cohort", "rct")
    assert likelihood.tau_scales.tolist() == [0.2, 0.1]
    found = likelihood.spread(jnp.asarray([1.2, 0.0]))
    assert found.tolist() == pytest.approx([1.3, 0.5])


def test_what_is_refused() -> None:
    with pytest.raises(RefraError, match="no targets"):
        likelihood_of(shipped_model(3), [])
    with pytest.raises(RefraError, match=r"cohort has the scales 0\.2 and 0\.3"):
        likelihood_of(shipped_model(3), [target(0.0, 0.3, 0.2), target(0.0, 0.3, 0.3)])


def test_draws_are_those_of_the_posterior_in_closed_form() -> None:
    # log odds ~ N(m, s^2) and an observation with standard deviation e: normal with weights s^2 and e^2.
    record = RECORDS["depression.prevalence"]
    m, s, e = math.log(record.centre / (1 - record.centre)), record.spread, 0.25
    observed = m + 0.6
    names = ("depression.prevalence", "sex.prior.female", "fibromyalgia.depression")
    prior = Prior.of({name: RECORDS[name] for name in names})
    likelihood = likelihood_of(shipped_model(3), [target(observed, e)])
    posterior = fit(likelihood, prior, seed=1, chains=2, warmup=300, draws=1500)
    assert posterior.z.shape == (2, 1500, 3)
    mean, sd = s * (observed - m) / (s**2 + e**2), e / math.sqrt(s**2 + e**2)
    z = posterior.z.reshape(-1, 3)
    # Monte Carlo errors: five standard errors at the effective sample size that is asserted.
    assert posterior.effective.min() > 500
    assert z[:, 0].mean() == pytest.approx(mean, abs=5 * sd / math.sqrt(500))
    assert z[:, 0].std() == pytest.approx(sd, rel=5 / math.sqrt(2 * 500))
    for untouched in (1, 2):
        assert z[:, untouched].mean() == pytest.approx(0.0, abs=5 / math.sqrt(500))
        assert z[:, untouched].std() == pytest.approx(1.0, rel=5 / math.sqrt(2 * 500))
    assert posterior.r_hat.max() < 1.02
    assert posterior.summary()["divergences"] == posterior.divergences
    values = posterior.values()
    assert set(values) == set(names)
    np.testing.assert_allclose(np.log(values["depression.prevalence"] / (1 - values["depression.prevalence"])), m + s * z[:, 0], rtol=1e-9)


def test_the_same_seed_gives_the_same_draws() -> None:
    prior = Prior.of({"depression.prevalence": RECORDS["depression.prevalence"]})
    likelihood = likelihood_of(shipped_model(3), [target(0.0, 0.3, 0.2)])
    one, other, third = (fit(likelihood, prior, seed=seed, chains=1, warmup=100, draws=20) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.z, other.z)
    np.testing.assert_array_equal(one.tau, other.tau)
    assert not np.array_equal(one.z, third.z)
