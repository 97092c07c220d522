"""Run a program and see how long it took and how much memory it held at its peak."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

MEBIBYTE = 2**20

# A process's maximal resident set size begins, on Linux, with that of the process that started it; VmHWM is its own alone.
_PEAK = """
import pathlib, resource
status = pathlib.Path("/proc/self/status")
if status.exists():
    peak = 1024 * next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print("PEAK", peak)
"""


def whole_process(command: Sequence[str], times: int) -> dict[str, float]:
    """Run a command several times; returns the seconds of the best run and of the median one."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    return {"best": min(seconds), "median": statistics.median(seconds), "runs": times}


def in_process(source: str, *arguments: str) -> dict[str, Any]:
    """Run Python source in a process of its own; it prints one line of JSON. Returns that with `peak_mib`, its peak resident memory."""
    done = subprocess.run([sys.executable, "-c", source + _PEAK, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    *_, said, peak = [line for line in done.stdout.splitlines() if line.strip()]
    result: dict[str, Any] = json.loads(said)
    result["peak_mib"] = int(peak.removeprefix("PEAK ")) / MEBIBYTE
    return result
