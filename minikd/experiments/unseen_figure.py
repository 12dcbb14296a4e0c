"""Pictures of a student that never saw some of the classes: errors per class, and the bias."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikd import plots
from minikd.experiments.experiment import Metric, Record
from minikd.statistics import change, mean_of

_ROLES = (
    ("hard", "hard labels", plots.GREY, "s"),
    ("before", "distilled", plots.ORANGE, "o"),
    ("after", "bias tuned on the test set (paper)", plots.BLUE, "^"),
    ("honest", "bias chosen without labels (honest)", plots.GREEN, "v"),
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
    axes.set(xticks=classes, xlabel="class", ylabel="errors", yscale="symlog")
    axes.set_yticks(ticks, labels=ticks)
    axes.minorticks_off()
    axes.set_ylim(0, 8 * max(largest, 10))
    axes.grid(axis="y", color="0.93")
    m = {name: np.mean(values) for name, values in record["metrics"].items()}
    axes.set_title(
        f"Of {m['omitted_cases']:.0f} unseen digits, hard labels get "
        f"{plots.count(m['hard_omitted_errors'])} wrong, soft targets "
        f"{plots.count(m['omitted_errors_before'])}"
    )
    axes.legend(loc="upper left", ncols=2)


@plots.in_house_style
def plot_bias_sweep(axes: Any, record: Record, metrics: Sequence[Metric]) -> None:
    """Test error against the bias, with both protocols' choices and the paper's figures."""
    m, biases = record["metrics"], np.array(record["curves"]["biases"])
    percent = 100 / np.mean(m["test_cases"])
    curves = percent * np.array(record["curves"]["errors"])
    if len(curves) > 1:
        axes.fill_between(
            biases, curves.min(0), curves.max(0), color=plots.BLUE, alpha=0.2, lw=0,
            label="from the lowest to the highest seed",
        )  # fmt: skip
    axes.plot(biases, curves.mean(0), color=plots.BLUE)
    error = percent * np.mean(m["errors_before"])
    axes.plot(0, error, "o", color=plots.ORANGE, label=f"as trained: {error:.2f} %")
    for bias, after, label, color, marker, size in (
        ("bias", "errors_after", "tuned on the test set (paper)", plots.BLUE, "^", 10),
        (
            "honest_bias",
            "honest_errors_after",
            "chosen without labels (honest)",
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
            label=f"{label}: {error:.2f} % at {at:+.1f}",
        )
    best = curves.mean(0).min()
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
            label=f"the paper, on MNIST: {was:.2f} % → {became:.2f} %",
        )  # fmt: skip
        best = min(best, became)
    axes.set(xlabel="added to the bias (logits)", ylabel="test error (%)", yscale="log")
    ticks = [t for t in (0.5, 1, 2, 5, 10, 20, 50, 100) if t > 0.4 * best]
    axes.set_yticks(ticks, labels=[f"{t:g}" for t in ticks])
    axes.minorticks_off()
    names = " and ".join(_PLURALS[c] for c in record["config"]["moved"])
    axes.set_title(
        f"{np.mean(m['bias']):+.1f} on the bias of the {names} gives the fewest errors"
    )
    axes.legend(fontsize=8)


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
    bias = np.mean(record["metrics"]["honest_bias"])
    moved = " and ".join(map(str, record["config"]["moved"]))
    biases = "biases" if len(record["config"]["moved"]) > 1 else "bias"
    for ax, table, title in zip(
        axes,
        wrong.values(),
        ("as trained", f"with {bias:+.1f} on the {biases} of {moved}"),
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
        ax.set_title(f"{title}: {plots.count(table.sum())} errors")
    omitted = list(record["config"]["omitted"])
    unseen = wrong["before"][omitted].sum(0)
    taken = ", ".join(str(c) for c in unseen.argsort()[::-1][:3] if unseen[c] >= 0.5)
    what = f"Threes it never saw are taken for {taken}" if omitted == [3] else (
        f"What it never saw is taken for {taken}"
    )  # fmt: skip
    plots.say(
        figure, f"{what}, until the bias is moved", plots.footer(record, record["config"]["T"])
    )
    return figure


_PLURALS = (
    "zeros", "ones", "twos", "threes", "fours", "fives", "sixes", "sevens", "eights", "nines",
)  # fmt: skip


def _finding(record: Record) -> str:
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
        f"A bias of {mean_of(m['bias']).words(1, sign=True)}, tuned on the test set as in the "
        f"paper, makes it {paper:.1f} %. The bias chosen without labels, "
        f"{mean_of(m['honest_bias']).words(1, sign=True)}, makes it {honest:.1f} %, and costs "
        f"{cost.words(1)} errors over all classes.",
    ]
