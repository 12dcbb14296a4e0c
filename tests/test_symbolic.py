"""The derivation, step by step, in symbols: from the cost to Eq. 2, 3 and 4, and to Eq. 5's gradient.

Numbers can agree by luck; here each step is an identity of formulas. Then the code is evaluated on
exact numbers, to tie the formulas to it.
"""

from __future__ import annotations

import numpy as np
import pytest

sp = pytest.importorskip("sympy", reason="SymPy is not installed")

from minikd import combination, equations  # noqa: E402

N = 3
Z, V = sp.symbols(f"z0:{N}", real=True), sp.symbols(f"v0:{N}", real=True)
T, EPS = sp.symbols("T epsilon", positive=True)
E = sp.eye(N)


def softmax(logits, T=1):
    total = sum(sp.exp(each / T) for each in logits)
    return [sp.exp(each / T) / total for each in logits]


P, Q = softmax(V, T), softmax(Z, T)
COST = -sum(p * sp.log(q) for p, q in zip(P, Q, strict=True))
GRADIENT = [(q - p) / T for q, p in zip(Q, P, strict=True)]  # Eq. 2


def is_zero(expression):
    return sp.simplify(expression) == 0


def test_eq_1_adds_up_to_1_and_ignores_a_constant():
    c = sp.Symbol("c", real=True)
    assert is_zero(sum(Q) - 1)
    for q, moved in zip(Q, softmax([z + c for z in Z], T), strict=True):
        assert is_zero(q - moved)


def test_the_derivative_of_a_softmax():
    """The step that the derivation of Eq. 2 rests on: dq_j/dz_i = q_j ([i = j] - q_i) / T."""
    for i in range(N):
        for j in range(N):
            assert is_zero(sp.diff(Q[j], Z[i]) - Q[j] * (E[i, j] - Q[i]) / T)


@pytest.mark.parametrize("i", range(N))
def test_eq_2_is_the_gradient_of_the_cost(i):
    assert is_zero(sp.diff(COST, Z[i]) - GRADIENT[i])


@pytest.mark.parametrize("i", range(N))
def test_the_divergence_has_the_same_gradient_because_its_difference_has_none(i):
    entropy = -sum(p * sp.log(p) for p in P)
    divergence = sum(p * (sp.log(p) - sp.log(q)) for p, q in zip(P, Q, strict=True))
    assert is_zero(sp.expand_log(COST - entropy - divergence, force=True))
    assert sp.diff(entropy, Z[i]) == 0


def test_eq_3_is_eq_2_with_the_exponentials_replaced():
    """exp(x) becomes 1 + x, in all places, and nothing else is done."""
    for i in range(N):
        replaced = GRADIENT[i].replace(sp.exp, lambda x: 1 + x)
        q, p = ((1 + a[i] / T) / (N + sum(a) / T) for a in (Z, V))
        assert is_zero(replaced - (q - p) / T)


def in_powers_of_1_over_t(expression, order):
    """Its coefficients; each exponential is replaced by as much of its series as they need."""

    def truncated(x):
        return sum(x**k / sp.factorial(k) for k in range(order + 1))

    ratio = sp.together(expression.subs(T, 1 / EPS).replace(sp.exp, truncated))
    above, below = (sp.Poly(part, EPS).all_coeffs()[::-1] for part in sp.fraction(ratio))
    above += [sp.Integer(0)] * order
    found = []
    for k in range(order):
        found.append(
            sp.cancel((above[k] - sum(found[j] * below[k - j] for j in range(k)
                                      if k - j < len(below))) / below[0])
        )  # fmt: skip
    return found


def test_eq_3_and_eq_2_differ_by_the_third_power_of_1_over_t():
    q, p = ((1 + a[0] / T) / (N + sum(a) / T) for a in (Z, V))
    coefficients = in_powers_of_1_over_t(GRADIENT[0] - (q - p) / T, 4)
    assert all(is_zero(each) for each in coefficients[:3])
    assert not is_zero(coefficients[3])


def test_eq_4_is_the_leading_term_for_logits_of_mean_zero():
    centred = {Z[-1]: -sum(Z[:-1]), V[-1]: -sum(V[:-1])}
    *lower, leading = in_powers_of_1_over_t(GRADIENT[0], 3)
    assert all(is_zero(each) for each in lower)
    assert is_zero(leading.subs(centred) - (Z[0] - V[0]) / N)
    # With other means, their difference stays in the leading term, at any T.
    means = (sum(Z) - sum(V)) / N
    assert is_zero(leading - (Z[0] - V[0] - means) / N)


def test_eq_4_times_n_t_squared_is_the_gradient_of_logit_matching():
    matching = sum((z - v) ** 2 for z, v in zip(Z, V, strict=True)) / 2
    for i in range(N):
        assert is_zero(sp.diff(matching, Z[i]) - N * T**2 * (Z[i] - V[i]) / (N * T**2))


