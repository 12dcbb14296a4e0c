"""Section 3: wide students like any high temperature, and a narrow one a temperature between."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minikd.data import Digits
from minikd.evaluate import errors
from minikd.experiments.omitted_3 import PRESETS as OMITTED_3
from minikd.experiments.run import SPLIT, STUDENT, Kept, part_seed, seconds
from minikd.mlp import MLP
from minikd.objectives import soft_targets
from minikd.train import Recipe

CLAIM = "wide students do alike at all high temperatures, narrow ones best at one between"


@dataclass(frozen=True)
class TemperatureWidth:
    """Settings of one run; frozen, and written into its record.

    Attributes
    ----------
    name : str
    data : {"glyphs", "mnist"}
    widths : tuple of int
        Units in each of a student's two hidden layers.
    students : tuple of int
        For each width, so many students at each temperature, from weights of their own.
    temperatures : tuple of float
        They hold 1 and 20.
    student_gain : float
        Size of the initial weights of the students, as in :class:`minikd.MLP`.
    teacher_hidden : tuple of int
    teacher : Recipe
    student : Recipe
        The same for every width and temperature.
    view_pixels : int
        The teacher's logits are averaged over all moves of an image by up to so many pixels.
    held_out : int
        Training cases that no student sees. What the teacher says of them, their labels unread,
        chooses the honest temperature.
    """

    name: str
    data: str
    widths: tuple[int, ...]
    students: tuple[int, ...]
    temperatures: tuple[float, ...]
    student_gain: float
    teacher_hidden: tuple[int, ...]
    teacher: Recipe
    student: Recipe
    view_pixels: int
    held_out: int


def shared_curves(config: TemperatureWidth) -> dict[str, Any]:
    """What all seeds of a record share: the grid."""
    return {"widths": list(config.widths), "temperatures": list(config.temperatures)}


def cells(config: TemperatureWidth) -> list[Any]:
    """One for each width: its temperatures are members of one stack."""
    return list(config.widths)


def one_cell(
    config: TemperatureWidth, digits: Digits, kept: Kept, width: int
) -> dict[str, Any]:
    """Train the teacher, then all students of a width as one stack, a member for each.

    Returns
    -------
    dict
        ``seconds``, ``metrics`` and ``curves``, for :func:`together`.
    """
    teacher, over_views = kept.teacher(config, digits)
    transfer, validation = digits.train.with_logits(over_views("train")).split(
        config.held_out, rng=part_seed(kept.seed, SPLIT)
    )
    test, T = digits.test, np.array(config.temperatures)
    metrics: dict[str, Any] = {
        "test_cases": len(test),
        "teacher_errors": errors(teacher(test.x), test.y),
        "teacher_views_errors": errors(over_views("test"), test.y),
    }
    shared = kept.seconds
    students = config.students[config.widths.index(width)]
    # Students that start from the same weights differ in T alone.
    seeds = [part_seed(kept.seed + 1000 * k, STUDENT) for k in range(students)]
    sizes = [teacher.sizes[0], width, width, teacher.sizes[-1]]
    stack = MLP(sizes, rng=seeds * len(T), gain=config.student_gain, device=kept.device)
    objective = soft_targets(np.repeat(T, students))
    kept.train(f"students-{width}", config, stack, transfer, objective, config.student)
    on_test, disagreeing = (
        errors(stack(part.x), y).reshape(len(T), students)
        for part, y in ((test, test.y), (validation, validation.v.argmax(-1)))
    )
    mean = on_test.mean(-1)
    # The paper's protocol looks at the test set; the honest one asks the teacher.
    best, honest = mean.argmin(), disagreeing.mean(-1).argmin()
    for metric, value in (
        ("best_T", T[best]),
        ("best_errors", mean[best]),
        ("honest_best_T", T[honest]),
        ("honest_best_errors", mean[honest]),
        ("T1_errors", mean[T == 1][0]),
        ("T20_errors", mean[T == 20][0]),
    ):
        metrics[f"{metric}_{width}"] = float(value)
    return {
        "seconds": round(kept.seconds, 1),
        "shared_seconds": round(shared, 1),
        "metrics": metrics,
        "curves": {"errors": on_test.tolist(), "disagreements": disagreeing.tolist()},
    }


def together(config: TemperatureWidth, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The findings of a seed from those of its widths."""
    return {
        "seconds": seconds(parts),
        "metrics": {m: value for part in parts for m, value in part["metrics"].items()},
        "curves": {c: [part["curves"][c] for part in parts] for c in parts[0]["curves"]},
    }


def students_of(record: dict[str, Any], which: str = "errors") -> dict[int, Any]:
    """A curve of a record by width, shape (temperatures, students): students of all seeds."""
    widths, seeds = record["curves"]["widths"], record["curves"][which]
    return {
        width: np.concatenate([np.array(seed[i]) for seed in seeds], axis=-1)
        for i, width in enumerate(widths)
    }


# One rate for all, so that they can be compared: one at which the narrowest do not die.
def _preset(
    data: str,
    widths: tuple[int, ...],
    students: tuple[int, ...],
    epochs: int,
    learning_rate: float,
) -> TemperatureWidth:
    others = OMITTED_3[data]
    return TemperatureWidth(
        name="temperature-width",
        data=data,
        widths=widths,
        students=students,
        temperatures=(1.0, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 40.0),
        student_gain=others.student_gain,
        teacher_hidden=others.teacher_hidden,
        teacher=others.teacher,
        student=replace(others.student, epochs=epochs, learning_rate=learning_rate),
        view_pixels=others.view_pixels,
        held_out=others.held_out,
    )


PRESETS = {
    "glyphs": _preset("glyphs", (10, 30, 300), (5, 3, 1), epochs=15, learning_rate=0.02),
    "mnist": _preset("mnist", (30, 100, 300, 800), (5, 5, 3, 1), epochs=20, learning_rate=0.03),
}

# The metrics that a table shows, in order: the same for every width.
SHOWN = {
    f"{metric}_{width}": f"{width} units: {what}"
    for width in sorted({width for preset in PRESETS.values() for width in preset.widths})
    for metric, what in (
        ("best_T", "T that does best on the test set"),
        ("best_errors", "errors at the T that does best"),
        ("honest_best_T", "T chosen without labels"),
        ("honest_best_errors", "errors at the T chosen without labels"),
        ("T1_errors", "errors at T = 1"),
        ("T20_errors", "errors at T = 20"),
    )
}
