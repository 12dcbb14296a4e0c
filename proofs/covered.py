"""How much of the library the tests run, branches included; what processes of their own run too.

    python proofs/covered.py

Needs the extra ``mutation``. Takes about twice as long as the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import measured

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = """
[run]
branch = true
source = {source}
patch = subprocess, _exit
data_file = {folder}/coverage
"""


def covered(folder: Path, tests: list[str]) -> dict[str, Any]:
    """Run the tests, and count.

    Returns
    -------
    dict
        ``lines`` and ``branches``, of all and of those run, and the same for each file.
    """
    settings, report = folder / "settings", folder / "report.json"
    settings.write_text(
        SETTINGS.format(source=ROOT / "minikd", folder=folder), encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "auto", "--cov", f"--cov-config={settings}",
         f"--cov-report=json:{report}", *tests], cwd=ROOT,
    )  # fmt: skip
    if done.returncode > 1:  # 1: a test failed, and ran all the same
        raise RuntimeError(f"pytest ended with code {done.returncode}")
    found = json.loads(report.read_text(encoding="utf-8"))

    def counted(summary: dict[str, Any]) -> dict[str, list[int]]:
        return {
            "lines": [summary["covered_lines"], summary["num_statements"]],
            "branches": [summary["covered_branches"], summary["num_branches"]],
        }

    return {
        **counted(found["totals"]),
        "files": {
            os.path.relpath(ROOT / name, ROOT / "minikd"): counted(of["summary"])
            for name, of in sorted(found["files"].items())
        },
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tests", nargs="*", help="default: all")
    parser.add_argument("--record", type=Path, help="write what came of it as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = covered(Path(folder), arguments.tests)
    for what in ("lines", "branches"):
        run, of = found[what]
        print(f"{what}: {run} of {of}, {100 * run / of:.1f} %")
    for name, each in found["files"].items():
        left = {
            what: of - run for what, (run, of) in each.items() if what != "files" and of > run
        }
        if left:
            print(f"  {name}: {left}")
    if arguments.record:
        measured.write(arguments.record, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
