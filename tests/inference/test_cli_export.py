from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from refra.inference.cli import app
from refra.inference.cli_export import Format
from refra.model.exporting import ENDINGS, interchange_text


def run(*arguments: str) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, list(arguments))
    return found.exit_code, found.stdout, found.stderr


def test_writes_the_file_and_says_its_size(tmp_path: Path) -> None:
    path = tmp_path / "network.bifxml"
    assert run("export", "xmlbif", str(path)) == (0, f"{path}: {path.stat().st_size:,} bytes\n", "")
    assert path.read_text(encoding="utf-8") == interchange_text("xmlbif")
    assert run("export", "xmlbif", str(path), "--basis", "prior")[0] == 0
    assert path.read_text(encoding="utf-8") == interchange_text("xmlbif", "prior")


def test_the_formats_are_those_of_the_network() -> None:
    assert tuple(Format) == tuple(ENDINGS)


def test_refusals(tmp_path: Path) -> None:
    code, said, error = run("export", "xdsl", str(tmp_path / "no" / "network.xdsl"))
    assert (code, said) == (2, "")
    assert "cannot be written" in error
    assert run("export", "dsl", str(tmp_path / "network.dsl"))[0] == 2
