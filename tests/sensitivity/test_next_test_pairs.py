"""The value of tests, singly and in pairs, against loops over their results."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from refra import Patient, assess
from refra.data.costs import COST_COLUMNS, build_costs, obtainable, shipped_costs
from refra.data.errors import FindingError, RecordError, UnknownNameError
from refra.data.tables import parse_csv, read_csv
from refra.inference.asking import ask
from refra.inference.knowledge import CENTRAL, SHIPPED
from refra.inference.options import applicable_options, outlook, ranking_scores
from refra.inference.preferences import Preferences
from refra.inference.sensitivity.next_test import NextTests, next_tests
from refra.inference.sensitivity.prices import read_costs
from refra.inference.situation import Situation, situation
from refra.model.draws import shipped_draws
from refra.model.drug_classes import CLASSES

UNDECIDED: dict[str, Any] = {
    "current_drug": "adalimumab", "response": "lost", "crp": 22, "sjc28": 5, "age": 60, "smoking": "never", "methotrexate": 15, "bmi": 22,
    "glucocorticoid": 0, "disease_duration": 4, "sex": "female", "earlier": {}, "rf": "positive", "acpa": "positive", "months_on_drug": 20,
    "prior_serious_infection": False,
}  # fmt: skip
NAMES = ("widespread_pain", "msrc", "physician_global")


@pytest.fixture(scope="module")
def result() -> NextTests:
    return next_tests(UNDECIDED, draws=4, seed=5, leading=1)


def entropy(p: np.ndarray) -> float:
    return float(-sum(x * np.log2(x) for x in p if x > 0))


def looked(place: Situation, sets: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return utilities and ranking scores (S, options)."""
    model = place.model(SHIPPED, sets, 5) if sets else place.model(CENTRAL, 0, 0)
    look = outlook(place, model, shipped_draws(sets, 5), Preferences())
    return np.stack(np.broadcast_arrays(*(look.utility[option] for option in look.options)), axis=-1), ranking_scores(look)


@pytest.mark.parametrize("group", [*((name,) for name in NAMES), *combinations(NAMES, 2)], ids="+".join)
def test_numbers_equal_a_loop_over_results(group: tuple[str, ...], result: NextTests) -> None:
    place = situation(Patient(**UNDECIDED))
    model = place.model(CENTRAL, 0, 0)
    joint = ask(model, place.inside(model), [group if len(group) > 1 else group[0]])[group if len(group) > 1 else group[0]][0]
    (utility,), (scores,) = looked(place)
    gain = change = swaps = left = 0.0
    for states in product(*(range(model.card(name)) for name in group)):
        p = float(joint[states])
        seen = replace(place, known=place.known.also(hard=dict(zip(group, states, strict=True))))
        (then,), (ranked,) = looked(seen)
        gain += p * then.max()
        change += p * (ranked.argmax() != scores.argmax())
        swaps += p * sum((scores[i] - scores[j]) * (ranked[i] - ranked[j]) < 0 for i, j in combinations(range(len(scores)), 2))
        left += p * entropy(ask(model, seen.inside(model), ["primary_reason"])["primary_reason"][0])
    now = entropy(ask(model, place.inside(model), ["primary_reason"])["primary_reason"][0])
    table = result.data
    second = group[1] if len(group) > 1 else None
    line = table[
        ((table["id"] == group[0]) & (table["second"].isna() if second is None else table["second"] == second))
        | ((table["id"] == second) & (table["second"] == group[0]))
    ]
    assert len(line) == 1
    row = line.iloc[0]
    assert row["expected_gain"] == pytest.approx(gain - utility.max(), abs=1e-8)
    assert row["p_change"] == pytest.approx(change, abs=1e-9)
    assert row["expected_swaps"] == pytest.approx(swaps, abs=1e-9)
    assert row["entropy_drop"] == pytest.approx(now - left, abs=1e-8)


