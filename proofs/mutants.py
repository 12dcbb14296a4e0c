"""What the tests do not notice: mutmut changes one thing at a time, and a test should fail.

    python proofs/mutants.py mixture optim

With no name, all modules; some hours. ``--sample 300`` tries so many of each module, drawn at random:
gradcheck has thousands, and each that survives takes all of its tests. Needs the extra ``mutation``,
and a system that can fork. Words of error messages are left as they are. Why a mutant that survives
need not be killed is written into ``reasons.json``; without a reason, ``page.py`` calls it open.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import measured
from mutmut.stats import status_by_exit_code

from minikd.cli_parts import up_to

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# Tests of each module: those that say what it should do, not all that happen to use it.
TESTS = {
    "equations": ["equations", "symbolic", "backwards"],
    "plain": ["plain"],
    "layers": ["layers", "mlp", "backwards"],
    "mlp": ["mlp", "layers"],
    "fast": ["fast"],
    "optim": ["optim"],
    "objectives": ["objectives", "labels"],
    "evaluate": ["evaluate"],
    "statistics": ["statistics", "evaluate"],
    "specialists": ["specialists"],
    "mixture": ["mixture"],
    "gradcheck": ["gradcheck", "gradcheck_zoo"],
}
# They read or copy the source, in which mutmut has put every mutant.
NOT = [
    "--deselect=tests/test_plain.py::test_it_is_one_page_and_its_functions_need_numpy_alone",
    "--deselect=tests/test_gradcheck.py::test_one_file_that_anybody_can_copy",
]
# Lines that hold nothing but the words of an error.
WORDS = [r"^\s*raise ", r"Error\($", r'^\s*[fr]{0,2}"[^"]*"[,)]*$']
SETTINGS = """
[tool.mutmut]
source_paths = ["minikd"]
only_mutate = ["minikd/{module}.py"]
also_copy = ["README.md", "lessons", "results", "docs", "proofs", "benchmarks"]
pytest_add_cli_args = {options}
pytest_add_cli_args_test_selection = {tests}
do_not_mutate_patterns = {words}
"""


def bad_calls(module: str, copy: Path) -> list[str]:
    """Tests that call the functions of a module with wrong arguments."""
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/test_bad_calls.py"],
        cwd=copy, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return [line for line in listed.splitlines() if f"[{module}." in line]


def mutated(
    module: str, copy: Path, processes: int, sample: int | None, seed: int
) -> dict[str, Any]:
    """Try the mutants of a module, or some of them, in a copy of the repository.

    Returns
    -------
    dict
        ``mutants``, the number of those that were tried, ``of``, of how many, ``killed``, the number
        of those that a test noticed, and ``survived``, the changed lines of each other.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        to = copy / name
        to.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, to)
    tests = [f"tests/test_{name}.py" for name in TESTS[module]] + bad_calls(module, copy)
    with (copy / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(
            SETTINGS.format(
                module=module,
                tests=tests,
                words=json.dumps(WORDS),
                options=["-p", "no:cacheprovider", "-x", "-q", *NOT],
            )
        )
    mutmut = [sys.executable, "-m", "mutmut"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    run = [*mutmut, "run", "--max-children", str(processes)]
    found = copy / "mutants" / "minikd" / f"{module}.py.meta"
    chosen = []
    if sample is not None:
        # A name that no mutant has: all are made, and none is tried.
        made = subprocess.run(
            [*run, "none"], cwd=copy, env=environment, capture_output=True, text=True
        )
        if not found.exists():
            raise RuntimeError(
                f"mutmut made no mutants: {made.stdout[-500:]}{made.stderr[-500:]}"
            )
        names = sorted(json.loads(found.read_text())["exit_code_by_key"])
        chosen = random.Random(seed).sample(names, min(sample, len(names)))
    subprocess.run([*run, *chosen], cwd=copy, env=environment, check=True)
    code_of = json.loads(found.read_text())["exit_code_by_key"]
    status = {name: status_by_exit_code[code_of[name]] for name in chosen or code_of}
    noticed = {"killed", "timeout", "caught by type check", "segfault"}
    survived = []
    for name in (name for name, what in status.items() if what not in noticed):
        shown = subprocess.run(
            [*mutmut, "show", name], cwd=copy, env=environment, capture_output=True, text=True
        ).stdout
        lines = [
            line for line in shown.splitlines()
            if line[:1] in "+-" and not line.startswith(("+++", "---"))
        ]  # fmt: skip
        survived.append({"what": _function(name), "was": status[name], "change": lines})
    return {
        "mutants": len(status),
        "of": len(code_of),
        "killed": len(status) - len(survived),
        "survived": survived,
    }


def _function(name: str) -> str:
    """What mutmut calls ``minikd.mixture.xǁMixtureǁoff__mutmut_3`` is ``Mixture.off``."""
    name = name.partition("__mutmut")[0].rpartition(".")[2]
    if name.startswith("xǁ"):
        return name[2:].replace("ǁ", ".")
    return name.removeprefix("x_")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(TESTS)}")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--sample", type=up_to(100_000), metavar="N", help="try N mutants of each module"
    )
    parser.add_argument("--seed", type=int, default=0, help="which (default: %(default)s)")
    parser.add_argument("--record", type=Path, help="JSON; modules that it has already stay")
    arguments = parser.parse_args()
    found: dict[str, Any] = {}
    if arguments.record and arguments.record.exists():
        found, _ = measured.read(arguments.record)
    for module in arguments.modules or TESTS:
        with tempfile.TemporaryDirectory() as copy:
            found[module] = of = mutated(
                module, Path(copy), arguments.processes, arguments.sample, arguments.seed
            )
        print(f"{module}: {of['killed']} of {of['mutants']} killed, of {of['of']} there are")
        for one in of["survived"]:
            print(f"  {one['what']} ({one['was']})", *one["change"], sep="\n    ")
        if arguments.record:
            measured.write(arguments.record, found, [module])
    return 0


if __name__ == "__main__":
    sys.exit(main())
