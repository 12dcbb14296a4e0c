"""Is a gradient written by hand the derivative of the function beside it?

:func:`gradcheck` takes its arguments as ``torch.autograd.gradcheck`` does, and works on any
NumPy code. Nothing here knows the rest of minikd.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np

from minikd.backend import Array

__all__ = ["GradcheckError", "gradcheck"]

Method = Literal["complex", "central", "direction"]
_EPS = {"complex": 1e-100, "central": 1e-6, "direction": 1e-6}
_ATOL = {"complex": 1e-9, "central": 1e-7, "direction": 1e-7}
_RTOL = {"complex": 1e-9, "central": 1e-6, "direction": 1e-6}


class GradcheckError(AssertionError):
    """A gradient is not the derivative, or the check could not have told."""


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
        ``func(*inputs)`` gives ``(out, backward)``: the value, any shape, and a function that
        turns a gradient on ``out`` into a gradient on each input (one array, or a tuple with
        None for an input that has none). PyTorch records the backward; here it is what you
        wrote. Must be deterministic: draw dropout masks outside.
    inputs : array or sequence of array
        float64. None of them may be written to.
    eps : float, optional
        Step of the difference.
    atol, rtol : float, optional
        Passes where ``|hand - derivative| <= atol + rtol * |derivative|``.
    method : {"complex", "central", "direction"}
        - ``"complex"``: f'(x) = Im f(x + i eps) / eps. Nothing is subtracted, so it is exact to
          rounding, whatever the step; needs code that works on complex numbers (Squire & Trapp
          1998).
        - ``"central"``: (f(x + eps) - f(x - eps)) / 2 eps, with an error of order eps². For
          code that only knows real numbers.
        - ``"direction"``: a central difference along one random direction, against one random
          gradient on the output: two evaluations, however many inputs. For whole networks.
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
        Naming the input, the element and both numbers, and the factor if the gradient is wrong
        by one; also if the derivative and the gradient are zero everywhere, since a check of
        nothing passes always, and if an input was written to.
    ValueError
        If an input is not float64, or the method or a tolerance is not one.

    Notes
    -----
    The default tolerances are those of the method: 1e-9 for the complex step; for central
    differences, whose rounding error is about 1e-16 / eps, atol 1e-7 and rtol 1e-6.

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
    eps = _EPS[method] if eps is None else eps
    atol = _ATOL[method] if atol is None else atol
    rtol = _RTOL[method] if rtol is None else rtol
    if not eps > 0 or atol < 0 or rtol < 0:
        raise ValueError(
            f"eps {eps}, atol {atol}, rtol {rtol}; expected eps > 0, the others ≥ 0"
        )
    arrays = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    for i, x in enumerate(arrays):
        if not isinstance(x, np.ndarray) or x.dtype != np.float64:
            raise ValueError(
                f"input {i} is {getattr(x, 'dtype', type(x).__name__)}; expected a float64 array"
            )
    try:
        if method == "direction":
            _check_direction(func, arrays, eps, atol, rtol, np.random.default_rng(rng))
        else:
            _check_jacobians(func, arrays, eps, atol, rtol, method)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check_jacobians(
    func: Callable[..., Any],
    arrays: list[Any],
    eps: float,
    atol: float,
    rtol: float,
    method: str,
) -> None:
    before = [x.copy() for x in arrays]
    out, backward = func(*arrays)
    out = np.asarray(out)
    # Row j of the Jacobian by hand: the gradient of output j alone.
    rows = [_gradients(backward, one.reshape(out.shape), arrays) for one in np.eye(out.size)]
    for i in range(len(arrays)):
        if not all(
            np.array_equal(a, b, equal_nan=True) for a, b in zip(before, arrays, strict=True)
        ):
            raise GradcheckError("an input was written to; a forward and a backward must not")
        if rows and rows[0][i] is None:
            continue
        columns = list(_derivatives(func, arrays, i, eps, method))
        numeric = np.stack(columns, axis=-1)  # (outputs, elements of x)
        by_hand = np.stack([row[i].reshape(-1) for row in rows])
        _compare(by_hand, numeric, i, atol, rtol)


def _derivatives(
    func: Callable[..., Any], arrays: list[Any], i: int, eps: float, method: str
) -> Iterator[Any]:
    """∂out/∂x, one element of input i after the other, as flat arrays."""
    for k in range(arrays[i].size):
        if method == "complex":
            yield np.imag(_moved(func, arrays, i, k, 1j * eps)) / eps
        else:
            plus, minus = (_moved(func, arrays, i, k, step) for step in (eps, -eps))
            yield (plus - minus) / (2 * eps)


def _moved(func: Callable[..., Any], arrays: list[Any], i: int, k: int, step: complex) -> Any:
    x = arrays[i].astype(np.result_type(arrays[i], type(step)))
    x.reshape(-1)[k] += step
    out, _ = func(*arrays[:i], x, *arrays[i + 1 :])
    return np.asarray(out).reshape(-1)


def _check_direction(
    func: Callable[..., Any],
    arrays: list[Any],
    eps: float,
    atol: float,
    rtol: float,
    rng: np.random.Generator,
) -> None:
    out, backward = func(*arrays)
    dout = rng.standard_normal(np.shape(out))
    gradients = _gradients(backward, dout, arrays)
    for i, (x, gradient) in enumerate(zip(arrays, gradients, strict=True)):
        if gradient is None:
            continue
        u = rng.standard_normal(x.shape)
        u /= np.linalg.norm(u) or 1.0
        plus, minus = (
            np.sum(dout * func(*arrays[:i], x + step * u, *arrays[i + 1 :])[0])
            for step in (eps, -eps)
        )
        numeric = np.array([[(plus - minus) / (2 * eps)]])
        _compare(np.array([[np.sum(gradient * u)]]), numeric, i, atol, rtol)


def _gradients(backward: Callable[..., Any], dout: Any, arrays: list[Any]) -> list[Any]:
    given = backward(dout)
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
    # A copy, in case the backward gives the same buffer every time.
    return [None if g is None else np.array(g) for g in gradients]


def _compare(by_hand: Any, numeric: Any, i: int, atol: float, rtol: float) -> None:
    if not by_hand.any() and not numeric.any():
        raise GradcheckError(
            f"input {i}: gradient and derivative are both zero everywhere, which checks nothing; "
            "choose inputs where the function varies"
        )
    excess = np.abs(by_hand - numeric) - (atol + rtol * np.abs(numeric))
    if (excess <= 0).all():  # false for NaN too
        return
    worst = np.unravel_index(
        np.argmax(np.where(np.isnan(excess), np.inf, excess)), excess.shape
    )
    raise GradcheckError(
        f"input {i}, output {worst[0]}, element {worst[1]}: gradient {by_hand[worst]}, "
        f"derivative {numeric[worst]}{_factor(by_hand, numeric)}"
    )


def _factor(by_hand: Any, numeric: Any) -> str:
    """A hint, if the gradient is the derivative times a number."""
    large = np.abs(numeric) > 1e-3 * np.abs(numeric).max()
    ratios = by_hand[large] / numeric[large]
    if ratios.size < 2 or not np.allclose(ratios, ratios[0], rtol=1e-4, atol=0):
        return ""
    if abs(ratios[0]) < 1e-12:
        return "; the gradient is zero everywhere"
    return f"; the gradient is {ratios[0]:.6g} times the derivative everywhere: a factor is missing"
