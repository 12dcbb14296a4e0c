"""The bias of a class that was never seen, with labels and without."""

import numpy as np

from minikd.exercises.exercise import Bug, Exercise, Task


def best_bias(z, y, c, biases):
    moved = z + np.eye(z.shape[-1])[c] * biases[:, None, None]
    return biases[(moved.argmax(-1) != y).sum(-1).argmin()]


def best_bias_without_labels(z, v, c, biases):
    return best_bias(z, v.argmax(-1), c, biases)


BIASES = np.arange(-6.0, 6.5, 0.5)


def _student(rng, B, N):
    """Logits of a teacher, of a student whose class c is too low, and noisy labels."""
    c = int(rng.integers(0, N))
    v = 3 * rng.normal(size=(B, N))
    z = v + 0.7 * rng.normal(size=(B, N))
    z[:, c] -= 2.6
    y = (v + 2.0 * rng.normal(size=(B, N))).argmax(-1)
    return z, v, y, c


def _cases(rng):
    yield np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([1, 1]), 1, np.array([-2.0, 0.0, 2.0])
    # Three biases are equally good.
    yield (
        np.array([[0.0, 1.0], [3.0, 0.0]]),
        np.array([1, 0]),
        1,
        np.array([-2.0, -1.0, 0.0, 1.0, 2.0]),
    )
    for B, N in ((60, 3), (200, 5), (300, 10)):
        z, _, y, c = _student(rng, B, N)
        yield z, y, c, BIASES


def _cases_without(rng):
    z = np.array([[1.0, 0.0], [0.0, 1.0]])
    yield z, np.array([[0.0, 1.0], [0.0, 1.0]]), 1, np.array([-2.0, 0.0, 2.0])
    for B, N in ((60, 3), (200, 5), (300, 10)):
        z, v, _, c = _student(rng, B, N)
        yield z, v, c, BIASES


def _of(choose):
    """The bias that another rule chooses, of the errors at each."""

    def wrong(z, y, c, biases):
        moved = z + np.eye(z.shape[-1])[c] * biases[:, None, None]
        return choose((moved.argmax(-1) != y), biases, y, c)

    return wrong


EXERCISE = Exercise(
    "bias", 12, "The bias of an unseen class", 25,
    tasks=(
        Task("best_bias", best_bias, _cases, shapes="one number", bugs=(
            Bug("The sign: the bias is added to the logit", lambda z, y, c, biases:
                -best_bias(z, y, c, -biases)),
            Bug("It gives where the bias stands in the list, and not the bias",
                lambda z, y, c, biases: float(np.flatnonzero(biases == best_bias(z, y, c, biases))[0])),
            Bug("It gives the number of errors, and not the bias",
                _of(lambda wrong, biases, y, c: wrong.sum(-1).min())),
            Bug("Of equally good biases it takes the last; take the first", _of(lambda wrong, biases, y, c:
                biases[len(biases) - 1 - wrong.sum(-1)[::-1].argmin()])),
            Bug("It takes the bias with the most errors", _of(lambda wrong, biases, y, c:
                biases[wrong.sum(-1).argmax()])),
            Bug("Only the cases of class c are looked at; a high bias costs errors on the others",
                _of(lambda wrong, biases, y, c: biases[wrong[:, y == c].sum(-1).argmin()])),
            Bug("All classes are moved together, which changes no answer",
                lambda z, y, c, biases: biases[0]),
        )),
        Task("best_bias_without_labels", best_bias_without_labels, _cases_without, shapes="one number",
             bugs=(
            Bug("The student is compared with itself, and not with its teacher",
                lambda z, v, c, biases: best_bias(z, z.argmax(-1), c, biases)),
            Bug("The sign: the bias is added to the logit", lambda z, v, c, biases:
                -best_bias(z, v.argmax(-1), c, -biases)),
            Bug("The bias is added to the teacher, and not to the student",
                lambda z, v, c, biases: best_bias(v, z.argmax(-1), c, biases)),
            Bug("It takes the bias at which they agree least", lambda z, v, c, biases:
                _of(lambda wrong, b, y, k: b[wrong.sum(-1).argmax()])(z, v.argmax(-1), c, biases)),
        )),
    ),
    hints=(
        "Try each bias: add it to the logits of class c, take the largest logit of each case, and count "
        "where it is not the label.",
        "z.copy() keeps the logits as they were. argmin of the counts says which bias was best.",
        "Without labels, the teacher's answer v.argmax(-1) stands in their place.",
    ),
)  # fmt: skip
