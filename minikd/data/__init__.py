"""Data sets: ``load_*`` reads what is there, ``fetch_*`` downloads."""

from minikd.data.dataset import Characters, Dataset, Digits
from minikd.data.emnist import fetch_emnist, load_emnist
from minikd.data.glyphs import load_characters, load_glyphs
from minikd.data.mnist import fetch_mnist, load_mnist
from minikd.data.speech import fetch_speech, load_speech, synthesize_speech

__all__ = [
    "Characters",
    "Dataset",
    "Digits",
    "fetch_emnist",
    "fetch_mnist",
    "fetch_speech",
    "load_characters",
    "load_emnist",
    "load_glyphs",
    "load_mnist",
    "load_speech",
    "synthesize_speech",
]
