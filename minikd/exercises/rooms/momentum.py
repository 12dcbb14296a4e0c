"""Stochastic gradient descent with momentum."""

from minikd.exercises.exercise import Bug, Exercise, Task


def new_velocity(u, g, momentum):
    return momentum * u + g


def new_weights(W, u, learning_rate):
    return W - learning_rate * u


def _velocity_cases(rng):
    for shape, momentum in (((1,), 0.5), ((2, 2), 0.9), ((3, 4), 0.0), ((3, 2), 0.99)):
        yield rng.normal(size=shape), rng.normal(size=shape), momentum


def _weight_cases(rng):
    for shape, rate in (((1,), 0.5), ((2, 2), 0.1), ((3, 4), 0.01)):
        yield rng.normal(size=shape), rng.normal(size=shape), rate


EXERCISE = Exercise(
    "momentum", 7, "Gradient descent with momentum", 10,
    tasks=(
        Task("new_velocity", new_velocity, _velocity_cases, shapes="that of W", bugs=(
            Bug("The sign of the momentum is wrong", lambda u, g, momentum: -momentum * u + g),
            Bug("The sign of the gradient is wrong here; the step goes down later",
                lambda u, g, momentum: momentum * u - g),
            Bug("The momentum is missing", lambda u, g, momentum: g),
            Bug("The gradient is multiplied by 1 - momentum: that is a mean, in another convention",
                lambda u, g, momentum: momentum * u + (1 - momentum) * g),
            Bug("The momentum multiplies the gradient, and not the velocity",
                lambda u, g, momentum: u + momentum * g),
            Bug("Velocity and gradient are added without the momentum",
                lambda u, g, momentum: u + g),
        )),
        Task("new_weights", new_weights, _weight_cases, shapes="that of W", bugs=(
            Bug("The step goes up, and not down",
                lambda W, u, learning_rate: W + learning_rate * u),
            Bug("The learning rate is missing", lambda W, u, learning_rate: W - u),
            Bug("The weights shrink with the learning rate",
                lambda W, u, learning_rate: (1 - learning_rate) * W - learning_rate * u),
            Bug("The velocity is divided by the learning rate", lambda W, u, learning_rate:
                W - u / learning_rate),
        )),
    ),
    hints=(
        "The velocity remembers: it keeps a share of what it was, and the new gradient comes on top.",
        "The weights go against the velocity, as far as the learning rate says.",
        "u becomes momentum * u + g; then W becomes W - learning_rate * u.",
    ),
)  # fmt: skip
