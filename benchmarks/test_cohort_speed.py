"""All causes, reasons and options of many patients: refra, pyAgrum and pgmpy on the same rows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from bound import counted, distance, rates
from patients import sampled_patients
from peers import Pgmpy, Pyagrum, as_numbers

import refra
from refra.inference import cohort_groups, engine
from refra.inference.cohort import read_row
from refra.inference.cohort_numbers import Numbers, numbers
from refra.inference.knowledge import CENTRAL, working_model
from refra.inference.situation import Situation

SETTINGS = {"background recorded": (0.3, 0.0), "background missing too": (0.3, 0.1)}
TOLERANCE = 1e-9
LAZY, SHAFER = "LazyPropagation", "ShaferShenoyInference"
WAYS = (
    Pyagrum(LAZY, threads=1), Pyagrum(LAZY, threads=0), Pyagrum(LAZY, threads=1, together="all"), Pyagrum(LAZY, threads=0, together="all"),
    Pyagrum(SHAFER, threads=1), Pyagrum(SHAFER, threads=1, together="all"), Pyagrum(SHAFER, threads=0, together="all"),
    Pyagrum(LAZY, threads=1, together="whole"), Pyagrum(SHAFER, threads=1, together="whole"),
    Pyagrum("VariableElimination", threads=1), Pyagrum(LAZY, threads=1, cut_drug=False), Pyagrum(LAZY, threads=1, likelihoods=True),
)  # fmt: skip
PGMPY_WAYS = (Pgmpy(joint=True), Pgmpy(joint=False))


def clear_plans() -> None:
    """Forget what is kept from run to run: plans and the networks of single drugs."""
    engine._cached.cache_clear()
    cohort_groups._of_drug.cache_clear()


def refra_of(found: Numbers) -> dict[Any, np.ndarray[Any, Any]]:
    others = {"painful": found.painful, "other_disease": found.other_disease}
    return {**found.values, **{("", "", name): table for name, table in others.items()}}


def timed(peer: Pyagrum | Pgmpy, places: Sequence[Situation], rows: Sequence[int], ours: Mapping[Any, Any]) -> dict[str, Any]:
    """Time a peer row by row and compare every number with refra's."""
    chosen = [places[row] for row in rows]
    start = time.perf_counter()
    peer.prepare(chosen)
    prepared = time.perf_counter() - start
    worst, compared, seconds = 0.0, 0, []
    for row, place in zip(rows, chosen, strict=True):
        start = time.perf_counter()
        answer = peer.answer(place)
        seconds.append(time.perf_counter() - start)
        wanted = {key for key, table in ours.items() if not np.isnan(table[row, 0])}
        theirs = as_numbers(place, answer)
        # What cannot be averted is zero by construction, without a question.
        assert wanted - theirs.keys() <= {key for key in wanted if key[2] == "averted" and ours[key][row, 0] == 0.0}
        assert wanted >= theirs.keys()
        worst = max([worst, *(abs(value - ours[key][row, 0]) for key, value in theirs.items())])
        compared += len(theirs)
    assert worst < TOLERANCE
    return {
        "way": str(peer), "rows": len(rows), "ms_a_row": 1e3 * float(np.mean(seconds)), "median_ms": 1e3 * float(np.median(seconds)),
        "slowest_ms": 1e3 * max(seconds), "prepare_seconds": prepared, "largest_difference": worst, "compared": compared,
    }  # fmt: skip


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_number_of_many_patients(benchmark: Any, quick: bool, setting: str) -> None:
    count, few, many, pgmpy_rows = (300, 2, 4, 1) if quick else (10_000, 20, 150, 12)
    frame = sampled_patients(count + count // 10, 1, *SETTINGS[setting])
    reads = [read_row(row) for row in frame.to_dict("records")]
    refused = sum(not isinstance(read, Situation) for read in reads)
    readable = [place for place, read in enumerate(reads) if isinstance(read, Situation)][:count]
    places = [read for read in reads if isinstance(read, Situation)][:count]
    assert len(places) == count
    working_model(CENTRAL, 0, 0)
    clear_plans()
    start = time.perf_counter()
    numbers(places, 0, 1)
    cold = time.perf_counter() - start
    found = benchmark.pedantic(numbers, args=(places, 0, 1), rounds=1 if quick else 3, iterations=1)
    warm = benchmark.stats.stats.median
    start = time.perf_counter()
    lines = refra.assess_many(frame.iloc[readable], draws=0)
    whole = time.perf_counter() - start
    assert not (lines["part"] == "rejected").any()
    assert found.possible.all()
    with counted() as work:
        numbers(places, 0, 1)

    ours = refra_of(found)
    rows = [int(row) for row in np.random.default_rng(7).choice(count, many, replace=False)]
    tried = [timed(way, places, rows[:few], ours) for way in WAYS]
    # The few rows tell the slow ways from the fast ones; which of those is the fastest is seen on all rows.
    order = np.argsort([float(each["ms_a_row"]) for each in tried])
    finals = [timed(WAYS[int(place)], places, rows, ours) for place in order[:3]]
    pyagrum = min(finals, key=lambda each: float(each["ms_a_row"]))
    pgmpy_tried = [timed(way, places, rows[:pgmpy_rows], ours) for way in PGMPY_WAYS]
    pgmpy = min(pgmpy_tried, key=lambda each: float(each["ms_a_row"]))
    cold_ms, warm_ms = 1e3 * cold / count, 1e3 * warm / count
    benchmark.extra_info.update(
        kind="cohort", setting=setting, rows=count, refused=refused, drawn=len(frame), numbers_a_row=len(ours),
        cold_ms=cold_ms, warm_ms=warm_ms, assess_many_ms=1e3 * whole / count, pyagrum=pyagrum, pyagrum_tried=[*finals, *tried],
        pgmpy=pgmpy, pgmpy_tried=pgmpy_tried, pyagrum_ratio=pyagrum["ms_a_row"] / cold_ms, pgmpy_ratio=pgmpy["ms_a_row"] / cold_ms,
        bound=distance(work, rates(), warm),
    )  # fmt: skip
