"""The mixture of experts of Section 7: its backpropagation, and its training."""

from __future__ import annotations

import numpy as np
import pytest

from minikd import MLP, Dataset, Recipe, equations, gradcheck, hard_targets, soft_targets, train
from minikd.ensembles import arithmetic_mean
from minikd.mixture import Mixture, mixture_backward, mixture_forward
from minikd.objectives import Batch

RNG = np.random.default_rng(11)
E, B, N = 3, 5, 4


def mixture(dtype=np.float32, seed=0):
    return Mixture(
        MLP([6, 7, E], rng=seed, dtype=dtype), MLP([6, 8, N], rng=range(1, E + 1), dtype=dtype)
    )


def data(cases=60):
    x = RNG.random((cases, 6)).astype(np.float32)
    return Dataset(x, (x[:, :3].argmax(1)) + (x[:, 5] > 0.8), shape=(2, 3))


def test_the_mixture_is_the_weighted_mean_of_the_experts():
    a, z = 3 * RNG.normal(size=(B, E)), 3 * RNG.normal(size=(E, B, N))
    q = np.einsum("be,ebn->bn", equations.softmax(a), equations.softmax(z))
    np.testing.assert_allclose(np.exp(mixture_forward(a, z)[0]), q, rtol=1e-12)


def test_with_a_uniform_gate_it_is_the_mean_of_an_ensemble():
    z = 3 * RNG.normal(size=(E, B, N))
    np.testing.assert_allclose(
        mixture_forward(np.zeros((B, E)), z)[0], arithmetic_mean(z), rtol=1e-12
    )


def test_it_is_finite_where_probabilities_vanish():
    """Each case by itself: e⁻²⁰⁰⁰ is 0, but its logarithm is not."""
    a, z = np.zeros((2, E)), np.zeros((E, 2, N))
    z[:, 0, 1:], z[:, 1, :3] = -2000, -1000
    log_q, _ = mixture_forward(a, z)
    np.testing.assert_allclose(
        log_q, [[0, -2000, -2000, -2000], [-1000, -1000, -1000, 0]], atol=1e-12
    )


def test_its_backward():
    def func(a, z):
        out, cache = mixture_forward(a, z)
        return out, lambda dout: mixture_backward(dout, cache)

    assert gradcheck(func, (RNG.normal(size=(B, E)), RNG.normal(size=(E, B, N))))


