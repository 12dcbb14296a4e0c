"""Not in the paper: are labels that are smoothed as good for a student as a teacher's soft targets?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minikd import plots
from minikd.data import Digits
from minikd.equations import log_softmax, softmax
from minikd.evaluate import errors
from minikd.experiments.experiment import Experiment, Metric, Record
from minikd.experiments.run import STUDENT, Kept
from minikd.objectives import Objective, hard_targets
from minikd.statistics import change
from minikd.train import Recipe


@dataclass(frozen=True)
class Smoothing:
    """Settings of one run; frozen, and written into its record.

    Attributes
    ----------
    name : str
    data : {"glyphs"}
    hidden : tuple of int
        Units of the hidden layers.
    recipe : Recipe
        Of both networks.
    amount : float
        Of a smoothed label, what is shared among all classes.
    """

    name: str
    data: str
    hidden: tuple[int, ...]
    recipe: Recipe
    amount: float


def smooth_targets(amount: float) -> Objective:
    """Cross-entropy with labels of which a part is shared among all classes."""

    def p(y: Any, N: int) -> Any:
        return (1 - amount) * np.eye(N)[y] + amount / N

    return Objective(
        name=f"labels smoothed by {amount}",
        cost=lambda z, batch: -(p(batch.y, z.shape[-1]) * log_softmax(z)).sum(-1),
        gradient=lambda z, batch: softmax(z) - p(batch.y, z.shape[-1]).astype(z.dtype),
        needs="y",
        settings={"amount": amount},
    )


def one_cell(
    config: Smoothing, digits: Digits, kept: Kept, cell: None = None
) -> dict[str, Any]:
    """Train a network on hard labels and one on smoothed ones."""
    train, test = digits.train, digits.test
    sizes = [train.x.shape[1], *config.hidden, int(train.y.max()) + 1]
    metrics: dict[str, Any] = {"test_cases": len(test)}
    for who, objective in (
        ("hard", hard_targets()), ("smooth", smooth_targets(config.amount)),
    ):  # fmt: skip
        net = kept.network(sizes, STUDENT)
        kept.train(who, config, net, train, objective, config.recipe)
        metrics[f"{who}_errors"] = errors(net(test.x), test.y)
    return {"seconds": round(kept.seconds, 1), "metrics": metrics, "curves": {}}


def smoothing_findings(record: Record) -> list[str]:
    """Whether smoothing helps."""
    fewer = change(record["metrics"], "hard_errors", "smooth_errors")
    return [
        f"Smoothed labels save {fewer.words(1)} errors beside hard ones (mean ± standard error over "
        f"seeds; {fewer.clearly})."
    ]


@plots.in_house_style
def plot_smoothing(record: Record) -> Any:
    """Errors of both networks, a dot for each seed."""
    figure, axes = plots.plt.subplots(figsize=(7, 2.6))
    for at, (who, color) in enumerate((("hard", plots.ORANGE), ("smooth", plots.BLUE))):
        values = record["metrics"][f"{who}_errors"]
        axes.plot(values, [at] * len(values), "o", color=color)
    axes.set(xlabel="test errors; a dot for each seed", ylim=(-0.5, 1.5))
    axes.set_yticks([0, 1], ["hard labels", "smoothed labels"])
    plots.say(figure, smoothing_findings(record)[0], plots.footer(record))
    return figure


EXPERIMENT = Experiment(
    name="smoothing",
    section="–",
    claim="smoothed labels do for a student some of what soft targets do",
    presets={
        "glyphs": Smoothing(
            "smoothing", "glyphs", (100,), Recipe(epochs=10, learning_rate=0.1, batch=100), 0.1
        )
    },
    one_cell=one_cell,
    metrics=(Metric("hard_errors", "hard labels"), Metric("smooth_errors", "smoothed labels")),
    figure=plot_smoothing,
    findings=smoothing_findings,
)
