"""Means over seeds, clear differences, paired tests, rank correlation. Nothing draws or writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minikd.backend import to_host


def mean_and_sd(values: Sequence[float], unit: str = "") -> str:
    """``mean ± sd (n)`` as text, or the value itself if there is only one.

    Examples
    --------
    >>> mean_and_sd([1, 2, 3], "%")
    '2.0 ± 1.0 % (n = 3)'
    >>> mean_and_sd([72])
    '72 (n = 1)'
    """
    mean, n, unit = np.mean(values), len(values), f" {unit}" if unit else ""
    if n == 1:
        return f"{mean:.1f}".removesuffix(".0") + f"{unit} (n = 1)"
    return f"{mean:.1f} ± {np.std(values, ddof=1):.1f}{unit} (n = {n})"


def standard_error(of_seeds: Any) -> Any:
    """The standard error of a mean over seeds, the first axis; 0 for one seed.

    Parameters
    ----------
    of_seeds : array, shape (seeds, ...)

    Returns
    -------
    array, shape (...)
    """
    n = len(of_seeds)
    if n == 1:
        return np.zeros_like(of_seeds[0], dtype=float)
    return np.std(of_seeds, axis=0, ddof=1) / np.sqrt(n)


class Mean(NamedTuple):
    """A mean over seeds and its standard error, None for one seed."""

    value: float
    error: float | None

    def words(self, digits: int = 2, sign: bool = False) -> str:
        """As text, ``+1.62 ± 0.04``, or the mean alone."""
        said = f"{self.value:{'+' if sign else ''}.{digits}f}"
        return said if self.error is None else f"{said} ± {self.error:.{digits}f}"

    @property
    def clear(self) -> bool:
        """Whether the mean differs from 0 by more than two standard errors."""
        return self.error is not None and abs(self.value) > 2 * self.error

    @property
    def clearly(self) -> str:
        """Whether it is clear, as an adverb for a sentence."""
        if self.error is None:
            return "one seed, so no standard error"
        return "clearly" if self.clear else "not clearly"


def mean_of(values: Any) -> Mean:
    """The mean over seeds and its standard error."""
    error = None if len(values) == 1 else float(standard_error(np.asarray(values, float)))
    return Mean(float(np.mean(values)), error)


def change(metrics: Mapping[str, Sequence[float]], metric: str, since: str) -> Mean:
    """How much larger ``metric`` is than ``since``, paired by seed."""
    return mean_of(np.subtract(metrics[metric], metrics[since]))


def share_of_gain(kept: float, gain: float) -> float:
    """``kept`` in percent of ``gain``; if nothing was gained, 100 if nothing was lost, else 0."""
    return 100 * float(kept / gain if gain > 0 else kept >= 0)


def paired_test(wrong_a: Any, wrong_b: Any) -> float:
    """Could two networks be equally good? The exact McNemar test, two-sided.

    Only the cases that one gets right and the other gets wrong are informative; if both were
    equally good, each of them would be a fair coin toss.

    Parameters
    ----------
    wrong_a, wrong_b : array of bool, shape (n,)
        Where each network is wrong, on the same cases.

    Returns
    -------
    float
        The probability of a split at least this uneven if the two were equally good.

    Raises
    ------
    ValueError
        If the two do not have the same shape (n,).

    Examples
    --------
    >>> paired_test([True, True, True, False, False], [False, False, False, False, True])
    0.625
    """
    from scipy.stats import binomtest

    a, b = (np.asarray(to_host(wrong), dtype=bool) for wrong in (wrong_a, wrong_b))
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"shapes are {a.shape} and {b.shape}; expected (n,) for both")
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    if only_a + only_b == 0:
        return 1.0
    return float(binomtest(only_a, only_a + only_b, 0.5).pvalue)


def rank_correlation(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    """Spearman's rank correlation of two sets of values with the same names."""
    from scipy.stats import spearmanr

    return float(spearmanr([a[name] for name in a], [b[name] for name in a]).statistic)
