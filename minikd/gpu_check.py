"""Does minikd do on this GPU what it does on the CPU? ``python -m minikd.gpu_check`` asks.

Equations, the kernels that a step is made of, backprop, and a short training run are compared with
NumPy's, in float32 and in float64; what crosses between host and GPU is counted. It prints a line for
each, and writes one JSON record. It runs as it is on a machine that is rented by the hour or lent for
free: with CuPy installed, it needs nothing else, and takes about a minute.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minikd import equations, kernels, probabilities
from minikd.backend import Array, array_module, device_name, to_host
from minikd.checkpoint import write_atomically
from minikd.data import load_glyphs
from minikd.evaluate import errors
from minikd.experiments.record import environment
from minikd.folders import check_writable
from minikd.gradcheck import gradcheck
from minikd.mlp import MLP
from minikd.objectives import Batch, Objective, hard_targets, logit_matching, soft_targets
from minikd.train import Recipe, train

# The largest difference that the order of a sum and the last bit of an exponential explain.
TOLERANCE = {"float32": 2e-5, "float64": 1e-13}


@dataclass(frozen=True)
class Check:
    """What was compared, and what came of it.

    Attributes
    ----------
    name : str
    passed : bool
    found : str
        In a few words, with the largest difference.
    """

    name: str
    passed: bool
    found: str


def difference(given: Array, expected: Any) -> float:
    """The largest difference, in units of the largest expected value."""
    expected = np.asarray(expected, dtype=float)
    scale = np.abs(expected).max(initial=0.0) or 1.0
    return float(np.abs(to_host(given).astype(float) - expected).max(initial=0.0) / scale)


# ---------------------------------------------------------------- what is compared

_EQUATIONS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "softmax": lambda z, v, y: equations.softmax(z, 4.0),
    "log_softmax": lambda z, v, y: equations.log_softmax(z, 4.0),
    "entropy": lambda z, v, y: probabilities.entropy(z, 4.0),
    "kl_divergence": lambda z, v, y: probabilities.kl_divergence(z, v, 4.0),
    "softmax_difference": lambda z, v, y: probabilities.softmax_difference(z, v, 4.0),
    "soft_target_cost": lambda z, v, y: equations.soft_target_cost(z, v, 4.0),
    "soft_target_gradient": lambda z, v, y: equations.soft_target_gradient(z, v, 4.0),
    "temperature_gradient": lambda z, v, y: equations.temperature_gradient(z, v, 4.0),
    "high_temperature_gradient": lambda z, v, y: equations.high_temperature_gradient(z, v, 4.0),
    "zero_mean_gradient": lambda z, v, y: equations.zero_mean_gradient(z, v, 4.0),
    "logit_matching_cost": lambda z, v, y: equations.logit_matching_cost(z, v),
    "logit_matching_gradient": lambda z, v, y: equations.logit_matching_gradient(z, v),
    "hard_target_cost": lambda z, v, y: equations.hard_target_cost(z, y),
    "hard_target_gradient": lambda z, v, y: equations.hard_target_gradient(z, y),
    "distillation_cost": lambda z, v, y: equations.distillation_cost(z, v, y, T=4.0, hard_weight=0.5),
    "distillation_gradient": lambda z, v, y: equations.distillation_gradient(
        z, v, y, T=4.0, hard_weight=0.5
    ),
}  # fmt: skip


def check_equations(xp: Any) -> Iterator[Check]:
    """Every equation of the paper, on 64 cases of ten classes, against NumPy in float64."""
    rng = np.random.default_rng(0)
    z, v = rng.normal(0, 5, (2, 64, 10))
    y = rng.integers(0, 10, 64)
    for dtype, tolerance in TOLERANCE.items():
        z_, v_ = z.astype(dtype), v.astype(dtype)
        for name, equation in _EQUATIONS.items():
            given = equation(xp.asarray(z_), xp.asarray(v_), xp.asarray(y))
            off = difference(given, equation(z_.astype(float), v_.astype(float), y))
            same = str(given.dtype) == dtype
            kept = "" if same else f", and is {given.dtype}"
            yield Check(f"{name}, {dtype}", same and off < tolerance, f"off by {off:.0e}{kept}")


def check_kernels(xp: Any) -> Iterator[Check]:
    """The kernels that :mod:`minikd.fast` is made of: their dtype, and what they compute."""
    rng = np.random.default_rng(1)
    for dtype, tolerance in TOLERANCE.items():
        a, b, c = (rng.normal(size=(2, 40, 40)).astype(dtype) for _ in range(3))

        def added(xp: Any, a: Any = a, b: Any = b) -> Array:
            y = xp.asarray(a.copy())
            kernels.add_scaled(y, 0.9, xp.asarray(b))
            return y

        def passed(xp: Any, a: Any = a, b: Any = b) -> Array:
            d = xp.asarray(a.copy())
            kernels.pass_where_positive(d, xp.asarray(b))
            return d

        def product(xp: Any, a: Any = a, b: Any = b, c: Any = c) -> Array:
            return kernels.product(xp.asarray(a), xp.asarray(b), xp.asarray(c.copy()), keep=0.5)

        for name, of in (
            ("add_scaled", added), ("pass_where_positive", passed), ("product", product),
        ):  # fmt: skip
            given, expected = of(xp), of(np)
            off, same = difference(given, expected), given.dtype == expected.dtype
            kept = "" if same else f", and is {given.dtype}"
            yield Check(f"{name}, {dtype}", same and off < tolerance, f"off by {off:.0e}{kept}")


_OBJECTIVES: dict[str, Objective] = {
    "hard targets": hard_targets(), "soft targets": soft_targets(4.0, hard_weight=0.5),
    "logit matching": logit_matching(),
}  # fmt: skip


def check_gradients(xp: Any) -> Iterator[Check]:
    """Each objective's gradient on the GPU, against finite differences of its cost on the GPU."""
    rng = np.random.default_rng(2)
    z, v = rng.normal(0, 3, (2, 6, 10))
    y = rng.integers(0, 10, 6)
    for name, objective in _OBJECTIVES.items():
        batch = Batch(x=None, y=xp.asarray(y), v=xp.asarray(v))

        def cost(z: Any, of: Objective = objective, batch: Batch = batch) -> Any:
            return to_host(of.cost(xp.asarray(z), batch)).sum()

        def gradient(z: Any, of: Objective = objective, batch: Batch = batch) -> Any:
            return to_host(of.gradient(xp.asarray(z), batch))

        passed = gradcheck(cost, z, gradient=gradient, raise_exception=False)
        yield Check(f"gradient of {name}", bool(passed), "finite differences agree")


