"""The records of `data/`, as frozen objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class State:
    """One state of a variable; a measured value belongs to it when `low` <= value < `high`."""

    id: str
    label: Mapping[str, str]
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Variable:
    """One variable of the network: names, states in order, role, stage, unit and LOINC code where known."""

    id: str
    label: Mapping[str, str]
    role: str
    stage: str
    sentence: str
    states: tuple[State, ...]
    unit: str | None = None
    loinc: str | None = None

    @property
    def state_ids(self) -> tuple[str, ...]:
        """The ids of the states, in their order."""
        return tuple(state.id for state in self.states)

    def state_label(self, state: str, language: str = "en") -> str:
        """Return the label of a state, by its id."""
        return next(one.label[language] for one in self.states if one.id == state)


@dataclass(frozen=True)
class Study:
    """One publication that the evidence quotes, with how its identifiers were found."""

    id: str
    citation: str
    title: str
    year: str
    doi: str
    pmid: str
    identifier_status: str
    identifier_verified: str
    identifier_note: str


@dataclass(frozen=True)
class Evidence:
    """One published number; `data/evidence/SCHEMA.md` explains every field."""

    id: str
    topic: str
    quantity: str
    population: str
    condition: str
    comparator: str
    measure: str
    value: float
    ci_low: float | None
    ci_high: float | None
    events: float | None
    n: float | None
    unit: str
    timepoint: str
    study_id: str
    design: str
    source_url: str
    verified: str
    note: str
    use: str


@dataclass(frozen=True)
class Parameter:
    """One number that the network uses, with its uncertainty and everything that it rests on.

    `centre` is on the natural scale of `kind` (a probability, a weight, a median, a rate, a log odds ratio, a difference); `spread` is
    the standard deviation on the scale of `distribution` (logit for logit_normal, log for lognormal, natural for normal).
    """

    id: str
    node: str
    state: str
    given: str
    kind: str
    unit: str
    distribution: str
    centre: float
    spread: float
    evidence_for: tuple[str, ...]
    evidence_against: tuple[str, ...]
    derivation: str
    arguments: Mapping[str, str]
    rationale: str
    gap: str
    status: str
    range_low: float
    range_high: float
