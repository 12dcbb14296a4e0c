"""What an objective says of itself, and temperatures that a function of the batch gives."""

from __future__ import annotations

import device_double
import numpy as np
import pytest

from minikd import equations, hard_targets, logit_matching, soft_targets
from minikd.objectives import Batch, Objective

B, N = 4, 3
RNG = np.random.default_rng(8)
Z, V, Y = RNG.normal(size=(B, N)), 3 * RNG.normal(size=(B, N)), RNG.integers(0, N, B)
BATCH = Batch(RNG.random((B, 5)), Y, V)


@pytest.mark.parametrize(
    ("make", "name", "needs", "by_case", "some_labels", "settings"),
    [
        (hard_targets, "hard targets", "y", True, True, {}),
        (logit_matching, "logit matching", "v", True, False, {}),
        (lambda: soft_targets(4), "soft targets at T = 4.0", "v", True, True,
         {"T": [4.0], "hard_weight": 0.0}),
        (lambda: soft_targets(2.5, 0.1), "soft targets at T = 2.5 and 0.1 × hard targets", "vy",
         True, True, {"T": [2.5], "hard_weight": 0.1}),
        (lambda: soft_targets(4, alpha=0.9), "soft targets at T = 4.0, alpha = 0.9", "vy", True,
         True, {"T": [4.0], "alpha": 0.9}),
        (lambda: soft_targets(4, alpha=1), "soft targets at T = 4.0, alpha = 1.0", "v", True,
         True, {"T": [4.0], "alpha": 1.0}),
        (lambda: soft_targets([1, 4]), "soft targets at T = 1.0, 4.0", "v", True, True,
         {"T": [1.0, 4.0], "hard_weight": 0.0}),
        (lambda: soft_targets(lambda batch: np.ones(B)), "soft targets at T = one for each case",
         "v", False, True, None),
    ],
)  # fmt: skip
def test_what_an_objective_says_of_itself(make, name, needs, by_case, some_labels, settings):
    objective = make()
    assert (objective.name, objective.needs) == (name, needs)
    assert (objective.by_case, objective.some_labels) == (by_case, some_labels)
    assert objective.settings == settings
    assert objective.members == ((2,) if "1.0, 4.0" in name else ())


@pytest.mark.parametrize("of_stack", [False, True])
def test_logit_matching_is_half_the_squared_distance(of_stack):
    z = np.stack([Z, -Z]) if of_stack else Z
    objective, batch = logit_matching(), Batch(None, None, V)
    np.testing.assert_allclose(
        objective.cost(z, batch), 0.5 * np.square(z - V).sum(-1), rtol=1e-14
    )
    np.testing.assert_array_equal(objective.gradient(z, batch), z - V)


def test_only_soft_targets_record_something_else_than_the_cost():
    assert hard_targets().recorded is None
    assert logit_matching().recorded is None
    kl = soft_targets(4.0).recorded(Z, BATCH)
    p, q = equations.softmax(V, 4.0), equations.softmax(Z, 4.0)
    np.testing.assert_allclose(kl, 16 * (p * np.log(p / q)).sum(-1), rtol=1e-12)


def test_an_objective_of_ones_own_promises_nothing_that_it_does_not_say():
    own = Objective("own", lambda z, batch: z[..., 0], lambda z, batch: z, "v")
    assert (own.recorded, own.members, own.by_case, own.some_labels, own.settings) == (
        None, (), False, False, None,
    )  # fmt: skip


@pytest.mark.parametrize("members", [[3], np.array([3]), range(3, 4)])
def test_members_are_kept_as_a_tuple_of_integers(members):
    own = Objective("own", np.sum, np.sum, "v", members=members)
    assert own.members == (3,)
    assert type(own.members[0]) is int


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "name is ''; expected a name, for messages and checkpoints"),
        ({"cost": 1}, "cost"),
        ({"gradient": None}, "gradient"),
        ({"recorded": "kl"}, "recorded"),
        ({"needs": "x"}, "needs is 'x'; expected 'y', 'v' or 'vy'"),
        ({"needs": "VY"}, "needs is 'VY'; expected 'y', 'v' or 'vy'"),
        ({"needs": "X"}, "needs is 'X'; expected 'y', 'v' or 'vy'"),
        ({"needs": 1}, "needs is 1; expected 'y', 'v' or 'vy'"),
        ({"members": (0,)}, "members"),
        ({"by_case": 2}, "by_case"),
        ({"some_labels": 2}, "some_labels"),
        ({"settings": 3}, "settings"),
    ],
)
def test_a_field_that_cannot_be_is_named(wrong, said):
    given = {"name": "own", "cost": np.sum, "gradient": np.sum, "needs": "vy", **wrong}
    with pytest.raises(ValueError, match=f"^{said}"):
        Objective(**given)


@pytest.mark.parametrize("of_stack", [False, True])
def test_each_case_has_the_temperature_that_the_function_gives_it(of_stack):
    T = [1.0, 2.0, 4.0, 8.0]
    z = np.stack([Z, -Z]) if of_stack else Z
    objective = soft_targets(lambda batch: T)
    for k in range(B):
        one = Batch(None, None, V[k : k + 1])
        fixed = soft_targets(T[k])
        at = np.s_[..., k : k + 1]
        np.testing.assert_allclose(
            objective.cost(z, BATCH)[at], fixed.cost(z[..., k : k + 1, :], one), rtol=1e-13
        )
        np.testing.assert_allclose(
            objective.gradient(z, BATCH)[..., k : k + 1, :],
            fixed.gradient(z[..., k : k + 1, :], one), rtol=1e-12, atol=1e-15,
        )  # fmt: skip


