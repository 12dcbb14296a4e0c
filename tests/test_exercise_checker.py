"""The checker of the exercises: it takes what is right, names what is wrong, and survives any file."""

from __future__ import annotations

import functools
import json

import numpy as np
import pytest
from exercise_attempts import ATTEMPTS
from exercise_spellings import SPELLINGS

from minikd.exercises import EXERCISES
from minikd.exercises.check import check_file, solved
from minikd.exercises.exercise import judge
from minikd.exercises.process import functions_of, judged

TASKS = {(e.name, task.name): task for e in EXERCISES.values() for task in e.tasks}
each_task = pytest.mark.parametrize("key", TASKS, ids="-".join)

# ---------------------------------------------------------------- what is right, and what is wrong


def test_every_function_has_spellings_and_attempts():
    assert set(SPELLINGS) == set(ATTEMPTS) == set(TASKS)
    assert min(map(len, SPELLINGS.values())) >= 10
    assert {len(attempts) for attempts in ATTEMPTS.values()} == {3}


@each_task
def test_every_known_mistake_is_refused_and_named(key):
    task, named = TASKS[key], 0
    for seed in range(3):
        for bug in task.bugs:
            last = judge(task, bug.wrong, seed)[-1]
            assert not last.holds, (bug.says, seed)
            named += last.bug == bug.says
    assert named >= 0.9 * 3 * len(task.bugs)


@each_task
def test_no_right_spelling_is_refused(key):
    for function in SPELLINGS[key]:
        for seed in (0, 1):
            lines = judge(TASKS[key], function, seed)
            off = [line.words for line in lines if not line.holds or line.bug]
            assert not off, (function.__name__, seed, off)


NOT_NAMED = {
    "eq_3_torch": "sums over the whole batch: not in the list",
    "without_beginner": "label != omitted, and omitted is an array: NumPy's error is shown, and no name",
    "best_bias_torch": "biases add up: not in the list",
    "best_bias_without_labels_torch": "argmax along the cases: not in the list",
    "best_bias_without_labels_paper": "mean logits are fitted: not in the list",
}
# Named right, though the numbers differ from those of the mistake where something else is off too: an
# overflow, or an error of NumPy's for several omitted classes.
TWO_MISTAKES = {"softmax_beginner", "without_torch", "without_paper"}


def outcome(function, case):
    """Numbers, or the error."""
    given = [np.array(a) if isinstance(a, np.ndarray) else a for a in case]
    try:
        with np.errstate(all="ignore"):
            return np.asarray(function(*given), dtype=float)
    except Exception as error:
        return type(error), str(error)


def alike(a, b):
    if isinstance(a, tuple) or isinstance(b, tuple):
        return isinstance(a, tuple) and isinstance(b, tuple) and a == b
    if a.shape != b.shape:
        return False
    finite = np.isfinite(b)
    return np.array_equal(np.isfinite(a), finite) and np.allclose(
        a[finite], b[finite], 1e-6, 1e-12
    )


def named_right(task, function, says):
    """Whether the mistake that was named is the one that was made: the same numbers in new cases too."""
    wrong = next(bug.wrong for bug in task.bugs if bug.says == says)
    cases = [case for seed in (10, 11) for case in task.cases(np.random.default_rng(seed))]
    return all(alike(outcome(function, case), outcome(wrong, case)) for case in cases)


def recognised(task, function):
    lines = [judge(task, function, seed)[-1] for seed in range(3)]
    assert not any(line.holds for line in lines)
    if all("changes its argument" in line.words for line in lines):
        return True
    if function.__name__ in TWO_MISTAKES:
        return all(line.bug for line in lines)
    return all(line.bug and named_right(task, function, line.bug) for line in lines)


@each_task
def test_first_attempts_are_refused_and_named(key):
    for wrong, function in ATTEMPTS[key]:
        expected = function.__name__ not in NOT_NAMED
        assert recognised(TASKS[key], function) == expected, (function.__name__, wrong)


def test_nine_of_ten_first_attempts_are_named():
    names = [function.__name__ for attempts in ATTEMPTS.values() for _, function in attempts]
    assert len(set(names)) == len(names) == 3 * len(TASKS)
    assert set(NOT_NAMED) <= set(names)
    assert 1 - len(NOT_NAMED) / len(names) >= 0.9


# ---------------------------------------------------------------- files of every kind

RIGHT = """
import numpy as np

def softmax(z, T):
    {first}
    e = np.exp((z - z.max(axis=-1, keepdims=True)) / T)
    return e / e.sum(axis=-1, keepdims=True)
"""

