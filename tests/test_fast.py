"""What makes a step fast changes nothing: it equals the plain formulas, with everything on."""

from __future__ import annotations

import tracemalloc
import weakref
from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg.blas  # noqa: F401  # else the first large product imports it

from minikd import MLP, Recipe, hard_targets, load_glyphs, logit_matching, soft_targets, train
from minikd.backend import to_host
from minikd.fast import FastStep, Velocities, backward, forward
from minikd.fast import draw_masks as draw_masks_fast
from minikd.kernels import (
    Workspace,
    add_scaled,
    apart,
    empty,
    last_axis_first,
    product,
    side_by_side,
)
from minikd.mixture import Mixture
from minikd.mlp import draw_masks, mask_generators
from minikd.objectives import Batch
from minikd.step import Costs, PlainStep

RNG = np.random.default_rng(3)
DIGITS = load_glyphs(rng=0, train=450, test=10)
V = np.random.default_rng(5).normal(0, 1, (450, 10)) + 8 * np.eye(10)[DIGITS.train.y]
TRANSFER = DIGITS.train.with_logits(V)


# ---------------------------------------------------------------- whole runs


def both(make, data, objective, recipe, **options):
    """The same network trained by either step, and the two histories."""
    nets, histories = [], []
    for step in ("fast", "plain"):
        net = make()
        histories.append(train(net, data, objective, recipe, rng=3, step=step, **options))
        nets.append(net)
    return nets, histories


def assert_equal_to_rounding(make, data, objective, recipe, **options):
    """To rounding: about ten steps in float64, with sums in another order."""
    (fast, plain), histories = both(make, data, objective, recipe, **options)
    for arrays in zip(fast.parameters, plain.parameters, make().parameters, strict=True):
        p, q, start = map(to_host, arrays)
        np.testing.assert_allclose(p, q, rtol=1e-9, atol=1e-11)
        assert np.abs(p - start).max() > 1e-5  # something was learnt
    np.testing.assert_allclose(histories[0].costs, histories[1].costs, rtol=1e-9)


@pytest.mark.parametrize("seeds", [7, (7, 8)])
@pytest.mark.parametrize("sizes", [[784, 40, 30, 10], [784, 300, 300, 10]])  # matmul, and BLAS
@pytest.mark.parametrize("dropped", [0.0, 0.1])  # inputs that the members share, and own ones
@pytest.mark.parametrize("subpixel", [True, False])
def test_the_fast_step_equals_the_plain_one_with_everything_on(seeds, sizes, dropped, subpixel):
    stack = isinstance(seeds, tuple)
    recipe = Recipe(
        epochs=2, learning_rate=(0.05, 0.02) if stack else 0.02, batch=100, warm_up=3,
        dropout=(dropped, 0.0, 0.5), max_norm=1.45, jitter=2, subpixel=subpixel,
    )  # fmt: skip
    objective = soft_targets((2.0, 5.0) if stack else 5.0, hard_weight=0.3)
    # The last batch is half full.
    assert_equal_to_rounding(
        lambda: MLP(sizes, seeds, dtype=np.float64), TRANSFER, objective, recipe
    )


@pytest.mark.parametrize("objective", [hard_targets(), soft_targets(4.0), logit_matching()])
@pytest.mark.parametrize("momentum", [0.0, 1e-3, 0.9])
def test_they_are_equal_for_every_objective_and_momentum(objective, momentum):
    recipe = Recipe(epochs=2, learning_rate=0.01, batch=100, momentum=momentum)
    assert_equal_to_rounding(
        lambda: MLP([784, 40, 10], [7, 8], dtype=np.float64), TRANSFER, objective, recipe
    )


