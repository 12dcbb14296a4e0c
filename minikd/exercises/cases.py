"""Arguments that answers are tried with, from the smallest example to larger ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

SHAPES = ((1, 2), (1, 3), (2, 3), (4, 5), (3, 10))


def logits(rng: np.random.Generator) -> Iterator[Any]:
    """Logits of growing shape (B, N); the first are whole numbers."""
    for k, (B, N) in enumerate(SHAPES):
        z = 3 * rng.normal(size=(B, N))
        yield np.round(z) if k < 2 else z


def two_logits(rng: np.random.Generator) -> Iterator[tuple[Any, Any]]:
    """Logits of a student and of a teacher, unlike each other."""
    for z in logits(rng):
        v = 3 * rng.normal(size=z.shape)
        if len(z) == 1:
            v = np.round(v)
            if np.ptp(z - v) < 1:  # a constant apart: the same probabilities
                v[0, 0] += 2
        yield z, v


def temperatures() -> Iterator[float]:
    """One for each shape: the first is not 1, so that a temperature that is forgotten shows."""
    yield from (2.0, 4.0, 1.0, 20.0, 0.5)


def labels(rng: np.random.Generator, B: int, N: int) -> Any:
    """One for each case."""
    return rng.integers(0, N, B)
