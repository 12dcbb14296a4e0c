"""The training step as it runs: the formulas of ``layers.py`` and ``optim.py``, made fast.

Nothing here is needed to understand backpropagation: for that, read :mod:`minikd.layers`,
:mod:`minikd.mlp` and :mod:`minikd.step`; a test holds the two steps equal. docs/how-fast.md
explains each trick. The same code serves NumPy and CuPy, single networks, stacks and mixtures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from minikd.backend import Array, namespace, random_bytes, transpose
from minikd.kernels import (
    Workspace,
    add_scaled,
    apart,
    empty,
    last_axis_first,
    of_members,
    pass_where_positive,
    product,
)
from minikd.layers import dropped_bytes
from minikd.mixture import Mixture, mixture_backward, mixture_forward
from minikd.mlp import MLP
from minikd.objectives import Batch, Objective
from minikd.optim import clip_norms
from minikd.step import Costs, PlainStep

if TYPE_CHECKING:
    from minikd.train import Recipe


class FastStep(PlainStep):
    """What :class:`minikd.step.PlainStep` does, in arrays laid out for speed.

    Parameters lie in one block of memory, and so do the velocities: the operating system gives
    large pages to large blocks only, and these are read faster. The first-layer weights of a stack
    lie side by side as one wide matrix, for inputs that the members share. Inside the ``with``
    block the network computes with these arrays; afterwards its own arrays hold the result.
    """

    def __init__(self, net: MLP | Mixture, recipe: Recipe) -> None:
        self.net, self.recipe, self.work = net, recipe, Workspace()
        self._own = [list(part.parameters) for part in parts_of(net)]
        self._velocities = Velocities(
            [array for part in parts_of(net) for array in laid_out(part, part.zeros())],
            recipe.momentum,
        )
        self.velocities = self._velocities.arrays
        rates = np.divide(recipe.learning_rate, np.max(recipe.learning_rate)).reshape(-1, 1, 1)
        # The rates of all members rise and fall together, so a member's gradient can be multiplied
        # by its share of the highest rate: then one rate serves the whole stack.
        dtype = net.parameters[0].dtype
        self._shares = net.xp.asarray(rates, dtype=dtype) if len(rates) > 1 else None

    def __enter__(self) -> FastStep:
        for part in parts_of(self.net):
            part.parameters = laid_out(part, part.parameters)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        for part, own in zip(parts_of(self.net), self._own, strict=True):
            for array, learnt in zip(own, part.parameters, strict=True):
                array[...] = learnt
            part.parameters = own

    def forward(self, x: Array, rngs: list[Any]) -> tuple[Array, Any]:
        """As :meth:`minikd.step.PlainStep.forward`; the next step overwrites its results."""
        if isinstance(self.net, Mixture):
            a, of_gate = forward(self.net.gate, x, None, self.work)
            z, of_experts = forward(self.net.experts, x, None, self.work)
            log_q, cache = mixture_forward(a, z)
            return log_q, [of_gate, of_experts, cache]
        masks = draw_masks(self.net, self.recipe.dropout, rngs, x.shape[-2], self.work)
        return forward(self.net, x, masks, self.work)

    def descend(self, dz: Array, caches: Any, rate: Any) -> None:
        """As :meth:`minikd.step.PlainStep.descend`."""
        u, xp = self._velocities, namespace(dz)
        # In the network's type, whatever the objective gives: products of mixed types are slow.
        like = self.net.parameters[0]
        dz = xp.divide(dz, u.decay(), out=self.work("dz", dz.shape, like), casting="same_kind")
        if self._shares is not None:
            dz *= self._shares
        if isinstance(self.net, Mixture):
            of_gate, of_experts, cache = caches
            da, dz = mixture_backward(dz, cache)
            cut = len(self.net.gate.parameters)
            backward(self.net.gate, da, of_gate, self.work, u.arrays[:cut], u.keep)
            backward(self.net.experts, dz, of_experts, self.work, u.arrays[cut:], u.keep)
        else:
            backward(self.net, dz, caches, self.work, u.arrays, u.keep)
        highest = float(np.max(rate))
        for p, velocity in zip(self.net.parameters, u.arrays, strict=True):
            add_scaled(p, -highest * u.scale, velocity)
        if self.recipe.max_norm is not None:
            for W in self.net.hidden_weights:
                clip_norms(W, self.recipe.max_norm)

    def end_epoch(self) -> None:
        """Make ``velocities`` the velocities themselves, whether or not a checkpoint is written."""
        self._velocities.settle()

    def arranged(self, objective: Objective) -> Objective:
        """The objective in the form that is fastest with this step's logits."""
        return classes_first(objective)

    def costs(self, objective: Objective) -> Costs:
        """A new sum of the cost over an epoch, starting at 0."""
        return ManyCosts(objective) if objective.by_case else Costs(objective)


