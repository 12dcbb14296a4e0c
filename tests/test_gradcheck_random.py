"""Random functions, whose gradients are right by construction, and the same with one mistake."""

from __future__ import annotations

import os

import numpy as np
import pytest
from scipy import special

from minikd import gradcheck

BLOCK = int(os.environ.get("MINIKD_FUZZ", "30"))  # functions in each of ten blocks


def softmax(x):
    q = special.softmax(x, axis=-1)
    return q, lambda d: q * (d - (d * q).sum(-1, keepdims=True))


def batch_norm(x):
    s = np.sqrt(x.var(0) + 1e-3)
    h = (x - x.mean(0)) / s
    return h, lambda d: (d - d.mean(0) - h * (d * h).mean(0)) / s


def layer_norm(x):
    centred = x - x.mean(-1, keepdims=True)
    s = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-3)
    h = centred / s
    return (
        h,
        lambda d: (d - d.mean(-1, keepdims=True) - h * (d * h).mean(-1, keepdims=True)) / s,
    )


def sort(x):
    order = np.argsort(x, axis=-1)

    def backward(d):
        dx = np.empty_like(d)
        np.put_along_axis(dx, order, d, axis=-1)
        return dx

    return np.take_along_axis(x, order, axis=-1), backward


def elementwise(f, df):
    return lambda rng, shape: lambda x: (f(x), lambda d: d * df(x))


def product(rng, shape):
    A = rng.normal(size=(shape[-1], int(rng.integers(2, 6)))) / np.sqrt(shape[-1])
    return lambda x: (x @ A, lambda d: d @ A.T)


def times_constant(rng, shape):
    c = rng.normal(size=shape[-1])
    return lambda x: (x * c, lambda d: d * c)


def largest_of_constant(rng, shape):
    c = rng.normal(size=shape)
    return lambda x: (np.maximum(x, c), lambda d: d * (x > c))


def gather(rng, shape):
    rows = rng.integers(0, shape[0], shape[0] + 2)

    def func(x):
        def backward(d):
            dx = np.zeros(x.shape)
            np.add.at(dx, rows, d)
            return dx

        return x[rows], backward

    return func


OPS = {
    "tanh": elementwise(np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "sin": elementwise(np.sin, np.cos),
    "square": elementwise(lambda x: 0.3 * x**2, lambda x: 0.6 * x),
    "ReLU": elementwise(lambda x: np.maximum(x, 0), lambda x: x > 0),
    "abs": elementwise(np.abs, np.sign),
    "expit": elementwise(special.expit, lambda x: special.expit(x) * special.expit(-x)),
    "softplus": elementwise(lambda x: np.logaddexp(0, x), special.expit),
    "erf": elementwise(special.erf, lambda x: 2 / np.sqrt(np.pi) * np.exp(-(x**2))),
    "shift": elementwise(lambda x: x + 1e3, np.ones_like),
    "scale": elementwise(lambda x: 1e-3 * x, lambda x: np.full_like(x, 1e-3)),
    "softmax": lambda rng, shape: softmax,
    "batch norm": lambda rng, shape: batch_norm,
    "layer norm": lambda rng, shape: layer_norm,
    "sort": lambda rng, shape: sort,
    "cumsum": lambda rng, shape: lambda x: (
        np.cumsum(x, -1), lambda d: np.cumsum(d[..., ::-1], -1)[..., ::-1],
    ),
    "transpose": lambda rng, shape: lambda x: (x.T, lambda d: d.T),
    "product": product,
    "times a constant": times_constant,
    "maximum": largest_of_constant,
    "gather": gather,
}  # fmt: skip


def random_function(rng, mistake=None):
    """A chain of one to four operations, and its input; the backward of one may be changed."""
    shape = tuple(int(n) for n in rng.integers(2, 6, 2))
    # Numbers of three digits, so that no kink is nearer than a thousandth, or exactly there.
    x = np.round(rng.normal(0, 1, shape), 3)
    chain, at = [], x
    for name in rng.choice(list(OPS), rng.integers(1, 5)):
        op = OPS[name](rng, at.shape)
        chain.append(op)
        at = op(at)[0]
    wrong = int(rng.integers(len(chain)))

    def func(x):
        backwards = []
        for op in chain:
            x, backward = op(x)
            backwards.append(backward)

        def backward(d):
            for k in reversed(range(len(chain))):
                d = backwards[k](d)
                if mistake is not None and k == wrong:
                    d = mistake(d)
            return d

        return x, backward

    return func, x, at


def depends(func, x, rng):
    """Whether the output changes enough for a mistake in its gradient to be one."""
    gradient = func(x)[1](rng.standard_normal(func(x)[0].shape))
    return np.abs(gradient).max() > 1e-6


MISTAKES = {
    "factor": lambda d: 1.001 * d,
    "sign": lambda d: -d,
    "one element": lambda d: np.where(np.arange(d.size).reshape(d.shape) == d.size - 1, 0.5 * d, d),
    "zero": np.zeros_like,
    "constant": lambda d: d + 0.01,
    "upside down": lambda d: d[::-1],
}  # fmt: skip


@pytest.mark.parametrize("method", ["complex", "direction"])
@pytest.mark.parametrize("block", range(10))
def test_no_right_gradient_is_refused(block, method):
    for seed in range(BLOCK):
        rng = np.random.default_rng([block, seed])
        func, x, _ = random_function(rng)
        if depends(func, x, rng):
            assert gradcheck(func, x, method=method), seed


@pytest.mark.parametrize("mistake", MISTAKES)
def test_no_wrong_gradient_passes(mistake):
    passed = 0
    for seed in range(60):
        rng = np.random.default_rng([77, seed])
        func, x, _ = random_function(rng, MISTAKES[mistake])
        right = random_function(np.random.default_rng([77, seed]))[0]
        dout = rng.standard_normal(func(x)[0].shape)
        hand, true = func(x)[1](dout), right(x)[1](dout)
        # Some mistakes are none here: an element that a ReLU has turned off, two equal rows.
        if np.abs(hand - true).max() < 1e-5 * np.abs(true).max() or np.abs(true).max() < 1e-6:
            continue
        passed += 1
        assert not gradcheck(func, x, raise_exception=False), seed
    assert passed > 20
