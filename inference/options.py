"""What next: benefit, harms and expected utility of every option, how sure the order is, and what to beware of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..data.errors import FindingError
from ..data.labels import label
from ..data.loading import variables
from ..model.draws import Draws
from ..model.drug_classes import CLASSES
from ..model.harms import HARMS
from ..model.network import Model
from ..model.outcomes import OPTIONS
from .asking import Known, ask, ask_together
from .engine import Target
from .intervals import interval, share_above
from .preferences import Preferences
from .situation import Situation

Array = NDArray[np.float64]

ADDED_TO_CURRENT = ("support_adherence", "optimise_exposure", "treat_noninflammatory")
NEEDS_DRUG = ("support_adherence", "optimise_exposure")
"""Options that change how the current drug is taken."""

EXTRA_COST = {
    "support_adherence": "adherence_support",
    "optimise_exposure": "optimisation",
    "treat_noninflammatory": "noninflammatory_care",
}
EXCLUDE_FIRST = 0.2
"""Above this probability of another disease every drug class ranks below treating it."""

CLOSE_CALL = 1 / 3
"""An option that beats the first one in at least this share of draws makes the order too close to call."""


@dataclass(frozen=True)
class Outlook:
    """Every option's numbers in every parameter set, arrays of shape (S,) by option id (harms by harm and option)."""

    options: tuple[str, ...]
    lda: Mapping[str, Array]
    acr50: Mapping[str, Array]
    harms: Mapping[tuple[str, str], Array]
    relief: Array
    other_disease: Array
    gated: Array
    utility: Mapping[str, Array]


def applicable_options(place: Situation, preferences: Preferences) -> tuple[str, ...]:
    """Return the options that make sense: the ones on the current drug need one; unavailable ones are left out."""
    no_drug = place.current_drug == "none"
    chosen = tuple(o for o in OPTIONS if o not in preferences.unavailable and not (no_drug and o in NEEDS_DRUG))
    if not chosen:
        raise FindingError("preferences, unavailable: no option is left; at least one of them is needed")
    return chosen


def harm_nodes(options: tuple[str, ...]) -> dict[tuple[str, str], str]:
    """Return for each harm and option its node; what is added to the current drug has the harms of going on with it."""
    return {(harm, o): f"{harm}_{o if o in CLASSES else 'continue'}" for harm in HARMS for o in options}


GATES: Mapping[str, tuple[str, ...]] = {"age_group": (">=65",), "smoking": ("past", "current"), "cardiovascular_risk": ("yes",)}
"""Background for which regulators ask to keep a JAK inhibitor back."""


def open_gates(place: Situation, model: Model) -> dict[str, Array] | None:
    """Return, for the gates that are not recorded, which states are safe (1, else 0); None where a recorded one is not safe."""
    observed = {name: state for name, state in place.record.hard.items() if name in GATES}
    if any(variables()[name].state_ids[state] in GATES[name] for name, state in observed.items()):
        return None
    unknown = (name for name in GATES if name not in observed)
    return {name: np.array([float(state not in GATES[name]) for state in model.states[name]]) for name in unknown}


def gate_probability(place: Situation, model: Model, known: Known) -> Array:
    """Return P(a regulator's reason to keep a JAK inhibitor back): 65 or over, ever smoked, or cardiovascular risk."""
    safe = open_gates(place, model)
    if safe is None:
        return np.ones(1)
    if not safe:
        return np.zeros(1)
    joint = ask(model, known, [tuple(safe)])[tuple(safe)]
    for name in reversed(safe):
        joint = joint @ safe[name]
    return np.asarray(1 - joint)


def outlook(place: Situation, model: Model, draws: Draws, preferences: Preferences) -> Outlook:
    """Compute every option's outcomes, harms and utility; `model` is specialised to the record's roots."""
    known = place.inside(model, place.with_target_set)
    chosen = applicable_options(place, preferences)
    nodes = harm_nodes(chosen)
    pain = ("pain_source", "other_disease_active")
    # The steps on the present treatment hang on the same coverage, so that one tree answers them; with a drug class more it would grow too large.
    groups = [tuple(o for o in chosen if o not in CLASSES), *((o,) for o in chosen if o in CLASSES)]
    questions: list[tuple[Target, ...]] = [tuple(f"{outcome}_{o}" for o in group for outcome in ("lda", "acr50")) for group in groups]
    questions.append((*dict.fromkeys(nodes.values()), pain))
    *found, rest = ask_together((model, known, targets) for targets in questions)
    outcomes = {option: answer for group, answer in zip(groups, found, strict=True) for option in group}
    lda = {option: outcomes[option][f"lda_{option}"][:, 1] for option in chosen}
    acr50 = {option: outcomes[option][f"acr50_{option}"][:, 1] for option in chosen}
    harms = {key: rest[node][:, 1] for key, node in nodes.items()}
    joint = rest[pain]
    relief = (1 - joint[:, 0, 0]) * draws["treat_noninflammatory.relief"]
    other = joint[:, :, 1].sum(axis=1)
    gated = gate_probability(place, model, known)
    result = Outlook(chosen, lda, acr50, harms, relief, other, gated, {})
    return Outlook(chosen, lda, acr50, harms, relief, other, gated, utilities(result, draws, preferences))


