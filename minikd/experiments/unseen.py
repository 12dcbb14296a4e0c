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
from minikd.evaluate import BiasSweep, confusion, errors, sweep_bias, with_bias
from minikd.experiments.experiment import Metric, Paper
from minikd.experiments.kept import HARD, Kept
from minikd.experiments.protocols import Protocol, second_test, taught, transfer_sets
from minikd.mlp import MLP
from minikd.objectives import hard_targets
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
    hard : Recipe
        Of the control: the same student trained on the hard labels of the same cases.
    T : float
        Temperature of the soft targets.
    view_pixels : int
        Where a protocol averages the teacher's logits, over all moves of an image by up to this
        many pixels; 0 takes the image as it is. No student sees a moved image.
    paper, best : Protocol
        How the student is taught. The best one holds cases out: what the teacher says of them,
        their labels unread, chooses the honest bias.
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
    hard: Recipe
    T: float
    view_pixels: int
    paper: Protocol
    best: Protocol
    biases: tuple[float, float, float] = (-15.0, 15.0, 0.1)

    def bias_grid(self) -> Any:
        """The biases that the sweep tries."""
        low, high, step = self.biases
        return np.round(np.arange(low, high + step / 2, step), 6)


def shared_curves(config: Unseen) -> dict[str, Any]:
    """What all seeds of a record share: the biases that the sweep tries."""
    return {"biases": config.bias_grid().tolist()}


def tuned_on_test(config: Unseen, z: Any, test: Dataset) -> BiasSweep:
    """The paper's choice of a bias: the one that does best on the test set."""
    return sweep_bias(z, test.y, config.moved, config.bias_grid())


def chosen_without_labels(
    config: Unseen, student: MLP, validation: Dataset | None
) -> BiasSweep:
    """The honest choice: the bias at which a student agrees best with its teacher.

    On cases that the student never saw; neither their labels nor any test case are looked at. (The
    teacher was trained on them, so what it says there is nearly always the label.)
    """
    if validation is None:
        raise ValueError("held_out is 0; expected cases on which the honest bias can be chosen")
    says = validation.v.argmax(-1)
    return sweep_bias(student(validation.x), says, config.moved, config.bias_grid())


def one_cell(config: Unseen, digits: Digits, kept: Kept, cell: None = None) -> dict[str, Any]:
    """Train teacher and students of one seed, and move the bias.

    Returns
    -------
    dict
        ``seconds``, ``metrics`` and ``curves``, for the record. What is of the best protocol has
        ``best`` in its name, and ``honest`` if its bias was chosen without labels.
    """
    teacher, over_views = kept.teacher(config, digits, config.paper.teacher)
    best_teacher, best_over_views = kept.teacher(config, digits, config.best.teacher)
    nets, held_out = {"teacher": teacher, "best_teacher": best_teacher}, {}
    for which, protocol in (("paper", config.paper), ("best", config.best)):
        transfer, held_out[which] = transfer_sets(protocol, config, digits, kept)
        nets[which] = taught(protocol, config, kept, transfer, config.omitted)
    nets["hard"] = kept.network(nets["best"].sizes, HARD, config.student_gain)
    labelled = digits.train.without(*config.omitted)
    kept.train("hard", (config.data, config.student_hidden, config.student_gain, config.hard,
                        config.omitted),
               nets["hard"], labelled, hard_targets(), config.hard, lasts=True)  # fmt: skip

    sweeps = {
        who: tuned_on_test(config, nets[who](digits.test.x), digits.test)
        for who in ("paper", "best", "hard")
    }
    honest = chosen_without_labels(config, nets["best"], held_out["best"])
    answered = _answering(config, nets, sweeps, honest)
    answers = answered(digits.test.x)
    metrics: dict[str, Any] = {
        "test_cases": len(digits.test),
        "omitted_cases": int(np.isin(digits.test.y, config.omitted).sum()),
        "teacher_views_errors": errors(over_views("test"), digits.test.y),
        "best_teacher_views_errors": errors(best_over_views("test"), digits.test.y),
        "bias": sweeps["paper"].best,
        "best_bias": sweeps["best"].best,
        "honest_best_bias": honest.best,
        "hard_bias": sweeps["hard"].best,
        **_counted(config, answers, digits.test.y),
    }
    other = second_test(config.data)
    if other is not None:
        counts = _counted(config, answered(other.x), other.y)
        unseen = int(np.isin(other.y, config.omitted).sum())
        metrics |= {"second_cases": len(other), "second_omitted_cases": unseen}
        metrics |= {f"second_{name}": count for name, count in counts.items()}
    tables = {who: confusion(z, digits.test.y) for who, z in answers.items()}
    return {
        "seconds": round(kept.seconds, 1),
        "metrics": metrics,
        "curves": {
            "errors": sweeps["paper"].errors.tolist(),
            "best_errors": sweeps["best"].errors.tolist(),
            "disagreements": honest.errors.tolist(),
            "errors_per_class": {
                who: (table.sum(-1) - table.diagonal()).tolist() for who, table in tables.items()
            },
            "confusion": {who: tables[who].tolist() for who in ("before", "after")},
        },
    }  # fmt: skip


