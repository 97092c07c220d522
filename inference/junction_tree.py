"""The two passes over a rooted clique tree as a list of array steps, and the loop that executes them.

The variables are numbered so that, in every clique, those summed out on the way to the root come first. With axes in
that order no step ever transposes: every message up is a sum over leading axes, every product a broadcast. Arrays have
the draws as their last axis, which makes the innermost loop long and contiguous however small the table is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .elimination import RootedTree, entries, members

Floats = NDArray[np.float64]
Load = Callable[[int, slice], Floats]

# Smallest certified log of a scaled evidence: what underflowed lies below exp(-708), hence below 1e-20 of the total.
CERTAIN = -650.0

MULTIPLY, DIVIDE, SUM, SCALE, RESCALE, LOG = range(6)


@dataclass(frozen=True)
class Step:
    """One array operation on numbered slots; shapes leave out the trailing axis of draws."""

    kind: int
    out: int
    left: int
    right: int = -1
    left_shape: tuple[int, ...] = ()
    right_shape: tuple[int, ...] = ()
    axes: tuple[int, ...] = ()
    in_place: bool = False
    ends: tuple[int, ...] = ()


@dataclass(frozen=True)
class Schedule:
    """The steps that need no axis of draws (`once`), those to repeat for each chunk of draws, the answers' slots."""

    once: tuple[Step, ...]
    chunk: tuple[Step, ...]
    slots: int
    answers: tuple[int, ...]
    operations: int
    peak: int


@dataclass
class Builder:
    """Collects steps; `scopes` holds each slot's mask and `static` whether it lacks an axis of draws."""

    cards: Sequence[int]
    scopes: list[int] = field(default_factory=list)
    static: list[bool] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    operations: int = 0

    def slot(self, scope: int, static: bool) -> int:
        """Open a slot for a table over `scope`."""
        self.scopes.append(scope)
        self.static.append(static)
        return len(self.scopes) - 1

    def _blocks(self, scope: int, *parts: int) -> list[tuple[int, ...]]:
        """Merge neighbouring axes of `scope` that lie in the same `parts`; a row per block: entries, then in or out."""
        rows: list[tuple[int, ...]] = []
        for vertex in members(scope):
            pattern = tuple(part >> vertex & 1 for part in parts)
            if rows and rows[-1][1:] == pattern:
                rows[-1] = (rows[-1][0] * self.cards[vertex], *pattern)
            else:
                rows.append((self.cards[vertex], *pattern))
        return rows

    def combine(self, kind: int, left: int, right: int) -> int:
        """Multiply (or divide) two slots, the left one being the larger so that it may be overwritten."""
        if kind == MULTIPLY and self.scopes[left].bit_count() < self.scopes[right].bit_count():
            left, right = right, left
        scope = self.scopes[left] | self.scopes[right]
        rows = self._blocks(scope, self.scopes[left], self.scopes[right])
        out = self.slot(scope, self.static[left] and self.static[right])
        self.steps.append(
            Step(
                kind,
                out,
                left,
                right,
                tuple(size if here else 1 for size, here, _ in rows),
                tuple(size if here else 1 for size, _, here in rows),
            )
        )
        self.operations += entries(scope, self.cards)
        return out

    def total(self, slot: int, keep: int) -> int:
        """Sum a slot over every variable that is not in `keep`."""
        scope = self.scopes[slot]
        if not scope & ~keep:
            return slot
        rows = self._blocks(scope, keep)
        out = self.slot(scope & keep, self.static[slot])
        axes = tuple(place for place, (_, kept) in enumerate(rows) if not kept)
        self.steps.append(Step(SUM, out, slot, left_shape=tuple(size for size, _ in rows), axes=axes))
        self.operations += entries(scope, self.cards)
        return out

    def scale(self, slot: int, kind: int = SCALE) -> int:
        """Divide a slot by its largest entry in each draw; on the way up that entry belongs to the evidence."""
        out = self.slot(self.scopes[slot], self.static[slot])
        self.steps.append(Step(kind, out, slot))
        self.operations += 2 * entries(self.scopes[slot], self.cards)
        return out

    def product(self, slots: Sequence[int]) -> int:
        """Multiply slots two at a time, those first that make the smallest table and need no axis of draws."""
        pool = list(slots)
        while len(pool) > 1:
            pairs = ((one, other) for place, one in enumerate(pool) for other in pool[:place])
            one, other = min(pairs, key=lambda pair: self._price(*pair))
            pool = [slot for slot in pool if slot not in (one, other)] + [self.combine(MULTIPLY, one, other)]
        return pool[0]

    def _price(self, one: int, other: int) -> tuple[bool, int, int, int]:
        drawn = not (self.static[one] and self.static[other])
        scope = self.scopes[one] | self.scopes[other]
        return drawn, entries(scope, self.cards), min(one, other), max(one, other)

    def contract(self, slots: Sequence[int], keep: int) -> int:
        """Multiply slots and sum out all but `keep`, each variable as soon as no other slot holds it."""
        pool = list(slots)
        while pending := self._union(pool) & ~keep:
            bucket_of = {v: [slot for slot in pool if self.scopes[slot] >> v & 1] for v in members(pending)}
            vertex = min(bucket_of, key=lambda v: (entries(self._union(bucket_of[v]), self.cards), v))
            bucket = bucket_of[vertex]
            rest = [slot for slot in pool if slot not in bucket]
            pool = [*rest, self.total(self.product(bucket), keep | self._union(rest))]
        return self.product(pool)

    def _union(self, slots: Iterable[int]) -> int:
        union = 0
        for slot in slots:
            union |= self.scopes[slot]
        return union

    def finish(self, inputs: int, answers: Sequence[int]) -> Schedule:
        """Work out when each slot was last needed, what may be overwritten and how much lives at once."""
        last: dict[int, int] = {}
        for place, step in enumerate(self.steps):
            last.update({slot: place for slot in (step.left, step.right) if slot >= 0})
        last.update(dict.fromkeys(answers, len(self.steps)))
        # Slots filled once are read again by every chunk: they may neither be dropped nor overwritten.
        kept = {s for step in self.steps if not self.static[step.out] for s in (step.left, step.right)}
        kept = {slot for slot in kept if slot >= 0 and self.static[slot]}
        sizes = [entries(scope, self.cards) for scope in self.scopes]
        live = peak = sum(sizes[:inputs])
        done: list[Step] = []
        for place, step in enumerate(self.steps):
            used = {slot for slot in (step.left, step.right) if slot >= 0}
            ends = tuple(slot for slot in used if last[slot] == place and slot not in kept)
            alike = self.scopes[step.left] == self.scopes[step.out] and self.static[step.left] == self.static[step.out]
            in_place = step.kind == MULTIPLY and alike and step.left >= inputs and step.left in ends
            live += 0 if in_place or step.kind == LOG else sizes[step.out]
            peak = max(peak, live)
            live -= sum(sizes[slot] for slot in ends if not (in_place and slot == step.left))
            done.append(replace(step, in_place=in_place, ends=ends))
        once = tuple(step for step in done if self.static[step.out])
        chunk = tuple(step for step in done if not self.static[step.out])
        return Schedule(once, chunk, len(self.scopes), tuple(answers), self.operations, peak)


