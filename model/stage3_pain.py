"""Stage 3: is it synovitis that hurts? Fibromyalgia, osteoarthritis, depression, sleep, other disease -> pain's findings."""

from __future__ import annotations

from functools import partial

from .arrays import Array, xp
from .building import NodeSpec, Values, binary_by, cutoffs, row_weights, states
from .drug_classes import TNF_DRUGS
from .families import along, binary, deterministic, lift, log_odds, noisy_max, on_scale, weights

SYNOVITIS = states("synovitis")


def depression(v: Values) -> Array:
    """No parents."""
    return binary(v["depression.prevalence"])


def fibromyalgia(v: Values) -> Array:
    """Parents: depression, sex, disease_duration; effects are centred so that the clinic's prevalence is kept."""
    mood, female, early = v["fibromyalgia.depression"], v["fibromyalgia.female"], v["fibromyalgia.<2"]
    depressed = v["depression.prevalence"]
    women = weights(v["sex.prior.female"], v["sex.prior.male"])[:, 0]
    new = weights(*(v[f"disease_duration.prior.{state}"] for state in states("disease_duration")))[:, 0]
    return log_odds(
        lift(v["fibromyalgia.prevalence"], 3),
        along(0, 3, [-depressed * mood, (1 - depressed) * mood]),
        along(1, 3, [(1 - women) * female, -women * female]),
        along(2, 3, [(1 - new) * early, -new * early, -new * early]),
    )


def osteoarthritis(v: Values) -> Array:
    """Parents: age_group, bmi_class."""
    return log_odds(
        along(0, 2, [v[f"osteoarthritis.{age}"] for age in states("age_group")]),
        along(1, 2, [v.zero, v.zero, v["osteoarthritis.obese"]]),
    )


def poor_sleep(v: Values) -> Array:
    """Parents: depression, fibromyalgia."""
    return log_odds(
        lift(v["poor_sleep.base"], 2),
        along(0, 2, [v.zero, v["poor_sleep.depression"]]),
        along(1, 2, [v.zero, v["poor_sleep.fibromyalgia"]]),
    )


def other_disease(v: Values) -> Array:
    """Parents: current_drug; lupus is a disease of TNF inhibitors."""
    elsewhere = v["other_disease.lupus_without_tnf_inhibitor"]
    tables = []
    for drug in states("current_drug"):
        present = [v[f"other_disease.{state}"] for state in states("other_disease")[1:]]
        if drug not in TNF_DRUGS:
            lupus = states("other_disease").index("drug_induced_lupus") - 1
            present[lupus] = present[lupus] * elsewhere
        tables.append(weights(v.one, *(p / (1 - p) for p in present)))
    return xp.stack(tables, axis=1)


def other_disease_active(v: Values) -> Array:
    """Parents: other_disease."""
    del v
    return deterministic((len(states("other_disease")),), 2, lambda disease: int(disease > 0))


def red_flags(v: Values) -> Array:
    """Parents: other_disease."""
    rows = [row_weights(v, f"red_flags.{state}", "red_flags") for state in states("other_disease")]
    return xp.stack(rows, axis=1)


def tjc28(v: Values) -> Array:
    """Parents: synovitis, fibromyalgia, osteoarthritis, depression; on the square-root scale that DAS28 uses."""
    location = along(0, 4, [xp.sqrt(v[f"tjc28.median_{s}"]) for s in SYNOVITIS])
    for axis, cause in enumerate(("fibromyalgia", "osteoarthritis", "depression"), start=1):
        location = location + along(axis, 4, [v.zero, v[f"tjc28.{cause}"]])
    return on_scale(location, lift(v["tjc28.scatter"], 4), [xp.sqrt(cut) for cut in cutoffs("tjc28")])


def patient_global(v: Values) -> Array:
    """Parents: synovitis, fibromyalgia, osteoarthritis, depression, poor_sleep, joint_damage, bmi_class, other_disease_active."""
    location = along(0, 8, [v[f"patient_global.mean_{s}"] for s in SYNOVITIS])
    for axis, cause in enumerate(("fibromyalgia", "osteoarthritis", "depression", "poor_sleep", "joint_damage"), start=1):
        location = location + along(axis, 8, [v.zero, v[f"patient_global.{cause}"]])
    location = (
        location + along(6, 8, [v.zero, v.zero, v["patient_global.obese"]]) + along(7, 8, [v.zero, v["patient_global.other_disease"]])
    )
    return on_scale(location, lift(v["patient_global.scatter"], 8), cutoffs("patient_global"))


