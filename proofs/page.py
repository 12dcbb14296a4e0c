"""The page "What you can rely on", from the records that the proofs have written.

``python proofs/page.py`` reads ``results/proofs/*.json`` and writes the tables of ``docs/trust.md``, between
its markers.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minikd.checkpoint import write_atomically

ROOT = Path(__file__).parents[1]
RECORDS = ROOT / "results" / "proofs"
PAGE = ROOT / "docs" / "trust.md"


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


BLOCKS: dict[str, Callable[[Any], str]] = {
    "backwards": backwards, "fuzz": fuzz, "crashes": crashes, "load": load, "installs": installs,
}  # fmt: skip


def page(text: str) -> str:
    """A page with its blocks made of the records."""
    for name, block in BLOCKS.items():
        path = RECORDS / f"{name}.json"
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"{PAGE} has no block <!-- {name} -->")
        made = "*Not measured with this version yet.*"
        if path.exists():
            made = block(json.loads(path.read_text(encoding="utf-8")))
        text = pattern.sub(lambda match, made=made: f"{match[1]}{made}\n{match[2]}", text)  # type: ignore[misc]
    return text


def main() -> int:
    write_atomically(PAGE, page(PAGE.read_text(encoding="utf-8")).encode())
    print(f"wrote {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
