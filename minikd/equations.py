"""Section 2 of Hinton, Vinyals & Dean 2015 (arXiv:1503.02531), top to bottom.

The letters are the paper's: z are the logits of the distilled model (the student), v the logits of
the cumbersome model (the teacher), q and p their probabilities, T the temperature and N the
number of classes. Cases are on the second-to-last axis and classes on the last, so z has shape
``(..., B, N)``; axes before these (members of a stack) are carried along.

Costs give one value per case, ``(..., B)``, in nats (logit matching: in squared logits). The mean
over cases is not taken here but in one place, in :mod:`minikd.train`.

T may be a number, or an array whose last axis has length 1, such as ``(E, 1, 1)`` for one
temperature per member or ``(B, 1)`` for one per case.

Every function is pure and takes any array of the Python array API standard. Lists and integer
arrays of NumPy are read as float64. All raise `ValueError` for a T that is not positive and finite,
logits that are not finite, a single class, misfit shapes and wrong labels (on a GPU, for shapes).
T must be from 1e-15 to 1e15; half precision is computed in float32.
"""

from __future__ import annotations

from minikd import checks, values
from minikd.backend import Array
from minikd.probabilities import (
    entropy,
    kl_divergence,
    log_softmax,
    one_hot,
    softmax,
    softmax_difference,
)

__all__ = [
    "distillation_cost", "distillation_gradient", "entropy", "hard_target_cost",
    "hard_target_gradient", "high_temperature_gradient", "kl_divergence", "log_softmax",
    "logit_matching_cost", "logit_matching_gradient", "soft_target_cost", "soft_target_gradient",
    "softmax", "softmax_difference", "temperature_gradient", "zero_mean_gradient",
]  # fmt: skip


# ---------------------------------------------------------------- soft targets


def soft_target_cost(z: Array, v: Array, T: Array = 1.0) -> Array:
    r"""Cross-entropy with the teacher's soft targets, both at temperature T (Section 2).

    .. math:: C = -\sum_i p_i \log q_i, \quad p = \mathrm{softmax}(v / T),
              \quad q = \mathrm{softmax}(z / T)

    Parameters
    ----------
    z, v : array, shape (..., B, N)
        Logits of the student and of the teacher; they broadcast.
    T : float or array, shape (..., 1)

    Returns
    -------
    array, shape (..., B)
        Nats per case. Its smallest value is the entropy of p, reached at q = p.

    Raises
    ------
    ValueError
        If T is not positive and finite, a logit is not finite, or shapes do not fit together.
    """
    xp, T, z, v = checks.arguments(T, z=z, v=v)
    p, log_q = softmax(v, T), log_softmax(z, T)
    return -xp.sum(p * xp.where(p > 0, log_q, xp.zeros_like(log_q)), axis=-1)


def soft_target_gradient(z: Array, v: Array, T: Array = 1.0) -> Array:
    r"""Gradient of :func:`soft_target_cost` with respect to the student's logits (Section 2.1, Eq. 2).

    .. math:: \frac{\partial C}{\partial z_i} = \frac{1}{T} (q_i - p_i)

    Softmax and logarithm cancel; the difference of the probabilities is left, times 1/T, the
    derivative of z/T. Arguments and errors as for the cost.

    Returns
    -------
    array, shape (..., B, N)
    """
    _, T, z, v = checks.arguments(T, z=z, v=v)
    return softmax_difference(z, v, T) / T


def temperature_gradient(z: Array, v: Array, T: Array = 1.0) -> Array:
    r"""Derivative of :func:`soft_target_cost` with respect to T, on which both p and q depend.

    .. math:: \frac{\partial C}{\partial T} = \frac{1}{T^2} \left( \frac{1}{T}
              \sum_i p_i (z_i - \bar z)(v_i - \bar v) - \sum_i (q_i - p_i) \, z_i \right)

    with the means :math:`\bar z = \sum_i p_i z_i` and :math:`\bar v = \sum_i p_i v_i`. Not in the
    paper; it follows from Eq. 1. The first term is what softer targets cost, the second what a
    softer answer saves. Arguments and errors as for the cost.

    Returns
    -------
    array, shape (..., B)
        Nats per unit of T.
    """
    xp, T, z, v = checks.arguments(T, z=z, v=v)
    p, away = softmax(v, T), softmax_difference(z, v, T)
    # First from the largest: where p is sure, the mean is nearly that, and would take its digits.
    z, v = (x - xp.max(x, axis=-1, keepdims=True) for x in (z, v))
    z, v = (x - xp.sum(p * x, axis=-1, keepdims=True) for x in (z, v))
    return xp.sum((p * z * v / T - away * z) / T**2, axis=-1)


