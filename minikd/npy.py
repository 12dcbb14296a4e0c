"""Arrays of NumPy's format, read with nothing believed that the file does not hold."""

from __future__ import annotations

import io
import math
import warnings
from typing import Any

import numpy as np


def read_npy(content: bytes) -> Any:
    """The array that the bytes of a ``.npy`` file hold.

    What the header claims is held against what follows before any memory is taken, and nothing is
    ever unpickled.

    Raises
    ------
    ValueError
        If it is no array, holds Python objects, or holds more or less than its header says.
    """
    file = io.BytesIO(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a header that only Python would understand
        return _read(file, len(content))


def _read(file: io.BytesIO, size: int) -> Any:
    try:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, _, dtype = np.lib.format.read_array_header_2_0(file)
        else:
            raise ValueError(f"version {version[0]}.{version[1]} of the format is not known")
    # The header is text of Python, and NumPy says in many ways that it cannot be read.
    except Exception as error:
        raise ValueError(f"it is no array of NumPy ({' '.join(str(error).split())})") from error
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which only pickle could read")
    if dtype.kind not in "biufcU":
        raise ValueError(f"it holds {dtype}; expected numbers, or text")
    claimed, there = math.prod(shape) * dtype.itemsize, size - file.tell()
    whole = all(type(n) is int and 0 <= n <= max(there, 1) for n in shape)
    if claimed != there or not whole:
        raise ValueError(f"its header claims {claimed} bytes, and {there} follow")
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)
