"""What one argument may be: a number, an array, text, in whatever holds it.

Each check returns its argument in the form that a function will use: a plain number for a NumPy
scalar, a NumPy array for a list or for a tensor of PyTorch. An argument that cannot be used raises
a `ValueError` of one line: the argument's name, what came, and what was expected. What several
arguments require of each other is in :mod:`minikd.checks`; arrays are in :mod:`minikd.arrays`.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from minikd.backend import to_host

Checked = TypeVar("Checked")


def shown(value: Any) -> str:
    """What came, in a few words on one line."""
    if isinstance(value, np.ndarray) and value.ndim:
        masked = "a masked" if isinstance(value, np.ma.MaskedArray) else "an"
        return f"{masked} array of shape {value.shape} and dtype {value.dtype}"
    if isinstance(value, int) and abs(value) > 10**30:
        return f"{'-' * (value < 0)}10**{math.log10(abs(value)):.0f}"
    if callable(value) and hasattr(value, "__name__"):
        kind = "class" if isinstance(value, type) else "function"
        return f"the {kind} {value.__name__}"
    try:
        said = " ".join(repr(value).split())
    except ValueError:  # Python writes out no integer of more than 4300 digits
        said = f"a {type(value).__name__}"
    return said if len(said) <= 80 else f"{said[:60]}… ({type(value).__name__})"


def refused(name: str, value: Any, expected: str) -> ValueError:
    """The error for an argument that cannot be used."""
    return ValueError(f"{name} is {shown(value)}; expected {expected}")


# ---------------------------------------------------------------- numbers


def plain(value: Any) -> Any:
    """A Python number for a number of any library; anything else as it is."""
    if type(value) in (int, float, bool, str):
        return value
    if tuple(getattr(value, "shape", (0,))) == () and not isinstance(value, np.ma.MaskedArray):
        try:
            value = to_host(value)[()]
        except (TypeError, ValueError, RuntimeError):  # no number: the caller says so
            return value
    if isinstance(value, np.generic):
        value = float(value) if isinstance(value, np.floating) else value.item()
    return value


def for_json(value: Any) -> Any:
    """Numbers and arrays of NumPy in a form that JSON knows."""
    if not hasattr(value, "tolist"):
        raise TypeError(f"{shown(value)} is neither a number nor text, nor an array of them")
    return value.tolist()


def is_number(value: Any) -> bool:
    """Whether a plain value is a real number that a float can hold; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return isinstance(value, float) or abs(value) < 10**300


def is_scalar(value: Any) -> bool:
    """Whether a value is meant as one number, a right one or not."""
    return isinstance(plain(value), numbers.Number)


def number(name: str, value: Any, expected: str, fits: Callable[[float], bool]) -> float:
    """A finite number that ``fits``; ``expected`` says it in words."""
    given = plain(value)
    if not is_number(given) or not math.isfinite(given) or not fits(given):
        raise refused(name, value, expected)
    return float(given)


def whole(
    name: str, value: Any, least: int = 0, most: int | None = None, what: str = "an integer"
) -> int:
    """An integer from ``least`` to ``most``; 5.0 and NumPy's numbers will do."""
    given = plain(value)
    good = is_number(given) and math.isfinite(given) and given == int(given)
    if not good or given < least or (most is not None and given > most):
        expected = f"{what} ≥ {least}" if most is None else f"{least} … {most}, {what}"
        raise refused(name, value, expected)
    return int(given)


def finite(name: str, value: Any) -> float:
    """A finite number."""
    return number(name, value, "a finite number", lambda x: True)


def positive(name: str, value: Any) -> float:
    """A finite number above 0."""
    return number(name, value, "a positive, finite number", lambda x: x > 0)


def weight(name: str, value: Any) -> float:
    """A finite number that is not negative."""
    return number(name, value, "a weight ≥ 0", lambda x: x >= 0)


def share(name: str, value: Any) -> float:
    """A number from 0 up to, but not including, 1."""
    return number(name, value, f"0 ≤ {name} < 1", lambda x: 0 <= x < 1)


def between(name: str, value: Any) -> float:
    """A number between 0 and 1, but neither."""
    return number(name, value, f"0 < {name} < 1", lambda x: 0 < x < 1)


