"""Labels, in English and Chinese, of the answers' own names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from .errors import RecordError, unknown_name
from .tables import read_yaml

GROUPS = ("causes", "options", "harms")
LANGUAGES = ("en", "zh")


@cache
def labels() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Return the labels by group (causes, options, harms), id and language."""
    content = read_yaml("variables", "labels.yaml")
    if tuple(content) != GROUPS:
        raise RecordError(f"data/variables/labels.yaml: the groups are {tuple(content)}; accepted: {', '.join(GROUPS)}")
    for group, entries in content.items():
        for name, label in entries.items():
            if tuple(label) != LANGUAGES or not all(label.values()):
                raise RecordError(f"data/variables/labels.yaml, {group}, {name}: {label}; labels in en and zh are wanted")
    return MappingProxyType({group: MappingProxyType(dict(entries)) for group, entries in content.items()})


def label(group: str, name: str, language: str = "en") -> str:
    """Return the label of a cause, option or harm."""
    return labels()[group][name][check_language(language)]


def check_language(language: str) -> str:
    """Return a language that labels exist in, or raise `UnknownNameError`."""
    if language not in LANGUAGES:
        raise unknown_name("language", language, LANGUAGES)
    return language
