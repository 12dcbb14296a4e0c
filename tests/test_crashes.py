"""Runs that are killed or have no disk, a few; the command of proofs/crashes.py kills a hundred times."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="signals and limits of Unix")
sys.path.insert(0, str(Path(__file__).parents[1] / "proofs"))

import crashes


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return crashes.Runs(tmp_path_factory.mktemp("crashes"), seed=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "do",
    [
        lambda runs: runs.killed(1, signal.SIGKILL, "the command"),
        lambda runs: runs.killed(1, signal.SIGTERM, "the command"),
        lambda runs: runs.killed_while_writing("die-half", range(3, 4)),
        lambda runs: runs.no_room("full", range(4, 5), "the disk is full"),
        lambda runs: runs.damaged("a bit flips", crashes.flip, most=2),
    ],
    ids=["SIGKILL", "SIGTERM", "half a file", "full disk", "flipped bits"],
)
def test_a_broken_run_ends_as_the_unbroken_one(runs, do):
    tried = do(runs)
    assert tried.times
    assert tried.held(), tried
    if tried.done == "the disk is full":
        assert "cannot be written (No space left on device)" in tried.seen


def test_another_record_is_noticed(runs, tmp_path):
    """The check can fail."""
    assert crashes.record_of(runs.folder / "unbroken") == runs.unbroken
    other = json.loads((runs.folder / "unbroken" / crashes.RECORD).read_text())
    other["metrics"]["test_cases"][0] += 1
    (tmp_path / crashes.RECORD).write_text(json.dumps(other))
    assert crashes.record_of(tmp_path) != runs.unbroken
