"""Asking the network: what is known, which variables are asked for, and the exact answer for every parameter set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations, islice
from types import MappingProxyType
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ..data.errors import ImpossibleFindingsError
from ..model.network import Model
from ..model.specialise import specialise
from .absorbing import Memo, absorbable, cut, folded, narrowed, open_states
from .elimination import Structure
from .engine import Result, Target, cached_plan
from .together import Request, run_together

Array = NDArray[np.float64]

MOST_SUBSETS = 40_000


@dataclass(frozen=True)
class Known:
    """What is known: states observed (`hard`), likelihoods (`soft`, shape (states,) or (S, states)) and states set (`do`)."""

    hard: Mapping[str, int] = field(default_factory=dict)
    soft: Mapping[str, Array] = field(default_factory=dict)
    do: Mapping[str, int] = field(default_factory=dict)

    def also(
        self,
        hard: Mapping[str, int] | None = None,
        soft: Mapping[str, Array] | None = None,
        do: Mapping[str, int] | None = None,
    ) -> Known:
        """Return what is known together with more; likelihoods of one variable multiply."""
        merged = dict(self.soft)
        for name, likelihood in (soft or {}).items():
            merged[name] = merged[name] * likelihood if name in merged else likelihood
        return Known({**self.hard, **(hard or {})}, merged, {**self.do, **(do or {})})

    def all_soft(self, model: Model, names: Iterable[str]) -> Known:
        """Return the same knowledge with the named hard findings written as one-hot likelihoods."""
        turned = {name: one_hot(model, name, self.hard[name]) for name in names if name in self.hard}
        hard = {name: state for name, state in self.hard.items() if name not in turned}
        return Known(hard, {**self.soft, **turned}, self.do)


@dataclass(frozen=True)
class Answer:
    """Posteriors of the variables asked for, shape (S, *states), and log P(findings), shape (S,)."""

    marginals: Mapping[Target, Array]
    log_evidence: Array

    def __getitem__(self, target: Target) -> Array:
        return self.marginals[target]


def one_hot(model: Model, variable: str, state: int) -> Array:
    """Return the likelihood vector of one state."""
    vector = np.zeros(model.card(variable))
    vector[state] = 1.0
    return vector


def _given_roots(model: Model, known: Known) -> tuple[Model, Known, Array]:
    """Specialise the model to its observed roots; returns also their log probability, shape (S or 1,)."""
    roots = {name: state for name, state in known.hard.items() if not model.parents[name] and name not in known.do}
    if not roots:
        return model, known, np.zeros(1)
    left = {name: state for name, state in known.hard.items() if name not in roots}
    with np.errstate(divide="ignore"):
        prior = sum((np.log(model.tables[name][:, state]) for name, state in roots.items()), np.zeros(1))
    return specialise(model, roots), Known(left, known.soft, known.do), np.asarray(prior)


@dataclass(frozen=True)
class _Question:
    """A question as the engine is asked it."""

    model: Model
    known: Known
    wanted: tuple[Target, ...]
    request: Request
    prior: Array

    def answer(self, result: Result, refuse: bool = True) -> Answer:
        """Put what was taken out of the question back in; `refuse` tells whether impossible findings raise an error."""
        log_evidence = np.asarray(result.log_evidence + self.prior)
        if refuse and log_evidence[0] == -np.inf:
            raise _clash(self.model, self.known)
        marginals: dict[Target, Array] = {target: np.asarray(table) for target, table in result.marginals.items()}
        for target in self.wanted:
            if target not in marginals:
                if not isinstance(target, str):
                    raise ValueError(f"the joint {target} holds an observed root; ask for the others alone")
                marginals[target] = one_hot(self.model, target, self.known.hard[target])[None, :]
        return Answer(MappingProxyType(marginals), log_evidence)


def _question(model: Model, known: Known, targets: Iterable[Target], memo: Memo) -> _Question:
    wanted = tuple(dict.fromkeys(targets))
    small, rest, prior = _given_roots(model, known)
    inside = tuple(t for t in wanted if all(name in small.states for name in _members(t)))
    return _Question(model, known, wanted, _request(small, rest, inside, memo), prior)


def _request(model: Model, known: Known, targets: tuple[Target, ...], memo: Memo) -> Request:
    """Plan a question; findings with a likelihood are taken into their parents, and roots lose the states that are ruled out."""
    kept = {*(name for target in targets for name in _members(target)), *known.hard, *known.do}
    soft = {name: np.asarray(likelihood, dtype=np.float64) for name, likelihood in known.soft.items()}
    left = open_states(model.parents, soft, kept)
    cuts = memo.cuts.setdefault(tuple((name, states.start, states.stop) for name, states in left.items()), {})
    changed: dict[str, Array] = {}
    if left:
        touched = [name for name, above in model.parents.items() if name in left or not left.keys().isdisjoint(above)]
        changed = {name: cut(model.tables[name], (*model.parents[name], name), left, cuts) for name in touched}
    absorbed = absorbable(model.parents, soft, kept)
    changed |= {name: folded(changed.get(name, model.tables[name]), soft[name], memo.folds) for name in absorbed}
    cards = {**{name: states.stop - states.start for name, states in left.items()}, **dict.fromkeys(absorbed, 1)}
    hard = {**known.hard, **dict.fromkeys(absorbed, 0)}
    likely = {name: cut(likelihood, (name,), left, cuts) for name, likelihood in soft.items() if name not in absorbed}
    plan = cached_plan(narrowed(structure(model), tuple(cards.items())), targets=targets, hard=hard, soft=likely, do=known.do)
    return Request(plan, {**model.tables, **changed}, hard, likely, known.do)


def ask(model: Model, known: Known, targets: Iterable[Target]) -> Answer:
    """Return the exact posterior of every target (a variable, or a tuple for a joint) for every parameter set.

    Raises `ImpossibleFindingsError`, naming a smallest clashing set, where the findings cannot hold in the central network.
    """
    question = _question(model, known, targets, Memo())
    return question.answer(question.request.alone())


def ask_together(questions: Iterable[tuple[Model, Known, Iterable[Target]]], *, refuse: bool = True) -> list[Answer]:
    """Return what `ask` returns for each question; what the questions have in common is worked out once.

    It pays for questions with the same findings about one network and extensions of it. Without `refuse` findings that cannot all hold
    raise nothing: their log evidence is minus infinity and their posteriors are NaN.
    """
    memo = Memo()
    asked = [_question(*question, memo) for question in questions]
    results = run_together([question.request for question in asked])
    return [question.answer(result, refuse) for question, result in zip(asked, results, strict=True)]


_STRUCTURES: WeakKeyDictionary[Model, Structure] = WeakKeyDictionary()


def structure(model: Model) -> Structure:
    """Return a model's structure as the engine plans with it."""
    if model not in _STRUCTURES:
        _STRUCTURES[model] = Structure.of({name: len(states) for name, states in model.states.items()}, model.parents)
    return _STRUCTURES[model]


