"""Thousands of bad calls: each is an error of minikd's own, in one line that names the argument.

:mod:`valid_calls` has one valid call of every public function. Here one argument after the other is
replaced by what it cannot be: another type, shape, range or container. What is taken all the same is
listed there, so that nothing is taken by accident.
"""

from __future__ import annotations

import re
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from valid_calls import CALLS, NOT_CALLED, Call, is_covered, public_names

import minikd
from minikd import cli
from minikd.plots import plt

PACKAGE = str(Path(minikd.__file__).parent)


# ---------------------------------------------------------------- what an argument cannot be


def general() -> dict[str, Any]:
    """Wrong types, wrong ranges, wrong containers, whatever the argument is."""
    return {
        "None": None,
        "text": "3",
        "no text": "",
        "list of text": ["a", "b"],
        "dict": {"a": 1},
        "object": object(),
        "complex": 1j,
        "True": True,
        "bytes": b"3",
        "function": lambda *_: None,
        "class": int,
        "ragged": [[1.0], [2.0, 3.0]],
        "nan": float("nan"),
        "inf": float("inf"),
        "-1": -1,
        "0": 0,
        "0.5": 0.5,
        "1e400": 10**400,
        "-1e5000": -(10**5000),
        "[]": [],
        "[None]": [None],
        "[nan]": [float("nan")],
        "{1}": {1},
        "generator": (i for i in (1, 2)),
        "array(1)": np.array(1),
        "objects": np.array([None, object()]),
        "dates": np.array(["2020-01-01"], "datetime64[D]"),
        "texts": np.array(["a", "b"]),
        "structured": np.zeros(2, [("a", float), ("b", int)]),
        "masked": np.ma.masked_array([1.0, 2.0], [True, False]),
        "complex array": np.array([1j, 2j]),
        "booleans": np.array([[True, False], [False, True]]),
        "4 axes": np.zeros((1, 1, 1, 0)),
    }


def of_array(a: Any) -> dict[str, Any]:
    """The same array with another shape, other values in it, or of another type."""
    a = np.array(a)
    changed: dict[str, Any] = {
        "extra axis": a[None],
        "no first axis": a[0],
        "a row fewer": a[:-1],
        "a row more": np.concatenate([a, a[:1]]),
        "no rows": a[:0],
        "as complex": a.astype(complex),
        "as objects": a.astype(object),
        "as text": a.astype(str),
        "as bytes": a.astype("S"),
        "as dates": a.astype(int).astype("datetime64[s]"),
        "as masked": np.ma.masked_array(a, np.arange(a.size).reshape(a.shape) == 0),
        "as structured": np.zeros(a.shape, [("a", float)]),
        "rows in a set": {1, 2, 3},
    }
    if a.ndim > 1:
        changed |= {
            "no last axis": a[..., 0],
            "a column fewer": a[..., :-1],
            "a column more": np.concatenate([a, a[..., :1]], -1),
        }
    if a.dtype.kind == "f":
        changed |= {
            f"{name} inside": np.where(np.arange(a.size).reshape(a.shape) == 0, value, a)
            for name, value in (("nan", np.nan), ("inf", np.inf), ("-inf", -np.inf))
        }
    else:
        changed |= {
            "too large": a + 1000,
            "too small": a.astype(int) - 1000,
            "as floats": a + 0.5,
        }
        changed |= {"as whole floats": a.astype(float)}
    return changed


def bad_values(call: Call) -> Iterator[tuple[str, str]]:
    """Every argument of a call with the names of all that it is replaced by."""
    arguments = call.make()
    for name in call.accepts:
        for wrong in general():
            yield name, wrong
        value = arguments[name]
        if isinstance(value, np.ndarray) and value.ndim:
            for wrong in of_array(value):
                yield name, wrong
    yield from ((name, "missing") for name in call.required)
    yield "nonsense", "unknown"


COUNTS = {call.name: sum(1 for _ in bad_values(call)) for call in CALLS}


# ---------------------------------------------------------------- what must happen


