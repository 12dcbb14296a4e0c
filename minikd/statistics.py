"""Means over seeds, clear differences, paired tests, rank correlation. Nothing draws or writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minikd import arrays
from minikd import values as checked


def mean_and_sd(values: Sequence[float], unit: str = "") -> str:
    """``mean ± sd (n)`` as text, or the value itself if there is only one.

    Examples
    --------
    >>> mean_and_sd([1, 2, 3], "%")
    '2.0 ± 1.0 % (n = 3)'
    >>> mean_and_sd([72])
    '72 (n = 1)'
    """
    values = _of_seeds("values", values)
    unit = f" {unit}" if checked.text("unit", unit) else ""
    mean, n = np.mean(values), len(values)
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
    of_seeds = _of_seeds("of_seeds", of_seeds, "(seeds, ...)")
    n = len(of_seeds)
    if n == 1:
        return np.zeros_like(of_seeds[0])
    return np.std(of_seeds, axis=0, ddof=1) / np.sqrt(n)


class Mean(NamedTuple):
    """A mean over seeds and its standard error, None for one seed."""

    value: float
    error: float | None

    def words(self, digits: int = 2, sign: bool = False) -> str:
        """As text, ``+1.62 ± 0.04``, or the mean alone."""
        digits, sign = checked.whole("digits", digits, 0, 20), checked.flag("sign", sign)
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
    values = _of_seeds("values", values)
    error = None if len(values) == 1 else float(standard_error(values))
    return Mean(float(np.mean(values)), error)


def change(metrics: Mapping[str, Sequence[float]], metric: str, since: str) -> Mean:
    """How much larger ``metric`` is than ``since``, paired by seed."""
    _names("metrics", metrics)
    both = [
        _of_seeds(f"{name}, of metrics,", checked.known(name, which, metrics))
        for name, which in (("metric", metric), ("since", since))
    ]
    if both[0].shape != both[1].shape:
        raise ValueError(
            f"metric has {len(both[0])} values in metrics and since {len(both[1])}; expected the same"
        )
    return mean_of(both[0] - both[1])


def share_of_gain(kept: float, gain: float) -> float:
    """``kept`` in percent of ``gain``; if nothing was gained, 100 if nothing was lost, else 0."""
    kept, gain = checked.finite("kept", kept), checked.finite("gain", gain)
    return 100 * float(kept / gain if gain > 0 else kept >= 0)


def share_interval(errors: float, cases: int, level: float = 0.95) -> tuple[float, float]:
    """Between what shares of errors other test cases would leave: the exact interval.

    The interval of Clopper and Pearson (1934): the shares at which so many errors among so many
    cases, drawn independently, would not be unlikely, on either side. The mean over networks that
    are asked the same cases may stand for the errors of one.

    Parameters
    ----------
    errors : float
        0 ≤ errors ≤ cases.
    cases : int
    level : float
        0 < level < 1.

    Returns
    -------
    low, high : float
        From 0 to 1.

    Examples
    --------
    >>> [round(end, 4) for end in share_interval(74, 10_000)]
    [0.0058, 0.0093]
    """
    from scipy.stats import beta

    cases, errors = checked.whole("cases", cases, 1), checked.finite("errors", errors)
    level = checked.finite("level", level)
    if not 0 <= errors <= cases:
        raise checked.refused("errors", errors, f"a number from 0 to cases, {cases}")
    if not 0 < level < 1:
        raise checked.refused("level", level, "a number between 0 and 1")
    tail = (1 - level) / 2
    low = beta.ppf(tail, errors, cases - errors + 1) if errors > 0 else 0.0
    high = beta.ppf(1 - tail, errors + 1, cases - errors) if errors < cases else 1.0
    return float(low), float(high)


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

    a, b = _wrong("wrong_a", wrong_a), _wrong("wrong_b", wrong_b)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(
            f"wrong_a has shape {a.shape} and wrong_b {b.shape}; expected (n,) for both"
        )
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    if only_a + only_b == 0:
        return 1.0
    return float(binomtest(only_a, only_a + only_b, 0.5).pvalue)


def rank_correlation(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    """Spearman's rank correlation of two sets of values with the same names."""
    from scipy.stats import spearmanr

    for name, given in (("a", a), ("b", b)):
        _names(name, given)
    if set(a) != set(b) or len(a) < 2:
        raise ValueError(
            f"a has {len(a)} names and b {len(b)}; expected the same names, two or more"
        )
    x, y = (
        [checked.finite(letter, of[name]) for name in a] for letter, of in (("a", a), ("b", b))
    )
    for letter, of in (("a", x), ("b", y)):
        if min(of) == max(of):
            raise ValueError(
                f"all values of {letter} are the same; expected some that can be ranked"
            )
    return float(spearmanr(x, y).statistic)


def _of_seeds(name: str, of_seeds: Any, shape: str = "(seeds,)") -> Any:
    """Numbers, the seeds on the first axis, at least one."""
    found = arrays.array(name, of_seeds, dtype=float)
    if not found.ndim or not found.size or (shape == "(seeds,)" and found.ndim != 1):
        raise ValueError(f"{name} has shape {found.shape}; expected {shape}, one seed or more")
    return found


def _wrong(name: str, wrong: Any) -> Any:
    found = arrays.array(name, wrong, kind="0 or 1")
    if found.size and (found.min() < 0 or found.max() > 1):
        raise ValueError(f"{name} holds numbers that are not 0 or 1; expected True where wrong")
    return found.astype(bool)


def _names(name: str, given: Any) -> None:
    checked.instance(name, given, (Mapping,), "a mapping from names to values")
