"""What the explorer lets a reader choose for each finding, and the record that the choices make."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..data.loading import variables
from ..model.drug_classes import CLASSES
from .drugs import OUTSIDE, drugs, find_drug
from .explorer_words import EXPLORER_WORDS
from .fields import FIELD_VARIABLES, NOT_TRIED, FrozenMapping, Measured, states_of_variable
from .patient import Patient
from .units import unit_words

GROUPS: Mapping[str, tuple[str, ...]] = {
    "drug": (
        "current_drug", "response", "months_on_drug", "methotrexate", "refill_adherence", "reported_adherence", "drug_level", "ada_test",
    ),
    "activity": (
        "sjc28", "tjc28", "crp", "esr", "patient_global", "physician_global", "power_doppler", "red_flags",
    ),
    "pain": (
        "fibromyalgia", "widespread_pain", "first_questionnaire", "osteoarthritis", "hand_xray_oa", "depression", "phq9",
        "sleep_questionnaire",
    ),
    "person": (
        "age", "sex", "bmi", "smoking", "disease_duration", "glucocorticoid", "cardiovascular_risk", "prior_serious_infection",
    ),
    "serology": (
        "rf", "acpa", "eta_14_3_3", "il6_level", "gm_csf_level", "synovial_b_cells", "pathotype", "msrc", "ifn_signature",
    ),
    "earlier": tuple(f"earlier_{drug_class}" for drug_class in CLASSES),
}  # fmt: skip
"""The controls by group, by the word for its name; `earlier` has one for each drug class."""

IN_TIME = ("age", "disease_duration", "months_on_drug")
"""Fields whose units have a singular."""

LADDERS: Mapping[str, tuple[float, ...]] = {
    "age": tuple(range(18, 91)),
    "bmi": tuple(range(16, 46)),
    "disease_duration": (0.5, *range(1, 41)),
    "glucocorticoid": (0, 2.5, 5, 7.5, 10, 12.5, 15, 20, 30),
    "methotrexate": (0, 5, 7.5, 10, 12.5, 15, 17.5, 20, 22.5, 25),
    "months_on_drug": (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 21, 24, 30, 36, 48, 60, 84, 120),
    "refill_adherence": tuple(step / 20 for step in range(21)),
    "sjc28": tuple(range(29)),
    "tjc28": tuple(range(29)),
    "crp": (0.5, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100, 150),
    "esr": (2, 5, 8, 10, 12, 15, 18, 20, 22, 25, 28, 30, 35, 40, 50, 60, 70, 80, 100, 120),
    "patient_global": tuple(range(0, 101, 5)),
    "physician_global": tuple(range(0, 101, 5)),
    "first_questionnaire": tuple(range(7)),
    "phq9": tuple(range(28)),
    "sleep_questionnaire": tuple(range(22)),
}
"""The numbers that a slider stops at, in the unit of the field; the other fields have a menu of states."""


@dataclass(frozen=True)
class Control:
    """What can be chosen for one finding.

    `name` is the patient field, or `earlier_<class>`; `choices` maps words to values, that for "not observed" (None) first; `start` is the
    value in the record that the explorer began with; `slider` tells whether the choices are numbers in order.
    """

    name: str
    label: str
    choices: Mapping[str, Any]
    start: Any
    slider: bool

    def words(self, value: Any) -> str:
        """Return the words of a value; one that is not among the choices as it is."""
        return next((words for words, choice in self.choices.items() if choice == value), str(value))


def controls(patient: Patient, language: str = "en") -> dict[str, Control]:
    """Return the controls by name, in a language, with every value that the record holds among the choices, as it was given."""
    return {
        name: _earlier(patient, name, language) if name.startswith("earlier_") else _field(patient, name, language)
        for group in GROUPS.values()
        for name in group
    }


def record_of(values: Mapping[str, Any]) -> Patient:
    """Return the patient that the chosen values, by control, make; raises the errors of `Patient`."""
    fields = {name: value for name, value in values.items() if not name.startswith("earlier_")}
    return Patient(**fields, earlier=_earlier_map(values))


def _field(patient: Patient, field: str, language: str) -> Control:
    variable, unseen = variables()[FIELD_VARIABLES[field]], EXPLORER_WORDS[language]["not_observed"]
    start = patient.observed.get(field)
    slider = field in LADDERS
    choices: list[tuple[str, Any]]
    if slider:
        choices = [(_number(field, value, language), value) for value in LADDERS[field]]
    elif field == "current_drug":
        none = next(state for state in variable.states if state.id == "none")
        named = [
            (molecule if language == "en" else drug.chinese, molecule) for molecule, drug in drugs().items() if drug.drug_class != OUTSIDE
        ]
        choices = [(none.label[language], "none"), *named]
    else:
        choices = [(state.label[language], state.id) for state in variable.states]
    found = {unseen: None, **dict(choices)}
    if start is not None and start not in found.values():
        words = _recorded(field, start, language)
        if words not in found:
            choices.insert(_place(patient, field) if slider else 0, (words, start))
        found = {unseen: None, **dict(choices), words: start}
    return Control(field, variable.label[language], found, start, slider)


def _number(field: str, value: float, language: str) -> str:
    unit = unit_words(field, language)
    return f"{value:g}{unit.removesuffix('s') if value == 1 and language == 'en' and field in IN_TIME else unit}"


def _recorded(field: str, value: Any, language: str) -> str:
    """Return the words of a value that stands in the record."""
    if isinstance(value, str):
        named = {state.id: state.label[language] for state in variables()[FIELD_VARIABLES[field]].states}
        return named.get(value, value)
    return EXPLORER_WORDS[language]["likelihood"] if isinstance(value, Mapping) else _number(field, value, language)


def _place(patient: Patient, field: str) -> int:
    """Return where the record's own value stands among a slider's numbers; a likelihood or a state stands before them."""
    seen = patient.observations[field]
    value = seen.reading.value if isinstance(seen, Measured) else -math.inf
    return sum(number < value for number in LADDERS[field])


def _earlier(patient: Patient, name: str, language: str) -> Control:
    words, drug_class = EXPLORER_WORDS[language], name.removeprefix("earlier_")
    states = states_of_variable(name)
    choices: list[tuple[str, Any]] = [
        (state.label[language], FrozenMapping({} if state.id == NOT_TRIED else {drug_class: state.id})) for state in states
    ]
    start = None
    if patient.earlier is not None:
        start = FrozenMapping({key: given for key, given in patient.earlier.items() if find_drug(key).drug_class == drug_class})
        if start not in [value for _, value in choices]:
            choices.insert(0, (words["recorded"], start))
    return Control(name, variables()[name].label[language], {words["not_observed"]: None, **dict(choices)}, start, False)


def _earlier_map(values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the map of earlier drugs; a class that is not known beside others that are gets a likelihood that favours no outcome."""
    given = {name: value for name, value in values.items() if name.startswith("earlier_")}
    if all(value is None for value in given.values()):
        return None
    earlier: dict[str, Any] = {}
    for name, value in given.items():
        unknown = {name.removeprefix("earlier_"): {state.id: 1.0 for state in states_of_variable(name)}}
        earlier |= unknown if value is None else value
    return earlier
