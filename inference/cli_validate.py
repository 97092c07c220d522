"""The command `refra validate`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Basis(StrEnum):
    """Where the parameters come from."""

    fitted = "fitted"
    prior = "prior"


class Rows(StrEnum):
    """Which published rows are predicted."""

    validation = "validation"
    calibration = "calibration"


def validate(
    rows: Annotated[Rows, typer.Option(help="validation: rows that were never fitted to; calibration: those that were.")] = Rows.validation,
    basis: Annotated[Basis, typer.Option(help="fitted: the joint posterior; prior: every parameter record by itself.")] = Basis.fitted,
    draws: Annotated[int, typer.Option(min=10, max=5_000, help="Parameter draws behind the intervals.")] = 400,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the draws.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="All columns as CSV.")] = False,
    plot: Annotated[str | None, typer.Option(metavar="FILE", help="Plot published against predicted (.png, .svg, .pdf).")] = None,
    width: Annotated[int | None, typer.Option(min=40, help="Columns of the text.")] = None,
) -> None:
    """How well the network predicts published numbers that it was not fitted to."""
    from .cli import refusals, terminal_colour, terminal_width

    with refusals():
        from ..model.draws import DEFAULT_SEED
        from .calibration.validating import validation
        from .display_validation import plot_check, validation_text

        found = validation(rows.value, basis.value, draws, DEFAULT_SEED if seed is None else seed)
        if plot is not None:
            plot_check(found, plot)
        if as_csv:
            text = found.rows.to_csv(index=False, lineterminator="\n")
        else:
            text = validation_text(found, rows.value, basis.value, terminal_width(width), terminal_colour())
    typer.echo(text.rstrip("\n"))
