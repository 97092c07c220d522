"""What goes into a plan: tables, states and likelihoods, checked and brought into the order of the plan's axes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..data.errors import RefraError
from .elimination import mask_of

Floats = NDArray[np.float64]
Index = int | NDArray[np.integer]


@dataclass(frozen=True)
class Factor:
    """One input table: the conditional table of `variable`, or the likelihood of what was seen of it (`soft`).

    `shape` is that of the table without its draws; `fixed` names the variables whose axes are sliced away; `axes` is
    the permutation that puts those first, then the free variables in their order, then the draws; `scope` is the mask
    of the free ones.
    """

    variable: str
    soft: bool
    shape: tuple[int, ...]
    fixed: tuple[str, ...]
    axes: tuple[int, ...]
    scope: int


def state_numbers(name: str, value: Index, card: int) -> Index:
    """Check a state number, or an array of them with one for each draw."""
    index = np.asarray(value)
    if index.dtype.kind not in "iu" or index.ndim > 1 or np.any(index < 0) or np.any(index >= card):
        raise RefraError(f"{name}: state number {value!r} should be a whole number from 0 to {card - 1}")
    return index if index.size != 1 else int(index.item())


def likelihood(name: str, value: ArrayLike, card: int) -> tuple[Floats, Floats]:
    """Return a likelihood scaled to a largest entry of 1, shape (draws or 1, states), and the log of the scale."""
    table = np.atleast_2d(np.asarray(value, dtype=np.float64))
    if table.ndim != 2 or table.shape[1] != card:
        raise RefraError(f"likelihood of {name}: shape {np.shape(value)} should be ({card},) or (draws, {card})")
    if not np.all(np.isfinite(table) & (table >= 0.0)):
        raise RefraError(f"likelihood of {name}: every entry should be a finite number of at least 0")
    scale = table.max(axis=1)
    safe = np.where(scale > 0.0, scale, 1.0)
    return table / safe[:, None], np.log(safe)


def common_size(arrays: Iterable[NDArray[np.generic]]) -> int:
    """Return the common length of the leading axes, those of length 1 going with any."""
    sizes = {len(array) for array in arrays} - {1}
    if len(sizes) > 1 or 0 in sizes:
        raise RefraError(f"leading axes of {', '.join(map(str, sorted(sizes)))} draws do not go together")
    return sizes.pop() if sizes else 1


def load_factor(factor: Factor, array: Floats, fixed: Mapping[str, Index], part: slice) -> Floats:
    """Cut the known variables' states and a part of the draws out of a table, and put the draws last."""
    table = (array[part] if len(array) > 1 else array).transpose(factor.axes)
    chosen = [fixed[name] for name in factor.fixed]
    rows = [value if isinstance(value, int) else value[part] for value in chosen]
    if all(isinstance(value, int) for value in rows):
        table = table[tuple(rows)]
    elif table.shape[-1] == 1:
        # One small table, many rows: number the fixed states' combinations and pick columns.
        sizes = table.shape[: len(rows)]
        picked = np.ravel_multi_index(tuple(np.broadcast_arrays(*rows)), sizes)
        free = table.shape[len(rows) : -1]
        table = table.reshape(math.prod(sizes), math.prod(free)).T.take(picked, axis=1).reshape(*free, -1)
    else:
        whole = (slice(None),) * (table.ndim - 1 - len(rows))
        # Index arrays apart from one another put their common axis first.
        table = np.moveaxis(table[(*rows, *whole, np.arange(table.shape[-1]))], 0, -1)
    return table if table.strides[-1] == table.itemsize else np.ascontiguousarray(table)


def make_factor(variable: str, scope: Sequence[str], soft: bool, number: Mapping[str, int], cards: Mapping[str, int]) -> Factor:
    """Return the factor over `scope`; `number` gives the free variables' places among the axes."""
    fixed = [place for place, name in enumerate(scope, start=1) if name not in number]
    free = [place for place, name in enumerate(scope, start=1) if name in number]
    free.sort(key=lambda place: number[scope[place - 1]])
    return Factor(
        variable,
        soft,
        tuple(cards[name] for name in scope),
        tuple(scope[place - 1] for place in fixed),
        (*fixed, *free, 0),
        mask_of(number[scope[place - 1]] for place in free),
    )


def spread_cells(factor: Factor, cells: Floats, fixed: Mapping[str, Index]) -> Floats:
    """Put values of a loaded factor's cells (draws last) back where the cells lie in the table; the others are zero.

    Returns an array of shape (draws, *shape of the table).
    """
    draws = cells.shape[-1]
    whole = (draws, *factor.shape)
    spread = np.zeros([whole[axis] for axis in factor.axes])
    states = [np.broadcast_to(fixed[name], (draws,)) for name in factor.fixed]
    free = [slice(None)] * (spread.ndim - 1 - len(states))
    # Index arrays apart from one another put their common axis first.
    place: tuple[Any, ...] = (*states, *free, np.arange(draws))
    spread[place] = np.moveaxis(cells, -1, 0) if states else cells
    return spread.transpose(np.argsort(factor.axes))