def length(name: str, value: Any) -> float:
    """A positive length whose square does not overflow in float32."""
    return number(name, value, "a length between 0 and 1e18", lambda x: 0 < x < 1e18)


def wholes(name: str, value: Any, least: int = 0, most: int | None = None) -> list[int]:
    """Integers in any sequence or array, or one alone."""
    given = plain(value)
    if is_number(given):
        return [whole(name, given, least, most)]
    return [whole(name, each, least, most) for each in items(name, value, "integers")]


def items(name: str, value: Any, what: str) -> list[Any]:
    """What is in a list, tuple, range or 1-D array."""
    is_array = any(hasattr(value, name) for name in ("shape", "__array__", "__dlpack__"))
    if is_array and not isinstance(value, (np.ma.MaskedArray, type)):
        found = to_host(value)
        if found.ndim == 1 and found.dtype.kind in "iuf":
            return found.tolist()  # type: ignore[no-any-return]
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return list(value)
    raise refused(name, value, f"a sequence of {what}")


def each(
    name: str, value: Any, what: str, check: Callable[[str, Any], Checked]
) -> tuple[Checked, ...]:
    """A tuple of what ``check`` makes of all in a sequence."""
    try:
        return tuple(check(name, one) for one in items(name, value, what))
    except ValueError:
        raise refused(name, value, f"a sequence of {what}") from None


def positive_rates(name: str, value: Any) -> float | tuple[float, ...]:
    """One positive number, or a tuple with one for each member of a stack."""
    if is_number(plain(value)):
        return positive(name, value)
    try:
        rates = each(name, value, "positive numbers", positive)
    except ValueError:
        rates = ()
    if not rates:
        raise refused(name, value, "a positive, finite number, or a sequence of them")
    return rates  # plain numbers, so that recipes compare and go into records


def dropout_rates(value: Any) -> tuple[float, ...]:
    """One rate for each linear layer, each from 0 up to, but not including, 1."""
    if is_number(plain(value)):
        raise refused("dropout", value, "a sequence: a rate for each linear layer")
    return each("dropout", value, "rates 0 ≤ rate < 1, one for each linear layer", share)


def soft_and_hard(hard_weight: Any, alpha: Any, has_labels: bool) -> tuple[float, float]:
    """The weights of soft and hard targets; where that of the hard ones is not 0, there are labels."""
    hard_weight = weight("hard_weight", hard_weight)
    if alpha is None:
        given, soft, hard = f"hard_weight is {hard_weight}", 1.0, hard_weight
    elif hard_weight:
        raise ValueError(
            f"hard_weight is {hard_weight} and alpha {shown(alpha)}; expected one of them: with "
            "alpha, the hard targets have weight 1 - alpha"
        )
    else:
        soft = number("alpha", alpha, "a number from 0 to 1", lambda x: 0 <= x <= 1)
        given, hard = f"alpha is {alpha}", 1 - soft
    if hard > 0 and not has_labels:
        instead = "set it to 0" if alpha is None else "set it to 1"
        raise ValueError(f"{given} but there are no labels; give y, or {instead}")
    return soft, hard


def some_classes(classes: Any, N: int) -> Any:
    """Which of N classes are named, one alone or in a sequence or array: bool, shape (N,)."""
    if isinstance(classes, (set, frozenset)):
        classes = list(classes)
    try:
        named = wholes("classes", classes, 0, N - 1)
    except ValueError:
        raise refused(
            "classes",
            classes,
            f"classes from 0 to {N - 1}, like [7, 8], for z with {N} of them",
        ) from None
    return np.isin(np.arange(N), named)


def as_seed(rng: Any, name: str = "rng") -> int:
    """An integer seed: the integer itself, or one drawn from a Generator.

    Raises
    ------
    ValueError
        If it is neither, or negative.
    """
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**63))
    seed = plain(rng)
    if isinstance(seed, float) and seed.is_integer():
        seed = int(seed)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise refused(name, rng, "an integer ≥ 0 or a numpy Generator")
    return seed


# ---------------------------------------------------------------- everything else


def choice(name: str, value: Any, choices: Iterable[str]) -> str:
    """One of some words."""
    known = list(choices)
    if not isinstance(value, str) or value not in known:
        raise refused(
            name, value, " or ".join([", ".join(map(repr, known[:-1])), repr(known[-1])])
        )
    return value


