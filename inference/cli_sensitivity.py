"""The command `refra sensitivity`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from .cli_validate import Basis


@contextmanager
def _status(asked: bool) -> Iterator[Callable[[str], None] | None]:
    """Show which analysis is being made, where it is asked for and stderr is a terminal."""
    if not asked or not sys.stderr.isatty():
        yield (lambda stem: typer.echo(stem, err=True)) if asked else None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield lambda stem: status.update(stem)


def sensitivity(
    file: Annotated[str, typer.Argument(help="A patient record (.yaml, .yml, .json), or the name of a shipped example: first_patient.")],
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="The folder for page, tables and pictures; made if need be.")],
    quick: Annotated[bool, typer.Option("--quick", help="The short analyses alone, 300 parameter sets, pictures as SVG alone.")] = False,
    weights: Annotated[
        str | None, typer.Option(metavar="FILE", help="A YAML or JSON file with `weights` (QALYs) and `unavailable` options.")
    ] = None,
    draws: Annotated[int | None, typer.Option(min=20, max=1_040, help="Parameter sets of the probabilistic analyses.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of everything random.")] = None,
    basis: Annotated[Basis, typer.Option(help="fitted: the joint posterior; prior: every parameter record by itself.")] = Basis.fitted,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier analysis in DIR.")] = False,
    progress: Annotated[bool, typer.Option("--progress", help="Say on stderr which analysis is being made.")] = False,
) -> None:
    """Sensitivity, value of information and the decision: what one patient's answer rests on.

    Writes index.html, which needs nothing beside it, a CSV, PNG and SVG for each analysis, and manifest.json. The same seed gives the same
    bytes in every CSV.
    """
    from .cli import patient_in, refusals

    with refusals():
        from datetime import UTC, datetime

        from ..model.draws import DEFAULT_SEED
        from .sensitivity.analysis import analyse
        from .sensitivity.folder import PAGE, check_folder, write_folder
        from .sensitivity.preferences_file import read_preferences

        folder = check_folder(out, overwrite)
        preferences = None if weights is None else read_preferences(weights)
        patient = patient_in(file)
        with _status(progress) as told:
            chosen = DEFAULT_SEED if seed is None else seed
            found = analyse(patient, preferences, quick=quick, draws=draws, seed=chosen, basis=basis.value, progress=told)
        files = write_folder(found, folder, datetime.now(UTC), sys.argv[1:])
    for part in found.parts:
        typer.echo(f"{part.stem}: {part.result.summary()}\n")
    typer.echo(f"{len(files)} files in {folder}; open {folder / PAGE}")
