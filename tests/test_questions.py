"""What docs/questions.md says, question by question."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, rel_entr

from minikd import MLP, Dataset, Recipe, errors, gradcheck, hard_targets, soft_targets, train
from minikd import equations as eq
from minikd.ensembles import geometric_mean

PAGE = Path(__file__).parents[1] / "docs" / "questions.md"
RNG = np.random.default_rng(3)
Z, V = 3 * RNG.normal(size=(2, 6, 10))


def test_each_question_has_an_equation_and_a_test():
    text = PAGE.read_text(encoding="utf-8")
    parts = re.split(r"^## (\d+)\. ", text, flags=re.MULTILINE)[1:]
    assert parts[::2] == [str(n) for n in range(1, 13)]
    for number, part in zip(parts[::2], parts[1::2], strict=True):
        assert part.count("$$") >= 2, number
        assert any(name.startswith(f"test_{number}_") for name in globals()), number


def test_1_the_gradient_fades_like_one_over_t_squared():
    at, later = (np.linalg.norm(eq.soft_target_gradient(Z, V, T)) for T in (200.0, 400.0))
    assert at / later == pytest.approx(4, rel=0.02)


def test_2_a_mean_over_classes_too_makes_the_gradient_n_times_smaller():
    terms = rel_entr(eq.softmax(V), eq.softmax(Z))
    batchmean, mean = terms.sum() / len(Z), terms.mean()
    assert mean == pytest.approx(batchmean / 10)
    assert batchmean == pytest.approx(eq.kl_divergence(Z, V).mean())


def test_3_what_is_negative_is_no_divergence():
    p, q = eq.softmax(V), eq.softmax(Z)
    assert (rel_entr(p, q).sum(-1) >= 0).all()
    logits_for_log_q = (p * (np.log(p) - Z)).sum(-1)
    over_the_batch = (p * (np.log(p) - np.log(eq.softmax(Z.T).T))).sum(-1)
    probabilities_for_log_q = (p * (np.log(p) - q)).sum(-1)
    for wrong in (logits_for_log_q, probabilities_for_log_q, over_the_batch):
        assert not np.allclose(wrong, rel_entr(p, q).sum(-1))
    assert logits_for_log_q.min() < 0
    assert probabilities_for_log_q.min() < 0


def test_4_cross_entropy_is_the_divergence_plus_a_constant():
    cross = eq.soft_target_cost(Z, V, 4.0)
    entropy = eq.entropy(V, 4.0)
    np.testing.assert_allclose(cross - eq.kl_divergence(Z, V, 4.0), entropy, rtol=1e-12)


def test_5_q_minus_p_is_the_derivative():
    gradcheck(
        lambda z: (eq.soft_target_cost(z, V, 4.0),
                   lambda d: d[:, None] * eq.soft_target_gradient(z, V, 4.0)), Z,
    )  # fmt: skip


def test_6_with_t_on_one_side_the_student_learns_to_be_unsure():
    T = 5.0
    # The gradient of -sum p(T) log q(1): 0 at z = v / T.
    np.testing.assert_allclose(eq.softmax(V / T) - eq.softmax(V, T), 0, atol=1e-15)
    assert (eq.entropy(V / T) > eq.entropy(V)).all()
    assert (eq.softmax(Z, 7.0).argmax(-1) == Z.argmax(-1)).all()


def test_7_a_student_of_a_noisy_teacher_is_better_than_the_teacher():
    x = RNG.random((2000, 2))
    y = (x[:, 0] > x[:, 1]).astype(int)
    sure = np.where(y[:, None] == [0, 1], 1.0, -1.0)
    v = sure + 2 * RNG.normal(size=(2000, 2))  # right in most cases, wrong in many
    student = MLP([2, 2], rng=0)
    recipe = Recipe(epochs=40, learning_rate=0.5, batch=50)
    train(student, Dataset(x, y, v, shape=(1, 2)), soft_targets(2.0), recipe, rng=0)
    assert errors(student(x), y) < 0.2 * errors(v, y)


def test_8_the_mean_of_logits_is_the_geometric_mean():
    members = RNG.normal(size=(3, 4, 5))
    geometric = np.prod(eq.softmax(members), axis=0) ** (1 / 3)
    geometric /= geometric.sum(-1, keepdims=True)
    np.testing.assert_allclose(eq.softmax(geometric_mean(members)), geometric, rtol=1e-12)
    ruled_out = np.array([[[0.0, 0.0]], [[-30.0, 0.0]]])
    assert eq.softmax(geometric_mean(ruled_out))[0, 0] < 1e-6
    assert eq.softmax(ruled_out).mean(0)[0, 0] == pytest.approx(0.25)


def test_9_a_teacher_changes_neither_by_dropout_nor_by_its_student():
    x, y = RNG.random((40, 3)), RNG.integers(0, 2, 40)
    teacher, student = MLP([3, 8, 2], rng=0), MLP([3, 4, 2], rng=1)
    recipe = Recipe(epochs=2, learning_rate=0.1, dropout=(0.5, 0.5))
    train(teacher, Dataset(x, y, shape=(1, 3)), hard_targets(), recipe, rng=0)
    before = [parameter.copy() for parameter in teacher.parameters]
    v = teacher(x)
    np.testing.assert_array_equal(teacher(x), v)
    train(
        student,
        Dataset(x, y, v, shape=(1, 3)),
        soft_targets(4.0),
        Recipe(epochs=2, learning_rate=0.1),
        rng=0,
    )
    for was, now in zip(before, teacher.parameters, strict=True):
        np.testing.assert_array_equal(was, now)


@pytest.mark.parametrize("alpha", [0.5, 0.9])
def test_10_the_two_conventions_of_weights(alpha):
    y = np.arange(6)
    ours = eq.distillation_gradient(Z, V, y, 4.0, hard_weight=(1 - alpha) / alpha)
    theirs = eq.distillation_gradient(Z, V, y, 4.0, alpha=alpha)
    np.testing.assert_allclose(alpha * ours, theirs, rtol=1e-9, atol=1e-12)


def test_11_a_student_that_is_its_own_teacher_learns_nothing():
    np.testing.assert_array_equal(eq.soft_target_gradient(V, V, 4.0), 0)
    assert (eq.kl_divergence(V, V, 4.0) == 0).all()
    assert (eq.kl_divergence(Z, V, 4.0) > 0.01).all()


def test_12_two_logits_are_one_difference():
    z = RNG.normal(size=20)
    two = np.stack([np.zeros(20), z], -1)
    np.testing.assert_allclose(eq.softmax(two, 3.0)[:, 1], expit(z / 3), rtol=1e-12)
