"""The optimizer against the formulas, one line each."""

from __future__ import annotations

import numpy as np
import pytest

from minikd.optim import clip_norms, learning_rate_at, sgd_step

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_a_step_goes_down_the_velocity(momentum):
    shapes = [(15, 7), (7,), (3, 7, 4), (3, 4)]
    w, u, g = ([RNG.normal(size=s) for s in shapes] for _ in range(3))
    velocities = [momentum * b + c for b, c in zip(u, g, strict=True)]
    expected = [a - 0.1 * v for a, v in zip(w, velocities, strict=True)]
    before = [c.copy() for c in g]
    sgd_step(w, u, g, 0.1, momentum)
    for i in range(4):
        # Products and sums of numbers of size 1, rounded once or twice.
        np.testing.assert_allclose(u[i], velocities[i], rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(w[i], expected[i], rtol=1e-13, atol=1e-15)
        np.testing.assert_array_equal(g[i], before[i])


def test_each_member_goes_at_its_own_rate():
    shapes, rates = [(3, 7, 4), (3, 4)], np.array([0.1, 0.2, 0.0])
    w, u, g = ([RNG.normal(size=s) for s in shapes] for _ in range(3))
    before = [a.copy() for a in w]
    sgd_step(w, u, g, rates, 0.9)
    for a, b, v in zip(w, before, u, strict=True):
        for k in range(3):
            np.testing.assert_allclose(a[k], b[k] - rates[k] * v[k], rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("members", [(), (2,)])
def test_clip_norms(members):
    W = RNG.normal(size=(*members, 20, 8))
    W[..., :, :4] *= 0.1
    W[..., :, 7] = 0
    norms = np.linalg.norm(W, axis=-2)
    before = W.copy()
    clip_norms(W, 2.0)
    np.testing.assert_allclose(np.linalg.norm(W, axis=-2), np.minimum(norms, 2.0), rtol=1e-13)
    # Short vectors stay as they are; long ones keep their direction.
    np.testing.assert_array_equal(W[..., :, :4], before[..., :, :4])
    scale = np.minimum(norms, 2.0)[..., None, :7] / norms[..., None, :7]
    np.testing.assert_allclose(W[..., :, :7], before[..., :, :7] * scale, rtol=1e-13)
    short = W.copy()
    clip_norms(W, 100.0)
    np.testing.assert_array_equal(W, short)


def test_learning_rate():
    rates = np.array([learning_rate_at(t, 1000, 0.1, 100) for t in range(1000)])
    np.testing.assert_allclose(rates[:100], 0.001 * np.arange(1, 101))
    assert rates.max() == pytest.approx(0.1)
    assert rates[550] == pytest.approx(0.05)  # halfway down
    assert (np.diff(rates[100:]) < 0).all()
    assert 0 < rates[-1] < 1e-5
