"""Knowledge distillation from scratch: Hinton, Vinyals & Dean 2015 in NumPy and CuPy.

Begin with :mod:`minikd.plain`, the whole engine on one page, and go on with
:mod:`minikd.equations`, Section 2 of the paper from top to bottom. A first experiment:

>>> from minikd import MLP, Recipe, errors, hard_targets, load_glyphs, soft_targets, train
>>> digits = load_glyphs(rng=0, train=500, test=100)
>>> teacher = MLP([784, 100, 10], rng=1)
>>> _ = train(teacher, digits.train, hard_targets(), Recipe(epochs=10, learning_rate=0.1))
>>> transfer = digits.train.with_logits(teacher(digits.train.x)).without(3)
>>> student = MLP([784, 50, 10], rng=2)
>>> _ = train(student, transfer, soft_targets(T=4), Recipe(epochs=10, learning_rate=0.03))
>>> errors(student(digits.test.x), digits.test.y) < 50
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

# These functions have the names of their modules; imported lazily, they would be the modules.
from minikd.gradcheck import GradcheckError, gradcheck
from minikd.train import Recipe, TrainingDiverged, train

if TYPE_CHECKING:
    from minikd.data import Dataset, Digits, fetch_mnist, load_glyphs, load_mnist
    from minikd.equations import (
        distillation_cost,
        distillation_gradient,
        entropy,
        hard_target_cost,
        hard_target_gradient,
        high_temperature_gradient,
        kl_divergence,
        log_softmax,
        logit_matching_cost,
        logit_matching_gradient,
        soft_target_cost,
        soft_target_gradient,
        softmax,
        softmax_difference,
        temperature_gradient,
        zero_mean_gradient,
    )
    from minikd.evaluate import confusion, errors, errors_per_class, sweep_bias, with_bias
    from minikd.mlp import MLP
    from minikd.objectives import Batch, Objective, hard_targets, logit_matching, soft_targets
    from minikd.plots import save_figure
    from minikd.statistics import paired_test

__version__ = "0.1.0"

__all__ = [
    "MLP",
    "Batch",
    "Dataset",
    "Digits",
    "GradcheckError",
    "Objective",
    "Recipe",
    "TrainingDiverged",
    "confusion",
    "distillation_cost",
    "distillation_gradient",
    "entropy",
    "errors",
    "errors_per_class",
    "fetch_mnist",
    "gradcheck",
    "hard_target_cost",
    "hard_target_gradient",
    "hard_targets",
    "high_temperature_gradient",
    "kl_divergence",
    "load_glyphs",
    "load_mnist",
    "log_softmax",
    "logit_matching",
    "logit_matching_cost",
    "logit_matching_gradient",
    "paired_test",
    "save_figure",
    "soft_target_cost",
    "soft_target_gradient",
    "soft_targets",
    "softmax",
    "softmax_difference",
    "sweep_bias",
    "temperature_gradient",
    "train",
    "with_bias",
    "zero_mean_gradient",
]  # fmt: skip

# Everything else is imported on first use.
_HOME = {
    "data": ("Dataset", "Digits", "fetch_mnist", "load_glyphs", "load_mnist"),
    "equations": (
        "distillation_cost", "distillation_gradient", "entropy", "hard_target_cost",
        "hard_target_gradient", "high_temperature_gradient", "kl_divergence", "log_softmax",
        "logit_matching_cost", "logit_matching_gradient", "soft_target_cost",
        "soft_target_gradient", "softmax", "softmax_difference", "temperature_gradient",
        "zero_mean_gradient",
    ),
    "evaluate": ("confusion", "errors", "errors_per_class", "sweep_bias", "with_bias"),
    "mlp": ("MLP",),
    "objectives": ("Batch", "Objective", "hard_targets", "logit_matching", "soft_targets"),
    "plots": ("save_figure",),
    "statistics": ("paired_test",),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    from importlib import import_module

    for home, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    # A submodule that nobody has imported yet, such as minikd.plots.
    try:
        return import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":  # it is there, but something it needs is not
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
