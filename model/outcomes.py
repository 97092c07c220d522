"""What each next step would bring at about 24 weeks, from the same latent causes."""

from __future__ import annotations

from functools import partial

from .arrays import Array, xp
from .building import NodeSpec, Values, states
from .drug_classes import CLASSES
from .families import along, binary, expit, lift, log_odds, logit, response_mixture, spread_out

SYNOVITIS = states("synovitis")
IN_RANGE = states("exposure").index("in_range")
OPTIONS = ("continue", "support_adherence", "optimise_exposure", *CLASSES, "treat_noninflammatory")
ADD_ONS = ("support_adherence", "optimise_exposure")
CYTOKINE_BLOCKERS = ("tnf_inhibitor", "il6r_inhibitor")
SWITCH_LDA_PARENTS = ("synovitis", "fibromyalgia", "osteoarthritis", "depression", "other_disease_active")


def next_exposure_tnf_inhibitor(v: Values) -> Array:
    """Parents: adherence, bmi_class, methotrexate, ada."""
    missing = v["next_exposure.no_methotrexate"]
    low_dose = 1 - v["ada.low_methotrexate_share"]
    earlier = v["next_exposure.earlier_antibodies"]
    return log_odds(
        lift(v["next_exposure.base"], 4),
        along(0, 4, [v.zero, v["next_exposure.partial_adherence"], v["next_exposure.poor_adherence"]]),
        along(1, 4, [v.zero, v.zero, v["next_exposure.obese"]]),
        along(2, 4, [missing, low_dose * missing, v.zero]),
        along(3, 4, [v.zero, earlier, earlier]),
    )


def next_exposure(v: Values, drug_class: str) -> Array:
    """Parents: adherence, and bmi_class for an IL-6 receptor inhibitor."""
    axes = 2 if drug_class == "il6r_inhibitor" else 1
    at_home = v["next_exposure.infusion"] if drug_class == "rituximab" else v.zero
    shifts = [
        along(
            0, axes,
            [v.zero, at_home + v["next_exposure.partial_adherence"], at_home + v["next_exposure.poor_adherence"]],
        )
    ]  # fmt: skip
    if axes == 2:
        shifts.append(along(1, axes, [v.zero, v.zero, v["next_exposure.obese"]]))
    return log_odds(lift(v["next_exposure.base"], axes), *shifts)


def response(v: Values, drug_class: str) -> Array:
    """Parents: coverage by the class, next_exposure, smoking, bmi_class."""
    smoking = v.zero if drug_class == "rituximab" else v["response.smoking"]
    obese = v["response.obese_cytokine"] if drug_class in CYTOKINE_BLOCKERS else v["response.obese_other"]
    smoker = along(2, 4, [v.zero, v.zero, smoking])
    contextual = expit(logit(lift(v["response.contextual"], 4)) + smoker)
    gain = expit(
        logit(along(0, 4, [v["response.gain_uncovered"], v[f"response_{drug_class}.gain_covered"]]))
        + smoker
        + along(3, 4, [v.zero, v.zero, obese])
    )
    return response_mixture(contextual, gain * along(1, 4, [v["response.inadequate_share"], v.one]))


def _pain_shifts(v: Values) -> Array:
    """Return the log odds shifts of the sources of pain and of other disease on the last four of seven axes."""
    causes = ("fibromyalgia", "osteoarthritis", "depression", "other_disease")
    return xp.asarray(sum(along(3 + i, 7, [v.zero, v[f"lda.{cause}"]]) for i, cause in enumerate(causes)))


SHAPE = (1, 2, 4, 2, 2, 2, 2)
"""A singleton for the response, then target_met, synovitis, fibromyalgia, osteoarthritis, depression, other_disease_active."""


def _on_synovitis(bases: list[Array], shifts: Array, target: int = 2) -> Array:
    """Return P(low disease activity) with one base a synovitis state and `shifts` on the log odds scale."""
    table = expit(logit(along(2, 7, bases)) + shifts)
    return xp.broadcast_to(table, (table.shape[0], 1, target, len(bases), *SHAPE[3:]))


