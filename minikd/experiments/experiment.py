"""What a room of an experiment declares, and what is done with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from os import PathLike
from typing import Any, Literal

import numpy as np

from minikd import values
from minikd.experiments.record import digest
from minikd.experiments.run import first_part, no_cells, run_seeds
from minikd.statistics import mean_and_sd, share_interval

Record = dict[str, Any]


@dataclass(frozen=True)
class Paper:
    """A number that the paper reports for a metric.

    Attributes
    ----------
    value : float
        In the unit of the metric; the lower end, where the paper gives a range.
    section : str
    to : float, optional
        The upper end of a range.
    data : str or None
        What the number can stand beside: records of this data set; None is any, for a share.
    level : bool
        The data set is the paper's own, so that its level can be compared, not a direction alone.
    known : str
        The best public reproduction that is known, with what is particular about it.
    """

    value: float
    section: str
    to: float | None = None
    data: str | None = "mnist"
    level: bool = True
    known: str = ""


@dataclass(frozen=True)
class Metric:
    """A number that each seed of a record has.

    Attributes
    ----------
    name : str
    words : str
        In a table.
    unit : str
        What tables show behind a number, such as ``nats``. Some are more than a word: ``"T"`` and
        ``"p"`` have no mean over seeds, and ``"% of cases"`` are errors, shown as a share of
        the cases ``of`` counts; ``"number"`` shows none.
    better : {"less", "more", "neither"}
    paper : Paper, optional
    control : bool
        A page folds it away with the other controls.
    of : str
        The metric that counts the cases among which errors are counted.
    """

    name: str
    words: str
    unit: str
    better: Literal["less", "more", "neither"] = "less"
    paper: Paper | None = None
    control: bool = False
    of: str = "test_cases"

    def said(self, record: Record) -> str:
        """The metric over the seeds of a record, in its unit: ``mean ± sd (n)``."""
        m = record["metrics"]
        values, n = m[self.name], len(record["seeds"])
        if self.unit == "T":  # a mean of temperatures that did best is none
            return f"{', '.join(f'{T:g}' for T in values)} (n = {n})"
        if self.unit == "p":  # nor is one of p values: the largest is what all seeds are below
            return f"{max(values):.1g} at most (n = {n})"
        if self.unit == "cases":
            return f"{values[0]}"
        if self.unit in ("nats", "variances", "minutes", "seconds"):
            return _three_digits(values, self.unit)
        if self.unit == "% of cases":
            cases = m[self.of]
            return mean_and_sd([100 * v / c for v, c in zip(values, cases, strict=True)], "%")
        return mean_and_sd(values, "" if self.unit == "number" else self.unit)

    def in_paper(self) -> str:
        """The paper's number as a table shows it: ``67 errors``, ``T from 2.5 to 4``."""
        if self.paper is None:
            return ""
        if self.paper.to is not None:
            return f"{self.unit} from {self.paper.value:g} to {self.paper.to:g}"
        return f"{self.paper.value:g} {self.unit.removesuffix(' of cases')}"

    def over_cases(self, record: Record) -> str:
        """How far the mean of its errors would change with other test cases: a 95 % interval.

        Of errors alone; empty for other metrics. In the unit of the metric.
        """
        cases = record["metrics"].get(self.of)
        if self.unit not in ("errors", "% of cases") or cases is None:
            return ""
        ends = share_interval(float(np.mean(record["metrics"][self.name])), int(cases[0]))
        if self.unit == "errors":
            low, high = (f"{end * cases[0]:.0f}" for end in ends)
            return f"{low} to {high}"
        low, high = (f"{100 * end:.1f}" for end in ends)
        return f"{low} to {high} %"

    def paper_percent(self) -> float:
        """The paper's number in percent; its errors are of 10,000 test cases."""
        assert self.paper is not None
        return self.paper.value / 100 if self.unit == "errors" else self.paper.value

    def falls_short(self, record: Record) -> bool:
        """Whether the mean of a record is worse than the paper's number beside it."""
        if self.paper is None or not self.paper.level:
            return False
        values = np.array(record["metrics"][self.name], dtype=float)
        if self.unit == "% of cases":
            values = 100 * values / record["metrics"][self.of]
        if self.paper.to is not None:
            return not self.paper.value <= np.median(values) <= self.paper.to
        worse = {
            "less": values.mean() > self.paper.value,
            "more": values.mean() < self.paper.value,
        }
        return bool(worse.get(self.better, False))


def _three_digits(values: Sequence[float], unit: str) -> str:
    if len(values) == 1:
        return f"{values[0]:.3g} {unit} (n = 1)"
    sd = np.std(values, ddof=1)
    return f"{np.mean(values):.3g} ± {sd:.1g} {unit} (n = {len(values)})"


