"""The one training loop. It can be stopped at any time, and goes on bit for bit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from minikd.backend import (
    Array,
    Stream,
    as_seed,
    generator,
    last_axis_first,
    namespace,
    on_host,
    to_host,
)
from minikd.checkpoint import load_checkpoint, save_checkpoint
from minikd.data.augment import cut_out, draw_shifts, pad_images
from minikd.data.dataset import Dataset
from minikd.mixture import Mixture
from minikd.mlp import MLP, Workspace, draw_masks, mask_generators
from minikd.objectives import Batch, Objective
from minikd.optim import Velocities, clip_norms, learning_rate_at, sgd_step
from minikd.progress import with_progress


class TrainingDiverged(ArithmeticError):
    """The network is no longer finite, or its hidden units are all off.

    Attributes
    ----------
    step : int
        Where it was noticed, counted from 0 over all epochs.
    learning_rate : float
        Of that step, and of the member of the stack that diverged.
    """

    def __init__(self, what: str, step: int, learning_rate: float) -> None:
        self.step, self.learning_rate = step, learning_rate
        super().__init__(
            f"training diverged at step {step}, learning rate {learning_rate:.3g}: {what}; use a "
            "lower learning rate (with T² in the gradient, high T needs one) or a warm-up"
        )


@dataclass
class History:
    """What a training run leaves beside the network.

    Attributes
    ----------
    costs : list of list of float
        For each epoch and each member, the mean over the cases of the cost above its floor: for
        soft targets T² KL(p ‖ q), in nats. Measured in training mode, on the way.
    observed : list
        For each epoch, what ``observe`` gave.
    seconds : float
        Of all parts of the run, if it was stopped and resumed.
    """

    costs: list[list[float]] = field(default_factory=list)
    observed: list[Any] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; what it minimizes is the objective's business.

    Attributes
    ----------
    epochs : int
    learning_rate : float or tuple of float
        At the end of the warm-up; it then falls to 0 along half a cosine. A tuple has one for
        each member of a stack.
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
        Each image is moved by up to so many pixels in each direction, anew in each epoch.
    subpixel : bool
        The moves of the jitter are real numbers, not whole pixels.
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
            value: Any = getattr(self, name)
            if (
                not isinstance(value, (int, float, np.number))
                or not np.isfinite(value)
                or value != int(value)
                or value < least
            ):
                raise ValueError(f"{name} is {value!r}; expected an integer ≥ {least}")
            object.__setattr__(self, name, int(value))
        rates = np.asarray(self.learning_rate, dtype=float)
        if (
            rates.ndim > 1
            or not np.isfinite(rates).all()
            or (rates <= 0).any()
            or not rates.size
        ):
            raise ValueError(f"learning_rate is {self.learning_rate}; expected > 0 and finite")
        # Plain numbers, so that recipes compare and go into records.
        object.__setattr__(
            self, "learning_rate", tuple(rates.tolist()) if rates.ndim else float(rates)
        )
        if not isinstance(self.dropout, Sequence):
            raise ValueError(
                f"dropout is {self.dropout}; expected a rate for each linear layer"
            )
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum is {self.momentum}; expected 0 ≤ momentum < 1")
        if not all(0 <= rate < 1 for rate in self.dropout):
            raise ValueError(f"dropout is {self.dropout}; expected rates 0 ≤ rate < 1")
        object.__setattr__(self, "dropout", tuple(float(rate) for rate in self.dropout))
        if self.max_norm is not None and not 0 < self.max_norm < 1e18:
            raise ValueError(f"max_norm is {self.max_norm}; expected a length > 0, or None")


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
) -> History:
    """Train a network, or a stack of them, in place.

    Parameters
    ----------
    net : MLP or Mixture
        Its parameters are updated.
    data : Dataset
        Must have what the objective needs: labels, or a teacher's logits.
    objective : Objective
    recipe : Recipe
    rng : int or Generator
        Seed of the order of the cases and of the jitter. A stack shares them, so that each
        member sees what it would see alone.
    checkpoint : path, optional
        Where to keep the state of the run. If the file is there and belongs to the same run,
        training goes on from it, and ends as if it had never stopped; a file of another run
        is an error.
    seconds_between : float
        Least time between two writes of the checkpoint; it is also written at the end.
    progress : str, optional
        Show a progress bar with this title on stderr, if that is a terminal.
    observe : callable, optional
        ``observe(net, epoch)`` looks at the network after each epoch, counted from 1, and gives
        plain numbers, or lists of them, for the history. It changes nothing.
    special : float, optional
        How specialists are trained (Section 5.2): the share of each batch that is drawn from the
        cases whose label is not the last class, the dustbin. Each member of a stack draws for
        itself, and may see other labels than the others, ``data.y`` of shape (E, n). An epoch is
        as many cases as the data has. In an epoch, cases of a kind come again once all have come.

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
    _check(net, data, objective, recipe, special)
    rng = as_seed(rng)
    xp, cases, dtype = net.xp, len(data), net.parameters[0].dtype
    work = Workspace()
    velocities = Velocities(net.zeros(), recipe.momentum)
    history = History()
    run = _fingerprint(net, data, objective, recipe, rng, special) if checkpoint else ""
    if checkpoint and Path(checkpoint).exists():
        history = _resume(checkpoint, run, net, velocities.arrays)
    last = last_write = time.monotonic()

    on_device = Batch(
        x=xp.asarray(data.x, dtype=dtype),
        y=None if data.y is None else xp.asarray(data.y),
        v=None
        if data.v is None or "v" not in objective.needs
        else xp.asarray(data.v, dtype=dtype),
    )
    sample = on_device.x[..., :500, :]
    if recipe.jitter:
        on_device = replace(on_device, x=pad_images(on_device.x, data.shape, recipe.jitter))
    per_epoch = -(-cases // recipe.batch)
    peak = float(np.max(recipe.learning_rate))
    # The rates of all members rise and fall together, so a member's share of the highest may as
    # well stand in its gradient: then one rate serves the whole stack.
    share = np.divide(recipe.learning_rate, peak).reshape(-1, 1, 1)
    shares = xp.asarray(share, dtype=dtype) if len(share) > 1 else None

    for epoch in with_progress(len(history.costs), recipe.epochs, progress, "epoch"):
        masks = mask_generators(net, epoch) if isinstance(net, MLP) else []
        costs = _Costs(objective)
        # Drawn on the host, so that every device sees the same cases in the same order.
        if special is None:
            order = generator(rng, Stream.ORDER, epoch).permutation(cases)
        else:
            order = _special_order(net, data.y, special, recipe.batch, rng, epoch)
        for i, batch in enumerate(_batches(on_device, data, recipe, rng, epoch, order)):
            step = epoch * per_epoch + i
            rate = learning_rate_at(step, recipe.epochs * per_epoch, peak, recipe.warm_up)
            size = batch.x.shape[-2]
            drop = None
            if isinstance(net, MLP) and recipe.dropout:
                drop = draw_masks(net, recipe.dropout, masks, size, work)

            # An overflow needs no warning of NumPy's: the checks tell of it.
            with np.errstate(all="ignore"):
                z, caches = net.forward(batch.x, drop, work)
                # Looking at every step would stall a GPU, so there it is a sample of them.
                if on_host(z) or i % 100 == 0 or i == per_epoch - 1:
                    _stop_if_not_finite(net, z, step, rate * share)
                    if _all_alike(z):
                        _stop_if_dead(net, sample, step, rate * share)
                z = last_axis_first(z)
                costs.add(z, batch)
                # The one place where the mean over the cases is taken.
                dz = xp.divide(
                    objective.gradient(z, batch), size * velocities.decay(),
                    out=work("dz", z.shape, z),
                )  # fmt: skip
                if shares is not None:
                    dz *= shares
                net.backward(dz, caches, work, out=velocities.arrays, keep=velocities.keep)
                sgd_step(net.parameters, velocities.arrays, rate * velocities.scale)
            if recipe.max_norm is not None:
                for W in net.hidden_weights:
                    clip_norms(W, recipe.max_norm)

        # An epoch begins with the velocities as a checkpoint has them, whether it was read or not.
        velocities.settle()
        # No forward pass after the last step would tell of it.
        for p in net.parameters:
            _stop_if_not_finite(net, p, step, rate * share)
        # A batch that switches on a unit of each layer shows that the network lives; most do.
        if epoch == recipe.epochs - 1 or net.off(caches).any():
            _stop_if_dead(net, sample, step, rate * share)
        history.costs.append((costs.total() / cases).tolist())
        if observe is not None:
            history.observed.append(observe(net, epoch + 1))
        now = time.monotonic()
        history.seconds, last = history.seconds + now - last, now
        if checkpoint and (epoch == recipe.epochs - 1 or now - last_write > seconds_between):
            _write(checkpoint, run, net, velocities.arrays, history)
            last_write = now
    return history


def _batches(
    on_device: Batch, data: Dataset, recipe: Recipe, rng: int, epoch: int, order: Any
) -> Iterator[Batch]:
    """One epoch in the given order, (n,) or (*E, n), the images jittered if the recipe says so."""
    cases, xp = order.shape[-1], namespace(on_device.x)
    order = xp.asarray(order)
    if recipe.jitter:
        drawn = generator(rng, Stream.JITTER, epoch)
        shifts = xp.asarray(draw_shifts(drawn, cases, recipe.jitter, recipe.subpixel))
    for start in range(0, cases, recipe.batch):
        chosen = order[..., start : start + recipe.batch]
        if recipe.jitter:
            moves = xp.tile(shifts[start : start + recipe.batch], (chosen[..., :1].size, 1))
            x = cut_out(on_device.x, chosen.reshape(-1), moves, data.shape, recipe.jitter)
            x = x.reshape(*chosen.shape, -1)
        else:
            x = on_device.x[chosen]
        yield Batch(x=x, y=_labels(on_device.y, chosen), v=_logits(on_device.v, chosen))


def _labels(y: Array | None, chosen: Array) -> Array | None:
    if y is None or y.ndim == 1:
        return None if y is None else y[chosen]
    return namespace(y).take_along_axis(y, chosen, axis=-1)


def _logits(v: Array | None, chosen: Array) -> Array | None:
    return None if v is None else last_axis_first(v[..., chosen, :])


def _special_order(
    net: MLP | Mixture, y: Any, share: float, batch: int, rng: int, epoch: int
) -> Any:
    """For each member, the cases of an epoch: in each batch, the share of special ones first."""
    orders = []
    for seed, labels in zip(
        net.seeds, np.broadcast_to(y, (len(net.seeds), y.shape[-1])), strict=True
    ):
        stream = generator(rng, Stream.SPECIAL, seed, epoch)
        in_dustbin = labels == net.sizes[-1] - 1
        order = np.empty(len(labels), dtype=np.int64)
        place = np.arange(len(labels)) % batch
        # The last batch may be shorter.
        lengths = np.minimum(batch, len(labels) - (np.arange(len(labels)) - place))
        first = place < np.round(share * lengths)
        for kind, places in ((~in_dustbin, first), (in_dustbin, ~first)):
            of_kind, needed = np.flatnonzero(kind), int(np.count_nonzero(places))
            times = 1 + needed // len(of_kind)
            drawn = [stream.permutation(of_kind) for _ in range(times)]
            order[places] = np.concatenate(drawn)[:needed]
        orders.append(order)
    return np.stack(orders) if net.members else orders[0]


class _Costs:
    """The sum over an epoch of the cost above its floor, for each member.

    It is taken many cases at a time. For those of one step, the calls alone would take as long as
    a fiftieth of the step.
    """

    def __init__(self, objective: Objective) -> None:
        self._objective, self._sum = objective, 0.0
        self._waiting: list[tuple[Array, Batch]] = []
        self._cases = 0

    def add(self, z: Array, batch: Batch) -> None:
        self._waiting.append((z, replace(batch, x=None)))
        self._cases += z.shape[-2]
        if self._cases >= 4000:
            self._take()

    def _take(self) -> None:
        zs, batches = zip(*self._waiting, strict=True)
        join = namespace(zs[0]).concatenate
        ys, vs = [b.y for b in batches], [b.v for b in batches]
        together = Batch(
            x=None,
            y=None if ys[0] is None else join(ys, axis=-1),
            v=None if vs[0] is None else last_axis_first(join(vs, axis=-2)),
        )
        z = last_axis_first(join(zs, axis=-2))
        above = self._objective.cost(z, together) - self._objective.floor(together)
        self._sum = self._sum + above.sum(-1)
        self._waiting, self._cases = [], 0

    def total(self) -> Any:
        """One sum per member, on the host."""
        if self._waiting:
            self._take()
        return np.atleast_1d(np.asarray(to_host(self._sum), dtype=float))


def _all_alike(z: Array) -> bool:
    """Whether a member of the stack gives the same logits for all cases, more than one."""
    # Two cases are compared first: that is nearly always the end of it.
    return z.shape[-2] > 1 and all(
        (z[..., :n, :] == z[..., :1, :]).all(-1).all(-1).any() for n in (2, z.shape[-2])
    )


def _stop_if_not_finite(net: MLP | Mixture, x: Array, step: int, rate: Any) -> None:
    # A sum is finite only if every term is; where it is not, each is looked at.
    with np.errstate(all="ignore"):
        if np.isfinite(to_host(x.sum())):
            return
    finite = to_host(net.xp.isfinite(x)).reshape(len(net.seeds), -1).all(-1)
    _stop(net, ~finite, "logits or weights are not finite", step, rate)


def _stop_if_dead(net: MLP | Mixture, x: Array, step: int, rate: Any) -> None:
    """Stop where a hidden layer is off in every case of x: then only biases are left.

    One batch would not tell: a small layer may be off in all of it by chance, or by dropout.
    """
    off = net.off(net.forward(x)[1])
    _stop(net, off, "no hidden unit is active, so every case gets the same logits", step, rate)


def _stop(net: MLP | Mixture, diverged: Any, what: str, step: int, rate: Any) -> None:
    for k in np.flatnonzero(diverged):
        rates = np.broadcast_to(np.ravel(rate), len(net.seeds))
        member = f"member {k}: " if net.members else ""
        raise TrainingDiverged(member + what, step, float(rates[k]))


def _check(
    net: MLP | Mixture,
    data: Dataset,
    objective: Objective,
    recipe: Recipe,
    special: float | None,
) -> None:
    inputs, classes = net.sizes[0], net.sizes[-1]
    if len(data) == 0:
        raise ValueError("data holds no cases; is the transfer set empty?")
    if data.x.shape[-1] != inputs:
        raise ValueError(f"data has {data.x.shape[-1]} inputs a case and the network {inputs}")
    if "v" in objective.needs:
        if data.v is None:
            raise ValueError(
                f"{objective.name} needs a teacher's logits; "
                "make the transfer set by data.with_logits(teacher(data.x))"
            )
        if data.v.shape[-1] != classes:
            raise ValueError(
                f"the teacher's logits have {data.v.shape[-1]} classes and the network {classes}"
            )
    if "y" in objective.needs:
        if data.y is None:
            raise ValueError(f"{objective.name} needs labels; this data has none")
        if data.y.max() >= classes:
            raise ValueError(
                f"data has a label {data.y.max()}; the network has {classes} classes"
            )
    if recipe.dropout and len(recipe.dropout) != len(net.sizes) - 1:
        raise ValueError(
            f"dropout has {len(recipe.dropout)} rates; expected {len(net.sizes) - 1}: "
            "one for the inputs and one for each hidden layer"
        )
    if recipe.dropout and not isinstance(net, MLP):
        raise ValueError("a mixture of experts is trained without dropout here; leave it out")
    for name, given in (
        ("learning_rate", np.shape(recipe.learning_rate)),
        ("T", objective.members),
        ("v", data.v.shape[:-2] if data.v is not None and "v" in objective.needs else ()),
        ("y", data.y.shape[:-1] if data.y is not None and "y" in objective.needs else ()),
    ):
        if given and given != net.members:
            raise ValueError(
                f"{name} has values for {given[0]} members; the network has "
                f"{net.members[0] if net.members else 'no member axis'}"
            )
    if special is not None:
        _check_special(data.y, classes, objective, min(recipe.batch, len(data)), special)
    steps = recipe.epochs * -(-len(data) // recipe.batch)
    if recipe.warm_up >= max(steps, 2):
        raise ValueError(f"warm_up is {recipe.warm_up} steps; the whole run has {steps}")


def _check_special(
    y: Any, classes: int, objective: Objective, batch: int, share: float
) -> None:
    if objective.needs != "y":
        raise ValueError(f"special needs hard targets; the objective is {objective.name}")
    if not 0 < round(share * batch) < batch:
        raise ValueError(
            f"special is {share}: {round(share * batch)} of {batch} cases in each batch; expected "
            "at least one, and one of the dustbin"
        )
    of_dustbin = np.atleast_2d(y == classes - 1).mean(-1)
    if ((of_dustbin == 0) | (of_dustbin == 1)).any():
        m = int(np.flatnonzero((of_dustbin == 0) | (of_dustbin == 1))[0])
        raise ValueError(
            f"member {m} has {'no' if of_dustbin[m] == 0 else 'only'} cases in the dustbin, the "
            f"class {classes - 1}; expected both kinds"
        )


# ---------------------------------------------------------------- checkpoints


def _fingerprint(
    net: MLP | Mixture,
    data: Dataset,
    objective: Objective,
    recipe: Recipe,
    rng: int,
    special: float | None,
) -> str:
    """What makes two runs the same, in one string."""
    import hashlib
    import json

    digest = hashlib.blake2b(digest_size=16)
    said = [
        net.sizes,
        net.seeds,
        str(net.parameters[0].dtype),
        objective.name,
        asdict(recipe),
        rng,
        special,
    ]
    digest.update(json.dumps(said).encode())
    for array in (*net.parameters, data.x, data.y, data.v):
        if array is not None:
            digest.update(np.ascontiguousarray(to_host(array)).data)
    return digest.hexdigest()


def _write(
    path: str | PathLike[str],
    run: str,
    net: MLP | Mixture,
    velocities: Sequence[Array],
    history: History,
) -> None:
    arrays = {f"p{i}": to_host(p) for i, p in enumerate(net.parameters)}
    arrays |= {f"u{i}": to_host(u) for i, u in enumerate(velocities)}
    save_checkpoint(path, arrays, {"run": run, **asdict(history)})


def _resume(
    path: str | PathLike[str], run: str, net: MLP | Mixture, velocities: Sequence[Array]
) -> History:
    arrays, meta = load_checkpoint(path)
    if meta.get("run") != run:
        raise ValueError(
            f"{path} belongs to another run (other data, network, objective or recipe); "
            "delete it, or give another path"
        )
    for i, (p, u) in enumerate(zip(net.parameters, velocities, strict=True)):
        p[...] = net.xp.asarray(arrays[f"p{i}"])
        u[...] = net.xp.asarray(arrays[f"u{i}"])
    return History(meta["costs"], meta["observed"], meta["seconds"])
