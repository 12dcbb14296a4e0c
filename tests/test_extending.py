"""docs/extending.md: the example works as it stands, from outside of the package."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minikd import MLP, Dataset, Recipe, load_glyphs, train
from minikd.experiments.own import room
from minikd.experiments.workers import cluster
from minikd.objectives import Objective, hard_targets

PAGE = (Path(__file__).parents[1] / "docs" / "extending.md").read_text(encoding="utf-8")
EXAMPLE, CHECK = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def example(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = tmp_path / "smoothing.py"
    path.write_text(EXAMPLE, encoding="utf-8")
    return path


@pytest.mark.parametrize("options", [[], ["--workers", "2"]])
def test_the_example_runs_by_the_command(example, environment, options):
    command = [sys.executable, "-m", "minikd", "run", example.name, "--seeds", "3", *options]
    done = subprocess.run(
        command, cwd=example.parent, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    record = json.loads((example.parent / "out" / "smoothing.blobs.json").read_text())
    assert record["seeds"] == [0, 1, 2]
    assert set(record["metrics"]) == {"test_cases", "hard_errors", "smooth_errors"}
    assert (example.parent / "out" / "smoothing.blobs.png").stat().st_size > 5000
    assert "smoothed labels" in done.stdout
    assert "Smoothed labels save" in done.stdout


def test_the_check_of_its_gradient(example):
    names = vars(sys.modules["smoothing"]) if room(example) else {}
    exec(CHECK, dict(names))


def test_other_settings_are_another_run(example, tmp_path):
    experiment = room(example)
    preset = experiment.presets["blobs"]
    first = experiment.run(preset, out=tmp_path / "out")
    other = experiment.run(replace(preset, amount=0.9), out=tmp_path / "out")
    assert first["metrics"] != other["metrics"]
    assert len(list((tmp_path / "out").glob("*.json"))) == 2


@pytest.mark.parametrize("workers", [0, 2])
def test_what_was_kept_of_other_code_or_data_of_ones_own_is_not_used(
    example, tmp_path, workers
):
    """It was: the second run gave the first one's record, whatever had been changed."""
    short = EXAMPLE.replace("Recipe(100,", "Recipe(2,")
    other = tmp_path / "helpers.py"
    changes = {
        "nothing": short,
        "a comment": short.replace("# ---- an exp", "# ---- the exp"),
        "the figure": short.replace("a dot for each seed", "a dot per seed"),
        "the data": short.replace("wrong=0.4", "wrong=0.0"),
        "one_cell": short.replace("= errors(net", "= 1000 + errors(net"),
        "what it imports": "from helpers import x\n" + short,
        "what that does": "from helpers import x\n" + short,
    }
    if workers:
        changes = {name: changes[name] for name in ("nothing", "a comment", "one_cell")}
    seen, results = {}, {}
    for name, text in changes.items():
        other.write_text("x = 2\n" if name == "what that does" else "x = 1\n")
        example.write_text(text, encoding="utf-8")
        with cluster(workers=workers) if workers else nullcontext() as client:
            experiment = room(example)
            preset = experiment.presets["blobs"]
            results[name] = experiment.run(preset, out=tmp_path / "out", client=client)
        seen[name] = results[name]["versions"]["own"]
    same = {seen.pop(name) for name in ("nothing", "a comment", "the figure") if name in seen}
    assert len(same) == 1
    assert len({*seen.values(), *same}) == len(seen) + 1
    assert results["one_cell"]["metrics"]["hard_errors"][0] > 1000


def own_objective(weight, settings):
    plain = hard_targets()
    return Objective(
        "mine", plain.cost, lambda z, b: weight * plain.gradient(z, b), "y", settings=settings
    )


def test_settings_in_values_that_json_does_not_know(tmp_path):
    """Arrays were a bare TypeError, and the order of the keys made another run."""
    folder = tmp_path / "rate_0.05"  # no file, though it looks like an ending
    for settings in (
        {"a": np.arange(3), "b": tmp_path, "c": {2, 1}, "d": np.float32(0.5)},
        {"d": 0.5, "c": {1, 2}, "b": tmp_path, "a": [0, 1, 2]},
    ):
        net = MLP([784, 20, 10], 0)
        train(net, DIGITS, own_objective(0.5, settings), RECIPE, checkpoint=folder)
    assert len(list(folder.glob("*.npz"))) == 1
    with pytest.raises(ValueError, match="settings of an objective hold <object"):
        train(net, DIGITS, own_objective(1, {"a": object()}), RECIPE, checkpoint=folder)


