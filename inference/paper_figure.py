"""A matplotlib figure whose files hold their texts as journals ask for them."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.text import Text
from rich.cells import cell_len


class PaperFigure(Figure):
    """A figure that embeds its fonts as TrueType in PDF files, which journals ask for, and draws its texts as paths in SVG files."""

    def savefig(self, fname: Any, **named: Any) -> None:
        """Write the figure, as matplotlib does."""
        # Chinese fonts have outlines that the embedding which journals ask for (type 42) cannot hold.
        chinese = any(cell_len(text.get_text()) > len(text.get_text()) for text in self.findobj(Text))
        with mpl.rc_context({"pdf.fonttype": 3 if chinese else 42, "svg.fonttype": "path"}):
            super().savefig(fname, **named)
