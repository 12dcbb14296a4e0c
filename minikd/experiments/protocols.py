"""The two ways in which students of Section 3 are taught: the paper's protocol, and the best one.

What Section 3 leaves open of the first (how much hard targets count, for how long the teacher is
trained) was chosen so that its figures come out together; ``hard_weight`` shows how they depend on
it. The second is what makes the fewest errors on MNIST: soft targets alone, from logits averaged over
moves of the image. On the few bundled digits it is not always the better one, because it holds cases out.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
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
    hard_weight : float
        Weight of the hard targets beside T² times the soft ones.
    averaged : bool
        The soft targets come from the teacher's logits averaged over moves of the image, and not
        from those of the image as it is.
    held_out : int
        Training cases that the student does not see; 0 for none.
    student : Recipe
    """

    hard_weight: float
    averaged: bool
    held_out: int
    student: Recipe


def transfer_sets(
    protocol: Protocol,
    digits: Digits,
    kept: Kept,
    teacher: MLP,
    over_views: Callable[[str], Any],
) -> tuple[Dataset, Dataset | None]:
    """The cases that a student learns from, with soft targets, and those held out, if any.

    Parameters
    ----------
    protocol : Protocol
    digits : Digits
    kept : Kept
    teacher, over_views
        From ``kept.teacher``.
    """
    train = digits.train
    logits = over_views("train") if protocol.averaged else teacher(train.x)
    transfer = train.with_logits(logits)
    if not protocol.held_out:
        return transfer, None
    return transfer.split(protocol.held_out, rng=part_seed(kept.seed, SPLIT))


def taught(
    which: str, config: Any, protocol: Protocol, kept: Kept, transfer: Dataset, what: Any = None
) -> MLP:
    """A student of a protocol.

    Parameters
    ----------
    which : str
        Names the file that it is kept in, together with ``what``, by default the settings.
    config : dataclass
        With ``student_hidden``, ``student_gain`` and ``T``.
    protocol : Protocol
    kept : Kept
    transfer : Dataset
    what
    """
    sizes = [transfer.x.shape[1], *config.student_hidden, transfer.v.shape[-1]]
    student = kept.network(sizes, STUDENT, config.student_gain)
    objective = soft_targets(config.T, protocol.hard_weight)
    kept.train(
        which, config if what is None else what, student, transfer, objective, protocol.student
    )
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
