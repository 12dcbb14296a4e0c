"""Linear, ReLU and dropout: each a forward and a backward, derived in the docstring.

A forward returns ``(out, cache)``, its backward takes ``(dout, cache)`` and gives the gradients
of a cost C: ``dout`` stands for ∂C/∂out. There is no hidden state, no update inside a
backward, and no argument is written to, except ``out``, a buffer that the caller hands in to
have the result in it. Arrays may have axes for the members of a stack in front, written
``*E``: one code for one network and for many.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikd.backend import (
    Array,
    apart,
    namespace,
    pass_where_positive,
    product,
    random_bytes,
    side_by_side,
)


def linear_forward(
    x: Array, W: Array, b: Array, out: Array | None = None
) -> tuple[Array, tuple[Array, Array]]:
    """The affine map z = x W + b.

    Parameters
    ----------
    x : array, shape (B, in) or (*E, B, in)
        Without the member axes, all members see the same x.
    W : array, shape (*E, in, out)
    b : array, shape (*E, out)

    Returns
    -------
    z : array, shape (*E, B, out)
    cache
    """
    return _of_members(x, W, out, start=b[..., None, :]), (x, W)


def linear_backward(
    dz: Array,
    cache: tuple[Array, Array],
    *,
    input_gradient: bool = True,
    dx: Array | None = None,
    dW: Array | None = None,
    db: Array | None = None,
    keep: float = 0.0,
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
        The first layer of a network needs no dx, and is a third cheaper without.
    dx, dW, db : array, optional
        Buffers for the results.
    keep : float
        Needs the buffers dW and db: what they hold counts, times this, and the gradients are
        added.

    Returns
    -------
    dx : array, shape (*E, B, in), or None
        One per member, also where the members shared x.
    dW : array, shape (*E, in, out)
    db : array, shape (*E, out)
    """
    x, W = cache
    xp = namespace(W)
    if input_gradient:
        dx = product(dz, xp.swapaxes(W, -1, -2), out=dx)
    dW = _of_members(xp.swapaxes(x, -1, -2), dz, dW, keep)
    if db is None or not keep:
        return dx, dW, xp.sum(dz, axis=-2, out=db)
    if keep != 1:
        db *= keep
    db += xp.sum(dz, axis=-2)
    return dx, dW, db


def _of_members(
    x: Array,
    y: Array,
    out: Array | None = None,
    keep: float = 0.0,
    start: Array | None = None,
) -> Array:
    """The product x y; where the members of a stack share x, one wide one for all of them."""
    if x.ndim > 2 or y.ndim != 3:
        return product(x, y, out, keep, start)
    wide = None if out is None else side_by_side(out)
    begin = None if start is None else side_by_side(start)
    result = apart(product(x, side_by_side(y), wide, keep, begin), y.shape[0])
    if out is None:
        return result
    if result.strides != out.strides:  # then the wide matrix was a copy
        out[...] = result
    return out


def relu_forward(z: Array, out: Array | None = None) -> tuple[Array, Array]:
    """Rectified linear units: h = max(z, 0), elementwise; any shape."""
    # With two scalars NumPy's clip is three times as fast as its maximum with one.
    h = namespace(z).clip(z, 0, np.inf, out=out)
    return h, h


def relu_backward(dh: Array, cache: Array, out: Array | None = None) -> Array:
    """The gradient passes where the unit was on: dz = dh where z > 0, else 0.

    The cache is the output h, which is positive exactly where z is. The comparison must be
    strict: h ≥ 0 holds everywhere.
    """
    h = cache
    if out is dh:
        pass_where_positive(dh, h)
        return dh
    return namespace(dh).multiply(dh, h > 0, out=out)


def dropout_mask(
    rng: Any, shape: tuple[int, ...], rate: float, like: Array, out: Array | None = None
) -> Array:
    """A mask of inverted dropout: 0 with probability ``rate``, else 1 / (1 - rate).

    The scale makes the mean of a masked unit what it is without dropout, so that a network is
    evaluated with no change. One random byte decides about one unit: the rate is rounded to a
    multiple of 1/256, and the scale is that of the rounded rate, so that the mean is exact.

    Parameters
    ----------
    rng : generator
        Of the device of ``like``.
    shape : tuple of int
    rate : float
        0 ≤ rate < 1.
    like : array
        Gives the dtype and the device.
    out : array, optional
        A buffer for the mask.

    Returns
    -------
    array, of the given shape
    """
    dropped = _dropped_bytes(rate)
    xp = namespace(like)
    scale = like.dtype.type(256 / (256 - dropped))
    return xp.multiply(random_bytes(rng, shape, xp) >= np.uint8(dropped), scale, out=out)


def dropout_forward(h: Array, mask: Array, out: Array | None = None) -> tuple[Array, Array]:
    """h times the mask, elementwise; the mask is drawn by :func:`dropout_mask`."""
    return namespace(h).multiply(h, mask, out=out), mask


def dropout_backward(dout: Array, cache: Array, out: Array | None = None) -> Array:
    """dh = dout times the same mask, its scale included: the layer is linear in h."""
    mask = cache
    return namespace(dout).multiply(dout, mask, out=out)


def _dropped_bytes(rate: float) -> int:
    if not 0 <= rate < 1:
        raise ValueError(f"dropout rate is {rate}; expected 0 ≤ rate < 1")
    return min(round(256 * rate), 255)
