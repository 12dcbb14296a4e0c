"""What happens to a run that is killed, stopped, or has no disk, and to one whose files are damaged.

    python proofs/crashes.py --kills 100

Each broken run is begun again until it ends, and must then have the record of the unbroken run, to the
last digit. Nothing that a process was killed for may be lost but the time since the last checkpoint.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import measured
import numpy as np
import psutil

HERE = Path(__file__).resolve().parent
RUN = ["run", str(HERE / "small_run.py"), "--threads", "1"]
ENVIRONMENT = os.environ | {"MPLBACKEND": "Agg"}
RECORD = "small-run.few.json"


@dataclass
class Tried:
    """One thing that was done to runs, and what came of it.

    Attributes
    ----------
    done : str
        What was done.
    times : int
        How often.
    seen : str
        What the user saw of it, in the last line.
    same : bool
        Whether all ended with the record of the unbroken run.
    orphans : int
        Processes that were alive 20 seconds after the command had ended.
    """

    done: str
    times: int
    seen: str
    same: bool
    orphans: int = 0

    def held(self) -> bool:
        """Whether nothing was lost, and nobody left behind."""
        return self.same and not self.orphans and "KeyboardInterrupt" not in self.seen


def record_of(folder: Path, name: str = RECORD) -> dict[str, Any] | None:
    """What a run found, without how long it took."""
    try:
        record = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return {key: value for key, value in record.items() if key not in ("seconds", "sha256")}


def command(folder: Path, *more: str, fault: tuple[str, int] | None = None) -> list[str]:
    """The command line of a run into a folder."""
    program = [sys.executable, "-m", "minikd"]
    if fault:
        program = [sys.executable, str(HERE / "faulty.py"), fault[0], str(fault[1])]
    return [*program, *RUN, "--out", str(folder), *more]


def finish(folder: Path, *more: str) -> tuple[int, str]:
    """Begin a run again, and let it end: its exit code, and its last line of stderr."""
    ended = subprocess.run(
        command(folder, *more), capture_output=True, text=True, env=ENVIRONMENT, timeout=300
    )
    return ended.returncode, last_line(ended.stderr)


def last_line(text: str) -> str:
    """What a user looks at; the folder, which is another one each time, is left out."""
    # Progress, and what Python says of the semaphores of a process that was killed.
    others = (": cell ", ": epoch ", "resource_tracker", "warnings.warn")
    lines = [
        line.strip()
        for line in text.replace("\r", "\n").splitlines()
        if line.strip() and not any(word in line for word in others)
    ]
    return lines[-1] if lines else ""


class Runs:
    """Runs that something is done to, beside one that nothing is done to."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.rng, self.number = folder, np.random.default_rng(seed), 0
        self.surprises: list[str] = []
        self.stopped = 0
        self.takes: dict[tuple[str, ...], float] = {}
        for more in ((), ("--workers", "2")):
            began = time.monotonic()
            code, said = finish(folder / f"unbroken{' by workers' * bool(more)}", *more)
            self.takes[more] = time.monotonic() - began
        self.unbroken = record_of(folder / "unbroken")
        assert code == 0, said
        assert self.unbroken is not None

    def fresh(self) -> Path:
        """A folder for another run."""
        self.number += 1
        return self.folder / f"run {self.number}"

    def without_a_path(self, said: str) -> str:
        """A line as any user would see it."""
        return said.replace(str(self.folder), "FOLDER").replace(f"run {self.number}", "out")

    # ------------------------------------------------------------ kills

    def killed(self, kills: int, number: signal.Signals, who: str, *more: str) -> Tried:
        """Kill so many times, at random moments, and begin again each time until it ends."""
        done, same, orphans, seen, self.stopped = 0, True, 0, "", 0
        while done < kills:
            folder = self.fresh()
            ended = False
            while not ended:
                with subprocess.Popen(
                    command(folder, *more), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                    text=True, env=ENVIRONMENT, start_new_session=True,
                ) as running:  # fmt: skip
                    try:
                        running.wait(float(self.rng.uniform(0.3, 1.1 * self.takes[more])))
                        ended = True
                    except subprocess.TimeoutExpired:
                        family = psutil.Process(running.pid).children(recursive=True)
                        if who == "a worker" and not any(map(_is_worker, family)):
                            ended = running.wait(300) == 0  # it came before there was one
                            continue
                        orphans += self._kill(running, family, number, who)
                        done += 1
                        text = running.stderr.read() if running.stderr else ""
                        self._expect(running.returncode, number, who, text)
                        seen = self.without_a_path(last_line(text)) or seen
                if done >= kills and not ended:
                    finish(folder, *more)
                    ended = True
            same = same and record_of(folder) == self.unbroken
            shutil.rmtree(folder)
        # It may end by itself just before it is stopped, but not often.
        if who != "a worker" and self.stopped < done / 2:
            self.surprises.append(f"{number.name} stopped {self.stopped} of {done}")
        same, self.surprises = same and not self.surprises, []
        return Tried(f"{number.name} to {who} at random moments", done, seen, same, orphans)

    def _expect(self, code: int, number: int, who: str, text: str) -> None:
        """A command that is stopped says so in a line and by its code; while it is imported, Python does."""
        self.stopped += code != 0
        if "Traceback" in text and code != -number:
            self.surprises.append(f"a traceback after signal {number}, with exit code {code}")
        if who != "a worker" and code not in (128 + number, -number, 0):
            self.surprises.append(f"exit code {code} after signal {number}")

    def _kill(
        self,
        running: subprocess.Popen[str],
        family: list[psutil.Process],
        number: int,
        who: str,
    ) -> int:
        """Kill the command, or one of its workers; how many of them live on."""
        if who == "a worker":
            workers = [p for p in family if _is_worker(p)]
            for process in workers[:1]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(number)
            running.wait(120)
        else:
            running.send_signal(number)
            running.wait(60)
        _, alive = psutil.wait_procs(family, timeout=20)
        return len(alive)

    def killed_while_writing(self, fault: str, writes: range) -> Tried:
        """Kill at chosen moments of the writing of files, as far as there are so many."""
        words = {
            "die-before": "before the first byte of a file", "die-half": "in the middle of a file",
            "die-unnamed": "before a whole file gets its name",
            "die-after": "at once after a file was written",
        }  # fmt: skip
        same, times = True, 0
        for n in writes:
            folder = self.fresh()
            broken = subprocess.run(
                command(folder, fault=(fault, n)), capture_output=True, env=ENVIRONMENT
            )
            times += broken.returncode == -signal.SIGKILL
            same = same and broken.returncode in (0, -signal.SIGKILL)
            finish(folder)
            same = same and record_of(folder) == self.unbroken
            shutil.rmtree(folder)
        return Tried(f"SIGKILL {words[fault]}", times, "", same and times > 0)

    # ------------------------------------------------------------ disks

    def no_room(self, fault: str, at: range, words: str) -> Tried:
        """No disk space, or another limit: the run ends with an error, and later goes on."""
        same, seen, times = True, "", 0
        for n in at:
            folder = self.fresh()
            broken = subprocess.run(
                command(folder, fault=(fault, n)),
                capture_output=True,
                text=True,
                env=ENVIRONMENT,
            )
            times += broken.returncode != 0
            if broken.returncode:
                seen = self.without_a_path(last_line(broken.stderr))
                same = same and broken.returncode == 2 and "Traceback" not in broken.stderr
            finish(folder)
            same = same and record_of(folder) == self.unbroken
            shutil.rmtree(folder)
        return Tried(words, times, seen, same and times > 0)

    # ------------------------------------------------------------ damage

    def damaged(self, words: str, damage: Callable[[bytes], bytes], most: int = 100) -> Tried:
        """Damage each file that was kept, one in each run, take the record away, and run again."""
        same, seen, times = True, "", 0
        source = self.folder / "unbroken"
        for name in sorted(path.name for path in (source / ".kept").glob("*.*"))[:most]:
            folder = self.fresh()
            shutil.copytree(source, folder)
            (folder / RECORD).unlink()
            path = folder / ".kept" / name
            path.write_bytes(damage(path.read_bytes()))
            # Where a part of the record is kept, no other file is read.
            if path.suffix == ".npz":
                for part in (folder / ".kept").glob("*.json"):
                    part.unlink()
            code, said = finish(folder)
            same = same and code == 0 and record_of(folder) == self.unbroken
            same = same and "is damaged; what it held is made again" in said
            seen, times = self.without_a_path(said) or seen, times + 1
            shutil.rmtree(folder)
        return Tried(words, times, seen, same)

    def twice_at_once(self, times: int) -> Tried:
        """Two runs into one folder at the same time."""
        same, seen = True, ""
        for _ in range(times):
            folder = self.fresh()
            both = [
                subprocess.Popen(command(folder), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                 text=True, env=ENVIRONMENT)
                for _ in range(2)
            ]  # fmt: skip
            for running in both:
                said = running.communicate(timeout=300)[1]
                same = same and running.returncode == 0
                seen = last_line(said) or seen
            same = same and record_of(folder) == self.unbroken
            shutil.rmtree(folder)
        return Tried("two runs into one folder at once", times, seen, same)

    def kept_by_another(self) -> Tried:
        """What another program, version or number of threads kept is left alone."""
        folder = self.fresh()
        shutil.copytree(self.folder / "unbroken", folder)
        (folder / RECORD).unlink()
        other, _ = finish(folder, "--threads", "2")
        (folder / RECORD).unlink()
        code, seen = finish(folder)
        same = other == code == 0 and record_of(folder) == self.unbroken
        shutil.rmtree(folder)
        return Tried("what a run with other threads kept lies beside", 1, seen, same)


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def flip(content: bytes) -> bytes:
    """One bit, in the middle."""
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :]


