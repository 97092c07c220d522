"""Figures of variables and parameters hold the numbers on record."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import refra
from refra.data.fitted import fitted
from refra.data.loading import evidence, parameters, studies
from refra.model.draws import natural


def lines(axes: Any) -> list[list[float]]:
    return [list(line.get_xdata()) for line in axes.lines]


def said(figure: Figure) -> str:
    return " ".join(figure.get_supxlabel().split())


def test_a_probability_stands_beside_its_published_proportions() -> None:
    record = parameters()["ada.infliximab"]
    figure = refra.show("ada.infliximab").plot()
    top, bottom = figure.axes
    names = [label.get_text() for label in bottom.get_yticklabels()]
    assert names[:2] == ["Record", "After the joint fit"]
    rows = [*record.evidence_for, *record.evidence_against]
    published = [name for name in rows if evidence()[name].measure == "proportion"]
    assert [name.splitlines()[1] for name in names[2:]] == [studies()[evidence()[name].study_id].citation for name in published]
    for shown, name in zip(names[2:], published, strict=True):
        assert evidence()[name].quantity.startswith(shown.splitlines()[0].removesuffix(" …"))
    drawn = lines(bottom)
    assert drawn[:2] == [[record.centre], [record.range_low, record.range_high]]
    assert [[evidence()[name].value] in drawn for name in published] == [True] * len(published)
    # A density has the area 1, of which 0.9973 lies within three standard deviations.
    outline = top.collections[0].get_paths()[0].vertices
    upper = outline[outline[:, 1] > 0]
    order = np.argsort(upper[:, 0])
    heights, places = upper[order, 1], upper[order, 0]
    assert float(np.sum((heights[1:] + heights[:-1]) / 2 * np.diff(places))) == pytest.approx(0.9973, abs=0.01)
    deviates = fitted().column("ada.infliximab")
    assert deviates is not None
    counted, edges = np.histogram(natural(record, deviates), bins=24, density=True)
    stairs = top.patches[0].get_data()
    np.testing.assert_allclose(stairs.values, counted)
    np.testing.assert_allclose(stairs.edges, edges)
    assert "95 % interval" in said(figure)
    assert "contraction" in said(figure)


def test_a_ratio_has_a_logarithmic_scale() -> None:
    figure = refra.show("mace.jak_high_risk").plot()
    assert [axes.get_xscale() for axes in figure.axes] == ["log", "log"]
    assert figure.axes[1].get_xlabel().startswith("ratio")
    # A ratio's evidence is printed on scales of several kinds, so that none of it is drawn.
    assert len(figure.axes[1].get_yticklabels()) == 2


def test_what_no_row_touches_is_said() -> None:
    name = next(name for name in parameters() if fitted().column(name) is not None and fitted().contraction(name) == 0)
    assert "the published numbers say nothing of it" in said(refra.show(name).plot())


def test_a_variable_is_drawn_as_a_query_is() -> None:
    figure = refra.show("synovitis").plot()
    assert [patch.get_width() for patch in figure.axes[0].patches] == pytest.approx(list(100 * refra.query("synovitis")["probability"]))


@pytest.mark.parametrize("name", ["bartelds2011", "ada_ifx_nordrum_brun2022"])
def test_studies_and_rows_have_no_figure(name: str) -> None:
    with pytest.raises(refra.FindingError, match="a variable or a parameter"):
        refra.show(name).plot()


@pytest.mark.parametrize("name", list(parameters())[::40])
def test_every_kind_of_parameter_can_be_drawn(name: str) -> None:
    top, bottom = refra.show(name).plot().axes
    assert top.get_title(loc="left") == name
    low, high = bottom.get_xlim()
    assert low < parameters()[name].centre < high
