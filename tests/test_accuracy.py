"""How many digits of the equations are right: few cases here, all of them by the command."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def accuracy():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield importlib.import_module("accuracy")
    sys.path.remove(str(ROOT / "benchmarks"))


def test_every_equation_keeps_its_digits_at_every_temperature(accuracy):
    found = accuracy.measure(1, temperatures=(1e-6, 1e-2, 1.0, 20.0, 1e6))
    for name, of_type in found.items():
        for dtype, goal in accuracy.GOALS.items():
            assert of_type[dtype]["error"] <= goal, (name, dtype, of_type[dtype])


def test_the_textbooks_forms_do_not(accuracy):
    """Else there would be no reason for others."""
    found = accuracy.measure(
        1, ["softmax_difference", "kl_divergence", "hard_target_cost"], (1e-2, 1.0, 1e4)
    )
    for name, of_type in found.items():
        assert of_type["float32"]["textbook"] > 1e-2, name
        assert of_type["float64"]["textbook"] > 1e-9, name


def test_no_equation_is_left_out(accuracy):
    from minikd import equations

    # The cost of distillation adds two that are in the table.
    assert set(accuracy.EXACT) == set(equations.__all__) - {"distillation_cost"}


def test_an_error_is_seen(accuracy):
    z, v, T = np.array([0.0, 1, 2, 3]), np.zeros(4), np.float64(1)
    accuracy.mp.mp.dps = 50
    right = accuracy.error("softmax", accuracy.computed, z, v, T)
    wrong = accuracy.error("softmax", lambda *given: 1.001 * accuracy.computed(*given), z, v, T)
    assert right < 1e-15
    assert wrong == pytest.approx(1e-3)


def test_the_page_shows_the_record_and_the_goals_are_reached(accuracy):
    record = json.loads(accuracy.RECORD.read_text(encoding="utf-8"))
    text = accuracy.PAGE.read_text(encoding="utf-8")
    assert accuracy.page(text, record) == text
    assert set(record["functions"]) == set(accuracy.EXACT)
    for of_type in record["functions"].values():
        assert all(of_type[dtype]["error"] <= goal for dtype, goal in accuracy.GOALS.items())
    with pytest.raises(ValueError, match="has no <!-- accuracy -->"):
        accuracy.page("no markers", record)
