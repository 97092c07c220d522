"""The tests that show the essay's claims, as `tests/claims` names them."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from .writing import code, words

TESTS = Path(__file__).parents[2] / "tests" / "claims"
CLAIMS = tuple(f"S{number}" for number in range(1, 21))

_NAME = re.compile(r"test_((?:s\d+_)+)(\w+)")


def shown_by() -> Mapping[str, str]:
    """Return for each claim, by its id in lower case, the tests that show it: their names in words, then the named patients."""
    found: dict[str, list[str]] = {claim.lower(): [] for claim in CLAIMS}
    module = ast.parse((TESTS / "test_source_claims.py").read_text(encoding="utf-8"))
    for function in module.body:
        named = _NAME.fullmatch(function.name) if isinstance(function, ast.FunctionDef) else None
        if named:
            for claim in named[1].rstrip("_").split("_"):
                found[claim].append(words(named[2]))
    for case in yaml.safe_load((TESTS / "claims.yaml").read_text(encoding="utf-8")):
        for claim in case["claims"]:
            found[claim.lower()].append(code(case["id"]))
    return {f"claims.{claim}": "; ".join(tests) for claim, tests in found.items()}
