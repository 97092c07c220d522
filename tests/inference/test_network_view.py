"""The pgmpy network shows itself, and stays pgmpy's."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pytest

import refra
from refra.inference.display_graph import network_svg
from refra.model.assembly import central_model


@pytest.fixture(scope="module")
def network() -> Any:
    return refra.network()


def test_it_is_a_pgmpy_network(network: Any) -> None:
    from pgmpy.models import DiscreteBayesianNetwork

    assert isinstance(network, DiscreteBayesianNetwork)
    assert type(network).__name__ == "DiscreteBayesianNetwork"
    for made in (network.copy(), network.do(["methotrexate"])):
        assert type(made) is DiscreteBayesianNetwork
    assert network == network.copy()
    assert type(refra.network()) is type(network)


def test_the_line_counts_what_is_there(network: Any) -> None:
    model = central_model()
    arcs = sum(map(len, model.parents.values()))
    entries = sum(table[0].size for table in model.tables.values())
    said = repr(network)
    assert said.startswith(f"<refra.network: {len(model.states)} variables (")
    assert f"{arcs} arcs, {entries:,} table entries" in said
    counts = re.findall(r"(\d+) (?:background|latent|finding|summary|outcome)", said)
    assert sum(map(int, counts)) == len(model.states)
    assert "\n" not in said


def test_a_notebook_sees_the_three_stages(network: Any) -> None:
    page = network._repr_html_()
    assert len(page.encode()) < 100_000
    assert "<script" not in page
    assert str(network_svg()) in page
    assert repr(network)[1:-1] in re.sub("<[^>]+>", "", page)


def test_another_network_is_not_drawn(network: Any) -> None:
    changed = pickle.loads(pickle.dumps(network))
    changed.add_node("grip_strength")
    assert "1 of your own" in repr(changed)
    page = changed._repr_html_()
    assert "<svg" not in page
    assert "no longer" in page
    cut = pickle.loads(pickle.dumps(network))
    child, parents = next((name, parents) for name, parents in central_model().parents.items() if parents)
    cut.remove_edge(parents[0], child)
    assert "<svg" not in cut._repr_html_()


def test_it_can_be_pickled(network: Any) -> None:
    back = pickle.loads(pickle.dumps(network))
    assert type(back) is type(network)
    assert back.check_model()
    assert repr(back) == repr(network)
    for name in network.nodes():
        assert list(back.get_parents(name)) == list(network.get_parents(name))
        np.testing.assert_array_equal(back.get_cpds(name).values, network.get_cpds(name).values)
