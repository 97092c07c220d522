"""Several plans run side by side, with what they have in common worked out once.

Two plans with the same findings share most of what is sent up their trees. Every array of a run is named by how it came about: by the table
and the states cut out of it, or by the operation and the names of what went in. An array whose name has come up before is not made again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .answers import Result
from .execution import CERTAIN, WORKERS, Floats, apply_step, run_steps, sum_of_logarithms
from .inputs import Index
from .junction_tree import LOG, MULTIPLY, RESCALE, SCALE, Schedule, Step
from .plan import Plan, Ready, parts_of


@dataclass(frozen=True)
class Request:
    """A plan with its tables and values, as `Plan.run` takes them."""

    plan: Plan
    tables: Mapping[str, Floats]
    hard: Mapping[str, Index]
    soft: Mapping[str, ArrayLike]
    do: Mapping[str, Index]

    def alone(self) -> Result:
        """Run the plan by itself."""
        return self.plan.run(self.tables, hard=self.hard, soft=self.soft, do=self.do)


class _Names:
    """Numbers for whatever can be told apart."""

    def __init__(self) -> None:
        self._known: dict[Any, int] = {}

    def of(self, description: Any) -> int:
        return self._known.setdefault(description, len(self._known))


@dataclass(frozen=True)
class _Line:
    """One request with the names of its slots: `fresh` are the steps to do, `kept` the slots whose arrays later requests read."""

    request: Request
    ready: Ready
    schedule: Schedule
    names: Sequence[int]
    fresh: Sequence[Step]
    kept: frozenset[int]
    loaded: frozenset[int]


def run_together(requests: Sequence[Request]) -> list[Result]:
    """Return what `Plan.run` returns for each request; all must have the same number of draws."""
    ready = [one.plan.prepare(one.tables, one.hard, one.soft, one.do) for one in requests]
    draws = max((each.draws for each in ready), default=1)
    if draws == 1 or any(each.draws != draws for each in ready):
        return [one.alone() for one in requests]
    lines = _lines(requests, ready)
    widest = max(one.plan.bytes_for(each.static) for one, each in zip(requests, ready, strict=True))
    shared = sum(8 * math.prod(step.out_shape) for line in lines for step in line.fresh if step.out in line.kept)
    parts = parts_of(draws, widest + shared, sum(one.plan.total_entries for one in requests))
    with np.errstate(all="ignore"):
        once = []
        for line in lines:
            first: list[Floats | None] = [None] * line.schedule.slots
            for place, fixed in enumerate(line.ready.static):
                first[place] = line.ready.load(place, slice(0, 1)) if fixed else None
            up: list[Floats] = []
            down: list[Floats] = []
            run_steps(line.schedule.once, first, up, down)
            once.append((first, up, down))
    room = max(line.schedule.arena for line in lines)

    def work(part: slice) -> list[tuple[list[Floats], Floats, bool]]:
        store: dict[int, Floats] = {}
        scales: dict[int, Floats] = {}
        size = part.stop - part.start
        arena = np.empty((room, size))
        with np.errstate(all="ignore"):
            return [_pass(line, *begun, part, arena, store, scales) for line, begun in zip(lines, once, strict=True)]

    if min(WORKERS, len(parts)) > 1:
        with ThreadPoolExecutor(min(WORKERS, len(parts))) as pool:
            found = list(pool.map(work, parts))
    else:
        found = [work(part) for part in parts]
    results = []
    for number, line in enumerate(lines):
        mine = [each[number] for each in found]
        if any(doubtful for _, _, doubtful in mine):
            results.append(line.request.alone())
            continue
        answers = [np.concatenate(pieces, axis=1) for pieces in zip(*(answer for answer, _, _ in mine), strict=True)]
        results.append(line.request.plan.result(line.ready, answers, np.concatenate([total for _, total, _ in mine])))
    return results


def _lines(requests: Sequence[Request], ready: Sequence[Ready]) -> list[_Line]:
    """Name every slot and find out which steps each request has to do itself."""
    names = _Names()
    made: dict[int, int] = {}
    readers: dict[int, int] = {}
    drafts = []
    for number, (one, each) in enumerate(zip(requests, ready, strict=True)):
        schedule = one.plan.schedule(each.static)
        own = [names.of(description) for description in _inputs(one, each)] + [-1] * (schedule.slots - len(each.static))
        for step in (*schedule.once, *schedule.chunk):
            own[step.out] = names.of(_description(step, own))
        fresh = []
        for step in schedule.chunk:
            if own[step.out] in made:
                continue
            fresh.append(step)
            for slot in (step.left, step.right):
                if slot >= 0 and own[slot] in made and made[own[slot]] != number:
                    readers[own[slot]] = number
        for answer in schedule.answers:
            if made.get(own[answer], number) != number:
                readers[own[answer]] = number
        made.update({own[step.out]: number for step in fresh})
        drafts.append((one, each, schedule, own, fresh))
    lines = []
    for one, each, schedule, own, fresh in drafts:
        kept = frozenset(step.out for step in fresh if own[step.out] in readers)
        read = {slot for step in fresh for slot in (step.left, step.right)} | set(schedule.answers)
        loaded = frozenset(place for place, fixed in enumerate(each.static) if not fixed and place in read)
        lines.append(_Line(one, each, schedule, own, fresh, kept, loaded))
    return lines


def _inputs(one: Request, ready: Ready) -> list[Any]:
    """Describe a request's input tables: the array, what is cut out of it and the order of what is left."""
    described = []
    for factor in ready.factors:
        source = one.soft[factor.variable] if factor.soft else one.tables[factor.variable]
        given = {**one.hard, **one.do}
        cut = tuple(ready.fixed[name] if isinstance(ready.fixed[name], int) else id(given[name]) for name in factor.fixed)
        described.append((factor.variable, factor.soft, id(source), factor.fixed, cut, factor.axes))
    return described


