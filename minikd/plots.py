"""Figures, from equations and records only: nothing here trains, and none needs a display."""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import cycle
from os import PathLike
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from minikd import equations as eq
from minikd.data import Dataset
from minikd.experiments.temperature_width import students_of
from minikd.paper import COVERAGE_GAINS, FIGURES

P = ParamSpec("P")
R = TypeVar("R")

# Okabe & Ito's colours, which the colour-blind can tell apart.
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#777777"

# For plt.style.use in a lesson; the functions here use it by themselves.
HOUSE_STYLE: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 150,
}
_DATA_TITLES = {
    "mnist": "MNIST",
    "glyphs": "bundled printed digits (not handwriting)",
    "speech": "spoken digits (FSDD)",
    "characters": "bundled printed characters of 321 classes (not handwriting)",
    "emnist": "EMNIST ByClass, a part of its test split",
    "synthetic": "bundled stand-in for speech, drawn from a hidden Markov model",
}


def _in_house_style(draw: Callable[P, R]) -> Callable[P, R]:
    """``draw`` in the house style, whatever the user's own settings are."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        with plt.rc_context(HOUSE_STYLE):
            return draw(*args, **kwargs)

    return drawn


@_in_house_style
def save_figure(figure: Any, path: str | PathLike[str]) -> Path:
    """Write a figure as PNG, make its folder if need be, and close it in any case."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    finally:
        plt.close(figure)
    return path


def _say(figure: Any, finding: str, footer: str) -> None:
    """The finding of a figure above it, and what it is of below, in small print."""
    figure.suptitle(finding, x=0.01, ha="left", weight="bold")
    figure.supxlabel(footer, fontsize=8, color=GREY, x=0.01, ha="left")


# ---------------------------------------------------------------- temperature

# Logits such as a teacher gives for a 2 that looks like a 3; made up for the figure.
EXAMPLE_LOGITS = (-4.0, 1.0, 12.0, 8.0, -6.0, -3.0, -5.0, 3.0, 2.0, -4.0)
# Logits of a student that has learnt some of it.
EXAMPLE_STUDENT = (-1.0, 2.0, 7.0, 2.0, -3.0, 1.0, -4.0, 4.0, -1.0, -3.0)


@_in_house_style
def plot_temperature() -> Any:
    """What temperature does: probabilities, entropy, gradient norms, and the two limits.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, ((a, b), (c, d)) = plt.subplots(2, 2, figsize=(11, 8))
    plot_softmax_bars(a)
    plot_entropy(b)
    plot_gradient_norms(c)
    plot_limits(d)
    return figure


@_in_house_style
def plot_softmax_bars(
    axes: Any, v: Any = EXAMPLE_LOGITS, temperatures: Any = (1, 4, 20)
) -> None:
    """Soft targets of one case at several temperatures, as bars side by side (Eq. 1)."""
    classes = np.arange(len(v))
    width = 0.8 / len(temperatures)
    for k, (T, color) in enumerate(
        zip(temperatures, cycle((BLUE, ORANGE, GREEN, PURPLE)), strict=False)
    ):
        at = classes + (k - (len(temperatures) - 1) / 2) * width
        axes.bar(at, eq.softmax(np.array(v), T), width, color=color, label=f"T = {T}")
    axes.set(xticks=classes, xlabel="class", ylabel="probability p")
    axes.set_title("A higher temperature shows what else the teacher sees")
    axes.legend()


@_in_house_style
def plot_entropy(axes: Any, v: Any = EXAMPLE_LOGITS) -> None:
    """Entropy of the soft targets against T, from nothing to log N."""
    T = np.geomspace(0.3, 100, 200)
    axes.semilogx(T, eq.entropy(np.array(v), T[:, None]), color=BLUE)
    axes.axhline(np.log(len(v)), color=GREY, ls="--", lw=1)
    axes.text(0.32, np.log(len(v)) - 0.04, f"log {len(v)}", color=GREY, va="top")
    axes.set(xlabel="temperature T", ylabel="entropy of p (nats)")
    axes.set_title("Entropy rises with T, from 0 to log N")


@_in_house_style
def plot_gradient_norms(axes: Any, z: Any = EXAMPLE_STUDENT, v: Any = EXAMPLE_LOGITS) -> None:
    """Length of the soft-target gradient against T, with and without T² (Section 2)."""
    T = np.geomspace(0.5, 100, 200)
    gradient = eq.soft_target_gradient(np.array(z), np.array(v), T[:, None])
    norm = np.linalg.norm(gradient, axis=-1)
    axes.loglog(T, norm, color=ORANGE, label="Eq. 2 alone")
    axes.loglog(T, T**2 * norm, color=BLUE, label="times T²")
    difference = np.subtract(z, v)
    limit = np.linalg.norm(difference - difference.mean()) / len(v)
    axes.axhline(limit, color=GREY, ls="--", lw=1)
    axes.text(0.5, 1.6 * limit, "|z − v| / N, means taken out", color=GREY, fontsize=9)
    axes.set(xlabel="temperature T", ylabel="length of the gradient", ylim=(None, 6))
    axes.set_title("Eq. 2 fades like 1/T²; T² times it levels off")
    axes.legend()


@_in_house_style
def plot_limits(axes: Any, z: Any = EXAMPLE_STUDENT, v: Any = EXAMPLE_LOGITS) -> None:
    """Relative error of Eq. 3 and of Eq. 4 against Eq. 2, as T grows."""
    T = np.geomspace(2, 1000, 200)[:, None]
    # Shifted, so that their means are unlike and Eq. 4's condition does not hold.
    z, v = np.array(z), np.array(v) + 1.0
    z0, v0 = z - z.mean(), v - v.mean()
    exact = eq.soft_target_gradient(z, v, T)  # adding a constant changes no probability

    def error(approximate: Any) -> Any:
        return np.linalg.norm(approximate - exact, axis=-1) / np.linalg.norm(exact, axis=-1)

    axes.loglog(T, error(eq.high_temperature_gradient(z, v, T)), color=BLUE, label="Eq. 3")
    axes.loglog(
        T, error(eq.zero_mean_gradient(z0, v0, T)), color=GREEN, ls="--",
        label="Eq. 4, zero-mean logits",
    )  # fmt: skip
    axes.loglog(
        T, error(eq.zero_mean_gradient(z, v, T)), color=ORANGE, label="Eq. 4, means left in"
    )
    axes.set(xlabel="temperature T", ylabel="relative error against Eq. 2", ylim=(1e-3, 30))
    axes.set_title("Far above the logits, distillation matches logits")
    axes.legend()


# ---------------------------------------------------------------- students that never saw

_ROLES = (
    ("hard", "hard labels", GREY, "s"),
    ("before", "distilled", ORANGE, "o"),
    ("after", "bias tuned on the test set (paper)", BLUE, "^"),
    ("honest", "bias chosen without labels (honest)", GREEN, "v"),
)


@_in_house_style
def plot_unseen(record: dict[str, Any]) -> Any:
    """Errors per class before and after the bias, and the whole sweep of the bias.

    Parameters
    ----------
    record : dict
        Of ``omitted-3`` or ``sevens-and-eights``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5))
    plot_errors_per_class(left, record)
    plot_bias_sweep(right, record)
    _say(figure, _finding(record), _footer(record, record["config"]["T"]))
    return figure


