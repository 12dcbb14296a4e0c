"""A student that never saw some of the classes (Section 3), from the teacher to the record.

``omitted_3`` and ``sevens_and_eights`` are this with other classes left out. Lesson 07 spells
the same steps out on one seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minikd.data import Dataset, Digits
from minikd.evaluate import (
    BiasSweep,
    confusion,
    errors,
    sweep_bias,
    with_bias,
)
from minikd.experiments.experiment import Metric, Paper
from minikd.experiments.kept import HARD, SPLIT, STUDENT, Kept, part_seed
from minikd.objectives import hard_targets, soft_targets
from minikd.train import Recipe


@dataclass(frozen=True)
class Unseen:
    """Settings of one run; frozen, and written into its record.

    Attributes
    ----------
    name : str
    data : {"glyphs", "mnist"}
    omitted : tuple of int
        Classes that the transfer set does not hold.
    moved : tuple of int
        Classes whose bias is changed afterwards, all by the same amount.
    teacher_hidden, student_hidden : tuple of int
        Units of the hidden layers.
    student_gain : float
        Size of the initial weights of the students, as in :class:`minikd.MLP`.
    teacher, student, hard : Recipe
        Of the teacher, of the distilled student, and of the control: the same student trained
        on the hard labels of the same cases.
    T : float
        Temperature of the soft targets; no hard targets are used beside them.
    view_pixels : int
        The teacher's logits are averaged over all moves of an image by up to this many pixels; 0
        takes the image as it is, as the paper does. No student sees a moved image.
    held_out : int
        Training cases that no student sees. What the teacher says of them, their labels unread,
        chooses the honest bias.
    biases : (float, float, float)
        Lowest, highest and step of the sweep.
    """

    name: str
    data: str
    omitted: tuple[int, ...]
    moved: tuple[int, ...]
    teacher_hidden: tuple[int, ...]
    student_hidden: tuple[int, ...]
    student_gain: float
    teacher: Recipe
    student: Recipe
    hard: Recipe
    T: float
    view_pixels: int
    held_out: int
    biases: tuple[float, float, float] = (-15.0, 15.0, 0.1)

    def bias_grid(self) -> Any:
        """The biases that the sweep tries."""
        low, high, step = self.biases
        return np.round(np.arange(low, high + step / 2, step), 6)


def shared_curves(config: Unseen) -> dict[str, Any]:
    """What all seeds of a record share: the biases that the sweep tries."""
    return {"biases": config.bias_grid().tolist()}


def transfer_sets(
    config: Unseen, digits: Digits, kept: Kept, over_views: Callable[[str], Any]
) -> tuple[Dataset, Dataset]:
    """The transfer set, without what is omitted, and the held-out cases, with all classes."""
    rest, validation = digits.train.with_logits(over_views("train")).split(
        config.held_out, rng=part_seed(kept.seed, SPLIT)
    )
    return rest.without(*config.omitted), validation


def distil(
    config: Unseen, digits: Digits, kept: Kept, transfer: Dataset, validation: Dataset
) -> tuple[Any, BiasSweep, BiasSweep]:
    """Train the student on soft targets, and choose its bias by both protocols.

    Returns
    -------
    z : array, shape (n, classes)
        Its logits on the test set, the bias as trained.
    paper, honest : BiasSweep
    """
    sizes = [transfer.x.shape[1], *config.student_hidden, transfer.v.shape[1]]
    student = kept.network(sizes, STUDENT, config.student_gain)
    kept.train("student", config, student, transfer, soft_targets(config.T), config.student)
    test, grid = digits.test, config.bias_grid()
    z = student(test.x)
    # The paper's protocol: the bias that does best on the test set.
    paper = sweep_bias(z, test.y, config.moved, grid)
    # The honest one: the bias at which the student agrees best with its teacher on cases that
    # it never saw. To choose it, neither their labels nor any test case are looked at. (The
    # teacher was trained on them, so what it says there is nearly always the label.)
    says = validation.v.argmax(-1)
    honest = sweep_bias(student(validation.x), says, config.moved, grid)
    return z, paper, honest


def one_cell(config: Unseen, digits: Digits, kept: Kept, cell: None = None) -> dict[str, Any]:
    """Train teacher and students of one seed, and move the bias by both protocols.

    Returns
    -------
    dict
        ``seconds``, ``metrics`` and ``curves``, for the record.
    """
    teacher, over_views = kept.teacher(config, digits)
    transfer, validation = transfer_sets(config, digits, kept, over_views)
    z, paper, honest = distil(config, digits, kept, transfer, validation)
    sizes = [teacher.sizes[0], *config.student_hidden, teacher.sizes[-1]]
    hard = kept.network(sizes, HARD, config.student_gain)
    kept.train("hard", config, hard, transfer, hard_targets(), config.hard)

    test, moved = digits.test, config.moved
    z_hard = hard(test.x)
    hard_sweep = sweep_bias(z_hard, test.y, moved, config.bias_grid())
    answers = {
        "teacher": teacher(test.x),
        "before": z,
        "after": with_bias(z, moved, paper.best),
        "honest": with_bias(z, moved, honest.best),
        "hard": z_hard,
        "hard_after": with_bias(z_hard, moved, hard_sweep.best),
    }
    tables = {who: confusion(logits, test.y) for who, logits in answers.items()}
    per_class = {who: table.sum(-1) - table.diagonal() for who, table in tables.items()}

    def total(which: str) -> int:
        return int(per_class[which].sum())

    def omitted(which: str) -> int:
        return int(per_class[which][list(config.omitted)].sum())

    return {
        "seconds": round(kept.seconds, 1),
        "metrics": {
            "test_cases": len(test),
            "omitted_cases": int(np.isin(test.y, config.omitted).sum()),
            "teacher_errors": total("teacher"),
            "teacher_views_errors": errors(over_views("test"), test.y),
            "errors_before": total("before"),
            "omitted_errors_before": omitted("before"),
            "bias": paper.best,
            "errors_after": total("after"),
            "omitted_errors_after": omitted("after"),
            "honest_bias": honest.best,
            "honest_errors_after": total("honest"),
            "honest_omitted_errors_after": omitted("honest"),
            "hard_errors": total("hard"),
            "hard_omitted_errors": omitted("hard"),
            "hard_bias": hard_sweep.best,
            "hard_errors_after": total("hard_after"),
            "hard_omitted_errors_after": omitted("hard_after"),
        },
        "curves": {
            "errors": paper.errors.tolist(),
            "disagreements": honest.errors.tolist(),
            "errors_per_class": {who: e.tolist() for who, e in per_class.items()},
            "confusion": {who: tables[who].tolist() for who in ("before", "honest")},
        },
    }


def metrics(paper: Mapping[str, Paper], of_all: str = "errors") -> tuple[Metric, ...]:
    """What a table shows, in order, beside the paper's numbers.

    Parameters
    ----------
    paper : mapping
        From metrics to what the paper reports.
    of_all : {"errors", "% of cases"}
        The unit of the distilled student's errors on all classes.
    """
    words: list[tuple[str, str, str]] = [
        ("omitted_cases", "test cases of unseen classes", "cases"),
        ("teacher_errors", "teacher", "errors"),
        ("teacher_views_errors", "teacher, averaged over moves of the image", "errors"),
        ("errors_before", "distilled student", of_all),
        ("omitted_errors_before", "distilled student, on unseen classes", "errors"),
        ("bias", "bias tuned on the test set", "logits"),
        ("errors_after", "distilled student with the bias tuned on the test set", of_all),
        ("omitted_errors_after",
         "distilled student with the bias tuned on the test set, on unseen classes",
         "errors"),
        ("honest_bias", "bias chosen without labels", "logits"),
        ("honest_errors_after", "distilled student with the bias chosen without labels", of_all),
        ("honest_omitted_errors_after",
         "distilled student with the bias chosen without labels, on unseen classes",
         "errors"),
        ("hard_errors", "student on hard labels", "errors"),
        ("hard_omitted_errors", "student on hard labels, on unseen classes", "errors"),
        ("hard_omitted_errors_after",
         "student on hard labels, on unseen classes, its own bias tuned on the test set",
         "errors"),
    ]  # fmt: skip
    details = {
        "omitted_cases", "teacher_views_errors", "hard_errors", "hard_omitted_errors",
        "hard_omitted_errors_after",
    }  # fmt: skip
    return tuple(
        Metric(
            name, said, unit, "neither" if unit in ("cases", "logits") else "less",
            paper.get(name), control=name in details,
        )
        for name, said, unit in words
    )  # fmt: skip
