"""Damaged files, a few of each format: the command of proofs/fuzz.py tries ten thousand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "proofs"))

import fuzz  # noqa: E402


@pytest.mark.parametrize("name", list(fuzz.formats()))
def test_damaged_files_are_refused_in_one_line(name, tmp_path):
    counts = fuzz.fuzz(60, seed=1, failures=tmp_path, only=name)
    assert fuzz.failed(counts) == {}
    # The damage is neither always noticed at once, nor never.
    assert counts[name]["refused"] > 10


def test_bombs_are_refused():
    counts = fuzz.fuzz(0, only="bombs")
    assert len(counts) >= 10
    assert fuzz.failed(counts) == {}


def test_a_bomb_is_caught_by_the_fuzzer(tmp_path):
    """The check can fail: a reader that believes a header takes the memory it claims."""
    path = tmp_path / "bomb"
    path.write_bytes((10_000_000).to_bytes(8, "big"))
    greedy = fuzz.Format(
        "", [], lambda path: bytearray(int.from_bytes(path.read_bytes(), "big"))
    )
    assert "bytes of memory for a file of 8" in fuzz.outcome(greedy, path)
    for error, said in (
        (KeyError("u0"), "wrong: KeyError"),
        (ValueError("it is damaged"), "names no file"),
        (UserWarning("!"), "wrong: UserWarning"),
    ):

        def fails(path, error=error):
            raise error

        assert said in fuzz.outcome(fuzz.Format("", [], fails), path)
