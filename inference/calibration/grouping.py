"""Which reduced questions can run together: those that differ in numbers alone, and those that a few more axes make alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..elimination import mask_of, plan_tree
from ..junction_tree import Schedule, build_schedule
from .reducing import Reduced, Source

Scopes = tuple[tuple[int, ...], ...]
Layout = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

MOST_GROWTH = 1.5
"""How many times the operations of the larger of two plans their common plan may take."""

CHEAP = 3_000
"""Operations below which a common plan is worth its cost whatever the two take alone."""


@dataclass(frozen=True)
class Shape:
    """What questions of one plan have in common, without names: variables are numbered in the network's order.

    Attributes:
        sizes: number of states kept of each variable.
        owners: for every factor the number of its own variable and whether that is summed out; -1 where its state is known.
        target: number of the variable asked for.
    """

    sizes: tuple[int, ...]
    owners: tuple[tuple[int, bool], ...]
    target: int


@dataclass(frozen=True, eq=False)
class Group:
    """Questions that run together, widened to the same axes.

    Attributes:
        places: positions of the questions.
        members: their reduced forms, widened.
        schedule: the steps of the upward pass, None where only one state can occur.
        layouts: for every factor the variables of its axes by number, in the order of the schedule.
        sizes: number of states kept of each variable.
    """

    places: tuple[int, ...]
    members: tuple[Reduced, ...]
    schedule: Schedule | None
    layouts: Scopes
    sizes: tuple[int, ...]


def shape_of(reduced: Reduced) -> tuple[Shape, Scopes]:
    """Return the shape of a reduced question and its factors' axes by number."""
    number = {name: place for place, (name, _) in enumerate(reduced.support)}
    owners = tuple((number.get(source.axes[-1], -1), source.absorbed) for source in reduced.sources)
    shape = Shape(tuple(len(states) for _, states in reduced.support), owners, number[reduced.variable])
    return shape, tuple(tuple(number[name] for name in scope) for scope in reduced.scopes)


def schedule_of(shape: Shape, scopes: Scopes, static: Sequence[bool]) -> tuple[Schedule, list[int]]:
    """Plan the upward pass; returns also the place of each variable in the order of the axes."""
    tree, order = plan_tree([mask_of(scope) for scope in scopes], shape.sizes, [1 << shape.target])
    place_of = [0] * len(order)
    for place, vertex in enumerate(order):
        place_of[vertex] = place
    masks = [mask_of(place_of[vertex] for vertex in scope) for scope in scopes]
    return build_schedule(tree, [shape.sizes[vertex] for vertex in order], masks, [1 << place_of[shape.target]], static), place_of


def operations(shape: Shape, scopes: Scopes) -> int:
    """Return the multiplications and additions of one question."""
    return schedule_of(shape, scopes, [False] * len(scopes))[0].operations


def united(one: Scopes, other: Scopes) -> Scopes:
    """Return scopes that hold both."""
    return tuple(tuple(sorted({*a, *b})) for a, b in zip(one, other, strict=True))


def clusters(shape: Shape, exact: Sequence[Scopes]) -> list[tuple[Scopes, list[Scopes]]]:
    """Join scopes of one shape to wider ones as long as these do not cost much more; each comes with those that it holds."""
    found: list[tuple[Scopes, list[Scopes], int]] = []
    priced = sorted(((operations(shape, scopes), scopes) for scopes in exact), reverse=True)
    for price, scopes in priced:
        for place, (wide, inside, cost) in enumerate(found):
            joint = united(wide, scopes)
            together = cost if joint == wide else operations(shape, joint)
            if together <= max(MOST_GROWTH * max(price, cost), CHEAP):
                found[place] = joint, [*inside, scopes], together
                break
        else:
            found.append((scopes, [scopes], price))
    return [(wide, inside) for wide, inside, _ in found]


def widened(reduced: Reduced, scopes: Scopes) -> Reduced:
    """Return the same question with factors over more axes, along which they do not change."""
    names = [name for name, _ in reduced.support]
    support = dict(reduced.support)
    wide: list[tuple[str, ...]] = []
    sources: list[Source] = []
    for source, scope in zip(reduced.sources, scopes, strict=True):
        wanted = {names[vertex] for vertex in scope}
        pairs = zip(source.axes, source.picks, strict=True)
        kept = not source.prior
        picks = tuple(support[axis] if kept and axis in wanted and isinstance(pick, int) else pick for axis, pick in pairs)
        sources.append(replace(source, picks=picks))
        wide.append(tuple(axis for axis in source.axes if axis in wanted))
    return replace(reduced, scopes=tuple(wide), sources=tuple(sources))


def group(questions: Sequence[Reduced]) -> list[Group]:
    """Put reduced questions into groups that run together."""
    known: dict[tuple[int, int], list[int]] = {}
    shapes: dict[tuple[Shape, int, tuple[int, ...]], dict[Scopes, list[int]]] = {}
    for place, reduced in enumerate(questions):
        if not reduced.scopes:
            known.setdefault((reduced.card, reduced.kept[0]), []).append(place)
        else:
            shape, scopes = shape_of(reduced)
            shapes.setdefault((shape, reduced.card, reduced.kept), {}).setdefault(scopes, []).append(place)
    groups = [Group(tuple(places), tuple(questions[place] for place in places), None, (), ()) for places in known.values()]
    for (shape, _, _), by_scopes in shapes.items():
        for scopes, inside in clusters(shape, list(by_scopes)):
            places = [place for exact in inside for place in by_scopes[exact]]
            members = tuple(widened(questions[place], scopes) for place in places)
            static = [len(set(sources)) == 1 for sources in zip(*(member.sources for member in members), strict=True)]
            schedule, place_of = schedule_of(shape, scopes, static)
            layouts = tuple(tuple(sorted(scope, key=place_of.__getitem__)) for scope in scopes)
            groups.append(Group(tuple(places), members, schedule, layouts, shape.sizes))
    return groups


def laid_out(member: Reduced, factor: int, layout: Sequence[int], sizes: Sequence[int]) -> Layout:
    """Return how a member's factor is brought into a layout: permutation of its axes, then shape with ones, then full shape."""
    number = {name: place for place, (name, _) in enumerate(member.support)}
    own = [number[name] for name in member.scopes[factor]]
    order = tuple(own.index(vertex) for vertex in layout if vertex in own)
    ones = tuple(sizes[vertex] if vertex in own else 1 for vertex in layout)
    return order, ones, tuple(sizes[vertex] for vertex in layout)
