"""The table of every backward: each is the derivative, and one that is not would be seen in it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from minikd import MLP, combination, equations, fast, layers, plain
from minikd.mixture import Mixture

sys.path.insert(0, str(Path(__file__).parents[1] / "proofs"))

import backwards

# What Eq. 2 becomes as T grows: no derivative of a cost of its own.
LIMITS = {"high_temperature_gradient", "zero_mean_gradient"}
# What a backward is made of is where it is looked up.
PLACES = [
    *((equations, name) for name in vars(equations) if name.endswith("_gradient")),
    *((combination, name) for name in vars(combination) if name.endswith("_gradient")),
    *((layers, name) for name in vars(layers) if name.endswith("_backward")),
    (backwards, "mixture_backward"), (fast, "backward"), (plain, "backward"),
    (plain, "soft_gradient"), (plain, "hard_gradient"), (MLP, "backward"), (Mixture, "backward"),
]  # fmt: skip


def test_every_backward_is_the_derivative():
    rows = backwards.table()
    assert len(rows) >= 20
    for row in rows:
        # A few roundings of float64; differences lose three digits more.
        assert row.error < (5e-15 if row.by == "complex step" else 5e-12), row


@pytest.mark.parametrize(
    ("place", "name"), [at for at in PLACES if at[1] not in LIMITS],
    ids=[f"{at[0].__name__}.{at[1]}" for at in PLACES if at[1] not in LIMITS],
)  # fmt: skip
def test_the_table_sees_a_backward_that_is_a_hundredth_off(place, name, monkeypatch):
    right = getattr(place, name)

    def off(*arguments, **named):
        found = right(*arguments, **named)
        if found is None:  # it has written into buffers
            for gradient in arguments[4]:
                gradient *= 1.01
            return None
        if isinstance(found, (list, tuple)):
            return [None if part is None else part * 1.01 for part in found]
        return found * 1.01

    monkeypatch.setattr(place, name, off)
    assert max(row.error for row in backwards.table()) > 1e-3
