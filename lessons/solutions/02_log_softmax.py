"""A solution of exercise 02: A log-softmax that never overflows."""

import numpy as np


def log_softmax(z, T):
    shifted = (z - z.max(axis=-1, keepdims=True)) / T
    # The sum is at least exp(0) = 1, so its logarithm is always finite.
    log_sum = np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted - log_sum
