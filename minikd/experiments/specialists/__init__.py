"""Section 5: a generalist, specialists for what it confuses, and their answers as one."""

from __future__ import annotations

from minikd.experiments.experiment import Experiment, Metric, Paper
from minikd.experiments.specialists.figure import plot_specialists
from minikd.experiments.specialists.findings import specialists_findings, specialists_tables
from minikd.experiments.specialists.run import PRESETS, cells, one_cell, together


def _of_jft(value: float) -> Paper:
    return Paper(value, "5", data="emnist", level=False)


METRICS = (
    Metric("generalist_accuracy", "test cases right: generalist", "%", "more", _of_jft(25.0)),
    Metric("specialists_accuracy", "test cases right: with specialists, Eq. 5",
           "%", "more", _of_jft(26.1)),
    Metric("relative_gain", "gain in test cases right, relative",
           "%", "more", Paper(4.4, "5", data="emnist")),
    Metric("reverse_accuracy", "test cases right: Eq. 5 with the divergences the other way round",
           "%", "more", control=True),
    Metric("uncorrected_accuracy", "test cases right: Eq. 5, dustbins not corrected",
           "%", "more", control=True),
    Metric("random_accuracy", "test cases right: Eq. 5, specialists of classes drawn at random",
           "%", "more", control=True),
    Metric("copy_accuracy",
           "test cases right: a copy of the generalist, trained on for as long as a specialist",
           "%", "more", control=True),
    Metric("copies_accuracy", "test cases right: mean of the generalist and of copies trained for longer",
           "%", "more"),
    Metric("mixture_accuracy", "test cases right: mixture of experts", "%", "more"),
    Metric("generalist_log_loss", "log-loss: generalist", "nats", "less"),
    Metric("specialists_log_loss", "log-loss: with specialists, Eq. 5", "nats", "less"),
    Metric("reverse_log_loss", "log-loss: Eq. 5 with the divergences the other way round",
           "nats", "less", control=True),
    Metric("uncorrected_log_loss", "log-loss: Eq. 5, dustbins not corrected",
           "nats", "less", control=True),
    Metric("random_log_loss", "log-loss: Eq. 5, specialists of classes drawn at random",
           "nats", "less", control=True),
    Metric("copies_log_loss", "log-loss: mean of the generalist and of its copies",
           "nats", "less", control=True),
    Metric("mixture_log_loss", "log-loss: mixture of experts", "nats", "less", control=True),
    Metric("calibrated_generalist_log_loss", "log-loss: generalist, calibrated",
           "nats", "less", control=True),
    Metric("calibrated_specialists_log_loss", "log-loss: with specialists, calibrated",
           "nats", "less", control=True),
    Metric("generalist_calibration", "calibration error: generalist", "%", "less", control=True),
    Metric("specialists_calibration", "calibration error: with specialists", "%", "less", control=True),
    Metric("mixture_calibration", "calibration error: mixture of experts", "%", "less", control=True),
    Metric("generalist_train_accuracy", "training cases right: generalist", "%", "more", control=True),
    Metric("specialists_train_accuracy", "training cases right: with specialists",
           "%", "more", control=True),
    Metric("generalist_conditional_accuracy", "a specialist's classes told apart: generalist",
           "%", "more", _of_jft(43.1)),
    Metric("specialists_conditional_accuracy", "a specialist's classes told apart: the specialist",
           "%", "more", _of_jft(45.9)),
    Metric("active_specialists", "active specialists, mean over cases",
           "number", "neither", control=True),
    Metric("generalist_minutes", "minutes of training: generalist", "minutes", "neither", control=True),
    Metric("specialists_minutes", "minutes of training: all specialists together",
           "minutes", "neither", control=True),
    Metric("specialist_share", "of the generalist's time: each specialist", "%", "neither", control=True),
    Metric("mixture_minutes", "minutes of training: mixture of experts",
           "minutes", "neither", control=True),
    Metric("solver_seconds", "seconds for Eq. 5, 10,000 cases", "seconds", "neither", control=True),
)  # fmt: skip

EXPERIMENT = Experiment(
    name="specialists",
    section="5",
    question="do specialists for the classes that a generalist confuses improve its answers?",
    presets=PRESETS,
    one_cell=one_cell,
    metrics=METRICS,
    figure=plot_specialists,
    findings=specialists_findings,
    tables=specialists_tables,
    cells=cells,
    together=together,
)
