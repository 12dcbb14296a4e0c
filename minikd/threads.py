"""How many threads of the CPU a matrix product may use.

Two threads make a product faster where a core is free for each. Where another program has the
cores, every product waits until the system has given each thread its turn, and a training run
takes many times as long. Small products gain little and lose much; the larger they are, the more
the gain is worth. So a training run uses one thread where its products are small, and all that
are allowed where they are large (:func:`threads_for`); a network that answers does the same. The
rule knows sizes alone, not how busy the machine is: the number of threads changes how sums are
rounded, and the same run must give the same network.

Seconds of a step of 784-H-H-10 on two threads, divided by those on one. Quartiles of 15 pairs on
an idle machine of two virtual cores, and of 11 pairs beside two busy loops; ``typical`` is the
size of a product, in millions of multiplications, that :func:`threads_worth` compares.

=====  ====  =======  ============  ============  =======
batch  H     typical  idle          busy          longest
=====  ====  =======  ============  ============  =======
128    100   8        1.01 to 1.03  1.40 to 5.73  75
128    200   16       0.96 to 0.97  0.74 to 3.14  3.8
128    300   23       0.91 to 0.92  0.76 to 1.07  2.5
128    400   31       0.87 to 0.87  0.75 to 2.44  6.3
128    600   52       0.84 to 0.85  0.74 to 3.49  5.6
128    800   81       0.79 to 0.83  0.77 to 2.25  6.0
128    1200  164      0.73 to 0.76  0.79 to 7.80  14
256    100   17       0.92 to 0.94
256    300   46       0.69 to 0.75
256    800   161      0.73 to 0.75
=====  ====  =======  ============  ============  =======

At other times, when the two virtual cores had more to themselves, the idle ones were 0.82 at 100
units and 0.58 at 1200. At 100 to 400 units, two threads may gain a tenth or a third, and lose a
multiple; above, runs are long, and a machine is kept free for them. ``minikd run omitted-3``, with
400 and 300 units, took 9 s by this rule and 7 s without it where the machine was idle, and 13 s and
24 s beside two busy loops. Whoever has the cores free can use them for several seeds
(``--workers``).
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

# Multiplications in a product, from where more than one thread is used.
LARGE = 40_000_000


def threads_worth(sizes: Sequence[int], batch: int, members: int = 1) -> int | None:
    """1 where the products of a training step are small, None (no limit) where they are large.

    What counts is the size of the product in which the step's average multiplication is done. In
    the first layer all members of a stack are one wide product, in the others one each.

    Parameters
    ----------
    sizes : sequence of int
        Of the layers, inputs and classes included.
    batch : int
    members : int
        Networks in a stack.

    Examples
    --------
    >>> threads_worth([784, 400, 400, 10], 128)
    1
    >>> threads_worth([784, 800, 800, 10], 128) is None
    True
    """
    first, *others = [batch * a * b for a, b in pairwise(sizes)]
    # Each product, and how many of it: the first layer passes no gradient on.
    counts = [(first * members, 2), *((n, 3 * members) for n in others)]
    total = sum(n * times for n, times in counts)
    return 1 if sum(n * n * times for n, times in counts) < LARGE * total else None


@contextlib.contextmanager
def threads_for(
    sizes: Sequence[int], batch: int, members: int = 1, *, training: bool = True
) -> Iterator[None]:
    """Let a network use as many threads as its products are worth.

    Never more than were allowed before: by ``OMP_NUM_THREADS``, by ``minikd run --threads`` or by
    threadpoolctl's ``threadpool_limits``.

    NumPy and SciPy may bring a BLAS each. The large products of a fast training step go to SciPy's,
    those of a plain step and of a network that answers to NumPy's. The other one is held at one
    thread: after one of its products, with threads, these would still be spinning, waiting for
    more, while those of the first begin. An objective with a product of its own would slow each
    step severalfold.

    The limits are the process's. Where several Python threads train at once, each lowers them if
    its own run is worth fewer, and nothing is raised before the last of them is done.

    Parameters
    ----------
    sizes, batch, members
        As in :func:`threads_worth`.
    training : bool
        By the fast step, so that the large products are SciPy's.
    """
    worth = threads_worth(sizes, batch, members)
    two = any(pool.second for pool in _pools())

    def allowed(pool: _Pool, now: int) -> int:
        at_work = not two or pool.second != training
        return min(now, worth or now) if at_work else 1

    with _limited(allowed):
        yield


@contextlib.contextmanager
def blas_threads(limit: int | None) -> Iterator[None]:
    """Let matrix products use this many threads of the CPU; None changes nothing.

    Inside another limit, it can only be lowered.
    """
    if limit is None:
        yield
        return

    def allowed(pool: _Pool, now: int) -> int:
        return min(limit, now) if pool.inside else limit

    with _limited(allowed):
        yield


def count_blas_threads() -> int:
    """How many threads of the CPU a matrix product may use."""
    return max((pool.library.get_num_threads() for pool in _pools()), default=1)


# ---------------------------------------------------------------- the pools of this process


class _Limit:
    """Somebody's limit on a pool, and what the pool had before."""

    def __init__(self, scope: int, before: int) -> None:
        self.scope, self.before = scope, before


