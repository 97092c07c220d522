"""Two answers compared: the arithmetic of the differences, their paired intervals, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest

import refra
from refra.data.errors import FindingError
from refra.inference.assessment import Assessment, assess
from refra.inference.comparison import Comparison, compare
from refra.inference.display_layout import signed, with_span
from refra.inference.display_words import WORDS
from refra.inference.explanation import RESEARCH_USE
from refra.inference.patient import Patient

DRAWS = 30
RECORD = {
    "current_drug": "adalimumab", "age": 50, "smoking": "never", "response": "lost", "earlier": {}, "drug_level": "0.4 mg/L",
    "ada_test": "high_positive", "sjc28": 7, "crp": 22,
}  # fmt: skip


@pytest.fixture(scope="module")
def one() -> Assessment:
    return assess(RECORD, draws=DRAWS)


@pytest.fixture(scope="module")
def two() -> Assessment:
    return assess({**RECORD, "ada_test": "negative", "drug_level": "in_range"}, draws=DRAWS)


@pytest.fixture(scope="module")
def found(one: Assessment, two: Assessment) -> Comparison:
    return compare(one, two, names=("low", "high"))


def test_samples_are_the_numbers_of_the_answer(one: Assessment) -> None:
    tables = {"reason": one.reasons, "cause": one.causes, "driver": one.drivers, "option": one.options}
    for (part, identifier, number), values in one.samples.items():
        assert values.shape == (DRAWS + 1,)
        assert values[0] == pytest.approx(tables[part].set_index("id").loc[identifier, number], abs=1e-12)
    reasons = sum(values for (part, _, _), values in one.samples.items() if part == "reason")
    assert reasons == pytest.approx(np.ones(DRAWS + 1))


def test_differences_are_second_minus_first(found: Comparison, one: Assessment, two: Assessment) -> None:
    table = found.data.set_index(["part", "id", "number"])
    for part, name, frames in (("reason", "probability", "reasons"), ("option", "lda", "options")):
        before, after = (getattr(answer, frames).set_index("id") for answer in (one, two))
        for identifier in before.index:
            row = table.loc[(part, identifier, name)]
            assert row["first"] == pytest.approx(before.loc[identifier, name])
            assert (row["first_low"], row["first_high"]) == pytest.approx((before.loc[identifier, "low"], before.loc[identifier, "high"]))
            assert row["second"] == pytest.approx(after.loc[identifier, name])
            assert row["difference"] == pytest.approx(after.loc[identifier, name] - before.loc[identifier, name])
    # Exclusive reasons sum to 1 in both, so that the differences sum to 0.
    assert table.loc["reason"]["difference"].sum() == pytest.approx(0, abs=1e-9)


def test_intervals_of_differences_are_paired(found: Comparison, one: Assessment, two: Assessment) -> None:
    assert found.paired
    key = ("option", "tnf_inhibitor", "lda")
    row = found.data.set_index(["part", "id", "number"]).loc[key]
    changes = two.samples[key][1:] - one.samples[key][1:]
    assert (row["low"], row["high"]) == pytest.approx(tuple(np.quantile(changes, [0.025, 0.975])))
    # What both share cancels: the interval is narrower than that of independent answers.
    independent = np.hypot(row["first_high"] - row["first_low"], row["second_high"] - row["second_low"])
    assert row["high"] - row["low"] < independent


def test_an_answer_does_not_differ_from_itself(one: Assessment) -> None:
    same = compare(one, RECORD)
    assert same.changes == ()
    assert (same.data[["difference", "low", "high"]].abs().to_numpy() < 1e-12).all()
    assert WORDS["en"]["same"] in str(same)
    assert str(same).count(WORDS["en"]["alike"]) == 6


def test_changes_are_named(found: Comparison) -> None:
    assert found.changes == (("Drug level", "0.4 mg/L", "in range"), ("Antibody test", "high positive", "negative"))
    less = compare(RECORD, {name: value for name, value in RECORD.items() if name != "crp"}, draws=0)
    assert less.changes == (("CRP", "22 mg/L", ""),)
    assert WORDS["en"]["no_draws"] in " ".join(str(less).split())


def test_text_and_html_hold_the_same_numbers(found: Comparison) -> None:
    text = " ".join(str(found).split())
    pages = [page.replace("\xa0", " ") for page in (found._repr_html_(), found.to_html())]
    row = found.data.set_index(["part", "id", "number"]).loc[("reason", "immunogenicity", "probability")]
    for said in (
        with_span(row["first"], row["first_low"], row["first_high"]),
        f"{signed(100 * row['difference'])} ({signed(100 * row['low'])} to {signed(100 * row['high'])})",
        RESEARCH_USE["en"],
    ):
        assert said in text
        # An element's text stands in HTML with its less-than signs written otherwise.
        assert all(said.replace("<", "&lt;") in page for page in pages)
    assert all("<script" not in page and len(page.encode()) < 100_000 for page in pages)
    assert "95 % credible" in text
    assert repr(found) == "<Comparison: low, high; 2 findings differ>"


def test_other_draws_are_not_paired(one: Assessment, two: Assessment) -> None:
    other = compare(one, assess(RECORD, draws=DRAWS, seed=7))
    assert not other.paired
    assert other.data["low"].isna().all()
    assert other.data["first_low"].notna().any()
    assert "do not rest on the same parameter draws" in " ".join(str(other).split())


def test_numbers_that_one_answer_lacks(one: Assessment) -> None:
    first = compare(one, {"current_drug": "none", "sjc28": 7})
    table = first.data.set_index(["part", "id", "number"])
    assert np.isnan(table.loc[("reason", "immunogenicity", "probability"), "second"])
    assert np.isnan(table.loc[("option", "support_adherence", "lda"), "difference"])
    assert table.loc[("option", "rituximab", "lda"), "difference"] == pytest.approx(
        first.second.options.set_index("id").loc["rituximab", "lda"] - one.options.set_index("id").loc["rituximab", "lda"]
    )
    assert "no reasons asked for" in str(first)
    assert "nan" not in str(first)


def test_a_patient_takes_the_settings_of_the_answer() -> None:
    base = assess(RECORD, draws=5, seed=3, level=0.8, language="zh", preferences=refra.Preferences(unavailable=("rituximab",)))
    found = compare(base, Patient(**RECORD).without("crp"))
    assert (found.second.draws, found.second.seed, found.second.level, found.second.language) == (5, 3, 0.8, "zh")
    assert "rituximab" not in set(found.second.options["id"])
    assert found.names == ("前者", "后者")


@pytest.mark.parametrize(
    ("settings", "words"), [({"drawss": 3}, "'drawss' is no setting; accepted: preferences, level"), ({"draws": 3}, "both are answers")]
)
def test_settings_are_refused(one: Assessment, two: Assessment, settings: dict[str, int], words: str) -> None:
    with pytest.raises(FindingError, match=words):
        compare(one, two, **settings)


def test_two_levels_or_languages_are_refused(one: Assessment) -> None:
    with pytest.raises(FindingError, match=r"level is 0\.95 and 0\.8"):
        compare(one, RECORD, level=0.8)
    with pytest.raises(FindingError, match="language is 'en' and 'zh'"):
        compare(one, RECORD, language="zh")


def test_two_bases_are_named(one: Assessment) -> None:
    prior = assess(RECORD, draws=DRAWS, basis="prior")
    for text in (str(compare(one, prior)), compare(one, prior)._repr_html_()):
        said = " ".join(text.split())
        assert "first: Parameters: joint posterior given all published numbers. second: Parameters: every record by itself." in said
    assert "every record by itself" not in str(compare(one, one))


def test_what_one_answer_lacks_is_not_drawn() -> None:
    naive, treated = assess({"current_drug": "none", "sjc28": 6}, draws=DRAWS), assess(RECORD, draws=DRAWS)
    figure = compare(naive, treated).plot()
    # Options alone: the values, and their differences.
    assert len(figure.axes) == 2
