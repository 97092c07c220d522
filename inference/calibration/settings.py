"""What differs between trials, for which the records hold, and routine care."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from ...data.errors import RefraError
from ...model.assembly import central_model
from ...model.draws import PRIOR
from ...model.families import expit, logit
from .questions import SETTINGS

TRIAL, ROUTINE = SETTINGS

MOVED: Mapping[str, str] = MappingProxyType({"response.contextual": "setting.routine_contextual"})
"""For each parameter that differs in routine care the nuisance parameter that moves it, on the log odds scale."""


@cache
def variables_moved() -> frozenset[str]:
    """Return the variables whose tables differ between the settings."""
    return frozenset(name for name, read in central_model(PRIOR).parameters.items() if not MOVED.keys().isdisjoint(read))


def in_setting(values: Mapping[str, Any], setting: str) -> dict[str, Any]:
    """Return the parameter values of a setting; `values` are those of a trial with the shifts to routine care beside them.

    The values may be numpy or JAX arrays. Raises `RefraError` for another setting, or where a shift is wanted and missing.
    """
    if setting == TRIAL:
        return dict(values)
    if setting != ROUTINE:
        raise RefraError(f"setting {setting!r}; {TRIAL} and {ROUTINE} are accepted")
    for shift in MOVED.values():
        if shift not in values:
            raise RefraError(f"the setting {ROUTINE!r} needs a value of {shift}")
    return {**values, **{name: expit(logit(values[name]) + values[shift]) for name, shift in MOVED.items()}}
