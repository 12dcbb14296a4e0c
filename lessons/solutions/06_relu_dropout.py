"""A solution of exercise 06: ReLU and dropout."""

import numpy as np


def relu_backward(dout, x):
    # Where the unit is off, a small change of x changes nothing.
    return np.where(x > 0, dout, 0.0)


def dropout(x, kept, rate):
    # On average 1 - rate of the units stay: divided by it, the mean is what it was.
    return np.where(kept, x / (1 - rate), 0.0)


def dropout_backward(dout, kept, rate):
    # The factors do not depend on x, so the gradient gets the same ones.
    return dropout(dout, kept, rate)
