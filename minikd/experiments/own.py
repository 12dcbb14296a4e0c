"""A room of one's own: an experiment in a file outside of minikd."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from os import PathLike
from pathlib import Path

from minikd import values
from minikd.experiments.experiment import Experiment


def room(path: str | PathLike[str]) -> Experiment:
    """The ``EXPERIMENT`` that a Python file declares, for the command.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be run, or declares none.
    """
    path = values.there("path", path, "a file that declares EXPERIMENT").resolve()
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"path: {path} is no Python file; expected FILE.py")
    module = importlib.util.module_from_spec(spec)
    # As with ``python FILE.py``, it may import what lies beside it.
    beside = str(path.parent)
    is_new = beside not in sys.path
    if is_new:
        sys.path.insert(0, beside)
    # Under its name, so that what it defines can be sent to other processes.
    before = sys.modules.get(path.stem)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        if is_new:
            sys.path.remove(beside)
        sys.modules.pop(path.stem)
        if before is not None:
            sys.modules[path.stem] = before
        if not isinstance(error, Exception):
            raise
        raise ValueError(f"path: {path} cannot be run: {_why(error, path)}") from error
    experiment = getattr(module, "EXPERIMENT", None)
    if not isinstance(experiment, Experiment):
        raise ValueError(f"{path} declares no EXPERIMENT = minikd.experiments.Experiment(...)")
    return experiment


def _why(error: Exception, path: Path) -> str:
    """What went wrong in a file, and in which of its lines."""
    line: int | str | None = None
    if isinstance(error, SyntaxError):
        said, line = error.msg, error.lineno
        if line and error.filename != str(path):  # in a file that it imports
            line = f"{line} of {error.filename}"
    else:
        said = " ".join(str(error).split()) or "no message"
        for frame in traceback.extract_tb(error.__traceback__):
            line = frame.lineno if frame.filename == str(path) else line
    return f"{type(error).__name__} ({said})" + (f" in line {line}" if line else "")
