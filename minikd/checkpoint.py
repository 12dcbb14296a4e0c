"""Arrays and metadata in one file: written whole or not at all, and read without pickle."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from minikd import values
from minikd.arrays import held
from minikd.folders import remove_left_behind, with_number
from minikd.npy import read_npy


def write_atomically(path: str | PathLike[str], content: bytes) -> None:
    """Write a file so that nobody ever reads half of it, even after a crash."""
    values.instance("content", content, (bytes,), "bytes")
    write_together({values.path("path", path): content})


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write files so that none is changed where one cannot be written, as on a full disk."""
    import glob

    values.mapping("contents", contents, expected="a mapping from paths to bytes")
    partials: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            path = values.path("path", path)
            values.instance(f"contents[{str(path)!r}]", content, (bytes,), "bytes")
            if path.is_dir():
                raise ValueError(f"path: {path} is a folder; expected a file to write")
            remove_left_behind(path.parent, f".{glob.escape(path.name)}.*-*.partial")
            # Another process, thread or machine may be writing the same file.
            part = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.partial")
            partials[path] = part
            with _named(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                with open(part, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
        for path, partial in partials.items():
            with _named(path):
                os.replace(partial, path)
    finally:
        for partial in partials.values():
            if partial.exists():
                partial.unlink()


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise with_number(error, (
            f"path: {path} cannot be written ({error.strerror}); give one in a folder where you may "
            "write, on a disk that is not full"
        )) from error  # fmt: skip


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
    if "arrays" in meta:
        raise values.refused(
            "meta", meta, "names other than 'arrays', which minikd writes itself"
        )
    written = {name: held(f"arrays[{name!r}]", array) for name, array in arrays.items()}
    for name, array in written.items():
        if array.dtype.hasobject:
            raise ValueError(f"arrays[{name!r}] holds Python objects; expected numbers")
    try:
        text = json.dumps({**meta, "arrays": _inventory(written)}, default=values.for_json)
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
    content = path.read_bytes()
    try:
        arrays = _arrays_of(content)
        meta = dict(json.loads(str(arrays.pop("meta"))))
        held = meta.pop("arrays", None)
        if held is not None and held != _inventory(arrays):
            raise ValueError("it does not hold the arrays that it says it holds")
    # What zipfile and json raise when a file is corrupt.
    except (OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, RecursionError,
            BadZipFile, NotImplementedError, RuntimeError, OverflowError) as error:  # fmt: skip
        raise ValueError(f"{name}: {path} {_why_unread(content, error)}") from error
    return arrays, meta


def _arrays_of(content: bytes) -> dict[str, Any]:
    """The arrays in the bytes of an ``.npz`` file; as minikd packs none, a packed one is refused."""
    from zipfile import ZIP_STORED, ZipFile

    arrays = {}
    with ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if any(member.compress_type != ZIP_STORED for member in members):
            raise ValueError("it is packed")
        if sum(member.file_size for member in members) > len(content):
            raise ValueError("it claims to hold more than its size")
        for member in members:
            arrays[member.filename.removesuffix(".npy")] = read_npy(archive.read(member))
    return arrays


def _inventory(arrays: Mapping[str, Any]) -> dict[str, Any]:
    return {name: [array.dtype.str, list(array.shape)] for name, array in arrays.items()}


def _why_unread(content: bytes, error: Exception) -> str:
    """Why a file cannot be read, and what to do: only what minikd wrote may be deleted."""
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
