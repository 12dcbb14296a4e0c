"""Section 3 adds soft targets to hard ones: what the hard ones do, by their weight.

A hard target says of a class that never occurs that every case is not of it. Where the teacher is
sure of that, this changes nothing; where it hesitates, the student is told to stop. At high T the
soft targets pull a logit towards the teacher's by (z - v) / N, and the hard ones away from an unseen
class c by w q_c: the two are in balance at z_c = v_c - N w q_c (see docs/hard-targets.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minikd.data import Digits
from minikd.evaluate import errors_per_class, sweep_bias, with_bias
from minikd.experiments.experiment import Experiment
from minikd.experiments.hard_weight_figure import (
    hard_weight_findings,
    hard_weight_metrics,
    hard_weight_tables,
    metric_of,
    plot_hard_weight,
)
from minikd.experiments.kept import Kept
from minikd.experiments.measured import in_words, measured
from minikd.experiments.omitted_3 import PRESETS as OMITTED_3
from minikd.experiments.protocols import Protocol, taught
from minikd.experiments.run import seconds
from minikd.experiments.sevens_and_eights import PRESETS as SEVENS_AND_EIGHTS
from minikd.train import Recipe


@dataclass(frozen=True)
class TransferSet:
    """What students learn from, and how.

    Attributes
    ----------
    omitted : tuple of int
        Classes that it does not hold; with none, no bias is moved.
    moved : tuple of int
        Classes whose bias is changed afterwards.
    student : Recipe
    """

    omitted: tuple[int, ...]
    moved: tuple[int, ...]
    student: Recipe


@dataclass(frozen=True)
class HardWeight:
    """Settings of one run; frozen, and written into its record.

    Attributes
    ----------
    name : str
    data : {"glyphs", "mnist"}
    teacher_hidden, student_hidden : tuple of int
        Units of the hidden layers.
    student_gain : float
        Size of the initial weights of the students, as in :class:`minikd.MLP`.
    teachers : dict of str to Recipe
        The first one is the teacher of the other experiments.
    sets : dict of str to TransferSet
    weights : tuple of float
        Of the hard targets beside T² times the soft ones.
    few_weights : tuple of float
        Some of them, for all but the first teacher at the paper's temperature.
    T : float
        Temperature of the soft targets, as in the paper.
    other_temperatures : tuple of float
        Tried with the first teacher alone.
    view_pixels : int
        0: the teacher's logits are those of the image as it is.
    move : int
        Images are moved by up to this many pixels, to see how much that changes a teacher's logits.
    biases : (float, float, float)
        Lowest, highest and step of the sweep.
    """

    name: str
    data: str
    teacher_hidden: tuple[int, ...]
    student_hidden: tuple[int, ...]
    student_gain: float
    teachers: dict[str, Recipe]
    sets: dict[str, TransferSet]
    weights: tuple[float, ...]
    few_weights: tuple[float, ...]
    T: float
    other_temperatures: tuple[float, ...]
    view_pixels: int
    move: int
    biases: tuple[float, float, float]


def cells(config: HardWeight) -> list[Any]:
    """A teacher and a temperature each; those of the first teacher come first."""
    first, *others = config.teachers
    return [
        *([first, T] for T in (config.T, *config.other_temperatures)),
        *([other, config.T] for other in others),
    ]


def one_cell(config: HardWeight, digits: Digits, kept: Kept, cell: Any) -> dict[str, Any]:
    """Train a teacher, and a student of every weight on every transfer set.

    Returns
    -------
    dict
        ``seconds``, ``metrics`` and ``curves``, for :func:`together`.
    """
    who, T = cell
    first = [who, T] == cells(config)[0]
    settings = replace(config, T=T)
    teacher, _ = kept.teacher(config, digits, config.teachers[who])
    of_teacher = measured(teacher, digits, config.T, config.move, kept.seed)
    shared, test = kept.seconds, digits.test
    transfer = digits.train.with_logits(teacher(digits.train.x))
    low, high, step = config.biases
    biases = np.round(np.arange(low, high + step / 2, step), 6)
    rows = []
    for name, of in config.sets.items():
        for weight in config.weights if first else config.few_weights:
            protocol = Protocol(
                config.teachers[who], weight, averaged=False, held_out=0, student=of.student
            )
            z = taught(protocol, settings, kept, transfer, of.omitted)(test.x)
            row = {"teacher": who, "T": T, "set": name, "weight": weight}
            row |= _errors(z, test.y, of.omitted, "before")
            if of.omitted:
                bias = sweep_bias(z, test.y, of.moved, biases).best
                row |= {"bias": bias}
                row |= _errors(with_bias(z, of.moved, bias), test.y, of.omitted, "after")
            rows.append(row)
    metrics: dict[str, Any] = {"test_cases": len(test)}
    if first:
        metrics["teacher_errors"] = of_teacher["errors"]
        metrics |= {
            metric_of(row["set"], what, row["weight"]): row[what]
            for row in rows
            for what in ("before", "unseen_before", "bias", "after", "unseen_after")
            if what in row
        }
    return {
        "seconds": round(kept.seconds, 1),
        "shared_seconds": round(shared, 1),
        "metrics": metrics,
        "curves": {"rows": rows, "teachers": {who: of_teacher}},
    }


def _errors(z: Any, y: Any, omitted: tuple[int, ...], when: str) -> dict[str, Any]:
    per_class = errors_per_class(z, y)
    of_all = {when: int(per_class.sum())}
    if not omitted:
        return of_all
    return of_all | {f"unseen_{when}": int(per_class[list(omitted)].sum())}


def together(config: HardWeight, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The findings of a seed from those of its teachers and temperatures."""
    curves = [part["curves"] for part in parts]
    return {
        "seconds": seconds(parts),
        "metrics": {m: value for part in parts for m, value in part["metrics"].items()},
        "curves": {
            "rows": [row for each in curves for row in each["rows"]],
            "teachers": {who: t for each in curves for who, t in each["teachers"].items()},
        },
    }


