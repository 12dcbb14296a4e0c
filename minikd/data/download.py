"""Files of data sets: found in a folder, packed or not, and downloaded only when asked for."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from minikd.folders import check_writable, remove_left_behind


def data_folder(name: str) -> Path:
    """Where a data set is looked for: ``$MINIKD_DATA_DIR/NAME``, or the user's cache."""
    if os.environ.get("MINIKD_DATA_DIR"):
        return Path(os.environ["MINIKD_DATA_DIR"]) / name
    import pooch

    return Path(pooch.os_cache("minikd")) / name


def found(folder: Path, name: str) -> Path | None:
    """A file of a folder, gzipped, or unpacked under its name without ``.gz``."""
    for path in (folder / name, folder / name.removesuffix(".gz")):
        if path.is_file():
            return path
    return None


def retrieve(
    addresses: Sequence[str], known_hash: str | None, name: str, folder: Path, progress: Any,
    by_hand: str, most: int, use: Callable[[Path], object] | None = None,
) -> str:  # fmt: skip
    """Download a file from the first address that delivers it; returns that address.

    Each download has a folder of its own until the file is whole, so that two at the same time do no
    harm, and a failed one leaves nothing.

    Parameters
    ----------
    addresses : sequence of str
    known_hash : str or None
        As pooch has it: ``sha256:...``.
    name, folder
        Of the file.
    progress : bool
        Show a bar.
    by_hand : str
        What to do instead, for the error.
    most : int
        Bytes; a longer file is another one.
    use : callable, optional
        Gets the downloaded file, in place of putting it into the folder. A ValueError says that it
        is another file than it should be.

    Raises
    ------
    OSError
        If the folder cannot be written to, or no address delivers the file: naming the addresses,
        what each of them did, and what to do by hand.
    """
    check_writable(folder, "the data folder", "or set MINIKD_DATA_DIR to another folder")
    remove_left_behind(folder, ".download-*")
    failures: list[str] = []
    for address in addresses:
        try:
            with tempfile.TemporaryDirectory(
                dir=folder, prefix=".download-", ignore_cleanup_errors=True
            ) as own:
                got = Path(own) / name
                _fetched(address, known_hash, got, progress, most)
                if use is None:
                    got.replace(folder / name)
                else:
                    use(got)
            return address
        # requests raises OSErrors of its own; pooch a ValueError for a wrong hash.
        except (OSError, ValueError) as error:
            code = getattr(error, "errno", None)
            if isinstance(code, int) and code in _OURS:
                raise OSError(
                    f"cannot write {name} into {folder} ({os.strerror(code)}); make room there, "
                    "or set MINIKD_DATA_DIR to another folder"
                ) from error
            failures.append(f"{address} ({_what_it_did(error)})")
    raise OSError(
        f"could not download {name} into {folder}: tried {', '.join(failures)}. {by_hand}"
    )


# An address that does not answer, or falls silent, is given up; so is one that is too slow for
# anybody to wait for: over such a time, fewer bytes a second than a modem.
CONNECT_SECONDS, SILENT_SECONDS, SLOW_SECONDS, SLOWEST = 10, 30, 60, 5_000

# What is wrong on this machine, and no server's fault.
_OURS = {
    getattr(errno, name, -1)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EACCES", "EPERM", "EROFS", "EIO", "EMFILE")
}


class _TooSlow(OSError):
    pass


def _fetched(
    address: str, known_hash: str | None, path: Path, progress: Any, most: int
) -> None:
    """Download to a path, in a thread: no byte that drips in keeps this one waiting for ever."""
    import logging

    import pooch

    pooch.get_logger().setLevel(logging.ERROR)
    failed: list[BaseException] = []
    watch = _Watch(path.name if progress else None, most)
    downloader = pooch.HTTPDownloader(
        progressbar=watch, timeout=(CONNECT_SECONDS, SILENT_SECONDS)
    )

    def fetch() -> None:
        try:
            pooch.retrieve(
                address, known_hash=known_hash, fname=path.name, path=path.parent,
                downloader=downloader,
            )  # fmt: skip
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=fetch, daemon=True, name="minikd download")
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.1)
            watch.look()
    finally:
        watch.close()
    if failed:
        error = failed.pop()
        try:
            raise error
        finally:
            del error  # its traceback holds this frame, and both would hold the connection


class _Watch:
    """A progress bar for pooch, and how much came in the last while.

    pooch sets ``total``, calls ``update`` for each piece, and in the end ``reset`` and ``update`` for
    the whole.
    """

    def __init__(self, title: str | None, most: int) -> None:
        self.total, self._title, self._most = 0, title, most
        self._bar: Any = None
        self._got, self._before, self._since = 0, 0, time.monotonic()

    def update(self, size: int) -> None:
        self._got += size
        if self._got > 2 * self._most:  # in the end pooch counts the whole again
            raise ValueError(f"more than {self._most} bytes")
        if self._title is not None:
            if self._bar is None:
                from tqdm.auto import tqdm

                self._bar = tqdm(desc=self._title, total=self.total, unit="B", unit_scale=True)
            self._bar.update(size)

    def look(self) -> None:
        """Give up if too little came since the last look that was long enough ago."""
        took, came = time.monotonic() - self._since, self._got - self._before
        if took < SLOW_SECONDS:
            return
        if came < SLOWEST * took:
            raise _TooSlow(f"{came / 1000:.0f} kB in {took:.0f} seconds")
        self._before, self._since = self._got, time.monotonic()

    def reset(self) -> None:
        if self._bar is not None:
            self._bar.reset()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _what_it_did(error: Exception) -> str:
    """What an address did instead of delivering the file, in a few words."""
    if isinstance(error, _TooSlow):
        return f"too slow: {error}"
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return "delivered another file"
    status = getattr(getattr(error, "response", None), "status_code", None)
    kind = type(error).__name__
    if status is not None and kind == "HTTPError":
        return f"answered {status}"
    # requests has one error for all that goes wrong with a connection; its cause is in the words.
    if kind == "ConnectionError" and "Read timed out" in str(error):
        return "fell silent"
    if kind == "ConnectionError" and any(word in str(error) for word in _BROKEN):
        return "broke off"
    kinds = {
        "ConnectTimeout": "no answer", "ConnectionError": "no connection",
        "ReadTimeout": "fell silent", "ChunkedEncodingError": "broke off",
        "TooManyRedirects": "redirects in a circle", "SSLError": "no secure connection",
        "ProxyError": "no connection through the proxy",
    }  # fmt: skip
    return kinds.get(kind, kind)


_BROKEN = ("Connection aborted", "Connection broken", "ProtocolError", "IncompleteRead")
