"""What the checker says of a learner's file or functions, and what else a learner may ask for."""

from __future__ import annotations

import functools
import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from minikd import values
from minikd.exercises import EXERCISES
from minikd.exercises.exercise import Exercise, Line, judge
from minikd.exercises.process import functions_of, judged
from minikd.shipped import folder


def exercise_of(path: Path) -> Exercise:
    """The exercise that a file answers, by its name.

    Raises
    ------
    ValueError
        If it is none.
    """
    name = path.stem.lstrip("0123456789").lstrip("_")
    if name not in EXERCISES:
        expected = ", ".join(f"{exercise.stem}.py" for exercise in EXERCISES.values())
        raise ValueError(f"path: {path.name} is no exercise; expected one of {expected}")
    return EXERCISES[name]


def check_file(path: str | PathLike[str], seed: int = 0) -> list[Line]:
    """Check the functions in a learner's file, a script or a notebook.

    Its code runs in a process of its own, with limits on time and memory. A script that calls this has
    to do so under ``if __name__ == "__main__":``, because that process runs the script's beginning too.

    Parameters
    ----------
    path : path
        Whose name is that of an exercise, such as ``01_softmax.py``.
    seed : int
        Other seeds try other numbers.

    Returns
    -------
    list of Line

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is of no known exercise.
    """
    path = values.there("path", path, "a file with an answer to an exercise").resolve()
    seed = values.whole("seed", seed, 0)
    return judged(exercise_of(path), functools.partial(functions_of, path), seed)


def check(seed: int = 0, **functions: Callable[..., Any]) -> None:
    """Check functions in a notebook, and print a line for each thing that holds or is off.

    Parameters
    ----------
    seed : int
        Other seeds try other numbers.
    **functions : callable
        By the name that the exercise gives them: ``check(softmax=my_softmax)``.

    Raises
    ------
    ValueError
        If no exercise asks for a function of such a name.
    """
    if multiprocessing.current_process().daemon:  # a learner's file that is being checked
        return
    seed = values.whole("seed", seed, 0)
    asked = {task.name for exercise in EXERCISES.values() for task in exercise.tasks}
    unknown = set(functions) - asked
    if unknown or not functions:
        said = ", ".join(sorted(unknown)) or "nothing"
        raise ValueError(
            f"functions: {said} is asked for by no exercise; expected {', '.join(sorted(asked))}"
        )
    for exercise in EXERCISES.values():
        tasks = tuple(task for task in exercise.tasks if task.name in functions)
        if tasks:
            part = Exercise(exercise.name, exercise.number, exercise.title, exercise.minutes, tasks,
                            exercise.hints)  # fmt: skip
            if (
                sys.platform == "win32"
            ):  # which cannot fork, and functions of a notebook cannot be sent
                lines = [
                    line for task in tasks for line in judge(task, functions[task.name], seed)
                ]
            else:
                lines = judged(part, _given(functions), seed, forked=True)
            print(told(lines))


def _given(functions: Mapping[str, Any]) -> Callable[[], Mapping[str, Any]]:
    return lambda: functions


def told(lines: Sequence[Line]) -> str:
    """Lines as they are printed."""
    return "\n".join(f"{'✓' if line.holds else '✗'} {line.words}" for line in lines)


def solved(lines: Sequence[Line]) -> bool:
    """Whether all holds."""
    return bool(lines) and all(line.holds for line in lines)


def hint(exercise: Exercise, number: int) -> str:
    """A hint, and how many more there are.

    Raises
    ------
    ValueError
        If there is none of this number.
    """
    last = len(exercise.hints)
    if not 1 <= number <= last:
        raise ValueError(f"number is {number}; expected a hint from 1 to {last}")
    left = last - number
    more = f" (--hint {number + 1} says more)" if left else " (this was the last one)"
    return f"hint {number} of {last}: {exercise.hints[number - 1]}{more}"


def solution(exercise: Exercise) -> str:
    """A right answer, in plain code."""
    path = folder("lessons") / "solutions" / f"{exercise.stem}.py"
    return path.read_text(encoding="utf-8")


def watch(path: Path, once: Callable[[], None], pause: float = 0.5) -> None:
    """Do something now, and again whenever a file changes, until Ctrl-C."""
    seen = None
    while True:
        now = path.stat().st_mtime_ns if path.exists() else None
        if now != seen:
            seen = now
            if now is not None:
                once()
        time.sleep(pause)


def scores(folder_of: str | PathLike[str], seed: int = 0) -> list[dict[str, Any]]:
    """How far each learner came: a row for each exercise, handed in or not, and for each other file.

    Parameters
    ----------
    folder_of : path
        Holds answers, or a folder of answers for each learner.
    seed : int

    Returns
    -------
    list of dict
        ``learner``, ``exercise``, ``functions`` that are right, ``of`` how many, ``first_off``. A file
        of Python whose name is that of no exercise has a row that says so.

    Raises
    ------
    ValueError
        If it is a file, or holds no answer.
    FileNotFoundError
        If there is no such folder.
    """
    root = values.there("folder_of", folder_of, "a folder of answers", folder=True)
    exercises = {exercise.stem: exercise for exercise in EXERCISES.values()}
    handed_in: dict[str, list[Path]] = {}
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root).parts
        if path.suffix in (".py", ".ipynb") and not any(
            part.startswith(".") for part in inside
        ):
            handed_in.setdefault(str(path.parent.relative_to(root)), []).append(path)
    if not any(path.stem in exercises for paths in handed_in.values() for path in paths):
        raise ValueError(
            f"folder_of: {root} holds no answer; expected files such as {next(iter(exercises))}.py, or a "
            "folder of them for each learner"
        )
    return [
        row
        for learner, paths in handed_in.items()
        for row in _of_learner(learner, paths, exercises, seed)
    ]


def _of_learner(
    learner: str, paths: Sequence[Path], exercises: Mapping[str, Exercise], seed: int
) -> list[dict[str, Any]]:
    """The rows of one folder."""

    def row(exercise: str, functions: int, of: int, first_off: str) -> dict[str, Any]:
        return {"learner": learner, "exercise": exercise, "functions": functions, "of": of,
                "first_off": first_off}  # fmt: skip

    rows = []
    for path in paths:
        if path.stem not in exercises:
            rows.append(row(path.name, 0, 0, "this is the name of no exercise"))
            continue
        exercise, lines = exercises[path.stem], check_file(path, seed)
        off = [line.words for line in lines if not line.holds]
        # What is off with the whole file is off with each of its functions.
        whole = any(words.startswith("the file") for words in off)
        wrong = {words.partition(":")[0] for words in off}
        right = [task for task in exercise.tasks if task.name not in wrong and not whole]
        rows.append(row(exercise.stem, len(right), len(exercise.tasks), off[0] if off else ""))
    missing = [e for stem, e in exercises.items() if stem not in {path.stem for path in paths}]
    rows += [row(each.stem, 0, len(each.tasks), "not handed in") for each in missing]
    return sorted(rows, key=lambda each: each["exercise"])


def write_scores(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write scores as CSV or JSON, by the ending of the path."""
    import csv

    if path.suffix == ".json":
        path.write_text(json.dumps(list(rows), indent=1) + "\n", encoding="utf-8")
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["learner", "exercise", "functions", "of", "first_off"])
        writer.writeheader()
        writer.writerows(rows)
