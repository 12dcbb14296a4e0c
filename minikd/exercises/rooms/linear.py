"""Backpropagation through a linear layer."""

import numpy as np

from minikd.exercises.exercise import Bug, Exercise, Task


def grad_inputs(dz, x, W):
    return dz @ W.T


def grad_weights(dz, x, W):
    return x.T @ dz


def grad_bias(dz, x, W):
    return dz.sum(axis=0)


def _cases(rng):
    for B, n, m in ((1, 1, 2), (2, 2, 2), (3, 2, 4), (5, 4, 3), (3, 3, 3)):
        yield rng.normal(size=(B, m)), rng.normal(size=(B, n)), rng.normal(size=(n, m))


EXERCISE = Exercise(
    "linear", 5, "Backpropagation through a linear layer", 20,
    tasks=(
        Task("grad_inputs", grad_inputs, _cases, shapes="(B, in)", bugs=(
            Bug("dz is not used: it multiplies the derivative W",
                lambda dz, x, W: np.ones_like(dz) @ W.T),
                Bug("W has to be transposed", lambda dz, x, W: dz @ W),
            Bug("The forward pass is computed again", lambda dz, x, W: x @ W),
            Bug("The batch mean is taken here; it was taken in the cost",
                lambda dz, x, W: dz @ W.T / len(x)),
            Bug("The mask of a ReLU is in it; that is another layer",
                lambda dz, x, W: dz @ W.T * (x > 0)),
        )),
        Task("grad_weights", grad_weights, _cases, shapes="(in, out)", bugs=(
            Bug("It is transposed: W has the shape (in, out)", lambda dz, x, W: dz.T @ x),
            Bug("The batch mean is taken here; it was taken in the cost",
                lambda dz, x, W: x.T @ dz / len(x)),
            Bug("Only the first case of the batch counts", lambda dz, x, W: np.outer(x[0], dz[0])),
            Bug("The sums over the batch are multiplied, and not each case's x and dz",
                lambda dz, x, W: np.outer(x.sum(0), dz.sum(0))),
        )),
        Task("grad_bias", grad_bias, _cases, shapes="(out,)", bugs=(
            Bug("dz is not used: the derivative by b is 1, and dz multiplies it",
                lambda dz, x, W: np.ones(W.shape[1])),
                Bug("It keeps the axis of the cases: sum without keepdims",
                    lambda dz, x, W: dz.sum(axis=0, keepdims=True)),
                Bug("The sum over the batch is missing: b is added to every case",
                    lambda dz, x, W: dz),
            Bug("The mean over the batch is taken, and not the sum",
                lambda dz, x, W: dz.mean(axis=0)),
            Bug("The sum is over the outputs (axis 1), and not over the batch (axis 0)",
                lambda dz, x, W: dz.sum(axis=1)),
        )),
    ),
    hints=(
        "z = x @ W + b. Write one output of one case: z_j = sum over i of x_i W_ij, plus b_j.",
        "∂C/∂x_i is the sum over j of dz_j W_ij; ∂C/∂W_ij is x_i dz_j, summed over the cases.",
        "Let the shapes lead: (B, in) from (B, out) and (in, out); (in, out) from (B, in) and (B, out).",
    ),
)  # fmt: skip
