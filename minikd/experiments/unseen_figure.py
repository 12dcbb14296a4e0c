"""Pictures of a student that never saw some of the classes: errors per class, and the bias."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikd import plots
from minikd.experiments.experiment import Metric, Record
from minikd.statistics import Mean, change, mean_of

_ROLES = (
    ("hard", "hard labels", plots.GREY, "s"),
    ("before", "distilled", plots.ORANGE, "o"),
    ("after", "bias tuned on the test set, as in the paper", plots.BLUE, "^"),
    ("honest", "bias chosen without labels", plots.GREEN, "v"),
)


@plots.in_house_style
def plot_unseen(record: Record, metrics: Sequence[Metric]) -> Any:
    """Errors per class before and after the bias, and the whole sweep of the bias.

    Parameters
    ----------
    record : dict
        Of ``omitted-3`` or ``sevens-and-eights``.
    metrics : sequence of Metric
        Those of the record, with the paper's numbers where they belong.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, right) = plots.plt.subplots(1, 2, figsize=(13, 5))
    plot_errors_per_class(left, record)
    plot_bias_sweep(right, record, metrics)
    plots.say(figure, _finding(record), plots.footer(record, record["config"]["T"]))
    return figure


@plots.in_house_style
def plot_errors_per_class(axes: Any, record: Record) -> None:
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
    axes.set(xticks=classes, xlabel="class", ylabel="errors, mean over seeds", yscale="symlog")
    axes.set_yticks(ticks, labels=ticks)
    axes.minorticks_off()
    axes.set_ylim(0, 1.5 * max(largest, 10))
    axes.grid(axis="y", color="0.93")
    m = {name: np.mean(values) for name, values in record["metrics"].items()}
    plots.legend_above(
        axes,
        f"Of {m['omitted_cases']:.0f} unseen digits, hard labels leave "
        f"{plots.count(m['hard_omitted_errors'])} wrong, soft targets "
        f"{plots.count(m['omitted_errors_before'])}",
    )


@plots.in_house_style
def plot_bias_sweep(axes: Any, record: Record, metrics: Sequence[Metric]) -> None:
    """Test error against the bias, with both protocols' choices and the paper's figures."""
    m, biases = record["metrics"], np.array(record["curves"]["biases"])
    percent = 100 / np.mean(m["test_cases"])
    curves = percent * np.array(record["curves"]["errors"])
    if len(curves) > 1:
        axes.fill_between(
            biases, curves.min(0), curves.max(0), color=plots.BLUE, alpha=0.2, lw=0,
            label="lowest to highest seed",
        )  # fmt: skip
    axes.plot(biases, curves.mean(0), color=plots.BLUE)
    error = percent * np.mean(m["errors_before"])
    axes.plot(0, error, "o", color=plots.ORANGE, label=f"as trained: {error:.2f} %")
    for bias, after, label, color, marker, size in (
        ("bias", "errors_after", "tuned on the test set", plots.BLUE, "^", 10),
        (
            "honest_bias",
            "honest_errors_after",
            "chosen without labels",
            plots.GREEN,
            "v",
            6,
        ),
    ):
        at, error = np.mean(m[bias]), percent * np.mean(m[after])
        axes.plot(
            at,
            error,
            marker,
            color=color,
            ms=size,
            label=f"{label}: {error:.2f} % at {plots.signed(at)}",
        )
    best, highest = curves.mean(0).min(), curves.max()
    paper = {metric.name: metric for metric in metrics if metric.paper is not None}
    if {"bias", "errors_before", "errors_after"} <= set(paper):
        was, became = (
            paper[name].paper_percent() for name in ("errors_before", "errors_after")
        )
        (tuned,) = (
            metric.paper.value for metric in metrics if metric.name == "bias" and metric.paper
        )
        axes.plot(
            [0, tuned], [was, became], "k*", ms=9,
            label=f"the paper, on MNIST: {was:.2f} to {became:.2f} %",
        )  # fmt: skip
        best, highest = min(best, became), max(highest, was)
    axes.set(xlabel="added to the bias (logits)", ylabel="test error (%)", yscale="log")
    ticks = [t for t in (0.5, 1, 2, 5, 10, 20, 50, 100) if 0.4 * best < t < 2.5 * highest]
    axes.set_yticks(ticks, labels=[f"{t:g}" for t in ticks])
    axes.minorticks_off()
    title = f"Fewest errors with {_biases(record)} {_moved_by(mean_of(m['bias']))}"
    plots.legend_above(axes, title, fontsize=8)


