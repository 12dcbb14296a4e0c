"""The work that is timed: what is trained or asked, in numbers that every contender reads."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

STUDENT = (784, 800, 800, 10)
TEACHER = (784, 1200, 1200, 10)
NARROW = (784, 30, 30, 10)
TEMPERATURES = (1.0, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 40.0)


@dataclass(frozen=True)
class Workload:
    """One kind of work.

    Attributes
    ----------
    what, short : str
    sizes : tuple of int
    batch : int
    epochs, steps : int
        In one round, and in each epoch.
    dropout, max_norm, jitter
        As in :class:`minikd.Recipe`.
    temperatures : tuple of float
        Soft targets at these temperatures, one for each member; empty for hard targets.
    hard_weight : float
        Of the hard targets beside the soft ones.
    members : int
        0 for one network without a member axis.
    cases : int
        To be answered in one round, without training; 0 to train.
    """

    what: str
    sizes: tuple[int, ...]
    short: str = ""
    batch: int = 128
    epochs: int = 2
    steps: int = 100
    dropout: tuple[float, ...] = ()
    max_norm: float | None = None
    jitter: int = 0
    temperatures: tuple[float, ...] = ()
    hard_weight: float = 0.0
    members: int = 0
    cases: int = 0

    def products(self) -> list[tuple[int, int, int]]:
        """(rows, inner, columns) of every matrix product of a step, or of answering all cases."""
        layers = list(zip(self.sizes, self.sizes[1:], strict=False))
        B, E = self.cases or self.batch, max(self.members, 1)
        forward = [(B, n_in, n_out) for n_in, n_out in layers]
        if self.cases:
            return forward
        to_weights = [(n_in, B, n_out) for n_in, n_out in layers]
        to_inputs = [(B, n_out, n_in) for n_in, n_out in layers[1:]]
        return (forward + to_weights + to_inputs) * E

    def flops(self) -> int:
        """Additions and multiplications of these products."""
        return 2 * sum(math.prod(shape) for shape in self.products())

    def traffic(self) -> int:
        """Bytes that a training step reads and writes of weights and velocities, at the least.

        A weight is read in the forward pass, in the backward pass and in the update, and written
        once; a velocity is read and written with the gradient, and read in the update. The first
        layer has no backward pass through its weights.
        """
        first = max(self.members, 1) * self.sizes[0] * self.sizes[1]
        return 4 * (7 * self.parameters() - first)

    def parameters(self) -> int:
        """Weights and biases, of all members."""
        layers = zip(self.sizes, self.sizes[1:], strict=False)
        return max(self.members, 1) * sum(n_in * n_out + n_out for n_in, n_out in layers)


_TEACHER = Workload(
    "teacher step: dropout, max-norm, momentum, jitter; batch 128",
    TEACHER, "teacher, batch 128", dropout=(0.2, 0.5, 0.5), max_norm=3.5, jitter=2,
)  # fmt: skip
_STACK = Workload(
    "40 students of 30 units, each its own T and seed",
    NARROW, "stack of 40, batch 128", temperatures=TEMPERATURES * 4, members=40,
)  # fmt: skip

WORKLOADS = {
    "a": Workload(
        "student step 784-800-800-10, batch 128", STUDENT, "student, batch 128"
    ),
    "b": _TEACHER,
    "c": replace(
        _TEACHER, what="the same, batch 512", short="teacher, batch 512", batch=512, steps=25
    ),
    "d": Workload(
        "student step from kept teacher logits, soft and hard targets",
        STUDENT, "distilled, batch 128", temperatures=(20.0,), hard_weight=0.1,
    ),
    "e": _STACK,
    "f": Workload("answering 10,000 images, 784-800-800-10", STUDENT,
                  "10,000 images", epochs=1, steps=5, cases=10_000),
    "g": Workload(
        "ten acoustic models of eight hidden layers, each its own seed, soft targets",
        (1040, *(256,) * 8, 50), "ensemble of ten, batch 256", batch=256, epochs=1, steps=20,
        temperatures=(1.0,) * 10, members=10,
    ),
}  # fmt: skip

# A stack that grows.
GROWTH = {
    f"{E} members": replace(
        _STACK, what=f"{E} students of 30 units", short=f"stack of {E}", members=E, steps=max(10, 400 // E),
        temperatures=tuple(TEMPERATURES[k % 10] for k in range(E)),
    )
    for E in (1, 2, 4, 8, 16, 32, 64)
}  # fmt: skip
