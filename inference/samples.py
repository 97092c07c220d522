"""The numbers of an answer in every parameter set, so that two answers can be compared set by set."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ..data.loading import variables
from ..model.harms import HARMS
from ..model.network import Model
from .asking import Answer
from .causes import CAUSES, Averted, presence
from .options import Outlook

Array = NDArray[np.float64]

Samples = Mapping[tuple[str, str, str], Array]
"""By part (`reason`, `cause`, `driver`, `option`), id and number: the values in all parameter sets, the centre first, shape (S,)."""


def samples_of(model: Model, answer: Answer, explains: bool, saved: Averted | None, look: Outlook) -> Samples:
    """Return the numbers of an answer in every parameter set; those of reasons and causes where reasons are asked for."""
    found: dict[tuple[str, str, str], Array] = {}
    for part, variable in (("reason", "primary_reason"), ("driver", "driver")):
        if explains or part == "driver":
            found |= {(part, state, "probability"): answer[variable][:, n] for n, state in enumerate(variables()[variable].state_ids)}
    if explains:
        for place, cause in enumerate(CAUSES):
            found["cause", cause, "probability"] = presence(model, answer, cause)
            if saved is not None:
                found["cause", cause, "averted"] = saved.monotone[:, place]
    for option in look.options:
        found["option", option, "lda"] = look.lda[option]
        found["option", option, "acr50"] = look.acr50[option]
        found |= {("option", option, harm): look.harms[harm, option] for harm in HARMS}
        found["option", option, "utility"] = look.utility[option]
    return MappingProxyType({name: np.broadcast_to(values, (model.draws,)) for name, values in found.items()})