def high_temperature_gradient(z: Array, v: Array, T: Array = 1.0) -> Array:
    r"""Eq. 2 with exp(x) replaced by 1 + x, for T far above the logits (Section 2.1, Eq. 3).

    .. math:: \frac{\partial C}{\partial z_i} \approx \frac{1}{T} \left(
              \frac{1 + z_i / T}{N + \sum_j z_j / T} -
              \frac{1 + v_i / T}{N + \sum_j v_j / T} \right)

    The error against Eq. 2 falls like T⁻³, one order faster than the gradient itself. At low T the
    formula is meaningless. The lines use :math:`q_i - p_i = (a_i - q_i \sum_j a_j) / (N + \sum_j v_j / T)`
    with a = (z - v) / T, the same without subtracting q and p. Arguments and errors as in
    :func:`soft_target_cost`.

    Returns
    -------
    array, shape (..., B, N)
    """
    xp, T, z, v = checks.arguments(T, z=z, v=v)
    N, a = z.shape[-1], (z - v) / T
    q = (1 + z / T) / (N + xp.sum(z / T, axis=-1, keepdims=True))
    away = a - q * xp.sum(a, axis=-1, keepdims=True)
    return away / (N + xp.sum(v / T, axis=-1, keepdims=True)) / T


def zero_mean_gradient(z: Array, v: Array, T: Array = 1.0) -> Array:
    r"""Eq. 3 for logits whose mean over the classes is 0 in each case (Section 2.1, Eq. 4).

    .. math:: \frac{\partial C}{\partial z_i} \approx \frac{1}{N T^2} (z_i - v_i)

    The mean is not subtracted here: if the means of z and v differ, this is not the limit of
    Eq. 2. Arguments and errors as in :func:`soft_target_cost`.

    Returns
    -------
    array, shape (..., B, N)
    """
    _, T, z, v = checks.arguments(T, z=z, v=v)
    N = z.shape[-1]
    return (z - v) / (N * T**2)


def logit_matching_cost(z: Array, v: Array) -> Array:
    r"""The cost whose gradient is Eq. 4, up to the factor 1/(N T²) (Section 2.1).

    .. math:: C = \tfrac{1}{2} \sum_i (z_i - v_i)^2

    So matching logits (Bucila et al. 2006) is distillation of zero-mean logits at a temperature
    so high that Eq. 4 holds.

    Returns
    -------
    array, shape (..., B)
    """
    xp, _, z, v = checks.arguments(1.0, z=z, v=v)
    return xp.sum((z - v) ** 2, axis=-1) / 2


def logit_matching_gradient(z: Array, v: Array) -> Array:
    r"""Gradient of :func:`logit_matching_cost` with respect to z (Section 2.1).

    .. math:: \frac{\partial C}{\partial z_i} = z_i - v_i

    Returns
    -------
    array, shape (..., B, N)
    """
    _, _, z, v = checks.arguments(1.0, z=z, v=v)
    return z - v


# ---------------------------------------------------------------- hard targets, and both


def hard_target_cost(z: Array, y: Array) -> Array:
    r"""Cross-entropy with the correct labels, at T = 1; 0 for a case whose label is not known.

    .. math:: C = -\log q_y

    Parameters
    ----------
    z : array, shape (..., B, N)
    y : array of int, shape (..., B)
        Labels, 0 ≤ y < N, or -1 where none is known.

    Returns
    -------
    array, shape (..., B)
        Nats per case.
    """
    xp, _, z = checks.arguments(1.0, z=z)
    log_q = log_softmax(z)
    return xp.sum(xp.where(_is_label(y, z), -log_q, xp.zeros_like(log_q)), axis=-1)


