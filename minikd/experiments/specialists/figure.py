"""The picture of what specialists gain."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikd import plots
from minikd.experiments.experiment import Record
from minikd.statistics import standard_error

# Section 5, its table of images by the number of specialists that cover the correct class: the
# relative change of right answers in percent, from none to nine of them, and for ten or more.
COVERAGE_GAINS = (0.0, 3.4, 7.4, 8.8, 10.5, 11.1, 11.3, 12.8, 13.6, 16.6, 14.1)


@plots.in_house_style
def plot_specialists(record: Record) -> Any:
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
    figure, axes = plots.plt.subplots(1, panels, figsize=(1 + 4.6 * panels, 4.8))
    plot_coverage(axes[0], record)

    seeds = np.array([each["accuracy"] for each in curves["number"]])
    axes[1].errorbar(curves["number"][0]["specialists"], seeds.mean(0), standard_error(seeds), fmt="o-",
                     color=plots.BLUE, capsize=3, label="with specialists")  # fmt: skip
    for who, words, color in (("copies", "with copies, trained longer", plots.ORANGE),
                              ("mixture", "mixture of experts", plots.PURPLE)):  # fmt: skip
        if f"{who}_accuracy" in m:
            axes[1].axhline(float(np.mean(m[f"{who}_accuracy"])), color=color, lw=1, ls="--",
                            label=words)  # fmt: skip
    axes[1].set(xlabel="specialists in use", ylabel="test cases right (%)")
    plots.legend_above(axes[1], "By the number of specialists")

    if panels > 2:
        for who, words, color, marker in (
            ("specialists", "with specialists", plots.BLUE, "o"),
            ("copies", "with copies, trained longer", plots.ORANGE, "^"),
            ("generalist", "generalist alone", plots.GREY, "s"),
        ):
            seeds = np.array([each[f"{who}_accuracy"] for each in curves["widths"]])
            axes[2].errorbar(range(len(widths)), seeds.mean(0), standard_error(seeds), fmt=f"{marker}-",
                             color=color, capsize=3, label=words)  # fmt: skip
        axes[2].set(xticks=range(len(widths)), xlabel="units of each hidden layer",
                    ylabel="test cases right (%)")  # fmt: skip
        axes[2].set_xticklabels(widths)
        plots.legend_above(axes[2], "By the width of all networks")
    plots.say(
        figure, _finding(record),
        f"{plots.seeds_of(record)}; a specialist knows some classes that the generalist confuses; Eq. 5 "
        "joins their answers",
    )  # fmt: skip
    return figure


def _finding(record: Record) -> str:
    """What specialists change, and how a wider generalist alone does."""
    m, config = record["metrics"], record["config"]
    widths = config["widths"]
    before, after = (np.mean(m[f"{who}_accuracy"]) for who in ("generalist", "specialists"))
    said = (
        f"A generalist of {widths[0]} units gets {before:.1f} % right; with {config['clusters']} "
        f"specialists for the classes that it confuses, {after:.1f} %"
    )
    if len(widths) < 2:
        return said
    wider = np.mean([each["generalist_accuracy"][1] for each in record["curves"]["widths"]])
    return f"{said}.\nA generalist of {widths[1]} units alone gets {wider:.1f} %"


@plots.in_house_style
def plot_coverage(axes: Any, record: Record, least: int = 300) -> None:
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
    bars = [float(standard_error([100 * (s / g - 1) for s, g in right[k] if g])) for k in at]
    axes.errorbar(at, change, bars, fmt="o-", color=plots.BLUE, capsize=3)
    axes.axhline(0, color=plots.GREY, lw=1)
    # In words, because gains on another scale would flatten these.
    one, *_, most = COVERAGE_GAINS[1:]
    axes.set(xlabel="specialists that know the correct class\n"
             f"(the paper, on JFT: {one:+} % for one, {most:+} % for ten or more)",
             ylabel="change of right answers, relative (%)")  # fmt: skip
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title("By how many know the correct class")
