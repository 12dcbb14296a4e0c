"""Many networks as one teacher: the mean of their answers (Sections 1 and 4).

The soft targets of an ensemble are an arithmetic or a geometric mean of the distributions of its
members. Both are returned as logits, to be used like those of any teacher.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikd import arrays, checks, equations, values
from minikd.backend import Array, is_native, namespace, on_host


def geometric_mean(v: Array, weights: Array | None = None, *, insist: bool = False) -> Array:
    r"""Logits of the geometric mean of the members' distributions, at every temperature.

    .. math:: p_i \propto \prod_k p_i^{(k)\,1/E}, \qquad \bar v_i = \frac1E \sum_k v_i^{(k)}

    The logarithm of a product of softmaxes is a sum of logits, up to a term that all classes
    share. So the mean of the logits gives the geometric mean at any T.

    Parameters
    ----------
    v : array, shape (E, ..., N), or sequence of array, shape (..., N)
        Logits of E members.
    weights : array, shape (E,), optional
        How much each member counts; only their ratios matter.
    insist : bool
        Take v even if every row is ≥ 0 and adds up to 1, as probabilities do.

    Returns
    -------
    array, shape (..., N)

    Raises
    ------
    ValueError
        If there are no members, v holds probabilities, a weight is negative, or all are 0.
    """
    v = _members(v, insist)
    return namespace(v).sum(_shares(weights, v) * v, axis=0)


def arithmetic_mean(
    v: Array, T: float = 1.0, weights: Array | None = None, *, insist: bool = False
) -> Array:
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
    weights : array, shape (E,), optional
        How much each member counts; only their ratios matter.
    insist : bool
        Take v even if every row is ≥ 0 and adds up to 1, as probabilities do.

    Returns
    -------
    array, shape (..., N)
        Finite, however small a probability is.

    Raises
    ------
    ValueError
        If there are no members, v holds probabilities, T is not positive and finite, a weight is
        negative, or all are 0.
    """
    T, v = checks.one_temperature(T), _members(v, insist)
    xp, log_p = namespace(v), equations.log_softmax(v, T)
    shares = _shares(weights, v)
    # Members that do not count are set to the least probable; so no 0 is multiplied by infinity.
    least = xp.min(log_p, axis=0, keepdims=True)
    log_p = xp.where(shares > 0, log_p, least)
    # Log-sum-exp: the largest exponent is subtracted first.
    largest = xp.max(log_p, axis=0)
    return T * (largest + xp.log(xp.sum(shares * xp.exp(log_p - largest), axis=0)))


def _members(v: Any, insist: bool) -> Any:
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
    if not values.flag("insist", insist) and on_host(v):
        for member in v:
            arrays.not_probabilities(member)
    return v


def _shares(weights: Array | None, v: Array) -> Array:
    """Weights that add up to 1, of shape (E, 1, …, 1): equal ones if none are given."""
    E = v.shape[0]
    given = (
        np.ones(E) if weights is None else arrays.array("weights", weights, "(E,)", dtype=float)
    )
    if len(given) != E:
        raise ValueError(
            f"weights is {given.tolist()}; expected {E} numbers, one for each member of v"
        )
    if (given < 0).any() or not given.any():
        raise ValueError(
            f"weights is {given.tolist()}; expected numbers ≥ 0, not all of them 0"
        )
    given = given / given.max()
    shares = (given / given.sum()).reshape(-1, *[1] * (v.ndim - 1))
    return namespace(v).asarray(shares, dtype=v.dtype, **checks.device_of(v))
