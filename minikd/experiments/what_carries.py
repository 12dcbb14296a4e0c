"""After the paper: what is it in soft targets that helps a student, and that carries an unseen class?

A part of what a teacher says is destroyed, and a student learns from the rest, as in lesson 20; one
more learns from a teacher whose labels were smoothed, as in lesson 18.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minikd import plots
from minikd.data import Dataset, Digits
from minikd.equations import log_softmax, softmax
from minikd.evaluate import errors, errors_per_class, sweep_bias, with_bias
from minikd.experiments.experiment import Experiment, Metric, Record
from minikd.experiments.kept import HARD, SPLIT, STUDENT, TEACHER, Kept, part_seed
from minikd.mlp import MLP
from minikd.objectives import Objective, hard_targets, soft_targets
from minikd.probabilities import one_hot
from minikd.statistics import mean_of
from minikd.train import Recipe


@dataclass(frozen=True)
class WhatCarries:
    """Settings of one run; frozen, and written into its record.

    Attributes
    ----------
    name : str
    data : {"glyphs", "mnist"}
    teacher_hidden, student_hidden : tuple of int
        Units of the hidden layers.
    teacher, student, hard : Recipe
        Of the teachers, of students of soft targets, and of those of hard ones.
    cases : int
        Training cases that students see.
    T : float
        Temperature of the soft targets.
    smoothing : float
        How much the labels of the second teacher are smoothed.
    omitted : int
        The class that half of the students do not see.
    biases : (float, float, float)
        Lowest, highest and step of the sweep.
    """

    name: str
    data: str
    teacher_hidden: tuple[int, ...]
    student_hidden: tuple[int, ...]
    teacher: Recipe
    student: Recipe
    hard: Recipe
    cases: int
    T: float
    smoothing: float
    omitted: int
    biases: tuple[float, float, float] = (-20.0, 40.0, 0.1)


def class_means(p: Any, wrong: Any, rng: Any) -> Any:
    """The mean over the image's class: which classes are alike, and nothing of this image."""
    kept, label = p.copy(), wrong.argmin(-1)
    for c in np.unique(label):
        kept[label == c] = p[label == c].mean(0)
    return kept


def permuted(p: Any, wrong: Any, rng: Any) -> Any:
    """The wrong classes of each image swap their probabilities: how sure the teacher is of it."""
    kept, of_image = p.copy(), p[wrong].reshape(len(p), -1)
    kept[wrong] = rng.permuted(of_image, axis=1).ravel()
    return kept


def uniform(p: Any, wrong: Any, rng: Any) -> Any:
    """The wrong classes share their probability evenly: label smoothing by an amount for each image."""
    return np.where(wrong, (p * wrong).sum(-1, keepdims=True) / (p.shape[-1] - 1), p)


# From what is kept of a soft target to (how, words for it).
KEEP: dict[str, tuple[Callable[..., Any], str]] = {
    "real": (lambda p, wrong, rng: p, "real"),
    "class_means": (class_means, "class means"),
    "permuted": (permuted, "permuted"),
    "uniform": (uniform, "uniform"),
}
WORDS = {
    **{kind: words for kind, (_, words) in KEEP.items()},
    "smoothed": "real, of a teacher of smoothed labels",
    "hard": "hard labels",
}


def smooth_targets(epsilon: float) -> Objective:
    """Cross-entropy with labels smoothed by epsilon (Müller, Kornblith & Hinton 2019)."""

    def targets(z: Any, y: Any) -> Any:
        return (1 - epsilon) * one_hot(y, z) + epsilon / z.shape[-1]

    return Objective(
        f"labels smoothed by {epsilon:g}",
        cost=lambda z, batch: -(targets(z, batch.y) * log_softmax(z)).sum(-1),
        gradient=lambda z, batch: softmax(z) - targets(z, batch.y),
        needs="y",
        settings={"epsilon": epsilon},
    )


def what_is_left(data: Dataset, T: float, seed: int) -> dict[str, Any]:
    """Logits whose soft targets at T are what each kind keeps, each (n, classes).

    For probabilities p they are v = T log p: softmax(v / T) is p again.
    """
    p = softmax(data.v.astype(float), T)
    wrong = np.arange(p.shape[-1]) != data.y[:, None]
    return {
        kind: T * np.log(np.maximum(keep(p, wrong, np.random.default_rng(seed)), 1e-30))
        for kind, (keep, _) in KEEP.items()
    }


