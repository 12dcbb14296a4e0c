"""Wheel and sdist in bare environments: every Python that is here, the lowest and the newest versions.

    python proofs/installs.py

Each environment is made under a folder whose name has spaces and letters that are not ASCII, with a home
that cannot be written, and no C compiler; there, minikd runs from outside its repository. It needs uv
(pip install uv), which finds the lowest versions that pyproject.toml allows.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# Without a GPU, and without what only minikd's own pages and tests need.
EXTRAS = ("cluster", "course")
VERSIONS = ("3.11", "3.12", "3.13", "3.14")

# What must work anywhere: the equations, a training run, a record with its picture, and the lessons.
SMOKE = """
import numpy as np, minikd
from minikd import MLP, Recipe, equations, errors, gradcheck, hard_targets, load_glyphs, train
v = np.random.default_rng(0).normal(0, 3, (4, 10))
def cost(z): return equations.soft_target_cost(z, v, 3.0).sum()
def gradient(z): return equations.soft_target_gradient(z, v, 3.0)
assert gradcheck(cost, v[::-1], gradient=gradient)
digits = load_glyphs(rng=0, train=500, test=100)
net = MLP([784, 50, 10], rng=1)
train(net, digits.train, hard_targets(), Recipe(5, 0.1))
assert errors(net(digits.test.x), digits.test.y) < 60
"""

ESTIMATOR = """
from sklearn.datasets import load_digits
from minikd.estimator import DistilledMLPClassifier
x, y = load_digits(return_X_y=True)
assert DistilledMLPClassifier(epochs=20, random_state=0).fit(x, y).score(x, y) > 0.9
"""


def python(version: str) -> str | None:
    """An interpreter of this version, if there is one."""
    for name in (
        f"python{version}",
        *map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")),
    ):
        try:
            asked = subprocess.run(
                [name, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                capture_output=True, text=True,
            )  # fmt: skip
        except OSError:
            continue
        if asked.stdout.strip() == version:
            return name
    return None


def built(folder: Path) -> tuple[Path, Path]:
    """The wheel and the sdist."""
    subprocess.run(
        [sys.executable, "-m", "uv", "build", "--out-dir", str(folder), str(ROOT)],
        check=True, capture_output=True,
    )  # fmt: skip
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


def needed_by(extras: tuple[str, ...], of_extra: dict[str, list[str]]) -> list[str]:
    """What extras ask for, those that they name too."""
    needed = []
    for extra in extras:
        for asked in of_extra[extra]:
            name = asked.partition("[")[2].rstrip("]") if asked.startswith("minikd[") else ""
            needed += needed_by((name,), of_extra) if name else [asked]
    return needed


def tried(
    version: str,
    interpreter: str,
    file: Path,
    resolution: str,
    extras: tuple[str, ...],
    folder: Path,
) -> dict[str, Any]:
    """Install a file into a bare environment, and use it."""
    where = folder / " ".join(
        ["Söhne & Töchter", version, resolution, file.suffix[1:], *extras]
    )
    bin_ = where / "bin"
    (folder / "a file").write_text("")
    home = folder / "a file" / "home"  # it cannot even be made
    # No compiler is found there, and no home either.
    environment = {
        "PATH": f"{bin_}{os.pathsep}/nowhere", "HOME": str(home), "MPLBACKEND": "Agg", "LC_ALL": "C.UTF-8",
        "CC": "/nowhere/cc",
    }  # fmt: skip
    work = where / "work"

    def run(*command: str, env: dict[str, str] | None = None) -> str:
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=env,
            cwd=work if env else None,
            timeout=600,
        )
        if ended.returncode:
            raise RuntimeError((ended.stderr.strip().splitlines() or ["?"])[-1])
        return ended.stdout

    uv = [sys.executable, "-m", "uv"]
    # Named beside it, so that their lowest versions are taken, and not those of what they need.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *needed_by(extras, project["optional-dependencies"])]
    asked = f"minikd[{','.join(extras)}] @ {file.as_uri()}" if extras else str(file)
    own = ["--no-binary", "minikd"] if file.suffix == ".gz" else []
    try:
        run(*uv, "venv", "--python", interpreter, "--seed", str(where))
        work.mkdir()
        run(*uv, "pip", "install", "--python", str(bin_ / "python"), "--resolution", resolution,
            "--only-binary", ":all:", *own, asked, *needed)  # fmt: skip
        said = run(str(bin_ / "minikd"), "--version", env=environment)
        run(str(bin_ / "python"), "-W", "error", "-c", SMOKE, env=environment)
        run(str(bin_ / "minikd"), "run", "three-percent", "--out", "out", env=environment)
        run(str(bin_ / "minikd"), "temperature", "--out", "out", env=environment)
        run(str(bin_ / "minikd"), "lessons", "--help", env=environment)
        if "cluster" in extras:
            run(str(bin_ / "minikd"), "run", "three-percent", "--workers", "2", "--out", "several",
                env=environment)  # fmt: skip
        if "course" in extras:
            run(str(bin_ / "minikd"), "lessons", "lessons", env=environment)
            run(str(bin_ / "python"), "-W", "error", "-c", ESTIMATOR, env=environment)
        frozen = run(*uv, "pip", "freeze", "--python", str(bin_ / "python"))
        versions = dict(
            line.split("==")
            for line in frozen.splitlines()
            if line.partition("==")[0] in ("numpy", "scipy", "matplotlib")
        )
        return {"works": True, "said": said.strip(), "versions": versions}
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        return {"works": False, "said": str(error)[:300], "versions": {}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--record", type=Path, help="write what worked as JSON")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        wheel, sdist = built(Path(folder) / "dist")
        for version in VERSIONS:
            interpreter = python(version)
            for file, resolution, extras in (
                (wheel, "highest", ()),
                (wheel, "lowest-direct", ()),
                (sdist, "highest", ()),
                (sdist, "lowest-direct", ()),
                (wheel, "highest", EXTRAS),
                (wheel, "lowest-direct", EXTRAS),
            ):
                kind = "wheel" if file is wheel else "sdist"
                row: dict[str, Any] = {
                    "python": version,
                    "of": f"{kind}[{','.join(extras)}]" if extras else kind,
                    "dependencies": resolution,
                }
                if interpreter is None:
                    row |= {"works": None, "said": "no such Python here", "versions": {}}
                else:
                    row |= tried(version, interpreter, file, resolution, extras, Path(folder))
                print(row, flush=True)
                rows.append(row)
    if arguments.record:
        import measured  # needs minikd itself, which the rows above do not

        found = {"system": platform.platform(), "rows": rows}
        measured.write(arguments.record, found)
    return int(any(row["works"] is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
