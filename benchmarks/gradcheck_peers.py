"""The checkers, each asked in its own way whether a hand-written gradient is right.

``CHECKERS[name](layer, inputs, differentiable)`` returns if the checker finds nothing, and raises
otherwise. A layer reaches a library through the door that the library has for gradients written
by hand, with its own default tolerances. Each library needs one gradient for each input; where it
would not say so itself, the door does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from importlib import util
from typing import Any

import numpy as np

import minikd

Check = Callable[[Callable[..., Any], tuple[Any, ...], Sequence[int]], None]


def _as_tuple(given: Any) -> tuple[Any, ...]:
    return tuple(given) if isinstance(given, (tuple, list)) else (given,)


class _Hand:
    """A layer as a function of its differentiable inputs alone."""

    def __init__(
        self, layer: Any, inputs: tuple[Any, ...], differentiable: Sequence[int]
    ) -> None:
        self.layer, self.inputs, self.which = layer, inputs, differentiable
        self.moving = [np.array(inputs[i], dtype=float) for i in differentiable]

    def __call__(self, *moving: Any) -> tuple[Any, Callable[..., tuple[Any, ...]]]:
        inputs = list(self.inputs)
        for i, x in zip(self.which, moving, strict=True):
            inputs[i] = x
        out, backward = self.layer(*inputs)

        def gradients(*douts: Any) -> tuple[Any, ...]:
            given = _as_tuple(backward(*douts))
            if len(given) != len(inputs):
                raise TypeError(f"{len(given)} gradients for {len(inputs)} inputs")
            return tuple(given[i] for i in self.which)

        return out, gradients


def check_minikd(layer: Any, inputs: tuple[Any, ...], differentiable: Sequence[int]) -> None:
    """minikd, with its defaults; it finds out itself which inputs have a gradient."""
    minikd.gradcheck(layer, inputs)


def check_torch(layer: Any, inputs: tuple[Any, ...], differentiable: Sequence[int]) -> None:
    """PyTorch: an autograd.Function that calls NumPy, in double, nondeterminism looked for.

    PyTorch sums a gradient that broadcasting made too large, so some missing sums are no mistakes
    there; they count as missed all the same.
    """
    import torch

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *given: Any) -> Any:
            arrays = [x.detach().numpy() if isinstance(x, torch.Tensor) else x for x in given]
            out, ctx.by_hand = layer(*arrays)
            outs = tuple(torch.from_numpy(np.asarray(o, order="C")) for o in _as_tuple(out))
            return outs if isinstance(out, tuple) else outs[0]

        @staticmethod
        def backward(ctx: Any, *douts: Any) -> Any:
            given = _as_tuple(ctx.by_hand(*(d.numpy() for d in douts)))
            return tuple(
                None if g is None else torch.from_numpy(np.asarray(g, float, order="C"))
                for g in given
            )

    given = [
        torch.tensor(np.asarray(x, float), requires_grad=True) if i in differentiable
        else torch.tensor(x) if isinstance(x, np.ndarray) else x
        for i, x in enumerate(inputs)
    ]  # fmt: skip
    torch.autograd.gradcheck(Function.apply, given)


def check_scipy(layer: Any, inputs: tuple[Any, ...], differentiable: Sequence[int]) -> None:
    """SciPy: one function of one vector; wrong if the error is above 1e-5 of the gradient."""
    from scipy.optimize import check_grad

    hand = _Hand(layer, inputs, differentiable)
    ends = np.cumsum([x.size for x in hand.moving])[:-1]
    rng = np.random.default_rng(3)
    outs = _as_tuple(hand(*(x.copy() for x in hand.moving))[0])
    douts = [np.asarray(rng.normal(size=np.shape(o))) for o in outs]

    def arrays(vector: Any) -> list[Any]:
        parts = zip(np.split(vector, ends), hand.moving, strict=True)
        return [part.reshape(x.shape).copy() for part, x in parts]

    def cost(vector: Any) -> float:
        values = _as_tuple(hand(*arrays(vector))[0])
        return float(sum(np.sum(d * v) for d, v in zip(douts, values, strict=True)))

    def gradient(vector: Any) -> Any:
        given = hand(*arrays(vector))[1](*(d.copy() for d in douts))
        return np.concatenate([np.ravel(g) for g in given])

    start = np.concatenate([x.ravel() for x in hand.moving])
    error, size = check_grad(cost, gradient, start), np.linalg.norm(gradient(start))
    if not error <= 1e-5 * size:
        raise AssertionError(f"the error is {error:.3g}, and the gradient's length {size:.3g}")


def check_jax(layer: Any, inputs: tuple[Any, ...], differentiable: Sequence[int]) -> None:
    """JAX: custom_vjp around callbacks; being functional, it calls the layer anew each time."""
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)
    # What a callback raises comes back as an exception; it need not be logged too.
    logging.getLogger("jax").setLevel(logging.CRITICAL)
    hand = _Hand(layer, inputs, differentiable)
    out = hand(*(x.copy() for x in hand.moving))[0]
    several = isinstance(out, tuple)
    of_outs = jax.tree.map(lambda o: jax.ShapeDtypeStruct(np.shape(o), np.float64), out)
    of_inputs = tuple(jax.ShapeDtypeStruct(x.shape, np.float64) for x in hand.moving)

    def forward(*xs: Any) -> Any:
        return jax.tree.map(np.asarray, hand(*map(np.array, xs))[0])

    def gradients(xs: Any, d: Any) -> Any:
        douts = map(np.array, d if several else (d,))
        return tuple(map(np.asarray, hand(*map(np.array, xs))[1](*douts)))

    @jax.custom_vjp
    def function(*xs: Any) -> Any:
        return jax.pure_callback(forward, of_outs, *xs)

    def vjp(xs: Any, d: Any) -> Any:
        return jax.pure_callback(gradients, of_inputs, xs, d)

    function.defvjp(lambda *xs: (function(*xs), xs), vjp)
    check_grads(function, tuple(hand.moving), order=1, modes=["rev"])


def check_autograd(layer: Any, inputs: tuple[Any, ...], differentiable: Sequence[int]) -> None:
    """HIPS autograd: a primitive with its vjp, all inputs together."""
    from autograd.extend import defvjp_argnums, primitive
    from autograd.test_util import check_grads

    hand = _Hand(layer, inputs, differentiable)

    @primitive
    def function(*xs: Any) -> Any:
        return hand(*xs)[0]

    def maker(argnums: Any, ans: Any, xs: Any, kwargs: Any) -> Any:
        by_hand = hand(*xs)[1]

        def vjp(d: Any) -> Any:
            given = by_hand(*(d if isinstance(d, tuple) else (d,)))
            return tuple(np.asarray(given[i]) for i in argnums)

        return vjp

    defvjp_argnums(function, maker)
    np.random.seed(0)  # noqa: NPY002, because its directions come from there
    check_grads(function, tuple(range(len(hand.moving))), modes=["rev"], order=1)(*hand.moving)


_ALL: dict[str, tuple[str, Check]] = {
    "minikd.gradcheck": ("minikd", check_minikd),
    "torch.autograd.gradcheck": ("torch", check_torch),
    "scipy.optimize.check_grad": ("scipy", check_scipy),
    "jax.test_util.check_grads": ("jax", check_jax),
    "autograd.test_util.check_grads": ("autograd", check_autograd),
}
CHECKERS = {name: check for name, (needs, check) in _ALL.items() if util.find_spec(needs)}
LEFT_OUT = [name for name in _ALL if name not in CHECKERS]