@contextmanager
def no_longer_than(seconds: int) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TimeoutError(f"hangs for {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def problem(call: Call, name: str, wrong: str) -> str | None:
    """What is wrong with the answer to a bad call, or None."""
    arguments = call.make()
    if wrong == "missing":
        del arguments[name]
    elif wrong == "unknown":
        arguments[name] = 1
    else:
        values = general()
        if wrong not in values:
            values = of_array(arguments[name])
        arguments[name] = values[wrong]
    python = wrong in ("missing", "unknown")
    accepted = not python and wrong in call.accepts[name]
    try:
        # NaN and infinity pass through layers, as in training, which looks for them.
        state = "ignore" if accepted and wrong.endswith(" inside") else "warn"
        with no_longer_than(5), np.errstate(all=state):
            call.function(**arguments)
    except Exception as error:
        said = f"{type(error).__name__}: {str(error)[:150]}"
        if accepted:
            return f"is listed as accepted, but: {said}"
        if python:
            return None if isinstance(error, TypeError) else said
        return (
            unclear(error, name, call.errors) and f"{unclear(error, name, call.errors)}: {said}"
        )
    finally:
        if plt.get_fignums():
            plt.close("all")
    return None if accepted else "passes by accident"


def unclear(error: Exception, name: str, allowed: tuple[type, ...]) -> str | None:
    """Why an error is not one of minikd's own that names the argument, or None."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    if not isinstance(error, (ValueError, TypeError, *allowed)):
        return "another kind of error"
    if not last.filename.startswith(PACKAGE) or not str(last.line).startswith("raise"):
        return f"not raised by minikd, but in {Path(last.filename).name}:{last.lineno}"
    if "\n" in str(error) or len(str(error)) > 600:
        return "not one line"
    return None if re.search(rf"\b{re.escape(name)}\b", str(error)) else "does not name it"


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_a_bad_call_is_an_error_that_names_the_argument(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINIKD_DATA_DIR", str(tmp_path / "data"))
    call.function(**call.make())
    found = [
        f"{name} = {wrong}: {what}"
        for name, wrong in bad_values(call)
        if (what := problem(call, name, wrong))
    ]
    plt.close("all")
    assert not found, f"{len(found)} of {COUNTS[call.name]}\n" + "\n".join(found)


def test_there_are_thousands_of_bad_calls():
    assert sum(COUNTS.values()) >= 3000


def test_what_is_accepted_is_among_what_is_tried():
    tried = {wrong for call in CALLS for _, wrong in bad_values(call)}
    named = {wrong for call in CALLS for some in call.accepts.values() for wrong in some}
    assert not named - tried


def test_every_public_function_has_a_valid_call():
    missing = [
        name for name in public_names() if not is_covered(name) and name not in NOT_CALLED
    ]
    assert not missing
    assert not [name for name in NOT_CALLED if name not in public_names()]


# ---------------------------------------------------------------- the command

BAD_COMMANDS = [
    line.split("|")
    for line in (
        "", "nothing", "run", "run|nothing", "run|nothing.py", "run|omitted-3|--data|nothing",
        "run|omitted-3|--seeds|0", "run|omitted-3|--seeds|-1", "run|omitted-3|--seeds|1.5",
        "run|omitted-3|--seeds|many", "run|omitted-3|--seeds|", "run|omitted-3|--workers|0",
        "run|omitted-3|--workers|x", "run|omitted-3|--threads|0", "run|omitted-3|--threads|x",
        "run|omitted-3|--device|tpu", "run|omitted-3|--device|cuda", "run|omitted-3|--nonsense",
        "run|omitted-3|--workers|2|--cluster|tcp://127.0.0.1:1", "run|--seeds|1",
        "run|omitted-3|--out", "run|omitted-3|--out|/dev/null/x", "data", "data|nothing",
        "data|glyphs", "data|mnist|--nonsense", "list|nothing", "report|--results|nowhere",
        "report|--root", "report|nothing", "temperature|--out|/dev/null/x", "temperature|nothing",
        "explore|nothing", "explore|--out", "explore|--no-browser|--out|/dev/null/x", "explore|--nonsense",
    )
]  # fmt: skip


@pytest.mark.parametrize("argv", BAD_COMMANDS, ids=" ".join)
def test_a_bad_command_says_one_line(argv, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    argv = [] if argv == [""] else argv
    try:
        code = cli.main(argv)
    except SystemExit as stopped:
        code = stopped.code
    said = capsys.readouterr()
    assert code == 2
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("minikd")
