"""Stochastic gradient descent with momentum, the learning rate over time, and max-norm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minikd import arrays, values
from minikd.backend import Array, namespace, on_host


def sgd_step(
    parameters: Sequence[Array],
    velocities: Sequence[Array],
    gradients: Sequence[Array],
    learning_rate: Any,
    momentum: float,
) -> None:
    """One step of gradient descent with momentum, in place.

        velocity ← momentum · velocity + gradient
        parameter ← parameter − learning rate · velocity

    This is the form that PyTorch uses. (Sutskever et al. 2013 put the learning rate inside the
    velocity; the two are the same while it is constant.)

    Parameters
    ----------
    parameters, velocities : sequence of array
        Written to.
    gradients : sequence of array
        With the same shapes.
    learning_rate : float, or array, shape (E,)
        An array gives one for each member of a stack.
    momentum : float
        0 ≤ momentum < 1.
    """
    momentum = values.share("momentum", momentum)
    parts = _parts_fit(parameters, velocities, gradients)
    learning_rate = _rate_fits(learning_rate, parameters)
    for p, u, g in parts:
        u *= momentum
        u += g
        p -= _beside(learning_rate, p) * u


def _parts_fit(parameters: Any, velocities: Any, gradients: Any) -> list[tuple[Any, ...]]:
    named = {"parameters": parameters, "velocities": velocities, "gradients": gradients}
    for name, given in named.items():
        if not isinstance(given, (list, tuple)) or not all(hasattr(a, "dtype") for a in given):
            raise values.refused(name, given, "a list of arrays")
        kinds = [(tuple(a.shape), a.dtype) for a in (arrays.floats(name, a) for a in given)]
        if not kinds or kinds != [(tuple(p.shape), p.dtype) for p in parameters]:
            raise ValueError(
                f"{name} have other shapes or dtypes than parameters; expected the same, floating-point, "
                "and at least one array"
            )
    return list(zip(parameters, velocities, gradients, strict=True))


def _rate_fits(rate: Any, parameters: Sequence[Array]) -> Any:
    """A learning rate, or one for each member, that is positive or 0 at the end of a run."""
    given = values.plain(rate)
    if values.is_number(given):
        return values.weight("learning_rate", given)
    rates = arrays.array("learning_rate", rate)
    if (
        not rates.size
        or rates.min() < 0
        or any(rates.shape != tuple(p.shape[:1]) for p in parameters)
    ):
        raise values.refused("learning_rate", rate, "a rate ≥ 0, or one for each member")
    return rates


def _beside(rate: Any, p: Array) -> Any:
    """One rate, or one for each member of p, shape (E, 1, …)."""
    if np.ndim(rate) == 0:
        return rate
    return namespace(p).asarray(np.reshape(rate, (-1,) + (1,) * (p.ndim - 1)), dtype=p.dtype)


def clip_norms(W: Array, limit: float) -> None:
    """Max-norm: incoming weight vectors longer than ``limit`` are scaled back to it, in place.

    Hinton et al. 2012 (arXiv:1207.0580) use this constraint with dropout; the teacher of Section 3
    takes both from there.

    Parameters
    ----------
    W : array, shape (*E, in, out)
        The incoming weights of unit j are ``W[..., :, j]``.
    limit : float
        Largest Euclidean length.
    """
    W, limit = arrays.floats("W", W), values.length("limit", limit)
    if W.ndim < 2 or W.dtype.kind != "f":
        raise ValueError(
            f"W has shape {tuple(W.shape)} and dtype {W.dtype}; expected real numbers (*E, in, out)"
        )
    xp = namespace(W)
    lengths = xp.sqrt(xp.einsum("...io,...io->...o", W, W))[..., None, :]
    if on_host(W) and not (lengths > limit).any():
        return
    # limit / limit is 1, to the bit: the others stay as they are.
    W *= limit / xp.maximum(lengths, limit)


def learning_rate_at(step: int, steps: int, peak: Any, warm_up: int) -> Any:
    """The learning rate over a run: a linear warm-up, then half a cosine down to 0.

    Parameters
    ----------
    step : int
        Counted from 0.
    steps : int
        In the whole run.
    peak : float or array
        The rate at the end of the warm-up; an array gives one for each member of a stack.
    warm_up : int
        Steps in the warm-up; 0 for none.

    Examples
    --------
    >>> [round(learning_rate_at(t, 10, 1.0, 2), 2) for t in range(10)]
    [0.5, 1.0, 1.0, 0.96, 0.85, 0.69, 0.5, 0.31, 0.15, 0.04]
    """
    steps, warm_up = values.whole("steps", steps, 1), values.whole("warm_up", warm_up)
    rates = values.positive_rates("peak", peak)
    peak = np.asarray(rates) if isinstance(rates, tuple) else rates
    if values.whole("step", step) >= steps:
        raise ValueError(f"step is {step} and steps {steps}; expected step < steps")
    return peak * share_of_peak(int(step), steps, warm_up)


def share_of_peak(step: int, steps: int, warm_up: int) -> float:
    """What part of its peak the learning rate has at a step of a run."""
    if step < warm_up:
        return (step + 1) / warm_up
    done = (step - warm_up) / max(steps - warm_up, 1)
    return 0.5 * (1 + math.cos(math.pi * done))
