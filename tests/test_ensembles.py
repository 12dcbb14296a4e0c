"""Means of many networks: against their formulas, and as soft targets."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp

from minikd import equations as eq
from minikd.ensembles import arithmetic_mean, geometric_mean

RNG = np.random.default_rng(5)
V = RNG.normal(0, 4, (7, 6, 5))  # seven members


@pytest.mark.parametrize("T", [0.5, 1.0, 4.0])
def test_the_arithmetic_mean_is_the_mean_of_the_distributions(T):
    expected = np.mean([eq.softmax(v, T) for v in V], axis=0)
    np.testing.assert_allclose(eq.softmax(arithmetic_mean(V, T), T), expected, rtol=1e-12)


@pytest.mark.parametrize("T", [0.5, 1.0, 4.0])
def test_the_geometric_mean_is_the_geometric_mean_of_the_distributions(T):
    log_p = np.mean([eq.log_softmax(v, T) for v in V], axis=0)
    expected = np.exp(log_p - logsumexp(log_p, axis=-1, keepdims=True))
    np.testing.assert_allclose(eq.softmax(geometric_mean(V), T), expected, rtol=1e-12)


def test_both_means_of_one_member_are_that_member():
    for T in (1.0, 3.0):
        np.testing.assert_allclose(
            eq.softmax(arithmetic_mean(V[:1], T), T), eq.softmax(V[0], T)
        )
    np.testing.assert_array_equal(geometric_mean(V[:1]), V[0])


def test_the_arithmetic_mean_is_softer():
    """On average: a member that rules a class out rules it out of a product, not of a sum."""
    v = RNG.normal(0, 4, (7, 1000, 5))
    assert eq.entropy(arithmetic_mean(v)).mean() > 1.1 * eq.entropy(geometric_mean(v)).mean()


def test_confident_members_stay_finite():
    sure = np.array([[[0.0, 5000.0]], [[0.0, 5001.0]]])
    v = arithmetic_mean(sure)
    assert np.isfinite(v).all()
    np.testing.assert_allclose(eq.softmax(v), [[0.0, 1.0]])
    assert arithmetic_mean(V.astype(np.float32)).dtype == np.float32


def test_an_ensemble_without_members():
    for mean in (arithmetic_mean, geometric_mean):
        with pytest.raises(ValueError, match="at least one member"):
            mean(V[:0])
        with pytest.raises(ValueError, match="at least one member"):
            mean(V[0, 0])
    with pytest.raises(ValueError, match="T is 0"):
        arithmetic_mean(V, 0)


def test_weights_count_members_as_often_as_they_say():
    twice = np.concatenate([V, V[:1]])
    weights = [2.0, *[1.0] * (len(V) - 1)]
    for mean in (geometric_mean, arithmetic_mean):
        np.testing.assert_allclose(
            mean(V, weights=weights), mean(twice), rtol=1e-12, atol=1e-12
        )
        one = mean(V, weights=[0.0, 1.0, *[0.0] * (len(V) - 2)])
        np.testing.assert_allclose(eq.softmax(one), eq.softmax(V[1]), rtol=1e-12)
        for bad in ([1.0], [-1.0] * len(V), [0.0] * len(V), [np.nan] * len(V)):
            with pytest.raises(ValueError, match=r"weights (is|holds)"):
                mean(V, weights=bad)


def test_a_member_that_does_not_count_changes_nothing_however_sure():
    for dtype, size in ((np.float64, 1000.0), (np.float32, 200.0)):
        sure, even = np.array([size, -size], dtype), np.zeros(2, dtype)
        for members, weights in (([sure, even], [1, 0]), ([even, sure], [1e-50, 1])):
            got = arithmetic_mean(np.stack(members), 1.0, weights)
            assert np.isfinite(got).all()
            np.testing.assert_allclose(eq.softmax(got), eq.softmax(sure), atol=1e-7)
    twice = geometric_mean([[1.0, 2], [3, 4]], [1e308, 1e308])
    np.testing.assert_allclose(twice, [2, 3])


def test_probabilities_are_not_taken_for_logits():
    with pytest.raises(ValueError, match="v holds probabilities"):
        arithmetic_mean(np.stack([V[0], eq.softmax(V[1])]))
    p = eq.softmax(V)
    for mean in (geometric_mean, arithmetic_mean):
        with pytest.raises(ValueError, match=r"v holds probabilities.*np\.log.*insist=True"):
            mean(p)
        mean(p, insist=True)
