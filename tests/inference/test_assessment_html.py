"""An assessment in a notebook and as a report: well-formed, small, with every number of the text, without scripts, wholly in Chinese."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import refra
from refra.data.errors import FindingError
from refra.data.loading import parameters, studies, variables
from refra.data.writing import write_page
from refra.inference.assessment import Assessment, assess
from refra.inference.cli import app
from refra.inference.comparison import compare
from refra.inference.display_layout import share, signed, with_span
from refra.inference.display_pictures import stages, waterfall, waterfall_steps
from refra.inference.display_words import WORDS
from refra.inference.explanation import RESEARCH_USE
from refra.inference.html import interval_dot
from refra.inference.patient import Patient
from refra.inference.sensitivity.mind import change_of_mind
from refra.inference.situation import situation

DRAWS = 20
VOID = {"meta", "br", "hr", "img"}
NUMBER = re.compile(r"[<>]?\d+(?:\.\d+)?")
EXAMPLES = sorted(entry.name.removesuffix(".yaml") for entry in files("refra.data").joinpath("examples").iterdir() if ".yaml" in entry.name)
CASES = [*((name, "zh") for name in EXAMPLES), ("first_patient", "en"), ("painful_but_quiet_joints", "en")]
RUN = re.compile(r"[A-Za-z]{2,}(?:[\s,;:.]+[A-Za-z]{2,}){2,}")
"""Three Latin words in a row; abbreviations, names and units come alone or in pairs."""

TAGS = re.compile(r"<style>.*?</style>|<[^>]*>", re.DOTALL)
LABELS = re.compile(r'(?:aria-label|title)="([^"]*)"')
OTHERS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "first biologic": {"current_drug": "none", "age": 15, "sjc28": 5},
    "intolerant": {"current_drug": "adalimumab", "response": "intolerant"},
    "met": {"current_drug": "adalimumab", "sjc28": 1, "tjc28": 1, "patient_global": 10, "physician_global": 10},
    "diagnosed": {"current_drug": "adalimumab", "fibromyalgia": "yes", "depression": "yes", "tjc28": 20, "sjc28": 0},
    "IL-6": {"current_drug": "sarilumab", "drug_level": 5, "crp": 40, "il6_level": "high", "earlier": {"abatacept": "never_worked"}},
    "JAK": {
        "current_drug": "tofacitinib", "drug_level": "low", "ada_test": "negative", "glucocorticoid": 10, "prior_serious_infection": "yes",
        "earlier": {"tnf_inhibitor": ["never_worked", "lost_response"], "rituximab": "intolerant"},
    },
    "no state": {"current_drug": "ozoralizumab", "disease_duration": 1, "months_on_drug": 1, "earlier": {"etanercept": "lost_response"}},
    "conflict": {
        "current_drug": "adalimumab", "sjc28": 0, "tjc28": 0, "crp": 90, "esr": 5, "power_doppler": "positive", "patient_global": 90,
        "physician_global": 0, "drug_level": "undetectable", "refill_adherence": 1.0, "ada_test": "negative",
        "widespread_pain": "yes", "first_questionnaire": 0,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """An answer in all its forms."""

    answer: Assessment
    text: str
    notebook: str
    report: str

    @classmethod
    def of(cls, patient: Patient | dict[str, Any], language: str, draws: int = DRAWS) -> Shown:
        answer = assess(patient, draws=draws, language=language)
        return cls(answer, str(answer), answer._repr_html_(), answer.to_html())


class Page(HTMLParser):
    """Collects the elements, their attributes and the text of a page, and checks that elements are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.said.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())


@pytest.fixture(scope="module")
def shown() -> dict[tuple[str, str], Shown]:
    folder = files("refra.data").joinpath("examples")
    return {case: Shown.of(Patient.from_yaml(str(folder.joinpath(f"{case[0]}.yaml"))), case[1]) for case in CASES}


@pytest.fixture(scope="module")
def others() -> dict[str, Shown]:
    return {name: Shown.of(record, "zh", 5) for name, record in OTHERS.items()}


@pytest.fixture(scope="module")
def first(shown: dict[tuple[str, str], Shown]) -> Assessment:
    return shown["first_patient", "en"].answer


