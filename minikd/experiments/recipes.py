"""What Section 3 leaves open: the recipes, chosen with and without the test set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minikd import plots
from minikd.data import Digits
from minikd.evaluate import errors
from minikd.experiments.experiment import Experiment, Metric, Record
from minikd.experiments.kept import SPLIT, STUDENT, TEACHER, Kept, part_seed
from minikd.experiments.measured import change_when_moved
from minikd.experiments.omitted_3 import PRESETS as OMITTED_3
from minikd.objectives import hard_targets, soft_targets
from minikd.statistics import rank_correlation
from minikd.train import Recipe


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
        Images are moved by up to this many pixels, to see how much that changes a teacher's logits.
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
            "moves": change_when_moved(teacher, test, config.move, kept.seed),
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


def _preset(data: str, dropout: tuple[float, ...], epochs: int, held_out: int) -> Recipes:
    others = OMITTED_3[data]
    # Candidates are trained for fewer epochs than the networks of the other experiments, so with
    # less dropout.
    teacher = replace(others.paper.teacher, epochs=epochs, dropout=dropout, subpixel=True)
    student = Distillation(
        replace(others.paper.student, epochs=epochs, learning_rate=0.04),
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
    "glyphs": _preset("glyphs", (0.0, 0.2, 0.5), epochs=10, held_out=1000),
    "mnist": _preset("mnist", (0.0, 0.1, 0.2), epochs=12, held_out=10_000),
}


def candidates(record: Record, table: str, *keys: str) -> dict[str, float]:
    """A value of each candidate of ``recipes``, mean over the seeds.

    Parameters
    ----------
    record : dict
    table : {"teachers", "students"}
    keys : str
        Where the value stands: ``"test"``, or ``"student", "test"``.
    """
    values: dict[str, list[float]] = {}
    for seed in record["curves"][table]:
        for name, row in seed.items():
            for key in keys:
                row = row[key]
            values.setdefault(name, []).append(row)
    return {name: float(np.mean(of_seeds)) for name, of_seeds in values.items()}


@plots.in_house_style
def plot_recipes(record: Record) -> Any:
    """Each teacher beside its student, and the students' recipes, a row for each candidate.

    Parameters
    ----------
    record : dict
        Of ``recipes``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, right) = plots.plt.subplots(1, 2, figsize=(13, 5))
    m, cases = record["metrics"], np.mean(record["metrics"]["test_cases"])
    held_out = record["config"]["held_out"]
    own = candidates(record, "teachers", "test")
    own = dict(sorted(own.items(), key=lambda row: row[1]))
    taught = candidates(record, "teachers", "student", "test")
    _rows(left, own, (
        ([100 * e / cases for e in own.values()], "s", plots.GREY, "the teacher"),
        ([100 * taught[name] / cases for name in own], "o", plots.BLUE, "its student"),
    ))  # fmt: skip
    left.set_xlabel("test error (%)")
    plots.legend_above(left, f"{len(own)} ways to train a teacher")

    validation, test = (candidates(record, "students", part) for part in ("validation", "test"))
    _rows(right, test, (
        ([100 * validation[name] / held_out for name in test], "D", plots.ORANGE, "held-out cases"),
        ([100 * e / cases for e in test.values()], "o", plots.BLUE, "test set"),
    ))  # fmt: skip
    chosen = min(validation, key=validation.__getitem__)
    right.plot(100 * test[chosen] / cases, list(test).index(chosen), "o", ms=15, mfc="none", mew=2,
               color=plots.GREEN, label="chosen on held-out cases")  # fmt: skip
    plots.legend_above(right, f"{len(test)} ways to train a student of one teacher", 3)
    right.set_xlabel("error (%)")
    ranks = rank_correlation(taught, own)
    cost = np.mean(m["honest_best_student_errors"]) - np.mean(m["best_student_errors"])
    plots.say(
        figure,
        f"Better teachers {'' if ranks > 0.5 else 'do not always '}have better students (rank "
        f"correlation {ranks:.2f}). Choosing a student's recipe without the test set costs "
        f"{plots.count(cost)} errors",
        f"{plots.footer(record)}; tricks: moved images, dropout, a limit on the weights; held out: "
        f"{held_out} cases, for this choice; fewer epochs than in other experiments",
    )
    return figure


def _rows(
    axes: Any, names: Iterable[str], columns: Sequence[tuple[Any, str, str, str]]
) -> None:
    """A row for each name, with a mark for each of its two values, and a line between them."""
    names = list(names)
    rows = range(len(names))
    axes.hlines(rows, columns[0][0], columns[1][0], color="0.8", lw=2, zorder=0.5)
    for values, marker, color, label in columns:
        axes.plot(values, rows, marker, color=color, label=label, ms=8)
    axes.set_yticks(rows, labels=names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="x", color="0.93")
    axes.set_axisbelow(True)


def recipes_findings(record: Record) -> list[str]:
    """What makes a good teacher, and how the students' recipes did.

    Parameters
    ----------
    record : dict
        Of ``recipes``.

    Returns
    -------
    list of str
    """
    own, taught = (
        candidates(record, "teachers", "test"),
        candidates(record, "teachers", "student", "test"),
    )
    moves = candidates(record, "teachers", "moves")
    fewest, best = min(own, key=own.__getitem__), min(taught, key=taught.__getitem__)
    if fewest == best:
        said = (
            f"The teacher with the fewest errors ({fewest}: {own[fewest]:.0f}) has the best "
            f"student, with {taught[fewest]:.0f}."
        )
    else:
        said = (
            f"The teacher with the fewest errors ({fewest}: {own[fewest]:.0f}) has a student with "
            f"{taught[fewest]:.0f}; the best student, with {taught[best]:.0f}, has another teacher "
            f"({best}: {own[best]:.0f})."
        )
    each = "; ".join(
        f"{name}: {own[name]:.0f} → {taught[name]:.0f}, {100 * moves[name]:.1f} %"
        for name in own
    )
    validation, test = (candidates(record, "students", part) for part in ("validation", "test"))
    students = "; ".join(
        f"{name}: {validation[name]:.0f} and {test[name]:.0f}" for name in test
    )
    return [
        said,
        "Each teacher's errors → its student's errors, and how much its logits change when an image "
        f"is moved (mean square, as a share of their variance): {each}.",
        f"Over these {len(own)} teachers, a student's errors have a rank correlation of "
        f"{rank_correlation(taught, own):.2f} with its teacher's errors, and of "
        f"{rank_correlation(taught, moves):.2f} with that change.",
        "Students of the first teacher, errors on the held-out cases and on the test set: "
        f"{students}.",
    ]


METRICS = (
    Metric("best_teacher_errors", "teacher chosen on the test set", "errors"),
    Metric("honest_best_teacher_errors", "teacher chosen on held-out cases", "errors"),
    Metric("best_student_errors", "student chosen on the test set", "errors"),
    Metric("honest_best_student_errors", "student chosen on held-out cases", "errors"),
)

EXPERIMENT = Experiment(
    name="recipes",
    section="3",
    question="what does it cost to choose a recipe without the test set, and what makes a good teacher?",
    presets=PRESETS,
    one_cell=one_cell,
    metrics=METRICS,
    figure=plot_recipes,
    findings=recipes_findings,
    chosen=(
        ("best_teacher_errors", "recipe of a teacher"),
        ("best_student_errors", "recipe of a student"),
    ),
)
