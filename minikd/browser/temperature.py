"""The page on which logits, temperature and student can be dragged: Section 2.1 by hand.

The page is one file: ``temperature.html`` with ``equations.js``, ``temperature.js`` and the logits of
a few digits put in. A test holds ``equations.js`` against :mod:`minikd.equations`.
"""

from __future__ import annotations

import base64
import functools
import json
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minikd import values
from minikd.checkpoint import write_atomically

__all__ = ["write_temperature_page"]


def write_temperature_page(path: str | PathLike[str]) -> Path:
    """Write the page on temperature: what it does to soft targets and to Eq. 2, 3 and 4.

    A small teacher and a smaller student are trained first, within seconds and from a fixed seed,
    on the bundled printed digits; the page offers their logits for some telling ones.

    Parameters
    ----------
    path : path
        The HTML file to write; its folder is made if need be.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ValueError
        If the path is none, or is that of a folder.
    OSError
        If the file cannot be written.
    """
    path = values.path("path", path)
    # "<" would end the script early if a text of the data had a tag in it.
    digits = json.dumps(_digits(), ensure_ascii=False).replace("<", "\\u003c")
    page = _part("temperature.html")
    for mark, content in (
        ("/* equations.js */", _part("equations.js")),
        ("/* temperature.js */", _part("temperature.js")),
        ("/* digits */", digits),
    ):
        page = page.replace(mark, content)
    write_atomically(path, page.encode())
    return path


def _part(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


# ---------------------------------------------------------------- the digits


class _Wanted(NamedTuple):
    """A digit as a teacher sees it: of one class, with another in second place."""

    label: int
    second: int


_WANTED = (_Wanted(2, 3), _Wanted(8, 3), _Wanted(7, 1), _Wanted(3, 5))


@functools.cache
def _digits() -> list[dict[str, Any]]:
    """Some test images, with what the teacher and the student answer to each."""
    from minikd import MLP, Recipe, hard_targets, load_glyphs, train

    digits = load_glyphs(rng=0, train=4000, test=1000)
    teacher, student = MLP([784, 100, 100, 10], rng=1), MLP([784, 30, 10], rng=2)
    train(teacher, digits.train, hard_targets(), Recipe(10, learning_rate=0.1, warm_up=20))
    train(student, digits.train, hard_targets(), Recipe(2, learning_rate=0.03))
    x, y = digits.test.x, digits.test.y
    v, z = teacher(x).astype(float), student(x).astype(float)
    return [
        {
            "title": title,
            "pixels": base64.b64encode((x[case] * 255).astype(np.uint8).tobytes()).decode(),
            "label": int(y[case]),
            "v": _centred(v[case]),
            "z": _centred(z[case]),
        }
        for title, case in _telling(v, y)
    ]


def _centred(logits: Any) -> list[float]:
    """Logits of mean 0, for which Eq. 4 holds, in three decimals, which keep the address short."""
    thousandths = np.rint(1000 * (logits - logits.mean()))
    # What rounding left of the mean goes to the largest logit, where it is least beside the number.
    thousandths[abs(thousandths).argmax()] -= thousandths.sum()
    return [float(each) / 1000 + 0.0 for each in thousandths]


def _telling(v: Any, y: Any) -> list[tuple[str, int]]:
    """Test cases worth looking at, by a rule: a title and the number of each.

    For each pair of classes that is wanted, the case where the second is nearest to a tenth as
    probable as the first; then the case that is surest, and the surest of the wrong answers.
    """
    order = np.argsort(-v, axis=-1, kind="stable")
    first, second = order[:, 0], order[:, 1]
    best, next_best = np.sort(v, axis=-1)[:, -1], np.sort(v, axis=-1)[:, -2]
    margin, found = best - next_best, []
    for label, other in _WANTED:
        fits = (y == label) & (first == label) & (second == other)
        if fits.any():
            case = int(np.where(fits, abs(margin - np.log(10)), np.inf).argmin())
            found.append((f"a {label} that is like a {other}", case))
    right = first == y
    found.append(("the surest answer", int(np.where(right, margin, -np.inf).argmax())))
    if not right.all():
        found.append(("a wrong answer", int(np.where(right, -np.inf, margin).argmax())))
    return found
