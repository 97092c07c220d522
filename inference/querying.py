"""`refra.query`: the posterior of any variable given anything, nothing assumed."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..data.errors import FindingError, unknown_name
from ..data.labels import check_language
from ..data.loading import variables
from ..model.draws import DEFAULT_DRAWS, DEFAULT_SEED
from ..model.network import Model
from .asking import Known, ask
from .fields import FIELD_VARIABLES
from .intervals import DEFAULT_LEVEL, interval
from .knowledge import SHIPPED, known_from, working_model
from .patient import Patient
from .query_result import QueryResult, Question

FIELD_OF = {variable: field for field, variable in FIELD_VARIABLES.items() if field != "earlier"}


def query(
    targets: str | Iterable[str],
    given: Mapping[str, Any] | None = None,
    do: Mapping[str, Any] | None = None,
    *,
    level: float = DEFAULT_LEVEL,
    draws: int = DEFAULT_DRAWS,
    seed: int = DEFAULT_SEED,
    language: str = "en",
) -> QueryResult:
    """Return the posterior of one or more variables as a tidy frame that shows itself: variable, state, probability, low, high.

    `given` maps variables to what was seen: a state's name, a likelihood (state -> P(what was seen | state)) or, for a finding, a raw
    value with or without unit (`crp="22 mg/L"`); None and NaN mean not observed. `do` maps variables to the state they are set to by
    intervention, which cuts the arcs into them. Nothing else is conditioned on. `probability` is that of the central network, `low` and
    `high` bound the central `level` of `draws` parameter sets. `language` (`en` or `zh`) is that of the labels with which it is shown.

    Raises `UnknownNameError` for a name that does not exist, `FindingError` for a value that cannot be used, `ImpossibleFindingsError` for
    findings that cannot all hold.
    """
    wanted = (targets,) if isinstance(targets, str) else tuple(targets)
    if not wanted:
        raise FindingError(f"query: no variable asked for; accepted: one or more of {len(variables())} variables")
    check_level(level)
    check_draws(draws, seed)
    check_language(language)
    model = working_model(SHIPPED, draws, seed)
    for name in wanted:
        if name not in model.states:
            raise unknown_name("variable", name, model.states, where="query")
    known = known_given(model, given or {}, do or {})
    answer = ask(model.upstream((*wanted, *known.hard, *known.soft, *known.do)), known, wanted)
    frames = []
    for name in wanted:
        values = answer[name]
        low, high = interval(values, level)
        states = model.states[name]
        frames.append(pd.DataFrame({"variable": name, "state": states, "probability": values[0], "low": low, "high": high}))
    asked = Question(_told(given or {}), dict(do or {}), level, draws, seed, language)
    return QueryResult.of(pd.concat(frames, ignore_index=True), asked)


def _told(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was observed."""
    return {name: value for name, value in given.items() if not _not_observed(value)}


def check_level(level: float) -> None:
    """Refuse a level that is no share between 0 and 1."""
    if not isinstance(level, numbers.Real) or not 0 < level < 1:
        raise FindingError(f"level: {level!r}; a share between 0 and 1 is accepted, such as 0.95")


def check_draws(draws: int, seed: int) -> None:
    """Refuse a number of draws or a seed that is not a whole number from 0 up."""
    for name, value in (("draws", draws), ("seed", seed)):
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 0:
            raise FindingError(f"{name}: {value!r}; a whole number from 0 up is accepted")


def known_given(model: Model, given: Mapping[str, Any], do: Mapping[str, Any]) -> Known:
    """Read what was seen and what is set into what the network is told."""
    known = Known()
    raw: dict[str, Any] = {}
    for name, value in given.items():
        if name not in model.states:
            if name in FIELD_VARIABLES:
                variable = "earlier_<class>" if name == "earlier" else FIELD_VARIABLES[name]
                raise unknown_name("variable", name, model.states, where=f"given (the variable of field {name} is {variable})")
            raise unknown_name("variable", name, model.states, where="given")
        if _not_observed(value):
            continue
        if isinstance(value, Mapping):
            known = known.also(soft={name: _likelihood(model, name, value)})
        elif isinstance(value, str) and value in model.states[name]:
            known = known.also(hard={name: model.position(name, value)})
        elif isinstance(value, bool) and model.states[name] == ("no", "yes"):
            known = known.also(hard={name: int(value)})
        elif name in FIELD_OF:
            raw[FIELD_OF[name]] = value
        elif isinstance(value, str):
            raise unknown_name("state", value, model.states[name], where=name)
        else:
            raise FindingError(f"{name}: {value!r} is not a state; accepted: {', '.join(model.states[name])}, or a likelihood")
    if raw:
        known = _with_raw_values(known, raw, given.get("current_drug", do.get("current_drug")))
    for name, state in do.items():
        if name in known.hard or name in known.soft:
            raise FindingError(f"{name}: both given and set by do; one of the two is accepted")
        if isinstance(state, bool) and name in model.states and model.states[name] == ("no", "yes"):
            state = "yes" if state else "no"
        known = known.also(do={name: model.position(name, state)})
    return known


def _not_observed(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)


def _with_raw_values(known: Known, raw: dict[str, Any], drug: Any) -> Known:
    """Read raw values as a patient record does; a drug level needs the drug for its cut-offs."""
    context = dict(raw)
    if "drug_level" in raw and isinstance(drug, str) and "current_drug" not in raw:
        context["current_drug"] = drug
    findings = [f for f in Patient.from_dict(context).findings() if f.field in raw]
    extra = known_from(findings)
    return known.also(hard=extra.hard, soft=extra.soft, do=extra.do)


def _likelihood(model: Model, name: str, value: Mapping[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    states = model.states[name]
    for state in value:
        if state not in states:
            raise unknown_name("state", state, states, where=name)
    missing = [state for state in states if state not in value]
    if missing:
        raise FindingError(f"{name}: the likelihood lacks {', '.join(missing)}; every state is wanted: {', '.join(states)}")
    if not all(isinstance(value[state], numbers.Real) and not isinstance(value[state], bool) for state in states):
        raise FindingError(f"{name}: {dict(value)!r}; numbers from 0 to 1 are accepted")
    weights = np.array([float(value[state]) for state in states])
    if not np.isfinite(weights).all() or weights.min() < 0 or weights.max() > 1 or weights.max() == 0:
        raise FindingError(f"{name}: {dict(value)!r}; numbers from 0 to 1 are accepted, at least one above 0")
    return weights
