"""One file per claim of the paper: what is run, with which settings, and what is recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from os import PathLike
from typing import Any

from minikd.experiments import (
    acoustic_ensemble,
    forecast,
    omitted_3,
    omitted_each,
    recipes,
    sevens_and_eights,
    specialists,
    specialists_into_one,
    teacher_student,
    temperature_width,
    three_percent,
    unseen,
)
from minikd.experiments.run import first_part, no_cells, run_seeds

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
    one_cell : callable
        What is done for a cell of each seed; see :func:`minikd.experiments.run.run_seeds`.
    shown : dict
        The metrics that a table shows, in order, with words for them.
    shared_curves : callable
        From settings to what all seeds of a record share.
    cells, together : callable
        The cells of a seed, and how their findings are joined.
    """

    claim: str
    presets: dict[str, Any]
    one_cell: Callable[..., dict[str, Any]]
    shown: dict[str, str]
    shared_curves: Callable[[Any], dict[str, Any]] = lambda config: {}
    cells: Callable[[Any], list[Any]] = no_cells
    together: Callable[[Any, list[dict[str, Any]]], dict[str, Any]] = first_part

    def run(
        self,
        config: Any,
        seeds: Sequence[int] = (0,),
        out: str | PathLike[str] = "out",
        device: str = "cpu",
        progress: bool = False,
        executor: Executor | None = None,
        threads: int | None = None,
    ) -> dict[str, Any]:
        """Run it for each seed and write its record.

        Parameters, files, resumption and errors as in
        :func:`minikd.experiments.run.run_seeds`.

        Returns
        -------
        dict
            The record, as it was written.
        """
        return run_seeds(
            config, self.one_cell, seeds, out, device, progress, self.shared_curves(config),
            self.cells, self.together, executor, threads,
        )  # fmt: skip


EXPERIMENTS = {
    "teacher-student": Experiment(
        teacher_student.CLAIM,
        teacher_student.PRESETS,
        teacher_student.one_cell,
        teacher_student.SHOWN,
    ),
    "temperature-width": Experiment(
        temperature_width.CLAIM,
        temperature_width.PRESETS,
        temperature_width.one_cell,
        temperature_width.SHOWN,
        temperature_width.shared_curves,
        temperature_width.cells,
        temperature_width.together,
    ),
    "omitted-3": Experiment(
        omitted_3.CLAIM, omitted_3.PRESETS, unseen.one_cell, unseen.SHOWN, unseen.shared_curves
    ),
    "sevens-and-eights": Experiment(
        sevens_and_eights.CLAIM,
        sevens_and_eights.PRESETS,
        unseen.one_cell,
        unseen.SHOWN,
        unseen.shared_curves,
    ),
    "omitted-each": Experiment(
        omitted_each.CLAIM,
        omitted_each.PRESETS,
        omitted_each.one_cell,
        omitted_each.SHOWN,
        cells=omitted_each.cells,
        together=omitted_each.together,
    ),
    "recipes": Experiment(recipes.CLAIM, recipes.PRESETS, recipes.one_cell, recipes.SHOWN),
    "acoustic-ensemble": Experiment(
        acoustic_ensemble.CLAIM,
        acoustic_ensemble.PRESETS,
        acoustic_ensemble.one_cell,
        acoustic_ensemble.SHOWN,
    ),
    "three-percent": Experiment(
        three_percent.CLAIM,
        three_percent.PRESETS,
        three_percent.one_cell,
        three_percent.SHOWN,
        cells=three_percent.cells,
        together=three_percent.together,
    ),
    "forecast": Experiment(forecast.CLAIM, forecast.PRESETS, forecast.one_cell, forecast.SHOWN),
    "specialists": Experiment(
        specialists.CLAIM,
        specialists.PRESETS,
        specialists.one_cell,
        specialists.SHOWN,
        cells=specialists.cells,
        together=specialists.together,
    ),
    "specialists-into-one": Experiment(
        specialists_into_one.CLAIM,
        specialists_into_one.PRESETS,
        specialists_into_one.one_cell,
        specialists_into_one.SHOWN,
    ),
}
