"""Experiments: what a record holds, and that a run can be stopped, resumed and repeated."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from minikd import (
    MLP,
    Recipe,
    errors,
    experiments,
    gradcheck,
    hard_targets,
    load_glyphs,
    soft_targets,
    train,
)
from minikd.data import Dataset, Digits, catalog, load_characters, synthesize_speech
from minikd.equations import softmax
from minikd.evaluate import logits_over_views
from minikd.experiments import (
    EXPERIMENTS,
    Metric,
    Paper,
    kept,
    protocols,
    record,
    teacher_student,
    unseen,
)
from minikd.experiments.hard_weight import TransferSet
from minikd.experiments.kept import part_seed
from minikd.experiments.measured import MEASURES, change_when_moved
from minikd.experiments.protocols import Protocol, second_test
from minikd.experiments.recipes import Distillation
from minikd.experiments.record import full_run, read_record
from minikd.experiments.temperature_width import students_of
from minikd.experiments.what_carries import KEEP, smooth_targets, what_is_left
from minikd.objectives import Batch

# The two kinds of run; an experiment differs from another of its kind by its settings alone.
run_unseen = EXPERIMENTS["omitted-3"].run
run_teacher_student = EXPERIMENTS["teacher-student"].run

# The same steps as the presets, small enough for a test.
STUDENT = Recipe(epochs=15, learning_rate=0.02, batch=50, warm_up=20)
TEACHER = Recipe(epochs=15, learning_rate=0.1, batch=50, dropout=(0.0, 0.2))
PAPER = Protocol(TEACHER, hard_weight=0.5, averaged=False, held_out=0, student=STUDENT)
BEST = Protocol(
    replace(TEACHER, epochs=10), hard_weight=0.0, averaged=True, held_out=100, student=STUDENT
)
QUICK = {
    "teacher_hidden": (60,),
    "student_hidden": (40,),
    "hard": Recipe(epochs=5, learning_rate=0.1, batch=50),
    "T": 8.0,
    "view_pixels": 1,
    "paper": PAPER,
    "best": BEST,
}
METRICS = {
    "teacher_errors", "teacher_omitted_errors", "errors_before", "errors_after",
    "omitted_errors_before", "omitted_errors_after", "bias", "best_errors_before",
    "best_errors_after", "best_omitted_errors_before", "best_omitted_errors_after", "best_bias",
    "honest_best_bias", "honest_best_errors_after", "honest_best_omitted_errors_after",
    "test_cases", "omitted_cases", "hard_errors", "hard_omitted_errors", "hard_bias",
    "hard_errors_after", "hard_omitted_errors_after", "teacher_views_errors",
    "best_teacher_errors", "best_teacher_omitted_errors", "best_teacher_views_errors",
}  # fmt: skip


def replace_data(monkeypatch, name, load):
    """Another data set under a name of the catalog, for one test."""
    monkeypatch.setitem(catalog.SOURCES, name, replace(catalog.SOURCES[name], load=load))


def only_record(folder):
    (path,) = folder.glob("*.json")
    return path


def names_of(experiment):
    return {metric.name for metric in experiment.metrics}


@pytest.fixture(autouse=True)
def small_data(monkeypatch):
    replace_data(monkeypatch, "glyphs", lambda: load_glyphs(rng=0, train=800, test=400))
    replace_data(monkeypatch, "synthetic", lambda: synthesize_speech(0, train=30, test=12))
    replace_data(monkeypatch, "characters", lambda: load_characters(0, 1400, 400))


QUICK_STUDENTS = {
    "teacher_hidden": (60,),
    "student_hidden": (40,),
    "alone": Recipe(epochs=10, learning_rate=0.1, batch=50),
    "tricks": TEACHER,
    "paper": PAPER,
    "best": BEST,
    "jittered": replace(STUDENT, jitter=1),
    "T": 8.0,
    "view_pixels": 1,
}
QUICK_GRID = {
    "widths": (8, 40),
    "students": (2, 1),
    "temperatures": (1.0, 4.0, 12.0, 20.0),
    "teacher_hidden": (60,),
    "paper": replace(PAPER, student=replace(STUDENT, epochs=4), held_out=100),
    "view_pixels": 0,
}

QUICK_RECIPES = {
    "teacher_hidden": (60,),
    "student_hidden": (40,),
    "teachers": {
        "house": TEACHER,
        "plain": Recipe(epochs=5, learning_rate=0.1, batch=50),
    },
    "students": {
        "soft": Distillation(STUDENT, T=8.0, hard_weight=0.0, gain=0.4),
        "both": Distillation(STUDENT, T=8.0, hard_weight=0.5, gain=1.0),
    },
    "held_out": 100,
    "move": 1,
}
QUICK_WEIGHTS = {
    "teacher_hidden": (60,),
    "student_hidden": (40,),
    "teachers": {
        "house": TEACHER,
        "plain": Recipe(epochs=5, learning_rate=0.1, batch=50),
    },
    "sets": {
        "all": TransferSet((), (), STUDENT),
        "no-3": TransferSet((3,), (3,), STUDENT),
        "only-7-8": TransferSet(
            (0, 1, 2, 3, 4, 5, 6, 9), (7, 8), replace(STUDENT, learning_rate=0.01)
        ),
    },
    "weights": (0.0, 0.5, 2.0),
    "few_weights": (0.0, 2.0),
    "T": 8.0,
    "other_temperatures": (4.0,),
}
QUICK_ACOUSTIC = {
    "hidden": (24, 24),
    "members": 3,
    "single": Recipe(epochs=2, learning_rate=0.05, batch=100),
    "student": Recipe(epochs=2, learning_rate=(0.02, 0.02, 0.01), batch=100),
    "longer": Recipe(epochs=2, learning_rate=0.05, batch=100),
    "students": (("arithmetic", 1.0), ("geometric", 1.0), ("arithmetic", 2.0)),
}
QUICK_FRACTIONS = {
    "fractions": (1.0, 0.3, 0.1, 0.03, 0.01),
    "hidden": (24,),
    "recipe": Recipe(epochs=2, learning_rate=0.05, batch=50),
    "most": 2,
    "held_out": 100,
}
QUICK_FORECAST = {
    "hidden": (24,),
    "members": 3,
    "single": Recipe(epochs=1, learning_rate=0.005, batch=100),
    "student": Recipe(epochs=2, learning_rate=0.005, batch=100),
}
QUICK_SPECIALISTS = {
    "widths": (12, 16),
    "clusters": 4,
    "size": 5,
    "generalist": Recipe(epochs=6, learning_rate=0.1, batch=50),
    "specialist": Recipe(epochs=1, learning_rate=0.1, batch=50),
    "copies": 2,
    "experts": 2,
    "mixture": Recipe(epochs=2, learning_rate=0.1, batch=50),
    "held_out": 200,
}
QUICK_CARRIES = {
    "teacher_hidden": (60,),
    "student_hidden": (40,),
    "teacher": TEACHER,
    "student": STUDENT,
    "hard": Recipe(epochs=5, learning_rate=0.1, batch=50),
    "cases": 600,
    "T": 8.0,
}
UNSEEN = ["omitted-3", "sevens-and-eights"]


def quick(name):
    """The preset of the bundled data, made small."""
    preset = next(iter(EXPERIMENTS[name].presets.values()))
    if name == "omitted-each":
        return replace(preset, each=quick("omitted-3"))
    if name == "specialists-into-one":
        student = Recipe(epochs=2, learning_rate=0.05, batch=50)
        return replace(preset, team=quick("specialists"), student=student, T=(1.0, 2.0))
    shrunk = {
        "teacher-student": QUICK_STUDENTS,
        "temperature-width": QUICK_GRID,
        "recipes": QUICK_RECIPES,
        "hard-weight": QUICK_WEIGHTS,
        "what-carries": QUICK_CARRIES,
        "acoustic-ensemble": QUICK_ACOUSTIC,
        "three-percent": QUICK_FRACTIONS,
        "forecast": QUICK_FORECAST,
        "specialists": QUICK_SPECIALISTS,
    }
    shrunk |= dict.fromkeys(UNSEEN, QUICK)
    return replace(preset, **shrunk.get(name, {}))


def comparable(found):
    """Without what a clock says, wherever it stands."""

    def without_times(value):
        if isinstance(value, list):
            return [without_times(each) for each in value]
        if not isinstance(value, dict):
            return value
        clock = ("seconds", "_minutes", "_seconds", "specialist_share")
        return {k: without_times(v) for k, v in value.items() if not k.endswith(clock)}

    return without_times(found)


@pytest.mark.parametrize("name", UNSEEN)
def test_a_record_holds_what_it_should(name, tmp_path):
    found = run_unseen(quick(name), seeds=(0, 1), out=tmp_path)
    assert found == read_record(only_record(tmp_path))
    assert set(found["metrics"]) == METRICS
    assert all(len(values) == 2 for values in found["metrics"].values())
    for key in ("config", "seeds", "versions", "threads", "seconds", "device"):
        assert key in found
    assert found["seeds"] == [0, 1]
    assert found["device"] == "cpu"
    assert {"python", "numpy", "scipy", "minikd"} <= set(found["versions"])
    m = {k: np.array(v) for k, v in found["metrics"].items()}
    assert (m["test_cases"] == 400).all()
    # The best bias on the test set does no worse than any other, and 0 is one of the others.
    assert (m["best_errors_after"] <= m["honest_best_errors_after"]).all()
    assert (m["best_errors_after"] <= m["best_errors_before"]).all()
    assert (m["errors_after"] <= m["errors_before"]).all()
    assert (m["omitted_errors_before"] <= m["omitted_cases"]).all()
    for seed in range(2):
        for prefix in ("", "best_"):
            curve = found["curves"][f"{prefix}errors"][seed]
            at = dict(zip(found["curves"]["biases"], curve, strict=True))
            assert at[0.0] == m[f"{prefix}errors_before"][seed]
            best = at[m[f"{prefix}bias"][seed]]
            assert best == m[f"{prefix}errors_after"][seed] == min(curve)
        assert at[m["honest_best_bias"][seed]] == m["honest_best_errors_after"][seed]
        per_class = found["curves"]["errors_per_class"][seed]
        assert sum(per_class["before"]) == m["errors_before"][seed]
        assert sum(per_class["honest_best_after"]) == m["honest_best_errors_after"][seed]


def test_the_two_protocols(tmp_path, monkeypatch):
    """The paper's: all cases, plain logits, hard targets. The best: averaged, soft targets alone."""
    seen, real = [], kept.train

    def spy(net, data, objective, *args, **kwargs):
        seen.append((net, data, objective))
        return real(net, data, objective, *args, **kwargs)

    monkeypatch.setattr(kept, "train", spy)
    run_unseen(quick("omitted-3"), out=tmp_path)
    # The room asks for both teachers first; then each protocol, for its own and its student.
    (teacher, images, _), (best_teacher, *_) = seen[:2]
    assert len(images) == 800
    of_paper, of_best = seen[3], seen[5]
    net, data, objective = of_paper
    assert objective.settings == {"T": [8.0], "hard_weight": 0.5}
    assert len(data) == 800 - np.sum(images.y == 3)
    # Rounded otherwise where other rows are beside them.
    np.testing.assert_allclose(data.v, teacher(data.x), rtol=1e-4, atol=1e-5)
    net, data, objective = of_best
    assert objective.settings == {"T": [8.0], "hard_weight": 0.0}
    np.testing.assert_allclose(
        data.v, logits_over_views(best_teacher, data, 1), rtol=1e-5, atol=1e-5
    )
    # The bias is chosen on cases that the student does not see.
    _, held_out = images.split(100, rng=part_seed(0, kept.SPLIT))
    assert not set(map(bytes, data.x)) & set(map(bytes, held_out.x))
    assert net.sizes == of_paper[0].sizes


