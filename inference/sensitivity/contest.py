"""Who comes first, and where along a changing number another takes over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ..options import EXCLUDE_FIRST

Array = NDArray[np.float64]
Places = NDArray[np.intp]

CLOSED_FORM, ROOT = "closed form", "root to 1e-10"

TOLERANCE = 1e-10
"""Width to which a change of the first place is narrowed down, as a part of the range that is looked at."""

STEPS = 17
"""Points at which an interval is looked at in each round of narrowing it down."""

EMPTY = 1e-13
"""Intervals of at most this part of the range hold no place of their own; they come from ties."""


@dataclass(frozen=True, eq=False)
class Contest:
    """The contenders and the rule of the first place: the highest score.

    `last` marks contenders that rank behind all others once a further number, the last row of what the functions here take, is above
    `EXCLUDE_FIRST` (drug classes where another disease is probable), not of all; no such rule, no such row.
    """

    ids: tuple[str, ...]
    last: NDArray[np.bool_]

    @property
    def has_rule(self) -> bool:
        """Whether the last row is the number that the rule depends on."""
        return bool(self.last.any())

    def first(self, rows: Array) -> Places:
        """Return the place in `ids` of who comes first; `rows` has the contenders' scores, and the rule's number, on its first axis."""
        scores = rows[: len(self.ids)]
        if self.has_rule:
            behind = self.last.reshape(-1, *(1,) * (rows.ndim - 1)) & (rows[-1] > EXCLUDE_FIRST)
            scores = np.where(behind, -np.inf, scores)
        return np.asarray(scores.argmax(axis=0))

    def crossings(self, a: Array, b: Array, c: Array, d: Array) -> Array:
        """Return every x at which two of the curves (a + b x) / (c + d x) meet or the rule sets in.

        `a` and `b` have the shape (rows, n), `c` and `d` (n,); the result has the shape (crossings, n) and holds NaN where there is none.
        """
        pairs = list(combinations(range(len(self.ids)), 2))
        left, right = [i for i, _ in pairs], [j for _, j in pairs]
        top, bottom = a[left] - a[right], b[right] - b[left]
        if self.has_rule:
            top = np.concatenate([top, [a[-1] - EXCLUDE_FIRST * c]])
            bottom = np.concatenate([bottom, [EXCLUDE_FIRST * d - b[-1]]])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(bottom == 0, np.nan, top / bottom))

    def intervals(self, a: Array, b: Array, c: Array, d: Array, low: Array, high: Array) -> tuple[Array, Places]:
        """Return where along x each contender comes first, in closed form.

        Arguments are those of `crossings` and the range of x, shape (n,). Returns the limits of intervals, rising, shape (k + 1, n), and
        who is first in each, shape (k, n); -1 in intervals that are empty.
        """
        found = np.concatenate([[low], self.crossings(a, b, c, d), [high]])
        limits = np.sort(np.clip(np.where(np.isnan(found), high, found), low, high), axis=0)
        middle = (limits[1:] + limits[:-1]) / 2
        rows = (a[:, None] + b[:, None] * middle) / (c + d * middle)
        return limits, np.where(np.diff(limits, axis=0) <= EMPTY * (high - low), -1, self.first(rows))


@dataclass(frozen=True)
class Change:
    """The first place goes from one contender to another at `value` of a number that rises."""

    value: float
    before: str
    after: str
    how: str


def closed_form_changes(
    contest: Contest, a: Array, b: Array, c: float, d: float, low: float, high: float, before: int | None = None
) -> list[Change]:
    """Return every change of the first place along x in a range, where the curves are (a + b x) / (c + d x); `a`, `b` of shape (rows,).

    `before` is who was first just below the range, if that matters.
    """
    limits, who = contest.intervals(a[:, None], b[:, None], *(np.array([number]) for number in (c, d, low, high)))
    changes = []
    for start, place in zip(limits[:-1, 0], who[:, 0], strict=True):
        if place < 0:
            continue
        if before is not None and place != before:
            changes.append(Change(float(start), contest.ids[before], contest.ids[place], CLOSED_FORM))
        before = int(place)
    return changes


@dataclass(frozen=True)
class Bracket:
    """Between `low` and `high` the first place changes; `key` tells along what."""

    key: int
    low: float
    high: float
    before: int
    after: int


def narrowed(
    first: Callable[[Places, Array], Places], brackets: Sequence[Bracket], width: float, tolerance: float = TOLERANCE
) -> list[list[Bracket]]:
    """Narrow every bracket down to the changes of the first place inside it, to `tolerance` x `width`.

    All brackets are looked at together. Where a third contender comes first in between, both changes are found; two changes between
    neighbouring points of one round that give the place back go unseen.

    Args:
        first: returns who is first for arrays of keys and values of the same length.
        brackets: where to look.
        width: width of the whole range, which the tolerance refers to.
        tolerance: as a part of `width`.

    Returns:
        For each bracket its changes, each in a bracket of the wanted width.
    """
    done: list[list[Bracket]] = [[] for _ in brackets]
    open_ones = list(enumerate(brackets))
    while open_ones:
        values = np.stack([np.linspace(one.low, one.high, STEPS) for _, one in open_ones])
        keys = np.repeat([one.key for _, one in open_ones], STEPS)
        places = first(np.asarray(keys, dtype=np.intp), values.ravel()).reshape(values.shape)
        next_ones = []
        for (number, one), mine, line in zip(open_ones, places, values, strict=True):
            mine[0], mine[-1] = one.before, one.after
            for k in np.flatnonzero(np.diff(mine)):
                smaller = Bracket(one.key, float(line[k]), float(line[k + 1]), int(mine[k]), int(mine[k + 1]))
                if smaller.high - smaller.low <= tolerance * width:
                    done[number].append(smaller)
                else:
                    next_ones.append((number, smaller))
        open_ones = next_ones
    return [sorted(mine, key=lambda one: one.low) for mine in done]