def check(text: str) -> Page:
    page = Page(text)
    assert len(text.encode()) < 100_000
    assert not {"script", "iframe", "link", "img"} & {tag for tag, _ in page.found}
    assert not any(name.startswith("on") for _, attributes in page.found for name in attributes)
    # Every picture is either explained in words or stands beside its number.
    for drawn in page.all("svg"):
        assert drawn.get("aria-hidden") == "true" or (drawn["role"] == "img" and drawn["aria-label"])
    assert not re.search(r"\bnan\b", page.text, re.IGNORECASE)
    return page


@pytest.mark.parametrize(("name", "language"), CASES)
def test_notebook_holds_every_number_of_the_text(shown: dict[tuple[str, str], Shown], name: str, language: str) -> None:
    case = shown[name, language]
    page = check(case.notebook)
    assert set(NUMBER.findall(case.text)) <= set(NUMBER.findall(page.text))
    assert page.text.count(RESEARCH_USE[language]) == 1


@pytest.mark.parametrize("name", OTHERS)
def test_notebook_and_report_of_every_kind_of_record(others: dict[str, Shown], name: str) -> None:
    page = check(others[name].notebook)
    assert set(NUMBER.findall(others[name].text)) <= set(NUMBER.findall(page.text))
    check(others[name].report)


@pytest.mark.parametrize(("name", "language"), CASES)
def test_report_says_what_it_should(shown: dict[tuple[str, str], Shown], name: str, language: str) -> None:
    answer, text, words = shown[name, language].answer, shown[name, language].report, WORDS[language]
    page = check(text)
    assert page.all("html")[0]["lang"] == language
    assert {"name": "generator", "content": "refra"} in page.all("meta")
    assert page.text.count(RESEARCH_USE[language]) == 1
    for title in ("found", "words", "why", "causes", "options", "mind", "tests", "classification", "rests", "studies_behind"):
        assert f"<h2>{words[title]}</h2>" in text
    said = page.text.replace("\xa0", " ")
    for sentence in answer.explanation():
        assert sentence.replace("\xa0", " ") in said
    for row in answer.reasons.itertuples():
        assert with_span(row.probability, row.low, row.high) in said
    for row in answer.options.itertuples():
        for numbers in ((row.lda, row.low, row.high), (row.acr50, row.acr50_low, row.acr50_high)):
            assert with_span(*numbers) in said
    assert share(answer.judgement_share) in said
    assert share(answer.untouched_share) in said
    for study in answer.citations().head(8).itertuples():
        assert study.citation in said
        assert not study.doi or any(link["href"] == f"https://doi.org/{study.doi}" for link in page.all("a"))


def test_report_says_what_would_change_the_answer(shown: dict[tuple[str, str], Shown], first: Assessment) -> None:
    found = change_of_mind(first.patient, most=3, added=False)
    said = Page(shown["first_patient", "en"].report).text.replace("\xa0", " ")
    for aim in ("first_reason", "first_option"):
        top = found.data[found.data["aim"] == aim].iloc[0]
        assert f"{top['words']} →" in said
        assert f"({share(top['probability'])})" in said


def test_line_of_an_answer(first: Assessment) -> None:
    top, option = first.reasons.iloc[0], first.options.iloc[0]
    assert repr(first) == (
        f"<Assessment: adalimumab; {top['label']} {with_span(top['probability'], top['low'], top['high'])}; "
        f"first option {option['label']} {with_span(option['lda'], option['low'], option['high'])}>"
    )


def test_intervals_say_their_level() -> None:
    case = Shown.of({"current_drug": "adalimumab", "sjc28": 6}, "en")
    said = dataclasses.replace(case.answer, level=0.8)
    assert "80 % credible" in str(said)
    for page in (said._repr_html_(), said.to_html()):
        assert Page(page).text.replace("\xa0", " ").count("80 % credible") == 2


def test_dots_stand_where_the_numbers_are() -> None:
    # 84 pixels with 4 at each end: 0.5 of 0 to 1 is the middle, 0.25 is 4 + 19.
    drawn = interval_dot(0.5, 0.25, 0.75)
    assert 'cx="42.0"' in drawn
    assert "M23.0 7H61.0" in drawn
    assert "1v12" not in drawn
    # From -1 to 1 the line at 0 stands in the middle.
    assert '<path d="M42.0 1v12"' in interval_dot(0.5, least=-1.0, most=1.0)
    assert interval_dot(float("nan")) == ""


