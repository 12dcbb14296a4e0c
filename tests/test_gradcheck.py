"""The checker itself: it must catch what people get wrong, and pass what is right."""

from __future__ import annotations

import itertools
import json
import logging
import math
import os
import re
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special

from minikd import GradcheckError, gradcheck, layers
from minikd import equations as eq
from minikd.backend import Stream, generator

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))
from zoo import said  # noqa: E402

sys.path.remove(str(ROOT / "benchmarks"))

WORDS = Path(__file__).with_name("gradcheck_words.json")


def says(case, func, inputs, **options):
    """What the checker says, if no word of it has changed unseen.

    Where a change is meant, MINIKD_WRITE=1 and -n 0 write the record anew.
    """
    words = said.words_of(func, inputs, **options)
    known = json.loads(WORDS.read_text(encoding="utf-8"))
    if os.environ.get("MINIKD_WRITE"):
        known[case] = words
        text = json.dumps(known, indent=1, ensure_ascii=False, sort_keys=True)
        WORDS.write_text(text + "\n", encoding="utf-8")
        pytest.skip("written, not compared")
    assert case in known, "a case without a record; MINIKD_WRITE=1 and -n 0 write it"
    assert said.alike(words, known[case]), f"{words}\n\nbefore:\n{known[case]}"
    return words


RNG = np.random.default_rng(4)
Z, V = RNG.normal(0, 2, (2, 4, 5))
METHODS = ["complex", "central", "direction"]
T = 4.0


def soft_target(gradient, cost=eq.soft_target_cost):
    """A cost at T with some gradient of one case, right or wrong."""

    def func(z):
        return cost(z, V, T=T), lambda dc: dc[..., None] * gradient(z)

    return func


@pytest.mark.parametrize("method", METHODS)
def test_passes_what_is_right(method):
    assert gradcheck(
        soft_target(lambda z: eq.soft_target_gradient(z, V, T=T)), Z, method=method
    )


def relu_on_output(z):
    h = np.maximum(z, 0)
    return h, lambda dh: dh * (h >= 0)


def dropout_without_scale(h):
    mask = layers.dropout_mask(generator(0, Stream.MASKS), h.shape, 0.5, h)
    return h * mask, lambda dout: dout * (mask > 0)


def half_mean(z):
    return eq.soft_target_cost(
        z, V, T=T
    ) / 5, lambda dc: dc[..., None] * eq.soft_target_gradient(z, V, T)


