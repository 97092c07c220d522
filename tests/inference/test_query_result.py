"""What `refra.query` returns shows itself, and stays a frame."""

from __future__ import annotations

import pickle
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import refra
from refra.data.loading import variables
from refra.inference.display_layout import with_span
from refra.inference.query_result import QueryResult

GIVEN = {
    "drug_level": "undetectable", "current_drug": "adalimumab", "crp": None,
    "ada_test": {"negative": 0.2, "low_positive": 1, "high_positive": 1},
}  # fmt: skip
DO = {"methotrexate": "none"}
HEAD = (
    "P(ada, driver | drug_level = undetectable, current_drug = adalimumab, "
    "ada_test = {negative: 0.2, low_positive: 1, high_positive: 1}, do(methotrexate = none))"
)


class Words(HTMLParser):
    """Collects what a page says, its tags and the texts of its cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.said: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.said.append(data)


@pytest.fixture(scope="module")
def found() -> QueryResult:
    return refra.query(["ada", "driver"], GIVEN, DO, draws=20, level=0.9, seed=5)


def test_it_is_a_tidy_frame_that_knows_its_question(found: QueryResult) -> None:
    assert isinstance(found, pd.DataFrame)
    assert isinstance(found, refra.QueryResult)
    assert list(found.columns) == ["variable", "state", "probability", "low", "high"]
    # A finding that was not observed is no part of the question.
    assert list(found.question.given) == ["drug_level", "current_drug", "ada_test"]
    assert dict(found.question.do) == DO
    assert (found.question.level, found.question.draws, found.question.seed) == (0.9, 20, 5)


def test_what_pandas_makes_of_it_is_plain(found: QueryResult) -> None:
    for made in (found.head(2), found.copy(), found.round(3), found[found["state"] == "none"], pd.concat([found, found])):
        assert type(made) is pd.DataFrame
    assert type(found["probability"]) is pd.Series
    pd.testing.assert_frame_equal(found.copy(), pd.DataFrame(found))


def test_it_can_be_pickled(found: QueryResult) -> None:
    back = pickle.loads(pickle.dumps(found))
    assert type(back) is QueryResult
    assert back.question == found.question
    pd.testing.assert_frame_equal(back, found)
    assert repr(back) == repr(found)


def test_a_terminal_sees_every_number(found: QueryResult) -> None:
    text = repr(found)
    assert " ".join(text.split("\n\n")[0].split()) == HEAD
    for row in found.itertuples():
        state = next(s for s in variables()[row.variable].states if s.id == row.state)
        said = re.escape(with_span(row.probability, row.low, row.high))
        assert re.search(rf"^{row.state}\s+{re.escape(state.label['en'])}\s.*{said}$", text, re.MULTILINE)
    assert text.endswith("Intervals: 90 % credible, from 20 parameter draws (seed 5)")
    assert max(map(len, found.text(60).splitlines())) <= 60


def test_a_notebook_sees_bars_and_the_same_numbers(found: QueryResult) -> None:
    page = found._repr_html_()
    assert page is not None
    assert len(page.encode()) < 100_000
    assert "<script" not in page
    words = Words(page)
    assert words.tags.count("svg") == len(found) == 3 + 8
    assert HEAD in words.said
    for row in found.itertuples():
        assert row.state in words.said
        assert with_span(row.probability, row.low, row.high) in words.said
    # The bar of a state ends where its probability is, its whiskers where its interval ends: 1 pixel of margin, 138 of scale.
    drawn = [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page)]
    for svg, row in zip(drawn, found.itertuples(), strict=True):
        assert float(svg[1].attrib["width"]) == pytest.approx(max(138 * row.probability, 0.8), abs=0.06)
        ends = re.match(r"M([\d.]+) 8H([\d.]+)", svg[2].attrib["d"])
        assert ends is not None
        assert [float(end) for end in ends.groups()] == pytest.approx([1 + 138 * row.low, 1 + 138 * row.high], abs=0.06)


def test_chinese_without_intervals() -> None:
    shown = repr(refra.query("synovitis", {"sjc28": 3}, draws=0, language="zh"))
    lines = shown.splitlines()
    assert lines[0] == "P(synovitis | sjc28 = 3)"
    assert any(line.startswith("滑膜炎 (synovitis)") for line in lines)
    assert "中" in shown
    assert "概率" in shown
    assert lines[-1] == "区间：无，只有中心值"
    assert not re.search(r"[A-Za-z]{3,}", re.sub(r"synovitis|sjc28|none|low|moderate|high", "", shown))


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(refra.UnknownNameError, match="language"):
        refra.query("ada", language="fr")


def test_the_figure_holds_the_numbers(found: QueryResult) -> None:
    figure = found.plot()
    assert isinstance(figure, Figure)
    for axes, name in zip(figure.axes, ("ada", "driver"), strict=True):
        table = found[found["variable"] == name]
        assert axes.get_title(loc="left") == variables()[name].label["en"]
        assert [patch.get_width() for patch in axes.patches] == pytest.approx(list(100 * table["probability"]))
        whiskers = np.array([path.vertices[:, 0] for path in axes.collections[0].get_paths()])
        assert whiskers[:, 0] == pytest.approx(np.minimum(100 * table["low"], 100 * table["probability"]).to_numpy())
        assert whiskers[:, 1] == pytest.approx(np.maximum(100 * table["high"], 100 * table["probability"]).to_numpy())
    caption = " ".join(figure.get_supxlabel().split())
    assert HEAD in caption
    assert "90 %" in caption


def test_with_arguments_plot_is_that_of_pandas(found: QueryResult) -> None:
    assert isinstance(found.plot(kind="bar", y="probability"), Axes)
    assert isinstance(found.plot.barh(x="state", y="probability"), Axes)


def test_changed_in_place_it_is_shown_as_pandas_does() -> None:
    changed = refra.query("ada", draws=0)
    changed["square"] = changed["probability"] ** 2
    plain = pd.DataFrame(changed)
    assert repr(changed) == repr(plain)
    assert changed._repr_html_() == plain._repr_html_()  # type: ignore[operator]
    assert isinstance(changed.plot(), Axes)
    del changed["square"]
    assert repr(changed).startswith("P(ada)")
