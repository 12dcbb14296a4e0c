"""One file to hand out: the site, the lessons as notebooks and scripts, and the wheel."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from os import PathLike
from pathlib import Path

import minikd
from minikd import values
from minikd.course import write_lessons

README = """\
minikd {version}: knowledge distillation from scratch

site/index.html     open it in a browser; it needs no server and no network
notebooks/          the lessons; they need Jupyter, and minikd: their first cell installs it
scripts/            the same, to be run with python
wheel/              pip install wheel/{wheel}
"""


def write_bundle(to: str | PathLike[str]) -> Path:
    """Build the site and the wheel, and pack them with the lessons into a ZIP file; takes minutes.

    Parameters
    ----------
    to : path
        Of the file, ``NAME.zip``.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    ValueError
        If ``to`` does not end in ``.zip``.
    FileNotFoundError
        If minikd was installed without its repository, which has the pages.
    RuntimeError
        If the site or the wheel cannot be built; the message has the last line of what said why.
    """
    to = values.path("to", to)
    if to.suffix != ".zip":
        raise values.refused("to", str(to), "a path that ends in .zip")
    repository = Path(minikd.__file__).parents[1]
    if not (repository / "docs" / "conf.py").exists():
        raise FileNotFoundError(
            f"to: the pages are not in {repository}; a bundle is made from a clone of the repository, "
            "installed with pip install -e '.[docs]'"
        )
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        _run("the site", "sphinx", "-W", "-q", "-j", "auto", "-b", "html", repository / "docs",
             work / "site")  # fmt: skip
        _run("the wheel", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", work / "wheel",
             repository)  # fmt: skip
        (wheel,) = (work / "wheel").glob("*.whl")
        write_lessons(work / "scripts", "script")
        for notebook in write_lessons(work / "notebooks", "notebook"):
            up = "/".join([".."] * len(notebook.relative_to(work).parts[:-1]))
            text = notebook.read_text(encoding="utf-8")
            text = text.replace("pip install minikd", f"pip install {up}/wheel/{wheel.name}")
            notebook.write_text(text, encoding="utf-8")
        said = README.format(version=minikd.__version__, wheel=wheel.name)
        (work / "README.txt").write_text(said, encoding="utf-8")
        to.parent.mkdir(parents=True, exist_ok=True)
        part = to.with_name(f"{to.name}.part")
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in sorted(work.rglob("*")):
                left_out = {".doctrees", "jupyter_execute", ".jupyter_cache"} & set(path.parts)
                if path.is_file() and not left_out:
                    packed.write(path, Path(to.stem) / path.relative_to(work))
        part.replace(to)
    return to


def _run(what: str, module: str, *arguments: object) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)], capture_output=True, text=True
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise RuntimeError(f"{what} cannot be built: {lines[-1] if lines else 'no word why'}")
