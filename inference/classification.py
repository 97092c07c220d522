"""Difficult-to-treat disease by the EULAR 2021 definition on recorded data, and how refractory it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from ..data.labels import label
from ..data.loading import variables
from ..data.messages import Message
from ..model.drug_classes import CLASS_OF, CLASSES
from ..model.families import deterministic
from ..model.network import Model, Node
from .asking import Known, ask
from .checks import span
from .fields import EarlierSeen, StateSeen
from .intervals import interval
from .situation import Situation

Array = NDArray[np.float64]

D2T_DAS28 = 3.2
D2T_GLUCOCORTICOID = 7.5
RAISED_CRP = 10.0
"""Least CRP (mg/L) that counts as a sign of active disease here: the limit that trials use."""

INEFFICACY = ("never_worked", "lost_response")
UNKNOWN_CLASS = Message("criterion 1: the current drug's class is not recorded", "标准1：未记录当前药物的类别")
UNKNOWN_EARLIER = Message(
    "criterion 1: earlier drugs are not recorded (give `earlier`, {} for none)", "标准1：未记录既往药物（请填写`earlier`，没有则填{}）"
)

CLINICAL, COUNT = "refractory__now", "refractory__count"


@dataclass(frozen=True)
class Classification:
    """Names for the situation, apart from its reason.

    `d2t` is the verdict on criteria 1 and 2 of the EULAR definition (10.1136/annrheumdis-2020-217344): yes, no or
    undetermined; the third (seen as a problem) is not recorded. `decided_by` says which criterion decides.
    `true_refractory` is P(at least two classes stopped for inefficacy, synovitis at least moderate, exposure in range,
    adherence full, no other disease); `pirra` and `nirra` are the probabilities of persistent inflammatory and of
    non-inflammatory refractory disease (synovitis none, or low with a source of pain), if the verdict is not `no`.
    """

    d2t: str
    criterion_1: str
    criterion_2: str
    decided_by: str
    classes_failed: tuple[str, ...]
    true_refractory: float
    true_refractory_low: float
    true_refractory_high: float
    pirra: float
    pirra_low: float
    pirra_high: float
    nirra: float
    nirra_low: float
    nirra_high: float

    def to_dict(self) -> dict[str, object]:
        """Return the fields as plain values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def current_counts(place: Situation) -> bool:
    """Return whether the current drug counts as failed: not stopped for intolerance, or disease activity is recorded; target not met."""
    if place.current_drug == "none" or place.target == "met":
        return False
    return place.response != "intolerant" or place.activity_recorded


def classes_failed(place: Situation) -> tuple[str, ...]:
    """Return the classes that the record says have failed; several drugs of one class count once."""
    failed: set[str] = set()
    seen = place.patient.observations.get("earlier")
    if isinstance(seen, EarlierSeen):
        for drug in seen.drugs:
            worked = isinstance(drug.outcome, StateSeen) and drug.outcome.state in ("stopped_other", "not_tried")
            if drug.drug_class is not None and not worked:
                failed.add(drug.drug_class)
    if current_counts(place) and place.current_class is not None:
        failed.add(place.current_class)
    return tuple(c for c in CLASSES if c in failed)


def criterion_1(place: Situation) -> str:
    """Return whether two classes have failed: yes, no, or undetermined where earlier drugs are not recorded."""
    failed = len(classes_failed(place))
    if failed >= 2:
        return "yes"
    # A current drug of a class that is not recorded may be the second one.
    open_class = current_counts(place) and place.current_class is None
    return "no" if "earlier" in place.patient.observed and not (open_class and failed) else "undetermined"


def criterion_2(place: Situation) -> tuple[str, Message]:
    """Return whether the disease is active or problematic by what is recorded, and the item that says so."""
    scores = place.scores
    observations = place.patient.observations
    if scores.cdai_lower_bound > 10:
        return "yes", Message(
            f"CDAI is at least {scores.cdai_lower_bound:.1f} (above 10)", f"CDAI至少为{scores.cdai_lower_bound:.1f}（高于10）"
        )
    for name, value in (("DAS28-ESR", scores.das28_esr), ("DAS28-CRP", scores.das28_crp)):
        if value is not None and value > D2T_DAS28:
            return "yes", Message(f"{name} is {value:.1f} (above 3.2)", f"{name}为{value:.1f}（高于3.2）")
    for field, least, words in (
        # The state "1-2" begins at half a joint, between none and one.
        ("sjc28", 0.5, Message("swollen joints", "有肿胀关节")),
        ("crp", RAISED_CRP, Message("CRP of 10 mg/L or more", "C反应蛋白不低于10 mg/L")),
        ("glucocorticoid", D2T_GLUCOCORTICOID, Message("glucocorticoid of 7.5 mg a day or more", "糖皮质激素每日不低于7.5 mg")),
    ):
        if field in observations and span(field, observations[field])[0] >= least:
            return "yes", words
    doppler = observations.get("power_doppler")
    if isinstance(doppler, StateSeen) and doppler.state == "positive":
        return "yes", Message("power Doppler positive", "能量多普勒超声阳性")
    if place.target == "met":
        return "no", Message("the target is met and no other sign of active disease is recorded", "已达标，且未记录其他疾病活动的征象")
    return "undetermined", Message("disease activity is not recorded fully enough", "疾病活动度记录不全")