OFF = {
    "exit": (RIGHT.format(first="import os; os._exit(3)"), "softmax: it ends Python"),
    "segfault": (
        RIGHT.format(first="import ctypes; ctypes.string_at(0)"),
        "softmax: it ends Python",
    ),
    "system exit": (RIGHT.format(first="raise SystemExit"), "softmax: SystemExit"),
    "memory": (RIGHT.format(first="z = np.ones((10**6, 10**6))"), "needs too much memory"),
    "recursion": (RIGHT.format(first="return softmax(z, T)"), "RecursionError"),
    "input changed": (RIGHT.format(first="z -= 1"), "it changes its argument z"),
    "signature": ("def softmax(z):\n    return z", "it takes (z); expected (z, T)"),
    "text": ("def softmax(z, T):\n    return 'q'", "it gives str; expected numbers"),
    "a pair": ("def softmax(z, T):\n    return z, T", "it gives tuple; expected numbers"),
    "no function": ("def soft_max(z, T):\n    return z", "there is no function of this name"),
    "a number": ("softmax = 3", "it is int; expected a function"),
    "not written": ("def softmax(z, T):\n    raise NotImplementedError", "not written yet"),
    "dots": ("def softmax(z, T):\n    ...", "is a return missing?"),
    "dots returned": ("def softmax(z, T):\n    return ...", "not written yet"),
    "pass": ("def softmax(z, T):\n    pass", "is a return missing?"),
    "empty": ("", "there is no function of this name"),
    "syntax": ("import math\ndef softmax(z, T)\n    return z", "line 2"),
    "on import": ("import math\n\nmath.sqrt(-1)\n" + RIGHT, "in line 3"),
    "input": (RIGHT + "\nT = float(input('T? '))", "EOFError"),
    "exit on import": (RIGHT + "\nimport os; os._exit(0)", "the file ends Python"),
}


def seconds_of_children():
    resource = pytest.importorskip("resource")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("kind", OFF)
def test_one_line_says_what_is_off_with_a_file(tmp_path, capfd, kind):
    text, expected = OFF[kind]
    path = tmp_path / "01_softmax.py"
    path.write_text(text, encoding="utf-8")
    before = seconds_of_children()
    lines = check_file(path)
    assert seconds_of_children() - before < 5
    off = [line.words for line in lines if not line.holds]
    assert len(off) == 1
    assert lines[-1].words == off[0]
    assert expected in off[0]
    assert "\n" not in off[0]
    assert capfd.readouterr() == ("", "")


def test_what_a_file_prints_is_not_shown(tmp_path, capfd):
    first = "import os, sys; print(z); print(z, file=sys.stderr); os.write(1, b'and more')"
    path = tmp_path / "softmax.py"
    path.write_text(RIGHT.format(first=first) + "\nprint('hello')", encoding="utf-8")
    assert solved(check_file(path))
    assert capfd.readouterr() == ("", "")


def test_a_notebook(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": ["# softmax, (not code"]},
        {
            "cell_type": "code",
            "source": ["%matplotlib inline\n", "!ls\n", "import numpy as np"],
        },
        {"cell_type": "code", "source": RIGHT.format(first="pass")},
    ]
    path = tmp_path / "01_softmax.ipynb"
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    assert solved(check_file(path))


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"cells": 1}', '{"cells": [{}]}', '{"cells": [{"cell_type": "code"}]}',
     '{"cells": [{"cell_type": "code", "source": 1}]}', "[" * 100_000],
    ids=lambda content: content[:45] or "empty",
)  # fmt: skip
def test_a_damaged_notebook(tmp_path, content):
    path = tmp_path / "01_softmax.ipynb"
    path.write_text(content, encoding="utf-8")
    (line,) = check_file(path)
    assert not line.holds
    assert "it is no whole notebook: " in line.words
    assert "save it again as .ipynb" in line.words


def test_an_endless_loop_hides_no_other_function(tmp_path):
    path = tmp_path / "05_linear.py"
    path.write_text(
        "def grad_inputs(dz, x, W):\n    while True:\n        pass\n"
        "def grad_weights(dz, x, W):\n    return x.T @ dz\n"
        "def grad_bias(dz, x, W):\n    return dz\n",
        encoding="utf-8",
    )
    lines = judged(EXERCISES["linear"], functools.partial(functions_of, path), seconds=1)
    assert lines[0].words.startswith("grad_inputs: it does not come to an end within 1 s")
    assert [line.holds for line in lines] == [False, True, True, False]
    assert lines[-1].bug.startswith("The sum over the batch is missing")
