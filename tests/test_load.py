"""The proof that a cluster loses nothing can fail; the proof itself needs root and some minutes."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="Dask is not installed")
sys.path.insert(0, str(Path(__file__).parents[1] / "proofs"))

from load import Loaded

GOOD = Loaded(3, 4, 300, did={"worker killed": 5, "scheduler killed": 1}, begun=317, same=True)


def test_what_a_cluster_may_lose():
    assert GOOD.held()
    assert replace(GOOD, did=GOOD.did | {"host cut off": 1}, begun=321).held()


@pytest.mark.parametrize("wrong", [{"same": False}, {"orphans": 1}, {"begun": 318}], ids=str)
def test_more_is_a_failure(wrong):
    assert not replace(GOOD, **wrong).held()
