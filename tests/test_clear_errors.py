"""Mistakes that users make: the error names the argument, the true cause, and what to do."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import minikd
from minikd import (
    MLP,
    Dataset,
    Objective,
    Recipe,
    TrainingDiverged,
    cli,
    equations,
    fetch_mnist,
    hard_targets,
    load_glyphs,
    soft_targets,
    train,
)
from minikd.data import download, fetch_emnist, fetch_speech
from minikd.evaluate import errors, sweep_bias, with_bias
from minikd.experiments import findings, plot_record, read_record
from minikd.plots import plt

DIGITS = load_glyphs(rng=0, train=60, test=10)
RECIPE = Recipe(1, 0.01)
MASKED = np.ma.masked_array(np.ones((2, 784)), np.eye(2, 784))


def small() -> MLP:
    return MLP([784, 5, 10], rng=0)


def run(data=DIGITS.train, objective=None, recipe=RECIPE, **options):
    train(small(), data, hard_targets() if objective is None else objective, recipe, **options)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: DIGITS.train.split(0.1), "held_out is 0.1; expected 1 … 59, a number of cases"),
        (lambda: Recipe(1, 0.1, momentum="0.9"), "momentum is '0.9'; expected 0 ≤ momentum < 1"),
        (lambda: Recipe("5", 0.1), "epochs is '5'; expected an integer ≥ 1"),
        (lambda: Recipe(True, 0.1), "epochs is True; expected an integer ≥ 1"),
        (lambda: Recipe(1, "0.1"), "learning_rate is '0.1'; expected a positive, finite"),
        (lambda: Recipe(1, 0.1, subpixel=1), "subpixel is 1; expected True or False"),
        (lambda: MLP(784, rng=0), "sizes is 784; expected at least two positive integers"),
        (lambda: MLP([784, 10], rng=0, gain="1"), "gain is '1'; expected a positive"),
        (lambda: MLP([784, 10], rng=0, dtype="int"), "dtype is 'int'; expected float32 or"),
        (lambda: small()(DIGITS.test.x, batch=-5), "batch is -5; expected an integer ≥ 1"),
        (lambda: small()(MASKED), "x is a masked array; expected plain numbers"),
        (lambda: small()(DIGITS.test), "x is <Dataset: 10 cases, with labels>; expected an array"),
        (lambda: load_glyphs(train=0.5), "train is 0.5; expected at least one image, an integer"),
        (lambda: run(objective=hard_targets), "objective is the function hard_targets; expected "
         "an Objective: call it, hard_targets()"),
        (lambda: run(objective="hard"), "objective is 'hard'; expected an Objective, like"),
        (lambda: run(data=DIGITS), "data is a Digits, which holds two data sets; expected a "
         "Dataset: give data.train"),
        (lambda: run(data=DIGITS.train.x), "data is an array of shape (60, 784) and dtype float32"),
        (lambda: run(recipe={"epochs": 1}), "recipe is {'epochs': 1}; expected a Recipe"),
        (lambda: run(progress=True), "progress is True; expected a title"),
        (lambda: run(observe=3), "observe is 3; expected a function, observe(net, epoch)"),
        (lambda: run(checkpoint=3), "checkpoint is 3; expected a path"),
        (lambda: run(special=2), "special is 2; expected 0 < special < 1"),
        (lambda: run(seconds_between="5"), "seconds_between is '5'; expected a weight"),
        (lambda: Dataset(np.zeros((2, 3072)), shape=(32, 32, 3)), "shape is (32, 32, 3); expected "
         "(H, W)"),
        (lambda: Dataset(np.zeros((2, 28, 28))), "x has shape (2, 28, 28); expected an array "
         "(n, 28 * 28): flatten each image with x.reshape(len(x), -1)"),
        (lambda: Dataset([[0.0], [0.0, 1.0]]), "x cannot be read as an array (its rows have "
         "different lengths)"),
        (lambda: Dataset(MASKED), "x is a masked array"),
        (lambda: Dataset(np.zeros((2, 784)), y=np.ma.masked_array([0, 1], [0, 1])), "y is a masked"),
        (lambda: DIGITS.train.with_logits(np.ma.masked_array(np.ones((60, 10)))), "v is a masked"),
        (lambda: DIGITS.train.with_logits(np.ones((60, 10)) * 1j), "v has dtype complex128"),
        (lambda: soft_targets(1j), "T is 1j; expected a positive, finite temperature"),
        (lambda: soft_targets(10**400), "T is 10**400; expected a positive, finite temperature"),
        (lambda: equations.softmax([1.0, 0.0], T=-(10**5000)), "T is -10**5000; expected a positive"),
        (lambda: equations.softmax([1.0, 0.0], T=np.complex64(2)), "T is np.complex64(2"),
        (lambda: soft_targets(4, hard_weight="1"), "hard_weight is '1'; expected a weight ≥ 0"),
        (lambda: sweep_bias([[1.0, 0.0]], [0], "0", [0.0]), "classes is '0'; expected classes"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        mistake()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_matrix_is_an_array_everywhere():
    with pytest.warns(PendingDeprecationWarning):
        x = np.matrix(np.ones((2, 784)))
    assert type(Dataset(x).x) is np.ndarray
    assert small()(x).shape == (2, 10)
    np.testing.assert_array_equal(equations.softmax(x[:, :3]), np.full((2, 3), 1 / 3))


# ---------------------------------------------------------------- pixels from 0 to 255


def test_pixels_from_0_to_255_say_how_to_scale_them():
    pixels = np.round(255 * DIGITS.train.x).astype(np.uint8)
    for dtype in (np.uint8, np.int64):
        with pytest.raises(ValueError, match=r"x holds integers from 0 to 255; expected pixels "
                           r"from 0 .* to 1 .*: divide them by 255"):  # fmt: skip
            Dataset(pixels.astype(dtype), DIGITS.train.y)
    # Black and white, and whole numbers that are features of some other kind, as floats.
    assert Dataset((pixels > 127).astype(int)).x.dtype == np.float32
    assert Dataset(pixels.astype(np.float32)).x.max() == 255


def test_a_divergence_of_large_inputs_is_blamed_on_their_scale():
    large = Dataset(255 * DIGITS.train.x, DIGITS.train.y)
    with pytest.raises(TrainingDiverged, match=r"likely cause is the scale of data\.x, which goes "
                       "up to 255; .*divide pixels by 255"):  # fmt: skip
        train(MLP([784, 50, 10], 0), large, hard_targets(), Recipe(20, 0.1))
    with pytest.raises(TrainingDiverged, match="use a lower learning rate") as caught:
        train(MLP([784, 50, 10], 0), DIGITS.train, hard_targets(), Recipe(20, 500.0))
    assert "255" not in str(caught.value)


# ---------------------------------------------------------------- files


def pytorch_file(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("teacher/data.pkl", b"\x80\x02}q\x00.")
        archive.writestr("teacher/data/0", bytes(4000))
    return path


@pytest.mark.parametrize("name", ["teacher.pt", "teacher.npz"])
def test_a_file_of_pytorch_is_called_one_and_is_not_to_be_deleted(tmp_path, name):
    for path in (pytorch_file(tmp_path / name), tmp_path / f"old-{name}"):
        if not path.exists():
            path.write_bytes(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M")
        with pytest.raises(
            ValueError, match=r"path: .* is a file of PyTorch, .*with_logits"
        ) as one:
            MLP.load(path)
        assert "delete" not in str(one.value)
    if name.endswith(".npz"):
        with pytest.raises(ValueError, match=r"checkpoint: .* is a file of PyTorch"):
            run(checkpoint=tmp_path / name)


def test_only_what_minikd_wrote_is_to_be_deleted(tmp_path):
    other, path = tmp_path / "other.npz", tmp_path / "net.npz"
    for content in (b"", b"hello", b"PK\x03\x04 nonsense", b"\x93NUMPY"):
        other.write_bytes(content)
        with pytest.raises(
            ValueError, match="is not a minikd checkpoint, or is damaged"
        ) as caught:
            MLP.load(other)
        assert "delete" not in str(caught.value)
    np.savez(other, x=np.ones(3))
    with pytest.raises(ValueError, match="is not a minikd checkpoint") as caught:
        MLP.load(other)
    assert "delete" not in str(caught.value)
    small().save(path)
    with pytest.raises(
        ValueError, match="holds no state of a run, but perhaps a network"
    ) as caught:
        run(checkpoint=path)
    assert "delete" not in str(caught.value)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(
        ValueError,
        match=r"looks like a minikd checkpoint that is damaged .*; if minikd wrote it, delete it",
    ):
        MLP.load(path)


def test_a_folder_and_a_missing_file_are_called_so(tmp_path):
    for load in (MLP.load, read_record):
        with pytest.raises(ValueError, match=r"path: .* is a folder; expected"):
            load(tmp_path)
        with pytest.raises(FileNotFoundError, match=r"path: .* is not there; expected"):
            load(tmp_path / "none")
    with pytest.raises(ValueError, match=r"path: .* is a folder; expected a file to write"):
        small().save(tmp_path)
    (tmp_path / "run.npz").mkdir()
    run(checkpoint=tmp_path / "run.npz")  # a folder with such a name is one: a file of its own
    assert len(list((tmp_path / "run.npz").iterdir())) == 1


def test_where_nothing_can_be_written_the_path_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match=r"path: .*net\.npz cannot be written \("):
        small().save(tmp_path / "file" / "net.npz")
    with pytest.raises(OSError, match=r"cannot be written \("):
        run(checkpoint=tmp_path / "file" / "runs")


@pytest.mark.parametrize("fetch", [fetch_mnist, fetch_emnist, fetch_speech])
@pytest.mark.parametrize("kind", ["a file in the way", "read-only"])
def test_a_data_folder_that_cannot_be_written_is_not_blamed_on_the_network(
    fetch, kind, tmp_path, monkeypatch
):
    folder = tmp_path / "data"
    if kind == "read-only":
        # Even root cannot write here then; a mode would not stop it.
        def refused(**options):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(download.tempfile, "TemporaryFile", refused)
    else:
        folder.write_text("in the way")
    monkeypatch.setenv("MINIKD_DATA_DIR", str(folder))
    with pytest.raises(OSError, match="cannot write to the data folder") as caught:
        fetch()
    for word in (str(folder), "MINIKD_DATA_DIR"):
        assert word in str(caught.value)
    for word in ("Offline", "download"):
        assert word not in str(caught.value)


# ---------------------------------------------------------------- incomplete records

WHOLE = Path(minikd.__file__).parents[1] / "results" / "omitted-3.mnist.json"


@pytest.mark.parametrize(
    "part", ["metrics", "curves", "config", "versions", "seeds", "seconds"]
)
@pytest.mark.parametrize("how", ["missing", "empty", "a number"])
def test_a_report_on_an_incomplete_record_says_what_is_missing(part, how, tmp_path, capsys):
    record = read_record(WHOLE)
    if how == "missing":
        del record[part]
    else:
        record[part] = type(record[part])() if how == "empty" else 3
    (tmp_path / "record.json").write_text(json.dumps(record))
    asked = ("table", "findings", "settings", "provenance")
    page = " ".join(f"<!--= omitted-3.mnist {block} --><!--/-->" for block in asked)
    (tmp_path / "README.md").write_text(page)
    assert cli.main(["report", "--results", str(tmp_path), "--root", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "is incomplete: there is no" in said or "is no record of a run" in said
    assert "run the experiment again" in said
    plt.close("all")  # one that was begun


def test_a_record_of_nothing_known():
    for show in (findings, plot_record):
        with pytest.raises(ValueError, match="record has no name, data"):
            show({})
        with pytest.raises(ValueError, match=r"record x\.y is of no known experiment"):
            show({"name": "x", "data": "y"})


# ---------------------------------------------------------------- speed


def test_a_step_checks_no_setting_again(monkeypatch):
    """Settings are looked at before the loop: more steps ask for no more of these checks."""
    from minikd import values

    asked: list[str] = []
    real = values.number, values.whole

    def number(name, *args, **options):
        asked.append(name)
        return real[0](name, *args, **options)

    def whole(name, *args, **options):
        asked.append(name)
        return real[1](name, *args, **options)

    monkeypatch.setattr(values, "number", number)
    monkeypatch.setattr(values, "whole", whole)
    counts = []
    for batch in (30, 5):
        recipe, net, objective = Recipe(1, 0.01, batch=batch), small(), hard_targets()
        asked.clear()
        train(net, DIGITS.train, objective, recipe)
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_the_environment_is_left_as_it_was():
    before = dict(os.environ)
    with pytest.raises(ValueError, match="device is 'tpu'"):
        MLP([2, 2], 0, device="tpu")
    assert dict(os.environ) == before


def test_an_objective_whose_answers_do_not_fit_is_refused_before_the_training():
    own = Objective(
        "own",
        lambda z, batch: z.sum(-1),
        lambda z, batch: np.ones_like(z),
        needs="y",
        settings={},
    )
    for change, message in (
        ({"cost": lambda z, batch: z.sum(-1).mean()}, "objective.cost.*train takes the mean"),
        ({"gradient": lambda z, batch: z.mean(0)}, "objective.gradient.*has shape"),
        ({"gradient": lambda z, batch: None}, "objective.gradient.*is None"),
        ({"cost": lambda z, batch: [0.0] * len(z)}, "objective.cost.*expected an array"),
    ):
        with pytest.raises(ValueError, match=message):
            train(MLP([784, 5, 10], 0), DIGITS.train, replace(own, **change), Recipe(1, 0.1))


def test_a_temperature_function_is_checked_as_every_temperature():
    transfer = DIGITS.train.with_logits(np.random.default_rng(0).normal(size=(60, 10)))
    for given, message in (
        (lambda batch: np.ones((len(batch.x), 1)), r"T\(batch\) has shape"),
        (lambda batch: -np.ones(len(batch.x)), r"T\(batch\) is -1"),
        (lambda batch: [1.0, [2.0]], r"T\(batch\) cannot be read"),
        (lambda batch: np.ma.masked_array(np.ones(len(batch.x))), r"T\(batch\) is a masked"),
    ):
        with pytest.raises(ValueError, match=message):
            train(MLP([784, 5, 10], 0), transfer, soft_targets(given), Recipe(1, 0.1))


def test_a_checkpoint_of_another_kind_is_refused_before_the_training(tmp_path):
    (tmp_path / "teacher.pt").write_bytes(b"weights")
    with pytest.raises(
        ValueError, match=r"checkpoint: .*teacher\.pt is a file, but not an \.npz"
    ):
        train(MLP([784, 5, 10], 0), DIGITS.train, hard_targets(), Recipe(1, 0.1),
              checkpoint=tmp_path / "teacher.pt")  # fmt: skip
    assert (tmp_path / "teacher.pt").read_bytes() == b"weights"


def test_siblings_of_what_was_tried():
    p = equations.softmax(np.random.default_rng(0).normal(size=(60, 10)))
    with pytest.raises(ValueError, match="v holds probabilities"):
        Dataset(DIGITS.train.x, v=p)
    with pytest.raises(ValueError, match="v holds probabilities"):
        DIGITS.train.with_logits(np.stack([np.log(p), p]))  # one member of two
    with pytest.raises(ValueError, match="z is a masked array"):
        equations.softmax([np.ma.masked_array([1.0, 2.0]), [0.0, 1.0]])
    with pytest.raises(ValueError, match="x holds bytes up to 255"):
        MLP([784, 5, 10], 0)(np.full((2, 784), 255, np.uint8))
    with pytest.raises(ValueError, match="two classes or more"):
        errors([[1.0], [2.0]], [0, 0])
    half = with_bias(np.float16([[300, 0]]), 0, 1.1)
    assert half.dtype == np.float32
    assert half[0, 0] == pytest.approx(301.1, rel=1e-6)
    assert "with labels for 2 members" in repr(
        Dataset(np.zeros((20, 784)), np.ones((2, 20), int))
    )
