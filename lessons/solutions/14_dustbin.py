"""A solution of exercise 14: A specialist and its dustbin."""

import numpy as np


def specialist_labels(y, special):
    labels = np.full(len(y), len(special))  # a case is in the dustbin unless it is claimed
    for position, its_class in enumerate(special):
        labels[y == its_class] = position
    return labels


def dustbin_correction(y, special, share):
    true_share = np.isin(y, special).mean()
    # The difference of two logits is the logarithm of the odds, so odds give the answer.
    odds_in_training = share / (1 - share)
    true_odds = true_share / (1 - true_share)
    return np.log(odds_in_training / true_odds)
