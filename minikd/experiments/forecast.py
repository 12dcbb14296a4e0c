"""A time series: what the next frames will be, and whether one network can forecast like ten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minikd import plots
from minikd.data import Dataset
from minikd.data.speech import Speech, Utterance, windows
from minikd.experiments.experiment import Experiment, Metric, Record
from minikd.experiments.kept import STUDENT, TEACHER, Kept, part_seed
from minikd.mlp import MLP
from minikd.objectives import logit_matching
from minikd.statistics import Mean, change, mean_of, standard_error
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
        ("alone", "one network alone", plots.ORANGE),
        ("longer", "alone, trained for as long as the distilled one", plots.PURPLE),
        ("distilled", "distilled", plots.GREEN),
    ):  # fmt: skip
        left.plot(
            ahead, 100 * (error[who] / error["ensemble"] - 1), "o-", color=color, label=label
        )
    left.axhline(0, color=plots.BLUE, lw=1, label="all together")
    left.set(xlabel="frames ahead (10 ms each)", xticks=ahead,
             ylabel="error above the ensemble's (%)")  # fmt: skip
    left.margins(y=0.1)
    plots.legend_above(left, "Error, frame by frame")
    distance = np.transpose(
        [m[f"{name}_distance"] for name in ("alone", "longer", "distilled")]
    )
    right.bar(range(3), distance.mean(0), yerr=standard_error(distance), width=0.6, capsize=4,
              color=[plots.ORANGE, plots.PURPLE, plots.GREEN])  # fmt: skip
    right.set(xticks=range(3), ylabel="mean square distance\nfrom the ensemble (variances)")
    right.set_xticklabels(["alone", "alone,\nfor as long", "distilled"])
    right.set_title("Distance from the ensemble")
    without = error["unchanged"] / error["ensemble"]
    plots.say(
        figure, _finding(record),
        f"{plots.seeds_of(record)}; the last frame repeated has {without.min():.1f} to "
        f"{without.max():.1f} times the ensemble's error",
    )  # fmt: skip
    return figure


def _finding(record: Record) -> str:
    m, members = record["metrics"], record["config"]["members"]
    alone, longer, distilled = (
        np.mean(m[f"{who}_distance"]) for who in ("alone", "longer", "distilled")
    )
    near = "nearer" if distilled < min(alone, longer) else "no nearer"
    said = (
        f"A distilled forecaster is {near} to {members} networks together than one trained alone "
        f"(at {distilled:.2g} against {min(alone, longer):.2g}).\n"
    )
    if np.mean(m["ensemble_error"]) >= np.mean(m["single_error"]):
        return f"{said}But these err no less than one of them"
    kept = _shares_kept(m)
    return said + " ".join((
        f"It keeps {_share(kept['distilled'])} of what they gain in error;",
        f"one trained alone for as long keeps {_share(kept['longer'])}",
    ))  # fmt: skip


def _share(kept: Mean) -> str:
    return f"{kept.value:.0f} %" if kept.value > 0 else "none"


def _shares_kept(m: dict[str, list[float]]) -> dict[str, Mean]:
    """In percent of what the ensemble gains."""
    single, gain = m["single_error"], np.subtract(m["single_error"], m["ensemble_error"])
    return {
        who: mean_of(100 * np.subtract(single, m[f"{who}_error"]) / gain)
        for who in ("distilled", "longer")
    }


def forecast_findings(record: Record) -> list[str]:
    """Whether the distilled forecaster is nearer to the ensemble than one trained alone."""
    m = record["metrics"]
    nearer = [
        f"{words} {by.words(4, sign=True)} ({by.clearly})"
        for who, words in (
            ("alone", "one trained alone"), ("longer", "one trained alone for as long"),
        )
        for by in [change(m, "distilled_distance", f"{who}_distance")]
    ]  # fmt: skip
    gain = np.subtract(m["single_error"], m["ensemble_error"])
    kept = _shares_kept(m)
    return [
        "How far the distilled forecaster is from the ensemble (mean square distance; mean ± standard "
        f"error over seeds): compared with {', and with '.join(nearer)}.",
        f"The ensemble errs {100 * np.mean(gain / m['single_error']):.1f} % less than one of its "
        f"networks. The distilled forecaster keeps {kept['distilled'].words(0)} % of that gain; one "
        f"trained alone for as long keeps {kept['longer'].words(0)} %.",
    ]


METRICS = tuple(
    Metric(name, words, "variances", control=name == "unchanged_error")
    for name, words in (
        ("single_error", "mean square error: a network of the ensemble"),
        ("ensemble_error", "mean square error: the ensemble"),
        ("alone_error", "mean square error: one network alone"),
        (
            "longer_error",
            "mean square error: one network alone, trained for as long as the distilled one",
        ),
        ("distilled_error", "mean square error: distilled network"),
        ("alone_distance", "mean square distance from the ensemble: one network alone"),
        (
            "longer_distance",
            "mean square distance from the ensemble: one network alone, trained for as long",
        ),
        ("distilled_distance", "mean square distance from the ensemble: distilled network"),
        ("unchanged_error", "mean square error: the last frame repeated"),
    )
)

EXPERIMENT = Experiment(
    name="forecast",
    section="–",  # not in the paper
    question="does a forecaster distilled from ten come closer to them than one trained alone?",
    presets=PRESETS,
    one_cell=one_cell,
    metrics=METRICS,
    figure=plot_forecast,
    findings=forecast_findings,
)
