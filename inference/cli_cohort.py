"""The command `refra cohort`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

SOME_REJECTED = 1
"""Exit code where the run is complete and rows were rejected."""

STOPPED = 130
"""Exit code of a run that was interrupted."""


@contextmanager
def _bar(quiet: bool) -> Iterator[Callable[[int, float], None] | None]:
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rows]:,} rows"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=1.0, rows=0)
        yield lambda rows, share: bar.update(task, completed=share, rows=rows)


def cohort(
    source: Annotated[str, typer.Argument(metavar="IN", help="A table of patients, .csv or .parquet; its columns are patient fields.")],
    out: Annotated[str, typer.Argument(metavar="OUT", help="The file of answers, .csv or .parquet: one line a number.")],
    identifier: Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="A column that names the patients.")] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="A column that is no patient field. Repeatable.")] = None,
    level: Annotated[float, typer.Option(help="Level of the credible intervals, between 0 and 1.")] = 0.95,
    draws: Annotated[
        int | None,
        typer.Option(min=0, max=5_000, help="Parameter draws behind the intervals, by default 100; 0 for none."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the parameter draws.")] = None,
    preferences: Annotated[str | None, typer.Option(metavar="FILE", help="A YAML file with `weights` and `unavailable` options.")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew although an unfinished run is there.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it exists.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar and no closing line.")] = False,
) -> None:
    """Answers for a table of patients, row by row into a file.

    A run that was stopped goes on where it was when the same command is given again. Rejected rows stand in OUT and in
    OUT's name with .rejected.csv. Exit code: 0, 1 if rows were rejected, 2 if nothing could be done.
    """
    from .cli import preferences_in, refusals

    with refusals():
        from ..model.draws import DEFAULT_SEED
        from .cohort import MANY_DRAWS, settings_of
        from .cohort_files import assess_file

        settings = settings_of(
            preferences_in(preferences), level, MANY_DRAWS if draws is None else draws, DEFAULT_SEED if seed is None else seed
        )
        try:
            with _bar(quiet) as progress:
                run = assess_file(
                    source, out, settings, identifier=identifier, ignore=tuple(ignore or ()), restart=restart, overwrite=overwrite,
                    progress=progress,
                )  # fmt: skip
        except KeyboardInterrupt:
            typer.echo(f"refra: stopped; the finished rows are kept beside {out}; the same command goes on from there", err=True)
            raise typer.Exit(STOPPED) from None
    if not quiet:
        rejected = f", {run.rejected:,} rejected (see {run.rejected_file})" if run.rejected_file is not None else ""
        typer.echo(f"{run.rows:,} rows read{rejected}; answers in {Path(run.file)}", err=True)
    if run.rejected:
        raise typer.Exit(SOME_REJECTED)
