"""Every exercise has a file to begin with and a solution; both are what the checker expects."""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minikd.exercises import EXERCISES
from minikd.exercises.check import check_file, solved
from minikd.exercises.exercise import judge
from minikd.exercises.process import functions_of

LESSONS = Path(__file__).parents[1] / "lessons"
MAIN = "if __name__ == '__main__':"
every = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.stem)


def to_begin_with(exercise):
    return LESSONS / "exercises" / f"{exercise.stem}.py"


def solution(exercise):
    return LESSONS / "solutions" / f"{exercise.stem}.py"


def words(path):
    """What the Markdown cells of a file say, in one line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return " ".join(" ".join(line.lstrip("#") for line in lines if line[:1] == "#").split())


def guarded(path):
    """What runs only if the file is run itself: to try it, and to check it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in tree.body if ast.unparse(node).startswith(MAIN)]


def said(code, names):
    """What a piece of code prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(code, {**names})
    return out.getvalue().splitlines()


@pytest.mark.parametrize("folder", ["exercises", "solutions"])
def test_each_folder_has_a_file_for_each_exercise_and_no_other(folder):
    names = {path.name for path in (LESSONS / folder).iterdir() if path.name != "__pycache__"}
    assert names == {f"{exercise.stem}.py" for exercise in EXERCISES.values()}


def test_exercises_are_numbered_from_1():
    assert [e.number for e in EXERCISES.values()] == list(range(1, len(EXERCISES) + 1))


@every
def test_what_one_begins_with_is_refused_with_a_helpful_line(exercise):
    functions = functions_of(to_begin_with(exercise))
    for task in exercise.tasks:
        lines = judge(task, functions.get(task.name), 0)
        assert [(line.holds, line.words) for line in lines] == [
            (False, f"{task.name}: it is not written yet")
        ]
        assert list(inspect.signature(functions[task.name]).parameters) == task.parameters()
        assert "Result:" in functions[task.name].__doc__


@every
def test_the_solution_is_right(exercise):
    functions = functions_of(solution(exercise))
    for task in exercise.tasks:
        for seed in range(3):
            assert solved(judge(task, functions.get(task.name), seed)), task.name


@every
def test_title_minutes_and_hints_are_those_of_the_exercise(exercise):
    path = to_begin_with(exercise)
    text, head = path.read_text(encoding="utf-8"), f"{exercise.number:02}: {exercise.title}"
    assert text.startswith(f"# %% [markdown]\n# # Exercise {head}\n")
    assert text.splitlines()[2].startswith(
        f"# *About {exercise.minutes} minutes. Before this: lesson "
    )
    assert (
        solution(exercise)
        .read_text(encoding="utf-8")
        .startswith(f'"""A solution of exercise {head}."""\n')
    )
    assert len(exercise.hints) >= 3
    for number, hint in enumerate(exercise.hints, start=1):
        assert f"<details><summary>Hint {number}</summary> {hint}</details>" in words(path)
    assert text.count("<summary>Hint ") == len(exercise.hints)


@every
def test_the_lesson_before_it_is_there(exercise):
    before = re.search(r"Before this: lesson (\d\d)\.\*", to_begin_with(exercise).read_text())
    assert len(list(LESSONS.glob(f"{before[1]}_*.py"))) == 1


@every
def test_a_file_to_begin_with_is_short_and_has_its_parts(exercise):
    text = to_begin_with(exercise).read_text(encoding="utf-8")
    assert 30 <= len(text.splitlines()) <= 90
    prose = words(to_begin_with(exercise))
    for part in ("**The question.**", "**What the paper says.** (Section", "Try it", "Check it",
                 f"minikd check {exercise.stem}.py", "--watch", "--hint", "Hints",
                 "To think about 1. "):  # fmt: skip
        assert part in prose, part


@every
def test_minikd_is_imported_in_the_cell_that_checks_and_nowhere_else(exercise):
    given = ", ".join(f"{task.name}={task.name}" for task in exercise.tasks)
    checks = guarded(to_begin_with(exercise))[-1]
    assert [ast.unparse(node) for node in checks.body] == [
        "from minikd.exercises.check import check", f"check({given})"
    ]  # fmt: skip
    for path, elsewhere in ((to_begin_with(exercise), checks), (solution(exercise), None)):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        tree.body = [
            n for n in tree.body if not elsewhere or ast.dump(n) != ast.dump(elsewhere)
        ]
        imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
        assert {ast.unparse(node) for node in imports} <= {"import numpy as np"}


@every
def test_trying_it_prints_what_the_file_says(exercise):
    path = to_begin_with(exercise)
    tries = ast.unparse(guarded(path)[0].body[0])
    told = re.findall(r"print\(.*\)  # (.*)", path.read_text(encoding="utf-8"))
    solved_names = {"np": np, **functions_of(solution(exercise))}
    assert said(tries, solved_names) == told
    assert len(told) >= len(exercise.tasks)
    [unfinished] = said(tries, functions_of(path))
    assert unfinished.endswith("not written yet")


@pytest.mark.parametrize("name", ["softmax", "linear"])
def test_files_are_judged_the_same_in_a_process_of_their_own(name):
    exercise = EXERCISES[name]
    assert solved(check_file(solution(exercise)))
    assert [line.words for line in check_file(to_begin_with(exercise))] == [
        f"{task.name}: it is not written yet" for task in exercise.tasks
    ]


def test_a_file_to_begin_with_runs_to_its_end(tmp_path, environment):
    shutil.copy(to_begin_with(EXERCISES["softmax"]), tmp_path)
    done = subprocess.run(
        [sys.executable, "01_softmax.py"], cwd=tmp_path, env=environment, capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "it is not written yet\n✗ softmax: it is not written yet\n"


def test_the_page_lists_every_exercise_as_it_is():
    page = (Path(__file__).parents[1] / "docs" / "exercises.md").read_text(encoding="utf-8")
    for exercise in EXERCISES.values():
        functions = ", ".join(f"`{task.name}`" for task in exercise.tasks)
        said = f"- **{exercise.stem}**: {exercise.title} (about `{exercise.minutes}` minutes; {functions})"
        assert said in page
