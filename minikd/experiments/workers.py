"""Many processes for one run, by Dask: on this machine, or on a cluster that is there already."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from minikd.progress import progress_of

if TYPE_CHECKING:
    from distributed import Client, Future, LocalCluster

# Seconds to wait for a scheduler to answer, and for a first worker.
PATIENCE = 10

Key = TypeVar("Key", bound=Hashable)


@contextlib.contextmanager
def cluster(workers: int | None = None, address: str | None = None) -> Iterator[Client]:
    """A client of processes on this machine, or of a Dask cluster that is running.

    Dask's own messages are not shown as long as it is open. A script that starts processes needs
    ``if __name__ == "__main__":`` around what it does.

    Parameters
    ----------
    workers : int, optional
        The number of processes to start, each with one cell at a time. None of them outlives
        the context.
    address : str, optional
        Of the scheduler of a cluster, like ``tcp://HOST:8786``.

    Raises
    ------
    ValueError
        If both or neither is given, ``distributed`` is not installed, no scheduler answers, or it
        has no workers.
    """
    if (workers is None) == (address is None):
        raise ValueError(
            f"got workers {workers} and address {address}; expected one of the two"
        )
    try:
        import distributed
    except ImportError as error:
        raise ValueError(
            "several processes need Dask, which is not installed: pip install 'minikd[cluster]', or from a "
            "clone pip install -e '.[cluster]'"
        ) from error
    with contextlib.ExitStack() as stack:
        stack.enter_context(_quiet())
        if workers is not None:
            yield stack.enter_context(
                distributed.Client(stack.enter_context(_processes(workers)))
            )
        else:
            yield stack.enter_context(_connected(distributed, str(address)))


def _connected(distributed: Any, address: str) -> Client:
    client = None
    try:
        client = distributed.Client(address, timeout=PATIENCE)
        client.wait_for_workers(1, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        if client is None:
            raise ValueError(
                f"no Dask scheduler answers at {address!r}; expected an address like "
                "tcp://HOST:8786, as 'dask scheduler' prints it"
            ) from error
        client.close()
        raise ValueError(
            f"the cluster at {address} has no workers; start some by 'dask worker {address} "
            "--nthreads 1'"
        ) from error
    return client  # type: ignore[no-any-return]


@contextlib.contextmanager
def _processes(workers: int) -> Iterator[LocalCluster]:
    import dask
    from distributed import LocalCluster

    # Read where a process starts, also one that takes the place of a dead one.
    quiet = {"distributed.nanny.pre-spawn-environ.DASK_LOGGING__DISTRIBUTED": "critical"}
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(quiet))
        try:
            with _stopped_later():
                local = stack.enter_context(LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    scheduler_kwargs={"dashboard": False},
                    memory_limit=None,  # a cell may take what it needs
                    silence_logs=logging.CRITICAL,
                ))  # fmt: skip
        except RuntimeError as error:
            raise ChildProcessError(
                f"one of {workers} worker processes could not be started ({' '.join(str(error).split())}): "
                "was it killed, is there memory enough, and has a script of yours "
                "'if __name__ == \"__main__\":' around what it does? The same command tries again"
            ) from error
        try:
            yield local
        except BaseException:
            # Closing would wait for cells that are no longer wanted.
            for nanny in local.workers.values():
                nanny.auto_restart = False
                with contextlib.suppress(OSError, TypeError):  # it has just ended
                    os.kill(nanny.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            raise


@contextlib.contextmanager
def _stopped_later() -> Iterator[None]:
    """Signals to stop wait for the end of the block: Dask cannot stop what it has half started."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can set signal handlers
        return
    came: list[int] = []
    known = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")]
    numbers = {number for number in known if number is not None}  # Windows has no SIGHUP
    try:
        # Undone in the other order: what waits behind the mask comes to these handlers.
        with contextlib.ExitStack() as undone:
            for number in numbers:
                before = signal.getsignal(number)
                if before != signal.SIG_IGN:  # as nohup has it
                    undone.callback(signal.signal, number, before)
                    signal.signal(number, lambda number, _frame: came.append(number))
            if hasattr(signal, "pthread_sigmask"):  # not on Windows
                _leave_to_this_process(numbers - {signal.SIGTERM}, undone)
            yield
    finally:
        if came:
            signal.raise_signal(came[0])


