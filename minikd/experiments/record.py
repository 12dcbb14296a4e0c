"""Records: what a run found, with which data, settings and versions.

Figures and pages are made from records alone.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import platform
from dataclasses import asdict, is_dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import scipy

import minikd
from minikd.backend import device_name
from minikd.checkpoint import write_atomically
from minikd.threads import count_blas_threads

_KEYS = {
    "name", "data", "config", "seeds", "device", "versions", "threads", "seconds", "metrics",
    "curves",
}  # fmt: skip


def digest(*what: Any) -> str:
    """A short name for settings: the same for the same settings, in every process."""
    said = json.dumps([_plain(w) for w in what], sort_keys=True)
    return hashlib.blake2b(said.encode(), digest_size=6).hexdigest()


def _plain(what: Any) -> Any:
    if isinstance(what, (tuple, list)):
        return [_plain(w) for w in what]
    return asdict(what) if is_dataclass(what) and not isinstance(what, type) else what


def environment(xp: Any) -> dict[str, Any]:
    """What a run is made with: device, versions, and the CPU threads its products may use."""
    versions = {
        "python": platform.python_version(),
        "minikd": minikd.__version__,
        "source": _source(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
    if xp is not np:
        versions["cupy"] = xp.__version__
    return {"device": device_name(xp), "versions": versions, "threads": count_blas_threads()}


# Code that computes nothing: figures, pages and the command.
_UNRELATED = {
    "plots.py", "report.py", "tables.py", "cli.py", "__main__.py", "figure.py", "findings.py",
    "unseen_figure.py", "statistics.py", "plain.py", "gradcheck.py", "progress.py",
}  # fmt: skip


def source_hash(package: Path) -> str:
    """A short hash of the code that a run depends on.

    It covers what functions and classes do, whatever file they stand in: docstrings, comments,
    layout, and moving them to another module change nothing. What was kept to be resumed is
    bound to it; a record only says which code made it, and stays valid.
    """
    pieces: list[str] = []
    for path in package.rglob("*.py"):
        if path.name not in _UNRELATED:
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if not isinstance(node, (ast.Import, ast.ImportFrom, ast.If)) and not _is_text(
                    node
                ):
                    pieces.append(ast.dump(_without_docstrings(node)))
    said = "\n".join(sorted(pieces))
    return hashlib.blake2b(said.encode(), digest_size=6).hexdigest()


def _without_docstrings(tree: ast.AST) -> ast.AST:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [b for b in body if not _is_text(b)]
            node.body = kept or [ast.Pass()]  # type: ignore[attr-defined]
    return tree


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


@functools.cache
def _source() -> str:
    return source_hash(Path(minikd.__file__).parent)


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


def full_run(name: str, data: str = "mnist") -> dict[str, Any]:
    """The record of a full run that comes with minikd, in the folder ``results/``.

    Parameters
    ----------
    name : str
        Of the experiment, such as ``omitted-3``.
    data : {"mnist", "speech"}

    Raises
    ------
    FileNotFoundError
        If there is none, or minikd was installed without its repository.
    """
    path = Path(minikd.__file__).parents[1] / "results" / f"{name}.{data}.json"
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is not there; install minikd from its repository with pip install -e, or "
            f"make the record: minikd run {name} --data {data}"
        )
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
        record: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        missing = _KEYS - set(record)
        if missing:
            raise ValueError(f"it has no {', '.join(sorted(missing))}")
        if not all(
            len(values) == len(record["seeds"]) for values in record["metrics"].values()
        ):
            raise ValueError("its metrics have not one value per seed")
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is no record of a run ({error}); run the experiment again"
        ) from error
    return record
