"""Tables from records: nothing here is typed by hand, and nothing is run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minikd.checkpoint import write_atomically
from minikd.experiments.record import read_record
from minikd.paper import FIGURES

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
    """``mean ± sd (n)``, or the value itself if there is one."""
    if len(values) == 1:
        return f"{values[0]:.{digits}f}".removesuffix(".0") + " (n = 1)"
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f} (n = {len(values)})"


def results_table(records: list[dict[str, Any]]) -> str:
    """One row for each figure of the paper that a record of MNIST answers."""
    lines = ["| claim (MNIST test set) | paper | minikd |", "| --- | --- | --- |"]
    lines += [f"| {what} | {paper} | {ours} |" for what, paper, ours in _rows(records)]
    for record in records:
        if record["data"] == "mnist":
            lines.append(_provenance(record))
    # The provenance is a list below the table, so a blank line parts them.
    first = next(i for i, line in enumerate(lines) if line.startswith("- "))
    return "\n".join([*lines[:first], "", *lines[first:]]) + "\n"


def _rows(records: list[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    shown = set()
    for record in records:
        if record["data"] != "mnist":
            continue
        m = record["metrics"]
        for metric, figure in FIGURES[record["name"]].items():
            if figure.what in shown:
                continue  # the teacher is the same in several experiments
            shown.add(figure.what)
            ours = mean_and_sd(m[metric])
            if f"honest_{metric}" in m:
                ours += f"; honest {mean_and_sd(m[f'honest_{metric}'])}"
            yield f"{record['name']}: {figure.what}", f"{figure.value:g} {figure.unit}", ours


def _provenance(record: dict[str, Any]) -> str:
    seconds = sum(record["seconds"]) / len(record["seconds"]) / 60
    versions = record["versions"]
    return (
        f"- `minikd run {record['name']} --data {record['data']} --seeds {len(record['seeds'])}`: "
        f"{seconds:.1f} minutes a seed, the teacher included, on {record['device']} "
        f"({record['threads']} threads), NumPy {versions['numpy']}, Python {versions['python']}"
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


def write_report(results: Path, readme: Path) -> None:
    """Put the table of all records into the README."""
    write_atomically(readme, with_results(readme.read_text(), read_results(results)).encode())
