"""Many networks as one teacher: the mean of their answers (Sections 1 and 4).

The soft targets of an ensemble are an arithmetic or a geometric mean of the distributions of its
members. Both are returned as logits, to be used like those of any teacher.
"""

from __future__ import annotations

from typing import Any

from minikd import checks, equations
from minikd.backend import Array, is_native, namespace


def geometric_mean(v: Array) -> Array:
    r"""Logits of the geometric mean of the members' distributions, at every temperature.

    .. math:: p_i \propto \prod_k p_i^{(k)\,1/E}, \qquad \bar v_i = \frac1E \sum_k v_i^{(k)}

    The logarithm of a product of softmaxes is a sum of logits, up to a term that all classes
    share. So the mean of the logits gives the geometric mean at any T.

    Parameters
    ----------
    v : array, shape (E, ..., N), or sequence of array, shape (..., N)
        Logits of E members.

    Returns
    -------
    array, shape (..., N)

    Raises
    ------
    ValueError
        If there are no members.
    """
    v = _members(v)
    return namespace(v).mean(v, axis=0)


def arithmetic_mean(v: Array, T: float = 1.0) -> Array:
    r"""Logits that at temperature T give the arithmetic mean of the members' distributions.

    .. math:: p_i = \frac1E \sum_k \mathrm{softmax}(v^{(k)} / T)_i, \qquad
              \bar v_i = T \log p_i

    At another temperature they give something else: softening the mean is not the same as taking
    the mean of softened distributions.

    Parameters
    ----------
    v : array, shape (E, ..., N), or sequence of array, shape (..., N)
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
    T, v = checks.one_temperature(T), _members(v)
    xp, log_p = namespace(v), equations.log_softmax(v, T)
    # Log-sum-exp: the largest exponent is subtracted first.
    largest = xp.max(log_p, axis=0)
    return T * (largest + xp.log(xp.mean(xp.exp(log_p - largest), axis=0)))


def _members(v: Any) -> Any:
    """The logits of all members in one array, on their device."""
    if isinstance(v, (list, tuple)) and v and all(is_native(each) for each in v):
        if any(tuple(each.shape) != tuple(v[0].shape) for each in v):
            shapes = ", ".join(str(tuple(each.shape)) for each in v)
            raise ValueError(f"v has members of shapes {shapes}; expected the same for all")
        v = namespace(v[0]).stack([checks.logits("v", each) for each in v])
    v = checks.logits("v", v)
    if v.ndim < 2 or v.shape[0] == 0:
        raise ValueError(
            f"v has shape {tuple(v.shape)}; expected (members, ..., classes), at least one member"
        )
    return v
