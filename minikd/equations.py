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
logits that are not finite, misfit shapes and wrong labels; on a GPU values are not looked at.
"""

from __future__ import annotations

from minikd import checks
from minikd.backend import Array, namespace

__all__ = [
    "distillation_cost", "distillation_gradient", "entropy", "hard_target_cost",
    "hard_target_gradient", "high_temperature_gradient", "log_softmax", "logit_matching_cost",
    "logit_matching_gradient", "soft_target_cost", "soft_target_gradient", "softmax",
    "zero_mean_gradient",
]  # fmt: skip


# ---------------------------------------------------------------- probabilities


def softmax(z: Array, T: Array = 1.0) -> Array:
    r"""Probabilities from logits at temperature T (Section 2, Eq. 1).

    .. math:: q_i = \frac{\exp(z_i / T)}{\sum_j \exp(z_j / T)}

    Parameters
    ----------
    z : array, shape (..., N)
        Logits.
    T : float or array, shape (..., 1)
        Temperature. The higher it is, the softer the distribution.

    Returns
    -------
    array, shape (..., N)
        Probabilities; the last axis sums to 1.

    Raises
    ------
    ValueError
        If T is not positive and finite, z is not finite, or T does not broadcast with z.

    Examples
    --------
    >>> softmax([1.0, 2.0, 5.0]).round(3)
    array([0.017, 0.047, 0.936])
    >>> softmax([1.0, 2.0, 5.0], T=10).round(3)
    array([0.278, 0.307, 0.415])
    """
    xp, T, z = checks.arguments(T, z=z)
    # The largest logit is subtracted first: exp then never overflows, and q is the same.
    e = xp.exp((z - xp.max(z, axis=-1, keepdims=True)) / T)
    return e / xp.sum(e, axis=-1, keepdims=True)


def log_softmax(z: Array, T: Array = 1.0) -> Array:
    r"""Logarithm of Eq. 1, without ever taking the logarithm of a probability that is 0.

    .. math:: \log q_i = z_i / T - \log \sum_j \exp(z_j / T)

    Parameters and shapes as in :func:`softmax`.

    Examples
    --------
    >>> log_softmax([0.0, 5000.0])
    array([-5000.,     0.])
    """
    xp, T, z = checks.arguments(T, z=z)
    s = (z - xp.max(z, axis=-1, keepdims=True)) / T
    return s - xp.log(xp.sum(xp.exp(s), axis=-1, keepdims=True))


def entropy(z: Array, T: Array = 1.0) -> Array:
    r"""How soft a target is: the entropy of softmax(z / T), in nats.

    .. math:: H = -\sum_i q_i \log q_i

    Soft targets of high entropy tell much more per case than hard targets (Section 1). But H
    grows with T, from 0 (log k if k logits share the maximum) to log N, where all targets agree.

    Parameters
    ----------
    z : array, shape (..., N)
    T : float or array, shape (..., 1)

    Returns
    -------
    array, shape (...)

    Examples
    --------
    >>> float(entropy([0.0, 0.0]))
    0.6931471805599453
    """
    xp, T, z = checks.arguments(T, z=z)
    log_q = log_softmax(z, T)
    q = xp.exp(log_q)
    return -xp.sum(q * xp.where(q > 0, log_q, xp.zeros_like(log_q)), axis=-1)  # 0 log 0 is 0


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
    return -xp.sum(softmax(v, T) * log_softmax(z, T), axis=-1)


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
    q, p = softmax(z, T), softmax(v, T)
    return (q - p) / T


def high_temperature_gradient(z: Array, v: Array, T: Array = 1.0) -> Array:
    r"""Eq. 2 with exp(x) replaced by 1 + x, for T far above the logits (Section 2.1, Eq. 3).

    .. math:: \frac{\partial C}{\partial z_i} \approx \frac{1}{T} \left(
              \frac{1 + z_i / T}{N + \sum_j z_j / T} -
              \frac{1 + v_i / T}{N + \sum_j v_j / T} \right)

    The error against Eq. 2 falls like T⁻³, one order faster than the gradient itself. At low T the
    formula is meaningless. Arguments and errors as in :func:`soft_target_cost`.

    Returns
    -------
    array, shape (..., B, N)
    """
    xp, T, z, v = checks.arguments(T, z=z, v=v)
    N = z.shape[-1]
    q = (1 + z / T) / (N + xp.sum(z / T, axis=-1, keepdims=True))
    p = (1 + v / T) / (N + xp.sum(v / T, axis=-1, keepdims=True))
    return (q - p) / T


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
    is_label = xp.astype(_is_label(y, z), z.dtype)
    return xp.sum(is_label, axis=-1, keepdims=True) * softmax(z) - is_label  # 1 or 0 times q


def distillation_cost(
    z: Array, v: Array, y: Array | None = None, T: Array = 1.0, hard_weight: float = 0.0
) -> Array:
    r"""Soft targets at T and hard targets at 1 together (Section 2).

    .. math:: C = T^2 \, C_{soft}(z, v, T) + w \, C_{hard}(z, y)

    Parameters
    ----------
    z, v : array, shape (..., B, N)
    y : array of int, shape (..., B), optional
        Labels; a case without one (-1) has the soft term alone. Ignored if ``hard_weight`` is 0.
    T : float or array, shape (..., 1)
    hard_weight : float
        w, where the soft targets have weight 1, as in Section 4 (0.5 there). In the weighted
        average of Section 2, the share of the hard targets is w / (1 + w).

    Returns
    -------
    array, shape (..., B)

    Raises
    ------
    ValueError
        Also if the weight is negative, or if it is positive and there are no labels.
    """
    _, T, z, v = checks.arguments(T, z=z, v=v)
    w = checks.hard_weight(hard_weight, y)
    T_of_case = T if isinstance(T, float) or T.ndim == 0 else T[..., 0]
    soft = soft_target_cost(z, v, T)
    return _together(soft, hard_target_cost(z, y) if w else None, T_of_case, w)


def distillation_gradient(
    z: Array, v: Array, y: Array | None = None, T: Array = 1.0, hard_weight: float = 0.0
) -> Array:
    r"""Gradient of :func:`distillation_cost` with respect to z (Section 2).

    Arguments and errors are the same.

    .. math:: \frac{\partial C}{\partial z_i} = T (q_i - p_i) + w (q^{T=1}_i - [i = y])

    Returns
    -------
    array, shape (..., B, N)
    """
    _, T, z, v = checks.arguments(T, z=z, v=v)
    w = checks.hard_weight(hard_weight, y)
    soft = soft_target_gradient(z, v, T)
    return _together(soft, hard_target_gradient(z, y) if w else None, T, w)


def _together(soft: Array, hard: Array | None, T: Array, w: float) -> Array:
    """Both terms of a cost, or of its gradient, added: one line serves cost and gradient."""
    # The gradients of soft targets shrink like 1/T² (Eq. 4). Multiplied by T², they keep about
    # the same share beside the hard targets when T changes (Section 2).
    soft = T**2 * soft
    return soft if hard is None else soft + w * hard


def _is_label(y: Array, z: Array) -> Array:
    """Where a class is the label: bool, shape (..., B, N); nowhere if the label is -1."""
    y = checks.labels(y, z)
    N = z.shape[-1]
    return y[..., None] == namespace(z).arange(N, dtype=y.dtype, **checks.device_of(y))
