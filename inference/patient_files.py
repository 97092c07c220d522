"""Reading patient records from YAML and JSON files, and from rows of a table, without the traps of these formats."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterable, Mapping
from importlib.resources import files
from os import PathLike, fspath
from pathlib import Path
from typing import Any, cast

import yaml

from ..data.errors import FindingError
from .units import shown

EMPTY_CELLS = ("", "na", "n/a", "nan", "<na>", "nat", "null")
"""Texts of a table's cell, case folded, that mean "not observed"; "none" is not one of them, since it is a state."""


def _untyped(thing: Any) -> Any:
    """Return `thing` for a call of a method that PyYAML leaves without types."""
    return thing


def _refuse_node(problem: str, node: yaml.Node) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


class _RecordLoader(yaml.SafeLoader):
    """A safe YAML loader that refuses doubled keys and reads numbers as people write them (012 is twelve)."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as in the base class

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = _untyped(self).construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise _refuse_node("a key that is a list or a map", key_node)
            if key in seen:
                raise _refuse_node(f"the key {shown(key)} stands twice", key_node)
            seen.add(key)
        return dict(super().construct_mapping(node, deep=deep))


def _construct_whole(loader: _RecordLoader, node: yaml.ScalarNode) -> int:
    return int(str(loader.construct_scalar(node)), 10)


def _construct_decimal(loader: _RecordLoader, node: yaml.ScalarNode) -> float:
    text = str(loader.construct_scalar(node)).casefold()
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))


_RESOLVERS = (
    (
        "tag:yaml.org,2002:bool",
        r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF",
        "yYnNtTfFoO",
    ),
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", "~nN\0"),
    ("tag:yaml.org,2002:int", r"[-+]?[0-9]{1,30}", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
)
for _tag, _pattern, _first in _RESOLVERS:
    # An empty scalar has no first sign; PyYAML files its resolver under the empty text.
    _signs = ["" if sign == "\0" else sign for sign in _first]
    _untyped(_RecordLoader).add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), _signs)
_RecordLoader.add_constructor("tag:yaml.org,2002:int", _construct_whole)
_RecordLoader.add_constructor("tag:yaml.org,2002:float", _construct_decimal)


def one_line(error: object) -> str:
    """Return the message of an error on one line, cut where it is long."""
    return " ".join(str(error).replace('in "<unicode string>", ', "").split())[:300]


def parse_yaml(text: str, name: str) -> Any:
    """Return the content of a YAML text; `name` stands for the text in the FindingError that a broken one raises."""
    try:
        return yaml.load(text, Loader=_RecordLoader)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise FindingError(
            f"{name}: not readable as YAML: {one_line(error)}; accepted: one map from field to value (quote a text that begins with < or >)"
        ) from None


def _refuse_doubles(name: str, pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise FindingError(f"{name}: the key {shown(key)} stands twice; once is accepted")
        found[key] = value
    return found


def parse_json(text: str, name: str) -> Any:
    """Return the content of a JSON text; `name` stands for the text in the FindingError that a broken one raises."""
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _refuse_doubles(name, pairs))
    except FindingError:
        raise
    except (ValueError, RecursionError) as error:
        raise FindingError(f"{name}: not readable as JSON: {one_line(error)}; accepted: one object from field to value") from None


def read_text(path: str | PathLike[str]) -> tuple[str, str]:
    """Return a file's name and text; a FindingError tells why it cannot be read."""
    try:
        place = Path(fspath(path))
        name = str(place)
        return name, place.read_text(encoding="utf-8-sig")
    except TypeError:
        raise FindingError(f"{shown(path)} is not a path; accepted: the path of a file") from None
    except UnicodeDecodeError:
        raise FindingError(f"{name}: not a text in UTF-8; save it in that encoding") from None
    except FileNotFoundError:
        raise FindingError(f"{name}: there is no such file") from None
    except IsADirectoryError:
        raise FindingError(f"{name}: a folder; accepted: one file") from None
    except (OSError, ValueError) as error:
        raise FindingError(f"{shown(path)}: cannot be read: {one_line(error)}") from None


def as_record(content: Any, name: str) -> Mapping[Any, Any]:
    """Return the content of a file as a record; an empty file or anything but a map raises a FindingError."""
    if content is None:
        raise FindingError(f"{name}: empty; accepted: a map from field to value, {{}} for nothing observed")
    if not isinstance(content, Mapping):
        raise FindingError(f"{name}: holds {shown(content)}; accepted: a map from field to value")
    return content


def _cell(field: object, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.casefold() in EMPTY_CELLS:
        return None
    # A cell holds a map (earlier drugs, a likelihood) as text.
    return parse_yaml(text, f"{field}") if text.startswith("{") else text


def read_row(row: Any) -> dict[Any, Any]:
    """Return the record in a row of a table: a pandas Series or any mapping from column to cell.

    None, NaN, and the texts "", NA, N/A, NaN, null mean "not observed"; "none" is a state where the field has it. A
    map is written as text in its cell: "{tnf_inhibitor: lost_response}". A doubled column raises a FindingError.
    """
    items = getattr(row, "items", None)
    if not callable(items):
        raise FindingError(f"{shown(row)} is not a row; accepted: a pandas Series or a map from column to cell")
    return {key: _cell(key, value) for key, value in _refuse_doubles("row", cast("Iterable[tuple[Any, Any]]", items())).items()}


def example_texts() -> dict[str, str]:
    """Return the texts of the shipped example patients by name."""
    folder = files("refra.data").joinpath("examples")
    found = {entry.name: entry for entry in folder.iterdir() if entry.name.endswith(".yaml")}
    return {name.removesuffix(".yaml"): found[name].read_text(encoding="utf-8") for name in sorted(found)}