def build_schedule(
    tree: RootedTree,
    cards: Sequence[int],
    scopes: Sequence[int],
    targets: Sequence[int],
    static: Sequence[bool],
) -> Schedule:
    """Write the upward and the downward pass as a list of steps.

    Args:
        tree: rooted cliques, vertices numbered as axes.
        cards: number of states of each vertex, in that numbering.
        scopes: masks of the input tables, which fill the first slots in this order.
        targets: masks asked for; the answers are unnormalised tables over them.
        static: for each input whether it has no axis of draws.
    """
    build = Builder(cards)
    for scope, fixed in zip(scopes, static, strict=True):
        build.slot(scope, fixed)
    pools: list[list[int]] = [[] for _ in tree.cliques]
    sizes = [entries(clique, cards) for clique in tree.cliques]
    for place, scope in enumerate(scopes):
        if scope:
            holders = [c for c, clique in enumerate(tree.cliques) if not scope & ~clique]
            pools[min(holders, key=lambda c: (sizes[c], -c))].append(place)
        else:
            _log(build, place)
    wanted: list[dict[int, int]] = [{} for _ in tree.cliques]
    for mask, home in zip(targets, tree.homes, strict=True):
        wanted[home][mask] = -1
    separators = tree.separators
    below = [[c for c in sorted(tree.asked) if tree.above[c] == place] for place in range(len(tree.cliques))]
    sent: list[int] = [-1] * len(tree.cliques)
    for place in reversed(range(len(tree.cliques))):
        up = tree.above[place]
        if not pools[place]:
            continue
        if place in tree.asked and up >= 0:
            pools[place] = [build.product(pools[place])]
        if up >= 0:
            sent[place] = build.scale(build.contract(pools[place], separators[place]))
            pools[up].append(sent[place])
        elif place not in tree.asked:
            _log(build, build.contract(pools[place], 0))
    for place in sorted(tree.asked):
        up = tree.above[place]
        outputs = [*wanted[place], *(separators[child] for child in below[place])]
        pool = pools[place] if len(outputs) == 1 else [build.product(pools[place])]
        made: dict[int, int] = {}
        for mask in sorted(set(outputs), key=lambda mask: (-entries(mask, cards), mask)):
            # A smaller answer is summed from a larger one that holds it where there is one, not from the whole clique.
            source = next((slot for larger, slot in reversed(made.items()) if not mask & ~larger), None)
            made[mask] = build.contract(pool, mask) if source is None else build.total(source, mask)
        if up < 0:
            _log(build, build.total(next(reversed(made.values())), 0))
        wanted[place] = {mask: made[mask] for mask in wanted[place]}
        for child in below[place]:
            message = made[separators[child]]
            if sent[child] >= 0:
                message = build.combine(DIVIDE, message, sent[child])
            pools[child].append(build.scale(message, RESCALE))
    answers = [wanted[home][mask] for mask, home in zip(targets, tree.homes, strict=True)]
    return build.finish(len(scopes), answers)


