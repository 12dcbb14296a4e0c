"""Jitter: images shifted by a few pixels, whole or fractional."""

from __future__ import annotations

from typing import Any

from minikd import arrays, checks, values
from minikd.backend import Array, namespace


def draw_shifts(rng: Any, cases: int, pixels: int, subpixel: bool = False) -> Array:
    """Random shifts, uniform over the (2 · pixels + 1)² whole ones, or over the whole square.

    Returns
    -------
    array of int or of float, shape (cases, 2)
        Rows down and columns right, each from -pixels to pixels.
    """
    cases, pixels = values.whole("cases", cases), values.whole("pixels", pixels)
    values.generator("rng", rng)
    if values.flag("subpixel", subpixel):
        return rng.uniform(-pixels, pixels, size=(cases, 2))
    return rng.integers(-pixels, pixels + 1, size=(cases, 2))


def shift_images(x: Array, shifts: Array, shape: tuple[int, int], pixels: int) -> Array:
    """Shift each image by its own amount; pixels from outside are 0.

    Parameters
    ----------
    x : array, shape (B, H * W)
    shifts : array of int or of float, shape (B, 2)
        Rows down and columns right, from :func:`draw_shifts`. Fractions of a pixel are done by
        bilinear interpolation.
    shape : (H, W)
    pixels : int
        No shift may be larger.

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
    x, shifts, shape, pixels = _shifts_fit(x, shifts, shape, pixels)
    every = namespace(x).arange(x.shape[0])
    return cut_out(pad_images(x, shape, pixels), every, shifts, shape, pixels)


def pad_images(x: Array, shape: tuple[int, int], pixels: int) -> Array:
    """Images with a border of zeros, wide enough for shifts of ``pixels``.

    Parameters
    ----------
    x : array, shape (n, H * W)

    Returns
    -------
    array, shape (n, H + 2 * pixels + 1, W + 2 * pixels + 1)
        One row and column more than whole shifts need: a fractional shift reads the next pixel
        too.
    """
    x, (H, W), p = _images_fit(x, shape, pixels)
    n = x.shape[0]
    padded = namespace(x).zeros((n, H + 2 * p + 1, W + 2 * p + 1), dtype=x.dtype)
    padded[:, p : p + H, p : p + W] = x.reshape(n, H, W)
    return padded


def cut_out(
    padded: Array, chosen: Array, shifts: Array, shape: tuple[int, int], pixels: int
) -> Array:
    """Some of the padded images, each shifted by its own amount.

    Only one window of each image is copied: a training run pads its images once, and cuts windows
    out of them in every step.

    Parameters
    ----------
    padded : array
        From :func:`pad_images`.
    chosen : array of int, shape (B,)
    shifts, shape, pixels
        As in :func:`shift_images`.

    Returns
    -------
    array, shape (B, H * W)
    """
    xp, (n, *sides), (H, W) = namespace(padded), padded.shape, shape
    between = shifts.dtype.kind == "f"
    # Where the window of each image starts, and the whole pixel at or before that.
    start = pixels - shifts
    corner = xp.floor(start).astype(int) if between else start
    h, w = (H + 1, W + 1) if between else (H, W)
    # Every h × w window of every image, without a copy; then one window for each.
    places = (sides[0] - h + 1, sides[1] - w + 1)
    windows = xp.lib.stride_tricks.as_strided(
        padded, (n, *places, h, w), (*padded.strides, *padded.strides[1:])
    )
    cut = windows[chosen, corner[:, 0], corner[:, 1]]
    B = cut.shape[0]
    if not between:
        return cut.reshape(B, H * W)
    # Bilinear: between each pixel and the one below it, then the one to its right. In the flattened
    # image these lie w values and one value further on, which makes for long loops.
    rest = (start - corner).astype(cut.dtype)
    flat = cut.reshape(B, h * w)
    flat = _between(flat[:, :-w], flat[:, w:], rest[:, :1])
    flat = _between(flat[:, :-1], flat[:, 1:], rest[:, 1:])
    # One value short: the last of the extra column, which is cut off anyway.
    rows = xp.lib.stride_tricks.as_strided(
        flat, (B, H, W), (flat.strides[0], w * flat.strides[1], flat.strides[1])
    )
    return rows.reshape(B, H * W)


def _images_fit(x: Any, shape: Any, pixels: Any) -> tuple[Array, tuple[int, int], int]:
    x, (H, W) = arrays.floats("x", x), checks.image_shape(shape)
    if x.ndim != 2 or x.shape[1] != H * W:
        raise ValueError(
            f"x has shape {tuple(x.shape)}; expected (B, {H} * {W}) for shape {H, W}"
        )
    if x.dtype.kind != "f":
        raise ValueError(f"x has dtype {x.dtype}; expected real numbers")
    return x, (H, W), values.whole("pixels", pixels)


def _shifts_fit(x: Any, shifts: Any, shape: Any, pixels: Any) -> tuple[Any, ...]:
    x, shape, pixels = _images_fit(x, shape, pixels)
    xp = namespace(x)
    if type(shifts) is not type(x):
        shifts = xp.asarray(arrays.array("shifts", shifts))
    if shifts.dtype.kind not in "if" or tuple(shifts.shape) != (x.shape[0], 2):
        raise ValueError(
            f"shifts have shape {tuple(shifts.shape)} and dtype {shifts.dtype}; expected "
            f"{(x.shape[0], 2)} for x of shape {tuple(x.shape)}"
        )
    # NaN is within no bounds.
    if x.shape[0] and not bool((abs(shifts) <= pixels).all()):
        raise ValueError(
            f"shifts are larger than pixels, which is {pixels}; expected at most that"
        )
    return x, shifts, shape, pixels


def _between(a: Array, b: Array, part: Array) -> Array:
    """The point that is ``part`` of the way from a to b."""
    step = b - a
    step *= part
    step += a
    return step
