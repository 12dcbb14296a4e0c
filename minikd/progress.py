"""Progress of long work: a bar in a terminal or notebook, otherwise a line now and then."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

# Seconds between two lines, where there is no bar.
SILENCE = 15.0
# With a longer time between two works, the second begins the silence anew.
PAUSE = 5.0

THREAD = "minikd progress"


def with_progress(start: int, stop: int, title: str | None, unit: str) -> Iterator[int]:
    """``range(start, stop)``, shown on stderr unless there is no title."""
    with progress_of(start, stop, title, unit) as step:
        for i in range(start, stop):
            yield i
            step()


@contextmanager
def progress_of(
    start: int, stop: int, title: str | None, unit: str, each: bool = False
) -> Iterator[Callable[[], object]]:
    """Show on stderr how much of some work is done.

    Parameters
    ----------
    start, stop : int
        How much was done before, and how much there is in all.
    title : str or None
        None shows nothing.
    unit : str
        What is counted.
    each : bool
        Where there is no bar, print a line for every unit; otherwise only when nothing has been
        printed for a while: short work is silent.

    Yields
    ------
    callable
        To be called when a unit is done.
    """
    if title is None or start >= stop:
        yield lambda: None
    elif in_notebook() or (sys.stderr is not None and sys.stderr.isatty()):
        if in_notebook() and find_spec("ipywidgets") is None:
            from tqdm import tqdm  # a bar of text
        else:
            from tqdm.auto import tqdm

        with tqdm(desc=title, initial=start, total=stop, unit=unit, leave=False) as bar:
            yield bar.update
    else:
        with _Lines(start, stop, title, unit, each) as lines:
            yield lines.step


def in_notebook() -> bool:
    """Whether this is a notebook, that can show bars and figures."""
    if "ipykernel" not in sys.modules:
        return False
    from IPython import get_ipython

    return "IPKernelApp" in getattr(get_ipython(), "config", {})


class _Lines:
    """Prints lines from a thread of its own, because one step may take very long.

    The silence is measured for the whole process: a hundred short runs print a line now and then.
    """

    _last: float | None = None  # when a line was printed, or work began after a pause
    _ended = 0.0
    _lock = threading.Lock()

    def __init__(self, start: int, stop: int, title: str, unit: str, each: bool) -> None:
        self._start, self._stop, self._done = start, stop, start
        self._title, self._unit, self._each = title, unit, each
        self._over = threading.Event()
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._watch, name=THREAD, daemon=True)

    def __enter__(self) -> _Lines:
        with _Lines._lock:
            if _Lines._last is None or self._began - _Lines._ended > PAUSE:
                _Lines._last = self._began
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()
        _Lines._ended = time.monotonic()

    def step(self) -> None:
        """Count one more."""
        self._done += 1
        if self._each:
            with _Lines._lock:
                self._print()

    def _watch(self) -> None:
        while not self._over.wait(self._silent_for_another()):
            with _Lines._lock:
                if self._silent_for_another() <= 0:
                    self._print()

    def _silent_for_another(self) -> float:
        return max(0.0, (_Lines._last or 0.0) + SILENCE - time.monotonic())

    def _print(self) -> None:
        _Lines._last = time.monotonic()
        # Which one is being done; with a line for each, how many are.
        now = self._done if self._each else min(self._done + 1, self._stop)
        left = self._left() if self._done < self._stop else ""
        line = f"{self._title}: {self._unit} {now} of {self._stop}{left}"
        print(line, file=sys.stderr, flush=True)

    def _left(self) -> str:
        done = self._done - self._start
        if not done:
            return ""
        seconds = (time.monotonic() - self._began) / done * (self._stop - self._done)
        return f", {_duration(seconds)} left"


def _duration(seconds: float) -> str:
    """Seconds in words, to two digits or three.

    Examples
    --------
    >>> [_duration(s) for s in (17.6, 150, 9000)]
    ['18 s', '2.5 min', '2.5 h']
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.1f} min" if minutes < 100 else f"{minutes / 60:.1f} h"
