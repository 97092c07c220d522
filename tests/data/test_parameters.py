"""Every parameter stands on what it says it stands on."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from refra.data.errors import RecordError
from refra.data.loading import PARAMETER_COLUMNS, STATUSES, build_parameter, evidence, parameters, variables
from refra.data.records import Parameter
from refra.data.tables import Row, parse_csv, read_csv, read_text
from refra.model.derivations import derive
from refra.model.draws import natural
from refra.model.rebuild import as_csv, installed_file, interval, main, rebuilt

DERIVED = [record for record in parameters().values() if record.status != "judgement"]
JUDGED = [record for record in parameters().values() if record.status == "judgement"]
WIDE = 0.14
"""The least spread of a judgement: a 95 % interval of about a third up and a quarter down on the log scale."""


def rows() -> list[Row]:
    return read_csv("parameters", "parameters.csv", columns=PARAMETER_COLUMNS)


def six(value: float) -> str:
    return f"{value:.6g}"


@pytest.mark.parametrize("record", DERIVED, ids=lambda record: record.id)
def test_the_derivation_gives_the_stored_numbers(record: Parameter) -> None:
    support = [evidence()[identifier] for identifier in record.evidence_for]
    centre, spread = derive(record.derivation, support, dict(record.arguments))
    assert (six(centre), six(spread)) == (six(record.centre), six(record.spread))


def test_a_derived_number_allows_for_another_clinic() -> None:
    assert all(record.spread >= WIDE for record in DERIVED)


def test_measured_numbers_rest_on_one_row_and_pooled_ones_on_several() -> None:
    for record in DERIVED:
        if record.status == "measured":
            assert len(record.evidence_for) == 1, record.id
        elif record.status == "pooled":
            assert len(record.evidence_for) > 1, record.id


def test_judgements_give_their_reason_and_stay_wide() -> None:
    for record in JUDGED:
        assert len(record.rationale.split()) >= 2, record.id
        assert record.spread >= WIDE, record.id
        assert not record.derivation, record.id
        assert not record.arguments, record.id


def test_nothing_speaks_for_and_against_a_number_at_once() -> None:
    for record in parameters().values():
        assert not set(record.evidence_for) & set(record.evidence_against), record.id
        for ids in (record.evidence_for, record.evidence_against):
            assert len(set(ids)) == len(ids), record.id


def test_ranges_hold_95_percent_of_the_distribution() -> None:
    z = NormalDist().inv_cdf(0.975)
    for record in parameters().values():
        low, high = natural(record, np.array([-z, z]))
        assert record.range_low == pytest.approx(low, rel=2e-5), record.id
        assert record.range_high == pytest.approx(high, rel=2e-5), record.id


def test_utilities_and_rates_are_of_their_kind() -> None:
    for record in parameters().values():
        assert (record.kind == "utility") == (record.node == "utility") == record.id.startswith("utility."), record.id
        if record.kind == "rate" and record.node in variables():
            assert record.range_high < 100, record.id


def test_the_shares_of_the_statuses_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    counts = Counter(record.status for record in parameters().values())
    assert set(counts) == set(STATUSES)
    with capsys.disabled():
        shares = ", ".join(f"{name} {counts[name]} ({counts[name] / counts.total():.0%})" for name in STATUSES)
        print(f"\n{counts.total()} parameters: {shares}")


# --- rebuilding -----------------------------------------------------------------------------------------------------


def test_rebuilding_changes_nothing() -> None:
    assert rebuilt(rows(), evidence()) == rows()
    assert as_csv(rows()) == read_text("parameters", "parameters.csv")


def test_rebuilding_twice_equals_rebuilding_once() -> None:
    emptied = [emptied_if_derived(row) for row in rows()]
    once = rebuilt(emptied, evidence())
    assert once == rebuilt(once, evidence()) == rows()


def emptied_if_derived(row: Row) -> Row:
    name, line, record = row
    empty = ("centre", "spread", "range_low", "range_high") if record["derivation"] else ("range_low", "range_high")
    return name, line, {**record, **dict.fromkeys(empty, "")}


def test_rebuilt_rows_are_accepted_by_the_loader() -> None:
    for row in rebuilt(rows(), evidence()):
        assert build_parameter(row, evidence(), variables()) == parameters()[row[2]["id"]]


def test_the_interval_of_each_distribution() -> None:
    z = NormalDist().inv_cdf(0.975)
    assert interval("normal", -0.5, 0.2) == pytest.approx((-0.5 - z * 0.2, -0.5 + z * 0.2), rel=1e-6)
    assert interval("lognormal", 2.0, 0.3) == pytest.approx((2 / math.exp(z * 0.3), 2 * math.exp(z * 0.3)), rel=1e-6)
    odds = math.exp(z * 0.4)
    low, high = 0.25 / odds / (1 + 0.25 / odds), 0.25 * odds / (1 + 0.25 * odds)
    assert interval("logit_normal", 0.2, 0.4) == pytest.approx((low, high), rel=1e-6)


def changed(identifier: str, **fields: str) -> list[Row]:
    return [(name, line, {**record, **fields}) for name, line, record in rows() if record["id"] == identifier]


def test_a_new_argument_moves_the_number() -> None:
    ((_, _, record),) = rebuilt(changed("mace.age", arguments="heterogeneity=0.5"), evidence())
    row = evidence()["mace_age65_hr_oralsurv"]
    assert row.ci_low is not None
    assert row.ci_high is not None
    se = math.log(row.ci_high / row.ci_low) / (2 * NormalDist().inv_cdf(0.975))
    assert float(record["spread"]) == pytest.approx(math.sqrt(se**2 + 2 * 0.5**2), rel=1e-5)
    assert float(record["centre"]) == row.value


def test_a_changed_judgement_keeps_its_numbers_and_moves_its_range() -> None:
    ((_, _, record),) = rebuilt(changed("escape.hazard", centre="0.10", spread="0.5"), evidence())
    assert (record["centre"], record["spread"]) == ("0.10", "0.5")
    z = NormalDist().inv_cdf(0.975)
    assert record["range_low"] == six(0.1 * math.exp(-z * 0.5))
    assert record["range_high"] == six(0.1 * math.exp(z * 0.5))


@pytest.mark.parametrize(
    ("identifier", "fields", "words"),
    [
        ("mace.age", {"derivation": "mean"}, ["line", "mace.age", "derivation", "'mean'", "pooled_ratio"]),
        ("mace.age", {"evidence_for": ""}, ["mace.age", "evidence_for", "empty"]),
        ("mace.age", {"evidence_for": "nowhere"}, ["mace.age", "evidence_for", "'nowhere'", "evidence.csv"]),
        ("mace.age", {"arguments": "heterogenity=1"}, ["mace.age", "derivation", "pooled_ratio", "heterogenity"]),
        ("mace.age", {"arguments": "heterogeneity=wide"}, ["mace.age", "derivation", "wide"]),
        ("mace.age", {"arguments": "wide"}, ["mace.age", "arguments", "'wide'", "name=value"]),
        ("escape.hazard", {"centre": ""}, ["escape.hazard", "centre", "''", "lognormal"]),
        ("severity.severe", {"centre": "1"}, ["severity.severe", "centre", "'1'", "logit_normal"]),
    ],
)
def test_a_record_that_cannot_be_rebuilt_is_named(identifier: str, fields: dict[str, str], words: list[str]) -> None:
    with pytest.raises(RecordError) as caught:
        rebuilt(changed(identifier, **fields), evidence())
    for word in ["parameters.csv", *words]:
        assert word in str(caught.value)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for folder, names in (("parameters", ["parameters.csv"]), ("evidence", ["evidence.csv", "studies.csv"])):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).write_bytes(files("refra.data").joinpath(folder, name).read_bytes())
    return tmp_path


def edit(path: Path, key: str, identifier: str, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        columns = tuple(reader.fieldnames or ())
        records = [change(record) if record[key] == identifier else record for record in reader]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)


def test_the_command_finds_nothing_to_change() -> None:
    assert main(["--check"]) == 0
    assert installed_file().name == "parameters.csv"


def test_the_command_follows_a_change_of_the_evidence_beside_the_file(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tree / "parameters" / "parameters.csv"
    wanted = {"value": "3.0", "ci_low": "2.0", "ci_high": "4.5"}
    edit(tree / "evidence" / "evidence.csv", "id", "mace_age65_hr_oralsurv", lambda record: {**record, **wanted})
    before = path.read_bytes()
    assert main(["--check", str(path)]) == 1
    assert path.read_bytes() == before
    assert "mace.age: centre 1.81 -> 3.0" in capsys.readouterr().out
    assert main([str(path)]) == 0
    said = capsys.readouterr().out
    assert "rewritten" in said
    # The installed copy is another file, which an edit of this one does not change.
    assert f"refra reads {installed_file()}" in said
    (record,) = [r for _, _, r in parse_csv("p", path.read_text("utf-8"), PARAMETER_COLUMNS) if r["id"] == "mace.age"]
    assert record["centre"] == "3.0"
    assert main(["--check", str(path)]) == 0


def test_the_command_falls_back_on_the_installed_evidence(tmp_path: Path) -> None:
    path = tmp_path / "parameters.csv"
    path.write_bytes(installed_file().read_bytes())
    assert main(["--check", str(path)]) == 0


def test_the_command_refuses_with_a_message(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tree / "nowhere.csv")]) == 2
    path = tree / "parameters" / "parameters.csv"
    before = path.read_bytes()
    evidence_file = tree / "evidence" / "evidence.csv"
    lines = evidence_file.read_text("utf-8")
    evidence_file.write_text(lines + lines.splitlines()[1] + "\n", "utf-8")
    assert main([str(path)]) == 2
    assert "twice" in capsys.readouterr().err
    assert path.read_bytes() == before
