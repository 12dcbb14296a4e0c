"""Logit matching."""

from minikd.exercises.cases import two_logits
from minikd.exercises.exercise import Bug, Exercise, Task
from minikd.exercises.rooms.softmax import softmax


def matching_cost(z, v):
    return 0.5 * ((z - v) ** 2).sum(axis=-1)


def matching_gradient(z, v):
    return z - v


EXERCISE = Exercise(
    "logit_matching", 10, "Logit matching", 10,
    tasks=(
        Task("matching_cost", matching_cost, two_logits, shapes="(B,)", bugs=(
            Bug("Probabilities are compared, and not logits",
                lambda z, v: matching_cost(softmax(z, 1.0), softmax(v, 1.0))),
                Bug("The factor 1/2 is missing", lambda z, v: 2 * matching_cost(z, v)),
            Bug("The mean over the classes is taken, and not the sum",
                lambda z, v: matching_cost(z, v) / z.shape[-1]),
            Bug("The mean over the classes is taken without the factor 1/2",
                lambda z, v: ((z - v) ** 2).mean(axis=-1)),
            Bug("The mean over everything is taken: give one cost for each case",
                lambda z, v: ((z - v) ** 2).mean()),
            Bug("The absolute difference is taken, and not its square",
                lambda z, v: abs(z - v).sum(axis=-1)),
            Bug("A root is taken: this is the distance",
                lambda z, v: ((z - v) ** 2).sum(axis=-1) ** 0.5),
            Bug("The sum is over the cases (axis 0), and not over the classes (axis -1)",
                lambda z, v: 0.5 * ((z - v) ** 2).sum(axis=0)),
        )),
        Task("matching_gradient", matching_gradient, two_logits, bugs=(
            Bug("This is the gradient of the mean over all numbers",
                lambda z, v: 2 * (z - v) / z.size),
                Bug("The sign: z comes first", lambda z, v: v - z),
            Bug("The factor 2 of the square is cancelled by the 1/2 of the cost",
                lambda z, v: 2 * (z - v)),
            Bug("The gradient is divided by the number of classes",
                lambda z, v: (z - v) / z.shape[-1]),
            Bug("The gradient is divided by the number of cases: the mean is taken in training",
                lambda z, v: (z - v) / len(z)),
        )),
    ),
    hints=(
        "Half of the squared distance between the student's logits and the teacher's.",
        "One cost for each case: sum over the last axis.",
        "The derivative of 1/2 (z - v)² by z is z - v.",
    ),
)  # fmt: skip
