"""The data sets by name: what an experiment's ``data`` and the command's ``--data`` may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minikd import values
from minikd.data.emnist import fetch_emnist, load_emnist
from minikd.data.glyphs import load_characters, load_glyphs
from minikd.data.mnist import fetch_mnist, load_mnist
from minikd.data.speech import fetch_speech, load_speech, synthesize_speech


@dataclass(frozen=True)
class Source:
    """A data set.

    Attributes
    ----------
    title : str
        What pictures call it.
    words : str
        What the command's help calls it.
    load : callable
        Returns the data that an experiment's cell gets.
    fetch : callable, optional
        ``fetch(progress)`` downloads it; None if it is bundled.
    counts : str
        What a part of it is counted in.
    """

    title: str
    words: str
    load: Callable[[], Any]
    fetch: Callable[[bool], Any] | None = None
    counts: str = "images"


SOURCES = {
    "glyphs": Source("bundled printed digits (not handwriting)", "printed digits", load_glyphs),
    "characters": Source(
        "bundled printed characters of 321 classes (not handwriting)", "printed characters",
        load_characters,
    ),
    "synthetic": Source(
        "bundled stand-in for speech, drawn from a hidden Markov model", "a stand-in for speech",
        synthesize_speech,
    ),
    "mnist": Source("MNIST", "handwritten digits", load_mnist, fetch_mnist),
    "emnist": Source(
        "EMNIST ByClass, part of its test split", "handwriting, 62 classes", load_emnist,
        fetch_emnist,
    ),
    "speech": Source(
        "spoken digits (FSDD)", "spoken digits", load_speech, fetch_speech, "strings of digits"
    ),
}  # fmt: skip


def title(data: str) -> str:
    """What pictures call a data set; one of your own goes by its name."""
    data = values.text("data", data, "the name of a data set")
    return SOURCES[data].title if data in SOURCES else data
