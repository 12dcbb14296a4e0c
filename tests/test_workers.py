"""Many processes: the same record as one, and a killed one costs only its own cell."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import test_experiments

from minikd import cli, experiments
from minikd.experiments import EXPERIMENTS, workers
from minikd.experiments.record import environment, own_digest, read_record
from minikd.experiments.run import Job, run_seeds
from minikd.experiments.workers import cluster, spread
from minikd.threads import count_blas_threads

distributed = pytest.importorskip("distributed", reason="Dask is not installed")
pytestmark = pytest.mark.slow
by_signals = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")


@pytest.fixture(scope="module")
def client():
    """Two processes, as --workers 2 starts them."""
    with cluster(workers=2) as client:
        yield client


@dataclass(frozen=True)
class Toy:
    """Settings of a run whose cells only say which process did them."""

    log: str
    deaths: int = 1
    name: str = "toy"
    data: str = "glyphs"


def toy_cells(config):
    return ["first", "second", "third"]


def toy_cell(config, digits, kept, cell):
    """Note the process; the second cell of seed 1 waits to be killed, the first times."""
    log = Path(config.log)
    with log.open("a") as file:
        file.write(f"{kept.seed} {cell} {os.getpid()}\n")
    tries = sum(line.startswith(f"1 {cell}") for line in log.read_text().splitlines())
    if kept.seed == 1 and cell == "second" and tries <= config.deaths:
        time.sleep(60)
    value = float(np.random.default_rng([kept.seed, len(cell)]).random())
    return {"seconds": 0.0, "metrics": {cell: value}, "curves": {}}


def toy_together(config, parts):
    metrics = {m: v for part in parts for m, v in part["metrics"].items()}
    return {"seconds": 0.0, "metrics": metrics, "curves": {}}


def run_toy(tmp_path, client=None, one_cell=toy_cell, **settings):
    config = Toy(str(tmp_path / "log"), **settings)
    return run_seeds(
        config, one_cell, (0, 1), tmp_path / "out", cells=toy_cells,
        together=toy_together, client=client, threads=1, progress=True,
    )  # fmt: skip


def done(tmp_path):
    """Which cells were begun, in order, and by which process."""
    if not (tmp_path / "log").exists():
        return []
    lines = (tmp_path / "log").read_text().splitlines()
    return [(line.rsplit(" ", 1)[0], int(line.rsplit(" ", 1)[1])) for line in lines]


@contextmanager
def killer(tmp_path, begun=6, times=1):
    """Kill the process that does the second cell of seed 1, once this many cells have begun."""

    def kill():
        killed, until = set(), time.monotonic() + 50
        while time.monotonic() < until and len(killed) < times:
            cells = done(tmp_path)
            pid = dict(cells).get("1 second")
            if len(cells) >= begun and pid not in {None, *killed}:
                time.sleep(0.5)  # let the others finish
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
            time.sleep(0.05)

    thread = threading.Thread(target=kill)
    thread.start()
    yield
    thread.join()


@by_signals
def test_a_killed_worker_costs_only_its_own_cell(client, tmp_path, capfd):
    with killer(tmp_path):
        found = run_toy(tmp_path, client)
    begun = [cell for cell, _ in done(tmp_path)]
    assert begun.count("1 second") == 2
    assert len(begun) == 7
    assert len(set(begun)) == 6
    rng = [float(np.random.default_rng([1, n]).random()) for n in (5, 6, 5)]
    assert [found["metrics"][c][1] for c in toy_cells(None)] == rng
    pids = {pid for _, pid in done(tmp_path)}
    assert os.getpid() not in pids
    assert len(pids) >= 2
    # Nothing of what Dask says of it; a line for each cell.
    said = capfd.readouterr().err.splitlines()
    # (On a busy machine a line may come in between, that says how far it is after a while.)
    counted = dict.fromkeys(line.partition(" of ")[0] for line in said)
    counted.pop("toy on glyphs: cell 0", None)
    assert list(counted) == [f"toy on glyphs: cell {n}" for n in range(1, 7)]


@by_signals
def test_a_cell_that_kills_its_workers_is_an_error(tmp_path):
    with (
        cluster(workers=1) as client,
        killer(tmp_path, begun=1, times=4),
        pytest.raises(
            ChildProcessError, match=r"seed 1, cell second was killed 4 times; is there memory"
        ),
    ):
        run_toy(tmp_path, client, deaths=4)
    assert [cell for cell, _ in done(tmp_path)].count("1 second") == 4
    # What was finished outlives it.
    before = len(done(tmp_path))
    run_toy(tmp_path, deaths=4)
    again = {cell for cell, _ in done(tmp_path)[before:]}
    assert not again & {"0 first", "1 first"}
    assert "1 second" in again


def test_the_first_cell_of_a_seed_comes_first(client, tmp_path):
    run_toy(tmp_path, client, deaths=0)
    begun = [cell for cell, _ in done(tmp_path)]
    for seed in (0, 1):
        of_seed = [cell for cell in begun if cell.startswith(str(seed))]
        assert of_seed[0] == f"{seed} first"
    # What is finished is not done again, with or without workers.
    run_toy(tmp_path, deaths=0)
    run_toy(tmp_path, client, deaths=0)
    assert len(done(tmp_path)) == 6


def test_what_waits_for_a_cell_that_was_done_before_starts_at_once(client, tmp_path):
    first = replace(environment_job(tmp_path, toy_cell), cell="first")
    first.do(lambda *_: None)
    run_toy(tmp_path, client, deaths=0)
    assert [cell for cell, _ in done(tmp_path)].count("0 first") == 1


def failing_cell(config, digits, kept, cell):
    if kept.seed == 0:
        raise ValueError("seed 0 cannot be done")
    time.sleep(0.5)
    return toy_cell(config, digits, kept, cell)


def test_an_error_loses_nothing_that_runs(client, tmp_path):
    with pytest.raises(ValueError, match="seed 0 cannot be done"):
        run_toy(tmp_path, client, failing_cell, deaths=0)
    assert [cell for cell, _ in done(tmp_path)] == ["1 first"]
    run_toy(tmp_path, deaths=0)
    assert [cell for cell, _ in done(tmp_path)].count("1 first") == 1


def test_jobs_start_in_order_and_as_many_as_there_are_places(client, tmp_path):
    """What Dask held back would begin after an error, so nothing is given to it early."""
    log = tmp_path / "log"

    def job(name):
        def do():
            with log.open("a") as file:
                file.write(f"+{name} ")
            time.sleep(0.2)
            with log.open("a") as file:
                file.write(f"-{name} ")

        return do

    spread({n: job(n) for n in "abcd"}, {"b": "d"}, client, lambda key, result: None, None)
    events = log.read_text().split()
    running = np.cumsum([1 if event[0] == "+" else -1 for event in events])
    assert running.max() == 2
    assert events.index("-d") < events.index("+b")
    assert set(events[:2]) == {"+a", "+c"}


# ---------------------------------------------------------------- real experiments


def small(name):
    """Settings so small that the whole of the bundled data takes a second."""
    config = test_experiments.quick(name)
    if name == "omitted-each":
        each = config.each
        once = replace(each.paper.student, epochs=1, warm_up=0)
        short = replace(each.paper.teacher, epochs=2)
        return replace(config, each=replace(
            each, paper=replace(each.paper, teacher=short, student=once),
            best=replace(each.best, teacher=short, student=once),
        ))  # fmt: skip
    paper = config.paper
    return replace(config, paper=replace(
        paper, teacher=replace(paper.teacher, epochs=2), student=replace(paper.student, epochs=1)
    ))  # fmt: skip


def comparable(record):
    return {k: v for k, v in record.items() if k != "seconds"}


@pytest.mark.parametrize("name", ["temperature-width", "omitted-each"])
def test_processes_give_the_record_of_one(name, client, tmp_path):
    run = EXPERIMENTS[name].run
    alone = run(small(name), seeds=(0,), out=tmp_path / "alone", threads=1)
    apart = run(small(name), seeds=(0,), out=tmp_path / "apart", client=client)
    assert comparable(apart) == comparable(alone)


@pytest.fixture
def one_experiment(monkeypatch):
    only = replace(
        EXPERIMENTS["temperature-width"], presets={"glyphs": small("temperature-width")}
    )
    monkeypatch.setattr(experiments, "EXPERIMENTS", {"temperature-width": only})


def test_the_command_gives_the_same_record_each_way(one_experiment, client, tmp_path, capsys):
    records = []
    ways = (["--threads", "1"], ["--workers", "2", "--threads", "1"],
            ["--cluster", client.scheduler.address])  # fmt: skip
    for way in ways:
        out = tmp_path / way[0]
        assert cli.main(["run", "temperature-width", "--out", str(out), *way]) == 0
        records.append(comparable(read_record(out / "temperature-width.glyphs.json")))
    assert records[0] == records[1] == records[2]
    assert records[2]["threads"] == 1


def other_versions():
    """As if this were another machine."""
    from minikd.experiments import run

    def of_another(xp):
        found = environment(xp)
        return found | {"versions": found["versions"] | {"numpy": "1.0"}}

    run.environment = of_another


def test_a_worker_with_other_versions_is_an_error(tmp_path):
    """Two machines would give one record that no one machine could repeat."""
    import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    with cluster(workers=2) as client:
        one = next(iter(client.nthreads()))
        client.run(other_versions, workers=[one])
        with pytest.raises(
            ValueError, match=r"a worker has numpy [\d.]+ and another [\d.]+; "
        ) as caught:
            run_toy(tmp_path, client, deaths=0)
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------- threads, and bad input


def environment_job(tmp_path, one_cell):
    from minikd.threads import blas_threads

    with blas_threads(1):
        made_with = environment(np)
    config = Toy(str(tmp_path / "log"), deaths=0)
    own = own_digest((one_cell,))
    return Job(config, one_cell, 0, None, str(tmp_path / "out"), made_with, "cpu", own=own)


def tell(config, digits, kept, cell):
    return {"seconds": 0.0, "metrics": {"threads": count_blas_threads()}, "curves": {}}


@pytest.mark.parametrize("threads", [1, 2])
def test_each_process_is_told_its_threads(threads, client, tmp_path):
    """Dask tells its workers OMP_NUM_THREADS=1; that is no limit that a user set."""
    found = run_seeds(Toy("log"), tell, (0,), tmp_path, client=client, threads=threads)
    assert found["threads"] == found["metrics"]["threads"][0] == threads


def test_no_cells(tmp_path):
    with pytest.raises(ValueError, match="toy has no cells"):
        run_seeds(Toy("log"), toy_cell, (0,), tmp_path, cells=lambda config: [])


def test_no_scheduler_is_an_error_of_one_line(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE", 1)
    for address in ("tcp://127.0.0.1:1", "nonsense://x"):
        assert cli.main(["run", "omitted-3", "--cluster", address, "--out", str(tmp_path)]) == 2
        error = capfd.readouterr().err
        assert "no Dask scheduler answers at" in error
        assert error.count("\n") == 1


def test_a_cluster_without_workers_is_an_error(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE", 1)
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as empty:
        address = empty.scheduler_address
        assert cli.main(["run", "omitted-3", "--cluster", address, "--out", str(tmp_path)]) == 2
    error = capfd.readouterr().err
    assert "has no workers; start some by 'dask worker" in error
    assert error.count("\n") == 1


@by_signals
def test_a_scheduler_that_dies_is_an_error_of_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE", 5)
    command = [str(Path(sys.executable).with_name("dask"))]
    options = {
        "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True,
    }  # fmt: skip
    file = tmp_path / "scheduler.json"
    scheduler = subprocess.Popen(
        [*command, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
         "--scheduler-file", str(file)], **options,
    )  # fmt: skip
    while not (file.exists() and file.stat().st_size):
        assert scheduler.poll() is None
        time.sleep(0.05)
    address = json.loads(file.read_text())["address"]
    worker = subprocess.Popen(
        [*command, "worker", address, "--nthreads", "1", "--nworkers", "1", "--no-dashboard",
         "--local-directory", str(tmp_path)], **options,
    )  # fmt: skip
    try:

        def kill():
            while "1 second" not in dict(done(tmp_path)):
                time.sleep(0.05)
            scheduler.kill()

        thread = threading.Thread(target=kill)
        thread.start()
        with (
            pytest.raises(ConnectionError, match="cluster has gone; what was finished is kept"),
            cluster(address=address) as client,
        ):
            run_toy(tmp_path, client)
        thread.join()
    finally:
        for process in (scheduler, worker):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)
    run_toy(tmp_path)  # goes on from there
    times = Counter(cell for cell, _ in done(tmp_path))
    assert times.pop("1 second") == 2
    assert set(times.values()) == {1}
    assert len(times) == 5


@pytest.mark.parametrize("way", [["--cluster", "tcp://x:1"], ["--workers", "2"]])
def test_without_dask_several_processes_are_an_error(way, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert cli.main(["run", "omitted-3", *way, "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "pip install 'minikd[cluster]'" in error
    assert error.count("\n") == 1


def test_processes_or_an_address_but_not_both():
    for given in ({}, {"workers": 2, "address": "tcp://x:1"}):
        with pytest.raises(ValueError, match="expected one of the two"), cluster(**given):
            pass


def test_dask_is_as_talkative_afterwards_as_before():
    names = ("distributed", "distributed.scheduler", "distributed.client", "asyncio")
    before = [logging.getLogger(name).level for name in names]
    filters = list(warnings.filters)
    with cluster(workers=1):
        assert not logging.getLogger("distributed.scheduler").isEnabledFor(logging.CRITICAL)
    assert [logging.getLogger(name).level for name in names] == before
    assert warnings.filters == filters


# ---------------------------------------------------------------- Ctrl-C


def descendants(pid):
    psutil = pytest.importorskip("psutil")
    return psutil.Process(pid).children(recursive=True)


def heed_signals():
    """Also where the tests themselves run under nohup, or in the background."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def started(folder, environment, ready):
    """A run with two workers, as soon as it is ready; and its processes."""
    running = subprocess.Popen(
        [sys.executable, "-m", "minikd", "run", "omitted-each", "--workers", "2", "--out", "out"],
        cwd=folder, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=heed_signals,
    )  # fmt: skip
    until = time.monotonic() + 60
    while not ready(running) and time.monotonic() < until:
        time.sleep(0.01)
    if not ready(running):
        running.kill()
        pytest.fail(f"not ready after a minute: {running.communicate(timeout=30)[1]}")
    return running, descendants(running.pid)


