"""An experiment of a few seconds that keeps everything a long one keeps: to be killed by crashes.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from minikd import Recipe, errors, hard_targets, load_glyphs, soft_targets
from minikd.data import Digits
from minikd.experiments import Experiment, Metric
from minikd.experiments.kept import STUDENT, TEACHER, Kept
from minikd.plots import plt


@dataclass(frozen=True)
class SmallRun:
    """Settings of the run."""

    name: str = "small-run"
    data: str = "few"
    epochs: int = 40


def one_cell(config: SmallRun, digits: Digits, kept: Kept, cell: int) -> dict[str, Any]:
    """A teacher, the mean of its logits, and a student with a temperature of its own."""
    recipe = Recipe(config.epochs, 0.1, batch=50, dropout=(0.0, 0.2))
    teacher = kept.network([784, 120, 10], TEACHER)
    kept.train("teacher", config, teacher, digits.train, hard_targets(), recipe, lasts=True)
    shared = kept.seconds
    shape = (len(digits.train), 10)
    v = kept.array("logits", config, shape, lambda title: teacher(digits.train.x))
    student = kept.network([784, 60, 10], STUDENT)
    T = 2.0 + cell
    kept.train("student", (config, cell), student, digits.train.with_logits(v),
               soft_targets(T), Recipe(config.epochs, 0.02, batch=50))  # fmt: skip
    z = student(digits.test.x)
    return {
        "seconds": kept.seconds, "shared_seconds": shared,
        "metrics": {f"errors_{cell}": errors(z, digits.test.y), "test_cases": len(digits.test)},
        "curves": {f"logits_{cell}": z[:3].tolist()},
    }  # fmt: skip


def together(config: SmallRun, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The findings of a seed from those of its cells."""
    return {
        "seconds": sum(part["seconds"] for part in parts),
        "metrics": {k: v for part in parts for k, v in part["metrics"].items()},
        "curves": {k: v for part in parts for k, v in part["curves"].items()},
    }


def figure(record: dict[str, Any]) -> Any:
    """The errors of each cell."""
    drawn, axes = plt.subplots()
    axes.bar(range(3), [record["metrics"][f"errors_{cell}"][0] for cell in range(3)])
    return drawn


EXPERIMENT = Experiment(
    name="small-run",
    section="none",
    question="does a run that is killed end as one that is not?",
    presets={"few": SmallRun()},
    one_cell=one_cell,
    metrics=tuple(Metric(f"errors_{cell}", f"T = {2 + cell}", "errors") for cell in range(3)),
    figure=figure,
    cells=lambda config: [0, 1, 2],
    together=together,
    load={"few": lambda: load_glyphs(rng=0, train=1500, test=300)},
)
