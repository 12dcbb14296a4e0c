"""Section 4: what an ensemble of acoustic models gains, one network can keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minikd import plots
from minikd.data.speech import Speech
from minikd.ensembles import arithmetic_mean, geometric_mean
from minikd.experiments.acoustic_frames import (
    SPEECH,
    SYNTHETIC,
    Frames,
    Framing,
    right,
    states_of,
    words_wrong,
)  # fmt: skip
from minikd.experiments.experiment import Experiment, Metric, Paper, Record
from minikd.experiments.kept import STUDENT, TEACHER, Kept, part_seed
from minikd.mlp import MLP
from minikd.objectives import hard_targets, soft_targets
from minikd.statistics import Mean, change, mean_of, share_of_gain, standard_error
from minikd.train import Recipe

# Logits of the ensemble's soft targets, from those of its members and a temperature.
MEANS: dict[str, Callable[[Any, float], Any]] = {
    "arithmetic": arithmetic_mean,
    "geometric": lambda v, T: geometric_mean(v),
}


@dataclass(frozen=True)
class AcousticEnsemble:
    """Settings of one run; frozen, and written into its record.

    Attributes
    ----------
    name : str
    data : {"synthetic", "speech"}
    framing : Framing
        The held-out utterances choose the temperature, the mean, and the penalty for each word.
    hidden : tuple of int
        Units of the hidden layers, of every network.
    members : int
        Of the ensemble.
    single : Recipe
        Of the members, each of which is also a baseline.
    student : Recipe
        Of the distilled networks, with one learning rate or one for each.
    longer : Recipe
        Of a control on hard targets, trained for as long.
    gain : float
        Size of the initial weights, as in :class:`minikd.MLP`.
    students : tuple of (str, float)
        Each with the mean that its soft targets are, ``arithmetic`` or ``geometric``, and their
        temperature.
    hard_weight : float
        Relative weight of the hard targets; the paper has 0.5.
    penalties : tuple of float
        For each word in decoding, in nats. That of single networks is chosen for the first.
    """

    name: str
    data: str
    framing: Framing
    hidden: tuple[int, ...]
    members: int
    single: Recipe
    student: Recipe
    longer: Recipe
    gain: float
    students: tuple[tuple[str, float], ...]
    hard_weight: float
    penalties: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.members < 2:
            raise ValueError(f"members is {self.members}; expected at least 2 for an ensemble")


def one_cell(
    config: AcousticEnsemble, speech: Speech, kept: Kept, cell: None = None
) -> dict[str, Any]:
    """Train the ensemble as one stack, distil it, and count frames and words.

    Returns
    -------
    dict
        ``seconds``, ``metrics`` and ``curves``, for the record.
    """
    model, train, chosen, test = states_of(config.framing, speech, kept.seed)
    sizes = [train.data.x.shape[1], *config.hidden, model.words * model.states]
    seeds = [part_seed(kept.seed + 1000 * k, TEACHER) for k in range(config.members)]
    ensemble = MLP(sizes, rng=seeds, gain=config.gain, device=kept.device)
    which = (config.data, config.framing, config.hidden, config.members, config.single,
             config.gain)  # fmt: skip
    kept.train("ensemble", which, ensemble, train.data, hard_targets(), config.single)
    v = {part: ensemble(part.data.x) for part in (train, chosen, test)}

    # All students start from the same weights: one stack.
    targets = [MEANS[mean](v[train], T) for mean, T in config.students]
    students = MLP(sizes, rng=[part_seed(kept.seed, STUDENT)] * len(targets), gain=config.gain,
                   device=kept.device)  # fmt: skip
    transfer = train.data.with_logits(np.stack(targets))
    objective = soft_targets([T for _, T in config.students], config.hard_weight)
    kept.train("students", config, students, transfer, objective, config.student)
    z = {part: students(part.data.x) for part in (chosen, test)}
    # More epochs alone are no distillation.
    control = kept.network(sizes, STUDENT, config.gain)
    kept.train("longer", config, control, train.data, hard_targets(), config.longer)

    # Temperature and mean of the targets are chosen on the held-out utterances.
    best = int(right(z[chosen], chosen).argmax())
    prior = np.bincount(train.data.y, minlength=sizes[-1]) / len(train.data)

    def logits(part: Frames) -> dict[str, Any]:
        return {
            "single": v[part],
            "ensemble": geometric_mean(v[part])[None],
            "arithmetic": arithmetic_mean(v[part])[None],
            "distilled": z[part][best][None],
            "longer": control(part.data.x)[None],
        }

    on_test, on_chosen = logits(test), logits(chosen)
    accuracy = {who: right(each, test) for who, each in on_test.items()}
    errors, penalty = {}, {}
    for who in on_test:
        by_penalty = [words_wrong(on_chosen[who][:1], chosen, model, prior, p)[0]
                      for p in config.penalties]  # fmt: skip
        penalty[who] = config.penalties[int(np.argmin(by_penalty))]
        errors[who] = words_wrong(on_test[who], test, model, prior, penalty[who])
    single, together = accuracy["single"].mean(), accuracy["ensemble"][0]
    words = sum(len(u.digits) for u in test.utterances)
    return {
        "seconds": round(kept.seconds, 1),
        "metrics": {
            "test_cases": len(test.data),
            "test_words": words,
            "single_accuracy": 100 * float(single),
            "single_accuracy_sd": 100 * float(accuracy["single"].std(ddof=1)),
            "ensemble_accuracy": 100 * float(together),
            "arithmetic_accuracy": 100 * float(accuracy["arithmetic"][0]),
            "distilled_accuracy": 100 * float(accuracy["distilled"][0]),
            "longer_accuracy": 100 * float(accuracy["longer"][0]),
            "share_kept": share_of_gain(accuracy["distilled"][0] - single, together - single),
            **{f"{who}_wer": 100 * float(np.mean(errors[who])) / words for who in errors},
            "distilled_T": config.students[best][1],
        },
        "curves": {
            "singles": (100 * accuracy["single"]).tolist(),
            "distilled": (100 * right(z[test], test)).tolist(),
            "penalty": penalty,
            "chosen_mean": config.students[best][0],
        },
    }


STUDENTS = tuple((mean, T) for mean in MEANS for T in (1.0, 2.0, 5.0, 10.0))

PRESETS = {
    "synthetic": AcousticEnsemble(
        name="acoustic-ensemble", data="synthetic", framing=SYNTHETIC,
        hidden=(64, 64, 64), members=10,
        single=Recipe(epochs=12, learning_rate=0.1, batch=128, warm_up=100),
        student=Recipe(epochs=30, learning_rate=0.05, batch=128, warm_up=100),
        longer=Recipe(epochs=30, learning_rate=0.1, batch=128, warm_up=100),
        gain=1.0, students=STUDENTS, hard_weight=0.5,
        penalties=(0.0, 5.0, 10.0, 15.0, 20.0),
    ),
    "speech": AcousticEnsemble(
        name="acoustic-ensemble", data="speech", framing=SPEECH,
        hidden=(256,) * 8, members=10,
        single=Recipe(epochs=4, learning_rate=0.05, batch=256, warm_up=500),
        student=Recipe(
            epochs=16, learning_rate=(0.02, 0.012, 0.005, 0.002, 0.02), batch=64, warm_up=2000
        ),
        longer=Recipe(epochs=16, learning_rate=0.02, batch=64, warm_up=2000),
        gain=1.0, students=(*STUDENTS[:4], ("geometric", 1.0)), hard_weight=0.5,
        penalties=(0.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0),
    ),
}  # fmt: skip


@plots.in_house_style
def plot_acoustic_ensemble(record: Record) -> Any:
    """Frames and words that one network, ten together, and distilled ones get right.

    Parameters
    ----------
    record : dict
        Of ``acoustic-ensemble``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, right) = plots.plt.subplots(1, 2, figsize=(12, 4.8), width_ratios=(3, 2))
    m, students = record["metrics"], record["config"]["students"]
    T = sorted({T for _, T in students})
    single, together = np.mean(m["single_accuracy"]), np.mean(m["ensemble_accuracy"])
    members = np.ravel(record["curves"]["singles"])
    spread = np.linspace(-1.3, -0.7, len(members))
    left.plot(spread, members, ".", color=plots.GREY, label="each network")
    left.axhline(float(single), color=plots.GREY, lw=1)
    left.axhline(float(together), color=plots.BLUE, lw=1)
    left.text(len(T) - 0.5, together, "all together", color=plots.BLUE, ha="right", va="bottom")
    left.text(
        len(T) - 0.5, single, "one, on average", color=plots.GREY, ha="right", va="bottom"
    )
    # Side by side, so that neither hides the other.
    for mean, color, marker, aside in (
        ("arithmetic", plots.ORANGE, "o", -0.1),
        ("geometric", plots.GREEN, "^", 0.1),
    ):
        own = [k for k, (name, _) in enumerate(students) if name == mean]
        seeds = np.array(record["curves"]["distilled"])[:, own]
        left.errorbar([T.index(students[k][1]) + aside for k in own], seeds.mean(0), standard_error(seeds),
                      fmt=marker, ls="-", color=color, capsize=3,
                      label=f"distilled from the {mean} mean")  # fmt: skip
    left.errorbar(-1, np.mean(m["longer_accuracy"]), standard_error(m["longer_accuracy"]), fmt="D",
                  color=plots.PURPLE, capsize=3, label="hard targets, trained for as long")  # fmt: skip
    left.set(xticks=range(-1, len(T)), xlim=(-1.6, len(T) - 0.4), ylabel="frames right (%)")
    left.set_xticklabels(["hard targets", *(f"T = {t:g}" for t in T)])
    plots.legend_above(left, "Frames")
    right.set_title("Words")
    names = ("single", "ensemble", "distilled", "longer")
    wrong = np.transpose([m[f"{who}_wer"] for who in names])
    right.bar(
        range(4), wrong.mean(0), yerr=standard_error(wrong), width=0.6, capsize=4,
        color=[plots.GREY, plots.BLUE, plots.GREEN, plots.PURPLE],
    )  # fmt: skip
    right.set(xticks=range(4), ylabel="words wrong (%)")
    right.set_xticklabels(
        ["one\nnetwork", "all\ntogether", "distilled", "hard targets,\nfor as long"]
    )
    plots.say(
        figure,
        f"{_of_frames(record)}\n{_of_words(m)}",
        plots.seeds_of(record),
    )
    return figure


