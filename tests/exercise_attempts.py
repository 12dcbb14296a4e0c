"""Wrong first attempts at each function of the exercises, as learners would write them.

They were written before the lists of known mistakes were read. Each function has three: one by a
beginner, one by somebody who comes from PyTorch and is careless about axes and reductions, and one by
somebody who misremembers the paper. ``ATTEMPTS`` holds, for each exercise and function, three pairs of
what is wrong, in a sentence, and the function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Function = Callable[..., Any]

ATTEMPTS: dict[tuple[str, str], list[tuple[str, Function]]] = {}


def attempt(exercise: str, task: str, wrong: str) -> Callable[[Function], Function]:
    def kept(function: Function) -> Function:
        ATTEMPTS.setdefault((exercise, task), []).append((wrong, function))
        return function

    return kept


def soft(z, T=1.0):
    z = z / T
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_soft(z, T=1.0):
    z = z / T
    z = z - z.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


# ---------------------------------------------------------------- 1 softmax


@attempt("softmax", "softmax", "the sum runs over the whole batch")
def softmax_beginner(z, T):
    e = np.exp(z / T)
    return e / e.sum()


@attempt("softmax", "softmax", "the sum runs over the cases, axis 0, and not over the classes")
def softmax_torch(z, T):
    z = z / T
    e = np.exp(z - z.max(axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


@attempt("softmax", "softmax", "multiplies the logits by T and does not divide them")
def softmax_paper(z, T):
    z = z * T
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


# ---------------------------------------------------------------- 2 log_softmax


@attempt(
    "log_softmax", "log_softmax", "takes the logarithm of a softmax, which overflows or is 0"
)
def log_softmax_beginner(z, T):
    e = np.exp(z / T)
    return np.log(e / e.sum(axis=1, keepdims=True))


@attempt("log_softmax", "log_softmax", "log-sum-exp over the cases, axis 0")
def log_softmax_torch(z, T):
    z = z / T
    z = z - z.max(axis=0)
    return z - np.log(np.exp(z).sum(axis=0))


@attempt(
    "log_softmax", "log_softmax", "T divides the first term only, not those under the logarithm"
)
def log_softmax_paper(z, T):
    largest = z.max(axis=-1, keepdims=True)
    return z / T - largest - np.log(np.exp(z - largest).sum(axis=-1, keepdims=True))


# ---------------------------------------------------------------- 3 soft_cost


@attempt("soft_cost", "soft_cost", "softens the student only, and leaves the teacher at T = 1")
def soft_cost_beginner(z, v, T):
    return -(soft(v) * log_soft(z, T)).sum(axis=1)


@attempt("soft_cost", "soft_cost", "averages over the batch, and gives one number")
def soft_cost_torch(z, v, T):
    return -(soft(v, T) * log_soft(z, T)).sum(axis=1).mean()


@attempt("soft_cost", "soft_cost", "multiplied by T squared")
def soft_cost_paper(z, v, T):
    return -(T**2) * (soft(v, T) * log_soft(z, T)).sum(axis=1)


# ---------------------------------------------------------------- 4 soft_gradient


@attempt("soft_gradient", "soft_gradient", "teacher minus student: the sign is turned round")
def soft_gradient_beginner(z, v, T):
    return (soft(v, T) - soft(z, T)) / T


@attempt("soft_gradient", "soft_gradient", "divided by the number of cases, as for a mean cost")
def soft_gradient_torch(z, v, T):
    return (soft(z, T) - soft(v, T)) / T / len(z)


@attempt("soft_gradient", "soft_gradient", "the factor 1/T is missing")
def soft_gradient_paper(z, v, T):
    return soft(z, T) - soft(v, T)


# ---------------------------------------------------------------- 5 linear


@attempt(
    "linear", "grad_inputs", "sums of the weights alone; the gradient from above is not used"
)
def grad_inputs_beginner(dz, x, W):
    return np.ones_like(dz) @ W.T


@attempt("linear", "grad_inputs", "W is not transposed, as if it were stored (out, in)")
def grad_inputs_torch(dz, x, W):
    return dz @ W


@attempt("linear", "grad_inputs", "goes back through a ReLU as well, which is not there")
def grad_inputs_paper(dz, x, W):
    return (dz @ W.T) * (x > 0)


@attempt(
    "linear", "grad_weights", "the product of the sums over cases, not the sum of products"
)
def grad_weights_beginner(dz, x, W):
    return np.outer(x.sum(axis=0), dz.sum(axis=0))


@attempt("linear", "grad_weights", "transposed: (out, in), as another library stores it")
def grad_weights_torch(dz, x, W):
    return dz.T @ x


@attempt("linear", "grad_weights", "divided by the number of cases")
def grad_weights_paper(dz, x, W):
    return x.T @ dz / x.shape[0]


@attempt("linear", "grad_bias", "ones, because the derivative of z with respect to b is 1")
def grad_bias_beginner(dz, x, W):
    return np.ones(W.shape[1])


@attempt("linear", "grad_bias", "mean over the cases, not their sum")
def grad_bias_torch(dz, x, W):
    return dz.mean(axis=0)


@attempt("linear", "grad_bias", "keeps the axis of the cases: (1, out), not (out,)")
def grad_bias_paper(dz, x, W):
    return dz.sum(axis=0, keepdims=True)


# ---------------------------------------------------------------- 6 relu_dropout


@attempt(
    "relu_dropout", "relu_backward", "applies the ReLU to the gradient, and never looks at x"
)
def relu_backward_beginner(dout, x):
    return np.maximum(dout, 0)


@attempt("relu_dropout", "relu_backward", "multiplies by the output, not by its derivative")
def relu_backward_torch(dout, x):
    return dout * np.maximum(x, 0)


@attempt(
    "relu_dropout", "relu_backward", "the derivative of the ReLU alone, without the chain rule"
)
def relu_backward_paper(dout, x):
    return (x > 0).astype(float)


@attempt("relu_dropout", "dropout", "what is kept is not scaled up")
def dropout_beginner(x, kept, rate):
    return x * kept


@attempt("relu_dropout", "dropout", "divides by the rate, as if it were the share that is kept")
def dropout_torch(x, kept, rate):
    return x * kept / rate


@attempt("relu_dropout", "dropout", "multiplies by 1 - rate, as in the test of the first paper")
def dropout_paper(x, kept, rate):
    return x * kept * (1 - rate)


@attempt("relu_dropout", "dropout_backward", "the scale is missing")
def dropout_backward_beginner(dout, kept, rate):
    out = dout.copy()
    out[kept == 0] = 0
    return out


@attempt("relu_dropout", "dropout_backward", "passes the gradient where the unit was dropped")
def dropout_backward_torch(dout, kept, rate):
    return np.where(kept, 0, dout) / (1 - rate)


@attempt("relu_dropout", "dropout_backward", "the gradient is scaled but not masked")
def dropout_backward_paper(dout, kept, rate):
    return dout / (1 - rate)


# ---------------------------------------------------------------- 7 momentum


@attempt("momentum", "new_velocity", "momentum multiplies the gradient, not the velocity")
def new_velocity_beginner(u, g, momentum):
    return u + momentum * g


@attempt("momentum", "new_velocity", "a running mean: the gradient counts 1 - momentum")
def new_velocity_torch(u, g, momentum):
    return momentum * u + (1 - momentum) * g


@attempt("momentum", "new_velocity", "subtracts the gradient")
def new_velocity_paper(u, g, momentum):
    return momentum * u - g


@attempt("momentum", "new_weights", "goes uphill")
def new_weights_beginner(W, u, learning_rate):
    return W + learning_rate * u


@attempt("momentum", "new_weights", "changes W in its place and returns nothing")
def new_weights_torch(W, u, learning_rate):
    W -= learning_rate * u


@attempt("momentum", "new_weights", "forgets the learning rate")
def new_weights_paper(W, u, learning_rate):
    return W - u


# ---------------------------------------------------------------- 8 high_temperature


@attempt("high_temperature", "eq_3", "does not divide the logits by T inside the fractions")
def eq_3_beginner(z, v, T):
    N = z.shape[1]
    q = (1 + z) / (N + z.sum(axis=1, keepdims=True))
    p = (1 + v) / (N + v.sum(axis=1, keepdims=True))
    return (q - p) / T


@attempt("high_temperature", "eq_3", "sums over the whole batch")
def eq_3_torch(z, v, T):
    N = z.shape[-1]
    q = (1 + z / T) / (N + (z / T).sum())
    p = (1 + v / T) / (N + (v / T).sum())
    return (q - p) / T


@attempt("high_temperature", "eq_3", "the factor 1/T in front is missing")
def eq_3_paper(z, v, T):
    N = z.shape[-1]
    q = (1 + z / T) / (N + (z / T).sum(-1, keepdims=True))
    p = (1 + v / T) / (N + (v / T).sum(-1, keepdims=True))
    return q - p


@attempt("high_temperature", "eq_4", "N is missing")
def eq_4_beginner(z, v, T):
    return (z - v) / T**2


@attempt(
    "high_temperature", "eq_4", "divides by the number of cases, not by that of the classes"
)
def eq_4_torch(z, v, T):
    return (z - v) / (len(z) * T**2)


@attempt("high_temperature", "eq_4", "divides by N T, not by N T squared")
def eq_4_paper(z, v, T):
    return (z - v) / (z.shape[-1] * T)


# ---------------------------------------------------------------- 9 mix


@attempt("mix", "hard_gradient", "takes 1 from the columns of all labels in each row")
def hard_gradient_beginner(z, y):
    q = soft(z)
    q[:, y] -= 1
    return q


@attempt("mix", "hard_gradient", "divided by the number of cases")
def hard_gradient_torch(z, y):
    q = soft(z)
    q[np.arange(len(y)), y] -= 1
    return q / len(y)


@attempt("mix", "hard_gradient", "target minus answer: the sign is turned round")
def hard_gradient_paper(z, y):
    return np.eye(z.shape[1])[y] - soft(z)


def hard(z, y):
    return soft(z) - np.eye(z.shape[1])[y]


@attempt("mix", "mixed_gradient", "the factor T squared is missing")
def mixed_gradient_beginner(z, v, y, T, w):
    return (soft(z, T) - soft(v, T)) / T + w * hard(z, y)


@attempt("mix", "mixed_gradient", "weighs the soft part by 1 - w")
def mixed_gradient_torch(z, v, y, T, w):
    return (1 - w) * T**2 * (soft(z, T) - soft(v, T)) / T + w * hard(z, y)


@attempt("mix", "mixed_gradient", "T squared times q - p: the factor 1/T of Eq. 2 is missing")
def mixed_gradient_paper(z, v, y, T, w):
    return T**2 * (soft(z, T) - soft(v, T)) + w * hard(z, y)


# ---------------------------------------------------------------- 10 logit_matching


@attempt("logit_matching", "matching_cost", "one half is missing")
def matching_cost_beginner(z, v):
    return ((z - v) ** 2).sum(axis=1)


@attempt("logit_matching", "matching_cost", "the mean over the classes, not the sum")
def matching_cost_torch(z, v):
    return 0.5 * ((z - v) ** 2).mean(axis=-1)


@attempt("logit_matching", "matching_cost", "squares the differences of the probabilities")
def matching_cost_paper(z, v):
    return 0.5 * ((soft(z) - soft(v)) ** 2).sum(-1)


@attempt("logit_matching", "matching_gradient", "teacher minus student")
def matching_gradient_beginner(z, v):
    return v - z


@attempt(
    "logit_matching",
    "matching_gradient",
    "the gradient of a mean over all numbers of the batch",
)
def matching_gradient_torch(z, v):
    return 2 * (z - v) / z.size


@attempt("logit_matching", "matching_gradient", "divides by N, as Eq. 4 does")
def matching_gradient_paper(z, v):
    return (z - v) / z.shape[-1]


# ---------------------------------------------------------------- 11 transfer_set


@attempt("transfer_set", "without", "the labels that stay, not their positions")
def without_beginner(y, omitted):
    return np.array([label for label in y if label != omitted])


@attempt("transfer_set", "without", "a mask of true and false, not positions")
def without_torch(y, omitted):
    return y != omitted


@attempt("transfer_set", "without", "the positions of the omitted digit itself")
def without_paper(y, omitted):
    return np.where(y == omitted)[0]


# ---------------------------------------------------------------- 12 bias


@attempt("bias", "best_bias", "gives the position of the best bias in the list, not the bias")
def best_bias_beginner(z, y, c, biases):
    errors = []
    for b in biases:
        moved = z.copy()
        moved[:, c] += b
        errors.append((moved.argmax(axis=1) != y).sum())
    return int(np.argmin(errors))


@attempt("bias", "best_bias", "adds each bias on top of those before, for lack of a copy")
def best_bias_torch(z, y, c, biases):
    best, fewest = None, np.inf
    z = z + 0.0
    for b in biases:
        z[:, c] += b
        errors = (z.argmax(-1) != y).mean()
        if errors < fewest:
            best, fewest = b, errors
    return best


@attempt("bias", "best_bias", "counts the errors on the unseen class alone")
def best_bias_paper(z, y, c, biases):
    errors = []
    for b in biases:
        moved = z.copy()
        moved[:, c] += b
        errors.append((moved[y == c].argmax(axis=1) != c).sum())
    return biases[np.argmin(errors)]


@attempt("bias", "best_bias_without_labels", "takes the student's own answers for labels")
def best_bias_without_labels_beginner(z, v, c, biases):
    return best_bias_right(z, z.argmax(axis=1), c, biases)


@attempt(
    "bias",
    "best_bias_without_labels",
    "the largest class is looked for along the cases, axis 0",
)
def best_bias_without_labels_torch(z, v, c, biases):
    errors = []
    for b in biases:
        moved = z.copy()
        moved[:, c] += b
        errors.append((moved.argmax(0) != v.argmax(0)).sum())
    return biases[np.argmin(errors)]


@attempt(
    "bias", "best_bias_without_labels", "fits the mean logit of the class to the teacher's"
)
def best_bias_without_labels_paper(z, v, c, biases):
    gap = v[:, c].mean() - z[:, c].mean()
    return biases[np.abs(biases - gap).argmin()]


def best_bias_right(z, y, c, biases):
    errors = []
    for b in biases:
        moved = z.copy()
        moved[:, c] += b
        errors.append((moved.argmax(axis=1) != y).sum())
    return biases[np.argmin(errors)]


# ---------------------------------------------------------------- 13 means


@attempt("means", "geometric_mean", "the product without the root")
def geometric_mean_beginner(v):
    p = soft(v).prod(axis=0)
    return p / p.sum(axis=-1, keepdims=True)


@attempt(
    "means", "geometric_mean", "does not divide by the sum, so that rows add up to less than 1"
)
def geometric_mean_torch(v):
    return np.exp(log_soft(v).mean(axis=0))


@attempt("means", "geometric_mean", "gives the mean of the logits, and no probabilities")
def geometric_mean_paper(v):
    return v.mean(axis=0)


@attempt(
    "means", "arithmetic_mean", "the softmax of the mean logits, which is the geometric mean"
)
def arithmetic_mean_beginner(v):
    return soft(v.mean(axis=0))


@attempt("means", "arithmetic_mean", "softmax over the members, axis 0")
def arithmetic_mean_torch(v):
    e = np.exp(v - v.max(axis=0))
    return (e / e.sum(axis=0)).mean(axis=0)


@attempt("means", "arithmetic_mean", "the sum over the members, not their mean")
def arithmetic_mean_paper(v):
    return soft(v).sum(axis=0)


# ---------------------------------------------------------------- 14 dustbin


@attempt("dustbin", "specialist_labels", "1 for special and 0 for the others")
def specialist_labels_beginner(y, special):
    return np.isin(y, special).astype(int)


@attempt("dustbin", "specialist_labels", "the dustbin comes first, as label 0")
def specialist_labels_torch(y, special):
    out = np.zeros(len(y), dtype=int)
    for k, label in enumerate(special):
        out[y == label] = k + 1
    return out


@attempt("dustbin", "specialist_labels", "special classes keep the label that they had")
def specialist_labels_paper(y, special):
    return np.where(np.isin(y, special), y, len(special))


@attempt("dustbin", "dustbin_correction", "the ratio of the odds without the logarithm")
def dustbin_correction_beginner(y, special, share):
    n = np.isin(y, special).mean()
    return share / (1 - share) / (n / (1 - n))


@attempt("dustbin", "dustbin_correction", "the sign is turned round")
def dustbin_correction_torch(y, special, share):
    n = np.isin(y, special).mean()
    return np.log(n / (1 - n)) - np.log(share / (1 - share))


@attempt("dustbin", "dustbin_correction", "the ratio of the shares, not of the odds")
def dustbin_correction_paper(y, special, share):
    return np.log(share / np.isin(y, special).mean())


# ---------------------------------------------------------------- 15 combine


@attempt("combine", "spread", "spreads the dustbin evenly")
def spread_beginner(p, special, q):
    out = np.full(len(q), p[-1] / (len(q) - len(special)))
    for k, label in enumerate(special):
        out[label] = p[k]
    return out


@attempt("combine", "spread", "the shares of the dustbin are q itself, not made to add up to 1")
def spread_torch(p, special, q):
    out = p[-1] * q
    out[special] = p[:-1]
    return out


@attempt("combine", "spread", "takes the special classes to be in rising order")
def spread_paper(p, special, q):
    inside = np.isin(np.arange(len(q)), special)
    out = p[-1] * q / q[~inside].sum()
    out[inside] = p[:-1]
    return out


def spread_right(p, special, q):
    out = q.copy()
    out[special] = 0
    out = p[-1] * out / out.sum()
    out[special] = p[:-1]
    return out


@attempt(
    "combine", "fixed_point_step", "averages with the old answer and forgets the generalist"
)
def fixed_point_step_beginner(q, generalist, specialist, special):
    return (q + spread_right(specialist, special, q)) / 2


@attempt("combine", "fixed_point_step", "the sum of both, which adds up to 2")
def fixed_point_step_torch(q, generalist, specialist, special):
    return generalist + spread_right(specialist, special, q)


@attempt(
    "combine", "fixed_point_step", "the geometric mean of both, as for the other KL divergence"
)
def fixed_point_step_paper(q, generalist, specialist, special):
    out = np.sqrt(generalist * spread_right(specialist, special, q))
    return out / out.sum()


# ---------------------------------------------------------------- 16 early_stopping


@attempt(
    "early_stopping", "stopped_at", "the epoch at which patience ran out, not the best one"
)
def stopped_at_beginner(costs, patience):
    best, waited = costs[0], 0
    for epoch in range(1, len(costs)):
        if costs[epoch] < best:
            best, waited = costs[epoch], 0
        else:
            waited += 1
            if waited == patience:
                return epoch
    return len(costs) - 1


@attempt(
    "early_stopping", "stopped_at", "the lowest cost of all, which patience would not wait for"
)
def stopped_at_torch(costs, patience):
    return int(np.argmin(costs))


@attempt(
    "early_stopping",
    "stopped_at",
    "counts rises from one epoch to the next, not epochs since the best",
)
def stopped_at_paper(costs, patience):
    rises = 0
    for epoch in range(1, len(costs)):
        rises = rises + 1 if costs[epoch] > costs[epoch - 1] else 0
        if rises == patience:
            return int(np.argmin(costs[: epoch + 1]))
    return int(np.argmin(costs))
