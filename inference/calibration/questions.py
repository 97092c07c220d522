"""What the network is asked for a published table: one distribution in one study's population."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Shares = tuple[tuple[str, float], ...]

TRIAL, ROUTINE = "trial", "routine"


@dataclass(frozen=True)
class Question:
    """One distribution that the network is asked for.

    Attributes:
        variable: whose distribution over states is wanted.
        population: for root variables the study's mix (state and share, summing to 1), which replaces the root's own table.
        given: for other variables the likelihood of each state: 1 for those that hold, 0 for the others, or other weights.
        do: state set by intervention, which cuts the arcs into the variable.
        setting: "trial" or "routine", in which the contextual response is that of a trial or of routine care.
    """

    variable: str
    population: tuple[tuple[str, Shares], ...] = ()
    given: tuple[tuple[str, Shares], ...] = ()
    do: tuple[tuple[str, str], ...] = ()
    setting: str = TRIAL

    @classmethod
    def of(
        cls,
        variable: str,
        population: Mapping[str, Mapping[str, float]] | None = None,
        given: Mapping[str, Mapping[str, float]] | None = None,
        do: Mapping[str, str] | None = None,
        setting: str = TRIAL,
    ) -> Question:
        """Freeze mappings; equal questions become equal whatever the order in which they were written."""
        return cls(variable, _frozen(population), _frozen(given), tuple(sorted((do or {}).items())), setting)


def _frozen(shares: Mapping[str, Mapping[str, float]] | None) -> tuple[tuple[str, Shares], ...]:
    return tuple(
        sorted((name, tuple(sorted((state, float(share)) for state, share in mix.items()))) for name, mix in (shares or {}).items())
    )
