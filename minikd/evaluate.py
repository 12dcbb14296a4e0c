"""How many cases a network gets wrong, how sure it is, and what moving a class's bias changes.

Adding a number to the logit of a class in every case is the same as adding it to that class's
bias in the last layer. So a bias can be chosen from logits alone, without the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minikd import arrays, checks, equations, values
from minikd.backend import Array, to_host
from minikd.data.augment import shift_images
from minikd.data.dataset import Dataset, is_dataset
from minikd.mixture import Mixture
from minikd.mlp import MLP
from minikd.progress import with_progress


def errors(z: Array, y: Array) -> Any:
    """Number of cases whose largest logit is not the label's.

    Parameters
    ----------
    z : array, shape (*E, n, N)
    y : array of int, shape (n,)

    Returns
    -------
    int, or array of int, shape (*E,)

    Examples
    --------
    >>> errors([[2.0, 1.0], [0.0, 3.0]], [0, 0])
    1
    """
    z, y = checks.answers(z, y)
    wrong = (z.argmax(-1) != y).sum(axis=-1)
    return int(wrong) if wrong.ndim == 0 else wrong


def errors_per_class(z: Array, y: Array) -> Any:
    """Errors on the cases of each class.

    Parameters
    ----------
    z : array, shape (n, N)
    y : array of int, shape (n,)

    Returns
    -------
    array of int, shape (N,)
    """
    table = confusion(z, y)
    return table.sum(-1) - table.diagonal()


def confusion(z: Array, y: Array) -> Any:
    """The confusion matrix: how often cases of each label (row) get each answer (column).

    Parameters
    ----------
    z : array, shape (n, N)
    y : array of int, shape (n,)

    Returns
    -------
    array of int, shape (N, N)

    Examples
    --------
    >>> confusion([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0]], [0, 0, 1])
    array([[1, 1],
           [1, 0]])
    """
    z, y = checks.answers(z, y, "(n, N)")
    N = z.shape[-1]
    return np.bincount(N * y + z.argmax(-1), minlength=N * N).reshape(N, N)


def with_bias(z: Array, classes: int | Sequence[int], bias: float) -> Any:
    """A copy of the logits, with ``bias`` added to the logits of one class or several.

    Parameters
    ----------
    z : array, shape (..., N)
    classes : int, or sequence or array of int
    bias : float

    Returns
    -------
    array, shape (..., N)
    """
    z = np.array(arrays.array("z", z, "(..., N)"))
    if z.dtype == np.float16:  # too coarse to add a bias to
        z = z.astype(np.float32)
    elif not np.issubdtype(z.dtype, np.floating):
        z = z.astype(float)
    z[..., values.some_classes(classes, z.shape[-1])] += values.finite("bias", bias)
    return z


def logits_over_views(
    net: MLP, data: Dataset, pixels: int, *, progress: str | None = None
) -> Any:
    """Mean logits of each image over all its shifts by up to ``pixels`` pixels.

    A teacher that was trained with jitter gives slightly different answers for the
    (2 · pixels + 1)² shifted images. Their mean is more reliable, as with an ensemble; the mean of
    logits is the geometric mean of probabilities, one of the two means that Section 1 names for
    an ensemble. The student still sees only the unshifted image. The paper does not average over
    shifts.

    Parameters
    ----------
    net : MLP
    data : Dataset
    pixels : int
        0 uses the images as they are.
    progress : str, optional
        Title of a progress bar.

    Returns
    -------
    array, shape (*E, n, N)
        On the host.
    """
    values.instance("net", net, (MLP, Mixture), "a network, like MLP([784, 100, 10], rng=0)")
    is_dataset(data)
    pixels, progress = values.whole("pixels", pixels), values.title("progress", progress)
    if data.x.shape[-1] != net.sizes[0]:
        raise ValueError(
            f"data has {data.x.shape[-1]} inputs per case and net {net.sizes[0]}; expected the same"
        )
    shifts = range(-pixels, pixels + 1)
    moves = [(down, right) for down in shifts for right in shifts]
    xp, at_once, parts = net.xp, 2000, []
    for k in with_progress(0, -(-len(data) // at_once), progress, "batch"):
        x = xp.asarray(data.x[k * at_once : (k + 1) * at_once], dtype=net.parameters[0].dtype)
        z: Any = 0.0
        for move in moves:
            each = xp.asarray(np.tile(move, (len(x), 1)))
            z = z + to_host(net(shift_images(x, each, data.shape, pixels)))
        parts.append(z / len(moves))
    return np.concatenate(parts, axis=-2)


@dataclass(frozen=True, eq=False)
class BiasSweep:
    """Errors against the bias of some classes.

    Attributes
    ----------
    biases : array, shape (S,)
    errors : array of int, shape (S,)
    best : float
        The bias with the fewest errors; of several, the middle one.
    """

    biases: Any
    errors: Any
    best: float


def sweep_bias(z: Array, y: Array, classes: int | Sequence[int], biases: Array) -> BiasSweep:
    """Count the errors for each of many biases, and choose one (Section 3).

    With test labels as ``y`` this is the paper's protocol. For an honest one, hold cases out of
    the transfer set and let ``y`` be the *teacher's* answers to them: then no label and no test
    case is used to choose the bias.

    Parameters
    ----------
    z : array, shape (n, N)
        Logits of the student.
    y : array of int, shape (n,)
        What the student should say.
    classes : int, or sequence or array of int
        The classes whose bias is moved, all by the same amount.
    biases : array, shape (S,)

    Returns
    -------
    BiasSweep

    Raises
    ------
    ValueError
        If no class or every class is named (moving all of them changes nothing), there is no
        bias to try, or z and y do not fit together.
    """
    z, y = checks.answers(z, y, "(n, N)")
    biases = arrays.array("biases", biases, "(biases,)", dtype=float)
    if not biases.size:
        raise ValueError("biases is empty; expected one bias or more")
    moved = values.some_classes(classes, z.shape[-1])
    if not moved.any() or moved.all():
        raise values.refused("classes", classes, "some of the classes, not all")
    # A case goes to the moved classes once the bias exceeds the lead of the others.
    lead = z[:, ~moved].max(-1) - z[:, moved].max(-1)
    inside = np.flatnonzero(moved)[z[:, moved].argmax(-1)]
    outside = np.flatnonzero(~moved)[z[:, ~moved].argmax(-1)]
    # Of equal logits, the first wins.
    each = biases[:, None]
    goes_in = (each > lead) | ((each == lead) & (inside < outside))
    counts = np.where(goes_in, inside != y, outside != y).sum(-1)
    best = biases[np.flatnonzero(counts == counts.min())]
    return BiasSweep(biases, counts, float(best[(len(best) - 1) // 2]))


def log_loss(z: Array, y: Array) -> Any:
    """Cross-entropy with the labels, in nats: the mean over cases of -log q of the label.

    Parameters
    ----------
    z : array, shape (*E, n, N)
        Logits.
    y : array of int, shape (n,)

    Returns
    -------
    float, or array, shape (*E,)
    """
    z, y = checks.answers(z, y)
    if not len(y):
        raise ValueError("z and y hold no cases; expected at least one")
    cost = equations.hard_target_cost(z.astype(np.float64), y).mean(-1)
    return float(cost) if cost.ndim == 0 else cost


def calibration_error(z: Array, y: Array, bins: int = 15) -> float:
    """The expected calibration error: how far confidence is from accuracy (Guo et al. 2017).

    Cases are sorted by their largest probability into bins of equal width. In each bin, the mean of
    that probability is compared with the share of right answers; the average of the absolute
    differences counts each bin by its number of cases.

    Parameters
    ----------
    z : array, shape (n, N)
        Logits.
    y : array of int, shape (n,)
    bins : int

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> calibration_error([[0.0, 0.0], [0.0, 0.0]], [0, 1])
    0.0
    """
    (z, y), bins = checks.answers(z, y, "(n, N)"), values.whole("bins", bins, 1)
    if not len(y):
        raise ValueError("z and y hold no cases; expected one case and one bin or more")
    sure = equations.softmax(z.astype(np.float64)).max(-1)
    beyond = np.where(z.argmax(-1) == y, 1.0, 0.0) - sure
    into = np.minimum((sure * bins).astype(int), bins - 1)
    return float(np.abs(np.bincount(into, weights=beyond)).sum() / len(y))


def fit_temperature(z: Array, y: Array) -> float:
    """Temperature scaling: the T at which z / T has the lowest log-loss (Guo et al. 2017).

    Parameters
    ----------
    z : array, shape (n, N)
        Logits of cases that the network was not trained on.
    y : array of int, shape (n,)

    Returns
    -------
    float
        Between 1/20 and 20.
    """
    from scipy.optimize import minimize_scalar

    z, y = checks.answers(z, y, "(n, N)")
    found = minimize_scalar(
        lambda log_T: log_loss(z / np.exp(log_T), y),
        bounds=(-np.log(20), np.log(20)), method="bounded",
    )  # fmt: skip
    return float(np.exp(found.x))
