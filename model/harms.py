"""Harms of each option over a year, by risk group: rates times ratios, turned into one-year probabilities."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from .arrays import Array, xp
from .building import NodeSpec, Values, states
from .drug_classes import CLASS_OF, CLASSES
from .families import along, binary, lift

Rate = Callable[[Values, str], Array]

NO_BIOLOGIC = "no_biologic"
DRUGS = states("current_drug")
HARMS = ("serious_infection", "mace", "vte", "zoster", "gi_perforation", "malignancy")
HARM_OPTIONS = ("continue", *CLASSES)


def serious_infection(v: Values, drug_class: str) -> Array:
    """Rate by age_group, prior_serious_infection, glucocorticoid; the RABBIT risk score (10.1136/annrheumdis-2013-203762)."""
    biologic = v.one if drug_class == NO_BIOLOGIC else v[f"serious_infection.{drug_class}"]
    return xp.asarray(
        lift(v["serious_infection.base"] * biologic, 3)
        * along(0, 3, [v.one, v.one, v["serious_infection.age"]])
        * along(1, 3, [v.one, v["serious_infection.prior"]])
        * along(2, 3, [v.one, v.one, v["serious_infection.glucocorticoid"]])
    )


def _jak_ratio(v: Values, drug_class: str, harm: str, shape: tuple[int, ...]) -> Array:
    """Return the ratio of a JAK inhibitor: the low-risk ratio where every parent is at its lowest risk, else the high-risk one."""
    if drug_class != "jak_inhibitor":
        return xp.ones((1, *([1] * len(shape))))
    low, high = v[f"{harm}.jak_low_risk"], v[f"{harm}.jak_high_risk"]
    at_risk = np.zeros(shape, dtype=bool)
    for position in np.ndindex(*shape):
        at_risk[position] = position[0] == 2 or any(position[1:])
    return xp.where(at_risk, lift(high, len(shape)), lift(low, len(shape)))


def mace(v: Values, drug_class: str) -> Array:
    """Rate by age_group, smoking, cardiovascular_risk."""
    smoker = v["mace.smoking"]
    return xp.asarray(
        lift(v["mace.base"], 3)
        * along(0, 3, [v.one, v.one, v["mace.age"]])
        * along(1, 3, [v.one, smoker, smoker])
        * along(2, 3, [v.one, v["mace.cardiovascular_risk"]])
        * _jak_ratio(v, drug_class, "mace", (3, 3, 2))
    )


def vte(v: Values, drug_class: str) -> Array:
    """Rate by age_group, bmi_class."""
    jak = v["vte.jak_inhibitor"] if drug_class == "jak_inhibitor" else v.one
    return xp.asarray(
        lift(v["vte.base"] * jak, 2) * along(0, 2, [v.one, v.one, v["vte.age"]]) * along(1, 2, [v.one, v.one, v["vte.obese"]])
    )


def zoster(v: Values, drug_class: str) -> Array:
    """Rate by age_group, glucocorticoid."""
    rate = v["zoster.base"] if drug_class == NO_BIOLOGIC else v[f"zoster.rate_{drug_class}"]
    return xp.asarray(
        lift(rate, 2) * along(0, 2, [v.one, v.one, v["zoster.age"]]) * along(1, 2, [v.one, v.one, v["zoster.glucocorticoid"]])
    )


def gi_perforation(v: Values, drug_class: str) -> Array:
    """Rate by glucocorticoid."""
    ratio = v.one if drug_class in (NO_BIOLOGIC, "tnf_inhibitor") else v[f"gi_perforation.{drug_class}"]
    return xp.asarray(lift(v["gi_perforation.tnf_inhibitor"] * ratio, 1) * along(0, 1, [v.one, v.one, v["gi_perforation.glucocorticoid"]]))


def malignancy(v: Values, drug_class: str) -> Array:
    """Rate by age_group, smoking."""
    smoker = v["malignancy.smoking"]
    return xp.asarray(
        lift(v["malignancy.base"], 2)
        * along(0, 2, [v.one, v.one, v["malignancy.age"]])
        * along(1, 2, [v.one, smoker, smoker])
        * _jak_ratio(v, drug_class, "malignancy", (3, 3))
    )


RATES: dict[str, tuple[tuple[str, ...], Rate]] = {
    "serious_infection": (("age_group", "prior_serious_infection", "glucocorticoid"), serious_infection),
    "mace": (("age_group", "smoking", "cardiovascular_risk"), mace),
    "vte": (("age_group", "bmi_class"), vte),
    "zoster": (("age_group", "glucocorticoid"), zoster),
    "gi_perforation": (("glucocorticoid",), gi_perforation),
    "malignancy": (("age_group", "smoking"), malignancy),
}


def one_year(rate: Array) -> Array:
    """Turn a rate per 100 patient-years into the table of a first event within one year."""
    return binary(1 - xp.exp(-rate / 100))


def _of_class(v: Values, rate: Rate, drug_class: str) -> Array:
    return one_year(rate(v, drug_class))


def _of_current(v: Values, rate: Rate) -> Array:
    tables = [_of_class(v, rate, CLASS_OF.get(drug, NO_BIOLOGIC)) for drug in DRUGS]
    return xp.stack(xp.broadcast_arrays(*tables), axis=1)


NODES = {
    f"{harm}_{option}": (
        NodeSpec(("current_drug", *parents), partial(_of_current, rate=rate))
        if option == "continue"
        else NodeSpec(parents, partial(_of_class, rate=rate, drug_class=option))
    )
    for harm, (parents, rate) in RATES.items()
    for option in HARM_OPTIONS
}
