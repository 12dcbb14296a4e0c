"""The bundled data: printed digits and characters, bent and moved at random from a seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from minikd import values
from minikd.backend import Stream, generator
from minikd.data.dataset import Characters, Dataset, Digits

SHA256 = {
    "glyphs.npz": "479ad5b6f83a1bd8c2482926472c859643ce44b3bf4324afe0d63d149003e569",
    "characters.npz": "663cc05b28fbb95d5a8b7fb4853e895850f293b4a10c7679884f2fd93b4b87a6",
}


def load_glyphs(rng: Any = 0, train: int = 6000, test: int = 4000) -> Digits:
    """Printed digits, each turned, sheared, scaled, moved and bent at random.

    They stand in for MNIST when you are offline: 28 × 28 pixels and ten classes, hard enough that a
    network makes errors and that some classes look alike. The digits were drawn once from the fonts
    that ship with matplotlib; see ``FONT_LICENSES.md``.

    Parameters
    ----------
    rng : int or Generator
        The same seed gives the same images.
    train, test : int
        Number of images.

    Returns
    -------
    Digits

    Raises
    ------
    ValueError
        If the bundled file is damaged, or a number is not positive.
    """
    return Digits(*_drawn("glyphs.npz", rng, train, test))


def load_characters(rng: Any = 0, train: int = 13_000, test: int = 6500) -> Characters:
    """Printed characters of 321 classes, each turned, sheared, scaled, moved and bent at random.

    Digits, Latin letters with and without accents, Greek letters and Cyrillic ones, in eight fonts.
    Some classes have the same shape, such as the Latin, the Greek and the Cyrillic o: nobody can
    tell them apart, and a zero looks much the same. They stand in for the 15,000 classes of Section 5, with
    their many kinds of mushrooms.

    Parameters and errors as in :func:`load_glyphs`.

    Returns
    -------
    Characters
        ``names`` are the characters themselves.
    """
    parts = _drawn("characters.npz", rng, train, test)
    return Characters(
        parts[0], parts[1], tuple(map(str, _templates("characters.npz")["names"]))
    )


def _drawn(file: str, rng: Any, train: int, test: int) -> list[Dataset]:
    """A training set and a test set of warped images of the templates in a file."""
    rng = values.as_seed(rng)
    for name, images in (("train", train), ("test", test)):
        values.whole(name, images, 1, what="at least one image, an integer")
    train, test = int(train), int(test)
    templates = _templates(file)
    images, labels = templates["images"], templates["labels"].astype(np.int64)
    parts = []
    for cases, purpose in ((train, Stream.GLYPHS_TRAIN), (test, Stream.GLYPHS_TEST)):
        stream = generator(rng, purpose)
        chosen = stream.permutation(np.arange(cases) % len(images))
        x = _warp(images[chosen].astype(np.float32) / np.float32(255), stream)
        parts.append(Dataset(x.reshape(cases, -1), labels[chosen]))
    return parts


def _templates(name: str) -> dict[str, Any]:
    import hashlib

    file = Path(__file__).with_name(name)
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != SHA256[name]:
        raise ValueError(f"{file} is damaged (sha256 {found}); install minikd again")
    with open(file, "rb") as opened, np.load(opened, allow_pickle=False) as arrays:
        return dict(arrays)


def _warp(images: Any, rng: np.random.Generator) -> Any:
    """An affine map and a smooth random displacement for each image (Simard et al. 2003)."""
    from scipy import ndimage

    n, H, W = images.shape
    turn, shear = rng.uniform(-0.25, 0.25, (2, n, 1, 1))
    scale_y, scale_x = rng.uniform(0.8, 1.2, (2, n, 1, 1))
    move_y, move_x = rng.uniform(-2, 2, (2, n, 1, 1))
    bend = rng.uniform(-1, 1, (2, n, H, W)).astype(np.float32)
    bend = ndimage.gaussian_filter(bend, sigma=(0, 0, 4, 4)) * 18

    y, x = np.mgrid[:H, :W] - (H - 1) / 2
    from_y = (np.cos(turn) * y - np.sin(turn) * x) / scale_y
    from_x = (np.sin(turn) * y + (np.cos(turn) + shear) * x) / scale_x
    warped = np.empty_like(images)
    for i in range(n):
        at = np.stack(
            [
                from_y[i] + bend[0, i] + move_y[i] + (H - 1) / 2,
                from_x[i] + bend[1, i] + move_x[i] + (W - 1) / 2,
            ]
        )
        warped[i] = ndimage.map_coordinates(images[i], at, order=1)
    return warped
