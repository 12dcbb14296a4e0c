"""A solution of exercise 11: A transfer set without some digits."""

import numpy as np


def without(y, omitted):
    # Positions, and not the labels themselves: images and the teacher's logits need them too.
    stays = ~np.isin(y, omitted)
    return np.flatnonzero(stays)
