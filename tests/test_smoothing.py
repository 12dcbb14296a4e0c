"""The experiment smoothing: its gradient, and what its record holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from minikd import Recipe, gradcheck
from minikd.experiments import EXPERIMENTS
from minikd.experiments.smoothing import smooth_targets
from minikd.objectives import Batch


@pytest.mark.parametrize("amount", [0.0, 0.1])
def test_the_gradient(amount):
    objective, y = smooth_targets(amount), np.array([0, 2, 1])
    batch = Batch(x=None, y=y)

    def func(z):
        return objective.cost(z, batch), lambda dc: dc[:, None] * objective.gradient(z, batch)

    assert gradcheck(func, np.random.default_rng(0).normal(size=(3, 3)), method="central")


def test_its_record(tmp_path):
    experiment = EXPERIMENTS["smoothing"]
    quick = replace(experiment.presets["glyphs"], hidden=(10,), recipe=Recipe(1, 0.1))
    m = experiment.run(quick, seeds=(0, 1), out=tmp_path)["metrics"]
    assert m["hard_errors"] != m["smooth_errors"]