@_in_house_style
def plot_errors_per_class(axes: Any, record: dict[str, Any]) -> None:
    """Mean errors of each class: hard labels, distilled, and after the bias by both protocols."""
    per_class = record["curves"]["errors_per_class"]
    classes = np.arange(len(per_class[0]["before"]))
    for k, (role, label, color, marker) in enumerate(_ROLES):
        mean = np.mean([seed[role] for seed in per_class], axis=0)
        at = classes + 0.15 * (k - 1.5)
        # Dots, not bars: on a logarithmic axis the length of a bar says nothing.
        axes.plot(at, mean, marker, color=color, label=label, clip_on=False)
    ticks = [0, 1, 3, 10, 30, 100, 300, 1000]
    largest = max(np.max([seed[role] for seed in per_class]) for role, *_ in _ROLES)
    axes.set(xticks=classes, xlabel="class", ylabel="errors", yscale="symlog")
    axes.set_yticks(ticks, labels=ticks)
    axes.minorticks_off()
    axes.set_ylim(0, 8 * max(largest, 10))
    axes.grid(axis="y", color="0.93")
    m = {name: np.mean(values) for name, values in record["metrics"].items()}
    axes.set_title(
        f"Of {m['omitted_cases']:.0f} unseen digits, hard labels get "
        f"{m['hard_omitted_errors']:.0f} wrong, soft targets {m['omitted_errors_before']:.0f}"
    )
    axes.legend(loc="upper left", ncols=2)


@_in_house_style
def plot_bias_sweep(axes: Any, record: dict[str, Any]) -> None:
    """Test error against the bias, with both protocols' choices and the paper's figures."""
    m, biases = record["metrics"], np.array(record["curves"]["biases"])
    percent = 100 / np.mean(m["test_cases"])
    curves = percent * np.array(record["curves"]["errors"])
    if len(curves) > 1:
        axes.fill_between(
            biases, curves.min(0), curves.max(0), color=BLUE, alpha=0.2, lw=0,
            label="from the lowest to the highest seed",
        )  # fmt: skip
    axes.plot(biases, curves.mean(0), color=BLUE)
    error = percent * np.mean(m["errors_before"])
    axes.plot(0, error, "o", color=ORANGE, label=f"as trained: {error:.2f} %")
    for bias, after, label, color, marker, size in (
        ("bias", "errors_after", "tuned on the test set (paper)", BLUE, "^", 10),
        ("honest_bias", "honest_errors_after", "chosen without labels (honest)", GREEN, "v", 6),
    ):
        at, error = np.mean(m[bias]), percent * np.mean(m[after])
        axes.plot(
            at,
            error,
            marker,
            color=color,
            ms=size,
            label=f"{label}: {error:.2f} % at {at:+.1f}",
        )
    paper = FIGURES[record["name"]]
    was, became = (paper[metric].percent() for metric in ("errors_before", "errors_after"))
    axes.plot(
        [0, paper["bias"].value], [was, became], "k*", ms=9,
        label=f"the paper, on MNIST: {was:.2f} % → {became:.2f} %",
    )  # fmt: skip
    best = curves.mean(0).min()
    axes.set(xlabel="added to the bias (logits)", ylabel="test error (%)", yscale="log")
    ticks = [t for t in (0.5, 1, 2, 5, 10, 20, 50, 100) if t > 0.4 * min(best, became)]
    axes.set_yticks(ticks, labels=[f"{t:g}" for t in ticks])
    axes.minorticks_off()
    names = " and ".join(_PLURALS[c] for c in record["config"]["moved"])
    axes.set_title(f"A bias for the {names} of {np.mean(m['bias']):+.1f} does best")
    axes.legend(fontsize=8)


