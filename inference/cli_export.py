"""The command `refra export`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from .cli_validate import Basis


class Format(StrEnum):
    """A file format of Bayesian networks."""

    bif = "bif"
    xmlbif = "xmlbif"
    xdsl = "xdsl"
    net = "net"


def export(
    format: Annotated[Format, typer.Argument(help="bif, xmlbif, xdsl (GeNIe) or net (Hugin).")],
    path: Annotated[str, typer.Argument(metavar="PATH", help="The file to write; one that exists is replaced.")],
    basis: Annotated[Basis, typer.Option(help="fitted: the joint posterior; prior: every parameter record by itself.")] = Basis.fitted,
) -> None:
    """Write the network to a file that other programs read.

    Intervals and sources are not part of it.
    """
    from .cli import refusals

    with refusals():
        from ..model.exporting import export_network

        written = export_network(path, format.value, basis=basis.value)
    typer.echo(f"{written}: {written.stat().st_size:,} bytes")