def _without_response(v: Values) -> Array:
    """Return P(low disease activity) on the same drug without a response, axes as in `SHAPE`."""
    quiet_shifts = along(3, 7, [v.zero, v["lda_continue.fibromyalgia"]]) + along(6, 7, [v.zero, v["lda.other_disease"]])
    kept = _on_synovitis([v["lda_continue.met"]] * len(SYNOVITIS), quiet_shifts, target=1)
    quiet = _on_synovitis([v["lda_continue.none"], v["lda_continue.low"]], quiet_shifts, target=1)
    inflamed = _on_synovitis([v["lda.no_response_moderate"], v["lda.no_response_high"]], _pain_shifts(v), target=1)
    return xp.concatenate([xp.concatenate([quiet, inflamed], axis=3), kept], axis=2)


def _with_response(v: Values) -> Array:
    """Return P(low disease activity) after a response; no drug can improve on joints that are quiet already."""
    same = _without_response(v)
    gained = _on_synovitis([v[f"lda.response_{s}"] for s in ("low", "moderate", "high")], _pain_shifts(v))
    return xp.concatenate([same[:, :, :, :1], xp.maximum(gained, same[:, :, :, 1:])], axis=3)


def lda_switch(v: Values) -> Array:
    """Parents: response, target_met now, synovitis now, fibromyalgia, osteoarthritis, depression, other_disease_active.

    A drug that works keeps what staying would keep of quiet joints; one that does not work loses part of it.
    """
    keep = along(2, 7, [v["lda.keep_quiet"], v["lda.keep_quiet"], v.one, v.one])
    return binary(xp.concatenate([_without_response(v) * keep, _with_response(v)], axis=1))


def lda_add_on(v: Values) -> Array:
    """Parents: as for a switch; without a response everything stays as it is."""
    return binary(xp.concatenate([_without_response(v), _with_response(v)], axis=1))


def _stay(v: Values) -> Array:
    """Return P(low disease activity) unchanged, shape (S, *SHAPE[1:]): contextual response counts for staying as for any step."""
    contextual = lift(v["response.contextual"], 6)
    return (1 - contextual) * _without_response(v)[:, 0] + contextual * _with_response(v)[:, 0]


def lda_continue(v: Values) -> Array:
    """Parents: target_met, synovitis, fibromyalgia, osteoarthritis, depression, other_disease_active."""
    return binary(_stay(v))


def acr50_switch(v: Values) -> Array:
    """Parents: response, synovitis now, fibromyalgia."""
    responding = along(1, 3, [v["acr50.none"], v["acr50.low"], v["acr50.moderate_or_high"], v["acr50.moderate_or_high"]])
    responding = expit(logit(responding) + along(2, 3, [v.zero, v["acr50.fibromyalgia"]]))
    not_responding = lift(v["acr50.no_response"], 3) + xp.zeros_like(responding)
    # Both are small in quiet joints, and in some parameter sets they would change places.
    return binary(xp.concatenate([not_responding, xp.maximum(responding, not_responding)], axis=1))


def acr50_continue(v: Values) -> Array:
    """Parents: synovitis, fibromyalgia; the contextual response alone."""
    contextual = v["response.contextual"].reshape((-1, 1, 1, 1))
    switch = acr50_switch(v)
    return (1 - contextual) * switch[:, 0] + contextual * switch[:, 1]


def exposure_support_adherence(v: Values) -> Array:
    """Parents: exposure, adherence, ada. Support restores the doses of some; antibodies decide whether the level follows."""
    restored = [v["exposure_support_adherence." + name] for name in ("restored", "restored_low_titre", "restored_high_titre")]
    works = v["exposure_support_adherence.works"]
    gain = along(1, 3, [v.zero, works, works]) * along(2, 3, restored)
    return _raised(gain, (3, 3, 3))


def exposure_optimise_exposure(v: Values) -> Array:
    """Parents: exposure, adherence, ada. A higher dose, a shorter interval or methotrexate."""
    base = along(2, 3, [v[f"exposure_optimise_exposure.{titre}"] for titre in ("none", "low_titre", "high_titre")])
    missed = along(1, 3, [v.zero, v["exposure_optimise_exposure.partial"], v["exposure_optimise_exposure.poor"]])
    return _raised(expit(logit(base) + missed), (3, 3, 3))


