"""Eq. 2: the gradient of the soft-target cost."""

from minikd.exercises.exercise import Bug, Exercise, Law, Task
from minikd.exercises.rooms.soft_cost import _cases
from minikd.exercises.rooms.softmax import softmax


def soft_gradient(z, v, T):
    return (softmax(z, T) - softmax(v, T)) / T


EXERCISE = Exercise(
    "soft_gradient", 4, "The distillation gradient (Eq. 2)", 15,
    tasks=(
        Task(
            "soft_gradient", soft_gradient, _cases,
            bugs=(
                Bug("The factor 1/T is missing", lambda z, v, T: T * soft_gradient(z, v, T)),
                Bug("The factor is 1/T², and should be 1/T",
                    lambda z, v, T: soft_gradient(z, v, T) / T),
                Bug("The sign: it is q - p, and not p - q",
                    lambda z, v, T: -soft_gradient(z, v, T)),
                Bug("T² is in it: it belongs to the mix of soft and hard targets",
                    lambda z, v, T: T**2 * soft_gradient(z, v, T)),
                Bug("T divides the teacher's logits alone",
                    lambda z, v, T: (softmax(z, 1.0) - softmax(v, T)) / T),
                Bug("T divides the student's logits alone",
                    lambda z, v, T: (softmax(z, T) - softmax(v, 1.0)) / T),
                Bug("Both softmaxes are taken at T = 1",
                    lambda z, v, T: (softmax(z, 1.0) - softmax(v, 1.0)) / T),
                Bug("The gradient is divided by the number of cases: the mean is taken in training",
                    lambda z, v, T: soft_gradient(z, v, T) / len(z)),
                Bug("The gradient is divided by the number of classes",
                    lambda z, v, T: soft_gradient(z, v, T) / z.shape[-1]),
                Bug("Logits are subtracted, and not probabilities", lambda z, v, T: (z - v) / T),
                Bug("The derivative of the softmax is in it twice",
                    lambda z, v, T: (softmax(z, T) - softmax(v, T)) * softmax(z, T)
                    * (1 - softmax(z, T)) / T),
            ),
            laws=(Law("adds up to 0 over the classes", lambda g, z, v, T: abs(g.sum(-1)) < 1e-5),),
        ),
    ),
    hints=(
        "Write log q as z / T minus the logarithm of a sum, and differentiate by z_i.",
        "The derivative of log q_j by z_i is (1 if i is j, else 0, minus q_i) / T.",
        "Sum it with the weights p_j, which add up to 1: what is left is (q_i - p_i) / T.",
    ),
)  # fmt: skip