def _leave_to_this_process(numbers: set[int], undone: contextlib.ExitStack) -> None:
    """Processes that are started now do not get these signals, which a terminal sends to all."""
    from multiprocessing import resource_tracker

    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    undone.callback(signal.pthread_sigmask, signal.SIG_SETMASK, before)
    # Started later, it would unmask Ctrl-C; so it does now.
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Nothing of what Dask would tell its own users."""
    from distributed.versions import VersionMismatchWarning

    names = ("distributed", "tornado", "asyncio")
    loggers = [
        logging.getLogger(name)
        for name in {*names, *logging.root.manager.loggerDict}
        if name.partition(".")[0] in names
    ]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            # Of the versions that matter, a run makes an error.
            warnings.simplefilter("ignore", VersionMismatchWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def on_workers(client: Client, function: Callable[..., Any], *arguments: Any) -> Any:
    """``function(*arguments)``, as a worker of the client does it, before there are jobs."""
    return _result(client.submit(function, *arguments, pure=False), "the check of versions")


@contextlib.contextmanager
def sent_whole(*functions: Callable[..., Any] | None) -> Iterator[None]:
    """Send to workers the code of functions that are not minikd's: they cannot import it."""
    import cloudpickle

    names = {f.__module__ for f in functions if f is not None} - {"__main__"}
    known = cloudpickle.list_registry_pickle_by_value()
    modules = [
        sys.modules[name]
        for name in names
        if name.partition(".")[0] != "minikd" and name not in known
    ]
    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in modules:
            cloudpickle.unregister_pickle_by_value(module)


def spread(
    jobs: Mapping[Key, Callable[[], Any]],
    after: Mapping[Key, Key],
    client: Client,
    done: Callable[[Key, Any], None],
    title: str | None,
    before: int = 0,
    words: Mapping[Key, str] = MappingProxyType({}),
) -> None:
    """Do jobs on the workers of a client.

    A job whose worker dies is done again by another, up to Dask's ``allowed-failures`` times.
    After an error no job is begun, and those that run are finished before it is raised.

    Parameters
    ----------
    jobs : mapping
        Functions without arguments.
    after : mapping
        From a job to the one that must be finished before it starts.
    client : distributed.Client
    done : callable
        ``done(key, result)`` is called here with each result.
    title : str or None
        Of a progress bar.
    before : int
        How many jobs were done before, for the bar.
    words : mapping
        What a job is called in an error.
    """
    import cloudpickle
    from distributed import as_completed

    waiting, running = list(jobs), as_completed()
    keys: dict[Any, Key] = {}
    finished: set[Key] = set()
    error: BaseException | None = None
    with progress_of(before, before + len(jobs), title, "cell", each=True) as step:
        while True:
            # No more than there are places for. What Dask held back would begin after an error,
            # and would count the deaths of a worker that it waited for. And what waits for another
            # job waits here: as a dependency, that one would be done again if it had been done
            # by a worker that died since.
            ready = [k for k in waiting if after.get(k) is None or after[k] in finished]
            with _cluster_needed(OSError):
                free = max(1, sum(client.nthreads().values())) - len(keys)
                for key in ready[:free] if error is None else []:
                    waiting.remove(key)
                    future = client.submit(_unpacked, cloudpickle.dumps(jobs[key]), pure=False)
                    keys[future.key] = key
                    running.add(future)
                if not keys:
                    break
                future = next(running)
            key = keys.pop(future.key)
            try:
                done(key, _result(future, words.get(key, str(key))))
            except Exception as failed:
                error = error or failed
            else:
                finished.add(key)
                step()
    if error is not None:
        raise error


def _unpacked(job: bytes) -> Any:
    import cloudpickle

    return cloudpickle.loads(job)()


def _result(future: Future[Any], words: str) -> Any:
    from distributed import KilledWorker

    try:
        with _cluster_needed():
            return future.result()
    except KilledWorker as error:
        raise ChildProcessError(
            f"the process that did {words} was killed {error.allowed_failures + 1} times; is there "
            "memory enough for this many workers?"
        ) from error


@contextlib.contextmanager
def _cluster_needed(*more: type[Exception]) -> Iterator[None]:
    """An error of one line if the scheduler goes; what Dask then raises is a matter of its version."""
    import asyncio
    import concurrent.futures

    gone: tuple[type[BaseException], ...] = (
        asyncio.CancelledError, concurrent.futures.CancelledError, *more,
    )  # fmt: skip
    try:
        yield
    except gone as error:
        raise ConnectionError(
            "the cluster has gone; what was finished is kept, and the same command goes on"
        ) from error
