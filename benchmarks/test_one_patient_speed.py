"""One patient with 1,000 parameter draws, and refra as a whole process."""

from __future__ import annotations

import sys
import time
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest
from bound import counted, distance, rates
from measured import whole_process

import refra

EXAMPLES = sorted(entry.name for entry in files("refra.data.examples").iterdir() if entry.name.endswith(".yaml"))
DRAWS = 1_000


def patient(name: str) -> refra.Patient:
    with as_file(files("refra.data.examples") / name) as path:
        return refra.Patient.from_yaml(path)


@pytest.mark.parametrize("name", EXAMPLES)
def test_one_patient_with_a_thousand_draws(benchmark: Any, quick: bool, name: str) -> None:
    if quick and name not in EXAMPLES[:2]:
        pytest.skip("a quick run takes two examples")
    one = patient(name)
    start = time.perf_counter()
    refra.assess(one, draws=DRAWS)
    first = time.perf_counter() - start
    benchmark.pedantic(refra.assess, args=(one,), kwargs={"draws": DRAWS}, rounds=2 if quick else 9, iterations=1, warmup_rounds=1)
    with counted() as work:
        refra.assess(one, draws=DRAWS)
    stats = benchmark.stats.stats
    benchmark.extra_info.update(kind="patient", patient=name, draws=DRAWS, first_seconds=first, bound=distance(work, rates(), stats.median))


def test_whole_processes(benchmark: Any, quick: bool, tmp_path: Path) -> None:
    times = 2 if quick else 7
    program = [sys.executable, "-m", "refra"]
    command = Path(sys.executable).with_name("refra")
    if command.exists():
        program = [str(command)]
    with as_file(files("refra.data.examples") / "first_patient.yaml") as path:
        commands = {
            "refra assess FILE": [*program, "assess", str(path)],
            "import refra": [sys.executable, "-c", "import refra"],
            "import refra, and its assess": [sys.executable, "-c", "import refra; refra.assess"],
            "import pandas": [sys.executable, "-c", "import pandas"],
            "import numpy": [sys.executable, "-c", "import numpy"],
            "python alone": [sys.executable, "-c", "pass"],
        }
        found = {name: whole_process(run, times) for name, run in commands.items()}
        benchmark.pedantic(whole_process, args=(commands["python alone"], 1), rounds=1, iterations=1)
    benchmark.extra_info.update(kind="processes", processes=found)