def test_information_is_never_worth_less_than_nothing_and_two_results_are_worth_at_least_one(result: NextTests) -> None:
    single = result.singles.set_index("id")
    assert (result.data["expected_gain"] >= 0).all()
    pairs = result.pairs
    assert len(pairs) == len(single) * (len(single) - 1) / 2
    for column in ("expected_gain", "entropy_drop"):
        better = np.maximum(single.loc[pairs["id"], column].to_numpy(), single.loc[pairs["second"], column].to_numpy())
        assert (pairs[column].to_numpy() >= better - 2e-9).all()
    assert result.data["expected_gain"].is_monotonic_decreasing


def test_pairs_among_the_leading_tests_alone(result: NextTests) -> None:
    few = next_tests(UNDECIDED, pairs=4, leading=0)
    leading = set(few.singles["id"].head(4))
    assert len(few.pairs) == 6
    assert set(few.pairs["id"]) | set(few.pairs["second"]) == leading
    for column in ("expected_gain", "p_change"):
        every = result.pairs.set_index(["id", "second"])[column]
        assert few.pairs[column].tolist() == pytest.approx([every[row.id, row.second] for row in few.pairs.itertuples()], abs=1e-12)
    assert next_tests(UNDECIDED, pairs=False, leading=0).pairs.empty


def test_singles_agree_with_the_assessment(result: NextTests) -> None:
    shown = assess(UNDECIDED, draws=0).tests.set_index("id")
    single = result.singles.set_index("id")
    assert set(shown.index) <= set(single.index)
    for column in ("expected_gain", "p_change", "entropy_drop"):
        assert single.loc[shown.index, column].to_numpy() == pytest.approx(shown[column].to_numpy(), abs=1e-8)


def test_interval_is_that_of_the_gain_in_every_parameter_set(result: NextTests) -> None:
    row = result.singles.iloc[0]
    place = situation(Patient(**UNDECIDED))
    model = place.model(SHIPPED, 4, 5)
    p = ask(model, place.inside(model), [row["id"]])[row["id"]]
    gain = -looked(place, 4)[0].max(axis=1)
    for state in range(p.shape[1]):
        gain = gain + p[:, state] * looked(replace(place, known=place.known.also(hard={row["id"]: state})), 4)[0].max(axis=1)
    assert row["expected_gain"] == pytest.approx(gain[0], abs=1e-9)
    assert (row["gain_low"], row["gain_high"]) == pytest.approx(tuple(np.quantile(np.maximum(gain[1:], 0), [0.025, 0.975])), abs=1e-9)
    assert result.singles["gain_low"].notna().sum() == 1


def test_costs_waiting_and_willingness_to_pay(result: NextTests) -> None:
    given = pd.DataFrame(
        {"variable": ["widespread_pain", "msrc"], "cost": [7.0, 900.0], "currency": "EUR", "turnaround_days": [0.0, 36.525]}
    )
    table = next_tests(UNDECIDED, costs=given, willingness_to_pay=50_000, leading=0).data
    pair = table[(table["id"].isin(["widespread_pain", "msrc"])) & table["second"].isin(["widespread_pain", "msrc"])].iloc[0]
    assert pair["cost"] == 907.0
    assert pair["turnaround_days"] == 36.525
    (utility,), (scores,) = looked(situation(Patient(**UNDECIDED)))
    options = applicable_options(situation(Patient(**UNDECIDED)), Preferences())
    first = int(scores.argmax())
    loss = max(utility[first] - utility[options.index("continue")], 0.0) * 0.1
    assert pair["waiting_loss"] == pytest.approx(loss, abs=1e-12)
    assert table["net_gain"].to_numpy() == pytest.approx((table["expected_gain"] - table["waiting_loss"]).to_numpy(), abs=1e-15)
    assert table["net_value"].to_numpy() == pytest.approx((50_000 * table["net_gain"] - table["cost"]).to_numpy(), abs=1e-9)
    advised = table["verdict"].str.startswith("test before you")
    assert (table.loc[advised, "net_value"] > 0).all()
    assert advised.any()
    alone = table[table["second"].isna()].set_index("id")["net_value"]
    for row in table[advised & table["second"].notna()].itertuples():
        assert row.net_value > max(alone[row.id], alone[row.second])
    word = "switch" if options[first] in CLASSES else "decide"
    assert table.loc[advised, "verdict"].str.endswith(word).all()
    assert result.data["net_value"].isna().all()
    with pytest.raises(FindingError, match="willingness_to_pay"):
        next_tests(UNDECIDED, willingness_to_pay=-1)


