"""A solution of exercise 10: Logit matching."""

import numpy as np


def matching_cost(z, v):
    # The 1/2 cancels the 2 that the square leaves in the gradient.
    return np.sum((z - v) ** 2, axis=-1) / 2


def matching_gradient(z, v):
    # No mean over the cases: training takes it, in one place for all costs.
    return z - v
