"""How many cases a network gets wrong, and what raising or lowering a class bias changes.

Adding a number to the logit of a class in every case is the same as adding it to that class's
bias in the last layer; so everything here works on logits alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minikd.backend import Array, to_host
from minikd.data.augment import shift_images
from minikd.data.dataset import Dataset
from minikd.mlp import MLP


def errors(z: Array, y: Array) -> Any:
    """Number of cases whose largest logit is not that of the label.

    Parameters
    ----------
    z : array, shape (*E, n, N)
    y : array of int, shape (n,)

    Returns
    -------
    int, or array of int, shape (*E,)

    Examples
    --------
    >>> errors([[2.0, 1.0], [0.0, 3.0]], [0, 0])
    1
    """
    wrong = (_predicted(z, y) != to_host(y)).sum(axis=-1)
    return int(wrong) if wrong.ndim == 0 else wrong


def errors_per_class(z: Array, y: Array) -> Any:
    """Errors on the cases of each class.

    Parameters
    ----------
    z : array, shape (n, N)
    y : array of int, shape (n,)

    Returns
    -------
    array of int, shape (N,)
    """
    y = to_host(y)
    return np.bincount(y[_predicted(z, y) != y], minlength=z.shape[-1])


def with_bias(z: Array, classes: Sequence[int], bias: float) -> Any:
    """A copy of the logits with ``bias`` added to those of some classes."""
    z = np.array(to_host(z))
    z[..., list(classes)] += bias
    return z


def logits_over_views(net: MLP, data: Dataset, pixels: int) -> Any:
    """Mean logits of each image over all its moves by up to some pixels.

    A teacher that was trained with jitter says something a little different of each of the
    (2 · pixels + 1)² moved images. Their mean is surer, like that of an ensemble; a mean of
    logits is a geometric mean of probabilities (Section 5). The student still sees only the
    image that was not moved. This is not in the paper.

    Parameters
    ----------
    net : MLP
    data : Dataset
    pixels : int
        0 takes the images as they are.

    Returns
    -------
    array, shape (*E, n, N)
        On the host.
    """
    moves = [
        (down, right)
        for down in range(-pixels, pixels + 1)
        for right in range(-pixels, pixels + 1)
    ]
    parts = []
    for start in range(0, len(data), 2000):
        x = data.x[start : start + 2000]
        views = (
            shift_images(x, np.full((len(x), 2), move), data.shape, pixels) for move in moves
        )
        parts.append(sum(net(view) for view in views) / len(moves))
    return np.concatenate(parts, axis=-2)


@dataclass(frozen=True, eq=False)
class BiasSweep:
    """Errors against the bias of some classes.

    Attributes
    ----------
    biases : array, shape (S,)
    errors : array of int, shape (S,)
    best : float
        The bias with the fewest errors; of several, the middle one.
    """

    biases: Any
    errors: Any
    best: float


def sweep_bias(z: Array, y: Array, classes: Sequence[int], biases: Array) -> BiasSweep:
    """Count the errors for each of many biases, and choose one (Section 3).

    With test labels as ``y`` this is the paper's protocol. For an honest one, hold cases out
    of the transfer set and let ``y`` be what the *teacher* says of them: no label at all is
    looked at, and no test case.

    Parameters
    ----------
    z : array, shape (n, N)
        Logits of the student.
    y : array of int, shape (n,)
        What the student should say.
    classes : sequence of int
        The classes whose bias is moved, all by the same amount.
    biases : array, shape (S,)

    Returns
    -------
    BiasSweep

    Raises
    ------
    ValueError
        If no class or every class is named: moving all of them changes nothing.
    """
    z, y, biases = to_host(z), to_host(y), np.asarray(biases, dtype=float)
    moved = np.zeros(z.shape[-1], dtype=bool)
    moved[list(classes)] = True
    if not moved.any() or moved.all():
        raise ValueError(f"classes is {list(classes)}; expected some of the classes, not all")
    # A case goes to the moved classes once the bias exceeds the lead of the others.
    lead = z[:, ~moved].max(-1) - z[:, moved].max(-1)
    inside, outside = (
        np.flatnonzero(moved)[z[:, moved].argmax(-1)],
        np.flatnonzero(~moved)[z[:, ~moved].argmax(-1)],
    )
    goes_in = biases[:, None] > lead
    counts = np.where(goes_in, inside != y, outside != y).sum(-1)
    best = biases[np.flatnonzero(counts == counts.min())]
    return BiasSweep(biases, counts, float(best[(len(best) - 1) // 2]))


def _predicted(z: Array, y: Array) -> Any:
    z = np.asarray(to_host(z))
    if z.ndim < 2 or z.shape[-2] != len(y):
        raise ValueError(
            f"z has shape {z.shape}; expected ({len(y)}, classes), a row per label"
        )
    return z.argmax(-1)
