"""The loop that executes a schedule on arrays: on probabilities, and again on logarithms where those may underflow."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from .junction_tree import DIVIDE, LOG, MULTIPLY, RESCALE, SCALE, SUM, Schedule, Step

Floats = NDArray[np.float64]
Load = Callable[[int, slice], Floats]

# Array operations on long axes release the interpreter's lock; more threads than this only contend for memory.
WORKERS = min(os.cpu_count() or 1, 4)

# What underflows is below exp(-708) of the scaled evidence's unit: above this bound it is less than 1e-20 of the whole.
CERTAIN = -650.0


def apply_step(step: Step, slots: Sequence[Floats | None], arena: Floats | None) -> tuple[Floats | None, Floats | None]:
    """Execute one step on probabilities and return its output and, of a scaling or logarithm, the scale, shape (draws or 1,).

    The output lies in the `arena`, shape (entries, draws), if there is one: fresh memory for each would cost as much as the arithmetic.
    """
    left = slots[step.left]
    assert left is not None
    if step.kind == LOG:
        return None, left.reshape(-1).copy()
    one = left.reshape((*step.left_shape, -1))
    out: Floats | None = None
    if arena is not None:
        out = arena[step.offset : step.offset + math.prod(step.out_shape)].reshape((*step.out_shape, -1))
    if step.kind == SUM:
        return np.add.reduce(one, axis=step.axes, out=out), None
    if step.kind == MULTIPLY or step.kind == DIVIDE:
        right = slots[step.right]
        assert right is not None
        other = right.reshape((*step.right_shape, -1))
        if step.kind == MULTIPLY:
            return np.multiply(one, other, out=out), None
        return np.divide(one, np.where(other > 0.0, other, 1.0), out=out), None
    scale = np.maximum.reduce(one, axis=0)
    return np.divide(one, np.where(scale > 0.0, scale, 1.0), out=out), scale


def run_steps(steps: Sequence[Step], slots: list[Floats | None], up: list[Floats], down: list[Floats], arena: Floats | None = None) -> None:
    """Execute steps on probabilities; `up` and `down` collect each pass's scales."""
    for step in steps:
        table, scale = apply_step(step, slots, arena)
        if table is not None:
            slots[step.out] = table
        if scale is not None:
            (down if step.kind == RESCALE else up).append(scale)
        for slot in step.ends:
            slots[slot] = None


def _logarithmic(steps: Sequence[Step], slots: list[Floats | None], up: list[Floats]) -> None:
    """Execute steps on logarithms of probabilities: several times slower, and nothing can underflow."""
    for step in steps:
        left = slots[step.left]
        assert left is not None
        if step.kind == MULTIPLY or step.kind == DIVIDE:
            right = slots[step.right]
            assert right is not None
            one = left.reshape((*step.left_shape, -1))
            other = right.reshape((*step.right_shape, -1))
            slots[step.out] = one + other if step.kind == MULTIPLY else one - finite_logarithms(other)
        elif step.kind == SUM:
            table = left.reshape((*step.left_shape, -1))
            highest = finite_logarithms(table.max(axis=step.axes, keepdims=True))
            slots[step.out] = np.log(np.exp(table - highest).sum(axis=step.axes)) + highest.squeeze(step.axes)
        elif step.kind == LOG:
            up.append(left.reshape(-1))
        else:
            scale = left.reshape(-1, left.shape[-1]).max(axis=0)
            slots[step.out] = left - finite_logarithms(scale)
            if step.kind == SCALE:
                up.append(scale)
        for slot in step.ends:
            slots[slot] = None


def finite_logarithms(logs: Floats) -> Floats:
    """Return 0 for minus infinity and anything else as it is."""
    return np.where(logs == -np.inf, 0.0, logs)


def sum_of_logarithms(scales: Sequence[Floats], draws: int) -> tuple[Floats, Floats]:
    """Return, for each draw, the sum of the logarithms of `scales` and the sum of the positive ones alone."""
    total, growth = np.zeros(draws), np.zeros(draws)
    for size in {scale.size for scale in scales}:
        logs = np.log(np.array([scale for scale in scales if scale.size == size]))
        total += logs.sum(axis=0)
        growth += np.maximum(logs, 0.0).sum(axis=0)
    return total, growth


