"""The two passes over a rooted clique tree, written as a list of array steps with a place in memory for each.

Every clique's axes follow one order of the variables, so that no step ever transposes: a product is a broadcast, a message a sum over
some axes. Where messages go down as well, those summed out on the way to the root come first, which makes the sums ones over leading axes;
a plan that only sends messages up keeps the network's own order, so that plans of one network make the same arrays. Arrays have
the draws as their last axis, which makes the innermost loop long and contiguous however small the table is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .elimination import RootedTree, entries, members

MULTIPLY, DIVIDE, SUM, SCALE, RESCALE, LOG = range(6)


class Step(NamedTuple):
    """One array operation on numbered slots; shapes leave out the trailing axis of draws.

    `offset` is the place of the output in the arena, in entries; `ends` are the slots that nothing reads later.
    """

    kind: int
    out: int
    left: int
    right: int = -1
    left_shape: tuple[int, ...] = ()
    right_shape: tuple[int, ...] = ()
    axes: tuple[int, ...] = ()
    out_shape: tuple[int, ...] = ()
    offset: int = 0
    ends: tuple[int, ...] = ()


@dataclass(frozen=True)
class Schedule:
    """The steps that need no axis of draws (`once`), those to repeat for each chunk of draws, the answers' slots, all slots' masks."""

    once: tuple[Step, ...]
    chunk: tuple[Step, ...]
    slots: int
    answers: tuple[int, ...]
    operations: int
    arena: int
    scopes: tuple[int, ...]


@dataclass
class Builder:
    """Collects steps; `scopes` holds each slot's mask and `static` whether it lacks an axis of draws."""

    cards: Sequence[int]
    scopes: list[int] = field(default_factory=list)
    static: list[bool] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    operations: int = 0
    _sizes: dict[int, int] = field(default_factory=dict)

    def size(self, mask: int) -> int:
        """Return the entries of a table over `mask`."""
        if mask not in self._sizes:
            self._sizes[mask] = entries(mask, self.cards)
        return self._sizes[mask]

    def slot(self, scope: int, static: bool) -> int:
        """Open a slot for a table over `scope`."""
        self.scopes.append(scope)
        self.static.append(static)
        return len(self.scopes) - 1

    def _blocks(self, scope: int, *parts: int) -> list[tuple[int, ...]]:
        """Merge neighbouring axes of `scope` that lie in the same `parts`; a row per block: entries, then in or out."""
        rows: list[tuple[int, ...]] = []
        cards = self.cards
        last: tuple[int, ...] | None = None
        size = 1
        for vertex in members(scope):
            pattern = tuple([part >> vertex & 1 for part in parts])
            if pattern == last:
                size *= cards[vertex]
            else:
                if last is not None:
                    rows.append((size, *last))
                last, size = pattern, cards[vertex]
        if last is not None:
            rows.append((size, *last))
        return rows

    def combine(self, kind: int, left: int, right: int) -> int:
        """Multiply (or divide) two slots, the left one being the larger so that its memory may be used again."""
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
                out_shape=tuple(size for size, _, _ in rows),
            )
        )
        self.operations += self.size(scope)
        return out

    def total(self, slot: int, keep: int) -> int:
        """Sum a slot over every variable that is not in `keep`."""
        scope = self.scopes[slot]
        if not scope & ~keep:
            return slot
        rows = self._blocks(scope, keep)
        out = self.slot(scope & keep, self.static[slot])
        axes = tuple(place for place, (_, kept) in enumerate(rows) if not kept)
        shape = tuple(size for size, kept in rows if kept)
        self.steps.append(Step(SUM, out, slot, left_shape=tuple(s for s, _ in rows), axes=axes, out_shape=shape))
        self.operations += self.size(scope)
        return out

    def scale(self, slot: int, kind: int = SCALE) -> int:
        """Divide a slot by its largest entry in each draw; on the way up that entry belongs to the evidence."""
        out = self.slot(self.scopes[slot], self.static[slot])
        shape = (self.size(self.scopes[slot]),)
        self.steps.append(Step(kind, out, slot, left_shape=shape, out_shape=shape))
        self.operations += 2 * self.size(self.scopes[slot])
        return out

    def product(self, slots: Sequence[int]) -> int:
        """Multiply slots two at a time, those first that make the smallest table and need no axis of draws."""
        pool = self._alike(slots)
        while len(pool) > 2:
            pairs = ((one, other) for place, one in enumerate(pool) for other in pool[:place])
            one, other = min(pairs, key=lambda pair: self._price(*pair))
            pool = [slot for slot in pool if slot not in (one, other)] + [self.combine(MULTIPLY, one, other)]
        return self.combine(MULTIPLY, pool[1], pool[0]) if len(pool) == 2 else pool[0]

    def _alike(self, slots: Sequence[int]) -> list[int]:
        """Multiply slots over the same variables, which is what the cheapest pairs begin with anyway."""
        groups: dict[tuple[int, bool], int] = {}
        for slot in slots:
            key = self.scopes[slot], self.static[slot]
            groups[key] = self.combine(MULTIPLY, groups[key], slot) if key in groups else slot
        return list(groups.values())

    def _price(self, one: int, other: int) -> tuple[bool, int, int, int]:
        drawn = not (self.static[one] and self.static[other])
        scope = self.scopes[one] | self.scopes[other]
        return drawn, self.size(scope), min(one, other), max(one, other)

    def contract(self, slots: Sequence[int], keep: int) -> int:
        """Multiply slots and sum out all but `keep`, each variable as soon as no other slot holds it."""
        pool, scopes = list(slots), self.scopes
        while pending := self._union(pool) & ~keep:
            cheapest: tuple[int, int] | None = None
            for vertex in members(pending):
                union = 0
                for slot in pool:
                    if scopes[slot] >> vertex & 1:
                        union |= scopes[slot]
                size = self.size(union)
                if cheapest is None or size < cheapest[0]:
                    cheapest = size, vertex
            assert cheapest is not None
            bucket = [slot for slot in pool if scopes[slot] >> cheapest[1] & 1]
            rest = [slot for slot in pool if not scopes[slot] >> cheapest[1] & 1]
            pool = [*rest, self.total(self.product(bucket), keep | self._union(rest))]
        return self.product(pool)

    def _union(self, slots: Iterable[int]) -> int:
        union = 0
        for slot in slots:
            union |= self.scopes[slot]
        return union

    def finish(self, inputs: int, answers: Sequence[int]) -> Schedule:
        """Work out when each slot is last read and lay the slots that have draws out in one arena."""
        last: dict[int, int] = {}
        for place, step in enumerate(self.steps):
            last[step.left] = place
            if step.right >= 0:
                last[step.right] = place
        last.update(dict.fromkeys(answers, len(self.steps)))
        # Slots filled once are read again by every chunk, so they are never dropped.
        read = {s for step in self.steps if not self.static[step.out] for s in (step.left, step.right)}
        kept = {slot for slot in read if slot >= 0 and self.static[slot]}
        arena = Arena()
        offsets: dict[int, int] = {}
        done: list[Step] = []
        for place, step in enumerate(self.steps):
            used = {step.left, step.right} if step.right >= 0 else (step.left,)
            ends = tuple([slot for slot in used if last[slot] == place and slot not in kept])
            if not self.static[step.out] and step.kind != LOG:
                alike = step.kind != SUM and self.scopes[step.left] == self.scopes[step.out]
                if alike and step.left in offsets and step.left in ends:
                    offsets[step.out] = offsets.pop(step.left)
                else:
                    offsets[step.out] = arena.take(self.size(self.scopes[step.out]))
            for slot in ends:
                if slot in offsets:
                    arena.give(offsets.pop(slot), self.size(self.scopes[slot]))
            done.append(Step(*step[:-2], offset=offsets.get(step.out, 0), ends=ends))
        once = tuple(step for step in done if self.static[step.out])
        chunk = tuple(step for step in done if not self.static[step.out])
        return Schedule(once, chunk, len(self.scopes), tuple(answers), self.operations, arena.size, tuple(self.scopes))