def _of_frames(record: Record) -> str:
    """What the ensemble gains in frames, and what one network keeps, in a sentence."""
    m = record["metrics"]
    gain = change(m, "ensemble_accuracy", "single_accuracy").value
    own = change(m, "distilled_accuracy", "single_accuracy").value
    team = f"{record['config']['members']} networks together get {abs(gain):.1f} points"
    if gain <= 0:
        return (
            f"{team} fewer of the frames right than one; a distilled one, {plots.signed(own)}."
        )
    kept = np.mean(m["share_kept"])
    share = f"{kept:.0f} %" if kept > 0 else "none"
    return f"{team} more of the frames right than one; one distilled from them keeps {share} of that."


def _of_words(m: dict[str, list[float]]) -> str:
    """Whether the distilled network gains words too, in a sentence."""
    one, team, distilled = (np.mean(m[f"{w}_wer"]) for w in ("single", "ensemble", "distilled"))
    less = change(m, "single_wer", "distilled_wer")
    gains = "gains" if less.clear and less.value > 0 else "gains nothing"
    if not less.clear and less.value > 0:
        gains = "gains nothing clear"
    return (
        f"In words, the distilled network {gains}: {one:.1f} % are wrong alone, {team:.1f} % "
        f"together, {distilled:.1f} % distilled"
    )


