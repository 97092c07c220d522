"""The numbers of an answer that can be analysed, each a sum of posterior probabilities times weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ...data.errors import FindingError, unknown_name
from ...data.labels import label
from ...data.loading import variables
from ...model.draws import Draws
from ...model.drug_classes import CLASSES
from ...model.harms import HARMS
from ...model.network import Model
from ..asking import ask_together
from ..causes import CAUSES, PRESENT
from ..engine import Target
from ..options import EXTRA_COST, harm_nodes, open_gates
from ..preferences import PREFIX
from .case import Case

Array = NDArray[np.float64]

KINDS = ("cause", "reason", "lda", "acr50", "utility")
MINUS = " - "
RELIEF = "treat_noninflammatory.relief"


@dataclass(frozen=True)
class Term:
    """A part of a quantity: factor x the product of parameter records x the posterior mean of `scores` on the target's states.

    Without a target the posterior mean is 1. `scores` has the shape of the target's states.
    """

    target: Target | None
    scores: Array | None
    factor: float
    records: tuple[str, ...] = ()

    def coefficient(self, values: Draws) -> Array:
        """Return what the posterior mean is multiplied by in every parameter set, shape (S,) or ()."""
        return np.asarray(self.factor * math.prod(values[name] for name in self.records))


@dataclass(frozen=True)
class Quantity:
    """One number of the answer: a cause's or reason's probability, an option's benefit or utility, or a difference of two of a kind.

    `text` is how it is written: `cause:non_adherence`, `reason:immunogenicity`, `lda:tnf_inhibitor`, `acr50:rituximab`,
    `utility:jak_inhibitor`, `utility:jak_inhibitor - utility:tnf_inhibitor`.
    """

    kind: str
    id: str
    minus: str | None = None

    @property
    def text(self) -> str:
        """The quantity as it is written."""
        return f"{self.kind}:{self.id}" + ("" if self.minus is None else f"{MINUS}{self.kind}:{self.minus}")

    @property
    def future(self) -> bool:
        """Whether it is about what an option will bring."""
        return self.kind not in ("cause", "reason")

    def label(self, language: str = "en") -> str:
        """Return the quantity in words."""
        words = WORDS[language][self.kind]
        table = {"cause": "causes", "reason": "primary_reason"}.get(self.kind, "options")
        names = [_named(table, name, language) for name in (self.id, self.minus) if name is not None]
        return words.format((" minus " if language == "en" else "减").join(names))


WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "cause": "P({})",
        "reason": "P(main reason: {})",
        "lda": "P(low disease activity): {}",
        "acr50": "P(ACR50): {}",
        "utility": "Utility (QALYs): {}",
    },
    "zh": {
        "cause": "P({})",
        "reason": "P(主要原因：{})",
        "lda": "P(低疾病活动度)：{}",
        "acr50": "P(ACR50)：{}",
        "utility": "效用（QALY）：{}",
    },
}


def _named(table: str, identifier: str, language: str) -> str:
    if table == "primary_reason":
        return variables()[table].state_label(identifier, language)
    return label(table, identifier, language)


def ids_of(case: Case, kind: str) -> tuple[str, ...]:
    """Return what a kind of quantity exists for in this case."""
    if kind in ("cause", "reason"):
        if not case.explains:
            return ()
        return CAUSES if kind == "cause" else variables()["primary_reason"].state_ids
    return case.options


def quantity(case: Case, text: str | Quantity) -> Quantity:
    """Read a quantity, `kind:id` or `kind:id - kind:id`.

    Raises `UnknownNameError` for a kind or id that does not exist or does not apply, `FindingError` for anything else.
    """
    if isinstance(text, Quantity):
        text = text.text
    parts = [part.strip() for part in text.split(MINUS)]
    read = []
    for part in parts:
        kind, colon, identifier = part.partition(":")
        if not colon or len(parts) > 2:
            raise FindingError(f"quantity: {text!r}; accepted: kind:id, or kind:id - kind:id, with a kind of {', '.join(KINDS)}")
        if kind not in KINDS:
            raise unknown_name("kind", kind, KINDS, where="quantity")
        known = ids_of(case, kind)
        if not known:
            raise FindingError(f"quantity: {text!r}; no reasons are asked for in this patient, options alone: lda, acr50 or utility")
        if identifier not in known:
            raise unknown_name(kind, identifier, known, where="quantity")
        read.append((kind, identifier))
    if len({kind for kind, _ in read}) > 1:
        raise FindingError(f"quantity: {text!r}; a difference is of two quantities of one kind")
    return Quantity(*read[0], read[1][1] if len(read) == 2 else None)


def terms(case: Case, model: Model, wanted: Quantity) -> tuple[Term, ...]:
    """Return the parts of a quantity."""
    found = _terms(case, model, wanted.kind, wanted.id)
    if wanted.minus is None:
        return found
    less = _terms(case, model, wanted.kind, wanted.minus)
    return (*found, *(Term(term.target, term.scores, -term.factor, term.records) for term in less))


def _terms(case: Case, model: Model, kind: str, identifier: str) -> tuple[Term, ...]:
    if kind == "cause":
        return (_present(model, *PRESENT[identifier]),)
    if kind == "reason":
        return (_present(model, "primary_reason", (identifier,)),)
    if kind in ("lda", "acr50"):
        return (_yes(model, f"{kind}_{identifier}"),)
    return _utility(case, model, identifier)


def _present(model: Model, variable: str, states: Iterable[str]) -> Term:
    scores = np.zeros(model.card(variable))
    scores[[model.position(variable, state) for state in states]] = 1.0
    return Term(variable, scores, 1.0)


def _yes(model: Model, variable: str, factor: float = 1.0, records: tuple[str, ...] = ()) -> Term:
    return Term(variable, np.array([0.0, 1.0]), factor, records)


def _utility(case: Case, model: Model, option: str) -> tuple[Term, ...]:
    """Return the parts of an option's utility, as `options.utilities` adds them up."""

    def weighed(name: str, sign: float) -> tuple[float, tuple[str, ...]]:
        given = case.preferences.weights.get(name)
        return (sign, (PREFIX + name,)) if given is None else (sign * given, ())

    found = [_yes(model, f"lda_{option}", *weighed("low_disease_activity", 1.0))]
    nodes = harm_nodes((option,))
    found += [_yes(model, nodes[harm, option], *weighed(harm, -1.0)) for harm in HARMS]
    if option in CLASSES:
        found.append(Term(None, None, *weighed("change_of_drug", -1.0)))
    if option in EXTRA_COST:
        found.append(Term(None, None, *weighed(EXTRA_COST[option], -1.0)))
    if option == "treat_noninflammatory":
        factor, records = weighed("pain_relief", 1.0)
        source = np.ones((model.card("pain_source"), model.card("other_disease_active")))
        source[0, 0] = 0.0
        found.append(Term(("pain_source", "other_disease_active"), source, factor, (*records, RELIEF)))
    if option == "jak_inhibitor":
        found += _gate(case, model, *weighed("regulator_gate", -1.0))
    return tuple(found)


