"""Inputs that once gave wrong numbers in silence: right, or an error that says why."""

from __future__ import annotations

import numpy as np
import pytest

import minikd
from minikd import combination, equations, evaluate
from minikd.statistics import paired_test

RNG = np.random.default_rng(11)
PAIRS = ["soft_target_cost", "soft_target_gradient", "distillation_cost", "distillation_gradient",
         "high_temperature_gradient", "zero_mean_gradient"]  # fmt: skip


# ---------------------------------------------------------------- half precision


def test_half_precision_is_computed_in_float32():
    """Its sums overflow at 65,504, and T² does at T = 256."""
    q = equations.softmax(np.zeros((1, 65_536), np.float16))
    assert q.dtype == np.float32
    assert q.sum() == pytest.approx(1, abs=1e-5)
    z, v = (RNG.normal(0, 3, (4, 1000)).astype(np.float16) for _ in range(2))
    for name in PAIRS:
        half = getattr(equations, name)(z, v, T=300.0)
        assert half.dtype == np.float32
        single = getattr(equations, name)(z.astype(np.float32), v.astype(np.float32), T=300.0)
        np.testing.assert_array_equal(half, single)
        assert np.abs(half).max() > 0
    y = np.arange(4)
    for name in ("hard_target_cost", "hard_target_gradient"):
        assert getattr(equations, name)(z, y).dtype == np.float32
    assert equations.entropy(z, 20.0).dtype == np.float32


# ---------------------------------------------------------------- labels of small types


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int32, np.uint64])
def test_labels_of_any_integer_type_count_the_same(dtype):
    """62 · 61 does not fit into a byte."""
    y = np.arange(62).repeat(3)
    z = np.eye(62)[y]
    z[5] = np.eye(62)[0]
    expected = evaluate.confusion(z, y)
    np.testing.assert_array_equal(evaluate.confusion(z, y.astype(dtype)), expected)
    assert evaluate.errors_per_class(z, y.astype(dtype)).sum() == 1
    assert evaluate.errors(z, y.astype(dtype)) == 1


# ---------------------------------------------------------------- entropy


@pytest.mark.parametrize("z", [[1e308, -1e307], [800.0, 0.0], [0.0, -1e300, -1e300]])
def test_the_entropy_of_a_sure_answer_is_zero(z):
    with np.errstate(over="ignore"):
        assert equations.entropy(z) == pytest.approx(0, abs=1e-300)


def test_entropy_is_right_where_it_is_not_zero():
    assert equations.entropy([0.0] * 10) == pytest.approx(np.log(10))
    q = equations.softmax([1.0, 2.0, 3.0])
    assert equations.entropy([1.0, 2.0, 3.0]) == pytest.approx(-(q * np.log(q)).sum())


# ---------------------------------------------------------------- temperatures


@pytest.mark.parametrize(
    "T",
    [
        10**400,
        -(10**400),
        1j,
        np.complex64(2),
        "4",
        None,
        [1j],
        ["4"],
        np.array([1j]),
        np.array(["4"]),
    ],
)
@pytest.mark.parametrize("name", [*PAIRS, "softmax", "log_softmax", "entropy"])
def test_temperatures_that_are_none_are_an_error_of_one_line(name, T):
    logits = [np.zeros((2, 3))] * (2 if name in PAIRS else 1)
    with pytest.raises(ValueError, match=r"^T "):
        getattr(equations, name)(*logits, T=T)


# ---------------------------------------------------------------- kinds of arrays


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_a_matrix_is_an_array():
    z = np.matrix([[1.0, 2.0], [3.0, 5.0]])
    q = equations.softmax(z)
    assert type(q) is np.ndarray
    np.testing.assert_array_equal(q, equations.softmax(np.asarray(z)))
    assert equations.hard_target_cost(z, [0, 1]).shape == (2,)


@pytest.mark.parametrize("name", [*PAIRS, "softmax", "entropy", "logit_matching_cost"])
def test_masked_arrays_are_refused(name):
    """Their masked part would be left out without a word."""
    z = np.ma.masked_greater(np.arange(6.0).reshape(2, 3), 4)
    logits = [z, z] if name in (*PAIRS, "logit_matching_cost") else [z]
    with pytest.raises(ValueError, match="z is a masked array; expected plain logits"):
        getattr(equations, name)(*logits)


# ---------------------------------------------------------------- classes of specialists


@pytest.mark.parametrize(
    "name",
    ["combination_cost", "combination_gradient", "reverse_combination_cost",
     "reverse_combination_gradient"],
)  # fmt: skip
@pytest.mark.parametrize("classes", [[[1, 1]], [[0, 9]], [[0, 1, 2, 3]], [[0.0, 1.0]]])
def test_classes_that_cannot_be_are_an_error_also_in_the_cost(name, classes):
    """With a class twice, a sum of KL divergences was negative."""
    z, v = RNG.normal(size=(2, 5, 4))
    u = RNG.normal(size=(1, 5, len(classes[0]) + 1))
    with pytest.raises(ValueError, match=r"class"):
        getattr(combination, name)(z, v, u, classes, np.ones((5, 1), bool))


# ---------------------------------------------------------------- what users reach for


def test_the_package_exports_what_its_users_reach_for():
    assert minikd.softmax is equations.softmax
    assert minikd.confusion is evaluate.confusion
    assert minikd.paired_test is paired_test
    for name in (*equations.__all__, "Objective", "Batch", "save_figure"):
        assert name in minikd.__all__
        assert callable(getattr(minikd, name))
