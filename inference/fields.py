"""The fields of a patient record: which variable each one informs, and how what was given is read."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeAlias

from ..data.errors import FindingError, UnknownNameError, unknown_name
from ..data.loading import variables
from ..data.records import State
from ..model.drug_classes import CLASSES as DRUG_CLASSES
from .drugs import DrugName, find_drug, molecules_of
from .units import QUANTITIES, Reading, fold_text, read_quantity, reads_as_number, shown

FIELD_VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "age": "age_group", "sex": "sex", "bmi": "bmi_class", "smoking": "smoking",
        "disease_duration": "disease_duration", "cardiovascular_risk": "cardiovascular_risk",
        "prior_serious_infection": "prior_serious_infection", "glucocorticoid": "glucocorticoid",
        "methotrexate": "methotrexate", "current_drug": "current_drug", "months_on_drug": "months_on_drug",
        "response": "response_pattern", "earlier": "earlier", "refill_adherence": "refill_adherence",
        "reported_adherence": "reported_adherence", "drug_level": "drug_level", "ada_test": "ada_test",
        "sjc28": "sjc28", "tjc28": "tjc28", "crp": "crp", "esr": "esr", "patient_global": "patient_global",
        "physician_global": "physician_global", "power_doppler": "power_doppler", "rf": "rf", "acpa": "acpa",
        "eta_14_3_3": "eta_14_3_3", "il6_level": "il6_level", "gm_csf_level": "gm_csf_level",
        "synovial_b_cells": "synovial_b_cells", "pathotype": "pathotype", "msrc": "msrc",
        "ifn_signature": "ifn_signature", "fibromyalgia": "fibromyalgia_diagnosis",
        "depression": "depression_diagnosis", "osteoarthritis": "osteoarthritis_diagnosis",
        "widespread_pain": "widespread_pain", "hand_xray_oa": "hand_xray_oa",
        "first_questionnaire": "first_questionnaire", "phq9": "phq9", "sleep_questionnaire": "sleep_questionnaire",
        "red_flags": "red_flags",
    }
)  # fmt: skip
"""The variable that each patient field informs; `earlier` stands for one variable a drug class, earlier_<class>."""

NOT_TRIED = "not_tried"
_BETWEEN_WORDS = re.compile(r"(?<=[a-z])[\s_-]+(?=[a-z])")
_SPACE = re.compile(r"\s+")
_YES_NO = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}


class FrozenMapping(Mapping[str, Any]):
    """A mapping that cannot change and can be hashed; equal to a dict with the same items."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, Any]) -> None:
        """Copy `items`, whose values must be hashable."""
        self._items = dict(items)

    def __getitem__(self, key: str) -> Any:
        """Return the value of `key`."""
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        """Go through the keys in the order given."""
        return iter(self._items)

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._items)

    def __hash__(self) -> int:
        """Return the same hash for the same items in any order."""
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        """Show the items as a dict does."""
        return repr(self._items)


@dataclass(frozen=True)
class StateSeen:
    """A state given by its name."""

    state: str


@dataclass(frozen=True)
class Weighted:
    """A likelihood: P(what was seen | state) for every state of the variable, in its order."""

    weights: tuple[float, ...]


@dataclass(frozen=True)
class Measured:
    """A number, in the unit of its field."""

    reading: Reading


@dataclass(frozen=True)
class DrugSeen:
    """The current drug, given by a name."""

    drug: DrugName


@dataclass(frozen=True)
class EarlierDrug:
    """One earlier drug: its class, its molecule if that was given, what became of it, and what was given."""

    drug_class: str
    molecule: str | None
    outcome: StateSeen | Weighted
    given: Any


@dataclass(frozen=True)
class EarlierSeen:
    """All earlier drugs, in the order given; classes without one were not tried."""

    drugs: tuple[EarlierDrug, ...]


Observation: TypeAlias = StateSeen | Weighted | Measured | DrugSeen | EarlierSeen


def states_of_variable(variable: str) -> tuple[State, ...]:
    """Return the states of a variable, in order, with their cut-offs."""
    return variables()[variable].states


def bounds(state: State) -> tuple[float, float]:
    """Return the cut-offs of a state, low <= value < high; without any, the whole line."""
    low = -math.inf if state.low is None else float(state.low)
    return low, math.inf if state.high is None else float(state.high)


