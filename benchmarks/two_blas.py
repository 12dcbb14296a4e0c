"""What a product of NumPy's own costs a training step, with and without the guard against it.

NumPy and SciPy bring a BLAS each. minikd's large products go to SciPy's; an objective may do one
with NumPy. ``python benchmarks/two_blas.py`` trains 784-800-800-10 in batches of 128, without and
with such an objective, with and without what :func:`minikd.threads.threads_for` does about it. All
take turns, and only ratios count: medians over the rounds, with the quartiles.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import minikd
from minikd.objectives import Objective, hard_targets
from minikd.threads import blas_threads, count_blas_threads

SIZES, BATCH = [784, 800, 800, 10], 128
# The largest slowdown that is accepted, beside the step and the product done one after the other.
GOAL = 1.3


def objective(side: int) -> Objective:
    """Hard targets; the gradient of each step also multiplies two matrices, if side is not 0."""
    targets = hard_targets()
    a = np.random.default_rng(0).standard_normal((side, side)).astype(np.float32)

    def gradient(z: Any, batch: Any) -> Any:
        if side:
            a @ a
        return targets.gradient(z, batch)

    return replace(targets, gradient=gradient)


@contextlib.contextmanager
def without_guard() -> Iterator[None]:
    """Both pools keep all threads while a network is trained."""
    module: Any = sys.modules["minikd.train"]
    guard = module.threads_for
    module.threads_for = lambda *_, **__: contextlib.nullcontext()
    try:
        yield
    finally:
        module.threads_for = guard


def seconds_of_a_step(data: minikd.Dataset, side: int) -> float:
    """Of a training run of one epoch, divided by its steps."""
    net = minikd.MLP(SIZES, rng=0)
    start = time.perf_counter()
    minikd.train(net, data, objective(side), minikd.Recipe(1, 0.001, batch=BATCH))
    return (time.perf_counter() - start) / (len(data) / BATCH)


def seconds_of_a_product(side: int, times: int) -> float:
    """On one thread."""
    a = np.random.default_rng(0).standard_normal((side, side)).astype(np.float32)
    with blas_threads(1):
        start = time.perf_counter()
        for _ in range(times):
            a @ a
        return (time.perf_counter() - start) / times


def measure(rounds: int, steps: int, side: int) -> dict[str, list[float]]:
    """Seconds of each kind in each round."""
    rng = np.random.default_rng(0)
    cases = steps * BATCH
    x = rng.random((cases, SIZES[0]), dtype=np.float32)
    data = minikd.Dataset(x, rng.integers(0, SIZES[-1], cases))
    kinds: dict[str, Callable[[], float]] = {
        "plain": lambda: seconds_of_a_step(data, 0),
        "guarded": lambda: seconds_of_a_step(data, side),
        "product": lambda: seconds_of_a_product(side, steps),
        "bare": lambda: seconds_of_a_step(data, side),
        "plain, bare": lambda: seconds_of_a_step(data, 0),
    }
    found: dict[str, list[float]] = {kind: [] for kind in kinds}
    for once in range(rounds + 1):
        for kind, seconds in kinds.items():
            with without_guard() if "bare" in kind else contextlib.nullcontext():
                took = seconds()
            if once:  # the first round warms up
                found[kind].append(took)
    return found


def row(what: str, ratios: list[float]) -> str:
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{what:58}  {middle:5.2f}  ({low:.2f} to {high:.2f})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=100, help="of a round")
    parser.add_argument("--side", type=int, default=512, help="of the objective's matrices")
    options = parser.parse_args()
    if options.rounds < 5:
        parser.error(f"--rounds is {options.rounds}; expected at least 5")
    found = measure(options.rounds, options.steps, options.side)
    together = [a + b for a, b in zip(found["plain"], found["product"], strict=True)]

    def beside(kind: str, others: list[float]) -> list[float]:
        return [a / b for a, b in zip(found[kind], others, strict=True)]

    print(
        f"A step of {'-'.join(map(str, SIZES))}, batch {BATCH}, {count_blas_threads()} threads; "
        f"a product of NumPy's of {options.side} × {options.side}; {options.rounds} rounds"
    )
    print(row("the product on one thread / the step", beside("product", found["plain"])))
    print(
        row(
            "step without the guard / with it, no product",
            beside("plain, bare", found["plain"]),
        )
    )
    print(row("with product, no guard / step + product", beside("bare", together)))
    guarded = beside("guarded", together)
    print(row("with product, guarded / step + product", guarded))
    if statistics.median(guarded) > GOAL:
        raise SystemExit(f"missed: at most {GOAL} was the goal")


if __name__ == "__main__":
    main()
