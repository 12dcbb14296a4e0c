"""Jitter: images moved by a few whole pixels."""

from __future__ import annotations

from typing import Any

from minikd.backend import Array, namespace


def draw_shifts(rng: Any, cases: int, pixels: int) -> Array:
    """Random shifts, uniform over the (2 · pixels + 1)² of them.

    Returns
    -------
    array of int, shape (cases, 2)
        Rows down and columns right, each from -pixels to pixels.
    """
    return rng.integers(-pixels, pixels + 1, size=(cases, 2))


def shift_images(x: Array, shifts: Array, shape: tuple[int, int], pixels: int) -> Array:
    """Move each image by its own shift; what comes in from outside is 0.

    Parameters
    ----------
    x : array, shape (B, H * W)
    shifts : array of int, shape (B, 2)
        Rows down and columns right, from :func:`draw_shifts`.
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
    """
    xp = namespace(x)
    B, (H, W), p = x.shape[0], shape, pixels
    padded = xp.zeros((B, H + 2 * p, W + 2 * p), dtype=x.dtype)
    padded[:, p : p + H, p : p + W] = x.reshape(B, H, W)
    # Every H × W window of every padded image, without a copy; then one window for each.
    windows = xp.lib.stride_tricks.as_strided(
        padded, (B, 2 * p + 1, 2 * p + 1, H, W), (*padded.strides, *padded.strides[1:])
    )
    moved = windows[xp.arange(B), p - shifts[:, 0], p - shifts[:, 1]]
    return moved.reshape(B, H * W)
