"""A solution of exercise 08: High temperatures (Eq. 3 and Eq. 4)."""


def nearly_softmax(z, T):
    # Far above the logits, z / T is small, and exp(z / T) is nearly 1 + z / T.
    nearly_exp = 1 + z / T
    return nearly_exp / nearly_exp.sum(axis=-1, keepdims=True)


def eq_3(z, v, T):
    return (nearly_softmax(z, T) - nearly_softmax(v, T)) / T


def eq_4(z, v, T):
    # With logits that add up to 0, both sums above are N, and the ones cancel.
    N = z.shape[-1]
    return (z - v) / (N * T**2)
