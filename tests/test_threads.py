"""Threads of the CPU: how many a training run is worth, and that what was there is put back."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.linalg.blas  # noqa: F401
from threadpoolctl import threadpool_limits

from minikd import MLP, Dataset, Recipe, hard_targets, layers, threads, train
from minikd.experiments import EXPERIMENTS
from minikd.threads import blas_threads, count_blas_threads, threads_for, threads_worth

SMALL, LARGE = [784, 300, 300, 10], [784, 1200, 1200, 10]


def counts():
    """Threads of NumPy's BLAS and of SciPy's, as they are."""
    pools = sorted(threads._pools(), key=lambda pool: not pool.second)
    return [pool.library.get_num_threads() for pool in pools]


@pytest.fixture(autouse=True)
def two_threads():
    """As on a machine with two cores, whatever this one has; and all is put back."""
    if len(threads._pools()) != 2:
        pytest.skip("NumPy and SciPy share a BLAS here")
    with threadpool_limits(2, user_api="blas"):
        yield
        assert counts() == [2, 2]


# ---------------------------------------------------------------- how many


@pytest.mark.parametrize("batch", [100, 128])
@pytest.mark.parametrize("units", [100, 200, 300, 400, 600, 800, 1200])
def test_small_layers_are_worth_one_thread(units, batch):
    assert threads_worth([784, units, units, 10], batch) == (1 if units <= 400 else None)


def test_the_presets_on_the_bundled_data_use_one_thread_and_those_on_mnist_all():
    config = EXPERIMENTS["omitted-3"].presets
    for data, worth in (("glyphs", 1), ("mnist", None)):
        preset = config[data]
        for hidden, recipe in (
            (preset.teacher_hidden, preset.paper.teacher), (preset.student_hidden, preset.paper.student),
        ):  # fmt: skip
            assert threads_worth([784, *hidden, 10], recipe.batch) == worth


def test_the_first_layer_of_a_stack_is_one_wide_product():
    assert threads_worth([784, 30, 30, 10], 128) == 1
    assert threads_worth([784, 30, 30, 10], 128, members=40) is None
    # What else its members do is many products as small as before.
    assert threads_worth([30, 300, 300, 300, 10], 128, members=10) == 1


def test_no_hidden_layer_and_no_case():
    assert threads_worth([784, 10], 128) == 1


def test_sizes_alone_decide():
    """Not the load of the machine, nor the time of day: else two runs would differ."""
    assert {threads_worth(LARGE, 128) for _ in range(100)} == {None}


# ---------------------------------------------------------------- limits of both pools


def test_numpys_pool_is_held_at_one_while_scipys_has_what_it_is_worth():
    with threads_for(LARGE, 128):
        assert counts() == [1, 2]
    with threads_for(SMALL, 128):
        assert counts() == [1, 1]
    assert counts() == [2, 2]


def test_a_network_that_answers_and_a_plain_step_have_numpys_pool(monkeypatch):
    """Their products are NumPy's; then SciPy's pool is the one that is held."""
    with threads_for(LARGE, 128, training=False):
        assert counts() == [2, 1]
    with threads_for(SMALL, 128, training=False):
        assert counts() == [1, 1]
    seen, real = [], layers.linear_forward
    monkeypatch.setattr(
        layers, "linear_forward", lambda *args: (seen.append(counts()), real(*args))[1]
    )
    net = MLP(LARGE, rng=0)
    x = np.random.default_rng(0).random((256, 784), dtype=np.float32)
    data = Dataset(x, np.arange(256) % 10)
    net(data.x)
    assert set(map(tuple, seen)) == {(2, 1)}
    seen.clear()
    train(net, data, hard_targets(), Recipe(1, 0.01), step="plain")
    assert (2, 1) in map(tuple, seen)
    seen.clear()
    net(data.x[:2])  # two cases make small products, however large the network
    assert set(map(tuple, seen)) == {(1, 1)}


def test_a_limit_that_a_user_set_is_never_raised():
    with threadpool_limits(1, user_api="blas"):
        with threads_for(LARGE, 128):
            assert counts() == [1, 1]
        assert counts() == [1, 1]
    with blas_threads(1), threads_for(LARGE, 128):
        assert counts() == [1, 1]


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"])
def test_a_limit_in_the_environment_is_never_raised(name):
    code = """if True:
        import numpy
        from minikd import threads
        with threads.threads_for([784, 1200, 1200, 10], 128):
            print(threads.count_blas_threads())
        print(threads.count_blas_threads())"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {name: "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["1", "1"]


def test_nested_limits_only_go_down():
    with threads_for(LARGE, 128):
        with threads_for(SMALL, 128):
            assert counts() == [1, 1]
            with threads_for(LARGE, 128):
                assert counts() == [1, 1]
        assert counts() == [1, 2]
        with blas_threads(1):
            assert count_blas_threads() == 1
        with blas_threads(2):
            assert counts() == [1, 2]


