"""What makes two training runs the same, and how a run resumes from a checkpoint."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from minikd.backend import Array, to_host
from minikd.checkpoint import load_checkpoint, save_checkpoint
from minikd.mixture import Mixture
from minikd.mlp import MLP
from minikd.objectives import Objective

if TYPE_CHECKING:
    from minikd.data.dataset import Dataset
    from minikd.train import Recipe


@dataclass
class History:
    """What a training run leaves besides the network.

    Attributes
    ----------
    costs : list of list of float
        For each epoch and each member, the mean over the cases of what the objective records: its
        cost; for soft targets T² KL(p ‖ q), in nats, times their weight, plus the hard term. Measured
        during training, so with dropout.
    observed : list
        For each epoch, what ``observe`` returned.
    seconds : float
        Of the whole run, all its parts added if it was stopped and resumed.
    """

    costs: list[list[float]] = field(default_factory=list)
    observed: list[Any] = field(default_factory=list)
    seconds: float = 0.0


# After this time, the state of a run is written for the first time.
FIRST_SECONDS = 1.0


class Checkpoint:
    """The file of a run: what it has learnt so far, to resume from.

    Parameters
    ----------
    path : path or None
        A file, or a folder (a path without an ending) in which each run has a file of its own.
        None keeps nothing.
    run : str
        From :func:`fingerprint`.
    seconds_between : float
        Shortest time between two writes.
    """

    def __init__(
        self, path: str | PathLike[str] | None, run: str, seconds_between: float
    ) -> None:
        self.path = None if path is None else Path(path)
        if self.path is not None and (self.path.is_dir() or self.path.suffix != ".npz"):
            self.path = self.path / f"{run[:12]}.npz"
        self.run, self.seconds_between = run, seconds_between
        self._last_look = time.monotonic()
        # The first write is due at once: what takes long should soon have something to go on from.
        self._next_write = self._last_look + min(seconds_between, FIRST_SECONDS)
        self._unwritten: tuple[dict[str, Any], dict[str, Any]] | None = None

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        """Where Ctrl-C or SIGTERM stops the run, keep the last epoch that it has finished."""
        if kind is not None and issubclass(kind, (KeyboardInterrupt, SystemExit)):
            self._save()

    def read(self, net: MLP | Mixture, velocities: Sequence[Array]) -> History:
        """Restore what was learnt, and return its history: an empty one if there is no file yet.

        Raises
        ------
        ValueError
            If the file belongs to another run, or is damaged.
        """
        if self.path is None or not self.path.exists():
            return History()
        arrays, meta = load_checkpoint(self.path, "checkpoint")
        if "run" not in meta:
            raise ValueError(
                f"checkpoint: {self.path} holds no state of a run, but perhaps a network that you "
                "saved; give another path"
            )
        if meta["run"] != self.run:
            raise ValueError(
                f"checkpoint: {self.path} belongs to another run (other data, network, objective or recipe); "
                "delete it, give another path, or give a folder: each run then has its own file"
            )
        # Before any of them is restored.
        for i, p in enumerate(net.parameters):
            for name in (f"p{i}", f"u{i}"):
                kept = arrays.get(name)
                if kept is None or (kept.shape, kept.dtype) != (p.shape, p.dtype):
                    raise ValueError(
                        f"checkpoint: {self.path} is damaged (it holds no {name} of shape {p.shape} and "
                        f"dtype {p.dtype}); delete it and run again"
                    )
        for i, (p, u) in enumerate(zip(net.parameters, velocities, strict=True)):
            p[...] = net.xp.asarray(arrays[f"p{i}"])
            u[...] = net.xp.asarray(arrays[f"u{i}"])
        return History(meta["costs"], meta["observed"], meta["seconds"])

    def write(
        self, net: MLP | Mixture, velocities: Sequence[Array], history: History, last: bool
    ) -> None:
        """Add up the time, and write the file if a write is due or this is the last epoch."""
        now = time.monotonic()
        history.seconds, self._last_look = history.seconds + now - self._last_look, now
        if self.path is None:
            return
        # Copies: the next epoch goes on in the same memory, and may be stopped.
        arrays = {f"p{i}": to_host(p).copy() for i, p in enumerate(net.parameters)}
        arrays |= {f"u{i}": to_host(u).copy() for i, u in enumerate(velocities)}
        said = {
            "costs": [*history.costs],
            "observed": [*history.observed],
            "seconds": history.seconds,
        }
        self._unwritten = arrays, {"run": self.run, **said}
        if last or now > self._next_write:
            self._save()
            self._next_write = now + self.seconds_between

    def _save(self) -> None:
        if self.path is not None and self._unwritten is not None:
            save_checkpoint(self.path, *self._unwritten)
            self._unwritten = None


def known(
    checkpoint: str | PathLike[str] | None, objective: Objective
) -> str | PathLike[str] | None:
    """The checkpoint; None, with a warning, if nothing tells the objective from another."""
    if checkpoint is not None and objective.settings is None:
        warnings.warn(
            f"the objective {objective.name!r} does not say its settings, so a checkpoint could "
            "belong to another one: nothing is kept or resumed; pass Objective(settings={...})",
            stacklevel=3,
        )
        return None
    return checkpoint


def fingerprint(
    net: MLP | Mixture, data: Dataset, objective: Objective, recipe: Recipe, *more: Any
) -> str:
    """What makes two runs the same, in one string.

    The initial weights, the data, the objective with its settings, the recipe, and anything else
    that decides what is learnt, as plain values.
    """
    import hashlib
    import json

    digest = hashlib.blake2b(digest_size=16)
    said = [
        net.sizes, net.seeds, str(net.parameters[0].dtype), objective.name, objective.settings,
        asdict(recipe), *more,
    ]  # fmt: skip
    digest.update(json.dumps(said, default=_plain, sort_keys=True).encode())
    for array in (*net.parameters, data.x, data.y, data.v):
        if array is not None:
            digest.update(np.ascontiguousarray(to_host(array)).data)
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    """What JSON does not know, in values that it does."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    raise ValueError(
        f"the settings of an objective hold {value!r}; expected numbers, text, arrays, paths, or "
        "lists, sets and mappings of them"
    )
