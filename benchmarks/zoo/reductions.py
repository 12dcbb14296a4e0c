"""Norms, sums, orders and matrices."""

from __future__ import annotations

import numpy as np

from .entry import Bug, entry, normal, positive


def euclidean_norm(x):
    """The length of each row."""
    out = np.linalg.norm(x, axis=1)

    def backward(dout):
        return dout[:, None] * x / out[:, None]

    return out, backward


entry(
    euclidean_norm,
    normal((3, 4)),
    Bug(" / out[:, None]", "", ("term missing", 0), "not divided by the length"),
    Bug("dout[:, None] * x", "2 * dout[:, None] * x", ("factor", 2), "the square root's 1/2"),
    Bug(" / out[:, None]", " / np.linalg.norm(x)", ("term missing", 0), "the length of the whole"),
    Bug("np.linalg.norm(x, axis=1)", "np.linalg.norm(x, axis=1) ** 2", ("term missing", 0),
        "the forward squared, the backward not"),
    tempting="norm hides a complex step",
)  # fmt: skip


def absolute_sum(x):
    """The L1 norm."""
    out = np.abs(x).sum()

    def backward(dout):
        return dout * np.sign(x)

    return out, backward


entry(
    absolute_sum,
    normal((4, 3)),
    Bug("np.sign(x)", "np.ones_like(x)", ("mask",), "the sign forgotten"),
    Bug("dout * np.sign(x)", "np.sign(x)", ("dout ignored",), "dout dropped"),
    Bug("np.sign(x)", "(x > 0)", ("mask",), "the ReLU's mask"),
    tempting="abs hides a complex step",
)


def log_sum_exp(x):
    """A smooth maximum over the first axis."""
    largest = x.max(axis=0)
    out = largest + np.log(np.exp(x - largest).sum(axis=0))

    def backward(dout):
        return dout * np.exp(x - out)

    return out, backward


entry(
    log_sum_exp,
    normal((4, 3)),
    Bug("np.exp(x - out)", "np.exp(x - largest)", ("term missing", 0), "not normalised"),
    Bug(
        "np.exp(x - out)", "(x == largest)", ("term missing", 0), "the hard maximum's backward"
    ),
)


def sort(x):
    """Each row in order."""
    order = np.argsort(x, axis=1)
    out = np.take_along_axis(x, order, axis=1)

    def backward(dout):
        dx = np.empty_like(dout)
        np.put_along_axis(dx, order, dout, axis=1)
        return dx

    return out, backward


entry(
    sort,
    normal((3, 5)),
    Bug("        np.put_along_axis(dx, order, dout, axis=1)\n",
        "        dx[...] = np.take_along_axis(dout, order, axis=1)\n", ("permuted", "by the inverse"),
        "the order instead of its inverse"),
    Bug("np.put_along_axis(dx, order, dout, axis=1)", "dx[...] = dout", ("permuted", "unsorted"),
        "the order forgotten"),
    Bug("np.put_along_axis(dx, order, dout", "np.put_along_axis(dx, order, dout[:, ::-1]",
        ("permuted", "reversed"), "descending"),
)  # fmt: skip


def top_two(x):
    """The two largest of each row, the largest first."""
    order = np.argsort(x, axis=1)[:, ::-1][:, :2]
    out = np.take_along_axis(x, order, axis=1)

    def backward(dout):
        dx = np.zeros(x.shape)
        np.put_along_axis(dx, order, dout, axis=1)
        return dx

    return out, backward


entry(
    top_two,
    normal((3, 6)),
    Bug("order, dout, axis=1", "order, dout[:, ::-1], axis=1", ("permuted", "flipped"), "the smaller first"),
    Bug("order, dout, axis=1", "order[:, :1], dout[:, :1], axis=1", ("single elements",), "the second one"),
    Bug("order, dout, axis=1", "order, 1.0, axis=1", ("dout ignored",), "1 at each"),
)  # fmt: skip


def largest(x):
    """The largest of each row."""
    where = x.argmax(axis=1)
    out = x.max(axis=1)

    def backward(dout):
        dx = np.zeros(x.shape)
        dx[np.arange(len(x)), where] = dout
        return dx

    return out, backward


entry(
    largest,
    normal((4, 3)),
    Bug("dx[np.arange(len(x)), where] = dout", "dx[:, where] = dout", ("mask",), "rows and columns mixed"),
    Bug("x.argmax(axis=1)", "x.argmin(axis=1)", ("mask",), "to the smallest"),
)  # fmt: skip


