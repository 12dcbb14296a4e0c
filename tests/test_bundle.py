"""The file to hand out: what is in it, and what it says where it cannot be made.

The site and the wheel, which take minutes to build, are stood in for.
"""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest

import minikd
from minikd import bundle

WHEEL = "minikd-1.0-py3-none-any.whl"


@pytest.fixture
def built(monkeypatch):
    """What is asked for is noted, and made of one line each."""
    asked = []

    def run(what, module, *arguments):
        asked.append((what, module, *map(str, arguments)))
        to = Path(arguments[-1] if module == "sphinx" else arguments[-2])
        to.mkdir()
        if module == "sphinx":
            (to / "index.html").write_text("a page")
            (to / ".doctrees").mkdir()
            (to / ".doctrees" / "index.doctree").write_text("not for readers")
        else:
            (to / WHEEL).write_text("a wheel")

    monkeypatch.setattr(bundle, "_run", run)
    return asked


def test_a_bundle_has_the_site_the_lessons_and_the_wheel_that_they_install(built, tmp_path):
    path = bundle.write_bundle(tmp_path / "new folder" / "course.zip")
    assert path == tmp_path / "new folder" / "course.zip"
    assert [p.name for p in path.parent.iterdir()] == ["course.zip"]  # no part is left
    assert [what for what, *_ in built] == ["the site", "the wheel"]
    assert "-W" in built[0]  # a warning is an error
    with zipfile.ZipFile(path) as packed:
        names = set(packed.namelist())
        assert all(name.startswith("course/") for name in names)
        assert {"course/site/index.html", f"course/wheel/{WHEEL}", "course/README.txt"} <= names
        assert not [name for name in names if ".doctrees" in name]
        said = packed.read("course/README.txt").decode()
        assert f"minikd {minikd.__version__}" in said
        assert f"pip install wheel/{WHEEL}" in said
        lessons = {
            Path(name).stem for name in names if re.search(r"/scripts/\d\d_.*\.py$", name)
        }
        assert len(lessons) >= 24
        for name in names:
            if name.endswith(".ipynb"):
                installs = [
                    word
                    for cell in json.loads(packed.read(name))["cells"]
                    for word in re.findall(r"pip install (\S+)", "".join(cell["source"]))
                ]
                up = "/".join([".."] * (len(Path(name).parts) - 2))
                assert f"{up}/wheel/{WHEEL}" in installs, name
                lessons.discard(Path(name).stem)
    assert not lessons  # each is there as a notebook too


@pytest.mark.parametrize("name", ["course", "course.tar.gz"])
def test_a_bundle_is_a_zip_file(name, built, tmp_path):
    with pytest.raises(ValueError, match=r"^to is .*; expected a path that ends in \.zip"):
        bundle.write_bundle(tmp_path / name)
    assert not built


def test_without_the_repository_there_are_no_pages(built, tmp_path, monkeypatch):
    monkeypatch.setattr(minikd, "__file__", str(tmp_path / "minikd" / "__init__.py"))
    with pytest.raises(
        FileNotFoundError, match="a bundle is made from a clone of the repository"
    ):
        bundle.write_bundle(tmp_path / "course.zip")
    assert not built


def test_what_cannot_be_built_says_why():
    with pytest.raises(RuntimeError, match=r"the wheel cannot be built: .*nonsense"):
        bundle._run("the wheel", "pip", "nonsense")
    bundle._run("nothing", "pip", "--version")
