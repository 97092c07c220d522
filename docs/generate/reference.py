"""The reference made from the code: the public names, the command line, and what the folders of data say of themselves."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import refra
from refra.inference.cli import app
from refra.model.derivations import DERIVATIONS

from .writing import page

DATA = ("evidence", "parameters", "variables", "targets", "posterior", "drugs", "measurement", "tests", "examples")
ENGINE = (
    "refra.model.pgmpy_bridge.from_pgmpy",
    "refra.inference.engine.compile_plan",
    "refra.inference.batch.plan_batch",
    "refra.inference.plan.Plan",
    "refra.inference.calibration.validating.validation",
    *(f"refra.inference.sensitivity.{module}" for module in (
        "analysis.analyse", "case.case_of", "quantities.quantity", "one_way_curve.one_way", "cells.all_cells", "tornado.all_parameters",
        "tornado.parameter_tornado", "two_way_map.two_way", "findings.findings_tornado", "probabilistic.psa", "accepting.acceptability",
        "accepting.expected_loss", "information.evpi", "information.evppi", "sampling.evsi", "designs.Design", "information_rank.info_rank",
        "next_test.next_tests", "mind.change_of_mind", "structure.leave_out_structure", "studies.leave_out_studies",
        "preferences_file.read_preferences", "preferences_file.preferences_table",
    )),
)  # fmt: skip
"""Names outside `refra` itself that docs/reference.md promises."""

CODE = re.compile(r"`[^`\n]+`")


def public_names() -> dict[str, list[str]]:
    """Return the public names of refra by kind: functions, classes, errors."""
    found: dict[str, list[str]] = {"Functions": [], "Classes": [], "Errors": []}
    for name in refra.__all__:
        value = getattr(refra, name)
        if inspect.isclass(value):
            found["Errors" if issubclass(value, Exception) else "Classes"].append(name)
        elif callable(value):
            found["Functions"].append(name)
    return found


def _entry(heading: str, target: str) -> str:
    return f'::: {target}\n    options:\n      heading: "{heading}"\n      toc_label: "{heading}"'


def python_page() -> str:
    """Return the page of the public names, each with its docstring."""
    blocks = ["# Python", "Names are imported from `refra`; the tables of their columns stand in the [overview](../reference.md)."]
    for title, names in public_names().items():
        blocks.append(f"## {title}")
        blocks += [_entry(f"refra.{name}", f"{getattr(refra, name).__module__}.{name}") for name in names]
    blocks += ["## The engine, the back-test, sensitivity", *(_entry(target, target) for target in ENGINE)]
    return page(*blocks)


def commands() -> Mapping[str, str]:
    """Return the commands in their order, each with the first paragraph of its help."""
    found = {}
    for command in app.registered_commands:
        callback = command.callback
        if callback is not None:
            help_text = inspect.getdoc(callback) or ""
            found[command.name or callback.__name__] = " ".join(help_text.partition("\n\n")[0].split())
    return found


def command_page() -> str:
    """Return the page of the command line, with every command and option, as typer describes them."""
    command = [sys.executable, "-m", "typer", "refra.inference.cli", "utils", "docs", "--name", "refra", "--title", "Command line"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name, help_text in commands().items():
        # The list at the head cuts each help after a few words.
        text = re.sub(rf"^\* `{name}`:.*$", f"* `{name}`: {help_text}", text, count=1, flags=re.MULTILINE)
    return text.strip() + "\n"


def derivation_page() -> str:
    """Return the page of the functions that turn published numbers into parameters."""
    options = {"show_root_heading": "false", "heading_level": "2", "members": f"[{', '.join(DERIVATIONS)}]"}
    lines = [f"      {name}: {value}" for name, value in options.items()]
    return page("# Derivations", "\n".join(["::: refra.model.derivations", "    options:", *lines]))


def data_pages() -> dict[str, str]:
    """Return what each folder of `data/` says of itself, by source path."""
    return {f"reference/data/{folder}.md": _data(folder) for folder in DATA}


def _data(folder: str) -> str:
    home = files("refra.data").joinpath(folder)
    schema = home.joinpath("SCHEMA.md")
    parts = [_unescaped(home.joinpath("README.md").read_text(encoding="utf-8"))]
    if schema.is_file():
        # One page has one title: the second file's headings go down by one.
        text = schema.read_text(encoding="utf-8")
        parts.append("\n".join(f"#{line}" if line.startswith("#") else line for line in text.splitlines()))
    return page(*parts)


def _unescaped(text: str) -> str:
    """Return text in which code holds a bar as it is, which ends no cell on the site, and no backslash, which would be printed."""
    return CODE.sub(lambda found: found[0].replace("\\|", "|"), text)


def reference_pages(root: Path) -> dict[str, str]:
    """Return the generated pages of the reference, and the changelog from the project's root, by source path."""
    return {
        "reference/python.md": python_page(),
        "reference/commands.md": command_page(),
        "reference/derivations.md": derivation_page(),
        **data_pages(),
        "changelog.md": (root / "CHANGELOG.md").read_text(encoding="utf-8"),
    }