@plots.in_house_style
def plot_confusion(record: Record) -> Any:
    """What each digit is taken for, before and after the honest bias; mean over the seeds.

    Parameters
    ----------
    record : dict
        Of ``omitted-3`` or ``sevens-and-eights``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = plots.plt.subplots(1, 2, figsize=(13, 6))
    mean = {
        when: np.mean([seed[when] for seed in record["curves"]["confusion"]], axis=0)
        for when in ("before", "honest")
    }
    wrong = {when: table * (1 - np.eye(len(table))) for when, table in mean.items()}
    bias = mean_of(record["metrics"]["honest_bias"])
    for ax, table, title in zip(
        axes,
        wrong.values(),
        ("As trained", f"With {_biases(record)} {_moved_by(bias)}"),
        strict=True,
    ):
        # Its square root, so that the few that are confused often do not hide all others.
        ax.imshow(np.sqrt(table), cmap="Blues", vmin=0, vmax=np.sqrt(wrong["before"].max()))
        for i, j in zip(*np.nonzero(table > 0.5), strict=True):
            dark = table[i, j] > 0.3 * wrong["before"].max()
            ax.text(j, i, plots.count(table[i, j]), ha="center", va="center", fontsize=8,
                    color="w" if dark else "k")  # fmt: skip
        classes = range(len(table))
        ax.set(xticks=classes, yticks=classes, xlabel="answer", ylabel="digit")
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
        ax.set_title(f"{title}: {plots.count(table.sum())} errors")
    plots.say(figure, _mistaken(record, wrong), plots.footer(record, record["config"]["T"]))
    return figure


def _mistaken(record: Record, wrong: dict[str, Any]) -> str:
    """What unseen digits are taken for most often, and how many still are after the bias."""
    omitted = list(record["config"]["omitted"])
    before, after = (wrong[when][omitted].sum(0) for when in ("before", "honest"))
    names = f"The {_PLURALS[omitted[0]]}" if len(omitted) == 1 else "The digits"
    taken = [str(c) for c in before.argsort()[::-1][:3] if before[c] >= 0.5]
    most = f", most often as {', '.join(taken)}" if taken else ""
    return (
        f"{names} that it never saw: {plots.count(before.sum())} are misread{most}; "
        f"{plots.count(after.sum())} once the bias is moved"
    )


_PLURALS = (
    "zeros", "ones", "twos", "threes", "fours", "fives", "sixes", "sevens", "eights", "nines",
)  # fmt: skip


def _biases(record: Record) -> str:
    """Whose bias is moved: ``the bias of 3``, ``the biases of 7 and 8``."""
    moved = record["config"]["moved"]
    return f"the bias{'es' * (len(moved) > 1)} of {' and '.join(map(str, moved))}"


def _moved_by(bias: Mean) -> str:
    """``raised by 2.3 ± 0.2``."""
    way = "lowered" if bias.value < 0 else "raised"
    return f"{way} by {bias._replace(value=abs(bias.value)).words(1)}"


def _finding(record: Record) -> str:
    m = {name: float(np.mean(values)) for name, values in record["metrics"].items()}
    before, after = (
        100 * (1 - m[k] / m["omitted_cases"])
        for k in ("omitted_errors_before", "honest_omitted_errors_after")
    )
    omitted = record["config"]["omitted"]
    if len(omitted) == 1:
        saw, unseen = f"never saw a {omitted[0]}", f"the {_PLURALS[omitted[0]]}"
    else:
        saw = "saw only " + " and ".join(_PLURALS[c] for c in range(10) if c not in omitted)
        unseen = "the other digits"
    way = "lowered" if m["honest_bias"] < 0 else "raised"
    verb = "are" if len(record["config"]["moved"]) > 1 else "is"
    return (
        f"A student that {saw} gets {before:.1f} % of {unseen} right, {after:.1f} % once "
        f"{_biases(record)} {verb} {way}"
    )


def unseen_findings(record: Record) -> list[str]:
    """What the student gets right of what it never saw, before and after the bias."""
    m = record["metrics"]
    cases = float(np.mean(m["omitted_cases"]))
    before, paper, honest, hard = (
        100 * (1 - np.mean(m[name]) / cases)
        for name in ("omitted_errors_before", "omitted_errors_after",
                     "honest_omitted_errors_after", "hard_omitted_errors")
    )  # fmt: skip
    cost = change(m, "honest_errors_after", "errors_after")
    return [
        f"Of the {cases:.0f} test cases of classes that it never saw, the distilled student gets "
        f"{before:.1f} % right. A student on hard labels of the same cases gets {hard:.1f} %.",
        f"With {_biases(record)} {_moved_by(mean_of(m['bias']))}, which does best on the test set, "
        f"as in the paper, the distilled student gets {paper:.1f} % of them right. Chosen without "
        f"labels, {_moved_by(mean_of(m['honest_bias']))}, it gets {honest:.1f} % of them right, and "
        f"makes {cost.words(1)} more errors over all classes than at the bias that does best.",
    ]
