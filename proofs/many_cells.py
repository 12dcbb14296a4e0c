"""An experiment of hundreds of small cells that mostly wait: to be spread over a cluster by load.py."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minikd import Recipe, errors, hard_targets, load_glyphs
from minikd.data import Digits
from minikd.experiments import Experiment, Metric
from minikd.experiments.kept import STUDENT, Kept
from minikd.plots import plt

CELLS = 10
# How long a cell takes beside its training, and where each tells that it was begun.
WAIT, TOLD = "MANY_CELLS_WAIT", "MANY_CELLS_TOLD"


@dataclass(frozen=True)
class ManyCells:
    """Settings of the run."""

    name: str = "many-cells"
    data: str = "few"


def one_cell(config: ManyCells, digits: Digits, kept: Kept, cell: int) -> dict[str, Any]:
    """A small network with a learning rate of its own."""
    if told := os.environ.get(TOLD):
        number = f"{kept.seed}-{cell}-{time.monotonic_ns()}"
        (Path(told) / number).write_text(socket.gethostname(), encoding="utf-8")
    network = kept.network([784, 30, 10], STUDENT)
    recipe = Recipe(5, 0.02 * (1 + cell), batch=50)
    kept.train("network", (config, cell), network, digits.train, hard_targets(), recipe)
    time.sleep(float(os.environ.get(WAIT, "0")))
    wrong = errors(network(digits.test.x), digits.test.y)
    return {
        "seconds": kept.seconds, "shared_seconds": 0.0,
        "metrics": {f"errors_{cell}": wrong, "test_cases": len(digits.test)},
        "curves": {f"errors_{cell}": [wrong]},
    }  # fmt: skip


def together(config: ManyCells, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The findings of a seed from those of its cells."""
    return {
        "seconds": sum(part["seconds"] for part in parts),
        "metrics": {k: v for part in parts for k, v in part["metrics"].items()},
        "curves": {k: v for part in parts for k, v in part["curves"].items()},
    }


def figure(record: dict[str, Any]) -> Any:
    """The errors of each cell."""
    drawn, axes = plt.subplots()
    axes.bar(range(CELLS), [record["metrics"][f"errors_{cell}"][0] for cell in range(CELLS)])
    return drawn


EXPERIMENT = Experiment(
    name="many-cells",
    section="none",
    question="does a cluster that breaks lose cells?",
    presets={"few": ManyCells()},
    one_cell=one_cell,
    metrics=tuple(
        Metric(f"errors_{cell}", f"rate {0.02 * (1 + cell):.2f}", "errors")
        for cell in range(CELLS)
    ),
    figure=figure,
    cells=lambda config: list(range(CELLS)),
    together=together,
    load={"few": lambda: load_glyphs(rng=0, train=500, test=300)},
)
