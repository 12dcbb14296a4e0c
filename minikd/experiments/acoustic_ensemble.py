"""Section 4: what an ensemble of acoustic models gains, one network can keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minikd import equations
from minikd.backend import Stream, generator
from minikd.data import Dataset
from minikd.data.speech import Speech, Utterance, windows
from minikd.ensembles import arithmetic_mean, geometric_mean
from minikd.experiments.run import SPLIT, STUDENT, TEACHER, Kept, part_seed
from minikd.hmm import WordModel, decode, train_states, word_errors
from minikd.mlp import MLP
from minikd.objectives import hard_targets, soft_targets
from minikd.train import Recipe

CLAIM = "a network distilled from ten acoustic models keeps most of what they gain together"

# Logits of the ensemble's soft targets, from those of its members and a temperature.
MEANS: dict[str, Callable[[Any, float], Any]] = {
    "arithmetic": arithmetic_mean,
    "geometric": lambda v, T: geometric_mean(v),
}


@dataclass(frozen=True)
class Framing:
    """How frames become cases.

    Attributes
    ----------
    states : int
        Of each digit.
    past, future : int
        Frames before and after the one whose state is asked for; the paper has 20 and 5.
    held_out : float
        Share of the training utterances that no network is trained on.
    """

    states: int
    past: int
    future: int
    held_out: float


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


@dataclass(frozen=True, eq=False)
class Frames:
    """Some utterances with the states of their frames.

    Attributes
    ----------
    utterances : list of Utterance
    data : Dataset
        Windows of frames, ``x`` of shape (n, width · C), and in ``y`` the states of the frames that
        they are of, those with ``past`` frames before them.
    """

    utterances: list[Utterance]
    data: Dataset

    def cut(self, per_frame: Any) -> list[Any]:
        """Rows of all frames, (n, …), as a list with one array for each utterance."""
        ends = np.cumsum([len(u.frames) for u in self.utterances])[:-1]
        return np.split(per_frame, ends)


def states_of(
    framing: Framing, speech: Speech, seed: int
) -> tuple[WordModel, Frames, Frames, Frames]:
    """The word model, and the frames to train on, to choose by, and to test on.

    Raises
    ------
    ValueError
        If nothing is held out, or everything; if an utterance is too short for its states, or a
        digit is never said in what is left for training.
    """
    order = generator(part_seed(seed, SPLIT), Stream.ORDER).permutation(len(speech.train))
    out = round(framing.held_out * len(order))
    if not 0 < out < len(order):
        raise ValueError(
            f"held_out is {framing.held_out}: {out} of {len(order)} utterances; expected at least one, "
            "and one left to train on"
        )
    train = [speech.train[k] for k in np.sort(order[out:])]
    chosen = [speech.train[k] for k in np.sort(order[:out])]
    digits = 1 + max(d for u in (*speech.train, *speech.test) for d in u.digits)
    # The states of the test frames too come from the model of the training frames alone.
    model, paths = train_states(
        [u.frames for u in train], [u.digits for u in train], digits, framing.states
    )
    paths += [model.states_of(u.frames, u.digits) for u in (*chosen, *speech.test)]
    parts, start = [], 0
    width = framing.past + 1 + framing.future
    for some in (train, chosen, speech.test):
        y = np.concatenate(paths[start : start + len(some)])
        x = windows(some, framing.past, framing.future)
        start += len(some)
        parts.append(Frames(some, Dataset(x, y, shape=(width, x.shape[1] // width))))
    return model, parts[0], parts[1], parts[2]


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


def share_of_gain(kept: float, gain: float) -> float:
    """In percent; where nothing is gained, 100 if nothing is lost, else 0."""
    return 100 * float(kept / gain if gain > 0 else kept >= 0)


def right(z: Any, part: Frames) -> Any:
    """Share of the frames whose state each member gets right: (E, n, states) to (E,)."""
    return (z.argmax(-1) == part.data.y).mean(-1)


def words_wrong(
    z: Any, part: Frames, model: WordModel, prior: Any, penalty: float
) -> list[int]:
    """Word errors of each member, over all utterances.

    Parameters
    ----------
    z : array, shape (E, n, states)
        Logits of all frames.
    part : Frames
    model : WordModel
    prior : array, shape (states,)
        Of the training frames; the posteriors are divided by it.
    penalty : float
        For each word, in nats.
    """
    counts = []
    for member in z:
        scores = part.cut(equations.log_softmax(member) - np.log(prior))
        heard = [decode(s, model, penalty) for s in scores]
        pairs = zip(part.utterances, heard, strict=True)
        counts.append(sum(word_errors(u.digits, h) for u, h in pairs))
    return counts


STUDENTS = tuple((mean, T) for mean in MEANS for T in (1.0, 2.0, 5.0, 10.0))
SYNTHETIC = Framing(states=3, past=3, future=3, held_out=0.1)
SPEECH = Framing(states=5, past=20, future=5, held_out=0.1)

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

# The metrics that a table shows, in order.
SHOWN = {
    "single_accuracy": "frames that one network gets right",
    "ensemble_accuracy": "frames that ten together get right, geometric mean",
    "arithmetic_accuracy": "the same, arithmetic mean",
    "distilled_accuracy": "frames that a distilled network gets right",
    "longer_accuracy": "frames that a network gets right on hard targets, trained for as long",
    "distilled_T": "T chosen on held-out utterances",
    "share_kept": "share of the gain that it keeps",
    "single_wer": "words wrong, one network",
    "ensemble_wer": "words wrong, ten together",
    "distilled_wer": "words wrong, distilled network",
    "longer_wer": "words wrong, hard targets for as long",
}
