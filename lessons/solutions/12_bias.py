"""A solution of exercise 12: The bias of an unseen class."""

import numpy as np


def best_bias(z, y, c, biases):
    errors = []
    for bias in biases:
        moved = z.copy()  # the logits are needed again for the next bias
        moved[:, c] += bias
        errors.append(np.sum(moved.argmax(axis=-1) != y))
    return biases[np.argmin(errors)]  # argmin takes the first of equals


def best_bias_without_labels(z, v, c, biases):
    # The teacher knows the class that its student never saw: its answers replace the labels.
    return best_bias(z, v.argmax(axis=-1), c, biases)
