"""Fixtures that many tests share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if "PYTEST_XDIST_WORKER" in os.environ:
    # Several processes with all threads each would fight for them; NumPy reads this as it loads.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import browser
import device_double
import matplotlib as mpl
import numpy as np
import pytest

from minikd.data.mnist import SHA256, mnist_folder

mpl.use("Agg")

# "no_float64" and "no_x64" are devices of array-api-strict that lack these types.
NAMESPACES = [
    "numpy", "numpy-readonly", "strict-CPU_DEVICE", "strict-device1", "strict-no_float64",
    "strict-no_x64", pytest.param("cupy", marks=pytest.mark.gpu),
]  # fmt: skip


class Arrays:
    """Makes arrays of one library for a test, and takes them back."""

    def __init__(self, kind: str) -> None:
        library, _, device = kind.partition("-")
        self.readonly, self.device = device == "readonly", None
        if library == "numpy":
            self.xp: Any = np
        elif library == "cupy":
            self.xp = pytest.importorskip("cupy", reason="CuPy is not installed")
            if not self.xp.cuda.is_available():
                pytest.skip("no CUDA device")
        else:
            self.xp = pytest.importorskip("array_api_strict")
            self.device = self.xp.Device(device)
        self.dtype = "float32" if device.startswith("no_") else "float64"
        self.integer = "int32" if device == "no_x64" else "int64"
        # Rounding of the type, for sums of ten numbers.
        self.tolerance = 20 * float(np.finfo(self.dtype).eps)

    def __call__(self, values: Any) -> Any:
        values = np.asarray(values)
        dtype = self.dtype if np.issubdtype(values.dtype, np.floating) else self.integer
        if self.xp is np:
            made = values.astype(dtype)
            made.flags.writeable = not self.readonly
            return made
        options = {"device": self.device} if self.device else {}
        return self.xp.asarray(values.tolist(), dtype=getattr(self.xp, dtype), **options)

    def back(self, x: Any) -> Any:
        if self.xp.__name__ == "cupy":
            return x.get()
        return np.asarray(x.to_device(self.xp.Device("CPU_DEVICE")) if self.device else x)


@pytest.fixture(params=NAMESPACES)
def arrays(request: pytest.FixtureRequest) -> Arrays:
    """Every array library that the equations must run on."""
    return Arrays(request.param)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: with many processes, none has to wait for a long file at the end."""
    of_file: dict[Path, list[pytest.Item]] = {}
    for item in items:
        of_file.setdefault(item.path, []).append(item)
    slow = {path: any(i.get_closest_marker("slow") for i in of_file[path]) for path in of_file}
    items[:] = [i for path in sorted(of_file, key=lambda p: not slow[p]) for i in of_file[path]]


_STATES: dict[str, Any] = {}


@pytest.fixture(autouse=True)
def _own_numbers(request: pytest.FixtureRequest) -> None:
    """A test draws the same numbers from its file's generator, whichever tests ran before it."""
    rng = getattr(getattr(request.node, "module", None), "RNG", None)
    if rng is not None:
        state = _STATES.setdefault(request.node.module.__name__, rng.bit_generator.state)
        rng.bit_generator.state = state


@pytest.fixture(autouse=True)
def _figures_closed() -> Iterator[None]:
    """No test leaves a figure open for the next one to find."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture
def fake_gpu(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Device 'cuda' is a double that refuses to mix host and device arrays, as CuPy does."""
    return device_double.install(monkeypatch)


@pytest.fixture
def mnist() -> Path:
    """The folder of the real MNIST, or a skip."""
    folder = mnist_folder()
    if not all((folder / name).exists() for name in SHA256):
        pytest.skip(f"MNIST is not in {folder}; set MINIKD_DATA_DIR or run 'minikd data mnist'")
    return folder


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless browser, or a skip."""
    with browser.launched() as launched:
        yield launched


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """For subprocesses: no display, and warnings are errors there too."""
    return os.environ | {"MPLBACKEND": "Agg", "PYTHONWARNINGS": "error"}
