"""Dense layers, products of arrays, and broadcasting."""

from __future__ import annotations

import numpy as np

from .entry import Bug, entry, normal


def dense(x, W, b):
    """A dense layer on a batch."""
    out = x @ W + b

    def backward(dout):
        dx = dout @ W.T
        dW = x.T @ dout
        db = dout.sum(axis=0)
        return dx, dW, db

    return out, backward


entry(
    dense,
    normal((5, 3), (3, 4), (4,)),
    Bug("dout.sum(axis=0)", "dout.mean(axis=0)", ("factor", 1 / 5), "bias averaged over the batch"),
    Bug("db = dout.sum(axis=0)", "db = dout", ("missing sum",), "bias not summed over the batch"),
    Bug("dout.sum(axis=0)", "dout.sum()", ("extra sum",), "bias summed over the units too"),
    Bug("dout.sum(axis=0)", "dout[0]", ("missing sum",), "bias from the first case alone"),
    Bug("x.T @ dout", "x.T @ dout / len(x)", ("factor", 1 / 5), "1/B, which the cost has already"),
    Bug("x.T @ dout", "dout.T @ x", ("transposed",), "dW transposed"),
    Bug("x.T @ dout", "x.T @ dout + 0.01 * W", ("constant in the gradient",), "weight decay inside"),
    Bug("x.T @ dout", "np.zeros_like(W)", ("zero",), "dW never filled"),
    Bug("dx, dW, db\n", "dx, dW\n", ("number of gradients",), "no db", breaks="contract"),
    Bug("= dout @ W.T", "= -dout @ W.T", ("sign",), "dx with the wrong sign"),
)  # fmt: skip


def dense_square(x, W):
    """A dense layer whose shapes do not tell W from its transpose."""
    out = x @ W

    def backward(dout):
        return dout @ W.T, x.T @ dout

    return out, backward


entry(
    dense_square,
    normal((3, 3), (3, 3)),
    Bug("dout @ W.T", "dout @ W", ("term missing", 0), "W instead of its transpose",
        also=("transposed",)),
    Bug("x.T @ dout", "(x.T @ dout).T", ("transposed",), "dW transposed"),
    Bug("x.T @ dout", "x @ dout", ("term missing", 1), "x instead of its transpose",
        also=("transposed",)),
    Bug("dout @ W.T, x.T @ dout", "x.T @ dout, dout @ W.T", ("inputs swapped",), "dW, dx"),
)  # fmt: skip


def dense_leading_axes(x, W, b):
    """A dense layer on sequences: two leading axes share the weights."""
    out = x @ W + b

    def backward(dout):
        dW = np.tensordot(x, dout, axes=([0, 1], [0, 1]))
        db = dout.sum(axis=(0, 1))
        return dout @ W.T, dW, db

    return out, backward


entry(
    dense_leading_axes,
    normal((2, 3, 4), (4, 5), (5,)),
    Bug("dout.sum(axis=(0, 1))", "dout.sum(axis=0)", ("missing sum",), "one leading axis left"),
    Bug("np.tensordot(x, dout, axes=([0, 1], [0, 1]))", "(x.swapaxes(1, 2) @ dout).mean(axis=0)",
        ("factor", 1 / 2), "a mean over the first axis, not a sum"),
    Bug("np.tensordot(x, dout, axes=([0, 1], [0, 1]))", "x.swapaxes(1, 2) @ dout",
        ("missing sum",), "dW for each sequence"),
)  # fmt: skip


def tied(x, W):
    """An autoencoder that uses one matrix twice."""
    h = np.tanh(x @ W)
    out = h @ W.T

    def backward(dout):
        dz = (dout @ W) * (1 - h**2)
        dW = x.T @ dz + dout.T @ h
        return dz @ W.T, dW

    return out, backward


entry(
    tied,
    normal((4, 3), (3, 2)),
    Bug("x.T @ dz + dout.T @ h", "x.T @ dz", ("term missing", 1), "the decoder's use of W forgotten"),
    Bug("x.T @ dz + dout.T @ h", "dout.T @ h", ("term missing", 1), "the encoder's use forgotten"),
    Bug("dz = (dout @ W) * (1 - h**2)", "dz = dout @ W", ("term missing", 0), "tanh passed over"),
)  # fmt: skip


def two_layers(x, W1, b1, W2):
    """A small network with ReLU."""
    z = x @ W1 + b1
    h = np.maximum(z, 0)
    out = h @ W2

    def backward(dout):
        dz = (dout @ W2.T) * (z > 0)
        return dz @ W1.T, x.T @ dz, dz.sum(axis=0), h.T @ dout

    return out, backward


entry(
    two_layers,
    normal((4, 3), (3, 5), (5,), (5, 2)),
    Bug("(z > 0)", "(h >= 0)", ("mask",), "the mask is on the output, and is true everywhere"),
    Bug("h.T @ dout", "z.T @ dout", ("term missing", 3), "dW2 from before the ReLU"),
    Bug("dz.sum(axis=0)", "dz.sum(axis=0) / len(x)", ("factor", 1 / 4), "only db is divided by B"),
    Bug(" * (z > 0)", "", ("mask",), "ReLU forgotten in the backward"),
)  # fmt: skip


