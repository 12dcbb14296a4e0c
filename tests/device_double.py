"""A double of CuPy on the host: it computes with NumPy, but is as strict as a GPU.

Its arrays never turn into NumPy arrays by themselves, and never mix with them in an operation:
what would be an error or a hidden copy on a GPU is a TypeError here. It shows that all code above
``backend.py`` moves every array explicitly. It says nothing about speed, or about the numbers that
a GPU computes.
"""

from __future__ import annotations

import sys
import types
from collections import Counter
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

# How often values crossed from one side to the other; each time, the host waits for a GPU.
crossings: Counter[str] = Counter()


class DeviceArray(NDArrayOperatorsMixin):
    """An array on the pretended device."""

    __module__ = "cupy"

    def __init__(self, values: np.ndarray) -> None:
        self._values = values

    shape = property(lambda self: self._values.shape)
    dtype = property(lambda self: self._values.dtype)
    ndim = property(lambda self: self._values.ndim)
    size = property(lambda self: self._values.size)
    strides = property(lambda self: self._values.strides)
    __cuda_array_interface__ = None  # marks it as memory of a GPU

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("implicit conversion to a NumPy array is not allowed; use .get()")

    def get(self) -> np.ndarray:
        crossings["to host"] += 1
        return self._values.copy()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return on_device(getattr(ufunc, method))(*inputs, **options)

    def __array_function__(self, func: Any, _: Any, args: Any, options: Any) -> Any:
        return on_device(func)(*args, **options)

    def __getitem__(self, key: Any) -> Any:
        return on_device(lambda a, k: a[k])(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._values[_inside(key)] = _inside(value)

    def __len__(self) -> int:
        return len(self._values)

    def __bool__(self) -> bool:
        crossings["to host"] += 1
        return bool(self._values)

    def __getattr__(self, name: str) -> Any:
        if name not in {"reshape", "sum", "max", "min", "copy", "view", "any", "all", "astype"}:
            raise AttributeError(name)
        return lambda *args, **options: _outside(
            getattr(self._values, name)(*map(_inside, args), **options)
        )


def _inside(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        raise TypeError(f"a host array, shape {x.shape}, met a device array")
    if isinstance(x, DeviceArray):
        return x._values
    if isinstance(x, (list, tuple)):
        return type(x)(map(_inside, x))
    return {k: _inside(v) for k, v in x.items()} if isinstance(x, dict) else x


def _outside(x: Any) -> Any:
    # A reduction to one value stays on the device, as in CuPy.
    if isinstance(x, (np.ndarray, np.generic)):
        return DeviceArray(np.asarray(x))
    return x


def on_device(func: Any) -> Any:
    def call(*args: Any, **options: Any) -> Any:
        return _outside(func(*_inside(args), **_inside(options)))

    return call


class _Generator:
    """Like ``cupy.random.Generator``: it has no ``bytes``, and no small integers."""

    def __init__(self, seed: Any) -> None:
        self._rng = np.random.default_rng(seed)

    def integers(self, low: int, high: int, size: Any, dtype: Any) -> DeviceArray:
        assert np.dtype(dtype).itemsize >= 4
        return DeviceArray(self._rng.integers(low, high, size, dtype))


def install(monkeypatch: Any) -> types.ModuleType:
    """Put the double in the place of CuPy, for one test."""
    module = types.ModuleType("cupy")
    module.__version__ = "double"  # type: ignore[attr-defined]
    module.asked = []  # type: ignore[attr-defined]

    def function(name: str) -> Any:
        module.asked.append(name)  # type: ignore[attr-defined]
        found = getattr(np, name)
        return found if isinstance(found, type) or name == "isdtype" else on_device(found)

    module.__getattr__ = function  # type: ignore[method-assign]

    def asarray(x: Any, dtype: Any = None) -> DeviceArray:
        if isinstance(x, DeviceArray):
            return DeviceArray(np.array(x._values, dtype=dtype))
        crossings["to device"] += 1
        return DeviceArray(np.array(x, dtype=dtype))

    module.asarray = asarray  # type: ignore[attr-defined]
    module.fuse = lambda function: function  # type: ignore[attr-defined]
    crossings.clear()
    module.random = types.SimpleNamespace(default_rng=_Generator)  # type: ignore[attr-defined]
    module.lib = types.SimpleNamespace(  # type: ignore[attr-defined]
        stride_tricks=types.SimpleNamespace(
            as_strided=on_device(np.lib.stride_tricks.as_strided)
        )
    )
    module.cuda = types.SimpleNamespace(  # type: ignore[attr-defined]
        is_available=lambda: True,
        Device=lambda: types.SimpleNamespace(id=0),
        runtime=types.SimpleNamespace(getDeviceProperties=lambda _: {"name": b"double"}),
    )
    monkeypatch.setitem(sys.modules, "cupy", module)
    return module
