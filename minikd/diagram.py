"""Distillation in one picture: what a teacher says of an image, and what a student learns from it."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikd import checks
from minikd import equations as eq
from minikd.data import load_glyphs
from minikd.plots import BLUE, GREY, ORANGE, in_house_style, plt
from minikd.temperature import EXAMPLE_LOGITS, EXAMPLE_STUDENT


@in_house_style
def plot_distillation(T: float = 4.0) -> Any:
    """An image, a teacher and a student, their probabilities at T, and the gradient between them.

    The image is one of the bundled digits; the logits are made up.

    Parameters
    ----------
    T : float
        Temperature.

    Returns
    -------
    matplotlib.figure.Figure
    """
    T = checks.one_temperature(T)
    figure = plt.figure(figsize=(10.5, 4.2), layout="none")
    page = figure.add_axes((0, 0, 1, 1))
    page.set(xlim=(0, 10.5), ylim=(0, 4.2))
    page.axis("off")

    digits = load_glyphs(rng=0, train=200, test=1).train
    image = figure.add_axes((0.02, 0.33, 0.12, 0.34))
    image.imshow(
        digits.x[np.flatnonzero(digits.y == 2)[0]].reshape(digits.shape), cmap="gray_r"
    )
    image.set(xticks=[], yticks=[])
    image.spines[:].set_visible(False)
    image.set_title("an image", loc="center", fontsize=10)

    rows = (
        (3.05, "teacher", "large, or many networks;\ntrained on labels", EXAMPLE_LOGITS, ORANGE,
         "logits v", f"soft targets p = softmax(v / T), T = {T:g}"),
        (1.15, "student", "small; all that is\nused in the end", EXAMPLE_STUDENT, BLUE,
         "logits z", f"its probabilities q = softmax(z / T), T = {T:g}"),
    )  # fmt: skip
    for y, who, words, logits, color, letters, title in rows:
        _box(page, (2.0, y - 0.42), 2.1, 0.84, color)
        page.text(3.05, y + 0.16, who, ha="center", va="center", weight="bold", color=color)
        page.text(3.05, y - 0.17, words, ha="center", va="center", fontsize=8, color=GREY)
        _arrow(page, (1.52, 2.1 + 0.25 * np.sign(y - 2.1)), (1.95, y), GREY)
        _arrow(page, (4.15, y), (5.35, y), color)
        page.text(4.72, y + 0.12, letters, ha="center", fontsize=10, color=color)
        bars = figure.add_axes((5.55 / 10.5, (y - 0.52) / 4.2, 2.5 / 10.5, 1.0 / 4.2))
        bars.bar(np.arange(10), eq.softmax(np.array(logits), T), color=color)
        bars.set(xticks=range(10), yticks=[], ylim=(0, 0.75))
        bars.tick_params(length=0, labelsize=8)
        bars.spines["left"].set_visible(False)
        bars.set_title(title, fontsize=9, color=color)

    page.annotate(
        "", (8.2, 1.15), (8.2, 3.05),
        arrowprops={"arrowstyle": "<->", "color": "k", "connectionstyle": "arc3,rad=-0.35"},
    )  # fmt: skip
    page.text(
        8.65, 2.1, "the student's gradient,\nEq. 2:  (q − p) / T", va="center", fontsize=10
    )
    page.plot([9.3, 9.3, 3.05], [1.75, 0.3, 0.3], color=BLUE, lw=1.5)
    _arrow(page, (3.05, 0.29), (3.05, 0.66), BLUE)
    page.text(6.8, 0.08, "backpropagation", ha="center", fontsize=9, color=BLUE)
    return figure


def _box(
    page: Any, corner: tuple[float, float], width: float, height: float, color: str
) -> None:
    from matplotlib.patches import FancyBboxPatch

    shape = FancyBboxPatch(
        corner, width, height, boxstyle="round,pad=0.05", fc="white", ec=color, lw=2
    )
    page.add_patch(shape)


def _arrow(page: Any, start: tuple[float, float], end: tuple[float, float], color: str) -> None:
    page.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": color, "lw": 1.5})
