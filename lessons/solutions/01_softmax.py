"""A solution of exercise 01: Softmax with a temperature."""

import numpy as np


def softmax(z, T):
    # A constant in all logits cancels: with the largest exponent at 0, nothing overflows.
    exponentials = np.exp((z - z.max(axis=-1, keepdims=True)) / T)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)
