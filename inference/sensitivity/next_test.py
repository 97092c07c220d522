"""The next test for this patient: what each finding not made yet, alone or with another, would be worth before the decision."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...data.costs import Cost
from ...data.errors import FindingError
from ...data.labels import label
from ...model.draws import DEFAULT_SEED, FITTED
from ...model.drug_classes import CLASSES
from ..asking import ask, one_hot
from ..figures import COLOURS, caption, new_figure
from ..intervals import DEFAULT_LEVEL, interval
from ..patient import Patient
from ..preferences import Preferences
from ..querying import check_draws, check_level
from ..situation import Footing, footing
from .case import Case, case_of
from .prices import read_costs
from .quantities import Quantity, evaluate
from .result import Result
from .versions import Change, Changes, Subject, Versions, chances, first_of, subjects, versions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

LEAST = 1e-9
"""Gains and entropy drops up to this are rounding."""

DAYS_A_YEAR = 365.25
SHOWN = 15
COLUMNS = (
    "id", "label", "second", "second_label", "p_change", "expected_swaps", "expected_gain", "gain_low", "gain_high", "entropy_drop", "cost",
    "currency", "turnaround_days", "needs", "waiting_loss", "net_gain", "net_value", "verdict",
)  # fmt: skip


@dataclass(frozen=True)
class NextTests(Result):
    """What each finding that is not made yet is worth, singly and in pairs; the best first.

    `table` has a row for each finding, and with `second` for each pair done at the same time:

    - `p_change`: probability that the first option changes; `expected_swaps`: expected number of pairs of options that change places
      (the Kendall distance between the ranking now and then);
    - `expected_gain`: expected value of the information in QALYs: the expected utility of the option that is best once the result is
      known, less that of the best option now; by utility alone, and never negative. `gain_low` and `gain_high` bound the central part
      (`level`) of the gain over parameter sets, for the leading tests;
    - `entropy_drop`: expected fall of the primary reason's entropy (bits; NaN where no reasons are asked for);
    - `cost` in `currency`, `turnaround_days` (the longer of the two), `needs`;
    - `waiting_loss`: what the delay costs, in QALYs; `net_gain`: gain less waiting; `net_value`: `willingness_to_pay` x `net_gain` less
      the cost (NaN without one); `verdict` in words.
    """

    name: ClassVar[str] = "next_tests"
    title: ClassVar[str] = "The next test for this patient"
    how_to_read: ClassVar[str] = (
        "Each bar is a finding that has not been made, or two made together: its length is the expected utility gained by choosing "
        "after seeing the result, its whisker the interval over the parameters, the black line the loss by waiting for it. A bar that "
        "does not pass its line does not pay. Beside it stand the probability that the first option changes, the cost and the days."
    )

    table: pd.DataFrame
    first_option: str
    willingness_to_pay: float | None
    level: float

    @property
    def data(self) -> pd.DataFrame:
        """The numbers, a row for each finding or pair."""
        return self.table

    @property
    def singles(self) -> pd.DataFrame:
        """The findings alone."""
        return self.table[self.table["second"].isna()].reset_index(drop=True)

    @property
    def pairs(self) -> pd.DataFrame:
        """The pairs alone."""
        return self.table[self.table["second"].notna()].reset_index(drop=True)

    def summary(self) -> str:
        """Return the best single test, the best pair and whether they pay."""
        first = label("options", self.first_option, "en")
        if self.table.empty or not (self.singles["expected_gain"] > 0).any():
            return f"{first} comes first; no finding that is not made yet would change that for the better."
        parts = [f"{first} comes first now."]
        for table, what in ((self.singles, "The most useful test is"), (self.pairs, "The most useful pair is")):
            if len(table):
                top = table.iloc[0]
                parts.append(
                    f"{what} {_names(top)}: expected gain {top['expected_gain']:.4f} QALY, the first option changes with probability "
                    f"{top['p_change']:.2f}, {top['cost']:g} {top['currency']}, {top['turnaround_days']:g} days; {top['verdict']}."
                )
        if self.willingness_to_pay is None:
            parts.append("Costs are shown, not weighed: no willingness to pay was given.")
        return " ".join(parts)

    def plot(self) -> Figure:
        """Return bars of the leading tests and pairs with their loss by waiting."""
        useful = self.table[self.table["expected_gain"] > 0]
        leading = pd.concat([useful[useful["second"].isna()].head(SHOWN * 2 // 3), useful[useful["second"].notna()].head(SHOWN // 3)])
        leading = leading.sort_values("expected_gain", kind="stable")
        figure = new_figure(1.9 + 0.3 * max(len(leading), 3))
        axes = figure.add_subplot()
        end = max([*leading["expected_gain"], *leading["gain_high"].dropna(), *leading["waiting_loss"], LEAST])
        for place, (_, row) in enumerate(leading.iterrows()):
            axes.barh(place, row["expected_gain"], height=0.6, color=COLOURS[0 if pd.isna(row["second"]) else 2], alpha=0.6)
            if not math.isnan(row["gain_low"]):
                axes.plot([row["gain_low"], row["gain_high"]], [place, place], color="#444444", linewidth=1)
            axes.plot([row["waiting_loss"]] * 2, [place - 0.38, place + 0.38], color="black", linewidth=2)
            words = f"{row['p_change']:.2f}; {row['cost']:g} {row['currency']}; {row['turnaround_days']:g} d"
            axes.text(end * 1.03, place, words, fontsize=7.5, va="center")
        axes.set_yticks(range(len(leading)), [_names(row) for _, row in leading.iterrows()], fontsize=8)
        axes.set_xlim(0, end * 1.42)
        axes.set_xlabel(f"expected gain, QALY (whisker: {self.level:.0%} of parameter sets)")
        axes.set_title(self.title, fontsize=11)
        axes.spines[["top", "right"]].set_visible(False)
        caption(figure, self.how_to_read)
        return figure


def _names(row: pd.Series[Any]) -> str:
    return str(row["label"]) if pd.isna(row["second"]) else f"{row['label']} + {row['second_label']}"


def next_tests(
    patient: Patient | Mapping[str, Any] | Case,
    *,
    pairs: bool | int = True,
    willingness_to_pay: float | None = None,
    costs: pd.DataFrame | str | PathLike[str] | None = None,
    leading: int = 5,
    draws: int = 200,
    seed: int = DEFAULT_SEED,
    level: float = DEFAULT_LEVEL,
    preferences: Preferences | None = None,
    basis: str = FITTED,
) -> NextTests:
    """Return what each finding that is not made yet is worth, singly and in pairs; exact, in the central network.

    Every result of every test and every combination of two tests' results is answered. Arguments: `patient` is a record
    or a prepared `Case`; `pairs` tells whether pairs are worked out, or a number of tests: pairs among that many alone, those that come
    first singly, which is quicker where little is recorded and can miss a pair; `willingness_to_pay` is the user's exchange rate, money
    for one QALY in the currency of the costs (None: costs are shown and not weighed); `costs` a file or frame whose rows replace the
    shipped costs; the gains of the `leading` tests get an interval of the given `level` over `draws` parameter sets picked by `seed`.

    Raises the errors of `Patient`, of `Preferences` and of `read_costs`, and `FindingError` for a negative willingness to pay.
    """
    if willingness_to_pay is not None and not (math.isfinite(willingness_to_pay) and willingness_to_pay >= 0):
        raise FindingError(
            f"willingness_to_pay: {willingness_to_pay!r}; an amount of money for one QALY of at least 0, or None, is accepted"
        )
    check_level(level)
    check_draws(draws, seed)
    prices = read_costs(costs)
    case = case_of(patient, preferences, basis)
    tests = [subject for subject in subjects(case) if not subject.observed]
    stand = footing(case.place.patient.observations)
    now = versions(case, [()], stand=stand)
    option = int(first_of(now.scores)[0])
    # Waiting keeps the patient on the present drug; where that cannot be had, nothing is known of what waiting costs.
    stay = case.options.index("continue") if "continue" in case.options else option
    per_day = max(float(now.utility[0, option] - now.utility[0, stay]), 0.0) / DAYS_A_YEAR

    def measured(groups: list[tuple[Subject, ...]]) -> list[tuple[Any, ...]]:
        worth = _worth(case, groups, stand, now)
        return [_row(group, [prices[test.variable] for test in group], mine, per_day) for group, mine in zip(groups, worth, strict=True)]

    rows = measured([(test,) for test in tests])
    among = tests
    if not isinstance(pairs, bool):
        gain, drop = COLUMNS.index("expected_gain"), COLUMNS.index("entropy_drop")
        order = sorted(range(len(tests)), key=lambda place: (-rows[place][gain], -np.nan_to_num(rows[place][drop])))
        among = [tests[place] for place in sorted(order[:pairs])]
    if pairs:
        rows += measured(list(combinations(among, 2)))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["net_value"] = np.nan if willingness_to_pay is None else willingness_to_pay * table["net_gain"] - table["cost"]
    table["verdict"] = _verdicts(table, case.options[option])
    table["single"] = table["second"].isna()
    table = table.sort_values(["expected_gain", "single", "entropy_drop"], ascending=False, kind="stable").drop(columns="single")
    table = table.reset_index(drop=True)
    chosen = table[table["second"].isna() & (table["expected_gain"] > 0)].head(leading)
    for place, name in chosen["id"].items():
        gains = _gain_in_sets(case, next(test for test in tests if test.node == name), draws, seed)
        low, high = interval(gains[:, None], level)
        table.loc[[place], ["gain_low", "gain_high"]] = [low[0], high[0]]
    return NextTests(table, case.options[option], willingness_to_pay, level)


def _worth(case: Case, groups: Sequence[tuple[Subject, ...]], stand: Footing, now: Versions) -> list[tuple[float, float, float, float]]:
    """Return for each group of tests P(first option changes), expected swaps, expected gain and expected entropy drop."""
    results = [_results(group) for group in groups]
    sets = [changes for group in results for changes in group]
    found, weight = versions(case, sets, stand=stand), chances(case, sets, stand)
    option, best, bits = int(first_of(now.scores)[0]), float(now.utility.max()), float(_entropy(now.reasons)[0])
    worth = []
    start = 0
    for mine in results:
        part = slice(start, start + len(mine))
        start = part.stop
        possible = weight[part] > 0
        p, scores = weight[part][possible], found.scores[part][possible]
        change = float(p @ (first_of(scores) != option))
        swaps = float(p @ _swaps(now.scores[0], scores))
        gain = float(p @ found.utility[part][possible].max(axis=1)) - best
        drop = bits - float(p @ _entropy(found.reasons[part][possible]))
        worth.append((change, swaps, _positive(gain), _positive(drop)))
    return worth


def _results(group: Sequence[Subject]) -> list[Changes]:
    """Return every combination of the tests' results."""
    return [
        tuple(Change(test, state) for test, state in zip(group, states, strict=True))
        for states in product(*(test.states for test in group))
    ]


