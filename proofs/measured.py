"""The records of the proofs: what was found, when, and with which versions."""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from minikd.checkpoint import write_atomically
from minikd.experiments.record import environment


def write(path: Path, found: Any) -> None:
    """Write what was found, and what it was found with."""
    measured = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "system": f"{platform.system()} {platform.machine()}",
        **environment(np)["versions"],
    }
    text = json.dumps({"measured": measured, "found": found}, indent=1) + "\n"
    write_atomically(path, text.encode())


def read(path: Path) -> tuple[Any, dict[str, str]]:
    """What was found, and what it was found with: nothing where an older record does not say."""
    whole = json.loads(path.read_text(encoding="utf-8"))
    return whole["found"], whole["measured"]


def said(measured: dict[str, str]) -> str:
    """A sentence for the page."""
    if not measured:
        return ""
    with_what = ", ".join(
        f"{words} {measured[key]}"
        for key, words in (
            ("python", "Python"), ("numpy", "NumPy"), ("scipy", "SciPy"), ("source", "source"),
        )
    )  # fmt: skip
    return f"Measured on {measured['date']}, on {measured['system']}, with {with_what}."
