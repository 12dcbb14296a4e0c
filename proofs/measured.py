"""The records of the proofs: what was found, when, and with which versions."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from minikd.checkpoint import write_atomically
from minikd.experiments.record import environment

# Of the code as it was when the command began.
BEGUN = {
    "date": f"{datetime.now(UTC):%Y-%m-%d}",
    "system": f"{platform.system()} {platform.machine()}",
    **environment(np)["versions"],
}


def write(path: Path, found: Any, parts: Iterable[str] | None = None) -> None:
    """Write what was found, and what it was found with.

    With ``parts``, only these were found now; the others in the file keep what is said of them.
    """
    measured: dict[str, Any] = BEGUN
    if parts is not None:
        before = read(path)[1] if path.exists() else {"parts": {}}
        measured = {
            "parts": before.get("parts", {"the others": {}}) | dict.fromkeys(parts, BEGUN)
        }
    text = json.dumps({"measured": measured, "found": found}, indent=1) + "\n"
    write_atomically(path, text.encode())


def read(path: Path) -> tuple[Any, dict[str, Any]]:
    """What was found, and what it was found with: nothing where an older record does not say."""
    whole = json.loads(path.read_text(encoding="utf-8"))
    return whole["found"], whole["measured"]


def said(measured: dict[str, Any], versions: bool = True) -> str:
    """A sentence for the page; without versions, where the rows have their own."""
    if not measured:
        return "When this was measured is not recorded."
    if "parts" in measured:
        of = reversed(measured["parts"].items())
        return " ".join(f"*{name}*: {said(one)}" for name, one in of)
    with_what = (
        f", with Python {measured['python']}, NumPy {measured['numpy']}, SciPy {measured['scipy']}"
        if versions else ""
    )  # fmt: skip
    return (
        f"Measured on {measured['date']}, on {measured['system']}{with_what}; minikd's source has the "
        f"hash {measured['source']}."
    )
