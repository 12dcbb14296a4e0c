"""Attention, embeddings, and other ways to pick rows."""

from __future__ import annotations

import numpy as np

from .entry import Bug, entry, normal

IDS = np.array([[1, 4, 1], [0, 4, 4]])
PICKED = np.array([0, 2, 2, 1])
SEGMENTS = np.array([0, 2, 0, 1, 2])
VISIBLE = np.tril(np.ones((4, 4), dtype=bool))


def softmax_rows(s):
    """Softmax over the last axis."""
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def attention(Q, K, V):
    """Scaled dot-product attention."""
    scale = 1 / np.sqrt(Q.shape[1])
    A = softmax_rows(Q @ K.T * scale)
    out = A @ V

    def backward(dout):
        dA = dout @ V.T
        dS = A * (dA - (dA * A).sum(axis=1, keepdims=True))
        dQ = dS @ K * scale
        dK = dS.T @ Q * scale
        dV = A.T @ dout
        return dQ, dK, dV

    return out, backward


entry(
    attention,
    normal((3, 4), (5, 4), (5, 2)),
    Bug("dS @ K * scale", "dS @ K", ("factor", 2), "the scale forgotten in dQ"),
    Bug("dS.T @ Q * scale", "dS.T @ Q", ("factor", 2), "the scale forgotten in dK"),
    Bug("dS.T @ Q * scale", "dS.T @ Q * scale**2", ("factor", 0.5), "the scale twice in dK"),
    Bug("dA - (dA * A).sum(axis=1, keepdims=True)", "dA", ("mean not subtracted", 1),
        "the sum of the softmax's Jacobian"),
    Bug("(dA * A).sum(axis=1", "(dA * A).sum(axis=0", ("mean not subtracted", 1), "over the queries"),
    Bug("dV = A.T @ dout", "dV = dS.T @ dout", ("term missing", 2), "dS for A"),
)  # fmt: skip


def causal_attention(Q, K, V):
    """Attention that looks back only; the backward computes its weights again."""
    scores = np.where(VISIBLE, Q @ K.T / np.sqrt(2), -1e9)
    out = softmax_rows(scores) @ V

    def backward(dout):
        A = softmax_rows(scores)
        dA = dout @ V.T
        dS = A * (dA - (dA * A).sum(axis=1, keepdims=True)) / np.sqrt(2)
        return dS @ K, dS.T @ Q, A.T @ dout

    return out, backward


entry(
    causal_attention,
    normal((4, 2), (4, 2), (4, 3)),
    Bug("A = softmax_rows(scores)", "A = softmax_rows(Q @ K.T / np.sqrt(2))", ("mask",),
        "the mask forgotten in the backward"),
    Bug("A.T @ dout", "A @ dout", ("term missing", 2), "A instead of its transpose",
        also=("transposed",)),
    Bug("dS @ K, dS.T @ Q", "dS @ K, dS @ Q", ("term missing", 1), "dS instead of its transpose",
        also=("transposed",)),
    Bug("dS @ K, dS.T @ Q", "dS.T @ Q, dS @ K", ("inputs swapped",), "dK, dQ"),
    tempting="exact zeros above the diagonal",
)  # fmt: skip


