"""Exercises: what a learner writes, how it is checked, and which mistakes are known by name."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from minikd.exercises.exercise import Exercise


def _all() -> dict[str, Exercise]:
    rooms = pkgutil.iter_modules([str(Path(__file__).parent / "rooms")])
    found = [
        importlib.import_module(f"minikd.exercises.rooms.{room.name}").EXERCISE
        for room in rooms
    ]
    return {exercise.name: exercise for exercise in sorted(found, key=lambda e: e.number)}


EXERCISES = _all()
