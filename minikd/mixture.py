"""A mixture of experts (Jacobs et al. 1991), which Section 7 compares with the specialists.

A gating network says for each case how much to trust each expert, and all of them learn together:
every expert sees every case, and what it learns depends on the answers of the others. Specialists
learn separately, because their classes are fixed beforehand; that is the point of Section 7.
"""

from __future__ import annotations

from typing import Any

from minikd import arrays, checks, equations, values
from minikd.backend import Array, namespace
from minikd.mlp import MLP


def mixture_forward(a: Array, z: Array) -> tuple[Array, Any]:
    r"""Logarithm of the experts' probabilities, averaged with the gate's weights.

    .. math:: q_i = \sum_k g_k \, p^{(k)}_i, \qquad g = \mathrm{softmax}(a), \quad
              p^{(k)} = \mathrm{softmax}(z^{(k)})

    Parameters
    ----------
    a : array, shape (B, E)
        Logits of the gate.
    z : array, shape (E, B, N)
        Logits of the experts.

    Returns
    -------
    log_q : array, shape (B, N)
        Logits of the mixture: their softmax is q.
    cache
    """
    log_g, log_p = _gate_and_experts(a, z)
    xp = namespace(log_p)
    joint = xp.swapaxes(log_g, 0, 1)[..., None] + log_p  # (E, B, N): log g_k p_k
    largest = xp.max(joint, axis=0)
    log_q = largest + xp.log(xp.sum(xp.exp(joint - largest), axis=0))
    # Each expert's share of q_i.
    return log_q, (log_g, log_p, xp.exp(joint - log_q))


def mixture_backward(dlog_q: Array, cache: Any) -> tuple[Array, Array]:
    r"""Gradients on the logits of the gate and of the experts.

    A gradient on log q_i reaches expert k by the share r that k has in q_i; from there it goes
    through the two softmaxes:

    .. math:: r_{ki} = \frac{g_k p^{(k)}_i}{q_i}, \quad
              d_{ki} = r_{ki} \frac{\partial C}{\partial \log q_i}, \quad
              \frac{\partial C}{\partial z^{(k)}_i} = d_{ki} - p^{(k)}_i \sum_j d_{kj}, \quad
              \frac{\partial C}{\partial a_k} = \sum_j d_{kj} - g_k \sum_{lj} d_{lj}

    For a label y and C = -log q_y this is g - h for the gate and h_k (p^{(k)} - [i = y]) for the
    experts, with the posterior h_k = r_{ky}: the better an expert explains a case, the more it
    learns from it.

    Returns
    -------
    da : array, shape (B, E)
    dz : array, shape (E, B, N)
    """
    log_g, log_p, r = values.cache("cache", cache, 3, "mixture_forward")
    dlog_q = arrays.like("dlog_q", dlog_q, tuple(r.shape[1:]))
    xp = namespace(log_p)
    d = r * dlog_q
    of_expert = xp.sum(d, axis=-1, keepdims=True)  # (E, B, 1)
    dz = d - xp.exp(log_p) * of_expert
    da = xp.swapaxes(of_expert[..., 0], 0, 1)
    return da - xp.exp(log_g) * xp.sum(da, axis=-1, keepdims=True), dz


def _gate_and_experts(a: Array, z: Array) -> tuple[Array, Array]:
    """Log probabilities of the gate and of the experts, whose numbers fit together."""
    a, z = checks.logits("a", a), checks.logits("z", z)
    if a.ndim != 2 or z.ndim != 3 or tuple(a.shape) != (z.shape[1], z.shape[0]):
        raise ValueError(
            f"a has shape {tuple(a.shape)} and z {tuple(z.shape)}; expected (B, E) and (E, B, N)"
        )
    return equations.log_softmax(a), equations.log_softmax(z)


class Mixture:
    """A gating network and experts, which :func:`minikd.train` trains together.

    Parameters
    ----------
    gate : MLP
        One network, with an output for each expert.
    experts : MLP
        A stack, one member for each expert.

    Attributes
    ----------
    sizes, members, seeds
        As of one :class:`minikd.MLP`: the sizes of an expert, ``()``, and the gate's seed.

    Raises
    ------
    ValueError
        If the gate is a stack, the experts are not, or the two do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> net = Mixture(MLP([784, 30, 4], rng=0), MLP([784, 100, 10], rng=range(4)))
    >>> net(np.zeros((5, 784))).shape
    (5, 10)
    """

    def __init__(self, gate: MLP, experts: MLP) -> None:
        for name, net in (("gate", gate), ("experts", experts)):
            values.instance(
                name, net, (MLP,), "an MLP: the gate one network, the experts a stack"
            )
        if gate.members or not experts.members:
            raise ValueError(
                f"gate is {gate} and experts {experts}; expected one network and a stack"
            )
        if (gate.sizes[0], gate.sizes[-1]) != (experts.sizes[0], len(experts.seeds)):
            raise ValueError(
                f"gate goes from {gate.sizes[0]} inputs to {gate.sizes[-1]} experts; expected "
                f"{experts.sizes[0]} and {len(experts.seeds)}"
            )
        self.gate, self.experts = gate, experts
        self.sizes, self.members, self.seeds = experts.sizes, (), gate.seeds

    drops = False  # it is trained without dropout

    @property
    def parameters(self) -> list[Array]:
        """The gate's, then the experts'."""
        return [*self.gate.parameters, *self.experts.parameters]

    @property
    def xp(self) -> Any:
        """NumPy or CuPy, whichever the parameters are arrays of."""
        return self.gate.xp

    @property
    def hidden_weights(self) -> list[Array]:
        """The incoming weights of all hidden units."""
        return [*self.gate.hidden_weights, *self.experts.hidden_weights]

    def zeros(self) -> list[Array]:
        """Zeros shaped like the parameters."""
        return [*self.gate.zeros(), *self.experts.zeros()]

    def __call__(self, x: Array) -> Array:
        """Logits of the mixture, shape (n, classes), on the host if x is."""
        x = arrays.inputs(x, self.sizes[0])
        if x.ndim != 2:
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (cases, {self.sizes[0]})")
        return mixture_forward(self.gate(x), self.experts(x))[0]

    def forward(self, x: Array, masks: Any = None) -> tuple[Array, list[Any]]:
        """As :meth:`minikd.MLP.forward`, without dropout."""
        a, of_gate = self.gate.forward(x)
        z, of_experts = self.experts.forward(x)
        log_q, cache = mixture_forward(a, z)
        return log_q, [of_gate, of_experts, cache]

    def backward(self, dz: Array, caches: list[Any]) -> list[Array]:
        """As :meth:`minikd.MLP.backward`."""
        of_gate, of_experts, cache = caches
        da, dz_experts = mixture_backward(dz, cache)
        return [
            *self.gate.backward(da, of_gate),
            *self.experts.backward(dz_experts, of_experts),
        ]

    def off(self, caches: list[Any]) -> Any:
        """Whether the gate, or every expert, has a layer that is off in all cases; shape (1,)."""
        gate, experts = self.gate.off(caches[0]), self.experts.off(caches[1])
        return gate | experts.all()
