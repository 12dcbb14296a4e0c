"""The network: linear layers with ReLU between them, and its backpropagation by hand.

One :class:`MLP` is one network, or a stack of networks of the same shape that never mix.
Training does the same with buffers, in :mod:`minikd.fast`.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import pairwise
from math import prod
from os import PathLike
from typing import Any

import numpy as np

from minikd import arrays, layers, values
from minikd.backend import (
    Array,
    Stream,
    array_module,
    generator,
    namespace,
    to_host,
)
from minikd.checkpoint import load_checkpoint, save_checkpoint
from minikd.threads import threads_for


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

    drops = True  # it can be trained with dropout

    def __init__(
        self,
        sizes: Sequence[int],
        rng: Any,
        *,
        gain: float = 1.0,
        dtype: Any = np.float32,
        device: str = "cpu",
    ) -> None:
        self.sizes = _checked_sizes(sizes)
        dtype, gain = _checked_dtype(dtype), values.positive("gain", gain)
        stacked = getattr(rng, "ndim", 0) == 1 or isinstance(rng, (list, tuple, range))
        seeds = values.items("rng", rng, "seeds, one for each member") if stacked else [rng]
        if not seeds:
            raise ValueError("rng is an empty sequence; expected a seed for each member")
        self.members: tuple[int, ...] = (len(seeds),) if stacked else ()
        self.seeds = [values.as_seed(seed) for seed in seeds]
        xp = array_module(device)
        drawn = [_initial(self.sizes, seed, gain) for seed in self.seeds]
        self.parameters: list[Array] = [
            xp.asarray(np.stack(of_members) if stacked else of_members[0], dtype=dtype)
            for of_members in zip(*drawn, strict=True)
        ]

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
        return [self.xp.zeros_like(p) for p in self.parameters]

    def off(self, caches: list[Any]) -> Any:
        """For each member, whether a hidden layer is off in all cases of a forward pass."""
        caches = values.caches("caches", caches, len(self.sizes) - 1)
        lives = [to_host((h > 0).any(-1).any(-1)) for _, _, h in caches[:-1]]
        dead = np.zeros(len(self.seeds), dtype=bool)
        return ~np.all(lives, axis=0).reshape(-1) if lives else dead

    def __repr__(self) -> str:
        stack = (
            f", {len(self.seeds)} member{'s'[: len(self.seeds) > 1]}" if self.members else ""
        )
        return f"<MLP {'-'.join(map(str, self.sizes))}{stack}>"

    def __getitem__(self, k: int) -> MLP:
        """Member k of a stack, as a network of its own that shares no memory with it."""
        if not self.members:
            raise TypeError(f"{self} is one network, not a stack; expected no index k")
        try:
            k = values.plain(k)
            if isinstance(k, bool):
                raise TypeError
            k = operator.index(k)
        except TypeError:
            raise TypeError(f"k is {values.shown(k)}; expected the index of a member") from None
        E = self.members[0]
        if not -E <= k < E:  # an IndexError, so that a stack can be iterated over
            raise IndexError(
                f"k is {values.shown(k)}; expected 0 … {E - 1}: there are {E} members"
            )
        return self._copy([p[k].copy() for p in self.parameters], (), [self.seeds[k]])

    def with_parameters(self, parameters: Sequence[Array]) -> MLP:
        """The same network with other arrays as its parameters (not copied)."""
        values.instance("parameters", parameters, (list, tuple), "a list of arrays")
        shapes = [tuple(p.shape) for p in self.parameters]
        if [tuple(getattr(p, "shape", ())) for p in parameters] != shapes:
            raise ValueError(
                f"parameters have shapes that do not fit the sizes {self.sizes}; expected {shapes}"
            )
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
            Cases at a time, to bound the memory.

        Returns
        -------
        array, shape (*E, n, classes)
            On the host if x is.
        """
        x, batch = arrays.inputs(x, self.sizes[0]), values.whole("batch", batch, 1)
        xp, dtype, cases, parts = self.xp, self.parameters[0].dtype, x.shape[-2], []
        with threads_for(self.sizes, min(batch, cases), len(self.seeds), training=False):
            for start in range(0, cases, batch):
                h = xp.asarray(x[..., start : start + batch, :], dtype=dtype)
                parts.append(self.forward(h)[0])
        z = xp.concatenate(parts, axis=-2)
        return to_host(z) if isinstance(x, np.ndarray) else z

    def forward(
        self, x: Array, masks: Sequence[Array | None] | None = None
    ) -> tuple[Array, list[Any]]:
        """The forward pass; the caches are what the backward pass needs.

        Parameters
        ----------
        x : array, shape (B, in) or (*E, B, in)
        masks : sequence of array or None, optional
            Dropout masks: one for the inputs and one for each hidden layer, of its shape, from
            :func:`draw_masks`; None drops nothing.

        Returns
        -------
        z : array, shape (*E, B, classes)
            Logits.
        caches : list
        """
        depth = len(self.sizes) - 1
        x, masks = self._checked(x, masks)
        caches: list[Any] = []
        h = x
        for i in range(depth):
            W, b = self.parameters[2 * i : 2 * i + 2]
            if masks[i] is not None:
                h, _ = layers.dropout_forward(h, masks[i])
            z, linear = layers.linear_forward(h, W, b)
            relu = None
            if i < depth - 1:
                h, relu = layers.relu_forward(z)
            caches.append((masks[i], linear, relu))
        return z, caches

    def _checked(self, x: Any, masks: Any) -> tuple[Array, Sequence[Array | None]]:
        """Inputs and masks of a forward pass. NaN may be in them: training looks for it later."""
        x, depth = arrays.floats("x", x), len(self.sizes) - 1
        if x.ndim < 2 or x.shape[-1] != self.sizes[0]:
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (B, {self.sizes[0]})")
        if masks is None or (isinstance(masks, (list, tuple)) and not masks):
            return x, [None] * depth
        if not isinstance(masks, (list, tuple)) or len(masks) != depth:
            raise values.refused("masks", masks, f"{depth} masks, one for each linear layer")
        for mask, units in zip(masks, self.sizes[:-1], strict=True):
            if mask is None:
                continue
            shape = tuple(arrays.floats("masks", mask).shape)
            alone = (x.shape[-2], units)
            if len(shape) < x.ndim or shape not in (alone, (*self.members, *alone)):
                raise ValueError(
                    f"masks has one of shape {shape}; expected {alone} beside x, {tuple(x.shape)}"
                )
        return x, masks

    def backward(self, dz: Array, caches: list[Any]) -> list[Array]:
        """Backpropagation: from the gradient on the logits to the gradients on all parameters.

        Layer by layer, the last first: linear, dropout, ReLU, each by its own backward.

        Parameters
        ----------
        dz : array, shape (*E, B, classes)
        caches : list
            From :meth:`forward`.

        Returns
        -------
        list of array
            Shaped like ``parameters``.
        """
        caches = values.caches("caches", caches, len(self.sizes) - 1)
        gradients: list[Array] = []
        for i in reversed(range(len(caches))):
            mask, linear, _ = caches[i]
            dh, dW, db = layers.linear_backward(dz, linear, input_gradient=i > 0)
            gradients = [dW, db, *gradients]
            if i > 0:
                if mask is not None:
                    dh = layers.dropout_backward(dh, mask)
                relu = caches[i - 1][2]
                dz = layers.relu_backward(dh, relu)
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
            If the file holds no network, or is damaged.
        """
        arrays, meta = load_checkpoint(path)
        xp = array_module(device)
        net = object.__new__(cls)
        try:
            net.sizes = _checked_sizes(meta["sizes"])
            seeds = values.items("seeds", meta["seeds"], "seeds, one for each member")
            net.seeds = [values.as_seed(seed, "seeds") for seed in seeds]
            read = [arrays[f"p{i}"] for i in range(2 * (len(net.sizes) - 1))]
        except (KeyError, TypeError, ValueError) as error:
            lacks = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise ValueError(
                f"path: {path} holds no network ({lacks}); expected a file that MLP.save wrote"
            ) from error
        net.members = tuple(read[0].shape[:-2])
        shapes: list[tuple[int, ...]] = []
        for n_in, n_out in pairwise(net.sizes):
            shapes += [(*net.members, n_in, n_out), (*net.members, n_out)]
        fit = [p.shape for p in read] == shapes and len(net.members) <= 1
        if not fit or len(net.seeds) != prod(net.members):
            raise ValueError(
                f"path: {path} holds arrays that do not fit the sizes {net.sizes}; expected a file "
                "that MLP.save wrote"
            )
        dtypes = {p.dtype for p in read}
        if len(dtypes) != 1 or not dtypes <= {np.dtype("float32"), np.dtype("float64")}:
            raise ValueError(
                f"path: {path} holds arrays of dtype {', '.join(sorted(map(str, dtypes)))}; expected float32 "
                "or float64, one for all"
            )
        net.parameters = [xp.asarray(p) for p in read]
        return net


def draw_masks(
    net: MLP, rates: Sequence[float], rngs: Sequence[Any], cases: int
) -> list[Array | None]:
    """One dropout mask for the inputs and for each hidden layer, member by member.

    Each member draws from its own generator, layer by layer, so it draws the same masks in a stack
    as alone.

    Parameters
    ----------
    net : MLP
    rates : sequence of float
        For the inputs and for each hidden layer; 0 drops nothing.
    rngs : sequence of generator
        One per member, from :func:`mask_generators`.
    cases : int

    Returns
    -------
    list of array, shape (*E, cases, units), or None
    """
    values.instance("net", net, (MLP,), "a network, like MLP([784, 100, 10], rng=0)")
    cases = values.whole("cases", cases, 1)
    values.rates_fit(rates, rngs, len(net.sizes) - 1, len(net.seeds))
    like = net.parameters[0]
    masks: list[Array | None] = []
    for rate, units in zip(rates, net.sizes[:-1], strict=True):
        if rate:
            drawn = [layers.dropout_mask(rng, (cases, units), rate, like) for rng in rngs]
            masks.append(net.xp.stack(drawn) if net.members else drawn[0])
        else:
            masks.append(None)
    return masks


def mask_generators(net: Any, epoch: int) -> list[Any]:
    """The generators of the dropout masks of one epoch, one per member."""
    values.able("net", net, "forward", "a network, like MLP([784, 100, 10], rng=0)")
    epoch = values.whole("epoch", epoch)
    return [generator(seed, Stream.MASKS, epoch, xp=net.xp) for seed in net.seeds]


def _checked_sizes(sizes: Any) -> list[int]:
    expected = "at least two positive integers, like [784, 100, 10]"
    try:
        checked = values.wholes("sizes", sizes, 1)
    except ValueError:
        raise values.refused("sizes", sizes, expected) from None
    if len(checked) < 2:
        raise values.refused("sizes", sizes, expected)
    return checked


def _checked_dtype(dtype: Any) -> Any:
    try:
        known = np.dtype(dtype) in (np.float32, np.float64)
    except (TypeError, ValueError):
        known = False
    if not known or dtype is None:
        raise values.refused("dtype", dtype, "float32 or float64")
    return np.dtype(dtype)


def _initial(sizes: Sequence[int], seed: int, gain: float) -> list[Any]:
    rng = generator(seed, Stream.WEIGHTS)
    parameters = []
    for n_in, n_out in pairwise(sizes):
        parameters.append(rng.standard_normal((n_in, n_out)) * gain * np.sqrt(2 / n_in))
        parameters.append(np.zeros(n_out))
    return parameters
