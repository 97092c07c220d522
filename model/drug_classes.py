"""Which states of `current_drug` form which class, and what they share."""

from __future__ import annotations

from types import MappingProxyType

CLASSES = ("tnf_inhibitor", "il6r_inhibitor", "abatacept", "rituximab", "jak_inhibitor")

TNF_DRUGS = ("infliximab", "adalimumab", "golimumab", "certolizumab", "etanercept")

CLASS_OF = MappingProxyType(
    {
        **dict.fromkeys(TNF_DRUGS, "tnf_inhibitor"),
        "il6r_inhibitor": "il6r_inhibitor",
        "abatacept": "abatacept",
        "rituximab": "rituximab",
        "jak_inhibitor": "jak_inhibitor",
    }
)
"""Class of each state of `current_drug` but `none`."""

TNF_MONOCLONAL = ("infliximab", "adalimumab", "golimumab")
"""Whole TNF antibodies, whose level methotrexate and antibodies change most."""

FC_BEARING = ("infliximab", "adalimumab", "golimumab", "etanercept")
"""TNF inhibitors with an Fc part, which very high rheumatoid factor binds."""

INFUSED = ("infliximab", "rituximab")
"""Drugs given by infusion only or mostly."""

ORAL = ("jak_inhibitor",)


def drugs_of(drug_class: str) -> tuple[str, ...]:
    """Return the states of `current_drug` that belong to a class."""
    return tuple(drug for drug, its_class in CLASS_OF.items() if its_class == drug_class)
