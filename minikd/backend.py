"""NumPy or CuPy: where arrays live, and where random numbers come from.

This is the only file that may import CuPy, and it does so only when a CUDA device is asked
for. All other code is the same for both.
"""

from __future__ import annotations

import math
import os
import sys
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
    if not isinstance(device, str) or device not in ("cpu", "cuda"):
        said = repr(device) if isinstance(device, str) else f"of type {type(device).__name__}"
        raise ValueError(f"device is {said}; expected 'cpu' or 'cuda'")
    if device == "cpu":
        return np
    try:
        import cupy
    except ImportError as error:
        raise ValueError(
            "device 'cuda' needs CuPy, which is not installed: "
            "pip install 'minikd[cuda12]' or 'minikd[cuda13]', from a clone pip install -e '.[cuda12]'; or "
            "use device 'cpu'"
        ) from error
    # A CuPy wheel imports without a GPU, so a successful import proves nothing.
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
    """Whether reading a value of ``x`` is free: on a GPU it would wait for all queued work."""
    return not hasattr(x, "__cuda_array_interface__")


def is_native(x: Any) -> bool:
    """Whether minikd computes with ``x`` where it is: NumPy, CuPy, or the array API standard.

    PyTorch's tensors have names of their own for the same functions, so they are taken to the host.
    """
    if isinstance(x, (np.ndarray, np.generic)):
        return x.dtype.kind != "V"  # a bfloat16 that NumPy holds, but cannot compute with
    return hasattr(x, "__array_namespace__") or type(x).__module__.partition(".")[0] == "cupy"


def to_host(x: Any) -> Any:
    """``x`` as a NumPy array, whatever holds it; no copy if it is one.

    An array of CuPy, PyTorch or jax, on any device and with or without a gradient, a list of them,
    or anything that NumPy or DLPack can read.
    """
    if isinstance(x, (list, tuple)) and any(map(_is_foreign, x)):
        return np.asarray([to_host(each) for each in x])
    # Its class is asked, because a table of pandas may have a column of that name.
    if hasattr(type(x), "detach"):  # first: PyTorch answers nothing else while it records
        x = x.detach()
    if hasattr(type(x), "cpu"):
        x = x.cpu()
    if type(x).__module__.partition(".")[0] == "cupy":
        return x.get()
    if not hasattr(x, "__array__") and hasattr(x, "__dlpack__"):
        return np.from_dlpack(x)
    try:
        return np.asarray(x)
    except TypeError:
        # NumPy has no bfloat16, but every such number is one of float32.
        if "bfloat16" not in str(getattr(x, "dtype", "")) or not hasattr(x, "float"):
            raise
        return np.asarray(x.float())


def _is_foreign(x: Any) -> bool:
    """Whether NumPy may fail to read ``x`` inside a list."""
    if isinstance(x, (list, tuple)):
        return any(map(_is_foreign, x[:1]))
    return not isinstance(x, (int, float, np.ndarray)) and (
        hasattr(type(x), "detach") or hasattr(x, "__dlpack__") or hasattr(type(x), "get")
    )


def device_name(xp: Any) -> str:
    """The device in words, for records: ``"cpu"``, or the current GPU and whether it uses TF32."""
    if xp is np:
        return "cpu"
    properties = xp.cuda.runtime.getDeviceProperties(xp.cuda.Device().id)
    # CuPy rounds the factors of products to TF32's 10 bits only if this variable asks for it.
    tf32 = ", TF32" if os.environ.get("CUPY_TF32", "0") not in ("", "0") else ""
    return f"cuda: {properties['name'].decode()}{tf32}"


def transpose(x: Array) -> Array:
    """The matrix x, or each matrix of a stack, with rows and columns swapped; never a copy."""
    return namespace(x).swapaxes(x, -1, -2)


# ---------------------------------------------------------------- random numbers


class Stream(IntEnum):
    """What a stream of random numbers is for; streams of one seed never overlap."""

    WEIGHTS = 0
    MASKS = 1
    ORDER = 2
    JITTER = 3
    GLYPHS_TRAIN = 4
    GLYPHS_TEST = 5
    SPEECH = 6
    CLUSTERS = 7
    SPECIAL = 8
    LABELS = 9


def generator(seed: int, purpose: Stream, *key: int, xp: Any = np) -> Any:
    """The random stream of ``seed`` for a purpose, on the host or on the device of ``xp``.

    Streams of different purposes or keys are independent: they are children of
    ``SeedSequence(seed)``, as its ``spawn`` gives them. Each epoch has streams of its own, so a
    run resumed at an epoch continues bit for bit without any saved generator state.
    """
    return xp.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose, *key)))


def random_bytes(rng: Any, shape: tuple[int, ...], xp: Any = np) -> Array:
    """Uniform random ``uint8`` of the given shape, on the device of ``xp``."""
    size = math.prod(shape)
    if xp is np:
        # Eight bytes at a time: twice as fast as the generator's own bytes().
        words = rng.integers(0, 2**64, size=-(-size // 8), dtype=np.uint64)
        return words.view(np.uint8)[:size].reshape(shape)
    # CuPy's generator draws no integers below 32 bits.
    return rng.integers(0, 256, size=shape, dtype=xp.uint32).astype(xp.uint8)
