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
from .probabilistic import PSA_DRAWS, Psa, psa
from .quantities import quantity as as_quantity
from .result import Result
from .sampling import evsi
from .structure import leave_out_structure
from .studies import leave_out_studies
from .tornado import AllParameters, all_parameters, parameter_tornado
from .two_way_map import two_way

QUICK_DRAWS = 300
CURVES = 3
"""Parameters, those that move the decision most, that get a curve of their own."""

STUDIES_PLANNED = 3
"""Parameters, the first of the information rank, for which a study is planned."""

Report = Callable[[str], None]
Make = Callable[[str, str, Callable[[], Result]], Any]
Questions = Mapping[str, tuple[str, str]]


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
        quick: only the short analyses, and fewer parameter sets.
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

    questions = {key: (text, as_quantity(case, text).label()) for key, text in questions_of(case, answer).items()}
    run = _quick if quick else _full
    run(make, case, questions, sets, seed)
    return Analysis(answer, case.preferences, tuple(parts), seed, sets, basis, quick)


def _quick(make: Make, case: Case, questions: Questions, sets: int, seed: int) -> None:
    decision, words = questions["decision"]
    slopes: AllParameters = make("all_parameters", words, partial(all_parameters, case, decision))
    for name in slopes.data["parameter"].head(1):
        make("one_way", f"{words}, by {name}", partial(one_way, case, decision, parameter=name))
    make("findings_tornado", words, partial(findings_tornado, case, decision))
    chosen: Psa = make("psa", "", partial(psa, case, draws=sets, seed=seed))
    make("acceptability", "weight of low disease activity", partial(acceptability, chosen))
    make("next_tests", "", partial(next_tests, case, pairs=False, leading=0, seed=seed))
    make("change_of_mind", "among the findings made", partial(change_of_mind, case, added=False))


def _full(make: Make, case: Case, questions: Questions, sets: int, seed: int) -> None:
    for key, (text, words) in questions.items():
        make(f"parameter_tornado_{key}", words, partial(parameter_tornado, case, text))
        make(f"findings_tornado_{key}", words, partial(findings_tornado, case, text))
    decision, words = questions["decision"]
    slopes: AllParameters = make("all_parameters", words, partial(all_parameters, case, decision))
    widest = list(slopes.data["parameter"].head(CURVES))
    for place, name in enumerate(widest, start=1):
        make(f"one_way_{place}", f"{words}, by {name}", partial(one_way, case, decision, parameter=name))
    if len(widest) > 1:
        both = f"{words}, by {widest[0]} and {widest[1]}"
        make("two_way", both, partial(two_way, case, decision, *widest[:2]))
    for key, (text, about) in questions.items():
        make(f"all_cells_{key}", about, partial(all_cells, case, text))
    chosen: Psa = make("psa", "", partial(psa, case, draws=sets, seed=seed))
    make("expected_loss", "weight of low disease activity", partial(expected_loss, chosen))
    make("acceptability", "weight of low disease activity", partial(acceptability, chosen))
    make("acceptability_harms", "weight of all harms", partial(acceptability, chosen, "harms"))
    make("evpi", "", partial(evpi, chosen))
    make("evppi", "by stage", partial(evppi, chosen))
    ranked: InfoRank = make("info_rank", "", partial(info_rank, chosen))
    for place, name in enumerate(_measurable(ranked), start=1):
        make(f"evsi_{place}", name, partial(evsi, chosen, name))
    make("next_tests", "", partial(next_tests, case, seed=seed))
    make("change_of_mind", "", partial(change_of_mind, case))
    make("leave_out_structure", "", partial(leave_out_structure, case))
    if case.basis == FITTED:
        make("leave_out_studies", "", partial(leave_out_studies, case))


def _measurable(ranked: InfoRank) -> list[str]:
    """Return the first parameters of the rank that counting patients measures, so that a study needs no more than its size.

    None where nothing that could be learned would change the choice.
    """
    if ranked.whole == 0:
        return []
    counted = (name for name in ranked.data["parameter"] if parameters()[name].kind == "probability")
    return list(islice(counted, STUDIES_PLANNED))
