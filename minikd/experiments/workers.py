"""Many processes for one run: on this machine, or on a Dask cluster that is there already."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

# Seconds to wait for a scheduler to answer.
PATIENCE = 10


class Processes(Executor):
    """An executor that does every job in a process of its own, so many at a time.

    A process that is killed takes no other job with it, and no state is left over from the job
    before. (In a ``ProcessPoolExecutor`` one killed process ends the whole pool.)

    As with every pool of new processes, a script that uses it needs ``if __name__ == "__main__":``
    around what it does.
    """

    def __init__(self, workers: int) -> None:
        self._waiting_for = ThreadPoolExecutor(workers)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do ``fn(*args, **kwargs)`` as soon as a place is free."""
        return self._waiting_for.submit(_in_a_process, fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more jobs."""
        self._waiting_for.shutdown(wait, cancel_futures=cancel_futures)


def _in_a_process(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    # "spawn" starts afresh: a forked copy of a process whose BLAS has threads may hang.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(fn, *args, **kwargs).result()


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """The executor of a Dask cluster.

    Parameters
    ----------
    address : str
        Of its scheduler, like ``tcp://HOST:8786``.

    Raises
    ------
    ValueError
        If ``distributed`` is not installed, or no scheduler answers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError(
            "a cluster needs Dask, which is not installed: pip install 'minikd[cluster]'"
        ) from error
    try:
        client: Any = Client(address, timeout=PATIENCE)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ValueError(
            f"no Dask scheduler answers at {address}; expected an address like "
            "tcp://HOST:8786, as 'dask scheduler' prints it"
        ) from error
    with client:
        yield client.get_executor(pure=False)


_lock = threading.Lock()
_limited: list[Any] = []  # the limit of this process, and who is inside


@contextmanager
def blas_threads(limit: int | None) -> Iterator[None]:
    """Let matrix products use so many threads of the CPU; None changes nothing.

    The limit is of the whole process. Jobs that run in threads of one process share it: the first
    sets it, and the last takes it away.

    Raises
    ------
    ValueError
        If another thread of this process is inside with another limit.
    """
    # Only what is loaded can be told.
    import scipy.linalg.blas  # noqa: F401
    from threadpoolctl import threadpool_limits

    if limit is None:
        yield
        return
    with _lock:
        if not _limited:
            _take_control()
            _limited[:] = [limit, threadpool_limits(limit, user_api="blas"), 0]
        if _limited[0] != limit:
            raise ValueError(
                f"{limit} threads were asked for where {_limited[0]} are in use in this process"
            )
        _limited[2] += 1
    try:
        yield
    finally:
        with _lock:
            _limited[2] -= 1
            if not _limited[2]:
                _take_control()
                _limited[1].restore_original_limits()
                _take_control()
                _limited.clear()


def _take_control() -> None:
    """threadpoolctl lets one thread set limits; here whoever holds the lock may, in turn."""
    import threadpoolctl

    controller: Any = getattr(threadpoolctl, "OpenBLASController", None)
    if hasattr(controller, "clear_controlling_thread"):  # older versions let all threads
        controller.clear_controlling_thread(force=True)


def count_blas_threads() -> int:
    """How many threads of the CPU a matrix product may use."""
    import scipy.linalg.blas  # noqa: F401
    from threadpoolctl import threadpool_info

    return max(
        (p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"), default=1
    )
