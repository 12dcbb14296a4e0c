"""Convolution and pooling."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .entry import Bug, entry, normal


def conv1d(x, W, b):
    """Cross-correlation over time by a loop, with stride 2 and one zero on each side."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1)))
    width = W.shape[2]
    starts = range(0, padded.shape[2] - width + 1, 2)
    windows = [padded[:, :, s : s + width] for s in starts]
    out = np.stack([np.einsum("nck,ock->no", w, W) + b for w in windows], axis=2)

    def backward(dout):
        dpadded, dW = np.zeros_like(padded), np.zeros_like(W)
        for t, s in enumerate(starts):
            dW += np.einsum("no,nck->ock", dout[:, :, t], windows[t])
            dpadded[:, :, s : s + width] += np.einsum("no,ock->nck", dout[:, :, t], W)
        return dpadded[:, :, 1:-1], dW, dout.sum(axis=(0, 2))

    return out, backward


entry(
    conv1d,
    normal((2, 2, 7), (3, 2, 3), (3,)),
    Bug("dpadded[:, :, s : s + width] +=", "dpadded[:, :, s : s + width] =", ("duplicates",),
        "= where windows overlap"),
    Bug("dpadded[:, :, 1:-1]", "dpadded[:, :, :-2]", ("permuted", "shifted along axis 2"),
        "the padding is cut from the wrong side"),
    Bug("dpadded[:, :, 1:-1], dW,", "dpadded[:, :, 1:-1], dW[:, :, ::-1],",
        ("permuted", "flipped along axis 2"), "the kernel's gradient flipped"),
    Bug("dout[:, :, t], W)", "dout[:, :, t], W[:, :, ::-1])", ("term missing", 0),
        "the kernel flipped in the backward, as if the forward were a convolution", also=("permuted",)),
    Bug("dout.sum(axis=(0, 2))", "dout.sum(axis=(0, 2)) / len(x)", ("factor", 1 / 2), "1/B twice"),
    Bug("dout.sum(axis=(0, 2))", "dout.mean(axis=(0, 2))", ("factor", 1 / 8), "a mean"),
    Bug("dout.sum(axis=(0, 2))", "dout.sum(axis=0)", ("missing sum",), "not summed over time"),
    Bug("enumerate(starts)", "enumerate(starts[:-1])", ("single elements",), "last window forgotten"),
)  # fmt: skip


def conv2d(x, W):
    """Cross-correlation of images as one product of matrices (im2col), padded by one."""
    n, c = x.shape[:2]
    o, _, kh, kw = W.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = sliding_window_view(padded, (kh, kw), axis=(2, 3))
    i, j = windows.shape[2:4]
    columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(n, i, j, -1)
    out = (columns @ W.reshape(o, -1).T).transpose(0, 3, 1, 2)

    def backward(dout):
        d = dout.transpose(0, 2, 3, 1)
        dW = np.tensordot(d, columns, axes=([0, 1, 2], [0, 1, 2])).reshape(W.shape)
        dcolumns = (d @ W.reshape(o, -1)).reshape(n, i, j, c, kh, kw)
        dpadded = np.zeros_like(padded)
        for p in range(kh):
            for q in range(kw):
                part = dcolumns[..., p, q].transpose(0, 3, 1, 2)
                dpadded[:, :, p : p + i, q : q + j] += part
        return dpadded[:, :, 1:-1, 1:-1], dW

    return out, backward


entry(
    conv2d,
    normal((1, 2, 4, 3), (2, 2, 2, 2)),
    Bug("dpadded[:, :, 1:-1, 1:-1]", "dpadded[:, :, :-2, 1:-1]", ("permuted", "shifted along axis 2"),
        "padding off by one"),
    Bug("dpadded[:, :, 1:-1, 1:-1]", "dpadded", ("wrong shape",), "padding never cut off"),
    Bug(".reshape(W.shape)", ".reshape(W.shape).swapaxes(2, 3)", ("transposed",), "kernel transposed"),
    Bug(".reshape(W.shape)", ".reshape(W.shape)[:, :, ::-1, ::-1]",
        ("permuted", "flipped along axis 2 and 3"), "kernel rotated by 180 degrees"),
    Bug("dcolumns[..., p, q]", "dcolumns[..., q, p]", ("term missing", 0), "p and q exchanged"),
    Bug("for p in range(kh)", "for p in range(1, kh)", ("term missing", 0), "a row of the kernel left out"),
    Bug("q : q + j] += part", "q : q + j] = part", ("duplicates",), "= where windows overlap"),
)  # fmt: skip


def convolve(x, w):
    """The textbook convolution of two sequences, in full length."""
    out = np.convolve(x, w)

    def backward(dout):
        return np.correlate(dout, w, "valid"), np.correlate(dout, x, "valid")

    return out, backward


