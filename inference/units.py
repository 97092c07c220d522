"""Reading a measured value: number, unit, bound of detection, and what is physically possible."""

from __future__ import annotations

import math
import numbers
import re
import reprlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from ..data.errors import FindingError

_NUMBER = re.compile(r"(?P<bound><=|>=|<|>)?\s*(?P<number>[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[-+]?[0-9]+)?)(?P<unit>.*)")
_COMMA = re.compile(r"[0-9],[0-9]")

_shorten = reprlib.Repr()
_shorten.maxlevel = 2
_shorten.maxstring = _shorten.maxother = 60


def shown(value: object) -> str:
    """Return a value as error messages quote it: its repr, cut short."""
    try:
        return _shorten.repr(value)
    except Exception:
        # A foreign object may fail even at being printed; its type still tells the reader what it was.
        return f"<{type(value).__name__}>"


@dataclass(frozen=True)
class Quantity:
    """How the number of one patient field is read.

    `unit` is the unit of a bare number; `units` maps every accepted spelling (folded) to the factor into it; `low` and
    `high` bound what is physically possible, in `unit`; `whole` asks for an integer; `open_ended` accepts readings
    beyond an assay's limits ("<0.5 mg/L", ">340 U/mL"); `accepted` names the units for the reader.
    """

    unit: str
    low: float
    high: float
    units: Mapping[str, float]
    accepted: tuple[str, ...]
    whole: bool = False
    open_ended: bool = False
    hint: str = ""

    @property
    def sentence(self) -> str:
        """What is accepted, in words."""
        if self.whole:
            return f"a whole number from {self.low:g} to {self.high:g} ({self.unit})"
        units = f"{', '.join(self.accepted)}; {self.unit} if no unit is given"
        return f"a number from {self.low:g} to {self.high:g} {self.unit} ({units})"


@dataclass(frozen=True)
class Reading:
    """A measured value in the unit of its field; `bound` is "<" or ">" if it lay beyond the limit of the assay.

    A value below the limit of detection is `value` = half the limit; one above the limit of quantification is the
    limit itself, so that it is never overstated. `step` is the unit it was written in where it was written without a
    decimal, else 0: "2 years" may stand for anything up to three.
    """

    value: float
    bound: str
    limit: float
    step: float


def fold_text(text: str) -> str:
    """Return a text as it is compared: plain signs, case folded, "≤" and "≥" written out."""
    return unicodedata.normalize("NFKC", text).strip().casefold().replace("≤", "<=").replace("≥", ">=")


def fold_unit(text: str) -> str:
    """Return a unit as it is compared: "Mg / L" is "mg/l", "µg/mL" and "mcg/mL" are "ug/ml"."""
    plain = fold_text(text).replace("μ", "u").replace(" ", "")
    return plain.replace("mcg", "ug").replace("per", "/") if plain != "percent" else plain


def _quantity(
    unit: str,
    low: float,
    high: float,
    units: Mapping[str, float],
    whole: bool = False,
    open_ended: bool = False,
    hint: str = "",
) -> Quantity:
    folded = {fold_unit(name): factor for name, factor in units.items()}
    return Quantity(unit, low, high, MappingProxyType(folded), tuple(units), whole, open_ended, hint)


_MASS = {"mg/L": 1.0, "mg/dL": 10.0, "ug/mL": 1.0, "ng/mL": 1e-3}
_YEARS = {"years": 1.0, "year": 1.0, "y": 1.0, "yr": 1.0, "months": 1 / 12, "month": 1 / 12}
_MONTHS = {"months": 1.0, "month": 1.0, "mo": 1.0, "years": 12.0, "year": 12.0, "y": 12.0, "weeks": 12 * 7 / 365.25}
_VISUAL = {"mm": 1.0, "cm": 10.0}
_JOINTS = {"joints": 1.0, "joint": 1.0}
_POINTS = {"points": 1.0, "point": 1.0}

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "age": _quantity("years", 0, 120, _YEARS),
        "bmi": _quantity("kg/m2", 8, 150, {"kg/m2": 1.0, "kg/m^2": 1.0}),
        "disease_duration": _quantity("years", 0, 100, _YEARS),
        "glucocorticoid": _quantity("mg/d", 0, 1500, {"mg/d": 1.0, "mg": 1.0, "mg/day": 1.0, "mg a day": 1.0}),
        "methotrexate": _quantity("mg/wk", 0, 50, {"mg/wk": 1.0, "mg": 1.0, "mg/week": 1.0, "mg a week": 1.0}),
        "months_on_drug": _quantity("months", 0, 480, _MONTHS),
        "refill_adherence": _quantity(
            "proportion", 0, 1, {"%": 0.01, "percent": 0.01, "proportion": 1.0}, hint="write '85 %' for a percentage"
        ),
        "drug_level": _quantity("mg/L", 0, 2000, _MASS, open_ended=True),
        "ada_test": _quantity("AU/mL", 0, 1e6, {"AU/mL": 1.0}, open_ended=True, hint="give another assay's result as a state"),
        "sjc28": _quantity("joints", 0, 28, _JOINTS, whole=True),
        "tjc28": _quantity("joints", 0, 28, _JOINTS, whole=True),
        "crp": _quantity("mg/L", 0, 1000, _MASS, open_ended=True),
        "esr": _quantity("mm/h", 0, 200, {"mm/h": 1.0, "mm/hr": 1.0, "mm/1h": 1.0, "mm": 1.0}, open_ended=True),
        "patient_global": _quantity("mm", 0, 100, _VISUAL, hint="write '8 cm' for a 10 cm scale"),
        "physician_global": _quantity("mm", 0, 100, _VISUAL, hint="write '8 cm' for a 10 cm scale"),
        "rf": _quantity("IU/mL", 0, 1e5, {"IU/mL": 1.0, "U/mL": 1.0, "kIU/L": 1.0, "kU/L": 1.0}, open_ended=True),
        "acpa": _quantity("U/mL", 0, 1e5, {"U/mL": 1.0, "IU/mL": 1.0, "EU/mL": 1.0, "kU/L": 1.0, "units": 1.0}, open_ended=True),
        "eta_14_3_3": _quantity("ng/mL", 0, 1000, {"ng/mL": 1.0, "ug/L": 1.0, "pg/mL": 1e-3}, open_ended=True),
        "il6_level": _quantity("pg/mL", 0, 1e6, {"pg/mL": 1.0, "ng/L": 1.0, "ng/mL": 1e3}, open_ended=True),
        "phq9": _quantity("points", 0, 27, _POINTS, whole=True),
        "sleep_questionnaire": _quantity("points", 0, 21, _POINTS, whole=True),
        "first_questionnaire": _quantity("items", 0, 6, {"items": 1.0, "item": 1.0, **_POINTS}, whole=True),
    }
)
"""How the number of every patient field that may be a number is read."""