def test_a_function_finds_the_temperatures_in_the_batch():
    def sure(batch):
        return 1 + np.ptp(batch.v, axis=-1)

    objective, of_batch = soft_targets(sure, 0.5), (Z, V, Y, sure(BATCH)[:, None], 0.5)
    for got, expected in (
        (objective.cost(Z, BATCH), equations.distillation_cost(*of_batch)),
        (objective.recorded(Z, BATCH), equations.distillation_cost(*of_batch, kl=True)),
        (objective.gradient(Z, BATCH), equations.distillation_gradient(*of_batch)),
    ):
        np.testing.assert_array_equal(got, expected)


def test_a_function_may_give_a_list_beside_logits_of_any_library(arrays):
    objective = soft_targets(lambda batch: [1.0, 2.0, 4.0, 8.0])
    batch = Batch(None, None, arrays(V))
    for compute in (objective.cost, objective.gradient):
        np.testing.assert_allclose(
            arrays.back(compute(arrays(Z), batch)), compute(Z, BATCH),
            rtol=100 * arrays.tolerance, atol=10 * arrays.tolerance,  # T² is up to 64
        )  # fmt: skip


def test_members_have_temperatures_of_their_own_beside_logits_of_any_library(arrays):
    objective, batch = soft_targets([1.0, 4.0]), Batch(None, None, arrays(V))
    for what in ("cost", "gradient"):
        got = arrays.back(getattr(objective, what)(arrays(np.stack([Z, Z])), batch))
        for of_member, T in zip(got, (1.0, 4.0), strict=True):
            np.testing.assert_allclose(
                of_member, getattr(soft_targets(T), what)(Z, BATCH),
                rtol=100 * arrays.tolerance, atol=10 * arrays.tolerance,  # T² is up to 16
            )  # fmt: skip


@pytest.mark.parametrize("T", [[1.1, 1e5], lambda batch: [1.1, 1e5, 2.2, 3.3]])
def test_temperatures_are_not_rounded_to_half_precision(T):
    z, v = Z.astype(np.float16), V.astype(np.float16)
    several = np.stack([z, z]) if isinstance(T, list) else z
    got = soft_targets(T).cost(several, Batch(None, None, v))
    single = soft_targets(T).cost(several.astype(np.float32), Batch(None, None, v))
    np.testing.assert_array_equal(got, single)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_whole_temperatures_do_not_change_the_type_of_the_gradient(dtype):
    objective = soft_targets(lambda batch: [1, 2, 3, 4])
    z = Z.astype(dtype)
    assert objective.gradient(z, Batch(None, None, V.astype(dtype))).dtype == dtype


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.ones(B - 1), r"T\(batch\) has shape \(3,\); expected \(4,\), one for each case"),
        (np.ones((B, 1)), r"T\(batch\) has shape \(4, 1\); expected \(4,\)"),
        (2.0, r"T\(batch\)"),
        ("hot", r"T\(batch\)"),
        ([1, 1, 1, 0], r"T\(batch\) is 0"),
        ([1, 1, 1, -3], r"T\(batch\) is -3"),
        ([1, 1, 1, np.inf], r"T\(batch\) holds NaN or infinity"),
        ([1, 1, 1, np.nan], r"T\(batch\) holds NaN or infinity"),
        (np.array([1, 1, 1, 0]), r"T\(batch\) is 0"),
        (np.array([1, 1, 1, np.inf]), r"T\(batch\) holds NaN or infinity"),
        (np.ones(B, bool), r"T\(batch\) has dtype bool; expected numbers"),
        (np.ones(B, complex), r"T\(batch\) has dtype complex128; expected numbers"),
        (np.ma.masked_array(np.ones(B)), r"T\(batch\) is a masked array"),
    ],
)
def test_a_function_that_gives_no_temperature_for_each_case_is_named(given, said):
    objective = soft_targets(lambda batch: given)
    for compute in (objective.cost, objective.gradient):
        with pytest.raises(ValueError, match=said):
            compute(Z, BATCH)


def test_temperatures_on_a_gpu_stay_there(fake_gpu):
    z, v = (fake_gpu.asarray(a) for a in (Z, V))
    fixed = soft_targets(3.0).gradient(Z, BATCH)
    for T in (lambda batch: fake_gpu.asarray(np.full(B, 3.0)), [3.0, 3.0]):
        stacked = z if callable(T) else fake_gpu.asarray(np.stack([Z, Z]))
        objective, batch = soft_targets(T), Batch(None, None, v)
        if not callable(T):
            objective.gradient(stacked.get(), BATCH)  # has them on the host
            objective.gradient(stacked, batch)  # sends them there
        device_double.crossings.clear()
        on_device = objective.gradient(stacked, batch)
        assert not device_double.crossings["to host"]
        assert device_double.crossings["to device"] == callable(T)  # the function's own
        got = on_device.get()
        np.testing.assert_allclose(got, np.broadcast_to(fixed, got.shape), rtol=1e-12)
