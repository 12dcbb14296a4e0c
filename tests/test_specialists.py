"""Section 5: clusters, the dustbin and its correction, and Eq. 5 against SciPy and closed forms."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp

from minikd import MLP, combination, equations, gradcheck
from minikd import specialists as sp
from minikd.backend import to_host

RNG = np.random.default_rng(5)
N = 7
CLASSES = np.array([[0, 1, 2], [1, 2, 3], [2, 4, 5]])
ALL = np.ones((6, 3), dtype=bool)


def models(B=6, classes=CLASSES, n_classes=N, scale=2.0):
    """Made-up logits of a generalist and of specialists."""
    M, S = classes.shape
    return scale * RNG.normal(size=(B, n_classes)), scale * RNG.normal(size=(M, B, S + 1))


def confused(n=4000, rng=0):
    """Predictions of classes that are confused within {0, 1, 2}, {3, 4} and {5, 6}."""
    rng = np.random.default_rng(rng)
    groups = ([0, 1, 2], [3, 4], [5, 6])
    z = np.full((n, N), -4.0)
    for case, group in zip(z, rng.integers(0, 3, n), strict=True):
        case[groups[group]] = rng.normal(0, 1, len(groups[group]))
    return equations.softmax(z)


# ---------------------------------------------------------------- clusters


def test_the_covariance_equals_numpys():
    q = equations.softmax(RNG.normal(size=(50, N)))
    np.testing.assert_allclose(
        sp.prediction_covariance(q), np.cov(q.T, bias=True), rtol=1e-12, atol=1e-16
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_covariance_is_in_float64_whatever_holds_the_predictions(dtype):
    q = np.array([[0.5, 0.25, 0.25], [0.75, 0.125, 0.125], [0, 0, 1]])  # exact in each type
    covariance = sp.prediction_covariance(q.astype(dtype))
    assert covariance.dtype == np.float64
    np.testing.assert_allclose(covariance, np.cov(q.T, bias=True), rtol=1e-14, atol=1e-17)


def test_two_cases_with_probabilities_of_0_have_a_covariance():
    np.testing.assert_array_equal(
        sp.prediction_covariance([[1, 0], [0, 1]]), [[0.25, -0.25], [-0.25, 0.25]]
    )


def test_what_rounding_makes_of_probabilities_is_let_through():
    """A millionth below 0 is; more is not, even where rows add up to 1."""
    q = np.array([[-1e-6, 1 + 1e-6], [0.5, 0.5]])
    assert np.isfinite(sp.prediction_covariance(q)).all()
    for below in (-2e-6, -0.5):
        with pytest.raises(ValueError, match=r"negative numbers.*expected probabilities"):
            sp.prediction_covariance([[below, 1 - below], [0.5, 0.5]])


def test_predictions_that_differ_in_the_twelfth_place_are_not_the_same():
    q = np.array([[0, 1], [1e-12, 1 - 1e-12]])
    assert np.ptp(q, axis=0).max() == 1e-12
    assert sp.prediction_covariance(q).any()


def test_constant_predictions_have_no_clusters():
    with pytest.raises(ValueError, match="the same in all 9 cases"):
        sp.prediction_covariance(np.full((9, N), 1 / N))
    with pytest.raises(ValueError, match="the same in all cases"):
        sp.cluster_classes(np.zeros((N, N)), 2, 3)
    with pytest.raises(ValueError, match="two cases or more"):
        sp.prediction_covariance(np.full((1, N), 1 / N))
    for q in (np.full((9, N), np.nan), RNG.normal(size=(9, N))):
        with pytest.raises(ValueError, match="expected probabilities"):
            sp.prediction_covariance(q)
    with pytest.raises(ValueError, match="the same in all 4 cases"):
        sp.prediction_covariance([[0.7, 0.2, 0.1]] * 4)  # though the classes differ
    rounding = np.full((9, N), 1 / N) + 1e-16 * RNG.normal(size=(9, N))
    with pytest.raises(ValueError, match="the same in all 9 cases"):
        sp.prediction_covariance(rounding)
    with pytest.raises(ValueError, match="covariance holds NaN"):
        sp.cluster_classes(np.full((N, N), np.nan), 2, 3)


@pytest.mark.parametrize("seed", range(10))
def test_classes_that_are_confused_are_found_without_labels(seed):
    """Whatever the order of the columns and the initial centres."""
    covariance = sp.prediction_covariance(confused())
    found = {tuple(row[:2]) for row in sp.cluster_classes(covariance, 7, 2, seed).tolist()}
    assert {(3, 4), (5, 6)} <= found
    assert found - {(3, 4), (5, 6)} <= {(0, 1), (0, 2), (1, 2)}


def test_clusters_follow_their_seed_and_may_overlap():
    covariance = sp.prediction_covariance(confused())
    a, b, c = (sp.cluster_classes(covariance, 4, 3, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert a.shape == (4, 3)
    assert (a != c).any()
    assert len(np.unique(a)) < a.size


def test_an_empty_cluster_starts_again():
    """Two columns are the same: if both are initial centres, one of them stays empty.

    Without a new start, two of the three lone classes would share a centre, and one would be lost.
    """
    covariance = np.eye(5)
    covariance[:2, :2] = 9
    for seed in range(100):
        found = sp.cluster_classes(covariance, 4, 1, seed)
        assert {2, 3, 4} <= set(found.ravel().tolist())


@pytest.mark.parametrize("passes", [1, 5, 20])
def test_a_centre_is_the_mean_of_the_columns_that_it_has_had(passes):
    """Its first one too, which it has had once more: it decides until after ``passes`` passes.

    In the mean, class 0 has c + p (d + 7 c), the class of the first column 1 + p (1 + c).
    """
    p, c = passes + 0.5, 0.1
    covariance = np.diag(np.ones(8))
    covariance[0], covariance[:, 0] = c, c
    covariance[0, 0] = (1 + p * (1 + c) - c) / p - 7 * c
    before, after = (
        {sp.cluster_classes(covariance, 1, 1, seed, n).item() for seed in range(10)}
        for n in (passes, passes + 1)
    )
    assert len(before) > 3  # the first columns of ten seeds
    assert after == {0}


def test_there_are_twenty_passes_with_seed_0_by_default():
    covariance = np.diag(np.ones(8))
    covariance[0], covariance[:, 0] = 0.1, 0.1
    covariance[0, 0] = (0.9 + 20.5 * 1.1) / 20.5 - 0.7  # as above
    found = sp.cluster_classes(covariance, 1, 1)
    np.testing.assert_array_equal(found, sp.cluster_classes(covariance, 1, 1, 0, 20))
    assert found != sp.cluster_classes(covariance, 1, 1, 0, 21)
    assert found != sp.cluster_classes(covariance, 1, 1, 1, 20)


@pytest.mark.parametrize("seed", [10, 58])  # the two that are the same are initial centres
def test_a_new_start_is_at_the_farthest_column_which_counts_as_one(seed):
    """Three groups: two columns that are the same, four near 0, and three that share classes.

    Class 6 has the farthest column; in the mean of the three, with that one twice, class 7 leads.
    """
    covariance = np.diag([0, 0, 0.1, 0.1, 0.1, 0.1, 0, 0, 0])
    covariance[:2, :2], covariance[6:, 6:] = 9, 5
    covariance[7, 6:], covariance[6, 6] = 6, 6.8
    once, twice = (sp.cluster_classes(covariance, 3, 1, seed, passes) for passes in (1, 2))
    assert 6 in once
    assert 6 not in twice
    assert 7 in twice


@pytest.mark.parametrize("size", [1, 5, 20, 39])
def test_of_equal_classes_those_with_lower_numbers_are_taken(size):
    entries = np.random.default_rng(0).integers(0, 4, 40)
    found = sp.cluster_classes(np.tile(entries[:, None], 40), 1, size)
    expected = sorted(range(40), key=lambda i: -entries[i])[:size]
    np.testing.assert_array_equal(found, [sorted(expected)])


def test_a_covariance_may_hold_integers():
    covariance = np.random.default_rng(0).integers(-9, 9, (N, N))
    for dtype in (np.int64, np.float32):
        np.testing.assert_array_equal(
            sp.cluster_classes(covariance.astype(dtype), 3, 2),
            sp.cluster_classes(covariance.astype(np.float64), 3, 2),
        )


def test_bad_clusters():
    covariance = sp.prediction_covariance(confused())
    with pytest.raises(ValueError, match=r"clusters is 8; expected 1 … 7"):
        sp.cluster_classes(covariance, 8, 2)
    with pytest.raises(ValueError, match="clusters is 0"):
        sp.cluster_classes(covariance, 0, 2)
    for size in (0, 7):
        with pytest.raises(ValueError, match=f"{size} of 7 classes.*left for its dustbin"):
            sp.cluster_classes(covariance, 2, size)
    with pytest.raises(ValueError, match=r"expected \(N, N\)"):
        sp.cluster_classes(covariance[:3], 2, 2)


def test_a_class_in_no_cluster_is_left_to_the_generalist():
    v, u = models()
    v[:, 6] = 50  # no specialist covers it
    active = combination.active_specialists(v, CLASSES)
    assert not active.any()
    np.testing.assert_allclose(
        np.exp(combination.combine(v, u, CLASSES)), equations.softmax(v), rtol=1e-12, atol=1e-15
    )


# ---------------------------------------------------------------- specialists


def test_labels_of_specialists():
    y = sp.specialist_labels(np.array([0, 2, 3, 6]), CLASSES, N)
    np.testing.assert_array_equal(y, [[0, 2, 3, 3], [3, 1, 2, 3], [3, 0, 3, 3]])


def test_of_two_classes_one_may_be_special():
    np.testing.assert_array_equal(
        sp.specialist_labels(np.array([0, 1, 1]), [[1], [0]], 2), [[1, 0, 0], [0, 1, 1]]
    )


def test_there_may_be_a_hundred_classes():
    y = sp.specialist_labels(np.arange(100), [[99, 0]], 100)
    np.testing.assert_array_equal(y, [[1, *[2] * 98, 0]])


def test_more_classes_than_a_table_can_hold_are_refused_at_once():
    """Whatever the classes are: with so many, nothing could be looked up in them."""
    row = [0, 1]  # not one row per specialist
    with pytest.raises(ValueError, match=r"^classes .* one row per specialist"):
        sp.specialist_labels(np.array([0]), row, 10**9)
    for N in (1, 10**9 + 1, 10**10):
        with pytest.raises(ValueError, match=f"^N is {N}; expected 2 … 1000000000, an integer"):
            sp.specialist_labels(np.array([0]), row, N)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (None, "^classes is None; expected an array of integers, a row per specialist$"),
        ([[0, 7]], "not from 0 to 6"),
        ([[0, 0]], "twice"),
        ([list(range(7))], "^classes: a specialist would have 7 of 7 classes"),
        (np.zeros((2, 0), dtype=int), "^classes: a specialist would have 0 of 7 classes"),
        (np.zeros((0, 2), dtype=int), "one row per specialist"),
        ([0, 1], "one row per specialist"),
        ([[0.0, 1.0]], "integers"),
    ],
)
def test_bad_classes(classes, message):
    with pytest.raises(ValueError, match=message):
        sp.specialist_labels(np.array([0, 1]), classes, N)
    with pytest.raises(ValueError, match=message):
        combination.active_specialists(np.zeros((2, N)), classes)


def test_labels_outside_the_classes():
    for y in (np.array([7]), np.array([1.0])):
        with pytest.raises(ValueError, match="from 0 to 6"):
            sp.specialist_labels(y, CLASSES, N)


def test_labels_that_are_none_or_not_known():
    with pytest.raises(ValueError, match=r"^y is None; expected an array of integer labels$"):
        sp.specialist_labels(None, CLASSES, N)
    with pytest.raises(ValueError, match=r"not integers from 0 to 6$"):
        sp.specialist_labels(np.array([0, -2]), CLASSES, N)
    with pytest.raises(
        ValueError,
        match=r"^y holds -1, no label known, for 2 of 3 cases; specialists are drawn by labels: "
        r"begin with data\.take\(data\.labelled\)$",
    ):
        sp.specialist_labels(np.array([0, -1, -1]), CLASSES, N)


@pytest.mark.parametrize("hidden", [[], [8], [8, 6], [8, 6, 5]])
def test_specialists_start_as_the_generalist(hidden):
    rng = np.random.default_rng(5)
    generalist = MLP([9, *hidden, N], rng=0, dtype=np.float64)
    for b in generalist.parameters[1::2]:
        b[:] = rng.normal(size=b.shape)
    stack = sp.start_from(generalist, CLASSES, range(3))
    x = rng.normal(size=(20, 9))
    z, u = generalist(x), stack(x)
    for m, special in enumerate(CLASSES):
        rest = np.setdiff1d(np.arange(N), special)
        np.testing.assert_allclose(u[m, :, :-1], z[:, special], rtol=1e-12, atol=1e-14)
        # Jensen's inequality, and equality where the logits are the same.
        assert (u[m, :, -1] <= logsumexp(z[:, rest], axis=1) + 1e-12).all()
    stack.parameters[0][:] = 0  # no memory is shared
    assert generalist.parameters[0].any()
    generalist.parameters[-2][:], generalist.parameters[-1][:] = 0, 0
    alike = sp.start_from(generalist, CLASSES, range(3))(x)
    np.testing.assert_allclose(equations.softmax(alike)[..., -1], 4 / 7, rtol=1e-12)


def test_bad_starts():
    with pytest.raises(
        ValueError,
        match=r"^generalist is 3; expected a network, like MLP\(\[784, 100, 10\], rng=0\)$",
    ):
        sp.start_from(3, CLASSES, range(3))
    with pytest.raises(
        ValueError, match=r"^seeds is 3; expected a sequence of seeds, one per specialist$"
    ):
        sp.start_from(MLP([9, N], rng=0), CLASSES, 3)
    with pytest.raises(ValueError, match="expected one"):
        sp.start_from(MLP([9, N], rng=[0, 1]), CLASSES, range(3))
    with pytest.raises(ValueError, match="seeds has 2 values; expected 3"):
        sp.start_from(MLP([9, N], rng=0), CLASSES, range(2))


@pytest.mark.parametrize("share", [0.5, 0.3])
def test_the_correction_gives_the_posterior_of_bayes(share):
    """Trained to the end on batches that are half special, a specialist knows the posterior there.

    With its dustbin logit corrected, it knows the posterior at the natural frequencies.
    """
    prior = np.array(
        [0.03, 0.05, 0.02, 0.6, 0.1, 0.2]
    )  # of six classes, the first three special
    likelihood = RNG.dirichlet(np.ones(11), 6)  # of eleven different inputs
    special = prior[:3].sum()
    biased = np.concatenate(
        [share * prior[:3] / special, (1 - share) * prior[3:] / (1 - special)]
    )

    def posterior_logits(prior):
        joint = prior[:, None] * likelihood
        return np.log(np.stack([*joint[:3], joint[3:].sum(0)], axis=-1))

    u = posterior_logits(biased)
    y = np.repeat(np.arange(4), np.round(1000 * np.append(prior[:3], 1 - special)).astype(int))
    u[:, -1] += sp.dustbin_correction(y[None], 3, share)[0]
    np.testing.assert_allclose(
        equations.softmax(u), equations.softmax(posterior_logits(prior)), rtol=1e-12
    )


def test_bad_corrections():
    with pytest.raises(ValueError, match=r"^size is 0; expected an integer ≥ 1$"):
        sp.dustbin_correction(np.array([[0, 1]]), 0)
    for y in ([[0, -2]], [[0, 3]], [0, 1], [[]]):
        with pytest.raises(ValueError, match=r"expected labels \(M, n\) from 0 to size.* 2$"):
            sp.dustbin_correction(np.array(y, dtype=int), 2)
    with pytest.raises(
        ValueError,
        match=r"^y holds -1, no label known, for 1 of 3 cases; a special case is told by its "
        r"label: take the labelled cases$",
    ):
        sp.dustbin_correction(np.array([[0, -1, 2]]), 2)
    with pytest.raises(ValueError, match="specialist 1 has no special cases among 3"):
        sp.dustbin_correction(np.array([[0, 1, 2], [2, 2, 2]]), 2)
    with pytest.raises(ValueError, match="specialist 0 has only special cases"):
        sp.dustbin_correction(np.array([[0, 1, 1]]), 2)
    for share in (0, 1):
        with pytest.raises(ValueError, match=f"share is {share}"):
            sp.dustbin_correction(np.array([[0, 1]]), 1, share)


# ---------------------------------------------------------------- Eq. 5


def test_which_specialists_are_active():
    v = np.zeros((3, N))
    v[0, 2], v[1, 3], v[2, 6] = 1, 1, 1
    np.testing.assert_array_equal(
        combination.active_specialists(v, CLASSES), [[1, 1, 1], [0, 1, 0], [0, 0, 0]]
    )
    v[2, 5] = 0.5  # the second most probable one
    np.testing.assert_array_equal(combination.active_specialists(v, CLASSES, 2)[2], [0, 0, 1])
    assert combination.active_specialists(v, CLASSES, N).all()
    for n in (0, 8):
        with pytest.raises(ValueError, match=f"n is {n}"):
            combination.active_specialists(v, CLASSES, n)


COSTS = [
    (combination.combination_cost, combination.combination_gradient),
    (combination.reverse_combination_cost, combination.reverse_combination_gradient),
]


@pytest.mark.parametrize(("cost", "gradient"), COSTS)
def test_gradients_of_the_combination(cost, gradient):
    v, u = models()
    active = RNG.random((6, 3)) < 0.7

    def func(z):
        out = cost(z, v, u, CLASSES, active)
        return out, lambda dout: dout[:, None] * gradient(z, v, u, CLASSES, active)

    assert gradcheck(func, RNG.normal(size=(6, N)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("cost", "gradient"), COSTS)
def test_eq_5_keeps_its_digits_near_agreement(cost, gradient, dtype):
    near = 1e-4 if dtype == np.float32 else 1e-7
    v, _ = models()
    z = (v + near * RNG.normal(size=v.shape)).astype(dtype)
    v = v.astype(dtype)
    u = np.stack([combination.merged(v, special) for special in CLASSES])
    alone, all_of_them = np.zeros((6, 3), bool), np.ones((6, 3), bool)
    for active in (alone, all_of_them):
        assert (cost(z, v, u, CLASSES, active) > 0).all()
        assert not cost(v, v, u, CLASSES, alone).any()
    wide = (z.astype(np.longdouble), v.astype(np.longdouble), u.astype(np.longdouble))
    with np.errstate(all="ignore"):
        exact = exact_eq_5(*wide, reverse=cost is combination.reverse_combination_cost)
    np.testing.assert_allclose(cost(z, v, u, CLASSES, alone), exact[0], rtol=3e-3)
    got = gradient(z, v, u, CLASSES, alone)
    np.testing.assert_allclose(got, exact[1], atol=1e-3 * np.abs(exact[1]).max())


def exact_eq_5(z, v, u, reverse):
    """Cost and gradient of the generalist alone, in three more digits than float64."""
    log_q, log_p = (a - logsumexp(a, axis=-1, keepdims=True) for a in (z, v))
    q, p = np.exp(log_q), np.exp(log_p)
    if reverse:
        l = log_q - log_p
        return (q * l).sum(-1), q * (l - (q * l).sum(-1, keepdims=True))
    return (p * (log_p - log_q)).sum(-1), q - p


@pytest.mark.parametrize("reverse", [False, True])
def test_the_optimum_equals_scipys(reverse):
    cost, gradient = COSTS[reverse]
    v, u = models(B=30)
    active = RNG.random((30, 3)) < 0.7
    z = combination.combine(v, u, CLASSES, active, reverse=reverse, tolerance=1e-13)
    np.testing.assert_allclose(gradient(z, v, u, CLASSES, active), 0, atol=1e-6)
    for k in range(30):
        one = v[k : k + 1], u[:, k : k + 1], CLASSES, active[k : k + 1]
        found = minimize(
            lambda z, one=one: cost(z[None], *one)[0], np.zeros(N), method="BFGS",
            jac=lambda z, one=one: gradient(z[None], *one)[0], options={"gtol": 1e-10},
        )  # fmt: skip
        # BFGS stops somewhere near the gradient that was asked for.
        np.testing.assert_allclose(equations.softmax(found.x), np.exp(z[k]), atol=1e-6)
        assert cost(z[k][None], *one)[0] <= found.fun + 1e-12


@pytest.mark.parametrize("reverse", [False, True])
def test_no_step_raises_the_cost(reverse):
    v, u = models(B=50, scale=6.0)
    active = RNG.random((50, 3)) < 0.7
    costs = [
        COSTS[reverse][0](
            combination.combine(v, u, CLASSES, active, reverse=reverse, steps=steps, tolerance=0),
            v, u, CLASSES, active,
        )
        for steps in range(20)
    ]  # fmt: skip
    assert (np.diff(costs, axis=0) <= 1e-12).all()
    assert (costs[-1] < costs[0]).any()


@pytest.mark.parametrize("reverse", [False, True])
def test_models_that_contradict_each_other_are_solved_to_the_tolerance(reverse):
    """The bound holds: BFGS, from the answer or from elsewhere, gets no lower than it allows."""
    classes = np.array([np.sort(RNG.permutation(12)[:4]) for _ in range(6)])
    v, u = models(400, classes, 12, scale=8.0)
    active = combination.active_specialists(v, classes, 2)
    cost, gradient = COSTS[reverse]
    z = combination.combine(v, u, classes, active, reverse=reverse, tolerance=1e-6)
    for k in range(0, 400, 20):
        one = v[k : k + 1], u[:, k : k + 1], classes, active[k : k + 1]
        for start in (z[k], np.zeros(12)):
            found = minimize(
                lambda z, one=one: cost(z[None], *one)[0], start, method="BFGS",
                jac=lambda z, one=one: gradient(z[None], *one)[0], options={"gtol": 1e-9},
            )  # fmt: skip
            assert cost(z[k][None], *one)[0] <= found.fun + 1e-6


def everyone(reverse):
    """Specialists whose dustbin is one class: each model gives each class a probability."""
    classes = np.array([np.setdiff1d(np.arange(N), c) for c in (0, 3, 5)])
    v, u = models(classes=classes)
    log_p = [equations.log_softmax(v)]
    for special, logits in zip(classes, u, strict=True):
        each = np.empty((6, N))
        each[:, [*special, *np.setdiff1d(np.arange(N), special)]] = equations.log_softmax(
            logits
        )
        log_p.append(each)
    return np.exp(combination.combine(v, u, classes, ALL, reverse=reverse)), np.array(log_p)


def test_the_closed_form_is_the_arithmetic_mean():
    q, log_p = everyone(reverse=False)
    np.testing.assert_allclose(q, np.exp(log_p).mean(0), rtol=1e-12)


def test_the_reverse_closed_form_is_the_geometric_mean():
    q, log_p = everyone(reverse=True)
    np.testing.assert_allclose(q, equations.softmax(log_p.mean(0)), rtol=1e-12)


def test_a_specialist_of_one_class_has_a_closed_form():
    """So has one active specialist of any size: its dustbin is spread as the generalist says."""
    for special in ([[3]], [[3, 4]]):
        v, u = models(classes=np.array(special))
        p, pm = equations.softmax(v), equations.softmax(u[0])
        rest = np.setdiff1d(np.arange(N), special)
        inside = (p[:, special[0]] + pm[:, :-1]) / 2
        spread = p[:, rest] / p[:, rest].sum(1, keepdims=True)
        outside = spread * (p[:, rest].sum(1, keepdims=True) + pm[:, -1:]) / 2
        q = np.exp(combination.combine(v, u, special, ALL[:, :1]))
        np.testing.assert_allclose(q[:, special[0]], inside, rtol=1e-12)
        np.testing.assert_allclose(q[:, rest], outside, rtol=1e-12)


@pytest.mark.parametrize("reverse", [False, True])
def test_where_all_agree_nothing_changes(reverse):
    v, _ = models()
    u = np.stack([combination.merged(equations.log_softmax(v), special) for special in CLASSES])
    q = np.exp(combination.combine(v, u, CLASSES, ALL, reverse=reverse))
    np.testing.assert_allclose(q, equations.softmax(v), rtol=1e-12)
    np.testing.assert_allclose(COSTS[reverse][0](np.log(q), v, u, CLASSES, ALL), 0, atol=1e-14)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lead", [300.0, 800.0, 1e4])
def test_confident_models_stay_finite(lead, reverse):
    """Even where a probability is too small for a float: all is done in logarithms."""
    v = np.array([[lead, 0, 0, 0, 0, 0, 0]])
    u = np.zeros((3, 1, 4))
    u[0, 0, 3] = lead
    z = combination.combine(v, u, CLASSES, ALL[:1], reverse=reverse, steps=100)
    assert np.isfinite(z).all()
    np.testing.assert_allclose(np.exp(z).sum(), 1, rtol=1e-12)


def test_active_specialists_may_be_numbers():
    v, u = models()
    active = RNG.random((6, 3)) < 0.6
    np.testing.assert_array_equal(
        combination.combine(v, u, CLASSES, active.astype(int)),
        combination.combine(v, u, CLASSES, active),
    )


def test_shapes_that_do_not_go_together():
    v, u = models()
    with pytest.raises(ValueError, match=r"expected \(3, 6, 4\)"):
        combination.combine(v, u[:2], CLASSES)
    with pytest.raises(ValueError, match=r"and \(6, 3\)"):
        combination.combine(v, u, CLASSES, ALL[:, :2])
    with pytest.raises(ValueError, match="NaN"):
        combination.combine(v, np.full_like(u, np.nan), CLASSES)
    with pytest.raises(ValueError, match=r"v has shape \(7,\)"):
        combination.combine(v[0], u, CLASSES)


def test_ten_thousand_cases_take_less_than_five_seconds():
    N, classes = 62, np.array([np.sort(RNG.permutation(62)[:8]) for _ in range(32)])
    v, u = models(10_000, classes, N, scale=3.0)
    u[..., -1] += 3
    start = time.perf_counter()
    z = combination.combine(v, u, classes)
    assert time.perf_counter() - start < 5
    gradient = combination.combination_gradient(
        z, v, u, classes, combination.active_specialists(v, classes)
    )
    assert np.abs(gradient).max() < 1e-3


def test_specialists_start_on_the_device_of_the_generalist(fake_gpu):
    host, device = MLP([9, 8, N], rng=0), MLP([9, 8, N], rng=0, device="cuda")
    assert sp.start_from(host, CLASSES, range(3)).xp is np
    stack = sp.start_from(device, CLASSES, range(3))
    assert stack.xp is fake_gpu
    for own, expected in zip(
        stack.parameters, sp.start_from(host, CLASSES, range(3)).parameters, strict=True
    ):
        np.testing.assert_allclose(to_host(own), expected, rtol=1e-6, atol=1e-7)


def test_predictions_too_large_to_add_are_no_probabilities():
    with pytest.raises(ValueError, match="expected probabilities"):
        sp.prediction_covariance([[1e308, 1e308], [1, 0]])
    both = np.tile(np.repeat([1e308, -1e308], 4), 2)  # NumPy adds infinity to -infinity
    with pytest.raises(ValueError, match="expected probabilities"):
        sp.prediction_covariance([both, np.full(16, 1 / 16)])
