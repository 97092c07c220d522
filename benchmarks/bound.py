"""How fast this machine multiplies, and how many operations and bytes a run really takes."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np

from refra.inference import execution, together
from refra.inference.execution import WORKERS
from refra.inference.junction_tree import DIVIDE, MULTIPLY, SUM

IN_CACHE = (2_000, 4_000, 8_000, 16_000)
"""Doubles in each array of the in-cache measurement, of which the fastest counts: three take 48 to 384 kB. Small ones pay for the calls."""

BEYOND_CACHE = 8_000_000
"""Doubles in each array of the bandwidth measurement, 64 MB: more than a last-level cache's share."""


def _best(work: Any, times: int) -> float:
    best = math.inf
    for _ in range(times):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def _on_all(work: Any, threads: int) -> Any:
    def run() -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))

    return run


@dataclass(frozen=True)
class Rates:
    """What numpy's multiplication reaches: bytes a second from memory (two read, one written) and products a second in cache."""

    bandwidth: float
    multiplications: float
    threads: int


def rates(threads: int = WORKERS) -> Rates:
    """Measure both with as many threads as the engine uses, by the best of several runs."""
    big = [tuple(np.ones(BEYOND_CACHE // threads) for _ in range(3)) for _ in range(threads)]
    doubles = 20_000_000

    def stream(place: int) -> None:
        a, b, c = big[place]
        np.multiply(a, b, out=c)

    def cached(size: int) -> float:
        small = [tuple(np.ones(size) for _ in range(3)) for _ in range(threads)]

        def work(place: int) -> None:
            a, b, c = small[place]
            for _ in range(doubles // size):
                np.multiply(a, b, out=c)

        return threads * (doubles // size) * size / _best(_on_all(work, threads), 4)

    seconds = _best(_on_all(stream, threads), 15)
    return Rates(3 * 8 * (BEYOND_CACHE // threads) * threads / seconds, max(cached(size) for size in IN_CACHE), threads)


@dataclass
class Work:
    """Operations and bytes read and written of the steps that were really done."""

    operations: int = 0
    bytes: int = 0
    steps: int = 0


@contextmanager
def counted() -> Iterator[Work]:
    """Count the engine's steps: multiplications, divisions and additions, and the bytes of what goes in and comes out."""
    found: list[tuple[int, int]] = []
    original = execution.apply_step

    def counting(step: Any, slots: Any, arena: Any) -> Any:
        table, scale = original(step, slots, arena)
        left = slots[step.left]
        operations = size = left.size
        if step.kind in (MULTIPLY, DIVIDE):
            operations = table.size
            size += slots[step.right].size + table.size
        elif step.kind == SUM:
            size += table.size
        elif table is not None:
            size += 2 * table.size
            operations += table.size
        found.append((operations, 8 * size))
        return table, scale

    work = Work()
    with patch.object(execution, "apply_step", counting), patch.object(together, "apply_step", counting):
        yield work
    work.steps = len(found)
    work.operations = sum(operations for operations, _ in found)
    work.bytes = sum(size for _, size in found)


def distance(work: Work, rate: Rates, seconds: float) -> dict[str, float]:
    """Return how long the work would take at the two bounds, and the ratio of the time taken to each."""
    arithmetic, memory = work.operations / rate.multiplications, work.bytes / rate.bandwidth
    return {
        "seconds": seconds,
        "operations": work.operations,
        "bytes": work.bytes,
        "steps": work.steps,
        "threads": rate.threads,
        "gigaflops": rate.multiplications / 1e9,
        "gigabytes": rate.bandwidth / 1e9,
        "arithmetic_seconds": arithmetic,
        "memory_seconds": memory,
        "of_arithmetic": seconds / arithmetic,
        "of_memory": seconds / memory,
    }
