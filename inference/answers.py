"""What a plan answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .inputs import Floats

Target = str | tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """Answers of one run.

    Attributes:
        marginals: for each target its posterior, shape (draws, *states of its members in the target's order); a joint
            table for a tuple. All NaN in the draws in which the findings are impossible.
        log_evidence: natural logarithm of P(findings | do), shape (draws,); minus infinity where impossible.
    """

    marginals: Mapping[Target, Floats]
    log_evidence: Floats

    @property
    def possible(self) -> NDArray[np.bool_]:
        """Whether the findings can hold, shape (draws,)."""
        return np.asarray(self.log_evidence > -np.inf)


@dataclass(frozen=True)
class Coefficients:
    """What every table cell contributes to a posterior mean.

    Attributes:
        mean: the posterior mean of the weights, shape (draws,); NaN where the findings are impossible.
        cells: by variable the coefficients of its table, shape (draws, *shape of the table).
    """

    mean: Floats
    cells: Mapping[str, Floats]


@dataclass(frozen=True)
class Explanation:
    """The most probable joint state of everything unknown.

    Attributes:
        states: state number of each free variable of the plan, shape (draws,); -1 where the findings are impossible. Of several equally
            probable explanations it is one.
        log_joint: natural logarithm of P(findings, states | do), shape (draws,); `log_joint - log_evidence` is that of their posterior.
    """

    states: Mapping[str, NDArray[np.intp]]
    log_joint: Floats
