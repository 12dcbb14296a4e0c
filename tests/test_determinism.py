"""What is the same when it is run again; the promises of docs/determinism.md."""

from __future__ import annotations

import hashlib
import itertools
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minikd.experiments import full_run, plot_record

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "determinism.md"

LEARN = """
import hashlib, sys
from minikd import MLP, Recipe, load_glyphs, soft_targets, train
import numpy as np
data = load_glyphs(rng=0, train=300, test=1).train
data = data.with_logits(np.random.default_rng(1).normal(0, 3, (300, 10)))
net = MLP([784, 40, 10], rng=[3, 4])
recipe = Recipe(3, 0.02, batch=50, dropout=(0.1, 0.5), max_norm=2.0, jitter=2, subpixel=True)
train(net, data, soft_targets((2.0, 20.0), 0.5), recipe, rng=5)
print(hashlib.sha256(b"".join(p.tobytes() for p in net.parameters)).hexdigest())
"""


def learnt(environment, **more):
    return subprocess.run(
        [sys.executable, "-c", LEARN], check=True, capture_output=True, text=True,
        env=environment | more,
    ).stdout.strip()  # fmt: skip


def test_another_process_learns_the_same_weights(environment):
    # Python hashes text by a random seed in each process: nothing may hang on it.
    first, second = (learnt(environment, PYTHONHASHSEED=seed) for seed in ("1", "2"))
    assert first == second
    assert len(first) == 64


@pytest.mark.parametrize("name", ["omitted-3", "temperature-width"])
def test_a_record_gives_the_same_picture(name):
    pixels = []
    for _ in range(2):
        figure = plot_record(full_run(name))
        figure.canvas.draw()
        pixels.append(hashlib.sha256(np.asarray(figure.canvas.buffer_rgba())).hexdigest())
    assert pixels[0] == pixels[1]


def test_every_promise_names_a_test_that_is_there():
    named = re.findall(r"`(tests/\w+\.py)::(\w+)`", PAGE.read_text(encoding="utf-8"))
    assert len(named) >= 9
    for file, function in named:
        assert f"def {function}(" in (ROOT / file).read_text(encoding="utf-8"), function


def test_the_page_of_trust_is_made_of_its_records():
    sys.path.insert(0, str(ROOT / "proofs"))
    import fused
    import measured
    import page

    for path in (page.PAGE, page.SURVIVORS):
        text = path.read_text(encoding="utf-8")
        assert page.page(text) == text, "run python proofs/page.py"
    for name in page.BLOCKS:
        assert f"<!-- {name} -->" in page.PAGE.read_text(encoding="utf-8")
    found = {name: measured.read(page.RECORDS / f"{name}.json")[0] for name in page.BLOCKS}
    # Nothing that was tried failed.
    assert max(row["error"] for row in found["backwards"]) <= 1e-11
    assert not any(of["wrong"] for of in found["fuzz"]["formats"].values())
    assert not any(row["works"] is False for row in found["installs"]["rows"])
    assert all(of["same"] and not of["orphans"] for of in found["crashes"]["tried"])
    assert (
        sum(of["times"] for of in found["crashes"]["tried"] if "SIGKILL" in of["done"]) >= 100
    )
    assert found["load"]["same"]
    assert not found["load"]["orphans"]
    assert not any(row["failed"] for row in found["lessons"]["rows"])
    for run, of in (found["covered"]["lines"], found["covered"]["branches"]):
        assert run >= 0.95 * of
    of_kernels = [(row["kernel"], row["dtype"]) for row in found["fused"]["rows"]]
    assert of_kernels == list(
        itertools.product([name for name, _ in fused.fused_functions()], fused.DTYPES)
    )
    assert all(
        row["computes in"] == [{"float32": "float", "float64": "double"}[row["dtype"]]]
        for row in found["fused"]["rows"]
    )
    assert all(all(row["bytes"]) for row in found["fused"]["rows"])
    mutants = found["mutants"].values()
    assert sum(of["killed"] for of in mutants) >= 0.95 * sum(of["mutants"] for of in mutants)
    assert "| open |" not in page.SURVIVORS.read_text(encoding="utf-8")
