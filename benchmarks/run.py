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
from workloads import GROWTH, WORKLOADS, Workload

import minikd

HERE = Path(__file__).parent
ON_CPU = {
    "a": ["floor", "minikd", "PyTorch", "PyTorch, fused SGD", "PyTorch compile", "scikit-learn"],
    "b": ["floor", "minikd", "PyTorch", "PyTorch, fused SGD", "PyTorch compile"],
    "c": ["floor", "minikd", "PyTorch", "PyTorch, fused SGD", "PyTorch compile"],
    "d": ["floor", "minikd", "minikd, labels alone", "PyTorch", "PyTorch, fused SGD", "PyTorch compile"],
    "e": ["floor", "minikd", "minikd, one by one", "PyTorch, one by one", "PyTorch bmm",
          "PyTorch bmm compile", "PyTorch vmap"],
    "f": ["floor", "minikd", "PyTorch", "PyTorch compile", "scikit-learn"],
    "g": ["floor", "minikd", "minikd, one by one", "PyTorch, one by one", "PyTorch bmm"],
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
    """All contenders at one workload.

    Returns
    -------
    dict
        For each: the seconds of a step in every round, the peak memory beyond what importing took,
        in MiB, and the largest difference of its weights from minikd's, after one step from the
        same ones, in units of the learning rate. For minikd also where the time went.
    """
    work = WORKLOADS[workload]
    found: dict[str, Any] = {who: {"seconds": []} for who in contenders}
    if not work.cases:
        # In processes of their own, whose memory is not that of the rounds.
        weights = {}
        for who in contenders:
            if who not in ("floor", "minikd, labels alone"):
                process = Process(workload, who, device, threads)
                weights[who] = process.ask("check")["weights"]
                process.close()
        for who, ws in weights.items():
            pairs = zip(ws, weights["minikd"], strict=True)
            apart = max(float(np.abs(np.subtract(p, q)).max()) for p, q in pairs)
            found[who]["weights_apart"] = apart / RATE
            if apart / RATE > 1e-3:
                raise SystemExit(f"{who} does another computation: its weights are {apart} off")
    processes = [Process(workload, who, device, threads) for who in contenders]
    take_turns(processes, [work] * len(processes), rounds, list(found.values()))
    if not work.cases:
        steps = work.epochs * work.steps
        parts = [processes[contenders.index("minikd")].ask("parts")["parts"] for _ in range(3)]
        found["minikd"]["parts"] = {
            part: statistics.median(each[part] for each in parts) / steps for part in parts[0]
        }
    for process in processes:
        process.close()
    return found


def measure_growth(device: str, threads: int, rounds: int) -> dict[str, Any]:
    """A stack of minikd as it grows."""
    processes = [Process(name, "minikd", device, threads) for name in GROWTH]
    found: dict[str, Any] = {name: {"seconds": []} for name in GROWTH}
    take_turns(processes, list(GROWTH.values()), rounds, list(found.values()))
    for process in processes:
        process.close()
    return found


def take_turns(
    processes: list[Process], works: list[Workload], rounds: int, found: list[dict[str, Any]]
) -> None:
    """Let each do a round, in an order that is drawn anew every time."""
    rng = np.random.default_rng(0)
    for process in processes:
        process.ask("round")  # the first compiles, allocates, and wakes the threads
    for _ in range(rounds):
        for j in rng.permutation(len(processes)).tolist():
            answer = processes[j].ask("round")
            found[j]["seconds"].append(answer["seconds"] / (works[j].epochs * works[j].steps))
            found[j]["peak_mib"] = answer["peak_mib"]


def ratio(found: dict[str, Any], who: str, other: str) -> tuple[float, float, float]:
    """Time of one by that of another: the median over the rounds, and its quartiles."""
    each = [a / b for a, b in zip(found[who]["seconds"], found[other]["seconds"], strict=True)]
    low, middle, high = statistics.quantiles(each, n=4, method="inclusive")
    return middle, low, high


def table(workload: str, found: dict[str, Any], in_ms: bool = False) -> str:
    """The ratios of one workload in words; in milliseconds too where these can be repeated."""
    lines = [f"{workload}  {WORKLOADS[workload].what}"]
    head = f"   {'':22} {'minikd / it':>22} {'share of floor':>15} {'peak MiB':>9}"
    lines.append(head + (f" {'ms':>9}" if in_ms else ""))
    for who, one in found.items():
        middle, low, high = ratio(found, "minikd", who)
        beside = "" if who == "minikd" else f"{middle:.2f} ({low:.2f} to {high:.2f})"
        share = "" if who == "floor" else f"{ratio(found, 'floor', who)[0]:.2f}"
        line = f"   {who:22} {beside:>22} {share:>15} {one['peak_mib']:>9.0f}"
        ms = f" {1000 * statistics.median(one['seconds']):>9.3f}" if in_ms else ""
        lines.append(line + ms)
    return "\n".join(lines)


def growth_table(found: dict[str, Any]) -> str:
    """Time of a stack beside that of its members one by one, in words."""
    lines = ["growth  time of a step beside that of as many separate networks"]
    for name, work in GROWTH.items():
        middle, low, high = (r / work.members for r in ratio(found, name, next(iter(GROWTH))))
        lines.append(f"   {name:22} {middle:>8.3f} ({low:.3f} to {high:.3f})")
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
    """The name of the CPU, as far as the system tells, with what tells its generations apart."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    pairs = (line.partition(":") for line in lines if ":" in line)
    said = {key.strip(): value.strip() for key, _, value in pairs}
    name = said.get("model name", platform.machine())
    if {"cpu family", "model"} <= set(said):
        name += f", family {said['cpu family']}, model {said['model']}"
    return name


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
    if asked.json and not asked.json.parent.is_dir():
        parser.error(f"--json is {asked.json}; expected a file in a folder that is there")
    missing = [m for m in ("torch", "sklearn") if util.find_spec(m) is None]
    if missing:
        print(
            f"left out, because they are not installed: {', '.join(missing)}", file=sys.stderr
        )
    record: dict[str, Any] = environment(asked.device, asked.threads)
    record |= {"rounds": asked.rounds}
    # What was measured before with the same, and is not asked for again, stays.
    before = json.loads(asked.json.read_text()) if asked.json and asked.json.exists() else {}
    if all(before.get(key) == value for key, value in record.items()):
        record = before
    record.setdefault("workloads", {})
    for workload in asked.workloads:
        if workload == "growth":
            record["growth"] = measure_growth(asked.device, asked.threads, asked.rounds)
            print(growth_table(record["growth"]), flush=True)
        else:
            contenders = [
                who for who in ON_CPU[workload]
                if not ("torch" in missing and "PyTorch" in who)
                and not (who == "scikit-learn" and ("sklearn" in missing or asked.device == "cuda"))
            ]  # fmt: skip
            if asked.device == "cuda" and "PyTorch compile" in contenders:
                contenders.append("PyTorch CUDA graphs")
            found = measure(workload, contenders, asked.device, asked.threads, asked.rounds)
            record["workloads"][workload] = found
            print(table(workload, found, in_ms=asked.device == "cuda"), flush=True)
        if asked.json:  # what was measured so far outlives a contender that stops
            asked.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
