"""What a run minimizes: hard targets, soft targets, both together, or logit matching.

An objective is a cost and its gradient, taken from :mod:`minikd.equations` as they stand
there, with T and the weight filled in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minikd import equations
from minikd.backend import Array, namespace


@dataclass(frozen=True)
class Batch:
    """Some cases: inputs, and the labels and teacher's logits if the data has them."""

    x: Array  # (B, in)
    y: Array | None = None  # (B,)
    v: Array | None = None  # (B, N) or (*E, B, N)


@dataclass(frozen=True)
class Objective:
    """A cost per case and its gradient on the logits.

    Attributes
    ----------
    name : str
        In words, with its settings.
    cost : callable
        ``cost(z, batch)`` gives nats per case, (*E, B).
    gradient : callable
        ``gradient(z, batch)`` gives (*E, B, N), a gradient per case; no mean is taken.
    floor : callable
        ``floor(batch)``, (*E, B) or 0: what the cost cannot fall below (T² times the entropy of
        the soft targets).
    needs : str
        The fields of a batch that it looks at.
    """

    name: str
    cost: Callable[[Array, Batch], Array]
    gradient: Callable[[Array, Batch], Array]
    floor: Callable[[Batch], Array]
    needs: str


def hard_targets() -> Objective:
    """Cross-entropy with the labels at T = 1: how a teacher is trained, or a student alone."""
    return Objective(
        name="hard targets",
        cost=lambda z, batch: equations.hard_target_cost(z, batch.y),
        gradient=lambda z, batch: equations.hard_target_gradient(z, batch.y),
        floor=lambda batch: 0.0,
        needs="y",
    )


def soft_targets(T: Any, hard_weight: float = 0.0) -> Objective:
    """Distillation: T² times the soft-target cost, plus ``hard_weight`` times the hard one.

    Parameters
    ----------
    T : float or array, shape (*E, 1, 1)
        The temperature, or one for each member of a stack.
    hard_weight : float
        Weight of the hard targets relative to the soft ones. With 0, no label is looked at,
        so the transfer set may be unlabelled.
    """

    def temperature(z: Array) -> Any:
        return namespace(z).asarray(T) if getattr(T, "ndim", 0) else T

    def floor(batch: Batch) -> Array:
        # The cost of a student that equals its teacher.
        return equations.distillation_cost(batch.v, batch.v, T=temperature(batch.v))

    # Called once here, so that a bad T or weight is an error before the training starts.
    equations.distillation_cost([[0.0]], [[0.0]], [0], T=T, hard_weight=hard_weight)
    shown = f"{T:g}" if isinstance(T, (int, float)) else "one per member"
    both = f" and {hard_weight:g} × hard targets" if hard_weight else ""
    return Objective(
        name=f"soft targets at T = {shown}{both}",
        cost=lambda z, batch: equations.distillation_cost(
            z, batch.v, batch.y, temperature(z), hard_weight
        ),
        gradient=lambda z, batch: equations.distillation_gradient(
            z, batch.v, batch.y, temperature(z), hard_weight
        ),
        floor=floor,
        needs="vy" if hard_weight else "v",
    )


def logit_matching() -> Objective:
    """½(z − v)², the high-temperature limit (Section 2)."""
    return Objective(
        name="logit matching",
        cost=lambda z, batch: equations.logit_matching_cost(z, batch.v),
        gradient=lambda z, batch: equations.logit_matching_gradient(z, batch.v),
        floor=lambda batch: 0.0,
        needs="v",
    )