def _gate(case: Case, model: Model, factor: float, records: tuple[str, ...]) -> list[Term]:
    safe = open_gates(case.place, model)
    if safe is None:
        return [Term(None, None, factor, records)]
    if not safe:
        return []
    unsafe = 1.0 - np.asarray([math.prod(combination) for combination in product(*safe.values())])
    return [Term(tuple(safe), unsafe.reshape([len(states) for states in safe.values()]), factor, records)]


def evaluate(case: Case, model: Model, values: Draws, wanted: Sequence[Quantity]) -> Array:
    """Return each quantity in every parameter set of a model specialised to the record, shape (quantities, S); exact."""
    parts = [terms(case, model, one) for one in wanted]
    asked: dict[tuple[bool, Target], None] = {}
    for one, mine in zip(wanted, parts, strict=True):
        asked |= dict.fromkeys((one.future, term.target) for term in mine if term.target is not None)
    means = posteriors(case, model, list(asked))
    rows = []
    for one, mine in zip(wanted, parts, strict=True):
        row = np.zeros(model.draws)
        for term in mine:
            factor = term.coefficient(values)
            if term.target is not None and term.scores is not None:
                posterior = means[one.future, term.target]
                factor = factor * (posterior.reshape(len(posterior), -1) @ term.scores.ravel())
            row = row + factor
        rows.append(row)
    return np.stack(rows)


def posteriors(case: Case, model: Model, asked: list[tuple[bool, Target]]) -> dict[tuple[bool, Target], Array]:
    """Ask for every target once; outcomes of an option together, harms together, each other target alone."""
    groups: dict[tuple[bool, str], list[Target]] = {}
    for future, target in asked:
        name = target if isinstance(target, str) else "+".join(target)
        first, _, rest = name.partition("_")
        key = rest if first in ("lda", "acr50") else "harms" if any(name.startswith(harm) for harm in HARMS) else name
        groups.setdefault((future, key), []).append(target)
    answers = ask_together((model, case.known(model, future), targets) for (future, _), targets in groups.items())
    found: dict[tuple[bool, Target], Array] = {}
    for ((future, _), targets), answer in zip(groups.items(), answers, strict=True):
        found |= {(future, target): np.asarray(answer[target]) for target in targets}
    return found
