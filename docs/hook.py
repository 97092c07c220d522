"""What MkDocs calls while it builds the site: pages made from the installed refra, and numbers put into the written ones."""

from __future__ import annotations

import atexit
import os
import re
import tempfile
from html import escape, unescape
from importlib import import_module
from pathlib import Path
from shutil import rmtree
from typing import Any

from generate.facts import facts, fill
from generate.notebooks import notebook_pages
from generate.parameters import parameter_pages
from generate.picture import legend
from generate.reference import reference_pages
from generate.studies import study_pages
from generate.variables import variable_pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

COLUMNS = "76"
"""Columns of the texts that the pages' commands print: what a page holds without scrolling."""


NAME = re.compile(r"(?<=<code>)[A-Za-z0-9_.&;#=-]+(?=</code>)")
"""A name of the data or the code, alone in code type."""

LONG = 24
"""The signs from which on a name may break."""


def _scratch() -> Path:
    folder = Path(tempfile.mkdtemp())
    atexit.register(rmtree, folder, ignore_errors=True)
    return folder


@event_priority(100)
def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Show mkdocstrings the installed package as one folder.

    In an editable install the parts of refra lie in folders of other names, which static analysis does not find.
    """
    folder = _scratch()
    (folder / "refra").mkdir()
    (folder / "refra" / "__init__.py").symlink_to(str(import_module("refra").__file__))
    for part in ("model", "data", "inference"):
        (folder / "refra" / part).symlink_to(Path(str(import_module(f"refra.{part}").__file__)).parent)
    config.plugins["mkdocstrings"].config["handlers"]["python"]["paths"] = [str(folder)]
    return config


def on_pre_build(config: MkDocsConfig) -> None:
    """Let the commands that the pages show run in an empty folder."""
    del config
    os.environ["COLUMNS"] = COLUMNS
    os.chdir(_scratch())


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    root = Path(config.config_file_path).parent
    generated = {**variable_pages(), **parameter_pages(), **study_pages(), **reference_pages(root), **notebook_pages(root)}
    for path, content in generated.items():
        files.append(File.generated(config, path, content=content))
    return files


def on_post_page(output: str, **_: Any) -> str:
    """Let long names in code type break at their signs alone.

    It is done in the finished page, so that the search index holds names whole.
    """

    def breaking(found: re.Match[str]) -> str:
        name = unescape(found[0])
        return escape(name).replace("_", "_<wbr>").replace(".", ".<wbr>") if len(name) >= LONG else found[0]

    return NAME.sub(breaking, output)


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Put the numbers into the written pages."""
    return markdown if page.file.generated_by else fill(markdown, {**facts(), **legend()})
