"""Eq. 1: probabilities from logits."""

import numpy as np

from minikd.exercises.cases import logits, temperatures
from minikd.exercises.exercise import Bug, Exercise, Law, Task


def softmax(z, T):
    e = np.exp((z - z.max(axis=-1, keepdims=True)) / T)
    return e / e.sum(axis=-1, keepdims=True)


def _cases(rng):
    yield from zip(logits(rng), temperatures(), strict=True)
    yield np.array([[0.0, 2000.0]]), 1.0
    yield np.array([[0.0, 1.0], [2000.0, 0.0]]), 1.0


def _over(axis):
    def wrong(z, T):
        e = np.exp((z - z.max(axis=axis, keepdims=True)) / T)
        return e / e.sum(axis=axis, keepdims=True)

    return wrong


def _largest_of_all(z, T):
    e = np.exp((z - z.max()) / T)
    return e / e.sum(axis=-1, keepdims=True)


def _overflows(z, T):
    e = np.exp(z / T)
    return e / e.sum(axis=-1, keepdims=True)


EXERCISE = Exercise(
    "softmax", 1, "Softmax with a temperature", 10,
    tasks=(
        Task(
            "softmax", softmax, _cases,
            bugs=(
                Bug("The logits are not divided by T", lambda z, T: softmax(z, 1.0)),
                Bug("The logits are multiplied by T, and not divided",
                    lambda z, T: softmax(z, 1 / T)),
                Bug("The sum is over the cases (axis 0), and not over the classes (axis -1)", _over(0)),
                Bug("The sum is over cases and classes together", _over(None)),
                Bug("exp overflows for large logits: subtract the largest logit of each case first",
                    _overflows),
                Bug("The largest logit is that of all cases; expected that of each case, axis -1: the "
                    "others underflow to 0 / 0", _largest_of_all),
                Bug("The probabilities are divided by T, and not the logits",
                    lambda z, T: softmax(z, 1.0) / T),
                Bug("The exponentials are not divided by their sum",
                    lambda z, T: np.exp((z - z.max(axis=-1, keepdims=True)) / T)),
                Bug("The logits are divided by T twice",
                    lambda z, T: softmax(z / T**2, 1.0)),
            ),
            laws=(
                Law("adds up to 1 over the classes", lambda q, z, T: np.isclose(q.sum(-1), 1, atol=1e-4)),
                Law("gives finite numbers, for large logits too", lambda q, z, T: np.isfinite(q)),
            ),
        ),
    ),
    hints=(
        "Take the exponential of z / T, and divide by what all classes of the case have together.",
        "The classes are the last axis. With keepdims=True, the sum keeps the shape (B, 1) and can divide "
        "(B, N).",
        "exp(2000) is infinite. Adding a constant to all logits of a case changes no probability: take "
        "the largest away before the exponential.",
    ),
)  # fmt: skip
