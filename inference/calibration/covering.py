"""Whether the intervals of the reasons hold the truth as often as they say, in simulated patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...data.loading import variables
from ...model.draws import DEFAULT_SEED, FITTED, check_basis, shipped_draws
from .recovering import FINDINGS
from .simulating import REASON, SETS_AT_A_TIME, blocks, reasons_given, simulate

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

LEVELS = (0.5, 0.9)
DEFAULT_SETS = 400
WIDTHLESS = 1e-12
ALL = "all"


@dataclass(frozen=True, eq=False)
class Coverage:
    """How often intervals hold the truth.

    `table` has a line for each number of findings, reason (and `all`) and level: `covered` is the share of patients whose interval holds
    the probability under their own parameters, `error` its standard error, `width` the intervals' mean width, `patients` how many have an
    interval at all: probabilities that the definitions settle whatever the parameters are left out.
    """

    table: pd.DataFrame


def covered(answers: Array, truth: Array, level: float) -> tuple[Flags, Array]:
    """Return whether the central interval of the others' answers holds the truth, and the interval's width, both (patients, ...).

    Args:
        answers: shape (patients, parameter sets, ...); the i-th patient was drawn with the i-th set, which is left out of its interval.
        truth: shape (patients, ...).
        level: of the interval.
    """
    patients, sets = answers.shape[:2]
    others = answers[~np.eye(patients, sets, dtype=np.bool_)].reshape(patients, sets - 1, *answers.shape[2:])
    low, high = np.quantile(others, [(1 - level) / 2, (1 + level) / 2], axis=1)
    return np.asarray((truth >= low) & (truth <= high)), np.asarray(high - low)


def cover(
    sets: int = DEFAULT_SETS,
    basis: str = FITTED,
    *,
    seed: int = DEFAULT_SEED,
    findings: Sequence[int] = FINDINGS,
    levels: Sequence[float] = LEVELS,
) -> Coverage:
    """Draw one patient with every parameter set and ask whether the other sets' interval holds P(reason | findings) under that set.

    One patient's findings say little of the parameters, so the intervals are right if they say what the parameters' uncertainty makes of
    an answer; the check fails where quantiles, draws or the network's answers are wrong.

    Args:
        sets: how many parameter sets, and patients.
        basis: where the parameters come from, `fitted` or `prior`.
        seed: of the parameter sets and the patients.
        findings: how many findings are known, beside background and current drug.
        levels: of the intervals.

    Raises:
        UnknownNameError: another word for `basis`.
    """
    random = np.random.default_rng([seed, sets])
    draws = shipped_draws(sets, int(random.integers(2**31)), check_basis(basis))
    patients = simulate(draws, random)
    models = [model for _, model in blocks(draws, SETS_AT_A_TIME)]
    lines: list[dict[str, object]] = []
    for count in findings:
        answers = np.concatenate([reasons_given(model, patients.known(count)) for model in models], axis=1)
        truth = answers[np.arange(sets), np.arange(sets)]
        for level in levels:
            inside, width = covered(answers, truth, level)
            lines += [{"findings": count, "level": level, **line} for line in _lines(inside, width)]
    return Coverage(pd.DataFrame(lines))


def _lines(inside: Flags, width: Array) -> list[dict[str, object]]:
    open_ones = width > WIDTHLESS
    lines = [
        _line(reason, inside[:, place, None], width[:, place, None], open_ones[:, place, None])
        for place, reason in enumerate(variables()[REASON].state_ids)
    ]
    return [*lines, _line(ALL, inside, width, open_ones)]


def _line(reason: str, inside: Flags, width: Array, open_ones: Flags) -> dict[str, object]:
    """Return the coverage with its standard error, in which one patient's reasons count as one cluster."""
    counted = open_ones.sum(axis=1)
    total = counted.sum()
    if not total:
        return {"reason": reason, "covered": np.nan, "error": np.nan, "width": np.nan, "patients": 0}
    share = (inside & open_ones).sum() / total
    residual = (inside & open_ones).sum(axis=1) - share * counted
    error = float(np.sqrt((residual**2).sum()) / total)
    width_mean = float(width[open_ones].mean())
    return {"reason": reason, "covered": float(share), "error": error, "width": width_mean, "patients": int((counted > 0).sum())}
