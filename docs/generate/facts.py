"""Numbers about the model that the pages quote, counted in the installed data; `{{ name }}` in a page stands for one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from statistics import median_low
from textwrap import indent

from refra import __version__
from refra.data.fitted import fitted
from refra.data.loading import ROLES, STATUSES, USES, VERIFIED, evidence, parameters, studies, unused_evidence, variables
from refra.inference.calibration.reading import calibration_targets, unexpressed, validation_targets
from refra.inference.calibration.validating import validation
from refra.model.assembly import central_model
from refra.model.draws import DEFAULT_DRAWS, DEFAULT_SEED
from refra.model.outcomes import OPTIONS

from .claims import shown_by
from .parameters import after_the_fit, kind_and_scale, on_record, untouched
from .reference import commands
from .units import units_table
from .writing import address, code, number, parameter_path, parameters_path, study_path, table, words

PLACE = re.compile(r"(?:(?<=\n)( +))?\{\{ ([a-z0-9_.]+) \}\}")


GAINS = Path(__file__).parents[1] / "gains.md"
WIDTHS = re.compile(r"^\| [\w ]+ \| ([0-9.]+) \| ([0-9.]+) \| \w+ \| \w+ \|$", flags=re.MULTILINE)
"""A line of the page's table of mean interval widths."""


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return a page with its `{{ name }}` replaced; raises `KeyError` that names what is not known.

    Several lines in an indented place are all indented.
    """

    def replaced(found: re.Match[str]) -> str:
        return indent(values[found.group(2)], found.group(1) or "")

    return PLACE.sub(replaced, text)


def percent(part: int, whole: int) -> str:
    """Return a share in whole percent."""
    return f"{100 * part / whole:.0f} %"


def _shares(counts: Counter[str], kinds: Iterable[str], prefix: str) -> dict[str, str]:
    found = {f"{prefix}.total": str(counts.total())}
    for kind in kinds:
        found[f"{prefix}.{kind}"] = str(counts[kind])
        found[f"{prefix}.{kind}_share"] = percent(counts[kind], counts.total())
    return found


def _network() -> dict[str, str]:
    model = central_model()
    cells = sum(model.tables[name][0].size for name in model.parents)
    return {
        "network.arcs": str(sum(len(parents) for parents in model.parents.values())),
        "network.cells": f"{cells:,}",
        "network.options": str(len(OPTIONS)),
        "network.most_parents": str(max(len(parents) for parents in model.parents.values())),
    }


def _by_node() -> str:
    rows = []
    for node in ("driver", "exposure", "ada", "escape", "multi_refractory", "other_disease", "true_course", "fibromyalgia", "utility"):
        names = [name for name, record in parameters().items() if record.node == node]
        judged = sum(parameters()[name].status == "judgement" for name in names)
        label = variables()[node].label["en"] if node in variables() else "Weights of the utility"
        link = f"[{label}](../{parameters_path(node)})"
        rows.append((link, str(len(names)), percent(judged, len(names)), percent(sum(map(untouched, names)), len(names))))
    return table(("Node", "Parameters", "Judged", "Left as they were by the fit"), rows)


def _against() -> str:
    rows = []
    for record in parameters().values():
        for row in map(evidence().__getitem__, record.evidence_against):
            place = f"[{code(record.id)}](../{parameter_path(record.id)})"
            source = f"[{code(row.id)}](../{study_path(row.study_id)}#{address(row.id)})"
            fit, _ = after_the_fit(record.id, on_record(record.id)["fitted"])
            published = f"{number(row.value)} ({words(row.measure)})"
            rows.append((place, kind_and_scale(record), number(record.centre), fit, source, published))
    return table(("Parameter", "Kind", "Record", "After the joint fit", "Row against it", "Published value"), rows)


def _predictions(basis: str, prefix: str) -> dict[str, str]:
    """Return how the rows kept back were predicted, on one basis."""
    summary = validation("validation", basis, DEFAULT_DRAWS, DEFAULT_SEED).summary.set_index("topic").loc["all"]

    def counted(share: str, of: str) -> str:
        return f"{summary[share] * summary[of]:.0f} of {summary[of]:.0f}"

    return {
        f"{prefix}.rows": f"{summary['rows']:.0f}",
        f"{prefix}.covered_90": f"{summary['covered_90']:.0%}".replace("%", " %"),
        f"{prefix}.covered_50": f"{summary['covered_50']:.0%}".replace("%", " %"),
        f"{prefix}.error": f"{summary['mean_absolute_error']:.2f}",
        f"{prefix}.proportions": f"{summary['proportions']:.0f}",
        f"{prefix}.close": counted("close", "proportions"),
        f"{prefix}.ratios": counted("ratios_within", "ratios"),
        f"{prefix}.signs": counted("signs_right", "comparisons"),
    }


def _gains() -> dict[str, str]:
    """Return by how much the fit narrows the intervals of the examples, least and most, as the page of the gains prints them."""
    widths = [(float(before), float(after)) for before, after in WIDTHS.findall(GAINS.read_text(encoding="utf-8"))]
    narrowed = [1 - after / before for before, after in widths]
    return {"gains.least": f"{100 * min(narrowed):.0f} %", "gains.most": f"{100 * max(narrowed):.0f} %"}


@cache
def facts() -> Mapping[str, str]:
    """Return every number that a page may quote, as text."""
    records = parameters()
    contested = [record for record in records.values() if record.evidence_against]
    return {
        "version": __version__,
        "commands": ", ".join(f"`refra {name}`" for name in commands()),
        **_shares(Counter(variable.role for variable in variables().values()), ROLES, "variables"),
        **_shares(Counter(record.status for record in records.values()), STATUSES, "parameters"),
        **_shares(Counter(row.use for row in evidence().values()), USES, "evidence"),
        **{f"evidence.{kind}": str(sum(row.verified == kind for row in evidence().values())) for kind in VERIFIED},
        **_network(),
        "parameters.contested": str(len(contested)),
        "parameters.unused_rows": str(len(unused_evidence())),
        "parameters.untouched": str(sum(map(untouched, records))),
        "parameters.untouched_share": percent(sum(map(untouched, records)), len(records)),
        "parameters.by_node": _by_node(),
        "parameters.against": _against(),
        "studies.median_year": str(median_low(int(study.year) for study in studies().values() if study.year)),
        "studies.total": str(len(studies())),
        "studies.identified": str(sum(bool(study.doi or study.pmid) for study in studies().values())),
        "fit.targets": str(len(calibration_targets())),
        "fit.kept_back": str(len(validation_targets())),
        "fit.unexpressed": str(len(unexpressed())),
        "units": units_table(),
        **_gains(),
        **shown_by(),
        "fit.draws": str(len(fitted().deviates)),
        **_predictions("fitted", "validation"),
        **_predictions("prior", "validation.prior"),
        **{f"value.{row.id}": number(row.value) for row in evidence().values()},
    }
