"""The picture of the network: what it holds, and that nothing in it overlaps or overflows."""

from __future__ import annotations

import re
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

import refra
from refra.data.errors import FindingError, UnknownNameError
from refra.data.loading import variables
from refra.inference import display_graph
from refra.inference.assessment import Assessment
from refra.inference.cli import app
from refra.inference.display_graph import COLUMNS, WIDTH, network_svg, save_network_svg
from refra.inference.graph_content import COVERAGE, graph_content, seen_in
from refra.inference.layered_layout import Box, Drawing, lay_out
from refra.inference.patient import Patient
from refra.inference.patient_files import example_texts, parse_yaml
from refra.inference.svg_text import BOLD, text_width, wrapped
from refra.model.assembly import central_model
from refra.model.drug_classes import CLASSES

SVG = "{http://www.w3.org/2000/svg}"
EXAMPLES = sorted(example_texts())


@cache
def example(name: str) -> Assessment:
    return refra.assess(Patient.from_dict(parse_yaml(example_texts()[name], name)), draws=0)


def assert_clear(boxes: dict[str, Box], drawing: Drawing, columns: Any = COLUMNS) -> None:
    """No box lies on another or outside its column, and no line behind a box that is not its own."""
    corners = {name: (x, y, x + boxes[name].width, y + boxes[name].height) for name, (x, y) in drawing.places.items()}
    for name, (left, _, right, _) in corners.items():
        assert columns[boxes[name].column][0] - 0.1 <= left
        assert right <= columns[boxes[name].column][1] + 0.1, name
    for (one, a), (other, b) in combinations(corners.items(), 2):
        assert a[2] + 5 <= b[0] or b[2] + 5 <= a[0] or a[3] <= b[1] or b[3] <= a[1], (one, other)
    for source, polylines in drawing.lines.items():
        for (x, start), (_, end), (to, _) in polylines:
            assert columns[0][0] - 10 <= min(x, to)
            assert max(x, to) <= columns[-1][1] + 10
            for name, (left, upper, right, lower) in corners.items():
                assert name == source or not (left < x < right and start < lower and upper < end), (source, name)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_overlaps_in_any_example(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def watched(boxes: dict[str, Box], *rest: Any) -> Drawing:
        drawing = lay_out(boxes, *rest)
        drawn.append((boxes, drawing))
        return drawing

    monkeypatch.setattr(display_graph, "lay_out", watched)
    for answer in (None, *(example(name) for name in EXAMPLES)):
        text = network_svg(answer, language=language)
        assert len(text.encode()) < 100_000
        assert_clear(*drawn[-1])


def test_every_variable_and_arc_is_in_it_once() -> None:
    model = central_model()
    graph = graph_content(model, "en")
    everything = {**graph.background, **graph.boxes, **graph.options}
    assert sorted(name for box in everything.values() for name in box.members) == sorted(model.states)
    home = {name: key for key, box in everything.items() for name in box.members}
    marks = {key: box.mark for key, box in everything.items()}
    drawn = set(graph.arcs)
    for child, parents in model.parents.items():
        box = everything[home[child]]
        for parent in parents:
            shown = marks[home[parent]] in {*box.marks, *(mark for row in box.rows for mark in row.marks)}
            assert home[parent] == home[child] or (home[parent], home[child]) in drawn or shown, (parent, child)
    for parent_box, child_box in drawn:
        members = graph.boxes[child_box].members
        assert any(home[parent] == parent_box for name in members for parent in model.parents[name])
    assert len({box.mark for box in everything.values() if box.mark}) == len(graph.background) + len(graph.boxes)


def test_the_posteriors_are_those_of_a_query() -> None:
    answer = example("rapid_clearance_without_antibodies")
    assert answer.target == "missed"
    seen = seen_in(answer, "en")
    # With the target settled by the record the picture conditions on the record alone, as a query does.
    known = {f.variable: dict(zip(variables()[f.variable].state_ids, f.likelihood, strict=True)) for f in answer.patient.findings()}
    asked = ["exposure", "driver", "synovitis", "covered_jak_inhibitor", "primary_reason"]
    frame = refra.query(asked, given=known, draws=0)
    for name in asked:
        np.testing.assert_allclose(seen.posteriors[name], frame.loc[frame.variable == name, "probability"], atol=1e-9)
    for row in answer.options.itertuples():
        assert seen.lda[row.id] == row.lda


def test_with_an_assumed_target_the_posteriors_are_those_of_the_assessment() -> None:
    answer = example("lupus_on_infliximab")
    assert answer.target == "undecided"
    found = dict(zip(variables()["primary_reason"].state_ids, seen_in(answer, "en").posteriors["primary_reason"], strict=True))
    for row in answer.reasons.itertuples():
        assert found[row.id] == pytest.approx(row.probability, abs=1e-9)


def test_what_was_seen_is_said_and_an_assumed_target_too() -> None:
    root = ElementTree.fromstring(network_svg(example("first_patient")))
    said = " ".join(text for text in root.itertext())
    for words in ("22 mg/L", "52 years", "high titre", "0.4 mg/L", "responded, then lost"):
        assert words in said
    assert "no (assumed)" not in said
    assert "no (assumed)" in network_svg(example("lupus_on_infliximab"))
    assert "no (assumed)" not in network_svg()


def test_it_can_be_read_aloud_and_by_a_parser() -> None:
    root = ElementTree.fromstring(network_svg())
    assert root.get("role") == "img"
    assert root.get("width") == f"{WIDTH:g}"
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert "147 variables" in (description.text or "")
    assert "Exposure → " in (description.text or "")
    assert not list(root.iter(f"{SVG}script"))
    assert {name for group in root.iter(f"{SVG}title") for name in re.findall(r"\w+", group.text or "")} >= set(central_model().states)


def test_chinese() -> None:
    assert "滑膜炎" in network_svg(language="zh")
    assert "Synovitis" not in network_svg(language="zh")
    with pytest.raises(UnknownNameError):
        network_svg(language="de")


def test_the_same_picture_each_time_and_endings(tmp_path: Path) -> None:
    first = save_network_svg(tmp_path / "a.svg")
    assert first.read_text(encoding="utf-8") == network_svg()
    with pytest.raises(FindingError, match=r"accepted: \.svg"):
        save_network_svg(tmp_path / "a.png")
    with pytest.raises(FindingError, match="cannot be written"):
        save_network_svg(tmp_path / "missing" / "a.svg")


def test_texts_are_no_wider_than_they_are_taken_to_be() -> None:
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.ft2font import FT2Font

    texts = [name.label["en"] for name in variables().values()] + [s.label["en"] for v in variables().values() for s in v.states]
    for weight, bold in (("normal", False), ("bold", True)):
        font = FT2Font(findfont(FontProperties(family="DejaVu Sans", weight=weight)))
        font.set_size(100, 72)
        for text in texts:
            width = sum(font.load_char(ord(sign)).linearHoriAdvance for sign in text) / 65536
            assert text_width(text, 100, bold) >= width - 1
    assert BOLD > 1


def test_lines_fit_and_lose_nothing() -> None:
    for text in ("Any non-inflammatory source of pain", "存在非炎性疼痛来源", "antibodies" * 5, "one"):
        lines = wrapped(text, 90, 11)
        assert all(text_width(line, 11) <= 90 for line in lines)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert wrapped("Any non-inflammatory source of pain", 120, 11)[0] == "Any non-"


def test_layers_put_causes_above_effects() -> None:
    names = ("a", "b", "c", "d")
    boxes = {name: Box(50.0, 20.0 + 10 * number, 0, last=name == "d") for number, name in enumerate(names)}
    arcs = [("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")]
    columns = ((0.0, 200.0),)
    drawing = lay_out(boxes, arcs, columns, 10.0, 10.0, 30.0)
    assert_clear(boxes, drawing, columns)
    for parent, child in arcs:
        assert drawing.places[parent][1] + boxes[parent].height + 30 <= drawing.places[child][1]
    assert [len(drawing.heads[name]) for name in names] == [3, 1, 0, 0]
    assert drawing.places["c"][1] == drawing.places["d"][1]
    assert drawing.bottom == drawing.places["d"][1] + boxes["d"].height


def test_the_classes_share_a_box() -> None:
    graph = graph_content(central_model(), "en")
    assert {f"covered_{name}" for name in CLASSES} <= set(graph.boxes[COVERAGE].members)
    assert {f"earlier_{name}" for name in CLASSES} <= set(graph.boxes[COVERAGE].members)


def run(*arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, list(arguments))
    return found.exit_code, found.stdout


def test_command(tmp_path: Path) -> None:
    path = tmp_path / "network.svg"
    assert run("show", "--graph", str(path)) == (0, f"{path}\n")
    assert path.read_text(encoding="utf-8") == network_svg()
    assert run("show", "--graph", str(path), "--patient", "first_patient", "--lang", "zh")[0] == 0
    assert path.read_text(encoding="utf-8") == network_svg(example("first_patient"), language="zh")
    for wrong in (
        (),
        ("crp", "--graph", str(path)),
        ("crp", "--patient", "first_patient"),
        ("--graph", str(path), "--json"),
        ("crp", "--lang", "zh"),
    ):
        assert run("show", *wrong) == (2, "")


def test_a_notebook_shows_the_picture() -> None:
    drawn = network_svg()
    assert drawn._repr_svg_() == drawn
    assert drawn.startswith("<svg")


def test_a_notebook_scrolls_the_picture_where_it_is_narrow() -> None:
    picture = network_svg()
    page = picture._repr_html_()
    assert str(picture) in page
    assert "min-width:66rem" in page
    assert len(page.encode()) < 100_000
    assert picture._repr_svg_() == picture
