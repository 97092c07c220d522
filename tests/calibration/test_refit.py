"""A small part of the fit, made again, agrees with the shipped draws."""

from __future__ import annotations

import numpy as np
import pytest

from refra.data.fitted import fitted
from refra.data.loading import parameters
from refra.inference.calibration.evaluating import asked_about, settled
from refra.inference.calibration.jax_fitting import fit
from refra.inference.calibration.jax_tables import Prior
from refra.inference.calibration.reading import calibration_targets, nuisance

HARMS = ("mace.", "vte.", "zoster.", "gi_perforation.", "malignancy.")


def test_the_harms_fitted_alone_agree_with_the_shipped_posterior() -> None:
    # These parameters meet the others only in the mix of patients and in the spread between studies, both well known.
    chosen = []
    for target in calibration_targets().values():
        concerned = asked_about(settled(question) for question in target.questions)
        own = {name for name in concerned if name.startswith(HARMS)}
        if own and all(name in own or ".prior." in name for name in concerned):
            chosen.append(target)
    assert len(chosen) >= 10
    records = {**parameters(), **nuisance()}
    names = sorted({n for one in chosen for n in asked_about(settled(q) for q in one.questions)})
    prior = Prior.of({name: records[name] for name in names})
    posterior, _ = fit(chosen, prior, seed=4, chains=2, warmup=150, draws=400, processes=1)
    assert posterior.summary()["largest R-hat"] < 1.05
    flat = posterior.z.reshape(-1, len(names))
    compared = [name for name in names if name.startswith(HARMS)]
    assert len(compared) >= 8
    for name in compared:
        column, mine = fitted().column(name), flat[:, names.index(name)]
        assert column is not None
        assert mine.mean() == pytest.approx(column.mean(), abs=0.35), name
        assert mine.std() / column.std() == pytest.approx(1.0, abs=0.25), name
    # The agreement is not that of two priors.
    assert min(flat[:, names.index(name)].std() for name in compared) < 0.75
    assert np.abs([flat[:, names.index(name)].mean() for name in compared]).max() > 0.25