def one_cell(
    config: WhatCarries, digits: Digits, kept: Kept, cell: None = None
) -> dict[str, Any]:
    """Train both teachers, and a student of each kind, twice: with all classes, and without one.

    Returns
    -------
    dict
        ``seconds``, ``metrics`` and ``curves``, for the record.
    """
    train, test = digits.train, digits.test
    sizes = [train.x.shape[1], *config.teacher_hidden, int(train.y.max()) + 1]
    says = {}
    objectives = {"labels": hard_targets(), "smoothed": smooth_targets(config.smoothing)}
    metrics: dict[str, Any] = {
        "test_cases": len(test),
        "omitted_cases": int((test.y == config.omitted).sum()),
    }
    for kind, objective in objectives.items():
        teacher = kept.network(sizes, TEACHER)
        which = (config.data, config.teacher_hidden, config.teacher, kind, config.smoothing)
        kept.train(f"teacher-{kind}", which, teacher, train, objective, config.teacher)
        says[kind] = teacher(train.x), teacher(test.x).argmax(-1)
        metrics[f"{kind}_teacher_errors"] = int((says[kind][1] != test.y).sum())
    order = np.random.default_rng(part_seed(kept.seed, SPLIT)).permutation(len(train))
    order = order[: config.cases]
    transfer = train.with_logits(says["labels"][0]).take(order)
    left = what_is_left(transfer, config.T, kept.seed)
    v = np.stack([*left.values(), says["smoothed"][0][order]]).astype(np.float32)
    low, high, step = config.biases
    biases = np.round(np.arange(low, high + step / 2, step), 6)
    for omitted in ((), (config.omitted,)):
        rows = np.flatnonzero(~np.isin(transfer.y, omitted))
        data = transfer.take(rows).with_logits(v[:, rows])
        for kind, z in zip(WORDS, _students(config, kept, data, omitted, test.x), strict=True):
            if not omitted:
                metrics[f"{kind}_errors"] = errors(z, test.y)
                # Of hard labels, beside the teacher of labels that they are compared with.
                answers = says["smoothed" if kind == "smoothed" else "labels"][1]
                metrics[f"{kind}_disagreements"] = int((z.argmax(-1) != answers).sum())
                continue
            best = sweep_bias(z, test.y, omitted, biases).best
            for when, bias in (("before", 0.0), ("after", best)):
                missed = errors_per_class(with_bias(z, omitted, bias), test.y)[config.omitted]
                metrics[f"{kind}_unseen_{when}"] = int(missed)
    return {"seconds": round(kept.seconds, 1), "metrics": metrics, "curves": {}}


def _students(
    config: WhatCarries, kept: Kept, data: Dataset, omitted: tuple[int, ...], x: Any
) -> Any:
    """The logits of students of every kind, (kinds, n, classes): a stack, and one of hard labels."""
    sizes = [x.shape[1], *config.student_hidden, data.v.shape[-1]]
    # They begin with the same weights, so that they differ only in what they are taught.
    stack = MLP(sizes, rng=[part_seed(kept.seed, STUDENT)] * len(data.v), device=kept.device)
    # At a high T, gradients are as small as the logits, and those of a smoothed teacher are small:
    # its students get a rate that is higher in proportion, or they would learn too little.
    size = np.std(data.v - data.v.mean(-1, keepdims=True), axis=(1, 2))
    rates = config.student.learning_rate * np.clip(size[0] / size, 1, 5)
    recipe = replace(config.student, learning_rate=tuple(rates.tolist()))
    kept.train("students", (config, omitted), stack, data, soft_targets(config.T), recipe)
    hard = kept.network(sizes, HARD)
    kept.train("hard", (config, omitted), hard, data, hard_targets(), config.hard)
    return np.concatenate([stack(x), hard(x)[None]])


PRESETS = {
    "glyphs": WhatCarries(
        name="what-carries",
        data="glyphs",
        teacher_hidden=(400, 400),
        student_hidden=(100, 100),
        teacher=Recipe(
            epochs=50, learning_rate=0.1, batch=100, warm_up=100,
            dropout=(0.0, 0.2, 0.5), max_norm=3.5, jitter=2,
        ),
        student=Recipe(epochs=40, learning_rate=0.02, batch=100, warm_up=100),
        hard=Recipe(epochs=40, learning_rate=0.1, batch=100, warm_up=100),
        cases=2000, T=20.0, smoothing=0.1, omitted=3,
    ),
    # Smaller networks than the paper's: these questions are not the paper's.
    "mnist": WhatCarries(
        name="what-carries",
        data="mnist",
        teacher_hidden=(400, 400),
        student_hidden=(300, 300),
        teacher=Recipe(
            epochs=60, learning_rate=0.15, batch=256, warm_up=300,
            dropout=(0.0, 0.1, 0.2), max_norm=3.5, jitter=2, subpixel=True,
        ),
        student=Recipe(epochs=20, learning_rate=0.04, batch=128, warm_up=500),
        hard=Recipe(epochs=20, learning_rate=0.1, batch=128, warm_up=500),
        cases=60_000, T=20.0, smoothing=0.1, omitted=3,
    ),
}  # fmt: skip


def found_of(record: Record, kind: str, when: str) -> Any:
    """How much of the unseen class students of a kind find, in percent, for each seed."""
    m = record["metrics"]
    return 100 * (1 - np.array(m[f"{kind}_unseen_{when}"]) / np.array(m["omitted_cases"]))


