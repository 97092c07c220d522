"""Sensitivity analyses of one patient's answer, named as health-economists name them; the names are imported on first use."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "Analysis": "analysis",
    "Case": "case",
    "Design": "designs",
    "Result": "result",
    "acceptability": "accepting",
    "all_cells": "cells",
    "all_parameters": "tornado",
    "analyse": "analysis",
    "case_of": "case",
    "change_of_mind": "mind",
    "evpi": "information",
    "evppi": "information",
    "evsi": "sampling",
    "expected_loss": "accepting",
    "findings_tornado": "findings",
    "info_rank": "information_rank",
    "leave_out_structure": "structure",
    "leave_out_studies": "studies",
    "next_tests": "next_test",
    "one_way": "one_way_curve",
    "parameter_tornado": "tornado",
    "preferences_table": "preferences_file",
    "psa": "probabilistic",
    "quantity": "quantities",
    "read_preferences": "preferences_file",
    "two_way": "two_way_map",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
