"""Options of the benchmarks, and what is kept of their results."""

from __future__ import annotations

import datetime
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

PACKAGES = ("refra", "numpy", "pandas", "pgmpy", "pyagrum", "opt_einsum", "pytest-benchmark")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="small sizes, to see that everything works; the figures mean nothing")
    parser.addoption("--million", action="store_true", help="also the 1,000,000 rows, which take minutes")


@pytest.fixture
def quick(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--quick"))


@pytest.fixture
def million(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--million"))


def _first(path: str, word: str) -> str:
    if not Path(path).exists():
        return "unknown"
    return next((line.split(":", 1)[1].strip() for line in Path(path).read_text().splitlines() if line.startswith(word)), "unknown")


def machine() -> dict[str, Any]:
    """Return what the times depend on."""
    memory = _first("/proc/meminfo", "MemTotal").removesuffix(" kB")
    return {
        "cpu": _first("/proc/cpuinfo", "model name"),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "cache": _first("/proc/cpuinfo", "cache size"),
        "memory_gib": round(int(memory) / 2**20, 1) if memory.isdigit() else None,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


_START = machine()


def pytest_benchmark_update_json(config: pytest.Config, benchmarks: Any, output_json: dict[str, Any]) -> None:
    """Keep the figures, drop the raw data."""
    kept = [
        {
            "name": each["name"],
            "extra_info": each["extra_info"],
            "stats": {key: each["stats"][key] for key in ("min", "median", "mean", "max", "rounds")},
        }
        for each in output_json["benchmarks"]
    ]
    output_json.clear()
    output_json |= {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "quick": bool(config.getoption("--quick")),
        "machine": _START,
        "benchmarks": sorted(kept, key=lambda each: str(each["name"])),
    }