@dataclass(frozen=True)
class Experiment:
    """A question, how it is tried, with which settings, and what is said of it afterwards.

    Attributes
    ----------
    name : str
    section : str
        Of the paper.
    question : str
        In one line; its answer is the record's.
    presets : dict
        From the name of a data set to settings, a frozen dataclass with ``name`` and ``data``. What
        is bundled comes first.
    one_cell : callable
        What is done for a cell of each seed; see :class:`minikd.experiments.run.Job`.
    metrics : tuple of Metric
        What a table shows, in order. A record may hold more.
    figure : callable
        From a record to a matplotlib figure.
    findings : callable
        From a record to sentences: the answer that it gives, by fixed rules.
    tables : callable
        From a record to Markdown: tables of its own.
    shared_curves : callable
        From settings to what all seeds of a record share.
    cells, together : callable
        The cells of a seed, and how their findings are joined.
    as_in_paper : mapping
        Settings by name, with the values that a record must have for the paper's numbers to stand
        beside it.
    chosen : tuple of (str, str)
        Metrics that the paper's protocol chose on the test set, with words for what was chosen.
        The record has the same without looking at it, under ``honest_`` and the name.
    load : mapping
        From the name of a data set of one's own to a function that gives it.
    """

    name: str
    section: str
    question: str
    presets: Mapping[str, Any]
    one_cell: Callable[..., dict[str, Any]]
    metrics: tuple[Metric, ...]
    figure: Callable[[Record], Any]
    findings: Callable[[Record], list[str]] = lambda record: []
    tables: Callable[[Record], str] = lambda record: ""
    shared_curves: Callable[[Any], dict[str, Any]] = lambda config: {}
    cells: Callable[[Any], list[Any]] = no_cells
    together: Callable[[Any, list[dict[str, Any]]], dict[str, Any]] = first_part
    as_in_paper: Mapping[str, Any] = field(default_factory=dict)
    chosen: tuple[tuple[str, str], ...] = ()
    load: Mapping[str, Callable[[], Any]] = field(default_factory=dict)

    def run(
        self,
        config: Any,
        seeds: Sequence[int] = (0,),
        out: str | PathLike[str] = "out",
        **options: Any,
    ) -> Record:
        """Run it for each seed and write its record.

        Options, files, resumption and errors as in :func:`minikd.experiments.run.run_seeds`.

        Returns
        -------
        dict
            The record, as it was written, to ``out`` under the name that :meth:`stem` gives.
        """
        for name in ("name", "data"):
            if not is_dataclass(config) or not isinstance(getattr(config, name, None), str):
                raise values.refused(
                    "config", config, "settings, a dataclass with a name and its data"
                )
        return run_seeds(
            config, self.one_cell, seeds, out, curves=self.shared_curves(config),
            cells=self.cells, together=self.together, stem=self.stem(config),
            load=self.load.get(config.data), **options,
        )  # fmt: skip

    def stem(self, config: Any) -> str:
        """The name of a run's files: ``NAME.DATA``, and more where the settings are no preset's."""
        known = self.presets.get(config.data)
        if known is None or config == known:
            return f"{config.name}.{config.data}"
        return f"{config.name}.{config.data}.{digest(config)[:6]}"

    def in_record(self, record: Record) -> list[Metric]:
        """The metrics of a record that a table shows; the paper's numbers where they belong.

        A number of the paper stands beside a record only where data and settings are those that it
        is about.
        """
        config = record["config"]
        same = all(_plain(config.get(k)) == _plain(v) for k, v in self.as_in_paper.items())
        shown = []
        for metric in self.metrics:
            if metric.name in record["metrics"]:
                beside = metric.paper and same and metric.paper.data in (record["data"], None)
                shown.append(metric if beside else replace(metric, paper=None))
        return shown

    def paper(self, record: Record) -> dict[str, Paper]:
        """What the paper reports, by metric, that this record can stand beside."""
        return {m.name: m.paper for m in self.in_record(record) if m.paper is not None}

    def summary(self, record: Record) -> str:
        """The record's numbers beside the paper's, and its findings, for a terminal."""
        rows = [("", "this run", "paper")]
        rows += [(m.words, m.said(record), m.in_paper()) for m in self.in_record(record)]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        cases = record["metrics"].get("test_cases")
        of_cases = f"{cases[0]} test cases; " if cases else ""
        took = f"{sum(record['seconds']):.0f} s on {record['device']}"
        title = f"{record['name']} on {record['data']}: {of_cases}{took}"
        lines = [f"  {a:{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
        return "\n".join([title, *lines, *self.findings(record)])


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