def tried(kills: int, seed: int, folder: Path) -> list[Tried]:
    """Everything, with so many kills at random moments in all."""
    runs = Runs(folder, seed)
    parts, few = max(1, kills // 5), max(1, kills // 20)
    signals = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
    writes = range(1, 2 + min(12, few * 3))
    return [
        runs.killed(2 * parts, signals[0], "the command"),
        *(runs.killed(few, number, "the command") for number in signals[1:]),
        runs.killed(parts, signals[0], "the parent of two workers", "--workers", "2"),
        *(
            runs.killed(few, n, "the parent of two workers", "--workers", "2")
            for n in signals[1:]
        ),
        runs.killed(parts, signals[0], "a worker", "--workers", "2"),
        *(
            runs.killed_while_writing(fault, writes)
            for fault in ("die-before", "die-half", "die-unnamed", "die-after")
        ),
        runs.no_room("full", writes, "the disk is full"),
        runs.no_room(
            "limit", range(1000, 400_000, 400_000 // few), "a limit on the size of files"
        ),
        runs.no_room("too-many", writes, "a limit on open files"),
        runs.damaged("a bit of a kept file flips", flip),
        runs.damaged("a kept file is empty", lambda content: b""),
        runs.damaged("a kept file is cut short", lambda content: content[: len(content) // 2]),
        runs.damaged("a kept file is all zeros", lambda content: bytes(len(content))),
        runs.damaged("a kept file is text", lambda content: b"{}"),
        runs.twice_at_once(few),
        runs.kept_by_another(),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100, help="at random moments")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", type=Path, help="write what came of it as JSON")
    arguments = parser.parse_args()
    # A shell that starts this in the background has it ignored, and so would the runs.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        found = tried(arguments.kills, arguments.seed, Path(folder))
    for one in found:
        print("held" if one.held() else "FAILED", asdict(one))
    if arguments.record:
        said = {"kills": arguments.kills, "tried": [asdict(one) for one in found]}
        measured.write(arguments.record, said)
    return int(not all(one.held() for one in found))


if __name__ == "__main__":
    sys.exit(main())
