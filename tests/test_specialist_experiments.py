"""Sections 5, 7 and 8: who is trained on what, and what a record holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import test_experiments

from minikd import equations, errors
from minikd.combination import combine
from minikd.data import load_characters
from minikd.evaluate import calibration_error, fit_temperature, log_loss
from minikd.experiments import EXPERIMENTS
from minikd.experiments import kept as kept_files
from minikd.experiments.record import environment
from minikd.experiments.specialists.run import by_coverage, by_number, conditional, train_team
from minikd.specialists import cluster_classes, prediction_covariance

small_data = test_experiments.small_data
RNG = np.random.default_rng(2)
CHARACTERS = load_characters(0, 1400, 400)


def kept(tmp_path, seed=0):
    return kept_files.Kept(tmp_path, seed, environment(np), "cpu", False)


def test_specialists_are_trained_on_all_cases_with_labels_of_their_own(tmp_path, monkeypatch):
    seen, real = [], kept_files.train

    def spy(net, cases, objective, recipe, **kwargs):
        seen.append((net, cases, kwargs.get("special")))
        return real(net, cases, objective, recipe, **kwargs)

    monkeypatch.setattr(kept_files, "train", spy)
    config = test_experiments.quick("specialists")
    team = train_team(config, CHARACTERS.train, kept(tmp_path), 12, 321)
    (generalist, of_all, none), (stack, own, share) = seen
    assert (none, share) == (None, 0.5)
    assert generalist.sizes == [784, 12, 12, 321]
    assert stack.sizes == [784, 12, 12, config.size + 1]
    assert stack.members == (config.clusters,)
    np.testing.assert_array_equal(of_all.y, CHARACTERS.train.y)
    for special, labels in zip(team.classes, own.y, strict=True):
        inside = labels < config.size
        np.testing.assert_array_equal(inside, np.isin(CHARACTERS.train.y, special))
        np.testing.assert_array_equal(special[labels[inside]], CHARACTERS.train.y[inside])
    # In pieces or at once, the answer is the same.
    x = CHARACTERS.test.x
    np.testing.assert_allclose(team(x, batch=150), team(x), rtol=1e-6, atol=1e-6)
    assert team.generalist_seconds > 0 < team.specialist_seconds


def test_the_tables_of_a_run():
    classes = np.array([[0, 1], [1, 2], [1, 4]])
    y = np.repeat(np.arange(6), 40)
    v, z = RNG.normal(size=(2, 240, 6))
    z[np.arange(240), y] += 2
    rows = by_coverage(v, z, classes, y)
    assert [(row["covering"], row["cases"]) for row in rows] == [(0, 80), (1, 120), (3, 40)]
    ones = y == 1
    assert rows[2]["generalist_right"] == (v[ones].argmax(1) == 1).sum()
    assert rows[2]["specialists_right"] == (z[ones].argmax(1) == 1).sum()
    assert rows[2]["generalist_log_loss"] == pytest.approx(log_loss(v[ones], y[ones]))
    assert rows[2]["specialists_log_loss"] == pytest.approx(log_loss(z[ones], y[ones]))


def test_conditional_accuracy_is_among_the_classes_of_a_specialist():
    data = CHARACTERS._replace(names=tuple("abcdef"))
    y = np.array([0, 1, 1, 5])
    v = np.full((4, 6), 9.0)  # sure of other classes, and right among these two
    v[:, :2] = [[1, 0], [0, 1], [1, 0], [0, 0]]
    u = np.zeros((1, 4, 3))
    u[0, :, 2] = 9  # sure of the dustbin, which does not count here
    u[0, 2, 1] = u[0, 1, 1] = 1
    (row,) = conditional(v, u, np.array([[0, 1]]), data, y)
    assert row["classes"] == "ab"
    assert row["cases"] == 3
    assert (row["generalist"], row["specialists"]) == pytest.approx((200 / 3, 100))


def test_with_no_specialist_in_use_the_generalist_is_left():
    classes = np.array([[0, 1], [1, 2]])
    v, u, y = RNG.normal(size=(50, 6)), RNG.normal(size=(2, 50, 3)), RNG.integers(0, 6, 50)
    found = by_number(v, u, classes, np.ones((50, 2), dtype=bool), y)
    assert found["specialists"] == [0, 1, 2]
    assert found["log_loss"][0] == pytest.approx(log_loss(v, y))
    assert found["log_loss"][2] != pytest.approx(log_loss(v, y))


def test_the_record_of_specialists(tmp_path):
    """Seeds whose classes are covered by different numbers of specialists go into one record."""
    experiment, config = EXPERIMENTS["specialists"], test_experiments.quick("specialists")
    found = experiment.run(config, seeds=(0, 9), out=tmp_path)
    m, curves = found["metrics"], found["curves"]
    assert test_experiments.names_of(experiment) <= set(m)
    for seed in (0, 1):
        assert len(curves["clusters"][seed]) == config.clusters
        assert all(len(row["classes"]) == config.size for row in curves["clusters"][seed])
        assert sum(row["cases"] for row in curves["coverage"][seed]) == 400
        right = sum(row["specialists_right"] for row in curves["coverage"][seed])
        assert m["specialists_accuracy"][seed] == pytest.approx(right / 4)
        number = curves["number"][seed]
        assert number["accuracy"][0] == pytest.approx(m["generalist_accuracy"][seed])
        assert number["accuracy"][-1] == pytest.approx(m["specialists_accuracy"][seed])
        widths = curves["widths"][seed]
        assert widths["specialists_log_loss"][0] == m["specialists_log_loss"][seed]
        assert len(widths["copies_accuracy"]) == 2
    # What is chosen and drawn follows the seed.
    assert curves["clusters"][0] != curves["clusters"][1]


def test_each_number_of_a_record_is_what_its_networks_say(tmp_path):
    """Made again from the networks that the run kept."""
    config = test_experiments.quick("specialists")
    found = EXPERIMENTS["specialists"].run(config, out=tmp_path)
    m = {k: v[0] for k, v in found["metrics"].items()}
    train, held_out = CHARACTERS.train.split(config.held_out, rng=4)
    of_run, test = kept(tmp_path / ".kept"), CHARACTERS.test
    team = train_team(config, train, of_run, 12, 321)
    v, u = team.generalist(test.x), team.specialists(test.x).astype(float)
    natural = [np.isin(train.y, special).mean() for special in team.classes]
    np.testing.assert_allclose(team.correction, [np.log((1 - p) / p) for p in natural])
    q = equations.softmax(team.generalist(train.x), config.T)
    np.testing.assert_array_equal(
        team.classes, cluster_classes(prediction_covariance(q), 4, 5, rng=4)
    )
    uncorrected = combine(v, u, team.classes)
    u[..., -1] += team.correction[:, None]
    z, reverse = (combine(v, u, team.classes, reverse=way) for way in (False, True))
    T = {"generalist": fit_temperature(team.generalist(held_out.x), held_out.y),
         "specialists": fit_temperature(team(held_out.x), held_out.y)}  # fmt: skip
    for who, answer in (("generalist", v), ("specialists", z), ("reverse", reverse),
                        ("uncorrected", uncorrected)):  # fmt: skip
        assert m[f"{who}_accuracy"] == pytest.approx(100 - errors(answer, test.y) / 4)
        assert m[f"{who}_log_loss"] == pytest.approx(log_loss(answer, test.y), rel=1e-5)
        error = 100 * calibration_error(answer, test.y)
        assert m[f"{who}_calibration"] == pytest.approx(error, rel=1e-3)
        if who in T:
            loss = log_loss(answer / T[who], test.y)
            assert m[f"calibrated_{who}_log_loss"] == pytest.approx(loss, rel=1e-5)
    # The controls differ from what they are set beside, and from each other.
    losses = [m[f"{who}_log_loss"] for who in ("generalist", "specialists", "reverse", "copy",
                                               "uncorrected", "copies", "mixture")]  # fmt: skip
    assert len({round(loss, 7) for loss in losses}) == len(losses)
    parts = m["specialists_minutes"] / config.clusters / m["generalist_minutes"]
    assert m["specialist_share"] == pytest.approx(100 * parts)
    assert m["generalist_weights"] == team.generalist.size


def test_a_run_without_a_mixture(tmp_path):
    config = replace(test_experiments.quick("specialists"), experts=0, widths=(12,))
    found = EXPERIMENTS["specialists"].run(config, out=tmp_path)
    assert "mixture_accuracy" not in found["metrics"]


def test_students_learn_from_the_team_and_from_the_generalist_alone(tmp_path, monkeypatch):
    seen, real = {}, kept_files.train

    def spy(net, cases, objective, recipe, **kwargs):
        seen[objective.name] = net, cases
        return real(net, cases, objective, recipe, **kwargs)

    monkeypatch.setattr(kept_files, "train", spy)
    experiment = EXPERIMENTS["specialists-into-one"]
    config = test_experiments.quick("specialists-into-one")
    found = experiment.run(config, out=tmp_path)
    (name,) = [name for name in seen if name.startswith("soft targets")]
    assert "T = 1.0, 2.0, 1.0, 2.0" in name
    net, cases = seen[name]
    assert net.members == (4,)
    np.testing.assert_array_equal(cases.v[0], cases.v[1])
    np.testing.assert_array_equal(cases.v[2], cases.v[3])
    labelled = replace(cases, v=None)
    team = train_team(config.team, labelled, kept(tmp_path / ".kept"), 12, 321)
    np.testing.assert_allclose(cases.v[2], team.generalist(cases.x), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        equations.softmax(cases.v[0]), equations.softmax(team(cases.x)), rtol=1e-4, atol=1e-6
    )
    m = {k: v[0] for k, v in found["metrics"].items()}
    assert test_experiments.names_of(experiment) <= set(m)
    at = config.T.index(m["distilled_T"])
    assert found["curves"]["accuracy"][0][0][at] == pytest.approx(m["distilled_accuracy"])
    # Chosen without the test set.
    _, held_out = CHARACTERS.train.split(config.team.held_out, rng=4)
    losses = np.reshape(log_loss(net(held_out.x), held_out.y), (2, 2))
    assert (m["distilled_T"], m["from_generalist_T"]) == tuple(
        config.T[k] for k in losses.argmin(1)
    )
    assert "0.5 × hard targets" in name
