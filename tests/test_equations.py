"""Every equation of Section 2, against the complex step, against SciPy, and in its limits."""

from __future__ import annotations

import ast
import inspect

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from minikd import equations as eq
from minikd import gradcheck

RNG = np.random.default_rng(0)
Z, V = RNG.normal(0, 3, (2, 6, 10))
Y = RNG.integers(0, 10, 6)
TEMPERATURES = [0.5, 1.0, 2.5, 20.0]

logits = hnp.arrays(np.float64, (3, 5), elements=st.floats(-1e4, 1e4))
temperature = st.floats(1e-2, 1e3)


def case_gradient(cost, gradient, *rest, **options):
    """A cost with its gradient, as gradcheck wants them."""

    def func(z):
        c = cost(z, *rest, **options)
        return c, lambda dc: dc[..., None] * gradient(z, *rest, **options)

    return func


# ---------------------------------------------------------------- gradients


@pytest.mark.parametrize("T", TEMPERATURES)
def test_eq_2_is_the_gradient_of_the_soft_target_cost(T):
    assert gradcheck(case_gradient(eq.soft_target_cost, eq.soft_target_gradient, V, T=T), Z)


def test_logit_matching_gradient():
    assert gradcheck(case_gradient(eq.logit_matching_cost, eq.logit_matching_gradient, V), Z)


def test_hard_target_gradient():
    assert gradcheck(case_gradient(eq.hard_target_cost, eq.hard_target_gradient, Y), Z)


@pytest.mark.parametrize("T", TEMPERATURES)
@pytest.mark.parametrize("hard_weight", [0.0, 0.1, 2.0])
def test_distillation_gradient(T, hard_weight):
    func = case_gradient(
        eq.distillation_cost, eq.distillation_gradient, V, Y, T=T, hard_weight=hard_weight
    )
    assert gradcheck(func, Z)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("kl", [False, True])
def test_the_gradient_does_not_depend_on_the_convention(alpha, kl):
    def func(z):
        return eq.distillation_cost(
            z, V, Y, T=4.0, alpha=alpha, kl=kl
        ), lambda dc: dc[..., None] * eq.distillation_gradient(z, V, Y, T=4.0, alpha=alpha)

    assert gradcheck(func, Z)


def test_alpha_is_hard_weight_at_another_scale():
    for f in (eq.distillation_cost, eq.distillation_gradient):
        given = f(Z, V, Y, T=4.0, alpha=0.2)
        np.testing.assert_allclose(given, 0.2 * f(Z, V, Y, T=4.0, hard_weight=0.8 / 0.2))
    for alpha in (-0.1, 1.1, "a", np.nan):
        with pytest.raises(ValueError, match="alpha is"):
            eq.distillation_cost(Z, V, Y, alpha=alpha)
    with pytest.raises(ValueError, match="expected one of them"):
        eq.distillation_cost(Z, V, Y, hard_weight=1.0, alpha=0.5)
    with pytest.raises(ValueError, match=r"alpha is 0\.5 but there are no labels"):
        eq.distillation_gradient(Z, V, alpha=0.5)


