from __future__ import annotations

import pytest

from refra.data.errors import UnknownNameError
from refra.data.levels import level_cutoffs
from refra.data.loading import evidence, variables
from refra.inference.drugs import (
    DRUG_CLASSES,
    drugs,
    find_drug,
    molecules_of,
    states_of,
)
from refra.model.drug_classes import CLASS_OF, drugs_of


@pytest.mark.parametrize(
    ("name", "molecule", "states"),
    [
        ("adalimumab", "adalimumab", ("adalimumab",)),
        ("Adalimumab", "adalimumab", ("adalimumab",)),
        ("adalimumab-atto", "adalimumab", ("adalimumab",)),
        ("adalimumab atto", "adalimumab", ("adalimumab",)),
        ("ADALIMUMAB-AATY", "adalimumab", ("adalimumab",)),
        ("Amgevita", "adalimumab", ("adalimumab",)),
        ("Hyrimoz", "adalimumab", ("adalimumab",)),
        ("修美乐", "adalimumab", ("adalimumab",)),
        ("infliximab-dyyb", "infliximab", ("infliximab",)),
        ("Inflectra", "infliximab", ("infliximab",)),
        ("Remsima", "infliximab", ("infliximab",)),
        ("ct p13", "infliximab", ("infliximab",)),
        ("golimumab", "golimumab", ("golimumab",)),
        ("certolizumab", "certolizumab", ("certolizumab",)),
        ("Certolizumab  Pegol", "certolizumab", ("certolizumab",)),
        ("certolizumab-pegol", "certolizumab", ("certolizumab",)),
        ("Benepali", "etanercept", ("etanercept",)),
        ("Erelzi", "etanercept", ("etanercept",)),
        ("Enbrel®", "etanercept", ("etanercept",)),
        ("tocilizumab", "tocilizumab", ("il6r_inhibitor",)),
        ("Tyenne", "tocilizumab", ("il6r_inhibitor",)),
        ("Ro-Actemra", "tocilizumab", ("il6r_inhibitor",)),
        ("sarilumab", "sarilumab", ("il6r_inhibitor",)),
        ("olokizumab", "olokizumab", ("il6r_inhibitor",)),
        ("Orencia", "abatacept", ("abatacept",)),
        ("MabThera", "rituximab", ("rituximab",)),
        ("Rituxan", "rituximab", ("rituximab",)),
        ("Truxima", "rituximab", ("rituximab",)),
        ("tofacitinib", "tofacitinib", ("jak_inhibitor",)),
        ("baricitinib", "baricitinib", ("jak_inhibitor",)),
        ("upadacitinib", "upadacitinib", ("jak_inhibitor",)),
        ("filgotinib", "filgotinib", ("jak_inhibitor",)),
        ("peficitinib", "peficitinib", ("jak_inhibitor",)),
    ],
)
def test_names_of_drugs(name: str, molecule: str, states: tuple[str, ...]) -> None:
    found = find_drug(name)
    assert (found.molecule, found.states) == (molecule, states)


@pytest.mark.parametrize("name", ["tnf_inhibitor", "TNF inhibitor", "tnf-inhibitor"])
def test_a_class_leaves_its_drugs_open(name: str) -> None:
    found = find_drug(name)
    assert found.molecule is None
    assert found.drug_class == "tnf_inhibitor"
    assert found.states == ("infliximab", "adalimumab", "golimumab", "certolizumab", "etanercept")


def test_a_molecule_without_a_state_of_its_own_is_known_by_its_class() -> None:
    assert find_drug("ozoralizumab").states == states_of("tnf_inhibitor")


def test_none_is_no_drug() -> None:
    assert find_drug("None").states == ("none",)


@pytest.mark.parametrize(("name", "near"), [("adalimumap", "adalimumab"), ("Humra", "Humira"), ("tnf_inhib", "tnf_inhibitor")])
def test_an_unknown_name_is_refused_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(UnknownNameError, match=near):
        find_drug(name)


@pytest.mark.parametrize("name", ["", "-", "x" * 10_000, "\ud800", "adalimumab-toolong"])
def test_odd_names_are_refused_shortly(name: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        find_drug(name)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("anakinra", "interleukin-1"),
        ("Kineret", "interleukin-1"),
        ("secukinumab", "interleukin-17"),
        ("ustekinumab", "interleukin-12"),
        ("satralizumab", "not licensed for rheumatoid arthritis"),
        ("methotrexate", "field of its own"),
    ],
)
def test_a_drug_outside_the_network_is_named_as_such(name: str, kind: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        find_drug(name, "current_drug")
    assert kind in str(caught.value)
    assert "not in the network" in str(caught.value)
    assert str(caught.value).startswith("current_drug")


def test_every_state_of_the_current_drug_is_some_class() -> None:
    states = variables()["current_drug"].state_ids
    assert [CLASS_OF.get(state) for state in states].count(None) == 1
    assert "none" not in CLASS_OF
    # The network and the list of drugs agree on who belongs where.
    assert all(states_of(name) == drugs_of(name) for name in DRUG_CLASSES)
    assert [state for name in DRUG_CLASSES for state in states_of(name)] == list(states[1:])


def test_every_class_has_an_earlier_variable_and_molecules() -> None:
    for name in DRUG_CLASSES:
        assert f"earlier_{name}" in variables()
        assert molecules_of(name)
    assert {name for drug in drugs().values() if (name := drug.drug_class) != "outside"} == set(DRUG_CLASSES)


# Recommended states of the level: undetectable below, in range from (mg/L). Etanercept: quartile of users, 1.1 mg/L.
CUTOFFS = {
    "adalimumab": (1, 4),
    "infliximab": (0.3, 1),
    "certolizumab": (10, 20),
    "golimumab": (0.5, 1),
    "etanercept": (0.3, 1),
    "il6r_inhibitor": (0.5, 1),
}


def test_cutoffs_of_the_levels() -> None:
    assert {name: (cut.undetectable_below, cut.in_range_from) for name, cut in level_cutoffs().items()} == CUTOFFS


def test_cutoffs_rest_on_evidence_or_say_that_they_are_judgement() -> None:
    for cut in level_cutoffs().values():
        assert set(cut.evidence) <= set(evidence())
        assert len(cut.evidence) == 2 or "judgement" in cut.note


def test_the_useful_concentrations_of_the_consensus_are_the_upper_cutoffs() -> None:
    for state, row in [
        ("infliximab", "cut_infliximab_eular2022"),
        ("golimumab", "cut_golimumab_eular2022"),
        ("certolizumab", "cut_certolizumab_eular2022"),
        ("il6r_inhibitor", "cut_tocilizumab_eular2022"),
    ]:
        assert level_cutoffs()[state].in_range_from == evidence()[row].value
