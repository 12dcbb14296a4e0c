"""Linear, ReLU and dropout: each a forward and a backward, derived in the docstring.

A forward returns ``(out, cache)``; its backward takes ``(dout, cache)``, where ``dout`` stands for
∂C/∂out, and gives the gradients of the cost C. There is no hidden state, no update inside a
backward, and no argument is written to.

Arrays may have a leading axis for the members of a stack, written ``*E``. The same code then serves
one network and many. Training uses the same formulas with buffers (:mod:`minikd.fast`), and a test
holds the two equal.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikd import arrays, values
from minikd.backend import Array, namespace, random_bytes, transpose


def linear_forward(x: Array, W: Array, b: Array) -> tuple[Array, tuple[Array, Array]]:
    """The affine map z = x W + b.

    Parameters
    ----------
    x : array, shape (B, in) or (*E, B, in)
        Without the member axis, all members see the same x.
    W : array, shape (*E, in, out)
    b : array, shape (*E, out)

    Returns
    -------
    z : array, shape (*E, B, out)
    cache
    """
    x, W, b = _linear_fits(x, W, b)
    z = x @ W + b[..., None, :]
    return z, (x, W)


def _linear_fits(x: Array, W: Array, b: Array) -> tuple[Array, Array, Array]:
    x, W, b = arrays.floats("x", x), arrays.floats("W", W), arrays.floats("b", b)
    (*E, n_in, n_out), cases = W.shape if W.ndim > 1 else (0, 0), x.shape
    fits = (
        x.ndim > 1
        and W.ndim > 1
        and x.shape[-1] == n_in
        and tuple(cases[:-2]) in ((), tuple(E))
    )
    if not fits or tuple(b.shape) != (*E, n_out):
        raise ValueError(
            f"x has shape {tuple(cases)}, W {tuple(W.shape)} and b {tuple(b.shape)}; expected "
            "(B, in) or (*E, B, in), (*E, in, out) and (*E, out)"
        )
    return x, W, b


def linear_backward(
    dz: Array, cache: tuple[Array, Array], *, input_gradient: bool = True
) -> tuple[Array | None, Array, Array]:
    """Gradients of a cost with respect to x, W and b.

    For one case, zⱼ = Σᵢ xᵢ Wᵢⱼ + bⱼ. The chain rule, term by term:

    - ∂C/∂xᵢ = Σⱼ ∂C/∂zⱼ Wᵢⱼ, as a matrix dx = dz Wᵀ,
    - ∂C/∂Wᵢⱼ = ∂C/∂zⱼ xᵢ, summed over cases dW = xᵀ dz,
    - ∂C/∂bⱼ = ∂C/∂zⱼ, summed over cases.

    Parameters
    ----------
    dz : array, shape (*E, B, out)
    cache
        From :func:`linear_forward`.
    input_gradient : bool
        The first layer of a network needs no dx, and is a third cheaper without it.

    Returns
    -------
    dx : array, shape (*E, B, in), or None
        One per member, even if the members shared x.
    dW : array, shape (*E, in, out)
    db : array, shape (*E, out)
    """
    x, W = values.cache("cache", cache, 2, "linear_forward")
    dz = arrays.like("dz", dz, (x.shape[-2], W.shape[-1]), W.shape[:-2])
    input_gradient = values.flag("input_gradient", input_gradient)
    dx = dz @ transpose(W) if input_gradient else None
    dW = transpose(x) @ dz
    db = namespace(dz).sum(dz, axis=-2)
    return dx, dW, db


def relu_forward(z: Array) -> tuple[Array, Array]:
    """Rectified linear units: h = max(z, 0), elementwise; any shape."""
    z = arrays.floats("z", z)
    h = namespace(z).maximum(z, 0)
    return h, h


def relu_backward(dh: Array, cache: Array) -> Array:
    """The gradient passes where the unit was on: dz = dh where z > 0, else 0.

    The cache is the output h, which is positive exactly where z is. The comparison must be
    strict: h ≥ 0 holds everywhere.
    """
    dh, h = _pair("dh", dh, cache)
    return dh * (h > 0)


def dropout_mask(rng: Any, shape: tuple[int, ...], rate: float, like: Array) -> Array:
    """A mask of inverted dropout: 0 with probability ``rate``, else 1 / (1 - rate).

    The scale keeps the mean of a masked unit what it is without dropout, so a network is evaluated
    unchanged. One random byte decides about one unit: the rate is rounded to a multiple of 1/256,
    and the scale is computed from the rounded rate, so the mean is exact.

    Parameters
    ----------
    rng : generator
        A generator of the device of ``like``.
    shape : tuple of int
    rate : float
        0 ≤ rate < 1.
    like : array
        Gives the dtype and the device.

    Returns
    -------
    array, of the given shape

    Raises
    ------
    ValueError
        If the rate is out of range.
    """
    dropped, like = dropped_bytes(rate), arrays.floats("like", like)
    shape = tuple(values.wholes("shape", shape, 1))
    values.generator("rng", rng)
    kept = random_bytes(rng, shape, namespace(like)) >= np.uint8(dropped)
    return kept * like.dtype.type(256 / (256 - dropped))


def dropped_bytes(rate: float) -> int:
    """How many of the 256 values of a byte mean that a unit is dropped."""
    rate = values.number("dropout rate", rate, "0 ≤ rate < 1", lambda rate: 0 <= rate < 1)
    return min(round(256 * rate), 255)


def dropout_forward(h: Array, mask: Array) -> tuple[Array, Array]:
    """h times the mask, elementwise; the mask is drawn by :func:`dropout_mask`."""
    h, mask = arrays.floats("h", h), arrays.floats("mask", mask)
    # Members of a stack may share h.
    if h.ndim > mask.ndim or tuple(mask.shape[mask.ndim - h.ndim :]) != tuple(h.shape):
        raise ValueError(
            f"h has shape {tuple(h.shape)} and mask {tuple(mask.shape)}; expected the same"
        )
    return h * mask, mask


def dropout_backward(dout: Array, cache: Array) -> Array:
    """dh = dout times the same mask, its scale included: the layer is linear in h."""
    dout, mask = _pair("dout", dout, cache)
    return dout * mask


def _pair(name: str, gradient: Array, cache: Array) -> tuple[Array, Array]:
    """A gradient and what the forward pass kept, of the same shape."""
    gradient, cache = arrays.floats(name, gradient), arrays.floats("cache", cache)
    if gradient.shape != cache.shape:
        raise ValueError(
            f"{name} has shape {tuple(gradient.shape)} and cache {tuple(cache.shape)}; expected the "
            "same"
        )
    return gradient, cache
