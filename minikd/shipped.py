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
    ValueError
        If the name is another.
    FileNotFoundError
        If it is not there.
    """
    if values.text("name", name) not in ("lessons", "results"):
        raise values.refused("name", name, "lessons or results")
    package = Path(minikd.__file__).parent
    for place in (package / "shipped_files" / name, package.parent / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(
        f"name is {name!r}: {package.parent / name} is not there; install minikd again, from its "
        "repository or from a wheel"
    )
