"""The value of information against closed forms, nested Monte Carlo and its own order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from refra import Patient
from refra.data.errors import FindingError, UnknownNameError
from refra.data.loading import parameters
from refra.inference.patient_files import as_record, example_texts, parse_yaml
from refra.inference.sensitivity.designs import Design, study
from refra.inference.sensitivity.groups import GROUPINGS, groups_of
from refra.inference.sensitivity.information import evpi, evppi
from refra.inference.sensitivity.information_rank import info_rank
from refra.inference.sensitivity.probabilistic import Psa, psa
from refra.inference.sensitivity.regression import gain, gain_of, standard_error
from refra.inference.sensitivity.sampling import evsi, means_after

DRAWS = 4000


def example(name: str) -> Patient:
    return Patient.from_dict(as_record(parse_yaml(example_texts()[name], name), name))


@pytest.fixture(scope="module")
def analysis() -> Psa:
    return psa(example("first_patient"), draws=400, basis="prior")


def unit_loss(mean: float, sd: float) -> float:
    """Return E[max(0, Y)] - max(0, E[Y]) for a normal Y."""
    ratio = mean / sd
    return float(sd * stats.norm.pdf(ratio) + mean * stats.norm.cdf(ratio) - max(mean, 0.0))


MEAN, SLOPES = 0.3, np.array([1.0, 0.6, 0.4, 0.2, 0.0])


def normal_linear(seed: int, correlation: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return deviates, slopes and utilities of a choice between nothing and MEAN + SLOPES . x."""
    random = np.random.default_rng(seed)
    covariance = np.full((5, 5), correlation) + (1 - correlation) * np.eye(5)
    x = random.multivariate_normal(np.zeros(5), covariance, size=DRAWS)
    return x, np.column_stack([np.zeros(5), SLOPES]), np.column_stack([np.zeros(DRAWS), MEAN + x @ SLOPES])


def test_evpi_of_two_normal_options() -> None:
    _, _, utility = normal_linear(1)
    expected = unit_loss(MEAN, float(np.sqrt((SLOPES**2).sum())))
    assert float(gain(utility)) == pytest.approx(expected, abs=3 * standard_error(utility, utility))


@pytest.mark.parametrize("members", [[0], [1], [0, 1], [1, 2, 3], [0, 1, 2, 3, 4]])
def test_evppi_of_two_normal_options(members: list[int]) -> None:
    x, slopes, utility = normal_linear(2)
    found = gain_of(x[:, members], slopes[members], utility, seed=3)
    expected = unit_loss(MEAN, float(np.sqrt((SLOPES[members] ** 2).sum())))
    assert found.value == pytest.approx(expected, abs=3 * found.error)
    assert found.distinguishable


def test_a_parameter_without_effect_is_not_told_from_noise() -> None:
    for seed in range(5):
        x, slopes, utility = normal_linear(seed)
        found = gain_of(x[:, [4]], slopes[[4]], utility, seed)
        assert not found.distinguishable
        assert found.value < 0.005


def test_a_single_parameter_speaks_for_those_it_goes_with() -> None:
    x, slopes, utility = normal_linear(4, correlation=0.5)
    found = gain_of(x[:, [4]], slopes[[4]], utility, seed=1)
    # E[U | x5] = MEAN + 0.5 x5 x the sum of the other slopes.
    assert found.value == pytest.approx(unit_loss(MEAN, 0.5 * SLOPES.sum()), abs=3 * found.error)


def test_order_of_options_does_not_matter() -> None:
    random = np.random.default_rng(5)
    x, slopes = random.standard_normal((500, 6)), random.standard_normal((6, 4))
    utility = x @ slopes + random.standard_normal((500, 4))
    order = [2, 0, 3, 1]
    one, other = gain_of(x[:, :3], slopes[:3], utility, 7), gain_of(x[:, :3], slopes[:3][:, order], utility[:, order], 7)
    assert one.value == pytest.approx(other.value, rel=1e-12)
    assert one.floor == pytest.approx(other.floor, rel=1e-12)
    assert one.error == pytest.approx(other.error, rel=1e-12)


def net_utility(prevalence: np.ndarray, sensitivity: np.ndarray, specificity: np.ndarray, effect: np.ndarray) -> np.ndarray:
    """Return the utility of treating a patient with a positive test in the network disease -> test, effect on the ill, at a cost."""
    ill = prevalence * sensitivity
    return np.asarray(effect * ill / (ill + (1 - prevalence) * (1 - specificity)) - 0.5)


