"""What logits, temperatures, labels and data require of each other, in one place.

A check that converts its argument returns it in the form that the function will use. An argument
that cannot be used raises a `ValueError` of one line: the argument's name, what came, and what was
expected. One argument alone is checked in :mod:`minikd.values`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minikd import arrays, values
from minikd.backend import Array, is_native, namespace, on_host, to_host
from minikd.labels import all_known, or_not_known

if TYPE_CHECKING:
    pass

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
    checked = [logits(name, z) for name, z in named.items()]
    (first, *others), (letter, *letters) = checked, named
    xp, shape = namespace(first), tuple(first.shape)
    for name, v in zip(letters, others, strict=True):
        if first.shape[-1] != v.shape[-1]:
            raise ValueError(
                f"{letter} has {first.shape[-1]} classes and {name} {v.shape[-1]} "
                f"(shapes {shape} and {tuple(v.shape)}); expected the same number"
            )
        shape = broadcast(name, tuple(v.shape), letter, shape)
    others = [v if type(v) is type(first) else beside(v, first) for v in others]
    return xp, temperature(T, xp, first, shape), first, *others


def logits(name: str, z: Array) -> Array:
    """Finite logits, (..., N); lists and integers become float64, half precision float32.

    Logits that live on a GPU are not searched for NaN: looking would stall it.
    """
    # Most logits are these, in every step of a run; all others take longer to look at.
    if type(z) is not np.ndarray or z.dtype.char not in "fdFD":
        z = arrays.floats(name, z, "logits")
        if str(z.dtype) in ("float16", "bfloat16"):  # sums of theirs overflow, and T² does
            z = namespace(z).astype(z, namespace(z).float32)
    xp = namespace(z)
    if z.ndim == 0 or z.shape[-1] < 2:
        why = "; a single class has probability 1: for two classes use [0, z]"
        raise ValueError(
            f"{name} has shape {tuple(z.shape)}; expected logits (..., N), N ≥ 2"
            f"{why if z.ndim and z.shape[-1] == 1 else ''}"
        )
    if on_host(z) and not xp.all(xp.isfinite(z)):
        raise ValueError(f"{name} holds NaN or infinity; expected finite logits")
    return z


def temperature(T: Array, xp: Any, z: Array, shape: tuple[int, ...]) -> Array:
    """A positive number, or an array of them beside z whose last axis has length 1."""
    if type(T) is float and _SMALLEST_T <= T <= _LARGEST_T:  # in every step of a run
        return T
    if T is None or values.is_scalar(T):
        return one_temperature(T)
    if not is_native(T) or isinstance(T, (np.generic, np.matrix, np.ma.MaskedArray)):
        T = arrays.array("T", T, nan=True)
    if not namespace(T).isdtype(T.dtype, ("integral", "real floating")):
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
    broadcast("T", tuple(T.shape), "z", shape)
    return T


def one_temperature(T: Any, name: str = "T") -> float:
    """A positive number for which neither z / T nor T² overflows or vanishes in float32."""
    expected = f"a positive, finite temperature ({_SMALLEST_T:g} to {_LARGEST_T:g})"
    return values.number(name, T, expected, lambda T: _SMALLEST_T <= T <= _LARGEST_T)


def temperatures(T: Any) -> tuple[Any, Any]:
    """One temperature, and None; or one for each member of a stack, as (E, 1, 1), twice."""
    if T is None or values.is_scalar(T):
        return one_temperature(T), None
    if getattr(T, "ndim", 0) > 1:
        raise values.refused(
            "T", T, "one, or (E,), one per member; for cases, a function of the batch"
        )
    of_members = arrays.array("T", T, "(E,)", dtype=float)
    if not of_members.size:
        raise values.refused("T", T, "one positive temperature or more")
    for each in of_members.tolist():
        one_temperature(each)
    return of_members, of_members.reshape(-1, 1, 1)


def labels(y: Array, z: Array) -> Array:
    """Integer labels beside z, one for each case, from 0 to N - 1, or -1 where none is known."""
    xp, N = namespace(z), z.shape[-1]
    if type(y) is not np.ndarray and (
        not is_native(y) or isinstance(y, (np.generic, np.matrix, np.ma.MaskedArray))
    ):
        y = arrays.held("y", y, "integer labels")
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
        raise ValueError(
            f"y holds labels outside 0 … {N - 1}, the classes of z; {or_not_known(y)}"
        )
    # uint8 cannot count more than 256 classes.
    return xp.astype(y, xp.int32) if xp.iinfo(y.dtype).max < N - 1 else y


def beside(x: Any, z: Array, dtype: Any = None) -> Array:
    """``x`` as an array of the same library and on the same device as ``z``."""
    xp = namespace(z)
    if is_native(x) and namespace(x) is xp:
        return x if dtype is None else xp.astype(x, dtype)
    if xp is np:
        return np.asarray(to_host(x), dtype=dtype)
    return xp.asarray(to_host(x).tolist(), dtype=dtype, **device_of(z))


def device_of(z: Array) -> dict[str, Any]:
    """The keyword that puts an array on the device of ``z``; CuPy's functions have none."""
    return {"device": z.device} if on_host(z) else {}


def broadcast(
    name: str, shape: tuple[int, ...], letter: str, z_shape: tuple[int, ...]
) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(shape, z_shape)
    except ValueError:
        raise ValueError(
            f"{name} has shape {shape} and {letter} {z_shape}; expected shapes that broadcast"
        ) from None


