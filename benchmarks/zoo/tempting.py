"""Right layers at kinks, at ties, at extreme scales, and with gradients that are zero."""

from __future__ import annotations

import numpy as np

from .entry import Bug, entry, normal, positive


def with_zeros(rng):
    """Values of which some are exactly 0."""
    x = rng.normal(0.2, 1.0, (3, 4))
    x[0, 1] = x[2, 3] = 0.0
    return (x,)


def relu_at_zero(x):
    """A ReLU of which some inputs are exactly 0."""
    out = np.maximum(x, 0)

    def backward(dout):
        return dout * (x > 0)

    return out, backward


entry(
    relu_at_zero,
    with_zeros,
    Bug("(x > 0)", "(out >= 0)", ("mask",), ">= on the output"),
    Bug(
        "(x > 0)",
        "np.where(x == 0, 3, x > 0)",
        ("single elements",),
        "no value between 0 and 1 at 0",
    ),
    tempting="kinks: any value between 0 and 1 is right at 0",
)


def relu_upper(x):
    """A ReLU that takes the other side's derivative at 0."""
    out = np.maximum(x, 0)

    def backward(dout):
        return np.where(x >= 0, dout, 0)

    return out, backward


entry(
    relu_upper,
    with_zeros,
    Bug("x >= 0", "x <= 0", ("mask",), "the other side"),
    tempting="kinks: the derivative from above is taken at 0",
)


def absolute_value(x):
    """Absolute values, of 0 too."""
    out = np.abs(x)

    def backward(dout):
        return dout * np.sign(x)

    return out, backward


entry(
    absolute_value,
    with_zeros,
    Bug("np.sign(x)", "np.sign(out)", ("mask",), "the sign of the output"),
    Bug("np.sign(x)", "x", ("term missing", 0), "half the square's backward"),
    tempting="kinks, and abs hides a complex step",
)


def maximum_of_two(a, b):
    """The larger of two; some are equal."""
    out = np.maximum(a, b)

    def backward(dout):
        first = (a > b) + 0.5 * (a == b)
        return dout * first, dout * (1 - first)

    return out, backward


def some_equal(rng):
    """Two arrays that share some values."""
    a, b = rng.normal(0, 1, (2, 3, 4))
    b[1] = a[1]
    return a, b


entry(
    maximum_of_two,
    some_equal,
    Bug("dout * (1 - first)", "dout * (b >= a)", ("mask",), "ties to one of them whole, to the other half"),
    Bug("dout * first, dout * (1 - first)", "dout * (1 - first), dout * first", ("inputs swapped",),
        "exchanged"),
    Bug("dout * first, dout", "dout, dout", ("mask",), "everything to a"),
    tempting="ties",
)  # fmt: skip


def sort_with_ties(x):
    """A row in order; two values are equal."""
    order = np.argsort(x, kind="stable")
    out = x[order]

    def backward(dout):
        dx = np.empty_like(dout)
        dx[order] = dout
        return dx

    return out, backward


entry(
    sort_with_ties,
    lambda rng: (np.array([0.3, -1.2, 0.3, 2.1, -0.4, 1.1]),),
    Bug(
        "dx[order] = dout",
        "dx[...] = dout[order]",
        ("permuted", "by the inverse"),
        "not the inverse",
    ),
    tempting="a tie: the two equal values may exchange their gradients",
)


def huge(x):
    """A function of values around a million."""
    out = x**2 / 1e3

    def backward(dout):
        return 2 * x * dout / 1e3

    return out, backward


entry(
    huge,
    lambda rng: (1e6 * rng.normal(1, 0.5, (3, 2)),),
    Bug("2 * x", "x", ("factor", 0.5), "the 2 forgotten"),
    Bug("2 * x * dout / 1e3", "2 * x * dout / 1e3 + x.max() * 1e-5", ("constant in the gradient",),
        "a constant, small beside the gradient"),
    Bug("2 * x * dout", "2.002 * x * dout", ("factor", 1.001), "off by 0.1 %"),
    tempting="values of 1e6",
)  # fmt: skip


def tiny(x, W):
    """A layer of weights and values around a millionth."""
    out = np.tanh(x @ W)

    def backward(dout):
        dz = dout * (1 - out**2)
        return dz @ W.T, x.T @ dz

    return out, backward


entry(
    tiny,
    lambda rng: (1e-6 * rng.normal(size=(3, 2)), 1e-6 * rng.normal(size=(2, 4))),
    Bug("dz @ W.T", "2 * dz @ W.T", ("factor", 2), "twice; every gradient is small"),
    Bug("x.T @ dz", "np.zeros_like(W)", ("zero",), "zero; every gradient is small"),
    Bug("x.T @ dz", "-x.T @ dz", ("sign",), "the sign; every gradient is small"),
    tempting="values of 1e-6",
)


def small_cost(x):
    """A cost with a weight of 1e-6."""
    out = 1e-6 * np.sum(x**3)

    def backward(dout):
        return 3e-6 * x**2 * dout

    return out, backward


entry(
    small_cost,
    normal((2, 3)),
    Bug("3e-6", "1e-6", ("factor", 1 / 3), "the exponent forgotten; the gradient is small"),
    Bug(
        "3e-6 * x**2 * dout", "3e-6 * x**2", ("dout ignored",), "dropped; the gradient is small"
    ),
    tempting="a gradient of 1e-6",
)


def mixed_scales(a, b):
    """One input of a million and one of a millionth."""
    out = a * b

    def backward(dout):
        return dout * b, dout * a

    return out, backward


