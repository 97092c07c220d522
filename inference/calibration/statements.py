"""The small language of the targets tables: events, populations and findings written in one field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ...data.errors import RefraError
from ...data.loading import variables
from .questions import Question, base_variable, ordered, question, roots
from .targets import SCORED, Group, Term

Stated = dict[str, dict[str, float]]
"""Variable -> state -> weight."""


@dataclass(frozen=True)
class Circumstances:
    """A population (mix of variables without parents), findings, and the setting."""

    population: Mapping[str, Mapping[str, float]]
    given: Mapping[str, Mapping[str, float]]
    setting: str

    def but(self, differs: Stated) -> Circumstances:
        """Return the same circumstances with the variables of `differs` as they are there."""
        of_roots = {name: weights for name, weights in differs.items() if name in roots()}
        others = {name: weights for name, weights in differs.items() if name not in roots()}
        return Circumstances({**self.population, **of_roots}, {**self.given, **others}, self.setting)

    def ask(self, variable: str, also: Stated | None = None) -> Question:
        """Return the question for a variable; `also` adds findings."""
        return question(variable, self.population, {**self.given, **(also or {})}, setting=self.setting)


def read_weights(variable: str, text: str) -> dict[str, float]:
    """Read `state|state=0.5`: a state alone has the weight 1; raises `RefraError` where a state does not exist."""
    states = variables()[base_variable(variable)].state_ids
    found: dict[str, float] = {}
    for piece in (piece.strip() for piece in text.split("|")):
        # A state's own name may hold the sign ("...>=0.8").
        name, weight = (piece, "1") if piece in states else (piece.rpartition("=")[0], piece.rpartition("=")[2])
        try:
            found[name or piece] = float(weight)
        except ValueError:
            found[piece] = 1.0
    ordered(variable, found)
    return found


def read_statement(text: str) -> Stated:
    """Read `variable: state|state=0.5; variable: state`."""
    found: Stated = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, colon, weights = part.partition(":")
        name = name.strip()
        if not colon or not weights.strip():
            raise RefraError(f"{part!r}; accepted: variable: state|state=weight; variable: state")
        if name in found:
            raise RefraError(f"{name} stands twice; each variable is accepted once")
        found[name] = read_weights(name, weights)
    return found


def read_numbers(text: str) -> tuple[float, ...]:
    """Read `1|2|3.5`."""
    try:
        return tuple(float(piece) for piece in text.split("|"))
    except ValueError:
        raise RefraError(f"{text!r}; accepted: numbers with | between them") from None


def read_scores(text: str, names: tuple[str, ...]) -> dict[str, tuple[float, ...]]:
    """Read the scores of the states of one variable (`0|1|2`) or of several (`variable: 0|1; variable: 1|2|3`)."""
    if ":" in text:
        pieces = [part.partition(":") for part in text.split(";")]
        return {name.strip(): read_numbers(numbers) for name, _, numbers in pieces}
    return dict.fromkeys(names, read_numbers(text))


def alternatives(event: str) -> list[tuple[float, str]]:
    """Split `0.5*this + 0.5*that` into shares and what they belong to; an event alone has the share 1."""
    found = []
    for piece in event.split(" + "):
        match = re.fullmatch(r"\s*(\d*\.?\d+)\*(.*)", piece)
        found.append((float(match[1]), match[2].strip()) if match else (1.0, piece.strip()))
    if abs(sum(share for share, _ in found) - 1) > 1e-6:
        raise RefraError(f"event: the shares of the alternatives sum to {sum(share for share, _ in found):g}; 1 is accepted")
    return found


def full(variable: str, weights: Mapping[str, float]) -> tuple[float, ...]:
    """Return one weight for each state of a variable, 0 for those left out."""
    return tuple(weights.get(state, 0.0) for state in variables()[variable].state_ids)


def event_group(event: str, circumstances: Circumstances) -> Group:
    """Return the group whose probability is that of an event: several variables hold together, so each is asked given those before it."""
    mixed = []
    for share, text in alternatives(event):
        stated = read_statement(text)
        before: Stated = {}
        terms = []
        for variable, weights in stated.items():
            terms.append(Term(circumstances.ask(variable, before), full(variable, weights)))
            before = {**before, variable: weights}
        mixed.append((share, tuple(terms)))
    return Group(tuple(mixed))


def scored_group(event: str, scores: str, circumstances: Circumstances) -> Group:
    """Return the group whose expected score is that of the variables of an event, added up."""
    mixed = []
    for share, text in alternatives(event):
        names = tuple(name.strip() for name in text.split(";"))
        by_name = read_scores(scores, names) if scores else {}
        terms = []
        for name in names:
            question_asked = circumstances.ask(name)
            numbers = by_name.get(name, tuple(float(k) for k in range(len(variables()[name].states))))
            if len(numbers) != len(variables()[name].states):
                raise RefraError(
                    f"scores, {name}: {len(numbers)} numbers; one for each of its {len(variables()[name].states)} states is accepted"
                )
            terms.append(Term(question_asked, numbers))
        mixed.append((share, tuple(terms)))
    return Group(tuple(mixed))


def group_of(measure: str, event: str, scores: str, circumstances: Circumstances) -> Group:
    """Return the group that an event, or scored variables, make in some circumstances."""
    if measure in (*SCORED, "auc"):
        return scored_group(event, scores, circumstances)
    if measure == "median":
        return scored_group(event, "", circumstances)
    return event_group(event, circumstances)


def span_of(group: Group) -> float:
    """Return the range of a group's score, from every state at its lowest to every state at its highest."""
    terms = group.alternatives[0][1]
    return sum(max(term.weights) - min(term.weights) for term in terms)