def _filled(slots: Sequence[Floats | None], answers: Sequence[int], draws: int) -> list[Floats]:
    """Return the answers as arrays (entries, draws)."""
    found = []
    for answer in answers:
        table = slots[answer]
        assert table is not None
        found.append(np.broadcast_to(table.reshape(-1, table.shape[-1]), (table.size // table.shape[-1], draws)))
    return found


def execute(schedule: Schedule, load: Load, static: Sequence[bool], parts: Sequence[slice], draws: int) -> tuple[list[Floats], Floats]:
    """Run a schedule over all draws.

    Args:
        schedule: the steps.
        load: gives an input table, shape (entries..., draws of the part or 1), by its position and the part's draws.
        static: for each input whether it has no axis of draws.
        parts: slices of the draws to work on at a time.
        draws: number of draws.

    Returns:
        The normalised answers, each (entries, draws), and the log evidence (draws,); NaN and minus infinity in the
        draws in which the evidence is impossible.
    """
    inputs = len(static)
    evidence = np.empty(draws)
    with np.errstate(all="ignore"):
        first: list[Floats | None] = [None] * schedule.slots
        first[:inputs] = [load(place, slice(0, 1)) if fixed else None for place, fixed in enumerate(static)]
        up: list[Floats] = []
        down: list[Floats] = []
        run_steps(schedule.once, first, up, down)
    longest = max(part.stop - part.start for part in parts)
    arenas: SimpleQueue[Floats] = SimpleQueue()
    workers = min(WORKERS, len(parts))
    for _ in range(workers):
        arenas.put(np.empty(schedule.arena * longest))

    def work(part: slice) -> list[Floats]:
        slots = list(first)
        drawn = [place for place, fixed in enumerate(static) if not fixed]
        for place in drawn:
            slots[place] = load(place, part)
        scales, others = list(up), list(down)
        size = part.stop - part.start
        arena = arenas.get()
        with np.errstate(all="ignore"):
            run_steps(schedule.chunk, slots, scales, others, arena[: schedule.arena * size].reshape(schedule.arena, size))
            total, growth = sum_of_logarithms(scales, size)
            growth += sum_of_logarithms(others, size)[1]
            answers = [table / table.sum(axis=0) for table in _filled(slots, schedule.answers, size)]
            doubtful = np.flatnonzero(~(total - growth > CERTAIN))
            if doubtful.size:
                answers, total = _repair(schedule, load, static, part, doubtful, answers, total)
        arenas.put(arena)
        evidence[part] = total
        return answers

    if workers > 1:
        with ThreadPoolExecutor(workers) as pool:
            found = list(pool.map(work, parts))
    else:
        found = [work(part) for part in parts]
    joined = [np.concatenate(pieces, axis=1) for pieces in zip(*found, strict=True)]
    return joined, evidence


def _repair(
    schedule: Schedule,
    load: Load,
    static: Sequence[bool],
    part: slice,
    doubtful: NDArray[np.intp],
    answers: Sequence[Floats],
    total: Floats,
) -> tuple[list[Floats], Floats]:
    """Compute the draws at the `doubtful` places of a part again, on logarithms."""
    slots: list[Floats | None] = [None] * schedule.slots
    for place, fixed in enumerate(static):
        table = load(place, slice(0, 1) if fixed else part)
        slots[place] = np.log(table if fixed else table[..., doubtful])
    up: list[Floats] = []
    _logarithmic(schedule.once, slots, up)
    _logarithmic(schedule.chunk, slots, up)
    total = total.copy()
    total[doubtful] = sum(up, np.zeros(doubtful.size))
    better = []
    for old, logs in zip(answers, _filled(slots, schedule.answers, doubtful.size), strict=True):
        new = old.copy()
        weights = np.exp(logs - logs.max(axis=0))
        new[:, doubtful] = weights / weights.sum(axis=0)
        better.append(new)
    return better, total