@pytest.mark.parametrize("i", range(N))
def test_hard_targets_are_eq_2_at_t_1_with_a_p_that_is_1_at_the_label(i):
    q = softmax(Z)
    for y in range(N):
        assert is_zero(sp.diff(-sp.log(q[y]), Z[i]) - (q[i] - E[i, y]))


def test_the_derivative_by_the_temperature():
    """Of temperature_gradient: both p and q depend on T."""
    mean_z, mean_v = (sum(p * a for p, a in zip(P, logits, strict=True)) for logits in (Z, V))
    covariance = sum(p * (z - mean_z) * (v - mean_v) for p, z, v in zip(P, Z, V, strict=True))
    away = sum((q - p) * z for q, p, z in zip(Q, P, Z, strict=True))
    numbers = dict(zip((*Z, *V, T), (1, -2, sp.Rational(1, 3), 0, 3, -1, 2), strict=True))
    difference = sp.diff(COST, T).subs(numbers) - ((covariance / T - away) / T**2).subs(numbers)
    assert is_zero(difference)


# One specialist that covers the classes 0 and 1; class 2 is in its dustbin.
G, M = sp.symbols(f"g0:{N}", positive=True), sp.symbols("m0 m1 mdustbin", positive=True)


@pytest.mark.parametrize("i", range(N))
def test_the_gradient_of_eq_5(i):
    q = softmax(Z)
    compared = (q[0], q[1], q[2])  # the dustbin holds class 2 alone
    cost = sum(g * sp.log(g / each) for g, each in zip(G, q, strict=True))
    cost += sum(m * sp.log(m / each) for m, each in zip(M, compared, strict=True))
    total = sum(G), sum(M)  # both 1, which the symbols do not know
    expected = (total[0] * q[i] - G[i]) + (total[1] * q[i] - M[i])
    assert is_zero(sp.diff(cost, Z[i]) - expected)


@pytest.mark.parametrize("i", range(N))
def test_the_gradient_of_eq_5_with_two_classes_in_the_dustbin(i):
    q = softmax(Z)
    special, dustbin = M[0], M[2]
    cost = special * sp.log(special / q[0]) + dustbin * sp.log(dustbin / (q[1] + q[2]))
    tilde = (special, dustbin * q[1] / (q[1] + q[2]), dustbin * q[2] / (q[1] + q[2]))
    assert is_zero(sp.diff(cost, Z[i]) - ((special + dustbin) * q[i] - tilde[i]))


@pytest.mark.parametrize("i", range(N))
def test_the_gradient_of_the_reverse_of_eq_5(i):
    q = softmax(Z)
    cost = sum(each * sp.log(each / g) for g, each in zip(G, q, strict=True))
    mean = sum(each * sp.log(each / g) for g, each in zip(G, q, strict=True))
    assert is_zero(sp.diff(cost, Z[i]) - q[i] * (sp.log(q[i] / G[i]) - mean))


def test_the_code_computes_these_formulas():
    """On numbers that are worked out to 40 digits."""
    z, v, t = (1.5, -2.0, 0.25), (0.5, 3.0, -1.0), 2.5
    numbers = dict(zip((*Z, *V, T), map(sp.Rational, (*z, *v, t)), strict=True))

    def exactly(expressions):
        return np.array([float(each.subs(numbers).evalf(40)) for each in expressions])

    arrays = [np.array([logits]) for logits in (z, v)]
    np.testing.assert_allclose(
        equations.soft_target_cost(*arrays, t), exactly([COST]), rtol=1e-14
    )
    np.testing.assert_allclose(
        equations.soft_target_gradient(*arrays, t)[0], exactly(GRADIENT), rtol=1e-13
    )
    eq_3 = [((1 + a / T) / (N + sum(Z) / T) - (1 + b / T) / (N + sum(V) / T)) / T
            for a, b in zip(Z, V, strict=True)]  # fmt: skip
    np.testing.assert_allclose(
        equations.high_temperature_gradient(*arrays, t)[0], exactly(eq_3), rtol=1e-13
    )
    np.testing.assert_allclose(
        equations.temperature_gradient(*arrays, t), exactly([sp.diff(COST, T)]), rtol=1e-12
    )


def test_the_code_of_eq_5_computes_its_formula():
    q, z = softmax(Z), (0.5, -1.0, 2.0)
    g, m = (0.2, 0.3, 0.5), (0.25, 0.75)
    cost = sum(
        sp.Rational(a) * sp.log(sp.Rational(a) / each) for a, each in zip(g, q, strict=True)
    )
    cost += sp.Rational(m[0]) * sp.log(sp.Rational(m[0]) / q[1])
    cost += sp.Rational(m[1]) * sp.log(sp.Rational(m[1]) / (q[0] + q[2]))
    numbers = dict(zip(Z, map(sp.Rational, z), strict=True))
    expected = [float(sp.diff(cost, each).subs(numbers).evalf(40)) for each in Z]
    gradient = combination.combination_gradient(
        np.array([z]), np.log([g]), np.log([[m]]), [[1]], np.array([[True]])
    )
    np.testing.assert_allclose(gradient[0], expected, rtol=1e-12)
