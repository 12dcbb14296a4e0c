"""What Section 8 leaves open: a generalist and its specialists, distilled back into one network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minikd import plots
from minikd.data import Characters
from minikd.evaluate import log_loss
from minikd.experiments.experiment import Experiment, Metric, Record
from minikd.experiments.kept import SPLIT, STUDENT, Kept, part_seed
from minikd.experiments.specialists.run import PRESETS as TEAMS
from minikd.experiments.specialists.run import Specialists, measure, train_team
from minikd.mlp import MLP
from minikd.objectives import hard_targets, soft_targets
from minikd.statistics import change, standard_error
from minikd.train import Recipe


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
    combined = kept.array("combined", config.team, (len(train), N), lambda title: team(train.x))
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


@plots.in_house_style
def plot_into_one(record: Record) -> Any:
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
        "generalist": ("generalist", plots.GREY),
        "specialists": ("generalist with specialists", plots.BLUE),
        "distilled": ("one network, distilled\nfrom both", plots.GREEN),
        "from_generalist": ("one network, distilled from\nthe generalist alone", plots.ORANGE),
        "hard": ("one network,\non hard targets", plots.PURPLE),
    }
    figure, axes = plots.plt.subplots(1, 2, figsize=(11.5, 4.6), sharey=True)
    places = range(len(names))[::-1]
    for ax, what, words in ((axes[0], "accuracy", "test cases right (%)"),
                            (axes[1], "log_loss", "log-loss (nats)")):  # fmt: skip
        seeds = np.transpose([m[f"{who}_{what}"] for who in names])
        for k, place in enumerate(places):
            ax.errorbar(seeds[:, k].mean(), place, xerr=standard_error(seeds[:, k]), fmt="o", capsize=4,
                        color=list(names.values())[k][1])  # fmt: skip
            ax.plot(seeds[:, k], [place] * len(seeds), ".", alpha=0.5,
                    color=list(names.values())[k][1])  # fmt: skip
        ax.set(xlabel=words, ylim=(-0.6, len(names) - 0.4))
        ax.grid(axis="x", color="0.93")
        ax.set_axisbelow(True)
    axes[0].set_yticks(list(places), [words for words, _ in names.values()])
    axes[0].set_title("More is better")
    axes[1].set_title("Less is better")
    gained, kept, alone = (
        change(m, f"{who}_accuracy", "generalist_accuracy").value
        for who in ("specialists", "distilled", "from_generalist")
    )
    theirs = change(m, "distilled_accuracy", "from_generalist_accuracy")
    verdict = "add nothing clear"
    if theirs.clear:
        verdict = "add something" if theirs.value > 0 else "cost something"
    plots.say(
        figure,
        f"Distilled back into one network, the specialists {verdict}. Points above the generalist:\n"
        f"{plots.signed(gained, 2)} with specialists; one network distilled from both "
        f"{plots.signed(kept, 2)}, from the generalist alone {plots.signed(alone, 2)}",
        plots.seeds_of(record) + "; a dot for each seed",
    )
    return figure


def into_one_findings(record: Record) -> list[str]:
    """Whether one network keeps what the specialists gain, and whether it is theirs."""
    m, sentences = record["metrics"], []
    for metric, words, digits in (("accuracy", "points of accuracy", 2),
                                  ("log_loss", "nats of log-loss", 4)):  # fmt: skip

        def beside(who: str, other: str, metric: str = metric, digits: int = digits) -> str:
            by = change(m, f"{who}_{metric}", f"{other}_{metric}")
            return f"{by.words(digits, sign=True)} ({by.clearly})"

        sentences.append(
            f"In {words}, compared with the generalist (mean ± standard error over seeds): with specialists "
            f"{beside('specialists', 'generalist')}; one network of its size distilled from their "
            f"answers {beside('distilled', 'generalist')}; one distilled from the generalist alone "
            f"{beside('from_generalist', 'generalist')}; one on hard targets, with the students' "
            f"recipe, {beside('hard', 'generalist')}. Soft targets of both compared with hard targets: "
            f"{beside('distilled', 'hard')}. What the specialists add to the soft targets: "
            f"{beside('distilled', 'from_generalist')}."
        )
    return sentences


METRICS = (
    Metric("generalist_accuracy", "test cases right: generalist", "%", "more"),
    Metric("specialists_accuracy", "test cases right: with specialists, Eq. 5", "%", "more"),
    Metric(
        "distilled_accuracy", "test cases right: one network distilled from both", "%", "more"
    ),
    Metric(
        "from_generalist_accuracy",
        "test cases right: one network distilled from the generalist alone",
        "%",
        "more",
    ),
    Metric("hard_accuracy", "test cases right: one network on hard targets alone", "%", "more"),
    Metric("generalist_log_loss", "log-loss: generalist", "nats", "less"),
    Metric("specialists_log_loss", "log-loss: with specialists, Eq. 5", "nats", "less"),
    Metric("distilled_log_loss", "log-loss: one network distilled from both", "nats", "less"),
    Metric(
        "from_generalist_log_loss",
        "log-loss: one network distilled from the generalist alone",
        "nats",
        "less",
        control=True,
    ),
    Metric(
        "hard_log_loss",
        "log-loss: one network on hard targets alone",
        "nats",
        "less",
        control=True,
    ),
    Metric(
        "distilled_T", "T chosen on held-out cases, from both", "T", "neither", control=True
    ),
    Metric(
        "from_generalist_T",
        "T chosen on held-out cases, from the generalist alone",
        "T",
        "neither",
        control=True,
    ),
)

EXPERIMENT = Experiment(
    name="specialists-into-one",
    section="8",
    question="does one network of the generalist's size keep what the specialists gain?",
    presets=PRESETS,
    one_cell=one_cell,
    metrics=METRICS,
    figure=plot_into_one,
    findings=into_one_findings,
)
