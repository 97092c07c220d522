"""The choices of structure that can be doubted, each with the network in which it is made otherwise.

An arc that is cut leaves the child's table averaged over the parent, with the parent's marginal in the network before any patient. A choice
that is a number is set to the value at which it has no effect. Nothing here adds a number of its own: the alternatives are what is left
when a choice is taken back, or the extreme that the choice keeps away from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ...data.loading import evidence
from ...model.assembly import SPECS
from ...model.draws import Draws
from ...model.drug_classes import CLASSES
from ...model.families import along, binary, expit, lift, logit
from ...model.network import Model, Node
from ...model.on_demand import OnDemand
from ..asking import Known, ask

Array = NDArray[np.float64]

Alteration = Callable[[Model, Draws], Mapping[str, Node]]
"""From the central network and its parameter values to the nodes that are otherwise (or new)."""

TINY = 1e-9
FRESH = "__own"


@dataclass(frozen=True)
class Choice:
    """A choice that can be doubted: `label` says what is done instead, `doubt` why one might; `alter` gives the nodes of that network."""

    id: str
    label: str
    doubt: str
    alter: Alteration


def cut(*arcs: tuple[str, str]) -> Alteration:
    """Return the alteration that cuts arcs, given as (child, parent)."""

    def alter(model: Model, values: Draws) -> Mapping[str, Node]:
        del values
        nodes: dict[str, Node] = {}
        marginals = ask(model, Known(), dict.fromkeys(parent for _, parent in arcs))
        for child, parent in arcs:
            node = nodes.get(child, Node(model.parents[child], model.tables[child], model.parameters[child]))
            nodes[child] = Node(node.parents, averaged(node.table, 1 + node.parents.index(parent), marginals[parent][0]), node.parameters)
        return nodes

    return alter


def averaged(table: Array, axis: int, weights: Array) -> Array:
    """Return a table of the same shape that is averaged along one axis with some weights."""
    shape = [1] * table.ndim
    shape[axis] = len(weights)
    mean = (table * weights.reshape(shape)).sum(axis=axis, keepdims=True)
    return np.broadcast_to(mean, table.shape)


def set_records(**records: float | str) -> Alteration:
    """Return the alteration that sets records, written with `__` for the dot, to a number or to another record's value."""
    wanted = {name.replace("__", "."): value for name, value in records.items()}

    def alter(model: Model, values: Draws) -> Mapping[str, Node]:
        def value(identifier: str) -> Array:
            given = wanted.get(identifier, identifier)
            return values[given] if isinstance(given, str) else np.array([given])

        changed = Draws(OnDemand(values.values, value), values.count)
        readers = [name for name in SPECS if not wanted.keys().isdisjoint(model.parameters[name])]
        return {name: SPECS[name].build(name, changed) for name in readers}

    return alter


def edited(name: str, edit: Callable[[Array], None]) -> Alteration:
    """Return the alteration that changes one node's table in place."""

    def alter(model: Model, values: Draws) -> Mapping[str, Node]:
        del values
        table = np.array(model.tables[name])
        edit(table)
        return {name: Node(model.parents[name], table, model.parameters[name])}

    return alter


def _low_as(level: int) -> Callable[[Array], None]:
    def edit(table: Array) -> None:
        table[:, 1, 1] = table[:, 1, level]

    return edit


def _all_in_first(table: Array) -> None:
    table[...] = 0.0
    table[..., 0] = 1.0


def _exact(table: Array) -> None:
    table[...] = np.eye(table.shape[-1])


def _own_coverage(model: Model, values: Draws) -> Mapping[str, Node]:
    """Give the current drug and every earlier drug a coverage of its own, drawn anew from the same driver and trait."""
    del values
    current = "covered_current"
    nodes: dict[str, Node] = {}
    renamed: dict[str, str] = {}
    for drug_class in CLASSES:
        shared, earlier = f"covered_{drug_class}", f"earlier_{drug_class}"
        renamed[shared] = f"{shared}{FRESH}"
        nodes[renamed[shared]] = Node(model.parents[shared], model.tables[shared], model.parameters[shared])
        # Summed over, an earlier drug's own coverage needs no node, and two drugs of a class have two.
        nodes[earlier] = Node(model.parents[shared], model.tables[shared] @ model.tables[earlier][0], model.parameters[earlier])
    parents = tuple(renamed.get(name, name) for name in model.parents[current])
    return {**nodes, current: Node(parents, model.tables[current], model.parameters[current])}


