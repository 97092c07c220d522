"""What a patient record says to the network: one likelihood over the states of a variable for each finding."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ..data.errors import FindingError, RecordError
from ..data.labels import label
from ..data.levels import level_cutoffs
from ..data.loading import variables
from ..data.measurements import MeasurementError, measurement_error
from ..data.messages import Message
from ..data.records import State
from ..model.drug_classes import CLASSES as DRUG_CLASSES
from .drugs import drugs
from .fields import (
    FIELD_VARIABLES,
    NOT_TRIED,
    DrugSeen,
    EarlierDrug,
    EarlierSeen,
    Measured,
    Observation,
    StateSeen,
    Weighted,
    bounds,
    states_of_variable,
)
from .units import QUANTITIES, Reading, unit_words

EXACT_FIELDS = ("age", "disease_duration", "glucocorticoid", "methotrexate", "months_on_drug")
"""Fields whose numbers are known, not measured: they give the state itself."""

FLOOR = 1e-12
"""The least likelihood that a measured value leaves to a state: no reading makes a state impossible."""

NEGLIGIBLE = 1e-6
"""Below this likelihood a measured background state is left out: nothing else in a record speaks for such a state by more than a
few to one, and a background with one state left costs a third of one with three."""

BACKGROUND = ("bmi_class",)
"""Measured variables that nothing in the network acts on."""


@dataclass(frozen=True)
class Finding:
    """One thing seen in a patient, as evidence on one variable of the network.

    `field` is the patient field, `variable` the network variable, `raw` what was given, `text` how to show it.
    `likelihood` is P(what was seen | state) over the variable's states in order, scaled so that the largest is 1; a
    hard finding is one-hot. `copy` numbers the earlier drugs of one class: 1, 2, ...
    """

    field: str
    variable: str
    raw: Any
    text: Message
    likelihood: tuple[float, ...]
    copy: int = 1

    @property
    def state(self) -> str | None:
        """The id of the state if the finding is hard, else None."""
        possible = [state.id for state, weight in zip(self._states, self.likelihood, strict=True) if weight > 0]
        return possible[0] if len(possible) == 1 else None

    @property
    def informative(self) -> bool:
        """Whether the finding favours any state over another."""
        return len(set(self.likelihood)) > 1

    @property
    def _states(self) -> tuple[State, ...]:
        return states_of_variable(self.variable)


def _tail(z: float) -> float:
    """Return P(Z > z) of a standard normal."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def _between(low: float, high: float) -> float:
    """Return P(low < Z < high) of a standard normal, exact in both tails."""
    return _tail(low) - _tail(high) if low > 0 else _tail(-high) - _tail(-low)


def scaled(weights: Sequence[float]) -> tuple[float, ...]:
    """Return weights divided by the largest, which must be above 0."""
    largest = max(weights)
    return tuple(weight / largest for weight in weights)


def measured_likelihood(value: float, error: MeasurementError, cutoffs: Sequence[float]) -> tuple[float, ...]:
    """Return the likelihood of the intervals that `cutoffs` (rising, in the value's unit) divide the line into.

    That is the probability that the true value lies in the interval, given the measured one and a normal error of
    standard deviation `error.value` (of the natural logarithm on the scale `log`, of the root on `square_root`), scaled
    to a maximum of 1 and never below 1e-12. A value of 0 on the scale `log` lies below every cut-off.
    """

    def distance(cutoff: float) -> float:
        if error.scale == "square_root":
            return (math.sqrt(max(cutoff, 0.0)) - math.sqrt(value)) / error.value
        if error.scale != "log":
            return (cutoff - value) / error.value
        if cutoff <= 0:
            return -math.inf
        return math.inf if value <= 0 else (math.log(cutoff) - math.log(value)) / error.value

    edges = [-math.inf, *(distance(cutoff) for cutoff in cutoffs), math.inf]
    weights = scaled([_between(low, high) for low, high in pairwise(edges)])
    return tuple(max(weight, FLOOR) for weight in weights)


def _cutoff(variable: str, low: State, high: State) -> float:
    cutoff = bounds(low)[1]
    if not math.isfinite(cutoff) or cutoff != bounds(high)[0]:
        raise RecordError(f"variables.yaml, {variable}: the states {low.id!r} and {high.id!r} do not meet at a cut-off")
    return cutoff


def _by_cutoffs(variable: str, value: float, error: MeasurementError) -> tuple[float, ...]:
    states = states_of_variable(variable)
    first, last = states[0], states[-1]
    # Some variables list their states from the largest value downwards.
    falling = bounds(first) > bounds(last)
    ordered = states[::-1] if falling else states
    weights = measured_likelihood(value, error, [_cutoff(variable, low, high) for low, high in pairwise(ordered)])
    if variable in BACKGROUND:
        weights = tuple(weight if weight > NEGLIGIBLE else 0.0 for weight in weights)
    return weights[::-1] if falling else weights


def one_hot(variable: str, state: str) -> tuple[float, ...]:
    """Return the hard likelihood of one state of a variable."""
    return tuple(float(name == state) for name in variables()[variable].state_ids)


def _exact(field: str, variable: str, value: float) -> tuple[float, ...]:
    for state in states_of_variable(variable):
        low, high = bounds(state)
        if low <= value < high:
            return one_hot(variable, state.id)
    raise FindingError(f"{field}: {value:g} lies in no state of {variable}")


