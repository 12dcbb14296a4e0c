"""What a run has made so far, in files, so that it can be stopped; and the seeds of its parts."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from minikd import values
from minikd.checkpoint import load_checkpoint, save_checkpoint, write_atomically
from minikd.data import Dataset, Digits
from minikd.evaluate import logits_over_views
from minikd.experiments.record import checksum, digest, engine
from minikd.mixture import Mixture
from minikd.mlp import MLP
from minikd.objectives import Objective, hard_targets
from minikd.train import Recipe, train

# Run number `seed` gives these seeds to its parts: 4 · seed + 1, …, 4 · seed + 4.
TEACHER, STUDENT, HARD, SPLIT = range(1, 5)


def part_seed(seed: int, part: int) -> int:
    """The seed of a part of a run, such as ``TEACHER``.

    Networks of one part start from the same weights, so that they differ only in what they are
    taught; those of different parts do not.
    """
    return 4 * seed + part


class Kept:
    """What one seed of a run has made so far, in files: the run can be stopped at any time.

    Parameters
    ----------
    folder : Path
    seed : int
    made_with : dict
        From :func:`environment`; files of another environment are left alone.
    device : {"cpu", "cuda"}
    progress : bool
    """

    def __init__(
        self, folder: Path, seed: int, made_with: dict[str, Any], device: str, progress: bool
    ) -> None:
        self.folder, self.seed, self.device = folder, seed, device
        self.made_with, self.progress, self._took = made_with, progress, dict[Path, float]()

    @property
    def seconds(self) -> float:
        """Spent on everything that was asked for, in this process or in those before it."""
        return sum(self._took.values())

    def path(self, stem: str, which: Any, ending: str, lasts: bool = False) -> Path:
        """The file of something that the settings ``which`` make.

        It is bound to all code that a run depends on; what ``lasts``, to that of the engine alone.
        """
        made_with = self.made_with
        if lasts:
            made_with = made_with | {"versions": made_with["versions"] | {"source": engine()}}
        return self.folder / f"{stem}.{digest(which, self.seed, made_with)}.{ending}"

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
        net: MLP | Mixture,
        data: Dataset,
        objective: Objective,
        recipe: Recipe,
        observe: Callable[[Any, int], Any] | None = None,
        lasts: bool = False,
        **options: Any,
    ) -> list[Any]:
        """Train a network, going on from its checkpoint if there is one.

        Parameters and options are those of :func:`minikd.train`; by default its ``rng`` is the
        seed. ``what``, ``which`` and ``lasts`` name the file, as :meth:`path` has it.

        Returns
        -------
        list
            What ``observe`` gave after each epoch.
        """
        path = self.path(what, which, "npz", lasts)
        _read(path)
        history = train(
            net, data, objective, recipe, **{"rng": self.seed, **options},
            checkpoint=path, progress=self.title(what), observe=observe,
        )  # fmt: skip
        self._took[path] = history.seconds
        return history.observed

    def array(
        self,
        what: str,
        which: Any,
        shape: tuple[int, ...],
        make: Callable[[str | None], Any],
        lasts: bool = False,
    ) -> Any:
        """An array of this shape that takes long to make: read if it was kept, else made and kept."""
        path = self.path(what, which, "npz", lasts)
        kept = _read(path, "array", "seconds", shape=shape)
        if kept is None:
            start = time.monotonic()
            made = {"array": make(self.title(what))}
            save_checkpoint(path, made, {"seconds": time.monotonic() - start})
            kept = load_checkpoint(path)
        arrays, meta = kept
        self._took[path] = meta["seconds"]
        return arrays["array"]

    def teacher(
        self, config: Any, digits: Digits, recipe: Recipe
    ) -> tuple[MLP, Callable[[str], Any]]:
        """A teacher, and its logits averaged over moves of the image.

        Every experiment with the same settings shares them.

        Parameters
        ----------
        config : dataclass
            With ``data``, ``teacher_hidden`` and ``view_pixels``.
        digits : Digits
        recipe : Recipe

        Returns
        -------
        teacher : MLP
        over_views : callable
            ``over_views("train")`` and ``over_views("test")`` give (n, classes).
        """
        train = digits.train
        sizes = [train.x.shape[1], *config.teacher_hidden, int(train.y.max()) + 1]
        net = self.network(sizes, TEACHER)
        which = (config.data, config.teacher_hidden, recipe)
        self.train("teacher", which, net, train, hard_targets(), recipe, lasts=True)

        def over_views(part: str) -> Any:
            return self.array(
                f"logits-{part}", (*which, config.view_pixels),
                (len(getattr(digits, part)), sizes[-1]),
                lambda title: logits_over_views(
                    net, getattr(digits, part), config.view_pixels, progress=title
                ),
                lasts=True,
            )  # fmt: skip

        return net, over_views

    def write_part(self, config: Any, cell: Any, part: dict[str, Any]) -> None:
        """Keep what a cell of the seed found."""
        path = self.path(f"{config.name}.{config.data}", (config, cell), "json")
        whole = {"found": part, "sha256": checksum(part)}
        write_atomically(path, json.dumps(whole, default=values.for_json).encode())

    def read_part(self, config: Any, cell: Any) -> dict[str, Any] | None:
        """What a cell of the seed found, if it was finished before and the file is whole."""
        path = self.path(f"{config.name}.{config.data}", (config, cell), "json")
        try:
            whole = json.loads(path.read_text(encoding="utf-8"))
            found = whole["found"]
            if whole["sha256"] == checksum(found) and isinstance(found, dict):
                return found
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, RecursionError):
            pass
        again(path)
        return None


def _read(
    path: Path, *needed: str, shape: tuple[int, ...] | None = None
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """A file that was kept; one that cannot be used is put out of the way, and made again."""
    try:
        seen = path.stat()
        arrays, meta = load_checkpoint(path)
        whole = set(needed) <= {*arrays, *meta}
        if whole and (shape is None or arrays["array"].shape == shape):
            return arrays, meta
    except FileNotFoundError:
        return None
    except ValueError:
        pass
    with contextlib.suppress(FileNotFoundError):
        # Another run into the same folder may have found it too, and made it again.
        now = path.stat()
        if (now.st_mtime_ns, now.st_size) != (seen.st_mtime_ns, seen.st_size):
            return _read(path, *needed, shape=shape)
        again(path)
        path.replace(path.with_name(f"{path.name}.damaged"))
    return None


def again(path: Path) -> None:
    """Say that a file which cannot be used is made again."""
    print(f"minikd: {path} is damaged; what it held is made again", file=sys.stderr)