def parts_of(net: MLP | Mixture) -> list[MLP]:
    """The MLPs that a network consists of."""
    return [net.gate, net.experts] if isinstance(net, Mixture) else [net]


def laid_out(part: MLP, values: Sequence[Array]) -> list[Array]:
    """Copies of arrays shaped like the parameters of a network, in one block of memory."""
    shapes = [tuple(value.shape) for value in values]
    if part.members:
        E, n_in, n_out = shapes[0]
        shapes[0] = (n_in, E * n_out)
    arrays = empty(shapes, values[0].dtype, part.xp)
    if part.members:
        arrays[0] = apart(arrays[0], part.members[0])
    for array, value in zip(arrays, values, strict=True):
        array[...] = value
    return arrays


class Velocities:
    """The velocities of gradient descent with momentum, kept at another scale.

    Multiplying all velocities by the momentum would be an extra pass in each step; adding the
    gradient is not, because the product that computes it can add. So the velocities are stored as
    ``arrays`` times ``scale``, and a step multiplies the scale alone:

        scale ← momentum · scale,  array ← array + gradient / scale.

    Parameters
    ----------
    arrays : list of array
        Zeros, shaped like the parameters.
    momentum : float
        0 ≤ momentum < 1.

    Attributes
    ----------
    keep : float
        Factor on the arrays when a gradient is added: 1, or the momentum itself if it is too
        small to go into the scale.
    """

    def __init__(self, arrays: list[Array], momentum: float) -> None:
        self.arrays, self.momentum = arrays, momentum
        self.scale = 1.0
        # So small a momentum would take the scale out of float32's range in a few steps.
        self.keep = momentum if momentum < 1e-2 else 1.0

    def decay(self) -> float:
        """Begin a step, and return the scale by which to divide its gradient."""
        if self.keep == 1:
            if self.scale < 1e-3:
                self.settle()
            self.scale *= self.momentum
        return self.scale

    def settle(self) -> None:
        """Bring the scale back to 1, so that the arrays are the velocities themselves."""
        for array in self.arrays:
            array *= self.scale
        self.scale = 1.0


class ManyCosts(Costs):
    """The costs of an epoch, computed for many cases at a time.

    Batch by batch, the function calls alone would take about a fiftieth of each step.
    """

    def __init__(self, objective: Objective) -> None:
        super().__init__(objective)
        self._waiting: list[tuple[Array, Batch]] = []
        self._cases = 0

    def add(self, z: Array, batch: Batch) -> None:
        """Keep a batch until a few thousand cases are waiting."""
        self._waiting.append((z.copy(), replace(batch, x=None)))
        self._cases += z.shape[-2]
        if self._cases >= 4000:
            self._take()

    def _take(self) -> None:
        zs, batches = zip(*self._waiting, strict=True)
        join = namespace(zs[0]).concatenate
        ys, vs = [b.y for b in batches], [b.v for b in batches]
        y = None if ys[0] is None else join(ys, axis=-1)
        v = None if vs[0] is None else join(vs, axis=-2)
        super().add(join(zs, axis=-2), Batch(x=None, y=y, v=v))
        self._waiting, self._cases = [], 0

    def total(self) -> Any:
        """One sum per member, on the host."""
        if self._waiting:
            self._take()
        return super().total()


