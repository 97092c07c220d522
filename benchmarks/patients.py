"""Patients drawn from the network, with findings left out at random."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from refra.inference.fields import FIELD_VARIABLES
from refra.model.assembly import central_model
from refra.model.drug_classes import CLASSES

BACKGROUND = (
    "age", "sex", "bmi", "smoking", "disease_duration", "cardiovascular_risk", "prior_serious_infection", "glucocorticoid",
    "methotrexate", "current_drug",
)  # fmt: skip


def sampled_states(count: int, seed: int) -> dict[str, np.ndarray[Any, np.dtype[np.intp]]]:
    """Return the state number of every variable in `count` patients on a drug, drawn from the central network."""
    model = central_model()
    random = np.random.default_rng(seed)
    found: dict[str, np.ndarray[Any, np.dtype[np.intp]]] = {}
    for name in model.states:
        table = model.tables[name][0][tuple(found[parent] for parent in model.parents[name])]
        if name == "current_drug":
            table = table.copy()
            table[model.position(name, "none")] = 0.0
            table /= table.sum()
        below = np.broadcast_to(table, (count, table.shape[-1])).cumsum(axis=1)
        found[name] = np.minimum((random.random((count, 1)) >= below).sum(axis=1), table.shape[-1] - 1)
    return found


def sampled_patients(count: int, seed: int, missing: float, background_missing: float) -> pd.DataFrame:
    """Return patient records, one row each; every field is left out with probability `missing` (background: `background_missing`)."""
    model = central_model()
    states = sampled_states(count, seed)
    random = np.random.default_rng([seed, 1])
    columns: dict[str, Any] = {}
    for field, variable in FIELD_VARIABLES.items():
        if field == "earlier":
            seen = [{c: model.states[f"earlier_{c}"][states[f"earlier_{c}"][i]] for c in CLASSES} for i in range(count)]
            values = np.array([{c: outcome for c, outcome in one.items() if outcome != "not_tried"} for one in seen], dtype=object)
        else:
            values = np.array(model.states[variable], dtype=object)[states[variable]]
        hidden = random.random(count) < (background_missing if field in BACKGROUND else missing)
        columns[field] = np.where(hidden, None, values)
    return pd.DataFrame(columns)
