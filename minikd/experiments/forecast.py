"""A time series: what the next frames will be, and whether one network can forecast like ten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minikd import plots
from minikd.data import Dataset
from minikd.data.speech import Speech, Utterance, windows
from minikd.experiments.experiment import Experiment, Metric, Record
from minikd.experiments.run import STUDENT, TEACHER, Kept, part_seed
from minikd.mlp import MLP
from minikd.objectives import logit_matching
from minikd.statistics import change, mean_of, standard_error
from minikd.train import Recipe


@dataclass(frozen=True)
class Forecast:
    """Settings of one run; frozen, and written into its record.

    Attributes
    ----------
    name : str
    data : {"synthetic", "speech"}
    past : int
        Frames that a forecaster sees.
    ahead : int
        Frames that it forecasts, the next ones.
    hidden : tuple of int
        Units of the hidden layers, of every network.
    members : int
        Of the ensemble.
    gain : float
        Size of the initial weights, as in :class:`minikd.MLP`.
    single : Recipe
        Of the members, and of a network alone.
    student : Recipe
        Of the distilled network.
    """

    name: str
    data: str
    past: int
    ahead: int
    hidden: tuple[int, ...]
    members: int
    gain: float
    single: Recipe
    student: Recipe

    def __post_init__(self) -> None:
        if self.members < 2:
            raise ValueError(f"members is {self.members}; expected at least 2 for an ensemble")


def series(utterances: list[Utterance], past: int, ahead: int) -> Dataset:
    """Windows of past frames, with the next ones as what the outputs should be.

    A frame near an end of its utterance has not ``past`` frames up to it, or not ``ahead`` after
    it, and is left out.

    Returns
    -------
    Dataset
        ``x`` of shape (n, past · C), ``v`` of shape (n, ahead · C).

    Raises
    ------
    ValueError
        If no utterance is long enough.
    """
    width = past + ahead
    parts = []
    for utterance in utterances:
        frames = utterance.frames
        if len(frames) >= width:
            seen = windows([utterance], past - 1, ahead)[past - 1 : len(frames) - ahead]
            parts.append(seen)
    if not parts:
        raise ValueError(
            f"no utterance has {width} frames: {past} to see and {ahead} to forecast"
        )
    both = np.concatenate(parts)
    C = both.shape[1] // width
    return Dataset(both[:, : past * C], v=both[:, past * C :], shape=(past, C))


def one_cell(config: Forecast, speech: Speech, kept: Kept, cell: None = None) -> dict[str, Any]:
    """Train the ensemble as one stack; one network alone, one for longer, one on their mean.

    Returns
    -------
    dict
        ``seconds``, ``metrics`` and ``curves``, for the record.
    """
    train = series(speech.train, config.past, config.ahead)
    test = series(speech.test, config.past, config.ahead)
    sizes = [train.x.shape[1], *config.hidden, train.v.shape[1]]
    # The outputs are the forecast itself. Matching them is matching logits (Section 2.1).
    objective = logit_matching()
    seeds = [part_seed(kept.seed + 1000 * k, TEACHER) for k in range(config.members)]
    ensemble = MLP(sizes, rng=seeds, gain=config.gain, device=kept.device)
    kept.train("forecasters", config, ensemble, train, objective, config.single)
    outputs = {"ensemble": ensemble(test.x)}
    soft = train.with_logits(ensemble(train.x).mean(0))
    for who, data, recipe in (
        ("alone", train, config.single),
        ("longer", train, config.student),
        ("distilled", soft, config.student),
    ):
        net = kept.network(sizes, STUDENT, config.gain)
        kept.train(who, config, net, data, objective, recipe)
        outputs[who] = net(test.x)
    mean = outputs["ensemble"].mean(0)
    answers = {"ensemble": mean, **{w: outputs[w] for w in ("alone", "longer", "distilled")}}
    each = [mean_square(member, test.v) for member in outputs["ensemble"]]
    # Of the last frame that was seen, once more for each that is to come.
    C = train.shape[1]
    same = np.tile(test.x[:, -C:], config.ahead)
    return {
        "seconds": round(kept.seconds, 1),
        "metrics": {
            "test_cases": len(test),
            "unchanged_error": mean_square(same, test.v),
            "single_error": float(np.mean(each)),
            **{f"{who}_error": mean_square(z, test.v) for who, z in answers.items()},
            **{
                f"{who}_distance": mean_square(answers[who], mean)
                for who in ("alone", "longer", "distilled")
            },
        },
        "curves": {
            # For each frame ahead.
            "error": {
                who: np.square(z - test.v)
                .reshape(len(z), config.ahead, C)
                .mean((0, 2))
                .tolist()
                for who, z in {**answers, "unchanged": same}.items()
            },
        },
    }


def mean_square(a: Any, b: Any) -> float:
    """Mean square of the difference, in units of a coefficient's variance."""
    return float(np.square(a - b).mean())


