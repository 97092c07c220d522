"""`refra.assess_many`: the answers for a table of patients, one record a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..data.errors import FindingError, ImpossibleFindingsError, RefraError, UnknownNameError, unknown_name
from ..model.draws import DEFAULT_SEED
from .asking import ask
from .cohort_frame import COLUMNS, answer_lines, record_lines, rejected_lines
from .cohort_groups import alternatives
from .cohort_numbers import Numbers, numbers
from .fields import FIELD_VARIABLES
from .intervals import DEFAULT_LEVEL
from .knowledge import CENTRAL
from .options import applicable_options
from .patient import Patient
from .preferences import Preferences
from .querying import check_draws, check_level
from .situation import Situation, situation
from .units import shown

MANY_DRAWS = 100
"""Parameter sets behind the intervals of a cohort's numbers, fewer than for one patient: the bounds are rougher."""

NUMBERS_AT_A_TIME = 100_000
ALTERNATIVES_AT_A_TIME = 40_000

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Problem:
    """Why a row was rejected: the column at fault ("" where it is none in particular) and the message."""

    column: str
    message: str


@dataclass(frozen=True)
class Settings:
    """How a cohort is assessed."""

    preferences: Preferences
    level: float
    draws: int
    seed: int


Read = Situation | tuple[Problem, ...]


def _problem(error: RefraError) -> Problem:
    first = re.match(r"\w+", str(error))
    column = first.group() if first and first.group() in FIELD_VARIABLES else ""
    return Problem(column, str(error))


def read_row(row: Mapping[Hashable, Any]) -> Read:
    """Read one row of a table; returns its situation, or what is wrong with it."""
    try:
        return situation(Patient.from_row(row))
    except (FindingError, UnknownNameError) as error:
        return tuple(_problem(each) for each in error.problems or (error,))


def _problems(read: Read, preferences: Preferences) -> tuple[Problem, ...]:
    """Return why a row cannot be used, or that the preferences leave it no option."""
    if not isinstance(read, Situation):
        return read
    try:
        applicable_options(read, preferences)
    except FindingError as error:
        return (Problem("current_drug", str(error)),)
    return ()


def _clash(place: Situation) -> Problem:
    """Return why a record's findings cannot all hold."""
    model = place.model(CENTRAL, 0, 0)
    try:
        ask(model, place.inside(model), ["synovitis"])
        ask(model, place.inside(model, place.with_target_set), ["synovitis"])
    except ImpossibleFindingsError as error:
        named = (name for variable, _ in error.clash for name, own in FIELD_VARIABLES.items() if own == variable)
        return Problem(next(named, ""), str(error))
    raise RefraError("the findings came out as impossible and as possible; this is a fault of refra, please report it")


def assess_block(reads: Sequence[Read], settings: Settings) -> tuple[pd.DataFrame, list[tuple[Problem, ...]]]:
    """Assess some rows at once.

    Returns the tidy lines, whose column `row` holds the positions in `reads`, and for each row its problems (none for an assessed one).
    """
    problems = [_problems(read, settings.preferences) for read in reads]
    usable = [(i, read) for i, read in enumerate(reads) if isinstance(read, Situation) and not problems[i]]
    places = [place for _, place in usable]
    positions = np.array([i for i, _ in usable], dtype=np.intp)
    frames = []
    if places:
        found: Numbers = numbers(places, settings.draws, settings.seed)
        possible = found.possible
        for i in np.flatnonzero(~possible):
            problems[positions[i]] = (_clash(places[i]),)
        kept = np.flatnonzero(possible)
        frames.append(record_lines([places[i] for i in kept], positions[kept]))
        frames.append(answer_lines(found.only(kept), positions[kept], settings.preferences, settings.level, settings.draws, settings.seed))
    frames.append(rejected_lines(problems))
    lines = pd.concat(frames, ignore_index=True)
    return lines.sort_values("row", kind="stable", ignore_index=True), problems


