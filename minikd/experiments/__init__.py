"""One file per claim of the paper: what is run, with which settings, and what is recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minikd.experiments import omitted_3, sevens_and_eights, teacher_student, unseen
from minikd.experiments.teacher_student import TeacherStudent, run_teacher_student
from minikd.experiments.unseen import Unseen, run_unseen

__all__ = [
    "EXPERIMENTS",
    "Experiment",
    "TeacherStudent",
    "Unseen",
    "run_teacher_student",
    "run_unseen",
]


@dataclass(frozen=True)
class Experiment:
    """A claim, how it is tried, and with which settings.

    Attributes
    ----------
    claim : str
        In one line.
    presets : dict
        From the name of a data set to settings.
    run : callable
        ``run(settings, seeds, out, device, progress)`` writes a record and returns it.
    shown : dict
        The metrics that a table shows, in order, with words for them.
    """

    claim: str
    presets: dict[str, Any]
    run: Callable[..., dict[str, Any]]
    shown: dict[str, str]


EXPERIMENTS = {
    "teacher-student": Experiment(
        teacher_student.CLAIM,
        teacher_student.PRESETS,
        run_teacher_student,
        teacher_student.SHOWN,
    ),
    "omitted-3": Experiment(omitted_3.CLAIM, omitted_3.PRESETS, run_unseen, unseen.SHOWN),
    "sevens-and-eights": Experiment(
        sevens_and_eights.CLAIM, sevens_and_eights.PRESETS, run_unseen, unseen.SHOWN
    ),
}