def test_stages_show_the_posteriors(first: Assessment) -> None:
    drawn = str(stages(first))
    page = Page(drawn)
    present = first.causes.set_index("id")["probability"]
    top = first.drivers.iloc[0]
    expected = [
        present["non_adherence"], present["anti_drug_antibodies"], present["low_exposure_other"], first.stages["exposure_in_range"],
        top["probability"], present["wrong_pathway"], present["pathway_escape"], first.stages["covered"], present["fibromyalgia"],
        present["osteoarthritis"], present["depression"], present["other_disease"], first.stages["synovitis"],
    ]  # fmt: skip
    assert re.findall(r"[<>]?[\d.]+ %", page.text) == [share(p) for p in expected]
    widths = [float(rect["width"] or 0) for rect in page.all("rect")]
    # Each box is its frame and, over it, a bar as long as the probability.
    assert len(widths) == 2 * len(expected)
    assert [bar / frame for frame, bar in zip(widths[::2], widths[1::2], strict=True)] == pytest.approx(expected, abs=1e-3)


def test_steps_lead_from_the_background_to_the_posterior(shown: dict[tuple[str, str], Shown]) -> None:
    for (name, language), case in shown.items():
        answer = case.answer
        present = answer.causes.set_index("id")["probability"]
        for cause, table in answer.findings.groupby("cause"):
            steps = waterfall_steps(table, WORDS[language])
            seen = table[table["before"].notna()]
            assert list(seen["after"].iloc[:-1]) == pytest.approx(list(seen["before"].iloc[1:]))
            assert 1 / (1 + 10 ** -float(seen["after"].iloc[-1])) == pytest.approx(present[cause], abs=1e-9), name
            for before, after in pairwise(steps):
                assert before.after == pytest.approx(after.before)
            # The steps that are shown and the rest together make up the whole way.
            assert sum(step.weight for step in steps) == pytest.approx(float(seen["after"].iloc[-1] - seen["before"].iloc[0]))
            said = Page(str(waterfall(answer, str(cause)))).text
            assert all(signed(step.weight) in said for step in steps)
            assert share(float(present[cause])) in said


def test_steps_by_hand() -> None:
    # Odds from 1 to 10, a small step to 10 ** 1.02, and one that settles the cause.
    table = pd.DataFrame(
        {"finding": ["drug", "a", "b", "c"], "before": [np.nan, 0.0, 1.0, 1.02], "after": [np.nan, 1.0, 1.02, np.inf]},
    )
    steps = waterfall_steps(table, WORDS["en"])
    assert [step.text for step in steps] == ["a", "c", "1 other finding"]
    assert [step.weight for step in steps] == pytest.approx([1.0, np.inf, 0.02])
    # The settled cause ends two beyond the scale's furthest, the small step being drawn last.
    assert [step.before for step in steps] == pytest.approx([0.0, 1.0, 5.98])
    assert [step.after for step in steps] == pytest.approx([1.0, 5.98, 6.0])


def test_command_writes_the_report_and_replaces_it(tmp_path: Path) -> None:
    run, out = CliRunner().invoke, tmp_path / "report.html"
    for language in ("en", "zh"):
        done = run(app, ["assess", "first_patient", "--html", str(out), "--lang", language, "--draws", "10"])
        assert done.exit_code == 0
        assert done.stdout.strip() == str(out)
        assert out.read_text(encoding="utf-8").count(f'lang="{language}"') == 1


def test_command_keeps_what_refra_did_not_write(tmp_path: Path) -> None:
    run, notes = CliRunner().invoke, tmp_path / "notes.html"
    for command in (["assess", "first_patient", "--draws", "5"], ["show", "crp"]):
        notes.write_text("<p>mine</p>", encoding="utf-8")
        refused = run(app, [*command, "--html", str(notes)])
        assert refused.exit_code == 2
        assert "--overwrite" in refused.stderr
        assert notes.read_text(encoding="utf-8") == "<p>mine</p>"
        assert run(app, [*command, "--html", str(notes), "--overwrite"]).exit_code == 0
        assert notes.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
        assert run(app, [*command, "--overwrite"]).exit_code == 2
    assert run(app, ["assess", "first_patient", "--html", "x.html", "--json"]).exit_code == 2


