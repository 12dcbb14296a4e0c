"""Is a hand-written gradient the derivative of its function, and if not, what is the mistake?

:func:`gradcheck` works on any NumPy code. This file imports nothing of minikd: copy it into your
own tests. docs/gradcheck.md says how it works and what it cannot see.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import logging

__all__ = ["GradcheckError", "gradcheck"]

Array: TypeAlias = Any
Method = Literal["complex", "central", "direction"]

_ULP = 2.0**-52
# Up to this many elements in all inputs, each is moved by itself; beyond, a few random directions.
_ELEMENTS, _DIRECTIONS = 2000, 4
# Elements that are looked at closely: suspects, and kinks.
_MANY = 100
# A measured rounding error is allowed this many times.
_SAFETY = 20
# So small that no square of it is left, and no number is that near to 0.
_IMAGINARY = 1e-150
# The step of a difference of fourth order that balances its error, h⁴, and that of rounding, ulp / h.
_STEP = _ULP**0.2
_FORMS = (
    "expected func(*inputs) -> (out, backward), where backward(dout) returns the gradient on each "
    "input; or gradcheck(f, x, gradient=g), where f returns a number and g its gradient"
)


class GradcheckError(AssertionError):
    """A gradient is not the derivative, or the check could not tell."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Array | Sequence[Array],
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    *,
    gradient: Callable[..., Any] | None = None,
    method: Method = "complex",
    jacobian: bool = False,
    raise_exception: bool = True,
    rng: int = 0,
) -> bool:
    """Compare hand-written gradients with derivatives computed from the function alone.

    Parameters
    ----------
    func : callable
        ``func(*inputs)`` returns ``(out, backward)``: the value, of any shape, and a function
        that turns a gradient on ``out`` into the gradient on each input (one array, or a tuple,
        with None for an input without a gradient). With several outputs, ``out`` is a tuple, and
        ``backward`` takes a gradient for each. Must be deterministic: draw dropout masks outside.
    inputs : array, or tuple or list of arrays
        Anything that NumPy reads as numbers: a list of numbers is one array, a tuple is several
        inputs. All are cast to float64, float32 too, and the function gets copies. Integers
        that the function uses as an index stay integers, and have no gradient.
    eps : float, optional
        Step size, relative to the size of the input.
    atol, rtol : float, optional
        Passes where ``|hand - derivative| <= atol + rtol * |derivative|``, if this is more than
        what rounding explains, which is measured and always allowed.
    gradient : callable, optional
        ``gradient(*inputs)`` gives the gradient, and ``func(*inputs)`` a number alone, as for
        `scipy.optimize.check_grad`.
    method : {"complex", "central", "direction"}
        - ``"complex"``: f'(x) = Im f(x + i h) / h. Nothing is subtracted, so it is exact to
          rounding, whatever the step (Squire & Trapp 1998). A central difference along a random
          direction confirms each input; where it disagrees (``abs``, ``var``, a kink), or the code
          does not work on complex numbers, central differences are used, and a note is logged.
        - ``"central"``: central differences of fourth order only.
        - ``"direction"``: as ``"complex"``, along a few random directions instead of element by
          element; this is how more than two thousand elements are checked in any case.
    jacobian : bool
        Also compare the whole Jacobian: one backward for each element of the output. Otherwise
        one random gradient on the output stands for all.
    raise_exception : bool
        False returns False instead of raising :class:`GradcheckError`.
    rng : int
        Seed of the gradient on the output and of the directions; the stream is the checker's own.

    Returns
    -------
    bool
        True if every gradient passes.

    Raises
    ------
    GradcheckError
        If a gradient is wrong. The message names the input, the element and both numbers, then
        what is known of the mistake, each statement tested: a factor, a sign, a transposition, a
        missing sum, a mask, … Also if the function writes to an input, is not deterministic,
        returns a buffer that it uses again, or ignores ``dout``; and if all gradients and
        derivatives are zero, which checks nothing.
    ValueError
        If func has neither of the two forms, an input holds no real numbers, or the method, the
        step or a tolerance is not valid.

    Notes
    -----
    At a kink (ReLU at 0, equal elements in a maximum) any gradient between the derivatives on
    either side is right, and a note is logged. Notes go to the logger of this module.

    Examples
    --------
    >>> def square(x):
    ...     return x**2, lambda dout: 2 * x * dout
    >>> gradcheck(square, [1.0, -3.0])
    True
    >>> def forgotten_two(x):
    ...     return x**2, lambda dout: x * dout
    >>> gradcheck(forgotten_two, [1.0, -3.0])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    minikd.gradcheck.GradcheckError: ...the gradient is 0.5 times the derivative everywhere...
    """
    _check_arguments(func, gradient, method, eps=eps, atol=atol, rtol=rtol)
    for name, flag in (("jacobian", jacobian), ("raise_exception", raise_exception)):
        if not isinstance(flag, (bool, np.bool)):
            raise _refused(name, flag, "True or False")
    if not (_is_number(rng) and rng == int(rng) and rng >= 0):
        raise _refused("rng", rng, "an integer ≥ 0")
    function = _Function(func, gradient, *_as_inputs(inputs))
    own_stream = np.random.default_rng([0x67726164, int(rng)])
    check = _Check(function, own_stream, method, eps, atol, rtol)
    try:
        # Steps may leave the domain of the function; a cast from complex would hide a term.
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            check.run(jacobian)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


# ---------------------------------------------------------------- inputs, and calling func


def _check_arguments(func: Any, gradient: Any, method: Any, **sizes: Any) -> None:
    if not isinstance(method, str) or method not in ("complex", "central", "direction"):
        raise _refused("method", method, "'complex', 'central' or 'direction'")
    for name, size in sizes.items():
        if size is not None and not (_is_number(size) and size >= 0):
            raise _refused(name, size, "a finite number ≥ 0, or None")
    if sizes["eps"] == 0:
        raise _refused("eps", 0, "a step > 0, or None")
    if not callable(func) or isinstance(func, type):
        raise _refused("func", func, f"a function; {_FORMS}")
    if gradient is not None and (not callable(gradient) or isinstance(gradient, type)):
        raise _refused("gradient", gradient, f"a function, or None; {_FORMS}")


def _refused(name: str, value: Any, expected: str) -> ValueError:
    try:
        shown = " ".join(repr(value).split())
    except ValueError:  # Python writes out no integer of more than 4300 digits
        shown = "an integer of thousands of digits"
    return ValueError(f"{name} is {shown[:80]}; expected {expected}")


def _logger() -> logging.Logger:
    import logging

    return logging.getLogger(__name__)


def _is_number(value: Any) -> bool:
    known = (int, float, np.integer, np.floating)
    return isinstance(value, known) and not isinstance(value, bool) and bool(abs(value) < 1e300)  # type: ignore[operator]


def _as_inputs(inputs: Any) -> tuple[list[Any], list[bool], list[Any]]:
    """Float64 arrays, which of them were plain numbers, and those that were integers as such."""
    several = isinstance(inputs, tuple) or (
        isinstance(inputs, list) and any(hasattr(x, "shape") and np.ndim(x) for x in inputs)
    )
    given = list(inputs) if several else [inputs]
    names = [f"inputs[{i}]" for i in range(len(given))] if several else ["inputs"]
    arrays = [_as_array(name, x) for name, x in zip(names, given, strict=True)]
    whole = [np.array(x) if np.asarray(x).dtype.kind in "biu" else None for x in given]
    return arrays, [np.ndim(x) == 0 for x in given], whole


def _as_array(name: str, x: Any) -> Any:
    """A float64 copy of what NumPy reads as real numbers."""
    expected = "expected real, finite numbers, at least one, as an array, a list or a number"
    if isinstance(x, np.ma.MaskedArray):
        raise ValueError(f"{name} is a masked array; {expected}")
    try:
        array = np.asarray(x)
    except Exception as error:
        cause = str(error).partition("\n")[0]
        raise ValueError(f"{name} cannot be read as an array ({cause}); {expected}") from None
    if array.dtype.kind not in "biuf":
        kind = array.dtype if hasattr(x, "dtype") else type(x).__name__
        raise ValueError(f"{name} is {kind}; {expected}")
    if not array.size or not np.isfinite(array).all():
        raise ValueError(f"{name} is {'not finite' if array.size else 'empty'}; {expected}")
    if array.dtype.kind == "f" and array.dtype != np.float64:
        _logger().info("%s is %s; it is checked as float64", name, array.dtype)
    return np.array(array, dtype=np.float64, order="C")


