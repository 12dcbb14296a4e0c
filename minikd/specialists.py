"""Section 5 of Hinton, Vinyals & Dean 2015: specialists beside a generalist.

One network, the generalist, knows all N classes. Each of M specialists starts from its weights and
learns to tell apart a few classes that the generalist confuses; to a specialist, all other classes
are a single one, the dustbin. Where the generalist's answer is one of a specialist's classes, the
answers of both are combined by Eq. 5.

The letters are the paper's: q is the combined answer, p^g the generalist's, p^m specialist
m's, S^m its special classes, A the specialists that are active for a case. All
specialists have the same number S of special classes, so that they form one stack: ``classes``, an
array of shape (M, S), says which. The dustbin is their last class, number S.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikd import arrays, values
from minikd.backend import Array, Stream, generator
from minikd.labels import all_known
from minikd.mlp import MLP

# ---------------------------------------------------------------- which classes (Section 5.3)


def prediction_covariance(q: Array) -> Any:
    r"""Covariance of the generalist's predictions, over cases; no labels are used (Section 5.3).

    .. math:: \Sigma_{ij} = \overline{q_i q_j} - \bar q_i \, \bar q_j

    Classes that are often predicted together have similar columns.

    Parameters
    ----------
    q : array, shape (n, N)
        Probabilities.

    Returns
    -------
    array of float64, shape (N, N)
        On the host.

    Raises
    ------
    ValueError
        If q does not hold probabilities, there are fewer than two cases, or all predictions are
        the same: then nothing tells the classes apart.
    """
    q = arrays.array("q", q, dtype=np.float64, nan=True)
    if q.ndim != 2 or len(q) < 2 or not q.shape[1]:
        raise ValueError(f"q has shape {q.shape}; expected (cases, classes), two cases or more")
    with np.errstate(over="ignore", invalid="ignore"):
        wrong = (
            not np.isfinite(q).all() or np.abs(q.sum(-1) - 1).max() > 1e-3 or q.min() < -1e-6
        )
    if wrong:
        raise ValueError(
            "q holds NaN, negative numbers, or rows that do not add up to 1; expected probabilities"
        )
    if np.ptp(q, axis=0).max() < 1e-12:
        raise ValueError(
            f"the predictions q are the same in all {len(q)} cases, so their covariance is 0; "
            "expected a trained generalist's predictions on many cases"
        )
    away = q - q.mean(0)
    return away.T @ away / len(q)


def cluster_classes(
    covariance: Any, clusters: int, size: int, rng: Any = 0, passes: int = 20
) -> Any:
    """Clusters of confused classes: online K-means on the columns of the covariance (Section 5.3).

    The columns come one by one, in a new order in each pass. The nearest centre moves towards the
    column by 1/n of the distance, where n is the number of columns that it has had (MacQueen 1967).
    A centre that had none in a pass starts again from the column that is farthest from its nearest
    centre.

    A centre is a mean of columns, so its i-th entry says how much class i is predicted together
    with the classes of the cluster. Each specialist gets the ``size`` classes with the largest
    entries, even if the last of these are negative. Clusters may overlap, as in the paper, and a
    class may be in none; then the generalist alone answers for it.

    Parameters
    ----------
    covariance : array, shape (N, N)
        From :func:`prediction_covariance`.
    clusters : int
        Number of specialists M.
    size : int
        Number S of special classes of each.
    rng : int or Generator
    passes : int
        Number of passes over the columns.

    Returns
    -------
    array of int, shape (M, S)
        Each row in rising order.

    Raises
    ------
    ValueError
        If there are more clusters than classes, a specialist would have no class or all, or the
        covariance is 0 or not finite.
    """
    covariance = arrays.array("covariance", covariance, dtype=np.float64)
    if covariance.ndim != 2 or covariance.shape[0] != covariance.shape[1]:
        raise ValueError(f"covariance has shape {covariance.shape}; expected (N, N)")
    if not covariance.any():
        raise ValueError("covariance is 0: the predictions are the same in all cases")
    columns, N = covariance.T, len(covariance)
    clusters, passes = (
        values.whole("clusters", clusters, 1, N),
        values.whole("passes", passes, 1),
    )
    size = _checked_size("size", size, N)
    stream = generator(values.as_seed(rng), Stream.CLUSTERS)
    centres, had = columns[stream.permutation(N)[:clusters]].copy(), np.ones(clusters)
    for _ in range(passes):
        before = had.copy()
        for j in stream.permutation(N):
            k = _distances(columns[j], centres).argmin()
            had[k] += 1
            centres[k] += (columns[j] - centres[k]) / had[k]
        for k in np.flatnonzero(had == before):
            far = _distances(columns[:, None], centres).min(1).argmax()
            centres[k], had[k] = columns[far], 1
    largest = (-centres).argsort(axis=1, kind="stable")
    return np.sort(largest[:, :size], axis=1)


def _distances(a: Any, b: Any) -> Any:
    return np.square(a - b).sum(-1)


# ---------------------------------------------------------------- specialists (Section 5.2)


def specialist_labels(y: Array, classes: Any, N: int) -> Any:
    """Labels as each specialist sees them: which of its special classes, or S for the dustbin.

    Parameters
    ----------
    y : array of int, shape (n,)
    classes : array of int, shape (M, S)
    N : int
        Number of classes.

    Returns
    -------
    array of int64, shape (M, n)

    Raises
    ------
    ValueError
        If a specialist has no class, every class, or one class twice, or a class or label is
        none of the N; a label of -1, not known, is none of them either.
    """
    classes, y = checked_classes(classes, N), arrays.held("y", y, "integer labels")
    if y.ndim != 1:
        raise ValueError(f"y has shape {y.shape}; expected (n,), a label per case")
    if not np.issubdtype(y.dtype, np.integer) or not np.isin(y, np.arange(-1, N)).all():
        raise ValueError(f"y holds labels that are not integers from 0 to {N - 1}")
    all_known(y, "specialists are drawn by labels: begin with data.take(data.labelled)")
    M, S = classes.shape
    seen_as = np.full((M, N), S)
    seen_as[np.arange(M)[:, None], classes] = np.arange(S)
    return seen_as[:, y]


def start_from(generalist: MLP, classes: Any, seeds: Sequence[int]) -> MLP:
    """A stack of specialists that start with the generalist's weights (Section 5.2).

    The hidden layers are the generalist's, and so are the logits of the special classes. The
    dustbin's logit should be the log-sum-exp of all other logits, which no linear layer can
    compute. Their mean plus the logarithm of their number is a linear lower bound of it, and equals
    it where they are all the same (Jensen's inequality).

    Parameters
    ----------
    generalist : MLP
        One network with N classes.
    classes : array of int, shape (M, S)
    seeds : sequence of int
        One per specialist, for masks and for the order of its cases.

    Returns
    -------
    MLP
        A stack of M networks with S + 1 classes.

    Raises
    ------
    ValueError
        If the generalist is a stack, the classes cannot be special ones, or seeds are missing.
    """
    values.instance(
        "generalist", generalist, (MLP,), "a network, like MLP([784, 100, 10], rng=0)"
    )
    if generalist.members:
        raise ValueError("generalist is a stack of networks; expected one")
    N = generalist.sizes[-1]
    classes = checked_classes(classes, N)
    M, S = classes.shape
    seeds = values.items("seeds", seeds, "seeds, one per specialist")
    if len(seeds) != M:
        raise ValueError(
            f"seeds has {len(seeds)} values; expected {M}, one per specialist in classes"
        )
    seeds = [values.as_seed(seed, "seeds") for seed in seeds]
    device = "cpu" if generalist.xp is np else "cuda"
    dtype = generalist.parameters[0].dtype
    stack = MLP([*generalist.sizes[:-1], S + 1], seeds, dtype=dtype, device=device)
    for own, shared in zip(stack.parameters[:-2], generalist.parameters[:-2], strict=True):
        own[...] = shared
    xp = generalist.xp
    W, b = generalist.parameters[-2:]
    for m, special in enumerate(classes):
        others = np.setdiff1d(np.arange(N), special)
        own, rest, count = (xp.asarray(a) for a in (special, others, np.log(len(others))))
        stack.parameters[-2][m, :, :S], stack.parameters[-1][m, :S] = W[:, own], b[own]
        stack.parameters[-2][m, :, S] = xp.mean(W[:, rest], axis=-1)
        stack.parameters[-1][m, S] = xp.mean(b[rest]) + count
    return stack


def dustbin_correction(y: Any, size: int, share: float = 0.5) -> Any:
    r"""What to add to each specialist's dustbin logit after training (Section 5.2).

    .. math:: \log \frac{\pi_m}{1 - \pi_m} \frac{1 - n_m / n}{n_m / n}

    In its batches a specialist saw special cases with a share of π, but only n_m of all n cases are
    special. By Bayes' rule its special logits are too large, relative to the dustbin's, by the
    logarithm of this oversampling, the ratio of the two odds.

    Parameters
    ----------
    y : array of int, shape (M, n)
        From :func:`specialist_labels`.
    size : int
        Number S of special classes of each; label S is the dustbin.
    share : float
        π, the share of special cases in each batch; one half in the paper.

    Returns
    -------
    array of float64, shape (M,)

    Raises
    ------
    ValueError
        If a specialist has no special case, or no other, the share is not between 0 and 1, or a
        label is -1, not known.
    """
    y = arrays.array("y", y, kind="whole")
    size, share = values.whole("size", size, 1), values.between("share", share)
    if y.ndim != 2 or not y.size or y.min() < -1 or y.max() > size:
        raise ValueError(
            f"y has shape {y.shape}; expected labels (M, n) from 0 to size, which is {size}"
        )
    all_known(y, "a special case is told by its label: take the labelled cases")
    natural = (y < size).mean(-1)
    if ((natural == 0) | (natural == 1)).any():
        m = int(np.flatnonzero((natural == 0) | (natural == 1))[0])
        raise ValueError(
            f"specialist {m} has {'no' if natural[m] == 0 else 'only'} special cases among "
            f"{y.shape[-1]}; expected both kinds of labels y, below size {size} and equal to it"
        )
    return np.log(share / (1 - share)) - np.log(natural / (1 - natural))


# ---------------------------------------------------------------- argument checks


def checked_classes(classes: Any, N: int, name: str = "classes") -> Any:
    """The special classes as an array of shape (M, S), checked."""
    N = values.whole("N", N, 2, 10**9)
    classes = arrays.held(name, classes, "integers, a row per specialist")
    if classes.ndim != 2 or not np.issubdtype(classes.dtype, np.integer) or not len(classes):
        raise ValueError(
            f"{name} has shape {classes.shape} and dtype {classes.dtype}; expected integers, one "
            "row per specialist, all of the same length"
        )
    _checked_size(name, classes.shape[1], N)
    if not np.isin(classes, np.arange(N)).all():
        raise ValueError(f"{name} holds numbers that are not from 0 to {N - 1}, as N is {N}")
    if any(len(set(row)) < len(row) for row in classes.tolist()):
        raise ValueError(f"{name} has a class twice for a specialist; expected each once")
    return classes


def _checked_size(name: str, size: Any, N: int) -> int:
    """How many special classes a specialist has."""
    checked = values.whole(name, size)
    if not 1 <= checked < N:
        raise ValueError(
            f"{name}: a specialist would have {checked} of {N} classes; expected 1 … {N - 1}, so "
            f"that something of all N = {N} is left for its dustbin"
        )
    return checked
