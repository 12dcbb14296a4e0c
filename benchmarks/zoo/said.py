"""What minikd's checker says of every layer in the zoo: a record, so that no word changes unseen."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minikd import GradcheckError, gradcheck

from .entry import ZOO, Bug, Entry

# A number with a point or an exponent, or one that was measured; others, as "axis 1", are words.
_NUMBER = re.compile(
    r"(?:(?P<bound>below about |more than )|(?P<value>gradient |derivative |derivative is |side and ))"
    r"(?P<number>-?\d+(?:\.\d+)?(?:e[+-]\d+)?)"
    r"|(?P<plain>-?\d+\.\d+(?:e[+-]\d+)?|-?\d+e[+-]\d+)"
)


def words(entry: Entry, bug: Bug | None = None, method: str = "complex") -> str:
    """What is said of a layer, or of a mistake in it."""
    layer = entry.wrong(bug) if bug else entry.right()
    return words_of(layer, entry.inputs(), method=method)


def words_of(func: Any, inputs: Any, **options: Any) -> str:
    """The message of a GradcheckError, or the notes of a check that passes, one in a line."""
    with _notes() as notes:
        try:
            gradcheck(func, inputs, **options)
        except GradcheckError as error:
            return str(error)
    return "\n".join(["passes", *notes])


@contextmanager
def _notes() -> Iterator[list[str]]:
    """What the checker logs meanwhile."""
    said: list[str] = []
    logger, handler = logging.getLogger("minikd.gradcheck"), logging.Handler(logging.INFO)
    handler.emit = lambda entry: said.append(entry.getMessage())  # type: ignore[method-assign]
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield said
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


def cases() -> Iterator[tuple[str, Entry, Bug | None, str]]:
    """A name, and what :func:`words` takes: all layers and mistakes, and some by other methods."""
    for entry in ZOO:
        for bug in (None, *entry.bugs):
            name = f"{entry.name}: {bug.note}" if bug else entry.name
            yield name, entry, bug, "complex"
            if bug in entry.bugs[:1]:
                for method in ("central", "direction"):
                    yield f"{name} [{method}]", entry, bug, method


def alike(a: str, b: str) -> bool:
    """The same words, and numbers that differ by rounding alone."""
    if _NUMBER.sub("#", a) != _NUMBER.sub("#", b):
        return False
    for one, other in zip(_NUMBER.finditer(a), _NUMBER.finditer(b), strict=True):
        m, n = (float(found["number"] or found["plain"]) for found in (one, other))
        # What noise there is differs between processors.
        if one["bound"]:
            if not (m == n or n / 5 < m < 5 * n):
                return False
        elif not np.isclose(m, n, rtol=1e-3, atol=1e-9):
            return False
    return True


def record() -> dict[str, str]:
    """What is said in each case."""
    return {name: words(entry, bug, method) for name, entry, bug, method in cases()}
