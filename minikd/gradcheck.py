"""Is a hand-written gradient the derivative of its function?

:func:`gradcheck` names its arguments as ``torch.autograd.gradcheck`` does, and works on any NumPy
code. This file imports nothing of minikd.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

__all__ = ["GradcheckError", "gradcheck"]

Array: TypeAlias = Any
Method = Literal["complex", "central", "direction"]
_EPS = {"complex": 1e-100, "central": 1e-6, "direction": 1e-6}
_ATOL = {"complex": None, "central": 1e-7, "direction": 1e-7}
_RTOL = {"complex": 1e-12, "central": 1e-6, "direction": 1e-6}


class GradcheckError(AssertionError):
    """A gradient is not the derivative, or the check could not tell."""


def gradcheck(
    func: Callable[..., tuple[Array, Any]],
    inputs: Array | Sequence[Array],
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    *,
    method: Method = "complex",
    raise_exception: bool = True,
    rng: int = 0,
) -> bool:
    """Compare hand-written gradients with derivatives computed from the function alone.

    Parameters
    ----------
    func : callable
        ``func(*inputs)`` returns ``(out, backward)``: the value, of any shape, and a function
        that turns a gradient on ``out`` into a gradient on each input (one array, or a tuple,
        with None for an input without a gradient). PyTorch records the backward pass; here you
        wrote it. Must be deterministic: draw dropout masks outside.
    inputs : array or sequence of array
        float64. None of them may be written to.
    eps : float, optional
        Step size.
    atol, rtol : float, optional
        Passes where ``|hand - derivative| <= atol + rtol * |derivative|``.
    method : {"complex", "central", "direction"}
        - ``"complex"``: f'(x) = Im f(x + i eps) / eps. Nothing is subtracted, so it is exact to
          rounding, whatever the step; needs code that works on complex numbers (Squire & Trapp
          1998).
        - ``"central"``: (f(x + eps) - f(x - eps)) / 2 eps, with an error of order eps². For
          code that only knows real numbers.
        - ``"direction"``: a central difference along one random direction, against one random
          gradient on the output: two evaluations for each input array, however many elements it
          has. For whole networks.
    raise_exception : bool
        False returns False instead of raising :class:`GradcheckError`.
    rng : int
        Seed of the random direction.

    Returns
    -------
    bool
        True if every gradient passes.

    Raises
    ------
    GradcheckError
        If a gradient is wrong; the message names the input, the element and both numbers, and the
        factor if it is wrong by a constant factor. Also if the check could not tell: derivative
        and gradient are zero, or too small for atol, everywhere; no input has a gradient; the
        function drops the imaginary part of a complex step. And if an input was written to.
    ValueError
        If an input is empty or not float64, or the method, the step or a tolerance is not valid.

    Notes
    -----
    The default tolerances depend on the method. For the complex step, atol is 1e-9, or 1e-9 times
    the largest derivative of an input if that is below 1, and rtol is 1e-12. For central
    differences, whose rounding error is about 1e-16 / eps, atol is 1e-7 and rtol is 1e-6. If the
    derivatives are so small that a mistake of 0.1 % in the largest would stay within atol, the
    check raises an error; then choose atol yourself, or use the complex step.

    Examples
    --------
    >>> def square(x):
    ...     return x**2, lambda dout: 2 * x * dout
    >>> gradcheck(square, np.array([1.0, -3.0]))
    True
    >>> def forgotten_two(x):
    ...     return x**2, lambda dout: x * dout
    >>> gradcheck(forgotten_two, np.array([1.0, -3.0]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    minikd.gradcheck.GradcheckError: ...the gradient is 0.5 times the derivative everywhere...
    """
    if method not in _EPS:
        raise ValueError(f"method is {method!r}; expected 'complex', 'central' or 'direction'")
    # A mistake of 0.1 % must show, unless the caller chose atol.
    share = 1e-3 if atol is None else 1.0
    eps = _EPS[method] if eps is None else eps
    atol = _ATOL[method] if atol is None else atol
    rtol = _RTOL[method] if rtol is None else rtol
    if not eps > 0 or (atol is not None and atol < 0) or rtol < 0:
        raise ValueError(
            f"eps {eps}, atol {atol}, rtol {rtol}; expected eps > 0, the others ≥ 0"
        )
    arrays = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    for i, x in enumerate(arrays):
        if not isinstance(x, np.ndarray) or x.dtype != np.float64 or not x.size:
            raise ValueError(
                f"input {i} is {getattr(x, 'dtype', type(x).__name__)}; expected a float64 array "
                "that is not empty"
            )
    try:
        _check(func, arrays, eps, atol, rtol, share, method, np.random.default_rng(rng))
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check(
    func: Callable[..., Any],
    arrays: list[Any],
    eps: float,
    atol: float | None,
    rtol: float,
    share: float,
    method: Method,
    rng: np.random.Generator,
) -> None:
    before = [x.copy() for x in arrays]
    out, backward = func(*arrays)
    out = np.array(out)
    if method == "direction":
        # One random gradient on the output, and one random direction of each input.
        douts = rng.standard_normal((1, *out.shape))
    else:
        # Row j of the Jacobian by hand: the gradient of output j alone.
        douts = np.eye(out.size).reshape(out.size, *out.shape)
    rows = [_gradients(backward, dout, arrays) for dout in douts]
    if not rows or all(gradient is None for gradient in rows[0]):
        raise GradcheckError("nothing to check: no output, or no gradient on any input")
    for i, x in enumerate(arrays):
        if rows[0][i] is None:
            continue
        if method == "direction":
            u = rng.standard_normal(x.shape)
            moves = [u / np.linalg.norm(u)]
        else:
            moves = list(np.eye(x.size).reshape(x.size, *x.shape))
        columns = [_derivative(func, arrays, i, move, eps, method) for move in moves]
        numeric = np.array([[np.sum(d * c) for c in columns] for d in douts])
        by_hand = np.array([[np.sum(row[i] * move) for move in moves] for row in rows])
        _compare(by_hand, numeric, i, atol, rtol, share, method)
    for i, (x, was) in enumerate(zip(arrays, before, strict=True)):
        if not np.array_equal(x, was, equal_nan=True):
            raise GradcheckError(f"input {i} was written to; forward and backward must not")


def _derivative(
    func: Callable[..., Any], arrays: list[Any], i: int, move: Any, eps: float, method: Method
) -> Any:
    """The derivative of the output along one direction of input i."""

    def at(step: complex) -> Any:
        return np.array(func(*arrays[:i], arrays[i] + step * move, *arrays[i + 1 :])[0])

    if method != "complex":
        return (at(eps) - at(-eps)) / (2 * eps)
    out = at(1j * eps)
    if not np.iscomplexobj(out):
        raise GradcheckError(
            "the function drops the imaginary part of a complex step (abs, real, a real buffer); "
            "use method='central'"
        )
    return out.imag / eps


def _gradients(backward: Callable[..., Any], dout: Any, arrays: list[Any]) -> list[Any]:
    given = backward(dout.copy())
    gradients = list(given) if isinstance(given, (tuple, list)) else [given]
    if len(gradients) != len(arrays):
        raise GradcheckError(
            f"the backward gave {len(gradients)} gradients for {len(arrays)} inputs"
        )
    for i, (gradient, x) in enumerate(zip(gradients, arrays, strict=True)):
        if gradient is not None and np.shape(gradient) != x.shape:
            raise GradcheckError(
                f"input {i} has shape {x.shape} and its gradient {np.shape(gradient)}"
            )
    # A copy, in case the backward returns the same buffer every time.
    return [None if g is None else np.array(g) for g in gradients]


def _compare(
    by_hand: Any,
    numeric: Any,
    i: int,
    atol: float | None,
    rtol: float,
    share: float,
    method: Method,
) -> None:
    if not by_hand.any() and not numeric.any():
        raise GradcheckError(
            f"input {i}: gradient and derivative are both zero everywhere, which checks nothing; "
            "choose inputs where the function varies"
        )
    largest = np.abs(numeric).max()
    atol = 1e-9 * min(largest, 1.0) if atol is None else atol
    excess = np.abs(by_hand - numeric) - (atol + rtol * np.abs(numeric))
    if (excess <= 0).all():  # false for NaN too
        if share * largest <= atol:
            raise GradcheckError(
                f"input {i}: no derivative is larger than {largest:.1e}, and atol is {atol:.1e}, so "
                "this check could not tell; lower atol, or use method='complex'"
            )
        return
    worst = np.unravel_index(
        np.argmax(np.where(np.isnan(excess), np.inf, excess)), excess.shape
    )
    where = (
        "along a random direction"
        if method == "direction"
        else f"output {worst[0]}, element {worst[1]}"
    )
    raise GradcheckError(
        f"input {i}, {where}: gradient {by_hand[worst]}, derivative {numeric[worst]}"
        f"{_factor(by_hand, numeric)}"
    )


def _factor(by_hand: Any, numeric: Any) -> str:
    """A hint, if the gradient is the derivative times a number."""
    large = np.abs(numeric) > 1e-3 * np.abs(numeric).max()
    ratios = by_hand[large] / numeric[large]
    if ratios.size < 2 or not np.allclose(ratios, ratios[0], rtol=1e-4, atol=0):
        return ""
    if abs(ratios[0]) < 1e-12:
        return "; the gradient is zero everywhere"
    return (
        f"; the gradient is {ratios[0]:.6g} times the derivative everywhere: a factor is wrong"
    )
