"""Layers that subtract a mean or divide by a length."""

from __future__ import annotations

import numpy as np

from .entry import Bug, entry, normal


def batch_norm(x, gamma, beta):
    """Batch normalisation, with NumPy's variance."""
    s = np.sqrt(x.var(axis=0) + 1e-5)
    xhat = (x - x.mean(axis=0)) / s
    out = gamma * xhat + beta

    def backward(dout):
        dxhat = dout * gamma
        dx = (dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).mean(axis=0)) / s
        return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)

    return out, backward


entry(
    batch_norm,
    normal((6, 4), (4,), (4,)),
    Bug("dxhat - dxhat.mean(axis=0) - xhat", "dxhat - xhat", ("mean not subtracted", 0),
        "the path through the mean forgotten"),
    Bug(" - xhat * (dxhat * xhat).mean(axis=0)", "", ("mean not subtracted", 0),
        "the path through the variance forgotten"),
    Bug("(dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).mean(axis=0)) / s", "dxhat / s",
        ("mean not subtracted", 0), "mean and variance taken for constants"),
    Bug("(dxhat * xhat).mean(axis=0)", "(dxhat * xhat).sum(axis=0)", ("term missing", 0),
        "a sum where the mean belongs"),
    Bug("(dout * xhat).sum(axis=0)", "(dout * x).sum(axis=0)", ("term missing", 1), "x for xhat"),
    Bug("dxhat = dout * gamma", "dxhat = dout", ("term missing", 0), "gamma forgotten in dx"),
    Bug(", dout.sum(axis=0)", ", dout.mean(axis=0)", ("factor", 1 / 6), "dbeta averaged"),
    Bug("(dout * xhat).sum(axis=0), dout.sum(axis=0)", "dout.sum(axis=0), (dout * xhat).sum(axis=0)",
        ("inputs swapped",), "dbeta, dgamma"),
)  # fmt: skip


def batch_norm_spelled_out(x):
    """Batch normalisation step by step."""
    centred = x - x.mean(axis=0)
    var = (centred**2).mean(axis=0) + 1e-5
    out = centred / np.sqrt(var)

    def backward(dout):
        dvar = -0.5 * (dout * centred).sum(axis=0) * var**-1.5
        dcentred = dout / np.sqrt(var) + 2 * centred * dvar / len(x)
        return dcentred - dcentred.mean(axis=0)

    return out, backward


entry(
    batch_norm_spelled_out,
    normal((5, 3)),
    Bug("-0.5", "0.5", ("term missing", 0), "the sign of the variance's path"),
    Bug(
        "2 * centred * dvar / len(x)",
        "2 * centred * dvar",
        ("term missing", 0),
        "1/B forgotten",
    ),
    Bug(
        " - dcentred.mean(axis=0)", "", ("mean not subtracted", 0), "the mean's path forgotten"
    ),
    Bug(
        "dcentred.mean(axis=0)",
        "dcentred.mean()",
        ("mean not subtracted", 0),
        "over all columns",
    ),
)


def dense_then_batch_norm(x, W, b):
    """A bias before a batch norm has no effect."""
    z = x @ W + b
    z = z - z.mean(axis=0)
    s = np.sqrt((z**2).mean(axis=0) + 1e-5)
    out = z / s

    def backward(dout):
        dz = (dout - dout.mean(axis=0) - out * (dout * out).mean(axis=0)) / s
        return dz @ W.T, x.T @ dz, dz.sum(axis=0)

    return out, backward


entry(
    dense_then_batch_norm,
    normal((6, 3), (3, 2), (2,)),
    Bug("dout - dout.mean(axis=0) - out", "dout - out", ("mean not subtracted", 0), "the mean's path"),
    Bug("dz.sum(axis=0)", "dout.sum(axis=0)", ("term missing", 2), "db from after the norm"),
    tempting="the bias's gradient is zero up to rounding",
)  # fmt: skip


def layer_norm(x, gamma, beta):
    """Layer normalisation."""
    s = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    xhat = (x - x.mean(axis=-1, keepdims=True)) / s
    out = gamma * xhat + beta

    def backward(dout):
        d = dout * gamma
        mean = d.mean(axis=-1, keepdims=True)
        along = (d * xhat).mean(axis=-1, keepdims=True)
        return (d - mean - xhat * along) / s, (dout * xhat).sum(axis=0), dout.sum(axis=0)

    return out, backward


