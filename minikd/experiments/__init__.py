"""One file per claim of the paper: what is run, with which settings, and what is recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minikd.experiments import omitted_3, sevens_and_eights
from minikd.experiments.unseen import Unseen, run_unseen

__all__ = ["EXPERIMENTS", "Experiment", "Unseen", "run_unseen"]


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
    """

    claim: str
    presets: dict[str, Any]
    run: Callable[..., dict[str, Any]]


EXPERIMENTS = {
    "omitted-3": Experiment(omitted_3.CLAIM, omitted_3.PRESETS, run_unseen),
    "sevens-and-eights": Experiment(
        sevens_and_eights.CLAIM, sevens_and_eights.PRESETS, run_unseen
    ),
}