entry(
    mixed_scales,
    lambda rng: (1e6 * rng.uniform(1, 2, (2, 3)), 1e-6 * rng.uniform(1, 2, (2, 3))),
    Bug("dout * b, ", "2 * dout * b, ", ("factor", 2), "in the gradient that is 1e-6"),
    Bug("dout * a", "1.001 * dout * a", ("factor", 1.001), "in the gradient that is 1e6"),
    tempting="scales 12 orders of magnitude apart",
)


def big_offset(x):
    """A small change beside a big constant, as in a loss counted over a data set."""
    out = 1e5 + np.sin(x)

    def backward(dout):
        return dout * np.cos(x)

    return out, backward


entry(
    big_offset,
    normal((3, 4)),
    Bug("dout * np.cos(x)", "-dout * np.cos(x)", ("sign",), "the cosine's sign"),
    Bug("np.cos(x)", "(1 - x**2 / 2)", ("precision",), "a series cut off after two terms"),
    tempting="differences lose digits beside 1e5",
)


def shift_invariant(x, shift):
    """A softmax of x + shift, on which the shift has no effect."""
    e = np.exp(x + shift - (x + shift).max(axis=1, keepdims=True))
    q = e / e.sum(axis=1, keepdims=True)

    def backward(dout):
        dx = q * (dout - (dout * q).sum(axis=1, keepdims=True))
        return dx, dx.sum(axis=1, keepdims=True)

    return q, backward


entry(
    shift_invariant,
    normal((3, 4), (3, 1)),
    Bug(" - (dout * q).sum(axis=1, keepdims=True)", "", ("mean not subtracted", 1), "the sum"),
    Bug(
        "return dx, dx.sum",
        "return dx, (dout * q).sum",
        ("mean not subtracted", 1),
        "the shift's",
    ),
    tempting="the shift's gradient is zero up to rounding",
)


def multiplied_by_zero(x, w):
    """An input that has no effect at these values."""
    out = np.exp(x) + 0.0 * w

    def backward(dout):
        return dout * np.exp(x), np.zeros_like(w)

    return out, backward


entry(
    multiplied_by_zero,
    normal((2, 3), (2, 3)),
    Bug("np.zeros_like(w)", "dout", ("constant in the gradient",), "the weight 0 forgotten"),
    tempting="a gradient that is exactly zero",
)


def one_hot_of_largest(x, w):
    """A hard choice by x of what counts of w: x has the gradient zero."""
    out = (x == x.max(axis=1, keepdims=True)) * w

    def backward(dout):
        return np.zeros(x.shape), dout * (x == x.max(axis=1, keepdims=True))

    return out, backward


entry(
    one_hot_of_largest,
    normal((3, 4), (3, 4)),
    Bug("np.zeros(x.shape)", "dout * w", ("constant in the gradient",), "straight through"),
    tempting="a step function, whose gradient is zero",
)


def steep(x):
    """A function that bends strongly within a millionth."""
    out = np.tanh(1e4 * x)

    def backward(dout):
        return 1e4 * dout * (1 - out**2)

    return out, backward


entry(
    steep,
    lambda rng: (1e-4 * rng.normal(size=(5,)),),
    Bug("1e4 * dout", "dout", ("factor", 1e-4), "the inner derivative"),
    Bug("1 - out**2", "1 - out", ("term missing", 0), "the square"),
    tempting="curvature: a step of 1e-4 crosses the bend",
)


def square_root(x):
    """Roots of values down to 0.001."""
    out = np.sqrt(x)

    def backward(dout):
        return dout / (2 * out)

    return out, backward


entry(
    square_root,
    lambda rng: (rng.uniform(0.001, 0.1, (2, 4)),),
    Bug("(2 * out)", "out", ("factor", 2), "the 2 forgotten"),
    Bug("(2 * out)", "(2 * x)", ("term missing", 0), "the input for the output"),
    tempting="the derivative is steep near 0",
)


def one_element(x):
    """A function of one number."""
    out = x**2 + 3 * x

    def backward(dout):
        return dout * (2 * x + 3)

    return out, backward


entry(
    one_element,
    positive((1,)),
    Bug("2 * x + 3", "2 * x", ("term missing", 0, "constant"), "the linear term"),
    Bug("2 * x + 3", "3", ("term missing", 0, "proportional to x"), "the square"),
    Bug("dout * (2 * x + 3)", "2 * x + 3", ("dout ignored",), "dropped"),
    tempting="a single element",
)


def linear(x):
    """A fixed matrix."""
    out = x @ np.array([[1.0, 2.0], [0.0, -1.0], [4.0, 0.5]])

    def backward(dout):
        return dout @ np.array([[1.0, 0.0, 4.0], [2.0, -1.0, 0.5]])

    return out, backward


entry(
    linear,
    lambda rng: (np.zeros((2, 3)),),
    Bug("-1.0, 0.5]])\n\n    return", "1.0, 0.5]])\n\n    return", ("single elements",),
        "one sign typed wrong"),
    tempting="all inputs are zero",
)  # fmt: skip


def constant_with_sum(x):
    """A gradient that is the same number everywhere."""
    out = x.sum()

    def backward(dout):
        return np.full(x.shape, dout)

    return out, backward


entry(
    constant_with_sum,
    normal((2, 3)),
    Bug("np.full(x.shape, dout)", "np.ones(x.shape)", ("dout ignored",), "ones"),
    Bug(
        "np.full(x.shape, dout)", "np.full(x.shape, dout / x.size)", ("factor", 1 / 6), "a mean"
    ),
    Bug("np.full(x.shape, dout)", "dout", ("wrong shape",), "a number"),
    Bug("np.full(x.shape, dout)", "np.zeros(x.shape)", ("zero",), "zeros"),
    tempting="a gradient without variation",
)
