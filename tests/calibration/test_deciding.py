"""Naive Bayes against enumeration, and the decision path on patients made by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from refra.data.loading import variables
from refra.inference.calibration.deciding import RULES, DecisionPath, NaiveBayes, Rule, Seen, first_rule

REASONS = variables()["primary_reason"].state_ids
COLUMNS = (
    "red_flags", "sjc28", "power_doppler", "crp", "tjc28", "patient_global", "widespread_pain", "fibromyalgia_diagnosis", "drug_level",
    "ada_test", "refill_adherence", "reported_adherence", "response_pattern",
)  # fmt: skip


def patient(**known: str) -> list[int]:
    return [variables()[name].state_ids.index(known[name]) if name in known else -1 for name in COLUMNS]


def test_naive_bayes_is_what_counting_gives() -> None:
    records = np.array([[0, 1], [0, 0], [1, 1], [1, -1], [0, 2]])
    truth = np.array([0, 0, 1, 1, 1])
    model = NaiveBayes.trained(records, truth, (2, 3), 3)
    # Class counts 2, 3, 0; each count below has one added to it.
    prior = [Fraction(3, 8), Fraction(4, 8), Fraction(1, 8)]
    first = [[Fraction(3, 4), Fraction(1, 4)], [Fraction(2, 5), Fraction(3, 5)], [Fraction(1, 2), Fraction(1, 2)]]
    second = [
        [Fraction(2, 5), Fraction(2, 5), Fraction(1, 5)], [Fraction(1, 5), Fraction(2, 5), Fraction(2, 5)], [Fraction(1, 3)] * 3,
    ]  # fmt: skip
    for row in ([0, 1], [1, 2], [-1, 0], [-1, -1]):
        weights = [prior[c] * (first[c][row[0]] if row[0] >= 0 else 1) * (second[c][row[1]] if row[1] >= 0 else 1) for c in range(3)]
        wanted = [float(weight / sum(weights)) for weight in weights]
        assert model.probabilities(np.array([row]))[0].tolist() == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("known", "rule"),
    [
        ({}, None),
        ({"drug_level": "in_range", "ada_test": "negative"}, None),
        ({"red_flags": "none", "sjc28": "0"}, None),
        ({"red_flags": "crystals", "drug_level": "low", "ada_test": "high_positive"}, "red_flags"),
        ({"sjc28": "0", "crp": "<=1", "tjc28": "11+"}, "quiet_but_painful"),
        ({"power_doppler": "negative", "widespread_pain": "yes", "drug_level": "low"}, "quiet_but_painful"),
        ({"sjc28": "0", "crp": ">30", "tjc28": "11+"}, None),
        ({"drug_level": "undetectable", "ada_test": "high_positive"}, "low_level_with_antibodies"),
        ({"drug_level": "in_range", "ada_test": "high_positive"}, None),
        ({"drug_level": "low", "ada_test": "negative", "refill_adherence": "<0.5"}, "poor_intake"),
        ({"reported_adherence": "no"}, "poor_intake"),
        ({"reported_adherence": "no", "drug_level": "in_range"}, None),
        ({"drug_level": "low", "refill_adherence": ">=0.8"}, "low_level_with_good_intake"),
        ({"drug_level": "low", "ada_test": "negative"}, "low_level"),
        ({"drug_level": "in_range", "sjc28": "6+", "response_pattern": "lost"}, "lost_response"),
        ({"drug_level": "in_range", "crp": "10-30", "response_pattern": "never"}, "never_responded"),
        ({"sjc28": "0", "response_pattern": "never"}, None),
        ({"drug_level": "undetectable", "response_pattern": "lost"}, "low_level"),
    ],
)  # fmt: skip
def test_the_first_rule_that_holds(known: dict[str, str], rule: str | None) -> None:
    names = {place: one.name for place, one in enumerate(RULES)}
    assert names.get(int(first_rule(Seen(np.array([patient(**known)]), COLUMNS))[0])) == rule


def test_every_rule_names_reasons_and_has_a_name_of_its_own() -> None:
    assert {reason for rule in RULES for reason in rule.reasons} == set(REASONS)
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_a_rule_gets_the_share_in_which_it_was_right() -> None:
    low = Rule("low", ("b", "c"), lambda seen: seen.among("drug_level", "low"))
    level = variables()["drug_level"].state_ids.index("low")
    learned = Seen(np.array([[level]] * 6 + [[-1]] * 4), ("drug_level",))
    path = DecisionPath.trained(learned, np.array([1, 2, 1, 1, 0, 3, 0, 0, 1, 2]), ("a", "b", "c", "d"), (low,))
    # Four of six right, one added to right and to wrong.
    assert path.right == {"low": pytest.approx(5 / 8)}
    prior = np.array([[0.4, 0.3, 0.1, 0.2], [0.4, 0.3, 0.1, 0.2], [0.5, 0.0, 0.0, 0.5]])
    found = path.probabilities(Seen(np.array([[level], [-1], [level]]), ("drug_level",)), prior)
    assert found[0].tolist() == pytest.approx([3 / 8 * 4 / 6, 5 / 8 * 3 / 4, 5 / 8 * 1 / 4, 3 / 8 * 2 / 6])
    assert found[1].tolist() == prior[1].tolist()
    # What the definitions rule out stays ruled out.
    assert found[2].tolist() == prior[2].tolist()