def acoustic_findings(record: Record) -> list[str]:
    """What the ensemble gains, how much of it one network keeps, and what becomes of the words.

    A difference is clear if it is more than two standard errors of its mean over the seeds.
    """
    m = record["metrics"]
    gain, own, longer = (
        change(m, f"{who}_accuracy", "single_accuracy")
        for who in ("ensemble", "distilled", "longer")
    )
    beyond = change(m, "distilled_accuracy", "longer_accuracy")
    words, kept, long = (
        change(m, f"{who}_wer", "single_wer") for who in ("ensemble", "distilled", "longer")
    )
    chosen = ", ".join(
        f"{T:g} ({mean} mean)"
        for T, mean in zip(m["distilled_T"], record["curves"]["chosen_mean"], strict=True)
    )
    one, team, distilled = (np.mean(m[f"{w}_wer"]) for w in ("single", "ensemble", "distilled"))
    total = m["test_words"][0]
    return [
        "Frames right, in percentage points compared with a single network (mean ± standard error "
        f"over seeds): the ensemble {said(gain)}; the distilled network {said(own)}; a network on hard "
        f"targets, trained for as long, {said(longer)}. The distilled network compared with the latter: "
        f"{said(beyond)}.",
        f"The distilled network keeps {mean_of(m['share_kept']).words(0)} % of the ensemble's gain. The "
        f"temperatures chosen on held-out utterances, seed by seed: {chosen}.",
        f"Word error rate, in the same way: the ensemble {said(words)}; the distilled network "
        f"{said(kept)}; the network trained for as long {said(long)}. One word "
        f"of the {total} is {100 / total:.2f} points: a single network gets "
        f"{one * total / 100:.0f} words wrong, the ensemble {team * total / 100:.0f}, the distilled "
        f"network {distilled * total / 100:.0f}.",
    ]