def _positive(value: float) -> float:
    return value if math.isnan(value) or value > LEAST else 0.0


def _row(group: Sequence[Subject], prices: Sequence[Cost], measured: tuple[float, float, float, float], per_day: float) -> tuple[Any, ...]:
    change, swaps, gain, drop = measured
    days = max(price.turnaround_days for price in prices)
    loss = per_day * days
    second = group[1] if len(group) > 1 else None
    return (
        group[0].node,
        group[0].label,
        None if second is None else second.node,
        None if second is None else second.label,
        change,
        swaps,
        gain,
        np.nan,
        np.nan,
        drop,
        sum(price.cost for price in prices),
        prices[0].currency,
        days,
        " and ".join(dict.fromkeys(price.needs for price in prices)),
        loss,
        gain - loss,
        np.nan,
        "",
    )


def _swaps(now: Array, then: Array) -> Array:
    """Return for each row how many pairs of options stand the other way round than now."""
    before = np.sign(now[:, None] - now[None, :])
    after = np.sign(then[:, :, None] - then[:, None, :])
    return np.asarray((before * after < 0).sum(axis=(1, 2)) / 2)


def _entropy(rows: Array) -> Array:
    """Return each row's entropy in bits; NaN for a row of NaN."""
    return np.asarray(-(rows * np.log2(np.where(rows > 0, rows, 1.0))).sum(axis=1))


