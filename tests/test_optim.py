"""The optimizer against the formulas, one line each."""

from __future__ import annotations

import numpy as np
import pytest

from minikd.optim import Velocities, clip_norms, learning_rate_at, sgd_step

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("momentum", [0.0, 1e-30, 1e-3, 0.02, 0.5, 0.9, 0.99])
def test_velocities_at_another_scale_are_the_velocities(momentum):
    shapes = [(4, 3), (3,)]
    velocities = Velocities([np.zeros(s) for s in shapes], momentum)
    plain = [np.zeros(s) for s in shapes]
    lowest = 1.0
    for step in range(1500):
        gradients = [RNG.normal(size=s) for s in shapes]
        plain = [momentum * u + g for u, g in zip(plain, gradients, strict=True)]
        scale = velocities.decay()
        lowest = min(lowest, scale)
        for array, g in zip(velocities.arrays, gradients, strict=True):
            array *= velocities.keep
            array += g / scale
        if step % 97 == 0:
            velocities.settle()
            assert velocities.scale == 1
        for array, u in zip(velocities.arrays, plain, strict=True):
            np.testing.assert_allclose(array * velocities.scale, u, rtol=1e-11, atol=1e-12)
    assert lowest >= 1e-5


def test_a_step_goes_down_the_velocity():
    shapes = [(150, 7), (7,), (3, 7, 4), (3, 4)]
    w, u = ([RNG.normal(size=s) for s in shapes] for _ in range(2))
    expected = [a - 0.1 * v for a, v in zip(w, u, strict=True)]
    before = [v.copy() for v in u]
    sgd_step(w, u, 0.1)
    for i in range(4):
        # One product and one sum of numbers of size 1, rounded once or twice.
        np.testing.assert_allclose(w[i], expected[i], rtol=1e-13, atol=1e-15)
        np.testing.assert_array_equal(u[i], before[i])


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
