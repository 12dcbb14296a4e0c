"""Labels that are known for some cases only: -1 stands where none is known (Section 2).

scikit-learn writes them the same way in its semi-supervised methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minikd import arrays, values
from minikd.backend import Array, Stream, generator

if TYPE_CHECKING:
    from minikd.objectives import Objective

# ---------------------------------------------------------------- checks


def or_not_known(y: Array) -> str:
    """The end of a message about labels: how one that is not known is written."""
    if "uint" in str(y.dtype):
        return f"-1, a label that is not known, does not fit into {y.dtype}: make y int64 first"
    return "expected these, or -1 where none is known"


def all_known(y: Any, what: str) -> None:
    """No label is -1; ``what`` says why each is needed, and what to do."""
    unknown = np.count_nonzero(y < 0)
    if unknown:
        raise ValueError(f"y holds -1, no label known, for {unknown} of {y.size} cases; {what}")


def labels_fit(y: Any, objective: Objective, classes: int) -> None:
    """Labels of a training run: some are known, and the objective can do without the others."""
    if y is None:
        raise ValueError(f"{objective.name} needs labels; this data has none")
    if y.max() >= classes:
        hint = f"; {or_not_known(y)}" if y.dtype.kind == "u" else ""
        raise ValueError(f"data has a label {y.max()}; the network has {classes} classes{hint}")
    for m in np.flatnonzero((np.atleast_2d(y) < 0).all(-1))[:1]:
        whom = f"member {m}" if y.ndim > 1 else "this data"
        raise ValueError(
            f"{objective.name} needs labels; those of {whom} are all -1, not known"
        )
    if not objective.some_labels:
        all_known(
            y, f"{objective.name} may not know what that means: train it on "
            "data.take(data.labelled), or declare Objective(some_labels=True)",
        )  # fmt: skip


def mask_or_share(y: Any, of: Any) -> Any:
    """Which labels to keep: a mask beside y, or a share as an array without axes."""
    if y is None:
        raise ValueError("this data has no labels to keep; expected one per case")
    if values.is_scalar(of):
        share = values.number("of", of, "a share 0 < of ≤ 1, or a mask", lambda x: 0 < x <= 1)
    else:
        try:
            mask = arrays.array("of", of, kind="yes or no")
        except ValueError:
            expected = "expected a share 0 < of ≤ 1, or a mask, True or False for each case"
            raise ValueError(f"of is {values.shown(of)}; {expected}") from None
        # A row of labels, or of the mask, serves all members.
        fits = 1 <= mask.ndim <= 2 and mask.shape[-1] == y.shape[-1]
        if not fits or (mask.ndim == y.ndim == 2 and len(mask) != len(y)):
            raise ValueError(f"of has shape {mask.shape}; expected a mask beside y, {y.shape}")
        return mask
    if y.ndim > 1:
        raise ValueError(
            f"y has shape {y.shape}; expected (n,) to keep a share, or give a mask"
        )
    return np.float64(share)


# ---------------------------------------------------------------- which to keep


def share_of_each_class(y: Any, share: float, rng: Any) -> Any:
    """The cases that come first in a random order in which all classes advance together.

    Parameters
    ----------
    y : array of int, shape (n,)
    share : float
        Of the labelled cases.
    rng : int or Generator

    Returns
    -------
    array of bool, shape (n,)
        The share of all, rounded, and of each class to within one; at least one of each class.
    """
    # One order for all shares: so a smaller share is a part of a larger one.
    place = generator(values.as_seed(rng), Stream.LABELS).permutation(len(y))
    known, advance, chosen = np.flatnonzero(y >= 0), np.zeros(len(y)), np.zeros(len(y), bool)
    for each in np.unique(y[known]):
        cases = np.flatnonzero(y == each)
        cases = cases[place[cases].argsort()]
        advance[cases] = (np.arange(len(cases)) + 0.5) / len(cases)
        chosen[cases[0]] = True
    order = known[np.lexsort((place[known], advance[known]))]
    chosen[order[: round(share * len(order))]] = True
    return chosen
