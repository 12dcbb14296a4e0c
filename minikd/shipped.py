"""What comes with minikd beside its code: the lessons, and the records of full runs."""

from __future__ import annotations

from pathlib import Path

import minikd
from minikd import values


def folder(name: str) -> Path:
    """A folder that comes with minikd, from its repository or from an installed wheel.

    Parameters
    ----------
    name : {"lessons", "results"}

    Raises
    ------
    FileNotFoundError
        If it is not there.
    """
    values.text("name", name, "the name of a folder")
    package = Path(minikd.__file__).parent
    for place in (package / "shipped_files" / name, package.parent / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(
        f"name is {name!r}: {package.parent / name} is not there; install minikd again, from its "
        "repository or from a wheel"
    )