def plain(value: object) -> object:
    """Return the plain Python value of a scalar of numpy or pandas, None for what means "not observed"."""
    kind = type(value)
    if value is None or kind.__name__ in ("NAType", "NaTType"):
        return None
    if kind.__module__ == "numpy" and getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (numbers.Real, Decimal)) and not isinstance(value, (bool, int)):
        try:
            value = float(value)
        except (ValueError, OverflowError, ArithmeticError):
            return value
        return None if math.isnan(value) else value
    return value


def _fold_state(name: str) -> str:
    return _SPACE.sub("", _BETWEEN_WORDS.sub("_", fold_text(name)))


def find_state(variable: str, name: object) -> str | None:
    """Return the id of the state that a name means, or None; case, spaces and hyphens between words do not matter."""
    ids = variables()[variable].state_ids
    if isinstance(name, bool):
        name = "yes" if name else "no"
    # An integer can be nothing but the name "0" here, never an index; no other state is named by an integer.
    text = str(name) if isinstance(name, (str, int)) else ""
    if text in ids:
        return text
    folded = {_fold_state(state): state for state in ids}
    if set(ids) == {"no", "yes"}:
        folded.update(_YES_NO)
    return folded.get(_fold_state(text))


def _accepted(field: str, variable: str) -> str:
    states = ", ".join(variables()[variable].state_ids)
    return f"{states}; or {QUANTITIES[field].sentence}" if field in QUANTITIES else states


def _unknown_state(field: str, variable: str, name: str) -> UnknownNameError:
    short = name if len(name) <= 60 else name[:60] + "…"
    error = unknown_name("state", short, variables()[variable].state_ids, field)
    if field not in QUANTITIES:
        return error
    return UnknownNameError(f"{error} Also accepted: {QUANTITIES[field].sentence}.")


def read_likelihood(field: str, variable: str, given: Mapping[Any, Any]) -> FrozenMapping:
    """Read a likelihood: every state of the variable -> P(what was seen | state), 0 to 1, at least one above 0."""
    weights: dict[str, float] = {}
    for key, raw in given.items():
        state = find_state(variable, key)
        if state is None:
            raise _unknown_state(field, variable, key if isinstance(key, str) else shown(key))
        if state in weights:
            raise FindingError(f"{field}: the likelihood names the state {state!r} twice; once is accepted")
        weight = raw if isinstance(raw, (bool, str)) else plain(raw)
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight <= 1:
            raise FindingError(
                f"{field}: the likelihood of {state!r} is {shown(raw)}; accepted: P(what was seen | {state}), a number from 0 to 1"
            )
        weights[state] = float(weight)
    ids = variables()[variable].state_ids
    missing = [state for state in ids if state not in weights]
    if missing:
        raise FindingError(
            f"{field}: the likelihood says nothing of {', '.join(repr(state) for state in missing)}; "
            f"every state is wanted: {', '.join(ids)}"
        )
    if not any(weights.values()):
        raise FindingError(f"{field}: the likelihood is 0 for every state; at least one above 0 is wanted")
    return FrozenMapping({state: weights[state] for state in ids})


def _weighted(variable: str, weights: FrozenMapping) -> Weighted:
    return Weighted(tuple(weights[state] for state in variables()[variable].state_ids))


def _read_text(field: str, variable: str, text: str) -> tuple[object, Observation]:
    if not text:
        raise FindingError(f"{field}: an empty text; leave the field out if nothing was observed")
    if field == "current_drug":
        drug = find_drug(text, field)
        return text, DrugSeen(drug)
    state = find_state(variable, text)
    if state is not None:
        return state, StateSeen(state)
    if field in QUANTITIES and reads_as_number(text):
        return text, Measured(read_quantity(field, text))
    raise _unknown_state(field, variable, text)


def _read_outcome(field: str, drug_class: str, given: object) -> tuple[Any, StateSeen | Weighted]:
    variable = f"earlier_{drug_class}"
    if isinstance(given, Mapping):
        weights = read_likelihood(field, variable, given)
        return weights, _weighted(variable, weights)
    if not isinstance(given, str):
        outcomes = ", ".join(state for state in variables()[variable].state_ids if state != NOT_TRIED)
        raise FindingError(f"{field}: {shown(given)} is no outcome; accepted: {outcomes}; leave out a class that was not tried")
    state = find_state(variable, given)
    if state is None:
        raise _unknown_state(field, variable, given)
    return state, StateSeen(state)


