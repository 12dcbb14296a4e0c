"""Layers with buffers and caches, whose mistakes break the contract, and unusual inputs."""

from __future__ import annotations

import numpy as np

from .entry import KEPT, Bug, entry, normal

__all__ = ["KEPT"]  # each copy of a layer gets a dictionary of its own under this name


def in_place(x):
    """Code that writes in place, on its own copies."""
    out = x.copy()
    out *= 2
    out += 1

    def backward(dout):
        dx = dout.copy()
        dx *= 2
        return dx

    return out, backward


entry(
    in_place,
    normal((3, 4)),
    Bug("out = x.copy()", "out = x", ("input written",), "the forward works on its input",
        breaks="contract"),
    Bug("dx = dout.copy()", "dx = dout", ("input written",), "the backward works on dout",
        breaks="contract"),
    Bug("dx *= 2", "dx *= 4", ("factor", 2), "applied twice"),
    tempting="in-place operations",
)  # fmt: skip


def centred(x):
    """The mean subtracted in place, on a copy."""
    out = x.copy()
    out -= out.mean(axis=0)

    def backward(dout):
        return dout - dout.mean(axis=0)

    return out, backward


entry(
    centred,
    normal((5, 2)),
    Bug("out = x.copy()", "out = x", ("input written",), "the caller's data is centred",
        breaks="contract"),
    Bug("dout - dout.mean(axis=0)", "dout", ("mean not subtracted", 0), "the mean taken for a constant"),
    Bug("return dout - dout.mean(axis=0)", "dout -= dout.mean(axis=0)\n        return dout",
        ("input written",), "dout is centred in place", breaks="contract"),
    Bug("dout - dout.mean(axis=0)", "dout - dout.mean()", ("mean not subtracted", 0), "of all columns"),
)  # fmt: skip


def square(x):
    """The square; the mistakes are about memory."""
    out = x * x

    def backward(dout):
        return 2 * x * dout

    return out, backward


entry(
    square,
    normal((3, 4)),
    Bug("    out = x * x\n", "    out = KEPT.setdefault(x.dtype.char, np.empty(x.shape, x.dtype))\n"
        "    np.multiply(x, x, out=out)\n", ("buffer reused",), "out is one buffer for all calls",
        breaks="contract"),
    Bug("return 2 * x * dout", "dx = KEPT.setdefault('dx', np.empty(x.shape))\n"
        "        return np.multiply(2 * x, dout, out=dx)", ("buffer reused",),
        "dx is one buffer for all calls", breaks="contract"),
    Bug("return 2 * x * dout", "dx = KEPT.setdefault('dx', np.zeros(x.shape))\n"
        "        dx += 2 * x * dout\n        return dx.copy()", ("accumulates",),
        "gradients are added up and never set to zero", breaks="contract"),
    Bug("return 2 * x * dout", "return 2 * x * dout, None", ("number of gradients",), "one too many",
        breaks="contract"),
    Bug("return 2 * x * dout", "np.multiply(x, 1.5, out=x)\n        return 2 * x / 1.5 * dout",
        ("input written",),
        "the backward scales x, and takes that into account", breaks="contract"),
    Bug("return 2 * x * dout", "rng = KEPT.setdefault('rng', np.random.default_rng(5))\n"
        "        return 2 * x * dout + 1e-7 * rng.normal(size=x.shape)",
        ("not deterministic",), "noise in the gradient, too small for most tolerances",
        breaks="contract"),
    Bug("return 2 * x * dout", "return 2.0 * np.sqrt(x) ** 2 * dout", ("nan",), "a root of negatives"),
)  # fmt: skip


def cube_with_cache(x):
    """The third power, which keeps its input for the backward."""
    cache = {}
    cache["x"] = x.copy()
    out = x**3

    def backward(dout):
        return 3 * cache["x"] ** 2 * dout

    return out, backward


entry(
    cube_with_cache,
    normal((2, 3)),
    Bug('cache["x"] = x.copy()', 'cache["x"] = KEPT.setdefault("x", x.copy())', ("stale cache",),
        "the input of the first call for ever", breaks="contract"),
    Bug('cache["x"] ** 2', 'cache.pop("x", x + 1) ** 2', ("accumulates",),
        "the cache is used up by the first backward", breaks="contract"),
)  # fmt: skip


def dense_with_cache(x, W):
    """A dense layer that keeps its input for the backward."""
    cache = x.copy(), W.copy()
    out = x @ W

    def backward(dout):
        x, W = cache
        return dout @ W.T, x.T @ dout

    return out, backward


