"""Logits of one's own from a line of text, or from a file of any framework."""

from __future__ import annotations

import csv
from os import PathLike
from typing import Any

import numpy as np

from minikd import values
from minikd.npy import read_npy


def parse_logits(text: str, name: str = "text") -> Any:
    """Numbers with commas between them: ``2, 1, 0.1``.

    Parameters
    ----------
    text : str
    name : str
        What an error calls them.

    Returns
    -------
    ndarray, shape (N,)

    Raises
    ------
    ValueError
        If a piece is no finite number.
    """
    name = values.text("name", name)
    pieces = values.text(name, text, "numbers with commas between them").split(",")
    try:
        logits = np.array([float(piece) for piece in pieces])
    except ValueError:
        raise ValueError(
            f"{name} is {text!r}; expected numbers with commas between them"
        ) from None
    if not np.isfinite(logits).all():
        raise ValueError(f"{name} is {text!r}; expected finite numbers")
    return logits


def read_logits(path: str | PathLike[str]) -> tuple[Any, list[str] | None]:
    """Logits from a file, a case in each row.

    Parameters
    ----------
    path : path
        A CSV file, whose first row may be the names of the classes, or an array in ``.npy``.

    Returns
    -------
    logits : ndarray, shape (B, N)
    names : list of str or None

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is neither, holds no row, or a row is longer or shorter than another.
    """
    path = values.there("path", path, "logits in a file .csv or .npy")
    if path.suffix == ".npy":
        try:
            logits = read_npy(path.read_bytes())
        except ValueError as error:
            raise ValueError(f"path: {path} is no array in .npy ({error})") from error
        if logits.dtype.kind not in "fiu" or logits.ndim not in (1, 2) or not logits.size:
            raise ValueError(
                f"path: {path} has {logits.dtype} of shape {logits.shape}; expected numbers of shape "
                "(cases, classes)"
            )
        return np.atleast_2d(logits).astype(float), None
    return _read_csv(path)


def _read_csv(path: Any) -> tuple[Any, list[str] | None]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [
                (n, row)
                for n, row in enumerate(csv.reader(file), 1)
                if any(map(str.strip, row))
            ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"path: {path} is no CSV file ({error}); expected .csv or .npy"
        ) from error
    names = None
    if rows and not any(map(_is_number, rows[0][1])):
        names = [name.strip() for name in rows[0][1]]
        rows = rows[1:]
    if not rows:
        raise ValueError(f"path: {path} holds no row of logits")
    classes = len(names or rows[0][1])
    for n, row in rows:
        if len(row) != classes:
            raise ValueError(
                f"path: line {n} of {path} has {len(row)} entries; expected {classes}, as in the first"
            )
    return np.stack(
        [parse_logits(",".join(row), f"line {n} of {path}") for n, row in rows]
    ), names


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
