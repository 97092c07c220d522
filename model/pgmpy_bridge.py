"""The one place that touches pgmpy: the central network as a pgmpy object."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .assembly import central_model
from .network import Model


def network() -> Any:
    """Return refra's network at the centres of its parameters as a pgmpy `DiscreteBayesianNetwork` with named states.

    The first call imports pgmpy, which takes seconds. Each call returns a network of its own, so that changing one changes nothing else.
    """
    return to_pgmpy(central_model())


def to_pgmpy(model: Model) -> Any:
    """Return a model's first parameter set as a pgmpy `DiscreteBayesianNetwork`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pgmpy.factors.discrete import TabularCPD
        from pgmpy.models import DiscreteBayesianNetwork
    result = DiscreteBayesianNetwork()
    result.add_nodes_from(list(model.states))
    result.add_edges_from([(parent, name) for name in model.states for parent in model.parents[name]])
    for name in model.states:
        parents = model.parents[name]
        table = np.moveaxis(model.tables[name][0], -1, 0).reshape(model.card(name), -1)
        result.add_cpds(
            TabularCPD(
                name,
                model.card(name),
                table,
                evidence=list(parents) or None,
                evidence_card=[model.card(parent) for parent in parents] or None,
                state_names={variable: list(model.states[variable]) for variable in (name, *parents)},
            )
        )
    result.check_model()
    return result
