"""The IDX format of MNIST and EMNIST."""

from __future__ import annotations

import math
from os import PathLike
from typing import Any

import numpy as np

from minikd import values
from minikd.data.unpack import read_gzip

# The third byte of the magic number, as the format's page defines it.
_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | PathLike[str]) -> Any:
    """Read an array from an IDX file, gzipped if its name ends in ``.gz``.

    The data is read before any array is made, so a header that claims more than the file
    holds allocates nothing; a packed file may hold a hundred times its own size, and no more.

    Parameters
    ----------
    path : path

    Returns
    -------
    array
        Of the type and shape that the header states, in native byte order.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not an IDX file, is cut short, or is longer than its header says.
    """
    path = values.there("path", path, "an IDX file")
    packed = path.suffix == ".gz"
    content = memoryview(read_gzip(path) if packed else path.read_bytes())
    magic = bytes(content[:4])
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES:
        raise ValueError(f"{path}: not an IDX file (it starts with {magic.hex(' ')})")
    axes = magic[3]
    header, data = content[4 : 4 + 4 * axes], content[4 + 4 * axes :]
    if len(header) < 4 * axes:
        raise ValueError(f"{path}: the IDX header is cut short")
    shape = tuple(int(n) for n in np.frombuffer(header, dtype=">u4"))
    dtype = np.dtype(_TYPES[magic[2]])
    expected = math.prod(shape) * dtype.itemsize
    if len(data) != expected:
        was = "longer than" if len(data) > expected else f"{len(data)} bytes, not"
        raise ValueError(
            f"{path}: the data is {was} the {expected} bytes that its header {shape} claims"
        )
    # NumPy has no more axes than 32, and an axis of 0 lets the others be of any size.
    if axes > 32 or math.prod(max(n, 1) for n in shape) > 1 << 48:
        raise ValueError(f"{path}: the header claims a shape of {shape}; expected a data set's")
    array = np.frombuffer(data, dtype=dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="))
