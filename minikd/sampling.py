"""Which cases come when: the order of an epoch, its batches, and the shifts of the images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minikd.backend import Array, Stream, generator, namespace
from minikd.data.augment import cut_out, draw_shifts, pad_images
from minikd.mixture import Mixture
from minikd.mlp import MLP
from minikd.objectives import Batch

if TYPE_CHECKING:
    from minikd.data.dataset import Dataset
    from minikd.train import Recipe


class Cases:
    """The cases of a training run, on the device of the network, and the order they come in.

    Everything is drawn on the host, from streams that depend on the run's seed and the epoch. So
    every device sees the same cases in the same order, and a resumed run sees those that it would
    have seen without the stop.

    Parameters
    ----------
    net : MLP or Mixture
    data : Dataset
    needs : str
        What the objective needs: without ``"v"``, a teacher's logits are left on the host.
    recipe : Recipe
    rng : int
    special : float, optional
        As in :func:`minikd.train`.

    Attributes
    ----------
    some : array
        The inputs of the first 500 cases, unshifted, for checks of the network.
    """

    def __init__(
        self, net: MLP | Mixture, data: Dataset, needs: str, recipe: Recipe, rng: int,
        special: float | None,
    ) -> None:  # fmt: skip
        xp, dtype = net.xp, net.parameters[0].dtype
        self.data, self.recipe, self.rng, self.special = data, recipe, rng, special
        self.seeds, self.stacked, self.dustbin = net.seeds, bool(net.members), net.sizes[-1] - 1
        self.x = xp.asarray(data.x, dtype=dtype)
        self.y = None if data.y is None else xp.asarray(data.y)
        has_v = data.v is not None and "v" in needs
        self.v = xp.asarray(data.v, dtype=dtype) if has_v else None
        self.some = self.x[..., :500, :]
        # Padded once; a window of each image is cut out in every step.
        self.padded = pad_images(self.x, data.shape, recipe.jitter) if recipe.jitter else None

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches of an epoch; the last one may be shorter."""
        xp, B = namespace(self.x), self.recipe.batch
        order = xp.asarray(self.order(epoch))
        shifts = self.shifts(epoch)
        for start in range(0, order.shape[-1], B):
            chosen = order[..., start : start + B]
            moves = None if shifts is None else shifts[start : start + B]
            y = self.y
            if y is not None:
                one_order = y.ndim == 1 or chosen.ndim == 1
                y = y[..., chosen] if one_order else xp.take_along_axis(y, chosen, axis=-1)
            v = None if self.v is None else self.v[..., chosen, :]
            yield Batch(x=self.inputs(chosen, moves), y=y, v=v)

    def order(self, epoch: int) -> Any:
        """The cases of an epoch, (n,), or (E, n) where each member draws its own."""
        cases = len(self.data)
        if self.special is None:
            return generator(self.rng, Stream.ORDER, epoch).permutation(cases)
        labels = np.broadcast_to(self.data.y, (len(self.seeds), cases))
        orders = [
            special_order(
                y == self.dustbin, self.special, self.recipe.batch,
                generator(self.rng, Stream.SPECIAL, seed, epoch),
            )
            for seed, y in zip(self.seeds, labels, strict=True)
        ]  # fmt: skip
        return np.stack(orders) if self.stacked else orders[0]

    def shifts(self, epoch: int) -> Array | None:
        """How far each image of an epoch is shifted, (n, 2); None without jitter."""
        if not self.recipe.jitter:
            return None
        drawn = generator(self.rng, Stream.JITTER, epoch)
        shifts = draw_shifts(drawn, len(self.data), self.recipe.jitter, self.recipe.subpixel)
        return namespace(self.x).asarray(shifts)

    def inputs(self, chosen: Array, moves: Array | None) -> Array:
        """The inputs of some cases, (B, in) or (E, B, in), shifted if ``moves`` says so."""
        if moves is None:
            return self.x[chosen]
        of_all = namespace(moves).tile(moves, (chosen[..., :1].size, 1))
        shape, jitter = self.data.shape, self.recipe.jitter
        x = cut_out(self.padded, chosen.reshape(-1), of_all, shape, jitter)
        return x.reshape(*chosen.shape, -1)


def special_order(in_dustbin: Any, share: float, batch: int, rng: Any) -> Any:
    """The order of a specialist's epoch (Section 5.2): in each batch, special cases first.

    Within an epoch, no case comes again before all others of its kind have come.

    Parameters
    ----------
    in_dustbin : array of bool, shape (n,)
        The cases that are not special.
    share : float
        The share of special cases in each batch.
    batch : int
    rng : Generator

    Returns
    -------
    array of int, shape (n,)
    """
    n = len(in_dustbin)
    order, place = np.empty(n, dtype=np.int64), np.arange(n) % batch
    # The last batch may be shorter.
    lengths = np.minimum(batch, n - (np.arange(n) - place))
    first = place < np.round(share * lengths)
    for kind, places in ((~in_dustbin, first), (in_dustbin, ~first)):
        of_kind, needed = np.flatnonzero(kind), int(np.count_nonzero(places))
        drawn = [rng.permutation(of_kind) for _ in range(1 + needed // len(of_kind))]
        order[places] = np.concatenate(drawn)[:needed]
    return order
