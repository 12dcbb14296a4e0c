"""Many networks as one teacher: the mean of their answers (Sections 1 and 4).

The soft targets of an ensemble are an arithmetic or a geometric mean of the distributions of its
members. Both are returned as logits, to be used like those of any teacher.
"""

from __future__ import annotations

from typing import Any

from minikd import equations
from minikd.backend import Array, namespace


def geometric_mean(v: Array) -> Array:
    r"""Logits of the geometric mean of the members' distributions, at every temperature.

    .. math:: p_i \propto \prod_k p_i^{(k)\,1/E}, \qquad \bar v_i = \frac1E \sum_k v_i^{(k)}

    The logarithm of a product of softmaxes is a sum of logits, up to a term that all classes
    share. So the mean of the logits gives the geometric mean at any T.

    Parameters
    ----------
    v : array, shape (E, ..., N)
        Logits of E members.

    Returns
    -------
    array, shape (..., N)

    Raises
    ------
    ValueError
        If there are no members.
    """
    return namespace(v).mean(_members(v), axis=0)


def arithmetic_mean(v: Array, T: float = 1.0) -> Array:
    r"""Logits that at temperature T give the arithmetic mean of the members' distributions.

    .. math:: p_i = \frac1E \sum_k \mathrm{softmax}(v^{(k)} / T)_i, \qquad
              \bar v_i = T \log p_i

    At another temperature they give something else: softening the mean is not the same as taking
    the mean of softened distributions.

    Parameters
    ----------
    v : array, shape (E, ..., N)
        Logits of E members.
    T : float

    Returns
    -------
    array, shape (..., N)
        Finite, however small a probability is.

    Raises
    ------
    ValueError
        If there are no members, or T is not positive and finite.
    """
    xp, log_p = namespace(v), equations.log_softmax(_members(v), T)
    # Log-sum-exp: the largest exponent is subtracted first.
    largest = xp.max(log_p, axis=0)
    return T * (largest + xp.log(xp.mean(xp.exp(log_p - largest), axis=0)))


def _members(v: Array) -> Any:
    if v.ndim < 2 or v.shape[0] == 0:
        raise ValueError(
            f"v has shape {v.shape}; expected (members, ..., classes), at least one member"
        )
    return v
