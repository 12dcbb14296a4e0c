"""minikd's own pairs of forward and backward."""

from __future__ import annotations

import numpy as np

from minikd import MLP, equations, layers
from minikd.mixture import mixture_backward, mixture_forward

from .entry import Bug, entry, normal

LABELS = np.array([3, 0, 1])
NET = MLP([3, 4, 2], rng=517, dtype=np.float64)
MASK = np.random.default_rng(88).choice([0.0, 4 / 3], size=(3, 5), p=[0.25, 0.75])


def soft_targets(z, v):
    """Eq. 2 of the paper."""
    out = equations.soft_target_cost(z, v, T=4.0)

    def backward(dout):
        return dout[:, None] * equations.soft_target_gradient(z, v, T=4.0), None

    return out, backward


entry(
    soft_targets,
    normal((3, 5), (3, 5)),
    Bug("soft_target_gradient(z, v, T=4.0)", "soft_target_gradient(z, v)", ("term missing", 0), "T = 1"),
    Bug("equations.soft_target_gradient(z, v, T=4.0)",
        "(equations.softmax(z, 4.0) - equations.softmax(v, 4.0))", ("factor", 4), "1/T forgotten"),
    Bug("soft_target_gradient(z, v,", "soft_target_gradient(v, z,", ("sign",), "z and v exchanged"),
    Bug("soft_target_gradient", "high_temperature_gradient", ("precision",), "Eq. 3 for Eq. 2"),
)  # fmt: skip


def hard_targets(z):
    """Cross-entropy with the labels."""
    out = equations.hard_target_cost(z, LABELS)

    def backward(dout):
        return dout[:, None] * equations.hard_target_gradient(z, LABELS)

    return out, backward


entry(
    hard_targets,
    normal((3, 4)),
    Bug("hard_target_gradient(z, LABELS)", "hard_target_gradient(z, LABELS[::-1])",
        ("single elements",), "labels in another order"),
    Bug("dout[:, None] * equations", "equations", ("dout ignored",), "dout dropped"),
    Bug("dout[:, None] *", "dout[:, None] / len(z) *", ("factor", 1 / 3), "1/B, which the cost has not"),
)  # fmt: skip


def both_targets(z, v):
    """Soft and hard targets together, with T squared in one place."""
    out = equations.distillation_cost(z, v, LABELS, T=2.5, hard_weight=0.5)

    def backward(dout):
        dz = equations.distillation_gradient(z, v, LABELS, T=2.5, hard_weight=0.5)
        return dout[:, None] * dz, None

    return out, backward


entry(
    both_targets,
    normal((3, 4), (3, 4)),
    Bug("distillation_gradient(z, v, LABELS, T=2.5, hard_weight=0.5)",
        "distillation_gradient(z, v, LABELS, T=2.5)", ("term missing", 0), "the hard targets forgotten"),
    Bug("equations.distillation_gradient(z, v, LABELS, T=2.5, hard_weight=0.5)",
        "equations.soft_target_gradient(z, v, 2.5) + 0.5 * equations.hard_target_gradient(z, LABELS)",
        ("term missing", 0), "T squared forgotten"),
)  # fmt: skip


def matching_logits(z, v):
    """Logit matching, with both gradients."""
    out = equations.logit_matching_cost(z, v)

    def backward(dout):
        dz = dout[:, None] * equations.logit_matching_gradient(z, v)
        return dz, -dz

    return out, backward


entry(
    matching_logits,
    normal((4, 3), (4, 3)),
    Bug(
        "logit_matching_gradient(z, v)",
        "zero_mean_gradient(z, v)",
        ("factor", 1 / 3),
        "1/N of Eq. 4",
    ),
    Bug("return dz, -dz", "return dz, dz", ("sign",), "the teacher's sign"),
)


def linear_layer(x, W, b):
    """The linear layer of minikd."""
    out, cache = layers.linear_forward(x, W, b)

    def backward(dout):
        return layers.linear_backward(dout, cache)

    return out, backward