def _antibodies_block(model: Model, values: Draws) -> Mapping[str, Node]:
    """Let a high titre leave nothing of the drug's effect, whatever the level."""
    del values
    table = np.stack([model.tables["engagement"]] * 3, axis=3)
    table[:, 1, :, 2] = table[:, 1, :1, 2]
    return {"engagement": Node((*model.parents["engagement"], "ada"), table, model.parameters["engagement"])}


def _depression_on_adherence(model: Model, values: Draws) -> Mapping[str, Node]:
    """Let depression lower adherence by the published odds ratio, the average over patients being kept."""
    effect = np.log(float(evidence()["adh_depress_or_tnfi_desilet2020"].value))
    depressed = float(values["depression.prevalence"][0])
    table = model.tables["adherence"][..., None, :]
    full = expit(logit(table[..., 0]) + along(2, 3, [depressed * effect, (depressed - 1) * effect]))
    rest = table[..., 1:] / table[..., 1:].sum(axis=-1, keepdims=True)
    whole = np.concatenate([full[..., None], (1 - full)[..., None] * rest], axis=-1)
    return {"adherence": Node((*model.parents["adherence"], "depression"), whole, model.parameters["adherence"])}


def _larger_response(model: Model, values: Draws) -> Mapping[str, Node]:
    """Let a response be the larger of contextual and drug response, not their sum on the probability scale."""
    nodes = {}
    for drug_class in CLASSES:
        name = f"response_{drug_class}"
        smoking = np.zeros(1) if drug_class == "rituximab" else values["response.smoking"]
        contextual = expit(logit(lift(values["response.contextual"], 4)) + along(2, 4, [np.zeros(1), np.zeros(1), smoking]))
        gain = (model.tables[name][..., 1] - contextual) / (1 - contextual)
        nodes[name] = Node(model.parents[name], binary(np.maximum(gain, contextual)), model.parameters[name])
    return nodes


def _of_each(pattern: str, parent: str) -> tuple[tuple[str, str], ...]:
    return tuple((pattern.format(drug_class), parent.format(drug_class)) for drug_class in CLASSES)