def check_training(device: str) -> Iterator[Check]:
    """Ten epochs on the bundled digits, on both: weights, costs and errors.

    Without dropout, whose masks each device draws from a generator of its own.
    """
    digits = load_glyphs(rng=0, train=2000, test=1000)
    data = digits.train.with_logits(np.random.default_rng(3).normal(0, 3, (2000, 10)))
    recipe = Recipe(10, 0.05, batch=100, warm_up=20, max_norm=2.0, jitter=2, subpixel=True)
    for name, objective in _OBJECTIVES.items():
        slower = recipe if name == "hard targets" else Recipe(10, 0.005, batch=100, jitter=2)
        nets = {
            where: MLP([784, 100, 100, 10], rng=[1, 2], device=where)
            for where in ("cpu", device)
        }
        costs = {
            where: train(net, data, objective, slower).costs for where, net in nets.items()
        }
        off = difference(np.array(costs[device]), costs["cpu"])
        counts = {
            where: errors(net(digits.test.x), digits.test.y) for where, net in nets.items()
        }
        apart = int(np.abs(counts["cpu"] - counts[device]).max())
        # Roundings grow from step to step; a wrong formula is off by far more.
        yield Check(
            f"training, {name}", off < 1e-3 and apart <= 20,
            f"costs off by {off:.0e}; errors of 1,000 test cases differ by {apart} at most",
        )  # fmt: skip


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """While inside, the arrays that minikd takes from the GPU are counted."""
    crossings: Counter[str] = Counter()

    def counting(x: Any) -> Any:
        crossings["to host"] += type(x).__module__.partition(".")[0] == "cupy"
        return to_host(x)

    users = [
        module for name, module in list(sys.modules.items())
        if name.startswith("minikd.") and getattr(module, "to_host", None) is to_host
        and name not in (__name__, "minikd.backend")
    ]  # fmt: skip
    for module in users:
        module.to_host = counting  # type: ignore[attr-defined]
    try:
        yield crossings
    finally:
        for module in users:
            module.to_host = to_host  # type: ignore[attr-defined]


