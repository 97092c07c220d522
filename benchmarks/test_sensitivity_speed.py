"""The whole sensitivity analysis of one patient as a process: in full, and the quick one."""

from __future__ import annotations

import os
import sys
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from measured import whole_process

PATIENTS = ("first_patient", "urate_crystals_in_the_knees", "rapid_clearance_without_antibodies")
"""One with the background recorded, two sparse ones."""


def test_sensitivity_processes(benchmark: Any, quick: bool, tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("refra"))
    load = os.getloadavg()[0]
    found = []
    for name in PATIENTS[:1] if quick else PATIENTS:
        with as_file(files("refra.data.examples") / f"{name}.yaml") as path:
            for options, limit in (([], 60), (["--quick"], 5)):
                command = [program, "sensitivity", str(path), "--out", str(tmp_path / "out"), "--overwrite", *options]
                times = 1 if quick else 3
                found.append({"patient": name, "options": " ".join(options), "limit": limit, **whole_process(command, times)})
    benchmark.pedantic(whole_process, args=([sys.executable, "-c", "pass"], 1), rounds=1, iterations=1)
    benchmark.extra_info.update(kind="sensitivity", processes=found, load_before=load, date=date.today().isoformat())
