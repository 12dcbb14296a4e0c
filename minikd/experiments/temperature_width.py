"""Section 3: wide students like any high temperature, and a narrow one a temperature between."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minikd import plots
from minikd.data import Digits
from minikd.evaluate import errors
from minikd.experiments.experiment import Experiment, Metric, Paper, Record
from minikd.experiments.kept import STUDENT, Kept, part_seed
from minikd.experiments.omitted_3 import PRESETS as OMITTED_3
from minikd.experiments.protocols import Protocol, transfer_sets
from minikd.experiments.run import seconds
from minikd.mlp import MLP
from minikd.objectives import soft_targets


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
        The number of students of each width at each temperature, each with initial weights of its
        own.
    temperatures : tuple of float
        They hold 1 and 20.
    student_gain : float
        Size of the initial weights of the students, as in :class:`minikd.MLP`.
    teacher_hidden : tuple of int
    paper : Protocol
        How the students are taught, the same for every width and temperature. It holds cases out:
        what the teacher says of them, their labels unread, chooses the honest temperature.
    view_pixels : int
        Teacher's logits that are averaged, are so over all moves by up to this many pixels.
    """

    name: str
    data: str
    widths: tuple[int, ...]
    students: tuple[int, ...]
    temperatures: tuple[float, ...]
    student_gain: float
    teacher_hidden: tuple[int, ...]
    paper: Protocol
    view_pixels: int


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
    teacher, over_views = kept.teacher(config, digits, config.paper.teacher)
    transfer, validation = transfer_sets(config.paper, config, digits, kept)
    if validation is None:
        raise ValueError("held_out is 0; expected cases on which the honest T can be chosen")
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
    objective = soft_targets(np.repeat(T, students), config.paper.hard_weight)
    kept.train(f"students-{width}", config, stack, transfer, objective, config.paper.student)
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
        paper=replace(
            others.paper,
            student=replace(others.paper.student, epochs=epochs, learning_rate=learning_rate),
            held_out=others.best.held_out,
        ),
        view_pixels=others.view_pixels,
    )


PRESETS = {
    "glyphs": _preset(
        "glyphs",
        (10, 30, 300),
        (5, 3, 1),
        epochs=15,
        learning_rate=0.02,
    ),
    "mnist": _preset(
        "mnist",
        (30, 100, 300, 800),
        (5, 3, 2, 1),
        epochs=20,
        learning_rate=0.03,
    ),
}


