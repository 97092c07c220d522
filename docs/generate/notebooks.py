"""The notebooks as pages: run from clean while the site is built, so that what they show is what they do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbconvert import MarkdownExporter

from .writing import WIDE

ERRORS_ALONE = ["--log-level=40"]
SECONDS = 120
"""The longest that one cell may take."""

# The packages have types, but not of these two.
_read: Any = nbformat.read
_exporter: Any = MarkdownExporter
_FRAME_STYLE = re.compile(r"<style scoped>.*?</style>\s*", flags=re.DOTALL)


def notebook_pages(root: Path) -> Mapping[str, str | bytes]:
    """Return the pages of all notebooks and their pictures by path in the site; `root` is the project's folder.

    Markdown shows the explorer's static copy, since it holds no widgets.
    """
    found: dict[str, str | bytes] = {}
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        notebook = _read(path, as_version=4)
        NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", extra_arguments=ERRORS_ALONE).execute()
        names = {"output_files_dir": f"{path.stem}_files", "unique_key": path.stem}
        page, resources = _exporter().from_notebook_node(notebook, resources=names)
        # Without pandas' own border the site's style for tables holds.
        found[f"notebooks/{path.stem}.md"] = f"{WIDE}\n\n" + _FRAME_STYLE.sub("", page).replace(
            '<table border="1" class="dataframe">', "<table>"
        )
        found |= {f"notebooks/{name}": content for name, content in resources["outputs"].items()}
    return found
