"""How the cost grows with rows, with parameter draws and with treewidth."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bound import counted, distance, rates
from measured import in_process
from patients import sampled_patients
from peers import pyagrum

import refra
from refra.inference.cohort import read_row
from refra.inference.cohort_numbers import numbers
from refra.inference.engine import compile_plan
from refra.inference.situation import Situation

TOLERANCE = 1e-9

# Rows of state numbers, made and answered slice by slice: what is kept of them is a running sum.
BATCH = """
import json, sys, time
import numpy as np
from patients import sampled_states
from refra.inference.batch import plan_batch
from refra.inference.causes import MAIN_TARGETS
from refra.inference.fields import FIELD_VARIABLES
from refra.model.assembly import central_model
rows, at_a_time = int(sys.argv[1]), 50_000
model = central_model()
findings = [*FIELD_VARIABLES.values(), *(name for name in model.states if name.startswith("earlier_"))]
columns = [name for name in dict.fromkeys(findings) if name in model.states and name not in MAIN_TARGETS]
cards = {name: model.card(name) for name in model.states}
plan = plan_batch(cards, model.parents, targets=MAIN_TARGETS, columns=columns)
random = np.random.default_rng(3)
seconds, impossible = 0.0, 0
for start in range(0, rows, at_a_time):
    count = min(at_a_time, rows - start)
    states = sampled_states(count, start)
    codes = np.stack([states[name] for name in columns], axis=1)
    hidden = random.random(codes.shape) < 0.3
    hidden[:, [place for place, name in enumerate(columns) if not model.parents[name]]] = False
    codes[hidden] = -1
    begin = time.perf_counter()
    answer = plan.run(model.tables, codes)
    seconds += time.perf_counter() - begin
    impossible += int((~answer.possible).sum())
small = plan.plan()
print(json.dumps({
    "rows": rows, "seconds": seconds, "impossible": impossible, "at_a_time": at_a_time,
    "entries": small.total_entries, "operations": small.operations, "bytes": small.bytes_per_draw,
}))
"""

COHORT = """
import json, sys, time
from typer.testing import CliRunner
from refra.inference.cli import app
begin = time.perf_counter()
result = CliRunner().invoke(app, ["cohort", sys.argv[1], sys.argv[2], "--draws", "0", "--quiet", "--overwrite"])
if result.exit_code not in (0, 1):
    raise RuntimeError(result.output)
