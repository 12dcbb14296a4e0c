"""One file per claim of the paper: what is run, with which settings, and what is recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

from minikd.experiments import (
    omitted_3,
    omitted_each,
    recipes,
    sevens_and_eights,
    teacher_student,
    temperature_width,
    unseen,
)
from minikd.experiments.run import run_seeds

__all__ = ["EXPERIMENTS", "Experiment"]


@dataclass(frozen=True)
class Experiment:
    """A claim, how it is tried, and with which settings.

    Attributes
    ----------
    claim : str
        In one line.
    presets : dict
        From the name of a data set to settings.
    one_seed : callable
        What is done for each seed; see :func:`minikd.experiments.run.run_seeds`.
    shown : dict
        The metrics that a table shows, in order, with words for them.
    shared_curves : callable
        From settings to what all seeds of a record share.
    """

    claim: str
    presets: dict[str, Any]
    one_seed: Callable[..., dict[str, Any]]
    shown: dict[str, str]
    shared_curves: Callable[[Any], dict[str, Any]] = lambda config: {}

    def run(
        self,
        config: Any,
        seeds: Sequence[int] = (0,),
        out: str | PathLike[str] = "out",
        device: str = "cpu",
        progress: bool = False,
    ) -> dict[str, Any]:
        """Run it for each seed and write its record.

        Parameters, files, resumption and errors as in
        :func:`minikd.experiments.run.run_seeds`.

        Returns
        -------
        dict
            The record, as it was written.
        """
        curves = self.shared_curves(config)
        return run_seeds(config, self.one_seed, seeds, out, device, progress, curves)


EXPERIMENTS = {
    "teacher-student": Experiment(
        teacher_student.CLAIM,
        teacher_student.PRESETS,
        teacher_student.one_seed,
        teacher_student.SHOWN,
    ),
    "temperature-width": Experiment(
        temperature_width.CLAIM,
        temperature_width.PRESETS,
        temperature_width.one_seed,
        temperature_width.SHOWN,
        temperature_width.shared_curves,
    ),
    "omitted-3": Experiment(
        omitted_3.CLAIM, omitted_3.PRESETS, unseen.one_seed, unseen.SHOWN, unseen.shared_curves
    ),
    "sevens-and-eights": Experiment(
        sevens_and_eights.CLAIM,
        sevens_and_eights.PRESETS,
        unseen.one_seed,
        unseen.SHOWN,
        unseen.shared_curves,
    ),
    "omitted-each": Experiment(
        omitted_each.CLAIM,
        omitted_each.PRESETS,
        omitted_each.one_seed,
        omitted_each.SHOWN,
    ),
    "recipes": Experiment(recipes.CLAIM, recipes.PRESETS, recipes.one_seed, recipes.SHOWN),
}
