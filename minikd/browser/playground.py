"""The playground: one page in which a student learns from a teacher, in the reader's browser.

The engine of the page is ``plain.js``, which stands beside this file: :mod:`minikd.plain` in
JavaScript, function by function. The images and what the teacher says of them are made here, from
a seed, when the page is written.
"""

from __future__ import annotations

import base64
import functools
import json
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from minikd import values
from minikd.checkpoint import write_atomically
from minikd.data import load_glyphs
from minikd.data.dataset import Dataset
from minikd.evaluate import errors
from minikd.mlp import MLP
from minikd.objectives import hard_targets
from minikd.threads import blas_threads
from minikd.train import Recipe, train

__all__ = ["write_playground"]

SEED = 0
# The teacher learns all of the first images, and has never seen the others.
TEACHERS, TRANSFER, HELD_OUT, TEST = 5000, 3000, 1000, 1000
GREYS = 16  # two pixels in one byte, so that the page stays small
TEACHER = Recipe(
    epochs=30, learning_rate=0.1, batch=100, warm_up=100,
    dropout=(0.0, 0.2, 0.5), max_norm=3.5, jitter=1,
)  # fmt: skip
FOLDER = Path(__file__).parent
SCRIPTS = (
    "plain.js", "playground_worker.js", "playground_settings.js", "playground_charts.js",
    "playground.js",
)  # fmt: skip


def write_playground(path: str | PathLike[str]) -> Path:
    """Write a page in which a student learns, from images and a teacher made on the spot.

    The page is one static HTML file that needs neither a server nor a network. Its reader chooses
    which digits the student may see, the temperature, the weight of hard targets, the width and the
    learning rate, watches the student learn beside one on hard labels, and moves the biases. It
    takes some seconds to write, because a teacher is trained.

    Parameters
    ----------
    path : path
        The HTML file to write; its folder is made if need be.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    ValueError
        If ``path`` is no path, or is a folder, or the bundled digits are damaged.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> write_playground("out/playground.html")  # doctest: +SKIP
    PosixPath('out/playground.html')
    """
    path = values.path("path", path)
    if path.is_dir():  # said before the teacher is trained, not after
        raise ValueError(f"path: {path} is a folder; expected a file to write")
    write_atomically(path, _page().encode())
    return path


def _page() -> str:
    """The template with scripts and data in their places."""
    page = (FOLDER / "playground.html").read_text(encoding="utf-8")
    parts = {
        file.name: file.read_text(encoding="utf-8") for file in map(FOLDER.joinpath, SCRIPTS)
    }
    parts["data"] = json.dumps(_data())  # digits and base64, in which HTML finds no markup
    for name, text in parts.items():
        page = page.replace(f"/*{{{name}}}*/", text)
    return page


@functools.cache
def _data() -> dict[str, Any]:
    """The reduced images, their labels, and the teacher's logits."""
    digits = load_glyphs(rng=SEED, train=TEACHERS + HELD_OUT, test=TEST)
    x, x_test = _reduced(digits.train.x), _reduced(digits.test.x)
    teacher = MLP([x.shape[-1], 300, 300, 10], rng=SEED)
    lessons = Dataset(_floats(x[:TEACHERS]), digits.train.y[:TEACHERS], shape=(14, 14))
    with blas_threads(1):  # products this small are faster on one
        train(teacher, lessons, hard_targets(), TEACHER, rng=SEED)
        shown = np.concatenate([x[:TRANSFER], x[TEACHERS:]])
        v, v_test = teacher(_floats(shown)), teacher(_floats(x_test))
    return {
        "sizes": [TRANSFER, HELD_OUT, TEST],
        "pixels": _base64(_packed(np.concatenate([shown, x_test]))),
        "logits": _base64(v.astype("<f4")),
        "labels": "".join(map(str, digits.train.y[:TRANSFER])),
        "test_labels": "".join(map(str, digits.test.y)),
        "teacher_errors": int(errors(v_test, digits.test.y)),
    }


def _reduced(x: Any) -> Any:
    """Images of 28 × 28 pixels as 14 × 14 in a few greys: uint8, shape (n, 196)."""
    means = x.reshape(len(x), 14, 2, 14, 2).mean(axis=(2, 4))
    return np.rint(means * (GREYS - 1)).astype(np.uint8).reshape(len(x), -1)


def _packed(greys: Any) -> Any:
    """Two pixels in each byte, the first in its upper half: uint8, shape (n, 98)."""
    return greys[:, 0::2] * GREYS + greys[:, 1::2]


def _floats(greys: Any) -> Any:
    return greys.astype(np.float32) / (GREYS - 1)


def _base64(array: Any) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
