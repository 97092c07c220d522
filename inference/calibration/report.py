"""The pages on the joint fit, written from its results: `python -m refra.inference.calibration.report docs`."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ...data.loading import evidence, parameters
from ...data.tables import read_csv, read_text
from ..display_validation import number, plot_check, with_bounds
from ..influence import UNTOUCHED, contractions
from .checking import Check
from .diagnosing import PARAMETER_COLUMNS, ROW_COLUMNS
from .reading import calibration_targets, unexpressed
from .validating import validation

CONFLICT = 2.0
MOST = 25

HEAD = """---
hide: [toc]
---
<!-- Written by `python -m refra.inference.calibration.report docs` from `data/posterior`; not to be edited. -->

# The joint fit in numbers

What the misses mean stands in [the validation](validation.md), what the fit changes in the answers in [its gains](gains.md).
"""

NUMBER = re.compile(r"[-+–]?\d|–?$")
"""How a cell begins that holds a number, or none."""


def table(heads: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown; columns of numbers are set right."""
    rows = [[str(cell) for cell in line] for line in lines]
    right = [n > 0 and all(NUMBER.match(row[n]) for row in rows) for n in range(len(heads))]
    rule = "".join("---:|" if number else "---|" for number in right)
    return "\n".join([f"| {' | '.join(heads)} |", f"|{rule}", *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def _read(name: str, columns: tuple[str, ...], text: Sequence[str]) -> pd.DataFrame:
    frame = pd.DataFrame([row for _, _, row in read_csv("posterior", name, columns=columns)], columns=list(columns))
    numeric = [column for column in columns if column not in text]
    frame[numeric] = frame[numeric].apply(pd.to_numeric)
    return frame


def _sampler(note: dict[str, Any]) -> str:
    own = len(parameters())
    counts = {**note, "parameters": own, "parameters of the method": note["parameters"] - own}
    names = ("targets", "parameters", "parameters of the method", "chains", "warmup", "draws", "divergences")
    lines = [(name, f"{counts[name]:g}") for name in names]
    lines += [(name, f"{note[name]:.3g}") for name in ("largest R-hat", "least effective sample size", "gradients a draw", "minutes")]
    spread = [(name, *(f"{q:.2f}" for q in quantiles)) for name, quantiles in note["between studies"].items()]
    return (
        f"## The sampler\n\n{table(('what', 'value'), lines)}\n"
        "Standard deviation between studies by design, on the scales of the likelihoods (posterior median with 5 and 95 %):\n\n"
        + table(("design", "5 %", "median", "95 %"), spread)
    )


def _moved(found: pd.DataFrame, draws: int) -> str:
    own = found[found["parameter"].isin(parameters())].assign(contraction=lambda rows: rows["parameter"].map(contractions()))
    # Draws of a parameter that no row asks about stray from its prior by chance.
    own.loc[own["contraction"] <= UNTOUCHED, "conflict"] = math.nan
    untouched = own[own["contraction"] <= UNTOUCHED]
    moved = own.sort_values("contraction", ascending=False).head(MOST)
    conflicts = own[own["conflict"].abs() > CONFLICT].sort_values("conflict", key=abs, ascending=False)
    statuses = {identifier: record.status for identifier, record in parameters().items()}
    by_node = untouched["parameter"].map(lambda name: parameters()[name].node).value_counts()

    def lines(rows: pd.DataFrame, last: str) -> list[tuple[str, ...]]:
        return [
            (r["parameter"], statuses[r["parameter"]], f"{r['mean']:+.2f}", f"{r['sd']:.2f}", f"{r[last]:.2f}") for _, r in rows.iterrows()
        ]

    share = len(untouched) / len(own)
    # The variance of n independent normal draws has a relative standard error of sqrt(2 / n).
    noise = math.sqrt(2 / own["effective"].clip(upper=draws).median())
    return (
        "## What the evidence touches\n\n"
        f"Of {len(own)} parameters {len(untouched)} ({100 * share:.0f} %) are left as they were by all rows together (contraction of at "
        f"most {UNTOUCHED}): their posterior is their prior, whether that was measured or judged. Where an answer rests on them the fit "
        "has not made it surer. `mean` and `sd` are in prior standard deviations from the prior's centre; `contraction` is 1 - sd², with "
        f"a Monte Carlo error of about {noise:.2f} where it is near 0.\n\n"
        f"Most contracted:\n\n{table(('parameter', 'status', 'mean', 'sd', 'contraction'), lines(moved, 'contraction'))}\n"
        "Prior and evidence in conflict (mean over the square root of the contraction beyond 2):\n\n"
        f"{table(('parameter', 'status', 'mean', 'sd', 'conflict'), lines(conflicts, 'conflict'))}\n"
        "Untouched parameters by node (nodes with five or more):\n\n"
        + table(("node", "parameters"), [(node, count) for node, count in by_node.items() if count >= 5])
    )


def _disagreeing(found: pd.DataFrame) -> str:
    odd = found[found["left_out_z"].abs() > CONFLICT].sort_values("left_out_z", key=abs, ascending=False)
    lines = [(r.evidence, evidence()[str(r.evidence)].topic, f"{r.left_out_z:+.1f}", r.opposed_by) for r in odd.itertuples()]
    return (
        "## Rows that disagree\n\n"
        "Rows that lie more than two standard deviations from what the priors and all other rows predict for them, and the row that pulls "
        f"that prediction away most:\n\n{table(('row', 'topic', 'distance', 'opposed by'), lines)}"
    )


def _checked(title: str, found: Check) -> str:
    heads = ("topic", "rows", "proportions", "within 0.08", "mean abs. error", "ratios", "inside published", "comparisons", "signs right",
             "in 90 %", "in 50 %")  # fmt: skip
    lines = [tuple(cell if isinstance(cell, str | int) else number(cell) for cell in row) for row in found.summary.itertuples(index=False)]
    return f"## {title}\n\n{table(heads, lines)}"


def _all_rows(found: Check) -> str:
    heads = ("row", "measure", "published", "predicted (90 %)", "expected (90 %)", "error", "sign", "in 90 %")
    lines = [
        (
            row["evidence"], row["measure"], with_bounds(row, "published"), with_bounds(row, "prediction"),
            f"{number(row['expected_low'])} to {number(row['expected_high'])}", f"{row['error']:+.2f}",
            "–" if row["sign_right"] is None else "right" if row["sign_right"] else "wrong", "yes" if row["covered_90"] else "no",
        )
        for _, row in found.rows.sort_values(["topic", "evidence"]).iterrows()
    ]  # fmt: skip
    return table(heads, lines)


def write(folder: Path) -> None:
    """Write `fit.md` and its two pictures into a folder."""
    note = json.loads(read_text("posterior", "fit.json"))
    fitted_to, kept_back, before = validation("calibration"), validation("validation"), validation("validation", "prior")
    plot_check(fitted_to, str(folder / "fit_check.svg"))
    plot_check(kept_back, str(folder / "validation_check.svg"))
    parts = [
        HEAD,
        _sampler(note),
        f"{len(calibration_targets())} rows are fitted to; {len(unexpressed())} others (one of them kept back) cannot be expressed, each "
        "with its reason in `data/targets/unexpressed.csv`.\n",
        _moved(_read("parameters.csv", PARAMETER_COLUMNS, ("parameter",)), note["chains"] * note["draws"]),
        _disagreeing(_read("rows.csv", ROW_COLUMNS, ("evidence", "opposed_by"))),
        _checked("Rows that were fitted to", fitted_to),
        "![Published against predicted, rows that were fitted to](fit_check.svg)\n",
        _checked("Rows that were kept back", kept_back),
        "![Published against predicted, rows that were kept back](validation_check.svg)\n",
        "The same before the fit, every record by itself:\n\n" + _checked("Rows that were kept back, before the fit", before),
        "## Every row that was kept back\n\n" + _all_rows(kept_back),
        "## Every row that was fitted to\n\n" + _all_rows(fitted_to),
    ]
    (folder / "fit.md").write_text("\n".join(parts), encoding="utf-8")


def main() -> None:
    """Write the pages into the folder named on the command line."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m refra.inference.calibration.report FOLDER")
    write(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