@dataclass
class _Function:
    """The caller's function in one form: flat output, and gradients that were checked for shape."""

    func: Callable[..., Any]
    gradient: Callable[..., Any] | None
    arrays: list[Any]
    scalars: list[bool]
    whole: list[Any]  # the inputs that were integers, which may be indices
    as_index: list[bool] = field(default_factory=list)  # and are, for those

    def name(self, i: int) -> str:
        """``input 1 (W)``, if the parameters of func have names."""
        try:
            parameters = list(inspect.signature(self.func).parameters.values())
            kind = parameters[i].kind
        except (ValueError, TypeError, IndexError):
            return f"input {i}"
        named = kind in (
            inspect.Parameter.POSITIONAL_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
        )
        return f"input {i} ({parameters[i].name})" if named else f"input {i}"

    def takes_as_many(self) -> bool:
        """Whether func can be called with as many inputs as there are."""
        try:
            inspect.signature(self.func).bind(*self.arrays)
        except TypeError:
            return False
        except ValueError:  # it has no signature to ask
            return True
        return True

    def settle(self) -> None:
        """Find out which integers are indices: the function cannot use them as floating point."""
        ways = [[False] * len(self.arrays)]
        whole = [n for n, x in enumerate(self.whole) if x is not None]
        if len(self.arrays) > 1:
            ways += [[k == n for k in range(len(self.arrays))] for n in whole]
            ways += [[k in whole for k in range(len(self.arrays))]] if len(whole) > 1 else []
        errors = []
        for self.as_index in ways:
            try:
                self.func(*self.passed([x.copy() for x in self.arrays]))
            except (IndexError, TypeError) as error:
                errors.append(error)
            except Exception:
                return
            else:
                return
        self.as_index = ways[0]
        raise errors[0]

    def passed(self, arrays: list[Any]) -> list[Any]:
        """The arguments of func: numbers where numbers were given, indices as they were given."""
        floats = [x[()] if s else x for x, s in zip(arrays, self.scalars, strict=True)]
        use = self.as_index or [False] * len(arrays)
        return [n.copy() if i else x for x, n, i in zip(floats, self.whole, use, strict=True)]

    def outputs(self, arrays: list[Any]) -> tuple[list[Any], Callable[..., Any]]:
        """What func returns for these inputs: a list of outputs, and backward."""
        passed = self.passed(arrays)
        given = self.func(*passed)
        if self.gradient is not None:
            if np.size(given) != 1:
                raise ValueError(f"f returned shape {np.shape(given)}; {_FORMS}")
            return [given], self._scaled_gradient(passed)
        pair = isinstance(given, (tuple, list)) and len(given) == 2
        if not pair or not callable(given[1]):
            parts = given if isinstance(given, tuple) else ()
            kinds = ", ".join(type(part).__name__ for part in parts)
            came = f"({kinds})" if kinds else type(given).__name__
            raise ValueError(f"func returned {came}; {_FORMS}")
        out, backward = given
        several = isinstance(out, tuple) or (isinstance(out, list) and any(map(np.ndim, out)))
        return list(out) if several else [out], backward

    def _scaled_gradient(self, passed: list[Any]) -> Callable[..., Any]:
        def backward(dout: Any) -> Any:
            given = self.gradient(*passed)  # type: ignore[misc]
            dout = float(np.ravel(dout)[0])
            # A tuple of plain numbers may be the gradient on one input, as a list may.
            if isinstance(given, (tuple, list)) and len(self.arrays) > 1:
                return [None if g is None else np.asarray(g) * dout for g in given]
            return np.asarray(given) * dout

        return backward

    def vector(self, arrays: list[Any]) -> Any:
        """All outputs as one vector."""
        outs = self.outputs(arrays)[0]
        return np.ravel(outs[0]) if len(outs) == 1 else np.concatenate([*map(np.ravel, outs)])

    def douts(self, dout: Any, outs: list[Any]) -> list[Any]:
        """A vector as one gradient for each output, in the output's shape and precision."""
        parts, at = [], 0
        for out in map(np.asarray, outs):
            part = dout[at : at + out.size].reshape(out.shape)
            parts.append(part.astype(out.dtype if out.dtype.kind == "f" else float)[()])
            at += out.size
        return parts

    def gradients(self, given: Any) -> list[Any]:
        """What backward returned: an array or None for each input, as it came."""
        if len(self.arrays) == 1 and isinstance(given, list):
            array = None if len(given) == 1 else np.array(given)
            found = given if array is None or array.shape != self.arrays[0].shape else [array]
        else:
            found = list(given) if isinstance(given, (tuple, list)) else [given]
        if len(found) != len(self.arrays):
            raise GradcheckError(
                f"the backward gave {_count(found, 'gradient')} for {_count(self.arrays, 'input')}"
            )
        for i, g in enumerate(found):
            if g is not None and np.asarray(g).dtype.kind not in "biuf":
                raise GradcheckError(
                    f"{self.name(i)}: the gradient is {np.asarray(g).dtype}; expected real numbers"
                )
        return found


def _count(things: Sequence[Any], name: str) -> str:
    return f"{len(things)} {name}{'s' if len(things) != 1 else ''}"


def _equal(a: Any, b: Any, tolerance: float = 1e-12) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return False
    finite = np.abs(b[np.isfinite(b)])
    return np.allclose(
        a, b, rtol=tolerance, atol=tolerance * finite.max(initial=0.0), equal_nan=True
    )


# ---------------------------------------------------------------- the check


