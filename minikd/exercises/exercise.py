"""What an exercise is, and how an answer to it is judged."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Case = tuple[Any, ...]


class TooLong(BaseException):
    """The learner's code has computed for too long; no ``except Exception`` of theirs catches it."""


@dataclass(frozen=True)
class Line:
    """One line of what the checker says.

    Attributes
    ----------
    holds : bool
    words : str
    bug : str
        The likely mistake by name, if it was recognized.
    """

    holds: bool
    words: str
    bug: str = ""


@dataclass(frozen=True)
class Bug:
    """A mistake that looks right.

    Attributes
    ----------
    says : str
        What is wrong, as a learner is told it.
    wrong : callable
        The function with this mistake.
    """

    says: str
    wrong: Callable[..., Any]


@dataclass(frozen=True)
class Law:
    """Something that must hold of every answer.

    Attributes
    ----------
    words : str
        ``adds up to 1``.
    holds : callable
        ``holds(out, *arguments)``.
    """

    words: str
    holds: Callable[..., Any]


@dataclass(frozen=True)
class Task:
    """A function that the learner writes.

    Attributes
    ----------
    name : str
    right : callable
        A right spelling; its parameters are those that the learner's must have.
    cases : callable
        ``cases(rng)`` gives arguments, from the smallest example to larger ones.
    bugs : tuple of Bug
    laws : tuple of Law
    shapes : str
        Of the result, in words: ``(B, N)``.
    """

    name: str
    right: Callable[..., Any]
    cases: Callable[[np.random.Generator], Iterable[Case]]
    bugs: tuple[Bug, ...] = ()
    laws: tuple[Law, ...] = ()
    shapes: str = "(B, N)"

    def parameters(self) -> list[str]:
        """Names of the parameters, in order."""
        return list(inspect.signature(self.right).parameters)


@dataclass(frozen=True)
class Exercise:
    """A question to be answered by writing functions.

    Attributes
    ----------
    name : str
        ``softmax``; its files are ``NN_softmax.py``.
    number : int
    title : str
    minutes : int
        About how long it takes.
    tasks : tuple of Task
    hints : tuple of str
        From a nudge to nearly the answer.
    """

    name: str
    number: int
    title: str
    minutes: int
    tasks: tuple[Task, ...]
    hints: tuple[str, ...]

    @property
    def stem(self) -> str:
        """The name of its files."""
        return f"{self.number:02}_{self.name}"


def judge(task: Task, answer: Any, seed: int) -> list[Line]:
    """What holds of an answer, and what is off.

    Parameters
    ----------
    task : Task
    answer : callable or None
        The learner's function; None if there is none of its name.
    seed : int
        Other seeds give other numbers.

    Returns
    -------
    list of Line
        The first that does not hold ends it.
    """
    before = _before_it_is_called(task, answer)
    if before is not None:
        return [before]
    cases = list(task.cases(np.random.default_rng([1503, 2531, seed])))
    outs: list[Any] = []
    for case in cases:
        out, off = _called(task, answer, case, cases)
        if off is not None:
            return [off]
        outs.append(out)
    lines = [Line(True, f"{task.name}: can be called, and gives {task.shapes}")]
    for law in task.laws:
        failing = [k for k, out in enumerate(outs) if not np.all(law.holds(out, *cases[k]))]
        if failing:
            return [*lines, _off(task, cases, outs, failing[0], law.words)]
        lines.append(Line(True, f"{task.name}: {law.words}"))
    rights = [np.asarray(task.right(*case), dtype=float) for case in cases]
    wrong = [k for k, out in enumerate(outs) if not close(out, rights[k])]
    if wrong:
        return [*lines, _off(task, cases, outs, wrong[0], "gives the right numbers")]
    lines.append(Line(True, f"{task.name}: gives the right numbers in {len(cases)} cases"))
    return lines


def close(out: Any, right: Any) -> bool:
    """Equal but for rounding, of float32 where the answer is in float32."""
    out = np.asarray(out)
    tolerance, floor = {
        np.dtype(np.float16): (5e-3, 1e-6), np.dtype(np.float32): (2e-4, 1e-9),
    }.get(out.dtype, (1e-7, 1e-14))  # fmt: skip
    out, right = out.astype(float), np.asarray(right, dtype=float)
    if out.shape != right.shape:
        return False
    scale = float(np.abs(right).max(initial=0))
    with np.errstate(invalid="ignore", over="ignore"):
        return bool(
            np.all(np.isfinite(out))
            and np.all(np.abs(out - right) <= tolerance * scale + floor)
        )


def _before_it_is_called(task: Task, answer: Any) -> Line | None:
    """What is off before anything is computed."""
    if answer is None:
        return Line(False, f"{task.name}: there is no function of this name")
    if not callable(answer):
        return Line(False, f"{task.name}: it is {type(answer).__name__}; expected a function")
    try:
        inspect.signature(answer).bind(*task.parameters())
    except TypeError:
        wanted = ", ".join(task.parameters())
        return Line(
            False, f"{task.name}: it takes {inspect.signature(answer)}; expected ({wanted})"
        )
    except ValueError:  # of a builtin, nothing is known
        pass
    return None


