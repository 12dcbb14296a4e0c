"""Runs an experiment for many seeds, and keeps what it makes, so that it can be stopped."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any

from minikd.backend import array_module
from minikd.checkpoint import load_checkpoint, save_checkpoint, write_atomically
from minikd.data import Dataset, Digits, load_glyphs, load_mnist
from minikd.evaluate import logits_over_views
from minikd.experiments.record import digest, environment, write_record
from minikd.mlp import MLP
from minikd.objectives import Objective, hard_targets
from minikd.train import Recipe, train

# Run number `seed` gives these seeds to its parts: 4 · seed + 1, …, 4 · seed + 4.
TEACHER, STUDENT, HARD, SPLIT = range(1, 5)


def part_seed(seed: int, part: int) -> int:
    """The seed of a part of a run, such as ``TEACHER``.

    Networks of one part start alike, so that they differ in what they are taught alone; those of
    different parts do not.
    """
    return 4 * seed + part


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

    def network(self, sizes: Sequence[int], part: int, gain: float = 1.0) -> MLP:
        """A fresh network for a part of this run, such as ``STUDENT``."""
        return MLP(sizes, rng=part_seed(self.seed, part), gain=gain, device=self.device)

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

    def teacher(self, config: Any, digits: Digits) -> tuple[MLP, Callable[[str], Any]]:
        """The teacher of a run, and its logits averaged over moves of the image.

        Both serve every experiment that would make the same ones.

        Returns
        -------
        teacher : MLP
        over_views : callable
            ``over_views("train")`` and ``over_views("test")`` give (n, classes).
        """
        train = digits.train
        sizes = [train.x.shape[1], *config.teacher_hidden, int(train.y.max()) + 1]
        net = self.network(sizes, TEACHER)
        which = (config.data, config.teacher_hidden, config.teacher)
        self.train("teacher", which, net, train, hard_targets(), config.teacher)

        def over_views(part: str) -> Any:
            return self.array(
                f"logits-{part}", (*which, config.view_pixels),
                lambda title: logits_over_views(
                    net, getattr(digits, part), config.view_pixels, progress=title
                ),
            )  # fmt: skip

        return net, over_views

    def write_part(self, config: Any, part: dict[str, Any]) -> dict[str, Any]:
        """Keep what the seed found."""
        path = self.path(f"{config.name}.{config.data}", config, "json")
        write_atomically(path, json.dumps(part).encode())
        return part

    def read_part(self, config: Any) -> dict[str, Any] | None:
        """What the seed found, if it was finished before and the file is whole."""
        try:
            path = self.path(f"{config.name}.{config.data}", config, "json")
            part = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return part if isinstance(part, dict) else None


def run_seeds(
    config: Any,
    one_seed: Callable[[Any, Digits, Kept], dict[str, Any]],
    seeds: Sequence[int],
    out: str | PathLike[str],
    device: str,
    progress: bool,
    curves: Mapping[str, Any],
) -> dict[str, Any]:
    """Run an experiment once for each seed, and write its record.

    Each seed is finished and kept before the next begins, and each training run is resumed
    where it was stopped: a run that is killed and called again gives the record it would have
    given. A teacher with the same settings is trained once and kept for other experiments.
    What was kept by other versions, on another device or with another number of threads is
    made again.

    Parameters
    ----------
    config : dataclass
        Settings, with a ``name`` and the ``data`` it is of.
    one_seed : callable
        ``one_seed(config, digits, kept)`` gives the ``seconds``, ``metrics`` and ``curves`` of
        ``kept.seed``.
    seeds : sequence of int
    out : path
        The record goes to ``out/NAME.DATA.json``, what is kept to resume to ``out/.kept``.
    device : {"cpu", "cuda"}
    progress : bool
        Progress bars on stderr.
    curves : mapping
        What all seeds share, such as the grid of a sweep.

    Returns
    -------
    dict
        The record, as it was written.

    Raises
    ------
    ValueError
        If there is no seed, or the device is not there.
    PermissionError
        If ``out`` cannot be written to.
    """
    out, seeds = Path(out), list(seeds)
    if not seeds:
        raise ValueError("seeds is empty; expected at least one")
    made_with = environment(array_module(device))
    # Now, not after an hour, if the folder cannot be written.
    (out / ".kept").mkdir(parents=True, exist_ok=True)
    if not os.access(out / ".kept", os.W_OK):
        raise PermissionError(f"{out} cannot be written to; choose another folder")
    digits: Digits | None = None
    parts = []
    for seed in seeds:
        kept = Kept(out / ".kept", seed, made_with, device, progress)
        part = kept.read_part(config)
        if part is None:
            digits = digits or {"glyphs": load_glyphs, "mnist": load_mnist}[config.data]()
            part = kept.write_part(config, one_seed(config, digits, kept))
        parts.append(part)
    record = {
        "name": config.name,
        "data": config.data,
        "config": asdict(config),
        "seeds": seeds,
        **made_with,
        "seconds": [part["seconds"] for part in parts],
        "metrics": {m: [part["metrics"][m] for part in parts] for m in parts[0]["metrics"]},
        "curves": {
            **curves,
            **{c: [part["curves"][c] for part in parts] for c in parts[0]["curves"]},
        },
    }
    return write_record(out / f"{config.name}.{config.data}.json", record)
