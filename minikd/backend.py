"""NumPy or CuPy: where arrays live, how they are multiplied, where random numbers come from.

This is the only file that may import CuPy, and it does so only when a CUDA device is asked
for. Everything above it is one source for both.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
import sys
from collections.abc import Callable, Sequence
from enum import IntEnum
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any  # numpy.ndarray, cupy.ndarray, or any array of the array API standard


def array_module(device: str) -> ModuleType:
    """The module that makes arrays on ``device``: ``"cpu"`` gives NumPy, ``"cuda"`` CuPy.

    Raises
    ------
    ValueError
        If the device has another name, CuPy is not installed, or no CUDA device answers.
    """
    if device == "cpu":
        return np
    if device != "cuda":
        raise ValueError(f"device is {device!r}; expected 'cpu' or 'cuda'")
    try:
        import cupy
    except ImportError as error:
        raise ValueError(
            "device 'cuda' needs CuPy, which is not installed: "
            "pip install 'minikd[cuda12]' or 'minikd[cuda13]', or use device 'cpu'"
        ) from error
    # A CuPy wheel imports without a GPU, so that the import worked says nothing.
    if not cupy.cuda.is_available():
        raise ValueError("device 'cuda': CuPy finds no CUDA device here; use device 'cpu'")
    return cupy  # type: ignore[no-any-return]


def namespace(x: Array) -> Any:
    """The module whose functions work on ``x`` (its array API namespace)."""
    if hasattr(x, "__array_namespace__"):
        return x.__array_namespace__()
    # CuPy mirrors the standard in its root module, but its arrays do not name it yet.
    return sys.modules[type(x).__module__.partition(".")[0]]


def on_host(x: Array) -> bool:
    """Whether reading a value of ``x`` is free: on a GPU it would wait for all work queued."""
    return not hasattr(x, "__cuda_array_interface__")


def to_host(x: Array) -> Any:
    """``x`` as a NumPy array; no copy if it is one."""
    return np.asarray(x) if on_host(x) else x.get()


def device_name(xp: Any) -> str:
    """The device in words, for records: ``"cpu"``, or the current GPU and whether it uses TF32."""
    if xp is np:
        return "cpu"
    properties = xp.cuda.runtime.getDeviceProperties(xp.cuda.Device().id)
    # CuPy rounds the factors of products to the 10 bits of TF32 only where this asks for it.
    tf32 = ", TF32" if os.environ.get("CUPY_TF32", "0") not in ("", "0") else ""
    return f"cuda: {properties['name'].decode()}{tf32}"


# ---------------------------------------------------------------- one kernel instead of several


def fused(function: Callable[..., None]) -> Callable[..., None]:
    """Make elementwise work on arrays, done in place, a single kernel on a GPU.

    A GPU step is short of launches and of memory traffic, not of arithmetic. On the host this is
    the function as it stands.
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
    """d stays where h > 0 and becomes 0 elsewhere, in place; any shape."""
    d *= h > 0


# ---------------------------------------------------------------- products

# OpenBLAS does a product of so few multiplications on one thread. Below that, one call for a
# whole stack, whose loop over the members runs in C, is faster than a call for each.
_SMALL = 2**18


def product(
    a: Array,
    b: Array,
    out: Array | None = None,
    keep: float = 0.0,
    start: Array | None = None,
) -> Array:
    """The matrix product out ← a b + keep · out, of two matrices or of stacks of them.

    On the host, large ones go to the BLAS of SciPy, which can add to what is there, as NumPy's
    ``matmul`` cannot. NumPy and SciPy bring a BLAS each, and their threads fight for the cores
    where both are at work: so all large products of a training step come here.

    Parameters
    ----------
    a : array, shape (m, k) or (*E, m, k)
    b : array, shape (*E, k, n)
    out : array, shape (*E, m, n), optional
        Where the result goes; a new array if there is none.
    keep : float
        Needs ``out``: what it holds counts, times this. With 1, it is not even touched before the
        sums are added to it.
    start : array, shape (*E, 1, n), optional
        Instead of what ``out`` holds: what each row begins with, such as a bias.

    Returns
    -------
    array, shape (*E, m, n)
        ``out``, if it was given.
    """
    xp = namespace(b)
    dtypes = {x.dtype for x in (a, b, out, start) if x is not None}
    blas = xp is np and len(dtypes) == 1 and b.dtype in (np.float32, np.float64)
    if blas and a.shape[-2] * a.shape[-1] * b.shape[-1] > _SMALL:
        if out is None:
            out = np.empty((*b.shape[:-2], a.shape[-2], b.shape[-1]), dtype=b.dtype)
        if start is not None:
            out[...], keep = start, 1.0
        for member in np.ndindex(b.shape[:-2]):
            _blas_product(a[member] if a.ndim > 2 else a, b[member], out[member], keep)
        return out
    if out is None or start is not None or not keep:
        result = xp.matmul(a, b, out=out)
        return result if start is None else xp.add(result, start, out=out)
    if keep != 1:
        out *= keep
    out += xp.matmul(a, b)
    return out


