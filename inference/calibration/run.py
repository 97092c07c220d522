"""Rebuild the shipped joint posterior: `python -m refra.inference.calibration.run data/posterior`."""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...data.loading import parameters
from .diagnosing import parameter_table, row_table
from .evaluating import asked_about, distinct, settled
from .jax_fitting import fit
from .jax_likelihood import FREEDOM, errors_of
from .jax_tables import Prior
from .observing import MEDIAN_OF_HALF_NORMAL
from .reading import calibration_targets, nuisance
from .targets import Target

INPUTS = ("evidence/evidence.csv", "parameters/parameters.csv", "targets/targets.csv", "targets/gaps.csv", "targets/between_study.csv",
          "targets/nuisance.csv")  # fmt: skip
SEED = 20261122


def digests() -> dict[str, str]:
    """Return the SHA-256 of every table that the fit is made from, by file below `data/`."""
    return {name: hashlib.sha256(files("refra.data").joinpath(*name.split("/")).read_bytes()).hexdigest() for name in INPUTS}


def save_draws(path: Path, ids: Sequence[str], deviates: NDArray[np.float64], targets: Iterable[Target]) -> None:
    """Write draws (draws x parameters) with the parameters that the targets ask about and the digests of the tables behind them."""
    concerned = asked_about(settled(question) for question in distinct(targets))
    np.savez_compressed(
        path,
        ids=np.array(ids),
        # Half precision: three digits of a deviate are more than its Monte Carlo error leaves.
        deviates=deviates.astype(np.float16),
        asked=np.array([identifier in concerned for identifier in ids]),
        inputs=np.array(list(digests().items())),
    )


def main() -> None:
    """Fit all parameters to all targets and write the draws and what they say of themselves."""
    parser = argparse.ArgumentParser(prog="refra.inference.calibration.run", description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write draws.npz, parameters.csv, rows.csv and fit.json")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--warmup", type=int, default=100)
    parser.add_argument("--draws", type=int, default=260, help="draws of each chain after warm-up")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    started = time.time()
    targets = tuple(calibration_targets().values())
    prior = Prior.of({**parameters(), **nuisance()})
    settings = {name: getattr(given, name) for name in ("seed", "chains", "warmup", "draws", "processes")}
    posterior, mode = fit(targets, prior, **settings, progress=True)
    flat = posterior.z.reshape(-1, posterior.z.shape[-1])
    given.folder.mkdir(parents=True, exist_ok=True)
    save_draws(given.folder / "draws.npz", prior.ids, flat, targets)
    count = len(prior.ids)
    table = parameter_table(prior.ids, flat, posterior.r_hat[:count], posterior.effective[:count])
    table.round(4).to_csv(given.folder / "parameters.csv", index=False, lineterminator="\n")
    errors = errors_of(targets)
    tau = MEDIAN_OF_HALF_NORMAL * errors.tau_scales
    rows = row_table(targets, mode.predictions, mode.slopes, mode.z, np.hypot(errors.error, tau[errors.design_of]))
    rows.round(4).to_csv(given.folder / "rows.csv", index=False, lineterminator="\n")
    spread = posterior.tau.reshape(-1, len(posterior.designs))
    note = {
        **settings,
        "targets": len(targets),
        "parameters": count,
        "freedom": FREEDOM,
        **posterior.summary(),
        "gradients a draw": posterior.steps,
        "between studies": {
            name: [float(q) for q in np.quantile(spread[:, place], [0.05, 0.5, 0.95])] for place, name in enumerate(posterior.designs)
        },
        "minutes": round((time.time() - started) / 60, 1),
        "inputs": digests(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in ("refra", "numpy", "jax", "numpyro")}},
    }
    (given.folder / "fit.json").write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
