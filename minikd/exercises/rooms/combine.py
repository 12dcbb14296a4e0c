"""Eq. 5 by fixed point."""

import numpy as np

from minikd.exercises.exercise import Bug, Exercise, Law, Task


def spread(p, special, q):
    rest = np.setdiff1d(np.arange(len(q)), special)
    out = np.empty_like(q)
    out[special] = p[:-1]
    out[rest] = p[-1] * q[rest] / q[rest].sum()
    return out


def fixed_point_step(q, generalist, specialist, special):
    return (generalist + spread(specialist, special, q)) / 2


def _distribution(rng, N):
    p = rng.random(N) + 0.05
    return p / p.sum()


def _settings(rng):
    for N, special in ((3, [0]), (4, [1, 2]), (6, [5, 0]), (8, [2, 3, 7])):
        yield N, np.array(special)


def _spread_cases(rng):
    for N, special in _settings(rng):
        yield _distribution(rng, len(special) + 1), special, _distribution(rng, N)


def _step_cases(rng):
    for N, special in _settings(rng):
        yield (_distribution(rng, N), _distribution(rng, N), _distribution(rng, len(special) + 1),
               special)  # fmt: skip


def _evenly(p, special, q):
    even = np.full_like(q, 1.0)
    return spread(p, special, even)


def _whole(p, special, q):
    out = spread(p, special, q)
    rest = np.setdiff1d(np.arange(len(q)), special)
    out[rest] = p[-1]
    return out


def _unshared(p, special, q):
    out = spread(p, special, q)
    rest = np.setdiff1d(np.arange(len(q)), special)
    out[rest] = p[-1] * q[rest]
    return out


EXERCISE = Exercise(
    "combine", 15, "One answer from generalist and specialist (Eq. 5)", 30,
    tasks=(
        Task("spread", spread, _spread_cases, shapes="(N,)",
             laws=(Law("adds up to 1", lambda out, p, special, q: abs(out.sum() - 1) < 1e-5),), bugs=(
            Bug("special is taken to be in rising order; p[k] belongs to special[k]",
                lambda p, special, q: spread(p, np.sort(special), q)),
                Bug("The dustbin is shared evenly; it goes to its classes in proportion to q", _evenly),
            Bug("Each class of the dustbin gets all of it", _whole),
            Bug("q of the dustbin's classes is not divided by their sum", _unshared),
            Bug("The dustbin is dropped", lambda p, special, q: _zeroed(p, special, q)),
            Bug("Special classes get q, and should get what the specialist says",
                lambda p, special, q:
                np.where(np.isin(np.arange(len(q)), special), q, spread(p, special, q))),
        )),
        Task("fixed_point_step", fixed_point_step, _step_cases, shapes="(N,)", bugs=(
            Bug("q stands in the generalist's place",
                lambda q, g, s, special: (q + spread(s, special, q)) / 2),
                Bug("The sum is not divided by the number of models",
                lambda q, g, s, special: g + spread(s, special, q)),
            Bug("q is counted as a model of its own",
                lambda q, g, s, special: (q + g + spread(s, special, q)) / 3),
            Bug("The generalist is left out", lambda q, g, s, special: spread(s, special, q)),
            Bug("The dustbin is shared by the generalist's answer, and not by q",
                lambda q, g, s, special: (g + spread(s, special, g)) / 2),
            Bug("The geometric mean is taken: that is for the other direction of the divergence",
                lambda q, g, s, special: _geometric(g, spread(s, special, q))),
        )),
    ),
    hints=(
        "A specialist says how probable each special class is, and all others together. Its last number "
        "is theirs.",
        "Share the last number among the other classes as q has it: q of a class divided by q of all of "
        "them.",
        "The gradient of Eq. 5 is 0 where q is the mean of all answers: put that mean in q's place.",
    ),
)  # fmt: skip


def _zeroed(p, special, q):
    out = np.zeros_like(q)
    out[special] = p[:-1]
    return out


def _geometric(a, b):
    mean = np.sqrt(a * b)
    return mean / mean.sum()