@plots.in_house_style
def plot_temperature_width(record: Record) -> Any:
    """Errors of students of each width at each temperature, as a heat map and as lines.

    Parameters
    ----------
    record : dict
        Of ``temperature-width``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, right) = plots.plt.subplots(1, 2, figsize=(13, 5), width_ratios=(3, 2))
    T = np.array(record["curves"]["temperatures"])
    of_width = students_of(record)
    widths, narrow = list(of_width), min(of_width)
    mean = np.array([of_width[width].mean(-1) for width in widths])
    worse = 100 * (mean / mean.min(-1, keepdims=True) - 1)
    disagreements = students_of(record, "disagreements")
    honest = [disagreements[width].mean(-1).argmin() for width in widths]
    shades = left.imshow(worse, cmap="cividis_r", vmin=0, vmax=60, aspect="auto")
    for i in range(len(widths)):
        for j in range(len(T)):
            dark = worse[i, j] > 30
            left.text(
                j, i, f"{mean[i, j]:.0f}", ha="center", va="center",
                color="w" if dark else "k", weight="bold" if j == mean[i].argmin() else None,
            )  # fmt: skip
        best = mean[i].argmin()
        left.add_patch(
            plots.Rectangle(
                (best - 0.46, i - 0.46), 0.92, 0.92, fill=False, ec=plots.ORANGE, lw=3
            )
        )
        left.plot(honest[i], i + 0.34, "v", color=plots.GREEN, ms=8, mec="w")
    left.set(xticks=range(len(T)), xticklabels=[f"{t:g}" for t in T], xlabel="temperature T")
    left.set_yticks(range(len(widths)), labels=[
        f"{width} units\n({of_width[width].shape[-1]} student{'s' * (of_width[width].shape[-1] > 1)})"
        for width in widths
    ])  # fmt: skip
    left.spines[:].set_visible(False)
    left.tick_params(length=0)
    left.plot(
        [], [], "s", mfc="none", mec=plots.ORANGE, mew=3, ms=11, label="best on the test set"
    )
    left.plot([], [], "v", color=plots.GREEN, ms=8, label="chosen without labels")
    left.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2)
    figure.colorbar(
        shades, ax=left, label="errors above the best of the width (%)", extend="max"
    )
    for width, color in zip(
        widths,
        itertools.cycle((plots.ORANGE, plots.PURPLE, plots.BLUE, plots.GREEN)),
        strict=False,
    ):
        share = of_width[width] / of_width[width].mean(-1).min()
        middle = share.mean(-1)
        right.plot(T, middle, ".-", color=color, label=f"{width} units")
        if share.shape[-1] > 1:
            sd = share.std(-1, ddof=1)
            right.fill_between(T, middle - sd, middle + sd, color=color, alpha=0.15, lw=0)
    right.set(xscale="log", yscale="log", xlabel="temperature T",
              ylabel="errors, as a multiple of those at the best T")  # fmt: skip
    right.set_xticks(T, labels=[f"{t:g}" if t != 2.5 else "" for t in T])
    highest = right.get_ylim()[1]
    ticks = [t for t in (1, 1.2, 1.5, 2, 3, 5, 10, 20) if t <= highest]
    right.set_yticks(ticks, labels=[f"{t:g}" for t in ticks])
    right.minorticks_off()
    right.grid(axis="y", color="0.93")
    plots.legend_above(right, "Mean of the students, and one standard deviation")
    high = mean[-1][T > 8]
    apart = 100 * (high.max() / high.min() - 1)
    plots.say(
        figure,
        f"Students of {narrow} units do best at T = {T[mean[0].argmin()]:g}; for those of "
        f"{widths[-1]}, the errors at all T above 8 are {apart:.0f} % apart",
        f"{plots.footer(record)}; students have two hidden layers of that width; errors among "
        f"{np.mean(record['metrics']['test_cases']):.0f} test cases",
    )
    return figure


def temperature_findings(record: Record) -> list[str]:
    """What the record says of the two claims of Section 3, in plain words, by fixed rules.

    One temperature is clearly better than another, if its students make fewer errors by more
    than two standard errors of the mean difference; differences are taken between students that
    start from the same weights, and their standard error is that over seeds where there are
    three or more, else that over students. High temperatures are much alike, if the mean errors
    above T = 8 differ by less than a tenth.

    Parameters
    ----------
    record : dict
        Of ``temperature-width``.

    Returns
    -------
    list of str
        A sentence for each width.
    """
    T, seeds = np.array(record["curves"]["temperatures"]), len(record["seeds"])
    said = []
    for width, errors_of in students_of(record).items():
        mean = errors_of.mean(-1)
        high = mean[T > 8]
        spread = 100 * (high.max() - high.min()) / high.mean()
        sentence = (
            f"{width} units: T = {T[mean.argmin()]:g} does best, with {mean.min():.0f} errors. "
            f"T = 1 leaves {mean[T == 1][0]:.0f}, and T above 8 leave {high.min():.0f} to "
            f"{high.max():.0f}"
        )
        if width >= 300:
            alike = (
                "much alike, as the paper says" if spread < 10 else "the paper says much alike"
            )
            sentence += f", {spread:.0f} % apart: {alike}"
        elif width == min(record["curves"]["widths"]):
            between = np.flatnonzero((T >= 2.5) & (T <= 4))
            middle = between[mean[between].argmin()]
            more = errors_of - errors_of[middle]
            if seeds > 2:
                more = more.reshape(len(T), seeds, -1).mean(-1)
            n = more.shape[-1]
            error = more.std(-1, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(T), np.inf)
            clearly = more.mean(-1) > 2 * error
            outside = [k for k in range(len(T)) if k not in between]
            better, not_better = (
                ", ".join(f"{T[k]:g}" for k in outside if clearly[k] == which)
                for which in (True, False)
            )
            sentence += (
                f". From 2.5 to 4, which the paper found best for 30 units, T = {T[middle]:g} does "
                f"best, with {mean[middle]:.0f} errors: clearly fewer than at "
                f"{f'T = {better}' if better else 'no other T'}"
                f"{f', but not clearly fewer than at T = {not_better}' if not_better else ''}"
            )
        said.append(sentence + ".")
    return said


WIDTHS = sorted({width for preset in PRESETS.values() for width in preset.widths})
_OF_A_WIDTH: tuple[tuple[str, str, str], ...] = (
    ("best_T", "T that does best on the test set", "T"),
    ("best_errors", "errors at the T that does best", "errors"),
    ("honest_best_T", "T chosen without labels", "T"),
    ("honest_best_errors", "errors at the T chosen without labels", "errors"),
    ("T1_errors", "errors at T = 1", "errors"),
    ("T20_errors", "errors at T = 20", "errors"),
)
METRICS = tuple(
    Metric(
        f"{metric}_{width}", f"{width} units: {what}", unit,
        "neither" if unit == "T" else "less",
        Paper(2.5, "3", to=4) if (metric, width) == ("best_T", 30) else None,
        control=metric not in ("best_T", "best_errors"),
    )
    for width in WIDTHS
    for metric, what, unit in _OF_A_WIDTH
)  # fmt: skip

EXPERIMENT = Experiment(
    name="temperature-width",
    section="3",
    question="which temperature is best for students of which width?",
    presets=PRESETS,
    one_cell=one_cell,
    metrics=METRICS,
    figure=plot_temperature_width,
    findings=temperature_findings,
    shared_curves=shared_curves,
    as_in_paper={"teacher_hidden": (1200, 1200)},
    cells=cells,
    together=together,
    chosen=tuple(
        (f"best_errors_{width}", f"temperature of students of {width} units")
        for width in WIDTHS
    ),
)
