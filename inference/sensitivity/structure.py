"""Robustness to structure: what the answer would be had each choice of the network, or of the assessment, been made otherwise."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...data.labels import label
from ...model.assembly import central_model
from ...model.draws import DEFAULT_SEED, FITTED
from ...model.network import Model, Node, build_model, draws_last
from ..causes import CAUSES, all_averted
from ..figures import COLOURS, QUIET, caption, new_figure
from ..knowledge import copies_in, with_copies
from ..options import with_exclusion
from ..patient import Patient
from ..preferences import Preferences
from ..situation import Footing, footing
from ..twins import Twins
from .case import Case, case_of
from .choices import CHOICES, Choice
from .quantities import Quantity, evaluate
from .result import Result
from .versions import OTHER_DISEASE, first_of, reason_ids, versions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

RULES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "target_missed": (
            "Nothing is assumed of the treatment target",
            "Where the record does not settle it, the assessment takes the target to be missed, since that is why one asks.",
        ),
        "exclude_first": (
            "Options are ranked by utility alone",
            "Above a probability of 0.2 of another disease every drug class is put last; the limit is a rule, not a result.",
        ),
        "twin_coupling": (
            "Counterfactuals with independent noise",
            "What the absence of a cause would have averted rests on monotone coupling, which no data can test.",
        ),
    }
)
"""The choices of the assessment, not of the network: what is done instead, and why the choice can be doubted."""

ROUNDING = 1e-12
LEAST_RANGE = 0.05
COLUMNS = (
    "id", "label", "doubt", "distance", "most_changed", "change", "first_reason", "p_first_reason", "first_option", "lead",
    "utility_change", "reason_changes", "option_changes",
)  # fmt: skip


@dataclass(frozen=True)
class LeaveOutStructure(Result):
    """What happens to the answer when each choice is made otherwise, all else as it is.

    `table` has a row for each choice: `label` says what is done instead and `doubt` why one might; `distance` is the largest change of any
    probability (primary reasons, low disease activity of each option; for the coupling, what a cause's absence would have averted),
    `most_changed` which one and `change` by how much; `first_reason` and `first_option` who comes first then, `p_first_reason` the
    probability that today's first reason has then, `lead` by how many QALYs today's first option then leads the best other one (negative
    where it has lost), `utility_change` the largest change of any option's utility. `details` has every quantity for every choice: `base`
    and `alternative`.
    """

    name: ClassVar[str] = "leave_out_structure"
    title: ClassVar[str] = "Robustness to structure: each choice made otherwise"
    how_to_read: ClassVar[str] = (
        "Each line is a choice of the network or of the assessment, made otherwise. Left: the probability of the reason that is first "
        "now; right: by how much the option that is first now leads the best other, which it no longer does left of the dotted line. The "
        "grey lines are the answer as it is; an orange dot marks a choice that puts another reason, or another option, first. Choices that "
        "move neither are left out. Parameters stay at their centres and are not fitted again."
    )

    table: pd.DataFrame
    details: pd.DataFrame
    first_reason: str | None
    first_option: str
    p_first_reason: float
    lead: float

    @property
    def data(self) -> pd.DataFrame:
        """The choices, the biggest change first."""
        return self.table

    @property
    def beside(self) -> Mapping[str, pd.DataFrame]:
        """Every quantity for every choice."""
        return {"details": self.details}

    def summary(self) -> str:
        """Return how many choices change who comes first, and which one moves the answer most."""
        parts = []
        for column, what, now in (
            ("reason_changes", "first reason", self.first_reason),
            ("option_changes", "first option", self.first_option),
        ):
            if now is None:
                continue
            names = list(self.table.loc[self.table[column], "label"])
            parts.append(
                f"The {what} changes with {len(names)} of {len(self.table)} choices made otherwise"
                + (f": {'; '.join(names)}." if names else ".")
            )
        top = self.table[self.table["id"] != "twin_coupling"].iloc[0]
        parts.append(f"The largest change is {top['change']:+.3f} in {top['most_changed']}: {top['label']}.")
        averted = self.details[self.details["quantity"].str.startswith("averted:")].reset_index(drop=True)
        if len(averted):
            leaders = [str(averted["quantity"].iloc[int(averted[side].to_numpy().argmax())]) for side in ("base", "alternative")]
            first = [label("causes", name.partition(":")[2]) for name in leaders]
            stays = f"stays first ({first[0]})" if first[0] == first[1] else f"changes from {first[0]} to {first[1]}"
            parts.append(f"With independent noise the cause whose absence would have averted most {stays}.")
        return " ".join(parts)

    def plot(self) -> Figure:
        """Return the first reason's probability and the first option's lead under each choice."""
        moved = (self.table["p_first_reason"] - self.p_first_reason).abs().fillna(0.0) + (self.table["lead"] - self.lead).abs().fillna(0.0)
        shown = self.table[moved > ROUNDING].iloc[::-1]
        figure = new_figure(2.2 + 0.25 * max(len(shown), 4))
        left, right = figure.subplots(1, 2, sharey=True)
        panels = (
            (left, "p_first_reason", "reason_changes", self.p_first_reason, "P(first reason now)"),
            (right, "lead", "option_changes", self.lead, "first option's lead, QALY"),
        )
        for axes, column, changes, base, words in panels:
            for place, (_, row) in enumerate(shown.iterrows()):
                axes.plot([base, row[column]], [place, place], color="#bbbbbb", linewidth=1.5)
                axes.scatter(row[column], place, s=26, color=COLOURS[1 if row[changes] else 0], zorder=3)
            if not np.isnan(base):
                axes.axvline(base, color=QUIET, linewidth=1)
            axes.set_xlabel(words, fontsize=8)
            axes.tick_params(axis="x", labelsize=8)
            axes.locator_params(axis="x", nbins=4)
            axes.spines[["top", "right"]].set_visible(False)
        if not np.isnan(self.p_first_reason):
            # A narrower axis would make changes look large that are not.
            low, high = left.get_xlim()
            left.set_xlim(min(low, self.p_first_reason - LEAST_RANGE), max(high, self.p_first_reason + LEAST_RANGE))
        right.axvline(0.0, color="black", linewidth=1, linestyle=":")
        left.set_yticks(range(len(shown)), [textwrap.shorten(text, 64) for text in shown["label"]], fontsize=7.5)
        figure.suptitle(self.title, fontsize=11)
        caption(figure, self.how_to_read)
        return figure


def leave_out_structure(
    patient: Patient | Mapping[str, Any] | Case,
    *,
    preferences: Preferences | None = None,
    basis: str = FITTED,
) -> LeaveOutStructure:
    """Return what happens to the answer when each choice of structure is made otherwise; exact, at the centres of the parameters.

    The choices of the network are those of `choices.CHOICES`, those of the assessment `RULES`. The other parameters are not fitted again,
    so that a change shows what the choice does to this answer, not what a network without it would have learnt. Arguments: `patient` is a
    record or a prepared `Case`. Raises the errors of `Patient` and of `Preferences`.
    """
    case = case_of(patient, preferences, basis)
    asked = _asked(case)
    names = [one.text for one in asked]
    values = _networks(case, asked)
    base = values[0]
    by_rule = _by_rule(case, asked, base)
    choices = [(choice.id, choice.label, choice.doubt) for choice in CHOICES] + [(name, *words) for name, words in RULES.items()]
    every = np.vstack([values[1:], *by_rule.values()])
    scores = _scores(case, asked, every)
    scores[len(CHOICES) + list(by_rule).index("exclude_first")] = _utility(asked, base[None])[0]
    reasons = _reasons(case, asked, every)
    base_scores, base_reasons = _scores(case, asked, base[None])[0], _reasons(case, asked, base[None])[0]
    option = int(np.argmax(base_scores))
    reason = int(np.argmax(base_reasons)) if case.explains else -1
    probabilities = [place for place, one in enumerate(asked) if one.kind in ("reason", "lda")]
    utility = [place for place, one in enumerate(asked) if one.kind == "utility"]
    averted = _averted(case)
    rows, details = [], []
    for place, (identifier, words, doubt) in enumerate(choices):
        shown = dict(zip(names, zip(base, every[place], strict=True), strict=True))
        moved = {asked[n].label(): every[place, n] - base[n] for n in probabilities}
        if identifier == "twin_coupling":
            shown = {f"averted:{cause}": pair for cause, pair in averted.items()}
            moved = {f"P(averted without {label('causes', cause)})": other - now for cause, (now, other) in averted.items()} or moved
        largest: str | None = max(moved, key=lambda name: abs(moved[name]))
        change = moved[largest or ""]
        if _rounded(change) == 0.0:
            largest, change = None, 0.0
        first_option, first_reason = int(first_of(scores[place][None])[0]), int(first_of(reasons[place][None])[0]) if case.explains else -1
        rows.append(
            (
                identifier,
                words,
                doubt,
                abs(change),
                largest,
                change,
                reason_ids()[first_reason] if first_reason >= 0 else None,
                float(reasons[place, reason]) if reason >= 0 else np.nan,
                case.options[first_option],
                _lead(scores[place], option),
                _rounded(float(np.abs(every[place, utility] - base[utility]).max())),
                first_reason != reason,
                first_option != option,
            )
        )
        details += [(identifier, name, now, then, _rounded(then - now)) for name, (now, then) in shown.items()]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).sort_values("distance", ascending=False, kind="stable").reset_index(drop=True)
    return LeaveOutStructure(
        table,
        pd.DataFrame(details, columns=["id", "quantity", "base", "alternative", "change"]),
        reason_ids()[reason] if reason >= 0 else None,
        case.options[option],
        float(base_reasons[reason]) if reason >= 0 else np.nan,
        _lead(base_scores, option),
    )


def _asked(case: Case) -> list[Quantity]:
    reasons = [Quantity("reason", name) for name in reason_ids()] if case.explains else []
    return [*reasons, *(Quantity(kind, option) for kind in ("lda", "utility") for option in case.options), OTHER_DISEASE]


def _networks(case: Case, asked: Sequence[Quantity]) -> Array:
    """Return the quantities in the central network and in each choice's, shape (1 + choices, quantities).

    Networks of one structure are answered together, as if they were parameter sets.
    """
    central = central_model(case.basis)
    values = case.values(0, DEFAULT_SEED)
    altered = [dict(choice.alter(central, values)) for choice in CHOICES]
    same = [n for n, nodes in enumerate(altered) if all(central.parents.get(name) == node.parents for name, node in nodes.items())]
    found = np.empty((1 + len(CHOICES), len(asked)))
    found[[0, *(1 + n for n in same)]] = _answered(case, _stacked(central, [altered[n] for n in same]), asked)
    for n in range(len(CHOICES)):
        if n not in same:
            found[1 + n] = _answered(case, altered_model(case, CHOICES[n]), asked)[0]
    return found


def altered_model(case: Case, choice: Choice) -> Model:
    """Return the central network with one choice made otherwise, not specialised to any record."""
    central = central_model(case.basis)
    return _rebuilt(central, choice.alter(central, case.values(0, DEFAULT_SEED)))


def _answered(case: Case, model: Model, asked: Sequence[Quantity]) -> Array:
    """Return the quantities in every set of a network, shape (sets, quantities)."""
    small = case.place.specialised(with_copies(model, copies_in(case.place.findings)))
    found = evaluate(case, small, case.values(0, DEFAULT_SEED), asked)
    return np.broadcast_to(found, (len(asked), small.draws)).T


def _stacked(central: Model, altered: Sequence[Mapping[str, Node]]) -> Model:
    """Return the networks of one structure as the parameter sets of one network; set 0 is the central one."""
    changed = {name for nodes in altered for name in nodes}
    nodes = {}
    for name in central.states:
        table = central.tables[name]
        if name in changed:
            table = draws_last(np.concatenate([table, *(mine[name].table if name in mine else table for mine in altered)]))
        nodes[name] = Node(central.parents[name], table, central.parameters[name])
    return central.restricted(nodes)


def _rebuilt(central: Model, nodes: Mapping[str, Node]) -> Model:
    """Return the network with some nodes otherwise; a new one has the states of the node whose name it begins with."""
    states = {name: central.states[name if name in central.states else name.partition("__")[0]] for name in (*central.states, *nodes)}
    own = {name: Node(central.parents[name], central.tables[name], central.parameters[name]) for name in central.states}
    return build_model(states, {**own, **nodes})


def _by_rule(case: Case, asked: Sequence[Quantity], base: Array) -> dict[str, Array]:
    """Return the quantities with each rule of the assessment left out."""
    stands = footing(case.place.patient.observations)
    free = versions(case, [()], asked, reasons=False, options=False, stand=Footing(stands.target, stands.explains, False))
    return {"target_missed": free.wanted[0], "exclude_first": base, "twin_coupling": base}


def _utility(asked: Sequence[Quantity], values: Array) -> Array:
    return values[:, [place for place, one in enumerate(asked) if one.kind == "utility"]]


def _scores(case: Case, asked: Sequence[Quantity], values: Array) -> Array:
    return np.array(with_exclusion(case.options, _utility(asked, values), values[:, -1]))


def _reasons(case: Case, asked: Sequence[Quantity], values: Array) -> Array:
    return values[:, : len(reason_ids())] if case.explains else np.empty((len(values), 0))


def _rounded(change: float) -> float:
    """Return 0 for what is rounding, and any other change as it is."""
    return 0.0 if abs(change) < ROUNDING else change


def _lead(scores: Array, option: int) -> float:
    """Return by how much an option leads the best other one."""
    others = np.delete(scores, option)
    return float(scores[option] - others.max()) if len(others) else np.nan


def _averted(case: Case) -> dict[str, tuple[float, float]]:
    """Return for each cause what its absence would have averted, with shared and with independent noise."""
    place = case.place
    if not case.explains or place.target == "met":
        return {}
    known = case.known(case.central, place.target != "undecided")
    shared = all_averted(case.central, known, Twins(case.central, known={**known.hard, **known.do}))[0]
    loose = all_averted(case.central, known, Twins(case.central, monotone=False))[0]
    return {cause: (float(one), float(other)) for cause, one, other in zip(CAUSES, shared, loose, strict=True)}
