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

from minikd import values
from minikd.arrays import held


def write_atomically(path: str | PathLike[str], content: bytes) -> None:
    """Write a file so that nobody ever reads half of it, even after a crash."""
    path = values.path("path", path)
    if path.is_dir():
        raise ValueError(f"path: {path} is a folder; expected a file to write")
    values.instance("content", content, (bytes,), "bytes")
    # Another process, thread or machine may be writing the same file.
    partial = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise type(error)(
            f"path: {path} cannot be written ({error.strerror}); give one in a folder where you may "
            "write, on a disk that is not full"
        ) from error
    finally:
        if partial.exists():
            partial.unlink()


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
    path = values.path("path", path)
    values.mapping("arrays", arrays, expected="a mapping from names to arrays")
    if not all(isinstance(name, str) and name not in ("meta", "file") for name in arrays):
        raise values.refused("arrays", arrays, "names that are text, but not 'meta' or 'file'")
    values.mapping("meta", meta, expected="a mapping that JSON can hold")
    written = {name: held(f"arrays[{name!r}]", array) for name, array in arrays.items()}
    for name, array in written.items():
        if array.dtype.hasobject:
            raise ValueError(f"arrays[{name!r}] holds Python objects; expected numbers")
    try:
        text = json.dumps(dict(meta), default=values.for_json)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"meta holds what JSON cannot ({error}); expected plain values"
        ) from error
    buffer = io.BytesIO()
    np.savez(buffer, meta=np.array(text), **written)
    write_atomically(path, buffer.getvalue())


def load_checkpoint(
    path: str | PathLike[str], name: str = "path"
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read what :func:`save_checkpoint` wrote.

    Parameters
    ----------
    path : path
    name : str
        What the path is called in errors.

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

    path = values.there(name, path, "a file that minikd wrote")
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        meta = dict(json.loads(str(arrays.pop("meta"))))
    # What NumPy, zipfile and json raise when a file is corrupt.
    except (OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, BadZipFile,
            NotImplementedError, RuntimeError) as error:  # fmt: skip
        raise ValueError(f"{name}: {path} {_why_unread(path, error)}") from error
    return arrays, meta


def _why_unread(path: Path, error: Exception) -> str:
    """Why a file cannot be read, and what to do: only what minikd wrote may be deleted."""
    content = path.read_bytes()
    head, end = content[:4096], content[-4096:]
    # The first file in an archive of save_checkpoint.
    if head[30:38] == b"meta.npy":
        cause = " ".join(str(error).split())
        return (
            f"looks like a minikd checkpoint that is damaged ({cause}); if minikd wrote it, delete it and "
            "run again"
        )
    if head[:2] == b"\x80\x02" or b"data.pkl" in head + end:
        return (
            "is a file of PyTorch, not a minikd checkpoint; expected a file that minikd wrote: load "
            "it with PyTorch, and give the teacher's logits to data.with_logits"
        )
    return "is not a minikd checkpoint, or is damaged; expected a file that minikd wrote"
