"""One direction only, and an import that costs NumPy and nothing else."""

from __future__ import annotations

import ast
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import minikd

PACKAGE = Path(minikd.__file__).parent

# From the bottom to the top: a module may import what stands before it, never after. The rooms of
# the experiments share a place, "experiments.*"; they may import each other.
ORDER = [
    "gradcheck", "threads", "backend", "values", "claims", "shipped", "folders", "npy", "logits",
    "arrays", "checkpoint", "labels", "checks",
    "probabilities", "equations", "layers",
    "mlp", "mixture", "objectives", "optim", "step", "kernels", "fast", "progress",
    "data.download", "data.unpack", "data.idx", "data.dataset", "data.augment",
    "data.render_glyphs", "data.glyphs",
    "data.mnist", "data.emnist", "data.features", "data.speech", "data", "data.catalog", "plain",
    "sampling", "fits", "watch", "resume", "train", "estimator", "evaluate", "statistics",
    "ensembles", "specialists", "combination", "hmm", "plots", "temperature", "diagram",
    "experiments.workers", "experiments.record", "experiments.kept", "experiments.run",
    "experiments.experiment", "experiments.own", "experiments.*", "experiments", "tables", "report",
    "course", "bundle",
    "exercises.exercise", "exercises.cases", "exercises.rooms.*", "exercises.rooms", "exercises",
    "exercises.process", "exercises.check", "browser.temperature", "browser.playground", "browser",
    "cli_parts", "cli", "gpu_check", "__main__",
]  # fmt: skip


def place(name):
    if name not in ORDER:
        name = "exercises.rooms.*" if name.startswith("exercises.rooms.") else "experiments.*"
    return ORDER.index(name)


def module_name(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path
    for path in PACKAGE.rglob("*.py")
    if path.parent != PACKAGE or path.stem != "__init__"
}


def imported(path):
    """Names of all modules that a file imports, also inside functions, but not for types alone."""
    waiting = [ast.parse(path.read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_order_names_every_module_but_the_rooms():
    unnamed = {name for name in MODULES if name not in ORDER}
    assert all(name.startswith(("experiments.", "exercises.rooms.")) for name in unnamed)
    assert set(ORDER) - set(MODULES) == {"experiments.*", "exercises.rooms.*"}


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_one_way(name):
    own = {
        m.removeprefix("minikd.") for m in imported(MODULES[name]) if m.startswith("minikd.")
    }
    wrong = {m for m in own & set(MODULES) if place(m) > place(name)}
    # A package and what is in it.
    assert not {m for m in wrong if not m.startswith(f"{name}.")} or name == "experiments"


def test_plots_never_train_and_reports_never_draw_statistics_from_them():
    assert not {"minikd.train", "minikd.fast", "minikd.mlp"} & set(imported(MODULES["plots"]))
    taken = {m for m in imported(MODULES["report"]) if m.startswith("minikd.plots.")}
    assert taken == {"minikd.plots.save_figure"}


@pytest.mark.parametrize("name", MODULES)
def test_only_the_backend_may_import_cupy(name):
    uses = {m for m in imported(MODULES[name]) if m.partition(".")[0] in {"cupy", "cupyx"}}
    assert not uses or name == "backend"


def test_the_gradient_checker_can_be_copied_as_one_file():
    assert not [m for m in imported(MODULES["gradcheck"]) if m.startswith("minikd")]


def test_the_library_has_no_autograd_and_no_lesson():
    for path in MODULES.values():
        roots = {m.partition(".")[0] for m in imported(path)}
        assert not roots & {"torch", "jax", "autograd", "tensorflow", "lessons"}


def test_import_loads_numpy_and_nothing_else():
    code = "import minikd, sys; print(*{m.partition('.')[0] for m in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not set(done.stdout.split()) & {
        "scipy",
        "matplotlib",
        "pooch",
        "tqdm",
        "threadpoolctl",
        "distributed",
        "cupy",
        "requests",
    }


def test_import_takes_at_most_two_fifths_longer_than_numpy(tmp_path):
    # As for a user, whose Python keeps what it has compiled.
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(tmp_path)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def seconds(module):
        code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True, text=True, check=True, env=environment,
        )  # fmt: skip
        return float(done.stdout)

    seconds("minikd")  # compiles what is not compiled
    ratios = [seconds("minikd") / seconds("numpy") for _ in range(11)]
    assert statistics.median(ratios) <= 1.4


def test_no_file_of_the_library_is_longer_than_400_lines():
    """But one: gradcheck.py is one file so that anybody can copy it, with all its hints."""
    long = {name: len(path.read_text().splitlines()) for name, path in MODULES.items()}
    assert not {
        name: lines for name, lines in long.items() if lines > 400 and name != "gradcheck"
    }
    assert len((PACKAGE / "equations.py").read_text().splitlines()) <= 330
    assert all(long[name] <= 300 for name in ("plots", "report"))


def test_what_is_exported_is_there():
    for module in (minikd, minikd.data):
        assert set(module.__all__) <= set(dir(module))
        assert all(callable(getattr(module, name)) for name in module.__all__)
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            _ = module.nothing


def test_what_a_module_needs_and_does_not_find_is_named():
    """It was "minikd has no attribute 'plots'", where matplotlib was missing."""
    code = "import sys; sys.modules['matplotlib'] = None; import minikd; minikd.plots"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "ModuleNotFoundError: " in done.stderr
    assert "matplotlib" in done.stderr.splitlines()[-1]