@dataclass
class _Check:
    """One call of :func:`gradcheck`: first the rules, then each input.

    Attributes
    ----------
    outs, dout, by_hand
        The outputs, a random gradient on them as one vector, and the gradients that backward gave.
    size : float
        Σ |dout · out|, in ulps of which the rounding error of L = Σ dout · out is expected.
    noise : float
        That rounding error.
    notes, kinks
        What is logged if the check passes; the elements at a kink, each with its derivative.
    """

    function: _Function
    rng: np.random.Generator
    method: Method
    eps: float | None
    atol: float | None
    rtol: float | None
    notes: list[str] = field(default_factory=list)
    kinks: list[tuple[_Derivative, int]] = field(default_factory=list)
    arrays: list[Any] = field(default_factory=list)
    outs: list[Any] = field(default_factory=list)
    dout: Any = None
    by_hand: list[Any] = field(default_factory=list)
    size: float = 0.0
    noise: float = 0.0
    elementwise: bool = True

    def copy(self) -> _Check:
        """The same check, whose inputs and gradient on the output may be replaced."""
        other = copy.copy(self)
        other.notes, other.kinks = [], []
        return other

    def run(self, jacobian: bool) -> None:
        self.arrays = self.function.arrays
        self._finds_its_arguments()
        self.dout, self.by_hand = self._first_call()
        self.noise = 4 * _ULP * max(self.size, 1e-300)
        self._keeps_to_the_rules()
        self.elementwise = (
            self.method != "direction" and sum(x.size for x in self.arrays) <= _ELEMENTS
        )
        checked = [i for i, g in enumerate(self.by_hand) if g is not None]
        misfit = [i for i in checked if np.shape(self.by_hand[i]) != self.arrays[i].shape]
        wrong = {i: self._shape_mistake(i) for i in misfit}
        found = {i: self._compare(i) for i in checked if i not in misfit}
        self._something_was_checked(checked, found)
        wrong |= {i: result for i, result in found.items() if isinstance(result, _Mistake)}
        wrong = wrong or self._groups_at_kinks()
        if wrong:
            raise GradcheckError(_message(self, wrong, [i for i in checked if i not in wrong]))
        self._forgets_other_calls(self._tolerance())
        if jacobian:
            self._whole_jacobian(checked)
        self._inputs_without_gradient()
        for note in dict.fromkeys(self.notes):
            _logger().warning(note)

    # ------------------------------------------------ what func must not do

    def _finds_its_arguments(self) -> None:
        """func takes as many inputs as there are, some of them as indices."""
        try:
            self.function.settle()
        except TypeError as error:
            if self.function.takes_as_many():
                raise
            raise ValueError(
                f"func does not take {_count(self.arrays, 'input')} ({error}): a tuple, or a list of "
                f"arrays, is several inputs, a list of numbers is one; {_FORMS}"
            ) from None

    def _first_call(self) -> tuple[Any, list[Any]]:
        """A random gradient on the output, and the gradients by hand."""
        mine = [x.copy() for x in self.arrays]
        outs, backward = self.function.outputs(mine)
        self._unwritten(mine, "forward")
        self.outs = [np.array(out) for out in outs]
        vector = np.concatenate([*map(np.ravel, self.outs)]) if outs else np.empty(0)
        if vector.dtype.kind not in "biuf" or not vector.size:
            raise GradcheckError(
                "nothing to check: the output is "
                + ("empty" if not vector.size else f"{vector.dtype}, not real numbers")
            )
        if not np.isfinite(vector).all():
            raise GradcheckError(
                "the output is not finite at these inputs, so it has no derivative"
            )
        # An output of another size must not drown the others in its rounding.
        size = np.abs(vector.astype(float))
        usual = float(np.median(size[size > 0])) if size.any() else 1.0
        weight = np.where(size > 1e3 * usual, usual / np.maximum(size, usual), 1.0)
        weight = np.where((size > 0) & (size < 1e-3 * usual), 1e3, weight)
        dout = self.rng.standard_normal(vector.size) * weight
        douts = self.function.douts(dout, outs)
        # In the precision of the outputs, which the backward sees.
        dout = np.concatenate([np.ravel(d).astype(float) for d in douts])
        self.size = float(np.abs(dout * vector).sum())
        passed = [np.copy(d)[()] for d in douts]
        given = backward(*passed)
        self._unwritten(mine, "backward")
        if not all(np.array_equal(a, b) for a, b in zip(passed, douts, strict=True)):
            raise GradcheckError("dout was written to by the backward; work on a copy")
        by_hand = [None if g is None else np.array(g) for g in self.function.gradients(given)]
        if all(g is None for g in by_hand):
            raise GradcheckError("nothing to check: no gradient on any input")
        for i, g in enumerate(by_hand):
            if g is not None and not np.isfinite(g).all():
                at = tuple(map(int, np.argwhere(~np.isfinite(g))[0]))
                raise GradcheckError(
                    f"{self.function.name(i)}, element {at}: the gradient is {g[at]}, and the "
                    "derivative is finite, since the output is"
                )
        return dout, by_hand

    def vector_with(self, i: int, x: Any) -> Any:
        """All outputs, for another input i."""
        return self.function.vector([*self.arrays[:i], x, *self.arrays[i + 1 :]])

    def _unwritten(self, mine: list[Any], where: str) -> None:
        for i, (x, was) in enumerate(zip(mine, self.arrays, strict=True)):
            if not np.array_equal(x, was, equal_nan=True):
                raise GradcheckError(
                    f"{self.function.name(i)} was written to by the {where}; work on a copy"
                )

    def once(self, dout: Any, arrays: list[Any] | None = None) -> tuple[list[Any], list[Any]]:
        """Outputs and gradients of one more forward and backward, as they come."""
        mine = [x.copy() for x in (self.arrays if arrays is None else arrays)]
        outs, backward = self.function.outputs(mine)
        given = backward(*self.function.douts(dout, outs))
        return outs, self.function.gradients(given)

    def _keeps_to_the_rules(self) -> None:
        tolerance = self._tolerance()
        outs, gradients = self.once(self.dout)
        if not all(_equal(a, b, tolerance) for a, b in zip(outs, self.outs, strict=True)):
            raise GradcheckError(
                "func is not deterministic: two calls with the same inputs gave different outputs; "
                "draw random numbers outside of func"
            )
        for i, (g, was) in enumerate(zip(gradients, self.by_hand, strict=True)):
            if was is None or g is None or _equal(g, was, tolerance):
                continue
            third = np.asarray(self.once(self.dout)[1][i])
            adds = _equal(third - g, g - was, tolerance)
            random = not _equal(third, g, tolerance)
            raise GradcheckError(
                f"{self.function.name(i)}: a second call of forward and backward gave another "
                "gradient; "
                + ("it adds to that of the first: set it to zero in each call"
                   if adds else "the backward is not deterministic: draw random numbers outside"
                   if random else "the first call left something behind")
            )  # fmt: skip
        self._keeps_no_buffer(outs, gradients)
        self._can_be_called_again(tolerance)
        self._is_linear_in_dout(tolerance)

    def _tolerance(self) -> float:
        """How equal the results of two calls must be, relative to the largest."""
        parts = [*self.outs, *(g for g in self.by_hand if g is not None)]
        low = any(part.dtype in (np.float32, np.float16) for part in parts)
        return max(1e-3 if low else 1e-10, min(self.rtol or 0.0, 1e-2))

    def _keeps_no_buffer(self, outs: list[Any], gradients: list[Any]) -> None:
        """What one call returned must not change when the next is made, with other numbers."""
        kept = (
            [np.array(a) for a in outs],
            [None if g is None else np.array(g) for g in gradients],
        )
        try:
            self.once(-0.5 * self.dout, [x * (1 + 1e-4) + 1e-6 for x in self.arrays])
        except Exception:  # outside of its domain; the checks of numbers go on
            return
        for what, now, then in (
            ("an output", outs, kept[0]),
            ("a gradient", gradients, kept[1]),
        ):
            for i, (a, b) in enumerate(zip(now, then, strict=True)):
                if b is not None and not np.array_equal(np.asarray(a), b, equal_nan=True):
                    which = "" if what == "an output" else f" ({self.function.name(i)})"
                    raise GradcheckError(
                        f"{what}{which} is a view of a buffer: the next call overwrote what the "
                        "last one had returned; return a copy"
                    )

    def _can_be_called_again(self, tolerance: float) -> None:
        mine = [x.copy() for x in self.arrays]
        outs, backward = self.function.outputs(mine)
        given = self.function.gradients(backward(*self.function.douts(self.dout, outs)))
        first = [None if g is None else np.array(g) for g in given]
        try:
            again = self.function.gradients(backward(*self.function.douts(self.dout, outs)))
        except Exception:  # a backward may free its cache, as PyTorch's does
            return
        for i, (g, was) in enumerate(zip(again, first, strict=True)):
            if was is not None and g is not None and not _equal(g, was, tolerance):
                adds = _equal(g, 2 * was, tolerance)
                raise GradcheckError(
                    f"{self.function.name(i)}: a second call of backward gave another gradient; "
                    + ("it adds to that of the first call" if adds
                       else "the first call changed what it keeps (a cache written in place?)")
                )  # fmt: skip

    def _forgets_other_calls(self, tolerance: float) -> None:
        """A backward belongs to its own forward, not to the first one, or the last."""
        moved = [
            x + 0.05 * np.sqrt(np.mean(x**2)) * self.rng.standard_normal(x.shape)
            for x in self.arrays
        ]
        try:
            there = self.once(self.dout, moved)[1]
            first = self.function.outputs([x.copy() for x in self.arrays])
            self.function.outputs([x.copy() for x in moved])
            late = self.function.gradients(first[1](*self.function.douts(self.dout, first[0])))
        except Exception:  # outside of its domain, or one forward at a time
            return
        for i, (g, was) in enumerate(zip(there, self.by_hand, strict=True)):
            if was is None or g is None or np.shape(g) != self.arrays[i].shape:
                continue
            name, old = self.function.name(i), late[i]
            if was.any() and np.array_equal(g, was) and self._slope_differs(moved, i, was):
                raise GradcheckError(
                    f"{name}: the gradient does not depend on the inputs, and the derivative does: "
                    "does the backward use what an earlier call kept (a stale cache), or a constant?"
                )
            if (
                old is not None
                and not _equal(old, was, tolerance)
                and _equal(old, g, tolerance)
            ):
                self.notes.append(
                    f"{name}: a backward uses what the last forward left, so it must be called "
                    "before the next forward; a layer that is used twice would be wrong"
                )

    def _slope_differs(self, moved: list[Any], i: int, gradient: Any) -> bool:
        """Whether the derivative at other inputs is clearly neither the gradient nor that of here."""
        u = self.rng.standard_normal(gradient.shape)
        size, expected = (
            float(np.sqrt(np.mean(self.arrays[i] ** 2))) or 1.0,
            float(np.sum(gradient * u)),
        )
        for h in (1e-2 * size, 1e-4 * size, 1e-6 * size):
            slopes = []
            for at in (self.arrays, moved):
                sides = ([*at[:i], at[i] + s * h * u, *at[i + 1 :]] for s in (1, -1))
                up, down = (float(self.dout @ self.function.vector(side)) for side in sides)
                slopes.append((up - down) / (2 * h))
            unsure = 1e-3 * float(np.linalg.norm(gradient * u)) + 100 * self.noise / h
            if min(abs(slopes[1] - slopes[0]), abs(slopes[1] - expected)) <= unsure:
                return False
        return True

    def _is_linear_in_dout(self, tolerance: float) -> None:
        try:
            nothing = self.once(np.zeros_like(self.dout))[1]
            twice = self.once(-2.0 * self.dout)[1]
        except GradcheckError:
            raise
        except Exception:  # it may refuse a gradient of zeros
            return
        for i, g in enumerate(self.by_hand):
            zero, double = nothing[i], twice[i]
            if g is None or zero is None or double is None or np.shape(zero) != g.shape:
                continue
            name = self.function.name(i)
            if g.any() and _equal(zero, g, tolerance):
                raise GradcheckError(
                    f"{name}: the gradient ignores dout: it is the same for every gradient on the "
                    "output; multiply by dout, also where the output is one number"
                )
            if np.abs(zero).max() > tolerance * np.abs(g).max(initial=0.0):
                raise GradcheckError(
                    f"{name}: a part of the gradient is not multiplied by dout, but added: with "
                    f"dout = 0 it is still {_shown(np.asarray(zero))} (a constant such as weight "
                    "decay, or a buffer that is not set to zero)"
                )
            if not _equal(double, -2 * g, 100 * tolerance):
                raise GradcheckError(
                    f"{name}: the gradient is not linear in dout: -2 dout does not give -2 times "
                    "as much (abs, max or a square of dout?)"
                )

    # ------------------------------------------------ numbers

    def _compare(self, i: int) -> _Mistake | float:
        """A mistake in the gradient on input i, or the largest derivative if there is none."""
        derivative = _Derivative(self, i)
        if self.elementwise:
            return derivative.element_by_element()
        return derivative.along_directions()

    def _shape_mistake(self, i: int) -> _Mistake:
        derivative = _Derivative(self, i)
        numeric = derivative.all_elements() if self.elementwise else None
        return _Mistake(i, None, self.by_hand[i], numeric)

    def _something_was_checked(self, checked: list[int], found: dict[int, Any]) -> None:
        if len(found) < len(checked) or any(isinstance(f, _Mistake) for f in found.values()):
            return
        largest = max(found.values())
        if largest == 0 and not any(self.by_hand[i].any() for i in checked):
            raise GradcheckError(
                f"{self.function.name(checked[0])}: gradient and derivative are both zero "
                "everywhere, which checks nothing; choose inputs where the function varies"
            )
        if self.atol is not None and largest <= self.atol:
            raise GradcheckError(
                f"no derivative is larger than {largest:.1e}, and atol is {self.atol:.1e}, so this "
                "check could not tell; lower atol"
            )

    def _whole_jacobian(self, checked: list[int]) -> None:
        """Each row of the Jacobian by itself: one backward for each element of the output."""
        vector = np.abs(np.concatenate([*map(np.ravel, self.outs)])).astype(float)
        for k in range(self.dout.size):
            row = self.copy()
            row.dout = np.where(np.arange(self.dout.size) == k, 1.0, 0.0)
            row.size = float(vector[k])
            row.noise = 4 * _ULP * max(row.size, 1e-300)
            row.by_hand = [None if g is None else np.array(g) for g in self.once(row.dout)[1]]
            found = {i: row._compare(i) for i in checked}
            wrong = {i: f for i, f in found.items() if isinstance(f, _Mistake)}
            if wrong:
                right = [i for i in checked if i not in wrong]
                raise GradcheckError(f"output {k}: {_message(row, wrong, right)}")

    def _groups_at_kinks(self) -> dict[int, _Mistake]:
        """Elements at one kink whose gradients are possible one by one, but not together.

        Of equal elements in a maximum, each may get the whole gradient, but not all: if they move
        together, the maximum moves by as much, without a kink. So each group of elements whose
        gradients depend on one another is moved as a whole, and that must fit.
        """
        where = {(d.i, j): d for d, j in self.kinks[:_MANY]}
        groups = [(next(iter(where)), set(where))] if where else []
        for key, derivative in where.items():
            groups.append((key, {key, *sorted(self._partners(*key, derivative))[:_MANY]}))
        for key, group in groups:
            if len(group) > 1 and not where[key].fits_together(group):
                others = ", ".join(
                    f"{self._index(i, j)} of {self.function.name(i)}"
                    for i, j in sorted(group - {key})[:3]
                )
                return {key[0]: where[key].impossible_with(key[1], others)}
        return {}

    def _index(self, i: int, j: int) -> tuple[int, ...]:
        return tuple(map(int, np.unravel_index(j, self.arrays[i].shape)))

    def _partners(self, i: int, j: int, derivative: _Derivative) -> set[tuple[int, int]]:
        """Elements whose gradient changes when one at a kink is moved to the other side."""
        sides = []
        for step in (1, -1):
            arrays = [x.copy() for x in self.arrays]
            arrays[i].flat[j] += 1e-2 * step * derivative.steps.flat[j]
            try:
                sides.append(self.once(self.dout, arrays)[1])
            except Exception:  # outside of its domain
                return set()
        found = set()
        for k, (a, b) in enumerate(zip(*sides, strict=True)):
            if a is not None and b is not None and self.by_hand[k] is not None:
                changed = (
                    np.abs(np.ravel(a) - np.ravel(b)) > 1e-3 * np.abs(self.by_hand[k]).max()
                )
                found |= {(k, int(n)) for n in np.flatnonzero(changed)}
        return found

    def _inputs_without_gradient(self) -> None:
        """A note for each None where the function does depend on the input."""
        for i, g in enumerate(self.by_hand):
            if g is not None or (self.function.as_index and self.function.as_index[i]):
                continue
            u, x = self.rng.standard_normal(self.arrays[i].shape), self.arrays[i]
            h = 1e-4 * (float(np.sqrt(np.mean(x**2))) or 1.0)
            try:
                up, down = (self.dout @ self.vector_with(i, x + s * h * u) for s in (1, -1))
            except Exception:  # outside of its domain
                continue
            if abs(up - down) > 1e4 * self.noise:
                self.notes.append(
                    f"{self.function.name(i)} has no gradient (None), and the output depends on it"
                )


