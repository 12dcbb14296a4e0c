"""Probabilities and costs."""

from __future__ import annotations

import numpy as np

from .entry import Bug, entry, normal

LABELS = np.array([2, 0, 4, 2])
ONE_HOT = np.eye(5)[LABELS]
BITS = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
T = 3.0


def log_probabilities(z):
    """log softmax over the last axis."""
    s = z - z.max(axis=-1, keepdims=True)
    return s - np.log(np.exp(s).sum(axis=-1, keepdims=True))


def softmax(z):
    """Probabilities from logits."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    q = e / e.sum(axis=-1, keepdims=True)

    def backward(dout):
        return q * (dout - (dout * q).sum(axis=-1, keepdims=True))

    return q, backward


entry(
    softmax,
    normal((3, 4)),
    Bug(" - (dout * q).sum(axis=-1, keepdims=True)", "", ("mean not subtracted", 1), "the sum forgotten"),
    Bug("q * (dout - (dout * q).sum(axis=-1, keepdims=True))", "dout * q * (1 - q)",
        ("mean not subtracted", 1), "the diagonal of the Jacobian alone"),
    Bug("(dout * q).sum(axis=-1", "dout.mean(axis=-1", ("mean not subtracted", 1), "the plain mean"),
)  # fmt: skip


def log_softmax(z):
    """Logarithms of probabilities."""
    out = log_probabilities(z)

    def backward(dout):
        return dout - np.exp(out) * dout.sum(axis=-1, keepdims=True)

    return out, backward


entry(
    log_softmax,
    normal((3, 4)),
    Bug(" - np.exp(out) * dout.sum(axis=-1, keepdims=True)", "", ("mean not subtracted", 1),
        "the normalisation taken for a constant"),
    Bug("np.exp(out) * dout.sum(axis=-1, keepdims=True)", "np.exp(out) * dout",
        ("mean not subtracted", 1), "the sum over the classes"),
    Bug("np.exp(out) * dout.sum(axis=-1, keepdims=True)", "np.exp(out)", ("dout ignored",),
        "right for one label only"),
)  # fmt: skip


def cross_entropy(z):
    """Cross-entropy with labels, the mean over the batch."""
    log_q = log_probabilities(z)
    out = -log_q[np.arange(len(z)), LABELS].mean()

    def backward(dout):
        return dout * (np.exp(log_q) - ONE_HOT) / len(z)

    return out, backward


entry(
    cross_entropy,
    normal((4, 5)),
    Bug(" / len(z)", "", ("factor", 4), "1/B forgotten"),
    Bug(" / len(z)", " / z.size", ("factor", 1 / 5), "divided by all elements"),
    Bug("dout * (np", "(np", ("dout ignored",), "dout dropped"),
    Bug("np.exp(log_q) - ONE_HOT", "ONE_HOT - np.exp(log_q)", ("sign",), "p - q"),
    Bug("np.exp(log_q) - ONE_HOT", "np.exp(log_q)", ("term missing", 0), "the labels forgotten"),
    Bug("(np.exp(log_q) - ONE_HOT)", "np.where(ONE_HOT > 0, np.exp(log_q) - 1, 0)", ("mask",),
        "only at the label"),
    Bug("np.exp(log_q) - ONE_HOT", "log_q - ONE_HOT", ("term missing", 0), "the logarithm of q"),
)  # fmt: skip


def distillation(z, v):
    """Soft targets at T, times T squared; the teacher's logits v get no gradient."""
    log_q, p = log_probabilities(z / T), np.exp(log_probabilities(v / T))
    out = -(T**2) * (p * log_q).sum(axis=1).mean()

    def backward(dout):
        return dout * T * (np.exp(log_q) - p) / len(z), None

    return out, backward


entry(
    distillation,
    normal((4, 5), (4, 5)),
    Bug("dout * T *", "dout / T *", ("factor", 1 / 9), "T squared forgotten in the gradient"),
    Bug("dout * T *", "dout * T**2 *", ("factor", 3), "1/T forgotten"),
    Bug("dout * T *", "dout *", ("factor", 1 / 3), "1/T twice"),
    Bug("np.exp(log_q) - p", "np.exp(log_probabilities(z)) - p", ("term missing", 0), "q at T = 1"),
    Bug("np.exp(log_q) - p", "np.exp(log_q) - np.exp(log_probabilities(v))", ("term missing", 0),
        "p at T = 1"),
    tempting="None for an input that the cost depends on",
)  # fmt: skip


