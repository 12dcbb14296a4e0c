"""The one training loop. It can be stopped at any time, and resumes bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal

import numpy as np

from minikd import fits, values
from minikd.data.dataset import Dataset, is_dataset
from minikd.fast import FastStep
from minikd.mixture import Mixture
from minikd.mlp import MLP, mask_generators
from minikd.objectives import Objective
from minikd.optim import share_of_peak
from minikd.progress import with_progress
from minikd.resume import Checkpoint, History, fingerprint, known
from minikd.sampling import Cases
from minikd.step import PlainStep
from minikd.threads import threads_for
from minikd.watch import TrainingDiverged, Watch

__all__ = ["History", "Recipe", "TrainingDiverged", "train"]


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; what it minimizes is the objective's business.

    Attributes
    ----------
    epochs : int
    learning_rate : float or tuple of float
        The peak, at the end of the warm-up; from there it falls to 0 along half a cosine. A tuple
        gives one for each member of a stack.
    batch : int
        Cases per step.
    momentum : float
    warm_up : int
        Steps over which the learning rate rises to its peak.
    dropout : tuple of float
        Rates for the inputs and for each hidden layer; empty for none. The input of the last
        linear layer is the last hidden layer, so there are as many rates as linear layers.
    max_norm : float, optional
        Largest Euclidean length of the incoming weights of a hidden unit.
    jitter : int
        Each image is shifted by up to this many pixels in each direction, anew in each epoch.
    subpixel : bool
        Whether the shifts are real numbers instead of whole pixels.
    """

    epochs: int
    learning_rate: float | tuple[float, ...]
    batch: int = 128
    momentum: float = 0.9
    warm_up: int = 0
    dropout: tuple[float, ...] = ()
    max_norm: float | None = None
    jitter: int = 0
    subpixel: bool = False

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch", 1), ("warm_up", 0), ("jitter", 0)):
            object.__setattr__(self, name, values.whole(name, getattr(self, name), least))
        rates = values.positive_rates("learning_rate", self.learning_rate)
        object.__setattr__(self, "learning_rate", rates)
        object.__setattr__(self, "momentum", values.share("momentum", self.momentum))
        object.__setattr__(self, "dropout", values.dropout_rates(self.dropout))
        object.__setattr__(self, "subpixel", values.flag("subpixel", self.subpixel))
        if self.max_norm is not None:
            object.__setattr__(self, "max_norm", values.length("max_norm", self.max_norm))


def train(
    net: MLP | Mixture,
    data: Dataset,
    objective: Objective,
    recipe: Recipe,
    rng: Any = 0,
    *,
    checkpoint: str | PathLike[str] | None = None,
    seconds_between: float = 30.0,
    progress: str | None = None,
    observe: Callable[[Any, int], Any] | None = None,
    special: float | None = None,
    step: Literal["fast", "plain"] = "fast",
) -> History:
    """Train a network, or a stack of them, in place.

    Parameters
    ----------
    net : MLP or Mixture
        Its parameters are updated.
    data : Dataset
        Must have what the objective needs: labels, or a teacher's logits. Where some labels are
        -1, not known, minikd's objectives leave out the hard targets of these cases.
    objective : Objective
    recipe : Recipe
    rng : int or Generator
        Seed of the order of the cases and of the jitter. A stack shares them, so that each
        member sees what it would see alone.
    checkpoint : path, optional
        Where to keep the state of the run: a file (``*.npz``), or a folder, any other path, in
        which each run finds a file of its own. If the file exists and belongs to the same run,
        training resumes from it and ends as if it had never stopped; a file of another run is an
        error.
    seconds_between : float
        Shortest time between two writes of the checkpoint; it is also written at the end, and
        where Ctrl-C (and in the ``minikd`` command, SIGTERM) stops the run, for the last epoch
        that is finished.
    progress : str, optional
        Show progress on stderr under this title: a bar in a terminal or notebook, else a line now
        and then.
    observe : callable, optional
        ``observe(net, epoch)`` looks at the network after each epoch, counted from 1, and returns
        plain numbers, or lists of them, for the history. It must change nothing.
    special : float, optional
        For specialists (Section 5.2): the share of each batch that is drawn from the cases whose
        label is not the last class, the dustbin. Each member of a stack draws its own cases, and
        may have its own labels, ``data.y`` of shape (E, n). An epoch has as many cases as the data;
        within it, no case comes again before all others of its kind have come.
    step : {"fast", "plain"}
        How a step is computed: with buffers (:mod:`minikd.fast`), or as the formulas stand in
        :mod:`minikd.layers` and :mod:`minikd.optim`. The two are equal to rounding.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If the data does not fit the network or lacks what the objective needs, or the
        checkpoint belongs to another run.
    TrainingDiverged
        Naming the step and the learning rate.
    """
    _are_what_they_should_be(net, data, objective, recipe)
    special = None if special is None else values.between("special", special)
    fits.run_fits(net, data, objective, recipe, special, step)
    fits.ways_of_a_run(checkpoint, seconds_between, progress, observe)
    rng, checkpoint = values.as_seed(rng), known(checkpoint, objective)
    run = fingerprint(net, data, objective, recipe, rng, special, step) if checkpoint else ""
    kept = Checkpoint(checkpoint, run, seconds_between)
    cases = Cases(net, data, objective.needs, recipe, rng, special)
    watch = Watch(net, cases.some)
    in_epoch = -(-len(data) // recipe.batch)
    peak = np.asarray(recipe.learning_rate)

    shared = len(net.seeds) if special is None else 1
    with (
        threads_for(net.sizes, recipe.batch, shared, training=step == "fast"),
        (FastStep if step == "fast" else PlainStep)(net, recipe) as one,
        kept,
    ):
        history = kept.read(net, one.velocities)
        objective = one.arranged(fits.answering(objective))
        for epoch in with_progress(len(history.costs), recipe.epochs, progress, "epoch"):
            last = epoch == recipe.epochs - 1
            dropping = mask_generators(net, epoch) if recipe.dropout else []
            costs = one.costs(objective)
            for i, batch in enumerate(cases.epoch(epoch)):
                t = epoch * in_epoch + i
                rate = peak * share_of_peak(t, recipe.epochs * in_epoch, recipe.warm_up)
                # NumPy need not warn of an overflow: the watch finds it.
                with np.errstate(all="ignore"):
                    z, caches = one.forward(batch.x, dropping)
                    watch.logits(z, t, rate, look=i % 100 == 0 or i == in_epoch - 1)
                    costs.add(z, batch)
                    # The one place where the mean over the cases is taken.
                    dz = objective.gradient(z, batch) / batch.x.shape[-2]
                    one.descend(dz, caches, rate)
            one.end_epoch()
            watch.epoch(caches, t, rate, last)
            history.costs.append((costs.total() / len(data)).tolist())
            if observe is not None:
                history.observed.append(observe(net, epoch + 1))
            kept.write(net, one.velocities, history, last)
    return history


def _are_what_they_should_be(net: Any, data: Any, objective: Any, recipe: Any) -> None:
    values.instance("net", net, (MLP, Mixture), "a network, like MLP([784, 100, 10], rng=0)")
    is_dataset(data)
    names = {"hard_targets": "()", "logit_matching": "()", "soft_targets": "(T=4)"}
    name = getattr(objective, "__name__", "")
    called = f": call it, {name}{names[name]}" if name in names else ""
    values.instance(
        "objective", objective, (Objective,), f"an Objective{called or ', like hard_targets()'}"
    )
    values.instance(
        "recipe", recipe, (Recipe,), "a Recipe, like Recipe(epochs=10, learning_rate=0.1)"
    )