def _read_earlier_entry(name: object, given: object) -> tuple[str, Any, str, list[EarlierDrug]]:
    """Return the key, what to store, the key's meaning (molecule, else class) and the drugs of one entry."""
    if not isinstance(name, str):
        raise unknown_name("drug class", shown(name), DRUG_CLASSES, "earlier")
    drug = find_drug(name, "earlier")
    if drug.drug_class is None:
        raise FindingError("earlier: 'none' is no drug; 'earlier: {}' says that none was tried")
    where = f"earlier, {name.strip()}"
    entries = list(given) if isinstance(given, (list, tuple)) else [given]
    read = [_read_outcome(where, drug.drug_class, plain(entry)) for entry in entries]
    untried = [outcome for _, outcome in read if outcome == StateSeen(NOT_TRIED)]
    if untried and len(read) > 1:
        raise FindingError(f"{where}: 'not_tried' beside other outcomes; it is accepted alone")
    if drug.molecule not in (None, drug.drug_class) and len(read) > 1:
        raise FindingError(f"{where}: {len(read)} outcomes for one molecule; accepted: one, or a list under the class {drug.drug_class}")
    found = [] if untried else [EarlierDrug(drug.drug_class, drug.molecule, outcome, raw) for raw, outcome in read]
    stored = tuple(raw for raw, _ in read) if isinstance(given, (list, tuple)) else read[0][0]
    return name.strip(), stored, drug.molecule or drug.drug_class, found


def read_earlier(given: object) -> tuple[FrozenMapping, EarlierSeen]:
    """Read the map of earlier drugs: class id or molecule -> outcome, likelihood of outcomes, or a list of them.

    A map is complete: what it does not name was not tried, and an empty one says that nothing was.
    """
    if not isinstance(given, Mapping):
        raise FindingError(f"earlier: {shown(given)}; a map from drug class or molecule to outcome is accepted, {{}} if none was tried")
    stored: dict[str, Any] = {}
    meanings: set[str] = set()
    found: list[EarlierDrug] = []
    for name, outcome in given.items():
        key, raw, meaning, entry = _read_earlier_entry(name, outcome)
        if meaning in meanings:
            raise FindingError(f"earlier: {meaning} is named twice; accepted: one entry, a list for several drugs")
        meanings.add(meaning)
        stored[key] = raw
        found += entry
    for drug_class in DRUG_CLASSES:
        count = sum(drug.drug_class == drug_class for drug in found)
        most = len(molecules_of(drug_class))
        if count > most:
            names = ", ".join(molecules_of(drug_class))
            raise FindingError(f"earlier: {count} drugs of the class {drug_class}, which has {most}: {names}")
    return FrozenMapping(stored), EarlierSeen(tuple(found))


def read_field(field: str, given: object) -> tuple[object, Observation] | None:
    """Read what a patient field was given; return what to store and what it says, or None if it was not observed.

    Raises an UnknownNameError for a state or drug that does not exist, else a FindingError.
    """
    variable = FIELD_VARIABLES[field]
    value = plain(given)
    if value is None:
        return None
    if field == "earlier":
        return read_earlier(value)
    if isinstance(value, Mapping):
        weights = read_likelihood(field, variable, value)
        return weights, _weighted(variable, weights)
    if isinstance(value, str):
        return _read_text(field, variable, value.strip())
    ids = variables()[variable].state_ids
    if isinstance(value, bool):
        if set(ids) == {"no", "yes"}:
            return ("yes", StateSeen("yes")) if value else ("no", StateSeen("no"))
        raise FindingError(f"{field}: {value} is a truth value (YAML reads yes, no, on and off so); accepted: {_accepted(field, variable)}")
    if isinstance(value, (int, float, numbers.Real, Decimal)):
        if field in QUANTITIES:
            return value, Measured(read_quantity(field, value))
        raise FindingError(f"{field}: {shown(value)} is a number, and a number is never the index of a state; accepted: {', '.join(ids)}")
    raise FindingError(f"{field}: {shown(given)} cannot be read; accepted: {_accepted(field, variable)}; or a likelihood, state -> 0 to 1")
