"""The whole analysis of one patient: which analyses are made, on which numbers, in which order."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from ...data.loading import parameters
from ...model.draws import DEFAULT_SEED, FITTED
from ..assessment import Assessment, assess
from ..patient import Patient
from ..preferences import Preferences
from .accepting import acceptability, expected_loss
from .case import Case, case_of
from .cells import all_cells
from .findings import findings_tornado
from .information import evpi, evppi
from .information_rank import InfoRank, info_rank
from .mind import change_of_mind
from .next_test import next_tests
from .one_way_curve import one_way
from .probabilistic import PSA_DRAWS, psa
from .result import Result
from .sampling import evsi
from .structure import leave_out_structure
from .studies import leave_out_studies
from .tornado import ParameterTornado, parameter_tornado
from .two_way_map import two_way

QUICK_DRAWS = 300
CURVES = 3
"""Parameters, the widest of the tornado, that get a curve of their own."""

STUDIES_PLANNED = 3
"""Parameters, the first of the information rank, for which a study is planned."""

Report = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """One analysis: the stem of its files, what it is about, its outcome and the seconds that it took."""

    stem: str
    about: str
    result: Result
    seconds: float


@dataclass(frozen=True)
class Analysis:
    """Everything that was found about one patient's answer, in the order in which it is shown."""

    answer: Assessment
    preferences: Preferences
    parts: tuple[Part, ...]
    seed: int
    draws: int
    basis: str
    quick: bool


def questions_of(case: Case, answer: Assessment) -> Mapping[str, str]:
    """Return the numbers that are analysed: what the first option is ahead by, and the first reason's probability, if one is given."""
    options = list(answer.options["id"])
    decision = f"utility:{options[0]}" + (f" - utility:{options[1]}" if len(options) > 1 else "")
    found = {"decision": decision}
    if case.explains:
        found["reason"] = f"reason:{answer.reasons['id'].iloc[0]}"
    return found


def analyse(
    patient: Patient | Mapping[str, Any],
    preferences: Preferences | None = None,
    *,
    quick: bool = False,
    draws: int | None = None,
    seed: int = DEFAULT_SEED,
    basis: str = FITTED,
    progress: Report | None = None,
) -> Analysis:
    """Make every analysis of one patient's answer.

    Args:
        patient: the record.
        preferences: weights and unavailable options.
        quick: leave out the long analyses (pairs of tests, two-way maps, planned studies, structure) and use fewer parameter sets.
        draws: parameter sets of the probabilistic analyses; by default 1,000, or 300 if quick.
        seed: of everything that is random.
        basis: where the parameters come from, `fitted` or `prior`.
        progress: is told the name of each analysis before it begins.

    Raises:
        RefraError: what `assess` and the analyses raise.
    """
    sets = draws or (QUICK_DRAWS if quick else PSA_DRAWS)
    answer = assess(patient, preferences, seed=seed, basis=basis)
    case = case_of(patient, preferences, basis)
    parts: list[Part] = []
    told = progress or (lambda name: None)

    def make(stem: str, about: str, run: Callable[[], Result]) -> Any:
        told(stem)
        started = time.perf_counter()
        result = run()
        parts.append(Part(stem, about, result, time.perf_counter() - started))
        return result

    questions = questions_of(case, answer)
    tornado: ParameterTornado | None = None
    for key, quantity in questions.items():
        found = make(f"parameter_tornado_{key}", quantity, partial(parameter_tornado, case, quantity))
        tornado = tornado or found
        make(f"findings_tornado_{key}", quantity, partial(findings_tornado, case, quantity))
    assert tornado is not None
    widest = list(tornado.data["parameter"].head(CURVES))
    decision = questions["decision"]
    for place, name in enumerate(widest[: 1 if quick else CURVES], start=1):
        make(f"one_way_{place}", f"{decision} by {name}", partial(one_way, case, decision, parameter=name))
    if not quick:
        make("two_way", f"{decision} by {widest[0]} and {widest[1]}", partial(two_way, case, decision, *widest[:2]))
        for key, quantity in questions.items():
            make(f"all_cells_{key}", quantity, partial(all_cells, case, quantity))
    chosen = make("psa", "", partial(psa, case, draws=sets, seed=seed))
    make("expected_loss", "weight of low disease activity", partial(expected_loss, chosen))
    make("acceptability", "weight of low disease activity", partial(acceptability, chosen))
    make("acceptability_harms", "weight of all harms", partial(acceptability, chosen, "harms"))
    make("evpi", "", partial(evpi, chosen))
    make("evppi", "by stage", partial(evppi, chosen))
    ranked: InfoRank = make("info_rank", "", partial(info_rank, chosen))
    if not quick:
        for place, name in enumerate(_measurable(ranked), start=1):
            make(f"evsi_{place}", name, partial(evsi, chosen, name))
    make("next_tests", "", partial(next_tests, case, pairs=not quick, seed=seed))
    make("change_of_mind", "", partial(change_of_mind, case))
    if not quick:
        make("leave_out_structure", "", partial(leave_out_structure, case))
    make("leave_out_studies", "", partial(leave_out_studies, case))
    return Analysis(answer, case.preferences, tuple(parts), seed, sets, basis, quick)


def _measurable(ranked: InfoRank) -> list[str]:
    """Return the first parameters of the rank that a count of patients measures, so that a study needs no more than its size."""
    counted = (name for name in ranked.data["parameter"] if parameters()[name].kind == "probability")
    return list(islice(counted, STUDIES_PLANNED))