@_in_house_style
def plot_confusion(record: dict[str, Any]) -> Any:
    """What each digit is taken for, before and after the honest bias; mean over the seeds.

    Parameters
    ----------
    record : dict
        Of ``omitted-3`` or ``sevens-and-eights``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = plt.subplots(1, 2, figsize=(13, 6))
    mean = {
        when: np.mean([seed[when] for seed in record["curves"]["confusion"]], axis=0)
        for when in ("before", "honest")
    }
    wrong = {when: table * (1 - np.eye(len(table))) for when, table in mean.items()}
    bias = np.mean(record["metrics"]["honest_bias"])
    moved = " and ".join(map(str, record["config"]["moved"]))
    for ax, table, title in zip(
        axes,
        wrong.values(),
        ("as trained", f"with {bias:+.1f} on the bias of {moved}"),
        strict=True,
    ):
        # Its square root, so that the few that are confused often do not hide all others.
        ax.imshow(np.sqrt(table), cmap="Blues", vmin=0, vmax=np.sqrt(wrong["before"].max()))
        for i, j in zip(*np.nonzero(table > 0.5), strict=True):
            dark = table[i, j] > 0.3 * wrong["before"].max()
            ax.text(j, i, f"{table[i, j]:.0f}", ha="center", va="center", fontsize=8,
                    color="w" if dark else "k")  # fmt: skip
        classes = range(len(table))
        ax.set(xticks=classes, yticks=classes, xlabel="answer", ylabel="digit")
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
        ax.set_title(f"{title}: {table.sum():.0f} errors")
    omitted = list(record["config"]["omitted"])
    unseen = wrong["before"][omitted].sum(0)
    taken = ", ".join(str(c) for c in unseen.argsort()[::-1][:3] if unseen[c] >= 0.5)
    what = f"Threes it never saw are taken for {taken}" if omitted == [3] else (
        f"What it never saw is taken for {taken}"
    )  # fmt: skip
    _say(figure, f"{what}, until the bias is moved", _footer(record, record["config"]["T"]))
    return figure


_PLURALS = (
    "zeros", "ones", "twos", "threes", "fours", "fives", "sixes", "sevens", "eights", "nines",
)  # fmt: skip


def _finding(record: dict[str, Any]) -> str:
    m = {name: float(np.mean(values)) for name, values in record["metrics"].items()}
    before, after = (
        100 * (1 - m[k] / m["omitted_cases"])
        for k in ("omitted_errors_before", "honest_omitted_errors_after")
    )
    omitted, moved = record["config"]["omitted"], record["config"]["moved"]
    moves = "raised" if np.mean(record["metrics"]["bias"]) > 0 else "lowered"
    if len(omitted) == 1:
        saw, unseen = f"never saw a {omitted[0]}", f"the {_PLURALS[omitted[0]]}"
        once = f"its bias is {moves}"
    else:
        saw = "saw only " + " and ".join(_PLURALS[c] for c in range(10) if c not in omitted)
        unseen, once = (
            "the other digits",
            f"the biases of {' and '.join(map(str, moved))} are {moves}",
        )
    return f"It {saw}, and gets {before:.1f} % of {unseen} right, {after:.1f} % once {once}"


def _footer(record: dict[str, Any], T: float | None = None) -> str:
    """What a figure is of, in small print."""
    seeds = len(record["seeds"])
    at = "" if T is None else f"T = {T:g}; "
    return f"{_DATA_TITLES[record['data']]}; {at}{seeds} seed{'s' if seeds > 1 else ''}"


@_in_house_style
def plot_omitted_each(record: dict[str, Any]) -> Any:
    """For each digit, what a student that never saw it gets right of it, before and after.

    Parameters
    ----------
    record : dict
        Of ``omitted-each``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = plt.subplots(figsize=(13, 5))
    m, digits = record["metrics"], np.arange(10)
    right = {
        role: np.array([
            100 * (1 - np.mean(m[f"{role}_{d}"]) / np.mean(m[f"cases_{d}"])) for d in digits
        ])
        for role in ("before", "after", "honest_after")
    }  # fmt: skip
    axes.vlines(digits, right["before"], right["honest_after"], color="0.8", lw=2, zorder=0)
    # A large bias would get all of the unseen digit right, and cost others: so both are shown.
    for role, total, label, color, marker in (
        ("before", "errors_before", "as trained", ORANGE, "o"),
        ("after", "errors_after", "bias tuned on the test set (paper)", BLUE, "^"),
        ("honest_after", "honest_errors_after", "bias chosen without labels", GREEN, "v"),
    ):
        said = f"{label}: {np.mean(m[total]):.0f} errors in all"
        axes.plot(digits, right[role], marker, color=color, label=said, ms=8, clip_on=False)
    worst = right["honest_after"].min()
    floor = max(0, 10 * np.floor(min(r.min() for r in right.values()) / 10 - 0.5))
    axes.set(xticks=digits, xlabel="the digit that the student never saw", ylim=(floor, 100))
    axes.set_ylabel("right of that digit (%)")
    axes.grid(axis="y", color="0.93")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    _say(
        figure,
        f"Leave out any digit: once its bias is moved, at least {worst:.0f} % of it is right",
        _footer(record, record["config"]["each"]["T"]),
    )
    return figure


