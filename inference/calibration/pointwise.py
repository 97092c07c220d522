"""What the network predicts for every row of the fit at every shipped draw.

Rebuilt by `python -m refra.inference.calibration.pointwise data/posterior` whenever the draws are (half a minute). From the predictions
follows how probable each row is at each draw, and so how the posterior would look without a study.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...data.errors import RecordError
from ...data.fitted import FILE, FOLDER, Fitted, fitted
from ...data.loading import parameters
from ...model.draws import fitted_draws, rows_picked
from .evaluating import distinct, evaluate, models_of
from .reading import calibration_targets, nuisance
from .targets import Target, predicted

Array = NDArray[np.float64]

PREDICTIONS = "predictions.npz"


@dataclass(frozen=True, eq=False)
class Pointwise:
    """Predictions for rows of evidence at the posterior's draws, on the scales of the likelihood.

    Attributes:
        rows: ids of the rows of evidence.
        predictions: shape (draws, rows), the draws in the order of `draws.npz`.
        draws: SHA-256 of the draws that the predictions were made at.
    """

    rows: tuple[str, ...]
    predictions: Array
    draws: str


def digest(content: bytes) -> str:
    """Return the SHA-256 of a file's content."""
    return hashlib.sha256(content).hexdigest()


def predictions_at(posterior: Fitted, targets: Iterable[Target]) -> Array:
    """Return what the network predicts for targets at every draw of a posterior, shape (draws, targets)."""
    chosen = tuple(targets)
    count = len(posterior.deviates)
    seed = 0
    values = fitted_draws({**parameters(), **nuisance()}, posterior, count, seed)
    answers = evaluate(distinct(chosen), models_of(values))
    found = np.empty((count, len(chosen)))
    # Set 0 is the centre, which is no draw.
    found[rows_picked(count, count, seed)] = np.stack(
        [np.broadcast_to(predicted(one, answers, np), count + 1)[1:] for one in chosen], axis=1
    )
    return found


@cache
def pointwise() -> Pointwise:
    """Return the shipped predictions.

    Raises:
        RecordError: they belong to other draws or other rows than the shipped ones.
    """
    folder = files("refra.data").joinpath(FOLDER)
    with folder.joinpath(PREDICTIONS).open("rb") as stream, np.load(stream) as found:
        read = Pointwise(tuple(found["rows"].tolist()), found["predictions"].astype(np.float64), str(found["draws"]))
    return checked(read, folder.joinpath(FILE).read_bytes(), tuple(calibration_targets()), len(fitted().deviates))


def checked(found: Pointwise, draws: bytes, rows: tuple[str, ...], count: int) -> Pointwise:
    """Return predictions, or raise `RecordError` unless they belong to the draws file with this content and to these rows of the fit."""
    problem = None
    if found.draws != digest(draws):
        problem = f"made at other draws than those of {FILE}"
    elif found.rows != rows:
        problem = "made for other rows than those of data/targets/targets.csv"
    elif found.predictions.shape != (count, len(rows)) or not np.isfinite(found.predictions).all():
        problem = f"of shape {found.predictions.shape}; finite ones of shape {(count, len(rows))} are wanted"
    if problem:
        raise RecordError(
            f"data/{FOLDER}/{PREDICTIONS}: {problem}; rebuild it by `python -m refra.inference.calibration.pointwise data/{FOLDER}`"
        )
    return found


def main() -> None:
    """Predict every row of the fit at every shipped draw and write the predictions."""
    parser = argparse.ArgumentParser(prog="refra.inference.calibration.pointwise", description=__doc__)
    parser.add_argument("folder", type=Path, help=f"where {FILE} lies and {PREDICTIONS} is written")
    given = parser.parse_args()
    content = (given.folder / FILE).read_bytes()
    if content != files("refra.data").joinpath(FOLDER, FILE).read_bytes():
        raise SystemExit(f"{given.folder / FILE} is not the file that refra reads; install refra from the folder that holds it first")
    targets = calibration_targets()
    found = predictions_at(fitted(), targets.values())
    # Seven digits are far more than the draws' own half precision leaves.
    np.savez_compressed(
        given.folder / PREDICTIONS, rows=np.array(tuple(targets)), predictions=found.astype(np.float32), draws=np.array(digest(content))
    )


if __name__ == "__main__":
    main()