CHOICES: tuple[Choice, ...] = (
    Choice(
        "coverage_persists",
        "Each drug has a coverage of its own",
        "That drugs of one class share one lasting coverage is read off how second drugs of a class do; nobody has measured it.",
        _own_coverage,
    ),
    Choice(
        "multi_refractory",
        "No refractory trait",
        "The trait is there so that responses fall with each line as published; its frequency is judgement and no test shows it.",
        cut(*_of_each("covered_{}", "multi_refractory")),
    ),
    Choice(
        "earlier_labels",
        "Outcomes of earlier drugs say nothing",
        "How an earlier drug ended is recalled and labelled loosely; how much such a label says is judgement.",
        cut(*_of_each("earlier_{}", "covered_{}")),
    ),
    Choice(
        "additive_response",
        "Contextual and drug response do not add",
        "That risk differences are the same over trials is an average; in one patient the two need not be independent.",
        _larger_response,
    ),
    Choice(
        "contextual_response",
        "No contextual response",
        "In routine care part of what trials call contextual response is regression to the mean and may not come.",
        set_records(response__contextual=TINY),
    ),
    Choice(
        "antibodies_through_level",
        "High-titre antibodies block the drug whatever the level",
        "Given the level antibodies add about nothing in series; assays that do not see bound drug could hide a direct effect.",
        _antibodies_block,
    ),
    Choice(
        "low_level_none",
        "A low level is no better than none",
        "How much a low but detectable level still does rests on areas under the curve of 0.63 to 0.70.",
        edited("engagement", _low_as(0)),
    ),
    Choice(
        "low_level_enough",
        "A low level is as good as one in range",
        "The ranges come from a few drugs and assays; about a third of patients doing well have a low level.",
        edited("engagement", _low_as(2)),
    ),
    Choice(
        "antibodies_next_drug",
        "Antibodies do not harm the next TNF inhibitor",
        "That antibodies to one drug foretell antibodies to the next rests on small series.",
        cut(("next_exposure_tnf_inhibitor", "ada")),
    ),
    Choice(
        "infliximab_spread",
        "Infliximab clears as other antibodies do",
        "Its wider spread of troughs and stronger effect of clearance are set apart on a few studies.",
        set_records(exposure__scatter_infliximab="exposure.scatter", exposure__fast_clearance_infliximab="exposure.fast_clearance"),
    ),
    Choice(
        "depression_adherence",
        "Depression lowers adherence",
        "The odds ratio is small (1.14), and the arc was left out to keep the network small.",
        _depression_on_adherence,
    ),
    Choice(
        "smoking_coverage",
        "Smoking does not change coverage by TNF inhibitors",
        "The association is observational; the path that the source document proposes is not borne out.",
        cut(("covered_tnf_inhibitor", "smoking")),
    ),
    Choice(
        "smoking_response",
        "Smoking does not change the response to a new drug",
        "The effect is taken to be the same for every class but rituximab, for which it was not seen.",
        cut(*_of_each("response_{}", "smoking")),
    ),
    Choice(
        "smoking_antibodies",
        "Smoking does not raise antibodies",
        "One cohort saw it, and adherence may differ with smoking.",
        cut(("ada", "smoking")),
    ),
    Choice(
        "smoking_synovitis",
        "Smoking does not raise synovitis",
        "Smokers differ from others in more than smoking.",
        cut(("synovitis", "smoking")),
    ),
    Choice(
        "bmi_next_drug",
        "Body mass does not change the next drug",
        "The effect on the next drug's level and response is carried over from studies of first drugs.",
        cut(
            ("next_exposure_tnf_inhibitor", "bmi_class"),
            ("next_exposure_il6r_inhibitor", "bmi_class"),
            *_of_each("response_{}", "bmi_class"),
        ),
    ),
    Choice(
        "bmi_clearance",
        "Body mass does not change clearance",
        "Drugs differ in how far weight changes their clearance; the network has one effect.",
        cut(("clearance", "bmi_class")),
    ),
    Choice(
        "rf_clearance",
        "Very high rheumatoid factor does not change clearance",
        "That rheumatoid factor binds the drug's Fc part is shown by few groups.",
        cut(("clearance", "autoantibody")),
    ),
    Choice(
        "serology_coverage",
        "Serology does not change coverage by abatacept and rituximab",
        "Seropositivity foretells response on average; trials that chose by it are few.",
        cut(("covered_abatacept", "autoantibody"), ("covered_rituximab", "autoantibody")),
    ),
    Choice(
        "serology_driver",
        "Serology says nothing of the driver",
        "Synovial B cells are as frequent with and without autoantibodies in tissue studies.",
        cut(("driver", "autoantibody")),
    ),
    Choice(
        "b_cells_coverage",
        "Synovial B cells speak through the driver alone",
        "That the finding speaks for rituximab beyond the driver is judgement: through the driver alone it would lose its force.",
        cut(("synovial_b_cells", "covered_rituximab")),
    ),
    Choice(
        "severity_markers",
        "Severity does not move IL-6, GM-CSF and the molecular signature",
        "Severity is a construct that keeps these tests from being counted several times; its size is judgement.",
        cut(("il6_axis", "severity"), ("gm_csf_level", "severity"), ("msrc", "severity")),
    ),
    Choice(
        "acute_phase_masking",
        "No drug masks CRP and ESR",
        "IL-6 receptor inhibitors certainly do; how far JAK inhibitors and low levels do is judgement.",
        edited("acute_phase_block", _all_in_first),
    ),
    Choice(
        "response_label_exact",
        "The recorded course is exact",
        "It is taken to be right in little more than half of patients; a careful clinic may do better.",
        edited("response_pattern", _exact),
    ),
    Choice(
        "response_label_nothing",
        "The recorded course says nothing",
        "It is a label given in hindsight.",
        cut(("response_pattern", "true_course")),
    ),
    Choice(
        "months_on_drug",
        "Time on the drug says nothing of its course",
        "How long patients stay depends on clinics and on what else is to be had.",
        cut(("months_on_drug", "true_course")),
    ),
    Choice(
        "escape",
        "The disease never leaves a pathway",
        "The rate of escape is a few per cent a year by judgement; a late loss of response is its only sign.",
        edited("escape", _all_in_first),
    ),
    Choice(
        "depression_fibromyalgia",
        "Fibromyalgia is independent of depression",
        "The two questionnaires share items, so that part of the association is in the instruments.",
        cut(("fibromyalgia", "depression")),
    ),
    Choice(
        "other_disease_drug",
        "Other diseases do not depend on the drug",
        "How much rarer such a lupus is on other drugs is judgement.",
        cut(("other_disease", "current_drug")),
    ),
)
"""Every choice that is a matter of the network itself; the rules of the assessment are in `structure`."""

BY_ID: Mapping[str, Choice] = MappingProxyType({choice.id: choice for choice in CHOICES})
