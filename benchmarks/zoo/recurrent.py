"""Recurrent layers and scans."""

from __future__ import annotations

import numpy as np

from .entry import Bug, entry, normal


def sigmoid(x):
    """The logistic function."""
    return 1 / (1 + np.exp(-x))


def rnn(x, W, U, h0):
    """A recurrent network over time: h_t = tanh(x_t W + h_(t-1) U)."""
    h = [h0]
    for x_t in x:
        h.append(np.tanh(x_t @ W + h[-1] @ U))
    out = np.stack(h[1:])

    def backward(dout):
        dx, dW, dU, carry = np.zeros_like(x), 0, 0, 0
        for t in reversed(range(len(x))):
            da = (dout[t] + carry) * (1 - h[t + 1] ** 2)
            dx[t] = da @ W.T
            dW = dW + x[t].T @ da
            dU = dU + h[t].T @ da
            carry = da @ U.T
        return dx, dW, dU, carry

    return out, backward


entry(
    rnn,
    normal((4, 2, 3), (3, 2), (2, 2), (2, 2)),
    Bug("(dout[t] + carry)", "dout[t]", ("term missing", 0), "nothing flows back through time"),
    Bug("dU + h[t].T", "dU + h[t + 1].T", ("term missing", 2), "the state one step too late"),
    Bug("carry = da @ U.T", "carry = da @ U", ("term missing", 0), "U instead of its transpose",
        also=("transposed",)),
    Bug("1 - h[t + 1] ** 2", "1 - h[t] ** 2", ("term missing", 0), "tanh's derivative one step early"),
    Bug("return dx, dW, dU, carry", "return dx, dW, dU, np.zeros_like(h0)", ("zero",), "dh0 is zero"),
    Bug("dW = dW + x[t].T @ da", "dW = x[t].T @ da", ("term missing", 1), "the first step alone"),
    Bug("reversed(range(len(x)))", "reversed(range(1, len(x)))", ("single elements",),
        "the first step forgotten"),
)  # fmt: skip


def gru_cell(x, h, W, U):
    """One step of a GRU; W and U hold update gate, reset gate and candidate side by side."""
    n = h.shape[1]
    a, c = x @ W, h @ U
    z, r = sigmoid(a[:, :n] + c[:, :n]), sigmoid(a[:, n : 2 * n] + c[:, n : 2 * n])
    cand = np.tanh(a[:, 2 * n :] + r * c[:, 2 * n :])
    out = (1 - z) * cand + z * h

    def backward(dout):
        dcand = dout * (1 - z) * (1 - cand**2)
        dz = dout * (h - cand) * z * (1 - z)
        dr = dcand * c[:, 2 * n :] * r * (1 - r)
        da = np.concatenate([dz, dr, dcand], axis=1)
        dc = np.concatenate([dz, dr, dcand * r], axis=1)
        return da @ W.T, dout * z + dc @ U.T, x.T @ da, h.T @ dc

    return out, backward


entry(
    gru_cell,
    normal((2, 3), (2, 2), (3, 6), (2, 6)),
    Bug("dr = dcand * c[:, 2 * n :] * r * (1 - r)", "dr = np.zeros_like(dz)", ("term missing", 0),
        "the reset gate's path forgotten"),
    Bug("dout * z + dc @ U.T", "dc @ U.T", ("term missing", 1), "h's direct path forgotten"),
    Bug("dcand * r], axis=1)", "dcand], axis=1)", ("term missing", 1), "the reset gate forgotten in dc"),
    Bug("(h - cand)", "(cand - h)", ("term missing", 0), "the update gate's sign"),
    Bug("da = np.concatenate([dz, dr, dcand]", "da = np.concatenate([dr, dz, dcand]",
        ("permuted", "blocks along axis 1"), "gates in another order"),
    Bug("* r * (1 - r)", "* r", ("term missing", 0), "the sigmoid's derivative is half there"),
)  # fmt: skip