@dataclass
class _Mistake:
    """A gradient that is not the derivative, or has another shape."""

    input: int
    element: tuple[int, ...] | None
    by_hand: Any
    numeric: Any  # the derivative of the input's shape, NaN where it was not computed
    wrong: Any = None  # bool, of the input's shape
    exact: bool = True  # no difference was taken
    said: str = ""  # what is known of it beforehand
    sides: tuple[float, float] | None = None  # the derivatives left and right of a kink
    rough: float = 0.0  # what rounding leaves in numeric, relative to its largest element


class _Derivative:
    """The derivative of L = Σ dout · out by one input, from values of the function alone."""

    def __init__(self, check: _Check, i: int) -> None:
        self.check, self.i, self.x = check, i, check.arrays[i]
        self.name = check.function.name(i)
        self.spread = float(np.sqrt(np.mean(self.x**2))) or 1.0
        self.noise, self.measured = check.noise, False
        self.steps = np.full(self.x.shape, (check.eps or _STEP) * self.spread)
        low = check.by_hand[i].dtype in (np.float32, np.float16)
        self.tolerance = 1e-5 if low else 1e-9
        self.largest_step = self.spread
        self.analytic = check.method != "central" and self._complex_step_holds()
        if not self.analytic:
            self._choose_steps()

    # -------------------------------------------- values

    def _outs(self, x: Any) -> Any:
        return self.check.vector_with(self.i, x)

    def _complex(self, u: Any) -> float:
        return float(
            self.check.dout @ np.imag(self._outs(self.x + 1j * _IMAGINARY * u)) / _IMAGINARY
        )

    def _at(self, u: Any, h: float, steps: Sequence[float]) -> Any:
        """All outputs at x + k h u for each k, (len(steps), m); NaN where there are none."""
        m, rows = self.check.dout.size, []
        for k in steps:
            try:
                rows.append(np.asarray(self._outs(self.x + k * h * u), dtype=float))
            except Exception:  # outside of its domain
                rows.append(np.full(m, np.nan))
        return np.array(rows)

    def _central(self, u: Any, h: float) -> float:
        """A central difference of fourth order, of L."""
        a, b, c, d = self._at(u, h, (-2, -1, 1, 2)) @ self.check.dout
        return float((8 * (c - b) - (d - a)) / (12 * h))

    def _unsure(self, numeric: Any, h: Any, longest: float = 1.0) -> Any:
        """How far rounding, of the function and of x ± h, may move a central difference."""
        return _SAFETY * self.noise / h + np.abs(numeric) * 4 * _ULP * self.spread / (
            h * longest
        )

    def _difference(self, u: Any, steps: Any) -> tuple[float, float, float]:
        """The derivative along u, how unsure it is, and the step that gave it.

        Lepski's choice: of steps that grow, the largest whose difference agrees, within rounding,
        with those of all smaller steps. So what lies farther away does not mislead it.
        """
        low, high, best, before = -np.inf, np.inf, None, np.inf
        longest = float(np.abs(u).max())
        for h in steps:
            numeric = self._central(u, h)
            unsure = float(self._unsure(numeric, h, longest)) + 1e-10 * abs(numeric)
            if not np.isfinite(numeric) or numeric - unsure > high or numeric + unsure < low:
                if best is None:
                    continue
                break
            low, high = max(low, numeric - unsure), min(high, numeric + unsure)
            # The largest step is only as sure as the one before, which agrees with it.
            best, before = (numeric, unsure if best is None else before, h), unsure
        if best is None:
            raise GradcheckError(
                f"{self.name}: the function is not finite beside these inputs, or raises an error "
                "there; choose inputs inside of its domain"
            )
        return best

    def _ladder(self, size: float) -> Any:
        """Steps from far below a size, which may be near a border, to the largest."""
        return size * 10.0 ** np.arange(-13, max(np.log10(self.largest_step / size), -12) + 0.5)

    # -------------------------------------------- which way, and which steps

    def _complex_step_holds(self) -> bool:
        """Whether complex step and central difference agree along a random direction."""
        rng = self.check.rng
        u = rng.choice([-1.0, 1.0], self.x.shape) * rng.uniform(0.5, 1.5, self.x.shape)
        for scale in (self.spread, self._each()):
            try:
                exact = np.imag(self._outs(self.x + 1j * _IMAGINARY * scale * u)) / _IMAGINARY
            except Exception as error:
                self._note(
                    f"the function does not take complex numbers ({type(error).__name__})"
                )
                return False
            if np.isfinite(exact).all() and self._confirmed(scale * u, exact):
                return True
        self._note(
            "a difference does not confirm the complex step: the function is not analytic (abs, "
            "var, conj, a cast), has a kink here, or is too steep or too flat"
        )
        return False

    def _confirmed(self, u: Any, exact: Any) -> bool:
        """Whether central differences of each output agree with the complex step."""
        dout = self.check.dout
        # A sum that happens to be small is rounded like the others beside it.
        outs = [np.abs(out.astype(float)).ravel() for out in self.check.outs if out.size]
        size = np.concatenate([np.maximum(out, np.median(out)) for out in outs])
        numeric, unsure = self._each_output(u, 1e-3, size)
        told = np.linalg.norm(dout * unsure) < 1e-3 * np.linalg.norm(dout * exact)
        if told and (np.abs(numeric - exact) <= unsure + 1e-12 * np.abs(exact)).all():
            return True
        # Lepski's choice for each output, as in _difference.
        low, high = np.full(size.shape, -np.inf), np.full(size.shape, np.inf)
        best, sure, before = np.full((3, *size.shape), np.nan)
        going = np.ones(size.shape, bool)
        for h in 10.0 ** np.arange(-9, 7):
            numeric, unsure = self._each_output(u, h, size)
            first = np.isnan(best)
            agrees = (
                np.isfinite(numeric) & (numeric - unsure <= high) & (numeric + unsure >= low)
            )
            going &= agrees | first
            use = going & agrees
            sure, best = (
                np.where(use, np.where(first, unsure, before), sure),
                np.where(use, numeric, best),
            )
            low = np.where(use, np.fmax(low, numeric - unsure), low)
            high = np.where(use, np.fmin(high, numeric + unsure), high)
            before = np.where(use, unsure, before)
        told = np.linalg.norm(dout * sure) < 1e-3 * np.linalg.norm(dout * exact)
        # Where both are below the rounding error, there is nothing to agree about.
        flat = float(np.abs(dout * exact).sum()) < 1e-9 * self.check.size
        return bool(
            (told or flat) and (np.abs(best - exact) <= 3 * sure + 1e-12 * np.abs(exact)).all()
        )

    def _each_output(self, u: Any, h: float, size: Any) -> tuple[Any, Any]:
        """A central difference of each output, and how unsure it is."""
        a, b, c, d = self._at(u, h, (-2, -1, 1, 2))
        numeric = (8 * (c - b) - (d - a)) / (12 * h)
        moved = h * float(np.abs(u).max())
        unsure = (
            _SAFETY * 4 * _ULP * size / h + np.abs(numeric) * 4 * _ULP * self.spread / moved
        )
        return numeric, unsure

    def _each(self) -> Any:
        """The size of each element; of zeros, that of the others."""
        return np.where(self.x == 0, self.spread, np.abs(self.x))

    def _note(self, cause: str) -> None:
        self.check.notes.append(f"{self.name}: {cause}; checked by central differences")

    def _measure_noise(self) -> None:
        """Measure the rounding error of the function: what differences of high order leave.

        (Moré & Wild 2011.) The points lie on one side of x, so that a kink at x is none of theirs.
        Steps that are lost in rounding give the same value again and again, and tell nothing.
        """
        if self.measured:
            return
        self.measured, known = True, []
        for sign in (1, -1):
            u = sign * self._each() * np.abs(self.check.rng.standard_normal(self.x.shape))
            found: list[float] = []
            for h in 10.0 ** np.arange(-12, -1):
                values = self._at(u, h, range(1, 8)) @ self.check.dout
                if np.isfinite(values).all() and np.count_nonzero(np.diff(values)) > 3:
                    found.append(float(np.sqrt(np.mean(np.diff(values, 4) ** 2) / 70)))
                if len(found) == 2:
                    break
            known += [max(found)] if found else []
        self.noise = max(self.noise, 3 * min(known, default=0.0))
        if self.noise > 1e-12 * self.check.size:
            self.tolerance = max(self.tolerance, 1e-5)

    def _choose_steps(self) -> None:
        """A step for each element: in proportion to all, or to its own size."""
        self._measure_noise()
        if self.check.eps is not None:
            return
        u, choices = self.check.rng.standard_normal(self.x.shape), []
        for scale in (np.full(self.x.shape, self.spread), self._each()):
            with contextlib.suppress(GradcheckError):
                numeric, unsure, h = self._difference(scale * u, self._ladder(1.0))
                choices.append((unsure / max(abs(numeric), 1e-300), h, scale))
        if choices:
            _, h, scale = min(choices, key=lambda choice: choice[0])
            self.steps = np.minimum(h, 1.0) * scale

    # -------------------------------------------- every element

    def unit(self, j: int) -> Any:
        u = np.zeros(self.x.size)
        u[j] = 1.0
        return u.reshape(self.x.shape)

    def all_elements(self) -> Any:
        """The derivative with respect to each element; where a kink is suspected, in ``bent``."""
        numeric = np.empty(self.x.shape)
        self.bent = np.zeros(self.x.shape, bool)
        if self.analytic:
            x = self.x.astype(complex)
            flat = x.reshape(-1)
            for j in range(x.size):
                kept = flat[j]
                flat[j] += 1j * _IMAGINARY
                numeric.flat[j] = self.check.dout @ np.imag(self._outs(x)) / _IMAGINARY
                flat[j] = kept
            return numeric
        here = float(self.check.dout @ self._at(self.unit(0), 0.0, (0,))[0])
        for j in range(self.x.size):
            h = float(self.steps.flat[j])
            a, b, c, d = self._at(self.unit(j), h, (-2, -1, 1, 2)) @ self.check.dout
            numeric.flat[j] = (8 * (c - b) - (d - a)) / (12 * h)
            left, right = (3 * here - 4 * b + a) / (2 * h), (-3 * here + 4 * c - d) / (2 * h)
            jump = abs(right - left) - 5 * _SAFETY * self.noise / h
            self.bent.flat[j] = jump > 0.05 * max(abs(left), abs(right))
        return numeric

    def element_by_element(self) -> _Mistake | float:
        by_hand, numeric = self.check.by_hand[self.i].astype(float), self.all_elements()
        if (
            not self.analytic
            and not (np.abs(numeric) > 5 * self._unsure(numeric, self.steps)).any()
        ):
            return self._faint(by_hand)
        return self._judge_all(by_hand, numeric)

    def _judge_all(self, by_hand: Any, numeric: Any) -> _Mistake | float:
        unsure = 0 if self.analytic else self._unsure(numeric, self.steps)
        largest = float(np.abs(numeric).max(initial=0.0, where=np.isfinite(numeric)))
        off = ~(
            np.abs(by_hand - numeric) <= self._allowed(numeric, largest) + unsure
        )  # NaN too
        wrong, kinks, sides = np.zeros(self.x.size, bool), 0, {}
        suspects = self.check.rng.permutation(np.flatnonzero(off | self.bent))
        for count, j in enumerate(map(int, suspects)):
            if count >= _MANY and wrong.any():
                wrong |= off.ravel() & (np.arange(self.x.size) != j)
                break
            verdict, better, sides[j] = self._judge(
                j, by_hand.flat[j], numeric.flat[j], largest
            )
            numeric.flat[j] = better
            wrong[j] = verdict == "wrong"
            if verdict == "kink":
                kinks += 1
                self.check.kinks.append((self, j))
        if wrong.any():
            wrong = wrong.reshape(self.x.shape)
            at = int(np.argmax(np.where(wrong, np.abs(by_hand - numeric), -1.0)))
            element, hand = self._index(at), self.check.by_hand[self.i]
            return _Mistake(
                self.i, element, hand, numeric, wrong, self.analytic, sides=sides.get(at),
                rough=float(np.max(unsure)) / max(largest, 1e-300),
            )  # fmt: skip
        if kinks:
            first = next(j for d, j in self.check.kinks if d is self)
            self._note_kinks(first, kinks)
        return max(largest, float(np.abs(by_hand).max(initial=0.0)) if kinks else 0.0)

    def _note_kinks(self, first: int, count: int) -> None:
        more = {1: "", 2: " and at one more element"}.get(
            count, f" and at {count - 1} more elements"
        )
        self.check.notes.append(
            f"{self.name}: a kink at {self._index(first)}{more}; the gradient is one of those "
            "that are possible there"
        )

    def _index(self, j: Any) -> tuple[int, ...]:
        return tuple(map(int, np.unravel_index(j, self.x.shape)))

    def _allowed(self, numeric: Any, largest: float) -> Any:
        """What rounding explains at least, and what the caller allows."""
        rtol = max(self.tolerance, self.check.rtol or 0.0)
        floor = 4 * _ULP * largest if self.tolerance < 1e-8 else 1e-6 * largest
        # 1 - tanh(x)² is rounded like the 1, however small it is itself.
        floor += _ULP * self.check.size / max(self.spread, 1.0)
        return (self.check.atol or 0.0) + floor + rtol * np.abs(numeric)

    def _judge(
        self, j: int, hand: float, numeric: float, largest: float
    ) -> tuple[str, float, tuple[float, float] | None]:
        """Is a suspect "wrong", "right" after all, or at a "kink"? A better derivative; both sides."""
        u, sides = self.unit(j), None
        if self.analytic:
            unsure = _SAFETY * self._scatter(j)
        else:
            size = min(abs(float(self.x.flat[j])) or self.spread, self.spread)
            numeric, unsure, _ = self._difference(u, self._ladder(size))
            bend = self._bend(u, float(self.steps.flat[j]))
            if bend is not None:
                low, high, sides = bend
                fits = low <= hand <= high or self._is_possible_beside(u, hand, j)
                return ("kink" if fits else "wrong"), numeric, sides
        off = abs(hand - numeric) - self._allowed(numeric, largest) - unsure
        if off > 0:
            off -= _SAFETY * float(self._scatter_by_hand().flat[j])
        if off > 0 and self.analytic and abs(hand - numeric) <= 1e-7 * abs(numeric):
            # A part that is not analytic may be too small to have been seen along a direction.
            self._measure_noise()
            other, unsure, _ = self._difference(u, self._ladder(self.spread))
            apart = abs(hand - numeric)
            told = unsure < apart or apart <= 1e-8 * abs(numeric)
            if told and abs(hand - other) <= unsure:
                return "right", other, None
        return ("right" if off <= 0 else "wrong"), numeric, None

    def _scatter(self, j: int) -> float:
        """How much rounding moves gradient and derivative: inputs and dout times 1 + a few ulp."""
        check, u, found = self.check, self.unit(j), []
        for ulps in (3, -5, 11):
            near = check.copy()
            near.arrays = [x * (1 + ulps * _ULP) for x in check.arrays]
            near.dout = check.dout * (
                1 + 4 * _ULP * check.rng.standard_normal(check.dout.shape)
            )
            hand = near.once(near.dout)[1][self.i].flat[j]
            moved = near.vector_with(self.i, near.arrays[self.i] + 1j * _IMAGINARY * u)
            found.append((float(near.dout @ np.imag(moved)) / _IMAGINARY, float(hand)))
        return float(np.ptp(np.array(found), axis=0).max())

    def _scatter_by_hand(self) -> Any:
        """The rounding error of the gradient by hand, measured as that of the function is."""
        if not hasattr(self, "_by_hand_scatters"):
            check, found = self.check, np.zeros(self.x.shape)
            seen = np.zeros(self.x.shape, int)
            near = [
                check.dout * (1 + 4 * _ULP * check.rng.standard_normal(check.dout.shape))
                for _ in range(4)
            ]
            found = np.ptp([np.array(check.once(d)[1][self.i], float) for d in near], axis=0)
            for h in (1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2):
                rows = []
                with contextlib.suppress(Exception):  # outside of its domain
                    for k in range(7):
                        arrays = [x * (1 + k * h) for x in check.arrays]
                        rows.append(np.array(check.once(check.dout, arrays)[1][self.i], float))
                if len(rows) < 7:
                    break
                # Of the two smallest steps that are not lost in rounding, the larger error.
                told = (np.count_nonzero(np.diff(rows, axis=0), axis=0) > 3) & (seen < 2)
                error = np.sqrt(np.mean(np.diff(rows, 4, axis=0) ** 2, axis=0) / 70)
                found, seen = np.where(told, np.maximum(found, error), found), seen + told
            # A backward that is much rougher than the function computes in lower precision.
            self._measure_noise()
            rounding = max(self.noise / max(check.size, 1e-300), 4 * _ULP)
            hand = float(np.abs(check.by_hand[self.i]).max())
            scale = max(hand, check.size / max(self.spread, 1.0))
            double = 100 * _ULP * float(np.abs(check.dout).max())
            rough = found > max(1e4 * rounding * scale, double)
            self._by_hand_scatters = np.where(rough, 0.0, found)
        return self._by_hand_scatters

    def _faint(self, by_hand: Any) -> _Mistake | float:
        """The derivative is hardly larger than rounding: look for it with larger steps."""
        u = self.check.rng.standard_normal(self.x.shape)
        self.largest_step = 1e9 * self.spread
        numeric, unsure, h = self._difference(u, self._ladder(self.spread))
        if abs(numeric) > 5 * unsure:
            self.steps = np.full(self.x.shape, h)
            return self._judge_all(by_hand, self.all_elements())
        tiny = 1e-9 * self.check.size / self.spread
        if (np.abs(by_hand) <= tiny + _SAFETY * self._scatter_by_hand()).all():
            return float(np.abs(by_hand).max())
        worst = int(np.argmax(np.abs(by_hand)))
        outs = self._at(u * self.spread, 1.0, (-1e3, -1, -1e-3, 0, 1e-3, 1, 1e3))
        if not np.ptp(outs, axis=0).any():
            return _Mistake(
                self.i, self._index(worst), by_hand, np.zeros(self.x.shape), by_hand != 0,
                said="the function does not depend on this input: every derivative is zero",
            )  # fmt: skip
        least = unsure / float(np.linalg.norm(u))
        return _Mistake(
            self.i, self._index(worst), by_hand, np.zeros(self.x.shape), by_hand != 0, self.analytic,
            said=f"no derivative was seen: the function changes by less than it is rounded, so it is "
            f"below about {least:.1g}; does the function depend on this input?",
        )  # fmt: skip

    # -------------------------------------------- kinks

    def _bend(
        self, u: Any, step: float, weights: Any = None
    ) -> tuple[float, float, tuple[float, float]] | None:
        """At a kink along u: the least and the largest possible gradient, and both sides.

        Each output by itself may take its gradient from the left or from the right, so the possible
        values of L add up from theirs. None if there is no kink, which stays however small the step.
        """
        dout, found = self.check.dout if weights is None else weights, []
        for h in (step / 10, step / 100):
            at = self._at(u, h, (-2, -1, 0, 1, 2))
            left = (3 * at[2] - 4 * at[1] + at[0]) / (2 * h)
            right = (-3 * at[2] + 4 * at[3] - at[4]) / (2 * h)
            unsure = _SAFETY * self.noise / h + 1e-6 * max(abs(dout @ left), abs(dout @ right))
            apart = dout * (right - left)
            jump = apart[np.argmax(np.abs(apart))]
            if not abs(jump) > 5 * unsure:
                return None
            found.append((jump, left, right, unsure))
        (first, *_), (jump, left, right, unsure) = found
        # Curvature shrinks with the step; a kink does not.
        if not 0.5 < jump / first < 2:
            return None
        low = float(np.sum(np.minimum(dout * left, dout * right))) - unsure
        high = float(np.sum(np.maximum(dout * left, dout * right))) + unsure
        return low, high, (float(dout @ left), float(dout @ right))

    def _is_possible_beside(self, u: Any, hand: float, j: int) -> bool:
        """Whether hand lies between derivatives at points beside a kink, where there is none.

        Of three equal elements that are sorted, one may take the middle place, and then its
        gradient is on neither side.
        """
        h, found = 1e-4 * float(self.steps.flat[j]), []
        for _ in range(30):
            beside = self.x + 100 * h * self.check.rng.standard_normal(self.x.shape)
            with contextlib.suppress(Exception):  # outside of its domain
                up, down = (self.check.dout @ self._outs(beside + s * h * u) for s in (1, -1))
                found.append((up - down) / (2 * h))
        unsure = _SAFETY * self.noise / h + 1e-5 * np.abs(found).max(initial=0.0)
        return bool(found) and bool(min(found) - unsure <= hand <= max(found) + unsure)

    def fits_together(self, group: set[tuple[int, int]]) -> bool:
        """Whether the gradients of elements at one kink are possible if all move by as much."""
        check, h = (
            self.check,
            float(min(self.steps.flat[j] for i, j in group if i == self.i)) / 30,
        )
        hand = sum(float(check.by_hand[i].flat[j]) for i, j in group)

        def at(k: int) -> Any:
            arrays = [x.copy() for x in check.arrays]
            for i, j in group:
                arrays[i].flat[j] += k * h
            return check.function.vector(arrays).astype(float)

        try:
            a, b, here, c, d = map(at, (-2, -1, 0, 1, 2))
        except Exception:  # outside of its domain
            return True
        left, right = (3 * here - 4 * b + a) / (2 * h), (-3 * here + 4 * c - d) / (2 * h)
        sides = check.dout * left, check.dout * right
        unsure = _SAFETY * self.noise / h + 1e-4 * float(np.abs(sides).sum())
        low, high = np.sum(np.minimum(*sides)), np.sum(np.maximum(*sides))
        return bool(low - unsure <= hand <= high + unsure)

    def impossible_with(self, j: int, others: str) -> _Mistake:
        """The mistake of an element that does not fit together with others at its kink."""
        numeric = np.full(self.x.shape, np.nan)
        numeric.flat[j] = self._central(self.unit(j), float(self.steps.flat[j]))
        return _Mistake(
            self.i, self._index(j), self.check.by_hand[self.i], numeric,
            said=f"it lies at a kink together with {others} (equal elements of a maximum?): if all of "
            "them move by as much, the derivative is not the sum of their gradients",
        )  # fmt: skip

    # -------------------------------------------- many elements: random directions

    def along(self, u: Any) -> float:
        """The derivative along a direction."""
        return (
            self._complex(u) if self.analytic else self._central(u, float(np.min(self.steps)))
        )

    def along_directions(self) -> _Mistake | float:
        hand = self.check.by_hand[self.i].astype(float)
        skipped, kinks = np.zeros(self.x.shape, bool), []
        largest, directions = 0.0, 0
        while directions < _DIRECTIONS:
            u = np.where(skipped, 0.0, self.check.rng.standard_normal(self.x.shape))
            numeric, wrong = self._off(u, hand)
            if not wrong:
                largest, directions = max(largest, abs(numeric)), directions + 1
                continue
            j = self._find(u, hand)
            # A mistake that shows along all elements together only lies in all of them.
            verdict, sides = ("wrong", None) if j is None else self._judge_one(j, hand)
            if j is None or verdict == "wrong":
                return self._looked_at(j, hand, sides)
            skipped.flat[j] = True
            if verdict == "kink":
                kinks.append(j)
                skipped |= self._alike(j, hand, kinks)
        self.check.kinks += [(self, j) for j in kinks[:_MANY]]
        if kinks:
            self._note_kinks(kinks[0], int(skipped.sum()))
        return largest

    def _alike(self, j: int, hand: Any, kinks: list[int]) -> Any:
        """Elements of the same value, such as the zeros behind a ReLU, if some of them fit too."""
        same = self.x == self.x.flat[j]
        for k in self.check.rng.permutation(np.flatnonzero(same))[:10]:
            if self._judge_one(int(k), hand)[0] == "wrong":
                return np.zeros(self.x.shape, bool)
            kinks.append(int(k))
        return same

    def _off(self, u: Any, hand: Any) -> tuple[float, bool]:
        """The derivative along u, and whether the gradient says something else."""
        expected, length = float(np.sum(hand * u)), float(np.sqrt(np.sum((hand * u) ** 2)))
        allowed = 1e-2 * self.tolerance * length + (self.check.rtol or 0.0) * abs(expected)
        allowed += (self.check.atol or 0.0) * float(np.abs(u).max())
        allowed += 4 * _ULP * self.check.size / self.spread * float(np.linalg.norm(u))
        if self.analytic:
            exact = self._complex(u)
            off = abs(exact - expected)
            if off <= allowed or off > 1e-7 * length:
                return exact, not off <= allowed
            self._measure_noise()
            numeric, unsure, _ = self._difference(u, self._ladder(self.spread))
            return exact, not abs(numeric - expected) <= unsure < off
        h, allowed = (
            float(np.min(self.steps)),
            allowed + max(10 * self.tolerance, 1e-8) * length,
        )
        numeric = self._central(u, h)
        unsure = float(self._unsure(numeric, h))
        if not abs(numeric - expected) <= allowed + unsure:
            numeric, unsure, _ = self._difference(u, self._ladder(self.spread))
        return numeric, not abs(numeric - expected) <= allowed + unsure

    def _find(self, u: Any, hand: Any) -> int | None:
        """One wrong element, by halving the direction."""
        part = np.flatnonzero(u)
        while part.size > 1:
            for half in np.array_split(part, 2):
                only = np.zeros(u.size)
                only[half] = u.flat[half]
                if self._off(only.reshape(u.shape), hand)[1]:
                    part = half
                    break
            else:
                return None
        return int(part[0])

    def _judge_one(self, j: int, hand: Any) -> tuple[str, tuple[float, float] | None]:
        u, h = self.unit(j), float(self.steps.flat[j])
        numeric = self._complex(u) if self.analytic else self._central(u, h)
        verdict, _, sides = self._judge(j, float(hand.flat[j]), numeric, 0.0)
        return verdict, sides

    def _looked_at(
        self, j: int | None, hand: Any, sides: tuple[float, float] | None
    ) -> _Mistake:
        """The mistake, with all derivatives, or of very many with those of some elements."""
        rng, few = self.check.rng, self.x.size > 20_000
        numeric = np.full(self.x.shape, np.nan) if few else self.all_elements()
        if few:
            nonzero = np.flatnonzero(hand)
            chosen = {*map(int, rng.choice(self.x.size, 30, replace=False)), j or 0}
            chosen |= {*map(int, rng.choice(nonzero, min(30, nonzero.size), replace=False))}
            for k in chosen:
                u, h = self.unit(k), float(self.steps.flat[k])
                numeric.flat[k] = self._complex(u) if self.analytic else self._central(u, h)
        off = np.abs(hand - numeric)
        wrong = off > 10 * self._allowed(numeric, float(np.nanmax(np.abs(numeric))))
        at = j if j is not None else int(np.nanargmax(off))
        wrong.flat[at] = True
        element = self._index(at)
        return _Mistake(self.i, element, hand, numeric, wrong, self.analytic, sides=sides)


