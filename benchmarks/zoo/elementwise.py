"""Functions that act on each element alone."""

from __future__ import annotations

import numpy as np
from scipy import special

from .entry import KEPT, Bug, entry, normal, positive

__all__ = ["KEPT"]  # each copy of a layer gets a dictionary of its own under this name
KEPT_UNITS = np.random.default_rng(71).random((4, 5)) > 0.3
MASK = KEPT_UNITS / 0.7


def another(kept):
    """Another mask at each call, the same in every run."""
    return (kept.setdefault("rng", np.random.default_rng(5)).random((4, 5)) > 0.3) / 0.7


def relu(x):
    """Rectified linear units."""
    out = np.maximum(x, 0)

    def backward(dout):
        return dout * (out > 0)

    return out, backward


entry(
    relu,
    normal((4, 5)),
    Bug("out > 0", "out >= 0", ("mask",), ">= on the output is true everywhere"),
    Bug(" * (out > 0)", "", ("mask",), "the mask forgotten"),
    Bug("out > 0", "out > 0.5", ("mask",), "a threshold that the forward does not have"),
    Bug(
        "out > 0",
        "dout > 0",
        ("mask",),
        "the mask of the gradient, as in guided backpropagation",
    ),
    Bug("dout * (out > 0)", "1.0 * (out > 0)", ("dout ignored",), "the mask alone"),
)


def leaky_relu(x):
    """Leaky rectified linear units."""
    out = np.where(x > 0, x, 0.1 * x)

    def backward(dout):
        return np.where(x > 0, dout, 0.1 * dout)

    return out, backward


entry(
    leaky_relu,
    normal((3, 4)),
    Bug("0.1 * dout", "0", ("mask",), "the ReLU's backward"),
    Bug("0.1 * dout", "0.01 * dout", ("mask",), "another slope"),
    Bug("(x > 0, dout, 0.1 * dout)", "(x < 0, dout, 0.1 * dout)", ("mask",), "sides exchanged"),
)


def elu(x):
    """Exponential linear units."""
    out = np.where(x > 0, x, 0.7 * (np.exp(np.minimum(x, 0)) - 1))

    def backward(dout):
        return dout * np.where(x > 0, 1, out + 0.7)

    return out, backward


entry(
    elu,
    normal((3, 5)),
    Bug("out + 0.7)", "out + 1)", ("mask",), "alpha forgotten where it is negative"),
    Bug("out + 0.7)", "out)", ("mask",), "the constant forgotten where it is negative"),
)


def gelu(x):
    """Gaussian error linear units, exact."""
    cdf = 0.5 * (1 + special.erf(x / np.sqrt(2)))
    out = x * cdf

    def backward(dout):
        density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
        return dout * (cdf + x * density)

    return out, backward


entry(
    gelu,
    normal((3, 4)),
    Bug("cdf + x * density", "cdf", ("term missing", 0), "the density's term forgotten"),
    Bug("/ np.sqrt(2 * np.pi)", "* np.sqrt(2 / np.pi)", ("term missing", 0), "another constant"),
    Bug("cdf + x * density", "1 / (1 + np.exp(-1.702 * x)) + x * density", ("precision",),
        "an approximation in the backward alone"),
)  # fmt: skip


def softplus(x):
    """A smooth ReLU."""
    out = np.logaddexp(0, x)

    def backward(dout):
        return dout * special.expit(x)

    return out, backward


entry(
    softplus,
    normal((2, 5)),
    Bug("special.expit(x)", "special.expit(-x)", ("term missing", 0), "the other side's share"),
    Bug("special.expit(x)", "special.expit(out)", ("term missing", 0), "taken at the output"),
)


def tanh(x):
    """The hyperbolic tangent."""
    out = np.tanh(x)

    def backward(dout):
        return dout * (1 - out**2)

    return out, backward


entry(
    tanh,
    normal((3, 5)),
    Bug("1 - out**2", "1 - x**2", ("term missing", 0), "taken at the input"),
    Bug("1 - out**2", "1 - out", ("term missing", 0), "the square forgotten"),
    Bug("dout * (1 - out**2)", "1 - out**2", ("dout ignored",), "dout dropped"),
    Bug("1 - out**2", "1 - (dout * out) ** 2", ("dout ignored",), "dout squared: not linear"),
)


def sigmoid(x):
    """The logistic function."""
    out = 1 / (1 + np.exp(-x))

    def backward(dout):
        return dout * out * (1 - out)

    return out, backward


entry(
    sigmoid,
    normal((4, 3)),
    Bug("out * (1 - out)", "x * (1 - x)", ("term missing", 0), "as if x were the output"),
    Bug("dout * out * (1 - out)", "dout * out", ("term missing", 0), "half of the derivative"),
    Bug("(1 - out)", "(out - 1)", ("sign",), "the difference the other way round"),
)


def expit(x):
    """The logistic function of SciPy, which knows real numbers only."""
    out = special.expit(x)

    def backward(dout):
        return dout * out * (1 - out)

    return out, backward


entry(
    expit,
    normal((2, 3)),
    Bug("out * (1 - out)", "out * (1 - out) ** 2", ("term missing", 0), "squared"),
    Bug("dout * out", "4 * dout * out", ("factor", 4), "scaled to 1 at zero"),
    tempting="no complex numbers",
)


