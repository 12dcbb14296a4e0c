"""Data sets: ``load_*`` reads what is there, ``fetch_*`` downloads."""

from minikd.data.dataset import Dataset, Digits
from minikd.data.glyphs import load_glyphs
from minikd.data.mnist import fetch_mnist, load_mnist
from minikd.data.speech import fetch_speech, load_speech, synthesize_speech

__all__ = [
    "Dataset",
    "Digits",
    "fetch_mnist",
    "fetch_speech",
    "load_glyphs",
    "load_mnist",
    "load_speech",
    "synthesize_speech",
]
