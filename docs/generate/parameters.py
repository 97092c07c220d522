"""One page for each parameter, and for each node a list of its parameters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from refra import show
from refra.data.fitted import fitted
from refra.data.loading import NOT_A_NODE, STATUSES, parameters, variables
from refra.data.records import Parameter
from refra.inference.influence import UNTOUCHED

from .writing import (
    ALONE,
    WIDE,
    code,
    evidence_link,
    facts_table,
    number,
    page,
    parameter_link,
    parameter_path,
    parameters_path,
    plain,
    study_link,
    table,
    variable_link,
    with_range,
    words,
)

SCALES = {"logit_normal": "log odds", "lognormal": "natural logarithm"}
MEANINGS = {
    "measured": "one published number",
    "pooled": "several published numbers, pooled",
    "derived": "published numbers turned into another quantity",
    "judgement": "judgement",
}


@cache
def on_record(name: str) -> Mapping[str, Any]:
    """Return what refra shows of a parameter."""
    found: Mapping[str, Any] = show(name).to_dict()
    return found


def nodes() -> tuple[str, ...]:
    """Return the nodes that parameters belong to, in the order of the records."""
    return tuple(dict.fromkeys(record.node for record in parameters().values()))


def parameter_pages() -> dict[str, str]:
    """Return the pages of all parameters, by source path, with the list of each node and the index of these."""
    return {
        parameters_path("index"): _index(),
        **{parameters_path(node): _node_page(node) for node in nodes()},
        **{parameter_path(name): _page(on_record(name)) for name in parameters()},
    }


def of_node(node: str) -> list[str]:
    """Return the parameters that belong to a node."""
    return [name for name, record in parameters().items() if record.node == node]


def _title(node: str) -> str:
    if node in NOT_A_NODE:
        return "Weights of the utility"
    return f"{variables()[node].label['en']} · {variables()[node].label['zh']}"


def _index() -> str:
    rows = []
    for node in nodes():
        shares = Counter(parameters()[name].status for name in of_node(node))
        rows.append(
            (
                f"[{code(node)}]({node}.md)",
                plain(_title(node)),
                str(shares.total()),
                *(str(shares[status] or "") for status in STATUSES),
            )
        )
    return page(
        WIDE,
        "# Parameters",
        "Every number that the network and the utilities use, by the variable it belongs to. Each has a page of its own with value, "
        "distribution, what the joint fit made of it, its reason, and the published numbers for and against it.",
        table(("Node", "Label", "Parameters", *(status.capitalize() for status in STATUSES)), rows),
    )


def _node_page(node: str) -> str:
    if node in NOT_A_NODE:
        intro = "Weights on the QALY scale, all of which a user can set ([preferences](../../how-to/preferences.md))."
    else:
        intro = f"Numbers that the table of {variable_link(node)} and tables like it are built from. {plain(variables()[node].sentence)}"
    return page(ALONE, f"# Parameters: {plain(_title(node))}", "[All parameters](index.md)", intro, parameters_table(of_node(node)))


def parameters_table(names: Iterable[str]) -> str:
    """Return a table of parameters, each with a link to its page."""
    rows = []
    for name in names:
        data = on_record(name)
        fit, _ = after_the_fit(name, data["fitted"])
        given = "; ".join(filter(None, (data["state"], data["given"])))
        status = data["status"] + ('; <strong class="against">evidence against</strong>' if data["evidence_against"] else "")
        rows.append((parameter_link(name), plain(given), with_range(data), fit, status))
    return table(("Parameter", "State; given", "Record (95 % interval)", "After the joint fit", "Status"), rows)


def distribution(data: Mapping[str, Any]) -> str:
    """Return a distribution in words: family, centre, and standard deviation with its scale."""
    scale = SCALES.get(data["distribution"], "number itself")
    family = data["distribution"].replace("_", "-")
    return f"{family}, centre {number(data['value'])}, standard deviation {number(data['spread'])} of the {scale}"


def kind_and_scale(record: Parameter) -> str:
    """Return what kind of number a parameter is, with its unit: "median, mg/L"."""
    return ", ".join(filter(None, (words(record.kind), plain(record.unit))))


def untouched(name: str) -> bool:
    """Return whether the published numbers together say nothing of a parameter.

    So it is where no row asks about it, whatever the noise of the draws, and where its variance stayed as it was.
    """
    deviates = fitted().column(name)
    if deviates is None or not fitted().asked[fitted().ids.index(name)]:
        return True
    return bool(1 - deviates.var() <= UNTOUCHED)


def after_the_fit(name: str, found: Mapping[str, Any] | None) -> tuple[str, str]:
    """Return a parameter's value after the joint fit, and how far the fit moved and narrowed it, both in words."""
    deviates = fitted().column(name)
    if found is None or deviates is None:
        return "no part of the fit", ""
    if untouched(name):
        moved = "the published numbers together say nothing of it (its posterior is its prior)"
    else:
        moved = (
            f"centre moved by {fitted().centre(name):+.2f} prior standard deviations, standard deviation {deviates.std():.2f} of the "
            f"prior's, contraction {found['contraction']:.2f}"
        )
    return with_range(found), moved


def _derivation(data: Mapping[str, Any]) -> str:
    if not data["derivation"]:
        return ""
    arguments = ", ".join(f"{key} = {value}" for key, value in data["arguments"].items())
    name = data["derivation"]
    return f"[{code(name)}][refra.model.derivations.{name}]" + (f" with {plain(arguments)}" if arguments else "")


def _page(data: Mapping[str, Any]) -> str:
    name, node = data["name"], data["node"]
    up = "[All parameters](index.md) · " + f"[parameters of {code(node)}]({node}.md)"
    fit, moved = after_the_fit(name, data["fitted"])
    rows = [
        ("Value", f"{with_range(data)}, 95 % interval of the record"),
        ("Distribution", distribution(data)),
        ("After the joint fit", f"{fit}; {moved}" if moved else fit),
        ("Status", MEANINGS[data["status"]]),
        ("Kind", kind_and_scale(parameters()[name])),
        ("State", code(data["state"]) if data["state"] else ""),
        ("Given", plain(data["given"])),
        ("Derivation", _derivation(data)),
        ("Rationale", plain(data["rationale"])),
        ("Gap to the evidence", plain(data["gap"])),
        ("Tables that use it", ", ".join(variable_link(variable) for variable in data["tables"])),
    ]
    return page(
        ALONE,
        f"# `{name}`",
        up,
        facts_table(rows),
        _evidence("Evidence for it", data["evidence_for"]),
        _against(data["evidence_against"]),
    )


def _rows(records: Sequence[Mapping[str, Any]]) -> str:
    return table(
        ("Row", "Study", "Quantity", "Value (95 % interval)"),
        [(evidence_link(r["id"], r["study"]), study_link(r["study"], r["citation"]), plain(r["quantity"]), with_range(r)) for r in records],
    )


def _evidence(title: str, records: Sequence[Mapping[str, Any]]) -> str:
    return f"## {title}\n\n{_rows(records)}" if records else ""


def _against(records: Sequence[Mapping[str, Any]]) -> str:
    if not records:
        return ""
    indented = "\n".join(f"    {line}" if line else "" for line in _rows(records).splitlines())
    return f'!!! warning "Evidence against it"\n\n{indented}'