def swish(x):
    """x times its sigmoid."""
    s = special.expit(x)
    out = x * s

    def backward(dout):
        return dout * (s + out * (1 - s))

    return out, backward


entry(
    swish,
    normal((4, 3)),
    Bug("s + out * (1 - s)", "s", ("term missing", 0), "the sigmoid taken for a constant"),
    Bug("s + out * (1 - s)", "out * (1 - s)", ("term missing", 0), "the factor x taken for a constant"),
)  # fmt: skip


def hypot(a, b):
    """The length of (a, b)."""
    out = np.hypot(a, b)

    def backward(dout):
        return dout * a / out, dout * b / out

    return out, backward


entry(
    hypot,
    normal((3, 4), (3, 4)),
    Bug("dout * a / out, dout * b / out", "dout * b / out, dout * a / out", ("inputs swapped",), "db, da"),
    Bug("dout * a / out", "2 * dout * a / out", ("factor", 2), "the square root's 1/2 forgotten"),
    tempting="no complex numbers",
)  # fmt: skip


def cbrt(x):
    """The cube root, of negative numbers too."""
    out = np.cbrt(x)

    def backward(dout):
        return dout / (3 * out**2)

    return out, backward


entry(
    cbrt,
    positive((3, 3)),
    Bug("(3 * out**2)", "out**2", ("factor", 3), "the 3 forgotten"),
    Bug("out**2", "out", ("term missing", 0), "the square forgotten"),
    tempting="no complex numbers",
)


def logaddexp(a, b):
    """log(exp(a) + exp(b))."""
    out = np.logaddexp(a, b)

    def backward(dout):
        return dout * np.exp(a - out), dout * np.exp(b - out)

    return out, backward


entry(
    logaddexp,
    normal((2, 4), (2, 4)),
    Bug("np.exp(a - out), dout * np.exp(b - out)", "np.exp(b - out), dout * np.exp(a - out)",
        ("inputs swapped",), "shares exchanged"),
    Bug("dout * np.exp(b - out)", "dout * (a > b)", ("term missing", 1), "the maximum's backward"),
    tempting="no complex numbers",
)  # fmt: skip


def clip(x):
    """Values limited to -1 … 1."""
    out = np.clip(x, -1, 1)

    def backward(dout):
        return dout * ((x > -1) & (x < 1))

    return out, backward


entry(
    clip,
    lambda rng: (rng.normal(0, 1.5, (3, 6)),),
    Bug("((x > -1) & (x < 1))", "(x < 1)", ("mask",), "the lower limit forgotten"),
    Bug("((x > -1) & (x < 1))", "((out >= -1) & (out <= 1))", ("mask",), "true everywhere"),
    Bug(
        "dout * ((x > -1) & (x < 1))", "np.clip(dout, -1, 1)", ("mask",), "the gradient clipped"
    ),
)


def dropout(x):
    """Inverted dropout with a mask drawn before."""
    out = x * MASK

    def backward(dout):
        return dout * MASK

    return out, backward


entry(
    dropout,
    normal((4, 5)),
    Bug("dout * MASK", "dout * KEPT_UNITS", ("factor", 0.7), "the scale forgotten in the backward"),
    Bug("dout * MASK", "dout", ("mask",), "the mask forgotten"),
    Bug("dout * MASK", "dout * another(KEPT)",
        ("not deterministic",), "another mask in the backward"),
    Bug("out = x * MASK", "out = x * another(KEPT)",
        ("not deterministic",), "a new mask in every forward"),
    Bug("dout * MASK", "dout * ~KEPT_UNITS / 0.7", ("mask",), "the mask upside down"),
    tempting="exact zeros where a unit is dropped",
)  # fmt: skip


def cube(x):
    """The third power."""
    out = x**3

    def backward(dout):
        return 3 * x**2 * dout

    return out, backward


entry(
    cube,
    normal((2, 4)),
    Bug("3 * x**2", "x**2", ("factor", 1 / 3), "the exponent forgotten"),
    Bug("3 * x**2", "3 * x", ("term missing", 0), "the power not kept"),
    Bug("3 * x**2 * dout", "3 * x**2 + 0 * dout", ("dout ignored",), "dout dropped"),
)


def logarithm(x):
    """The natural logarithm."""
    out = np.log(x)

    def backward(dout):
        return dout / x

    return out, backward


entry(
    logarithm,
    positive((5, 2)),
    Bug("dout / x", "dout / out", ("term missing", 0), "the output for the input"),
    Bug(
        "dout / x",
        "dout / (x + 1e-3)",
        ("precision",),
        "a guard that the forward does not have",
    ),
    Bug(
        "np.log(x)", "np.log10(x)", ("factor", float(np.log(10))), "another base in the forward"
    ),
)


def product_of_two(a, b):
    """A product, element by element."""
    out = a * b

    def backward(dout):
        return dout * b, dout * a

    return out, backward


entry(
    product_of_two,
    normal((3, 4), (3, 4)),
    Bug("dout * b, dout * a", "dout * a, dout * b", ("inputs swapped",), "da and db exchanged"),
    Bug("dout * b, dout * a", "dout * b, b * dout", ("term missing", 1), "b in both"),
    Bug("dout * b, dout * a", "dout * b, -dout * a", ("sign",), "db as of a difference"),
)
