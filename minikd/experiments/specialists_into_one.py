"""What Section 8 leaves open: a generalist and its specialists, distilled back into one network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minikd.data import Characters
from minikd.evaluate import log_loss
from minikd.experiments.run import SPLIT, STUDENT, Kept, part_seed
from minikd.experiments.specialists import PRESETS as TEAMS
from minikd.experiments.specialists import Specialists, measure, train_team
from minikd.mlp import MLP
from minikd.objectives import hard_targets, soft_targets
from minikd.train import Recipe

CLAIM = "does one network of the generalist's size keep what the specialists gain?"


@dataclass(frozen=True)
class IntoOne:
    """Settings of one run; frozen, and written into its record.

    Attributes
    ----------
    name : str
    data : {"characters", "emnist"}
    team : Specialists
        Generalist and specialists, of its first width; what is held out there chooses T here.
    student : Recipe
        Of all students: of the combined answer, of the generalist alone, of hard targets alone.
    T : tuple of float
        Of the soft targets; a student for each.
    hard_weight : float
        Relative weight of the hard targets.
    """

    name: str
    data: str
    team: Specialists
    student: Recipe
    T: tuple[float, ...]
    hard_weight: float


def one_cell(
    config: IntoOne, data: Characters, kept: Kept, cell: None = None
) -> dict[str, Any]:
    """Distil the answer of Eq. 5, and that of the generalist alone, into networks of one size.

    Returns
    -------
    dict
        ``seconds``, ``metrics`` and ``curves``, for the record.
    """
    train, held_out = data.train.split(config.team.held_out, rng=part_seed(kept.seed, SPLIT))
    test, N = data.test, len(data.names)
    team = train_team(config.team, train, kept, config.team.widths[0], N)
    combined = kept.array("combined", config.team, lambda title: team(train.x))
    # All start from the same weights, one stack: the first half learns from the team, the other
    # from the generalist alone.
    targets = [combined] * len(config.T) + [team.generalist(train.x)] * len(config.T)
    sizes = team.generalist.sizes
    students = MLP(
        sizes, rng=[part_seed(kept.seed, STUDENT)] * len(targets), device=kept.device
    )
    kept.train("students", config, students, train.with_logits(np.stack(targets)),
               soft_targets(config.T * 2, config.hard_weight), config.student)  # fmt: skip
    hard = kept.network(sizes, STUDENT)
    kept.train("hard", config, hard, train, hard_targets(), config.student)

    # Without looking at the test set.
    chosen = np.asarray(log_loss(students(held_out.x), held_out.y)).reshape(2, -1).argmin(1)
    z = students(test.x)
    of_team, of_generalist = z[chosen[0]], z[len(config.T) + chosen[1]]
    metrics: dict[str, Any] = {
        "test_cases": len(test),
        **measure("generalist", team.generalist(test.x), test.y),
        **measure("specialists", team(test.x), test.y),
        **measure("hard", hard(test.x), test.y),
        **measure("distilled", of_team, test.y),
        **measure("from_generalist", of_generalist, test.y),
        "distilled_T": config.T[chosen[0]],
        "from_generalist_T": config.T[chosen[1]],
    }
    accuracy, loss = [
        np.reshape([measure("", each, test.y)[f"_{what}"] for each in z], (2, -1)).tolist()
        for what in ("accuracy", "log_loss")
    ]
    return {
        "seconds": round(kept.seconds, 1),
        "metrics": metrics,
        "curves": {"accuracy": accuracy, "log_loss": loss},
    }


PRESETS = {
    "characters": IntoOne(
        name="specialists-into-one", data="characters", team=TEAMS["characters"],
        student=Recipe(epochs=30, learning_rate=0.05, batch=100, warm_up=200, jitter=1),
        T=(1.0, 2.0, 4.0), hard_weight=0.5,
    ),
    "emnist": IntoOne(
        name="specialists-into-one", data="emnist", team=TEAMS["emnist"],
        student=Recipe(epochs=30, learning_rate=0.05, batch=128, warm_up=200, jitter=1),
        T=(1.0, 2.0, 4.0), hard_weight=0.5,
    ),
}  # fmt: skip

# The metrics that a table shows, in order.
SHOWN = {
    "generalist_accuracy": "test cases right: generalist",
    "specialists_accuracy": "test cases right: with specialists, Eq. 5",
    "distilled_accuracy": "test cases right: one network distilled from both",
    "from_generalist_accuracy": "test cases right: the same, from the generalist alone",
    "hard_accuracy": "test cases right: the same, on hard targets alone",
    "generalist_log_loss": "log-loss in nats: generalist",
    "specialists_log_loss": "log-loss in nats: with specialists, Eq. 5",
    "distilled_log_loss": "log-loss in nats: one network distilled from both",
    "from_generalist_log_loss": "log-loss in nats: the same, from the generalist alone",
    "hard_log_loss": "log-loss in nats: the same, on hard targets alone",
    "distilled_T": "T chosen on held-out cases, from both",
    "from_generalist_T": "T chosen on held-out cases, from the generalist alone",
}
