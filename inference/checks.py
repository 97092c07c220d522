"""What in a patient record contradicts itself, and what in it deserves a word of caution."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..data.errors import FindingError
from ..data.levels import level_cutoffs
from ..data.loading import variables
from ..data.messages import Message
from ..data.records import State
from .drugs import drugs, states_of
from .fields import (
    FIELD_VARIABLES,
    DrugSeen,
    EarlierSeen,
    Measured,
    Observation,
    StateSeen,
    Weighted,
    bounds,
    states_of_variable,
)
from .findings import current_state
from .units import shown

NEEDS_A_DRUG = ("months_on_drug", "response", "refill_adherence", "reported_adherence", "drug_level", "ada_test")
"""Fields that describe the current drug, so that they cannot be seen without one."""

_RESPONDED = ("lost_response", "stopped_other")
_MONTHS = 12


def span(field: str, seen: Observation) -> tuple[float, float]:
    """Return the least and the largest value that an observation of a numeric field leaves open, in its unit.

    A number written without a decimal may have been cut: "2 years" leaves everything up to three open.
    """
    if isinstance(seen, Measured):
        return seen.reading.value, seen.reading.value + seen.reading.step
    states = states_of_variable(FIELD_VARIABLES[field])
    if isinstance(seen, StateSeen):
        possible: list[State] = [state for state in states if state.id == seen.state]
    elif isinstance(seen, Weighted):
        possible = [state for state, weight in zip(states, seen.weights, strict=True) if weight > 0]
    else:
        possible = []
    edges = [bounds(state) for state in possible]
    return min((low for low, _ in edges), default=-math.inf), max((high for _, high in edges), default=math.inf)


def _said(field: str, raw: Mapping[str, Any]) -> str:
    return f"{field} ({shown(raw[field])})"


def _without_drug(seen: Mapping[str, Observation], raw: Mapping[str, Any]) -> Iterator[str]:
    if current_state(seen) == "none":
        for field in NEEDS_A_DRUG:
            if field in seen:
                yield (
                    f"{_said(field, raw)} and {_said('current_drug', raw)} contradict each other: without a current "
                    f"drug nothing can be said of it; leave {field} out or name the drug"
                )


def _times(seen: Mapping[str, Observation], raw: Mapping[str, Any]) -> Iterator[str]:
    longer = (("months_on_drug", "disease_duration"), ("months_on_drug", "age"), ("disease_duration", "age"))
    for part, whole in longer:
        if part not in seen or whole not in seen:
            continue
        least = span(part, seen[part])[0] / (_MONTHS if part == "months_on_drug" else 1)
        if least > span(whole, seen[whole])[1]:
            yield f"{_said(part, raw)} and {_said(whole, raw)} contradict each other: {part} cannot be the longer time"


def _level(seen: Mapping[str, Observation], raw: Mapping[str, Any], failed: Collection[str]) -> Iterator[str]:
    if not isinstance(seen.get("drug_level"), Measured) or "current_drug" in failed or current_state(seen):
        return
    given = f"{_said('current_drug', raw)} leaves open" if "current_drug" in seen else "current_drug does not say"
    yield (
        f"drug_level: {shown(raw['drug_level'])} cannot be read, since its cut-offs differ between drugs and {given} "
        "which one it is; name the molecule, or give undetectable, low or in_range"
    )


def _same_molecule(seen: Mapping[str, Observation], raw: Mapping[str, Any]) -> Iterator[str]:
    drug, response, earlier = seen.get("current_drug"), seen.get("response"), seen.get("earlier")
    if not isinstance(drug, DrugSeen) or not isinstance(earlier, EarlierSeen) or drug.drug.molecule is None:
        return
    if response != StateSeen("never"):
        return
    for entry in earlier.drugs:
        if entry.molecule == drug.drug.molecule and isinstance(entry.outcome, StateSeen):
            outcome = entry.outcome.state
            if outcome in _RESPONDED:
                yield (
                    f"{_said('response', raw)} and earlier ({entry.molecule}: {outcome}) contradict each other: "
                    f"{entry.molecule} is also the current drug, and it worked once"
                )


def contradictions(seen: Mapping[str, Observation], raw: Mapping[str, Any], failed: Collection[str] = ()) -> list[FindingError]:
    """Return an error for every pair of fields that cannot both be right.

    `seen` and `raw` map field to observation and to what was given; `failed` names fields that could not be read, so
    that they are not also reported as missing.
    """
    problems = (
        *_without_drug(seen, raw),
        *_times(seen, raw),
        *_level(seen, raw, failed),
        *_same_molecule(seen, raw),
    )
    return [FindingError(problem) for problem in problems]


def _drug_warnings(seen: Mapping[str, Observation], state: str | None) -> Iterator[Message]:
    drug = seen.get("current_drug")
    molecule = drug.drug.molecule if isinstance(drug, DrugSeen) else None
    name, chinese = molecule or state, drugs()[molecule].chinese if molecule else _state_label(state)
    if molecule is not None and drugs()[molecule].state is None:
        among = states_of(drugs()[molecule].drug_class)
        yield Message(
            f"current_drug: {molecule} has no state of its own in the network; it is read as one of {', '.join(among)}.",
            f"当前药物：网络中没有{chinese}的单独状态，按以下药物之一处理：{'、'.join(_state_label(one) for one in among)}。",
        )
    if "drug_level" in seen and state not in (None, "none", *level_cutoffs()):
        yield Message(
            f"drug_level: no level is validated for {name}; the finding is kept, but the network treats it as uninformative.",
            f"药物浓度：{chinese}尚无经验证的浓度界值；该所见予以保留，但网络视其为无信息。",
        )
    if isinstance(seen.get("drug_level"), Measured) and molecule in ("sarilumab", "levilimab", "olokizumab"):
        yield Message(
            f"drug_level: no range is settled for {molecule}; the number is read by the cut-offs of intravenous tocilizumab.",
            f"药物浓度：{chinese}尚无确定的范围；该数值按静脉用托珠单抗的界值判读。",
        )
    if "ada_test" in seen and state == "jak_inhibitor":
        yield Message(
            "ada_test: antibodies are not formed against a JAK inhibitor, a small molecule; check which drug was tested.",
            "抗药物抗体检测：JAK抑制剂是小分子药物，不会产生抗体；请核对所检测的是哪种药物。",
        )


def _state_label(state: str | None) -> str:
    return next((one.label["zh"] for one in variables()["current_drug"].states if one.id == state), "")


def _marker_warnings(seen: Mapping[str, Observation], state: str | None) -> Iterator[Message]:
    if state != "il6r_inhibitor":
        return
    if "crp" in seen or "esr" in seen:
        yield Message(
            "crp, esr: a drug that blocks IL-6 lowers both whatever the joints do, and DAS28 with them; judge activity "
            "by joints, ultrasound and CDAI.",
            "C反应蛋白、红细胞沉降率：阻断IL-6的药物会使两者下降，DAS28也随之下降，与关节情况无关；请依据关节、超声和CDAI判断疾病活动。",
        )
    if "il6_level" in seen:
        yield Message(
            "il6_level: serum IL-6 rises when its receptor is blocked; on this drug it is no marker of the pathway.",
            "血清IL-6：受体被阻断时血清IL-6升高；使用此药时不能作为该通路的标志物。",
        )


def warnings_of(seen: Mapping[str, Observation]) -> tuple[Message, ...]:
    """Return what a reader of the record should know although it can be used as it is."""
    state = current_state(seen)
    found = [*_drug_warnings(seen, state), *_marker_warnings(seen, state)]
    if "age" in seen and span("age", seen["age"])[1] <= 18:
        found.append(Message("age: the network rests on studies of adults.", "年龄：网络所依据的是成人研究。"))
    return tuple(found)
