"""Stochastic gradient descent with momentum, the learning rate over time, and max-norm."""

from __future__ import annotations

import math
from collections.abc import Sequence

from minikd.backend import Array, add_scaled, namespace, on_host


class Velocities:
    """A velocity for each parameter, for gradient descent with momentum.

    velocity ← momentum · velocity + gradient: the form that PyTorch uses; :func:`sgd_step` then
    goes down the velocity. (Sutskever et al. 2013 put the learning rate inside; the two are the
    same while it is constant.)

    Multiplying all velocities in each step costs more than adding the gradient, which the product
    that makes it can do by itself. So they are kept at another scale: ``arrays`` times ``scale``
    are the velocities. A step lowers the scale by the momentum and adds gradient / scale, and what
    is in the arrays need not be touched:

        scale ← momentum · scale,  array ← array + gradient / scale.

    Parameters
    ----------
    arrays : list of array
        Zeros, shaped like the parameters.
    momentum : float
        0 ≤ momentum < 1.

    Attributes
    ----------
    keep : float
        What the product is to keep of the arrays, in :meth:`minikd.MLP.backward`: everything, but
        with hardly any momentum no more than that.
    """

    def __init__(self, arrays: list[Array], momentum: float) -> None:
        self.arrays, self.momentum = arrays, momentum
        self.scale = 1.0
        # A momentum so small would take the scale out of the range of float32 in a few steps.
        self.keep = momentum if momentum < 1e-2 else 1.0

    def decay(self) -> float:
        """Begin a step, and give the scale that its gradient is to be divided by."""
        if self.keep == 1:
            if self.scale < 1e-3:
                self.settle()
            self.scale *= self.momentum
        return self.scale

    def settle(self) -> None:
        """Make the arrays the velocities themselves, at scale 1."""
        for array in self.arrays:
            array *= self.scale
        self.scale = 1.0


def sgd_step(
    parameters: Sequence[Array], velocities: Sequence[Array], learning_rate: float
) -> None:
    """One step of gradient descent, in place: parameter ← parameter − rate · velocity.

    Parameters
    ----------
    parameters : sequence of array
        Written to.
    velocities : sequence of array
        Without momentum, the gradients.
    learning_rate : float
    """
    for p, velocity in zip(parameters, velocities, strict=True):
        add_scaled(p, -learning_rate, velocity)


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


def learning_rate_at(step: int, steps: int, peak: float, warm_up: int) -> float:
    """The learning rate over a run: a linear warm-up, then half a cosine down to 0.

    Parameters
    ----------
    step : int
        0 for the first.
    steps : int
        Of the whole run.
    peak : float
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