def test_an_explicit_number_may_be_more_than_there_was():
    """Dask tells its workers OMP_NUM_THREADS=1; ``--threads 2`` is meant for them too."""
    with threadpool_limits(1, user_api="blas"):
        with blas_threads(2):
            assert counts() == [2, 2]
        assert counts() == [1, 1]
    with blas_threads(None):
        assert counts() == [2, 2]


def test_an_error_puts_back_what_was_there():
    with pytest.raises(ZeroDivisionError), threads_for(SMALL, 128):
        raise ZeroDivisionError
    assert counts() == [2, 2]


def test_any_python_thread_may_limit():
    """threadpoolctl itself lets one thread do it, and the others in vain."""
    found = []

    def inside():
        with threads_for(SMALL, 128):
            found.append(counts())
        found.append(counts())

    with threads_for(LARGE, 128):
        other = threading.Thread(target=inside)
        other.start()
        other.join()
    assert found == [[1, 1], [1, 2]]


@pytest.mark.parametrize("sizes", [(SMALL, LARGE), (LARGE, SMALL), (SMALL, SMALL)])
def test_who_leaves_first_takes_no_limit_from_others(sizes):
    """Nor does it leave one behind: the last puts back what was there before all."""
    first, second = (threads_for(each, 128) for each in sizes)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert counts() == [1, 1]
    second.__exit__(None, None, None)
    assert counts() == [2, 2]


def test_many_python_threads_at_once():
    wrong = []

    def train_like(sizes):
        for _ in range(200):
            with threads_for(sizes, 128):
                if counts()[0] != 1 or (sizes is SMALL and counts() != [1, 1]):
                    wrong.append(counts())

    others = [threading.Thread(target=train_like, args=(s,)) for s in (SMALL, LARGE) * 3]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert not wrong
    assert counts() == [2, 2]


def double(threading_layer=None):
    """A BLAS that is not there: threads of its own for each Python thread, as with OpenMP."""
    of_thread = threading.local()
    return SimpleNamespace(
        threading_layer=threading_layer,
        get_num_threads=lambda: getattr(of_thread, "n", 4),
        set_num_threads=lambda n: setattr(of_thread, "n", n),
    )


def test_with_openmp_each_python_thread_has_its_own_limit(monkeypatch):
    library = double("openmp")
    monkeypatch.setattr(threads, "_pools", lambda: [threads._Pool(library, False, [])])
    entered, leave = threading.Event(), threading.Event()
    found = []

    def inside():
        with threads_for(SMALL, 128):
            entered.set()
            leave.wait(10)
        found.append(library.get_num_threads())

    with threads_for(SMALL, 128):
        other = threading.Thread(target=inside)
        other.start()
        entered.wait(10)
    assert library.get_num_threads() == 4
    leave.set()
    other.join()
    assert found == [4]


def test_a_blas_that_both_share_is_not_held_at_one(monkeypatch):
    """As in conda, or of a Linux distribution: its products are SciPy's large ones too."""
    monkeypatch.setattr(threads, "_pools", lambda: [threads._Pool(double(), False, [])])
    with threads_for(LARGE, 128):
        assert count_blas_threads() == 4


def test_entering_costs_next_to_nothing():
    for _ in range(3):
        with threads_for(SMALL, 128):
            pass
    seconds = []
    for _ in range(200):
        start = time.perf_counter()
        with threads_for(SMALL, 128):
            pass
        seconds.append(time.perf_counter() - start)
    assert sorted(seconds)[100] < 2e-4


# ---------------------------------------------------------------- training


def run_of(hidden, seen, **options):
    rng = np.random.default_rng(0)
    data = Dataset(rng.random((256, 784), dtype=np.float32), rng.integers(0, 10, 256))
    members = options.pop("members", None)
    net = MLP([784, hidden, hidden, 10], rng=range(members) if members else 1)
    cost = hard_targets()

    def look(z, batch):
        seen.append(counts())
        return cost.gradient(z, batch)

    objective = replace(cost, gradient=look)
    return train(net, data, objective, Recipe(epochs=1, learning_rate=0.01), **options)


def test_training_uses_what_it_is_worth():
    for hidden, expected in ((100, [1, 1]), (1200, [1, 2])):
        seen = []
        run_of(hidden, seen)
        assert seen == [expected] * 2
        assert counts() == [2, 2]


def test_members_with_cases_of_their_own_have_no_wide_product():
    """Each is sent other cases, so that the first layer is a small product for each."""
    for special, expected in ((None, [1, 2]), (0.5, [1, 1])):
        seen = []
        run_of(100, seen, members=10, special=special)
        assert seen == [expected] * 2


def test_training_with_one_thread_gives_the_same_network_whatever_was_allowed():
    """The rule depends on sizes alone, so small networks are the same on every machine's cores."""
    costs = []
    for allowed in (1, 2):
        with threadpool_limits(allowed, user_api="blas"):
            costs.append(run_of(300, []).costs)
    assert costs[0] == costs[1]