@plots.in_house_style
def plot_what_carries(record: Record) -> Any:
    """Errors of students of each kind, and what they find of a class that they never saw.

    Parameters
    ----------
    record : dict
        Of ``what-carries``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, right) = plots.plt.subplots(1, 2, figsize=(13, 5), sharey=True)
    m, rows, omitted = record["metrics"], np.arange(len(WORDS)), record["config"]["omitted"]
    cases = np.array(m["test_cases"])
    wrong = np.array([100 * np.array(m[f"{kind}_errors"]) / cases for kind in WORDS])
    before, after = (
        np.array([found_of(record, kind, when) for kind in WORDS])
        for when in ("before", "after")
    )
    for axes, values, color, label in (
        (left, wrong, plots.BLUE, "a dot for each seed; the ring is their mean"),
        (right, before, plots.ORANGE, "as trained"),
        (right, after, plots.GREEN, "with its best bias"),
    ):
        axes.plot(values, rows, ".", color=color, ms=7, alpha=0.6)
        axes.plot(
            values.mean(-1), rows, "o", color=color, ms=12, mfc="none", mew=2, label=label
        )
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
        axes.grid(axis="x", color="0.93")
    left.set_yticks(rows, labels=list(WORDS.values()))
    left.set(xlabel="all digits seen: test error (%)", ylim=(len(WORDS) - 0.5, -0.5))
    right.set(xlabel=f"no {omitted} seen: test images of a {omitted} found (%)", xlim=(-3, 103))
    means = dict(zip(WORDS, after.mean(-1), strict=True))
    plots.say(
        figure,
        f"An unseen {omitted} with its best bias: real soft targets find {means['real']:.0f} %, class means "
        f"{means['class_means']:.0f} %, uniform ones {means['uniform']:.0f} %, those of a smoothed teacher "
        f"{means['smoothed']:.0f} %",
        plots.footer(record, record["config"]["T"]),
    )
    return figure


def what_carries_findings(record: Record) -> list[str]:
    """What each part of soft targets is worth, by fixed rules.

    Parameters
    ----------
    record : dict
        Of ``what-carries``.

    Returns
    -------
    list of str
    """
    m, omitted = record["metrics"], record["config"]["omitted"]
    wrong = {kind: np.array(m[f"{kind}_errors"]) for kind in WORDS}
    each = "; ".join(
        f"{words}: {mean_of(wrong[kind]).words(0)}" for kind, words in WORDS.items()
    )
    more = "; ".join(
        f"{WORDS[kind]} {mean_of(wrong[kind] - wrong['real']).words(0, sign=True)}"
        for kind in WORDS if kind != "real"
    )  # fmt: skip
    unseen = "; ".join(
        f"{words}: {found_of(record, kind, 'before').mean():.0f} and "
        f"{found_of(record, kind, 'after').mean():.0f} %"
        for kind, words in WORDS.items()
    )
    others = "; ".join(
        f"{words}: {np.mean(m[f'{kind}_disagreements']):.0f}" for kind, words in WORDS.items()
    )
    teachers = [mean_of(m[f"{kind}_teacher_errors"]) for kind in ("labels", "smoothed")]
    best = min(wrong, key=lambda kind: wrong[kind].mean())
    return [
        f"Test errors of students that saw all digits, by what is left of their soft targets: {each}. "
        f"Fewest by: {WORDS[best]}. Beside those of real ones: {more}.",
        f"Of the {omitted}s that students never saw, they find, as trained and with their best bias: "
        f"{unseen}.",
        f"Teachers: {teachers[0].words(0)} errors on labels, {teachers[1].words(0)} on smoothed ones. "
        f"Test cases that a student answers otherwise than its teacher: {others}.",
    ]


METRICS = (
    Metric("labels_teacher_errors", "teacher of labels", "errors"),
    Metric("smoothed_teacher_errors", "teacher of smoothed labels", "errors"),
    Metric("omitted_cases", "test cases of the unseen class", "cases", "neither", control=True),
    *(
        Metric(f"{kind}_{what}", f"{words}: {said}", unit, control=what == "disagreements",
               of="omitted_cases" if "unseen" in what else "test_cases")
        for kind, words in WORDS.items()
        for what, said, unit in (
            ("errors", "all digits seen", "errors"),
            ("unseen_before", "on the unseen class", "errors"),
            ("unseen_after", "on the unseen class with its bias tuned on the test set", "errors"),
            ("disagreements", "answers that are not the teacher's", "answers"),
        )
    ),
)  # fmt: skip

EXPERIMENT: Experiment = Experiment(
    name="what-carries",
    section="after the paper",
    question="what is it in soft targets that helps a student, and that carries a class it never saw?",
    presets=PRESETS,
    one_cell=one_cell,
    metrics=METRICS,
    figure=plot_what_carries,
    findings=what_carries_findings,
)
