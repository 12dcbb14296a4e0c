"""Do network, data, objective and recipe of a training run fit together? Asked before it begins."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from minikd import values
from minikd.backend import Array, is_native
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


def answering(objective: Objective) -> Objective:
    """The objective; its first cost and its first gradient are looked at before they are used."""

    def first(name: str) -> Any:
        answer = getattr(objective, name)
        seen: list[bool] = []

        def checked(z: Array, batch: Batch) -> Array:
            given = answer(z, batch)
            if not seen:
                seen.append(True)
                _answer_fits(f"objective.{name}(z, batch)", given, z)
            return given

        return checked

    return replace(objective, cost=first("cost"), gradient=first("gradient"))


def _answer_fits(name: str, given: Any, z: Array) -> None:
    if not is_native(given):
        raise values.refused(name, given, "an array, as z is one")
    cost = "cost" in name
    shape = tuple(z.shape[:-1] if cost else z.shape)
    if tuple(given.shape) != shape:
        each = "a value for each case" if cost else "a gradient on each logit"
        raise ValueError(
            f"{name} has shape {tuple(given.shape)} for z of shape {tuple(z.shape)}; expected {shape}, "
            f"{each}: train takes the mean"
        )