# ---------------------------------------------------------------- what the mistake may be


def _message(check: _Check, wrong: dict[int, _Mistake], right: list[int]) -> str:
    """Where the gradient is wrong, and what is known of the mistake; each statement was tested."""
    first, *others = sorted(wrong)
    parts = [_where(check, wrong[first]), _Clues(check, wrong, first).best()]
    for i in others:
        clue = _Clues(check, wrong, i).best()
        parts.append(f"{check.function.name(i)} is wrong too{': ' + clue if clue else ''}")
    if right and not (wrong[first].said and check.kinks):
        parts.append(f"right: the gradient on {', '.join(map(check.function.name, right))}")
    parts += [f"note: {note}" for note in dict.fromkeys(check.notes)]
    return "; ".join(part for part in parts if part)


def _where(check: _Check, mistake: _Mistake) -> str:
    name = check.function.name(mistake.input)
    if mistake.element is None:
        x = check.arrays[mistake.input]
        return f"{name} has shape {x.shape} and its gradient {mistake.by_hand.shape}"
    # + 0.0, for a zero without a sign.
    hand, numeric = (of[mistake.element] + 0.0 for of in (mistake.by_hand, mistake.numeric))
    element = f", element {mistake.element}" if mistake.element else ""
    if mistake.sides:
        left, right = mistake.sides
        return (
            f"{name}{element}: gradient {hand:.10g}, at a kink where the derivative is {left:.10g} on one "
            f"side and {right:.10g} on the other"
        )
    return f"{name}{element}: gradient {hand:.10g}, derivative {numeric:.10g}"