PRESETS = {
    "synthetic": Forecast(
        name="forecast", data="synthetic", past=8, ahead=3, hidden=(128, 128), members=10,
        gain=0.4,
        single=Recipe(epochs=8, learning_rate=0.005, batch=128, warm_up=100),
        student=Recipe(epochs=16, learning_rate=0.005, batch=128, warm_up=100),
    ),
    "speech": Forecast(
        name="forecast", data="speech", past=20, ahead=5, hidden=(128, 128), members=10,
        gain=0.4,
        single=Recipe(epochs=8, learning_rate=0.004, batch=128, warm_up=500),
        student=Recipe(epochs=16, learning_rate=0.004, batch=128, warm_up=500),
    ),
}  # fmt: skip


@plots.in_house_style
def plot_forecast(record: Record) -> Any:
    """How much more each forecaster errs than the ensemble, and how near it comes to it.

    Parameters
    ----------
    record : dict
        Of ``forecast``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, right) = plots.plt.subplots(1, 2, figsize=(12, 4.8), width_ratios=(3, 2))
    m, by_frame = record["metrics"], record["curves"]["error"]
    error = {who: np.mean([seed[who] for seed in by_frame], axis=0) for who in by_frame[0]}
    ahead = np.arange(1, record["config"]["ahead"] + 1)
    for who, label, color in (
        ("alone", "one network alone", plots.ORANGE), ("longer", "the same, trained longer", plots.PURPLE),
        ("distilled", "distilled", plots.GREEN),
    ):  # fmt: skip
        left.plot(
            ahead, 100 * (error[who] / error["ensemble"] - 1), "o-", color=color, label=label
        )
    left.axhline(0, color=plots.BLUE, lw=1, label="ten together")
    left.set(xlabel="frames ahead (10 ms each)", xticks=ahead,
             ylabel="mean square error beyond that of the ten (%)")  # fmt: skip
    without = error["unchanged"] / error["ensemble"]
    left.set_title(
        f"(the last frame once more: {without.min():.1f} to {without.max():.1f} times the error of "
        "the ten)", fontsize=9, color=plots.GREY,
    )  # fmt: skip
    left.legend()
    distance = np.transpose(
        [m[f"{name}_distance"] for name in ("alone", "longer", "distilled")]
    )
    far = distance.mean(0)
    single, ten = (np.array(m[f"{who}_error"]) for who in ("single", "ensemble"))
    kept = {
        who: np.mean(100 * (single - m[f"{who}_error"]) / (single - ten))
        for who in ("distilled", "longer")
    }
    right.bar(range(3), far, yerr=standard_error(distance), color=[plots.ORANGE, plots.PURPLE, plots.GREEN], width=0.6,
              capsize=4)  # fmt: skip
    right.set(xticks=range(3), ylabel="mean square distance to the ten (variances)")
    right.set_xticklabels(["alone", "alone, longer", "distilled"])
    plots.say(
        figure,
        f"One distilled forecaster is {min(far[:2]) / far[2]:.1f} times nearer to the ten than one "
        f"trained alone.\nOf what the ten gain in error it keeps {kept['distilled']:.0f} %; one "
        f"trained alone for as long keeps {kept['longer']:.0f} %",
        plots.seeds_of(record),
    )
    return figure


def forecast_findings(record: Record) -> list[str]:
    """Whether the distilled forecaster is nearer to the ensemble than one trained alone."""
    m = record["metrics"]
    nearer = [
        f"than {words} by {by.words(4)} ({by.clearly})"
        for who, words in (
            ("alone", "one trained alone"), ("longer", "one trained alone for as long"),
        )
        for by in [change(m, f"{who}_distance", "distilled_distance")]
    ]  # fmt: skip
    gain = np.subtract(m["single_error"], m["ensemble_error"])
    kept = {
        who: mean_of(100 * np.subtract(m["single_error"], m[f"{who}_error"]) / gain)
        for who in ("distilled", "longer")
    }
    return [
        "The distilled forecaster is nearer to the ten together (mean square distance; mean ± "
        f"standard error over seeds) {', and '.join(nearer)}.",
        f"Ten together lower the error of one by {100 * np.mean(gain / m['single_error']):.1f} %. "
        f"The distilled forecaster keeps {kept['distilled'].words(0)} % of that gain; one trained "
        f"alone for as long keeps {kept['longer'].words(0)} %.",
    ]


METRICS = tuple(
    Metric(name, words, "variances")
    for name, words in (
        ("unchanged_error", "mean square error: the last frame again"),
        ("single_error", "mean square error: a member of the ensemble"),
        ("ensemble_error", "mean square error: ten together"),
        ("alone_error", "mean square error: one network alone"),
        ("longer_error", "mean square error: the same, trained longer"),
        ("distilled_error", "mean square error: distilled network"),
        ("alone_distance", "mean square distance to the ten: one network alone"),
        ("longer_distance", "mean square distance to the ten: the same, trained longer"),
        ("distilled_distance", "mean square distance to the ten: distilled network"),
    )
)

EXPERIMENT = Experiment(
    name="forecast",
    section="–",  # not in the paper
    claim="a forecaster distilled from ten comes closer to them than one trained alone",
    presets=PRESETS,
    one_cell=one_cell,
    metrics=METRICS,
    figure=plot_forecast,
    findings=forecast_findings,
)
