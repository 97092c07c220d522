"""One page for each variable: its states, neighbours, parameters and the studies behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from refra import show
from refra.data.loading import STAGES, evidence, parameters, studies, variables
from refra.inference.display_layout import share, span
from refra.inference.fields import FIELD_VARIABLES
from refra.inference.showing_parts import cut_between_whole_numbers, cutoff_words

from .parameters import parameters_table
from .writing import ALONE, WIDE, code, facts_table, page, plain, study_link, table, variable_link, variable_path

STAGE_TITLES = {
    "background": "Background",
    "exposure": "1. Did the drug get there?",
    "mechanism": "2. Did hitting the target matter?",
    "pain": "3. Is it synovitis that hurts?",
    "summary": "Summaries",
    "outcome": "Outcomes of the options",
    "harm": "Harms of the options",
}
ROLES = {
    "background": "background: known of nearly everybody",
    "latent": "latent: never seen, only inferred",
    "finding": "finding: something that can be observed",
    "summary": "summary: a definition over other variables",
    "outcome": "outcome: what an option would bring",
}


def variable_pages() -> dict[str, str]:
    """Return the pages of all variables, by source path, with their index."""
    return {variable_path("index"): _index(), **{variable_path(name): _page(show(name).to_dict()) for name in variables()}}


def field_of(variable: str) -> str:
    """Return the patient field that informs a variable, empty where none does."""
    if variable.startswith("earlier_"):
        return "earlier"
    return next((field for field, informed in FIELD_VARIABLES.items() if informed == variable), "")


def _index() -> str:
    blocks = []
    for stage in STAGES:
        rows = [
            (f"[{code(v.id)}]({v.id}.md)", plain(f"{v.label['en']} · {v.label['zh']}"), v.role, plain(v.sentence))
            for v in variables().values()
            if v.stage == stage
        ]
        blocks += [f"## {STAGE_TITLES[stage]}", table(("Variable", "Label", "Role", "Meaning"), rows)]
    return page(
        WIDE,
        "# Variables",
        "Every variable of the network, in the order of its argument. [The model in one picture](../../explanation/picture.md) shows how "
        "they hang together.",
        *blocks,
    )


def _states(data: Mapping[str, Any]) -> str:
    rows = []
    variable = variables()[data["name"]]
    whole = cut_between_whole_numbers(variable.states)
    for entry, state in zip(data["states"], variable.states, strict=True):
        p = entry["probability"]
        bar = f'<span class="bar" style="--share: {100 * p:.1f}%"></span>'
        interval = span(entry["probability_low"], entry["probability_high"])
        rows.append(
            (code(state.id), plain(state.label["en"]), plain(state.label["zh"]), cutoff_words(state, whole), bar, plain(share(p)), interval)
        )
    cut = ", ".join(filter(None, ("Cut-offs", plain(variable.unit or ""))))
    heads = ["State", "Label", "标签", cut, "", "Probability", "95 % interval"]
    if not any(row[3] for row in rows):
        heads.pop(3)
        return table(heads, [(*row[:3], *row[4:]) for row in rows])
    return table(heads, rows)


def _parameters(data: Mapping[str, Any]) -> str:
    if not data["parameters"]:
        return "Its table is a definition and holds no number."
    return parameters_table(line["id"] for line in data["parameters"])


def _studies(data: Mapping[str, Any]) -> str:
    records = [parameters()[line["id"]] for line in data["parameters"]]
    speaking: dict[str, set[str]] = {}
    for record in records:
        for side, rows in (("for", record.evidence_for), ("against", record.evidence_against)):
            for row in rows:
                speaking.setdefault(evidence()[row].study_id, set()).add(side)
    lines = [
        (study_link(study, studies()[study].citation), plain(studies()[study].title), " and ".join(sorted(sides, reverse=True)))
        for study, sides in sorted(speaking.items())
    ]
    if not lines:
        return ""
    return "## Studies behind it\n\n" + table(("Study", "Title", "Speaks"), lines)


def _page(data: Mapping[str, Any]) -> str:
    name, field = data["name"], field_of(data["name"])
    loinc = f"[{data['loinc']}](https://loinc.org/{data['loinc']})" if data["loinc"] else ""
    facts = facts_table(
        [
            ("Id", code(name)),
            ("Role", ROLES[data["role"]]),
            ("Stage", STAGE_TITLES[data["stage"]]),
            ("Patient field", code(field) if field else ""),
            ("Unit", plain(data["unit"] or "")),
            ("LOINC", loinc),
            ("Depends on", ", ".join(variable_link(parent) for parent in data["parents"])),
            ("Acts on", ", ".join(variable_link(child) for child in data["children"])),
        ]
    )
    return page(
        ALONE,
        f"# {plain(data['label']['en'])} · {plain(data['label']['zh'])}",
        "[All variables](index.md)",
        plain(data["sentence"]),
        facts,
        "## States",
        "With their probability in a patient of whom nothing is known.",
        _states(data),
        "## Parameters of its table",
        _parameters(data),
        _studies(data),
    )
