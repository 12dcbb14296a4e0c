"""Figures of what temperature does to logits, one's own or an example's.

Each ``plot_`` function but the first draws on axes that are given, and says in their title what these
logits show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikd import arrays, plots, values
from minikd import equations as eq
from minikd.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, in_house_style, plt

# Logits such as a teacher gives for a 2 that looks like a 3; made up for the figure.
EXAMPLE_LOGITS = (-4.0, 1.0, 12.0, 8.0, -6.0, -3.0, -5.0, 3.0, 2.0, -4.0)
# Logits of a student that has learnt some of it.
EXAMPLE_STUDENT = (-1.0, 2.0, 7.0, 2.0, -3.0, 1.0, -4.0, 4.0, -1.0, -3.0)

# An approximation holds where its relative error is below this.
HOLDS = 0.1


@in_house_style
def plot_temperature(
    v: Any = None,
    z: Any = None,
    names: Sequence[str] | None = None,
    temperatures: Any = (1, 4, 20),
) -> Any:
    """What temperature does: probabilities and entropy; with a student, gradients and their limits.

    Parameters
    ----------
    v : array_like, shape (N,), optional
        Logits of a teacher; an example, with a student, unless given.
    z : array_like, shape (N,), optional
        Logits of a student.
    names : sequence of str, optional
        Of the classes; their numbers unless given.
    temperatures : sequence of float
        T > 0, of the probabilities.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If logits are not finite or not of the same number of classes, there are not as many names
        as classes, or a temperature is not positive.
    """
    if v is None:
        v, z = EXAMPLE_LOGITS, EXAMPLE_STUDENT if z is None else z
    rows = 1 if z is None else 2
    figure, axes = plt.subplots(rows, 2, figsize=(11, 4.2 * rows), squeeze=False)
    try:
        plot_softmax_bars(axes[0, 0], v, temperatures, names)
        plot_entropy(axes[0, 1], v)
        if z is not None:
            plot_gradient_norms(axes[1, 0], z, v)
            plot_limits(axes[1, 1], z, v)
    except BaseException:
        plt.close(figure)
        raise
    return figure


@in_house_style
def plot_softmax_bars(
    axes: Any,
    v: Any = EXAMPLE_LOGITS,
    temperatures: Any = (1, 4, 20),
    names: Sequence[str] | None = None,
) -> None:
    """Soft targets of one case at several temperatures, as bars side by side (Eq. 1).

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    v : array_like, shape (N,)
    temperatures : sequence of float
    names : sequence of str, optional
    """
    v = _logits_for(axes, v=v)[0]
    temperatures = values.each(
        "temperatures", temperatures, "positive numbers", values.positive
    )
    if not temperatures:
        raise values.refused("temperatures", temperatures, "one positive number or more")
    said = _names(names, len(v))
    classes, width = np.arange(len(v)), 0.8 / len(temperatures)
    p = eq.softmax(v, np.array(temperatures)[:, None])
    for k, (T, color) in enumerate(zip(temperatures, _colors(len(temperatures)), strict=True)):
        at = classes + (k - (len(temperatures) - 1) / 2) * width
        axes.bar(at, p[k], width, color=color, label=f"T = {T:g}")
    _name_classes(axes, said, given=names is not None)
    axes.set(ylabel="probability p", ylim=(0, 1.05 * p.max()))
    _say(axes, _of_the_likeliest(p, temperatures, said), columns=min(len(temperatures), 5))


def _of_the_likeliest(p: Any, temperatures: Sequence[float], names: Sequence[str]) -> str:
    cold, hot = int(np.argmin(temperatures)), int(np.argmax(temperatures))
    if np.ptp(p, axis=-1).max() < 1e-9:
        return f"All logits are equal: {100 / p.shape[-1]:.3g} % each, at any T"
    top = int(p[cold].argmax())
    name = names[top] if len(names[top]) < 16 else names[top][:14] + "…"
    if cold == hot:
        return f"At T = {temperatures[cold]:g}, {_share(p[cold, top])} on {name}"
    return (f"On {name}: {_share(p[cold, top])} at T = {temperatures[cold]:g}, "
            f"{_share(p[hot, top])} at T = {temperatures[hot]:g}")  # fmt: skip


def _share(p: float) -> str:
    """In percent: ``97.8 %``; never 100 % of what is a little less."""
    return f"{min(100 * p, 99.9) if p < 1 else 100:.3g} %"


@in_house_style
def plot_entropy(axes: Any, v: Any = EXAMPLE_LOGITS) -> None:
    """Entropy of the soft targets against T.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    v : array_like, shape (N,)
    """
    v = _logits_for(axes, v=v)[0]
    T = _temperatures_for(v, 0.015, 6)
    entropy, most = eq.entropy(v, T[:, None]), np.log(len(v))
    axes.semilogx(T, entropy, color=BLUE)
    axes.axhline(most, color=GREY, ls="--", lw=1)
    axes.text(T[0], most + 0.01 * most, f"log {len(v)}", color=GREY, va="bottom")
    axes.set(xlabel="temperature T", ylabel="entropy of p (nats)", ylim=(0, 1.12 * most))
    _plain_ticks(axes.xaxis)
    if np.ptp(v) == 0:
        said = f"All logits are equal: the entropy is log {len(v)}, at any T"
    else:
        half = T[np.searchsorted(entropy, most / 2)] if entropy[0] < most / 2 else None
        said = "The entropy rises with T"
        said += f": half of log {len(v)} at T = {half:.2g}" if half is not None else ""
    _say(axes, said)


@in_house_style
def plot_gradient_norms(axes: Any, z: Any = EXAMPLE_STUDENT, v: Any = EXAMPLE_LOGITS) -> None:
    """Length of the soft-target gradient against T, with and without T² (Section 2).

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    z, v : array_like, shape (N,)
    """
    z, v = _logits_for(axes, z=z, v=v)
    T = _temperatures_for(np.concatenate([z, v]), 0.03, 6)
    norm = np.linalg.norm(eq.soft_target_gradient(z, v, T[:, None]), axis=-1)
    limit = _limit(z, v)
    axes.set(xlabel="temperature T", ylabel="length of the gradient")
    if limit == 0:
        axes.semilogx(T, norm, color=ORANGE)
        _plain_ticks(axes.xaxis)
        _say(axes, "Student and teacher agree: the gradient is 0, at any T")
        return
    axes.loglog(T, norm, color=ORANGE, label="Eq. 2 alone")
    axes.loglog(T, T**2 * norm, color=BLUE, label="times T²")
    axes.axhline(limit, color=GREY, ls="--", lw=1, label="|z − v| / N, means taken out")
    axes.set_ylim(max(axes.get_ylim()[0], 1e-6 * limit), None)
    _plain_ticks(axes.xaxis, axes.yaxis)
    from_T = _from_which_on(np.abs(T**2 * norm / limit - 1), T)
    when = "as T grows" if from_T is None else f"from T = {from_T:.2g} on"
    _say(axes, f"Times T², the gradient levels off {when}", columns=3)


def _limit(z: Any, v: Any) -> float:
    """The length of T² times the gradient as T grows; 0 for logits equal but for a constant."""
    difference = z - v
    difference = difference - difference.mean()
    size = np.abs(np.concatenate([z, v])).max()
    length = float(np.linalg.norm(difference))
    return length / len(v) if length > 1e-12 * size else 0.0


@in_house_style
def plot_limits(axes: Any, z: Any = EXAMPLE_STUDENT, v: Any = EXAMPLE_LOGITS) -> None:
    """Relative error of Eq. 3 and of Eq. 4 against Eq. 2, as T grows.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    z, v : array_like, shape (N,)
        For "means left in", the mean of z - v is moved to 1 where it is 0.
    """
    z, v = _logits_for(axes, z=z, v=v)
    axes.set(xlabel="temperature T", ylabel="relative error against Eq. 2")
    if _limit(z, v) == 0:
        _say(axes, "Student and teacher agree: nothing to approximate")
        return
    z0, v0 = z - z.mean(), v - v.mean()
    # A constant changes no probability; it only breaks the condition of Eq. 4.
    if abs((z - v).mean()) < 1e-9 * np.abs(z0 - v0).max():
        v = v + 1.0
    T = _temperatures_for(np.concatenate([z0, v0]), 0.1, 60)
    exact = eq.soft_target_gradient(z0, v0, T[:, None])
    size = np.linalg.norm(exact, axis=-1)

    def error(approximate: Any) -> Any:
        return np.linalg.norm(approximate - exact, axis=-1) / np.maximum(size, 1e-300)

    zero_mean = error(eq.zero_mean_gradient(z0, v0, T[:, None]))
    axes.loglog(
        T, error(eq.high_temperature_gradient(z, v, T[:, None])), color=BLUE, label="Eq. 3"
    )
    axes.loglog(T, zero_mean, color=GREEN, ls="--", label="Eq. 4, zero-mean logits")
    axes.loglog(T, error(eq.zero_mean_gradient(z, v, T[:, None])), color=ORANGE,
                label="Eq. 4, means left in")  # fmt: skip
    axes.set_ylim(1e-3, 30)
    _plain_ticks(axes.xaxis, axes.yaxis)
    from_T = _from_which_on(zero_mean, T)
    _say(
        axes,
        "Eq. 4 (means 0) is more than 10 % off at all T here" if from_T is None
        else f"Eq. 4 (means 0) is at most 10 % off from T = {from_T:.2g} on",
        columns=3,
    )  # fmt: skip


def _from_which_on(error: Any, T: Any) -> float | None:
    """The lowest temperature from which on an approximation holds, if there is one."""
    wrong = np.flatnonzero(~(error < HOLDS))
    if wrong.size == 0:
        return float(T[0])
    return float(T[wrong[-1] + 1]) if wrong[-1] + 1 < len(T) else None


@in_house_style
def plot_softmax_of_many(
    v: Any, temperatures: Any = (1, 4, 20), names: Sequence[str] | None = None
) -> Any:
    """Soft targets of many cases, one picture each in one figure.

    Parameters
    ----------
    v : array_like, shape (B, N)
    temperatures : sequence of float
    names : sequence of str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        As :func:`plot_temperature`, and if there are no cases or more than 24.
    """
    v = arrays.array("v", v, "(B, N)", dtype=float)
    if not 1 <= len(v) <= 24:
        raise ValueError(f"v has {len(v)} cases; expected 1 to 24 in one figure")
    columns = min(3, len(v))
    rows = -(-len(v) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(5.5 * columns, 3.4 * rows), squeeze=False
    )
    try:
        for ax, case in zip(axes.flat, v, strict=False):
            plot_softmax_bars(ax, case, temperatures, names)
        for ax in axes.flat[len(v) :]:
            ax.set_visible(False)
    except BaseException:
        plt.close(figure)
        raise
    return figure


# ---------------------------------------------------------------- what all of them do


def _logits_for(axes: Any, **named: Any) -> list[Any]:
    """Logits of one case each, of the same number of classes, two or more."""
    values.able("axes", axes, "plot", "axes of matplotlib")
    logits = [arrays.array(name, z, "(N,)", dtype=float) for name, z in named.items()]
    if len({len(z) for z in logits}) > 1:
        said = " and ".join(f"{name} {len(z)}" for name, z in zip(named, logits, strict=True))
        raise ValueError(f"there are different numbers of classes: {said}; expected the same")
    name, first = next(iter(named)), logits[0]
    if len(first) < 2:
        raise ValueError(
            f"{name} has {len(first)} logit; expected one for each of two classes or more"
        )
    return logits


def _temperatures_for(logits: Any, low: float, high: float) -> Any:
    """Temperatures around the spread of the logits, where something happens."""
    # Within the temperatures that the equations take, 1e-15 to 1e15.
    spread = min(max(float(np.ptp(logits)), 1e-12), 1e13) if np.ptp(logits) else 1.0
    return np.geomspace(low * spread, high * spread, 200)


def _names(names: Sequence[str] | None, classes: int) -> list[str]:
    if names is None:
        return [f"class {c}" for c in range(classes)]
    said = list(values.each("names", names, "the names of the classes", values.text))
    if len(said) != classes:
        raise ValueError(f"v has {classes} logits and names {len(said)}; expected one for each")
    return said


def _name_classes(axes: Any, names: Sequence[str], given: bool) -> None:
    """Names under the bars, aslant where they would touch; no more than fit."""
    every = -(-len(names) // 30)
    shown = range(0, len(names), every)
    if not given:
        axes.set_xticks(shown)
        axes.set_xlabel("class")
        return
    short = [name if len(name) < 16 else name[:14] + "…" for name in names]
    aslant = sum(map(len, short)) > 40
    axes.set_xticks(shown, [short[c] for c in shown], rotation=40 if aslant else 0,
                    ha="right" if aslant else "center",
                    **({"rotation_mode": "anchor"} if aslant else {}))  # fmt: skip


def _colors(number: int) -> list[Any]:
    """Colours that can be told apart; of many temperatures, from dark for cold to light for hot."""
    if number <= 4:
        return [BLUE, ORANGE, GREEN, PURPLE][:number]
    return list(plt.get_cmap("viridis")(np.linspace(0, 0.9, number)))


def _plain_ticks(*each: Any) -> None:
    """1, 10 and 100 on logarithmic axes, not powers of ten."""
    for axis in each:
        axis.set_major_formatter("{x:g}")


def _say(axes: Any, finding: str, columns: int = 2) -> None:
    """The finding as title, and the legend, if any, under it, on axes of any style."""
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        plots.legend_above(axes, finding, columns)
    else:
        axes.set_title(finding)