def answers(z: Array, y: Array, shape: str = "(..., n, N)") -> tuple[Any, Any]:
    """Logits (*E, n, N) and labels (n,) on the host, ready to be counted."""
    z, y = arrays.array("z", z, nan=True), arrays.held("y", y, "integer labels")
    if z.ndim < 2 or y.ndim != 1 or z.shape[-2] != len(y) or not z.shape[-1]:
        raise ValueError(
            f"z has shape {z.shape} and y {y.shape}; expected (n, N) and (n,), a row per label"
        )
    if z.ndim > 2 and shape == "(n, N)":
        raise ValueError(f"z has shape {z.shape}; expected (n, N): one network at a time")
    if not np.isfinite(z).all():
        raise ValueError("z holds NaN or infinity; expected finite logits")
    N = z.shape[-1]
    if N < 2:
        raise ValueError(
            f"z has shape {z.shape}; expected two classes or more: [0, z] for one logit"
        )
    integers = np.issubdtype(y.dtype, np.integer) or not y.size
    if not integers or not np.isin(y, np.arange(-1, N)).all():
        raise ValueError(
            f"y holds labels that are not integers from 0 to {N - 1}, the classes of z"
        )
    all_known(y, "nothing can be counted there: take z[..., y >= 0, :] and y[y >= 0]")
    return z, y.astype(np.int64)  # N * y does not fit into a byte


# ---------------------------------------------------------------- data


def image_shape(shape: Any) -> tuple[int, int]:
    """Height and width of an image."""
    try:
        H, W = values.wholes("shape", shape, 1)
    except ValueError:
        raise values.refused(
            "shape", shape, "(H, W): an image has one value per pixel"
        ) from None
    return H, W


def images(x: Any, shape: tuple[int, int]) -> Any:
    """Finite pixels, (n, H * W)."""
    x = arrays.array("x", x, nan=True)
    if x.ndim != 2 or x.shape[1] != math.prod(shape):
        flat = ": flatten each image with x.reshape(len(x), -1)" if x.ndim > 2 else ""
        raise ValueError(
            f"x has shape {x.shape}; expected an array (n, {shape[0]} * {shape[1]}){flat}"
        )
    if not np.isfinite(x).all():
        raise ValueError("x holds NaN or infinity; expected finite pixels")
    if x.dtype.kind == "f":
        return x
    if x.size and (x.max() > 1 or x.min() < 0):
        raise ValueError(
            f"x holds integers from {x.min()} to {x.max()}; expected pixels from 0 (background) "
            "to 1 (ink): divide them by 255"
        )
    return x.astype(np.float32)


def labels_of_cases(y: Any, cases: int) -> None:
    """Integer labels ≥ 0, or -1 where none is known, (n,) or (E, n)."""
    right = y.ndim in (1, 2) and y.shape[-1] == cases and np.issubdtype(y.dtype, np.integer)
    if not right:
        raise ValueError(
            f"y has shape {y.shape} and dtype {y.dtype}; expected {cases} integer labels, one for "
            "each row of x, -1 where none is known"
        )
    if y.size and y.min() < -1:
        raise ValueError(
            f"y holds the label {y.min()}; expected labels ≥ 0, or -1 where none is known"
        )


def logits_of_cases(v: Any, cases: int) -> None:
    """Finite logits, (*E, n, N)."""
    v = arrays.array("v", v, nan=True)
    if v.ndim < 2 or v.shape[-2] != cases or not v.shape[-1]:
        raise ValueError(f"v has shape {v.shape}; expected ({cases}, classes)")
    if not np.isfinite(v).all():
        raise ValueError("v holds NaN or infinity; expected finite logits")


def classes_of(y: Any, classes: Sequence[Any]) -> list[int]:
    """Integer classes, one by one or in sequences; each occurs among the labels, all known."""
    if y is None or y.ndim > 1:
        raise ValueError(
            "this data has no labels to choose classes by; expected classes of data with one label "
            "per case"
        )
    all_known(y, "their classes cannot be told: choose classes first and hide labels afterwards, "
              "or begin with data.take(data.labelled)")  # fmt: skip
    try:
        several = [
            list(some) if isinstance(some, (set, frozenset)) else some for some in classes
        ]
        named = [c for some in several for c in values.wholes("classes", some)]
    except ValueError:
        raise values.refused("classes", classes, "integers, like without(3, 5)") from None
    if not named:
        raise ValueError("no classes were named; expected at least one, like without(3)")
    unknown = sorted(set(named) - set(np.unique(y).tolist()))
    if unknown:
        raise ValueError(
            f"no case has the label {', '.join(map(str, unknown))}; expected classes that are "
            "among the labels"
        )
    return named


def chosen_cases(chosen: Any, cases: int) -> Any:
    """Indices of cases, or a mask that says for each case whether it is chosen."""
    if isinstance(chosen, slice):
        return chosen
    found = arrays.held("chosen", chosen, "indices or True and False")
    if found.dtype.kind == "b":
        return arrays.array("chosen", found, f"({cases},)", kind="yes or no")
    found = arrays.array("chosen", found, "(n,)", kind="whole", dtype=np.int64)
    if found.size and not -cases <= found.min() <= found.max() < cases:
        raise ValueError(
            f"chosen holds indices from {found.min()} to {found.max()}; expected those of "
            f"{cases} cases"
        )
    return found


def both_kinds(is_one: Any, what: str) -> None:
    """Each member, a row of (E, n) or all of (n,), has cases of a kind and others."""
    part = np.atleast_2d(is_one).mean(-1)
    for m in np.flatnonzero((part == 0) | (part == 1))[:1]:
        raise ValueError(
            f"member {m} has {'no' if part[m] == 0 else 'only'} cases {what}; expected both kinds"
        )
