"""The engine on one page is the library: the same gradients, the same training run."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from minikd import (
    MLP,
    Recipe,
    equations,
    gradcheck,
    hard_targets,
    load_glyphs,
    plain,
    soft_targets,
    train,
)
from minikd.mlp import draw_masks, mask_generators
from minikd.optim import learning_rate_at
from minikd.sampling import Cases
from minikd.threads import blas_threads

RNG = np.random.default_rng(4)
Z, V, Y = RNG.normal(0, 3, (6, 5)), RNG.normal(0, 5, (6, 5)), RNG.integers(0, 5, 6)
DATA = load_glyphs(rng=0, train=250, test=10).train
TRANSFER = DATA.with_logits(RNG.normal(0, 4, (250, 10)))
SOURCE = Path(plain.__file__).read_text(encoding="utf-8")


@pytest.mark.parametrize("T", [0.5, 1.0, 20.0])
def test_costs_and_gradients_equal_the_equations(T):
    pairs = [
        (plain.softmax(Z, T), equations.softmax(Z, T)),
        (plain.hard_cost(Z, Y), equations.hard_target_cost(Z, Y)),
        (plain.hard_gradient(Z, Y), equations.hard_target_gradient(Z, Y)),
        (plain.soft_cost(Z, V, T), equations.distillation_cost(Z, V, T=T)),
        (plain.soft_gradient(Z, V, T), equations.distillation_gradient(Z, V, T=T)),
    ]
    for own, of_library in pairs:
        np.testing.assert_allclose(own, of_library, rtol=1e-12, atol=1e-13)


def test_each_gradient_is_the_derivative_of_its_cost():
    for cost, gradient, target in (
        (plain.hard_cost, plain.hard_gradient, Y),
        (lambda z, v: plain.soft_cost(z, v, 3.0), lambda z, v: plain.soft_gradient(z, v, 3.0), V),
    ):  # fmt: skip

        def func(z, cost=cost, gradient=gradient, target=target):
            return cost(z, target), lambda dc: dc[:, None] * gradient(z, target)

        # Central differences: softmax takes a maximum, and complex numbers have no order.
        assert gradcheck(func, Z, method="central")


@pytest.mark.parametrize("dropout", [(), (0.1, 0.2, 0.5)])
def test_backpropagation_equals_the_mlp(dropout):
    net = MLP([784, 40, 30, 10], 1, dtype=np.float64)
    masks = draw_masks(net, dropout, mask_generators(net, 0), 250) if dropout else None
    x, dz = DATA.x.astype(float), RNG.normal(size=(250, 10))
    z, inputs = plain.forward(net.parameters, x, masks)
    expected, caches = net.forward(x, masks)
    np.testing.assert_array_equal(z, expected)
    for own, g in zip(plain.backward(net.parameters, dz, inputs, masks),
                      net.backward(dz, caches), strict=True):  # fmt: skip
        np.testing.assert_allclose(own, g, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("step", ["fast", "plain"])
@pytest.mark.parametrize(
    ("objective", "gradient", "target"),
    [
        (hard_targets(), plain.hard_gradient, "y"),
        (soft_targets(5.0), lambda z, v: plain.soft_gradient(z, v, 5.0), "v"),
    ],
)
def test_a_whole_run_equals_the_library(step, objective, gradient, target):
    """Three epochs with dropout, momentum and moved images; the last batch is half full."""
    recipe = Recipe(epochs=3, learning_rate=0.02, batch=100, warm_up=2,
                    dropout=(0.1, 0.2, 0.5), jitter=2)  # fmt: skip
    net, own = (MLP([784, 40, 30, 10], 1, dtype=np.float64) for _ in range(2))
    train(net, TRANSFER, objective, recipe, rng=3, step=step)

    cases = Cases(own, TRANSFER, objective.needs, recipe, 3, None)

    def batches():
        for epoch in range(recipe.epochs):
            dropping = mask_generators(own, epoch)
            for batch in cases.epoch(epoch):
                masks = draw_masks(own, recipe.dropout, dropping, len(batch.x))
                yield batch.x, getattr(batch, target), masks

    plain.train(own.parameters, batches(), gradient, lambda t: learning_rate_at(t, 9, 0.02, 2))
    start = MLP([784, 40, 30, 10], 1, dtype=np.float64)
    for p, q, s in zip(own.parameters, net.parameters, start.parameters, strict=True):
        # Nine steps in float64; sums are taken in another order.
        np.testing.assert_allclose(p, q, rtol=1e-9, atol=1e-11)
        assert np.abs(p - s).max() > 1e-4


@pytest.mark.parametrize("far", [1e3, -1e3])
def test_probabilities_do_not_change_with_what_is_added_to_a_case(far):
    added = far * (np.arange(6) < 3)[:, None]
    np.testing.assert_allclose(plain.softmax(Z + added), plain.softmax(Z), rtol=1e-11)


def test_new_weights_have_the_standard_deviation_of_he():
    parameters = plain.new_network([784, 1200, 30, 10], np.random.default_rng(0))
    shapes = [(784, 1200), (1200,), (1200, 30), (30,), (30, 10), (10,)]
    assert [p.shape for p in parameters] == shapes
    W = parameters[0]
    assert W.std() == pytest.approx(np.sqrt(2 / 784), rel=5 / np.sqrt(2 * W.size))
    assert abs(W.mean()) < 5 * W.std() / np.sqrt(W.size)
    assert not any(b.any() for b in parameters[1::2])


@pytest.mark.parametrize("dropout", [None, ((4, 0.0), (50, 0.25))])
def test_batches_hold_every_case_once_in_an_epoch_in_another_order_each_time(dropout):
    x, target = np.arange(1000.0).reshape(250, 4), np.arange(250)
    batches = list(plain.shuffled(x, target, 2, np.random.default_rng(0), dropout))
    assert [len(b) for b, _, _ in batches] == [100, 100, 50] * 2
    orders = [np.concatenate([t for _, t, _ in batches[k : k + 3]]) for k in (0, 3)]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), target)
    assert not np.array_equal(*orders)
    for inputs, chosen, masks in batches:
        np.testing.assert_array_equal(inputs, x[chosen])
        if dropout is None:
            assert masks is None
        else:
            all_kept, some = masks
            np.testing.assert_array_equal(all_kept, np.ones(inputs.shape))
            assert some.shape == (len(inputs), 50)
            assert set(np.unique(some)) == {0, 1 / 0.75}
            # Within five standard deviations of the share that is kept.
            assert abs((some > 0).mean() - 0.75) < 5 * np.sqrt(0.75 * 0.25 / some.size)
    few = plain.shuffled(x, target, 1, np.random.default_rng(0), batch=64)
    assert [len(b) for b, _, _ in few] == [64, 64, 64, 58]


def test_it_is_one_page_and_its_functions_need_numpy_alone():
    assert len(SOURCE.splitlines()) <= 150
    engine = SOURCE[: SOURCE.index("def main():")]
    imports = [
        n for n in ast.walk(ast.parse(engine)) if isinstance(n, ast.Import | ast.ImportFrom)
    ]
    outside = [ast.unparse(n) for n in imports]
    assert outside == ["import numpy as np"]


@pytest.mark.slow
def test_the_example_finds_what_the_paper_found(capsys):
    began = time.process_time()
    with blas_threads(1):
        plain.main()
    assert time.process_time() - began < 30  # of a processor: others may be busy
    found = re.findall(
        r"^(.*): (\d+) of 4000 wrong, (\d+) of them of the 400 threes$",
        capsys.readouterr().out, re.MULTILINE,
    )  # fmt: skip
    who, *counts = zip(*found, strict=True)
    assert who == ("teacher", "student that never saw a 3", "the same, its bias of 3 raised")
    (teacher, student, raised), (_, unseen, unseen_after) = (map(int, of) for of in counts)
    assert teacher < 200
    # Most threes are right though it never saw one, and nearly all once the bias is raised.
    assert unseen < 0.4 * 400
    assert unseen_after < 0.5 * unseen
    assert raised < student


def test_it_runs_by_itself(environment):
    code = """
import runpy
import minikd.data

whole = minikd.data.load_glyphs(rng=0)
minikd.data.load_glyphs = lambda rng: (part.take(range(200)) for part in whole)
runpy.run_module("minikd.plain", run_name="__main__", alter_sys=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert done.stdout.count(" of 200 wrong, ") == 3
