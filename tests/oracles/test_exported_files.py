"""Exported files read by pgmpy and pyAgrum: the same network, and the same answers as refra's own."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import refra
from refra.data.loading import variables
from refra.model.assembly import central_model
from refra.model.exporting import export_network, identifier
from refra.model.network import Model
from refra.model.pgmpy_bridge import net_text

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyagrum as gum
    from pgmpy.readwrite import BIFReader, NETReader, XDSLReader, XMLBIFReader

# pyAgrum 3.3 reads the numbers of BIF and NET files in single precision, those of XMLBIF and XDSL in double.
SINGLE, DOUBLE = 3e-7, 1e-9
ENDING = {"bif": "bif", "xmlbif": "bifxml", "xdsl": "xdsl", "net": "net"}
SPELLED = ("bif", "xdsl")
GIVEN = {"current_drug": "adalimumab", "age_group": "<50", "drug_level": "undetectable", "sjc28": "3-5", "crp": "10-30", "phq9": "5-9"}
ASKED = ("ada", "synovitis", "primary_reason", "lda_tnf_inhibitor", "bmi_class", "mace_jak_inhibitor")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("exported")
    for format, ending in ENDING.items():
        export_network(place / f"refra.{ending}", format)
    return place


def in_file(format: str, state: str) -> str:
    return identifier(state) if format in SPELLED else state


def assert_same(model: Model, network: Any, format: str) -> None:
    """Compare a network that pgmpy read with refra's, in every name, arc and number."""
    assert set(network.nodes()) == set(model.states)
    for name in model.states:
        cpd = network.get_cpds(name)
        assert tuple(cpd.variables[1:]) == model.parents[name]
        for variable in cpd.variables:
            assert list(cpd.state_names[variable]) == [in_file(format, state) for state in model.states[variable]]
        np.testing.assert_allclose(np.moveaxis(cpd.values, 0, -1), model.tables[name][0], rtol=0, atol=1e-15)


@pytest.mark.parametrize(("format", "reader"), [("bif", BIFReader), ("xmlbif", XMLBIFReader), ("xdsl", XDSLReader)])
def test_pgmpy_reads_the_same_network(folder: Path, format: str, reader: Any) -> None:
    assert_same(central_model(), reader(str(folder / f"refra.{ENDING[format]}")).get_model(), format)


def test_pgmpy_reads_the_same_network_from_net() -> None:
    # A part of the network: pgmpy's reader of this format takes minutes for the whole.
    part = central_model().upstream({"drug_level", "age_group"})
    text = net_text(part, {name: variables()[name].label["en"] for name in part.states})
    assert_same(part, NETReader(string=text).get_model(), "net")


def test_net_holds_every_number_with_all_its_digits(folder: Path) -> None:
    text = (folder / "refra.net").read_text(encoding="utf-8")
    states = {name: re.findall(r'"([^"]*)"', row) for name, row in re.findall(r"^node (\w+)\{\s*states = \((.*)\);", text, re.MULTILINE)}
    tables = {heads.split()[0]: (heads.split()[2:], data) for heads, data in re.findall(r"potential \((.*)\)\{\s*data = (.*);", text)}
    model = central_model()
    assert set(states) == set(tables) == set(model.states)
    for name, (parents, data) in tables.items():
        assert states[name] == list(model.states[name])
        assert tuple(parents) == model.parents[name]
        # Outer brackets follow the first parent, the innermost the variable itself.
        assert len(data) - len(data.lstrip("(")) == len(parents) + 1
        assert [float(word) for word in data.replace("(", " ").replace(")", " ").split()] == model.tables[name][0].ravel().tolist()


@cache
def own_answers() -> Mapping[tuple[str, str], float]:
    frame = refra.query(ASKED, given=GIVEN, draws=0)
    return {(row.variable, row.state): row.probability for row in frame.itertuples()}


def check_answers(network: Any, format: str, called: Mapping[str, str], tolerance: float) -> None:
    engine = gum.LazyPropagation(network)
    engine.setEvidence({called[name]: in_file(format, state) for name, state in GIVEN.items()})
    engine.makeInference()
    for (name, state), expected in own_answers().items():
        found = engine.posterior(called[name])[{called[name]: in_file(format, state)}]
        assert found == pytest.approx(expected, abs=tolerance), (format, name, state)


@pytest.mark.parametrize(("format", "tolerance"), [("bif", SINGLE), ("xmlbif", DOUBLE), ("net", SINGLE)])
def test_pyagrum_opens_it_and_answers_as_refra_does(folder: Path, format: str, tolerance: float) -> None:
    network = gum.loadBN(str(folder / f"refra.{ENDING[format]}"))
    for name, states in central_model().states.items():
        assert list(network.variable(name).labels()) == [in_file(format, state) for state in states]
    check_answers(network, format, {name: name for name in central_model().states}, tolerance)


def test_pyagrum_opens_xdsl_and_answers_as_refra_does_once_its_order_of_parents_is_put_right(folder: Path) -> None:
    network = gum.loadBN(str(folder / "refra.xdsl"))
    called = {name: variables()[name].label["en"] for name in central_model().states}
    assert set(network.names()) == set(called.values())
    model = central_model()
    for name, parents in model.parents.items():
        table = network.cpt(called[name])
        # pyAgrum lets the first parent change fastest; GeNIe, whose format it is, the last.
        assert list(table.names) == [called[name], *(called[parent] for parent in parents)]
        read = np.asarray(table.toarray()).reshape(-1, model.card(name))
        right = read.reshape(*(model.card(parent) for parent in parents), model.card(name))
        np.testing.assert_allclose(right, model.tables[name][0], rtol=0, atol=1e-15)
        table.fillWith(np.moveaxis(right, range(len(parents)), range(len(parents) - 1, -1, -1)).ravel().tolist())
    check_answers(network, "xdsl", called, DOUBLE)
