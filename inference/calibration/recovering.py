"""Whether the network finds the reason that it was told to simulate, beside what simpler ways find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...data.loading import variables
from ...model.assembly import central_model
from ...model.draws import DEFAULT_SEED, FITTED, check_basis, shipped_draws
from .deciding import DecisionPath, NaiveBayes, Seen
from .scoring import MEASURES, REPLICATES, bounds, resampled, score
from .simulating import REASON, Patients, columns, reasons_given, reasons_in_own_sets, simulate

Array = NDArray[np.float64]

FINDINGS = (3, 6, 12)
DEFAULT_PATIENTS = 2_000
TRAINING_SETS = 400
TRAINED_EACH = 25
LEVEL = 0.95

NETWORK, TRUE_PARAMETERS = "network", "true_parameters"
BASELINES = ("prior_only", "naive_bayes", "decision_path")
METHODS = (NETWORK, *BASELINES, TRUE_PARAMETERS)
"""The network at its centre; what a sceptic would propose; the network with each patient's own parameters, which nothing can beat."""


@dataclass(frozen=True, eq=False)
class Recovery:
    """How well the reasons of simulated patients are found.

    Attributes:
        scores: a line for each number of findings, method and measure: `value` with its interval, and `difference` of the network from the
            method with its interval (the network's value less the method's).
        areas: a line for each number of findings, method and reason: the area under the curve, and the reason's share of the patients.
        rules: a line for each number of findings and rule of the decision path: the share in which it is right.
        patients: how many patients were simulated.
        level: of the intervals, from bootstrap samples of the patients.
    """

    scores: pd.DataFrame
    areas: pd.DataFrame
    rules: pd.DataFrame
    patients: int
    level: float


def recover(
    patients: int = DEFAULT_PATIENTS,
    basis: str = FITTED,
    *,
    seed: int = DEFAULT_SEED,
    findings: Sequence[int] = FINDINGS,
    replicates: int = REPLICATES,
) -> Recovery:
    """Simulate patients whose drug misses the target, let some findings be known, and score what is said of the primary reason.

    Every patient is drawn with a parameter set of its own; the network answers with its central one. Naive Bayes and the decision path
    learn their frequencies from other simulated patients.

    Args:
        patients: how many are simulated.
        basis: where the parameters come from, `fitted` or `prior`.
        seed: of the parameter sets, the patients, the choice of findings and the bootstrap.
        findings: how many findings are known, beside background and current drug.
        replicates: bootstrap samples.

    Raises:
        UnknownNameError: another word for `basis`.
    """
    check_basis(basis)
    # A stream each, so that what is learned from are other patients.
    streams = np.random.SeedSequence([seed, patients]).spawn(3)
    drawing, training, sampling = (np.random.default_rng(stream) for stream in streams)
    draws = shipped_draws(patients, int(drawing.integers(2**31)), basis)
    tested = simulate(draws, drawing)
    learned = simulate(shipped_draws(TRAINING_SETS, int(training.integers(2**31)), basis), training, TRAINED_EACH)
    model = central_model(basis)
    reasons = variables()[REASON].state_ids
    names = columns()
    bayes = NaiveBayes.trained(learned.records, learned.reason, [model.card(name) for name in names], len(reasons))
    prior = reasons_given(model, tested.known(0))[:, 0]
    lines: list[dict[str, object]] = []
    areas: list[dict[str, object]] = []
    rules: list[dict[str, object]] = []
    for count in findings:
        known = tested.known(count)
        path = DecisionPath.trained(Seen(learned.known(count), names), learned.reason, reasons)
        answers = (
            reasons_given(model, known)[:, 0],
            prior,
            bayes.probabilities(known),
            path.probabilities(Seen(known, names), prior),
            reasons_in_own_sets(draws, tested, known),
        )
        predictions = dict(zip(METHODS, answers, strict=True))
        lines += _compared(count, predictions, tested, sampling, replicates)
        areas += _areas(count, predictions, tested, reasons)
        rules += [{"findings": count, "rule": name, "right": right} for name, right in path.right.items()]
    return Recovery(pd.DataFrame(lines), pd.DataFrame(areas), pd.DataFrame(rules), patients, LEVEL)


def _compared(
    count: int, predictions: Mapping[str, Array], tested: Patients, random: np.random.Generator, replicates: int
) -> list[dict[str, object]]:
    values = {method: score(probability, tested.reason).values for method, probability in predictions.items()}
    spread = resampled(predictions, tested.reason, random, replicates)
    lines: list[dict[str, object]] = []
    for method in predictions:
        for measure in MEASURES:
            low, high = bounds(spread[method][measure], LEVEL)
            line = {"findings": count, "method": method, "measure": measure, "value": values[method][measure], "low": low, "high": high}
            apart = bounds(spread[NETWORK][measure] - spread[method][measure], LEVEL)
            difference = values[NETWORK][measure] - values[method][measure]
            lines.append({**line, "difference": difference, "difference_low": apart[0], "difference_high": apart[1]})
    return lines


def _areas(count: int, predictions: Mapping[str, Array], tested: Patients, reasons: Sequence[str]) -> list[dict[str, object]]:
    shares = np.bincount(tested.reason, minlength=len(reasons)) / len(tested)
    return [
        {"findings": count, "method": method, "reason": reason, "share": share, "auc": area}
        for method, probability in predictions.items()
        for reason, share, area in zip(reasons, shares, score(probability, tested.reason).areas, strict=True)
    ]
