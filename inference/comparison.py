"""`refra.compare`: two answers side by side, their differences with intervals over the same parameter sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..data.errors import FindingError
from ..data.labels import label
from ..data.loading import variables
from .assessment import Assessment, assess
from .display_words import WORDS
from .intervals import interval
from .patient import Patient

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

SETTINGS = ("preferences", "level", "draws", "seed", "language", "basis")
SHARED = ("level", "language")
PAIRED = ("draws", "seed", "basis")
"""Settings that two answers must share for their parameter sets to be the same."""

COLUMNS = (
    "part", "id", "label", "number", "first", "first_low", "first_high", "second", "second_low", "second_high", "difference", "low", "high",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class Comparison:
    """Two answers side by side.

    `data` has a row for each number of reasons, causes, drivers and options: `part`, `id`, `label`, `number`, its value in the `first` and
    the `second` answer and their `difference` (second minus first), each with the bounds of its interval; NaN where one of the answers
    does not have it. Where both rest on the same parameter sets (`paired`) the difference's interval is that of the differences set by
    set, so that what the sets share cancels; otherwise it has none. `changes` are the findings that differ, in words, the first answer's
    before the second's. `names` are the names of the two.
    """

    first: Assessment
    second: Assessment
    names: tuple[str, str]
    paired: bool
    changes: tuple[tuple[str, str, str], ...]
    data: pd.DataFrame

    @property
    def language(self) -> str:
        """The language of its words."""
        return self.first.language

    @property
    def level(self) -> float:
        """The level of its intervals."""
        return self.first.level

    def plot(self) -> Figure:
        """Return a matplotlib figure of both answers' reasons and options, with the intervals of their differences."""
        from .plots import plot_comparison

        return plot_comparison(self)

    def to_html(self) -> str:
        """Return the comparison as an HTML page of its own, without scripts and with nothing to load."""
        from .display_comparison import as_page

        return as_page(self)

    def __str__(self) -> str:
        """Show the comparison as a terminal does."""
        from .display_comparison import as_text

        return as_text(self)

    def __repr__(self) -> str:
        """Show in one line what is compared."""
        return f"<Comparison: {self.names[0]}, {self.names[1]}; {len(self.changes)} findings differ>"

    def _repr_html_(self) -> str:
        from .display_comparison import as_fragment

        return as_fragment(self)


def compare(
    first: Assessment | Patient | Mapping[str, Any],
    second: Assessment | Patient | Mapping[str, Any],
    *,
    names: tuple[str, str] | None = None,
    **settings: Any,
) -> Comparison:
    """Return two answers side by side, the second minus the first.

    Args:
        first: an answer, or a patient (a record or a mapping of fields), who is assessed first.
        second: another one.
        names: what to call the two; by default `first` and `second` in the language of the answers.
        settings: those of `assess`, for patients; what is not given is taken from the other one where that is an answer.

    Raises:
        FindingError: settings for two answers, an unknown setting, or answers with intervals of two levels or in two languages.
    """
    odd = [name for name in settings if name not in SETTINGS]
    if odd:
        raise FindingError(f"compare: {odd[0]!r} is no setting; accepted: {', '.join(SETTINGS)}")
    given = [one for one in (first, second) if isinstance(one, Assessment)]
    if len(given) == 2 and settings:
        raise FindingError(f"compare: {next(iter(settings))} was given, but both are answers already; settings are for patients")
    if len(given) == 1:
        settings = {**{name: getattr(given[0], name) for name in SETTINGS}, **settings}
    a, b = (one if isinstance(one, Assessment) else assess(one, **settings) for one in (first, second))
    for name in SHARED:
        if getattr(a, name) != getattr(b, name):
            raise FindingError(f"compare: {name} is {getattr(a, name)!r} and {getattr(b, name)!r}; one for both answers is accepted")
    paired = a.draws > 0 and all(getattr(a, name) == getattr(b, name) for name in PAIRED)
    called = names or (WORDS[a.language]["first_answer"], WORDS[a.language]["second_answer"])
    table = pd.DataFrame(_rows(a, b, paired), columns=list(COLUMNS))
    return Comparison(a, b, called, paired, tuple(_changes(a, b)), table)


def _rows(a: Assessment, b: Assessment, paired: bool) -> Iterator[tuple[object, ...]]:
    for key in dict.fromkeys([*a.samples, *b.samples]):
        part, identifier, number = key
        one, two = a.samples.get(key), b.samples.get(key)
        centres = tuple(np.nan if values is None else float(values[0]) for values in (one, two))
        ends = np.nan, np.nan
        if paired and one is not None and two is not None:
            ends = _interval(two - one, a.level)
        yield (
            part, identifier, _label(part, identifier, a.language), number, centres[0], *_interval(one, a.level), centres[1],
            *_interval(two, a.level), centres[1] - centres[0], *ends,
        )  # fmt: skip


def _interval(values: Array | None, level: float) -> tuple[float, float]:
    if values is None:
        return np.nan, np.nan
    low, high = interval(values, level)
    return float(low), float(high)


def _label(part: str, identifier: str, language: str) -> str:
    if part in ("cause", "option"):
        return label(f"{part}s", identifier, language)
    variable = "primary_reason" if part == "reason" else part
    return variables()[variable].state_label(identifier, language)


def _changes(a: Assessment, b: Assessment) -> Iterator[tuple[str, str, str]]:
    """Return the findings that differ: the name, and what either record says of it (empty where it says nothing)."""
    one, two = ({(f.variable, f.copy): f.text.said(a.language) for f in answer.patient.findings()} for answer in (a, b))
    for key in dict.fromkeys([*one, *two]):
        before, after = one.get(key, ""), two.get(key, "")
        if before != after:
            name = variables()[key[0]].label[a.language]
            yield name, _after(before, name), _after(after, name)


def _after(text: str, name: str) -> str:
    return text.removeprefix(name).lstrip(":： ")
