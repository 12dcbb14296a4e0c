"""Stochastic gradient descent with momentum, the learning rate over time, and max-norm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minikd.backend import Array, namespace, on_host

# Rows of a weight matrix updated at a time: few enough that the block, its gradient and its
# velocity stay in the cache of a CPU core between the three passes over them.
_ROWS = 64


def sgd_step(
    parameters: Sequence[Array],
    gradients: Sequence[Array],
    velocities: Sequence[Array],
    learning_rate: Any,
    momentum: float,
) -> None:
    """One step of gradient descent with momentum, in place.

    velocity ← momentum · velocity + gradient, then parameter ← parameter − rate · velocity:
    the form that PyTorch uses. (Sutskever et al. 2013 put the rate inside the velocity; the
    two are the same while the rate is constant.)

    Parameters
    ----------
    parameters, velocities : sequence of array
        Written to. W₁, b₁, W₂, b₂, …
    gradients : sequence of array
    learning_rate : float or array, shape (*E, 1, 1)
        One for all, or one per member of a stack.
    momentum : float
        0 ≤ momentum < 1.
    """
    for i, arrays in enumerate(zip(parameters, gradients, velocities, strict=True)):
        # A bias is updated as a matrix of one row, so that a rate per member fits both.
        w, dw, u = (a[..., None, :] for a in arrays) if i % 2 else arrays
        rows = _ROWS if on_host(w) else w.shape[-2]
        for start in range(0, w.shape[-2], rows):
            block = (..., slice(start, start + rows), slice(None))
            velocity = u[block]
            velocity *= momentum
            velocity += dw[block]
            w[block] -= learning_rate * velocity


def clip_norms(W: Array, limit: float) -> None:
    """Max-norm: incoming weight vectors longer than ``limit`` are scaled back to it, in place.

    The constraint that Hinton et al. 2012 (arXiv:1207.0580) use with dropout, which the teacher
    of Section 3 takes from there.

    Parameters
    ----------
    W : array, shape (*E, in, out)
        The incoming weights of unit j are ``W[..., :, j]``.
    limit : float
        Largest Euclidean length.
    """
    xp = namespace(W)
    squares = xp.einsum("...io,...io->...o", W, W)[..., None, :]
    if on_host(W) and not (squares > limit**2).any():
        return
    # A vector of zeros has no length to divide by, and need not be scaled.
    W *= limit / xp.sqrt(xp.maximum(squares, limit**2))


def learning_rate_at(step: int, steps: int, peak: Any, warm_up: int) -> Any:
    """The learning rate over a run: a linear warm-up, then half a cosine down to 0.

    Parameters
    ----------
    step : int
        0 for the first.
    steps : int
        Of the whole run.
    peak : float or array
        The rate at the end of the warm-up.
    warm_up : int
        Steps of the warm-up; 0 for none.

    Examples
    --------
    >>> [round(learning_rate_at(t, 10, 1.0, 2), 2) for t in range(10)]
    [0.5, 1.0, 1.0, 0.96, 0.85, 0.69, 0.5, 0.31, 0.15, 0.04]
    """
    if step < warm_up:
        return peak * ((step + 1) / warm_up)
    done = (step - warm_up) / max(steps - warm_up, 1)
    return peak * (0.5 * (1 + math.cos(math.pi * done)))
