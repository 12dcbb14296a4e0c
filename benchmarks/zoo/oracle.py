"""An independent judge: slow differences in many steps, which know nothing of a checker.

The outputs are contracted with fixed random numbers, so that each input has one gradient. It is
held against the slopes along each element, and along all elements that are equal: ties that move
together are smooth.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from .entry import Entry, Layer

STEPS = 0.02 * 2.0 ** -np.arange(9)
Move = dict[int, Any]  # for each input that moves, where to


def as_tuple(given: Any) -> tuple[Any, ...]:
    """One array, or several."""
    return tuple(given) if isinstance(given, (tuple, list)) else (given,)


def called(entry: Entry, layer: Layer) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    """Inputs, outputs, random gradients on the outputs, and gradients on the inputs."""
    inputs = [np.array(x) for x in entry.inputs()]
    out, backward = layer(*(x.copy() for x in inputs))
    outs = [np.array(o) for o in as_tuple(out)]
    rng = np.random.default_rng(90_210)
    douts = [np.asarray(rng.normal(0.4, 1, o.shape)) for o in outs]
    grads = as_tuple(backward(*(d.copy() for d in douts)))
    return inputs, outs, douts, [None if g is None else np.array(g) for g in grads]


def disagreement(entry: Entry, layer: Layer, steps: Any = STEPS) -> float:
    """How far the gradients are outside the slopes, as a share of the largest of the input.

    What the differences cannot tell is taken off, ten times over; with fewer steps, they tell less.
    Infinite for a NaN, and for a gradient that has not the shape of its input.
    """
    inputs, outs, douts, grads = called(entry, layer)
    pairs = zip(inputs, grads, strict=True)
    if any(g is not None and (g.shape != x.shape or np.isnan(g).any()) for x, g in pairs):
        return np.inf

    def cost(*arrays: Any) -> float:
        values = as_tuple(layer(*arrays)[0])
        # The value at the inputs is subtracted first, so that a large one costs no digits.
        triples = zip(douts, values, outs, strict=True)
        return float(sum(np.sum(d * (v - o)) for d, v, o in triples))

    size = sum(np.abs(d * o).sum() for d, o in zip(douts, outs, strict=True))
    largest: dict[tuple[int, ...], float] = {}
    outside = []
    for move in _moves(inputs, grads):
        hand = sum(float(np.sum(grads[i] * m)) for i, m in move.items())
        low, high, error = _slopes(cost, inputs, move, size, steps)
        which = tuple(move)
        largest[which] = max(largest.get(which, 0.0), abs(low), abs(high), abs(hand))
        outside.append((which, max(low - hand, hand - high) - 10 * error))
    return max(off / (largest[which] or 1.0) for which, off in outside)


def _moves(inputs: list[Any], grads: list[Any]) -> list[Move]:
    differentiable = [i for i, g in enumerate(grads) if g is not None]
    moves: list[Move] = []
    for i in differentiable:
        eye = np.eye(inputs[i].size).reshape(inputs[i].size, *inputs[i].shape)
        moves += [{i: one} for one in eye]
    values = np.concatenate([inputs[i].ravel() for i in differentiable])
    for value in np.unique(values):
        equal = {i: (inputs[i] == value) * 1.0 for i in differentiable}
        equal = {i: m for i, m in equal.items() if m.any()}
        if sum(m.sum() for m in equal.values()) > 1:
            moves.append(equal)
    return moves


def _slopes(
    cost: Callable[..., float], inputs: list[Any], move: Move, size: float, steps: Any
) -> Any:
    """The slopes from below and from above, and what they may be wrong by."""

    def at(h: float) -> float:
        arrays = [x.copy() for x in inputs]
        for i, m in move.items():
            arrays[i] = arrays[i] + h * m
        return cost(*arrays)

    scale = max(np.abs(inputs[i]).max() for i in move) or 1.0
    steps = scale * steps
    up = np.array([at(h) for h in steps]) / steps
    down = np.array([at(-h) for h in steps]) / -steps
    rounding = 1e-16 * size / steps[-1]
    middle, error = _extrapolated((up + down) / 2, 4)
    (low, e1), (high, e2) = _extrapolated(down, 2), _extrapolated(up, 2)
    if abs(high - low) < 10 * (e1 + e2 + rounding) + 1e-3 * abs(middle):
        return middle, middle, error + rounding
    return min(low, high), max(low, high), max(e1, e2) + rounding


def _extrapolated(slopes: Any, power: int) -> tuple[float, float]:
    """Ridders' way: extrapolate to step 0, and keep the entry with the smallest error."""
    best, error = slopes[-1], np.inf
    row, factor = list(slopes), float(power)
    while len(row) > 1:
        new = [(factor * b - a) / (factor - 1) for a, b in pairwise(row)]
        for k, value in enumerate(new):
            off = max(abs(value - row[k + 1]), abs(value - row[k]))
            if off < error:
                best, error = value, off
        row, factor = new, factor * power
    return best, error


# ---------------------------------------------------------------- the contract


def broken(entry: Entry, layer: Layer) -> set[str]:
    """Which parts of the contract a layer breaks, in the words of the causes."""
    inputs = [np.array(x) for x in entry.inputs()]
    other = [x if x.dtype.kind == "i" else 1.25 * x + 0.1 for x in inputs]
    mine = [x.copy() for x in inputs]
    out, backward = layer(*mine)
    kept = [np.asarray(o) for o in as_tuple(out)]
    outs = [np.array(o) for o in kept]
    douts = [np.full(o.shape, 0.7) for o in outs]
    given = [d.copy() for d in douts]
    grads = [g for g in as_tuple(backward(*given)) if g is not None]
    first = [np.array(g) for g in grads]
    count = len(as_tuple(backward(*(d.copy() for d in douts))))
    faults = {"number of gradients"} if count != len(inputs) else set()
    if not (_same(mine, inputs) and _same(given, douts)):
        faults.add("input written")
    again = _kept(backward(*(d.copy() for d in douts)))
    if not _same(again, first):
        faults.add("accumulates")
    _, backward_of_other = layer(*(x.copy() for x in other))
    backward_of_other(*(2 * d for d in douts))
    if not (_same(kept, outs) and _same(grads, first)):
        faults.add("buffer reused")
    fresh = entry.right()(*(x.copy() for x in other))[1](*(2 * d for d in douts))
    if not _same(_kept(backward(*(d.copy() for d in douts))), again) or not _same(
        _kept(backward_of_other(*(2 * d for d in douts))), _kept(fresh)
    ):
        faults.add("stale cache")
    if not _same(_run(layer, inputs, douts), _run(layer, inputs, douts)):
        faults.add("not deterministic")
    return faults


def _run(layer: Layer, inputs: list[Any], douts: list[Any]) -> list[Any]:
    out, backward = layer(*(x.copy() for x in inputs))
    return [*as_tuple(out), *_kept(backward(*(d.copy() for d in douts)))]


def _kept(grads: Any) -> list[Any]:
    return [np.array(g) for g in as_tuple(grads) if g is not None]


def _same(a: list[Any], b: list[Any]) -> bool:
    return len(a) == len(b) and all(map(np.array_equal, a, b))