def known(name: str, value: Any, mapping: Mapping[str, Any]) -> Any:
    """What a mapping holds under a name."""
    if not isinstance(value, str) or value not in mapping:
        raise refused(name, value, f"one of {', '.join(map(str, mapping))}")
    return mapping[value]


def flag(name: str, value: Any) -> bool:
    """True or False, not something that is merely true."""
    given = plain(value)
    if not isinstance(given, bool):
        raise refused(name, value, "True or False")
    return given


def title(name: str, value: Any) -> str | None:
    """A title of a progress bar, or None for no bar."""
    return None if value is None else text(name, value, "a title, or None for no progress bar")


def text(name: str, value: Any, expected: str = "text") -> str:
    """Text."""
    if not isinstance(value, str):
        raise refused(name, value, expected)
    return value


def path(name: str, value: Any) -> Path:
    """A path, as text or as an object."""
    if not isinstance(value, (str, PathLike)) or not str(value) or "\0" in str(value):
        raise refused(name, value, "a path")
    return Path(value)


def function(name: str, value: Any, expected: str = "a function") -> Any:
    """Something that can be called."""
    if not callable(value) or isinstance(value, type):
        raise refused(name, value, expected)
    return value


def able(name: str, value: Any, method: str, expected: str) -> None:
    """An object with a method, such as axes that can ``plot``."""
    if not callable(getattr(value, method, None)) or isinstance(value, type):
        raise refused(name, value, expected)


def generator(name: str, value: Any) -> None:
    """A generator of random numbers, of NumPy or CuPy."""
    able(name, value, "integers", "a numpy Generator, like numpy.random.default_rng(0)")


def mapping(
    name: str, value: Any, keys: Iterable[str] = (), expected: str = "a mapping"
) -> None:
    """A mapping that has some keys."""
    instance(name, value, (Mapping,), expected)
    missing = [key for key in keys if key not in value]
    if missing:
        raise ValueError(f"{name} has no {', '.join(missing)}; expected {expected}")


def there(name: str, value: Any, expected: str, folder: bool = False) -> Path:
    """The path of a file that is there, or of a folder."""
    checked = path(name, value)
    if not checked.exists():
        raise FileNotFoundError(f"{name}: {checked} is not there; expected {expected}")
    if checked.is_dir() != folder:
        kind = "file" if folder else "folder"
        raise ValueError(f"{name}: {checked} is a {kind}; expected {expected}")
    if checked.is_char_device() or checked.is_block_device():
        raise ValueError(
            f"{name}: {checked} is a device, which may never end; expected {expected}"
        )
    return checked


def caches(name: str, value: Any, layers: int) -> Any:
    """What the forward pass of a network kept for its backward pass, layer by layer."""
    if (
        not isinstance(value, (list, tuple))
        or len(value) != layers
        or not all(isinstance(part, tuple) and len(part) == 3 for part in value)
    ):
        raise refused(
            name, value, f"the caches that forward gave, one for each of {layers} layers"
        )
    return value


def cache(name: str, value: Any, parts: int, maker: str) -> Any:
    """What a forward pass kept for its backward pass."""
    if not isinstance(value, (tuple, list)) or len(value) != parts:
        raise refused(name, value, f"the cache that {maker} gave")
    if not all(hasattr(part, "shape") for part in value):
        raise refused(name, value, f"the cache that {maker} gave")
    return value


def instance(name: str, value: Any, kinds: tuple[type, ...], hint: str) -> None:
    """An object of some class; ``hint`` says how to make one."""
    if not isinstance(value, kinds):
        raise refused(name, value, hint)


def rates_fit(rates: Any, rngs: Any, layers: int, members: int) -> None:
    """A dropout rate for each linear layer, and a generator for each member."""
    for name, given, expected in (("rates", rates, layers), ("rngs", rngs, members)):
        if not isinstance(given, (list, tuple)) or len(given) != expected:
            raise refused(name, given, f"a list of {expected}")
    each("rates", rates, "rates 0 ≤ rate < 1", share)
    for rng in rngs:
        generator("rngs", rng)
