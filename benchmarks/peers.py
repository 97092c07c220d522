"""The same answers from pyAgrum and from pgmpy: the networks are refra's, everything else is theirs.

A peer gets the network with the drug's state cut out where the drug is recorded (each drug's networks are built once, outside the time
that is taken), keeps its engines from row to row and is given a row's findings as evidence. What refra asks of the future with the
target's present state set by intervention is asked here of a network in which the arcs into `target_met` are cut.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refra.inference.asking import Known
from refra.inference.causes import CAUSES, MAIN_TARGETS, PRESENT
from refra.inference.cohort_numbers import PAIN, Key
from refra.inference.engine import Target
from refra.inference.knowledge import CENTRAL, copies_in, working_model
from refra.inference.options import harm_nodes
from refra.inference.situation import Situation
from refra.inference.twins import TARGET, Twins
from refra.model.network import Model, Node
from refra.model.outcomes import OPTIONS
from refra.model.specialise import specialise

# Both warn of their own bindings' and dependencies' deprecations while they are imported.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyagrum
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.inference import VariableElimination

    from refra.model.pgmpy_bridge import to_pgmpy

Array = NDArray[np.float64]
DRUG = "current_drug"
NOW = "now"


@dataclass(frozen=True)
class Question:
    """Targets that one network is asked for; `network` is `now`, `future` or the cause whose twin it is."""

    network: str
    targets: tuple[Target, ...]


def questions(together: str, treated: bool = True) -> list[Question]:
    """Return everything that is asked about a record.

    Args:
        together: `option`: the options one by one and the harms by themselves; `all`: the whole future in one; `single`: one target each.
        treated: whether a drug is being taken.
    """
    options = [o for o in OPTIONS if treated or o not in ("support_adherence", "optimise_exposure")]
    harms = tuple(dict.fromkeys(harm_nodes(tuple(options)).values()))
    asked = [Question(NOW, tuple(MAIN_TARGETS))]
    asked += [Question("future", (f"lda_{o}", f"acr50_{o}")) for o in options]
    asked += [Question("future", harms), Question("future", (PAIN,))]
    if together == "all":
        asked = [asked[0], Question("future", tuple(t for q in asked[1:] for t in q.targets))]
    asked += [Question(cause, (TARGET,)) for cause in CAUSES]
    if together == "single":
        asked = [Question(q.network, (target,)) for q in asked for target in q.targets]
    return asked


def with_target_cut(model: Model, state: int) -> Model:
    """Return the network with `target_met` set by intervention."""
    nodes = {name: Node(model.parents[name], model.tables[name]) for name in model.states}
    nodes["target_met"] = Node((), np.eye(model.card("target_met"))[[state]])
    return model.restricted(nodes)


def network_of(place: Situation, name: str, cut_drug: bool = True) -> Model | None:
    """Return the network that a question about a record goes to; None where there is nothing to ask."""
    model = working_model(CENTRAL, 0, 0, copies_in(place.findings))
    if cut_drug and DRUG in place.record.hard:
        model = specialise(model, {DRUG: place.record.hard[DRUG]})
    if name == NOW:
        return model if place.explains else None
    known = place.with_target_set
    twin: Model | None = model
    if name != "future":
        if not place.explains or place.target == "met":
            return None
        state = {**known.hard, **known.do}["target_met"]
        twin = Twins(model, known={"target_met": state}).without(name)
    return with_target_cut(twin, known.do["target_met"]) if twin is not None and known.do else twin


def _key(place: Situation, name: str, cut_drug: bool) -> tuple[Any, ...]:
    drug = place.record.hard.get(DRUG, -1) if cut_drug else -1
    return name, drug, place.target, place.explains, copies_in(place.findings)


def members(target: Target) -> tuple[str, ...]:
    return (target,) if isinstance(target, str) else target


def pyagrum_network(model: Model) -> Any:
    """Build a pyAgrum network from a model's first parameter set."""
    network = pyagrum.BayesNet()
    for name in model.states:
        network.add(pyagrum.LabelizedVariable(name, name, model.card(name)))
    for name, above in model.parents.items():
        for parent in above:
            network.addArc(parent, name)
    for name, above in model.parents.items():
        table = network.cpt(name)
        # pyAgrum keeps its own order of axes and names them from the last to the first.
        order = [*above, name]
        axes = [order.index(axis) for axis in reversed(table.names)]
        table[:] = np.ascontiguousarray(np.transpose(model.tables[name][0], axes))
    return network