@dataclass
class Arena:
    """Gives out places in one block of memory; `holes` are free stretches (start, stop) below `size`."""

    size: int = 0
    holes: list[tuple[int, int]] = field(default_factory=list)

    def take(self, count: int) -> int:
        """Reserve `count` entries in the smallest hole that has room, or else at the end."""
        room = [(stop - start, start, stop) for start, stop in self.holes if stop - start >= count]
        if room:
            _, start, stop = min(room)
            self.holes.remove((start, stop))
            if start + count < stop:
                self.holes.append((start + count, stop))
            return start
        start = next((start for start, stop in self.holes if stop == self.size), self.size)
        self.holes = [hole for hole in self.holes if hole[0] != start]
        self.size = start + count
        return start

    def give(self, start: int, count: int) -> None:
        """Free `count` entries from `start` on."""
        stop = start + count
        for hole in [hole for hole in self.holes if hole[1] == start or hole[0] == stop]:
            self.holes.remove(hole)
            start, stop = min(start, hole[0]), max(stop, hole[1])
        self.holes.append((start, stop))


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
    by_size = sorted(range(len(sizes)), key=lambda c: (sizes[c], -c))
    for place, scope in enumerate(scopes):
        if scope:
            # The smallest clique that holds the table; the last one of several.
            pools[next(c for c in by_size if not scope & ~tree.cliques[c])].append(place)
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
