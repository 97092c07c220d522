"""One change of a finding in the notebook's explorer, from the widget's new value to the new page."""

from __future__ import annotations

import random
import statistics
import time
from typing import Any

import pytest
from test_one_patient_speed import EXAMPLES, patient

import refra

CHANGES = 40


@pytest.mark.parametrize("name", EXAMPLES)
def test_one_change_in_the_explorer(benchmark: Any, quick: bool, name: str) -> None:
    if quick and name not in EXAMPLES[:2]:
        pytest.skip("a quick run takes two examples")
    panel = refra.explore(patient(name)).panel
    assert panel is not None
    chance = random.Random(1)
    any_change: list[float] = []
    along: list[float] = []
    shown: list[float] = []
    panel.page.observe(lambda _change: shown.append(time.perf_counter()), names="value")

    def timed(widget: Any, value: str, times: list[float]) -> None:
        """Note the time until the page is shown; a change that leaves the page as it is shows none."""
        shown.clear()
        start = time.perf_counter()
        widget.value = value
        times.extend(end - start for end in shown)

    def walk() -> None:
        for _ in range(4 if quick else CHANGES):
            widget = chance.choice(list(panel.fields.values()))
            timed(widget, chance.choice([words for words in widget.options if words != widget.value]), any_change)
            slider = panel.fields[chance.choice(("crp", "sjc28", "tjc28", "patient_global"))]
            timed(slider, slider.options[slider.index - 1 if slider.index > 1 else slider.index + 1], along)

    benchmark.pedantic(walk, rounds=1, iterations=1)
    seconds = {
        what: (statistics.median(times), statistics.quantiles(times, n=20)[-1], max(times))
        for what, times in (("any", any_change), ("along", along))
    }
    benchmark.extra_info.update(kind="explorer", patient=name, seconds=seconds)
