"""MNIST: read from a folder, and downloaded only when asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from minikd.data.dataset import Dataset, Digits
from minikd.data.idx import read_idx

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
SHA256 = {
    "train-images-idx3-ubyte.gz": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
    ),
    "train-labels-idx1-ubyte.gz": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
    ),
}


def mnist_folder() -> Path:
    """Where MNIST is looked for: ``$MINIKD_DATA_DIR/mnist``, or the user's cache."""
    if os.environ.get("MINIKD_DATA_DIR"):
        return Path(os.environ["MINIKD_DATA_DIR"]) / "mnist"
    import pooch

    return Path(pooch.os_cache("minikd")) / "mnist"


def load_mnist() -> Digits:
    """Handwritten digits: 60,000 for training and 10,000 for testing (LeCun et al. 1998).

    Nothing is downloaded: see :func:`fetch_mnist`.

    Returns
    -------
    Digits

    Raises
    ------
    FileNotFoundError
        If a file is missing; the message names the folder and says what to do.
    ValueError
        If a file is not the one that its name promises.
    """
    import hashlib

    folder = mnist_folder()
    missing = [name for name in SHA256 if not (folder / name).exists()]
    if missing:
        raise FileNotFoundError(
            f"MNIST is not in {folder} ({len(missing)} of 4 files missing): "
            f"run 'minikd data mnist' to download it, or {_BY_HAND}"
        )
    for name, sha256 in SHA256.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != sha256:
            raise ValueError(
                f"{folder / name} is not MNIST's original file (its sha256 differs); delete it and "
                "run 'minikd data mnist'"
            )
    parts = {}
    for part, prefix in (("train", "train"), ("test", "t10k")):
        images = read_idx(folder / f"{prefix}-images-idx3-ubyte.gz")
        labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte.gz")
        x = images.reshape(len(images), 784).astype(np.float32) / np.float32(255)
        parts[part] = Dataset(x, labels.astype(np.int64))
    return Digits(parts["train"], parts["test"])


_BY_HAND = (
    "set MINIKD_DATA_DIR to a folder that holds mnist/ with the four .gz files, "
    "or use the bundled data (--data glyphs, load_glyphs())"
)


def fetch_mnist(progress: bool = False) -> Path:
    """Download MNIST (11 MB) from the first mirror that answers, and check its sha256.

    Intact files that are already there are not downloaded again.

    Parameters
    ----------
    progress : bool
        Show a progress bar on stderr.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OSError
        If no mirror delivers a file; the message names the addresses tried, the folder to fill by
        hand, and the bundled alternative.
    """
    folder = mnist_folder()
    for name, sha256 in SHA256.items():
        _fetch_one(name, sha256, folder, progress)
    return folder


def _fetch_one(name: str, sha256: str, folder: Path, progress: bool) -> None:
    import logging

    import pooch

    pooch.get_logger().setLevel(logging.ERROR)
    failures: list[Any] = []
    for mirror in MIRRORS:
        downloader = pooch.HTTPDownloader(progressbar=progress, timeout=30)
        try:
            pooch.retrieve(
                mirror + name,
                known_hash=f"sha256:{sha256}",
                fname=name,
                path=folder,
                downloader=downloader,
            )
            return
        # requests raises OSErrors of its own; pooch a ValueError for a wrong hash.
        except (OSError, ValueError) as error:
            failures.append(f"{mirror}{name} ({type(error).__name__})")
    raise OSError(
        f"could not download {name} into {folder}: tried {', '.join(failures)}. Offline? Put the "
        f"four .gz files into that folder by hand, {_BY_HAND}"
    )