def small_network(z: np.ndarray) -> np.ndarray:
    """Return the utilities (..., 2) of doing nothing and of treating at deviates (..., 4)."""
    centres, spreads = np.array([-0.5, 1.5, 0.8]), np.array([0.5, 0.6, 0.7])
    shares = 1 / (1 + np.exp(-(centres + spreads * z[..., :3])))
    treated = net_utility(shares[..., 0], shares[..., 1], shares[..., 2], np.exp(-0.2 + 0.4 * z[..., 3]))
    return np.stack([np.zeros_like(treated), treated], axis=-1)


@pytest.mark.parametrize("members", [[0], [3], [0, 2], [0, 1, 2]])
def test_evppi_of_a_small_network_against_nested_monte_carlo(members: list[int]) -> None:
    random = np.random.default_rng(6)
    outer, inner = 2000, 1000
    z = random.standard_normal((inner, 4))
    known = random.standard_normal((outer, len(members)))
    means = np.empty((outer, 2))
    for row in range(outer):
        z[:, members] = known[row]
        means[row] = small_network(z).mean(axis=0)
    nested, nested_error = float(gain(means)), standard_error(means, means)
    sets = random.standard_normal((2000, 4))
    slopes = np.stack([small_network(0.01 * row) - small_network(-0.01 * row) for row in np.eye(4)]) / 0.02
    found = gain_of(sets[:, members], slopes[members], small_network(sets), seed=1)
    assert found.value == pytest.approx(nested, abs=3 * math.hypot(found.error, nested_error))
    assert found.value > 0.003


def test_repeated_sets_do_not_count_twice() -> None:
    random = np.random.default_rng(8)
    x, noise = random.standard_normal((100, 1)), random.standard_normal((100, 2))
    once = gain_of(x, np.zeros((1, 2)), noise, 1)
    twice = gain_of(np.tile(x, (2, 1)), np.zeros((1, 2)), np.tile(noise, (2, 1)), 1, inflation=2.0)
    assert twice.value == pytest.approx(once.value, rel=0.1)
    assert twice.error == pytest.approx(once.error, rel=0.01)


def test_evsi_of_two_normal_options() -> None:
    record = parameters()["patient_global.fibromyalgia"]
    random = np.random.default_rng(9)
    values = 24 + 5 * random.standard_normal(2000)
    uniform = (random.permutation(2000) + 0.5) / 2000
    utility = np.column_stack([np.zeros(2000), 0.02 * (values - 26)])
    for n, sd, groups in ((10, 20.0, 1), (40, 20.0, 2), (100_000, 20.0, 1)):
        found = study(record, values, n, Design(sd=sd, groups=groups), uniform)
        error = groups * sd / math.sqrt(n)
        shrunk = 0.02 * 5 * math.sqrt(25 / (25 + error**2))
        assert float(gain(means_after(utility, found.log_likelihood))) == pytest.approx(unit_loss(-0.04, shrunk), rel=0.1)


def test_evsi_of_a_probability_against_the_beta_binomial_sum() -> None:
    a, b, n, cost = 4.0, 6.0, 12, 0.42
    record = parameters()["fibromyalgia.prevalence"]
    random = np.random.default_rng(10)
    values = random.beta(a, b, 2500)
    found = study(record, values, n, Design(), (random.permutation(2500) + 0.5) / 2500)
    utility = np.column_stack([np.zeros(2500), values - cost])
    events = np.arange(n + 1)
    posterior = (a + events) / (a + b + n) - cost
    expected = float(stats.betabinom(n, a, b).pmf(events) @ np.maximum(posterior, 0)) - max(a / (a + b) - cost, 0)
    assert float(gain(means_after(utility, found.log_likelihood))) == pytest.approx(expected, rel=0.12)


def test_evsi_of_a_rate_against_the_gamma_poisson_sum() -> None:
    shape, scale, n, cost = 5.0, 0.4, 150, 2.2
    record = parameters()["serious_infection.base"]
    assert record.unit == "per 100 patient-years"
    random = np.random.default_rng(11)
    values = random.gamma(shape, scale, 2500)
    found = study(record, values, n, Design(), (random.permutation(2500) + 0.5) / 2500)
    utility = np.column_stack([np.zeros(2500), values - cost])
    events, years = np.arange(60), n / 100
    chance = stats.nbinom(shape, 1 / (1 + scale * years)).pmf(events)
    posterior = (shape + events) / (1 / scale + years) - cost
    expected = float(chance @ np.maximum(posterior, 0)) - max(shape * scale - cost, 0)
    assert float(gain(means_after(utility, found.log_likelihood))) == pytest.approx(expected, rel=0.12)


