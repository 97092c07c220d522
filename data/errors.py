"""The one small family of errors that refra raises for its users."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RefraError(ValueError):
    """Anything that refra refuses, with a message meant to be read by its user.

    `problems` holds the single errors where one message reports several.
    """

    problems: tuple[RefraError, ...] = ()


class RecordError(RefraError):
    """A record in a table of `data/` does not fit; names file, row, field, value and what would be accepted."""


class UnknownNameError(RefraError):
    """A variable, state, option, cause, drug or field that does not exist; names the nearest ones."""


class FindingError(RefraError):
    """A value of a patient record that cannot be used; names the field, the value and what would be accepted."""


class ImpossibleFindingsError(RefraError):
    """Findings that cannot all hold; `clash` is a smallest set that cannot, as (variable, state) pairs."""

    def __init__(self, message: str, clash: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.clash = clash


def nearest(name: str, choices: Iterable[str], most: int = 3) -> list[str]:
    """Return the choices that read most like `name`, best first, `most` at the most."""
    names = sorted(set(choices))
    by_fold = {choice.casefold(): choice for choice in names}
    close = difflib.get_close_matches(str(name).casefold(), list(by_fold), n=most, cutoff=0.5)
    inside = [fold for fold in by_fold if str(name) and str(name).casefold() in fold and fold not in close]
    return [by_fold[fold] for fold in (close + inside)[:most]]


def unknown_name(kind: str, name: object, choices: Iterable[str], where: str = "") -> UnknownNameError:
    """Build the error for a `kind` called `name` that is not among `choices`, with the nearest and all (if few)."""
    names = sorted(set(choices))
    close = nearest(str(name), names)
    message = f"{where + ': ' if where else ''}unknown {kind} {name!r}"
    if close:
        message += f"; did you mean {' or '.join(repr(c) for c in close)}?"
    if len(names) <= 15:
        message += f"{'' if close else ';'} {'Accepted' if close else 'accepted'}: {', '.join(names)}."
    return UnknownNameError(message)
