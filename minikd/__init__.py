"""minikd"""
__version__ = "0.1.0"
from minikd.mlp import MLP
from minikd.train import Recipe, TrainingDiverged, train