def test_what_other_studies_find_has_the_error_of_their_formula() -> None:
    uniform = (np.random.default_rng(12).permutation(1000) + 0.5) / 1000
    ratio = next(one for one in parameters().values() if one.kind == "log_odds_ratio")
    found = study(ratio, np.full(1000, math.log(2)), 200, Design(base_rate=0.5), uniform)
    # Odds of 1 and of 2: 1 / (100 x 1/4) + 1 / (100 x 2/9).
    assert found.summary.std() == pytest.approx(math.sqrt(0.04 + 0.045), rel=0.01)
    assert found.summary.mean() == pytest.approx(math.log(2), abs=1e-6)
    middle = study(parameters()["crp.median_high"], np.full(1000, 12.0), 100, Design(sd=0.8), uniform)
    assert middle.summary.std() == pytest.approx(0.08 * math.sqrt(math.pi / 2), rel=0.01)
    assert middle.summary.mean() == pytest.approx(math.log(12), abs=1e-6)


def test_value_of_information_is_in_order(analysis: Psa) -> None:
    everything = evpi(analysis)
    for by in GROUPINGS:
        table = evppi(analysis, by).data
        assert (table["evppi"] >= 0).all()
        assert (table["evppi"] <= everything.value + 3 * table["standard_error"]).all()
        assert table["parameters"].sum() == len(parameters())
    name = "utility.pain_relief"
    curve = evsi(analysis, name, (5, 50, 500, 1_000_000), Design(sd=0.2))
    values = curve.data["evsi"].to_numpy()
    assert values[0] >= 0
    assert (np.diff(values) > 0).all()
    assert values[-1] == pytest.approx(curve.perfect.value, rel=0.01)
    assert curve.perfect.value == evppi(analysis, [name]).data["evppi"].iloc[0]


def test_information_rank_is_evppi_one_by_one(analysis: Psa) -> None:
    table = info_rank(analysis).data
    assert sorted(table["parameter"]) == sorted(parameters())
    assert table["evppi"].is_monotonic_decreasing
    assert (table["rank"] == np.arange(1, len(table) + 1)).all()
    assert table["noise_floor"].nunique() == 1
    first = table.iloc[0]
    assert first["evppi"] == evppi(analysis, {"it": [first["parameter"]]}).data["evppi"].iloc[0]
    assert first["share_of_evpi"] == pytest.approx(first["evppi"] / evpi(analysis).value)
    # Of many hundred numbers at most a few can rise above what shuffled ones show; those that no table of this patient needs do not.
    needless = table[table["parameter"].str.startswith("msrc.")]
    assert not needless["distinguishable"].any()


def test_the_same_seed_gives_the_same_numbers() -> None:
    patient = example("first_patient")
    one, other, third = (psa(patient, draws=60, seed=seed, basis="prior") for seed in (3, 3, 4))
    assert one.data.equals(other.data)
    assert evppi(one).data.equals(evppi(other).data)
    assert not one.data.equals(third.data)


def test_groups_are_read_off_the_records() -> None:
    stages = groups_of("stage")
    assert all(parameters()[name].node == "utility" for name in stages["utility"])
    assert "tjc28.median_high" in stages["pain, findings"]
    assert set(groups_of("status")) == {"measured", "pooled", "derived", "judgement"}
    with pytest.raises(UnknownNameError, match="stage"):
        groups_of("stages")
    with pytest.raises(UnknownNameError, match=r"utility\.mace"):
        groups_of(["utility.macee"])
    with pytest.raises(FindingError, match="at least one"):
        groups_of({"none": []})


@pytest.mark.parametrize(
    ("parameter", "n", "design", "said"),
    [
        ("sex.prior.female", 100, None, "weight"),
        ("utility.mace", 100, None, r"Design\(sd=...\)"),
        ("fibromyalgia.prevalence", 1, None, "at least 2"),
        ("fibromyalgia.prevalence", (), None, "at least one"),
        ("fibromyalgia.prevalance", 100, None, "fibromyalgia.prevalence"),
        ("response.smoking", 100, Design(sd=1.0), r"Design\(base_rate=...\)"),
    ],
)
def test_studies_that_cannot_be_are_refused(analysis: Psa, parameter: str, n: int, design: Design | None, said: str) -> None:
    with pytest.raises((FindingError, UnknownNameError), match=said):
        evsi(analysis, parameter, n, design)


@pytest.mark.parametrize("given", [{"base_rate": 1.0}, {"sd": 0.0}, {"groups": 3}])
def test_designs_that_cannot_be_are_refused(given: dict[str, float]) -> None:
    with pytest.raises(FindingError, match=next(iter(given))):
        Design(**given)
