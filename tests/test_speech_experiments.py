"""Sections 4 and 6, and forecasts: what is trained on what, and what a record holds."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import test_experiments

from minikd.data import Dataset, synthesize_speech
from minikd.data.speech import Utterance
from minikd.experiments import EXPERIMENTS
from minikd.experiments import kept as kept_files
from minikd.experiments.acoustic_frames import right, states_of, words_wrong
from minikd.experiments.forecast import series
from minikd.experiments.three_percent import together
from minikd.statistics import share_of_gain

SPEECH = synthesize_speech(0, train=30, test=12)
small_data = test_experiments.small_data


def test_frames_carry_their_states():
    framing = test_experiments.quick("acoustic-ensemble").framing
    model, train, chosen, test = states_of(framing, SPEECH, seed=0)
    assert [len(part.utterances) for part in (train, chosen, test)] == [27, 3, 12]
    assert (model.words, model.states) == (10, 3)
    for part in (train, chosen, test):
        frames = sum(len(u.frames) for u in part.utterances)
        assert part.data.x.shape == (frames, 7 * 12)
        for utterance, y in zip(part.utterances, part.cut(part.data.y), strict=True):
            states = y[np.flatnonzero(np.diff(y, prepend=-1))]
            np.testing.assert_array_equal(states, model.chain(utterance.digits))
    # A network that knew the states would get all frames and all words right.
    z = 20 * np.eye(30)[test.data.y][None]
    assert right(z, test) == [1.0]
    prior = np.bincount(train.data.y, minlength=30) / len(train.data)
    assert words_wrong(z, test, model, prior, penalty=0.0) == [0]


@pytest.mark.parametrize("held_out", [0.0, 1.0, 0.001])
def test_something_is_held_out(held_out):
    framing = replace(test_experiments.quick("acoustic-ensemble").framing, held_out=held_out)
    with pytest.raises(ValueError, match="held_out is"):
        states_of(framing, SPEECH, seed=0)


@pytest.mark.parametrize("name", ["acoustic-ensemble", "forecast"])
@pytest.mark.parametrize("members", [0, 1])
def test_an_ensemble_of_none_or_one(name, members):
    with pytest.raises(ValueError, match=f"members is {members}; expected at least 2"):
        replace(test_experiments.quick(name), members=members)


def test_a_digit_that_is_never_said_in_training():
    framing = test_experiments.quick("acoustic-ensemble").framing
    without = [u for u in SPEECH.train if 9 not in u.digits]
    with pytest.raises(ValueError, match="is a word missing"):
        states_of(framing, SPEECH._replace(train=without), seed=0)


def test_shares_where_nothing_is_gained():
    assert share_of_gain(0.5, 2.0) == 25.0
    assert (share_of_gain(0.0, 0.0), share_of_gain(-1.0, -2.0)) == (100.0, 0.0)


def test_the_record_of_an_ensemble(tmp_path):
    experiment, config = (
        EXPERIMENTS["acoustic-ensemble"],
        test_experiments.quick("acoustic-ensemble"),
    )
    found = experiment.run(config, seeds=(0, 1), out=tmp_path)
    m, curves = found["metrics"], found["curves"]
    assert test_experiments.names_of(experiment) <= set(m)
    for seed in (0, 1):
        singles = curves["singles"][seed]
        assert len(singles) == config.members
        assert m["single_accuracy"][seed] == pytest.approx(np.mean(singles))
        at = config.students.index((curves["chosen_mean"][seed], m["distilled_T"][seed]))
        assert m["distilled_accuracy"][seed] == pytest.approx(curves["distilled"][seed][at])
        gain = m["ensemble_accuracy"][seed] - m["single_accuracy"][seed]
        kept = m["distilled_accuracy"][seed] - m["single_accuracy"][seed]
        assert m["share_kept"][seed] == pytest.approx(share_of_gain(kept, gain))
        assert set(curves["penalty"][seed].values()) <= set(config.penalties)


# ---------------------------------------------------------------- fractions of the data


@pytest.mark.parametrize(
    "fractions",
    [(), (1.0, 0.0), (1.5, 1.0), (0.5, 0.1), (1.0, 0.1, 0.3), (1.0, -0.1), (1.0, 0.1, 0.1)],
)
def test_fractions_that_are_none(fractions):
    with pytest.raises(ValueError, match="fractions is"):
        replace(test_experiments.quick("three-percent"), fractions=fractions)


@pytest.mark.parametrize("data", ["glyphs", "synthetic"])
def test_the_record_of_fractions(data, tmp_path, monkeypatch):
    seen, real = {}, kept_files.train

    def spy(net, cases, objective, *args, **kwargs):
        seen.setdefault(objective.name.split(" ")[0], []).append(cases)
        return real(net, cases, objective, *args, **kwargs)

    monkeypatch.setattr(kept_files, "train", spy)
    experiment = EXPERIMENTS["three-percent"]
    config = replace(experiment.presets[data], **test_experiments.QUICK_FRACTIONS)
    found = experiment.run(config, out=tmp_path)
    m = {metric: values[0] for metric, values in found["metrics"].items()}
    assert test_experiments.names_of(experiment) <= set(m)
    soft = seen["soft"]
    assert all(cases.y is None and cases.v is not None for cases in soft)  # no label is read
    counts = [len(cases) for cases in soft]
    assert counts == [m[f"cases_{p}"] for p in (100, 30, 10, 3, 1)]
    # Each fraction is part of the one before.
    for larger, smaller in pairwise(soft):
        rows = {row.tobytes() for row in larger.x}
        assert all(row.tobytes() in rows for row in smaller.x)
    for percent in ("30", "10", "3", "1"):
        curves = found["curves"][percent][0]
        assert set(curves) == {"soft", "hard"}
        hard = {look["epoch"]: look for look in curves["hard"]}
        early, last = m[f"hard_{percent}_early_epoch"], config.recipe.epochs * config.most
        assert (min(hard), max(hard)) == (1, last)
        assert m[f"hard_{percent}_accuracy"] == hard[last]["test"]
        assert m[f"hard_{percent}_early_accuracy"] == hard[early]["test"]
        assert m[f"hard_{percent}_early_train_accuracy"] == hard[early]["train"]
        assert hard[early]["validation"] == max(look["validation"] for look in hard.values())


def test_shares_of_a_gap():
    config = replace(test_experiments.quick("three-percent"), fractions=(1.0, 0.03))

    def share(everything, hard, soft):
        first = {"all_accuracy": everything}
        other = {"hard_3_early_accuracy": hard, "soft_3_accuracy": soft}
        parts = [
            {"metrics": m, "curves": {}, "seconds": 2.0, "shared_seconds": 1.0}
            for m in (first, other)
        ]
        return together(config, parts)["metrics"]["recovered_3"]

    assert share(90.0, 70.0, 85.0) == 75.0
    assert share(90.0, 70.0, 65.0) == -25.0
    assert (share(70.0, 70.0, 71.0), share(70.0, 70.0, 60.0)) == (100.0, 0.0)


def test_the_smallest_fraction_is_one_case(tmp_path):
    config = replace(test_experiments.quick("three-percent"), fractions=(1.0, 0.03, 1e-9))
    found = EXPERIMENTS["three-percent"].run(config, out=tmp_path)
    assert found["metrics"]["cases_1e-07"] == [1]


def test_training_cases_are_looked_at_from_all_over(tmp_path, monkeypatch):
    """Frames are in the order of the speakers; the first ones would be of one speaker."""
    taken, real = [], Dataset.take

    def spy(data, rows):
        taken.append((len(data), np.asarray(rows)))
        return real(data, rows)

    monkeypatch.setattr(Dataset, "take", spy)
    config = replace(
        EXPERIMENTS["three-percent"].presets["synthetic"], **test_experiments.QUICK_FRACTIONS
    )
    three_percent = EXPERIMENTS["three-percent"]
    three_percent.run(replace(config, fractions=(1.0, 0.03)), out=tmp_path)
    n, rows = taken[0]
    assert (rows[0], rows[-1]) == (0, n - 1)
    assert len(rows) < n


# ---------------------------------------------------------------- forecasts


def test_a_forecast_is_of_the_next_frames():
    frames = np.arange(14, dtype=np.float32).reshape(7, 2)
    data = series(
        [Utterance(frames, (0,), "a"), Utterance(frames[:3], (1,), "a")], past=3, ahead=2
    )
    assert len(data) == 3  # the second utterance is too short
    np.testing.assert_array_equal(data.x[0], [0, 1, 2, 3, 4, 5])
    np.testing.assert_array_equal(data.v[0], [6, 7, 8, 9])
    np.testing.assert_array_equal(data.v[-1], [10, 11, 12, 13])
    with pytest.raises(ValueError, match="no utterance has 8 frames"):
        series([Utterance(frames, (0,), "a")], past=5, ahead=3)


def test_the_record_of_a_forecast(tmp_path):
    experiment = EXPERIMENTS["forecast"]
    m = experiment.run(test_experiments.quick("forecast"), out=tmp_path)["metrics"]
    assert test_experiments.names_of(experiment) <= set(m)
    # Ten together are never worse than they are on average: the square is convex.
    assert m["ensemble_error"][0] <= m["single_error"][0]
    assert m["distilled_error"][0] < m["unchanged_error"][0]