DIGITS = load_glyphs(rng=0, train=200, test=10).train
RECIPE = Recipe(epochs=2, learning_rate=0.01, batch=50)


def test_an_objective_of_the_same_name_with_other_settings_has_its_own_checkpoint(tmp_path):
    """With one name and no settings, the second silently got the network of the first."""
    nets = [MLP([784, 20, 10], 0) for _ in range(3)]
    for net, weight in zip(nets, (0.5, 50.0, 0.5), strict=True):
        objective = own_objective(weight, {"weight": weight})
        train(net, DIGITS, objective, RECIPE, checkpoint=tmp_path / "kept")
    first, second, again = (net.parameters[0] for net in nets)
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_array_equal(first, again)
    assert len(list((tmp_path / "kept").iterdir())) == 2
    one = tmp_path / "one.npz"
    train(MLP([784, 20, 10], 0), DIGITS, own_objective(0.5, {"w": 0.5}), RECIPE, checkpoint=one)
    other = own_objective(50.0, {"w": 50.0})
    with pytest.raises(ValueError, match="belongs to another run"):
        train(MLP([784, 20, 10], 0), DIGITS, other, RECIPE, checkpoint=one)


def test_an_objective_that_does_not_say_its_settings_is_not_resumed(tmp_path):
    net = MLP([784, 20, 10], 0)
    with pytest.warns(UserWarning, match=r"'mine' does not say its settings.*nothing is kept"):
        train(net, DIGITS, own_objective(0.5, None), RECIPE, checkpoint=tmp_path / "a.npz")
    assert not (tmp_path / "a.npz").exists()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(net, DIGITS, own_objective(0.5, None), RECIPE)  # no checkpoint, nothing to say


def test_a_folder_as_checkpoint_serves_any_recipe(tmp_path):
    """As a learner changes a lesson: never "belongs to another run"."""
    data = Dataset(DIGITS.x, DIGITS.y)
    for rate in (0.01, 0.02, 0.01):
        train(MLP([784, 20, 10], 0), data, hard_targets(), replace(RECIPE, learning_rate=rate),
              checkpoint=tmp_path / "kept")  # fmt: skip
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_files_that_are_no_room(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.py is not there"):
        room(tmp_path / "none.py")
    (tmp_path / "empty.py").write_text("x = 1\n")
    with pytest.raises(ValueError, match="declares no EXPERIMENT"):
        room(tmp_path / "empty.py")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("x = 1\nif True\n", r"SyntaxError \(expected ':'\) in line 2$"),
        ("x = 1\n\n1 / 0\n", r"ZeroDivisionError \(division by zero\) in line 3$"),
        ("import no_such_module\n", r"No module named 'no_such_module'\) in line 1$"),
        ("raise KeyError\n", r"KeyError \(no message\) in line 1$"),
        ("import json\njson.loads('{')\n", r"JSONDecodeError \(.*\) in line 2$"),
        ("x = '\x00'\n", r"Error \(source code .* null bytes\)"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_run_says_which_and_where(tmp_path, content, said):
    path = tmp_path / "broken.py"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=said) as caught:
        room(path)
    assert str(caught.value).startswith(f"path: {path} cannot be run: ")
    assert "broken" not in sys.modules


def test_a_file_beside_this_folder_that_cannot_be_run(tmp_path, monkeypatch):
    """Named as users name it; where its name is that of a module, this one stays."""
    monkeypatch.chdir(tmp_path)
    before = [*sys.path]
    Path("json.py").write_text("x = (\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"SyntaxError .* in line 1$"):
        room("json.py")
    assert sys.modules["json"] is json
    Path("imports_it.py").write_text("import beside_it\n", encoding="utf-8")
    Path("beside_it.py").write_text("\ny = )\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"SyntaxError .* in line 2 of .*beside_it\.py$"):
        room("imports_it.py")
    assert sys.path == before
