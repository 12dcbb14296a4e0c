"""The network: linear layers with ReLU between them, and its backpropagation by hand.

One :class:`MLP` is one network, or a stack of networks of the same shape that never mix.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import prod
from os import PathLike
from typing import Any

import numpy as np

from minikd import layers
from minikd.backend import (
    Array,
    Stream,
    apart,
    array_module,
    as_seed,
    empty,
    generator,
    namespace,
    to_host,
)
from minikd.checkpoint import load_checkpoint, save_checkpoint


class Workspace:
    """Buffers that are made once and used again in every step.

    Called with a name and a shape, it gives the buffer of that name, which holds whatever was
    left in it. Without a workspace, a network makes fresh arrays: the results are the same, but
    those of a workspace are overwritten by the next pass that uses it.
    """

    def __init__(self) -> None:
        self._buffers: dict[tuple[Any, ...], Array] = {}

    def __call__(
        self, name: str, shape: tuple[int, ...], like: Array, wide: bool = False
    ) -> Array:
        """A buffer of the dtype and on the device of ``like``.

        With ``wide``, a stack of matrices lies in memory as one wide matrix.
        """
        key = (name, shape, like.dtype, wide)
        if key not in self._buffers:
            xp = namespace(like)
            if wide:
                members, rows, columns = shape
                made = apart(xp.empty((rows, members * columns), dtype=like.dtype), members)
            else:
                made = xp.empty(shape, dtype=like.dtype)
            self._buffers[key] = made
        return self._buffers[key]


def no_buffer(name: str, shape: tuple[int, ...], like: Array, wide: bool = False) -> None:
    return None


class MLP:
    """A multilayer perceptron with ReLU hidden units, whose outputs are logits.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, hidden units of each layer, classes: ``[784, 1200, 1200, 10]``.
    rng : int, Generator, or sequence or 1-D array of them
        The seed of the weights and of the dropout masks. A sequence makes a stack with one
        member for each. Member k of a stack equals the network made from its seed alone.
    gain : float
        Factor on the initial weights; see the notes.
    dtype : dtype
        float32 to train, float64 to check.
    device : {"cpu", "cuda"}

    Attributes
    ----------
    parameters : list of array
        W₁, b₁, W₂, b₂, …; W has shape (*E, in, out) and b (*E, out), where ``*E`` is
        ``()`` for one network and ``(E,)`` for a stack.
    seeds : list of int
        One per member.

    Notes
    -----
    Weights start as in He et al. 2015, normal with variance 2 / in, which keeps the size of
    the signal through ReLU layers; biases start at 0. They are drawn on the host, so they are
    the same on every device. PyTorch's own initial weights are about 0.4 times as large.

    Examples
    --------
    >>> MLP([784, 1200, 1200, 10], rng=1).size
    2395210
    >>> MLP([784, 800, 800, 10], rng=1)(np.zeros((5, 784))).shape
    (5, 10)
    """

    def __init__(
        self,
        sizes: Sequence[int],
        rng: Any,
        *,
        gain: float = 1.0,
        dtype: Any = np.float32,
        device: str = "cpu",
    ) -> None:
        if len(sizes) < 2 or any(int(n) != n or n < 1 for n in sizes):
            raise ValueError(f"sizes is {list(sizes)}; expected at least two positive integers")
        if np.dtype(dtype) not in (np.float32, np.float64):
            raise ValueError(f"dtype is {dtype}; expected float32 or float64")
        self.sizes = [int(n) for n in sizes]
        if not 0 < gain < np.inf:
            raise ValueError(f"gain is {gain}; expected > 0 and finite")
        stacked = isinstance(rng, Sequence) or getattr(rng, "ndim", 0) == 1
        self.members: tuple[int, ...] = (len(rng),) if stacked else ()
        self.seeds = [as_seed(r) for r in (rng if stacked else [rng])]
        if not self.seeds:
            raise ValueError("rng is an empty sequence; expected a seed for each member")
        xp = array_module(device)
        drawn = [_initial(self.sizes, seed, gain) for seed in self.seeds]
        self.parameters: list[Array] = zero_parameters(self.sizes, self.members, dtype, xp)
        for p, of_members in zip(self.parameters, zip(*drawn, strict=True), strict=True):
            p[...] = xp.asarray(np.stack(of_members) if stacked else of_members[0], dtype=dtype)

    @property
    def size(self) -> int:
        """Number of weights and biases of one member."""
        return sum(int(p.size) for p in self.parameters) // len(self.seeds)

    @property
    def xp(self) -> Any:
        """NumPy or CuPy, whichever the parameters are arrays of."""
        return namespace(self.parameters[0])

    @property
    def hidden_weights(self) -> list[Array]:
        """The incoming weights of all hidden units, a matrix (*E, in, out) for each layer."""
        return self.parameters[0:-2:2]

    def zeros(self) -> list[Array]:
        """Zeros shaped like the parameters."""
        return zero_parameters(self.sizes, self.members, self.parameters[0].dtype, self.xp)

    def off(self, caches: list[Any]) -> Any:
        """For each member, whether a hidden layer is off in all cases of a forward pass."""
        lives = [to_host((h > 0).any(-1).any(-1)) for _, _, h in caches[:-1]]
        dead = np.zeros(len(self.seeds), dtype=bool)
        return ~np.all(lives, axis=0).reshape(-1) if lives else dead

    def __repr__(self) -> str:
        stack = f", {len(self.seeds)} members" if self.members else ""
        return f"<MLP {'-'.join(map(str, self.sizes))}{stack}>"

    def __getitem__(self, k: int) -> MLP:
        """Member k of a stack, as a network of its own that shares no memory with it."""
        if not self.members:
            raise TypeError("this MLP is one network, not a stack")
        k = operator.index(k)
        return self._copy([p[k].copy() for p in self.parameters], (), [self.seeds[k]])

    def with_parameters(self, parameters: Sequence[Array]) -> MLP:
        """The same network with other arrays as its parameters (not copied)."""
        return self._copy(list(parameters), self.members, self.seeds)

    def _copy(self, parameters: list[Array], members: tuple[int, ...], seeds: list[int]) -> MLP:
        net = object.__new__(MLP)
        net.sizes, net.members, net.seeds = self.sizes, members, seeds
        net.parameters = parameters
        return net

    # ------------------------------------------------------------ what it computes

    def __call__(self, x: Array, batch: int = 2000) -> Array:
        """Logits, without dropout, whatever the network was trained with.

        Parameters
        ----------
        x : array, shape (n, in)
        batch : int
            So many cases at a time, to bound the memory.

        Returns
        -------
        array, shape (*E, n, classes)
            On the host if x is.
        """
        x = x if hasattr(x, "ndim") else np.asarray(x)
        if x.ndim < 2 or x.shape[-1] != self.sizes[0]:
            raise ValueError(f"x has shape {x.shape}; expected (cases, {self.sizes[0]})")
        xp, dtype, cases = self.xp, self.parameters[0].dtype, x.shape[-2]
        if cases == 0:
            raise ValueError("x holds no cases")
        parts = []
        for start in range(0, cases, batch):
            h = xp.asarray(x[..., start : start + batch, :], dtype=dtype)
            parts.append(self.forward(h)[0])
        z = xp.concatenate(parts, axis=-2)
        return to_host(z) if isinstance(x, np.ndarray) else z

    def forward(
        self,
        x: Array,
        masks: Sequence[Array | None] | None = None,
        work: Callable[..., Array | None] = no_buffer,
    ) -> tuple[Array, list[Any]]:
        """The forward pass, with what the backward pass needs of it.

        Parameters
        ----------
        x : array, shape (B, in) or (*E, B, in)
        masks : sequence of array or None, optional
            Dropout masks: one for the inputs and one for each hidden layer, of its shape, from
            :func:`minikd.layers.dropout_mask`; None drops nothing.
        work : Workspace, optional

        Returns
        -------
        z : array, shape (*E, B, classes)
            Logits.
        caches : list
        """
        depth = len(self.sizes) - 1
        masks = masks or [None] * depth
        caches: list[Any] = []
        h = x
        for i in range(depth):
            W, b = self.parameters[2 * i : 2 * i + 2]
            mask = masks[i]
            if mask is not None:
                # A hidden h is this pass's own buffer and may be overwritten; x may not.
                buffer = work("x", mask.shape, mask) if i == 0 else work_on(work, h)
                h, _ = layers.dropout_forward(h, mask, out=buffer)
            z_shape = (*self.members, x.shape[-2], self.sizes[i + 1])
            wide = bool(self.members) and h.ndim == 2  # one wide product for all members
            z, linear = layers.linear_forward(h, W, b, out=work(f"z{i}", z_shape, W, wide))
            relu = None
            if i < depth - 1:
                buffer = work(f"h{i}", z_shape, W) if wide else work_on(work, z)
                h, relu = layers.relu_forward(z, out=buffer)
            caches.append((mask, linear, relu))
        return z, caches

    def backward(
        self,
        dz: Array,
        caches: list[Any],
        work: Callable[..., Array | None] = no_buffer,
        out: Sequence[Array] | None = None,
        keep: float = 0.0,
    ) -> list[Array]:
        """Backpropagation: from the gradient on the logits to those on all parameters.

        Layer by layer, the last first: linear, dropout, ReLU, each by its own backward.

        Parameters
        ----------
        dz : array, shape (*E, B, classes)
        caches : list
            From :meth:`forward`.
        work : Workspace, optional
        out : sequence of array, optional
            Shaped like ``parameters``: where the results go.
        keep : float
            Needs ``out``: what it holds counts, times this, and the gradients are added, as
            :class:`minikd.optim.Velocities` needs them.

        Returns
        -------
        list of array
            Shaped like ``parameters``.
        """
        gradients: list[Array] = []
        for i in reversed(range(len(caches))):
            mask, linear, _ = caches[i]
            W = self.parameters[2 * i]
            dx_shape = (*dz.shape[:-1], self.sizes[i])
            dh, dW, db = layers.linear_backward(
                dz,
                linear,
                input_gradient=i > 0,
                dx=work(f"dh{i}", dx_shape, W) if i > 0 else None,
                dW=out[2 * i] if out else None,
                db=out[2 * i + 1] if out else None,
                keep=keep,
            )
            gradients[:0] = [dW, db]
            if i > 0:
                if mask is not None:
                    dh = layers.dropout_backward(dh, mask, out=work_on(work, dh))
                shared = bool(self.members) and caches[i - 1][1][0].ndim == 2
                buffer = work(f"dz{i}", dx_shape, W, wide=True) if shared else work_on(work, dh)
                dz = layers.relu_backward(dh, caches[i - 1][2], out=buffer)
        return gradients

    # ------------------------------------------------------------ files

    def save(self, path: str | PathLike[str]) -> None:
        """Write the network to one file, atomically and without pickle."""
        arrays = {f"p{i}": to_host(p) for i, p in enumerate(self.parameters)}
        save_checkpoint(path, arrays, {"sizes": self.sizes, "seeds": self.seeds})

    @classmethod
    def load(cls, path: str | PathLike[str], device: str = "cpu") -> MLP:
        """Read a network that :meth:`save` wrote.

        Raises
        ------
        ValueError
            If the file is not one, or is cut short.
        """
        arrays, meta = load_checkpoint(path)
        xp = array_module(device)
        net = object.__new__(cls)
        try:
            net.sizes, net.seeds = meta["sizes"], meta["seeds"]
            read = [arrays[f"p{i}"] for i in range(2 * (len(net.sizes) - 1))]
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path} holds no network ({error})") from error
        net.members = tuple(read[0].shape[:-2])
        net.parameters = zero_parameters(net.sizes, net.members, read[0].dtype, xp)
        shapes = [p.shape for p in net.parameters]
        if [p.shape for p in read] != shapes or len(net.seeds) != prod(net.members):
            raise ValueError(f"{path} holds arrays that do not fit the sizes {net.sizes}")
        for p, value in zip(net.parameters, read, strict=True):
            p[...] = xp.asarray(value)
        return net


def zero_parameters(
    sizes: Sequence[int], members: tuple[int, ...], dtype: Any, xp: Any
) -> list[Array]:
    """Zeros shaped like the parameters of a network, in one piece of memory.

    The first weights of a stack lie in memory as one wide matrix, for inputs that its members
    share.
    """
    shapes: list[tuple[int, ...]] = []
    for n_in, n_out in pairwise(sizes):
        shapes += [(*members, n_in, n_out), (*members, n_out)]
    if members:
        shapes[0] = (sizes[0], members[0] * sizes[1])
    parameters = empty(shapes, dtype, xp)
    if members:
        parameters[0] = apart(parameters[0], members[0])
    for p in parameters:
        p[...] = 0
    return parameters


def work_on(work: Callable[..., Array | None], own: Array) -> Array | None:
    """``own``, to be overwritten in place, where a workspace is in use; else None."""
    return None if work is no_buffer else own


def draw_masks(
    net: MLP,
    rates: Sequence[float],
    rngs: Sequence[Any],
    cases: int,
    work: Callable[..., Array | None] = no_buffer,
) -> list[Array | None]:
    """One dropout mask for the inputs and for each hidden layer, member by member.

    Each member draws from its own generator, layer by layer, so that it draws the same in a
    stack and alone.

    Parameters
    ----------
    net : MLP
    rates : sequence of float
        For the inputs and for each hidden layer; 0 drops nothing.
    rngs : sequence of generator
        One per member.
    cases : int
    work : Workspace, optional

    Returns
    -------
    list of array, shape (*E, cases, units), or None
    """
    W = net.parameters[0]
    masks: list[Array | None] = []
    for i, (rate, units) in enumerate(zip(rates, net.sizes[:-1], strict=True)):
        if not rate:
            masks.append(None)
            continue
        shape, buffer = (cases, units), work(f"mask{i}", (len(rngs), cases, units), W)
        drawn = [
            layers.dropout_mask(rng, shape, rate, W, None if buffer is None else buffer[k])
            for k, rng in enumerate(rngs)
        ]
        together = net.xp.stack(drawn) if buffer is None else buffer
        masks.append(together if net.members else drawn[0])
    return masks


def mask_generators(net: MLP, epoch: int) -> list[Any]:
    """The generators of the dropout masks of one epoch, one per member."""
    return [generator(seed, Stream.MASKS, epoch, xp=net.xp) for seed in net.seeds]


def _initial(sizes: Sequence[int], seed: int, gain: float) -> list[Any]:
    rng = generator(seed, Stream.WEIGHTS)
    parameters = []
    for n_in, n_out in pairwise(sizes):
        parameters.append(rng.standard_normal((n_in, n_out)) * gain * np.sqrt(2 / n_in))
        parameters.append(np.zeros(n_out))
    return parameters
