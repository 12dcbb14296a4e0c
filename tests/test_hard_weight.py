"""What hard targets do beside soft ones: the balance of docs/hard-targets.md, solved by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import root

from minikd import soft_targets
from minikd.equations import softmax
from minikd.experiments.hard_weight_figure import lead_in_balance
from minikd.objectives import Batch


@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("weight", [0.5, 2.0, 20.0])
def test_soft_and_hard_targets_are_in_balance_where_the_derivation_says(weight, classes):
    """One case: the teacher is of two minds between the label and a class that never occurs.

    Every logit is free, so the equilibrium is that of docs/hard-targets.md. For two classes the
    logits are the whole student; for more, the others are so low that they take no part.
    """
    T = 1e4  # the limit of high temperature, to four digits
    v = np.full((1, classes), -40.0)
    v[0, :2] = 0.0  # class 0 is the label, class 1 the one that it never sees
    v -= v.mean()
    objective = soft_targets(T, weight)
    batch = Batch(x=None, y=np.array([0]), v=v)
    found = root(lambda z: objective.gradient(z[None], batch)[0], v[0], tol=1e-13, method="lm")
    z = found.x - found.x.mean()
    lead = lead_in_balance(weight, classes)
    assert z[1] - z[0] == pytest.approx(lead, rel=2e-3)
    # By hand: s (1 + exp(s)) = 2 N w.
    s = -lead
    assert s * (1 + np.exp(s)) == pytest.approx(2 * classes * weight, rel=1e-9)
    # Each logit: z_c = v_c - N w q_c for the class that never occurs.
    q = softmax(z)
    assert z[1] == pytest.approx(v[0, 1] - classes * weight * q[1], rel=2e-3, abs=2e-3)


def test_without_hard_targets_the_lead_is_the_teachers():
    assert lead_in_balance(0.0, 10, 1.5) == 1.5
    assert lead_in_balance(2.0, 10, -30.0) == pytest.approx(-30, abs=1e-6)  # where it is sure
    leads = [lead_in_balance(2.0, 10, lead) for lead in (-5.0, 0.0, 5.0)]
    assert leads == sorted(leads)
    with pytest.raises(ValueError, match="hard_weight"):
        lead_in_balance(-1.0, 10)


def test_the_bias_of_an_unseen_class_is_in_balance():
    """The mean over the transfer set, at the minimum: T (q_c - p_c) + w q_c(1) = 0."""
    rng = np.random.default_rng(0)
    x = np.abs(rng.normal(size=(60, 4))).astype(np.float64)
    y = rng.integers(0, 2, 60)  # class 2 never occurs
    v = np.stack([3.0 * (y == 0), 3.0 * (y == 1), rng.normal(size=60)], axis=-1)
    T, w = 20.0, 2.0
    batch = Batch(x=x, y=y, v=v)
    objective = soft_targets(T, w)
    inputs = np.c_[x, np.ones(60)]

    def gradient(flat):
        z = inputs @ flat.reshape(5, 3)
        return (inputs.T @ objective.gradient(z, batch) / 60).ravel()

    flat = root(gradient, np.zeros(15), tol=1e-12, method="lm").x
    z = inputs @ flat.reshape(5, 3)
    soft = T * (softmax(z / T) - softmax(v / T))[:, 2].mean()
    assert soft == pytest.approx(-w * softmax(z)[:, 2].mean(), rel=1e-6)
    assert soft < 0  # the student says less of the class than its teacher