print(json.dumps({"seconds": time.perf_counter() - begin}))
"""

WITH_FOLDER = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"


def some_places(count: int) -> list[Situation]:
    reads = [read_row(row) for row in sampled_patients(count + count // 10 + 10, 2, 0.3, 0.0).to_dict("records")]
    return [read for read in reads if isinstance(read, Situation)][:count]


def test_against_rows(benchmark: Any, quick: bool) -> None:
    sizes = (1, 10, 100) if quick else (1, 10, 100, 1_000, 10_000)
    places = some_places(sizes[-1])
    found = []
    for size in sizes:
        numbers(places[:size], 0, 1)
        times = []
        for _ in range(3):
            start = time.perf_counter()
            numbers(places[:size], 0, 1)
            times.append(time.perf_counter() - start)
        found.append({"rows": size, "seconds": min(times), "ms_a_row": 1e3 * min(times) / size})
    benchmark.pedantic(numbers, args=(places[:100], 0, 1), rounds=3, iterations=1)
    benchmark.extra_info.update(kind="rows", rows=found)


def test_rows_of_state_numbers_in_bounded_memory(benchmark: Any, quick: bool, million: bool) -> None:
    sizes = (1_000, 4_000) if quick else (50_000, 200_000)
    if million:
        sizes = (*sizes, 1_000_000)
    found = [in_process(WITH_FOLDER + BATCH, str(size)) for size in sizes[:-1]]
    found.append(benchmark.pedantic(in_process, args=(WITH_FOLDER + BATCH, str(sizes[-1])), rounds=1, iterations=1))
    for each in found:
        print(f"{each['rows']:,} rows: {each['seconds']:.1f} s, peak {each['peak_mib']:,.0f} MiB")
    last, rate = found[-1], rates()
    bound = {
        "arithmetic_seconds": last["rows"] * last["operations"] / rate.multiplications,
        "of_arithmetic": last["seconds"] / (last["rows"] * last["operations"] / rate.multiplications),
        "gigaflops": rate.multiplications / 1e9,
    }
    benchmark.extra_info.update(kind="batch", batches=found, bound=bound)


def test_cohort_files_in_bounded_memory(benchmark: Any, quick: bool, tmp_path: Path) -> None:
    sizes = (100, 300) if quick else (2_000, 20_000)
    found = []
    for size in sizes:
        source, out = tmp_path / f"in_{size}.csv", tmp_path / f"out_{size}.csv"
        frame = sampled_patients(size, 4, 0.3, 0.0)
        frame["earlier"] = [None if one is None else json.dumps(one) for one in frame["earlier"]]
        frame.to_csv(source, index=False)
        arguments = (COHORT, str(source), str(out))
        last = size == sizes[-1]
        ran = benchmark.pedantic(in_process, args=arguments, rounds=1, iterations=1) if last else in_process(*arguments)
        refused = out.with_name(f"{out.stem}.rejected.csv")
        rejected = len(pd.read_csv(refused)) if refused.exists() else 0
        assert rejected < 0.05 * size
        found.append({"rows": size, "rejected": rejected, **ran, "out_mib": out.stat().st_size / 2**20})
        print(f"refra cohort, {size:,} rows: {found[-1]['seconds']:.1f} s, peak {found[-1]['peak_mib']:,.0f} MiB")
    benchmark.extra_info.update(kind="files", files=found)


def test_against_draws(benchmark: Any, quick: bool) -> None:
    (place,) = some_places(1)
    sizes = (1, 10, 100) if quick else (1, 10, 100, 500, 1_000, 2_000, 4_000)
    found = []
    for size in sizes:
        numbers([place], size, 1)
        refra.assess(place.patient, draws=max(size, 2))
        inner, outer = [], []
        for _ in range(3):
            start = time.perf_counter()
            numbers([place], size, 1)
            inner.append(time.perf_counter() - start)
            start = time.perf_counter()
            refra.assess(place.patient, draws=max(size, 2))
            outer.append(time.perf_counter() - start)
        found.append({"draws": size, "numbers_seconds": min(inner), "assess_seconds": min(outer)})
    benchmark.pedantic(numbers, args=([place], 100, 1), rounds=3, iterations=1)
    benchmark.extra_info.update(kind="draws", draws=found)


def band(width: int, length: int, card: int, seed: int) -> tuple[dict[str, int], dict[str, tuple[str, ...]], dict[str, Any]]:
    """Return a random network whose every variable hangs on the `width` before it: cliques of width + 1 variables.

    The parents beyond four reach a variable through the chain alone, so that tables stay small while cliques grow: each variable has as
    parents the first, the last and two between of its window.
    """
    random = np.random.default_rng(seed)
    names = [f"n{place}" for place in range(length)]
    parents: dict[str, tuple[str, ...]] = {}
    for place, name in enumerate(names):
        window = names[max(0, place - width) : place]
        inner = random.choice(window[1:-1], min(2, max(0, len(window) - 2)), replace=False) if len(window) > 2 else []
        parents[name] = tuple(dict.fromkeys([*window[:1], *map(str, inner), *window[-1:]]))
    cards = dict.fromkeys(names, card)
    tables = {name: random.dirichlet(np.ones(card), (1, *(card for _ in parents[name]))) for name in names}
    return cards, parents, tables


def as_pyagrum(cards: dict[str, int], parents: dict[str, tuple[str, ...]], tables: dict[str, Any]) -> Any:
    network = pyagrum.BayesNet()
    for name, card in cards.items():
        network.add(pyagrum.LabelizedVariable(name, name, card))
    for name, above in parents.items():
        for parent in above:
            network.addArc(parent, name)
    for name, above in parents.items():
        table = network.cpt(name)
        order = [*above, name]
        table[:] = np.ascontiguousarray(tables[name][0].transpose([order.index(axis) for axis in reversed(table.names)]))
    return network


@pytest.mark.parametrize(("width", "length"), [(6, 20), (9, 23), (12, 26), (15, 30), (18, 40)])
def test_against_treewidth(benchmark: Any, quick: bool, width: int, length: int) -> None:
    if quick and width > 9:
        pytest.skip("large cliques are left out of a quick run")
    cards, parents, tables = band(width, length, 2, width)
    names = list(cards)
    plan = compile_plan(cards, parents, targets=names[:-1], hard=[names[-1]])
    batch = max(1, min(1_000, 20_000_000 // plan.total_entries))
    states = np.random.default_rng(0).integers(0, 2, batch)
    one = plan.run(tables, hard={names[-1]: 1})
    single, many = [], []
    for _ in range(3):
        start = time.perf_counter()
        plan.run(tables, hard={names[-1]: 1})
        single.append(time.perf_counter() - start)
        start = time.perf_counter()
        several = plan.run(tables, hard={names[-1]: states})
        many.append(time.perf_counter() - start)
    network = as_pyagrum(cards, parents, tables)
    peers = {}
    for kind in ("LazyPropagation", "ShaferShenoyInference"):
        engine = getattr(pyagrum, kind)(network)
        times = []
        for repeat in range(4):
            # A changed state, so that nothing of the last answer is kept.
            engine.setEvidence({names[-1]: (repeat + 1) % 2 if repeat < 3 else 1})
            start = time.perf_counter()
            engine.makeInference()
            found = [engine.posterior(name).toarray() for name in names[:-1]]
            times.append(time.perf_counter() - start)
        peers[kind] = min(times)
        for name, table in zip(names[:-1], found, strict=True):
            np.testing.assert_allclose(one.marginals[name][0], table, rtol=0, atol=TOLERANCE)
    for row in (0, batch - 1):
        expected = plan.run(tables, hard={names[-1]: int(states[row])})
        np.testing.assert_allclose(several.marginals[names[0]][row], expected.marginals[names[0]][0], rtol=0, atol=TOLERANCE)
    with counted() as work:
        plan.run(tables, hard={names[-1]: states})
    benchmark.pedantic(plan.run, args=(tables,), kwargs={"hard": {names[-1]: states}}, rounds=3, iterations=1)
    benchmark.extra_info.update(
        kind="treewidth", width=width, largest=plan.largest_entries, total=plan.total_entries, log10=math.log10(plan.largest_entries),
        single_seconds=min(single), batch=batch, batch_seconds_a_row=min(many) / batch, peers=peers,
        bound=distance(work, rates(), min(many)),
    )  # fmt: skip
