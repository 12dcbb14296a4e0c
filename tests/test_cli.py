"""The command: what it prints, what it writes, and how it fails."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import webbrowser
from dataclasses import replace

import numpy as np
import pytest
import test_experiments

from minikd import __version__, cli, cli_parts, experiments, load_glyphs
from minikd.data import catalog, load_characters, synthesize_speech
from minikd.experiments import EXPERIMENTS
from minikd.experiments import kept as kept_files
from minikd.experiments.record import read_record


@pytest.fixture
def quick(monkeypatch):
    """The real experiments with a small data set and small networks."""
    test_experiments.replace_data(
        monkeypatch, "glyphs", lambda: load_glyphs(rng=0, train=800, test=400)
    )
    test_experiments.replace_data(
        monkeypatch, "synthetic", lambda: synthesize_speech(0, train=30, test=12)
    )
    test_experiments.replace_data(
        monkeypatch, "characters", lambda: load_characters(0, 1400, 400)
    )
    shrunk = {
        name: replace(
            experiment,
            presets={next(iter(experiment.presets)): test_experiments.quick(name)},
        )
        for name, experiment in EXPERIMENTS.items()
    }
    monkeypatch.setattr(experiments, "EXPERIMENTS", shrunk)


def cli_presets(name):
    return experiments.EXPERIMENTS[name].presets


def test_list(capsys):
    assert cli.main(["list"]) == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()] == list(EXPERIMENTS)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_a_command_in_one_line(name, monkeypatch, capsys):
    if not hasattr(signal, name):
        pytest.skip("a signal of Unix")
    number = getattr(signal, name)
    before = signal.getsignal(number)
    monkeypatch.setattr(cli, "_list", lambda _: signal.raise_signal(number))
    assert cli.main(["list"]) == 128 + number
    assert capsys.readouterr().err == "minikd: stopped\n"
    assert signal.getsignal(number) == before


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EROFS, "Read-only file system", "/a/b"), "/a/b: Read-only file system"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError(errno.EMFILE, "Too many open files", "/a/b"),
         "/a/b: the limit on open files is reached; ulimit -n raises it"),
        (OSError("cannot write to out /a"), "cannot write to out /a"),
    ],
)  # fmt: skip
def test_errors_of_the_system_are_in_words(error, said, monkeypatch, capsys):
    def fails(_):
        raise error

    monkeypatch.setattr(cli, "_list", fails)
    assert cli.main(["list"]) == 2
    assert capsys.readouterr().err == f"minikd: {said}\n"


def test_nohup_keeps_a_command_running(monkeypatch):
    if not hasattr(signal, "SIGHUP"):
        pytest.skip("a signal of Unix")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        monkeypatch.setattr(cli, "_list", lambda _: signal.raise_signal(signal.SIGHUP))
        assert cli.main(["list"]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_run_writes_record_and_figure(quick, tmp_path, capsys):
    first, *others = EXPERIMENTS
    out = ["--out", str(tmp_path)]
    assert cli.main(["run", first, "--seeds", "2", *out]) == 0
    assert "±" in capsys.readouterr().out
    assert cli.main(["run", *others, *out]) == 0
    said = capsys.readouterr().out
    for name in EXPERIMENTS:
        (data,) = cli_presets(name)
        seeds = [0, 1] if name == first else [0]
        assert read_record(tmp_path / f"{name}.{data}.json")["seeds"] == seeds
        assert (tmp_path / f"{name}.{data}.png").stat().st_size > 10_000
        assert name == first or f"{name} on {data}" in said


def test_temperature(tmp_path, capsys):
    assert cli.main(["temperature", "--out", str(tmp_path)]) == 0
    assert str(tmp_path / "temperature.png") in capsys.readouterr().out


def test_temperature_of_ones_own_logits(tmp_path, capsys):
    out = ["--out", str(tmp_path)]
    line = ["temperature", "--logits", "-1,2,0.1", "--student", "-2,1,0", "--names", "cat,dog,car",
            "--T", "1,4,20,50", "--format", "svg", *out]  # fmt: skip
    assert cli.main(line) == 0
    drawn = (tmp_path / "temperature.svg").read_text()
    assert str(tmp_path / "temperature.svg") in capsys.readouterr().out
    assert "<svg" in drawn
    rows = tmp_path / "rows.csv"
    rows.write_text("cat,dog,car\n1,2,3\n\n-4,0.5,1e1\n")
    np.save(tmp_path / "rows.npy", np.arange(6, dtype=np.float32).reshape(2, 3))
    for path in (rows, tmp_path / "rows.npy"):
        assert cli.main(["temperature", "--logits-file", str(path), *out]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 2
        assert cli.main(["temperature", "--logits-file", str(path), "--together", *out]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 1
    assert {path.name for path in tmp_path.glob("*.png")} == {
        "temperature.png", "temperature_1.png", "temperature_2.png",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--logits", "1,b"], "--logits is '1,b'; expected numbers with commas between them"),
        (["--logits", "1,inf"], "--logits is '1,inf'; expected finite numbers"),
        (["--logits", "1"], "v has 1 logit; expected one for each of two classes or more"),
        (["--logits", "1,2", "--student", "1"], "different numbers of classes"),
        (["--logits", "1,2", "--names", "a"], "v has 2 logits and names 1"),
        (["--logits", "1,2", "--T", "0"], "--T is '0'; expected positive numbers"),
        (["--logits", "1,2", "--T", "4,-1"], "--T is '4,-1'; expected positive numbers"),
        (["--format", "exe"], "--format is 'exe'; expected png, svg or pdf"),
        (["--logits-file", "nothing.csv"], "nothing.csv"),
        (["--logits-file", os.devnull], "is a device, which may never end"),
        (["--logits", "1,2", "--logits-file", "a.csv"], "not allowed with argument --logits"),
    ],
)
def test_logits_that_cannot_be_drawn(arguments, message, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "minikd", "temperature", *arguments, "--out", tmp_path],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("page", cli_parts.PAGES)
def test_explore_writes_a_page_and_prints_its_path(page, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(webbrowser, "open", None)  # it must not come to that
    assert cli.main(["explore", page, "--no-browser", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / page}.html\n"
    assert (tmp_path / f"{page}.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("found", [True, False])
def test_explore_opens_the_temperature_page(found, tmp_path, capsys, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or found)
    assert cli.main(["explore", "--out", str(tmp_path)]) == 0
    page = tmp_path / "temperature.html"
    assert opened == [page.as_uri()]
    said = capsys.readouterr().out
    assert said.startswith(f"wrote {page}")
    assert ("no browser was found" in said) is not found


def test_data(monkeypatch, capsys, tmp_path):
    small = replace(
        catalog.SOURCES["mnist"],
        fetch=lambda progress: tmp_path, load=lambda: load_glyphs(train=12, test=7),
    )  # fmt: skip
    monkeypatch.setitem(catalog.SOURCES, "mnist", small)
    assert cli.main(["data", "mnist"]) == 0
    assert f"mnist is in {tmp_path}: 12 + 7 images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["run", "omitted-3", "--data", "mnist"], "MINIKD_DATA_DIR"),
        (["run", "omitted-3", "--device", "cuda"], "use device 'cpu'"),
        (["run", "forecast", "--data", "speech"], "fsdd/recordings.zip"),
        (["run", "forecast", "--data", "mnist"], "expected one of synthetic, speech"),
        (["run", "omitted-4"], "no experiment 'omitted-4'"),
        (["run", "nowhere.py"], "nowhere.py is not there"),
    ],
)
def test_an_error_is_one_line_and_exit_code_2(argv, word, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MINIKD_DATA_DIR", str(tmp_path))
    monkeypatch.setitem(sys.modules, "cupy", None)  # as if it were not installed
    assert cli.main([*argv, "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("minikd: ")
    assert word in error
    assert error.count("\n") == 1
    for debug in (["--debug", *argv], [*argv, "--debug"]):
        with pytest.raises((OSError, ValueError)):
            cli.main([*debug, "--out", str(tmp_path)])


@pytest.mark.parametrize(
    "argv",
    [[], ["run"], ["run", "omitted-3", "--seeds", "0"], ["run", "omitted-3", "--seeds", "two"],
     ["data", "imagenet"], ["walk"]],
)  # fmt: skip
def test_wrong_words_exit_with_2(argv, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(argv)
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("minikd")
    assert error.count("\n") == 1


@pytest.mark.parametrize("command", [["temperature"], ["run", "omitted-3"]])
def test_a_folder_that_cannot_be_written(command, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(kept_files, "train", None)  # it must not come to that
    (tmp_path / "file").write_text("")
    assert cli.main([*command, "--out", str(tmp_path / "file" / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_interrupt_says_how_to_go_on(monkeypatch, capsys, tmp_path):
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("minikd.experiments.experiment.run_seeds", interrupted)
    command = ["run", "omitted-3", "--out", str(tmp_path)]
    assert cli.main(command) == 130
    assert capsys.readouterr().err == "minikd: stopped; nothing was kept yet\n"
    (tmp_path / ".kept").mkdir()
    (tmp_path / ".kept" / "teacher.npz").write_bytes(b"")
    assert cli.main(command) == 130
    assert "goes on" in capsys.readouterr().err


def test_all_names_are_looked_up_before_the_first_is_run(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("minikd.experiments.experiment.run_seeds", None)
    for names, word in (
        (["omitted-3", "omited-3"], "no experiment 'omited-3'"),
        (["omitted-3", "forecast", "--data", "mnist"], "forecast has no data 'mnist'"),
        (["omitted-3", "--threads", "1" + 20 * "0"], "not an integer from 1 to 1024"),
        (["omitted-3", "--seeds", "1" + 20 * "0"], "not an integer from 1 to 10000"),
    ):
        try:
            code = cli.main(["run", *names, "--out", str(tmp_path)])
        except SystemExit as stopped:
            code = stopped.code
        assert code == 2
        assert word in capsys.readouterr().err


def test_all_data_is_there_before_the_first_is_run(quick, monkeypatch, capsys, tmp_path):
    """Also where a file of one's own loads it."""
    monkeypatch.setattr("minikd.experiments.experiment.run_seeds", None)
    own = tmp_path / "own.py"
    own.write_text(
        "from dataclasses import replace\n"
        "from minikd.experiments import EXPERIMENTS\n"
        "def load():\n"
        "    raise OSError('own data: not there')\n"
        "of = EXPERIMENTS['omitted-3']\n"
        "own = replace(next(iter(of.presets.values())), data='own')\n"
        "EXPERIMENT = replace(of, presets={'own': own, **of.presets}, load={'own': load})\n",
        encoding="utf-8",
    )
    assert cli.main(["run", str(own), str(own), "--data", "own", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "minikd: own data: not there\n"


@pytest.mark.parametrize("ending", ["json", "png"])
def test_a_folder_in_the_place_of_a_result_is_seen_first(ending, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("minikd.experiments.experiment.run_seeds", None)
    path = tmp_path / f"omitted-each.glyphs.{ending}"
    path.mkdir()
    assert cli.main(["run", "omitted-3", "omitted-each", "--out", str(tmp_path)]) == 2
    assert f"{path} is a folder" in capsys.readouterr().err


def test_an_empty_address_is_no_cluster(capsys, tmp_path):
    assert cli.main(["run", "omitted-3", "--cluster", "", "--out", str(tmp_path)]) == 2
    assert "no Dask scheduler answers at ''" in capsys.readouterr().err


def test_as_a_module(environment):
    done = subprocess.run(
        [sys.executable, "-m", "minikd", "--version"],
        capture_output=True, text=True, env=environment, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == f"minikd {__version__}"
    assert not done.stderr
