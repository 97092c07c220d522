"""One page for each study: what it is, its rows of evidence, and the parameters that rest on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

from refra import show
from refra.data.loading import evidence, studies
from refra.inference.calibration.reading import calibration_targets, unexpressed, validation_targets

from .writing import WIDE, address, code, facts_table, identifier_links, number, page, parameter_link, plain, study_path, table, with_range

USES = {
    "calibration": "calibration: a parameter may be fitted to it",
    "validation": "validation: kept back, never fitted to",
    "context": "context: a definition, cut-off or recalled number; never fitted to",
}
SEEN = {
    "read": "read in the text or a table of the publication",
    "abstract": "read in an abstract, or in a paper or page that quotes it",
    "recalled": "not found at a source; general knowledge",
}


def study_pages() -> dict[str, str]:
    """Return the pages of all studies, by source path, with their index."""
    return {study_path("index"): _index(), **{study_path(name): _page(show(name).to_dict()) for name in studies()}}


@cache
def _asked() -> Mapping[str, str]:
    """Return, by row of evidence, what became of it in the joint fit."""
    return {
        **{row: f"no question to the network: {reason}" for row, reason in unexpressed().items()},
        **dict.fromkeys(calibration_targets(), "one of the questions that all parameters are fitted to together"),
        **dict.fromkeys(validation_targets(), "kept back; predicted in the validation"),
    }


def _index() -> str:
    rows = Counter(row.study_id for row in evidence().values())
    uses = {study: Counter(row.use for row in evidence().values() if row.study_id == study) for study in studies()}
    lines = [
        (
            f"[{plain(study.citation)}]({study.id}.md)",
            plain(study.title),
            study.year,
            str(rows[study.id]),
            str(uses[study.id]["validation"] or ""),
        )
        for study in studies().values()
    ]
    return page(
        WIDE,
        "# Studies",
        "Every publication or other source that the evidence table quotes, with its published numbers (rows) and how many are kept back "
        "for validation.",
        table(("Study", "Title", "Year", "Rows", "Kept back"), lines),
    )


def _side(record: Mapping[str, Any], row: str) -> str:
    return "against" if row in record["evidence_against"] else "for"


def _resting(row: str) -> str:
    lines = []
    for record in show(row).to_dict()["parameters"]:
        name, side = record["id"], _side(record, row)
        mark = '<strong class="against">against</strong>' if side == "against" else side
        lines.append((parameter_link(name), with_range(record), record["status"], mark))
    if not lines:
        return ""
    return table(("Parameter", "Value (95 % interval)", "Status", "The row speaks"), lines)


def _row(name: str) -> str:
    row = evidence()[name]
    data = show(name).to_dict()
    value = with_range({"value": row.value, "low": row.ci_low, "high": row.ci_high, "unit": row.unit})
    rows = [
        ("Value", f"{value}, {row.measure.replace('_', ' ')}"),
        ("Events, n", " of ".join(filter(None, (number(row.events), number(row.n))))),
        ("Population", plain(row.population)),
        ("Condition", plain(row.condition)),
        ("Comparator", plain(row.comparator)),
        ("Time", plain(row.timepoint)),
        ("Design", row.design.replace("_", " ")),
        ("Note", plain(row.note)),
        ("Use", USES[row.use]),
        ("In the joint fit", plain(_asked().get(name, ""))),
        ("No parameter cites it because", plain(data["unused_because"])),
        ("How it was seen", SEEN[row.verified] + (f" ([address]({row.source_url}))" if row.source_url.startswith("http") else "")),
    ]
    return page(f"### {code(name)} {{ #{address(name)} }}", plain(row.quantity), facts_table(rows), _resting(name)).rstrip()


def _page(data: Mapping[str, Any]) -> str:
    quoted = " (of the paper that quotes it)" if data["identifier_status"] == "quoting_paper" else ""
    links = identifier_links(data["doi"], data["pmid"])
    facts = facts_table(
        [
            ("Id", code(data["name"])),
            ("Title", plain(data["title"])),
            ("Year", data["year"]),
            ("Publication", f"{links}{quoted}" if links else "no identifier found"),
            ("About the identifier", plain(data["identifier_note"])),
        ]
    )
    rows = [_row(line["id"]) for line in data["evidence"]]
    return page(f"# {plain(data['citation'])}", "[All studies](index.md)", facts, "## Its published numbers", *rows)
