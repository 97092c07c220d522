"""The numpy evaluator against `refra.query`, enumeration by hand, and arithmetic on the parameters."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest

from refra.data.fitted import fitted
from refra.data.loading import parameters
from refra.inference.calibration.checking import check
from refra.inference.calibration.evaluating import distinct, evaluate, models_of, settled, shipped_models
from refra.inference.calibration.questions import Question, question
from refra.inference.calibration.reading import calibration_targets, nuisance, validation_targets
from refra.inference.calibration.settings import MOVED
from refra.inference.calibration.validating import between_studies
from refra.inference.querying import query
from refra.model.draws import Draws, independent_draws, natural, shipped_draws
from refra.model.network import Model

CENTRAL = shipped_models(0)
ACTIVE = {"synovitis": {"moderate": 1.0, "high": 1.0}}


def answer(asked: Question) -> np.ndarray:
    return evaluate([asked], CENTRAL)[asked][0]


def by_query(variable: str, given: dict[str, Any]) -> np.ndarray:
    return query(variable, given, draws=0)["probability"].to_numpy()


def filled(variable: str, weights: dict[str, float]) -> dict[str, float]:
    return {state: weights.get(state, 0.0) for state in CENTRAL["trial"].states[variable]}


@pytest.mark.parametrize(
    ("variable", "population", "given"),
    [
        ("ada_test", {"current_drug": {"adalimumab": 1.0}, "methotrexate": {"none": 1.0}}, {}),
        ("drug_level", {"current_drug": {"infliximab": 1.0}}, {"target_met": {"no": 1.0}}),
        (
            "acr50_tnf_inhibitor",
            {"current_drug": {"none": 1.0}},
            {"earlier_tnf_inhibitor": {"never_worked": 1.0, "intolerant": 0.2}, **ACTIVE},
        ),
        ("fibromyalgia", {}, {"target_met": {"no": 1.0}, "tjc28": {"6-10": 0.5, "11+": 1.0}}),
        ("methotrexate", {"current_drug": {"adalimumab": 1.0}}, {"ada_test": {"high_positive": 1.0}}),
        ("sex", {"sex": {"male": 1.0}}, {}),
    ],
)
def test_the_evaluator_answers_what_query_answers(variable: str, population: dict[str, Any], given: dict[str, Any]) -> None:
    told = answer(question(variable, population, given))
    asked = {name: next(iter(states)) for name, states in population.items()}
    asked |= {name: filled(name, weights) for name, weights in given.items()}
    if variable not in asked:
        np.testing.assert_allclose(told, by_query(variable, asked), atol=1e-12)
    else:
        assert list(told) == [0.0, 1.0]


def test_a_state_that_is_set_cuts_its_arcs() -> None:
    asked = question("depression", do={"fibromyalgia": "yes"})
    assert asked != question("depression", given={"fibromyalgia": {"yes": 1.0}})
    expected = query("depression", do={"fibromyalgia": "yes"}, draws=0)["probability"].to_numpy()
    np.testing.assert_allclose(answer(asked), expected, atol=1e-12)
    assert answer(asked)[1] == pytest.approx(shipped_draws(0)["depression.prevalence"][0])


def enumerated(model: Model, wanted: str, priors: dict[str, list[float]], likelihoods: dict[str, list[float]]) -> np.ndarray:
    """The posterior by summing over every world of the ancestors, with the priors of some roots replaced."""
    names = [name for name in model.states if name in model.ancestors({wanted, *likelihoods})]
    total = np.zeros(model.card(wanted))
    for world in product(*(range(model.card(name)) for name in names)):
        at = dict(zip(names, world, strict=True))
        weight = 1.0
        for name in names:
            if name in priors:
                weight *= priors[name][at[name]]
            else:
                weight *= float(model.tables[name][(0, *(at[parent] for parent in model.parents[name]), at[name])])
            weight *= likelihoods[name][at[name]] if name in likelihoods else 1.0
        total[at[wanted]] += weight
    return total / total.sum()


def test_a_replaced_prior_agrees_with_enumeration() -> None:
    asked = question(
        "fibromyalgia",
        {"sex": {"female": 0.9, "male": 0.1}, "depression": {"yes": 0.4, "no": 0.6}, "disease_duration": {"<2": 1.0}},
        {"first_questionnaire": {">=5": 1.0}, "phq9": {"5-9": 0.5, "10-14": 1.0}},
    )
    expected = enumerated(
        CENTRAL["trial"],
        "fibromyalgia",
        {"sex": [0.9, 0.1], "depression": [0.6, 0.4], "disease_duration": [1, 0, 0]},
        {"first_questionnaire": [0, 1], "phq9": [0, 0.5, 1, 0]},
    )
    np.testing.assert_allclose(answer(asked), expected, atol=1e-12)
    plain = question("fibromyalgia", {}, {"first_questionnaire": {">=5": 1.0}})
    assert abs(answer(plain)[1] - expected[1]) > 0.01


def test_a_mix_of_drugs_agrees_with_enumeration() -> None:
    asked = question("red_flags", {"current_drug": {"adalimumab": 0.3, "rituximab": 0.7}})
    drugs = [0.3 if state == "adalimumab" else 0.7 if state == "rituximab" else 0.0 for state in CENTRAL["trial"].states["current_drug"]]
    np.testing.assert_allclose(answer(asked), enumerated(CENTRAL["trial"], "red_flags", {"current_drug": drugs}, {}), atol=1e-12)


def test_a_second_drug_of_a_class_speaks_once_more_about_coverage() -> None:
    twice = {"earlier_tnf_inhibitor": {"never_worked": 1.0}, "earlier_tnf_inhibitor_2": {"never_worked": 1.0}, **ACTIVE}
    told = answer(question("acr50_tnf_inhibitor", {"current_drug": {"none": 1.0}}, twice))
    model = CENTRAL["trial"]
    spoken = model.tables["earlier_tnf_inhibitor"][0, :, model.position("earlier_tnf_inhibitor", "never_worked")] ** 2
    known = {"current_drug": "none", "synovitis": filled("synovitis", ACTIVE["synovitis"])}
    known["covered_tnf_inhibitor"] = dict(zip(model.states["covered_tnf_inhibitor"], (float(p) for p in spoken), strict=True))
    np.testing.assert_allclose(told, by_query("acr50_tnf_inhibitor", known), atol=1e-12)


def test_routine_care_moves_the_contextual_response_on_the_log_odds_scale() -> None:
    centre = {name: float(shipped_draws(0)[name][0]) for name in parameters()}
    name = "setting.routine_contextual"
    shift = float(natural(nuisance()[name], np.array(fitted().centre(name))))
    contextual = centre["response.contextual"]
    moved = 1 / (1 + math.exp(-(math.log(contextual / (1 - contextual)) + shift)))
    for setting, c in (("trial", contextual), ("routine", moved)):
        asked = question("acr50_continue", given={"synovitis": {"moderate": 1.0}, "fibromyalgia": {"no": 1.0}}, setting=setting)
        expected = (1 - c) * centre["acr50.no_response"] + c * centre["acr50.moderate_or_high"]
        assert answer(asked)[1] == pytest.approx(expected, abs=1e-12)


def test_the_setting_is_dropped_where_it_cannot_be_heard() -> None:
    heard = question("lda_abatacept", setting="routine")
    assert settled(heard) == heard
    assert settled(question("ada", given={"lda_abatacept": {"yes": 1.0}}, setting="routine")).setting == "routine"
    assert settled(question("ada", setting="routine")) == question("ada")


def test_every_parameter_set_is_answered_and_the_centre_comes_first() -> None:
    draws = independent_draws(parameters(), 3, seed=1)
    models = models_of(Draws({**draws.values, **dict.fromkeys(MOVED.values(), np.zeros(4))}, 4))
    asked = question("acr50_abatacept", {"current_drug": {"none": 0.5, "adalimumab": 0.5}}, ACTIVE, setting="routine")
    told = evaluate([asked], models)[asked]
    assert told.shape == (4, 2)
    np.testing.assert_allclose(told.sum(axis=1), 1)
    # Without a shift the settings are the same network.
    trial = question("acr50_abatacept", {"current_drug": {"none": 0.5, "adalimumab": 0.5}}, ACTIVE)
    np.testing.assert_allclose(told, evaluate([trial], models)[trial], atol=1e-12)
    centre = evaluate([trial], shipped_models(0, basis="prior"))[trial]
    np.testing.assert_allclose(told[0], centre[0], atol=1e-12)


def test_every_target_can_be_predicted() -> None:
    chosen = (*calibration_targets().values(), *validation_targets().values())
    assert len(distinct(chosen)) < sum(len(target.questions) for target in chosen)
    rows = check(chosen, CENTRAL, between_studies("prior")).rows
    assert list(rows["evidence"]) == [target.evidence for target in chosen]
    assert rows["z"].map(math.isfinite).all()
    assert (rows["published_low"] <= rows["published_high"]).all()
    # One parameter set has no spread.
    assert (rows["prediction_low"] == rows["prediction"]).all()
    assert (rows["prediction_high"] == rows["prediction"]).all()


def test_a_prediction_is_in_the_published_unit() -> None:
    target = calibration_targets()["phq9_sens_ra_hitchon2020"]
    (row,) = check([target], CENTRAL, {target.design: 0.0}).rows.to_dict(orient="records")
    sensitivity = float(shipped_draws(0)["phq9.sensitivity"][0])
    assert row["prediction"] == pytest.approx(sensitivity)
    distance = math.log(sensitivity / (1 - sensitivity)) - target.observed
    assert row["z"] == pytest.approx(distance / math.hypot(target.sd, target.gap_sd))
