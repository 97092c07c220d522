"""`refra cohort`: files in, files out, in pieces that a stopped run keeps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import refra
from refra.inference import cohort_files
from refra.inference.cli import app
from refra.inference.cohort import settings_of
from refra.inference.cohort_files import assess_file

PATIENTS = pd.DataFrame(
    {
        "pid": ["a", "b", "c", "d", "e"],
        "current_drug": ["adalimumab", "none", "etanercept", "infliximab", ""],
        "methotrexate": ["none", "15", "20 mg", "", "full"],
        "sjc28": ["6", "8", "many", "0", "4"],
        "crp": ["22 mg/L", "NA", "3", "2.2 mg/dL", ""],
        "earlier": ["{}", "", "{tnf_inhibitor: lost_response}", "{il6r_inhibitor: [never_worked, intolerant]}", ""],
    }
)


def written(path: Path, frame: pd.DataFrame = PATIENTS) -> Path:
    frame.to_csv(path, index=False)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["cohort", *map(str, arguments)])


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, keep_default_na=False, na_values={name: [""] for name in ("value", "low", "high")}, dtype={"row": str})


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cohort_files, "ROWS_A_PIECE", 2)


@pytest.mark.usefixtures("small_pieces")
def test_the_file_holds_what_assess_many_returns(tmp_path: Path) -> None:
    result = run(written(tmp_path / "in.csv"), tmp_path / "out.csv", "--id", "pid", "--draws", 3, "--seed", 5)
    assert result.exit_code == 1
    assert "5 rows read, 1 rejected" in result.stderr
    wanted = refra.assess_many(PATIENTS, draws=3, seed=5, identifier="pid")
    found = read(tmp_path / "out.csv")
    assert list(found.columns) == list(wanted.columns)
    for column in ("row", "part", "id", "measure", "note"):
        assert list(found[column]) == list(wanted[column].astype(str))
    for column in ("value", "low", "high"):
        assert found[column].to_numpy() == pytest.approx(wanted[column].to_numpy(), abs=1e-12, nan_ok=True)
    assert not (tmp_path / "out.csv.parts").exists()


def test_rejected_rows_stand_in_a_file_of_their_own_as_given(tmp_path: Path) -> None:
    run(written(tmp_path / "in.csv"), tmp_path / "out.csv", "--id", "pid", "--draws", 0)
    rejected = pd.read_csv(tmp_path / "out.rejected.csv", keep_default_na=False)
    assert list(rejected["row"]) == ["c"]
    assert list(rejected["column"]) == ["sjc28"]
    assert "many" in rejected["problem"].item()
    assert rejected["given_methotrexate"].item() == "20 mg"


def test_exit_code_0_and_no_rejected_file_where_all_rows_are_good(tmp_path: Path) -> None:
    good = PATIENTS[PATIENTS["sjc28"] != "many"]
    (tmp_path / "out.rejected.csv").write_text("from an earlier run", encoding="utf-8")
    result = run(written(tmp_path / "in.csv", good), tmp_path / "out.csv", "--id", "pid", "--draws", 0, "--quiet")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert not (tmp_path / "out.rejected.csv").exists()
    assert set(read(tmp_path / "out.csv")["row"]) == set(good["pid"])


class StoppedError(Exception):
    pass


def stopping(after: int) -> Callable[[int, float], None]:
    def progress(rows: int, share: float) -> None:
        assert 0 <= share <= 1
        if rows >= after:
            raise StoppedError

    return progress


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source, settings = written(tmp_path / "in.csv"), settings_of(None, 0.95, 0, 1)
    whole, broken = tmp_path / f"whole{suffix}", tmp_path / f"broken{suffix}"
    assess_file(source, whole, settings, identifier="pid")
    with pytest.raises(StoppedError):
        assess_file(source, broken, settings, identifier="pid", progress=stopping(4))
    assert not broken.exists()
    assessed: list[int] = []
    original = cohort_files._piece

    def counting(rows: list[Any], *rest: Any) -> Any:
        assessed.append(len(rows))
        return original(rows, *rest)

    monkeypatch.setattr(cohort_files, "_piece", counting)
    done = assess_file(source, broken, settings, identifier="pid")
    assert assessed == [1]
    assert (done.rows, done.rejected) == (5, 1)
    if suffix == ".csv":
        assert broken.read_bytes() == whole.read_bytes()
    else:
        pd.testing.assert_frame_equal(pd.read_parquet(broken), pd.read_parquet(whole))


@pytest.mark.usefixtures("small_pieces")
def test_an_unfinished_run_with_other_settings_is_refused_and_can_be_restarted(tmp_path: Path) -> None:
    source, out = written(tmp_path / "in.csv"), tmp_path / "out.csv"
    with pytest.raises(StoppedError):
        assess_file(source, out, settings_of(None, 0.95, 0, 1), identifier="pid", progress=stopping(2))
    refused = run(source, out, "--id", "pid", "--draws", 0, "--level", 0.8, "--seed", 1)
    assert refused.exit_code == 2
    assert "differs in level" in refused.stderr
    assert run(source, out, "--id", "pid", "--draws", 0, "--level", 0.8, "--seed", 1, "--restart").exit_code == 1


def test_parquet_in_and_out_with_maps_and_numbers(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "current_drug": ["adalimumab", "etanercept"],
            "crp": [22.0, None],
            "earlier": [{"il6r_inhibitor": "never_worked"}, {"rituximab": "lost_response"}],
        }
    )
    frame.to_parquet(tmp_path / "in.parquet")
    assert run(tmp_path / "in.parquet", tmp_path / "out.parquet", "--draws", 0).exit_code == 0
    found = pd.read_parquet(tmp_path / "out.parquet")
    wanted = refra.assess_many(frame, draws=0)
    assert found["value"].to_numpy() == pytest.approx(wanted["value"].to_numpy(), nan_ok=True)
    assert list(found["row"]) == list(wanted["row"])


@pytest.mark.usefixtures("small_pieces")
def test_blank_and_short_lines_are_rows_and_are_reported(tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("current_drug,crp,sjc28\nadalimumab,3,2\n\netanercept,5\nabatacept,,4\nrituximab,8,1\n", encoding="utf-8")
    settings = settings_of(None, 0.95, 0, 1)
    with pytest.raises(StoppedError):
        assess_file(source, out, settings, progress=stopping(2))
    done = assess_file(source, out, settings)
    assert (done.rows, done.rejected) == (5, 2)
    found = read(out)
    rejected = found[found["part"] == "rejected"].set_index("row")["note"]
    assert {row: note[:25] for row, note in rejected.items()} == {"1": "the line has 0 of 3 cells", "2": "the line has 2 of 3 cells"}
    assert set(found.loc[found["part"] == "option", "row"]) == {"0", "3", "4"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty"),
        ("crp,sjc28\n", "no rows"),
        ("crp,crp\n1,2\n", "stands 2 times"),
        ("crp,hospital\n1,2\n", "unknown column 'hospital'"),
        ("crp,sjc28\n1,2,3,4\n", "every line wants 2 cells"),
    ],
)
def test_files_that_cannot_be_used_are_refused(tmp_path: Path, content: str, words: str) -> None:
    source = tmp_path / "in.csv"
    source.write_text(content, encoding="utf-8")
    result = run(source, tmp_path / "out.csv", "--draws", 0)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not (tmp_path / "out.csv").exists()


def test_names_of_files_are_checked(tmp_path: Path) -> None:
    source = written(tmp_path / "in.csv")
    (tmp_path / "there.csv").write_text("kept", encoding="utf-8")
    for arguments, words in (
        ((tmp_path / "none.csv", tmp_path / "out.csv"), "no such file"),
        ((tmp_path, tmp_path / "out.csv"), "is not known"),
        ((source, tmp_path / "out.xlsx"), "accepted: .csv, .parquet"),
        ((source, tmp_path / "nowhere" / "out.csv", "--id", "pid"), "no folder"),
        ((source, tmp_path / "there.csv", "--id", "pid"), "--overwrite"),
        ((source, tmp_path / "out.csv", "--id", "pdi"), "'pid'"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2
        assert words in result.stderr
    assert (tmp_path / "there.csv").read_text(encoding="utf-8") == "kept"
    assert run(source, tmp_path / "there.csv", "--id", "pid", "--overwrite", "--draws", 0).exit_code == 1
    assert len(read(tmp_path / "there.csv")) > 100
