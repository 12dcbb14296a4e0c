"""Data sets: ``load_*`` reads what is there, ``fetch_*`` downloads.

Each is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minikd.data.dataset import Characters, Dataset, Digits
    from minikd.data.emnist import fetch_emnist, load_emnist
    from minikd.data.glyphs import load_characters, load_glyphs
    from minikd.data.mnist import fetch_mnist, load_mnist
    from minikd.data.speech import fetch_speech, load_speech, synthesize_speech

__all__ = [
    "Characters", "Dataset", "Digits", "fetch_emnist", "fetch_mnist", "fetch_speech",
    "load_characters", "load_emnist", "load_glyphs", "load_mnist", "load_speech",
    "synthesize_speech",
]  # fmt: skip

_HOME = {
    "dataset": ("Characters", "Dataset", "Digits"),
    "emnist": ("fetch_emnist", "load_emnist"),
    "glyphs": ("load_characters", "load_glyphs"),
    "mnist": ("fetch_mnist", "load_mnist"),
    "speech": ("fetch_speech", "load_speech", "synthesize_speech"),
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    for home, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