# ---------------------------------------------------------------- teacher and students

_STUDENTS = (
    ("teacher", "teacher", GREY),
    ("teacher_views", "teacher, averaged over moves", GREY),
    ("alone", "student, hard labels, no tricks", ORANGE),
    ("tricks", "student, hard labels, teacher's tricks", ORANGE),
    ("distilled", "student, soft targets", BLUE),
    ("distilled_views", "student, averaged soft targets", GREEN),
    ("distilled_jittered", "student, averaged, images moved", GREEN),
)


@_in_house_style
def plot_teacher_student(record: dict[str, Any]) -> Any:
    """Test error of the teacher and of each student, beside the paper's.

    Parameters
    ----------
    record : dict
        Of ``teacher-student``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5), width_ratios=(3, 2))
    m = {name: np.array(values) for name, values in record["metrics"].items()}
    cases, paper = np.mean(m["test_cases"]), FIGURES[record["name"]]
    starred = False
    for row, (role, _, color) in enumerate(_STUDENTS):
        values = 100 * m[f"{role}_errors"] / cases
        left.barh(row, values.mean(), color=color, alpha=0.6)
        left.plot(values, np.full(len(values), row), ".", color="k", ms=4)
        if f"{role}_errors" in paper:
            percent = paper[f"{role}_errors"].percent()
            left.plot(
                percent, row, "k*", ms=10, label=None if starred else "the paper, on MNIST"
            )
            starred = True
    shares = {role: 100 * np.mean(m[f"{role}_errors"]) / cases for role, *_ in _STUDENTS}
    labels = [f"{label}: {shares[role]:.2f} %" for role, label, _ in _STUDENTS]
    left.set_yticks(range(len(_STUDENTS)), labels=labels)
    left.invert_yaxis()
    left.set(xlabel="test error (%); a dot for each seed")
    left.set_title("The teacher, and the same student in five trainings")
    left.legend(loc="lower right")

    per_class = record["curves"]["errors_per_class"]
    classes = np.arange(len(per_class[0]["alone"]))
    for k, (role, label, color) in enumerate(
        (("alone", "hard labels", ORANGE), ("distilled", "soft targets", BLUE))
    ):
        mean = np.mean([seed[role] for seed in per_class], axis=0)
        right.bar(classes + 0.4 * (k - 0.5), mean, 0.4, color=color, alpha=0.6, label=label)
    right.set(xticks=classes, xlabel="class", ylabel="errors")
    right.set_ylim(0, 1.2 * right.get_ylim()[1])
    shared = np.mean(m["errors_shared_with_teacher"]) / np.mean(m["distilled_errors"])
    right.set_title(f"{100 * shared:.0f} % of its errors are the teacher's")
    right.legend(ncols=2)
    alone, distilled = (np.mean(m[f"{role}_errors"]) for role in ("alone", "distilled"))
    _say(
        figure,
        f"Soft targets turn {alone:.0f} errors of a student into {distilled:.0f}",
        _footer(record, record["config"]["T"]),
    )
    return figure


@_in_house_style
def plot_wrong(record: dict[str, Any], test: Dataset, columns: int = 14) -> Any:
    """Test images that the student alone, the distilled one, or it and its teacher get wrong.

    Parameters
    ----------
    record : dict
        Of ``teacher-student``; its first seed is shown.
    test : Dataset
        The test set that the record is of.
    columns : int
        So many images in each row at most.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the test set is not that of the record.
    """
    cases = record["metrics"]["test_cases"][0]
    if len(test) != cases or test.y is None:
        raise ValueError(f"test has {len(test)} cases; the record is of {cases}, with labels")
    wrong = {role: set(w) for role, w in record["curves"]["wrong"][0].items()}
    rows = (
        ("only the student alone is wrong", wrong["alone"] - wrong["distilled"]),
        ("only the distilled student is wrong", wrong["distilled"] - wrong["alone"]),
        ("distilled student and teacher are wrong", wrong["distilled"] & wrong["teacher"]),
    )
    figure = plt.figure(figsize=(13, 5.2))
    strips: Any = figure.subfigures(len(rows), 1)
    for strip, (title, which) in zip(strips, rows, strict=True):
        strip.suptitle(f"{title}: {len(which)} images", x=0.01, ha="left", fontsize=11)
        for axes, case in zip(
            strip.subplots(1, columns), sorted(which)[:columns], strict=False
        ):
            axes.imshow(test.x[case].reshape(test.shape), cmap="gray_r")
            axes.set_title(f"a {test.y[case]}", loc="center", fontsize=9)
        for axes in strip.axes:
            axes.axis("off")
    mended, added = len(rows[0][1]), len(rows[1][1])
    _say(
        figure,
        f"Soft targets mend {mended} of the student's errors, and add {added}",
        f"{_DATA_TITLES[record['data']]}; seed {record['seeds'][0]}; the first {columns} of each",
    )
    return figure


# ---------------------------------------------------------------- temperature and width


@_in_house_style
def plot_temperature_width(record: dict[str, Any]) -> Any:
    """Errors of students of each width at each temperature, as a heat map and as lines.

    Parameters
    ----------
    record : dict
        Of ``temperature-width``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5), width_ratios=(3, 2))
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
            Rectangle((best - 0.46, i - 0.46), 0.92, 0.92, fill=False, ec=ORANGE, lw=3)
        )
        left.plot(honest[i], i + 0.34, "v", color=GREEN, ms=8, mec="w")
    left.set(xticks=range(len(T)), xticklabels=[f"{t:g}" for t in T], xlabel="temperature T")
    left.set_yticks(range(len(widths)), labels=[
        f"{width} units\n({of_width[width].shape[-1]} student{'s' * (of_width[width].shape[-1] > 1)})"
        for width in widths
    ])  # fmt: skip
    left.spines[:].set_visible(False)
    left.tick_params(length=0)
    left.plot([], [], "s", mfc="none", mec=ORANGE, mew=3, ms=11, label="best on the test set")
    left.plot([], [], "v", color=GREEN, ms=8, label="chosen without labels")
    left.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2)
    figure.colorbar(
        shades, ax=left, label="errors above the best of the width (%)", extend="max"
    )
    for width, color in zip(widths, cycle((ORANGE, PURPLE, BLUE, GREEN)), strict=False):
        share = of_width[width] / of_width[width].mean(-1).min()
        middle = share.mean(-1)
        right.plot(T, middle, ".-", color=color, label=f"{width} units")
        if share.shape[-1] > 1:
            sd = share.std(-1, ddof=1)
            right.fill_between(T, middle - sd, middle + sd, color=color, alpha=0.15, lw=0)
    right.set(xscale="log", xlabel="temperature T", ylabel="errors / those at the best T")
    right.set_xticks(T, labels=[f"{t:g}" if t != 2.5 else "" for t in T])
    right.minorticks_off()
    right.set_ylim(0.95, min(right.get_ylim()[1], 2.2))
    right.set_title("Mean of the students, and one standard deviation")
    right.legend()
    high = mean[-1][T > 8]
    apart = 100 * (high.max() / high.min() - 1)
    _say(
        figure,
        f"Students of {narrow} units do best at T = {T[mean[0].argmin()]:g}; of {widths[-1]}, all T "
        f"above 8 are within {apart:.0f} % of each other",
        f"{_footer(record)}, a teacher each; two hidden layers of so many units; errors of "
        f"{np.mean(record['metrics']['test_cases']):.0f} test cases",
    )
    return figure


