"""Data sets: ``load_*`` reads what is there, ``fetch_*`` downloads."""

from minikd.data.dataset import Dataset, Digits
from minikd.data.glyphs import load_glyphs
from minikd.data.mnist import fetch_mnist, load_mnist

__all__ = ["Dataset", "Digits", "fetch_mnist", "load_glyphs", "load_mnist"]
