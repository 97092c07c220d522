"""Figures of an answer: bars, dots and labels are those of its frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from refra.data.errors import FindingError, UnknownNameError
from refra.inference import figures
from refra.inference.assessment import Assessment, assess
from refra.inference.comparison import compare
from refra.inference.display_pictures import waterfall_steps
from refra.inference.display_words import WORDS
from refra.inference.figures import CHINESE_FONTS, fonts, save
from refra.inference.plots import KINDS, NAME, TESTS_SHOWN, plot_answer

RECORD = {
    "current_drug": "adalimumab",
    "response": "lost",
    "earlier": {},
    "drug_level": "7 mg/L",
    "ada_test": "negative",
    "sjc28": 7,
    "crp": 22,
}


@pytest.fixture(scope="module")
def answer() -> Assessment:
    return assess(RECORD, draws=20, level=0.9)


def names(axes: Any) -> list[str]:
    return [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()]


def bars(axes: Any) -> list[Rectangle]:
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def said(figure: Figure) -> str:
    return " ".join(figure.get_supxlabel().split())


def test_reasons_are_bars_with_whiskers(answer: Assessment) -> None:
    (axes,) = answer.plot("reasons").axes
    assert [bar.get_width() for bar in bars(axes)] == pytest.approx(100 * answer.reasons["probability"])
    assert names(axes) == list(answer.reasons["label"])
    (whiskers,) = axes.containers[0].lines[2]
    for segment, row in zip(whiskers.get_segments(), answer.reasons.itertuples(), strict=True):
        # A centre outside its own interval keeps the whisker on its side at length 0.
        assert segment[:, 0] == pytest.approx([100 * min(row.low, row.probability), 100 * max(row.high, row.probability)])


def test_options_show_benefit_utility_and_every_harm(answer: Assessment) -> None:
    benefit, utility, harm = answer.plot("options").axes
    assert names(benefit) == [f"{rank} {label}" for rank, label in enumerate(answer.options["label"], start=1)]
    found = {container.get_label(): container.lines[0].get_xdata() for container in benefit.containers}
    assert found["LDA"] == pytest.approx(100 * answer.options["lda"])
    assert found["ACR50"] == pytest.approx(100 * answer.options["acr50"])
    assert utility.containers[0].lines[0].get_xdata() == pytest.approx(1000 * answer.options["utility"])
    harms = [container.lines[0].get_xdata() for container in harm.containers]
    assert len(harms) == 6
    assert harms[0] == pytest.approx(100 * answer.options["serious_infection"])


def test_findings_are_steps_of_each_leading_cause(answer: Assessment) -> None:
    figure = answer.plot("findings")
    for axes, (cause, table) in zip(figure.axes, answer.findings.groupby("cause", sort=False), strict=True):
        steps = waterfall_steps(table, WORDS["en"])
        assert [bar.get_width() for bar in bars(axes)] == pytest.approx([step.after - step.before for step in steps]), cause
        assert names(axes)[1:-1] == [step.text for step in steps]
        assert axes.get_title(loc="left") == table["label"].iloc[0]


def test_causes_pathways_and_tests(answer: Assessment) -> None:
    (causes,) = answer.plot("causes").axes
    assert len(causes.containers) == 2
    for container, name in zip(causes.containers, ("probability", "averted"), strict=True):
        assert container.lines[0].get_xdata() == pytest.approx(100 * answer.causes[name].to_numpy())
    (drivers,) = answer.plot("drivers").axes
    assert np.asarray(drivers.collections[-1].get_offsets())[:, 0] == pytest.approx(100 * answer.drivers["prior"].to_numpy())
    (tests,) = answer.plot("tests").axes
    assert [bar.get_width() for bar in bars(tests)] == pytest.approx(1000 * answer.tests["expected_gain"].head(TESTS_SHOWN))


def test_the_whole_answer_has_reasons_causes_and_options(answer: Assessment) -> None:
    figure = answer.plot()
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Reasons", "Causes", "Benefit", "Utility", "Harm"]
    assert len(assess({"current_drug": "none", "sjc28": 5}, draws=0).plot().axes) == 3


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("findings", "tests")])
def test_intervals_say_their_level(answer: Assessment, kind: str) -> None:
    assert "whiskers: 90 % credible interval from 20 parameter draws" in said(answer.plot(kind))


def test_without_draws_no_interval_is_claimed() -> None:
    assert said(assess(RECORD, draws=0).plot("reasons")) == "No intervals were drawn."


def test_files_are_vector_and_the_same_each_time(answer: Assessment, tmp_path: Path) -> None:
    for ending in ("svg", "pdf"):
        first, again = tmp_path / f"one.{ending}", tmp_path / f"two.{ending}"
        save(answer.plot(), first)
        save(answer.plot(), again)
        assert first.read_bytes() == again.read_bytes()
        assert first.stat().st_size > 10_000


def test_kinds_are_refused(answer: Assessment) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'reasons'"):
        answer.plot("reason")
    with pytest.raises(FindingError, match="this answer has no causes; accepted: drivers, options"):
        assess({"current_drug": "none"}, draws=0).plot("causes")


def test_long_names_are_broken(answer: Assessment) -> None:
    benefit = answer.plot("options").axes[0]
    for label in benefit.get_yticklabels():
        assert all(len(line) <= NAME for line in label.get_text().split("\n"))


def test_a_comparison_shows_both_and_the_difference(answer: Assessment) -> None:
    found = compare(answer, {**RECORD, "ada_test": "high_positive"})
    upper, change, lower, _ = found.plot().axes
    table = found.data[(found.data["part"] == "reason") & (found.data["number"] == "probability")]
    table = table[table[["first", "second"]].max(axis=1) >= 5e-4]
    order = np.argsort(-table[["first", "second"]].max(axis=1).to_numpy(), kind="stable")
    for container, name in zip(upper.containers, ("first", "second"), strict=True):
        assert container.lines[0].get_xdata() == pytest.approx(100 * table[name].to_numpy()[order])
    assert change.containers[0].lines[0].get_xdata() == pytest.approx(100 * table["difference"].to_numpy()[order])
    assert len(names(lower)) == len(answer.options)
    assert "over the same 20 parameter draws" in said(found.plot())


def test_chinese_needs_a_font(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "CHINESE_FONTS", ("No Such Font",))
    with pytest.raises(FindingError, match="accepted: No Such Font"), fonts("zh"):
        pass


def test_chinese_figures(tmp_path: Path) -> None:
    try:
        with fonts("zh"):
            pass
    except FindingError:
        pytest.skip(f"none of {CHINESE_FONTS} is installed")
    figure = plot_answer(assess(RECORD, draws=5, language="zh"), "answer")
    # A sign that no font has would be a warning, and so an error here.
    save(figure, tmp_path / "answer.pdf")
    assert b"/Type3" in (tmp_path / "answer.pdf").read_bytes()


def test_fonts_of_a_pdf_are_those_that_journals_ask_for(answer: Assessment, tmp_path: Path) -> None:
    path = tmp_path / "figure.pdf"
    answer.plot("reasons").savefig(path)
    written = path.read_bytes()
    assert b"/Type3" not in written.replace(b" ", b"")
    assert b"CIDFontType2" in written or b"/TrueType" in written
