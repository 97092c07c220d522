"""Rooted clique trees of undirected graphs, from the elimination orders of `elimination_orders`, whose masks and graphs they share.

Only `Structure` holds names. Nothing here knows about probabilities.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..data.errors import RefraError, unknown_name
from .elimination_orders import MIN_WEIGHT, RULES, Elimination, Rule, eliminate, entries, interaction_graph, mask_of, members

__all__ = [
    "RULES",
    "CliqueTree",
    "RootedTree",
    "Structure",
    "axis_order",
    "cheapest_tree",
    "clique_tree",
    "eliminate",
    "entries",
    "interaction_graph",
    "mask_of",
    "members",
    "plan_tree",
    "renumber",
    "root_tree",
]


@dataclass(frozen=True)
class CliqueTree:
    """A forest of maximal cliques (masks) with the running-intersection property; `edges` are pairs of positions."""

    cliques: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]

    def neighbours(self) -> list[list[int]]:
        """Return, for each clique, the cliques to which it is joined."""
        joined: list[list[int]] = [[] for _ in self.cliques]
        for one, other in self.edges:
            joined[one].append(other)
            joined[other].append(one)
        return joined


def clique_tree(order: Sequence[tuple[int, int]]) -> CliqueTree:
    """Build the tree of maximal cliques from an elimination `order` as `eliminate` returns it."""
    step_of = {vertex: step for step, (vertex, _) in enumerate(order)}
    cliques = [(1 << vertex) | neighbours for vertex, neighbours in order]
    # The clique of a vertex's first-eliminated neighbour always holds all its neighbours: it is either the next
    # clique on the way to the root or, if it holds nothing else, a part of this one.
    keeper = list(range(len(order)))
    above = [min((step_of[n] for n in members(neighbours)), default=-1) for _, neighbours in order]
    links: list[tuple[int, int]] = []
    for step, (_, neighbours) in enumerate(order):
        upper = above[step]
        if upper < 0:
            continue
        if keeper[upper] == upper and cliques[upper].bit_count() == neighbours.bit_count():
            keeper[upper] = keeper[step]
        else:
            links.append((step, upper))
    kept = sorted({keeper[step] for step in range(len(order))})
    position = {step: place for place, step in enumerate(kept)}
    edges = tuple((position[keeper[one]], position[keeper[other]]) for one, other in links)
    return CliqueTree(tuple(cliques[step] for step in kept), edges)


def cheapest_tree(scopes: Sequence[int], cards: Sequence[int], rules: Sequence[Rule] = RULES) -> CliqueTree:
    """Return the clique tree with the fewest table entries among those that the `rules` lead to.

    Args:
        scopes: masks of the vertices that must share a clique.
        cards: number of states of each vertex.
        rules: scores to eliminate by; the first wins a tie.
    """
    whole = Elimination(interaction_graph(scopes, len(cards)), cards, {}, {})
    core = whole.copy()
    core.take_simplicial()
    best: Elimination | None = None
    for rule in rules:
        trial = (whole if rule == MIN_WEIGHT else core).copy()
        if trial.finish(rule, math.inf if best is None else best.cost):
            best = trial
    assert best is not None
    return clique_tree(best.order)


@dataclass(frozen=True)
class RootedTree:
    """Cliques in an order in which each comes after the one above it (`above`, -1 at a root).

    `homes` tells where each target is read; `asked` the cliques that the downward pass visits.
    """

    cliques: tuple[int, ...]
    above: tuple[int, ...]
    homes: tuple[int, ...]
    asked: frozenset[int]

    @property
    def separators(self) -> tuple[int, ...]:
        """The mask that each clique shares with the one above it (0 at a root)."""
        return tuple(clique & self.cliques[up] if up >= 0 else 0 for clique, up in zip(self.cliques, self.above, strict=True))


def _walk(start: int, neighbours: Sequence[Sequence[int]]) -> dict[int, int]:
    """Return every clique reached from `start`, in an order from the root down, with the clique above it."""
    above = {start: -1}
    queue = [start]
    for clique in queue:
        for other in neighbours[clique]:
            if other not in above:
                above[other] = clique
                queue.append(other)
    return above


def _visit(above: Mapping[int, int], holders: Iterable[Sequence[int]]) -> tuple[list[int], set[int]]:
    """Find for each target the first clique from the root among its `holders`, and all cliques on the ways there."""
    rank = {clique: place for place, clique in enumerate(above)}
    homes = [min(cliques, key=rank.__getitem__) for cliques in holders]
    asked: set[int] = set()
    for clique in homes:
        while clique >= 0 and clique not in asked:
            asked.add(clique)
            clique = above[clique]
    return homes, asked


def root_tree(tree: CliqueTree, cards: Sequence[int], targets: Sequence[int]) -> RootedTree:
    """Choose the root of each connected part so that the downward pass visits the fewest entries.

    Args:
        tree: the cliques.
        cards: number of states of each vertex.
        targets: masks of the vertices asked for, none empty.
    """
    neighbours = tree.neighbours()
    sizes = [entries(clique, cards) for clique in tree.cliques]
    order: list[int] = []
    above: dict[int, int] = {}
    homes: dict[int, int] = {}
    asked: set[int] = set()
    for start in range(len(tree.cliques)):
        if start in above:
            continue
        part = _walk(start, neighbours)
        union = mask_of(vertex for clique in part for vertex in members(tree.cliques[clique]))
        inside = [place for place, mask in enumerate(targets) if mask & union]
        holders = [[c for c in part if not targets[place] & ~tree.cliques[c]] for place in inside]
        roots = sorted({clique for cliques in holders for clique in cliques}, key=list(part).index) or [start]
        best: tuple[int, dict[int, int], list[int], set[int]] | None = None
        for root in roots:
            ways = _walk(root, neighbours)
            found, visited = _visit(ways, holders)
            cost = sum(sizes[clique] for clique in visited) - sizes[root]
            if best is None or cost < best[0]:
                best = cost, ways, found, visited
        assert best is not None
        _, ways, found, visited = best
        order += ways
        above |= ways
        homes |= dict(zip(inside, found, strict=True))
        asked |= visited
    place_of = {clique: place for place, clique in enumerate(order)} | {-1: -1}
    return RootedTree(
        tuple(tree.cliques[clique] for clique in order),
        tuple(place_of[above[clique]] for clique in order),
        tuple(place_of[homes[place]] for place in range(len(targets))),
        frozenset(place_of[clique] for clique in asked),
    )


def axis_order(tree: RootedTree, count: int) -> list[int]:
    """Order the vertices so that those whose highest clique lies lowest come first."""
    top: dict[int, int] = {}
    for place, clique in enumerate(tree.cliques):
        for vertex in members(clique):
            top.setdefault(vertex, place)
    return sorted(range(count), key=lambda vertex: (-top[vertex], vertex))


def renumber(mask: int, place_of: Sequence[int]) -> int:
    """Return the mask in which each vertex `v` has become `place_of[v]`."""
    return mask_of(place_of[vertex] for vertex in members(mask))


def plan_tree(scopes: Sequence[int], cards: Sequence[int], targets: Sequence[int]) -> tuple[RootedTree, list[int]]:
    """Build the rooted clique tree that holds every scope and target, and the order of the vertices' axes in it."""
    tree = root_tree(cheapest_tree([*scopes, *targets], cards), cards, targets)
    # Where nothing is sent down the fixed order costs nothing and lets plans of one network share what they send up.
    order = axis_order(tree, len(cards)) if len(tree.asked) > 1 else list(reversed(range(len(cards))))
    place_of = [0] * len(order)
    for place, vertex in enumerate(order):
        place_of[vertex] = place
    cliques = tuple(renumber(clique, place_of) for clique in tree.cliques)
    return RootedTree(cliques, tree.above, tree.homes, tree.asked), order


