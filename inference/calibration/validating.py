"""`refra validate`: published rows that were kept back from the fit, or those that were fitted to, beside the network's predictions."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ...data.errors import unknown_name
from ...data.tables import read_text
from ...model.draws import DEFAULT_DRAWS, DEFAULT_SEED, FITTED, check_basis
from .checking import Check, check
from .evaluating import shipped_models
from .observing import MEDIAN_OF_HALF_NORMAL
from .reading import between_study, calibration_targets, validation_targets

ROWS = ("validation", "calibration")


def between_studies(basis: str) -> Mapping[str, float]:
    """Return the standard deviation between studies of each design: its posterior median, or that of its prior."""
    prior = {design: MEDIAN_OF_HALF_NORMAL * scale.sd for design, scale in between_study().items()}
    if basis != FITTED:
        return prior
    found = json.loads(read_text("posterior", "fit.json"))["between studies"]
    return {**prior, **{design: quantiles[1] for design, quantiles in found.items()}}


def validation(rows: str = "validation", basis: str = FITTED, draws: int = DEFAULT_DRAWS, seed: int = DEFAULT_SEED) -> Check:
    """Predict published rows and set the predictions beside what was published.

    Args:
        rows: `validation`, rows that were never fitted to, or `calibration`, those that were.
        basis: `fitted`, the joint posterior, or `prior`, every parameter record by itself.
        draws: parameter sets behind the intervals.
        seed: of the draws.

    Raises:
        UnknownNameError: another word for `rows` or `basis`.
    """
    if rows not in ROWS:
        raise unknown_name("set of rows", rows, ROWS)
    targets = validation_targets() if rows == "validation" else calibration_targets()
    return check(targets.values(), shipped_models(draws, seed, check_basis(basis)), between_studies(basis), seed)
