"""Section 3: a student that saw only sevens and eights knows the other digits too."""

from dataclasses import replace

from minikd.experiments.experiment import Experiment, Paper
from minikd.experiments.omitted_3 import PRESETS as OMITTED_3
from minikd.experiments.unseen import Unseen, metrics, one_cell, shared_curves
from minikd.experiments.unseen_figure import plot_unseen, unseen_findings

_OTHERS = (0, 1, 2, 3, 4, 5, 6, 9)


def _only_7_and_8(preset: Unseen, epochs: int, learning_rate: float) -> Unseen:
    # About a fifth of the cases, so fewer steps an epoch; more epochs make up for some of it.
    # It diverges at rates at which a student of all classes learns.
    student = replace(preset.paper.student, epochs=epochs, learning_rate=learning_rate)
    return replace(
        preset,
        name="sevens-and-eights",
        omitted=_OTHERS,
        moved=(7, 8),
        view_pixels=2,
        paper=replace(preset.paper, student=student),
        best=replace(preset.best, student=student),
    )


PRESETS = {
    "glyphs": _only_7_and_8(OMITTED_3["glyphs"], epochs=100, learning_rate=0.02),
    "mnist": _only_7_and_8(OMITTED_3["mnist"], epochs=60, learning_rate=0.03),
}

METRICS = metrics(
    {
        "errors_before": Paper(47.3, "3"),
        "bias": Paper(-7.6, "3"),
        "errors_after": Paper(13.2, "3"),
    },
    of_all="% of cases",
)

EXPERIMENT: Experiment = Experiment(
    name="sevens-and-eights",
    section="3",
    question="does a student that saw only sevens and eights know the other digits, and what does "
    "lowering both biases change?",
    presets=PRESETS,
    one_cell=one_cell,
    metrics=METRICS,
    figure=lambda record: plot_unseen(record, EXPERIMENT.in_record(record)),
    findings=unseen_findings,
    shared_curves=shared_curves,
    as_in_paper={
        "omitted": _OTHERS,
        "moved": (7, 8),
        "teacher_hidden": (1200, 1200),
        "student_hidden": (800, 800),
    },
    chosen=(("best_errors_after", "biases of 7 and 8"),),
)
