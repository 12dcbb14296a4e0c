"""The optimizer against the formulas, one line each."""

from __future__ import annotations

import device_double
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


def test_a_member_goes_as_it_would_alone():
    """Bit for bit, in float32 too: its rate is rounded to the type of its parameters."""
    w, u, g = (RNG.normal(size=(3, 7, 4)).astype(np.float32) for _ in range(3))
    rates = np.array([0.1, 0.03, 0.7])
    alone = [a.copy() for a in w]
    for k, rate in enumerate(rates):
        sgd_step([alone[k]], [u[k].copy()], [g[k]], float(rate), 0.9)
    sgd_step([w], [u], [g], rates, 0.9)
    assert w.dtype == np.float32
    np.testing.assert_array_equal(w, alone)


@pytest.mark.parametrize(
    "rates", [[0.1, -0.2, 0.1], [0.1, 0.2], [0.1, 0.2, 0.3, 0.4], [[0.1] * 3]]
)
def test_a_stack_has_one_rate_for_each_member(rates):
    w, u, g = ([RNG.normal(size=(3, 4))] for _ in range(3))
    with pytest.raises(
        ValueError, match=r"^learning_rate is .*; expected a rate ≥ 0, or one for each member$"
    ):
        sgd_step(w, u, g, np.array(rates), 0.9)


@pytest.mark.parametrize("name", ["parameters", "velocities", "gradients"])
def test_what_a_step_uses_holds_numbers(name):
    given = {n: [np.zeros(3)] for n in ("parameters", "velocities", "gradients")}
    given[name] = [np.zeros(3, dtype=bool)]
    with pytest.raises(ValueError, match=f"^{name} has dtype bool; expected numbers"):
        sgd_step(**given, learning_rate=0.1, momentum=0.9)


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


@pytest.mark.parametrize("limit", [1e-30, 0.21, 0.71, 3.5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clip_norms_leaves_a_short_vector_as_it_is_beside_a_long_one(limit, dtype):
    W = np.array([[0.1 * limit, 5.0, 0.0, limit], [0.2 * limit, 0.0, 0.0, 0.0]], dtype)
    before = W.copy()
    clip_norms(W, limit)
    np.testing.assert_array_equal(W[:, [0, 2]], before[:, [0, 2]])
    np.testing.assert_allclose(W[:, [1, 3]], [[limit, limit], [0, 0]], rtol=2e-7)


def test_clip_norms_does_not_wait_for_a_device(fake_gpu):
    W = np.array([[3.0, 0.3], [4.0, 0.4]], np.float32)
    there = fake_gpu.asarray(W)
    device_double.crossings.clear()
    clip_norms(there, 1.0)
    assert not device_double.crossings
    clip_norms(W, 1.0)
    np.testing.assert_array_equal(there.get(), W)


def test_learning_rate():
    rates = np.array([learning_rate_at(t, 1000, 0.1, 100) for t in range(1000)])
    np.testing.assert_allclose(rates[:100], 0.001 * np.arange(1, 101))
    assert rates.max() == pytest.approx(0.1)
    assert rates[550] == pytest.approx(0.05)  # halfway down
    assert (np.diff(rates[100:]) < 0).all()
    assert 0 < rates[-1] < 1e-5


def test_each_member_has_a_peak_of_its_own():
    peaks = [0.1, 0.2, 0.4]
    for peak in (peaks, tuple(peaks), np.array(peaks)):
        for step in (0, 3, 9):
            np.testing.assert_allclose(
                learning_rate_at(step, 10, peak, 2),
                [learning_rate_at(step, 10, p, 2) for p in peaks],
                rtol=1e-15,
            )


def test_one_rate_is_a_plain_number():
    """A scalar of NumPy would make float32 parameters times it float64."""
    for peak in (0.1, np.float32(0.1), np.array(0.1)):
        assert type(learning_rate_at(3, 10, peak, 2)) is float


def test_the_shortest_run_has_one_step():
    assert learning_rate_at(0, 1, 0.1, 0) == 0.1
    assert learning_rate_at(0, 1, 0.1, 1) == 0.1
    with pytest.raises(ValueError, match=r"^steps is 0; expected an integer ≥ 1$"):
        learning_rate_at(0, 0, 0.1, 0)


def test_a_step_that_cannot_be_taken_changes_nothing():
    """It was NumPy's error, after some parameters had been changed."""
    p, g = [np.ones((2, 3)), np.ones((2, 4))], [np.ones((2, 3)), np.ones((2, 4))]
    bad = {
        "parameters": ([np.ones((2, 3), int), p[1]], p, g, 0.1),
        "gradients": (p, p, [g[0], g[1].astype(complex)], 0.1),
        "velocities": (p, [a.astype("float32") for a in p], g, 0.1),
        "learning_rate": (*([np.ones((2, 3)), np.ones((4, 3))] for _ in range(3)), [0.1, 0.2]),
    }
    for name, (parameters, velocities, gradients, rate) in bad.items():
        before = [a.copy() for a in parameters]
        with pytest.raises(ValueError, match=rf"^{name} "):
            sgd_step(parameters, velocities, gradients, rate, 0.9)
        for a, b in zip(parameters, before, strict=True):
            np.testing.assert_array_equal(a, b)