def current_state(observations: Mapping[str, Observation]) -> str | None:
    """Return the state of `current_drug` that a record names, None if it names none or leaves several open."""
    seen = observations.get("current_drug")
    if isinstance(seen, DrugSeen):
        return seen.drug.states[0] if len(seen.drug.states) == 1 else None
    if isinstance(seen, Weighted):
        states = variables()["current_drug"].state_ids
        possible = [state for state, weight in zip(states, seen.weights, strict=True) if weight > 0]
        return possible[0] if len(possible) == 1 else None
    return None


def _level(reading: Reading, observations: Mapping[str, Observation]) -> tuple[float, ...]:
    cutoffs = level_cutoffs().get(current_state(observations) or "")
    if cutoffs is None:
        return (1.0,) * len(states_of_variable("drug_level"))
    error = measurement_error()["drug_level"]
    return measured_likelihood(reading.value, error, [cutoffs.undetectable_below, cutoffs.in_range_from])


def _named(variable: str, english: str, chinese: str) -> Message:
    name = variables()[variable].label
    return Message(f"{name['en']}: {english}", f"{name['zh']}：{chinese}")


def _state_text(variable: str, state: str) -> Message:
    name = next(s.label for s in states_of_variable(variable) if s.id == state)
    return _named(variable, name["en"], name["zh"])


def _weighted_text(variable: str, weights: Sequence[float]) -> Message:
    likeliest = max(zip(weights, states_of_variable(variable), strict=True), key=lambda pair: pair[0])[1].label
    return _named(variable, f"not certain, most in favour of {likeliest['en']}", f"不确定，最倾向于{likeliest['zh']}")


def _measured_text(field: str, reading: Reading) -> Message:
    name = variables()[FIELD_VARIABLES[field]].label
    english, chinese = unit_words(field, "en"), unit_words(field, "zh")
    if QUANTITIES[field].unit in ("years", "months") and reading.limit == 1:
        english = english.removesuffix("s")
    number = f"{reading.bound}{reading.limit:g}"
    return Message(f"{name['en']} {number}{english}", f"{name['zh']} {number}{chinese}")


def _drug_text(seen: DrugSeen) -> Message:
    if seen.drug.drug_class is None:
        return _state_text("current_drug", "none")
    if seen.drug.molecule is None:
        english = variables()[f"covered_{seen.drug.drug_class}"].label["en"].removeprefix("Disease covered by ")
        return _named("current_drug", english, label("options", seen.drug.drug_class, "zh"))
    return _named("current_drug", seen.drug.molecule, drugs()[seen.drug.molecule].chinese)


def _of_molecule(text: Message, drug: EarlierDrug) -> Message:
    if drug.molecule is None or drug.molecule == drug.drug_class:
        return text
    return Message(f"{text} ({drug.molecule})", f"{text.chinese}（{drugs()[drug.molecule].chinese}）")


def _drug_likelihood(seen: DrugSeen) -> tuple[float, ...]:
    return tuple(float(state in seen.drug.states) for state in variables()["current_drug"].state_ids)


def _measured(field: str, reading: Reading, observations: Mapping[str, Observation]) -> tuple[float, ...]:
    variable = FIELD_VARIABLES[field]
    if field in EXACT_FIELDS:
        return _exact(field, variable, reading.value)
    if field == "drug_level":
        return _level(reading, observations)
    return _by_cutoffs(variable, reading.value, measurement_error()[variable])


def _earlier(seen: EarlierSeen) -> Iterator[Finding]:
    for drug_class in DRUG_CLASSES:
        variable = f"earlier_{drug_class}"
        own = [drug for drug in seen.drugs if drug.drug_class == drug_class]
        if not own:
            text = _state_text(variable, NOT_TRIED)
            yield Finding("earlier", variable, NOT_TRIED, text, one_hot(variable, NOT_TRIED))
        for copy, drug in enumerate(own, start=1):
            if isinstance(drug.outcome, StateSeen):
                text = _of_molecule(_state_text(variable, drug.outcome.state), drug)
                yield Finding("earlier", variable, drug.given, text, one_hot(variable, drug.outcome.state), copy)
            else:
                text = _of_molecule(_weighted_text(variable, drug.outcome.weights), drug)
                yield Finding("earlier", variable, drug.given, text, scaled(drug.outcome.weights), copy)


def build_findings(observations: Mapping[str, Observation], raw: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Turn the observations of one record (by field, in order) into findings; `raw` holds what was given.

    Measured values become likelihoods through the error of the test, so that a value near a cut-off speaks for both
    sides; exact quantities, states and a known drug are hard; a likelihood is taken as given, scaled to a maximum
    of 1. A drug level is read by the cut-offs of the current drug and says nothing where none are validated.
    """
    found: list[Finding] = []
    for field, seen in observations.items():
        if isinstance(seen, EarlierSeen):
            found += _earlier(seen)
            continue
        variable = FIELD_VARIABLES[field]
        if isinstance(seen, StateSeen):
            text, likelihood = _state_text(variable, seen.state), one_hot(variable, seen.state)
        elif isinstance(seen, Weighted):
            text, likelihood = _weighted_text(variable, seen.weights), scaled(seen.weights)
        elif isinstance(seen, Measured):
            text, likelihood = _measured_text(field, seen.reading), _measured(field, seen.reading, observations)
        else:
            text, likelihood = _drug_text(seen), _drug_likelihood(seen)
        found.append(Finding(field, variable, raw[field], text, likelihood))
    return tuple(found)