def _preset(
    data: str,
    others: tuple[tuple[tuple[float, ...], int], ...],
    weights: tuple[float, ...],
    few_weights: tuple[float, ...],
    other_temperatures: tuple[float, ...],
) -> HardWeight:
    without_3, only_7_8 = OMITTED_3[data], SEVENS_AND_EIGHTS[data]
    main = without_3.paper.teacher
    dropped = [main] + [replace(main, dropout=rates, epochs=epochs) for rates, epochs in others]
    return HardWeight(
        name="hard-weight",
        data=data,
        teacher_hidden=without_3.teacher_hidden,
        student_hidden=without_3.student_hidden,
        student_gain=without_3.student_gain,
        teachers={in_words(of): of for of in dropped},
        sets={
            "all": TransferSet((), (), without_3.paper.student),
            "no-3": TransferSet(without_3.omitted, without_3.moved, without_3.paper.student),
            "only-7-8": TransferSet(only_7_8.omitted, only_7_8.moved, only_7_8.paper.student),
        },
        weights=weights,
        few_weights=few_weights,
        T=without_3.T,
        other_temperatures=other_temperatures,
        view_pixels=0,
        move=2,
        biases=without_3.biases,
    )


PRESETS = {
    "glyphs": _preset(
        "glyphs", (((), 50),), weights=(0.0, 2.0, 8.0), few_weights=(0.0, 8.0),
        other_temperatures=(),
    ),
    "mnist": _preset(
        "mnist", (((0.0, 0.1, 0.2), 100), ((0.2, 0.5, 0.5), 100)),
        # At a weight of 8, a student of all digits diverged at this learning rate.
        weights=(0.0, 1.0, 2.0, 4.0), few_weights=(0.0, 4.0),
        other_temperatures=(5.0,),
    ),
}  # fmt: skip

METRICS = hard_weight_metrics(PRESETS["mnist"].sets, PRESETS["mnist"].weights)

EXPERIMENT: Experiment = Experiment(
    name="hard-weight",
    section="3",
    question="what do the hard targets do that the paper adds to the soft ones, and what makes the "
    "bias that it corrects?",
    presets=PRESETS,
    one_cell=one_cell,
    metrics=METRICS,
    figure=plot_hard_weight,
    findings=hard_weight_findings,
    tables=hard_weight_tables,
    cells=cells,
    together=together,
)