def bilinear(x, A, y):
    """x A_k y for every case and every output k."""
    out = np.einsum("bi,kij,bj->bk", x, A, y)

    def backward(dout):
        dx = np.einsum("bk,kij,bj->bi", dout, A, y)
        dA = np.einsum("bk,bi,bj->kij", dout, x, y)
        dy = np.einsum("bk,kij,bi->bj", dout, A, x)
        return dx, dA, dy

    return out, backward


entry(
    bilinear,
    normal((4, 3), (2, 3, 3), (4, 3)),
    Bug('"bk,bi,bj->kij"', '"bk,bj,bi->kij"', ("transposed",), "i and j exchanged in dA"),
    Bug('"bk,kij,bi->bj", dout, A, x', '"bk,kij,bj->bi", dout, A, x', ("term missing", 2),
        "dy through A instead of its transpose",
        also=("transposed",)),
    Bug("return dx, dA, dy", "return dy, dA, dx", ("inputs swapped",), "dx and dy exchanged"),
)  # fmt: skip


def outer(u, v):
    """An outer product."""
    out = np.outer(u, v)

    def backward(dout):
        return dout @ v, u @ dout

    return out, backward


entry(
    outer,
    normal((3,), (5,)),
    Bug("dout @ v", "dout.sum(axis=1)", ("term missing", 0), "v forgotten"),
    Bug("u @ dout", "u @ dout / len(u)", ("factor", 1 / 3), "a mean over u"),
)


def quadratic_form(x, A):
    """x A x, with an A that is not symmetric."""
    out = x @ A @ x

    def backward(dout):
        return dout * ((A + A.T) @ x), dout * np.outer(x, x)

    return out, backward


entry(
    quadratic_form,
    normal((4,), (4, 4)),
    Bug("(A + A.T) @ x", "2 * A @ x", ("term missing", 0), "right for symmetric matrices only"),
    Bug("(A + A.T) @ x", "A @ x", ("term missing", 0), "x stands on one side only"),
    Bug("dout * np.outer", "np.outer", ("dout ignored",), "dA without dout"),
)


def column_times_row(x, y):
    """A column times a row: both are broadcast."""
    out = x * y

    def backward(dout):
        dx = (dout * y).sum(axis=1, keepdims=True)
        dy = (dout * x).sum(axis=0, keepdims=True)
        return dx, dy

    return out, backward


entry(
    column_times_row,
    normal((4, 1), (1, 3)),
    Bug("axis=1, keepdims=True", "axis=1", ("wrong shape",), "keepdims forgotten"),
    Bug("(dout * x).sum(axis=0, keepdims=True)", "dout * x", ("missing sum",), "dy not summed"),
    Bug("sum(axis=1, keepdims=True)", "mean(axis=1, keepdims=True)", ("factor", 1 / 3), "mean"),
    Bug("(dout * x)", "(dout * y)", ("term missing", 1), "y times y"),
)


def scaled(x, a):
    """An array times a learned number."""
    out = a * x

    def backward(dout):
        return dout * a, np.sum(dout * x)

    return out, backward


entry(
    scaled,
    normal((3, 4), ()),
    Bug("np.sum(dout * x)", "dout * x", ("missing sum",), "da has the shape of x"),
    Bug("np.sum(dout * x)", "np.mean(dout * x)", ("factor", 1 / 12), "a mean"),
    Bug("np.sum(dout * x)", "np.sum(dout)", ("term missing", 1), "x forgotten"),
    Bug("dout * a, ", "dout, ", ("factor", "1/a"), "a forgotten"),
)


def residual(x, W):
    """A residual block: the input is added to what the layer makes of it."""
    h = np.tanh(x @ W)
    out = x + h

    def backward(dout):
        dz = dout * (1 - h**2)
        return dout + dz @ W.T, x.T @ dz

    return out, backward


entry(
    residual,
    normal((4, 3), (3, 3)),
    Bug("dout + dz @ W.T", "dz @ W.T", ("term missing", 0), "the skip connection forgotten"),
    Bug("dout + dz @ W.T", "dout", ("term missing", 0), "the layer beside the skip forgotten"),
)


def gated(x, W, V):
    """A gated linear unit: one half decides about the other."""
    a, g = x @ W, x @ V
    s = 1 / (1 + np.exp(-g))
    out = a * s

    def backward(dout):
        da = dout * s
        dg = dout * a * s * (1 - s)
        return da @ W.T + dg @ V.T, x.T @ da, x.T @ dg

    return out, backward


entry(
    gated,
    normal((3, 2), (2, 4), (2, 4)),
    Bug("da @ W.T + dg @ V.T", "da @ W.T", ("term missing", 0), "dx without the gate's path"),
    Bug("x.T @ da, x.T @ dg", "x.T @ dg, x.T @ da", ("inputs swapped",), "dV, dW"),
    Bug(
        " * s * (1 - s)", " * s", ("term missing", 2), "the sigmoid's derivative is half there"
    ),
)
