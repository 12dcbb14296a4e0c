"""The page "What you can rely on", from the records that the proofs have written.

``python proofs/page.py`` reads ``results/proofs/*.json`` and writes the tables of ``docs/trust.md`` and
``docs/survivors.md``, between their markers.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measured
from fused import GPUS

from minikd.checkpoint import write_atomically
from minikd.statistics import share_interval

ROOT = Path(__file__).parents[1]
RECORDS = ROOT / "results" / "proofs"
PAGE = ROOT / "docs" / "trust.md"
SURVIVORS = ROOT / "docs" / "survivors.md"
# Why a mutant that survived cannot be killed, or need not be: written by hand.
REASONS = ROOT / "proofs" / "reasons.json"


def backwards(rows: list[dict[str, Any]]) -> str:
    """The worst relative error of each backward."""
    lines = ["| backward | worst relative error | beside |", "| --- | --- | --- |"]
    lines += [f"| {row['name']} | {_power(row['error'])} | {row['by']} |" for row in rows]
    return "\n".join(lines)


def _power(error: float) -> str:
    return "0" if error == 0 else f"{error:.0e}"


def fuzz(found: dict[str, Any]) -> str:
    """What became of damaged files, by format."""
    lines = [
        "| files | tried | refused in one line | read | anything else |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, of in found["formats"].items():
        tried = of["refused"] + of["read"] + of["wrong"]
        lines.append(
            f"| {name} | {tried:,} | {of['refused']:,} | {of['read']:,} | {of['wrong']:,} |"
        )
    return "\n".join(lines)


def crashes(found: dict[str, Any]) -> str:
    """Every fault that was tried: what was done, what the user saw, what was lost."""
    lines = ["| what was done | times | what the user saw last | record as unbroken | left running |",
             "| --- | --- | --- | --- | --- |"]  # fmt: skip
    for of in found["tried"]:
        same = "yes" if of["same"] else "**no**"
        seen = f"`{of['seen']}`" if of["seen"] else "–"
        lines.append(f"| {of['done']} | {of['times']} | {seen} | {same} | {of['orphans']} |")
    return "\n".join(lines)


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def load(found: dict[str, Any]) -> str:
    """What was done to a cluster, and what it cost."""
    said = {
        "cells": f"{found['cells']}, of {found['wait']:g} seconds each",
        "cluster": f"{found['hosts']} hosts with {found['workers']} workers each",
        **{what: _times(times) for what, times in found["did"].items()},
        "what the user saw then": "; ".join(f"`{line}`" for line in dict.fromkeys(found["saw"])),
        "commands until it was done": str(len(found["saw"]) + 1),
        "cells begun again": str(found["begun"] - found["cells"]),
        "seconds in all": f"{found['seconds']:.0f}; without faults, at least "
        f"{found['cells'] * found['wait'] / found['hosts'] / found['workers']:.0f}",
        "record as that of one process": "yes" if found["same"] else "**no**",
        "left running": str(found["orphans"]),
    }  # fmt: skip
    return "\n".join(["| | |", "| --- | --- |", *(f"| {k} | {v} |" for k, v in said.items())])


def lessons(found: dict[str, Any]) -> str:
    """How many claims of each lesson hold, and how long it takes."""
    lines = [
        "| lesson | claims that hold | that do not | seconds |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['name'].replace('_', ' ')} | {row['hold']} | {len(row['failed'])} | {row['seconds']:.0f} |"
        for row in found["rows"]
    ]
    return "\n".join(lines)


def installs(found: dict[str, Any]) -> str:
    """Where minikd was installed and used."""
    lines = [
        "| Python | from | versions of what it needs | NumPy, SciPy, matplotlib | works |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in found["rows"]:
        versions = ", ".join(
            row["versions"].get(name, "–") for name in ("numpy", "scipy", "matplotlib")
        )
        which = (
            "the newest" if row["dependencies"] == "highest" else "the lowest that are allowed"
        )
        works = {
            True: "yes",
            False: f"**no**: {row['said']}",
            None: "not tried: " + row["said"],
        }
        lines.append(
            f"| {row['python']} | {row['of']} | {which} | {versions} | {works[row['works']]} |"
        )
    return "\n".join(lines)


def fused(found: dict[str, Any]) -> str:
    """Each fused kernel: in what it computes, and for what it was compiled."""
    for_which = ", ".join(f"{c // 10}.{c % 10} ({GPUS[c]})" for c in found["architectures"])
    lines = ["| kernel | arrays of | computes in | compiled for |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{row['kernel']}` | {row['dtype']} | {', '.join(row['computes in'])} | "
        f"{sum(size > 0 for size in row['bytes'])} of {len(row['bytes'])} |"
        for row in found["rows"]
    ]
    return "\n".join([*lines, "", f"Compute capabilities: {for_which}. CuPy {found['cupy']}."])


def covered(found: dict[str, Any]) -> str:
    """The share of lines and branches that the tests run, and the files with the lowest."""
    of = {what: "{:,} of {:,}, {:.1f} %".format(*found[what], _percent(found[what]))
          for what in ("lines", "branches")}  # fmt: skip
    files = {
        name: _percent([a + b for a, b in zip(each["lines"], each["branches"], strict=True)])
        for name, each in found["files"].items()
        if each["lines"][1]
    }
    lowest = sorted(files, key=files.__getitem__)[:5]
    return (
        f"Lines: {of['lines']}. Branches: {of['branches']}. The lowest files: "
        + ", ".join(f"{name} ({files[name]:.0f} %)" for name in lowest) + "."
    )  # fmt: skip


def _percent(run_of: list[int]) -> float:
    return 100 * run_of[0] / run_of[1]


def _change(one: dict[str, Any]) -> tuple[str, str]:
    """What a mutant is: the old and the new line."""
    return tuple(
        " ".join(line[1:].strip() for line in one["change"] if line[0] == sign) for sign in "-+"
    )  # type: ignore[return-value]


def _reason() -> Callable[[str, dict[str, Any]], str | None]:
    """Why a mutant of a module survived: what was changed has a reason, or the whole function."""
    listed = json.loads(REASONS.read_text(encoding="utf-8"))
    reasons = {
        (o["module"], o.get("function"), o.get("old"), o.get("new")): o["why"] for o in listed
    }

    def why(module: str, one: dict[str, Any]) -> str | None:
        of_function = reasons.get((module, one["what"], None, None))
        return reasons.get((module, None, *_change(one)), of_function)

    return why


def mutants(found: dict[str, Any]) -> str:
    """For each module, how many mutants there are, and how many no test notices."""
    lines = [
        "| module | possible changes | tried | noticed | unnoticed, with a reason | without a reason |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    reason, sums, expected, said = _reason(), [0, 0, 0, 0, 0], 0.0, ""
    for module, of in found.items():
        known = sum(reason(module, one) is not None for one in of["survived"])
        row = [of.get("of", of["mutants"]), of["mutants"], of["killed"], known]
        row += [len(of["survived"]) - known]
        sums = [a + b for a, b in zip(sums, row, strict=True)]
        expected += row[0] * row[2] / row[1]
        lines.append(f"| {module}.py | " + " | ".join(f"{n:,}" for n in row) + " |")
        if row[1] < row[0]:
            low, high = share_interval(row[2], row[1])
            said += (
                f" Of {module}.py, {row[1]:,} were drawn at random: {100 * row[2] / row[1]:.1f} % noticed, "
                f"of all between {100 * low:.0f} and {100 * high:.0f} % (exact interval, 95 %)."
            )
    lines.append("| all of these | " + " | ".join(f"{n:,}" for n in sums) + " |")
    share = f"{100 * sums[2] / sums[1]:.1f} % of those that were tried are noticed."
    if said:
        share += f"{said} Estimated for all changes: {100 * expected / sums[0]:.1f} %."
    return "\n".join([*lines, "", share])


def survivors(found: dict[str, Any]) -> str:
    """Every mutant that no test notices, and why; those of a function that has one reason, in a row."""
    reason, lines = _reason(), []
    for module, of in found.items():
        rows: dict[tuple[str, ...], str] = {}
        for one in of["survived"]:
            why = reason(module, one) or "open"
            alone = reason(module, {**one, "change": []})
            same = sum(each["what"] == one["what"] for each in of["survived"])
            what = ("", f"all of {same} changes") if why == alone else _change(one)
            rows[(one["what"], *what)] = why
        lines += [f"## {module}.py", "", "| in | instead of | this | why no test notices |",
                  "| --- | --- | --- | --- |"]  # fmt: skip
        for (function, old, new), why in rows.items():
            cells = (f"`{function}`", old and f"`{old}`", f"`{new}`" if old else new)
            lines.append(
                f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} | {why} |"
            )
        lines.append("")
    return "\n".join(lines)


BLOCKS: dict[str, Callable[[Any], str]] = {
    "backwards": backwards, "fuzz": fuzz, "crashes": crashes, "load": load, "installs": installs,
    "lessons": lessons, "covered": covered, "mutants": mutants, "fused": fused,
}  # fmt: skip


def page(text: str) -> str:
    """A page with its blocks made of the records."""
    for name, block in {**BLOCKS, "survivors": survivors}.items():
        path = RECORDS / f"{'mutants' if name == 'survivors' else name}.json"
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        made = "*Not measured with this version yet.*"
        if path.exists():
            found, with_what = measured.read(path)
            made = "\n\n".join(
                filter(None, [block(found), measured.said(with_what, name != "installs")])
            )
        text = pattern.sub(lambda match, made=made: f"{match[1]}{made}\n{match[2]}", text)  # type: ignore[misc]
    return text


def main() -> int:
    for path in (PAGE, SURVIVORS):
        write_atomically(path, page(path.read_text(encoding="utf-8")).encode())
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