def test_a_protocol_without_held_out_cases_has_no_honest_bias(tmp_path):
    config = replace(quick("omitted-3"), best=replace(BEST, held_out=0))
    with pytest.raises(ValueError, match="held_out is 0; expected cases"):
        run_unseen(config, out=tmp_path)


def test_the_second_test_set_is_never_asked_for_elsewhere(monkeypatch):
    assert second_test("glyphs") is None

    def missing():
        raise FileNotFoundError

    second_test.cache_clear()
    monkeypatch.setattr(protocols, "load_emnist", missing)
    assert second_test("mnist") is None
    second_test.cache_clear()
    few = load_characters(0, 1400, 400)  # whose first ten classes stand in for the digits
    monkeypatch.setattr(protocols, "load_emnist", lambda: few)
    found = second_test("mnist")
    assert set(found.y) == set(range(10))
    assert len(found) == sum(np.sum(part.y < 10) for part in (few.train, few.test))
    second_test.cache_clear()


def test_the_second_test_set_is_counted_with_the_biases_of_the_first(tmp_path, monkeypatch):
    other = load_glyphs(rng=7, train=1, test=300).test
    monkeypatch.setattr(unseen, "second_test", lambda data: other)
    monkeypatch.setattr(teacher_student, "second_test", lambda data: other)
    for name in ("omitted-3", "teacher-student"):
        found = EXPERIMENTS[name].run(quick(name), out=tmp_path)["metrics"]
        assert names_of(EXPERIMENTS[name]) <= set(found)
        assert found["second_cases"] == [300]
    # On the test set itself, they are what the first one gives.
    same = quick("omitted-3")
    test = load_glyphs(rng=0, train=800, test=400).test
    monkeypatch.setattr(unseen, "second_test", lambda data: test)
    m = run_unseen(same, out=tmp_path / "same")["metrics"]
    for metric in ("teacher_errors", "errors_after", "honest_best_omitted_errors_after"):
        assert m[f"second_{metric}"] == m[metric]


