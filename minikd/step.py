"""One training step as the formulas have it: forward, backward, update.

:mod:`minikd.fast` does the same with buffers, and is what :func:`minikd.train` uses unless told
otherwise. Both have the methods of :class:`PlainStep`.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from minikd.backend import Array, to_host
from minikd.mixture import Mixture
from minikd.mlp import MLP, draw_masks
from minikd.objectives import Batch, Objective
from minikd.optim import clip_norms, sgd_step

if TYPE_CHECKING:
    from minikd.train import Recipe


class PlainStep:
    """The steps of a training run, in the network's own arrays.

    Parameters
    ----------
    net : MLP or Mixture
    recipe : Recipe

    Attributes
    ----------
    velocities : list of array
        Shaped like the parameters; a checkpoint keeps them at the end of an epoch.
    """

    def __init__(self, net: MLP | Mixture, recipe: Recipe) -> None:
        self.net, self.recipe, self.velocities = net, recipe, net.zeros()

    def __enter__(self) -> PlainStep:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Leave the network with what it has learnt."""

    def forward(self, x: Array, rngs: list[Any]) -> tuple[Array, list[Any]]:
        """Logits of a batch, and caches; with dropout if there are generators for it."""
        masks: list[Array | None] | None = None
        if rngs and isinstance(self.net, MLP):
            masks = draw_masks(self.net, self.recipe.dropout, rngs, x.shape[-2])
        return self.net.forward(x, masks)

    def descend(self, dz: Array, caches: list[Any], rate: Any) -> None:
        """Backpropagate the gradient on the logits, and update the parameters."""
        gradients = self.net.backward(dz, caches)
        sgd_step(self.net.parameters, self.velocities, gradients, rate, self.recipe.momentum)
        if self.recipe.max_norm is not None:
            for W in self.net.hidden_weights:
                clip_norms(W, self.recipe.max_norm)

    def end_epoch(self) -> None:
        """Nothing to do: ``velocities`` are always the velocities themselves."""

    def arranged(self, objective: Objective) -> Objective:
        """The objective, unchanged."""
        return objective

    def costs(self, objective: Objective) -> Costs:
        """A new sum of the cost over an epoch, starting at 0."""
        return Costs(objective)


class Costs:
    """The sum over an epoch of what a history records, for each member."""

    def __init__(self, objective: Objective) -> None:
        self.objective, self.sum = objective, 0.0

    def add(self, z: Array, batch: Batch) -> None:
        """Add the costs of a batch."""
        recorded = self.objective.recorded or self.objective.cost
        self.sum = self.sum + recorded(z, batch).sum(-1)

    def total(self) -> Any:
        """One sum per member, on the host."""
        return np.atleast_1d(np.asarray(to_host(self.sum), dtype=float))
