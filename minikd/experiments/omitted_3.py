"""Section 3: the student that never saw a 3 gets most threes right, once its bias is raised."""

from dataclasses import replace
from typing import Any

from minikd.experiments.experiment import Experiment, Paper
from minikd.experiments.protocols import Protocol
from minikd.experiments.unseen import Unseen, metrics, one_cell, shared_curves
from minikd.experiments.unseen_figure import plot_unseen, unseen_findings
from minikd.train import Recipe

_PRADYOT = "pradyot-09"  # DL-Reproducibility-Project: one seed, 1,000 epochs
_CYBERTRON = "cybertronai"  # hinton-problems, in NumPy; the bias matched to the prior


def _preset(
    data: str,
    hidden: tuple[tuple[int, ...], tuple[int, ...]],
    gain: float,
    teacher: Recipe,
    best_teacher: dict[str, Any],
    student: Recipe,
    hard: Recipe,
    view_pixels: int,
    held_out: int,
) -> Unseen:
    return Unseen(
        name="omitted-3",
        data=data,
        omitted=(3,),
        moved=(3,),
        teacher_hidden=hidden[0],
        student_hidden=hidden[1],
        student_gain=gain,
        hard=hard,
        T=20.0,
        view_pixels=view_pixels,
        paper=Protocol(teacher, 2.0, averaged=False, held_out=0, student=student),
        best=Protocol(
            replace(teacher, **best_teacher),
            0.0,
            averaged=True,
            held_out=held_out,
            student=student,
        ),
    )


# The teachers and the protocols of all of Section 3 stand here.
PRESETS = {
    "glyphs": _preset(
        "glyphs",
        hidden=((400, 400), (300, 300)),
        gain=1.0,
        teacher=Recipe(
            epochs=50, learning_rate=0.1, batch=100, warm_up=100,
            dropout=(0.0, 0.2, 0.5), max_norm=3.5, jitter=2,
        ),
        best_teacher={},
        student=Recipe(epochs=40, learning_rate=0.02, batch=100, warm_up=100),
        hard=Recipe(epochs=15, learning_rate=0.1, batch=100),
        view_pixels=1,
        held_out=1000,
    ),
    "mnist": _preset(
        "mnist",
        hidden=((1200, 1200), (800, 800)),
        gain=0.4,
        teacher=Recipe(
            epochs=250, learning_rate=0.15, batch=256, warm_up=300,
            dropout=(0.1, 0.4, 0.4), max_norm=3.5, jitter=2, subpixel=True,
        ),
        # It makes more errors itself, but says more of classes that a student never sees.
        best_teacher={"dropout": (0.0, 0.1, 0.2), "epochs": 100},
        student=Recipe(epochs=40, learning_rate=0.05, batch=128, warm_up=500),
        hard=Recipe(epochs=10, learning_rate=0.1, batch=128),
        view_pixels=2,
        held_out=5000,
    ),
}  # fmt: skip

METRICS = metrics({
    "teacher_errors": Paper(67, "3", known=f"58 ({_PRADYOT})"),
    "errors_before": Paper(206, "3", known=f"141 ({_PRADYOT}, moved images)"),
    "omitted_errors_before": Paper(133, "3", known=f"82 ({_PRADYOT}, moved images)"),
    "bias": Paper(3.5, "3"),
    "errors_after": Paper(109, "3", known=f"193 ({_CYBERTRON})"),
    "omitted_errors_after": Paper(14, "3", known=f"22 ({_CYBERTRON})"),
})  # fmt: skip

EXPERIMENT: Experiment = Experiment(
    name="omitted-3",
    section="3",
    question="does a student that never saw a 3 know threes, and what does raising their bias change?",
    presets=PRESETS,
    one_cell=one_cell,
    metrics=METRICS,
    figure=lambda record: plot_unseen(record, EXPERIMENT.in_record(record)),
    findings=unseen_findings,
    shared_curves=shared_curves,
    as_in_paper={
        "omitted": (3,),
        "moved": (3,),
        "teacher_hidden": (1200, 1200),
        "student_hidden": (800, 800),
    },
    chosen=(("best_errors_after", "bias of class 3"),),
)
