"""Summary nodes: the exclusive primary reason, divorced through small intermediate nodes (definitions, no parameters)."""

from __future__ import annotations

from .arrays import Array
from .building import NodeSpec, Values, states
from .families import deterministic, shared

QUIET, LOW = 0, 1
IN_RANGE = 2
POOR, PARTIAL = 2, 1
HIGH_TITRE, LOW_TITRE = 2, 1
REASONS = states("primary_reason")


def pain_source(v: Values) -> Array:
    """Parents: fibromyalgia, osteoarthritis, depression."""
    del v
    return deterministic((2, 2, 2), 2, lambda *present: int(any(present)))


def missing_drug_shares(exposure: int, adherence: int, ada: int, clearance: int) -> tuple[float, float, float, float]:
    """Return the shares of (drug on board, non-adherence, immunogenicity, other) for state positions.

    Poor adherence explains the missing drug, then high titre does. Partial adherence and low titre are each half an explanation: together
    they share it; alone, each shares it with fast clearance where that is present and has it otherwise; without either it is `other`.
    """
    if exposure == IN_RANGE:
        return (1.0, 0.0, 0.0, 0.0)
    if adherence == POOR:
        return (0.0, 1.0, 0.0, 0.0)
    if ada == HIGH_TITRE:
        return (0.0, 0.0, 1.0, 0.0)
    if adherence == PARTIAL and ada == LOW_TITRE:
        return (0.0, 0.5, 0.5, 0.0)
    other = 0.5 if clearance else 0.0
    if adherence == PARTIAL:
        return (0.0, 1 - other, 0.0, other)
    if ada == LOW_TITRE:
        return (0.0, 0.0, 1 - other, other)
    return (0.0, 0.0, 0.0, 1.0)


def missing_drug_reason(v: Values) -> Array:
    """Parents: exposure, adherence, ada, clearance."""
    del v
    return shared((3, 3, 3, 2), 4, missing_drug_shares)


def _escaped(course: int, escape: int) -> bool:
    return bool(escape) or course == states("true_course").index("lost")


def mechanism_reason(v: Values) -> Array:
    """Parents: true_course, escape."""
    del v
    return deterministic((len(states("true_course")), 2), 2, lambda course, escape: int(_escaped(course, escape)))


def mechanism_cause(v: Values) -> Array:
    """Parents: covered_current, mechanism_reason."""
    del v
    return deterministic((2, 2), 3, lambda covered, kind: 0 if covered else 1 + kind)


def primary_reason_of(other: int, synovitis: int, pain: int, missing: int, mechanism: int) -> int:
    """Return the position of the primary reason for state positions, in the settled order.

    Another disease; not inflammation (no synovitis, or low with a source of pain); the drug missing; the mechanism.
    """
    if other:
        return REASONS.index("other_disease")
    if synovitis == QUIET or (synovitis == LOW and pain):
        return REASONS.index("non_inflammatory")
    if missing:
        return REASONS.index(states("missing_drug_reason")[missing])
    return REASONS.index(states("mechanism_reason")[mechanism])


def primary_reason(v: Values) -> Array:
    """Parents: other_disease_active, synovitis, pain_source, missing_drug_reason, mechanism_reason."""
    del v
    return deterministic((2, 4, 2, 4, 2), len(REASONS), primary_reason_of)


NODES = {
    "pain_source": NodeSpec(("fibromyalgia", "osteoarthritis", "depression"), pain_source),
    "missing_drug_reason": NodeSpec(("exposure", "adherence", "ada", "clearance"), missing_drug_reason),
    "mechanism_reason": NodeSpec(("true_course", "escape"), mechanism_reason),
    "mechanism_cause": NodeSpec(("covered_current", "mechanism_reason"), mechanism_cause),
    "primary_reason": NodeSpec(
        ("other_disease_active", "synovitis", "pain_source", "missing_drug_reason", "mechanism_reason"), primary_reason
    ),
}