def test_the_better_an_expert_explains_a_case_the_more_it_learns_from_it():
    """With hard targets, g − h for the gate and h (p − [i = y]) for the experts."""
    a, z, y = RNG.normal(size=(B, E)), RNG.normal(size=(E, B, N)), RNG.integers(0, N, B)
    log_q, cache = mixture_forward(a, z)
    da, dz = mixture_backward(equations.hard_target_gradient(log_q, y), cache)
    g, p = equations.softmax(a), equations.softmax(z)
    h = g.T * p[:, np.arange(B), y]
    h /= h.sum(0)
    np.testing.assert_allclose(da, g - h.T, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(dz, h[..., None] * (p - np.eye(N)[y]), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("objective", [hard_targets(), soft_targets(3.0, 0.5)])
def test_the_gradients_of_all_parameters(objective):
    net, x = mixture(np.float64), RNG.random((B, 6))
    batch = Batch(x, RNG.integers(0, N, B), RNG.normal(size=(B, N)))

    def func(*parameters):
        cut = len(net.gate.parameters)
        same = Mixture(
            net.gate.with_parameters(parameters[:cut]),
            net.experts.with_parameters(parameters[cut:]),
        )
        z, caches = same.forward(x)
        return objective.cost(z, batch), lambda dout: tuple(
            same.backward(dout[:, None] * objective.gradient(z, batch), caches)
        )

    assert gradcheck(func, net.parameters, method="direction")


@pytest.mark.parametrize("cache", [None, (), [np.zeros(1)] * 2, (1, 2, 3)])
def test_its_backward_wants_what_its_forward_kept(cache):
    with pytest.raises(
        ValueError, match=r"^cache is .*; expected the cache that mixture_forward gave$"
    ):
        mixture_backward(np.zeros((B, N)), cache)


@pytest.mark.parametrize(
    ("dead_gate", "dead_experts", "off"),
    [(False, (), False), (True, (), True), (False, (0, 2), False), (False, range(E), True)],
)
def test_it_is_off_without_a_gate_or_without_all_experts(dead_gate, dead_experts, off):
    net = mixture()
    net.gate.parameters[1][:] = -100 if dead_gate else 100
    net.experts.parameters[1][:] = 100
    net.experts.parameters[1][list(dead_experts)] = -100
    _, caches = net.forward(RNG.random((B, 6)))
    np.testing.assert_array_equal(net.off(caches), [off])


def test_it_learns_and_goes_on_where_it_was_stopped(tmp_path):
    cases = data(400)
    recipe = Recipe(epochs=12, learning_rate=0.2, batch=20, warm_up=10, max_norm=3.0)
    net = mixture()
    history = train(net, cases, hard_targets(), recipe, rng=3)
    assert history.costs[-1][0] < 0.7 * history.costs[0][0]
    assert np.mean(net(cases.x).argmax(-1) == cases.y) > 0.7

    class Stopped(Exception):
        pass

    def stop(net, epoch):
        if epoch == 6:
            raise Stopped

    again = mixture()
    options = {"rng": 3, "checkpoint": tmp_path / "mixture.npz", "seconds_between": 0}
    with pytest.raises(Stopped):
        train(again, cases, hard_targets(), recipe, observe=stop, **options)
    again = mixture()
    resumed = train(again, cases, hard_targets(), recipe, **options)
    assert resumed.costs == history.costs
    for p, q in zip(net.parameters, again.parameters, strict=True):
        np.testing.assert_array_equal(p, q)


def test_it_can_be_a_student_and_runs_on_a_device(fake_gpu):
    cases = data(40)
    net = Mixture(MLP([6, 7, E], 0, device="cuda"), MLP([6, 8, N], range(3), device="cuda"))
    transfer = cases.with_logits(RNG.normal(size=(40, N))).unlabelled()
    history = train(net, transfer, soft_targets(2.0), Recipe(4, 0.05, batch=10))
    assert history.costs[-1][0] < history.costs[0][0]
    assert isinstance(net(cases.x), np.ndarray)
    there = net(net.xp.asarray(cases.x))
    assert type(there) is type(net.parameters[0])  # it stays where the cases are
    np.testing.assert_array_equal(there.get(), net(cases.x))


def test_parts_that_do_not_fit():
    gate, experts = MLP([6, 3], 0), MLP([6, N], range(3))
    with pytest.raises(ValueError, match="one network and a stack"):
        Mixture(experts, experts)
    with pytest.raises(ValueError, match="one network and a stack"):
        Mixture(gate, gate)
    with pytest.raises(ValueError, match="expected 6 and 2"):
        Mixture(gate, MLP([6, N], range(2)))
    with pytest.raises(ValueError, match="expected 5 and 3"):
        Mixture(gate, MLP([5, N], range(3)))


def test_both_parts_are_networks():
    gate, experts = MLP([6, 3], 0), MLP([6, N], range(3))
    expected = "expected an MLP: the gate one network, the experts a stack$"
    with pytest.raises(ValueError, match=f"^gate is 3; {expected}"):
        Mixture(3, experts)
    with pytest.raises(ValueError, match=f"^experts is 'four'; {expected}"):
        Mixture(gate, "four")


def test_dropout_is_refused():
    with pytest.raises(ValueError, match="without dropout"):
        train(mixture(), data(), hard_targets(), Recipe(1, 0.1, dropout=(0.0, 0.5)))