@dataclass
class Pyagrum:
    """pyAgrum with one way of asking.

    Attributes:
        engine: name of its class of inference.
        threads: how many it may use, 0 for its own choice.
        together: which targets share an engine, see `questions`; `whole`: the present and the future too where the same is known of both.
        cut_drug: whether the drug's state is cut out of the tables beforehand.
        likelihoods: whether findings are given as likelihoods, a missing one as all ones, so that every row has the same evidence nodes.
    """

    engine: str = "LazyPropagation"
    threads: int = 1
    together: str = "option"
    cut_drug: bool = True
    likelihoods: bool = False
    _networks: dict[Any, Any] = field(default_factory=dict, repr=False)
    _engines: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        threads = "its own choice of threads" if self.threads == 0 else f"{self.threads} thread{'s' * (self.threads > 1)}"
        grouped = {
            "option": "an engine an option",
            "all": "one engine for all options",
            "whole": "one engine for causes and options",
            "single": "an engine a target",
        }[self.together]
        drug = "drug cut out" if self.cut_drug else "whole network"
        return f"{self.engine}, {threads}, {grouped}, {drug}{', findings as likelihoods' if self.likelihoods else ''}"

    def prepare(self, places: Sequence[Situation]) -> None:
        """Build the networks and engines that these records need."""
        for place in places:
            for question in self._questions(place):
                self._engine(place, question)

    def answer(self, place: Situation) -> dict[Target, Array]:
        """Return the posterior of every target; a twin's `TARGET` is under (TARGET, cause)."""
        found: dict[Any, Array] = {}
        for question in self._questions(place):
            held = self._engine(place, question)
            if held is None:
                continue
            engine, inside = held
            known = place.known if question.network == NOW else place.with_target_set
            engine.setEvidence(self._evidence(known, inside))
            engine.makeInference()
            for target in question.targets:
                if isinstance(target, str):
                    table = engine.posterior(target).toarray()
                else:
                    joint = engine.jointPosterior(set(target))
                    names = list(reversed(joint.names))
                    table = joint.toarray().transpose([names.index(name) for name in target])
                found[(TARGET, question.network) if target == TARGET else target] = table
        return found

    def _questions(self, place: Situation) -> list[Question]:
        asked = questions("all" if self.together == "whole" else self.together, place.current_drug != "none")
        if self.together == "whole" and place.explains and place.target == "undecided":
            # The same is known of the present and of the future then, in the same network.
            now, future, *twins = asked
            asked = [Question("future", (*now.targets, *future.targets)), *twins]
        return asked

    def _evidence(self, known: Known, inside: Mapping[str, int]) -> dict[str, Any]:
        hard = {name: state for name, state in {**known.hard, **known.do}.items() if name in inside}
        soft = {name: np.asarray(likelihood).tolist() for name, likelihood in known.soft.items() if name in inside}
        if not self.likelihoods:
            return {**hard, **soft}
        every: dict[str, Any] = {name: [1.0] * inside[name] for name in _OBSERVABLE if name in inside}
        return every | {name: np.eye(inside[name])[state].tolist() for name, state in hard.items()} | soft

    def _engine(self, place: Situation, question: Question) -> tuple[Any, dict[str, int]] | None:
        key = _key(place, question.network, self.cut_drug)
        if key not in self._networks:
            model = network_of(place, question.network, self.cut_drug)
            sizes = {} if model is None else {name: model.card(name) for name in model.states}
            self._networks[key] = None if model is None else (pyagrum_network(model), sizes)
        held = self._networks[key]
        if held is None:
            return None
        network, sizes = held
        if (key, question) not in self._engines:
            engine = getattr(pyagrum, self.engine)(network)
            if self.threads:
                engine.setNumberOfThreads(self.threads)
            engine.eraseAllTargets()
            for target in question.targets:
                if isinstance(target, str):
                    engine.addTarget(target)
                else:
                    engine.addJointTarget(set(target))
            self._engines[key, question] = engine
        return self._engines[key, question], sizes


def _observable() -> tuple[str, ...]:
    from refra.inference.fields import FIELD_VARIABLES

    names = [name for field_name, name in FIELD_VARIABLES.items() if field_name != "earlier"]
    return (*names, *(name for name in working_model(CENTRAL, 0, 0).states if name.startswith("earlier_")))


_OBSERVABLE = _observable()


