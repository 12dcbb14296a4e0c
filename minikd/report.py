"""Tables and pictures from records: nothing here is typed by hand, and nothing is run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minikd.checkpoint import write_atomically
from minikd.experiments.record import read_record
from minikd.paper import FIGURES
from minikd.plots import plot_record, save_figure

_BLOCK = re.compile(r"(<!-- results -->\n).*?(<!-- end of results -->)", re.DOTALL)


def read_results(folder: Path) -> list[dict[str, Any]]:
    """All records of a folder, by name.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    records = [read_record(path) for path in sorted(folder.glob("*.json"))]
    if not records:
        raise FileNotFoundError(
            f"no records (*.json) in {folder}; run an experiment with --out {folder}"
        )
    return records


def mean_and_sd(values: list[float], digits: int = 1) -> str:
    """``mean ± sd (n)``, or the value itself if there is one; tiny means without their sd."""
    if 0 < max(map(abs, values)) < 0.05:  # a p value
        return f"{np.mean(values):.0e} (n = {len(values)})"
    if len(values) == 1:
        return f"{values[0]:.{digits}f}".removesuffix(".0") + " (n = 1)"
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f} (n = {len(values)})"


def results_table(records: list[dict[str, Any]]) -> str:
    """One row for each number of the paper that a record of MNIST answers, and how it was made.

    Raises
    ------
    ValueError
        If no record is of MNIST.
    """
    records = [record for record in records if record["data"] == "mnist"]
    if not records:
        raise ValueError("no record is of MNIST; run the experiments with --data mnist")
    head = (
        "| on MNIST's test set | § | paper | bias tuned on the test set | bias chosen without labels |",
        "| --- | --- | --- | --- | --- |",
    )
    rows = (row for record in records for row in _rows(record))
    # The teacher is the same in several experiments.
    unique = dict.fromkeys("| " + " | ".join(row) + " |" for row in rows)
    return "\n".join([*head, *unique, "", *map(_provenance, records)]) + "\n"


def _rows(record: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    m, cases = record["metrics"], record["metrics"]["test_cases"][0]
    for metric, figure in FIGURES[record["name"]].items():
        columns = []
        for name in (metric, f"honest_{metric}"):
            values = [figure.in_unit(value, cases) for value in m.get(name, [])]
            columns.append(mean_and_sd(values) if values else "")
        yield figure.what, figure.section, f"{figure.value:g} {figure.unit}", *columns
        if metric == "teacher_errors":
            columns = [mean_and_sd(m["teacher_views_errors"]), ""]
            yield "teacher, its logits averaged over moves of the image", "", "", *columns


def _provenance(record: dict[str, Any]) -> str:
    minutes = sum(record["seconds"]) / len(record["seconds"]) / 60
    versions = record["versions"]
    return (
        f"- `minikd run {record['name']} --data mnist --seeds {len(record['seeds'])}`: "
        f"{minutes:.0f} minutes a seed, teacher included, on {record['device']} with "
        f"{record['threads']} threads; NumPy {versions['numpy']}, Python {versions['python']}."
    )


def with_results(text: str, records: list[dict[str, Any]]) -> str:
    """A Markdown page with the table put between its two markers.

    Raises
    ------
    ValueError
        If the page has no markers.
    """
    table = results_table(records)
    page, count = _BLOCK.subn(lambda match: match[1] + table + match[2], text)
    if count != 1:
        raise ValueError(f"expected the markers of the results once, found them {count} times")
    return page


def write_report(results: Path, readme: Path, images: Path) -> None:
    """Put the table of all records into the README, and draw their pictures."""
    records = read_results(results)
    write_atomically(readme, with_results(readme.read_text(), records).encode())
    for record in records:
        save_figure(plot_record(record), images / f"{record['name']}.{record['data']}.png")
