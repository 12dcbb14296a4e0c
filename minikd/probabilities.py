"""Eq. 1 of Hinton, Vinyals & Dean 2015, and what compares two of its distributions.

Where a formula subtracts nearly equal numbers, the lines are an equivalent form that keeps their
digits. :mod:`minikd.plain` has the textbook's; docs/accuracy.md shows what the difference is. Letters,
shapes and errors as in :mod:`minikd.equations`.
"""

from __future__ import annotations

from minikd import checks
from minikd.backend import Array, namespace

__all__ = [
    "entropy",
    "kl_divergence",
    "log_ratio",
    "log_softmax",
    "softmax",
    "softmax_difference",
]


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

    The largest term of the sum is 1 once the largest logit is subtracted; log1p of the others keeps
    their digits where the answer is sure, and q nearly 1. Parameters and shapes as in
    :func:`softmax`.

    Examples
    --------
    >>> log_softmax([0.0, 5000.0])
    array([-5000.,     0.])
    """
    xp, T, z = checks.arguments(T, z=z)
    largest = _is_largest(z)
    # Not max: of complex logits whose real parts are equal, that may be another one.
    top = xp.sum(xp.where(largest, z, xp.zeros_like(z)), axis=-1, keepdims=True)
    s = (z - top) / T
    others = xp.where(largest, xp.zeros_like(s), xp.exp(s))
    return s - xp.log1p(xp.sum(others, axis=-1, keepdims=True))


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
    return xp.sum(q * xp.where(q > 0, -log_q, xp.zeros_like(log_q)), axis=-1)  # 0 log 0 is 0


# ---------------------------------------------------------------- two distributions compared


def softmax_difference(z: Array, v: Array, T: Array = 1.0) -> Array:
    r"""How far the student's probabilities are from the teacher's, :math:`q - p` (in Eq. 2).

    .. math:: q_i - p_i = \frac{g_i - p_i \sum_j g_j}{\sum_j e^{z_j / T}}, \quad
              g_i = e^{z_i / T} - e^{v_i / T} = e^{v_i / T} (e^{(z_i - v_i) / T} - 1)

    Where student and teacher agree, or T is high, q and p share most of their digits, and so do the
    exponentials. With expm1 these digits are not subtracted. Arguments and errors as in
    :func:`minikd.equations.soft_target_cost`.

    Returns
    -------
    array, shape (..., B, N)
    """
    xp, T, z, v = checks.arguments(T, z=z, v=v)
    e_z, e_v, _, g = _exponentials(z, v, T)
    p = e_v / xp.sum(e_v, axis=-1, keepdims=True)
    return (g - p * xp.sum(g, axis=-1, keepdims=True)) / xp.sum(e_z, axis=-1, keepdims=True)


def kl_divergence(z: Array, v: Array, T: Array = 1.0) -> Array:
    r"""What a soft-target cost is above its smallest value, the entropy of p (Section 2).

    .. math:: \mathrm{KL}(p \| q) = \sum_i p_i \log \frac{p_i}{q_i}
              = \sum_i p_i \, (e^{d_i} - 1 - d_i), \quad d_i = \log \frac{q_i}{p_i}

    The two sums are equal because the q, and the p, add up to 1; in the second no term is negative,
    so nothing cancels. Arguments and errors as in :func:`minikd.equations.soft_target_cost`.

    Returns
    -------
    array, shape (..., B)
        Nats per case, 0 or more.
    """
    xp, T, z, v = checks.arguments(T, z=z, v=v)
    p, q = softmax(v, T), softmax(z, T)
    return xp.sum(_times_exp_remainder(p, log_ratio(z, v, T), q), axis=-1)


def log_ratio(z: Array, v: Array, T: Array = 1.0) -> Array:
    r"""How much more probable the student finds a class than the teacher, as a logarithm.

    .. math:: d_i = \log \frac{q_i}{p_i} = a_i - \log \Big( 1 + \frac{\sum_j g_j}{\sum_j e^{v_j / T}} \Big),
              \quad a_i = (z_i - v_i) / T

    with the g of :func:`softmax_difference`. Arguments and errors as there.

    Returns
    -------
    array, shape (..., B, N)
    """
    xp, T, z, v = checks.arguments(T, z=z, v=v)
    _, e_v, a, g = _exponentials(z, v, T)
    total = xp.sum(e_v, axis=-1, keepdims=True)
    return a - xp.log1p(xp.sum(g, axis=-1, keepdims=True) / total)


# ---------------------------------------------------------------- forms that keep digits


def _exponentials(z: Array, v: Array, T: Array) -> tuple[Array, Array, Array, Array]:
    """What the comparisons begin with.

    Returns
    -------
    e_z, e_v : the exponentials of z / T and v / T, each divided by its largest.
    a : the difference of their exponents.
    g : their own difference.
    """
    xp = namespace(z)
    largest_z, largest_v = xp.max(z, axis=-1, keepdims=True), xp.max(v, axis=-1, keepdims=True)
    e_z, e_v = xp.exp((z - largest_z) / T), xp.exp((v - largest_v) / T)
    (a, rest), (b, rest_of_b) = _subtracted(z, v), _subtracted(largest_z, largest_v)
    a = ((a - b) + (rest - rest_of_b)) / T
    near = xp.abs(a) < 1
    g = xp.where(near, e_v * xp.expm1(xp.where(near, a, xp.zeros_like(a))), e_z - e_v)
    return e_z, e_v, a, g


def _subtracted(z: Array, v: Array) -> tuple[Array, Array]:
    """z - v as it is rounded, and what the rounding took away (Knuth's two-sum)."""
    difference = z - v
    minus_v = difference - z
    return difference, (z - (difference - minus_v)) - (v + minus_v)


def _times_exp_remainder(p: Array, d: Array, q: Array) -> Array:
    """p (eᵈ - 1 - d), where q = p eᵈ: by a Taylor series where d is small."""
    xp = namespace(p)
    near = xp.abs(d) < 1
    x = xp.where(near, d, xp.zeros_like(d))
    series = xp.ones_like(x)  # 1 + x/3 (1 + x/4 (1 + …)); at x = 1 the rest is below 1e-16
    for k in range(18, 2, -1):
        series = 1 + series * x / k
    return xp.where(near, p * x**2 / 2 * series, q - p - p * d)


def one_hot(y: Array, z: Array) -> Array:
    """Where a class of z is the one that y names: bool, shape (..., N), from integers (...)."""
    return namespace(z).astype(y[..., None], namespace(z).int32) == _classes(z)


def _is_largest(z: Array) -> Array:
    """Where a class has the largest logit, the first of equal ones: bool, shape (..., N)."""
    xp = namespace(z)
    if xp.isdtype(z.dtype, "complex floating"):
        z = xp.real(z)  # complex numbers, which a gradient check gives, have no order
    n = _classes(z)
    largest = z == xp.max(z, axis=-1, keepdims=True)
    first = xp.min(xp.where(largest, n, xp.full_like(n, z.shape[-1])), axis=-1, keepdims=True)
    return n == first


def _classes(z: Array) -> Array:
    xp = namespace(z)
    return xp.arange(z.shape[-1], dtype=xp.int32, **checks.device_of(z))
