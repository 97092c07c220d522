"""Composite scores of disease activity, and what can be said of the treatment target from a partial record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .checks import span
from .fields import Measured, Observation, StateSeen

if TYPE_CHECKING:
    from .patient import Patient

Category = Literal["remission", "low", "moderate", "high"]
TargetState = Literal["missed", "met", "undecided"]

CDAI_TARGET = 10.0
"""The treatment target: a CDAI of at most this, low disease activity."""

_COUNTS = ("sjc28", "tjc28")
_GLOBALS = ("patient_global", "physician_global")
CDAI_PARTS = (*_COUNTS, *_GLOBALS)
_MM_PER_CM = 10.0
_MG_PER_L_IN_MG_PER_DL = 10.0

# Sums of tenths, such as 0.9 + 0.9, must not miss a cut-off by the rounding of binary fractions.
_DIGITS = 9


@dataclass(frozen=True)
class Scores:
    """The composite scores of one record, each None where a part is missing or was not given as a number.

    `cdai_lower_bound` is the least CDAI that the recorded parts allow. `target_state` is "missed" if that bound is
    above 10, "met" if CDAI is known and at most 10, else "undecided".
    """

    das28_esr: float | None
    das28_crp: float | None
    cdai: float | None
    sdai: float | None
    cdai_lower_bound: float
    target_state: TargetState

    @property
    def das28_esr_category(self) -> Category | None:
        """Category of DAS28-ESR."""
        return None if self.das28_esr is None else das28_category(self.das28_esr)

    @property
    def das28_crp_category(self) -> Category | None:
        """Category of DAS28-CRP by the same cut-offs, at which it reads lower than DAS28-ESR."""
        return None if self.das28_crp is None else das28_category(self.das28_crp)

    @property
    def cdai_category(self) -> Category | None:
        """Category of CDAI."""
        return None if self.cdai is None else cdai_category(self.cdai)

    @property
    def sdai_category(self) -> Category | None:
        """Category of SDAI."""
        return None if self.sdai is None else sdai_category(self.sdai)


def das28_esr(tjc28: float, sjc28: float, esr: float, patient_global: float) -> float:
    """Return DAS28-ESR from tender and swollen joints (0-28), ESR (mm/h, below 1 counted as 1) and global (mm, 0-100).

    Source: Prevoo 1995, doi 10.1002/art.1780380107.
    """
    return 0.56 * math.sqrt(tjc28) + 0.28 * math.sqrt(sjc28) + 0.70 * math.log(max(esr, 1.0)) + 0.014 * patient_global


def das28_crp(tjc28: float, sjc28: float, crp: float, patient_global: float) -> float:
    """Return DAS28-CRP from tender and swollen joints (0-28), CRP (mg/L) and patient global (mm, 0-100).

    Source: the variant of DAS28 (Prevoo 1995, doi 10.1002/art.1780380107) with CRP, as das-score.nl prints it.
    """
    joints = 0.56 * math.sqrt(tjc28) + 0.28 * math.sqrt(sjc28)
    return joints + 0.36 * math.log(crp + 1.0) + 0.014 * patient_global + 0.96


def cdai(tjc28: float, sjc28: float, patient_global: float, physician_global: float) -> float:
    """Return CDAI from joint counts (0-28) and globals in mm (0-100), which enter in cm.

    Source: Aletaha 2005, doi 10.1186/ar1740.
    """
    return round(tjc28 + sjc28 + (patient_global + physician_global) / _MM_PER_CM, _DIGITS)


def sdai(tjc28: float, sjc28: float, patient_global: float, physician_global: float, crp: float) -> float:
    """Return SDAI: CDAI plus CRP in mg/dL; `crp` is given in mg/L, globals in mm.

    Source: Smolen 2003, doi 10.1093/rheumatology/keg072.
    """
    clinical = cdai(tjc28, sjc28, patient_global, physician_global)
    return round(clinical + crp / _MG_PER_L_IN_MG_PER_DL, _DIGITS)


def das28_category(score: float) -> Category:
    """Return remission (below 2.6), low (to 3.2), moderate (to 5.1) or high."""
    if score < 2.6:
        return "remission"
    return "low" if score <= 3.2 else "moderate" if score <= 5.1 else "high"


def _category(score: float, remission: float, low: float, moderate: float) -> Category:
    if score <= remission:
        return "remission"
    return "low" if score <= low else "moderate" if score <= moderate else "high"


def cdai_category(score: float) -> Category:
    """Return remission (to 2.8), low (to 10), moderate (to 22) or high; Aletaha 2005, doi 10.1186/ar1740."""
    return _category(score, 2.8, CDAI_TARGET, 22.0)


def sdai_category(score: float) -> Category:
    """Return remission (to 3.3), low (to 11), moderate (to 26) or high; the cut-offs are those of the evidence."""
    return _category(score, 3.3, 11.0, 26.0)


def _number(field: str, seen: Observation | None) -> float | None:
    if isinstance(seen, Measured):
        return seen.reading.value
    if field in _COUNTS and isinstance(seen, StateSeen):
        low, high = span(field, seen)
        least, most = max(0, math.ceil(low)) if math.isfinite(low) else 0, math.floor(min(high, 28.0))
        # A state that holds a single count, such as no swollen joint, is as good as the number.
        return float(least) if least == most else None
    return None


def _least(field: str, seen: Observation | None) -> float:
    """Return the least that a recorded part can add to CDAI, in its points."""
    if seen is None:
        return 0.0
    low = seen.reading.value if isinstance(seen, Measured) else max(0.0, span(field, seen)[0])
    return float(math.ceil(low)) if field in _COUNTS else low / _MM_PER_CM


def scores_of(seen: Mapping[str, Observation]) -> Scores:
    """Return the scores of the observations of one record, by field."""
    tender, swollen = _number("tjc28", seen.get("tjc28")), _number("sjc28", seen.get("sjc28"))
    patient = _number("patient_global", seen.get("patient_global"))
    physician = _number("physician_global", seen.get("physician_global"))
    sedimentation, protein = _number("esr", seen.get("esr")), _number("crp", seen.get("crp"))
    by_esr = by_crp = clinical = simplified = None
    if tender is not None and swollen is not None and patient is not None:
        by_esr = None if sedimentation is None else das28_esr(tender, swollen, sedimentation, patient)
        by_crp = None if protein is None else das28_crp(tender, swollen, protein, patient)
        clinical = None if physician is None else cdai(tender, swollen, patient, physician)
        if physician is not None and protein is not None:
            simplified = sdai(tender, swollen, patient, physician, protein)
    bound = round(sum(_least(field, seen.get(field)) for field in CDAI_PARTS), _DIGITS)
    target: TargetState = "undecided"
    if bound > CDAI_TARGET:
        target = "missed"
    elif clinical is not None:
        target = "met"
    return Scores(by_esr, by_crp, clinical, simplified, bound, target)


def scores(patient: Patient) -> Scores:
    """Return DAS28-ESR, DAS28-CRP, CDAI, SDAI and the state of the treatment target of one patient.

    A part that was given as a state's name gives no score, but its lower cut-off enters the bound of CDAI.
    """
    return scores_of(patient.observations)
