"""The optimizer against the formulas, one line each."""

from __future__ import annotations

import numpy as np
import pytest

from minikd.optim import clip_norms, learning_rate_at, sgd_step

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("members", [(), (3,)])
def test_momentum(members):
    # 150 rows, so that the blocks of rows do not come out even.
    shapes = [(*members, 150, 7), (*members, 7), (*members, 7, 4), (*members, 4)]
    w = [RNG.normal(size=s) for s in shapes]
    expected, u, velocity = [a.copy() for a in w], [np.zeros(s) for s in shapes], [0.0] * 4
    rates = np.array([0.1, 0.2, 0.3]).reshape(3, 1, 1) if members else 0.1
    for _ in range(3):
        g = [RNG.normal(size=s) for s in shapes]
        before = [a.copy() for a in g]
        sgd_step(w, g, u, rates, 0.9)
        for i in range(4):
            rate = rates[..., 0] if members and i % 2 else rates
            velocity[i] = 0.9 * velocity[i] + g[i]
            expected[i] = expected[i] - rate * velocity[i]
            np.testing.assert_allclose(w[i], expected[i], rtol=1e-13)
            np.testing.assert_array_equal(g[i], before[i])


def test_momentum_finds_the_minimum_of_a_bowl():
    w, u = [np.full((2, 2), 5.0), np.full(2, 5.0)], [np.zeros((2, 2)), np.zeros(2)]
    for _ in range(300):
        sgd_step(w, [w[0].copy(), w[1].copy()], u, 0.1, 0.9)
    assert max(np.abs(a).max() for a in w) < 1e-5


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
    per_member = learning_rate_at(550, 1000, np.array([0.1, 0.2]).reshape(2, 1, 1), 100)
    np.testing.assert_allclose(per_member.ravel(), [0.05, 0.1])
