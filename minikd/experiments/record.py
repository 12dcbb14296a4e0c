"""Records: what a run found, on what, with what. Figures and reports are made of them alone."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import asdict, is_dataclass
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

from minikd.checkpoint import write_atomically


def digest(*what: Any) -> str:
    """A short name for settings: the same for the same settings, in every process."""
    said = json.dumps([_plain(w) for w in what], sort_keys=True)
    return hashlib.blake2b(said.encode(), digest_size=6).hexdigest()


def _plain(what: Any) -> Any:
    if isinstance(what, (tuple, list)):
        return [_plain(w) for w in what]
    return asdict(what) if is_dataclass(what) and not isinstance(what, type) else what


def environment(xp: Any) -> dict[str, Any]:
    """Versions, and the number of CPU threads that the products may use."""
    names = ["minikd", "numpy", "scipy"]
    versions = {"python": platform.python_version(), **{name: version(name) for name in names}}
    if xp.__name__ == "cupy":
        versions["cupy"] = xp.__version__
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    asked = os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS")
    return {"versions": versions, "threads": int(asked) if asked else cpus}


def write_record(path: str | PathLike[str], record: dict[str, Any]) -> dict[str, Any]:
    """Write a record as JSON, atomically, one metric or curve a line; returns it as read."""
    lines = []
    for key, value in record.items():
        if key in ("metrics", "curves", "config"):
            inner = ",\n".join(
                f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()
            )
            lines.append(f"  {json.dumps(key)}: {{\n{inner}\n  }}")
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    write_atomically(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode())
    return read_record(path)


def read_record(path: str | PathLike[str]) -> dict[str, Any]:
    """Read a record.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a record.
    """
    try:
        record = json.loads(Path(path).read_text())
        if not isinstance(record["metrics"], dict):
            raise TypeError("its metrics are no mapping")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is no record of a run ({error}); run the experiment again"
        ) from error
    return record  # type: ignore[no-any-return]


def write_part(path: Path, part: dict[str, Any]) -> None:
    """Keep what one seed of a run found."""
    write_atomically(path, json.dumps(part).encode())


def read_part(path: Path) -> dict[str, Any] | None:
    """What an earlier, unfinished run kept of a seed; None if nothing usable."""
    try:
        return json.loads(path.read_text())  # type: ignore[no-any-return]
    except (FileNotFoundError, ValueError):
        return None
