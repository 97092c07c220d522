"""Write RESULTS.md from results.json."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

Row = Sequence[object]


def table(head: Sequence[str], rows: Iterable[Row]) -> str:
    """Return a Markdown table; numbers to the right."""
    lines = [[str(cell) for cell in row] for row in rows]
    rule = [
        "---:" if place and all(line[place][:1].isdigit() or line[place] == "-" for line in lines) else "---" for place in range(len(head))
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in [list(head), rule, *lines])


def number(value: float, digits: int = 3) -> str:
    """Return a number with so many significant digits."""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 10 ** (digits - 1) else f"{value:.{digits}g}"


def seconds(value: float) -> str:
    """Return a time in the unit that suits it."""
    for limit, factor, unit in ((1e-3, 1e6, "us"), (1.0, 1e3, "ms")):
        if value < limit:
            return f"{number(value * factor)} {unit}"
    return f"{number(value)} s"


def verdict(met: bool) -> str:
    return "met" if met else "**missed**"


def of_kind(results: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each for each in results["benchmarks"] if each["extra_info"].get("kind") == kind]


def machine(results: dict[str, Any]) -> str:
    one = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in one["versions"].items())
    return "\n".join(
        [
            f"- {results['date']}; {one['cpu']}, {one['cores']} cores, cache {one['cache']}, {one['memory_gib']} GiB of memory, {one['system']}",
            f"- Python {one['python']}, {versions}",
            f"- load average before the run: {one['load_before']}",
        ]
    )


def cohort(results: dict[str, Any]) -> str:
    parts = []
    for each in of_kind(results, "cohort"):
        one = each["extra_info"]
        ours, theirs, slow = one["cold_ms"], one["pyagrum"], one["pgmpy"]
        left_out = one["drawn"] - one["rows"]
        rows: list[Row] = [
            ("refra, planning counted", number(ours), "1", f"{one['rows']:,}"),
            ("refra, planned before", number(one["warm_ms"]), number(one["warm_ms"] / ours), f"{one['rows']:,}"),
            ("refra, `assess_many` without draws, from records to frame", number(one["assess_many_ms"]), number(one["assess_many_ms"] / ours),
             f"{one['rows']:,}"),
            (f"pyAgrum, {theirs['way']}", number(theirs["ms_a_row"]), number(one["pyagrum_ratio"]), theirs["rows"]),
            (f"pgmpy, {slow['way']}", number(slow["ms_a_row"]), number(one["pgmpy_ratio"]), slow["rows"]),
        ]  # fmt: skip
        tried = [(way["way"], number(way["ms_a_row"]), number(way["median_ms"]), number(way["slowest_ms"]), way["rows"])
                 for way in (*one["pyagrum_tried"], *one["pgmpy_tried"])]  # fmt: skip
        parts += [
            f"### {one['setting'].capitalize()}\n",
            table(("engine", "ms a row", "times refra's", "rows"), rows),
            f"\nAt least 50 times pyAgrum's speed: {verdict(one['pyagrum_ratio'] >= 50)} ({number(one['pyagrum_ratio'])}; aim 200: "
            f"{verdict(one['pyagrum_ratio'] >= 200)}). At least 500 times pgmpy's: {verdict(one['pgmpy_ratio'] >= 500)} "
            f"({number(one['pgmpy_ratio'])}). Largest difference in {theirs['compared'] + slow['compared']:,} numbers compared: "
            f"{max(theirs['largest_difference'], slow['largest_difference']):.1g} (at most 1e-9 is accepted). {one['numbers_a_row']} numbers a "
            f"row; of {one['drawn']:,} records drawn refra refuses {one['refused']:,} as contradictory, and the first {one['rows']:,} of the rest "
            f"are used ({left_out:,} left out in all).\n",
            "Ways of asking that were tried in this run: all on a few rows, pyAgrum's three fastest of those on all; the fastest there by the mean is the one above:\n",
            table(("way", "mean ms", "median ms", "slowest ms", "rows"), tried),
            "",
        ]
    return "\n".join(parts)


def patients(results: dict[str, Any]) -> str:
    found = of_kind(results, "patient")
    rows = [(e["extra_info"]["patient"].removesuffix(".yaml"), seconds(e["stats"]["min"]), seconds(e["stats"]["median"]),
             seconds(e["extra_info"]["first_seconds"]), verdict(e["stats"]["median"] < 0.5)) for e in found]  # fmt: skip
    return table(("patient", "best", "median", "first call", "median under 0.5 s"), rows)


def explorer(results: dict[str, Any]) -> str:
    rows = []
    for each in of_kind(results, "explorer"):
        found = each["extra_info"]["seconds"]
        rows.append((each["extra_info"]["patient"].removesuffix(".yaml"), *(seconds(time) for time in (*found["along"], *found["any"])),
                     verdict(max(found["any"][2], found["along"][2]) < 0.1)))  # fmt: skip
    heads = (
        "patient",
        "slider moved one step: median",
        "95 %",
        "slowest",
        "any finding changed, left out or added: median",
        "95 %",
        "slowest",
        "each under 0.1 s",
    )
    return table(heads, rows)


def processes(results: dict[str, Any]) -> str:
    (found,) = of_kind(results, "processes")
    each = found["extra_info"]["processes"]
    rows = [(f"`{name}`" if " " in name else name, seconds(run["best"]), seconds(run["median"])) for name, run in each.items()]
    ours, pandas = each["import refra"]["median"], each["import pandas"]["median"]
    return (
        f"{table(('process', 'best', 'median'), rows)}\n\n`refra assess FILE` under 2 s: {verdict(each['refra assess FILE']['median'] < 2)}. "
        f"`import refra` at most the cost of importing pandas: {verdict(ours <= pandas)}."
    )


def sensitivity(results: dict[str, Any]) -> str:
    (found,) = of_kind(results, "sensitivity")
    one = found["extra_info"]
    rows = [
        (each["patient"], f"`refra sensitivity FILE --out DIR {each['options']}`".replace(" `", "`"), seconds(each["best"]), seconds(each["median"]),
         f"{each['limit']} s", verdict(each["median"] < each["limit"]))
        for each in one["processes"]
    ]  # fmt: skip
    return f"Measured on {one['date']}, load average before {one['load_before']:.2f}; tables, pictures and page are written.\n\n" + table(
        ("patient", "process", "best", "median", "limit", ""), rows
    )


def scaling(results: dict[str, Any]) -> str:
    parts = []
    for each in of_kind(results, "rows"):
        rows = [(f"{one['rows']:,}", seconds(one["seconds"]), number(one["ms_a_row"])) for one in each["extra_info"]["rows"]]
        parts += ["### Rows, every number of each (no draws)\n", table(("rows", "time", "ms a row"), rows), ""]
    for each in of_kind(results, "batch"):
        batches, bound = each["extra_info"]["batches"], each["extra_info"]["bound"]
        rows = [
            (f"{one['rows']:,}", seconds(one["seconds"]), number(1e6 * one["seconds"] / one["rows"]), number(one["peak_mib"]))
            for one in batches
        ]
        parts += [
            f"### Rows of state numbers, the causes, reasons and pathways alone, {batches[0]['at_a_time']:,} at a time\n",
            table(("rows", "time", "us a row", "peak resident MiB"), rows),
            f"\nThe plan takes {batches[0]['operations']:,} operations a row; {number(bound['of_arithmetic'])} times the time at "
            f"{number(bound['gigaflops'])} GFlop/s.\n",
        ]
    for each in of_kind(results, "files"):
        rows = [
            (f"{one['rows']:,}", seconds(one["seconds"]), number(one["peak_mib"]), number(one["out_mib"]))
            for one in each["extra_info"]["files"]
        ]
        parts += ["### `refra cohort` on a CSV file, no draws\n", table(("rows", "time", "peak resident MiB", "answers' MiB"), rows), ""]
    for each in of_kind(results, "draws"):
        rows = [
            (f"{one['draws']:,}", seconds(one["numbers_seconds"]), seconds(one["assess_seconds"])) for one in each["extra_info"]["draws"]
        ]
        parts += ["### Parameter draws, one patient\n", table(("draws", "cohort's numbers", "`assess`"), rows), ""]
    wide = sorted(of_kind(results, "treewidth"), key=lambda each: int(each["extra_info"]["width"]))
    if wide:
        parts += [
            "### Treewidth, random networks of binary variables, all marginals given one finding\n",
            table(
                ("largest clique", "all cliques", "refra, one row", "refra a row of a batch", "rows in the batch", "pyAgrum lazy", "pyAgrum Shafer",
                 "pyAgrum's best / refra's batch"),
                [
                    (f"{one['largest']:,}", f"{one['total']:,}", seconds(one["single_seconds"]), seconds(one["batch_seconds_a_row"]),
                     f"{one['batch']:,}", seconds(one["peers"]["LazyPropagation"]), seconds(one["peers"]["ShaferShenoyInference"]),
                     number(min(one["peers"].values()) / one["batch_seconds_a_row"]))
                    for one in (each["extra_info"] for each in wide)
                ],
            ),
            "",
        ]  # fmt: skip
    return "\n".join(parts)


def bounds(results: dict[str, Any]) -> str:
    rows = []
    for each in (*of_kind(results, "cohort"), *of_kind(results, "patient"), *of_kind(results, "treewidth")):
        one = each["extra_info"]
        name = one.get("setting") or one.get("patient", "").removesuffix(".yaml") or f"treewidth, {one['largest']:,} in the largest clique"
        bound = one["bound"]
        rows.append(
            (name, seconds(bound["seconds"]), f"{bound['operations']:,}", f"{bound['steps']:,}", seconds(bound["arithmetic_seconds"]),
             number(bound["of_arithmetic"]), seconds(bound["memory_seconds"]), number(bound["of_memory"]))
        )  # fmt: skip
    rates = [each["extra_info"]["bound"] for each in results["benchmarks"] if "gigabytes" in each["extra_info"].get("bound", {})]
    best = max(rates, key=lambda one: float(one["gigaflops"]))
    widest = max(one["gigabytes"] for one in rates)
    return (
        f"numpy's multiplication of two arrays reaches {number(best['gigaflops'])} GFlop/s on arrays in cache and {number(widest)} GB/s (two read, one "
        f"written) on arrays larger than the cache, with {best['threads']} threads, as the engine uses (best of the run; each line is set against "
        "the rates measured beside it). The operations (multiplications, divisions, additions) and bytes are those of the steps that were "
        "really done, what plans share once, counted in a second run. A step's arrays are cut so that they stay in cache; so the arithmetic is "
        "the bound that counts, and the bandwidth says what it would be if every step went to memory.\n\n"
        + table(
            ("what", "time", "operations", "steps", "at the arithmetic bound", "times it", "at the bandwidth", "times that"),
            rows,
        )
    )


NOTES = """- One row is everything: nine causes with what their absence would have averted, seven reasons, eight pathways, up to nine options with two
  outcomes and six harms each, the sources of pain. P(a regulator's gate) is left out for the peers, to their advantage.
- Peers get refra's central network with the recorded drug's state cut out of the tables (networks and twins are built once for each drug,
  outside the time taken, which refra's time is not), engines are kept from row to row and are given only the new evidence. Reading the
  answers out of the engine is part of their time, as for refra.
- refra's time is that of its batch; the peers have no batch and go row by row.
- "One engine for all options" has the nine options' outcomes, the harms and the pain as targets of one junction tree; "an engine an option" one for
  each; "one engine for causes and options" has the causes, reasons and pathways in that tree too where the same is known of the present and the future. The twins always have an engine for each cause: each is another network.
- "Findings as likelihoods" gives every finding as a likelihood, a missing one as all ones, so that a row changes no junction tree.
"""


def document(results: dict[str, Any]) -> str:
    """Return RESULTS.md."""
    quick = "\n**A quick run with small sizes: the figures mean nothing.**\n" if results["quick"] else ""
    parts = [
        "# Speed\n",
        "Written by `python benchmarks/table.py` from `benchmarks/results.json`; not to be edited.\n" + quick,
        machine(results),
        "",
    ]
    sections = (
        ("cohort", "Many patients, every number", lambda: cohort(results) + "\n" + NOTES),
        ("patient", "One patient, 1,000 parameter draws, everything in `assess`", lambda: patients(results)),
        ("explorer", "One change in the notebook's explorer, central numbers", lambda: explorer(results)),
        ("processes", "Whole processes", lambda: processes(results)),
        ("sensitivity", "The sensitivity analysis of one patient", lambda: sensitivity(results)),
        ("rows", "How the cost grows", lambda: scaling(results)),
        ("cohort", "How far from the bound", lambda: bounds(results)),
    )
    for kind, title, write in sections:
        if of_kind(results, kind):
            parts += [f"## {title}\n", write(), ""]
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "results.json"
    text = document(json.loads(source.read_text()))
    (HERE / "RESULTS.md" if len(sys.argv) <= 2 else Path(sys.argv[2])).write_text(text)
