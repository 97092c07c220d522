"""Background of the patient: observed roots."""

from __future__ import annotations

from .building import NodeSpec, prior_weights

ROOTS = (
    "age_group", "sex", "bmi_class", "smoking", "disease_duration", "cardiovascular_risk", "prior_serious_infection",
    "glucocorticoid", "methotrexate", "current_drug",
)  # fmt: skip

NODES = {root: NodeSpec((), prior_weights(root)) for root in ROOTS}