def test_the_record_of_teacher_and_student(tmp_path):
    found = run_teacher_student(quick("teacher-student"), seeds=(0, 1), out=tmp_path)
    assert found == read_record(only_record(tmp_path))
    declared = {
        name for name in names_of(EXPERIMENTS["teacher-student"]) if "second" not in name
    }
    assert declared < set(found["metrics"])
    m = found["metrics"]
    for seed in (0, 1):
        wrong = found["curves"]["wrong"][seed]
        for role in ("teacher", "alone", "tricks", "distilled", "best", "best_jittered"):
            assert len(wrong[role]) == m[f"{role}_errors"][seed]
            assert len(found["curves"]["answers"][seed][role]) == len(wrong[role])
            assert sum(found["curves"]["errors_per_class"][seed][role]) == len(wrong[role])
        both = set(wrong["distilled"]) & set(wrong["teacher"])
        assert m["errors_shared_with_teacher"][seed] <= len(both)
        only = [set(wrong[a]) - set(wrong[b]) for a, b in
                (("distilled", "alone"), ("alone", "distilled"))]  # fmt: skip
        expected = binomtest(len(only[0]), len(only[0]) + len(only[1])).pvalue
        assert m["p_distilled_against_alone"][seed] == pytest.approx(expected)
    # Its teachers, of two protocols and two seeds, are those that the other experiments use.
    run_unseen(replace(quick("omitted-3"), view_pixels=1), seeds=(0, 1), out=tmp_path)
    assert len(list((tmp_path / ".kept").glob("teacher.*.npz"))) == 4


def test_the_shape_of_the_finding(tmp_path):
    """Even this small, the student gets threes right that it never saw; hard labels get none."""
    m = run_unseen(quick("omitted-3"), out=tmp_path)["metrics"]
    assert m["omitted_cases"] == [40]
    assert m["hard_omitted_errors"] == [40]
    assert m["honest_best_omitted_errors_after"][0] < 20


def test_a_stopped_run_goes_on_and_gives_the_same_record(tmp_path, monkeypatch):
    config = quick("omitted-3")
    expected = run_unseen(config, seeds=range(2), out=tmp_path / "straight")
    calls, real = [], kept.train

    class Killed(BaseException):
        pass

    def killed_in_the_second_seed(*args, **kwargs):
        calls.append(kwargs["checkpoint"])
        if len(calls) == 8:
            raise Killed
        return real(*args, **kwargs)

    monkeypatch.setattr(kept, "train", killed_in_the_second_seed)
    with pytest.raises(Killed):
        run_unseen(config, seeds=range(2), out=tmp_path / "killed")
    assert not list((tmp_path / "killed").glob("*.json"))
    resumed = run_unseen(config, seeds=range(2), out=tmp_path / "killed")
    assert comparable(resumed) == comparable(expected)
    # A seed asks for seven networks, two of them again; of the first seed, none is made again.
    assert len(calls) == 8 + 7


@pytest.mark.parametrize(
    "name", ["temperature-width", "omitted-each", "recipes", "hard-weight", "specialists"]
)
def test_the_other_experiments_resume_too(name, tmp_path, monkeypatch):
    expected = EXPERIMENTS[name].run(quick(name), out=tmp_path / "straight")
    calls, real = [], kept.train

    class Killed(BaseException):
        pass

    def killed_at_the_third_network(*args, **kwargs):
        calls.append(kwargs["checkpoint"])
        if len(calls) == 3:
            raise Killed
        return real(*args, **kwargs)

    monkeypatch.setattr(kept, "train", killed_at_the_third_network)
    with pytest.raises(Killed):
        EXPERIMENTS[name].run(quick(name), out=tmp_path / "killed")
    resumed = EXPERIMENTS[name].run(quick(name), out=tmp_path / "killed")
    assert comparable(resumed) == comparable(expected)


