"""Lessons as notebooks and scripts, their figures, and what an installed wheel holds of them."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from minikd import claims, course, plots, shipped
from minikd.claims import claim
from minikd.course import (
    as_notebook,
    draw_lessons,
    exercise_files,
    lesson_files,
    write_lessons,
)

ROOT = Path(__file__).parents[1]
TINY = """# %% [markdown]
# # 01 A tiny lesson
# Two words.

# %%
from matplotlib.figure import Figure

from minikd.plots import save_figure
from minikd.progress import with_progress

for _ in with_progress(0, 3, "counting", "step"):
    pass
figure = Figure()
figure.suptitle("Less is < more")
print("wrote", save_figure(figure, "out/01_tiny.png"))
"""


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """One lesson, that takes no time."""
    lesson = tmp_path / "shipped" / "01_tiny.py"
    lesson.parent.mkdir()
    lesson.write_text(TINY)
    monkeypatch.setattr(course, "folder", lambda name: lesson.parent)
    return lesson


def test_every_lesson_is_a_notebook_that_begins_with_how_to_install():
    """Exercises too."""
    assert [path.parent for path in lesson_files()] == [ROOT / "lessons"] * len(lesson_files())
    for lesson in [*lesson_files(), *exercise_files()]:
        notebook = as_notebook(lesson.read_text(encoding="utf-8"))
        nbformat.validate(notebook)
        kinds = [cell.cell_type for cell in notebook.cells]
        assert kinds[:2] == ["markdown", "code"]
        assert "pip install" in notebook.cells[1].source
        assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
        code = "\n".join(c.source for c in notebook.cells if c.cell_type == "code")
        compile(code, lesson.name, "exec")


def test_lessons_are_written_and_what_a_learner_wrote_is_kept(tmp_path):
    for form, ending in (("notebook", "ipynb"), ("script", "py")):
        to = tmp_path / form
        written = write_lessons(to, form)
        expected = [f"{path.stem}.{ending}" for path in [*lesson_files(), *exercise_files()]]
        assert [path.name for path in written] == expected
        assert write_lessons(to, form) == written  # they are there, and the same
        written[0].write_text("my own notes")
        with pytest.raises(
            ValueError, match="is there already, and is not the lesson as it comes"
        ):
            write_lessons(to, form)
        assert written[0].read_text() == "my own notes"
    with pytest.raises(ValueError, match="form is 'pdf'; expected notebook or script"):
        write_lessons(tmp_path, "pdf")


def test_scripts_need_no_jupytext_and_notebooks_say_what_they_need(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jupytext", None)
    assert write_lessons(tmp_path / "scripts", "script")
    with pytest.raises(ModuleNotFoundError, match="notebooks need jupytext: pip install"):
        write_lessons(tmp_path / "notebooks")
    assert not (tmp_path / "notebooks").exists()


@pytest.mark.slow
def test_a_notebook_shows_its_figure_and_how_far_it_is(tiny, tmp_path):
    nbclient = pytest.importorskip("nbclient")
    (path,) = write_lessons(tmp_path / "notebooks")
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    (shown,) = [
        o["data"]["text/html"]
        for o in outputs
        if "<img" in o.get("data", {}).get("text/html", "")
    ]
    assert 'alt="Less is &lt; more"' in shown
    assert "data:image/png;base64," in shown
    said = "".join(output.get("text", "") for output in outputs)
    assert "wrote out/01_tiny.png" in said
    assert (tmp_path / "out" / "01_tiny.png").exists()


def test_figures_of_lessons_in_the_formats_that_are_asked_for(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    drawn = list(draw_lessons("slides", ("svg", "pdf")))
    assert [path.name for path in drawn] == ["01_tiny.pdf", "01_tiny.svg"]
    assert all(path.exists() and path.parent == tmp_path / "slides" for path in drawn)
    assert not (tmp_path / "out").exists()  # lessons run in a folder of their own
    assert not plots._formats
    with pytest.raises(ValueError, match="expected some of png, svg, pdf"):
        list(draw_lessons("slides", ("exe",)))


def test_figures_beside_what_a_lesson_keeps_and_after_a_lesson_that_fails(
    tiny, tmp_path, monkeypatch
):
    """Lesson 05 keeps its teacher in out/.kept; a lesson that fails loses no other."""
    keeps = "from pathlib import Path\nPath('out/.kept').mkdir(parents=True)\n"
    (tiny.parent / "00_keeps.py").write_text(keeps + tiny.read_text())
    (tiny.parent / "02_fails.py").write_text("raise ValueError('no')")
    (tiny.parent / "03_last.py").write_text(tiny.read_text().replace("01_tiny", "03_last"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RuntimeError, match=r"1 lesson ended in an error; 02_fails\.py: no"):
        list(draw_lessons("slides"))
    drawn = sorted(path.name for path in (tmp_path / "slides").iterdir())
    assert drawn == ["01_tiny.png", "03_last.png"]
    assert [path.name for path in draw_lessons("one", numbers=["03"])] == ["03_last.png"]
    with pytest.raises(ValueError, match="numbers is '44'; expected some of 00, 01, 02, 03"):
        list(draw_lessons("slides", numbers=["44"]))


def test_a_claim_says_what_was_expected_and_what_was_found(capsys):
    claim(True, "less", "3", "nothing")
    claim(False, "less", "7", "More is more.")
    first, second = capsys.readouterr().out.splitlines()
    assert first == "It holds. Expected: less. Found: 3."
    assert second == "It does not hold here. Expected: less. Found: 7. More is more."
    assert claims.claim is claim


def test_what_comes_with_minikd_is_found():
    assert shipped.folder("lessons") == ROOT / "lessons"
    assert (shipped.folder("results") / "omitted-3.mnist.json").exists()
    with pytest.raises(ValueError, match="name is 'other'; expected lessons or results"):
        shipped.folder("other")


@pytest.mark.slow
def test_an_installed_wheel_has_lessons_and_records(tmp_path):
    """Also: it finds them, and nothing of the repository."""
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", tmp_path, ROOT],
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "installed")
    code = (
        "import json, minikd, minikd.course, minikd.experiments as e;"
        "print(json.dumps([minikd.__file__, len(minikd.course.lesson_files()),"
        " e.full_run('omitted-3')['name']]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "installed", capture_output=True, text=True,
        check=True, env={"PYTHONPATH": str(tmp_path / "installed"), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    file, lessons, name = json.loads(done.stdout)
    assert file.startswith(str(tmp_path))
    assert lessons == len(lesson_files())
    assert name == "omitted-3"