@dataclass(frozen=True)
class Structure:
    """A network without its numbers, hashed once so that plans can be cached by it.

    `cards` holds (variable, number of states), `parents` (variable, its parents in the order of its table's axes).
    """

    cards: tuple[tuple[str, int], ...]
    parents: tuple[tuple[str, tuple[str, ...]], ...]
    fingerprint: str = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse unknown parents and cycles, and compute the fingerprint."""
        known = dict(self.cards)
        given = dict(self.parents)
        for variable in given:
            if variable not in known:
                raise unknown_name("variable", variable, known)
        for variable, above in given.items():
            for parent in above:
                if parent not in known:
                    raise unknown_name("variable", parent, known, where=f"parents of {variable}")
        if wrong := [name for name, card in self.cards if card < 1]:
            raise RefraError(f"{wrong[0]}: a variable needs at least one state")
        _refuse_cycle(known, given)
        digest = hashlib.sha256(repr((self.cards, self.parents)).encode()).hexdigest()
        object.__setattr__(self, "fingerprint", digest)

    @classmethod
    def of(cls, cards: Mapping[str, int], parents: Mapping[str, Sequence[str]]) -> Structure:
        """Freeze two mappings; a variable without an entry in `parents` has none."""
        return cls(
            tuple((name, int(card)) for name, card in cards.items()),
            tuple((name, tuple(parents.get(name, ()))) for name in cards)
            + tuple((name, tuple(above)) for name, above in parents.items() if name not in cards),
        )

    def __hash__(self) -> int:
        """Hash the fingerprint alone, so that looking up a cached plan costs the same for a network of any size."""
        return hash(self.fingerprint)

    def __eq__(self, other: object) -> bool:
        """Compare fingerprints."""
        return isinstance(other, Structure) and self.fingerprint == other.fingerprint


def _refuse_cycle(names: Iterable[str], parents: Mapping[str, Sequence[str]]) -> None:
    left = {name: set(parents.get(name, ())) for name in names}
    while left:
        free = [name for name, above in left.items() if not above & left.keys()]
        if not free:
            raise RefraError(f"the arcs among {', '.join(sorted(left))} form a cycle")
        for name in free:
            del left[name]
