"""Transfer sets: which cases a student learns from."""

import numpy as np

from minikd.exercises.exercise import Bug, Exercise, Task


def without(y, omitted):
    return np.flatnonzero(~np.isin(y, omitted))


def _cases(rng):
    yield np.array([3, 1, 3, 0]), np.array([3])
    yield np.array([0, 1, 2, 0, 5]), np.array([0, 2])
    yield rng.integers(0, 10, 40), np.array([3, 7])
    yield rng.integers(0, 10, 30), np.array([0, 1, 2, 3, 4, 5, 6, 9])
    yield np.array([1, 1, 2]), np.array([4])


EXERCISE = Exercise(
    "transfer_set", 11, "A transfer set without some digits", 10,
    tasks=(
        Task("without", without, _cases, shapes="(number of cases that are left,)", bugs=(
            Bug("omitted holds several classes, and == or != compares one by one: use np.isin",
                lambda y, omitted: np.flatnonzero(y != omitted)),
                Bug("It gives the cases that are left out, and not those that stay",
                lambda y, omitted: np.flatnonzero(np.isin(y, omitted))),
            Bug("It gives labels; expected where they stand",
                lambda y, omitted: y[~np.isin(y, omitted)]),
            Bug("It gives True and False for each case; expected where the kept ones stand",
                lambda y, omitted: ~np.isin(y, omitted)),
            Bug("Only the first of the omitted classes is left out",
                lambda y, omitted: np.flatnonzero(y != omitted[0])),
            Bug("Only the last of the omitted classes is left out",
                lambda y, omitted: np.flatnonzero(y != omitted[-1])),
            Bug("Positions count from 1; NumPy counts from 0",
                lambda y, omitted: np.flatnonzero(~np.isin(y, omitted)) + 1),
            Bug("The omitted numbers are taken for positions, and not for labels",
                lambda y, omitted: np.setdiff1d(np.arange(len(y)), omitted)),
        )),
    ),
    hints=(
        "First find where the label is one of the omitted classes.",
        "np.isin(y, omitted) is True there. You want the others: ~ turns True and False around.",
        "np.flatnonzero gives the positions of True.",
    ),
)  # fmt: skip