def _description(step: Step, own: Sequence[int]) -> Any:
    left, right = (own[step.left], step.left_shape), (own[step.right] if step.right >= 0 else -1, step.right_shape)
    if step.kind == MULTIPLY:
        left, right = sorted((left, right))
    return step.kind, left, right, step.axes, step.out_shape


def _pass(
    line: _Line,
    first: Sequence[Floats | None],
    up: Sequence[Floats],
    down: Sequence[Floats],
    part: slice,
    arena: Floats,
    store: dict[int, Floats],
    scales: dict[int, Floats],
) -> tuple[list[Floats], Floats, bool]:
    """Do one request for one part of the draws; returns the answers, the log evidence and whether numbers may have underflowed."""
    size = part.stop - part.start
    slots: list[Floats | None] = list(first)
    names = line.names
    for place in line.loaded:
        slots[place] = line.ready.load(place, part)
    for slot in {slot for step in line.fresh for slot in (step.left, step.right) if slot >= 0} | set(line.schedule.answers):
        if slots[slot] is None and names[slot] in store:
            slots[slot] = store[names[slot]]
    for step in line.fresh:
        table, scale = apply_step(step, slots, None if step.out in line.kept else arena)
        if scale is not None:
            scales[names[step.out]] = scale
        if table is not None:
            slots[step.out] = table
            if step.out in line.kept:
                store[names[step.out]] = table
    above = [*up, *(scales[names[step.out]] for step in line.schedule.chunk if step.kind in (SCALE, LOG))]
    below = [*down, *(scales[names[step.out]] for step in line.schedule.chunk if step.kind == RESCALE)]
    total, growth = sum_of_logarithms(above, size)
    growth = growth + sum_of_logarithms(below, size)[1]
    answers = []
    for answer in line.schedule.answers:
        table = slots[answer]
        assert table is not None
        flat = table.reshape(-1, table.shape[-1])
        answers.append(np.broadcast_to(flat / flat.sum(axis=0), (len(flat), size)))
    return answers, total, bool((~(total - growth > CERTAIN)).any())