entry(
    layer_norm,
    normal((4, 5), (5,), (5,)),
    Bug("d - mean - xhat * along", "d - xhat * along", ("mean not subtracted", 1), "the mean's path"),
    Bug("d - mean - xhat * along", "d - mean", ("mean not subtracted", 1), "the variance's path"),
    Bug("keepdims=True) + 1e-5", "keepdims=True, ddof=1) + 1e-5", ("term missing", 0),
        "the forward divides by N - 1, the backward by N"),
    Bug("(dout * xhat).sum(axis=0)", "(dout * xhat).sum(axis=-1)", ("wrong shape",), "the wrong axis"),
    Bug("(dout * xhat).sum(axis=0)", "(d * xhat).sum(axis=0)", ("term missing", 1),
        "dgamma holds gamma"),
)  # fmt: skip


def rms_norm(x, gain):
    """RMS normalisation: no mean, only a length."""
    r = np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-6)
    xhat = x / r
    out = gain * xhat

    def backward(dout):
        d = dout * gain
        dx = (d - xhat * (d * xhat).mean(axis=-1, keepdims=True)) / r
        return dx, (dout * xhat).sum(axis=(0, 1))

    return out, backward


entry(
    rms_norm,
    normal((2, 3, 4), (4,)),
    Bug("(d - xhat * (d * xhat).mean(axis=-1, keepdims=True)) / r", "d / r",
        ("mean not subtracted", 2), "the length taken for a constant"),
    Bug("(d * xhat).mean(", "(d * xhat).sum(", ("term missing", 0), "a sum where the mean belongs"),
    Bug("axis=(0, 1)", "axis=0", ("missing sum",), "one leading axis left"),
)  # fmt: skip


def group_norm(x):
    """Group normalisation: two groups of channels, each with its mean and variance."""
    n, c, w = x.shape
    g = x.reshape(n, 2, c // 2 * w)
    s = np.sqrt(((g - g.mean(axis=2, keepdims=True)) ** 2).mean(axis=2, keepdims=True) + 1e-5)
    ghat = (g - g.mean(axis=2, keepdims=True)) / s
    out = ghat.reshape(x.shape)

    def backward(dout):
        d = dout.reshape(g.shape)
        along = (d * ghat).mean(axis=2, keepdims=True)
        return ((d - d.mean(axis=2, keepdims=True) - ghat * along) / s).reshape(x.shape)

    return out, backward


entry(
    group_norm,
    normal((2, 4, 3)),
    Bug("d - d.mean(axis=2, keepdims=True)", "d - d.mean(axis=(1, 2), keepdims=True)",
        ("mean not subtracted", 2), "the mean of both groups"),
    Bug(" - ghat * along", "", ("mean not subtracted", 2), "the variance's path"),
)  # fmt: skip


def unit_vectors(x):
    """Each row divided by its length."""
    length = np.sqrt((x**2).sum(axis=-1, keepdims=True))
    u = x / length

    def backward(dout):
        return (dout - u * (dout * u).sum(axis=-1, keepdims=True)) / length

    return u, backward


entry(
    unit_vectors,
    normal((3, 4)),
    Bug(" - u * (dout * u).sum(axis=-1, keepdims=True)", "", ("mean not subtracted", 1),
        "the length taken for a constant"),
    Bug("keepdims=True)) / length", "keepdims=True))", ("term missing", 0), "not divided by the length"),
    Bug("axis=-1, keepdims=True)) / length", "axis=0, keepdims=True)) / length",
        ("mean not subtracted", 1), "summed over the cases"),
)  # fmt: skip


def cosine_similarity(a, b):
    """The cosine between the rows of two matrices."""
    na, nb = np.sqrt((a**2).sum(axis=1)), np.sqrt((b**2).sum(axis=1))
    out = (a * b).sum(axis=1) / (na * nb)

    def backward(dout):
        d, c = dout[:, None], out[:, None]
        da = d * (b / (na * nb)[:, None] - c * a / na[:, None] ** 2)
        db = d * (a / (na * nb)[:, None] - c * b / nb[:, None] ** 2)
        return da, db

    return out, backward


entry(
    cosine_similarity,
    normal((3, 4), (3, 4)),
    Bug(
        " - c * a / na[:, None] ** 2",
        "",
        ("term missing", 0),
        "a's length taken for a constant",
    ),
    Bug("c * b / nb[:, None] ** 2", "c * b / nb[:, None]", ("term missing", 1), "not squared"),
    Bug("return da, db", "return db, da", ("inputs swapped",), "exchanged"),
)


def weight_norm(v, g):
    """Weights as a direction times a length."""
    length = np.linalg.norm(v)
    out = g * v / length

    def backward(dout):
        dg = np.sum(dout * v) / length
        return g / length * (dout - dg * v / length), dg

    return out, backward


entry(
    weight_norm,
    normal((3, 2), ()),
    Bug("dout - dg * v / length", "dout", ("term missing", 0), "the direction's own length"),
    Bug("np.sum(dout * v) / length", "np.sum(dout * v)", ("factor", "length"), "not divided"),
)