def _near(a: Any, b: Any, digits: float = 1e-5, floor: float = 1e-12) -> bool:
    """Whether two arrays are equal, element by element, and not both zero."""
    size = float(np.abs(b).max(initial=0.0))
    if a.shape != b.shape or size == 0:
        return False
    return bool((np.abs(a - b) <= digits * np.abs(b) + floor * size).all())


# Whether it is missing or too much, nobody can tell who does not know the formula.
_TERM = "a term is missing or wrong: gradient minus derivative is"


class _Clues:
    """What a wrong gradient has to do with the right one. The first clue that holds is given."""

    def __init__(self, check: _Check, wrong: dict[int, _Mistake], i: int) -> None:
        self.check, self.wrong, self.i, self.mistake = check, wrong, i, wrong[i]
        self.x, self.right = check.arrays[i], self.mistake.numeric
        self.hand = self.mistake.by_hand.astype(float)
        # A difference leaves some rounding of the largest element in each.
        digits, floor = (
            (1e-6, 1e-13) if self.mistake.exact else (1e-4, max(1e-6, self.mistake.rough))
        )
        self.digits, self.floor = digits, floor
        self.near = partial(_near, digits=10 * digits, floor=floor)

    def best(self) -> str:
        """The first clue that holds, or nothing."""
        if self.mistake.said or self.mistake.element is None:
            return self.mistake.said or self.of_shape()
        known = np.isfinite(self.right)
        looks: list[Any] = [self.an_output_ignored, lambda: self.factor(known)]
        apart = known.all() and not _near(self.hand, self.right, 0.05)
        if apart:
            looks = [self.exchanged, *looks, self.moved, self.of_moved_dout]
        if known.all():
            looks += [self.multiplied, self.dout_itself, self.added,
                      self.added_along_axes, self.contributions]  # fmt: skip
        looks += [lambda: self.close(known), lambda: self.places(known)]
        for look in looks:
            # The function may have no value where a clue would look.
            with contextlib.suppress(Exception):
                clue = look()
                if clue:
                    return str(clue)
        return ""

    def exchanged(self) -> str:
        for j, other in self.wrong.items():
            if j == self.i or other.element is None:
                continue
            if self.near(self.hand, other.numeric) and self.near(other.by_hand, self.right):
                one, two = sorted([self.i, j])
                return f"the gradients of inputs {one} and {two} are exchanged"
        return ""

    def an_output_ignored(self) -> str:
        """Of several outputs, one whose dout changes nothing, though the output does depend on x."""
        check, at = self.check, 0
        if len(check.outs) == 1:
            return ""
        u, h = check.rng.standard_normal(self.x.shape), 1e-5 * (np.abs(self.x).max() + 1e-3)
        above, below = (check.vector_with(self.i, self.x + s * h * u) for s in (1, -1))
        for k, out in enumerate(check.outs):
            only = np.zeros(check.dout.size)
            only[at : at + out.size] = check.dout[at : at + out.size]
            at += out.size
            gradient = check.once(only)[1][self.i]
            depends = abs(only @ (above - below)) > 1e-6 * h * float(np.abs(self.right).max())
            if gradient is not None and not np.any(gradient) and depends:
                return f"dout of output {k} is ignored: it does not change this gradient"
        return ""

    def factor(self, known: Any) -> str:
        hand, right = self.hand[known], self.right[known]
        if not self.hand.any():
            return "the gradient is zero everywhere: was it forgotten?"
        if not right.any():
            if not known.all():
                return ""
            if self.mistake.exact:
                return "the function does not depend on this input: every derivative is zero"
            return (
                "every derivative is zero, as far as differences can tell: does the function "
                "depend on this input?"
            )
        c = float(np.sum(hand * right) / np.sum(right**2))
        if abs(c) < 1e-12 or abs(c - 1) < 5 * self.digits or not self.near(hand, c * right):
            return ""
        if hand.size == 1:
            return self._of_one_element(c)
        if known.all():
            return (
                f"the gradient is {c:.6g} times the derivative everywhere: {self._meaning(c)}"
            )
        u = self.check.rng.standard_normal(self.x.shape)
        along = _Derivative(self.check, self.i).along(u)
        if abs(np.sum(self.hand * u) - c * along) > 1e-4 * float(np.linalg.norm(self.hand)):
            return ""
        return (
            f"the gradient is {c:.6g} times the derivative in all {hand.size} elements that were looked "
            f"at, and along a random direction: {self._meaning(c)}"
        )

    def _of_one_element(self, c: float) -> str:
        """One number is always a multiple of another: look again at other inputs."""
        arrays, rng = self.check.arrays, self.check.rng
        others = [[*arrays[: self.i], k * self.x, *arrays[self.i + 1 :]] for k in (1.15, 1.3)]
        x, hand, right = np.array([self._pair_at(at) for at in (arrays, *others)]).T
        off = hand - right
        moved = [a * (1 + 0.2 * rng.uniform(0.5, 1, a.shape)) for a in arrays]
        _, hand_there, right_there = self._pair_at(moved)
        if self.near(np.array([*hand, hand_there]), c * np.array([*right, right_there])):
            return f"the gradient is {c:.6g} times the derivative: {self._meaning(c)}"
        if _near(off, np.full(3, off[0]), 1e-4):
            return f"{_TERM} a constant, {off[0]:.6g}"
        if x[0] and _near(off, off[0] / x[0] * x, 1e-4):
            return f"{_TERM} proportional to the input, {off[0] / x[0]:.6g} times x"
        return ""

    def _pair_at(self, arrays: list[Any]) -> tuple[float, float, float]:
        """Input, gradient and derivative, all of one element, at other inputs."""
        x = arrays[self.i]
        h = 1e-4 * (float(np.abs(x).max()) + 1e-3)
        sides = ([*arrays[: self.i], x + s * h, *arrays[self.i + 1 :]] for s in (1, -1))
        up, down = (self.check.dout @ self.check.function.vector(side) for side in sides)
        hand = np.ravel(self.check.once(self.check.dout, arrays)[1][self.i])[0]
        return float(np.ravel(x)[0]), float(hand), float((up - down) / (2 * h))

    def _meaning(self, c: float) -> str:
        """The factor as a fraction, and the axis that has its length."""
        if abs(c + 1) < 1e-6:
            return "the sign is wrong"
        sign = "the sign is wrong, and " if c < 0 else ""
        factor, too = (abs(c), "too much") if abs(c) > 1 else (1 / abs(c), "missing")
        from fractions import Fraction  # as logging, for none but those who need it

        near = Fraction(factor).limit_denominator(64)
        simple = near != 1 and factor < 1e6 and abs(near - factor) < 1e-5 * factor
        shown = str(near) if simple else f"{factor:.6g}"
        lengths = []
        arrays = [*(("the output", out) for out in self.check.outs),
                  *((f"input {i}", x) for i, x in enumerate(self.check.arrays))]  # fmt: skip
        for name, array in arrays:
            lengths += [
                (n, f"the length of axis {a} of {name}") for a, n in enumerate(array.shape)
            ]
            lengths += [(array.size, f"the number of elements of {name}")]
        meant = (
            f" (also {what})" for n, what in lengths if n > 1 and abs(n - factor) < 1e-5 * n
        )
        return f"{sign}a factor of {shown}{next(meant, '')} is {too}"

    # -------------------------------------------- the right numbers in the wrong places

    def moved(self) -> str:
        hand, right = self.hand, self.right
        if right.ndim > 1 and self.near(hand, right.T.reshape(right.shape)):
            return "the gradient is transposed"
        if right.ndim > 1 and self.near(hand, right.reshape(right.shape[::-1]).T):
            return "the gradient is transposed: reshape where a transposition is needed"
        for how, change in _moves(right.shape):
            if self.near(hand, change(right)):
                return f"the gradient is {how}"
        for axis, n in enumerate(right.shape):
            first, last = (np.delete(np.arange(n), end) for end in (-1, 0))
            for a, b in ((first, last), (last, first)):
                if n > 2 and self.near(hand.take(a, axis), right.take(b, axis)):
                    return f"the gradient is shifted along axis {axis} by one"
        if right.size > 2 and self.near(np.sort(hand, axis=None), np.sort(right, axis=None)):
            return "the gradient has the right numbers in the wrong places (permuted)"
        return ""

    def of_moved_dout(self) -> str:
        """Right, if dout had been moved first."""
        if len(self.check.outs) > 1:
            return ""
        shape = self.check.outs[0].shape
        dout = self.check.dout.reshape(shape)
        for how, change in _moves(shape):
            try:
                hand = self.check.once(change(dout).ravel())[1][self.i]
            except Exception:
                continue
            if self.near(np.asarray(hand), self.right):
                return f"the gradient would be right if dout were {how}"
            back = dict(_moves(self.right.shape)).get(how)
            if back and self.near(back(np.asarray(hand)), self.right):
                return f"the gradient would be right if dout, and then the gradient, were {how}"
        return ""

    # -------------------------------------------- a factor or a term

    def multiplied(self) -> str:
        """Another array is a factor too much, or a factor that is missing."""
        for name, factor in self._named_arrays():
            if np.ptp(factor) and np.isfinite(factor).all():
                if self.near(self.hand * factor, self.right):
                    return (
                        f"the gradient is right if multiplied by {name}: this factor is missing"
                    )
                if self.near(self.hand, self.right * factor):
                    return f"the gradient is right if divided by {name}: one factor too many"
        return ""

    def _named_arrays(self) -> Iterator[tuple[str, Any]]:
        """Arrays that fit the input: inputs, outputs, and what is often made of them."""
        arrays = [(f"input {j}", x) for j, x in enumerate(self.check.arrays)]
        for k, out in enumerate(self.check.outs):
            of = "the output" if len(self.check.outs) == 1 else f"output {k}"
            arrays += [
                (of, out),
                (f"(1 - {of})", 1 - out),
                (f"(1 - the square of {of})", 1 - out**2),
            ]
        for name, array in [*arrays, *self._dout_of_this_shape()]:
            with contextlib.suppress(ValueError):
                yield name, np.broadcast_to(array, self.x.shape)

    def _dout_of_this_shape(self) -> list[tuple[str, Any]]:
        """The gradient on the output, where each element of the input has one of its own."""
        out = self.check.outs[0]
        if len(self.check.outs) == 1 and out.size > 1:
            dout = self.check.dout.reshape(out.shape)
            more = self.x.ndim - out.ndim
            dout = dout.reshape(out.shape + (1,) * max(more, 0))
            with contextlib.suppress(ValueError):
                return [("dout", np.broadcast_to(dout, self.x.shape))]
        return []

    def dout_itself(self) -> str:
        for name, dout in self._dout_of_this_shape():
            if self.near(self.hand, dout):
                of_a_mask = np.unique(np.round(self.right / dout, 9))
                forgotten = (
                    "the mask, by which the derivative is multiplied, is" if of_a_mask.size == 2 and
                    0 in of_a_mask else "a factor or a term of the derivative is"
                )  # fmt: skip
                return f"the gradient is {name} itself: {forgotten} forgotten"
        return ""

    def _terms(self) -> list[tuple[str, Any]]:
        terms = [("1", np.ones(self.x.shape)), ("the input", self.x)]
        terms += [("the output", out) for out in self.check.outs if out.shape == self.x.shape]
        return terms + self._dout_of_this_shape()

    def added(self) -> str:
        """The difference is a simple term, over all elements."""
        off = self.hand - self.right
        if self.x.size < 4:
            return ""
        for name, term in [*self._terms(), ("the sign of the input", np.sign(self.x))]:
            c = float(np.sum(off * term) / np.sum(term**2)) if term.any() else 0.0
            if self.near(c * term, off):
                what = f"a constant, {c:.6g}," if name == "1" else f"{c:.6g} times {name}"
                constant = " (a constant term)" if name == "dout" else ""
                return f"{_TERM} {what} in every element{constant}"
        return ""

    def added_along_axes(self) -> str:
        """The difference is a sum of terms along some axes: what a mean or a sum over them leaves."""
        off, (one, *others) = self.hand - self.right, self._terms()
        choices = [[one], *([term] for term in others), *([one, term] for term in others)]
        for count in range(1, self.x.ndim + 1):
            for axes in itertools.combinations(range(self.x.ndim), count):
                for terms in choices:
                    if _in_span(off, [term for _, term in terms], axes):
                        over = f"axis {axes[0]}" if count == 1 else f"axes {axes}"
                        alike = " and ".join(
                            "a number" if n == "1" else f"a number times {n}" for n, _ in terms
                        )
                        alike = "the same" if terms == [one] else alike
                        return (
                            f"gradient minus derivative is {alike} all along {over}: a mean or sum "
                            f"over {over} is missing or wrong"
                        )  # fmt: skip
        return ""

    # -------------------------------------------- outputs that an element reaches

    def contributions(self) -> str:
        """Of the outputs that an element reaches, only some are counted, or some twice."""
        if not 1 < self.check.dout.size <= 600:
            return ""
        true, hand, reached = self._column()
        if not 1 < reached.size <= 200:
            return ""
        times = hand / true
        counted = np.abs(times - 1) < 1e-3
        if counted.any() and not counted.all() and (counted | (np.abs(times) < 1e-5)).all():
            return (
                f"contributions are missing: of {reached.size} outputs that this element reaches, the "
                f"gradient counts {counted.sum()}{self._along(reached, counted)} (= where += is needed, "
                "an index used more than once, a sum that is incomplete?)"
            )
        if (times > 1.5).any() and np.abs(times - np.round(times)).max() < 1e-3 < np.ptp(times):
            return (
                f"contributions are counted wrongly: of {reached.size} outputs that this element "
                f"reaches, the gradient counts {int((times > 1.5).sum())} more than once"
            )
        return ""

    def _column(self) -> tuple[Any, Any, Any]:
        """The derivatives of all outputs by the wrong element: true, by hand, and which are not 0."""
        check, element, u = self.check, self.mistake.element, np.zeros(self.x.shape)
        u[element] = h = 1e-4 * (float(np.abs(self.x).max()) + 1e-3)
        change = (
            check.vector_with(self.i, self.x + u) - check.vector_with(self.i, self.x - u)
        ) / (2 * h)
        reached = np.flatnonzero(np.abs(change) > 1e-6 * np.abs(change).max())
        if reached.size > 200:
            return change, change, reached
        unit = np.eye(check.dout.size)
        hand = np.array([check.once(unit[k])[1][self.i][element] for k in reached], dtype=float)
        return change[reached], hand, reached

    def _along(self, reached: Any, counted: Any) -> str:
        """The axis of the output along which those lie that are not counted."""
        shape = self.check.outs[0].shape
        if len(self.check.outs) > 1 or not shape:
            return ""
        missed = np.array(np.unravel_index(reached[~counted], shape))
        there = np.array(np.unravel_index(reached[counted], shape))
        axes = [a for a in range(len(shape)) if np.ptp([*missed[a], *there[a]])]
        return f": the sum over axis {axes[0]} is incomplete" if len(axes) == 1 else ""

    # -------------------------------------------- which elements

    def places(self, known: Any) -> str:
        """Which elements are wrong, and what sets them apart."""
        hand, right = self.hand, np.where(known, self.right, self.hand)
        size = np.abs(right).max()
        wrong = known & (np.abs(hand - right) > self.digits * np.abs(right) + self.floor * size)
        if not wrong.any():
            wrong = self.mistake.wrong & known
        zero = np.abs(right) <= 10 * self.floor * size
        if known.all() and ((hand == 0) == ~zero).all():
            return "the gradient is zero where the derivative is not, and only there: a mask is upside down"
        count, of = int(wrong.sum()), int(known.sum())
        if count == of:
            return ""
        some = f"{count} of {of} elements" + ("" if known.all() else " that were looked at")
        where = self._set_apart(wrong, known)
        if zero[wrong].all():
            return f"wrong only where the derivative is zero, in {some}{where}: a mask lets too much through?"
        if not hand[wrong].any() and where:
            return (
                f"wrong only where the gradient is zero, in {some}{where}: were they forgotten?"
            )
        if not hand[wrong].any():
            return (
                f"wrong only where the gradient is zero, in {some}: a mask that is too strict, or elements "
                "that were forgotten?"
            )
        others = "the others are right" if self.mistake.exact else "no other is clearly wrong"
        return f"wrong in {some}{where}{self._ratio(hand[wrong], right[wrong])}; {others}"

    def _set_apart(self, wrong: Any, known: Any) -> str:
        """What the wrong elements have in common that no other has."""
        x = self.x
        for test, words in ((x < 0, "negative"), (x > 0, "positive"), (x == 0, "zero")):
            if (x.size > 7 or words == "zero") and (wrong == (test & known)).all():
                return f", exactly those whose input is {words} (one side of a kink?)"
        for axis in range(x.ndim) if known.all() else ():
            has = np.flatnonzero(wrong.any(axis=tuple(a for a in range(x.ndim) if a != axis)))
            if has.size <= x.shape[axis] / 2:
                named = ", ".join(map(str, has[:6])) + (", …" if has.size > 6 else "")
                return f", all at index {named} of axis {axis} (length {x.shape[axis]})"
        return ""

    def _ratio(self, hand: Any, right: Any) -> str:
        if (
            hand.size < 2
            or not right.all()
            or not _near(hand / right, np.full(hand.shape, hand[0] / right[0]), 1e-4)
        ):
            return ""
        c = float(hand[0] / right[0])
        whole = 1 / c > 1.5 and abs(1 / c - round(1 / c)) < 1e-3
        more = " (an index used more than once, and counted once?)" if whole else ""
        return f", {c:.6g} times the derivative at each of these{more}"

    def close(self, known: Any) -> str:
        hand, right = self.hand[known], self.right[known]
        large = np.abs(right) > 1e-6 * np.abs(right).max()
        off = np.abs(hand - right)[large] / np.abs(right)[large]
        if (
            off.max(initial=1.0 if not large.any() else 0.0) > 1e-2
            or np.mean(off > 1e-12) < 0.3
        ):
            return ""
        return (
            f"nearly right: no element is off by more than {off.max():.1g} of itself (lower precision, or "
            "an approximation, in a part of it?)"
        )

    def of_shape(self) -> str:
        """What a gradient of the wrong shape is, if it is made of the right numbers."""
        hand, right = self.hand, self.right
        if right is None or not right.any():
            return ""
        if right.ndim > 1 and self.near(hand, right.T):
            return "the gradient is transposed"
        if hand.size == right.size and self.near(hand.reshape(right.shape), right):
            return "the numbers are right, only the shape is not: reshape it"
        return _summed(hand, right, "its {} over {} is right: a sum over the batch, or over an axis that "
                       "was broadcast, is missing") or _summed(
            right, hand, "it is the {} of the derivative over {}: one sum too many")  # fmt: skip