entry(
    linear_layer,
    normal((4, 3), (3, 2), (2,)),
    Bug("layers.linear_backward(dout, cache)", "layers.linear_backward(dout / len(x), cache)",
        ("factor", 1 / 4), "1/B in every gradient"),
    Bug("layers.linear_backward(dout, cache)", "layers.linear_backward(dout, (x * x, W))",
        ("term missing", 1), "another x in the cache"),
)  # fmt: skip


def stack_of_linear_layers(x, W, b):
    """The linear layer with a member axis."""
    out, cache = layers.linear_forward(x, W, b)

    def backward(dout):
        return layers.linear_backward(dout, cache)

    return out, backward


entry(
    stack_of_linear_layers,
    normal((2, 4, 3), (2, 3, 2), (2, 2)),
    Bug("layers.linear_backward(dout, cache)", "layers.linear_backward(dout[::-1], cache)",
        ("permuted", "flipped along axis 0"), "members exchanged"),
    Bug("layers.linear_backward(dout, cache)", "layers.linear_backward(dout, (x[:1], W))",
        ("single elements",), "the first member's x for all"),
)  # fmt: skip


def relu_and_dropout(z):
    """ReLU, then dropout, of minikd."""
    h, relu = layers.relu_forward(z)
    out, mask = layers.dropout_forward(h, MASK)

    def backward(dout):
        return layers.relu_backward(layers.dropout_backward(dout, mask), relu)

    return out, backward


entry(
    relu_and_dropout,
    normal((3, 5)),
    Bug("layers.dropout_backward(dout, mask)", "dout", ("mask",), "dropout passed over"),
    Bug("layers.dropout_backward(dout, mask)", "dout * (mask > 0)", ("factor", 0.75), "its scale forgotten"),
    Bug("layers.relu_backward(layers.dropout_backward(dout, mask), relu)",
        "layers.dropout_backward(dout, mask)", ("mask",), "ReLU passed over"),
)  # fmt: skip


def network(x, W1, b1, W2, b2):
    """An MLP as a function of its parameters; its input gets no gradient."""
    net = NET.with_parameters([W1, b1, W2, b2])
    out, caches = net.forward(x)

    def backward(dout):
        return None, *net.backward(dout, caches)

    return out, backward


def parameters(rng):
    """A batch, and weights in general position."""
    return tuple(rng.normal(0, 0.8, shape) for shape in ((4, 3), (3, 4), (4,), (4, 2), (2,)))


entry(
    network,
    parameters,
    Bug("net.backward(dout, caches)", "net.backward(dout, caches)[::-1]", ("wrong shape",), "reversed"),
    Bug("net.backward(dout, caches)", "[g / len(x) for g in net.backward(dout, caches)]",
        ("factor", 1 / 4), "1/B, which the cost has already"),
    Bug("return None, *net.backward(dout, caches)", "return net.backward(dout, caches)",
        ("number of gradients",), "the input's None forgotten", breaks="contract"),
    Bug("net.backward(dout, caches)", "[g + 1e-3 * p for g, p in zip(net.backward(dout, caches), "
        "net.parameters, strict=True)]", ("constant in the gradient",), "weight decay inside"),
)  # fmt: skip


def mixture(a, z):
    """A mixture of experts."""
    out, cache = mixture_forward(a, z)

    def backward(dout):
        return mixture_backward(dout, cache)

    return out, backward


entry(
    mixture,
    normal((2, 3), (3, 2, 4)),
    Bug("mixture_backward(dout, cache)", "mixture_backward(dout, (cache[0], cache[1], np.exp(cache[1])))",
        ("term missing", 0), "the experts' probabilities for their shares"),
    Bug("return mixture_backward(dout, cache)", "da, dz = mixture_backward(dout, cache)\n"
        "        return -da, dz", ("sign",), "the gate's sign"),
)  # fmt: skip
