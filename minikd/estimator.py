"""Distillation in scikit-learn's conventions: one line distils any classifier with ``predict_proba``.

Needs scikit-learn, the extra ``sklearn``; nothing else in minikd does.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_predict
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from minikd.data.dataset import Dataset
from minikd.equations import log_softmax, softmax
from minikd.mlp import MLP
from minikd.objectives import soft_targets
from minikd.train import Recipe, train


class DistilledMLPClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    r"""A small network that gives the answers of another classifier (Section 2).

    The teacher's probabilities p become logits, :math:`v = \log p`, which a temperature softens:
    :math:`\mathrm{softmax}(v / T)_i \propto p_i^{1/T}`. The student learns them, and the labels
    beside them if they have a weight. Inputs are brought to mean 0 and standard deviation 1.

    Parameters
    ----------
    teacher : classifier with ``predict_proba``, optional
        A copy of it is fitted to the same data, unless ``prefit``. By default a random forest.
    hidden_layer_sizes : tuple of int
    temperature : float
        T of the soft targets.
    hard_weight : float
        Weight of the labels, beside T² times the soft targets.
    prefit : bool
        The teacher is fitted, and is used as it is. It must know the classes that ``fit`` is given.
    cv : int or splitter, optional
        The soft target of a case comes from a teacher that was fitted without it, as in
        `sklearn.model_selection.cross_val_predict`. Use it for teachers that know their training
        data by heart, such as forests: on these, their probabilities say little.
    floor : float
        Probabilities below it are raised to it. A forest of 100 trees gives 0 to a class for which
        no tree votes: that means "less than about 0.01", but its logarithm would be minus infinity.
        A network means what it says of small probabilities; give it 1e-6.
    epochs, batch_size : int
    learning_rate : float
    random_state : int, RandomState instance or None

    Attributes
    ----------
    ``classes_`` : array, shape (n_classes,)
    ``teacher_`` : classifier
        The fitted teacher.
    ``student_`` : MLP
        Its inputs are ``(X - mean_) / scale_``.
    ``mean_``, ``scale_`` : array, shape (n_features,)
    ``n_features_in_`` : int
    ``n_iter_`` : int
        Epochs.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> student = DistilledMLPClassifier(hidden_layer_sizes=(20,), random_state=0).fit(X, y)
    >>> bool(student.score(X, y) > 0.9)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "teacher": [HasMethods(["fit", "predict_proba"]), None],
        "hidden_layer_sizes": [tuple, list],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "hard_weight": [Interval(Real, 0, None, closed="left")],
        "prefit": ["boolean"],
        "cv": ["cv_object"],
        "floor": [Interval(Real, 0, 1, closed="neither")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
    }  # fmt: skip

    def __init__(
        self,
        teacher: Any = None,
        *,
        hidden_layer_sizes: Any = (100, 100),
        temperature: float = 4.0,
        hard_weight: float = 0.0,
        prefit: bool = False,
        cv: Any = None,
        floor: float = 0.01,
        epochs: int = 100,
        batch_size: int = 50,
        learning_rate: float = 0.02,
        random_state: Any = None,
    ) -> None:
        self.teacher = teacher
        self.hidden_layer_sizes = hidden_layer_sizes
        self.temperature = temperature
        self.hard_weight = hard_weight
        self.prefit = prefit
        self.cv = cv
        self.floor = floor
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> DistilledMLPClassifier:
        """Fit the teacher, unless it is fitted, and distil it.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,)

        Returns
        -------
        DistilledMLPClassifier
            This estimator.

        Raises
        ------
        ValueError
            If there is a single class, or a fitted teacher does not know the classes.
        """
        self._validate_params()
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has one class, {self.classes_[0]!r}; expected two or more classes"
            )
        random = check_random_state(self.random_state)
        p = self._answers_of_teacher(X, y, random)
        self.mean_, scale = X.mean(0), X.std(0)
        self.scale_ = np.where(scale > 0, scale, 1.0)
        v = np.log(np.maximum(p, self.floor))
        cases = Dataset(self._scaled(X), labels, v, shape=(1, X.shape[1]), insist=True)
        batch = min(self.batch_size, len(X))
        recipe = Recipe(
            self.epochs,
            # Labels that weigh much would make longer steps.
            self.learning_rate / max(1.0, self.hard_weight),
            batch=batch,
            warm_up=min(100, -(-len(X) // batch) * self.epochs // 2),
        )
        self.student_ = MLP(
            [X.shape[1], *self.hidden_layer_sizes, len(self.classes_)],
            rng=int(random.randint(2**31 - 1)),
            dtype=np.float64,
        )
        objective = soft_targets(float(self.temperature), float(self.hard_weight))
        train(self.student_, cases, objective, recipe, rng=int(random.randint(2**31 - 1)))
        self.n_iter_ = self.epochs
        return self

    def _answers_of_teacher(self, X: Any, y: Any, random: Any) -> Any:
        """The probabilities to learn, a column for each of ``classes_``."""
        if self.prefit:
            teacher = self.teacher
            if teacher is None:
                raise ValueError(
                    "prefit is True and teacher is None; expected a fitted classifier"
                )
            check_is_fitted(teacher)
            if not np.array_equal(teacher.classes_, self.classes_):
                raise ValueError(
                    f"y has the classes {list(self.classes_)} and the teacher knows "
                    f"{list(teacher.classes_)}; expected the same: fit the teacher to them"
                )
        else:
            teacher = RandomForestClassifier() if self.teacher is None else clone(self.teacher)
            if self.random_state is not None:
                _seed(teacher, random)
            teacher.fit(X, y)
        self.teacher_ = teacher
        if self.cv is None:
            return teacher.predict_proba(X)
        return cross_val_predict(clone(teacher), X, y, cv=self.cv, method="predict_proba")

    def _scaled(self, X: Any) -> Any:
        return (X - self.mean_) / self.scale_

    def _logits(self, X: Any) -> Any:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return self.student_(self._scaled(X))

    def predict_proba(self, X: Any) -> Any:
        """The student's probabilities at T = 1, shape (n_samples, n_classes)."""
        return softmax(self._logits(X))

    def predict_log_proba(self, X: Any) -> Any:
        """Their logarithms, without loss where a probability is tiny."""
        return log_softmax(self._logits(X))

    def predict(self, X: Any) -> Any:
        """The most probable class of each case, shape (n_samples,)."""
        which = self._logits(X).argmax(-1)
        return self.classes_[which]


def _seed(estimator: Any, random: Any) -> None:
    """Give a seed to the estimator, and to those in it, that have none of their own."""
    unseeded = {
        name: int(random.randint(2**31 - 1))
        for name, value in sorted(estimator.get_params(deep=True).items())
        if (name == "random_state" or name.endswith("__random_state")) and value is None
    }
    estimator.set_params(**unseeded)
