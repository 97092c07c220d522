"""Stage 1: did the arrow reach the target? Adherence, antibodies and clearance -> exposure -> tests."""

from __future__ import annotations

from ..data.levels import level_cutoffs
from .arrays import Array, xp
from .building import NodeSpec, Values, binary_by, rows_by, states
from .drug_classes import FC_BEARING, INFUSED, ORAL, TNF_MONOCLONAL
from .families import along, expit, lift, log_odds, logit, on_scale, weights

DRUGS = states("current_drug")
NO_ANTIBODIES = ("none", "jak_inhibitor")
"""States of `current_drug` against which no antibodies can form: no drug, and small molecules."""


def adherence(v: Values) -> Array:
    """Parents: current_drug, age_group."""
    route = [v["adherence.intravenous"] if d in INFUSED else v["adherence.oral"] if d in ORAL else v.zero for d in DRUGS]
    score = (
        lift(logit(v["adherence.full_subcutaneous"]), 2)
        + along(0, 2, route)
        + along(1, 2, [v["adherence.younger"], v.zero, v["adherence.older"]])
    )
    full = expit(score)
    poor = lift(v["adherence.poor_share"], 2)
    return xp.stack([full, (1 - full) * (1 - poor), (1 - full) * poor], axis=-1)


def _antibody_probability(v: Values, drug: str) -> Array:
    return v.zero + 1e-12 if drug in NO_ANTIBODIES else v[f"ada.{drug}"]


def _without_methotrexate(v: Values, drug: str) -> Array:
    if drug == "adalimumab":
        return v["ada.no_methotrexate_adalimumab"]
    if drug in ("infliximab", "golimumab"):
        return v["ada.no_methotrexate_other"]
    if drug == "certolizumab":
        return v["ada.no_methotrexate_certolizumab"]
    return v.zero


def _share_partial_and_poor(v: Values) -> tuple[Array, Array]:
    """Return the shares of partial and poor adherence among the users in whom antibodies and levels were measured.

    Effects are centred on the make-up of those users, so that studies of all comers are kept.
    """
    missed = 1 - v["adherence.full_subcutaneous"]
    return missed * (1 - v["adherence.poor_share"]), missed * v["adherence.poor_share"]


def ada(v: Values) -> Array:
    """Parents: current_drug, methotrexate, adherence, smoking."""
    missing = v["ada.low_methotrexate_share"]
    none = [_without_methotrexate(v, drug) for drug in DRUGS]
    by_drug = xp.concatenate(
        [
            along(0, 4, none),
            along(0, 4, [(1 - missing) * effect for effect in none]),
            along(0, 4, [v.zero] * len(DRUGS)) + xp.zeros((len(missing), 1, 1, 1, 1)),
        ],
        axis=2,
    )
    smoking = v["ada.smoking"]
    partial, poor = v["ada.partial_adherence"], v["ada.poor_adherence"]
    share_partial, share_poor = _share_partial_and_poor(v)
    ever_smoked = 1 - weights(*(v[f"smoking.prior.{state}"] for state in states("smoking")))[:, 0]
    average = ever_smoked * smoking + share_partial * partial + share_poor * poor
    score = (
        logit(along(0, 4, [_antibody_probability(v, drug) for drug in DRUGS]))
        + by_drug
        + along(2, 4, [v.zero, partial, poor])
        + along(3, 4, [v.zero, smoking, smoking])
        - lift(average, 4)
    )
    possible = along(0, 4, [0.0 if drug in NO_ANTIBODIES else 1.0 for drug in DRUGS])
    any_titre = expit(score) * possible
    high = lift(v["ada.high_titre_share"], 4)
    return xp.stack([1 - any_titre, any_titre * (1 - high), any_titre * high], axis=-1)


def clearance(v: Values) -> Array:
    """Parents: current_drug, bmi_class, severity, autoantibody."""
    fc = along(0, 4, [1.0 if drug in FC_BEARING else 0.0 for drug in DRUGS])
    return log_odds(
        lift(v["clearance.fast"], 4),
        along(1, 4, [v.zero, v["clearance.bmi_25-30"], v["clearance.bmi_>=30"]]),
        along(2, 4, [v["clearance.mild"], v.zero, v["clearance.severe"]]),
        fc * along(3, 4, [v.zero, v.zero, v["clearance.very_high_rf"]]),
    )


def _median(v: Values, drug: str) -> Array:
    if drug in level_cutoffs():
        return v[f"exposure.median_{drug}"] / level_cutoffs()[drug].in_range_from
    return v["exposure.median_unmeasured"]


def _of_infliximab(drug: str) -> str:
    """Return the ending of the records of infliximab, whose long interval magnifies differences of clearance."""
    return "_infliximab" if drug == "infliximab" else ""


