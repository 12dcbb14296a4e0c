"""The ``minikd`` command with a fault at a chosen moment: ``python proofs/faulty.py FAULT N COMMAND``.

The fault comes at the Nth file that is written atomically: ``die-before`` kills the process before the
first byte, ``die-half`` when half of it is written, ``die-unnamed`` before the whole file gets its name,
``die-after`` at once after; ``full`` is a disk that is full from there on, and ``too-many`` a limit on open
files. ``limit`` is one on the size of files, of N bytes.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import sys
from typing import Any

from minikd import checkpoint, cli

FAULT, N = sys.argv[1], int(sys.argv[2])
count = 0
real_fsync, real_replace = os.fsync, os.replace


def die() -> None:
    """As by the kernel, or by someone who has no patience."""
    os.kill(os.getpid(), signal.SIGKILL)


def fsync(file: int) -> None:
    """Where a file has been written, and is not yet on the disk."""
    global count
    count += 1
    if count >= N and FAULT == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if count == N and FAULT == "too-many":  # the next file is one too many
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    if count == N and FAULT in ("die-before", "die-half"):
        size = os.fstat(file).st_size
        os.ftruncate(file, 0 if FAULT == "die-before" else size // 2)
        real_fsync(file)
        die()
    real_fsync(file)


def replace(*arguments: Any) -> None:
    """Where a file gets its name."""
    if count == N and FAULT == "die-unnamed":
        die()
    real_replace(*arguments)
    if count == N and FAULT == "die-after":
        die()


checkpoint.os.fsync, checkpoint.os.replace = fsync, replace  # type: ignore[assignment]
if FAULT == "limit":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (N, N))

if __name__ == "__main__":
    sys.exit(cli.main(sys.argv[3:]))
