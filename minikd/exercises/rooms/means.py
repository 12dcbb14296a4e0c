"""Ensembles: the geometric and the arithmetic mean."""

import numpy as np

from minikd.exercises.exercise import Bug, Exercise, Law, Task
from minikd.exercises.rooms.softmax import softmax


def geometric_mean(v):
    return softmax(v.mean(axis=0), 1.0)


def arithmetic_mean(v):
    return softmax(v, 1.0).mean(axis=0)


def _cases(rng):
    for E, B, N in ((2, 1, 2), (2, 2, 3), (3, 4, 5), (5, 2, 10)):
        yield (2 * rng.normal(size=(E, B, N)),)


def _unnormalized(v):
    return np.prod(softmax(v, 1.0), axis=0) ** (1 / len(v))


_SUMS = Law("adds up to 1 over the classes", lambda p, v: np.isclose(p.sum(-1), 1, atol=1e-4))
EXERCISE = Exercise(
    "means", 13, "Two means of an ensemble", 15,
    tasks=(
        Task("geometric_mean", geometric_mean, _cases, laws=(_SUMS,), bugs=(
            Bug("It does not add up to 1: divide by the sum over the classes", _unnormalized),
            Bug("This is the arithmetic mean", arithmetic_mean),
            Bug("The product is taken, and not its root", lambda v: softmax(v.sum(axis=0), 1.0)),
            Bug("These are logits: take the softmax of them", lambda v: v.mean(axis=0)),
            Bug("The logarithms are averaged, but the exponential is missing",
                lambda v: np.log(softmax(v, 1.0)).mean(axis=0)),
        )),
        Task("arithmetic_mean", arithmetic_mean, _cases, laws=(_SUMS,), bugs=(
            Bug("This is the geometric mean", geometric_mean),
            Bug("The sum over the members is taken, and not the mean",
                lambda v: softmax(v, 1.0).sum(axis=0)),
            Bug("The softmax is taken over the members (axis 0), and not over the classes",
                lambda v: softmax(np.moveaxis(v, 0, -1), 1.0).mean(axis=-1)),
        )),
    ),
    hints=(
        "The geometric mean of E numbers is the E-th root of their product.",
        "After a softmax, a product of probabilities is a sum of logits, but for a factor that all classes "
        "share.",
        "So the geometric mean is the softmax of the mean logits. The arithmetic one is the mean of the "
        "softmaxes.",
    ),
)  # fmt: skip
