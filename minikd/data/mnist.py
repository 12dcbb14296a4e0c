"""MNIST: read from a folder, and downloaded only when asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minikd.data.dataset import Dataset, Digits
from minikd.data.download import data_folder, found, retrieve
from minikd.data.idx import read_idx
from minikd.data.unpack import read_gzip

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


MOST = 20_000_000  # bytes of a file, twice what the largest has
# Of what is inside: packing a file again changes its own hash, but not this.
CONTENT = {
    "train-images-idx3-ubyte.gz": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    "train-labels-idx1-ubyte.gz": (
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    ),
}


def mnist_folder() -> Path:
    """Where MNIST is looked for: ``$MINIKD_DATA_DIR/mnist``, or the user's cache."""
    return data_folder("mnist")


def load_mnist() -> Digits:
    """Handwritten digits: 60,000 for training and 10,000 for testing (LeCun et al. 1998).

    Nothing is downloaded: see :func:`fetch_mnist`. The files may be packed again, or unpacked
    (without ``.gz``): what counts is their content.

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
    folder = mnist_folder()
    files = {name: found(folder, name) for name in SHA256}
    missing = [name for name, path in files.items() if path is None]
    if missing:
        raise FileNotFoundError(
            f"MNIST is not in {folder} ({len(missing)} of 4 files missing): "
            f"run 'minikd data mnist' to download it, or {_BY_HAND}"
        )
    for name, path in files.items():
        if path is not None and not _is_original(path, name):
            raise ValueError(
                f"{path} is not MNIST's original file (its content differs); move it away and "
                "run 'minikd data mnist'"
            )
    parts = {}
    for part, prefix in (("train", "train"), ("test", "t10k")):
        images, labels = (
            read_idx(files[f"{prefix}-{what}-ubyte.gz"] or folder)
            for what in ("images-idx3", "labels-idx1")
        )
        x = images.reshape(len(images), 784).astype(np.float32) / np.float32(255)
        parts[part] = Dataset(x, labels.astype(np.int64))
    return Digits(parts["train"], parts["test"])


def _is_original(path: Path, name: str) -> bool:
    """Whether a file is the published one, or holds the same, packed again or not at all."""
    import hashlib

    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() == SHA256[name]:
        return True
    try:
        content = read_gzip(path) if path.suffix == ".gz" else content
    except ValueError:
        return False
    return hashlib.sha256(content).hexdigest() == CONTENT[name]


_BY_HAND = (
    "set MINIKD_DATA_DIR to a folder that holds mnist/ with the four files, "
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
        If the folder cannot be written to, or no mirror delivers a file; the message names the
        addresses tried, the folder to fill by hand, and the bundled alternative.
    """
    folder = mnist_folder()
    by_hand = f"Put the four files into that folder by hand, {_BY_HAND}"
    mirrors = list(MIRRORS)
    for name, sha256 in SHA256.items():
        path = found(folder, name)
        if path is None or not _is_original(path, name):
            addresses = [mirror + name for mirror in mirrors]
            came_from = retrieve(
                addresses, f"sha256:{sha256}", name, folder, progress, by_hand, MOST
            )
            # The next file is asked for where this one was, and not from who kept us waiting.
            mirrors.sort(key=lambda mirror: mirror + name != came_from)
    return folder