def check_transfers(device: str) -> Iterator[Check]:
    """A training step takes nothing from the GPU: five times as many steps add next to none."""
    digits = load_glyphs(rng=0, train=1000, test=100)
    counts = []
    for batch in (100, 20):
        with counted() as crossings:
            train(
                MLP([784, 50, 10], rng=0, device=device), digits.train, hard_targets(),
                Recipe(2, 0.05, batch=batch, dropout=(0.0, 0.2)),
            )  # fmt: skip
        counts.append(crossings["to host"])
    yield Check(
        "transfers", counts[1] - counts[0] <= 4,
        f"{counts[0]} arrays in 20 steps, {counts[1]} in 100",
    )  # fmt: skip


def everything(device: str) -> Iterator[Check]:
    """All checks, one after another."""
    xp = array_module(device)
    yield from check_equations(xp)
    yield from check_kernels(xp)
    yield from check_gradients(xp)
    yield from check_training(device)
    yield from check_transfers(device)


# ---------------------------------------------------------------- how fast


def benchmarks(device: str) -> Any:
    """The table of ``benchmarks/run.py``, where minikd's repository is at hand; else why not."""
    script = Path(__file__).parents[1] / "benchmarks" / "run.py"
    if not script.exists():
        return "not measured: benchmarks/run.py is not in an installed minikd; clone the repository"
    into = Path("out/gpu-benchmarks.json")
    into.parent.mkdir(exist_ok=True)
    ended = subprocess.run(
        [sys.executable, str(script), "--device", device, "--json", str(into)],
        capture_output=True, text=True,
    )  # fmt: skip
    if ended.returncode:
        lines = ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"]
        return f"not measured: {lines[-1]}"
    return json.loads(into.read_text(encoding="utf-8"))


def main(argv: list[str] | None = None) -> int:
    """Run all checks; returns 1 if one of them fails."""
    parser = argparse.ArgumentParser(prog="python -m minikd.gpu_check", description=__doc__)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--json", type=Path, default=Path("out/gpu_check.json"), metavar="FILE")
    parser.add_argument(
        "--benchmarks", action="store_true", help="measure speed too: some minutes more"
    )
    arguments = parser.parse_args(argv)
    try:
        check_writable(arguments.json.parent, "the folder")
        xp = array_module(arguments.device)
    except (ValueError, OSError) as error:
        print(f"gpu_check: {error}", file=sys.stderr)
        return 2
    print(f"minikd on {device_name(xp)}")
    began, checks = time.monotonic(), []
    for check in everything(arguments.device):
        print(
            f"{'ok    ' if check.passed else 'FAILED'} {check.name}: {check.found}", flush=True
        )
        checks.append(check)
    failed = [check.name for check in checks if not check.passed]
    record = {
        **environment(xp), "seconds": round(time.monotonic() - began, 1),
        "checks": {check.name: {"passed": check.passed, "found": check.found} for check in checks},
        "benchmarks": benchmarks(arguments.device) if arguments.benchmarks else "not asked for",
    }  # fmt: skip
    write_atomically(arguments.json, (json.dumps(record, indent=1) + "\n").encode())
    print(f"{len(checks) - len(failed)} of {len(checks)} checks passed; wrote {arguments.json}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
