"""What :mod:`minikd.fast` is made of: fused kernels, products that add, memory layout."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minikd.backend import Array, namespace, on_host

# ---------------------------------------------------------------- one kernel instead of several


def fused(function: Callable[..., None]) -> Callable[..., None]:
    """Turn in-place elementwise operations into a single kernel on a GPU.

    A step on a GPU is limited by kernel launches and memory traffic, not by arithmetic. On the host
    the function runs as it is.
    """
    compiled: list[Any] = []

    @functools.wraps(function)
    def call(*arguments: Any) -> None:
        if on_host(arguments[0]):
            return function(*arguments)
        if not compiled:
            compiled.append(namespace(arguments[0]).fuse(function))
        compiled[0](*arguments)
        return None

    return call


@fused
def _add_scaled(y: Array, factor: float, x: Array) -> None:
    y += factor * x


@fused
def pass_where_positive(d: Array, h: Array) -> None:
    """Keep d where h > 0 and set it to 0 elsewhere, in place; any shape."""
    d *= h > 0


# ---------------------------------------------------------------- products

# Up to this many multiplications, OpenBLAS computes a product on one thread. There, one call for a
# whole stack, which loops over the members in C, is faster than a call for each.
_SMALL = 2**18


def product(
    a: Array, b: Array, out: Array, keep: float = 0.0, start: Array | None = None
) -> Array:
    """The matrix product out ← a b + keep · out, of two matrices or of stacks of them.

    On the host, large products go to SciPy's BLAS, which can add to what ``out`` holds; NumPy's
    ``matmul`` cannot. NumPy and SciPy each bring a BLAS, and if both are at work, their threads
    compete for the cores. So all large products of a training step come here.

    Parameters
    ----------
    a : array, shape (m, k) or (*E, m, k)
    b : array, shape (*E, k, n)
    out : array, shape (*E, m, n)
        Where the result goes.
    keep : float
        Factor on what ``out`` holds before the product is added. With 1, BLAS needs no extra pass
        over it.
    start : array, shape (*E, 1, n), optional
        What each row starts from instead, such as a bias.

    Returns
    -------
    array, shape (*E, m, n)
        ``out``.
    """
    xp = namespace(b)
    one_type = a.dtype == b.dtype == out.dtype and b.dtype in (np.float32, np.float64)
    large = a.shape[-2] * a.shape[-1] * b.shape[-1] > _SMALL
    if start is not None and xp is np and one_type and large:
        out[...], keep, start = start, 1.0, None
    if xp is np and one_type and large:
        for member in np.ndindex(b.shape[:-2]):
            _blas_product(a[member] if a.ndim > 2 else a, b[member], out[member], keep)
    elif start is not None or not keep:
        xp.matmul(a, b, out=out)
        if start is not None:
            out += start
    else:
        if keep != 1:
            out *= keep
        out += xp.matmul(a, b)
    return out


def of_members(
    x: Array, y: Array, out: Array, keep: float = 0.0, start: Array | None = None
) -> Array:
    """The product x y; if the members of a stack share x, one wide product for all of them.

    In that case ``out`` must lie in memory as :func:`apart` arranges it.
    """
    if x.ndim > 2 or y.ndim != 3:
        return product(x, y, out, keep, start)
    begin = None if start is None else side_by_side(start)
    product(x, side_by_side(y), side_by_side(out), keep, begin)
    return out


def _blas_product(a: Any, b: Any, out: Any, keep: float) -> None:
    from scipy.linalg.blas import dgemm, sgemm

    # BLAS stores matrices by columns. It sees an array stored by rows as its transpose, and
    # computes outᵀ = bᵀ aᵀ. An array stored neither way is copied.
    by_rows_a, by_rows_b = a.flags.c_contiguous, b.flags.c_contiguous
    target = out if out.flags.c_contiguous else out.copy()
    (sgemm if b.dtype == np.float32 else dgemm)(
        1.0, b.T if by_rows_b else b, a.T if by_rows_a else a, beta=keep, c=target.T,
        trans_a=not by_rows_b, trans_b=not by_rows_a, overwrite_c=True,
    )  # fmt: skip
    if target is not out:
        out[...] = target


def add_scaled(y: Array, factor: float, x: Array) -> None:
    """y ← y + factor · x, in place; any shape. One pass if both have the same memory layout."""
    blas = namespace(y) is np and y.dtype == x.dtype and y.dtype in (np.float32, np.float64)
    if blas and y.strides == x.strides:
        flat_y, flat_x = y.ravel(order="K"), x.ravel(order="K")  # views, if in one block each
        if np.shares_memory(flat_y, y):
            from scipy.linalg.blas import daxpy, saxpy

            (saxpy if y.dtype == np.float32 else daxpy)(flat_x, flat_y, a=factor)
            return
    _add_scaled(y, factor, x)


# ---------------------------------------------------------------- memory


class Workspace:
    """Buffers that are made once and used again in every step.

    Called with a name and a shape, it returns the buffer of that name and shape, which still holds
    what was last written to it.
    """

    def __init__(self) -> None:
        self._buffers: dict[tuple[Any, ...], Array] = {}

    def __call__(
        self, name: str, shape: tuple[int, ...], like: Array, wide: bool = False
    ) -> Array:
        """A buffer of the dtype and on the device of ``like``.

        With ``wide``, a stack of matrices lies in memory as one wide matrix.
        """
        key = (name, shape, like.dtype, wide)
        if key not in self._buffers:
            xp = namespace(like)
            if wide:
                members, rows, columns = shape
                made = apart(xp.empty((rows, members * columns), dtype=like.dtype), members)
            else:
                made = xp.empty(shape, dtype=like.dtype)
            self._buffers[key] = made
        return self._buffers[key]


def empty(shapes: Sequence[tuple[int, ...]], dtype: Any, xp: Any = np) -> list[Array]:
    """Uninitialized arrays of these shapes, in one block of memory.

    The operating system gives one large block larger pages than many small ones, and these are
    read faster.
    """
    sizes = [-(-math.prod(shape) // _ALIGNED) * _ALIGNED for shape in shapes]
    whole = xp.empty(sum(sizes), dtype=dtype)
    starts = itertools.accumulate(sizes, initial=0)
    return [
        whole[start : start + math.prod(shape)].reshape(shape)
        for start, shape in zip(starts, shapes, strict=False)
    ]


# In values; with float32, 64 bytes: what a CPU's widest instructions take at once.
_ALIGNED = 16


def side_by_side(x: Array) -> Array:
    """The members of a stack (E, m, n) as one wide matrix (m, E · n), the first on the left.

    A view if the memory is laid out that way, as by :func:`apart`; else a copy.
    """
    return namespace(x).swapaxes(x, 0, 1).reshape(x.shape[1], -1)


def apart(x: Array, members: int) -> Array:
    """The inverse of :func:`side_by_side`, always a view: (m, E · n) as (E, m, n)."""
    return namespace(x).swapaxes(x.reshape(x.shape[0], members, -1), 0, 1)


def last_axis_first(x: Array) -> Array:
    """A copy of x that is laid out in memory as if its last axis were the first.

    NumPy's sums and maxima along a short last axis are several times faster that way.
    """
    xp = namespace(x)
    return xp.moveaxis(xp.moveaxis(x, -1, 0).copy(), 0, -1)