def _joined() -> list[Question]:
    """Return the questions with each option's two outcomes, and each class's harms, as one joint target."""
    result = []
    for question in questions("option"):
        by_end: dict[str, list[str]] = {}
        for target in question.targets:
            alone = question.network == NOW or not isinstance(target, str)
            end = str(target) if alone else next((o for o in OPTIONS if str(target).endswith(f"_{o}")), str(target))
            by_end.setdefault(end, []).extend([target] if isinstance(target, str) else target)
        result += [Question(question.network, (tuple(names) if len(names) > 1 else names[0],)) for names in by_end.values()]
    return result


@dataclass
class Pgmpy:
    """pgmpy's variable elimination.

    Attributes:
        order: its way of choosing the order of elimination (`greedy` is opt_einsum's).
        joint: whether each option's two outcomes, and each class's harms, are asked as one joint target; else one query a target.
    """

    order: str = "greedy"
    joint: bool = True
    _networks: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        queries = "a joint query for each option's outcomes and each class's harms" if self.joint else "a query a target"
        return f"VariableElimination, elimination_order={self.order!r}, {queries}, drug cut out"

    def prepare(self, places: Sequence[Situation]) -> None:
        """Build the networks that these records need."""
        for place in places:
            for question in questions("option"):
                self._network(place, question.network)

    def answer(self, place: Situation) -> dict[Any, Array]:
        """Return the posteriors as `Pyagrum.answer` does."""
        found: dict[Any, Array] = {}
        for question in _joined() if self.joint else questions("single"):
            held = self._network(place, question.network)
            if held is None:
                continue
            engine, model = held
            known = place.known if question.network == NOW else place.with_target_set
            (target,) = question.targets
            names = list(members(target))
            evidence = {n: model.states[n][s] for n, s in {**known.hard, **known.do}.items() if n in model.states}
            virtual = [_virtual(model, name, np.asarray(weights)) for name, weights in known.soft.items() if name in model.states]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                factor = engine.query(
                    names, evidence=evidence, virtual_evidence=virtual or None, elimination_order=self.order, show_progress=False
                )
            table = factor.values.transpose([factor.variables.index(name) for name in names])
            if target == TARGET:
                found[TARGET, question.network] = table
            elif isinstance(target, str) or target == PAIN:
                found[target] = table
            else:
                for axis, name in enumerate(names):
                    found[name] = table.sum(axis=tuple(other for other in range(table.ndim) if other != axis))
        return found

    def _network(self, place: Situation, name: str) -> tuple[Any, Model] | None:
        key = _key(place, name, True)
        if key not in self._networks:
            model = network_of(place, name)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._networks[key] = None if model is None else (VariableElimination(to_pgmpy(model)), model)
        held: tuple[Any, Model] | None = self._networks[key]
        return held


def _virtual(model: Model, name: str, weights: Array) -> Any:
    return TabularCPD(name, len(weights), (weights / weights.sum())[:, None], state_names={name: list(model.states[name])})


def as_numbers(place: Situation, found: Mapping[Any, Array]) -> dict[Key, float]:
    """Write a peer's posteriors as the numbers that refra gives (`cohort_numbers.Numbers.values`), as far as they were asked for."""
    model = working_model(CENTRAL, 0, 0)
    result: dict[Key, float] = {}
    for cause, (variable, states) in PRESENT.items():
        if variable in found:
            result["cause", cause, "probability"] = float(sum(found[variable][model.position(variable, state)] for state in states))
        if (TARGET, cause) in found:
            result["cause", cause, "averted"] = float(found[TARGET, cause][1])
    for part, variable in (("reason", "primary_reason"), ("driver", "driver")):
        if variable in found:
            result |= {(part, s, "probability"): float(p) for s, p in zip(model.states[variable], found[variable], strict=True)}
    options = tuple(o for o in OPTIONS if any(f"{measure}_{o}" in found for measure in ("lda", "acr50")))
    for option in options:
        for measure in ("lda", "acr50"):
            if f"{measure}_{option}" in found:
                result["option", option, measure] = float(found[f"{measure}_{option}"][1])
    if PAIN in found:
        result["", "", "painful"] = float(1 - found[PAIN][0, 0])
        result["", "", "other_disease"] = float(found[PAIN][:, 1].sum())
    for (harm, option), node in harm_nodes(options).items():
        if node in found:
            result["option", option, harm] = float(found[node][1])
    return result