def blocks(reads: Iterator[Read], draws: int) -> Iterator[list[Read]]:
    """Put rows together until their answers fill the memory set aside for them."""
    most = max(1, NUMBERS_AT_A_TIME // (10 * (draws + 1)))
    block: list[Read] = []
    weight = 0
    for read in reads:
        block.append(read)
        weight += alternatives(read) if isinstance(read, Situation) else 0
        if len(block) >= most or weight * (draws + 1) >= ALTERNATIVES_AT_A_TIME:
            yield block
            block, weight = [], 0
    if block:
        yield block


def check_columns(columns: Sequence[Any], identifier: str | None, ignore: Collection[str], where: str) -> list[str]:
    """Return the columns that are patient fields; refuse doubled ones, and unknown ones that are not to be ignored."""
    names = [str(column) for column in columns]
    for name in names:
        if names.count(name) > 1:
            raise FindingError(f"{where}: the column {shown(name)} stands {names.count(name)} times; once is accepted")
    for name in [*([identifier] if identifier is not None else []), *ignore]:
        if name not in names:
            raise unknown_name("column", name, names, where=where)
    fields = [name for name in names if name != identifier and name not in ignore]
    unknown = [name for name in fields if name not in FIELD_VARIABLES]
    if unknown:
        error = unknown_name("column", unknown[0], FIELD_VARIABLES, where=where)
        others = f" Unknown too: {', '.join(map(repr, unknown[1:]))}." if len(unknown) > 1 else ""
        hint = " A column that is no patient field can be named as the identifier or among those to ignore."
        stop = "" if str(error).endswith(("?", ".")) else "."
        raise UnknownNameError(f"{error}{stop}{hint}{others}")
    return fields


def settings_of(preferences: Preferences | None, level: float, draws: int, seed: int) -> Settings:
    """Check how a cohort is to be assessed."""
    check_level(level)
    check_draws(draws, seed)
    wanted = preferences or Preferences()
    wanted.check_some_left()
    return Settings(wanted, level, draws, seed)


def assess_many(
    frame: pd.DataFrame,
    preferences: Preferences | None = None,
    *,
    level: float = DEFAULT_LEVEL,
    draws: int = MANY_DRAWS,
    seed: int = DEFAULT_SEED,
    identifier: str | None = None,
    ignore: Collection[str] = (),
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Return the answers for many patients as one tidy frame; every number is that of `assess`.

    Columns of the result: `row` (the index label of the patient's row, or the cell of the `identifier` column), `part` (`score`, `status`,
    `warning`, `cause`, `reason`, `driver`, `option`, `rejected`), `id`, `measure`, `value` with the bounds `low` and `high` of its
    credible interval, and `note` (a text). A row that cannot be used is not dropped: it has lines of the part `rejected`, with the column
    at fault as `id` and the message as `note`.

    Args:
        frame: one row a patient, with patient fields as columns; None, NaN and empty texts mean "not observed".
        preferences: weights and unavailable options, the same for all rows.
        level: level of the credible intervals.
        draws: parameter sets behind the intervals; 0 gives the central numbers alone, many times faster, with `low` and `high` NaN.
        seed: seed of the parameter sets.
        identifier: a column that names the patients and is no field.
        ignore: columns that are no fields.
        progress: called with the number of rows done after each block.

    Raises:
        UnknownNameError: a column that is no patient field, with the nearest ones.
        FindingError: `frame` is no frame, a column stands twice.
    """
    if not isinstance(frame, pd.DataFrame):
        raise FindingError(f"frame: {shown(frame)}; a pandas DataFrame with one row a patient is accepted")
    settings = settings_of(preferences, level, draws, seed)
    fields = check_columns(list(frame.columns), identifier, ignore, "frame")
    labels = frame.index if identifier is None else pd.Index(frame[identifier])
    values = [frame[name].array for name in fields]
    reads = (read_row({name: column[i] for name, column in zip(fields, values, strict=True)}) for i in range(len(frame)))
    found = []
    done = 0
    for block in blocks(reads, draws):
        lines, _ = assess_block(block, settings)
        lines["row"] = labels.take(lines["row"].to_numpy() + done)
        found.append(lines)
        done += len(block)
        if progress is not None:
            progress(done)
    if not found:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(found, ignore_index=True)
