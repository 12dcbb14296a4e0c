"""What Section 3 leaves open: the recipes, chosen with and without the test set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minikd.backend import Stream, generator
from minikd.data import Dataset, Digits
from minikd.data.augment import draw_shifts, shift_images
from minikd.evaluate import errors
from minikd.experiments.omitted_3 import PRESETS as OMITTED_3
from minikd.experiments.run import SPLIT, STUDENT, TEACHER, Kept, part_seed
from minikd.mlp import MLP
from minikd.objectives import hard_targets, soft_targets
from minikd.train import Recipe

CLAIM = "how recipes do that were chosen without the test set, and what makes a good teacher"

# The metrics that a table shows, in order.
SHOWN = {
    "best_teacher_errors": "teacher chosen on the test set",
    "honest_best_teacher_errors": "teacher chosen on the validation split",
    "best_student_errors": "student chosen on the test set",
    "honest_best_student_errors": "student chosen on the validation split",
}


@dataclass(frozen=True)
class Distillation:
    """How a student is distilled.

    Attributes
    ----------
    recipe : Recipe
    T : float
        Temperature of the soft targets.
    hard_weight : float
        Weight of the hard targets beside the soft ones.
    gain : float
        Size of the initial weights, as in :class:`minikd.MLP`.
    """

    recipe: Recipe
    T: float
    hard_weight: float
    gain: float


@dataclass(frozen=True)
class Recipes:
    """Settings of one run; frozen, and written into its record.

    Attributes
    ----------
    name : str
    data : {"glyphs", "mnist"}
    teacher_hidden, student_hidden : tuple of int
        Units of the hidden layers.
    teachers : dict of str to Recipe
        From what is particular about a teacher to how it is trained.
    students : dict of str to Distillation
        The first one learns from every teacher, the others from the first teacher.
    held_out : int
        Training cases for validation, labels included, that no network is trained on.
    move : int
        By up to so many pixels are images moved, to see how much that changes a teacher's logits.
    """

    name: str
    data: str
    teacher_hidden: tuple[int, ...]
    student_hidden: tuple[int, ...]
    teachers: dict[str, Recipe]
    students: dict[str, Distillation]
    held_out: int
    move: int


def one_cell(config: Recipes, digits: Digits, kept: Kept, cell: None = None) -> dict[str, Any]:
    """Train every teacher, a student of each, and the other students of the first teacher.

    All students learn from plain logits: the protocol of the paper.

    Returns
    -------
    dict
        ``seconds``, ``metrics`` and ``curves``, for the record.
    """
    rest, validation = digits.train.split(config.held_out, rng=part_seed(kept.seed, SPLIT))
    test = digits.test
    inputs, classes = rest.x.shape[1], int(rest.y.max()) + 1
    names = list(config.students)
    teachers: dict[str, dict[str, Any]] = {}
    students: dict[str, dict[str, Any]] = {}
    for who, recipe in config.teachers.items():
        teacher = kept.network([inputs, *config.teacher_hidden, classes], TEACHER)
        kept.train("teacher", (config.data, config.teacher_hidden, recipe, config.held_out),
                   teacher, rest, hard_targets(), recipe)  # fmt: skip
        found = {
            "validation": errors(teacher(validation.x), validation.y),
            "test": errors(teacher(test.x), test.y),
            "moves": _change_when_moved(teacher, test, config.move, kept.seed),
        }
        transfer = rest.with_logits(teacher(rest.x))
        for name in names if not teachers else names[:1]:
            how = config.students[name]
            student = kept.network([inputs, *config.student_hidden, classes], STUDENT, how.gain)
            kept.train("student", (config.data, config.teacher_hidden, config.student_hidden,
                                   recipe, config.held_out, how),
                       student, transfer, soft_targets(how.T, how.hard_weight), how.recipe)  # fmt: skip
            errors_of = {
                "validation": errors(student(validation.x), validation.y),
                "test": errors(student(test.x), test.y),
            }
            if not teachers:
                students[name] = errors_of
            if name == names[0]:
                found["student"] = errors_of
        teachers[who] = found
    metrics: dict[str, Any] = {"test_cases": len(test)}
    for what, table in (("teacher", teachers), ("student", students)):
        chosen = min(table, key=lambda name: table[name]["validation"])
        metrics[f"best_{what}_errors"] = min(row["test"] for row in table.values())
        metrics[f"honest_best_{what}_errors"] = table[chosen]["test"]
    return {
        "seconds": round(kept.seconds, 1),
        "metrics": metrics,
        "curves": {"teachers": teachers, "students": students},
    }


def _change_when_moved(teacher: MLP, data: Dataset, pixels: int, seed: int) -> float:
    """How much moving an image changes a teacher's logits.

    Each image is moved once, by up to so many pixels. The mean square of the change, as a share
    of the variance of the logits; the mean over classes, which changes no answer, is taken out.
    """
    shifts = draw_shifts(generator(seed, Stream.JITTER), len(data), pixels)
    moved = shift_images(data.x, shifts, data.shape, pixels)
    z, z_moved = (v - v.mean(-1, keepdims=True) for v in (teacher(data.x), teacher(moved)))
    return float(np.square(z_moved - z).mean() / z.var())


def _preset(data: str, epochs: int, held_out: int) -> Recipes:
    others = OMITTED_3[data]
    # Candidates are trained for fewer epochs than the networks of the other experiments.
    teacher = replace(others.teacher, epochs=epochs, subpixel=True)
    student = Distillation(
        replace(others.student, epochs=epochs, learning_rate=0.04),
        T=20.0,
        hard_weight=0.0,
        gain=0.4,
    )

    def at(learning_rate: float) -> Distillation:
        return replace(student, recipe=replace(student.recipe, learning_rate=learning_rate))

    return Recipes(
        name="recipes",
        data=data,
        teacher_hidden=others.teacher_hidden,
        student_hidden=others.student_hidden,
        teachers={
            "all tricks": teacher,
            "whole-pixel moves": replace(teacher, subpixel=False),
            "more dropout": replace(teacher, dropout=(0.0, 0.5, 0.5)),
            "no dropout": replace(teacher, dropout=()),
            "no moves": replace(teacher, jitter=0),
            "no tricks": replace(teacher, dropout=(), max_norm=None, jitter=0),
        },
        students={
            "soft targets at T = 20": student,
            "the same at T = 8": replace(student, T=8.0),
            "the same at T = 40": replace(student, T=40.0),
            "hard targets beside them": replace(student, hard_weight=0.1),
            "He's initial weights": replace(student, gain=1.0),
            "learning rate 0.02": at(0.02),
            "learning rate 0.06": at(0.06),
        },
        held_out=held_out,
        move=2,
    )


PRESETS = {
    "glyphs": _preset("glyphs", epochs=10, held_out=1000),
    "mnist": _preset("mnist", epochs=12, held_out=10_000),
}
