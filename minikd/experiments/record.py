"""Records: what a run found, with which data, settings and versions.

Figures and pages are made from records alone.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import marshal
import math
import pickle
import platform
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from os import PathLike
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import scipy

import minikd
from minikd import values
from minikd.backend import device_name
from minikd.checkpoint import write_atomically
from minikd.shipped import folder
from minikd.threads import count_blas_threads

_KEYS = {
    "name", "data", "config", "seeds", "device", "versions", "threads", "seconds", "metrics",
    "curves", "sha256",
}  # fmt: skip


def digest(*what: Any) -> str:
    """A short name for settings: the same for the same settings, in every process."""
    said = json.dumps([_plain(w) for w in what], sort_keys=True, default=values.for_json)
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


def differences(a: dict[str, Any], b: dict[str, Any]) -> str:
    """In words, how one :func:`environment` differs from another."""
    a, b = a | a["versions"], b | b["versions"]
    keys = [k for k in {**a, **b} if k != "versions" and a.get(k) != b.get(k)]
    return ", ".join(f"{k} {a.get(k)} and another {b.get(k)}" for k in keys)


# Code that no run depends on: pages, the command, and what is read or checked beside the engine;
# with the folders browser/ and exercises/.
_UNRELATED = {
    "plots.py", "temperature.py", "diagram.py", "report.py", "tables.py", "cli.py", "cli_parts.py",
    "__main__.py", "plain.py",
    "gradcheck.py", "gpu_check.py", "progress.py", "logits.py", "shipped.py", "claims.py",
    "course.py", "bundle.py",
}  # fmt: skip


def source_hash(files: Iterable[Path]) -> str:
    """A short hash of the code that a run depends on.

    It covers what functions and classes do, whatever file they stand in: docstrings, comments,
    layout, and moving them to another module change nothing. Nor do figures and findings, which
    are made from a ``record``. What was kept to be resumed is bound to it; a record only says
    which code made it, and stays valid.
    """
    pieces: set[str] = set()
    for path in files:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                pieces |= {f"{a.name} as {a.asname}" for a in node.names if a.asname}
            elif not (isinstance(node, ast.If) or _is_text(node) or _only_says(node)):
                pieces.add(ast.dump(_without_docstrings(node)))
    said = "\n".join(sorted(pieces))
    return hashlib.blake2b(said.encode(), digest_size=6).hexdigest()


def own_digest(functions: Sequence[Callable[..., Any] | None], data: Any = None) -> str | None:
    """A short hash of what a run takes from outside of minikd, or None if there is nothing.

    Parameters
    ----------
    functions : sequence of callable
        Their files count, and what these import from beside them; None and those of minikd do not.
    data
        Anything that can be pickled.
    """
    files: set[Path] = set()
    typed: list[str] = []  # in a session, not in a file
    for function in functions:
        while isinstance(function, functools.partial):
            function = function.func
        if function is None or function.__module__.partition(".")[0] == "minikd":
            continue
        file = getattr(sys.modules.get(function.__module__), "__file__", None)
        if file is not None:
            _add_imported(Path(file), files)
        elif hasattr(function, "__code__"):
            typed.append(repr(marshal.dumps(function.__code__)))
    if not files and not typed:
        return None
    hashed = hashlib.blake2b(digest_size=6)
    pickle.Pickler(SimpleNamespace(write=hashed.update), protocol=5).dump(data)
    return digest(source_hash(files), typed, hashed.hexdigest())


def _add_imported(file: Path, files: set[Path]) -> None:
    """Add a file, and those beside it that it imports, to a set."""
    if file in files or not file.is_file():
        return
    files.add(file)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom):
            names = [node.module] if node.module else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            beside = file.parent.joinpath(*name.split("."))
            _add_imported(beside.with_suffix(".py"), files)
            for inside in sorted(beside.rglob("*.py")):
                _add_imported(inside, files)


def _only_says(node: ast.AST) -> bool:
    """Whether code tells what a record says: it is no part of what made the record."""
    if isinstance(node, ast.FunctionDef):
        return any(argument.arg == "record" for argument in node.args.args)
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "METRICS"


def _without_docstrings(tree: ast.AST) -> ast.AST:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [b for b in body if not _is_text(b)]
            node.body = kept or [ast.Pass()]  # type: ignore[attr-defined]
    return tree


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _package() -> Iterator[Path]:
    package = Path(minikd.__file__).parent
    return (
        path for path in package.rglob("*.py")
        if path.name not in _UNRELATED and not {"browser", "exercises"} & set(path.parts[len(package.parts):])
    )  # fmt: skip


@functools.cache
def _source() -> str:
    return source_hash(_package())


# Code that decides what a network learns from given digits, by a given recipe.
_ENGINE = tuple(
    f"/minikd/{name}.py" for name in (
        "arrays", "backend", "checks", "equations", "evaluate", "fast", "kernels", "labels", "layers",
        "mixture", "mlp", "objectives", "optim", "probabilities", "sampling", "step", "train",
        "data/augment", "data/dataset", "data/glyphs", "data/idx", "data/mnist",
        "experiments/kept", "experiments/protocols",
    )
)  # fmt: skip


@functools.cache
def engine() -> str:
    """A short hash of the code that a network's training depends on, and of no more.

    So a change in the room of an experiment, in a page or in a message costs none of the teachers
    and students that were kept.
    """
    return source_hash(path for path in _package() if path.as_posix().endswith(_ENGINE))


def checksum(found: Any) -> str:
    """Of what JSON holds: a bit that flips on the disk must not become a finding."""
    plain = json.loads(json.dumps(found, default=values.for_json))
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def write_record(path: str | PathLike[str], record: dict[str, Any]) -> dict[str, Any]:
    """Write a record as JSON, atomically, one metric or curve a line; returns it as read."""
    lines = []
    for key, value in {**record, "sha256": checksum(record)}.items():
        if key in ("metrics", "curves", "config"):
            inner = ",\n".join(
                f"    {json.dumps(k)}: {json.dumps(v, default=values.for_json)}"
                for k, v in value.items()
            )
            lines.append(f"  {json.dumps(key)}: {{\n{inner}\n  }}")
        else:
            said = json.dumps(value, default=values.for_json)
            lines.append(f"  {json.dumps(key)}: {said}")
    write_atomically(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode())
    return read_record(path)


def full_run(name: str, data: str = "mnist") -> dict[str, Any]:
    """The record of a full run that comes with minikd.

    Parameters
    ----------
    name : str
        Of the experiment, such as ``omitted-3``.
    data : {"mnist", "emnist", "speech"}

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    values.text("name", name, "the name of an experiment")
    values.text("data", data, "the name of a data set")
    path = folder("results") / f"{name}.{data}.json"
    if not path.exists():
        raise FileNotFoundError(
            f"name is {name!r} and data {data!r}: {path} is not there; make the record: minikd run "
            f"{name} --data {data} --out {path.parent}"
        )
    return read_record(path)


