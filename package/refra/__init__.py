"""refra: why did the biologic fail, and what next? A Bayesian network of biologic-therapy failure in RA."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Assessment": "refra.inference.assessment",
    "Comparison": "refra.inference.comparison",
    "FindingError": "refra.data.errors",
    "ImpossibleFindingsError": "refra.data.errors",
    "Patient": "refra.inference.patient",
    "Preferences": "refra.inference.preferences",
    "QueryResult": "refra.inference.query_result",
    "RecordError": "refra.data.errors",
    "RefraError": "refra.data.errors",
    "UnknownNameError": "refra.data.errors",
    "assess": "refra.inference.assessment",
    "assess_many": "refra.inference.cohort",
    "compare": "refra.inference.comparison",
    "explore": "refra.inference.explorer",
    "export_network": "refra.model.exporting",
    "network": "refra.inference.network_view",
    "network_svg": "refra.inference.display_graph",
    "query": "refra.inference.querying",
    "show": "refra.inference.showing",
}

__all__ = ["__version__", *sorted(_HOME)]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'refra' has no attribute {name!r}; it has {', '.join(sorted(_HOME))}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, "__doc__", "__file__", "__name__", "__path__"})
