"""The shipped draws from the joint posterior of all parameters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from .errors import RecordError

FOLDER, FILE = "posterior", "draws.npz"


@dataclass(frozen=True, eq=False)
class Fitted:
    """Draws from the joint posterior, as deviates from every parameter's own record.

    A deviate is a distance from the record's centre in its standard deviations, on the scale of its distribution. So a record that is
    edited moves the answers at once, by as much as it would have moved before the fit.

    Attributes:
        ids: the parameters, those of the fit alone (nuisance parameters) included.
        deviates: shape (draws, parameters).
        asked: whether any published row asks about the parameter, shape (parameters,).
        inputs: digests of the tables that the fit was made from, by file.
    """

    ids: tuple[str, ...]
    deviates: NDArray[np.float64]
    asked: NDArray[np.bool_]
    inputs: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        """Refuse what does not fit together."""
        wanted = (len(self.ids),)
        if self.deviates.shape[1:] != wanted or self.asked.shape != wanted or not np.isfinite(self.deviates).all():
            raise RecordError(
                f"data/{FOLDER}/{FILE}: deviates of shape {self.deviates.shape}; finite ones of shape (draws, {len(self.ids)}) are wanted"
            )

    def column(self, identifier: str) -> NDArray[np.float64] | None:
        """Return the deviates of one parameter, shape (draws,), or None if it was no part of the fit."""
        return self.deviates[:, self.ids.index(identifier)] if identifier in self.ids else None

    def centre(self, identifier: str) -> float:
        """Return the posterior mean of a parameter's deviate; exactly 0 where no published row asks about it, whatever the draws' noise."""
        if identifier not in self.ids or not self.asked[self.ids.index(identifier)]:
            return 0.0
        return float(self.deviates[:, self.ids.index(identifier)].mean())

    def contraction(self, identifier: str) -> float:
        """Return the part of a parameter's prior variance that the fit took away; exactly 0 where no published row asks about it."""
        if identifier not in self.ids or not self.asked[self.ids.index(identifier)]:
            return 0.0
        return float(1 - self.deviates[:, self.ids.index(identifier)].var())


@cache
def fitted() -> Fitted:
    """Return the shipped draws."""
    with files(__package__).joinpath(FOLDER, FILE).open("rb") as stream, np.load(stream) as found:
        return Fitted(
            tuple(found["ids"].tolist()),
            found["deviates"].astype(np.float64),
            found["asked"],
            tuple((str(name), str(digest)) for name, digest in found["inputs"].tolist()),
        )