def _members(target: Target) -> tuple[str, ...]:
    return (target,) if isinstance(target, str) else target


def log_probability(model: Model, known: Known) -> Array:
    """Return log P(findings) for every parameter set or row of likelihoods; minus infinity where they cannot hold."""
    small, rest, prior = _given_roots(model, known)
    return np.asarray(_request(small, rest, (), Memo()).alone().log_evidence + prior)


def _possible(model: Model, known: Known, subsets: list[tuple[str, ...]]) -> NDArray[np.bool_]:
    """Return for each subset of findings whether it can hold: one row of likelihoods a subset."""
    names = sorted({*known.hard, *known.soft})
    soft = known.all_soft(model, names).soft
    rows = {}
    for name in names:
        flat = np.ones(model.card(name))
        rows[name] = np.stack([np.asarray(soft[name]).reshape(-1, len(flat))[0] if name in s else flat for s in subsets])
    return np.asarray(log_probability(model, Known({}, rows, known.do)) > -np.inf)


def _clash(model: Model, known: Known) -> ImpossibleFindingsError:
    """Build the error for findings that cannot hold, with a smallest clashing set."""
    central = model.central()
    names = sorted({*known.hard, *known.soft})
    for size in range(1, len(names) + 1):
        subsets = list(islice(combinations(names, size), MOST_SUBSETS + 1))
        if len(subsets) > MOST_SUBSETS:
            break
        possible = _possible(central, known, subsets)
        if not possible.all():
            return _clash_error(model, known, subsets[int(np.argmin(possible))])
    # Too many to try all: drop one after another as long as the rest still clashes.
    kept = list(names)
    for name in names:
        trial = [other for other in kept if other != name]
        if not _possible(central, known, [tuple(trial)])[0]:
            kept = trial
    return _clash_error(model, known, tuple(kept))


def _clash_error(model: Model, known: Known, subset: tuple[str, ...]) -> ImpossibleFindingsError:
    def said(name: str) -> str:
        if name in known.hard:
            return model.states[name][known.hard[name]]
        likelihood = np.asarray(known.soft[name]).reshape(-1, model.card(name))[0]
        return " or ".join(s for s, weight in zip(model.states[name], likelihood, strict=True) if weight > 0)

    clash = tuple((name, said(name)) for name in subset)
    words = ", ".join(f"{name} = {state}" for name, state in clash)
    set_words = ", ".join(f"{name} = {model.states[name][state]}" for name, state in known.do.items())
    return ImpossibleFindingsError(
        f"these findings cannot all hold{' with ' + set_words + ' set' if set_words else ''}: {words}. "
        "Leave one out, or give it as a likelihood.",
        clash,
    )