def lstm_cell(x, h, c, W, U, b):
    """One step of an LSTM, with two outputs: the new h and the new c."""
    i, f, o, g = np.split(x @ W + h @ U + b, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    c_new = f * c + i * g
    h_new = o * np.tanh(c_new)

    def backward(dh, dc):
        dc = dc + dh * o * (1 - np.tanh(c_new) ** 2)
        di, df = dc * g * i * (1 - i), dc * c * f * (1 - f)
        do, dg = dh * np.tanh(c_new) * o * (1 - o), dc * i * (1 - g**2)
        da = np.concatenate([di, df, do, dg], axis=1)
        return da @ W.T, da @ U.T, dc * f, x.T @ da, h.T @ da, da.sum(axis=0)

    return (h_new, c_new), backward


entry(
    lstm_cell,
    normal((2, 3), (2, 1), (2, 1), (3, 4), (1, 4), (4,)),
    Bug("dc = dc + dh * o", "dc = dh * o", ("dout ignored",), "the gradient on c dropped"),
    Bug("dc = dc + dh * o * (1 - np.tanh(c_new) ** 2)", "dc = dc + 0 * dh", ("term missing", 2),
        "h's path through c forgotten"),
    Bug("dc * f, x.T", "dc, x.T", ("term missing", 2), "the forget gate forgotten in dc"),
    Bug("(1 - g**2)", "(1 - g)", ("term missing", 0), "tanh's derivative not squared"),
    Bug("[di, df, do, dg]", "[di, df, dg, do]", ("permuted", "blocks along axis 1"), "o and g exchanged"),
    Bug("da.sum(axis=0)", "da", ("missing sum",), "db not summed over the batch"),
    tempting="a tuple of two outputs",
)  # fmt: skip


def moving_average(x, a):
    """An exponential moving average over time with a learned rate."""
    s = [x[0]]
    for x_t in x[1:]:
        s.append(a * s[-1] + (1 - a) * x_t)
    out = np.stack(s)

    def backward(dout):
        dx, da, carry = np.zeros_like(x), 0, 0
        for t in range(len(x) - 1, 0, -1):
            ds = dout[t] + carry
            dx[t] = (1 - a) * ds
            da = da + np.sum(ds * (s[t - 1] - x[t]))
            carry = a * ds
        dx[0] = dout[0] + carry
        return dx, da

    return out, backward


entry(
    moving_average,
    lambda rng: (rng.normal(size=(5, 2)), np.array(0.7)),
    Bug("dx[0] = dout[0] + carry", "dx[0] = (1 - a) * (dout[0] + carry)", ("single elements",),
        "the first value weighted like the others"),
    Bug("carry = a * ds", "carry = a * dout[t]", ("term missing", 0), "one step back only"),
    Bug("s[t - 1] - x[t]", "s[t - 1]", ("term missing", 1), "1 - a depends on a too"),
    Bug("range(len(x) - 1, 0, -1)", "range(len(x) - 1, 1, -1)", ("single elements",),
        "the loop ends one step early"),
)  # fmt: skip


def discounted_return(r):
    """What is still to come, each step worth 0.9 of the one before."""
    out = np.zeros_like(r)
    total = 0
    for t in reversed(range(len(r))):
        total = r[t] + 0.9 * total
        out[t] = total

    def backward(dout):
        dr, carry = np.zeros_like(r), 0
        for t in range(len(r)):
            carry = dout[t] + 0.9 * carry
            dr[t] = carry
        return dr

    return out, backward


entry(
    discounted_return,
    normal((6,)),
    Bug("for t in range(len(r)):", "for t in reversed(range(len(r))):", ("permuted", "time reversed"),
        "the backward runs in the direction of the forward",
        also=("transposed",)),
    Bug("carry = dout[t] + 0.9 * carry", "carry = dout[t] + carry", ("term missing", 0),
        "the discount forgotten"),
    Bug("dr[t] = carry", "dr[t] = carry - dout[t]", ("term missing", 0), "off by one: its own step left out"),
)  # fmt: skip
