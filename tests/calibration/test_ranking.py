"""Ranks and their tests against scipy, and simulated fits beside a posterior known in closed form."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from refra.data.loading import parameters
from refra.inference.calibration.jax_density import Density
from refra.inference.calibration.jax_fitting import Sampler
from refra.inference.calibration.jax_likelihood import errors_of, shared_out
from refra.inference.calibration.jax_ranking import drawn_values, parameters_read, rank, reduced_targets
from refra.inference.calibration.jax_tables import Prior
from refra.inference.calibration.questions import question
from refra.inference.calibration.ranking import chi_square, ecdf_statistic, expected_shares, histogram, rank_of, rank_table
from refra.inference.calibration.targets import Group, Target, Term

TAU = 1e-6


def target(sd: float = 0.25) -> Target:
    """The share with depression, known on the log odds scale."""
    group = Group(((1.0, (Term(question("depression"), (0.0, 1.0)),)),))
    return Target("made_for_the_test", "", "proportion", "cohort", "", (group,), 0.5, None, None, 0.0, sd, "same", 0.0, TAU)


def test_ranks_and_histograms_by_counting() -> None:
    draws = np.array([[0.0, 5.0], [1.0, 6.0], [2.0, 7.0]])
    assert rank_of(np.array([1.5, 4.0]), draws).tolist() == [2, 0]
    assert rank_of(np.array([9.0, 9.0]), draws).tolist() == [3, 3]
    # Twenty values in ten bins: two each; nineteen values of the rank leave the last bin with one.
    assert histogram(np.array([0, 1, 2, 19]), 19, 10).tolist() == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert expected_shares(19, 10).tolist() == pytest.approx([0.1] * 10)
    assert expected_shares(2, 2).tolist() == pytest.approx([2 / 3, 1 / 3])


def test_statistics_are_those_of_scipy() -> None:
    counts = np.array([[5, 9, 3, 8], [6, 6, 7, 6]])
    shares = np.array([0.2, 0.3, 0.25, 0.25])
    for row, found in zip(counts, chi_square(counts, shares), strict=True):
        assert found == pytest.approx(stats.chisquare(row, shares * 25).statistic)
    for row, found in zip(counts, ecdf_statistic(counts), strict=True):
        tails = [
            min(stats.binom.cdf(up, 25, (j + 1) / 4), stats.binom.sf(up - 1, 25, (j + 1) / 4)) for j, up in enumerate(row.cumsum()[:-1])
        ]
        assert found == pytest.approx(min(tails))


def test_even_ranks_pass_and_shifted_or_narrow_ones_do_not() -> None:
    random = np.random.default_rng(0)
    even = random.integers(0, 20, 200)
    low = np.minimum(random.integers(0, 20, 200), random.integers(0, 20, 200))
    # A posterior that is too narrow puts the truth at the ends.
    outer = np.where(random.random(200) < 0.4, random.choice([0, 19], 200), even)
    table = rank_table(("even", "low", "outer"), np.stack([even, low, outer], axis=1), 19).set_index("quantity")
    assert table.loc["even", ["p_chi_square", "p_ecdf"]].min() > 0.05
    assert table.loc[["low", "outer"], ["p_chi_square", "p_ecdf"]].max(axis=None) < 0.001
    assert table.loc["low", "mean_rank"] < 0.4
    assert table.filter(like="bin_").sum(axis=1).tolist() == [200, 200, 200]
    assert table.loc["even", "p_chi_square"] == pytest.approx(stats.chi2.sf(table.loc["even", "chi_square"], 9), abs=0.04)


def test_p_values_of_even_ranks_are_even() -> None:
    ranks = np.random.default_rng(1).integers(0, 20, (60, 300))
    table = rank_table([str(i) for i in range(300)], ranks, 19)
    for name in ("p_chi_square", "p_ecdf"):
        # Discrete p values are at most as often small as they say.
        for level in (0.05, 0.2, 0.5):
            assert (table[name] <= level).mean() <= level + 4 * math.sqrt(level * (1 - level) / 300)
        assert table[name].mean() == pytest.approx(0.5, abs=0.1)


def test_values_are_drawn_as_the_likelihood_has_it() -> None:
    errors = errors_of([target(0.3), target(0.4)], math.inf)
    random = np.random.default_rng(2)
    drawn = np.stack([drawn_values(errors, np.array([1.0, -1.0]), np.array([0.4]), random) for _ in range(4000)])
    assert drawn.mean(axis=0) == pytest.approx([1.0, -1.0], abs=0.05)
    assert drawn.std(axis=0) == pytest.approx([0.5, math.sqrt(0.32)], rel=0.06)
    heavy = dataclasses.replace(errors, freedom=5.0)
    tails = np.stack([drawn_values(heavy, np.zeros(2), np.array([0.4]), random) for _ in range(4000)]) / [0.5, math.sqrt(0.32)]
    assert stats.kstest(tails.ravel(), stats.t(5).cdf).pvalue > 0.001


def test_the_reduced_set_rests_on_the_parameters_of_adherence() -> None:
    chosen = reduced_targets()
    assert 8 <= len(chosen) <= 20
    read = parameters_read(chosen)
    assert len(read) <= 25
    assert {name.split(".")[0] for name in read} == {"age_group", "adherence", "refill_adherence", "reported_adherence"}
    assert parameters_read([target()]) == ("depression.prevalence",)


def test_true_values_rank_where_the_posterior_in_closed_form_has_them() -> None:
    replicates, draws, thinning, seed = 6, 400, 2, 7
    found = rank(replicates, targets=[target()], seed=seed, warmup=150, draws=draws, thinning=thinning, freedom=math.inf)
    assert list(found.table["quantity"]) == ["depression.prevalence", "between studies, cohort"]
    assert found.ranks.shape == (replicates, 2)
    assert found.draws == draws // thinning
    assert found.sampled == draws
    assert found.effective > 60
    record = parameters()["depression.prevalence"]
    m, s, e = math.log(record.centre / (1 - record.centre)), record.spread, 0.25
    for replicate in range(replicates):
        random = np.random.default_rng([seed, replicate])
        z, _, noise = (random.standard_normal(1)[0] for _ in range(3))
        observed = m + s * z + e * noise
        # The deviate z has the prior N(0, 1); m + s z is seen with error e.
        mean, sd = s * (observed - m) / (s**2 + e**2), e / math.sqrt(s**2 + e**2)
        wanted = stats.norm.cdf((z - mean) / sd)
        assert found.ranks[replicate, 0] / found.draws == pytest.approx(wanted, abs=5 * 0.5 / math.sqrt(60))


def test_one_sampler_serves_several_published_values() -> None:
    prior = Prior.of({"depression.prevalence": parameters()["depression.prevalence"]})
    errors = errors_of([target()])
    moved = dataclasses.replace(errors, observed=errors.observed - 1.5)
    with Density([target()], errors, shared_out([target()], 1), prior) as density:
        one = Sampler(density, prior, chains=1, warmup=30, draws=20)
        both = [one.sample(values, 5)[0].z for values in (errors, moved, errors)]
        alone = Sampler(density, prior, chains=1, warmup=30, draws=20).sample(moved, 5)[0].z
    np.testing.assert_array_equal(both[0], both[2])
    np.testing.assert_array_equal(both[1], alone)
    assert both[1].mean() < both[0].mean() - 0.5
