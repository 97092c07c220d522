"""Answers for the example patients before and after the joint fit: `python -m refra.inference.calibration.gains docs/gains.md`."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from ...model.draws import FITTED, PRIOR
from ..assessment import Assessment, assess
from ..patient import Patient
from ..patient_files import as_record, example_texts, parse_yaml
from .report import table

HEAD = """---
hide: [toc]
---
<!-- Written by `python -m refra.inference.calibration.gains docs/gains.md`; not to be edited. -->

# What the joint fit changes in the answers

For every example patient the three first reasons and options, with every record by itself (before) and with the joint posterior given all
published numbers together (after). Intervals are central 95 % over 400 parameter sets.

"""


def _cell(row: pd.Series, value: str, low: str, high: str) -> str:
    return f"{row[value]:.3f} ({row[low]:.3f} to {row[high]:.3f})"


def _both(before: pd.DataFrame, after: pd.DataFrame, value: str, low: str, high: str) -> list[tuple[str, ...]]:
    """Return a line for each id that is among the first three before or after."""
    shown = dict.fromkeys([*after["id"].head(3), *before["id"].head(3)])
    old, new = before.set_index("id"), after.set_index("id")
    lines = []
    for name in shown:
        places = (str(list(frame["id"]).index(name) + 1) for frame in (before, after))
        lines.append((name, _cell(old.loc[name], value, low, high), _cell(new.loc[name], value, low, high), *places))
    return lines


def compared(name: str, before: Assessment, after: Assessment) -> str:
    """Return one patient's answers side by side, as Markdown."""
    heads = ("before", "after", "place before", "place after")
    parts = [f"## {name.replace('_', ' ').capitalize()}\n"]
    if len(after.reasons):
        parts.append(table(("reason: probability", *heads), _both(before.reasons, after.reasons, "probability", "low", "high")))
    parts.append(table(("option: low disease activity", *heads), _both(before.options, after.options, "lda", "low", "high")))
    shares = (before.judgement_share, after.judgement_share)
    parts.append("Share of the answer's uncertainty that rests on judgement: {:.2f} before, {:.2f} after.\n".format(*shares))
    return "\n".join(parts)


def width(answer: Assessment) -> float:
    """Return the mean width of the intervals of the reasons and of low disease activity."""
    widths = [*(answer.reasons["high"] - answer.reasons["low"]), *(answer.options["high"] - answer.options["low"])]
    return float(sum(widths) / len(widths))


def page() -> str:
    """Return the whole page."""
    patients = {name: Patient.from_dict(as_record(parse_yaml(text, name), name)) for name, text in example_texts().items()}
    answers = {name: [assess(patient, basis=basis) for basis in (PRIOR, FITTED)] for name, patient in patients.items()}
    lines = []
    for name, (before, after) in answers.items():
        same = [
            "same" if not len(after.reasons) or before.reasons["id"].iloc[0] == after.reasons["id"].iloc[0] else "changed",
            "same" if before.options["id"].iloc[0] == after.options["id"].iloc[0] else "changed",
        ]
        lines.append((name.replace("_", " "), f"{width(before):.3f}", f"{width(after):.3f}", *same))
    head = table(("patient", "mean interval width before", "after", "first reason", "first option"), lines)
    return HEAD + head + "\n" + "\n".join(compared(name, *pair) for name, pair in answers.items())


def main() -> None:
    """Write the page to the file named on the command line."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m refra.inference.calibration.gains FILE.md")
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