# ---------------------------------------------------------------- recipes


def candidates(record: dict[str, Any], table: str, *keys: str) -> dict[str, float]:
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


def rank_correlation(a: dict[str, float], b: dict[str, float]) -> float:
    """Spearman's, over the names."""
    from scipy.stats import spearmanr

    return float(spearmanr([a[name] for name in a], [b[name] for name in a]).statistic)


@_in_house_style
def plot_recipes(record: dict[str, Any]) -> Any:
    """What makes a good teacher, and the candidates on the validation split and the test set.

    Parameters
    ----------
    record : dict
        Of ``recipes``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5))
    m, cases = record["metrics"], np.mean(record["metrics"]["test_cases"])
    held_out = record["config"]["held_out"]
    own = candidates(record, "teachers", "test")
    taught = candidates(record, "teachers", "student", "test")
    moves = candidates(record, "teachers", "moves")
    dots = left.scatter(
        [100 * own[name] / cases for name in own], [100 * taught[name] / cases for name in own],
        c=[100 * moves[name] for name in own], cmap="cividis_r", s=90, ec="k", zorder=3,
    )  # fmt: skip
    # By number, because candidates that do alike would lie on each other's names.
    for k, name in enumerate(own):
        left.annotate(
            str(k + 1), (100 * own[name] / cases, 100 * taught[name] / cases),
            xytext=((0, 9), (0, -18))[k % 2], textcoords="offset points", ha="center",
        )  # fmt: skip
    names = "\n".join(f"{k + 1}  {name}" for k, name in enumerate(own))
    left.text(
        0.98,
        0.03,
        names,
        transform=left.transAxes,
        ha="right",
        va="bottom",
        ma="left",
        fontsize=9,
    )
    left.set(xlabel="test error of the teacher (%)", ylabel="test error of its student (%)")
    left.margins(0.2)
    figure.colorbar(dots, ax=left, label="change of its logits by a move (% of the variance)")
    ranks = rank_correlation(taught, own)
    left.set_title(f"Teachers and their students: rank correlation {ranks:.2f}")

    correlations = []
    for table, label, color, marker in (
        ("teachers", "teachers", GREY, "s"),
        ("students", "students of the first teacher", BLUE, "o"),
    ):
        validation, test = (candidates(record, table, part) for part in ("validation", "test"))
        correlations.append(rank_correlation(validation, test))
        x, y = (
            100 * np.array([*validation.values()]) / held_out,
            100 * np.array([*test.values()]) / cases,
        )
        right.plot(
            x, y, marker, color=color, label=f"{label}: {correlations[-1]:.2f}", alpha=0.8
        )
        right.plot(x[x.argmin()], y[x.argmin()], "v", color=GREEN, ms=13, mfc="none", mew=2,
                   label="chosen on the validation split" if table == "students" else None)  # fmt: skip
    right.set(xlabel="error on the validation split (%)", ylabel="test error (%)")
    right.set_title("Validation split against test set, with rank correlations")
    right.legend(loc="upper left")
    cost = np.mean(m["honest_best_student_errors"]) - np.mean(m["best_student_errors"])
    _say(
        figure,
        f"The student chosen without the test set makes {cost:.0f} more errors than the best on it",
        f"{_footer(record)}; trained on all but {held_out} cases, for fewer epochs than elsewhere",
    )
    return figure


# ---------------------------------------------------------------- speech, and fractions of data


@_in_house_style
def plot_acoustic_ensemble(record: dict[str, Any]) -> Any:
    """Frames and words that one network, ten together, and distilled ones get right.

    Parameters
    ----------
    record : dict
        Of ``acoustic-ensemble``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), width_ratios=(3, 2))
    m, students = record["metrics"], record["config"]["students"]
    T = sorted({T for _, T in students})
    single, together = np.mean(m["single_accuracy"]), np.mean(m["ensemble_accuracy"])
    members = np.ravel(record["curves"]["singles"])
    spread = np.linspace(-1.3, -0.7, len(members))
    left.plot(spread, members, ".", color=GREY, label="each network")
    left.axhline(float(single), color=GREY, lw=1)
    left.axhline(float(together), color=BLUE, lw=1)
    left.text(len(T) - 0.5, together, "ten together", color=BLUE, ha="right", va="bottom")
    left.text(len(T) - 0.5, single, "one, on average", color=GREY, ha="right", va="bottom")
    for mean, color, marker in (("arithmetic", ORANGE, "o"), ("geometric", GREEN, "^")):
        own = [k for k, (name, _) in enumerate(students) if name == mean]
        seeds = np.array(record["curves"]["distilled"])[:, own]
        left.errorbar([T.index(students[k][1]) for k in own], seeds.mean(0), _error(seeds),
                      fmt=marker, ls="-", color=color, capsize=3,
                      label=f"distilled from the {mean} mean")  # fmt: skip
    left.errorbar(-1, np.mean(m["longer_accuracy"]), _error(m["longer_accuracy"]), fmt="D",
                  color=PURPLE, capsize=3, label="hard targets, as long as the distilled")  # fmt: skip
    left.set(xticks=range(-1, len(T)), xlim=(-1.6, len(T) - 0.4), ylabel="frames right (%)")
    left.set_xticklabels(["hard targets", *(f"T = {t:g}" for t in T)])
    left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    wrong = np.transpose([m[f"{who}_wer"] for who in ("single", "ensemble", "distilled")])
    right.bar(range(3), wrong.mean(0), yerr=_error(wrong), color=[GREY, BLUE, GREEN], width=0.6,
              capsize=4)  # fmt: skip
    right.set(xticks=range(3), ylabel="words wrong (%)")
    right.set_xticklabels(["one network", "ten together", "distilled"])
    _say(
        figure,
        f"Ten networks together gain {together - single:.1f} % of the frames; one distilled from "
        f"them keeps {np.mean(m['share_kept']):.0f} % of that",
        _seeds_of(record),
    )
    return figure


