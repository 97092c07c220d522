"""Greedy elimination orders on undirected graphs, with sets of vertices held as bits of an integer.

Vertices are 0 .. n-1; bit `v` of a mask says whether vertex `v` is in the set. A graph is the list of its vertices' neighbour masks.
Nothing here knows about probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache

Score = tuple[int, int, int]
Rule = str


@lru_cache(maxsize=2**16)
def members(mask: int) -> tuple[int, ...]:
    """Return the vertices in `mask`, smallest first."""
    found = []
    while mask:
        lowest = mask & -mask
        found.append(lowest.bit_length() - 1)
        mask ^= lowest
    return tuple(found)


def mask_of(vertices: Iterable[int]) -> int:
    """Return the mask whose bits are `vertices`."""
    mask = 0
    for vertex in vertices:
        mask |= 1 << vertex
    return mask


def entries(mask: int, cards: Sequence[int]) -> int:
    """Return the number of entries of a table over the vertices in `mask`, `cards` being their numbers of states."""
    total = 1
    for vertex in members(mask):
        total *= cards[vertex]
    return total


def interaction_graph(scopes: Iterable[int], size: int) -> list[int]:
    """Return the graph on `size` vertices that joins every two vertices which share one of the `scopes` (masks)."""
    graph = [0] * size
    for scope in scopes:
        for vertex in members(scope):
            graph[vertex] |= scope & ~(1 << vertex)
    return graph


MIN_FILL, MIN_WEIGHT, WEIGHTED_MIN_FILL = "min fill", "min weight", "weighted min fill"
"""What the next vertex has least of: edges that its elimination adds, entries of the table that it makes, or added edges, each
weighing the product of its ends' states."""

RULES: tuple[Rule, ...] = (WEIGHTED_MIN_FILL, MIN_FILL, MIN_WEIGHT)


class Elimination:
    """A graph from which vertices are taken one by one, and the entries of the maximal cliques met so far (`cost`)."""

    def __init__(self, graph: Sequence[int], cards: Sequence[int], sizes: dict[int, int], sums: dict[int, int]) -> None:
        self.graph = list(graph)
        self.cards = cards
        # Entries of tables and sums of states over masks, shared by the copies.
        self.sizes, self.sums = sizes, sums
        self.left = (1 << len(graph)) - 1
        self.order: list[tuple[int, int]] = []
        self.cost = 0
        self.remainders: set[int] = set()

    def copy(self) -> Elimination:
        """Return a copy that can go its own way."""
        other = Elimination(self.graph, self.cards, self.sizes, self.sums)
        other.left, other.order, other.cost, other.remainders = self.left, self.order.copy(), self.cost, self.remainders.copy()
        return other

    def size(self, mask: int) -> int:
        """Return the entries of a table over `mask`."""
        if mask not in self.sizes:
            self.sizes[mask] = entries(mask, self.cards)
        return self.sizes[mask]

    def fill(self, vertex: int) -> int:
        """Return twice the number of edges that the elimination of `vertex` would add."""
        graph, neighbours = self.graph, self.graph[vertex]
        total, mask = 0, neighbours
        while mask:
            lowest = mask & -mask
            total += (neighbours & ~graph[lowest.bit_length() - 1]).bit_count() - 1
            mask ^= lowest
        return total

    def simplicial(self, vertex: int) -> bool:
        """Tell whether the neighbours of `vertex` are all joined."""
        graph, neighbours = self.graph, self.graph[vertex]
        mask = neighbours
        while mask:
            lowest = mask & -mask
            if neighbours & ~graph[lowest.bit_length() - 1] != lowest:
                return False
            mask ^= lowest
        return True

    def weighted_fill(self, vertex: int) -> int:
        """Return twice the sum of the added edges' weights."""
        graph, cards, sums, neighbours = self.graph, self.cards, self.sums, self.graph[vertex]
        total, mask = 0, neighbours
        while mask:
            lowest = mask & -mask
            other = lowest.bit_length() - 1
            mask ^= lowest
            absent = (neighbours & ~graph[other]) ^ lowest
            if absent:
                if absent not in sums:
                    sums[absent] = sum(cards[v] for v in members(absent))
                total += cards[other] * sums[absent]
        return total

    def score(self, vertex: int, rule: Rule) -> Score:
        """Return what `rule` goes by, then what settles a tie."""
        size = self.size(self.graph[vertex] | 1 << vertex)
        return (self.weighted_fill(vertex) if rule == WEIGHTED_MIN_FILL else self.fill(vertex)), size, vertex

    def take(self, vertex: int) -> int:
        """Eliminate `vertex` and return the mask of the vertices whose scores may have changed."""
        graph, neighbours, own = self.graph, self.graph[vertex], 1 << vertex
        clique = neighbours | own
        # A clique is a part of an earlier one exactly where it is all that an earlier vertex left behind.
        if clique not in self.remainders:
            self.cost += self.size(clique)
        self.remainders.add(neighbours)
        touched = neighbours
        mask = neighbours
        while mask:
            lowest = mask & -mask
            other = lowest.bit_length() - 1
            mask ^= lowest
            absent = neighbours & ~graph[other] & ~lowest
            for far in members(absent):
                touched |= graph[other] & graph[far]
            graph[other] = (graph[other] | absent) & ~own
        graph[vertex] = 0
        self.left &= ~own
        self.order.append((vertex, neighbours))
        return touched & self.left

    def take_simplicial(self) -> None:
        """Eliminate every vertex whose neighbours are all joined, which no best order does later."""
        waiting = self.left
        while waiting:
            lowest = waiting & -waiting
            waiting ^= lowest
            vertex = lowest.bit_length() - 1
            if self.simplicial(vertex):
                waiting |= self.take(vertex)

    def finish(self, rule: Rule, limit: float = math.inf) -> bool:
        """Eliminate what is left greedily by `rule`; stop and return False once the cost is `limit` or more."""
        if rule == MIN_WEIGHT:
            return self._finish_by_weight(limit)
        scores = {vertex: self.score(vertex, rule) for vertex in members(self.left)}
        while scores:
            vertex = min(scores.values())[2]
            touched = self.take(vertex)
            if self.cost >= limit:
                return False
            del scores[vertex]
            for other in members(touched):
                scores[other] = self.score(other, rule)
        return True

    def _finish_by_weight(self, limit: float) -> bool:
        """Do what `finish` does by the entries of the table that each step makes; added edges, then the vertex, settle ties alone."""
        sizes = {vertex: self.size(self.graph[vertex] | 1 << vertex) for vertex in members(self.left)}
        fills: dict[int, int] = {}
        while sizes:
            least = min(sizes.values())
            tied = [vertex for vertex, size in sizes.items() if size == least]
            for vertex in tied:
                if vertex not in fills:
                    fills[vertex] = self.fill(vertex)
            vertex = min(tied, key=lambda v: (fills[v], v))
            touched = self.take(vertex)
            if self.cost >= limit:
                return False
            del sizes[vertex]
            for other in members(touched):
                sizes[other] = self.size(self.graph[other] | 1 << other)
                fills.pop(other, None)
        return True


def eliminate(graph: Sequence[int], cards: Sequence[int], rule: Rule) -> list[tuple[int, int]]:
    """Eliminate all vertices greedily by `rule` and return (vertex, mask of its neighbours at that time) in order.

    Ties fall to the smallest vertex, so the order is the same on every machine.
    """
    work = Elimination(graph, cards, {}, {})
    work.finish(rule)
    return work.order