@contextmanager
def complete(record: Any, known: Iterable[str]) -> Iterator[None]:
    """While inside, what a record lacks is an error that says so.

    Raises
    ------
    ValueError
        If it is no record, is of no known experiment, or lacks what is asked of it.
    """
    values.mapping("record", record, ("name", "data"), "a record, from read_record")
    said = f"record {record['name']}.{record['data']}"
    if record["name"] not in known:
        raise ValueError(f"{said} is of no known experiment; expected {', '.join(known)}")
    try:
        with np.errstate(divide="raise", invalid="raise"):
            yield
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{said} is incomplete: there is no {error}; run the experiment again"
        ) from error
    except (ValueError, ArithmeticError) as error:
        why = " ".join(str(error).split())
        raise ValueError(f"{said} cannot be used ({why}); run the experiment again") from error


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"it holds {text}")
    return number


def read_record(path: str | PathLike[str]) -> dict[str, Any]:
    """Read a record.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a record.
    """
    path = values.there("path", path, "the record of a run")
    try:
        text = path.read_text(encoding="utf-8")
        record: dict[str, Any] = json.loads(text, parse_float=_finite, parse_constant=_finite)
        missing = _KEYS - set(record)
        if missing:
            raise ValueError(f"it has no {', '.join(sorted(missing))}")
        if record.pop("sha256") != checksum(record):
            raise ValueError("its checksum is another one: it was changed, or damaged")
        per_seed = [*record["metrics"].values(), record["seconds"]]
        if not record["seeds"] or any(len(each) != len(record["seeds"]) for each in per_seed):
            raise ValueError("its metrics or seconds have not one value per seed")
        for key in ("config", "versions", "curves"):
            values.mapping(key, record[key])
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"path: {path} is no record of a run ({error}); run the experiment again"
        ) from error
    return record
