"""What public functions require of their arguments, in one place.

A check that converts its argument returns it in the form that the function will use: an array for
a list, a plain number for a NumPy scalar. An argument that cannot be used raises a `ValueError` of
one line: the argument's name, what came, and what was expected.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minikd.backend import Array, namespace, on_host, to_host
from minikd.labels import all_known, labels_fit, or_not_known

if TYPE_CHECKING:
    from minikd.data.dataset import Dataset
    from minikd.mixture import Mixture
    from minikd.mlp import MLP
    from minikd.objectives import Objective
    from minikd.train import Recipe

# ---------------------------------------------------------------- numbers


def whole(name: str, value: Any, least: int = 0) -> int:
    """An integer, at least ``least``; 5.0 and NumPy's numbers will do."""
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, complex)
    if not (number and np.isfinite(value) and value == int(value) and value >= least):
        raise ValueError(f"{name} is {value!r}; expected an integer ≥ {least}")
    return int(value)


def share(name: str, value: Any) -> float:
    """A number from 0 up to, but not including, 1."""
    if not 0 <= value < 1:
        raise ValueError(f"{name} is {value!r}; expected 0 ≤ {name} < 1")
    return float(value)


def length(name: str, value: Any) -> float:
    """A positive length whose square does not overflow in float32."""
    if not 0 < value < 1e18:
        raise ValueError(f"{name} is {value}; expected a length between 0 and 1e18, or None")
    return float(value)


def positive_rates(name: str, value: Any) -> float | tuple[float, ...]:
    """One positive number, or a tuple with one for each member of a stack."""
    rates = np.asarray(value, dtype=float)
    if rates.ndim > 1 or not rates.size or not (np.isfinite(rates) & (rates > 0)).all():
        raise ValueError(f"{name} is {value}; expected positive, finite numbers")
    # Plain numbers, so that recipes compare and go into records.
    return tuple(rates.tolist()) if rates.ndim else float(rates)


def dropout_rates(value: Any) -> tuple[float, ...]:
    """One rate for each linear layer, each from 0 up to, but not including, 1."""
    if not isinstance(value, Sequence):
        raise ValueError(f"dropout is {value}; expected a rate for each linear layer")
    if not all(0 <= rate < 1 for rate in value):
        raise ValueError(f"dropout is {value}; expected rates 0 ≤ rate < 1")
    return tuple(float(rate) for rate in value)


def weight(name: str, value: Any) -> float:
    """A finite number that is not negative."""
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name} is {value}; expected a weight ≥ 0")
    return float(value)


# ---------------------------------------------------------------- logits, temperatures, labels

_SMALLEST_T, _LARGEST_T = 1e-15, 1e15


def arguments(T: Array, **named: Array) -> tuple[Any, ...]:
    """What an equation begins with: the namespace, T, and the logits, checked.

    Parameters
    ----------
    T : float or array, shape (..., 1)
    **named : array, shape (..., N)
        Logits by their letters, z first; they broadcast.

    Returns
    -------
    xp, T, *logits
    """
    arrays = [logits(name, z) for name, z in named.items()]
    first, *others = arrays
    xp, shape = namespace(first), tuple(first.shape)
    if others and first.shape[-1] != others[0].shape[-1]:
        raise ValueError(
            f"z has {first.shape[-1]} classes and v {others[0].shape[-1]} "
            f"(shapes {shape} and {tuple(others[0].shape)}); expected the same number"
        )
    for v in others:
        shape = _broadcast("v", tuple(v.shape), shape)
    return xp, temperature(T, xp, first, shape), *arrays


def logits(name: str, z: Array) -> Array:
    """Finite logits, (..., N); lists and integers become float64, half precision float32.

    Logits that live on a GPU are not searched for NaN: looking would stall it.
    """
    if isinstance(z, np.ma.MaskedArray):
        raise ValueError(
            f"{name} is a masked array; expected plain logits: drop the masked cases, or fill them"
        )
    if not _is_array(z) or isinstance(z, np.matrix):
        z = np.asarray(z)
    xp = namespace(z)
    if not xp.isdtype(z.dtype, ("real floating", "complex floating")):
        z = xp.astype(z, xp.float64)
    if str(z.dtype) in ("float16", "bfloat16"):  # sums of theirs overflow, and T² does
        z = xp.astype(z, xp.float32)
    if z.ndim == 0 or z.shape[-1] < 2:
        single = z.ndim > 0 and z.shape[-1] == 1
        raise ValueError(
            f"{name} has shape {tuple(z.shape)}; expected logits (..., N), N ≥ 2"
            + (
                "; a single class has probability 1: for two classes use [0, z]"
                if single
                else ""
            )
        )
    if on_host(z) and not xp.all(xp.isfinite(z)):
        raise ValueError(f"{name} holds NaN or infinity; expected finite logits")
    return z


