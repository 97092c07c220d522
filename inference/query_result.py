"""What `refra.query` returns: a tidy frame that shows itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pandas.plotting import PlotAccessor

COLUMNS = ("variable", "state", "probability", "low", "high")


@dataclass(frozen=True)
class Question:
    """What was asked of the network: what was `given`, what was set by `do`, how the intervals are made, and the answer's language."""

    given: Mapping[str, Any]
    do: Mapping[str, Any]
    level: float
    draws: int
    seed: int
    language: str


class QueryPlot(PlotAccessor):
    """The `plot` of a query's result: called without arguments it draws the posteriors with their intervals, else it is that of pandas."""

    def __init__(self, found: QueryResult) -> None:
        """Take the result that is drawn."""
        super().__init__(found)
        self._found = found

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Return a matplotlib figure of the posteriors; with arguments, what `DataFrame.plot` returns for them."""
        if arguments or named or not self._found.whole:
            return super().__call__(*arguments, **named)
        from .plots import plot_query

        return plot_query(self._found)


class QueryResult(pd.DataFrame):
    """The posteriors of one or more variables as a tidy frame: variable, state, probability, low, high.

    `question` holds what was asked. A terminal shows it as text, a notebook as bars with the whiskers of their intervals, and `plot()`
    draws it for a paper. What pandas makes of it (a part, a copy, another order) is a plain frame.
    """

    # What is named here pandas keeps when a frame is pickled; the name and its type are its own.
    _metadata = ["question"]  # noqa: RUF012
    question: Question

    @classmethod
    def of(cls, frame: pd.DataFrame, question: Question) -> QueryResult:
        """Return posteriors together with the question that they answer."""
        found = cls(frame)
        found.question = question
        return found

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    @property
    def whole(self) -> bool:
        """Whether it still has its rows and its columns alone; what was changed in place is shown and drawn as pandas does."""
        return tuple(self.columns) == COLUMNS and len(self) > 0

    @property
    def plot(self) -> QueryPlot:
        """Draw the posteriors as a matplotlib figure; with arguments, as pandas does."""
        return QueryPlot(self)

    def text(self, width: int = 100, color: bool = False) -> str:
        """Return the posteriors as text of at most `width` columns; `color` adds terminal colours."""
        from .display_query import as_text

        return as_text(self, width, color)

    def __repr__(self) -> str:
        """Show the posteriors as a terminal does."""
        return self.text().rstrip("\n") if self.whole else super().__repr__()

    def _repr_html_(self) -> str | None:
        from .display_query import as_fragment

        return as_fragment(self) if self.whole else super()._repr_html_()  # type: ignore[misc]  # pandas' stubs leave it out
