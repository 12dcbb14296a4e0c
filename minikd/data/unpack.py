"""Files that are packed: read with a limit, so that a small one can't fill the memory."""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

# Images and sounds shrink to a fifth; what unpacks to a hundred times its size is no data set.
MOST_TIMES = 100
# A small file may be mostly header.
ALWAYS = 1 << 16

# What gzip, zlib and zipfile raise on files that are none of theirs, are damaged, or are encrypted.
DAMAGED = (
    EOFError, OSError, ValueError, RuntimeError, NotImplementedError, MemoryError, OverflowError,
    zlib.error, lzma.LZMAError, zipfile.BadZipFile,
)  # fmt: skip


def most_bytes(size: int) -> int:
    """How many bytes a packed file of this size may hold."""
    return max(MOST_TIMES * size, ALWAYS)


def read_gzip(path: Path) -> bytes:
    """The content of a gzip file.

    Raises
    ------
    ValueError
        If it is damaged, or holds more than a hundred times its own size.
    """
    most = most_bytes(path.stat().st_size)
    try:
        with gzip.open(path, "rb") as file:
            content = read_up_to(file, most + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path}: damaged gzip file ({error}); download it again") from error
    if len(content) > most:
        raise ValueError(
            f"{path} unpacks to more than {MOST_TIMES} times its size; expected a data set"
        )
    return content


def read_up_to(file: Any, most: int) -> bytes:
    """What a file holds, but not more than so many bytes: memory grows with what is there."""
    parts, size = [], 0
    while size < most and (part := file.read(min(most - size, 1 << 20))):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def read_zip(path: Path, wanted: Callable[[str], bool]) -> list[tuple[str, bytes]]:
    """What a zip file holds under the names that are wanted, in the order of the names.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is no zip file, is damaged, leads out of its folder, or would unpack to more than a
        hundred times its size.
    """
    content, found = path.read_bytes(), []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = sorted(archive.infolist(), key=lambda member: member.filename)
            _check_members(path, members, len(content))
            for member in members:
                if wanted(member.filename):
                    found.append((member.filename, _read_member(archive, member)))
    except _Refused as refused:
        raise ValueError(str(refused)) from None
    except DAMAGED as error:
        why = " ".join(str(error).split())
        raise ValueError(f"{path} is not a zip file, or is damaged ({why})") from error
    return found


class _Refused(Exception):
    pass


def _check_members(path: Path, members: list[zipfile.ZipInfo], size: int) -> None:
    for member in members:
        inside = PurePosixPath(member.filename)
        if inside.is_absolute() or ".." in inside.parts or "\\" in member.filename:
            raise _Refused(
                f"{path} holds the path {member.filename!r}, which leaves its folder"
            )
    # A name that comes twice would be read twice; and only these two are read piece by piece.
    if len({member.filename for member in members}) < len(members):
        raise _Refused(f"{path} holds a name twice; expected a data set")
    if any(m.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for m in members):
        raise _Refused(f"{path} is packed in a way that minikd does not read; expected deflate")
    if sum(member.file_size for member in members) > most_bytes(size):
        raise _Refused(
            f"{path} unpacks to more than {MOST_TIMES} times its size; expected a data set"
        )


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Piece by piece: ``archive.read`` unpacks all there is, and then cuts it to what was claimed."""
    with archive.open(member) as file:
        return read_up_to(file, member.file_size + 1)
