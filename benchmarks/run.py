"""minikd beside its peers and beside the limit: one run, interleaved rounds, ratios.

``python benchmarks/run.py --json FILE`` starts a process for every contender, lets them work in
turn, and prints what it found. Only ratios count: each is the median over the rounds, and a round
holds all contenders, one right after the other.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from importlib import metadata, util
from pathlib import Path
from typing import Any

import numpy as np
from contenders import RATE
from workloads import GROWTH, WORKLOADS

import minikd

HERE = Path(__file__).parent
ON_CPU = {
    "a": ["floor", "minikd", "PyTorch", "PyTorch, fused SGD", "PyTorch compile", "scikit-learn"],
    "b": ["floor", "minikd", "PyTorch", "PyTorch, fused SGD", "PyTorch compile"],
    "c": ["floor", "minikd", "PyTorch", "PyTorch, fused SGD", "PyTorch compile"],
    "d": ["floor", "minikd", "PyTorch", "PyTorch, fused SGD", "PyTorch compile"],
    "e": ["floor", "minikd", "minikd, one by one", "PyTorch, one by one", "PyTorch bmm",
          "PyTorch bmm compile", "PyTorch vmap"],
    "f": ["floor", "minikd", "PyTorch", "PyTorch compile", "scikit-learn"],
}  # fmt: skip


class Process:
    """A contender at work on one workload, in a process of its own."""

    def __init__(self, workload: str, who: str, device: str, threads: int) -> None:
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        self.who = who
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "contenders.py"), workload, who, device],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | dict.fromkeys(names, str(threads)),
        )  # fmt: skip

    def ask(self, command: str) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(command + "\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise SystemExit(f"{self.who} stopped with exit code {self._process.wait()}")
        return json.loads(line)  # type: ignore[no-any-return]

    def close(self) -> None:
        self._process.communicate()


def measure(
    workload: str, contenders: list[str], device: str, threads: int, rounds: int
) -> dict[str, Any]:
    """All contenders at one workload: seconds of each round, peak memory, distance of the weights.

    The distance is the largest difference to minikd's weights after one step from the same
    weights, in units of the largest change of a weight by that step.
    """
    work = {**WORKLOADS, **GROWTH}[workload]
    processes = [Process(workload, who, device, threads) for who in contenders]
    found: dict[str, Any] = {who: {"seconds": []} for who in contenders}
    if not work.cases and workload in WORKLOADS:
        weights = {p.who: p.ask("check")["weights"] for p in processes if p.who != "floor"}
        for who, ws in weights.items():
            apart = (
                np.abs(np.subtract(p, q)).max()
                for p, q in zip(ws, weights["minikd"], strict=True)
            )
            found[who]["weights_apart"] = float(max(apart)) / RATE
    for process in processes:
        process.ask("round")  # the first compiles, allocates, and wakes the threads
    for i in range(rounds):
        # Each is first in turn, so that none has all rounds right after the same other.
        for k in range(len(processes)):
            process = processes[(i + k) % len(processes)]
            answer = process.ask("round")
            found[process.who]["seconds"].append(answer["seconds"] / (work.epochs * work.steps))
            found[process.who]["peak_mib"] = answer["peak_mib"]
    for process in processes:
        process.close()
    return found


def ratio(found: dict[str, Any], who: str, other: str) -> tuple[float, float, float]:
    """Time of one by that of another: the median over the rounds, and its quartiles."""
    each = [a / b for a, b in zip(found[who]["seconds"], found[other]["seconds"], strict=True)]
    low, middle, high = statistics.quantiles(each, n=4, method="inclusive")
    return middle, low, high


def table(workload: str, found: dict[str, Any]) -> str:
    """The ratios of one workload in words."""
    lines = [f"{workload}  {WORKLOADS[workload].what}"]
    lines.append(f"   {'':22} {'minikd / it':>24} {'share of floor':>16} {'peak MiB':>10}")
    for who in found:
        if who == "minikd":
            beside = ""
        else:
            middle, low, high = ratio(found, "minikd", who)
            beside = f"{middle:.2f} ({low:.2f} to {high:.2f})"
        share = "" if who == "floor" else f"{ratio(found, 'floor', who)[0]:.2f}"
        lines.append(f"   {who:22} {beside:>24} {share:>16} {found[who]['peak_mib']:>10.0f}")
    return "\n".join(lines)


def environment(device: str, threads: int) -> dict[str, Any]:
    """What it was measured with."""
    names = ("numpy", "scipy", "torch", "scikit-learn", "cupy-cuda12x", "cupy-cuda13x")
    versions = {"python": platform.python_version(), "minikd": minikd.__version__}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    xp = minikd.backend.array_module(device)
    return {
        "device": minikd.backend.device_name(xp), "processor": processor(), "threads": threads,
        "versions": versions,
    }  # fmt: skip


def processor() -> str:
    """The name of the CPU, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(
            line.split(":")[1].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main() -> int:
    """Measure, print, write."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write what was found to this file")
    parser.add_argument(
        "--rounds", type=int, default=7, help="at least 5 (default: %(default)s)"
    )
    parser.add_argument("--threads", type=int, default=cpus, help="of every contender")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--workloads", nargs="+", default=[*WORKLOADS, "growth"],
                        choices=[*WORKLOADS, "growth"], metavar="W")  # fmt: skip
    asked = parser.parse_args()
    if asked.rounds < 5:
        parser.error(f"--rounds is {asked.rounds}; expected at least 5")
    missing = [m for m in ("torch", "sklearn") if util.find_spec(m) is None]
    record: dict[str, Any] = environment(asked.device, asked.threads)
    record |= {"rounds": asked.rounds, "workloads": {}}
    for workload in asked.workloads:
        if workload == "growth":
            continue
        contenders = [
            who for who in ON_CPU[workload]
            if not ("torch" in missing and "PyTorch" in who)
            and not (who == "scikit-learn" and ("sklearn" in missing or asked.device == "cuda"))
        ]  # fmt: skip
        if asked.device == "cuda" and "PyTorch compile" in contenders:
            contenders.append("PyTorch CUDA graphs")
        found = measure(workload, contenders, asked.device, asked.threads, asked.rounds)
        record["workloads"][workload] = found
        print(table(workload, found), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
