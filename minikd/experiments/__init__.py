"""One room per experiment: settings, run, metrics, figure and findings stand together.

A module or folder of this package that declares an ``EXPERIMENT`` is one, and is found by that:
nothing elsewhere names it.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from minikd.experiments.experiment import Experiment, Metric, Paper
from minikd.experiments.record import complete, full_run, read_record

__all__ = [
    "EXPERIMENTS", "Experiment", "Metric", "Paper", "findings", "full_run", "plot_record",
    "read_record",
]  # fmt: skip


def _discovered() -> dict[str, Experiment]:
    rooms = [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
    ]
    found = [room.EXPERIMENT for room in rooms if hasattr(room, "EXPERIMENT")]
    return {e.name: e for e in sorted(found, key=lambda e: (e.section, e.name))}


EXPERIMENTS = _discovered()


def plot_record(record: dict[str, Any]) -> Any:
    """The figure of an experiment, from its record."""
    with complete(record, EXPERIMENTS):
        return EXPERIMENTS[record["name"]].figure(record)


def findings(record: dict[str, Any]) -> list[str]:
    """What a record says of the claim of its experiment, a sentence each."""
    with complete(record, EXPERIMENTS):
        return EXPERIMENTS[record["name"]].findings(record)
