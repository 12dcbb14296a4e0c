"""Right answers to the exercises, spelled in many ways: none of them may be refused.

``SPELLINGS`` holds, for each exercise and function, ten functions or more: spellings that were written
out, and the first of these with results and arguments of another kind.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable
from itertools import takewhile
from typing import Any

import numpy as np
from scipy import special as sp
from scipy import stats

Function = Callable[..., Any]

SPELLINGS: dict[tuple[str, str], list[Function]] = {}


def spelling(exercise: str, task: str) -> Callable[[Function], Function]:
    def kept(function: Function) -> Function:
        SPELLINGS.setdefault((exercise, task), []).append(function)
        return function

    return kept


# ---------------------------------------------------------------- 1 softmax


@spelling("softmax", "softmax")
def softmax_in_loops(z, T):
    rows = []
    for row in z:
        top = max(row)
        e = [math.exp((a - top) / T) for a in row]
        rows.append([a / sum(e) for a in e])
    return rows


@spelling("softmax", "softmax")
def softmax_of_scipy(z, T):
    return sp.softmax(z / T, axis=1)


@spelling("softmax", "softmax")
def softmax_by_log_sum_exp(z, T):
    return np.exp(z / T - sp.logsumexp(z / T, axis=-1, keepdims=True))


@spelling("softmax", "softmax")
def softmax_by_transposing(z, T):
    e = np.exp((z.T - z.max(1)) / T)
    return (e / e.sum(0)).T


@spelling("softmax", "softmax")
def softmax_by_all_differences(z, T):
    with np.errstate(over="ignore"):
        return 1 / np.exp((z[:, None, :] - z[:, :, None]) / T).sum(-1)


@spelling("softmax", "softmax")
def softmax_on_a_copy(z, T):
    out = z / T
    out -= np.amax(out, 1)[:, np.newaxis]
    np.exp(out, out=out)
    out /= np.einsum("bn->b", out)[:, np.newaxis]
    return out


@spelling("softmax", "softmax")
def softmax_along_an_axis(z, T):
    return np.apply_along_axis(
        lambda a: np.exp(a - a.max()) / np.exp(a - a.max()).sum(), 1, z / T
    )


# ---------------------------------------------------------------- 2 log_softmax


@spelling("log_softmax", "log_softmax")
def log_softmax_in_loops(z, T):
    out = np.zeros_like(z)
    for b in range(z.shape[0]):
        top = max(z[b]) / T
        total = sum(math.exp(a / T - top) for a in z[b])
        for i in range(z.shape[1]):
            out[b, i] = z[b, i] / T - top - math.log(total)
    return out


@spelling("log_softmax", "log_softmax")
def log_softmax_of_scipy(z, T):
    return sp.log_softmax(z / T, axis=-1)


@spelling("log_softmax", "log_softmax")
def log_softmax_by_log_sum_exp(z, T):
    return z / T - sp.logsumexp(z / T, axis=-1)[:, None]


@spelling("log_softmax", "log_softmax")
def log_softmax_by_logaddexp(z, T):
    return z / T - np.logaddexp.reduce(z / T, axis=1, keepdims=True)


@spelling("log_softmax", "log_softmax")
def log_softmax_by_transposing(z, T):
    a = (z / T).T
    a = a - a.max(0)
    return (a - np.log(np.exp(a).sum(0))).T


@spelling("log_softmax", "log_softmax")
def log_softmax_by_all_differences(z, T):
    return -sp.logsumexp((z[:, None] - z[..., None]) / T, axis=-1)


# ---------------------------------------------------------------- 3 soft_cost


@spelling("soft_cost", "soft_cost")
def soft_cost_in_loops(z, v, T):
    costs = []
    for zs, vs in zip(z, v, strict=True):
        log_q, p = sp.log_softmax(zs / T), sp.softmax(vs / T)
        costs.append(-sum(a * b for a, b in zip(p, log_q, strict=True)))
    return costs


@spelling("soft_cost", "soft_cost")
def soft_cost_by_einsum(z, v, T):
    return -np.einsum("bn,bn->b", sp.softmax(v / T, 1), sp.log_softmax(z / T, 1))


@spelling("soft_cost", "soft_cost")
def soft_cost_by_log_sum_exp(z, v, T):
    p = sp.softmax(v / T, axis=1)
    return sp.logsumexp(z / T, axis=1) - (p * z).sum(1) / T


@spelling("soft_cost", "soft_cost")
def soft_cost_by_entropies(z, v, T):
    p, q = sp.softmax(v / T, axis=-1), sp.softmax(z / T, axis=-1)
    return sp.entr(p).sum(-1) + sp.rel_entr(p, q).sum(-1)


@spelling("soft_cost", "soft_cost")
def soft_cost_by_stats(z, v, T):
    p, q = sp.softmax(v / T, axis=-1), sp.softmax(z / T, axis=-1)
    return stats.entropy(p, axis=-1) + stats.entropy(p, q, axis=-1)


@spelling("soft_cost", "soft_cost")
def soft_cost_of_a_diagonal(z, v, T):
    return -np.diag(sp.log_softmax(z / T, -1) @ sp.softmax(v / T, -1).T)


# ---------------------------------------------------------------- 4 soft_gradient


@spelling("soft_gradient", "soft_gradient")
def soft_gradient_in_loops(z, v, T):
    out = np.empty(z.shape)
    for b in range(len(z)):
        q, p = np.exp(z[b] / T), np.exp(v[b] / T)
        for i in range(z.shape[1]):
            out[b, i] = (q[i] / q.sum() - p[i] / p.sum()) / T
    return out


@spelling("soft_gradient", "soft_gradient")
def soft_gradient_of_scipy(z, v, T):
    return 1 / T * np.subtract(sp.softmax(z / T, axis=1), sp.softmax(v / T, axis=1))


@spelling("soft_gradient", "soft_gradient")
def soft_gradient_stacked(z, v, T):
    q, p = sp.softmax(np.stack([z, v]) / T, axis=-1)
    return (q - p) / T


@spelling("soft_gradient", "soft_gradient")
def soft_gradient_by_jacobian(z, v, T):
    p, q = sp.softmax(v / T, axis=-1), sp.softmax(z / T, axis=-1)
    jacobian = (np.eye(z.shape[-1]) - q[:, None, :]) / T
    return -np.einsum("bj,bji->bi", p, jacobian)


@spelling("soft_gradient", "soft_gradient")
def soft_gradient_in_place_on_a_copy(z, v, T):
    out = sp.softmax(z / T, axis=-1)
    out -= sp.softmax(v / T, axis=-1)
    out /= T
    return out


@spelling("soft_gradient", "soft_gradient")
def soft_gradient_by_complex_step(z, v, T):
    p, out = sp.softmax(v / T, axis=-1), np.zeros(z.shape)
    for i in range(z.shape[1]):
        moved = z.astype(complex)
        moved[:, i] += 1e-30j
        cost = np.log(np.exp(moved / T).sum(-1)) - (p * moved / T).sum(-1)
        out[:, i] = cost.imag / 1e-30
    return out


# ---------------------------------------------------------------- 5 linear


@spelling("linear", "grad_inputs")
def grad_inputs_by_einsum(dz, x, W):
    return np.einsum("bj,ij->bi", dz, W)


@spelling("linear", "grad_inputs")
def grad_inputs_in_loops(dz, x, W):
    out = np.zeros((len(dz), len(W)))
    for b in range(len(dz)):
        for i in range(W.shape[0]):
            for j in range(W.shape[1]):
                out[b, i] += dz[b, j] * W[i, j]
    return out


@spelling("linear", "grad_inputs")
def grad_inputs_transposed_twice(dz, x, W):
    return (W @ dz.T).T


@spelling("linear", "grad_inputs")
def grad_inputs_by_broadcasting(dz, x, W):
    return (dz[:, None, :] * W[None]).sum(2)


@spelling("linear", "grad_inputs")
def grad_inputs_by_inner(dz, x, W):
    return np.inner(dz, W)


@spelling("linear", "grad_inputs")
def grad_inputs_by_tensordot(dz, x, W):
    return np.tensordot(dz, W, axes=(1, 1))


@spelling("linear", "grad_weights")
def grad_weights_by_einsum(dz, x, W):
    return np.einsum("bi,bj->ij", x, dz)


@spelling("linear", "grad_weights")
def grad_weights_as_sum_of_outer_products(dz, x, W):
    return sum(np.outer(a, d) for a, d in zip(x, dz, strict=True))


@spelling("linear", "grad_weights")
def grad_weights_transposed_twice(dz, x, W):
    return np.transpose(dz.T @ x)


@spelling("linear", "grad_weights")
def grad_weights_by_broadcasting(dz, x, W):
    return (x[:, :, np.newaxis] * dz[:, np.newaxis, :]).sum(axis=0)


@spelling("linear", "grad_weights")
def grad_weights_in_loops(dz, x, W):
    out = 0 * W
    for i, j in np.ndindex(*W.shape):
        out[i, j] = sum(x[b, i] * dz[b, j] for b in range(len(x)))
    return out


@spelling("linear", "grad_weights")
def grad_weights_by_dot(dz, x, W):
    return np.dot(x.T, dz)


@spelling("linear", "grad_bias")
def grad_bias_as_a_product_with_ones(dz, x, W):
    return np.ones(len(dz)) @ dz


@spelling("linear", "grad_bias")
def grad_bias_by_reduce(dz, x, W):
    return np.add.reduce(dz)


@spelling("linear", "grad_bias")
def grad_bias_from_the_mean(dz, x, W):
    return dz.mean(0) * dz.shape[0]


@spelling("linear", "grad_bias")
def grad_bias_in_a_loop(dz, x, W):
    total = np.zeros(W.shape[1])
    for each in dz:
        total += each
    return total


@spelling("linear", "grad_bias")
def grad_bias_by_columns(dz, x, W):
    return [math.fsum(column) for column in dz.T]


@spelling("linear", "grad_bias")
def grad_bias_by_einsum(dz, x, W):
    return np.einsum("bj->j", dz)


# ---------------------------------------------------------------- 6 relu_dropout


@spelling("relu_dropout", "relu_backward")
def relu_backward_by_where(dout, x):
    return np.where(x > 0, dout, 0)


@spelling("relu_dropout", "relu_backward")
def relu_backward_on_a_copy(dout, x):
    out = dout.copy()
    out[x <= 0] = 0
    return out


@spelling("relu_dropout", "relu_backward")
def relu_backward_by_heaviside(dout, x):
    return dout * np.heaviside(x, 0)


@spelling("relu_dropout", "relu_backward")
def relu_backward_in_loops(dout, x):
    return [
        [d if a > 0 else 0.0 for d, a in zip(ds, row, strict=True)]
        for ds, row in zip(dout, x, strict=True)
    ]


@spelling("relu_dropout", "relu_backward")
def relu_backward_vectorized(dout, x):
    return np.vectorize(lambda d, a: d * float(a > 0))(dout, x)


@spelling("relu_dropout", "relu_backward")
def relu_backward_by_multiply_where(dout, x):
    return np.multiply(dout, 1.0, where=np.maximum(x, 0) > 0, out=np.zeros_like(dout))


@spelling("relu_dropout", "dropout")
def dropout_by_where(x, kept, rate):
    return np.where(kept, x / (1 - rate), 0.0)


@spelling("relu_dropout", "dropout")
def dropout_of_a_mask(x, kept, rate):
    mask = kept.astype(float) / (1.0 - rate)
    return mask * x


@spelling("relu_dropout", "dropout")
def dropout_on_a_copy(x, kept, rate):
    out = np.array(x)
    out[~kept] = 0
    out *= 1 / (1 - rate)
    return out


@spelling("relu_dropout", "dropout")
def dropout_in_loops(x, kept, rate):
    out = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        if kept[index]:
            out[index] = x[index] / (1 - rate)
    return out


@spelling("relu_dropout", "dropout")
def dropout_by_divide_where(x, kept, rate):
    return np.divide(x, 1 - rate, where=kept, out=np.zeros(x.shape))


@spelling("relu_dropout", "dropout")
def dropout_of_a_masked_array(x, kept, rate):
    return np.ma.array(x, mask=~kept).filled(0) / (1 - rate)


@spelling("relu_dropout", "dropout_backward")
def dropout_backward_by_where(dout, kept, rate):
    return np.where(kept, dout, 0) / (1 - rate)


@spelling("relu_dropout", "dropout_backward")
def dropout_backward_as_forward(dout, kept, rate):
    return dropout_of_a_mask(dout, kept, rate)


@spelling("relu_dropout", "dropout_backward")
def dropout_backward_by_choose(dout, kept, rate):
    return np.choose(kept.astype(int), [np.zeros_like(dout), dout / (1 - rate)])


@spelling("relu_dropout", "dropout_backward")
def dropout_backward_by_einsum(dout, kept, rate):
    return np.einsum("bn,bn,->bn", dout, kept.astype(float), 1 / (1 - rate))


@spelling("relu_dropout", "dropout_backward")
def dropout_backward_in_loops(dout, kept, rate):
    return [
        [d / (1 - rate) if k else 0 for d, k in zip(*rows, strict=True)]
        for rows in zip(dout, kept, strict=True)
    ]


@spelling("relu_dropout", "dropout_backward")
def dropout_backward_as_a_difference(dout, kept, rate):
    return (dout - dout * ~kept) / (1 - rate)


# ---------------------------------------------------------------- 7 momentum


@spelling("momentum", "new_velocity")
def new_velocity_in_place_on_a_copy(u, g, momentum):
    u = u.copy()
    u *= momentum
    u += g
    return u


@spelling("momentum", "new_velocity")
def new_velocity_of_functions(u, g, momentum):
    return np.add(np.multiply(momentum, u), g)


@spelling("momentum", "new_velocity")
def new_velocity_as_a_step(u, g, momentum):
    return u + g - (1 - momentum) * u


@spelling("momentum", "new_velocity")
def new_velocity_flat(u, g, momentum):
    flat = [momentum * a + b for a, b in zip(u.ravel(), g.ravel(), strict=True)]
    return np.reshape(flat, u.shape)


@spelling("momentum", "new_velocity")
def new_velocity_of_a_stack(u, g, momentum):
    return np.tensordot([momentum, 1.0], np.stack([u, g]), axes=1)


@spelling("momentum", "new_velocity")
def new_velocity_vectorized(u, g, momentum):
    return np.vectorize(
        lambda a, b: math.fma(momentum, a, b) if hasattr(math, "fma") else a * momentum + b
    )(u, g)


@spelling("momentum", "new_weights")
def new_weights_in_place_on_a_copy(W, u, learning_rate):
    W = W + 0
    W -= learning_rate * u
    return W


@spelling("momentum", "new_weights")
def new_weights_of_functions(W, u, learning_rate):
    return np.subtract(W, np.multiply(u, learning_rate))


@spelling("momentum", "new_weights")
def new_weights_of_a_negative_step(W, u, learning_rate):
    step = -learning_rate * u
    return W + step


@spelling("momentum", "new_weights")
def new_weights_flat(W, u, learning_rate):
    out = np.empty_like(W)
    for index, weight in np.ndenumerate(W):
        out[index] = weight - learning_rate * u[index]
    return out


@spelling("momentum", "new_weights")
def new_weights_of_a_stack(W, u, learning_rate):
    return np.einsum("k,k...->...", [1, -learning_rate], np.stack([W, u]))


@spelling("momentum", "new_weights")
def new_weights_factored(W, u, learning_rate):
    return -learning_rate * (u - W / learning_rate)


# ---------------------------------------------------------------- 8 high_temperature


@spelling("high_temperature", "eq_3")
def eq_3_in_loops(z, v, T):
    B, N = z.shape
    out = np.zeros((B, N))
    for b in range(B):
        below_q, below_p = N + sum(z[b]) / T, N + sum(v[b]) / T
        for i in range(N):
            out[b, i] = 1 / T * ((1 + z[b, i] / T) / below_q - (1 + v[b, i] / T) / below_p)
    return out


@spelling("high_temperature", "eq_3")
def eq_3_normalized(z, v, T):
    q, p = 1 + z / T, 1 + v / T
    return (q / q.sum(1, keepdims=True) - p / p.sum(1, keepdims=True)) / T


@spelling("high_temperature", "eq_3")
def eq_3_with_t_multiplied_out(z, v, T):
    N = z.shape[1]
    q = (T + z) / (N * T + z.sum(1)[:, None])
    p = (T + v) / (N * T + v.sum(1)[:, None])
    return (q - p) / T


@spelling("high_temperature", "eq_3")
def eq_3_transposed(z, v, T):
    def share(logits):
        a = 1 + logits.T / T
        return (a / a.sum(0)).T

    return (share(z) - share(v)) / T


@spelling("high_temperature", "eq_3")
def eq_3_of_means(z, v, T):
    N = z.shape[-1]
    q = (1 + z / T) / (1 + z.mean(-1, keepdims=True) / T) / N
    p = (1 + v / T) / (1 + v.mean(-1, keepdims=True) / T) / N
    return (q - p) / T


@spelling("high_temperature", "eq_3")
def eq_3_on_one_denominator(z, v, T):
    q, p = T + z, T + v
    Q, P = q.sum(-1, keepdims=True), p.sum(-1, keepdims=True)
    return (q * P - p * Q) / (Q * P * T)


@spelling("high_temperature", "eq_4")
def eq_4_in_loops(z, v, T):
    N = len(z[0])
    return [
        [(a - b) / N / T / T for a, b in zip(zs, vs, strict=True)]
        for zs, vs in zip(z, v, strict=True)
    ]


@spelling("high_temperature", "eq_4")
def eq_4_by_powers(z, v, T):
    return np.subtract(z, v) * T**-2 * (1 / z.shape[1])


@spelling("high_temperature", "eq_4")
def eq_4_of_parts(z, v, T):
    N = np.size(z, 1)
    return z / (N * T * T) - v / (N * T * T)


@spelling("high_temperature", "eq_4")
def eq_4_of_differences(z, v, T):
    return np.diff(np.stack([v, z]), axis=0)[0] / (z.shape[-1] * np.square(T))


@spelling("high_temperature", "eq_4")
def eq_4_with_t_inside(z, v, T):
    return (z / T - v / T) / T / len(z.T)


@spelling("high_temperature", "eq_4")
def eq_4_vectorized(z, v, T):
    return np.vectorize(lambda a, b, N: (a - b) / (N * T**2))(z, v, z.shape[1])


# ---------------------------------------------------------------- 9 mix


@spelling("mix", "hard_gradient")
def hard_gradient_by_index(z, y):
    q = sp.softmax(z, axis=1)
    q[np.arange(len(y)), y] -= 1
    return q


@spelling("mix", "hard_gradient")
def hard_gradient_by_comparison(z, y):
    return sp.softmax(z, axis=-1) - (np.arange(z.shape[1]) == y[:, None])


@spelling("mix", "hard_gradient")
def hard_gradient_in_loops(z, y):
    out = []
    for row, label in zip(z, y, strict=True):
        e = [math.exp(a - max(row)) for a in row]
        out.append([a / sum(e) - (i == label) for i, a in enumerate(e)])
    return out


@spelling("mix", "hard_gradient")
def hard_gradient_by_put_along_axis(z, y):
    target = np.zeros_like(z)
    np.put_along_axis(target, y[:, None], 1.0, axis=1)
    return sp.softmax(z, axis=1) - target


@spelling("mix", "hard_gradient")
def hard_gradient_by_subtract_at(z, y):
    q = np.exp(z - sp.logsumexp(z, axis=1, keepdims=True))
    np.subtract.at(q, (range(len(y)), y), 1)
    return q


@spelling("mix", "hard_gradient")
def hard_gradient_by_where(z, y):
    q = sp.softmax(z, axis=1)
    return np.where(np.arange(z.shape[1])[None] == y[:, None], q - 1, q)


@spelling("mix", "mixed_gradient")
def mixed_gradient_times_t(z, v, y, T, w):
    soft = T * (sp.softmax(z / T, 1) - sp.softmax(v / T, 1))
    return soft + w * hard_gradient_by_index(z, y)


@spelling("mix", "mixed_gradient")
def mixed_gradient_as_written(z, v, y, T, w):
    soft = (sp.softmax(z / T, axis=-1) - sp.softmax(v / T, axis=-1)) / T
    hard = sp.softmax(z, axis=-1) - np.eye(z.shape[-1])[y]
    return T**2 * soft + w * hard


@spelling("mix", "mixed_gradient")
def mixed_gradient_in_loops(z, v, y, T, w):
    out = np.zeros_like(z)
    for b in range(len(z)):
        q, p, hard = sp.softmax(z[b] / T), sp.softmax(v[b] / T), sp.softmax(z[b])
        for i in range(z.shape[1]):
            out[b, i] = T * (q[i] - p[i]) + w * (hard[i] - (1 if i == y[b] else 0))
    return out


@spelling("mix", "mixed_gradient")
def mixed_gradient_in_place(z, v, y, T, w):
    out = w * sp.softmax(z, axis=-1)
    out[np.arange(len(y)), y] -= w
    out += T * sp.softmax(z / T, axis=-1)
    out -= T * sp.softmax(v / T, axis=-1)
    return out


@spelling("mix", "mixed_gradient")
def mixed_gradient_of_a_stack(z, v, y, T, w):
    terms = np.stack([soft_gradient_stacked(z, v, T), hard_gradient_by_comparison(z, y)])
    return np.einsum("k,kbn->bn", np.array([T**2, w]), terms)


@spelling("mix", "mixed_gradient")
def mixed_gradient_by_complex_step(z, v, y, T, w):
    def cost(a):
        soft = np.log(np.exp(a / T).sum(-1)) - (sp.softmax(v / T, -1) * a / T).sum(-1)
        return T**2 * soft + w * (np.log(np.exp(a).sum(-1)) - a[np.arange(len(y)), y])

    steps = 1e-30j * np.eye(z.shape[1])
    return np.stack([cost(z + step).imag / 1e-30 for step in steps], axis=-1)


# ---------------------------------------------------------------- 10 logit_matching


@spelling("logit_matching", "matching_cost")
def matching_cost_by_einsum(z, v):
    return np.einsum("bn,bn->b", z - v, z - v) / 2


@spelling("logit_matching", "matching_cost")
def matching_cost_by_norm(z, v):
    return np.linalg.norm(z - v, axis=1) ** 2 / 2


@spelling("logit_matching", "matching_cost")
def matching_cost_in_loops(z, v):
    return [
        sum((a - b) ** 2 for a, b in zip(zs, vs, strict=True)) / 2
        for zs, vs in zip(z, v, strict=True)
    ]


@spelling("logit_matching", "matching_cost")
def matching_cost_from_the_mean(z, v):
    return z.shape[1] * np.square(z - v).mean(1) / 2


@spelling("logit_matching", "matching_cost")
def matching_cost_of_a_diagonal(z, v):
    return 0.5 * np.diagonal((z - v) @ (z - v).T)


@spelling("logit_matching", "matching_cost")
def matching_cost_by_huber(z, v):
    return sp.huber(1e9, z - v).sum(-1)


@spelling("logit_matching", "matching_gradient")
def matching_gradient_by_subtract(z, v):
    return np.subtract(z, v)


@spelling("logit_matching", "matching_gradient")
def matching_gradient_in_place_on_a_copy(z, v):
    out = z.copy()
    out -= v
    return out


@spelling("logit_matching", "matching_gradient")
def matching_gradient_in_loops(z, v):
    return [[a - b for a, b in zip(*rows, strict=True)] for rows in zip(z, v, strict=True)]


@spelling("logit_matching", "matching_gradient")
def matching_gradient_of_two_and_one_half(z, v):
    return 0.5 * 2 * (z - v)


@spelling("logit_matching", "matching_gradient")
def matching_gradient_by_diff(z, v):
    return np.diff([v, z], axis=0).squeeze(0)


@spelling("logit_matching", "matching_gradient")
def matching_gradient_negated(z, v):
    return -(v + -z)


# ---------------------------------------------------------------- 11 transfer_set


@spelling("transfer_set", "without")
def without_in_a_loop(y, omitted):
    return [i for i, label in enumerate(y) if label not in omitted]


@spelling("transfer_set", "without")
def without_of_a_set(y, omitted):
    left_out = {int(label) for label in omitted}
    return np.array([i for i in range(len(y)) if int(y[i]) not in left_out], dtype=int)


@spelling("transfer_set", "without")
def without_by_where(y, omitted):
    return np.where(~np.isin(y, omitted))[0]


@spelling("transfer_set", "without")
def without_by_nonzero_inverted(y, omitted):
    return np.isin(y, omitted, invert=True).nonzero()[0]


@spelling("transfer_set", "without")
def without_by_broadcasting(y, omitted):
    return np.arange(len(y))[(y[:, None] != omitted).all(1)]


@spelling("transfer_set", "without")
def without_by_difference(y, omitted):
    gone = np.flatnonzero((y[None] == omitted[:, None]).any(0))
    return np.setdiff1d(np.arange(y.size), gone)


@spelling("transfer_set", "without")
def without_one_digit_after_another(y, omitted):
    keep = np.ones(len(y), dtype=bool)
    for digit in omitted:
        keep &= y != digit
    return np.argwhere(keep).ravel()


@spelling("transfer_set", "without")
def without_by_delete(y, omitted):
    return np.delete(np.arange(len(y)), np.isin(y, omitted).nonzero())


# ---------------------------------------------------------------- 12 bias


@spelling("bias", "best_bias")
def best_bias_in_a_loop(z, y, c, biases):
    best, fewest = None, len(y) + 1
    for bias in biases:
        moved = z.copy()
        moved[:, c] += bias
        errors = (moved.argmax(1) != y).sum()
        if errors < fewest:
            best, fewest = bias, errors
    return best


@spelling("bias", "best_bias")
def best_bias_by_min(z, y, c, biases):
    step = np.arange(z.shape[1]) == c
    return min(biases, key=lambda bias: np.mean(np.argmax(z + bias * step, axis=-1) != y))


@spelling("bias", "best_bias")
def best_bias_by_accuracy(z, y, c, biases):
    accuracy = []
    for bias in biases:
        moved = z.T.copy()
        moved[c] += bias
        accuracy.append(np.mean(moved.argmax(0) == y))
    return float(biases[int(np.argmax(accuracy))])


@spelling("bias", "best_bias")
def best_bias_by_leads(z, y, c, biases):
    others = np.delete(z, c, axis=1)
    second = np.delete(np.arange(z.shape[1]), c)[others.argmax(1)]
    lead = others.max(1) - z[:, c]
    answers = np.where(biases[:, None] > lead, c, second)
    return biases[(answers != y).sum(1).argmin()]


@spelling("bias", "best_bias")
def best_bias_of_a_dictionary(z, y, c, biases):
    errors = {}
    for bias in biases:
        answers = np.column_stack([z[:, :c], z[:, c] + bias, z[:, c + 1 :]]).argmax(1)
        errors[float(bias)] = np.count_nonzero(answers - y)
    return min(errors, key=errors.get)


@spelling("bias", "best_bias")
def best_bias_added_and_taken_back(z, y, c, biases):
    z, errors = z.copy(), np.zeros(len(biases))
    column = z[:, c].copy()
    for k, bias in enumerate(biases):
        z[:, c] = column + bias
        errors[k] = sum(answer != label for answer, label in zip(z.argmax(1), y, strict=True))
    return biases[np.flatnonzero(errors == errors.min())[0]]


@spelling("bias", "best_bias_without_labels")
def without_labels_in_a_loop(z, v, c, biases):
    return best_bias_in_a_loop(z, v.argmax(axis=1), c, biases)


@spelling("bias", "best_bias_without_labels")
def without_labels_by_agreement(z, v, c, biases):
    agree = []
    for bias in biases:
        moved = z.copy()
        moved[:, c] = moved[:, c] + bias
        agree.append((moved.argmax(-1) == v.argmax(-1)).sum())
    return biases[np.argmax(agree)]


@spelling("bias", "best_bias_without_labels")
def without_labels_of_the_softmax(z, v, c, biases):
    teacher = sp.softmax(v, axis=1).argmax(1)
    return best_bias_by_min(z, teacher, c, biases)


@spelling("bias", "best_bias_without_labels")
def without_labels_by_leads(z, v, c, biases):
    return best_bias_by_leads(z, np.argsort(v, axis=1)[:, -1], c, biases)


@spelling("bias", "best_bias_without_labels")
def without_labels_of_one_hot(z, v, c, biases):
    teacher = v == v.max(axis=1, keepdims=True)
    scores = []
    for bias in biases:
        moved = z + np.where(np.arange(z.shape[1]) == c, bias, 0)
        scores.append((teacher & (moved == moved.max(1, keepdims=True))).sum())
    return biases[scores.index(max(scores))]


@spelling("bias", "best_bias_without_labels")
def without_labels_all_at_once(z, v, c, biases):
    moved = np.repeat(z[None], len(biases), axis=0)
    moved[:, :, c] += biases[:, None]
    return biases[np.argmin((moved.argmax(2) != v.argmax(1)[None]).mean(1))]


# ---------------------------------------------------------------- 13 means


@spelling("means", "geometric_mean")
def geometric_mean_of_logs(v):
    log_p = sp.log_softmax(v, axis=-1).mean(axis=0)
    return sp.softmax(log_p, axis=-1)


@spelling("means", "geometric_mean")
def geometric_mean_of_roots(v):
    p = np.prod(sp.softmax(v, axis=-1) ** (1 / len(v)), axis=0)
    return p / p.sum(axis=-1, keepdims=True)


@spelling("means", "geometric_mean")
def geometric_mean_of_stats(v):
    p = stats.gmean(sp.softmax(v, axis=-1), axis=0)
    return p / p.sum(-1)[:, None]


@spelling("means", "geometric_mean")
def geometric_mean_of_mean_logits(v):
    e = np.exp(np.add.reduce(v, axis=0) / v.shape[0])
    return e / e.sum(1, keepdims=True)


@spelling("means", "geometric_mean")
def geometric_mean_in_loops(v):
    E, B, N = v.shape
    out = np.ones((B, N))
    for b in range(B):
        for k in range(E):
            out[b] *= sp.softmax(v[k, b]) ** (1.0 / E)
        out[b] /= sum(out[b])
    return out


@spelling("means", "geometric_mean")
def geometric_mean_by_einsum(v):
    return sp.softmax(np.einsum("ebn->bn", v) / len(v), axis=1)


@spelling("means", "arithmetic_mean")
def arithmetic_mean_of_scipy(v):
    return np.mean(sp.softmax(v, axis=2), axis=0)


@spelling("means", "arithmetic_mean")
def arithmetic_mean_of_a_sum(v):
    return sum(sp.softmax(member, axis=1) for member in v) / len(v)


@spelling("means", "arithmetic_mean")
def arithmetic_mean_by_einsum(v):
    return np.einsum("e,ebn->bn", np.full(len(v), 1 / len(v)), sp.softmax(v, axis=-1))


@spelling("means", "arithmetic_mean")
def arithmetic_mean_by_log_sum_exp(v):
    return np.exp(sp.logsumexp(sp.log_softmax(v, axis=-1), axis=0, b=1 / len(v)))


@spelling("means", "arithmetic_mean")
def arithmetic_mean_as_it_runs(v):
    mean = np.zeros(v.shape[1:])
    for k, member in enumerate(v, 1):
        mean += (sp.softmax(member, axis=-1) - mean) / k
    return mean


@spelling("means", "arithmetic_mean")
def arithmetic_mean_by_average(v):
    e = np.exp(v)
    return np.average(e / e.sum(-1)[..., None], axis=0)


# ---------------------------------------------------------------- 14 dustbin


@spelling("dustbin", "specialist_labels")
def specialist_labels_of_a_list(y, special):
    order = list(special)
    return [order.index(label) if label in order else len(order) for label in y]


@spelling("dustbin", "specialist_labels")
def specialist_labels_of_a_dictionary(y, special):
    number = {int(label): k for k, label in enumerate(special)}
    return np.array([number.get(int(label), len(special)) for label in y])


@spelling("dustbin", "specialist_labels")
def specialist_labels_one_after_another(y, special):
    out = np.full(y.shape, len(special))
    for k in range(len(special)):
        out[y == special[k]] = k
    return out


@spelling("dustbin", "specialist_labels")
def specialist_labels_by_a_table(y, special):
    table = np.full(max(y.max(), special.max()) + 1, len(special))
    table[special] = np.arange(len(special))
    return table[y]


@spelling("dustbin", "specialist_labels")
def specialist_labels_by_select(y, special):
    return np.select([y == label for label in special], range(len(special)), len(special))


@spelling("dustbin", "specialist_labels")
def specialist_labels_by_one_more_column(y, special):
    same = y[:, None] == special[None, :]
    return np.c_[same, np.ones(len(y), dtype=bool)].argmax(axis=1)


@spelling("dustbin", "dustbin_correction")
def dustbin_correction_of_logits(y, special, share):
    return sp.logit(share) - sp.logit(np.isin(y, special).mean())


@spelling("dustbin", "dustbin_correction")
def dustbin_correction_of_odds(y, special, share):
    seen, true = share / (1 - share), np.isin(y, special).sum() / (~np.isin(y, special)).sum()
    return math.log(seen / true)


@spelling("dustbin", "dustbin_correction")
def dustbin_correction_of_a_counter(y, special, share):
    counts = Counter(y.tolist())
    n = sum(counts[label] for label in special.tolist())
    return math.log(share) - math.log(1 - share) - math.log(n) + math.log(len(y) - n)


@spelling("dustbin", "dustbin_correction")
def dustbin_correction_of_a_loop(y, special, share):
    n = 0
    for label in y:
        n += label in special
    rate = n / len(y)
    return np.log((share * (1 - rate)) / ((1 - share) * rate))


@spelling("dustbin", "dustbin_correction")
def dustbin_correction_of_labels(y, special, share):
    dustbin = np.mean(specialist_labels_of_a_list(y, special) == np.intp(len(special)))
    return np.log(share) - np.log1p(-share) + np.log(dustbin / (1 - dustbin))


@spelling("dustbin", "dustbin_correction")
def dustbin_correction_of_an_array(y, special, share):
    inside = (y[:, None] == special).any(1)
    odds = np.array([share, 1 - share]) / np.array([inside.sum(), (~inside).sum()])
    return np.squeeze(np.log(odds[:1] / odds[1:]))


# ---------------------------------------------------------------- 15 combine


@spelling("combine", "spread")
def spread_of_a_mask(p, special, q):
    inside = np.zeros(len(q), dtype=bool)
    inside[special] = True
    out = np.zeros(len(q))
    out[special] = p[:-1]
    out[~inside] = p[-1] * q[~inside] / q[~inside].sum()
    return out


@spelling("combine", "spread")
def spread_in_a_loop(p, special, q):
    place = {int(label): k for k, label in enumerate(special)}
    rest = sum(q[i] for i in range(len(q)) if i not in place)
    return [p[place[i]] if i in place else p[-1] * q[i] / rest for i in range(len(q))]


@spelling("combine", "spread")
def spread_over_a_copy(p, special, q):
    out = q.copy()
    out *= p[-1] / (1 - q[special].sum())
    out[special] = p[: len(special)]
    return out


@spelling("combine", "spread")
def spread_by_delete(p, special, q):
    rest = np.delete(np.arange(len(q)), special)
    out = np.empty(len(q))
    out[np.r_[special, rest]] = np.r_[p[:-1], p[-1] * q[rest] / sum(q[rest])]
    return out


@spelling("combine", "spread")
def spread_by_a_matrix(p, special, q):
    matrix = np.zeros((len(q), len(p)))
    matrix[special, np.arange(len(special))] = 1
    outside = 1 - matrix.sum(1)
    matrix[:, -1] = outside * q / (outside @ q)
    return matrix @ p


@spelling("combine", "spread")
def spread_by_ratios(p, special, q):
    seen_as = np.full(len(q), len(special))
    seen_as[special] = range(len(special))
    seen = np.bincount(seen_as, weights=q)
    return q * (p / seen)[seen_as]


@spelling("combine", "fixed_point_step")
def fixed_point_step_of_a_mean(q, generalist, specialist, special):
    return np.mean([generalist, spread_of_a_mask(specialist, special, q)], axis=0)


@spelling("combine", "fixed_point_step")
def fixed_point_step_of_halves(q, generalist, specialist, special):
    return 0.5 * generalist + 0.5 * spread_by_a_matrix(specialist, special, q)


@spelling("combine", "fixed_point_step")
def fixed_point_step_in_a_loop(q, generalist, specialist, special):
    place, out = list(special), []
    rest = 1 - sum(q[special])
    for i in range(len(q)):
        each = specialist[place.index(i)] if i in place else specialist[-1] * q[i] / rest
        out.append((generalist[i] + each) / 2)
    return out


@spelling("combine", "fixed_point_step")
def fixed_point_step_in_place(q, generalist, specialist, special):
    out = spread_by_ratios(specialist, special, q)
    out += generalist
    out /= 2
    return out


@spelling("combine", "fixed_point_step")
def fixed_point_step_by_gradient(q, generalist, specialist, special):
    gradient = (q - generalist) + (q - spread_over_a_copy(specialist, special, q))
    return q - gradient / 2


@spelling("combine", "fixed_point_step")
def fixed_point_step_normalized(q, generalist, specialist, special):
    total = generalist + spread_by_delete(specialist, special, q)
    return total / total.sum()


# ---------------------------------------------------------------- 16 early_stopping


@spelling("early_stopping", "stopped_at")
def stopped_at_with_a_counter(costs, patience):
    best, lowest, waited = 0, float("inf"), 0
    for epoch in range(len(costs)):
        if costs[epoch] < lowest:
            best, lowest, waited = epoch, costs[epoch], 0
        else:
            waited += 1
            if waited >= patience:
                return best
    return best


@spelling("early_stopping", "stopped_at")
def stopped_at_of_what_was_seen(costs, patience):
    for end in range(1, len(costs) + 1):
        best = int(np.argmin(costs[:end]))
        if end - 1 - best >= patience:
            return best
    return int(np.argmin(costs))


@spelling("early_stopping", "stopped_at")
def stopped_at_jumping(costs, patience):
    best = 0
    while True:
        better = [k for k in range(best + 1, best + patience + 1)
                  if k < len(costs) and costs[k] < costs[best]]  # fmt: skip
        if not better:
            return best
        best = better[0]


@spelling("early_stopping", "stopped_at")
def stopped_at_recursive(costs, patience, best=0):
    for epoch in range(best + 1, min(best + patience + 1, len(costs))):
        if costs[epoch] < costs[best]:
            return stopped_at_recursive(costs, patience, epoch)
    return best


@spelling("early_stopping", "stopped_at")
def stopped_at_of_records(costs, patience):
    before = np.minimum.accumulate(np.r_[np.inf, costs[:-1]])
    records = np.flatnonzero(costs < before)
    gaps = np.flatnonzero(np.diff(records) > patience)
    return records[gaps[0]] if len(gaps) else records[-1]


@spelling("early_stopping", "stopped_at")
def stopped_at_by_takewhile(costs, patience):
    bests = [int(np.argmin(costs[: k + 1])) for k in range(len(costs))]
    return [
        best for _, best in takewhile(lambda kb: kb[0] - kb[1] < patience, enumerate(bests))
    ][-1]


@spelling("early_stopping", "stopped_at")
def stopped_at_of_a_list(costs, patience):
    costs = costs.tolist()
    lowest, since, k = costs[0], 0, 0
    while since < patience and k + 1 < len(costs):
        k += 1
        since = 0 if costs[k] < lowest else since + 1
        lowest = min(lowest, costs[k])
    return costs.index(lowest)


# ---------------------------------------------------------------- results and arguments of other kinds


def in_float32(function: Function) -> Function:
    """The result in float32."""

    @functools.wraps(function)
    def other(*arguments):
        return np.asarray(function(*arguments), dtype=np.float32)

    return other


def from_float32(function: Function) -> Function:
    """Computed from float32 throughout, and so given in float32."""

    @functools.wraps(function)
    def other(*arguments):
        given = [
            a.astype(np.float32) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a
            for a in arguments
        ]
        return np.asarray(function(*given), dtype=np.float32)

    return other


def as_lists(function: Function) -> Function:
    """The result as a number or as lists of numbers."""

    @functools.wraps(function)
    def other(*arguments):
        return np.asarray(function(*arguments)).tolist()

    return other


def in_fortran_order(function: Function) -> Function:
    """Arguments and result by columns, and none that can be written into."""

    @functools.wraps(function)
    def other(*arguments):
        given = [np.array(a, order="F") if isinstance(a, np.ndarray) else a for a in arguments]
        for a in given:
            if isinstance(a, np.ndarray):
                a.flags.writeable = False
        return np.asarray(function(*given), order="F")

    return other


def as_an_object(function: Function) -> Function:
    """An object that can be called, with one argument more that need not be given."""

    class Answer:
        def __call__(self, *arguments, verbose=False):
            return function(*arguments)

    answer = Answer()
    answer.__name__ = f"{function.__name__}_object"
    return answer


KINDS = (in_float32, from_float32, as_lists, in_fortran_order, as_an_object)

for _written in SPELLINGS.values():
    _written.extend([kind(_written[k]) for k, kind in enumerate(KINDS)])