@pytest.mark.parametrize("name", ["report.pdf", "report", "patient.yaml"])
def test_a_page_has_the_ending_of_a_page(name: str, tmp_path: Path) -> None:
    refused = CliRunner().invoke(app, ["show", "crp", "--html", str(tmp_path / name), "--overwrite"])
    assert refused.exit_code == 2
    assert ".html, .htm" in refused.stderr
    assert not (tmp_path / name).exists()


def test_pages_are_written_in_place_of_pages_alone(tmp_path: Path, first: Assessment) -> None:
    page, other = tmp_path / "page.html", tmp_path / "notes.html"
    assert first.save_html(page) == page
    assert first.save_html(page).stat().st_size < 100_000
    other.write_text("<p>mine</p>", encoding="utf-8")
    with pytest.raises(FindingError, match="refra did not write it"):
        write_page(other, "x")
    assert write_page(other, "x", overwrite=True).read_text(encoding="utf-8") == "x"
    assert refra.show("exposure").save_html(page) == page
    with pytest.raises(FindingError, match="cannot be written"):
        write_page(tmp_path / "none" / "page.html", "x")


def without_names(text: str) -> str:
    """Return a text without what may be English in it: citations, their identifiers and the ids of records."""
    for study in sorted(studies().values(), key=lambda study: -len(study.citation)):
        text = text.replace(study.citation, "").replace(study.id, "")
    for name in parameters():
        text = text.replace(name, "")
    return text.replace("refra show ID", "")


def leaves(value: Any, key: str = "") -> Iterator[str]:
    """Return the texts in plain values, without those that are ids by their key."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in ("patient", "citations", "influences"):
                yield from leaves(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, key)
    elif isinstance(value, str):
        yield value


def english_in(case: Shown) -> list[str]:
    pages = [case.notebook, case.report]
    texts = [
        case.text,
        repr(case.answer),
        *(TAGS.sub(" ", page) for page in pages),
        *(said for page in pages for said in LABELS.findall(page)),
    ]
    texts += leaves(case.answer.to_dict())
    return [run for text in texts for run in RUN.findall(without_names(text))]


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_wholly_in_chinese(shown: dict[tuple[str, str], Shown], name: str) -> None:
    assert english_in(shown[name, "zh"]) == []


def test_english_would_be_found(shown: dict[tuple[str, str], Shown]) -> None:
    assert len(english_in(shown["first_patient", "en"])) > 50


@pytest.mark.parametrize("name", OTHERS)
def test_other_records_are_wholly_in_chinese(others: dict[str, Shown], name: str) -> None:
    assert english_in(others[name]) == []
    assert all(re.search("[\u4e00-\u9fff]{4}", text) for text in others[name].answer.warnings)


def test_every_warning_was_met(others: dict[str, Shown]) -> None:
    found = [warning for record in OTHERS.values() for warning in situation(Patient(**record)).warnings]
    for words in (
        "not recorded", "first one", "intolerance", "target is met", "of its own", "no level is validated", "no range is settled",
        "small molecule", "blocks IL-6", "serum IL-6", "adults",
    ):  # fmt: skip
        assert any(words in text for text in found), words
    assert not any(re.search("[\u4e00-\u9fff]", text) for text in found)
    for name, record in OTHERS.items():
        said = others[name].answer.warnings
        assert [warning.chinese for warning in situation(Patient(**record)).warnings] == list(said)[
            : len(situation(Patient(**record)).warnings)
        ]
    assert any("彼此不合" in text for text in others["conflict"].answer.warnings)


def test_a_patient_warns_in_both_languages() -> None:
    patient = Patient(current_drug="tocilizumab", crp=4)
    assert patient.warnings()[0].startswith("crp, esr: ")
    assert patient.warnings("zh")[0].startswith(f"{variables()['crp'].label['zh']}、{variables()['esr'].label['zh']}：")


def test_a_comparison_is_wholly_in_chinese(others: dict[str, Shown]) -> None:
    found = compare(others["JAK"].answer, others["conflict"].answer)
    for text in (str(found), TAGS.sub(" ", found.to_html()), TAGS.sub(" ", found._repr_html_())):
        assert RUN.findall(text) == []