def _weighted(weights):
    plain = hard_targets()
    return replace(
        plain, by_case=False, settings=None,
        cost=lambda z, batch: weights(batch) * plain.cost(z, batch),
        gradient=lambda z, batch: weights(batch)[:, None] * plain.gradient(z, batch),
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*nothing is kept")
@pytest.mark.parametrize(
    "weights",
    [
        lambda batch: batch.x.mean(-1),  # reads the inputs
        lambda batch: np.bincount(batch.y, minlength=10)[batch.y] / len(batch.y),  # other cases
    ],
)
def test_they_are_equal_for_an_objective_of_ones_own(weights):
    recipe = Recipe(epochs=2, learning_rate=0.5, batch=100)
    assert_equal_to_rounding(
        lambda: MLP([784, 40, 10], [7, 8], dtype=np.float64),
        TRANSFER,
        _weighted(weights),
        recipe,
    )


def test_they_are_equal_for_a_mixture():
    def make():
        gate = MLP([784, 20, 3], 0, dtype=np.float64)
        return Mixture(gate, MLP([784, 30, 10], range(3), dtype=np.float64))

    recipe = Recipe(epochs=2, learning_rate=0.05, batch=100, max_norm=1.5, jitter=1)
    assert_equal_to_rounding(make, TRANSFER, soft_targets(3.0, 0.5), recipe)


def test_they_are_equal_for_specialists():
    y = np.stack([np.where(DIGITS.train.y < 3, DIGITS.train.y, 3) for _ in range(2)])
    assert_equal_to_rounding(
        lambda: MLP([784, 30, 4], [7, 8], dtype=np.float64),
        replace(DIGITS.train, y=y), hard_targets(), Recipe(2, 0.05, 100), special=0.5,
    )  # fmt: skip


@pytest.mark.parametrize("seeds", [7, (7, 8)])
def test_they_are_equal_on_a_device(fake_gpu, seeds):
    def make():
        return MLP([784, 40, 10], seeds, dtype=np.float64, device="cuda")

    recipe = Recipe(epochs=2, learning_rate=0.05, batch=100, dropout=(0.1, 0.5), max_norm=1.5)
    assert_equal_to_rounding(make, TRANSFER, soft_targets(3.0, 0.5), recipe)


def test_an_objective_of_another_type_is_brought_to_that_of_the_network(monkeypatch):
    import minikd.kernels as kernels

    types = []
    real = kernels._blas_product
    monkeypatch.setattr(
        kernels, "_blas_product", lambda a, b, *rest: (types.append(b.dtype), real(a, b, *rest))
    )
    plain = hard_targets()
    mine = replace(
        plain,
        gradient=lambda z, batch: plain.gradient(z, batch).astype(np.float64),
        settings=None,
    )
    nets = [MLP([784, 300, 10], 0) for _ in range(2)]
    for net, objective in zip(nets, (plain, mine), strict=True):
        train(net, TRANSFER, objective, Recipe(1, 0.05, batch=100))
    assert set(types) == {np.dtype(np.float32)}
    for p, q in zip(nets[0].parameters, nets[1].parameters, strict=True):
        np.testing.assert_allclose(p, q, atol=1e-6)  # rounding of float32, in five steps


def test_an_unknown_step():
    with pytest.raises(ValueError, match="step is 'slow'; expected 'fast' or 'plain'"):
        train(MLP([784, 10], 0), TRANSFER, hard_targets(), Recipe(1, 0.1), step="slow")


@pytest.mark.parametrize("step", [FastStep, PlainStep])
def test_a_network_keeps_its_own_arrays(step):
    net = Mixture(MLP([784, 20, 3], 0), MLP([784, 30, 10], range(3)))
    own = list(net.parameters)

    def stopped():
        with step(net, Recipe(1, 0.1)):
            net.gate.parameters[0] += 1
            net.experts.parameters[0] += 1
            changed.extend(p.copy() for p in net.parameters)
            raise KeyboardInterrupt

    changed = []
    with pytest.raises(KeyboardInterrupt):
        stopped()
    for p, o, c in zip(net.parameters, own, changed, strict=True):
        assert p is o
        np.testing.assert_array_equal(p, c)


@pytest.mark.parametrize("momentum", [0.9, 1e-3])
def test_velocities_that_a_checkpoint_held_go_on_as_in_the_plain_step(momentum):
    x, held = RNG.random((8, 6)), [RNG.normal(size=s) for s in ((2, 6, 3), (2, 3))]
    found = []
    for cls in (FastStep, PlainStep):
        net = MLP([6, 3], [7, 8], dtype=np.float64)
        with cls(net, Recipe(1, 0.1, momentum=momentum)) as step:
            for velocity, u in zip(step.velocities, held, strict=True):
                velocity[...] = u
            for _ in range(3):
                z, caches = step.forward(x, [])
                step.descend(z.copy(), caches, 0.1)
            step.end_epoch()
            found.append([*step.velocities, *net.parameters])
    for fast, plain in zip(*found, strict=True):
        np.testing.assert_allclose(fast, plain, rtol=1e-12, atol=1e-13)


# ---------------------------------------------------------------- memory of a step


def _steps(seeds, dropout):
    """A function that makes a step; layers, logits and inputs of a member have the same size."""
    recipe = Recipe(1, 0.01, dropout=dropout)
    net = MLP([256] * 4, seeds, dtype=np.float64)
    x, dz = RNG.random((256, 256)), RNG.random((*net.members, 256, 256))
    step = FastStep(net, recipe).__enter__()

    def one():
        _, caches = step.forward(x, mask_generators(net, 0) if dropout else [])
        step.descend(dz, caches, 0.01)

    return one, x.nbytes


def _memory(call):
    """Bytes that a call leaves behind, and the most that it took meanwhile."""
    traced_already = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        call()
        after, most = tracemalloc.get_traced_memory()
    finally:
        if not traced_already:
            tracemalloc.stop()
    return after - before, most - before


@pytest.mark.parametrize(
    ("seeds", "dropout"),
    [(7, ()), (7, (0.2, 0.5, 0.5)), ((7, 8), ()), ((7, 8), (0.0, 0.5, 0.5))],
)
def test_a_second_step_makes_no_array_as_large_as_a_layer(seeds, dropout):
    one, layer = _steps(seeds, dropout)
    one()
    _, most = _memory(one)  # bytes that say which unit is on or dropped, and NumPy's buffers
    assert most < layer


def test_a_network_holds_an_output_and_a_gradient_for_each_layer_and_none_for_its_inputs():
    one, layer = _steps(7, ())
    held, _ = _memory(one)
    assert round(held / layer, 1) == 3 + 3


# ---------------------------------------------------------------- costs


def _costs(objective):
    return FastStep(MLP([4, 3], 0), Recipe(1, 0.1)).costs(objective)


@pytest.mark.parametrize("batches", [1, 3])
@pytest.mark.parametrize("objective", [hard_targets(), soft_targets(4.0), soft_targets(4.0, 1)])
def test_costs_of_many_batches_are_the_sum_of_their_costs(objective, batches):
    rng = np.random.default_rng(0)
    many, plain = _costs(objective), Costs(objective)
    for cases in range(5, 5 + batches):
        z, v = rng.normal(size=(2, 2, cases, 3))  # each member has a teacher of its own
        y = rng.integers(0, 3, cases) if "y" in objective.needs else None
        for costs in (many, plain):
            costs.add(z, Batch(None, y, v if "v" in objective.needs else None))
    np.testing.assert_allclose(many.total(), plain.total(), rtol=1e-13)


@pytest.mark.parametrize(
    ("batch", "at_once"), [(1000, [4000, 4000, 1000]), (1333, [5332, 5332, 1333])]
)
def test_costs_are_computed_for_four_thousand_cases_or_a_batch_more(batch, at_once):
    seen = []

    def recorded(z, batch):
        seen.append(len(z))
        return z[:, 0]

    costs = _costs(replace(hard_targets(), recorded=recorded))
    for _ in range(9):
        costs.add(np.ones((batch, 3)), Batch(None, np.zeros(batch, int)))
    assert costs.total() == 9 * batch
    assert seen == at_once


def test_costs_that_wait_hold_no_inputs():
    x = np.zeros((5, 4))
    held, costs = weakref.ref(x), _costs(hard_targets())
    costs.add(np.ones((5, 3)), Batch(x, np.zeros(5, int)))
    del x
    assert held() is None


def test_an_objective_is_given_logits_that_lie_class_by_class():
    seen = []

    def note(z, batch):
        seen.extend(np.moveaxis(a, -1, 0).flags.c_contiguous for a in (z, batch.v))

    objective = replace(logit_matching(), cost=note, gradient=note, recorded=note)
    arranged = FastStep(MLP([4, 3], 0), Recipe(1, 0.1)).arranged(objective)
    for function in (arranged.cost, arranged.gradient, arranged.recorded):
        function(np.ones((2, 5, 3)), Batch(None, v=np.ones((2, 5, 3))))
    assert seen == 6 * [True]


# ---------------------------------------------------------------- forward and backward


@pytest.mark.parametrize("sizes", [[6, 5, 4, 3], [5, 5, 5, 5]])
@pytest.mark.parametrize("rates", [None, (0.2, 0.5, 0.5)])
@pytest.mark.parametrize("seeds", [7, (7, 8)])
def test_buffers_change_no_result(rates, seeds, sizes):
    net = MLP(sizes, seeds, dtype=np.float64)
    x, dz = RNG.random((8, sizes[0])), RNG.random((*net.members, 8, sizes[-1]))
    before = [p.copy() for p in (*net.parameters, x, dz)]
    work = Workspace()
    for _ in range(2):  # the second time, every buffer holds the first results
        rngs = mask_generators(net, 0) if rates else []
        masks = draw_masks_fast(net, rates, rngs, 8, work)
        plain = draw_masks(net, rates, mask_generators(net, 0), 8) if rates else None
        z, caches = forward(net, x, masks, work)
        expected, plain_caches = net.forward(x, plain)
        np.testing.assert_allclose(z, expected, rtol=1e-13)
        gradients = net.backward(dz, plain_caches)
        held = [RNG.normal(size=p.shape) for p in net.parameters]
        into = [h.copy() for h in held]
        if net.members:  # as the step lays it out
            into[0] = apart(np.hstack([*into[0]]), 2)
        backward(net, dz.copy(), caches, work, into, 0.9)
        for got, h, g in zip(into, held, gradients, strict=True):
            np.testing.assert_allclose(got, 0.9 * h + g, rtol=1e-12, atol=1e-14)
    for now, then in zip((*net.parameters, x, dz), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_workspace_gives_a_buffer_for_each_shape_and_type():
    work = Workspace()
    a = work("z", (2, 3), np.zeros(1, np.float32))
    assert work("z", (2, 3), np.zeros(1, np.float32)) is a
    assert work("z", (2, 3), np.zeros(1)).dtype == np.float64
    assert work("z", (3, 2), np.zeros(1, np.float32)) is not a
    wide = work("z", (2, 3, 4), np.zeros(1), wide=True)
    assert np.shares_memory(side_by_side(wide), wide)


@pytest.mark.parametrize("momentum", [0.0, 1e-30, 1e-3, 0.02, 0.5, 0.9, 0.99])
def test_velocities_at_another_scale_are_the_velocities(momentum):
    shapes = [(4, 3), (3,)]
    velocities = Velocities([np.zeros(s) for s in shapes], momentum)
    plain = [np.zeros(s) for s in shapes]
    lowest = 1.0
    for step in range(1500):
        gradients = [RNG.normal(size=s) for s in shapes]
        plain = [momentum * u + g for u, g in zip(plain, gradients, strict=True)]
        scale = velocities.decay()
        lowest = min(lowest, scale)
        for array, g in zip(velocities.arrays, gradients, strict=True):
            array *= velocities.keep
            array += g / scale
        if step % 97 == 0:
            velocities.settle()
            assert velocities.scale == 1
        for array, u in zip(velocities.arrays, plain, strict=True):
            np.testing.assert_allclose(array * velocities.scale, u, rtol=1e-11, atol=1e-12)
    assert lowest >= 1e-5
    # No pass over the arrays in each step, unless the momentum is too small.
    assert velocities.keep == (1 if momentum > 0.01 else momentum)
    assert momentum < lowest == 1 if velocities.keep != 1 else lowest < momentum


def test_velocities_go_where_the_gradient_went():
    shapes = [(150, 7), (7,), (3, 7, 4), (3, 4)]
    w, u = ([RNG.normal(size=s) for s in shapes] for _ in range(2))
    expected = [a - 0.1 * v for a, v in zip(w, u, strict=True)]
    for a, v, e in zip(w, u, expected, strict=True):
        add_scaled(a, -0.1, v)
        # One product and one sum of numbers of size 1, rounded once or twice.
        np.testing.assert_allclose(a, e, rtol=1e-13, atol=1e-15)


# ---------------------------------------------------------------- products, and memory


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("members", [(), (3,)])
@pytest.mark.parametrize("m", [4, 400])  # by matmul, by BLAS
@pytest.mark.parametrize("order", ["rows", "columns", "strided"])
def test_a_product_equals_matmul(dtype, members, m, order):
    rng = np.random.default_rng(0)

    def laid_out(*shape):
        x = rng.normal(size=(*members, *shape)).astype(dtype)
        if order == "columns":
            return np.swapaxes(np.swapaxes(x, -1, -2).copy(), -1, -2)
        if order == "strided":
            return np.repeat(x, 2, axis=-1)[..., ::2]
        return x

    a, b, out = laid_out(m, 50), laid_out(50, 60), laid_out(m, 60)
    expected, tolerance = np.matmul(a, b), 60 * np.finfo(dtype).eps
    # keep times what out held is added.
    kept = expected + 0.5 * out
    assert product(a, b, out, keep=0.5) is out
    np.testing.assert_allclose(out, kept, atol=10 * tolerance)
    product(a, b, out)
    np.testing.assert_allclose(out, expected, atol=10 * tolerance)
    # Rows may start from something, such as a bias.
    start = rng.normal(size=(*members, 1, 60)).astype(dtype)
    found = product(a, b, out, start=start)
    np.testing.assert_allclose(found, expected + start, atol=10 * tolerance)
    if members:  # the members may share the left factor
        np.testing.assert_allclose(product(a[0], b, out), a[0] @ b, atol=10 * tolerance)


def test_other_dtypes_are_not_sent_to_blas():
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(100, 100)).astype(np.float32) for _ in range(2))
    out = np.ones((100, 100))
    product(a, b, out)
    np.testing.assert_allclose(out, a @ b, rtol=1e-4, atol=1e-4)
    half = np.ones(5, np.float16)
    add_scaled(half, 2.0, np.ones(5, np.float16))
    np.testing.assert_array_equal(half, 3)
    small, start = np.ones((2, 2)), np.full((1, 2), 5.0)
    product(np.eye(2), np.eye(2), small, keep=0.5, start=start)  # start, not what it held
    np.testing.assert_array_equal(small, np.eye(2) + 5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_add_scaled_in_any_layout(dtype):
    rng = np.random.default_rng(0)
    y, x = (rng.normal(size=(3, 40, 50)).astype(dtype) for _ in range(2))
    for lay in (
        np.array,
        np.asfortranarray,
        last_axis_first,
        lambda a: np.repeat(a, 2, 0)[::2],
    ):
        for lay_x in (lay, np.array):
            moved = lay(y)
            add_scaled(moved, -0.1, lay_x(x))
            expected = y - dtype(0.1) * x
            np.testing.assert_allclose(moved, expected, atol=4 * np.finfo(dtype).eps)


def test_arrays_in_one_piece_do_not_overlap():
    arrays = empty([(3, 5), (7,), (2, 2, 2)], np.float32)
    assert [a.shape for a in arrays] == [(3, 5), (7,), (2, 2, 2)]
    for i, a in enumerate(arrays):
        a[...] = i
    assert [np.unique(a).tolist() for a in arrays] == [[0.0], [1.0], [2.0]]


def test_members_side_by_side_and_apart():
    x = np.arange(24.0).reshape(2, 3, 4)
    wide = side_by_side(x)
    np.testing.assert_array_equal(wide, np.hstack([x[0], x[1]]))
    back = apart(wide, 2)
    np.testing.assert_array_equal(back, x)
    assert np.shares_memory(back, wide)
    assert np.shares_memory(side_by_side(back), wide)  # no copy where the memory fits
    for x in (wide, np.ones((4, 1)), np.ones((2, 3, 1))):
        copy = last_axis_first(x)
        np.testing.assert_array_equal(copy, x)
        assert not np.shares_memory(copy, x)