def _raised(gain: Array, shape: tuple[int, ...]) -> Array:
    """Return the table of an exposure that rises into range with probability `gain` and else stays as it is."""
    gain = spread_out(gain, (1, *shape[1:]))[..., None]
    states_after = xp.eye(shape[0])
    stays = states_after.reshape((1, shape[0], *([1] * (len(shape) - 1)), shape[0]))
    return xp.asarray((1 - gain) * stays + gain * states_after[IN_RANGE])


def response_add_on(v: Values) -> Array:
    """Parents: exposure, exposure after the step, covered_current. Only a restored exposure in a covered disease gains."""
    gain = v["response_restored.gain"]
    restored = xp.zeros((2, 1, 3, 3, 2))
    restored[0, 0, 0, IN_RANGE, 1] = 1.0
    restored[1, 0, 1, IN_RANGE, 1] = 1.0
    table = lift(gain, 3) * restored[0] + lift(gain * v["response_restored.from_low"], 3) * restored[1]
    return response_mixture(lift(v["response.contextual"], 3), table)


def lda_treat_noninflammatory(v: Values) -> Array:
    """Parents: target_met, synovitis, fibromyalgia, osteoarthritis, depression, other_disease_active.

    On top of what happens anyway, relief of a source of pain, or of another disease, lets the target be met as it would be without it.
    """
    stay = _stay(v)
    without = along(1, 6, [v[f"target_met.{s}"] for s in SYNOVITIS])
    present = xp.zeros((1, 1, 1, 2, 2, 2, 1))
    present[0, 0, 0].reshape(-1)[1:] = 1.0
    relief = lift(v["treat_noninflammatory.relief"], 6) * present
    resolved = along(5, 6, [v.zero, v["treat_noninflammatory.other_disease"]]) * lift(v["target_met.low"], 6)
    missed = (1 - stay) * (1 - relief * without) * (1 - resolved)
    return binary(1 - missed)


def _switch_nodes(drug_class: str) -> dict[str, NodeSpec]:
    if drug_class == "tnf_inhibitor":
        exposure = NodeSpec(("adherence", "bmi_class", "methotrexate", "ada"), next_exposure_tnf_inhibitor)
    else:
        parents = ("adherence", "bmi_class") if drug_class == "il6r_inhibitor" else ("adherence",)
        exposure = NodeSpec(parents, partial(next_exposure, drug_class=drug_class))
    return {
        f"next_exposure_{drug_class}": exposure,
        f"response_{drug_class}": NodeSpec(
            (f"covered_{drug_class}", f"next_exposure_{drug_class}", "smoking", "bmi_class"),
            partial(response, drug_class=drug_class),
        ),
        f"lda_{drug_class}": NodeSpec((f"response_{drug_class}", "target_met", *SWITCH_LDA_PARENTS), lda_switch),
        f"acr50_{drug_class}": NodeSpec((f"response_{drug_class}", "synovitis", "fibromyalgia"), acr50_switch),
    }


def _add_on_nodes(option: str) -> dict[str, NodeSpec]:
    builder = exposure_support_adherence if option == "support_adherence" else exposure_optimise_exposure
    return {
        f"exposure_{option}": NodeSpec(("exposure", "adherence", "ada"), builder),
        f"response_{option}": NodeSpec(("exposure", f"exposure_{option}", "covered_current"), response_add_on),
        f"lda_{option}": NodeSpec((f"response_{option}", "target_met", *SWITCH_LDA_PARENTS), lda_add_on),
        f"acr50_{option}": NodeSpec((f"response_{option}", "synovitis", "fibromyalgia"), acr50_switch),
    }


NODES = {
    "lda_continue": NodeSpec(("target_met", *SWITCH_LDA_PARENTS), lda_continue),
    "acr50_continue": NodeSpec(("synovitis", "fibromyalgia"), acr50_continue),
    **{name: spec for option in ADD_ONS for name, spec in _add_on_nodes(option).items()},
    **{name: spec for drug_class in CLASSES for name, spec in _switch_nodes(drug_class).items()},
    "lda_treat_noninflammatory": NodeSpec(("target_met", *SWITCH_LDA_PARENTS), lda_treat_noninflammatory),
    "acr50_treat_noninflammatory": NodeSpec(("synovitis", "fibromyalgia"), acr50_continue),
}