WRONG = {
    "off by 0.1 %": soft_target(lambda z: 1.001 * eq.soft_target_gradient(z, V, T=T)),
    "forgotten 1/T": soft_target(lambda z: eq.softmax(z, T) - eq.softmax(V, T)),
    "forgotten T²": soft_target(
        lambda z: eq.soft_target_gradient(z, V, T=T), cost=eq.distillation_cost
    ),
    "cost divided by K": half_mean,
    "softmax on one side without T": soft_target(
        lambda z: (eq.softmax(z, T) - eq.softmax(V)) / T
    ),
    "wrong sign": soft_target(lambda z: -eq.soft_target_gradient(z, V, T=T)),
    "one element wrong": soft_target(
        lambda z: eq.soft_target_gradient(z, V, T=T) * np.where(np.arange(5) == 3, 1.001, 1.0)
    ),
    "ReLU mask >= 0 on the output": relu_on_output,
    "dropout without its scale in the backward": dropout_without_scale,
    "NaN": soft_target(lambda z: np.full(z.shape, np.nan)),
    "zero": soft_target(np.zeros_like),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("mistake", WRONG)
def test_catches(mistake, method):
    assert "derivative" in says(f"{mistake} [{method}]", WRONG[mistake], Z, method=method)


def test_false_for_an_error():
    assert gradcheck(WRONG["zero"], Z, raise_exception=False) is False


@pytest.mark.parametrize(
    ("mistake", "factor"),
    [("off by 0.1 %", "1.001"), ("forgotten 1/T", "4"), ("forgotten T²", "0.0625"),
     ("cost divided by K", "5"), ("wrong sign", "-1")],
)  # fmt: skip
def test_names_the_factor(mistake, factor):
    with pytest.raises(GradcheckError, match=f"is {factor} times the derivative everywhere"):
        gradcheck(WRONG[mistake], Z)


@pytest.mark.parametrize("method", METHODS)
def test_a_check_of_nothing_does_not_pass(method):
    with pytest.raises(GradcheckError, match="both zero"):
        gradcheck(
            lambda z: (np.zeros(3) * z.sum(), lambda d: np.zeros_like(z)), Z, method=method
        )


def times(factor, func=lambda x: x**2, derivative=lambda x: 2 * x):
    return lambda x: (func(x), lambda dout: factor * dout * derivative(x))


def batch_norm(x):
    centred = x - x.mean(0)
    s = np.sqrt(x.var(0) + 1e-5)
    h = centred / s
    return h, lambda dout: (dout - dout.mean(0) - h * (dout * h).mean(0)) / s


def bias_before_batch_norm(b):
    h, backward = batch_norm(Z + b)
    return h, lambda dout: backward(dout).sum(0)


def sorted_(x):
    order = np.argsort(x, kind="stable")

    def backward(dout):
        dx = np.empty_like(dout)
        dx[order] = dout
        return dx

    return x[order], backward


def largest(share):
    """The maximum, with the gradient that ``share(which elements are largest)`` gives."""
    return lambda x: (x.max(), lambda dout: dout * share(x == x.max()))


def single(func, derivative):
    return lambda x: (func(x), lambda dout: dout * derivative(x))


KINKS = np.array([0.0, 1.0, -2.0, 0.0, 3.0])
TIES = np.array([3.0, 1.0, 3.0, 3.0, 0.5])
RIGHT = {
    "batch norm with var": (batch_norm, Z),
    "batch norm far from 0": (batch_norm, Z + 1e6),
    "a bias before batch norm": (bias_before_batch_norm, RNG.normal(size=5)),
    "abs": (single(np.abs, np.sign), Z),
    "vdot": (single(lambda x: np.vdot(x, x), lambda x: 2 * x), Z),
    "norm": (single(np.linalg.norm, lambda x: x / np.linalg.norm(x)), Z),
    "expit": (single(special.expit, lambda x: special.expit(x) * special.expit(-x)), Z),
    "logaddexp": (single(lambda x: np.logaddexp(0, x), special.expit), Z),
    "hypot": (single(lambda x: np.hypot(x, 2.0), lambda x: x / np.hypot(x, 2.0)), Z),
    "cbrt": (single(np.cbrt, lambda x: np.cbrt(x) / (3 * x)), Z),
    "log of a small number": (single(np.log, lambda x: 1 / x), np.array([1e-8, 1.0, 5.0])),
    "log of abs": (single(lambda x: np.log(abs(x)), lambda x: 1 / x), np.array([1e-8, 1.0, 5.0])),
    "ReLU at 0, >": (single(lambda x: np.maximum(x, 0), lambda x: x > 0), KINKS),
    "ReLU at 0, >=": (single(lambda x: np.maximum(x, 0), lambda x: x >= 0), KINKS),
    "abs at 0": (single(np.abs, np.sign), KINKS),
    "maximum of equals, the first": (largest(lambda m: np.arange(5) == m.argmax()), TIES),
    "maximum of equals, shared": (largest(lambda m: m / m.sum()), TIES),
    "sort of equals": (sorted_, TIES),
    "sizes that differ": (times(1, lambda x: np.sum(np.abs(x) ** 3), lambda x: 3 * x * np.abs(x)),
                          np.array([1e-6, 1e6, 1.0, 3.0])),
    "T = 1e5, by differences": (single(lambda x: np.exp(np.abs(x) / 1e5),
                                       lambda x: np.exp(np.abs(x) / 1e5) * np.sign(x) / 1e5), Z),
    "float32 inside": (single(lambda x: x.astype(np.float32) ** 2,
                              lambda x: 2 * x.astype(np.float32)), Z),
    "float32 inside, cast back": (single(lambda x: (x.astype(np.float32) ** 2).astype(float),
                                         lambda x: 2 * x), Z),
    "an input that does nothing": (lambda a, b: (2 * a + 0 * b, lambda d: (2 * d, 0 * d)), (Z, V)),
    "two outputs": (lambda x: ((x[:1], x[1:] ** 2),
                               lambda a, b: np.concatenate([a, 2 * b * x[1:]])), Z),
    "a list of numbers": (times(1), [1, 2, 3]),
    "nested lists": (times(1), [[1, 2], [3, 4]]),
    "a number": (times(1), 3),
    "a tuple of numbers": (lambda a, b: (a * b, lambda d: (d * b, d * a)), (2.0, 3)),
    "float32": (times(1), Z.astype(np.float32)),
    "a backward that frees its cache": (lambda x: (x**2, lambda d, c=[x]: 2 * d * c.pop()), Z),
}  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", RIGHT)
def test_refuses_no_right_gradient(name, method):
    assert says(f"{name} [{method}]", *RIGHT[name], method=method).startswith("passes")


def logistic(x):
    return 1 / (1 + np.exp(-x))


def rows_of(x, rows):
    """The squares of some rows; rows are integers, and so may the data be."""

    def backward(dout):
        dx = np.zeros(x.shape)
        np.add.at(dx, rows, 2 * x[rows] * dout)
        return dx, None

    return x[rows] ** 2, backward


def of_low_precision(dtype, plus=0.0):
    return single(lambda x: np.sin(x.astype(dtype)) + dtype(plus), np.cos)


def largest_of_rows(share):
    return lambda x: (
        x.max(1), lambda dout: dout[:, None] * share * (x == x.max(1, keepdims=True))
    )  # fmt: skip


F16, F32 = np.float16, np.float32
MORE_RIGHT = {  # found by somebody who had not seen the checker's own tests
    "float32 beside a constant": (of_low_precision(F32, 100), np.array([0.3, 1.0, 2.0])),
    "float16": (of_low_precision(F16), B0 := np.array([0.13, -0.13, 0.64, 0.1, -0.54])),
    "a float32 number": (lambda x: (F32(F32(x) ** 2 + F32(10)), lambda d: d * 2 * x), 0.7),
    "integers and no complex numbers": (
        single(np.cbrt, lambda x: 1 / (3 * np.cbrt(x) ** 2)), [1, 2, 3]),
    "integers as data and as an index": (
        rows_of, (np.arange(1, 7).reshape(3, 2), np.array([0, 2]))),
    "tanh, saturated": (single(np.tanh, lambda x: 1 - np.tanh(x) ** 2), np.array([18.0])),
    "a logistic function, saturated": (
        single(logistic, lambda x: logistic(x) * (1 - logistic(x))), np.array([30.0])),
    "a softplus, saturated": (
        single(lambda x: np.log1p(np.exp(-x)), lambda x: logistic(x) - 1), np.array([20.0, 21.0])),
    "two thousand zeros behind a ReLU": (
        single(lambda x: np.maximum(x, 0), lambda x: x > 0), np.maximum(RNG.normal(size=2100), 0)),
    "a list of gradients": (lambda x: (x**2, lambda d: (2 * x * d).tolist()), Z),
    "a list of one gradient": (lambda x: (x**2, lambda d: [2 * x * d]), 1.5),
    "a list of outputs": (
        lambda x: ([x[0] ** 2, x[1] * x[0]],
                   lambda d: np.array([2 * x[0] * d[0] + x[1] * d[1], x[0] * d[1]])), [1.0, 2.0]),
    "a list of value and backward": (lambda x: [x**2, lambda d: 2 * x * d], Z),
    "near the border of the domain": (
        single(np.arccos, lambda x: -1 / np.sqrt((1 - x) * (1 + x))), np.array([0.2, -0.5, 1 - 1e-9])),
    "sizes from 1e-8 to 100": (
        single(lambda x: np.log(np.abs(x)), lambda x: 1 / x), (-10.0) ** np.arange(-8, 3)),
    "abs far from 0": (single(lambda x: np.abs(x - 1e7), lambda x: np.sign(x - 1e7)), 1e7 + B0),
    "numbers of 1e-120": (single(np.log, lambda x: 1 / x), np.array([1e-120, 2e-120])),
    "six equal elements": (largest_of_rows(1 / 6), np.zeros((2, 6))),
}  # fmt: skip


@pytest.mark.parametrize("name", MORE_RIGHT)
def test_refuses_nothing_that_somebody_else_found(name):
    assert says(name, *MORE_RIGHT[name]).startswith("passes")


def test_the_jacobian_of_saturated_units():
    for seed in range(5):
        z = 10 * np.random.default_rng(seed).normal(size=(2, 4))
        assert gradcheck(single(np.tanh, lambda x: 1 - np.tanh(x) ** 2), z, jacobian=True)


def leaky(at_zero):
    return single(
        lambda x: np.where(x > 0, x, 0.1 * x),
        lambda x: np.where(x > 0, 1, np.where(x == 0, at_zero, 0.1)),
    )


def one_off(dout, x):
    dx = dout * np.cos(x)
    dx[-1] *= 1 + 1e-6
    return dx


DATA = RNG.normal(0, 10, (1000, 5))
TARGETS = DATA @ np.ones(5)
MORE_WRONG = {
    "0 at the kink of a leaky ReLU": (leaky(0.0), KINKS),
    "too much at a kink": (leaky(1.2), KINKS),
    "half to each of three equals": (largest(lambda m: m * 0.5), TIES),
    "a tenth to each of three equals": (largest(lambda m: m * 0.1), TIES),
    "nothing to equals": (largest(lambda m: m * (m.sum() < 2)), TIES),
    "half to each of six": (largest_of_rows(0.5), np.zeros((2, 6))),
    "an output forgotten beside a larger one": (
        lambda x: ((np.exp(25 * x), np.abs(x)), lambda a, b: a * 25 * np.exp(25 * x)),
        np.array([0.8, 1.0, 0.9])),
    "a small penalty forgotten": (
        single(lambda w: ((DATA @ w - TARGETS) ** 2).sum() + 1e-3 * np.abs(w).sum(),
               lambda w: 2 * DATA.T @ (DATA @ w - TARGETS)), B0),
    "5e-7 beside a large constant": (
        single(lambda x: 1e5 + np.sin(x), lambda x: np.cos(x) * (1 + 5e-7)), B0),
    "1e-4 of small inputs beside a larger constant": (
        single(lambda x: 1e6 + np.sin(x), lambda x: np.cos(x) * (1 + 1e-4)), 1e-6 * B0),
    "1e-5 near a minimum far from 0": (
        single(lambda x: (x - 1e6) ** 2, lambda x: 2 * (x - 1e6) * (1 + 1e-5)), 1e6 + B0),
    "one of two thousand elements, by 1e-6": (
        lambda x: (np.sin(x), lambda d: one_off(d, x)), RNG.normal(size=2001)),
}  # fmt: skip


@pytest.mark.parametrize("name", MORE_WRONG)
def test_passes_nothing_wrong_that_somebody_else_found(name):
    assert not says(name, *MORE_WRONG[name]).startswith("passes")


def embedding(mistake):
    rows = np.array([3, 17, 3, 99, 4000])

    def func(table):
        def backward(dout):
            dtable = np.zeros_like(table)
            np.add.at(dtable, rows, dout)
            return mistake(dtable, dout) or dtable

        return table[rows], backward

    return func


def test_of_very_many_elements_nothing_is_said_that_was_not_looked_at():
    table = RNG.normal(size=(10_000, 50))

    def padding(dtable, dout):
        dtable[7] += dout[0]

    def lost(dtable, dout):
        dtable[17] = 0

    def overwritten(dtable, dout):
        dtable[3] = dout[2]

    assert gradcheck(embedding(lambda *_: None), table)
    for mistake in (padding, lost, overwritten):
        words = says(f"very many, {mistake.__name__}", embedding(mistake), table)
        assert "that were looked at" in words
        assert not re.search("everywhere|every derivative", words)


def test_a_clue_that_cannot_look_is_no_crash():
    """The function has no value where the clue would move the input."""
    with pytest.raises(GradcheckError, match="gradient"):
        gradcheck(math.acos, 0.9, gradient=lambda x: 1 / math.sqrt(1 - x * x) + 0.3)

    def of_positive(p):
        if (p < 0).any():
            raise ValueError("negative p")
        return (np.log(p), p**2), lambda a, b: a / p + p * b

    with pytest.raises(GradcheckError, match="wrong in 2 of 3"):
        gradcheck(of_positive, [1e-6, 0.3, 0.7])


def test_sizes_that_differ_get_no_clue_that_is_untrue():
    flip = np.array([1.0, -1.0])
    with pytest.raises(GradcheckError, match="1 of 2 elements"):
        gradcheck(single(np.exp, lambda x: np.exp(x) * flip[::-1]), [7.0, -18.0])
    wrong = single(lambda x: x**4, lambda x: 4 * x**3 * np.array([1, 3, 1, 1]))
    with pytest.raises(GradcheckError, match="1 of 4 elements"):
        gradcheck(wrong, [100.0, 0.1, 0.01, 80.0])


def test_a_none_for_an_input_that_matters_is_noted(caplog):
    assert gradcheck(lambda x, W: (x @ W, lambda d: (d @ W.T, None)), (Z, V.T))
    assert "input 1 (W) has no gradient (None), and the output depends on it" in caplog.text


def softmax_without_sum(x):
    q = special.softmax(x, axis=-1)
    return q, lambda dout: q * dout


def gather(x):
    rows = [0, 2, 2, 1]

    def backward(dout):
        dx = np.zeros_like(x)
        dx[rows] = dout
        return dx

    return x[rows], backward


def plus_bias(of_bias):
    return lambda x, b: (x + b, lambda dout: (dout, of_bias(dout)))


def noisy(x):
    mask = np.random.default_rng().random(x.shape) < 0.5
    return x * mask, lambda dout: dout * mask


def in_place(x):
    x -= x.max()
    return np.exp(x), lambda dout: dout * np.exp(x)


BUFFER, SUM, KEPT = np.zeros((4, 5)), np.zeros((4, 5)), {}
B = RNG.normal(size=5)
NAMED = {  # a mistake, its inputs, and what must be said of it
    "dout dropped": (lambda x: (np.sum(x**2), lambda dout: 2 * x), Z, "ignores dout"),
    "hidden abs": (single(lambda w: np.sum(w**2) + 0.1 * np.sum(np.abs(w)), lambda w: 2 * w), Z,
                   "a term is missing or wrong: .* times the sign of the input"),
    "the sign": (times(-1), Z, "the sign is wrong"),
    "forgotten 2": (times(0.5), Z, "0.5 times the derivative everywhere: a factor of 2 is missing"),
    "1/B too much": (plus_bias(lambda d: d.mean(0)), (Z, B),
                     r"input 1 \(b\).*a factor of 4 \(also the length of axis 0 of the output\) is missing"),
    "sum over the batch": (plus_bias(lambda d: d), (Z, B), "sum over axis 0 is right"),
    "a sum too much": (lambda x: (x**2, lambda d: (2 * d * x).sum(0)), Z, "one sum too many"),
    "transposed": (lambda A: (A @ A.T, lambda d: ((d + d.T) @ A).T), Z[:, :4], "transposed"),
    "reshaped, not transposed": (lambda A: (A.T * 1.0, lambda d: d.reshape(4, 5)), Z, "transposed"),
    "flipped": (lambda x: (x[::-1] ** 2, lambda d: 2 * d * x[::-1]), B, "flipped along axis 0"),
    "sort backwards": (lambda x: (np.sort(x), lambda d: d[np.argsort(x)]), B, "wrong places"),
    "softmax without its sum": (softmax_without_sum, Z, "all along axis 1"),
    "an index used twice": (gather, RNG.normal(size=(3, 2)), "of 2 outputs .* counts 1"),
    "exchanged": (lambda a, b: (a * b**2, lambda d: (2 * d * a * b, d * b**2)), (Z, V), "exchanged"),
    "a factor forgotten": (single(special.expit, special.expit), Z, r"multiplied by \(1 - the output\)"),
    "leaky slope": (single(lambda x: np.where(x > 0, x, 0.1 * x), lambda x: np.where(x > 0, 1, 0.01)),
                    Z, "exactly those whose input is negative"),
    "weight decay added": (lambda x: (x**2, lambda d: 2 * d * x + 0.1 * x), Z, "not multiplied by dout"),
    "abs of dout": (lambda x: (x**2, lambda d: 2 * np.abs(d) * x), Z, "not linear in dout"),
    "random": (noisy, Z, "not deterministic"),
    "in place": (in_place, Z, "written to by the forward"),
    "an output buffer": (lambda x: (np.multiply(x, 2, out=BUFFER), lambda d: 2 * d), Z, "buffer"),
    "a gradient buffer": (lambda x: (x * 2, lambda d: np.multiply(d, 2, out=BUFFER)), Z, "buffer"),
    "a sum that is kept": (lambda x: (x * 2, lambda d: np.add(SUM, 2 * d, out=SUM).copy()), Z,
                           "adds to that of the first"),
    "both of two equals": (largest(lambda m: m), np.array([3.0, 1.0, 3.0]), "lies at a kink together with"),
    "twice at a kink": (single(lambda x: np.maximum(x, 0), lambda x: (x > 0) + 2.0 * (x == 0)), KINKS,
                        "at a kink where the derivative is .* on one side and .* whose input is zero"),
    "both of two equals, in two inputs": (
        lambda a, b: (np.maximum(a, b), lambda d: (d * ((a > b) + 0.5 * (a == b)), d * (b >= a))),
        (Z, np.where(np.arange(5) == 1, Z, V)), "lies at a kink together with"),
    "mask forgotten": (single(lambda x: x * (np.arange(5) > 1), np.ones_like), Z, "the mask.* is forgotten"),
    "mask upside down": (single(lambda x: np.maximum(x, 0), lambda x: x < 0), Z, "upside down"),
    "dout of one output": (lambda x: ((x**2, x**3), lambda a, b: 2 * x * a), Z,
                           "dout of output 1 is ignored"),
    "not reversed": (lambda x: (np.cumsum(x, 1), lambda d: np.cumsum(d, 1)), Z, "flipped along axis 1"),
    "one number, a constant": (lambda x: (x**2 + x, lambda d: 2 * d * x), 1.5, "a constant"),
    "one number, a square": (lambda x: (x**2 + x, lambda d: d), 1.5, "proportional to the input"),
    "one number, twice": (lambda x: (x**3, lambda d: 6 * d * x**2), 1.5, "is 2 times the derivative"),
    "an old cache": (lambda x: (x**2, lambda d, k=KEPT: 2 * d * k.setdefault("x", x)), Z,
                     "earlier call kept"),
    "dout written to": (lambda x: (x * 2, lambda d: np.multiply(d, 2, out=d)), Z, "dout was written to"),
    "no dependence": (lambda a, b: (2 * a, lambda d: (2 * d, d)), (Z, V), "does not depend"),
    "float32 in the backward": (single(np.tanh, lambda x: 1 - np.tanh(x.astype(np.float32)) ** 2), Z,
                                "lower precision"),
}  # fmt: skip


@pytest.mark.parametrize("method", ["complex", "central"])
@pytest.mark.parametrize("name", NAMED)
def test_names_the_mistake(name, method):
    func, x, words = NAMED[name]
    assert re.search(words, says(f"{name} [{method}]", func, x, method=method))


@pytest.mark.parametrize("name", NAMED)
def test_a_few_directions_find_it_too(name):
    func, x, _ = NAMED[name]
    assert not says(f"{name} [direction]", func, x, method="direction").startswith("passes")


def only_at(x0):
    """A function that has a value at one point alone."""
    return lambda x: (np.where(x == x0, x, np.nan), lambda d: d)


def roots(x):
    return np.array([math.sqrt(v) for v in x]), lambda d: d / (2 * np.sqrt(x))


def plus_nothing(a, b):
    return a + 1e-30 * b, lambda d: (d, d)


def two_of_sizes(off):
    return lambda x: ((1e6 * x, np.sin(x)), lambda a, b: 1e6 * a + off * b * np.cos(x))


def off_by(part):
    """The sine, with a gradient of which one element is wrong by a part."""
    return single(np.sin, lambda x: np.cos(x) * np.where(np.arange(x.size) == 2, 1 + part, 1.0))


def pairs(x):
    """Each element reaches two outputs of its own row."""
    return np.stack([x**2, np.sin(x)], -1), lambda d: d[..., 0] * 2 * x + d[..., 1] * np.cos(x)


def embed(count):
    rows = np.array([0, 2, 2, 1, 2])

    def func(table):
        def backward(d):
            dtable = np.zeros_like(table)
            for k, row in enumerate(rows):
                dtable[row] += count(k) * d[k]
            return dtable

        return table[rows] ** 1, backward

    return func


@dataclass
class Fresh:
    """Makes a function that remembers its calls: one for each check."""

    make: Any


class Counting:
    """A layer whose second call of backward gives something else."""

    def __init__(self, change):
        self.change, self.calls = change, 0

    def __call__(self, x):
        def backward(d):
            self.calls += 1
            return 2 * x * d * self.change(self.calls)

        return x**2, backward


def not_both_above_3(x):
    """The maximum, of elements of which only one may grow."""
    if (x > 3).sum() > 1:
        raise ValueError("both are above 3")
    return x.max(), lambda d: d * (np.arange(x.size) == x.argmax())


X6 = np.array([0.7, -1.2, 0.4, 2.1, -0.3, 1.6])
OTHERS = {  # what else may come, with the options of the check
    **{f"{name}, rng {rng}": (*RIGHT[name], {"rng": rng})
       for name in ("sort of equals", "ReLU at 0, >", "maximum of equals, the first")
       for rng in range(1, 6)},
    **{f"six equal elements, rng {rng}": (*MORE_RIGHT["six equal elements"], {"rng": rng})
       for rng in range(1, 4)},
    **{f"one element off by {part:g}": (off_by(part), X6, {}) for part in (1e-12, 1e-7, 1e-4, 0.02)},
    **{f"one element off by {part:g}, central": (off_by(part), X6, {"method": "central"})
       for part in (1e-12, 1e-7, 1e-4, 0.02)},
    "a value at one point alone": (only_at(0.5), np.array([0.5, 0.5]), {}),
    "a root near 0": (roots, np.array([1e-9, 1.0, 4.0]), {}),
    "a root at 0": (roots, np.array([0.0, 1.0]), {}),
    "less than rounding": (plus_nothing, (X6, X6), {}),
    "less than rounding, by differences": (plus_nothing, (X6, X6), {"method": "central"}),
    "beside 1e16": (single(lambda x: 1e16 + x, np.ones_like), X6, {"method": "central"}),
    "a constant": (single(lambda x: np.full(6, 2.0), lambda x: x), X6, {"method": "central"}),
    "two sizes, right": (two_of_sizes(1.0), X6, {}),
    "two sizes, wrong": (two_of_sizes(1.01), X6, {}),
    "two sizes, by differences": (two_of_sizes(1.01), X6, {"method": "central"}),
    "atol lets it pass": (times(1.001), X6, {"atol": 0.1}),
    "atol is too small": (times(1.001), X6, {"atol": 1e-6}),
    "rtol lets it pass": (times(1.001), X6, {"rtol": 2e-3}),
    "rtol is too small": (times(1.001), X6, {"rtol": 5e-4}),
    "eps": (single(np.abs, np.sign), X6, {"eps": 1e-4, "method": "central"}),
    "eps, too large": (single(np.abs, np.sign), X6, {"eps": 0.5, "method": "central"}),
    "eps, wrong": (times(1.01), X6, {"eps": 1e-5, "method": "central"}),
    "the Jacobian, right": (pairs, X6, {"jacobian": True}),
    "the Jacobian, of equal outputs": (
        lambda x: (np.stack([x, x]), lambda d: 2 * d[0]), X6, {"jacobian": True}),
    "the Jacobian, of one row": (
        lambda x: (x**3, _wrong_for_units(x)), X6, {"jacobian": True}),
    "an index used thrice, counted once": (embed(lambda k: k != 2 and k != 4), X6.reshape(3, 2), {}),
    "an index used thrice, one counted twice": (embed(lambda k: 1 + (k == 4)), X6.reshape(3, 2), {}),
    "more at each call": (Fresh(lambda: Counting(lambda calls: calls)), X6, {}),
    "a first call that is right": (Fresh(lambda: Counting(lambda calls: 1 + (calls > 1))), X6, {}),
    "another at each call": (Fresh(lambda: Counting(lambda calls: 1 + 1 / calls)), X6, {}),
    "None for an input that matters": (lambda x, W: (x @ W, lambda d: (d @ W.T, None)), (Z, V.T), {}),
    "None for one that does not": (lambda x, W: (x * 2, lambda d: (d * 2, None)), (Z, V), {}),
    "None for all": (lambda x: (x * 2, lambda d: None), Z, {}),
    "too few gradients": (lambda a, b: (a * b, lambda d: (d,)), (X6, X6), {}),
    "a gradient of text": (lambda x: (x * 2, lambda d: np.array(["a"] * 6)), X6, {}),
    "a gradient that is not finite": (lambda x: (x * 2, lambda d: d / 0), X6, {}),
    "an output that is not finite": (lambda x: (x / 0, lambda d: d), X6, {}),
    "an output of truth values": (lambda x: (x > 0, lambda d: d * 0), X6, {}),
    "an empty output": (lambda x: (x[:0], lambda d: d), X6, {}),
    "three inputs, two exchanged": (
        lambda a, b, c: (a * b * c, lambda d: (d * a * c, d * b * c, d * a * b)), (X6, X6 + 2, X6 - 3), {}),
    "three inputs, one wrong": (
        lambda a, b, c: (a * b * c, lambda d: (d * b * c, d * a * c, 3 * d * a * b)),
        (X6, X6 + 2, X6 - 3), {}),
    "a shape that broadcasts": (lambda a, b: (a + b, lambda d: (d, d)), (Z, Z[:1]), {}),
    "a mean for a sum": (lambda a, b: (a + b, lambda d: (d, d.mean(0, keepdims=True))), (Z, Z[:1]), {}),
    "shifted by two": (lambda x: (np.roll(x, 2) ** 2, lambda d: 2 * d * np.roll(x, 2)), X6, {}),
    "shifted, the ends lost": (
        lambda x: (x**2, lambda d: np.append((2 * d * x)[1:], 0.0)), X6, {}),
    "permuted axes": (
        lambda x: (np.sin(x), lambda d: (d * np.cos(x)).transpose(1, 0, 2)), RNG.normal(size=(3, 3, 2)), {}),
    "one number, right": (lambda x: (x**3, lambda d: 3 * d * x**2), 1.5, {}),
    "one number, another power": (lambda x: (x**3, lambda d: 3 * d * x), 1.5, {}),
    "one number, the sign": (lambda x: (x**3, lambda d: -3 * d * x**2), 1.5, {}),
    "a seventh": (times(1 / 7), X6, {}),
    "minus the root of two": (times(-np.sqrt(2)), X6, {}),
    "six, the length": (times(6), X6, {}),
    "a constant added": (single(lambda x: x**2 + 3 * x, lambda x: 2 * x), X6, {}),
    "dout added": (lambda x: (x**2, lambda d: 2 * x * d + 0.5 * d), X6, {}),
    "the input twice": (single(lambda x: x**2, lambda x: 2 * x + 0.3 * x), X6, {}),
    "the mean not subtracted": (
        lambda x: (x - x.mean(1, keepdims=True), lambda d: d), Z, {}),
    "the mean subtracted along the other axis": (
        lambda x: (x - x.mean(1, keepdims=True), lambda d: d - d.mean(0)), Z, {}),
    "positive elements doubled": (
        single(np.sin, lambda x: np.cos(x) * np.where(x > 0, 2, 1)), RNG.normal(size=9), {}),
    "one column halved": (
        single(np.sin, lambda x: np.cos(x) * np.where(np.arange(5) == 3, 0.5, 1)), Z, {}),
    "one row forgotten": (
        single(np.sin, lambda x: np.cos(x) * (np.arange(4) != 1)[:, None]), Z, {}),
    "a mask too strict": (single(lambda x: np.maximum(x, 0), lambda x: x > 0.5), Z, {}),
    "a mask that lets too much through": (single(lambda x: np.maximum(x, 0), lambda x: x > -0.5), Z, {}),
    "of two equals only one may grow": (not_both_above_3, np.array([3.0, 1.0, 3.0]), {}),
    "very many, of which each is doubled": (
        single(np.abs, lambda x: 2 * np.sign(x)), np.random.default_rng(8).normal(size=20_100), {}),
    "a function and its gradient": (lambda x: np.sum(x**3), Z, {"gradient": lambda x: 3 * x**2}),
    "a function and a list": (lambda x: float(np.sum(np.square(x))), [1.0, 2.0],
                              {"gradient": lambda x: [2 * x[0], 2.1 * x[1]]}),
    "a function of two, and a tuple": (
        lambda a, b: a @ b, (X6, X6 + 1), {"gradient": lambda a, b: (b, None)}),
}  # fmt: skip


PASS = {
    "sort of equals", "ReLU at 0, >", "maximum of equals, the first", "six equal elements",
    "one element off by 1e-12", "one element off by 1e-12, central", "a root near 0", "beside 1e16",
    "two sizes, right", "atol lets it pass", "rtol lets it pass", "eps", "eps, too large",
    "the Jacobian, right", "None for an input that matters", "None for one that does not",
    "one number, right", "of two equals only one may grow", "a function and its gradient",
    "a function of two, and a tuple",
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_said_of_others(name):
    func, x, options = OTHERS[name]
    words = says(name, func.make() if isinstance(func, Fresh) else func, x, **options)
    assert words.startswith("passes") == (name.partition(", rng")[0] in PASS)


def wrong_by(change):
    """A smooth function of all elements, and a gradient that is changed after it was right."""

    def func(x):
        total = 0.1 * np.cos(x).sum()
        out = np.sin(x) + x * total

        def backward(dout):
            of_total = np.sum(dout * x)
            return change(dout * (np.cos(x) + total) - 0.1 * of_total * np.sin(x), x, dout)

        return out, backward

    return func


def axes_of(shape):
    return [
        a
        for n in range(1, len(shape) + 1)
        for a in itertools.combinations(range(len(shape)), n)
    ]


def changes(shape):
    """Ways to change a gradient of this shape, by name."""
    size, axes = math.prod(shape), range(len(shape))
    index = np.arange(size).reshape(shape)
    yield from {
        "nothing": lambda g, x, d: g,
        "halved": lambda g, x, d: g / 2,
        "times the size": lambda g, x, d: g * size,
        "by the size": lambda g, x, d: -g / size,
        "times the input": lambda g, x, d: g * x,
        "by the input": lambda g, x, d: g / x,
        "times one minus the output": lambda g, x, d: g * (1 - np.sin(x)),
        "a constant more": lambda g, x, d: g + 0.7 * d.sum(),
        "the input more": lambda g, x, d: g + 0.3 * x * d.sum(),
        "the sign of the input more": lambda g, x, d: g - 0.3 * np.sign(x) * d.sum(),
        "dout itself": lambda g, x, d: d,
        "dout less": lambda g, x, d: g - 2 * d,
        "in another order": lambda g, x, d: np.sort(g, axis=None).reshape(shape),
        "negative ones doubled": lambda g, x, d: np.where(x < 0, 2 * g, g),
        "positive ones forgotten": lambda g, x, d: np.where(x > 0, 0, g),
        "of three digits": lambda g, x, d: np.round(g, 3),
        "rounded to float32": lambda g, x, d: g.astype(np.float32).astype(float),
        "as float32, wrong by 1e-4": lambda g, x, d: (g * (1 + 1e-4 * (index % 2))).astype(
            np.float32
        ),
        "the last one": lambda g, x, d: np.where(index == size - 1, -g, g),
        "every second one": lambda g, x, d: np.where(index % 2, 0.5 * g, g),
        "all but one": lambda g, x, d: np.where(index, g + 0.1 * d.sum() * (1 + index), g),
        "reversed in memory": lambda g, x, d: g.reshape(shape[::-1]).T,
        "one axis more": lambda g, x, d: g[None],
        "flat": lambda g, x, d: g.ravel(),
        "summed": lambda g, x, d: g.sum(-1),
        "averaged": lambda g, x, d: g.mean(0, keepdims=True),
    }.items()
    for some in axes_of(shape):
        yield f"the mean over {some} less", lambda g, x, d, a=some: g - g.mean(a, keepdims=True)
        yield (
            f"the input, by its mean over {some}, more",
            lambda g, x, d, a=some: g + x * d.mean(a, keepdims=True),
        )
        yield f"flipped along {some}", lambda g, x, d, a=some: np.flip(g, a)
        yield f"summed over {some}", lambda g, x, d, a=some: g.sum(a)
    for a in axes:
        yield f"shifted along {a}", lambda g, x, d, a=a: np.roll(g, max(1, shape[a] - 2), a)
        yield (
            f"the first half along {a} forgotten",
            lambda g, x, d, a=a: g * (np.indices(shape)[a] >= (shape[a] + 1) // 2),
        )
        yield (
            f"the first along {a} counted a third",
            lambda g, x, d, a=a: g / np.where(np.indices(shape)[a] == 0, 3, 1),
        )
    for order in itertools.permutations(axes):
        if order != tuple(axes) and tuple(shape[a] for a in order) == shape:
            yield f"permuted to {order}", lambda g, x, d, o=order: g.transpose(o)


SHAPES = [(7,), (60,), (3, 4), (16, 2), (2, 3, 4), (3, 3, 3)]


@pytest.mark.parametrize(
    ("shape", "name", "change"),
    [pytest.param(shape, name, change, id=f"{shape}: {name}")
     for shape in SHAPES for name, change in changes(shape)],
)  # fmt: skip
def test_what_is_said_of_a_changed_gradient(shape, name, change):
    x = np.random.default_rng(6).normal(0, 1.2, shape)
    words = says(f"{shape}: {name}", wrong_by(change), x)
    same = name == "nothing" or (len(shape) == 1 and name in ("reversed in memory", "flat"))
    assert words.startswith("passes") == same


def test_one_small_element_beside_large_ones():
    """Only a complex step can see it: the rounding error of the sum is larger."""
    wrong = single(lambda x: np.sum(x**2), lambda x: np.where(x < 1e-3, 2.02 * x, 2 * x))
    with pytest.raises(GradcheckError, match="1 of 4 elements"):
        gradcheck(wrong, np.array([1e-6, 1e6, 1.0, 3.0]))


def test_the_other_inputs_are_said_to_be_right():
    with pytest.raises(GradcheckError, match=r"right: the gradient on input 0 \(x\)"):
        gradcheck(NAMED["1/B too much"][0], (Z, B))


def test_an_element_is_named_by_its_index():
    wrong = times(np.where(np.arange(20).reshape(4, 5) == 13, 1.1, 1.0))
    with pytest.raises(GradcheckError, match=r"element \(2, 3\).*1 of 20 elements"):
        gradcheck(wrong, Z)


def test_the_record_of_words_has_no_other_case():
    cases = {f"{name} [{method}]" for name in (*WRONG, *RIGHT, *NAMED) for method in METHODS}
    cases |= {*MORE_RIGHT, *MORE_WRONG, *OTHERS}
    cases |= {f"{shape}: {name}" for shape in SHAPES for name, _ in changes(shape)}
    cases |= {f"very many, {name}" for name in ("padding", "lost", "overwritten")}
    assert set(json.loads(WORDS.read_text(encoding="utf-8"))) == cases


def test_several_outputs_of_which_one_is_empty(caplog):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gradcheck(lambda x: ((x[:0], x**2), lambda a, b: 2 * x * b), X6)
    assert not caplog.text


def test_two_callables_as_scipy_has_them():
    assert gradcheck(lambda x: np.sum(x**3), Z, gradient=lambda x: 3 * x**2)
    assert gradcheck(lambda a, b: a @ b, (B, B + 1), gradient=lambda a, b: (b, a))
    with pytest.raises(GradcheckError, match="multiplied by input 0"):
        gradcheck(lambda x: np.sum(x**3), Z, gradient=lambda x: 3 * x)
    with pytest.raises(ValueError, match=r"shape \(4, 5\)"):
        gradcheck(lambda x: x**3, Z, gradient=lambda x: 3 * x**2)


@pytest.mark.parametrize(
    ("func", "came"),
    [(lambda x: np.sum(x), "float64"), (lambda x: (np.sum(x), x), r"\(float64, ndarray\)"),
     (lambda x: None, "NoneType")],
)  # fmt: skip
def test_another_form_of_function_is_shown_the_two_forms(func, came):
    with pytest.raises(ValueError, match=rf"{came}.*\(out, backward\).*gradient=g"):
        gradcheck(func, Z)


def test_a_layer_that_keeps_its_cache_passes_with_a_note(caplog):
    """It is right, if it is used once; so is a layer of most libraries."""

    class Square:
        def forward(self, x):
            self.x = x
            return x**2

        def backward(self, dout):
            return 2 * dout * self.x

    layer = Square()
    assert gradcheck(lambda x: (layer.forward(x), layer.backward), Z)
    assert "what the last forward left" in caplog.text


def test_integers_that_are_indices_stay_integers():
    def rows(table, ids):
        def backward(dout):
            dtable = np.zeros_like(table)
            np.add.at(dtable, ids, dout)
            return dtable, None

        return table[ids], backward

    assert gradcheck(rows, (Z, np.array([0, 2, 2])))
    assert gradcheck(rows, (Z, [1, 3]))


def test_a_wrong_number_of_inputs_says_what_is_one_and_what_are_several():
    with pytest.raises(ValueError, match=r"does not take 1 input .* a list of numbers is one"):
        gradcheck(lambda x, y: x * y, [1.5, 2.5], gradient=lambda x, y: (y, x))
    with pytest.raises(
        ValueError, match=r"does not take 2 inputs .* list of arrays, is several"
    ):
        gradcheck(lambda a: (a**2, lambda d: 2 * a * d), [np.ones(2), np.ones(2)])


def test_an_error_of_the_function_itself_is_left_as_it_is():
    """It takes as many inputs, so its own TypeError is not about their number."""

    def own(x):
        raise TypeError("own words")

    with pytest.raises(TypeError, match=r"^own words$"):
        gradcheck(own, Z)
    with pytest.raises(TypeError, match="own words"):
        gradcheck(lambda x: (x, own), Z)


def test_notes_say_what_was_done(caplog):
    gradcheck(*RIGHT["batch norm with var"])
    assert "not analytic" in caplog.text
    gradcheck(*RIGHT["expit"])
    assert "does not take complex numbers" in caplog.text
    gradcheck(*RIGHT["ReLU at 0, >"])
    assert "a kink at (" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.INFO):
        gradcheck(*RIGHT["float32"])
    assert "checked as float64" in caplog.text
    caplog.clear()
    gradcheck(times(1), Z)
    assert not caplog.text


def test_several_inputs_and_one_without_gradient():
    def product(a, b, c):
        return a * b * c, lambda d: (d * b * c, None, d * a * b)

    assert gradcheck(product, (Z, V, Z + V))
    with pytest.raises(GradcheckError, match="2 gradients for 3 inputs"):
        gradcheck(lambda a, b, c: (a * b * c, lambda d: (d, d)), (Z, V, Z))
    with pytest.raises(GradcheckError, match="shape"):
        gradcheck(lambda a: (a.sum(-1), lambda d: d), Z)


@pytest.mark.parametrize("method", METHODS)
def test_writing_to_an_input_is_caught(method):
    def by_the_backward(x):
        out = x**2

        def backward(dout):
            gradient = 2 * x * dout
            x.real[...] *= 1 + 1e-15
            return gradient

        return out, backward

    given = Z.copy()
    with pytest.raises(GradcheckError, match="written to by the backward"):
        gradcheck(by_the_backward, given, method=method)
    # The caller's own array is never passed on.
    np.testing.assert_array_equal(given, Z)


@pytest.mark.parametrize("method", METHODS)
def test_any_memory_layout(method):
    for x in (np.asfortranarray(Z), Z.T, Z[::2, ::-1]):
        assert gradcheck(times(1), x, method=method)


@pytest.mark.parametrize("method", METHODS)
def test_a_check_that_could_not_tell_is_an_error(method):
    with pytest.raises(GradcheckError, match="nothing to check"):
        gradcheck(lambda x: (x**2, lambda dout: None), Z, method=method)

    # At T = 1e5 Eq. 2 is 1e-11, which a central difference sees only with large steps.
    def func(factor):
        return lambda z: (
            eq.soft_target_cost(z, V, T=1e5),
            lambda dc: factor * dc[..., None] * eq.soft_target_gradient(z, V, T=1e5),
        )

    assert gradcheck(func(1.0), Z, method=method)
    with pytest.raises(GradcheckError, match=r"1\.01 times"):
        gradcheck(func(1.01), Z, method=method)
    with pytest.raises(GradcheckError, match="could not tell"):
        gradcheck(func(1.5), Z, method=method, atol=1e-6)


def test_a_mistake_too_small_to_see_is_not_passed():
    for size in (1e-3, 1e-4, 1e-5, 1e-6, 1e-12, 1e12):
        for method in METHODS:
            right = single(lambda x, s=size: s * np.sin(x), lambda x, s=size: s * np.cos(x))
            wrong = single(
                lambda x, s=size: s * np.sin(x), lambda x, s=size: 1.001 * s * np.cos(x)
            )
            assert gradcheck(right, Z, method=method)
            with pytest.raises(GradcheckError):
                gradcheck(wrong, Z, method=method)


def test_tolerances_are_used():
    wrong = WRONG["off by 0.1 %"]
    assert gradcheck(wrong, Z, rtol=2e-3)
    assert gradcheck(wrong, Z, atol=1e-3)


def test_the_streams_are_its_own():
    """``default_rng(0)``, which users seed, must not give the gradient on the output."""
    seen = []

    def func(x):
        return x**2, lambda dout: seen.append(dout) or 2 * dout * x

    gradcheck(func, np.random.default_rng(0).standard_normal(6))
    for seed in range(5):
        assert not np.isclose(seen[0], np.random.default_rng(seed).standard_normal(6)).any()


def test_the_whole_jacobian_on_request():
    calls = []

    def func(x):
        return np.tanh(x), lambda dout: calls.append(1) or dout * (1 - np.tanh(x) ** 2)

    assert gradcheck(func, Z)
    few = len(calls)
    assert gradcheck(func, Z, jacobian=True)
    assert len(calls) >= 2 * few + Z.size
    with pytest.raises(GradcheckError, match="output"):
        gradcheck(lambda x: (x**3, _wrong_for_units(x)), Z, jacobian=True)


def _wrong_for_units(x):
    """Right for a random gradient on the output, and wrong for one that is 0 nearly everywhere."""
    return lambda dout: 3 * dout * x**2 * (1 if np.count_nonzero(dout) != 1 else 2)


def test_a_large_layer_takes_few_calls():
    x, W = RNG.normal(size=(32, 784)), RNG.normal(size=(784, 100))
    calls = []

    def layer(W):
        calls.append(W.shape)
        return x @ W, lambda dout: x.T @ dout

    assert gradcheck(layer, W)
    of_large = len(calls)
    assert gradcheck(
        lambda W: (calls.append(W.shape) or x[:4] @ W, lambda d: x[:4].T @ d), W[:, :5]
    )
    assert of_large == len(calls) - of_large < 50

    def one_off(dout):
        dW = x.T @ dout
        dW[500, 7] *= 1.001
        return dW

    with pytest.raises(GradcheckError, match=r"element \(500, 7\)"):
        gradcheck(lambda W: (x @ W, one_off), W)
    with pytest.raises(GradcheckError, match=r"2 times the derivative in all .* looked at"):
        gradcheck(lambda W: (x @ W, lambda dout: 2 * x.T @ dout), W)


def test_the_page_shows_what_the_checker_says():
    page = (Path(__file__).parents[1] / "docs" / "gradcheck.md").read_text(encoding="utf-8")
    example, said = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", page, re.DOTALL).groups()
    with pytest.raises(GradcheckError) as caught:
        exec(example, {})
    assert "GradcheckError: " + str(caught.value) == " ".join(said.split())


def test_one_file_that_anybody_can_copy(tmp_path):
    source = Path(sys.modules["minikd.gradcheck"].__file__)
    (tmp_path / "gradcheck.py").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    program = "from gradcheck import gradcheck; assert gradcheck(lambda x: (x**2, lambda d: 2*x*d), [1., 2.])"
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)


def test_bad_arguments():
    right = times(1)
    for x, came in ((Z[:0], "empty"), ("abc", "<U3|str"), (Z + 1j, "complex128"), ([1, np.nan], "finite"),
                    (np.ma.masked_array(Z), "masked"), (np.array([None]), "object")):  # fmt: skip
        with pytest.raises(ValueError, match=f"inputs is .*({came})"):
            gradcheck(right, x)
    with pytest.raises(GradcheckError, match="nothing to check"):
        gradcheck(lambda: (np.ones(1), lambda dout: ()), ())
    for name, value in (("method", "forward"), ("eps", 0), ("eps", -1), ("rtol", "a"), ("atol", np.inf),
                        ("rng", -1), ("rng", 0.5)):  # fmt: skip
        with pytest.raises(ValueError, match=f"{name} is"):
            gradcheck(right, Z, **{name: value})
    with pytest.raises(ValueError, match="func is 3"):
        gradcheck(3, Z)
    with pytest.raises(GradcheckError, match="not finite"):
        gradcheck(lambda x: (x * np.inf, lambda d: d), Z)
