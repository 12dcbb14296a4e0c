"""ReLU and dropout, forward and backward."""

import numpy as np

from minikd.exercises.exercise import Bug, Exercise, Task


def relu_backward(dout, x):
    return dout * (x > 0)


def dropout(x, kept, rate):
    return x * kept / (1 - rate)


def dropout_backward(dout, kept, rate):
    return dout * kept / (1 - rate)


def _relu_cases(rng):
    yield np.array([[1.0, 1.0, 1.0]]), np.array([[-1.0, 0.0, 2.0]])
    for shape in ((2, 3), (4, 5)):
        yield rng.normal(size=shape), rng.normal(size=shape)


def _dropout_cases(rng):
    for shape, rate in (((1, 2), 0.5), ((2, 3), 0.2), ((4, 5), 0.75)):
        yield rng.normal(size=shape), rng.random(shape) >= rate, rate
    yield rng.normal(size=(1, 2)), np.array([[True, False]]), 0.5


EXERCISE = Exercise(
    "relu_dropout", 6, "ReLU and dropout", 15,
    tasks=(
        Task("relu_backward", relu_backward, _relu_cases, shapes="(B, N)", bugs=(
            Bug("dout is multiplied by the output, and not by its derivative, 0 or 1",
                lambda dout, x: dout * np.maximum(x, 0)),
                Bug("The mask is >= where it should be >: at 0 the unit is off",
                lambda dout, x: dout * (x >= 0)),
            Bug("ReLU is applied to the gradient; its mask is that of the input",
                lambda dout, x: dout * (dout > 0)),
            Bug("This is the forward pass", lambda dout, x: np.maximum(x, 0)),
            Bug("The mask is the wrong way round", lambda dout, x: dout * (x < 0)),
            Bug("dout is missing: this is the derivative of the ReLU alone",
                lambda dout, x: (x > 0).astype(float)),
        )),
        Task("dropout", dropout, _dropout_cases, bugs=(
            Bug("What is kept is not scaled by 1 / (1 - rate): the mean is too small",
                lambda x, kept, rate: x * kept),
            Bug("What is kept is divided by the rate, and not by 1 - rate",
                lambda x, kept, rate: x * kept / rate),
            Bug("What is kept is multiplied by 1 - rate, and not divided",
                lambda x, kept, rate: x * kept * (1 - rate)),
            Bug("The mask is the wrong way round: kept is True for a unit that stays",
                lambda x, kept, rate: x * ~kept / (1 - rate)),
            Bug("Nothing is dropped, only scaled", lambda x, kept, rate: x / (1 - rate)),
        )),
        Task("dropout_backward", dropout_backward, _dropout_cases, bugs=(
            Bug("The scale 1 / (1 - rate) is missing in the backward pass",
                lambda dout, kept, rate: dout * kept),
            Bug("The mask is missing in the backward pass",
                lambda dout, kept, rate: dout / (1 - rate)),
            Bug("The mask and the scale are missing in the backward pass",
                lambda dout, kept, rate: dout),
            Bug("The mask is the wrong way round: kept is True for a unit that stays",
                lambda dout, kept, rate: dout * ~kept / (1 - rate)),
            Bug("What is kept is divided by the rate, and not by 1 - rate",
                lambda dout, kept, rate: dout * kept / rate),
        )),
    ),
    hints=(
        "A unit that is off passes no gradient. ReLU's unit is on where its input is above 0.",
        "Dropout multiplies by a number that does not depend on x. So the backward pass multiplies by the "
        "same number.",
        "With a rate of 0.5, half of the units are gone: the others count twice, so that the mean stays.",
    ),
)  # fmt: skip
