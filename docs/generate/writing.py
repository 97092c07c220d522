"""Markdown for tables, links and numbers, and the addresses of the generated pages."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FOLDER = "network"
"""The folder of the site that holds variables, parameters and studies; their pages lie at one depth, so links start alike."""

WIDE = "---\nhide: [toc]\n---"
"""The head of a page whose tables need the room beside them."""

ALONE = "---\nhide: [navigation, toc]\n---"
"""The head of a page that is not in the navigation: its tables take the whole width."""

_SIGNS = {sign: f"&#{ord(sign)};" for sign in "*_`[]|~^\\{}#!"}


def plain(text: str) -> str:
    """Return text in which no sign means anything to Markdown or HTML, on one line."""
    escaped = html.escape(" ".join(text.split()), quote=False).replace("&", "\0")
    return "".join(_SIGNS.get(sign, sign) for sign in escaped).replace("\0", "&")


def code(text: str) -> str:
    """Return an id or a value in code type, safe inside a table."""
    return f"<code>{plain(text)}</code>"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; cells are Markdown already. Without rows it is empty."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *lines])


def facts_table(rows: Iterable[tuple[str, str]]) -> str:
    """Return a table of two columns without a head line, leaving out what is empty."""
    return table(("", ""), [(f"**{name}**", text) for name, text in rows if text])


def page(*blocks: str) -> str:
    """Join the blocks of a page, leaving out what is empty."""
    return "\n\n".join(block for block in blocks if block) + "\n"


def words(name: str) -> str:
    """Return a name of the data as words."""
    return name.replace("_", " ")


def number(value: float | None) -> str:
    """Return a number with four digits that count, empty where there is none."""
    return "" if value is None else f"{value:.6g}" if abs(value) >= 1000 else f"{value:.4g}"


def with_range(record: Mapping[str, Any]) -> str:
    """Return value, unit and 95 % interval of a record of `refra.show`."""
    unit = f" {plain(record['unit'])}" if record.get("unit") else ""
    ends = [number(record[end]) for end in ("low", "high")]
    return f"{number(record['value'])}{unit}" + (f" ({ends[0]} to {ends[1]})" if all(ends) else "")


def address(name: str) -> str:
    """Return a name as it stands in addresses."""
    return name.replace(">=", "at-least-").replace("<", "under-")


def variable_path(name: str) -> str:
    """Return the source path of a variable's page."""
    return f"{FOLDER}/variables/{name}.md"


def parameters_path(node: str) -> str:
    """Return the source path of the page that lists the parameters of a node."""
    return f"{FOLDER}/parameters/{node}.md"


def parameter_path(name: str) -> str:
    """Return the source path of a parameter's page; no node has a dot in its name, every parameter has one."""
    return f"{FOLDER}/parameters/{address(name)}.md"


def study_path(name: str) -> str:
    """Return the source path of a study's page."""
    return f"{FOLDER}/studies/{name}.md"


def variable_link(name: str) -> str:
    """Return a link to a variable from any page two folders down."""
    return f"[{code(name)}](../../{variable_path(name)})"


def parameter_link(name: str) -> str:
    """Return a link to a parameter from any page two folders down."""
    return f"[{code(name)}](../../{parameter_path(name)})"


def study_link(name: str, text: str) -> str:
    """Return a link to a study from any page two folders down."""
    return f"[{plain(text)}](../../{study_path(name)})"


def evidence_link(row: str, study: str) -> str:
    """Return a link to a row of evidence on its study's page from any page two folders down."""
    return f"[{code(row)}](../../{study_path(study)}#{row})"


def identifier_links(doi: str, pmid: str) -> str:
    """Return links to a publication's doi and PubMed pages."""
    found = [f"[doi:{plain(doi)}](https://doi.org/{doi})"] if doi else []
    for part in filter(None, (piece.strip() for piece in pmid.split(";"))):
        archive = part.startswith("PMC")
        address = f"https://pmc.ncbi.nlm.nih.gov/articles/{part}/" if archive else f"https://pubmed.ncbi.nlm.nih.gov/{part}/"
        found.append(f"[{part if archive else f'PubMed {part}'}]({address})")
    return ", ".join(found)
