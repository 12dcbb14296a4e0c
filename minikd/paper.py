"""The figures of the paper, as data, each with its section.

Hinton, Vinyals & Dean 2015, *Distilling the Knowledge in a Neural Network*, arXiv:1503.02531.
Errors are of the 10,000 test cases of MNIST.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A number that the paper reports.

    Attributes
    ----------
    value : float
    unit : str
    section : str
    what : str
        In words.
    """

    value: float
    unit: str
    section: str
    what: str


# Experiment → metric of its record → figure.
FIGURES: dict[str, dict[str, Figure]] = {
    "omitted-3": {
        "teacher_errors": Figure(67, "errors", "3", "the teacher"),
        "errors_before": Figure(206, "errors", "3", "student that never saw a 3"),
        "omitted_errors_before": Figure(133, "errors", "3", "of them on the 1010 threes"),
        "bias": Figure(
            3.5, "logits", "3", "raise of the bias of class 3, tuned on the test set"
        ),
        "errors_after": Figure(109, "errors", "3", "after the bias was raised"),
        "omitted_errors_after": Figure(14, "errors", "3", "of them on the threes"),
    },
    "sevens-and-eights": {
        "teacher_errors": Figure(67, "errors", "3", "the teacher"),
        "errors_before": Figure(4730, "errors", "3", "student that saw only sevens and eights"),
        "bias": Figure(
            -7.6, "logits", "3", "change of the biases of 7 and 8, tuned on the test set"
        ),
        "errors_after": Figure(1320, "errors", "3", "after the biases were lowered"),
    },
}

# Section 3: the whole of MNIST's test set, and the threes in it.
TEST_CASES = 10_000
TEST_THREES = 1_010
