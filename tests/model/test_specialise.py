"""Taking observed roots as given changes no posterior, and drops the arcs that no longer matter."""

from __future__ import annotations

import numpy as np
import pytest

from refra.data.loading import variables
from refra.inference.asking import structure
from refra.inference.engine import compile_plan
from refra.model.assembly import central_model
from refra.model.network import Model
from refra.model.specialise import sliced, specialise, without_idle_parents

BACKGROUND = tuple(name for name, variable in variables().items() if variable.role == "background")


def test_idle_parents_are_dropped_one_by_one() -> None:
    rng = np.random.default_rng(2)
    core = rng.dirichlet(np.ones(3), (2, 4))
    table = np.broadcast_to(core[:, None, :, None, :], (2, 3, 4, 5, 3))
    parents, left = without_idle_parents(("a", "b", "c"), table)
    assert parents == ("b",)
    np.testing.assert_array_equal(left, core)


def test_a_parent_that_matters_in_one_set_alone_is_kept() -> None:
    table = np.full((2, 3, 2), 0.5)
    table[1, 2] = [0.4, 0.6]
    assert without_idle_parents(("a",), table)[0] == ("a",)
    assert without_idle_parents(("a",), table[:1])[0] == ()


def test_known_parents_are_sliced_out() -> None:
    table = np.random.default_rng(3).dirichlet(np.ones(2), (1, 3, 4, 2))
    parents, left = sliced(("a", "b", "c"), table, {"b": 2, "z": 0})
    assert parents == ("a", "c")
    np.testing.assert_array_equal(left, table[:, :, 2])
    same, whole = sliced(("a", "b", "c"), table, {"z": 0})
    assert same == ("a", "b", "c")
    assert whole is table


def test_only_roots_can_be_taken_in() -> None:
    with pytest.raises(ValueError, match="synovitis is not a root"):
        specialise(central_model(), {"synovitis": 0})


def posterior(model: Model, hard: dict[str, int], target: str) -> np.ndarray:
    shape = structure(model)
    plan = compile_plan(dict(shape.cards), dict(shape.parents), targets=[target], hard=tuple(hard))
    return np.asarray(plan.run(model.tables, hard=hard).marginals[target][0])


@pytest.mark.parametrize("seed", range(6))
def test_posteriors_stay_what_they_were(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = central_model()
    roots = {str(name): int(rng.integers(model.card(str(name)))) for name in rng.choice(BACKGROUND, 6, replace=False)}
    findings = {"sjc28": int(rng.integers(4)), "tjc28": int(rng.integers(4)), "response_pattern": int(rng.integers(5))}
    small = specialise(model, roots)
    assert set(small.states) == set(model.states) - set(roots)
    for target in ("driver", "exposure", "primary_reason", "lda_rituximab"):
        np.testing.assert_allclose(posterior(small, findings, target), posterior(model, {**roots, **findings}, target), atol=1e-12)


def test_arcs_that_no_longer_matter_are_gone() -> None:
    model = central_model()
    jak = specialise(model, {"current_drug": model.position("current_drug", "jak_inhibitor")})
    # No antibodies form against a small molecule, whatever else there is.
    assert jak.parents["ada"] == ()
    assert jak.parents["covered_current"] == ("covered_jak_inhibitor",)
    etanercept = specialise(model, {"current_drug": model.position("current_drug", "etanercept")})
    assert etanercept.parents["acute_phase_block"] == ()
    assert "acute_phase_block" in jak.parents["crp"]


def test_the_model_itself_is_left_alone() -> None:
    model = central_model()
    before = dict(model.parents)
    specialise(model, {"current_drug": 3})
    assert dict(model.parents) == before
