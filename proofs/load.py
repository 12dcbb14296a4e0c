"""A run of hundreds of cells on a cluster whose workers, hosts and scheduler die.

    python proofs/load.py --seeds 30 --wait 12

Needs Linux and root: each host is a network namespace with its own address and a folder of its own,
which the others do not see. The command is begun again when it ends with an error, as a user would,
until it ends well; its record must then be that of one process.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import many_cells
import measured
import numpy as np
import psutil
from crashes import last_line, record_of

HERE = Path(__file__).resolve().parent
RECORD = "many-cells.few.json"
DASK = str(Path(sys.executable).parent / "dask")
NETWORK, PORT = "10.77.0", 8790
SCHEDULER = f"tcp://{NETWORK}.1:{PORT}"
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@dataclass
class Loaded:
    """What was done to a cluster, and what came of it.

    Attributes
    ----------
    hosts, workers, cells : int
        Workers of each host; cells of the run.
    seconds : float
        From the first command to the last one's end.
    did : dict
        How often each thing was done to it.
    begun : int
        How often a cell was begun; ``cells`` if none was begun twice.
    by_host : dict
        Cells that each host began.
    saw : list of str
        The last line of each command that ended with an error.
    same : bool
        Whether the record is that of one process.
    orphans : int
        Processes of the command that lived on after it.
    """

    hosts: int
    workers: int
    cells: int
    seconds: float = 0.0
    did: dict[str, int] = field(default_factory=dict)
    begun: int = 0
    by_host: dict[str, int] = field(default_factory=dict)
    saw: list[str] = field(default_factory=list)
    same: bool = False
    orphans: int = 0

    def held(self) -> bool:
        """Whether nothing that was finished was lost, and nobody left behind."""
        # A worker that dies loses its cell; a scheduler or a host, those of all its workers.
        most = (
            self.did.get("worker killed", 0)
            + self.workers * self.did.get("host cut off", 0)
            + self.workers * self.hosts * self.did.get("scheduler killed", 0)
        )
        return self.same and not self.orphans and self.begun <= self.cells + most


class Cluster:
    """A scheduler, and hosts with workers of their own."""

    def __init__(
        self, hosts: int, workers: int, out: Path, environment: dict[str, str]
    ) -> None:
        self.hosts, self.workers, self.out, self.environment = hosts, workers, out, environment
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.of_host: dict[int, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Cluster:
        self._ip("link add minikd type bridge")
        self._ip(f"addr add {NETWORK}.1/24 dev minikd")
        self._ip("link set minikd up")
        for host in range(self.hosts):
            self._ip(f"netns add minikd{host}")
            self._ip(f"link add minikd{host} type veth peer name eth0 netns minikd{host}")
            self._ip(f"link set minikd{host} master minikd up")
            self._ip(f"-n minikd{host} addr add {NETWORK}.{10 + host}/24 dev eth0")
            self._ip(f"-n minikd{host} link set eth0 up")
            self._ip(f"-n minikd{host} link set lo up")
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        for host in range(self.hosts):
            self._ip(f"netns del minikd{host}", check=False)
        self._ip("link del minikd", check=False)

    def _ip(self, words: str, check: bool = True) -> None:
        subprocess.run(["ip", *words.split()], check=check, capture_output=not check)

    def begin(self) -> None:
        """The scheduler, and the workers of all hosts."""
        self.scheduler = subprocess.Popen(
            [DASK, "scheduler", "--host", f"{NETWORK}.1", "--port", str(PORT), "--no-dashboard"],
            env=self.environment, start_new_session=True, **QUIET,
        )  # fmt: skip
        for host in range(self.hosts):
            self.begin_host(host)

    def begin_host(self, host: int) -> None:
        """Its workers: what is in the folder of the run on another machine, they do not see."""
        worker = (
            f"mount -t tmpfs none '{self.out}' && hostname host{host} && exec '{DASK}' worker "
            f"{SCHEDULER} --nworkers {self.workers} --nthreads 1 --no-dashboard "
            "--local-directory /tmp --death-timeout 30"
        )
        self.of_host[host] = subprocess.Popen(
            ["ip", "netns", "exec", f"minikd{host}", "unshare", "--uts", "sh", "-c", worker],
            env=self.environment, start_new_session=True, **QUIET,
        )  # fmt: skip

    def worker_processes(self) -> list[psutil.Process]:
        """Of all hosts, those that do cells."""
        found = []
        for process in self.of_host.values():
            with contextlib.suppress(psutil.Error):
                family = psutil.Process(process.pid).children(recursive=True)
                found += [p for p in family if "spawn_main" in " ".join(p.cmdline())]
        return found

    def kill_worker(self, rng: np.random.Generator) -> bool:
        """One of them, at random."""
        workers = self.worker_processes()
        if not workers:
            return False
        with contextlib.suppress(psutil.Error):
            workers[rng.integers(len(workers))].kill()
        return True

    def cut_off(self, host: int) -> None:
        """A host that goes without a word, and comes back as a new one."""
        self._ip(f"link set minikd{host} down")
        _kill_family(self.of_host[host])
        self._ip(f"link set minikd{host} up")
        self.begin_host(host)

    def kill_scheduler(self) -> None:
        """Then no worker has anybody to work for; all are started anew, as a cluster does."""
        self.end()
        self.begin()

    def end(self) -> None:
        """Of everything."""
        for process in (self.scheduler, *self.of_host.values()):
            if process is not None:
                _kill_family(process)


def _kill_family(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(process.pid).children(recursive=True)
        for one in (psutil.Process(process.pid), *family):
            with contextlib.suppress(psutil.Error):
                one.kill()
    process.wait(30)


def loaded(
    seeds: int, wait: float, hosts: int, workers: int, seed: int, folder: Path
) -> Loaded:
    """One run, on a cluster to which something is done every few seconds."""
    rng = np.random.default_rng(seed)
    run = [sys.executable, "-m", "minikd", "run", str(HERE / "many_cells.py")]
    run += ["--seeds", str(seeds)]
    out, told = folder / "out", folder / "told"
    out.mkdir()
    told.mkdir()
    plain = os.environ | {"MPLBACKEND": "Agg"}
    subprocess.run([*run, "--threads", "1", "--out", str(folder / "one")], check=True, env=plain,
                   **QUIET)  # fmt: skip
    environment = plain | {many_cells.WAIT: str(wait), many_cells.TOLD: str(told)}
    came = Loaded(hosts, workers, seeds * many_cells.CELLS)
    did: Counter[str] = Counter()
    whole, pause = came.cells * wait / (hosts * workers), max(4.0, 0.7 * wait)
    # The scheduler dies twice, a host once, a worker every so often.
    plan = {0.3: "scheduler killed", 0.5: "host cut off", 0.7: "scheduler killed"}
    with Cluster(hosts, workers, out, environment) as cluster:
        began = time.monotonic()
        while True:
            with subprocess.Popen(
                [*run, "--cluster", SCHEDULER, "--out", str(out)], env=plain, text=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
            ) as running:  # fmt: skip
                while True:
                    try:
                        said = running.communicate(timeout=rng.uniform(0.5, 1.5) * pause)[1]
                        break
                    except subprocess.TimeoutExpired:
                        done = (time.monotonic() - began) / whole
                        due = [moment for moment in plan if moment <= done]
                        if not due:
                            did["worker killed"] += cluster.kill_worker(rng)
                            continue
                        what = plan.pop(due[0])
                        did[what] += 1
                        if what == "host cut off":
                            cluster.cut_off(int(rng.integers(hosts)))
                        else:
                            cluster.kill_scheduler()
            came.orphans += len(_of_session(running.pid))
            if running.returncode == 0:
                break
            came.saw.append(last_line(said).replace(str(folder), "FOLDER"))
        came.seconds = round(time.monotonic() - began, 1)
    came.did = dict(did)
    hosts_of = Counter(path.read_text(encoding="utf-8") for path in told.iterdir())
    came.by_host, came.begun = dict(sorted(hosts_of.items())), sum(hosts_of.values())
    unbroken = record_of(folder / "one", RECORD)
    came.same = unbroken is not None and record_of(out, RECORD) == unbroken
    return came


def _of_session(leader: int) -> list[int]:
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(OSError):
            if os.getsid(pid) == leader:
                found.append(pid)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=30, help="of ten cells each")
    parser.add_argument("--wait", type=float, default=12, help="seconds that a cell takes")
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--workers", type=int, default=4, help="of each host")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", type=Path, help="write what came of it as JSON")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the hosts are taken away
    with tempfile.TemporaryDirectory() as folder:
        came = loaded(
            arguments.seeds, arguments.wait, arguments.hosts, arguments.workers, arguments.seed,
            Path(folder),
        )  # fmt: skip
    print("held" if came.held() else "FAILED", asdict(came))
    if arguments.record:
        measured.write(arguments.record, {"wait": arguments.wait, **asdict(came)})
    return int(not came.held())


if __name__ == "__main__":
    sys.exit(main())
