from __future__ import annotations

import json
from types import MappingProxyType

import pytest
from rich.cells import cell_len

import refra
from refra.data.errors import UnknownNameError
from refra.data.loading import evidence, parameters, studies, variables
from refra.inference import showing
from refra.inference.querying import query
from refra.inference.showing import Shown, below, show
from refra.inference.showing_parts import cut_between_whole_numbers, cutoff_words
from refra.model.assembly import central_model
from refra.model.network import Node, build_model


def flat(text: str) -> str:
    return " ".join(text.split())


def test_is_public() -> None:
    assert refra.show is show


def test_variable() -> None:
    shown = show("crp")
    record = variables()["crp"]
    assert (shown.kind, shown.name, shown.also) == ("variable", "crp", ())
    assert shown.data["unit"] == record.unit
    assert shown.data["loinc"] == record.loinc
    assert shown.data["label"] == dict(record.label)
    assert [state["id"] for state in shown.data["states"]] == list(record.state_ids)
    assert shown.data["parents"] == list(central_model().parents["crp"])
    assert [line["id"] for line in shown.data["parameters"]] == list(central_model().parameters["crp"])
    for line in shown.data["parameters"]:
        assert line["value"] == parameters()[line["id"]].centre
    text = flat(str(shown))
    for part in (record.sentence, record.label["zh"], "mg/L", "1988-5", "10 to below 30", "30 or more", "below 1"):
        assert part in text


def test_marginal_is_that_of_a_patient_of_whom_nothing_is_known() -> None:
    frame = query("ada").set_index("state")
    for state in show("ada").data["states"]:
        assert state["probability"] == frame.loc[state["id"], "probability"]
        assert state["probability_low"] == frame.loc[state["id"], "low"]


def test_children_are_the_variables_that_name_it_as_parent() -> None:
    assert "drug_level" in show("exposure").data["children"]
    for child in show("exposure").data["children"]:
        assert "exposure" in show(child).data["parents"]


def test_parameter() -> None:
    record = parameters()["adherence.full_subcutaneous"]
    shown = show(record.id)
    assert shown.kind == "parameter"
    assert (shown.data["value"], shown.data["low"], shown.data["high"]) == (record.centre, record.range_low, record.range_high)
    assert [line["id"] for line in shown.data["evidence_for"]] == list(record.evidence_for)
    assert [line["id"] for line in shown.data["evidence_against"]] == list(record.evidence_against)
    # Antibodies and levels were measured in users of average adherence, on which their effects are centred.
    assert set(shown.data["tables"]) == {"adherence", "ada", "exposure"}
    # It moves all that lies below exposure, not what stands above it.
    assert {"drug_level", "engagement", "primary_reason"} <= set(shown.data["downstream"])
    assert not {"adherence", "age_group", "driver"} & set(shown.data["downstream"])
    text = flat(shown.text(300))
    sentence = variables()["adherence"].sentence
    for part in (f"{record.centre:.4g}", record.status, record.derivation, record.gap, sentence, "Evidence against it"):
        assert part in text
    row = evidence()[record.evidence_for[0]]
    assert studies()[row.study_id].citation in text


def test_judgement_shows_its_rationale() -> None:
    record = next(p for p in parameters().values() if p.status == "judgement")
    assert flat(record.rationale) in flat(str(show(record.id)))


def test_weight_of_the_utility_belongs_to_no_variable() -> None:
    shown = show("utility.mace")
    assert shown.data["tables"] == []
    assert shown.data["downstream"] == []
    assert "a weight in the utility of the options" in flat(str(shown))


def test_study() -> None:
    shown = show("bartelds2011")
    record = studies()["bartelds2011"]
    rows = [row.id for row in evidence().values() if row.study_id == "bartelds2011"]
    assert shown.kind == "study"
    assert [line["id"] for line in shown.data["evidence"]] == rows
    resting = {p.id for p in parameters().values() if set(rows) & {*p.evidence_for, *p.evidence_against}}
    assert {line["id"] for line in shown.data["parameters"]} == resting
    text = str(shown)
    assert f"doi {record.doi}" in text
    for name in (*rows, *resting):
        assert name in text


def test_study_on_which_nothing_rests() -> None:
    used = {evidence()[i].study_id for p in parameters().values() for i in (*p.evidence_for, *p.evidence_against)}
    name = next(name for name in studies() if name not in used)
    assert show(name).data["parameters"] == []
    assert "none" in str(show(name))


def test_evidence() -> None:
    row = evidence()["ada_adalimumab_3y_bartelds2011"]
    shown = show(row.id)
    assert shown.kind == "evidence"
    assert shown.data["value"] == row.value
    assert shown.data["note"] == row.note
    text = flat(str(shown))
    for part in (row.quantity, row.note, "Bartelds 2011", f"{row.events:g}", row.source_url):
        assert part in text
    assert [line["id"] for line in shown.data["parameters"]] == [
        p.id for p in parameters().values() if row.id in (*p.evidence_for, *p.evidence_against)
    ]