def test_the_rule_of_exclusion_does_not_make_information_worthless() -> None:
    table = next_tests({"current_drug": "infliximab", "response": "lost", "red_flags": "new_autoantibodies"}, pairs=False, leading=0).data
    assert (table["expected_gain"] >= 0).all()


def test_shipped_costs_name_every_test_and_a_source() -> None:
    costs = shipped_costs()
    assert set(costs) == set(obtainable())
    assert {cost.currency for cost in costs.values()} == {"EUR"}
    rows = read_csv("tests", "tests.csv", columns=COST_COLUMNS)
    assert all(row["note"] or row["cost_source"] for _, _, row in rows)


GOOD = {
    "variable": "crp", "cost": "4", "cost_low": "3", "cost_high": "9", "currency": "EUR", "year": "2024", "turnaround_days": "1",
    "turnaround_low": "0", "turnaround_high": "2", "needs": "blood", "cost_status": "fetched", "cost_source": "a schedule",
    "turnaround_status": "judgement", "turnaround_source": "", "note": "why",
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("cost", "20", "between 3 and 9"),
        ("cost", "dear", "not a number"),
        ("turnaround_low", "-1", "at least 0"),
        ("needs", "luck", "blood"),
        ("cost_status", "guessed", "fetched"),
        ("cost_source", "", "empty"),
        ("note", "", "reason"),
        ("variable", "synovitis", "unknown variable"),
    ],
)
def test_a_row_that_does_not_fit_is_refused(field: str, value: str, word: str) -> None:
    row = {**GOOD, field: value}
    text = ",".join(COST_COLUMNS) + "\n" + ",".join(row[name] for name in COST_COLUMNS) + "\n"
    with pytest.raises((RecordError, UnknownNameError), match=word):
        build_costs(parse_csv("tests.csv", text, COST_COLUMNS))


def test_costs_of_ones_own_replace_the_shipped(tmp_path: Path) -> None:
    frame = pd.DataFrame({"variable": ["crp"], "cost": [99], "currency": ["EUR"], "turnaround_days": [2], "remark": ["ours"]})
    frame.to_csv(tmp_path / "own.csv", index=False)
    for given in (frame, tmp_path / "own.csv"):
        costs = read_costs(given)
        assert (costs["crp"].cost, costs["crp"].turnaround_days, costs["crp"].needs) == (99.0, 2.0, "blood")
        assert costs["esr"] == shipped_costs()["esr"]


@pytest.mark.parametrize(
    ("frame", "error", "word"),
    [
        ({"variable": ["crp"]}, FindingError, "no column cost"),
        ({"variable": ["crq"], "cost": [1], "currency": ["EUR"], "turnaround_days": [1]}, UnknownNameError, "crp"),
        ({"variable": ["crp", "crp"], "cost": [1, 1], "currency": ["EUR"] * 2, "turnaround_days": [1, 1]}, FindingError, "twice"),
        ({"variable": ["crp"], "cost": [-1], "currency": ["EUR"], "turnaround_days": [1]}, FindingError, "at least 0"),
        ({"variable": ["crp"], "cost": ["x"], "currency": ["EUR"], "turnaround_days": [1]}, FindingError, "at least 0"),
        ({"variable": ["crp"], "cost": [1], "currency": ["USD"], "turnaround_days": [1]}, FindingError, "EUR and USD"),
    ],
)
def test_costs_that_do_not_fit_are_refused(frame: dict[str, Any], error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        read_costs(pd.DataFrame(frame))
    with pytest.raises(FindingError, match="cannot be read"):
        read_costs("/nowhere/costs.csv")