def _called(
    task: Task, answer: Any, case: Case, cases: Sequence[Case]
) -> tuple[Any, Line | None]:
    """The answer to a case, or what is off with the call."""
    given = [np.array(a) if isinstance(a, np.ndarray) else a for a in case]
    try:
        with np.errstate(all="ignore"):
            out = answer(*given)
    except TooLong:
        raise
    except NotImplementedError:
        return None, Line(False, f"{task.name}: it is not written yet")
    except MemoryError:
        return None, Line(False, f"{task.name}: it needs too much memory; {shown(task, case)}")
    except BaseException as error:  # whatever a learner's code may raise, SystemExit too
        said = " ".join(str(error).split())[:200] or "no message"
        bug = _likely_to_raise(task, case, error)
        words = f"{task.name}: {type(error).__name__} ({said}) in {shown(task, case)}"
        return None, Line(False, words + (f". {bug}" if bug else ""), bug)
    for name, before, after in zip(task.parameters(), case, given, strict=True):
        if isinstance(before, np.ndarray) and not np.array_equal(before, after, equal_nan=True):
            return None, Line(
                False, f"{task.name}: it changes its argument {name}; work on a copy instead"
            )
    return _as_numbers(task, answer, case, cases, out)


def _as_numbers(
    task: Task, answer: Any, case: Case, cases: Sequence[Case], out: Any
) -> tuple[Any, Line | None]:
    right = np.asarray(task.right(*case))
    if out is None:
        return None, Line(False, f"{task.name}: it gives None; is a return missing?")
    if out is Ellipsis:
        return None, Line(False, f"{task.name}: it is not written yet")
    try:
        array = np.asarray(out)
        ok = array.dtype.kind in "fiub"
    except Exception:  # of an object that pretends to be an array
        ok = False
    if not ok:
        return None, Line(
            False, f"{task.name}: it gives {_kind(out)}; expected numbers of shape "
            f"{task.shapes}"
        )  # fmt: skip
    if array.shape != right.shape:
        bug = _of_another_shape(task, answer, cases)
        words = (
            f"{task.name}: in {shown(task, case)} it gives shape {array.shape}; expected {right.shape}, "
            f"{task.shapes}"
        )
        return None, Line(False, words + (f". {bug}" if bug else ""), bug)
    return array, None


def _kind(out: Any) -> str:
    complex_array = getattr(getattr(out, "dtype", None), "kind", "") == "c"
    return "complex numbers" if complex_array else type(out).__name__


def _of_another_shape(task: Task, answer: Any, cases: Sequence[Case]) -> str:
    """The mistake that gives the same in all cases, up to the first that ends in an error."""
    outs: list[Any] = []
    for case in cases:
        given = [np.array(a) if isinstance(a, np.ndarray) else a for a in case]
        try:
            with np.errstate(all="ignore"):
                outs.append(np.asarray(answer(*given), dtype=float))
        except Exception:
            break
    return _fits(task, cases[: len(outs)], outs)


def _off(task: Task, cases: Sequence[Case], outs: Sequence[Any], k: int, words: str) -> Line:
    """What does not hold, the smallest example of it, and the likely mistake."""
    bug = _likely(task, cases, outs)
    said = (
        f"{task.name}: not true yet: it {words}. {shown(task, cases[k])} gives {numbers(outs[k])}; expected "
        f"{numbers(task.right(*cases[k]))}"
    )
    return Line(False, said + (f". {bug}" if bug else ""), bug)


def _likely(task: Task, cases: Sequence[Case], outs: Sequence[Any]) -> str:
    """The mistake that gives these very numbers in all cases, if one does; "" if none.

    Two mistakes may come together, as an overflow with another one: if no mistake fits all cases, one
    that fits all with finite numbers is named.
    """
    finite = [
        k for k, out in enumerate(outs) if np.all(np.isfinite(np.asarray(out, dtype=float)))
    ]
    for some in (range(len(outs)), finite if 3 <= len(finite) < len(outs) else []):
        named = _fits(task, [cases[k] for k in some], [outs[k] for k in some])
        if named:
            return named
    return ""


def _fits(task: Task, cases: Sequence[Case], outs: Sequence[Any]) -> str:
    """The mistake that gives the same as the learner's function, and not the right numbers."""
    if all(close(out, task.right(*case)) for case, out in zip(cases, outs, strict=True)):
        return ""
    for bug in task.bugs:
        try:
            with np.errstate(all="ignore"):
                same = all(
                    _same(out, bug.wrong(*case)) for case, out in zip(cases, outs, strict=True)
                )
        except Exception:  # a wrong function may fail where the learner's does not
            same = False
        if same:
            return bug.says
    return ""


def _likely_to_raise(task: Task, case: Case, error: BaseException) -> str:
    """The mistake that ends in the very same error."""
    for bug in task.bugs:
        try:
            with np.errstate(all="ignore"):
                bug.wrong(*case)
        except Exception as other:
            if (type(other), str(other)) == (type(error), str(error)):
                return bug.says
    return ""


def _same(out: Any, wrong: Any) -> bool:
    """Equal, and not finite where the other is not."""
    out, wrong = np.asarray(out, dtype=float), np.asarray(wrong, dtype=float)
    if out.shape != wrong.shape:
        return False
    finite = np.isfinite(wrong)
    if not np.array_equal(np.isfinite(out), finite):
        return False
    return close(out[finite], wrong[finite])


def shown(task: Task, case: Case) -> str:
    """A call as one would type it; large arrays by their shape."""
    return f"{task.name}({', '.join(numbers(argument) for argument in case)})"


def numbers(value: Any) -> str:
    """Numbers as one would type them, to four digits; large arrays by their shape."""
    if isinstance(value, Mapping) or callable(value):
        return "…"
    array = np.asarray(value)
    if array.size > 12:
        return f"an array of shape {array.shape}"
    if array.dtype.kind in "iub":
        return str(array.tolist())
    return np.array2string(
        array.astype(float), precision=4, separator=", ", floatmode="maxprec"
    ).replace("\n", "")