def _blas_product(a: Any, b: Any, out: Any, keep: float) -> None:
    from scipy.linalg.blas import dgemm, sgemm

    # BLAS stores by columns: it sees an array by rows as its transpose, and outᵀ = bᵀ aᵀ. What
    # is stored neither way is copied.
    by_rows_a, by_rows_b = a.flags.c_contiguous, b.flags.c_contiguous
    target = out if out.flags.c_contiguous else out.copy()
    (sgemm if b.dtype == np.float32 else dgemm)(
        1.0, b.T if by_rows_b else b, a.T if by_rows_a else a, beta=keep, c=target.T,
        trans_a=not by_rows_b, trans_b=not by_rows_a, overwrite_c=True,
    )  # fmt: skip
    if target is not out:
        out[...] = target


def add_scaled(y: Array, factor: float, x: Array) -> None:
    """y ← y + factor · x, in place; any shape. In one pass where the two lie alike in memory."""
    blas = namespace(y) is np and y.dtype == x.dtype and y.dtype in (np.float32, np.float64)
    if blas and y.strides == x.strides:
        flat_y, flat_x = y.ravel(order="K"), x.ravel(order="K")  # views, if all is in one piece
        if np.shares_memory(flat_y, y):
            from scipy.linalg.blas import daxpy, saxpy

            (saxpy if y.dtype == np.float32 else daxpy)(flat_x, flat_y, a=factor)
            return
    _add_scaled(y, factor, x)


# ---------------------------------------------------------------- memory


def empty(shapes: Sequence[tuple[int, ...]], dtype: Any, xp: Any = np) -> list[Array]:
    """Arrays of these shapes in one piece of memory, which hold whatever was there.

    One large piece is given larger pages by the system than many small ones, and is then read
    faster.
    """
    sizes = [-(-math.prod(shape) // _ALIGNED) * _ALIGNED for shape in shapes]
    whole = xp.empty(sum(sizes), dtype=dtype)
    starts = itertools.accumulate(sizes, initial=0)
    return [
        whole[start : start + math.prod(shape)].reshape(shape)
        for start, shape in zip(starts, shapes, strict=False)
    ]


# Values; with float32, 64 bytes: what the widest instructions of a CPU take at once.
_ALIGNED = 16


def side_by_side(x: Array) -> Array:
    """The members of a stack (E, m, n) as one wide matrix (m, E · n), the first one left.

    A view where the memory lies that way, as that of :func:`apart` does; else a copy.
    """
    return namespace(x).swapaxes(x, 0, 1).reshape(x.shape[1], -1)


def apart(x: Array, members: int) -> Array:
    """The inverse of :func:`side_by_side`, always a view: (m, E · n) as (E, m, n)."""
    return namespace(x).swapaxes(x.reshape(x.shape[0], members, -1), 0, 1)


def last_axis_first(x: Array) -> Array:
    """A copy of x, equal to it, that lies in memory as if its last axis were the first.

    NumPy's sums and maxima along a short last axis are several times faster that way.
    """
    xp = namespace(x)
    return xp.moveaxis(xp.moveaxis(x, -1, 0).copy(), 0, -1)


# ---------------------------------------------------------------- random numbers


class Stream(IntEnum):
    """What a stream of random numbers is for: streams of one seed never meet."""

    WEIGHTS = 0
    MASKS = 1
    ORDER = 2
    JITTER = 3
    GLYPHS_TRAIN = 4
    GLYPHS_TEST = 5
    SPEECH = 6
    CLUSTERS = 7
    SPECIAL = 8


def generator(seed: int, purpose: Stream, *key: int, xp: Any = np) -> Any:
    """The random stream of ``seed`` for a purpose, on the host or on the device of ``xp``.

    Streams of different purposes or keys are independent: they are children of
    ``SeedSequence(seed)``, as its ``spawn`` gives them. Each epoch has streams of its own, so a
    run that is resumed at an epoch needs no generator state to go on bit for bit.
    """
    return xp.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose, *key)))


def as_seed(rng: Any) -> int:
    """An integer seed: the integer itself, or one drawn from a Generator.

    Raises
    ------
    ValueError
        If it is neither, or negative.
    """
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**63))
    if isinstance(rng, (bool, np.bool)) or not isinstance(rng, (int, np.integer)) or rng < 0:
        raise ValueError(f"rng is {rng!r}; expected an integer ≥ 0 or a numpy Generator")
    return int(rng)


def random_bytes(rng: Any, shape: tuple[int, ...], xp: Any = np) -> Array:
    """Uniform random ``uint8`` of the given shape, on the device of ``xp``."""
    size = math.prod(shape)
    if xp is np:
        # Eight bytes at a time: twice as fast as the generator's own bytes().
        words = rng.integers(0, 2**64, size=-(-size // 8), dtype=np.uint64)
        return words.view(np.uint8)[:size].reshape(shape)
    # CuPy's generator draws no integers below 32 bits.
    return rng.integers(0, 256, size=shape, dtype=xp.uint32).astype(xp.uint8)
