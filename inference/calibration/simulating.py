"""Patients drawn from the network whose drug misses the target, and the findings of theirs that are let be known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ...data.errors import RefraError
from ...data.loading import variables
from ...model.assembly import assemble
from ...model.draws import PRIOR, Draws, shipped_draws
from ...model.network import Model
from ...model.on_demand import OnDemand
from ..batch import NOT_OBSERVED, plan_batch
from ..fields import FIELD_VARIABLES

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

REASON, TARGET, DRUG = "primary_reason", "target_met", "current_drug"
NOT_MET, NO_DRUG = "no", "none"
SETS_AT_A_TIME = 500
MOST_ROUNDS = 10_000


@cache
def finding_fields() -> Mapping[str, tuple[str, ...]]:
    """Return the fields of a patient record that hold findings, each with its variables; `earlier` tells of all classes at once."""
    earlier = tuple(name for name in variables() if name.startswith("earlier_"))
    found = {field: earlier if field == "earlier" else (name,) for field, name in FIELD_VARIABLES.items()}
    return MappingProxyType({field: own for field, own in found.items() if all(variables()[name].role == "finding" for name in own)})


@cache
def finding_variables() -> tuple[str, ...]:
    """Return the variables of `finding_fields`, in order."""
    return tuple(name for own in finding_fields().values() for name in own)


@cache
def background_variables() -> tuple[str, ...]:
    """Return the fields of the background and the current drug that bear on the reason or on a finding."""
    model = assemble(shipped_draws(0, basis=PRIOR)).upstream((REASON, TARGET, *finding_variables()))
    return tuple(name for name in FIELD_VARIABLES.values() if name in model.states and not model.parents[name])


def columns() -> tuple[str, ...]:
    """Return the variables of the columns of records: background, the target, findings."""
    return (*background_variables(), TARGET, *finding_variables())


@dataclass(frozen=True, eq=False)
class Patients:
    """Simulated patients who are on a drug and miss the target.

    Attributes:
        records: state numbers of `columns()`, all known, shape (patients, columns).
        reason: the true primary reason, shape (patients,).
        sets: the parameter set that each was drawn with, shape (patients,).
        order: the rank at which each finding's field would be asked for, shape (patients, fields).
    """

    records: Codes
    reason: Codes
    sets: Codes
    order: Codes

    def __len__(self) -> int:
        return len(self.reason)

    def known(self, findings: int) -> Codes:
        """Return the records with `findings` fields of findings beside background, drug and target; -1 where not observed."""
        shown = {field: self.order[:, place] < findings for place, field in enumerate(finding_fields())}
        seen = [shown[field] for field, own in finding_fields().items() for _ in own]
        always = np.ones((len(self), self.records.shape[1] - len(seen)), dtype=np.bool_)
        return np.where(np.hstack([always, np.stack(seen, axis=1)]), self.records, NOT_OBSERVED)


def relevant(model: Model) -> Model:
    """Return the part of the network that bears on the reason, the target and the findings."""
    return model.upstream((REASON, TARGET, *finding_variables()))


def blocks(draws: Draws, size: int = SETS_AT_A_TIME) -> Iterator[tuple[Codes, Model]]:
    """Go through the parameter sets beside the centre in blocks: their numbers, and the network in them alone.

    The tables of thousands of sets at once would fill the memory.
    """
    for start in range(1, draws.count, size):
        sets = np.arange(start, min(start + size, draws.count))
        values = OnDemand(draws.values, lambda name, sets=sets: draws[name][sets])  # type: ignore[misc]
        yield sets, relevant(assemble(Draws(values, len(sets))))


def sampled(model: Model, sets: Codes, random: np.random.Generator) -> dict[str, Codes]:
    """Return the state number of every variable for one patient on a drug in each of the parameter sets `sets` of a network."""
    found: dict[str, Codes] = {}
    for name in model.states:
        table = model.tables[name]
        above = tuple(found[parent] for parent in model.parents[name])
        share = table[(sets if len(table) > 1 else np.zeros_like(sets), *above)]
        if name == DRUG:
            share = np.where(np.arange(model.card(name)) == model.position(name, NO_DRUG), 0.0, share)
            share = share / share.sum(axis=1, keepdims=True)
        drawn = random.random((len(sets), 1)) >= share.cumsum(axis=1)
        found[name] = np.minimum(drawn.sum(axis=1), share.shape[1] - 1)
    return found


def missing_the_target(model: Model, sets: Codes, random: np.random.Generator) -> dict[str, Codes]:
    """Return as `sampled` patients who miss the target; those who meet it are drawn anew with their parameter set.

    Raises:
        RefraError: in some parameter set no patient misses the target.
    """
    found = sampled(model, sets, random)
    for _ in range(MOST_ROUNDS):
        again = np.flatnonzero(found[TARGET] != model.position(TARGET, NOT_MET))
        if not len(again):
            return found
        for name, states in sampled(model, sets[again], random).items():
            found[name][again] = states
    raise RefraError(f"parameter set {int(sets[again[0]])}: no patient in {MOST_ROUNDS:,} misses the target; none can be simulated")


def simulate(draws: Draws, random: np.random.Generator, each: int = 1) -> Patients:
    """Draw patients from the network: `each` of them with every parameter set beside the centre.

    So the truth varies from patient to patient as the parameters are uncertain. The findings that are let be known are chosen at random.
    """
    records, reasons, origin = [], [], []
    for sets, model in blocks(draws):
        states = missing_the_target(model, np.repeat(np.arange(len(sets)), each), random)
        records.append(np.stack([states[name] for name in columns()], axis=1))
        reasons.append(states[REASON])
        origin.append(np.repeat(sets, each))
    count = sum(map(len, reasons))
    order = random.permuted(np.tile(np.arange(len(finding_fields())), (count, 1)), axis=1)
    return Patients(np.concatenate(records), np.concatenate(reasons), np.concatenate(origin), order)


def reasons_given(model: Model, known: Codes, *, paired: bool = False) -> Array:
    """Return P(primary reason | what is known), shape (patients, parameter sets, reasons); one set where `paired`.

    Args:
        model: the network, or a part that `relevant` keeps, in one or several parameter sets.
        known: records as `Patients.known` gives them.
        paired: whether patient i is answered in parameter set i alone.
    """
    part = relevant(model)
    cards = {name: part.card(name) for name in part.states}
    plan = plan_batch(cards, part.parents, targets=[REASON], columns=columns())
    tables = {name: part.tables[name] for name in plan.plan().tables_needed}
    return plan.run(tables, known, paired=paired).marginals[REASON]


def reasons_in_own_sets(draws: Draws, patients: Patients, known: Codes) -> Array:
    """Return P(primary reason | what is known) with the parameters that each patient was drawn with, shape (patients, reasons)."""
    found = np.empty((len(patients), len(variables()[REASON].states)))
    for sets, model in blocks(draws):
        mine = np.flatnonzero((patients.sets >= sets[0]) & (patients.sets <= sets[-1]))
        own = model.drawn(list(patients.sets[mine] - sets[0]))
        found[mine] = reasons_given(own, known[mine], paired=True)[:, 0]
    return found