@_in_house_style
def plot_three_percent(record: dict[str, Any]) -> Any:
    """Test accuracy against the fraction of the data, and over the training on 3 % of it.

    Parameters
    ----------
    record : dict
        Of ``three-percent``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8))
    m = record["metrics"]
    percents = sorted(100 * f for f in record["config"]["fractions"] if f < 1)
    everything = float(np.mean(m["all_accuracy"]))
    for kind, metric, label, color, style in (
        ("soft", "accuracy", "soft targets", GREEN, "o-"),
        ("hard", "early_accuracy", "hard targets, stopped early", ORANGE, "^--"),
        ("hard", "accuracy", "hard targets", ORANGE, "o-"),
    ):
        values = np.transpose([m[f"{kind}_{p:g}_{metric}"] for p in percents])
        left.errorbar(percents, values.mean(0), _error(values), fmt=style, color=color, capsize=3,
                      label=label)  # fmt: skip
    left.axhline(everything, color=GREY, lw=1)
    left.text(percents[0], everything, "all data, hard targets", color=GREY, va="bottom")
    left.set(
        xscale="log",
        xticks=percents,
        xlabel="share of the data (%)",
        ylabel="test cases right (%)",
    )
    left.set_xticklabels([f"{p:g}" for p in percents])
    left.minorticks_off()
    left.legend(loc="lower right")
    curves = record["curves"]["3"]
    for kind, color in (("soft", GREEN), ("hard", ORANGE)):
        for part, style in (("train", ":"), ("test", "-")):
            seeds = np.array([[look[part] for look in seed[kind]] for seed in curves])
            epochs = [look["epoch"] for look in curves[0][kind]]
            right.plot(epochs, seeds.mean(0), style, color=color,
                       label=f"{kind} targets, {part}")  # fmt: skip
    right.set(xscale="log", xlabel="epoch, on 3 % of the data", ylabel="cases right (%)")
    right.xaxis.set_major_formatter("{x:g}")
    right.legend(loc="lower right")
    hard, soft = (
        float(np.mean(m[f"{k}_3_{w}"]))
        for k, w in (("hard", "early_accuracy"), ("soft", "accuracy"))
    )
    _say(
        figure,
        f"From 3 % of the data: {hard:.1f} % right with hard targets, {soft:.1f} % with soft ones, "
        f"{everything:.1f} % from all data",
        _seeds_of(record),
    )
    return figure


@_in_house_style
def plot_forecast(record: dict[str, Any]) -> Any:
    """How much more each forecaster errs than the ensemble, and how near it comes to it.

    Parameters
    ----------
    record : dict
        Of ``forecast``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), width_ratios=(3, 2))
    m, by_frame = record["metrics"], record["curves"]["error"]
    error = {who: np.mean([seed[who] for seed in by_frame], axis=0) for who in by_frame[0]}
    ahead = np.arange(1, record["config"]["ahead"] + 1)
    for who, label, color in (
        ("alone", "one network alone", ORANGE), ("longer", "the same, trained longer", PURPLE),
        ("distilled", "distilled", GREEN),
    ):  # fmt: skip
        left.plot(
            ahead, 100 * (error[who] / error["ensemble"] - 1), "o-", color=color, label=label
        )
    left.axhline(0, color=BLUE, lw=1, label="ten together")
    left.set(xlabel="frames ahead (10 ms each)", xticks=ahead,
             ylabel="mean square error beyond that of the ten (%)")  # fmt: skip
    without = error["unchanged"] / error["ensemble"]
    left.set_title(
        f"(the last frame once more: {without.min():.1f} to {without.max():.1f} times the error of "
        "the ten)", fontsize=9, color=GREY,
    )  # fmt: skip
    left.legend()
    distance = np.transpose(
        [m[f"{name}_distance"] for name in ("alone", "longer", "distilled")]
    )
    far = distance.mean(0)
    single, ten, distilled = (
        np.array(m[f"{w}_error"]) for w in ("single", "ensemble", "distilled")
    )
    kept = 100 * (single - distilled) / (single - ten)
    right.bar(range(3), far, yerr=_error(distance), color=[ORANGE, PURPLE, GREEN], width=0.6,
              capsize=4)  # fmt: skip
    right.set(xticks=range(3), ylabel="mean square distance to the ten (variances)")
    right.set_xticklabels(["alone", "alone, longer", "distilled"])
    _say(
        figure,
        f"The distilled forecaster is {min(far[:2]) / far[2]:.1f} times as near to the ten as one "
        f"trained alone, and keeps {kept.mean():.0f} % of what they gain",
        _seeds_of(record),
    )
    return figure


