"""Logarithms of probabilities, that never overflow."""

import numpy as np

from minikd.exercises.cases import logits, temperatures
from minikd.exercises.exercise import Bug, Exercise, Law, Task
from minikd.exercises.rooms.softmax import softmax


def log_softmax(z, T):
    a = (z - z.max(axis=-1, keepdims=True)) / T
    return a - np.log(np.exp(a).sum(axis=-1, keepdims=True))


def _cases(rng):
    yield from zip(logits(rng), temperatures(), strict=True)
    yield np.array([[0.0, 2000.0]]), 1.0
    yield np.array([[0.0, 1.0], [2000.0, 0.0]]), 1.0


def _clipped(floor):
    return lambda z, T: np.log(np.clip(softmax(z, T), floor, 1.0))


EXERCISE = Exercise(
    "log_softmax", 2, "A log-softmax that never overflows", 10,
    tasks=(
        Task(
            "log_softmax", log_softmax, _cases,
            bugs=(
                Bug("T divides z alone: the logits in the sum need it too",
                    lambda z, T: z / T - z + log_softmax(z, 1.0)),
                Bug("The logarithm of a softmax: where a probability rounds to 0, it is -inf",
                    lambda z, T: np.log(softmax(z, T))),
                Bug("The probabilities are clipped at 1e-12: that is another number, with no gradient",
                    _clipped(1e-12)),
                Bug("The probabilities are clipped at 1e-8: that is another number, with no gradient",
                    _clipped(1e-8)),
                Bug("A small number is added to the probabilities: that is another logarithm",
                    lambda z, T: np.log(softmax(z, T) + 1e-12)),
                Bug("The logits are not divided by T", lambda z, T: log_softmax(z, 1.0)),
                Bug("The largest logit is taken away in the sum, but not from z",
                    lambda z, T: z / T - np.log(
                        np.exp((z - z.max(axis=-1, keepdims=True)) / T).sum(axis=-1, keepdims=True))),
                Bug("The sum is over the cases (axis 0), and not over the classes (axis -1)",
                    lambda z, T: log_softmax(z.T, T).T),
                Bug("exp overflows for large logits: subtract the largest logit of each case first",
                    lambda z, T: z / T - np.log(np.exp(z / T).sum(axis=-1, keepdims=True))),
                Bug("The largest logit is that of all cases; expected that of each case, axis -1: the "
                    "sum of the others underflows to 0",
                    lambda z, T: (z - z.max()) / T - np.log(
                        np.exp((z - z.max()) / T).sum(axis=-1, keepdims=True))),
                Bug("The sign: log q is never above 0", lambda z, T: -log_softmax(z, T)),
            ),
            laws=(Law("is finite, for large logits too", lambda q, z, T: np.isfinite(q)),),
        ),
    ),
    hints=(
        "log(exp(a) / s) is a - log(s). No exponential has to be taken and undone again.",
        "Take the largest logit away first: then every exponent is 0 or less, and the sum is at least 1.",
        "With a = (z - max) / T, the answer is a - log(sum of exp(a)).",
    ),
)  # fmt: skip
