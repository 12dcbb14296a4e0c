"""EMNIST ByClass: handwritten digits and letters of 62 classes (Cohen et al. 2017)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from minikd import values
from minikd.backend import Stream, generator
from minikd.checkpoint import write_atomically
from minikd.data.dataset import Characters, Dataset
from minikd.data.download import data_folder, found, retrieve
from minikd.data.idx import read_idx
from minikd.data.unpack import read_zip

URL = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
MD5 = "58c8d27c78d21e728a6bc7b3cc06412e"
# Of the uncompressed content: packing it again changes the files, but not this.
SHA256 = {
    "emnist-byclass-test-images-idx3-ubyte.gz":
        "8d04a3d9080fca12625feb1f747061ded66ca65491c12c9608d5c3f912cfee5c",
    "emnist-byclass-test-labels-idx1-ubyte.gz":
        "339e7c234906611f3e5f47624173d7e0d821a17fafe12174ff6b9c0ba3d2e076",
}  # fmt: skip
NAMES = tuple("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_BY_HAND = (
    f"set MINIKD_DATA_DIR to a folder that holds emnist/ with {' and '.join(SHA256)}, or use the "
    "bundled data (--data characters, load_characters())"
)


def emnist_folder() -> Path:
    """Where EMNIST is looked for: ``$MINIKD_DATA_DIR/emnist``, or the user's cache."""
    return data_folder("emnist")


def load_emnist(test: int = 20_000) -> Characters:
    """Handwritten characters of 62 classes, from the test split of EMNIST ByClass.

    Nothing is downloaded: see :func:`fetch_emnist`. The 116,323 images of that split, few enough
    for two cores, are split once more here, always in the same way: ``test`` of them, drawn at
    random, are for testing, the others for training. So results on them cannot be compared with
    published results on EMNIST.

    Parameters
    ----------
    test : int
        Number of test images.

    Returns
    -------
    Characters

    Raises
    ------
    FileNotFoundError
        If a file is missing; the message names the folder and says what to do.
    ValueError
        If a file does not hold what its name says, or nothing is left to train on.
    """
    folder = emnist_folder()
    files = {name: found(folder, name) for name in SHA256}
    missing = [name for name, path in files.items() if path is None]
    if missing:
        raise FileNotFoundError(
            f"EMNIST is not in {folder} ({len(missing)} of 2 files missing): run 'minikd data "
            f"emnist' to download it, or {_BY_HAND}"
        )
    images, labels = (_content(path or folder, name) for name, path in files.items())
    test = values.whole("test", test, 1, len(labels) - 1)
    order = generator(0, Stream.ORDER).permutation(len(labels))
    parts = []
    for chosen in (np.sort(order[test:]), np.sort(order[:test])):
        # Stored by columns.
        x = images[chosen].transpose(0, 2, 1).reshape(len(chosen), 784)
        parts.append(
            Dataset(x.astype(np.float32) / np.float32(255), labels[chosen].astype(np.int64))
        )
    return Characters(parts[0], parts[1], NAMES)


def _content(path: Path, name: str) -> Any:
    import hashlib

    array = read_idx(path)
    shape = (len(array), 28, 28) if "images" in name else (array.size,)
    same = array.dtype == np.uint8 and array.shape == shape
    if not same or hashlib.sha256(array.tobytes()).hexdigest() != SHA256[name]:
        raise ValueError(
            f"{path} is not EMNIST's original file (its content differs); move it away and run "
            "'minikd data emnist'"
        )
    return array


def fetch_emnist(progress: bool = False) -> Path:
    """Download EMNIST (562 MB), check its MD5, and keep the two files that are needed (30 MB).

    Nothing is downloaded if they are already there and hold what they should.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OSError
        If the download fails; the message names the address, the folder to fill by hand, and the
        bundled alternative.
    """
    folder = emnist_folder()
    if all(_is_whole(found(folder, name), name) for name in SHA256):
        return folder

    def unpack(got: Path) -> None:
        names = {f"gzip/{name}": name for name in SHA256}
        contents = read_zip(got, names.__contains__)
        if len(contents) < len(names):
            raise ValueError(f"{got} does not hold {' and '.join(names)}")
        for inside, content in contents:
            write_atomically(folder / names[inside], content)
            _content(folder / names[inside], names[inside])

    retrieve([URL], f"md5:{MD5}", "gzip.zip", folder, progress, _BY_HAND, 1_200_000_000, unpack)
    return folder


def _is_whole(path: Path | None, name: str) -> bool:
    try:
        return path is not None and _content(path, name) is not None
    except ValueError:
        return False