def test_more_seeds_keep_those_that_are_there(tmp_path, monkeypatch):
    config = quick("omitted-3")
    one = run_unseen(config, seeds=range(1), out=tmp_path)
    two = run_unseen(config, seeds=range(2), out=tmp_path)
    assert all(two["metrics"][k][0] == one["metrics"][k][0] for k in METRICS)
    assert two["metrics"]["teacher_errors"][0] != two["metrics"]["teacher_errors"][1] or (
        two["curves"]["errors"][0] != two["curves"]["errors"][1]
    )


def test_a_record_grows_by_the_seeds_that_it_lacks(tmp_path, monkeypatch):
    config = quick("omitted-3")
    expected = run_unseen(config, seeds=(0, 1), out=tmp_path / "at once")
    (tmp_path / "grown").mkdir()
    one = run_unseen(config, seeds=(0,), out=tmp_path / "elsewhere")
    moved = only_record(tmp_path / "elsewhere")
    moved.rename(tmp_path / "grown" / moved.name)
    grown = run_unseen(config, seeds=(0, 1), out=tmp_path / "grown")
    assert comparable(grown) == comparable(expected)
    assert grown["seconds"][0] == one["seconds"][0]  # it was not run again
    assert len(list((tmp_path / "grown" / ".kept").glob("omitted-3.*.json"))) == 1
    # Other settings or versions: both seeds are run.
    other = replace(config, T=4.0)
    assert run_unseen(other, seeds=(0, 1), out=tmp_path / "grown")["config"]["T"] == 4
    monkeypatch.setattr(record.np, "__version__", "0.0")
    again = run_unseen(other, seeds=(0, 1), out=tmp_path / "grown")
    assert again["versions"]["numpy"] == "0.0"
    assert len(list((tmp_path / "grown" / ".kept").glob("omitted-3.*.json"))) == 5


def test_a_record_never_loses_a_seed(tmp_path, monkeypatch):
    config = quick("omitted-3")
    two = run_unseen(config, seeds=(0, 1), out=tmp_path)
    assert comparable(run_unseen(config, seeds=(1,), out=tmp_path)) == comparable(two)
    other = run_unseen(config, seeds=(2,), out=tmp_path)
    assert other["seeds"] == [0, 1, 2]
    before = only_record(tmp_path).read_bytes()
    monkeypatch.setattr(record.np, "__version__", "0.0")
    with pytest.raises(
        ValueError, match=r"holds 3 seeds, made with other .* this run of 1 would"
    ):
        run_unseen(config, seeds=(0,), out=tmp_path)
    assert only_record(tmp_path).read_bytes() == before


def test_a_metric_that_one_seed_lacks_is_left_out(tmp_path):
    config = quick("omitted-3")
    run_unseen(config, seeds=(0,), out=tmp_path)
    path = only_record(tmp_path)
    said = json.loads(path.read_text())
    said["metrics"]["second_cases"] = [57918]
    path.write_text(json.dumps(said))
    assert "second_cases" not in run_unseen(config, seeds=(0, 1), out=tmp_path)["metrics"]


def test_two_experiments_share_their_teacher(tmp_path):
    run_unseen(quick("omitted-3"), out=tmp_path)
    run_unseen(quick("sevens-and-eights"), out=tmp_path)
    assert len(list((tmp_path / ".kept").glob("teacher.*.npz"))) == 2
    assert len(list((tmp_path / ".kept").glob("student.*.npz"))) == 4


def test_two_experiments_share_a_student(tmp_path, monkeypatch):
    """The paper's protocol without threes is in ``omitted-3`` and in ``hard-weight``."""
    run_unseen(quick("omitted-3"), out=tmp_path)
    files = {path.name for path in (tmp_path / ".kept").glob("student.*.npz")}
    weights = quick("hard-weight")
    only = replace(
        weights, teachers={"house": TEACHER}, sets={"no-3": weights.sets["no-3"]}, weights=(0.5,),
        other_temperatures=(), student_gain=quick("omitted-3").student_gain,
    )  # fmt: skip
    found = EXPERIMENTS["hard-weight"].run(only, out=tmp_path)
    assert {path.name for path in (tmp_path / ".kept").glob("student.*.npz")} == files
    assert (
        found["metrics"]["no_3_before_w0.5"]
        == run_unseen(quick("omitted-3"), out=tmp_path)["metrics"]["errors_before"]
    )


def test_a_damaged_part_is_made_again(tmp_path):
    expected = run_unseen(quick("omitted-3"), out=tmp_path)
    (part,) = (tmp_path / ".kept").glob("*.json")
    part.write_text("{")
    assert run_unseen(quick("omitted-3"), out=tmp_path) == expected


def test_no_label_of_the_test_set_touches_the_honest_choice(tmp_path, monkeypatch):
    config = quick("omitted-3")
    honest = run_unseen(config, out=tmp_path / "a")["metrics"]["honest_best_bias"]
    digits = load_glyphs(rng=0, train=800, test=400)
    shuffled = replace(digits.test, y=np.roll(digits.test.y, 1))
    replace_data(monkeypatch, "glyphs", lambda: Digits(digits.train, shuffled))
    assert run_unseen(config, out=tmp_path / "b")["metrics"]["honest_best_bias"] == honest


def test_no_label_touches_the_honest_temperature(tmp_path, monkeypatch):
    experiment, config = EXPERIMENTS["temperature-width"], quick("temperature-width")
    honest = experiment.run(config, out=tmp_path / "a")["metrics"]
    digits = load_glyphs(rng=0, train=800, test=400)
    shuffled = replace(digits.test, y=np.roll(digits.test.y, 1))
    replace_data(monkeypatch, "glyphs", lambda: Digits(digits.train, shuffled))
    other = experiment.run(config, out=tmp_path / "b")["metrics"]
    for width in config.widths:
        assert other[f"honest_best_T_{width}"] == honest[f"honest_best_T_{width}"]
        assert other[f"honest_best_errors_{width}"] != honest[f"honest_best_errors_{width}"]


