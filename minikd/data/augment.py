"""Jitter: images moved by a few pixels, whole ones or parts of them."""

from __future__ import annotations

from typing import Any

from minikd.backend import Array, namespace


def draw_shifts(rng: Any, cases: int, pixels: int, subpixel: bool = False) -> Array:
    """Random shifts, uniform over the (2 · pixels + 1)² whole ones, or over the square.

    Returns
    -------
    array of int or of float, shape (cases, 2)
        Rows down and columns right, each from -pixels to pixels.
    """
    if subpixel:
        return rng.uniform(-pixels, pixels, size=(cases, 2))
    return rng.integers(-pixels, pixels + 1, size=(cases, 2))


def shift_images(x: Array, shifts: Array, shape: tuple[int, int], pixels: int) -> Array:
    """Move each image by its own shift; what comes in from outside is 0.

    Parameters
    ----------
    x : array, shape (B, H * W)
    shifts : array of int or of float, shape (B, 2)
        Rows down and columns right, from :func:`draw_shifts`. Between pixels, by bilinear
        interpolation.
    shape : (H, W)
    pixels : int
        No shift is larger.

    Returns
    -------
    array, shape (B, H * W)

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1.0, 2.0, 3.0, 4.0]])
    >>> shift_images(x, np.array([[0, 1]]), (2, 2), pixels=1)
    array([[0., 1., 0., 3.]])
    >>> shift_images(x, np.array([[0.0, 0.5]]), (2, 2), pixels=1)
    array([[0.5, 1.5, 1.5, 3.5]])
    """
    xp = namespace(x)
    B, (H, W), p = x.shape[0], shape, pixels
    between = shifts.dtype.kind == "f"
    # Where the window of each image begins, and by how much it lies beyond that.
    start = p - shifts
    corner = xp.floor(start).astype(int) if between else start
    h, w = (H + 1, W + 1) if between else (H, W)
    padded = xp.zeros((B, h + 2 * p, w + 2 * p), dtype=x.dtype)
    padded[:, p : p + H, p : p + W] = x.reshape(B, H, W)
    # Every h × w window of every padded image, without a copy; then one window for each.
    windows = xp.lib.stride_tricks.as_strided(
        padded, (B, 2 * p + 1, 2 * p + 1, h, w), (*padded.strides, *padded.strides[1:])
    )
    moved = windows[xp.arange(B), corner[:, 0], corner[:, 1]]
    if between:
        rest = (start - corner).astype(x.dtype)[:, :, None, None]
        moved = moved[:, :-1] + rest[:, 0] * (moved[:, 1:] - moved[:, :-1])
        moved = moved[..., :-1] + rest[:, 1] * (moved[..., 1:] - moved[..., :-1])
    return moved.reshape(B, H * W)