def _verdicts(table: pd.DataFrame, first: str) -> list[str]:
    """Return for each test whether it pays: the gain must pass the loss by waiting, and with a willingness to pay the cost too.

    A pair must also be worth more than the better of its two alone.
    """
    advice = "test before you switch" if first in CLASSES else "test before you decide"
    weighed = table["net_gain"].where(table["net_value"].isna(), table["net_value"])
    alone = {one: worth for one, other, worth in zip(table["id"], table["second"], weighed, strict=True) if pd.isna(other)}
    found = []
    for one, other, gain, net, worth in zip(table["id"], table["second"], table["expected_gain"], table["net_gain"], weighed, strict=True):
        if gain <= 0:
            found.append("changes nothing for the better")
        elif net <= 0 or worth <= 0:
            found.append("does not pay")
        elif not pd.isna(other) and worth <= max(alone[one], alone[other]) + LEAST:
            found.append("one of the two alone does as well")
        else:
            found.append(advice)
    return found


def _gain_in_sets(case: Case, test: Subject, draws: int, seed: int) -> Array:
    """Return a test's expected gain in every parameter set, shape (S,)."""
    model, values = case.model(draws, seed), case.values(draws, seed)
    asked = [Quantity("utility", option) for option in case.options]
    p = ask(model, case.known(model, False), [test.node])[test.node]
    best = evaluate(case, model, values, asked).max(axis=0)
    then = np.zeros(model.draws)
    for state in test.states:
        if p[:, state].any():
            then = then + p[:, state] * evaluate(_with_result(case, test, state), model, values, asked).max(axis=0)
    return np.asarray(np.maximum(then - best, 0.0))


def _with_result(case: Case, test: Subject, state: int) -> Case:
    """Return the case in which a test has a result and the treatment target stands as before."""
    seen = {test.node: one_hot(case.central, test.node, state)}
    place = replace(case.place, record=case.place.record.also(soft=seen), known=case.place.known.also(soft=seen))
    return replace(case, place=place)
