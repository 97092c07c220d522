"""The central network as a file for other programs: BIF, XMLBIF, XDSL (GeNIe) and NET (Hugin)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from types import MappingProxyType
from xml.sax.saxutils import escape

from .. import __version__
from ..data.errors import FindingError, RecordError, unknown_name
from ..data.loading import variables
from ..data.records import Variable
from ..data.writing import write_text
from .assembly import central_model
from .draws import FITTED
from .network import Model
from .pgmpy_bridge import GENIE_BOX, bif_text, net_text, xdsl_text, xmlbif_text

ENDINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"bif": (".bif",), "xmlbif": (".xmlbif", ".bifxml", ".xml"), "xdsl": (".xdsl",), "net": (".net",)}
)
"""Formats, and the endings of a file's name that mean them."""

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
NUMBER = r"(\d+(?:\.\d+)?)"
SPELLED = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (f"<{NUMBER}", "lt_{}"),
        (f"<={NUMBER}", "le_{}"),
        (f">{NUMBER}", "gt_{}"),
        (f">={NUMBER}", "ge_{}"),
        (NUMBER, "is_{}"),
        (f"{NUMBER}-{NUMBER}", "from_{}_to_{}"),
        (rf"{NUMBER}\+", "from_{}_up"),
    )
)
"""How the names of states that are no identifiers are spelled where only identifiers are accepted."""

GENIE_GAPS = (24, 32)
GENIE_ROW = 12


def export_network(path: str | PathLike[str], format: str | None = None, *, basis: str = FITTED) -> Path:
    """Write the central network to a file that other programs read, and return the file's path.

    The file holds every variable, arc and probability, each probability with all its digits; intervals, sources and the reading of raw
    values stay behind. The same network gives the same bytes. A file that exists is replaced.

    Args:
        path: the file.
        format: `bif`, `xmlbif`, `xdsl` (GeNIe) or `net` (Hugin); by default what the path's ending says.
        basis: `fitted`, the centre of the joint posterior, or `prior`, the centres of the parameter records.

    Raises:
        UnknownNameError: a format or basis that does not exist.
        FindingError: an ending that means no format, or a file that cannot be written.
    """
    name = fspath(path)
    text = interchange_text(_format_of(name) if format is None else format, basis)
    return write_text(name, text)


def interchange_text(format: str, basis: str = FITTED) -> str:
    """Return the central network as the text of a file of a format; raises `UnknownNameError`."""
    if format not in ENDINGS:
        raise unknown_name("format", format, ENDINGS)
    model, about = central_model(basis), {name: variables()[name] for name in central_model(basis).states}
    labels = {name: variable.label["en"] for name, variable in about.items()}
    origin = f"The central network of refra {__version__} (parameters: {basis}): a research model, without its intervals and sources."
    spelling = {name: _spelling(variable) for name, variable in about.items()}
    if format == "xmlbif":
        return _after_declaration(xmlbif_text(model, labels), origin)
    if format == "net":
        return f"% {origin}\n" + net_text(model, labels)
    if format == "bif":
        lines = [origin, "Variables, and the states that BIF has no letters for:"]
        lines += [f"{name}: {labels[name]}{'; ' if spelling[name] else ''}{spelling[name]}" for name in about]
        return "".join(f"// {line}\n" for line in lines) + bif_text(_respelled(model))
    comments = {name: variable.sentence + (f" States: {spelling[name]}." if spelling[name] else "") for name, variable in about.items()}
    places = _places(model)
    shown = {name: (labels[name], comments[name], places[name]) for name in about}
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- {escape(origin)} -->\n' + xdsl_text(_respelled(model), shown)


def identifier(state: str) -> str:
    """Return a state's name as an identifier: itself if it is one, else as `SPELLED` says, a point written as p.

    Raises `RecordError` for a name that no rule covers.
    """
    if IDENTIFIER.fullmatch(state):
        return state
    for pattern, words in SPELLED:
        found = pattern.fullmatch(state)
        if found:
            return words.format(*found.groups()).replace(".", "p")
    raise RecordError(f"state {state!r}: accepted: an identifier, a number, a range such as 1-2, or a bound such as <1, >=1, 1+")


def _spelling(variable: Variable) -> str:
    """Return which states of a variable are spelled otherwise, and how."""
    return ", ".join(f'{identifier(state)} = "{state}"' for state in variable.state_ids if identifier(state) != state)


def _respelled(model: Model) -> Model:
    """Return a model whose states' names are identifiers."""
    states = {name: tuple(identifier(state) for state in known) for name, known in model.states.items()}
    for name, known in states.items():
        if len(set(known)) < len(known):
            raise RecordError(f"{name}: two of its states would both be spelled {', '.join(known)}")
    return Model(MappingProxyType(states), model.parents, model.tables, model.parameters, model.draws)


def _format_of(name: str) -> str:
    for format, endings in ENDINGS.items():
        if name.lower().endswith(endings):
            return format
    accepted = ", ".join(ending for endings in ENDINGS.values() for ending in endings)
    raise FindingError(f"{name}: the ending means no format; accepted: {accepted}, or a format beside the path")


def _after_declaration(text: str, comment: str) -> str:
    declaration, _, rest = text.partition("\n")
    return f"{declaration}\n<!-- {escape(comment)} -->\n{rest}\n"


def _places(model: Model) -> dict[str, tuple[int, int]]:
    """Return a place in pixels for each variable: rows of at most `GENIE_ROW`, parents above their children."""
    depth: dict[str, int] = {}
    for name, parents in model.parents.items():
        depth[name] = 1 + max((depth[parent] for parent in parents), default=-1)
    rows: list[list[str]] = []
    for level in range(max(depth.values()) + 1):
        names = [name for name in depth if depth[name] == level]
        rows += [names[start : start + GENIE_ROW] for start in range(0, len(names), GENIE_ROW)]
    across, down = (size + gap for size, gap in zip(GENIE_BOX, GENIE_GAPS, strict=True))
    return {name: (20 + across * column, 20 + down * row) for row, names in enumerate(rows) for column, name in enumerate(names)}
