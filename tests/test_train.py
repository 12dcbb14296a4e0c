"""The training loop: what it reaches, what it repeats, and how it stops."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from minikd import (
    MLP,
    Dataset,
    Recipe,
    TrainingDiverged,
    equations,
    errors,
    hard_targets,
    load_glyphs,
    logit_matching,
    soft_targets,
    train,
)
from minikd.backend import Stream, generator
from minikd.checkpoint import load_checkpoint, save_checkpoint
from minikd.data.augment import draw_shifts, shift_images
from minikd.fast import FastStep
from minikd.mlp import draw_masks, mask_generators
from minikd.objectives import Batch
from minikd.optim import learning_rate_at
from minikd.sampling import Cases
from minikd.specialists import specialist_labels

DIGITS = load_glyphs(rng=0, train=600, test=300)
RECIPE = Recipe(
    epochs=4, learning_rate=0.05, batch=50, warm_up=5,
    dropout=(0.1, 0.2, 0.5), max_norm=2.0, jitter=2,
)  # fmt: skip
SIZES = [784, 40, 30, 10]
V = np.random.default_rng(5).normal(0, 1, (600, 10)) + 8 * np.eye(10)[DIGITS.train.y]
TRANSFER = DIGITS.train.with_logits(V)
SURE = DIGITS.train.with_logits(4 * V)  # the range of logits of a well-trained teacher
PLAIN = Recipe(epochs=4, learning_rate=0.02, batch=50)


def assert_same(a: MLP, b: MLP) -> None:
    for p, q in zip(a.parameters, b.parameters, strict=True):
        np.testing.assert_array_equal(p, q)


def test_training_learns():
    net = MLP(SIZES, 1)
    assert errors(net(DIGITS.test.x), DIGITS.test.y) > 200
    history = train(net, DIGITS.train, hard_targets(), Recipe(epochs=30, learning_rate=0.05))
    assert errors(net(DIGITS.test.x), DIGITS.test.y) < 100
    assert history.costs[-1][0] < 0.1 < history.costs[0][0]
    assert len(history.costs) == 30


@pytest.mark.parametrize(
    "objective", [hard_targets(), soft_targets(4), soft_targets(4, 0.5), logit_matching()]
)
def test_each_objective_falls(objective):
    recipe = Recipe(epochs=20, learning_rate=0.005, batch=50)
    costs = train(MLP(SIZES, 1), TRANSFER, objective, recipe).costs
    assert costs[-1][0] < 0.7 * costs[0][0]


def test_the_cost_of_a_student_that_equals_its_teacher_is_zero():
    net = MLP(SIZES, 1)
    data = DIGITS.train.with_logits(net(DIGITS.train.x))
    for objective in (soft_targets(4.0), logit_matching()):
        history = train(net, data, objective, PLAIN)
        # Rounding of float32: T² times the difference of two costs of about log 10.
        assert history.costs[0][0] == pytest.approx(0, abs=1e-4)


def test_the_same_seeds_give_the_same_network():
    a, b, c = MLP(SIZES, 1), MLP(SIZES, 1), MLP(SIZES, 1)
    train(a, DIGITS.train, hard_targets(), RECIPE, rng=3)
    train(b, DIGITS.train, hard_targets(), RECIPE, rng=3)
    train(c, DIGITS.train, hard_targets(), RECIPE, rng=4)
    assert_same(a, b)
    assert (a.parameters[0] != c.parameters[0]).any()


@pytest.mark.parametrize("recipe", [PLAIN, RECIPE, replace(RECIPE, subpixel=True)])
@pytest.mark.parametrize("objective", [hard_targets(), soft_targets(4)])
def test_member_k_equals_the_same_network_trained_alone(recipe, objective):
    stack = MLP(SIZES, [7, 8, 9], dtype=np.float64)
    history = train(stack, TRANSFER, objective, recipe, rng=3)
    for k, seed in enumerate([7, 8, 9]):
        alone = MLP(SIZES, seed, dtype=np.float64)
        costs = train(alone, TRANSFER, objective, recipe, rng=3).costs
        # The products may be summed in another order, so equal to rounding, not bit for bit.
        for p, q in zip(stack[k].parameters, alone.parameters, strict=True):
            np.testing.assert_allclose(p, q, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose([c[k] for c in history.costs], np.ravel(costs), rtol=1e-9)


def test_a_stack_sweeps_temperature_and_learning_rate():
    temperatures, rates = (1.0, 4.0, 20.0), (0.05, 0.02, 0.005)
    stack = MLP(SIZES, [7, 7, 7], dtype=np.float64)
    sweep = Recipe(epochs=3, learning_rate=rates, batch=50)
    train(stack, TRANSFER, soft_targets(temperatures, hard_weight=0.1), sweep)
    for k in range(3):
        alone = MLP(SIZES, 7, dtype=np.float64)
        recipe = Recipe(epochs=3, learning_rate=rates[k], batch=50)
        train(alone, TRANSFER, soft_targets(temperatures[k], hard_weight=0.1), recipe)
        for p, q in zip(stack[k].parameters, alone.parameters, strict=True):
            np.testing.assert_allclose(p, q, rtol=1e-9, atol=1e-11)


def test_a_teacher_per_member():
    V2 = np.stack([V, -V])
    stack = MLP(SIZES, [7, 7], dtype=np.float64)
    train(stack, DIGITS.train.with_logits(V2), soft_targets(4), PLAIN)
    for k in range(2):
        alone = MLP(SIZES, 7, dtype=np.float64)
        train(alone, DIGITS.train.with_logits(V2[k]), soft_targets(4), PLAIN)
        np.testing.assert_allclose(stack[k].parameters[0], alone.parameters[0], atol=1e-11)


def test_one_step_by_hand():
    """The step of the loop is W ← W - rate · mean over the cases of the gradient."""
    net = MLP(SIZES, 1, dtype=np.float64)
    x, y = DIGITS.train.x[:20].astype(float), DIGITS.train.y[:20]
    z, caches = net.forward(x)
    q = np.exp(z - z.max(-1, keepdims=True))
    dz = (q / q.sum(-1, keepdims=True) - np.eye(10)[y]) / 20
    expected = [
        p - 0.1 * g for p, g in zip(net.parameters, net.backward(dz, caches), strict=True)
    ]
    recipe = Recipe(epochs=1, learning_rate=0.1, batch=20)
    train(net, DIGITS.train.take(np.arange(20)), hard_targets(), recipe)
    for p, e in zip(net.parameters, expected, strict=True):
        np.testing.assert_allclose(p, e, rtol=1e-6, atol=1e-9)  # x is kept as float32


def train_as_in_a_book(net, data, T, hard_weight, recipe, rng):
    """The same training, line by line: no buffers, no stack, a product for each gradient."""
    steps, step = recipe.epochs * -(-len(data) // recipe.batch), 0
    alone = [[p[k].copy() for p in net.parameters] for k in range(len(net.seeds))]
    velocities = [[np.zeros_like(p) for p in params] for params in alone]
    for epoch in range(recipe.epochs):
        order = generator(rng, Stream.ORDER, epoch).permutation(len(data))
        drawn = generator(rng, Stream.JITTER, epoch)
        shifts = draw_shifts(drawn, len(data), recipe.jitter, recipe.subpixel)
        dropping = mask_generators(net, epoch)
        for start in range(0, len(data), recipe.batch):
            chosen = order[start : start + recipe.batch]
            x = data.x[chosen].astype(float)
            x = shift_images(x, shifts[start : start + recipe.batch], data.shape, recipe.jitter)
            y, v = data.y[chosen], data.v[chosen].astype(float)
            masks = draw_masks(net, recipe.dropout, dropping, len(chosen))
            for k, (params, u) in enumerate(zip(alone, velocities, strict=True)):
                peak = recipe.learning_rate[k]
                rate = learning_rate_at(step, steps, peak, recipe.warm_up)
                h, inputs = x, []
                for i in range(3):
                    h = h if masks[i] is None else h * masks[i][k]
                    inputs.append(h)
                    z = h @ params[2 * i] + params[2 * i + 1]
                    h = np.maximum(z, 0)
                q, q1, p = (np.exp(a) / np.exp(a).sum(-1, keepdims=True)
                            for a in (z / T[k], z, v / T[k]))  # fmt: skip
                dz = T[k] * (q - p) + hard_weight * (q1 - np.eye(10)[y])
                dz /= len(chosen)
                for i in (2, 1, 0):
                    dW, db = inputs[i].T @ dz, dz.sum(0)
                    if i:
                        mask = 1 if masks[i] is None else masks[i][k]
                        dz = (dz @ params[2 * i].T) * mask * (inputs[i] > 0)
                    for j, g in ((2 * i, dW), (2 * i + 1, db)):
                        u[j] = recipe.momentum * u[j] + g
                        params[j] = params[j] - rate * u[j]
                for W in (0, 2):
                    norms = np.linalg.norm(params[W], axis=0)
                    params[W] = params[W] * np.minimum(1, recipe.max_norm / norms)
            step += 1
    return alone


@pytest.mark.parametrize("subpixel", [True, False])
@pytest.mark.parametrize("sizes", [SIZES, [784, 300, 300, 10]])  # by matmul, and by BLAS
@pytest.mark.parametrize("dropped", [0.0, 0.1])  # inputs that the members share, and own ones
@pytest.mark.parametrize("step", ["fast", "plain"])
def test_either_step_equals_the_readable_one(subpixel, sizes, dropped, step):
    recipe = Recipe(
        epochs=2, learning_rate=(0.05, 0.02), batch=100, warm_up=3,
        dropout=(dropped, 0.0, 0.5), max_norm=1.45, jitter=2, subpixel=subpixel,
    )  # fmt: skip
    data, T = TRANSFER.take(np.arange(450)), (2.0, 5.0)  # the last batch is half full
    net = MLP(sizes, [7, 8], dtype=np.float64)
    expected = train_as_in_a_book(net, data, T, 0.3, recipe, rng=3)
    before = [p.copy() for p in net.parameters]
    train(net, data, soft_targets(T, hard_weight=0.3), recipe, rng=3, step=step)
    for k in range(2):
        for p, e, b in zip(net[k].parameters, expected[k], before, strict=True):
            # Ten steps in float64; sums are taken in another order.
            np.testing.assert_allclose(p, e, rtol=1e-9, atol=1e-11)
            assert np.abs(p - b[k]).max() > 1e-4  # something was learnt


def test_max_norm_holds_for_hidden_units_and_not_for_logits():
    net = MLP(SIZES, 1)
    train(net, DIGITS.train, hard_targets(), Recipe(epochs=5, learning_rate=0.1, max_norm=0.5))
    norms = [np.linalg.norm(W, axis=0).max() for W in net.parameters[::2]]
    assert max(norms[:2]) <= 0.5 * (1 + 1e-6)
    assert norms[2] > 0.5


def test_unlabelled_cases_are_enough_for_soft_targets():
    a, b = MLP(SIZES, 1), MLP(SIZES, 1)
    train(a, TRANSFER, soft_targets(4), PLAIN)
    train(b, TRANSFER.unlabelled(), soft_targets(4), PLAIN)
    assert_same(a, b)


def test_an_observer_sees_every_epoch_and_changes_nothing(tmp_path):
    path = tmp_path / "run.npz"

    def observe(net, epoch):
        return [epoch, *(float(p.sum()) for p in net.parameters)]

    watched, plain = MLP(SIZES, 1), MLP(SIZES, 1)
    half = train(MLP(SIZES, 1), TRANSFER, soft_targets(4), RECIPE, observe=observe)
    history = train(
        watched, TRANSFER, soft_targets(4), RECIPE, observe=observe, checkpoint=path
    )
    train(plain, TRANSFER, soft_targets(4), RECIPE)
    assert_same(watched, plain)
    assert history.observed == half.observed
    assert len(history.observed) == RECIPE.epochs
    assert history.observed[-1] == observe(watched, RECIPE.epochs)
    assert [look[0] for look in history.observed] == list(range(1, RECIPE.epochs + 1))
    # A finished run returns it again.
    again = train(
        MLP(SIZES, 1), TRANSFER, soft_targets(4), RECIPE, observe=observe, checkpoint=path
    )
    assert again.observed == history.observed


# ---------------------------------------------------------------- stopping and going on


class Killed(BaseException):
    pass


@pytest.mark.parametrize("seeds", [1, (1, 2)])
def test_a_killed_run_goes_on_bit_for_bit(tmp_path, monkeypatch, seeds):
    straight, resumed = MLP(SIZES, seeds), MLP(SIZES, seeds)
    expected = train(straight, TRANSFER, soft_targets(4), RECIPE)

    real, steps = FastStep.descend, iter(range(1000))

    def killed_in_the_third_epoch(*args):
        if next(steps) == 29:
            raise Killed
        real(*args)

    path = tmp_path / "run.npz"
    monkeypatch.setattr(FastStep, "descend", killed_in_the_third_epoch)
    with pytest.raises(Killed):
        train(resumed, TRANSFER, soft_targets(4), RECIPE, checkpoint=path, seconds_between=0)
    monkeypatch.undo()
    # Another process knows only the seeds and the file.
    resumed = MLP(SIZES, seeds)
    history = train(resumed, TRANSFER, soft_targets(4), RECIPE, checkpoint=path)
    assert_same(resumed, straight)
    assert history.costs == expected.costs
    # Once finished, the file gives the network without training.
    again = MLP(SIZES, seeds)
    finished = train(again, TRANSFER, soft_targets(4), RECIPE, checkpoint=path)
    assert_same(again, straight)
    assert finished == history


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    train(MLP(SIZES, 1), TRANSFER, soft_targets(4), PLAIN, checkpoint=path)
    for net, data, objective, recipe, rng in [
        (MLP(SIZES, 2), TRANSFER, soft_targets(4), PLAIN, 0),
        (MLP(SIZES, 1), TRANSFER.without(3), soft_targets(4), PLAIN, 0),
        (MLP(SIZES, 1), TRANSFER, soft_targets(5), PLAIN, 0),
        (MLP(SIZES, 1), TRANSFER, soft_targets(4), RECIPE, 0),
        (MLP(SIZES, 1), TRANSFER, soft_targets(4), PLAIN, 1),
    ]:
        with pytest.raises(ValueError, match="belongs to another run"):
            train(net, data, objective, recipe, rng, checkpoint=path)


def test_temperatures_that_differ_little_are_different_runs(tmp_path):
    path = tmp_path / "run.npz"
    train(MLP(SIZES, 1), TRANSFER, soft_targets(4), PLAIN, checkpoint=path)
    with pytest.raises(ValueError, match="belongs to another run"):
        train(MLP(SIZES, 1), TRANSFER, soft_targets(4 + 1e-9), PLAIN, checkpoint=path)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    path.write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(ValueError, match="damaged"):
        train(MLP(SIZES, 1), TRANSFER, soft_targets(4), PLAIN, checkpoint=path)
    assert path.read_bytes() == b"PK\x03\x04 nonsense"  # nothing is lost


def test_a_checkpoint_with_another_dtype_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "run.npz"
    train(MLP(SIZES, 1), TRANSFER, soft_targets(4), PLAIN, checkpoint=path)
    arrays, meta = load_checkpoint(path)
    save_checkpoint(path, {name: a.astype("float64") for name, a in arrays.items()}, meta)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"no p0 of shape .* and dtype float32"):
        train(MLP(SIZES, 1), TRANSFER, soft_targets(4), PLAIN, checkpoint=path)
    assert path.read_bytes() == before


def test_a_flipped_bit_is_an_error_or_nothing(tmp_path):
    path = tmp_path / "a.npz"
    save_checkpoint(path, {"x": np.arange(3.0)}, {"n": 1})
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for at in rng.integers(0, 8 * len(whole), 400):
        damaged = bytearray(whole)
        damaged[at // 8] ^= 1 << (at % 8)
        path.write_bytes(damaged)
        try:
            load_checkpoint(path)
        except ValueError as error:
            assert "damaged" in str(error)  # noqa: PT017


def test_a_checkpoint_holds_no_pickle(tmp_path):
    save_checkpoint(tmp_path / "a.npz", {"x": np.arange(3)}, {"n": [1, 2.5, "three"]})
    arrays, meta = load_checkpoint(tmp_path / "a.npz")
    np.testing.assert_array_equal(arrays["x"], [0, 1, 2])
    assert json.dumps(meta) == '{"n": [1, 2.5, "three"]}'
    with pytest.raises(ValueError, match="holds Python objects"):
        save_checkpoint(tmp_path / "b.npz", {"x": np.array([{}])}, {})
    assert not (tmp_path / "b.npz").exists()


# ---------------------------------------------------------------- divergence


def test_t_squared_at_a_rate_for_hard_labels_diverges_with_an_error():
    """With T² in the gradient, T = 20 diverges at a rate that suits hard labels, without a sound."""
    recipe = Recipe(epochs=10, learning_rate=0.3, batch=50)
    with pytest.raises(TrainingDiverged, match=r"step \d+, learning rate 0\.\d+") as caught:
        train(MLP(SIZES, 1), SURE, soft_targets(20), recipe)
    assert 0 < caught.value.step < 120
    assert 0 < caught.value.learning_rate <= 0.3
    train(MLP(SIZES, 1), SURE, hard_targets(), recipe)


def test_logits_that_overflow_are_an_error():
    with pytest.raises(TrainingDiverged, match="not finite"):
        train(MLP(SIZES, 1), TRANSFER, logit_matching(), Recipe(epochs=5, learning_rate=1e4))


def test_the_last_step_is_looked_at_too(tmp_path):
    recipe = Recipe(epochs=1, learning_rate=1e38, batch=600)
    path = tmp_path / "run.npz"
    with pytest.raises(TrainingDiverged, match="not finite"):
        train(MLP(SIZES, 1), SURE, logit_matching(), recipe, checkpoint=path)
    assert not path.exists()


def test_the_member_that_died_is_named_with_its_rate():
    recipe = Recipe(epochs=10, learning_rate=(0.01, 0.3), batch=50)
    with pytest.raises(TrainingDiverged, match=r"member 1: .* no active unit") as caught:
        train(MLP(SIZES, [1, 2]), SURE, soft_targets(20), recipe)
    assert 0.05 < caught.value.learning_rate <= 0.3


def test_a_layer_that_is_off_in_one_batch_is_no_divergence():
    rng = np.random.default_rng(0)
    data = Dataset(rng.normal(size=(34, 4)).astype(np.float32), np.arange(34) % 2, shape=(2, 2))
    for seed in range(30):  # small layers, a last batch of two, dropout
        recipe = Recipe(epochs=10, learning_rate=0.01, batch=16, dropout=(0, 0.5))
        train(MLP([4, 8, 2], seed), data, hard_targets(), recipe)


def test_a_dead_network_is_found_with_batches_of_one():
    net = MLP([784, 8, 10], 1)
    net.parameters[1][:] = -1000
    with pytest.raises(TrainingDiverged, match="no active unit"):
        train(net, DIGITS.train, hard_targets(), Recipe(epochs=1, learning_rate=1e-9, batch=1))


def test_cases_that_are_all_alike_are_no_divergence():
    alike = DIGITS.train.take(np.zeros(4, dtype=int))
    train(MLP(SIZES, 1), alike, hard_targets(), Recipe(epochs=3, learning_rate=0.01, batch=2))


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"epochs": 1.5}, {"batch": 0}, {"warm_up": -1}, {"jitter": -1},
     {"learning_rate": 0}, {"learning_rate": np.nan}, {"learning_rate": (0.1, -1)},
     {"momentum": 1}, {"momentum": -0.1}, {"dropout": (0.5, 1.0)}, {"max_norm": 0},
     {"max_norm": np.inf}, {"epochs": "5"}, {"epochs": None}, {"dropout": 0.5}],
)  # fmt: skip
def test_bad_recipes(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is"):
        Recipe(**{"epochs": 1, "learning_rate": 0.1} | wrong)


def test_data_that_does_not_fit():
    net = MLP(SIZES, 1)
    x = np.zeros((3, 784), np.float32)
    cases = [
        (DIGITS.train, soft_targets(4), "needs a teacher's logits"),
        (DIGITS.train.unlabelled(), hard_targets(), "needs labels"),
        (TRANSFER.unlabelled(), soft_targets(4, hard_weight=0.5), "needs labels"),
        (DIGITS.train.with_logits(V[:, :9]), soft_targets(4), "9 classes and the network 10"),
        (Dataset(x, np.array([0, 1, 10])), hard_targets(), "a label 10"),
        (Dataset(x[:0], np.zeros(0, int)), hard_targets(), "no cases"),
        (Dataset(x[:, :4], np.zeros(3, int), shape=(2, 2)), hard_targets(), "4 inputs"),
    ]
    for data, objective, message in cases:
        with pytest.raises(ValueError, match=message):
            train(net, data, objective, PLAIN)
    with pytest.raises(ValueError, match="dropout has 2 rates; expected 3"):
        train(net, DIGITS.train, hard_targets(), Recipe(1, 0.1, dropout=(0.2, 0.5)))


def test_members_that_do_not_match():
    one, three = MLP(SIZES, 1), MLP(SIZES, [1, 2, 3])
    two_teachers = DIGITS.train.with_logits(np.stack([V, V]))
    cases = [
        (one, TRANSFER, soft_targets(4), Recipe(1, learning_rate=(0.1,)), "learning_rate has"),
        (
            three,
            TRANSFER,
            soft_targets(4),
            Recipe(1, learning_rate=[0.1, 0.2]),
            "learning_rate has",
        ),
        (three, TRANSFER, soft_targets([1.0, 2.0]), PLAIN, "T has values for 2 members"),
        (one, TRANSFER, soft_targets([4.0]), PLAIN, "no member axis"),
        (three, two_teachers, soft_targets(4), PLAIN, "v has values for 2"),
    ]
    for net, data, objective, recipe, message in cases:
        with pytest.raises(ValueError, match=message):
            train(net, data, objective, recipe)


def test_numbers_of_numpy_are_numbers(tmp_path):
    plain, numpy = MLP(SIZES, 1), MLP(SIZES, np.int64(1))
    recipe = Recipe(epochs=np.int64(2), learning_rate=np.float64(0.02), batch=np.int32(50))
    assert recipe == Recipe(epochs=2, learning_rate=0.02, batch=50)
    assert Recipe(1, np.array([0.1, 0.2])) == Recipe(1, (0.1, 0.2))
    train(plain, TRANSFER, soft_targets(4), Recipe(2, 0.02, 50), rng=3)
    path = tmp_path / "run.npz"
    for T in (np.int64(4), np.float32(4), 4.0, np.array(4.0)):  # one run, so one checkpoint
        train(numpy, TRANSFER, soft_targets(T), recipe, rng=np.int64(3), checkpoint=path)
        assert_same(numpy, plain)
        numpy = MLP(SIZES, 1)
    train(numpy, TRANSFER, soft_targets(4), recipe, rng=np.random.default_rng(0))


def test_a_warm_up_that_never_ends():
    for recipe, steps in (
        (Recipe(4, 0.02, 50, warm_up=48), 48),
        (Recipe(1, 0.02, 600, warm_up=500), 1),
    ):
        with pytest.raises(ValueError, match=f"the whole run has {steps}"):
            train(MLP(SIZES, 1), TRANSFER, soft_targets(4), recipe)


def test_logits_that_the_objective_does_not_use_do_not_matter():
    two_teachers = DIGITS.train.with_logits(np.stack([V, V]))
    a, b = MLP(SIZES, 1), MLP(SIZES, 1)
    train(a, two_teachers, hard_targets(), PLAIN)
    train(b, DIGITS.train, hard_targets(), PLAIN)
    assert_same(a, b)


def test_a_rate_per_member_is_the_same_rate_in_float32():
    stack, alone = MLP(SIZES, [7, 8]), MLP(SIZES, 7)
    train(stack, TRANSFER, soft_targets(4), Recipe(2, (0.02, 0.01), 50))
    train(alone, TRANSFER, soft_targets(4), Recipe(2, 0.02, 50))
    # Rounding of float32, over 24 steps.
    np.testing.assert_allclose(stack[0].parameters[0], alone.parameters[0], atol=1e-6)


@pytest.mark.parametrize("T", [0, -1, np.inf, np.nan, (1.0, 0.0), None])
def test_bad_temperatures_are_errors_before_the_training(T):
    with pytest.raises(ValueError, match="T "):
        soft_targets(T)


def test_alpha_is_the_other_convention():
    """α = 1/5 is w = 4 at a fifth of the gradient, so at five times the learning rate."""
    nets = [MLP(SIZES, 1), MLP(SIZES, 1)]
    train(
        nets[0], TRANSFER, soft_targets(4, hard_weight=4.0), replace(PLAIN, learning_rate=0.004)
    )
    train(nets[1], TRANSFER, soft_targets(4, alpha=0.2), PLAIN)
    for p, q in zip(nets[0].parameters, nets[1].parameters, strict=True):
        np.testing.assert_allclose(p, q, atol=1e-5)
    assert soft_targets(4, alpha=1.0).needs == "v"
    assert soft_targets(4, alpha=0.5).settings != soft_targets(4, 0.5).settings
    with pytest.raises(ValueError, match="expected one of them"):
        soft_targets(4, 0.5, alpha=0.5)


@pytest.mark.parametrize("step", ["fast", "plain"])
def test_a_temperature_for_each_case(step, tmp_path):
    def temperature(batch):
        return 1 + np.abs(batch.v).max(axis=-1)

    objective = soft_targets(temperature)
    batch = Batch(TRANSFER.x[:5], v=TRANSFER.v[:5].astype(float))
    z = np.random.default_rng(1).normal(size=(5, 10))
    T = temperature(batch)[:, None]
    np.testing.assert_array_equal(
        objective.gradient(z, batch), equations.distillation_gradient(z, batch.v, T=T)
    )
    net = MLP(SIZES, 1)
    history = train(net, TRANSFER, objective, PLAIN, step=step)
    assert history.costs[-1] < history.costs[0]
    # A function cannot be told from another, so nothing is kept.
    with pytest.warns(UserWarning, match="does not say its settings"):
        train(net, TRANSFER, objective, PLAIN, checkpoint=tmp_path / "kept.npz", step=step)
    with pytest.raises(ValueError, match=r"T is .*shape \(3, 1\).*function of the batch"):
        soft_targets(np.ones((3, 1)))


@pytest.mark.parametrize("step", ["fast", "plain"])
def test_a_history_records_the_divergence_without_cancellation(step):
    """At T = 1000 the entropy of p is a million times the divergence that is left of it."""
    near = DIGITS.train.with_logits(MLP(SIZES, 1)(DIGITS.train.x) + 1e-4 * V)
    net = MLP(SIZES, 1)
    still = Recipe(epochs=1, learning_rate=1e-12, batch=50)
    recorded = train(net, near, soft_targets(1e3), still, step=step).costs[0][0]
    z, v = net(near.x).astype(float), near.v.astype(float)
    expected = 1e6 * equations.kl_divergence(z, v, 1e3).mean()
    assert recorded == pytest.approx(expected, rel=1e-3)  # the logits are float32


def test_probabilities_are_not_taken_for_a_teachers_logits():
    p = equations.softmax(V)
    for given in (p, p.astype(np.float16), np.eye(10)[DIGITS.train.y]):
        with pytest.raises(ValueError, match=r"v holds probabilities.*insist=True"):
            DIGITS.train.with_logits(given)
        assert DIGITS.train.with_logits(given, insist=True).take([3, 4]).v.shape == (2, 10)


def test_bad_hard_weights():
    with pytest.raises(ValueError, match="hard_weight"):
        soft_targets(4, hard_weight=-1)


# ---------------------------------------------------------------- specialists

CLASSES = np.array([[3, 5, 8], [1, 4, 7], [0, 6, 9]])
SPECIAL = replace(DIGITS.train, y=specialist_labels(DIGITS.train.y, CLASSES, 10))
SHORT = Recipe(epochs=2, learning_rate=0.05, batch=50, warm_up=5, dropout=(0.1, 0.2), jitter=1)


def test_half_of_each_batch_is_special_and_the_rest_comes_from_all_over():
    net = MLP([784, 20, 4], [7, 8, 9])

    def order_of(y, batch, epoch=0):
        data = replace(SPECIAL, x=SPECIAL.x[: y.shape[-1]], y=y)
        return Cases(net, data, "y", replace(PLAIN, batch=batch), 0, 0.5).order(epoch)

    order = order_of(SPECIAL.y, 50)
    assert order.shape == (3, 600)
    for cases, labels in zip(order, SPECIAL.y, strict=True):
        special = (labels[cases] < 3).reshape(12, 50)
        np.testing.assert_array_equal(special.sum(1), 25)
        # All cases of a kind have come before one comes again.
        counts = np.bincount(cases, minlength=600)
        for kind in (labels < 3, labels == 3):
            assert np.ptp(counts[kind]) <= 1
        # Not sorted by class.
        assert len(np.unique(labels[cases[:25]])) == 3
    # Also half of a shorter last batch, and of data smaller than a batch.
    for size, batch in ((590, 50), (30, 100)):
        shorter = order_of(SPECIAL.y[:, :size], batch)
        last = shorter[:, size - size % batch :]
        for cases, labels in zip(last, SPECIAL.y, strict=True):
            assert (labels[cases] < 3).sum() == last.shape[1] // 2
    assert (order != order_of(SPECIAL.y, 50, epoch=1)).any()


def test_specialists_of_a_stack_are_those_trained_alone():
    stack = MLP([784, 20, 4], [7, 8, 9])
    train(stack, SPECIAL, hard_targets(), SHORT, rng=3, special=0.5)
    for k, seed in enumerate((7, 8, 9)):
        alone = MLP([784, 20, 4], seed)
        own = replace(SPECIAL, y=SPECIAL.y[k])
        train(alone, own, hard_targets(), SHORT, rng=3, special=0.5)
        for p, q in zip(stack[k].parameters, alone.parameters, strict=True):
            np.testing.assert_allclose(p, q, rtol=1e-4, atol=1e-5)
        z = alone(DIGITS.test.x)
        y = specialist_labels(DIGITS.test.y, CLASSES, 10)[k]
        assert errors(z, y) < 0.5 * len(y)


def test_specialists_go_on_where_they_were_stopped(tmp_path):
    class Stopped(Exception):
        pass

    def stop(net, epoch):
        raise Stopped

    whole = MLP([784, 20, 4], [7, 8, 9])
    train(whole, SPECIAL, hard_targets(), SHORT, special=0.5)
    options = {"special": 0.5, "checkpoint": tmp_path / "s.npz", "seconds_between": 0}
    for observe in (None, stop):
        net = MLP([784, 20, 4], [7, 8, 9])
        recipe = SHORT if observe is None else replace(SHORT, epochs=3)
        if observe is None:
            train(net, SPECIAL, hard_targets(), recipe, **options)
            assert_same(net, whole)
        else:
            with pytest.raises(ValueError, match="belongs to another run"):
                train(net, SPECIAL, hard_targets(), recipe, **options)
    with pytest.raises(ValueError, match="belongs to another run"):
        train(MLP([784, 20, 4], [7, 8, 9]), SPECIAL, hard_targets(), SHORT,
              **options | {"special": 0.4})  # fmt: skip


def test_specialists_train_on_a_device(fake_gpu):
    here, there = MLP([784, 20, 4], [7, 8, 9]), MLP([784, 20, 4], [7, 8, 9], device="cuda")
    recipe = replace(SHORT, dropout=())
    for net in (here, there):
        train(net, SPECIAL, hard_targets(), recipe, special=0.5)
    np.testing.assert_allclose(here(DIGITS.test.x), there(DIGITS.test.x), rtol=1e-4, atol=1e-4)


def test_specialists_that_cannot_be_trained():
    def start(y=SPECIAL.y, special=0.5, objective=None, seeds=(7, 8, 9)):
        data = replace(SPECIAL, y=y, v=np.zeros((600, 4)))
        net = MLP([784, 5, 4], seeds)
        train(net, data, objective or hard_targets(), SHORT, special=special)

    everything = SPECIAL.y.copy()
    everything[1] = 3
    with pytest.raises(ValueError, match="member 1 has only cases in the dustbin, the class 3"):
        start(everything)
    everything[1] = 0
    with pytest.raises(ValueError, match="member 1 has no cases in the dustbin"):
        start(everything)
    for special in (0.0, 1.0, 0.001):
        with pytest.raises(ValueError, match=f"special is {special}"):
            start(special=special)
    with pytest.raises(ValueError, match="needs hard targets"):
        start(objective=soft_targets(2.0))
    with pytest.raises(ValueError, match="y has values for 3 members; the network has 2"):
        start(seeds=(7, 8))