def _undetectable(v: Values, drug: str) -> Array | float:
    """Return the upper bound of the lowest exposure state over the least useful exposure."""
    if drug in level_cutoffs():
        return level_cutoffs()[drug].undetectable_below / level_cutoffs()[drug].in_range_from
    return v["exposure.undetectable_unmeasured"]


def exposure(v: Values) -> Array:
    """Parents: current_drug, adherence, ada, clearance, methotrexate; the trough relative to the drug's useful range."""
    monoclonal = along(0, 5, [1.0 if drug in TNF_MONOCLONAL else 0.0 for drug in DRUGS])
    titre = xp.concatenate(
        [
            xp.stack(xp.broadcast_arrays(v.zero, xp.log(v[f"exposure.low_titre{end}"]), xp.log(v[f"exposure.high_titre{end}"])), 1)[:, None]
            for end in (("" if drug in TNF_MONOCLONAL else "_other") for drug in DRUGS)
        ],
        axis=1,
    )
    partial, poor = xp.log(v["exposure.partial_adherence"]), xp.log(v["exposure.poor_adherence"])
    fast = [xp.log(v[f"exposure.fast_clearance{_of_infliximab(drug)}"]) for drug in DRUGS]
    share_partial, share_poor = _share_partial_and_poor(v)
    average = along(0, 5, [share_partial * partial + share_poor * poor + v["clearance.fast"] * own for own in fast])
    location = (
        xp.log(along(0, 5, [_median(v, drug) for drug in DRUGS]))
        - average
        + along(1, 5, [v.zero, partial, poor])
        + titre.reshape((titre.shape[0], len(DRUGS), 1, 3, 1, 1))
        + along(0, 5, fast) * along(3, 5, [0.0, 1.0])
        + monoclonal * xp.log(along(4, 5, [v["exposure.no_methotrexate"], v.one, v.one]))
    )
    scatter = along(0, 5, [v[f"exposure.scatter{_of_infliximab(drug)}"] for drug in DRUGS])
    # In a few parameter sets in ten thousand the limit of detection would lie above the useful range.
    cuts = xp.minimum(xp.log(along(0, 5, [_undetectable(v, drug) for drug in DRUGS])), 0.0)
    return on_scale(location, scatter, [cuts, xp.zeros(1)])


def drug_level(v: Values) -> Array:
    """Parents: current_drug, exposure; without a validated assay the level says nothing."""
    up, down, far = v["drug_level.one_up"], v["drug_level.one_down"], v["drug_level.two_off"]
    reading = xp.stack(
        [
            xp.stack([1 - up - far, up, far], axis=-1),
            xp.stack([down, 1 - up - down, up], axis=-1),
            xp.stack([far, down, 1 - down - far], axis=-1),
        ],
        axis=1,
    )
    flat = xp.full_like(reading, 1 / 3)
    return xp.stack([reading if drug in level_cutoffs() else flat for drug in DRUGS], axis=1)


def ada_test(v: Values) -> Array:
    """Parents: ada, exposure."""
    false = v["ada_test.false_positive"]
    low_free, low_bound = v["ada_test.low_titre_no_drug"], v["ada_test.low_titre_in_range"]
    positive = [
        [false, false, false],
        [low_free, low_free, low_bound],
        [v["ada_test.high_titre_undetectable"], v["ada_test.high_titre_low"], v["ada_test.high_titre_in_range"]],
    ]
    reads_high = [v["ada_test.reads_high_if_low"], v["ada_test.reads_high_if_low"], v["ada_test.reads_high_if_high"]]
    rows = [
        xp.stack([xp.stack([1 - p, p * (1 - high), p * high], axis=-1) for p in row], axis=1)
        for row, high in zip(positive, reads_high, strict=True)
    ]
    return xp.stack(rows, axis=1)


NODES = {
    "adherence": NodeSpec(("current_drug", "age_group"), adherence),
    "ada": NodeSpec(("current_drug", "methotrexate", "adherence", "smoking"), ada),
    "clearance": NodeSpec(("current_drug", "bmi_class", "severity", "autoantibody"), clearance),
    "exposure": NodeSpec(("current_drug", "adherence", "ada", "clearance", "methotrexate"), exposure),
    "refill_adherence": NodeSpec(
        ("adherence",), rows_by("refill_adherence", ("refill_adherence.full", "refill_adherence.partial", "refill_adherence.poor"))
    ),
    "reported_adherence": NodeSpec(
        ("adherence",), binary_by("reported_adherence.full", "reported_adherence.partial", "reported_adherence.poor")
    ),
    "drug_level": NodeSpec(("current_drug", "exposure"), drug_level),
    "ada_test": NodeSpec(("ada", "exposure"), ada_test),
}
