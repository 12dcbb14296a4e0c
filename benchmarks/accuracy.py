"""How many digits of each equation are right, at every temperature.

``python benchmarks/accuracy.py`` computes every function of :mod:`minikd.equations` in float64 and
float32, and in eight hundred digits with mpmath, for logits of many kinds and temperatures from
1e-6 to 1e6. It keeps the worst errors in ``results/benchmarks/accuracy.json`` and writes them into
``docs/accuracy.md``. An error is relative to the largest entry of its case: one class may be as near
to 0 as chance has it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from minikd import equations, plain
from minikd.checkpoint import write_atomically

try:
    import mpmath as mp
except ImportError:  # what reads the record needs no digits
    mp = None

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "results" / "benchmarks" / "accuracy.json"
PAGE = ROOT / "docs" / "accuracy.md"
TEMPERATURES = tuple(10.0**k for k in range(-6, 7))
LABEL, CLASSES = 3, 10
GOALS = {"float64": 1e-12, "float32": 1e-5}


# ---------------------------------------------------------------- the functions, in many digits


def _softmax(z: Any, T: Any) -> Any:
    e = [mp.exp((x - max(z)) / T) for x in z]
    return [x / mp.fsum(e) for x in e]


def _log_softmax(z: Any, T: Any) -> Any:
    total = mp.log(mp.fsum(mp.exp((x - max(z)) / T) for x in z))
    return [(x - max(z)) / T - total for x in z]


def _dot(a: Any, b: Any) -> Any:
    return mp.fsum(x * y for x, y in zip(a, b, strict=True))


def _minus(a: Any, b: Any) -> Any:
    return [x - y for x, y in zip(a, b, strict=True)]


def _terms_of_temperature_gradient(z: Any, v: Any, T: Any) -> Any:
    p, away = _softmax(v, T), _minus(_softmax(z, T), _softmax(v, T))
    z0, v0 = ([x - _dot(p, a) for x in a] for a in (z, v))
    return [
        mp.fsum(a * b * c for a, b, c in zip(p, z0, v0, strict=True)) / T**3,
        -_dot(away, z) / T**2,
    ]


def _eq_3(z: Any, v: Any, T: Any) -> Any:
    q, p = ([(1 + x / T) / (len(a) + mp.fsum(a) / T) for x in a] for a in (z, v))
    return [x / T for x in _minus(q, p)]


def _soft_target_gradient(z: Any, v: Any, T: Any) -> Any:
    return [x / T for x in _minus(_softmax(z, T), _softmax(v, T))]


def _hard_target_gradient(z: Any, v: Any, T: Any) -> Any:
    return [q - (i == LABEL) for i, q in enumerate(_softmax(z, mp.mpf(1)))]


def _distillation_gradient(z: Any, v: Any, T: Any) -> Any:
    soft, hard = _soft_target_gradient(z, v, T), _hard_target_gradient(z, v, T)
    return [T**2 * s + h / 2 for s, h in zip(soft, hard, strict=True)]


EXACT: dict[str, Callable[[Any, Any, Any], Any]] = {
    "softmax": lambda z, v, T: _softmax(z, T),
    "log_softmax": lambda z, v, T: _log_softmax(z, T),
    "entropy": lambda z, v, T: [-_dot(_softmax(z, T), _log_softmax(z, T))],
    "softmax_difference": lambda z, v, T: _minus(_softmax(z, T), _softmax(v, T)),
    "kl_divergence": lambda z, v, T: [
        _dot(_softmax(v, T), _minus(_log_softmax(v, T), _log_softmax(z, T)))
    ],
    "soft_target_cost": lambda z, v, T: [-_dot(_softmax(v, T), _log_softmax(z, T))],
    "soft_target_gradient": _soft_target_gradient,
    "temperature_gradient": lambda z, v, T: [mp.fsum(_terms_of_temperature_gradient(z, v, T))],
    "high_temperature_gradient": _eq_3,
    "zero_mean_gradient": lambda z, v, T: [x / (len(z) * T**2) for x in _minus(z, v)],
    "logit_matching_cost": lambda z, v, T: [mp.fsum(x**2 for x in _minus(z, v)) / 2],
    "logit_matching_gradient": lambda z, v, T: _minus(z, v),
    "hard_target_cost": lambda z, v, T: [-_log_softmax(z, mp.mpf(1))[LABEL]],
    "hard_target_gradient": _hard_target_gradient,
    "distillation_gradient": _distillation_gradient,
}

# By which power of T a difference of probabilities is divided in the end.
DIVIDED = {"soft_target_gradient": 1, "temperature_gradient": 3}
# Two terms that may cancel: where they do, no number of digits is enough for the sum.
SIZES = {"temperature_gradient": _terms_of_temperature_gradient}


# ---------------------------------------------------------------- in minikd, and in a textbook's form


def computed(name: str, z: Any, v: Any, T: Any) -> Any:
    """A function of minikd.equations, of one case."""
    f, y = getattr(equations, name), np.array([LABEL])
    if name in ("softmax", "log_softmax", "entropy"):
        return f(z[None], T)[0]
    if name.startswith("hard"):
        return f(z[None], y)[0]
    if name.startswith("logit"):
        return f(z[None], v[None])[0]
    if name == "distillation_gradient":
        return f(z[None], v[None], y, T, hard_weight=0.5)[0]
    return f(z[None], v[None], T)[0]


def textbook(name: str, z: Any, v: Any, T: Any) -> Any:
    """The formula as it stands in the paper, with minikd.plain; None where it is the same."""
    z, v = z[None], v[None]
    q, p, y = plain.softmax(z, T), plain.softmax(v, T), np.array([LABEL])
    forms = {
        "log_softmax": lambda: np.log(q),
        "entropy": lambda: -(q * np.log(q)).sum(-1),
        "softmax_difference": lambda: q - p,
        "kl_divergence": lambda: (p * (np.log(p) - np.log(q))).sum(-1),
        "soft_target_cost": lambda: -(p * np.log(q)).sum(-1),
        "soft_target_gradient": lambda: (q - p) / T,
        "hard_target_cost": lambda: plain.hard_cost(z, y),
        "hard_target_gradient": lambda: plain.hard_gradient(z, y),
        "high_temperature_gradient": lambda: (_approximate(z, T) - _approximate(v, T)) / T,
        "distillation_gradient": lambda: T * (q - p) + plain.hard_gradient(z, y) / 2,
    }
    return forms[name]()[0] if name in forms else None


def _approximate(z: Any, T: Any) -> Any:
    return (1 + z / T) / (z.shape[-1] + (z / T).sum(-1, keepdims=True))


# ---------------------------------------------------------------- logits, and errors


def cases(
    dtype: Any, draws: int, temperatures: Any = TEMPERATURES
) -> Iterator[tuple[str, Any, Any, Any]]:
    """Kinds of student's and teacher's logits, at each temperature."""
    rng = np.random.default_rng(2015)
    for T in map(dtype, temperatures):
        for size in (1.0, 10.0):
            for _ in range(draws):
                v, noise = rng.normal(0, size, CLASSES).astype(dtype), rng.normal(size=CLASSES)
                sure = v + np.where(np.arange(CLASSES) == LABEL, 40, 0).astype(dtype)
                up = np.where(noise > 0, np.inf, -np.inf).astype(dtype)
                yield "independent", rng.normal(0, size, CLASSES).astype(dtype), v, T
                yield "0.01 apart", (v + 0.01 * noise).astype(dtype), v, T
                yield "1e-6 apart", (v + 1e-6 * noise).astype(dtype), v, T
                yield "one ulp apart", np.nextafter(v, up), v, T
                yield (
                    "equal but for a constant",
                    v + dtype(1),
                    v + (0.1 * noise).astype(dtype),
                    T,
                )
                yield "sure of the answer", sure, v, T


def error(name: str, how: Callable[..., Any], z: Any, v: Any, T: Any) -> float | None:
    """The error of one case; None if it is too small for its type to have full precision."""
    with np.errstate(all="ignore"):
        got = how(name, z, v, T)
    if got is None:
        return None
    many = *([mp.mpf(float(x)) for x in a] for a in (z, v)), mp.mpf(float(T))
    exact = EXACT[name](*many)
    largest = max(abs(x) for x in SIZES.get(name, lambda *given: exact)(*many))
    # Before it was divided by T, too: a probability of few digits is no better for being divided.
    smallest = float(largest * min(1, float(T) ** DIVIDED.get(name, 0)))
    floats = np.finfo(z.dtype)
    if smallest < 1e4 * float(floats.tiny) or largest > float(floats.max):
        return None
    got = [float(x) for x in np.atleast_1d(got)]
    if not np.isfinite(got).all():
        return float("inf")
    return float(max(abs(mp.mpf(g) - x) for g, x in zip(got, exact, strict=True)) / largest)


def measure(draws: int, names: Any = EXACT, temperatures: Any = TEMPERATURES) -> dict[str, Any]:
    """The worst error of each function in each type, where it was, and that of the textbook's."""
    mp.mp.dps = 800
    found: dict[str, Any] = {}
    for name in names:
        if draws > 1:
            print(name, file=sys.stderr, flush=True)
        for dtype in (np.float64, np.float32):
            worst = {"error": 0.0, "T": 1.0, "kind": "", "textbook": None}
            for kind, z, v, T in cases(dtype, draws, temperatures):
                here = error(name, computed, z, v, T)
                if here is not None and here >= worst["error"]:
                    worst |= {"error": here, "T": float(f"{T:.1g}"), "kind": kind}
                old = error(name, textbook, z, v, T)
                if old is not None:
                    worst["textbook"] = max(worst["textbook"] or 0.0, min(old, 1e300))
            found.setdefault(name, {})[np.dtype(dtype).name] = worst
    return found


