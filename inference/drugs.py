"""Names of drugs, what the network makes of them, and the cut-offs of their blood levels."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from ..data.errors import RecordError, UnknownNameError, nearest
from ..data.loading import variables
from ..data.tables import read_csv
from ..model.drug_classes import CLASSES as DRUG_CLASSES

DRUG_COLUMNS = ("molecule", "class", "state", "routes", "names", "note")
OUTSIDE = "outside"

# The suffix that the FDA adds to the name of a biosimilar, as in adalimumab-atto.
_SUFFIX = re.compile(r"[-\s][a-z]{4}$")


@dataclass(frozen=True)
class Drug:
    """One molecule: its class, the state of `current_drug` that stands for it (None: only its class is known)."""

    molecule: str
    drug_class: str
    state: str | None
    routes: tuple[str, ...]
    names: tuple[str, ...]
    note: str

    @property
    def chinese(self) -> str:
        """The molecule's name in Chinese, where one is on record, else its international name."""
        return next((name for name in self.names if "\u4e00" <= name[0] <= "\u9fff"), self.molecule)


@dataclass(frozen=True)
class DrugName:
    """What a given name stands for: a molecule, a whole class, or no drug at all.

    `molecule` is None for a class of several molecules; `drug_class` is None for "none"; `states` are the states of
    `current_drug` that the name leaves open.
    """

    given: str
    molecule: str | None
    drug_class: str | None
    states: tuple[str, ...]


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for part in (piece.strip() for piece in text.split(";")) if part)


def fold(name: str) -> str:
    """Return a name as it is compared: letters and digits alone, case folded, so that hyphens and spaces vanish."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", name).casefold() if sign.isalnum())


@cache
def drugs() -> Mapping[str, Drug]:
    """Return every molecule of `drugs.csv` by its name; a row that does not fit raises a RecordError."""
    states = variables()["current_drug"].state_ids
    found: dict[str, Drug] = {}
    for name, line, record in read_csv("drugs", "drugs.csv", columns=DRUG_COLUMNS):
        where = f"{name}, line {line} ({record['molecule']})"
        if record["class"] not in (*DRUG_CLASSES, OUTSIDE):
            raise RecordError(f"{where}, class: {record['class']!r}; accepted: {', '.join(DRUG_CLASSES)}, {OUTSIDE}")
        if record["state"] and record["state"] not in states:
            raise RecordError(f"{where}, state: {record['state']!r}; accepted: {', '.join(states)}, or nothing")
        if record["molecule"] in found:
            raise RecordError(f"{where}, molecule: stands twice; one row a molecule is accepted")
        found[record["molecule"]] = Drug(
            molecule=record["molecule"],
            drug_class=record["class"],
            state=record["state"] or None,
            routes=_parts(record["routes"]),
            names=_parts(record["names"]),
            note=record["note"],
        )
    return MappingProxyType(found)


@cache
def _molecules_by_name() -> Mapping[str, Drug]:
    found: dict[str, Drug] = {}
    for drug in drugs().values():
        for name in (drug.molecule, *drug.names):
            if found.setdefault(fold(name), drug) is not drug:
                raise RecordError(f"data/drugs/drugs.csv: {name!r} stands for two molecules; one is accepted")
    return MappingProxyType(found)


@cache
def molecules_of(drug_class: str) -> tuple[str, ...]:
    """Return the molecules of one of the network's drug classes."""
    return tuple(drug.molecule for drug in drugs().values() if drug.drug_class == drug_class)


@cache
def states_of(drug_class: str) -> tuple[str, ...]:
    """Return the states of `current_drug` that belong to a drug class, in the order of the variable."""
    own = {drug.state for drug in drugs().values() if drug.drug_class == drug_class}
    return tuple(state for state in variables()["current_drug"].state_ids if state in own)


def _unknown(name: str, where: str) -> UnknownNameError:
    inside = {n: drug for drug in drugs().values() if drug.drug_class != OUTSIDE for n in (drug.molecule, *drug.names)}
    shown = name if len(name) <= 60 else name[:60] + "…"
    close = nearest(shown, (*inside, *DRUG_CLASSES))
    hint = f"; did you mean {' or '.join(repr(choice) for choice in close)}?" if close else "."
    start = f"{where}: " if where else ""
    return UnknownNameError(
        f"{start}unknown drug {shown!r}{hint} Accepted: a molecule or brand name of a biologic or JAK inhibitor, "
        f"or a class: {', '.join(DRUG_CLASSES)}."
    )


def _outside(name: str, drug: Drug, where: str) -> UnknownNameError:
    start = f"{where}: " if where else ""
    return UnknownNameError(f"{start}{name!r} is {drug.note}; that class is not in the network. Its classes: {', '.join(DRUG_CLASSES)}.")


def find_drug(name: str, where: str = "") -> DrugName:
    """Return what a molecule's, brand's or class's name, or "none", stands for.

    Case, hyphens, spaces and a biosimilar's four-letter suffix do not matter. `where` opens the message of the
    UnknownNameError that a name outside the network raises.
    """
    key = fold(name)
    if key == "none":
        return DrugName(name, None, None, ("none",))
    molecule = _molecules_by_name().get(key)
    if molecule is None:
        shorter = _SUFFIX.sub("", unicodedata.normalize("NFKC", name).casefold().strip())
        molecule = drugs().get(shorter)
    if molecule is not None and molecule.drug_class == OUTSIDE:
        raise _outside(name, molecule, where)
    if molecule is not None:
        states = (molecule.state,) if molecule.state else states_of(molecule.drug_class)
        return DrugName(name, molecule.molecule, molecule.drug_class, states)
    for drug_class in DRUG_CLASSES:
        if key == fold(drug_class):
            return DrugName(name, None, drug_class, states_of(drug_class))
    raise _unknown(name, where)
