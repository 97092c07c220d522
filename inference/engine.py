"""Exact inference by a junction tree that is planned once and then run on arrays, draws of parameters included.

A plan knows the structure, which variables are observed, likely, set or asked for, and nothing else. Running it takes
the tables and the values and returns every posterior and the evidence's probability from one upward and one downward
pass (Lauritzen & Spiegelhalter 1988, doi 10.1111/j.2517-6161.1988.tb01721.x; Jensen, Lauritzen & Olesen 1990).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from ..data.errors import RefraError, unknown_name
from .answers import Coefficients, Explanation, Result, Target
from .elimination import Structure, entries, mask_of, members, plan_tree
from .inputs import make_factor
from .plan import Plan, names_of

__all__ = ["Coefficients", "Explanation", "Plan", "Result", "Target", "cached_plan", "compile_plan"]


def compile_plan(
    cards: Mapping[str, int],
    parents: Mapping[str, Sequence[str]],
    *,
    targets: Sequence[Target],
    hard: Iterable[str] = (),
    soft: Iterable[str] = (),
    do: Iterable[str] = (),
) -> Plan:
    """Plan exact inference for one structure, one pattern of findings and a list of questions.

    Arcs into the variables of `do` are cut, variables that bear neither on a finding nor on a target are left out,
    known variables are sliced away, and the rest is put into a junction tree with a clique for every target.

    Args:
        cards: number of states of each variable.
        parents: parents of each variable in the order of its table's axes.
        targets: variables, or tuples of variables whose joint posterior is wanted.
        hard: variables that will be observed in one state.
        soft: variables that will be given a likelihood.
        do: variables that will be set by intervention.

    Raises:
        UnknownNameError: a name that is not in `cards`.
        RefraError: a variable both observed and set, an empty or repeating target, a cycle.
    """
    return _plan(Structure.of(cards, parents), tuple(targets), frozenset(hard), frozenset(soft), frozenset(do))


def cached_plan(
    structure: Structure,
    *,
    targets: Sequence[Target],
    hard: Iterable[str] = (),
    soft: Iterable[str] = (),
    do: Iterable[str] = (),
) -> Plan:
    """Return the plan as `compile_plan` does, made once for each structure, pattern of findings and list of targets."""
    return _cached(structure, tuple(targets), frozenset(hard), frozenset(soft), frozenset(do))


def _plan(structure: Structure, targets: tuple[Target, ...], hard: frozenset[str], soft: frozenset[str], do: frozenset[str]) -> Plan:
    cards, parents = dict(structure.cards), dict(structure.parents)
    asked = {name for target in targets for name in names_of(target)}
    for name in sorted(asked | hard | soft | do):
        if name not in cards:
            raise unknown_name("variable", name, cards)
    if both := hard & do:
        raise RefraError(f"{sorted(both)[0]}: a variable is either observed or set by intervention, not both")
    for target in targets:
        names = names_of(target)
        if not names or len(set(names)) != len(names):
            raise RefraError(f"target {target!r}: a joint target names one or more different variables")
    families = {name: () if name in do else parents[name] for name in cards}
    needed = _ancestors(asked | hard | soft, families)
    fixed = hard | do
    free = [name for name in cards if name in needed and name not in fixed]
    number = {name: place for place, name in enumerate(free)}
    scopes = [(name, (*families[name], name)) for name in cards if name in needed and name not in do]
    scopes += [(name, (name,)) for name in cards if name in soft]
    masks = [mask_of(number[name] for name in scope if name in number) for _, scope in scopes]
    wanted = [mask_of(number[name] for name in names_of(target) if name in number) for target in targets]
    wanted = [mask for mask in dict.fromkeys(wanted) if mask]
    tree, order = plan_tree(masks, [cards[name] for name in free], wanted)
    names = tuple(free[vertex] for vertex in order)
    number = {name: place for place, name in enumerate(names)}
    tables = len(scopes) - len(soft)
    factors = tuple(make_factor(name, scope, place >= tables, number, cards) for place, (name, scope) in enumerate(scopes))
    answers = tuple(mask_of(number[free[vertex]] for vertex in members(mask)) for mask in wanted)
    sizes = [cards[name] for name in names]
    weights = [entries(clique, sizes) for clique in tree.cliques]
    return Plan(
        cards=cards,
        targets=targets,
        hard=hard,
        soft=soft,
        do=do,
        cliques=tuple(tuple(names[vertex] for vertex in members(clique)) for clique in tree.cliques),
        total_entries=sum(weights),
        largest_entries=max(weights, default=0),
        _tree=tree,
        _names=names,
        _factors=factors,
        _masks=answers,
        _schedules={},
    )


_cached = lru_cache(maxsize=512)(_plan)


def _ancestors(start: Iterable[str], parents: Mapping[str, Sequence[str]]) -> set[str]:
    found: set[str] = set()
    queue = list(start)
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue.extend(parents[name])
    return found
