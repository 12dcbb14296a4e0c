"""Runs an experiment for many seeds, and keeps what it makes, so that it can be stopped."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from minikd import values
from minikd.backend import array_module
from minikd.data import catalog
from minikd.experiments.kept import Kept, again
from minikd.experiments.record import (
    differences,
    environment,
    own_digest,
    read_record,
    write_record,
)
from minikd.experiments.workers import on_workers, sent_whole, spread
from minikd.folders import check_writable, remove_left_behind
from minikd.threads import blas_threads

if TYPE_CHECKING:
    from distributed import Client


def no_cells(config: Any) -> list[Any]:
    """One cell, the whole seed."""
    return [None]


def first_part(config: Any, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """What the one cell of a seed found."""
    return parts[0]


def seconds(parts: list[dict[str, Any]]) -> float:
    """The time of all cells of a seed; what they share is counted once."""
    own = [part["seconds"] - part["shared_seconds"] for part in parts]
    return round(float(sum(own) + max(part["shared_seconds"] for part in parts)), 1)


@dataclass(frozen=True)
class Job:
    """A cell of a seed: all that a process needs to do it, wherever it is.

    Attributes
    ----------
    config : dataclass
    one_cell : callable
        ``one_cell(config, data, kept, cell)`` gives the ``seconds``, ``metrics`` and
        ``curves`` of a cell of ``kept.seed``.
    seed : int
    cell
        Which one, in plain values: what ``cells(config)`` names it.
    out : str
    made_with : dict
        From :func:`environment`: what all cells of a record are made with.
    device : {"cpu", "cuda"}
    load : callable, optional
        Gives data of the user's own.
    own : str, optional
        A hash of code and data of the user's own; what was kept of others is not used.
    progress : bool
    """

    config: Any
    one_cell: Callable[[Any, Any, Kept, Any], dict[str, Any]]
    seed: int
    cell: Any
    out: str
    made_with: dict[str, Any]
    device: str
    load: Callable[[], Any] | None = None
    own: str | None = None
    progress: bool = False

    def kept(self) -> Kept:
        """What was kept of its seed, in the folder of this machine."""
        folder = Path(self.out) / ".kept"
        made_with = self.made_with | ({"own": self.own} if self.own else {})
        return Kept(folder, self.seed, made_with, self.device, self.progress)

    def found(self) -> dict[str, Any] | None:
        """What it found, if it was finished before."""
        return self.kept().read_part(self.config, self.cell)

    def do(self, load: Callable[..., Any]) -> dict[str, Any]:
        """Find it, and keep it."""
        kept = self.kept()
        part = kept.read_part(self.config, self.cell)
        if part is None:
            part = self.one_cell(
                self.config, load(self.config.data, self.load), kept, self.cell
            )
            kept.write_part(self.config, self.cell, part)
        return part

    def do_elsewhere(self) -> dict[str, Any]:
        """The same in another process, perhaps on another machine."""
        with blas_threads(self.made_with["threads"]):
            here = environment(array_module(self.device))
            if here != self.made_with:
                raise ValueError(
                    f"a worker has {differences(here, self.made_with)}; expected the same on "
                    "all machines of a run"
                )
            (Path(self.out) / ".kept").mkdir(parents=True, exist_ok=True)
            return self.do(_load_once)


def load_data(data: str, load: Callable[[], Any] | None = None) -> Any:
    """The data of a run, from the catalog or from a function of the user's own."""
    if load is None:
        if data not in catalog.SOURCES:
            raise ValueError(
                f"data is {data!r}; expected one of {', '.join(catalog.SOURCES)}, or "
                "Experiment(load={...}) with a function for it"
            )
        load = catalog.SOURCES[data].load
    return load()


# A worker does many cells of one run, and none of them changes the data.
_load_once = functools.lru_cache(maxsize=1)(load_data)


def _environment_elsewhere(device: str, threads: int | None) -> dict[str, Any]:
    with blas_threads(threads):
        return environment(array_module(device))


