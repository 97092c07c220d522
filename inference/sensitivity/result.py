"""What every analysis returns: a tidy frame, a picture, a summary in words and a CSV file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, ClassVar

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Result(ABC):
    """The outcome of an analysis.

    `name` is the stem of its files, `title` its heading, `how_to_read` a sentence that says how to read picture and table.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    how_to_read: ClassVar[str]

    @property
    @abstractmethod
    def data(self) -> pd.DataFrame:
        """The numbers, one observation a row."""

    @property
    def beside(self) -> Mapping[str, pd.DataFrame]:
        """Further tables that belong beside the picture, by the ending of their file's name."""
        return {}

    @abstractmethod
    def summary(self) -> str:
        """Return what was found, in one to a few sentences."""

    @abstractmethod
    def plot(self) -> Figure:
        """Return a matplotlib figure; it carries `how_to_read`."""

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write `data` as CSV."""
        write_csv(self.data, path)

    def __str__(self) -> str:
        """Show the heading and the summary."""
        return f"{self.title}\n{self.summary()}"


def write_csv(frame: pd.DataFrame, path: str | PathLike[str]) -> None:
    """Write a frame as CSV with the line ends of Unix and numbers of 10 significant digits; the same numbers give the same bytes."""
    frame.to_csv(path, index=False, lineterminator="\n", float_format="%.10g")
