"""`refra sensitivity`: the whole analysis, the folder that it leaves behind, and what is refused."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from refra import Patient, assess
from refra.inference import sensitivity
from refra.inference.cli import app
from refra.inference.patient_files import as_record, example_texts, parse_yaml
from refra.inference.sensitivity.analysis import Analysis, analyse
from refra.inference.sensitivity.folder import check_folder, write_folder

EXAMPLE = "missed_injections"
WEIGHTS = "weights: {mace: 0.9}\nunavailable: [jak_inhibitor]\n"


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["sensitivity", *words])


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folders = []
    for name in ("one", "two"):
        home = tmp_path_factory.mktemp(name)
        (home / "weights.yaml").write_text(WEIGHTS, encoding="utf-8")
        out = home / "out"
        result = run(EXAMPLE, "--out", str(out), "--quick", "--seed", "5", "--weights", str(home / "weights.yaml"))
        assert result.exit_code == 0, result.output
        assert f"open {out / 'index.html'}" in result.output
        folders.append(out)
    return folders


@pytest.fixture(scope="module")
def full() -> Analysis:
    record = as_record(parse_yaml(example_texts()[EXAMPLE], EXAMPLE), EXAMPLE)
    return analyse(Patient.from_dict(record), draws=200, seed=3)


class Page(HTMLParser):
    """Collects what a page fetches, its links and its words, and sees that every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        assert tag not in ("script", "link", "iframe")
        if "src" in named:
            self.fetched.append(str(named["src"]))
            assert named.get("alt")
        if tag == "a":
            self.links.append(str(named["href"]))
        if "id" in named:
            self.ids.add(str(named["id"]))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("meta", "img", "br"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    assert not page.open
    return page


def test_the_same_seed_gives_the_same_bytes(quick: list[Path]) -> None:
    tables = [{file.name: file.read_bytes() for file in folder.glob("*.csv")} for folder in quick]
    assert tables[0] == tables[1]
    assert {"all_parameters.csv", "psa.csv", "next_tests.csv", "change_of_mind.csv", "one_way_changes.csv"} <= tables[0].keys()
    pictures = [{file.name: file.read_bytes() for file in folder.glob("*.svg")} for folder in quick]
    assert pictures[0] == pictures[1]


def test_the_manifest_says_what_was_done_and_vouches_for_every_file(quick: list[Path]) -> None:
    manifest = json.loads((quick[0] / "manifest.json").read_text(encoding="utf-8"))
    assert {file.name for file in quick[0].iterdir()} == {*manifest["files"], "manifest.json"}
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((quick[0] / name).read_bytes()).hexdigest() == digest
    assert manifest["seed"] == 5
    assert manifest["quick"] is True
    assert manifest["preferences"] == {"weights": {"mace": 0.9}, "unavailable": ["jak_inhibitor"]}
    patient = Patient.from_dict(as_record(parse_yaml(example_texts()[EXAMPLE], EXAMPLE), EXAMPLE))
    assert manifest["patient"] == json.loads(json.dumps(patient.to_dict()))
    assert datetime.fromisoformat(manifest["made"]).tzinfo is not None


def test_the_page_stands_alone_and_shows_the_tables(quick: list[Path]) -> None:
    page = read(quick[0] / "index.html")
    assert all(source.startswith("data:image/svg+xml;base64,") for source in page.fetched)
    assert {link.removeprefix("#") for link in page.links} <= page.ids
    words = " ".join(page.words)
    assert words.count("no medical device") == 1
    assert "Not available: jak_inhibitor." in words
    with (quick[0] / "psa.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            assert row["id" if "id" in row else "option"] in words


def test_unavailable_options_are_not_analysed(quick: list[Path]) -> None:
    assert "jak_inhibitor" not in (quick[0] / "psa.csv").read_text(encoding="utf-8")


def test_the_full_analysis_holds_every_kind(full: Analysis, tmp_path: Path) -> None:
    kinds = {part.result.name for part in full.parts}
    assert kinds == {
        "parameter_tornado", "findings_tornado", "all_parameters", "one_way", "two_way", "all_cells", "psa", "expected_loss",
        "acceptability", "evpi", "evppi", "info_rank", "evsi", "next_tests", "change_of_mind", "leave_out_structure", "leave_out_studies",
    }  # fmt: skip
    assert len({part.stem for part in full.parts}) == len(full.parts)
    for part in full.parts:
        assert part.result.summary()
        assert part.result.how_to_read
        assert isinstance(part.result.data, pd.DataFrame)
        assert part.result.plot().get_supxlabel().split() == part.result.how_to_read.split()
    few = dataclasses.replace(full, parts=full.parts[::6])
    files = {file.name for file in write_folder(few, tmp_path / "out", datetime(2026, 1, 2, tzinfo=UTC), ["sensitivity"])}
    for part in few.parts:
        assert {f"{part.stem}.csv", f"{part.stem}.png", f"{part.stem}.svg"} <= files
        assert {f"{part.stem}_{name}.csv" for name in part.result.beside} <= files
    read(tmp_path / "out" / "index.html")


def test_the_decision_is_that_of_the_assessment(full: Analysis) -> None:
    answer = assess(full.answer.patient, seed=3)
    first, second = answer.options["id"].iloc[:2]
    tornado = next(part.result for part in full.parts if part.stem == "parameter_tornado_decision")
    lead = answer.options["utility"].iloc[0] - answer.options["utility"].iloc[1]
    assert tornado.data["answer"].iloc[0] == pytest.approx(lead, abs=1e-12)
    about = next(part.about for part in full.parts if part.stem == "parameter_tornado_decision")
    labels = answer.options.set_index("id")["label"]
    assert labels[first] in about
    assert labels[second] in about


def test_a_patient_without_reasons_is_analysed_for_options_alone() -> None:
    found = analyse({"current_drug": "adalimumab", "response": "intolerant", "age": 50}, quick=True)
    assert not any("reason" in part.stem for part in found.parts)
    assert {"all_parameters", "psa", "next_tests"} <= {part.stem for part in found.parts}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("first_pateint", "--out", "OUT"), "first_patient"),
        ((EXAMPLE, "--out", "FULL"), "not empty"),
        ((EXAMPLE, "--out", "FULL", "--overwrite"), "no earlier analysis"),
        ((EXAMPLE, "--out", "FULL/note.txt"), "is a file"),
        ((EXAMPLE, "--out", "OUT", "--weights", "WRONG"), "mace"),
        ((EXAMPLE, "--out", "OUT", "--weights", "MISSING"), "missing.yaml"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "note.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "wrong.yaml").write_text("weights: {macee: 0.9}\n", encoding="utf-8")
    places = {"OUT": "out", "FULL": "full", "FULL/note.txt": "full/note.txt", "WRONG": "wrong.yaml", "MISSING": "missing.yaml"}
    result = run(*(str(tmp_path / places[word]) if word in places else word for word in words))
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "out").exists()
    assert [file.name for file in full.iterdir()] == ["note.txt"]


def test_an_earlier_analysis_is_replaced_whole(quick: list[Path], tmp_path: Path) -> None:
    manifest = {"files": {"old.csv": ""}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (tmp_path / "old.csv").write_text("old", encoding="utf-8")
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    found = analyse({"current_drug": "adalimumab", "response": "intolerant", "age": 50}, quick=True)
    write_folder(found, check_folder(tmp_path, overwrite=True), datetime(2026, 1, 2, tzinfo=UTC), [])
    assert not (tmp_path / "old.csv").exists()
    assert (tmp_path / "mine.txt").read_text(encoding="utf-8") == "mine"


def test_every_public_name_of_the_package_is_there() -> None:
    for name in sensitivity.__all__:
        assert getattr(sensitivity, name) is not None
    with pytest.raises(AttributeError, match="info_rank"):
        sensitivity.inforank  # noqa: B018
