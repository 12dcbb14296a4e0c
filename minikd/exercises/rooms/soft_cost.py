"""The soft-target cost."""

from minikd.exercises.cases import temperatures, two_logits
from minikd.exercises.exercise import Bug, Exercise, Task
from minikd.exercises.rooms.log_softmax import log_softmax
from minikd.exercises.rooms.softmax import softmax


def soft_cost(z, v, T):
    return -(softmax(v, T) * log_softmax(z, T)).sum(axis=-1)


def _cases(rng):
    for (z, v), T in zip(two_logits(rng), temperatures(), strict=True):
        yield z, v, T


def _kl(z, v, T):
    return (softmax(v, T) * (log_softmax(v, T) - log_softmax(z, T))).sum(axis=-1)


EXERCISE = Exercise(
    "soft_cost", 3, "The soft-target cost", 15,
    tasks=(
        Task(
            "soft_cost", soft_cost, _cases, shapes="(B,)",
            bugs=(
                Bug("Teacher and student are swapped", lambda z, v, T: soft_cost(v, z, T)),
                Bug("This is the KL divergence: the entropy of p is missing", _kl),
                Bug("This is a KL divergence the wrong way round, KL(q, p)",
                    lambda z, v, T: _kl(v, z, T)),
                Bug("The sign: a cost is never below 0", lambda z, v, T: -soft_cost(z, v, T)),
                Bug("T divides the teacher's logits alone",
                    lambda z, v, T: -(softmax(v, T) * log_softmax(z, 1.0)).sum(axis=-1)),
                Bug("T divides the student's logits alone",
                    lambda z, v, T: -(softmax(v, 1.0) * log_softmax(z, T)).sum(axis=-1)),
                Bug("T is missing", lambda z, v, T: soft_cost(z, v, 1.0)),
                Bug("The mean over the classes is taken, and not the sum",
                    lambda z, v, T: soft_cost(z, v, T) / z.shape[-1]),
                Bug("The mean over the cases is taken: give one cost for each",
                    lambda z, v, T: soft_cost(z, v, T).mean()),
                Bug("Logits stand where the logarithm of q belongs",
                    lambda z, v, T: -(softmax(v, T) * z / T).sum(axis=-1)),
                Bug("q stands where its logarithm belongs",
                    lambda z, v, T: -(softmax(v, T) * softmax(z, T)).sum(axis=-1)),
                Bug("T² belongs to the mix of soft and hard targets, not here",
                    lambda z, v, T: T**2 * soft_cost(z, v, T)),
                Bug("Softmax is taken twice of the student's logits",
                    lambda z, v, T: -(softmax(v, T) * log_softmax(softmax(z, T), 1.0)).sum(axis=-1)),
            ),
        ),
    ),
    hints=(
        "Cross-entropy of p and q: minus the sum over the classes of p times log q.",
        "p is made of the teacher's logits v, q of the student's z, both at T.",
        "Use a log-softmax for log q. Sum over the last axis: one cost for each case, shape (B,).",
    ),
)  # fmt: skip
