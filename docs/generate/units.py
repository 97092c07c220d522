"""The units of measured findings, in one table for the pages."""

from __future__ import annotations

from refra.inference.fields import FIELD_VARIABLES
from refra.inference.units import QUANTITIES

from .writing import code, number, plain, table, variable_path


def units_table() -> str:
    """Return the fields that take a number, each with its unit, what else is accepted and what is possible, for a page one folder down."""
    rows = []
    for field, quantity in QUANTITIES.items():
        others = [unit for unit in quantity.accepted if unit != quantity.unit]
        possible = f"{number(quantity.low)} to {quantity.high:,.0f}" + (", whole" if quantity.whole else "")
        link = f"[{code(field)}](../{variable_path(FIELD_VARIABLES[field])})"
        rows.append((link, plain(quantity.unit), plain(", ".join(others)), possible))
    return table(("Field", "Unit of a bare number", "Also accepted", "Possible values"), rows)
