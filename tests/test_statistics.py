"""Means over seeds, shares and ranks, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from minikd.statistics import (
    Mean,
    change,
    mean_and_sd,
    mean_of,
    paired_test,
    rank_correlation,
    share_interval,
    share_of_gain,
    standard_error,
)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (([1, 2, 3],), "2.0 ± 1.0 (n = 3)"),
        (([1, 2, 3], "%"), "2.0 ± 1.0 % (n = 3)"),
        (([72],), "72 (n = 1)"),
        (([72.5], "errors"), "72.5 errors (n = 1)"),
    ],
)
def test_mean_and_sd(given, said):
    assert mean_and_sd(*given) == said


def test_the_standard_error_is_that_of_the_mean_over_the_first_axis():
    """Of 0, 0, 3, 3 the variance is 9 / 3 if the mean is not known, that of their mean a fourth."""
    got = standard_error([[0, 7], [0, 7], [3, 7], [3, 7]])
    np.testing.assert_allclose(got, [np.sqrt(3 / 4), 0], rtol=1e-14)


@pytest.mark.parametrize("one", [5, [5, 6, 7], [[5, 6, 7]]])
def test_one_seed_has_a_standard_error_of_0_in_the_shape_of_its_values(one):
    np.testing.assert_array_equal(standard_error([one]), np.zeros(np.shape(one)), strict=True)


def test_the_mean_over_seeds():
    assert mean_of([1, 3]) == (2.0, 1.0)
    assert mean_of([5]) == (5.0, None)


@pytest.mark.parametrize(
    ("function", "given", "said"),
    [
        (standard_error, 3.0, r"of_seeds has shape \(\); expected \(seeds, \.\.\.\)"),
        (standard_error, [[]], r"of_seeds has shape \(1, 0\); expected \(seeds, \.\.\.\)"),
        (mean_of, [], r"values has shape \(0,\); expected \(seeds,\)"),
        (mean_of, [[1, 2]], r"values has shape \(1, 2\); expected \(seeds,\)"),
        (mean_and_sd, [[1, 2]], r"values has shape \(1, 2\); expected \(seeds,\)"),
    ],
)
def test_there_is_at_least_one_seed(function, given, said):
    with pytest.raises(ValueError, match=f"^{said}, one seed or more$"):
        function(given)


@pytest.mark.parametrize(
    ("mean", "how", "said"),
    [
        (Mean(1.6251, 0.0371), {}, "1.63 ± 0.04"),
        (Mean(1.6251, 0.0371), {"sign": True}, "+1.63 ± 0.04"),
        (Mean(1.6251, 0.0371), {"digits": 3}, "1.625 ± 0.037"),
        (Mean(1.6251, None), {}, "1.63"),
        (Mean(-1.6251, None), {"digits": 0, "sign": True}, "-2"),
        (Mean(0.5, None), {"digits": 20}, "0.50000000000000000000"),
    ],
)
def test_a_mean_in_words(mean, how, said):
    assert mean.words(**how) == said


def test_a_mean_has_at_most_20_digits():
    with pytest.raises(ValueError, match=r"^digits is 21; expected 0 … 20, an integer$"):
        Mean(0.5, None).words(21)


@pytest.mark.parametrize(
    ("mean", "clear", "said"),
    [
        (Mean(2.1, 1.0), True, "clearly"),
        (Mean(-2.1, 1.0), True, "clearly"),
        (Mean(2.0, 1.0), False, "not clearly"),
        (Mean(9.0, None), False, "one seed, so no standard error"),
    ],
)
def test_clear_is_more_than_two_standard_errors_from_0(mean, clear, said):
    assert mean.clear is clear
    assert mean.clearly == said


@pytest.mark.parametrize("dtype", [float, int, np.uint8])
def test_a_change_is_paired_by_seed(dtype):
    """Counts in bytes too, in which 3 - 5 is 254."""
    metrics = {"after": np.array([3, 9], dtype), "before": np.array([5, 13], dtype)}
    assert change(metrics, "after", "before") == (-3.0, 1.0)


@pytest.mark.parametrize(
    ("metrics", "names", "said"),
    [
        (3, "ab", "metrics is 3; expected a mapping from names to values"),
        ({"a": [1], "b": [2]}, "cb", "metric is 'c'; expected one of a, b"),
        ({"a": [1], "b": [2]}, "ac", "since is 'c'; expected one of a, b"),
        (
            {"a": [1, 2], "b": [2]},
            "ab",
            "metric has 2 values in metrics and since 1; expected the same",
        ),
    ],
)
def test_a_change_needs_both_metrics_of_the_same_seeds(metrics, names, said):
    with pytest.raises(ValueError, match=f"^{said}$"):
        change(metrics, *names)


@pytest.mark.parametrize(
    ("kept", "gain", "percent"),
    [
        (1, 4, 25), (0.25, 0.5, 50), (-1, 4, -25), (6, 4, 150),
        (0, 0, 100), (0.5, 0, 100), (-0.5, 0, 0), (0, -2, 100), (-1, -2, 0),
    ],
)  # fmt: skip
def test_the_share_of_a_gain_in_percent(kept, gain, percent):
    assert share_of_gain(kept, gain) == percent


def test_the_interval_of_a_share_is_that_of_95_percent():
    assert share_interval(74, 10_000) == share_interval(74, 10_000, 0.95)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((0, 0), "cases is 0; expected an integer ≥ 1"),
        ((float("nan"), 10), "errors is nan; expected a finite number"),
        ((11, 10), "errors is 11.0; expected a number from 0 to cases, 10"),
        ((1, 10, 1.0), "level is 1.0; expected a number between 0 and 1"),
    ],
)
def test_no_interval_without_cases(given, said):
    with pytest.raises(ValueError, match=f"^{said}$"):
        share_interval(*given)


@pytest.mark.parametrize("not_bits", [[0, 2, 0], [-1, 0, 0]])
def test_a_case_is_wrong_or_not(not_bits):
    for name, given in (("wrong_a", (not_bits, [0, 1, 0])), ("wrong_b", ([0, 1, 0], not_bits))):
        with pytest.raises(ValueError, match=f"^{name} holds numbers that are not 0 or 1"):
            paired_test(*given)


def test_ranks_are_compared_by_name():
    """Two neighbours swapped, of four: 1 - 6 · 2 / (4 · 15)."""
    a = {"w": 1, "x": 2, "y": 3, "z": 4}
    assert rank_correlation(a, {"z": 400, "y": 20, "x": 30, "w": 1}) == pytest.approx(0.8)
    assert rank_correlation(a, {"z": -4, "w": -1, "y": -3, "x": -2}) == pytest.approx(-1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (3, "{} is 3; expected a mapping from names to values"),
        ({"x": 1.0, "y": np.nan}, "{} is nan; expected a finite number"),
        (
            {"x": 2.0, "y": 2.0},
            "all values of {} are the same; expected some that can be ranked",
        ),
    ],
)
def test_what_has_no_ranks_is_named(wrong, said):
    right = {"x": 1.0, "y": 2.0}
    for name, given in (("a", (wrong, right)), ("b", (right, wrong))):
        with pytest.raises(ValueError, match=f"^{said.format(name)}$"):
            rank_correlation(*given)
