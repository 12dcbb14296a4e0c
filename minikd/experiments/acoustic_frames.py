"""Frames as cases: the states of spoken digits, and the words that are heard (Sections 4 and 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minikd import equations
from minikd.backend import Stream, generator
from minikd.data import Dataset
from minikd.data.speech import Speech, Utterance, windows
from minikd.experiments.kept import SPLIT, part_seed
from minikd.hmm import WordModel, decode, train_states, word_errors


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


SYNTHETIC = Framing(states=3, past=3, future=3, held_out=0.1)


SPEECH = Framing(states=5, past=20, future=5, held_out=0.1)
