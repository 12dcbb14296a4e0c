"""The two ways in which students of Section 3 are taught: the paper's protocol, and the best one.

What Section 3 leaves open of the first (how much hard targets count, for how long the teacher is
trained) was chosen so that its figures come out together; ``hard_weight`` shows how they depend on
it. The second is what makes the fewest errors on MNIST: soft targets alone, from logits averaged over
moves of the image. On the few bundled digits it is not always the better one, because it holds cases out.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from minikd import values
from minikd.data import Dataset, Digits, load_emnist
from minikd.experiments.kept import SPLIT, STUDENT, Kept, part_seed
from minikd.mlp import MLP
from minikd.objectives import soft_targets
from minikd.train import Recipe


@dataclass(frozen=True)
class Protocol:
    """How a student learns from its teacher; it sees no moved image.

    Attributes
    ----------
    teacher : Recipe
    hard_weight : float
        Weight of the hard targets beside T² times the soft ones.
    averaged : bool
        The soft targets come from the teacher's logits averaged over moves of the image, and not
        from those of the image as it is.
    held_out : int
        Training cases that the student does not see; 0 for none.
    student : Recipe
    """

    teacher: Recipe
    hard_weight: float
    averaged: bool
    held_out: int
    student: Recipe


def transfer_sets(
    protocol: Protocol, config: Any, digits: Digits, kept: Kept
) -> tuple[Dataset, Dataset | None]:
    """The cases that a student learns from, with soft targets, and those held out, if any.

    Parameters
    ----------
    protocol : Protocol
    config : dataclass
        As :meth:`Kept.teacher` needs it.
    digits : Digits
    kept : Kept
    """
    teacher, over_views = kept.teacher(config, digits, protocol.teacher)
    logits = over_views("train") if protocol.averaged else teacher(digits.train.x)
    transfer = digits.train.with_logits(logits)
    if not protocol.held_out:
        return transfer, None
    return transfer.split(protocol.held_out, rng=part_seed(kept.seed, SPLIT))


def taught(
    protocol: Protocol,
    config: Any,
    kept: Kept,
    transfer: Dataset,
    omitted: tuple[int, ...] = (),
) -> MLP:
    """A student of a protocol; experiments whose students are the same share them.

    Parameters
    ----------
    protocol : Protocol
    config : dataclass
        With ``data``, ``teacher_hidden``, ``student_hidden``, ``student_gain``, ``view_pixels`` and
        ``T``.
    kept : Kept
    transfer : Dataset
        From :func:`transfer_sets`.
    omitted : tuple of int
        Classes whose cases the student does not see.
    """
    sizes = [transfer.x.shape[1], *config.student_hidden, transfer.v.shape[-1]]
    student = kept.network(sizes, STUDENT, config.student_gain)
    which = (
        config.data, config.teacher_hidden, config.student_hidden, config.student_gain, config.T,
        config.view_pixels if protocol.averaged else 0, protocol, omitted,
    )  # fmt: skip
    kept.train(
        "student", which, student, transfer.without(*omitted) if omitted else transfer,
        soft_targets(config.T, protocol.hard_weight), protocol.student, lasts=True,
    )  # fmt: skip
    return student


@functools.lru_cache(maxsize=1)
def second_test(data: str) -> Dataset | None:
    """Digits for a second test, on which nothing was tuned; None if there are none.

    Beside MNIST, the digits of EMNIST ByClass's test split, where that is at hand. Other hands
    prepared them: they fill more of the image. But both come from the same collection, NIST's
    Special Database 19, and so do some of the writers (Cohen et al. 2017).
    """
    if values.text("data", data, "the name of a data set") != "mnist":
        return None
    try:
        characters = load_emnist()
    except FileNotFoundError:
        return None
    parts = [part.only(*range(10)) for part in (characters.train, characters.test)]
    x, y = (np.concatenate([getattr(part, a) for part in parts]) for a in "xy")
    return Dataset(x, y)