def _log(build: Builder, slot: int) -> None:
    """Add the logarithm of a slot without variables to the log evidence."""
    build.steps.append(Step(LOG, build.slot(0, build.static[slot]), slot))


def _linear(steps: Sequence[Step], slots: list[Floats | None], up: list[Floats], down: list[Floats]) -> None:
    """Execute steps on probabilities; `up` and `down` collect each pass's scales, shape (draws or 1,)."""
    for step in steps:
        left = slots[step.left]
        assert left is not None
        if step.kind == MULTIPLY or step.kind == DIVIDE:
            right = slots[step.right]
            assert right is not None
            one = left.reshape((*step.left_shape, -1))
            other = right.reshape((*step.right_shape, -1))
            if step.kind == DIVIDE:
                slots[step.out] = one / np.where(other > 0.0, other, 1.0)
            else:
                slots[step.out] = np.multiply(one, other, out=one if step.in_place else None)
        elif step.kind == SUM:
            slots[step.out] = np.add.reduce(left.reshape((*step.left_shape, -1)), axis=step.axes)
        elif step.kind == LOG:
            up.append(left.reshape(-1))
        else:
            scale = np.maximum.reduce(left.reshape(-1, left.shape[-1]), axis=0)
            slots[step.out] = left / np.where(scale > 0.0, scale, 1.0)
            (up if step.kind == SCALE else down).append(scale)
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
            slots[step.out] = one + other if step.kind == MULTIPLY else one - _finite(other)
        elif step.kind == SUM:
            table = left.reshape((*step.left_shape, -1))
            highest = _finite(table.max(axis=step.axes, keepdims=True))
            slots[step.out] = np.log(np.exp(table - highest).sum(axis=step.axes)) + highest.squeeze(step.axes)
        elif step.kind == LOG:
            up.append(left.reshape(-1))
        else:
            scale = left.reshape(-1, left.shape[-1]).max(axis=0)
            slots[step.out] = left - _finite(scale)
            if step.kind == SCALE:
                up.append(scale)
        for slot in step.ends:
            slots[slot] = None


def _finite(logs: Floats) -> Floats:
    return np.where(logs == -np.inf, 0.0, logs)


def _sums(scales: Sequence[Floats], draws: int) -> tuple[Floats, Floats]:
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


def execute(
    schedule: Schedule, load: Load, static: Sequence[bool], parts: Sequence[slice], draws: int
) -> tuple[list[Floats], Floats]:
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
    found: list[list[Floats]] = []
    with np.errstate(all="ignore"):
        first: list[Floats | None] = [None] * schedule.slots
        first[:inputs] = [load(place, slice(0, 1)) if fixed else None for place, fixed in enumerate(static)]
        up: list[Floats] = []
        down: list[Floats] = []
        _linear(schedule.once, first, up, down)
        for part in parts:
            slots = list(first)
            drawn = [place for place, fixed in enumerate(static) if not fixed]
            for place in drawn:
                slots[place] = load(place, part)
            scales, others = list(up), list(down)
            _linear(schedule.chunk, slots, scales, others)
            size = part.stop - part.start
            total, growth = _sums(scales, size)
            growth += _sums(others, size)[1]
            answers = [table / table.sum(axis=0) for table in _filled(slots, schedule.answers, size)]
            doubtful = np.flatnonzero(~(total - growth > CERTAIN))
            if doubtful.size:
                answers, total = _repair(schedule, load, static, part, doubtful, answers, total)
            evidence[part] = total
            found.append(answers)
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
        new[:, np.isneginf(total)] = np.nan
        better.append(new)
    return better, total
