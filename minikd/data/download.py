"""Files of data sets: found in a folder, packed or not, and downloaded only when asked for."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any


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


def check_writable(folder: Path) -> None:
    """Make a folder, and write to it, before the network can be blamed for what fails here.

    Raises
    ------
    OSError
        Naming the folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(
            f"cannot write to the data folder {folder} ({error.strerror}); make it writable, or "
            "set MINIKD_DATA_DIR to another folder"
        ) from error


def retrieve(
    addresses: Sequence[str], known_hash: str | None, name: str, folder: Path, progress: Any,
    by_hand: str,
) -> Path:  # fmt: skip
    """Download a file from the first address that answers; an intact file is not downloaded again.

    Raises
    ------
    OSError
        If the folder cannot be written to, or no address delivers the file: naming the addresses,
        what each of them answered, and what to do by hand.
    """
    import logging

    import pooch

    check_writable(folder)
    pooch.get_logger().setLevel(logging.ERROR)
    failures: list[str] = []
    for address in addresses:
        downloader = pooch.HTTPDownloader(progressbar=bool(progress), timeout=30)
        try:
            return Path(
                pooch.retrieve(
                    address, known_hash=known_hash, fname=name, path=folder,
                    downloader=downloader,
                )
            )  # fmt: skip
        # requests raises OSErrors of its own; pooch a ValueError for a wrong hash.
        except (OSError, ValueError) as error:
            wrong = "another file" if isinstance(error, ValueError) else type(error).__name__
            failures.append(f"{address} ({wrong})")
    raise OSError(
        f"could not download {name} into {folder}: tried {', '.join(failures)}. Offline? {by_hand}"
    )
