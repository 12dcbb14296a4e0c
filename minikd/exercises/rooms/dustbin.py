"""The dustbin of a specialist: its label, and what its logit lacks."""

import numpy as np

from minikd.exercises.exercise import Bug, Exercise, Task


def specialist_labels(y, special):
    matches = y[:, None] == special
    return np.where(matches.any(-1), matches.argmax(-1), len(special))


def dustbin_correction(y, special, share):
    true = np.isin(y, special).mean()
    return np.log(share / (1 - share) * (1 - true) / true)


def _label_cases(rng):
    yield np.array([4, 1, 0]), np.array([1, 4])
    for n, classes, size in ((8, 6, 3), (40, 10, 4)):
        yield rng.integers(0, classes, n), np.sort(rng.permutation(classes)[:size])
    yield np.array([7, 2, 2, 5]), np.array([5, 2])


def _correction_cases(rng):
    yield np.array([0, 1, 2, 3]), np.array([0]), 0.5
    for n, classes, size, share in ((40, 6, 2, 0.5), (90, 10, 3, 0.7), (60, 5, 1, 0.35)):
        y = np.r_[np.arange(classes), rng.integers(0, classes, n - classes)]
        yield y, np.arange(size) + 1, share


EXERCISE = Exercise(
    "dustbin", 14, "A specialist and its dustbin", 20,
    tasks=(
        Task("specialist_labels", specialist_labels, _label_cases, shapes="(n,)", bugs=(
            Bug("It says only whether a class is special; expected which one",
                lambda y, special: np.isin(y, special).astype(int)),
                Bug("The labels of special classes are kept; number them 0, 1, … in the order of special",
                lambda y, special: np.where(np.isin(y, special), y, len(special))),
            Bug("The dustbin is class 0; it comes after the special classes",
                lambda y, special: np.where(np.isin(y, special), specialist_labels(y, special) + 1, 0)),
            Bug("The dustbin is -1; its label is the number of special classes",
                lambda y, special: np.where(np.isin(y, special), specialist_labels(y, special), -1)),
            Bug("Positions count from 1; the first special class is 0",
                lambda y, special: specialist_labels(y, special) + 1),
            Bug("The special classes are sorted; their order is that of special",
                lambda y, special: specialist_labels(y, np.sort(special))),
            Bug("Other classes are called 0, as the first special class is",
                lambda y, special: (y[:, None] == special).argmax(-1)),
        )),
        Task("dustbin_correction", dustbin_correction, _correction_cases, shapes="one number", bugs=(
            Bug("The sign: the special logits are too large, so the dustbin's is raised",
                lambda y, special, share: -dustbin_correction(y, special, share)),
            Bug("Only the share is used; the true share of special cases is missing",
                lambda y, special, share: np.log(share / (1 - share))),
            Bug("Shares are divided, and not odds",
                lambda y, special, share: np.log(share / np.isin(y, special).mean())),
            Bug("The logarithm is missing",
                lambda y, special, share: np.exp(dustbin_correction(y, special, share))),
            Bug("The number of classes stands where the number of cases should",
                lambda y, special, share: np.log(
                    share / (1 - share) * (len(np.unique(y)) - len(special)) / len(special))),
        )),
    ),
    hints=(
        "y[:, None] == special compares each label with each special class.",
        "A specialist saw special cases with another share than there is. Odds are share / (1 - share).",
        "The dustbin gets the logarithm of: odds in the batches divided by odds in the data.",
    ),
)  # fmt: skip
