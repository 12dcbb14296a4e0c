"""Eq. 3 and Eq. 4: the gradient at a high temperature."""

from minikd.exercises.cases import two_logits
from minikd.exercises.exercise import Bug, Exercise, Task
from minikd.exercises.rooms.soft_gradient import soft_gradient


def eq_3(z, v, T):
    N = z.shape[-1]
    q = (1 + z / T) / (N + (z / T).sum(axis=-1, keepdims=True))
    p = (1 + v / T) / (N + (v / T).sum(axis=-1, keepdims=True))
    return (q - p) / T


def eq_4(z, v, T):
    return (z - v) / (z.shape[-1] * T**2)


def _cases(rng):
    for (z, v), T in zip(two_logits(rng), (50.0, 100.0, 40.0, 200.0, 80.0), strict=True):
        yield z, v, T


def _without_sum(z, v, T):
    return (z - v) / (z.shape[-1] * T**2)


EXERCISE = Exercise(
    "high_temperature", 8, "High temperatures (Eq. 3 and Eq. 4)", 20,
    tasks=(
        Task("eq_3", eq_3, _cases, bugs=(
            Bug("T divides in front only, and not the logits in the fractions",
                lambda z, v, T: eq_3(z, v, 1.0) / T),
                Bug("The sums of the logits are missing in the denominators: that needs means of 0 (Eq. 4)",
                _without_sum),
            Bug("The factor 1/T in front is missing", lambda z, v, T: T * eq_3(z, v, T)),
            Bug("This is Eq. 2, with exponentials; Eq. 3 has 1 + x in their place", soft_gradient),
            Bug("The sign: q comes first", lambda z, v, T: -eq_3(z, v, T)),
            Bug("T² stands in front, and should not", lambda z, v, T: T**2 * eq_3(z, v, T)),
            Bug("The 1 of 1 + x is missing in the numerators", lambda z, v, T: (
                z / T / (z.shape[-1] + (z / T).sum(-1, keepdims=True))
                - v / T / (z.shape[-1] + (v / T).sum(-1, keepdims=True))) / T),
        )),
        Task("eq_4", eq_4, _cases, bugs=(
            Bug("N is missing", lambda z, v, T: (z - v) / T**2),
            Bug("T should be squared", lambda z, v, T: (z - v) / (z.shape[-1] * T)),
            Bug("T² is missing below", lambda z, v, T: (z - v) / z.shape[-1]),
            Bug("N is the number of cases, and should be that of classes",
                lambda z, v, T: (z - v) / (len(z) * T**2)),
            Bug("The sign: z comes first", lambda z, v, T: -eq_4(z, v, T)),
            Bug("N and T² multiply, and should divide",
                lambda z, v, T: (z - v) * z.shape[-1] * T**2),
        )),
    ),
    hints=(
        "If x is small, exp(x) is nearly 1 + x. Here x is z / T.",
        "The sum over N classes of 1 + z_j / T is N plus the sum of z_j / T.",
        "If the logits of each case add up to 0, both denominators are N, and the ones cancel.",
    ),
)  # fmt: skip