entry(
    convolve,
    normal((7,), (3,)),
    Bug('np.correlate(dout, w, "valid")', 'np.convolve(dout, w, "valid")', ("term missing", 0),
        "the kernel not flipped in the backward", also=("permuted",)),
    Bug('np.correlate(dout, x, "valid")', 'np.correlate(dout, x, "valid")[::-1]',
        ("permuted", "flipped along axis 0"), "the kernel's gradient flipped"),
    Bug('np.correlate(dout, w, "valid")', "dout[1:-1]", ("term missing", 0), "w forgotten"),
)  # fmt: skip


def max_pool(x):
    """The largest of each 2 by 2 block."""
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // 2, 2, w // 2, 2)
    out = blocks.max(axis=(3, 5))

    def backward(dout):
        chosen = blocks == out[:, :, :, None, :, None]
        return (chosen * dout[:, :, :, None, :, None]).reshape(x.shape)

    return out, backward


entry(
    max_pool,
    normal((1, 2, 4, 6)),
    Bug("chosen * dout", "np.full(chosen.shape, 1 / 4) * dout", ("term missing", 0),
        "the average's backward"),
    Bug("chosen * dout", "~chosen * dout", ("mask",), "to all but the largest"),
    Bug("(chosen * dout[", "(x.max() * chosen * dout[", ("factor", "max x"), "times the largest value"),
    Bug(".reshape(x.shape)", ".swapaxes(3, 5).reshape(x.shape)", ("permuted", "axes swapped"),
        "the axes inside a block exchanged"),
)  # fmt: skip


def max_pool_with_ties(x):
    """The largest of each pair, as ReLU before it left it: many pairs are ties at 0."""
    pairs = np.maximum(x, 0).reshape(len(x), -1, 2)
    out = pairs.max(axis=2)

    def backward(dout):
        chosen = pairs == out[..., None]
        chosen = chosen / chosen.sum(axis=2, keepdims=True)
        return (chosen * dout[..., None]).reshape(x.shape) * (x > 0)

    return out, backward


entry(
    max_pool_with_ties,
    lambda rng: (np.round(rng.normal(0.6, 1.0, (3, 8)) * 1.5),),
    Bug("        chosen = chosen / chosen.sum(axis=2, keepdims=True)\n", "", ("mask",),
        "the whole gradient to each of the tied"),
    tempting="ties and kinks: values are whole numbers, and some pairs are equal",
)  # fmt: skip


def average_pool(x):
    """The mean of each 2 by 3 block."""
    n, c, h, w = x.shape
    out = x.reshape(n, c, h // 2, 2, w // 3, 3).mean(axis=(3, 5))

    def backward(dout):
        return dout.repeat(2, axis=2).repeat(3, axis=3) / 6

    return out, backward


entry(
    average_pool,
    normal((1, 2, 4, 6)),
    Bug(" / 6", "", ("factor", 6), "the size of the block forgotten"),
    Bug(" / 6", " / 4", ("factor", 1.5), "the size of another block"),
    Bug("dout.repeat(2, axis=2)", "np.tile(dout, (1, 1, 2, 1))", ("permuted", "rows interleaved"),
        "tile for repeat"),
)  # fmt: skip


def global_pool(x):
    """The mean of each map."""
    out = x.mean(axis=(2, 3))

    def backward(dout):
        size = x.shape[2] * x.shape[3]
        return np.broadcast_to(dout[:, :, None, None] / size, x.shape)

    return out, backward


entry(
    global_pool,
    normal((2, 3, 4, 2)),
    Bug("np.broadcast_to(dout[:, :, None, None] / size, x.shape)", "dout[:, :, None, None] / size",
        ("wrong shape",), "not broadcast to the map"),
    Bug(" / size", "", ("factor", 8), "the size of the map forgotten"),
    Bug("x.shape[2] * x.shape[3]", "x.size", ("factor", 1 / 6), "divided by all elements"),
    tempting="the gradient is a read-only view",
)  # fmt: skip


def upsample(x):
    """Each value twice."""
    out = x.repeat(2, axis=-1)

    def backward(dout):
        return dout.reshape(*x.shape, 2).sum(axis=-1)

    return out, backward


entry(
    upsample,
    normal((3, 4)),
    Bug("dout.reshape(*x.shape, 2).sum(axis=-1)", "dout[..., ::2]", ("term missing", 0), "one copy only"),
    Bug(".sum(axis=-1)", ".mean(axis=-1)", ("factor", 0.5), "the mean of both copies"),
    Bug("dout.reshape(*x.shape, 2).sum(axis=-1)", "dout", ("missing sum",), "copies not added"),
)  # fmt: skip
