"""Pages from records: numbers are put into Markdown, and no number is typed by hand.

A page is prose with placeholders. What stands between two markers is written by
``minikd report``, and stays readable as Markdown:

    distilled, it makes <!--= teacher-student.mnist distilled_errors -->92.5<!--/--> errors

A placeholder names a record, ``NAME.DATA``, and what is wanted of it (:func:`value_of`). A claim
stands before a sentence that a new record could make false; where it no longer holds, there is an
error instead of a page:

    <!--? teacher-student.mnist distilled_errors < alone_errors -->
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minikd.checkpoint import write_atomically
from minikd.experiments import EXPERIMENTS, plot_record, read_record
from minikd.experiments.experiment import Metric, Record
from minikd.plots import save_figure
from minikd.statistics import change, mean_and_sd

PLACEHOLDER = re.compile(r"(<!--= (.+?) -->)(.*?)(<!--/-->)", re.DOTALL)
CLAIM = re.compile(r"<!--\? (\S+) (\S+) (<<|>>|<|>) (\S+) -->")


def read_results(folder: Path) -> dict[str, Record]:
    """All records of a folder by ``NAME.DATA``, in the order of the experiments.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If one is of no known experiment.
    """
    records = [read_record(path) for path in sorted(folder.glob("*.json"))]
    unknown = [record["name"] for record in records if record["name"] not in EXPERIMENTS]
    if unknown:
        raise ValueError(f"{folder} holds records of no known experiment: {', '.join(unknown)}")
    if not records:
        raise FileNotFoundError(
            f"no records (*.json) in {folder}; run an experiment with --out {folder}"
        )
    order = list(EXPERIMENTS)
    records.sort(key=lambda record: order.index(record["name"]))
    return {f"{record['name']}.{record['data']}": record for record in records}


def filled(page: str, records: Mapping[str, Record]) -> str:
    """A page with what its placeholders ask for, once its claims are found to hold.

    Raises
    ------
    ValueError
        If a placeholder or a claim asks for what no record has, or a claim no longer holds.
    """
    for match in CLAIM.finditer(page):
        check_claim(match.groups(), records)

    def fill(match: re.Match[str]) -> str:
        value = value_of(match[2], records)
        # A block, such as a table, stands on lines of its own.
        value = f"\n{value.strip()}\n" if "\n" in value.strip() or "\n" in match[3] else value
        return match[1] + value + match[4]

    return PLACEHOLDER.sub(fill, page)


def value_of(asked: str, records: Mapping[str, Record]) -> str:
    """What a placeholder stands for.

    Parameters
    ----------
    asked : str
        ``RECORD METRIC`` is the metric over the seeds, in its unit; ``RECORD mean METRIC`` its mean
        alone; ``RECORD paper METRIC`` and ``RECORD known METRIC`` what the paper and the best
        public reproduction report; ``RECORD change METRIC SINCE`` by how much one metric is larger
        than another, with a standard error; ``RECORD set KEY`` a setting, as ``teacher.epochs``;
        ``RECORD table``, ``controls``, ``findings``, ``tables``, ``settings``, ``provenance``, ``picture`` and
        ``seeds`` are of the whole record; ``experiments``, ``honest`` and ``short`` of all.

    Raises
    ------
    ValueError
        If there is no such record, metric, setting or form.
    """
    if asked in _OF_ALL:
        return _OF_ALL[asked](records)
    key, _, rest = asked.partition(" ")
    form, *names = rest.split()
    if key not in records:
        raise ValueError(f"'{asked}': no record {key}; expected one of {', '.join(records)}")
    record = records[key]
    if not names and form in _OF_RECORD:
        return _OF_RECORD[form](record)
    if form == "set" and len(names) == 1:
        return _setting(record, names[0], asked)
    if form == "change" and len(names) == 2:
        _metric(record, names[0], asked), _metric(record, names[1], asked)
        return change(record["metrics"], *names).words(sign=True)
    if form in _OF_METRIC and len(names) == 1:
        return _OF_METRIC[form](record, _metric(record, names[0], asked))
    if names:
        raise ValueError(f"'{asked}': no form {form!r}; see minikd.report.value_of")
    return _metric(record, form, asked).said(record)


def check_claim(claim: Sequence[str | Any], records: Mapping[str, Record]) -> None:
    """Hold a claim against the means of a record; ``<<`` and ``>>`` ask for a clear difference.

    Parameters
    ----------
    claim : sequence of str
        Record, metric, sign, and another metric or a number.
    records : mapping

    Raises
    ------
    ValueError
        If it does not hold, or asks for what no record has.
    """
    key, metric, sign, other = claim
    said = " ".join(claim)
    if key not in records:
        raise ValueError(f"'{said}': no record {key}")
    m = records[key]["metrics"]
    number = re.fullmatch(r"-?\d+(\.\d+)?", other)
    unknown = [
        name for name in (metric, other) if name not in m and not (name == other and number)
    ]
    if unknown:
        raise ValueError(f"'{said}': the record has no {' or '.join(unknown)}")
    beside = [float(other)] * len(m[metric]) if number else m[other]
    difference = change({"a": m[metric], "b": beside}, "a", "b")
    holds = {"<": operator.lt, ">": operator.gt}[sign[0]](difference.value, 0)
    if not holds or (len(sign) == 2 and not difference.clear):
        raise ValueError(
            f"'{said}' no longer holds: the difference is {difference.words(sign=True)}; rewrite "
            "the sentence after it"
        )


# ---------------------------------------------------------------- what placeholders ask for


def _metric(record: Record, name: str, asked: str) -> Metric:
    if name not in record["metrics"]:
        raise ValueError(f"'{asked}': the record has no metric {name}")
    for metric in _metrics(record):
        if metric.name == name:
            return metric
    return Metric(name, name)


def _mean(record: Record, metric: Metric) -> str:
    return metric.said(record).partition(" ")[0]


def _setting(record: Record, key: str, asked: str) -> str:
    value: Any = record["config"]
    for name in key.split("."):
        if not isinstance(value, dict) or name not in value:
            raise ValueError(f"'{asked}': the record has no setting {key}")
        value = value[name]
    return _plainly(value)


def _plainly(value: Any) -> str:
    if isinstance(value, list):
        return f"({', '.join(map(_plainly, value))})"
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return f"{value:g}" if number else str(value)


def _table(record: Record) -> str:
    """The metrics beside the paper's numbers and the best public ones."""
    return _rows(record, [m for m in _metrics(record) if not m.control])


