"""Section 5.4 of Hinton, Vinyals & Dean 2015: one answer from a generalist and its specialists.

A specialist is active where the generalist's answer is one of its classes; then its answer and the
generalist's are combined by Eq. 5. The letters are the same as in :mod:`minikd.specialists`: q is
the combined answer, p^g the generalist's, p^m specialist m's, S^m its special classes, A the
specialists that are active for a case.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikd import arrays, checks, equations, values
from minikd.backend import Array, namespace
from minikd.probabilities import log_ratio
from minikd.specialists import checked_classes
from minikd.threads import blas_threads


def active_specialists(v: Array, classes: Any, n: int = 1) -> Any:
    """Step 1: the specialists that cover one of the n most probable classes (Section 5.4).

    Parameters
    ----------
    v : array, shape (B, N)
        Logits of the generalist.
    classes : array of int, shape (M, S)
        The special classes of each specialist.
    n : int
        The paper uses n = 1.

    Returns
    -------
    array of bool, shape (B, M)
        A case may have no active specialist.

    Raises
    ------
    ValueError
        If n is not from 1 to N, or a specialist has no class, every class, or one class twice.
    """
    v = arrays.array("v", v, "(B, N)")
    N = v.shape[-1]
    classes, n = checked_classes(classes, N), values.whole("n", n, 1, N)
    covered = np.zeros((N, len(classes)), dtype=bool)
    covered[classes.T, np.arange(len(classes))] = True
    k = np.argpartition(v, -n, axis=-1)[:, -n:]
    return covered[k].any(1)


def combination_cost(z: Array, v: Array, u: Array, classes: Any, active: Array) -> Array:
    r"""What the combined answer minimizes (Section 5.4, Eq. 5).

    .. math:: KL(p^g, q) + \sum_{m \in A} KL(p^m, q), \qquad q = \mathrm{softmax}(z)

    To be compared with a specialist's answer, q is summed over the classes in its dustbin.

    Parameters
    ----------
    z : array, shape (B, N)
        Logits of the combined answer, at T = 1.
    v : array, shape (B, N)
        Logits of the generalist.
    u : array, shape (M, B, S + 1)
        Logits of the specialists, the dustbin last and corrected.
    classes : array of int, shape (M, S)
    active : array of bool, shape (B, M)

    Returns
    -------
    array, shape (B,)
        Nats per case; 0 where all models agree.
    """
    z, v, u, classes, active = _arguments(z, v, u, classes, active)
    xp, cost = namespace(z), equations.kl_divergence(z, v)
    for m, special in enumerate(classes):
        kl = equations.kl_divergence(merged(z, special), u[m])
        cost = cost + xp.where(active[:, m], kl, xp.zeros_like(kl))
    return cost


def combination_gradient(z: Array, v: Array, u: Array, classes: Any, active: Array) -> Array:
    r"""Gradient of :func:`combination_cost` with respect to z.

    .. math:: \frac{\partial C}{\partial z_i} = (q_i - p^g_i) +
              \sum_{m \in A} (q_i - \tilde p^m_i), \qquad
              \tilde p^m_i = p^m_i \ (i \in S^m), \quad
              p^m_{dustbin} \frac{q_i}{\sum_{j \notin S^m} q_j} \ (i \notin S^m)

    This is Eq. 2 at T = 1, summed over the models. The probability of a specialist's dustbin is
    spread over the classes in it in proportion to q. Arguments as for the cost.

    Returns
    -------
    array, shape (B, N)
    """
    z, v, u, classes, active = _arguments(z, v, u, classes, active)
    xp, gradient = namespace(z), equations.softmax_difference(z, v)
    for m, special in enumerate(classes):
        seen, seen_as = merged(z, special), _seen_as(special, z.shape[-1])
        away = equations.softmax_difference(seen, u[m])[..., seen_as]
        # What the dustbin has too much, its classes have in proportion to q.
        share = xp.exp(xp.minimum(z - seen[..., -1:], xp.zeros_like(z)))
        share[..., special] = 1
        gradient = gradient + xp.where(active[:, m, None], away * share, xp.zeros_like(away))
    return gradient


def reverse_combination_cost(
    z: Array, v: Array, u: Array, classes: Any, active: Array
) -> Array:
    r"""Eq. 5 with reversed KL divergences, which Section 5.4 mentions too.

    .. math:: KL(q, p^g) + \sum_{m \in A} KL(q, p^m)

    Arguments and shapes as in :func:`combination_cost`.
    """
    z, v, u, classes, active = _arguments(z, v, u, classes, active)
    xp, cost = namespace(z), equations.kl_divergence(v, z)
    for m, special in enumerate(classes):
        kl = equations.kl_divergence(u[m], merged(z, special))
        cost = cost + xp.where(active[:, m], kl, xp.zeros_like(kl))
    return cost


def reverse_combination_gradient(
    z: Array, v: Array, u: Array, classes: Any, active: Array
) -> Array:
    r"""Gradient of :func:`reverse_combination_cost` with respect to z.

    .. math:: \frac{\partial C}{\partial z_i} = q_i \left(l_i - \sum_j q_j l_j\right), \qquad
              l_i = \log \frac{q_i}{p^g_i} + \sum_{m \in A} \log \frac{q_i}{\tilde p^m_i}

    with the p̃ of :func:`combination_gradient`.
    """
    z, v, u, classes, active = _arguments(z, v, u, classes, active)
    xp, q, l = namespace(z), equations.softmax(z), log_ratio(z, v)
    for m, special in enumerate(classes):
        ratio = log_ratio(merged(z, special), u[m])[..., _seen_as(special, z.shape[-1])]
        l = l + xp.where(active[:, m, None], ratio, xp.zeros_like(ratio))
    return q * (l - xp.sum(q * l, axis=-1, keepdims=True))


def combine(
    v: Array,
    u: Array,
    classes: Any,
    active: Array | None = None,
    *,
    reverse: bool = False,
    tolerance: float = 1e-8,
    steps: int = 10_000,
) -> Any:
    r"""Step 2: the answer that minimizes Eq. 5, for each case (Section 5.4).

    The gradient is 0 where q is the mean of all models' answers, each dustbin spread over its
    classes in proportion to q. This suggests a step without a step size:

    .. math:: q_i \leftarrow \frac{1}{1 + |A|} \Big( p^g_i + \sum_{m \in A} \tilde p^m_i(q) \Big)
              = q_i - \frac{1}{1 + |A|} \frac{\partial C}{\partial z_i}

    This step follows the gradient of the logits and never leaves the simplex. It never raises the
    cost either: with p̃ taken at the old q, KL(p̃, q) is an upper bound of KL(p^m, q) that touches
    it at the old q, and the mean minimizes the sum of these bounds. For the reverse divergences the
    same holds with geometric means. As long as the cost falls, each step is longer than the one
    before; where a longer step would raise it, the plain step is taken instead.

    If no specialist merges classes, one step gives the closed form that the paper names: the
    arithmetic mean for KL(p, q), the geometric mean for KL(q, p). With one active specialist, one
    step from the generalist's answer is enough too. With several that merge classes there is no
    closed form.

    Parameters
    ----------
    v, u, classes, active
        As in :func:`combination_cost`; without ``active``, :func:`active_specialists` decides.
        A case with no active specialist keeps the generalist's answer.
    reverse : bool
        Minimize :func:`reverse_combination_cost` instead.
    tolerance : float
        Nats. The cost is convex in q, so its gradient bounds how far it lies above the minimum; a
        case is done once this bound is within the tolerance.
    steps : int
        Largest number of steps.

    Returns
    -------
    array of float64, shape (B, N)
        log q, the logits of the answer, on the host.

    Raises
    ------
    ValueError
        If shapes do not fit together, or a logit is not finite.
    """
    v = arrays.array("v", v, "(B, N)", dtype=np.float64)
    u = arrays.array("u", u, dtype=np.float64)
    active = active_specialists(v, classes) if active is None else active
    _, v, u, classes, active = _arguments(v, v, u, classes, active)
    reverse, steps = values.flag("reverse", reverse), values.whole("steps", steps)
    tolerance = values.weight("tolerance", tolerance)
    problem = _Problem(
        equations.log_softmax(v), equations.log_softmax(u), classes, active, reverse
    )
    # Its products are small and many: a second thread would slow them, even on an idle machine.
    with blas_threads(1):
        return _descended(problem, equations.log_softmax(v), tolerance, steps)


def _arguments(z: Array, v: Array, u: Array, classes: Any, active: Any) -> tuple[Any, ...]:
    """The arguments of the costs, checked; logits stay on their device."""
    _, _, z, v = checks.arguments(1.0, z=z, v=v)
    if z.ndim != 2 or z.shape != v.shape:
        raise ValueError(
            f"z has shape {tuple(z.shape)} and v {tuple(v.shape)}; expected (B, N) for both"
        )
    u = checks.beside(checks.logits("u", u), z)
    classes, B = checked_classes(classes, v.shape[-1]), v.shape[0]
    M, S = classes.shape
    active = arrays.array("active", active, kind="0 or 1")
    if active.size and (active.min() < 0 or active.max() > 1):
        raise ValueError("active holds numbers that are not 0 or 1; expected True where active")
    if tuple(u.shape) != (M, B, S + 1) or active.shape != (B, M):
        raise ValueError(
            f"u has shape {tuple(u.shape)} and active {active.shape}; expected {(M, B, S + 1)} "
            f"and {(B, M)} beside v {tuple(v.shape)} and classes {classes.shape}"
        )
    return z, v, u, classes, namespace(z).asarray(active.astype(bool), **checks.device_of(z))


def _descended(problem: _Problem, log_q: Any, tolerance: float, steps: int) -> Any:
    """Steps from log q downwards, each case until it is done."""
    at, length = np.arange(len(log_q)), np.ones((len(log_q), 1))
    for _ in range(steps):
        now, part = log_q[at], problem.of(at)
        step, cost, gap = part.look(now)
        left = gap > tolerance
        at, now, step, cost, part = at[left], now[left], step[left], cost[left], part.of(left)
        if not len(at):
            break
        new = equations.log_softmax(now + length[at] * step)
        up = part.look(new)[1] > cost
        new[up], length[at] = now[up] + step[up], np.where(up[:, None], 1.0, 1.5 * length[at])
        log_q[at] = equations.log_softmax(new)
    return log_q


class _Problem:
    """Eq. 5 for some cases, in logarithms: all that stays fixed while q changes."""

    def __init__(
        self, log_g: Any, log_pm: Any, classes: Any, active: Any, reverse: bool
    ) -> None:
        self.active, self.reverse = active, reverse
        self.models = 1 + active.sum(-1, keepdims=True)
        self.outside = np.ones((len(classes), log_g.shape[-1]))
        self.outside[np.arange(len(classes))[:, None], classes] = 0
        self.dustbin = log_pm[..., -1].T
        # The models' answers on the classes that they tell apart, added or multiplied.
        self.told = log_g.copy()
        join = np.add if reverse else np.logaddexp
        for special, log_p, rows in zip(classes, log_pm, active.T, strict=True):
            here = np.ix_(rows, special)
            self.told[here] = join(self.told[here], log_p[rows, :-1])

    def of(self, cases: Any) -> _Problem:
        """The same problem for some of the cases."""
        part = object.__new__(_Problem)
        part.reverse, part.outside = self.reverse, self.outside
        for name in ("active", "models", "told", "dustbin"):
            setattr(part, name, getattr(self, name)[cases])
        return part

    def look(self, log_q: Any) -> tuple[Any, Any, Any]:
        """The step in log q, the cost up to a constant, and a bound on how far it can still fall."""
        q = np.exp(log_q)
        log_rest = self._log_rest(log_q, q)
        each = np.where(self.active, self.dustbin - log_rest, -np.inf)
        if self.reverse:
            each = np.where(self.active, each, 0)
            merging = self.active @ self.outside
            new = (self.told + each @ self.outside + merging * log_q) / self.models
            step = new - log_q
            # The gradient in q is -models · step, up to a constant.
            gap = (step.max(-1) - (q * step).sum(-1)) * self.models[:, 0]
            own = (q * ((self.models - merging) * log_q - self.told)).sum(-1)
            cost = own - (np.exp(log_rest) * each).sum(-1)
        else:
            largest = np.where(self.active, each, -np.inf).max(
                -1, keepdims=True, initial=-1e300
            )
            with np.errstate(divide="ignore"):
                log_spread = largest + np.log(np.exp(each - largest) @ self.outside)
            step = np.logaddexp(self.told - log_q, log_spread) - np.log(self.models)
            # The gradient in q is -models · exp(step).
            with np.errstate(over="ignore"):
                gap = np.expm1(step.max(-1)) * self.models[:, 0]
            own = (np.exp(self.told) * log_q).sum(-1)
            weights = np.where(self.active, np.exp(self.dustbin), 0)
            cost = -own - (weights * log_rest).sum(-1)
        return step, cost, gap

    def _log_rest(self, log_q: Any, q: Any) -> Any:
        """Logarithm of the probability that q gives each dustbin, (B, M)."""
        rest = q @ self.outside.T
        vanishing = rest < 1e-290
        log_rest = np.log(np.where(vanishing, 1.0, rest))
        for b, m in np.argwhere(vanishing):
            log_rest[b, m] = np.logaddexp.reduce(log_q[b, self.outside[m] == 1])
        return log_rest


def merged(log_q: Array, special: Any) -> Array:
    """log q as a specialist sees it: its classes, then the sum of all others; (B, S + 1)."""
    log_q = checks.logits("log_q", log_q)
    try:
        special = [values.items("special", special, "classes")]
        special = checked_classes(special, log_q.shape[-1], "special")[0]
    except ValueError as error:
        raise ValueError(f"{error}, and log_q has {log_q.shape[-1]} classes") from None
    xp, rest = namespace(log_q), np.setdiff1d(np.arange(log_q.shape[-1]), special)
    others = log_q[..., rest]
    largest = xp.max(others, axis=-1, keepdims=True)
    total = largest + xp.log(xp.sum(xp.exp(others - largest), axis=-1, keepdims=True))
    return xp.concatenate([log_q[..., special], total], axis=-1)


def _seen_as(special: Any, N: int) -> Any:
    """What each of N classes is to a specialist: one of its own, or the dustbin, (N,)."""
    seen_as = np.full(N, len(special))
    seen_as[special] = np.arange(len(special))
    return seen_as
