"""Section 3: a student that learns from soft targets makes far fewer errors than one alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minikd.data import Digits
from minikd.evaluate import errors, errors_per_class, paired_test
from minikd.experiments.omitted_3 import PRESETS as OMITTED_3
from minikd.experiments.run import STUDENT, Kept
from minikd.objectives import hard_targets, soft_targets
from minikd.train import Recipe

CLAIM = "a student makes far fewer errors on soft targets, with nothing else to regularize it"

# The metrics that a table shows, in order.
SHOWN = {
    "teacher_errors": "teacher",
    "teacher_views_errors": "teacher, averaged over moves of the image",
    "alone_errors": "student on hard labels, no tricks",
    "tricks_errors": "student on hard labels, the teacher's tricks",
    "distilled_errors": "student on soft targets",
    "distilled_views_errors": "student on soft targets averaged over moves",
    "distilled_jittered_errors": "student on averaged soft targets, its images moved",
    "errors_shared_with_teacher": "errors of the student on soft targets that are its teacher's very answers",
    "p_distilled_against_alone": "p of soft targets against hard labels (McNemar)",
}


@dataclass(frozen=True)
class TeacherStudent:
    """Settings of one run; frozen, and written into its record.

    Attributes
    ----------
    name : str
    data : {"glyphs", "mnist"}
    teacher_hidden, student_hidden : tuple of int
        Units of the hidden layers.
    student_gain : float
        Size of the initial weights of the students, as in :class:`minikd.MLP`.
    teacher : Recipe
    alone : Recipe
        The student on hard labels, with no tricks (the paper's 146).
    tricks : Recipe
        A control: the student on hard labels with the teacher's dropout, max-norm and jitter.
    student : Recipe
        The student on soft targets, its images not moved (the paper's 74).
    jittered : Recipe
        A control: the student on averaged soft targets, its images moved. The targets are those
        of the image that was not moved.
    T : float
        Temperature of the soft targets; no hard targets are used beside them.
    view_pixels : int
        For two more students, the teacher's logits are averaged over all moves by up to so many
        pixels, which the paper does not do.
    """

    name: str
    data: str
    teacher_hidden: tuple[int, ...]
    student_hidden: tuple[int, ...]
    student_gain: float
    teacher: Recipe
    alone: Recipe
    tricks: Recipe
    student: Recipe
    jittered: Recipe
    T: float
    view_pixels: int


def one_cell(
    config: TeacherStudent, digits: Digits, kept: Kept, cell: None = None
) -> dict[str, Any]:
    """Train the teacher and the students of one seed.

    Returns
    -------
    dict
        ``seconds``, ``metrics`` and ``curves``, for the record.
    """
    train, test = digits.train, digits.test
    teacher, over_views = kept.teacher(config, digits)
    sizes = [teacher.sizes[0], *config.student_hidden, teacher.sizes[-1]]
    plain, views = train.with_logits(teacher(train.x)), train.with_logits(over_views("train"))
    soft = soft_targets(config.T)
    runs = {
        "alone": (train, hard_targets(), config.alone),
        "tricks": (train, hard_targets(), config.tricks),
        "distilled": (plain, soft, config.student),
        "distilled_views": (views, soft, config.student),
        "distilled_jittered": (views, soft, config.jittered),
    }
    z = {"teacher": teacher(test.x), "teacher_views": over_views("test")}
    for name, (data, objective, recipe) in runs.items():
        # One seed for all: they begin with the same weights.
        student = kept.network(sizes, STUDENT, config.student_gain)
        kept.train(name, config, student, data, objective, recipe)
        z[name] = student(test.x)

    wrong = {name: logits.argmax(-1) != test.y for name, logits in z.items()}
    same = (z["distilled"].argmax(-1) == z["teacher"].argmax(-1)) & wrong["teacher"]
    return {
        "seconds": round(kept.seconds, 1),
        "metrics": {
            "test_cases": len(test),
            **{f"{name}_errors": errors(logits, test.y) for name, logits in z.items()},
            # Of the distilled student's errors, those that are the teacher's very answers.
            "errors_shared_with_teacher": int(same.sum()),
            "p_distilled_against_alone": paired_test(wrong["distilled"], wrong["alone"]),
        },
        "curves": {
            "errors_per_class": {
                name: errors_per_class(logits, test.y).tolist() for name, logits in z.items()
            },
            # Which test cases each one gets wrong, to show them.
            "wrong": {name: np.flatnonzero(cases).tolist() for name, cases in wrong.items()},
        },
    }


def _preset(
    data: str, alone: Recipe, tricks_epochs: int, jittered_epochs: int
) -> TeacherStudent:
    # The teacher is that of the other experiments, and so is the recipe of the student.
    others = OMITTED_3[data]
    return TeacherStudent(
        name="teacher-student",
        data=data,
        teacher_hidden=others.teacher_hidden,
        student_hidden=others.student_hidden,
        student_gain=others.student_gain,
        teacher=others.teacher,
        alone=alone,
        tricks=replace(others.teacher, epochs=tricks_epochs),
        student=others.student,
        jittered=replace(
            others.student, epochs=jittered_epochs, jitter=2, subpixel=others.teacher.subpixel
        ),
        T=20.0,
        view_pixels=2,
    )


PRESETS = {
    "glyphs": _preset(
        "glyphs",
        Recipe(epochs=20, learning_rate=0.1, batch=100),
        tricks_epochs=50,
        jittered_epochs=40,
    ),
    "mnist": _preset(
        "mnist",
        Recipe(epochs=20, learning_rate=0.1, batch=128),
        tricks_epochs=20,
        jittered_epochs=30,
    ),
}
