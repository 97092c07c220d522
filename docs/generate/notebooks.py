"""The notebooks as pages: run from clean while the site is built, so that what they show is what they do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from .writing import WIDE

ERRORS_ALONE = ["--log-level=40"]
SECONDS = 120
"""The longest that one cell may take."""

WIDGET = "application/vnd.jupyter.widget-view+json"

# The package has types, but not of this.
_read: Any = nbformat.read
_FRAME_STYLE = re.compile(r"<style scoped>.*?</style>\s*", flags=re.DOTALL)


def without_widgets(notebook: Any) -> Any:
    """Return a notebook without the outputs that are widgets, which a page cannot show; the explorer's copy stands beside its own."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {})]
    return notebook


def notebook_pages(root: Path) -> Mapping[str, str | bytes]:
    """Return the pages of all notebooks and their pictures by path in the site; `root` is the project's folder."""
    # Tests of this module do without what the documentation alone needs.
    from nbconvert import MarkdownExporter

    exporter: Any = MarkdownExporter
    found: dict[str, str | bytes] = {}
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        notebook = _read(path, as_version=4)
        NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", extra_arguments=ERRORS_ALONE).execute()
        names = {"output_files_dir": f"{path.stem}_files", "unique_key": path.stem}
        page, resources = exporter().from_notebook_node(without_widgets(notebook), resources=names)
        # Without pandas' own border the site's style for tables holds.
        found[f"notebooks/{path.stem}.md"] = f"{WIDE}\n\n" + _FRAME_STYLE.sub("", page).replace(
            '<table border="1" class="dataframe">', "<table>"
        )
        found |= {f"notebooks/{name}": content for name, content in resources["outputs"].items()}
    return found
