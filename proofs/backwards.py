"""Every backward of minikd beside the derivative that the complex step gives: the worst relative error.

    python proofs/backwards.py

The complex step, f(x + ih) / h, has no difference of nearly equal numbers in it, so that nothing is lost
but the last digits of float64. Where a function refuses complex numbers, differences of eighth order
stand in, and lose some digits more.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import measured
import numpy as np

from minikd import (
    MLP,
    combination,
    equations,
    fast,
    hard_targets,
    layers,
    logit_matching,
    plain,
    soft_targets,
)
from minikd.kernels import Workspace
from minikd.mixture import Mixture, mixture_backward, mixture_forward
from minikd.objectives import Batch, Objective

RNG = np.random.default_rng(7)
B, N = 6, 5
Z, V = RNG.normal(0, 3, (2, B, N))
Y = RNG.integers(0, N, B)
T = 2.5
DRAWN = RNG.bit_generator.state

# What a function gives, and how its gradient is carried back to each of its inputs.
Pair = tuple[Any, Callable[[Any], Sequence[Any]]]


@dataclass
class Row:
    """A backward, and how far it is off.

    Attributes
    ----------
    name : str
    error : float
        The largest difference from the derivative, in units of the largest derivative.
    by : str
        How the derivative was found.
    """

    name: str
    error: float
    by: str


def complex_step(f: Callable[..., Any], inputs: list[Any], w: Any) -> list[Any]:
    """The gradient of (w · f) by a step into the imaginary."""
    h, found = 1e-30, []
    for k, x in enumerate(inputs):
        gradient = np.empty(x.shape)
        for at in np.ndindex(x.shape):
            moved = [each.astype(complex) for each in inputs]
            moved[k][at] += 1j * h
            gradient[at] = (w * f(*moved)).sum().imag / h
        found.append(gradient)
    return found


# Of f(x + kh) - f(x - kh), for k = 1 … 4.
_EIGHTH = (4 / 5, -1 / 5, 4 / 105, -1 / 280)


def differences(f: Callable[..., Any], inputs: list[Any], w: Any) -> list[Any]:
    """The gradient of (w · f) by central differences of eighth order."""
    h, found = 5e-3, []
    for k, x in enumerate(inputs):
        gradient = np.empty(x.shape)
        for at in np.ndindex(x.shape):
            total = 0.0
            for step, factor in enumerate(_EIGHTH, 1):
                for sign in (1, -1):
                    moved = [each.copy() for each in inputs]
                    moved[k][at] += sign * step * h
                    total += sign * factor * float((w * f(*moved)).sum())
            gradient[at] = total / h
        found.append(gradient)
    return found


def row(name: str, pair: Callable[..., Pair], *inputs: Any) -> Row:
    """How far the backward of ``pair(*inputs)`` is from the derivative."""
    given = [np.asarray(x, dtype=float) for x in inputs]
    out, backward = pair(*given)
    w = np.random.default_rng(1).normal(size=np.shape(out))
    analytic = backward(w)
    try:
        expected, by = complex_step(lambda *x: pair(*x)[0], given, w), "complex step"
    except (TypeError, ValueError):
        expected, by = differences(lambda *x: pair(*x)[0], given, w), "differences"
    scale = max(np.abs(e).max() for e in expected)
    error = max(np.abs(a - e).max() for a, e in zip(analytic, expected, strict=True)) / scale
    return Row(name, float(error), by)


def of_cost(
    cost: Callable[[Any], Any], gradient: Callable[[Any], Any]
) -> Callable[[Any], Pair]:
    """A cost of each case, and the gradient on its logits."""
    return lambda z: (cost(z), lambda w: [w[..., None] * gradient(z)])


def costs() -> list[Row]:
    """Section 2 of the paper: each cost and its gradient."""
    weight = {"T": T, "hard_weight": 0.5}
    found = {
        "soft targets (Eq. 2)": of_cost(
            lambda z: equations.soft_target_cost(z, V, T),
            lambda z: equations.soft_target_gradient(z, V, T),
        ),
        "logit matching": of_cost(
            lambda z: equations.logit_matching_cost(z, V),
            lambda z: equations.logit_matching_gradient(z, V),
        ),
        "hard targets": of_cost(
            lambda z: equations.hard_target_cost(z, Y),
            lambda z: equations.hard_target_gradient(z, Y),
        ),
        "soft targets beside hard ones": of_cost(
            lambda z: equations.distillation_cost(z, V, Y, **weight),
            lambda z: equations.distillation_gradient(z, V, Y, **weight),
        ),
        "plain.py, soft cost": of_cost(
            lambda z: plain.soft_cost(z, V, T), lambda z: plain.soft_gradient(z, V, T)
        ),
        "plain.py, hard cost": of_cost(
            lambda z: plain.hard_cost(z, Y), lambda z: plain.hard_gradient(z, Y)
        ),
    }  # fmt: skip
    rows = [row(name, pair, Z) for name, pair in found.items()]
    by_temperature = lambda t: (  # noqa: E731
        equations.soft_target_cost(Z, V, t), lambda w: [np.sum(w * equations.temperature_gradient(Z, V, t))]
    )  # fmt: skip
    return [*rows, row("soft targets, by the temperature", by_temperature, np.array(T))]


def parts() -> list[Row]:
    """What a network is made of."""
    x, W, b = RNG.normal(size=(B, 4)), RNG.normal(size=(4, 3)), RNG.normal(size=3)
    mask = (RNG.random((B, 4)) < 0.5) * 2.0

    def linear(x: Any, W: Any, b: Any) -> Pair:
        z, cache = layers.linear_forward(x, W, b)
        return z, lambda w: layers.linear_backward(w, cache)

    def relu(z: Any) -> Pair:
        h, cache = layers.relu_forward(z)
        return h, lambda w: [layers.relu_backward(w, cache)]

    def dropout(h: Any) -> Pair:
        out, cache = layers.dropout_forward(h, mask)
        return out, lambda w: [layers.dropout_backward(w, cache)]

    def mixture(a: Any, z: Any) -> Pair:
        log_q, cache = mixture_forward(a, z)
        return log_q, lambda w: mixture_backward(w, cache)

    experts = RNG.normal(size=(3, B, N))
    return [
        row("linear layer", linear, x, W, b), row("linear layers of a stack", linear,
            RNG.normal(size=(2, B, 4)), RNG.normal(size=(2, 4, 3)), RNG.normal(size=(2, 3))),
        row("ReLU", relu, x), row("dropout", dropout, x),
        row("mixture of experts", mixture, RNG.normal(size=(B, 3)), experts),
    ]  # fmt: skip


OBJECTIVES: dict[str, Objective] = {
    "hard targets": hard_targets(), "soft targets": soft_targets(T, 0.5),
    "logit matching": logit_matching(),
}  # fmt: skip


def networks() -> list[Row]:
    """Whole networks: from the cost to every weight and bias."""
    net, rows = MLP([4, 6, 5, N], rng=3, dtype=np.float64), []
    x, batch = RNG.random((B, 4)), Batch(None, Y, V)
    masks = [None, *((RNG.random((B, units)) < 0.7) / 0.7 for units in (6, 5))]
    for name, objective in OBJECTIVES.items():

        def whole(*parameters: Any, of: Objective = objective) -> Pair:
            same = net.with_parameters(list(parameters))
            z, caches = same.forward(x, masks)
            return of.cost(z, batch), lambda w: same.backward(
                w[:, None] * of.gradient(z, batch), caches
            )

        def buffered(*parameters: Any, of: Objective = objective) -> Pair:
            same, work = net.with_parameters(list(parameters)), Workspace()
            z, caches = fast.forward(same, x, masks, work)

            def backward(w: Any) -> list[Any]:
                into = same.zeros()
                fast.backward(same, w[:, None] * of.gradient(z, batch), caches, work, into, 0.0)
                return into

            return of.cost(z, batch), backward

        rows.append(row(f"network with dropout, {name}", whole, *net.parameters))
        rows.append(row(f"the same with buffers (fast.py), {name}", buffered, *net.parameters))
    plainly = plain.new_network([4, 6, 5, N], np.random.default_rng(3))

    def on_one_page(*parameters: Any) -> Pair:
        z, inputs = plain.forward(list(parameters), x)
        return plain.soft_cost(z, V, T), lambda w: plain.backward(
            list(parameters), w[:, None] * plain.soft_gradient(z, V, T), inputs
        )

    gate, experts = (
        MLP([4, 3], rng=5, dtype=np.float64),
        MLP([4, 5, N], rng=[6, 7, 8], dtype=np.float64),
    )

    def mixed(*parameters: Any) -> Pair:
        cut = len(gate.parameters)
        same = Mixture(gate.with_parameters(list(parameters[:cut])),
                       experts.with_parameters(list(parameters[cut:])))  # fmt: skip
        z, caches = same.forward(x)
        of = OBJECTIVES["soft targets"]
        return of.cost(z, batch), lambda w: same.backward(
            w[:, None] * of.gradient(z, batch), caches
        )

    return [
        *rows, row("network of plain.py", on_one_page, *plainly),
        row("mixture of networks", mixed, *gate.parameters, *experts.parameters),
    ]  # fmt: skip


def combinations() -> list[Row]:
    """Section 5: Eq. 5, and with its two distributions exchanged."""
    classes = [[0, 1], [2, 4]]
    u = RNG.normal(0, 2, (2, B, 3))  # of two specialists: two classes each, and the dustbin
    active = np.ones((B, 2), dtype=bool)
    names = {"Eq. 5": ("combination_cost", "combination_gradient"),
             "Eq. 5, reversed": ("reverse_combination_cost", "reverse_combination_gradient")}  # fmt: skip
    return [
        row(name, of_cost(
            lambda z, cost=cost: getattr(combination, cost)(z, V, u, classes, active),
            lambda z, gradient=gradient: getattr(combination, gradient)(z, V, u, classes, active),
        ), Z)
        for name, (cost, gradient) in names.items()
    ]  # fmt: skip


def table() -> list[Row]:
    """All of them."""
    RNG.bit_generator.state = DRAWN
    return [*costs(), *parts(), *networks(), *combinations()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--record", type=Path, help="write the table as JSON")
    arguments = parser.parse_args()
    rows = table()
    for each in rows:
        print(f"{each.name:55} {each.error:.0e}  {each.by}")
    if arguments.record:
        measured.write(arguments.record, [asdict(each) for each in rows])
    return int(max(each.error for each in rows) > 1e-11)


if __name__ == "__main__":
    sys.exit(main())