def physician_global(v: Values) -> Array:
    """Parents: synovitis, fibromyalgia, other_disease_active."""
    location = (
        along(0, 3, [v[f"physician_global.mean_{s}"] for s in SYNOVITIS])
        + along(1, 3, [v.zero, v["physician_global.fibromyalgia"]])
        + along(2, 3, [v.zero, v["physician_global.other_disease"]])
    )
    return on_scale(location, lift(v["physician_global.scatter"], 3), cutoffs("physician_global"))


def widespread_pain(v: Values) -> Array:
    """Parents: fibromyalgia, depression; causes that act independently of each other, and a leak."""

    def brings(probability: Array) -> Array:
        absent = binary(xp.zeros_like(probability))
        return xp.stack([absent, binary(probability)], axis=1)

    effects = [brings(v["widespread_pain.fibromyalgia"]), brings(v["widespread_pain.depression"])]
    return noisy_max(binary(v["widespread_pain.base"]), effects)


def first_questionnaire(v: Values) -> Array:
    """Parents: fibromyalgia."""
    return binary(along(0, 1, [1 - v["first_questionnaire.specificity"], v["first_questionnaire.sensitivity"]]))


def phq9(v: Values) -> Array:
    """Parents: depression; the published sensitivity and specificity hold at 10 points."""

    def row(positive: Array, mild: Array, severe: Array) -> Array:
        return xp.stack([(1 - positive) * (1 - mild), (1 - positive) * mild, positive * (1 - severe), positive * severe], axis=-1)

    well = row(1 - v["phq9.specificity"], v["phq9.mild_if_negative_not_depressed"], v["phq9.severe_if_positive_not_depressed"])
    ill = row(v["phq9.sensitivity"], v["phq9.mild_if_negative_depressed"], v["phq9.severe_if_positive_depressed"])
    return xp.stack([well, ill], axis=1)


def diagnosis(v: Values, disease: str) -> Array:
    """Parents: the disease itself."""
    return binary(along(0, 1, [v[f"{disease}_diagnosis.absent"], v[f"{disease}_diagnosis.present"]]))


def target_met(v: Values) -> Array:
    """Parents: synovitis, fibromyalgia, osteoarthritis, depression, joint_damage, other_disease_active."""
    shifts = [
        along(axis, 6, [v.zero, v[f"target_met.{cause}"]])
        for axis, cause in enumerate(("fibromyalgia", "osteoarthritis", "depression", "joint_damage", "other_disease"), start=1)
    ]
    return log_odds(along(0, 6, [v[f"target_met.{s}"] for s in SYNOVITIS]), *shifts)


NODES = {
    "depression": NodeSpec((), depression),
    "fibromyalgia": NodeSpec(("depression", "sex", "disease_duration"), fibromyalgia),
    "osteoarthritis": NodeSpec(("age_group", "bmi_class"), osteoarthritis),
    "poor_sleep": NodeSpec(("depression", "fibromyalgia"), poor_sleep),
    "other_disease": NodeSpec(("current_drug",), other_disease),
    "other_disease_active": NodeSpec(("other_disease",), other_disease_active),
    "red_flags": NodeSpec(("other_disease",), red_flags),
    "tjc28": NodeSpec(("synovitis", "fibromyalgia", "osteoarthritis", "depression"), tjc28),
    "patient_global": NodeSpec(
        (
            "synovitis", "fibromyalgia", "osteoarthritis", "depression", "poor_sleep", "joint_damage", "bmi_class",
            "other_disease_active",
        ),
        patient_global,
    ),
    "physician_global": NodeSpec(("synovitis", "fibromyalgia", "other_disease_active"), physician_global),
    "widespread_pain": NodeSpec(("fibromyalgia", "depression"), widespread_pain),
    "first_questionnaire": NodeSpec(("fibromyalgia",), first_questionnaire),
    "phq9": NodeSpec(("depression",), phq9),
    "sleep_questionnaire": NodeSpec(("poor_sleep",), binary_by("sleep_questionnaire.good", "sleep_questionnaire.poor")),
    "hand_xray_oa": NodeSpec(("osteoarthritis",), binary_by("hand_xray_oa.no", "hand_xray_oa.yes")),
    **{
        f"{disease}_diagnosis": NodeSpec((disease,), partial(diagnosis, disease=disease))
        for disease in ("fibromyalgia", "depression", "osteoarthritis")
    },
    "target_met": NodeSpec(
        ("synovitis", "fibromyalgia", "osteoarthritis", "depression", "joint_damage", "other_disease_active"), target_met
    ),
}  # fmt: skip