def _summed(big: Any, small: Any, said: str) -> str:
    for count in range(1, big.ndim + 1):
        for axes in itertools.combinations(range(big.ndim), count):
            for name, total in (("sum", np.sum(big, axes)), ("mean", np.mean(big, axes))):
                if total.size == small.size and _near(total.reshape(small.shape), small):
                    return said.format(
                        name, f"axis {axes[0]}" if count == 1 else f"axes {axes}"
                    )
    return ""


def _moves(shape: tuple[int, ...]) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Ways to move the elements of an array within its shape, in words and done."""
    axes = range(len(shape))
    for order in itertools.permutations(axes):
        if order != tuple(axes) and tuple(shape[a] for a in order) == shape:
            two = [a for a in axes if order[a] != a]
            how = (
                f"transposed (axes {two[0]} and {two[1]})"
                if len(two) == 2
                else f"permuted: axes {order}"
            )
            yield how, partial(np.transpose, axes=order)
    flips = [(axis,) for axis in axes] + (
        [(len(shape) - 2, len(shape) - 1)] if len(shape) > 1 else []
    )
    for some in flips:
        if np.prod([shape[axis] for axis in some]) > 1:
            over = f"axis {some[0]}" if len(some) == 1 else f"axes {some[0]} and {some[1]}"
            yield f"flipped along {over}", partial(np.flip, axis=some)
    for axis in axes:
        for k in range(1, min(shape[axis], 50)):
            how = f"shifted along axis {axis} by {k}, in a circle"
            yield how, partial(np.roll, shift=k, axis=axis)


def _in_span(off: Any, terms: list[Any], axes: tuple[int, ...]) -> bool:
    """Whether, along some axes, each row is a sum of the terms, with numbers of its own."""
    length = int(np.prod([off.shape[a] for a in axes]))
    if length < len(terms) + 2:
        return False
    last = range(-len(axes), 0)
    rows, *basis = (np.moveaxis(a, axes, last).reshape(-1, length) for a in (off, *terms))
    if len(rows) == 1 and len(terms) == 1:
        return False  # said of every element before
    for r, row in enumerate(rows):
        A = np.stack([b[r] for b in basis], axis=1)
        fit = A @ np.linalg.lstsq(A, row, rcond=None)[0]
        if np.abs(fit - row).max() > 1e-6 * np.abs(off).max():
            return False
    return True


def _shown(a: Any) -> str:
    flat = np.ravel(a)
    return f"{flat[np.argmax(np.abs(flat))]:.6g}"
