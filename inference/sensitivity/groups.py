"""Groups of parameters, read off the records: by stage, by node, by status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...data.errors import FindingError, unknown_name
from ...data.loading import parameters, variables
from ...data.records import Parameter

GROUPINGS = ("stage", "node", "status")
CHOSEN = "chosen"

Groups = Mapping[str, tuple[str, ...]]


def stage_of(record: Parameter) -> str:
    """Return the stage of a record's node; what describes findings stands apart, and weights of outcomes are no part of any stage."""
    if record.node not in variables():
        return record.node
    variable = variables()[record.node]
    return f"{variable.stage}, findings" if variable.role == "finding" else variable.stage


def grouped(by: str) -> Groups:
    """Return the parameters by `stage` (of their node, findings apart), `node` or `status`, in the order of the records.

    Raises `UnknownNameError` for another grouping.
    """
    if by not in GROUPINGS:
        raise unknown_name("grouping", by, GROUPINGS)
    found: dict[str, tuple[str, ...]] = {}
    for name, record in parameters().items():
        key = stage_of(record) if by == "stage" else record.node if by == "node" else record.status
        found[key] = (*found.get(key, ()), name)
    return found


def groups_of(given: str | Sequence[str] | Mapping[str, Sequence[str]]) -> Groups:
    """Read groups: a grouping's name, the ids of parameters (one group), or a mapping of name to ids.

    Raises `UnknownNameError` for a grouping or parameter that does not exist, `FindingError` for a group without parameters.
    """
    if isinstance(given, str):
        return grouped(given)
    groups = given if isinstance(given, Mapping) else {CHOSEN: given}
    found: dict[str, tuple[str, ...]] = {}
    for name, members in groups.items():
        for member in members:
            if member not in parameters():
                raise unknown_name("parameter", member, parameters(), where=f"group {name}")
        found[name] = tuple(dict.fromkeys(members))
        if not found[name]:
            raise FindingError(f"group {name}: no parameters; at least one is needed")
    return found