def said(difference: Mean) -> str:
    """A difference in points, and whether it is clear."""
    return f"{difference.words(sign=True)} ({difference.clearly})"


def _of_speech(value: float) -> Paper:
    return Paper(value, "4", data="speech", level=False)


METRICS = (
    Metric("single_accuracy", "frames that one network gets right", "%", "more", _of_speech(58.9)),
    Metric("ensemble_accuracy", "frames that the ensemble gets right, geometric mean", "%", "more",
           _of_speech(61.1)),
    Metric("arithmetic_accuracy", "frames that the ensemble gets right, arithmetic mean",
           "%", "more", control=True),
    Metric("distilled_accuracy", "frames that a distilled network gets right", "%", "more",
           _of_speech(60.8)),
    Metric("longer_accuracy", "frames that a network gets right on hard targets, trained for as long",
           "%", "more"),
    Metric("distilled_T", "T chosen on held-out utterances", "T", "neither", control=True),
    Metric("share_kept", "share of the ensemble's gain that the distilled network keeps", "%", "more",
           Paper(80, "4", data=None)),
    Metric("single_wer", "words wrong, one network", "%", "less", _of_speech(10.9)),
    Metric("ensemble_wer", "words wrong, ensemble", "%", "less", _of_speech(10.7)),
    Metric("distilled_wer", "words wrong, distilled network", "%", "less", _of_speech(10.7)),
    Metric("longer_wer", "words wrong, hard targets, trained for as long", "%", "less"),
)  # fmt: skip

EXPERIMENT = Experiment(
    name="acoustic-ensemble",
    section="4",
    question="does one network distilled from ten acoustic models keep what they gain together?",
    presets=PRESETS,
    one_cell=one_cell,
    metrics=METRICS,
    figure=plot_acoustic_ensemble,
    findings=acoustic_findings,
    as_in_paper={"members": 10},
)