def test_alpha_is_the_convention_of_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    F, T, alpha = torch.nn.functional, 3.0, 0.7
    z = torch.tensor(Z, requires_grad=True)
    soft = F.kl_div(
        F.log_softmax(z / T, -1), F.softmax(torch.tensor(V) / T, -1), reduction="batchmean"
    )
    cost = alpha * T**2 * soft + (1 - alpha) * F.cross_entropy(z, torch.tensor(Y))
    cost.backward()
    own = eq.distillation_cost(Z, V, Y, T=T, alpha=alpha, kl=True).mean()
    assert own == pytest.approx(cost.item(), rel=1e-12)
    dz = eq.distillation_gradient(Z, V, Y, T=T, alpha=alpha) / len(Z)
    np.testing.assert_allclose(dz, z.grad.numpy(), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("T", [0.5, 2.5, 20.0, 1e3])
def test_the_derivative_by_the_temperature(T):
    def func(T):
        # Each case has its own T, so that the derivative of each is seen.
        dT = eq.temperature_gradient(Z, V, np.real(T)[:, None])
        return eq.soft_target_cost(Z, V, T[:, None]), lambda dc: dc * dT

    assert gradcheck(func, np.full(6, T) + np.arange(6) / 10, method="central")


def test_a_temperature_per_member_and_one_per_case():
    z = RNG.normal(0, 3, (4, 6, 10))
    per_member = np.array([1.0, 2.0, 5.0, 20.0]).reshape(4, 1, 1)
    for f in (eq.soft_target_cost, eq.soft_target_gradient, eq.distillation_cost,
              eq.distillation_gradient, eq.high_temperature_gradient, eq.zero_mean_gradient):  # fmt: skip
        together = f(z, V, T=per_member)
        for k, T in enumerate(per_member.ravel()):
            np.testing.assert_allclose(together[k], f(z[k], V, T=float(T)), rtol=1e-14)
    per_case = np.linspace(1, 6, 6)[:, None]
    by_case = [
        eq.distillation_cost(Z[[i]], V[[i]], T=float(per_case[i, 0]))[0] for i in range(6)
    ]
    np.testing.assert_allclose(eq.distillation_cost(Z, V, T=per_case), by_case, rtol=1e-14)


# ---------------------------------------------------------------- values


def test_against_scipy():
    np.testing.assert_allclose(eq.softmax(Z, 3.0), special.softmax(Z / 3, axis=-1), rtol=1e-14)
    np.testing.assert_allclose(
        eq.log_softmax(Z, 3.0), special.log_softmax(Z / 3, -1), rtol=1e-13
    )
    p, q = special.softmax(V / 3, -1), special.softmax(Z / 3, -1)
    np.testing.assert_allclose(eq.entropy(V, 3.0), stats.entropy(p, axis=-1), rtol=1e-13)
    # Cross-entropy is entropy plus KL divergence (question 4: the gradients are the same).
    np.testing.assert_allclose(
        eq.soft_target_cost(Z, V, 3.0), stats.entropy(p, axis=-1) + stats.entropy(p, q, axis=-1)
    )


def test_costs_by_hand_for_two_classes():
    # p = (3/4, 1/4) and q = (1/2, 1/2).
    z, v = [[0.0, 0.0]], [[np.log(3.0), 0.0]]
    assert eq.soft_target_cost(z, v)[0] == pytest.approx(np.log(2), rel=1e-15)
    np.testing.assert_allclose(eq.soft_target_gradient(z, v), [[-0.25, 0.25]], rtol=1e-15)
    assert eq.hard_target_cost(z, [1])[0] == pytest.approx(np.log(2), rel=1e-15)
    np.testing.assert_allclose(eq.hard_target_gradient(z, [1]), [[0.5, -0.5]], rtol=1e-15)
    assert eq.logit_matching_cost(z, v)[0] == pytest.approx(np.log(3) ** 2 / 2, rel=1e-15)
    both = eq.distillation_cost(z, v, [1], T=1.0, hard_weight=0.5)
    assert both[0] == pytest.approx(1.5 * np.log(2), rel=1e-15)
    # With two classes, softmax is the logistic function of the difference, at any T.
    np.testing.assert_allclose(eq.softmax([[1.0, 4.0]], T=2)[0, 1], special.expit(1.5))


def test_hard_targets_are_soft_targets_that_are_certain():
    sure = np.where(np.arange(10) == Y[:, None], 1000.0, 0.0)
    np.testing.assert_allclose(eq.hard_target_cost(Z, Y), eq.soft_target_cost(Z, sure))
    np.testing.assert_allclose(
        eq.hard_target_gradient(Z, Y), eq.soft_target_gradient(Z, sure), atol=1e-15
    )


@given(logits, temperature)
def test_softmax_is_a_distribution_and_finite(z, T):
    q = eq.softmax(z, T)
    np.testing.assert_allclose(q.sum(-1), 1, rtol=1e-12)
    assert (q >= 0).all()
    assert np.isfinite(eq.log_softmax(z, T)).all()
    H = eq.entropy(z, T)
    assert (H >= -1e-12).all()
    assert (np.log(5) + 1e-12 >= H).all()


@given(logits, logits, st.floats(-100, 100), st.floats(0.5, 100))
def test_adding_a_constant_to_all_logits_changes_nothing(z, v, c, T):
    np.testing.assert_allclose(eq.softmax(z + c, T), eq.softmax(z, T), atol=1e-9)
    np.testing.assert_allclose(
        eq.soft_target_gradient(z + c, v - c, T), eq.soft_target_gradient(z, v, T), atol=1e-8
    )


@given(logits, logits, temperature)
def test_no_cost_is_below_the_entropy_of_the_soft_targets(z, v, T):
    slack = 1e-9 * (1 + np.abs(eq.soft_target_cost(z, v, T)))
    assert (eq.soft_target_cost(z, v, T) >= eq.entropy(v, T) - slack).all()
    # Reached where the student equals the teacher, and there the gradient is zero.
    np.testing.assert_allclose(eq.soft_target_cost(v, v, T), eq.entropy(v, T), atol=1e-9)
    assert not eq.soft_target_gradient(v, v, T).any()


@given(logits, st.floats(0.1, 100), st.floats(1.01, 10))
@settings(deadline=None)
def test_entropy_grows_with_temperature(z, T, factor):
    assert (eq.entropy(z, T * factor) >= eq.entropy(z, T) - 1e-9).all()


def test_gradients_of_a_case_sum_to_zero():
    # Only differences of logits matter, so no cost changes along (1, …, 1).
    for T in TEMPERATURES:
        np.testing.assert_allclose(eq.soft_target_gradient(Z, V, T).sum(-1), 0, atol=1e-15)


def test_kl_is_what_a_cost_has_above_the_entropy_of_p():
    for T in TEMPERATURES:
        above = eq.soft_target_cost(Z, V, T) - eq.entropy(V, T)
        np.testing.assert_allclose(eq.kl_divergence(Z, V, T), above, rtol=1e-12, atol=1e-15)
    by_hand = stats.entropy(eq.softmax(V, 3.0), eq.softmax(Z, 3.0), axis=-1)
    np.testing.assert_allclose(eq.kl_divergence(Z, V, 3.0), by_hand, rtol=1e-12)


@given(logits, logits, temperature)
def test_kl_is_never_negative_and_zero_for_equal_logits(z, v, T):
    z32, v32 = z.astype(np.float32), v.astype(np.float32)
    assert (eq.kl_divergence(z, v, T) >= 0).all()
    assert (eq.kl_divergence(z32, v32, T) >= 0).all()
    assert not eq.kl_divergence(z, z, T).any()
    assert not eq.softmax_difference(z, z, T).any()


@given(logits, logits, temperature)
def test_a_difference_of_softmaxes_is_their_difference(z, v, T):
    direct = eq.softmax(z, T) - eq.softmax(v, T)
    np.testing.assert_allclose(eq.softmax_difference(z, v, T), direct, rtol=1e-9, atol=4e-15)


# ---------------------------------------------------------------- limits


def slope(T, error):
    """The power of T with which the error falls, fitted."""
    return np.polyfit(np.log(T), np.log(error), 1)[0]


def test_eq_3_and_eq_4_approach_eq_2_at_their_order():
    T = np.geomspace(1e3, 1e5, 9)
    z, v = Z + 2, V - 1  # means that are far from zero and from each other
    z0, v0 = (a - a.mean(-1, keepdims=True) for a in (z, v))

    def errors(f, z, v):
        return [np.abs(f(z, v, t) - eq.soft_target_gradient(z, v, t)).max() for t in T]

    size = [np.abs(eq.soft_target_gradient(z, v, t)).max() for t in T]
    assert slope(T, size) == pytest.approx(-2, abs=0.01)
    assert slope(T, errors(eq.high_temperature_gradient, z, v)) == pytest.approx(-3, abs=0.01)
    assert slope(T, errors(eq.zero_mean_gradient, z0, v0)) == pytest.approx(-3, abs=0.01)
    # Without zero means, Eq. 4 stays wrong by the difference of the means, at any T.
    assert slope(T, errors(eq.zero_mean_gradient, z, v)) == pytest.approx(-2, abs=0.01)
    wrong = eq.zero_mean_gradient(z, v, 1e5) - eq.soft_target_gradient(z, v, 1e5)
    means = (z.mean(-1) - v.mean(-1))[:, None]
    np.testing.assert_allclose(1e10 * 10 * wrong, np.broadcast_to(means, z.shape), rtol=1e-2)


def test_eq_3_with_zero_means_is_eq_4():
    z, v = (a - a.mean(-1, keepdims=True) for a in (Z, V))
    np.testing.assert_allclose(
        eq.high_temperature_gradient(z, v, 7.0), eq.zero_mean_gradient(z, v, 7.0), rtol=1e-12
    )


def test_eq_4_is_the_gradient_of_logit_matching_up_to_a_factor():
    np.testing.assert_allclose(
        eq.zero_mean_gradient(Z, V, 5.0), eq.logit_matching_gradient(Z, V) / (10 * 25)
    )


def test_t_squared_keeps_the_size_of_the_gradient():
    # Question 1, why T²: from T = 20 to 200 Eq. 2 shrinks a hundredfold; times T², it stays.
    small, large = (np.linalg.norm(eq.soft_target_gradient(Z, V, T)) for T in (20.0, 200.0))
    assert small / large == pytest.approx(100, rel=0.1)
    small, large = (np.linalg.norm(eq.distillation_gradient(Z, V, T=T)) for T in (20.0, 200.0))
    assert small / large == pytest.approx(1, rel=0.1)


def test_at_low_temperature_logits_far_below_get_little_attention():
    # Section 2.1: the student is wrong about a class that the teacher finds very unlikely.
    v = np.array([[5.0, 0.0, -20.0]])
    z = v + np.array([0.0, 0.0, 5.0])
    low, high = (eq.distillation_gradient(z, v, T=T)[0, 2] for T in (1.0, 100.0))
    assert abs(low) < 1e-6
    assert high > 0.5


# ---------------------------------------------------------------- every array library


ALL = [
    lambda z, v, y: eq.softmax(z, T=3.0),
    lambda z, v, y: eq.log_softmax(z, T=3.0),
    lambda z, v, y: eq.entropy(z, T=3.0),
    lambda z, v, y: eq.softmax_difference(z, v, T=3.0),
    lambda z, v, y: eq.kl_divergence(z, v, T=3.0),
    lambda z, v, y: eq.temperature_gradient(z, v, T=3.0),
    lambda z, v, y: eq.soft_target_cost(z, v, T=3.0),
    lambda z, v, y: eq.soft_target_gradient(z, v, T=3.0),
    lambda z, v, y: eq.high_temperature_gradient(z, v, T=3.0),
    lambda z, v, y: eq.zero_mean_gradient(z, v, T=3.0),
    lambda z, v, y: eq.logit_matching_cost(z, v),
    lambda z, v, y: eq.logit_matching_gradient(z, v),
    lambda z, v, y: eq.hard_target_cost(z, y),
    lambda z, v, y: eq.hard_target_gradient(z, y),
    lambda z, v, y: eq.distillation_cost(z, v, y, T=3.0, hard_weight=0.5),
    lambda z, v, y: eq.distillation_gradient(z, v, y, T=3.0, hard_weight=0.5),
]


@pytest.mark.parametrize("call", ALL)
def test_runs_on_any_array_and_writes_to_none(arrays, call):
    z, v, y = arrays(Z), arrays(V), arrays(Y)
    got = call(z, v, y)
    assert type(got) is type(z)
    assert got.dtype == z.dtype
    assert got.device == z.device
    scale = np.abs(call(Z, V, Y)).max()
    np.testing.assert_allclose(
        arrays.back(got), call(Z, V, Y), rtol=arrays.tolerance, atol=arrays.tolerance * scale
    )
    np.testing.assert_array_equal(arrays.back(z), Z.astype(arrays.dtype))
    np.testing.assert_array_equal(arrays.back(v), V.astype(arrays.dtype))


def test_an_array_of_temperatures_on_any_array(arrays):
    T = np.linspace(1, 6, 6)[:, None]
    got = eq.distillation_gradient(arrays(Z), arrays(V), T=arrays(T))
    expected = eq.distillation_gradient(Z, V, T=T)
    # T (q - p): the rounding of q and p, of size 1 at most, is multiplied by T.
    np.testing.assert_allclose(arrays.back(got), expected, atol=6 * arrays.tolerance)
    for other in (T, T.tolist()):  # a NumPy array or a list goes with any library
        again = eq.distillation_gradient(arrays(Z), arrays(V), T=other)
        np.testing.assert_array_equal(arrays.back(again), arrays.back(got))


def test_labels_from_anywhere(arrays):
    for y in (arrays(Y), Y, Y.tolist()):
        got = arrays.back(eq.hard_target_cost(arrays(Z), y))
        np.testing.assert_allclose(got, eq.hard_target_cost(Z, Y), rtol=10 * arrays.tolerance)


def test_float32_stays_float32():
    z, v = Z.astype(np.float32), V.astype(np.float32)
    T = np.full((6, 1), 2.0)  # float64, and must not spread
    assert eq.distillation_gradient(z, v, Y, T=T, hard_weight=0.1).dtype == np.float32


def test_float32_is_as_good_as_float32_can_be():
    z, v = Z.astype(np.float32), V.astype(np.float32)
    np.testing.assert_allclose(
        eq.soft_target_gradient(z, v, 20.0), eq.soft_target_gradient(Z, V, 20.0), atol=1e-8
    )


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize("T", [0, -1.0, np.inf, np.nan, np.array([[1.0], [-2.0]] * 3)])
def test_bad_temperature(T):
    with pytest.raises(ValueError, match=r"T (is|holds)"):
        eq.softmax(Z, T)


def test_a_temperature_per_class_is_refused():
    with pytest.raises(ValueError, match="last axis of length 1"):
        eq.softmax(Z, np.ones(10))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite(bad):
    z = Z.copy()
    z[0, 0] = bad
    with pytest.raises(ValueError, match="z holds NaN or infinity"):
        eq.soft_target_cost(z, V)
    with pytest.raises(ValueError, match="v holds NaN or infinity"):
        eq.soft_target_gradient(Z, z)


def test_a_single_class_is_refused():
    with pytest.raises(ValueError, match=r"z has shape \(6, 1\).*use \[0, z\]"):
        eq.soft_target_gradient(Z[:, :1], V[:, :1])


def test_shapes_that_do_not_go_together():
    with pytest.raises(ValueError, match="z has 10 classes and v 9"):
        eq.soft_target_cost(Z, V[:, :9])
    with pytest.raises(ValueError, match="broadcast"):
        eq.soft_target_cost(Z, V[:4])
    with pytest.raises(ValueError, match="expected logits"):
        eq.softmax(1.0)
    with pytest.raises(ValueError, match=r"T has shape \(7, 1\)"):
        eq.soft_target_cost(Z, V, T=np.ones((7, 1)))


def test_bad_labels():
    with pytest.raises(ValueError, match="outside 0 … 9"):
        eq.hard_target_cost(Z, Y + 10)
    with pytest.raises(ValueError, match="outside 0 … 9"):
        eq.hard_target_gradient(Z, -1 - Y)
    with pytest.raises(ValueError, match="integer labels"):
        eq.hard_target_cost(Z, Y.astype(float))
    for y in (Y[:3], 3, Y[:, None], [Y, Y]):
        with pytest.raises(ValueError, match="one label per case"):
            eq.hard_target_cost(Z, y)


def test_labels_of_a_small_type_count_many_classes():
    z = np.zeros((1, 300))
    assert eq.hard_target_cost(z, np.array([5], np.uint8))[0] == pytest.approx(np.log(300))


def test_temperatures_that_no_float_can_divide_by():
    for T in (1e-310, 1e200, np.full((6, 1), 1e-30)):
        with pytest.raises(ValueError, match="positive"):
            eq.distillation_cost(Z, V, T=T)
    for T in (1e-15, 1e15):
        assert np.isfinite(
            eq.distillation_cost(Z.astype(np.float32), V.astype(np.float32), T=T)
        ).all()
        assert np.isfinite(eq.entropy(Z.astype(np.float32), T)).all()


def test_labels_are_shared_by_members_or_not():
    z = np.stack([Z, V])
    both = eq.hard_target_cost(z, Y)
    np.testing.assert_array_equal(both, [eq.hard_target_cost(Z, Y), eq.hard_target_cost(V, Y)])
    np.testing.assert_array_equal(both, eq.hard_target_cost(z, np.stack([Y, Y])))
    assert eq.hard_target_cost(Z[0], Y[0]) == eq.hard_target_cost(Z, Y)[0]


def test_bad_hard_weight():
    with pytest.raises(ValueError, match="no labels"):
        eq.distillation_cost(Z, V, T=2.0, hard_weight=0.5)
    with pytest.raises(ValueError, match="expected a weight"):
        eq.distillation_gradient(Z, V, Y, T=2.0, hard_weight=-0.5)


# ---------------------------------------------------------------- the page itself


@pytest.mark.parametrize("name", eq.__all__)
def test_an_equation_is_ten_lines_at_most_and_names_its_source(name):
    function = getattr(eq, name)
    tree = ast.parse(inspect.getsource(function)).body[0]
    assert isinstance(tree, ast.FunctionDef)
    body = tree.body[1:]  # without the docstring
    assert body[-1].end_lineno - body[0].lineno < 10
    assert ".. math::" in function.__doc__
    assert "shape (..." in function.__doc__ or "shapes as in" in function.__doc__


@pytest.mark.parametrize("z", [[0.0, 0.0], [2.0, 2.0, 2.0], [1.0, 3.0, 3.0, 0.0]])
def test_a_complex_step_is_right_where_logits_are_equal(z):
    """It was (-1, 0) for a step in the second of two equal logits, and should be (-1/2, 1/2)."""
    z, h = np.array([z]), 1e-20
    for i in range(z.shape[1]):
        step = z.astype(complex)
        step[0, i] += 1j * h
        derivative = np.asarray(eq.log_softmax(step)).imag[0] / h
        expected = np.eye(z.shape[1])[i] - eq.softmax(z)[0, i]
        np.testing.assert_allclose(derivative, expected, atol=1e-12)


# ---------------------------------------------------------------- defaults, and more axes


@pytest.mark.parametrize(
    "name",
    ["soft_target_cost", "soft_target_gradient", "temperature_gradient",
     "high_temperature_gradient", "zero_mean_gradient", "distillation_cost",
     "distillation_gradient"],
)  # fmt: skip
def test_the_temperature_is_1_unless_given(name):
    function = getattr(eq, name)
    np.testing.assert_array_equal(function(Z, V), function(Z, V, T=1.0))
    assert not np.allclose(function(Z, V), function(Z, V, T=2.0))


@pytest.mark.parametrize(
    "function",
    [eq.soft_target_cost, eq.soft_target_gradient, eq.temperature_gradient,
     eq.high_temperature_gradient, eq.zero_mean_gradient, eq.logit_matching_cost,
     eq.logit_matching_gradient, eq.kl_divergence, eq.distillation_cost,
     lambda z, v: eq.hard_target_cost(z, Y), lambda z, v: eq.hard_target_gradient(z, Y)],
)  # fmt: skip
def test_each_member_of_a_stack_is_computed_as_alone(function):
    z = np.stack([Z, 2 * Z[::-1], -Z])
    both = function(z, V)
    for k in range(3):
        np.testing.assert_allclose(both[k], function(z[k], V), rtol=1e-12, atol=1e-14)


def test_the_temperature_gradient_does_not_depend_on_what_is_added_to_a_case():
    """Multiples of 1/64, so that nothing is rounded where 2^30 is added to all logits of a case."""
    z, v = np.round(64 * Z) / 64, np.round(64 * V) / 64
    added = np.zeros((6, 1))
    added[:3] = 2.0**30
    expected = eq.temperature_gradient(z, v, 2.5)
    np.testing.assert_array_equal(eq.temperature_gradient(z + added, v + added, 2.5), expected)


@pytest.mark.parametrize("stacked", [False, True])
def test_a_case_without_a_label_teaches_nothing_and_the_others_what_they_did(stacked):
    z = np.stack([Z, -Z]) if stacked else Z
    y = np.where(np.arange(6) < 2, -1, Y)
    gradient = eq.hard_target_gradient(z, y)
    if stacked:  # labels of its own for each member
        each = eq.hard_target_gradient(z, np.stack([y, np.where(y == 3, -1, y)]))
        np.testing.assert_array_equal(each[0], gradient[0])
        np.testing.assert_array_equal(each[1], gradient[1] * (y != 3)[:, None])
    np.testing.assert_array_equal(gradient[..., :2, :], 0)
    np.testing.assert_array_equal(
        gradient[..., 2:, :], eq.hard_target_gradient(z, Y)[..., 2:, :]
    )


@pytest.mark.parametrize("T", [4.0, np.array(4.0), np.full((1,), 4.0), np.full((6, 1), 4.0)])
def test_a_temperature_may_be_a_number_or_an_array(T):
    np.testing.assert_allclose(
        eq.distillation_cost(Z, V, Y, T, 0.5),
        eq.distillation_cost(Z, V, Y, 4.0, 0.5),
        rtol=1e-14,
    )


def test_kl_is_the_cost_without_what_no_student_can_change():
    cost, kl = (eq.distillation_cost(Z, V, Y, 3.0, 0.5, kl=kl) for kl in (False, True))
    p = eq.softmax(V, 3.0)
    np.testing.assert_allclose(cost - kl, -9 * (p * np.log(p)).sum(-1), rtol=1e-11)


def test_a_class_that_neither_can_have_costs_nothing():
    """Its log q is -inf in float32, and 0 times that would be NaN."""
    v = np.array([[0, 1, -3e38]], np.float32)
    with np.errstate(over="ignore"):
        cost = eq.soft_target_cost(v, v, 0.5)
    np.testing.assert_allclose(cost, eq.soft_target_cost(v[:, :2], v[:, :2], 0.5), rtol=1e-6)
