"""What the user weighs: values of outcomes and harms, a penalty for regulators' cautions, options that cannot be had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from ..data.errors import FindingError, RefraError, unknown_name
from ..data.loading import parameters
from ..model.arrays import Array
from ..model.draws import Draws
from ..model.outcomes import OPTIONS

PREFIX = "utility."


def weight_names() -> tuple[str, ...]:
    """Return the names of the weights: the ids of the utility records without their prefix."""
    return tuple(name.removeprefix(PREFIX) for name in parameters() if name.startswith(PREFIX))


class Preferences(BaseModel):
    """Weights on the QALY scale that replace the defaults (the `utility.*` parameter records), and unavailable options.

    Arguments: `weights` maps a weight's name (`low_disease_activity`, `mace`, `change_of_drug` ...) to a number of QALYs, at least 0;
    `unavailable` names options that cannot be had. Raises `UnknownNameError` for a name that does not exist, `FindingError` otherwise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: Mapping[str, float] = {}
    unavailable: tuple[str, ...] = ()

    def __init__(self, **given: Any) -> None:
        for name in given:
            if name not in type(self).model_fields:
                raise unknown_name("field", name, type(self).model_fields, where="preferences")
        try:
            super().__init__(**given)
        except ValidationError as error:
            first = error.errors()[0]
            cause = first.get("ctx", {}).get("error")
            if isinstance(cause, RefraError):
                raise cause from None
            place = ".".join(str(part) for part in first["loc"])
            raise FindingError(f"preferences, {place}: {first.get('input')!r}; {first['msg']}") from None

    @field_validator("weights")
    @classmethod
    def _known_weights(cls, weights: Mapping[str, float]) -> Mapping[str, float]:
        for name, value in weights.items():
            if name not in weight_names():
                raise unknown_name("weight", name, weight_names(), where="preferences")
            if not 0 <= value <= 10:
                raise FindingError(f"preferences, {name}: {value}; 0 to 10 QALYs are accepted")
        return dict(weights)

    @field_validator("unavailable")
    @classmethod
    def _known_options(cls, options: tuple[str, ...]) -> tuple[str, ...]:
        for option in options:
            if option not in OPTIONS:
                raise unknown_name("option", option, OPTIONS, where="preferences")
        return options

    def check_some_left(self) -> None:
        """Raise a `FindingError` where every option is unavailable."""
        if set(self.unavailable) >= set(OPTIONS):
            raise FindingError("preferences, unavailable: no option is left; at least one of them is needed")

    def weight(self, name: str, draws: Draws) -> Array:
        """Return a weight in every parameter set, shape (S,)."""
        values = draws[PREFIX + name]
        return values if name not in self.weights else values * 0 + self.weights[name]
