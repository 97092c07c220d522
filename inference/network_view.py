"""`refra.network`: the network as a pgmpy object that shows itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..data.loading import variables
from ..model.assembly import central_model
from ..model.pgmpy_bridge import class_shown_as, to_pgmpy
from . import html
from .display_graph import network_svg
from .parts import Part, Sentence, as_html


def network() -> Any:
    """Return refra's network at the centres of its parameters as a pgmpy `DiscreteBayesianNetwork` with named states.

    It shows itself: a notebook draws its three stages. What pgmpy makes of it (a copy, a part, an intervention) is pgmpy's own class. The
    first call imports pgmpy, which takes seconds. Each call returns a network of its own, so that changing one changes nothing else.
    """
    return to_pgmpy(central_model(), NetworkView)


class NetworkView:
    """What makes a pgmpy network show itself; it is mixed into pgmpy's class."""

    def __repr__(self: Any) -> str:
        """Show in one line how large it is."""
        return f"<refra.network: {_sizes(self)}; a pgmpy DiscreteBayesianNetwork>"

    def _repr_html_(self: Any) -> str:
        """Return the sizes and the picture of the three stages as HTML without scripts; a network with other arcs is not drawn."""
        told: list[Part] = [Sentence(f"refra.network: {_sizes(self)}; a pgmpy DiscreteBayesianNetwork.", "strong")]
        if not _as_shipped(self):
            told.append(Sentence("Its variables or arcs are no longer those of refra's network, so that it is not drawn.", "quiet"))
            return html.fragment(as_html(told))
        return html.fragment([*as_html(told), html.Html(network_svg()._repr_html_())])

    def __reduce__(self: Any) -> tuple[Any, ...]:
        """Pickle what is in it; its class is made anew."""
        return restored, (), self.__dict__


def _sizes(network: Any) -> str:
    """Return in words how large a network is, and how many of its variables have which role."""
    roles = Counter(variables()[name].role if name in variables() else "of your own" for name in network.nodes())
    entries = sum(cpd.values.size for cpd in network.get_cpds())
    counted = ", ".join(f"{count} {role}" for role, count in roles.items())
    return f"{network.number_of_nodes()} variables ({counted}), {network.number_of_edges()} arcs, {entries:,} table entries"


def _as_shipped(network: Any) -> bool:
    """Return whether a network has the variables and arcs of refra's; its numbers may differ."""
    shipped = central_model().parents
    same = set(network.nodes()) == set(shipped)
    return same and all(set(network.get_parents(name)) == set(parents) for name, parents in shipped.items())


def restored() -> Any:
    """Return a network without content that shows itself, to be filled by pickle."""
    return class_shown_as(NetworkView)()
