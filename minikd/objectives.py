"""What a run minimizes: hard targets, soft targets, both together, or logit matching.

An objective is a cost and its gradient, taken from :mod:`minikd.equations` with T and the weight
filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minikd import checks, equations, values
from minikd.backend import Array, namespace


@dataclass(frozen=True)
class Batch:
    """Some cases: the inputs, and labels and teacher's logits if the data has them."""

    x: Array  # (B, in)
    y: Array | None = None  # (B,) or (E, B)
    v: Array | None = None  # (B, N) or (*E, B, N)


@dataclass(frozen=True)
class Objective:
    """A cost per case and its gradient on the logits; an objective of your own is made the same way.

    Attributes
    ----------
    name : str
        For messages, and for telling checkpoints apart.
    cost : callable
        ``cost(z, batch)`` gives a value per case, (*E, B).
    gradient : callable
        ``gradient(z, batch)`` gives (*E, B, N), one row per case; no mean is taken.
    needs : str
        The fields of a batch that it uses: ``"y"``, ``"v"`` or ``"vy"``.
    floor : callable
        ``floor(batch)``, (*E, B) or 0: a bound that the cost cannot fall below (T² times the
        entropy of the soft targets). A history records the cost above it.
    members : tuple of int
        ``(E,)`` if it has a setting for each of E members of a stack, else ``()``.
    by_case : bool
        The cost of a case depends on its own logits, label and teacher's logits alone: not on x,
        nor on other cases. Those of several batches may then be computed at once, which is faster.
    settings : mapping, optional
        All that the cost depends on besides logits and batch, as plain values. They tell apart
        the checkpoints of objectives with the same name; without them, a run is neither saved nor
        resumed. Another formula needs another name.
    """

    name: str
    cost: Callable[[Array, Batch], Array]
    gradient: Callable[[Array, Batch], Array]
    needs: str
    floor: Callable[[Batch], Array] = lambda batch: 0.0
    members: tuple[int, ...] = ()
    by_case: bool = False
    settings: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not values.text("name", self.name):
            raise values.refused("name", self.name, "a name, for messages and checkpoints")
        for name in ("cost", "gradient", "floor"):
            values.function(name, getattr(self, name))
        if set(values.text("needs", self.needs, "'y', 'v' or 'vy'")) - set("vy"):
            raise values.refused("needs", self.needs, "'y', 'v' or 'vy'")
        object.__setattr__(self, "members", tuple(values.wholes("members", self.members, 1)))
        values.flag("by_case", self.by_case)
        if self.settings is not None:
            values.mapping("settings", self.settings)


def hard_targets() -> Objective:
    """Cross-entropy with the labels at T = 1: how to train a teacher, or a student alone."""
    return Objective(
        name="hard targets",
        cost=lambda z, batch: equations.hard_target_cost(z, batch.y),
        gradient=lambda z, batch: equations.hard_target_gradient(z, batch.y),
        needs="y",
        by_case=True,
        settings={},
    )


def soft_targets(T: Any, hard_weight: float = 0.0) -> Objective:
    """Distillation: T² times the soft-target cost, plus ``hard_weight`` times the hard one.

    Parameters
    ----------
    T : float or sequence of float
        The temperature, or one for each member of a stack.
    hard_weight : float
        Weight of the hard targets relative to the soft ones. With 0, no labels are
        used, so the transfer set may be unlabelled.

    Raises
    ------
    ValueError
        If a temperature is not positive and finite, or the weight is negative.
    """
    T, per_member = checks.temperatures(T)
    hard_weight = values.weight("hard_weight", hard_weight)

    on_device: dict[Any, Array] = {}

    def at(z: Array) -> Any:
        if per_member is None:
            return T
        # Sent to a GPU once, not in every step.
        kind = (namespace(z), z.dtype)
        if kind not in on_device:
            on_device[kind] = kind[0].asarray(per_member, dtype=z.dtype)
        return on_device[kind]

    # Called once here, so that a bad T or weight is an error before the training starts.
    equations.distillation_cost([[0.0]], [[0.0]], [0], at(np.zeros(1)), hard_weight)
    temperatures = [T] if per_member is None else per_member.ravel().tolist()
    shown = ", ".join(map(repr, temperatures))
    both = f" and {hard_weight!r} × hard targets" if hard_weight else ""
    return Objective(
        name=f"soft targets at T = {shown}{both}",
        cost=lambda z, batch: equations.distillation_cost(
            z, batch.v, batch.y, at(z), hard_weight
        ),
        gradient=lambda z, batch: equations.distillation_gradient(
            z, batch.v, batch.y, at(z), hard_weight
        ),
        # What the soft part costs a student that equals its teacher.
        floor=lambda batch: equations.distillation_cost(batch.v, batch.v, T=at(batch.v)),
        needs="vy" if hard_weight else "v",
        members=() if per_member is None else (len(per_member),),
        by_case=True,
        settings={"T": temperatures, "hard_weight": hard_weight},
    )


def logit_matching() -> Objective:
    """½(z − v)², the high-temperature limit (Section 2.1)."""
    return Objective(
        name="logit matching",
        cost=lambda z, batch: equations.logit_matching_cost(z, batch.v),
        gradient=lambda z, batch: equations.logit_matching_gradient(z, batch.v),
        needs="v",
        by_case=True,
        settings={},
    )
