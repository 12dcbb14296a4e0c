"""Labels for a part of the cases: -1 is a label that is not known, and nothing takes it for one."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from minikd import (
    MLP,
    Dataset,
    Recipe,
    evaluate,
    gradcheck,
    hard_targets,
    load_glyphs,
    soft_targets,
    train,
)
from minikd import equations as eq
from minikd.objectives import Batch, Objective
from minikd.specialists import dustbin_correction, specialist_labels

RNG = np.random.default_rng(8)
Z, V = RNG.normal(0, 3, (2, 12, 10))
Y = np.where(np.arange(12) % 3, RNG.integers(0, 10, 12), -1)
KNOWN = Y >= 0
DIGITS = load_glyphs(rng=0, train=450, test=10)
TEACHER = np.random.default_rng(5).normal(0, 1, (450, 10)) + 8 * np.eye(10)[DIGITS.train.y]
TRANSFER = DIGITS.train.with_logits(TEACHER)
MASKS = np.stack([np.arange(450) % 3 == 0, np.arange(450) % 7 < 2])  # one for each member
RECIPE = Recipe(epochs=2, learning_rate=0.05, batch=100)


def net(seeds=7, sizes=(784, 30, 10)):
    return MLP(sizes, seeds, dtype=np.float64)


# ---------------------------------------------------------------- the equations


def by_hand(z, v, y, T, w):
    """The sum of Section 2, case by case, with plain loops."""
    costs, gradients = [], []
    for z_case, v_case, label in zip(z, v, y, strict=True):
        p, q, q_1 = (np.exp(a) / np.exp(a).sum() for a in (v_case / T, z_case / T, z_case))
        cost, gradient = T**2 * -(p * np.log(q)).sum(), T * (q - p)
        if label >= 0:
            cost += w * -np.log(q_1[label])
            gradient += w * (q_1 - np.eye(10)[label])
        costs.append(cost)
        gradients.append(gradient)
    return np.array(costs), np.array(gradients)


@pytest.mark.parametrize("T", [1.0, 4.0])
@pytest.mark.parametrize("w", [0.3, 2.0])
def test_the_hard_term_stands_where_a_label_is_known(T, w):
    costs, gradients = by_hand(Z, V, Y, T, w)
    objective, batch = soft_targets(T, w), Batch(x=None, y=Y, v=V)
    # Sums of ten numbers of size 100 at most, in float64.
    np.testing.assert_allclose(objective.cost(Z, batch), costs, rtol=1e-12, atol=0)
    np.testing.assert_allclose(objective.gradient(Z, batch), gradients, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(eq.distillation_cost(Z, V, Y, T, w), objective.cost(Z, batch))


def test_without_a_label_there_is_no_hard_term():
    cost, gradient = eq.hard_target_cost(Z, Y), eq.hard_target_gradient(Z, Y)
    assert not cost[~KNOWN].any()
    assert not gradient[~KNOWN].any()
    np.testing.assert_array_equal(cost[KNOWN], eq.hard_target_cost(Z[KNOWN], Y[KNOWN]))
    np.testing.assert_array_equal(gradient[KNOWN], eq.hard_target_gradient(Z[KNOWN], Y[KNOWN]))
    assert (cost[KNOWN] > 0).all()
    none = np.full(12, -1)
    np.testing.assert_array_equal(
        eq.distillation_gradient(Z, V, none, 4.0, 0.5), eq.distillation_gradient(Z, V, T=4.0)
    )


@pytest.mark.parametrize("w", [0.0, 0.7])
def test_gradients_with_labels_for_some(w):
    def func(z):
        gradient = eq.distillation_gradient(z, V, Y, T=3.0, hard_weight=w)
        cost = eq.distillation_cost(z, V, Y, T=3.0, hard_weight=w)
        return cost, lambda dc: dc[..., None] * gradient

    def hard(z):
        gradient = eq.hard_target_gradient(z, Y)
        return eq.hard_target_cost(z, Y), lambda dc: dc[..., None] * gradient

    assert gradcheck(func, Z)
    assert gradcheck(hard, Z)


def test_on_any_array(arrays):
    for f in (eq.hard_target_cost, eq.hard_target_gradient):
        got = arrays.back(f(arrays(Z), arrays(Y)))
        # Logarithms of probabilities, up to 20 nats.
        np.testing.assert_allclose(got, f(Z, Y), rtol=arrays.tolerance, atol=arrays.tolerance)
        assert not got[~KNOWN].any()


@pytest.mark.parametrize("f", [eq.hard_target_cost, eq.hard_target_gradient])
def test_labels_that_no_label_can_be(f):
    with pytest.raises(
        ValueError, match="outside 0 … 9, the classes of z; expected these, or -1 where none is"
    ):
        f(Z, Y - 1)
    # What -1 becomes in a byte without a sign.
    with pytest.raises(ValueError, match=r"-1, .* does not fit into uint8: make y int64"):
        f(Z, Y.astype(np.uint8))
    np.testing.assert_array_equal(f(Z, Y.astype(np.int8)), f(Z, Y))


# ---------------------------------------------------------------- training


@pytest.mark.parametrize("step", ["fast", "plain"])
def test_the_mean_is_over_all_cases_of_a_batch(step):
    """One step down the formula: the sum of both terms, divided by all cases."""
    some = TRANSFER.take(np.arange(20)).keep_labels(np.arange(20) < 5)
    recipe = Recipe(epochs=1, learning_rate=0.1, batch=20, momentum=0.0)
    trained, start = net(), net()
    train(trained, some, soft_targets(4.0, 0.5), recipe, step=step)
    z, caches = start.forward(some.x.astype(np.float64))
    _, dz = by_hand(z, some.v.astype(np.float64), some.y, 4.0, 0.5)
    gradients = start.backward(dz / 20, caches)
    for p, q, g in zip(trained.parameters, start.parameters, gradients, strict=True):
        np.testing.assert_allclose(p, q - 0.1 * g, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("seeds", [7, (7, 8)])
@pytest.mark.parametrize("make", [hard_targets, lambda: soft_targets(4.0, 0.5)])
@pytest.mark.parametrize("own", [False, True])  # labels that the members share, or not
def test_the_fast_step_equals_the_plain_one(seeds, make, own):
    objective = make()
    stack = isinstance(seeds, tuple)
    data = TRANSFER.keep_labels(MASKS if own and stack else MASKS[0])
    recipe = replace(RECIPE, dropout=(0.1, 0.5), jitter=1, max_norm=1.5)
    fast, plain = net(seeds), net(seeds)
    histories = [
        train(each, data, objective, recipe, step=step)
        for each, step in ((fast, "fast"), (plain, "plain"))
    ]
    for p, q in zip(fast.parameters, plain.parameters, strict=True):
        np.testing.assert_allclose(p, q, rtol=1e-9, atol=1e-11)  # ten steps in float64
    np.testing.assert_allclose(histories[0].costs, histories[1].costs, rtol=1e-9)


@pytest.mark.parametrize("step", ["fast", "plain"])
def test_members_with_labels_of_their_own_are_those_trained_alone(step):
    stack = net((7, 8))
    history = train(
        stack, TRANSFER.keep_labels(MASKS), soft_targets(4.0, 2.0), RECIPE, step=step
    )
    for k, seed in enumerate((7, 8)):
        alone = net(seed)
        costs = train(
            alone, TRANSFER.keep_labels(MASKS[k]), soft_targets(4.0, 2.0), RECIPE
        ).costs
        for p, q in zip(stack.parameters, alone.parameters, strict=True):
            np.testing.assert_allclose(p[k], q, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose([c[k] for c in history.costs], np.ravel(costs), rtol=1e-9)


def test_hard_targets_of_the_labelled_cases_alone_teach():
    """Unlabelled cases only make the mean smaller, as many as there are."""
    few = DIGITS.train.keep_labels(0.1)
    with_rest, without = net(), net()
    one = Recipe(epochs=1, learning_rate=0.01, batch=450, momentum=0.0)
    train(with_rest, few, hard_targets(), replace(one, learning_rate=0.1))
    train(without, few.take(few.labelled), hard_targets(), one)
    assert few.labelled.mean() == pytest.approx(0.1)
    for p, q in zip(with_rest.parameters, without.parameters, strict=True):
        np.testing.assert_allclose(p, q, rtol=1e-12, atol=1e-13)


def test_hidden_labels_are_another_run(tmp_path):
    path = tmp_path / "run.npz"
    train(net(), TRANSFER.keep_labels(0.5), soft_targets(4.0, 0.5), RECIPE, checkpoint=path)
    train(net(), TRANSFER.keep_labels(0.5), soft_targets(4.0, 0.5), RECIPE, checkpoint=path)
    for other in (TRANSFER, TRANSFER.keep_labels(0.5, rng=1), TRANSFER.keep_labels(0.4)):
        with pytest.raises(ValueError, match="belongs to another run"):
            train(net(), other, soft_targets(4.0, 0.5), RECIPE, checkpoint=path)


def test_on_a_device(fake_gpu):
    on_device = MLP([784, 30, 10], (7, 8), dtype=np.float64, device="cuda")
    host = net((7, 8))
    for each in (on_device, host):
        train(each, TRANSFER.keep_labels(MASKS), soft_targets(4.0, 0.5), RECIPE)
    for p, q in zip(on_device.parameters, host.parameters, strict=True):
        np.testing.assert_allclose(p.get(), q, rtol=1e-9, atol=1e-11)


def test_data_that_cannot_be_trained_on():
    none = np.full(450, -1)
    mine = Objective(
        "mine", hard_targets().cost, hard_targets().gradient, needs="y", settings={}
    )
    byte = np.where(DIGITS.train.y == 0, 255, DIGITS.train.y).astype(np.uint8)  # -1, once
    for who, y, objective, message in (
        (
            net(),
            none,
            hard_targets(),
            "hard targets needs labels; those of this data are all -1",
        ),
        (net(), none, soft_targets(4.0, 0.5), "those of this data are all -1, not known"),
        (net((7, 8)), np.stack([DIGITS.train.y, none]), hard_targets(), "member 1 are all -1"),
        (net(), byte, hard_targets(), "a label 255; .*does not fit into uint8: make y int64"),
        # In an objective that indexes with y, -1 would be the last class.
        (net(), DIGITS.train.keep_labels(0.5).y, mine, r"y holds -1.*some_labels"),
    ):
        with pytest.raises(ValueError, match=message):
            train(who, replace(TRANSFER, y=y), objective, RECIPE)
    train(net(), replace(TRANSFER, y=none), soft_targets(4.0), RECIPE)  # it needs none
    train(net(), DIGITS.train.keep_labels(0.5), replace(mine, some_labels=True), RECIPE)


# ---------------------------------------------------------------- data sets


def test_a_share_of_each_class_and_a_smaller_one_is_a_part_of_it():
    all_y, masks = DIGITS.train.y, []
    for share in (0.01, 0.1, 0.25, 0.5, 1.0):
        some = DIGITS.train.keep_labels(share, rng=3)
        counts = np.bincount(all_y[some.labelled], minlength=10)
        assert abs(counts.sum() - share * 450) <= (0.5 if share > 0.02 else 10)
        assert (np.abs(counts - share * np.bincount(all_y)) <= 1).all()
        assert counts.min() >= 1
        np.testing.assert_array_equal(some.y, np.where(some.labelled, all_y, -1))
        masks.append(some.labelled)
    for smaller, larger in pairwise(masks):
        assert not (smaller & ~larger).any()
    assert masks[-1].all()
    again = DIGITS.train.keep_labels(0.1, rng=3).labelled
    np.testing.assert_array_equal(again, masks[1])
    assert (DIGITS.train.keep_labels(0.1, rng=4).labelled != masks[1]).any()
    # Half of a half is a quarter: the share is of what is labelled.
    twice = DIGITS.train.keep_labels(0.5, rng=3).keep_labels(0.5, rng=3).labelled
    assert not (twice & ~masks[3]).any()
    assert (twice == masks[2]).mean() > 0.95  # but for rounding in each class
    # Classes of other sizes, and one that is rare.
    y = np.repeat([0, 1, 2], [3, 1000, 97])
    uneven = Dataset(np.zeros((1100, 1)), y, shape=(1, 1))
    counts = np.bincount(y[uneven.keep_labels(0.1).labelled])
    assert counts.sum() in (110, 111)
    assert (np.abs(counts - [1, 100, 9.7]) <= 1).all()
    assert DIGITS.train.labelled.all()  # nothing was changed


def test_a_mask_and_masks_of_members():
    some = DIGITS.train.keep_labels(MASKS[0])
    np.testing.assert_array_equal(some.labelled, MASKS[0])
    np.testing.assert_array_equal(some.keep_labels(MASKS[1]).labelled, MASKS[0] & MASKS[1])
    both = DIGITS.train.keep_labels(MASKS)
    np.testing.assert_array_equal(both.labelled, MASKS)
    np.testing.assert_array_equal(both.keep_labels(MASKS[0]).labelled, MASKS & MASKS[0])
    small = replace(DIGITS.train, y=DIGITS.train.y.astype(np.uint8)).keep_labels(0.1)
    assert small.y.dtype == np.int64
    assert small.y.min() == -1


def test_what_a_data_set_says_of_its_labels():
    few = TRANSFER.keep_labels(0.1)
    assert repr(few) == "<Dataset: 450 cases, with 45 labels and logits>"
    assert "with labels and logits" in repr(TRANSFER)
    assert few.take(few.labelled).labelled.all()
    assert len(few.take(few.labelled)) == few.labelled.sum()
    assert not few.unlabelled().labelled.any()
    rest, held_out = few.split(100)
    assert rest.labelled.sum() + held_out.labelled.sum() == few.labelled.sum()


@pytest.mark.parametrize("of", [0, -0.1, 1.5, np.nan, "some", None, [0.1, 0.2], [0, 1] * 225])
def test_a_share_that_is_none(of):
    with pytest.raises(ValueError, match="expected a share 0 < of ≤ 1, or a mask"):
        DIGITS.train.keep_labels(of)


def test_labels_that_cannot_be_kept():
    with pytest.raises(ValueError, match="no labels to keep"):
        DIGITS.train.unlabelled().keep_labels(0.1)
    for mask in (MASKS[0, :-1], MASKS[None], np.ones((3, 449), bool)):
        with pytest.raises(ValueError, match="expected a mask beside y"):
            DIGITS.train.keep_labels(mask)
    stacked = DIGITS.train.keep_labels(MASKS)
    with pytest.raises(ValueError, match="expected a mask beside y"):
        stacked.keep_labels(np.ones((3, 450), bool))
    with pytest.raises(ValueError, match=r"expected \(n,\) to keep a share"):
        stacked.keep_labels(0.5)


def test_classes_are_chosen_before_labels_are_hidden():
    """An unlabelled case may be a three: neither kept nor dropped in silence."""
    few = DIGITS.train.keep_labels(0.1)
    for choose in (few.without, few.only):
        with pytest.raises(
            ValueError, match=r"y holds -1.* for 405 of 450 cases; .*choose classes"
        ):
            choose(3)
    seen = DIGITS.train.without(3).keep_labels(0.1)
    assert not (seen.y == 3).any()
    assert not (few.take(few.labelled).without(3).y == 3).any()


# ---------------------------------------------------------------- whoever reads labels

READERS = {
    "errors": lambda z, y: evaluate.errors(z, y),
    "errors_per_class": lambda z, y: evaluate.errors_per_class(z, y),
    "confusion": lambda z, y: evaluate.confusion(z, y),
    "sweep_bias": lambda z, y: evaluate.sweep_bias(z, y, [3], [0.0, 1.0]).errors,
    "log_loss": lambda z, y: evaluate.log_loss(z, y),
    "calibration_error": lambda z, y: evaluate.calibration_error(z, y),
    "fit_temperature": lambda z, y: evaluate.fit_temperature(z, y),
}


@pytest.mark.parametrize("name", READERS)
def test_nothing_is_counted_where_no_label_is_known(name):
    with pytest.raises(
        ValueError, match=r"^y holds -1, no label known, for 4 of 12 cases; .*take"
    ):
        READERS[name](Z, Y)
    READERS[name](Z[..., KNOWN, :], Y[KNOWN])  # as the message says


def test_specialists_need_all_labels():
    with pytest.raises(ValueError, match="for 4 of 12 cases; specialists are drawn by labels"):
        specialist_labels(Y, [[0, 1]], 10)
    seen = specialist_labels(np.arange(10), [[0, 1], [4, 5]], 10)
    with pytest.raises(ValueError, match="a special case is told by its label"):
        dustbin_correction(np.where(seen == 0, -1, seen), 2)
    y = np.where(DIGITS.train.y < 3, DIGITS.train.y, 3)
    data = Dataset(DIGITS.train.x, np.where(np.arange(450) % 9, y, -1))
    with pytest.raises(
        ValueError, match="for 50 of 450 cases; special cases are drawn by their"
    ):
        train(net(sizes=(784, 30, 4)), data, hard_targets(), RECIPE, special=0.5)