def temperature(T: Array, xp: Any, z: Array, shape: tuple[int, ...]) -> Array:
    """A positive number, or an array of them beside z whose last axis has length 1."""
    if not _is_array(T) and np.asarray(T).dtype.kind not in "iuf" and not isinstance(T, int):
        raise ValueError(f"T is {T!r}; expected a positive, finite temperature")
    if isinstance(T, (int, float, np.integer, np.floating)):
        # An integer may be too large for a float.
        T = math.inf if isinstance(T, int) and abs(T) > 10**300 else float(T)
        # Outside this range, z / T or T² can overflow or vanish in float32.
        if not _SMALLEST_T <= T <= _LARGEST_T:
            raise ValueError(
                f"T is {T}; expected a positive, finite temperature "
                f"({_SMALLEST_T:g} to {_LARGEST_T:g})"
            )
        return T
    if _is_array(T) and not namespace(T).isdtype(T.dtype, ("integral", "real floating")):
        raise ValueError(f"T has dtype {T.dtype}; expected positive, finite temperatures")
    T = beside(T, z, xp.real(z).dtype if xp.isdtype(z.dtype, "complex floating") else z.dtype)
    if T.ndim > 0 and T.shape[-1] != 1:
        raise ValueError(
            f"T has shape {tuple(T.shape)}; expected a number, or a last axis of length 1: "
            "one temperature for all classes of a case"
        )
    if on_host(T) and not xp.all((T >= _SMALLEST_T) & (T <= _LARGEST_T)):
        raise ValueError(
            "T holds values out of range; expected positive numbers, 1e-15 to 1e15"
        )
    _broadcast("T", tuple(T.shape), shape)
    return T


def labels(y: Array, z: Array) -> Array:
    """Integer labels beside z, one for each case, from 0 to N - 1, or -1 where none is known."""
    xp, N = namespace(z), z.shape[-1]
    y = beside(y, z)
    if not xp.isdtype(y.dtype, "integral"):
        raise ValueError(f"y has dtype {y.dtype}; expected integer labels")
    # A label per case; members of a stack may share them.
    cases = tuple(z.shape[z.ndim - 1 - y.ndim : -1])
    if y.ndim < min(z.ndim - 1, 1) or tuple(y.shape) != cases:
        raise ValueError(
            f"y has shape {tuple(y.shape)}; expected one label per case of z, {tuple(z.shape)}"
        )
    unsigned = xp.isdtype(y.dtype, "unsigned integer")
    if on_host(y) and not xp.all((unsigned or y >= -1) & (y < N)):
        raise ValueError(f"y holds labels outside 0 … {N - 1}; {or_not_known(y)}")
    # uint8 cannot count more than 256 classes.
    return xp.astype(y, xp.int32) if xp.iinfo(y.dtype).max < N - 1 else y


def weights(hard_weight: float, alpha: float | None, y: Array | None) -> tuple[float, float]:
    """The weights of soft and hard targets; where that of the hard ones is not 0, y is there."""
    hard_weight = weight("hard_weight", hard_weight)
    if alpha is None:
        given, soft, hard = f"hard_weight is {hard_weight}", 1.0, hard_weight
    elif hard_weight:
        raise ValueError(
            f"hard_weight is {hard_weight} and alpha {alpha}; expected one of them: with alpha, the "
            "hard targets have weight 1 - alpha"
        )
    else:
        if not (isinstance(alpha, (int, float, np.integer, np.floating)) and 0 <= alpha <= 1):
            raise ValueError(f"alpha is {alpha!r}; expected a number from 0 to 1")
        given, soft, hard = f"alpha is {alpha}", float(alpha), 1 - float(alpha)
    if hard > 0 and y is None:
        instead = "set it to 0" if alpha is None else "set it to 1"
        raise ValueError(f"{given} but there are no labels; give y, or {instead}")
    return soft, hard


