"""Files of the network for other programs: names, bytes, refusals."""

from __future__ import annotations

import random
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import refra
from refra.data.errors import FindingError, RecordError, UnknownNameError
from refra.data.loading import variables
from refra.model.assembly import central_model
from refra.model.exporting import ENDINGS, export_network, identifier, interchange_text

FORMATS = tuple(ENDINGS)


def original(spelled: str) -> str:
    """Read a spelled name back by the rules that docs/export.md gives."""
    number = r"(\d+(?:p\d+)?)"
    signs = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}
    for pattern, back in (
        (f"(lt|le|gt|ge)_{number}", lambda found: signs[found[1]] + found[2]),
        (f"is_{number}", lambda found: found[1]),
        (f"from_{number}_to_{number}", lambda found: f"{found[1]}-{found[2]}"),
        (f"from_{number}_up", lambda found: f"{found[1]}+"),
    ):
        found = re.fullmatch(pattern, spelled)
        if found:
            return re.sub(r"(\d)p(\d)", r"\1.\2", back(found))
    return spelled


@pytest.mark.parametrize(
    ("state", "spelled"),
    [
        ("<50", "lt_50"), ("<=1", "le_1"), (">30", "gt_30"), (">=0.8", "ge_0p8"), ("0", "is_0"), ("0.5-0.8", "from_0p5_to_0p8"),
        ("11+", "from_11_up"), ("in_range", "in_range"),
    ],
)  # fmt: skip
def test_how_states_are_spelled(state: str, spelled: str) -> None:
    assert identifier(state) == spelled


def test_every_state_is_spelled_as_an_identifier_and_can_be_read_back() -> None:
    for name, variable in variables().items():
        spelled = [identifier(state) for state in variable.state_ids]
        assert len(set(spelled)) == len(spelled), name
        for state, word in zip(variable.state_ids, spelled, strict=True):
            assert re.fullmatch(r"[A-Za-z]\w*", word, re.ASCII)
            assert original(word) == state


def test_names_of_variables_are_identifiers_already() -> None:
    assert [name for name in variables() if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII)] == []


def test_a_name_that_no_rule_covers_is_refused() -> None:
    for state in ("a b", "<", "1-", "1:2", "é"):
        with pytest.raises(RecordError, match=re.escape(repr(state))):
            identifier(state)


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_bytes_each_time_and_no_chance(format: str, tmp_path: Path) -> None:
    state = random.getstate()
    first = export_network(tmp_path / "a", format).read_bytes()
    assert random.getstate() == state
    random.random()
    assert export_network(tmp_path / "a", format).read_bytes() == first
    assert b"\r" not in first
    assert first.decode().startswith(("//", "%", "<?xml"))


def test_the_ending_means_the_format(tmp_path: Path) -> None:
    written = refra.export_network(tmp_path / "network.XDSL")
    assert written == tmp_path / "network.XDSL"
    assert ElementTree.parse(written).getroot().tag == "smile"
    assert ElementTree.parse(export_network(tmp_path / "network.bifxml")).getroot().tag == "BIF"


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FindingError, match=r"network\.dsl: the ending means no format; accepted: \.bif, .*\.net"):
        export_network(tmp_path / "network.dsl")
    with pytest.raises(UnknownNameError, match="did you mean 'xdsl'"):
        export_network(tmp_path / "network.xdsl", "xdls")
    with pytest.raises(UnknownNameError, match="basis"):
        export_network(tmp_path / "network.bif", basis="guess")
    with pytest.raises(FindingError, match="cannot be written"):
        export_network(tmp_path / "missing" / "network.xdsl")
    assert list(tmp_path.iterdir()) == []


def test_the_basis_decides_the_numbers() -> None:
    fitted, prior = (interchange_text("xmlbif", basis) for basis in ("fitted", "prior"))
    assert fitted != prior
    for text, basis in ((fitted, "fitted"), (prior, "prior")):
        table = next(d for d in ElementTree.fromstring(text).iter("DEFINITION") if d.findtext("FOR") == "escape")
        assert [float(word) for word in (table.findtext("TABLE") or "").split()] == central_model(basis).tables["escape"].ravel().tolist()


def test_genie_shows_labels_at_places_of_their_own() -> None:
    nodes = list(ElementTree.fromstring(interchange_text("xdsl")).iter("node"))
    places = [tuple(int(word) for word in (node.findtext("position") or "").split()) for node in nodes]
    assert len(nodes) == len(variables())
    for number, (left, top, right, bottom) in enumerate(places):
        for other in places[:number]:
            assert other[2] < left or right < other[0] or other[3] < top or bottom < other[1]
    for node in nodes:
        assert node.findtext("name") == variables()[node.attrib["id"]].label["en"]
    comment = next(node.findtext("comment") or "" for node in nodes if node.attrib["id"] == "age_group")
    assert 'lt_50 = "<50", from_50_to_64 = "50-64", ge_65 = ">=65"' in comment
