"""Pictures of a student that never saw some of the classes: errors per class, and the bias."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikd import plots
from minikd.experiments.experiment import Metric, Record
from minikd.statistics import Mean, change, mean_of

# As in the sweep of the bias: open as trained, filled once the bias is moved.
_ROLES = (
    ("hard", "hard labels", plots.GREY, "s"),
    ("before", "paper's protocol", plots.BLUE, "^"),
    ("after", "its bias moved", plots.BLUE, "^"),
    ("best_before", "best protocol", plots.GREEN, "v"),
    ("honest_best_after", "its bias moved", plots.GREEN, "v"),
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
    """Mean errors of each class: hard labels, and both protocols before and after the bias."""
    per_class = record["curves"]["errors_per_class"]
    classes = np.arange(len(per_class[0]["before"]))
    for k, (role, label, color, marker) in enumerate(_ROLES):
        mean = np.mean([seed[role] for seed in per_class], axis=0)
        at = classes + 0.14 * (k - 2)
        # Dots, not bars: on a logarithmic axis the length of a bar says nothing.
        inside = "w" if role.endswith("before") else color
        axes.plot(at, mean, marker, color=color, mfc=inside, label=label, clip_on=False)
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
        f"{plots.count(m['hard_omitted_errors'])} wrong,\nthe paper's protocol "
        f"{plots.count(m['omitted_errors_before'])}, the best one "
        f"{plots.count(m['best_omitted_errors_before'])}",
        3,
    )


@plots.in_house_style
def plot_bias_sweep(axes: Any, record: Record, metrics: Sequence[Metric]) -> None:
    """Test error against the bias by both protocols, with their choices and the paper's figures."""
    m, biases = record["metrics"], np.array(record["curves"]["biases"])
    percent = 100 / np.mean(m["test_cases"])
    lowest, highest = [], []
    for curve, before, bias, after, words, how, color, marker in (
        ("errors", "errors_before", "bias", "errors_after", "paper's protocol",
         "tuned on the test set", plots.BLUE, "^"),
        ("best_errors", "best_errors_before", "honest_best_bias", "honest_best_errors_after",
         "best protocol", "chosen without labels", plots.GREEN, "v"),
    ):  # fmt: skip
        curves = percent * np.array(record["curves"][curve])
        if len(curves) > 1:
            axes.fill_between(
                biases, curves.min(0), curves.max(0), color=color, alpha=0.2, lw=0
            )
        axes.plot(biases, curves.mean(0), color=color)
        was, at, became = (
            scale * np.mean(m[name])
            for name, scale in ((before, percent), (bias, 1), (after, percent))
        )
        axes.plot(0, was, marker, color=color, mfc="w", ms=8, label=f"{words}: {was:.2f} %")
        axes.plot(at, became, marker, color=color, ms=8,
                  label=f"{how}: {became:.2f} % at {plots.signed(at)}")  # fmt: skip
        lowest.append(curves.mean(0).min())
        highest.append(curves.max())
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
        lowest.append(became)
        highest.append(was)
    axes.set(xlabel="added to the bias (logits)", ylabel="test error (%)", yscale="log")
    ticks = [
        t for t in (0.5, 1, 2, 5, 10, 20, 50, 100) if 0.4 * min(lowest) < t < 2.5 * max(highest)
    ]
    axes.set_yticks(ticks, labels=[f"{t:g}" for t in ticks])
    axes.minorticks_off()
    title = f"Fewest errors with {_biases(record)} {_moved_by(mean_of(m['bias']))}"
    plots.legend_above(axes, title, fontsize=8)


@plots.in_house_style
def plot_confusion(record: Record) -> Any:
    """What each digit is taken for by the paper's protocol, before and after the bias; mean over the seeds.

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
        for when in ("before", "after")
    }
    wrong = {when: table * (1 - np.eye(len(table))) for when, table in mean.items()}
    bias = mean_of(record["metrics"]["bias"])
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
    before, after = (wrong[when][omitted].sum(0) for when in ("before", "after"))
    names = f"The {_PLURALS[omitted[0]]}" if len(omitted) == 1 else "The digits"
    taken = [str(c) for c in before.argsort()[::-1][:3] if before[c] >= 0.5]
    most = f", most often as {', '.join(taken)}" if taken else ""
    return (
        f"{names} that it never saw (paper's protocol): {plots.count(before.sum())} are misread{most}; "
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
    shares = [
        _right(record, name) for name in ("omitted_errors_before", "omitted_errors_after",
                                          "honest_best_omitted_errors_after")
    ]  # fmt: skip
    omitted = record["config"]["omitted"]
    if len(omitted) == 1:
        saw, unseen = f"never saw a {omitted[0]}", f"the {_PLURALS[omitted[0]]}"
    else:
        saw = "saw only " + " and ".join(_PLURALS[c] for c in range(10) if c not in omitted)
        unseen = "the other digits"
    verb = "are" if len(record["config"]["moved"]) > 1 else "is"
    return (
        f"By the paper's protocol, a student that {saw} gets {shares[0]:.1f} % of {unseen} right, "
        f"{shares[1]:.1f} % once\n{_biases(record)} {verb} moved; by the best protocol {shares[2]:.1f} %"
    )


def _right(record: Record, name: str) -> float:
    """The share of unseen cases that are right, in percent."""
    m = record["metrics"]
    return float(100 * (1 - np.mean(m[name]) / np.mean(m["omitted_cases"])))


def unseen_findings(record: Record) -> list[str]:
    """What the student gets right of what it never saw, before and after the bias, by both protocols."""
    m = record["metrics"]
    cases = np.mean(m["omitted_cases"])
    cost = change(m, "honest_best_errors_after", "best_errors_after")
    return [
        f"By the paper's protocol, of the {cases:.0f} test cases of classes that it "
        f"never saw, the student gets {_right(record, 'omitted_errors_before'):.1f} % right; with "
        f"{_biases(record)} {_moved_by(mean_of(m['bias']))}, which does best on the test set, "
        f"{_right(record, 'omitted_errors_after'):.1f} %. A student on hard labels of the same cases gets "
        f"{_right(record, 'hard_omitted_errors'):.1f} %.",
        f"By the best protocol it gets {_right(record, 'best_omitted_errors_before'):.1f} % of them right. "
        f"With {_biases(record)} chosen without labels, {_moved_by(mean_of(m['honest_best_bias']))}, it gets "
        f"{_right(record, 'honest_best_omitted_errors_after'):.1f} %, and makes {cost.words(1)} more errors "
        "over all classes than at the bias that does best on the test set.",
    ]
