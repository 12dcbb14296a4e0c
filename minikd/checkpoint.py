"""Arrays and metadata in one file: written whole or not at all, and read without pickle."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np


def write_atomically(path: str | PathLike[str], content: bytes) -> None:
    """Write a file so that nobody ever reads half of it, even after a crash."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Another process, thread or machine may be writing the same file.
    partial = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.partial")
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def save_checkpoint(
    path: str | PathLike[str], arrays: Mapping[str, Any], meta: Mapping[str, Any]
) -> None:
    """Write arrays and metadata to ``path`` (an ``.npz`` file), atomically.

    Parameters
    ----------
    path : path
    arrays : mapping from name to NumPy array
    meta : mapping
        Anything that JSON can hold.

    Raises
    ------
    ValueError
        If an array holds Python objects, which only pickle could write.
    """
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise ValueError(f"array {name!r} holds Python objects; expected numbers")
    buffer = io.BytesIO()
    np.savez(buffer, meta=np.array(json.dumps(dict(meta))), **arrays)
    write_atomically(path, buffer.getvalue())


def load_checkpoint(path: str | PathLike[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read what :func:`save_checkpoint` wrote.

    Returns
    -------
    arrays : dict from name to NumPy array
    meta : dict

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a checkpoint, or is damaged. Nothing in it is ever executed.
    """
    from zipfile import BadZipFile

    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        meta = dict(json.loads(str(arrays.pop("meta"))))
    except FileNotFoundError:
        raise
    # What NumPy, zipfile and json raise when a file is corrupt.
    except (OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, BadZipFile,
            NotImplementedError, RuntimeError) as error:  # fmt: skip
        raise ValueError(
            f"{path} is not a minikd checkpoint, or is damaged ({error}); delete it and run again"
        ) from error
    return arrays, meta