def kl_divergence(a, z):
    """KL(p, q) of two softmaxes, with both gradients."""
    log_p, log_q = log_probabilities(a), log_probabilities(z)
    p = np.exp(log_p)
    out = (p * (log_p - log_q)).sum(axis=1)

    def backward(dout):
        d = dout[:, None]
        return d * p * (log_p - log_q - out[:, None]), d * (np.exp(log_q) - p)

    return out, backward


entry(
    kl_divergence,
    normal((3, 4), (3, 4)),
    Bug("log_p - log_q - out[:, None]", "log_p - log_q", ("mean not subtracted", 1), "p's softmax"),
    Bug("d * (np.exp(log_q) - p)", "d * (p - np.exp(log_q))", ("sign",), "p - q"),
    Bug("log_p - log_q - out[:, None])", "log_p - log_q - out[:, None] + 1)", ("term missing", 0),
        "the derivative of p log p, which the softmax cancels"),
)  # fmt: skip


def logit_matching(z, v):
    """Half the squared distance of logits, the mean over the batch."""
    out = 0.5 * ((z - v) ** 2).sum(axis=1).mean()

    def backward(dout):
        dz = dout * (z - v) / len(z)
        return dz, -dz

    return out, backward


entry(
    logit_matching,
    normal((3, 5), (3, 5)),
    Bug("dout * (z - v)", "2 * dout * (z - v)", ("factor", 2), "the 1/2 forgotten"),
    Bug("return dz, -dz", "return dz, dz", ("sign",), "the teacher's sign"),
    Bug("return dz, -dz", "return -dz, dz", ("inputs swapped",), "exchanged"),
    Bug(
        "return dz, -dz", "return dz, np.zeros_like(v)", ("zero",), "a zero where None is meant"
    ),
    Bug("(z - v) / len(z)", "z / len(z)", ("term missing", 0), "v forgotten"),
)


def binary_cross_entropy(z):
    """Cross-entropy of independent bits, from logits."""
    out = np.mean(np.logaddexp(0, z) - BITS * z)

    def backward(dout):
        return dout * (1 / (1 + np.exp(-z)) - BITS) / z.size

    return out, backward


entry(
    binary_cross_entropy,
    normal((2, 3)),
    Bug(" / z.size", "", ("factor", 6), "1/N forgotten"),
    Bug(" / z.size", " / len(z)", ("factor", 3), "divided by the cases alone"),
    Bug("1 / (1 + np.exp(-z)) - BITS", "BITS - 1 / (1 + np.exp(-z))", ("sign",), "bits - q"),
    Bug(" - BITS) / z", ") / z", ("term missing", 0), "the bits forgotten"),
    tempting="no complex numbers",
)


def mean_squared_error(x, y):
    """The mean of the squared differences."""
    out = np.mean((x - y) ** 2)

    def backward(dout):
        dx = dout * 2 * (x - y) / x.size
        return dx, -dx

    return out, backward


entry(
    mean_squared_error,
    normal((3, 4), (3, 4)),
    Bug("dout * 2 *", "dout *", ("factor", 0.5), "the 2 forgotten"),
    Bug(" / x.size", "", ("factor", 12), "1/N forgotten"),
    Bug(" / x.size", " / len(x)", ("factor", 4), "divided by the cases alone"),
    Bug("dout * 2 *", "2 *", ("dout ignored",), "dout dropped"),
    Bug("return dx, -dx", "return dx, dx", ("sign",), "dy with the sign of dx"),
)


def huber(x):
    """Squared near zero, absolute far from it."""
    small = np.abs(x) < 1
    out = np.where(small, 0.5 * x**2, np.abs(x) - 0.5).sum(axis=1)

    def backward(dout):
        return dout[:, None] * np.where(small, x, np.sign(x))

    return out, backward


entry(
    huber,
    lambda rng: (rng.normal(0, 1.5, (3, 5)),),
    Bug("np.where(small, x, np.sign(x))", "x", ("mask",), "squared everywhere"),
    Bug("np.where(small, x, np.sign(x))", "np.where(small, x, 1.0)", ("mask",), "the sign forgotten"),
    Bug("np.where(small, x, np.sign(x))", "np.sign(x)", ("mask",), "absolute everywhere"),
    Bug("dout[:, None]", "dout.mean()", ("dout ignored",), "every case gets the mean of dout"),
    tempting="abs hides a complex step",
)  # fmt: skip


def hinge(z):
    """The multi-class hinge cost: all classes that come within 1 of the label."""
    cases = np.arange(len(z))
    margins = z - z[cases, LABELS][:, None] + 1
    margins[cases, LABELS] = 0
    out = np.maximum(margins, 0).sum(axis=1)

    def backward(dout):
        dz = (margins > 0) * dout[:, None]
        dz[cases, LABELS] = -dz.sum(axis=1)
        return dz

    return out, backward