@_in_house_style
def plot_specialists(record: dict[str, Any]) -> Any:
    """What specialists gain: by how many cover a class, by their number, by the generalist's size.

    Parameters
    ----------
    record : dict
        Of ``specialists``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    m, curves, widths = record["metrics"], record["curves"], record["config"]["widths"]
    panels = 2 + (len(widths) > 1)
    figure, axes = plt.subplots(1, panels, figsize=(1 + 4.6 * panels, 4.8))
    plot_coverage(axes[0], record)

    seeds = np.array([each["accuracy"] for each in curves["number"]])
    axes[1].errorbar(curves["number"][0]["specialists"], seeds.mean(0), _error(seeds), fmt="o-",
                     color=GREEN, capsize=3, label="with specialists, Eq. 5")  # fmt: skip
    for who, words, color in (("copies", "generalist and copies of it,\ntrained on", ORANGE),
                              ("mixture", "mixture of experts", PURPLE)):  # fmt: skip
        if f"{who}_accuracy" in m:
            axes[1].axhline(float(np.mean(m[f"{who}_accuracy"])), color=color, lw=1, ls="--",
                            label=words)  # fmt: skip
    axes[1].set(xlabel="specialists in use", ylabel="test cases right (%)")
    axes[1].set_title("By their number")
    axes[1].legend()

    if panels > 2:
        for who, words, color, marker in (
            ("specialists", "with specialists, Eq. 5", GREEN, "o"),
            ("copies", "generalist and copies of it,\ntrained on", ORANGE, "^"),
            ("generalist", "generalist", GREY, "s"),
        ):
            seeds = np.array([each[f"{who}_accuracy"] for each in curves["widths"]])
            axes[2].errorbar(range(len(widths)), seeds.mean(0), _error(seeds), fmt=f"{marker}-",
                             color=color, capsize=3, label=words)  # fmt: skip
        axes[2].set(xticks=range(len(widths)), xlabel="units of each hidden layer",
                    ylabel="test cases right (%)")  # fmt: skip
        axes[2].set_xticklabels(widths)
        axes[2].set_title("By the size of all networks")
        axes[2].legend(loc="lower right")
    before, after = (np.mean(m[f"{who}_accuracy"]) for who in ("generalist", "specialists"))
    loss = [np.mean(m[f"{who}_log_loss"]) for who in ("generalist", "specialists")]
    _say(
        figure,
        f"With {record['config']['clusters']} specialists, {after:.1f} instead of {before:.1f} % are "
        f"right, and the log-loss is {loss[1]:.3f} instead of {loss[0]:.3f}",
        _seeds_of(record),
    )
    return figure


@_in_house_style
def plot_coverage(axes: Any, record: dict[str, Any], least: int = 300) -> None:
    """Relative change of right answers by how many specialists cover the correct class.

    Cases of all seeds are added up; bars are standard errors of the seeds' own ratios. Counts with
    fewer than ``least`` cases are left out: a few cases make any ratio.
    """
    tables = record["curves"]["coverage"]
    cases: dict[int, int] = {}
    right: dict[int, list[tuple[int, int]]] = {}
    for row in (row for table in tables for row in table):
        k = row["covering"]
        cases[k] = cases.get(k, 0) + row["cases"]
        right.setdefault(k, []).append((row["specialists_right"], row["generalist_right"]))
    at = sorted(k for k in cases if cases[k] >= least and sum(g for _, g in right[k]) > 0)
    change = [100 * (sum(s for s, _ in right[k]) / sum(g for _, g in right[k]) - 1) for k in at]
    bars = [float(_error([100 * (s / g - 1) for s, g in right[k] if g])) for k in at]
    axes.errorbar(at, change, bars, fmt="o-", color=GREEN, capsize=3, label="here")
    axes.plot(COVERAGE_GAINS, "s:", color=GREY, label="paper, on JFT (the last: 10 or more)")
    axes.set(xlabel="specialists that cover the correct class",
             ylabel="change of right answers, relative (%)")  # fmt: skip
    axes.set_title("By how many cover the correct class")
    axes.legend()


@_in_house_style
def plot_into_one(record: dict[str, Any]) -> Any:
    """One network distilled from generalist and specialists, beside them and its controls.

    Parameters
    ----------
    record : dict
        Of ``specialists-into-one``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    m = record["metrics"]
    names = {
        "generalist": ("generalist", GREY),
        "specialists": ("with specialists", BLUE),
        "distilled": ("one network,\nfrom both", GREEN),
        "from_generalist": ("one network, from\nthe generalist alone", ORANGE),
        "hard": ("one network,\nhard targets", PURPLE),
    }
    figure, axes = plt.subplots(1, 2, figsize=(11.5, 4.6), sharey=True)
    places = range(len(names))[::-1]
    for ax, what, words in ((axes[0], "accuracy", "test cases right (%)"),
                            (axes[1], "log_loss", "log-loss (nats)")):  # fmt: skip
        seeds = np.transpose([m[f"{who}_{what}"] for who in names])
        for k, place in enumerate(places):
            ax.errorbar(seeds[:, k].mean(), place, xerr=_error(seeds[:, k]), fmt="o", capsize=4,
                        color=list(names.values())[k][1])  # fmt: skip
            ax.plot(seeds[:, k], [place] * len(seeds), ".", alpha=0.3,
                    color=list(names.values())[k][1])  # fmt: skip
        ax.set(xlabel=words, ylim=(-0.6, len(names) - 0.4))
        ax.grid(axis="x", lw=0.5)
    axes[0].set_yticks(list(places), [words for words, _ in names.values()])
    axes[0].set_title("More is better")
    axes[1].set_title("Less is better")
    gained, kept = (
        np.mean(np.subtract(m[f"{who}_accuracy"], m["generalist_accuracy"]))
        for who in ("specialists", "distilled")
    )
    _say(
        figure,
        f"Specialists gain {gained:+.2f} points. One network distilled from both gains {kept:+.2f}, "
        "from the generalist alone "
        f"{np.mean(np.subtract(m['from_generalist_accuracy'], m['generalist_accuracy'])):+.2f}",
        _seeds_of(record),
    )
    return figure


def _error(of_seeds: Any) -> Any:
    """The standard error of a mean over seeds, the first axis; 0 for one seed."""
    n = len(of_seeds)
    return (
        np.std(of_seeds, axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.zeros_like(of_seeds[0])
    )


def _seeds_of(record: dict[str, Any]) -> str:
    n = len(record["seeds"])
    bars = ", bars are standard errors over them" if n > 1 else ""
    return f"{_DATA_TITLES[record['data']]}; {n} seed{'s' * (n > 1)}{bars}"


_FIGURES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "teacher-student": plot_teacher_student,
    "temperature-width": plot_temperature_width,
    "omitted-3": plot_unseen,
    "sevens-and-eights": plot_unseen,
    "omitted-each": plot_omitted_each,
    "recipes": plot_recipes,
    "acoustic-ensemble": plot_acoustic_ensemble,
    "three-percent": plot_three_percent,
    "forecast": plot_forecast,
    "specialists": plot_specialists,
    "specialists-into-one": plot_into_one,
}


def plot_record(record: dict[str, Any]) -> Any:
    """The figure of an experiment, from its record."""
    return _FIGURES[record["name"]](record)
