"""Layers that only move values, and layers with several inputs or outputs."""

from __future__ import annotations

import numpy as np

from .entry import Bug, entry, normal


def swap_axes(x):
    """Channels last."""
    out = x.transpose(0, 2, 1)

    def backward(dout):
        return dout.transpose(0, 2, 1)

    return out, backward


entry(
    swap_axes,
    normal((2, 3, 4)),
    Bug("dout.transpose(0, 2, 1)", "dout.reshape(x.shape)", ("permuted", "axes"), "reshaped, not moved"),
    Bug("dout.transpose(0, 2, 1)", "dout", ("wrong shape",), "not moved back"),
)  # fmt: skip


def rotate_axes(x):
    """The first axis becomes the last."""
    out = x.transpose(1, 2, 0)

    def backward(dout):
        return dout.transpose(2, 0, 1)

    return out, backward


entry(
    rotate_axes,
    normal((3, 3, 3)),
    Bug("dout.transpose(2, 0, 1)", "dout.transpose(1, 2, 0)", ("permuted", "axes"), "not the inverse"),
    Bug("dout.transpose(2, 0, 1)", "dout.transpose(0, 2, 1)", ("permuted", "axes"), "two axes only"),
)  # fmt: skip


def flatten(x):
    """A vector for each case, columns first."""
    out = x.swapaxes(1, 2).reshape(len(x), -1)

    def backward(dout):
        return dout.reshape(len(x), x.shape[2], x.shape[1]).swapaxes(1, 2)

    return out, backward


entry(
    flatten,
    normal((2, 3, 4)),
    Bug("dout.reshape(len(x), x.shape[2], x.shape[1]).swapaxes(1, 2)", "dout.reshape(x.shape)",
        ("permuted", "axes"), "rows first"),
    Bug("dout.reshape(len(x), x.shape[2], x.shape[1]).swapaxes(1, 2)", "dout", ("wrong shape",), "flat"),
)  # fmt: skip


def concatenate(a, b):
    """Two arrays side by side."""
    out = np.concatenate([a, b], axis=1)

    def backward(dout):
        return dout[:, : a.shape[1]], dout[:, a.shape[1] :]

    return out, backward


entry(
    concatenate,
    normal((3, 2), (3, 4)),
    Bug("dout[:, : a.shape[1]], dout[:, a.shape[1] :]", "dout[:, b.shape[1] :], dout[:, : b.shape[1]]",
        ("permuted", "blocks along axis 1"), "as if b stood first"),
    Bug("dout[:, a.shape[1] :]", "dout[:, a.shape[1] - 1 : -1]", ("permuted", "shifted along axis 1"),
        "off by one"),
    Bug("dout[:, a.shape[1] :]", "np.zeros_like(b)", ("zero",), "b's gradient forgotten"),
)  # fmt: skip


def split(x):
    """A tuple of two outputs, the second scaled."""
    out = x[:, :2], 3 * x[:, 2:]

    def backward(d1, d2):
        return np.concatenate([d1, 3 * d2], axis=1)

    return out, backward


entry(
    split,
    normal((3, 5)),
    Bug("3 * d2]", "d2]", ("single elements",), "the second output's factor"),
    Bug("3 * d2]", "0 * d2]", ("dout ignored",), "the second output's gradient dropped"),
    Bug(
        "[d1, 3 * d2]",
        "[3 * d2, d1]",
        ("permuted", "blocks along axis 1"),
        "the other way round",
    ),
    tempting="a tuple of outputs of different shapes",
)


def sum_and_product(a, b):
    """Two inputs and two outputs."""
    out = a + b, a * b

    def backward(dsum, dproduct):
        return dsum + dproduct * b, dsum + dproduct * a

    return out, backward


entry(
    sum_and_product,
    normal((2, 3), (2, 3)),
    Bug("dsum + dproduct * b, dsum + dproduct * a", "dsum + dproduct * a, dsum + dproduct * b",
        ("inputs swapped",), "exchanged"),
    Bug("dsum + dproduct * a", "dproduct * a", ("dout ignored",), "the sum's gradient dropped"),
    Bug("dsum + dproduct * b, ", "dproduct + dsum * b, ", ("term missing", 0), "outputs exchanged"),
    tempting="a tuple of two outputs",
)  # fmt: skip


def roll(x):
    """Rows moved round by two."""
    out = np.roll(x, 2, axis=0)

    def backward(dout):
        return np.roll(dout, -2, axis=0)

    return out, backward


entry(
    roll,
    normal((5, 2)),
    Bug("-2, axis=0", "2, axis=0", ("permuted", "shifted along axis 0"), "on instead of back"),
    Bug("-2, axis=0", "-1, axis=0", ("permuted", "shifted along axis 0"), "off by one"),
)


def mirror(x):
    """Columns in the reverse order."""
    out = x[:, ::-1]

    def backward(dout):
        return dout[:, ::-1]

    return out, backward


entry(
    mirror,
    normal((3, 4)),
    Bug("return dout[:, ::-1]", "return dout", ("permuted", "flipped along axis 1"), "not turned back"),
    Bug("return dout[:, ::-1]", "return dout[::-1]", ("permuted", "flipped"), "the other axis"),
)  # fmt: skip


def pad(x):
    """One zero before and two after each row."""
    out = np.pad(x, ((0, 0), (1, 2)))

    def backward(dout):
        return dout[:, 1:-2]

    return out, backward


entry(
    pad,
    normal((2, 4)),
    Bug(
        "dout[:, 1:-2]",
        "dout[:, 2:-1]",
        ("permuted", "shifted along axis 1"),
        "sides exchanged",
    ),
    Bug("dout[:, 1:-2]", "dout", ("wrong shape",), "not cut"),
)


def lower_triangle(A):
    """A times the lower triangle of itself, as in a Cholesky parameter."""
    L = np.tril(A)
    out = L @ L.T

    def backward(dout):
        return np.tril((dout + dout.T) @ L)

    return out, backward


entry(
    lower_triangle,
    normal((3, 3)),
    Bug("np.tril((dout + dout.T) @ L)", "(dout + dout.T) @ L", ("mask",), "tril forgotten"),
    Bug("dout + dout.T", "2 * dout", ("term missing", 0), "right for a symmetric dout only"),
    Bug("np.tril((dout", "np.triu((dout", ("mask",), "the other triangle"),
    tempting="exact zeros above the diagonal",
)


def differences(x):
    """Each value minus the one before."""
    out = np.diff(x, axis=1)

    def backward(dout):
        return -np.diff(dout, axis=1, prepend=0, append=0)

    return out, backward


entry(
    differences,
    normal((2, 5)),
    Bug("-np.diff", "np.diff", ("sign",), "the sign"),
    Bug("-np.diff(dout, axis=1, prepend=0, append=0)", "np.pad(dout, ((0, 0), (1, 0)))",
        ("term missing", 0), "the one before forgotten"),
    Bug("prepend=0, append=0", "prepend=dout[:, :1], append=0", ("single elements",), "the first column"),
)  # fmt: skip
