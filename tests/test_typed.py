"""A user's program is checked by mypy against minikd's own types: they travel with the package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import minikd

pytest.importorskip("mypy", reason="mypy is not installed")

RIGHT = """
from minikd import MLP, Recipe, gradcheck, hard_targets, load_glyphs, soft_targets, train
from minikd.equations import softmax

teacher: MLP = MLP([784, 50, 10], rng=1)
digits = load_glyphs(rng=0)
history = train(teacher, digits.train, hard_targets(), Recipe(epochs=1, learning_rate=0.1))
seconds: float = history.seconds
transfer = digits.train.with_logits(teacher(digits.train.x)).without(3)
passed: bool = gradcheck(lambda z: softmax(z)[0], [1.0, 2.0], gradient=lambda z: z)
objective = soft_targets(T=4.0, hard_weight=0.5)
"""
WRONG = (
    RIGHT
    + """
Recipe(epochs="many", learning_rate=0.1)
name: str = history.seconds
train(teacher, digits.train, Recipe(epochs=1, learning_rate=0.1), hard_targets())
"""
)


def said_by_mypy(program, tmp_path):
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "program.py"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.slow
def test_a_program_of_a_user_is_checked(tmp_path):
    assert (Path(minikd.__file__).parent / "py.typed").exists()
    assert said_by_mypy(RIGHT, tmp_path).startswith("Success")
    wrong = said_by_mypy(WRONG, tmp_path)
    assert wrong.count("error:") == 4  # the two arguments that are exchanged are one each
    for word in ("epochs", "float", "Objective", "Recipe"):
        assert word in wrong
