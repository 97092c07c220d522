"""`refra.assess`: the whole answer for one patient."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..data.labels import check_language
from ..data.loading import variables
from ..data.writing import write_page
from ..model.draws import DEFAULT_DRAWS, DEFAULT_SEED, FITTED, shipped_draws
from ..model.network import Model
from .asking import Answer, Known, ask
from .causes import MAIN_TARGETS, averted_by_absence, cause_table, driver_table, leading_causes, reason_table
from .classification import Classification, classify
from .explanation import RESEARCH_USE, explain
from .influence import Influence, influence, influenced
from .intervals import DEFAULT_LEVEL
from .knowledge import CENTRAL, SHIFTED, SHIPPED, copies_in, working_model
from .next_tests import test_table
from .options import option_table, outlook, too_close_to_call
from .patient import Patient
from .preferences import Preferences
from .querying import check_draws, check_level
from .samples import Samples, samples_of
from .scores import Scores
from .situation import Situation, situation
from .weighing import Conflict, conflict, conflict_warning, finding_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STAGE_TARGETS = ("exposure", "covered_current", "synovitis")
LEADING = 3


@dataclass(frozen=True, repr=False)
class Assessment:
    """The answer for one patient; every probability with the bounds of its credible interval of the given `level`.

    `causes` (not exclusive, ranked by what their absence would have averted), `reasons` (exclusive, sum to 1),
    `drivers` (the dominant pathway), `options` (ranked by expected utility), `tests` (unobserved findings by what they
    are worth), `classification`, `findings` (weights of evidence), `influences` (the parameters behind the answer),
    `stages` (the three questions in numbers), `scores`, `warnings` and `conflict`; `samples` holds reasons, causes,
    drivers and options in every parameter set. A notebook shows it as HTML, a terminal as text.
    """

    patient: Patient
    target: str
    level: float
    draws: int
    seed: int
    language: str
    basis: str
    scores: Scores
    causes: pd.DataFrame
    reasons: pd.DataFrame
    drivers: pd.DataFrame
    options: pd.DataFrame
    tests: pd.DataFrame
    classification: Classification
    findings: pd.DataFrame
    stages: Mapping[str, float]
    conflict: Conflict
    too_close_to_call: tuple[str, ...]
    warnings: tuple[str, ...]
    preferences: Preferences
    influence: Influence
    samples: Samples

    @property
    def influences(self) -> pd.DataFrame:
        """The parameter records that move the answer, the most influential first."""
        return self.influence.parameters

    @property
    def judgement_share(self) -> float:
        """The share of the answer's uncertainty (to first order) that rests on records of judgement."""
        return self.influence.judgement_share

    @property
    def untouched_share(self) -> float:
        """The share of the answer's uncertainty (to first order) that rests on parameters which no published number touches."""
        return self.influence.untouched_share

    def citations(self) -> pd.DataFrame:
        """Return the studies behind the answer, those that carry most of it first."""
        return self.influence.citations()

    def explanation(self, language: str | None = None) -> tuple[str, ...]:
        """Return the answer in words, English (`en`) or Chinese (`zh`)."""
        return explain(self, check_language(language or self.language))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can hold; a number that does not exist is None."""
        return {
            "patient": self.patient.to_dict(),
            "target": self.target,
            "level": self.level,
            "draws": self.draws,
            "seed": self.seed,
            "basis": self.basis,
            "scores": {
                name: getattr(self.scores, name) for name in ("das28_esr", "das28_crp", "cdai", "sdai", "cdai_lower_bound", "target_state")
            },
            "reasons": _records(self.reasons),
            "causes": _records(self.causes),
            "drivers": _records(self.drivers),
            "options": _records(self.options),
            "too_close_to_call": list(self.too_close_to_call),
            "tests": _records(self.tests),
            "classification": self.classification.to_dict(),
            "findings": _records(self.findings),
            "conflict": self.conflict.score,
            "warnings": list(self.warnings),
            "judgement_share": self.judgement_share,
            "untouched_share": self.untouched_share,
            "influences": _records(self.influences.head(20)),
            "citations": _records(self.citations()),
            "explanation": list(self.explanation()),
            "research_use": RESEARCH_USE[self.language],
        }

    def to_json(self) -> str:
        """Return `to_dict` as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def to_html(self) -> str:
        """Return the answer as a report of two printed pages: an HTML page of its own, without scripts and with nothing to load."""
        from .report import report

        return report(self)

    def save_html(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the report to a file and return its path.

        A file that exists is replaced if it is a page that refra wrote, any other only with `overwrite`. Raises `FindingError` where it
        cannot be written.
        """
        return write_page(path, self.to_html(), overwrite)

    def plot(self, kind: str = "answer") -> Figure:
        """Return a matplotlib figure of a part of the answer, with its intervals.

        `kind` is `answer` (reasons and causes above the options with their harms), `reasons`, `causes`, `drivers`, `options`, `findings`
        or `tests`. Raises `UnknownNameError` for another kind, `FindingError` where this answer has nothing of that kind.
        """
        from .plots import plot_answer

        return plot_answer(self, kind)

    def __str__(self) -> str:
        """Show the answer as a terminal does."""
        from .display import as_text

        return as_text(self)

    def __repr__(self) -> str:
        """Show in one line who was asked about and what leads."""
        from .display import as_line

        return as_line(self)

    def _repr_html_(self) -> str:
        from .display_html import as_fragment

        return as_fragment(self)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): _plain(value) for name, value in row.items()} for row in table.to_dict(orient="records")]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def assess(
    patient: Patient | Mapping[str, Any],
    preferences: Preferences | None = None,
    *,
    level: float = DEFAULT_LEVEL,
    draws: int = DEFAULT_DRAWS,
    seed: int = DEFAULT_SEED,
    language: str = "en",
    basis: str = FITTED,
) -> Assessment:
    """Return why the biologic probably failed in this patient and what each next step would bring.

    Beside the record it conditions on the treatment target being missed, unless the record says otherwise. Arguments:
    `patient` is a `Patient` or a mapping of its fields; `preferences` holds weights and unavailable options; `level` is
    that of the credible intervals; `draws` the number of parameter sets behind them and `seed` their seed; `language`
    is that of all words of the answer (`en` or `zh`; errors are in English); `basis` is where the parameters come from:
    `fitted`, the joint posterior given all published numbers, or `prior`, every record by itself.

    Raises the errors of `Patient`, and `ImpossibleFindingsError` for findings that cannot all hold.
    """
    check_level(level)
    check_draws(draws, seed)
    check_language(language)
    record = patient if isinstance(patient, Patient) else Patient.from_dict(patient)
    wanted = preferences or Preferences()
    place = situation(record, basis)
    model, central = place.model(SHIPPED, draws, seed, asked_for()), place.model(CENTRAL, 0, 0)
    answer = ask(model, place.inside(model), [t for t in (*MAIN_TARGETS, *STAGE_TARGETS) if t in model.states])
    saved = averted_by_absence(place, model, central)
    causes = cause_table(place, model, answer, saved, level, language)
    reasons = reason_table(place, answer, level, language)
    look = outlook(place, model, shipped_draws(draws, seed, basis), wanted)
    options = option_table(place, look, level, language)
    clash = conflict(place, central)
    warning = conflict_warning(place, clash)
    shifted = place.model(SHIFTED, 0, 0, influenced(place, look.options))
    return Assessment(
        patient=record,
        target=place.target,
        level=level,
        draws=draws,
        seed=seed,
        language=language,
        basis=basis,
        scores=place.scores,
        causes=causes,
        reasons=reasons,
        drivers=driver_table(answer, _driver_prior(place, central), level, language),
        options=options,
        tests=test_table(place, central, shipped_draws(0, seed, basis), wanted, language),
        classification=classify(place, model, level, language),
        findings=_weights(place, central, leading_causes(causes, reasons, LEADING), clash, language),
        stages=_stages(model, answer),
        conflict=clash,
        too_close_to_call=too_close_to_call(options),
        warnings=tuple(text.said(language) for text in (*place.warnings, warning) if text is not None),
        preferences=wanted,
        influence=influence(place, shifted, look.options),
        samples=samples_of(model, answer, place.explains, saved, look),
    )


def asked_for() -> list[str]:
    """Return what is asked of every parameter set: all but findings, and which earlier drugs failed."""
    return [name for name, variable in variables().items() if variable.role != "finding" or name.startswith("earlier_")]


def _driver_prior(place: Situation, central: Model) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the prior over pathways of this patient before any finding but background and drug."""
    soft = {name: values for name, values in place.record.soft.items() if name == "current_drug"}
    return np.asarray(ask(central, Known({}, soft, {}), ["driver"])["driver"][0])


def _weights(place: Situation, central: Model, leading: tuple[str, ...], clash: Conflict, language: str) -> pd.DataFrame:
    full = working_model(CENTRAL, 0, 0, copies_in(place.findings), place.basis)
    return finding_table(place, central, full, leading, clash, language)


def _stages(model: Model, answer: Answer) -> dict[str, float]:
    def p(variable: str, *states: str) -> float:
        return float(sum(answer[variable][0, model.position(variable, state)] for state in states))

    return {
        "exposure_in_range": p("exposure", "in_range"),
        "antibodies": p("ada", "low_titre", "high_titre"),
        "doses_missed": p("adherence", "partial", "poor"),
        "covered": p("covered_current", "yes"),
        "synovitis": p("synovitis", "moderate", "high"),
        "fibromyalgia": p("fibromyalgia", "yes"),
        "depression": p("depression", "yes"),
        "osteoarthritis": p("osteoarthritis", "yes"),
    }
