"""The parts of HTML pages, and records as HTML."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

import refra
from refra.data.errors import FindingError
from refra.data.loading import evidence, parameters, studies, variables
from refra.inference import html
from refra.inference.cli import app
from refra.inference.parts import Grid, Link, Measured, Meter, Pairs, Section, Sentence, as_html, as_renderables

VOID = {"meta", "br", "hr"}


class Reader(HTMLParser):
    """Collects the text of a page and checks that its elements are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.said.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def words(text: str) -> list[str]:
    return re.findall(r"[^\s─█▏▎▍▌▋▊▉]+", text)


def test_text_is_escaped_once_and_markup_left_alone() -> None:
    assert html.escape("<5 & \"x\" 'y'") == "&lt;5 &amp; &quot;x&quot; &#x27;y&#x27;"
    assert html.escape(html.element("b", "<5")) == "<b>&lt;5</b>"
    assert html.element("p", "a", html.Html("<br>"), class_="x<y", aria_label="z") == '<p class="x&lt;y" aria-label="z">a<br></p>'
    assert html.table(["<a>"], [["&"], [html.number("<1 %")]]).count("&lt;") == 2
    assert html.heading("a<b", 1) == "<h1>a&lt;b</h1>"
    assert html.paragraph("x", quiet=True) == '<p class="quiet">x</p>'


def numbers(svg: str, tag: str, attribute: str) -> list[float]:
    return [float(found) for found in re.findall(rf'<{tag}[^>]* {attribute}="([-\d.]+)"', svg)]


def test_bar_begins_at_zero_and_whiskers_stand_at_the_ends() -> None:
    svg = html.interval_bar(0.5, 0.25, 0.75, width=102)
    ElementTree.fromstring(svg)
    assert (numbers(svg, "rect", "x")[1], numbers(svg, "rect", "width")[1]) == (1.0, 50.0)
    assert "M26.0 8H76.0" in svg
    below = html.interval_bar(-1.0, -2.0, 0.0, least=-2.0, most=2.0, width=102)
    assert (numbers(below, "rect", "x")[1], numbers(below, "rect", "width")[1]) == (26.0, 25.0)
    assert "M1.0 8H51.0" in below
    # What lies outside the scale is drawn at its end.
    assert numbers(html.interval_bar(3.0, width=102), "rect", "width")[1] == 100.0


@pytest.mark.parametrize(("low", "high"), [(None, None), (math.nan, 0.5), (0.1, None)])
def test_no_interval_no_whiskers(low: float | None, high: float | None) -> None:
    assert "<path" not in html.interval_bar(0.2, low, high)
    assert html.interval_bar(math.nan) == ""


def test_a_document_stands_alone() -> None:
    text = html.document("a<b", [html.heading("x"), "plain & text"], "zh")
    reader = read(text)
    assert text.startswith('<!DOCTYPE html>\n<html lang="zh">')
    assert "a&lt;b" in text
    assert "plain &amp; text" in text
    assert not {"script", "link", "img", "iframe"} & set(reader.tags)
    assert "http" not in text
    assert "color-scheme:light dark" in text


def test_parts_say_the_same_in_a_terminal_and_on_a_page() -> None:
    parts = [
        Section("Title", 1), Sentence("One."), Section("Two"), Pairs([("Value", Measured("0.5 (0.2 to 0.9)", 0.5, 0.2, 0.9, 0, 1))]),
        Grid(
            ("A", "", "P"),
            [("<1", Meter(0.5, 0.2, 0.9), "50 %"), (Link("doi 10.1/x", "https://doi.org/10.1/x"), Meter(0, 0, 0), "0 %")],
            right=(2,),
        ),
    ]  # fmt: skip
    page = "".join(as_html(parts))
    assert page.count("<svg") == 3
    assert '<a href="https://doi.org/10.1/x" rel="noopener">doi 10.1/x</a>' in page
    assert "<h1>Title</h1><p>One.</p><h2>Two</h2>" in page
    assert '<td><div class="number">50 %</div></td>' in page
    assert len(as_renderables(parts)) == 6


NAMES = [*list(variables())[::16], *list(parameters())[::80], *list(studies())[::30], *list(evidence())[::70]]


@pytest.mark.parametrize("name", NAMES)
def test_records_as_html_hold_what_the_text_holds(name: str) -> None:
    shown = refra.show(name)
    fragment = shown._repr_html_()
    said = " ".join(read(fragment).said)
    # The terminal may break a word between two lines; 1,000 columns leave it no need to.
    for word in words(shown.text(1000)):
        assert word in said, word
    assert len(fragment.encode()) < 100_000
    page = shown.to_html()
    assert set(words(" ".join(read(page).said))) >= set(words(said))
    assert f"<title>{html.escape(name)} ({shown.kind})</title>" in page


def test_numbers_are_drawn_where_they_are_shares() -> None:
    fragment = refra.show("adherence.full_subcutaneous")._repr_html_()
    record = parameters()["adherence.full_subcutaneous"]
    shares = sum(evidence()[i].measure == "proportion" for i in (*record.evidence_for, *record.evidence_against))
    # Its value before and after the fit, and each row of evidence that is a proportion.
    assert fragment.count("<svg") == 2 + shares
    assert refra.show("utility.mace")._repr_html_().count("<svg") == 2
    # Medians and ratios of a variable's table are no shares, the one probability is.
    kinds = [parameters()[line["id"]].kind for line in refra.show("crp").data["parameters"]]
    assert refra.show("crp")._repr_html_().count("<svg") == len(variables()["crp"].states) + kinds.count("probability")


def test_studies_are_links() -> None:
    assert f'href="https://doi.org/{studies()["bartelds2011"].doi}"' in refra.show("bartelds2011")._repr_html_()
    without = next(name for name, study in studies().items() if not study.doi and not study.pmid)
    assert "none on record" in refra.show(without)._repr_html_()
    row = next(row for row in evidence().values() if row.source_url.startswith("https://"))
    assert f'<a href="{html.escape(row.source_url)}"' in refra.show(row.id)._repr_html_()


def test_a_short_repr() -> None:
    assert repr(refra.show("ada")) == "Shown(kind='variable', name='ada', also=())"


def test_command_and_file(tmp_path: Path) -> None:
    path = tmp_path / "crp.html"
    found = CliRunner().invoke(app, ["show", "crp", "--html", str(path)])
    assert (found.exit_code, found.stdout) == (0, f"{path}\n")
    assert path.read_text(encoding="utf-8") == refra.show("crp").to_html()
    with pytest.raises(FindingError, match="cannot be written"):
        refra.show("crp").save_html(tmp_path / "missing" / "crp.html")


def test_what_stands_between_backticks_is_code() -> None:
    assert html.code_marked("a < b: `refra show ID` tells `x<y`") == "a &lt; b: <code>refra show ID</code> tells <code>x&lt;y</code>"
    assert html.code_marked("nothing") == "nothing"
    shown = as_html([Sentence("give `earlier`")])[0]
    assert shown == "<p>give <code>earlier</code></p>"
