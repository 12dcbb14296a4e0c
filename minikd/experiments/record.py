"""Records: what a run found, on what, with what. Figures and reports are made of them alone."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import scipy

import minikd
from minikd.backend import device_name
from minikd.checkpoint import load_checkpoint, save_checkpoint, write_atomically
from minikd.data.dataset import Dataset
from minikd.mlp import MLP
from minikd.objectives import Objective
from minikd.train import Recipe, train


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
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
    if xp is not np:
        versions["cupy"] = xp.__version__
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = cpus or 1
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        asked = os.environ.get(name, "").partition(",")[0].strip()
        if asked.isdigit() and int(asked) > 0:
            threads = min(int(asked), cpus or 1)
    return {"device": device_name(xp), "versions": versions, "threads": threads}


class Kept:
    """What one seed of a run has made so far, in files, so that it can be stopped at any time.

    Parameters
    ----------
    folder : Path
    seed : int
    made_with : dict
        From :func:`environment`; files of another environment are left alone.
    device : {"cpu", "cuda"}
    progress : bool

    Attributes
    ----------
    seconds : float
        Spent on everything that was asked for, in this process or in those before it.
    """

    def __init__(
        self, folder: Path, seed: int, made_with: dict[str, Any], device: str, progress: bool
    ) -> None:
        self.folder, self.seed, self.device = folder, seed, device
        self.made_with, self.progress, self.seconds = made_with, progress, 0.0

    def path(self, stem: str, which: Any, ending: str) -> Path:
        """The file of something that the settings ``which`` make."""
        return self.folder / f"{stem}.{digest(which, self.seed, self.made_with)}.{ending}"

    def title(self, what: str) -> str | None:
        """The title of a progress bar, or None for no bar."""
        return f"{what}, seed {self.seed}" if self.progress else None

    def train(
        self,
        what: str,
        which: Any,
        net: MLP,
        data: Dataset,
        objective: Objective,
        recipe: Recipe,
    ) -> None:
        """Train a network, going on from its checkpoint if there is one."""
        history = train(
            net, data, objective, recipe, rng=self.seed,
            checkpoint=self.path(what, which, "npz"), progress=self.title(what),
        )  # fmt: skip
        self.seconds += history.seconds

    def array(self, what: str, which: Any, make: Callable[[str | None], Any]) -> Any:
        """An array that takes long to make: read if it was kept, else made and kept."""
        path = self.path(what, which, "npz")
        if not path.exists():
            start = time.monotonic()
            made = {"array": make(self.title(what))}
            save_checkpoint(path, made, {"seconds": time.monotonic() - start})
        arrays, meta = load_checkpoint(path)
        self.seconds += meta["seconds"]
        return arrays["array"]

    def write_part(self, config: Any, part: dict[str, Any]) -> dict[str, Any]:
        """Keep what the seed found."""
        path = self.path(f"{config.name}.{config.data}", config, "json")
        write_atomically(path, json.dumps(part).encode())
        return part

    def read_part(self, config: Any) -> dict[str, Any] | None:
        """What the seed found, if it was finished before and the file is whole."""
        try:
            text = self.path(f"{config.name}.{config.data}", config, "json").read_text()
            return json.loads(text)  # type: ignore[no-any-return]
        except (FileNotFoundError, ValueError):
            return None


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
        record: dict[str, Any] = json.loads(Path(path).read_text())
        missing = {"name", "data", "config", "seeds", "metrics"} - set(record)
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
