"""Folders that a run or a download writes to: asked before the work begins, and kept tidy."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

# What is younger than this may belong to a process that is still at work, here or elsewhere.
LEFT_BEHIND = 24 * 3600


def check_writable(folder: Path, name: str, instead: str = "or choose another folder") -> None:
    """Make a folder, and write to it, before hours of work or a network can be blamed.

    Raises
    ------
    OSError
        Naming the folder.
    """
    import tempfile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))  # a full disk still makes files
    except OSError as error:
        said = (
            f"cannot write to {name} {folder} ({error.strerror}); make it writable, {instead}"
        )
        raise with_number(error, said) from error


def with_number(error: OSError, said: str) -> OSError:
    """An error of the same kind and number that says more."""
    other = type(error)(said)
    other.errno = error.errno
    return other


def remove_left_behind(folder: Path, pattern: str) -> None:
    """Remove what a process that was killed left in a folder more than a day ago.

    The pattern must be of names that only minikd gives.
    """
    import shutil

    for path in folder.glob(pattern):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > LEFT_BEHIND:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
