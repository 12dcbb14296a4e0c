"""The page "How fast, and why" and its picture, from the record of a benchmark run.

``python benchmarks/report.py`` reads ``results/benchmarks/cpu.json`` and writes the numbers into
``docs/how-fast.md``, between its markers, and ``docs/images/how-fast.png``.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from contenders import PARTS
from run import ratio
from workloads import GROWTH, WORKLOADS

from minikd.checkpoint import write_atomically
from minikd.plots import in_house_style, plt, save_figure, say

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
    ("e", "PyTorch bmm compile"): 1.0,
}  # fmt: skip


def earlier() -> list[dict[str, Any]]:
    """Records from other processors, of earlier versions."""
    paths = sorted(RECORD.parent.glob("cpu.*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


FEEDING, GROWTH_LIMIT = 0.05, 1.3


def measured(record: dict[str, Any], workload: str, who: str) -> float:
    """The median of a ratio: minikd by another, or the floor by minikd."""
    return _quartiles(record, workload, who)[0]


def reached(record: dict[str, Any], workload: str, who: str) -> bool:
    """Whether the median of a ratio is as good as its goal."""
    value, goal = measured(record, workload, who), GOALS[workload, who]
    return value >= goal if who == "floor" else value <= goal


def _quartiles(record: dict[str, Any], workload: str, who: str) -> tuple[float, float, float]:
    found = record["workloads"][workload]
    return ratio(found, "floor", "minikd") if who == "floor" else ratio(found, "minikd", who)


def shares(record: dict[str, Any], workload: str) -> dict[str, float]:
    """The parts of a step, as shares of its time."""
    parts = record["workloads"][workload]["minikd"]["parts"]
    return {part: seconds / sum(parts.values()) for part, seconds in parts.items()}


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
            floor = who == "floor"
            what = f"({name}) {WORKLOADS[name].what}" if floor else ""
            beside = "the floor's share of minikd's" if floor else who
            middle, low, high = _quartiles(record, name, who)
            goal = GOALS.get((name, who))
            said = "" if goal is None else f"{'≥' if floor else '≤'} {goal:.2f}"
            if goal is not None and not reached(record, name, who):
                said += ", missed"
            lines.append(
                f"| {what} | {beside} | {middle:.2f} ({low:.2f} to {high:.2f}) | {said} | "
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
        f"| time of a step, beside as many separate networks | {' | '.join(each)} |"
    )


def processors(records: list[dict[str, Any]]) -> str:
    """The ratios that matter most, for each processor that was measured on."""
    what = (
        ("a", "floor", "(a) the floor's share"), ("a", "PyTorch", "(a) beside PyTorch"),
        ("b", "PyTorch", "(b) beside PyTorch"),
        ("e", "PyTorch bmm compile", "(e) beside PyTorch's compiled bmm"),
    )  # fmt: skip
    lines = [f"| processor | {' | '.join(words for _, _, words in what)} |",
             f"|{' --- |' * (len(what) + 1)}"]  # fmt: skip
    for record in records:
        values = " | ".join(f"{measured(record, name, who):.2f}" for name, who, _ in what)
        lines.append(f"| {record['processor']}, {record['threads']} threads | {values} |")
    return "\n".join(lines)


def setting(record: dict[str, Any]) -> str:
    """What it was measured with."""
    versions = ", ".join(f"{name} {v}" for name, v in record["versions"].items())
    return (
        f"Measured on {record['device']} ({record['processor']}), {record['threads']} threads, "
        f"{record['rounds']} rounds: {versions}."
    )


def verdict(record: dict[str, Any]) -> str:
    """Which goals were missed, and why: what the limit itself takes, or where the time goes."""
    missed = [key for key in GOALS if not reached(record, *key)]
    lines = [f"{len(GOALS) - len(missed)} of {len(GOALS)} goals are reached."]
    for workload, who in missed:
        goal, found = GOALS[workload, who], record["workloads"][workload]
        share = shares(record, workload)
        products = share["matrix products"]
        if who == "floor":
            longer = products / measured(record, workload, who)
            others = sorted((s, p) for p, s in share.items() if p != "matrix products")[::-1]
            most = ", ".join(f"{part} {s:.0%}" for s, part in others[:4])
            why = (
                f"the products take {longer:.2f} times the floor, because here the weights change "
                f"and are read and written in between; the rest is {most} of the step"
            )
        elif who in found and ratio(found, "floor", who)[0] > goal:
            why = f"even the floor is {ratio(found, 'floor', who)[0]:.2f} of it"
        else:
            why = f"the floor alone is {ratio(found, 'floor', who)[0]:.2f} of it"
        lines.append(
            f"- ({workload}) {who}, {measured(record, workload, who):.2f} for {goal:.2f}: {why}."
        )
    fed = [shares(record, name)["feeding: order, jitter"] for name in "abcd"]
    grown = [
        ratio(record["growth"], name, next(iter(GROWTH)))[0] / work.members
        for name, work in GROWTH.items()
    ]
    lines.append(
        f"\nFeeding takes {min(fed):.1%} to {max(fed):.1%} of a step (at most {FEEDING:.0%} were "
        f"allowed), and a stack at most {max(grown):.2f} times what its members take one by one "
        f"({GROWTH_LIMIT} were allowed)."
    )
    return "\n".join(lines)


def page(text: str, record: dict[str, Any]) -> str:
    """The page with the numbers of a record between its markers."""
    blocks = {
        "counts": counts(), "ratios": ratios(record), "growth": growth(record),
        "setting": setting(record), "verdict": verdict(record),
        "processors": processors([record, *earlier()]),
    }  # fmt: skip
    for name, block in blocks.items():
        marker = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text, found = marker.subn(lambda m, b=block: f"{m[1]}{b}\n{m[2]}", text)
        if found != 1:
            raise ValueError(
                f"expected the marker <!-- {name} --> once, found it {found} times"
            )
    return text


# Okabe & Ito's colours, the products in the darkest.
COLOURS = ("#0072B2", "#E69F00", "#56B4E9", "#D55E00", "#CC79A7", "#009E73", "#F0E442", "#777777",
           "#BBBBBB")  # fmt: skip


@in_house_style
def plot(record: dict[str, Any]) -> Any:
    """Where the time of a step goes, as a stacked bar for each workload."""
    names = [name for name, found in record["workloads"].items() if "parts" in found["minikd"]]
    of = {name: shares(record, name) for name in names}
    figure, axes = plt.subplots(figsize=(11, 4.6))
    left = np.zeros(len(names))
    for part, colour in zip([*PARTS, "the rest"], COLOURS, strict=True):
        share = np.array([of[name][part] for name in names])
        axes.barh(range(len(names)), share, left=left, color=colour, label=part)
        for y, (start, width) in enumerate(zip(left, share, strict=True)):
            # Only where the number has room in its bar.
            if width > 0.055:
                axes.text(start + width / 2, y, f"{width:.0%}", ha="center", va="center",
                          color="w" if colour == COLOURS[0] else "k", fontsize=9)  # fmt: skip
        left += share
    for y, name in enumerate(names):
        floor = measured(record, name, "floor")
        axes.plot([floor, floor], [y - 0.45, y + 0.45], color="k", lw=2.5,
                  label="the floor, alone" if y == 0 else None)  # fmt: skip
    axes.set(yticks=range(len(names)), xlim=(0, 1), xlabel="share of a step's time")
    axes.set_yticklabels([f"({name}) {WORKLOADS[name].short}" for name in names])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.legend(bbox_to_anchor=(1.01, 1), loc="upper left")
    products = [of[name]["matrix products"] for name in names]
    say(
        figure,
        f"{min(products):.0%} to {max(products):.0%} of a training step are matrix products",
        f"{record['device']} ({record['processor']}), {record['threads']} threads",
    )
    return figure


def main() -> int:
    """Write page and picture."""
    mpl.use("Agg")
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    write_atomically(PAGE, page(PAGE.read_text(encoding="utf-8"), record).encode())
    save_figure(plot(record), PICTURE)
    print(f"wrote {PAGE.relative_to(ROOT)} and {PICTURE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