def beside(x: Any, z: Array, dtype: Any = None) -> Array:
    """``x`` as an array of the same library and on the same device as ``z``."""
    xp = namespace(z)
    if _is_array(x) and namespace(x) is xp:
        return x if dtype is None else xp.astype(x, dtype)
    return xp.asarray(np.asarray(x).tolist(), dtype=dtype, **device_of(z))


def device_of(z: Array) -> dict[str, Any]:
    """The keyword that puts an array on the device of ``z``; CuPy's functions have none."""
    return {"device": z.device} if on_host(z) else {}


def _is_array(x: Any) -> bool:
    return hasattr(x, "__array_namespace__") or hasattr(x, "__cuda_array_interface__")


def _broadcast(name: str, shape: tuple[int, ...], z_shape: tuple[int, ...]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(shape, z_shape)
    except ValueError:
        raise ValueError(
            f"{name} has shape {shape} and z {z_shape}; expected shapes that broadcast"
        ) from None


def answers(z: Array, y: Array) -> tuple[Any, Any]:
    """Logits (*E, n, N) and labels (n,) on the host, ready to be counted."""
    z, y = np.asarray(to_host(z)), np.asarray(to_host(y))
    if z.ndim < 2 or y.ndim != 1 or z.shape[-2] != len(y):
        raise ValueError(
            f"z has shape {z.shape} and y {y.shape}; expected (n, N) and (n,), a row per label"
        )
    if not np.isfinite(z).all():
        raise ValueError("z holds NaN or infinity; expected finite logits")
    N = z.shape[-1]
    if not np.issubdtype(y.dtype, np.integer) or not np.isin(y, np.arange(-1, N)).all():
        raise ValueError(f"y holds labels that are not integers from 0 to {N - 1}")
    all_known(y, "nothing can be counted there: take z[..., y >= 0, :] and y[y >= 0]")
    return z, y.astype(np.int64)  # N * y does not fit into a byte


# ---------------------------------------------------------------- data


def images(x: Any, shape: tuple[int, int]) -> None:
    """Finite pixels, (n, H * W)."""
    if not isinstance(x, np.ndarray) or x.ndim != 2 or x.shape[1] != math.prod(shape):
        raise ValueError(
            f"x has shape {np.shape(x)}; expected an array (n, {shape[0]} * {shape[1]})"
        )
    if not np.isfinite(x).all():
        raise ValueError("x holds NaN or infinity; expected finite pixels")


def labels_of_cases(y: Any, cases: int) -> None:
    """Integer labels ≥ 0, or -1 where none is known, (n,) or (E, n)."""
    right = y.ndim in (1, 2) and y.shape[-1] == cases and np.issubdtype(y.dtype, np.integer)
    if not right:
        raise ValueError(
            f"y has shape {y.shape} and dtype {y.dtype}; expected {cases} integer labels, "
            "-1 where none is known"
        )
    if y.size and y.min() < -1:
        raise ValueError(
            f"y holds the label {y.min()}; expected labels ≥ 0, or -1 where none is known"
        )


def logits_of_cases(v: Any, cases: int) -> None:
    """Finite logits, (*E, n, N)."""
    if v.ndim < 2 or v.shape[-2] != cases:
        raise ValueError(f"v has shape {v.shape}; expected ({cases}, classes)")
    if not np.isfinite(v).all():
        raise ValueError("v holds NaN or infinity; expected finite logits")


def not_probabilities(v: Any) -> None:
    """Not every row is ≥ 0 and adds up to 1: then v would hold probabilities, or one-hot labels."""
    v = np.asarray(to_host(v), dtype=float)
    # A row of a thousand half-precision probabilities may be off by a hundredth.
    if v.size and (v >= 0).all() and (np.abs(v.sum(-1) - 1) < 1e-2).all():
        raise ValueError(
            "v holds probabilities (every row is ≥ 0 and adds up to 1); expected logits: give their "
            "logarithm, np.log(v) where v > 0, or insist=True if they are logits all the same"
        )


def classes_of(y: Any, classes: Sequence[Any]) -> None:
    """Integer classes, each of which occurs among the labels, all of them known."""
    if y is None or y.ndim > 1:
        raise ValueError("this data has no labels to choose classes by; expected one per case")
    all_known(y, "their classes cannot be told: choose classes first and hide labels afterwards, "
              "or begin with data.take(data.labelled)")  # fmt: skip
    if not classes:
        raise ValueError("no classes were named; expected at least one, like without(3)")
    if not all(isinstance(c, (int, np.integer)) for c in classes):
        raise ValueError(f"classes is {classes}; expected integers, like without(3, 5)")
    unknown = sorted(set(classes) - set(np.unique(y).tolist()))
    if unknown:
        raise ValueError(f"no case has the label {', '.join(map(str, unknown))}")


# ---------------------------------------------------------------- a training run


def run_fits(
    net: MLP | Mixture, data: Dataset, objective: Objective, recipe: Recipe,
    special: float | None, step: str,
) -> None:  # fmt: skip
    """Network, data, objective and recipe of a training run fit together."""
    if step not in ("fast", "plain"):
        raise ValueError(f"step is {step!r}; expected 'fast' or 'plain'")
    if len(data) == 0:
        raise ValueError("data holds no cases; is the transfer set empty?")
    if data.x.shape[-1] != net.sizes[0]:
        raise ValueError(
            f"data has {data.x.shape[-1]} inputs per case; the network has {net.sizes[0]}"
        )
    _objective_fits(data, objective, net.sizes[-1])
    _dropout_fits(net, recipe)
    _members_fit(net, data, objective, recipe)
    if special is not None:
        _special_fits(data.y, net.sizes[-1], objective, min(recipe.batch, len(data)), special)
    steps = recipe.epochs * -(-len(data) // recipe.batch)
    if recipe.warm_up >= max(steps, 2):
        raise ValueError(
            f"warm_up is {recipe.warm_up} steps; the whole run has {steps}; use fewer"
        )


def _objective_fits(data: Dataset, objective: Objective, classes: int) -> None:
    if "v" in objective.needs:
        if data.v is None:
            raise ValueError(
                f"{objective.name} needs a teacher's logits; "
                "make the transfer set with data.with_logits(teacher(data.x))"
            )
        if data.v.shape[-1] != classes:
            raise ValueError(
                f"the teacher's logits have {data.v.shape[-1]} classes and the network {classes}"
            )
    if "y" in objective.needs:
        labels_fit(data.y, objective, classes)


def _dropout_fits(net: MLP | Mixture, recipe: Recipe) -> None:
    if not recipe.dropout:
        return
    if not net.drops:
        raise ValueError("a mixture of experts is trained without dropout; leave it out")
    if len(recipe.dropout) != len(net.sizes) - 1:
        raise ValueError(
            f"dropout has {len(recipe.dropout)} rates; expected {len(net.sizes) - 1}: "
            "one for the inputs and one for each hidden layer"
        )


def _members_fit(
    net: MLP | Mixture, data: Dataset, objective: Objective, recipe: Recipe
) -> None:
    used = {name: getattr(data, name) for name in objective.needs}
    for name, given in (
        ("learning_rate", np.shape(recipe.learning_rate)),
        ("T", objective.members),
        ("v", used["v"].shape[:-2] if used.get("v") is not None else ()),
        ("y", used["y"].shape[:-1] if used.get("y") is not None else ()),
    ):
        if given and given != net.members:
            raise ValueError(
                f"{name} has values for {given[0]} members; the network has "
                f"{net.members[0] if net.members else 'no member axis'}"
            )


def _special_fits(
    y: Any, classes: int, objective: Objective, batch: int, special: float
) -> None:
    if objective.needs != "y":
        raise ValueError(f"special needs hard targets; the objective is {objective.name}")
    all_known(y, "special cases are drawn by their labels: begin with data.take(data.labelled)")
    if not 0 < round(special * batch) < batch:
        raise ValueError(
            f"special is {special}: {round(special * batch)} of {batch} cases in each batch; "
            "expected at least one, and at least one from the dustbin"
        )
    both_kinds(y == classes - 1, f"in the dustbin, the class {classes - 1}")


def both_kinds(is_one: Any, what: str) -> None:
    """Each member, a row of (E, n) or all of (n,), has cases of a kind and others."""
    part = np.atleast_2d(is_one).mean(-1)
    for m in np.flatnonzero((part == 0) | (part == 1))[:1]:
        raise ValueError(
            f"member {m} has {'no' if part[m] == 0 else 'only'} cases {what}; expected both kinds"
        )
