"""A data set, and the transfer sets that are made from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from minikd import arrays, checks, labels, values
from minikd.backend import Array


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images, with labels if it has them and a teacher's logits if they were added.

    A transfer set (Section 2) is a data set with logits: what a student is trained on. Each
    method returns a new data set and changes nothing.

    Attributes
    ----------
    x : array of float32, shape (n, H * W)
        Pixels from 0 (background) to 1 (ink).
    y : array of int64, shape (n,), or None
        Labels, -1 where none is known; of shape (E, n) if each member of a stack has its own.
    v : array of float32, shape (n, N), or None
        A teacher's logits.
    shape : (H, W)
    insist : bool
        Take logits even if every row is ≥ 0 and adds up to 1, as probabilities do.
    """

    x: Any
    y: Any = None
    v: Any = None
    shape: tuple[int, int] = (28, 28)
    insist: bool = False

    def __post_init__(self) -> None:
        for name in ("y", "v"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, arrays.held(name, getattr(self, name)))
        object.__setattr__(self, "shape", checks.image_shape(self.shape))
        object.__setattr__(self, "x", checks.images(self.x, self.shape))
        if self.y is not None:
            checks.labels_of_cases(self.y, len(self.x))
        if self.v is not None:
            checks.logits_of_cases(self.v, len(self.x))
            if not values.flag("insist", self.insist):
                for member in self.v if self.v.ndim > 2 else [self.v]:
                    arrays.not_probabilities(member)

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        known = np.count_nonzero(self.labelled)
        those = (
            "labels"
            if self.labelled.all()
            else f"{known} {'label' if known == 1 else 'labels'}"
        )
        if self.y is not None and self.y.ndim > 1:
            those += f" for {len(self.y)} members"
        has = [name for name, a in ((those, self.y), ("logits", self.v)) if a is not None]
        return f"<Dataset: {len(self)} cases{', with ' + ' and '.join(has) if has else ''}>"

    @property
    def labelled(self) -> Any:
        """Which cases have a label: bool, shape (n,), or (E, n) as the labels."""
        return np.zeros(len(self), bool) if self.y is None else self.y >= 0

    def with_logits(self, v: Array, *, insist: bool = False) -> Dataset:
        """A transfer set: this data with a teacher's logits.

        Parameters
        ----------
        v : array, shape (n, N) or (*E, n, N)
            From any framework and device, or a list. Logits, not probabilities.
        insist : bool
            Take v even if every row is ≥ 0 and adds up to 1, as probabilities do.

        Raises
        ------
        ValueError
            If there is not one row per case, a logit is not finite, or v holds probabilities.
        """
        v = arrays.array("v", v, dtype=np.float32)
        return replace(self, v=v, insist=insist)

    def take(self, chosen: Any) -> Dataset:
        """The cases that an index array or a boolean mask chooses."""
        chosen = checks.chosen_cases(chosen, len(self))
        return replace(
            self,
            x=self.x[chosen],
            y=None if self.y is None else self.y[..., chosen],
            v=None if self.v is None else self.v[..., chosen, :],
        )

    def without(self, *classes: Any) -> Dataset:
        """All cases except some classes: ``without(3)`` omits the threes (Section 3).

        Classes come one by one, as in ``without(3, 5)``, or as a list or an array.

        Raises
        ------
        ValueError
            If the label of a case is not known: it may be a three. Choose classes first, and hide
            labels afterwards: ``without(3).keep_labels(0.01)``.
        """
        return self._of_classes(classes, keep=False)

    def only(self, *classes: Any) -> Dataset:
        """The cases of some classes: ``only(7, 8)`` (Section 3); errors as in :meth:`without`."""
        return self._of_classes(classes, keep=True)

    def _of_classes(self, classes: tuple[Any, ...], keep: bool) -> Dataset:
        chosen = np.isin(self.y, checks.classes_of(self.y, classes)) == keep
        if not chosen.any():
            raise ValueError("no case is left by these classes: the transfer set is empty")
        return self.take(chosen)

    def unlabelled(self) -> Dataset:
        """The same cases without any label: a student can learn from logits alone."""
        return replace(self, y=None)

    def keep_labels(self, of: Any, rng: Any = 0) -> Dataset:
        """The same cases with labels for some of them, and -1, not known, for the others.

        Parameters
        ----------
        of : float, or array of bool, shape (n,) or (E, n)
            A share, 0 < of ≤ 1: of the labelled cases, that many are drawn, from each class the
            same share to within one case, and at least one. Or a mask: which cases keep the label
            that they have; with a row for each member of a stack, each has labels of its own.
        rng : int or Generator
            For a share. With the same seed, a smaller share is a part of a larger one.

        Raises
        ------
        ValueError
            If there are no labels, the share is out of range, or the mask does not fit.

        Examples
        --------
        >>> data = Dataset(np.zeros((6, 1)), [0, 0, 0, 1, 1, 1], shape=(1, 1))
        >>> data.keep_labels(1 / 3)
        <Dataset: 6 cases, with 2 labels>
        >>> data.keep_labels(data.y == 0).y
        array([ 0,  0,  0, -1, -1, -1])
        """
        of = labels.mask_or_share(self.y, of)
        if of.ndim == 0:
            of = labels.share_of_each_class(self.y, float(of), rng)
        signed = self.y.astype(np.int64)  # a byte without a sign cannot hold -1
        return replace(self, y=np.where(of, signed, -1))

    def split(self, held_out: int, rng: Any = 0) -> tuple[Dataset, Dataset]:
        """Two parts, drawn at random: the rest, and ``held_out`` cases for validation.

        Parameters
        ----------
        held_out : int
            0 < held_out < n.
        rng : int or Generator
            The same seed gives the same split.

        Raises
        ------
        ValueError
            If one of the parts would be empty.

        Returns
        -------
        rest, validation : Dataset
            Cases without a label may be in both; ``validation.take(validation.labelled)`` are those
            whose errors can be counted.
        """
        held_out = values.whole("held_out", held_out, 1, len(self) - 1, "a number of cases")
        seed = rng if isinstance(rng, np.random.Generator) else values.as_seed(rng)
        order = np.random.default_rng(seed).permutation(len(self))
        # Sorted, so that each part keeps the order of the whole.
        return self.take(np.sort(order[held_out:])), self.take(np.sort(order[:held_out]))


def is_dataset(data: Any, name: str = "data") -> None:
    """Whether an argument is a data set; the parts of one are easily forgotten."""
    if isinstance(data, (Digits, Characters)):
        kind = type(data).__name__
        raise ValueError(
            f"{name} is a {kind}, which holds two data sets; expected a Dataset: give {name}.train"
        )
    values.instance(name, data, (Dataset,), "a Dataset, like load_glyphs().train")


class Digits(NamedTuple):
    """Ten classes of digits: a training set and a test set with no case in common."""

    train: Dataset
    test: Dataset


class Characters(NamedTuple):
    """Many classes of characters: a training set, a test set with other cases, and names."""

    train: Dataset
    test: Dataset
    names: tuple[str, ...]
