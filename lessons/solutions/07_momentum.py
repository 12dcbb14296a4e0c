"""A solution of exercise 07: Gradient descent with momentum."""


def new_velocity(u, g, momentum):
    # What the gradients agree on adds up, up to 1 / (1 - momentum) times one of them.
    return momentum * u + g


def new_weights(W, u, learning_rate):
    # The gradient points to where the cost rises, and the cost should fall.
    return W - learning_rate * u
