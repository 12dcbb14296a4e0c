"""What a run minimizes: hard targets, soft targets, both together, or logit matching.

An objective is a cost and its gradient, taken from :mod:`minikd.equations` with T and the weight
filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from minikd import arrays, checks, equations, values
from minikd.backend import Array, is_native, namespace, on_host


@dataclass(frozen=True)
class Batch:
    """Some cases: the inputs, and labels and teacher's logits if the data has them."""

    x: Array  # (B, in)
    y: Array | None = None  # (B,) or (E, B); -1 where no label is known
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
    recorded : callable, optional
        ``recorded(z, batch)``, (*E, B): what a history records instead of the cost. It is the cost
        above the smallest that it can be, if that can be computed better than by subtraction: for
        soft targets, T² KL instead of T² times a cross-entropy.
    members : tuple of int
        ``(E,)`` if it has a setting for each of E members of a stack, else ``()``.
    by_case : bool
        The cost of a case depends on its own logits, label and teacher's logits alone: not on x,
        nor on other cases. Those of several batches may then be computed at once, which is faster.
    some_labels : bool
        It knows a label of -1: that case has no label, and costs what it costs without one. An
        objective that does not say so is trained on labelled cases alone; as an index, -1 would
        silently be the last class.
    settings : mapping, optional
        All that the cost depends on besides logits and batch, as plain values. They tell apart
        the checkpoints of objectives with the same name; without them, a run is neither saved nor
        resumed. Another formula needs another name.
    """

    name: str
    cost: Callable[[Array, Batch], Array]
    gradient: Callable[[Array, Batch], Array]
    needs: str
    recorded: Callable[[Array, Batch], Array] | None = None
    members: tuple[int, ...] = ()
    by_case: bool = False
    some_labels: bool = False
    settings: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not values.text("name", self.name):
            raise values.refused("name", self.name, "a name, for messages and checkpoints")
        for name in ("cost", "gradient", "recorded"):
            if name != "recorded" or self.recorded is not None:
                values.function(name, getattr(self, name))
        if set(values.text("needs", self.needs, "'y', 'v' or 'vy'")) - set("vy"):
            raise values.refused("needs", self.needs, "'y', 'v' or 'vy'")
        object.__setattr__(self, "members", tuple(values.wholes("members", self.members, 1)))
        values.flag("by_case", self.by_case)
        values.flag("some_labels", self.some_labels)
        if self.settings is not None:
            values.mapping("settings", self.settings)


def hard_targets() -> Objective:
    """Cross-entropy with the labels at T = 1: how to train a teacher, or a student alone.

    Cases whose label is not known teach nothing. They still count in the mean over a batch, so
    if most are unlabelled, steps are small: ``data.take(data.labelled)`` leaves them out.
    """
    return Objective(
        name="hard targets",
        cost=lambda z, batch: equations.hard_target_cost(z, batch.y),
        gradient=lambda z, batch: equations.hard_target_gradient(z, batch.y),
        needs="y",
        by_case=True,
        some_labels=True,
        settings={},
    )


def soft_targets(T: Any, hard_weight: float = 0.0, *, alpha: float | None = None) -> Objective:
    """Distillation: T² times the soft-target cost, plus ``hard_weight`` times the hard one.

    Parameters
    ----------
    T : float, sequence of float, or callable
        The temperature; or one for each member of a stack; or a function of the batch that gives
        one for each case, (B,).
    hard_weight : float
        Weight of the hard targets relative to the soft ones. With 0, no labels are
        used, so the transfer set may be unlabelled. Where some labels are known, the others being
        -1, it is the weight in a labelled case; the others have the soft term alone. The mean is
        over all cases of a batch, not over the labelled ones, so a labelled case counts the same
        in every batch, and the fewer there are, the less they weigh beside all soft targets. (With
        w divided by the share of labels, a few cases would make very large steps.)
    alpha : float, optional
        The other convention, instead of ``hard_weight``: the soft targets have weight alpha, T²
        included, and the hard ones 1 - alpha.

    Raises
    ------
    ValueError
        If a temperature is not positive and finite, or a weight is out of range.

    Examples
    --------
    A teacher that is sure gets a higher temperature:

    >>> import numpy as np
    >>> objective = soft_targets(T=lambda batch: 1 + np.ptp(batch.v, axis=-1))
    """
    at, temperatures, members = _temperatures(T)
    soft, hard = values.soft_and_hard(hard_weight, alpha, has_labels=True)
    weights = {"hard_weight": hard} if alpha is None else {"alpha": soft}
    needs = "vy" if hard else "v"

    def cost(z: Array, batch: Batch, kl: bool = False) -> Array:
        return equations.distillation_cost(z, batch.v, batch.y, at(z, batch), kl=kl, **weights)

    return Objective(
        name=_name(temperatures, weights),
        cost=cost,
        gradient=lambda z, batch: equations.distillation_gradient(
            z, batch.v, batch.y, at(z, batch), **weights
        ),
        recorded=lambda z, batch: cost(z, batch, kl=True),
        needs=needs,
        members=members,
        by_case=not callable(T),
        some_labels=True,
        settings={"T": temperatures, **weights} if temperatures else None,
    )


def _temperatures(T: Any) -> tuple[Callable[[Array, Batch], Any], list[float], tuple[int, ...]]:
    """T beside the logits of a batch; the temperatures, if they are numbers; the member axis."""
    if callable(T) and not isinstance(T, type):
        return lambda z, batch: _of_cases(T(batch), z), [], ()
    T, per_member = checks.temperatures(T)
    if per_member is None:
        return lambda z, batch: T, [T], ()
    on_device: dict[Any, Array] = {}

    def at(z: Array, batch: Batch) -> Any:
        # Sent to a GPU once, not in every step.
        where = (namespace(z), *checks.device_of(z).values())
        if where not in on_device:
            on_device[where] = checks.beside(per_member, z)
        return on_device[where]

    return at, T.tolist(), (len(T),)


def _of_cases(given: Any, z: Array) -> Array:
    """What a function of the batch gave, as a temperature beside each case of z."""
    name, B = "T(batch)", z.shape[-2]
    T = (
        given
        if is_native(given) and not on_host(given)
        else arrays.array(name, given, dtype=float)
    )
    if tuple(T.shape) != (B,):
        raise ValueError(
            f"{name} has shape {tuple(T.shape)}; expected ({B},), one for each case"
        )
    if on_host(T):
        for each in (T.min(), T.max()):
            checks.one_temperature(float(each), name)
    return T[:, None]


def _name(temperatures: list[float], weights: dict[str, float]) -> str:
    shown = ", ".join(map(repr, temperatures)) or "one for each case"
    if "alpha" in weights:
        return f"soft targets at T = {shown}, alpha = {weights['alpha']!r}"
    w = weights["hard_weight"]
    return f"soft targets at T = {shown}" + (f" and {w!r} × hard targets" if w else "")


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