def _answering(
    config: Unseen, nets: dict[str, MLP], sweeps: dict[str, BiasSweep], honest: BiasSweep
) -> Callable[[Any], dict[str, Any]]:
    """From images to the logits of teacher and students, before and after the bias."""

    def answers(x: Any) -> dict[str, Any]:
        z = {who: net(x) for who, net in nets.items()}

        def moved(who: str, by: BiasSweep) -> Any:
            return with_bias(z[who], config.moved, by.best)

        return {
            "teacher": z["teacher"],
            "best_teacher": z["best_teacher"],
            "before": z["paper"],
            "after": moved("paper", sweeps["paper"]),
            "best_before": z["best"],
            "best_after": moved("best", sweeps["best"]),
            "honest_best_after": moved("best", honest),
            "hard": z["hard"],
            "hard_after": moved("hard", sweeps["hard"]),
        }

    return answers


def _counted(config: Unseen, answers: dict[str, Any], y: Any) -> dict[str, int]:
    """Errors, and errors on unseen classes, as the metrics name them."""
    unseen = np.isin(y, config.omitted)
    counts = {}
    for who, z in answers.items():
        prefix, _, when = who.rpartition("_")
        if who in ("teacher", "best_teacher", "hard"):
            names = f"{who}_errors", f"{who}_omitted_errors"
        else:
            before = f"{prefix}_" if prefix else ""
            names = f"{before}errors_{when}", f"{before}omitted_errors_{when}"
        wrong = z.argmax(-1) != y
        counts[names[0]] = int(wrong.sum())
        counts[names[1]] = int((wrong & unseen).sum())
    return counts


_TUNED, _HONEST = "with the bias tuned on the test set", "with the bias chosen without labels"
_STUDENTS = (
    ("", "before", "bias", "paper's protocol: student", "paper's protocol: bias tuned on the test set"),
    ("", "after", "", f"paper's protocol: student {_TUNED}", ""),
    ("best_", "before", "best_bias", "best protocol: student",
     "best protocol: bias tuned on the test set"),
    ("best_", "after", "honest_best_bias", f"best protocol: student {_TUNED}",
     "best protocol: bias chosen without labels"),
    ("honest_best_", "after", "", f"best protocol: student {_HONEST}", ""),
)  # fmt: skip


def metrics(paper: Mapping[str, Paper], of_all: str = "errors") -> tuple[Metric, ...]:
    """What a table shows, in order, beside the paper's numbers.

    Parameters
    ----------
    paper : mapping
        From metrics to what the paper reports.
    of_all : {"errors", "% of cases"}
        The unit of the distilled students' errors on all classes.
    """
    words: list[tuple[str, str, str]] = [
        ("omitted_cases", "test cases of unseen classes", "cases"),
        ("teacher_errors", "teacher", "errors"),
        ("teacher_views_errors", "teacher, averaged over moves of the image", "errors"),
        ("best_teacher_errors", "best protocol: teacher", "errors"),
        (
            "best_teacher_views_errors",
            "best protocol: teacher, averaged over moves of the image",
            "errors",
        ),
    ]
    for prefix, when, bias, said, said_of_bias in _STUDENTS:
        words.append((f"{prefix}errors_{when}", said, of_all))
        words.append((f"{prefix}omitted_errors_{when}", f"{said}, on unseen classes", "errors"))
        if bias:
            words.append((bias, said_of_bias, "logits"))
    words += [
        ("hard_errors", "student on hard labels", "errors"),
        ("hard_omitted_errors", "student on hard labels, on unseen classes", "errors"),
        ("hard_omitted_errors_after",
         "student on hard labels, on unseen classes, its own bias tuned on the test set",
         "errors"),
        ("second_cases", "EMNIST's digits", "cases"),
        ("second_teacher_errors", "EMNIST's digits: teacher", "% of cases"),
        ("second_best_teacher_errors", "EMNIST's digits: best protocol: teacher", "% of cases"),
    ]  # fmt: skip
    words += [
        (f"second_{prefix}errors_{when}", f"EMNIST's digits: {said}", "% of cases")
        for prefix, when, _, said, _ in _STUDENTS
    ]
    details = {
        "omitted_cases", "teacher_views_errors", "best_teacher_errors",
        "best_teacher_views_errors", "hard_errors", "hard_omitted_errors",
        "hard_omitted_errors_after",
    }  # fmt: skip
    return tuple(
        Metric(
            name, said, unit, "neither" if unit in ("cases", "logits") else "less",
            paper.get(name), control=name in details or name.startswith("second"),
            of=_cases_of(name),
        )
        for name, said, unit in words
    )  # fmt: skip


def _cases_of(name: str) -> str:
    of = "omitted_cases" if "omitted" in name else "cases"
    if name.startswith("second"):
        return f"second_{of}"
    return of if of == "omitted_cases" else "test_cases"
