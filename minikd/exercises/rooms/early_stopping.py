"""Early stopping."""

import numpy as np

from minikd.exercises.exercise import Bug, Exercise, Task


def stopped_at(costs, patience):
    best = 0
    for epoch, cost in enumerate(costs):
        if cost < costs[best]:
            best = epoch
        elif epoch - best >= patience:
            break
    return best


def _cases(rng):
    yield np.array([3.0, 2.0, 1.0]), 1
    yield np.array([3.0, 2.0, 2.5, 2.4, 1.0]), 2
    yield np.array([3.0, 2.0, 2.5, 1.5, 1.6, 1.7, 1.8, 0.1]), 3
    yield np.array([1.0, 1.0, 2.0, 2.0]), 3
    yield np.array([1.0, 1.0, 1.0, 0.5, 2.0]), 3
    for patience in (1, 3, 5):
        yield np.round(3 * 0.95 ** np.arange(30) + rng.random(30), 3), patience


def _gave_up(costs, patience):
    best = 0
    for epoch, cost in enumerate(costs):
        if cost < costs[best]:
            best = epoch
        elif epoch - best >= patience:
            return epoch
    return len(costs) - 1


def _beside_the_last(costs, patience):
    worse = 0
    for epoch in range(1, len(costs)):
        worse = worse + 1 if costs[epoch] >= costs[epoch - 1] else 0
        if worse >= patience:
            return int(np.argmin(costs[: epoch + 1]))
    return int(np.argmin(costs))


def _late(costs, patience):
    return stopped_at(costs, patience + 1)


def _equal_counts(costs, patience):
    best = 0
    for epoch, cost in enumerate(costs):
        if cost <= costs[best]:
            best = epoch
        elif epoch - best >= patience:
            break
    return best


EXERCISE = Exercise(
    "early_stopping", 16, "Early stopping", 15,
    tasks=(
        Task("stopped_at", stopped_at, _cases, shapes="one whole number", bugs=(
            Bug("It looks at the whole future: training would have stopped before",
                lambda costs, patience: int(np.argmin(costs))),
            Bug("It gives the epoch at which it gives up; expected the best one until then", _gave_up),
            Bug("Each epoch is compared with the one before; expected the best so far", _beside_the_last),
            Bug("It waits one epoch too long", _late),
            Bug("It waits one epoch too few",
                lambda costs, patience: stopped_at(costs, patience - 1)),
            Bug("An equal cost counts as better", _equal_counts),
            Bug("It gives the cost, and not the epoch", lambda costs, patience:
                costs[stopped_at(costs, patience)]),
            Bug("Epochs count from 1; here they count from 0",
                lambda costs, patience: stopped_at(costs, patience) + 1),
        )),
    ),
    hints=(
        "Keep two things while you go through the epochs: which one was best so far, and how long ago.",
        "Training stops once as many epochs as the patience have passed since the best one.",
        "The answer is the best epoch, whose weights would be taken, and not the one at which you gave up.",
    ),
)  # fmt: skip
