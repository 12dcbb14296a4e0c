"""The lessons for those who learn: as notebooks or scripts in a folder of their own, and their figures."""

from __future__ import annotations

import contextlib
import io
import json
import os
import runpy
import tempfile
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from minikd import values
from minikd.checkpoint import write_atomically
from minikd.plots import formats
from minikd.shipped import folder

INSTALL = """\
# If minikd is not installed here, remove the # from the next line and run this cell.
# %pip install minikd"""


def lesson_files() -> list[Path]:
    """The lessons that come with minikd, in order."""
    return sorted(folder("lessons").glob("[0-9]*.py"))


def exercise_files() -> list[Path]:
    """The exercises that come with minikd, in order."""
    return sorted((folder("lessons") / "exercises").glob("[0-9]*.py"))


def as_notebook(lesson: str) -> Any:
    """A lesson as a notebook, which begins with how to install minikd.

    Parameters
    ----------
    lesson : str
        A Python script whose cells begin with ``# %%``.

    Returns
    -------
    nbformat.NotebookNode

    Raises
    ------
    ModuleNotFoundError
        If Jupytext is not installed.
    """
    lesson = values.text("lesson", lesson, "a script whose cells begin with # %%")
    try:
        import jupytext
        from nbformat.v4 import new_code_cell
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"notebooks need {error.name}: pip install 'minikd[course]', or from a clone "
            "pip install -e '.[course]'; scripts need nothing more"
        ) from error
    notebook = jupytext.reads(lesson, fmt="py:percent")
    install: Any = new_code_cell(INSTALL)
    install["id"] = "install"
    for n, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{n}"  # the same in every copy, so that two can be compared
    notebook.cells.insert(1, install)
    notebook.metadata["kernelspec"] = {
        "display_name": "Python 3", "language": "python", "name": "python3",
    }  # fmt: skip
    return notebook


def write_lessons(to: str | PathLike[str], form: str = "notebook") -> list[Path]:
    """Copy the lessons into a folder, and the exercises into the folder ``exercises`` in it.

    Files that are there already and differ are left alone: a learner may have written into them.

    Parameters
    ----------
    to : path
    form : {"notebook", "script"}

    Returns
    -------
    list of Path
        Of all lessons and exercises.

    Raises
    ------
    ValueError
        If the form is another, or a file is there already and differs.
    ModuleNotFoundError
        If notebooks are asked for and Jupytext is not installed.
    """
    to = values.path("to", to)
    if values.text("form", form) not in ("notebook", "script"):
        raise values.refused("form", form, "notebook or script")
    texts = {}
    for file in [*lesson_files(), *exercise_files()]:
        text = file.read_text(encoding="utf-8")
        beside = to / "exercises" if file.parent.name == "exercises" else to
        if form == "notebook":
            notebook = as_notebook(text)
            texts[beside / f"{file.stem}.ipynb"] = json.dumps(notebook, indent=1) + "\n"
        else:
            texts[beside / file.name] = text
    changed = [
        path for path, text in texts.items()
        if path.exists() and path.read_text(encoding="utf-8", errors="replace") != text
    ]  # fmt: skip
    if changed:
        raise ValueError(
            f"to: {changed[0]} is there already, and is not the lesson as it comes with minikd; move it "
            "away or choose another folder"
        )
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode())
    return list(texts)


def draw_lessons(
    out: str | PathLike[str], endings: Sequence[str] = ("png",), numbers: Sequence[str] = ()
) -> Iterator[Path]:
    """Run each lesson, and keep its figures; a lesson takes seconds to a minute.

    Parameters
    ----------
    out : path
    endings : sequence of {"png", "svg", "pdf"}
    numbers : sequence of str
        Of the lessons, such as ``"07"``; all by default.

    Yields
    ------
    Path
        Of each figure, as soon as its lesson has ended.

    Raises
    ------
    ValueError
        If there is no lesson of a number.
    RuntimeError
        If a lesson ended in an error, once all others have run.
    """
    out = values.path("out", out).resolve()
    lessons = {path.name[:2]: path for path in lesson_files()}
    for number in numbers:
        if number not in lessons:
            raise values.refused("numbers", number, f"some of {', '.join(lessons)}")
    broken = []
    with formats(endings), tempfile.TemporaryDirectory() as work, _inside(Path(work)):
        for lesson in [lessons[number] for number in numbers or lessons]:
            before = _figures()
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    runpy.run_path(str(lesson))
            except (Exception, SystemExit) as error:
                broken.append(f"{lesson.name}: {' '.join(str(error).split())}")
            for figure in sorted(_figures() - before):
                out.mkdir(parents=True, exist_ok=True)
                write_atomically(out / figure.name, figure.read_bytes())
                yield out / figure.name
    if broken:
        raise RuntimeError(
            f"{len(broken)} lesson{'s' * (len(broken) > 1)} ended in an error; {'; '.join(broken)}"
        )


def _figures() -> set[Path]:
    """What lessons have drawn so far; beside it they keep trained networks."""
    return {path for path in Path("out").glob("[!.]*.*") if path.is_file()}


@contextlib.contextmanager
def _inside(place: Path) -> Iterator[None]:
    """Work in another folder for a while: lessons write to ``out/`` where they run."""
    before = Path.cwd()
    os.chdir(place)
    try:
        yield
    finally:
        os.chdir(before)