def test_no_student_sees_an_omitted_class_or_a_held_out_case(tmp_path, monkeypatch):
    seen, real = [], kept.train

    def spy(net, data, *args, **kwargs):
        seen.append(data)
        return real(net, data, *args, **kwargs)

    monkeypatch.setattr(kept, "train", spy)
    run_unseen(quick("sevens-and-eights"), out=tmp_path)
    teacher, _, _, of_paper, _, student, hard = seen
    assert len(teacher) == 800
    assert set(student.y) == set(of_paper.y) == set(hard.y) == {7, 8}
    assert len(of_paper) == len(hard) == np.isin(teacher.y, (7, 8)).sum()
    # The held-out cases are those that the split with the run's seed gives.
    _, held_out = teacher.split(100, rng=4)
    assert not set(map(bytes, student.x)) & set(map(bytes, held_out.x))
    assert (
        len(student) == (np.isin(teacher.y, (7, 8))).sum() - np.isin(held_out.y, (7, 8)).sum()
    )


def test_temperature_and_width(tmp_path):
    experiment = EXPERIMENTS["temperature-width"]
    config = quick("temperature-width")
    found = experiment.run(config, seeds=(0, 1), out=tmp_path)
    assert found == read_record(only_record(tmp_path))
    m, curves = found["metrics"], found["curves"]
    assert [len(row) for row in curves["errors"][0]] == [4, 4]
    for i, width in enumerate(curves["widths"]):
        for seed in (0, 1):
            mean = np.mean(curves["errors"][seed][i], axis=-1)
            agreeing = np.mean(curves["disagreements"][seed][i], axis=-1)
            assert m[f"best_errors_{width}"][seed] == mean.min()
            assert m[f"best_T_{width}"][seed] == curves["temperatures"][mean.argmin()]
            assert (
                m[f"honest_best_T_{width}"][seed] == curves["temperatures"][agreeing.argmin()]
            )
            assert m[f"honest_best_errors_{width}"][seed] == mean[agreeing.argmin()]
            assert (m[f"T1_errors_{width}"][seed], m[f"T20_errors_{width}"][seed]) == (
                mean[0], mean[3],
            )  # fmt: skip
    assert [students.shape for students in students_of(found).values()] == [(4, 4), (4, 2)]


def test_a_cell_of_the_grid_is_the_student_that_is_trained_alone(tmp_path):
    experiment = EXPERIMENTS["temperature-width"]
    config = quick("temperature-width")
    found = experiment.run(config, seeds=(0,), out=tmp_path)
    digits = load_glyphs(rng=0, train=800, test=400)
    teacher = MLP([784, 60, 10], rng=1)
    train(teacher, digits.train, hard_targets(), config.paper.teacher, rng=0)
    transfer, _ = digits.train.with_logits(teacher(digits.train.x)).split(100, rng=4)
    # The second of the two students of 8 units, at T = 4.
    alone = MLP([784, 8, 8, 10], rng=part_seed(1000, kept.STUDENT))
    train(alone, transfer, soft_targets(4.0, 0.5), config.paper.student, rng=0)
    # A stack rounds its products otherwise, which may turn a case that is all but undecided.
    expected = errors(alone(digits.test.x), digits.test.y)
    assert abs(found["curves"]["errors"][0][0][1][1] - expected) <= 2