# ---------------------------------------------------------------- the page


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    return "all digits" if value >= 1 else f"{value:.0e}"


def table(record: dict[str, Any]) -> str:
    """The worst errors as a table."""
    lines = [
        "| function | float64 | where | textbook's form | float32 | where | textbook's form |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, found in record["functions"].items():
        cells = []
        for dtype in GOALS:
            worst = found[dtype]
            at = f"T = {worst['T']:g}, {worst['kind']}"
            cells += [
                _shown(worst["error"]),
                at if worst["error"] else "",
                _shown(worst["textbook"]),
            ]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def verdict(record: dict[str, Any]) -> str:
    """Whether the goals are reached."""
    said = []
    for dtype, goal in GOALS.items():
        name, worst = max(
            ((n, found[dtype]["error"]) for n, found in record["functions"].items()),
            key=lambda pair: pair[1],
        )
        reached = "reached" if worst <= goal else "missed"
        said.append(f"in {dtype} {worst:.0e} (`{name}`; goal {goal:.0e}, {reached})")
    return (
        f"The worst error of all is {' and '.join(said)}. {record['cases']} cases of {CLASSES} "
        f"classes for each function and type, with NumPy {record['versions']['numpy']}."
    )


def page(text: str, record: dict[str, Any]) -> str:
    """The page with the record between its markers."""
    for name, block in (("accuracy", table(record)), ("verdict", verdict(record))):
        begin, end = f"<!-- {name} -->\n", "<!-- end -->"
        before, found, rest = text.partition(begin)
        if not found or end not in rest:
            raise ValueError(f"{PAGE.name} has no <!-- {name} --> … <!-- end -->")
        text = f"{before}{begin}{block}\n{rest[rest.index(end) :]}"
    return text


def main() -> int:
    """Measure, and write record and page."""
    if mp is None:
        print("needs mpmath: pip install -e '.[bench]'", file=sys.stderr)
        return 1
    draws = 20
    record = {
        "versions": {name: metadata.version(name) for name in ("numpy", "mpmath")},
        "cases": sum(1 for _ in cases(np.float64, draws)), "functions": measure(draws),
    }  # fmt: skip
    write_atomically(RECORD, (json.dumps(record, indent=1) + "\n").encode())
    write_atomically(PAGE, page(PAGE.read_text(encoding="utf-8"), record).encode())
    print(table(record), verdict(record), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
