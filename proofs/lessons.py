"""Every lesson, whole and alone, on the bundled data: what it claims must hold.

    python proofs/lessons.py

Takes about eight minutes of one core.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import measured

ROOT = Path(__file__).resolve().parents[1]
LESSONS = sorted((ROOT / "lessons").glob("[0-9]*.py"))


def run(path: Path, folder: Path) -> dict[str, Any]:
    """Run a lesson in a process of its own, with one thread.

    Returns
    -------
    dict
        Its ``name``, how many of its claims ``hold``, those that do not as ``failed``, the ``seconds``
        that it took, whether it ``drew`` its picture, and what else it ``said``: errors and warnings.
    """
    began = time.monotonic()
    quiet = {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, path], cwd=folder, env=os.environ | quiet,
        capture_output=True, text=True,
    )  # fmt: skip
    picture = folder / "out" / f"{path.stem}.png"
    return {
        "name": path.stem,
        "hold": len(re.findall("^It holds", done.stdout, re.MULTILINE)),
        "failed": re.findall("^It does not hold.*", done.stdout, re.MULTILINE),
        "seconds": round(time.monotonic() - began, 1),
        "drew": picture.exists() and picture.stat().st_size > 10_000,
        # What takes long says how far it is.
        "said": [
            line for line in done.stderr.splitlines() if not re.search(r": epoch \d+ of ", line)
        ],
    }


def good(found: dict[str, Any]) -> bool:
    """Whether a lesson did all that it should."""
    return bool(found["hold"] and found["drew"] and not found["failed"] and not found["said"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--record", type=Path, help="write what came of it as JSON")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(os.cpu_count()) as several,
    ):
        rows = []
        # One folder for all, so that they find the teacher of the first that needs it.
        for found in several.map(lambda path: run(path, Path(folder)), LESSONS):
            rows.append(found)
            print(
                found["name"], found["seconds"], "s", "ok" if good(found) else found, flush=True
            )
    if arguments.record:
        measured.write(arguments.record, {"rows": rows})
    return 0 if all(map(good, rows)) else 1


if __name__ == "__main__":
    sys.exit(main())
