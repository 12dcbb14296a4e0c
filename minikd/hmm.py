"""A hidden Markov model of words: the state of each frame, and the words that were said.

Each word is a chain of states, passed from left to right; a state lasts one frame or more. The
acoustic model of Section 4 learns to name the state of each frame, and its answers are decoded
into words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minikd import arrays, values


@dataclass(frozen=True, eq=False)
class WordModel:
    """Chains of states, one for each word.

    Attributes
    ----------
    words : int
    states : int
        Per word; the states of word w are ``w * states`` to ``(w + 1) * states - 1``.
    stay : array, shape (words * states,)
        Probability that the next frame is in the same state.
    mean, variance : array, shape (words * states, C)
        Of the frames in each state: a normal distribution with independent coefficients.
    """

    words: int
    states: int
    stay: Any
    mean: Any
    variance: Any

    def __post_init__(self) -> None:
        S = values.whole("words", self.words, 1) * values.whole("states", self.states, 1)
        for name, shape in (
            ("stay", f"({S},)"),
            ("mean", f"({S}, C)"),
            ("variance", f"({S}, C)"),
        ):
            found = arrays.array(name, getattr(self, name), dtype=float)
            if not arrays.fits(found.shape, shape):
                raise ValueError(
                    f"{name} has shape {found.shape}; expected {shape}: words is {self.words} and "
                    f"states {self.states}"
                )
            object.__setattr__(self, name, found)
        _probabilities("stay", self.stay, S)
        if self.mean.shape != self.variance.shape or self.variance.min() <= 0:
            raise ValueError(
                f"variance has shape {self.variance.shape} and mean {self.mean.shape}; expected the "
                "same, and variances above 0"
            )

    def chain(self, said: Sequence[int]) -> Any:
        """The states of some words in sequence, shape (len(said) * states,)."""
        said = values.wholes("said", said, 0, self.words - 1)
        if not said:
            raise ValueError("said is empty; expected one word or more")
        return _chain(said, self.states)

    def scores(self, frames: Any) -> Any:
        """log p(frame | state), up to a constant: (n, C) to (n, words * states)."""
        x = arrays.array("frames", frames, f"(n, {self.mean.shape[-1]})", dtype=float)
        precision = 1 / self.variance
        constant = np.log(self.variance).sum(-1) + (self.mean**2 * precision).sum(-1)
        return -0.5 * (x**2 @ precision.T - 2 * x @ (self.mean * precision).T + constant)

    def states_of(self, frames: Any, said: Sequence[int]) -> Any:
        """The state of each frame of an utterance whose words are known, shape (n,)."""
        chain = self.chain(said)
        return chain[align(self.scores(frames)[:, chain], self.stay[chain])]


def align(scores: Any, stay: Any) -> Any:
    """The best path through a chain of states, from the first to the last.

    Viterbi's algorithm: the best path to a state at a frame comes from the same state, or from
    the one before.

    Parameters
    ----------
    scores : array, shape (n, S)
        log p(frame | state), up to a term that all states share.
    stay : array, shape (S,)
        Probability of staying in a state for the next frame.

    Returns
    -------
    array of int, shape (n,)
        Positions in the chain, none skipped, never going back.

    Raises
    ------
    ValueError
        If there are fewer frames than states.
    """
    scores = arrays.array("scores", scores, "(n, S)", dtype=float)
    n, S = scores.shape
    stay = _probabilities("stay", stay, S)
    if n < S:
        raise ValueError(
            f"scores: there are {n} frames for {S} states; expected at least one frame per state"
        )
    log_stay, log_go = np.log(stay), np.log1p(-stay)
    best = np.full(S, -np.inf)
    best[0] = scores[0, 0]
    came = np.zeros((n, S), dtype=bool)  # whether from the state before
    go = np.full(S, -np.inf)
    for t in range(1, n):
        go[1:] = best[:-1] + log_go[:-1]
        best = best + log_stay
        came[t] = go > best
        best = np.maximum(go, best) + scores[t]
    path = np.empty(n, dtype=int)
    path[-1] = S - 1
    for t in range(n - 1, 0, -1):
        path[t - 1] = path[t] - came[t, path[t]]
    return path


def train_states(
    frames: Sequence[Any], said: Sequence[Sequence[int]], words: int, states: int,
    iterations: int = 20,
) -> tuple[WordModel, list[Any]]:  # fmt: skip
    """Find the states of all frames: an even cut, then Viterbi re-estimation.

    A state is a normal distribution with a variance for each coefficient. Model and paths are
    estimated in turn, each from the other, until no frame changes its state.

    Parameters
    ----------
    frames : sequence of array, shape (n, C)
        One array per utterance.
    said : sequence of sequence of int
        The words of each utterance.
    words, states : int
        How many words there are, and how many states each has.
    iterations : int
        Largest number of passes, at least 1.

    Returns
    -------
    model : WordModel
    paths : list of array of int, shape (n,)
        The state of each frame.

    Raises
    ------
    ValueError
        If an utterance has fewer frames than states, a state gets no frame, or ``iterations``
        is below 1.
    """
    words, states = values.whole("words", words, 1), values.whole("states", states, 1)
    iterations = values.whole("iterations", iterations, 1)
    frames, said = _utterances(frames, said, words)
    chains = [_chain(w, states) for w in said]
    paths = []
    for x, chain in zip(frames, chains, strict=True):
        if len(x) < len(chain):
            raise ValueError(
                f"an utterance of frames and said has {len(x)} frames for {len(chain)} states; use "
                "fewer states"
            )
        paths.append(chain[np.arange(len(x)) * len(chain) // len(x)])
    every = np.concatenate(list(frames)).astype(float)
    for _ in range(iterations):
        model = _estimate(every, paths, chains, words, states)
        new = [model.states_of(x, w) for x, w in zip(frames, said, strict=True)]
        same = all(np.array_equal(a, b) for a, b in zip(paths, new, strict=True))
        paths = new
        if same:
            break
    return model, paths


def _utterances(frames: Any, said: Any, words: int) -> tuple[list[Any], list[list[int]]]:
    """The frames and the words of each utterance, checked."""
    x = [
        arrays.array("frames", one, "(n, C)", dtype=float)
        for one in _sequence("frames", frames, "arrays (n, C)")
    ]
    w = [_words_of(one, words) for one in _sequence("said", said, "sequences of words")]
    if not x or len(x) != len(w) or not all(w):
        raise ValueError(
            f"frames has {len(x)} utterances and said {len(w)}; expected the same number, at least "
            "one, with a word or more in each"
        )
    if len({len(one[0]) if len(one) else 0 for one in x}) > 1:
        raise ValueError("frames have different numbers of coefficients; expected C for all")
    return x, w


def _words_of(said: Any, words: int) -> list[int]:
    try:
        return values.wholes("said", said, 0, words - 1)
    except ValueError as error:
        raise ValueError(f"{error}, as words is {words}") from None


def _sequence(name: str, value: Any, what: str) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return list(value)
    found = arrays.held(name, value, what)
    if not found.ndim:
        raise values.refused(name, value, f"a sequence of {what}")
    return list(found)


def _probabilities(name: str, value: Any, S: int) -> Any:
    found = arrays.array(name, value, dtype=float)
    if found.shape != (S,):
        raise ValueError(
            f"{name} has shape {found.shape}; expected ({S},), one for each column of scores"
        )
    if not ((found > 0) & (found < 1)).all():
        raise ValueError(
            f"{name} holds numbers that are not between 0 and 1; expected 0 < p < 1"
        )
    return found


def _chain(said: Sequence[int], states: int) -> Any:
    return (np.asarray(said)[:, None] * states + np.arange(states)).ravel()


def _estimate(
    x: Any, paths: list[Any], chains: list[Any], words: int, states: int
) -> WordModel:
    """Means, variances and durations of the states, from the states of all frames."""
    S, state = words * states, np.concatenate(paths)
    count = np.bincount(state, minlength=S)
    if not count.all():
        missing = np.flatnonzero(count == 0).tolist()
        raise ValueError(
            f"no frame is in the states {missing}: is a word missing from the data? words is {words}, "
            f"states {states}"
        )
    mean, square = (np.zeros((S, x.shape[1])) for _ in range(2))
    np.add.at(mean, state, x)
    np.add.at(square, state, x**2)
    mean /= count[:, None]
    # At least a hundredth of the overall variance: with few frames, a state would become a point.
    variance = np.maximum(square / count[:, None] - mean**2, 0.01 * x.var(0) + 1e-12)
    passes = np.bincount(np.concatenate(chains), minlength=S)
    # One more frame that stays and one more that goes, so that neither is impossible.
    stay = (count - passes + 1) / (count + 2)
    return WordModel(words, states, stay, mean, variance)


def decode(scores: Any, model: WordModel, penalty: float = 0.0) -> list[int]:
    """The words that were most probably said: the best path through any number of words in a row.

    Parameters
    ----------
    scores : array, shape (n, words * states)
        log p(frame | state), up to a term that all states share: for a network that gives
        posteriors, the log posterior minus the log prior (Bourlard & Morgan 1994).
    model : WordModel
    penalty : float
        Subtracted for each word after the first, in nats: the higher, the fewer words.

    Returns
    -------
    list of int
        Empty if there are fewer frames than a word has states.
    """
    values.instance("model", model, (WordModel,), "a WordModel, from train_states")
    S, penalty = model.words * model.states, values.finite("penalty", penalty)
    scores = arrays.array("scores", scores, f"(n, {S})", dtype=float)
    n = len(scores)
    first = np.arange(0, S, model.states)
    last = first + model.states - 1
    if n < model.states:
        return []
    log_stay, log_go = np.log(model.stay), np.log1p(-model.stay)
    best = np.full(S, -np.inf)
    best[first] = scores[0, first]
    # Where each state at each frame came from: itself, the state before it, or the end of a word.
    # `begun` marks the latter, because a word of one state may follow itself.
    came, begun = np.empty((n, S), dtype=int), np.zeros((n, S), dtype=bool)
    for t in range(1, n):
        origin = np.arange(S)
        stayed, go = best + log_stay, np.full(S, -np.inf)
        go[1:] = (best + log_go)[:-1]
        ends = (best + log_go)[last]
        go[first] = ends.max() - penalty
        moved = go > stayed
        origin[moved] -= 1
        begun[t, first] = moved[first]
        origin[begun[t]] = last[ends.argmax()]
        came[t] = origin
        best = np.where(moved, go, stayed) + scores[t]
    state = int(last[best[last].argmax()])
    said = [state // model.states]
    for t in range(n - 1, 0, -1):
        before = int(came[t, state])
        if begun[t, state]:
            said.append(before // model.states)
        state = before
    return said[::-1]


def word_errors(said: Sequence[int], heard: Sequence[int]) -> int:
    """The edit distance: fewest words omitted, added or mistaken that turn one into the other.

    Examples
    --------
    >>> word_errors([1, 2, 3], [1, 3, 4])
    2
    """
    said, heard = values.wholes("said", said), values.wholes("heard", heard)
    row = np.arange(len(heard) + 1)
    for i, word in enumerate(said):
        new = np.empty_like(row)
        new[0] = i + 1
        for j, other in enumerate(heard):
            new[j + 1] = min(row[j] + (word != other), row[j + 1] + 1, new[j] + 1)
        row = new
    return int(row[-1])
