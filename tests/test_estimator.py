"""The estimator follows scikit-learn's conventions, and what it learns is the teacher's answers."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
from sklearn.datasets import load_digits, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.utils.estimator_checks import parametrize_with_checks

from minikd.equations import softmax
from minikd.estimator import DistilledMLPClassifier


@parametrize_with_checks(
    [DistilledMLPClassifier(RandomForestClassifier(10), epochs=50, hidden_layer_sizes=(50,))]
)
def test_it_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_its_defaults_distil_a_forest():
    X, y = load_wine(return_X_y=True)
    student = DistilledMLPClassifier(random_state=0).fit(X, y)
    assert student.score(X, y) > 0.97
    assert isinstance(student.teacher_, RandomForestClassifier)


def test_one_line_distils_a_fitted_classifier():
    X, X_test, y, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)
    forest = RandomForestClassifier(random_state=0).fit(X, y)
    student = DistilledMLPClassifier(forest, prefit=True, random_state=0).fit(X, y)
    assert student.teacher_ is forest
    assert student.score(X_test, y_test) > 0.95
    assert (student.predict(X_test) == forest.predict(X_test)).mean() > 0.95


def test_the_soft_targets_are_powers_of_the_teachers_probabilities():
    p = np.array([[0.7, 0.2, 0.1]])
    powers = p ** (1 / 4)
    np.testing.assert_allclose(softmax(np.log(p), 4.0), powers / powers.sum())


def test_a_network_as_large_as_the_task_learns_the_probabilities_themselves():
    X, y = load_wine(return_X_y=True)
    teacher = LogisticRegression(C=0.05, max_iter=5000).fit((X - X.mean(0)) / X.std(0), y)
    X = (X - X.mean(0)) / X.std(0)
    student = DistilledMLPClassifier(
        teacher, prefit=True, temperature=2, floor=1e-6, random_state=0
    ).fit(X, y)
    assert abs(student.predict_proba(X) - teacher.predict_proba(X)).max() < 0.05
    np.testing.assert_allclose(np.exp(student.predict_log_proba(X)), student.predict_proba(X))


def test_out_of_fold_targets_are_softer_than_those_a_forest_gives_its_own_data():
    X, y = load_digits(return_X_y=True)
    fitted = {
        cv: DistilledMLPClassifier(RandomForestClassifier(50, random_state=0), cv=cv,
                                   epochs=60, random_state=0).fit(X, y)
        for cv in (None, 5)
    }  # fmt: skip
    sure = {cv: student.predict_proba(X).max(-1).mean() for cv, student in fitted.items()}
    assert sure[5] < sure[None] - 0.05


def test_labels_count_if_they_have_a_weight():
    X, y = load_wine(return_X_y=True)
    wrong = RandomForestClassifier(random_state=0).fit(X, (y + 1) % 3)
    scores = [
        DistilledMLPClassifier(wrong, prefit=True, hard_weight=w, random_state=0).fit(X, y).score(X, y)
        for w in (0.0, 100.0)
    ]  # fmt: skip
    assert scores[0] < 0.1
    assert scores[1] > 0.9


def test_bad_calls_say_what_to_do():
    X, y = load_wine(return_X_y=True)
    with pytest.raises(ValueError, match="one class"):
        DistilledMLPClassifier().fit(X, np.zeros(len(X)))
    forest = RandomForestClassifier(5).fit(X, np.minimum(y, 1))
    with pytest.raises(ValueError, match=r"the teacher knows .*expected the same"):
        DistilledMLPClassifier(forest, prefit=True).fit(X, y)
    with pytest.raises(ValueError, match="teacher is None; expected a fitted classifier"):
        DistilledMLPClassifier(prefit=True).fit(X, y)
    with pytest.raises(ValueError, match="temperature"):
        DistilledMLPClassifier(temperature=0).fit(X, y)
