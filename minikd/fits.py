"""Do network, data, objective and recipe of a training run fit together? Asked before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minikd import values
from minikd.backend import is_native
from minikd.checks import both_kinds
from minikd.labels import all_known, labels_fit
from minikd.objectives import Batch

if TYPE_CHECKING:
    from minikd.data.dataset import Dataset
    from minikd.mixture import Mixture
    from minikd.mlp import MLP
    from minikd.objectives import Objective
    from minikd.train import Recipe


def run_fits(
    net: MLP | Mixture, data: Dataset, objective: Objective, recipe: Recipe,
    special: float | None, step: str,
) -> None:  # fmt: skip
    """Network, data, objective and recipe of a training run fit together."""
    values.choice("step", step, ("fast", "plain"))
    if len(data) == 0:
        raise ValueError("data holds no cases; is the transfer set empty?")
    if data.x.shape[-1] != net.sizes[0]:
        raise ValueError(
            f"data has {data.x.shape[-1]} inputs per case; the network has {net.sizes[0]}"
        )
    _objective_fits(data, objective, net.sizes[-1])
    _dropout_fits(net, recipe)
    _members_fit(net, data, objective, recipe)
    _answers_fit(net, data, objective)
    if special is not None:
        _special_fits(data.y, net.sizes[-1], objective, min(recipe.batch, len(data)), special)
    steps = recipe.epochs * -(-len(data) // recipe.batch)
    if recipe.warm_up >= max(steps, 2):
        raise ValueError(
            f"warm_up is {recipe.warm_up} steps; the whole run has {steps}; use fewer"
        )


def ways_of_a_run(checkpoint: Any, seconds_between: Any, progress: Any, observe: Any) -> None:
    """Where a training run is kept, and how it is watched."""
    values.weight("seconds_between", seconds_between)
    if checkpoint is not None:
        path = values.path("checkpoint", checkpoint)
        if path.is_file() and path.suffix != ".npz":
            raise ValueError(
                f"checkpoint: {path} is a file, but not an .npz of minikd; expected an .npz file, or a folder"
            )
    values.title("progress", progress)
    if observe is not None:
        values.function("observe", observe, "a function, observe(net, epoch)")


def _objective_fits(data: Dataset, objective: Objective, classes: int) -> None:
    if "v" in objective.needs:
        if data.v is None:
            raise ValueError(
                f"{objective.name} needs a teacher's logits, and data has none; "
                "make the transfer set with data.with_logits(teacher(data.x))"
            )
        if data.v.shape[-1] != classes:
            raise ValueError(
                f"the teacher's logits in data have {data.v.shape[-1]} classes and the network {classes}"
            )
    if "y" in objective.needs:
        labels_fit(data.y, objective, classes)


def _dropout_fits(net: MLP | Mixture, recipe: Recipe) -> None:
    if not recipe.dropout:
        return
    if not net.drops:
        raise ValueError("a mixture of experts is trained without dropout; leave it out")
    if len(recipe.dropout) != len(net.sizes) - 1:
        raise ValueError(
            f"dropout has {len(recipe.dropout)} rates; expected {len(net.sizes) - 1}: "
            "one for the inputs and one for each hidden layer"
        )


def _members_fit(
    net: MLP | Mixture, data: Dataset, objective: Objective, recipe: Recipe
) -> None:
    used = {name: getattr(data, name) for name in objective.needs}
    for name, given in (
        ("learning_rate", np.shape(recipe.learning_rate)),
        ("T", objective.members),
        ("v", used["v"].shape[:-2] if used.get("v") is not None else ()),
        ("y", used["y"].shape[:-1] if used.get("y") is not None else ()),
    ):
        if given and given != net.members:
            raise ValueError(
                f"{name} has values for {given[0]} members; the network has "
                f"{net.members[0] if net.members else 'no member axis'}"
            )


def _special_fits(
    y: Any, classes: int, objective: Objective, batch: int, special: float
) -> None:
    if objective.needs != "y":
        raise ValueError(f"special needs hard targets; the objective is {objective.name}")
    all_known(y, "special cases are drawn by their labels: begin with data.take(data.labelled)")
    if not 0 < round(special * batch) < batch:
        raise ValueError(
            f"special is {special}: {round(special * batch)} of {batch} cases in each batch; "
            "expected at least one, and at least one from the dustbin"
        )
    both_kinds(y == classes - 1, f"in the dustbin, the class {classes - 1}")


def _answers_fit(net: MLP | Mixture, data: Dataset, objective: Objective) -> None:
    """The objective gives a cost for each case, and a gradient on each logit, of a few cases."""
    few = slice(0, min(3, len(data)))
    send = net.xp.asarray
    batch = Batch(
        x=send(data.x[few], dtype=net.parameters[0].dtype),
        y=None if data.y is None else send(data.y[..., few]),
        v=None if data.v is None else send(data.v[..., few, :]),
    )
    z = net.xp.zeros((*net.members, len(batch.x), net.sizes[-1]), dtype=batch.x.dtype)
    for name, answer, shape in (
        ("cost", objective.cost, z.shape[:-1]), ("gradient", objective.gradient, z.shape),
    ):  # fmt: skip
        given = answer(z, batch)
        if not is_native(given):
            raise values.refused(f"objective.{name}(z, batch)", given, "an array, as z is one")
        if tuple(given.shape) != tuple(shape):
            each = "a value for each case" if name == "cost" else "a gradient on each logit"
            raise ValueError(
                f"objective.{name}(z, batch) has shape {tuple(given.shape)} for z of shape "
                f"{tuple(z.shape)}; expected {tuple(shape)}, {each}: train takes the mean"
            )
