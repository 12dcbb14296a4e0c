"""How far a run is: lines where there is no terminal, and nothing where it is short."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from minikd import MLP, Dataset, Recipe, hard_targets, progress, train
from minikd.progress import progress_of, with_progress


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """As in a process that has shown nothing yet; and none leaves a thread behind."""
    monkeypatch.setattr(progress._Lines, "_last", None)
    yield
    assert progress.THREAD not in {thread.name for thread in threading.enumerate()}


def work(steps, seconds, title="student, seed 0"):
    for _ in with_progress(0, steps, title, "epoch"):
        time.sleep(seconds)


def test_a_line_now_and_then_where_there_is_no_terminal(monkeypatch, capsys):
    monkeypatch.setattr(progress, "SILENCE", 0.25)
    work(10, 0.1)
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert 2 <= len(lines) <= 4
    assert lines[0].startswith("student, seed 0: epoch 3 of 10, 1 s left")
    assert not captured.out


def test_a_step_that_takes_long_is_no_reason_for_silence(monkeypatch, capsys):
    """Nothing is known of the time left before the first step is done."""
    monkeypatch.setattr(progress, "SILENCE", 0.1)
    work(1, 0.35)
    assert set(capsys.readouterr().err.splitlines()) == {"student, seed 0: epoch 1 of 1"}


def test_short_work_is_silent(capsys):
    work(20, 0.001)
    assert not capsys.readouterr().err


def test_many_short_runs_are_not(monkeypatch, capsys):
    """Each of them is shorter than the silence, and all together are not."""
    monkeypatch.setattr(progress, "SILENCE", 0.25)
    for run in range(10):
        work(2, 0.05, f"run {run}")
    lines = capsys.readouterr().err.splitlines()
    assert 2 <= len(lines) <= 4
    assert len({line.partition(":")[0] for line in lines}) == len(lines)


def test_a_run_that_begins_after_a_long_silence_says_so(monkeypatch, capsys):
    work(1, 0.0)
    monkeypatch.setattr(progress, "SILENCE", 0.05)
    time.sleep(0.1)
    work(1, 0.03, "the next")
    assert capsys.readouterr().err == "the next: epoch 1 of 1\n"


def test_no_minute_is_silent():
    assert progress.SILENCE <= 20


def test_no_title_and_no_work_show_nothing(monkeypatch, capsys):
    monkeypatch.setattr(progress, "SILENCE", 0.0)
    assert list(with_progress(2, 5, None, "epoch")) == [2, 3, 4]
    assert list(with_progress(5, 5, "resumed at its end", "epoch")) == []
    assert not capsys.readouterr().err


def test_what_was_done_before_takes_no_time(monkeypatch, capsys):
    monkeypatch.setattr(progress, "SILENCE", 0.35)
    for _ in with_progress(90, 100, "resumed", "epoch"):
        time.sleep(0.1)
    first = capsys.readouterr().err.splitlines()[0]
    assert first == "resumed: epoch 94 of 100, 1 s left"


def test_a_line_for_each(capsys):
    with progress_of(1, 3, "toy", "cell", each=True) as step:
        step()
        step()
    assert capsys.readouterr().err == "toy: cell 2 of 3, 0 s left\ntoy: cell 3 of 3\n"


def test_it_ends_with_the_loop_that_uses_it(monkeypatch, capsys):
    """Also where that is broken off, or fails; the fixture counts the threads."""
    monkeypatch.setattr(progress, "SILENCE", 0.05)
    for i in with_progress(0, 10, "broken off", "epoch"):
        if i == 2:
            break
    failed = with_progress(0, 10, "failed", "epoch")
    next(failed)
    with pytest.raises(ZeroDivisionError):
        failed.throw(ZeroDivisionError)
    time.sleep(0.1)
    assert not capsys.readouterr().err


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_has_a_bar_and_no_lines(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(progress, "SILENCE", 0.0)
    for _ in with_progress(3, 6, "student", "epoch"):
        time.sleep(0.12)
    said = sys.stderr.getvalue()
    assert "student" in said
    assert "3/6" in said
    assert "5/6" in said
    assert "\n" not in said
    assert said.endswith("\r")  # it leaves nothing behind


@pytest.mark.parametrize("widgets", [True, False])
def test_a_notebook_has_its_own_bar_if_it_can_show_one(monkeypatch, widgets):
    kernel = SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: kernel))
    monkeypatch.setattr(progress, "find_spec", lambda name: object() if widgets else None)
    assert progress.in_notebook()


def test_an_import_of_ipykernel_makes_no_notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace())
    monkeypatch.setitem(
        sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None)
    )  # a script
    monkeypatch.setattr(progress, "find_spec", lambda name: object())
    assert not progress.in_notebook()


def digits():
    rng = np.random.default_rng(0)
    return Dataset(rng.random((400, 784), dtype=np.float32), rng.integers(0, 10, 400))


@pytest.mark.parametrize("title", ["teacher", None])
def test_training_says_how_far_it_is(title, monkeypatch, capsys):
    monkeypatch.setattr(progress, "SILENCE", 0.01)
    net = MLP([784, 20, 10], rng=0)
    train(net, digits(), hard_targets(), Recipe(epochs=5, learning_rate=0.01), progress=title,
          observe=lambda net, epoch: time.sleep(0.05))  # fmt: skip
    said = capsys.readouterr().err
    assert ("teacher: epoch " in said and " of 5" in said) if title else not said


def test_a_run_without_a_terminal_says_how_far_it_is(tmp_path):
    code = (
        "from minikd import progress, cli; progress.SILENCE = 0.5;"
        "raise SystemExit(cli.main(['run', 'forecast', '--threads', '1']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
        env=os.environ | {"MPLBACKEND": "Agg"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert ", seed 0: " in done.stderr
    assert ", seed 0: " not in done.stdout
