"""What a run keeps: a damaged file is noticed, said, and made again; no flipped bit becomes a finding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from minikd import MLP, Recipe, hard_targets, load_glyphs
from minikd.checkpoint import save_checkpoint
from minikd.experiments.kept import Kept
from minikd.experiments.record import environment


@dataclass(frozen=True)
class Settings:
    name: str = "made-up"
    data: str = "glyphs"


CONFIG, CELL = Settings(), ["a", 2.5]
PART = {
    "seconds": 1.25,
    "metrics": {"errors_before": 144, "share": 0.1},
    "curves": {"x": [1, 2, None]},
}


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path, 0, environment(np), "cpu", False)


@pytest.fixture
def file(kept, tmp_path):
    kept.write_part(CONFIG, CELL, PART)
    (path,) = tmp_path.iterdir()
    return path


def test_a_part_comes_back_as_it_was(kept, file, capsys):
    assert kept.read_part(CONFIG, CELL) == PART
    assert kept.read_part(CONFIG, ["another"]) is None
    assert capsys.readouterr().err == ""


def test_no_flipped_bit_becomes_a_finding(kept, file, capsys):
    """Every bit of the file, one after the other; a space that becomes another sign may be read."""
    whole = file.read_bytes()
    noticed = 0
    for at in range(8 * len(whole)):
        content = bytearray(whole)
        content[at // 8] ^= 1 << at % 8
        file.write_bytes(content)
        found = kept.read_part(CONFIG, CELL)
        assert found is None or found == PART, bytes(content)
        noticed += found is None
    assert noticed > 0.97 * 8 * len(whole)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == noticed
    assert set(said) == {f"minikd: {file} is damaged; what it held is made again"}


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b"1", b"\xff\xfe", b"{\"found\": {}}", b"[" * 100_000,
     b'{"seconds": 1, "metrics": {}}', b'{"found": 3, "sha256": "x"}'],
    ids=lambda content: repr(content[:12]),
)  # fmt: skip
def test_what_is_no_part_is_made_again(kept, file, capsys, content):
    file.write_bytes(content)
    assert kept.read_part(CONFIG, CELL) is None
    assert "is damaged; what it held is made again" in capsys.readouterr().err
    kept.write_part(CONFIG, CELL, PART)
    assert kept.read_part(CONFIG, CELL) == PART


@pytest.mark.parametrize(
    "damage", ["empty", "half", "text", "another archive", "another shape"]
)
def test_a_damaged_array_is_made_again_and_the_old_file_stays(kept, tmp_path, capsys, damage):
    made = []

    def make(title):
        made.append(title)
        return np.arange(4.0)

    for _ in range(2):
        assert kept.array("logits", "w", (4,), make).tolist() == [0, 1, 2, 3]
    assert len(made) == 1
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    if damage == "another archive":
        np.savez(path, other=np.arange(3))
    elif damage == "another shape":
        save_checkpoint(path, {"array": np.arange(3.0)}, {"seconds": 1.0})
    else:
        path.write_bytes(
            {"empty": b"", "half": whole[: len(whole) // 2], "text": b"hello"}[damage]
        )
    assert kept.array("logits", "w", (4,), make).tolist() == [0, 1, 2, 3]
    assert len(made) == 2
    assert f"{path} is damaged; what it held is made again" in capsys.readouterr().err
    assert {each.name for each in tmp_path.iterdir()} == {path.name, f"{path.name}.damaged"}


def test_a_damaged_network_is_trained_again(kept, tmp_path, capsys):
    digits = load_glyphs(rng=0, train=200, test=50)

    def trained():
        net = MLP([784, 8, 10], rng=1)
        kept.train("student", "w", net, digits.train, hard_targets(), Recipe(2, 0.1))
        return net(digits.test.x)

    first = trained()
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-100])
    np.testing.assert_array_equal(trained(), first)
    assert "is damaged" in capsys.readouterr().err
