"""Devices: one source for NumPy and CuPy, and no hidden copies between them."""

from __future__ import annotations

import builtins
from dataclasses import replace

import device_double
import numpy as np
import pytest

from minikd import (
    MLP,
    Recipe,
    hard_targets,
    load_glyphs,
    logit_matching,
    soft_targets,
    train,
)
from minikd.backend import (
    Stream,
    array_module,
    device_name,
    generator,
    namespace,
    random_bytes,
    to_host,
)
from minikd.evaluate import logits_over_views

DIGITS = load_glyphs(rng=0, train=200, test=100)
SIZES = [784, 30, 20, 10]
RECIPE = Recipe(
    epochs=2, learning_rate=0.05, batch=50, dropout=(0.1, 0.2, 0.5), max_norm=2.0, jitter=2
)
PLAIN = Recipe(epochs=2, learning_rate=0.02, batch=50, max_norm=2.0, jitter=2, subpixel=True)


def test_an_unknown_device():
    with pytest.raises(ValueError, match="expected 'cpu' or 'cuda'"):
        array_module("tpu")


def test_cuda_without_cupy(monkeypatch):
    real = builtins.__import__

    def no_cupy(name, *args, **kwargs):
        if name == "cupy":
            raise ImportError
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_cupy)
    with pytest.raises(ValueError, match="pip install"):
        array_module("cuda")


def test_cupy_without_a_gpu(fake_gpu):
    fake_gpu.cuda.is_available = lambda: False
    with pytest.raises(ValueError, match="no CUDA device"):
        array_module("cuda")


def test_streams_are_the_children_of_their_seed():
    child = np.random.SeedSequence(5).spawn(3)[Stream.ORDER]
    np.testing.assert_array_equal(
        generator(5, Stream.ORDER).random(4), np.random.default_rng(child).random(4)
    )


def test_streams_of_one_seed_never_meet():
    streams = [generator(0, purpose, *key) for purpose in Stream for key in ((), (0,), (1,))]
    assert len({rng.random() for rng in streams}) == 3 * len(Stream)


def test_random_bytes_are_uniform():
    drawn = random_bytes(generator(0, Stream.MASKS), (1000, 256))
    assert drawn.shape == (1000, 256)
    counts = np.bincount(drawn.ravel(), minlength=256)
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000)


def test_the_double_is_strict(fake_gpu):
    on_device, on_host = fake_gpu.asarray([1.0, 2.0]), np.ones(2)
    for mixed in (lambda: on_device + on_host, lambda: on_host * on_device,
                  lambda: np.asarray(on_device), lambda: on_device[np.array([0])],
                  lambda: fake_gpu.matmul(on_device, on_host)):  # fmt: skip
        with pytest.raises(TypeError):
            mixed()
    assert namespace(on_device) is fake_gpu
    np.testing.assert_array_equal(to_host(on_device * 2), [2, 4])


@pytest.mark.parametrize("seeds", [1, (1, 2)])
@pytest.mark.parametrize("objective", [hard_targets(), soft_targets(4.0, hard_weight=0.1)])
def test_the_device_path_moves_every_array(fake_gpu, seeds, objective, tmp_path):
    v = np.random.default_rng(0).normal(0, 3, (200, 10))
    data = DIGITS.train.with_logits(v)
    host, device = MLP(SIZES, seeds), MLP(SIZES, seeds, device="cuda")
    costs = train(host, data, objective, PLAIN).costs
    path = tmp_path / "run.npz"
    on_device = train(device, data, objective, PLAIN, checkpoint=path).costs
    assert device.xp is fake_gpu
    # The double computes with NumPy, so without dropout the two are the same to rounding.
    np.testing.assert_allclose(on_device, costs, rtol=1e-5)
    assert isinstance(device(DIGITS.test.x), np.ndarray)
    np.testing.assert_allclose(device(DIGITS.test.x), host(DIGITS.test.x), atol=1e-4)
    # Resumed from its file, on the other device.
    train(resumed := MLP(SIZES, seeds), data, objective, PLAIN, checkpoint=path)
    np.testing.assert_array_equal(resumed.parameters[0], to_host(device.parameters[0]))
    device.save(tmp_path / "net.npz")
    loaded = MLP.load(tmp_path / "net.npz", device="cuda")
    assert loaded.xp is fake_gpu


def test_dropout_on_the_device(fake_gpu):
    net = MLP(SIZES, (1, 2), device="cuda")
    costs = train(net, DIGITS.train, hard_targets(), RECIPE).costs
    assert np.isfinite(costs).all()
    assert device_name(net.xp) == "cuda: double"
    per_member = Recipe(epochs=1, learning_rate=(0.1, 0.05), batch=50)
    train(
        net, DIGITS.train.with_logits(np.ones((200, 10))), soft_targets((2.0, 4.0)), per_member
    )


@pytest.mark.parametrize("seeds", [1, (1, 2)])
def test_a_step_moves_nothing_between_host_and_device(fake_gpu, seeds):
    """Transfers in two epochs of 4 steps and of 20 are counted: 32 more steps add next to none."""
    data = DIGITS.train.with_logits(np.ones((200, 10)))
    T = (2.0, 4.0) if isinstance(seeds, tuple) else 2.0
    counts = []
    for batch in (50, 10):
        net = MLP(SIZES, seeds, device="cuda")
        objective = soft_targets(T, hard_weight=0.1)
        device_double.crossings.clear()
        train(net, data, objective, replace(RECIPE, batch=batch))
        counts.append(dict(device_double.crossings))
    assert counts[0]["to device"] == counts[1]["to device"] > 0
    # A look at two cases of the first batch may be followed by a look at all of it.
    assert abs(counts[1]["to host"] - counts[0]["to host"]) <= 2


def test_the_record_says_whether_tf32_was_asked_for(fake_gpu, monkeypatch):
    monkeypatch.delenv("CUPY_TF32", raising=False)
    assert device_name(fake_gpu) == "cuda: double"
    monkeypatch.setenv("CUPY_TF32", "1")
    assert device_name(fake_gpu) == "cuda: double, TF32"


def test_cupy_has_every_function_that_minikd_uses(fake_gpu, monkeypatch, tmp_path):
    """CuPy imports without a GPU, so its names can be checked anywhere it is installed."""
    data = DIGITS.train.with_logits(np.ones((200, 10)))
    for objective in (hard_targets(), soft_targets(4.0, 0.1), logit_matching()):
        net = MLP(SIZES, (1, 2), device="cuda")
        train(net, data, objective, RECIPE)
        logits_over_views(net, data, 1)
    asked = set(fake_gpu.asked)
    assert {"matmul", "einsum", "exp", "where", "maximum"} <= asked
    monkeypatch.undo()
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    assert not {name for name in asked if not hasattr(cupy, name)}
    assert callable(cupy.lib.stride_tricks.as_strided)
    assert callable(cupy.random.Generator.integers)


@pytest.mark.gpu
def test_numpy_and_cupy_agree():
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    if not cupy.cuda.is_available():
        pytest.skip("no CUDA device")
    host, device = MLP(SIZES, 1), MLP(SIZES, 1, device="cuda")
    train(host, DIGITS.train, hard_targets(), PLAIN)
    train(device, DIGITS.train, hard_targets(), PLAIN)
    # Eight steps in float32, whose sums are taken in another order on a GPU.
    np.testing.assert_allclose(device(DIGITS.test.x), host(DIGITS.test.x), atol=1e-3)
