"""Many processes: the same record as one, and a killed one costs only its own cell."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import test_experiments

from minikd import cli, experiments
from minikd.experiments import EXPERIMENTS, workers
from minikd.experiments.record import environment, read_record
from minikd.experiments.run import Job, run_seeds
from minikd.experiments.workers import Processes, blas_threads, count_blas_threads


@pytest.fixture(scope="module")
def dask():
    """A real cluster on this machine: a scheduler and two workers, each a process."""
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    import cloudpickle

    # The workers cannot import a test; they get its functions by value.
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True
    ) as cluster:
        yield cluster


@dataclass(frozen=True)
class Toy:
    """Settings of a run whose cells only say which process did them."""

    log: str
    name: str = "toy"
    data: str = "glyphs"


def toy_cells(config):
    return ["first", "second", "third"]


def toy_cell(config, digits, kept, cell):
    """Note the process; the second cell of seed 1 waits to be killed, the first time."""
    log = Path(config.log)
    with log.open("a") as file:
        file.write(f"{kept.seed} {cell} {os.getpid()}\n")
    tries = sum(line.startswith(f"1 {cell}") for line in log.read_text().splitlines())
    if kept.seed == 1 and cell == "second" and tries == 1:
        time.sleep(60)
    value = float(np.random.default_rng([kept.seed, len(cell)]).random())
    return {"seconds": 0.0, "metrics": {cell: value}, "curves": {}}


def toy_together(config, parts):
    metrics = {m: v for part in parts for m, v in part["metrics"].items()}
    return {"seconds": 0.0, "metrics": metrics, "curves": {}}


def run_toy(tmp_path, executor=None, log="log"):
    return run_seeds(
        Toy(str(tmp_path / log)), toy_cell, (0, 1), tmp_path / "out", cells=toy_cells,
        together=toy_together, executor=executor, threads=1,
    )  # fmt: skip


def done(tmp_path, log="log"):
    """Which cells were begun, in order, and by which process."""
    if not (tmp_path / log).exists():
        return []
    lines = (tmp_path / log).read_text().splitlines()
    return [(line.rsplit(" ", 1)[0], int(line.rsplit(" ", 1)[1])) for line in lines]


@contextmanager
def killer(tmp_path, begun=6):
    """Kill the process that does the second cell of seed 1, once so many cells were begun."""

    def kill():
        until = time.monotonic() + 50
        while time.monotonic() < until:
            cells = done(tmp_path)
            if len(cells) >= begun and "1 second" in dict(cells):
                time.sleep(0.5)  # let the others finish
                os.kill(dict(cells)["1 second"], signal.SIGKILL)
                return
            time.sleep(0.05)

    thread = threading.Thread(target=kill)
    thread.start()
    yield
    thread.join()


def assert_only_that_cell_was_done_again(tmp_path, found):
    begun = [cell for cell, _ in done(tmp_path)]
    assert begun.count("1 second") == 2
    assert len(begun) == 7
    assert len(set(begun)) == 6
    rng = [float(np.random.default_rng([1, n]).random()) for n in (5, 6, 5)]
    assert [found["metrics"][c][1] for c in toy_cells(None)] == rng


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_a_killed_worker_of_a_cluster_costs_only_its_own_cell(dask, tmp_path):
    from distributed import Client

    with Client(dask) as client, killer(tmp_path):
        found = run_toy(tmp_path, client.get_executor(pure=False))
    assert_only_that_cell_was_done_again(tmp_path, found)
    pids = {pid for _, pid in done(tmp_path)}
    assert os.getpid() not in pids
    assert len(pids) >= 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_a_killed_process_costs_only_its_own_cell(tmp_path):
    with Processes(2) as executor, killer(tmp_path):
        found = run_toy(tmp_path, executor)
    assert_only_that_cell_was_done_again(tmp_path, found)


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_what_was_finished_outlives_a_pool_that_broke(tmp_path):
    """A pool of the standard library ends with its first dead process; the run goes on later."""
    with (
        ProcessPoolExecutor(1) as pool,
        killer(tmp_path, begun=1),
        pytest.raises(BrokenProcessPool),
    ):
        run_toy(tmp_path, pool)
    before = done(tmp_path)
    with Processes(1) as executor:
        run_toy(tmp_path, executor)
    again = {cell for cell, _ in done(tmp_path)[len(before) :]}
    assert "0 first" not in again
    assert "1 second" in again


def test_the_first_cell_of_a_seed_comes_first(tmp_path):
    (tmp_path / "log").write_text("1 second 0\n")  # so that none waits
    with ThreadPoolExecutor(4) as executor:
        run_toy(tmp_path, executor)
    begun = [cell for cell, _ in done(tmp_path)[1:]]
    for seed in (0, 1):
        of_seed = [cell for cell in begun if cell.startswith(str(seed))]
        assert of_seed[0] == f"{seed} first"
    # What is finished is not done again, with or without workers.
    run_toy(tmp_path)
    assert len(done(tmp_path)) == 7


# ---------------------------------------------------------------- real experiments


def small(name):
    """Settings so small that the whole of the bundled data takes a second."""
    config = test_experiments.quick(name)
    if name == "omitted-each":
        each = config.each
        return replace(config, each=replace(
            each, teacher=replace(each.teacher, epochs=2), student=replace(each.student, epochs=1)
        ))  # fmt: skip
    return replace(config, teacher=replace(config.teacher, epochs=2),
                   student=replace(config.student, epochs=1))  # fmt: skip


def comparable(record):
    return {k: v for k, v in record.items() if k != "seconds"}


@pytest.mark.parametrize("name", ["temperature-width", "omitted-each"])
def test_processes_give_the_record_of_one(name, tmp_path):
    run = EXPERIMENTS[name].run
    alone = run(small(name), seeds=(0,), out=tmp_path / "alone", threads=1)
    with Processes(2) as executor:
        spread = run(
            small(name), seeds=(0,), out=tmp_path / "spread", executor=executor, threads=1
        )
    assert comparable(spread) == comparable(alone)


def test_a_cluster_gives_the_record_of_one(dask, tmp_path, monkeypatch, capsys):
    small_one = replace(
        EXPERIMENTS["temperature-width"], presets={"glyphs": small("temperature-width")}
    )
    monkeypatch.setattr(experiments, "EXPERIMENTS", {"temperature-width": small_one})
    records = []
    for options in (["--threads", "1"], ["--cluster", dask.scheduler_address]):
        out = tmp_path / options[0]
        assert cli.main(["run", "temperature-width", "--out", str(out), *options]) == 0
        records.append(read_record(out / "temperature-width.glyphs.json"))
    assert comparable(records[0]) == comparable(records[1])
    assert records[1]["threads"] == 1


def test_a_worker_with_other_versions_is_an_error(tmp_path, monkeypatch):
    """Two machines would give one record that no one machine could repeat."""
    from minikd.experiments import run

    real, calls = run.environment, iter(range(10))

    def other_later(xp):
        found = real(xp)
        if next(calls):
            found["versions"] = found["versions"] | {"numpy": "1.0"}
        return found

    monkeypatch.setattr(run, "environment", other_later)
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(ValueError, match="a worker has numpy"),
    ):
        run_toy(tmp_path, executor)


# ---------------------------------------------------------------- threads, and bad input


def test_each_process_is_told_its_threads(tmp_path):
    before = count_blas_threads()
    with blas_threads(1):
        assert count_blas_threads() == 1
    assert count_blas_threads() == before
    job = Job(Toy("log"), tell, 0, None, str(tmp_path), environment_with(1), "cpu")
    with Processes(1) as executor:
        assert executor.submit(job.do_elsewhere).result() == {"threads": 1}


def tell(config, digits, kept, cell):
    return {"threads": count_blas_threads()}


def environment_with(threads):
    with blas_threads(threads):
        return environment(np)


def test_jobs_in_threads_of_one_process_share_its_limit():
    """The first to leave must not take the limit away from the others."""
    before = count_blas_threads()
    first, second = blas_threads(1), blas_threads(1)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert count_blas_threads() == 1
    with pytest.raises(ValueError, match="2 threads were asked for where 1"), blas_threads(2):
        pass
    second.__exit__(None, None, None)
    assert count_blas_threads() == before


def test_any_thread_may_set_the_limit():
    before = count_blas_threads()
    for _ in range(2):
        with ThreadPoolExecutor(1) as executor:
            assert executor.submit(in_a_thread).result() == 1
        assert count_blas_threads() == before
        with blas_threads(1):
            assert count_blas_threads() == 1
        assert count_blas_threads() == before


def in_a_thread():
    with blas_threads(1):
        return count_blas_threads()


def failing_cell(config, digits, kept, cell):
    if kept.seed == 0:
        raise ValueError("seed 0 cannot be done")
    time.sleep(0.5)
    return toy_cell(config, digits, kept, cell)


def test_an_error_loses_nothing_that_runs(tmp_path):
    (tmp_path / "log").write_text("1 second 0\n")  # so that none waits
    options = {"cells": toy_cells, "together": toy_together, "threads": 1}
    config = Toy(str(tmp_path / "log"))
    with ThreadPoolExecutor(2) as executor, pytest.raises(ValueError, match="seed 0 cannot"):
        run_seeds(config, failing_cell, (0, 1), tmp_path, executor=executor, **options)
    begun = done(tmp_path)
    assert [cell for cell, _ in begun[1:]] == ["1 first"]
    run_seeds(config, toy_cell, (0, 1), tmp_path, **options)
    assert [cell for cell, _ in done(tmp_path)].count("1 first") == 1


def test_no_cells(tmp_path):
    with pytest.raises(ValueError, match="toy has no cells"):
        run_seeds(Toy("log"), toy_cell, (0,), tmp_path, cells=lambda config: [])


def test_no_scheduler_is_an_error_of_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE", 1)
    for address in ("tcp://127.0.0.1:1", "nonsense://x"):
        assert cli.main(["run", "omitted-3", "--cluster", address, "--out", str(tmp_path)]) == 2
        error = capsys.readouterr().err
        assert "no Dask scheduler answers at" in error
        assert error.count("\n") == 1


def test_without_dask_a_cluster_is_an_error(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert cli.main(["run", "omitted-3", "--cluster", "tcp://x:1", "--out", str(tmp_path)]) == 2
    assert "pip install 'minikd[cluster]'" in capsys.readouterr().err
