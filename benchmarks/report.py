"""The page "How fast, and why" and its picture, from the record of a benchmark run.

``python benchmarks/report.py`` reads ``results/benchmarks/cpu.json`` and writes the numbers into
``docs/how-fast.md``, between its markers, and ``docs/images/how-fast.png``.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from contenders import PARTS
from run import ratio
from workloads import GROWTH, WORKLOADS

from minikd.checkpoint import write_atomically
from minikd.plots import save_figure

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "results" / "benchmarks" / "cpu.json"
PAGE = ROOT / "docs" / "how-fast.md"
PICTURE = ROOT / "docs" / "images" / "how-fast.png"

# What is aimed at: minikd's time as a share of another's, or the floor's share of minikd's.
GOALS = {
    ("a", "PyTorch"): 0.60, ("a", "PyTorch compile"): 0.80, ("a", "scikit-learn"): 0.5,
    ("a", "floor"): 0.88,
    ("b", "PyTorch"): 0.75, ("b", "PyTorch compile"): 0.70, ("b", "floor"): 0.80,
    ("c", "PyTorch"): 0.65, ("c", "PyTorch compile"): 0.55, ("c", "floor"): 0.92,
    ("d", "minikd, labels alone"): 1.05,
    ("e", "minikd, one by one"): 0.25, ("e", "PyTorch bmm"): 1.0, ("e", "PyTorch vmap"): 1.0,
}  # fmt: skip


def reached(record: dict[str, Any], workload: str, who: str) -> bool:
    """Whether the median of a ratio is as good as its goal."""
    return measured(record, workload, who) <= GOALS[workload, who] if who != "floor" else (
        measured(record, workload, who) >= GOALS[workload, who]
    )  # fmt: skip


def measured(record: dict[str, Any], workload: str, who: str) -> float:
    """The median of a ratio: minikd by another, or the floor by minikd."""
    found = record["workloads"][workload]
    return ratio(found, *(("floor", "minikd") if who == "floor" else ("minikd", who)))[0]


def counts() -> str:
    """Flops and bytes of a step, counted."""
    lines = ["| step | parameters | flops | bytes of weights and velocities | flops a byte |",
             "| --- | --- | --- | --- | --- |"]  # fmt: skip
    for name, work in WORKLOADS.items():
        if not work.cases and name != "d":
            lines.append(
                f"| ({name}) {work.what} | {work.parameters() / 1e6:.2f} M | "
                f"{work.flops() / 1e9:.2f} G | {work.traffic() / 1e6:.0f} MB | "
                f"{work.flops() / work.traffic():.0f} |"
            )
    return "\n".join(lines)


def ratios(record: dict[str, Any]) -> str:
    """Everything that was measured, as ratios."""
    lines = ["| work | beside | minikd's time / its | goal | its peak memory, minikd's (MiB) |",
             "| --- | --- | --- | --- | --- |"]  # fmt: skip
    for name, found in record["workloads"].items():
        own = found["minikd"]["peak_mib"]
        for who, one in found.items():
            if who == "minikd":
                continue
            if who == "floor":
                middle, low, high = ratio(found, "floor", "minikd")
                what, beside = (
                    f"({name}) {WORKLOADS[name].what}",
                    "the floor's share of minikd's",
                )
            else:
                middle, low, high = ratio(found, "minikd", who)
                what, beside = "", who
            goal = GOALS.get((name, who))
            sign = "≥" if who == "floor" else "≤"
            verdict = "" if goal is None else (
                f"{sign} {goal:.2f}{'' if reached(record, name, who) else ', missed'}"
            )  # fmt: skip
            lines.append(
                f"| {what} | {beside} | {middle:.2f} ({low:.2f} to {high:.2f}) | {verdict} | "
                f"{one['peak_mib']:.0f}, {own:.0f} |"
            )
    return "\n".join(lines)


def growth(record: dict[str, Any]) -> str:
    """A stack as it grows."""
    first = next(iter(GROWTH))
    each = [
        f"{ratio(record['growth'], name, first)[0] / work.members:.2f}"
        for name, work in GROWTH.items()
    ]
    members = " | ".join(str(work.members) for work in GROWTH.values())
    return (
        f"| members | {members} |\n|{' --- |' * (len(GROWTH) + 1)}\n"
        f"| time of a step, by so many single ones | {' | '.join(each)} |"
    )


def setting(record: dict[str, Any]) -> str:
    """What it was measured with."""
    versions = ", ".join(f"{name} {v}" for name, v in record["versions"].items())
    return (
        f"Measured on {record['device']} ({record['processor']}), {record['threads']} threads, "
        f"{record['rounds']} rounds: {versions}."
    )


def verdict(record: dict[str, Any]) -> str:
    """Which goals were missed, and by how much the limit itself misses them."""
    missed = [key for key in GOALS if not reached(record, *key)]
    lines = [f"{len(GOALS) - len(missed)} of {len(GOALS)} goals are reached."]
    for workload in dict.fromkeys(w for w, _ in missed):
        found = record["workloads"][workload]
        beyond = [
            f"{who} takes {1 / ratio(found, 'floor', who)[0]:.2f} times the floor, so that even the "
            f"floor is {ratio(found, 'floor', who)[0]:.2f} of it"
            for w, who in missed
            if w == workload and "floor" in found and who not in ("floor", "minikd, one by one")
            and "minikd" not in who
        ]  # fmt: skip
        if beyond:
            lines.append(f"In ({workload}) {'; '.join(beyond)}.")
    return " ".join(lines)


def page(text: str, record: dict[str, Any]) -> str:
    """The page with the numbers of a record between its markers."""
    blocks = {
        "counts": counts(), "ratios": ratios(record), "growth": growth(record),
        "setting": setting(record), "verdict": verdict(record),
    }  # fmt: skip
    for name, block in blocks.items():
        marker = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text, found = marker.subn(lambda m, b=block: f"{m[1]}{b}\n{m[2]}", text)
        if found != 1:
            raise ValueError(
                f"expected the marker <!-- {name} --> once, found it {found} times"
            )
    return text


def plot(record: dict[str, Any]) -> Any:
    """Where the time of a step goes, as a stacked bar for each workload."""
    import matplotlib.pyplot as plt

    names = [name for name, found in record["workloads"].items() if "parts" in found["minikd"]]
    figure, axes = plt.subplots(figsize=(9, 4.2), layout="constrained")
    colours = plt.get_cmap("tab10").colors
    left = np.zeros(len(names))
    for part, colour in zip([*PARTS, "the rest"], colours, strict=False):
        shares = np.array([
            record["workloads"][n]["minikd"]["parts"][part]
            / sum(record["workloads"][n]["minikd"]["parts"].values())
            for n in names
        ])  # fmt: skip
        axes.barh(range(len(names)), shares, left=left, color=colour, label=part)
        for y, (start, share) in enumerate(zip(left, shares, strict=True)):
            if share > 0.035:
                axes.text(
                    start + share / 2,
                    y,
                    f"{share:.0%}",
                    ha="center",
                    va="center",
                    color="white",
                )
        left += shares
    for y, name in enumerate(names):
        found = record["workloads"][name]
        axes.plot([ratio(found, "floor", "minikd")[0]] * 2, [y - 0.45, y + 0.45], color="black", lw=2,
                  label="the floor, alone" if y == 0 else None)  # fmt: skip
    axes.set(yticks=range(len(names)), xlim=(0, 1), xlabel="share of a step's time",
             yticklabels=[f"({n}) {_short(n)}" for n in names])  # fmt: skip
    axes.invert_yaxis()
    axes.legend(bbox_to_anchor=(1.01, 1), loc="upper left", frameon=False)
    shares = [
        record["workloads"][n]["minikd"]["parts"]["matrix products"]
        / sum(record["workloads"][n]["minikd"]["parts"].values())
        for n in names
    ]  # fmt: skip
    figure.suptitle(
        f"{min(shares):.0%} to {max(shares):.0%} of a step are matrix products", x=0.01, ha="left",
        weight="bold",
    )  # fmt: skip
    return figure


def _short(name: str) -> str:
    work = WORKLOADS[name]
    kind = {
        "a": "student",
        "b": "teacher",
        "c": "teacher",
        "d": "distilled",
        "e": "stack of 40",
    }
    return f"{kind[name]}, batch {work.batch}"


def main() -> int:
    """Write page and picture."""
    mpl.use("Agg")
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    write_atomically(PAGE, page(PAGE.read_text(encoding="utf-8"), record).encode())
    save_figure(plot(record), PICTURE)
    print(f"wrote {PAGE.relative_to(ROOT)} and {PICTURE.relative_to(ROOT)}")
    print(f"median of rounds: {statistics.median([record['rounds']])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