class _Pool(NamedTuple):
    """The threads of one BLAS.

    Attributes
    ----------
    library
        threadpoolctl's controller.
    second : bool
        Whether it is NumPy's own and SciPy has another.
    inside : list of _Limit
        In the order in which they came.
    """

    library: Any
    second: bool
    inside: list[_Limit]


_lock = threading.RLock()


@functools.cache
def _pools() -> list[_Pool]:
    # Only what is loaded can be told.
    import scipy.linalg.blas  # noqa: F401
    from threadpoolctl import ThreadpoolController

    found = ThreadpoolController().select(user_api="blas").lib_controllers
    package = Path(np.__file__).parent
    own = [Path(library.filepath).is_relative_to(package) or
           package.with_name("numpy.libs") in Path(library.filepath).parents
           for library in found]  # fmt: skip
    return [_Pool(f, mine and not all(own), []) for f, mine in zip(found, own, strict=True)]


@contextlib.contextmanager
def _limited(allowed: Callable[[_Pool, int], int]) -> Iterator[None]:
    """Set each pool to ``allowed(pool, its threads now)``, and put back what was there."""
    limits = []
    with _lock:
        for pool in _pools():
            now = pool.library.get_num_threads()
            limit = _Limit(_scope(pool), now)
            _set(pool, allowed(pool, now))
            pool.inside.append(limit)
            limits.append((pool, limit))
    try:
        yield
    finally:
        with _lock:
            for pool, limit in limits:
                _leave(pool, limit)


def _leave(pool: _Pool, limit: _Limit) -> None:
    place = pool.inside.index(limit)
    later = [each for each in pool.inside[place + 1 :] if each.scope == limit.scope]
    del pool.inside[place]
    # Another thread that came later is still inside: it puts back what was there before both.
    if later:
        later[0].before = limit.before
    else:
        _set(pool, limit.before)


def _scope(pool: _Pool) -> int:
    """Whose limit it is: with OpenMP each Python thread's, else the whole process's."""
    of_thread = getattr(pool.library, "threading_layer", None) == "openmp"
    return threading.get_ident() if of_thread else 0


def _set(pool: _Pool, threads: int) -> None:
    if threads == pool.library.get_num_threads():
        return
    # threadpoolctl lets one Python thread set limits, and others do so in vain. Here all may, one
    # at a time. (Versions before 3.7 have no such rule.)
    take_control = getattr(pool.library, "clear_controlling_thread", lambda force: None)
    take_control(force=True)
    pool.library.set_num_threads(threads)
    take_control(force=True)
