"""The page on the right loss: its losses in three frameworks, and its two tests."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from minikd.equations import distillation_cost, distillation_gradient, soft_target_gradient

PAGE = (Path(__file__).parents[1] / "docs" / "right-loss.md").read_text(encoding="utf-8")
BLOCKS = dict(zip(re.findall(r"^## (.+)$", PAGE, re.M),
                  re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S), strict=False))  # fmt: skip
Z, V = np.random.default_rng(0).normal(0, 3, (2, 5, 7)).astype(np.float32)
Y = np.random.default_rng(1).integers(0, 7, 5)
T, W = 3.0, 0.5


def code(title):
    space = {}
    exec(BLOCKS[title], space)
    return space


def in_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    z = torch.tensor(Z, requires_grad=True)
    loss = code("PyTorch")["distillation_loss"](z, torch.tensor(V), torch.tensor(Y), T, W)
    loss.backward()
    return loss.item(), z.grad.numpy()


def in_jax():
    jax = pytest.importorskip("jax", reason="jax is not installed")
    loss = code("JAX")["distillation_loss"]
    value, gradient = jax.value_and_grad(lambda z: loss(z, V, Y, T, W))(Z)
    return float(value), np.asarray(gradient)


def in_keras():
    pytest.importorskip("keras", reason="Keras is not installed")
    from keras import backend

    loss = code("Keras")["distillation_loss"]
    if backend.backend() == "jax":
        import jax

        value, gradient = jax.value_and_grad(lambda z: loss(z, V, Y, T, W))(Z)
        return float(value), np.asarray(gradient)
    if backend.backend() == "torch":
        import torch

        z = torch.tensor(Z, requires_grad=True)
        value = loss(z, torch.tensor(V), torch.tensor(Y), T, W)
        value.backward()
        return value.item(), z.grad.numpy()
    pytest.skip(f"Keras runs on {backend.backend()}; expected jax or torch")


@pytest.mark.parametrize(
    "framework", [in_pytorch, in_keras, in_jax], ids=["torch", "keras", "jax"]
)
def test_a_frameworks_loss_is_that_of_the_equations(framework):
    value, gradient = framework()
    expected = distillation_cost(Z, V, Y, T, W, kl=True).mean()
    assert value == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(
        gradient, distillation_gradient(Z, V, Y, T, W) / len(Y), atol=2e-6
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_two_tests_pass_the_right_loss(dtype):
    def gradient(z, v, T):
        return T**2 * soft_target_gradient(z.astype(dtype), v.astype(dtype), T)

    for name, test in code("Two tests to copy").items():
        if name.startswith("test_"):
            test(gradient)


def test_the_two_tests_find_all_ten():
    """The losses of the lesson, whose text ends before anything is trained."""
    lesson = Path(__file__).parents[1] / "lessons" / "16_ten_wrong_losses.py"
    space = {}
    exec(lesson.read_text(encoding="utf-8").split("# ## What each does")[0], space)
    tests = [
        test for name, test in code("Two tests to copy").items() if name.startswith("test_")
    ]
    wrong = [name for name in space["NAMES"] if name != "right"]
    assert len(wrong) == 10
    for name in wrong:
        found = 0
        for test in tests:
            try:
                test(lambda z, v, T, n=name: space["losses"](z, v, T)[n][1])
            except AssertionError:
                found += 1
        assert found, name