entry(
    hinge,
    normal((4, 5)),
    Bug("        dz[cases, LABELS] = -dz.sum(axis=1)\n", "", ("single elements",), "the label's own term"),
    Bug("-dz.sum(axis=1)", "-dout", ("single elements",), "the label counted once, not per class"),
    Bug("(margins > 0)", "(margins >= 0)", ("mask",), ">= where the label's margin is set to 0"),
    Bug("(margins > 0)", "(margins > 1)", ("mask",), "the margin counted twice"),
)  # fmt: skip


def gaussian_cost(mean, log_s):
    """The negative logarithm of a Gaussian density at 0.3, up to a constant."""
    r = (0.3 - mean) / np.exp(log_s)
    out = 0.5 * r**2 + log_s

    def backward(dout):
        return -dout * r / np.exp(log_s), dout * (1 - r**2)

    return out, backward


entry(
    gaussian_cost,
    normal((3, 2), (3, 2)),
    Bug("dout * (1 - r**2)", "-dout * r**2", ("term missing", 1, "constant"), "log s forgotten"),
    Bug("-dout * r / np.exp(log_s)", "dout * r / np.exp(log_s)", ("sign",), "the sign of the mean"),
    Bug("-dout * r / np.exp(log_s)", "-dout * r", ("term missing", 0), "1/s once only"),
    Bug("(1 - r**2)", "(1 - r**2) / np.exp(log_s)", ("term missing", 1), "as if by s, not log s"),
)  # fmt: skip


def entropy(z):
    """The entropy of a softmax."""
    log_q = log_probabilities(z)
    q = np.exp(log_q)
    out = -(q * log_q).sum(axis=-1)

    def backward(dout):
        return -dout[:, None] * q * (log_q + out[:, None])

    return out, backward


entry(
    entropy,
    normal((3, 5)),
    Bug(
        "log_q + out[:, None]",
        "log_q + 1",
        ("mean not subtracted", 1),
        "the derivative of q log q",
    ),
    Bug("log_q + out[:, None]", "log_q", ("mean not subtracted", 1), "the softmax's sum"),
    Bug("return -dout", "return dout", ("sign",), "the sign of the entropy"),
)


def contrastive(a, b):
    """Each row of a must find its row of b (InfoNCE)."""
    s = a @ b.T / 0.5
    log_q = log_probabilities(s)
    out = -np.trace(log_q) / len(a)

    def backward(dout):
        ds = dout * (np.exp(log_q) - np.eye(len(a))) / len(a) / 0.5
        return ds @ b, ds.T @ a

    return out, backward


entry(
    contrastive,
    normal((4, 3), (4, 3)),
    Bug(" / len(a) / 0.5", " / len(a)", ("factor", 0.5), "the temperature forgotten"),
    Bug(
        "ds @ b, ds.T @ a", "ds @ b, ds @ a", ("term missing", 1), "ds instead of its transpose"
    ),
    Bug(" - np.eye(len(a))", "", ("term missing", 0), "the positives forgotten"),
    Bug(" / len(a) / 0.5", " / 0.5", ("factor", 4), "1/B forgotten"),
)


def elastic_penalty(w):
    """Squares and absolute values of weights."""
    out = np.sum(w**2) + 0.1 * np.sum(np.abs(w))

    def backward(dout):
        return dout * (2 * w + 0.1 * np.sign(w))

    return out, backward


entry(
    elastic_penalty,
    normal((3, 4)),
    Bug("2 * w + 0.1 * np.sign(w)", "2 * w", ("term missing", 0, "sign of x"), "the L1 term"),
    Bug("2 * w + 0.1 * np.sign(w)", "0.1 * np.sign(w)", ("term missing", 0, "proportional to x"),
        "the L2 term"),
    Bug("0.1 * np.sign(w)", "0.1", ("term missing", 0), "the sign"),
    Bug("dout * (2 * w + 0.1 * np.sign(w))", "2 * w + 0.1 * np.sign(w)", ("dout ignored",), "dropped"),
    tempting="abs hides its term from a complex step",
)  # fmt: skip


def sum_of_squares(x):
    """A penalty with one output."""
    out = np.sum(x**2)

    def backward(dout):
        return 2 * x * dout

    return out, backward


entry(
    sum_of_squares,
    normal((3, 5)),
    Bug("2 * x * dout", "2 * x", ("dout ignored",), "dout dropped"),
    Bug("2 * x * dout", "x * dout", ("factor", 0.5), "the 2 forgotten"),
    Bug("2 * x * dout", "2 * x.sum() * dout", ("wrong shape",), "one number for all elements"),
    Bug("2 * x * dout", "2 * np.abs(x) * dout", ("mask",), "the sign lost"),
)