def median(x):
    """The middle value of an odd number."""
    out = np.median(x)
    where = np.argsort(x)[len(x) // 2]

    def backward(dout):
        dx = np.zeros(x.shape)
        dx[where] = dout
        return dx

    return out, backward


entry(
    median,
    normal((7,)),
    Bug(
        "dx[where] = dout",
        "dx[len(x) // 2] = dout",
        ("permuted", "unsorted"),
        "the middle element",
    ),
    Bug("[len(x) // 2]", "[len(x) // 2 - 1]", ("permuted", "shifted"), "off by one"),
    Bug(
        "dx[where] = dout", "dx[:] = dout / len(x)", ("term missing", 0), "the mean's backward"
    ),
)


def cumulative_sum(x):
    """Sums along time."""
    out = np.cumsum(x, axis=1)

    def backward(dout):
        return np.cumsum(dout[:, ::-1], axis=1)[:, ::-1]

    return out, backward


entry(
    cumulative_sum,
    normal((2, 5)),
    Bug("np.cumsum(dout[:, ::-1], axis=1)[:, ::-1]", "np.cumsum(dout, axis=1)",
        ("permuted", "flipped along axis 1"), "not reversed",
        also=("transposed",)),
    Bug("axis=1)[:, ::-1]", "axis=1)", ("permuted", "flipped along axis 1"), "not reversed back"),
    Bug("np.cumsum(dout[:, ::-1], axis=1)[:, ::-1]", "dout", ("term missing", 0), "its own step only"),
)  # fmt: skip


def product(x):
    """The product of each row."""
    out = x.prod(axis=1)

    def backward(dout):
        return dout[:, None] * out[:, None] / x

    return out, backward


entry(
    product,
    positive((3, 4)),
    Bug(" / x", " * np.ones_like(x)", ("term missing", 0), "not divided by the element"),
    Bug(" * out[:, None] / x", " / x", ("term missing", 0), "the logarithm's backward"),
)


def mean_and_variance(x):
    """Two outputs: mean and variance over the cases."""
    mean = x.mean(axis=0)
    out = mean, ((x - mean) ** 2).mean(axis=0)

    def backward(dmean, dvar):
        return (dmean + 2 * (x - mean) * dvar) / len(x)

    return out, backward


entry(
    mean_and_variance,
    normal((5, 3)),
    Bug("dmean + 2 * (x - mean) * dvar", "dmean + 0 * x", ("dout ignored",), "the variance's dropped"),
    Bug("dmean + 2 * (x - mean) * dvar", "2 * (x - mean) * dvar", ("dout ignored",), "the mean's dropped"),
    Bug("2 * (x - mean) * dvar", "2 * x * dvar", ("term missing", 0), "not centred"),
    Bug(" / len(x)", "", ("factor", 5), "1/B forgotten"),
    tempting="a tuple of two outputs",
)  # fmt: skip


def variance(x):
    """NumPy's variance, which takes absolute values of complex numbers."""
    out = x.var(axis=0)

    def backward(dout):
        return dout * 2 * (x - x.mean(axis=0)) / len(x)

    return out, backward


entry(
    variance,
    normal((5, 3)),
    Bug(" - x.mean(axis=0)", "", ("mean not subtracted", 0), "not centred"),
    Bug(" / len(x)", " / (len(x) - 1)", ("factor", 1.25), "N - 1"),
    Bug("dout * 2 *", "dout *", ("factor", 0.5), "the 2 forgotten"),
    tempting="var hides a complex step",
)


def inverse(A):
    """The inverse of a matrix."""
    out = np.linalg.inv(A)

    def backward(dout):
        return -out.T @ dout @ out.T

    return out, backward


def well_conditioned(rng):
    """A matrix far from singular, and not symmetric."""
    return (3 * np.eye(3) + rng.normal(0, 0.7, (3, 3)),)


entry(
    inverse,
    well_conditioned,
    Bug(
        "-out.T @ dout @ out.T",
        "-out @ dout @ out",
        ("term missing", 0),
        "not transposed",
        also=("transposed",),
    ),
    Bug("-out.T @", "out.T @", ("sign",), "the sign"),
    Bug("-out.T @ dout @ out.T", "-out @ dout.T @ out", ("transposed",), "transposed"),
)


def log_determinant(A):
    """The logarithm of a determinant."""
    out = np.linalg.slogdet(A)[1]

    def backward(dout):
        return dout * np.linalg.inv(A).T

    return out, backward


entry(
    log_determinant,
    well_conditioned,
    Bug("np.linalg.inv(A).T", "np.linalg.inv(A)", ("transposed",), "not transposed"),
    Bug("np.linalg.inv(A).T", "np.linalg.det(A) * np.linalg.inv(A).T", ("factor", "det"),
        "the determinant's own gradient"),
    Bug("dout * np", "np", ("dout ignored",), "dout dropped"),
    tempting="slogdet takes the absolute value",
)  # fmt: skip


def solve(A, b):
    """The solution of A x = b."""
    x = np.linalg.solve(A, b)

    def backward(dout):
        db = np.linalg.solve(A.T, dout)
        return -np.outer(db, x), db

    return x, backward


entry(
    solve,
    lambda rng: (*well_conditioned(rng), rng.normal(size=3)),
    Bug("np.linalg.solve(A.T, dout)", "np.linalg.solve(A, dout)", ("term missing", 1), "A not transposed",
        also=("transposed",)),
    Bug("-np.outer(db, x)", "-np.outer(x, db)", ("transposed",), "dA transposed"),
    Bug("-np.outer(db, x)", "np.outer(db, x)", ("sign",), "the sign of dA"),
)  # fmt: skip


def vdot(a, b):
    """An inner product, which conjugates its first argument."""
    out = np.vdot(a, b)

    def backward(dout):
        return dout * b, dout * a

    return out, backward


entry(
    vdot,
    normal((2, 3), (2, 3)),
    Bug("dout * b, dout * a", "dout * a, dout * b", ("inputs swapped",), "exchanged"),
    Bug("dout * b, dout * a", "dout * b, a", ("dout ignored",), "dout dropped in db"),
    tempting="vdot conjugates, so a complex step has the wrong sign",
)  # fmt: skip


def power_spectrum_bin(x):
    """The power at one frequency."""
    wave = np.exp(-2j * np.pi * 2 * np.arange(len(x)) / len(x))
    c = (x * wave).sum()
    out = c.real**2 + c.imag**2

    def backward(dout):
        return dout * 2 * (c.real * wave.real + c.imag * wave.imag)

    return out, backward


entry(
    power_spectrum_bin,
    normal((7,)),
    Bug(" + c.imag * wave.imag", "", ("term missing", 0), "the imaginary part forgotten"),
    Bug(
        "c.imag * wave.imag",
        "-c.imag * wave.imag",
        ("term missing", 0),
        "its sign",
        also=("permuted",),
    ),  # time runs backwards
    tempting="complex numbers inside, whose real and imaginary parts are taken",
)