def d2t(place: Situation) -> tuple[str, str, str, Message]:
    """Return the verdict, both criteria and what decides."""
    first = criterion_1(place)
    second, why = criterion_2(place)
    failed = classes_failed(place)
    names = [label("options", name) for name in failed], [label("options", name, "zh") for name in failed]
    counted = Message(
        f"{len(failed)} drug class{'' if len(failed) == 1 else 'es'} failed" + (f" ({', '.join(names[0])})" if failed else ""),
        f"已失效{len(failed)}类" + (f"（{'、'.join(names[1])}）" if failed else ""),
    )
    if first == "no":
        return "no", first, second, Message(f"criterion 1: {counted}; two are needed", f"标准1：{counted.chinese}，需两类")
    if second == "no":
        return "no", first, second, Message(f"criterion 2: {why}", f"标准2：{why.chinese}")
    if first == "yes" and second == "yes":
        both = Message(f"criteria 1 and 2: {counted}; {why}", f"标准1：{counted.chinese}；标准2：{why.chinese}")
        return "yes", first, second, both
    if first == "undetermined":
        return "undetermined", first, second, UNKNOWN_CLASS if "earlier" in place.patient.observed else UNKNOWN_EARLIER
    return "undetermined", first, second, Message(f"criterion 2: {why}", f"标准2：{why.chinese}")


def _with_refractory_nodes(place: Situation, model: Model) -> Model:
    """Add a node for the clinical part of true refractory disease and a count of classes stopped for inefficacy."""
    synovitis, exposure = model.states["synovitis"], model.states["exposure"]
    nodes = {
        CLINICAL: Node(
            ("exposure", "adherence", "synovitis", "other_disease_active"),
            deterministic(
                (3, 3, 4, 2),
                2,
                lambda e, a, s, o: int(exposure[e] == "in_range" and a == 0 and synovitis[s] in ("moderate", "high") and not o),
            ),
        )
    }
    states: dict[str, tuple[str, ...]] = {CLINICAL: ("no", "yes")}
    drugs = variables()["current_drug"].state_ids
    start = int(current_counts(place) and place.response != "intolerant")
    before: str | None = None
    by_drug = "current_drug" in model.states
    for drug_class in CLASSES:
        seen = [name for name in model.states if name == f"earlier_{drug_class}" or name.startswith(f"earlier_{drug_class}_")]
        outcomes = model.states[seen[0]]
        bad = {i for i, outcome in enumerate(outcomes) if outcome in INEFFICACY}
        name = f"{COUNT}_{drug_class}"
        parents = (*((before,) if before else ()), *seen, *(("current_drug",) if by_drug else ()))

        def rule(
            *position: int, bad: set[int] = bad, own: str = drug_class, first: bool = before is None, drugs_seen: int = len(seen)
        ) -> int:
            so_far = start if first else position[0]
            results = position[0 if first else 1 :][:drugs_seen]
            current = CLASS_OF.get(drugs[position[-1]]) if by_drug else place.current_class
            new = bool(bad & set(results)) and not (start and current == own)
            return min(so_far + int(new), 2)

        shape = [3 if p == before else len(drugs) if p == "current_drug" else len(outcomes) for p in parents]
        nodes[name] = Node(parents, deterministic(shape, 3, rule))
        states[name] = ("none", "one", "two_or_more")
        before = name
    return model.extended(nodes, states)


def classify(place: Situation, model: Model, level: float, language: str = "en") -> Classification:
    """Return the classification of a patient, in words of a language; `model` is specialised to the record's roots."""
    verdict, first, second, why = d2t(place)
    known: Known = place.inside(model)
    extended = _with_refractory_nodes(place, model)
    last = f"{COUNT}_{CLASSES[-1]}"
    refractory = ask(extended, known, [(CLINICAL, last)])[(CLINICAL, last)][:, 1, 2]
    if place.current_drug == "none" or place.target == "met":
        refractory = refractory * 0.0
    joint = ask(model, known, [("synovitis", "pain_source")])[("synovitis", "pain_source")]
    nirra = joint[:, 0].sum(axis=1) + joint[:, 1, 1]
    pirra = 1 - nirra
    # Persistent disease that is refractory has been treated: before the first drug there is none.
    if verdict == "no" or (place.current_drug == "none" and not classes_failed(place)):
        pirra, nirra = pirra * 0.0, nirra * 0.0
    numbers: Mapping[str, float] = {}
    for name, values in (("true_refractory", refractory), ("pirra", pirra), ("nirra", nirra)):
        low, high = interval(values, level)
        numbers = {**numbers, name: float(values[0]), f"{name}_low": float(low), f"{name}_high": float(high)}
    return Classification(verdict, first, second, why.said(language), classes_failed(place), **numbers)
