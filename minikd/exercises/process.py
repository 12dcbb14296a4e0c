"""Learners' code in a process of its own, with limits: it may loop, crash or fill the memory."""

from __future__ import annotations

import multiprocessing
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from minikd.exercises.exercise import Exercise, Line, TooLong, judge

# Seconds that a function may take for all of its cases, and bytes that the process may address.
SECONDS = 10.0
MEMORY = 4 * 2**30
ENDLESS = "does not come to an end within {:.0f} s: is there an endless loop?"


def functions_of(path: Path) -> dict[str, Any]:
    """What a learner's file defines; a notebook's cells of code in order, without magics."""
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".ipynb":
        text = "\n\n".join(_cells(text))
        text = re.sub(r"^[%!].*$", "", text, flags=re.MULTILINE)
    names: dict[str, Any] = {"__name__": "__exercise__", "__file__": str(path)}
    sys.path.insert(0, str(path.parent))
    exec(compile(text, str(path), "exec", dont_inherit=True), names)
    return names


def _cells(text: str) -> list[str]:
    """The code in a notebook."""
    import json

    try:
        cells = json.loads(text)["cells"]
        return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        of_json = isinstance(error, ValueError)
        why = error if of_json else "it has no list of cells with their source"
        raise ValueError(
            f"it is no whole notebook: {why}; save it again as .ipynb, or give a .py"
        ) from error


def judged(
    exercise: Exercise,
    load: Callable[[], Mapping[str, Any]],
    seed: int = 0,
    forked: bool = False,
    seconds: float = SECONDS,
) -> list[Line]:
    """Judge all functions of an exercise in a process of its own.

    Parameters
    ----------
    exercise : Exercise
    load : callable
        Gives the learner's functions by name, in the process. To be sent to it, it must be a
        function of a module, or a partial of one, unless ``forked``.
    seed : int
    forked : bool
        Make the process by fork, so that it has all that is defined here.
    seconds : float
        How long one function may compute for all of its cases.

    Returns
    -------
    list of Line
    """
    lines: list[Line] = []
    skip: set[str] = set()
    context: Any = multiprocessing.get_context("fork" if forked else "spawn")
    while True:
        todo = [task.name for task in exercise.tasks if task.name not in skip]
        here, there = context.Pipe(duplex=False)
        with open(os.devnull, "wb") as said:
            process = context.Process(
                target=_work,
                args=(there, exercise.name, todo, load, seed, seconds),
                daemon=True,
            )
            before = _own_output(said)
            try:
                process.start()
            finally:
                _restore(before)
            there.close()
            doing, ended = _follow(here, lines, skip, seconds)
            process.join(1 if ended else 0)  # one that has said all ends by itself
            process.kill()
            process.join()
        if doing is None or ended:
            return lines
        skip.add(doing)  # the others are judged in another process


def _follow(
    pipe: Any, lines: list[Line], done: set[str], seconds: float
) -> tuple[str | None, bool]:
    """Take lines as they come: the function that was being judged, and whether nothing is left."""
    doing: str | None = None
    # Where the process cannot count its own time, or computes in one long call; a busy machine is slow.
    limit = 30 + 6 * seconds
    while True:
        try:
            if not pipe.poll(limit):
                what = f"{doing}: it" if doing else "the file"
                lines.append(Line(False, f"{what} {ENDLESS.format(limit)}"))
                return doing, doing is None
            kind, value = pipe.recv()
        except EOFError:
            what = f"{doing}: it" if doing else "the file"
            lines.append(Line(False, f"{what} ends Python: it crashes, or calls exit"))
            return doing, doing is None
        if kind == "begins":
            doing = value
        elif kind == "lines":
            lines.extend(value)
            done.add(str(doing))
            doing = None
        elif kind == "off":
            lines.append(Line(False, value))
            return None, True
        else:
            return None, True


def _work(pipe: Any, name: str, todo: list[str], load: Any, seed: int, seconds: float) -> None:
    """What the process does."""
    _limit_memory()
    _limit_time(seconds)
    try:
        functions = load()
    except TooLong:
        pipe.send(("off", f"the file {ENDLESS.format(seconds)}"))
        return
    except BaseException as error:  # SystemExit too
        where = _line_of(error)
        said = " ".join(str(error).split()) or "no message"
        pipe.send(("off", f"the file cannot be run: {type(error).__name__} ({said}){where}"))
        return
    from minikd.exercises import EXERCISES

    for task in EXERCISES[name].tasks:
        if task.name in todo:
            pipe.send(("begins", task.name))
            _limit_time(seconds)
            try:
                lines = judge(task, functions.get(task.name), seed)
            except TooLong:
                lines = [Line(False, f"{task.name}: it {ENDLESS.format(seconds)}")]
            _limit_time(0)
            pipe.send(("lines", lines))
    pipe.send(("end", None))


def _addressed() -> int:
    """Bytes that this process addresses already: after a fork, all that the notebook does."""
    try:
        import resource

        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
        return int(pages) * resource.getpagesize()
    except (OSError, ImportError, ValueError):
        return 0


def _line_of(error: BaseException) -> str:
    """Where in the learner's file."""
    if isinstance(error, SyntaxError):
        return ""  # its message has the line
    trace, line = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__") == "__exercise__":
            line = trace.tb_lineno
        trace = trace.tb_next
    return f" in line {line}" if line else ""


def _limit_time(seconds: float) -> None:
    """Raise :class:`TooLong` once this process has computed for so long; 0 takes the limit away."""
    import signal

    if not hasattr(signal, "setitimer"):  # Windows: the other process looks at the clock
        return

    def stop(number: int, frame: Any) -> None:
        raise TooLong

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no limits of this kind
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = MEMORY + _addressed()
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _own_output(file: Any) -> list[tuple[int, int]]:
    """Let a process that is started now print into a file; what it prints would hide the lines."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [(number, os.dup(number)) for number in (1, 2)]
    for number, _ in kept:
        os.dup2(file.fileno(), number)
    return kept


def _restore(kept: list[tuple[int, int]]) -> None:
    for number, copy in kept:
        os.dup2(copy, number)
        os.close(copy)