entry(
    dense_with_cache,
    normal((4, 2), (2, 3)),
    Bug("        x, W = cache\n", "        x, W = KEPT.setdefault('cache', cache)\n", ("stale cache",),
        "the cache of the first call is used for ever", breaks="contract"),
    Bug("out = x @ W\n", "out = x @ W\n    cache[0][...] = np.real(np.tanh(x))\n", ("stale cache",),
        "the forward overwrites what it kept"),
    Bug("        return dout @ W.T, x.T @ dout", "        dW = KEPT.setdefault('dW', np.zeros(W.shape))\n"
        "        dW += x.T @ dout\n        return dout @ W.T, dW.copy()", ("accumulates",),
        "dW is added up over calls", breaks="contract"),
    Bug("return dout @ W.T, x.T @ dout", "return dout @ W.T", ("number of gradients",), "dW left out",
        breaks="contract"),
)  # fmt: skip


def relu_in_place(x):
    """A ReLU that keeps where its units were on before it writes."""
    out = x.copy()
    on = x > 0
    out[~on] = 0

    def backward(dout):
        return dout * on

    return out, backward


entry(
    relu_in_place,
    normal((3, 5)),
    Bug("    out = x.copy()\n    on = x > 0\n    out[~on] = 0\n",
        "    out = x.copy()\n    on = x > 0\n    out[~on] = 0\n    on |= out == 0\n", ("stale cache",),
        "the mask is overwritten after the forward", also=("mask",)),
    Bug("dout * on", "np.multiply(dout, on, out=dout)", ("input written",), "dout is overwritten",
        breaks="contract"),
    tempting="zeros, and in-place operations",
)  # fmt: skip


def dead_unit_dropout(x, W):
    """Dropout between a layer and its sum, with the mask as a constant."""
    mask = np.arange(W.shape[1]) % 2 * 2.0
    out = (np.tanh(x @ W) * mask).sum(axis=1)

    def backward(dout):
        dz = dout[:, None] * mask * (1 - np.tanh(x @ W) ** 2)
        return dz @ W.T, x.T @ dz

    return out, backward


entry(
    dead_unit_dropout,
    normal((3, 2), (2, 5)),
    Bug("* mask * (1", "* (mask > 0) * (1", ("factor", 0.5), "the scale forgotten"),
    Bug("* mask * (1", "* (1", ("mask",), "the mask forgotten"),
    tempting="whole columns of W have the gradient zero",
)


def single_precision(x):
    """A layer that computes in float32 inside, and says so by its rounding."""
    y = x.astype(np.float32)
    out = (y * y).astype(np.float64)

    def backward(dout):
        return (2 * y * dout.astype(np.float32)).astype(np.float64)

    return out, backward


entry(
    single_precision,
    normal((2, 3)),
    Bug("2 * y *", "2.02 * y *", ("factor", 1.01), "a constant typed wrong"),
    Bug("2 * y *", "y *", ("factor", 0.5), "the 2 forgotten"),
    tempting="float32 inside: differences with a small step see only rounding",
)


def half_precision_gradient(x):
    """The exponential; the mistake is a gradient kept in few bits."""
    out = np.exp(x)

    def backward(dout):
        return dout * out

    return out, backward


entry(
    half_precision_gradient,
    normal((3, 4)),
    Bug("dout * out", "(dout * out).astype(np.float16).astype(np.float64)", ("precision",),
        "the gradient rounded to half precision"),
    Bug("dout * out", "dout * np.round(out, 2)", ("precision",), "rounded to two digits"),
    Bug("dout * out", "dout * out + 0.01", ("constant in the gradient",), "a constant added"),
    Bug("dout * out", "dout * np.where(np.arange(4) == 3, out * 1.01, out)", ("single elements",),
        "the last column is off by 1 %"),
    Bug("dout * out", "dout * np.where(out > 2, np.nan, out)", ("nan",), "no number where out is large"),
)  # fmt: skip


def from_a_list(x):
    """The squares of a list of Python numbers."""
    x = np.asarray(x)
    out = x * x

    def backward(dout):
        return 2 * x * dout

    return out, backward


entry(
    from_a_list,
    lambda rng: ([1.5, -2.25, 0.75],),
    Bug("2 * x * dout", "x * dout", ("factor", 0.5), "the 2 forgotten"),
    Bug("2 * x * dout", "2 * dout", ("term missing", 0), "x forgotten"),
    tempting="the input is a list",
)


def of_a_number(x):
    """x sin x, of a Python number."""
    out = x * np.sin(x)

    def backward(dout):
        return dout * (np.sin(x) + x * np.cos(x))

    return out, backward


entry(
    of_a_number,
    lambda rng: (1.7,),
    Bug(" + x * np.cos(x)", "", ("term missing", 0), "the product rule"),
    Bug("dout * (np", "(np", ("dout ignored",), "dout dropped"),
    tempting="the input is a float",
)


def whole_power(x, n):
    """A power whose exponent is a whole number, without a gradient."""
    out = x**n

    def backward(dout):
        return n * x ** (n - 1) * dout, None

    return out, backward


entry(
    whole_power,
    lambda rng: (rng.normal(size=(2, 3)), 4),
    Bug("n * x", "x", ("factor", 1 / 4), "the exponent forgotten"),
    Bug("x ** (n - 1)", "x**n", ("term missing", 0), "the power not lowered"),
    tempting="an input is an int, whose gradient is None",
)