def stopped(running, number, to_all):
    """Send a signal: what is said of it, and by which processes it was survived."""
    family = descendants(running.pid)
    (os.killpg if to_all else os.kill)(running.pid, number)
    said = running.communicate(timeout=30)[1]
    assert running.returncode == 128 + number
    return said, pytest.importorskip("psutil").wait_procs(family, timeout=5)[1]


def has_kept(folder):
    return lambda running: list(folder.glob("out/.kept/*.npz"))


def has_begun(running):
    return descendants(running.pid)


@by_signals
@pytest.mark.parametrize(
    ("name", "to_all"),
    [
        ("SIGINT", False),
        ("SIGINT", True),
        ("SIGTERM", False),
        ("SIGTERM", True),
        ("SIGHUP", True),
    ],
)
def test_a_signal_leaves_no_process_behind(name, to_all, tmp_path, environment):
    """A terminal's Ctrl-C goes to the workers too; ``kill`` goes to the command alone."""
    running, family = started(tmp_path, environment, has_kept(tmp_path))
    assert len(family) >= 2
    start = time.monotonic()
    said, alive = stopped(running, getattr(signal, name), to_all)
    assert time.monotonic() - start < 10
    assert said == "minikd: stopped; the same command goes on from here\n"
    assert not alive


@by_signals
@pytest.mark.parametrize("wait", [0.0, 0.2, 0.5])
@pytest.mark.parametrize(
    ("name", "to_all"), [("SIGINT", True), ("SIGTERM", False), ("SIGHUP", True)]
)
def test_a_signal_while_workers_start_is_one_line(name, to_all, wait, tmp_path, environment):
    running, _ = started(tmp_path, environment, has_begun)
    time.sleep(wait)
    said, alive = stopped(running, getattr(signal, name), to_all)
    assert said == "minikd: stopped; nothing was kept yet\n"
    assert not alive


@by_signals
def test_workers_end_with_a_command_that_is_killed(tmp_path, environment):
    running, family = started(tmp_path, environment, has_kept(tmp_path))
    assert len(family) >= 2
    running.kill()
    running.wait(timeout=10)
    _, alive = pytest.importorskip("psutil").wait_procs(family, timeout=20)
    assert not alive
    running.stderr.close()
