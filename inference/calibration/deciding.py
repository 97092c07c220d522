"""What a sceptic would use in place of the network: frequencies under independence, and a decision path of a few rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...data.loading import variables
from ..batch import NOT_OBSERVED

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class NaiveBayes:
    """Findings taken to be independent given the class.

    Attributes:
        prior: log P(class), shape (classes,).
        tables: for each column log P(state | class), shape (classes, states).
    """

    prior: Array
    tables: tuple[Array, ...]

    @classmethod
    def trained(cls, records: Codes, truth: Codes, cards: Sequence[int], classes: int) -> NaiveBayes:
        """Count the classes, and the states in each class, adding one to each count (Laplace).

        Args:
            records: state numbers, shape (patients, columns), -1 where not observed.
            truth: class of each patient, shape (patients,).
            cards: number of states of each column.
            classes: number of classes.
        """
        counts = np.bincount(truth, minlength=classes) + 1.0
        tables = []
        for states, card in zip(records.T, cards, strict=True):
            seen = states != NOT_OBSERVED
            table = np.ones((classes, card))
            np.add.at(table, (truth[seen], states[seen]), 1.0)
            tables.append(np.log(table / table.sum(axis=1, keepdims=True)))
        return cls(np.log(counts / counts.sum()), tuple(tables))

    def probabilities(self, records: Codes) -> Array:
        """Return P(class | what is observed), shape (patients, classes)."""
        total = np.tile(self.prior, (len(records), 1))
        for states, table in zip(records.T, self.tables, strict=True):
            seen = states != NOT_OBSERVED
            total[seen] += table[:, states[seen]].T
        found = np.exp(total - total.max(axis=1, keepdims=True))
        return np.asarray(found / found.sum(axis=1, keepdims=True))


@dataclass(frozen=True, eq=False)
class Seen:
    """What is known of patients, asked for by the states' names."""

    records: Codes
    columns: tuple[str, ...]

    def among(self, variable: str, *states: str) -> Flags:
        """Return whether a variable is known to be in one of some states, shape (patients,)."""
        ids = variables()[variable].state_ids
        return np.isin(self.records[:, self.columns.index(variable)], [ids.index(state) for state in states])


@dataclass(frozen=True)
class Rule:
    """If `holds` for what is known, then one of `reasons`."""

    name: str
    reasons: tuple[str, ...]
    holds: Callable[[Seen], Flags]


def _low_level(seen: Seen) -> Flags:
    return seen.among("drug_level", "undetectable", "low")


def _antibodies(seen: Seen) -> Flags:
    return seen.among("ada_test", "low_positive", "high_positive")


def _poor_intake(seen: Seen) -> Flags:
    return seen.among("refill_adherence", "0.5-0.8", "<0.5") | seen.among("reported_adherence", "no")


def _good_intake(seen: Seen) -> Flags:
    return seen.among("refill_adherence", ">=0.8") & ~seen.among("reported_adherence", "no")


def _inflamed(seen: Seen) -> Flags:
    swollen = seen.among("sjc28", "3-5", "6+") | seen.among("power_doppler", "positive")
    return swollen | seen.among("crp", "10-30", ">30")


def _quiet(seen: Seen) -> Flags:
    return (seen.among("sjc28", "0") | seen.among("power_doppler", "negative")) & ~_inflamed(seen)


def _pain(seen: Seen) -> Flags:
    tender = seen.among("tjc28", "6-10", "11+") | seen.among("patient_global", "41-60", ">60")
    return tender | seen.among("widespread_pain", "yes") | seen.among("fibromyalgia_diagnosis", "yes")


RULES = (
    Rule("red_flags", ("other_disease",), lambda seen: ~seen.among("red_flags", "none") & _any(seen, "red_flags")),
    Rule("quiet_but_painful", ("non_inflammatory",), lambda seen: _quiet(seen) & _pain(seen)),
    Rule("low_level_with_antibodies", ("immunogenicity",), lambda seen: _low_level(seen) & _antibodies(seen)),
    Rule("poor_intake", ("non_adherence",), lambda seen: _poor_intake(seen) & ~seen.among("drug_level", "in_range")),
    Rule("low_level_with_good_intake", ("low_exposure_other",), lambda seen: _low_level(seen) & _good_intake(seen)),
    Rule("low_level", ("non_adherence", "low_exposure_other"), _low_level),
    Rule("lost_response", ("pathway_escape",), lambda seen: seen.among("response_pattern", "lost") & ~_quiet(seen)),
    Rule("never_responded", ("wrong_pathway",), lambda seen: seen.among("response_pattern", "never") & ~_quiet(seen)),
)
"""The decision path of the source text: is the drug there, is it the joints, did it ever work; and red flags of another disease.

The first rule that holds is taken. They stand in the order in which the network settles its primary reason, and what is not known does not
stand in the way of a rule unless the rule asks for it, so that the path is put at its best. Pain and inflammation are at the cut-offs in
use: swelling of three joints or a positive Doppler or a CRP above 10 mg/L; six tender joints, a global above 40, widespread pain.
"""


def _any(seen: Seen, variable: str) -> Flags:
    return seen.among(variable, *variables()[variable].state_ids)


def first_rule(seen: Seen, rules: Sequence[Rule] = RULES) -> Codes:
    """Return the number of the first rule that holds for each patient, -1 where none does."""
    holds = np.stack([rule.holds(seen) for rule in rules])
    return np.where(holds.any(axis=0), holds.argmax(axis=0), NOT_OBSERVED)


@dataclass(frozen=True, eq=False)
class DecisionPath:
    """Rules with the share of patients in whom each was right."""

    rules: tuple[Rule, ...]
    right: Mapping[str, float]
    reasons: tuple[str, ...]

    @classmethod
    def trained(cls, seen: Seen, truth: Codes, reasons: Sequence[str], rules: Sequence[Rule] = RULES) -> DecisionPath:
        """Count how often each rule is right among the patients for whom it is the first that holds, adding one to right and to wrong."""
        first = first_rule(seen, rules)
        right = {}
        for place, rule in enumerate(rules):
            answers = [reasons.index(reason) for reason in rule.reasons]
            hit = np.isin(truth[first == place], answers)
            right[rule.name] = float((hit.sum() + 1) / (len(hit) + 2))
        return cls(tuple(rules), right, tuple(reasons))

    def probabilities(self, seen: Seen, prior: Array) -> Array:
        """Return P(reason), shape (patients, reasons).

        The answers of the first rule that holds get the share in which it is right, the other reasons the rest; both are divided in
        proportion to `prior`, of the same shape, which is the answer where no rule holds.
        """
        first = first_rule(seen, self.rules)
        found = prior.copy()
        for place, rule in enumerate(self.rules):
            mine = first == place
            named = np.isin(self.reasons, rule.reasons)
            total = prior[mine][:, named].sum(axis=1, keepdims=True)
            with np.errstate(invalid="ignore", divide="ignore"):
                shared = np.where(
                    named, self.right[rule.name] * prior[mine] / total, (1 - self.right[rule.name]) * prior[mine] / (1 - total)
                )
            # Where the definitions rule the answer out or leave nothing else, the prior stands.
            found[mine] = np.where((total > 0) & (total < 1), shared, prior[mine])
        return found