def test_each_digit_is_left_out(tmp_path, monkeypatch):
    seen, real = [], kept.train

    def spy(net, data, *args, **kwargs):
        seen.append(data)
        return real(net, data, *args, **kwargs)

    monkeypatch.setattr(kept, "train", spy)
    experiment = EXPERIMENTS["omitted-each"]
    config = quick("omitted-each")
    found = experiment.run(config, out=tmp_path)
    m, totals = found["metrics"], found["curves"]["errors"][0]
    assert names_of(experiment) <= set(m)
    # A teacher of each protocol, kept for the others, and by each a student for each digit.
    assert len(list((tmp_path / ".kept").glob("teacher.*.npz"))) == 2
    transfers = [data for data in seen if data.v is not None]
    assert len(transfers) == 20
    for role in ("before", "after"):
        assert m[f"errors_{role}"] == [np.mean(totals[role])]
        assert m[f"best_errors_{role}"] == [np.mean(totals[f"best_{role}"])]
    assert m["honest_best_errors_after"] == [np.mean(totals["honest_best_after"])]
    # The bias that does best on the test set does no worse than none, or than another.
    assert (np.array(totals["after"]) <= totals["before"]).all()
    assert (np.array(totals["best_after"]) <= totals["honest_best_after"]).all()
    for i, transfer in enumerate(transfers):
        assert set(transfer.y) == set(range(10)) - {i // 2}
    # The student without threes is that of the experiment that leaves them out.
    three = run_unseen(quick("omitted-3"), out=tmp_path / "three")["metrics"]
    assert m["before_3"] == three["omitted_errors_before"]
    assert m["honest_best_after_3"] == three["honest_best_omitted_errors_after"]
    assert m["after_3"] == three["omitted_errors_after"]
    assert [totals[role][3] for role in ("before", "after", "honest_best_after")] == [
        three[role][0] for role in ("errors_before", "errors_after", "honest_best_errors_after")
    ]


def test_presets():
    for name, experiment in EXPERIMENTS.items():
        presets = experiment.presets
        assert experiment.question.endswith("?")
        # What is bundled comes first.
        assert catalog.SOURCES[next(iter(presets))].fetch is None
        for data, preset in presets.items():
            assert (preset.name, preset.data) == (name, data)
            with pytest.raises(FrozenInstanceError):
                preset.name = "other"
        assert experiment.section
        assert names_of(experiment)
        if name not in (
            "temperature-width",
            "teacher-student",
            "recipes",
            "omitted-each",
            "hard-weight",
            *UNSEEN,
        ):
            continue
        mnist = getattr(presets["mnist"], "each", presets["mnist"])
        assert mnist.teacher_hidden == (1200, 1200)
        if name == "temperature-width":
            assert mnist.widths == (30, 100, 300, 800)
            assert all(
                n >= 2 for n in mnist.students[:3]
            )  # of each teacher; every seed brings as many more
            assert {1.0, 2.5, 4.0, 20.0, 40.0} <= set(mnist.temperatures)
        else:
            assert mnist.student_hidden == (800, 800)
        if name in UNSEEN:
            assert all(0.0 in preset.bias_grid() for preset in presets.values())
            declared = {name for name in names_of(experiment) if "second" not in name}
            assert declared <= METRICS


def test_bad_records(tmp_path):
    path = tmp_path / "r.json"
    for content in ("{", "[]", '{"metrics": 3}', '{"name": "omitted-3", "metrics": {}}'):
        path.write_text(content)
        with pytest.raises(ValueError, match="no record of a run"):
            read_record(path)


def test_records_are_plain_json(tmp_path):
    run_unseen(quick("omitted-3"), out=tmp_path)
    text = only_record(tmp_path).read_text()
    assert "NaN" not in text
    assert json.loads(text)["config"]["paper"]["student"]["epochs"] == 15


def test_on_the_device_double(fake_gpu, tmp_path):
    # Without dropout the two draw the same numbers, and the double computes with NumPy.
    plain = Recipe(epochs=15, learning_rate=0.1, batch=50)
    config = quick("omitted-3")
    config = replace(
        config,
        paper=replace(config.paper, teacher=plain),
        best=replace(config.best, teacher=plain),
    )
    on_device = run_unseen(config, out=tmp_path / "device", device="cuda")
    assert on_device["device"] == "cuda: double"
    assert on_device["versions"]["cupy"] == "double"
    assert on_device["metrics"] == run_unseen(config, out=tmp_path / "host")["metrics"]


def test_what_another_environment_kept_is_not_used(tmp_path, monkeypatch):
    run_unseen(quick("omitted-3"), out=tmp_path)
    files = set((tmp_path / ".kept").iterdir())
    monkeypatch.setattr(record.np, "__version__", "0.0")
    assert run_unseen(quick("omitted-3"), out=tmp_path)["versions"]["numpy"] == "0.0"
    assert not {p.name for p in files} & {
        p.name for p in set((tmp_path / ".kept").iterdir()) - files
    }
    assert len(set((tmp_path / ".kept").iterdir())) == 2 * len(files)


def test_no_seeds(tmp_path):
    with pytest.raises(ValueError, match="seeds is empty"):
        run_unseen(quick("omitted-3"), seeds=(), out=tmp_path)


def test_recipes(tmp_path, monkeypatch):
    seen, real = [], kept.train

    def spy(net, data, *args, **kwargs):
        seen.append(data)
        return real(net, data, *args, **kwargs)

    monkeypatch.setattr(kept, "train", spy)
    experiment = EXPERIMENTS["recipes"]
    found = experiment.run(quick("recipes"), out=tmp_path)
    # Two teachers, two students of the first and one of the second.
    assert len(seen) == 5
    # None of them is trained on a case of the validation split.
    _, held_out = load_glyphs(rng=0, train=800, test=400).train.split(100, rng=4)
    for data in seen:
        assert len(data) == 700
        assert not set(map(bytes, data.x)) & set(map(bytes, held_out.x))
    m = {metric: values[0] for metric, values in found["metrics"].items()}
    for what in ("teacher", "student"):
        table = found["curves"][f"{what}s"][0].values()
        assert m[f"best_{what}_errors"] == min(row["test"] for row in table)
        chosen = min(table, key=lambda row: row["validation"])
        assert m[f"honest_best_{what}_errors"] == chosen["test"]
    teachers, students = (found["curves"][t][0] for t in ("teachers", "students"))
    assert teachers["house"]["student"] == students["soft"]
    assert all(0 < row["moves"] < 2 for row in teachers.values())


def test_hard_weight(tmp_path):
    experiment = EXPERIMENTS["hard-weight"]
    found = experiment.run(quick("hard-weight"), out=tmp_path)
    m, (rows,) = found["metrics"], found["curves"]["rows"]
    # Three weights for the first teacher; two at another T, and two for the other teacher.
    assert len(rows) == 3 * (3 + 2 + 2)
    at = {(row["teacher"], row["T"], row["set"], row["weight"]): row for row in rows}
    assert len(at) == len(rows)
    for row in rows:
        assert row.get("after", 0) <= row["before"]
    house = at["house", 8.0, "no-3", 0.5]
    assert m["no_3_before_w0.5"] == [house["before"]]
    assert m["no_3_unseen_after_w0.5"] == [house["unseen_after"]]
    # It is the student of the paper's protocol, of the same teacher.
    three = run_unseen(quick("omitted-3"), out=tmp_path)["metrics"]
    assert three["errors_before"] == [house["before"]]
    assert three["bias"] == [house["bias"]]
    assert three["omitted_errors_after"] == [house["unseen_after"]]
    # The heavier the hard targets, the fewer threes.
    threes = [at["house", 8.0, "no-3", w]["unseen_before"] for w in (0.0, 0.5, 2.0)]
    assert threes[0] < threes[2] <= 40
    teachers = found["curves"]["teachers"][0]
    assert list(teachers) == ["house", "plain"]
    for of in teachers.values():
        assert of.keys() == MEASURES.keys()
        assert 0 < of["doubt"] < 1
        assert 0 < of["entropy"] < np.log(10)
    assert "| house | 4 | 2 |" in experiment.tables(found)
    assert experiment.findings(found)


def test_what_carries(tmp_path, monkeypatch):
    seen, real = [], kept.train

    def spy(net, data, *args, **kwargs):
        seen.append(data)
        return real(net, data, *args, **kwargs)

    monkeypatch.setattr(kept, "train", spy)
    experiment, config = EXPERIMENTS["what-carries"], quick("what-carries")
    found = experiment.run(config, out=tmp_path)
    m = {metric: values[0] for metric, values in found["metrics"].items()}
    assert names_of(experiment) <= set(m)
    # Two teachers; then a stack of five kinds and one of hard labels, with all classes and without.
    teachers, with_all, without_3 = seen[:2], seen[2:4], seen[4:]
    assert [len(data) for data in teachers + with_all] == [800, 800, 600, 600]
    assert all(3 not in data.y for data in without_3)
    assert all(data.v.shape == (5, len(data), 10) for data in (with_all[0], without_3[0]))
    # Hard labels know nothing of a class that they never name, real soft targets do.
    assert m["hard_unseen_before"] == m["omitted_cases"] > m["real_unseen_after"]
    assert experiment.findings(found)


def test_what_is_left_of_soft_targets():
    """Each kind keeps what it says: the label's probability, or the mean over its class."""
    rng = np.random.default_rng(1)
    data = Dataset(np.zeros((60, 784)), np.arange(60) % 10, v=rng.normal(0, 5, (60, 10)))
    left = {kind: softmax(v, 3.0) for kind, v in what_is_left(data, 3.0, seed=0).items()}
    p = softmax(data.v, 3.0)
    at = np.arange(60), data.y
    np.testing.assert_allclose(left["real"], p, rtol=1e-12)
    for kind in ("permuted", "uniform"):
        np.testing.assert_allclose(left[kind][at], p[at], rtol=1e-12)
    np.testing.assert_allclose(np.sort(left["permuted"]), np.sort(p), rtol=1e-12)
    assert np.abs(left["permuted"] - p).max() > 0.1
    wrong = np.arange(10) != data.y[:, None]
    assert np.ptp(left["uniform"][wrong].reshape(60, 9), axis=1).max() < 1e-12
    for c in range(10):
        np.testing.assert_allclose(
            left["class_means"][data.y == c],
            np.tile(p[data.y == c].mean(0), (6, 1)),
            rtol=1e-12,
        )


def test_lesson_20_destroys_what_its_experiment_destroys():
    (path,) = Path(__file__).parents[1].glob("lessons/20_*.py")
    wanted = {"class_means", "permuted", "uniform"}
    of_lesson = {"np": np, "N": 10}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name in wanted:
            exec(ast.unparse(node), of_lesson)
    p = softmax(np.random.default_rng(2).normal(0, 5, (60, 10)), 3.0)
    wrong = np.arange(10) != (np.arange(60) % 10)[:, None]
    for name in wanted:
        room, _ = KEEP[name]
        np.testing.assert_array_equal(
            of_lesson[name](p, wrong), room(p, wrong, np.random.default_rng(0))
        )


def test_smoothed_labels_have_their_gradient():
    objective = smooth_targets(0.1)
    batch = Batch(x=None, y=np.arange(5))
    assert gradcheck(
        lambda z: objective.cost(z, batch).sum(),
        np.random.default_rng(0).normal(0, 3, (5, 10)),
        gradient=lambda z: objective.gradient(z, batch),
    )


def test_a_teacher_that_follows_the_image_is_changed_by_a_move():
    """Also where moves to both sides would cancel in the mean."""
    x = np.zeros((200, 5, 5), dtype=np.float32)
    x[:, 2, 2] = 1
    data = Dataset(x.reshape(200, 25), np.zeros(200, dtype=int), shape=(5, 5))

    def column(x):  # logits that are the column of the dot, one way and the other
        at = x.reshape(-1, 5, 5).sum(1) @ np.arange(5.0)
        return np.stack([at, -at], axis=-1)

    def none(x):
        return np.tile([1.0, -1.0], (len(x), 1))

    # The column is 2 and moves by -1, 0 or 1: a mean square of 2/3, against a variance of 4.
    change = change_when_moved(column, data, 1, seed=0)
    assert change == pytest.approx(2 / 3 / 4, rel=0.2)
    assert change_when_moved(none, data, 1, seed=0) == 0


def test_the_record_that_comes_with_minikd():
    assert full_run("omitted-3")["data"] == "mnist"
    with pytest.raises(FileNotFoundError, match="minikd run none --data mnist"):
        full_run("none")


def test_settings_of_ones_own_do_not_overwrite_the_record_of_a_preset(tmp_path):
    experiment = EXPERIMENTS["omitted-3"]
    for config in (quick("omitted-3"), replace(quick("omitted-3"), omitted=(5,), moved=(5,))):
        found = experiment.run(config, out=tmp_path)
        assert experiment.stem(config).startswith("omitted-3.glyphs.")
        assert found == read_record(tmp_path / f"{experiment.stem(config)}.json")
    assert len(list(tmp_path.glob("*.json"))) == 2
    assert experiment.stem(experiment.presets["mnist"]) == "omitted-3.mnist"


def test_the_papers_numbers_stand_beside_its_own_settings_alone():
    experiment, record = EXPERIMENTS["omitted-3"], full_run("omitted-3")
    assert experiment.paper(record)["errors_before"].value == 206
    for change in ({"omitted": [5]}, {"moved": [5]}):
        assert not experiment.paper(record | {"config": record["config"] | change})
    assert not experiment.paper(record | {"data": "glyphs"})


def test_every_room_is_found_and_no_table_elsewhere_names_it():
    package = Path(experiments.__file__).parent
    for name in EXPERIMENTS:
        (room,) = [
            path
            for path in package.rglob("*.py")
            if f'name="{name}",\n    section=' in path.read_text()
        ]
        assert room.stem in (name.replace("-", "_"), "__init__")
    elsewhere = "".join(
        path.read_text() for path in package.parent.rglob("*.py") if package not in path.parents
    )
    assert not [name for name in EXPERIMENTS if f'"{name}"' in elsewhere]


def test_a_metric_says_its_unit():
    def said(unit, values, cases=10_000):
        record = {"seeds": list(range(len(values))),
                  "metrics": {"m": values, "test_cases": [cases] * len(values)}}  # fmt: skip
        return Metric("m", "words", unit).said(record)

    assert said("errors", [72]) == "72 errors (n = 1)"
    assert said("errors", [1, 2, 3]) == "2.0 ± 1.0 errors (n = 3)"
    assert said("% of cases", [10, 20, 30]) == "0.2 ± 0.1 % (n = 3)"
    assert said("%", [18.75]) == "18.8 % (n = 1)"
    assert said("p", [1e-9, 3e-9]) == "3e-09 at most (n = 2)"
    assert said("T", [3, 2.5]) == "3, 2.5 (n = 2)"
    assert said("cases", [9, 9]) == "9"
    assert said("nats", [0.0123, 0.0127]) == "0.0125 ± 0.0003 nats (n = 2)"
    assert said("logits", [-6.14]) == "-6.1 logits (n = 1)"
    assert said("bananas", [3]) == "3 bananas (n = 1)"
    assert said("number", [3.2]) == "3.2 (n = 1)"


@pytest.mark.parametrize(
    ("name", "setting"),
    [(name, setting) for name, e in EXPERIMENTS.items() for setting in e.as_in_paper],
)
def test_the_numbers_of_the_paper_stand_beside_its_settings_alone(name, setting):
    experiment = EXPERIMENTS[name]
    full = full_run(name, list(experiment.presets)[-1])
    assert experiment.paper(full)
    value = full["config"][setting]
    other = value[:-1] if isinstance(value, list) else value + 1
    assert not experiment.paper(full | {"config": full["config"] | {setting: other}})


def test_what_falls_short_of_the_paper():
    def short(paper, values, unit="errors", better="less"):
        record = {"seeds": [0] * len(values),
                  "metrics": {"m": values, "test_cases": [10_000] * len(values)}}  # fmt: skip
        return Metric("m", "words", unit, better, paper).falls_short(record)

    assert short(Paper(67, "3"), [79, 81])
    assert not short(Paper(67, "3"), [60, 70])
    assert short(Paper(80, "4", data=None), [79.0], "%", "more")
    assert not short(Paper(80, "4", data=None), [81.0], "%", "more")
    assert short(Paper(13.2, "3"), [1400], "% of cases")
    assert short(Paper(2.5, "3", to=4), [6.0], "T", "neither")
    assert not short(Paper(2.5, "3", to=4), [3.0, 2.5], "T", "neither")
    # The levels of another corpus are neither better nor worse.
    assert not short(Paper(57.0, "6", data="speech", level=False), [0.0], "%", "more")
    assert not short(Paper(3.5, "3"), [9.0], "logits", "neither")


def test_a_teacher_is_bound_to_the_engine_alone(tmp_path, monkeypatch):
    package = tmp_path / "minikd"
    shutil.copytree(Path(record.__file__).parents[1], package)
    monkeypatch.setattr(record, "_package", lambda: package.rglob("*.py"))
    made_by = record.engine.__wrapped__
    before = made_by()
    for room in ("experiments/omitted_3.py", "experiments/unseen.py", "statistics.py"):
        (package / room).write_text("CHANGED = True")
        assert made_by() == before, room
    for part in ("layers.py", "data/mnist.py", "experiments/kept.py"):
        (package / part).write_text("CHANGED = True")
        after = made_by()
        assert after != before, part
        before = after


def test_the_engine_is_all_that_training_imports():
    """Whatever training loads is counted, or known to change no number."""
    says = "import sys, minikd.train, minikd.mixture, minikd.data, minikd.evaluate\n"
    says += "print(*(m for m in sys.modules if m.startswith('minikd.')))"
    loaded = subprocess.run(
        [sys.executable, "-c", says], check=True, capture_output=True, text=True
    ).stdout.split()
    counted = {
        name.removeprefix("/").removesuffix(".py").replace("/", ".") for name in record._ENGINE
    }
    package = Path(record.__file__).parents[2]
    assert all((package / name.removeprefix("/")).is_file() for name in record._ENGINE)
    changes_no_number = {
        "minikd.checkpoint", "minikd.data", "minikd.fits", "minikd.folders", "minikd.gradcheck",
        "minikd.npy", "minikd.progress",
        "minikd.resume", "minikd.threads", "minikd.values", "minikd.watch",
    }  # fmt: skip
    assert set(loaded) - counted == changes_no_number


def test_pages_for_a_browser_are_no_part_of_a_record():
    files = list(record._package())
    assert [path for path in files if path.name == "train.py"]
    assert not [path for path in files if path.parent.name == "browser"]


def test_the_source_of_a_record_is_what_code_does_not_where_it_stands(tmp_path):
    def hashed(**files):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        for name, text in files.items():
            (folder / f"{name}.py").write_text(text)
        return record.source_hash(folder.iterdir())

    f, g = "def f(x):\n    return x + 1\n", "def g(x):\n    return 2 * x\n"
    whole = hashed(a=f + g)
    assert hashed(a=f, b=g) == whole
    assert hashed(b=g, c="import math\n" + f) == whole
    assert (
        hashed(a='"""Page."""\n' + g + f.replace("return", '"""Says."""\n    return')) == whole
    )
    assert hashed(a=f + "# a comment\n\n\n" + g) == whole
    # What is made from a record is no part of what made it.
    said = "def plot_it(record):\n    return 3\n\nMETRICS = (1,)\n"
    assert hashed(a=f + g + said) == whole
    assert hashed(a=f.replace("1", "2") + g) != whole
    # Another function under the same name.
    assert hashed(a="from m import one as h\n" + f, b=g) != whole
    assert hashed(a="from m import one as h\n" + f) != hashed(a="from m import two as h\n" + f)
    assert hashed(a=f) != whole
