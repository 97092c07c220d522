"""Measurement errors and cut-offs of drug levels: what is shipped, and what is refused."""

from __future__ import annotations

import math

import pytest

from refra.data import levels, measurements
from refra.data.errors import RecordError
from refra.data.levels import LEVEL_COLUMNS, level_cutoffs
from refra.data.loading import evidence, variables
from refra.data.measurements import MEASUREMENT_COLUMNS, SCALES, build_measurement_error, measurement_error
from refra.data.tables import Row, parse_csv, read_csv

CUTOFF = {
    "state": "adalimumab", "undetectable_below": "1", "in_range_from": "4", "unit": "mg/L",
    "undetectable_evidence": "", "in_range_evidence": "", "note": "judgement",
}  # fmt: skip


def shipped() -> list[Row]:
    return read_csv("measurement", "measurement.csv", columns=MEASUREMENT_COLUMNS)


def test_every_error_belongs_to_a_variable_with_a_value() -> None:
    for name, error in measurement_error().items():
        assert variables()[name].unit or name == "drug_level", name
        assert error.scale in SCALES, name
        assert 0 < error.value < math.inf, name


def test_relative_errors_are_less_than_twofold() -> None:
    for name, error in measurement_error().items():
        if error.scale in ("log", "proportion"):
            assert error.value < math.log(2), name


def test_every_error_says_where_it_comes_from() -> None:
    for _, _, record in shipped():
        assert record["id"] == f"meas_{record['variable']}"
        assert record["verified"] in ("read", "abstract", "recalled", "judgement"), record["id"]
        assert record["source"] or record["note"], record["id"]


def test_an_error_of_the_table_is_the_error_of_the_variable() -> None:
    for row in shipped():
        assert measurement_error()[row[2]["variable"]] == build_measurement_error(row)
    assert set(measurements.MEASURED_VARIABLES) == set(measurement_error())


def test_cutoffs_lie_in_order_and_below_a_tenfold() -> None:
    for drug, cut in level_cutoffs().items():
        assert 0 < cut.undetectable_below < cut.in_range_from < 10 * cut.undetectable_below, drug
        assert drug in variables()["current_drug"].state_ids


def test_rows_behind_a_cutoff_exist_and_are_not_kept_for_validation() -> None:
    for _, _, record in read_csv("drugs", "levels.csv", columns=LEVEL_COLUMNS):
        for field in ("undetectable_evidence", "in_range_evidence"):
            for identifier in record[field].split():
                assert evidence()[identifier].use != "validation", record["state"]


def text(*records: dict[str, str]) -> str:
    lines = [",".join(record[column] for column in LEVEL_COLUMNS) for record in records]
    return "\n".join([",".join(LEVEL_COLUMNS), *lines])


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([CUTOFF, CUTOFF], ["line 3", "adalimumab", "state", "once"]),
        ([{**CUTOFF, "in_range_from": "four"}], ["line 2", "adalimumab", "number"]),
        ([{**CUTOFF, "undetectable_below": ""}], ["line 2", "adalimumab", "number"]),
        ([{**CUTOFF, "undetectable_below": "0"}], ["adalimumab", "0 < undetectable_below < in_range_from", "accepted"]),
        ([{**CUTOFF, "undetectable_below": "5"}], ["adalimumab", "5", "4"]),
        ([{**CUTOFF, "in_range_from": "nan"}], ["adalimumab", "nan"]),
    ],
)
def test_cutoffs_that_do_not_fit_are_refused(monkeypatch: pytest.MonkeyPatch, records: list[dict[str, str]], words: list[str]) -> None:
    rows = parse_csv("data/drugs/levels.csv", text(*records), LEVEL_COLUMNS)
    monkeypatch.setattr(levels, "read_csv", lambda *path, columns: rows)
    with pytest.raises(RecordError) as caught:
        level_cutoffs.__wrapped__()
    for word in ["data/drugs/levels.csv", *words]:
        assert word in str(caught.value)


def test_cutoffs_are_read_as_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = parse_csv("data/drugs/levels.csv", text(CUTOFF), LEVEL_COLUMNS)
    monkeypatch.setattr(levels, "read_csv", lambda *path, columns: rows)
    (found,) = level_cutoffs.__wrapped__().items()
    assert (found[0], found[1].undetectable_below, found[1].in_range_from) == ("adalimumab", 1.0, 4.0)