def utilities(look: Outlook, draws: Draws, preferences: Preferences) -> dict[str, Array]:
    """Return each option's expected utility over one year on the QALY scale, shape (S,).

    value of low disease activity x its probability + pain relief - harms x their losses - cost of the step - regulators' penalty.
    """

    def weight(name: str) -> Array:
        return preferences.weight(name, draws)

    result = {}
    for option in look.options:
        value = weight("low_disease_activity") * look.lda[option]
        value = value - sum(weight(harm) * look.harms[harm, option] for harm in HARMS)
        if option in CLASSES:
            value = value - weight("change_of_drug")
        if option in EXTRA_COST:
            value = value - weight(EXTRA_COST[option])
        if option == "treat_noninflammatory":
            value = value + look.relief * weight("pain_relief")
        if option == "jak_inhibitor":
            value = value - look.gated * weight("regulator_gate")
        result[option] = np.asarray(value)
    return result


def ranking_scores(look: Outlook) -> Array:
    """Return the scores (..., S, options) by which options are ranked: the utility, drug classes last where another disease comes first."""
    scores = np.stack(np.broadcast_arrays(*(look.utility[option] for option in look.options)), axis=-1)
    return with_exclusion(look.options, scores, look.other_disease)


def with_exclusion(options: tuple[str, ...], utility: Array, other_disease: Array) -> Array:
    """Return utilities (..., options) with drug classes last where another disease is probable enough to be excluded first."""
    if "treat_noninflammatory" not in options:
        return utility
    first = other_disease > EXCLUDE_FIRST
    is_class = np.array([option in CLASSES for option in options])
    # Ten QALYs are more than any option can gain, so that the order within each group is kept.
    return np.asarray(utility - 10.0 * (first[..., None] & is_class))


def cautions(place: Situation, look: Outlook, option: str, language: str) -> tuple[str, ...]:
    """Return what to beware of with an option, from the record and from the numbers."""
    words = CAUTIONS[language]
    found: list[str] = []
    observed = place.record.hard
    if option in ADDED_TO_CURRENT:
        found.append(words["combine"])
    if option in CLASSES and look.other_disease[0] > EXCLUDE_FIRST:
        found.append(words["exclude"].format(look.other_disease[0]))
    if option == place.current_class and option in CLASSES:
        found.append(words["same_class"])
    if option == "jak_inhibitor":
        if look.gated[0] > 0.999:
            found.append(words["jak"])
        elif look.gated[0] > 0.001:
            found.append(words["jak_unknown"].format(look.gated[0]))
    if option == "il6r_inhibitor":
        found.append(words["perforation"])
    if option == "rituximab" and observed.get("prior_serious_infection") == 1:
        found.append(words["rituximab"])
    if option in CLASSES and observed.get("glucocorticoid") == 2:
        found.append(words["glucocorticoid"])
    return tuple(found)


CAUTIONS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "combine": "added to the current drug; may be combined with other steps",
        "exclude": "another disease is possible (probability {:.2f}): exclude it first",
        "same_class": "another drug of the class already in use",
        "jak": "age 65 or over, smoking (ever) or cardiovascular risk: regulators advise a JAK inhibitor only without a suitable alternative",
        "jak_unknown": "regulators advise against at 65 or over, in smokers and with cardiovascular risk; not all recorded (probability {:.2f})",
        "perforation": "not after bowel perforation or with diverticulitis (not part of the record: ask)",
        "rituximab": "earlier serious infection: check immunoglobulins first",
        "glucocorticoid": "7.5 mg prednisolone a day or more doubles serious infection: taper where possible",
    },
    "zh": {
        "combine": "在现用药物基础上附加；可与其他步骤合并",
        "exclude": "可能存在其他疾病（概率 {:.2f}）：应先排除",
        "same_class": "为现用类别中的另一种药物",
        "jak": "65岁及以上、曾吸烟或有心血管风险：监管机构建议仅在无合适替代时使用JAK抑制剂",
        "jak_unknown": "监管机构不建议用于65岁及以上、吸烟者及有心血管风险者；记录不全（概率 {:.2f}）",
        "perforation": "有肠穿孔史或憩室炎者不用（记录中无此项：请询问）",
        "rituximab": "既往严重感染：先查免疫球蛋白",
        "glucocorticoid": "泼尼松龙每日7.5毫克及以上使严重感染加倍：尽可能减量",
    },
}


def option_table(place: Situation, look: Outlook, level: float, language: str) -> pd.DataFrame:
    """Return the options with benefit, harms, utility, certainty of the order and cautions, best first."""
    scores = ranking_scores(look)
    order = np.argsort(-scores[0], kind="stable")
    drawn = slice(1, None) if len(scores) > 1 else slice(None)
    best = np.bincount(np.argmax(scores[drawn], axis=1), minlength=len(look.options)) / len(scores[drawn])
    above = share_above(scores[:, order[0]], scores)
    rows = []
    for position in order:
        option = look.options[position]
        row: dict[str, object] = {"id": option, "label": label("options", option, language)}
        for name, values in (("lda", look.lda[option]), ("acr50", look.acr50[option])):
            low, high = interval(values, level)
            prefix = "" if name == "lda" else "acr50_"
            row |= {name: values[0], f"{prefix}low": low, f"{prefix}high": high}
        for harm in HARMS:
            values = look.harms[harm, option]
            low, high = interval(values, level)
            row |= {harm: values[0], f"{harm}_low": low, f"{harm}_high": high}
        low, high = interval(look.utility[option], level)
        row |= {"utility": look.utility[option][0], "utility_low": low, "utility_high": high}
        row |= {"p_best": best[position], "p_above_first": above[position]}
        row["cautions"] = cautions(place, look, option, language)
        rows.append(row)
    return pd.DataFrame(rows).astype({name: float for name in rows[0] if name not in ("id", "label", "cautions")})


def too_close_to_call(table: pd.DataFrame) -> tuple[str, ...]:
    """Return the options that beat the first one in at least a third of the draws; empty where the first is clear."""
    rest = table.iloc[1:]
    return tuple(rest.loc[rest["p_above_first"] >= CLOSE_CALL, "id"])