def test_every_id_can_be_shown_at_80_columns() -> None:
    names = [*list(variables())[::12], *list(parameters())[::60], *list(studies())[::25], *list(evidence())[::50]]
    for name in names:
        shown = show(name)
        text = shown.text(80)
        assert max(cell_len(line) for line in text.splitlines()) <= 80, name
        assert "nan" not in text.lower().split()
        assert "\x1b" not in text
        assert json.loads(json.dumps(shown.to_dict(), allow_nan=False))["name"] == name


def test_colours_when_asked() -> None:
    assert "\x1b[" in show("ada").text(color=True)


def test_unknown_name_gets_the_nearest_of_all_kinds() -> None:
    with pytest.raises(UnknownNameError, match="'crp'"):
        show("crpp")
    with pytest.raises(UnknownNameError, match=r"'ada\.infliximab'"):
        show("ada.inflixima")
    with pytest.raises(UnknownNameError, match="'bartelds2011'"):
        show("bartelds201")
    with pytest.raises(UnknownNameError, match="'ada_adalimumab_3y_bartelds2011'"):
        show("ada_adalimumab_3y_bartelds")
    with pytest.raises(UnknownNameError):
        show("")


def test_a_variable_wins_over_other_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = {**showing.RECORDS, "study": (lambda: {"ada": None}, showing.RECORDS["study"][1])}
    monkeypatch.setattr(showing, "RECORDS", MappingProxyType(twice))
    shown = show("ada")
    assert (shown.kind, shown.also) == ("variable", ("study",))
    assert "also stands for: study. This is the variable." in flat(str(shown))
    assert shown.to_dict()["also"] == ["study"]


def test_to_dict_is_a_copy() -> None:
    shown = show("ada")
    shown.to_dict()["states"].clear()
    assert shown.data["states"]


def test_frozen() -> None:
    shown = Shown("variable", "x", {})
    with pytest.raises(AttributeError):
        shown.kind = "study"  # type: ignore[misc]


def test_below() -> None:
    import numpy as np

    coin, copy = np.full((1, 2), 0.5), np.eye(2)[None]
    nodes = {"a": Node((), coin), "b": Node(("a",), copy), "c": Node(("b",), copy), "d": Node((), coin)}
    model = build_model(dict.fromkeys(nodes, ("no", "yes")), nodes)
    assert below(model, ["a"]) == ["b", "c"]
    assert below(model, ["c", "d"]) == []


COUNTED = ("sjc28", "tjc28", "patient_global", "physician_global", "phq9", "first_questionnaire", "sleep_questionnaire")


@pytest.mark.parametrize("name", COUNTED)
def test_cut_offs_of_counts_are_whole_numbers_that_follow_on_each_other(name: str) -> None:
    states = variables()[name].states
    assert cut_between_whole_numbers(states)
    said = [cutoff_words(state, whole=True) for state in states]
    assert said[-1].endswith(" or more")
    firsts = [int(text.split()[0]) for text in said]
    lasts = [int(text.split()[-1]) for text in said[:-1]]
    assert firsts == [0, *(last + 1 for last in lasts)]
    for text in said:
        assert f" {text} " in str(show(name))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bmi_class", ["below 25", "25 to below 30", "30 or more"]),
        ("crp", ["below 1", "1 to below 5", "5 to below 10", "10 to below 30", "30 or more"]),
        ("esr", ["below 20", "20 to below 28", "28 to below 50", "50 or more"]),
        # A limit a hair above a number gives the number to the state below it.
        ("methotrexate", ["0", "above 0 to 10", "above 10"]),
        ("glucocorticoid", ["0", "above 0 to below 7.5", "7.5 or more"]),
        ("ada", ["", "", ""]),
    ],
)
def test_cut_offs_say_on_which_side_a_limit_lies(name: str, words: list[str]) -> None:
    states = variables()[name].states
    assert not cut_between_whole_numbers(states)
    assert [cutoff_words(state) for state in states] == words


@pytest.mark.parametrize("name", ["crp", "ada", "covered_tnf_inhibitor"])
def test_the_studies_behind_a_variable_are_those_that_its_parameters_cite(name: str) -> None:
    data = show(name).to_dict()
    records = [parameters()[line["id"]] for line in data["parameters"]]
    cited = {identity for record in records for identity in (*record.evidence_for, *record.evidence_against)}
    assert {line["study"] for line in data["studies"]} == {evidence()[identity].study_id for identity in cited}
    assert {row for line in data["studies"] for row in (*line["rows_for"], *line["rows_against"])} == cited
    text = str(show(name))
    for line in data["studies"]:
        assert line["study"] in text


@pytest.mark.parametrize("name", ["bartelds2011", "ada_adalimumab_3y_bartelds2011"])
def test_what_depends_on_a_study_is_what_depends_on_its_parameters(name: str) -> None:
    data = show(name).to_dict()
    expected = set()
    for line in data["parameters"]:
        parameter = show(line["id"]).to_dict()
        expected |= {*parameter["tables"], *parameter["downstream"]}
    assert set(data["downstream"]) == expected
    assert "Downstream" in str(show(name))


def test_what_depends_on_a_variable_are_its_descendants() -> None:
    import networkx

    network = refra.network()
    for name in ("crp", "ada", "driver"):
        assert set(show(name).to_dict()["downstream"]) == networkx.descendants(network, name)
