"""Soft and hard targets together, with T²."""

import numpy as np

from minikd.exercises.cases import labels, temperatures, two_logits
from minikd.exercises.exercise import Bug, Exercise, Task
from minikd.exercises.rooms.soft_gradient import soft_gradient
from minikd.exercises.rooms.softmax import softmax


def hard_gradient(z, y):
    return softmax(z, 1.0) - np.eye(z.shape[-1])[y]


def mixed_gradient(z, v, y, T, w):
    return T**2 * soft_gradient(z, v, T) + w * hard_gradient(z, y)


def _hard_cases(rng):
    for z, _ in two_logits(rng):
        yield z, labels(rng, *z.shape)


def _mixed_cases(rng):
    for (z, v), T, w in zip(
        two_logits(rng), temperatures(), (0.5, 2.0, 0.3, 1.0, 0.1), strict=True
    ):
        yield z, v, labels(rng, *z.shape), T, w


def _columns(z, y):
    q = softmax(z, 1.0)
    q[:, y] -= 1
    return q


EXERCISE = Exercise(
    "mix", 9, "T², and soft and hard targets together", 20,
    tasks=(
        Task("hard_gradient", hard_gradient, _hard_cases, bugs=(
            Bug("q[:, y] takes 1 from whole columns; q[np.arange(len(y)), y] is one entry per case",
                _columns),
                Bug("The sign: the label gets q - 1", lambda z, y: -hard_gradient(z, y)),
            Bug("The 1 of the label is missing: this is q alone", lambda z, y: softmax(z, 1.0)),
            Bug("The gradient is divided by the number of cases: the mean is taken in training",
                lambda z, y: hard_gradient(z, y) / len(z)),
            Bug("Logits stand where q belongs", lambda z, y: z - np.eye(z.shape[-1])[y]),
            Bug("Only the label's entry is kept; the other classes have the gradient q",
                lambda z, y: hard_gradient(z, y) * np.eye(z.shape[-1])[y]),
        )),
        Task("mixed_gradient", mixed_gradient, _mixed_cases, bugs=(
            Bug("T² multiplies q - p: the 1/T of Eq. 2 is missing",
                lambda z, v, y, T, w: T**3 * soft_gradient(z, v, T) + w * hard_gradient(z, y)),
                Bug("T² is missing",
                    lambda z, v, y, T, w: soft_gradient(z, v, T) + w * hard_gradient(z, y)),
            Bug("T stands where T² should", lambda z, v, y, T, w:
                T * soft_gradient(z, v, T) + w * hard_gradient(z, y)),
            Bug("T² multiplies the hard targets too",
                lambda z, v, y, T, w: T**2 * (soft_gradient(z, v, T) + w * hard_gradient(z, y))),
            Bug("T² is in it twice", lambda z, v, y, T, w:
                T**4 * soft_gradient(z, v, T) + w * hard_gradient(z, y)),
            Bug("The hard targets are taken at T; they belong at T = 1", lambda z, v, y, T, w:
                T**2 * soft_gradient(z, v, T) + w * (softmax(z, T) - np.eye(z.shape[-1])[y])),
            Bug("The weight stands at the soft targets", lambda z, v, y, T, w:
                w * T**2 * soft_gradient(z, v, T) + hard_gradient(z, y)),
            Bug("The weight is missing", lambda z, v, y, T, w:
                T**2 * soft_gradient(z, v, T) + hard_gradient(z, y)),
            Bug("The soft targets have the weight 1 - w: that is the other convention",
                lambda z, v, y, T, w: (1 - w) * T**2 * soft_gradient(z, v, T) + w * hard_gradient(z, y)),
            Bug("The hard targets are missing",
                lambda z, v, y, T, w: T**2 * soft_gradient(z, v, T)),
            Bug("The soft targets are missing", lambda z, v, y, T, w: w * hard_gradient(z, y)),
            Bug("Teacher and student are swapped", lambda z, v, y, T, w:
                T**2 * soft_gradient(v, z, T) + w * hard_gradient(z, y)),
        )),
    ),
    hints=(
        "A hard target is a soft one with all of its probability on the label, at T = 1.",
        "np.eye(N)[y] has a row for each case, with a 1 at its label.",
        "T² multiplies the soft gradient alone; w multiplies the hard one.",
    ),
)  # fmt: skip
