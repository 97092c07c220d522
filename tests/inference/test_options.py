"""Options: utility recomputed by hand, cautions, the rule for other disease, and how sure the order is."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from refra.data.errors import FindingError
from refra.inference.asking import Known, ask, log_probability
from refra.inference.assessment import Assessment, assess
from refra.inference.knowledge import CENTRAL, SHIPPED
from refra.inference.options import (
    Outlook,
    applicable_options,
    gate_probability,
    option_table,
    outlook,
    ranking_scores,
    too_close_to_call,
)
from refra.inference.patient import Patient
from refra.inference.preferences import Preferences
from refra.inference.situation import Situation, situation
from refra.model.assembly import central_model
from refra.model.draws import shipped_draws
from refra.model.drug_classes import CLASSES
from refra.model.harms import HARMS
from refra.model.outcomes import OPTIONS

PAINFUL = {"current_drug": "adalimumab", "tjc28": 14, "sjc28": 1, "crp": 3, "widespread_pain": "yes", "smoking": "never", "age": 44}
INFLAMED = {"current_drug": "etanercept", "response": "never", "sjc28": 9, "tjc28": 10, "crp": 30, "age": 70, "glucocorticoid": 10}
CRYSTALS = {"current_drug": "adalimumab", "red_flags": "crystals", "sjc28": 3, "crp": 40}
FIRST_DRUG = {"current_drug": "none", "sjc28": 8, "tjc28": 9, "crp": 25}


def place(**fields: Any) -> Situation:
    return situation(Patient(**fields))


def centre(name: str) -> float:
    return float(shipped_draws(0)[name][0])


def probability(found: Situation, *variables_: str) -> np.ndarray:
    return np.asarray(ask(central_model(), found.with_target_set, [variables_])[variables_][0])


def options(record: dict[str, Any], preferences: Preferences | None = None, language: str = "en") -> pd.DataFrame:
    """The table of options in the central network."""
    found = situation(Patient(**record))
    look = outlook(found, found.model(CENTRAL, 0, 0), shipped_draws(0), preferences or Preferences())
    return option_table(found, look, 0.95, language)


def gate_by_enumeration(found: Situation) -> float:
    """P(65 or over, ever smoked, or cardiovascular risk | record), world by world over the three roots."""
    model = central_model()
    total = gated = 0.0
    for age, smoking, risk in product(range(3), range(3), range(2)):
        world = {"age_group": age, "smoking": smoking, "cardiovascular_risk": risk}
        if any(found.known.hard.get(name, state) != state for name, state in world.items()):
            continue
        seen = {name: weights for name, weights in found.known.soft.items() if name not in world}
        p = float(np.exp(log_probability(model, Known({**found.known.hard, **world}, seen))[0]))
        for name in set(world) & set(found.known.soft):
            p *= found.known.soft[name][world[name]]
        total += p
        gated += p if age == 2 or smoking > 0 or risk == 1 else 0.0
    return gated / total


def row(table: pd.DataFrame, option: str) -> pd.Series:
    return table.set_index("id").loc[option]


@pytest.mark.parametrize("record", [PAINFUL, INFLAMED, CRYSTALS, FIRST_DRUG], ids=["painful", "inflamed", "crystals", "first drug"])
@pytest.mark.parametrize("weights", [{}, {"mace": 0.0, "low_disease_activity": 0.3, "regulator_gate": 0.2, "pain_relief": 0.5}])
def test_utility_by_hand(record: dict[str, Any], weights: dict[str, float]) -> None:
    found = place(**record)
    table = options(record, Preferences(weights=weights))

    def weight(name: str) -> float:
        return weights.get(name, centre(f"utility.{name}"))

    costs = {"support_adherence": "adherence_support", "optimise_exposure": "optimisation", "treat_noninflammatory": "noninflammatory_care"}
    no_source = probability(found, "pain_source", "other_disease_active")[0, 0]
    for _, line in table.iterrows():
        expected = weight("low_disease_activity") * line["lda"]
        for harm in HARMS:
            expected -= weight(harm) * line[harm]
        if line["id"] in CLASSES:
            expected -= weight("change_of_drug")
        if line["id"] in costs:
            expected -= weight(costs[line["id"]])
        if line["id"] == "treat_noninflammatory":
            expected += (1 - no_source) * centre("treat_noninflammatory.relief") * weight("pain_relief")
        if line["id"] == "jak_inhibitor":
            expected -= gate_by_enumeration(found) * weight("regulator_gate")
        assert line["utility"] == pytest.approx(expected, abs=1e-10), line["id"]


def test_columns_are_posteriors_of_the_network() -> None:
    found = place(**PAINFUL)
    table = options(PAINFUL)
    for _, line in table.iterrows():
        assert line["lda"] == pytest.approx(probability(found, f"lda_{line['id']}")[1], abs=1e-10)
        assert line["acr50"] == pytest.approx(probability(found, f"acr50_{line['id']}")[1], abs=1e-10)
        # What is added to the current drug has the current drug's harms.
        own = line["id"] if line["id"] in CLASSES else "continue"
        for harm in HARMS:
            assert line[harm] == pytest.approx(probability(found, f"{harm}_{own}")[1], abs=1e-10)


def test_a_target_known_to_be_missed_or_met_is_set_for_the_future_not_conditioned_on() -> None:
    quiet = {"current_drug": "adalimumab", "sjc28": 0, "tjc28": 0, "patient_global": 5, "physician_global": 5}
    for record, state in ((quiet, 1), ({**quiet, "tjc28": 15}, 0)):
        found = place(**record)
        known = Known(found.record.hard, found.record.soft, {"target_met": state})
        expected = ask(central_model(), known, ["lda_continue"])["lda_continue"][0, 1]
        assert row(options(record), "continue")["lda"] == pytest.approx(expected, abs=1e-10)
    assert row(options(quiet), "continue")["lda"] > 0.7


# Which options there are


def test_options_on_the_current_drug_need_one() -> None:
    assert applicable_options(place(**PAINFUL), Preferences()) == OPTIONS
    first = applicable_options(place(**FIRST_DRUG), Preferences())
    assert set(OPTIONS) - set(first) == {"support_adherence", "optimise_exposure"}
    assert set(options(FIRST_DRUG)["id"]) == set(first)


def test_unavailable_options_vanish_and_change_nothing_else() -> None:
    gone = ("jak_inhibitor", "treat_noninflammatory", "optimise_exposure")
    whole = options(PAINFUL).set_index("id")
    rest = options(PAINFUL, Preferences(unavailable=gone)).set_index("id")
    assert set(rest.index) == set(OPTIONS) - set(gone)
    columns = ["lda", "acr50", "utility", *HARMS]
    pd.testing.assert_frame_equal(rest[columns], whole.loc[rest.index, columns])
    assert list(rest.index) == [name for name in whole.index if name not in gone]


def test_at_least_one_option_must_be_left() -> None:
    with pytest.raises(FindingError, match="no option is left"):
        assess(PAINFUL, Preferences(unavailable=OPTIONS), draws=0)
    only = assess(PAINFUL, Preferences(unavailable=OPTIONS[1:]), draws=0)
    assert list(only.options["id"]) == ["continue"]
    assert only.too_close_to_call == ()


def test_weights_move_the_order() -> None:
    strict = options(INFLAMED, Preferences(weights={"change_of_drug": 5.0}))
    assert set(strict["id"].iloc[-len(CLASSES) :]) == set(CLASSES)
    eager = options(INFLAMED, Preferences(weights={**dict.fromkeys(HARMS, 0.0), "low_disease_activity": 5.0}))
    assert eager["id"].iloc[0] == eager.sort_values("lda", ascending=False)["id"].iloc[0]


# Another disease comes first


def test_every_class_ranks_below_treating_another_disease_and_says_so() -> None:
    found = place(**CRYSTALS)
    other = probability(found, "other_disease_active")[1]
    assert other > 0.2
    table = options(CRYSTALS)
    order = list(table["id"])
    assert all(order.index(name) > order.index("treat_noninflammatory") for name in CLASSES)
    # Only classes are held back: what is added to the current drug stays in place.
    assert order[-len(CLASSES) :] == sorted(CLASSES, key=order.index)
    for name in CLASSES:
        assert any(f"probability {other:.2f}): exclude it first" in caution for caution in row(table, name)["cautions"])
    for name in ("continue", "treat_noninflammatory"):
        assert not any("exclude it first" in caution for caution in row(table, name)["cautions"])


def test_below_the_limit_nothing_is_held_back() -> None:
    assert probability(place(**INFLAMED), "other_disease_active")[1] < 0.2
    table = options(INFLAMED)
    assert table["utility"].is_monotonic_decreasing
    assert not any("exclude" in caution for cautions in table["cautions"] for caution in cautions)


def hypothetical(other: list[float]) -> Outlook:
    size = len(other)
    utility = {"continue": np.zeros(size), "abatacept": np.full(size, 0.5), "treat_noninflammatory": np.full(size, -0.5)}
    zero = np.zeros(size)
    return Outlook(tuple(utility), {}, {}, {}, zero, np.array(other), zero, utility)


def test_the_rule_holds_in_each_parameter_set_for_itself_above_a_fifth() -> None:
    scores = ranking_scores(hypothetical([0.2, 0.21, 0.9]))
    assert scores[0].tolist() == [0.0, 0.5, -0.5]
    assert scores[1].argmin() == scores[2].argmin() == 1
    assert scores[1, [0, 2]].tolist() == [0.0, -0.5]


# The regulators' gate


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"smoking": "never"},
        {"age": 40, "smoking": "never"},
        {"esr": 80, "response": "never", "drug_level": "low"},
        {"smoking": {"never": 1.0, "past": 0.4, "current": 0.1}},
    ],
)
def test_gate_probability_by_enumeration(fields: dict[str, Any]) -> None:
    found = place(current_drug="adalimumab", sjc28=6, **fields)
    model = found.model(CENTRAL, 0, 0)
    gated = gate_probability(found, model, found.inside(model))
    assert gated[0] == pytest.approx(gate_by_enumeration(found), abs=1e-10)
    assert 0 < gated[0] < 1


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"age": 65}, 1.0),
        ({"smoking": "past"}, 1.0),
        ({"cardiovascular_risk": "yes"}, 1.0),
        ({"age": 64, "smoking": "never", "cardiovascular_risk": "no"}, 0.0),
        ({"age": 64, "smoking": "current", "cardiovascular_risk": "no"}, 1.0),
    ],
)
def test_gate_is_certain_where_the_record_says_so(fields: dict[str, Any], expected: float) -> None:
    found = place(current_drug="adalimumab", **fields)
    model = found.model(CENTRAL, 0, 0)
    assert gate_probability(found, model, found.inside(model)).tolist() == [expected]


# Cautions


def cautions(option: str, **fields: Any) -> str:
    return " | ".join(row(options({"current_drug": "adalimumab", "sjc28": 6, **fields}), option)["cautions"])


def test_cautions_follow_the_record() -> None:
    assert "regulators advise a JAK inhibitor only without" in cautions("jak_inhibitor", age=70)
    assert "not all recorded (probability" in cautions("jak_inhibitor", smoking="never")
    assert "regulators" not in cautions("jak_inhibitor", age=40, smoking="never", cardiovascular_risk="no")
    assert "regulators" not in cautions("abatacept", age=70)
    assert "immunoglobulins" in cautions("rituximab", prior_serious_infection="yes")
    assert "immunoglobulins" not in cautions("rituximab", prior_serious_infection="no")
    assert "immunoglobulins" not in cautions("abatacept", prior_serious_infection="yes")
    assert "taper" in cautions("abatacept", glucocorticoid=7.5)
    assert "taper" not in cautions("abatacept", glucocorticoid=7.4)
    assert "taper" not in cautions("continue", glucocorticoid=7.5)
    assert "perforation" in cautions("il6r_inhibitor")
    assert "already in use" in cautions("tnf_inhibitor")
    assert "already in use" not in cautions("abatacept")
    for option in ("support_adherence", "optimise_exposure", "treat_noninflammatory"):
        assert "may be combined" in cautions(option)
    assert cautions("continue") == ""


def test_cautions_speak_both_languages() -> None:
    english, chinese = (options(INFLAMED, language=language) for language in ("en", "zh"))
    for option in english["id"]:
        first, second = row(english, option)["cautions"], row(chinese, option)["cautions"]
        assert len(first) == len(second)
        assert all(a != b for a, b in zip(first, second, strict=True))


# How sure the order is


def with_shares(*shares: float) -> pd.DataFrame:
    return pd.DataFrame({"id": [f"option {i}" for i in range(len(shares))], "p_above_first": shares})


def test_an_option_ahead_in_a_third_of_the_draws_makes_it_too_close() -> None:
    assert too_close_to_call(with_shares(0.0, 1 / 3, 0.33, 0.5)) == ("option 1", "option 3")
    assert too_close_to_call(with_shares(0.0, 0.3, 0.1)) == ()
    assert too_close_to_call(with_shares(0.0)) == ()


def test_shares_of_draws_by_hand() -> None:
    found = place(**INFLAMED)
    model, draws = found.model(SHIPPED, 24, 5), shipped_draws(24, 5)
    look = outlook(found, model, draws, Preferences())
    table = option_table(found, look, 0.8, "en")
    scores = ranking_scores(look)
    first = int(np.argmax(scores[0]))
    assert table["id"].iloc[0] == look.options[first]
    for position, name in enumerate(look.options):
        line = row(table, name)
        wins = sum(int(np.argmax(scores[d])) == position for d in range(1, 25))
        ahead = sum(scores[d, position] > scores[d, first] for d in range(1, 25))
        assert line["p_best"] == pytest.approx(wins / 24)
        assert line["p_above_first"] == pytest.approx(ahead / 24)
        low, high = np.quantile(look.lda[name][1:], [0.1, 0.9])
        assert (line["low"], line["high"]) == pytest.approx((low, high))
        low, high = np.quantile(look.utility[name][1:], [0.1, 0.9])
        assert (line["utility_low"], line["utility_high"]) == pytest.approx((low, high))
    assert table["p_best"].sum() == pytest.approx(1.0)


def test_the_assessment_says_what_is_too_close() -> None:
    answer: Assessment = assess(INFLAMED, draws=30)
    rest = answer.options.iloc[1:]
    assert answer.too_close_to_call == tuple(rest.loc[rest["p_above_first"] >= 1 / 3, "id"])


# The source's direction


def test_high_titres_favour_rituximab_and_pain_without_swelling_its_treatment() -> None:
    def lda(option: str, **fields: Any) -> float:
        return float(row(options({**INFLAMED, **fields}), option)["lda"])

    high, negative = {"rf": "high", "acpa": "high"}, {"rf": "negative", "acpa": "negative"}
    assert lda("rituximab", **high) / lda("tnf_inhibitor", **high) > lda("rituximab", **negative) / lda("tnf_inhibitor", **negative)
    assert options(PAINFUL)["id"].iloc[0] == "treat_noninflammatory"