def run_seeds(
    config: Any,
    one_cell: Callable[[Any, Any, Kept, Any], dict[str, Any]],
    seeds: Sequence[int],
    out: str | PathLike[str],
    device: str = "cpu",
    progress: bool = False,
    curves: Mapping[str, Any] = MappingProxyType({}),
    cells: Callable[[Any], list[Any]] = no_cells,
    together: Callable[[Any, list[dict[str, Any]]], dict[str, Any]] = first_part,
    client: Client | None = None,
    threads: int | None = None,
    stem: str | None = None,
    load: Callable[[], Any] | None = None,
) -> dict[str, Any]:
    """Run an experiment once for each seed, and write its record.

    Each cell is kept as soon as it is finished, and each training run is resumed where it was
    stopped: a run that is killed and called again gives the record it would have given. A
    teacher with the same settings is trained once and kept for other experiments. A record that
    is there already grows: its seeds stay, and none is run again. What was kept or recorded by other
    versions, on another device or with another number of threads is made again.

    Parameters
    ----------
    config : dataclass
        Settings, with a ``name`` and the ``data`` it is of.
    one_cell : callable
        See :class:`Job`.
    seeds : sequence of int
    out : path
        The record goes to ``out/STEM.json``, what is kept to resume to ``out/.kept``.
    device : {"cpu", "cuda"}
    progress : bool
        Progress bars on stderr.
    curves : mapping
        What all seeds share, such as the grid of a sweep.
    cells : callable
        ``cells(config)`` names the parts of a seed that can be done apart. The first is done
        before the others, which may use what it kept, such as the teacher.
    together : callable
        ``together(config, parts)`` makes the findings of a seed from those of its cells.
    client : distributed.Client, optional
        Its workers do the cells, as :func:`minikd.experiments.workers.cluster` gives it. The
        record is the same, to the last digit, as without one. Where the workers do not share the
        folder ``out``, each machine makes a teacher of its own.
    threads : int, optional
        Threads of the CPU that the matrix products of each process may use: by default all, and
        one with a client. Part of what a run is made with: their number changes how sums are
        rounded.
    stem : str, optional
        ``NAME.DATA`` of the settings unless given.
    load : callable, optional
        Gives the data; that of this name in :mod:`minikd.data.catalog` unless given.

    Returns
    -------
    dict
        The record, as it was written.

    Raises
    ------
    ValueError
        If there is no seed, the device is not there, a worker has other versions, or a record of
        more seeds, made with others, would be lost.
    OSError
        If ``out`` cannot be written to.
    """
    # Workers may have another working directory.
    out, seeds = values.path("out", out).resolve(), values.wholes("seeds", seeds)
    threads = None if threads is None else values.whole("threads", threads, 1)
    progress = values.flag("progress", progress)
    names = cells(config)
    if not seeds:
        raise ValueError("seeds is empty; expected at least one")
    if not names:
        raise ValueError(f"{config.name} has no cells; does a setting hold no value?")
    if client is not None:
        threads = threads or 1  # several processes with all threads each would fight for them
    # An error now, not after an hour, if the device is missing or the folder cannot be written.
    made_with = (
        _environment_elsewhere(device, threads) if client is None
        else on_workers(client, _environment_elsewhere, device, threads)
    )  # fmt: skip
    for folder in (out, out / ".kept"):
        check_writable(folder, "out")
    remove_left_behind(out / ".kept", ".*-*.partial")
    once = functools.cache(load_data)
    own = own_digest((one_cell, load), load and once(config.data, load))
    path = out / f"{stem or f'{config.name}.{config.data}'}.json"
    heading = {
        "name": config.name,
        "data": config.data,
        "config": asdict(config),
        **made_with,
        "versions": made_with["versions"] | ({"own": own} if own else {}),
    }
    of_seed = _recorded(path, heading, curves, len(seeds))
    seeds = [*of_seed, *(seed for seed in seeds if seed not in of_seed)]
    jobs = {
        (seed, i): Job(config, one_cell, seed, cell, str(out), made_with, device, load, own)
        for seed in seeds for i, cell in enumerate(names) if seed not in of_seed
    }  # fmt: skip
    if not jobs:
        parts = {}
    elif client is None:
        with blas_threads(threads):
            parts = {key: replace(job, progress=progress).do(once) for key, job in jobs.items()}
    else:
        title = f"{config.name} on {config.data}" if progress else None
        parts = _do_elsewhere(jobs, client, title)
    for seed in dict.fromkeys(seed for seed, _ in jobs):
        of_seed[seed] = together(config, [parts[seed, i] for i in range(len(names))])
    found = [of_seed[seed] for seed in seeds]
    # Some metrics need data that may have been missing where a seed was run.
    metrics = [m for m in found[0]["metrics"] if all(m in of["metrics"] for of in found)]
    record = {
        **{key: heading[key] for key in ("name", "data", "config")},
        "seeds": seeds,
        **{key: heading[key] for key in ("device", "versions", "threads")},
        "seconds": [of["seconds"] for of in found],
        "metrics": {m: [of["metrics"][m] for of in found] for m in metrics},
        "curves": {
            **curves,
            **{c: [of["curves"][c] for of in found] for c in found[0]["curves"]},
        },
    }
    return write_record(path, record)


def _recorded(
    path: Path, heading: dict[str, Any], curves: Mapping[str, Any], wanted: int
) -> dict[int, dict[str, Any]]:
    """What each seed of a record found that was made with the same settings and versions.

    Raises
    ------
    ValueError
        If it was made with others, and has more seeds than are wanted: it would be lost.
    """
    try:
        record = read_record(path)
    except FileNotFoundError:
        return {}
    except ValueError:
        again(path)
        return {}
    same = json.loads(json.dumps(heading, default=values.for_json))
    if any(record[key] != same[key] for key in same):
        if len(record["seeds"]) > wanted:
            raise ValueError(
                f"out: {path} holds {len(record['seeds'])} seeds, made with other settings, versions, device "
                f"or threads, and this run of {wanted} would take its place; give another folder, or "
                "delete it"
            )
        return {}
    return {
        seed: {
            "seconds": record["seconds"][i],
            "metrics": {m: of[i] for m, of in record["metrics"].items()},
            "curves": {c: of[i] for c, of in record["curves"].items() if c not in curves},
        }
        for i, seed in enumerate(record["seeds"])
    }


def _do_elsewhere(
    jobs: dict[tuple[int, int], Job], client: Client, title: str | None
) -> dict[tuple[int, int], dict[str, Any]]:
    """Do jobs on workers; the first of each seed is finished before its others start."""
    parts = {key: part for key, job in jobs.items() if (part := job.found()) is not None}

    def keep(key: tuple[int, int], part: dict[str, Any]) -> None:
        parts[key] = part
        # For a worker that writes to a folder of its own.
        jobs[key].kept().write_part(jobs[key].config, jobs[key].cell, part)

    left = {key: job.do_elsewhere for key, job in jobs.items() if key not in parts}
    after = {(seed, i): (seed, 0) for seed, i in left if (seed, 0) in left and i}
    one = next(iter(jobs.values()))
    with sent_whole(one.one_cell, one.load):
        words = {key: f"seed {jobs[key].seed}, cell {jobs[key].cell}" for key in left}
        spread(left, after, client, keep, title, len(parts), words)
    return parts
