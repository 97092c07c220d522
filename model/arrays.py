"""Array functions for the builders of tables, which work on numpy arrays and, where the caller brings them, on JAX arrays.

The derivatives of the joint fit come from JAX going through the same builders that make the tables at run time. JAX is never imported
here: only a caller who has imported it can bring one of its arrays.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "xp"]

Array = NDArray[np.float64]

FUNCTIONS = (
    "array", "asarray", "atleast_1d", "broadcast_arrays", "broadcast_to", "concatenate", "cumsum", "diff", "exp", "eye", "full_like", "log",
    "log1p", "maximum", "minimum", "moveaxis", "ones", "ones_like", "sort", "sqrt", "stack", "tanh", "where", "zeros", "zeros_like",
)  # fmt: skip
"""Names of the functions of numpy that a builder may call through `xp`."""


def _holds(kind: type, values: Any) -> bool:
    """Tell whether a value is of a kind, or a list or tuple that holds one at any depth."""
    if isinstance(values, list | tuple):
        return any(_holds(kind, value) for value in values)
    return isinstance(values, kind)


def _dispatching(name: str) -> Callable[..., Any]:
    """Return numpy's function of this name, which gives way to that of `jax.numpy` where an argument holds a JAX array."""
    own = getattr(np, name)

    def function(*args: Any, **keywords: Any) -> Any:
        jax = sys.modules.get("jax")
        if jax is not None and _holds(jax.Array, args):
            return getattr(jax.numpy, name)(*args, **keywords)
        return own(*args, **keywords)

    return function


def contiguous(values: Array) -> Array:
    """Return the array laid out in the order of its axes; a JAX array has no layout of its own."""
    return np.ascontiguousarray(values) if isinstance(values, np.ndarray) else values


if TYPE_CHECKING:
    import numpy as xp
else:
    xp = SimpleNamespace(**{name: _dispatching(name) for name in FUNCTIONS})
