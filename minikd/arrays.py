"""What an array may be, in whatever holds it: a list, a tensor of PyTorch, an array on a GPU.

As in :mod:`minikd.values`, a check returns its argument in the form that a function will use.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikd import values
from minikd.backend import is_native, namespace, on_host, to_host

# ---------------------------------------------------------------- on the host

_KINDS = {"number": "iuf", "whole": "iu", "yes or no": "b", "0 or 1": "biu"}
_WORDS = {"number": "numbers", "whole": "integers", "yes or no": "True or False",
          "0 or 1": "True or False"}  # fmt: skip


def held(name: str, value: Any, what: str = "numbers") -> Any:
    """What an array, a tensor, or a list holds, as a NumPy array on the host."""
    inside = isinstance(value, (list, tuple)) and any(
        isinstance(v, np.ma.MaskedArray) for v in value
    )
    if isinstance(value, np.ma.MaskedArray) or inside:
        raise ValueError(
            f"{name} is a masked array; expected plain {what}: drop the masked cases, or fill them"
        )
    if value is None or callable(value) or isinstance(value, (str, bytes, dict, set, bool)):
        raise values.refused(name, value, f"an array of {what}")
    try:
        array = to_host(value)
    except Exception as error:
        cause = str(error).partition("\n")[0]
        if "inhomogeneous" in cause:
            cause = "its rows have different lengths"
        raise ValueError(
            f"{name} cannot be read as an array ({cause}); expected an array of {what}"
        ) from error
    if array.dtype == object and array.ndim == 0:  # NumPy makes an array of anything
        raise values.refused(name, value, f"an array of {what}")
    return floating(np.asarray(array))


def array(
    name: str, value: Any, shape: str | None = None, *, kind: str = "number",
    dtype: Any = None, nan: bool = False,
) -> Any:  # fmt: skip
    """An array on the host, of the right kind and shape, without NaN or infinity.

    Parameters
    ----------
    name, value
    shape : str, optional
        In words: ``"(n, N)"``, ``"(..., N)"``, or with numbers for axes that are known,
        ``"(5, N)"``. An axis called N, S or C is not empty.
    kind : {"number", "whole", "yes or no", "0 or 1"}
    dtype : dtype, optional
        Of the result; by default, what the array has.
    nan : bool
        NaN and infinity may be in it.
    """
    expected = f"{_WORDS[kind]} {shape}" if shape else _WORDS[kind]
    found = held(name, value)
    if found.dtype.kind not in _KINDS[kind] and (found.size or found.dtype.kind != "f"):
        raise ValueError(f"{name} has dtype {found.dtype}; expected {expected}")
    if shape is not None and not fits(found.shape, shape):
        raise ValueError(f"{name} has shape {found.shape}; expected {shape}")
    if dtype is not None:
        with np.errstate(over="ignore"):  # what is too large for it becomes infinity
            found = found.astype(dtype, copy=False)
    if not nan and found.dtype.kind == "f" and not np.isfinite(found).all():
        raise ValueError(f"{name} holds NaN or infinity; expected finite numbers")
    return found


def floating(found: Any) -> Any:
    """The same in float32 where NumPy does not know the type: bfloat16, float8."""
    extended = found.dtype.kind == "V" and str(found.dtype).startswith(("bfloat", "float"))
    return found.astype(np.float32) if extended else found


def fits(shape: Sequence[int], words: str) -> bool:
    """Whether a shape is the one that ``words`` say."""
    axes = [axis for axis in words.strip("()").replace(" ", "").split(",") if axis]
    if axes[:1] == ["..."]:
        axes = axes[1:]
        shape = shape[len(shape) - len(axes) :] if len(shape) >= len(axes) else ()
    return len(shape) == len(axes) and all(
        (n == int(axis)) if axis.isdigit() else (n > 0 or axis not in "NSC")
        for n, axis in zip(shape, axes, strict=True)
    )


# ---------------------------------------------------------------- arrays where they are


def floats(name: str, x: Any, what: str = "numbers") -> Any:
    """An array of floating-point numbers, on the device where it is; NaN may be in it."""
    if type(x) is np.ndarray and x.dtype.kind in "fc" and x.ndim:
        return x
    if not is_native(x) or isinstance(x, (np.ndarray, np.generic)):
        x = held(name, x, what)
    xp = namespace(x)
    if xp.isdtype(x.dtype, "integral"):
        x = xp.astype(x, xp.float64)
    if not xp.isdtype(x.dtype, ("real floating", "complex floating")):
        raise ValueError(f"{name} has dtype {x.dtype}; expected {what} of a real type")
    if x.ndim == 0:
        raise ValueError(f"{name} has shape (); expected {what} (..., N)")
    return x


def like(name: str, x: Any, shape: tuple[int, ...], members: Any = ()) -> Any:
    """An array of floating-point numbers of the shape that a forward pass gave."""
    x, expected = floats(name, x), (*members, *shape)
    if tuple(x.shape) != expected:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected {expected}")
    return x


def inputs(x: Any, expected: int) -> Any:
    """Inputs of a network, (n, in) or (E, n, in), on the device where they are."""
    if not is_native(x) or isinstance(x, (np.generic, np.matrix, np.ma.MaskedArray)):
        x = array("x", x, nan=True)
    xp = namespace(x)
    if not xp.isdtype(x.dtype, ("real floating", "integral")):
        raise ValueError(f"x has dtype {x.dtype}; expected numbers")
    if x.ndim < 2 or x.shape[-1] != expected:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (cases, {expected})")
    if x.shape[-2] == 0:
        raise ValueError("x holds no cases; expected at least one")
    if on_host(x) and x.dtype == xp.uint8 and xp.max(x) > 1:
        raise ValueError(
            f"x holds bytes up to {int(xp.max(x))}; expected pixels from 0 (background) to 1 (ink), as "
            "in training: divide them by 255"
        )
    if on_host(x) and xp.isdtype(x.dtype, "real floating") and not xp.all(xp.isfinite(x)):
        raise ValueError("x holds NaN or infinity; expected finite inputs")
    return x


def not_probabilities(v: Any) -> None:
    """Not every row is ≥ 0 and adds up to 1: then v would hold probabilities, or one-hot labels."""
    # A row of a thousand half-precision probabilities may be off by a hundredth.
    if v.size and (v >= 0).all() and (np.abs(v.sum(-1, dtype=float) - 1) < 1e-2).all():
        raise ValueError(
            "v holds probabilities (every row is ≥ 0 and adds up to 1); expected logits: give their "
            "logarithm, np.log(v) where v > 0, or insist=True if they are logits all the same"
        )