def _refuse(field: str, given: object, problem: str) -> FindingError:
    quantity = QUANTITIES[field]
    hint = f"; {quantity.hint}" if quantity.hint else ""
    return FindingError(f"{field}: {shown(given)} {problem}; accepted: {quantity.sentence}{hint}")


def _split(field: str, given: object) -> tuple[str, float, str, bool]:
    """Return bound, number, unit and whether the number was written without a decimal."""
    if isinstance(given, (numbers.Real, Decimal)) and not isinstance(given, bool):
        try:
            return "", float(given), "", isinstance(given, numbers.Integral)
        except (ValueError, OverflowError, ArithmeticError):
            raise _refuse(field, given, "is not a usable number") from None
    if not isinstance(given, str):
        raise _refuse(field, given, "is not a number")
    text = fold_text(given)
    if _COMMA.search(text):
        example = shown(given.replace(",", "."))
        raise _refuse(field, given, f"has a comma; write a decimal point as in {example}, and no separator of thousands")
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise _refuse(field, given, "is not a number with a unit")
    number = match["number"]
    return (match["bound"] or "")[:1], float(number), match["unit"], number.lstrip("+-").isdigit()


def reads_as_number(given: str) -> bool:
    """Return whether a text begins like a measured value, a bound included, rather than like a name."""
    return _NUMBER.match(fold_text(given)) is not None


def read_quantity(field: str, given: object) -> Reading:
    """Read the number of a patient field, with or without a unit.

    `given` is a number in the field's own unit, or a text such as "22 mg/L", "2.2 mg/dL", "85 %", "30 months" or
    "<0.5 mg/L". A reading below the detection limit counts as half the limit, one above the upper limit as the limit.
    Raises a FindingError that names the field, what was given, and the accepted units and range.
    """
    quantity = QUANTITIES[field]
    bound, number, unit, whole = _split(field, given)
    folded = fold_unit(unit)
    if folded and folded not in quantity.units:
        raise _refuse(field, given, f"has the unit {shown(unit.strip())}, which is not accepted")
    factor = quantity.units[folded] if folded else 1.0
    limit = number * factor
    if not math.isfinite(limit):
        raise _refuse(field, given, "is not finite")
    if not quantity.low <= limit <= quantity.high:
        raise _refuse(field, given, "is outside what is possible")
    if quantity.whole and limit != int(limit):
        raise _refuse(field, given, "is not a whole number")
    if bound and not quantity.open_ended:
        raise _refuse(field, given, f"is open-ended ({bound})")
    return Reading(limit / 2 if bound == "<" else limit, bound, limit, factor if whole else 0.0)


BARE_UNITS = ("joints", "points", "items", "proportion")
"""Units that are not said: the field's name says what is counted."""

UNITS_ZH = {"mg/wk": "mg/周", "mg/d": "mg/日", "months": "个月", "years": "年"}


def unit_words(field: str, language: str) -> str:
    """Return the unit of a field's number as it stands behind the number, in a language; empty where the number stands alone."""
    unit = QUANTITIES[field].unit
    if unit in BARE_UNITS:
        return ""
    if language == "zh":
        return " 岁" if field == "age" else f" {UNITS_ZH.get(unit, unit)}"
    return f" {unit}"
