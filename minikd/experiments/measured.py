"""What can be measured of a teacher before it teaches, to see what predicts its students."""

from __future__ import annotations

import numpy as np

from minikd.backend import Stream, generator
from minikd.data import Dataset, Digits
from minikd.data.augment import draw_shifts, shift_images
from minikd.equations import softmax
from minikd.evaluate import calibration_error, errors
from minikd.mlp import MLP
from minikd.probabilities import entropy
from minikd.statistics import rank_correlation
from minikd.train import Recipe

# What a teacher may be judged by, in words; all but the first two can be had without labels of tests.
MEASURES = {
    "errors": "its test errors",
    "calibration": "its calibration error on the test set",
    "training_errors": "its training errors",
    "doubt": "its probability on other classes than the label",
    "size": "the size of its logits",
    "entropy": "the entropy of its soft targets",
    "moves": "how much its logits change when an image is moved",
}


def measured(
    teacher: MLP, digits: Digits, T: float, pixels: int, seed: int
) -> dict[str, float]:
    """What is measured of a teacher.

    Parameters
    ----------
    teacher : MLP
    digits : Digits
        The cases that it was trained on, and the test set.
    T : float
        Temperature of the soft targets.
    pixels : int
        Test images are moved by up to this many.
    seed : int

    Returns
    -------
    dict
        A number for each name in ``MEASURES``: ``doubt``, ``size`` and ``entropy`` (in nats) are
        means over the training cases, ``moves`` is :func:`change_when_moved`.
    """
    train, test = digits.train, digits.test
    v, z = teacher(train.x).astype(float), teacher(test.x).astype(float)
    return {
        "errors": errors(z, test.y),
        "calibration": calibration_error(z, test.y),
        "training_errors": errors(v, train.y),
        "doubt": float(1 - softmax(v)[np.arange(len(train)), train.y].mean()),
        "size": float((v - v.mean(-1, keepdims=True)).std()),
        "entropy": float(entropy(v, T).mean()),
        "moves": change_when_moved(teacher, test, pixels, seed),
    }


def change_when_moved(teacher: MLP, data: Dataset, pixels: int, seed: int) -> float:
    """How much moving an image changes a teacher's logits.

    Each image is moved once, by up to ``pixels``. The mean square of the change, as a share
    of the variance of the logits; the mean over classes, which changes no answer, is taken out.
    """
    shifts = draw_shifts(generator(seed, Stream.JITTER), len(data), pixels)
    moved = shift_images(data.x, shifts, data.shape, pixels)
    z, z_moved = (v - v.mean(-1, keepdims=True) for v in (teacher(data.x), teacher(moved)))
    return float(np.square(z_moved - z).mean() / z.var())


def predictions(teachers: list[dict[str, float]], students: list[float]) -> dict[str, float]:
    """The rank correlation of each measure with the errors of the students; of those that can be ranked.

    Parameters
    ----------
    teachers : list of dict
        From :func:`measured`, a teacher each.
    students : list of float
        The errors of each one's student.
    """
    if min(students) == max(students):
        return {}
    names = [str(k) for k in range(len(teachers))]
    errors_of = dict(zip(names, students, strict=True))
    return {
        measure: rank_correlation(
            errors_of,
            {name: of[measure] for name, of in zip(names, teachers, strict=True)},
        )
        for measure in MEASURES
        if len({of[measure] for of in teachers}) > 1
    }


def in_words(recipe: Recipe) -> str:
    """What tells one teacher from another: its dropout, and how long it is trained."""
    dropout = ", ".join(f"{rate:g}" for rate in recipe.dropout)
    return f"dropout {dropout or 'none'}; {recipe.epochs} epochs"
