"""Word models: alignment and decoding against every path, and words that are found again."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikd.hmm import WordModel, align, decode, train_states, word_errors

RNG = np.random.default_rng(11)


def model_of(words, states, stay=None):
    S = words * states
    stay = np.full(S, 0.6) if stay is None else stay
    return WordModel(words, states, stay, np.zeros((S, 1)), np.ones((S, 1)))


def score_of(path, scores, stay):
    """log probability of a path through a chain: what Viterbi's algorithm makes largest."""
    total = scores[0, path[0]]
    for t in range(1, len(path)):
        go = path[t] != path[t - 1]
        total += scores[t, path[t]] + np.log(1 - stay[path[t - 1]] if go else stay[path[t - 1]])
    return total


def paths_through(n, S):
    """Every way from the first state to the last, in n frames."""
    for cuts in itertools.combinations(range(1, n), S - 1):
        yield np.repeat(np.arange(S), np.diff([0, *cuts, n]))


@pytest.mark.parametrize(("n", "S"), [(3, 3), (7, 3), (8, 1), (8, 5)])
def test_alignment_is_the_best_of_all_paths(n, S):
    for _ in range(20):
        scores, stay = RNG.normal(0, 2, (n, S)), RNG.uniform(0.1, 0.9, S)
        best = max(score_of(p, scores, stay) for p in paths_through(n, S))
        path = align(scores, stay)
        assert path[0] == 0
        assert path[-1] == S - 1
        assert set(np.diff(path)) <= {0, 1}
        assert score_of(path, scores, stay) == pytest.approx(best, abs=1e-9)


def every_reading(n, model):
    """Every sequence of words with every path, its words and its score apart from the frames."""
    for count in range(1, n // model.states + 1):
        for said in itertools.product(range(model.words), repeat=count):
            chain = model.chain(said)
            for path in paths_through(n, len(chain)):
                yield said, chain[path], chain, path


@pytest.mark.parametrize("states", [1, 2])
@pytest.mark.parametrize("penalty", [0.0, 3.0])
def test_decoding_is_the_best_of_all_readings(penalty, states):
    model = model_of(2, states, RNG.uniform(0.2, 0.8, 2 * states))
    for _ in range(10):
        scores = RNG.normal(0, 3, (6, 2 * states))
        best, words = -np.inf, None
        for said, through, _, path in every_reading(6, model):
            total = scores[np.arange(6), through].sum() - penalty * (len(said) - 1)
            for t in range(1, 6):
                p = model.stay[through[t - 1]]
                total += np.log(1 - p if path[t] != path[t - 1] else p)
            if total > best:
                best, words = total, list(said)
        assert decode(scores, model, penalty) == words


def test_a_word_of_one_state_can_be_said_twice():
    model = model_of(1, 1, np.array([0.01]))
    assert decode(np.zeros((4, 1)), model) == [0, 0, 0, 0]


def test_states_are_found_again():
    """Frames drawn from known states: re-estimation finds them, far better than even cuts."""
    centres = RNG.normal(0, 3, (6, 5))
    frames, said, truth, even = [], [], [], []
    for _ in range(60):
        words = tuple(RNG.integers(0, 2, 3))
        chain = (np.array(words)[:, None] * 3 + np.arange(3)).ravel()
        path = np.repeat(chain, RNG.integers(1, 9, len(chain)))
        frames.append(centres[path] + RNG.normal(0, 0.7, (len(path), 5)))
        said.append(words)
        truth.append(path)
        even.append(chain[np.arange(len(path)) * len(chain) // len(path)])
    model, paths = train_states(frames, said, words=2, states=3)
    right = np.mean(np.concatenate(paths) == np.concatenate(truth))
    assert right > 0.97
    assert np.mean(np.concatenate(even) == np.concatenate(truth)) < 0.8
    np.testing.assert_allclose(model.mean, centres, atol=0.4)
    assert ((model.stay > 0) & (model.stay < 1)).all()
    # And the words are recognized.
    heard = [decode(model.scores(x), model, penalty=5.0) for x in frames]
    wrong = sum(word_errors(w, h) for w, h in zip(said, heard, strict=True))
    assert wrong <= 0.03 * 180


def test_scores_are_log_densities_of_normals():
    from scipy.stats import multivariate_normal

    mean, variance = RNG.normal(size=(4, 3)), RNG.uniform(0.5, 2, (4, 3))
    model = WordModel(2, 2, np.full(4, 0.5), mean, variance)
    x = RNG.normal(size=(5, 3))
    expected = [
        multivariate_normal(m, np.diag(v)).logpdf(x)
        for m, v in zip(mean, variance, strict=True)
    ]
    difference = model.scores(x) - np.transpose(expected)
    np.testing.assert_allclose(difference, difference[0, 0], atol=1e-9)  # one constant for all


words = st.lists(st.integers(0, 3), max_size=6)


@given(words, words)
def test_word_errors_are_a_distance(a, b):
    d = word_errors(a, b)
    assert d == word_errors(b, a)
    assert abs(len(a) - len(b)) <= d <= max(len(a), len(b))
    assert (d == 0) == (a == b)


@given(words, words, words)
def test_word_errors_satisfy_the_triangle_inequality(a, b, c):
    assert word_errors(a, c) <= word_errors(a, b) + word_errors(b, c)


def test_word_errors_by_hand():
    assert word_errors([1, 2, 3], []) == 3
    assert word_errors([], [5]) == 1
    assert word_errors([1, 2, 3, 4], [1, 3, 4, 5]) == 2
    assert word_errors([1, 2], [2, 1]) == 2


def test_too_few_frames():
    with pytest.raises(ValueError, match="2 frames for 3 states"):
        align(np.zeros((2, 3)), np.full(3, 0.5))
    with pytest.raises(ValueError, match="use fewer states"):
        train_states([np.zeros((2, 1))], [(0,)], words=1, states=3)
    assert decode(np.zeros((1, 4)), model_of(2, 2)) == []


def test_a_state_without_frames():
    frames = [RNG.normal(size=(9, 2)) for _ in range(3)]
    with pytest.raises(ValueError, match="is a word missing"):
        train_states(frames, [(0,)] * 3, words=2, states=3)


def test_no_iterations_are_an_error():
    with pytest.raises(ValueError, match="iterations is 0"):
        train_states([np.zeros((4, 1))], [(0,)], words=1, states=2, iterations=0)
