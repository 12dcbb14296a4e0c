"""The IDX format of MNIST and EMNIST."""

from __future__ import annotations

import math
from os import PathLike
from typing import Any

import numpy as np

from minikd import values

# The third byte of the magic number, as the format's page defines it.
_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | PathLike[str]) -> Any:
    """Read an array from an IDX file, gzipped if its name ends in ``.gz``.

    The data is read before any array is made, so a header that claims more than the file
    holds allocates nothing.

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
    import gzip
    import zlib

    path = values.there("path", path, "an IDX file")
    open_file: Any = gzip.open if str(path).endswith(".gz") else open
    try:
        with open_file(path, "rb") as file:
            magic = file.read(4)
            if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES:
                raise ValueError(f"{path}: not an IDX file (it starts with {magic.hex(' ')})")
            header = file.read(4 * magic[3])
            if len(header) < 4 * magic[3]:
                raise ValueError(f"{path}: the IDX header is cut short")
            shape = tuple(int(n) for n in np.frombuffer(header, dtype=">u4"))
            dtype = np.dtype(_TYPES[magic[2]])
            expected = math.prod(shape) * dtype.itemsize
            # Read what is there, up to one byte more than there should be.
            content = _read_up_to(file, expected + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path}: damaged gzip file ({error}); download it again") from error
    if len(content) != expected:
        was = "longer than" if len(content) > expected else f"{len(content)} bytes, not"
        raise ValueError(
            f"{path}: the data is {was} the {expected} bytes that its header {shape} claims"
        )
    return np.frombuffer(content, dtype=dtype).reshape(shape).astype(dtype.newbyteorder("="))


def _read_up_to(file: Any, most: int) -> bytes:
    parts, size = [], 0
    while size < most and (part := file.read(min(most - size, 1 << 24))):
        parts.append(part)
        size += len(part)
    return b"".join(parts)
