"""Divergence: what training looks for, when, and how it is reported."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikd.backend import Array, on_host, to_host
from minikd.mixture import Mixture
from minikd.mlp import MLP

# Pixels go up to 1, standardized inputs hardly above 10.
LARGE_INPUT = 30.0


class TrainingDiverged(ArithmeticError):
    """A value is no longer finite, or no unit of a hidden layer is active any more (dying ReLU).

    Attributes
    ----------
    step : int
        Where it was noticed, counted from 0 over all epochs.
    learning_rate : float
        Of that step, and of the member of the stack that diverged.

    Where the inputs go far above 1 (``largest``), that is named as the likely cause.
    """

    def __init__(
        self, what: str, step: int, learning_rate: float, largest: float = 1.0
    ) -> None:
        self.step, self.learning_rate = step, learning_rate
        if largest > LARGE_INPUT:
            how = "divide pixels by 255" if largest <= 255 else "standardize the inputs"
            advice = (
                f"the likely cause is the scale of data.x, which goes up to {largest:.4g}; expected "
                f"inputs around 1: {how}"
            )
        else:
            advice = (
                "use a lower learning rate or a warm-up (soft targets with T² at a high T, and large "
                "logits of a teacher, need one)"
            )
        super().__init__(
            f"training diverged at step {step}, learning rate {learning_rate:.3g}: {what}; {advice}"
        )


class Watch:
    """Looks at a network during training, and stops it if it has diverged.

    Once a value is not finite, or a hidden layer is off for every case (dying ReLU), no later step
    can repair it.

    Parameters
    ----------
    net : MLP or Mixture
    some : array
        Cases to check the network on. One batch is not enough: a small layer may be off in all of
        its cases by chance, or because of dropout.
    """

    def __init__(self, net: MLP | Mixture, some: Array) -> None:
        self.net, self.some = net, some

    def logits(self, z: Array, step: int, rate: Any, look: bool) -> None:
        """Check the logits of a batch: always on the host, on a GPU only if told to ``look``.

        A check in every step would make the host wait for all work queued on the GPU.
        """
        if on_host(z) or look:
            self._finite(z, step, rate)
            if all_alike(z):
                self._alive(step, rate)

    def epoch(self, caches: list[Any], step: int, rate: Any, last: bool) -> None:
        """Check after an epoch that the weights are finite and the network is alive."""
        # No forward pass follows the last step, so no logits would show it.
        for p in self.net.parameters:
            self._finite(p, step, rate)
        # A batch that activates a unit in each layer shows that the network is alive; most do.
        if last or self.net.off(caches).any():
            self._alive(step, rate)

    def _finite(self, x: Array, step: int, rate: Any) -> None:
        # A sum is finite only if every term is; if it is not, each term is checked.
        with np.errstate(all="ignore"):
            if np.isfinite(to_host(x.sum())):
                return
        finite = to_host(self.net.xp.isfinite(x)).reshape(len(self.net.seeds), -1).all(-1)
        self._stop(~finite, "logits or weights are not finite", step, rate)

    def _alive(self, step: int, rate: Any) -> None:
        # If a hidden layer is off in every case, only biases are left.
        off = self.net.off(self.net.forward(self.some)[1])
        what = "a hidden layer has no active unit, so every case gets the same logits"
        self._stop(off, what, step, rate)

    def _stop(self, diverged: Any, what: str, step: int, rate: Any) -> None:
        for k in np.flatnonzero(diverged):
            rates = np.broadcast_to(np.ravel(rate), len(self.net.seeds))
            member = f"member {k}: " if self.net.members else ""
            largest = float(to_host(abs(self.some).max()))
            raise TrainingDiverged(member + what, step, float(rates[k]), largest)


def all_alike(z: Array) -> bool:
    """Whether some member gives the same logits for all cases, of which there are at least two."""
    # Two cases are compared first; that nearly always settles it.
    return z.shape[-2] > 1 and all(
        (z[..., :n, :] == z[..., :1, :]).all(-1).all(-1).any() for n in (2, z.shape[-2])
    )
