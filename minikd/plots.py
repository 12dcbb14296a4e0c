"""The house style of all figures, and the figures of the equations; none needs a display.

The figure of an experiment stands in its room, :mod:`minikd.experiments`.
"""

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

from minikd import arrays, values
from minikd import equations as eq
from minikd.data import catalog

__all__ = [
    "BLUE", "GREEN", "GREY", "HOUSE_STYLE", "ORANGE", "PURPLE", "Rectangle", "count", "footer",
    "in_house_style", "legend_above", "plot_entropy", "plot_gradient_norms", "plot_limits",
    "plot_softmax_bars",
    "plot_temperature", "plt", "save_figure", "say", "seeds_of", "signed",
]  # fmt: skip

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


def in_house_style(draw: Callable[P, R]) -> Callable[P, R]:
    """``draw`` in the house style, whatever the user's own settings are."""
    values.function("draw", draw)

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        with plt.rc_context(HOUSE_STYLE):
            return draw(*args, **kwargs)

    return drawn


@in_house_style
def save_figure(figure: Any, path: str | PathLike[str]) -> Path:
    """Write a figure as PNG, make its folder if need be, and close it in any case."""
    values.able("figure", figure, "savefig", "a figure of matplotlib")
    path = values.path("path", path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    finally:
        plt.close(figure)
    return path


def say(figure: Any, finding: str, footer: str) -> None:
    """The finding of a figure above it, and its data below, in small print."""
    values.able("figure", figure, "suptitle", "a figure of matplotlib")
    finding, footer = values.text("finding", finding), values.text("footer", footer)
    figure.suptitle(finding, x=0.01, ha="left", weight="bold")
    figure.supxlabel(footer, fontsize=8, color=GREY, x=0.01, ha="left")


def legend_above(axes: Any, title: str = "", columns: int = 2, **options: Any) -> None:
    """The legend above the axes, where no data can lie under it, and the title above that."""
    values.able("axes", axes, "legend", "axes of matplotlib")
    title, columns = values.text("title", title), values.whole("columns", columns, 1, 100)
    legend = axes.legend(
        loc="lower left", bbox_to_anchor=(-0.02, 0.99), ncols=columns, **options
    )
    rows = -(-len(legend.get_texts()) // columns)
    axes.set_title(title, pad=10 + 15 * rows)


def count(mean: float) -> str:
    """A mean of counts as it is said: ``92.5``, and ``92`` only where it is one."""
    return f"{values.finite('mean', mean):.1f}".removesuffix(".0")


def signed(value: float, digits: int = 1) -> str:
    """A number with its sign, a minus as the axes have it: ``+2.3``, ``−6.0``."""
    value, digits = values.finite("value", value), values.whole("digits", digits, 0, 20)
    return f"{value:+.{digits}f}".replace("-", "−")


def footer(record: dict[str, Any], T: float | None = None) -> str:
    """What a figure is of, in small print."""
    values.mapping("record", record, ("seeds", "data"), "a record, from read_record")
    seeds = len(record["seeds"])
    at = "" if T is None else f"T = {T:g}; "
    of = f"means over {seeds} seeds" if seeds > 1 else "1 seed"
    return f"{catalog.title(record['data'])}; {at}{of}"


def seeds_of(record: dict[str, Any]) -> str:
    """The same where a figure has error bars."""
    values.mapping("record", record, ("seeds", "data"), "a record, from read_record")
    bars = ", with standard errors" if len(record["seeds"]) > 1 else ""
    return footer(record) + bars


# ---------------------------------------------------------------- temperature

# Logits such as a teacher gives for a 2 that looks like a 3; made up for the figure.
EXAMPLE_LOGITS = (-4.0, 1.0, 12.0, 8.0, -6.0, -3.0, -5.0, 3.0, 2.0, -4.0)
# Logits of a student that has learnt some of it.
EXAMPLE_STUDENT = (-1.0, 2.0, 7.0, 2.0, -3.0, 1.0, -4.0, 4.0, -1.0, -3.0)


@in_house_style
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


@in_house_style
def plot_softmax_bars(
    axes: Any, v: Any = EXAMPLE_LOGITS, temperatures: Any = (1, 4, 20)
) -> None:
    """Soft targets of one case at several temperatures, as bars side by side (Eq. 1)."""
    v = _drawn_logits(axes, v=v)[0]
    temperatures = values.each(
        "temperatures", temperatures, "positive numbers", values.positive
    )
    if not temperatures:
        raise values.refused("temperatures", temperatures, "one positive number or more")
    classes = np.arange(len(v))
    width = 0.8 / len(temperatures)
    for k, (T, color) in enumerate(
        zip(temperatures, cycle((BLUE, ORANGE, GREEN, PURPLE)), strict=False)
    ):
        at = classes + (k - (len(temperatures) - 1) / 2) * width
        axes.bar(at, eq.softmax(np.array(v), T), width, color=color, label=f"T = {T:g}")
    axes.set(xticks=classes, xlabel="class", ylabel="probability p")
    axes.set_title("A higher temperature shows what else the teacher sees")
    axes.legend()


@in_house_style
def plot_entropy(axes: Any, v: Any = EXAMPLE_LOGITS) -> None:
    """Entropy of the soft targets against T, from nothing to log N."""
    v = _drawn_logits(axes, v=v)[0]
    T = np.geomspace(0.3, 100, 200)
    axes.semilogx(T, eq.entropy(np.array(v), T[:, None]), color=BLUE)
    axes.axhline(np.log(len(v)), color=GREY, ls="--", lw=1)
    axes.text(0.32, np.log(len(v)) - 0.04, f"log {len(v)}", color=GREY, va="top")
    axes.set(xlabel="temperature T", ylabel="entropy of p (nats)")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_title("The entropy of the soft targets rises with T")


@in_house_style
def plot_gradient_norms(axes: Any, z: Any = EXAMPLE_STUDENT, v: Any = EXAMPLE_LOGITS) -> None:
    """Length of the soft-target gradient against T, with and without T² (Section 2)."""
    z, v = _drawn_logits(axes, z=z, v=v)
    T = np.geomspace(0.5, 100, 200)
    gradient = eq.soft_target_gradient(np.array(z), np.array(v), T[:, None])
    norm = np.linalg.norm(gradient, axis=-1)
    axes.loglog(T, norm, color=ORANGE, label="Eq. 2 alone")
    axes.loglog(T, T**2 * norm, color=BLUE, label="times T²")
    difference = np.subtract(z, v)
    limit = np.linalg.norm(difference - difference.mean()) / len(v)
    axes.axhline(limit, color=GREY, ls="--", lw=1)
    axes.text(0.5, 1.6 * limit, "|z − v| / N, means taken out", color=GREY, fontsize=9)
    axes.set(xlabel="temperature T", ylabel="length of the gradient", ylim=(None, 30))
    _plain_ticks(axes)
    axes.set_title("The gradient fades like 1/T²; times T², it levels off")
    axes.legend()


@in_house_style
def plot_limits(axes: Any, z: Any = EXAMPLE_STUDENT, v: Any = EXAMPLE_LOGITS) -> None:
    """Relative error of Eq. 3 and of Eq. 4 against Eq. 2, as T grows."""
    z, v = _drawn_logits(axes, z=z, v=v)
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
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set(xlabel="temperature T", ylabel="relative error against Eq. 2", ylim=(1e-3, 30))
    _plain_ticks(axes)
    axes.set_title("At T far above the logits, distillation matches logits")
    axes.legend()


def _drawn_logits(axes: Any, **named: Any) -> list[Any]:
    """Logits of one case each, of the same number of classes."""
    values.able("axes", axes, "plot", "axes of matplotlib")
    logits = [arrays.array(name, z, "(N,)", dtype=float) for name, z in named.items()]
    if len({len(z) for z in logits}) > 1:
        said = " and ".join(f"{name} {len(z)}" for name, z in zip(named, logits, strict=True))
        raise ValueError(f"there are different numbers of classes: {said}; expected the same")
    return logits


def _plain_ticks(axes: Any) -> None:
    """1, 10 and 100 on logarithmic axes, not powers of ten."""
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