def multi_head(x, Wq, Wk, Wv, Wo):
    """Self-attention with two heads."""
    t, n = x.shape
    q, k, v = ((x @ W).reshape(t, 2, n // 2).swapaxes(0, 1) for W in (Wq, Wk, Wv))
    A = softmax_rows(q @ k.swapaxes(1, 2) / np.sqrt(n // 2))
    merged = (A @ v).swapaxes(0, 1).reshape(t, n)
    out = merged @ Wo

    def backward(dout):
        dheads = (dout @ Wo.T).reshape(t, 2, n // 2).swapaxes(0, 1)
        dA = dheads @ v.swapaxes(1, 2)
        dS = A * (dA - (dA * A).sum(axis=2, keepdims=True)) / np.sqrt(n // 2)
        dheads = dS @ k, dS.swapaxes(1, 2) @ q, A.swapaxes(1, 2) @ dheads
        dq, dk, dv = (d.swapaxes(0, 1).reshape(t, n) for d in dheads)
        dx = dq @ Wq.T + dk @ Wk.T + dv @ Wv.T
        return dx, x.T @ dq, x.T @ dk, x.T @ dv, merged.T @ dout

    return out, backward


entry(
    multi_head,
    normal((3, 4), (4, 4), (4, 4), (4, 4), (4, 4)),
    Bug("dq @ Wq.T + dk @ Wk.T + dv @ Wv.T", "dq @ Wq.T + dk @ Wk.T", ("term missing", 0),
        "dx without the path of the values"),
    Bug("keepdims=True)) / np.sqrt(n // 2)", "keepdims=True)) / np.sqrt(n)", ("factor", 0.5**0.5),
        "the scale of all heads, not of one"),
    Bug("x.T @ dq, x.T @ dk", "x.T @ dk, x.T @ dq", ("inputs swapped",), "dWk, dWq"),
    Bug("(dout @ Wo.T).reshape(t, 2, n // 2).swapaxes(0, 1)", "(dout @ Wo.T).reshape(2, t, n // 2)",
        ("permuted", "axes swapped"), "heads split without moving the axis"),
)  # fmt: skip


def embedding(table):
    """Rows of a table; some ids occur more than once."""
    out = table[IDS]

    def backward(dout):
        dtable = np.zeros_like(table)
        np.add.at(dtable, IDS, dout)
        return dtable

    return out, backward


entry(
    embedding,
    normal((6, 3)),
    Bug("np.add.at(dtable, IDS, dout)", "dtable[IDS] += dout", ("duplicates",), "+= with repeated ids"),
    Bug("np.add.at(dtable, IDS, dout)", "dtable[IDS] = dout", ("duplicates",), "= with repeated ids"),
    Bug("np.add.at(dtable, IDS, dout)", "np.add.at(dtable, IDS[0], dout[0])", ("term missing", 0),
        "the first sentence alone"),
    Bug("np.add.at(dtable, IDS, dout)", "np.add.at(dtable, IDS, dout / IDS.size)", ("factor", 1 / 6),
        "a mean over the ids"),
    tempting="rows that no id picks have the gradient zero",
)  # fmt: skip


def embedding_of_ids(table, ids):
    """The same with the ids as an input, of integers, that has no gradient."""
    out = table[ids]

    def backward(dout):
        dtable = np.zeros(table.shape)
        np.add.at(dtable, ids, dout)
        return dtable, None

    return out, backward


entry(
    embedding_of_ids,
    lambda rng: (rng.normal(size=(5, 2)), np.array([3, 0, 3, 4])),
    Bug("np.add.at(dtable, ids, dout)", "dtable[ids] += dout", ("duplicates",), "+= with repeated ids"),
    Bug("return dtable, None", "return dtable", ("number of gradients",), "None for the ids forgotten",
        breaks="contract"),
    Bug("np.add.at(dtable, ids, dout)", "np.add.at(dtable, ids - 1, dout)",
        ("permuted", "shifted along axis 0"), "ids counted from 1"),
    tempting="an input of integers, whose gradient is None",
)  # fmt: skip


def bag_of_words(table):
    """The mean of the rows of each sentence."""
    out = table[IDS].mean(axis=1)

    def backward(dout):
        dtable = np.zeros_like(table)
        np.add.at(dtable, IDS, np.repeat(dout[:, None], 3, axis=1) / 3)
        return dtable

    return out, backward


entry(
    bag_of_words,
    normal((5, 2)),
    Bug("axis=1) / 3", "axis=1)", ("factor", 3), "the length of the sentence forgotten"),
    Bug("np.add.at(dtable, IDS, np.repeat(dout[:, None], 3, axis=1) / 3)",
        "dtable[IDS] += dout[:, None] / 3", ("duplicates",), "+= with repeated ids"),
)  # fmt: skip


def gather_columns(x):
    """Columns of a matrix, one of them twice."""
    out = x[:, PICKED]

    def backward(dout):
        dx = np.zeros_like(x)
        np.add.at(dx, (slice(None), PICKED), dout)
        return dx

    return out, backward


entry(
    gather_columns,
    normal((3, 5)),
    Bug("np.add.at(dx, (slice(None), PICKED), dout)", "dx[:, PICKED] += dout", ("duplicates",),
        "+= with repeated columns"),
    Bug("(slice(None), PICKED), dout)", "(slice(None), PICKED), dout[:, ::-1])",
        ("permuted", "flipped along axis 1"), "in the reverse order"),
)  # fmt: skip


def segment_sum(x):
    """The sum of the rows of each segment, as graph networks take it."""
    out = np.zeros((3, x.shape[1]), dtype=x.dtype)
    np.add.at(out, SEGMENTS, x)

    def backward(dout):
        return dout[SEGMENTS]

    return out, backward


entry(
    segment_sum,
    normal((5, 2)),
    Bug("dout[SEGMENTS]", "dout[SEGMENTS[::-1]]", ("permuted", "flipped along axis 0"), "reversed"),
    Bug("dout[SEGMENTS]", "dout[SEGMENTS] / np.bincount(SEGMENTS)[SEGMENTS][:, None]",
        ("term missing", 0), "the mean's backward"),
    Bug("dout[SEGMENTS]", "dout", ("wrong shape",), "one gradient per segment, not per row"),
)  # fmt: skip


def label_picks(z):
    """The logit of each case's label."""
    cases = np.arange(len(z))
    out = z[cases, PICKED]

    def backward(dout):
        dz = np.zeros_like(z)
        dz[cases, PICKED] = dout
        return dz

    return out, backward


entry(
    label_picks,
    normal((4, 3)),
    Bug("dz[cases, PICKED] = dout", "dz[:, PICKED] = dout[:, None]", ("mask",), "every case, every label"),
    Bug("dz[cases, PICKED] = dout", "dz[cases, PICKED] = 1", ("dout ignored",), "1 at the label"),
    Bug("dz[cases, PICKED] = dout", "dz[cases[:-1], PICKED[:-1]] = dout[:-1]", ("single elements",),
        "the last case forgotten"),
)  # fmt: skip
