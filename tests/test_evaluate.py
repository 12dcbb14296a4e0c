"""Counting errors and moving biases, against the plain way."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from scipy.stats import binomtest

from minikd import (
    MLP,
    Dataset,
    errors,
    errors_per_class,
    load_glyphs,
    progress,
    sweep_bias,
    with_bias,
)
from minikd.evaluate import (
    calibration_error,
    confusion,
    fit_temperature,
    log_loss,
    logits_over_views,
)
from minikd.statistics import paired_test, share_interval

RNG = np.random.default_rng(6)
Z, Y = RNG.normal(0, 3, (500, 10)), RNG.integers(0, 10, 500)


def test_errors():
    assert errors(Z, Y) == (Z.argmax(-1) != Y).sum()
    assert isinstance(errors(Z, Y), int)
    stack = np.stack([Z, -Z])
    np.testing.assert_array_equal(errors(stack, Y), [errors(Z, Y), errors(-Z, Y)])
    per_class = errors_per_class(Z, Y)
    assert per_class.shape == (10,)
    assert per_class.sum() == errors(Z, Y)
    assert per_class[3] == errors(Z[Y == 3], Y[Y == 3])
    table = confusion(Z, Y)
    assert table[3, 5] == ((Y == 3) & (Z.argmax(-1) == 5)).sum()
    assert table.sum() == len(Y)
    np.testing.assert_array_equal(table.sum(-1) - table.diagonal(), per_class)


@pytest.mark.parametrize("classes", [(3,), (7, 8), (0, 1, 2, 3, 4, 5, 6, 9)])
def test_the_sweep_is_the_plain_count(classes):
    biases = np.arange(-10, 10.5, 0.5) + 0.123
    sweep = sweep_bias(Z, Y, classes, biases)
    np.testing.assert_array_equal(
        sweep.errors, [errors(with_bias(Z, classes, b), Y) for b in biases]
    )
    assert sweep.errors[list(biases).index(sweep.best)] == sweep.errors.min()


def test_of_several_best_biases_it_takes_the_middle_one():
    z = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert sweep_bias(z, [0, 1], [1], [-0.9, -0.5, 0.0, 0.5, 0.9]).best == 0.0


def test_of_two_equal_logits_the_first_is_the_answer():
    """In the sweep as well: the bias must exceed what class 1 lacks."""
    assert errors(with_bias([[1.0, 0.0]], [1], 1.0), [0]) == 0
    np.testing.assert_array_equal(sweep_bias([[1.0, 0.0]], [0], [1], [1, 1.01]).errors, [0, 1])


def test_the_sweep_says_which_biases_it_tried():
    biases = sweep_bias(Z, Y, [3], [-1, 0, 2]).biases
    np.testing.assert_array_equal(biases, np.array([-1.0, 0.0, 2.0]), strict=True)


def test_a_bias_undoes_a_bias():
    y = Z.argmax(-1)
    sweep = sweep_bias(with_bias(Z, [3], -4.0), y, [3], np.arange(0, 8.1, 0.1))
    assert sweep.errors.min() == 0
    assert sweep.best == pytest.approx(4.0, abs=0.1)


def test_with_bias_writes_to_nothing():
    z = Z.copy()
    moved = with_bias(z, [3], 2.0)
    np.testing.assert_array_equal(z, Z)
    np.testing.assert_array_equal((moved - z)[0], 2.0 * (np.arange(10) == 3))


@pytest.mark.parametrize(
    ("given", "got"),
    [
        ("float64", "float64"),
        ("float32", "float32"),
        ("float16", "float32"),
        ("int8", "float64"),
    ],
)
def test_logits_with_a_bias_are_fine_enough_for_it(given, got):
    """Next to 100, half precision has 100.06."""
    moved = with_bias(np.array([[100, 7]], given), [0], 0.01)
    assert moved.dtype == got
    np.testing.assert_allclose(moved, [[100.01, 7]], rtol=np.finfo(got).eps)


def test_logits_over_views():
    data = load_glyphs(train=30, test=1).train
    net = MLP([784, 20, 10], [1, 2], dtype=np.float64)
    np.testing.assert_array_equal(logits_over_views(net, data, 0), net(data.x))
    got = logits_over_views(net, data, 1)
    images = np.pad(data.x.reshape(30, 28, 28), ((0, 0), (1, 1), (1, 1)))
    moved = [
        images[:, i : i + 28, j : j + 28].reshape(30, 784) for i in range(3) for j in range(3)
    ]
    np.testing.assert_allclose(got, np.mean([net(x) for x in moved], axis=0), rtol=1e-12)


class Slow(MLP):
    """A network that takes its time: long enough for a line of progress."""

    def __call__(self, x):
        time.sleep(0.05)
        return super().__call__(x)


def test_many_cases_come_in_batches_and_their_progress_is_shown(monkeypatch, capsys):
    monkeypatch.setattr(progress, "SILENCE", 0.01)
    data = Dataset(np.random.default_rng(0).random((2001, 4)), shape=(2, 2))
    net = Slow([4, 3], [1, 2], dtype=np.float64)
    got = logits_over_views(net, data, 0, progress="teacher")
    np.testing.assert_allclose(got, net(data.x), rtol=1e-12)
    said = capsys.readouterr().err
    assert "teacher: batch " in said
    assert " of 2" in said


@pytest.mark.parametrize(
    ("errors", "cases"), [(0, 10), (1, 10), (3, 10), (10, 10), (74, 10_000), (4730, 10_000)]
)
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_the_interval_of_a_share_is_that_of_scipy(errors, cases, level):
    exact = binomtest(errors, cases).proportion_ci(level, "exact")
    assert share_interval(errors, cases, level) == pytest.approx(
        (exact.low, exact.high), rel=1e-9
    )


def test_paired_test_is_mcnemar():
    wrong = RNG.random((2, 200)) < 0.3
    b, c = int((wrong[0] & ~wrong[1]).sum()), int((wrong[1] & ~wrong[0]).sum())
    tail = sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)
    assert paired_test(*wrong) == pytest.approx(min(1, 2 * tail))
    assert paired_test(wrong[0], wrong[0]) == 1


def test_bad_calls():
    grid = np.array([0.0])
    for z, y in ((Z, Y[:-1]), (Z, Y[:1]), (Z[0], Y)):
        with pytest.raises(ValueError, match="a row per label"):
            errors(z, y)
        with pytest.raises(ValueError, match="a row per label"):
            sweep_bias(z, y, [3], grid)
    for y in (Y + 10, Y - 20, Y.astype(float)):
        with pytest.raises(ValueError, match="labels"):
            errors_per_class(Z, y)
    with pytest.raises(ValueError, match="NaN"):
        errors(np.where(Z > 5, np.nan, Z), Y)
    for classes in ((), tuple(range(10))):
        with pytest.raises(ValueError, match="not all"):
            sweep_bias(Z, Y, classes, grid)
    for classes in ((-7,), (10,), (2.5,)):
        with pytest.raises(ValueError, match="classes from 0 to 9"):
            sweep_bias(Z, Y, classes, grid)
        with pytest.raises(ValueError, match="classes from 0 to 9"):
            with_bias(Z, classes, 1.0)
    with pytest.raises(ValueError, match="one bias or more"):
        sweep_bias(Z, Y, [3], [])
    with pytest.raises(ValueError, match=r"expected \(n, N\)"):
        sweep_bias(np.stack([Z, Z]), Y, [3], grid)
    with pytest.raises(ValueError, match="one network at a time"):
        errors_per_class(np.stack([Z, Z]), Y)
    with pytest.raises(ValueError, match=r"like \[7, 8\]"):
        with_bias(Z, "3", 1.0)
    for three in (3, np.int64(3), [3], (3,), np.array([3]), np.array(3), {3}, range(3, 4)):
        np.testing.assert_array_equal(with_bias(Z, three, 1.0), with_bias(Z, [3], 1.0))
        assert sweep_bias(Z, Y, three, grid).best == 0
    np.testing.assert_array_equal(with_bias([[1, 2]], [0], 0.5), [[1.5, 2]])
    with pytest.raises(ValueError, match=r"expected \(n,\) for both"):
        paired_test([True, False, True], [True])
    with pytest.raises(ValueError, match="pixels is -1"):
        logits_over_views(MLP([784, 10], 0), load_glyphs(train=1, test=1).train, -1)
    assert errors_per_class(Z.tolist(), Y.tolist()).sum() == errors(Z, Y)
    with pytest.raises(ValueError, match=r"^z has shape \(3, 0\); expected \(\.\.\., N\)$"):
        with_bias(np.zeros((3, 0)), [], 1.0)
    with pytest.raises(ValueError, match=r"^biases has shape \(1, 1\); expected \(biases,\)$"):
        sweep_bias(Z, Y, [3], [grid])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"net": 3}, r"net is 3; expected a network, like MLP\(\[784, 100, 10\], rng=0\)"),
        ({"progress": 3}, "progress is 3; expected a title, or None for no progress bar"),
    ],
)
def test_what_views_need(wrong, said):
    right = {
        "net": MLP([4, 3], 0),
        "data": Dataset(np.zeros((1, 4)), shape=(2, 2)),
        "pixels": 1,
    }
    with pytest.raises(ValueError, match=f"^{said}$"):
        logits_over_views(**right | wrong)


def test_log_loss():
    q = np.exp(Z) / np.exp(Z).sum(-1, keepdims=True)
    assert log_loss(Z, Y) == pytest.approx(-np.log(q[np.arange(500), Y]).mean(), rel=1e-12)
    assert type(log_loss(Z, Y)) is float  # as records are written
    np.testing.assert_allclose(
        log_loss(np.stack([Z, -Z]), Y), [log_loss(Z, Y), log_loss(-Z, Y)]
    )
    # In float64, whatever the logits are: a mean of float32 would lose digits.
    assert log_loss(Z.astype(np.float32), Y) == pytest.approx(log_loss(Z, Y), rel=1e-6)


def test_calibration():
    """Labels drawn by the probabilities themselves are calibrated; sharper logits are not."""
    rng = np.random.default_rng(0)
    z = rng.normal(0, 2, (20_000, 10))
    q = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    y = (rng.random((20_000, 1)) > q.cumsum(-1)).sum(-1)
    assert calibration_error(z, y) < 0.015
    assert calibration_error(3 * z, y) > 0.2
    assert calibration_error(z / 3, y) > 0.2
    assert fit_temperature(3 * z, y) == pytest.approx(3, rel=0.03)
    found = fit_temperature(z / 3, y)
    assert found == pytest.approx(1 / 3, rel=0.03)
    assert log_loss(z / 3 / found, y) < log_loss(z / 3, y)
    # Nine of ten right, all with certainty: confidence is a tenth too high.
    assert calibration_error(900 * np.eye(10), np.r_[:9, 0]) == pytest.approx(0.1)
    # One bin: the difference of the means.
    sure = q.max(-1).mean()
    right = (z.argmax(-1) == y).mean()
    assert calibration_error(z, y, bins=1) == pytest.approx(abs(right - sure), rel=1e-9)
    for bins in (0, 2.5):
        with pytest.raises(ValueError, match=f"bins is {bins}"):
            calibration_error(z, y, bins=bins)
    # Too sure in one bin and not sure enough in another: they do not cancel.
    mixed = np.log([[0.95, 0.05], [0.95, 0.05], [0.55, 0.45], [0.55, 0.45]])
    assert calibration_error(mixed, [0, 1, 0, 0]) == pytest.approx(0.45)
    with pytest.raises(ValueError, match="no cases"):
        log_loss(z[:0], y[:0])
    with pytest.raises(ValueError, match="one case and one bin"):
        calibration_error(z[:0], y[:0])
    with pytest.raises(ValueError, match=r"expected \(n, N\)"):
        calibration_error(np.stack([z, z]), y)


def test_confidence_is_sorted_into_fifteen_bins():
    """0.61 and 0.65 are in one of fifteen, but in two of fourteen or of sixteen."""
    z = np.log([[0.61, 0.39], [0.65, 0.35]])
    assert calibration_error(z, [0, 1]) == pytest.approx((0.65 - 0.39) / 2)


def test_certainty_is_in_the_last_bin():
    z = np.array([[900.0, 0.0], np.log([0.95, 0.05])])
    assert calibration_error(z, [1, 0]) == pytest.approx((1 - 0.05) / 2)


@pytest.mark.parametrize(("all_right", "T"), [(True, 1 / 20), (False, 20)])
def test_the_temperature_stays_between_a_twentieth_and_twenty(all_right, T):
    """The sharper the better if all answers are right, the softer the better if all are wrong."""
    y = np.arange(10)
    assert fit_temperature(np.eye(10)[y if all_right else y - 1], y) == pytest.approx(
        T, rel=1e-4
    )


@pytest.mark.parametrize("classes", [(0,), (3,), (1, 2), (0, 3)])
def test_a_sweep_counts_what_a_moved_bias_makes_also_where_logits_are_equal(classes):
    rng = np.random.default_rng(5)
    z, y = rng.integers(-2, 3, (200, 4)).astype(float), rng.integers(0, 4, 200)
    biases = np.arange(-4.0, 5.0)
    counted = [errors(with_bias(z, classes, bias), y) for bias in biases]
    assert sweep_bias(z, y, classes, biases).errors.tolist() == counted
