"""Files that are packed: read with a limit, so that a small one can't fill the memory."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path
from typing import Any

# Images and sounds shrink to a fifth; what unpacks to a hundred times its size is no data set.
MOST_TIMES = 100
# A small file may be mostly header.
ALWAYS = 1 << 16

# What gzip, zlib and zipfile raise on files that are none of theirs, are damaged, or are encrypted.
DAMAGED = (
    EOFError, OSError, ValueError, RuntimeError, NotImplementedError, MemoryError, OverflowError,
    zlib.error, zipfile.BadZipFile,
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
    while size < most and (part := file.read(min(most - size, 1 << 24))):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def check_sizes(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse a zip file that would unpack to more than a hundred times its size.

    Python reads no more of a member than the size that its directory claims, so the claims bound
    what is read.

    Raises
    ------
    ValueError
    """
    claimed = sum(member.file_size for member in archive.infolist())
    if claimed > most_bytes(path.stat().st_size):
        raise ValueError(
            f"{path} unpacks to more than {MOST_TIMES} times its size; expected a data set"
        )
