"""Stage 2: did hitting the target matter? Driver and coverage -> engagement -> synovitis -> inflammation's findings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .arrays import Array, xp
from .building import NodeSpec, Values, binary_by, cutoffs, row_weights, rows_by, states
from .drug_classes import CLASS_OF, CLASSES
from .families import along, binary, expit, lift, log_odds, logit, multiplexer, on_scale, ordered_logit, weights

DRUGS = states("current_drug")
DRIVERS = states("driver")
SYNOVITIS = states("synovitis")


def autoantibody(v: Values) -> Array:
    """No parents."""
    negative, very_high = v["autoantibody.seronegative"], v["autoantibody.very_high_share"]
    return xp.stack([negative, (1 - negative) * (1 - very_high), (1 - negative) * very_high], axis=-1)


def severity(v: Values) -> Array:
    """Parents: autoantibody."""
    score = along(0, 1, [-v["severity.seronegative"], v.zero, -v["severity.very_high"]])
    mild = lift(1 - v["severity.moderate_or_severe"], 1)
    not_severe = lift(1 - v["severity.severe"], 1)
    return ordered_logit(score, [mild, not_severe])


def multi_refractory(v: Values) -> Array:
    """No parents."""
    return binary(v["multi_refractory.prior"])


def unhindered_coverage(v: Values, drug_class: str) -> Array:
    """Return P(covered) of a class by driver without the refractory trait, shape (S, drivers)."""
    return along(0, 1, [v[f"covered_{drug_class}.{driver}"] for driver in DRIVERS])


def coverage(v: Values, drug_class: str) -> Array:
    """Return P(covered) of a class by driver and multi_refractory, shape (S, drivers, 2), before any other modifier."""
    return expit(logit(unhindered_coverage(v, drug_class))[..., None] + along(1, 2, [v.zero, v[f"covered_{drug_class}.multi_refractory"]]))


def average_prior(v: Values) -> Array:
    """Return the prior over drivers of a seropositive patient, the commonest, shape (S, drivers)."""
    return weights(*(v[f"driver.prior.{driver}"] for driver in DRIVERS))


def driver_prior(v: Values) -> Array:
    """Return the prior over drivers by autoantibody status, shape (S, 3, drivers)."""
    factors = (v["driver.seronegative_b_or_t"], v.one, v["driver.very_high_b_or_t"])
    rows = [
        weights(*(v[f"driver.prior.{driver}"] * (factor if driver in ("b_cell", "t_cell") else v.one) for driver in DRIVERS))
        for factor in factors
    ]
    return xp.stack(xp.broadcast_arrays(*rows), axis=1)


def average_coverage(v: Values, drug_class: str) -> Array:
    """Return P(covered) of a class over the prior of drivers and of the refractory trait, shape (S,)."""
    refractory = v["multi_refractory.prior"][:, None]
    table = coverage(v, drug_class)
    return xp.asarray((average_prior(v) * (table[..., 0] * (1 - refractory) + table[..., 1] * refractory)).sum(-1))


def escape(v: Values) -> Array:
    """Parents: current_drug. P(covered by the class) x P(the pathway was left while on the drug)."""
    left = 1 - xp.exp(-v["escape.hazard"] * v["escape.years_on_drug"])
    return binary(along(0, 1, [v.zero * left if drug not in CLASS_OF else average_coverage(v, CLASS_OF[drug]) * left for drug in DRUGS]))


def _destination(v: Values, drug: str) -> Array:
    """Return where an escaped disease went, shape (S, drivers): published for TNF, else the prior by lack of coverage."""
    drug_class = CLASS_OF.get(drug)
    if drug_class == "tnf_inhibitor":
        tiny = v.zero + 1e-9
        return weights(*(v[f"driver.escape.{d}"] if d not in ("tnf", "t_cell") else tiny for d in DRIVERS))
    prior = average_prior(v)
    if drug_class is None:
        return prior
    left = prior * (1 - unhindered_coverage(v, drug_class))
    return xp.asarray(left / left.sum(axis=-1, keepdims=True))


def driver(v: Values) -> Array:
    """Parents: current_drug, autoantibody, escape."""
    prior = driver_prior(v)
    tables = []
    for drug in DRUGS:
        gone = xp.broadcast_to(_destination(v, drug)[:, None, :], prior.shape)
        tables.append(xp.stack([prior, gone], axis=2))
    return xp.stack(tables, axis=1)


def covered(v: Values, drug_class: str, modifiers: Callable[[Values], list[Array]] | None = None) -> Array:
    """Parents: driver, multi_refractory, current_drug, escape and, where a modifier is given, one more."""
    axes = 5 if modifiers else 4
    table = coverage(v, drug_class)
    score = logit(table).reshape((*table.shape, *([1] * (axes - 2))))
    if modifiers:
        score = score + along(4, axes, modifiers(v))
    same_class = xp.array([1.0 if CLASS_OF.get(drug) == drug_class else 0.0 for drug in DRUGS])
    kept = 1 - xp.stack([xp.zeros_like(same_class), same_class], axis=1)
    return binary(expit(score) * kept.reshape((1, 1, 1, len(DRUGS), 2, *([1] * (axes - 4)))))


def _smoking_on_tnf(v: Values) -> list[Array]:
    return [v.zero, v.zero, v["covered_tnf_inhibitor.smoking"]]


def _serology(drug_class: str) -> Callable[[Values], list[Array]]:
    def modifiers(v: Values) -> list[Array]:
        return [v[f"covered_{drug_class}.seronegative"], v.zero, v[f"covered_{drug_class}.very_high"]]

    return modifiers


def covered_current(v: Values) -> Array:
    """Parents: current_drug and coverage by each class."""
    del v
    chosen = {drug: CLASSES.index(drug_class) for drug, drug_class in CLASS_OF.items()}
    return multiplexer(DRUGS, chosen, len(CLASSES))


def engagement(v: Values) -> Array:
    """Parents: covered_current, exposure."""
    uncovered = row_weights(v, "engagement.uncovered", "engagement")
    by_exposure = [row_weights(v, f"engagement.{state}", "engagement") for state in states("exposure")]
    rows = [xp.stack([uncovered] * len(by_exposure), axis=1), xp.stack(by_exposure, axis=1)]
    return xp.stack(rows, axis=1)


def synovitis(v: Values) -> Array:
    """Parents: engagement, severity, methotrexate, smoking, bmi_class, other_disease_active."""
    score = (
        along(0, 6, [v.zero, v["synovitis.partial_engagement"], v["synovitis.full_engagement"]])
        + along(1, 6, [v["synovitis.mild"], v.zero, v["synovitis.severe"]])
        + along(2, 6, [v.zero, v["synovitis.low_methotrexate"], v["synovitis.full_methotrexate"]])
        + along(3, 6, [v.zero, v.zero, v["synovitis.smoking"]])
        + along(4, 6, [v.zero, v.zero, v["synovitis.obese"]])
        + along(5, 6, [v.zero, v["synovitis.other_disease"]])
    )
    cumulative = [lift(v[f"synovitis.{name}"], 6) for name in ("none", "none_or_low", "not_high")]
    return ordered_logit(score, cumulative)


def true_course(v: Values) -> Array:
    """Parents: synovitis, covered_current, escape, exposure."""

    def row(prefix: str) -> Array:
        return row_weights(v, f"true_course.{prefix}", "true_course")

    quiet = {"none": row("quiet_none"), "low": row("quiet_low")}
    escaped, uncovered = row("escaped"), row("uncovered")
    covered_low, covered_in_range = row("covered_low"), row("covered_in_range")

    def choose(inflamed: str, is_covered: str, has_escaped: str, level: str) -> Array:
        if inflamed in quiet:
            return quiet[inflamed]
        if has_escaped == "yes":
            return escaped
        if is_covered == "no":
            return uncovered
        return covered_in_range if level == "in_range" else covered_low

    rows = [[[[choose(s, c, e, x) for x in states("exposure")] for e in ("no", "yes")] for c in ("no", "yes")] for s in SYNOVITIS]
    stacked = xp.array(rows)
    return xp.moveaxis(stacked, 4, 0)


def il6_axis(v: Values) -> Array:
    """Parents: driver, severity."""
    special = ("il6", "jak_convergent", "stromal")
    return log_odds(
        lift(v["il6_axis.base"], 2),
        along(0, 2, [v[f"il6_axis.{d}"] if d in special else v.zero for d in DRIVERS]),
        along(1, 2, [v["il6_axis.mild"], v.zero, v["il6_axis.severe"]]),
    )


def acute_phase_block(v: Values) -> Array:
    """Parents: current_drug, exposure."""
    unblocked = xp.array([[1.0, 0.0, 0.0]])

    def row(drug: str, level: str) -> Array:
        if level == "undetectable" or drug not in ("il6r_inhibitor", "jak_inhibitor"):
            return unblocked
        prefix = "il6r" if drug == "il6r_inhibitor" else "jak"
        return row_weights(v, f"acute_phase_block.{prefix}_{level}", "acute_phase_block")

    flat = [row(drug, level) for drug in DRUGS for level in states("exposure")]
    stacked = xp.stack(xp.broadcast_arrays(*flat), axis=1)
    return stacked.reshape((stacked.shape[0], len(DRUGS), 3, 3))


def joint_damage(v: Values) -> Array:
    """Parents: disease_duration, severity, autoantibody."""
    return log_odds(
        lift(v["joint_damage.2-10"], 3),
        along(0, 3, [v["joint_damage.<2"], v.zero, v["joint_damage.>=10"]]),
        along(1, 3, [v["joint_damage.mild"], v.zero, v["joint_damage.severe"]]),
        along(2, 3, [v["joint_damage.seronegative"], v.zero, v["joint_damage.very_high"]]),
    )


def earlier(v: Values, drug_class: str) -> Array:
    """Parents: coverage by the class. What became of an earlier drug of the class, if one was tried."""
    name = f"earlier_{drug_class}"
    not_tried = v[f"{name}.not_tried"]
    rows = []
    for prefix in ("earlier.uncovered", "earlier.covered"):
        outcomes = weights(*(v[f"{prefix}.{state}"] for state in states(name)[1:]))
        rows.append(xp.concatenate([not_tried[:, None], (1 - not_tried)[:, None] * outcomes], axis=1))
    return xp.stack(rows, axis=1)


def il6_level(v: Values) -> Array:
    """Parents: il6_axis, synovitis, current_drug."""
    quiet, high = v["il6_level.quiet"], v["il6_level.high_synovitis"]
    table = log_odds(
        along(0, 3, [v["il6_level.axis_low"], v["il6_level.axis_high"]]),
        along(1, 3, [quiet, quiet, v.zero, high]),
        along(2, 3, [0.0] * len(DRUGS)),
    )
    table = xp.broadcast_to(table, (len(quiet), 2, 4, len(DRUGS), 2))
    on_drug = xp.broadcast_to(binary(lift(v["il6_level.on_il6r_inhibitor"], 3)), (len(quiet), 2, 4, 1, 2))
    drug = DRUGS.index("il6r_inhibitor")
    return xp.concatenate([table[:, :, :, :drug], on_drug, table[:, :, :, drug + 1 :]], axis=3)


def gm_csf_level(v: Values) -> Array:
    """Parents: driver, severity."""
    special = ("gm_csf", "tnf")
    return log_odds(
        lift(v["gm_csf_level.base"], 2),
        along(0, 2, [v[f"gm_csf_level.{d}"] if d in special else v.zero for d in DRIVERS]),
        along(1, 2, [v["gm_csf_level.mild"], v.zero, v["gm_csf_level.severe"]]),
    )


def synovial_b_cells(v: Values) -> Array:
    """Parents: driver, covered_rituximab."""
    special = ("b_cell", "stromal")
    return log_odds(
        lift(v["synovial_b_cells.base"], 2),
        along(0, 2, [v[f"synovial_b_cells.{d}"] if d in special else v.zero for d in DRIVERS]),
        along(1, 2, [v.zero, v["synovial_b_cells.covered"]]),
    )


def pathotype(v: Values) -> Array:
    """Parents: driver."""
    group = {"stromal": "stromal", "b_cell": "b_cell", "t_cell": "t_cell", "tnf": "myeloid", "gm_csf": "myeloid"}
    rows = [row_weights(v, f"pathotype.{group.get(d, 'other')}", "pathotype") for d in DRIVERS]
    return xp.stack(rows, axis=1)


def msrc(v: Values) -> Array:
    """Parents: covered_tnf_inhibitor, severity."""
    return log_odds(
        along(0, 2, [v["msrc.not_covered"], v["msrc.covered"]]),
        along(1, 2, [v["msrc.mild"], v.zero, v["msrc.severe"]]),
    )


def ifn_signature(v: Values) -> Array:
    """Parents: driver, covered_rituximab, glucocorticoid."""
    return log_odds(
        lift(v["ifn_signature.base"], 3),
        along(0, 3, [v["ifn_signature.jak_convergent"] if d == "jak_convergent" else v.zero for d in DRIVERS]),
        along(1, 3, [v.zero, v["ifn_signature.covered"]]),
        along(2, 3, [v.zero, v["ifn_signature.prednisone_low"], v["ifn_signature.prednisone_high"]]),
    )


def crp(v: Values) -> Array:
    """Parents: synovitis, acute_phase_block, il6_axis, bmi_class, other_disease_active; on the log scale."""
    medians = [xp.log(v[f"crp.median_{s}"]) for s in SYNOVITIS]
    rise = [m - medians[0] for m in medians]
    free = along(0, 5, medians)
    partial_block = along(0, 5, [medians[0] + xp.log(v["crp.partial_ratio"]) + v["crp.partial_share"] * r for r in rise])
    blocked = along(0, 5, [xp.log(v["crp.median_blocked"])] * len(SYNOVITIS))
    location = xp.concatenate(xp.broadcast_arrays(free, partial_block, blocked), axis=2)
    location = (
        location
        + along(2, 5, [v.zero, xp.log(v["crp.axis_high"])]) * along(1, 5, [1.0, 1.0, 0.0])
        + along(3, 5, [v.zero, v.zero, xp.log(v["crp.obese"])])
        + along(4, 5, [v.zero, xp.log(v["crp.other_disease"])])
    )
    return on_scale(location, lift(v["crp.scatter"], 5), [xp.log(cut) for cut in cutoffs("crp")])


def esr(v: Values) -> Array:
    """Parents: synovitis, acute_phase_block, age_group, sex, other_disease_active; on the log scale."""
    location = (
        along(0, 5, [xp.log(v[f"esr.median_{s}"]) for s in SYNOVITIS])
        + along(1, 5, [v.zero, xp.log(v["esr.partial_block"]), xp.log(v["esr.blocked"])])
        + along(2, 5, [v.zero, v.zero, xp.log(v["esr.older"])])
        + along(3, 5, [v.zero, xp.log(v["esr.male"])])
        + along(4, 5, [v.zero, xp.log(v["esr.other_disease"])])
    )
    return on_scale(location, lift(v["esr.scatter"], 5), [xp.log(cut) for cut in cutoffs("esr")])


def sjc28(v: Values) -> Array:
    """Parents: synovitis; on the square-root scale that DAS28 uses (10.1002/art.1780380107)."""
    location = along(0, 1, [xp.sqrt(v[f"sjc28.median_{s}"]) for s in SYNOVITIS])
    return on_scale(location, lift(v["sjc28.scatter"], 1), [xp.sqrt(cut) for cut in cutoffs("sjc28")])


_COVERED_PARENTS = ("driver", "multi_refractory", "current_drug", "escape")

NODES = {
    "autoantibody": NodeSpec((), autoantibody),
    "severity": NodeSpec(("autoantibody",), severity),
    "multi_refractory": NodeSpec((), multi_refractory),
    "escape": NodeSpec(("current_drug",), escape),
    "driver": NodeSpec(("current_drug", "autoantibody", "escape"), driver),
    "covered_tnf_inhibitor": NodeSpec(
        (*_COVERED_PARENTS, "smoking"), partial(covered, drug_class="tnf_inhibitor", modifiers=_smoking_on_tnf)
    ),
    "covered_il6r_inhibitor": NodeSpec(_COVERED_PARENTS, partial(covered, drug_class="il6r_inhibitor")),
    "covered_abatacept": NodeSpec(
        (*_COVERED_PARENTS, "autoantibody"), partial(covered, drug_class="abatacept", modifiers=_serology("abatacept"))
    ),
    "covered_rituximab": NodeSpec(
        (*_COVERED_PARENTS, "autoantibody"), partial(covered, drug_class="rituximab", modifiers=_serology("rituximab"))
    ),
    "covered_jak_inhibitor": NodeSpec(_COVERED_PARENTS, partial(covered, drug_class="jak_inhibitor")),
    "covered_current": NodeSpec(("current_drug", *(f"covered_{c}" for c in CLASSES)), covered_current),
    "engagement": NodeSpec(("covered_current", "exposure"), engagement),
    "synovitis": NodeSpec(("engagement", "severity", "methotrexate", "smoking", "bmi_class", "other_disease_active"), synovitis),
    "true_course": NodeSpec(("synovitis", "covered_current", "escape", "exposure"), true_course),
    "il6_axis": NodeSpec(("driver", "severity"), il6_axis),
    "acute_phase_block": NodeSpec(("current_drug", "exposure"), acute_phase_block),
    "joint_damage": NodeSpec(("disease_duration", "severity", "autoantibody"), joint_damage),
    "response_pattern": NodeSpec(
        ("true_course",), rows_by("response_pattern", tuple(f"response_pattern.{s}" for s in states("true_course")))
    ),
    "months_on_drug": NodeSpec(("true_course",), rows_by("months_on_drug", tuple(f"months_on_drug.{s}" for s in states("true_course")))),
    **{f"earlier_{c}": NodeSpec((f"covered_{c}",), partial(earlier, drug_class=c)) for c in CLASSES},
    "rf": NodeSpec(("autoantibody",), rows_by("rf", tuple(f"rf.{s}" for s in states("autoantibody")))),
    "acpa": NodeSpec(("autoantibody",), rows_by("acpa", tuple(f"acpa.{s}" for s in states("autoantibody")))),
    "eta_14_3_3": NodeSpec(("autoantibody",), binary_by(*(f"eta_14_3_3.{s}" for s in states("autoantibody")))),
    "il6_level": NodeSpec(("il6_axis", "synovitis", "current_drug"), il6_level),
    "gm_csf_level": NodeSpec(("driver", "severity"), gm_csf_level),
    "synovial_b_cells": NodeSpec(("driver", "covered_rituximab"), synovial_b_cells),
    "pathotype": NodeSpec(("driver",), pathotype),
    "msrc": NodeSpec(("covered_tnf_inhibitor", "severity"), msrc),
    "ifn_signature": NodeSpec(("driver", "covered_rituximab", "glucocorticoid"), ifn_signature),
    "crp": NodeSpec(("synovitis", "acute_phase_block", "il6_axis", "bmi_class", "other_disease_active"), crp),
    "esr": NodeSpec(("synovitis", "acute_phase_block", "age_group", "sex", "other_disease_active"), esr),
    "sjc28": NodeSpec(("synovitis",), sjc28),
    "power_doppler": NodeSpec(("synovitis",), binary_by(*(f"power_doppler.{s}" for s in SYNOVITIS))),
}
