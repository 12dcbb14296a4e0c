"""Logits of a user's own, from text and from files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikd.logits import parse_logits, read_logits

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(FINITE, min_size=1, max_size=8))
def test_a_line_is_read_as_it_was_written(logits):
    assert parse_logits(", ".join(map(repr, logits))).tolist() == logits


@given(
    st.lists(st.lists(FINITE, min_size=3, max_size=3), min_size=1, max_size=5),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_a_table_is_read_as_it_was_written(tmp_path_factory, rows, end, named):
    path = tmp_path_factory.mktemp("logits") / "rows.csv"
    lines = [",".join(map(repr, row)) for row in rows]
    if named:
        lines = ['cat,"a, b",ärger', *lines]
    path.write_bytes(end.join([*lines, ""]).encode())
    logits, names = read_logits(path)
    assert logits.tolist() == rows
    assert names == (["cat", "a, b", "ärger"] if named else None)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "holds no row of logits"),
        ("a.csv", b"cat,dog\n", "holds no row of logits"),
        ("a.csv", b"1,2\n3\n", "line 2 of .* has 1 entries; expected 2, as in the first"),
        ("a.csv", b"cat,dog\n1,b\n", "line 2 of .* is '1,b'; expected numbers with commas"),
        ("a.csv", b"1,nan\n", "expected finite numbers"),
        ("a.csv", b"\xff\xfe\x00", "is no CSV file"),
        ("a.npy", b"no array", "is no array in .npy"),
        ("a.npy", b"", "is no array in .npy"),
    ],
)
def test_files_that_cannot_be_read(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_logits(tmp_path / name)


@pytest.mark.parametrize(
    "array",
    [np.array(["a"]), np.zeros((2, 2, 2)), np.zeros((0, 3)), np.array([{}], dtype=object)],
)
def test_arrays_that_are_no_logits(array, tmp_path):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(ValueError, match=r"expected numbers of shape|is no array in .npy"):
        read_logits(tmp_path / "a.npy")


def test_one_case_in_an_array(tmp_path):
    np.save(tmp_path / "a.npy", np.array([1, 2]))
    assert read_logits(tmp_path / "a.npy")[0].tolist() == [[1.0, 2.0]]