def _controls(record: Record) -> str:
    """All other metrics, folded away."""
    rows = _rows(record, [m for m in _metrics(record) if m.control])
    return _folded("Controls and details", rows)


def _metrics(record: Record) -> list[Metric]:
    return EXPERIMENTS[record["name"]].in_record(record)


def _rows(record: Record, metrics: Sequence[Metric]) -> str:
    if not any(metric.paper for metric in metrics):
        rows = ["| | minikd |", "| --- | --- |"]
        return "\n".join([*rows, *(f"| {m.words} | {m.said(record)} |" for m in metrics)])
    rows = [
        "| | § | paper | minikd | best public reproduction |",
        "| --- | --- | --- | --- | --- |",
    ]
    for m in metrics:
        section, known = (m.paper.section, m.paper.known) if m.paper else ("", "")
        rows.append(f"| {m.words} | {section} | {m.in_paper()} | {m.said(record)} | {known} |")
    return "\n".join(rows)


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
        return _plainly(value)
    # What is left out is as it always is.
    given = {k: v for k, v in value.items() if v not in (None, [], False, 0)}
    parts = (f"{k} ({_of_setting(v)})" if isinstance(v, dict) else f"{k} {_plainly(v)}"
             for k, v in given.items())  # fmt: skip
    return ", ".join(parts)


def _picture(record: Record) -> str:
    claim = EXPERIMENTS[record["name"]].claim
    return f"![{claim}](../images/{record['name']}.{record['data']}.png)"


def _experiments(records: Mapping[str, Record]) -> str:
    """A table of all experiments that have a record, with their pages."""
    rows = ["| experiment | § | claim | records |", "| --- | --- | --- | --- |"]
    for name, e in EXPERIMENTS.items():
        of = [
            f"{r['data']} (n = {len(r['seeds'])})"
            for r in records.values()
            if r["name"] == name
        ]
        if of:
            page = f"[{name}](docs/reproduction/{name}.md)"
            rows.append(f"| {page} | {e.section} | {e.claim} | {', '.join(of)} |")
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


def _what_falls_short(records: Mapping[str, Record]) -> str:
    """The numbers that are worse than the paper's."""
    lines = [
        f"- [{record['name']}](docs/reproduction/{record['name']}.md), {metric.words}: "
        f"{metric.said(record)} against {metric.in_paper()}."
        for record in records.values()
        for metric in _metrics(record)
        if metric.falls_short(record)
    ]
    return "\n".join(lines or ["Nothing."])


_OF_ALL: dict[str, Callable[[Mapping[str, Record]], str]] = {
    "experiments": _experiments, "honest": _cost_of_honesty, "short": _what_falls_short,
}  # fmt: skip
_OF_RECORD: dict[str, Callable[[Record], str]] = {
    "table": _table, "controls": _controls, "findings": _findings, "settings": _settings, "provenance": _provenance,
    "picture": _picture, "seeds": lambda record: str(len(record["seeds"])),
    "tables": lambda record: EXPERIMENTS[record["name"]].tables(record),
}  # fmt: skip
_OF_METRIC: dict[str, Callable[[Record, Metric], str]] = {
    "mean": _mean, "paper": lambda record, metric: metric.in_paper(),
    "known": lambda record, metric: metric.paper.known if metric.paper else "",
}  # fmt: skip


# ---------------------------------------------------------------- files


def pages_of(root: Path) -> list[Path]:
    """The pages that may hold placeholders: README.md, REPRODUCTION.md, and those of docs/."""
    pages = [root / "README.md", root / "REPRODUCTION.md", *sorted(root.glob("docs/**/*.md"))]
    return [page for page in pages if page.exists()]


def write_report(results: Path, root: Path) -> list[Path]:
    """Fill the pages of a repository from its records, and draw the pictures.

    Returns
    -------
    list of Path
        What was written.
    """
    records = read_results(results)
    texts = {page: filled(page.read_text(encoding="utf-8"), records) for page in pages_of(root)}
    written = []
    for page, text in texts.items():
        if PLACEHOLDER.search(text):
            write_atomically(page, text.encode())
            written.append(page)
    for key, record in records.items():
        written.append(
            save_figure(plot_record(record), root / "docs" / "images" / f"{key}.png")
        )
    return written
