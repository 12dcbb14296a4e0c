"""What the paper reports, as data, each number with its section.

Hinton, Vinyals & Dean 2015, *Distilling the Knowledge in a Neural Network*, arXiv:1503.02531.
"""

from __future__ import annotations

from dataclasses import dataclass

# MNIST's test set, which all errors of Section 3 are counted on.
TEST_CASES = 10_000


@dataclass(frozen=True)
class Figure:
    """A number that the paper reports.

    Attributes
    ----------
    value : float
        The lower end, where the paper gives a range.
    unit : {"errors", "%", "logits", "T"}
        ``errors`` of the 10,000 test cases of MNIST, or ``%`` of the cases.
    section : str
    what : str
        In words.
    known : str
        The best public reproduction that is known, with what is particular about it.
    to : float, optional
        The upper end of a range.
    data : {"mnist", "speech", "emnist"} or None
        What stands beside it. MNIST is the paper's own. Speech stands for a corpus that nobody
        else has, and EMNIST for JFT: there the levels cannot be compared. None is any data, for a
        share, of which more is better.
    """

    value: float
    unit: str
    section: str
    what: str
    known: str = ""
    to: float | None = None
    data: str | None = "mnist"

    def __str__(self) -> str:
        """As a table shows it: ``67 errors``, ``T from 2.5 to 4``."""
        if self.unit == "T":
            return f"T from {self.value:g} to {self.to:g}"
        return f"{self.value:g} {self.unit}"

    def falls_short(self, value: float) -> bool:
        """Whether a value of a record, in the paper's unit, is worse than the paper's."""
        if self.data in ("speech", "emnist"):
            return False
        if self.data is None:
            return value < self.value
        if self.to is not None:
            return not self.value <= value <= self.to
        return self.unit != "logits" and value > self.value

    def in_unit(self, value: float, cases: int = TEST_CASES) -> float:
        """A value of a record in the paper's unit; those of MNIST count errors among ``cases``."""
        return 100 * value / cases if self.unit == "%" and self.data == "mnist" else value

    def percent(self) -> float:
        """Errors as a share of the test cases, in percent."""
        return self.value if self.unit == "%" else 100 * self.value / TEST_CASES


# Public reproductions; see their repositories on GitHub.
_PRADYOT = "pradyot-09/DL-Reproducibility-Project: one seed, 1000 epochs"
_CYBERTRON = "cybertronai/hinton-problems, in NumPy: bias matched to the prior"


def _of_speech(value: float, section: str, what: str) -> Figure:
    return Figure(value, "%", section, what, data="speech")


def _of_images(value: float, what: str) -> Figure:
    return Figure(value, "%", "5", what, data="emnist")


# Section 5, its table of images by the number of specialists that cover the correct class: the
# relative change of right answers in percent, from none to nine of them, and for ten or more.
COVERAGE_GAINS = (0.0, 3.4, 7.4, 8.8, 10.5, 11.1, 11.3, 12.8, 13.6, 16.6, 14.1)

# Experiment → metric of its record → what the paper reports.
FIGURES: dict[str, dict[str, Figure]] = {
    "teacher-student": {
        "teacher_errors": Figure(67, "errors", "3", "teacher", f"58 ({_PRADYOT})"),
        "alone_errors": Figure(146, "errors", "3", "student alone, on hard labels"),
        "distilled_errors": Figure(
            74, "errors", "3", "student on soft targets at T = 20",
            f"65 ({_PRADYOT}, transfer set jittered)",
        ),
    },
    "temperature-width": {
        "best_T_30": Figure(2.5, "T", "3", "T that does best with 30 units in each layer", to=4),
    },
    "omitted-3": {
        "teacher_errors": Figure(67, "errors", "3", "teacher", f"58 ({_PRADYOT})"),
        "errors_before": Figure(
            206, "errors", "3", "student that never saw a 3",
            f"141 ({_PRADYOT}, transfer set jittered)",
        ),
        "omitted_errors_before": Figure(
            133, "errors", "3", "of them on threes", f"82 ({_PRADYOT}, transfer set jittered)"
        ),
        "bias": Figure(3.5, "logits", "3", "raise of the bias of class 3"),
        "errors_after": Figure(109, "errors", "3", "student after that", f"193 ({_CYBERTRON})"),
        "omitted_errors_after": Figure(
            14, "errors", "3", "of them on threes, after that", f"22 ({_CYBERTRON})"
        ),
    },
    "sevens-and-eights": {
        "teacher_errors": Figure(67, "errors", "3", "teacher", f"58 ({_PRADYOT})"),
        "errors_before": Figure(47.3, "%", "3", "student that saw only sevens and eights"),
        "bias": Figure(-7.6, "logits", "3", "change of the biases of 7 and 8"),
        "errors_after": Figure(13.2, "%", "3", "student after that"),
    },
    # The paper leaves out the 3 alone, and does not say how its recipes were chosen.
    "omitted-each": {},
    "recipes": {},
    "acoustic-ensemble": {
        "single_accuracy": _of_speech(58.9, "4", "frames that one network gets right"),
        "ensemble_accuracy": _of_speech(61.1, "4", "frames that an ensemble of ten gets right"),
        "distilled_accuracy": _of_speech(60.8, "4", "frames that a network distilled from it gets right"),
        "share_kept": Figure(80, "%", "4", "share of the gain that it keeps, at least", data=None),
        "single_wer": _of_speech(10.9, "4", "words that one network gets wrong"),
        "ensemble_wer": _of_speech(10.7, "4", "words that the ensemble gets wrong"),
        "distilled_wer": _of_speech(10.7, "4", "words that the distilled network gets wrong"),
    },
    # The paper speaks of no forecast.
    "forecast": {},
    "specialists": {
        "generalist_accuracy": _of_images(25.0, "images that the generalist gets right"),
        "specialists_accuracy": _of_images(26.1, "images that are right with specialists (the paper: 61)"),
        "relative_gain": _of_images(4.4, "gain in images right, relative"),
        "generalist_conditional_accuracy": _of_images(43.1, "a specialist's classes told apart by the generalist"),
        "specialists_conditional_accuracy": _of_images(45.9, "a specialist's classes told apart by the specialist"),
    },
    # Section 8 leaves it open.
    "specialists-into-one": {},
    "three-percent": {
        "all_train_accuracy": _of_speech(63.4, "6", "training frames right, all data, hard targets"),
        "all_accuracy": _of_speech(58.9, "6", "test frames right, all data, hard targets"),
        "hard_3_early_train_accuracy": _of_speech(67.3, "6", "training frames right, 3 % of the data, hard targets, stopped early"),
        "hard_3_early_accuracy": _of_speech(44.5, "6", "test frames right, 3 % of the data, hard targets, stopped early"),
        "soft_3_train_accuracy": _of_speech(65.4, "6", "training frames right, 3 % of the data, soft targets"),
        "soft_3_accuracy": _of_speech(57.0, "6", "test frames right, 3 % of the data, soft targets"),
        "recovered_3": Figure(
            # From the three figures of its Table 5.
            round(100 * (57.0 - 44.5) / (58.9 - 44.5)), "%", "6",
            "3 %: share of the gap between hard targets and all data that soft targets close", data=None,
        ),
    },
}  # fmt: skip


def figures(name: str, data: str) -> dict[str, Figure]:
    """What the paper reports for an experiment, that a record of this data can be set beside."""
    return {m: f for m, f in FIGURES[name].items() if f.data in (data, None)}
