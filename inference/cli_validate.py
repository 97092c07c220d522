"""The command `refra validate`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from .calibration.ranking import Ranking

CALIBRATE = ("jax", "jaxlib", "numpyro")
"""What the optional part `calibrate` installs."""


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
    simulated: Annotated[bool, typer.Option("--simulated", help="Instead: find the reasons of simulated patients.")] = False,
    patients: Annotated[int, typer.Option(min=50, max=20_000, help="Simulated patients.")] = 2_000,
    simulated_fit: Annotated[bool, typer.Option("--simulated-fit", help="Instead: fit to simulated values (minutes).")] = False,
    replicates: Annotated[int, typer.Option(min=1, max=2_000, help="Simulated fits.")] = 60,
    width: Annotated[int | None, typer.Option(min=40, help="Columns of the text.")] = None,
) -> None:
    """How well the network predicts published numbers that it was not fitted to, and finds what was simulated."""
    from .cli import refusals, terminal_colour, terminal_width

    with refusals():
        from ..data.errors import FindingError
        from ..model.draws import DEFAULT_SEED

        chosen = DEFAULT_SEED if seed is None else seed
        look = (terminal_width(width), terminal_colour())
        if simulated and simulated_fit:
            raise FindingError("--simulated and --simulated-fit: one of them at a time is accepted")
        if plot is not None and (simulated or simulated_fit):
            raise FindingError("--plot: only published numbers are plotted; accepted without --simulated and --simulated-fit")
        if simulated:
            from .calibration.covering import cover
            from .calibration.recovering import recover
            from .display_simulation import simulation_table, simulation_text

            recovery, coverage = recover(patients, basis.value, seed=chosen), cover(draws, basis.value, seed=chosen)
            table = simulation_table(recovery, coverage)
            text = simulation_text(recovery, coverage, basis.value, *look)
        elif simulated_fit:
            from .display_simulation import ranking_text

            ranking = _ranked(replicates, chosen)
            table, text = ranking.table, ranking_text(ranking, *look)
        else:
            from .calibration.validating import validation
            from .display_validation import plot_check, validation_text

            found = validation(rows.value, basis.value, draws, chosen)
            if plot is not None:
                plot_check(found, plot)
            table, text = found.rows, validation_text(found, rows.value, basis.value, *look)
        if as_csv:
            text = table.to_csv(index=False, lineterminator="\n")
    typer.echo(text.rstrip("\n"))


def _ranked(replicates: int, seed: int) -> Ranking:
    """Run the simulated fits; raises `FindingError` where the optional part that they need is not installed."""
    from ..data.errors import FindingError

    try:
        from .calibration.jax_ranking import rank
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in CALIBRATE:
            raise
        raise FindingError(f'--simulated-fit: {error.name} is not installed; pip install "refra[calibrate]" installs it') from None
    return rank(replicates, seed=seed)
