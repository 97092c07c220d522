"""What an answer rests on: shares of its variance, and the studies behind them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from refra.data.fitted import fitted
from refra.data.loading import evidence, parameters, studies
from refra.inference.asking import ask
from refra.inference.influence import Influence, influence
from refra.inference.knowledge import SHIFTED
from refra.inference.options import applicable_options
from refra.inference.patient import Patient
from refra.inference.preferences import Preferences
from refra.inference.situation import Situation, situation
from refra.model.assembly import assemble
from refra.model.draws import Draws, natural

RECORD: dict[str, Any] = {"current_drug": "adalimumab", "response": "lost", "crp": 22, "sjc28": 7, "drug_level": "0.4 mg/L"}
FIRST: dict[str, Any] = {"current_drug": "none", "crp": 22, "sjc28": 7}


@cache
def found_for(kind: str) -> tuple[Situation, Influence]:
    place = situation(Patient(**(RECORD if kind == "reasons" else FIRST)))
    return place, influence(place, place.model(SHIFTED, 0, 0), applicable_options(place, Preferences()))


@pytest.mark.parametrize("kind", ["reasons", "options"])
def test_shares_sum_to_1_and_judgement_is_its_rows(kind: str) -> None:
    _, found = found_for(kind)
    table = found.parameters
    assert table["share"].sum() == pytest.approx(1.0)
    assert (table["share"] > 0).all()
    assert table["share"].is_monotonic_decreasing
    judged = [share for name, share in zip(table["parameter"], table["share"], strict=True) if parameters()[name].status == "judgement"]
    assert found.judgement_share == pytest.approx(sum(judged))
    assert 0 < found.judgement_share < 1
    untouched = [share for share, taken in zip(found.parameters["share"], found.parameters["contraction"], strict=True) if taken <= 0.05]
    assert found.untouched_share == pytest.approx(sum(untouched))
    assert 0 < found.untouched_share < 1


def with_one_shifted(name: str) -> Draws:
    values = {}
    for identifier, record in parameters().items():
        column = fitted().column(identifier)
        assert column is not None
        centre = fitted().centre(identifier)
        standard = np.array([centre, centre + (column.std() if identifier == name else 0.0)])
        values[identifier] = natural(record, standard)
    return Draws(values, 2)


@pytest.mark.parametrize("place_in_table", [0, 1, 7])
def test_effect_is_what_one_standard_deviation_does(place_in_table: int) -> None:
    place, found = found_for("reasons")
    line = found.parameters.iloc[place_in_table]
    model = assemble(with_one_shifted(line["parameter"]))
    values = ask(model, place.known, ["primary_reason"])["primary_reason"]
    leading = int(np.argmax(values[0]))
    assert line["effect"] == pytest.approx(values[1, leading] - values[0, leading], abs=1e-9)
    assert abs(line["effect"]) > 1e-6


def test_the_share_is_of_the_squares_over_all_reasons() -> None:
    place, found = found_for("reasons")
    first, second = found.parameters.iloc[0], found.parameters.iloc[1]
    squares = []
    for line in (first, second):
        values = ask(assemble(with_one_shifted(line["parameter"])), place.known, ["primary_reason"])["primary_reason"]
        squares.append(((values[1] - values[0]) ** 2).sum())
    assert first["share"] / second["share"] == pytest.approx(squares[0] / squares[1], rel=1e-6)


def test_without_reasons_the_benefit_of_the_options_counts() -> None:
    place, found = found_for("options")
    assert not place.explains
    line = found.parameters.iloc[0]
    options = applicable_options(place, Preferences())
    model = assemble(with_one_shifted(line["parameter"]))
    values = np.array([ask(model, place.known, [f"lda_{option}"])[f"lda_{option}"][:, 1] for option in options])
    leading = int(np.argmax(values[:, 0]))
    assert line["effect"] == pytest.approx(values[leading, 1] - values[leading, 0], abs=1e-9)


def test_parameters_that_do_not_matter_are_not_listed() -> None:
    _, found = found_for("reasons")
    listed = set(found.parameters["parameter"])
    assert "exposure.high_titre" in listed
    # Utilities and harms decide on options, not on reasons; the drug is known.
    assert not any(name.startswith(("utility.", "mace.", "lda.", "current_drug.prior")) for name in listed)
    assert listed <= set(parameters())


def test_citations_are_the_studies_behind_the_listed_parameters_alone() -> None:
    _, found = found_for("reasons")
    table = found.citations()
    behind: dict[str, set[str]] = {}
    for name in found.parameters["parameter"]:
        record = parameters()[name]
        for identifier in (*record.evidence_for, *record.evidence_against):
            behind.setdefault(evidence()[identifier].study_id, set()).add(identifier)
    assert set(table["study"]) == set(behind)
    assert table["share"].is_monotonic_decreasing
    for _, line in table.iterrows():
        assert set(line["evidence"]) == behind[line["study"]]
        assert line["citation"] == studies()[line["study"]].citation
        assert line["doi"] == studies()[line["study"]].doi


def test_a_records_share_is_split_over_its_evidence() -> None:
    chosen = next(p for p in parameters().values() if len((*p.evidence_for, *p.evidence_against)) >= 3)
    columns = ["parameter", "node", "status", "effect", "share", "contraction", "evidence_for", "evidence_against"]
    one = [(chosen.id, chosen.node, chosen.status, 0.1, 0.6, 0.0, chosen.evidence_for, chosen.evidence_against)]
    table = Influence(pd.DataFrame(one, columns=columns), 0.0, 0.0).citations()
    assert table["share"].sum() == pytest.approx(0.6)
    ids = (*chosen.evidence_for, *chosen.evidence_against)
    for _, line in table.iterrows():
        own = [identifier for identifier in ids if evidence()[identifier].study_id == line["study"]]
        assert line["share"] == pytest.approx(0.6 * len(own) / len(ids))
        assert line["parameters"] == (chosen.id,)
