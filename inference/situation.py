"""What an assessment starts from: the record, what is told to the network, and how the target stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data.loading import variables
from ..data.messages import Message
from ..model.assembly import unfolded
from ..model.draws import FITTED, check_basis
from ..model.drug_classes import CLASS_OF
from ..model.network import Model
from ..model.specialise import specialise
from .asking import Known, one_hot
from .checks import warnings_of
from .fields import Observation, StateSeen
from .findings import Finding, build_findings, current_state
from .knowledge import FOLDED, SHIFTED, copies_in, known_from, node_of, working_model
from .patient import Patient
from .scores import Scores, TargetState, scores_of

Array = NDArray[np.float64]

ACTIVITY_FIELDS = ("sjc28", "tjc28", "crp", "esr", "patient_global", "physician_global", "power_doppler")

UNRECORDED = Message(
    "The current drug is not recorded: the answer is an average over the drugs in use.",
    "未记录当前药物：答案是对在用药物的平均。",
)
FIRST = Message(
    "No biologic or JAK inhibitor is being taken: there is no failure to explain; the options are those of a first one.",
    "目前未用生物制剂或JAK抑制剂：没有需要解释的失效；所列选择针对首次用药。",
)
ACTIVE_NOW = Message(
    "The drug was stopped for intolerance: the reasons say why disease is active now, not why the drug was stopped.",
    "因不耐受而停药：所列原因说明目前疾病为何活动，而非为何停药。",
)
INTOLERANT = Message(
    "The drug was stopped for intolerance and no disease activity is recorded: options are given, reasons are not.",
    "因不耐受而停药，且未记录疾病活动：只给出治疗选择，不给出原因。",
)


@dataclass(frozen=True)
class Situation:
    """A patient as the assessment sees it.

    `current_drug` is the state of that variable if one is known. `known` holds the record and, unless the record
    settles it, that the target is missed; `target` says how it stands; `explains` whether reasons are asked for (not
    before a first biologic, and not after a stop for intolerance without recorded activity); `basis` where the parameters come from.
    """

    patient: Patient
    findings: tuple[Finding, ...]
    scores: Scores
    target: TargetState
    current_drug: str | None
    response: str | None
    activity_recorded: bool
    explains: bool
    record: Known
    known: Known
    warnings: tuple[Message, ...]
    basis: str = FITTED

    @property
    def current_class(self) -> str | None:
        """The class of the current drug, if it is known."""
        if self.current_drug is not None:
            return CLASS_OF.get(self.current_drug)
        possible = {CLASS_OF.get(state) for state in self._possible_drugs()}
        return possible.pop() if len(possible) == 1 else None

    def _possible_drugs(self) -> tuple[str, ...]:
        states = variables()["current_drug"].state_ids
        likelihood = self.record.soft.get("current_drug")
        if likelihood is None:
            return states
        return tuple(state for state, weight in zip(states, likelihood, strict=True) if weight > 0)

    def model(self, kind: str, draws: int, seed: int, targets: Iterable[str] | None = None) -> Model:
        """Return the network of a kind for this record, its observed roots taken as given.

        With `targets` it holds what those, the findings and the treatment target depend on and nothing else.
        """
        model = working_model(FOLDED if kind == SHIFTED else kind, draws, seed, copies_in(self.findings), self.basis)
        if targets is not None:
            told = {*self.known.hard, *self.known.soft, *(node_of(finding) for finding in self.findings), "target_met"}
            model = model.upstream((*targets, *told))
        small = self.specialised(model)
        return unfolded(small) if kind == SHIFTED else small

    def specialised(self, model: Model) -> Model:
        """Return a network with this record's observed roots taken as given."""
        return specialise(model, {name: state for name, state in self.record.hard.items() if not model.parents[name]})

    def inside(self, model: Model, known: Known | None = None) -> Known:
        """Return what is known without the roots that a specialised model has taken in."""
        known = known or self.known
        return Known({n: s for n, s in known.hard.items() if n in model.states}, known.soft, known.do)

    @property
    def with_target_set(self) -> Known:
        """What is known for questions about the future: the target's present state is set where the record settles it."""
        if self.target == "undecided":
            return self.known
        return self.known.also(do={"target_met": 1 if self.target == "met" else 0})


@dataclass(frozen=True)
class Footing:
    """How the treatment target stands in a record, and whether reasons are asked for.

    `assumed_missed` tells that the record does not settle the target and that it is conditioned on being missed.
    """

    target: TargetState
    explains: bool
    assumed_missed: bool


def footing(observations: Mapping[str, Observation]) -> Footing:
    """Return how the target stands in the observations of a record, by field."""
    drug = current_state(observations)
    active = any(field in observations for field in ACTIVITY_FIELDS)
    explains = drug != "none" and (active or observations.get("response") != StateSeen("intolerant"))
    target = scores_of(observations).target_state
    return Footing(target, explains, (explains or drug == "none") and target == "undecided")


def situation(patient: Patient, basis: str = FITTED) -> Situation:
    """Read a patient record into what the assessment starts from; `basis` is that of the parameters, `fitted` or `prior`."""
    observations = patient.observations
    findings = build_findings(observations, patient.observed)
    record = known_from(findings)
    drug = current_state(observations)
    seen = observations.get("response")
    response = seen.state if isinstance(seen, StateSeen) else None
    measured = scores_of(observations)
    activity = any(field in observations for field in ACTIVITY_FIELDS)
    warnings = list(warnings_of(observations))
    if drug is None and "current_drug" not in record.soft:
        states = variables()["current_drug"].state_ids
        record = record.also(soft={"current_drug": np.array([0.0 if s == "none" else 1.0 for s in states])})
        warnings.append(UNRECORDED)
    stands = footing(observations)
    explains, target = stands.explains, stands.target
    if drug == "none":
        warnings.append(FIRST)
    elif not explains:
        warnings.append(INTOLERANT)
    elif response == "intolerant":
        warnings.append(ACTIVE_NOW)
    known = record
    if stands.assumed_missed:
        known = record.also(hard={"target_met": 0})
    if target == "met":
        warnings.append(
            Message(
                f"The treatment target is met (CDAI {measured.cdai:.1f}, at most 10): there is no failure to explain.",
                f"治疗目标已达到（CDAI {measured.cdai:.1f}，应不超过10）：没有需要解释的失效。",
            )
        )
    return Situation(
        patient, findings, measured, target, drug, response, activity, explains, record, known, tuple(warnings), check_basis(basis)
    )


def finding_nodes(findings: tuple[Finding, ...]) -> dict[str, Finding]:
    """Return the informative findings by the node that they are evidence on."""
    return {node_of(finding): finding for finding in findings if finding.informative}


def only(model: Model, known: Known, name: str) -> Array:
    """Return the likelihood vector that what is known gives on one variable."""
    if name in known.hard:
        return one_hot(model, name, known.hard[name])
    return np.asarray(known.soft[name])
