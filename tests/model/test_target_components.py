"""The target node agrees with what CDAI adds up to from the network's own joints and globals."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from refra.data.loading import parameters
from refra.model.assembly import central_model

DRAWS = 40_000


def centre(name: str) -> float:
    return parameters()[name].centre


def logistic(rng: np.random.Generator, location: float, sd: float) -> np.ndarray:
    return location + sd * np.sqrt(3) / np.pi * rng.logistic(size=DRAWS)


def share_on_target(synovitis: str, fibromyalgia: int, osteoarthritis: int, depression: int) -> float:
    """Simulate CDAI from the medians, effects and scatters of its four parts; sleep as it goes with the causes."""
    rng = np.random.default_rng(7)
    present = {"fibromyalgia": fibromyalgia, "osteoarthritis": osteoarthritis, "depression": depression}
    swollen = logistic(rng, np.sqrt(centre(f"sjc28.median_{synovitis}")), centre("sjc28.scatter"))
    tender = logistic(
        rng,
        np.sqrt(centre(f"tjc28.median_{synovitis}")) + sum(centre(f"tjc28.{cause}") for cause, here in present.items() if here),
        centre("tjc28.scatter"),
    )
    asleep = 0.55 + 0.3 * (fibromyalgia or depression)
    patient = logistic(
        rng,
        centre(f"patient_global.mean_{synovitis}")
        + sum(centre(f"patient_global.{cause}") for cause, here in present.items() if here)
        + asleep * centre("patient_global.poor_sleep"),
        centre("patient_global.scatter"),
    )
    physician = logistic(
        rng,
        centre(f"physician_global.mean_{synovitis}") + fibromyalgia * centre("physician_global.fibromyalgia"),
        centre("physician_global.scatter"),
    )
    joints = sum(np.minimum(np.round(np.maximum(count, 0) ** 2), 28) for count in (swollen, tender))
    cdai = joints + np.clip(patient, 0, 100) / 10 + np.clip(physician, 0, 100) / 10
    return float((cdai <= 10).mean())


@pytest.mark.parametrize("synovitis", ["none", "low", "moderate", "high"])
def test_target_agrees_with_cdai_of_the_components(synovitis: str) -> None:
    model = central_model()
    table = model.tables["target_met"][0]
    parents = model.parents["target_met"]
    assert parents == ("synovitis", "fibromyalgia", "osteoarthritis", "depression", "joint_damage", "other_disease_active")
    state = model.position("synovitis", synovitis)
    for fibromyalgia, osteoarthritis, depression in product((0, 1), repeat=3):
        told = table[state, fibromyalgia, osteoarthritis, depression, 0, 0, 1]
        simulated = share_on_target(synovitis, fibromyalgia, osteoarthritis, depression)
        assert told == pytest.approx(simulated, abs=0.12)