def hard_target_gradient(z: Array, y: Array) -> Array:
    r"""Gradient of :func:`hard_target_cost`: Eq. 2 at T = 1 with a p that is 1 at the label.

    .. math:: \frac{\partial C}{\partial z_i} = q_i - [i = y], \quad \text{or } 0 \text{ if } y = -1

    Returns
    -------
    array, shape (..., B, N)
    """
    xp, _, z = checks.arguments(1.0, z=z)
    is_label, log_q = _is_label(y, z), log_softmax(z)
    gradient = xp.where(is_label, xp.expm1(log_q), xp.exp(log_q))
    # Where no label is known, nothing is asked.
    return gradient * xp.astype(xp.any(is_label, axis=-1, keepdims=True), z.dtype)


def distillation_cost(
    z: Array, v: Array, y: Array | None = None, T: Array = 1.0, hard_weight: float = 0.0,
    *, alpha: float | None = None, kl: bool = False,
) -> Array:  # fmt: skip
    r"""Soft targets at T and hard targets at 1 together (Section 2).

    .. math:: C = T^2 \, C_{soft}(z, v, T) + w \, C_{hard}(z, y)

    Parameters
    ----------
    z, v : array, shape (..., B, N)
    y : array of int, shape (..., B), optional
        Labels; a case without one (-1) has the soft term alone. Ignored if their weight is 0.
    T : float or array, shape (..., 1)
    hard_weight : float
        w, where the soft targets have weight 1, as in Section 4 (0.5 there). In the weighted
        average of Section 2, the share of the hard targets is w / (1 + w).
    alpha : float, optional
        The other convention, instead of w: :math:`\alpha T^2 C_{soft} + (1 - \alpha) C_{hard}`,
        with α from 0 to 1.
    kl : bool
        KL(p ‖ q) instead of the cross-entropy with p: the entropy of p less, which no student can
        change. The gradient is the same.

    Returns
    -------
    array, shape (..., B)

    Raises
    ------
    ValueError
        Also if a weight is out of range, or the hard targets have one and there are no labels.
    """
    _, T, z, v = checks.arguments(T, z=z, v=v)
    weights = values.soft_and_hard(hard_weight, alpha, y is not None)
    T_of_case = T if isinstance(T, float) or T.ndim == 0 else T[..., 0]
    soft = kl_divergence(z, v, T) if values.flag("kl", kl) else soft_target_cost(z, v, T)
    return _together(soft, hard_target_cost(z, y) if weights[1] else None, T_of_case, weights)


def distillation_gradient(
    z: Array, v: Array, y: Array | None = None, T: Array = 1.0, hard_weight: float = 0.0,
    *, alpha: float | None = None,
) -> Array:  # fmt: skip
    r"""Gradient of :func:`distillation_cost` with respect to z (Section 2).

    Arguments and errors are the same, but for ``kl``; with alpha, the weights are α and 1 - α.

    .. math:: \frac{\partial C}{\partial z_i} = T (q_i - p_i) + w (q^{T=1}_i - [i = y])

    Returns
    -------
    array, shape (..., B, N)
    """
    _, T, z, v = checks.arguments(T, z=z, v=v)
    weights = values.soft_and_hard(hard_weight, alpha, y is not None)
    soft = soft_target_gradient(z, v, T)
    return _together(soft, hard_target_gradient(z, y) if weights[1] else None, T, weights)


def _together(soft: Array, hard: Array | None, T: Array, weights: tuple[float, float]) -> Array:
    """Both terms of a cost, or of its gradient, added."""
    # The gradients of soft targets shrink like 1/T² (Eq. 4). Multiplied by T², they keep about
    # the same share beside the hard targets when T changes (Section 2).
    soft = weights[0] * T**2 * soft
    return soft if hard is None else soft + weights[1] * hard


def _is_label(y: Array, z: Array) -> Array:
    """Where a class is the label: bool, shape (..., B, N); nowhere if the label is -1."""
    return one_hot(checks.labels(y, z), z)