def classes_first(objective: Objective) -> Objective:
    """The same objective, computed on logits that are laid out in memory class by class.

    NumPy's sums and maxima along a short last axis are several times faster that way.
    """

    def laid(batch: Batch) -> Batch:
        return batch if batch.v is None else replace(batch, v=last_axis_first(batch.v))

    def arranged(function: Any) -> Any:
        return lambda z, batch: function(last_axis_first(z), laid(batch))

    return replace(
        objective,
        cost=arranged(objective.cost),
        gradient=arranged(objective.gradient),
        recorded=objective.recorded and arranged(objective.recorded),
    )


# ---------------------------------------------------------------- forward and backward


def forward(
    net: MLP, x: Array, masks: Sequence[Array | None] | None, work: Workspace
) -> tuple[Array, list[Any]]:
    """As :meth:`minikd.MLP.forward`."""
    depth, xp = len(net.sizes) - 1, net.xp
    caches: list[Any] = []
    h = x
    for i, mask in enumerate(masks or [None] * depth):
        W, b = net.parameters[2 * i : 2 * i + 2]
        if mask is not None:
            # A hidden h is this pass's own buffer and may be overwritten; x may not.
            h = xp.multiply(h, mask, out=work("x", mask.shape, mask) if i == 0 else h)
        shape = (*net.members, x.shape[-2], net.sizes[i + 1])
        wide = bool(net.members) and h.ndim == 2  # one wide product for all members
        z = of_members(h, W, work(f"z{i}", shape, W, wide), start=b[..., None, :])
        linear, relu = (h, W), None
        if i < depth - 1:
            # With two scalars NumPy's clip is three times as fast as its maximum with one.
            h = relu = xp.clip(z, 0, np.inf, out=work(f"h{i}", shape, W) if wide else z)
        caches.append((mask, linear, relu))
    return z, caches


def backward(
    net: MLP, dz: Array, caches: list[Any], work: Workspace, into: list[Array], keep: float
) -> None:
    """As :meth:`minikd.MLP.backward`, with into ← keep · into + gradients."""
    for i in reversed(range(len(caches))):
        mask, (x, W), _ = caches[i]
        shape = (*dz.shape[:-1], net.sizes[i])
        if i > 0:
            dh = product(dz, transpose(W), work(f"dh{i}", shape, W))
        of_members(transpose(x), dz, into[2 * i], keep)
        if keep != 1:
            into[2 * i + 1] *= keep
        into[2 * i + 1] += net.xp.sum(dz, axis=-2)
        if i > 0:
            if mask is not None:
                dh *= mask
            h = caches[i - 1][2]
            if net.members and caches[i - 1][1][0].ndim == 2:
                dz = net.xp.multiply(dh, h > 0, out=work(f"dz{i}", shape, W, wide=True))
            else:
                pass_where_positive(dh, h)
                dz = dh


def draw_masks(
    net: MLP, rates: Sequence[float], rngs: Sequence[Any], cases: int, work: Workspace
) -> list[Array | None] | None:
    """As :func:`minikd.mlp.draw_masks`."""
    if not rngs:
        return None
    like, masks = net.parameters[0], []
    for i, (rate, units) in enumerate(zip(rates, net.sizes[:-1], strict=True)):
        mask = None
        if rate:
            mask, dropped = (
                work(f"mask{i}", (len(rngs), cases, units), like),
                dropped_bytes(rate),
            )
            scale = like.dtype.type(256 / (256 - dropped))
            for k, rng in enumerate(rngs):
                kept = random_bytes(rng, (cases, units), net.xp) >= np.uint8(dropped)
                net.xp.multiply(kept, scale, out=mask[k])
        masks.append(mask if mask is None or net.members else mask[0])
    return masks
