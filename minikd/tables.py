"""Tables and blocks of a page, each made of one record or of all of them, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minikd.experiments import EXPERIMENTS
from minikd.experiments.experiment import Metric, Record
from minikd.statistics import mean_and_sd


def plainly(value: Any) -> str:
    """A setting in words."""
    if isinstance(value, list):
        return f"({', '.join(map(plainly, value))})"
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return f"{value:g}" if number else str(value)


def _table(record: Record) -> str:
    """The metrics beside the paper's numbers and the best public ones."""
    return _rows(record, [m for m in metrics_of(record) if not m.control])


def _controls(record: Record) -> str:
    """All other metrics, folded away."""
    rows = _rows(record, [m for m in metrics_of(record) if m.control])
    return _folded("Controls and details", rows)


def metrics_of(record: Record) -> list[Metric]:
    """What a table shows of a record."""
    return EXPERIMENTS[record["name"]].in_record(record)


def _rows(record: Record, metrics: Sequence[Metric]) -> str:
    """A table with the columns that have something to say.

    The interval is exact, at 95 %, for the mean over seeds if other test cases had been drawn.
    """
    columns = {
        "": [m.words for m in metrics],
        "§": [m.paper.section if m.paper else "" for m in metrics],
        "paper": [m.in_paper() for m in metrics],
        "minikd": [m.said(record) for m in metrics],
        "other test cases": [m.over_cases(record) for m in metrics],
        "best public": [m.paper.known if m.paper else "" for m in metrics],
    }
    used = {name: cells for name, cells in columns.items() if any(cells)}
    rows = [list(used), ["---"] * len(used), *map(list, zip(*used.values(), strict=True))]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _folded(summary: str, text: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"


def _findings(record: Record) -> str:
    return "\n".join(f"- {said}" for said in EXPERIMENTS[record["name"]].findings(record))


def _provenance(record: Record) -> str:
    minutes = np.mean(record["seconds"]) / 60
    versions, threads = record["versions"], record["threads"]
    return (
        f"`minikd run {record['name']} --data {record['data']} --seeds {len(record['seeds'])} "
        f"--out results`: {minutes:.0f} minutes of training a seed, on {record['device']} "
        f"with {threads} thread{'s' * (threads > 1)}; NumPy {versions['numpy']}, Python "
        f"{versions['python']}"
    )


def _settings(record: Record) -> str:
    """The settings of a record, folded away."""
    lines = [f"- `{key}`: {_of_setting(value)}" for key, value in record["config"].items()]
    return _folded("All settings", "\n".join(lines))


def _of_setting(value: Any) -> str:
    if not isinstance(value, dict):
        return plainly(value)
    # Settings at their usual values are left out.
    given = {k: v for k, v in value.items() if v not in (None, [], False, 0)}
    parts = (f"{k} ({_of_setting(v)})" if isinstance(v, dict) else f"{k} {plainly(v)}"
             for k, v in given.items())  # fmt: skip
    return ", ".join(parts)


def _picture(record: Record) -> str:
    experiment = EXPERIMENTS[record["name"]]
    said = " ".join([experiment.question, *experiment.findings(record)[:1]])
    return f"![{said}](../images/{record['name']}.{record['data']}.png)"


def _experiments(records: Mapping[str, Record]) -> str:
    """A table of all experiments that have a record, with their pages."""
    rows = ["| experiment | § | question | records |", "| --- | --- | --- | --- |"]
    for name, e in EXPERIMENTS.items():
        of = [
            f"{r['data']} (n = {len(r['seeds'])})"
            for r in records.values()
            if r["name"] == name
        ]
        if of:
            page = f"[{name}](docs/reproduction/{name}.md)"
            rows.append(f"| {page} | {e.section} | {e.question} | {', '.join(of)} |")
    return "\n".join(rows)


def _cost_of_honesty(records: Mapping[str, Record]) -> str:
    """Errors after a choice on the test set, and after one that did not look at it."""
    rows = ["| what was chosen | on the test set | without it | cost in errors |",
            "| --- | --- | --- | --- |"]  # fmt: skip
    for record in records.values():
        m = record["metrics"]
        for metric, what in EXPERIMENTS[record["name"]].chosen:
            if metric in m:
                both = m[metric], m[f"honest_{metric}"]
                cost = [honest - best for best, honest in zip(*both, strict=True)]
                shown = " | ".join(map(mean_and_sd, (*both, cost)))
                rows.append(f"| {what} ({record['name']}) | {shown} |")
    return "\n".join(rows)


def _all_provenance(records: Mapping[str, Record]) -> str:
    return "\n".join(f"- {key}: {_provenance(record)}." for key, record in records.items())


def _what_falls_short(records: Mapping[str, Record]) -> str:
    """The numbers that are worse than the paper's."""
    lines = [
        f"- [{record['name']}](docs/reproduction/{record['name']}.md) ({record['data']}), "
        f"{metric.words}: {metric.said(record)} against {metric.in_paper()}."
        for record in records.values()
        for metric in metrics_of(record)
        if metric.falls_short(record)
    ]
    return "\n".join(lines or ["Nothing."])


OF_ALL: dict[str, Callable[[Mapping[str, Record]], str]] = {
    "experiments": _experiments, "honest": _cost_of_honesty, "short": _what_falls_short,
    "provenance": _all_provenance,
}  # fmt: skip
OF_RECORD: dict[str, Callable[[Record], str]] = {
    "table": _table, "controls": _controls, "findings": _findings, "settings": _settings,
    "provenance": _provenance,
    "picture": _picture, "seeds": lambda record: str(len(record["seeds"])),
    "tables": lambda record: EXPERIMENTS[record["name"]].tables(record),
}  # fmt: skip
