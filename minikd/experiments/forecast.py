"""A time series: what the next frames will be, and whether one network can forecast like ten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minikd.data import Dataset
from minikd.data.speech import Speech, Utterance, windows
from minikd.experiments.run import STUDENT, TEACHER, Kept, part_seed
from minikd.mlp import MLP
from minikd.objectives import logit_matching
from minikd.train import Recipe

CLAIM = "a forecaster distilled from ten comes closer to them than one trained alone"


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

# The metrics that a table shows, in order.
SHOWN = {
    "unchanged_error": "mean square error: the last frame again",
    "single_error": "mean square error: a member of the ensemble",
    "ensemble_error": "mean square error: ten together",
    "alone_error": "mean square error: one network alone",
    "longer_error": "mean square error: the same, trained longer",
    "distilled_error": "mean square error: distilled network",
    "alone_distance": "mean square distance to the ten: one network alone",
    "longer_distance": "mean square distance to the ten: the same, trained longer",
    "distilled_distance": "mean square distance to the ten: distilled network",
}
