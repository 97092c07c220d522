"""Co-variation: how the other states of a row make room when one cell of a table takes another value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...data.errors import FindingError, unknown_name

Array = NDArray[np.float64]

PROPORTIONAL, UNIFORM, ORDER_PRESERVING = "proportional", "uniform", "order_preserving"
SCHEMES = (PROPORTIONAL, UNIFORM, ORDER_PRESERVING)


@dataclass(frozen=True)
class Piece:
    """A range of the varied cell in which its row is `start + value * slope`, each of shape (states,)."""

    low: float
    high: float
    start: Array
    slope: Array

    def row(self, value: float) -> Array:
        """Return the row in which the varied cell has this value."""
        return self.start + value * self.slope


def check_scheme(scheme: str) -> str:
    """Return the scheme, or raise `UnknownNameError`."""
    if scheme not in SCHEMES:
        raise unknown_name("scheme", scheme, SCHEMES)
    return scheme


def pieces(row: Array, state: int, scheme: str = PROPORTIONAL) -> tuple[Piece, ...]:
    """Return how a row follows one of its cells, in ranges of the cell's value that join, lowest first.

    `proportional`: the others keep their proportions. `uniform`: the others share what is left equally, also at the present value.
    `order_preserving`: the order of the states by probability stays; states of equal probability count in their order in the table. It
    has a bend at the present value, and its values end where the cell and all greater ones are equal.

    Args:
        row: probabilities, shape (states,), at least two.
        state: position of the varied cell.
        scheme: one of `SCHEMES`.

    Raises:
        UnknownNameError: for a scheme that does not exist.
        FindingError: proportional, and the cell is 1, so that the others have no proportions; order-preserving, and the cell is the
            greatest of its row, or the cell and all greater ones are equal to one another and the others are 0.

    Source: Renooij 2014, International Journal of Approximate Reasoning 55:1022-1042; Leonelli, Goergen & Smith 2017, Information
    Sciences 411:84-97 (arXiv 1512.02266).
    """
    check_scheme(scheme)
    one = np.eye(len(row))[state]
    if scheme == UNIFORM:
        share = (1.0 - one) / (len(row) - 1)
        return (Piece(0.0, 1.0, share, one - share),)
    if scheme == ORDER_PRESERVING:
        return _order_preserving(row, state)
    if row[state] >= 1.0:
        raise FindingError("the cell is 1, so the other states have no proportions to keep; accepted: scheme uniform")
    share = np.where(one > 0, 0.0, row) / (1.0 - row[state])
    return (Piece(0.0, 1.0, share, one - share),)


def _order_preserving(row: Array, state: int) -> tuple[Piece, ...]:
    present = float(row[state])
    rank = np.empty(len(row), dtype=np.intp)
    rank[np.argsort(row, kind="stable")] = np.arange(len(row))
    less, more = rank < rank[state], rank > rank[state]
    if not more.any():
        raise FindingError("the cell is the greatest of its row and cannot be varied with the order kept; accepted: another scheme")
    most = 1.0 / (1 + int(more.sum()))
    one = np.eye(len(row))[state]
    found = []
    if present > 0.0:
        above = float(row[more].sum())
        slope = np.where(less, row / present, np.where(more, -row * (1.0 - above) / (above * present), one))
        found.append(Piece(0.0, present, np.where(more, row / above, 0.0), slope))
    if present < most:
        # At `most` every lesser state is 0 and all others are equal.
        end = np.where(less, 0.0, most)
        slope = (end - row) / (most - present)
        found.append(Piece(present, most, end - most * slope, slope))
    return tuple(found)


def covaried(row: Array, state: int, value: float, scheme: str = PROPORTIONAL) -> Array:
    """Return the row in which one cell has another value; arguments and errors as in `pieces`.

    Raises `FindingError` for a value outside the range of the scheme.
    """
    parts = pieces(row, state, scheme)
    for part in parts:
        if part.low <= value <= part.high:
            return part.row(value)
    raise FindingError(f"value: {value:g}; {parts[0].low:g} to {parts[-1].high:g} are accepted for scheme {scheme}")
