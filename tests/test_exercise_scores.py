"""What a lecturer gets: a row for each learner and exercise, whatever was handed in."""

from __future__ import annotations

import csv
import json
from types import SimpleNamespace

import pytest

from minikd.cli import main
from minikd.exercises import EXERCISES
from minikd.exercises.check import check, scores
from minikd.shipped import folder

RIGHT = "import numpy as np\ndef softmax(z, T=1.0):\n    e = np.exp((z - z.max(-1, keepdims=True)) / T)\n"
RIGHT += "    return e / e.sum(-1, keepdims=True)\n"
ENDS = {
    "right": (RIGHT, 1, ""),
    "wrong": (RIGHT.replace(" / T", ""), 0, "softmax: "),
    "syntax": ("def softmax(:", 0, "the file cannot be run: SyntaxError"),
    "crash": ("import os\nos.abort()", 0, "the file ends Python"),
    "exit": ("raise SystemExit", 0, "the file cannot be run: SystemExit"),
    "stub": ("def softmax(z, T=1.0):\n    raise NotImplementedError", 0, "softmax: "),
    "empty": ("", 0, "softmax: "),
}


@pytest.fixture
def answers(tmp_path):
    for learner, (text, _, _) in ENDS.items():
        path = tmp_path / "answers" / learner / "01_softmax.py"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "answers"


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_scores_from_the_command_line(answers, tmp_path, capsys, ending):
    out = tmp_path / f"scores.{ending}"
    assert main(["check", str(answers), "--scores", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    rows = json.loads(text) if ending == "json" else list(csv.DictReader(text.splitlines()))
    assert len(rows) == len(ENDS) * len(EXERCISES)
    assert str(len(rows)) in capsys.readouterr().out
    for row in rows:
        _, functions, first = ENDS[row["learner"]]
        if row["exercise"] != "01_softmax":
            functions, first = 0, "not handed in"
        assert int(row["functions"]) == functions <= int(row["of"]), row
        assert row["first_off"].startswith(first), row
        assert bool(row["first_off"]) == (functions < int(row["of"])), row


def test_the_solutions_have_full_marks():
    """In one folder, without learners."""
    rows = scores(folder("lessons") / "solutions")
    assert [row["exercise"] for row in rows] == [e.stem for e in EXERCISES.values()]
    assert all(row["functions"] == row["of"] > 0 and not row["first_off"] for row in rows)


def test_a_file_of_another_name_is_not_passed_over(answers):
    (answers / "right" / "my softmax.py").write_text(RIGHT, encoding="utf-8")
    rows = {row["exercise"]: row for row in scores(answers) if row["learner"] == "right"}
    assert rows["my softmax.py"]["first_off"] == "this is the name of no exercise"


def test_no_answers_at_all(tmp_path, capsys):
    file = tmp_path / "01_softmax.py"
    file.write_text(RIGHT, encoding="utf-8")
    (tmp_path / "empty").mkdir()
    for given, said in (
        (file, "is a file; expected a folder of answers"),
        (tmp_path / "none", "is not there; expected a folder of answers"),
        (tmp_path / "empty", "holds no answer; expected files such as 01_softmax.py"),
    ):
        assert main(["check", str(given), "--scores", str(tmp_path / "x.csv")]) == 2
        assert said in capsys.readouterr().err
    assert not (tmp_path / "x.csv").exists()


# ---------------------------------------------------------------- one answer, from the command line


def test_a_right_answer_and_then_the_solution(tmp_path, capsys):
    path = tmp_path / "01_softmax.py"
    path.write_text(RIGHT)
    assert main(["check", str(path), "--solution"]) == 0
    said = capsys.readouterr().out
    assert "softmax" in said
    assert "def softmax(" in said  # the solution


def test_a_wrong_answer_is_no_success_and_shows_no_solution(tmp_path, capsys):
    path = tmp_path / "01_softmax.py"
    path.write_text(RIGHT.replace("z.max(", "z.min("))
    assert main(["check", str(path), "--solution"]) == 2
    said = capsys.readouterr()
    assert "def softmax(" not in said.out
    assert "not solved yet; --hint helps" in said.err


def test_a_hint_needs_no_answer(tmp_path, capsys):
    path = tmp_path / "01_softmax.py"
    path.write_text("")
    assert main(["check", str(path), "--hint"]) == 0
    first = capsys.readouterr().out
    assert main(["check", str(path), "--hint", "2"]) == 0
    assert first.strip()
    assert capsys.readouterr().out != first


def test_an_answer_that_is_watched_is_checked_until_ctrl_c(tmp_path, capsys, monkeypatch):
    path = tmp_path / "01_softmax.py"
    path.write_text(RIGHT.replace("z.max(", "z.min("))

    def stop(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("minikd.exercises.check.time", SimpleNamespace(sleep=stop))
    assert main(["check", str(path), "--watch"]) == 130
    assert "softmax" in capsys.readouterr().out


def test_an_answer_that_is_watched_is_checked_again_when_it_changes(
    tmp_path, capsys, monkeypatch
):
    path, waits = tmp_path / "01_softmax.py", []

    def later(seconds):
        waits.append(seconds)
        if len(waits) == 1:
            path.write_text(RIGHT)
        if len(waits) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("minikd.exercises.check.time", SimpleNamespace(sleep=later))
    path.write_text(RIGHT.replace(" / T", ""))
    assert main(["check", str(path), "--watch"]) == 130
    said = capsys.readouterr().out
    assert said.index("✗ softmax") < said.index("✓ softmax: gives the right numbers")


def test_a_hint_that_there_is_not(tmp_path, capsys):
    path = tmp_path / "01_softmax.py"
    path.write_text("")
    assert main(["check", str(path), "--hint", "99"]) == 2
    assert "is 99; expected a hint from 1 to" in capsys.readouterr().err


def test_a_file_that_answers_no_exercise(tmp_path, capsys):
    path = tmp_path / "my_softmax.py"
    path.write_text(RIGHT)
    assert main(["check", str(path)]) == 2
    assert "my_softmax.py is no exercise; expected one of 01_softmax.py" in (
        capsys.readouterr().err
    )


# ---------------------------------------------------------------- functions, from a notebook


def answers_of(text):
    names = {}
    exec(text, names)
    return names


@pytest.mark.parametrize("platform", ["linux", "win32"])  # which cannot fork
def test_functions_are_checked_where_they_are_defined(platform, capsys, monkeypatch):
    monkeypatch.setattr("minikd.exercises.check.sys", SimpleNamespace(platform=platform))
    for text, said in ((RIGHT, "✓ softmax: gives the right numbers"), (ENDS["wrong"][0], "✗ ")):
        check(softmax=answers_of(text)["softmax"])
        assert said in capsys.readouterr().out


def test_functions_that_no_exercise_asks_for():
    for given, said in (({}, "nothing"), ({"soft_max": max}, "soft_max")):
        with pytest.raises(ValueError, match=f"functions: {said} is asked for by no exercise"):
            check(**given)
