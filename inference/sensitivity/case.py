"""The patient whose answer is analysed, with the central network for the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...model.draws import FITTED, Draws, shipped_draws
from ...model.network import Model
from ..asking import Known
from ..knowledge import CENTRAL, SHIPPED
from ..options import applicable_options
from ..patient import Patient
from ..preferences import Preferences
from ..situation import Situation, situation


@dataclass(frozen=True)
class Case:
    """A patient as the analyses see it: what is known, what the user weighs, the options that apply and where parameters come from.

    `kept` is for what analyses of the same case have in common and work out once.
    """

    place: Situation
    preferences: Preferences
    options: tuple[str, ...]
    central: Model
    kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def basis(self) -> str:
        """Where the parameters come from."""
        return self.place.basis

    @property
    def explains(self) -> bool:
        """Whether reasons and causes are asked for; options always are."""
        return self.place.explains

    def known(self, model: Model, future: bool) -> Known:
        """Return what is known inside a specialised model; `future` is for options, where the target's present state is set."""
        return self.place.inside(model, self.place.with_target_set if future else self.place.known)

    def model(self, draws: int, seed: int) -> Model:
        """Return the network for the record in `draws` parameter sets beside the centre."""
        return self.place.model(SHIPPED, draws, seed)

    def values(self, draws: int, seed: int) -> Draws:
        """Return the parameter values of the same sets."""
        return shipped_draws(draws, seed, self.basis)


def case_of(patient: Patient | Mapping[str, Any] | Case, preferences: Preferences | None = None, basis: str = FITTED) -> Case:
    """Prepare a patient for analysis; a `Case` is returned as it is.

    Raises the errors of `Patient` and of `Preferences`.
    """
    if isinstance(patient, Case):
        return patient
    record = patient if isinstance(patient, Patient) else Patient.from_dict(patient)
    wanted = preferences or Preferences()
    place = situation(record, basis)
    return Case(place, wanted, applicable_options(place, wanted), place.model(CENTRAL, 0, 0))
